//! Access to all that is held on one child, by the programs: the bundle has the child's rows and nobody else's, only the requester can
//! open it, and a grant is good for one.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod bundle;
mod council;

use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt};

use bundle::Requester;
use council::{Child, Council, stands};
use minster_model::Role;
use minster_tests::text;
use minster_vault_api::{AccessCounts, BundlePart, Client};

/// For each raw file the table that its rows become, and the column that has the child's number.
const FILES: [(&str, &str, &str); 8] = [
    ("_pupilonroll.csv", "source-school_census-pupils.csv", "upn"),
    ("attendance.csv", "source-attendance-sessions.csv", "upn"),
    ("SSDA903_2025_header.csv", "source-ssda903-header.csv", "child"),
    ("SSDA903_2025_episodes.csv", "source-ssda903-episodes.csv", "child"),
    ("SSDA903_2025_reviews.csv", "source-ssda903-reviews.csv", "child"),
    ("SSDA903_2025_oc2.csv", "source-ssda903-oc2.csv", "child"),
    ("cin.xml", "source-cin-children.csv", "child"),
    ("sen2.xml", "source-sen2-persons.csv", "upn"),
];

#[test]
fn the_bundle_has_the_childs_rows_as_the_raw_files_have_them_and_nobody_elses() {
    let council = Council::new(300);
    let everyone = council.children();
    let (tidy, others) = council.tidy_children();
    assert!(tidy.len() > 50);
    let in_care = tidy.iter().filter(|child| council.raw_rows(child, "_header.csv") > 0);
    let in_need = tidy.iter().filter(|child| council.raw_rows(child, "cin.xml") > 0);
    let sen = tidy.iter().filter(|child| council.raw_rows(child, "sen2.xml") > 0);
    let chosen: Vec<&Child> =
        in_care.take(1).chain(in_need.take(2)).chain(sen.take(1)).chain(tidy.first()).collect();
    assert!(chosen.len() >= 4, "{}", chosen.len());
    let (mut shown, mut with_code) = (0, 0);
    for child in chosen {
        let (bundle, told) = council.bundle(("upn", &child.upn));
        for (file, table, _) in FILES {
            let expected = council.raw_rows(child, file);
            assert_eq!(bundle.rows(table).len(), expected, "{table}");
            shown += expected;
        }
        // The second path to what hangs on the pupil's row without the pupil's number.
        let addresses = council.raw_rows(child, "_addresses.csv")
            + council.raw_rows(child, "_addressesonroll.csv");
        assert_eq!(bundle.rows("source-school_census-addresses.csv").len(), addresses);
        let linked = bundle.rows("integrated-children-children.csv");
        assert_eq!(linked.len(), 1);
        let rows: usize = bundle
            .files
            .keys()
            .filter(|name| name.starts_with("source-") || name.starts_with("integrated-"))
            .map(|name| bundle.rows(name).len())
            .sum();
        assert_eq!(told["rows"], rows as u64);
        let numbers = bundle.rows("numbers.csv");
        assert!(numbers.iter().any(|row| row["number"] == child.upn));
        // Nobody else's number, name or birth date, and no pseudonym.
        let all: Vec<u8> = bundle.files.values().flatten().copied().collect();
        for other in everyone.iter().filter(|other| other.child != child.child) {
            for number in
                other.numbers().filter(|number| !child.numbers().any(|own| own == *number))
            {
                assert!(memchr::memmem::find(&all, number.as_bytes()).is_none());
            }
        }
        for pseudonym in council.pseudonyms() {
            assert!(memchr::memmem::find(&all, pseudonym.as_bytes()).is_none());
        }
        // Each row says where it is from, when it was taken in, and until when it is kept.
        let until = &bundle.rows("how-long.csv")[0];
        assert_eq!((until["what"].as_str(), until["day"].len()), ("kept at least until", 10));
        let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date().to_string();
        for row in bundle.rows("source-school_census-pupils.csv") {
            assert_eq!((row["source"].as_str(), row["copy"].as_str()), ("school_census", "newest"));
            assert!(
                ["2024-autumn", "2025-spring", "2025-summer"].contains(&row["delivery"].as_str())
            );
            assert_eq!(row["taken in on"], today);
        }
        // The page has the same, and words for codes.
        let page = bundle.page();
        let own_page = bundle.text("numbers-and-days.html");
        assert!(own_page.contains(&child.upn) && page.contains("numbers-and-days.html"));
        assert!(page.contains("What is left out"));
        with_code += usize::from(page.contains("no special educational need (N)"));
    }
    assert!(shown > 20, "{shown}");
    assert!(with_code > 0, "no page has words for a code");
    assert!(!others.is_empty(), "a council without a fault tries nothing");
    // The log has counts and the bundle's hash, and no number.
    let (begun, ended) = (council.log("began-access"), council.log("ended-access"));
    assert_eq!(begun.len(), ended.len());
    let last = ended.last().unwrap();
    let bytes = fs::read(council.site.path("bundle.age")).unwrap();
    assert_eq!(last["sha256"], minster_store::sha256_hex(&bytes));
    assert_eq!(last["bytes"], bytes.len() as u64);
    assert!(last["rows"].as_u64().unwrap() > 5 && last["datasets"].as_u64().unwrap() > 5);
    let log = fs::read_to_string(council.site.folder().join("vault/log.jsonl")).unwrap();
    assert!(everyone.iter().filter(|of| !of.upn.is_empty()).all(|of| !log.contains(&of.upn)));
    let verified = council.site.run("minster-vault", &["log", "verify", "--dir", "vault"]);
    assert!(verified.status.success(), "{}", text(&verified));
}

