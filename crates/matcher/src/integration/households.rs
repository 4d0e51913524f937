//! How many children live at a child's address, by keyed addresses. No key of an address and no number of a household stands in
//! the integrated dataset: counts alone.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{ArrayRef, FixedSizeBinaryArray, Int64Array, RecordBatch};
use minster_model::{ColumnName, Day, Pseudonym, coarse};

use super::Integration;
use crate::{
    MatchError,
    child_of_row::DeliveryPersons,
    definition::Households,
    events::{InPeriod, Pass, must_have, nearest, present},
    person_tables::{column, pseudonym},
    spells::{EndDay, days},
    summary::SummarisedRow,
};

/// Children at the address, with the child itself.
pub(crate) const CHILDREN_AT_HOME: &str = "household_children";

/// Other children at the address.
pub(crate) const SIBLINGS: &str = "siblings";

/// Where a child lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Home {
    /// Start, end, delivery, preferred: the greatest counts, and of equal ones the first that was read.
    order: (i64, i64, u32, bool),
    uprn: Option<Pseudonym>,
    address: Option<Pseudonym>,
}

/// The children, counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct HouseholdCounts {
    /// For each child those at its address.
    children: Vec<Option<i64>>,
    without_address: u64,
    ambiguous: u64,
    large: u64,
    in_large: u64,
}

/// Counts the children at each home. Children without one are none's, and are no child of the period where nothing is said.
fn count(homes: &[Option<Home>], wanted: &[bool], largest: u32) -> HouseholdCounts {
    let wanted = |child: &usize| wanted[*child];
    let mut counted =
        HouseholdCounts { children: vec![None; homes.len()], ..HouseholdCounts::default() };
    // An address stands for the property that its children name, where they name one.
    let mut named: BTreeMap<Pseudonym, Option<Pseudonym>> = BTreeMap::new();
    for home in (0..homes.len()).filter(wanted).filter_map(|child| homes[child]) {
        if let (Some(address), Some(uprn)) = (home.address, home.uprn) {
            let known = named.entry(address).or_insert(Some(uprn));
            *known = known.filter(|known| *known == uprn);
        }
    }
    let mut households: BTreeMap<(bool, Pseudonym), Vec<usize>> = BTreeMap::new();
    for child in (0..homes.len()).filter(wanted) {
        let key = match homes[child] {
            Some(Home { uprn: Some(uprn), .. }) => (true, uprn),
            Some(Home { address: Some(address), .. }) => match named.get(&address) {
                None => (false, address),
                Some(Some(uprn)) => (true, *uprn),
                Some(None) => {
                    counted.ambiguous += 1;
                    continue;
                }
            },
            _ => {
                counted.without_address += 1;
                continue;
            }
        };
        households.entry(key).or_default().push(child);
    }
    for children in households.into_values() {
        if children.len() > largest as usize {
            counted.large += 1;
            counted.in_large += children.len() as u64;
            continue;
        }
        for child in &children {
            counted.children[*child] = Some(children.len() as i64);
        }
    }
    counted
}

