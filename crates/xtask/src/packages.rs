//! Debian packages, one for each program: built with the list of what is linked (`cargo auditable`), beside a bill of materials
//! (`cargo cyclonedx`), by `cargo deb`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use clap::Args;

use crate::{
    Failure,
    cargo::{cargo, run},
    demo::own_folder,
    say,
    shipped::{Build, NEEDED, PROGRAMS, need},
    texts,
};

/// A program, its package at Debian, and its crate.
struct Package {
    name: &'static str,
    krate: &'static str,
    folder: &'static str,
}

/// In the order in which they are installed: each depends on the one before.
const PACKAGES: [Package; 4] = [
    Package { name: "minster-vault", krate: "minster-vault", folder: "crates/vault" },
    Package {
        name: "minster-ingest",
        krate: "minster-pseudonymiser",
        folder: "crates/pseudonymiser",
    },
    Package { name: "minster", krate: "minster", folder: "crates/cli" },
    Package { name: "minster-audit", krate: "minster-audit", folder: "crates/audit" },
];

#[derive(Args)]
pub(crate) struct Packages {
    /// The folder of the packages; it is made where it is missing.
    #[arg(value_name = "DIR", default_value = "target/packages")]
    folder: PathBuf,
    /// How the programs are built: `release` as they are shipped, `dev` for a trial in minutes.
    #[arg(long, default_value = "release", value_parser = ["dev", "release"])]
    profile: String,
    /// The packager's key, as `minster-audit key` makes it. The programs' list, signed with it, stands beside the packages as
    /// programs.note, and what verifies it as packager.pub: an auditor compares the installed programs with it.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Packages {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let here = std::env::current_dir().map_err(Failure::Cargo)?;
        let folder = here.join(&self.folder);
        let key = self.key.as_deref().map_or(Key::None, Key::File);
        make(&folder, &self.profile, key).map(drop)
    }
}

/// The signed list of the programs, and what verifies it.
pub(crate) const SIGNED: [&str; 2] = ["programs.note", "packager.pub"];
/// The folder in which the packages install the programs.
const INSTALLED_IN: &str = "/usr/bin";

/// Makes the packages and gives their paths, in the order in which they are installed. With a key, the signed list of the programs
/// is made beside them.
pub(crate) fn make(folder: &Path, profile: &str, key: Key<'_>) -> Result<Vec<PathBuf>, Failure> {
    need(&NEEDED)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().map_err(Failure::Cargo)?;
    let io = |path: &Path, source| Failure::Folder { path: path.to_owned(), source };
    let own = own_folder()?;
    let build = Build {
        sources: &root,
        built: own.parent().unwrap_or(&own),
        profile,
        programs: &PROGRAMS,
        // A trial takes what tests have built.
        renames_paths: profile == "release",
        commit: None,
    };
    // `cargo deb` looks below the folder of the profile for what was made, as for what was built.
    let staged = build.folder().join("packaging");
    if staged.exists() {
        fs::remove_dir_all(&staged).map_err(|source| io(&staged, source))?;
    }
    let assets = staged.join("assets");
    texts::make(&assets)?;
    fs::create_dir_all(folder).map_err(|source| io(folder, source))?;
    // After the tests that make the assets: their programs stand at the same place.
    build.run()?;
    let mut made = Vec::new();
    for package in &PACKAGES {
        let own = staged.join(package.name);
        package.stage(&assets, &own)?;
        package.bill_of_materials(&root, &own)?;
        carries_its_list(&build.folder().join(package.name))?;
        made.push(package.debian(&root, folder, profile)?);
    }
    for package in &made {
        say(&format!("made {}", package.display()));
    }
    match key {
        Key::None => {}
        Key::File(key) => sign(&build.folder(), folder, key)?,
        Key::New(place) => {
            let io = |source| Failure::Folder { path: place.to_owned(), source };
            if place.exists() {
                fs::remove_dir_all(place).map_err(io)?;
            }
            let mut make = Command::new(build.folder().join("minster-audit"));
            let made = make.args(["key", "--name", "packager"]).arg(place).output().map_err(io)?;
            refused(&made)?;
            sign(&build.folder(), folder, &place.join("auditor.key"))?;
        }
    }
    Ok(made)
}

