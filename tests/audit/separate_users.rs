//! An installation in which each program has a user of its own.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        net::UnixStream,
        process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use minster_tests::{copy, programs, root, text};

/// Holds the auditor's role.
pub(crate) const ROOT: u32 = 0;
/// The vault's user.
const VAULT: u32 = 41_001;
/// Ingests; the store is its own.
pub(crate) const INGEST: u32 = 41_005;
/// Links and releases.
pub(crate) const MINSTER: u32 = 41_002;
/// Has no business here.
pub(crate) const STRANGER: u32 = 41_003;
/// Audits: holds the role, and is no other user.
pub(crate) const AUDITOR: u32 = 41_004;
/// The groups of the store and of auditors.
const DATA: u32 = 41_006;
const AUDITORS: u32 = 41_007;
const CUSTODIAN: u32 = 41_008;

pub(crate) struct Site {
    folder: tempfile::TempDir,
    vault: Option<Child>,
}

impl Site {
    /// With a small council's data; nothing where this process is not root.
    pub(crate) fn new() -> Option<Self> {
        if !rustix::process::getuid().is_root() {
            return None;
        }
        let mut site = Self { folder: tempfile::tempdir().unwrap(), vault: None };
        site.place();
        let init = [
            "init",
            "--dir",
            "own/vault",
            "--key-file",
            "own/key",
            "--purposes",
            "config/purposes.toml",
        ];
        done(site.command(VAULT, "minster-vault", &init), 0);
        let settings = site.at("own/vault/vault.toml");
        let roles = fs::read_to_string(&settings).unwrap();
        let roles = roles.lines().map(|line| match line.split_once(" = ") {
            Some(("ingest", _)) => format!("ingest = [{INGEST}]\n"),
            Some((role @ ("linker" | "analyst"), _)) => format!("{role} = [{MINSTER}]\n"),
            Some(("auditor", _)) => format!("auditor = [{ROOT}, {AUDITOR}]\n"),
            Some(("custodian", _)) => format!("custodian = [{CUSTODIAN}]\n"),
            _ => format!("{line}\n"),
        });
        fs::write(&settings, roles.collect::<String>()).unwrap();
        site.serve();
        let with = |first: &[&'static str]| [first, &["--config", "config/pipeline.toml"]].concat();
        done(site.command(INGEST, "minster-ingest", &with(&["run"])), 3);
        for stage in [&["link"][..], &["aggregate"], &["release", "--all"]] {
            done(site.command(MINSTER, "minster", &with(stage)), 0);
        }
        site.accept();
        // Each time that it stops and starts, the vault signs a checkpoint; the log tells of one once the next is signed.
        for _ in 0..2 {
            site.restart();
        }
        Some(site)
    }

    /// Folders, each with its owner; the programs, where every user can start them.
    fn place(&self) {
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.folder.path(), open.clone()).unwrap();
        for (name, owner, group, mode) in [
            ("own", VAULT, VAULT, 0o700),
            ("run", VAULT, VAULT, 0o755),
            ("data", ROOT, ROOT, 0o755),
            ("data/store", INGEST, DATA, 0o2770),
            ("data/monitoring", ROOT, DATA, 0o2775),
            ("checkpoints", VAULT, AUDITORS, 0o2750),
            ("records", AUDITOR, AUDITOR, 0o700),
            ("accepted", ROOT, ROOT, 0o755),
            ("programs", ROOT, ROOT, 0o755),
        ] {
            fs::create_dir(self.at(name)).unwrap();
            chown(self.at(name), Some(owner), Some(group)).unwrap();
            fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        // As the package has it: the auditors' group reads the store.
        for list in ["system.posix_acl_access", "system.posix_acl_default"] {
            set_acl(&self.at("data/store"), list, AUDITORS, 5);
        }
        for name in ["minster", "minster-ingest", "minster-vault", "minster-audit", "minster-synth"]
        {
            fs::copy(programs().join(name), self.at("programs").join(name)).unwrap();
        }
        copy(&root().join("config"), &self.at("config"));
        let pipeline = self.at("config/pipeline.toml");
        let whole = fs::read_to_string(&pipeline).unwrap();
        let moved = whole.replace("vault.sock\"", &format!("run/vault.sock\"\nuid = {VAULT}"));
        let moved = moved.replace("../store", "../data/store");
        let moved = moved
            .replace("quiet_seconds = 2", "quiet_seconds = 0")
            .replace("../minster.prom", "../data/monitoring/minster.prom");
        let moved = moved.replace("../lineage.jsonl", "../data/monitoring/lineage.jsonl");
        fs::write(pipeline, moved).unwrap();
        let table = self.at("config/tables/children.toml");
        let definition = fs::read_to_string(&table).unwrap();
        fs::write(&table, definition.replacen("insider = 1", "insider = 0", 1)).unwrap();
        let made = ["--pupils", "300", "--seed", "1", "--out", "council", "--truth", "truth"];
        let made = [&made[..], &["--attendance-days", "1"]].concat();
        done(self.command(ROOT, "minster-synth", &made), 0);
        done(
            Command::new("chmod")
                .args(["-R", "a+rX"])
                .args([self.at("council"), self.at("config")]),
            0,
        );
    }

    fn serve(&mut self) {
        self.vault = Some(self.serving(VAULT, "own", "run/vault.sock", &[]));
    }

    /// Stops the vault as systemd does, and starts it again.
    fn restart(&mut self) {
        rustix::process::kill_process(self.vault_pid(), rustix::process::Signal::TERM).unwrap();
        let stopped = self.vault.as_mut().unwrap().wait().unwrap();
        assert!(stopped.success(), "{stopped}");
        self.serve();
    }

    /// A vault that a user serves from a folder of theirs, once it answers.
    fn serving(&self, user: u32, folder: &str, socket: &str, more: &[&str]) -> Child {
        let of = |name: &str| format!("{folder}/{name}");
        let (dir, key) = (of("vault"), of("key"));
        let checkpoints = if user == VAULT { "checkpoints".to_owned() } else { of("checkpoints") };
        // A limit that leaves nothing to lock: one that is reached later stops the vault.
        let limited = ["-c", "ulimit -l 64; exec \"$@\"", "sh", "programs/minster-vault", "serve"];
        let serve = ["--dir", &dir, "--key-file", &key, "--socket", socket];
        let mut serve = self.command(
            user,
            "sh",
            &[&limited[..], &serve, &["--checkpoints", &checkpoints], more].concat(),
        );
        let vault = serve.stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while UnixStream::connect(self.at(socket)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the vault does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
        vault
    }

    /// A stranger's own vault listens where the vault did, until this is dropped. The file of the socket is
    /// made to look like the vault's.
    pub(crate) fn usurped(&self) -> Usurped<'_> {
        fs::create_dir(self.at("strange")).unwrap();
        chown(self.at("strange"), Some(STRANGER), Some(STRANGER)).unwrap();
        let init = ["init", "--dir", "strange/vault", "--key-file", "strange/key"];
        done(self.command(STRANGER, "minster-vault", &init), 0);
        let vault = self.serving(STRANGER, "strange", "strange/vault.sock", &["--single-user"]);
        fs::rename(self.at("run/vault.sock"), self.at("run/aside.sock")).unwrap();
        fs::rename(self.at("strange/vault.sock"), self.at("run/vault.sock")).unwrap();
        chown(self.at("run/vault.sock"), Some(VAULT), Some(VAULT)).unwrap();
        Usurped { site: self, vault }
    }

    /// The vault's own process.
    pub(crate) fn vault_pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(self.vault.as_ref().unwrap())
    }

