//! An adopted child has two identities, and nothing may find one by the other.

use std::fs;

use minster_tests::deliveries::{
    Child, Council, EARLY_HELP, EPISODES_903, Ran, by_name, cin, cin_child, cin_identifiers,
    cin_referral, early_help_row, header_903, header_903_row, pupils, upn,
};
use serde_json::json;

use crate::{
    CENSUS,
    scored::{episodes, mistyped as mistype, nine_in_ten, swappable},
    values::{of_linked, of_period},
};

const ADOPTED: u32 = 7;

/// The child as the adoptive family calls it. Name and birth date stayed; the pupil number is new.
fn after() -> Child {
    Child { upn: upn(800), ..Child::at(ADOPTED) }
}

/// Pupils but the adopted one.
fn others(pupils: u32) -> impl Iterator<Item = Child> {
    (1..=pupils).filter(|place| *place != ADOPTED).map(Child::at)
}

/// A census whose last pupil has a former number.
fn with_former(census: &str, number: &str) -> String {
    let mut lines: Vec<String> = census.lines().map(str::to_owned).collect();
    let last = lines.len() - 1;
    for (line, place) in lines.iter_mut().zip(0..) {
        *line += &match place {
            0 => ",formerupn".to_owned(),
            place if place == last => format!(",{number}"),
            _ => ",".to_owned(),
        };
    }
    lines.join("\r\n") + "\r\n"
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
    let spring = with_former(&pupils(others(60).chain([after()])), &upn(ADOPTED));
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", spring);
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
    // Three rows name both identities, and are linked to nobody.
    assert_eq!(ran.children(), (64, 61), "{}", ran.text);
    assert!(ran.text.contains("about 5 numbers are of marked identities"), "{}", ran.text);
    assert!(ran.text.contains("about 5 rows with a number of a marked identity"), "{}", ran.text);
    // The report says so, by table.
    let nobody_s = |rows| ("linked-to-nobody", rows);
    assert_eq!(ran.linked("cin/children"), by_name(&[("identifier", 19), nobody_s(1)]));
    assert_eq!(ran.linked("early_help/plans"), by_name(&[nobody_s(2)]));
    let before = children(&council, CENSUS, "2024-autumn", "pupils")[ADOPTED as usize - 1].clone();
    let now = children(&council, CENSUS, "2025-spring", "pupils")[59].clone();
    assert_ne!(before, now);
    assert_eq!(children(&council, "ssda903", "2024-25", "header")[ADOPTED as usize - 1], before);
    let cin = children(&council, "cin", "2024-25", "children")[19].clone();
    let early_help = children(&council, "early_help", "2024-25", "plans");
    for child in early_help.iter().chain([&cin]) {
        assert!(*child != before && *child != now, "a row with the numbers of both");
    }
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
    let referrals = [&before, &now, &cin].map(|child| of(child, "referrals"));
    assert_eq!(referrals, ["0", "0", "1"]);
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
    assert_eq!(ran.children(), (64, 61), "{}", ran.text);
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
    for (from, children) in [("2024-12-01", (64, 61)), ("2024-12-02", (60, 60))] {
        let council = council("E11");
        council.change("matching.toml", |matching| {
            let day =
                format!("in = [\"E11\", \"E12\"] }}, {{ column = \"dec\", from = \"{from}\" }}]");
            matching.replace("in = [\"E11\", \"E12\"] }]", &day)
        });
        assert_eq!(ran(&council).children(), children, "{from}");
    }
}

/// Appoints two custodians.
pub(crate) fn appoint(council: &mut Council) {
    council.site.stop_vault();
    vault(council, "custodian new --clear-key --out ann");
    vault(council, "custodian new --clear-key --out ben");
    vault(
        council,
        "custodian appoint --dir vault --key-file custody.key --custodian ann=ann.pub --custodian ben=ben.pub",
    );
    council.site.serve();
}

/// Runs a command of the vault's program that succeeds; gives all that it says.
pub(crate) fn vault(council: &Council, arguments: &str) -> String {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let output = council.site.run("minster-vault", &arguments);
    assert!(output.status.success(), "{arguments:?}: {}", minster_tests::text(&output));
    minster_tests::text(&output)
}

/// Has numbers, each behind its kind, put on the list of exact-only identities or taken off it.
pub(crate) fn list(council: &Council, change: &str, numbers: &[String]) -> String {
    fs::write(council.path("numbers"), numbers.join("\n")).unwrap();
    let case = "--socket vault.sock --reference A/1 --reason order --expires SOON";
    let request = format!("request {case} exact-only {change} --numbers numbers");
    let arguments: Vec<&str> = request.split(' ').collect();
    let proposal = council.site.run("minster-vault", &arguments);
    assert!(proposal.status.success(), "{}", minster_tests::text(&proposal));
    fs::write(council.path("proposal"), &proposal.stdout).unwrap();
    for name in ["ann", "ben"] {
        let sign = format!("--proposal proposal --name {name} --key {name} --clear-key --yes");
        vault(council, &format!("approve --socket vault.sock {sign}"));
    }
    vault(council, "enact --socket vault.sock --proposal proposal")
}

