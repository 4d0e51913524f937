//! `minster report linkage`: each figure of a made-up council is what a second reading of the raw files counts; nothing small is
//! shown by value, and no value of a row.

mod second;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use minster_tests::deliveries::{
    Child, Council, EARLY_HELP, EPISODES_903, early_help_row, header_903, header_903_row, upn,
};
use serde_json::{Value, json};

use self::second::{Second, raw};
use crate::CENSUS;

const PUPILS: u32 = 300;
const SESSIONS: &str = "UPN,date,session,code,school\n";
const FORMER: u32 = 2000;

fn dated(from: u32, until: u32) -> impl Iterator<Item = (u32, Child)> {
    (from..=until).map(|place| (place, person(place)))
}

/// Ethnicities of unlike sizes.
fn person(place: u32) -> Child {
    let ethnicity = match place % 20 {
        0 => "APKN",
        1 | 2 => "BAFR",
        3..=7 => "WOTH",
        _ => "WBRI",
    };
    Child { ethnicity: ethnicity.into(), ..Child::at(place) }
}

/// Three hundred pupils, twenty of them with a former number; six have two main registrations.
fn census() -> String {
    let mut csv = "pupilonrolltableid,NativeId,dob,surname,forename,upn,formerupn,sex,ethnicity,entrydate,enrolstatus,\
                   ncyearactual,language,boarder,senprovision,topupfunding,termlysessionspossible\r\n"
        .to_owned();
    let mut row = |id: String, school: &str, former: &str, child: &Child| {
        let Child { upn, surname, forename, born, sex, ethnicity, .. } = child;
        csv += &format!(
            "{id},{school},{born},{surname},{forename},{upn},{former},{sex},{ethnicity},2023-09-04,C,7,ENG,N,N,0,118\r\n"
        );
    };
    for (place, child) in dated(1, PUPILS) {
        let former = if (61..=80).contains(&place) { upn(FORMER + place) } else { String::new() };
        row(format!("row-{place}"), &child.school, &former, &child);
        if place > PUPILS - 6 {
            row(format!("second-{place}"), "S777", "", &child);
        }
    }
    csv
}

/// Each way to a pupil, and none.
fn early_help() -> String {
    let mut csv = format!("{EARLY_HELP}\n");
    let mut row = |person: &str, child: &Child| {
        csv += &(early_help_row(person, child, "14/10/2024") + "\n");
    };
    let blank = |child: Child| Child { upn: String::new(), ..child };
    for (place, child) in dated(1, 60) {
        // A birth date, or a surname, that is not the register's.
        let child = match place {
            1..=5 => Child { born: "2007-05-05".into(), ..child },
            6..=12 => Child { surname: "Quillon".into(), ..child },
            _ => child,
        };
        row(&format!("E{place}"), &child);
    }
    for (place, child) in dated(61, 70) {
        row(&format!("E{place}"), &Child { upn: upn(FORMER + place), ..child });
    }
    for (place, child) in dated(71, 100) {
        row(&format!("E{place}"), &blank(child));
    }
    // Another plan of a person whose number stands beside a pupil's elsewhere; nothing else says who it is.
    let nobody = Child { surname: String::new(), forename: String::new(), ..blank(person(1)) };
    for place in 20..=27 {
        let born = person(place).born;
        row(&format!("E{place}"), &Child { born, ..nobody.clone() });
    }
    for (place, child) in dated(901, 919) {
        row(&format!("E{place}"), &blank(child));
    }
    for (place, child) in dated(101, 104) {
        row(&format!("E{place}"), &Child { born: "99/99/2012".into(), ..child });
    }
    csv
}

/// A return about children of whom many are in no school. Three have another sex than the register says.
fn looked_after(council: &Council) {
    let swapped = |child: Child| {
        let sex = if child.sex == "F" { "M" } else { "F" };
        Child { sex: sex.into(), ..child }
    };
    let of_pupils = dated(1, 90).map(|(place, child)| match place {
        10..=12 => (place, swapped(child)),
        _ => (place, child),
    });
    let others =
        dated(931, 980).map(|(place, child)| (place, Child { upn: String::new(), ..child }));
    let all: Vec<(u32, Child)> = of_pupils.chain(others).collect();
    let rows = all.iter().map(|(place, child)| header_903_row(&format!("L{place}"), child));
    council.deliver("ssda903", "header.csv", header_903(&rows.collect::<Vec<_>>()));
    let episode = |(place, child): &(u32, Child)| {
        // Two pupils were in care before they were born.
        let year = if *place <= 2 { child.born[..4].parse::<u32>().unwrap() - 1 } else { 2024 };
        format!("L{place},19/11/{year},S,V2,N4,U4,PR2,,,,,,\r\n")
    };
    let rows: String = all.iter().map(episode).collect();
    council.deliver("ssda903", "episodes.csv", EPISODES_903.join(",") + "\r\n" + &rows);
}

