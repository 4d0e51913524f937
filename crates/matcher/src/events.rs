//! Rows of a table, each given to its child, and the summaries of all columns that the table fills: one pass.
//!
//! A row belongs to the child of its person's row in the same delivery, however that person was found. Where the source
//! has no table of persons, its number alone says which child it is about. A table with a key counts one event once: what
//! a later delivery says of it stands.

use std::{
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

use ahash::{HashMap, HashMapExt, HashSet, HashSetExt};
use arrow::{
    array::{Array, DictionaryArray, FixedSizeBinaryArray, RecordBatch},
    datatypes::Int32Type,
};
use minster_model::{ColumnName, DatasetRef, Day, Period, SourceName, TableName};
use minster_store::{Dataset, TableEntry, UNIT};

use crate::{
    MatchError,
    child_of_row::DeliveryPersons,
    children::Children,
    column_work::{ColumnWork, SummaryOf, TakenRows},
    condition::{Condition, Limits, all_pass},
    definition::{EventTable, Matching, SummaryColumn},
    named_day::DeliveryPeriod,
    parallel_reader::{cores, in_order, on_all_cores},
    person_tables::PersonTables,
    report::{Linked, TableLinkage},
    summary::{SummarisedRow, Summariser},
    tables::Events,
    values::whole,
};

/// A delivery's dataset: its place among the pipeline's, and what it is of.
pub(crate) struct Delivered {
    pub(crate) place: u32,
    pub(crate) source: SourceName,
    pub(crate) dataset: Dataset,
}

impl Delivered {
    /// The reference in a dataset that is made of it: which it is, and the SHA-256 of its manifest.
    pub(crate) fn made_of(&self) -> (DatasetRef, String) {
        (self.dataset.manifest().dataset.clone(), self.dataset.manifest_sha256().to_owned())
    }

    pub(crate) fn table(&self, name: &TableName) -> Option<&TableEntry> {
        self.dataset.manifest().tables.iter().find(|table| table.name == *name)
    }
}

/// Each of the columns must stand in one of a table's deliveries at least.
pub(crate) fn must_have<'n>(
    (source, table): (&SourceName, &TableName),
    delivered: &[&TableEntry],
    names: impl Iterator<Item = &'n ColumnName>,
) -> Result<(), MatchError> {
    let known = || delivered.iter().flat_map(|table| &table.columns);
    let known = || known().map(|column| column.name.as_str());
    for name in names {
        if !known().any(|known| known == name.as_str()) {
            return Err(MatchError::NoColumn {
                source_name: source.clone(),
                table: table.clone(),
                column: name.clone(),
                nearest: nearest(name.as_str(), known()),
            });
        }
    }
    Ok(())
}

/// A delivery as a period sees it.
#[derive(Clone, Copy)]
pub(crate) struct InPeriod<'a> {
    pub(crate) one: &'a Delivered,
    /// Its own, and not carried over: its rows put children into the period.
    pub(crate) own: bool,
}

/// Those of the wanted columns that a table has, and its number of units, each once.
pub(crate) fn present<'n>(
    table: &TableEntry,
    wanted: impl Iterator<Item = &'n str>,
) -> Vec<&'n str> {
    let mut names: Vec<&str> = Vec::new();
    for name in wanted.chain([UNIT]) {
        if table.columns.iter().any(|column| column.name == name) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// All columns that one table fills by one column of numbers.
pub(crate) struct Pass<'a> {
    pub(crate) matching: &'a Matching,
    pub(crate) children: &'a Children,
    pub(crate) people: &'a PersonTables,
    pub(crate) source: &'a SourceName,
    pub(crate) table: &'a TableName,
    pub(crate) child: Option<&'a ColumnName>,
    pub(crate) columns: Vec<&'a SummaryColumn>,
    pub(crate) events: Vec<&'a EventTable>,
    /// Whether each child is a pupil of the council's schools in the period.
    pub(crate) on_spine: Arc<[bool]>,
    /// The period's first and last days.
    pub(crate) days: Option<(Day, Day)>,
}

