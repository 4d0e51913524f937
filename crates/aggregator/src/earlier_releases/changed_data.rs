//! A release beside earlier ones about the same children whose data have changed since: a revised release beside the
//! withdrawn one, a new table beside what was published of another night.
//!
//! The public keeps the earlier numbers for ever. So the difference is protected as a table of its own: of whom the
//! change is about. And whoever supposes that little has changed takes an earlier number for the present one: what is
//! near to one is no cover for others.

use std::collections::BTreeSet;

use minster_attack::{Refusal, ReleasableSet, verify_with};
use minster_disclosure::widen;
use minster_model::{
    NodeId, Purpose,
    policy::{Policy, Zeros},
    table::{CountTable, Hierarchy, Pattern, Sensitive, TableSet},
};
use minster_store::{DatasetKeys, Store, StoreError};

use crate::{
    definition::release_definition::Definition,
    earlier_releases::{differencing, entry::Entry},
    error::AggregateError,
    protect::protect_counts::{ROUNDS, protect, withholding},
    publish::restricted_report::{self, COUNTS, Report},
    refusal::ReleaseRefusal,
};

/// Earlier releases about the same children, of which the data no longer say what was published.
pub(crate) struct Changed<'a> {
    of: Vec<(&'a Entry, Vec<CountTable>)>,
}

/// The children whom the change is about, by what a table of now and one of then both divide by.
struct Difference {
    /// Which of the new tables.
    place: usize,
    /// Less then where negative.
    inner: Vec<i64>,
    dimensions: Vec<Hierarchy>,
    sensitive: Vec<Sensitive>,
    /// For each cell, those of now and of then.
    cells: Vec<(usize, usize)>,
    /// The cells that were withheld then.
    hid: Vec<bool>,
}

impl<'a> Changed<'a> {
    /// The counts of these releases then. Where one withheld anything, its restricted report says what.
    pub(crate) fn new(
        entries: Vec<&'a Entry>,
        store: &Store,
        purpose: &Purpose,
        keys: &mut dyn DatasetKeys,
    ) -> Result<Self, AggregateError> {
        let mut of = Vec::new();
        for entry in entries {
            of.push((entry, counted(entry, store, purpose, keys)?));
        }
        Ok(Self { of })
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &'a Entry> {
        self.of.iter().map(|(entry, _)| *entry)
    }

    /// Protects a set whose first tables are the definition's, so that neither the earlier numbers give away what it
    /// withholds nor the two together whom the change is about.
    pub(crate) fn protect(
        &self,
        definition: &Definition,
        set: TableSet,
        notice: &dyn Fn(&str),
    ) -> Result<ReleasableSet, AggregateError> {
        if self.of.is_empty() {
            return protect(set, definition.costs);
        }
        self.protect_with_earlier(definition, set, notice).map_err(|error| match error {
            AggregateError::Refused(why) => {
                let releases = self.entries().map(Entry::named).collect();
                ReleaseRefusal::DataChanged { releases, why }.into()
            }
            other => other,
        })
    }

    fn protect_with_earlier(
        &self,
        definition: &Definition,
        mut set: TableSet,
        notice: &dyn Fn(&str),
    ) -> Result<ReleasableSet, AggregateError> {
        let own = definition.tables.len();
        let mut guessed = set.clone();
        let mut tables = Vec::new();
        let Policy { threshold, zeros, .. } = set.policy;
        let distances = vec![(threshold, threshold); own];
        let before = |entry: &'a Entry| {
            let tables = entry.tables.iter();
            tables.map(|of| (of.dimensions.as_slice(), of.counts.as_slice())).collect()
        };
        let compared = differencing::compare(
            &set.tables[..own],
            &distances,
            zeros,
            self.entries().map(before),
        );
        for (table, compared) in set.tables.iter().zip(compared) {
            let near = compared.suppressed();
            if near > 0 {
                notice(&format!(
                    "{near} cells of the table {} are withheld because they differ by less than the threshold from what was published before the data changed, or were withheld there",
                    table.name()
                ));
            }
            guessed.tables[tables.len()] = compared.guess(table.clone(), set.policy)?;
            tables.push(compared.with_differences(table.clone())?);
        }
        set.tables.splice(..own, tables);
        // A reader who takes earlier numbers for the present ones learns no small one either.
        let first = protect(guessed, definition.costs)?;
        for (place, pattern) in first.patterns().iter().enumerate().take(own) {
            let cells = (0..pattern.withheld.len()).filter(|&cell| pattern.withheld[cell]);
            set.tables[place] = withholding(&set.tables[place], &cells.collect())?;
        }
        for _ in 0..ROUNDS {
            let protected = protect(set.clone(), definition.costs)?;
            let mut more = Vec::new();
            for (entry, then) in &self.of {
                more.extend(unprotected(definition, entry, then, &protected)?);
            }
            if more.is_empty() {
                return Ok(protected);
            }
            for (place, table) in set.tables.iter_mut().enumerate().take(own) {
                let cells = more.iter().filter(|(of, _)| *of == place);
                *table = withholding(table, &cells.map(|(_, cell)| *cell).collect())?;
            }
        }
        Err(ReleaseRefusal::Difference.into())
    }
}

