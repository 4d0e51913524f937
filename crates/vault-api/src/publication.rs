//! Releases that are published and withdrawn, for the vault's log.

use minster_model::{Audience, Period, Purpose, TableName, policy::Zeros};
use serde::{Deserialize, Serialize};

use crate::bounds;

/// A release that is let out or withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Publication {
    /// The purpose of the data that it was made from.
    pub purpose: Purpose,
    /// Its name.
    pub release: TableName,
    /// Its period.
    pub period: Period,
    /// SHA-256 of its files, hexadecimal.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
    /// The step.
    pub what: Publishing,
    /// The rules that it was protected by; none where it is withdrawn, or a program of an earlier release said nothing.
    // Always written: a message says each field by its place.
    #[serde(default)]
    pub rules: Option<ReleaseRules>,
    /// SHA-256 of the entry that the ledger of releases is given of it, hexadecimal; none where it is withdrawn. A vault lets
    /// nothing out without it; entries of earlier releases may have none.
    #[serde(default, deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
    pub entry: Option<String>,
    /// The readers for whom it is made; none where it is withdrawn, or a program of an earlier release said nothing.
    #[serde(default)]
    pub audience: Option<Audience>,
}

/// A release that the vault's log knows: the public has it, and has it still after it was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownRelease {
    /// Its name.
    pub release: TableName,
    /// Its period.
    pub period: Period,
    /// SHA-256 of its files, hexadecimal.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
    /// SHA-256 of its newest entry in the ledger of releases; none where a program of an earlier release let it out.
    #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
    pub entry: Option<String>,
    /// Whether it was withdrawn since it was last let out.
    pub withdrawn: bool,
}

/// The rules that a release was protected by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRules {
    /// Counts from 1 to one less are withheld.
    pub threshold: u64,
    /// The rule for zeros.
    pub zeros: Zeros,
    /// How many children of one cell an attacker may know.
    pub insider: u64,
    /// The p % rule for sums, if there is one.
    pub p_percent: Option<u32>,
    /// How small counts are kept from being known: `suppress`, `cell-key` and so on.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub method: String,
}

/// The part of a table that an analyst sees before it is let out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Previews {
    /// Its protected numbers.
    #[default]
    Numbers,
    /// Its shape and its shares: how many cells it has, and how many are withheld and why. For analysts without the right to small
    /// numbers, who could put previews side by side.
    Shapes,
}

impl Previews {
    pub(crate) fn are_numbers(&self) -> bool {
        *self == Self::Numbers
    }
}

/// How strict the releases of a purpose are at least: what custodians signed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floors {
    /// The least threshold.
    // Always written: a message says each field by its place.
    pub threshold: Option<u64>,
    /// The least strict rule for zeros.
    pub zeros: Option<Zeros>,
    /// How many children of one cell an attacker is taken to know, at least.
    pub insider: Option<u64>,
    /// The p % rule for sums, at least.
    pub p_percent: Option<u32>,
    /// The methods that are allowed. Empty: any.
    #[serde(deserialize_with = "bounds::texts::<_, { bounds::FEW }, { bounds::SHORT }>")]
    pub methods: Vec<String>,
    /// The part of a table that a preview shows.
    pub previews: Previews,
}

impl Floors {
    /// The first rule that a release breaks, and what is asked for. One that says nothing of its rules breaks all.
    pub fn broken_by(&self, rules: Option<&ReleaseRules>) -> Option<String> {
        let Self { threshold, zeros, insider, p_percent, methods, previews: _ } = self;
        let Some(rules) = rules else {
            let asks = Self { previews: Previews::Numbers, ..self.clone() } != Self::default();
            return asks.then(|| "it does not say by which rules it was protected".into());
        };
        if let Some(least) = threshold.filter(|least| rules.threshold < *least) {
            return Some(format!("its threshold is below {least}"));
        }
        if let Some(least) = zeros.filter(|least| rules.zeros < *least) {
            let least = serde_json::to_value(least).unwrap_or_default();
            let least = least.as_str().unwrap_or_default();
            return Some(format!("its rule for zeros is weaker than `{least}`"));
        }
        if let Some(least) = insider.filter(|least| rules.insider < *least) {
            return Some(format!(
                "it reckons with less than {least} children whom an insider knows"
            ));
        }
        if let Some(least) = p_percent.filter(|least| rules.p_percent.is_none_or(|p| p < *least)) {
            return Some(format!("its p % rule for sums is below {least}"));
        }
        let is_allowed = methods.is_empty() || methods.contains(&rules.method);
        (!is_allowed).then(|| format!("its method is none of {}", methods.join(", ")))
    }
}

/// A step in the life of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Publishing {
    /// It is let out.
    LetOut,
    /// It is withdrawn.
    Withdrawn,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_as_strict_as_its_purpose_asks_or_stricter() {
        let floors = Floors {
            threshold: Some(5),
            zeros: Some(Zeros::Published),
            insider: Some(1),
            p_percent: Some(10),
            methods: vec!["suppress".into()],
            previews: Previews::Numbers,
        };
        let rules = ReleaseRules {
            threshold: 5,
            zeros: Zeros::Published,
            insider: 1,
            p_percent: Some(10),
            method: "suppress".into(),
        };
        assert_eq!(floors.broken_by(Some(&rules)), None);
        let stricter = ReleaseRules { threshold: 10, zeros: Zeros::Unsafe, ..rules.clone() };
        assert_eq!(floors.broken_by(Some(&stricter)), None);
        let broken = |rules: ReleaseRules| floors.broken_by(Some(&rules)).unwrap_or_default();
        let told = [
            broken(ReleaseRules { threshold: 4, ..rules.clone() }),
            broken(ReleaseRules { insider: 0, ..rules.clone() }),
            broken(ReleaseRules { p_percent: None, ..rules.clone() }),
            broken(ReleaseRules { method: "cell-key".into(), ..rules.clone() }),
        ];
        let expected = [
            "its threshold is below 5",
            "it reckons with less than 1 children whom an insider knows",
            "its p % rule for sums is below 10",
            "its method is none of suppress",
        ];
        assert_eq!(told, expected);
        let unsafe_zeros = Floors { zeros: Some(Zeros::Unsafe), ..floors.clone() };
        let told = unsafe_zeros.broken_by(Some(&rules)).unwrap_or_default();
        assert_eq!(told, "its rule for zeros is weaker than `unsafe`");
        assert!(floors.broken_by(None).is_some());
        assert_eq!(Floors::default().broken_by(None), None);
    }
}
