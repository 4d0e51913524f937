//! The state that the log adds up to: purposes, versions, approvals, budgets. Nothing of it is kept elsewhere, so
//! that nobody without the root key can add a purpose or an approval.

mod admit;
mod archives;
mod cases;
mod corrections;
mod days;
mod ending;
mod proposals;
mod purposes;
mod releases;
mod retention;
mod retiring;
mod roles;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use minster_model::{DatasetClass, DatasetRef, KeyVersion, Period, Purpose, SourceName, TableName};
use minster_vault_api::{Denial, Publication};

use days::day_of;

pub(crate) use archives::{Archive, OpenPart};
pub(crate) use cases::{Case, Cases, Restrictions, is_of_children};
pub(crate) use ending::Ending;
pub use proposals::ProposalState;
pub(crate) use retention::{ClosedDisposal, Hold, OpenDisposal};
pub(crate) use roles::changes_end;

use crate::{
    approvals::{CustodianKey, NEEDED, StoppedRun, refusal},
    log::{Entry, Event, RegistryHead, checkpoint::Accepted},
    manifests::Manifests,
    purposes::PurposeDefinition,
    roles::{EverHeld, RoleTable},
};

/// The state that the log's entries lead to.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Whether the log begins with the vault's making: not so in one of the first format.
    pub made: bool,
    /// The custodians.
    pub custodians: Vec<CustodianKey>,
    /// The holders of each role.
    pub roles: RoleTable,
    /// The table of `vault.toml` as it was last taken over.
    pub(crate) roles_file: Option<RoleTable>,
    /// The roles that each uid ever held.
    pub(crate) ever_held: EverHeld,
    /// The day of the last entry: none is of an earlier one, but where two custodians accepted a clock.
    pub(crate) last_day: Option<Date>,
    /// The purposes.
    pub purposes: BTreeMap<Purpose, PurposeState>,
    /// Proposals that were neither carried out nor forgotten.
    pub proposals: BTreeMap<String, ProposalState>,
    /// How often the custody was changed.
    pub generation: u32,
    /// The format that `store.json` has at least; 0 where no entry says.
    pub store_format: u32,
    /// Checkpoints signed.
    pub checkpoints: u64,
    /// Entries that the last checkpoint covers of which the log knows that it reached its folder; nothing where no
    /// folder was used.
    pub exported: Option<u64>,
    /// Losses of checkpoints that two custodians accepted.
    pub accepted: Vec<Accepted>,
    /// How often two custodians accepted what kept the vault from starting.
    pub restorations: u64,
    /// The protections that the system granted when the vault last started.
    pub hardening: String,
    /// Whether the vault last started for a single user.
    pub single_user: bool,
    /// The list of identities that are linked by their number alone; none where none was made.
    pub(crate) exact_only: Option<ListHead>,
    /// Holds, by the proposal that made the hold.
    pub(crate) holds: BTreeMap<String, Hold>,
    /// Cases of children's rights.
    pub(crate) cases: Cases,
    /// A day, and what comparisons with the registries cost on it.
    pub(crate) compared: Option<(Date, u64)>,
}

/// Which list of identities that are linked by their number alone stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListHead {
    /// The proposal that made it.
    pub(crate) proposal: String,
    /// The proposal that made the one before it.
    pub(crate) before: Option<String>,
    /// Numbers on it.
    pub(crate) numbers: u64,
}

