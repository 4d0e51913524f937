//! The package for Python, where it is built: its own tests, on a release and with the program.

use std::process::Command;

use minster_tests::{left_out, programs, python, root, text};

use crate::{drafted, released};

#[test]
fn the_package_for_python_opens_releases_and_writes_definitions() {
    let python = python();
    let has = |module: &str| {
        let import = Command::new(&python).args(["-c", &format!("import {module}")]).output();
        import.is_ok_and(|import| import.status.success())
    };
    for module in ["minster", "pytest"] {
        if !has(module) {
            left_out(&format!(
                "the tests of the package for Python: {} has no {module} (CONTRIBUTING.md says how it is built)",
                python.display()
            ));
            return;
        }
    }
    let site = drafted(&[], &[]);
    let release = released(&site, "children");
    // Without its cache, so that the tests leave nothing in the source.
    let tests = Command::new(&python)
        .args(["-B", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"])
        .arg(root().join("python/tests"))
        .arg("--release")
        .arg(release)
        .arg("--pipeline")
        .arg(site.folder().join("config/pipeline.toml"))
        .arg("--minster")
        .arg(programs().join("minster"))
        .current_dir(site.folder())
        .output()
        .unwrap();
    let said = text(&tests);
    assert!(tests.status.success(), "{said}");
    // Where a library is missing its tests say so, and nothing else is skipped.
    for skipped in said.lines().filter(|line| line.starts_with("SKIPPED")) {
        assert!(skipped.contains("could not import"), "{said}");
        left_out(skipped);
    }
    assert!(said.contains(" passed"), "{said}");
}
