//! A wrong number: repaired where the vault knows the only one that it can have been; else its row keeps what else it says, and
//! is linked by that. Days as a spreadsheet counts them.

use minster_tests::deliveries::{
    Child, Council, EARLY_HELP, Ran, by_name, cell, cin, cin_child, cin_identifiers, cin_referral,
    day_first, early_help_row, episodes_903, header_903, header_903_row, learner_number, pupils,
};

use crate::{CENSUS, council, values::table};

/// With a number that no single slip leads to.
fn mistyped(child: &Child) -> Child {
    let letter = if child.upn.starts_with('A') { "B" } else { "A" };
    let (head, tail) = child.upn[1..].split_at(6);
    Child { upn: format!("{letter}00{}{tail}", &head[2..]), ..child.clone() }
}

/// With one slip in its number, of another kind each time.
fn slipped(child: &Child, which: u32) -> Child {
    let mut upn = child.upn.clone().into_bytes();
    match which % 5 {
        0 => upn[0] = if upn[0] == b'A' { b'B' } else { b'A' },
        1 => upn[12] = if upn[12] == b'9' { b'0' } else { upn[12] + 1 },
        2 => upn.swap(0, 1),
        3 => drop(upn.remove(5)),
        _ => upn.insert(9, upn[9]),
    }
    Child { upn: String::from_utf8(upn).unwrap(), ..child.clone() }
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

/// Two terms whose pupils have learner numbers. In the second, one is married, and her number is mistyped: neither number nor name
/// leads to her.
fn with_learner_numbers(place: usize) -> Ran {
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
    let spring = children.iter().map(|child| match child.upn == children[place - 1].upn {
        true => Child { surname: "Other".into(), ..mistyped(child) },
        false => child.clone(),
    });
    let spring = pupils(spring).replace("row-", "spring-");
    council.deliver(CENSUS, "2025-spring/2025-spring_pupilonroll.csv", learner(spring));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    ran
}

#[test]
fn a_pupil_without_a_right_number_is_known_by_the_learner_number() {
    assert_eq!(Child::at(1).born[..4], *"2010");
    assert_eq!(with_learner_numbers(1).children(), (30, 30));
}

#[test]
fn nobody_younger_than_14_has_a_learner_number() {
    // She is 13 at the end of the school year.
    assert_eq!(Child::at(3).born[..4], *"2012");
    let ran = with_learner_numbers(3);
    assert_eq!(ran.children(), (31, 31), "{}", ran.text);
    let young = (1..=30).filter(|place| Child::at(*place).born[..4] > *"2011").count();
    for term in ["2024-autumn", "2025-spring"] {
        let note = format!(
            "school_census/pupils of {term}: {young} rows have a number in uln, and the child is younger than 14; it is not believed"
        );
        assert!(ran.text.contains(&note), "{}", ran.text);
    }
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

const RETURN: &str = "ssda903";

/// A return of eighty children: the first twelve with a slip in their numbers, the next with one and another birth date. Their
/// numbers in social care stand nowhere else.
fn deliver_return(council: &Council) {
    let row = |place: u32| {
        let child = match place {
            1..=12 => slipped(&Child::at(place), place),
            13 => Child { born: "2001-02-03".into(), ..slipped(&Child::at(place), 0) },
            place => Child::at(place),
        };
        header_903_row(&format!("N{place:03}"), &child)
    };
    let rows: Vec<String> = (1..=80).map(row).collect();
    council.deliver(RETURN, "header.csv", header_903(&rows));
    let numbers: Vec<String> = (1..=80).map(|place| format!("N{place:03}")).collect();
    council.deliver(RETURN, "episodes.csv", episodes_903(&numbers));
}

/// The pseudonyms of a column, in the rows' order.
fn pseudonyms(council: &Council, source: &str, name: &str) -> Vec<String> {
    let values = table(&council.site, source, name);
    values.column("upn").into_iter().map(str::to_owned).collect()
}

#[test]
fn mistyped_numbers_of_a_social_care_file_lead_to_the_right_children() {
    let council = council(120, &[RETURN]);
    deliver_return(&council);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    // The one with another birth date is nobody's.
    assert_eq!(ran.children(), (121, 120));
    let linked = by_name(&[("identifier", 79), ("not-on-spine", 1)]);
    assert_eq!(ran.linked("ssda903/header"), linked);
    let (census, header) =
        (pseudonyms(&council, CENSUS, "pupils"), pseudonyms(&council, RETURN, "header"));
    assert_eq!(census[..12], header[..12]);
    assert_eq!((header[12].as_str(), &census[13..80]), ("", &header[13..]));
    let told = [
        "7 of 80 in UPN of header: repaired, malformed",
        "5 of 80 in UPN of header: repaired, bad-check-letter",
        "1 of 80 in UPN of header: blank, bad-check-letter",
    ];
    let mut cells = ran.cells(RETURN);
    cells.sort_by_key(|told| (told.contains("blank"), told.contains("bad-check")));
    assert_eq!(cells, told);
    let manifest = council.manifest(RETURN);
    let cells = manifest["origin"]["cells"].as_array().unwrap().iter();
    assert_eq!(cells.filter(|cell| cell["became"] == "repaired").count(), 2);
    let report = council.program("minster", &["report", "quality", RETURN]).text;
    assert!(
        report.contains("5 numbers repaired, 6.2 % of 80: bad-check-letter in UPN"),
        "{report}"
    );
    let states = table(&council.site, RETURN, "header");
    let states = states.column("upn_state");
    assert_eq!(states.iter().filter(|state| **state == "repaired").count(), 12);
    // No number, right or wrong, is told.
    for place in 1..=13 {
        let (right, wrong) = (Child::at(place), slipped(&Child::at(place), place));
        for told in [&ran.text, &report, &manifest.to_string()] {
            assert!(!told.contains(&right.upn) && !told.contains(&wrong.upn));
        }
    }
    // Read again, all is as it was, though more is known now.
    let again = council.program("minster-ingest", &["run", "--again"]);
    assert_eq!(again.exit, 0, "{}", again.text);
    let told = "5 cells repaired: bad-check-letter in UPN of header (6 % of 80): header.csv cell E2, header.csv cell E6";
    assert!(again.text.contains(told), "{}", again.text);
    assert!(again.text.contains(
        "1 cell became blank: bad-check-letter in UPN of header (1 % of 80): header.csv cell E14"
    ));
    assert_eq!(pseudonyms(&council, RETURN, "header"), header);
    assert_eq!(pseudonyms(&council, CENSUS, "pupils"), census);
}

#[test]
fn a_number_is_not_repaired_by_a_later_delivery_on_any_night() {
    let council = Council::new(&[RETURN, CENSUS]);
    deliver_return(&council);
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=120).map(Child::at)));
    let blank = |council: &Council| {
        pseudonyms(council, RETURN, "header").iter().filter(|upn| upn.is_empty()).count()
    };
    // More than one number in twenty is wrong.
    let first = ["run", "--json", "--accept", RETURN];
    let again = ["run", "--json", "--again", "--accept", RETURN];
    for arguments in [&first[..], &again[..]] {
        let ran = council.program("minster-ingest", arguments);
        assert_eq!(ran.exit, 0, "{}", ran.text);
        assert_eq!(blank(&council), 13);
    }
}