/// The tables of an entry as they were counted when it was made.
fn counted(
    entry: &Entry,
    store: &Store,
    purpose: &Purpose,
    keys: &mut dyn DatasetKeys,
) -> Result<Vec<CountTable>, AggregateError> {
    if entry.tables.iter().all(|table| table.counts.iter().all(Option::is_some)) {
        let whole = |(place, table): (usize, &crate::earlier_releases::entry::Published)| {
            let dimensions = &table.dimensions;
            let shape = empty(dimensions)?;
            let inner = shape.cell_counts().len();
            let leaves: Vec<usize> = (0..inner).filter(|&cell| shape.is_inner(cell)).collect();
            let counts = leaves.iter().filter_map(|&cell| table.counts[cell]).collect();
            let name = entry.definition.tables[place].name.as_str();
            Ok(CountTable::new(name, dimensions.clone(), counts, vec![])?)
        };
        return entry.tables.iter().enumerate().map(whole).collect();
    }
    let gone = || AggregateError::from(ReleaseRefusal::ReportGone { release: entry.named() });
    let dataset =
        restricted_report::dataset(&entry.definition.name, &entry.sha256, &entry.period, purpose)?;
    match store.manifest(&dataset) {
        Ok(_) => {}
        Err(error @ StoreError::NotRecorded { .. }) => return Err(error.into()),
        Err(_) => return Err(gone()),
    }
    let report = Report::open(store, &dataset, keys)?;
    let counts = report.sets.into_iter().find(|set| set.name == COUNTS);
    let tables = counts.map(|set| set.set.tables).unwrap_or_default();
    let own: Vec<CountTable> = tables.into_iter().take(entry.tables.len()).collect();
    let is_same =
        |(table, published): (&CountTable, &crate::earlier_releases::entry::Published)| {
            table.dimensions() == published.dimensions
        };
    match own.len() == entry.tables.len() && own.iter().zip(&entry.tables).all(is_same) {
        true => Ok(own),
        false => Err(gone()),
    }
}

/// The nodes of a dimension that count what those of another one of the same categories do, which may have them in another
/// order. None if it has other ones.
fn nodes_of(dimension: &Hierarchy, other: &Hierarchy) -> Option<Vec<NodeId>> {
    if !dimension.has_leaves_of(other) || dimension.node_count() != other.node_count() {
        return None;
    }
    let below = |of: &Hierarchy, node| -> BTreeSet<String> {
        of.leaves_below(node).iter().map(|&leaf| of.code(leaf).to_owned()).collect()
    };
    let same = |node| {
        let own = dimension.node(other.code(node))?;
        (below(dimension, own) == below(other, node)).then_some(own)
    };
    other.nodes().map(same).collect()
}

fn empty(dimensions: &[Hierarchy]) -> Result<CountTable, AggregateError> {
    let inner = dimensions.iter().map(|of| of.leaves().len()).product();
    Ok(CountTable::new("", dimensions.to_vec(), vec![0; inner], vec![])?)
}

