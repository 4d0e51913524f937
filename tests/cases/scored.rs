//! Scored matching of keyed parts: rows without a number whose name or birth date was mistyped come to their pupil, those of
//! twins and strangers to none; and nothing of the parts is left behind.

use std::fs;

use minster_tests::deliveries::{
    Child, Council, EPISODES_903, by_name, header_903, header_903_row, pupils,
};

use crate::{CENSUS, council, values::integrated};

const MISSING: &str = "police_ref,nhs_number,forename,surname,dob,postcode,reported,found,risk\n";

fn dated(from: u32, until: u32) -> impl Iterator<Item = Child> {
    (from..=until).map(Child::at)
}

/// An export of the police, an incident a child.
pub(crate) fn episodes(children: impl IntoIterator<Item = Child>) -> String {
    let row = |(place, child): (u32, Child)| {
        let Child { surname, forename, born, .. } = child;
        format!("INC{place},,{forename},{surname},{born},LS9 8ZZ,2025-02-11,2025-02-12,LOW\n")
    };
    MISSING.to_owned() + &(1..).zip(children).map(row).collect::<String>()
}

/// The child of a place, mistyped: a letter less, a letter more, two letters swapped, day and month swapped, names
/// swapped.
pub(crate) fn mistyped(place: u32) -> Child {
    let mut child = Child::at(place);
    match place % 5 {
        0 => drop(child.surname.remove(2)),
        1 => child.surname.insert(3, 'x'),
        2 => {
            let (a, b) = (child.surname.remove(1), child.surname.remove(1));
            child.surname.insert(1, a);
            child.surname.insert(1, b);
        }
        3 => {
            let parts: Vec<&str> = child.born.split('-').collect();
            child.born = format!("{}-{}-{}", parts[0], parts[2], parts[1]);
        }
        _ => std::mem::swap(&mut child.surname, &mut child.forename),
    }
    child
}

/// Places of children with a day of birth that may be a month, and is not the same.
pub(crate) fn swappable() -> impl Iterator<Item = u32> {
    (1..=400).filter(|place| {
        let born = Child::at(*place).born;
        &born[8..] <= "12" && born[8..] != born[5..7]
    })
}

fn linkage_datasets(council: &Council) -> usize {
    fs::read_dir(council.path("store/datasets/linkage")).map_or(0, |sources| {
        let periods = sources.flat_map(|source| fs::read_dir(source.unwrap().path()).unwrap());
        periods.count()
    })
}

/// Seven forenames are few: a probability of 0.99 takes more than these children have.
pub(crate) fn nine_in_ten(council: &Council) {
    council.change("matching.toml", |text| text.replace("threshold = 0.99", "threshold = 0.9"));
}

/// Children whom the police mistype.
pub(crate) const MISTYPED: u64 = 10;

/// 400 pupils; of them 60 whom the police name as the school does, and ten whom they mistype. Two children are the police's
/// alone: a stranger, and the twin of a pupil.
pub(crate) fn scored() -> Council {
    let council = council(400, &["missing"]);
    nine_in_ten(&council);
    let wrong: Vec<u32> = swappable().take(MISTYPED as usize).collect();
    let stranger = Child {
        surname: "Zabrzycki".into(),
        forename: "Quirinus".into(),
        born: "2012-05-17".into(),
        ..Child::at(1)
    };
    let twin = Child { forename: "Zofia".into(), ..Child::at(399) };
    let rows = dated(300, 359).chain(wrong.iter().map(|place| mistyped(*place)));
    council.deliver("missing", "missing_episodes.csv", episodes(rows.chain([stranger, twin])));
    council
}

#[test]
fn mistyped_rows_come_to_their_pupil_and_a_twins_do_not() {
    let council = scored();
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let linked = by_name(&[("match-key", 60), ("scored", 10), ("not-on-spine", 2)]);
    assert_eq!(ran.linked("missing/episodes"), linked);
    assert_eq!(ran.children(), (402, 400));
    let report = &ran.summary["linkage"]["scored"][0];
    let count = |key: &str| report[key].as_u64().unwrap();
    assert_eq!((count("persons"), count("left"), count("linked")), (72, 12, 10));
    assert_eq!((count("same_as_before"), count("other_than_before")), (60, 0));
    assert!(report["estimated_precision"].as_f64().unwrap() > 0.9);
    // Each child says how its rows came to it, and with what probability at least.
    let children = integrated(&council.site);
    let ways =
        |column: &str, way: &str| children.column(column).iter().filter(|one| **one == way).count();
    let missing = ["identifier", "match-key", "scored", "not-on-spine", ""]
        .map(|way| ways("linked_by_missing", way));
    assert_eq!(missing, [0, 60, 10, 2, 330]);
    assert_eq!(
        [ways("linked_by_school_census", "identifier"), ways("linked_by_school_census", "")],
        [400, 2]
    );
    let rows = || {
        children.column("linkage_probability").into_iter().zip(children.column("linked_by_missing"))
    };
    for (probability, way) in rows() {
        match way {
            "scored" => assert!((0.9..=1.0).contains(&probability.parse::<f64>().unwrap())),
            _ => assert_eq!(probability, ""),
        }
    }
    let scored: Vec<f64> = rows().filter_map(|(probability, _)| probability.parse().ok()).collect();
    let mean = scored.iter().sum::<f64>() / scored.len() as f64;
    assert!((mean - report["estimated_precision"].as_f64().unwrap()).abs() < 1e-7);
    assert_eq!(ways("in_doubt", "true"), 0);
    let at = |threshold: f64| {
        let all = report["by_threshold"].as_array().unwrap();
        let of = all.iter().find(|of| of["threshold"] == threshold).unwrap();
        (of["links"].as_u64().unwrap(), of["expected_false"].as_f64().unwrap())
    };
    assert_eq!(report["by_threshold"].as_array().unwrap().len(), 6);
    assert_eq!(at(0.9).0, 10, "the threshold's own");
    let precision = report["estimated_precision"].as_f64().unwrap();
    assert!((at(0.9).1 - 10.0 * (1.0 - precision)).abs() < 1e-7);
    assert!(at(0.5).0 >= at(0.9).0 && at(0.99).0 < at(0.9).0, "{report:#}");
    // The parts are gone, and no name stands in the report.
    assert_eq!(linkage_datasets(&council), 0);
    let report = ran.summary["linkage"].to_string();
    assert!(dated(1, 400).all(|child| !report.contains(&child.surname)));
}

