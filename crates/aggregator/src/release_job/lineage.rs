//! The way back from a release: to the datasets that it was made of, and to the files of their sources. Each step names the next by
//! the hash of its manifest, and the vault's log has the first; so a step that is found is the one that it was.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{DatasetRef, KeyVersion, Period, Purpose, RunId, TableName};
use minster_store::{
    InputFile, Manifest, NewestManifests, Origin, Release, ReleaseLog, Store, StoreError,
    StoredDataset,
};
use serde::Serialize;

use crate::{
    earlier_releases::{
        entry::{Entry, Person},
        known_releases::KnownReleases,
        ledger,
    },
    error::AggregateError,
    publish::restricted_report,
};

/// The way of one release.
#[derive(Debug, Clone, Serialize)]
pub struct Lineage {
    /// The release.
    pub release: TableName,
    /// Its period.
    pub period: Period,
    /// The purpose of its data.
    pub purpose: Purpose,
    /// SHA-256 of its files. The vault's log has it.
    pub sha256: String,
    /// Whether its files in the store are those.
    pub files_stand: bool,
    /// SHA-256 of its definition.
    pub definition_sha256: String,
    /// SHA-256 of its policy; none where an earlier release of the program let it out.
    pub policy_sha256: Option<String>,
    /// The person who let it out, as the ledger has it.
    pub let_out: Option<Person>,
    /// The person who withdrew it.
    pub withdrawn: Option<Person>,
    /// Its restricted report, and then all that it was made of.
    pub steps: Vec<LineageStep>,
    /// The links that are missing, in words.
    pub missing: Vec<String>,
}

/// One dataset on the way.
#[derive(Debug, Clone, Serialize)]
pub struct LineageStep {
    /// The dataset.
    pub dataset: DatasetRef,
    /// SHA-256 of its manifest, as the step before names it.
    pub manifest_sha256: String,
    /// How its manifest stands. Its files are not read.
    pub stands: StepStands,
    /// SHA-256 of the manifest that came of it, where it was carried over. The vault's log has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carried_to: Option<String>,
    /// The run that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The version of the program that made it; none where an earlier release did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The version of the purpose's pseudonym keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_version: Option<KeyVersion>,
    /// SHA-256 of the definition that was applied: of a source, of matching, of the release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition_sha256: Option<String>,
    /// SHA-256 of definition, look-ups, settings and the program's version, of a delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe_sha256: Option<String>,
    /// The source's files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputFile>,
    /// The manifests of the datasets that it was made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub made_of: Vec<String>,
}

/// How a step stands in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepStands {
    /// It is the snapshot that stands.
    Current,
    /// A newer snapshot stands, and it is kept.
    Superseded,
    /// It was carried over to new keys, or rows were disposed of; the snapshot that came of it is there.
    CarriedOver,
    /// It is gone.
    Gone,
}

/// Follows a release back. The one that stands; where none does, the one that was withdrawn last.
///
/// # Errors
/// [`AggregateError::Report`] where no such release was let out; [`AggregateError::LedgerLacks`] where the ledger lacks one. A
/// link that is missing is no error: [`Lineage::missing`].
pub fn lineage(
    store: &Store,
    (name, period, purpose): (&TableName, &Period, &Purpose),
    vault: &mut dyn ReleaseLog,
) -> Result<Lineage, AggregateError> {
    let known = KnownReleases::compare(store, (period, purpose), vault)?;
    known.in_ledger(store)?;
    let (entry, is_withdrawn) = named(store, (name, period, purpose), &known)?;
    let NewestManifests { newest, .. } = vault.newest(purpose).map_err(StoreError::from)?;
    let newest: BTreeMap<DatasetRef, String> =
        newest.into_iter().map(|of| (of.dataset, of.sha256)).collect();
    let stored = store.stored_datasets()?;
    let report = restricted_report::dataset(name, &entry.sha256, period, purpose)?;
    let release = ledger::release_of(store, &entry);
    let whole = |of: &Release| of.verified_files(store).is_ok();
    let mut missing = Vec::new();
    match (&entry.withdrawn, is_withdrawn) {
        (None, true) => missing
            .push("the withdrawal: the vault's log has it, and the ledger does not".to_owned()),
        (Some(_), false) => missing.push(
            "the withdrawal: the ledger has one that the vault's log does not have, and it is not believed".to_owned(),
        ),
        (Some(_), true) | (None, false) => {}
    }
    let mut lineage = Lineage {
        release: name.clone(),
        period: period.clone(),
        purpose: purpose.clone(),
        files_stand: release.as_ref().is_some_and(whole),
        definition_sha256: restricted_report::sha256_of(&entry.definition)?,
        policy_sha256: entry.let_out.as_ref().map(|of| of.policy_sha256.clone()),
        let_out: entry.let_out.map(|of| of.by),
        withdrawn: entry.withdrawn.map(|of| of.by).filter(|_| is_withdrawn),
        sha256: entry.sha256,
        steps: Vec::new(),
        missing,
    };
    if !lineage.files_stand {
        lineage.missing.push(
            "the release's files: they are gone, or are not those that were let out".to_owned(),
        );
    }
    match newest.get(&report) {
        None => lineage.missing.push(format!("{report}: the vault's log has none")),
        Some(sha256) => lineage.follow((&stored, &newest), (report, sha256.clone())),
    }
    Ok(lineage)
}

