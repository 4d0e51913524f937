//! The whole-program tests share this: the built programs, a folder, a vault that serves in it.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

pub mod accessibility;
pub mod browser;
pub mod care_leavers;
pub mod command_line;
pub mod deliveries;
pub mod snapshot_texts;

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

/// The folder of the built programs. `cargo test` builds them before the tests, and cargo then has nothing to do here. Where
/// it was asked for one test alone, they are built here, once, and cargo shows its progress. They are built of the whole
/// workspace, as `cargo test` builds them, so that nothing is built twice.
pub fn programs() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--locked", "--workspace", "--bins"]);
        for name in of_a_package() {
            cargo.env_remove(&name);
        }
        let status = cargo.status().unwrap();
        assert!(status.success());
        let me = std::env::current_exe().unwrap();
        me.parent().and_then(Path::parent).unwrap().to_owned()
    })
}

/// The variables by which cargo tells a test of its package. A cargo that a test starts must not see them: for a change in them ring
/// would be built again, and all that stands on it. A package with a build script of its own has `OUT_DIR`.
pub fn of_a_package() -> Vec<String> {
    let is_one = |name: &String| {
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR"
    };
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(is_one).collect()
}

/// The project's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// A Python with pandas, Polars, DuckDB and pyarrow, and with the project's package, if there is one: the one that is named, that of
/// `cargo xtask peers`, or any.
pub fn python() -> PathBuf {
    let named = std::env::var_os("MINSTER_PEERS_PYTHON").map(PathBuf::from);
    let of_peers = programs().join("../peers-python/bin/python");
    let found = named.or(Some(of_peers).filter(|path| path.exists()));
    found.unwrap_or_else(|| "python3".into())
}

/// The example's first purpose, as a file that defines it alone: one is proposed at a time.
pub fn first_purpose() -> String {
    only_first(&fs::read_to_string(root().join("config/purposes.toml")).unwrap())
}

/// The first purpose of some, alone.
pub fn only_first(purposes: &str) -> String {
    let second = purposes.match_indices("[[purpose]]").nth(1).unwrap().0;
    purposes[..second].to_owned()
}

/// Says that a test, or a part of one, is left out, and why: on the program's own standard error, for what a passed test prints is
/// shown to nobody.
pub fn left_out(why: &str) {
    let _ = writeln!(io::stderr(), "LEFT OUT: {why}");
}

/// The text of a released table without its first columns, which say of which release, period and level each row is: its
/// categories and numbers.
pub fn without_origin(csv: &str) -> String {
    let row = |line: &str| line.splitn(4, ',').nth(3).unwrap().to_owned() + "\n";
    let mut lines = csv.lines();
    let header = lines.next().unwrap();
    assert!(header.starts_with("release,period,level,"), "{header}");
    row(header) + &lines.map(row).collect::<String>()
}

/// The published sample files, where `MINSTER_SAMPLES` names them; says aloud where it does not.
pub fn samples() -> Option<PathBuf> {
    let samples = std::env::var_os("MINSTER_SAMPLES").map(PathBuf::from);
    if samples.is_none() {
        left_out("MINSTER_SAMPLES does not name the folder of sample files");
    }
    samples
}

/// A last day for a proposal, in thirty days: the vault takes none that is far ahead.
pub fn soon() -> String {
    in_days(30).to_string()
}

/// The day (UTC) that is so many days ahead by the machine's clock.
fn in_days(days: i64) -> jiff::civil::Date {
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    today.saturating_add(jiff::Span::new().days(days))
}

/// A folder with a serving vault, in which programs are run.
pub struct Site {
    folder: tempfile::TempDir,
    vault: Mutex<Option<Child>>,
    clock: Mutex<Option<Clock>>,
}

/// A clock that is so many days ahead, for programs that know nothing of it.
struct Clock {
    library: PathBuf,
    days: i64,
}

impl Site {
    /// An empty folder and a vault that serves, with the example's purposes.
    pub fn new() -> Self {
        Self::with_purposes(&fs::read_to_string(root().join("config/purposes.toml")).unwrap())
    }

    /// The same with other purposes.
    pub fn with_purposes(purposes: &str) -> Self {
        let site = Self::empty();
        let (dir, key) = (site.path("vault"), site.path("custody.key"));
        fs::write(site.path("purposes.toml"), purposes).unwrap();
        let purposes = site.path("purposes.toml");
        let init = ["init", "--dir", &dir, "--key-file", &key, "--purposes", &purposes];
        let made = site.run("minster-vault", &init);
        assert!(made.status.success(), "{}", text(&made));
        site.serve();
        site
    }

