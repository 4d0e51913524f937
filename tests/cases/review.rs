//! Pairs in doubt go out blind, two reviewers judge them, and what both say is honoured.

use std::{collections::BTreeMap, fs, process::Output};

use minster_tests::{
    deliveries::{Child, Council, Ran, by_name, pupils, upn},
    text,
};

use crate::{
    CENSUS,
    exact_only::{appoint, list, vault},
    scored::{MISTYPED, episodes, scored, swappable},
    values::of_linked,
};

/// No score links, so that all whom the police mistype are in doubt.
fn doubtful() -> Council {
    let mut council = scored();
    threshold(&council, "0.9", "0.9999999");
    appoint(&mut council);
    council
}

fn threshold(council: &Council, from: &str, to: &str) {
    let [from, to] = [from, to].map(|of| format!("threshold = {of}"));
    council.change("matching.toml", |text| text.replace(&format!("{from} "), &format!("{to} ")));
}

fn ran(council: &Council) -> Ran {
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    ran
}

/// Has two custodians approve reviewers.
fn approve_reviewers(council: &Council, names: &[&str]) {
    let mut request =
        "request --socket vault.sock --reference R/1 --reason review --expires SOON reviewers \
                       --purpose children-statistics"
            .to_owned();
    for name in names {
        vault(council, &format!("custodian new --clear-key --out {name}"));
        request += &format!(" --reviewer {name}={name}.pub");
    }
    let proposal =
        council.site.run("minster-vault", &request.split_whitespace().collect::<Vec<_>>());
    assert!(proposal.status.success(), "{}", text(&proposal));
    fs::write(council.path("proposal"), &proposal.stdout).unwrap();
    for name in ["ann", "ben"] {
        let sign = format!("--proposal proposal --name {name} --key {name} --clear-key --yes");
        vault(council, &format!("approve --socket vault.sock {sign}"));
    }
    vault(council, "enact --socket vault.sock --proposal proposal");
}

fn review(council: &Council, arguments: &str) -> Ran {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    council.program("minster", &[&["review"], arguments.as_slice()].concat())
}

/// The file that a reviewer is given; gives its lines without the headings.
fn export(council: &Council, reviewer: &str) -> Vec<String> {
    let out = format!("{reviewer}.csv");
    let _ = fs::remove_file(council.path(&out));
    let ran = review(council, &format!("export --reviewer {reviewer} --out {out}"));
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let text = fs::read_to_string(council.path(&out)).unwrap();
    text.lines().skip(1).map(str::to_owned).collect()
}

/// Fills a reviewer's file in, and signs it.
fn sign(council: &Council, reviewer: &str, decisions: &BTreeMap<String, &str>) {
    let path = council.path(&format!("{reviewer}.csv"));
    let text = fs::read_to_string(&path).unwrap();
    let fill = |line: &str| {
        let decision = line.split(',').next().and_then(|id| decisions.get(id));
        format!("{line}{}\n", decision.copied().unwrap_or_default())
    };
    fs::write(&path, text.lines().map(fill).collect::<String>()).unwrap();
    let signed: Output = council.site.run(
        "minster-vault",
        &format!(
            "review sign --purpose children-statistics --decisions {reviewer}.csv --name {reviewer} --key {reviewer} --clear-key"
        )
        .split(' ')
        .collect::<Vec<_>>(),
    );
    assert!(signed.status.success(), "{}", minster_tests::text(&signed));
    fs::write(council.path(&format!("{reviewer}.csv.sig")), signed.stdout).unwrap();
}

fn import(council: &Council, reviewer: &str) -> Ran {
    review(
        council,
        &format!(
            "import --reviewer {reviewer} --decisions {reviewer}.csv --signature {reviewer}.csv.sig"
        ),
    )
}

fn ids(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| line.split(',').next().unwrap().to_owned()).collect()
}

fn decide<'a>(ids: &[String], words: &[&'a str]) -> BTreeMap<String, &'a str> {
    ids.iter().cloned().zip(words.iter().copied()).collect()
}

