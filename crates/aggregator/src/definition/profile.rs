use minster_disclosure::Dominance;
use minster_model::policy::{Policy, Zeros};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A convention of the field. A definition's own rules come before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Counts 1 to 4 are withheld; a zero is a zero. The Department for Education leaves the threshold to
    /// the publication.
    #[default]
    Dfe,
    /// As the statistics on children looked after: counts 1 to 5 are withheld, figures of an authority
    /// are unrounded, a zero is a zero (methodology of *Children looked after in England*).
    DfeCla,
    /// Counts up to 7 are unsafe (OpenSAFELY, output checking), here by withholding; for its rounding to
    /// the nearest 5 see `method`.
    Opensafely,
    /// Threshold 10, (2, 90) dominance and p 10 %: the defaults of ACRO.
    Acro,
    /// Zeros are unsafe too, below ten is small, and an attacker knows two children of a cell.
    Strict,
}

impl Profile {
    /// The rules for counts.
    pub fn policy(self) -> Policy {
        let (threshold, zeros, insider) = self.rules_for_counts();
        Policy { threshold, zeros, insider }
    }

    /// The p % rule.
    pub fn p_percent(self) -> u32 {
        self.rules_for_sums().1
    }

    /// Threshold, zeros, and how many children an insider knows.
    pub(crate) fn rules_for_counts(self) -> (u64, Zeros, u64) {
        match self {
            Self::Dfe => (5, Zeros::Published, 1),
            Self::DfeCla => (6, Zeros::Published, 1),
            Self::Opensafely => (8, Zeros::Published, 1),
            Self::Acro => (10, Zeros::Published, 1),
            Self::Strict => (10, Zeros::Unsafe, 2),
        }
    }

    /// The (n, k) rule and the p % rule.
    pub(crate) fn rules_for_sums(self) -> (Option<Dominance>, u32) {
        match self {
            Self::Dfe | Self::DfeCla | Self::Opensafely => (None, 10),
            Self::Acro => (Some(Dominance { n: 2, k: 90 }), 10),
            Self::Strict => (Some(Dominance { n: 2, k: 75 }), 20),
        }
    }
}