#[test]
fn a_grant_is_one_childs_one_requesters_and_good_for_one_bundle() {
    let council = Council::new(150);
    let (tidy, _) = council.tidy_children();
    let (child, other) = (&tidy[0], &tidy[1]);
    // Each custodian who approves it types the child's number; another's is not signed.
    council.proposed("case.json", ("upn", &child.upn));
    let wrong = council.approve("case.json", "ann", &other.upn);
    assert!(!wrong.status.success() && text(&wrong).contains("another number"), "{}", text(&wrong));
    let text_of_it = fs::read_to_string(council.site.path("case.json")).unwrap();
    assert!(!text_of_it.contains(&child.upn));
    // One signature is not enough, and no failure leaves a file.
    assert!(council.approve("case.json", "ann", &child.upn).status.success());
    let early = council.access("case.json", "early.age");
    assert_eq!(early.status.code(), Some(6), "{}", text(&early));
    assert!(council.approve("case.json", "ben", &child.upn).status.success());
    // A custodian's command does not carry it out.
    let enact = ["enact", "--socket", "vault.sock", "--proposal", "case.json"];
    let enacted = council.site.run("minster-vault", &enact);
    assert!(text(&enacted).contains("minster access"), "{}", text(&enacted));

    // Neither the ingest user nor another role but the linker's begins it.
    let schedule = fs::read_to_string(council.site.folder().join("config/retention.toml")).unwrap();
    let grant = minster_store::sha256_hex(text_of_it.as_bytes())[..16].to_owned();
    let socket = council.site.folder().join("vault.sock");
    for role in [Role::Ingest, Role::Analyst, Role::Custodian, Role::Auditor] {
        let mut client = Client::connect(&socket, role, "test").unwrap();
        let denied = client.begin_access(&grant, &schedule).err().unwrap().to_string();
        assert!(denied.contains("role"), "{role}: {denied}");
    }
    // Nothing is answered out of order.
    let mut client = Client::connect(&socket, Role::Linker, "test").unwrap();
    let counts = AccessCounts { datasets: 0, rows: 0 };
    assert!(client.end_access(counts).is_err());
    assert!(client.write_bundle(vec![BundlePart::File("a.csv".into())]).is_err());
    let begun = client.begin_access(&grant, &schedule).unwrap();
    assert!(begun.purposes.iter().any(|of| !of.pseudonyms.is_empty()));
    assert!(client.begin_access(&grant, &schedule).is_err());
    assert!(client.end_access(counts).is_err(), "an empty bundle ends nothing");

    // A folder that cannot be written, and a file that is there: nothing is lost, and the grant is not used up.
    let shut = council.site.folder().join("shut");
    fs::create_dir(&shut).unwrap();
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o500)).unwrap();
    if !rustix::process::getuid().is_root() {
        assert_eq!(council.access("case.json", "shut/bundle.age").status.code(), Some(2));
    }
    assert_eq!(council.access("case.json", "nowhere/bundle.age").status.code(), Some(2));
    fs::write(council.site.path("there.age"), "old").unwrap();
    assert_eq!(council.access("case.json", "there.age").status.code(), Some(2));
    assert_eq!(fs::read_to_string(council.site.path("there.age")).unwrap(), "old");
    // A disk that is full: `/dev/full` takes nothing, and a small file system leaves nothing.
    if let Some(full) = council.full_disk() {
        let output = council.access("case.json", full.to_str().unwrap());
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert_eq!(fs::read_dir(full.parent().unwrap()).unwrap().count(), 1, "the filler alone");
    }
    assert!(council.log("ended-access").is_empty());

    let given = council.access("case.json", "bundle.age");
    assert!(given.status.success(), "{}", text(&given));
    // The operator sees counts, and no value.
    assert!(!text(&given).contains(&child.upn));
    let bytes = fs::read(council.site.path("bundle.age")).unwrap();
    let mode = fs::metadata(council.site.path("bundle.age")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(council.requester.opens(&bytes) && !Requester::new().opens(&bytes));
    let again = council.access("case.json", "again.age");
    assert_eq!(again.status.code(), Some(6), "{}", text(&again));
    assert!(!council.site.folder().join("again.age").exists());
    let parts: Vec<String> = fs::read_dir(council.site.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(".part"))
        .collect();
    assert!(parts.is_empty(), "{parts:?}");

    // A recipient that is none is refused before anybody signs.
    let words = "request --socket vault.sock --reference SAR/1 --reason asked --expires SOON access --kind upn --schedule config/retention.toml --identifier-file number --recipient age1x";
    let none = council.site.run("minster-vault", &words.split(' ').collect::<Vec<_>>());
    assert!(!none.status.success() && text(&none).contains("age recipient"), "{}", text(&none));
}

