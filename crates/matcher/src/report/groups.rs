//! Children by the values of a column: how many of a source's children are linked, how unlike the linked and the others are,
//! and of how many pupils a source has a row. Small counts are hidden.

use std::collections::{BTreeMap, BTreeSet};

use ahash::{HashMap, HashMapExt};
use arrow::{
    array::{Array, ArrayRef, BooleanArray, StringArray},
    compute::cast,
    datatypes::DataType,
};
use minster_model::{ColumnName, SourceName};
use minster_store::Dataset;
use serde::Serialize;

use super::{
    hiding::{Pair, Shown, Smallest, hide},
    linked_rows::{ChildNumbers, PersonRows},
    settings::{Reporting, columns, source_of},
    shares::{Share, difference},
};
use crate::{
    CHILDREN, MatchError,
    definition::Matching,
    events::Delivered,
    person_tables::{DeliveredPersons, column, pseudonym},
};

/// More values than this are no groups.
const MOST_VALUES: usize = 100;

/// Children by the values of one column, in two parts: linked and not linked, or with a row of a source and without.
#[derive(Debug, Clone, Serialize)]
pub struct Grouped {
    /// The source.
    pub source: String,
    /// The column.
    pub group: String,
    /// The dataset that the column belongs to: the source's own, or the integrated dataset's.
    pub column_of: ColumnOf,
    /// All of them: linked, or with a row.
    pub part: u64,
    /// The others.
    pub rest: u64,
    /// The share of the part.
    pub rate: Option<Share>,
    /// The values that are named, in order.
    pub values: Vec<Valued>,
    /// The values that are not named, and those of which only the number of children is shown, together.
    pub hidden: Option<Hidden>,
    /// The standardised difference between the two parts. All hidden values count as one.
    pub difference: Option<f64>,
    /// Why no value is shown.
    pub not_shown: Option<String>,
}

/// The dataset that the column belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnOf {
    /// The source's.
    Source,
    /// The integrated dataset's.
    Integrated,
}

/// One value.
#[derive(Debug, Clone, Serialize)]
pub struct Valued {
    /// The code; none where it is not known.
    pub value: Option<String>,
    /// Children of this value.
    pub children: u64,
    /// Children of the part among them; none where it is hidden.
    pub part: Option<u64>,
    /// Their share; none where it is hidden.
    pub rate: Option<Share>,
    /// Where it is hidden, between which two shares it is as all that is shown tells.
    pub between: Option<(f64, f64)>,
}

/// Values of which not all is shown, together.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Hidden {
    /// Their children.
    pub children: u64,
    /// Children of the part among them.
    pub part: u64,
    /// Children of values that are not named.
    pub not_named: u64,
}

/// Columns that cannot be compared, and why.
#[derive(Debug, Clone, Serialize)]
pub struct NotCompared {
    /// The source.
    pub source: String,
    /// The columns.
    pub groups: Vec<String>,
    /// Why.
    pub why: String,
}

impl Grouped {
    /// Counts the children of each value.
    pub(crate) fn new(
        (source, group, column_of): (&SourceName, &ColumnName, ColumnOf),
        counts: BTreeMap<Option<String>, Pair>,
        smallest: Smallest,
    ) -> Self {
        let pairs: Vec<Pair> = counts.values().copied().collect();
        let all = Pair::sum(pairs.iter().copied());
        let mut grouped = Self {
            source: source.to_string(),
            group: group.to_string(),
            column_of,
            part: all.part,
            rest: all.rest,
            rate: Share::of(all.part, all.size()),
            values: Vec::new(),
            hidden: None,
            difference: None,
            not_shown: None,
        };
        if counts.len() > MOST_VALUES {
            grouped.not_shown = Some(format!("it has more than {MOST_VALUES} values"));
            return grouped;
        }
        let shown = hide(&pairs, smallest);
        let of = |wanted: &dyn Fn(Shown) -> bool| {
            let pairs = pairs.iter().zip(&shown).filter(|(_, shown)| wanted(**shown));
            Pair::sum(pairs.map(|(pair, _)| *pair))
        };
        let (hidden, not_named) =
            (of(&|shown| shown != Shown::Whole), of(&|shown| shown == Shown::Nothing));
        for ((value, pair), shown) in counts.into_iter().zip(&shown) {
            let size = pair.size();
            let whole = *shown == Shown::Whole;
            if *shown == Shown::Nothing || size == 0 {
                continue;
            }
            // At least what is left when the other hidden values take as much as they can.
            let least = |sum: u64| sum.saturating_sub(hidden.size() - size) as f64 / size as f64;
            grouped.values.push(Valued {
                value,
                children: size,
                part: whole.then_some(pair.part),
                rate: Share::of(pair.part, size).filter(|_| whole),
                between: (!whole).then(|| (least(hidden.part), 1.0 - least(hidden.rest))),
            });
        }
        if hidden.size() > 0 {
            let (children, part) = (hidden.size(), hidden.part);
            grouped.hidden = Some(Hidden { children, part, not_named: not_named.size() });
        }
        if grouped.values.is_empty() {
            grouped.not_shown =
                Some("the children of each value, or of all, are too few".to_owned());
        }
        let in_sight = pairs.iter().zip(&shown).filter(|(_, shown)| **shown == Shown::Whole);
        let in_sight: Vec<Pair> = in_sight.map(|(pair, _)| *pair).chain([hidden]).collect();
        grouped.difference = difference(&in_sight);
        grouped
    }
}