/// The columns that a summary, or a table of events, wants of a source's table.
pub(crate) struct WantedColumns<'a> {
    /// For messages.
    name: ColumnName,
    columns: Vec<&'a ColumnName>,
    pub(crate) conditions: Vec<(&'a Condition, Limits)>,
    pub(crate) present_in: Option<&'a DeliveryPeriod>,
    /// Each delivery is asked, also for what a later one tells of again: there it may be blank.
    pub(crate) by_delivery: bool,
    /// Why the period says nothing of it: it has no such day.
    unknown: Option<String>,
}

impl WantedColumns<'_> {
    /// The columns that it looks at.
    fn reads(&self) -> impl Iterator<Item = &ColumnName> {
        let tested = self.conditions.iter().flat_map(|(condition, _)| condition.columns());
        self.columns.iter().copied().chain(tested)
    }

    fn is_in(&self, period: &Period) -> bool {
        self.unknown.is_none() && self.present_in.is_none_or(|wanted| wanted.is(period))
    }
}

/// The result of a pass.
pub(crate) struct PassResult<'a> {
    /// One a column.
    pub(crate) summarisers: Vec<Summariser>,
    /// One a table of events.
    pub(crate) events: Vec<Events<'a>>,
    pub(crate) linkage: TableLinkage,
    /// For each column, then each table of events: why the period says nothing of it.
    pub(crate) unknown: Vec<Option<String>>,
    /// Children that a row of the source is about.
    pub(crate) present: Vec<bool>,
    /// For each column, then each table of events, and condition: its values, and whether a row has them.
    pub(crate) unmet: Vec<Vec<HashMap<String, bool>>>,
}

/// Why a table was not read to its end.
enum ReadStop {
    /// The rows of a child do not stand together: the table is read again, and all of its events are remembered.
    Scattered,
    Failed(MatchError),
}

impl From<MatchError> for ReadStop {
    fn from(error: MatchError) -> Self {
        Self::Failed(error)
    }
}

/// A batch, and what needs no other batch to be known of it.
struct ReadBatch {
    batch: RecordBatch,
    /// Its rows about a child.
    rows: Vec<SummarisedRow>,
    /// For each row its event, where the table has a key.
    events: Option<Vec<u64>>,
    /// For each column, then each table of events, that the delivery says something of: for each row, whether it passes.
    passes: Vec<Option<Vec<bool>>>,
    linked: Linked,
}

/// Events that were met.
enum MetEvents {
    /// The child's whose rows are being read: the rows of a child stand together.
    OfOneChild { child: u32, events: HashSet<u64>, done: Vec<bool> },
    /// The events of all children.
    OfAll(HashSet<(u32, u64)>),
}

impl MetEvents {
    /// Whether the event is new.
    fn is_new(&mut self, child: u32, event: u64) -> Result<bool, ReadStop> {
        match self {
            Self::OfAll(events) => Ok(events.insert((child, event))),
            Self::OfOneChild { child: now, events, done } => {
                if *now != child {
                    if let Some(before) = done.get_mut(*now as usize) {
                        *before = true;
                    }
                    if done[child as usize] {
                        return Err(ReadStop::Scattered);
                    }
                    events.clear();
                    *now = child;
                }
                Ok(events.insert(event))
            }
        }
    }
}

