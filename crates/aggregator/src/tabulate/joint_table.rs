//! The table of several columns that tables of a set divide by apart. Nobody publishes it. It stands among the tables, with
//! every cell withheld, so that each alternative table is of some children.
//!
//! Wards by sex, wards by need and sex by need agree two by two on more counts than any children can have: only the
//! table of all three says which belong together. Where categories exclude each other, the joint table says whom nobody can be
//! (`excluded`).

use std::collections::BTreeSet;

use minster_attack::cycle;
use minster_model::{
    TableName,
    policy::Zeros,
    table::{CountTable, Hierarchy, Pattern, TableSet},
};

use crate::{
    definition::release_definition::{Definition, Dimension, Measure, Method, Table},
    derived::linked::Linked,
    error::AggregateError,
    protect::flags,
    refusal::ReleaseRefusal,
    tabulate::{
        categories::Lookups,
        tables::{self, TabulatedTable, Who},
        ties,
        ties::Ties,
    },
};

/// Inner cells. Larger joint tables take too long to attack.
pub(crate) const LARGEST: usize = 4_000;

/// Where the children of a definition are, and the definitions, with their look-ups, that divide them.
pub(crate) struct JointTables<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) all: &'a [(&'a Definition, Lookups)],
    pub(crate) dataset: &'a Linked<'a>,
    pub(crate) children: &'a TableName,
}

impl JointTables<'_> {
    /// Adds to a set of tables about the same children the joint tables that they ask for: of columns that are derived from one,
    /// of columns of which some categories exclude each other, and of the circle that the tables form, if they form one.
    ///
    /// # Errors
    /// [`AggregateError::Refused`] where one would be too large, and tables would tell of each other without it; or as
    /// [`tables::tabulate`].
    pub(crate) fn add(&self, set: &mut TableSet, ties: &Ties) -> Result<(), AggregateError> {
        let (dataset, children) = (self.dataset, self.children);
        for table in of_kin(set, self.definition, self.all, dataset, children)? {
            set.tables.push(unpublished(ties.tie(table)?)?);
        }
        for joint in ties.joints(&set.tables) {
            match self.count(&joint.dimensions)? {
                Some(table) => set.tables.push(unpublished(ties.tie(table)?)?),
                None if joint.tells => {
                    let (tables, columns) = (joint.tables, joint.columns);
                    return Err(ReleaseRefusal::ExcludingColumns { tables, columns }.into());
                }
                None => {}
            }
        }
        let in_cycle = in_cycle(set);
        if !in_cycle.is_empty()
            && let Some(table) = self.count(&in_cycle)?
        {
            set.tables.push(unpublished(ties.tie(table)?)?);
        }
        Ok(())
    }

    /// Counts the children by these dimensions; none where the table is too large, or of a column that no definition divides.
    fn count(&self, hierarchies: &[Hierarchy]) -> Result<Option<CountTable>, AggregateError> {
        let mut sizes = hierarchies.iter().map(|of| of.leaves().len());
        let size = sizes.try_fold(1usize, |product, size| product.checked_mul(size));
        let Some(size) = size.filter(|size| *size <= LARGEST) else { return Ok(None) };
        let mut columns = Vec::new();
        let mut known = ties::columns(self.all, self.dataset, self.children)?;
        for hierarchy in hierarchies {
            let leaves = hierarchy.leaves().iter().map(|&leaf| hierarchy.code(leaf).to_owned());
            let key = (hierarchy.name().to_owned(), leaves.collect());
            let Some(at) = known.iter().position(|of| of.key() == key) else { return Ok(None) };
            columns.push(known.swap_remove(at));
        }
        let read: BTreeSet<String> =
            columns.iter().map(|column| column.read().to_owned()).collect();
        let conditions = self.definition.conditions.iter().map(|of| of.column.as_str());
        let read = read.iter().map(String::as_str).chain(conditions).collect();
        let mut inner = vec![0; size];
        tables::each_batch(self.definition, self.dataset, self.children, &read, |batch| {
            let mut cells = vec![0usize; batch.num_rows()];
            for (column, of) in columns.iter_mut().zip(hierarchies) {
                let ordinals = column.ordinals(batch)?;
                let leaves = of.leaves().len();
                cells.iter_mut().zip(ordinals).for_each(|(c, of)| *c = *c * leaves + of as usize);
            }
            cells.into_iter().for_each(|cell| inner[cell] += 1);
            Ok(())
        })?;
        let names: Vec<&str> = hierarchies.iter().map(Hierarchy::name).collect();
        let name = format!("{} (not published)", names.join(" × "));
        Ok(Some(CountTable::new(name, hierarchies.to_vec(), inner, vec![])?))
    }
}

