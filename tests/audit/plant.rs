//! Faults that take more than a file.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use arrow::{
    array::{FixedSizeBinaryArray, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use minster_model::{DatasetClass, DatasetRef, Role};
use minster_store::{Origin, Store};
use minster_tests::Site;
use minster_vault_api::Client;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

/// A dataset with a column of text and one of pseudonyms; gives its folder.
pub(crate) fn dataset(
    site: &Site,
    name: &str,
    purpose: &str,
    text: &[&str],
    pseudonym: [u8; 16],
) -> PathBuf {
    let dataset = DatasetRef {
        class: DatasetClass::Source,
        name: name.parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        purpose: purpose.parse().unwrap(),
    };
    let socket = site.path("vault.sock");
    let mut vault = Client::connect(Path::new(&socket), Role::Ingest, "plant").unwrap();
    let (key, wrapped) = vault.create_key(&dataset).unwrap();
    let status = vault.status().unwrap();
    let stated = status.purposes.iter().find(|stated| stated.purpose == dataset.purpose).unwrap();
    let store = Store::open(&site.folder().join("store")).unwrap();
    let _lock = store.lock().unwrap();
    let writer = store.stage(&dataset, &"planted".parse().unwrap(), key, wrapped).unwrap();
    let batch = batch(text, pseudonym);
    let mut table = writer.table(&"rows".parse().unwrap(), batch.schema()).unwrap();
    table.write(&batch).unwrap();
    let entry = table.finish().unwrap();
    let origin = Origin::datasets(String::new(), Vec::new());
    writer
        .publish(stated.key_version, stated.key_check.clone(), origin, vec![entry], &mut vault)
        .unwrap();
    site.folder().join("store/datasets/source").join(name)
}

/// A table in clear, as a release has it: compressed, so that only decoding shows what it holds.
pub(crate) fn clear_table(path: &Path, text: &str) {
    let wards: Vec<String> = (0..2000u64).map(|at| format!("W{}", at * at * 7919 % 9973)).collect();
    let mut rows: Vec<&str> = wards.iter().map(String::as_str).collect();
    rows.insert(1000, text);
    let batch = batch(&rows, [3; 16]);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(Default::default()))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A `|` in a text parts it into two columns.
fn batch(text: &[&str], pseudonym: [u8; 16]) -> RecordBatch {
    let fields = vec![
        Field::new("child", DataType::FixedSizeBinary(16), false),
        Field::new("text", DataType::Utf8, false),
        Field::new("more", DataType::Utf8, false),
    ];
    let parted = text.iter().map(|text| text.split_once('|').unwrap_or((text, "")));
    let (text, more): (Vec<&str>, Vec<&str>) = parted.unzip();
    let pseudonyms = FixedSizeBinaryArray::try_from_iter(text.iter().map(|_| pseudonym)).unwrap();
    let columns: Vec<arrow::array::ArrayRef> = vec![
        Arc::new(pseudonyms),
        Arc::new(StringArray::from(text)),
        Arc::new(StringArray::from(more)),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// A process that has one of the programs' names and does nothing; ended when dropped.
pub(crate) struct Running(Child);

impl Running {
    /// With nothing in its environment but what is named; its standard input is `open`.
    pub(crate) fn start(
        folder: &Path,
        name: &str,
        environment: &[(&str, &str)],
        open: Option<&Path>,
    ) -> Self {
        let program = folder.join(name);
        fs::copy("/bin/sleep", &program).unwrap();
        let input = open.map_or(Stdio::null(), |path| File::open(path).unwrap().into());
        let child = Command::new(program)
            .arg("60")
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(input)
            .spawn()
            .unwrap();
        Self(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
