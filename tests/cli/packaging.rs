//! The files that ship for a server, as systemd's own programs read them: users, folders and units in an empty root.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use minster_tests::{Site, files, root, text};
use regex::Regex;

const UNITS: [&str; 3] = ["minster-vault.service", "minster-ingest.service", "minster.service"];
/// The packages, in the order in which they are installed.
const PACKAGES: [(&str, &str); 4] = [
    ("minster-vault", "vault"),
    ("minster-ingest", "pseudonymiser"),
    ("minster", "cli"),
    ("minster-audit", "audit"),
];

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("packaging")
}

/// Nothing where the program is not installed: the test says so.
fn systemd(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(_) => {
            minster_tests::left_out(&format!("there is no {program}"));
            None
        }
    }
}

/// An empty root, with our users' and folders' files where the packages put them.
fn empty_root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    for (package, _) in PACKAGES {
        for kind in ["sysusers", "tmpfiles"] {
            let file = packaging().join("systemd").join(format!("{package}.{kind}"));
            let folder = root.path().join(format!("usr/lib/{kind}.d"));
            fs::create_dir_all(&folder).unwrap();
            if file.exists() {
                fs::copy(file, folder.join(format!("{package}.conf"))).unwrap();
            }
        }
    }
    root
}

#[test]
fn an_empty_root_gets_every_user_and_folder_that_the_units_name() {
    if !rustix::process::geteuid().is_root() {
        minster_tests::left_out("users and folders are made by root alone");
        return;
    }
    let root = empty_root();
    let folder = root.path().to_str().unwrap();
    let Some(made) = systemd("systemd-sysusers", &["--root", folder]) else { return };
    assert!(made.status.success(), "{}", text(&made));
    // It makes no user whose description it does not understand, and ends with 0 all the same.
    assert!(!text(&made).contains("not a valid"), "{}", text(&made));
    let users = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    for package in ["minster-vault.conf", "minster-ingest.conf"] {
        let make = ["--root", folder, "--create", package];
        let Some(made) = systemd("systemd-tmpfiles", &make) else { return };
        assert!(made.status.success(), "{}", text(&made));
    }
    for unit in UNITS {
        let unit = fs::read_to_string(packaging().join("systemd").join(unit)).unwrap();
        let values = |key: &str| -> Vec<String> {
            let lines = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            lines.flat_map(|line| line.split_whitespace().map(str::to_owned)).collect()
        };
        let user = values("User").remove(0);
        assert!(users.lines().any(|line| line.starts_with(&format!("{user}:"))), "{user}");
        // The unit does not start where such a folder is missing.
        for path in values("ReadWritePaths").into_iter().chain(values("ReadOnlyPaths")) {
            let path = root.path().join(path.trim_start_matches('/'));
            assert!(path.is_dir(), "{}", path.display());
        }
    }
    let store = fs::metadata(root.path().join("var/lib/minster/store")).unwrap();
    assert_eq!(store.permissions().mode() & 0o7777, 0o2770);
}

#[test]
fn systemd_understands_each_unit_and_finds_little_that_it_exposes() {
    for unit in
        UNITS.into_iter().chain(["minster-failure@.service", "minster-vault-metrics.service"])
    {
        let path = packaging().join("systemd").join(unit);
        let path = path.to_str().unwrap();
        // A tenth of a point is 1.
        let arguments = ["security", "--offline=yes", "--threshold=10", "--no-pager", path];
        let Some(judged) = systemd("systemd-analyze", &arguments) else { return };
        assert!(judged.status.success(), "{}", text(&judged));
        let Some(read) = systemd("systemd-analyze", &["verify", "--man=no", path]) else { return };
        // The programs are not installed here.
        let wrong = text(&read);
        let wrong =
            wrong.lines().find(|line| line.contains(unit) && !line.contains("not executable"));
        assert_eq!(wrong, None);
    }
}

#[test]
fn cron_finds_the_programs_that_its_line_calls() {
    let cron = fs::read_to_string(packaging().join("cron/minster")).unwrap();
    let path = cron.lines().find_map(|line| line.strip_prefix("PATH=")).unwrap();
    // Debian has `runuser` there, and cron's own path does not.
    let folders: Vec<&str> = path.split(':').collect();
    assert!(folders.contains(&"/usr/sbin") && folders.contains(&"/usr/bin"), "{path}");
    let night = cron.lines().find(|line| line.starts_with("0 2")).unwrap();
    assert_eq!(night.matches("runuser -u ").count(), 3, "{night}");
}