/// The linkage report, as people read it.
fn report(council: &Council) -> String {
    let ran = council.program("minster", &["report", "links"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    ran.text
}

fn clerical(ran: &Ran) -> &serde_json::Value {
    &ran.summary["linkage"]["clerical"]
}

#[test]
fn decisions_of_two_reviewers_are_honoured_and_their_agreement_is_told() {
    let council = doubtful();
    let first = ran(&council);
    let unlinked = by_name(&[("match-key", 60), ("not-on-spine", 2 + MISTYPED)]);
    assert_eq!(first.linked("missing/episodes"), unlinked);
    assert_eq!(clerical(&first)["pairs"], MISTYPED, "{}", first.text);
    assert_eq!(clerical(&first)["waiting"], MISTYPED, "{}", first.text);

    let refused = review(&council, "export --reviewer rae --out rae.csv");
    assert_eq!(refused.exit, 6, "{}", refused.text);
    assert!(refused.text.contains("approved no reviewer"), "{}", refused.text);
    assert!(!council.path("rae.csv").exists());
    approve_reviewers(&council, &["rae", "sol"]);

    // Blind: patterns of agreement, and ids that mean nothing outside.
    let lines = export(&council, "rae");
    assert_eq!(lines.len() as u64, MISTYPED);
    for line in &lines {
        let cells: Vec<&str> = line.split(',').collect();
        assert!(cells[0].len() == 16 && cells[0].bytes().all(|c| c.is_ascii_hexdigit()), "{line}");
        let words = ["agrees", "near", "differs", "missing"];
        assert!(cells[1..6].iter().all(|cell| words.contains(cell)), "{line}");
        assert_eq!(cells[6..], [""], "{line}");
    }
    let all = ids(&lines);
    let same = "same";
    let words = [same, same, same, same, same, "different", "different", "cannot tell"];
    sign(&council, "rae", &decide(&all, &words));
    let taken = import(&council, "rae");
    assert_eq!(taken.exit, 0, "{}", taken.text);
    assert!(taken.text.contains("8 decisions of rae"), "{}", taken.text);
    // The second reviewer is given all of them, and nothing of the first's.
    assert_eq!(export(&council, "sol"), lines);
    let words =
        [same, same, same, same, "different", "different", "different", "cannot tell", same];
    sign(&council, "sol", &decide(&all, &words));
    assert_eq!(import(&council, "sol").exit, 0);

    // 4 + 2 + 1 of 8 agree; by chance (5 · 4 + 2 · 3 + 1 · 1) / 64 would: κ = (56 − 27) / (64 − 27).
    let status = review(&council, "status");
    assert_eq!(
        status.text,
        "clerical review: 10 pairs in doubt, 1 not judged yet; cannot tell 1, different 2, disagreed 1, same 5\n  \
         rae and sol agree on 7 of 8 pairs, 87.5 %; Cohen's kappa 0.784 (n = 8)\n"
    );
    let json = review(&council, "status --json").summary;
    assert_eq!(json["review"]["agreements"][0]["reviewers"], serde_json::json!(["rae", "sol"]));

    let second = ran(&council);
    let linked = by_name(&[("match-key", 60), ("reviewed", 5), ("not-on-spine", 2 + MISTYPED - 5)]);
    assert_eq!(second.linked("missing/episodes"), linked, "{}", second.text);
    let of = clerical(&second);
    assert_eq!((&of["linked"], &of["kept_apart"]), (&5.into(), &2.into()), "{of}");
    assert!(report(&council).contains("Cohen's kappa 0.784"), "{}", report(&council));
    // Each link is a merge of two ids in the ledger, with its reason.
    let changes = of_linked(&council.site, "identities", "all", "changes");
    assert_eq!(changes.column("happened"), ["merged"; 5]);
    assert_eq!(changes.column("why"), ["a reviewer's decision"; 5]);
    // Nothing new: nothing is linked again.
    let manifest = "store/datasets/integrated/children/2024-25/current/manifest.json";
    let stood = fs::read(council.path(manifest)).unwrap();
    ran(&council);
    assert!(fs::read(council.path(manifest)).unwrap() == stood);

    // Judged again: the pair on which they disagree, and what nobody or only the other has judged.
    assert_eq!(ids(&export(&council, "rae")), [&all[4..5], &all[8..]].concat());
    assert_eq!(ids(&export(&council, "sol")), [&all[4..5], &all[9..]].concat());

    // Scores that link leave what was kept apart.
    threshold(&council, "0.9999999", "0.9");
    let third = ran(&council);
    let linked = by_name(&[
        ("match-key", 60),
        ("reviewed", 5),
        ("scored", MISTYPED - 7),
        ("not-on-spine", 2 + 2),
    ]);
    assert_eq!(third.linked("missing/episodes"), linked, "{}", third.text);
}

/// A pupil has a new number in spring, and no school wrote the former one. The police have another child.
fn two_numbers() -> Council {
    let deliveries = [(CENSUS, "2024-autumn"), (CENSUS, "2025-spring"), ("missing", "2024-25")];
    let mut council = Council::of_deliveries(&deliveries);
    council.deliver(CENSUS, "2024-autumn/pupilonroll.csv", pupils((1..=60).map(Child::at)));
    let renumbered = Child { upn: upn(800), ..Child::at(7) };
    let spring = pupils((1..=60).filter(|place| *place != 7).map(Child::at).chain([renumbered]));
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", spring);
    let csv = episodes([Child::at(9)]);
    council.deliver("missing", "2024-25/missing_episodes.csv", csv);
    appoint(&mut council);
    council
}

#[test]
fn two_pupils_are_one_where_reviewers_say_so_and_no_census_has_both() {
    let council = two_numbers();
    let before = ran(&council);
    assert_eq!((before.children(), &clerical(&before)["pairs"]), ((61, 61), &1.into()));
    approve_reviewers(&council, &["rae"]);
    let lines = export(&council, "rae");
    assert!(lines[0].ends_with(",agrees,agrees,agrees,agrees,missing,"), "{lines:?}");
    sign(&council, "rae", &decide(&ids(&lines), &["same"]));
    assert_eq!(import(&council, "rae").exit, 0);
    let after = ran(&council);
    assert_eq!((after.children(), &clerical(&after)["linked"]), ((60, 60), &1.into()));
    assert_eq!(after.summary["linkage"]["ids"]["merged"], 1);
    let changes = of_linked(&council.site, "identities", "all", "changes");
    assert_eq!(changes.column("why"), ["a reviewer's decision"]);
    // A census has both numbers: they are two children, whatever was decided.
    let both = (1..=60).map(Child::at).chain([Child { upn: upn(800), ..Child::at(7) }]);
    council.deliver(CENSUS, "2025-spring/pupilonroll.csv", pupils(both));
    let apart = ran(&council);
    assert_eq!(apart.children(), (61, 61));
    assert_eq!(clerical(&apart)["refused"]["two-pupils"], 1, "{}", report(&council));
}

#[test]
fn no_decision_is_honoured_of_an_exact_only_identity() {
    let council = doubtful();
    ran(&council);
    approve_reviewers(&council, &["rae"]);
    let all = ids(&export(&council, "rae"));
    sign(&council, "rae", &decide(&all, &["same"; 10]));
    assert_eq!(import(&council, "rae").exit, 0);
    assert_eq!(clerical(&ran(&council))["linked"], MISTYPED);
    let marked = Child::at(swappable().next().unwrap());
    list(&council, "add", &[format!("upn {}", marked.upn)]);
    let ran = ran(&council);
    let of = clerical(&ran);
    assert_eq!((&of["linked"], &of["refused"]["exact-only"]), (&9.into(), &1.into()), "{of}");
    assert!(report(&council).contains("not honoured: exact-only 1"), "{}", report(&council));
    assert_eq!(export(&council, "rae").len(), 0, "it goes out to nobody");
}

#[test]
fn an_unsigned_file_is_refused() {
    let council = doubtful();
    ran(&council);
    approve_reviewers(&council, &["rae", "sol"]);
    let all = ids(&export(&council, "rae"));
    sign(&council, "rae", &decide(&all, &["same"]));
    let path = council.path("rae.csv");
    let signed = fs::read_to_string(&path).unwrap();
    // Changed after it was signed.
    fs::write(&path, signed.replace(",same\n", ",different\n")).unwrap();
    let changed = import(&council, "rae");
    assert_eq!(changed.exit, 6, "{}", changed.text);
    assert!(changed.text.contains("not this reviewer's"), "{}", changed.text);
    // Another's.
    fs::write(&path, &signed).unwrap();
    let lent =
        review(&council, "import --reviewer sol --decisions rae.csv --signature rae.csv.sig");
    assert_eq!(lent.exit, 6, "{}", lent.text);
    // No decisions at all, or none that are.
    fs::write(&path, signed.replace(",same\n", ",CANARY\n")).unwrap();
    let none = import(&council, "rae");
    assert_eq!(none.exit, 2, "{}", none.text);
    assert!(none.text.contains("line 2") && !none.text.contains("CANARY"), "{}", none.text);
    assert!(clerical(&ran(&council))["decided"].as_object().unwrap().is_empty());
    let log = fs::read_to_string(council.path("vault/log.jsonl")).unwrap();
    assert!(log.contains(r#""event":"gave-review""#) && !log.contains(r#""event":"took-review""#));
    assert!(!log.contains(&all[0]));
    assert_eq!(ran(&council).rows(CENSUS)[0], 400);
}
