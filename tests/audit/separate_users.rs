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
/// Ingests, links and releases.
pub(crate) const STORE: u32 = 41_002;
/// Has no business here.
const STRANGER: u32 = 41_003;

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
            Some((role @ ("ingest" | "linker" | "analyst"), _)) => format!("{role} = [{STORE}]\n"),
            Some(("auditor", _)) => format!("auditor = [{ROOT}]\n"),
            _ => format!("{line}\n"),
        });
        fs::write(&settings, roles.collect::<String>()).unwrap();
        site.serve();
        done(site.command(STORE, "minster", &["run", "--config", "config/pipeline.toml"]), 3);
        let release = ["release", "--all", "--config", "config/pipeline.toml"];
        done(site.command(STORE, "minster", &release), 0);
        Some(site)
    }

    /// Folders, each with its owner; the programs, where every user can start them.
    fn place(&self) {
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.folder.path(), open.clone()).unwrap();
        for (name, owner, mode) in [
            ("own", VAULT, 0o700),
            ("run", VAULT, 0o755),
            ("data", STORE, 0o700),
            ("programs", ROOT, 0o755),
        ] {
            fs::create_dir(self.at(name)).unwrap();
            fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).unwrap();
            chown(self.at(name), Some(owner), Some(owner)).unwrap();
        }
        for name in ["minster", "minster-ingest", "minster-vault", "minster-synth"] {
            fs::copy(programs().join(name), self.at("programs").join(name)).unwrap();
        }
        copy(&root().join("config"), &self.at("config"));
        let pipeline = self.at("config/pipeline.toml");
        let whole = fs::read_to_string(&pipeline).unwrap();
        let moved = whole.replace("vault.sock\"", &format!("run/vault.sock\"\nuid = {VAULT}"));
        let moved = moved.replace("../store", "../data/store");
        let moved = moved
            .replace("quiet_seconds = 2", "quiet_seconds = 0")
            .replace("../minster.prom", "../data/minster.prom");
        let moved = moved.replace("../lineage.jsonl", "../data/lineage.jsonl");
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
        self.vault = Some(self.serving(VAULT, "own", "run/vault.sock"));
    }

    /// A vault that a user serves from a folder of theirs, once it answers.
    fn serving(&self, user: u32, folder: &str, socket: &str) -> Child {
        let of = |name: &str| format!("{folder}/{name}");
        let (dir, key, checkpoints) = (of("vault"), of("key"), of("checkpoints"));
        // A limit that leaves nothing to lock: one that is reached later stops the vault.
        let limited = ["-c", "ulimit -l 64; exec \"$@\"", "sh", "programs/minster-vault", "serve"];
        // One user ingests and links; a stranger has nobody to share the roles with.
        let serve = ["--single-user", "--dir", &dir, "--key-file", &key, "--socket", socket];
        let mut serve = self.command(
            user,
            "sh",
            &[&limited[..], &serve, &["--checkpoints", &checkpoints]].concat(),
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
        let vault = self.serving(STRANGER, "strange", "strange/vault.sock");
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

    /// An audit by a user, with everything that can be given.
    pub(crate) fn audit(&self, by: u32) -> Output {
        let source = root().display().to_string();
        let audit =
            ["audit", "--json", "--config", "config/pipeline.toml", "--vault-dir", "own/vault"];
        let more = ["--checkpoints", "own/checkpoints", "--source", &source];
        self.command(by, "minster", &[&audit[..], &more].concat()).output().unwrap()
    }

    fn command(&self, user: u32, program: &str, arguments: &[&str]) -> Command {
        let beside = self.at("programs").join(program);
        let mut command = Command::new(if beside.exists() { beside } else { program.into() });
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        if user != ROOT {
            command.uid(user).gid(user);
        }
        command
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

fn done(mut command: impl std::borrow::BorrowMut<Command>, code: i32) {
    let output = command.borrow_mut().output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", text(&output));
}