/// One purpose's state.
#[derive(Debug, Clone)]
pub struct PurposeState {
    /// Its definition.
    pub definition: PurposeDefinition,
    /// The version of its keys.
    pub version: KeyVersion,
    /// Versions that are answered for no more.
    pub retired: BTreeSet<KeyVersion>,
    /// How many pairs lead from a version to the next.
    pub(crate) pairs: BTreeMap<KeyVersion, u64>,
    /// For each dataset, `source/school_census/2024-25`, the version under which its last key was made: as far as the vault
    /// knows, it stands under that one. Linkage datasets are not among them: no version outlives them.
    pub(crate) datasets: BTreeMap<String, KeyVersion>,
    /// Sources of which a run was closed: their next run is no first load.
    pub loaded: BTreeSet<SourceName>,
    /// Newcomers of sources of which no run was closed yet: a first load may be cut short and begun again,
    /// but brings no more than one.
    pub loading: BTreeMap<SourceName, u64>,
    /// Releases that some persons let out, and others must: the users' numbers.
    pub agreed: BTreeMap<Publication, BTreeSet<u32>>,
    /// Releases that were ever let out, by period, name and hash.
    releases: BTreeMap<(Period, TableName, String), Known>,
    /// The manifests of its datasets.
    pub(crate) manifests: Manifests,
    /// The run that an alarm stopped, and the purpose with it.
    pub stopped: Option<StoppedRun>,
    /// The people who may judge its pairs.
    pub reviewers: Vec<CustodianKey>,
    /// Ceilings that were raised for one run.
    pub raised: BTreeMap<SourceName, (u64, String)>,
    /// The registry's length and last tag.
    pub registry: Option<RegistryHead>,
    /// The same of the birth dates beside its identifiers.
    pub births: Option<RegistryHead>,
    /// The same of what was told of persons for the retention schedule.
    pub facts: Option<RegistryHead>,
    /// The same of the numbers that are blocked because their persons' records were disposed of.
    pub tombstones: Option<RegistryHead>,
    /// Disposal lists that were signed and not applied to all datasets yet.
    pub(crate) disposals: BTreeMap<String, OpenDisposal>,
    /// The receipts of those that were.
    pub(crate) receipts: BTreeMap<String, ClosedDisposal>,
    /// Sealed archives, by the disposal list.
    pub(crate) archives: BTreeMap<String, Archive>,
    /// The datasets that were linked without restricted children.
    pub(crate) restrictions: Restrictions,
    /// Its end, where custodians began it.
    pub(crate) ending: Option<Ending>,
    /// A day, and how many distinct identifiers it saw.
    day: Option<(Date, u64)>,
    /// A day, and how many numbers of sources that were loaded before the vault had never seen on it.
    newcomers: Option<(Date, u64)>,
    /// How often custodians let it go on after an alarm.
    pub(crate) resumed: u32,
    /// A day, and how many different numbers were to be repaired on it.
    repairs: Option<(Date, u64)>,
    /// A day, and how many parts for scored matching were asked in it.
    parts_day: Option<(Date, u64)>,
}

/// A release that was let out, as the log knows it.
#[derive(Debug, Clone, Default)]
struct Known {
    /// SHA-256 of its newest entry in the ledger of releases.
    entry: Option<String>,
    /// Whether it was withdrawn since it was last let out.
    withdrawn: bool,
}

impl PurposeState {
    fn new(definition: PurposeDefinition) -> Self {
        Self {
            definition,
            version: KeyVersion(1),
            retired: BTreeSet::new(),
            pairs: BTreeMap::new(),
            datasets: BTreeMap::new(),
            loaded: BTreeSet::new(),
            loading: BTreeMap::new(),
            agreed: BTreeMap::new(),
            releases: BTreeMap::new(),
            manifests: Manifests::default(),
            stopped: None,
            reviewers: Vec::new(),
            raised: BTreeMap::new(),
            registry: None,
            births: None,
            facts: None,
            tombstones: None,
            disposals: BTreeMap::new(),
            receipts: BTreeMap::new(),
            archives: BTreeMap::new(),
            restrictions: Restrictions::default(),
            ending: None,
            day: None,
            newcomers: None,
            resumed: 0,
            repairs: None,
            parts_day: None,
        }
    }

    /// Every version so far, and whether it is retired; the last is the one in use.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = (KeyVersion, bool)> {
        let all = (1..=self.version.0).map(KeyVersion);
        all.map(|version| (version, self.retired.contains(&version)))
    }

    /// Lets an entry of a run be added that was decided on by this state, if the purpose is by now no other: it was not
    /// stopped, named anew, ended or given another version of keys meanwhile.
    pub(crate) fn grant(&self, now: &State, event: Event) -> Result<(Event, ()), Denial> {
        let now = now.live(&self.definition.name)?;
        let is_same = now.stopped.is_none()
            && now.version == self.version
            && now.definition == self.definition;
        match is_same {
            true => Ok((event, ())),
            false => {
                let what = "the purpose was changed meanwhile; begin the run anew".to_owned();
                Err(Denial::OutOfOrder { what })
            }
        }
    }
}

impl State {
    /// An open proposal that two custodians approved and that is not over.
    pub(crate) fn approved(&self, id: &str) -> Result<&ProposalState, Denial> {
        let refused = |why: &str| refusal("carried out", why);
        let found = self.proposals.get(id);
        let found = found.ok_or_else(|| refused("no such one is open; one is carried out once"))?;
        if found.by.len() < NEEDED {
            let why = format!("{} of {NEEDED} custodians approved it", found.by.len());
            return Err(refused(&why));
        }
        match found.expires {
            Some(last) if last >= self.day() => Ok(found),
            _ => Err(refused("its last day is over; propose it anew with a later `--expires`")),
        }
    }

