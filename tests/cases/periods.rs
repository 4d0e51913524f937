//! Several periods in one pipeline, days of each period, and tables of events.

use std::{collections::BTreeSet, fs};

use minster_tests::deliveries::{
    Child, Council, Dimension, EARLY_HELP, EPISODES_903, early_help_row, header_903,
    header_903_row, pupils,
};
use serde_json::json;

use crate::{
    CENSUS, council,
    values::{integrated, of_period},
};

/// A period, lines of its own, and its deliveries: source, and what each covers.
type OfPeriod<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// A council with these periods in the place of its pipeline's one, each with its deliveries.
fn council_of(periods: &[OfPeriod<'_>]) -> Council {
    let council = Council::new(&[CENSUS, "early_help"]);
    let pipeline = fs::read_to_string(council.path("pipeline.toml")).unwrap();
    let head = &pipeline[..pipeline.find("[[source]]").unwrap()];
    let mut text = head.replacen("period = \"2024-25\"\n", "", 1);
    for (period, more, deliveries) in periods {
        text += &format!("[[period]]\nname = \"{period}\"\n{more}\n");
        for (source, of) in *deliveries {
            let folder = format!("drop/{source}/{of}");
            fs::create_dir_all(council.path(&folder)).unwrap();
            text += &format!(
                "[[period.source]]\nname = \"{source}\"\nperiod = \"{of}\"\nfolder = \"{folder}\"\n"
            );
        }
    }
    fs::write(council.path("pipeline.toml"), text).unwrap();
    council
}

fn plans(council: &Council, period: &str, places: std::ops::RangeInclusive<u32>) {
    let row = |place: u32| early_help_row(&format!("E{place}"), &Child::at(place), "14/10/2024");
    let rows: Vec<String> = places.map(row).collect();
    let csv = format!("{EARLY_HELP}\n{}\n", rows.join("\n"));
    council.deliver("early_help", &format!("{period}/early_help.csv"), csv);
}

fn two_years() -> Council {
    let council = council_of(&[
        ("2024-25", "", &[(CENSUS, "2024-autumn"), ("early_help", "2024-25")]),
        (
            "2025-26",
            "carries_over = [{ name = \"school_census\", period = \"2024-autumn\" }]",
            &[(CENSUS, "2025-autumn"), ("early_help", "2025-26")],
        ),
    ]);
    let census = |places: std::ops::RangeInclusive<u32>, ethnicity: &str| {
        pupils(places.map(|place| Child { ethnicity: ethnicity.into(), ..Child::at(place) }))
    };
    council.deliver(CENSUS, "2024-autumn/pupilonroll.csv", census(1..=90, "WBRI"));
    council.deliver(CENSUS, "2025-autumn/pupilonroll.csv", census(20..=130, ""));
    plans(&council, "2024-25", 1..=40);
    plans(&council, "2025-26", 60..=100);
    council
}

#[test]
fn a_report_on_linkage_is_of_one_period_and_of_its_own_deliveries() {
    let council = two_years();
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let report = |arguments: &[&str]| {
        let all = [&["report", "linkage", "--exact", "--json"], arguments].concat();
        let ran = council.program("minster", &all);
        assert_eq!(ran.exit, 0, "{}", ran.text);
        let of = |source: &str| {
            let flow = ran.summary["flow"].as_array().unwrap();
            let of = flow.iter().find(|of| of["source"] == source).unwrap();
            (of["deliveries"].clone(), of["linked"].clone())
        };
        (ran.summary["period"].clone(), of(CENSUS), of("early_help"))
    };
    // The children that the second year carries over are counted in the first.
    let before = (
        json!("2024-25"),
        (json!(["2024-autumn"]), json!({ "register": 90 })),
        (json!(["2024-25"]), json!({ "number": 40 })),
    );
    let now = (
        json!("2025-26"),
        (json!(["2025-autumn"]), json!({ "register": 111 })),
        (json!(["2025-26"]), json!({ "number": 41 })),
    );
    assert_eq!(report(&["--period", "2024-25"]), before);
    assert_eq!(report(&[]), now);
}

#[test]
fn each_period_has_the_children_of_its_own_deliveries_under_one_name() {
    let council = two_years();
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let (before, now) = ("2024-25", "2025-26");
    let [before, now] = [before, now].map(|period| of_period(&council.site, period, "children"));
    let children = |table: &crate::values::Values| -> BTreeSet<String> {
        table.column("child").into_iter().map(str::to_owned).collect()
    };
    assert_eq!((children(&before).len(), children(&now).len()), (90, 111));
    assert_eq!(children(&before).intersection(&children(&now)).count(), 71);
    let count =
        |cells: Vec<&str>, wanted: &str| cells.iter().filter(|cell| **cell == wanted).count();
    assert_eq!(count(before.column("in_early_help"), "true"), 40);
    assert_eq!(count(now.column("in_early_help"), "true"), 41);
    // The new census does not ask; what the last one said is carried over, for those that it knew.
    assert_eq!(count(now.column("ethnicity"), "WBRI"), 71);
    assert_eq!(count(now.column("ethnicity"), ""), 40);
    assert_eq!(count(now.column("on_roll_autumn"), "1"), 111);
    assert!(!now.columns.iter().any(|column| column == "on_roll_2024_autumn"));
}

#[test]
fn a_draft_is_made_and_let_out_for_each_period() {
    let council = two_years();
    council.release(&[Dimension::of("sex", "sex")]);
    let ran = council.program("minster", &["run", "--json"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let which = council.program("minster", &["release", "small"]);
    assert_eq!(which.exit, 2, "{}", which.text);
    assert!(
        which.text.contains("small exists for several periods (2024-25, 2025-26)"),
        "{}",
        which.text
    );
    for (period, pupils) in [("2024-25", 90), ("2025-26", 111)] {
        let let_out = council.program("minster", &["release", "small", "--period", period]);
        assert_eq!(let_out.exit, 0, "{}", let_out.text);
        let cells = council.path(&format!("store/releases/small/{period}/current/cells.csv"));
        let cells = minster_tests::without_origin(&fs::read_to_string(cells).unwrap());
        assert_eq!(cells.lines().nth(1).unwrap(), format!("All,{pupils},"));
    }
    let other = council.program("minster", &["verify", "small", "--period", "2023-24"]);
    assert_eq!(other.exit, 2, "{}", other.text);
    assert!(other.text.contains("no such period; it has 2024-25, 2025-26"), "{}", other.text);
    let verified = council.program("minster", &["verify", "small", "--period", "2024-25"]);
    assert_eq!(verified.exit, 0, "{}", verified.text);
}

#[test]
fn a_definition_may_be_of_one_period_alone() {
    let council = two_years();
    council.release(&[Dimension::of("sex", "sex")]);
    council.change("tables/small.toml", |text| format!("periods = [\"2025-26\"]\n{text}"));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let releases = ran.summary["releases"].as_array().unwrap();
    let periods: Vec<_> = releases.iter().map(|of| of["period"].as_str().unwrap()).collect();
    assert_eq!(periods, ["2025-26"]);
}

#[test]
fn a_source_that_nobody_delivered_is_not_known_and_is_told() {
    let council = council(40, &[]);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let table = integrated(&council.site);
    for column in ["referrals", "in_cin", "missing_episodes"] {
        assert!(table.column(column).iter().all(|cell| cell.is_empty()), "{column}");
    }
    assert!(table.column("exclusions").iter().all(|cell| *cell == "0"));
    let says = "referrals: the period 2024-25 has no delivery with cin/needs; it is not known";
    assert!(ran.text.contains(says), "{}", ran.text);
}

#[test]
fn a_day_that_the_period_does_not_have_makes_a_column_unknown_and_is_told() {
    for (period, says) in [
        (
            "spring",
            "`03-31` is a day of each period, and the period has no first and last day: give it `from` and `until`",
        ),
        ("2024-25\"\nfrom = \"2024-09-01\"\nuntil = \"2024-12-31", "the period has no 03-31"),
    ] {
        let council = council_of(&[(period, "", &[(CENSUS, "2024-autumn")])]);
        council.change("matching.toml", |matching| {
            let [source, table, child] = ["ssda903\"", "episodes\"", "la_child\""];
            let from = format!("name = \"looked_after_on_31_march\"\nsource = \"{source}\ntable = \"{table}\nchild = \"{child}\nsummary = {{ kind = \"any\" }}\nwhere = [{{ column = \"decom\", end = \"dec\"");
            assert!(matching.contains(&from));
            matching.replace(&from, "name = \"looked_after_on_31_march\"\nsource = \"school_census\"\ntable = \"pupils\"\nsummary = { kind = \"any\" }\nwhere = [{ column = \"entrydate\", end = \"entrydate\"")
        });
        council.deliver(CENSUS, "2024-autumn/pupilonroll.csv", pupils((1..=30).map(Child::at)));
        let ran = council.run();
        assert_eq!(ran.exit, 0, "{}", ran.text);
        let note = format!("looked_after_on_31_march: {says}; it is not known");
        assert!(ran.text.contains(&note), "{}", ran.text);
        let name = period.split('"').next().unwrap();
        let table = of_period(&council.site, name, "children");
        assert!(table.column("looked_after_on_31_march").iter().all(|cell| cell.is_empty()));
        assert!(table.column("on_roll_autumn").iter().all(|cell| *cell == "1"));
    }
}

#[test]
fn on_the_day_are_those_whose_episode_had_begun_and_not_ended() {
    let council = council(90, &["ssda903"]);
    let header: Vec<String> =
        (1..=30).map(|place| header_903_row(&format!("L{place}"), &Child::at(place))).collect();
    council.deliver("ssda903", "header.csv", header_903(&header));
    let mut episodes = EPISODES_903.join(",") + "\r\n";
    for place in 1..=30 {
        // Ten ended the day before, ten were open, ten began the day after.
        let (from, to) = match place % 3 {
            0 => ("01/02/2025", "30/03/2025"),
            1 => ("31/03/2025", ""),
            _ => ("01/04/2025", ""),
        };
        episodes += &format!("L{place},{from},S,V2,N4,U4,PR2,{to},,,,,\r\n");
    }
    council.deliver("ssda903", "episodes.csv", episodes);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let table = integrated(&council.site);
    let sum = |name: &str| table.column(name).iter().filter(|cell| **cell == "1").count();
    assert_eq!(["on_roll_2024_25", "looked_after_on_31_march"].map(sum), [90, 10]);
    let events = of_period(&council.site, "2024-25", "care_episodes");
    assert_eq!(events.columns, ["child", "date", "kind", "rne", "ls", "dec"]);
    assert_eq!(events.rows.len(), 30);
    let open: BTreeSet<&str> = events
        .rows
        .iter()
        .filter(|row| row[1] == "2025-03-31")
        .map(|row| row[0].as_str())
        .collect();
    let looked_after = table.rows.iter().zip(table.column("looked_after_on_31_march"));
    let looked_after: BTreeSet<&str> =
        looked_after.filter(|(_, on)| *on == "1").map(|(row, _)| row[0].as_str()).collect();
    assert_eq!(open, looked_after);
}

#[test]
fn a_session_that_two_deliveries_tell_of_is_one_and_the_later_code_stands() {
    let council = Council::of_deliveries(&[
        (CENSUS, "2024-autumn"),
        ("attendance", "2024-autumn"),
        ("attendance", "2024-25"),
    ]);
    council.deliver(CENSUS, "2024-autumn/pupilonroll.csv", pupils((1..=30).map(Child::at)));
    let file = |days: &[&str], code: &str| {
        let mut csv = "UPN,date,session,code,school\n".to_owned();
        for place in 1..=30 {
            for day in days {
                for half in ["AM", "PM"] {
                    csv += &format!("{},{day},{half},{code},S101\n", Child::at(place).upn);
                }
            }
        }
        csv
    };
    let (first, second) = (["2024-09-09", "2024-09-10"], ["2024-09-10", "2024-10-01"]);
    council.deliver("attendance", "2024-autumn/attendance.csv", file(&first, "O"));
    council.deliver("attendance", "2024-25/attendance.csv", file(&second, "/"));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.superseded("attendance/sessions"), 60);
    let table = integrated(&council.site);
    let all = |name: &str, wanted: &str| table.column(name).iter().all(|cell| *cell == wanted);
    assert!(all("sessions", "6") && all("sessions_missed", "2"));
    let months = of_period(&council.site, "2024-25", "sessions_by_month");
    assert_eq!(months.columns, ["child", "date", "kind", "sessions"]);
    let of_one: Vec<&[String]> = months.rows[..3].iter().map(|row| &row[1..]).collect();
    assert_eq!(
        of_one,
        [["2024-09-01", "/", "2"], ["2024-09-01", "O", "2"], ["2024-10-01", "/", "2"]]
    );
}

#[test]
fn the_crosswalk_names_each_row_about_a_person_with_its_child() {
    let council = two_years();
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let rows = of_period(&council.site, "2025-26", "crosswalk");
    assert_eq!(rows.columns, ["source", "period", "table", "row", "child", "linkage"]);
    let of = |source: &str| rows.column("source").iter().filter(|cell| **cell == source).count();
    assert_eq!([of(CENSUS), of("early_help")], [111, 41]);
    let children: BTreeSet<&str> = rows.column("child").into_iter().collect();
    assert_eq!(children.len(), 111, "each child has a row, and each row a child");
}
