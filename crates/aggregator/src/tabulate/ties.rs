//! Divisions of the children that follow from several columns, found in the data in one pass.
//!
//! Each age is of one age group, a child has a placement exactly where there are episodes, each school is in one ward:
//! whoever knows that links tables that share no column. Two dimensions are *tied* where their categories, joined
//! wherever a child has both, fall into several classes. The classes of several pairs that hold the same children,
//! by the sums of their record keys, are one tie. A column that is 0 or 1, and is added up, counts as a dimension.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::RecordBatch;
use minster_model::{
    ColumnName, TableName,
    table::{CountTable, Tie},
};

use crate::{
    definition::release_definition::{Definition, Population},
    derived::linked::Linked,
    earlier_releases::selection::Selection,
    error::AggregateError,
    protect::flags,
    tabulate::{
        categories::{Categories, Lookups},
        column_values,
        excluded::{self, Excluded, Joint, Together},
        tables,
    },
};

/// A dimension: its name, and the codes of its leaves.
pub(super) type Key = (String, Vec<String>);

/// The dimensions of some releases about the same children, and how these are tied.
#[derive(Default)]
pub(crate) struct Ties {
    of: HashMap<Key, Vec<OfDimension>>,
    excluded: Vec<Excluded>,
}

/// A tie's name, and the class of each leaf.
#[derive(Clone)]
struct OfDimension {
    name: String,
    class_of: Vec<usize>,
}

/// How many children, and their record keys added up: it tells sets of children apart.
type Signature = (u64, u64);

/// A division of the children by one dimension: the class of each leaf, none where nobody has it.
type Division = Vec<Option<usize>>;

/// One dimension while the children are looked through.
pub(super) struct Column {
    name: String,
    leaves: Vec<String>,
    values: Values,
    /// The signature of each leaf.
    signatures: Vec<Signature>,
}

enum Values {
    Categories(Box<Categories>),
    /// 1, or anything else; only as long as all are 0, 1 or blank.
    Flag {
        column: ColumnName,
        holds: bool,
    },
    /// A condition that a child meets, or not.
    Selection(Selection),
}

/// Two dimensions, and which leaves some child has together.
pub(super) struct Pair {
    pub(super) first: usize,
    pub(super) second: usize,
    together: Vec<bool>,
}

impl Ties {
    /// Looks through the children of `definition` for ties of the dimensions of all these, which are about the same
    /// children. Each comes with the look-ups that it names.
    ///
    /// # Errors
    /// As [`tables::tabulate`].
    pub(crate) fn find(
        definition: &Definition,
        all: &[(&Definition, Lookups)],
        dataset: &Linked<'_>,
        children: &TableName,
    ) -> Result<Self, AggregateError> {
        let mut columns = columns(all, dataset, children)?;
        let pairs = divided(&mut columns, definition, dataset, children)?;
        let excluded = excluded_in(&mut columns, definition, dataset, children)?;
        Ok(Self { excluded, ..Self::of_pairs(&columns, &pairs) })
    }

    /// The joint tables without which some tables would tell who has one category and not another.
    pub(crate) fn joints(&self, tables: &[CountTable]) -> Vec<Joint> {
        excluded::joints(&self.excluded, tables)
    }

    fn of_pairs(columns: &[Column], pairs: &[Pair]) -> Self {
        let mut divisions: BTreeMap<Vec<Signature>, BTreeMap<usize, Division>> = BTreeMap::new();
        for pair in pairs {
            for (place, division) in
                [pair.first, pair.second].into_iter().zip(pair.classes(columns))
            {
                let (signatures, division) = ranked(&columns[place], &division);
                divisions.entry(signatures).or_default().insert(place, division);
            }
        }
        // Names and classes must not depend on the keys: in the order of the columns and their leaves.
        let mut ties: Vec<BTreeMap<usize, Division>> = divisions.into_values().collect();
        ties.sort_by_key(|of| of.keys().copied().collect::<Vec<usize>>());
        let mut found = Self::default();
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for of in ties {
            let columns_of = of.keys().map(|&place| columns[place].name.as_str());
            let mut name = columns_of.collect::<Vec<_>>().join(", ");
            let number = names.entry(name.clone()).or_default();
            *number += 1;
            if *number > 1 {
                name = format!("{name} ({number})");
            }
            let Some(first) = of.values().next() else { continue };
            let mut order: Vec<usize> = Vec::new();
            first.iter().flatten().for_each(|class| {
                if !order.contains(class) {
                    order.push(*class);
                }
            });
            let rank = |class: usize| order.iter().position(|of| *of == class).unwrap_or_default();
            for (&place, division) in &of {
                // A leaf that nobody has is in a class of its own.
                let mut none = order.len()..;
                let mut of_nobody = || none.next().unwrap_or_default();
                let class_of =
                    division.iter().map(|class| class.map_or_else(&mut of_nobody, rank)).collect();
                let key = (columns[place].name.clone(), columns[place].leaves.clone());
                let name = name.clone();
                found.of.entry(key).or_default().push(OfDimension { name, class_of });
            }
        }
        found
    }

