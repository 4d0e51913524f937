//! Records that are made inaccessible, from end to end, by the programs: a row of the schedule chooses it, the City Archives are given a
//! bundle first, nothing stays in the open, two custodians open the archive, and the end of the purpose destroys it.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    io::{Cursor, Read},
    process::Stdio,
    time::Duration,
};

use age::x25519::Identity;
use arrow::{
    array::{Array, AsArray},
    datatypes::DataType,
    util::display::{ArrayFormatter, FormatOptions},
};
use minster_model::{DatasetClass, Pseudonym, Role};
use minster_store::Store;
use minster_tests::{files, left_over, text};
use minster_vault_api::Client;
use serde_json::Value;

use super::{Council, PURPOSE, alone};

/// The cells of a row that are not blank, by column.
type Cells = BTreeMap<String, String>;

/// A row of an archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Archived {
    table: String,
    of: Vec<String>,
    cells: Cells,
}

/// An opened archive.
struct Opened {
    /// A line for each number.
    numbers: Vec<Value>,
    rows: Vec<Archived>,
    /// The columns that each table says it has.
    columns: BTreeMap<String, HashSet<String>>,
}

fn decrypted(identity: &Identity, sealed: &[u8]) -> Option<Vec<u8>> {
    let identities = std::iter::once(identity as &dyn age::Identity);
    let mut plain = Vec::new();
    let decryptor = age::Decryptor::new(sealed).ok()?;
    decryptor.decrypt(identities).ok()?.read_to_end(&mut plain).ok()?;
    Some(plain)
}

impl Opened {
    fn of(identity: &Identity, sealed: &[u8]) -> Self {
        let plain = String::from_utf8(decrypted(identity, sealed).unwrap()).unwrap();
        let mut opened = Self { numbers: Vec::new(), rows: Vec::new(), columns: BTreeMap::new() };
        for line in plain.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let word = |name: &str| line[name].as_str().unwrap().to_owned();
            if line.get("number").is_some() {
                opened.numbers.push(line);
                continue;
            }
            let table = format!("{}/{}", word("dataset"), word("table"));
            if let Some(columns) = line["columns"].as_array() {
                let names = columns.iter().map(|of| of["name"].as_str().unwrap().to_owned());
                opened.columns.insert(table, names.collect());
                continue;
            }
            let of = serde_json::from_value(line["of"].clone()).unwrap();
            let cells = serde_json::from_value(line["cells"].clone()).unwrap();
            opened.rows.push(Archived { table, of, cells });
        }
        opened
    }

    fn codes(&self) -> HashSet<String> {
        self.numbers.iter().map(|line| line["code"].as_str().unwrap().to_owned()).collect()
    }
}

/// A code that stands for a number: 32 hexadecimal digits.
fn is_code(cell: &str) -> bool {
    cell.len() == 32 && cell.parse::<Pseudonym>().is_ok()
}

/// The cells that are no codes.
fn without_codes(cells: &Cells) -> Cells {
    cells.iter().filter(|(_, cell)| !is_code(cell)).map(|(a, b)| (a.clone(), b.clone())).collect()
}

/// How often each stands there.
fn counted<T: Ord>(all: impl IntoIterator<Item = T>) -> BTreeMap<T, i64> {
    let mut counts = BTreeMap::new();
    all.into_iter().for_each(|one| *counts.entry(one).or_default() += 1);
    counts
}

impl Council {
    /// Has the schedule make the records of looked-after children inaccessible once they are five years old, and hand them over first.
    fn made_inaccessible(&self, city: &str) {
        let schedule = self.0.folder().join("config/retention.toml");
        let whole = fs::read_to_string(&schedule).unwrap();
        let end = "else = { event = \"birth\", years = 75 } }\nend = \"destroyed\"";
        let other = format!(
            "else = {{ event = \"birth\", years = 5 }} }}\nend = \"made-inaccessible\"\ncity_archives = \"{city}\""
        );
        let changed = whole.replace(end, &other);
        assert_ne!(changed, whole);
        fs::write(&schedule, changed).unwrap();
    }

