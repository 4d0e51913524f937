//! Summaries of spells and dates, from files to the integrated dataset.

use minster_tests::deliveries::{
    Child, Council, EPISODES_903, Ran, header_903, header_903_row, pupils,
};

use crate::{
    CENSUS,
    values::{Values, integrated},
};

/// Care episodes: child, first day, placement, end.
const EPISODES: [(u32, &str, &str, &str); 8] = [
    // A break of a day between the second and the third.
    (1, "10/05/2024", "U1", "14/05/2024"),
    (1, "14/05/2024", "K2", "20/05/2024"),
    (1, "21/05/2024", "U1", "25/05/2024"),
    // Open on 31 March; and one that ends on that day.
    (2, "01/03/2025", "U4", ""),
    (3, "01/01/2025", "K2", "31/03/2025"),
    // On 31 March the next one begins.
    (4, "01/02/2025", "U1", "31/03/2025"),
    (4, "31/03/2025", "P1", ""),
    // It begins after the day.
    (5, "02/04/2025", "U1", ""),
];

fn council() -> Council {
    let council = Council::new(&[CENSUS, "ssda903"]);
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=40).map(Child::at)));
    let header: Vec<String> =
        (1..=30).map(|place| header_903_row(&format!("L{place}"), &Child::at(place))).collect();
    council.deliver("ssda903", "header.csv", header_903(&header));
    let mut episodes = EPISODES_903.join(",") + "\r\n";
    for (child, from, place, end) in EPISODES {
        let why = if end.is_empty() { "" } else { "X1" };
        episodes += &format!("L{child},{from},S,V2,N4,{place},PR2,{end},{why},,,,\r\n");
    }
    for child in 6..=30 {
        episodes += &format!("L{child},19/02/2025,S,V2,N4,U4,PR2,,,,,,\r\n");
    }
    council.deliver("ssda903", "episodes.csv", episodes);
    council
}

/// The cells of a column, of children with a value above 0 in another.
fn of_children(values: &Values, column: &str, placed: &str) -> Vec<String> {
    let cells = values.column(column).into_iter().zip(values.column(placed));
    let mut cells: Vec<String> = cells
        .filter(|(_, placed)| !placed.is_empty() && *placed != "0")
        .map(|(cell, _)| cell.to_owned())
        .collect();
    cells.sort();
    cells
}

fn link(council: &Council) -> Ran {
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    ran
}

#[test]
fn spells_and_values_on_a_day_are_those_of_the_files() {
    let council = council();
    let ran = link(&council);
    let children = integrated(&council.site);
    let of = |column: &str| of_children(&children, column, "looked_after_episodes");
    let count = |cells: &[String], cell: &str| cells.iter().filter(|one| *one == cell).count();
    // U4 of 26 children, and P1 of the fourth: the ends of the first and the third leave them in no placement.
    let placed = of("placement_on_31_march");
    assert_eq!([count(&placed, "U4"), count(&placed, "P1"), count(&placed, "")], [26, 1, 3]);
    let open = of("looked_after_on_31_march");
    assert_eq!(count(&open, "1"), 27, "as the condition `open_on` counts them");
    // Ten days, then 4: 10 to 20 May are one spell. From 1 March 30 days, from 1 January 89, from 1 February 58, from
    // 19 February 40 for each of 25 children; one begins after the day.
    let longest = of("longest_in_care");
    for (days, children) in [("10", 1), ("30", 1), ("89", 1), ("58", 1), ("40", 25), ("", 1)] {
        assert_eq!(count(&longest, days), children, "{days} days");
    }
    let kinds = of("placement_types");
    assert_eq!([count(&kinds, "1"), count(&kinds, "2")], [28, 2]);
    let note = "longest_in_care: about 5 rows have no last day and begin after `open_until`";
    assert!(ran.summary["linkage"]["notes"].to_string().contains(note), "{}", ran.text);
}

#[test]
fn a_mistyped_column_of_a_summary_is_named_with_the_nearest() {
    let council = council();
    council.change("matching.toml", |text| {
        text.replacen("kind = \"as-at\", of = \"place\"", "kind = \"as-at\", of = \"plaice\"", 1)
    });
    let ran = council.run();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    let message = "ssda903/episodes has no column plaice in any delivery; did you mean place?";
    assert!(ran.text.contains(message), "{}", ran.text);
    council.change("matching.toml", |text| text.replacen("plaice", "place", 1));
    council.change("matching.toml", |text| text.replacen("\"as-at\"", "\"as-of\"", 1));
    let ran = council.run();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(ran.text.contains("as-at"), "{}", ran.text);
}

#[test]
fn ages_and_birth_years_are_told_and_no_birth_date_is_kept() {
    let council = Council::new(&[CENSUS]);
    // Born on the day, the day after, the last day of February in a leap year; and in the year that is linked.
    let born = ["2010-08-31", "2010-09-01", "2012-02-29", "2024-11-05"];
    let child = |place: u32| {
        let born = born
            .get(place as usize - 1)
            .map_or_else(|| "2013-05-06".to_owned(), |born| (*born).to_owned());
        // The sex tells these from the others.
        Child { born, sex: if place <= 4 { "F".into() } else { "M".into() }, ..Child::at(place) }
    };
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=40).map(child)));
    link(&council);
    let children = integrated(&council.site);
    let of = |column: &str| {
        let cells = children.column(column).into_iter().zip(children.column("sex"));
        let mut cells: Vec<String> =
            cells.filter(|(_, sex)| *sex == "F").map(|(cell, _)| cell.to_owned()).collect();
        cells.sort();
        cells
    };
    // The period 2024-25 ends on 31 August 2025.
    assert_eq!(of("age_on_31_august"), ["0", "13", "14", "15"]);
    assert_eq!(of("birth_year"), ["2010", "2010", "2012", "2024"]);
    // A source's dataset has of a birth a keyed date, the year, and the cohort. No other column tells more.
    let source = crate::values::table(&council.site, CENSUS, "pupils");
    let mut cohorts = source.column("cohort");
    cohorts.sort_unstable();
    cohorts.dedup();
    assert_eq!(cohorts, ["2010-08-31", "2011-08-31", "2012-08-31", "2013-08-31", "2025-08-31"]);
    let kept: Vec<&String> = source
        .columns
        .iter()
        .filter(|name| name.contains("birth") || name.contains("dob"))
        .collect();
    assert_eq!(kept, ["birth_year", "key_name-dob", "key_birth-date"]);
    assert!(
        !source
            .rows
            .iter()
            .flatten()
            .any(|cell| born[1..].contains(&cell.as_str()) || cell == "2013-05-06")
    );
}

#[test]
fn an_age_on_another_day_than_the_cohorts_is_refused() {
    let council = Council::new(&[CENSUS]);
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=40).map(Child::at)));
    council.change("matching.toml", |text| {
        text.replacen("of = \"cohort\", on = \"08-31\"", "of = \"cohort\", on = \"03-31\"", 1)
    });
    let ran = council.run();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(
        ran.text.contains("cohorts at 08-31, so that no age on 03-31 can be told"),
        "{}",
        ran.text
    );
}
