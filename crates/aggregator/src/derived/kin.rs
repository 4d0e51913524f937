//! Columns that are derived from one: the ages on two days differ by the birthdays between them. They tell of each other,
//! though neither follows from the other.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::ColumnName;

use crate::definition::derived_column::{Derivation, Recoded};

/// The known derivations of columns.
pub(super) type Derivations = BTreeMap<ColumnName, Derivation>;

/// The last sources of a column: columns of the integrated dataset, and tables of events.
fn sources(of: &Derivations, column: &str, found: &mut BTreeSet<String>) {
    let derivation = of.iter().find(|(name, _)| name.as_str() == column).map(|(_, of)| of);
    let Some(derivation) = derivation else {
        found.insert(column.to_owned());
        return;
    };
    found.extend(derivation.events().map(|table| format!("{table} ")));
    derivation.inputs().iter().for_each(|input| sources(of, input.as_str(), found));
}

/// The columns that one recodes. Each category of theirs is of one of its own, so that a tie tells all that they share. A month,
/// an age or a band of dates tells of the days within it too, so that it is kin to its date.
fn recoded_from(of: &Derivations, column: &str, found: &mut BTreeSet<String>) {
    let derivation = of.iter().find(|(name, _)| name.as_str() == column).map(|(_, of)| of);
    if let Some(Derivation::Recode(Recoded { of: input, .. })) = derivation
        && found.insert(input.to_string())
    {
        recoded_from(of, input.as_str(), found);
    }
}

/// Whether two columns are derived from one, or one from what the other is. A column that recodes the other is none where the
/// other `is_undivided`: divided by each of its categories, in no bands, and chosen by nowhere.
pub(super) fn are_kin(
    of: &Derivations,
    one: &str,
    other: &str,
    is_undivided: impl Fn(&str) -> bool,
) -> bool {
    let is_derived = |column: &str| of.keys().any(|name| name.as_str() == column);
    if one == other || !(is_derived(one) || is_derived(other)) {
        return false;
    }
    let mut all = [BTreeSet::new(), BTreeSet::new()];
    sources(of, one, &mut all[0]);
    sources(of, other, &mut all[1]);
    let mut functions = [BTreeSet::new(), BTreeSet::new()];
    recoded_from(of, one, &mut functions[0]);
    recoded_from(of, other, &mut functions[1]);
    let is_recoded = (functions[0].contains(other) && is_undivided(other))
        || (functions[1].contains(one) && is_undivided(one));
    !all[0].is_disjoint(&all[1]) && !is_recoded
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
        let kin = |one: &str, other: &str| are_kin(&of, one, other, |_| true);
        assert!(kin("spring", "summer") && kin("plans", "first"));
        assert!(!kin("area", "ward") && !kin("ward", "region"));
        assert!(!kin("spring", "spring") && !kin("spring", "ward"));
        // Neither of two columns of the dataset is derived.
        assert!(!kin("ward", "born"));
        // An age tells of the days of its date, and wards of an area are chosen.
        assert!(kin("spring", "born"));
        assert!(are_kin(&of, "area", "ward", |_| false));
    }
}
