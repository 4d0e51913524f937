//! Releases that are queries as well.

use std::collections::BTreeMap;

use super::{Shown, linked, preview, shown_by};

/// Releases that are queries too: the same children, categories and totals.
const QUERIES: [(&str, &str); 2] = [
    (
        "sen_by_ward",
        "SELECT ward, sex, sen_provision, COUNT(*) FROM children WHERE on_spine
         GROUP BY GROUPING SETS ((ward, sex, sen_provision), (ward), (ward, sen_provision), (sen_provision), ())",
    ),
    (
        "meals_by_sen",
        "SELECT CASE WHEN meal_periods >= 1 THEN 'yes' WHEN meal_periods >= 0 THEN 'no' END AS free_meals, sen_provision,
                ethnic_group, COUNT(*)
         FROM children WHERE on_spine GROUP BY CUBE (free_meals, sen_provision, ethnic_group)",
    ),
];

#[test]
fn a_query_shows_the_numbers_of_the_release_that_it_says() {
    let site = linked();
    for (release, sql) in QUERIES {
        let defined = preview(&site, release).remove(release).unwrap();
        let asked = shown_by(&site, &["query", sql]).remove("query").unwrap();
        assert_eq!(defined.len(), asked.len(), "{release}: as many cells");
        let withheld = |shown: &Shown| shown.iter().filter(|(_, of)| of[0].is_none()).count();
        let of_asked: BTreeMap<&Vec<String>, &Vec<Option<f64>>> =
            asked.iter().map(|(cell, numbers)| (cell, numbers)).collect();
        let mut compared = 0;
        for (cell, numbers) in &defined {
            let cell: Vec<String> = cell.iter().map(|of| of.replace("All wards", "All")).collect();
            let Some(other) = of_asked.get(&cell) else { continue };
            if let (Some(number), Some(other)) = (numbers[0], other[0]) {
                assert_eq!(number, other, "{release}: {cell:?}");
                compared += 1;
            }
        }
        let shown = defined.len() - withheld(&defined);
        assert!(2 * compared > shown, "{release}: {compared} of {shown}");
        // The order of categories may move a secondary cell, and moves few.
        let (defined, asked) = (withheld(&defined), withheld(&asked));
        assert!(defined.abs_diff(asked) * 10 <= defined.max(10), "{release}: {defined}, {asked}");
    }
}
