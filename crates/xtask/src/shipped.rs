//! How a shipped program is built, for its package and for a comparison: with the list of the crates that it links
//! (`cargo auditable`), and with every path of the machine named after what it is.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use crate::{
    Failure,
    cargo::{cargo, run},
};

/// The shipped programs.
pub(crate) const PROGRAMS: [&str; 4] =
    ["minster", "minster-ingest", "minster-vault", "minster-audit"];

/// The cargo programs that packages need, each with the version that is known to do it.
const AUDITABLE: (&str, &str) = ("auditable", "0.7.7");
pub(crate) const NEEDED: [(&str, &str); 3] = [AUDITABLE, ("cyclonedx", "0.5.9"), ("deb", "3.8.0")];

/// One build.
pub(crate) struct Build<'a> {
    /// The folder of the workspace.
    pub(crate) sources: &'a Path,
    /// The target folder.
    pub(crate) built: &'a Path,
    /// `release`, or `dev` for a trial.
    pub(crate) profile: &'a str,
    pub(crate) programs: &'a [&'a str],
    /// Whether paths get other names. It builds every crate anew where they had their own before.
    pub(crate) renames_paths: bool,
    /// The commit, for sources outside of git.
    pub(crate) commit: Option<&'a str>,
}

impl Build<'_> {
    /// Builds of the whole workspace: with one package alone, features would be others.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        need(&[AUDITABLE])?;
        let mut build = cargo();
        build.args(["auditable", "build", "--locked", "--workspace", "--profile", self.profile]);
        for program in self.programs {
            build.args(["--bin", program]);
        }
        if self.renames_paths {
            let home = cargo_home();
            let paths = [(self.sources, "/minster"), (self.built, "/built"), (&home, "/cargo")];
            let (mut rust, mut c) = (Vec::new(), Vec::new());
            for (from, to) in paths {
                rust.push(format!("--remap-path-prefix={}={to}", from.display()));
                c.push(format!("-ffile-prefix-map={}={to}", from.display()));
            }
            // The separator of cargo's own: a path may hold a blank.
            build.env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}")).env("CFLAGS", c.join(" "));
            build.env("CARGO_INCREMENTAL", "0").env("SOURCE_DATE_EPOCH", "0");
        }
        if let Some(commit) = self.commit {
            build.env("MINSTER_COMMIT", commit);
        }
        build.env("CARGO_TARGET_DIR", self.built).current_dir(self.sources);
        run("cargo auditable build", &mut build)
    }

    /// The folder of the built programs.
    pub(crate) fn folder(&self) -> PathBuf {
        self.built.join(if self.profile == "dev" { "debug" } else { "release" })
    }
}

/// Says what is missing, and how it comes, before an hour of building.
pub(crate) fn need(programs: &[(&str, &str)]) -> Result<(), Failure> {
    for (name, version) in programs {
        let mut asked = cargo();
        asked.args([name, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
        if !asked.status().map_err(Failure::Cargo)?.success() {
            return Err(Failure::Lacking(format!("cargo install --locked cargo-{name}@{version}")));
        }
    }
    Ok(())
}

fn cargo_home() -> PathBuf {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home).unwrap_or_default()
}