    /// The table with its ties, and with what everyone knows to be nobody: the leaves that no child has, and the cells
    /// that a tie, or two categories that exclude each other, rule out.
    pub(crate) fn tie(&self, table: CountTable) -> Result<CountTable, AggregateError> {
        let excluded = self.excluded.iter().flat_map(|of| of.nobody(&table));
        let nobody = nobody(&table).into_iter().chain(excluded).collect();
        Ok(self.link(table)?.knowing_zeros(nobody)?)
    }

    /// The table with its ties. A sum that is nothing need not be known.
    pub(crate) fn link(&self, table: CountTable) -> Result<CountTable, AggregateError> {
        let mut ties = Vec::new();
        for (dimension, of) in table.dimensions().iter().enumerate() {
            let leaves = of.leaves().iter().map(|&leaf| of.code(leaf).to_owned()).collect();
            let found = self.of.get(&(of.name().to_owned(), leaves)).into_iter().flatten().cloned();
            ties.extend(found.map(|OfDimension { name, class_of }| Tie {
                name,
                dimension,
                class_of,
            }));
        }
        Ok(table.tied(ties)?)
    }
}

/// The pairs of these columns that tell of each other, in the children of a definition.
pub(super) fn divided(
    columns: &mut [Column],
    definition: &Definition,
    dataset: &Linked<'_>,
    children: &TableName,
) -> Result<Vec<Pair>, AggregateError> {
    let mut read: BTreeSet<String> =
        columns.iter().map(|column| column.read().to_owned()).collect();
    read.extend(definition.conditions.iter().map(|of| of.column.to_string()));
    read.remove(tables::ON_SPINE);
    read.insert(column_values::CHILD.to_owned());
    let read = read.iter().map(String::as_str).collect();
    let mut pairs = pairs(columns);
    tables::each_batch(definition, dataset, children, &read, |batch| {
        let keys = column_values::record_keys(batch)?;
        let mut ordinals = Vec::with_capacity(columns.len());
        for column in columns.iter_mut() {
            ordinals.push(column.add(batch, &keys)?);
        }
        // Most pairs hang together soon.
        pairs.iter_mut().for_each(|pair| pair.add(&ordinals, columns));
        pairs.retain(|pair| pair.is_divided(columns));
        Ok(())
    })?;
    let may_be = |place: usize| columns[place].may_be_divided();
    pairs.retain(|pair| may_be(pair.first) && may_be(pair.second));
    // An open pair of which nobody has some leaves may hang together all the same.
    pairs.retain(|pair| pair.has_classes(columns));
    Ok(pairs)
}