/// The cells of the new tables that must be withheld too, so that the difference from an earlier release does not
/// show of few whom the change is about.
///
/// Where some joined and others left, or changed, no world of the difference is less likely for being negative, and
/// the protection level that each near cell has says enough. Where all joined, or all left, it is a table of children.
fn unprotected(
    definition: &Definition,
    entry: &Entry,
    then: &[CountTable],
    protected: &ReleasableSet,
) -> Result<Vec<(usize, usize)>, AggregateError> {
    let mut differences = Vec::new();
    for place in 0..definition.tables.len() {
        let now = &protected.tables()[place];
        for (of, published) in then.iter().zip(&entry.tables) {
            differences.extend(Difference::new(place, now, of, &published.counts)?);
        }
    }
    let mut all = differences.iter().flat_map(|of| &of.inner);
    let signs =
        all.clone().fold((false, false), |(less, more), of| (less | (*of < 0), more | (*of > 0)));
    if signs.0 == signs.1 || all.all(|of| *of == 0) {
        return Ok(Vec::new());
    }
    // A zero is published by nobody: it follows, or it does not.
    let policy = Policy { zeros: Zeros::MayBeWithheld, ..definition.policy() };
    let mut set = TableSet { tables: Vec::new(), policy };
    let mut patterns = Vec::new();
    for of in &differences {
        set.tables.push(of.table()?);
        patterns.push(of.pattern(&protected.patterns()[of.place]));
    }
    let failures = match verify_with(set.clone(), patterns.clone(), &[]) {
        Ok(_) => return Ok(Vec::new()),
        Err(Refusal::Unprotected(failures)) => failures,
        Err(refusal) => return Err(refusal.into()),
    };
    let failing: Vec<(usize, usize)> = failures.iter().map(|of| (of.table, of.cell)).collect();
    let wider = widen(&set, &patterns, &failing, definition.costs)?;
    let mut more = Vec::new();
    for ((of, before), after) in differences.iter().zip(&patterns).zip(&wider.patterns) {
        let added = before.withheld.iter().zip(&after.withheld).zip(&of.cells);
        let added = added.filter(|((before, after), _)| !**before && **after);
        more.extend(added.map(|(_, (now, _))| (of.place, *now)));
    }
    match more.is_empty() {
        true => Err(ReleaseRefusal::Difference.into()),
        false => Ok(more),
    }
}

impl Difference {
    /// None where the two tables divide by nothing alike.
    fn new(
        place: usize,
        now: &CountTable,
        then: &CountTable,
        published: &[Option<u64>],
    ) -> Result<Option<Self>, AggregateError> {
        let total = |of: &Hierarchy| of.roots().next().unwrap_or_default();
        let is_divided = |(_, of): &(usize, &Hierarchy)| of.roots().count() == 1;
        let mut shared = Vec::new();
        for (at, of) in now.dimensions().iter().enumerate().filter(is_divided) {
            let mut others = then.dimensions().iter().enumerate();
            let other = others.find_map(|(place, other)| Some((place, nodes_of(other, of)?)));
            shared.extend(other.map(|(other, nodes)| (at, other, nodes)));
        }
        let others_have_totals = [now, then]
            .iter()
            .all(|table| table.dimensions().iter().all(|of| of.roots().count() == 1));
        if shared.is_empty() || !others_have_totals {
            return Ok(None);
        }
        let dimensions: Vec<Hierarchy> =
            shared.iter().map(|(at, ..)| now.dimensions()[*at].clone()).collect();
        let shape = empty(&dimensions)?;
        let totals =
            |table: &CountTable| -> Vec<NodeId> { table.dimensions().iter().map(total).collect() };
        let cells: Vec<(usize, usize)> = (0..shape.cell_count())
            .map(|cell| {
                let (mut of_now, mut of_then) = (totals(now), totals(then));
                for ((at, other, nodes), node) in shared.iter().zip(shape.coordinates(cell)) {
                    of_now[*at] = node;
                    of_then[*other] = nodes[node.0];
                }
                (now.cell(&of_now), then.cell(&of_then))
            })
            .collect();
        let (counts_now, counts_then) = (now.cell_counts(), then.cell_counts());
        let leaves = (0..shape.cell_count()).filter(|&cell| shape.is_inner(cell));
        let inner = leaves.map(|cell| {
            let (now, then) = cells[cell];
            counts_now[now] as i64 - counts_then[then] as i64
        });
        let sensitive = now.sensitive().iter().filter_map(|of| {
            let dimension = shared.iter().position(|(at, ..)| *at == of.dimension)?;
            Some(Sensitive { dimension, categories: of.categories.clone() })
        });
        Ok(Some(Self {
            place,
            inner: inner.collect(),
            sensitive: sensitive.collect(),
            hid: cells.iter().map(|(_, then)| published[*then].is_none()).collect(),
            cells,
            dimensions,
        }))
    }

    fn table(&self) -> Result<CountTable, AggregateError> {
        let Self { dimensions, sensitive, .. } = self;
        let inner = self.inner.iter().map(|of| of.unsigned_abs()).collect();
        Ok(CountTable::new("the difference", dimensions.clone(), inner, sensitive.clone())?)
    }

    fn pattern(&self, now: &Pattern) -> Pattern {
        let cells = self.cells.iter().zip(&self.hid);
        Pattern { withheld: cells.map(|((of, _), hid)| now.withheld[*of] || *hid).collect() }
    }
}
