//! Gathers one period's children, with their columns and tables.

mod households;
mod provenance;

use std::{collections::BTreeMap, sync::Arc, thread};

use ahash::HashMap;
use arrow::{
    array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, new_null_array},
    compute::filter,
};
use minster_model::{ColumnName, Purpose, SourceName, TableName, periods::LinkedPeriod};

use crate::{
    CHILDREN, MatchError,
    children::{Children, Linkage},
    condition::Condition,
    definition::{EventTable, Matching, Ratio, SummaryColumn},
    events::{Delivered, InPeriod, Pass, PassResult, nearest},
    exact_only::ExactOnlyCounts,
    named_day::DeliveryPeriod,
    person_tables::{DeliveredPersons, PersonTables},
    report::{FORMAT, LinkageReport, Linked, TableLinkage},
    restricted,
    tables::{CROSSWALK, Crosswalk, Events, batch, pseudonyms},
};
pub(crate) use households::{CHILDREN_AT_HOME, SIBLINGS};
pub(crate) use provenance::{IN_DOUBT, PROBABILITY, linked_by};

/// The tables of an integrated dataset, by name, and the report.
pub(crate) struct IntegratedTables {
    pub(crate) tables: Vec<(String, RecordBatch)>,
    pub(crate) report: LinkageReport,
}

/// The columns of the children, and the tables of events, in the definition's order.
type Summarised<'a> = (Vec<(ColumnName, ArrayRef)>, Vec<Events<'a>>);

/// The children of a period.
pub(crate) struct Integration<'a> {
    matching: &'a Matching,
    children: &'a Children,
    people: &'a PersonTables,
    /// The probabilities of rows that a score linked.
    probabilities: &'a HashMap<u32, f64>,
    /// The deliveries of all periods.
    all: &'a [Delivered],
    delivered: Vec<InPeriod<'a>>,
    period: &'a LinkedPeriod,
    /// For each source the children whom a row of an own delivery is about.
    present: BTreeMap<SourceName, Vec<bool>>,
    on_spine: Arc<[bool]>,
    /// Children whose processing is restricted.
    restricted: &'a [bool],
    report: LinkageReport,
}

impl<'a> Integration<'a> {
    pub(crate) fn new(
        matching: &'a Matching,
        (children, people, probabilities, restricted): (
            &'a Children,
            &'a PersonTables,
            &'a HashMap<u32, f64>,
            &'a [bool],
        ),
        all: &'a [Delivered],
        (period, purpose): (&'a LinkedPeriod, &Purpose),
    ) -> Self {
        let (own, carried) = (period.datasets(purpose), period.carried(purpose));
        let delivered = all.iter().filter_map(|one| {
            let dataset = &one.dataset.manifest().dataset;
            let own = own.contains(dataset);
            (own || carried.contains(dataset)).then_some(InPeriod { one, own })
        });
        let nobody = || vec![false; children.names().len()];
        let present =
            matching.sources().into_iter().map(|source| (source.clone(), nobody())).collect();
        let mut notes = [people.missing.as_slice(), &people.notes].concat();
        let exact_only = people.marked.counts();
        notes.extend(exact_only.iter().flat_map(ExactOnlyCounts::notes));
        let report =
            LinkageReport { format: FORMAT, notes, exact_only, ..LinkageReport::default() };
        let mut integration = Self {
            matching,
            children,
            people,
            probabilities,
            all,
            delivered: delivered.collect(),
            period,
            present,
            on_spine: Arc::default(),
            restricted,
            report,
        };
        let mut on_spine = nobody();
        for people in integration.own_people() {
            if people.persons(integration.people).spine {
                let rows = children.of_table(people.place);
                rows.iter().for_each(|child| on_spine[*child as usize] = true);
            }
        }
        integration.on_spine = on_spine.into();
        integration.count_persons();
        integration
    }

    /// The tables of persons in the period's own deliveries.
    fn own_people(&self) -> Vec<&'a DeliveredPersons> {
        let is_own = |table: &&DeliveredPersons| {
            self.delivered.iter().any(|of| of.own && of.one.place == table.delivery)
        };
        self.people.tables.iter().filter(is_own).collect()
    }

    /// How a row about a person was linked to the spine of this period.
    fn linkage(&self, linkage: Linkage, child: u32) -> Linkage {
        match linkage.is_linked() && !self.on_spine[child as usize] {
            true => Linkage::NotOnSpine,
            false => linkage,
        }
    }