#[test]
fn a_unit_that_fails_tells_the_journal_and_the_monitors() {
    for unit in UNITS {
        let unit = fs::read_to_string(packaging().join("systemd").join(unit)).unwrap();
        assert!(unit.contains("\nOnFailure=minster-failure@%n.service\n"), "{unit}");
    }
    let template =
        fs::read_to_string(packaging().join("systemd/minster-failure@.service")).unwrap();
    assert!(template.contains("ExecStart=/usr/lib/minster/unit-failed %i "), "{template}");
    let folder = tempfile::tempdir().unwrap();
    let tell = || {
        let mut tell = Command::new(packaging().join("unit-failed"));
        tell.arg("minster-ingest.service").arg(folder.path()).output().unwrap()
    };
    for _ in 0..2 {
        let told = tell();
        assert!(told.status.success(), "{}", text(&told));
        // The number is the journal's for what is critical.
        assert!(text(&told).starts_with("<2>minster-ingest.service failed: "), "{}", text(&told));
    }
    let figures = folder.path().join("minster-unit-minster-ingest.service.prom");
    let figures = fs::read_to_string(figures).unwrap();
    let sample = "minster_unit_last_failure_timestamp_seconds{unit=\"minster-ingest.service\"} ";
    let seconds = figures.lines().find_map(|line| line.strip_prefix(sample)).unwrap();
    assert!(seconds.parse::<u64>().unwrap() > 1_700_000_000, "{figures}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left aside");
    // Where the figures cannot be written, systemd is told that.
    drop(folder);
    assert!(!tell_into_nowhere().status.success());
}

fn tell_into_nowhere() -> Output {
    let nowhere = ["minster.service", "/nowhere"];
    Command::new(packaging().join("unit-failed")).args(nowhere).output().unwrap()
}

/// The server's pipeline is the example's, at other places; and a rule about a figure that nothing writes would never speak.
#[test]
fn a_night_of_the_servers_pipeline_writes_the_figures_that_each_alert_is_about() {
    let [server, example] = ["packaging/etc/pipeline.toml", "config/pipeline.toml"]
        .map(|name| fs::read_to_string(root().join(name)).unwrap());
    let keys = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().map(|line| line.trim_start_matches("# "));
        lines.filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned()).collect()
    };
    assert_eq!(keys(&server), keys(&example));
    assert!(!server.contains("../"), "a server's paths are absolute");
    let site = Site::new();
    site.make_council(300, 1);
    // With a folder for checkpoints, as the unit serves it.
    site.stop_vault();
    let [key, checkpoints] = ["custody.key", "checkpoints"].map(|name| site.path(name));
    site.serve_with("vault", &["--key-file", &key, "--checkpoints", &checkpoints]);
    let moved = server
        .replace("/srv/minster/drop/", "../council/")
        .replace("/etc/minster/lookups", "../council/lookups")
        .replace("/var/lib/minster/monitoring/", "../")
        .replace("/var/lib/minster/store", "../store")
        .replace("/run/minster-vault/vault.sock", "../vault.sock")
        .replace("quiet_seconds = 60", "quiet_seconds = 0");
    assert!(!moved.contains("\"/"), "{moved}");
    fs::write(site.path("config/pipeline.toml"), moved).unwrap();
    assert_eq!(site.job().status.code(), Some(3));
    let mut written: Vec<String> = vec!["minster_unit_last_failure_timestamp_seconds".into()];
    let mut read = |figures: &str| {
        let samples = figures.lines().filter(|line| line.starts_with("minster_"));
        let name = |line: &str| line.split(['{', ' ']).next().unwrap().to_owned();
        written.extend(samples.map(name));
    };
    for entry in fs::read_dir(site.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "prom") {
            read(&fs::read_to_string(path).unwrap());
        }
    }
    let socket = site.path("vault.sock");
    let vault = site.run("minster-vault", &["metrics", "--socket", &socket]);
    assert!(vault.status.success(), "{}", text(&vault));
    read(&text(&vault));
    // A vault that waits for its custodians alone writes these.
    read("minster_vault_wrong_shares 0");
    // A vault with an open case alone writes this.
    read("minster_vault_case_days_left 9");

    let rules = fs::read_to_string(packaging().join("prometheus/minster.rules.yml")).unwrap();
    is_told_of_a_vault_that_is_gone(&site);
    let figure = Regex::new(r"\bminster_[a-z_]+\b").unwrap();
    let expressions: Vec<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert_eq!(expressions.len(), rules.matches("- alert: ").count());
    for expression in &expressions {
        let names: Vec<&str> = figure.find_iter(expression).map(|name| name.as_str()).collect();
        assert!(!names.is_empty(), "{expression}");
        for name in names {
            assert!(written.iter().any(|one| one == name), "{name} is written by nothing");
        }
    }
    // The page's table of alarms and the rules name the same figures.
    let page = fs::read_to_string(root().join("docs/engineers.md")).unwrap();
    let alarms = page.lines().filter(|line| line.starts_with("| `minster_"));
    for name in alarms.flat_map(|line| figure.find_iter(line)).map(|name| name.as_str()) {
        // A leap is for eyes on a graph, and has no threshold.
        if !["minster_source_rows", "minster_source_bytes", "minster_source_duration_seconds"]
            .contains(&name)
        {
            assert!(rules.contains(name), "no rule is about {name}");
        }
    }
    let rules = packaging().join("prometheus/minster.rules.yml");
    let states = root().join("tests/cli/rules.test.yml");
    for (command, file) in [("check", rules), ("test", states)] {
        match Command::new("promtool").args([command, "rules"]).arg(file).output() {
            Ok(checked) => assert!(checked.status.success(), "{}", text(&checked)),
            Err(_) => minster_tests::left_out("the alerts, for there is no promtool"),
        }
    }
}

