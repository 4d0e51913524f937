//! A store with one dataset, and a stand-in for the vault.

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
pub(crate) struct Log {
    pub(crate) keys: u8,
    pub(crate) newest: BTreeMap<DatasetRef, String>,
    /// The manifests that were recorded as made from another.
    pub(crate) carried: Vec<(String, String)>,
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

pub(crate) fn dataset() -> DatasetRef {
    DatasetRef {
        class: DatasetClass::Source,
        name: "census".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        purpose: "p".parse().unwrap(),
    }
}

pub(crate) fn p(n: u8) -> Pseudonym {
    Pseudonym::from_bytes([n; 16])
}

/// A table: its columns with their kinds, its rows with a pseudonym or none in each, and its units.
pub(crate) struct Table<'a> {
    pub(crate) name: &'a str,
    pub(crate) columns: &'a [(&'a str, Option<&'a str>)],
    pub(crate) rows: &'a [&'a [Option<u8>]],
    pub(crate) units: Option<&'a [u32]>,
    /// How many of the rows stand in each of the two files.
    pub(crate) files: [u64; 2],
}

/// Children 1, 2 and 3 with the rows 11, 12 and 13 of the delivery. 21 is a case of 1 alone, 22 one of 1 and 2.
pub(crate) const TABLES: [Table<'_>; 5] = [
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
pub(crate) const UNITS: [Table<'_>; 2] = [
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

pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) log: Log,
}

impl Site {
    /// A store with a dataset of these tables, and one that it superseded.
    pub(crate) fn new(tables: &[Table<'_>], quarantined: u64) -> Self {
        let mut site = Self { folder: tempfile::tempdir().unwrap(), log: Log::default() };
        site.publish(tables, "r1", quarantined, true);
        site.publish(tables, "r2", quarantined, true);
        site
    }

    pub(crate) fn store(&self, disk: Disk) -> Store {
        let retention = Retention { snapshots: 3, ..Retention::default() };
        Store::open_on(&self.folder.path().join("store"), disk).unwrap().keeping(retention)
    }

    pub(crate) fn publish(
        &mut self,
        tables: &[Table<'_>],
        run: &str,
        quarantined: u64,
        kinds: bool,
    ) {
        self.publish_of(&dataset(), tables, run, quarantined, kinds);
    }

    pub(crate) fn publish_of(
        &mut self,
        dataset: &DatasetRef,
        tables: &[Table<'_>],
        run: &str,
        quarantined: u64,
        kinds: bool,
    ) {
        let store = self.store(Disk::default());
        let _lock = store.lock().unwrap();
        let (key, wrapped) = self.log.create(dataset).unwrap();
        let writer = store.stage(dataset, &run.parse().unwrap(), key, wrapped).unwrap();
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

    pub(crate) fn dispose(&mut self, disk: Disk, gone: &[u8]) -> Result<DisposedFrom, StoreError> {
        let store = self.store(disk);
        let _lock = store.lock()?;
        let (store, _) = store.settled(&"p".parse().unwrap(), &mut self.log)?;
        let pseudonyms: HashSet<Pseudonym> = gone.iter().copied().map(p).collect();
        let own_kinds: BTreeSet<Kind> = ["upn", "family"].map(|kind| kind.parse().unwrap()).into();
        let gone = Gone { list: "l1", pseudonyms: &pseudonyms, own_kinds: &own_kinds };
        store.dispose(&dataset(), &"r3".parse().unwrap(), &gone, &mut self.log)
    }

    /// The rows of each table: the pseudonyms that they hold.
    pub(crate) fn rows(&mut self) -> BTreeMap<String, Vec<Vec<Option<Pseudonym>>>> {
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

    pub(crate) fn counts(&self) -> BTreeMap<(String, String), RowCounts> {
        let (manifest, _) = self.store(Disk::default()).manifest(&dataset()).unwrap();
        let Origin::Delivery { rows, .. } = manifest.origin else { panic!() };
        let all = rows.into_iter().map(|of| ((of.table.to_string(), of.file), of.counts));
        let all: BTreeMap<_, _> = all.collect();
        assert!(all.values().all(RowCounts::conserved));
        all
    }

    pub(crate) fn snapshots(&self) -> Vec<PathBuf> {
        let place = self.folder.path().join("store/datasets/source/census/2024-25");
        let entries = fs::read_dir(place).unwrap().map(|entry| entry.unwrap());
        entries
            .filter(|entry| entry.file_type().unwrap().is_dir())
            .map(|entry| entry.path())
            .collect()
    }
}

/// The pseudonym behind a token that was written.
pub(crate) fn of_token(n: u8) -> Pseudonym {
    let mut bytes = [n; 16];
    RunKey::from_bytes([5; 16]).cipher().to_pseudonyms(&mut bytes);
    Pseudonym::from_bytes(bytes)
}

impl Site {
    /// Disposes of the persons behind these tokens.
    pub(crate) fn dispose_tokens(
        &mut self,
        disk: Disk,
        gone: &[u8],
    ) -> Result<DisposedFrom, StoreError> {
        let store = self.store(disk);
        let _lock = store.lock()?;
        let (store, _) = store.settled(&"p".parse().unwrap(), &mut self.log)?;
        let pseudonyms: HashSet<Pseudonym> = gone.iter().copied().map(of_token).collect();
        let own_kinds: BTreeSet<Kind> = ["upn", "family"].map(|kind| kind.parse().unwrap()).into();
        let gone = Gone { list: "l1", pseudonyms: &pseudonyms, own_kinds: &own_kinds };
        store.dispose(&dataset(), &"r3".parse().unwrap(), &gone, &mut self.log)
    }

    /// The rows of a table, as the tokens that were written.
    pub(crate) fn tokens(&mut self, table: &str) -> Vec<Vec<Option<u8>>> {
        let back: BTreeMap<Pseudonym, u8> = (0..=99).map(|n| (of_token(n), n)).collect();
        let rows = self.rows().remove(table).unwrap();
        let row = |row: Vec<Option<Pseudonym>>| {
            row.into_iter().map(|one| one.map(|one| back[&one])).collect()
        };
        rows.into_iter().map(row).collect()
    }
}
