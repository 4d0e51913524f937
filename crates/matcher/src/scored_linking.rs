//! The last step of who is who: rows that no number and no match key led to a child of the register are scored against it, by
//! keyed parts of their names, birth dates, sexes and postcodes.
//!
//! All rows of a source take part in the estimate, also those that the steps before linked: how likely two records are one
//! person's depends on how they agree, and not on how else they were found. Rows that were linked show besides how often the
//! score would have said the same. A row is linked where nothing about it is under review.

use std::collections::{BTreeMap, BTreeSet};

use ahash::{HashMap, HashMapExt};
use minster_model::{DatasetRef, LinkagePart, SourceName};
use minster_scoring::{Lead, Matching as HowMany, Probability, Records, Settings};
use minster_store::{Dataset, DatasetKeys};
use serde::{Deserialize, Serialize};

use crate::{
    Job, MatchError,
    children::{ExactLinks, Linkage},
    clerical::{self, DecidedPair, Doubt, Settled},
    definition::{Matching, Scoring},
    events::Delivered,
    linkage_parts::{LinkageValues, PersonValues},
    person_tables::PersonTables,
    small_set::NONE,
};

/// The thresholds at which the report says what would be linked.
pub const THRESHOLDS: [f64; 6] = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999];

/// The outcome of scored matching for one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoredSource {
    /// The source.
    pub source: String,
    /// The least probability of a link.
    pub threshold: f64,
    /// Persons of the source, as the steps before told them apart.
    pub persons: u64,
    /// Persons among them whom the steps before linked to no child of the register.
    pub left: u64,
    /// Persons among these who are under review, in conflict, or found by their number alone: they are not linked by a score.
    pub in_doubt: u64,
    /// Persons linked by their score.
    pub linked: u64,
    /// Persons whose score leads to a pupil of whom the same holds: they are not linked either.
    pub pupils_in_doubt: u64,
    /// Persons whom the scores of two sources would have linked to two children: they are linked to none.
    pub contradicted: u64,
    /// Persons whose score leads to a pupil, and of whom reviewers decided.
    #[serde(default)]
    pub reviewed: u64,
    /// The mean probability of the links.
    pub estimated_precision: Option<f64>,
    /// Persons whom the steps before linked: the score leads these to the same child, and the next to another.
    pub same_as_before: u64,
    /// See `same_as_before`.
    pub other_than_before: u64,
    /// Persons of the source, and pupils, with more names or postcodes than are compared.
    pub with_too_many_values: u64,
    /// The links that each of [`THRESHOLDS`], and the definition's own, would make of those who were left.
    pub by_threshold: Vec<AtThreshold>,
    /// Pairs compared, blocks left out, weights, pairs by probability, estimates over all persons of the source.
    pub details: serde_json::Value,
}

/// The links of a threshold, all else being the same. Persons whom the scores of two sources would link to two children
/// are among them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AtThreshold {
    /// The least probability of a link.
    pub threshold: f64,
    /// Persons whom it would link.
    pub links: u64,
    /// How many of these links are expected to be wrong: what their probabilities leave to 1, summed.
    pub expected_false: f64,
}

impl AtThreshold {
    /// The outcome at each threshold in order, for links of these probabilities.
    fn all(own: f64, probabilities: &[f64]) -> Vec<Self> {
        let mut thresholds: Vec<f64> = THRESHOLDS.into_iter().chain([own]).collect();
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup();
        let at = |threshold: f64| {
            let linked = probabilities.iter().filter(|probability| **probability >= threshold);
            let expected_false =
                rounded(linked.clone().fold(0.0, |sum, probability| sum + 1.0 - probability));
            Self { threshold, links: linked.count() as u64, expected_false }
        };
        thresholds.into_iter().map(at).collect()
    }
}

/// An estimate, to nine digits: pairs are summed up in an order that follows from the vault's key, and so do the digits behind.
fn rounded(estimate: f64) -> f64 {
    format!("{estimate:.8e}").parse().unwrap_or(estimate)
}

/// The same of all estimates in a report.
fn all_rounded(report: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match report {
        Value::Number(number) if number.is_f64() => number.as_f64().map(rounded).into(),
        Value::Array(all) => all.into_iter().map(all_rounded).collect(),
        Value::Object(all) => all.into_iter().map(|(key, of)| (key, all_rounded(of))).collect(),
        other => other,
    }
}

/// Links by score: for each first row of a group of rows, the child of the register; and pairs that are likelier than not and
/// were not linked.
#[derive(Default)]
pub(crate) struct ScoredLinks {
    pub(crate) links: Vec<(u32, u32)>,
    pub(crate) doubts: Vec<Doubt>,
    /// Pupils who look like one child.
    pub(crate) pupils: Vec<Doubt>,
    pub(crate) report: Vec<ScoredSource>,
    /// The probability of each row that a score links: of several scores of its person the least.
    pub(crate) probabilities: HashMap<u32, f64>,
}

/// A person of one source: the child that the steps before led to, else the first of its rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ScoredPerson {
    Child(u32),
    Rows(u32),
}