    fn count_persons(&mut self) {
        let own_people = self.own_people();
        for (place, identity) in self.matching.identities.iter().enumerate() {
            let (source, table) = (&identity.source, &identity.table);
            if !self.delivered.iter().any(|of| of.own && of.one.source == *source) {
                continue;
            }
            let mut counted = TableLinkage::of_persons(source.as_str(), table.as_str());
            for people in own_people.iter().filter(|people| people.identity == place) {
                let linkage = self.children.linkage_of_table(people.place);
                let rows = self.children.of_table(people.place);
                let mut linked = Linked::default();
                let of_rows = linkage.iter().zip(rows);
                linked.count_all(of_rows.map(|(linkage, child)| self.linkage(*linkage, *child)));
                counted.add(&people.persons(self.people).period, linked);
                if let Some(present) = self.present.get_mut(source) {
                    rows.iter().for_each(|child| present[*child as usize] = true);
                }
            }
            self.report.tables.push(counted);
        }
        self.report.tables.sort_by(|a, b| (&a.source, &a.table).cmp(&(&b.source, &b.table)));
    }

    /// Reads the deliveries, and puts the tables together.
    pub(crate) fn make(mut self) -> Result<IntegratedTables, MatchError> {
        let (columns, events) = self.summarise()?;
        let present = self.in_period();
        let wanted: Vec<bool> = (present.iter().zip(self.restricted))
            .map(|(present, restricted)| *present && !restricted)
            .collect();
        let left_out = present.iter().zip(&wanted).filter(|(one, other)| one != other).count();
        self.report.notes.extend(restricted::note(left_out as u64));
        let names = self.children.names();
        let households = self.households(&wanted)?;
        let columns = columns.into_iter().map(|(name, values)| (name.to_string(), values));
        let columns = households.into_iter().chain(columns).collect();
        let (children, crosswalk) = thread::scope(|scope| {
            let crosswalk = scope.spawn(|| self.crosswalk());
            let children = self.table(columns, &wanted);
            (children, crosswalk.join().unwrap_or(Err(MatchError::Thread)))
        });
        let mut tables = vec![(CHILDREN.to_owned(), children?)];
        for (table, events) in self.matching.events.iter().zip(events) {
            tables.push((table.name.to_string(), events.finish(names, &wanted)?));
        }
        tables.push((CROSSWALK.to_owned(), crosswalk?));
        let children = wanted.iter().filter(|wanted| **wanted).count();
        self.report.children = children as u64;
        let on_spine = self.on_spine.iter().zip(&wanted);
        self.report.on_spine =
            on_spine.filter(|(on_spine, wanted)| **on_spine && **wanted).count() as u64;
        let own: Vec<usize> = self.own_people().iter().map(|people| people.place).collect();
        self.report.review =
            self.children.review(&self.people.persons, |table| own.contains(&table));
        Ok(IntegratedTables { tables, report: self.report })
    }

    /// Children whom a row of the period's own deliveries is about.
    fn in_period(&self) -> Vec<bool> {
        let mut wanted = vec![false; self.children.names().len()];
        for present in self.present.values() {
            wanted.iter_mut().zip(present).for_each(|(wanted, present)| *wanted |= present);
        }
        wanted
    }

