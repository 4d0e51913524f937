//! Files of a gigabyte that are one field, each read by a process of its own, whose peak memory the kernel tells.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
#![allow(clippy::print_stdout, reason = "the reading process says what it came to")]

use std::{fs, os::unix::fs::FileExt, path::Path, process::Command};

use minster_sources::{Definition, Plan, PlanError};
use procfs::process::Process;

const GIGABYTE: u64 = 1 << 30;
/// The peak memory of the reading process, in KiB.
const MOST_MEMORY: u64 = 100 << 10;
const FOLDER: &str = "MINSTER_TEST_FOLDER";

const CSV: &str = "name='s'\nformat='csv'\nyears=['2024']\n[[table]]\nname='a'\nfile='a.csv'\n[table.columns]\nid = { treatment='bridge', kind='person' }\nx = { treatment='drop', optional=true }";
const XML: &str = "name='x'\nformat='xml'\nyears=['2024']\nunit='/M/C'\n[[table]]\nname='c'\nfile='a.xml'\nrecord='.'\n[table.columns]\nId = { treatment='bridge', kind='person' }";

#[test]
fn a_gigabyte_in_one_field_is_an_error_within_bounded_memory() {
    for (name, definition, start, says) in [
        ("a.csv", CSV, "id,x\n1,", "longer than any row"),
        ("a.csv", CSV, "id,x\n1,\"CANARY", "never closed"),
        ("a.csv", CSV, "id,\"", "never closed"),
        ("a.csv", CSV, "", "longer than any row"),
        ("a.xml", XML, "<M><C><Id>CANARY", "16 MiB"),
        ("a.xml", XML, "<M><C Id='CANARY", "16 MiB"),
        ("a.xml", XML, "<M><C><", "16 MiB"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("definition"), definition).unwrap();
        fs::create_dir(folder.path().join("drop")).unwrap();
        // The part that is not written of it is NUL bytes.
        let file = fs::File::create(folder.path().join("drop").join(name)).unwrap();
        file.write_all_at(start.as_bytes(), 0).unwrap();
        file.set_len(GIGABYTE).unwrap();
        let (said, peak) = read_apart(folder.path());
        assert!(said.contains(says) && !said.contains("CANARY"), "{start}: {said}");
        assert!(peak < MOST_MEMORY, "{start}: {peak} KiB");
    }
}

#[test]
fn a_hundred_thousand_columns_or_elements_are_an_error_within_bounded_memory() {
    let many = |text: fn(u32) -> String| (0..100_000).map(text).collect::<String>();
    for (name, definition, content, says) in [
        ("a.csv", CSV, many(|place| format!("c{place},")), "16384"),
        ("a.csv", CSV, format!("id,x\n{}\n1,2\n", many(|_| "1,".into())), "16384"),
        ("a.xml", XML, format!("<M><C {}", many(|place| format!("a{place}='CANARY' "))), ""),
        (
            "a.xml",
            XML,
            format!("<M><C>{}", many(|place| format!("<A{place}>CANARY</A{place}>"))),
            "",
        ),
        ("a.xml", XML, many(|_| "<M>".into()), ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("definition"), definition).unwrap();
        fs::create_dir(folder.path().join("drop")).unwrap();
        fs::write(folder.path().join("drop").join(name), content).unwrap();
        let (said, peak) = read_apart(folder.path());
        assert!(said.contains(says) && !said.contains("CANARY"), "{name} {says}: {said}");
        assert!(peak < MOST_MEMORY, "{name} {says}: {peak} KiB");
    }
}

/// Reads the folder in another process: the error, and the peak memory in KiB.
fn read_apart(folder: &Path) -> (String, u64) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_reading_process", "--nocapture"])
        .env(FOLDER, folder)
        .output()
        .unwrap();
    let output = String::from_utf8(child.stdout).unwrap();
    let after = |what: &str| {
        let start = output.find(what).unwrap_or_else(|| panic!("{what} in {output}"));
        output[start + what.len()..].lines().next().unwrap()
    };
    (after("SAID ").to_owned(), after("PEAK ").parse().unwrap())
}

/// No test of its own: the process of [`read_apart`].
#[test]
fn the_reading_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let definition = fs::read_to_string(folder.join("definition")).unwrap();
    let outcome = read(&Definition::parse(&definition).unwrap(), &folder.join("drop"));
    let peak = Process::myself().unwrap().status().unwrap().vmhwm.unwrap();
    println!("\nSAID {}", outcome.unwrap_err());
    println!("PEAK {peak}");
}

fn read(definition: &Definition, folder: &Path) -> Result<(), PlanError> {
    for file in &Plan::make(definition, folder)?.files {
        minster_sources::read(definition, file, |_| {}, |_, _| true)?;
    }
    Ok(())
}
