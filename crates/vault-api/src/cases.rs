//! Cases of a child's rights: opened by one custodian, decided by two, answered within the time of UK GDPR Article 12(3).

use minster_model::{Kind, Pseudonym, Purpose};
use serde::{Deserialize, Serialize};

use crate::{IdentifierBatch, LastMet, ListedPseudonyms, bounds};

/// Names in small letters, as commands take them and the log keeps them.
macro_rules! named {
    ($of:ident, $what:literal, $($variant:ident = $name:literal),+ $(,)?) => {
        impl $of {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name, in small letters.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl std::fmt::Display for $of {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $of {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|one| one.as_str() == text).copied();
                found.ok_or_else(|| {
                    let all: Vec<&str> = Self::ALL.iter().map(|one| one.as_str()).collect();
                    format!("{} is one of {}", $what, all.join(", "))
                })
            }
        }
    };
}

/// A right of a child under UK GDPR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Article 15.
    Access,
    /// Article 16.
    Rectification,
    /// Article 17.
    Erasure,
    /// Article 18.
    Restriction,
    /// Article 21.
    Objection,
}

named!(
    Right,
    "a right",
    Access = "access",
    Rectification = "rectification",
    Erasure = "erasure",
    Restriction = "restriction",
    Objection = "objection",
);

impl Right {
    /// Whether a grant of it disposes of the child's records.
    pub fn disposes(self) -> bool {
        matches!(self, Self::Erasure | Self::Objection)
    }
}

/// The ground on which a case is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// Freedom of expression and information: Article 17(3)(a).
    Expression,
    /// A legal obligation: Article 17(3)(b).
    StatutoryDuty,
    /// A task in the public interest: Articles 17(3)(b) and 21(6).
    PublicInterest,
    /// Public health: Article 17(3)(c).
    PublicHealth,
    /// Archiving, research or statistics: Articles 17(3)(d) and 21(6).
    Research,
    /// Legal claims: Articles 17(3)(e) and 21(1).
    LegalClaims,
    /// Compelling legitimate grounds: Article 21(1).
    CompellingGrounds,
    /// The right does not apply: none of the cases of its article is there.
    NotApplicable,
    /// An exemption of the Data Protection Act 2018.
    Exemption,
    /// Manifestly unfounded or excessive: Article 12(5).
    Unfounded,
    /// Nobody can tell that the person asking is the child, or may ask for it: Article 12(2) and (6).
    Unidentified,
}

named!(
    Ground,
    "a ground",
    Expression = "expression",
    StatutoryDuty = "statutory-duty",
    PublicInterest = "public-interest",
    PublicHealth = "public-health",
    Research = "research",
    LegalClaims = "legal-claims",
    CompellingGrounds = "compelling-grounds",
    NotApplicable = "not-applicable",
    Exemption = "exemption",
    Unfounded = "unfounded",
    Unidentified = "unidentified",
);

impl Ground {
    /// Whether a case of this right may be refused on it.
    pub fn refuses(self, right: Right) -> bool {
        match self {
            Self::NotApplicable | Self::Exemption | Self::Unfounded | Self::Unidentified => true,
            Self::Expression | Self::PublicHealth => right == Right::Erasure,
            Self::StatutoryDuty | Self::PublicInterest | Self::Research | Self::LegalClaims => {
                right.disposes()
            }
            Self::CompellingGrounds => right == Right::Objection,
        }
    }
}

/// A case as a custodian opens it. Holds an identifier: no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewCase {
    /// The right.
    pub right: Right,
    /// The purpose whose data it is about.
    pub purpose: Purpose,
    /// The day on which it was received (ISO): the clock runs from it.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub received: String,
    /// The council's own reference, never a name.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub reference: String,
    /// The kind of the identifier.
    pub kind: Kind,
    /// The child's identifier, canonical: one.
    pub identifier: IdentifierBatch,
}

/// The decision of a case, as it is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseDecision {
    /// It is answered within three months of its day, and not within one.
    Extend,
    /// The child's right is done.
    Grant,
    /// An erasure or an objection is done also where rows show several numbers of one kind, or several birth dates, as one person's.
    GrantSeveral,
    /// It is refused.
    Refuse(Ground),
    /// The child's number or values are corrected as deliveries are read.
    Rectify,
    /// The restriction, or the correction, that it made ends.
    Lift,
}