#[test]
fn a_grant_is_begun_ten_times_at_most() {
    let council = Council::new(150);
    let (tidy, _) = council.tidy_children();
    council.granted("case.json", ("upn", &tidy[0].upn));
    let schedule = fs::read_to_string(council.site.folder().join("config/retention.toml")).unwrap();
    let grant = minster_store::sha256_hex(&fs::read(council.site.path("case.json")).unwrap())[..16]
        .to_owned();
    let socket = council.site.folder().join("vault.sock");
    let begin = || {
        let mut client = Client::connect(&socket, Role::Linker, "test").unwrap();
        client.begin_access(&grant, &schedule).is_ok()
    };
    assert_eq!((0..12).map(|_| u32::from(begin())).sum::<u32>(), 10);
}

#[test]
fn no_row_of_the_bundle_comes_to_the_disk_in_clear() {
    let council = Council::new(150);
    let (tidy, _) = council.tidy_children();
    let child = &tidy[0];
    let before = council.plain_files();
    let (bundle, _) = council.bundle(("upn", &child.upn));
    let of_page = "What the council's data system holds about the child".as_bytes();
    assert!(memchr::memmem::find(&bundle.files["page.html"], of_page).is_some());
    for folder in ["store", "vault"] {
        assert!(!stands(&council.site.folder().join(folder), of_page), "{folder}");
        assert!(!stands(&council.site.folder().join(folder), child.upn.as_bytes()), "{folder}");
    }
    // The bundle alone is new, and it is not readable.
    let new: HashSet<_> = council.plain_files().difference(&before).cloned().collect();
    let expected = ["bundle.age", "grant.json", "number", "typed"]
        .map(|name| council.site.folder().join(name));
    assert_eq!(new, expected.into());
    let bytes = fs::read(council.site.path("bundle.age")).unwrap();
    for part in [of_page, child.upn.as_bytes(), b"page.html"] {
        assert!(memchr::memmem::find(&bytes, part).is_none());
    }
}

#[test]
fn of_a_child_whom_nobody_knows_the_bundle_says_that_nothing_is_held() {
    let council = Council::new(150);
    let known: HashSet<String> = council.children().into_iter().map(|child| child.upn).collect();
    let stranger = "Q330400024001";
    assert!(!known.contains(stranger));
    let (bundle, told) = council.bundle(("upn", stranger));
    assert_eq!(told["rows"], 0);
    assert!(bundle.page().contains("No record about the child was found"));
    assert!(bundle.text("numbers-and-days.html").contains("does not know the child"));
    assert!(bundle.rows("numbers.csv").is_empty());
    let tables = bundle.files.keys().filter(|name| name.starts_with("source-"));
    assert_eq!(tables.count(), 0);
}