impl<'a> Pass<'a> {
    /// Reads the table in all deliveries of its source.
    pub(crate) fn run(&self, delivered: &[InPeriod<'_>]) -> Result<PassResult<'a>, MatchError> {
        let of_source = || delivered.iter().filter(|of| self.reads(of.one));
        let wanted = self.wanted()?;
        self.check(&wanted, delivered)?;
        let children = self.children.names().len();
        // One delivery, its rows child by child: the events of one child are remembered at a time.
        if of_source().count() == 1 {
            let done = vec![false; children];
            let met = MetEvents::OfOneChild { child: u32::MAX, events: HashSet::new(), done };
            match self.all(&wanted, of_source(), met) {
                Ok(passed) => return Ok(passed),
                Err(ReadStop::Failed(error)) => return Err(error),
                Err(ReadStop::Scattered) => {}
            }
        }
        self.all(&wanted, of_source(), MetEvents::OfAll(HashSet::new())).map_err(
            |stop| match stop {
                ReadStop::Failed(error) => error,
                ReadStop::Scattered => MatchError::Events,
            },
        )
    }

    /// Whether a delivery has the table.
    pub(crate) fn reads(&self, one: &Delivered) -> bool {
        one.source == *self.source && one.table(self.table).is_some()
    }

    /// The columns, then the tables of events.
    fn wanted(&self) -> Result<Vec<WantedColumns<'a>>, MatchError> {
        let wanted = |name: ColumnName, conditions: &'a [Condition], columns, present_in| {
            let mut of = WantedColumns {
                name,
                columns,
                conditions: Vec::new(),
                present_in,
                by_delivery: false,
                unknown: None,
            };
            for condition in conditions {
                condition
                    .check(&self.matching.groups)
                    .map_err(|why| MatchError::Condition { column: of.name.clone(), why })?;
                match condition.limits(self.days) {
                    Ok(limits) => of.conditions.push((condition, limits)),
                    Err(why) => of.unknown = Some(why),
                }
            }
            Ok(of)
        };
        let columns = self.columns.iter().map(|column| {
            let present_in = column.present_in();
            let columns = column.summary.columns();
            let of = wanted(column.name.clone(), &column.conditions, columns, present_in)?;
            let no_day = column.summary.day(self.days).err();
            let by_delivery = column.summary.is_by_delivery();
            Ok(WantedColumns { by_delivery, unknown: of.unknown.or(no_day), ..of })
        });
        let events = self.events.iter().map(|table| {
            let name = table.name.as_str().parse().map_err(|_| MatchError::Name)?;
            let columns = table.columns().into_iter().map(|(column, _)| column).collect();
            wanted(name, &table.conditions, columns, table.present_in())
        });
        columns.chain(events).collect()
    }