    /// A program of the vault's user under another's name.
    pub(crate) fn of_vault_user(&self, name: &str) -> Child {
        fs::create_dir_all(self.at("running")).unwrap();
        let program = self.at("running").join(name);
        fs::copy("/bin/sleep", &program).unwrap();
        let mut command = Command::new(program);
        command.arg("60").env_clear().uid(VAULT).gid(VAULT).stdin(Stdio::null()).spawn().unwrap()
    }

    /// The auditor's key; the packager's list of programs, and the role table as it is now.
    fn accept(&self) {
        done(self.command(AUDITOR, "minster-audit", &["key", "records"]), 0);
        done(self.command(ROOT, "minster-audit", &["key", "packager", "--name", "packager"]), 0);
        let programs = ["minster", "minster-ingest", "minster-vault", "minster-audit"];
        let programs: Vec<String> =
            programs.iter().map(|name| format!("programs/{name}")).collect();
        let list = [&["list", "--key", "packager/auditor.key"][..]].concat();
        let list: Vec<&str> = list.into_iter().chain(programs.iter().map(String::as_str)).collect();
        let listed = self.command(ROOT, "minster-audit", &list).output().unwrap();
        assert!(listed.status.success(), "{}", text(&listed));
        fs::write(self.at("accepted/programs.note"), listed.stdout).unwrap();
        fs::copy(self.at("packager/auditor.pub"), self.at("accepted/packager.pub")).unwrap();
        fs::copy(self.at("own/vault/vault.toml"), self.at("accepted/vault.toml")).unwrap();
        fs::set_permissions(self.at("accepted/vault.toml"), fs::Permissions::from_mode(0o644))
            .unwrap();
    }