/// Twelve pupils have no session; thirty sessions are nobody's, ten stand twice.
fn attendance() -> String {
    let session = |number: &str| format!("{number},2024-09-03,AM,/,S101\n");
    let of_pupils = dated(13, PUPILS).map(|(_, child)| session(&child.upn));
    let others = (3001..=3030).map(|place| session(&upn(place)));
    let again = dated(13, 22).map(|(_, child)| session(&child.upn));
    SESSIONS.to_owned() + &of_pupils.chain(others).chain(again).collect::<String>()
}

fn council() -> Council {
    let council = Council::new(&[CENSUS, "early_help", "ssda903", "attendance"]);
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", census());
    council.deliver("early_help", "early_help.csv", early_help());
    looked_after(&council);
    council.deliver("attendance", "attendance.csv", attendance());
    let ran = council.run();
    assert_eq!(ran.exit, 3, "{}", ran.text);
    council
}

fn report(council: &Council) -> Value {
    let ran = council.program("minster", &["report", "linkage", "--exact", "--json"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    ran.summary
}

fn page(council: &Council) -> String {
    let path = council.path("linkage.html");
    let ran = council.program("minster", &["report", "linkage", "--html", path.to_str().unwrap()]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    fs::read_to_string(path).unwrap()
}

fn tally<'a>(of: impl Iterator<Item = &'a str>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    of.for_each(|one| *counts.entry(one.to_owned()).or_default() += 1);
    counts
}

fn find<'a>(all: &'a Value, wanted: &[(&str, &str)]) -> &'a Value {
    let is_it = |of: &&Value| wanted.iter().all(|(key, value)| of[*key] == *value);
    all.as_array().unwrap().iter().find(is_it).unwrap_or_else(|| panic!("{wanted:?} in {all:#}"))
}

/// The interval as the roots of the square equation that it comes from.
fn wilson(part: u64, all: u64) -> [f64; 2] {
    let (n, p, z) = (all as f64, part as f64 / all as f64, 1.959_963_984_540_054_f64);
    let (a, b, c) = (n + z * z, -(2.0 * n * p + z * z), n * p * p);
    let root = (b * b - 4.0 * a * c).sqrt();
    [(-b - root) / (2.0 * a), (-b + root) / (2.0 * a)]
}

