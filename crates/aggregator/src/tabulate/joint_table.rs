//! The table of all columns that a circle of tables divides by. Wards by sex, wards by need and sex by need agree two by
//! two on more counts than any children can have: only the table of all three says which belong together. Nobody
//! publishes it. It stands among the tables, with every cell withheld, so that each alternative table is of some children.

use std::collections::BTreeSet;

use minster_attack::cycle;
use minster_model::{
    TableName,
    policy::Zeros,
    table::{CountTable, Hierarchy, Pattern, TableSet},
};
use minster_store::Dataset;

use crate::{
    definition::release_definition::{Definition, Dimension, Method, Table},
    error::AggregateError,
    tabulate::{
        categories::Lookups,
        tables::{self, TabulatedTable, Who},
    },
};

/// Inner cells. Larger joint tables take too long to attack: their circle is refused.
const LARGEST: usize = 4_000;

/// Counts the joint table of the circle that tables form, by the dimensions of the definitions that they are of. None
/// where there is no circle, or the table is too large or of a column that no definition divides.
///
/// # Errors
/// As [`tables::tabulate`].
pub(crate) fn of_cycle(
    set: &TableSet,
    definition: &Definition,
    all: &[(&Definition, Lookups)],
    dataset: &Dataset,
    children: &TableName,
) -> Result<Option<CountTable>, AggregateError> {
    let hierarchies = in_cycle(set);
    let size =
        hierarchies.iter().try_fold(1usize, |product, of| product.checked_mul(of.leaves().len()));
    if hierarchies.is_empty() || size.is_none_or(|size| size > LARGEST) {
        return Ok(None);
    }
    let (mut dimensions, mut lookups) = (Vec::new(), Lookups::default());
    for hierarchy in &hierarchies {
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
        measures: Vec::new(),
        sensitive: Vec::new(),
        never: Vec::new(),
        always: Vec::new(),
        ..first.clone()
    };
    let joint = Definition {
        dimensions,
        tables: vec![table],
        method: Method::Suppress,
        ..definition.clone()
    };
    let counted = tables::tabulate(&joint, dataset, children, &lookups, Who::Untold)?;
    let Some(TabulatedTable { counts: table, .. }) = counted.tables.into_iter().next() else {
        return Ok(None);
    };
    let same = |(one, other): (&Hierarchy, &Hierarchy)| one == other;
    if !table.dimensions().iter().zip(&hierarchies).all(same) {
        return Ok(None);
    }
    Ok(Some(table))
}

/// The joint table as it stands among the others: everyone knows how many children there are, and nothing else of it.
pub(crate) fn unpublished(table: CountTable) -> Result<CountTable, AggregateError> {
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
