//! A copy of the workspace with all mutants in it, built once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{Arguments, Mutant, Outcome, output, read, schema};

/// The outcome of a build.
pub(crate) struct Build {
    /// Test programs, each with the folder of its package.
    pub(crate) programs: Vec<(PathBuf, PathBuf)>,
    /// Mutants that do not compile beside their original.
    pub(crate) dropped: BTreeSet<usize>,
}

/// Mutants are numbered from 1 in the list's order.
pub(crate) fn build(arguments: &Arguments, out: &Path, mutants: &[Mutant]) -> Outcome<Build> {
    let tree = out.join("tree");
    copy(&arguments.workspace, &tree)?;
    let mut of_file: BTreeMap<&str, Vec<(usize, &Mutant)>> = BTreeMap::new();
    for (number, mutant) in mutants.iter().enumerate() {
        of_file.entry(&mutant.file).or_default().push((number + 1, mutant));
    }
    let originals = of_file
        .keys()
        .map(|file| Ok((*file, read(&tree.join(file))?)))
        .collect::<Outcome<BTreeMap<&str, String>>>()?;
    // A mutant that did not compile the last time is likely not to compile now, but is tried again where files changed.
    let mut dropped = BTreeSet::new();
    loop {
        let mut texts = BTreeMap::new();
        for (file, numbered) in &of_file {
            let (text, placed) = schema::instrument(&originals[file], numbered, &dropped)?;
            dropped
                .extend(numbered.iter().map(|(number, _)| *number).filter(|n| !placed.contains(n)));
            texts.insert(*file, text);
        }
        for (file, text) in &texts {
            fs::write(tree.join(file), text)?;
        }
        for root in of_file.keys().filter_map(|file| root(Path::new(file))) {
            let path = tree.join(&root);
            let text = read(&path)?;
            if !text.contains("pub(crate) mod mutant {") {
                fs::write(&path, format!("{text}{}", schema::MODULE))?;
            }
        }
        // To check is quicker than to build, which is done once nothing is wrong.
        let mut messages = compile(arguments, &tree, out, true)?;
        if !messages.iter().any(is_error) {
            messages = compile(arguments, &tree, out, false)?;
        }
        let blamed: BTreeSet<usize> = messages.iter().flat_map(|m| blamed(m, &texts)).collect();
        let errors: Vec<&Value> = messages.iter().filter(|m| is_error(m)).collect();
        if errors.is_empty() {
            return Ok(Build { programs: programs(&messages), dropped });
        }
        println!("{} errors, {} mutants dropped", errors.len(), blamed.len());
        if blamed.difference(&dropped).next().is_none() {
            let text =
                |error: &&Value| error["message"]["rendered"].as_str().unwrap_or("").to_owned();
            return Err(errors.iter().map(text).collect::<Vec<_>>().join("\n").into());
        }
        dropped.extend(blamed);
    }
}

/// The first file of the crate that a file belongs to.
fn root(file: &Path) -> Option<PathBuf> {
    let source = file.ancestors().find(|folder| folder.ends_with("src"))?;
    Some(source.join("lib.rs"))
}

/// Copies the files that git knows, those that are new included.
fn copy(workspace: &Path, tree: &Path) -> Outcome<()> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let files = output(Command::new("git").args(arguments).current_dir(workspace))?;
    for file in String::from_utf8(files)?.split('\0').filter(|file| !file.is_empty()) {
        let (from, to) = (workspace.join(file), tree.join(file));
        if !from.is_file() {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap_or(tree))?;
        let text = fs::read(&from)?;
        if fs::read(&to).ok().as_ref() != Some(&text) {
            fs::write(&to, text)?;
        }
    }
    Ok(())
}

/// The compiler's messages, a value a line.
fn compile(arguments: &Arguments, tree: &Path, out: &Path, checks: bool) -> Outcome<Vec<Value>> {
    let mut command = Command::new("cargo");
    match checks {
        true => command.args(["check", "--keep-going"]),
        false => command.args(["test", "--no-run"]),
    };
    command.args(["--locked", "--message-format", "json"]);
    for package in arguments.package.iter().chain(arguments.tests.iter().filter(|_| !checks)) {
        command.args(["-p", package]);
    }
    command
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", out.join("build"))
        .env("RUSTFLAGS", "-Awarnings");
    let output = command.output()?;
    let lines = String::from_utf8(output.stdout)?;
    let values: Vec<Value> =
        lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if !output.status.success() && !values.iter().any(is_error) {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(values)
}

fn is_error(message: &Value) -> bool {
    message["message"]["level"] == "error"
}

/// The mutants that an error is about.
fn blamed(message: &Value, texts: &BTreeMap<&str, String>) -> Vec<usize> {
    if !is_error(message) {
        return Vec::new();
    }
    let spans = message["message"]["spans"].as_array().cloned().unwrap_or_default();
    let (primary, others): (Vec<&Value>, Vec<&Value>) =
        spans.iter().partition(|span| span["is_primary"] == true);
    let of = |span: &&Value| {
        let file = span["file_name"].as_str().and_then(|file| texts.get(file));
        match (file, span["byte_start"].as_u64()) {
            (Some(text), Some(start)) => schema::blamed(text, start as usize),
            _ => Vec::new(),
        }
    };
    let found: Vec<usize> = primary.iter().flat_map(of).collect();
    if found.is_empty() { others.iter().flat_map(of).collect() } else { found }
}

fn programs(messages: &[Value]) -> Vec<(PathBuf, PathBuf)> {
    let program = |message: &Value| {
        let program =
            message["executable"].as_str().filter(|_| message["profile"]["test"] == true)?;
        let manifest = Path::new(message["manifest_path"].as_str()?);
        Some((PathBuf::from(program), manifest.parent()?.to_owned()))
    };
    messages.iter().filter_map(program).collect()
}
