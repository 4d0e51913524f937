//! Faults in what is stored: in snapshots, manifests, releases, datasets and the log.

use std::{fs, path::Path};

use minster_tests::{Site, copy_whole, text};

use crate::{NHS, UPN, plant, verdicts::Audit};

/// Does to a dataset what someone may do who can write into the store.
pub(crate) fn snapshots(site: &Site) {
    let place = site.folder().join("store/datasets/source/early_help/2024-25");
    let current = || fs::canonicalize(place.join("current")).unwrap();
    let (older, newest) = (site.folder().join("older"), site.folder().join("newest"));
    copy_whole(&current(), &older);
    let ingest = ["run", "--again", "--config", &site.path("config/pipeline.toml")];
    let ingested = site.run("minster-ingest", &ingest);
    assert_eq!(ingested.status.code(), Some(3), "{}", text(&ingested));
    Audit::of(site, &[]).passes("log.datasets");
    copy_whole(&current(), &newest);
    let table = "plans.parquet";
    let faults: [(&str, &dyn Fn()); 5] = [
        ("not the newest", &|| copy_whole(&older, &current())),
        ("not the newest", &|| {
            let manifest = fs::read_to_string(current().join("manifest.json")).unwrap();
            fs::write(current().join("manifest.json"), manifest + " ").unwrap();
        }),
        ("is gone", &|| fs::remove_file(current().join("quarantine.jsonl")).unwrap()),
        (table, &|| {
            fs::copy(older.join(table), current().join(table)).unwrap();
        }),
        ("none of those", &|| fs::write(current().join("more"), "").unwrap()),
    ];
    for (because, plant) in faults {
        plant();
        let audit = Audit::of(site, &[]);
        audit.fails("log.datasets", &[]);
        let evidence = audit.evidence("log.datasets");
        assert!(evidence.contains(because) && evidence.contains("early_help"), "{evidence}");
        copy_whole(&newest, &current());
    }
    fs::rename(&place, site.folder().join("aside")).unwrap();
    let audit = Audit::of(site, &[]);
    assert!(audit.fails("log.datasets", &[]).evidence("log.datasets").contains("it is gone"));
    fs::rename(site.folder().join("aside"), &place).unwrap();
    Audit::of(site, &[]).passes("log.datasets");
}

