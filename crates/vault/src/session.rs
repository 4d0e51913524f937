//! One conversation: hello, then what the role may ask.

use std::sync::Mutex;

use minster_model::{DatasetClass, DatasetRef, Kind, Purpose, Role, RunId};
use minster_vault_api::{
    Denial, IdentifierBatch, OpenedRun, PROTOCOL, PurposeStatus, Request, Response, RunManifest,
    StatusReport, WrappedKey,
};

use crate::{
    folder::{NamedPurpose, Opened},
    keys::Pseudonymiser,
    log::{Asker, Event, Log},
};

/// A vault that serves: its keys and its log.
pub struct Vault {
    opened: Opened,
    log: Mutex<Log>,
}

impl Vault {
    /// Puts an opened folder and its log together.
    pub fn new(opened: Opened, log: Log) -> Self {
        Self { opened, log: Mutex::new(log) }
    }

    /// The settings.
    pub fn settings(&self) -> &crate::folder::Settings {
        &self.opened.settings
    }

    /// Adds an entry to the log. If it cannot be written, the answer must not leave.
    pub fn record(&self, asker: Option<&Asker>, event: Event) -> Result<(), Denial> {
        let mut log = self.log.lock().map_err(|_| Denial::LogUnwritable)?;
        log.append(asker, event).map_err(|_| Denial::LogUnwritable)
    }

    fn purpose(&self, purpose: &Purpose) -> Result<&NamedPurpose, Denial> {
        let found = self.opened.settings.purposes.iter().find(|named| named.name == *purpose);
        found
            .filter(|named| !named.expired())
            .ok_or_else(|| Denial::NoSuchPurpose { purpose: purpose.clone() })
    }

    fn status(&self) -> Result<StatusReport, Denial> {
        let log = self.log.lock().map_err(|_| Denial::LogUnwritable)?;
        let (log_entries, log_head) = log.head();
        let purposes = self.opened.settings.purposes.iter().map(|named| PurposeStatus {
            purpose: named.name.clone(),
            key_version: named.version(),
            key_check: self.opened.keys.check_value(&named.name, named.version()),
            expires: named.expires.map(|date| date.to_string()),
            expired: named.expired(),
        });
        Ok(StatusReport {
            store_id: self.opened.store_id.clone(),
            custody: self.opened.custody.to_owned(),
            recipient: self.opened.recipient.clone(),
            purposes: purposes.collect(),
            log_entries,
            log_head: log_head.to_owned(),
        })
    }
}

/// The state of one conversation.
pub struct Session<'a> {
    vault: &'a Vault,
    uid: u32,
    asker: Option<Asker>,
    run: Option<OpenRun>,
}

struct OpenRun {
    run: RunId,
    purpose: Purpose,
    ceiling: u64,
    asked: u64,
}

impl<'a> Session<'a> {
    /// A conversation with a caller whose uid the socket told.
    pub fn new(vault: &'a Vault, uid: u32) -> Self {
        Self { vault, uid, asker: None, run: None }
    }

    /// Answers one request. A denial is logged; the conversation goes on.
    pub fn answer(&mut self, request: Request) -> Response {
        match self.try_answer(request) {
            Ok(response) => response,
            Err(denial) => {
                let event = Event::Denied { what: denial.to_string() };
                match self.vault.record(self.asker.as_ref(), event) {
                    Ok(()) => Response::Denied(denial),
                    Err(unwritable) => Response::Denied(unwritable),
                }
            }
        }
    }

    fn try_answer(&mut self, request: Request) -> Result<Response, Denial> {
        match request {
            Request::Hello { protocol, role, program } => self.hello(protocol, role, program),
            Request::OpenRun(manifest) => self.open_run(manifest),
            Request::Pseudonymise { kind, identifiers } => self.pseudonymise(&kind, &identifiers),
            Request::CloseRun => self.close_run(),
            Request::CreateKey(dataset) => self.create_key(dataset),
            Request::UnwrapKey(dataset, wrapped) => self.unwrap_key(dataset, &wrapped),
            Request::Status => {
                self.asker()?;
                Ok(Response::Status(self.vault.status()?))
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
        if !self.vault.settings().roles.holders(role).contains(&self.uid) {
            return Err(Denial::NotInRole { uid: self.uid, role });
        }
        let program = program.chars().filter(char::is_ascii_graphic).take(40).collect();
        self.asker = Some(Asker { uid: self.uid, role, program });
        Ok(Response::Welcome { protocol: PROTOCOL })
    }

    fn open_run(&mut self, manifest: RunManifest) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "pseudonyms")?;
        if self.run.is_some() {
            return Err(out_of_order("a run is open; close it first"));
        }
        let named = self.vault.purpose(&manifest.purpose)?;
        let ceiling = manifest.ceiling.min(self.vault.settings().budget);
        let RunManifest { run, purpose, source, inputs, .. } = manifest;
        let event = Event::OpenedRun {
            run: run.clone(),
            purpose: purpose.clone(),
            source,
            inputs,
            ceiling,
        };
        self.vault.record(self.asker.as_ref(), event)?;
        let opened = OpenedRun {
            key_version: named.version(),
            key_check: self.vault.opened.keys.check_value(&purpose, named.version()),
            ceiling,
            recipient: self.vault.opened.recipient.clone(),
        };
        self.run = Some(OpenRun { run, purpose, ceiling, asked: 0 });
        Ok(Response::RunOpened(opened))
    }