#[test]
fn a_purpose_without_a_budget_has_nothing_repaired_and_the_run_says_so() {
    let purposes =
        std::fs::read_to_string(minster_tests::root().join("config/purposes.toml")).unwrap();
    let line = "repairs = { run = 2_000, day = 10_000 }";
    let council = |repairs: &str| {
        let site = minster_tests::Site::with_purposes(&purposes.replacen(line, repairs, 1));
        let council = Council::at(site, &[CENSUS, RETURN]);
        council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=120).map(Child::at)));
        deliver_return(&council);
        council.program("minster-ingest", &["run", "--json", "--accept", RETURN])
    };
    assert!(purposes.contains(line));
    let ran = council("");
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let told = "13 wrong numbers beside a birth date were not repaired: the purpose has no budget for it; custodians \
                propose it anew with `repairs`";
    assert!(ran.warnings(RETURN).contains(&told.to_owned()), "{}", ran.text);
    // The first of them are repaired, however many threads treat them.
    for day in [4, 1_000] {
        let ran = council(&format!("repairs = {{ run = 4, day = {day} }}"));
        assert_eq!(ran.exit, 0, "{}", ran.text);
        let told = "9 wrong numbers beside a birth date were not repaired: the purpose's budget `repairs` is used up (4 a run)";
        assert!(ran.warnings(RETURN).contains(&told.to_owned()), "{}", ran.text);
        let repaired = ran.cells(RETURN);
        assert!(repaired.iter().any(|told| told.contains("repaired")), "{repaired:?}");
    }
    // Nothing is repaired where a definition is only tried.
    let council = council_of_return();
    let config = council.site.path("pipeline.toml");
    let tried = minster_tests::text(&council.site.run("minster-ingest", &["try", &config]));
    assert!(tried.contains("13 of 80 numbers are wrong"), "{tried}");
    assert!(tried.contains("so that no number was repaired"), "{tried}");
}

fn council_of_return() -> Council {
    let council = council(120, &[RETURN]);
    deliver_return(&council);
    council
}
