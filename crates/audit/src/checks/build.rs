//! Build separation: what each program must not hold, looked for in its symbols, and in the graph of what
//! its source links.

use std::{fs, path::Path, process::Command};

use object::{Object, ObjectSymbol};

use crate::{
    check::{Check, Gathered, quoted},
    site::Site,
};

/// A program, and the crates that it must and must not hold.
struct Program {
    name: &'static str,
    package: &'static str,
    title: &'static str,
    /// The crate whose name shows that it is the program which it is named for, and has symbols.
    own: &'static str,
    never: &'static [&'static str],
}

/// `tests/separation` holds the source to the same.
const PROGRAMS: [Program; 4] = [
    Program {
        name: "minster-vault",
        package: "minster-vault",
        title: "holds nothing that reads datasets or makes tables",
        own: "minster_vault",
        never: &[
            "polars",
            "polars_core",
            "polars_lazy",
            "minster_matcher",
            "minster_aggregator",
            "minster_store",
            "minster_synth",
        ],
    },
    Program {
        name: "minster-ingest",
        package: "minster-pseudonymiser",
        title: "holds no key code",
        own: "minster_pseudonymiser",
        never: &["polars", "polars_core", "polars_lazy", "minster_vault", "minster_synth"],
    },
    Program {
        name: "minster",
        package: "minster",
        title: "holds no key code and nothing that reads a raw identifier",
        own: "minster_aggregator",
        never: &[
            "minster_vault",
            "minster_identifiers",
            "minster_sources",
            "minster_pseudonymiser",
            "minster_synth",
        ],
    },
    Program {
        name: "minster-audit",
        package: "minster-audit",
        title: "holds no key code, and nothing that makes what it audits",
        own: "minster_audit",
        never: &[
            "polars",
            "polars_core",
            "minster_vault",
            "minster_identifiers",
            "minster_sources",
            "minster_pseudonymiser",
            "minster_matcher",
            "minster_aggregator",
            "minster_synth",
        ],
    },
];

/// Symbols of the programs, then the graph of each.
pub(super) fn checks(site: &Site) -> Vec<Check> {
    let of_programs = PROGRAMS.iter().map(|program| {
        let path = site.program(program.name);
        let title = format!("The program {} {}", program.name, program.title);
        let by_hand = format!(
            "nm -C {} | grep -cE '\\b({})::' gives 0",
            quoted(&path),
            program.never.join("|")
        );
        let id = format!("build.symbols.{}", program.name);
        let mut check = Check::begin(&id, &title, by_hand);
        symbols(&path, program, &mut check);
        check.end()
    });
    of_programs.chain([graph(site.arguments.source.as_deref())]).collect()
}

fn symbols(path: &Path, program: &Program, check: &mut Gathered) {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let path = path.display();
            return check.missing(format!("{path}: {error}; give --programs DIR"));
        }
    };
    let file = match object::File::parse(bytes.as_slice()) {
        Ok(file) => file,
        Err(error) => return check.wrong(format!("{}: no program: {error}", path.display())),
    };
    let names: Vec<&[u8]> = file.symbols().filter_map(|symbol| symbol.name_bytes().ok()).collect();
    let mentions = |krate: &str| names.iter().filter(|name| mentions(name, krate)).count();
    if names.iter().all(|name| name.is_empty()) {
        let why =
            "its table of symbols was removed (stripped); keep the table, or give --source DIR";
        return check.missing(format!("{}: {why}", path.display()));
    }
    check.note(format!("{}: {} symbols", path.display(), names.len()));
    match mentions(program.own) {
        0 => check.wrong(format!(
            "none is of {}: this is not the program that it is named for",
            program.own
        )),
        own => check.fine(format!("{own} name {}, as they must", program.own)),
    }
    let (found, absent): (Vec<_>, Vec<_>) = program
        .never
        .iter()
        .map(|krate| (*krate, mentions(krate)))
        .partition(|(_, found)| *found > 0);
    let absent: Vec<&str> = absent.into_iter().map(|(krate, _)| krate).collect();
    check.fine(format!("none names {}", absent.join(", ")));
    found.iter().for_each(|(krate, found)| check.wrong(format!("{found} name {krate}")));
}

