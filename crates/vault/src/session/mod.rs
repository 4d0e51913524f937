//! One conversation: hello, then what the role may ask.

mod access;
mod approvals;
mod archive;
mod cases;
mod comparing;
mod corrections;
mod datasets;
mod disposal;
mod ending;
mod erasure;
mod exact_only;
mod facts;
mod looking;
mod manifests;
mod publishing;
mod quarantine;
mod rectification;
mod retention;
mod review;
mod rotation;
mod runs;
mod slips;
mod subjects;

pub(crate) use approvals::FOLDER as PROPOSALS;
pub(crate) use publishing::files_of;
pub(crate) use rotation::FOLDER as CROSSWALKS;

use minster_model::{Purpose, Role};
use minster_vault_api::{Denial, PROTOCOL, Proof, Request, Response};

use crate::{
    VaultFault,
    log::{Asker, Event},
    state::State,
    vault::Vault,
};

/// The state of one conversation.
pub struct Session<'a> {
    vault: &'a Vault,
    uid: u32,
    asker: Option<Asker>,
    run: Option<runs::OpenRun>,
    quarantine: Option<quarantine::Opening>,
    access: Option<access::Access>,
    making: Option<archive::Making>,
    opening: Option<archive::Opening>,
    comparing: Option<comparing::Comparing>,
    /// The proposal about one child whose number was typed here.
    compared: Option<String>,
    /// The proposal to correct a child's records whose correction was given here.
    compared_correction: Option<String>,
    /// The list of restricted children that was told here last, and its purpose.
    restricted: Option<(Purpose, String)>,
}

impl<'a> Session<'a> {
    /// A conversation with a caller whose uid the socket told.
    pub fn new(vault: &'a Vault, uid: u32) -> Self {
        Self {
            vault,
            uid,
            asker: None,
            run: None,
            quarantine: None,
            access: None,
            making: None,
            opening: None,
            comparing: None,
            compared: None,
            compared_correction: None,
            restricted: None,
        }
    }

    /// Whether hello was said, in a role that the caller holds.
    pub fn is_welcome(&self) -> bool {
        self.asker.is_some()
    }

    /// Answers one request. A denial is logged; the conversation goes on.
    pub fn answer(&mut self, request: Request) -> Response {
        self.try_answer(request).unwrap_or_else(|denial| self.denied(denial))
    }

    /// The answer to what is no message.
    pub(crate) fn malformed(&self) -> Response {
        let what =
            "it is none of this release, or a list or text in it is longer than a message may hold";
        self.denied(out_of_order(what))
    }

    fn denied(&self, denial: Denial) -> Response {
        match self.vault.denied(self.uid, self.asker.as_ref(), &denial) {
            Ok(()) => Response::Denied(denial),
            Err(unwritable) => Response::Denied(unwritable),
        }
    }

