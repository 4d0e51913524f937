//! A purpose, as `purposes.toml` defines it and the vault's log keeps it: what it is for, and what it may do.

use jiff::{Timestamp, civil::Date, tz::Offset};
use minster_model::{Audience, Kind, Purpose, Role, SourceName, policy::Zeros};
use serde::{Deserialize, Serialize};

use crate::{BrokenPromise, ColumnScope, Floors, Notice, Previews, ReadColumns};

/// One purpose. Its name is an input of the key derivation: another name, other pseudonyms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurposeDefinition {
    /// Its name.
    pub name: Purpose,
    /// Its aim, for people.
    pub text: String,
    /// The law that allows it.
    pub legal_basis: String,
    /// The version of the privacy notice that names it, and the sentence. Absent: a purpose of a vault that an earlier release
    /// made, alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// The sources it may use. Absent: any; a purpose of a vault that an earlier release made alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<SourceName>>,
    /// The columns of each source that it may use: what is not named is not allowed. Absent: all columns of its sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<ColumnScope>,
    /// The kinds of identifiers and match keys that may become pseudonyms: a closed list. Absent: any, up to a number; as with
    /// `sources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<Kind>>,
    /// The roles that may work under it.
    pub roles: Vec<Role>,
    /// How many distinct identifiers may be asked.
    pub budget: Budget,
    /// How many mistyped numbers may be repaired. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repairs: Option<Budget>,
    /// How many parts for scored matching may be asked: spellings of names, parts of birth dates, postcodes. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linkage: Option<Budget>,
    /// Whether children may be counted by where they live: addresses become keys. Absent: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub households: bool,
    /// The audiences that its releases may be for. Absent: any; as with `notice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<Audience>>,
    /// The rules for letting a release out: how many persons, and how strict a definition must be.
    #[serde(default, skip_serializing_if = "ReleaseFloors::is_usual")]
    pub release: Box<ReleaseFloors>,
    /// Its last day (ISO, UTC). Absent: without end; as with `sources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Date>,
}

/// The last version of a privacy notice: a longer number is mistyped, and would close the way for all that follow.
const LAST_VERSION: u32 = 99_999_999;

/// Kinds that a purpose may name, and that its registry holds.
pub const MOST_KINDS: usize = 256;

/// How many distinct identifiers may be asked, or mistyped numbers repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// In a run.
    pub run: u64,
    /// In a day (UTC), all runs together.
    pub day: u64,
}

/// The rules for letting a release out. A definition's own rules are as strict, or stricter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseFloors {
    /// How many persons: users of the analyst's role.
    #[serde(default = "one")]
    pub persons: u32,
    /// The least threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u64>,
    /// The least strict rule for zeros.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zeros: Option<Zeros>,
    /// How many children of one cell an attacker is taken to know, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insider: Option<u64>,
    /// The p % rule for sums, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_percent: Option<u32>,
    /// The methods that are allowed. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The part of a table that a preview shows.
    #[serde(default, skip_serializing_if = "Previews::are_numbers")]
    pub previews: Previews,
}

fn one() -> u32 {
    1
}

impl Default for ReleaseFloors {
    fn default() -> Self {
        Self {
            persons: one(),
            threshold: None,
            zeros: None,
            insider: None,
            p_percent: None,
            methods: Vec::new(),
            previews: Previews::Numbers,
        }
    }
}

impl ReleaseFloors {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// How strict a release is at least.
    pub fn floors(&self) -> Floors {
        let Self { threshold, zeros, insider, p_percent, methods, previews, persons: _ } =
            self.clone();
        Floors { threshold, zeros, insider, p_percent, methods, previews }
    }
}

impl PurposeDefinition {
    /// Whether its last day is over (UTC).
    pub fn expired(&self) -> bool {
        self.expires.is_some_and(|last| last < today())
    }

