//! An adopted child has two identities, and nothing may find one by the other.

use std::fs;

use minster_tests::deliveries::{
    Child, Council, EARLY_HELP, EPISODES_903, Ran, cin, cin_child, cin_identifiers, cin_referral,
    early_help_row, header_903, header_903_row, pupils, upn,
};

use crate::{
    CENSUS,
    values::{of_linked, of_period},
};

const ADOPTED: u32 = 7;

/// The child as the adoptive family calls it. Name and birth date stayed; the pupil number is new.
fn after() -> Child {
    Child { upn: upn(800), ..Child::at(ADOPTED) }
}

/// A council that knows the child before and after. Each delivery plants a way to find one identity by the other.
fn council(reason: &str) -> Council {
    let council = Council::of_deliveries(&[
        (CENSUS, "2024-autumn"),
        (CENSUS, "2025-spring"),
        ("ssda903", "2024-25"),
        ("cin", "2024-25"),
        ("early_help", "2024-25"),
    ]);
    council.deliver(CENSUS, "2024-autumn/pupilonroll.csv", pupils((1..=60).map(Child::at)));
    // The school writes the old number beside the new one.
    let others = (1..=60).filter(|place| *place != ADOPTED).map(Child::at);
    let census = pupils(others.chain([after()]));
    let mut lines: Vec<String> = census.lines().map(str::to_owned).collect();
    let last = lines.len() - 1;
    for (line, place) in lines.iter_mut().zip(0..) {
        *line += &match place {
            0 => ",formerupn".to_owned(),
            place if place == last => format!(",{}", upn(ADOPTED)),
            _ => ",".to_owned(),
        };
    }
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", lines.join("\r\n") + "\r\n");
    let header: Vec<String> =
        (1..=20).map(|place| header_903_row(&format!("L{place}"), &Child::at(place))).collect();
    council.deliver("ssda903", "2024-25/header.csv", header_903(&header));
    let mut episodes = EPISODES_903.join(",") + "\r\n";
    for place in 1..=20 {
        let (end, why) = if place == ADOPTED { ("01/12/2024", reason) } else { ("", "") };
        episodes += &format!("L{place},19/02/2024,S,V2,N4,U4,PR2,{end},{why},,,,\r\n");
    }
    council.deliver("ssda903", "2024-25/episodes.csv", episodes);
    // Social care's number of before stands beside the new pupil number.
    let mut children: Vec<String> = (1..=20)
        .filter(|place| *place != ADOPTED)
        .map(|place| {
            cin_child(
                &cin_identifiers(&format!("L{place}"), &Child::at(place)),
                "WBRI",
                &cin_referral(""),
            )
        })
        .collect();
    let child = cin_identifiers(&format!("L{ADOPTED}"), &after());
    children.push(cin_child(&child, "WBRI", &cin_referral("")));
    council.deliver("cin", "2024-25/cin.xml", cin(&children));
    // Early help has one number for both, and the name.
    let rows = [
        early_help_row("E1", &Child::at(ADOPTED), "14/10/2024"),
        early_help_row("E1", &after(), "20/02/2025"),
    ];
    let csv = format!("{EARLY_HELP}\n{}\n", rows.join("\n"));
    council.deliver("early_help", "2024-25/early_help.csv", csv);
    council
}

/// The children of the rows of a source's table, by row.
fn children(council: &Council, source: &str, period: &str, table: &str) -> Vec<String> {
    let rows = of_period(&council.site, "2024-25", "crosswalk").rows;
    let of = rows.into_iter().filter(|row| row[..3] == [source, period, table]);
    of.map(|row| row[4].clone()).collect()
}

fn ran(council: &Council) -> Ran {
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    ran
}

#[test]
fn an_adopted_child_is_linked_by_its_number_alone() {
    let council = council("E11");
    let ran = ran(&council);
    assert_eq!(ran.children(), (61, 61), "{}", ran.text);
    assert!(ran.text.contains("2 numbers are of marked identities"), "{}", ran.text);
    let before = children(&council, CENSUS, "2024-autumn", "pupils")[ADOPTED as usize - 1].clone();
    let now = children(&council, CENSUS, "2025-spring", "pupils")[59].clone();
    assert_ne!(before, now);
    assert_eq!(children(&council, "ssda903", "2024-25", "header")[ADOPTED as usize - 1], before);
    assert_eq!(children(&council, "cin", "2024-25", "children")[19], now);
    assert_eq!(children(&council, "early_help", "2024-25", "plans"), [before.clone(), now.clone()]);
    // Events go with their own person's row.
    let table = of_period(&council.site, "2024-25", "children");
    let of = |child: &str, column: &str| {
        let place = table.rows.iter().position(|row| row[0] == *child).unwrap();
        table.column(column)[place].to_owned()
    };
    assert_eq!(
        [of(&before, "looked_after_episodes"), of(&now, "looked_after_episodes")],
        ["1", "0"]
    );
    assert_eq!([of(&before, "referrals"), of(&now, "referrals")], ["0", "1"]);
}

#[test]
fn without_the_mark_the_former_number_joins_the_two() {
    // The child left care for another reason than adoption.
    let council = council("E4A");
    assert_eq!(ran(&council).children(), (60, 60));
}

#[test]
fn an_adoption_that_is_told_later_puts_the_identities_apart_and_no_file_pairs_them() {
    let council = council("E4A");
    ran(&council);
    let path = council.path("drop/ssda903/2024-25/episodes.csv");
    let episodes = fs::read_to_string(&path).unwrap();
    fs::write(&path, episodes.replace("E4A", "E12")).unwrap();
    let ran = ran(&council);
    assert_eq!(ran.children(), (61, 61), "{}", ran.text);
    let changes = of_linked(&council.site, "identities", "all", "changes");
    assert_eq!(changes.rows.len(), 0, "a split would name both");
    assert!(ran.summary["linkage"]["ids"]["split"].is_null());
    let before = children(&council, CENSUS, "2024-autumn", "pupils")[ADOPTED as usize - 1].clone();
    let now = children(&council, CENSUS, "2025-spring", "pupils")[59].clone();
    assert_ne!(before, now);
    for entry in ran.summary["linkage"]["review"].as_array().unwrap() {
        assert_ne!(entry["code"], "two-numbers-one-child", "{entry}");
    }
}

#[test]
fn days_of_a_mark_count_as_well() {
    // Care ended on 1 December 2024: who marks from the day after marks nobody.
    for (from, children) in [("2024-12-01", 61), ("2024-12-02", 60)] {
        let council = council("E11");
        council.change("matching.toml", |matching| {
            let day =
                format!("in = [\"E11\", \"E12\"] }}, {{ column = \"dec\", from = \"{from}\" }}]");
            matching.replace("in = [\"E11\", \"E12\"] }]", &day)
        });
        assert_eq!(ran(&council).children(), (children, children), "{from}");
    }
}
