//! `minster dispose`: takes the rows of a signed disposal list out of every dataset of the purpose, and has the vault sign what was
//! done. Run again after an interruption, it goes on.

mod city;
mod lines;
mod owners;
mod sealed;

use std::{
    collections::{BTreeSet, HashSet},
    fmt::Write as _,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;
use minster_matcher::{ids_led_to, ledger_of};
use minster_model::{DatasetClass, DatasetRef, Kind, Pseudonym, Purpose, Role};
use minster_store::{
    DatasetKeys, DisposedFrom, Gone, NewestManifests, RecordedManifest, sha256_hex,
};
use minster_vault_api::{
    Client, DataKey, DisposalHead, DisposalReceipt, DisposedDataset, PartUse, SealedRunKey,
    Unwrapped, VaultError, WrappedKey, note::Verifier,
};

use self::sealed::Sealed;
use crate::{arguments::Report, failure::Failure, pipeline::Loaded, report, stages};

/// A disposal in the store.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The signed list, as `minster-vault retention apply` wrote it.
    list: PathBuf,
    /// A new file for the signed receipt.
    #[arg(long, value_name = "FILE")]
    receipt: PathBuf,
    /// A folder for sealed bundles to hand to the City Archives, where a row of the schedule asks for one.
    #[arg(long, value_name = "DIR")]
    city_archives: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) report: Report,
}

/// The outcome.
#[derive(Debug)]
pub(crate) struct Disposed {
    receipt: DisposalReceipt,
    pseudonyms: u64,
    /// Whether the receipt is one of before.
    was_applied_before: bool,
    /// Restricted reports of releases, which stand.
    reports: usize,
    /// Sealed files of records that left.
    sealed: Vec<Sealed>,
    path: PathBuf,
}

/// A list whose signature was verified.
struct List {
    head: DisposalHead,
    pseudonyms: HashSet<Pseudonym>,
    /// The pseudonyms of its parts.
    parts: Vec<(PartUse, HashSet<Pseudonym>)>,
    sha256: String,
    /// Whether it was applied before.
    is_closed: bool,
}

pub(crate) fn dispose(arguments: &Arguments) -> Result<Disposed, Failure> {
    let config = &arguments.report.config.path;
    let loaded = Loaded::read(config)?;
    let purpose = &loaded.pipeline.purpose;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Linker, "minster")?;
    let list = List::read(&arguments.list, purpose, &loaded, &mut vault)?;
    if list.is_closed {
        // The receipt of before was lost.
        let note = vault.disposal_receipt(&list.head.list)?;
        return Disposed::before(&note, &list, ReceiptFile::new(&arguments.receipt)?);
    }
    let (store, settled) = store.settled(purpose, &mut vault)?;
    if let Some(dataset) = settled.differing.first() {
        return Err(Failure::DisposalDiffers { dataset: dataset.to_string() });
    }
    let failed = |error| stages::failed(&loaded, error);
    let own_kinds: BTreeSet<Kind> = list.head.kinds.iter().cloned().collect();
    let ledger = ledger_of(purpose).map_err(failed)?;
    let mut datasets: Vec<DatasetRef> =
        store.manifests()?.into_iter().map(|manifest| manifest.dataset).collect();
    datasets.retain(|dataset| dataset.purpose == *purpose);
    // The dataset of ids comes last: without it nobody knows any more to which ids the numbers led.
    datasets.sort_by_key(|dataset| (*dataset == ledger, dataset.class));
    let mut keys = DisposalKeys { vault, list: &list.head.list };
    let led = ids_led_to(&store, purpose, &list.pseudonyms, &mut keys.vault).map_err(failed)?;
    let mut shared: HashSet<Pseudonym> = HashSet::new();
    let listed =
        Gone { list: &list.head.list, pseudonyms: &list.pseudonyms, own_kinds: &own_kinds };
    // All that can be refused is, before anything is written.
    for dataset in datasets.iter().filter(|dataset| dataset.class == DatasetClass::Source) {
        store.may_dispose(dataset, &listed, &mut keys)?;
        let own = store.own_numbers(dataset, &own_kinds, &mut keys)?;
        shared.extend(own.iter().filter_map(|one| led.others.get(one)));
    }
    let ids = led.ids.difference(&shared);
    let with_ids: HashSet<Pseudonym> = list.pseudonyms.iter().chain(ids).copied().collect();
    let leaving = sealed::Leaving {
        store: &store,
        list: &list,
        datasets: &datasets,
        own_kinds: &own_kinds,
        with_ids: &with_ids,
    };
    let folder = arguments.city_archives.as_deref();
    // Made before the vault closes the list: a full disk must not cost the receipt.
    let file = ReceiptFile::new(&arguments.receipt)?;
    let mut disposed = Disposed {
        receipt: DisposalReceipt {
            list: list.head.list.clone(),
            sha256: list.sha256.clone(),
            datasets: Vec::new(),
            shredded: 0,
            snapshots: 0,
            shared_ids: shared.len() as u64,
        },
        was_applied_before: false,
        pseudonyms: list.head.pseudonyms,
        reports: 0,
        sealed: sealed::make((&loaded, config), &leaving, folder, &mut keys)?,
        path: arguments.receipt.clone(),
    };
    for dataset in datasets {
        let pseudonyms = match dataset.class {
            DatasetClass::Source => &list.pseudonyms,
            DatasetClass::Integrated => &with_ids,
            // They were made for one match, and are made again.
            DatasetClass::Linkage => {
                disposed.receipt.shredded += u64::from(store.shred(&dataset)?);
                continue;
            }
            // A release stands, and so does what it withheld.
            DatasetClass::Report => {
                disposed.reports += 1;
                continue;
            }
        };
        let gone = Gone { list: &list.head.list, pseudonyms, own_kinds: &own_kinds };
        let done = store.dispose(&dataset, &loaded.run, &gone, &mut keys)?;
        disposed.add(dataset, done);
    }
    let note = keys.vault.report_disposal(purpose, disposed.receipt.clone())?;
    file.write(&note)?;
    Ok(disposed)
}

