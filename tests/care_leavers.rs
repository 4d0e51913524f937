//! More care leavers for a made-up council.

use std::{fs, path::Path};

/// A small council has few care leavers: here two dozen of those who were looked after are asked for their activity, too.
/// `folder` has the made-up council and its truth.
///
/// # Panics
///
/// Where the council has fewer children who were looked after.
pub fn more_care_leavers(folder: &Path) {
    let of_care = folder.join("council/ssda903/2024-25");
    let read = |name: &str| fs::read_to_string(of_care.join(name)).unwrap();
    let (header, mut leavers) = (read("SSDA903_2025_header.csv"), read("SSDA903_2025_oc3.csv"));
    let truth = folder.join("truth/rows.csv");
    let mut rows = fs::read_to_string(&truth).unwrap();
    let mut added = 0;
    for (at, line) in header.lines().enumerate().skip(1) {
        let [child, _, born, ..] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        if leavers.contains(child) || added == 24 {
            continue;
        }
        let activity = ["F1", "P2", "G4"][added % 3];
        leavers += &format!("{child},{born},YES,{activity},B1\n");
        let of_header = format!("SSDA903_2025_header.csv,{at},");
        let of_header =
            rows.lines().find_map(|row| row.strip_prefix(&of_header)).unwrap().to_owned();
        let last = leavers.lines().count() - 1;
        rows += &format!("SSDA903_2025_oc3.csv,{last},{of_header}\n");
        added += 1;
    }
    assert_eq!(added, 24);
    fs::write(of_care.join("SSDA903_2025_oc3.csv"), leavers).unwrap();
    fs::write(truth, rows).unwrap();
}