fn exact_only(ran: &Ran) -> &serde_json::Value {
    &ran.summary["linkage"]["exact_only"]
}

#[test]
fn a_list_that_two_custodians_sign_puts_two_identities_apart_until_it_is_taken_back() {
    let mut council = council("E4A");
    appoint(&mut council);
    assert_eq!(ran(&council).children(), (60, 60));
    assert!(exact_only(&ran(&council)).is_null());
    // A number that no row has is told; the one that rows have marks what stands beside it.
    let numbers = [format!("la-child-id l{ADOPTED}"), format!("upn {}", upn(801))];
    let said = list(&council, "add", &numbers);
    assert!(said.contains("2 numbers put on the list"), "{said}");
    let listed = ran(&council);
    // Early help's number stands beside both, and social care's beside the number of now: these rows are linked to nobody.
    assert_eq!(listed.children(), (64, 61), "{}", listed.text);
    let expected = json!({
        "numbers": 3, "listed": 2, "listed_in_rows": 1, "listed_in_no_row": 1, "silent_numbers": 0,
        "silent_match_keys": 0, "linked_to_nobody": 3, "told_by_birth_date": 0,
    });
    assert_eq!(*exact_only(&listed), expected, "{}", listed.text);
    assert!(listed.text.contains("about 5 numbers are on the custodians' list"), "{}", listed.text);
    assert_eq!(of_linked(&council.site, "identities", "all", "changes").rows.len(), 0);
    let before = children(&council, CENSUS, "2024-autumn", "pupils")[ADOPTED as usize - 1].clone();
    let now = children(&council, CENSUS, "2025-spring", "pupils")[59].clone();
    assert_ne!(before, now);
    for child in children(&council, "early_help", "2024-25", "plans") {
        assert!(child != before && child != now);
    }
    // The same list again: nothing is linked anew.
    let manifest = || {
        let path = "store/datasets/integrated/children/2024-25/current/manifest.json";
        fs::read(council.path(path)).unwrap()
    };
    let stood = manifest();
    assert_eq!(ran(&council).children(), (64, 61));
    assert!(manifest() == stood);
    assert!(!String::from_utf8(stood).unwrap().contains(&upn(801)));
    assert_eq!(vault(&council, "exact-only --socket vault.sock"), "la-child-id\t1\nupn\t1\n");
    assert!(list(&council, "remove", &numbers).contains("0 are on it now"));
    let ran = ran(&council);
    assert_eq!(ran.children(), (60, 60), "{}", ran.text);
    assert!(exact_only(&ran).is_null());
}

