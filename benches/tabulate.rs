//! One million children, five dimensions, all margins: from an encrypted dataset to counts, beside pandas,
//! DuckDB and Polars in Python from a plain file of the same children.
//!
//! `cargo bench --workspace --profile dev --bench tabulate`. The peers run where `MINSTER_PEERS_PYTHON` names
//! a Python that has them: `pip install duckdb polars pandas pyarrow`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints what it measured"
)]

use std::{
    collections::BTreeMap, fs::File, os::unix::fs::PermissionsExt, process::Command, sync::Arc,
    time::Instant,
};

use arrow::{
    array::{ArrayRef, BooleanArray, RecordBatch, StringViewArray},
    datatypes::{Field, Schema},
};
use minster_aggregator::{Definition, tabulate};
use minster_model::{DatasetClass, DatasetRef, KeyVersion, Purpose};
use minster_store::{DatasetKeys, Origin, Store};
use minster_vault_api::{
    DataKey, NewestManifests, RecordedManifest, SealedRunKey, Unwrapped, VaultError, WrappedKey,
};
use parquet::arrow::ArrowWriter;

const CHILDREN: usize = 1_000_000;
const RUNS: usize = 5;
/// Each dimension's name and the number of its categories.
const DIMENSIONS: [(&str, u64); 5] =
    [("sex", 2), ("year_group", 14), ("ethnicity", 18), ("ward", 40), ("sen", 3)];

fn main() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let batch = children();
    let plain = folder.path().join("children.parquet");
    let mut writer =
        ArrowWriter::try_new(File::create(&plain).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    let store = Store::open(&folder.path().join("store")).unwrap();
    let dataset = DatasetRef {
        class: DatasetClass::Integrated,
        name: "children".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        purpose: "bench".parse().unwrap(),
    };
    let name = "children".parse().unwrap();
    let (key, wrapped) = OneKey.create(&dataset).unwrap();
    let writer = store.stage(&dataset, &"1".parse().unwrap(), key, wrapped).unwrap();
    let mut table = writer.table(&name, batch.schema()).unwrap();
    table.write(&batch).unwrap();
    let table = table.finish().unwrap();
    let origin = Origin::datasets(String::new(), vec![]);
    writer.publish(KeyVersion(1), String::new(), origin, vec![table], &mut OneKey).unwrap();

    let dataset = store.dataset(&dataset, &mut OneKey).unwrap();
    let definition = Definition::parse(&definition()).unwrap();
    let mut seconds = Vec::new();
    let mut filled = 0;
    for _ in 0..RUNS {
        let begun = Instant::now();
        let set = tabulate(&definition, &dataset, &name, &BTreeMap::new()).unwrap();
        let counts = set.tables[0].cell_counts();
        seconds.push(begun.elapsed().as_secs_f64());
        filled = counts.iter().filter(|count| **count > 0).count();
    }
    seconds.sort_by(f64::total_cmp);
    let ours = seconds[RUNS / 2];
    println!("{:<24} {:>9} {:>9} {:>7}", "tabulate 1,000,000 x 5", "cells", "seconds", "ratio");
    println!("{:<24} {filled:>9} {ours:>9.3} {:>7}", "minster, encrypted", "1.0");
    let Some(python) = std::env::var_os("MINSTER_PEERS_PYTHON") else {
        eprintln!(
            "LEFT OUT: MINSTER_PEERS_PYTHON does not name a Python with duckdb, polars, pandas"
        );
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/peers/tabulate.py");
    let peers = Command::new(python)
        .arg(script)
        .args([plain.as_os_str(), RUNS.to_string().as_ref()])
        .output()
        .unwrap();
    assert!(peers.status.success(), "{}", String::from_utf8_lossy(&peers.stderr));
    for line in String::from_utf8(peers.stdout).unwrap().lines() {
        let [name, seconds, cells] = line.split(' ').collect::<Vec<_>>()[..] else { continue };
        let seconds: f64 = seconds.parse().unwrap();
        println!("{name:<24} {cells:>9} {seconds:>9.3} {:>7.1}", seconds / ours);
    }
}

/// Children whose categories are skewed as real ones are.
fn children() -> RecordBatch {
    let mut state = 20_240_401u64;
    let mut dice = |sides: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
        (unit * unit * sides as f64) as u64
    };
    let mut fields = vec![Field::new("on_spine", arrow::datatypes::DataType::Boolean, true)];
    let mut columns: Vec<ArrayRef> =
        vec![Arc::new(BooleanArray::from_iter((0..CHILDREN).map(|_| Some(dice(20) < 18))))];
    for (name, sides) in DIMENSIONS {
        let categories: Vec<String> = (0..sides).map(|side| format!("{name} {side}")).collect();
        let values = (0..CHILDREN).map(|_| categories[dice(sides) as usize].as_str());
        let column: ArrayRef = Arc::new(StringViewArray::from_iter_values(values));
        fields.push(Field::new(name, column.data_type().clone(), true));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn definition() -> String {
    let mut text = "name = \"bench\"\npopulation = \"spine\"\n".to_owned();
    for (name, _) in DIMENSIONS {
        text +=
            &format!("[[dimension]]\nname = \"{name}\"\ncolumn = \"{name}\"\ntotal = \"All\"\n");
    }
    let names = DIMENSIONS.map(|(name, _)| format!("\"{name}\"")).join(", ");
    text + &format!("[[table]]\nname = \"cube\"\ndimensions = [{names}]\n")
}

/// A stand-in for the vault.
struct OneKey;

impl DatasetKeys for OneKey {
    fn create(&mut self, _: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError> {
        Ok((DataKey::from_bytes([7; 32]), WrappedKey("bench".into())))
    }

    fn unwrap(
        &mut self,
        _: &DatasetRef,
        _: &WrappedKey,
        _: Option<&SealedRunKey>,
        _: &str,
    ) -> Result<Unwrapped, VaultError> {
        Ok(Unwrapped { key: DataKey::from_bytes([7; 32]), run: None })
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
