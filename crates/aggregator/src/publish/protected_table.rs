//! A table on its way out: what the definition asks for, what was counted and measured, and what of it may be seen.

use std::collections::BTreeMap;

use minster_attack::ReleasableSet;
use minster_model::{ColumnName, NodeId, table::CountTable};

use crate::{
    definition::{
        location::location,
        release_definition::{Definition, Kind, Table},
    },
    earlier_releases::entry::Published,
    error::AggregateError,
    protect::protect_sums::ReleasableSums,
    publish::public_table::{Beside, PublicTable},
    tabulate::{categories::Lookups, contributions::Measured},
};

/// A table that withstood the attack: what readers have, beside the true counts.
pub(crate) struct ProtectedTable {
    /// The published part of it.
    pub(crate) public: PublicTable,
    /// Its true counts.
    pub(crate) counts: CountTable,
}

impl ProtectedTable {
    /// The tables of a definition, in its order: those of the sets beyond them were published before.
    pub(crate) fn all(
        definition: &Definition,
        lookups: &Lookups,
        counts: &ReleasableSet,
        sums: &ReleasableSums,
        measured: &[Measured],
    ) -> Result<Vec<Self>, AggregateError> {
        let tables = definition.tables.iter().zip(counts.tables()).zip(measured).enumerate();
        let protected =
            |(place, ((table, count_table), measured)): (_, ((&Table, &CountTable), _))| {
                let beside = Beside {
                    people: people(definition, (place, table), count_table, lookups)?,
                    shown: shown_cells(definition, table, count_table),
                    codes: codes(definition, table, lookups),
                    definition: table.clone(),
                };
                let public = PublicTable::of(definition, (counts, sums), place, measured, beside);
                Ok(Self { public, counts: count_table.clone() })
            };
        tables.map(protected).collect()
    }

    /// As the ledger keeps it.
    pub(crate) fn as_published(&self) -> Published {
        Published {
            dimensions: self.counts.dimensions().to_vec(),
            counts: self.public.counts().to_vec(),
            sums: self.public.all_sums().clone(),
        }
    }
}

/// The codes of each dimension's categories, where a look-up has them.
fn codes(
    definition: &Definition,
    table: &Table,
    lookups: &Lookups,
) -> Vec<Option<BTreeMap<String, String>>> {
    let of_dimension = |name: &ColumnName| {
        let pairs = lookups.get(definition.dimension(name)?.code_lookup.as_ref()?)?;
        // A line without a code gives none: a blank one would leave a cell of the files empty.
        let coded = pairs.iter().filter(|(_, code)| !code.trim().is_empty());
        Some(coded.cloned().collect())
    };
    table.dimensions.iter().map(of_dimension).collect()
}

/// The people that rates of a table are per, by measure.
fn people(
    definition: &Definition,
    (number, table): (usize, &Table),
    counts: &CountTable,
    lookups: &Lookups,
) -> Result<BTreeMap<ColumnName, Vec<Option<u64>>>, AggregateError> {
    let mut people = BTreeMap::new();
    for (at, measure) in table.measures.iter().enumerate() {
        let Kind::Rate { of, .. } = measure.kind() else { continue };
        let wrong = |what: String| {
            let at = location!["table", number, "measure", at, "rate"];
            Err(definition.rule(at, format!("the measure {}: {what}", measure.name)))
        };
        let place = table.dimensions.iter().position(|name| *name == of.by).unwrap_or_default();
        let (Some(dimension), Some(pairs)) =
            (definition.dimension(&of.by), lookups.get(&of.lookup))
        else {
            continue;
        };
        let listed: BTreeMap<&str, &str> =
            pairs.iter().map(|(category, number)| (category.as_str(), number.as_str())).collect();
        let hierarchy = &counts.dimensions()[place];
        let (mut of_leaf, mut missing): (BTreeMap<NodeId, Option<u64>>, usize) =
            (BTreeMap::new(), 0);
        for &leaf in hierarchy.leaves() {
            let code = hierarchy.code(leaf);
            let number = match listed.get(code) {
                Some(number) => match number.parse().ok().filter(|number| *number > 0) {
                    Some(number) => Some(number),
                    None => {
                        return wrong(format!(
                            "the look-up {} has a value that is no number above 0",
                            of.lookup
                        ));
                    }
                },
                None => None,
            };
            missing += usize::from(number.is_none() && code != dimension.unknown);
            of_leaf.insert(leaf, number);
        }
        if missing > 0 {
            return wrong(format!(
                "the look-up {} has no number for {missing} categories of {}",
                of.lookup, of.by
            ));
        }
        let of_node = |node: NodeId| {
            let below = hierarchy
                .leaves_below(node)
                .iter()
                .map(|leaf| of_leaf.get(leaf).copied().flatten());
            let known: Vec<u64> = below.flatten().collect();
            (!known.is_empty()).then(|| known.iter().sum())
        };
        people.insert(measure.name.clone(), hierarchy.nodes().map(of_node).collect());
    }
    Ok(people)
}

/// The cells that a table's files have: all but totals that the definition does not ask for, and rows of unknown values that
/// nobody has. They are protected as if they stood there.
pub(crate) fn shown_cells(
    definition: &Definition,
    table: &Table,
    counts: &CountTable,
) -> Vec<usize> {
    let of_nobody = of_nobody(definition, table, counts);
    let is_shown = |cell: &usize| {
        let nodes = counts.coordinates(*cell);
        let is_nobodys = |(place, node): (usize, &NodeId)| of_nobody[place] == Some(*node);
        let divided: Vec<&ColumnName> = (table.dimensions.iter().enumerate())
            .filter(|(place, _)| !counts.dimensions()[*place].is_total(nodes[*place]))
            .map(|(_, name)| name)
            .collect();
        !nodes.iter().enumerate().any(is_nobodys) && asks_for(table, &divided)
    };
    (0..counts.cell_count()).filter(is_shown).collect()
}

/// Whether a table asks for the cells that are divided by these dimensions, and are totals of the others.
fn asks_for(table: &Table, divided: &[&ColumnName]) -> bool {
    let Some(margins) = &table.margins else { return true };
    let is_margin = |margin: &Vec<ColumnName>| {
        margin.len() == divided.len() && divided.iter().all(|name| margin.contains(name))
    };
    let is_inner = divided.len() == table.dimensions.len();
    divided.is_empty() || is_inner || margins.iter().any(is_margin)
}

/// The leaf of unknown values of each dimension that the definition leaves out, where no child of the table is in it. It is
/// no secret: tables are protected as if everyone knew which categories are nobody's.
fn of_nobody(definition: &Definition, table: &Table, counts: &CountTable) -> Vec<Option<NodeId>> {
    let of_dimension = |(place, name): (usize, &ColumnName)| {
        let dimension = definition.dimension(name).filter(|of| of.unknown_if_any)?;
        let hierarchy = &counts.dimensions()[place];
        let leaf = hierarchy.node(&dimension.unknown)?;
        let ordinal = hierarchy.leaves().iter().position(|of| *of == leaf)?;
        let is_its = |inner: &usize| usize::from(counts.leaf(place, *inner)) == ordinal;
        let nobody =
            (0..counts.inner().len()).filter(is_its).all(|inner| counts.inner()[inner] == 0);
        nobody.then_some(leaf)
    };
    table.dimensions.iter().enumerate().map(of_dimension).collect()
}