/// The pairs of these columns of which some leaves exclude each other, in the children of a definition.
pub(super) fn excluded_in(
    columns: &mut [Column],
    definition: &Definition,
    dataset: &Linked<'_>,
    children: &TableName,
) -> Result<Vec<Excluded>, AggregateError> {
    let everyone =
        Definition { population: Population::All, conditions: Vec::new(), ..definition.clone() };
    let mut read: BTreeSet<String> =
        columns.iter().map(|column| column.read().to_owned()).collect();
    read.extend(definition.conditions.iter().map(|of| of.column.to_string()));
    read.remove(tables::ON_SPINE);
    let read = read.iter().map(String::as_str).collect();
    let size = |place: usize| (place, columns[place].leaves.len());
    let two = |first: usize| (first + 1..columns.len()).map(move |second| (first, second));
    let of = |(first, second)| Together::new(size(first), size(second));
    let mut all: Vec<Together> = (0..columns.len()).flat_map(two).map(of).collect();
    tables::each_batch(&everyone, dataset, children, &read, |batch| {
        let counted: Vec<bool> =
            tables::population(definition, batch)?.iter().map(|of| of == Some(true)).collect();
        let mut ordinals = Vec::with_capacity(columns.len());
        for column in columns.iter_mut() {
            ordinals.push(column.ordinals(batch)?);
        }
        all.iter_mut().for_each(|together| together.add(&ordinals, &counted));
        Ok(())
    })?;
    let may_be = |place: usize| columns[place].may_be_divided();
    let of_two = all.iter().filter(|of| may_be(of.first) && may_be(of.second));
    let found = of_two.filter_map(|together| {
        let Together { first, second, .. } = *together;
        let pair = Pair { first, second, together: together.any() };
        let keys = [first, second].map(|place| columns[place].key());
        let read = [first, second].map(|place| columns[place].read().to_owned());
        together.excluded((keys, read), &pair.classes(columns))
    });
    Ok(found.collect())
}

/// The inner cells with a leaf that nobody in the table has.
fn nobody(table: &CountTable) -> Vec<usize> {
    let mut of_leaves: Vec<Vec<u64>> =
        table.dimensions().iter().map(|of| vec![0; of.leaves().len()]).collect();
    for (inner, count) in table.inner().iter().enumerate() {
        for (place, of) in of_leaves.iter_mut().enumerate() {
            of[usize::from(table.leaf(place, inner))] += count;
        }
    }
    let is_nobodys = |inner: &usize| {
        let mut of_leaves = of_leaves.iter().enumerate();
        of_leaves.any(|(place, of)| of[usize::from(table.leaf(place, *inner))] == 0)
    };
    (0..table.inner().len()).filter(is_nobodys).collect()
}

/// Every dimension and every column that is added up, each once.
pub(super) fn columns(
    all: &[(&Definition, Lookups)],
    dataset: &Linked<'_>,
    children: &TableName,
) -> Result<Vec<Column>, AggregateError> {
    let mut columns: BTreeMap<(String, Vec<String>), Values> = BTreeMap::new();
    for (definition, lookups) in all {
        for categories in tables::dimensions(definition, dataset, children, lookups)? {
            let of = &categories.hierarchy;
            let leaves = of.leaves().iter().map(|&leaf| of.code(leaf).to_owned()).collect();
            let key = (of.name().to_owned(), leaves);
            columns.entry(key).or_insert(Values::Categories(Box::new(categories)));
        }
        for column in definition.summed_columns() {
            let key = (flags::name(column), flags::codes().map(str::to_owned).to_vec());
            columns.entry(key).or_insert(Values::Flag { column: column.clone(), holds: true });
        }
    }
    let column = |((name, leaves), values): ((String, Vec<String>), Values)| {
        let signatures = vec![(0, 0); leaves.len()];
        Column { name, leaves, values, signatures }
    };
    Ok(columns.into_iter().map(column).collect())
}

/// Every two of different columns.
fn pairs(columns: &[Column]) -> Vec<Pair> {
    let two = |first: usize| (first + 1..columns.len()).map(move |second| (first, second));
    let pair = |(first, second): (usize, usize)| Pair {
        first,
        second,
        together: vec![false; columns[first].leaves.len() * columns[second].leaves.len()],
    };
    (0..columns.len()).flat_map(two).map(pair).collect()
}

impl Column {
    /// Its name, and its leaves.
    pub(super) fn key(&self) -> Key {
        (self.name.clone(), self.leaves.clone())
    }

    /// The column of the dataset that it needs.
    pub(super) fn read(&self) -> &str {
        match &self.values {
            Values::Categories(of) => of.hierarchy.name(),
            Values::Flag { column, .. } => column.as_str(),
            Values::Selection(test) => test.column(),
        }
    }

    pub(super) fn of_selection(test: Selection) -> Self {
        let leaves = ["meets", "does not meet"].map(str::to_owned).to_vec();
        let (name, values) = (test.column().to_owned(), Values::Selection(test));
        Self { name, leaves, values, signatures: vec![(0, 0); 2] }
    }