    /// An audit by a user, with everything that can be given.
    pub(crate) fn audit(&self, by: u32) -> Output {
        let source = root().display().to_string();
        let source = if by == ROOT { vec!["--source", &source] } else { Vec::new() };
        self.audit_with(by, &source)
    }

    /// Some checks, by root.
    pub(crate) fn only(&self, checks: &[&str]) -> Output {
        let only: Vec<&str> = checks.iter().flat_map(|check| ["--only", check]).collect();
        self.audit_with(ROOT, &only)
    }

    pub(crate) fn audit_with(&self, by: u32, more: &[&str]) -> Output {
        let audit =
            ["audit", "--json", "--config", "config/pipeline.toml", "--vault-dir", "own/vault"];
        let folders = ["--checkpoints", "checkpoints", "--accepted", "accepted"];
        self.command(by, "minster", &[&audit[..], &folders, more].concat()).output().unwrap()
    }

    pub(crate) fn command(&self, user: u32, program: &str, arguments: &[&str]) -> Command {
        let beside = self.at("programs").join(program);
        let mut command = Command::new(if beside.exists() { beside } else { program.into() });
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        // With a group besides its own: of the store, or of auditors.
        let group = match user {
            INGEST | MINSTER => DATA,
            AUDITOR => AUDITORS,
            _ => user,
        };
        if user == ROOT {
            return command;
        }
        let mut of_user = Command::new("setpriv");
        of_user.args(["--reuid", &user.to_string(), "--regid", &group.to_string()]);
        of_user.args(["--groups", &format!("{user},{group}")]);
        of_user.arg(command.get_program()).args(command.get_args());
        of_user.current_dir(self.folder.path()).stdin(Stdio::null());
        of_user
    }

    pub(crate) fn at(&self, name: &str) -> std::path::PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

/// Another listens on the vault's socket.
pub(crate) struct Usurped<'a> {
    site: &'a Site,
    vault: Child,
}

impl Drop for Usurped<'_> {
    fn drop(&mut self) {
        let _ = self.vault.kill();
        let _ = self.vault.wait();
        let _ = fs::rename(self.site.at("run/aside.sock"), self.site.at("run/vault.sock"));
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut vault) = self.vault.take() {
            let _ = vault.kill();
            let _ = vault.wait();
        }
    }
}

/// Gives a group rights by an access control list, as `setfacl -m g:GROUP:…` does.
pub(crate) fn set_acl(path: &Path, list: &str, group: u32, rights: u16) {
    let mut bytes = 2u32.to_le_bytes().to_vec();
    // Owner, group, the named group, mask, others (`posix_acl(5)`).
    for (tag, rights, id) in [
        (1u16, 7u16, u32::MAX),
        (4, 7, u32::MAX),
        (8, rights, group),
        (16, 7, u32::MAX),
        (32, 0, u32::MAX),
    ] {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    rustix::fs::setxattr(path, list, &bytes, rustix::fs::XattrFlags::empty()).unwrap();
}

fn done(mut command: impl std::borrow::BorrowMut<Command>, code: i32) {
    let output = command.borrow_mut().output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", text(&output));
}
