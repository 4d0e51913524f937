//! Whether two builds of one commit are the same, byte by byte: the programs are built twice, from two copies of the sources
//! in two folders, into two others.

use std::{fs, io::Read, path::Path, process::Command};

use clap::Args;
use ring::digest::{Context, SHA256};

use crate::{
    Failure,
    demo::own_folder,
    say,
    shipped::{Build, PROGRAMS},
};

#[derive(Args)]
pub(crate) struct Reproducible {
    /// A program; again for another. All four, where none is named.
    #[arg(long = "program", value_name = "NAME", value_parser = PROGRAMS)]
    programs: Vec<String>,
    /// How it is built: `release` as it is shipped, `dev` for a trial in minutes.
    #[arg(long, default_value = "release", value_parser = ["dev", "release"])]
    profile: String,
    /// Keep the two folders with the sources and what was built.
    #[arg(long)]
    keep: bool,
}

impl Reproducible {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let programs: Vec<&str> = match self.programs.is_empty() {
            true => PROGRAMS.to_vec(),
            false => self.programs.iter().map(String::as_str).collect(),
        };
        let own = own_folder()?;
        let place = own.parent().unwrap_or(&own).join("reproducible");
        let io = |path: &Path, source| Failure::Folder { path: path.to_owned(), source };
        if place.exists() {
            fs::remove_dir_all(&place).map_err(|source| io(&place, source))?;
        }
        let commit = commit(&root)?;
        let mut hashes = Vec::new();
        // Names of different lengths: a path that is left in a program moves what follows.
        for name in ["one", "another"] {
            let folder = place.join(name);
            let (sources, built) = (folder.join("sources"), folder.join("built"));
            fs::create_dir_all(&sources).map_err(|source| io(&sources, source))?;
            copy_tracked(&root, &sources)?;
            say(&format!("building in {}", folder.display()));
            let build = Build {
                sources: &sources,
                built: &built,
                profile: &self.profile,
                programs: &programs,
                renames_paths: true,
                commit: Some(&commit),
            };
            build.run()?;
            let hash = |program: &&str| sha256(&build.folder().join(program));
            hashes.push(programs.iter().map(hash).collect::<Result<Vec<_>, _>>()?);
        }
        let mut differing = Vec::new();
        for (place, program) in programs.iter().enumerate() {
            let (one, another) = (&hashes[0][place], &hashes[1][place]);
            match one == another {
                true => say(&format!("same     {one}  {program}")),
                false => {
                    say(&format!("DIFFERS  {one}  {program}\n         {another}"));
                    differing.push((*program).to_owned());
                }
            }
        }
        if !differing.is_empty() {
            say(&format!("compare them below {} (diffoscope shows where)", place.display()));
            return Err(Failure::NotReproducible(differing.join(", ")));
        }
        if !self.keep {
            fs::remove_dir_all(&place).map_err(|source| io(&place, source))?;
        }
        Ok(())
    }
}

/// The commit that is checked out: the copies are outside of git.
fn commit(root: &Path) -> Result<String, Failure> {
    let text = git(root, &["rev-parse", "--short=12", "HEAD"])?;
    Ok(text.trim().to_owned())
}

/// Copies the files that git tracks, as they are in the folder now.
fn copy_tracked(from: &Path, to: &Path) -> Result<(), Failure> {
    for name in git(from, &["ls-files", "-z"])?.split('\0').filter(|name| !name.is_empty()) {
        let (source, target) = (from.join(name), to.join(name));
        let io = |source| Failure::Folder { path: target.clone(), source };
        fs::create_dir_all(target.parent().unwrap_or(to)).map_err(io)?;
        match fs::read_link(&source) {
            Ok(link) => std::os::unix::fs::symlink(link, &target).map_err(io)?,
            // A file that was removed and is tracked still is no part of the sources.
            Err(_) if !source.exists() => {}
            Err(_) => drop(fs::copy(&source, &target).map_err(io)?),
        }
    }
    Ok(())
}

/// The answer of git.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .map_err(Failure::Cargo)?;
    match (output.status.success(), String::from_utf8(output.stdout)) {
        (true, Ok(text)) => Ok(text),
        _ => Err(Failure::Program { program: "git".into(), code: output.status.code() }),
    }
}

/// A file's SHA-256 in hexadecimal digits.
pub(crate) fn sha256(path: &Path) -> Result<String, Failure> {
    let io = |source| Failure::Folder { path: path.to_owned(), source };
    let mut file = fs::File::open(path).map_err(io)?;
    let (mut hash, mut bytes) = (Context::new(&SHA256), vec![0; 1 << 16]);
    loop {
        match file.read(&mut bytes).map_err(io)? {
            0 => break,
            read => hash.update(&bytes[..read]),
        }
    }
    Ok(base16ct::lower::encode_string(hash.finish().as_ref()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::sha256;

    #[test]
    fn a_program_is_told_from_one_with_another_byte() {
        let folder = std::env::temp_dir().join(format!("minster-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (one, other) = (folder.join("one"), folder.join("other"));
        let whole = vec![7; 100_000];
        fs::write(&one, &whole).unwrap();
        let changed = [&whole[..99_999], &[8]].concat();
        fs::write(&other, changed).unwrap();
        assert_ne!(sha256(&one).unwrap(), sha256(&other).unwrap());
        fs::write(&other, &whole).unwrap();
        assert_eq!(sha256(&one).unwrap(), sha256(&other).unwrap());
        // The SHA-256 of nothing, as everyone knows it.
        fs::write(&other, "").unwrap();
        assert!(sha256(&other).unwrap().starts_with("e3b0c44298fc1c14"));
        fs::remove_dir_all(folder).unwrap();
    }
}
