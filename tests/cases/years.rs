//! Two school years, night by night: a release, a correction, a withdrawal, a file that was cut, and the first night of
//! September.

use std::fs;

use minster_tests::deliveries::{
    Child, Council, Dimension, EARLY_HELP, Ran, early_help_row, pupils,
};

use crate::CENSUS;

const FIRST: [(&str, &str); 3] =
    [(CENSUS, "2024-autumn"), (CENSUS, "2025-summer"), ("early_help", "2024-25")];

/// Pupils of a census, so many of whom are girls.
fn census(council: &Council, period: &str, places: std::ops::RangeInclusive<u32>, girls: u32) {
    let child = |place: u32| {
        let sex = if place <= girls { "F" } else { "M" };
        Child { sex: sex.into(), ..Child::at(place) }
    };
    council.deliver(CENSUS, &format!("{period}/pupilonroll.csv"), pupils(places.map(child)));
}

fn plans(council: &Council, period: &str, places: std::ops::RangeInclusive<u32>) {
    let row = |place: u32| early_help_row(&format!("E{place}"), &Child::at(place), "14/10/2024");
    let rows: Vec<String> = places.map(row).collect();
    let csv = format!("{EARLY_HELP}\n{}\n", rows.join("\n"));
    council.deliver("early_help", &format!("{period}/early_help.csv"), csv);
}

fn minster(council: &Council, arguments: &[&str]) -> Ran {
    council.program("minster", arguments)
}

/// The table that is public of a period.
fn public(council: &Council, period: &str) -> Option<Vec<String>> {
    let path = council.path(&format!("store/releases/small/{period}/current/cells.csv"));
    let text = minster_tests::without_origin(&fs::read_to_string(path).ok()?);
    Some(text.lines().skip(1).map(str::to_owned).collect())
}

#[test]
fn two_school_years_are_released_with_a_correction_a_withdrawal_and_a_cut_file_between() {
    let council = Council::of_deliveries(&FIRST);
    census(&council, "2024-autumn", 1..=90, 50);
    census(&council, "2025-summer", 1..=90, 50);
    plans(&council, "2024-25", 1..=40);
    council.release(&[Dimension::of("sex", "sex")]);

    // The first night drafts, and a person lets it out.
    let night = minster(&council, &["run", "--json"]);
    assert_eq!(night.exit, 0, "{}", night.text);
    assert_eq!(public(&council, "2024-25"), None);
    let let_out = minster(&council, &["release", "small"]);
    assert_eq!(let_out.exit, 0, "{}", let_out.text);
    let first = public(&council, "2024-25").unwrap();
    assert_eq!(first, ["All,90,", "F,50,", "M,40,", "Unknown,0,"]);

    // A file that was cut leaves what stood, and says so with both figures.
    plans(&council, "2024-25", 1..=20);
    let cut = minster(&council, &["run", "--json"]);
    assert_eq!(cut.exit, 2, "{}", cut.text);
    assert!(cut.text.contains("20 rows") && cut.text.contains("40 stand"), "{}", cut.text);
    plans(&council, "2024-25", 1..=40);

    // A corrected census: what is public is kept, until it is withdrawn and the revised one let out.
    census(&council, "2025-summer", 1..=90, 30);
    let night = minster(&council, &["run", "--json"]);
    assert_eq!(night.exit, 0, "{}", night.text);
    assert_eq!(public(&council, "2024-25").unwrap(), first);
    let too_early = minster(&council, &["release", "small"]);
    assert_eq!(too_early.exit, 4, "{}", too_early.text);
    let reason = ["withdraw", "small", "--reason", "The summer census was corrected"];
    let withdrawn = minster(&council, &reason);
    assert_eq!(withdrawn.exit, 0, "{}", withdrawn.text);
    assert_eq!(public(&council, "2024-25"), None);
    let revised = minster(&council, &["release", "small"]);
    assert_eq!(revised.exit, 0, "{}", revised.text);
    let revised = public(&council, "2024-25").unwrap();
    assert_eq!(revised, ["All,90,", "F,30,", "M,60,", "Unknown,0,"]);

    // The first of September: a second period with its own deliveries.
    let pipeline = fs::read_to_string(council.path("pipeline.toml")).unwrap();
    let (head, sources) = pipeline.split_at(pipeline.find("[[source]]").unwrap());
    let head = head.replacen("period = \"2024-25\"\n", "", 1);
    let first = sources.replace("[[source]]", "[[period.source]]");
    let source = |name: &str, period: &str| {
        let folder = format!("drop/{name}/{period}");
        fs::create_dir_all(council.path(&folder)).unwrap();
        format!(
            "[[period.source]]\nname = \"{name}\"\nperiod = \"{period}\"\nfolder = \"{folder}\"\n"
        )
    };
    let second = source(CENSUS, "2025-autumn") + &source("early_help", "2025-26");
    let periods = format!(
        "[[period]]\nname = \"2024-25\"\n{first}[[period]]\nname = \"2025-26\"\n\
         carries_over = [{{ name = \"school_census\", period = \"2025-summer\" }}]\n{second}"
    );
    fs::write(council.path("pipeline.toml"), head + &periods).unwrap();
    census(&council, "2025-autumn", 20..=130, 70);
    plans(&council, "2025-26", 60..=100);
    let night = minster(&council, &["run", "--json"]);
    assert_eq!(night.exit, 0, "{}", night.text);
    let let_out = minster(&council, &["release", "small"]);
    assert_eq!(let_out.exit, 0, "{}", let_out.text);
    assert_eq!(public(&council, "2025-26").unwrap(), ["All,111,", "F,51,", "M,60,", "Unknown,0,"]);
    assert_eq!(public(&council, "2024-25").unwrap(), revised, "the year before stands");
}