/// The packager's key.
pub(crate) enum Key<'a> {
    /// Nothing is signed.
    None,
    /// The one in a file.
    File(&'a Path),
    /// Another each time, in a folder of its own: for a trial.
    New(&'a Path),
}

fn refused(output: &Output) -> Result<(), Failure> {
    match output.status.success() {
        true => Ok(()),
        false => Err(Failure::Installation(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

/// Writes the signed list of the programs that were packed.
fn sign(built: &Path, folder: &Path, key: &Path) -> Result<(), Failure> {
    let io = |path: &Path, source| Failure::Folder { path: path.to_owned(), source };
    let mut list = Command::new(built.join("minster-audit"));
    list.args(["list", "--installed-in", INSTALLED_IN, "--key"]).arg(key);
    list.args(PACKAGES.iter().map(|package| built.join(package.name)));
    let listed = list.output().map_err(|source| io(built, source))?;
    refused(&listed)?;
    let [note, public] = SIGNED.map(|name| folder.join(name));
    fs::write(&note, listed.stdout).map_err(|source| io(&note, source))?;
    fs::copy(key.with_extension("pub"), &public).map_err(|source| io(&public, source))?;
    say(&format!("signed {}", note.display()));
    Ok(())
}

/// The packages that stand in a folder, in the order in which they are installed.
pub(crate) fn of_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let paths = PACKAGES.iter().map(|package| package.path(folder));
    let paths: Vec<PathBuf> = paths.collect();
    let signed = SIGNED.map(|name| folder.join(name));
    match paths.iter().chain(&signed).find(|path| !path.exists()) {
        Some(path) => {
            Err(Failure::Lacking(format!("{} (cargo xtask packages --key)", path.display())))
        }
        None => Ok(paths),
    }
}

impl Package {
    /// Sorts completions and manual pages to their program.
    fn stage(&self, assets: &Path, own: &Path) -> Result<(), Failure> {
        let io = |path: &Path, source| Failure::Folder { path: path.to_owned(), source };
        let copy = |from: PathBuf, to: PathBuf| -> Result<(), Failure> {
            let folder = to.parent().unwrap_or(own);
            fs::create_dir_all(folder).map_err(|source| io(folder, source))?;
            fs::copy(&from, &to).map(drop).map_err(|source| io(&from, source))
        };
        let (man, shells) = (assets.join("man"), assets.join("completions"));
        let pages = fs::read_dir(&man).map_err(|source| io(&man, source))?;
        for page in pages {
            let page = page.map_err(|source| io(&man, source))?.file_name();
            if program_of(&page.to_string_lossy()) == Some(self.name) {
                copy(man.join(&page), own.join("man").join(&page))?;
            }
        }
        let name = self.name;
        for (from, to) in [
            (format!("{name}.bash"), format!("bash/{name}")),
            (format!("_{name}"), format!("zsh/_{name}")),
            (format!("{name}.fish"), format!("fish/{name}.fish")),
        ] {
            copy(shells.join(from), own.join(to))?;
        }
        Ok(())
    }

    /// Writes what the program is made of, in CycloneDX's JSON.
    fn bill_of_materials(&self, root: &Path, own: &Path) -> Result<(), Failure> {
        let name = format!("{}.cdx", self.name);
        let mut bill = cargo();
        bill.args(["cyclonedx", "--format", "json", "--spec-version", "1.5", "--quiet"]);
        bill.args(["--no-build-deps", "--target", "x86_64-unknown-linux-gnu"]);
        bill.args(["--override-filename", &name, "--manifest-path"]);
        bill.arg(root.join(self.folder).join("Cargo.toml"));
        run("cargo cyclonedx", bill.env("SOURCE_DATE_EPOCH", "0").current_dir(root))?;
        // It writes one beside the manifest of every member of the workspace.
        let file = format!("{name}.json");
        let mut found = false;
        for member in members(root)? {
            let path = member.join(&file);
            if !path.exists() {
                continue;
            }
            let io = |source| Failure::Folder { path: path.clone(), source };
            if member.ends_with(self.folder) {
                fs::copy(&path, own.join(&file)).map_err(io)?;
                found = true;
            }
            fs::remove_file(&path).map_err(io)?;
        }
        match found {
            true => Ok(()),
            false => Err(Failure::Program { program: "cargo cyclonedx".into(), code: Some(0) }),
        }
    }

    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}_{}-1_amd64.deb", self.name, env!("CARGO_PKG_VERSION")))
    }

    fn debian(&self, root: &Path, folder: &Path, profile: &str) -> Result<PathBuf, Failure> {
        let path = self.path(folder);
        let mut deb = cargo();
        // The audit reads the programs' symbols: they are not stripped.
        deb.args(["deb", "--locked", "--no-build", "--no-strip", "--profile", profile]);
        // A trial is not compressed for long.
        deb.args((profile == "dev").then_some("--fast"));
        deb.args(["--package", self.krate, "--output"]).arg(&path);
        run("cargo deb", deb.current_dir(root))?;
        Ok(path)
    }
}

/// Another build may have put a program without the list of its crates into the place.
fn carries_its_list(program: &Path) -> Result<(), Failure> {
    let io = |source| Failure::Folder { path: program.to_owned(), source };
    let bytes = fs::read(program).map_err(io)?;
    // The section's name, as `cargo auditable` has it.
    match bytes.windows(7).any(|window| window == b".dep-v0") {
        true => Ok(()),
        false => Err(Failure::Installation(format!(
            "{} does not carry the list of its crates: was it built by another at the same time? Try again",
            program.display()
        ))),
    }
}

/// The program that a manual page is about; none, if it is not shipped.
fn program_of(page: &str) -> Option<&'static str> {
    let begins =
        |name: &str| page.strip_prefix(name).is_some_and(|rest| rest.starts_with(['-', '.']));
    if begins("minster-synth") {
        return None;
    }
    // The longest name: `minster` begins every one.
    let names = PACKAGES.iter().map(|package| package.name).filter(|name| begins(name));
    names.max_by_key(|name| name.len())
}

/// The folders of the workspace's members.
fn members(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let path = root.join("Cargo.toml");
    let io = |source| Failure::Folder { path: path.clone(), source };
    let manifest = fs::read_to_string(&path).map_err(io)?;
    let manifest: toml::Table = manifest
        .parse()
        .map_err(|error: toml::de::Error| io(std::io::Error::other(error.to_string())))?;
    let members = manifest.get("workspace").and_then(|of| of.get("members")?.as_array());
    let members = members.into_iter().flatten().filter_map(toml::Value::as_str);
    Ok(members.map(|member| root.join(member)).collect())
}

#[cfg(test)]
mod tests {
    use super::{carries_its_list, members, program_of};

    #[test]
    fn a_program_without_the_list_of_its_crates_is_in_no_package() {
        let path = std::env::temp_dir().join(format!("minster-listed-{}", std::process::id()));
        std::fs::write(&path, b"\x7fELF .dep-v .symtab").unwrap();
        assert!(carries_its_list(&path).is_err());
        std::fs::write(&path, b"\x7fELF .dep-v0 .symtab").unwrap();
        assert!(carries_its_list(&path).is_ok());
        std::fs::remove_file(&path).unwrap();
        assert!(carries_its_list(&path).is_err());
    }

    #[test]
    fn each_manual_page_is_its_programs_and_the_made_up_councils_is_not_shipped() {
        assert_eq!(program_of("minster.1"), Some("minster"));
        assert_eq!(program_of("minster-release.1"), Some("minster"));
        assert_eq!(program_of("minster-audit-key.1"), Some("minster-audit"));
        assert_eq!(program_of("minster-ingest.1"), Some("minster-ingest"));
        assert_eq!(program_of("minster-vault-log-show.1"), Some("minster-vault"));
        assert_eq!(program_of("minster-synth.1"), None);
    }

    #[test]
    fn every_folder_that_a_bill_is_written_into_is_tidied() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let members = members(&root).unwrap();
        for folder in ["crates/xtask", "tests", "tests/ui", "benches"] {
            assert!(members.contains(&root.join(folder)), "{folder}");
        }
        assert!(members.iter().all(|member| member.join("Cargo.toml").is_file()));
    }
}
