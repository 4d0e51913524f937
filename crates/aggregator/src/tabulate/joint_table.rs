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
use minster_store::Dataset;

use crate::{
    definition::release_definition::Definition,
    error::AggregateError,
    refusal::ReleaseRefusal,
    tabulate::{categories::Lookups, tables, ties, ties::Ties},
};

/// Inner cells. Larger joint tables take too long to attack.
pub(crate) const LARGEST: usize = 4_000;

/// Where the children of a definition are, and the definitions, with their look-ups, that divide them.
pub(crate) struct JointTables<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) all: &'a [(&'a Definition, Lookups)],
    pub(crate) dataset: &'a Dataset,
    pub(crate) children: &'a TableName,
}

impl JointTables<'_> {
    /// Adds to a set of tables about the same children the joint tables that they ask for: of columns of which some categories
    /// exclude each other, and of the circle that the tables form, if they form one.
    ///
    /// # Errors
    /// [`AggregateError::Refused`] where one would be too large, and tables would tell of each other without it; or as
    /// [`tables::tabulate`].
    pub(crate) fn add(&self, set: &mut TableSet, ties: &Ties) -> Result<(), AggregateError> {
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
