//! The examples for cron and Airflow, as these run them: cron's line by its shell, and the DAG by Airflow itself. Only the change of
//! the Unix user is played, since a test's user has one; the users are noted.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use minster_tests::{Site, programs, root, text};

/// Each change of the user that a night makes, in order: user and program.
const NIGHT: [[&str; 2]; 3] = [
    ["minster-ingest", "minster-ingest run"],
    ["minster", "minster link"],
    ["minster", "minster aggregate"],
];

/// A small council, and the programs where a scheduler finds them.
struct Scheduled {
    site: Site,
}

impl Scheduled {
    fn new() -> Self {
        let site = Site::new();
        site.make_council(300, 1);
        let found = site.folder().join("found");
        fs::create_dir(&found).unwrap();
        for name in ["minster", "minster-ingest", "minster-vault"] {
            std::os::unix::fs::symlink(programs().join(name), found.join(name)).unwrap();
        }
        let log = site.path("users");
        // `runuser -u USER -- PROGRAM …` and `sudo -n -u USER PROGRAM …`.
        for (name, options) in [
            ("runuser", "[ \"$1\" = -u ] && user=$2 && while [ \"$3\" != -- ]; do shift; done"),
            ("sudo", "[ \"$1 $2\" = '-n -u' ] && user=$3"),
        ] {
            let script = format!(
                "#!/bin/sh\nset -eu\n{options}\nshift 3\necho \"$user $1 $2\" >>'{log}'\nexec \"$@\"\n"
            );
            let path = found.join(name);
            fs::write(&path, script).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        // The vault's user is this test's.
        let id = "#!/bin/sh\n[ \"$2\" = minster-vault ] && exec /usr/bin/id -u\nexec /usr/bin/id \"$@\"\n";
        let path = found.join("id");
        fs::write(&path, id).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { site }
    }

    fn found(&self) -> String {
        format!("{}:/usr/bin:/bin", self.site.path("found"))
    }

    /// The example, with this site's pipeline.
    fn example(&self, name: &str) -> String {
        let whole = fs::read_to_string(root().join("packaging").join(name)).unwrap();
        let usual = "/etc/minster/pipeline.toml";
        assert_eq!(whole.matches(usual).count(), 1, "{name} names the pipeline once");
        whole.replace(usual, &self.site.path("config/pipeline.toml"))
    }

    /// Whether each program ran as its user, in order; forgets them.
    fn users(&self) -> Vec<String> {
        let path = self.site.folder().join("users");
        let lines = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        lines.lines().map(str::to_owned).collect()
    }

    fn drafts(&self) -> bool {
        !minster_tests::files(&self.site.folder().join("store/drafts")).is_empty()
    }

    /// A file that is not as its definition says.
    fn spoil(&self) {
        let path = self.site.folder().join("council/early_help");
        let file = minster_tests::files(&path).into_iter().map(|(path, _)| path).next().unwrap();
        fs::write(file, "other\n1\n").unwrap();
    }
}

const NIGHTLY: &str = "0 2 * * *";

fn night() -> Vec<String> {
    NIGHT.iter().map(|[user, program]| format!("{user} {program}")).collect()
}

/// Runs a line as cron runs it: settings are variables, and the sixth word is the user.
fn by_cron(scheduled: &Scheduled, schedule: &str) -> Output {
    let whole = scheduled.example("cron/minster");
    let mut command = Command::new("/bin/sh");
    command.env_clear().current_dir("/");
    for (name, value) in whole.lines().filter_map(|line| line.split_once('=')) {
        if name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
            command.env(name, value);
        }
    }
    // The usual folders come after those of this test.
    command.env("PATH", scheduled.found());
    command.env("MINSTER_SOCKET", scheduled.site.path("vault.sock"));
    let monitoring = scheduled.site.folder().to_str().unwrap();
    let whole = whole.replace("/var/lib/minster/monitoring", monitoring);
    let begin = format!("{schedule} root ");
    let line = whole.lines().find_map(|line| line.strip_prefix(&begin)).unwrap();
    // Cron ends a command at a `%` (crontab(5)).
    assert!(!line.contains('%'), "{line}");
    command.args(["-c", line]).output().unwrap()
}

