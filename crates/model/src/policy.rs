//! The rules that tables are published under, which the attacker knows, and the costs of withholding.

use serde::{Deserialize, Serialize};

/// The rules published with the tables: the attacker knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Counts from 1 to `threshold − 1` are withheld, and zeros too where they are unsafe.
    pub threshold: u64,
    /// Whether a zero may be withheld.
    pub zeros: Zeros,
    /// An attacker may know this many children of one withheld inner cell: themselves, a family.
    #[serde(default)]
    pub insider: u64,
}

impl Policy {
    /// A policy against outsiders alone.
    pub fn new(threshold: u64, zeros: Zeros) -> Self {
        Self { threshold, zeros, insider: 0 }
    }

    /// How many more than the least that a withheld inner cell can be an insider knows to be there, given
    /// its true count.
    pub fn more_known(self, count: u64) -> u64 {
        self.insider.min(count).saturating_sub(self.zeros.least_withheld())
    }

    /// Whether a count must be withheld for its own sake.
    pub fn is_small(self, count: u64) -> bool {
        count < self.threshold && (count > 0 || self.zeros == Zeros::Unsafe)
    }
}

/// Says what becomes of a zero, the least strict rule first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zeros {
    /// Every zero is published, so a withheld cell is at least 1.
    Published,
    /// A zero is published unless it is needed as cover, so a withheld cell may be 0.
    MayBeWithheld,
    /// Every zero is withheld, as every small count is.
    Unsafe,
}

impl Zeros {
    /// The least that a withheld inner cell can be.
    pub fn least_withheld(self) -> u64 {
        match self {
            Self::Published => 1,
            Self::MayBeWithheld | Self::Unsafe => 0,
        }
    }
}

/// The cost of withholding a cell besides the one that every cell costs: where there is a choice, the
/// cheaper cells go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Costs {
    /// Added for a margin: more keeps totals.
    pub margin: f64,
    /// Times the logarithm of the count more one: more keeps large cells.
    pub size: f64,
    /// Times the logarithm of the number of inner cells that a margin counts: more keeps headline numbers.
    pub coverage: f64,
    /// Makes some cells dearer by chance. It is no part of a definition.
    #[serde(skip)]
    pub dice: Dice,
}

/// A secret by which some cells cost more than others, so that a reader who knows how cells are chosen cannot tell from
/// the choice what they count. Without one nothing costs more.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Dice(Option<[u8; 32]>);

impl Dice {
    /// The dice of a secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Some(secret))
    }

    /// The secret, where there is one.
    pub fn secret(&self) -> Option<&[u8; 32]> {
        self.0.as_ref()
    }
}

impl std::fmt::Debug for Dice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Dice(secret)" } else { "Dice(none)" })
    }
}

impl Costs {
    /// Returns the cost of withholding a cell that counts so many children in so many inner cells.
    pub fn of(self, count: u64, inner_cells: usize) -> f64 {
        let margin = match inner_cells {
            0 | 1 => 0.0,
            more => self.margin + self.coverage * (more as f64).ln(),
        };
        1.0 + margin + self.size * (1.0 + count as f64).ln()
    }

    /// The same costs, with a dice.
    pub fn cast(self, dice: Dice) -> Self {
        Self { dice, ..self }
    }
}

impl Default for Costs {
    fn default() -> Self {
        Self { margin: 0.3, size: 0.1, coverage: 0.3, dice: Dice::default() }
    }
}
