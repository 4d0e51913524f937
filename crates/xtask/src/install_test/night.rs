//! One night of an installation: made-up deliveries, a vault that two of three custodians open, ingestion, linkage and drafts,
//! each by the command line and the user of its own unit.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{debian::Debian, expect};
use crate::{Failure, cargo::run as run_to_end, say};

const CUSTODIANS: [&str; 3] = ["ann", "ben", "cat"];
/// Where the custodians' sticks are, for want of sticks.
const STICKS: &str = "/root/sticks";
const SOCKET: &str = "/run/minster-vault/vault.sock";

/// The vault's process; asked to stop when dropped.
pub(super) struct Vault {
    child: Child,
}

impl Drop for Vault {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// Deliveries, configuration and the vault, as docs/engineers.md and docs/custodians.md tell a person to make them.
pub(super) fn prepare(debian: &Debian, synth: &Path) -> Result<Vault, Failure> {
    deliver(debian, synth)?;
    let vault = open_vault(debian)?;
    configure(debian)?;
    Ok(vault)
}

fn deliver(debian: &Debian, synth: &Path) -> Result<(), Failure> {
    let mut council = Command::new(synth);
    council.args(["--pupils", "600", "--seed", "1", "--attendance-days", "2"]);
    council.arg("--out").arg(debian.at("root/council")).arg("--truth").arg(debian.at("root/truth"));
    run_to_end("minster-synth", &mut council)?;
    for line in [
        "mkdir /etc/minster/lookups && mv /root/council/lookups/* /etc/minster/lookups/",
        "chmod 644 /etc/minster/lookups/* && rmdir /root/council/lookups",
        "mv /root/council/* /srv/minster/drop/ && rm -r /root/council /root/truth",
        "chown -R root:minster-ingest /srv/minster/drop && chmod -R u=rwX,g=rX,o= /srv/minster/drop",
    ] {
        debian.done("root", line, &[0])?;
    }
    // The drop folders are ingestion's alone, and the vault's folder is nobody else's.
    for (user, path) in
        [("minster", "/srv/minster/drop"), ("minster-ingest", "/var/lib/minster-vault")]
    {
        debian.done(user, &format!("ls {path}"), &[2])?;
    }
    Ok(())
}

fn open_vault(debian: &Debian) -> Result<Vault, Failure> {
    debian.done("root", &format!("mkdir {STICKS}"), &[0])?;
    let (mut custodians, mut recipients) = (String::new(), String::new());
    for name in CUSTODIANS {
        debian.done("root", &format!("useradd --no-create-home {name}"), &[0])?;
        let stick = format!("{STICKS}/{name}");
        let key = format!("minster-vault custodian new --clear-key --out {stick}");
        debian.done("root", &key, &[0])?;
        debian.done("root", &format!("cp {stick}.pub /etc/minster/{name}.pub"), &[0])?;
        let identity =
            format!("minster-vault custodian identity --clear-key --out {stick}.identity");
        let recipient = debian.done("root", &identity, &[0])?;
        custodians += &format!(" --custodian {name}=/etc/minster/{name}.pub");
        recipients += &format!(" --recipient {}", recipient.trim_end());
        // Each gives a share from an account of their own, with a stick that only they can read.
        let own = format!("mkdir /mnt/{name} && cp {stick}.identity /mnt/{name}/identity");
        debian.done("root", &own, &[0])?;
        debian.done(
            "root",
            &format!("chown -R {name}: /mnt/{name} && chmod -R go= /mnt/{name}"),
            &[0],
        )?;
    }
    let init = format!(
        "minster-vault init --dir /var/lib/minster-vault --purposes /etc/minster/purposes.toml \
         {custodians} {recipients} --threshold 2"
    );
    debian.done("minster-vault", &init, &[0])?;
    give_roles(debian)?;
    let vault = serve(debian)?;
    let status = "minster-vault status --role custodian --vault-uid $(id -u minster-vault)";
    let told = debian.done("ann", status, &[0])?;
    expect(told.contains("LOCKED     0 of 2 shares are given"), &told)?;
    unlock(debian, ["ann", "cat"])?;
    say("the vault started locked, and two of three custodians opened it");
    Ok(vault)
}

fn unlock(debian: &Debian, names: [&str; 2]) -> Result<(), Failure> {
    let give = |name: &str| {
        let line = format!(
            "minster-vault unlock --clear-key --vault-uid $(id -u minster-vault) --identity /mnt/{name}/identity 2>&1"
        );
        debian.done(name, &line, &[0])
    };
    let one = give(names[0])?;
    expect(one.contains("1 of 2 shares are given; the vault stays locked"), &one)?;
    let two = give(names[1])?;
    expect(two.contains("2 of 2 shares are given; the vault is open"), &two)
}

/// Starts the vault anew, as after an upgrade; two others of the custodians open it.
pub(super) fn open_again(debian: &Debian) -> Result<Vault, Failure> {
    let vault = serve(debian)?;
    unlock(debian, ["ben", "cat"])?;
    say("the vault was started again, and two others opened it");
    Ok(vault)
}

/// The vault's figures for the monitors, by the command of their unit and its user and groups.
pub(super) fn tell_monitors(debian: &Debian) -> Result<(), Failure> {
    let path = "usr/lib/systemd/system/minster-vault-metrics.service";
    let [user, groups] = ["User", "SupplementaryGroups"].map(|key| value(debian, path, key));
    let (user, groups) = (user?, groups?);
    for line in starts(debian, path)? {
        // As systemd reads two of them.
        let line = line.replace("$$", "$");
        debian.done(
            "root",
            &format!("umask 0022; runuser -u {user} -G {groups} -- {line}"),
            &[0],
        )?;
    }
    let figures = "cat /var/lib/minster/monitoring/minster-vault.prom";
    let figures = debian.done("ben", figures, &[0])?;
    expect(figures.contains("\nminster_vault_up 1\n"), &figures)?;
    say("the monitors are told of the vault");
    Ok(())
}

/// Another night, by the line of `/etc/cron.d`, with a delivery that changed.
pub(super) fn by_cron(debian: &Debian) -> Result<(), Failure> {
    let path = debian.at("usr/share/doc/minster/examples/minster.cron");
    let example = fs::read_to_string(&path).map_err(|source| Failure::Folder { path, source })?;
    let night = example.lines().find(|line| line.starts_with("0 2 "));
    let night = night.and_then(|line| line.splitn(7, ' ').last()).unwrap_or_default();
    let settings: String = example
        .lines()
        .filter(|line| line.starts_with("CONFIG=") || line.starts_with("PATH="))
        .map(|line| format!("export {line}; "))
        .collect();
    // The service delivers its file once more, without its last row.
    let shorter = "for file in /srv/minster/drop/early_help/*/*.csv; do sed -i '$d' $file; done";
    debian.done("root", &format!("{shorter}; ls /srv/minster/drop/early_help/*/*.csv"), &[0])?;
    let runs = || {
        let list = "minster runs list --config /etc/minster/pipeline.toml";
        let runs = debian.done("minster", list, &[0])?;
        let count = |program: &str| {
            runs.lines().filter(|line| line.split_whitespace().nth(1) == Some(program)).count()
        };
        Ok::<[usize; 2], Failure>([count("minster-ingest"), count("minster")])
    };
    let before = runs()?;
    debian.done("root", &format!("{settings}{night}"), &[0])?;
    let after = runs()?;
    let told = format!("runs before cron's night {before:?}, after it {after:?}");
    expect(after[0] == before[0] + 1 && after[1] > before[1], &told)?;
    say("another night by cron's line, each program as its own user");
    audit(debian)
}

/// Each role is the user's that docs/custodians.md names.
fn give_roles(debian: &Debian) -> Result<(), Failure> {
    let number = |user: &str| {
        let told = debian.done("root", &format!("id -u {user}"), &[0])?;
        Ok::<String, Failure>(told.trim_end().to_owned())
    };
    let custodians = CUSTODIANS.iter().map(|name| number(name)).collect::<Result<Vec<_>, _>>()?;
    let (ingest, minster) = (number("minster-ingest")?, number("minster")?);
    let auditor = number("minster-auditor")?;
    let path = debian.at("var/lib/minster-vault/vault.toml");
    let io = |source| Failure::Folder { path: path.clone(), source };
    let settings = fs::read_to_string(&path).map_err(io)?;
    let lines = settings.lines().map(|line| match line.split_once(" = ") {
        Some(("ingest", _)) => format!("ingest = [{ingest}]\n"),
        Some((role @ ("linker" | "analyst"), _)) => format!("{role} = [{minster}]\n"),
        Some(("custodian", _)) => format!("custodian = [{}]\n", custodians.join(", ")),
        Some(("auditor", _)) => format!("auditor = [{auditor}]\n"),
        _ => format!("{line}\n"),
    });
    fs::write(&path, lines.collect::<String>()).map_err(io)
}

/// Starts the vault as its unit does with the drop-in for custodians.
fn serve(debian: &Debian) -> Result<Vault, Failure> {
    let drop_in = "usr/share/doc/minster-vault/examples/minster-vault-custodians.conf";
    let line = starts(debian, drop_in)?.pop().unwrap_or_default();
    expect(line.contains("--await-custodians"), &line)?;
    // `RuntimeDirectory=` of the unit.
    let runtime = "mkdir -p /run/minster-vault && chown minster-vault: /run/minster-vault";
    debian.done("root", runtime, &[0])?;
    let mut serve = debian.command("minster-vault", &format!("umask 0077; exec {line}"));
    let child = serve.stderr(Stdio::null()).spawn().map_err(Failure::Cargo)?;
    let mut vault = Vault { child };
    let begun = Instant::now();
    while UnixStream::connect(debian.at(&SOCKET[1..])).is_err() {
        let ended = vault.child.try_wait().map_err(Failure::Cargo)?;
        if ended.is_some() || begun.elapsed() > Duration::from_secs(30) {
            return Err(Failure::Installation(format!("the vault does not answer: {line}")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(vault)
}

/// Changes what a council changes in `/etc/minster`: the vault's user and key. The rest is for made-up files of a moment ago.
fn configure(debian: &Debian) -> Result<(), Failure> {
    let uid = debian.done("root", "id -u minster-vault", &[0])?;
    let verifier = debian.done("root", "cat /srv/auditor/checkpoints/verifier.txt", &[0])?;
    let change = |name: &str, from: &str, to: &str| -> Result<(), Failure> {
        let path = debian.at(name);
        let io = |source| Failure::Folder { path: path.clone(), source };
        let whole = fs::read_to_string(&path).map_err(io)?;
        expect(whole.contains(from), &format!("{name} has no {from}"))?;
        fs::write(&path, whole.replacen(from, to, 1)).map_err(io)
    };
    let pipeline = "etc/minster/pipeline.toml";
    let (uid, verifier) = (uid.trim_end(), verifier.trim_end());
    let named = format!("vault.sock\"\nuid = {uid}\nverifier = \"{verifier}\"\n");
    change(pipeline, "vault.sock\"\n", &named)?;
    change(pipeline, "quiet_seconds = 60", "quiet_seconds = 0")?;
    // So few pupils can hide nothing from those who know one of them.
    change("etc/minster/tables/children.toml", "insider = 1", "insider = 0")
}

/// The night, as `minster.timer` has it: each unit's commands, by its user, with its umask and its exit codes.
pub(super) fn run(debian: &Debian) -> Result<(), Failure> {
    for unit in ["minster-ingest.service", "minster.service"] {
        let path = format!("usr/lib/systemd/system/{unit}");
        let user = value(debian, &path, "User")?;
        let umask = value(debian, &path, "UMask")?;
        let mut codes = vec![0];
        if let Ok(more) = value(debian, &path, "SuccessExitStatus") {
            codes.extend(more.split(' ').filter_map(|code| code.parse::<i32>().ok()));
        }
        for line in starts(debian, &path)? {
            debian.done(&user, &format!("cd / && umask {umask} && exec {line}"), &codes)?;
            say(&format!("{user}: {line}"));
        }
    }
    let list = "minster runs list --config /etc/minster/pipeline.toml";
    let runs = debian.done("minster", list, &[0])?;
    let ended = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns.get(1) == Some(&"minster-ingest") && columns.get(4) == Some(&"3")
    };
    expect(runs.lines().any(ended), &runs)?;
    let draft = "minster release children --config /etc/minster/pipeline.toml";
    debian.done("minster", draft, &[0])?;
    let tables = "/var/lib/minster/store/releases/children/2024-25/current";
    debian.done("minster", &format!("test -s {tables}/looked_after_by_ward.csv"), &[0])?;
    // Another user of the same machine gets nowhere.
    debian.done("ben", &format!("cat {tables}/looked_after_by_ward.csv"), &[1])?;
    let monitoring = "/var/lib/minster/monitoring";
    let failed = format!("umask 0022; /usr/lib/minster/unit-failed minster.service {monitoring}");
    debian.done("minster", &failed, &[0])?;
    let figures = debian.done("ben", &format!("cat {monitoring}/*.prom"), &[0])?;
    for name in ["minster_run_last_exit_code", "minster_unit_last_failure_timestamp_seconds"] {
        expect(figures.contains(name), &figures)?;
    }
    audit(debian)
}

/// The auditor's own user finds nothing wrong, and is told what root must look at.
fn audit(debian: &Debian) -> Result<(), Failure> {
    let line =
        "minster audit --config /etc/minster/pipeline.toml --checkpoints /srv/auditor/checkpoints";
    let line = &format!("{line} --accepted {}", super::ACCEPTED);
    let told = debian.done("minster-auditor", line, &[11])?;
    expect(told.contains(" 0 failed") && told.contains("root runs: minster-audit"), &told)?;
    // The store's files are encrypted, or public: the auditors' group reads them.
    for id in ["store.unknown", "leakage.persons", "log.datasets", "releases.verify"] {
        let made =
            told.lines().any(|line| line.starts_with("PASS") && line.ends_with(&format!("[{id}]")));
        expect(made, &format!("{id} is not made as the auditor's user: {told}"))?;
    }
    // Rows about children are the linker's to open.
    let scan = format!("{line} --only leakage.datasets --only keys.disjoint");
    debian.done("minster", &scan, &[0])?;
    // The installed programs are those that the packager signed; root alone sees which programs run.
    let installed = debian.done("root", &format!("{line} --only build.installed"), &[0])?;
    expect(installed.contains("PASS") && installed.contains("[build.installed]"), &installed)?;
    let last = told.lines().last().unwrap_or_default();
    say(&format!("the auditor's report: {last}"));
    Ok(())
}

/// The commands that a unit starts, in order; an empty `ExecStart=` forgets those before it.
fn starts(debian: &Debian, unit: &str) -> Result<Vec<String>, Failure> {
    let mut lines: Vec<String> = Vec::new();
    for line in values(debian, unit, "ExecStart")? {
        match line.is_empty() {
            true => lines.clear(),
            false => lines.push(line),
        }
    }
    Ok(lines)
}

fn value(debian: &Debian, unit: &str, key: &str) -> Result<String, Failure> {
    let found = values(debian, unit, key)?.pop();
    found.ok_or_else(|| Failure::Installation(format!("{unit} has no {key}=")))
}

fn values(debian: &Debian, unit: &str, key: &str) -> Result<Vec<String>, Failure> {
    let path = debian.at(unit);
    let text = fs::read_to_string(&path).map_err(|source| Failure::Folder { path, source })?;
    let of = |line: &str| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
    Ok(text.lines().filter_map(of).collect())
}
