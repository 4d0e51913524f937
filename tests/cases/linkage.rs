//! Counting children: twins and numbers that two children share, one child in two schools, one fact in two returns, a term
//! that does not ask.

use minster_tests::deliveries::{
    Child, Council, Dimension, EARLY_HELP, EPISODES_903, by_name, early_help_row, header_903,
    header_903_row, pupils,
};

use crate::{CENSUS, council};

const MISSING: &str = "police_ref,nhs_number,forename,surname,dob,postcode,reported,found,risk\n";

/// Pupils of a term, with the term's own numbers of rows.
fn term(children: impl IntoIterator<Item = Child>, term: &str) -> String {
    pupils(children).replace("row-", &format!("{term}-"))
}

fn dated(from: u32, until: u32) -> impl Iterator<Item = Child> {
    (from..=until).map(Child::at)
}

/// A twin: another forename and sex, all else the same.
fn twin(child: &Child) -> Child {
    Child { forename: "Zofia".into(), sex: "F".into(), ..child.clone() }
}

fn episode_of_police(reference: &str, child: &Child) -> String {
    let Child { surname, forename, born, .. } = child;
    format!("{reference},,{forename},{surname},{born},LS9 8ZZ,2025-02-11,2025-02-12,LOW\n")
}

#[test]
fn twins_to_whom_a_school_gave_one_number_are_two_pupils() {
    let council = council(50, &[]);
    let twins = dated(1, 9).map(|child| twin(&child));
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils(dated(1, 50).chain(twins)));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.children(), (59, 59));
    assert_eq!(ran.review(), by_name(&[("one-number-two-children", 9)]));
    // Places of rows, and no value.
    let first = &ran.summary["linkage"]["review"][0]["first"][0];
    assert_eq!((&first["table"], &first["row"]), (&"pupils".into(), &1.into()));
    let linkage = ran.summary["linkage"].to_string();
    assert!(dated(1, 9).all(|child| !linkage.contains(&child.upn)));
}

#[test]
fn a_familys_number_makes_no_one_child_of_two() {
    let council = council(40, &["early_help"]);
    // Siblings of two births, then twins: the worker's system numbers families.
    let mut census: Vec<Child> = dated(1, 40).collect();
    let mut plans = format!("{EARLY_HELP}\n");
    for family in 0..8usize {
        let first = census[2 * family].clone();
        let second = Child { surname: first.surname.clone(), ..census[2 * family + 1].clone() };
        let born = if family < 4 { second.born.clone() } else { first.born.clone() };
        census[2 * family + 1] = Child { born, ..second };
        for child in &census[2 * family..2 * family + 2] {
            plans += &(early_help_row(&format!("FAM{family}"), child, "14/10/2024") + "\n");
        }
    }
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils(census));
    council.deliver("early_help", "early_help.csv", plans);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.children(), (40, 40));
    assert_eq!(ran.linked("early_help/plans"), by_name(&[("identifier", 16)]));
    assert_eq!(ran.review(), by_name(&[("service-number-two-children", 8)]));
}

#[test]
fn children_who_go_missing_together_have_an_episode_each() {
    let council = council(30, &["missing"]);
    let mut episodes = MISSING.to_owned();
    for (place, child) in (1..).zip(dated(1, 18)) {
        episodes += &episode_of_police(&format!("INC{}", place / 2), &child);
    }
    // Two children whom only the police know, one of them twice.
    for (reference, place) in [("INC90", 101), ("INC91", 101), ("INC92", 102)] {
        episodes += &episode_of_police(reference, &Child::at(place));
    }
    council.deliver("missing", "missing_episodes.csv", episodes);
    council.release(&[Dimension::counting("episodes", "missing_episodes")]);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.children(), (32, 30));
    assert_eq!(ran.linked("missing/episodes"), by_name(&[("match-key", 18), ("not-on-spine", 3)]));
    assert_eq!(council.released()[..1], ["All,32,"]);
}