/// The children of the period as the integrated dataset has them, by their places.
pub(crate) struct KnownChildren {
    pub(crate) on_spine: Vec<bool>,
    /// For each source of which a delivery is the period's own, the children whom a row is about.
    pub(crate) present: BTreeMap<String, Vec<u32>>,
    /// For each group that the integrated dataset has, the children's values.
    values: BTreeMap<ColumnName, HashMap<u32, String>>,
}

impl KnownChildren {
    pub(crate) fn read(
        matching: &Matching,
        reporting: &Reporting,
        integrated: &Dataset,
        children: &mut ChildNumbers,
    ) -> Result<Self, MatchError> {
        let known: Vec<&ColumnName> = columns(matching).collect();
        let groups: Vec<&ColumnName> =
            reporting.groups.iter().filter(|group| known.contains(group)).collect();
        let sources: Vec<(String, String)> = (matching.sources().into_iter())
            .map(|source| (source.to_string(), format!("in_{source}")))
            .collect();
        let table = CHILDREN.parse().map_err(|_| MatchError::Name)?;
        let names = ["child", "on_spine"].into_iter();
        let names = names.chain(sources.iter().map(|source| source.1.as_str()));
        let mut names: Vec<&str> = names.chain(groups.iter().map(|group| group.as_str())).collect();
        names.sort_unstable();
        names.dedup();
        let mut read = Self {
            on_spine: Vec::new(),
            present: BTreeMap::new(),
            values: groups.iter().map(|group| ((*group).clone(), HashMap::new())).collect(),
        };
        let id: ColumnName = "child".parse().map_err(|_| MatchError::Name)?;
        for batch in integrated.table(&table, Some(&names))? {
            let batch = batch?;
            let flags = |name: &str| {
                let flags = batch.column_by_name(name);
                flags.and_then(|flags| flags.as_any().downcast_ref::<BooleanArray>())
            };
            let ids = column(&batch, &id)?.ok_or(MatchError::Crosswalk)?;
            let places: Option<Vec<u32>> = (0..batch.num_rows())
                .map(|row| pseudonym(ids, row).map(|id| children.place(id)))
                .collect();
            let places = places.ok_or(MatchError::Crosswalk)?;
            read.on_spine.resize(children.len(), false);
            let is_true =
                |flags: &BooleanArray, row: usize| flags.is_valid(row) && flags.value(row);
            let on_spine = flags("on_spine").ok_or(MatchError::Crosswalk)?;
            for (row, place) in places.iter().enumerate() {
                read.on_spine[*place as usize] = is_true(on_spine, row);
            }
            for (source, name) in &sources {
                let Some(flags) = flags(name).filter(|flags| flags.null_count() == 0) else {
                    continue;
                };
                let present = read.present.entry(source.clone()).or_default();
                let here = places.iter().enumerate().filter(|(row, _)| is_true(flags, *row));
                present.extend(here.map(|(_, place)| *place));
            }
            for (group, values) in &mut read.values {
                let Some(cells) = batch.column_by_name(group.as_str()) else { continue };
                let texts = texts(cells, group)?;
                for (row, place) in places.iter().enumerate().filter(|of| texts.is_valid(of.0)) {
                    values.insert(*place, texts.value(row).to_owned());
                }
            }
        }
        Ok(read)
    }

