//! Days and deliveries as `matching.toml` names them.

pub use minster_model::NamedDay;
use minster_model::Period;
use serde::Deserialize;

/// A delivery's period, `2025-spring`, or the end of its name, `*-spring`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum DeliveryPeriod {
    /// This very one.
    Named(Period),
    /// The one whose name ends so.
    Ending(String),
}

impl TryFrom<String> for DeliveryPeriod {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.strip_prefix('*') {
            Some(end) if !end.is_empty() => Ok(Self::Ending(end.to_owned())),
            _ => text.parse().map(Self::Named).map_err(|error| error.to_string()),
        }
    }
}

impl DeliveryPeriod {
    /// Whether a delivery's period is meant.
    pub fn is(&self, period: &Period) -> bool {
        match self {
            Self::Named(named) => named == period,
            Self::Ending(end) => period.as_str().ends_with(end.as_str()),
        }
    }
}

impl std::fmt::Display for DeliveryPeriod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(period) => period.fmt(f),
            Self::Ending(end) => write!(f, "*{end}"),
        }
    }
}