    /// Every row of every table of the sources and of what was linked.
    fn rows(&self) -> BTreeMap<String, Vec<Cells>> {
        let store = Store::open(&self.0.folder().join("store")).unwrap();
        let mut vault =
            Client::connect(&self.0.folder().join("vault.sock"), Role::Linker, "test").unwrap();
        let mut all = BTreeMap::new();
        for manifest in store.manifests().unwrap() {
            let of = &manifest.dataset;
            if !matches!(of.class, DatasetClass::Source | DatasetClass::Integrated) {
                continue;
            }
            let dataset = store.dataset(of, &mut vault).unwrap();
            for table in &manifest.tables {
                let mut rows = Vec::new();
                for batch in dataset.table(&table.name, None).unwrap() {
                    let batch = batch.unwrap();
                    for row in 0..batch.num_rows() {
                        let schema = batch.schema();
                        let columns = schema.fields().iter().zip(batch.columns());
                        let cells = columns.filter(|(_, column)| !column.is_null(row));
                        rows.push(
                            cells
                                .map(|(of, column)| (of.name().clone(), cell(column, row)))
                                .collect(),
                        );
                    }
                }
                let place =
                    format!("{}/{}/{}/{}", of.class.as_str(), of.name, of.period, table.name);
                all.insert(place, rows);
            }
        }
        all
    }

    fn dispose_into(&self, receipt: &str, more: &[&str]) -> std::process::Output {
        let of = ["dispose", "disposal.list", "--receipt", receipt];
        let more = [&of[..], &["--config", "config/pipeline.toml", "--json"], more].concat();
        self.0.run("minster", &more)
    }

    /// Proposes to open the archive, and has some custodians sign.
    fn open_proposed(&self, archive: &str, to: &str, by: &[&str], person: bool) {
        let case = "request --reference ARCH/1 --reason court --expires SOON open-archive";
        let mut of: Vec<&str> = case.split(' ').collect();
        of.extend(["--archive", archive, "--recipient", to]);
        let number: &[&str] = if person { &["--identifier-file", "number"] } else { &[] };
        if person {
            of.extend(["--kind", "upn"]);
        }
        of.extend(number);
        fs::write(self.0.path("opening"), self.vault(&of)).unwrap();
        self.signed_by(by, number);
    }

    fn signed_by(&self, by: &[&str], number: &[&str]) {
        for name in by {
            let approve = ["approve", "--proposal", "opening", "--yes", "--clear-key"];
            self.vault(&[&approve[..], &["--name", name, "--key", name], number].concat());
        }
    }

    fn opening(&self, file: &str, out: &str) -> std::process::Output {
        let of = ["archive", "open", "--socket", "vault.sock", "--proposal", "opening"];
        self.0.run("minster-vault", &[&of[..], &["--file", file, "--out", out]].concat())
    }

    fn unknown_files(&self) -> String {
        let of = ["audit", "--config", "config/pipeline.toml", "--vault-dir", "vault"];
        let told = text(&self.0.run("minster", &of));
        let line = told.lines().find(|line| line.contains("[store.unknown]"));
        line.unwrap_or_else(|| panic!("{told}")).to_owned()
    }
}

fn cell(column: &dyn Array, row: usize) -> String {
    if *column.data_type() == DataType::FixedSizeBinary(16) {
        let bytes = column.as_fixed_size_binary().value(row).try_into().unwrap();
        return Pseudonym::from_bytes(bytes).to_string();
    }
    let options = FormatOptions::new();
    ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string()
}