    pub(crate) fn is_pupil(&self, child: u32) -> bool {
        self.on_spine.get(child as usize).copied().unwrap_or(false)
    }

    /// For each source children, and of them pupils.
    pub(crate) fn counts(&self) -> BTreeMap<String, (u64, u64)> {
        let count = |(source, present): (&String, &Vec<u32>)| {
            let pupils = present.iter().filter(|child| self.is_pupil(**child)).count();
            (source.clone(), (present.len() as u64, pupils as u64))
        };
        self.present.iter().map(count).collect()
    }

    /// The number of pupils of whom each of the sources that should cover them has a row.
    pub(crate) fn reached(&self, reporting: &Reporting) -> (Vec<Grouped>, Vec<String>) {
        let (mut found, mut notes) = (Vec::new(), Vec::new());
        for source in &reporting.covers {
            let Some(present) = self.present.get(source.as_str()) else {
                notes.push(format!("{source} was not delivered for the period; the number of pupils of whom it has a row is not known"));
                continue;
            };
            let present: BTreeSet<u32> = present.iter().copied().collect();
            for (group, values) in
                reporting.groups.iter().filter_map(|group| self.values.get_key_value(group))
            {
                let mut counts: BTreeMap<Option<String>, Pair> = BTreeMap::new();
                for child in (0..self.on_spine.len() as u32).filter(|child| self.is_pupil(*child)) {
                    let pair = counts.entry(values.get(&child).cloned()).or_default();
                    *if present.contains(&child) { &mut pair.part } else { &mut pair.rest } += 1;
                }
                let of = (source, group, ColumnOf::Integrated);
                found.push(Grouped::new(of, counts, reporting.smallest));
            }
        }
        (found, notes)
    }
}

/// The values to compare.
pub(crate) struct ComparedGroups<'a> {
    pub(crate) matching: &'a Matching,
    pub(crate) reporting: &'a Reporting,
    pub(crate) known: &'a KnownChildren,
    pub(crate) rows: &'a PersonRows<'a>,
    /// The tables of persons of the period's own deliveries.
    pub(crate) tables: &'a [&'a DeliveredPersons],
    pub(crate) delivered: &'a [Delivered],
}

impl ComparedGroups<'_> {
    /// The linked and the other children of each source but the register, by each group that both have.
    pub(crate) fn compare(&self) -> Result<(Vec<Grouped>, Vec<NotCompared>), MatchError> {
        let (mut found, mut not) = (Vec::new(), Vec::new());
        for source in self.matching.sources() {
            let Some(present) = self.known.present.get(source.as_str()) else { continue };
            if self.matching.is_register(source) {
                continue;
            }
            let mut why: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            if !self.matching.identities.iter().any(|identity| identity.source == *source) {
                let groups = self.reporting.groups.iter().map(ColumnName::to_string).collect();
                why.insert(
                    "it has no table of persons: its rows that lead to nobody are no children",
                    groups,
                );
            } else {
                for group in &self.reporting.groups {
                    let own = self.own(source, group)?;
                    let (column_of, values) = match (&own, self.integrated(group)) {
                        (Some(own), _) => (ColumnOf::Source, own),
                        (None, Some(values)) => (ColumnOf::Integrated, values),
                        (None, None) => {
                            let why = why.entry("it has no such column of its own, and only the register tells it: it is not known of children who are not linked");
                            why.or_default().push(group.to_string());
                            continue;
                        }
                    };
                    let mut counts: BTreeMap<Option<String>, Pair> = BTreeMap::new();
                    for child in present {
                        let pair = counts.entry(values.get(child).cloned()).or_default();
                        *if self.known.is_pupil(*child) {
                            &mut pair.part
                        } else {
                            &mut pair.rest
                        } += 1;
                    }
                    let of = (source, group, column_of);
                    found.push(Grouped::new(of, counts, self.reporting.smallest));
                }
            }
            not.extend(why.into_iter().map(|(why, groups)| NotCompared {
                source: source.to_string(),
                groups,
                why: why.to_owned(),
            }));
        }
        Ok((found, not))
    }

    /// A column of the integrated dataset that is known of children off the spine too.
    fn integrated(&self, group: &ColumnName) -> Option<&HashMap<u32, String>> {
        let of_register =
            source_of(self.matching, group).is_none_or(|source| self.matching.is_register(source));
        self.known.values.get(group).filter(|_| !of_register)
    }

    /// The values of a column of the source's tables of persons: the last delivery's last row that has one tells.
    fn own(
        &self,
        source: &SourceName,
        group: &ColumnName,
    ) -> Result<Option<HashMap<u32, String>>, MatchError> {
        let mut values: Option<HashMap<u32, String>> = None;
        for table in self.tables.iter().filter(|of| of.persons(self.rows.people).source == *source)
        {
            let Some(one) = self.delivered.iter().find(|of| of.place == table.delivery) else {
                continue;
            };
            let Some(entry) = one.table(&table.table) else { continue };
            let is_it = |of: &&minster_store::ColumnEntry| of.name == group.as_str();
            let Some(entry) = entry.columns.iter().find(is_it) else { continue };
            if entry.data_type.starts_with("FixedSize") {
                continue;
            }
            let values = values.get_or_insert_with(HashMap::new);
            let mut place = self.rows.of_table(table).start;
            for batch in one.dataset.table(&table.table, Some(&[group.as_str()]))? {
                let batch = batch?;
                let Some(cells) = batch.column_by_name(group.as_str()) else { continue };
                let texts = texts(cells, group)?;
                for row in 0..batch.num_rows() {
                    if texts.is_valid(row) {
                        let child = self.rows.child[place as usize];
                        values.insert(child, texts.value(row).to_owned());
                    }
                    place += 1;
                }
            }
        }
        Ok(values)
    }
}

