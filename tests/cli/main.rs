//! The whole job on a small made-up council, as a person runs it.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod begin;
mod ending;
mod errors;
mod governing;
mod keeping;
mod packaging;
mod pipes;
mod telling;
mod told;

use minster_tests::{Site, files, text, text as text_of};

fn released(site: &Site) -> Vec<(String, Vec<u8>)> {
    let folder = site.folder().join("store/releases");
    files(&folder)
        .into_iter()
        .map(|(path, bytes)| {
            (path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned(), bytes)
        })
        .collect()
}

#[test]
fn the_job_runs_from_sources_to_released_tables_and_gives_the_same_bytes_twice() {
    let site = Site::new();
    site.make_council(3000, 3);
    let config = site.path("config/pipeline.toml");
    let plan = site.run("minster", &["plan", "--config", &config]);
    assert_eq!(plan.status.code(), Some(0), "{}", text(&plan));
    assert!(text(&plan).contains("attendance.csv -> sessions"), "{}", text(&plan));
    assert!(!site.folder().join("store").exists(), "a plan writes nothing");

    let first = site.job();
    assert_eq!(first.status.code(), Some(3), "{}", text(&first));
    assert!(!site.folder().join("store/releases").exists(), "nothing is public yet");
    let let_out = site.release();
    assert_eq!(let_out.status.code(), Some(0), "{}", text(&let_out));
    for said in [
        "attendance",
        "bad-check-letter",
        "pupils of the council's schools",
        "sen_by_ward",
        "quarantine",
        "draft children of 2024-25: nothing of it is public",
        "minster release children --config ",
    ] {
        assert!(text(&first).contains(said), "{said}: {}", text(&first));
    }
    let before = released(&site);
    assert!(before.iter().any(|(name, _)| name.ends_with("sen_by_ward.parquet")));

    for threads in ["1", "2", "4"] {
        let pipeline = std::fs::read_to_string(&config).unwrap();
        let changed = pipeline
            .lines()
            .filter(|line| !line.starts_with("threads"))
            .collect::<Vec<_>>()
            .join("\n");
        std::fs::write(&config, format!("threads = {threads}\n{changed}")).unwrap();
        assert_eq!(site.job().status.code(), Some(3));
        assert!(before == released(&site), "{threads} threads");
    }
}

#[test]
fn the_linkage_is_nearly_all_of_what_the_truth_allows() {
    let site = Site::new();
    site.make_council(3000, 1);
    assert_eq!(site.job().status.code(), Some(3));
    let config = site.path("config/pipeline.toml");
    let report = site.run("minster", &["report", "links", "--json", "--config", &config]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    let truth = std::fs::read_to_string(site.folder().join("truth/children.csv")).unwrap();
    let on_spine = truth.lines().filter(|line| line.ends_with("true")).count() as f64;
    let found = report["on_spine"].as_u64().unwrap() as f64;
    assert!((found / on_spine - 1.0).abs() < 0.02, "{found} of {on_spine}");
    for table in report["tables"].as_array().unwrap() {
        let rows = table["rows"].as_u64().unwrap();
        let sum = |key: &str| {
            table[key].as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum::<u64>()
        };
        assert_eq!(rows, sum("linked") + sum("unlinked"), "{table}");
        assert!(rows > 0, "{table}");
    }
}

#[test]
fn a_new_column_stops_the_run_and_is_named() {
    let site = Site::new();
    site.make_council(300, 1);
    let file = site.folder().join("council/early_help/2024-25/early_help.csv");
    let changed = std::fs::read_to_string(&file).unwrap().replacen("reason", "reason,religion", 1);
    std::fs::write(&file, changed).unwrap();
    let run = site.job();
    assert_eq!(run.status.code(), Some(2), "{}", text(&run));
    assert!(text(&run).contains("`religion` has no treatment"), "{}", text(&run));
    assert!(!site.folder().join("store/datasets").exists(), "nothing was read further");
}

#[test]
fn each_failure_has_its_exit_code() {
    let site = Site::new();
    site.make_council(300, 1);
    let config = site.path("config/pipeline.toml");

    let held = std::fs::File::create({
        std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
            .create(site.folder().join("store"))
            .unwrap();
        site.folder().join("store/lock")
    })
    .unwrap();
    held.lock().unwrap();
    assert_eq!(site.job().status.code(), Some(8));
    drop(held);

    let pipeline = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, pipeline.replace("children-statistics", "another-purpose")).unwrap();
    let other = site.job();
    assert_eq!(other.status.code(), Some(6), "{}", text(&other));
    assert!(text(&other).contains("another-purpose"));
    std::fs::write(&config, &pipeline).unwrap();

    let table = site.folder().join("config/tables/children.toml");
    let definition = std::fs::read_to_string(&table).unwrap();
    std::fs::write(&table, definition.replace("threshold = 5", "threshold = 500000")).unwrap();
    let refused = site.job();
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused));
    assert!(!site.folder().join("store/releases").exists());
    std::fs::write(&table, definition).unwrap();

    assert_eq!(site.job().status.code(), Some(3));
    let link = site.command("minster", &["link", "--config", &config]);
    let manifest =
        site.folder().join("store/datasets/source/early_help/2024-25/current/manifest.json");
    let counted = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, counted.replacen("\"accepted\": ", "\"accepted\": 1", 1)).unwrap();
    let lost = { link }.output().unwrap();
    assert_eq!(lost.status.code(), Some(7), "{}", text(&lost));
    assert!(text(&lost).contains("another manifest stands there"), "{}", text(&lost));
    std::fs::write(&manifest, counted).unwrap();

    site.stop_vault();
    let gone = site.job();
    assert_eq!(gone.status.code(), Some(6), "{}", text(&gone));
    assert_eq!(site.run("minster", &["run", "--of-no-kind"]).status.code(), Some(2));
}

