//! The XML returns are as the ministry's schemas ask, and the other sources hold what they should.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
#![allow(clippy::print_stderr, reason = "a test that is left out says so")]

mod xmllint;

use std::{collections::BTreeSet, fs, path::Path};

use minster_synth::{Council, Defects};

fn council(pupils: u64, seed: u64, defects: Defects) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let council = Council { pupils, seed, days: 1, defects, hard: false };
    council.write(&folder.path().join("out"), &folder.path().join("truth")).unwrap();
    folder
}

/// Defects so frequent that a small council has each of them.
fn many() -> Defects {
    Defects {
        untidy_upn: 0.2,
        wrong_check_letter: 0.1,
        missing_upn: 0.1,
        serial_date: 0.1,
        swapped_date: 0.1,
        unknown_code: 0.1,
        misspelt_name: 0.2,
        ..Defects::default()
    }
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Cells of one column.
fn column(folder: &Path, name: &str, heading: &str) -> Vec<String> {
    let text = text(folder, name);
    let place = text.lines().next().unwrap().split(',').position(|name| name == heading).unwrap();
    text.lines().skip(1).map(|row| row.split(',').nth(place).unwrap().to_owned()).collect()
}

#[test]
fn the_xml_returns_validate() {
    let Some(spec) = xmllint::schemas() else { return };
    for (seed, defects) in [(1, Defects::default()), (2, many()), (3, Defects::none())] {
        let folder = council(3000, seed, defects);
        for (schema, file) in [
            ("cin/CIN_schema_2025.xsd", "out/cin/2024-25/cin.xml"),
            ("sen2/sen2_schema_2025.xsd", "out/sen2/2024-25/sen2.xml"),
        ] {
            xmllint::assert_valid(&spec.join(schema), &folder.path().join(file));
        }
    }
}

#[test]
fn an_unborn_child_has_no_birth_date_and_no_number() {
    let folder = council(3000, 4, Defects::default());
    let cin = text(folder.path(), "out/cin/2024-25/cin.xml");
    let unborn: Vec<&str> =
        cin.lines().filter(|child| child.contains("<ExpectedPersonBirthDate>")).collect();
    assert!(!unborn.is_empty());
    for child in unborn {
        assert!(!child.contains("<PersonBirthDate>") && !child.contains("<UPN>"), "{child}");
        assert!(child.contains("<UPNunknown>UN1</UPNunknown>"), "{child}");
    }
}

#[test]
fn every_part_of_the_xml_returns_is_used() {
    let folder = council(6000, 5, Defects::default());
    for (file, names) in [
        (
            "out/cin/2024-25/cin.xml",
            [
                "FormerUPN",
                "UPNunknown",
                "Disability",
                "DateOfInitialCPC",
                "AssessmentInternalReviewDate",
                "CINPlanDates",
                "Section47",
                "ChildProtectionPlans",
                "CPPreviewDate",
                "ReasonForClosure",
            ],
        ),
        (
            "out/sen2/2024-25/sen2.xml",
            [
                "UPNunknown",
                "UniqueLearnerNumber",
                "RequestMediation",
                "NamedPlan",
                "PlanDetail",
                "CeaseReason",
                "PlacementDetail",
                "SENneed",
                "ReviewOutcome",
                "PhaseTransferDueDate",
            ],
        ),
    ] {
        let text = text(folder.path(), file);
        for name in names {
            assert!(text.contains(&format!("<{name}>")), "{file}: {name}");
        }
    }
    let sen2 = text(folder.path(), "out/sen2/2024-25/sen2.xml");
    let people = || sen2.lines().filter(|line| line.starts_with("<Person>"));
    assert!(people().any(|person| person.matches("<Requests>").count() > 1));
    assert!(people().all(|person| person.matches("<ActivePlans>").count() <= 1));
    let planned = people().filter(|person| person.contains("<ActivePlans>")).count();
    let all = people().count();
    assert!(planned * 10 > all * 6 && planned * 10 < all * 9, "{planned} plans of {all}");
}

#[test]
fn the_terms_ask_for_different_things() {
    let folder = council(3000, 6, Defects::none());
    let out = folder.path().join("out/school_census");
    let tables = |term: &str| -> BTreeSet<String> {
        let files = fs::read_dir(out.join(term)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.map(|name| name.rsplit('_').next().unwrap().replace(".csv", "")).collect()
    };
    for (term, has, has_not) in [
        ("2024-autumn", ["fsmperiodsonroll", "addressesonroll", "addressesoffroll"], "senneeds"),
        ("2025-spring", ["fsmperiod", "addresses", "senneeds"], "addressesoffroll"),
        ("2025-summer", ["fsmperiod", "addresses", "termlyexclusionsoffroll"], "senneeds"),
    ] {
        let found = tables(term);
        assert!(has.iter().all(|table| found.contains(*table)), "{term}: {found:?}");
        assert!(!found.contains(has_not), "{term}: {found:?}");
    }
    let autumn = text(&out, "2024-autumn/2024_autumn_pupilonroll.csv");
    assert!(!autumn.lines().next().unwrap().contains("ethnicity"));
    // Each row of a table below the pupils' belongs to a pupil or leaver of the term.
    for term in ["2024_autumn", "2025_spring", "2025_summer"] {
        let file = |table: &str| format!("{}/{term}_{table}.csv", term.replace('_', "-"));
        let ids = |table: &str, heading| -> BTreeSet<String> {
            column(&out, &file(table), heading).into_iter().collect()
        };
        let (on, off) = ("pupilonrolltableid", "pupilnolongeronrolltableid");
        let pupils = ids("pupilonroll", on);
        let leavers = ids("pupilnolongeronroll", off);
        assert!(pupils.is_disjoint(&leavers));
        assert!(leavers.len() > 20, "{term}");
        for (table, key, known) in [
            ("termlysessiondetailsonroll", on, &pupils),
            ("termlyexclusionsonroll", on, &pupils),
            ("termlysessiondetailsoffroll", off, &leavers),
            ("termlyexclusionsoffroll", off, &leavers),
        ] {
            let below = ids(table, key);
            // A small council excludes few: nobody who left in summer.
            assert!(!below.is_empty() || table.contains("exclusions"), "{term}: {table}");
            assert!(below.is_subset(known), "{term}: {table}");
        }
    }
}

#[test]
fn schools_record_extended_codes_and_the_truth_has_main_codes() {
    let folder = council(3000, 7, Defects::none());
    let spring = "out/school_census/2025-spring/2025_spring_pupilonroll.csv";
    let recorded = column(folder.path(), spring, "ethnicity");
    let truth: BTreeSet<String> =
        column(folder.path(), "truth/children.csv", "ethnicity").into_iter().collect();
    let extended = recorded.iter().filter(|code| !truth.contains(*code)).count();
    assert!(extended * 10 > recorded.len() && extended * 4 < recorded.len(), "{extended}");
    assert!(["WENG", "AKPA", "BSOM"].iter().all(|code| recorded.iter().any(|one| one == code)));
    assert!(!truth.contains("WENG"));
    // The other returns know main codes alone.
    let header = "out/ssda903/2024-25/SSDA903_2025_header.csv";
    assert!(column(folder.path(), header, "ETHNIC").iter().all(|code| truth.contains(code)));
}

#[test]
fn the_safeguarding_dataset_says_what_the_returns_say() {
    let folder = council(3000, 8, Defects::none());
    let people = column(folder.path(), "out/ssd/2024-25/ssd_person.csv", "pers_person_id");
    let cin = text(folder.path(), "out/cin/2024-25/cin.xml");
    assert_eq!(people.len(), cin.matches("<Child>").count());
    let referred =
        column(folder.path(), "out/ssd/2024-25/ssd_cin_episodes.csv", "cine_referral_date");
    assert_eq!(referred.len(), cin.matches("<CINdetails>").count());
    let begun = column(
        folder.path(),
        "out/ssd/2024-25/ssd_cla_episodes.csv",
        "clae_cla_episode_start_date",
    );
    let episodes = column(folder.path(), "out/ssda903/2024-25/SSDA903_2025_episodes.csv", "DECOM");
    assert_eq!(begun.len(), episodes.len());
}