    /// Whether it may use a source.
    pub fn allows(&self, source: &SourceName) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.contains(source))
    }

    /// Whether identifiers of a kind may become pseudonyms for it.
    pub fn allows_kind(&self, kind: &Kind) -> bool {
        let is_named = self.kinds.as_ref().is_none_or(|kinds| kinds.contains(kind));
        is_named && (self.households || !kind.is_address())
    }

    /// A source of which it names no columns, where it names those of others.
    fn unnamed(&self) -> Option<&SourceName> {
        let columns = self.columns.as_ref()?;
        self.sources.iter().flatten().find(|source| !columns.0.contains_key(*source))
    }

    /// A source of which it names columns, and that it may not use.
    fn strange(&self) -> Option<&SourceName> {
        self.columns.as_ref()?.sources().find(|source| !self.allows(source))
    }

    fn budgets(&self) -> impl Iterator<Item = Budget> {
        [self.budget].into_iter().chain(self.repairs).chain(self.linkage)
    }

    /// Whether a release of it may be for an audience.
    pub fn allows_audience(&self, audience: Audience) -> bool {
        self.audiences.as_ref().is_none_or(|audiences| audiences.contains(&audience))
    }

    /// The tables and columns that it does not allow, in words.
    pub fn outside(&self, source: &SourceName, read: &[ReadColumns]) -> Vec<String> {
        self.columns.as_ref().map_or(Vec::new(), |columns| columns.outside(source, read))
    }

    /// The first act that it allows and `before` does not, in words: the privacy notice must tell of it anew.
    pub fn wider_than(&self, before: &Self) -> Option<String> {
        let source = |source: &&SourceName| !before.allows(source);
        if let Some(new) = self.sources.iter().flatten().find(source) {
            return Some(format!("the source {new}"));
        }
        if let Some(stood) = &before.columns {
            let Some(columns) = &self.columns else {
                return Some("all columns of its sources".to_owned());
            };
            let new = self.sources.iter().flatten().find_map(|of| columns.wider_than(stood, of));
            if new.is_some() {
                return new;
            }
        }
        if self.households && !before.households {
            return Some("addresses, by which children are counted".to_owned());
        }
        // Numbers follow from the sources. Names, birth dates and addresses are bounded here alone.
        let is_personal = |kind: &&Kind| kind.is_linkage() || kind.is_match_key();
        let kinds = self.kinds.iter().flatten().filter(is_personal);
        if let Some(new) = kinds.clone().find(|kind| !before.allows_kind(kind)) {
            return Some(format!("keys and parts of the kind {new}"));
        }
        if self.linkage.is_some() && before.linkage.is_none() {
            return Some(
                "parts of names, birth dates and postcodes for scored matching".to_owned(),
            );
        }
        if self.repairs.is_some() && before.repairs.is_none() {
            return Some("repairs of mistyped numbers by birth dates".to_owned());
        }
        let reader = |audience: &&Audience| !before.allows_audience(**audience);
        let new = self.audiences.iter().flatten().find(reader);
        new.map(|audience| format!("releases for {audience}"))
    }

    /// The sentence that an act outside it would break.
    pub fn promise(&self) -> BrokenPromise {
        BrokenPromise(self.notice.clone())
    }

    /// Whether it says all that a purpose says, and nothing that contradicts itself.
    ///
    /// # Errors
    /// The fault, in words.
    pub fn check(&self) -> Result<(), String> {
        let lacks = |what: &str| Err(format!("the purpose {} lacks {what}", self.name));
        match self {
            _ if self.text.trim().is_empty() => lacks("its `text`: the aim of the purpose"),
            _ if self.legal_basis.trim().is_empty() => lacks("its `legal_basis`"),
            Self { sources: None, .. } => lacks("`sources`, the list of those it may use"),
            Self { kinds: None, .. } => {
                lacks("`kinds`, the list of kinds of identifiers that may become pseudonyms")
            }
            Self { kinds: Some(kinds), .. } if kinds.len() > MOST_KINDS => {
                Err(format!("the purpose {} names over {MOST_KINDS} kinds", self.name))
            }
            Self { notice: None, .. } => {
                lacks("its `notice`: version, day and sentence of the privacy notice that names it")
            }
            Self { notice: Some(notice), .. } if notice.sentence.trim().is_empty() => {
                lacks("the sentence of the privacy notice that names it")
            }
            Self { notice: Some(notice), .. }
                if !(1..=LAST_VERSION).contains(&notice.version)
                    || notice.day.parse::<Date>().is_err() =>
            {
                Err(format!(
                    "the `notice` of the purpose {} has a version from 1 to {LAST_VERSION}, and a day as in 2026-09-01",
                    self.name
                ))
            }
            Self { audiences: None, .. } => {
                lacks("`audiences`, the readers for whom its releases may be made")
            }
            _ if self.unnamed().is_some() => Err(format!(
                "the purpose {} has `columns`, and does not say which of {}",
                self.name,
                self.unnamed().map_or("", SourceName::as_str)
            )),
            _ if self.strange().is_some() => Err(format!(
                "the purpose {} names columns of {}, and does not have it in `sources`",
                self.name,
                self.strange().map_or("", SourceName::as_str)
            )),
            Self { expires: None, .. } => lacks("`expires`, its last day"),
            _ if self.roles.is_empty() => lacks("`roles`"),
            _ if self.release.persons == 0 => lacks("a person who lets a release out"),
            _ if self.budgets().any(|budget| budget.run > budget.day) => {
                Err(format!("the purpose {} allows a run more than a day", self.name))
            }
            _ => Ok(()),
        }
    }
}

/// Today (UTC).
pub fn today() -> Date {
    Offset::UTC.to_datetime(Timestamp::now()).date()
}