#[test]
fn a_link_across_purposes_is_refused() {
    let purposes =
        std::fs::read_to_string(minster_tests::root().join("config/purposes.toml")).unwrap();
    let other = minster_tests::first_purpose().replace("\"children-statistics\"", "\"other\"");
    let site = Site::with_purposes(&(purposes + &other));
    site.make_council(300, 1);
    assert_eq!(site.job().status.code(), Some(3));
    let config = site.path("config/pipeline.toml");
    let pipeline = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, pipeline.replace("children-statistics", "other")).unwrap();
    let link = site.run("minster", &["link", "--config", &config]);
    assert_eq!(link.status.code(), Some(2), "{}", text(&link));
    assert!(text(&link).contains("two purposes cannot be joined"), "{}", text(&link));
}

#[test]
fn a_release_that_cannot_be_written_leaves_the_last_one_whole() {
    let site = Site::new();
    site.make_council(300, 1);
    let first = site.released();
    assert_eq!(first.status.code(), Some(3));
    // Three hundred pupils are few for so many wards, and the run says so.
    assert!(text(&first).contains("note: "), "{}", text(&first));
    assert!(text(&first).contains("without ward it would be"), "{}", text(&first));
    let before = released(&site);
    let table = site.folder().join("config/tables/children.toml");
    let definition = std::fs::read_to_string(&table).unwrap();
    std::fs::write(&table, definition.replacen("title = \"", "title = \"All ", 1)).unwrap();
    let drafted =
        site.run("minster", &["aggregate", "--config", &site.path("config/pipeline.toml")]);
    assert_eq!(drafted.status.code(), Some(0), "{}", text(&drafted));
    assert!(before == released(&site), "a draft changes nothing public");
    let config = site.path("config/pipeline.toml");
    let reason = ["withdraw", "children", "--reason", "another title", "--config", &config];
    let withdrawn = site.run("minster", &reason);
    assert_eq!(withdrawn.status.code(), Some(0), "{}", text(&withdrawn));
    let before = released(&site);
    // No file may grow past one block, as on a full disk; the shell's ignored signal is inherited.
    let limited = format!(
        "trap '' XFSZ; ulimit -f 1; exec '{}' release children --config '{}'",
        minster_tests::programs().join("minster").display(),
        site.path("config/pipeline.toml"),
    );
    let full = std::process::Command::new("sh").args(["-c", &limited]).output().unwrap();
    assert_eq!(full.status.code(), Some(7), "{}", text(&full));
    assert!(text(&full).contains("cannot write"), "{}", text(&full));
    assert!(before == released(&site));
    let again = site.release();
    assert_eq!(again.status.code(), Some(0), "{}", text(&again));
    assert!(before != released(&site));
}

