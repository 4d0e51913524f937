//! Checked names. A name that has been parsed is safe as a file name, in a key label and in a log.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}: {rule}")]
pub struct NameError {
    what: &'static str,
    rule: &'static str,
}

impl NameError {
    pub(crate) fn new(what: &'static str, rule: &'static str) -> Self {
        Self { what, rule }
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $rule:literal, $ok:expr) => {
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
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let allowed: fn(char) -> bool = $ok;
                let fits = !text.is_empty()
                    && text.len() <= $max
                    && text.chars().all(allowed)
                    && text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
                if fits {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError { what: $what, rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
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

fn lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_'
}

name!(
    /// A statistical purpose: the EDPB's pseudonymisation domain. An input of the key derivation.
    Purpose, "purpose", 64, "1 to 64 of a-z, 0-9, '-', '_', starting with a letter or digit", lower
);
name!(
    /// A council source, such as `ssda903`.
    SourceName, "source name", 64, "1 to 64 of a-z, 0-9, '-', '_', starting with a letter or digit", lower
);
name!(
    /// A table inside a source, a dataset or a release.
    TableName, "table name", 64, "1 to 64 of a-z, 0-9, '-', '_', starting with a letter or digit", lower
);
name!(
    /// The period that a source's delivery covers: `2024-25`, `2024-autumn`.
    Period, "period", 32, "1 to 32 of a-z, 0-9, '-', '_', starting with a letter or digit", lower
);
name!(
    /// One run of the pipeline.
    RunId, "run id", 64, "1 to 64 of a-z, 0-9, '-', '_', starting with a letter or digit", lower
);
name!(
    /// The kind of an identifier (`upn`, `la-child-id`, `match-key:name-dob`). An input of
    /// the keyed hash: equal texts of different kinds share no pseudonym.
    Kind, "identifier kind", 64, "1 to 64 of a-z, 0-9, '-', '_', ':', starting with a letter or digit",
    |c| lower(c) || c == ':'
);
impl Kind {
    /// The beginning of the kinds of parts for scored matching, such as `linkage:name`.
    pub const LINKAGE: &str = "linkage:";

    /// Whether it is a part for scored matching: no identifier, and nothing that is ever named again.
    pub fn is_linkage(&self) -> bool {
        self.0.starts_with(Self::LINKAGE)
    }

    /// The beginning of the kinds of match keys, such as `match-key:name`.
    pub const MATCH_KEY: &str = "match-key:";

    /// Whether it is a match key: no number of anybody.
    pub fn is_match_key(&self) -> bool {
        self.0.starts_with(Self::MATCH_KEY)
    }

    /// Whether it is a keyed address: a purpose has none that does not allow households.
    pub fn is_address(&self) -> bool {
        matches!(self.0.as_str(), "match-key:address" | "match-key:uprn")
    }
}

name!(
    /// A column of a dataset. Keeps the source's own spelling.
    ColumnName, "column name", 128, "1 to 128 of A-Z, a-z, 0-9, '-', '_', '.', '/', starting with a letter or digit",
    |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')
);

/// The role of a caller of the vault: it says which requests are allowed. The vault decides it from the caller's uid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Tokens for pseudonyms within a budget, and keys of source and linkage datasets to write. Never a pseudonym.
    Ingest,
    /// Keys of source and linkage datasets to read and of the runs whose tokens they hold, of the integrated one to write.
    Linker,
    /// The key of the integrated dataset to read, and of a release's report to write and read. Never a
    /// pseudonym.
    Analyst,
    /// Approves, opens quarantine, rotates.
    Custodian,
    /// Status, checkpoints, the key of a release's report to read, a logged leakage scan of any dataset
    /// but linkage datasets.
    Auditor,
}

impl Role {
    /// Every role, in the order of the design.
    pub const ALL: [Self; 5] =
        [Self::Ingest, Self::Linker, Self::Analyst, Self::Custodian, Self::Auditor];

    /// The role's name as it stands in configuration and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Linker => "linker",
            Self::Analyst => "analyst",
            Self::Custodian => "custodian",
            Self::Auditor => "auditor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which step a dataset belongs to; decides who may wrap and unwrap its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatasetClass {
    /// One source and period, pseudonymised.
    Source,
    /// One row a child, linked across sources.
    Integrated,
    /// Why each cell of a release is withheld, and the certificates that this is enough.
    Report,
    /// Keyed parts of names, birth dates and postcodes of one source and period, by which its rows are matched. They have
    /// spellings in common, which can be attacked as no pseudonym can: the linker alone reads them, and they are shredded
    /// after the match.
    Linkage,
}

impl DatasetClass {
    /// The class's name, which is also its folder.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Integrated => "integrated",
            Self::Report => "report",
            Self::Linkage => "linkage",
        }
    }
}

/// The full name of a dataset. Bound into its wrapped key, so that a key cannot be moved to another
/// dataset or purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DatasetRef {
    /// The step it belongs to.
    pub class: DatasetClass,
    /// The source's name, or the integrated dataset's.
    pub name: SourceName,
    /// The period that it covers.
    pub period: Period,
    /// The purpose it was pseudonymised for.
    pub purpose: Purpose,
}

impl DatasetRef {
    /// The linkage dataset of a source's dataset.
    pub fn linkage(&self) -> Self {
        Self { class: DatasetClass::Linkage, ..self.clone() }
    }
}

impl fmt::Display for DatasetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{} for {}", self.class.as_str(), self.name, self.period, self.purpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_folder() {
        for bad in ["", "..", ".", "a/b", "-a", "A", "a b", "a\0", "é", &"a".repeat(65)] {
            assert!(bad.parse::<SourceName>().is_err(), "{bad:?}");
        }
        assert!("ssda903".parse::<SourceName>().is_ok());
    }

    #[test]
    fn an_error_never_repeats_the_text() {
        let error = "Q330400024001 ".parse::<Purpose>().unwrap_err().to_string();
        assert!(!error.contains("Q3304"));
    }
}