/// The release of a name that stands, or that was withdrawn last, among those that the log has; and whether the log has it as
/// withdrawn. Others, which someone wrote into the ledger beside them, are passed over.
fn named(
    store: &Store,
    (name, period, purpose): (&TableName, &Period, &Purpose),
    known: &KnownReleases,
) -> Result<(Entry, bool), AggregateError> {
    let entries = ledger::read(store, period)?;
    let names: BTreeSet<String> = entries.iter().map(|of| of.definition.name.to_string()).collect();
    let mut of_name = entries.into_iter().filter(|of| of.definition.name == *name).peekable();
    if of_name.peek().is_none() {
        let names = names.iter().map(String::as_str);
        let meant = crate::definition::location::did_you_mean(name.as_str(), names);
        return Err(AggregateError::Report(format!(
            "no release of this name was let out for {period}: {meant}"
        )));
    }
    let in_log = of_name.filter_map(|of| {
        let is_withdrawn = known.named(&of)?.withdrawn;
        Some((of, is_withdrawn))
    });
    let last = |(of, is_withdrawn): &(Entry, bool)| {
        (!is_withdrawn, of.let_out.as_ref().map(|of| of.by.at.clone()))
    };
    in_log.max_by_key(last).ok_or_else(|| {
        AggregateError::Report(format!(
            "the vault's log of {purpose} does not have it: it is another purpose's, or someone wrote it into the ledger"
        ))
    })
}

impl Lineage {
    fn follow(
        &mut self,
        (stored, newest): (&[StoredDataset], &BTreeMap<DatasetRef, String>),
        first: (DatasetRef, String),
    ) {
        let (mut next, mut seen) = (vec![first], BTreeSet::new());
        while let Some((dataset, sha256)) = next.pop() {
            if !seen.insert((dataset.clone(), sha256.clone())) {
                continue;
            }
            let found = find((stored, newest), &dataset, &sha256);
            if found.is_none() {
                self.missing.push(format!(
                    "{dataset}: the snapshot whose manifest has SHA-256 {sha256} is not in the store any more, and what it was made of is not known from here"
                ));
            }
            let stands = found.as_ref().map_or(StepStands::Gone, |of| of.stands);
            let carried_to = found.as_ref().and_then(|of| of.carried_to.clone());
            let manifest = found.map(|of| of.manifest);
            let mut step = LineageStep {
                manifest_sha256: sha256,
                stands,
                carried_to,
                run: manifest.map(|of| of.run.clone()),
                program: manifest.and_then(|of| of.program.clone()),
                key_version: manifest.map(|of| of.key_version),
                definition_sha256: None,
                recipe_sha256: None,
                inputs: Vec::new(),
                made_of: Vec::new(),
                dataset,
            };
            match manifest.map(|of| &of.origin) {
                None => {}
                Some(Origin::Delivery { definition_sha256, recipe_sha256, inputs, .. }) => {
                    step.definition_sha256 = Some(definition_sha256.clone());
                    step.recipe_sha256.clone_from(recipe_sha256);
                    step.inputs.clone_from(inputs);
                }
                Some(Origin::Datasets {
                    definition_sha256,
                    datasets,
                    carried_over,
                    linked_with,
                    ..
                }) => {
                    step.definition_sha256 = Some(definition_sha256.clone());
                    let all = datasets.iter().chain(carried_over).chain(linked_with);
                    step.made_of = all.clone().map(|(_, sha256)| sha256.clone()).collect();
                    next.extend(all.rev().cloned());
                }
            }
            self.steps.push(step);
        }
    }
}

/// A step that is found.
struct Found<'a> {
    stands: StepStands,
    manifest: &'a Manifest,
    carried_to: Option<String>,
}

/// The snapshot with a manifest, or the one that took over from it. The manifest alone says so of the latter: it is believed where
/// the vault's log has it, and else anyone who may write into the store could lead the way elsewhere.
fn find<'a>(
    (stored, newest): (&'a [StoredDataset], &BTreeMap<DatasetRef, String>),
    dataset: &DatasetRef,
    sha256: &str,
) -> Option<Found<'a>> {
    let manifests = || {
        let all = stored.iter().filter_map(|of| Some((of, of.manifest.as_ref().ok()?)));
        all.filter(|(_, manifest)| manifest.dataset == *dataset)
    };
    if let Some((of, manifest)) = manifests().find(|(of, _)| of.sha256 == sha256) {
        let stands = match of.current {
            true => StepStands::Current,
            false => StepStands::Superseded,
        };
        return Some(Found { stands, manifest, carried_to: None });
    }
    let came_of = |(of, manifest): &(&StoredDataset, &Manifest)| {
        manifest.carried_from() == Some(sha256) && newest.get(dataset) == Some(&of.sha256)
    };
    let (of, manifest) = manifests().find(came_of)?;
    let carried_to = Some(of.sha256.clone());
    Some(Found { stands: StepStands::CarriedOver, manifest, carried_to })
}