    fn try_answer(&mut self, request: Request) -> Result<Response, Denial> {
        // A role may end while a conversation goes on. A grant looks again: see [`Vault::decide`].
        if let Some(Asker { uid, role, .. }) = self.asker {
            self.vault.holds(uid, role)?;
        }
        match request {
            Request::Hello { protocol, role, program } => self.hello(protocol, role, program),
            Request::OpenRun(manifest) => self.open_run(manifest),
            Request::Pseudonymise { kind, identifiers } => self.pseudonymise(&kind, &identifiers),
            Request::TellBirths { kind, identifiers, born } => {
                self.tell_births(&kind, &identifiers, &born)
            }
            Request::Repair { kind, faulty, born } => self.repair(&kind, &faulty, &born),
            Request::CloseRun(inputs) => self.close_run(inputs),
            Request::LeaveRun => self.leave_run(),
            Request::CreateKey(dataset) => self.create_key(dataset),
            Request::UnwrapKey(dataset, wrapped, run, manifest) => {
                self.unwrap_key(dataset, &wrapped, run.as_ref(), &manifest)
            }
            Request::ScanKey(dataset, wrapped, run, manifest) => {
                self.scan_key(dataset, &wrapped, run.as_ref(), &manifest)
            }
            Request::Status => {
                self.asker()?;
                Ok(Response::Status(self.vault.status()?))
            }
            Request::Statement => {
                let asker = self.asker()?;
                self.vault.statement(asker).map(Response::Note)
            }
            Request::Prove { challenge } => {
                self.asker()?;
                self.vault.prove(&Proof { challenge, caller: self.uid }).map(Response::Note)
            }
            Request::Checkpoint => {
                self.allow(&[Role::Auditor, Role::Custodian], "a checkpoint")?;
                self.vault.checkpoint(self.asker.as_ref()).map(|(note, _)| Response::Note(note))
            }
            Request::Propose(proposed) => self.propose(proposed),
            Request::Approve(approval) => self.approve(approval),
            Request::Enact { proposal } => self.enact(&proposal),
            Request::Reidentify { proposal } => self.reidentify(&proposal),
            Request::FindSubject { proposal, kind, identifiers } => {
                self.find_subject(&proposal, &kind, &identifiers)
            }
            Request::BeginQuarantine(case) => self.begin_quarantine(case),
            Request::QuarantinePiece(piece) => self.quarantine_piece(&piece),
            Request::EndQuarantine => self.end_quarantine(),
            Request::Crosswalk { purpose, from, page } => self.crosswalk(&purpose, from, page),
            Request::Publish(publication) => self.publish(publication),
            Request::ExactOnly { purpose } => self.exact_only(purpose),
            Request::GiveReview { purpose, reviewer, pairs } => {
                self.give_review(purpose, reviewer, pairs)
            }
            Request::TakeReview(decisions) => self.take_review(decisions),
            Request::CompareExactOnly { proposal, numbers } => {
                self.compare_exact_only(proposal, &numbers)
            }
            Request::CountExactOnly => self.count_exact_only(),
            Request::Releases { purpose, page } => self.releases(&purpose, page),
            Request::RecordManifest { manifest, carried_from } => {
                self.record_manifest(manifest, carried_from)
            }
            Request::TakeOver { purpose, manifests } => self.take_over(purpose, manifests),
            Request::Manifests { purpose, page } => self.manifests(&purpose, page),
            Request::Proposals => self.proposals(),
            Request::ReadLog { from } => self.read_log(from),
            Request::CompareSubject { proposal, identifiers } => {
                self.compare_subject(proposal, &identifiers)
            }
            Request::TellFacts(facts) => self.tell_facts(&facts),
            Request::PlanRetention { purpose, schedule, until } => {
                self.plan_retention(purpose, &schedule, &until)
            }
            Request::ReadDisposal { list, from } => self.read_disposal(&list, from),
            Request::RecordDisposed { manifest, carried_from, list } => {
                self.record_disposed(manifest, carried_from, list)
            }
            Request::ReadReceipt { list } => self.read_receipt(&list),
            Request::ReportDisposal { purpose, receipt } => self.report_disposal(purpose, receipt),
            Request::Purposes => self.purposes(),
            Request::OpenCase(case) => self.open_case(case),
            Request::Cases { all, page } => self.cases(all, page),
            Request::CloseCase { case, answered } => self.close_case(case, &answered),
            Request::CaseReceipt { case } => self.case_receipt(&case),
            Request::Restricted { purpose } => self.restricted(purpose),
            Request::BeginAccess { proposal, schedule } => self.begin_access(proposal, &schedule),
            Request::WriteBundle(parts) => self.write_bundle(parts),
            Request::EndAccess(counts) => self.end_access(counts),
            Request::ReadEnd { purpose } => self.read_end(&purpose),
            Request::TellRemoval { purpose, removal } => self.tell_removal(purpose, removal),
            Request::FinishEnd { purpose } => self.finish_end(&purpose),
            Request::EndCertificate { purpose } => self.end_certificate(&purpose),
            Request::DisposalParts { list } => self.disposal_parts(&list),
            Request::BeginArchive { list, part } => self.begin_archive(list, part),
            Request::EndArchive(counts) => self.end_archive(counts),
            Request::Archives { page } => self.archives(page),
            Request::BeginOpening { proposal } => self.begin_opening(proposal),
            Request::OpenPiece(piece) => self.open_piece(&piece),
            Request::EndOpening => self.end_opening(),
            Request::CompareCorrection { proposal, correction } => {
                self.compare_correction(proposal, &correction)
            }
            Request::CorrectionsDigest { purpose, source } => {
                self.corrections_digest(&purpose, &source)
            }
            Request::Corrections { kind, identifiers } => self.corrections(&kind, &identifiers),
            Request::CorrectNumbers { kind, identifiers, born } => {
                self.correct_numbers(&kind, &identifiers, &born)
            }
            Request::TellCorrected(met) => self.tell_corrected(met),
            Request::Compare(texts) => self.compare(texts),
            Request::Unlock(_) => {
                self.asker()?;
                Err(out_of_order("the vault is open"))
            }
        }
    }