impl Integration<'_> {
    /// The columns, where the definition asks for them; what is left out is told in the report.
    pub(super) fn households(
        &mut self,
        wanted: &[bool],
    ) -> Result<Vec<(String, ArrayRef)>, MatchError> {
        let Some(asked) = &self.matching.households else { return Ok(Vec::new()) };
        let note = |text: String| format!("households: {text}");
        let nobody = || vec![None; self.children.names().len()];
        let day = asked.on.map(|on| on.day(self.period.days())).transpose();
        let is_read = self.delivered.iter().any(|of| is_read(asked, of));
        let (children, notes) = match day {
            Err(why) => (nobody(), vec![note(format!("{why}; they are not known"))]),
            Ok(_) if !is_read => {
                self.check(asked)?;
                let place = format!("{}/{}", asked.source, asked.table);
                let why = format!("the period has no delivery with {place}; they are not known");
                (nobody(), vec![note(why)])
            }
            Ok(day) => {
                self.check(asked)?;
                let mut homes = self.homes(asked, day)?;
                // Two identities of one child must not meet in a household.
                let marked = self.children.exact_only(&self.people.persons);
                let mut wanted = wanted.to_vec();
                let left =
                    (0..wanted.len()).filter(|child| wanted[*child] && marked[*child]).count();
                for (child, _) in marked.iter().enumerate().filter(|(_, marked)| **marked) {
                    homes[child] = None;
                    wanted[child] = false;
                }
                let counted = count(&homes, &wanted, asked.largest);
                let told = [
                    (counted.without_address, "children have no known address".to_owned()),
                    (
                        counted.ambiguous,
                        "children have an address of several properties".to_owned(),
                    ),
                    (left as u64, "children of marked identities are in no household".to_owned()),
                    (
                        counted.in_large,
                        format!(
                            "children live at about {} addresses of more than {}, which are no households",
                            coarse(counted.large),
                            asked.largest
                        ),
                    ),
                ];
                let told = told.into_iter().filter(|(children, _)| *children > 0);
                let notes =
                    told.map(|(children, why)| note(format!("about {} {why}", coarse(children))));
                (counted.children, notes.collect())
            }
        };
        self.report.notes.extend(notes);
        let others = children.iter().map(|children| children.map(|children| children - 1));
        let others: Int64Array = others.collect();
        Ok(vec![
            (CHILDREN_AT_HOME.to_owned(), Arc::new(Int64Array::from(children))),
            (SIBLINGS.to_owned(), Arc::new(others)),
        ])
    }

    fn check(&self, asked: &Households) -> Result<(), MatchError> {
        let of_source = || self.delivered.iter().filter(|of| of.one.source == asked.source);
        let tables: Vec<_> = of_source().filter_map(|of| of.one.table(&asked.table)).collect();
        if tables.is_empty() {
            let mut others =
                of_source().flat_map(|of| &of.one.dataset.manifest().tables).peekable();
            return match others.peek() {
                None => Ok(()),
                Some(_) => Err(MatchError::NoTable {
                    source_name: asked.source.clone(),
                    table: asked.table.clone(),
                    nearest: nearest(asked.table.as_str(), others.map(|table| table.name.as_str())),
                }),
            };
        }
        must_have((&asked.source, &asked.table), &tables, asked.columns())
    }

    /// The home of each child: of the latest delivery, or the one that is open on a day.
    fn homes(&self, asked: &Households, day: Option<Day>) -> Result<Vec<Option<Home>>, MatchError> {
        let pass = Pass {
            matching: self.matching,
            children: self.children,
            people: self.people,
            source: &asked.source,
            table: &asked.table,
            child: asked.child.as_ref(),
            columns: Vec::new(),
            events: Vec::new(),
            on_spine: Arc::clone(&self.on_spine),
            days: self.period.days(),
        };
        let mut homes: Vec<Option<Home>> = vec![None; self.children.names().len()];
        for of in self.delivered.iter().filter(|of| is_read(asked, of)) {
            let Some(entry) = of.one.table(&asked.table) else { continue };
            let identity = self.matching.identity(&asked.source, &asked.table);
            let people = DeliveryPersons::new(&pass, of.one, identity);
            let names = present(entry, asked.columns().map(ColumnName::as_str));
            let mut first = 0;
            for batch in of.one.dataset.table_coded(&asked.table, Some(&names))? {
                let batch = batch?;
                let (resolved, _) = people.resolve(&batch, first)?;
                first += batch.num_rows();
                let rows = HomeRows::of(&batch, asked, day)?;
                for SummarisedRow { row, child, preferred } in resolved {
                    let Some(home) = rows.home(row as usize) else { continue };
                    let (start, end, ..) = home.order;
                    let home = Home { order: (start, end, of.one.place, preferred), ..home };
                    let known = &mut homes[child as usize];
                    if known.is_none_or(|known| home.order > known.order) {
                        *known = Some(home);
                    }
                }
            }
        }
        Ok(homes)
    }
}

fn is_read(asked: &Households, of: &InPeriod<'_>) -> bool {
    of.one.source == asked.source && of.one.table(&asked.table).is_some()
}

/// The rows of a batch, as homes.
struct HomeRows<'a> {
    uprns: Option<&'a FixedSizeBinaryArray>,
    addresses: Option<&'a FixedSizeBinaryArray>,
    /// For each row its start and end, where it is open on the day.
    open: Vec<Option<(i64, i64)>>,
}

impl<'a> HomeRows<'a> {
    fn of(
        batch: &'a RecordBatch,
        asked: &Households,
        day: Option<Day>,
    ) -> Result<Self, MatchError> {
        let days =
            |name: &Option<ColumnName>| name.as_ref().map(|name| days(batch, name)).transpose();
        let (from, end) = (days(&asked.from)?, days(&asked.end)?);
        let open = |row: usize| {
            let start = from.as_ref().and_then(|from| from.at(row));
            let end = end.as_ref().and_then(|end| end.at(row)).unwrap_or(i64::MAX);
            let Some(Day(day)) = day else { return Some((start.unwrap_or(i64::MIN), end)) };
            let day = i64::from(day);
            let is_over = match asked.end_day {
                EndDay::Included => end < day,
                EndDay::Excluded => end <= day,
            };
            start.filter(|start| *start <= day && !is_over).map(|start| (start, end))
        };
        let keys = |name: &Option<ColumnName>| match name {
            Some(name) => column(batch, name),
            None => Ok(None),
        };
        Ok(Self {
            uprns: keys(&asked.uprn)?,
            addresses: keys(&asked.address)?,
            open: (0..batch.num_rows()).map(open).collect(),
        })
    }

