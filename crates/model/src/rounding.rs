//! Rounding and perturbation: how a table is published whole, every number a little off, instead of with
//! cells withheld. A rule here is public: a definition names it, a release's manifest repeats it, and the
//! attacker knows it.

use serde::{Deserialize, Serialize};

/// How every number of a table is changed before it is published. Counts are of children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rounding {
    /// Each number by itself to the nearest multiple of the base, halves upwards.
    Nearest {
        /// The base, 2 or more.
        base: u64,
    },
    /// Each number to a multiple next to it so that the published table adds up; a multiple stays as it
    /// is. Cox, *Controlled rounding for tables with subtotals*, Annals of Operations Research 20 (1989).
    Controlled {
        /// The base, 2 or more; 3 and 5 are usual.
        base: u64,
        /// How far from the truth a margin may be.
        #[serde(default)]
        margins: Margins,
    },
    /// Counts up to 7 become 0, the rest go to the nearest 5, margins too, each by itself. OpenSAFELY's
    /// documented rule for outputs (docs.opensafely.org/outputs/sdc).
    OpenSafely,
    /// Noise that depends on which children are counted, so that the same cell has the same noise in every
    /// table. Fraser & Wooton, *A proposed method for confidentialising tabular output to protect against
    /// differencing* (UNECE 2005), as in the ABS TableBuilder and Eurostat's cell-key method.
    CellKey,
}

/// How far a margin of a controlled rounding may be from the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Margins {
    /// Less than one base, as every inner cell is.
    #[default]
    Adjacent,
    /// Less than two bases: with three dimensions and more, there may be nothing nearer that adds up.
    WithinTwo,
}

impl Rounding {
    /// The least base there is.
    pub const LEAST_BASE: u64 = 2;
    /// The largest base: more leaves nothing of a council's table.
    pub const LARGEST_BASE: u64 = 1_000;
    /// A count up to this becomes 0 by [`Rounding::OpenSafely`].
    pub const OPEN_SAFELY_REDACTED: u64 = 7;
    /// The base of [`Rounding::OpenSafely`].
    pub const OPEN_SAFELY_BASE: u64 = 5;
    /// [`Rounding::CellKey`] changes no number by more than this.
    pub const CELL_KEY_MAXIMUM: u64 = 5;
    /// [`Rounding::CellKey`] publishes no number from 1 to one less than this.
    pub const CELL_KEY_THRESHOLD: u64 = 5;
    /// A child is counted in at most this many different numbers with [`Rounding::CellKey`]'s noise. Each pair of
    /// numbers that differ by the same few children says how many they are, off by a noise of variance 4; the average
    /// of twelve pairs is still off by more than a half in two of five cases.
    pub const CELL_KEY_NUMBERS: u64 = 12;
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::de::{
        Error,
        value::{Error as ValueError, MapAccessDeserializer, MapDeserializer, StrDeserializer},
    };

    use super::*;

    fn named(name: &str) -> Result<Rounding, ValueError> {
        Rounding::deserialize(StrDeserializer::new(name))
    }

    fn with(name: &'static str, fields: &[(&'static str, u64)]) -> Result<Rounding, ValueError> {
        let fields: HashMap<&str, u64> = fields.iter().copied().collect();
        let map = MapDeserializer::new(std::iter::once((name, fields)));
        Rounding::deserialize(MapAccessDeserializer::new(map))
    }

    #[test]
    fn a_definition_names_a_rule_and_nothing_else() {
        assert_eq!(named("open-safely"), Ok(Rounding::OpenSafely));
        assert_eq!(named("cell-key"), Ok(Rounding::CellKey));
        assert_eq!(with("nearest", &[("base", 5)]), Ok(Rounding::Nearest { base: 5 }));
        let adjacent = Rounding::Controlled { base: 3, margins: Margins::Adjacent };
        assert_eq!(with("controlled", &[("base", 3)]), Ok(adjacent));
        let unknown = with("nearest", &[("base", 5), ("bases", 5)]).unwrap_err();
        assert_eq!(unknown, ValueError::unknown_field("bases", &["base"]));
        assert!(named("random").is_err());
    }
}
