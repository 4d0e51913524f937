//! The arrows between the rooms, and what no program may link.
//!
//! `arrows.txt` is the golden graph: a new arrow is a decision, made by changing that file.
#![allow(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

const GOLDEN: &str = include_str!("arrows.txt");

/// The packages that a package must never link, however far down.
const NEVER: &[(&str, &[&str])] = &[
    ("minster-model", &["ring", "parquet", "polars", "minster-identifiers"]),
    (
        "minster-vault",
        &["polars", "minster-matcher", "minster-aggregator", "minster-store", "minster-synth"],
    ),
    ("minster-pseudonymiser", &["polars", "minster-vault", "minster-synth"]),
    (
        "minster",
        &[
            "minster-vault",
            "minster-identifiers",
            "minster-sources",
            "minster-pseudonymiser",
            "minster-synth",
        ],
    ),
    (
        "minster-audit",
        &[
            "polars",
            "minster-vault",
            "minster-identifiers",
            "minster-sources",
            "minster-pseudonymiser",
            "minster-matcher",
            "minster-aggregator",
            "minster-synth",
        ],
    ),
    (
        "minster-matcher",
        &["minster-vault", "minster-identifiers", "minster-sources", "minster-synth"],
    ),
    (
        "minster-aggregator",
        &["minster-vault", "minster-identifiers", "minster-sources", "minster-synth"],
    ),
    ("minster-query", &["minster-store", "minster-aggregator", "polars", "parquet", "ring"]),
    ("minster-risk", &["minster-model", "polars", "parquet", "ring"]),
    ("minster-scoring", &["minster-model", "polars", "parquet", "ring"]),
    ("minster-disk", &["minster-model", "polars", "parquet", "serde"]),
    ("minster-metrics", &["minster-model", "polars", "parquet", "ring", "serde"]),
    (
        "minster-formats",
        &["minster-model", "minster-attack", "minster-disclosure", "minster-store", "polars"],
    ),
    ("minster-leakage", &["minster-identifiers", "minster-model"]),
    ("minster-disclosure", &["polars", "minster-attack"]),
    ("minster-attack", &["polars", "minster-disclosure"]),
    ("xtask", &["minster-model"]),
];

#[test]
fn the_arrows_are_the_golden_ones() {
    let actual: String = workspace()
        .iter()
        .map(|(package, dependencies)| {
            let rooms: Vec<_> = dependencies.iter().map(String::as_str).collect();
            format!("{package} -> {}\n", rooms.join(" ")).replace(" \n", "\n")
        })
        .collect();
    assert_eq!(actual, GOLDEN, "an arrow changed: is it allowed by ARCHITECTURE.md?");
}

#[test]
fn no_program_links_what_it_must_not_hold() {
    let packages = workspace();
    let present = NEVER.iter().filter(|(package, _)| packages.contains_key(*package));
    let mut checked = 0;
    for (package, forbidden) in present {
        let linked = linked(package);
        assert!(linked.contains(*package), "cargo tree did not list {package} itself");
        for name in *forbidden {
            assert!(!linked.contains(*name), "{package} links {name}");
        }
        checked += 1;
    }
    assert!(checked > 0);
}

/// The package for Python stands outside the workspace, with a lock file of its own: whatever it names is in its wheel, or builds it.
#[test]
fn the_package_for_python_links_no_room_and_no_cryptography() {
    let lock = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/Cargo.lock"),
    );
    let lock: toml::Table = lock.unwrap().parse().unwrap();
    let packages = lock["package"].as_array().unwrap().iter();
    let names: BTreeSet<&str> = packages.map(|of| of["name"].as_str().unwrap()).collect();
    let rooms: Vec<_> = names.iter().filter(|name| name.starts_with("minster")).collect();
    assert_eq!(rooms, [&"minster-python"]);
    for never in ["aes", "aes-gcm", "age", "argon2", "hkdf", "hmac", "polars", "ring"] {
        assert!(!names.contains(never), "it names {never}");
    }
    assert!(names.contains("parquet") && names.contains("pyo3"));
}

/// Every package of the workspace with the packages of the workspace it links directly.
fn workspace() -> BTreeMap<String, BTreeSet<String>> {
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1", "--offline"]);
    let metadata: serde_json::Value = serde_json::from_str(&output).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |package: &serde_json::Value| package["name"].as_str().unwrap().to_owned();
    let members: BTreeSet<String> = packages.iter().map(name).collect();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            let rooms = dependencies
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .map(name)
                .filter(|dependency| members.contains(dependency))
                .collect();
            (name(package), rooms)
        })
        .collect()
}

/// The names of all packages that end up in a package's binary.
fn linked(package: &str) -> BTreeSet<String> {
    cargo(&["tree", "--offline", "--package", package, "--edges", "normal", "--prefix", "none"])
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