/// Scores what is left of the sources that the definition names.
pub(crate) fn score(
    job: &Job<'_>,
    (matching, scoring, settled): (&Matching, &Scoring, &Settled),
    (delivered, people): (&[Delivered], &PersonTables),
    exact: &ExactLinks<'_>,
    keys: &mut dyn DatasetKeys,
) -> Result<ScoredLinks, MatchError> {
    // Without their rows nobody is scored, and no part is needed.
    if !delivered.iter().any(|one| scoring.sources.contains(&one.source)) {
        return Ok(ScoredLinks::default());
    }
    let mut parts = LinkageValues::default();
    let mut of_row: HashMap<u32, Vec<(LinkagePart, minster_scoring::KeyedValue)>> = HashMap::new();
    for one in delivered {
        if !matching.is_register(&one.source) && !scoring.sources.contains(&one.source) {
            continue;
        }
        let linkage = open(job, &one.dataset.manifest().dataset, keys)?;
        parts.read(&linkage)?;
        for table in people.of_delivery(one.place) {
            let start = exact.persons.starts[table.place];
            let tell = |row: usize, part, value| {
                of_row.entry(start + row as u32).or_default().push((part, value));
            };
            LinkageValues::rows(&linkage, &table.table, tell)?;
        }
    }
    let mut register: BTreeMap<u32, PersonValues> = BTreeMap::new();
    let mut sources: BTreeMap<&SourceName, BTreeMap<ScoredPerson, PersonValues>> = BTreeMap::new();
    for row in exact.persons.all() {
        let table = exact.persons.table_of(row);
        let values = match exact.register.unit(row) {
            NONE if scoring.sources.contains(&table.source) => {
                sources.entry(&table.source).or_default().entry(exact.person(row)).or_default()
            }
            NONE => continue,
            unit => register.entry(unit).or_default(),
        };
        for (part, value) in of_row.get(&row).into_iter().flatten() {
            values.entry(*part).or_default().insert(*value);
        }
    }
    drop(of_row);
    let units: Vec<u32> = register.keys().copied().collect();
    let (of_register, of_pupils) = records(&parts, register.values())?;
    let pupils = compared(exact, &parts, &register)?;
    let in_doubt = exact.in_doubt();
    let mut found: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    let mut least: HashMap<u32, f64> = HashMap::new();
    let mut scored = ScoredLinks { pupils, ..ScoredLinks::default() };
    let mut by_source: Vec<Vec<u32>> = Vec::new();
    for (source, persons) in sources {
        let settings = scoring.settings(source)?;
        let (of_source, cut) = records(&parts, persons.values())?;
        let linkage = minster_scoring::link(&of_source, &of_register, &settings);
        let all: Vec<ScoredPerson> = persons.into_keys().collect();
        let is_left = |person: &&ScoredPerson| matches!(person, ScoredPerson::Rows(_));
        let doubtful = |person: &ScoredPerson| match person {
            ScoredPerson::Rows(root) => in_doubt.roots.contains(root),
            ScoredPerson::Child(_) => false,
        };
        let mut report = ScoredSource {
            source: source.to_string(),
            threshold: settings.threshold.get(),
            persons: all.len() as u64,
            left: all.iter().filter(is_left).count() as u64,
            in_doubt: all.iter().filter(|person| doubtful(person)).count() as u64,
            linked: 0,
            pupils_in_doubt: 0,
            contradicted: 0,
            reviewed: 0,
            estimated_precision: None,
            same_as_before: 0,
            other_than_before: 0,
            with_too_many_values: of_pupils + cut,
            by_threshold: Vec::new(),
            details: all_rounded(
                serde_json::to_value(&linkage.report).map_err(MatchError::Report)?,
            ),
        };
        let (mut sum, mut roots) = (0.0, Vec::new());
        let is_open = |link: &minster_scoring::Link| match all[link.left] {
            ScoredPerson::Child(_) => false,
            ScoredPerson::Rows(root) => {
                !in_doubt.roots.contains(&root) && !in_doubt.units.contains(&units[link.right])
            }
        };
        let open = linkage.links.iter().chain(&linkage.below).filter(|link| is_open(link));
        let probabilities: Vec<f64> = open.map(|link| link.probability).collect();
        report.by_threshold = AtThreshold::all(settings.threshold.get(), &probabilities);
        for link in linkage.links {
            let unit = units[link.right];
            match all[link.left] {
                ScoredPerson::Child(before) if before == unit => report.same_as_before += 1,
                ScoredPerson::Child(_) => report.other_than_before += 1,
                ScoredPerson::Rows(root) if settled.decides((root, unit)) => report.reviewed += 1,
                ScoredPerson::Rows(root) if in_doubt.roots.contains(&root) => {}
                ScoredPerson::Rows(_) if in_doubt.units.contains(&unit) => {
                    report.pupils_in_doubt += 1
                }
                ScoredPerson::Rows(root) => {
                    found.entry(root).or_default().insert(unit);
                    let known = least.entry(root).or_insert(link.probability);
                    *known = known.min(link.probability);
                    roots.push(root);
                    sum += link.probability;
                    report.linked += 1;
                }
            }
        }
        for pair in linkage.likely {
            if let ScoredPerson::Rows(root) = all[pair.left] {
                scored.doubts.push(((root, units[pair.right]), pair.agreement));
            }
        }
        report.estimated_precision =
            (report.linked > 0).then(|| rounded(sum / report.linked as f64));
        scored.report.push(report);
        by_source.push(roots);
    }
    for (report, roots) in scored.report.iter_mut().zip(by_source) {
        report.contradicted = roots.iter().filter(|root| found[*root].len() > 1).count() as u64;
        report.linked -= report.contradicted;
    }
    let one = |(root, units): (u32, BTreeSet<u32>)| match units.len() {
        1 => units.first().map(|unit| (root, *unit)),
        _ => None,
    };
    scored.links = found.into_iter().filter_map(one).collect();
    let linked: BTreeSet<DecidedPair> = scored.links.iter().copied().collect();
    scored.doubts.retain(|(place, _)| !linked.contains(place));
    least.retain(|root, _| scored.links.binary_search_by_key(root, |link| link.0).is_ok());
    let of_row = |row: u32| match (exact.register.unit(row), exact.person(row)) {
        (NONE, ScoredPerson::Rows(root)) => least.get(&root).map(|probability| (row, *probability)),
        _ => None,
    };
    scored.probabilities = exact.persons.all().filter_map(of_row).collect();
    Ok(scored)
}