/// Counts the table of all columns that several tables divide by, where some of these columns are derived from one. None
/// where the tables have no such columns, or one of them has all.
///
/// # Errors
/// [`AggregateError::Refused`] where that table would be too large to attack; as [`tables::tabulate`].
fn of_kin(
    set: &TableSet,
    definition: &Definition,
    all: &[(&Definition, Lookups)],
    dataset: &Linked<'_>,
    children: &TableName,
) -> Result<Vec<CountTable>, AggregateError> {
    let mut joint: Vec<CountTable> = Vec::new();
    for kin in kin(set, all, dataset) {
        let is_of = |of: &Hierarchy| kin.contains(column_of(of));
        let tables = set.tables.iter().filter(|table| table.dimensions().iter().any(is_of));
        let (mut divided, mut flags): (Vec<Hierarchy>, Vec<Hierarchy>) = (Vec::new(), Vec::new());
        for dimension in tables.flat_map(CountTable::dimensions) {
            let known = if is_flag(dimension) { &mut flags } else { &mut divided };
            if !known.contains(dimension) && (!is_flag(dimension) || is_of(dimension)) {
                known.push(dimension.clone());
            }
        }
        let has_all = |of: &[Hierarchy]| {
            let has = |table: &CountTable| of.iter().all(|own| table.dimensions().contains(own));
            set.tables.iter().any(has)
        };
        let refused = || {
            let columns = divided.iter().chain(&flags).map(|of| of.name().to_owned()).collect();
            ReleaseRefusal::DerivedFromOne { kin: kin.iter().cloned().collect(), columns }
        };
        let data = (dataset, children);
        if divided.iter().filter(|of| is_of(of)).count() > 1 && !has_all(&divided) {
            let counted = of_hierarchies((&divided, None), definition, all, data)?;
            joint.push(counted.ok_or_else(refused)?);
        }
        // Two sums of ones are protected with what they differ by: their parts are.
        if divided.iter().any(is_of) {
            for flag in flags {
                let with_flag: Vec<Hierarchy> =
                    divided.iter().cloned().chain([flag.clone()]).collect();
                if !has_all(&with_flag) {
                    let counted = of_hierarchies((&divided, Some(&flag)), definition, all, data)?;
                    joint.push(counted.ok_or_else(|| {
                        let columns = with_flag.iter().map(|of| of.name().to_owned()).collect();
                        ReleaseRefusal::DerivedFromOne {
                            kin: kin.iter().cloned().collect(),
                            columns,
                        }
                    })?);
                }
            }
        }
    }
    Ok(joint)
}

