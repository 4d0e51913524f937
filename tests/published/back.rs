//! From a release back to its sources, built again, and what was refused beside it.

use std::{collections::BTreeMap, fs, path::PathBuf};

use minster_tests::{files, text};
use serde_json::Value;

use crate::{OTHER, done, ends, json, released, run};

#[test]
fn a_release_leads_back_to_its_files_is_built_again_and_what_it_hinders_is_kept() {
    let site = released();
    let config = site.folder().join("config/tables");
    to_the_files(&site);
    for name in ["children", "other"] {
        let told = done(&site, &format!("reproduce {name}"));
        assert!(told.contains(&format!("{name} of 2024-25 is the same again: ")), "{told}");
        assert!(!told.contains("since then"), "{told}");
    }

    // A release about the same children under another threshold.
    assert_eq!(done(&site, "refusals"), "nothing was refused of late\n");
    let third = OTHER.replace("\"other\"", "\"third\"").replace("threshold = 5", "threshold = 7");
    fs::write(config.join("third.toml"), third).unwrap();
    for _ in 0..2 {
        ends(&site, "aggregate third", 4);
    }
    let told = json(&site, "refusals");
    let [refusal] = told["refusals"].as_array().unwrap().as_slice() else { panic!("{told}") };
    let fields = ["release", "step", "code"].map(|field| refusal[field].as_str().unwrap());
    assert_eq!(fields, ["third", "draft", "other-policy"]);
    assert_eq!(refusal["beside"], serde_json::json!(["children of 2024-25"]));
    assert_ne!(refusal["first"], refusal["last"], "the same refusal is kept once");
    assert_eq!(refusal["columns"], serde_json::json!([]), "it is about no column");
    let told = done(&site, "refusals");
    assert!(told.contains("threshold, policy for zeros or insider; use the same"), "{told}");
    // A list that cannot be read hides no refusal; and none of its text is kept.
    let list = site.folder().join("store/refusals.json");
    assert!(!fs::read_to_string(&list).unwrap().contains("threshold"));
    let aside = site.folder().join("refusals.json");
    fs::rename(&list, &aside).unwrap();
    fs::create_dir(&list).unwrap();
    let told = ends(&site, "aggregate third", 4);
    assert!(told.contains("the refusal is not kept for `minster refusals`"), "{told}");
    fs::remove_dir(&list).unwrap();
    fs::rename(&aside, &list).unwrap();
    fs::remove_file(config.join("third.toml")).unwrap();
    let audited = site.run("minster-audit", &["--only", "store.unknown"]);
    assert!(text(&audited).contains("PASS"), "the list is no foreign file: {}", text(&audited));

    linked_anew(&site);
    other_data(&site);
    let report = site.folder().join("store/datasets/report");
    fs::remove_dir_all(report).unwrap();
    let told = ends(&site, "lineage children", 11);
    assert!(told.contains("\nMISSING report/children-"), "{told}");
    let told = ends(&site, "lineage childern", 2);
    assert!(told.contains("did you mean children?"), "{told}");
}

/// Every source's file, by its hash; and the steps lead from the release to each delivery.
fn to_the_files(site: &minster_tests::Site) {
    let told = json(site, "lineage children");
    let lineage = &told["lineage"];
    assert_eq!(lineage["missing"], serde_json::json!([]));
    assert_eq!(lineage["files_stand"], true);
    assert_eq!(lineage["purpose"], "children-statistics");
    assert_eq!(lineage["let_out"]["uid"], rustix::process::getuid().as_raw());
    let steps = lineage["steps"].as_array().unwrap();
    let by_hash: BTreeMap<&str, &Value> =
        steps.iter().map(|step| (step["manifest_sha256"].as_str().unwrap(), step)).collect();
    let council: BTreeMap<String, PathBuf> = files(&site.folder().join("council"))
        .into_iter()
        .map(|(path, bytes)| (minster_store::sha256_hex(&bytes), path))
        .collect();
    let (mut inputs, mut todo) = (0, vec![steps[0]["manifest_sha256"].as_str().unwrap()]);
    assert_eq!(steps[0]["dataset"]["class"], "report");
    let mut reached = std::collections::BTreeSet::new();
    while let Some(sha256) = todo.pop() {
        let step = by_hash[sha256];
        if !reached.insert(sha256) {
            continue;
        }
        assert_eq!(step["stands"], "current");
        assert!(step["program"].is_string() && step["definition_sha256"].is_string(), "{step}");
        let made_of = step["made_of"].as_array().into_iter().flatten();
        todo.extend(made_of.map(|sha256| sha256.as_str().unwrap()));
        for input in step["inputs"].as_array().into_iter().flatten() {
            let path = &council[input["sha256"].as_str().unwrap()];
            assert!(path.ends_with(input["name"].as_str().unwrap()), "{input}");
            inputs += 1;
        }
    }
    assert_eq!(reached.len(), steps.len());
    assert!(inputs > 10, "{inputs} files");
    approvals(site);
    let told = done(site, "lineage children");
    assert!(told.contains("; the store has these\n") && !told.contains("MISSING"), "{told}");
    forged_successor(site, &steps[1]["dataset"]);
}