    /// Every column and every table of events, each source's table in one pass.
    fn summarise(&mut self) -> Result<Summarised<'a>, MatchError> {
        type Place<'a> = (&'a SourceName, &'a TableName, Option<&'a ColumnName>);
        #[derive(Default)]
        struct Reads<'a> {
            columns: Vec<(usize, &'a SummaryColumn)>,
            events: Vec<(usize, &'a EventTable)>,
        }
        let matching = self.matching;
        let mut tables: Vec<(Place<'a>, Reads<'a>)> = Vec::new();
        let mut of = |table: Place<'a>| -> usize {
            let known = tables.iter().position(|known| known.0 == table);
            known.unwrap_or_else(|| {
                tables.push((table, Reads::default()));
                tables.len() - 1
            })
        };
        let column = |c: &'a SummaryColumn| (&c.source, &c.table, c.child.as_ref());
        let columns: Vec<usize> = matching.columns.iter().map(|c| of(column(c))).collect();
        let table = |t: &'a EventTable| (&t.source, &t.table, t.child.as_ref());
        let events: Vec<usize> = matching.events.iter().map(|t| of(table(t))).collect();
        for (place, (at, column)) in columns.into_iter().zip(&matching.columns).enumerate() {
            tables[at].1.columns.push((place, column));
        }
        for (place, (at, table)) in events.into_iter().zip(&matching.events).enumerate() {
            tables[at].1.events.push((place, table));
        }
        let mut counted: Vec<(&SourceName, &TableName)> = Vec::new();
        let mut values: BTreeMap<usize, ArrayRef> = BTreeMap::new();
        let mut gathered: BTreeMap<usize, Events<'a>> = BTreeMap::new();
        for ((source, table, child), reads) in tables {
            let pass = Pass {
                matching,
                children: self.children,
                people: self.people,
                source,
                table,
                child,
                columns: reads.columns.iter().map(|column| column.1).collect(),
                events: reads.events.iter().map(|table| table.1).collect(),
                on_spine: Arc::clone(&self.on_spine),
                days: self.period.days(),
            };
            let passed = pass.run(&self.delivered)?;
            let conditioned = reads
                .columns
                .iter()
                .map(|(_, column)| (column.name.as_str(), column.conditions.as_slice()));
            let tables = reads
                .events
                .iter()
                .map(|(_, table)| (table.name.as_str(), table.conditions.as_slice()));
            look_for_unmet(conditioned.chain(tables), &passed, &mut self.report.notes)?;
            let is_read = self.delivered.iter().any(|of| pass.reads(of.one));
            let mut unknown = passed.unknown.into_iter();
            for (summariser, (place, column)) in passed.summarisers.into_iter().zip(&reads.columns)
            {
                let why = unknown.next().flatten();
                let why = match is_read && self.is_delivered(column)? {
                    true => why,
                    false => Some(not_delivered((source, table), column.present_in(), self.period)),
                };
                let said = summariser.notes();
                let mut found = summariser.finish()?;
                if why.is_none() {
                    let of_column = said.iter().map(|said| format!("{}: {said}", column.name));
                    self.report.notes.extend(of_column);
                }
                if let Some(why) = why {
                    // Nobody was asked: none is not zero.
                    self.report.notes.push(format!("{}: {why}; it is not known", column.name));
                    found = new_null_array(found.data_type(), found.len());
                }
                values.insert(*place, found);
            }
            for ((events, (place, of)), why) in
                passed.events.into_iter().zip(&reads.events).zip(unknown)
            {
                let nobody = || not_delivered((source, table), of.present_in(), self.period);
                if let Some(why) = why.or_else(|| (!is_read).then(nobody)) {
                    self.report.notes.push(format!("{}: {why}; it is empty", of.name));
                }
                gathered.insert(*place, events);
            }
            if let Some(present) = self.present.get_mut(source) {
                let both = present.iter_mut().zip(&passed.present);
                both.for_each(|(present, passed)| *present |= passed);
            }
            // Tables of persons are counted as such; of the others, each once.
            if self.matching.identity(source, table).is_none()
                && !counted.contains(&(source, table))
            {
                counted.push((source, table));
                self.report.tables.push(passed.linkage);
            }
        }
        let names = matching.columns.iter().map(|column| column.name.clone());
        let mut columns: Vec<(ColumnName, ArrayRef)> = names.zip(values.into_values()).collect();
        for ratio in &matching.ratios {
            let values = share(ratio, &columns)?;
            columns.push((ratio.name.clone(), values));
        }
        Ok((columns, gathered.into_values().collect()))
    }

    /// Whether the period has the delivery that a column is about.
    fn is_delivered(&self, column: &SummaryColumn) -> Result<bool, MatchError> {
        let (source, Some(wanted)) = (&column.source, column.present_in()) else { return Ok(true) };
        let period = |one: &'a Delivered| &one.dataset.manifest().dataset.period;
        let all = || self.all.iter().filter(|one| one.source == *source).map(period);
        if let DeliveryPeriod::Named(named) = wanted
            && !all().any(|known| known == named)
        {
            return Err(MatchError::NoPeriod {
                column: column.name.clone(),
                wanted: named.clone(),
                source_name: source.clone(),
                nearest: nearest(named.as_str(), all().map(|period| period.as_str())),
            });
        }
        Ok(self.delivered.iter().any(|of| of.one.source == *source && wanted.is(period(of.one))))
    }

    /// For each delivery of the register, 1 where the child is a pupil in it: on roll on the day of that census. One whose
    /// name ends in a term, as `2025-spring`, has a column of the term as well, which each year has.
    fn on_roll(&self) -> Vec<(String, ArrayRef)> {
        let mut on_roll: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for people in self.own_people() {
            let table = people.persons(self.people);
            if !table.spine {
                continue;
            }
            let period = table.period.as_str();
            let term = ["autumn", "spring", "summer"]
                .into_iter()
                .find(|term| period.strip_suffix(term).is_some_and(|year| year.ends_with('-')));
            for name in std::iter::once(period).chain(term) {
                let name = format!("on_roll_{}", name.replace('-', "_"));
                let nobody = || vec![0; self.children.names().len()];
                let present = on_roll.entry(name).or_insert_with(nobody);
                let rows = self.children.of_table(people.place);
                rows.iter().for_each(|child| present[*child as usize] = 1);
            }
        }
        let column =
            |(name, present)| -> (String, ArrayRef) { (name, Arc::new(Int64Array::from(present))) };
        on_roll.into_iter().map(column).collect()
    }

    /// The table with a row a child.
    fn table(
        &self,
        columns: Vec<(String, ArrayRef)>,
        wanted: &[bool],
    ) -> Result<RecordBatch, MatchError> {
        let names = self.children.names();
        let on_spine = BooleanArray::from(self.on_spine.to_vec());
        let mut fields: Vec<(String, ArrayRef)> = vec![
            ("child".to_owned(), pseudonyms(names.iter().copied())?),
            ("on_spine".to_owned(), Arc::new(on_spine)),
        ];
        for (source, present) in &self.present {
            let is_delivered = self.delivered.iter().any(|of| of.own && of.one.source == *source);
            let flags = present.iter().map(|present| is_delivered.then_some(*present));
            fields.push((format!("in_{source}"), Arc::new(flags.collect::<BooleanArray>())));
        }
        fields.extend(self.provenance());
        fields.extend(self.on_roll());
        fields.extend(columns);
        let mut names: Vec<&String> = fields.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|both| both[0] == both[1]) {
            return Err(MatchError::TwoColumns { column: twice[0].clone() });
        }
        if wanted.iter().all(|wanted| *wanted) {
            return batch(fields);
        }
        // Column by column: all of them twice are most of what linking holds.
        let wanted = BooleanArray::from(wanted.to_vec());
        let of_wanted = |(name, values): (String, ArrayRef)| Ok((name, filter(&values, &wanted)?));
        batch(fields.into_iter().map(of_wanted).collect::<Result<_, MatchError>>()?)
    }

    fn crosswalk(&self) -> Result<RecordBatch, MatchError> {
        let mut crosswalk = Crosswalk::default();
        for people in self.own_people() {
            let table = people.persons(self.people);
            let place = [table.source.as_str(), table.period.as_str(), table.table.as_str()];
            let children = self.children.of_table(people.place);
            let linkage = self.children.linkage_of_table(people.place);
            let names = self.children.names();
            let row = |(child, linkage): (&u32, &Linkage)| {
                (names[*child as usize], self.linkage(*linkage, *child))
            };
            crosswalk.add(place, children.iter().zip(linkage).map(row));
        }
        crosswalk.finish()
    }
}

