//! The build script of the programs: writes into each which commit it is built from.
//!
//! The commit is git's own, where the sources are tracked by git; else that of `MINSTER_COMMIT`, which a packager sets who
//! builds from an archive; else the program says that it is not known. The script looks again when the commit that is
//! checked out is another, and at no other time.

use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

fn main() -> io::Result<()> {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut out = io::stdout();
    writeln!(out, "cargo::rerun-if-env-changed=MINSTER_COMMIT")?;
    for path in moved_with_the_commit(&package) {
        writeln!(out, "cargo::rerun-if-changed={}", path.display())?;
    }
    // `minster init` carries this folder: a file that is added to it is carried too.
    if env::var("CARGO_PKG_NAME").is_ok_and(|name| name == "minster") {
        writeln!(out, "cargo::rerun-if-changed={}", package.join("../../config").display())?;
    }
    let given = || env::var("MINSTER_COMMIT").ok().filter(|commit| is_commit(commit));
    let commit = match of_git(&package).or_else(given) {
        Some(commit) => format!("commit {commit}"),
        None => "commit unknown: built outside of git".to_owned(),
    };
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    writeln!(out, "cargo::rustc-env=MINSTER_VERSION={version} ({commit})")
}

/// The commit that is checked out. Sources that were unpacked inside another repository are not of that one's commit.
fn of_git(package: &Path) -> Option<String> {
    git(package, &["ls-files", "--error-unmatch", "Cargo.toml"])?;
    git(package, &["rev-parse", "--short=12", "HEAD"]).filter(|commit| is_commit(commit))
}

/// Git's files that change when another commit is checked out: of these, the ones that are there. Cargo takes a file that is
/// not there for a change, and would build anew each time.
fn moved_with_the_commit(package: &Path) -> Vec<PathBuf> {
    let branch = git(package, &["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD", "logs/HEAD"].into_iter().map(str::to_owned).chain(branch);
    let paths = names.filter_map(|name| git(package, &["rev-parse", "--git-path", &name]));
    let mut paths: Vec<_> =
        paths.map(|path| package.join(path)).filter(|path| path.exists()).collect();
    // Without a file to look at, cargo looks at the whole package.
    paths.push(package.join("../commit.rs"));
    paths
}

fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Git's answer in one line; nothing where there is no git, or it does not know.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}