/// The names of dimensions of different tables that are derived from one, each group once.
fn kin(
    set: &TableSet,
    all: &[(&Definition, Lookups)],
    dataset: &Linked<'_>,
) -> Vec<BTreeSet<String>> {
    let names: BTreeSet<&str> =
        (set.tables.iter()).flat_map(CountTable::dimensions).map(column_of).collect();
    let is_undivided = |column: &str| {
        let mut dimensions = all.iter().flat_map(|(of, _)| &of.dimensions);
        !dimensions.any(|of| of.column.as_str() == column && !of.bands.is_empty())
    };
    let mut groups: Vec<BTreeSet<String>> = Vec::new();
    for name in names {
        let is_kin = |group: &BTreeSet<String>| {
            group.iter().any(|of| dataset.are_kin(of, name, is_undivided))
        };
        let (joined, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(is_kin);
        groups = others;
        groups.push(joined.into_iter().flatten().chain([name.to_owned()]).collect());
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// Whether a dimension is that of a sum of ones.
fn is_flag(dimension: &Hierarchy) -> bool {
    dimension.name().ends_with(flags::IS_ONE)
}

/// The column that a dimension divides, or whose being 1 it divides by.
fn column_of(dimension: &Hierarchy) -> &str {
    let name = dimension.name();
    name.strip_suffix(flags::IS_ONE).unwrap_or(name)
}

/// Counts the table of some dimensions of definitions, and by whether a column is 1.
fn of_hierarchies(
    (hierarchies, flag): (&[Hierarchy], Option<&Hierarchy>),
    definition: &Definition,
    all: &[(&Definition, Lookups)],
    (dataset, children): (&Linked<'_>, &TableName),
) -> Result<Option<CountTable>, AggregateError> {
    let counted = hierarchies.iter().chain(flag);
    let size = { counted }.try_fold(1usize, |product, of| product.checked_mul(of.leaves().len()));
    if hierarchies.is_empty() || size.is_none_or(|size| size > LARGEST) {
        return Ok(None);
    }
    let (mut dimensions, mut lookups) = (Vec::new(), Lookups::default());
    for hierarchy in hierarchies {
        let of = |(of, lookups): &(&Definition, Lookups)| {
            let mut own = of.dimensions.iter();
            let found = own.find(|own| own.column.as_str() == hierarchy.name());
            found.map(|own| (own.clone(), lookups.clone()))
        };
        let Some((own, named)) = all.iter().find_map(of) else { return Ok(None) };
        let name = format!("d{}", dimensions.len());
        let Ok(name) = name.parse() else { return Ok(None) };
        dimensions.push(Dimension { name, ..own });
        lookups.extend(named);
    }
    let Some(first) = definition.tables.first() else { return Ok(None) };
    let table = Table {
        dimensions: dimensions.iter().map(|of| of.name.clone()).collect(),
        measures: flag.iter().filter_map(|of| Measure::sum_of(column_of(of))).collect(),
        margins: None,
        sensitive: Vec::new(),
        never: Vec::new(),
        always: Vec::new(),
        ..first.clone()
    };
    let joint = Definition {
        dimensions,
        tables: vec![table],
        keep: Vec::new(),
        method: Method::Suppress,
        ..definition.clone()
    };
    let counted = tables::tabulate(&joint, dataset, children, &lookups, Who::Untold)?;
    let Some(TabulatedTable { counts: table, measured, .. }) = counted.tables.into_iter().next()
    else {
        return Ok(None);
    };
    let same = |(one, other): (&Hierarchy, &Hierarchy)| one == other;
    if !table.dimensions().iter().zip(hierarchies).all(same) {
        return Ok(None);
    }
    let Some(flag) = flag else { return Ok(Some(table)) };
    let column = measured.sums.iter().find(|(column, _)| column.as_str() == column_of(flag));
    let Some((column, summed)) = column else { return Ok(None) };
    flags::table(&table, column, summed, definition.policy().zeros)
}

/// The joint table as it stands among the others: everyone knows how many children there are, and nothing else of it.
fn unpublished(table: CountTable) -> Result<CountTable, AggregateError> {
    let withheld =
        (0..table.cell_count()).map(|cell| table.divided(cell).next().is_some()).collect();
    Ok(table.with_zeros(Zeros::MayBeWithheld).published_before(Pattern { withheld })?)
}

/// The dimensions of the circle, each once: those that close it, and one for each tie that does.
fn in_cycle(set: &TableSet) -> Vec<Hierarchy> {
    let names: BTreeSet<String> = cycle(set);
    let mut found: Vec<Hierarchy> = Vec::new();
    let mut covered: BTreeSet<&str> = BTreeSet::new();
    for table in &set.tables {
        for (place, dimension) in table.dimensions().iter().enumerate() {
            let ties = table.ties().iter().filter(|tie| tie.dimension == place);
            let ties: Vec<&str> = ties.map(|tie| tie.name.as_str()).collect();
            let closes = std::iter::once(dimension.name()).chain(ties.iter().copied());
            let closes = closes.filter(|name| names.contains(*name) && !covered.contains(name));
            if closes.count() > 0 {
                covered.insert(dimension.name());
                covered.extend(ties);
                if !found.iter().any(|of| of.name() == dimension.name()) {
                    found.push(dimension.clone());
                }
            }
        }
    }
    found
}