    /// An empty folder, without a vault.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Self { folder, vault: Mutex::new(None), clock: Mutex::new(None) }
    }

    /// Lets days pass: the vault starts again, and it and all later programs have a clock that is so much further ahead. Without
    /// the library of Debian's package `libfaketime` no day passes, and the answer is no.
    #[must_use]
    pub fn pass_days(&self, days: i64) -> bool {
        let Some(library) = faketime() else { return false };
        self.stop_vault();
        let mut clock = self.clock.lock().unwrap();
        let passed = clock.as_ref().map_or(0, |clock| clock.days);
        *clock = Some(Clock { library, days: passed + days });
        drop(clock);
        self.serve();
        true
    }

    /// Moves the clock of all later programs and not the vault's: theirs is so many days ahead, or behind. Without the library of
    /// Debian's package `libfaketime` no clock is moved, and the answer is no.
    #[must_use]
    pub fn clock_of_programs(&self, days: i64) -> bool {
        let Some(library) = faketime() else { return false };
        *self.clock.lock().unwrap() = Some(Clock { library, days });
        true
    }

    /// Today by the clock of the programs.
    pub fn today(&self) -> jiff::civil::Date {
        in_days(self.clock.lock().unwrap().as_ref().map_or(0, |clock| clock.days))
    }

    fn set_clock(&self, command: &mut Command) {
        if let Some(Clock { library, days }) = &*self.clock.lock().unwrap() {
            command.env("LD_PRELOAD", library).env("FAKETIME", format!("{days:+}d"));
        }
    }

    /// Starts the vault again, after [`Site::stop_vault`].
    pub fn serve(&self) {
        let key = self.path("custody.key");
        self.serve_with("vault", &["--key-file", &key]);
    }

    /// Starts a vault of another folder, or opens it in another way, in the place of the one that stopped.
    pub fn serve_with(&self, dir: &str, opening: &[&str]) {
        let (dir, socket) = (self.path(dir), self.path("vault.sock"));
        let mut serve = Command::new(programs().join("minster-vault"));
        serve.args(["serve", "--single-user", "--dir", &dir, "--socket", &socket]).args(opening);
        self.set_clock(&mut serve);
        let child = serve.stderr(Stdio::null()).spawn().unwrap();
        *self.vault.lock().unwrap() = Some(child);
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the vault does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Makes ann and ben the vault's custodians. It stands still for that.
    pub fn appoint(&self) {
        self.stop_vault();
        for name in ["ann", "ben"] {
            self.done("minster-vault", &["custodian", "new", "--clear-key", "--out", name]);
        }
        let appoint = ["custodian", "appoint", "--dir", "vault", "--key-file", "custody.key"];
        let both = ["--custodian", "ann=ann.pub", "--custodian", "ben=ben.pub"];
        self.done("minster-vault", &[&appoint[..], &both].concat());
        self.serve();
    }

    /// Has a request approved by ann and ben, and carries it out.
    pub fn enacted(&self, what: &str) -> String {
        let case = "request --socket vault.sock --reference C/1 --reason test --expires SOON";
        let words: Vec<&str> = case.split(' ').chain(what.split(' ')).collect();
        fs::write(self.path("proposal"), self.done("minster-vault", &words)).unwrap();
        for name in ["ann", "ben"] {
            let approve = ["approve", "--socket", "vault.sock", "--proposal", "proposal", "--yes"];
            let by = ["--name", name, "--clear-key", "--key", name];
            self.done("minster-vault", &[&approve[..], &by].concat());
        }
        self.done("minster-vault", &["enact", "--socket", "vault.sock", "--proposal", "proposal"])
    }

    /// Runs one of the programs, which ends well; gives what it prints.
    fn done(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Kills the vault.
    pub fn stop_vault(&self) {
        if let Some(mut vault) = self.vault.lock().unwrap().take() {
            vault.kill().unwrap();
            vault.wait().unwrap();
        }
    }

    /// The vault's process.
    pub fn vault_pid(&self) -> u32 {
        self.vault.lock().unwrap().as_ref().unwrap().id()
    }

    /// Keeps the store and the vault as they are now: the one has what the other's log says.
    pub fn keep(&self) {
        for folder in ["store", "vault"] {
            copy_whole(&self.folder().join(folder), &self.folder().join(format!("kept-{folder}")));
        }
    }

    /// Puts both back.
    pub fn put_back(&self) {
        self.stop_vault();
        for folder in ["store", "vault"] {
            copy_whole(&self.folder().join(format!("kept-{folder}")), &self.folder().join(folder));
        }
        self.serve();
    }

    /// A made-up council under `council`, its truth under `truth`, the example's config under `config`.
    pub fn make_council(&self, pupils: u64, days: u64) {
        let (out, truth) = (self.path("council"), self.path("truth"));
        let (pupils, days) = (pupils.to_string(), days.to_string());
        let made = self.run(
            "minster-synth",
            &[
                "--pupils",
                &pupils,
                "--seed",
                "1",
                "--out",
                &out,
                "--truth",
                &truth,
                "--attendance-days",
                &days,
            ],
        );
        assert!(made.status.success(), "{}", text(&made));
        copy(&root().join("config"), &self.folder().join("config"));
        // Files that were made a moment ago are whole.
        let pipeline = self.folder().join("config/pipeline.toml");
        let whole = fs::read_to_string(&pipeline).unwrap();
        fs::write(&pipeline, whole.replacen("quiet_seconds = 2", "quiet_seconds = 0", 1)).unwrap();
        // A few hundred pupils in thirty wards: against insiders nothing could be released.
        let table = self.folder().join("config/tables/children.toml");
        let definition = fs::read_to_string(&table).unwrap();
        fs::write(&table, definition.replacen("insider = 1", "insider = 0", 1)).unwrap();
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder, as an argument.
    pub fn path(&self, name: &str) -> String {
        self.folder().join(name).to_str().unwrap().to_owned()
    }

    /// Runs one of the programs to its end.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program, arguments).output().unwrap()
    }

    /// One of the programs, ready to start. The argument `SOON` is a day thirty days ahead, as [`soon`] gives it.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(programs().join(program));
        self.set_clock(&mut command);
        let soon = self.today().saturating_add(jiff::Span::new().days(30)).to_string();
        command.args(arguments.iter().map(|one| if *one == "SOON" { soon.as_str() } else { one }));
        command.current_dir(self.folder()).stdin(Stdio::null());
        command
    }

    /// Runs the whole job of `config/pipeline.toml`, which ends with drafts.
    pub fn job(&self) -> Output {
        self.run("minster", &["run", "--config", &self.path("config/pipeline.toml")])
    }

    /// Lets all drafts out.
    pub fn release(&self) -> Output {
        self.run("minster", &["release", "--all", "--config", &self.path("config/pipeline.toml")])
    }

    /// Runs the whole job and lets all drafts out; gives the job's output.
    pub fn released(&self) -> Output {
        let job = self.job();
        let let_out = self.release();
        assert!(let_out.status.success(), "{}{}", text(&job), text(&let_out));
        job
    }
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop_vault();
    }
}