#[test]
fn what_is_made_inaccessible_is_opened_by_two_custodians_and_by_nobody_else() {
    let _alone = alone();
    let council = Council::new(300);
    let (city, reader) = (Identity::generate(), Identity::generate());
    council.made_inaccessible(&city.to_public().to_string());
    let before = council.rows();
    council.listed();
    let list = fs::read_to_string(council.0.path("disposal.list")).unwrap();
    let head: Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
    let archive = head["list"].as_str().unwrap();
    let codes: Vec<&str> = list.lines().filter(|line| line.parse::<Pseudonym>().is_ok()).collect();
    let all = head["pseudonyms"].as_u64().unwrap() as usize;
    let kept = head["parts"][0]["pseudonyms"].as_u64().unwrap() as usize;
    assert_eq!(
        (&head["parts"][0]["of"], &head["parts"][1]["of"]),
        (&"archive".into(), &"city-archives".into())
    );
    let gone: HashSet<&str> = codes[..all].iter().copied().collect();
    let archived: HashSet<&str> = codes[all..all + kept].iter().copied().collect();
    assert!(archived.len() > 5 && gone.len() > archived.len() + 10, "{kept} of {all}");
    let pseudonyms: HashSet<Pseudonym> = gone.iter().map(|code| code.parse().unwrap()).collect();

    // Without a folder for the bundle nothing is done.
    let refused = council.dispose_into("receipt.note", &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("--city-archives DIR"), "{}", text(&refused));
    assert!(council.rows() == before);
    // Killed at any moment, it goes on.
    fs::create_dir(council.0.path("city")).unwrap();
    let mut killed = 0;
    for wait in (0..12).map(|step| step * 120) {
        let of = ["dispose", "disposal.list", "--receipt", "receipt.note"];
        let more = ["--city-archives", "city", "--config", "config/pipeline.toml"];
        let mut command = council.0.command("minster", &[&of[..], &more].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let is_done = child.try_wait().unwrap().is_some();
        let _ = child.kill();
        child.wait().unwrap();
        let _ = fs::remove_file(council.0.path("receipt.note"));
        killed += u32::from(!is_done);
        if is_done {
            break;
        }
    }
    assert!(killed > 1, "{killed}");
    let told = council.dispose_into("receipt.note", &["--city-archives", "city"]);
    assert!(told.status.success(), "{}", text(&told));
    let receipt = fs::read_to_string(council.0.path("receipt.note")).unwrap();
    assert!(
        receipt.contains("\"sealed_files\"") && receipt.contains("\"city-archives\""),
        "{receipt}"
    );

    // Nothing of them stands in the open.
    for (table, (_, with)) in council.tables(&pseudonyms) {
        assert_eq!(with, 0, "{table}");
    }
    assert!(left_over(&council.0.folder().join("store")).is_empty());
    let after = council.rows();
    let path = format!("store/archive/{PURPOSE}/{archive}.age");
    let file = fs::read(council.0.path(&path)).unwrap();
    assert!(decrypted(&reader, &file).is_none() && decrypted(&city, &file).is_none());
    let unknown = council.unknown_files();
    assert!(unknown.starts_with("PASS"), "{unknown}");

    // One custodian opens nothing; two do, once.
    let to = reader.to_public().to_string();
    council.open_proposed(archive, &to, &["ann"], false);
    let early = council.opening(&path, "opened.age");
    assert!(text(&early).contains("1 of 2 custodians"), "{}", text(&early));
    assert!(!council.0.folder().join("opened.age").exists());
    council.signed_by(&["ben"], &[]);
    let output = council.opening(&path, "opened.age");
    assert!(output.status.success(), "{}", text(&output));
    let twice = council.opening(&path, "twice.age");
    assert!(!twice.status.success() && text(&twice).contains("once"), "{}", text(&twice));
    let opened = Opened::of(&reader, &fs::read(council.0.path("opened.age")).unwrap());
    assert_eq!(opened.codes(), archived.iter().map(|&code| code.to_owned()).collect());

    // The rows are those that left, cell for cell, and all of them; no code leads to anybody else.
    let names = |cells: &Cells, codes: &HashSet<&str>| {
        cells.values().any(|cell| codes.contains(cell.as_str()))
    };
    let others: HashSet<&str> = gone.difference(&archived).copied().collect();
    let mut hanging = 0;
    for (table, rows) in &before {
        let mine: Vec<&Archived> = opened.rows.iter().filter(|row| row.table == *table).collect();
        assert!(mine.iter().all(|row| !names(&row.cells, &others)), "{table}");
        for row in &mine {
            assert!(row.cells.keys().all(|name| opened.columns[table].contains(name)), "{table}");
        }
        let of_persons = rows.iter().filter(|cells| names(cells, &archived)).map(without_codes);
        let found = mine.iter().filter(|row| names(&row.cells, &archived));
        if table.starts_with("source/") {
            assert!(found.clone().all(|row| !row.of.is_empty()), "{table}");
            let found = found.map(|row| without_codes(&row.cells));
            assert_eq!(counted(found), counted(of_persons), "{table}");
        }
        // All else that is in it left too.
        let mut left = counted(rows.iter().map(without_codes));
        after[table].iter().for_each(|cells| *left.get_mut(&without_codes(cells)).unwrap() -= 1);
        for row in mine.iter().filter(|row| !names(&row.cells, &archived)) {
            let count = left.get_mut(&without_codes(&row.cells)).unwrap();
            *count -= 1;
            assert!(*count >= 0 && !row.of.is_empty(), "{table}");
            hanging += 1;
        }
    }
    assert!(hanging > 0, "rows without a number are whose they hang on");
    let children = "integrated/children/2024-25/children";
    assert!(opened.rows.iter().any(|row| row.table == children && !row.of.is_empty()));

    // One person's records alone.
    let upn = opened.numbers.iter().find(|line| line["kind"] == "upn").unwrap();
    let person = upn["person"].clone();
    fs::write(council.0.path("number"), upn["number"].as_str().unwrap()).unwrap();
    council.open_proposed(archive, &to, &["ann", "ben"], true);
    let output = council.opening(&path, "one.age");
    assert!(output.status.success(), "{}", text(&output));
    let one = Opened::of(&reader, &fs::read(council.0.path("one.age")).unwrap());
    let own: HashSet<String> = opened
        .numbers
        .iter()
        .filter(|line| line["person"] == person)
        .map(|line| line["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(one.codes(), own);
    let is_own = |row: &&Archived| row.of.iter().any(|code| own.contains(code));
    let expected: Vec<Archived> = opened.rows.iter().filter(is_own).cloned().collect();
    assert!(expected.len() > 2 && expected.len() < opened.rows.len());
    assert_eq!(one.rows, expected);

    // The City Archives' bundle has the same rows, and opens with their key alone.
    let bundle = fs::read(council.0.path(&format!("city/{archive}-1.zip.age"))).unwrap();
    assert_eq!(fs::read_dir(council.0.path("city")).unwrap().count(), 1);
    assert!(decrypted(&reader, &bundle).is_none());
    let mut zip = zip::ZipArchive::new(Cursor::new(decrypted(&city, &bundle).unwrap())).unwrap();
    let mut read = |name: &str| {
        let mut text = String::new();
        zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let numbers = read("numbers.csv");
    assert!(archived.iter().all(|code| numbers.contains(code)));
    assert!(read("data-dictionary.csv").contains("source-ssda903-2024-25-header.csv"));
    let header = read("source-ssda903-2024-25-header.csv");
    let of_header = opened.rows.iter().filter(|row| row.table == "source/ssda903/2024-25/header");
    assert_eq!(header.lines().count(), of_header.clone().count() + 1);
    for row in of_header {
        let is_there = |line: &&str| row.cells.values().all(|cell| line.contains(cell.as_str()));
        assert!(header.lines().any(|line| is_there(&line)));
    }

    // No number stands in the log, nor in a file of vault or store.
    for (path, bytes) in
        [files(&council.0.folder().join("vault")), files(&council.0.folder().join("store"))]
            .concat()
    {
        for line in opened.numbers.iter().filter(|line| line["kind"] == "upn") {
            let number = line["number"].as_str().unwrap();
            let found = memchr::memmem::find(&bytes, number.as_bytes());
            assert!(found.is_none(), "{}", path.display());
        }
    }
    let listed = council.vault(&["archive", "list"]);
    assert!(listed.contains(archive) && listed.contains("opened 2 times"), "{listed}");
    // They do not come back.
    council.linked(&["--again"]);
    for (table, (_, with)) in council.tables(&pseudonyms) {
        assert_eq!(with, 0, "{table}");
    }

    // A file that the log does not name, a changed one and a missing one are told by the audit.
    let at = council.0.path(&path);
    let stray = at.replace(archive, "0123456789abcdef");
    fs::write(&stray, b"x").unwrap();
    assert!(council.unknown_files().starts_with("FAIL"));
    fs::remove_file(&stray).unwrap();
    fs::write(&at, b"changed").unwrap();
    assert!(council.unknown_files().starts_with("FAIL"));
    fs::remove_file(&at).unwrap();
    assert!(council.unknown_files().starts_with("FAIL"));
    fs::write(&at, &file).unwrap();
    assert!(council.unknown_files().starts_with("PASS"));

    // The end of the purpose destroys it in store and vault.
    council.approved(&["end-purpose", "--purpose", PURPOSE, "--early"], &[]);
    council.vault(&["enact", "--proposal", "proposal"]);
    let ended = council.0.run("minster", &["end-purpose", "--config", "config/pipeline.toml"]);
    assert!(ended.status.success(), "{}", text(&ended));
    let finish = ["end-purpose", "finish", "--socket", "vault.sock", "--purpose", PURPOSE];
    let finish = [&finish[..], &["--out", "certificate.note"]].concat();
    let finished = council.0.run("minster-vault", &finish);
    assert!(finished.status.success(), "{}", text(&finished));
    let certificate = fs::read_to_string(council.0.path("certificate.note")).unwrap();
    assert!(certificate.contains("\"sealed archives\""), "{certificate}");
    assert_eq!(files(&council.0.folder().join("store/archive")).len(), 0);
    assert_eq!(files(&council.0.folder().join("vault/archives")).len(), 0);
}
