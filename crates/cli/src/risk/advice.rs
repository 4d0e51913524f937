//! The first things to do.

use super::assessment::{Assessment, Effect};

/// The advice, in order. `way` is what would bring the classes within their bounds.
pub(super) fn advice(of: &Assessment, way: Option<&str>) -> Vec<String> {
    let mut advice = Vec::new();
    if let Some(way) = way {
        advice.push(format!("These treatments together keep the bounds of classes: {way}."));
    }
    let unique = of.whole.unique;
    let falls = |effect: &&Effect| effect.unique.children < unique.children;
    let coarser = of.coarser.iter().filter(|effect| effect.treatment != "left out");
    let best = coarser.filter(falls).min_by_key(|effect| effect.unique.children);
    if let Some(Effect { column, treatment, unique: left, .. }) = best {
        advice.push(format!(
            "Of single treatments, {column} {treatment} helps most: children who are alone fall from {} % to {} %.",
            unique.percent, left.percent
        ));
    }
    let drives = of.quasi_identifiers.iter().min_by_key(|driver| driver.without.children);
    if let Some(driver) = drives.filter(|driver| driver.without.children < unique.children) {
        advice.push(format!(
            "{} drives it most: without it, {} % are alone. Leave it out where no table needs it.",
            driver.column, driver.without.percent
        ));
    }
    for told in of.sensitive.iter().filter(|told| told.alike.children > 0) {
        advice.push(format!(
            "Whoever knows the quasi-identifiers of a child learns {} of {} % of children without finding the row: all of \
             their class have the same value.",
            told.column, told.alike.percent
        ));
    }
    if advice.is_empty() {
        advice.push(
            "Nothing stands out: no child is alone, and no class gives a sensitive value away."
                .to_owned(),
        );
    }
    advice
}
