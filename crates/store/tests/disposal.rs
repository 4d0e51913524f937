//! Rows of persons whose records were disposed of leave a dataset, with what hangs on them and nothing else, wherever a program is
//! stopped.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::PathBuf,
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, RecordBatch, UInt32Array},
    datatypes::{DataType, Field, Schema},
};
use minster_model::{
    DatasetClass, DatasetRef, KeyVersion, Kind, Pseudonym, Purpose, RowCounts, pipeline::Retention,
};
use minster_store::{
    DatasetKeys, Disk, DisposedFrom, FileCounts, Gone, ManifestFault, NewestManifests, Origin,
    RecordedManifest, Store, StoreError,
};
use minster_vault_api::{DataKey, Denial, RunKey, SealedRunKey, Unwrapped, VaultError, WrappedKey};
use tempfile::TempDir;

/// A stand-in for the vault: a key a snapshot, a log of manifests.
#[derive(Default, Clone)]
struct Log {
    keys: u8,
    newest: BTreeMap<DatasetRef, String>,
    /// The manifests that were recorded as made from another.
    carried: Vec<(String, String)>,
}

impl DatasetKeys for Log {
    fn create(&mut self, _: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError> {
        self.keys += 1;
        Ok((DataKey::from_bytes([self.keys; 32]), WrappedKey(self.keys.to_string())))
    }

    fn unwrap(
        &mut self,
        dataset: &DatasetRef,
        wrapped: &WrappedKey,
        run: Option<&SealedRunKey>,
        sha256: &str,
    ) -> Result<Unwrapped, VaultError> {
        if self.newest.get(dataset).is_some_and(|newest| newest == sha256) {
            let key = DataKey::from_bytes([wrapped.0.parse().unwrap(); 32]);
            return Ok(Unwrapped { key, run: run.map(|_| RunKey::from_bytes([5; 16])) });
        }
        let fault = ManifestFault::Unknown;
        Err(Denial::OtherManifest { dataset: dataset.clone(), fault }.into())
    }

    fn record(&mut self, of: &RecordedManifest, from: Option<&str>) -> Result<(), VaultError> {
        self.newest.insert(of.dataset.clone(), of.sha256.clone());
        self.carried.extend(from.map(|from| (from.to_owned(), of.sha256.clone())));
        Ok(())
    }

    fn newest(&mut self, _: &Purpose) -> Result<NewestManifests, VaultError> {
        let newest = self.newest.iter().map(|(dataset, sha256)| RecordedManifest {
            dataset: dataset.clone(),
            sha256: sha256.clone(),
        });
        Ok(NewestManifests { newest: newest.collect(), due: Vec::new() })
    }

    fn take_over(&mut self, _: &Purpose, _: Vec<RecordedManifest>) -> Result<(), VaultError> {
        Ok(())
    }
}

fn dataset() -> DatasetRef {
    DatasetRef {
        class: DatasetClass::Source,
        name: "census".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        purpose: "p".parse().unwrap(),
    }
}

fn p(n: u8) -> Pseudonym {
    Pseudonym::from_bytes([n; 16])
}

/// A table: its columns with their kinds, its rows with a pseudonym or none in each, and its units.
struct Table<'a> {
    name: &'a str,
    columns: &'a [(&'a str, Option<&'a str>)],
    rows: &'a [&'a [Option<u8>]],
    units: Option<&'a [u32]>,
    /// How many of the rows stand in each of the two files.
    files: [u64; 2],
}

/// Children 1, 2 and 3 with the rows 11, 12 and 13 of the delivery. 21 is a case of 1 alone, 22 one of 1 and 2.
const TABLES: [Table<'_>; 5] = [
    Table {
        name: "pupils",
        columns: &[
            ("upn", Some("upn")),
            ("row", Some("row")),
            ("key_name", Some("match-key:name")),
        ],
        rows: &[
            &[Some(1), Some(11), Some(91)],
            &[Some(2), Some(12), Some(92)],
            &[Some(1), Some(11), Some(91)],
            &[Some(3), Some(13), None],
        ],
        units: None,
        files: [3, 1],
    },
    // Nobody's number stands here.
    Table {
        name: "addresses",
        columns: &[("row", Some("row"))],
        rows: &[&[Some(11)], &[Some(12)], &[Some(11)], &[Some(13)], &[None]],
        units: None,
        files: [2, 3],
    },
    Table {
        name: "cases",
        columns: &[("upn", Some("upn")), ("case", Some("case"))],
        rows: &[&[Some(1), Some(21)], &[Some(1), Some(22)], &[Some(2), Some(22)]],
        units: None,
        files: [3, 0],
    },
    // A plan hangs on a case; 31 on one that leaves, 32 on one that stays.
    Table {
        name: "plans",
        columns: &[("case", Some("case")), ("plan", Some("plan"))],
        rows: &[&[Some(22), Some(32)], &[Some(21), Some(31)]],
        units: None,
        files: [0, 2],
    },
    Table {
        name: "needs",
        columns: &[("plan", Some("plan"))],
        rows: &[&[Some(31)], &[Some(32)], &[Some(31)]],
        units: None,
        files: [3, 0],
    },
];

