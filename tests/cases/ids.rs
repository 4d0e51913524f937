//! A child's id is made once.

use std::collections::{BTreeMap, BTreeSet};

use minster_tests::deliveries::{Child, Council, pupils, upn};

use crate::{
    CENSUS,
    values::{integrated, of_linked, of_period},
};

fn council() -> Council {
    let council = Council::of_deliveries(&[(CENSUS, "2024-autumn"), (CENSUS, "2025-spring")]);
    council.deliver(CENSUS, "2024-autumn/pupilonroll.csv", pupils((1..=60).map(Child::at)));
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", pupils((1..=1).map(Child::at)));
    council
}

/// For each row about a person in the crosswalk: its child.
fn crosswalk(council: &Council, period: &str) -> BTreeMap<String, String> {
    let rows = of_period(&council.site, "2024-25", "crosswalk");
    let of = rows.rows.iter().filter(|row| row[0] == CENSUS && row[1] == period);
    of.map(|row| (row[3].clone(), row[4].clone())).collect()
}

fn changes(council: &Council) -> Vec<Vec<String>> {
    of_linked(&council.site, "identities", "all", "changes").rows
}

#[test]
fn new_numbers_change_no_id_and_linking_again_gives_the_same() {
    let council = council();
    let first = council.run();
    assert_eq!(first.exit, 0, "{}", first.text);
    let before = crosswalk(&council, "2024-autumn");
    // In spring ten pupils have new numbers, which the census ties to the former ones.
    let moved = |place: u32| match place <= 10 {
        true => Child { upn: upn(1000 - place), ..Child::at(place) },
        false => Child::at(place),
    };
    let census = pupils((1..=60).map(moved));
    let mut lines: Vec<String> = census.lines().map(str::to_owned).collect();
    lines[0] += ",formerupn";
    for (line, place) in lines.iter_mut().skip(1).zip(1u32..) {
        *line += &match place <= 10 {
            true => format!(",{}", upn(place)),
            false => ",".to_owned(),
        };
    }
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", lines.join("\r\n") + "\r\n");
    let second = council.run();
    assert_eq!(second.exit, 0, "{}", second.text);
    assert_eq!(integrated(&council.site).rows.len(), 60);
    assert_eq!(crosswalk(&council, "2024-autumn"), before);
    assert_eq!(crosswalk(&council, "2025-spring"), before);
    let ids = |summary: &serde_json::Value| summary["linkage"]["ids"].clone();
    assert_eq!(ids(&second.summary), serde_json::json!({"made": 60}));
    let again = council.program("minster", &["link", "--again", "--json"]);
    assert_eq!(again.exit, 0, "{}", again.text);
    assert_eq!(crosswalk(&council, "2025-spring"), before);
    assert_eq!(ids(&again.summary), serde_json::json!({"made": 60}));
}

#[test]
fn a_merge_and_a_split_are_written_down_with_their_reason() {
    let council = council();
    let census = |tied: bool| {
        // Pupil 61 has another number; a former one says whether this is pupil 1.
        let children = (2..=60).map(Child::at);
        let other = Child { upn: upn(900), ..Child::at(1) };
        let csv = pupils(children.chain([other]));
        let mut lines: Vec<String> = csv.lines().map(str::to_owned).collect();
        lines[0] += ",formerupn";
        let last = lines.len() - 1;
        for (line, place) in lines.iter_mut().zip(0..).skip(1) {
            *line += &match tied && place == last {
                true => format!(",{}", upn(1)),
                false => ",".to_owned(),
            };
        }
        lines.join("\r\n") + "\r\n"
    };
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", census(false));
    let apart = council.run();
    assert_eq!((apart.exit, apart.children().0), (0, 61), "{}", apart.text);
    let before = crosswalk(&council, "2025-spring");
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", census(true));
    let tied = council.run();
    assert_eq!((tied.exit, tied.children().0), (0, 60), "{}", tied.text);
    assert_eq!(tied.summary["linkage"]["ids"], serde_json::json!({"made": 61, "merged": 1}));
    let all = changes(&council);
    let [change] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(
        (change[1].as_str(), change[4].as_str()),
        ("merged", "school_census/pupils of 2025-spring has both")
    );
    assert_eq!(change[2], before["60"], "the younger id goes");
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", census(false));
    let again = council.run();
    assert_eq!((again.exit, again.children().0), (0, 61), "{}", again.text);
    assert_eq!(crosswalk(&council, "2025-spring"), before, "the id that was comes back");
    let happened: Vec<String> = changes(&council).iter().map(|row| row[1].clone()).collect();
    assert_eq!(happened, ["merged", "split"]);
    let unique: BTreeSet<&String> = before.values().collect();
    assert_eq!(unique.len(), 60);
}