/// Another threshold links what was told of it.
#[test]
fn the_links_told_of_another_threshold_are_those_that_it_makes() {
    let at = |threshold: &str| {
        let council = scored();
        council.change("matching.toml", |text| {
            text.replace("threshold = 0.9 ", &format!("threshold = {threshold} "))
        });
        let ran = council.run();
        assert_eq!(ran.exit, 0, "{}", ran.text);
        ran.summary["linkage"]["scored"][0].clone()
    };
    let told = at("0.95");
    for threshold in ["0.5", "0.99"] {
        let all = told["by_threshold"].as_array().unwrap();
        let number: f64 = threshold.parse().unwrap();
        let expected = all.iter().find(|of| of["threshold"] == number).unwrap()["links"].clone();
        assert_eq!(at(threshold)["linked"], expected, "{threshold}");
    }
}

#[test]
fn a_later_delivery_is_scored_against_pupils_who_were_read_before() {
    let council = scored();
    assert_eq!(council.run().exit, 0);
    // Nothing new: nothing is read again, although the parts are gone.
    let ran = council.run();
    assert_eq!((ran.exit, ran.rows(CENSUS)), (0, [400, 400, 0, 0]));
    assert_eq!(linkage_datasets(&council), 0);
    let rows = dated(300, 359).chain(swappable().take(12).map(mistyped));
    council.deliver("missing", "missing_episodes.csv", episodes(rows));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let linked = by_name(&[("match-key", 60), ("scored", 12)]);
    assert_eq!(ran.linked("missing/episodes"), linked);
    assert_eq!(linkage_datasets(&council), 0);
}

#[test]
fn without_parts_nothing_is_linked_anew_and_what_stood_stands() {
    let council = scored();
    let before = council.run();
    assert_eq!(before.exit, 0);
    assert!(before.linked("missing/episodes").contains(&("scored".to_owned(), 10)));
    let manifest = || {
        let path = "store/datasets/integrated/children/2024-25/current/manifest.json";
        fs::read(council.path(path)).unwrap()
    };
    let stood = manifest();
    let ran = council.program("minster", &["link", "--again"]);
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(ran.text.contains("keep_linkage_parts"), "{}", ran.text);
    assert!(manifest() == stood);
    // Kept, they serve again, and the same children come out.
    let pipeline = fs::read_to_string(council.path("pipeline.toml")).unwrap();
    fs::write(council.path("pipeline.toml"), format!("keep_linkage_parts = true\n{pipeline}"))
        .unwrap();
    assert_eq!(council.program("minster-ingest", &["run", "--again"]).exit, 0);
    for _ in 0..2 {
        let ran = council.program("minster", &["link", "--again", "--json"]);
        assert_eq!(ran.exit, 0, "{}", ran.text);
        assert_eq!(linkage_datasets(&council), 2);
    }
    let ran = council.run();
    assert_eq!(ran.linked("missing/episodes"), before.linked("missing/episodes"));
}

#[test]
fn a_child_in_doubt_is_linked_by_no_score() {
    let council = council(400, &["missing"]);
    nine_in_ten(&council);
    let wrong: Vec<u32> = swappable().take(MISTYPED as usize).collect();
    // Two rows of one pupil number with two birth dates.
    let doubted = Child { born: "2010-01-31".into(), ..Child::at(wrong[0]) };
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils(dated(1, 400).chain([doubted])));
    let rows = dated(300, 359).chain(wrong.iter().map(|place| mistyped(*place)));
    council.deliver("missing", "missing_episodes.csv", episodes(rows));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.review(), by_name(&[("birth-date-in-doubt", 1)]));
    assert_eq!(ran.summary["linkage"]["scored"][0]["pupils_in_doubt"], 1);
    let linked = by_name(&[("match-key", 60), ("scored", 9), ("not-on-spine", 1)]);
    assert_eq!(ran.linked("missing/episodes"), linked);
}

#[test]
fn an_identity_that_its_number_alone_may_find_is_found_by_no_score() {
    let council = council(400, &["missing", "ssda903"]);
    nine_in_ten(&council);
    let wrong: Vec<u32> = swappable().take(MISTYPED as usize).collect();
    let adopted = header_903_row("L1", &Child::at(wrong[0]));
    council.deliver("ssda903", "header.csv", header_903(&[adopted]));
    let episode = "L1,19/02/2024,S,V2,N4,U4,PR2,01/12/2024,E11,,,,";
    let header = EPISODES_903.join(",");
    council.deliver("ssda903", "episodes.csv", format!("{header}\r\n{episode}\r\n"));
    let rows = dated(300, 359).chain(wrong.iter().map(|place| mistyped(*place)));
    council.deliver("missing", "missing_episodes.csv", episodes(rows));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let linked = by_name(&[("match-key", 60), ("scored", 9), ("not-on-spine", 1)]);
    assert_eq!(ran.linked("missing/episodes"), linked, "{}", ran.text);
}