/// A column of codes, numbers, flags or days as texts.
fn texts(cells: &ArrayRef, name: &ColumnName) -> Result<StringArray, MatchError> {
    let wrong = || MatchError::WrongType { column: name.clone(), expected: "codes or numbers" };
    if matches!(cells.data_type(), DataType::FixedSizeBinary(_)) {
        return Err(wrong());
    }
    let texts = cast(cells, &DataType::Utf8)?;
    texts.as_any().downcast_ref::<StringArray>().cloned().ok_or_else(wrong)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grouped(counts: &[(u64, u64)]) -> (BTreeMap<Option<String>, Pair>, Grouped) {
        let value = |at: usize| (at > 0).then(|| format!("V{at}"));
        let counts: BTreeMap<Option<String>, Pair> = (counts.iter().enumerate())
            .map(|(at, (part, rest))| (value(at), Pair { part: *part, rest: *rest }))
            .collect();
        let of = (&"cin".parse().unwrap(), &"sex".parse().unwrap(), ColumnOf::Source);
        let grouped = Grouped::new(of, counts.clone(), Smallest::default());
        (counts, grouped)
    }

    proptest! {
        /// Every figure that is shown is right, adds up, and bounds the hidden ones.
        #[test]
        fn shown_figures_add_up_and_their_bounds_hold(
            counts in prop::collection::vec((0u64..30, 0u64..12), 1..9),
        ) {
            let (counts, grouped) = grouped(&counts);
            let (mut children, mut part) = (0, 0);
            for valued in &grouped.values {
                let truth = counts[&valued.value];
                prop_assert_eq!(valued.children, truth.size());
                prop_assert!(valued.children >= 5);
                match (valued.part, valued.between) {
                    (Some(shown), None) => {
                        prop_assert_eq!(shown, truth.part);
                        prop_assert_eq!(valued.rate, Share::of(truth.part, truth.size()));
                        children += valued.children;
                        part += shown;
                    }
                    (None, Some((low, high))) => {
                        let share = truth.part as f64 / truth.size() as f64;
                        prop_assert!(valued.rate.is_none());
                        prop_assert!(low <= share + 1e-9 && share <= high + 1e-9);
                    }
                    shown => prop_assert!(false, "{:?}", shown),
                }
            }
            let hidden = grouped.hidden.map_or((0, 0), |hidden| (hidden.children, hidden.part));
            prop_assert_eq!((children + hidden.0, part + hidden.1), (grouped.part + grouped.rest, grouped.part));
        }
    }

    #[test]
    fn a_column_of_too_many_values_is_no_group() {
        let many: Vec<(u64, u64)> = (0..101).map(|_| (50, 50)).collect();
        let (_, grouped) = grouped(&many);
        assert!(grouped.values.is_empty() && grouped.not_shown.unwrap().contains("more than 100"));
    }
}
