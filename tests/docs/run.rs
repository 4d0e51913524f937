//! Runs the blocks of a page, in order, and compares what the programs print with what the page shows.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use minster_tests::{programs, root};
use regex::{Captures, Regex};
use serde_json::Value;

use crate::pages::{Block, Page};

/// A folder in which pages are followed, as a reader would.
pub(crate) struct Reader {
    site: PathBuf,
    /// The words that stand on a page, each with what stands for it here.
    meant: Vec<(&'static str, String)>,
    /// Patterns of text that differs from run to run, and is not compared.
    differs: Vec<(Regex, &'static str)>,
}

/// The outcome of a page's blocks.
#[derive(Default)]
pub(crate) struct Followed {
    /// Blocks of commands that were run.
    pub(crate) run: usize,
    /// Blocks of output, or of lines of a file, that were compared.
    pub(crate) compared: usize,
    /// Blocks that were left out, with the reason.
    pub(crate) left_out: Vec<String>,
    /// The text that the last command printed.
    pub(crate) printed: String,
}

impl Followed {
    /// Puts what became of further blocks beside it.
    pub(crate) fn add(&mut self, other: Self) {
        self.run += other.run;
        self.compared += other.compared;
        self.left_out.extend(other.left_out);
        self.printed = other.printed;
    }
}

const DIFFERS: [(&str, &str); 7] = [
    (r"\b20\d{6}t\d{9}-[0-9a-f]+\b", "RUN"),
    (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (
        r"\b\d{1,2} (January|February|March|April|May|June|July|August|September|October|November|December) 20\d\d\b",
        "DAY",
    ),
    (r"\b\d+\.\d s\b", "DURATION"),
    // For an audit: how far the vault's log had grown, and which programs ran beside it.
    (r"\b\d+ checkpoints\b", "CHECKPOINTS"),
    (r"\bentry \d+ of \d+\b", "ENTRY"),
    (r"\b\d+ passed, (\d+) failed, \d+ not checked\b", "$1 FAILED"),
];

/// A vault that serves goes on behind the page's next command, custodians are not asked whether to sign, nor for the passphrases of
/// their keys, one user is all custodians, and `cargo demo` is the
/// program that cargo would start: the test runs in no terminal, and beside a cargo.
const VAULT: &str = r#"#!/bin/sh
last() { while [ $# -gt 1 ]; do [ "$1" = --socket ] && echo "$2"; shift; done; }
case "$1" in
  serve)
    case "$*" in *--single-user*) ;; *) set -- "$@" --single-user ;; esac
    PROGRAM "$@" >/dev/null 2>>SITE/vault.err & echo $! >> SITE/pids
    for i in $(seq 500); do [ -S "$(last "$@")" ] && exit 0; sleep 0.02; done
    cat SITE/vault.err; exit 1 ;;
  rekey) for pid in $(cat SITE/pids); do kill $pid; done; : > SITE/pids; sleep 0.3; exec PROGRAM "$@" --passphrase-file SITE/phrase ;;
  approve) exec PROGRAM "$@" --yes --key-passphrase-file SITE/phrase ;;
  custodian|unlock) exec PROGRAM "$@" --key-passphrase-file SITE/phrase ;;
  *) exec PROGRAM "$@" ;;
esac
"#;

const CARGO: &str = r#"#!/bin/sh
[ "$1" = run ] && { shift; exec REAL run --quiet --locked --manifest-path SOURCE/Cargo.toml "$@"; }
[ "$1" = demo ] || { echo "cargo $1 is not run by a page"; exit 1; }
[ -e SITE/demo.out ] && exec cat SITE/demo.out
case "$*" in *--stay*) ;; *) set -- "$@" --stay ;; esac
cd SOURCE && SITE/target/debug/xtask "$@" > SITE/demo.out 2>&1
code=$?
sed -n 's/^the vault goes on as process \([0-9]*\).*/\1/p' SITE/demo.out >> SITE/pids
cat SITE/demo.out; exit $code
"#;