#[test]
fn every_row_goes_one_way_and_the_ways_add_up() {
    let council = council();
    let report = report(&council);
    assert_eq!((&report["format"], &report["period"]), (&json!(1), &json!("2024-25")));
    let count = |of: &Value, key: &str| of[key].as_u64().unwrap();
    let sum =
        |of: &Value| of.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>();
    let flow = report["flow"].as_array().unwrap();
    assert_eq!(flow.len(), 4);
    for source in flow {
        let tables = source["tables"].as_array().unwrap();
        for of in tables.iter().chain([source]) {
            let set_aside = ["quarantined", "duplicate", "blocked"].map(|way| count(of, way));
            let set_aside: u64 = set_aside.iter().sum();
            assert_eq!(count(of, "delivered"), count(of, "accepted") + set_aside, "{of:#}");
            let linked = sum(&of["linked"]) + sum(&of["not_linked"]) + count(of, "not_read");
            assert_eq!(count(of, "accepted"), linked, "{of:#}");
        }
        assert_eq!(sum(&source["reasons"]), count(source, "quarantined"));
        let delivered: u64 = tables.iter().map(|table| count(table, "delivered")).sum();
        assert_eq!(delivered, count(source, "delivered"));
    }
    // Rows as they stand in the files.
    for (source, files) in [
        ("school_census", vec!["2025_autumn_pupilonroll.csv"]),
        ("early_help", vec!["early_help.csv"]),
        ("ssda903", vec!["header.csv", "episodes.csv"]),
        ("attendance", vec!["attendance.csv"]),
    ] {
        let rows = files.iter().map(|file| raw(&council, &format!("{source}/{file}")).len());
        let found = find(&report["flow"], &[("source", source)]);
        assert_eq!(count(found, "delivered"), rows.sum::<usize>() as u64, "{source}");
    }
    let early_help = find(&report["flow"], &[("source", "early_help")]);
    let second = Second::read(&council);
    let ways = second.early_help(&council);
    let linked = tally(ways.iter().filter(|of| of.0.is_some()).map(|of| of.1));
    assert_eq!(early_help["linked"], json!(linked));
    assert_eq!(linked.keys().len(), 4, "{linked:?}");
    assert_eq!(
        early_help["not_linked"],
        json!(tally(ways.iter().filter(|of| of.0.is_none()).map(|of| of.1)))
    );
    assert_eq!(early_help["reasons"], json!({ "date-form": 4 }));
    // Quarantined rows are in the denominator of one of the two rates.
    let (linked, accepted) = (linked.values().sum::<u64>(), ways.len() as u64);
    let rate = &early_help["rate"];
    for (name, all) in [("of_accepted", accepted), ("of_delivered", accepted + 4)] {
        let near = |key: &str, expected: f64| {
            let found = rate[name][key].as_f64().unwrap();
            assert!((found - expected).abs() < 1e-9, "{name} {key}: {found} for {expected}");
        };
        let [low, high] = wilson(linked, all);
        near("share", linked as f64 / all as f64);
        near("low", low);
        near("high", high);
    }
    let children: BTreeSet<&String> = ways.iter().filter_map(|of| of.0.as_ref()).collect();
    assert_eq!(count(early_help, "on_spine"), children.len() as u64);
    assert_eq!(count(early_help, "children"), children.len() as u64 + 19);
    let attendance = find(&report["flow"], &[("source", "attendance")]);
    assert_eq!((count(attendance, "duplicate") + count(attendance, "superseded")), 10);
    assert_eq!(attendance["not_linked"], json!({ "not-on-spine": 30 }));
}

#[test]
fn linked_children_stand_beside_the_others_with_nothing_small() {
    let council = council();
    let report = report(&council);
    let second = Second::read(&council);
    let header = raw(&council, "ssda903/header.csv");
    for (group, column) in [("sex", "sex"), ("ethnicity", "ethnic")] {
        let mut counts: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
        for row in &header {
            let linked = second.pupils.contains(&row["upn"]);
            counts.entry(&row[column]).or_default()[usize::from(!linked)] += 1;
        }
        let found = find(&report["compared"], &[("source", "ssda903"), ("group", group)]);
        assert_eq!(found["column_of"], "source");
        let total = |at: usize| counts.values().map(|of| of[at]).sum::<u64>();
        assert_eq!(
            (found["part"].as_u64(), found["rest"].as_u64()),
            (Some(total(0)), Some(total(1)))
        );
        let (mut hidden, mut shown) = ([0, 0], 0);
        for (value, [linked, other]) in &counts {
            let is_small = |count: u64| (1..5).contains(&count);
            let values = found["values"].as_array().unwrap();
            let row = values.iter().find(|of| of["value"] == *value);
            let part = row.and_then(|row| row["part"].as_u64());
            assert!(!(is_small(*linked) || is_small(*other)) || part.is_none(), "{value}");
            match part {
                Some(part) => {
                    shown += 1;
                    assert_eq!(
                        (part, row.unwrap()["children"].as_u64()),
                        (*linked, Some(linked + other))
                    );
                    let [low, _] = wilson(*linked, linked + other);
                    assert!((row.unwrap()["rate"]["low"].as_f64().unwrap() - low).abs() < 1e-9);
                }
                None => {
                    hidden[0] += linked;
                    hidden[1] += other;
                }
            }
        }
        if hidden[0] + hidden[1] > 0 {
            assert_eq!(found["hidden"]["part"], hidden[0]);
            assert_eq!(found["hidden"]["children"], hidden[0] + hidden[1]);
            // No subtraction gives a small count back.
            assert!(counts.len() - shown >= 2, "{group}");
            assert!(hidden.iter().all(|count| *count == 0 || *count >= 5), "{hidden:?}");
        }
        let expected_hidden = group == "ethnicity";
        assert_eq!(found["hidden"].is_object(), expected_hidden, "{found:#}");
        if group == "sex" {
            let share = |at: usize| counts["F"][at] as f64 / total(at) as f64;
            let (a, b) = (share(0), share(1));
            let expected = (a - b).abs() / ((a * (1.0 - a) + b * (1.0 - b)) / 2.0).sqrt();
            assert!((found["difference"].as_f64().unwrap() - expected).abs() < 1e-9);
        }
    }
    // The register alone knows the rest.
    let not = find(&report["not_compared"], &[("source", "early_help")]);
    assert_eq!(not["groups"], json!(["sex", "ethnicity", "sen", "ward"]));
}