/// How a council could lead from one identity to the other, the children that it then counts, and those when the old pupil
/// number is listed.
type Way = (&'static str, fn() -> Council, u64, u64);

const WAYS: [Way; 7] = [
    ("a former number", by_former_number, 60, 61),
    ("a repaired former number", by_repaired_number, 60, 61),
    ("a service's number", by_service_number, 60, 62),
    ("a name key, and a third service's", by_name_key, 60, 62),
    ("a name key of rows that are nobody's", by_nobody_s_name_key, 60, 63),
    ("the number of now on a row with the name of before", by_other_name, 61, 62),
    ("a score", by_score, 400, 402),
];

#[test]
fn no_way_leads_from_a_listed_identity_to_the_other() {
    for (way, plant, joined, apart) in WAYS {
        let mut council = plant();
        appoint(&mut council);
        let joins = ran(&council);
        assert_eq!(joins.children().0, joined, "without the list {way} joins: {}", joins.text);
        list(&council, "add", &[format!("upn {}", upn(ADOPTED))]);
        let ran = ran(&council);
        assert_eq!(ran.children().0, apart, "{way}: {}", ran.text);
        let listed = &exact_only(&ran)["listed_in_rows"];
        assert_eq!(*listed, 1, "{way}: {}", ran.text);
        let changes = of_linked(&council.site, "identities", "all", "changes");
        assert_eq!(changes.rows.len(), 0, "{way}: a split would name both");
    }
}

#[test]
fn a_sister_with_the_family_s_number_is_found_by_her_name_as_before() {
    const SISTER: u32 = 9;
    let mut council = censuses(&["early_help", "missing"], (1..=60).map(Child::at));
    appoint(&mut council);
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", pupils((1..=60).map(Child::at)));
    let rows = [ADOPTED, SISTER].map(|of| early_help_row("E1", &Child::at(of), "14/10/2024"));
    let csv = format!("{EARLY_HELP}\n{}\n", rows.join("\n"));
    council.deliver("early_help", "2024-25/early_help.csv", csv);
    let csv = episodes([ADOPTED, SISTER].map(Child::at));
    council.deliver("missing", "2024-25/missing_episodes.csv", csv);
    assert_eq!(ran(&council).linked("missing/episodes"), by_name(&[("match-key", 2)]));
    list(&council, "add", &[format!("upn {}", upn(ADOPTED))]);
    let ran = ran(&council);
    let linked = by_name(&[("match-key", 1), ("no-identifier", 1)]);
    assert_eq!(ran.linked("missing/episodes"), linked, "{}", ran.text);
    assert_eq!(exact_only(&ran)["silent_match_keys"], 1);
    assert_eq!(ran.linked("early_help/plans"), by_name(&[("identifier", 2)]));
}

/// Two censuses, and other deliveries of the year.
fn censuses(more: &[&'static str], first: impl Iterator<Item = Child>) -> Council {
    let mut deliveries = vec![(CENSUS, "2024-autumn"), (CENSUS, "2025-spring")];
    deliveries.extend(more.iter().map(|source| (*source, "2024-25")));
    let council = Council::of_deliveries(&deliveries);
    council.deliver(CENSUS, "2024-autumn/pupilonroll.csv", pupils(first));
    council
}

/// The child under its new number and another surname.
fn renamed() -> Child {
    Child { surname: "Nowakowski".into(), ..after() }
}

fn by_former_number() -> Council {
    let council = censuses(&[], (1..=60).map(Child::at));
    let spring = with_former(&pupils(others(60).chain([renamed()])), &upn(ADOPTED));
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", spring);
    council
}

fn by_repaired_number() -> Council {
    let council = censuses(&[], (1..=60).map(Child::at));
    let mut slipped = upn(ADOPTED).into_bytes();
    slipped.swap(0, 1);
    let slipped = String::from_utf8(slipped).unwrap();
    let spring = with_former(&pupils(others(60).chain([renamed()])), &slipped);
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", spring);
    council
}

/// Social care's number stands beside the old pupil number, which no census has, and beside the new one.
fn by_service_number() -> Council {
    let council = censuses(&["ssda903", "cin"], others(60));
    let spring = pupils(others(60).chain([renamed()]));
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", spring);
    let header = header_903(&[header_903_row("L7", &Child::at(ADOPTED))]);
    council.deliver("ssda903", "2024-25/header.csv", header);
    let mut episodes = EPISODES_903.join(",") + "\r\n";
    episodes += "L7,19/02/2024,S,V2,N4,U4,PR2,,,,,,\r\n";
    council.deliver("ssda903", "2024-25/episodes.csv", episodes);
    let child = cin_child(&cin_identifiers("L7", &renamed()), "WBRI", &cin_referral(""));
    council.deliver("cin", "2024-25/cin.xml", cin(&[child]));
    council
}

/// Early help has the old number and the name. The police have the name alone.
fn by_name_key() -> Council {
    let council = censuses(&["early_help", "missing"], others(60));
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", pupils(others(60).chain([after()])));
    let row = early_help_row("E1", &Child::at(ADOPTED), "14/10/2024");
    let csv = format!("{EARLY_HELP}\n{row}\n");
    council.deliver("early_help", "2024-25/early_help.csv", csv);
    let csv = episodes([Child::at(ADOPTED)]);
    council.deliver("missing", "2024-25/missing_episodes.csv", csv);
    council
}

/// Early help has one number beside both pupil numbers, and the name. The police have the name alone.
fn by_nobody_s_name_key() -> Council {
    let council = by_name_key();
    let rows = [Child::at(ADOPTED), after()].map(|of| early_help_row("E1", &of, "14/10/2024"));
    let csv = format!("{EARLY_HELP}\n{}\n", rows.join("\n"));
    council.deliver("early_help", "2024-25/early_help.csv", csv);
    council
}

/// Early help types the number of now into a record with the name of before.
fn by_other_name() -> Council {
    let council = censuses(&["early_help"], others(60));
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", pupils(others(60).chain([renamed()])));
    let rows = [
        early_help_row("E1", &Child::at(ADOPTED), "14/10/2024"),
        early_help_row("E9", &after(), "20/02/2025"),
    ];
    let csv = format!("{EARLY_HELP}\n{}\n", rows.join("\n"));
    council.deliver("early_help", "2024-25/early_help.csv", csv);
    council
}

/// Early help has the old number and the name. The police mistype the name.
fn by_score() -> Council {
    let council = censuses(&["early_help", "missing"], others(400));
    nine_in_ten(&council);
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", pupils(others(400).chain([after()])));
    let row = early_help_row("E1", &Child::at(ADOPTED), "14/10/2024");
    let csv = format!("{EARLY_HELP}\n{row}\n");
    council.deliver("early_help", "2024-25/early_help.csv", csv);
    let mistyped = swappable().filter(|place| *place != ADOPTED).take(9).chain([ADOPTED]);
    let rows = (300..=359).map(Child::at).chain(mistyped.map(mistype));
    council.deliver("missing", "2024-25/missing_episodes.csv", episodes(rows));
    council
}
