//! R and LibreOffice, where they are installed.

use std::{fs, path::Path};

use minster_tests::left_out;

use crate::read_by;

/// Both have the values and statuses of the CSV files. A data package or a number that is another is seen.
pub(crate) fn read(place: &Path) {
    let (good, said) = read_by("elsewhere.py", place);
    assert!(good, "{said}");
    for missing in said.lines().filter_map(|line| line.strip_prefix("MISSING ")) {
        left_out(&format!("the comparison with {missing}, which is not installed"));
    }
    for (program, name, from, to) in [
        ("R", "datapackage.json", "\"type\": \"integer\"", "\"type\": \"string\""),
        ("LibreOffice", "sen_by_ward.csv", "All wards,All,All,", "All wards,All,All,9"),
    ] {
        // The two faults are put into one of the releases.
        if !place.join("sen_by_ward.csv").exists()
            || !said.contains(&format!("tables in {program}"))
        {
            continue;
        }
        let whole = fs::read_to_string(place.join(name)).unwrap();
        assert!(whole.contains(from), "{name}");
        fs::write(place.join(name), whole.replacen(from, to, 1)).unwrap();
        let (good, said) = read_by("elsewhere.py", place);
        fs::write(place.join(name), whole).unwrap();
        assert!(!good && said.contains(&format!("WRONG {program}")), "{name}: {said}");
    }
}