    fn home(&self, row: usize) -> Option<Home> {
        let (start, end) = self.open[row]?;
        let key = |keys: Option<&FixedSizeBinaryArray>| pseudonym(keys?, row);
        let (uprn, address) = (key(self.uprns), key(self.addresses));
        let is_told = uprn.is_some() || address.is_some();
        is_told.then_some(Home { order: (start, end, 0, false), uprn, address })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn key(of: u8) -> Pseudonym {
        Pseudonym::from_bytes([of; 16])
    }

    fn home((uprn, address): (Option<u8>, Option<u8>)) -> Option<Home> {
        let (uprn, address) = (uprn.map(key), address.map(key));
        let is_told = uprn.is_some() || address.is_some();
        is_told.then_some(Home { order: (0, 0, 0, false), uprn, address })
    }

    #[test]
    fn children_with_one_property_or_address_are_one_household() {
        let homes = [
            (Some(1), Some(10)),
            (Some(1), None),
            // An address without a number of a property is that of the children who have both.
            (None, Some(10)),
            // One address of two properties: flats.
            (Some(2), Some(20)),
            (Some(3), Some(20)),
            (None, Some(20)),
            (None, Some(30)),
            (None, None),
        ];
        let homes: Vec<_> = homes.into_iter().map(home).collect();
        let counted = count(&homes, &[true; 8], 10);
        let three = Some(3);
        assert_eq!(counted.children, [three, three, three, Some(1), Some(1), None, Some(1), None]);
        assert_eq!((counted.ambiguous, counted.without_address), (1, 1));
    }

    #[test]
    fn an_address_of_many_children_is_no_household() {
        let homes: Vec<_> =
            [(Some(1), None); 4].into_iter().chain([(Some(2), None)]).map(home).collect();
        let counted = count(&homes, &[true; 5], 3);
        assert_eq!(counted.children, [None, None, None, None, Some(1)]);
        assert_eq!((counted.large, counted.in_large), (1, 4));
        // Children of other periods are not counted.
        let counted = count(&homes, &[true, true, true, false, true], 3);
        assert_eq!(counted.children, [Some(3), Some(3), Some(3), None, Some(1)]);
    }

    #[test]
    #[allow(
        clippy::unwrap_used,
        reason = "a test stops at the first thing that is not as expected"
    )]
    fn an_address_counts_while_it_is_open_on_the_day() {
        use crate::tables::{batch, pseudonyms};
        let day = |text: &str| text.parse::<Day>().unwrap();
        let dates = |texts: [&str; 4]| -> ArrayRef {
            let days = texts.map(|text| text.parse::<Day>().ok().map(|day| day.0));
            Arc::new(arrow::array::Date32Array::from_iter(days))
        };
        let rows = batch(vec![
            ("uprn".into(), pseudonyms([1, 2, 3, 4].map(key).into_iter()).unwrap()),
            ("start".into(), dates(["2024-01-01", "2025-03-31", "2025-04-01", ""])),
            ("end".into(), dates(["2025-03-31", "", "", "2025-12-31"])),
        ])
        .unwrap();
        let homes = |more: &str, on: Option<Day>| -> Vec<Option<Pseudonym>> {
            let text =
                format!("source = \"s\"\ntable = \"t\"\nuprn = \"uprn\"\nlargest = 9\n{more}");
            let asked: Households = toml::from_str(&text).unwrap();
            let rows = HomeRows::of(&rows, &asked, on).unwrap();
            (0..4).map(|row| rows.home(row).and_then(|home| home.uprn)).collect()
        };
        let dated = "from = \"start\"\nend = \"end\"\n";
        let on = Some(day("2025-03-31"));
        let [first, second, third, fourth] = [1, 2, 3, 4].map(|of| Some(key(of)));
        // A row without a start is open on no day; the end's day is the last one, or the first without.
        assert_eq!(homes(dated, on), [first, second, None, None]);
        let excluded = format!("{dated}end_day = \"excluded\"");
        assert_eq!(homes(&excluded, on), [None, second, None, None]);
        // Without a day all count, and the later start goes before.
        assert_eq!(homes(dated, None), [first, second, third, fourth]);
    }

    proptest! {
        /// The second count compares every child with every other one.
        #[test]
        fn each_child_counts_those_who_live_where_it_does(
            homes in prop::collection::vec((prop::option::of(0u8..4), prop::option::of(4u8..8)), 0..14),
            wanted in prop::collection::vec(any::<bool>(), 14),
            largest in 1u32..6,
        ) {
            let all: Vec<_> = homes.iter().copied().map(home).collect();
            let counted = count(&all, &wanted[..all.len()], largest);
            let of_address = |address: u8| -> BTreeSet<u8> {
                let own = homes.iter().zip(&wanted).filter(|(home, wanted)| **wanted && home.1 == Some(address));
                own.filter_map(|(home, _)| home.0).collect()
            };
            let place = |child: usize| match homes[child] {
                (Some(uprn), _) => Some(uprn),
                (None, Some(address)) => {
                    let named = of_address(address);
                    match named.len() {
                        0 => Some(address),
                        1 => named.first().copied(),
                        _ => None,
                    }
                }
                (None, None) => None,
            };
            for child in 0..homes.len() {
                let with = (0..homes.len()).filter(|other| wanted[*other] && place(*other) == place(child)).count();
                let is_one = wanted[child] && place(child).is_some() && with <= largest as usize;
                prop_assert_eq!(counted.children[child], is_one.then_some(with as i64));
            }
        }
    }
}