/// The outcome of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseOutcome {
    /// It was granted; what it asks for is done outside the register.
    Granted,
    /// The child's records were disposed of.
    Erased,
    /// The child's records are restricted.
    Restricted,
    /// The child's number or values are corrected as deliveries are read.
    Rectified,
    /// The purpose holds no record under the number.
    NoRecord,
    /// It was refused.
    Refused,
    /// It was taken back: it was opened with a wrong number, or its file is lost.
    Withdrawn,
}

/// The next to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// Custodians, to propose a decision.
    Decide,
    /// Custodians, to sign the proposal.
    Sign,
    /// The custodian who proposed it, to carry it out.
    CarryOut,
    /// The linker, to apply the disposal list.
    Linker,
    /// A custodian, to send the answer and close the case.
    Answer,
}

/// A case, as custodians and auditors are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseStatus {
    /// Its short name.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub case: String,
    /// The council's own reference.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub reference: String,
    /// The right.
    pub right: Right,
    /// The purpose.
    pub purpose: Purpose,
    /// The day on which it was received (ISO).
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub received: String,
    /// The last day for the answer (ISO).
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub due: String,
    /// Whether it was given two more months.
    pub extended: bool,
    /// Days until the last day; below 0 where that is over, and nothing where the case is closed.
    pub days_left: Option<i32>,
    /// The next to act; nobody's where the case is closed.
    pub turn: Option<Turn>,
    /// The proposal or the disposal list that the turn is about.
    #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
    pub about: Option<String>,
    /// The outcome, once there is one.
    pub outcome: Option<CaseOutcome>,
    /// The ground, where it was refused.
    pub ground: Option<Ground>,
    /// Whether a restriction that it made stands.
    pub restricts: bool,
    /// Whether deliveries are read with the correction that it made.
    pub corrects: bool,
    /// The word of each source's last delivery on the correction.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub met: Vec<LastMet>,
    /// The day (ISO) on which the answer was sent, where it is closed.
    #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
    pub answered: Option<String>,
}

/// The cases that are open, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseCounts {
    /// Open ones.
    pub open: u32,
    /// Open ones whose last day is over.
    pub overdue: u32,
    /// Days until the first last day; below 0 where that is over. Nothing where none is open.
    pub least_days_left: Option<i32>,
    /// Restrictions that stand.
    pub restrictions: u32,
    /// Corrections that stand.
    pub corrections: u32,
}

/// The children whose processing is restricted, as the linker is told them for one purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestrictedList {
    /// Says which list it is, and nothing of its numbers: another list has another. Empty where no restriction stands.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub digest: String,
    /// Pseudonyms of their numbers, for each version of the purpose's keys that is not retired.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")]
    pub versions: Vec<ListedPseudonyms>,
}

impl RestrictedList {
    /// The pseudonyms, by version.
    pub fn pseudonyms(
        &self,
    ) -> impl Iterator<Item = (minster_model::KeyVersion, Vec<Pseudonym>)> + '_ {
        self.versions.iter().map(|of| (of.version, of.iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_and_a_ground_are_read_by_their_names_alone() {
        for right in Right::ALL {
            assert_eq!(right.as_str().parse(), Ok(*right));
            let json = serde_json::to_value(right).unwrap();
            assert_eq!(json, right.as_str(), "the log has the same name");
        }
        for ground in Ground::ALL {
            assert_eq!(ground.as_str().parse(), Ok(*ground));
            assert_eq!(serde_json::to_value(ground).unwrap(), ground.as_str());
        }
        let why = "Erasure".parse::<Right>().unwrap_err();
        assert!(why.contains("a right is one of access, rectification, erasure"), "{why}");
    }

    #[test]
    fn a_ground_refuses_the_rights_of_its_article_alone() {
        let refused = |ground: Ground| {
            let rights = Right::ALL.iter().filter(|right| ground.refuses(**right));
            rights.map(|right| right.as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(refused(Ground::StatutoryDuty), "erasure objection");
        assert_eq!(refused(Ground::Research), "erasure objection");
        assert_eq!(refused(Ground::CompellingGrounds), "objection");
        assert_eq!(refused(Ground::Expression), "erasure");
        assert_eq!(refused(Ground::Unfounded).split(' ').count(), Right::ALL.len());
    }
}
