//! A mistyped number: its row keeps what else it says, and is linked by that. Days as a spreadsheet counts them.

use minster_tests::deliveries::{
    Child, Council, EARLY_HELP, by_name, cell, cin, cin_child, cin_identifiers, cin_referral,
    day_first, early_help_row, episodes_903, header_903, header_903_row, learner_number, pupils,
};

use crate::{CENSUS, council, values::table};

/// With a check letter that does not fit.
fn mistyped(child: &Child) -> Child {
    let letter = if child.upn.starts_with('A') { "B" } else { "A" };
    Child { upn: format!("{letter}{}", &child.upn[1..]), ..child.clone() }
}

#[test]
fn a_row_with_a_wrong_number_is_linked_by_what_else_it_says() {
    let council = council(40, &["early_help", "ssda903", "cin"]);
    let children: Vec<Child> = (1..=20).map(Child::at).collect();
    // Early help has the name and the birth date beside it; the return and the census share the council's number.
    let plans = (0..20).map(|place: usize| {
        let child = if place < 7 { mistyped(&children[place]) } else { children[place].clone() };
        early_help_row(&format!("E{place}"), &child, "14/10/2024")
    });
    let plans: Vec<String> = std::iter::once(EARLY_HELP.to_owned()).chain(plans).collect();
    council.deliver("early_help", "early_help.csv", plans.join("\n") + "\n");
    let number = |place: usize| format!("C{place}");
    let rows: Vec<String> =
        (0..20).map(|place| header_903_row(&number(place), &children[place])).collect();
    council.deliver("ssda903", "header.csv", header_903(&rows));
    let episodes: Vec<String> = (0..20).map(number).collect();
    council.deliver("ssda903", "episodes.csv", episodes_903(&episodes));
    let census = (0..20).map(|place| {
        let child = if place == 7 { mistyped(&children[place]) } else { children[place].clone() };
        cin_child(&cin_identifiers(&number(place), &child), "WBRI", &cin_referral(""))
    });
    council.deliver("cin", "cin.xml", cin(&census.collect::<Vec<_>>()));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.children(), (40, 40));
    assert_eq!(ran.rows("early_help"), [20, 20, 0, 0]);
    let linked = by_name(&[("identifier", 13), ("match-key", 7)]);
    assert_eq!(ran.linked("early_help/plans"), linked);
    assert_eq!(ran.linked("cin/children"), by_name(&[("identifier", 20)]));
    let told = "7 of 20 in upn of plans: blank, bad-check-letter";
    assert_eq!(ran.cells("early_help"), [told]);
    assert_eq!(cell(&council.manifest("early_help")["origin"]["cells"][0]), told);
    let states = table(&council.site, "early_help", "plans");
    let states = states.column("upn_state");
    assert_eq!(states.iter().filter(|state| **state == "wrong").count(), 7);
    let report = council.program("minster", &["report", "quality", "early_help"]).text;
    assert!(report.contains("7 cells blanked, 35.0 % of 20: bad-check-letter in upn"), "{report}");
}

#[test]
fn a_row_that_only_a_wrong_number_identifies_is_set_aside_with_all_its_faults() {
    let council = council(30, &["attendance", "early_help"]);
    let sessions: Vec<String> = (1..=30)
        .map(|place| {
            let child = Child::at(place);
            let child = if place == 4 { mistyped(&child) } else { child };
            format!("{},2024-10-14,AM,/,S17\n", child.upn)
        })
        .collect();
    council.deliver(
        "attendance",
        "attendance.csv",
        format!("UPN,date,session,code,school\n{}", sessions.concat()),
    );
    // Neither a service's number nor a whole name; the second of them twice.
    let nameless = |place: u32| {
        let child = Child { forename: String::new(), ..mistyped(&Child::at(place)) };
        early_help_row("", &child, "14/10/2024")
    };
    let plans = [EARLY_HELP.to_owned(), nameless(1), nameless(2), nameless(2)];
    council.deliver("early_help", "early_help.csv", plans.join("\n") + "\n");
    let ran = council.ingest();
    assert_eq!(ran.exit, 3, "{}", ran.text);
    assert_eq!(ran.rows("attendance"), [30, 29, 1, 0]);
    assert_eq!(ran.rows("early_help"), [3, 0, 2, 1]);
    let listed = council.program("minster-ingest", &["quarantine", "list"]).text;
    assert!(listed.contains("1 bad-check-letter in UPN"), "{listed}");
    assert!(listed.contains("2 bad-check-letter in upn"), "{listed}");
    assert!(!listed.contains("unidentified"), "{listed}");
}