#[test]
fn a_pupil_of_two_schools_is_taken_whole_from_the_main_one() {
    let council = council(40, &[]);
    let main =
        term(dated(1, 40), "main").replace(",C,7,", ",M,7,").replace(",ENG,N,N,", ",ENG,N,E,");
    let subsidiary = dated(1, 40).map(|child| Child { school: "S999".into(), ..child });
    let subsidiary = term(subsidiary, "sub").replace(",C,7,", ",S,9,");
    let rows = subsidiary.split_once("\r\n").unwrap().1;
    // The file has the subsidiary rows first.
    let (header, main) = main.split_once("\r\n").unwrap();
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", format!("{header}\r\n{rows}{main}"));
    council.release(&[Dimension::of("sen", "sen"), Dimension::of("year", "year_group")]);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.children(), (40, 40));
    let released = council.released();
    assert!(released.contains(&"E,7,40,".to_owned()), "{released:?}");
    assert!(!released.iter().any(|row| row.starts_with("N,")), "{released:?}");
}

const TERMS: [(&str, &str); 3] =
    [(CENSUS, "2024-autumn"), (CENSUS, "2025-spring"), (CENSUS, "2025-summer")];

fn deliver_terms(council: &Council, file: &str, of: impl Fn(usize, &str) -> String) {
    for (place, (_, period)) in TERMS.iter().enumerate() {
        council.deliver(CENSUS, &format!("{period}/{period}_{file}.csv"), of(place, period));
    }
}

#[test]
fn a_meal_period_that_three_censuses_tell_of_is_one() {
    let council = Council::of_deliveries(&TERMS);
    deliver_terms(&council, "pupilonroll", |_, period| term(dated(1, 45), period));
    deliver_terms(&council, "fsmperiodsonroll", |place, period| {
        // It is open until the summer's census closes it; three pupils have a second one.
        let end = if place == 2 { "2025-05-02" } else { "" };
        let rows = (1..=21).map(|row| format!("{period}-{row},2023-09-11,{end}\r\n"));
        let second = (1..=3).map(|row| format!("{period}-{row},2025-05-05,\r\n"));
        let second: String = if place == 2 { second.collect() } else { String::new() };
        "pupilonrolltableid,fsmstartdate,fsmenddate\r\n".to_owned()
            + &rows.collect::<String>()
            + &second
    });
    council.release(&[Dimension::counting("periods", "meal_periods")]);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.children(), (45, 45));
    assert_eq!(ran.superseded("school_census/fsm"), 42);
    let released = council.released();
    assert_eq!((released[0].as_str(), released[1].as_str()), ("All,45,", "none,24,"));
}

#[test]
fn an_episode_that_one_return_left_open_and_the_next_closed_is_one() {
    let council = Council::of_deliveries(&[
        (CENSUS, "2024-25"),
        ("ssda903", "2023-24"),
        ("ssda903", "2024-25"),
    ]);
    council.deliver(CENSUS, "2024-25/pupilonroll.csv", pupils(dated(1, 40)));
    for period in ["2023-24", "2024-25"] {
        let rows: Vec<String> = (1..=20)
            .map(|place| header_903_row(&format!("L{place:03}"), &Child::at(place)))
            .collect();
        council.deliver("ssda903", &format!("{period}/header.csv"), header_903(&rows));
    }
    let episode = |place: u32, decom: &str, dec: &str, rne: &str| {
        let (rec, reason) = if dec.is_empty() { ("", "") } else { ("X1", "CARPL") };
        format!("L{place:03},{decom},{rne},C2,N1,U1,PR1,{dec},{rec},{reason},,,\r\n")
    };
    let first: String = (1..=20).map(|place| episode(place, "12/05/2023", "", "S")).collect();
    let second: String = (1..=20)
        .map(|place| {
            episode(place, "12/05/2023", "03/09/2024", "S") + &episode(place, "03/09/2024", "", "P")
        })
        .collect();
    let header = EPISODES_903.join(",");
    council.deliver("ssda903", "2023-24/episodes.csv", format!("{header}\r\n{first}"));
    council.deliver("ssda903", "2024-25/episodes.csv", format!("{header}\r\n{second}"));
    council.release(&[Dimension::counting("episodes", "looked_after_episodes")]);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.superseded("ssda903/episodes"), 20);
    assert_eq!(council.released(), ["All,40,", "none,20,", "one,0,", "more,20,", "Unknown,0,"]);
}

