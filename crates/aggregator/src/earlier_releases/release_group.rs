//! Releases that count the same children, and what they show.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{
    ColumnName,
    table::{CountTable, Pattern},
};

use crate::{
    definition::release_definition::Definition,
    earlier_releases::{
        condition::Test,
        entry::{Entry, Standing},
    },
};

/// Releases that count the same children.
#[derive(Default)]
pub(crate) struct Group<'a> {
    /// How it is called in messages; none for the new release.
    pub(crate) name: Option<String>,
    pub(crate) definitions: Vec<&'a Definition>,
    /// Those of all its definitions: whoever meets one's meets every one's.
    pub(crate) tests: Vec<Test>,
    pub(crate) counts: Shown,
    /// By the column that is summed.
    pub(crate) sums: BTreeMap<ColumnName, Shown>,
    pub(super) sensitive: Vec<Test>,
}

impl<'a> Group<'a> {
    pub(super) fn add(&mut self, definition: &'a Definition) {
        self.definitions.push(definition);
        for (test, is_sensitive) in Test::of(definition) {
            if is_sensitive {
                self.sensitive.push(test.clone());
            }
            if !self.tests.contains(&test) {
                self.tests.push(test);
            }
        }
    }

    /// A release that stands.
    pub(super) fn add_standing(&mut self, (entry, standing): Stands<'a>) {
        self.add(&entry.definition);
        self.counts.add_standing(standing.counts);
        for (column, tables) in standing.sums {
            self.sums.entry(column).or_default().add_standing(tables);
        }
    }

    pub(crate) fn chooses(&self) -> BTreeSet<&str> {
        self.tests.iter().map(Test::column).collect()
    }

    /// Whether it counts whoever meets these tests (a bit each).
    pub(crate) fn counts(&self, tests: &[Test], met: u64) -> bool {
        let place = |test: &Test| tests.iter().position(|of| of == test);
        self.tests.iter().filter_map(place).all(|place| met >> place & 1 == 1)
    }
}

/// A release that stands, of which the data still say the same, and its tables.
pub(crate) type Stands<'a> = (&'a Entry, Standing);

/// The numbers of one kind that a group of releases about the same children shows.
#[derive(Default)]
pub(crate) struct Shown {
    /// The columns that its tables divide by.
    pub(crate) divides: BTreeSet<String>,
    /// Its tables that stand.
    pub(super) tables: Vec<CountTable>,
    pub(super) patterns: Vec<Pattern>,
}

impl Shown {
    pub(crate) fn add_standing(&mut self, tables: Vec<CountTable>) {
        for table in tables {
            self.divides.extend(table.dimensions().iter().map(|of| of.name().to_owned()));
            let shown = || Pattern { withheld: vec![false; table.cell_count()] };
            self.patterns.push(table.standing().cloned().unwrap_or_else(shown));
            self.tables.push(table);
        }
    }
}