#[test]
fn a_release_stands_though_the_data_change() {
    let site = Site::new();
    site.make_council(1000, 1);
    assert_eq!(site.released().status.code(), Some(3));
    let before = released(&site);
    let census = site.folder().join("council/school_census/2025-summer");
    let pupils = census.join("2025_summer_pupilonroll.csv");
    let text = std::fs::read_to_string(&pupils).unwrap();
    let fewer: Vec<&str> = text.lines().take(text.lines().count() - 20).collect();
    std::fs::write(&pupils, fewer.join("\n") + "\n").unwrap();
    let attendance = site.folder().join("council/attendance/2024-25/attendance.csv");
    let text = std::fs::read_to_string(&attendance).unwrap();
    let fewer: Vec<&str> = text.lines().take(text.lines().count() - 200).collect();
    std::fs::write(&attendance, fewer.join("\n") + "\n").unwrap();
    let again = site.job();
    assert_eq!(again.status.code(), Some(3), "{}", text_of(&again));
    for said in ["children of 2024-25 kept", "stands as it was published", "numbers are others now"]
    {
        assert!(text_of(&again).contains(said), "{said}: {}", text_of(&again));
    }
    assert!(before == released(&site));
    let metrics = std::fs::read_to_string(site.folder().join("minster.prom")).unwrap();
    let kept = "minster_release_progress{release=\"children\",progress=\"kept\"} 1";
    assert!(metrics.contains(kept), "{metrics}");
    let config = site.path("config/pipeline.toml");
    let stands = site.run("minster", &["release", "children", "--config", &config]);
    assert_ne!(stands.status.code(), Some(0), "{}", text_of(&stands));
    assert!(before == released(&site));
}

#[test]
fn a_second_release_is_protected_together_with_the_first() {
    let site = Site::new();
    site.make_council(1000, 1);
    assert_eq!(site.released().status.code(), Some(3));
    let tables = site.folder().join("config/tables");
    let definition = std::fs::read_to_string(tables.join("children.toml")).unwrap();
    let head = definition.split("[[table]]").next().unwrap();
    let again = head.replacen("name = \"children\"", "name = \"again\"", 1)
        + "[[table]]\nname = \"ward_by_sex\"\ndimensions = [\"ward\", \"sex\"]\n";
    std::fs::write(tables.join("again.toml"), &again).unwrap();
    let both = site.released();
    assert_eq!(both.status.code(), Some(3), "{}", text_of(&both));
    // The first release withholds what the second must not show.
    let rows = |name: &str| -> Vec<Vec<String>> {
        let path = site.folder().join("store/releases").join(name);
        let text = minster_tests::without_origin(&std::fs::read_to_string(path).unwrap());
        text.lines().map(|row| row.split(',').map(str::to_owned).collect()).collect()
    };
    let first = rows("children/2024-25/current/sen_by_ward.csv");
    let second = rows("again/2024-25/current/ward_by_sex.csv");
    let total = |row: &&Vec<String>| row[2] == "All";
    let margins: Vec<_> =
        first.iter().filter(total).map(|row| [&row[0], &row[1], &row[3]]).collect();
    assert!(margins.len() > 20);
    for row in second.iter().skip(1) {
        assert!(margins.contains(&[&row[0], &row[1], &row[2]]), "{row:?}");
    }

    // Those without a plan: the first releases do not show all that the two would share.
    let chosen = |column: &str| {
        again.replacen("\"again\"", "\"fewer\"", 1).replacen(
            "population = \"spine\"",
            &format!("population = \"spine\"\nwhere = [{{ column = {column} }}]"),
            1,
        )
    };
    std::fs::write(tables.join("fewer.toml"), chosen("\"sen\", in = [\"N\", \"K\"]")).unwrap();
    let nested = site.job();
    assert_eq!(nested.status.code(), Some(4), "{}", text_of(&nested));
    assert!(text_of(&nested).contains("divide by sen in one release"), "{}", text_of(&nested));

    // Those who were never excluded: in many wards the difference from all is a child or two.
    std::fs::write(tables.join("fewer.toml"), chosen("\"exclusions\", below = 1")).unwrap();
    let differing = site.job();
    assert_eq!(differing.status.code(), Some(4), "{}", text_of(&differing));
    assert!(text_of(&differing).contains("divide by exclusions in one release"));
    assert!(!site.folder().join("store/releases/fewer").exists());
    std::fs::remove_file(tables.join("fewer.toml")).unwrap();

    // Another name for the period is no way round: the children are the same.
    let pipeline = std::fs::read_to_string(site.path("config/pipeline.toml")).unwrap();
    let renamed = pipeline.replacen("period = \"2024-25\"", "period = \"2024-25b\"", 1);
    std::fs::write(site.path("config/pipeline.toml"), renamed).unwrap();
    let elsewhere = site.released();
    assert_eq!(elsewhere.status.code(), Some(3), "{}", text_of(&elsewhere));
    for (before, now) in first
        .iter()
        .zip(rows("children/2024-25b/current/sen_by_ward.csv"))
        .filter(|(b, _)| b[4] == "c")
    {
        assert_eq!((&before[..3], now[4].as_str()), (&now[..3], "c"));
    }
}