/// Whether a mangled name names a crate: after its length, as manglings write it, or between signs that no
/// name has. `minster_vault_api` does not name `minster_vault`.
fn mentions(symbol: &[u8], krate: &str) -> bool {
    let (krate, length) = (krate.as_bytes(), krate.len().to_string());
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let found = |at: usize| {
        let (before, after) = (&symbol[..at], &symbol[at + krate.len()..]);
        let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        before.ends_with(length.as_bytes()) && digits == length.len()
            || !before.last().is_some_and(in_name) && !after.first().is_some_and(in_name)
    };
    let windows = symbol.windows(krate.len()).enumerate();
    windows.filter(|(_, window)| *window == krate).any(|(at, _)| found(at))
}

fn graph(source: Option<&Path>) -> Check {
    let title = "The source of no program links what the program must not hold";
    let by_hand = "cargo tree --offline --edges normal --prefix none --package PACKAGE, in the source's folder, \
                   for minster-vault, minster-pseudonymiser, minster and minster-audit";
    let mut check = Check::begin("build.graph", title, by_hand);
    let Some(source) = source else {
        check.missing("give --source DIR, and have the Rust toolchain at hand");
        return check.end();
    };
    for program in &PROGRAMS {
        match linked(source, program.package) {
            Ok(linked) => compare(&linked, program, &mut check),
            Err(why) => check.missing(format!("{}: {why}", program.package)),
        }
    }
    check.end()
}

fn compare(linked: &[String], program: &Program, check: &mut Gathered) {
    let links = |name: &str| linked.iter().any(|linked| linked.replace('-', "_") == name);
    let package = program.package;
    match links(program.own) {
        true => {
            check.fine(format!("{package}: {} packages, {} among them", linked.len(), program.own))
        }
        false => check.wrong(format!("{package} does not link {}", program.own)),
    }
    for krate in program.never.iter().filter(|krate| links(krate)) {
        check.wrong(format!("{package} links {krate}"));
    }
}

/// Every package that ends up in a package's binary.
fn linked(source: &Path, package: &str) -> Result<Vec<String>, String> {
    let output = Command::new("cargo")
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--package", package])
        .current_dir(source)
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(text.lines().next_back().unwrap_or("cargo tree failed").to_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut names: Vec<String> =
        text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_told_from_one_whose_name_is_longer() {
        for symbol in [
            "_ZN13minster_vault3ask10checkpoint17h5353573159a80805E",
            "_RNvNtCsa1b2c3_13minster_vault3log6verify",
            "_ZN99_$LT$minster_vault..log..Log$u20$as$u20$core..ops..Drop$GT$4drop17h00E",
        ] {
            assert!(mentions(symbol.as_bytes(), "minster_vault"), "{symbol}");
        }
        for symbol in [
            "_ZN17minster_vault_api5frame4read17hedfc4e69525c6f94E",
            "_RNvNtCsa1b2c3_17minster_vault_api5frame4read",
            "_ZN9_$LT$minster_vault_api..client..VaultError$GT$4from17h56E",
            "_ZN4core3ops8function",
            "",
        ] {
            assert!(!mentions(symbol.as_bytes(), "minster_vault"), "{symbol}");
        }
    }

    #[test]
    fn an_arrow_that_must_not_be_fails() {
        use crate::check::Verdict;
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (linked, verdict) in [
            (names(&["minster", "minster-aggregator", "minster-vault-api"]), Verdict::Pass),
            (names(&["minster", "minster-aggregator", "minster-vault"]), Verdict::Fail),
            (names(&["minster", "minster-aggregator", "minster-identifiers"]), Verdict::Fail),
            (names(&[]), Verdict::Fail),
        ] {
            let mut check = Check::begin("", "", "");
            compare(&linked, &PROGRAMS[2], &mut check);
            assert_eq!(check.end().verdict, verdict, "{linked:?}");
        }
    }
}