fn not_delivered(
    (source, table): (&SourceName, &TableName),
    wanted: Option<&DeliveryPeriod>,
    period: &LinkedPeriod,
) -> String {
    let of = wanted.map_or(String::new(), |wanted| format!(" of {wanted}"));
    format!("the period {} has no delivery{of} with {source}/{table}", period.name)
}

/// A condition none of whose codes stands in any row would count nothing without a word.
fn look_for_unmet<'c>(
    conditioned: impl Iterator<Item = (&'c str, &'c [Condition])>,
    passed: &PassResult<'_>,
    notes: &mut Vec<String>,
) -> Result<(), MatchError> {
    for ((name, conditions), met) in conditioned.zip(&passed.unmet) {
        for (condition, met) in conditions.iter().zip(met) {
            let unmet = met.values().filter(|is_met| !**is_met).count();
            if unmet == 0 {
                continue;
            }
            if unmet == met.len() && condition.blank.is_none() {
                return Err(MatchError::Unmet { name: name.to_owned() });
            }
            notes.push(format!(
                "{name}: {unmet} of the {} values of its condition stand in no row",
                met.len()
            ));
        }
    }
    Ok(())
}

/// 1 where one column is at least a share of another.
fn share(ratio: &Ratio, columns: &[(ColumnName, ArrayRef)]) -> Result<ArrayRef, MatchError> {
    let find = |name: &ColumnName| {
        let column = columns.iter().find(|(known, _)| known == name);
        let whole = column.and_then(|(_, values)| values.as_any().downcast_ref::<Int64Array>());
        whole.ok_or_else(|| MatchError::NoCount {
            column: ratio.name.clone(),
            of: name.clone(),
            nearest: nearest(name.as_str(), columns.iter().map(|(known, _)| known.as_str())),
        })
    };
    let (of, per) = (find(&ratio.of)?, find(&ratio.per)?);
    let at_least = |(of, per): (Option<i64>, Option<i64>)| {
        let (of, per) = (i128::from(of?), i128::from(per?));
        (per > 0).then(|| i64::from(of * 100 >= per * i128::from(ratio.at_least_percent)))
    };
    Ok(Arc::new(Int64Array::from_iter(of.iter().zip(per).map(at_least))))
}