/// The file of the receipt, made anew. It is removed where the receipt does not come.
struct ReceiptFile {
    path: PathBuf,
    file: Option<File>,
}

impl ReceiptFile {
    fn new(path: &Path) -> Result<Self, Failure> {
        let file = File::create_new(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::AlreadyExists => Failure::Receipt { path: path.to_owned() },
            _ => Failure::Page { path: path.to_owned(), source },
        })?;
        Ok(Self { path: path.to_owned(), file: Some(file) })
    }

    fn write(mut self, note: &str) -> Result<(), Failure> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.write_all(note.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|source| Failure::Page { path: self.path.clone(), source })?;
        self.file = None;
        Ok(())
    }
}

impl Drop for ReceiptFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl List {
    /// Reads a list; it is the vault's own, of this purpose and of the keys in use, and it is open.
    fn read(
        path: &Path,
        purpose: &Purpose,
        loaded: &Loaded,
        vault: &mut Client,
    ) -> Result<Self, Failure> {
        let wrong = |why: String| Failure::DisposalList { path: path.to_owned(), why };
        let bytes = std::fs::read(path)
            .map_err(|source| Failure::Config { path: path.to_owned(), source })?;
        let note = std::str::from_utf8(&bytes).map_err(|_| wrong("is no text".into()))?;
        let status = vault.status()?;
        let verifier = loaded.pipeline.vault.verifier.clone().unwrap_or(status.verifier);
        let verifier: Verifier = verifier.parse().map_err(|error| wrong(format!("{error}")))?;
        let text =
            verifier.open(note).map_err(|error| wrong(format!("is not the vault's: {error}")))?;
        let (head, rest) = text.split_once('\n').ok_or_else(|| wrong("has no head".into()))?;
        let head: DisposalHead = serde_json::from_str(head).map_err(|error| {
            wrong(format!("has a head that this release does not read: {error}"))
        })?;
        if head.format != DisposalHead::FORMAT {
            return Err(wrong(format!("has format {}", head.format)));
        }
        if head.purpose != *purpose {
            return Err(wrong(format!("is of {}, and the pipeline of {purpose}", head.purpose)));
        }
        let now = status.purposes.iter().find(|of| of.purpose == *purpose);
        if now.is_none_or(|now| now.key_version != head.version) || head.store_id != status.store_id
        {
            return Err(wrong("is of other keys than the vault's".into()));
        }
        let lines: Result<Vec<Pseudonym>, _> = rest.lines().map(str::parse).collect();
        let mut lines =
            lines.map_err(|_| wrong("has a line that is no pseudonym".into()))?.into_iter();
        let mut some = |count: u64| {
            let some: HashSet<Pseudonym> =
                lines.by_ref().take(usize::try_from(count).unwrap_or(usize::MAX)).collect();
            (some.len() as u64 == count).then_some(some)
        };
        let count = || wrong("has another number of pseudonyms than its head says".into());
        let pseudonyms = some(head.pseudonyms).ok_or_else(count)?;
        let mut parts = Vec::new();
        for part in &head.parts {
            let of = some(part.pseudonyms).filter(|of| of.is_subset(&pseudonyms));
            parts.push((part.of, of.ok_or_else(count)?));
        }
        if lines.next().is_some() {
            return Err(count());
        }
        // The vault has it as long as it is open.
        let is_closed = match vault.disposal_list(&head.list) {
            Ok(known) if known == bytes => false,
            Ok(_) => return Err(wrong("is another than the vault's".into())),
            Err(denied @ VaultError::Denied(_)) => {
                vault.disposal_receipt(&head.list).map_err(|_| denied)?;
                true
            }
            Err(other) => return Err(other.into()),
        };
        Ok(Self { head, pseudonyms, parts, sha256: sha256_hex(&bytes), is_closed })
    }
}

