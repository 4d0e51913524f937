//! One user a program: what `packaging/` installs, and what the store's group makes of it.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        net::UnixStream,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use minster_tests::{copy, programs, root, text};

const ROOT: u32 = 0;
const VAULT: u32 = 42_001;
const INGEST: u32 = 42_002;
const MINSTER: u32 = 42_003;
const STRANGER: u32 = 42_004;
/// The store's group.
const DATA: u32 = 42_010;

struct Server {
    folder: tempfile::TempDir,
    vault: Option<Child>,
}

impl Server {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program as a user; those of the store are in its group.
    fn command(&self, user: u32, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.at("programs").join(program));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        if user != ROOT {
            let group = if [INGEST, MINSTER].contains(&user) { DATA } else { user };
            command.uid(user).gid(group);
        }
        command
    }

    fn run(&self, user: u32, program: &str, arguments: &[&str]) -> Output {
        self.command(user, program, arguments).output().unwrap()
    }

    fn new() -> Self {
        let mut server = Self { folder: tempfile::tempdir().unwrap(), vault: None };
        let set = |path: &Path, owner: u32, group: u32, mode: u32| {
            chown(path, Some(owner), Some(group)).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        set(server.folder.path(), ROOT, ROOT, 0o755);
        for (name, owner, group, mode) in [
            ("own", VAULT, VAULT, 0o700),
            ("run", VAULT, VAULT, 0o755),
            ("store", INGEST, DATA, 0o2770),
            ("monitoring", ROOT, DATA, 0o2775),
            ("programs", ROOT, ROOT, 0o755),
        ] {
            fs::create_dir(server.at(name)).unwrap();
            set(&server.at(name), owner, group, mode);
        }
        for name in ["minster", "minster-ingest", "minster-vault", "minster-synth"] {
            fs::copy(programs().join(name), server.at("programs").join(name)).unwrap();
        }
        copy(&root().join("config"), &server.at("config"));
        let change = |name: &str, pairs: &[(&str, &str)]| {
            let path = server.at(name);
            let mut whole = fs::read_to_string(&path).unwrap();
            for (from, to) in pairs {
                assert!(whole.contains(from), "{from}");
                whole = whole.replace(from, to);
            }
            fs::write(path, whole).unwrap();
        };
        change(
            "config/pipeline.toml",
            &[
                ("\"../vault.sock\"", &format!("\"../run/vault.sock\"\nuid = {VAULT}")),
                ("quiet_seconds = 2", "quiet_seconds = 0"),
                ("../minster.prom", "../monitoring/minster.prom"),
                ("../lineage.jsonl", "../monitoring/lineage.jsonl"),
            ],
        );
        change("config/tables/children.toml", &[("insider = 1", "insider = 0")]);
        let made = ["--pupils", "300", "--seed", "1", "--out", "council", "--truth", "truth"];
        let made = [&made[..], &["--attendance-days", "1"]].concat();
        done(&server.run(ROOT, "minster-synth", &made), 0);
        // Only ingestion may read what the services drop.
        let own = |folder: &str, to: &str| {
            let status = Command::new("chown").args(["-R", to]).arg(server.at(folder)).status();
            assert!(status.unwrap().success());
        };
        own("council", "42002:42002");
        set(&server.at("council"), INGEST, INGEST, 0o700);
        // Look-ups are no child's: linkage and releases read them too.
        let lookups = server.at("council/lookups");
        copy(&lookups, &server.at("lookups"));
        change("config/pipeline.toml", &[("../council/lookups", "../lookups")]);
        let init = ["init", "--dir", "own/vault", "--key-file", "own/key"];
        let init = [&init[..], &["--purposes", "config/purposes.toml"]].concat();
        done(&server.run(VAULT, "minster-vault", &init), 0);
        let settings = server.at("own/vault/vault.toml");
        let roles = fs::read_to_string(&settings).unwrap();
        let roles = roles.lines().map(|line| match line.split_once(" = ") {
            Some(("ingest", _)) => format!("ingest = [{INGEST}]\n"),
            Some((role @ ("linker" | "analyst"), _)) => format!("{role} = [{MINSTER}]\n"),
            Some(("auditor", _)) => format!("auditor = [{ROOT}]\n"),
            _ => format!("{line}\n"),
        });
        fs::write(&settings, roles.collect::<String>()).unwrap();
        let serve = ["serve", "--dir", "own/vault", "--key-file", "own/key"];
        let serve = [&serve[..], &["--socket", "run/vault.sock"]].concat();
        let mut serve = server.command(VAULT, "minster-vault", &serve);
        server.vault = Some(serve.stderr(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        while UnixStream::connect(server.at("run/vault.sock")).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the vault does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }
}

impl Server {
    /// No program of the night speaks with a vault that is not the one that `pipeline.toml` names; then names its key too.
    fn tell_nothing_to_others(&self) {
        let path = self.at("config/pipeline.toml");
        let whole = fs::read_to_string(&path).unwrap();
        let named = format!("\nuid = {VAULT}\n");
        assert!(whole.contains(&named));
        let refused = |line: &str, told: &str| {
            fs::write(&path, whole.replace(&named, line)).unwrap();
            let ingestion =
                self.run(INGEST, "minster-ingest", &["run", "--config", "config/pipeline.toml"]);
            done(&ingestion, 6);
            assert!(text(&ingestion).contains(told), "{}", text(&ingestion));
            let linkage =
                self.run(MINSTER, "minster", &["link", "--config", "config/pipeline.toml"]);
            done(&linkage, 6);
            assert!(text(&linkage).contains(told), "{}", text(&linkage));
        };
        refused("\n", "nothing says that it is the vault's user");
        refused(&format!("\nuid = {STRANGER}\n"), &format!("the vault's is {STRANGER}"));
        // The key of a note's specification.
        let other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        refused(&format!("{named}verifier = \"{other}\"\n"), "does not hold the key");
        let uid = VAULT.to_string();
        let status = ["status", "--json", "--socket", "run/vault.sock", "--vault-uid", &uid];
        let status = self.run(ROOT, "minster-vault", &status);
        done(&status, 0);
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
        let verifier = status["status"]["verifier"].as_str().unwrap();
        fs::write(&path, whole.replace(&named, &format!("{named}verifier = \"{verifier}\"\n")))
            .unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut vault) = self.vault.take() {
            let _ = vault.kill();
            let _ = vault.wait();
        }
    }
}

fn done(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", text(output));
}

/// Ingestion cannot link, linkage cannot ingest, and each reads what the other wrote.
#[test]
fn one_user_a_program_does_the_nights_work() {
    if !rustix::process::getuid().is_root() {
        minster_tests::left_out("only root can run each program as another user");
        return;
    }
    let server = Server::new();
    let config = ["--config", "config/pipeline.toml"];
    let with = |first: &[&'static str]| [first, &config[..]].concat();
    server.tell_nothing_to_others();
    for _ in 0..2 {
        done(&server.run(INGEST, "minster-ingest", &with(&["run"])), 3);
        done(&server.run(MINSTER, "minster", &with(&["link"])), 0);
        done(&server.run(MINSTER, "minster", &with(&["aggregate"])), 0);
        done(&server.run(MINSTER, "minster", &with(&["release", "--all"])), 0);
    }
    // Something to read again, and to link.
    let path = server.at("council/missing/2024-25/missing_episodes.csv");
    let whole = fs::read_to_string(&path).unwrap();
    let shorter = whole.lines().take(2).map(|line| format!("{line}\n")).collect::<String>();
    fs::write(&path, shorter).unwrap();
    let refused = server.run(MINSTER, "minster-ingest", &with(&["run"]));
    assert_eq!(refused.status.code(), Some(2), "the drop folders are not its: {}", text(&refused));
    done(&server.run(INGEST, "minster-ingest", &with(&["run"])), 3);
    done(&server.run(INGEST, "minster", &with(&["link"])), 6);
    done(&server.run(MINSTER, "minster", &with(&["link"])), 0);

    for (path, _) in minster_tests::files(&server.at("store")) {
        let file = fs::metadata(&path).unwrap();
        assert_eq!(file.gid(), DATA, "{}", path.display());
        assert_eq!(file.mode() & 0o007, 0, "{}", path.display());
    }
    let stranger = server.run(STRANGER, "minster", &with(&["runs", "list"]));
    assert_ne!(stranger.status.code(), Some(0), "{}", text(&stranger));
    let shown = server.run(MINSTER, "minster", &with(&["runs", "list"]));
    done(&shown, 0);
    let metrics = fs::read_to_string(server.at("monitoring/minster.prom")).unwrap();
    for program in ["minster-ingest", "minster"] {
        let of = format!("minster_run_last_exit_code{{program=\"{program}\"}}");
        assert!(metrics.contains(&of), "{metrics}");
    }
    let events = fs::read_to_string(server.at("monitoring/lineage.jsonl")).unwrap();
    assert!(events.contains("\"source/missing/2024-25\"") && events.contains("release/children"));
}

fn unit(name: &str) -> String {
    fs::read_to_string(root().join("packaging/systemd").join(name)).unwrap()
}

/// Users differ, and every command line of the units is one that its program takes.
#[test]
fn the_units_start_what_there_is() {
    let units = ["minster-vault.service", "minster-ingest.service", "minster.service"];
    let mut users = Vec::new();
    for name in units {
        let unit = unit(name);
        let of = |key: &str| {
            let prefix = format!("{key}=");
            unit.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
        };
        let user: Vec<String> = of("User");
        users.extend(user);
        let starts: Vec<String> = of("ExecStart");
        assert!(!starts.is_empty());
        for start in starts {
            let mut words = start.split(' ');
            let program = Path::new(words.next().unwrap()).file_name().unwrap().to_owned();
            let command = words.next().unwrap();
            let help = Command::new(programs().join(&program)).args([command, "--help"]).output();
            let help = text(&help.unwrap());
            for flag in words.filter(|word| word.starts_with("--")) {
                assert!(help.contains(flag), "{program:?} {command} knows no {flag}");
            }
        }
        assert!(unit.contains("NoNewPrivileges=yes") && unit.contains("LimitCORE=0"), "{name}");
    }
    users.sort();
    users.dedup();
    assert_eq!(users.len(), units.len(), "one user a program");
    for user in users {
        let declared = unit(&format!("{user}.sysusers"));
        assert!(declared.contains(&format!("u {user} ")), "{declared}");
    }
}

/// The verdict of systemd itself on the units.
#[test]
fn systemd_takes_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        minster_tests::left_out("systemd-analyze is not here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("packaging/systemd"), folder.path());
    // The programs are where cargo built them, and the users are not made here.
    let mut paths = Vec::new();
    for name in
        ["minster-vault.service", "minster-ingest.service", "minster.service", "minster.timer"]
    {
        let path = folder.path().join(name);
        let whole = fs::read_to_string(&path).unwrap();
        let built = format!("{}/", programs().display());
        fs::write(&path, whole.replace("/usr/bin/", &built)).unwrap();
        paths.push(path);
    }
    let verified = Command::new("systemd-analyze").arg("verify").args(&paths).output().unwrap();
    let said = text(&verified);
    let ours = |line: &&str| line.contains("minster") && !line.contains("Failed to prepare");
    let complaints: Vec<&str> = said.lines().filter(ours).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