impl Reader {
    /// Prepares a folder: the programs are in `target/debug`, as in a clone that was built.
    pub(crate) fn in_site(site: &Path) -> Self {
        let built = site.join("target/debug");
        fs::create_dir_all(&built).unwrap();
        for program in [
            "minster",
            "minster-vault",
            "minster-ingest",
            "minster-audit",
            "minster-synth",
            "xtask",
        ] {
            let (from, to) = (programs().join(program), built.join(program));
            // A hard link, so that the demo finds the others beside itself; a copy on another disk.
            if fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to).unwrap();
            }
        }
        let bin = site.join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(site.join("phrase"), "correct horse battery staple\n").unwrap();
        fs::set_permissions(site.join("phrase"), fs::Permissions::from_mode(0o600)).unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        for (name, script) in [("minster-vault", VAULT), ("cargo", CARGO)] {
            let script = script
                .replace("PROGRAM", &text(&built.join(name)))
                .replace("REAL", env!("CARGO"))
                .replace("SOURCE", &text(&root()))
                .replace("SITE", &text(site));
            fs::write(bin.join(name), script).unwrap();
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let differs = DIFFERS.map(|(pattern, name)| (Regex::new(pattern).unwrap(), name)).into();
        Self { site: site.to_owned(), meant: Vec::new(), differs }
    }

    /// Lets a page run a program that stands elsewhere.
    pub(crate) fn has_program(&self, name: &str, program: &Path) {
        let path = self.site.join("bin").join(name);
        let program = program.display();
        fs::write(&path, format!("#!/bin/sh\nexec '{program}' \"$@\"\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts something in the place of a page's own words: a server's folder is a folder of the site.
    pub(crate) fn meaning(mut self, on_the_page: &'static str, here: &str) -> Self {
        self.meant.push((on_the_page, here.to_owned()));
        self
    }

    /// Leaves uncompared what is made of chance: keys, pseudonyms and proposals.
    pub(crate) fn with_chance(mut self) -> Self {
        self.differs.push((Regex::new(r"\b[0-9a-f]{16}([0-9a-f]{16})?\b").unwrap(), "CHANCE"));
        self
    }

    /// Follows the blocks of a page in a folder of the site: writes its files, runs its commands, compares its output.
    pub(crate) fn follow<'a>(
        &self,
        page: &str,
        folder: &str,
        blocks: impl IntoIterator<Item = &'a Block>,
    ) -> Followed {
        let folder = self.site.join(folder);
        let mut followed = Followed::default();
        let mut printed = None;
        let mut at_the_end = Vec::new();
        for block in blocks {
            let place = format!("{page}:{}", block.line);
            if let Some(why) = block.left_out() {
                followed.left_out.push(format!("{place}: {why}"));
                printed = None;
            } else if block.value("from").is_some() {
                // The file that it names is looked at, whatever the programs print here.
                printed = None;
            } else if let Some(path) = block.value("file") {
                let path = folder.join(self.meant(path));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, &block.text).unwrap();
            } else if block.value("lines").is_some() || block.value("within").is_some() {
                at_the_end.push((place, block));
            } else if block.language() == "sh" {
                followed.run += 1;
                printed = Some(self.run(&place, &folder, block));
                followed.printed = printed.clone().unwrap();
            } else if block.language() == "text" {
                followed.compared += 1;
                let printed = printed.as_ref();
                let printed = printed.unwrap_or_else(|| panic!("{place}: the output of what?"));
                self.compare(&place, block, printed);
            }
        }
        // A page may show what comes out before the command that makes it.
        for (place, block) in at_the_end {
            followed.compared += 1;
            let path = block.value("lines").or(block.value("within")).unwrap();
            let inside = folder.join(path);
            let path = if inside.exists() { inside } else { root().join(path) };
            let text = fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{place}: {fault}"));
            match block.value("lines") {
                Some(_) => has_lines(&place, block, &text),
                None => has_object(&place, block, &text),
            }
        }
        followed
    }

    fn run(&self, place: &str, folder: &Path, block: &Block) -> String {
        let mut script = self.meant(&block.text);
        if script.contains("runs show") {
            let run = Regex::new(DIFFERS[0].0).unwrap();
            script =
                run.replace_all(&script, |_: &Captures<'_>| self.last_ingestion(folder)).into();
        }
        let (code, printed) = self.shell_in(folder, &script);
        let expected = block.value("exit").map_or(0, |code| code.parse().unwrap());
        assert_eq!(code, Some(expected), "{place}:\n{script}\n{printed}");
        printed
    }

    /// Runs commands that no page shows, in a folder of the site.
    pub(crate) fn shell(&self, folder: &str, script: &str) {
        let (code, printed) = self.shell_in(&self.site.join(folder), script);
        assert_eq!(code, Some(0), "{script}\n{printed}");
    }

    fn shell_in(&self, folder: &Path, script: &str) -> (Option<i32>, String) {
        let rust = Path::new(env!("CARGO")).parent().unwrap().display();
        let path = format!("{0}/bin:{0}/target/debug:/usr/bin:/bin:{rust}", self.site.display());
        let mut shell = Command::new("sh");
        // A reader's cargo is told nothing of this package.
        for name in minster_tests::of_a_package() {
            shell.env_remove(&name);
        }
        shell.args(["-euc", &format!("exec 2>&1\n{script}")]).current_dir(folder);
        let output = shell.env("PATH", path).stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    fn last_ingestion(&self, folder: &Path) -> String {
        let listed = Command::new(self.site.join("target/debug/minster"))
            .args(["runs", "list", "--config", "config/pipeline.toml"])
            .current_dir(folder)
            .output()
            .unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let line = listed.lines().find(|line| line.contains("minster-ingest")).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    }

    /// Each line of the page is the next one printed; a line of `…` stands for any lines, and `…` within a line for any text.
    fn compare(&self, place: &str, block: &Block, printed: &str) {
        let expected = self.compared(&self.meant(&block.text));
        let printed = self.compared(printed);
        let fits = |from: usize, lines: &[String]| {
            let there = printed.get(from..from + lines.len());
            there
                .is_some_and(|there| lines.iter().zip(there).all(|(line, other)| fits(line, other)))
        };
        let mut at = 0;
        let parts: Vec<&[String]> = expected.split(|line| line.trim() == "…").collect();
        for (number, lines) in parts.iter().enumerate() {
            let last = number + 1 == parts.len();
            let found = match (number, last) {
                (0, true) => Some(0).filter(|_| lines.len() == printed.len() && fits(0, lines)),
                (0, false) => Some(0).filter(|_| fits(0, lines)),
                (_, true) => printed
                    .len()
                    .checked_sub(lines.len())
                    .filter(|&from| from >= at && fits(from, lines)),
                _ => (at..printed.len()).find(|&from| fits(from, lines)),
            };
            let Some(found) = found else {
                panic!(
                    "{place}: not printed:\n{}\n---- printed was:\n{}",
                    lines.join("\n"),
                    printed.join("\n")
                );
            };
            at = found + lines.len();
        }
    }

    fn meant(&self, text: &str) -> String {
        self.meant.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    fn compared(&self, text: &str) -> Vec<String> {
        let line = |line: &str| {
            let line = line.trim_end().replace(self.site.to_str().unwrap(), "…");
            let differs = self.differs.iter();
            differs
                .fold(line, |line, (pattern, name)| pattern.replace_all(&line, *name).into_owned())
        };
        let lines: Vec<String> = text.lines().map(line).collect();
        let filled = |line: &String| !line.is_empty();
        let first = lines.iter().position(filled).unwrap_or(lines.len());
        let last = lines.iter().rposition(filled).map_or(first, |last| last + 1);
        lines[first..last].to_vec()
    }
}

/// Each line of the page stands in the file, in this order.
fn has_lines(place: &str, block: &Block, text: &str) {
    let mut lines = text.lines().map(str::trim);
    for line in block.text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        assert!(
            lines.any(|other| fits(line, other)),
            "{place}: not in the file, or not here: {line}"
        );
    }
}

/// The page's JSON object stands somewhere in the file.
fn has_object(place: &str, block: &Block, text: &str) {
    fn within(object: &Value, all: &Value) -> bool {
        object == all
            || match all {
                Value::Array(all) => all.iter().any(|one| within(object, one)),
                Value::Object(all) => all.values().any(|one| within(object, one)),
                _ => false,
            }
    }
    let object: Value = serde_json::from_str(&block.text).unwrap();
    let all: Value = serde_json::from_str(text).unwrap();
    assert!(within(&object, &all), "{place}: the file has no such object");
}

/// A line of a page fits one that was printed; its `…` stands for any text.
fn fits(line: &str, printed: &str) -> bool {
    let mut parts = line.split('…');
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        match parts.peek() {
            None => return rest.ends_with(part),
            Some(_) => match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            },
        }
    }
    true
}

impl Drop for Reader {
    fn drop(&mut self) {
        let pids = fs::read_to_string(self.site.join("pids")).unwrap_or_default();
        for pid in pids.split_whitespace().filter_map(|pid| pid.parse().ok()) {
            let Some(pid) = rustix::process::Pid::from_raw(pid) else { continue };
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// The page's blocks, as far as its sections have these anchors, or have none of them.
pub(crate) fn sections<'a>(
    page: &'a Page,
    anchors: &'a [&str],
    wanted: bool,
) -> impl Iterator<Item = &'a Block> {
    for anchor in anchors {
        assert!(page.anchors.iter().any(|one| one == anchor), "{}#{anchor}", page.name);
    }
    page.blocks.iter().filter(move |block| anchors.contains(&block.section.as_str()) == wanted)
}
