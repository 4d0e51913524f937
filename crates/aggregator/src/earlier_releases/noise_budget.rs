//! How often a child is counted with noise. Everyone of a ward without its three Gypsy pupils is one release, everyone with
//! them another. The difference of the two is 3, give or take the two noises; a hundred such pairs average to 3. So each
//! child is counted in a limited number of different numbers.

use std::collections::{BTreeSet, HashMap, HashSet};

use minster_model::{
    LeafId, TableName,
    rounding::Rounding,
    table::{CountTable, Hierarchy},
};

use crate::{
    definition::release_definition::Definition,
    derived::linked::Linked,
    earlier_releases::entry::Entry,
    error::AggregateError,
    refusal::ReleaseRefusal,
    tabulate::{
        categories::Lookups,
        tables::{self, Tabulated},
    },
};

/// The data in which children are looked for.
pub(crate) struct Data<'a> {
    pub(crate) dataset: &'a Linked<'a>,
    pub(crate) children: &'a TableName,
}

/// The numbers with noise that each child is counted in.
#[derive(Default)]
pub(crate) struct NoiseBudget {
    /// Keys of cells that were counted: the same children have the same noise, which tells nothing twice.
    seen: HashSet<u64>,
    /// By record key.
    of_child: HashMap<u64, u64>,
    /// The numbers of everyone, for the sake of releases that the data can no longer tell of.
    of_everyone: u64,
    /// The releases that were counted.
    names: Vec<String>,
}

impl NoiseBudget {
    /// Counts a release with noise. `now` is it as the data tell it now, or none where they no longer have its columns.
    pub(crate) fn add(
        &mut self,
        entry: &Entry,
        now: Option<(&Tabulated, &Lookups)>,
        data: &Data<'_>,
    ) -> Result<(), AggregateError> {
        let definition = &entry.definition;
        self.names.push(format!("{} of {}", definition.name, entry.period));
        match now {
            // Other children, other noise: what the keys are now says nothing of what they were.
            Some((now, lookups)) => {
                self.spend(definition, now, lookups, data, now.children == entry.children)?;
            }
            None => {
                let tables = entry.tables.iter();
                self.of_everyone +=
                    tables.map(|table| above_a_leaf(&table.dimensions)).sum::<u64>();
            }
        }
        Ok(())
    }

    /// Refuses a definition after which a child would be counted in more numbers than there may be.
    ///
    /// # Errors
    /// [`AggregateError::Refused`] with the releases that were counted.
    pub(crate) fn last(
        mut self,
        definition: &Definition,
        (now, lookups): (&Tabulated, &Lookups),
        data: &Data<'_>,
    ) -> Result<(), AggregateError> {
        let before = std::mem::take(&mut self.of_child);
        let most = Rounding::CELL_KEY_NUMBERS;
        self.spend(definition, now, lookups, data, true)?;
        let of_before = |child: &u64| before.get(child).copied().unwrap_or_default();
        let spent = |(child, own): (&u64, &u64)| own + of_before(child) + self.of_everyone;
        // A release that is new about nobody tells of nobody.
        if !self.of_child.iter().any(|(child, own)| *own > 0 && spent((child, own)) > most) {
            return Ok(());
        }
        let alone = self.of_child.values().any(|own| *own > most);
        let together_with = if alone { Vec::new() } else { self.names };
        Err(ReleaseRefusal::NoiseBudget { most, together_with }.into())
    }

    /// Adds, for each child of a definition, the different cells that count the child and were not seen before.
    fn spend(
        &mut self,
        definition: &Definition,
        now: &Tabulated,
        lookups: &Lookups,
        data: &Data<'_>,
        same_data: bool,
    ) -> Result<(), AggregateError> {
        let mut of_other_data = HashSet::new();
        let seen = if same_data { &mut self.seen } else { &mut of_other_data };
        let tables = now.tables.iter();
        let new: Vec<Vec<u64>> =
            tables.map(|table| new_cells(&table.counts, &table.keys, seen)).collect();
        let of_child = &mut self.of_child;
        tables::each_child(definition, data.dataset, data.children, lookups, |children, cells| {
            for (row, &child) in children.iter().enumerate() {
                let of_tables = new.iter().zip(cells).map(|(new, cells)| new[cells[row] as usize]);
                *of_child.entry(child).or_default() += of_tables.sum::<u64>();
            }
        })
    }
}

/// For each inner cell, how many different cells that were not seen before count its children. These are seen then.
fn new_cells(table: &CountTable, keys: &[u64], seen: &mut HashSet<u64>) -> Vec<u64> {
    let sums = table.key_sums(keys);
    let mut new = vec![0; keys.len()];
    table.add_up(|inner, cells| {
        let own: BTreeSet<u64> = cells.iter().map(|&cell| sums[cell]).collect();
        new[inner] = own.iter().filter(|key| !seen.contains(key)).count() as u64;
    });
    seen.extend(sums);
    new
}

/// In how many cells of a table a child is counted at most.
fn above_a_leaf(dimensions: &[Hierarchy]) -> u64 {
    let most = |dimension: &Hierarchy| {
        let leaves = (0..dimension.leaves().len()).map(LeafId);
        leaves.map(|leaf| dimension.above(leaf).len() as u64).max()
    };
    dimensions.iter().map(|dimension| most(dimension).unwrap_or(1)).product()
}