#[test]
fn pupils_without_a_row_are_told_by_group() {
    let council = council();
    let report = report(&council);
    let second = Second::read(&council);
    let with: BTreeSet<String> = raw(&council, "attendance/attendance.csv")
        .into_iter()
        .map(|row| row["upn"].clone())
        .collect();
    let found = find(&report["reached"], &[("source", "attendance"), ("group", "sex")]);
    assert_eq!((&found["part"], &found["rest"]), (&json!(288), &json!(12)));
    for sex in ["F", "M"] {
        let of_sex: Vec<&String> =
            second.pupils.iter().filter(|of| second.sex[*of] == sex).collect();
        let reached = of_sex.iter().filter(|of| with.contains(**of)).count() as u64;
        let row = find(&found["values"], &[("value", sex)]);
        assert_eq!(
            (row["children"].as_u64(), row["part"].as_u64()),
            (Some(of_sex.len() as u64), Some(reached))
        );
    }
    // In each ethnicity but one, fewer than five children have no row.
    let found = find(&report["reached"], &[("source", "attendance"), ("group", "ethnicity")]);
    for (value, rate) in
        found["values"].as_array().unwrap().iter().map(|of| (of["value"].as_str().unwrap(), of))
    {
        let of_value: Vec<&String> =
            second.pupils.iter().filter(|of| second.ethnicity[*of] == value).collect();
        let reached = of_value.iter().filter(|of| with.contains(**of)).count() as f64;
        assert_eq!(rate["children"].as_u64(), Some(of_value.len() as u64));
        if let Some(between) = rate["between"].as_array() {
            let share = reached / of_value.len() as f64;
            let [low, high] = [0, 1].map(|at| between[at].as_f64().unwrap());
            assert!(low <= share && share <= high, "{value}: {low} {share} {high}");
            assert!((high - low) * of_value.len() as f64 > 3.99, "{value}");
        }
    }
    assert!(found["hidden"].is_object());
}

#[test]
fn errors_are_estimated_by_what_agrees_and_by_what_is_impossible() {
    let council = council();
    let report = report(&council);
    let of = |way: &str| find(&report["agreements"], &[("source", "early_help"), ("way", way)]);
    let agree = |way: &str, of_what: &str| {
        let of = &of(way)[of_what];
        (of["agree"].as_u64().unwrap(), of["compared"].as_u64().unwrap())
    };
    assert_eq!(agree("number", "birth_date"), (55, 60));
    assert_eq!(agree("number", "name"), (53, 60));
    assert_eq!(agree("former-upn", "birth_date"), (10, 10));
    assert_eq!(agree("match-key", "name"), (30, 30));
    assert_eq!(agree("bridge", "birth_date"), (8, 8));
    assert_eq!(agree("bridge", "name"), (0, 0));
    assert_eq!(of("number")["neither"], 0);
    // A number led 90 rows to a pupil; three of them have the other sex.
    let looked_after = find(&report["agreements"], &[("source", "ssda903"), ("way", "number")]);
    assert_eq!(looked_after["sex"], json!({ "compared": 90, "agree": 87 }));
    let unlike = 1.0 - 2.0 * 0.25;
    let wrong = looked_after["wrong_by_sex"]["share"].as_f64().unwrap();
    assert!((wrong - 3.0 / 90.0 / unlike).abs() < 1e-6, "{wrong}");
    // The match key would have missed the twelve whose name or birth date is another.
    let test = find(&report["key_tests"], &[("source", "early_help")]);
    assert_eq!(
        (&test["rows"], &test["same"], &test["nobody"]),
        (&json!(70), &json!(58), &json!(12))
    );
    let impossible = |name: &str| {
        let of = find(&report["impossible"]["each"], &[("name", name)]);
        (of["pupils"].as_u64().unwrap(), of["sources"].clone())
    };
    let both = |source: &str, pupils: u64| json!({ "school_census": pupils, source: pupils });
    // The return about looked-after children has the register's birth date.
    let births = json!({ "school_census": 5, "early_help": 5, "ssda903": 5 });
    assert_eq!(impossible("two-birth-dates"), (5, births));
    assert_eq!(impossible("two-sexes"), (3, both("ssda903", 3)));
    assert_eq!(impossible("two-main-schools"), (6, json!({ "school_census": 6 })));
    assert_eq!(impossible("care_episodes-before-birth"), (2, json!({ "ssda903": 2 })));
    // Two of the five with two birth dates were in care before birth.
    assert_eq!(report["impossible"]["pupils"], 5 + 3 + 6);
}

