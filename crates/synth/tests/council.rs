//! The promises of the made-up council: the same bytes for the same seed, and a truth that is true.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{collections::BTreeMap, fs, path::Path};

use minster_identifiers::{Upn, UpnField};
use minster_synth::{Council, Defects, SynthError};

fn council(
    pupils: u64,
    seed: u64,
    defects: Defects,
) -> (tempfile::TempDir, BTreeMap<String, Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let council = Council { pupils, seed, days: 3, defects, hard: false };
    council.write(&folder.path().join("out"), &folder.path().join("truth")).unwrap();
    let mut files = BTreeMap::new();
    collect(folder.path(), folder.path(), &mut files);
    (folder, files)
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

fn in_pool<T: Send>(threads: usize, job: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(job)
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_threads() {
    let one = in_pool(1, || council(900, 7, Defects::default()).1);
    let four = in_pool(4, || council(900, 7, Defects::default()).1);
    assert!(one == four);
    assert!(one != council(900, 8, Defects::default()).1);
    assert!(one.len() > 35);
}

#[test]
fn without_defects_every_number_is_right() {
    let (_folder, files) = council(600, 1, Defects::none());
    let mut numbers = 0;
    for line in String::from_utf8(files["out/attendance/2024-25/attendance.csv"].clone())
        .unwrap()
        .lines()
        .skip(1)
    {
        Upn::parse(line.split(',').next().unwrap()).unwrap();
        numbers += 1;
    }
    let header =
        String::from_utf8(files["out/ssda903/2024-25/SSDA903_2025_header.csv"].clone()).unwrap();
    for line in header.lines().skip(1) {
        assert!(UpnField::parse(line.split(',').nth(4).unwrap()).is_ok());
    }
    assert!(numbers > 3000);
    let truth = String::from_utf8(files["truth/rows.csv"].clone()).unwrap();
    assert!(truth.lines().skip(1).all(|line| line.ends_with(',')));
}

#[test]
fn the_truth_points_at_the_rows() {
    let (_folder, files) =
        council(3000, 3, Defects { wrong_check_letter: 0.05, ..Defects::none() });
    let truth = String::from_utf8(files["truth/rows.csv"].clone()).unwrap();
    let attendance =
        String::from_utf8(files["out/attendance/2024-25/attendance.csv"].clone()).unwrap();
    let rows: Vec<&str> = attendance.lines().skip(1).collect();
    let mut wrong = 0;
    for line in truth.lines().filter(|line| line.starts_with("attendance.csv")) {
        let row: usize = line.split(',').nth(1).unwrap().parse().unwrap();
        assert!(line.ends_with("wrong-check-letter"));
        assert!(Upn::parse(rows[row - 1].split(',').next().unwrap()).is_err());
        wrong += 1;
    }
    let all = rows.iter().filter(|row| Upn::parse(row.split(',').next().unwrap()).is_err()).count();
    assert_eq!(wrong, all);
    assert!(wrong > 10);
}

#[test]
fn there_are_twins_siblings_movers_and_children_of_no_school() {
    let (_folder, files) = council(3000, 5, Defects::none());
    let children = String::from_utf8(files["truth/children.csv"].clone()).unwrap();
    let rows: Vec<Vec<&str>> =
        children.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let pairs = |same: &dyn Fn(&[&str], &[&str]) -> bool| {
        rows.windows(2).filter(|pair| same(&pair[0], &pair[1])).count()
    };
    assert!(pairs(&|a, b| a[6] == b[6] && a[8] == b[8]) > 500, "siblings");
    assert!(pairs(&|a, b| a[6] == b[6] && a[8] == b[8] && a[5] == b[5]) > 10, "twins");
    assert!(rows.iter().filter(|row| row[11] == "false").count() > 90, "no school");
    assert!(rows.iter().filter(|row| row[1].starts_with("UN")).count() > 20, "no number");
    assert!(rows.iter().filter(|row| !row[2].is_empty()).count() > 30, "former numbers");
}

#[test]
fn a_folder_in_use_and_a_truth_among_the_deliveries_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x"), "").unwrap();
    let council = Council { pupils: 10, seed: 1, days: 1, defects: Defects::none(), hard: false };
    let refused = council.write(folder.path(), &folder.path().with_extension("t"));
    assert!(matches!(refused, Err(SynthError::NotEmpty { .. })));
    let inside = folder.path().join("out/truth");
    let refused = council.write(&folder.path().join("out"), &inside);
    assert!(matches!(refused, Err(SynthError::TruthInside)));
}