    /// Adds an entry.
    pub fn apply(&mut self, entry: &Entry) {
        self.see_day(entry);
        let signed = entry.event.carries_out().and_then(|of| self.proposals.remove(of));
        self.apply_cases(entry, signed.as_ref());
        self.apply_end(entry, signed.as_ref());
        if matches!(entry.event, Event::Restored { .. }) {
            self.restorations += 1;
        }
        match &entry.event {
            Event::Made { custodians, purposes, .. } => {
                self.made = true;
                self.custodians.clone_from(custodians);
                self.purposes = purposes
                    .iter()
                    .map(|definition| {
                        (definition.name.clone(), PurposeState::new(definition.clone()))
                    })
                    .collect();
            }
            Event::Started { hardening, single_user } => {
                self.hardening.clone_from(hardening);
                self.single_user = *single_user;
            }
            Event::Compared { today, .. } => {
                self.compared = day_of(entry).map(|day| (day, *today));
            }
            Event::Restored { loss: Some(loss), .. } => {
                self.exported = Some(loss.after).filter(|after| *after > 0);
                self.checkpoints = self.checkpoints.max(loss.counter);
                self.accepted.push(*loss);
            }
            Event::Rekeyed { generation, format, .. } => {
                self.generation = *generation;
                self.store_format = self.store_format.max(format.unwrap_or_default());
            }
            Event::Checkpointed { counter, exported } => {
                self.checkpoints = *counter;
                self.exported = exported.or(self.exported);
            }
            Event::OpenedRun { purpose, source, load: Some(_), .. } => {
                self.purpose(purpose, |state| drop(state.raised.remove(source)));
            }
            Event::Pseudonymised { purpose, source, new, today, newcomers, registry, .. } => {
                let day = day_of(entry);
                self.purpose(purpose, |state| {
                    state.day = day.map(|day| (day, *today));
                    state.newcomers = day.map(|day| (day, *newcomers));
                    if let Some(source) = source.as_ref().filter(|one| !state.loaded.contains(*one))
                    {
                        *state.loading.entry(source.clone()).or_default() += new;
                    }
                    if registry.is_some() {
                        state.registry.clone_from(registry);
                    }
                });
            }
            Event::ToldBirths { purpose, births, .. } => {
                self.purpose(purpose, |state| state.births = Some(births.clone()));
            }
            Event::RepairedNumbers { purpose, today, .. } => {
                let day = day_of(entry);
                self.purpose(purpose, |state| state.repairs = day.map(|day| (day, *today)));
            }
            Event::MadeParts { purpose, today, .. } => {
                let day = day_of(entry);
                self.purpose(purpose, |state| state.parts_day = day.map(|day| (day, *today)));
            }
            Event::ClosedRun { source: Some(source), purpose: Some(purpose), asked, .. } => {
                if *asked > 0 {
                    self.purpose(purpose, |state| {
                        state.loaded.insert(source.clone());
                        state.loading.remove(source);
                    });
                }
            }
            Event::Alarm { run, purpose, source, rule, counts } => {
                let (run, source, rule) = (run.clone(), source.clone(), rule.clone());
                let stopped = StoppedRun { run, source, rule, counts: *counts };
                self.purpose(purpose, |state| state.stopped = Some(stopped));
            }
            Event::Proposed { proposal, .. } => {
                self.proposals.extend(ProposalState::of(entry).map(|of| (proposal.clone(), of)));
            }
            Event::Approved { proposal, custodian, .. } => {
                if let Some(state) = self.proposals.get_mut(proposal) {
                    state.by.insert(custodian.clone());
                }
            }
            Event::NamedPurpose { definition, .. } => {
                let new = PurposeState::new(definition.clone());
                let state = self.purposes.entry(definition.name.clone()).or_insert(new);
                state.definition = definition.clone();
            }
            Event::AllowedLoad { proposal, purpose, source, ceiling } => {
                let raised = (*ceiling, proposal.clone());
                self.purpose(purpose, |state| drop(state.raised.insert(source.clone(), raised)));
            }
            Event::Resumed { proposal, purpose, run } => {
                self.purpose(purpose, |state| state.resume(proposal, run.as_ref()));
            }
            Event::BeganAccess { proposal, .. } => {
                if let Some(state) = self.proposals.get_mut(proposal) {
                    state.begun += 1;
                }
            }
            Event::ComparedSubject { proposal, same: false } => {
                if let Some(state) = self.proposals.get_mut(proposal) {
                    state.wrong_numbers += 1;
                }
            }
            Event::TookOverRoles { .. } | Event::GrantedRole { .. } | Event::RevokedRole { .. } => {
                self.apply_roles(&entry.event)
            }
            Event::Appointed { custodians } => self.custodians.clone_from(custodians),
            Event::ChangedCustodians { custodians, .. } => {
                self.custodians.clone_from(custodians);
                // Signatures of those before count no more under what is still open.
                self.proposals.values_mut().for_each(|state| state.by.clear());
            }
            Event::ChangedReviewers { purpose, reviewers, .. } => {
                self.purpose(purpose, |state| state.reviewers.clone_from(reviewers));
            }
            Event::ChangedExactOnly { proposal, numbers, .. } => {
                let before = self.exact_only.take().map(|head| head.proposal);
                let proposal = proposal.clone();
                self.exact_only = Some(ListHead { proposal, before, numbers: *numbers });
            }
            Event::Rotated { purpose, version, pairs, .. } => {
                self.purpose(purpose, |state| {
                    state.pairs.insert(state.version, *pairs);
                    state.version = *version;
                });
            }
            Event::Retired { purpose, version, .. } => {
                self.purpose(purpose, |state| {
                    state.retired.insert(*version);
                    let PurposeState { datasets, manifests, .. } = state;
                    manifests.give_up(*version, |class, name, period| {
                        datasets.get(&short_name(class, name, period)) == Some(version)
                    });
                    datasets.retain(|_, under| under != version);
                });
            }
            // The match shreds linkage datasets: none stands under a version, and none is taken over.
            Event::CreatedKey { dataset, records } if dataset.class != DatasetClass::Linkage => {
                let DatasetRef { class, name, period, purpose } = dataset;
                let short = short_name(*class, name, period);
                self.purpose(purpose, |state| {
                    state.datasets.insert(short, state.version);
                    state.manifests.key_created(dataset, *records);
                });
            }
            Event::Agreed(publication) => {
                let uid = entry.asker.as_ref().map(|asker| asker.uid);
                self.purpose(&publication.purpose, |state| state.agree(publication, uid));
            }
            Event::LetOut(publication) => {
                self.purpose(&publication.purpose, |state| state.let_out(publication));
            }
            Event::Withdrew(publication) => {
                self.purpose(&publication.purpose, |state| state.withdraw(publication));
            }
            Event::RecordedManifest { manifest, .. } => {
                let DatasetRef { class, name, period, purpose } = &manifest.dataset;
                self.purpose(purpose, |state| {
                    let under = state.datasets.get(&short_name(*class, name, period));
                    state.manifests.record(manifest, Some(*under.unwrap_or(&state.version)));
                });
            }
            Event::TookOver { purpose, role, manifests } => self.purpose(purpose, |state| {
                state.manifests.take_over(*role, manifests);
            }),
            Event::AcceptedSnapshot { dataset, sha256, .. } => {
                let DatasetRef { class, name, period, purpose } = dataset;
                let short = short_name(*class, name, period);
                self.purpose(purpose, |state| {
                    state.manifests.accept(dataset, sha256.as_deref());
                    if let Some(version) = state.manifests.version(dataset) {
                        state.datasets.insert(short, version);
                    }
                });
            }
            Event::ForgotRelease { purpose, release, period, sha256, .. } => {
                self.purpose(purpose, |state| state.forget(release, period, sha256));
            }
            Event::ToldFacts { .. }
            | Event::Held(_)
            | Event::LiftedHold { .. }
            | Event::Disposed(_)
            | Event::Archive(_)
            | Event::RecordedDisposed { .. }
            | Event::AppliedDisposal { .. } => self.apply_retention(entry),
            Event::Stopped
            | Event::Case(_)
            | Event::PurposeEnd(_)
            | Event::ReadRestricted { .. }
            | Event::PlannedRetention { .. }
            | Event::MetCorrections { .. }
            | Event::ReadDisposal { .. }
            | Event::Repaired { .. }
            | Event::OpenedRun { load: None, .. }
            | Event::ClosedRun { .. }
            | Event::CreatedKey { .. }
            | Event::UnwrappedKey { .. }
            | Event::ScannedKey { .. }
            | Event::ReadCrosswalk { .. }
            | Event::ReadExactOnly { .. }
            | Event::ComparedExactOnly { .. }
            | Event::ComparedSubject { same: true, .. }
            | Event::Unlocked { .. }
            | Event::GaveReview { .. }
            | Event::TookReview { .. }
            | Event::Stated
            | Event::Restored { loss: None, .. }
            | Event::Reidentified { .. }
            | Event::FoundSubject { .. }
            | Event::EndedAccess { .. }
            | Event::OpenedQuarantine { .. }
            | Event::Denied { .. }
            | Event::Refused { .. } => {}
        }
    }

    fn purpose(&mut self, purpose: &Purpose, change: impl FnOnce(&mut PurposeState)) {
        if let Some(state) = self.purposes.get_mut(purpose) {
            change(state);
        }
    }
}

fn short_name(class: DatasetClass, name: &SourceName, period: &Period) -> String {
    format!("{}/{name}/{period}", class.as_str())
}