/// How pupils agree who share a match key.
fn compared(
    exact: &ExactLinks<'_>,
    parts: &LinkageValues,
    register: &BTreeMap<u32, PersonValues>,
) -> Result<Vec<Doubt>, MatchError> {
    let pairs = clerical::alike(exact.persons, exact.register);
    let units: BTreeSet<u32> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    let units: BTreeMap<u32, usize> = units.into_iter().zip(0..).collect();
    let nothing = PersonValues::new();
    let values = units.keys().map(|unit| register.get(unit).unwrap_or(&nothing));
    let (records, _) = records(parts, values)?;
    let places: Vec<(usize, usize)> = pairs.iter().map(|(a, b)| (units[a], units[b])).collect();
    let agreements = minster_scoring::agreements(&records, &places);
    Ok(pairs.into_iter().zip(agreements).collect())
}

/// Opens the linkage dataset of a source's dataset.
fn open(
    job: &Job<'_>,
    dataset: &DatasetRef,
    keys: &mut dyn DatasetKeys,
) -> Result<Dataset, MatchError> {
    match job.store.has_linkage(dataset) {
        true => Ok(job.store.dataset(&dataset.linkage(), keys)?),
        false => Err(MatchError::NoParts { dataset: dataset.clone() }),
    }
}

/// Records for scoring, in order, and how many persons have more values than are compared.
fn records<'a>(
    parts: &LinkageValues,
    persons: impl Iterator<Item = &'a PersonValues>,
) -> Result<(Records, u64), MatchError> {
    let (mut records, mut cut) = (Records::default(), 0);
    for values in persons {
        let (record, too_many) = parts.record(values);
        cut += u64::from(too_many);
        records.add(record).map_err(MatchError::Scoring)?;
    }
    Ok((records, cut))
}

/// The persons whom no score decides.
pub(crate) struct InDoubt {
    /// Groups of rows, by their first.
    roots: BTreeSet<u32>,
    /// Children of the register.
    units: BTreeSet<u32>,
}

impl ExactLinks<'_> {
    fn person(&self, row: u32) -> ScoredPerson {
        match self.services.child(row) {
            NONE => ScoredPerson::Rows(self.services.root(row)),
            unit => ScoredPerson::Child(self.register.root(unit)),
        }
    }

    fn in_doubt(&self) -> InDoubt {
        let mut in_doubt = InDoubt { roots: BTreeSet::new(), units: BTreeSet::new() };
        for row in self.review.rows_in_conflict() {
            match self.register.unit(row) {
                NONE => drop(in_doubt.roots.insert(self.services.root(row))),
                unit => drop(in_doubt.units.insert(unit)),
            }
        }
        for row in self.persons.all() {
            let open = matches!(
                self.services.linkage[row as usize],
                Linkage::NotOnSpine | Linkage::NoIdentifier
            );
            // An identity that is to be found by its number alone is found by no score either.
            let exact_only = self.persons.is_exact_only(row);
            match self.register.unit(row) {
                NONE if exact_only || !open => drop(in_doubt.roots.insert(self.services.root(row))),
                unit if exact_only => drop(in_doubt.units.insert(unit)),
                _ => {}
            }
        }
        in_doubt
    }
}

impl Scoring {
    /// How a source is scored.
    pub(crate) fn settings(&self, source: &SourceName) -> Result<Settings, MatchError> {
        let matching = match self.one_to_one.contains(source) {
            true => HowMany::OneToOne,
            false => HowMany::ManyToOne,
        };
        Ok(Settings {
            threshold: Probability::new(self.threshold).map_err(MatchError::Scoring)?,
            lead: Lead::new(self.lead).map_err(MatchError::Scoring)?,
            matching,
            ..Settings::default()
        })
    }
}