#[test]
fn a_night_by_cron_runs_each_program_as_its_user_and_stops_at_a_failure() {
    let scheduled = Scheduled::new();
    let ran = by_cron(&scheduled, NIGHTLY);
    // Rows are in quarantine, and the night goes on.
    assert!(ran.status.success(), "{}", text(&ran));
    assert_eq!(scheduled.users(), night());
    assert!(scheduled.drafts());
    let pipeline = scheduled.site.folder().join("config/pipeline.toml");
    let whole = fs::read_to_string(&pipeline).unwrap();
    fs::write(&pipeline, format!("unknown = 1\n{whole}")).unwrap();
    let ran = by_cron(&scheduled, NIGHTLY);
    assert_eq!(ran.status.code(), Some(2), "{}", text(&ran));
    assert_eq!(scheduled.users(), night()[..1]);
    // Somebody reads the mail.
    assert!(text(&ran).contains("unknown"), "{}", text(&ran));
    fs::write(&pipeline, whole).unwrap();
    // Nothing is new for ingestion; what it found cannot be linked without the vault, so nothing is drafted.
    scheduled.site.stop_vault();
    let ran = by_cron(&scheduled, NIGHTLY);
    assert_eq!(ran.status.code(), Some(6), "{}", text(&ran));
    assert_eq!(scheduled.users(), night()[..2]);
}

#[test]
fn cron_tells_monitors_of_the_vault_and_sends_no_mail_where_it_is_gone() {
    let scheduled = Scheduled::new();
    let told = || {
        let ran = by_cron(&scheduled, "*/5 * * * *");
        assert_eq!((ran.status.code(), text(&ran).as_str()), (Some(0), ""));
        assert_eq!(scheduled.users(), ["minster-auditor minster-vault metrics"]);
        fs::read_to_string(scheduled.site.path("minster-vault.prom")).unwrap()
    };
    assert!(told().contains("\nminster_vault_up 1\n"));
    scheduled.site.stop_vault();
    assert!(told().contains("\nminster_vault_up 0\n"));
}

#[test]
fn a_night_by_airflow_runs_each_program_as_its_user_and_stops_at_a_failure() {
    let Some(airflow) = std::env::var_os("MINSTER_AIRFLOW").map(PathBuf::from) else {
        return minster_tests::left_out("MINSTER_AIRFLOW does not name the program of Airflow 3");
    };
    let scheduled = Scheduled::new();
    let (home, dags) =
        (scheduled.site.folder().join("airflow"), scheduled.site.folder().join("dags"));
    fs::create_dir(&dags).unwrap();
    let dag = dags.join("minster.py");
    fs::write(&dag, scheduled.example("airflow/minster.py")).unwrap();
    let run = |arguments: &[&str]| run_airflow(&airflow, &home, &scheduled, arguments);
    let migrated = run(&["db", "migrate"]);
    assert!(migrated.status.success(), "{}", text(&migrated));
    let listed = run(&["dags", "list-import-errors"]);
    assert!(text(&listed).contains("No data found"), "{}", text(&listed));
    let ran = run(&["dags", "test", "minster"]);
    assert!(ran.status.success(), "{}", text(&ran));
    assert_eq!(scheduled.users(), night());
    assert!(scheduled.drafts());

    // The first task fails: no other begins. Nobody waits for the two later tries.
    let whole = fs::read_to_string(&dag).unwrap();
    let at_once = whole.replace("\"retries\": 2", "\"retries\": 0");
    assert_ne!(at_once, whole);
    fs::write(&dag, at_once).unwrap();
    scheduled.spoil();
    let ran = run(&["dags", "test", "minster"]);
    assert_eq!(scheduled.users(), night()[..1], "{}", text(&ran));
    assert!(text(&ran).contains("DagRun failed"), "{}", text(&ran));
}

fn run_airflow(airflow: &Path, home: &Path, scheduled: &Scheduled, arguments: &[&str]) -> Output {
    let mut command = Command::new(airflow);
    command.args(arguments).env_clear().current_dir(scheduled.site.folder());
    command.env("PATH", scheduled.found()).env("HOME", home).env("AIRFLOW_HOME", home);
    command.env("LC_ALL", "C.UTF-8").env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("AIRFLOW__CORE__LOAD_EXAMPLES", "False");
    command.env("AIRFLOW__CORE__DAGS_FOLDER", scheduled.site.path("dags"));
    command.output().unwrap()
}
