//! Rows of persons whose records were disposed of leave a dataset, with what hangs on them and nothing else, wherever a program is
//! stopped.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod ending;
mod kept;
mod site;

use std::fs;

use minster_model::RowCounts;
use minster_store::{Disk, DisposedFrom, StoreError};
use site::{Site, TABLES, Table, UNITS, dataset};

#[test]
fn rows_leave_with_what_hangs_on_them_alone() {
    let mut site = Site::new(&TABLES, 2);
    let done = site.dispose_tokens(Disk::default(), &[1]).unwrap();
    assert_eq!((done.rows, done.cells, done.files, done.snapshots), (9, 0, 1, 2));
    assert_eq!(
        site.tokens("pupils"),
        [vec![Some(2), Some(12), Some(92)], vec![Some(3), Some(13), None]]
    );
    assert_eq!(site.tokens("addresses"), [vec![Some(12)], vec![Some(13)], vec![None]]);
    assert_eq!(site.tokens("cases"), [[Some(2), Some(22)]]);
    assert_eq!(site.tokens("plans"), [[Some(22), Some(32)]], "the case of two children stays");
    assert_eq!(site.tokens("needs"), [[Some(32)]]);
    let counts = site.counts();
    let of = |table: &str, file: &str| counts[&(table.to_owned(), file.to_owned())];
    let told = |of: RowCounts| (of.read, of.accepted, of.quarantined, of.blocked);
    assert_eq!(told(of("pupils", "a")), (5, 1, 2, 2));
    assert_eq!(told(of("pupils", "b")), (1, 1, 0, 0));
    assert_eq!(told(of("addresses", "a")), (2, 1, 0, 1));
    assert_eq!(told(of("addresses", "b")), (3, 2, 0, 1));
    assert_eq!(site.snapshots().len(), 1, "none of before stands");
    let names: Vec<String> = fs::read_dir(&site.snapshots()[0])
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        !names.contains(&"quarantine.age".into()) && names.contains(&"quarantine.jsonl".into())
    );
    assert_eq!(site.log.carried, [(done.before, done.after)]);
}

#[test]
fn rows_of_a_unit_leave_with_its_person_whatever_they_lack() {
    let mut site = Site::new(&UNITS, 0);
    let done = site.dispose_tokens(Disk::default(), &[1]).unwrap();
    assert_eq!(site.tokens("persons"), [[Some(2), Some(92)]]);
    // A row of the unit with another's own number is that one's.
    assert_eq!(site.tokens("plans"), [[Some(2)], [None], [None]]);
    assert_eq!((done.rows, done.files), (3, 0), "no row was set aside, so no sealed file leaves");
}

#[test]
fn a_dataset_without_such_rows_stays_as_it_is_and_loses_its_past() {
    let mut site = Site::new(&TABLES, 0);
    let before = site.store(Disk::default()).manifest(&dataset()).unwrap().1;
    let done = site.dispose_tokens(Disk::default(), &[55]).unwrap();
    let same = (before.clone(), before.clone());
    let nothing =
        DisposedFrom { before: same.0, after: same.1, snapshots: 1, ..DisposedFrom::default() };
    assert_eq!(done, nothing);
    assert_eq!(site.store(Disk::default()).manifest(&dataset()).unwrap().1, before);
    assert_eq!(site.snapshots().len(), 1);
}

#[test]
fn a_report_that_names_a_person_leaves() {
    let mut site = Site::new(&TABLES, 0);
    let done = site.dispose(Disk::default(), &[77]).unwrap();
    assert_eq!((done.rows, done.files), (0, 1));
    assert!(!site.snapshots()[0].join("report.json").exists());
    assert!(site.snapshots()[0].join("quarantine.age").exists());
    // A locked file is locked up anew, since the dataset has another key.
    let opened = site.store(Disk::default()).dataset(&dataset(), &mut site.log).unwrap();
    assert_eq!(opened.read_locked("counts.json").unwrap(), b"{\"rows\": 3}");
    let mut site = Site::new(&TABLES, 0);
    assert_eq!(site.dispose(Disk::default(), &[78]).unwrap().files, 1);
    let opened = site.store(Disk::default()).dataset(&dataset(), &mut site.log).unwrap();
    assert!(!opened.has_locked("places.json") && opened.has_locked("counts.json"));
}

