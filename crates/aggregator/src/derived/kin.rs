//! Columns that are derived from one: the ages on two days differ by the birthdays between them. They tell of each other,
//! though neither follows from the other.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::ColumnName;

use crate::definition::derived_column::Derivation;

/// What is known of the columns that are derived.
pub(super) type Derivations = BTreeMap<ColumnName, Derivation>;

/// What a column is derived from in the end: columns of the integrated dataset, and tables of events.
fn sources(of: &Derivations, column: &str, found: &mut BTreeSet<String>) {
    let derivation = of.iter().find(|(name, _)| name.as_str() == column).map(|(_, of)| of);
    let Some(derivation) = derivation else {
        found.insert(column.to_owned());
        return;
    };
    found.extend(derivation.events().map(|table| format!("{table} ")));
    derivation.inputs().iter().for_each(|input| sources(of, input.as_str(), found));
}

/// The columns that one is a function of, each by itself.
fn follows_from(of: &Derivations, column: &str, found: &mut BTreeSet<String>) {
    let derivation = of.iter().find(|(name, _)| name.as_str() == column).map(|(_, of)| of);
    let inputs = derivation.map(Derivation::inputs).unwrap_or_default();
    if let [only] = inputs[..]
        && found.insert(only.to_string())
    {
        follows_from(of, only.as_str(), found);
    }
}

/// Whether two columns are derived from one, or one from what the other is, and neither follows from the other alone.
pub(super) fn are_kin(of: &Derivations, one: &str, other: &str) -> bool {
    let is_derived = |column: &str| of.keys().any(|name| name.as_str() == column);
    if one == other || !(is_derived(one) || is_derived(other)) {
        return false;
    }
    let mut all = [BTreeSet::new(), BTreeSet::new()];
    sources(of, one, &mut all[0]);
    sources(of, other, &mut all[1]);
    let mut functions = [BTreeSet::new(), BTreeSet::new()];
    follows_from(of, one, &mut functions[0]);
    follows_from(of, other, &mut functions[1]);
    !all[0].is_disjoint(&all[1]) && !functions[0].contains(other) && !functions[1].contains(one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::derived_column::DerivedColumn;

    #[test]
    fn columns_of_one_date_or_one_table_of_events_are_kin_and_a_recoded_column_is_not_its_own_kin()
    {
        let derived = |text: &str| {
            let of: DerivedColumn = toml::from_str(text).unwrap();
            (of.name, of.is)
        };
        let of: Derivations = [
            "name = \"spring\"\nis = { age = { of = \"born\", on = \"2025-03-31\" } }",
            "name = \"summer\"\nis = { age = { of = \"born\", on = \"2025-08-31\" } }",
            "name = \"area\"\nis = { recode = { of = \"ward\", lookup = \"area\" } }",
            "name = \"region\"\nis = { recode = { of = \"area\", lookup = \"region\" } }",
            "name = \"plans\"\nis = { count = { events = \"plan_events\" } }",
            "name = \"first\"\nis = { event = { events = \"plan_events\", of = \"date\", which = \"least\" } }",
        ]
        .map(derived)
        .into();
        assert!(are_kin(&of, "spring", "summer") && are_kin(&of, "plans", "first"));
        assert!(!are_kin(&of, "area", "ward") && !are_kin(&of, "ward", "region"));
        assert!(!are_kin(&of, "spring", "spring") && !are_kin(&of, "spring", "ward"));
        // Neither of two columns of the dataset is derived.
        assert!(!are_kin(&of, "ward", "born"));
    }
}
