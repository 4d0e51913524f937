//! `purposes.toml`: the statistical purposes that have a key, what each is for and what it may do.

use std::path::Path;

use jiff::{Timestamp, civil::Date, tz::Offset};
use minster_model::{Kind, Purpose, Role, SourceName, policy::Zeros};
use minster_vault_api::Floors;
use serde::{Deserialize, Serialize};

use crate::VaultFault;

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
    /// The sources it may use. Absent: any; a purpose of a vault that an earlier release made alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<SourceName>>,
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
    /// The rules for letting a release out: how many persons, and how strict a definition must be.
    #[serde(default, skip_serializing_if = "ReleaseFloors::is_usual")]
    pub release: Box<ReleaseFloors>,
    /// Its last day (ISO, UTC). Absent: without end; as with `sources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Date>,
}

/// Kinds that a purpose may name, and that its registry holds.
pub(crate) const MOST_KINDS: usize = 256;

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
        }
    }
}

impl ReleaseFloors {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// How strict a release is at least.
    pub fn floors(&self) -> Floors {
        let Self { threshold, zeros, insider, p_percent, methods, persons: _ } = self.clone();
        Floors { threshold, zeros, insider, p_percent, methods }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PurposesFile {
    #[serde(default)]
    purpose: Vec<PurposeDefinition>,
}

impl PurposeDefinition {
    /// All purposes of a file's text; `path` is for the message.
    pub fn parse_all(text: &str, path: &Path) -> Result<Vec<Self>, VaultFault> {
        let wrong = |why: String| VaultFault::File { path: path.to_owned(), why };
        let PurposesFile { purpose } =
            toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        for (at, definition) in purpose.iter().enumerate() {
            definition.check().map_err(wrong)?;
            if purpose[..at].iter().any(|other| other.name == definition.name) {
                return Err(wrong(format!("the purpose {} stands there twice", definition.name)));
            }
        }
        Ok(purpose)
    }

    /// The one purpose of a text with a single `[[purpose]]`.
    pub fn parse_one(text: &str) -> Result<Self, String> {
        let mut all =
            Self::parse_all(text, Path::new("purposes.toml")).map_err(|fault| fault.to_string())?;
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err("one purpose is proposed at a time".into()),
        }
    }

    /// A purpose as an earlier release knew it: a name, a text, perhaps an end.
    pub(crate) fn of_format_1(
        name: Purpose,
        text: String,
        expires: Option<Date>,
        run: u64,
    ) -> Self {
        Self {
            name,
            text,
            legal_basis: String::new(),
            sources: None,
            kinds: None,
            roles: Role::ALL.to_vec(),
            budget: Budget { run, day: u64::MAX },
            repairs: None,
            linkage: None,
            households: false,
            release: Box::default(),
            expires,
        }
    }

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

    fn budgets(&self) -> impl Iterator<Item = Budget> {
        [self.budget].into_iter().chain(self.repairs).chain(self.linkage)
    }

    fn check(&self) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "[[purpose]]\nname = \"p\"\ntext = \"Statistics\"\nlegal_basis = \"UK GDPR 6(1)(e)\"\n\
        sources = [\"census\"]\nkinds = [\"upn\", \"match-key:address\"]\nroles = [\"ingest\"]\nbudget = { run = 10, day = 20 }\nexpires = \"2030-12-31\"\n";

    const KINDS: &str = "kinds = [\"upn\", \"match-key:address\"]\n";

    #[test]
    fn kinds_are_a_closed_list() {
        let (upn, other) = ("upn".parse().unwrap(), "made-up".parse().unwrap());
        let some = PurposeDefinition::parse_one(ONE).unwrap();
        assert!(some.allows_kind(&upn) && !some.allows_kind(&other));
        let many: Vec<String> = (0..=MOST_KINDS).map(|n| format!("\"k{n}\"")).collect();
        let many = ONE.replace(KINDS, &format!("kinds = [{}]\n", many.join(", ")));
        assert!(PurposeDefinition::parse_one(&many).unwrap_err().contains("over 256 kinds"));
    }

    #[test]
    fn addresses_need_households_also_where_their_kind_is_named() {
        let (address, upn) = ("match-key:address".parse().unwrap(), "upn".parse().unwrap());
        let allows = |more: &str| {
            let purpose =
                PurposeDefinition::parse_one(&ONE.replace(KINDS, &format!("{KINDS}{more}")));
            let purpose = purpose.unwrap();
            (purpose.allows_kind(&address), purpose.allows_kind(&upn))
        };
        assert_eq!(allows(""), (false, true));
        assert_eq!(allows("households = true\n"), (true, true));
        let named = ONE.replace(KINDS, "households = true\nkinds = [\"upn\"]\n");
        assert!(!PurposeDefinition::parse_one(&named).unwrap().allows_kind(&address));
    }

    #[test]
    fn each_part_is_asked_for_by_name() {
        assert!(PurposeDefinition::parse_one(ONE).unwrap().allows(&"census".parse().unwrap()));
        for (part, word) in [
            ("text = \"Statistics\"", "text"),
            ("legal_basis = \"UK GDPR 6(1)(e)\"", "legal_basis"),
            ("sources = [\"census\"]\n", "sources"),
            (KINDS, "kinds"),
            ("expires = \"2030-12-31\"", "expires"),
            ("roles = [\"ingest\"]", "roles"),
            ("budget = { run = 10, day = 20 }", "budget"),
        ] {
            let why = PurposeDefinition::parse_one(&ONE.replace(part, "")).unwrap_err();
            assert!(why.contains(word), "{word}: {why}");
        }
        assert!(PurposeDefinition::parse_one(&ONE.replace("day = 20", "day = 2")).is_err());
        assert_eq!(PurposeDefinition::parse_one(ONE).unwrap().repairs, None);
        for (day, good) in [(5, true), (4, false)] {
            let repairs = format!("repairs = {{ run = 5, day = {day} }}\nroles");
            let parsed = PurposeDefinition::parse_one(&ONE.replace("roles", &repairs));
            assert_eq!(parsed.is_ok(), good);
        }
        let linkage =
            |budget: &str| PurposeDefinition::parse_one(&format!("{ONE}linkage = {budget}"));
        assert!(linkage("{ run = 5, day = 4 }").is_err());
        assert_eq!(
            linkage("{ run = 4, day = 5 }").unwrap().linkage,
            Some(Budget { run: 4, day: 5 })
        );
        assert!(PurposeDefinition::parse_one(&format!("{ONE}{ONE}")).is_err());
        assert!(PurposeDefinition::parse_one("").is_err());
    }

    #[test]
    fn the_floors_of_a_purpose_are_those_of_its_text() {
        let floors: ReleaseFloors = toml::from_str(
            "persons = 2\nthreshold = 5\nzeros = \"unsafe\"\ninsider = 1\np_percent = 10\nmethods = [\"suppress\"]\n",
        )
        .unwrap();
        let expected = Floors {
            threshold: Some(5),
            zeros: Some(Zeros::Unsafe),
            insider: Some(1),
            p_percent: Some(10),
            methods: vec!["suppress".into()],
        };
        assert_eq!((floors.persons, floors.floors()), (2, expected));
    }
}