/// Nothing says whether the second number of a row is another person's: the dataset stays as it is, and is named.
#[test]
fn a_dataset_of_an_earlier_release_whose_rows_may_be_of_two_persons_is_left_and_named() {
    let mut site = Site::new(&TABLES, 0);
    site.publish(&TABLES, "r9", 0, false);
    let (before, held) = (site.rows(), site.snapshots().len());
    let refused = site.dispose_tokens(Disk::default(), &[1]).unwrap_err();
    assert!(matches!(&refused, StoreError::UnknownKinds { .. }), "{refused}");
    assert!(refused.to_string().contains("source/census/2024-25"), "{refused}");
    assert_eq!((site.rows(), site.snapshots().len()), (before, held));
    // One number a row is one person's in any case.
    let alone = Table {
        name: "pupils",
        columns: &[("upn", None)],
        rows: &[&[Some(1)], &[Some(2)]],
        units: None,
        files: [2, 0],
    };
    let mut site = Site::new(&[alone], 0);
    assert_eq!(site.dispose_tokens(Disk::default(), &[1]).unwrap().rows, 1);
    assert_eq!(site.tokens("pupils"), [[Some(2)]]);
}

/// An adoption's row is the child's, and a mother's row is two children's: each stays as long as one of its persons does.
#[test]
fn a_row_of_two_persons_stays_for_the_one_and_lacks_the_other() {
    let adoption = Table {
        name: "adoption",
        columns: &[("child", Some("upn")), ("family", Some("family")), ("case", Some("case"))],
        rows: &[
            &[Some(1), Some(50), Some(21)],
            &[Some(2), Some(50), Some(22)],
            &[Some(3), Some(51), Some(23)],
            &[None, Some(50), Some(24)],
        ],
        units: None,
        files: [3, 1],
    };
    let mother = Table {
        name: "mother",
        columns: &[("child", Some("upn")), ("mother", Some("upn"))],
        rows: &[&[Some(4), Some(1)], &[Some(1), Some(4)], &[Some(1), Some(1)]],
        units: None,
        files: [3, 0],
    };
    // A row that hangs on a case of a row that stays, stays with it.
    let steps = Table {
        name: "steps",
        columns: &[("case", Some("case"))],
        rows: &[&[Some(21)], &[Some(22)], &[Some(24)]],
        units: None,
        files: [3, 0],
    };
    let tables = [adoption, mother, steps];
    let mut family = Site::new(&tables, 0);
    let done = family.dispose_tokens(Disk::default(), &[50]).unwrap();
    assert_eq!((done.rows, done.cells), (2, 2), "the row of the family alone, and its step");
    assert_eq!(
        family.tokens("adoption"),
        [[Some(1), None, Some(21)], [Some(2), None, Some(22)], [Some(3), Some(51), Some(23)],]
    );
    assert_eq!(family.tokens("steps"), [[Some(21)], [Some(22)]]);
    let counts = family.counts();
    let of = |file: &str| counts[&("adoption".to_owned(), file.to_owned())];
    assert_eq!((of("a").blocked, of("b").blocked), (0, 1));
    let mut child = Site::new(&tables, 0);
    let done = child.dispose_tokens(Disk::default(), &[1]).unwrap();
    assert_eq!((done.rows, done.cells), (1, 3), "the row with the child twice alone leaves");
    assert_eq!(child.tokens("mother"), [[Some(4), None], [None, Some(4)]]);
    assert_eq!(child.tokens("adoption")[0], [None, Some(50), Some(21)]);
    // Both are due: the row leaves whole.
    let mut both = Site::new(&tables, 0);
    let done = both.dispose_tokens(Disk::default(), &[1, 50]).unwrap();
    assert_eq!(both.tokens("adoption")[0], [Some(2), None, Some(22)]);
    assert_eq!((done.rows, done.cells), (5, 3));
}

#[test]
fn a_disposal_killed_at_any_write_goes_on() {
    let mut whole = Site::new(&TABLES, 2);
    let wanted = whole.dispose_tokens(Disk::default(), &[1]).unwrap();
    let rows = whole.rows();
    let mut steps = 0;
    for step in 0.. {
        let mut site = Site::new(&TABLES, 2);
        let killed = site.dispose_tokens(Disk::failing_after(step), &[1]);
        let before = site.rows();
        assert!(before == rows || before["pupils"].len() == 4, "half of it stands after {step}");
        let done = site.dispose_tokens(Disk::default(), &[1]).unwrap();
        assert_eq!(
            (done.rows, done.cells, done.files, done.snapshots),
            (wanted.rows, wanted.cells, wanted.files, wanted.snapshots),
            "after {step}"
        );
        assert_eq!(site.rows(), rows, "after {step}");
        assert_eq!(site.snapshots().len(), 1, "after {step}");
        site.counts();
        if killed.is_ok() {
            break;
        }
        steps = step;
    }
    assert!(steps > 20, "{steps}");
}