    fn pseudonymise(&mut self, kind: &Kind, batch: &IdentifierBatch) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "pseudonyms")?;
        if !batch.is_well_formed() {
            return Err(out_of_order("a batch whose lengths do not fit"));
        }
        let vault = self.vault;
        let run = self.run.as_mut().ok_or_else(|| out_of_order("open a run first"))?;
        let version = vault.purpose(&run.purpose)?.version();
        let count = batch.len() as u64;
        if run.asked + count > run.ceiling {
            return Err(Denial::OverBudget { ceiling: run.ceiling });
        }
        run.asked += count;
        let event = Event::Pseudonymised {
            run: run.run.clone(),
            purpose: run.purpose.clone(),
            kind: kind.clone(),
            count,
            so_far: run.asked,
        };
        vault.record(self.asker.as_ref(), event)?;
        let pseudonymiser = vault.opened.keys.pseudonymiser(&run.purpose, version, kind);
        Ok(Response::Pseudonyms(pseudonyms(&pseudonymiser, batch)))
    }

    fn close_run(&mut self) -> Result<Response, Denial> {
        let run = self.run.take().ok_or_else(|| out_of_order("no run is open"))?;
        let event = Event::ClosedRun { run: run.run, asked: run.asked };
        self.vault.record(self.asker.as_ref(), event)?;
        Ok(Response::RunClosed)
    }

    fn create_key(&mut self, dataset: DatasetRef) -> Result<Response, Denial> {
        let makers: &[Role] = match dataset.class {
            DatasetClass::Source => &[Role::Ingest],
            DatasetClass::Integrated => &[Role::Linker],
            DatasetClass::Report => &[Role::Analyst],
        };
        self.allow(makers, "a new key of such a dataset")?;
        let version = self.vault.purpose(&dataset.purpose)?.version();
        let (key, wrapped) = self
            .vault
            .opened
            .keys
            .create(&dataset, version)
            .map_err(|fault| Denial::Fault { what: fault.to_string() })?;
        self.vault.record(self.asker.as_ref(), Event::CreatedKey { dataset })?;
        Ok(Response::KeyCreated(key, wrapped))
    }

    fn unwrap_key(
        &mut self,
        dataset: DatasetRef,
        wrapped: &WrappedKey,
    ) -> Result<Response, Denial> {
        let readers: &[Role] = match dataset.class {
            DatasetClass::Source => &[Role::Linker],
            DatasetClass::Integrated => &[Role::Linker, Role::Analyst],
            DatasetClass::Report => &[Role::Analyst, Role::Auditor],
        };
        self.allow(readers, "the key of such a dataset")?;
        self.vault.purpose(&dataset.purpose)?;
        let key = self.vault.opened.keys.unwrap(&dataset, wrapped)?;
        self.vault.record(self.asker.as_ref(), Event::UnwrappedKey { dataset })?;
        Ok(Response::KeyUnwrapped(key))
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
}

/// Hashes on all cores where the batch is worth it; the order is kept.
fn pseudonyms(pseudonymiser: &Pseudonymiser, batch: &IdentifierBatch) -> Vec<u8> {
    const WORTH_IT: usize = 4096;
    let identifiers: Vec<&[u8]> = batch.iter().collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = identifiers.len().div_ceil(cores).max(WORTH_IT);
    let hash = |identifiers: &[&[u8]]| -> Vec<u8> {
        identifiers.iter().flat_map(|id| *pseudonymiser.pseudonym(id).as_bytes()).collect()
    };
    std::thread::scope(|scope| {
        let hash = &hash;
        let threads: Vec<_> = identifiers
            .chunks(share)
            .map(|identifiers| (identifiers, scope.spawn(move || hash(identifiers))))
            .collect();
        // A thread that could not finish has its share hashed here.
        threads
            .into_iter()
            .flat_map(|(identifiers, thread)| thread.join().unwrap_or_else(|_| hash(identifiers)))
            .collect()
    })
}

fn out_of_order(what: &str) -> Denial {
    Denial::OutOfOrder { what: what.to_owned() }
}