/// The library that moves the clock of programs.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let found = libraries.find(|library| library.is_file());
    if found.is_none() {
        left_out("all that needs a moved clock, for there is no libfaketime");
    }
    found
}

/// A pipeline over small files that a test writes: each source of 2024-25 with its drop folder, and more tables.
pub fn pipeline(sources: &[(&str, &str)], more: &str) -> String {
    let sources = sources.iter().map(|(name, folder)| {
        format!("[[source]]\nname = \"{name}\"\nperiod = \"2024-25\"\nfolder = \"{folder}\"\n")
    });
    format!("{PIPELINE}{more}{}", sources.collect::<String>())
}

const PIPELINE: &str = r#"
purpose = "children-statistics"
period = "2024-25"
store = "store"
definitions = "config/sources"
matching = "config/matching.toml"
tables = "config/tables"
on_failure = "stop"
[vault]
socket = "vault.sock"
[arrival]
quiet_seconds = 0
"#;

/// Everything that a program printed.
pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Every file below a folder, links not followed.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        } else if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// Puts a folder in the place of another, links and times with it.
pub fn copy_whole(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let copied = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(copied.success());
}

/// Files of a store that are no run's.
pub fn left_over(store: &Path) -> Vec<String> {
    let names = files(store).into_iter().map(|(path, _)| path.display().to_string());
    let is_left =
        |name: &String| ["/staging/", ".next", "/next/"].iter().any(|of| name.contains(of));
    names.filter(is_left).collect()
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
