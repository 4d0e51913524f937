//! The parts of a schedule. Only a checked text makes one.

use std::{collections::BTreeSet, fmt, str::FromStr};

use minster_model::{Kind, SourceName, TableName};
use serde::{Deserialize, Serialize};

use crate::{Event, Rule};

/// The most categories of a schedule.
pub const MOST_CATEGORIES: usize = 64;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
                match begins && text.len() <= 40 && text.chars().all(allowed) {
                    true => Ok(Self(text.to_owned())),
                    false => Err(concat!(
                        "the name of a ", $what, " is 1 to 40 of a-z, 0-9 and '-', and begins with a letter"
                    ).to_owned()),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A category of the notice, such as `child-protection-plan`.
    CategoryName, "category"
);
name!(
    /// The person that a record is about: `child`, `adopter`.
    PersonName, "person"
);

/// The end of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Its bytes are gone.
    Destroyed,
    /// No user of the system can reach it.
    MadeInaccessible,
}

impl End {
    /// Its name in the schedule.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Destroyed => "destroyed",
            Self::MadeInaccessible => "made-inaccessible",
        }
    }
}

/// A row of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its name.
    pub name: CategoryName,
    /// Its words in the notice.
    pub notice: String,
    /// The person it is about.
    pub person: PersonName,
    /// Until when a record is kept.
    pub rule: Rule,
    /// The end of the record then.
    pub end: End,
    /// The age recipient of the City Archives, where they are given the records before their end.
    pub city_archives: Option<String>,
    /// Whether it counts for those of whom no other row is shown.
    pub default: bool,
    /// Whether a person of it has two identities, of before and after, that must stay apart: an adopted child.
    pub two_identities: bool,
}

/// Rows of a table that tell of persons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The sources whose definitions have the table.
    pub sources: BTreeSet<SourceName>,
    /// The table.
    pub table: TableName,
    /// The person its rows are about.
    pub person: PersonName,
    /// The columns with the person's own numbers, as the definition names them; where none is named, all whose kind is the person's.
    pub numbers: Vec<String>,
    /// The columns with dates of events.
    pub dates: Vec<(Event, String)>,
    /// The rows that count; all, where there is none.
    pub condition: Option<Condition>,
    /// The category that a row shows.
    pub category: Option<CategoryName>,
}

/// Rows whose cell in a column is one of some texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The column, as the definition names it.
    pub column: String,
    /// The cells, as the file has them; upper and lower case are the same.
    pub one_of: BTreeSet<String>,
}

/// A whole schedule. It comes from its text alone ([`str::parse`]), so that it holds what [`crate::ScheduleError`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub(crate) persons: Vec<(PersonName, BTreeSet<Kind>)>,
    pub(crate) categories: Vec<Category>,
    pub(crate) records: Vec<Record>,
}

impl Schedule {
    /// The persons, each with the kinds of numbers that are a person's own.
    pub fn persons(&self) -> impl Iterator<Item = (&PersonName, &BTreeSet<Kind>)> {
        self.persons.iter().map(|(name, kinds)| (name, kinds))
    }

    /// The kinds of numbers that are a person's own; none of a person whom the schedule does not know.
    pub fn kinds(&self, person: &PersonName) -> Option<&BTreeSet<Kind>> {
        self.persons.iter().find(|(name, _)| name == person).map(|(_, kinds)| kinds)
    }

    /// The person whose number a kind is.
    pub fn person_of(&self, kind: &Kind) -> Option<&PersonName> {
        self.persons.iter().find(|(_, kinds)| kinds.contains(kind)).map(|(name, _)| name)
    }

    /// The rows, in the order of the text.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// Categories whose persons have two identities that must stay apart.
    pub fn apart(&self) -> impl Iterator<Item = &CategoryName> {
        self.categories.iter().filter(|of| of.two_identities).map(|of| &of.name)
    }

    /// A row by its name.
    pub fn category(&self, name: &CategoryName) -> Option<&Category> {
        self.categories.iter().find(|category| category.name == *name)
    }

    /// The records of a source's tables.
    pub fn records<'a>(&'a self, source: &'a SourceName) -> impl Iterator<Item = &'a Record> {
        self.records.iter().filter(|record| record.sources.contains(source))
    }

    /// All that sources tell.
    pub fn all_records(&self) -> &[Record] {
        &self.records
    }

    /// The events whose dates the rules for a person need. No others are told to the vault.
    pub fn needs(&self, person: &PersonName) -> BTreeSet<Event> {
        let of_person = self.categories.iter().filter(|category| category.person == *person);
        of_person.flat_map(|category| category.rule.events()).collect()
    }

    /// The categories that no source of the schedule shows: their records are not in the council's sources, or nobody has said where.
    pub fn without_evidence(&self) -> impl Iterator<Item = &Category> {
        self.categories.iter().filter(|category| {
            let shows = |record: &Record| record.category.as_ref() == Some(&category.name);
            !category.default && !self.records.iter().any(shows)
        })
    }
}
