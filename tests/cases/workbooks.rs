//! The looked-after return as a workbook, under each of the ways in which workbooks count days.

use jiff::civil::date;
use minster_tests::{
    Site,
    deliveries::{Cell, Child, Council, Dimension, EPISODES_903, Epoch, by_name, pupils, workbook},
    root,
};

use crate::{CENSUS, values::table};

fn looked_after_as(epoch: Epoch) {
    // As shipped, the workbook is a source that a council allows and matches in the place of the files.
    let purposes = std::fs::read_to_string(root().join("config/purposes.toml")).unwrap();
    let purposes = purposes.replacen("\"ssda903\",", "\"ssda903\",\n    \"ssda903_xlsx\",", 1);
    let council = Council::at(Site::with_purposes(&purposes), &[CENSUS, "ssda903_xlsx"]);
    council.change("matching.toml", |text| text.replace("\"ssda903\"\n", "\"ssda903_xlsx\"\n"));
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=64).map(Child::at)));

    let heading = |names: &[&str]| names.iter().map(|name| Cell::from(*name)).collect::<Vec<_>>();
    let mut header = vec![heading(&["CHILD", "SEX", "DOB", "ETHNIC", "UPN", "MOTHER", "MC_DOB"])];
    let mut episodes = vec![heading(&EPISODES_903)];
    for place in 1..=31 {
        let child = Child::at(place);
        let number = Cell::from(format!("X{place:03}"));
        let born: jiff::civil::Date = child.born.parse().unwrap();
        header.push(vec![
            number.clone(),
            child.sex.into(),
            born.into(),
            child.ethnicity.into(),
            child.upn.into(),
        ]);
        let mut episode = vec![number, date(2025, 2, 19).into()];
        episode.extend(heading(&["S", "V2", "N4", "U4", "PR2"]));
        episodes.push(episode);
    }
    let book = workbook(epoch, &[("Header", header), ("Episodes", episodes)]);
    council.deliver("ssda903_xlsx", "return_2025.xlsx", book);
    council.release(&[Dimension::counting("looked_after", "looked_after_episodes")]);

    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("ssda903_xlsx"), [62, 62, 0, 0]);
    assert_eq!(ran.cells("ssda903_xlsx"), [""; 0]);
    // Every birth date agrees with the census's: no merge is refused.
    assert_eq!(ran.linked("ssda903_xlsx/header"), by_name(&[("identifier", 31)]));
    assert_eq!(ran.children().0, 64);
    assert_eq!(council.released(), ["All,64,", "none,33,", "one,31,", "more,0,", "Unknown,0,"]);
    let episodes = table(&council.site, "ssda903_xlsx", "episodes");
    assert_eq!(episodes.column("decom"), ["2025-02-19"; 31]);
}

#[test]
fn a_workbook_that_counts_from_1900_has_the_right_days() {
    looked_after_as(Epoch::Of1900);
}

#[test]
fn a_workbook_that_counts_from_1904_has_the_right_days() {
    looked_after_as(Epoch::Of1904);
}

#[test]
fn a_workbook_that_counts_from_1904_and_has_the_newer_extension_has_the_right_days() {
    looked_after_as(Epoch::Of1904Extended);
}
