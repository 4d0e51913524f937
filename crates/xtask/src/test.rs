//! `cargo xtask test`: one command for each kind of test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::{Args, ValueEnum};

use crate::{
    Failure,
    cargo::{cargo, run},
    say,
};

#[derive(Args)]
pub(crate) struct Test {
    /// Which tests.
    kind: Kind,
    /// How many cases each property is tried with.
    #[arg(long)]
    cases: Option<u32>,
    /// How long each target is fuzzed, in seconds.
    #[arg(long, default_value_t = 300)]
    seconds: u32,
    /// How many in a hundred of their cases the property tests try for each mutant.
    #[arg(long, default_value_t = 5)]
    percent: u32,
    /// Words for the tests: a part of their names, or `--nocapture`.
    #[arg(last = true)]
    rest: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Within one file of the source.
    Unit,
    /// The examples in the comments of the source.
    Examples,
    /// Properties of any rows, tables or texts.
    Property,
    /// One crate, from outside.
    Crates,
    /// The programs, as a person runs them.
    Programs,
    /// A run killed at 200 moments.
    Crash,
    /// Suppression and attack beside every table that can be, for small tables.
    Worlds,
    /// Published sample files and schemas; `MINSTER_SAMPLES` and `MINSTER_SPEC` name their folders.
    Samples,
    /// README and the pages: links, names, commands.
    Docs,
    /// The readers and the vault's inputs, with random bytes; needs nightly and `cargo fuzz`.
    Fuzz,
    /// Changes of suppression and attack that a test must notice; needs `cargo mutants`.
    Mutants,
}

/// Targets that are tried with many cases.
const PROPERTY: [&str; 5] = ["any_tables", "children", "conservation", "reading", "search"];
/// Targets that read sample files and schemas.
const SAMPLES: [&str; 4] = ["formats", "layouts", "samples", "schemas"];
/// Whole-program targets with a command of their own.
const APART: [&str; 4] = ["conservation", "crash", "docs", "samples"];

impl Test {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let targets = Targets::read(&root)?;
        let own = |one: &&String| !PROPERTY.contains(&one.as_str());
        let listed = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        match self.kind {
            Kind::Unit => self.cargo_test(&["--lib", "--bins"], Vec::new()),
            Kind::Examples => self.cargo_test(&["--doc"], Vec::new()),
            Kind::Property => self.cargo_test(&[], listed(&PROPERTY)),
            Kind::Crates => {
                self.cargo_test(&[], targets.crates.iter().filter(own).cloned().collect())
            }
            Kind::Programs => {
                let programs = targets.programs.iter();
                let programs = programs.filter(|one| !APART.contains(&one.as_str()));
                self.cargo_test(&[], programs.cloned().collect())
            }
            Kind::Crash => self.cargo_test(&[], listed(&["crash"])),
            Kind::Worlds => self.cargo_test(&[], targets.worlds.clone()),
            Kind::Samples => {
                for name in ["MINSTER_SAMPLES", "MINSTER_SPEC"] {
                    if std::env::var_os(name).is_none() {
                        return Err(Failure::Unset(name));
                    }
                }
                self.cargo_test(&[], listed(&SAMPLES))
            }
            Kind::Docs => self.cargo_test(&[], listed(&["docs"])),
            Kind::Fuzz => self.fuzz(&root),
            Kind::Mutants => {
                let percent = self.percent.to_string();
                let mut mutants = cargo();
                mutants.args(["run", "--release", "--manifest-path"]);
                mutants.arg(root.join("mutants/Cargo.toml")).arg("--");
                mutants.args(["--percent", &percent]).args(&self.rest).current_dir(&root);
                start(&mut mutants)
            }
        }
    }

    /// Always of the whole workspace: with one package alone, features would be others, and Polars would be built again.
    fn cargo_test(&self, options: &[&str], targets: Vec<String>) -> Result<(), Failure> {
        let mut test = cargo();
        test.args(["test", "--locked", "--workspace", "--no-fail-fast"]).args(options);
        for target in targets {
            test.args(["--test", &target]);
        }
        test.args((!self.rest.is_empty()).then_some("--")).args(&self.rest);
        if let Some(cases) = self.cases {
            test.env("PROPTEST_CASES", cases.to_string());
        }
        start(&mut test)
    }

    fn fuzz(&self, root: &Path) -> Result<(), Failure> {
        for target in fuzz_targets(root)? {
            // The toolchain is chosen by rustup, which stands in the path under this name.
            let mut fuzz = Command::new("cargo");
            fuzz.args(["+nightly", "fuzz", "run", &target, "--"]);
            fuzz.arg(format!("-max_total_time={}", self.seconds)).current_dir(root.join("fuzz"));
            start(&mut fuzz)?;
        }
        Ok(())
    }
}