#[test]
fn the_report_is_as_it_was_looked_at() {
    let council = council();
    let masked = |text: String| -> String {
        let report = report(&council);
        let [run, definition] =
            ["run", "definition_sha256"].map(|key| report[key].as_str().unwrap().to_owned());
        text.replace(&run, "RUN").replace(&definition, "SHA-256")
    };
    let ran = council.program("minster", &["report", "linkage"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let text = masked(ran.text);
    let json = masked(serde_json::to_string_pretty(&report(&council)).unwrap()) + "\n";
    for (found, expected, name) in [
        (text, include_str!("linkage_report/report.txt"), "report.txt"),
        (json, include_str!("linkage_report/report.json"), "report.json"),
    ] {
        if found != expected {
            let path = std::env::temp_dir().join(format!("linkage_{name}"));
            fs::write(&path, &found).unwrap();
            panic!("{name} is another now: look at {} and put it in its place", path.display());
        }
    }
}

#[test]
fn the_page_stands_alone_and_holds_no_value_of_a_row() {
    let council = council();
    let page = page(&council);
    assert!(page.contains("<svg class=\"flow\""));
    assert!(page.contains("default-src 'none'"));
    for foreign in
        ["<script", "src=", "url(", "http:", "https:", "@import", "<link", "<iframe", "javascript:"]
    {
        assert!(!page.contains(foreign), "{foreign}");
    }
    // Every link is to a part of the page.
    let links: Vec<&str> =
        page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(!links.is_empty());
    for link in links {
        let id = link.strip_prefix('#').unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "{link}");
    }
    let texts = [
        page,
        council.program("minster", &["report", "linkage"]).text,
        report(&council).to_string(),
    ];
    for (_, child) in dated(1, PUPILS).chain(dated(901, 980)) {
        for text in &texts {
            for value in [&child.upn, &child.surname, &child.born] {
                assert!(!text.contains(value.as_str()), "{value}");
            }
        }
    }
}

#[test]
fn deliveries_that_are_not_linked_yet_get_no_report() {
    let council = council();
    let early_help = early_help() + &early_help_row("E990", &person(200), "14/10/2024") + "\n";
    council.deliver("early_help", "early_help.csv", early_help);
    let ran = council.ingest();
    assert_eq!(ran.exit, 3, "{}", ran.text);
    let ran = council.program("minster", &["report", "linkage"]);
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(ran.text.contains("run `minster link`"), "{}", ran.text);
    let ran = council.program("minster", &["report", "linkage", "--period", "2019-20"]);
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(ran.text.contains("it has 2024-25"), "{}", ran.text);
}

#[test]
fn a_group_that_no_column_has_is_refused_with_the_nearest_name() {
    let council = council();
    for (right, wrong, nearest) in [
        ("\"ethnicity\", \"sen\"", "\"etnicity\", \"sen\"", "did you mean ethnicity"),
        ("covers = [\"attendance\"]", "covers = [\"atendance\"]", "did you mean attendance"),
    ] {
        council.change("matching.toml", |text| text.replace(right, wrong));
        let ran = council.program("minster", &["report", "linkage"]);
        assert_eq!(ran.exit, 2, "{}", ran.text);
        assert!(ran.text.contains(nearest), "{}", ran.text);
        council.change("matching.toml", |text| text.replace(wrong, right));
    }
    // Another way to tell of what stands links nothing anew, and is told at once.
    council.change("matching.toml", |text| text.replace("groups = [\"sex\", ", "groups = ["));
    let ran = council.program("minster", &["link", "--json"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let groups = report(&council)["reached"].as_array().unwrap().len();
    assert_eq!(groups, 5);
    council.change("matching.toml", |text| text.replace("smallest = 5 ", "smallest = 4 "));
    let ran = council.program("minster", &["report", "linkage"]);
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(ran.text.contains("is 5 or more"), "{}", ran.text);
}