/// An XML delivery: units 0 and 1 are children 1 and 2; a row has a unit alone.
const UNITS: [Table<'_>; 2] = [
    Table {
        name: "persons",
        columns: &[("upn", Some("upn")), ("key_name", Some("match-key:name"))],
        rows: &[&[Some(1), Some(91)], &[None, Some(93)], &[Some(2), Some(92)]],
        units: Some(&[0, 0, 1]),
        files: [3, 0],
    },
    Table {
        name: "plans",
        columns: &[("upn", Some("upn"))],
        rows: &[&[None], &[Some(2)], &[None], &[None]],
        units: Some(&[0, 0, 1, 2]),
        files: [4, 0],
    },
];

fn batch(table: &Table<'_>) -> RecordBatch {
    let mut fields: Vec<Field> = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for (place, (name, _)) in table.columns.iter().enumerate() {
        let mut values = FixedSizeBinaryBuilder::new(16);
        for row in table.rows {
            match row[place] {
                Some(n) => values.append_value([n; 16]).unwrap(),
                None => values.append_null(),
            }
        }
        fields.push(Field::new(*name, DataType::FixedSizeBinary(16), true));
        arrays.push(Arc::new(values.finish()));
    }
    if let Some(units) = table.units {
        fields.push(Field::new("unit", DataType::UInt32, false));
        arrays.push(Arc::new(UInt32Array::from(units.to_vec())));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

struct Site {
    folder: TempDir,
    log: Log,
}

impl Site {
    /// A store with a dataset of these tables, and one that it superseded.
    fn new(tables: &[Table<'_>], quarantined: u64) -> Self {
        let mut site = Self { folder: tempfile::tempdir().unwrap(), log: Log::default() };
        site.publish(tables, "r1", quarantined, true);
        site.publish(tables, "r2", quarantined, true);
        site
    }

    fn store(&self, disk: Disk) -> Store {
        let retention = Retention { snapshots: 3, ..Retention::default() };
        Store::open_on(&self.folder.path().join("store"), disk).unwrap().keeping(retention)
    }

    fn publish(&mut self, tables: &[Table<'_>], run: &str, quarantined: u64, kinds: bool) {
        let store = self.store(Disk::default());
        let _lock = store.lock().unwrap();
        let (key, wrapped) = self.log.create(&dataset()).unwrap();
        let writer = store.stage(&dataset(), &run.parse().unwrap(), key, wrapped).unwrap();
        let writer = writer.of_run(SealedRunKey("run".into()));
        let (mut entries, mut rows) = (Vec::new(), Vec::new());
        for table in tables {
            let batch = batch(table);
            let mut to = writer.table(&table.name.parse().unwrap(), batch.schema()).unwrap();
            to.write(&batch).unwrap();
            let mut entry = to.finish().unwrap();
            for (column, (_, kind)) in entry.columns.iter_mut().zip(table.columns) {
                column.kind = kind.filter(|_| kinds).map(|kind| kind.parse().unwrap());
            }
            entries.push(entry);
            for (file, accepted) in ["a", "b"].into_iter().zip(table.files) {
                let aside = if rows.is_empty() { quarantined } else { 0 };
                let counts = RowCounts {
                    read: accepted + aside,
                    accepted,
                    quarantined: aside,
                    ..Default::default()
                };
                rows.push(FileCounts {
                    file: file.into(),
                    table: table.name.parse().unwrap(),
                    counts,
                });
            }
        }
        writer.file("quarantine.age", b"sealed").unwrap();
        writer.file("quarantine.jsonl", b"{}").unwrap();
        writer.locked("counts.json", b"{\"rows\": 3}").unwrap();
        let names = format!("{{\"first\": \"{}\"}}", p(78));
        writer.locked("places.json", names.as_bytes()).unwrap();
        writer.file("report.json", format!("{{\"first\": \"{}\"}}", p(77)).as_bytes()).unwrap();
        let origin = Origin::Delivery {
            definition_sha256: String::new(),
            recipe_sha256: None,
            inputs: Vec::new(),
            rows,
            reasons: BTreeMap::new(),
            cells: Vec::new(),
            warnings: Vec::new(),
        };
        writer.publish(KeyVersion(1), "check".into(), origin, entries, &mut self.log).unwrap();
    }

    fn dispose(&mut self, disk: Disk, gone: &[u8]) -> Result<DisposedFrom, StoreError> {
        let store = self.store(disk);
        let _lock = store.lock()?;
        let (store, _) = store.settled(&"p".parse().unwrap(), &mut self.log)?;
        let pseudonyms: HashSet<Pseudonym> = gone.iter().copied().map(p).collect();
        let own_kinds: BTreeSet<Kind> = ["upn", "family"].map(|kind| kind.parse().unwrap()).into();
        let gone = Gone { list: "l1", pseudonyms: &pseudonyms, own_kinds: &own_kinds };
        store.dispose(&dataset(), &"r3".parse().unwrap(), &gone, &mut self.log)
    }

    /// The rows of each table: the pseudonyms that they hold.
    fn rows(&mut self) -> BTreeMap<String, Vec<Vec<Option<Pseudonym>>>> {
        let store = self.store(Disk::default());
        let _lock = store.lock().unwrap();
        let (store, settled) = store.settled(&"p".parse().unwrap(), &mut self.log).unwrap();
        assert!(settled.differing.is_empty());
        let opened = store.dataset(&dataset(), &mut self.log).unwrap();
        opened.verify_files().unwrap();
        let mut all = BTreeMap::new();
        for table in &opened.manifest().tables {
            let mut rows = Vec::new();
            for batch in opened.table(&table.name, None).unwrap() {
                let batch = batch.unwrap();
                for row in 0..batch.num_rows() {
                    let width = DataType::FixedSizeBinary(16);
                    let columns = batch.columns().iter().filter(|one| *one.data_type() == width);
                    let value = |column: &ArrayRef| {
                        let column = column.as_fixed_size_binary();
                        let bytes = (!column.is_null(row)).then(|| column.value(row))?;
                        Some(Pseudonym::from_bytes(bytes.try_into().unwrap()))
                    };
                    rows.push(columns.map(value).collect());
                }
            }
            all.insert(table.name.to_string(), rows);
        }
        all
    }

    fn counts(&self) -> BTreeMap<(String, String), RowCounts> {
        let (manifest, _) = self.store(Disk::default()).manifest(&dataset()).unwrap();
        let Origin::Delivery { rows, .. } = manifest.origin else { panic!() };
        let all = rows.into_iter().map(|of| ((of.table.to_string(), of.file), of.counts));
        let all: BTreeMap<_, _> = all.collect();
        assert!(all.values().all(RowCounts::conserved));
        all
    }

    fn snapshots(&self) -> Vec<PathBuf> {
        let place = self.folder.path().join("store/datasets/source/census/2024-25");
        let entries = fs::read_dir(place).unwrap().map(|entry| entry.unwrap());
        entries
            .filter(|entry| entry.file_type().unwrap().is_dir())
            .map(|entry| entry.path())
            .collect()
    }
}

/// The pseudonym behind a token that was written.
fn of_token(n: u8) -> Pseudonym {
    let mut bytes = [n; 16];
    RunKey::from_bytes([5; 16]).cipher().to_pseudonyms(&mut bytes);
    Pseudonym::from_bytes(bytes)
}

impl Site {
    /// Disposes of the persons behind these tokens.
    fn dispose_tokens(&mut self, disk: Disk, gone: &[u8]) -> Result<DisposedFrom, StoreError> {
        let store = self.store(disk);
        let _lock = store.lock()?;
        let (store, _) = store.settled(&"p".parse().unwrap(), &mut self.log)?;
        let pseudonyms: HashSet<Pseudonym> = gone.iter().copied().map(of_token).collect();
        let own_kinds: BTreeSet<Kind> = ["upn", "family"].map(|kind| kind.parse().unwrap()).into();
        let gone = Gone { list: "l1", pseudonyms: &pseudonyms, own_kinds: &own_kinds };
        store.dispose(&dataset(), &"r3".parse().unwrap(), &gone, &mut self.log)
    }

    /// The rows of a table, as the tokens that were written.
    fn tokens(&mut self, table: &str) -> Vec<Vec<Option<u8>>> {
        let back: BTreeMap<Pseudonym, u8> = (0..=99).map(|n| (of_token(n), n)).collect();
        let rows = self.rows().remove(table).unwrap();
        let row = |row: Vec<Option<Pseudonym>>| {
            row.into_iter().map(|one| one.map(|one| back[&one])).collect()
        };
        rows.into_iter().map(row).collect()
    }
}

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
    // What is locked up is locked up anew, since the dataset has another key.
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
    // What hangs on a case of a row that stays, stays with it.
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
