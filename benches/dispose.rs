//! A disposal from 40 datasets of 10 million rows together, beside rewriting the same files and no more. One child in a hundred is due.
//!
//! `cargo bench --bench dispose` takes both in turns and prints the ratio of their medians, and the peak of memory.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at the first thing that is not as expected, and prints what it measured"
)]

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::Instant,
};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, FixedSizeBinaryBuilder, Int64Array, RecordBatch,
        StringArray,
    },
    datatypes::{DataType, Field, Schema},
};
use minster_model::{
    DatasetClass, DatasetRef, KeyVersion, Kind, Pseudonym, Purpose, RowCounts, RunId,
};
use minster_store::{
    DatasetKeys, FileCounts, Gone, NewestManifests, Origin, RecordedManifest, Store, StoreError,
};
use minster_vault_api::{DataKey, RunKey, SealedRunKey, Unwrapped, VaultError, WrappedKey};

const DATASETS: u32 = 40;
const ROWS: u32 = 250_000;
const CHILDREN: u32 = 25_000;
const BATCH: u32 = 8_192;
const TURNS: usize = 5;

/// A stand-in for the vault: one key, and it knows every manifest.
struct OneKey;

impl DatasetKeys for OneKey {
    fn create(&mut self, _: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError> {
        Ok((DataKey::from_bytes([7; 32]), WrappedKey("k".into())))
    }

    fn unwrap(
        &mut self,
        _: &DatasetRef,
        _: &WrappedKey,
        run: Option<&SealedRunKey>,
        _: &str,
    ) -> Result<Unwrapped, VaultError> {
        let run = run.map(|_| RunKey::from_bytes([5; 16]));
        Ok(Unwrapped { key: DataKey::from_bytes([7; 32]), run })
    }

    fn record(&mut self, _: &RecordedManifest, _: Option<&str>) -> Result<(), VaultError> {
        Ok(())
    }

    fn newest(&mut self, _: &Purpose) -> Result<NewestManifests, VaultError> {
        Ok(NewestManifests { newest: Vec::new(), due: Vec::new() })
    }

    fn take_over(&mut self, _: &Purpose, _: Vec<RecordedManifest>) -> Result<(), VaultError> {
        Ok(())
    }
}

fn dataset(number: u32) -> DatasetRef {
    DatasetRef {
        class: DatasetClass::Source,
        name: format!("attendance_{number}").parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        purpose: "p".parse().unwrap(),
    }
}

/// A child's token: of sixteen bytes that look like chance.
fn token(child: u32) -> [u8; 16] {
    let digest = ring::digest::digest(&ring::digest::SHA256, &child.to_le_bytes());
    digest.as_ref()[..16].try_into().unwrap()
}

/// Rows as attendance has them: the child, a session, codes, a number.
fn batch(first: u32, rows: u32) -> RecordBatch {
    let child = |row: u32| row * 7 % CHILDREN;
    let mut upn = FixedSizeBinaryBuilder::new(16);
    for row in first..first + rows {
        upn.append_value(token(child(row))).unwrap();
    }
    let all = || first..first + rows;
    let codes = ["/", "\\", "I", "M", "O", "L", "B", "E"];
    let columns: [(&str, ArrayRef); 6] = [
        ("upn", Arc::new(upn.finish())),
        (
            "day",
            Arc::new(Date32Array::from_iter_values(
                all().map(|row| 20_000 + (row / CHILDREN) as i32),
            )),
        ),
        (
            "code",
            Arc::new(StringArray::from_iter_values(
                all().map(|row| codes[(row * 31 % 101 % 8) as usize]),
            )),
        ),
        (
            "session",
            Arc::new(StringArray::from_iter_values(
                all().map(|row| ["AM", "PM"][(row % 2) as usize]),
            )),
        ),
        ("missed", Arc::new(BooleanArray::from_iter(all().map(|row| Some(row % 11 == 0))))),
        ("minutes", Arc::new(Int64Array::from_iter_values(all().map(|row| i64::from(row % 61))))),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    assert_eq!(*fields[0].data_type(), DataType::FixedSizeBinary(16));
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn origin(accepted: u64) -> Origin {
    let counts = RowCounts { read: accepted, accepted, ..RowCounts::default() };
    let file = FileCounts { file: "a".into(), table: "sessions".parse().unwrap(), counts };
    Origin::Delivery {
        definition_sha256: String::new(),
        recipe_sha256: None,
        inputs: Vec::new(),
        rows: vec![file],
        reasons: BTreeMap::new(),
        cells: Vec::new(),
        warnings: Vec::new(),
    }
}

fn publish(store: &Store, number: u32) -> Result<(), StoreError> {
    let run: RunId = "r1".parse().unwrap();
    let (key, wrapped) = OneKey.create(&dataset(number))?;
    let writer = store.stage(&dataset(number), &run, key, wrapped)?;
    let writer = writer.of_run(SealedRunKey("run".into()));
    let mut to = writer.table(&"sessions".parse().unwrap(), batch(0, 1).schema())?;
    for first in (0..ROWS).step_by(BATCH as usize) {
        to.write(&batch(first, BATCH.min(ROWS - first)))?;
    }
    let mut entry = to.finish()?;
    entry.columns[0].kind = Some("upn".parse().unwrap());
    writer.publish(KeyVersion(1), "check".into(), origin(ROWS.into()), vec![entry], &mut OneKey)?;
    Ok(())
}

/// The files alone: each is read as it rests, and written under a new key.
fn rewrite(store: &Store, run: &RunId) -> Result<(), StoreError> {
    for number in 0..DATASETS {
        let old = store.dataset(&dataset(number), &mut OneKey)?;
        let (key, wrapped) = OneKey.create(&dataset(number))?;
        let writer = store.stage(&dataset(number), run, key, wrapped)?;
        let table = &old.manifest().tables[0];
        let reader = old.table_at_rest(&table.name)?;
        let mut to = writer.table(&table.name, reader.schema())?;
        for batch in reader {
            to.write(&batch?)?;
        }
        to.finish()?;
    }
    Ok(())
}

/// As `minster dispose` does it: the numbers of all are read, and then each dataset loses its rows.
fn dispose(
    store: &Store,
    run: &RunId,
    list: &str,
    gone: &HashSet<Pseudonym>,
) -> Result<u64, StoreError> {
    let own_kinds: BTreeSet<Kind> = [("upn").parse().unwrap()].into();
    let gone = Gone { list, pseudonyms: gone, own_kinds: &own_kinds };
    let mut rows = 0;
    for number in 0..DATASETS {
        store.may_dispose(&dataset(number), &gone, &mut OneKey)?;
        store.own_numbers(&dataset(number), &own_kinds, &mut OneKey)?;
    }
    for number in 0..DATASETS {
        rows += store.dispose(&dataset(number), run, &gone, &mut OneKey)?.rows;
    }
    Ok(rows)
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let _lock = store.lock().unwrap();
    for number in 0..DATASETS {
        publish(&store, number).unwrap();
    }
    let cipher = RunKey::from_bytes([5; 16]).cipher();
    let pseudonym = |child: u32| {
        let mut bytes = token(child);
        cipher.to_pseudonyms(&mut bytes);
        Pseudonym::from_bytes(bytes)
    };
    let mut times = [Vec::new(), Vec::new()];
    for turn in 0..TURNS as u32 {
        let run: RunId = format!("w{turn}").parse().unwrap();
        let begun = Instant::now();
        rewrite(&store, &run).unwrap();
        times[0].push(begun.elapsed().as_secs_f64());

        // Another hundredth leaves each turn.
        let gone: HashSet<Pseudonym> =
            (0..CHILDREN).filter(|child| child % 100 == turn).map(pseudonym).collect();
        let run: RunId = format!("d{turn}").parse().unwrap();
        let begun = Instant::now();
        let rows = dispose(&store, &run, &format!("list-{turn}"), &gone).unwrap();
        times[1].push(begun.elapsed().as_secs_f64());
        assert_eq!(rows, u64::from(DATASETS * ROWS / 100), "rows that left");
    }
    let [rewriting, disposing] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let peak = procfs::process::Process::myself().unwrap().status().unwrap().vmhwm.unwrap();
    println!(
        "{DATASETS} datasets, {} rows: rewriting {rewriting:.2} s, disposing {disposing:.2} s, ratio {:.2}, peak {} MB",
        DATASETS * ROWS,
        disposing / rewriting,
        peak / 1024
    );
}