#[test]
fn a_fact_that_one_term_alone_asks_stands_whether_the_others_lack_the_column_or_leave_it_blank() {
    for absent in [true, false] {
        let council = Council::of_deliveries(&TERMS);
        deliver_terms(&council, "pupilonroll", |place, period| {
            let ethnicity = if place == 1 { "APKN" } else { "" };
            let all = dated(1, 35).map(|child| Child { ethnicity: ethnicity.into(), ..child });
            let csv = term(all, period);
            match absent && place != 1 {
                false => csv,
                true => csv
                    .replacen(",ethnicity,", ",", 1)
                    .replace(",M,,2023", ",M,2023")
                    .replace(",F,,2023", ",F,2023"),
            }
        });
        council.release(&[Dimension::of("ethnicity", "ethnicity")]);
        let ran = council.run();
        assert_eq!(ran.exit, 0, "{}", ran.text);
        assert_eq!(council.released(), ["All,35,", "APKN,35,", "Unknown,0,"]);
    }
}

#[test]
fn a_system_that_numbers_its_rows_alike_each_term_loses_no_earlier_answer() {
    let council = Council::of_deliveries(&TERMS);
    deliver_terms(&council, "pupilonroll", |place, _| {
        let ethnicity = if place == 0 { "APKN" } else { "" };
        pupils(dated(1, 35).map(|child| Child { ethnicity: ethnicity.into(), ..child }))
    });
    council.release(&[Dimension::of("ethnicity", "ethnicity")]);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(council.released(), ["All,35,", "APKN,35,", "Unknown,0,"]);
}

#[test]
fn an_event_that_two_deliveries_tell_of_keeps_what_the_first_alone_says() {
    let council = Council::of_deliveries(&[
        ("school_census", "2024-autumn"),
        ("early_help", "2024-autumn"),
        ("early_help", "2025-spring"),
    ]);
    council.deliver(
        "school_census",
        "2024-autumn/pupilonroll.csv",
        pupils((1..=40).map(Child::at)),
    );
    for (period, reason) in [("2024-autumn", "HOUSING"), ("2025-spring", "")] {
        let row = |place| {
            let row = early_help_row(&format!("E{place}"), &Child::at(place), "14/10/2024");
            row.replace("HOUSING", reason) + "\n"
        };
        let csv = format!("{EARLY_HELP}\n{}", (1..=25).map(row).collect::<String>());
        council.deliver("early_help", &format!("{period}/early_help.csv"), csv);
    }
    council.change("matching.toml", |matching| {
        let column = |name: &str, summary: &str| {
            format!("\n[[column]]\nname = \"{name}\"\nsource = \"early_help\"\ntable = \"plans\"\nsummary = {{ {summary} }}\n")
        };
        let reason = column("reason", "kind = \"latest\", of = \"reason\", by = \"delivery\"");
        format!("{matching}{reason}{}", column("help_plans", "kind = \"count\""))
    });
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let table = crate::values::integrated(&council.site);
    let count = |name: &str, wanted: &str| {
        table.column(name).iter().filter(|cell| **cell == wanted).count()
    };
    assert_eq!([count("reason", "HOUSING"), count("help_plans", "1")], [25, 25]);
}

#[test]
fn one_birth_date_that_a_term_mistyped_makes_no_other_pupil() {
    let council = Council::of_deliveries(&TERMS);
    deliver_terms(&council, "pupilonroll", |place, period| {
        let all = dated(1, 35).enumerate().map(|(at, child)| match (place, at < 6) {
            (1, true) => Child { born: "2011-11-30".into(), ..child },
            _ => child,
        });
        term(all, period)
    });
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.children(), (35, 35));
    assert_eq!(ran.review(), by_name(&[("birth-date-in-doubt", 6)]));
    let children = crate::values::integrated(&council.site);
    assert_eq!(children.column("in_doubt").iter().filter(|cell| **cell == "true").count(), 6);
}

#[test]
fn a_pupil_under_two_numbers_is_for_review() {
    let council = council(30, &[]);
    let another =
        |(child, place)| Child { upn: Child::at(place).upn, school: "S777".into(), ..child };
    let again = dated(1, 7).zip(300..).map(another);
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils(dated(1, 30).chain(again)));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.children(), (37, 37));
    assert_eq!(ran.review(), by_name(&[("two-numbers-one-child", 7)]));
    let children = crate::values::integrated(&council.site);
    assert_eq!(children.column("in_doubt").iter().filter(|cell| **cell == "true").count(), 7);
    assert!(ran.text.contains("two-numbers-one-child"), "{}", ran.text);
}