    /// The ordinal of each row's leaf.
    pub(super) fn ordinals(&mut self, batch: &RecordBatch) -> Result<Vec<u32>, AggregateError> {
        Ok(match &mut self.values {
            Values::Categories(of) => of.of(batch)?,
            Values::Flag { column, holds } => {
                let numbers = column_values::numbers(batch, column)?;
                *holds &= numbers.iter().flatten().all(|number| (0..=1).contains(number));
                numbers.into_iter().map(|number| u32::from(number != Some(1))).collect()
            }
            Values::Selection(test) => {
                test.holds(batch)?.into_iter().map(|holds| u32::from(!holds)).collect()
            }
        })
    }

    /// The same, and who has each leaf.
    fn add(&mut self, batch: &RecordBatch, keys: &[u64]) -> Result<Vec<u32>, AggregateError> {
        let ordinals = self.ordinals(batch)?;
        for (&ordinal, key) in ordinals.iter().zip(keys) {
            let (count, sum) = &mut self.signatures[ordinal as usize];
            *count += 1;
            *sum = sum.wrapping_add(*key);
        }
        Ok(ordinals)
    }

    /// As if no child had been looked at.
    pub(super) fn begin_again(&mut self) {
        self.signatures.iter_mut().for_each(|of| *of = (0, 0));
        if let Values::Flag { holds, .. } = &mut self.values {
            *holds = true;
        }
    }

    fn may_be_divided(&self) -> bool {
        !matches!(self.values, Values::Flag { holds: false, .. })
    }
}

impl Pair {
    fn add(&mut self, ordinals: &[Vec<u32>], columns: &[Column]) {
        let size = columns[self.second].leaves.len();
        for (&first, &second) in ordinals[self.first].iter().zip(&ordinals[self.second]) {
            self.together[first as usize * size + second as usize] = true;
        }
    }

    /// Whether the leaves may still fall into several classes: a leaf that nobody has had so far may be one of its own.
    fn is_divided(&self, columns: &[Column]) -> bool {
        let is_open = |place: usize| columns[place].signatures.iter().any(|of| of.0 == 0);
        self.has_classes(columns) || is_open(self.first) && is_open(self.second)
    }

    /// Whether the leaves fall into several classes.
    fn has_classes(&self, columns: &[Column]) -> bool {
        let [first, _] = self.classes(columns);
        first.into_iter().flatten().collect::<BTreeSet<usize>>().len() > 1
    }

    /// The class of each leaf of the one and the other, none where nobody has it.
    fn classes(&self, columns: &[Column]) -> [Division; 2] {
        let [firsts, seconds] = [self.first, self.second].map(|place| columns[place].leaves.len());
        let mut class: Vec<usize> = (0..firsts).collect();
        let mut of_second: Vec<Option<usize>> = vec![None; seconds];
        for first in 0..firsts {
            for second in (0..seconds).filter(|second| self.together[first * seconds + second]) {
                match of_second[second] {
                    None => of_second[second] = Some(first),
                    Some(other) => {
                        let (from, to) = (class[first], class[other]);
                        if from != to {
                            class.iter_mut().filter(|of| **of == from).for_each(|of| *of = to);
                        }
                    }
                }
            }
        }
        let has_any =
            |first: usize| self.together[first * seconds..(first + 1) * seconds].contains(&true);
        let of_first = (0..firsts).map(|first| has_any(first).then_some(class[first])).collect();
        let of_second =
            of_second.into_iter().map(|first| first.map(|first| class[first])).collect();
        [of_first, of_second]
    }
}

/// The signatures of a division's classes, in their order, and the division with each class as its place among them.
fn ranked(column: &Column, division: &Division) -> (Vec<Signature>, Division) {
    let mut of_classes: BTreeMap<usize, Signature> = BTreeMap::new();
    for (class, (count, keys)) in division.iter().zip(&column.signatures) {
        let Some(class) = class else { continue };
        let of = of_classes.entry(*class).or_default();
        *of = (of.0 + count, of.1.wrapping_add(*keys));
    }
    let mut signatures: Vec<Signature> = of_classes.values().copied().collect();
    signatures.sort_unstable();
    let rank = |class: &usize| signatures.binary_search(&of_classes[class]).ok();
    let division = division.iter().map(|class| class.as_ref().and_then(rank)).collect();
    (signatures, division)
}