#[test]
fn a_mistyped_row_of_another_child_is_left_out_and_counted() {
    let council = Council::unlinked(150);
    let child = council.tidy_children().0[0].clone();
    // An early help plan of another child, with this child's pupil number: it names another person of the service too.
    let other = council.children().into_iter().find(|of| of.child != child.child).unwrap();
    let row = |person: &str, born: &str, reason: &str| {
        format!("{person},{},X,Y,{born},MZ15 3AQ,16/12/2024,13/02/2025,{reason}\n", child.upn)
    };
    let born = |of: &Child| {
        let parts: Vec<&str> = of.born.split('-').collect();
        format!("{}/{}/{}", parts[2], parts[1], parts[0])
    };
    let mut more = row("EH7000001", &born(&child), "PARENT");
    more += &row("EH7000002", &born(&other), "PARENT");
    more += &format!("EH7000002,,X,Y,{},MZ15 3AQ,17/12/2024,14/02/2025,PARENT\n", born(&other));
    // A row that is set aside, since the number stands in the wrong column: it may be anybody's, and is not searched.
    let faulty = format!("=1+1,\"a,\"\"b\"\"\",PM,not-to-be-shown,{}\n", child.upn);
    council.append("council/attendance/2024-25/attendance.csv", &faulty);
    council.append("council/early_help/2024-25/early_help.csv", &more);
    council.linked();
    let (bundle, told) = council.bundle(("upn", &child.upn));
    let plans = bundle.rows("source-early_help-plans.csv");
    let own_before = council.raw_rows(&child, "early_help.csv");
    assert_eq!(plans.len(), own_before + 1, "the other child's rows are not here");
    assert!(!bundle.text("numbers.csv").contains("EH7000002"));
    assert!(bundle.text("numbers.csv").contains("EH7000001"));
    assert!(told["left_out"].as_u64().unwrap() > 0, "{told}");
    assert!(bundle.text("numbers-and-days.html").contains("do not show clearly whose they are"));
    // Rows that were set aside are counted by delivery, and none of them is shown.
    let set_aside = bundle.rows("set-aside.csv");
    let of = |source: &str| set_aside.iter().find(|row| row["source"] == source);
    let row = of("attendance").unwrap();
    assert!(row["rows"].parse::<u64>().unwrap() > 0 && row["file"] == "locked");
    let all: u64 = set_aside.iter().map(|row| row["rows"].parse::<u64>().unwrap()).sum();
    assert_eq!(told["set_aside"], all);
    assert!(bundle.page().contains("They were not searched for the child."));
    for (name, bytes) in &bundle.files {
        assert!(memchr::memmem::find(bytes, b"not-to-be-shown").is_none(), "{name}");
    }
}

#[test]
fn a_grant_is_carried_out_under_the_schedule_that_custodians_signed() {
    let council = Council::new(150);
    let child = council.tidy_children().0[0].clone();
    council.granted("case.json", ("upn", &child.upn));
    let path = council.site.folder().join("config/retention.toml");
    let schedule = fs::read_to_string(&path).unwrap();
    // The linker's user would have all numbers be a child's own, and no child's identities kept apart.
    fs::write(&path, schedule.replace("two_identities = true\n", "")).unwrap();
    let other = council.access("case.json", "other.age");
    assert_eq!(other.status.code(), Some(6), "{}", text(&other));
    assert!(text(&other).contains("another than the custodians signed"), "{}", text(&other));
    assert!(council.log("began-access").is_empty());
    // Nor is access proposed under one that keeps nobody's apart.
    let words = "request --socket vault.sock --reference SAR/1 --reason asked --expires SOON access --kind upn --schedule config/retention.toml --identifier-file number --recipient";
    let words: Vec<&str> = words.split(' ').chain([council.requester.recipient.as_str()]).collect();
    let none = council.site.run("minster-vault", &words);
    assert!(!none.status.success() && text(&none).contains("two_identities"), "{}", text(&none));
    fs::write(&path, schedule).unwrap();
    assert!(council.access("case.json", "bundle.age").status.success());
}