#[test]
fn a_release_is_checked_again_and_explained() {
    let site = Site::new();
    site.make_council(1000, 1);
    assert_eq!(site.released().status.code(), Some(3));
    let config = site.path("config/pipeline.toml");
    let verify = || site.run("minster", &["verify", "children", "--config", &config]);
    let checked = verify();
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    assert!(text(&checked).contains("PASS  children: for every cell"), "{}", text(&checked));
    assert!(text(&checked).contains("PASS  sessions_missed: for every"), "{}", text(&checked));
    assert!(!text(&checked).contains("FAIL"), "{}", text(&checked));

    let explain = |more: &[&str]| {
        let arguments = [&["explain", "children", "--config", &config], more].concat();
        let explained = site.run("minster", &arguments);
        assert_eq!(explained.status.code(), Some(0), "{}", text(&explained));
        text(&explained)
    };
    assert!(explain(&[]).contains("withheld because it is below the threshold"));
    let folder = site.folder().join("store/releases/children/2024-25/current");
    let table = std::fs::read_to_string(folder.join("looked_after_by_ward.csv")).unwrap();
    let cells = minster_tests::without_origin(&table);
    let withheld = cells.lines().find(|row| row.ends_with(",c")).unwrap();
    let [ward, looked_after, ..] = withheld.split(',').collect::<Vec<_>>()[..] else { panic!() };
    let (ward, looked_after) = (format!("ward={ward}"), format!("looked_after={looked_after}"));
    let of_cell =
        ["--table", "looked_after_by_ward", "--exact", "--cell", &ward, "--cell", &looked_after];
    let of_one = explain(&of_cell);
    assert!(of_one.contains("the certificates show it from"), "{withheld}");
    assert!(of_one.contains("the published numbers leave open"), "{of_one}");

    // A number that the pattern withholds is put back.
    let file = folder.join("looked_after_by_ward.csv");
    std::fs::write(&file, table.replacen(",,c", ",1,", 1)).unwrap();
    let changed = verify();
    assert_eq!(changed.status.code(), Some(9), "{}", text(&changed));
    assert!(text(&changed).contains("FAIL  the files are those"), "{}", text(&changed));
    // The report is for the analyst and the auditor: in clear it says nothing.
    let reports = site.folder().join("store/datasets/report");
    let whole: Vec<u8> = files(&reports).into_iter().flat_map(|(_, bytes)| bytes).collect();
    let has = |what: &[u8]| whole.windows(what.len()).any(|window| window == what);
    assert!(has(b"PAR") && !has(b"below-threshold") && !has(b"All wards"));
}

