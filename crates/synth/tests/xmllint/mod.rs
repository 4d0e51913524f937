//! Files against the ministry's schemas.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of schemas, where it is named and there is a program that knows them; says aloud where not.
pub(crate) fn schemas() -> Option<PathBuf> {
    let Some(spec) = std::env::var_os("MINSTER_SPEC") else {
        minster_tests::left_out("MINSTER_SPEC does not name the folder of schemas");
        return None;
    };
    if Command::new("xmllint").arg("--version").output().is_err() {
        minster_tests::left_out("xmllint is not installed");
        return None;
    }
    Some(spec.into())
}

/// Stops where a file is not as its schema asks.
pub(crate) fn assert_valid(schema: &Path, file: &Path) {
    let found = Command::new("xmllint")
        .args(["--noout", "--schema"])
        .arg(schema)
        .arg(file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&found.stderr);
    let first: Vec<&str> = said.lines().take(5).collect();
    assert!(found.status.success(), "{}: {first:?}", file.display());
}