    fn hello(&mut self, protocol: u16, role: Role, program: String) -> Result<Response, Denial> {
        if protocol != PROTOCOL {
            return Err(Denial::Protocol { vault: PROTOCOL });
        }
        if self.asker.is_some() {
            return Err(out_of_order("hello was said before"));
        }
        self.vault.holds(self.uid, role)?;
        let program = program.chars().filter(char::is_ascii_graphic).take(40).collect();
        self.asker = Some(Asker { uid: self.uid, role, program });
        Ok(Response::Welcome { protocol: PROTOCOL })
    }

    fn asker(&self) -> Result<&Asker, Denial> {
        self.asker.as_ref().ok_or_else(|| out_of_order("say hello first"))
    }

    fn allow(&self, roles: &[Role], what: &str) -> Result<(), Denial> {
        let role = self.asker()?.role;
        match roles.contains(&role) {
            true => Ok(()),
            false => Err(Denial::RoleForbids { role, what: what.to_owned() }),
        }
    }

    /// Decides on an entry and adds it, under one lock: see [`Vault::decide`].
    fn decide<T>(
        &self,
        decide: impl FnOnce(&State) -> Result<(Event, T), Denial>,
    ) -> Result<T, Denial> {
        self.vault.decide(self.asker.as_ref(), decide)
    }
}

/// A reference is logged, so it must not be what identifies a child.
pub(crate) fn check_reference(reference: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_/.".contains(c);
    if reference.is_empty() || reference.len() > 40 || !reference.chars().all(allowed) {
        return Err("its reference is 1 to 40 letters, digits, '-', '_', '/' and '.'");
    }
    if longest_digits(reference, "") >= 9 {
        return Err("its reference must not hold a number of nine digits or more: it is logged");
    }
    Ok(())
}

/// The longest run of digits, what is in `between` left out.
fn longest_digits(text: &str, between: &str) -> usize {
    let left = text.chars().filter(|c| !between.contains(*c)).collect::<String>();
    left.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default()
}

/// Whether a text is a SHA-256 in hexadecimal.
fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Session<'_> {
    /// An object that is told, signed: the same each time. `what` it is goes into the fault.
    fn signed(&self, what: &str, told: &serde_json::Value) -> Result<Response, Denial> {
        let unwritable = |_| Denial::Fault { what: format!("{what} could not be written") };
        let text = serde_json::to_string_pretty(told).map_err(unwritable)?;
        self.vault.sign(&(text + "\n")).map(Response::Note)
    }
}

fn out_of_order(what: &str) -> Denial {
    Denial::OutOfOrder { what: what.to_owned() }
}

/// The caller is told what failed; a fault's text holds no identifier.
fn fault(fault: VaultFault) -> Denial {
    Denial::Fault { what: fault.to_string() }
}