    fn all<'d>(
        &self,
        wanted: &[WantedColumns<'_>],
        delivered: impl DoubleEndedIterator<Item = &'d InPeriod<'d>>,
        mut met: MetEvents,
    ) -> Result<PassResult<'a>, ReadStop> {
        let children = self.children.names().len();
        let summariser = |column: &&SummaryColumn| {
            // Where the period has no such day, the column is not known.
            let day = column.summary.day(self.days).unwrap_or_default();
            Summariser::new(column.summary.clone(), column.blank, children, day)
        };
        let unmet = |wanted: &WantedColumns<'_>| vec![HashMap::new(); wanted.conditions.len()];
        let mut passed = PassResult {
            summarisers: self.columns.iter().map(summariser).collect(),
            events: self.events.iter().map(|table| Events::new(table)).collect(),
            linkage: TableLinkage::of_events(self.source.as_str(), self.table.as_str()),
            present: vec![false; children],
            unmet: wanted.iter().map(unmet).collect(),
            unknown: wanted.iter().map(|wanted| wanted.unknown.clone()).collect(),
        };
        // The latest delivery first: what it says of an event stands.
        for of in delivered.rev() {
            self.one(wanted, *of, &mut met, &mut passed)?;
        }
        Ok(passed)
    }

    fn one(
        &self,
        wanted: &[WantedColumns<'_>],
        InPeriod { one, own: is_own }: InPeriod<'_>,
        met: &mut MetEvents,
        passed: &mut PassResult<'a>,
    ) -> Result<(), ReadStop> {
        let Some(entry) = one.table(self.table) else { return Ok(()) };
        let identity = self.matching.identity(self.source, self.table);
        let key: Option<Vec<&str>> =
            entry.key.as_ref().map(|key| key.iter().map(String::as_str).collect());
        let read = wanted.iter().flat_map(WantedColumns::reads);
        let read = read.chain(self.child).map(ColumnName::as_str);
        // Numbers that say nothing but who a row is about are read each once.
        let coded = self.child.filter(|child| {
            let is_it = |wanted: &WantedColumns<'_>| wanted.reads().any(|column| column == *child);
            !wanted.iter().any(is_it)
        });
        let names = present(entry, read.chain(key.iter().flatten().copied()));
        let own = DeliveryPersons::new(self, one, identity);
        let period = &one.dataset.manifest().dataset.period;
        // A row's own number is no event's: the next delivery uses it again.
        let by_row = identity
            .and_then(|identity| identity.row.as_ref())
            .is_some_and(|row| key.as_ref().is_some_and(|key| key.contains(&row.as_str())));
        let of_delivery = by_row.then_some(one.place);
        let key = key.filter(|key| !key.is_empty() || identity.is_none());
        // Where the events of one child at a time are remembered, rows stay as they stand in the table.
        let together = key.is_none() || matches!(met, MetEvents::OfAll(_));
        let read = |first: usize, batch: RecordBatch| -> Result<ReadBatch, MatchError> {
            let (rows, counts) = match together {
                true => own.resolve_by_child(&batch, first)?,
                false => own.resolve(&batch, first)?,
            };
            let mut linked = Linked::default();
            if identity.is_none() {
                linked.add_counts(&counts);
            }
            let events = key.as_ref().map(|key| hashes(&batch, key, of_delivery)).transpose()?;
            let passes = wanted.iter().map(|wanted| match wanted.is_in(period) {
                true => all_pass(&wanted.conditions, &batch, &self.matching.groups).map(Some),
                false => Ok(None),
            });
            let passes = passes.collect::<Result<_, _>>()?;
            Ok(ReadBatch { batch, rows, events, passes, linked })
        };
        let groups = one.dataset.row_groups_coded(self.table, Some(&names));
        let mut groups = groups.map_err(MatchError::from)?;
        if let Some(coded) = coded {
            groups = groups.with_coded_numbers(coded.as_str()).map_err(MatchError::from)?;
        }
        let mut linked = Linked::default();
        // In a delivery of its own, an event that a later one has as well was there all the same.
        let mut here: HashSet<(u32, u64)> = HashSet::new();
        let is_here = wanted.iter().any(|wanted| wanted.present_in.is_some());
        let chosen = identity.is_some_and(|identity| !identity.prefer.is_empty());
        let take = |read: ReadBatch| -> Result<(), ReadStop> {
            let ReadBatch { batch, rows, events, passes, linked: of_batch } = read;
            linked.add(&of_batch);
            if is_own {
                rows.iter().for_each(|taken| passed.present[taken.child as usize] = true);
            }
            // Whether each row's event is new, and new in this delivery.
            let mut news: Vec<(bool, bool)> = Vec::new();
            for (taken, event) in rows.iter().zip(
                events
                    .iter()
                    .flat_map(|events| rows.iter().map(|taken| events[taken.row as usize])),
            ) {
                let is_new = met.is_new(taken.child, event)?;
                let is_new_here = !is_here || here.insert((taken.child, event));
                linked.superseded += u64::from(!is_new);
                news.push((is_new, is_new_here));
            }
            let taken =
                TakenRows { batch: &batch, rows: &rows, news: &news, delivery: one.place, chosen };
            let summarisers = passed.summarisers.iter_mut().map(SummaryOf::Column);
            let all = summarisers.chain(passed.events.iter_mut().map(SummaryOf::Events));
            let work = wanted.iter().zip(&passes).zip(all).zip(&mut passed.unmet);
            let work = work.filter_map(|(((wanted, passes), summary), unmet)| {
                Some(ColumnWork { wanted, passes: passes.as_ref()?, summary, unmet })
            });
            on_all_cores(work.collect(), |work: ColumnWork<'_, '_>| work.take(&taken))?;
            Ok(())
        };
        in_order(&groups, cores(), read, take)?;
        if is_own {
            passed.linkage.add(period, linked);
        }
        Ok(())
    }

    /// The columns that are named must stand in one delivery at least.
    fn check(
        &self,
        wanted: &[WantedColumns<'_>],
        delivered: &[InPeriod<'_>],
    ) -> Result<(), MatchError> {
        let of_source = || delivered.iter().filter(|of| of.one.source == *self.source);
        // A source whose deliveries were all left out, or a table that none of them has, fills nothing.
        let tables: Vec<&TableEntry> =
            of_source().filter_map(|of| of.one.table(self.table)).collect();
        if tables.is_empty() {
            let others = of_source().flat_map(|of| &of.one.dataset.manifest().tables);
            let mut others = others.peekable();
            return match others.peek() {
                None => Ok(()),
                Some(_) => Err(MatchError::NoTable {
                    source_name: self.source.clone(),
                    table: self.table.clone(),
                    nearest: nearest(self.table.as_str(), others.map(|table| table.name.as_str())),
                }),
            };
        }
        let mut known = tables.iter().flat_map(|table| &table.columns);
        let of_persons = self.matching.identity(self.source, self.table).is_some();
        let is_told = self.child.is_some() || of_persons || known.any(|column| column.name == UNIT);
        if let (false, Some(first)) = (is_told, wanted.first()) {
            return Err(MatchError::Condition {
                column: first.name.clone(),
                why: "`child` must name the column that says which child a row is about".into(),
            });
        }
        for wanted in wanted {
            let tested = wanted.conditions.iter().flat_map(|(condition, _)| condition.columns());
            let names = wanted.columns.iter().copied().chain(tested).chain(self.child);
            must_have((self.source, self.table), &tables, names)?;
        }
        Ok(())
    }
}

/// One number a row, made of its key's cells: equal cells give equal numbers. The chance that two events of one child,
/// by these, are taken for one is one in 10¹⁹. Where a delivery is given, its events are its own.
fn hashes(
    batch: &RecordBatch,
    key: &[&str],
    of_delivery: Option<u32>,
) -> Result<Vec<u64>, MatchError> {
    let of_delivery = of_delivery.map_or(0, |place| 1 + u64::from(place));
    let state = ahash::RandomState::with_seeds(1, 2, 3, 4 + of_delivery);
    let mut hashers: Vec<_> = (0..batch.num_rows()).map(|_| state.build_hasher()).collect();
    for name in key {
        let Some(column) = batch.column_by_name(name) else {
            hashers.iter_mut().for_each(|hasher| hasher.write_u8(0));
            continue;
        };
        let coded = column.as_any().downcast_ref::<DictionaryArray<Int32Type>>();
        let numbers =
            coded.and_then(|coded| coded.values().as_any().downcast_ref::<FixedSizeBinaryArray>());
        if let (Some(coded), Some(numbers)) = (coded, numbers) {
            // As where each row holds its number: an event is the same in both.
            for (row, hasher) in hashers.iter_mut().enumerate() {
                hasher.write(match coded.is_valid(row) {
                    true => numbers.value(coded.keys().value(row) as usize),
                    false => &[],
                });
                hasher.write_u8(0xff);
            }
        } else if let Some(coded) = coded {
            let words = coded.values().as_any().downcast_ref::<arrow::array::StringArray>();
            for (row, hasher) in hashers.iter_mut().enumerate() {
                match (coded.is_valid(row), words) {
                    (true, Some(words)) => {
                        hasher.write(words.value(coded.keys().value(row) as usize).as_bytes())
                    }
                    _ => hasher.write_u8(0),
                }
                hasher.write_u8(0xff);
            }
        } else if let Some(bytes) = column.as_any().downcast_ref::<FixedSizeBinaryArray>() {
            for (row, hasher) in hashers.iter_mut().enumerate() {
                hasher.write(if bytes.is_valid(row) { bytes.value(row) } else { &[] });
                hasher.write_u8(0xff);
            }
        } else {
            let whole = whole(column, &name.parse().map_err(|_| MatchError::Name)?)?;
            for (row, hasher) in hashers.iter_mut().enumerate() {
                match whole.is_valid(row) {
                    true => hasher.write_i64(whole.value(row)),
                    false => hasher.write_u8(0),
                }
                hasher.write_u8(0xff);
            }
        }
    }
    Ok(hashers.into_iter().map(|hasher| hasher.finish()).collect())
}

/// The known name that is most like a wrong one.
pub(crate) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    let like = |name: &str| (strsim::jaro_winkler(wrong, name) * 1e6) as u64;
    known.max_by_key(|name| like(name)).unwrap_or_default().to_owned()
}
