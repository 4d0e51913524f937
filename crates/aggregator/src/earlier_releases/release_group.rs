//! Releases that count the same children, and what they show.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{
    ColumnName,
    table::{CountTable, Pattern},
};

use crate::{
    definition::release_definition::Definition,
    earlier_releases::{
        entry::{Entry, PublishedTables},
        selection::Selection,
    },
};

/// Releases that count the same children.
#[derive(Default)]
pub(crate) struct Group<'a> {
    /// How it is called in messages; none for the new release.
    pub(crate) name: Option<String>,
    pub(crate) definitions: Vec<&'a Definition>,
    /// Those of all its definitions: whoever meets one's meets every one's.
    pub(crate) selections: Vec<Selection>,
    pub(crate) counts: ShownTables,
    /// By the column that is summed.
    pub(crate) sums: BTreeMap<ColumnName, ShownTables>,
    pub(super) sensitive: Vec<Selection>,
}

impl<'a> Group<'a> {
    pub(super) fn add(&mut self, definition: &'a Definition) {
        self.definitions.push(definition);
        for (selection, is_sensitive) in Selection::of(definition) {
            if is_sensitive {
                self.sensitive.push(selection.clone());
            }
            if !self.selections.contains(&selection) {
                self.selections.push(selection);
            }
        }
    }

    /// A published release.
    pub(super) fn add_published(&mut self, (entry, published_tables): PublishedRelease<'a>) {
        self.add(&entry.definition);
        self.counts.add_published(published_tables.counts);
        let flags = published_tables.flags.iter();
        self.counts.flags.extend(flags.map(|(column, _)| column.to_string()));
        for (column, tables) in published_tables.sums {
            self.sums.entry(column).or_default().add_published(tables);
        }
    }

    pub(crate) fn chooses(&self) -> BTreeSet<&str> {
        self.selections.iter().map(Selection::column).collect()
    }

    /// The places of its selections among those of all: it counts whoever meets these.
    pub(crate) fn chosen_by(&self, selections: &[Selection]) -> Vec<usize> {
        let place = |selection: &Selection| selections.iter().position(|of| of == selection);
        self.selections.iter().filter_map(place).collect()
    }
}

/// A published release, and its tables as the data have them now.
pub(crate) type PublishedRelease<'a> = (&'a Entry, PublishedTables);

/// The numbers of one kind that a group of releases about the same children shows.
#[derive(Default)]
pub(crate) struct ShownTables {
    /// The columns that its tables divide by.
    pub(crate) divides: BTreeSet<String>,
    /// The columns of zeros and ones that are summed beside counts: whoever chooses by one divides by it.
    pub(crate) flags: BTreeSet<String>,
    /// Its published tables.
    pub(super) tables: Vec<CountTable>,
    pub(super) patterns: Vec<Pattern>,
}

impl ShownTables {
    /// Whether the tables tell how many children are apart by a column: they divide by it, or sum its zeros and ones.
    pub(crate) fn tells(&self, column: &str) -> bool {
        self.divides.contains(column) || self.flags.contains(column)
    }

    pub(crate) fn add_published(&mut self, tables: Vec<CountTable>) {
        for table in tables {
            self.divides.extend(table.dimensions().iter().map(|of| of.name().to_owned()));
            let shown = || Pattern { withheld: vec![false; table.cell_count()] };
            self.patterns.push(table.published_pattern().cloned().unwrap_or_else(shown));
            self.tables.push(table);
        }
    }
}