#[test]
fn a_column_may_still_set_its_rows_aside() {
    let council = council(30, &["early_help"]);
    council.change("sources/early_help.toml", |definition| {
        let column = "upn = { treatment = \"pseudonymise\", kind = \"upn\"";
        definition.replacen(column, &format!("{column}, fault = \"quarantine\""), 1)
    });
    let plans = (1..=5).map(|place| {
        let child = Child::at(place);
        let child = if place == 2 { mistyped(&child) } else { child };
        early_help_row(&place.to_string(), &child, "14/10/2024")
    });
    let plans: Vec<String> = std::iter::once(EARLY_HELP.to_owned()).chain(plans).collect();
    council.deliver("early_help", "early_help.csv", plans.join("\n") + "\n");
    let ran = council.ingest();
    assert_eq!(ran.rows("early_help"), [5, 4, 1, 0], "{}", ran.text);
}

#[test]
fn a_pupil_without_a_right_number_is_known_by_the_learner_number() {
    let council = Council::of_deliveries(&[(CENSUS, "2024-autumn"), (CENSUS, "2025-spring")]);
    let learner = |text: String| {
        let mut lines = text.lines();
        let head = format!("{},uniquelearnernumber\r\n", lines.next().unwrap());
        let rows = (0..).zip(lines);
        head + &rows
            .map(|(place, row)| format!("{row},{}\r\n", learner_number(place)))
            .collect::<String>()
    };
    let children: Vec<Child> = (1..=30).map(Child::at).collect();
    let autumn = pupils(children.clone()).replace("row-", "autumn-");
    council.deliver(CENSUS, "2024-autumn/2024-autumn_pupilonroll.csv", learner(autumn));
    // Married, and her number mistyped: neither number nor name leads to her.
    let spring = children.iter().map(|child| match child.upn == children[2].upn {
        true => Child { surname: "Other".into(), ..mistyped(child) },
        false => child.clone(),
    });
    let spring = pupils(spring).replace("row-", "spring-");
    council.deliver(CENSUS, "2025-spring/2025-spring_pupilonroll.csv", learner(spring));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.children(), (30, 30));
}

#[test]
fn a_spreadsheet_s_days_are_read_and_counted_unless_other_numbers_stand_beside_them() {
    let plans = |born: &dyn Fn(u32) -> String| {
        let council = council(40, &["early_help"]);
        let rows = (1..=40).map(|place| {
            let child = Child::at(place);
            let iso = day_first(&child.born);
            early_help_row(&place.to_string(), &Child { upn: String::new(), ..child }, "45579")
                .replacen(&iso, &born(place), 1)
        });
        let rows: Vec<String> = std::iter::once(EARLY_HELP.to_owned()).chain(rows).collect();
        council.deliver("early_help", "early_help.csv", rows.join("\n") + "\n");
        council
    };
    let serial = |iso: &str| {
        let day: jiff::civil::Date = iso.parse().unwrap();
        let days = day.since(jiff::civil::date(1899, 12, 30)).unwrap().get_days();
        days.to_string()
    };
    let council = plans(&|place| serial(&Child::at(place).born));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.linked("early_help/plans"), by_name(&[("match-key", 40)]));
    let values = table(&council.site, "early_help", "plans");
    assert_eq!(values.column("start_date"), ["2024-10-14"; 40]);
    let told = ["dob", "start_date"]
        .map(|column| format!("40 of 40 in {column} of plans: passed, excel-serial"));
    assert_eq!(ran.cells("early_help"), told);
    // One birth date in digits alone: the other numbers of the column may be such as well.
    let council = plans(&|place| match place {
        1 => "150308".to_owned(),
        2..=4 => serial(&Child::at(place).born),
        place => day_first(&Child::at(place).born),
    });
    let ran = council.run();
    assert_eq!(ran.exit, 3, "{}", ran.text);
    assert_eq!(ran.rows("early_help"), [40, 36, 4, 0]);
    let listed = council.program("minster-ingest", &["quarantine", "list"]).text;
    assert!(listed.contains("1 date-number in dob"), "{listed}");
    assert!(listed.contains("3 ambiguous-date in dob"), "{listed}");
    // The other column's are read as before.
    let values = table(&council.site, "early_help", "plans");
    assert_eq!(values.column("start_date"), ["2024-10-14"; 36]);
}