/// Says what is run, so that it can be typed.
fn start(command: &mut Command) -> Result<(), Failure> {
    let words = command.get_args().map(|word| word.to_string_lossy());
    say(&format!("cargo {}", words.collect::<Vec<_>>().join(" ")));
    run("cargo", command)
}

/// The test targets, by where they stand.
struct Targets {
    crates: Vec<String>,
    programs: Vec<String>,
    worlds: Vec<String>,
}

impl Targets {
    fn read(root: &Path) -> Result<Self, Failure> {
        let mut crates = Vec::new();
        for name in names(&root.join("crates"))? {
            let tests = root.join("crates").join(name).join("tests");
            if tests.is_dir() {
                crates.extend(files(&tests)?);
                let folders = names(&tests)?.into_iter();
                crates.extend(folders.filter(|name| tests.join(name).join("main.rs").is_file()));
            }
        }
        crates.sort();
        let mut programs = declared(&root.join("tests/Cargo.toml"))?;
        for manifest in ["tests/ui/Cargo.toml", "crates/cli/Cargo.toml"] {
            programs.extend(declared(&root.join(manifest))?);
        }
        Ok(Self { crates, programs, worlds: declared(&root.join("tests/disclosure/Cargo.toml"))? })
    }
}

/// The names of a folder's entries.
fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let io = |source| Failure::Folder { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(io)?.collect::<Result<Vec<_>, _>>().map_err(io)?;
    let mut names: Vec<String> =
        entries.iter().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// The names of a folder's source files, without their ending.
fn files(folder: &Path) -> Result<Vec<String>, Failure> {
    let names = names(folder)?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(".rs")).map(str::to_owned).collect())
}

/// The test targets that a package declares.
fn declared(manifest: &PathBuf) -> Result<Vec<String>, Failure> {
    let io = |source| Failure::Folder { path: manifest.clone(), source };
    let text = fs::read_to_string(manifest).map_err(io)?;
    let parts = text.split("[[test]]\nname = \"").skip(1);
    Ok(parts.filter_map(|part| part.split('"').next()).map(str::to_owned).collect())
}

/// The fuzz targets: their folder has modules too, which two targets or more share.
fn fuzz_targets(root: &Path) -> Result<Vec<String>, Failure> {
    let path = root.join("fuzz/Cargo.toml");
    let io = |source| Failure::Folder { path: path.clone(), source };
    let text = fs::read_to_string(&path).map_err(io)?;
    let parts = text.split("[[bin]]\nname = \"").skip(1);
    Ok(parts.filter_map(|part| part.split('"').next()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::{APART, PROPERTY, SAMPLES, Targets, files, fuzz_targets};

    #[test]
    fn a_fuzz_target_is_a_program_and_no_module() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = root.join("fuzz/fuzz_targets");
        let starts = |name: &String| {
            let text = std::fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
            text.contains("fuzz_target!(")
        };
        let programs: BTreeSet<String> =
            files(&folder).unwrap().into_iter().filter(starts).collect();
        let targets: BTreeSet<String> = fuzz_targets(&root).unwrap().into_iter().collect();
        assert_eq!(targets, programs);
        assert!(targets.len() > 10);
    }

    #[test]
    fn every_named_target_exists_and_none_stands_twice() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let Targets { crates, programs, worlds } = Targets::read(&root).unwrap();
        let all: Vec<&str> =
            [&crates, &programs, &worlds].into_iter().flatten().map(String::as_str).collect();
        let different: BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), different.len(), "{all:?}");
        assert!(crates.len() > 10 && programs.len() > 10 && worlds.len() > 3, "{all:?}");
        for name in [&PROPERTY[..], &SAMPLES, &APART].concat() {
            assert!(different.contains(name), "there is no test target {name}");
        }
    }
}