/// The unit's own command, asking a vault that does not answer: the figures of before are gone, and an alert speaks.
fn is_told_of_a_vault_that_is_gone(site: &Site) {
    let unit = packaging().join("systemd/minster-vault-metrics.service");
    let unit = fs::read_to_string(unit).unwrap();
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/bin/sh -c '")).unwrap();
    let line = line.strip_suffix('\'').unwrap();
    let (socket, out) = (site.path("vault.sock"), site.path("vault.prom"));
    let program = minster_tests::programs().join("minster-vault").display().to_string();
    let own = rustix::process::getuid().as_raw().to_string();
    let mut here = line.replace("$$", "$");
    for (usual, of_site) in [
        ("/usr/bin/minster-vault", &program),
        ("/run/minster-vault/vault.sock", &socket),
        ("/var/lib/minster/monitoring/minster-vault.prom", &out),
        ("$(id -u minster-vault)", &own),
    ] {
        assert_eq!(here.matches(usual).count(), 1, "{here}");
        here = here.replace(usual, of_site);
    }
    let ask = || Command::new("sh").args(["-c", &here]).output().unwrap();
    assert!(ask().status.success());
    assert!(fs::read_to_string(&out).unwrap().contains("\nminster_vault_up 1\n"));
    site.stop_vault();
    let asked = ask();
    assert_eq!(asked.status.code(), Some(6), "{}", text(&asked));
    let figures = fs::read_to_string(&out).unwrap();
    let names: Vec<&str> = figures.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(names.len(), 3, "{figures}");
    assert!(names.contains(&"minster_vault_up 0"), "{figures}");
    assert!(names.contains(&"minster_vault_refused 0"), "{figures}");
    // Another listens where the vault did, or the vault has another key.
    let [key, checkpoints] = ["custody.key", "checkpoints"].map(|name| site.path(name));
    site.serve_with("vault", &["--key-file", &key, "--checkpoints", &checkpoints]);
    let another = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let asked = site.run("minster-vault", &["metrics", "--socket", &socket, "--verifier", another]);
    assert_eq!(asked.status.code(), Some(6), "{}", text(&asked));
    let figures = String::from_utf8(asked.stdout).unwrap();
    assert!(figures.contains("\nminster_vault_up 0\n"), "{figures}");
    assert!(figures.contains("\nminster_vault_refused 1\n"), "{figures}");
}

/// Each file of a package's manifest is there, and none of `packaging/` and `config/` is forgotten.
#[test]
fn every_file_for_a_server_is_in_one_package() {
    let mut shipped = BTreeSet::new();
    for (package, krate) in PACKAGES {
        let folder = root().join("crates").join(krate);
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let deb = &manifest["package"]["metadata"]["deb"];
        assert_eq!(deb["name"].as_str(), Some(package));
        let scripts = folder.join(deb["maintainer-scripts"].as_str().unwrap());
        for name in ["postinst", "prerm", "postrm"] {
            let path = scripts.join(name);
            let script = fs::read_to_string(&path).unwrap();
            assert!(
                script.starts_with("#!/bin/sh\n") && script.contains("\nset -eu\n"),
                "{script}"
            );
            let parsed = Command::new("sh").arg("-n").arg(&path).output().unwrap();
            assert!(parsed.status.success(), "{}", text(&parsed));
            assert!(!script.contains("rm -"), "{package} {name} deletes something");
        }
        for asset in deb["assets"].as_array().unwrap() {
            let source = asset[0].as_str().unwrap();
            // These files are built or made before.
            if source.starts_with("target/release/") {
                continue;
            }
            let path = match source.split_once("/*") {
                Some((folder_of_files, _)) => folder.join(folder_of_files),
                None => folder.join(source),
            };
            let path = path.canonicalize().unwrap_or_else(|error| panic!("{source}: {error}"));
            let found = match path.is_dir() {
                true => files(&path).into_iter().map(|(path, _)| path).collect(),
                false => vec![path],
            };
            for path in found {
                assert!(shipped.insert(path.clone()), "{} is in two packages", path.display());
            }
        }
    }
    for folder in ["packaging", "config"] {
        for (path, _) in files(&root().join(folder)) {
            let is_told = path.ends_with("packaging/README.md")
                || path.starts_with(packaging().join("debian"));
            // A server has a pipeline of its own.
            let is_example = path.ends_with("config/pipeline.toml");
            assert!(
                is_told || is_example || shipped.contains(&path),
                "{} is in no package",
                path.display()
            );
        }
    }
}
