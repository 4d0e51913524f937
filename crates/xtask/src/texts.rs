//! Texts made of the programs' own words: completions and manual pages, and the texts that tests keep.
//!
//! The programs' tests make both, so that no shipped program links what makes them.

use std::{
    env,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    Failure,
    cargo::{cargo, run},
    say,
};

#[derive(Args)]
pub(crate) struct Assets {
    /// The folder; it is made where it is missing.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Assets {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let io = |source| Failure::Folder { path: self.folder.clone(), source };
        let folder = env::current_dir().map_err(io)?.join(&self.folder);
        make(&folder)?;
        let folder = folder.display();
        say(&format!("completions are in {folder}/completions, manual pages in {folder}/man"));
        Ok(())
    }
}

/// Makes completions and manual pages in a folder.
pub(crate) fn make(folder: &Path) -> Result<(), Failure> {
    let mut tests = cargo();
    tests.args(["test", "--quiet", "--locked", "--workspace", "--bins", "--"]);
    tests.args(["--exact", "tests::completions_and_manual_pages_are_made"]);
    run("cargo test", tests.env("MINSTER_ASSETS", folder))
}

/// Writes anew all texts that tests keep in `tests/cli`.
pub(crate) fn keep_anew() -> Result<(), Failure> {
    for tests in [["--bins", "--", "the_help_is"], ["--test=cli", "--", "kept"]] {
        let mut cargo = cargo();
        cargo.args(["test", "--quiet", "--locked", "--workspace"]).args(tests);
        run("cargo test", cargo.env("SNAPSHOTS", "overwrite"))?;
    }
    say("git diff tests/cli shows which words have changed");
    Ok(())
}