#[test]
fn a_mistake_in_a_definition_is_named_with_its_line() {
    let site = Site::new();
    site.make_council(300, 1);
    assert_eq!(site.job().status.code(), Some(3));
    let config = site.path("config/pipeline.toml");
    let file = site.folder().join("config/tables/children.toml");
    let whole = std::fs::read_to_string(&file).unwrap();
    let line_of =
        |text: &str, what: &str| 1 + text.lines().position(|line| line.contains(what)).unwrap();
    for (right, wrong, said) in [
        (
            "dimensions = [\"ward\", \"looked",
            "dimensions = [\"wrad\", \"looked",
            "did you mean ward?",
        ),
        ("column = \"year_group\"", "column = \"year_grup\"", "did you mean year_group?"),
        ("lookup = \"ward_locality\"", "lookup = \"ward_localty\"", "did you mean ward_locality?"),
        ("categories = [\"yes\"]", "categories = [\"yess\"]", "did you mean yes?"),
        ("sum = \"sessions_missed\"", "sum = \"sessions_mised\"", "did you mean sessions_missed?"),
    ] {
        let broken = whole.replacen(right, wrong, 1);
        std::fs::write(&file, &broken).unwrap();
        let run = site.run("minster", &["aggregate", "--config", &config]);
        assert_eq!(run.status.code(), Some(2), "{}", text(&run));
        assert!(text(&run).contains(said), "{}", text(&run));
        // A measure is named by the line that it begins at.
        let at = line_of(&broken, wrong);
        let near = (at - 2..=at).any(|at| text(&run).contains(&format!("line {at}:")));
        assert!(near, "line {at}: {}", text(&run));
    }
}

#[test]
fn the_schema_of_definitions_is_the_one_that_is_kept() {
    let site = Site::new();
    let schema = site.run("minster", &["schema"]);
    let kept = std::fs::read_to_string(minster_tests::root().join("config/tables.schema.json"));
    assert_eq!(text(&schema), kept.unwrap(), "run: minster schema > config/tables.schema.json");
}

#[test]
fn new_keys_carry_every_dataset_over() {
    let site = Site::new();
    site.appoint();
    site.make_council(300, 1);
    assert_eq!(site.released().status.code(), Some(3));
    let config = site.path("config/pipeline.toml");
    let rekey = || site.run("minster", &["rekey", "--config", &config]);
    assert!(text(&rekey()).contains("0 datasets converted to v1"));
    let versions = || {
        let manifests = files(&site.folder().join("store/datasets"));
        let manifests = manifests.iter().filter(|(path, _)| path.ends_with("manifest.json"));
        manifests
            .map(|(_, bytes)| {
                let manifest: serde_json::Value = serde_json::from_slice(bytes).unwrap();
                (manifest["key_version"].as_u64().unwrap(), manifest["tables"].to_string())
            })
            .collect::<Vec<_>>()
    };
    let before = versions();
    for _ in 0..2 {
        site.enacted("rotate --purpose children-statistics");
    }

    // Killed half-way and run again.
    let mut run = site
        .command("minster", &["rekey", "--config", &config])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(60));
    run.kill().unwrap();
    run.wait().unwrap();
    let done = rekey();
    assert!(done.status.success(), "{}", text(&done));
    let after = versions();
    assert!(after.iter().all(|(version, _)| *version == 3), "two versions at once");
    let tables = |of: &[(u64, String)]| of.iter().map(|(_, t)| t.clone()).collect::<Vec<_>>();
    assert_eq!(tables(&after), tables(&before), "rows and columns stay");
    assert!(text(&rekey()).contains("0 datasets converted to v3"));

    for version in ["1", "2"] {
        site.enacted(&format!("retire --purpose children-statistics --version {version}"));
    }
    // Parts for scored matching have no successors, and were shredded before.
    let linked = site.run("minster", &["link", "--config", &config]);
    assert_eq!(linked.status.code(), Some(2), "{}", text(&linked));
    let ingested = site.run("minster", &["ingest", "run", "--parts", "--config", &config]);
    assert_eq!(ingested.status.code(), Some(3), "{}", text(&ingested));
    let linked = site.run("minster", &["link", "--config", &config]);
    assert_eq!(linked.status.code(), Some(0), "{}", text(&linked));
    let verified = site.run("minster", &["verify", "children", "--config", &config]);
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
    let again = site.job();
    assert_eq!(again.status.code(), Some(3), "{}", text(&again));
}