/// The log has who made the purpose and who let the release out; another release's persons are not told.
fn approvals(site: &minster_tests::Site) {
    let uid = rustix::process::getuid().as_raw();
    let told = json(site, "lineage children --approvals");
    let steps = told["approvals"].as_array().unwrap();
    let what = |step: &Value| step["what"].as_str().unwrap().to_owned();
    let sha256 = &told["lineage"]["sha256"].as_str().unwrap()[..16];
    let expected = [
        "the purpose children-statistics, as the vault was made".to_owned(),
        format!("let out SHA-256 {sha256}…"),
    ];
    assert_eq!(steps.iter().map(what).collect::<Vec<_>>(), expected);
    assert_eq!(steps[1]["uid"], uid);
    let told = done(site, "lineage children --approvals");
    assert!(told.contains(&format!("  let out SHA-256 {sha256}… by uid {uid}\n")), "{told}");
    assert!(told.contains("\napprovals, as the vault's log has them\n"), "{told}");
    assert!(!done(site, "lineage children").contains("\napprovals"));
}

/// A manifest that says of itself that it came of the one that the report names, and that the vault's log does not have.
fn forged_successor(site: &minster_tests::Site, dataset: &Value) {
    let part = |name: &str| dataset[name].as_str().unwrap();
    let place = format!("store/datasets/{}/{}/{}", part("class"), part("name"), part("period"));
    let path = site.folder().join(place).join("current/manifest.json");
    let whole = fs::read(&path).unwrap();
    let mut forged: Value = serde_json::from_slice(&whole).unwrap();
    forged["rekeyed_from"] = minster_store::sha256_hex(&whole).into();
    forged["program"] = "forged".into();
    fs::write(&path, forged.to_string()).unwrap();
    let told = ends(site, "lineage children", 11);
    assert!(told.contains("\nMISSING ") && !told.contains("forged"), "{told}");
    fs::write(&path, whole).unwrap();
}

/// The same rows linked anew: the release is the same, and it is said that its snapshot stands no more.
fn linked_anew(site: &minster_tests::Site) {
    let linked = run(site, "run --again");
    assert!(matches!(linked.status.code(), Some(0 | 3)), "{}", text(&linked));
    let told = done(site, "reproduce other");
    assert!(told.contains("is the same again"), "{told}");
    assert!(
        told.contains("since then: it was made of the snapshot of integrated/children"),
        "{told}"
    );
    let output = run(site, "lineage other");
    let told = text(&output);
    let (kept, gone) = (told.contains("a newer snapshot stands"), told.contains("it is gone"));
    assert!(kept || gone, "{told}");
    assert_eq!(output.status.code(), Some(if gone { 11 } else { 0 }), "{told}");
    assert_eq!(told.contains("\nMISSING integrated/children"), gone, "{told}");
}

/// Fewer pupils: the files with numbers are others.
fn other_data(site: &minster_tests::Site) {
    let rolls = files(&site.folder().join("council/school_census"));
    for (path, bytes) in
        rolls.into_iter().filter(|(path, _)| path.to_string_lossy().ends_with("pupilonroll.csv"))
    {
        let roll = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = roll.lines().collect();
        fs::write(path, lines[..lines.len() - 60].join("\n") + "\n").unwrap();
    }
    let job = site.job();
    assert!(matches!(job.status.code(), Some(0 | 3 | 4)), "{}", text(&job));
    let told = ends(site, "reproduce other", 9);
    assert!(
        told.contains("DIFFERS  by_sex.csv\n") && told.contains("DIFFERS  manifest.json"),
        "{told}"
    );
}