#[test]
fn the_store_s_side_writes_none_of_the_vaults_own_files() {
    let council = Council::new(150);
    let (tidy, _) = council.tidy_children();
    council.granted("case.json", ("upn", &tidy[0].upn));
    let schedule = fs::read_to_string(council.site.folder().join("config/retention.toml")).unwrap();
    let grant = minster_store::sha256_hex(&fs::read(council.site.path("case.json")).unwrap())[..16]
        .to_owned();
    let socket = council.site.folder().join("vault.sock");
    let mut client = Client::connect(&socket, Role::Linker, "test").unwrap();
    client.begin_access(&grant, &schedule).unwrap();
    client.write_bundle(vec![BundlePart::File("a.csv".into())]).unwrap();
    for name in ["../a.csv", "numbers.csv", "how-long.csv", "numbers-and-days.html", "a.csv"] {
        assert!(client.write_bundle(vec![BundlePart::File(name.into())]).is_err(), "{name}");
    }
}

#[test]
fn of_two_conversations_that_end_one_grant_one_gets_the_end() {
    let council = Council::new(150);
    let (tidy, _) = council.tidy_children();
    council.granted("case.json", ("upn", &tidy[0].upn));
    let schedule = fs::read_to_string(council.site.folder().join("config/retention.toml")).unwrap();
    let grant = minster_store::sha256_hex(&fs::read(council.site.path("case.json")).unwrap())[..16]
        .to_owned();
    let socket = council.site.folder().join("vault.sock");
    let begin = || {
        let mut client = Client::connect(&socket, Role::Linker, "test").unwrap();
        client.begin_access(&grant, &schedule).unwrap();
        client.write_bundle(vec![BundlePart::File("a.csv".into())]).unwrap();
        client
    };
    let (mut one, mut other) = (begin(), begin());
    let counts = AccessCounts { datasets: 0, rows: 0 };
    let ended = std::thread::scope(|scope| {
        let one = scope.spawn(|| one.end_access(counts).is_ok());
        let other = scope.spawn(|| other.end_access(counts).is_ok());
        [one.join().unwrap(), other.join().unwrap()]
    });
    assert_eq!(ended.iter().filter(|ended| **ended).count(), 1);
    assert_eq!(council.log("ended-access").len(), 1);
}

#[test]
fn the_bundle_of_a_child_placed_for_adoption_tells_of_no_other_identity() {
    let council = Council::new(150);
    let placed = council.csv("council/ssda903/2024-25/SSDA903_2025_placedadoption.csv");
    let la = placed[0]["CHILD"].clone();
    let header = council.csv("council/ssda903/2024-25/SSDA903_2025_header.csv");
    let upn = header.iter().find(|row| row["CHILD"] == la).unwrap()["UPN"].clone();
    assert_eq!(upn.len(), 13);
    // By the school's number: no number of the service, no count of anything in doubt, and not the schedule's row.
    let (bundle, told) = council.bundle(("upn", &upn));
    let numbers = bundle.text("numbers.csv");
    assert!(numbers.contains(&upn) && !numbers.contains(&la));
    let own_page = bundle.text("numbers-and-days.html");
    assert!(!own_page.contains("adoption"), "{own_page}");
    assert!(!own_page.contains("do not show clearly"), "{own_page}");
    // Its rows of the service are left out; the operator is told how many, and the bundle is not.
    assert!(bundle.rows("source-ssda903-header.csv").is_empty());
    let left_out = told["left_out"].as_u64().unwrap();
    assert!(left_out > 0, "{told}");
    let sentence = "These are left out of every bundle, where there are any:";
    assert!(bundle.page().contains(sentence));
    // By the service's own number: the row of the schedule, and the service's rows with no other child's number.
    let (bundle, _) = council.bundle(("la-child-id", &la));
    assert!(bundle.text("numbers-and-days.html").contains("adoption: child"));
    assert!(!bundle.text("numbers.csv").contains(&upn));
    assert_eq!(
        bundle.rows("source-ssda903-placed_for_adoption.csv").len(),
        placed.iter().filter(|row| row["CHILD"] == la).count()
    );
}