impl Disposed {
    /// The outcome of a list that was applied before, from its receipt.
    fn before(note: &str, list: &List, file: ReceiptFile) -> Result<Self, Failure> {
        #[derive(serde::Deserialize)]
        struct Told {
            receipt: DisposalReceipt,
        }
        let mut told = serde_json::Deserializer::from_str(note).into_iter::<Told>();
        let told = told.next().and_then(Result::ok).ok_or(VaultError::Protocol)?;
        if told.receipt.sha256 != list.sha256 {
            let (path, why) =
                (file.path.clone(), "is another than the one that was applied".into());
            return Err(Failure::DisposalList { path, why });
        }
        let path = file.path.clone();
        file.write(note)?;
        Ok(Self {
            receipt: told.receipt,
            was_applied_before: true,
            pseudonyms: list.head.pseudonyms,
            reports: 0,
            sealed: Vec::new(),
            path,
        })
    }

    fn add(&mut self, dataset: DatasetRef, done: DisposedFrom) {
        self.receipt.snapshots += done.snapshots;
        let DisposedFrom { before, after, rows, cells, files, .. } = done;
        self.receipt.datasets.push(DisposedDataset { dataset, before, after, rows, cells, files });
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let DisposalReceipt { list, shredded, snapshots, shared_ids, .. } = &self.receipt;
        if self.was_applied_before {
            let path = self.path.display();
            return format!(
                "the list {list} was applied before; its signed receipt is in {path} again\n"
            );
        }
        for DisposedDataset { dataset, rows, cells, files, .. } in &self.receipt.datasets {
            if rows + cells + files > 0 {
                let _ = writeln!(
                    text,
                    "{dataset}: {rows} rows and {files} files beside its tables left it; {cells} numbers in rows of others became blank"
                );
            }
        }
        for Sealed { of, made, path } in &self.sealed {
            let what = match of {
                PartUse::Archive => "the sealed archive, which two custodians can open",
                PartUse::CityArchives => {
                    "the bundle for the City Archives, which they alone can open"
                }
            };
            let place = match path {
                Some(path) => format!("in {}", path.display()),
                None => "was handed over before".to_owned(),
            };
            let _ = writeln!(
                text,
                "{what}: {} rows of {} datasets, {place}; its SHA-256 is {}",
                made.rows, made.datasets, made.sha256
            );
        }
        if *shared_ids > 0 {
            let _ = writeln!(
                text,
                "{shared_ids} ids lead to persons of the list and to others, who were linked as one: their linked rows stay, since nobody can \
                 tell them apart; `minster link` makes those of the linked periods anew, and closed periods keep them"
            );
        }
        let _ = writeln!(
            text,
            "list {list}: {} pseudonyms; {snapshots} superseded snapshots removed, {shredded} linkage datasets shredded, {} reports of \
             releases stand\nthe signed receipt is in {}; link again (`minster run`)",
            self.pseudonyms,
            self.reports,
            self.path.display()
        );
        text
    }

    pub(crate) fn json(&self) -> Result<String, Failure> {
        let object = serde_json::json!({
            "format": 1,
            "receipt": self.receipt,
            "pseudonyms": self.pseudonyms,
            "was_applied_before": self.was_applied_before,
            "reports_standing": self.reports,
            "sealed_files": self.sealed.iter().map(Sealed::json).collect::<Vec<_>>(),
        });
        report::json(&object)
    }
}

/// The vault's keys, for a disposal: what is written is recorded as what a list left.
struct DisposalKeys<'a> {
    vault: Client,
    list: &'a str,
}

impl DatasetKeys for DisposalKeys<'_> {
    fn create(&mut self, dataset: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError> {
        self.vault.create_key(dataset)
    }

    fn unwrap(
        &mut self,
        dataset: &DatasetRef,
        wrapped: &WrappedKey,
        run: Option<&SealedRunKey>,
        manifest_sha256: &str,
    ) -> Result<Unwrapped, VaultError> {
        self.vault.unwrap_key(dataset, wrapped, run, manifest_sha256)
    }

    fn record(
        &mut self,
        manifest: &RecordedManifest,
        carried_from: Option<&str>,
    ) -> Result<(), VaultError> {
        let from = carried_from.unwrap_or_default();
        self.vault.record_disposed(manifest.clone(), from, self.list)
    }

    fn newest(&mut self, purpose: &Purpose) -> Result<NewestManifests, VaultError> {
        self.vault.manifests(purpose)
    }

    fn take_over(
        &mut self,
        purpose: &Purpose,
        manifests: Vec<RecordedManifest>,
    ) -> Result<(), VaultError> {
        self.vault.take_over(purpose, manifests)
    }
}