pub(crate) fn keys(site: &Site) {
    let manifest =
        site.folder().join("store/datasets/source/early_help/2024-25/current/manifest.json");
    let whole = fs::read_to_string(&manifest).unwrap();
    let value = whole.split("\"key_check\": \"").nth(1).unwrap().split('"').next().unwrap();
    let changed = |from: &str, to: &str| fs::write(&manifest, whole.replace(from, to)).unwrap();

    changed(value, &"0".repeat(value.len()));
    let audit = Audit::of(site, &[]);
    audit.fails("keys.manifests", &[]).passes("keys.purposes").passes("keys.statement");
    changed("\"key_version\": 1", "\"key_version\": 2");
    Audit::of(site, &[]).fails("keys.manifests", &[]);
    changed("children-statistics", "unnamed");
    let audit = Audit::of(site, &[]);
    audit.fails("keys.purposes", &[]).fails("keys.manifests", &[]);
    assert!(audit.evidence("keys.purposes").contains("unnamed is not named in the vault"));
    // Another dataset's key does not open it.
    let other = site.folder().join("store/datasets/source/sen2/2024-25/current/manifest.json");
    let other = fs::read_to_string(other).unwrap();
    let wrapped = |text: &str| {
        text.split("\"wrapped_key\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    changed(&wrapped(&whole), &wrapped(&other));
    Audit::of(site, &[]).fails("leakage.datasets", &[]);
    fs::write(&manifest, &whole).unwrap();

    let note =
        text(&site.run("minster-vault", &["statement", "--socket", &site.path("vault.sock")]));
    let file = site.path("statement.note");
    fs::write(&file, &note).unwrap();
    Audit::of(site, &["--statement", &file]).passes("keys.statement").passes("keys.manifests");
    fs::write(&file, note.replace("2030-12-31", "2040-12-31")).unwrap();
    let audit = Audit::of(site, &["--statement", &file]);
    audit.fails("keys.statement", &[]).is_left("keys.manifests", "no statement");
    // Another's key, and none.
    let another = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    fs::write(&file, &note).unwrap();
    Audit::of(site, &["--statement", &file, "--verifier", another]).fails("keys.statement", &[]);
    Audit::of(site, &["--statement", &file, "--verifier", "none"]).fails("keys.statement", &[]);
}

pub(crate) fn leakage(site: &Site) {
    let store = site.folder().join("store");
    let releases = store.join("releases/children/2024-25");
    let planted = |file: &Path, text: &str, id: &str, options: &[&str]| {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        let audit = Audit::of(site, options);
        fs::remove_file(file).unwrap();
        audit.fails(id, &[UPN, NHS, &UPN.to_lowercase(), &NHS.replace(' ', "")]);
    };
    let current = releases.join("current/planted.csv");
    planted(&current, &format!("ward,child\nW01,{UPN}\n"), "leakage.releases", &[]);
    planted(
        &current,
        &format!("ward,child\nW01,{}\n", UPN.to_lowercase()),
        "leakage.releases",
        &[],
    );
    planted(&current, &format!("ward,child\nW01,{NHS}\n"), "leakage.releases", &[]);
    planted(&releases.join(format!("{UPN}.csv")), "", "leakage.releases", &[]);
    planted(&releases.join("no.parquet"), UPN, "leakage.releases", &[]);
    let table = releases.join("planted.parquet");
    plant::clear_table(&table, UPN);
    assert!(!fs::read(&table).unwrap().windows(UPN.len()).any(|window| window == UPN.as_bytes()));
    Audit::of(site, &[]).fails("leakage.releases", &[UPN]).passes("leakage.files");
    plant::clear_table(&table, &format!("{}|{}", &UPN[..5], &UPN[5..]));
    Audit::of(site, &[]).fails("leakage.releases", &[UPN, &UPN[5..]]);
    fs::remove_file(table).unwrap();

    let reasons = "datasets/source/early_help/2024-25/current/quarantine.jsonl";
    let was = fs::read_to_string(store.join(reasons)).unwrap();
    planted(
        &store.join(reasons),
        &format!("{was}{{\"column\":\"{UPN}\"}}\n"),
        "leakage.files",
        &[],
    );
    fs::write(store.join(reasons), was).unwrap();
    planted(&store.join("staging/source.x/rows.tmp"), &format!("{UPN}\n"), "leakage.files", &[]);
    planted(&store.join("ledger/2024-25/x.json"), &format!("[\"{NHS}\"]"), "leakage.files", &[]);
    let also = site.path("output.log");
    let line = format!("error: row 3: {UPN} is not known\n");
    planted(Path::new(&also), &line, "leakage.logs", &["--also", &also]);
    Audit::of(site, &["--also", &also]).is_left("leakage.logs", "cannot be read");

    // Chance is no leak: strings of the form, right and wrong as chance has it.
    let by_chance: String = (0..600)
        .map(|at| format!("A{:012}\n", at * 7_919_201_731u64 % 1_000_000_000_000))
        .collect();
    fs::write(&current, by_chance).unwrap();
    let audit = Audit::of(site, &[]);
    audit.passes("leakage.releases");
    assert!(audit.evidence("leakage.releases").contains("600 strings of their form"));
    fs::remove_file(&current).unwrap();
    Audit::of(site, &[]).passes("leakage.releases").passes("leakage.files").passes("leakage.logs");
}

pub(crate) fn datasets(site: &Site) {
    let clean = plant::dataset(site, "planted", "children-statistics", &["W01", "W02"], [1; 16]);
    let audit = Audit::of(site, &[]);
    audit.passes("leakage.datasets").passes("keys.manifests").passes("keys.disjoint");
    fs::remove_dir_all(clean).unwrap();

    // One number, in two columns.
    let halves = format!("{}|{}", &UPN[..5], &UPN[5..]);
    let split = plant::dataset(site, "planted", "children-statistics", &["W01", &halves], [1; 16]);
    Audit::of(site, &[]).fails("leakage.datasets", &[UPN, &UPN[5..]]);
    fs::remove_dir_all(split).unwrap();

    let leaking = plant::dataset(site, "planted", "children-statistics", &["W01", UPN], [1; 16]);
    let audit = Audit::of(site, &[]);
    audit.fails("leakage.datasets", &[UPN]).passes("keys.manifests").passes("leakage.files");
    assert!(audit.evidence("leakage.datasets").contains("source/planted/2024-25"));

    let other = plant::dataset(site, "elsewhere", "other", &["W01"], [2; 16]);
    let audit = Audit::of(site, &[]);
    audit.passes("keys.disjoint").passes("keys.purposes");
    assert!(audit.evidence("keys.disjoint").contains("none is in both"));
    fs::remove_dir_all(other).unwrap();
    let other = plant::dataset(site, "elsewhere", "other", &["W01"], [1; 16]);
    let audit = Audit::of(site, &[]);
    audit.fails("keys.disjoint", &["01010101"]);
    assert!(audit.evidence("keys.disjoint").contains("1 are in both"));
    fs::remove_dir_all(other).unwrap();
    fs::remove_dir_all(leaking).unwrap();
}

pub(crate) fn log(site: &Site) {
    let copy = site.path("copy.jsonl");
    let whole = fs::read_to_string(site.path("vault/log.jsonl")).unwrap();
    let of = |text: &str| {
        fs::write(&copy, text).unwrap();
        Audit::of(site, &["--log", &copy])
    };
    of(&whole).passes("log.chain").passes("log.checkpoints");
    let lines: Vec<&str> = whole.lines().collect();
    let changed =
        whole.replacen("\"program\":\"minster-ingest\"", "\"program\":\"minster-ingesT\"", 1);
    assert_ne!(changed, whole);
    of(&changed).fails("log.chain", &[]).fails("log.checkpoints", &[]);
    of(&[&lines[..3], &lines[4..]].concat().join("\n")).fails("log.chain", &[]);
    let mut moved = lines.clone();
    moved.swap(3, 4);
    of(&(moved.join("\n") + "\n")).fails("log.chain", &[]);
    of(&([&lines[..4], &lines[3..]].concat().join("\n") + "\n")).fails("log.chain", &[]);
    // Readers see the releases that somebody let out.
    of(&whole).passes("log.releases");
    let table = site.folder().join("store/releases/children/2024-25/current/sen_by_ward.csv");
    let text = fs::read_to_string(&table).unwrap();
    fs::write(&table, text.replacen(",c", ",", 1)).unwrap();
    of(&whole).fails("log.releases", &[]);
    fs::write(&table, text).unwrap();
    // Nobody let out a file that stands beside those of the manifest.
    let more = table.with_file_name("more.csv");
    fs::write(&more, "").unwrap();
    of(&whole).fails("log.releases", &[]);
    fs::remove_file(&more).unwrap();
    of(&whole).passes("log.releases");
    let (children, planted) =
        (site.folder().join("store/releases/children"), "store/releases/more");
    copy_whole(&children, &site.folder().join(planted));
    let audit = of(&whole);
    audit.fails("log.releases", &[]);
    assert!(audit.evidence("log.releases").contains("more of 2024-25: the log does not say"));
    // It says its rules itself; the vault states what the purpose asks for.
    audit.passes("releases.floors");
    let manifest = site.folder().join(planted).join("2024-25/current/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    for (weaker, told) in [
        (text.replace("\"threshold\": 5", "\"threshold\": 3"), "its threshold is below 5"),
        (text.replace("\"threshold\": 5", "\"limit\": 5"), "it does not say by which rules"),
    ] {
        assert_ne!(weaker, text);
        fs::write(&manifest, weaker).unwrap();
        let audit = Audit::of(site, &[]);
        audit.fails("releases.floors", &[]);
        let evidence = audit.evidence("releases.floors");
        assert!(evidence.contains(&format!("more of 2024-25: {told}")), "{evidence}");
    }
    fs::remove_dir_all(site.folder().join(planted)).unwrap();
    // Whole, but shorter than what a checkpoint covers.
    let cut = lines[..5].join("\n") + "\n";
    let audit = of(&cut);
    audit.passes("log.chain").fails("log.checkpoints", &[]);
    assert!(
        audit.evidence("log.checkpoints").contains("its tail was cut"),
        "{}",
        audit.evidence("log.checkpoints")
    );
    Audit::of(site, &["--log", &site.path("none")]).is_left("log.chain", "none");
    // A checkpoint that was changed, and one of another vault's log.
    let folder = site.folder().join("auditor");
    let note = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let note = note.filter(|path| path.file_name().unwrap() != "verifier.txt").max().unwrap();
    let was = fs::read_to_string(&note).unwrap();
    fs::write(&note, was.replacen("\n", "\n1", 1)).unwrap();
    Audit::of(site, &[]).passes("log.chain").fails("log.checkpoints", &[]);
    fs::write(&note, was).unwrap();
    let other = Site::new();
    Audit::of(site, &["--log", &other.path("vault/log.jsonl")])
        .passes("log.chain")
        .fails("log.checkpoints", &[]);
    fs::remove_file(copy).unwrap();
}
