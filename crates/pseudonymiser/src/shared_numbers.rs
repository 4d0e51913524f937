//! Whether a delivery's tables speak of the same children: of two that join on a number, not one number in common means
//! that one extract writes it otherwise, and everything would be lost in silence.

use std::collections::{BTreeMap, HashSet};

use minster_model::Kind;
use minster_sources::{Definition, Table, Treatment};

/// With fewer numbers it may be chance that none is shared.
const FEWEST: usize = 3;

/// A column whose numbers are compared, by its place in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Watched(pub(crate) usize);

/// Different numbers, as hashes under keys of the run; forgotten with it.
pub(crate) type WatchedNumbers = BTreeMap<Watched, HashSet<u64>>;

/// A number by which tables join: the table that has a row a person or record of it, and those that name it.
struct Join {
    kind: Kind,
    own: (usize, Watched),
    others: Vec<(usize, Watched)>,
}

/// For each table of a definition, its columns that are compared.
pub(crate) fn watched(definition: &Definition) -> Vec<Vec<Watched>> {
    let mut watched = vec![Vec::new(); definition.tables.len()];
    for Join { own, others, .. } in joins(definition) {
        for (table, column) in others.into_iter().chain([own]) {
            if !watched[table].contains(&column) {
                watched[table].push(column);
            }
        }
    }
    watched
}

/// The warnings about tables that share no number, in words.
pub(crate) fn strangers(definition: &Definition, numbers: &[WatchedNumbers]) -> Vec<String> {
    let of = |(table, column): (usize, Watched)| numbers[table].get(&column);
    let mut told = Vec::new();
    for Join { kind, own, others } in joins(definition) {
        let Some(known) = of(own).filter(|known| known.len() >= FEWEST) else { continue };
        for other in others {
            let Some(met) = of(other).filter(|met| met.len() >= FEWEST) else { continue };
            if !met.is_disjoint(known) {
                continue;
            }
            let [one, two] = [other.0, own.0].map(|table| &definition.tables[table].name);
            told.push(format!(
                "tables {one} and {two} share no number of the kind {kind}: {} different ones and {}, none of them the same; \
                 ask the service whether both write it alike, and see numbers.toml",
                met.len(),
                known.len()
            ));
        }
    }
    told
}

fn joins(definition: &Definition) -> Vec<Join> {
    let mut kinds: BTreeMap<&Kind, Vec<(usize, Watched, bool)>> = BTreeMap::new();
    for (place, table) in definition.tables.iter().enumerate() {
        for (column, (name, what)) in table.columns.iter().enumerate() {
            if let Treatment::Pseudonymise(kind) = &what.treatment {
                let entry = (place, Watched(column), owns(table, name));
                kinds.entry(kind).or_default().push(entry);
            }
        }
    }
    let join = |(kind, columns): (&Kind, Vec<(usize, Watched, bool)>)| {
        let (table, column, _) = *columns.iter().find(|(_, _, owns)| *owns)?;
        let others = columns.iter().filter(|(other, ..)| *other != table);
        let others: Vec<_> = others.map(|(other, column, _)| (*other, *column)).collect();
        (!others.is_empty()).then(|| Join { kind: kind.clone(), own: (table, column), others })
    };
    kinds.into_iter().filter_map(join).collect()
}

/// Whether a number of the column has one row: then what another table says of that number is about this row. A table that
/// may be absent is none that all others lean on.
fn owns(table: &Table, column: &str) -> bool {
    let own = table.output_name(column);
    table.required
        && table.key.as_ref().is_some_and(|key| key.is_empty() || key.len() == 1 && key[0] == own)
}
