//! Definitions released from a small dataset: what each part of one does to the files.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod browser;
mod derived;
mod dfe;
mod floors;
mod formats;
mod keep;
mod ledger;
mod linkage;
mod maps;
mod meanings;
mod measures;
mod populations;
mod revised;
mod rounded;

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BooleanArray, FixedSizeBinaryArray, Int64Array, RecordBatch, StringViewArray,
    },
    datatypes::{Field, Schema},
};
use minster_aggregator::{
    AggregateError, ColumnMeaning, ColumnMeanings, Job, Outcome, Person, ReleaseReport,
    SharedColumns, Which, draft, explain, let_out, verify_release, withdraw,
};
use minster_model::{
    Audience, DatasetClass, DatasetRef, Day, Period, Purpose, TableName, pipeline::BoundaryFile,
};
use minster_store::{DatasetKeys, Floors, KnownRelease, Publication, ReleaseLog, Store};
use minster_vault_api::{
    DataKey, NewestManifests, RecordedManifest, SealedRunKey, Unwrapped, VaultError, WrappedKey,
};

/// A stand-in for the vault.
struct OneKey;

impl DatasetKeys for OneKey {
    fn create(&mut self, _: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError> {
        Ok((DataKey::from_bytes([7; 32]), WrappedKey("test".into())))
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

impl ReleaseLog for OneKey {
    fn publish(&mut self, _: &Publication) -> Result<u32, VaultError> {
        Ok(0)
    }

    fn floors(&mut self, _: &Purpose) -> Result<Floors, VaultError> {
        Ok(Floors::default())
    }

    fn refused(&mut self, _: &Purpose) -> Result<BTreeMap<Audience, String>, VaultError> {
        Ok(BTreeMap::new())
    }

    fn releases(&mut self, _: &Purpose) -> Result<Vec<KnownRelease>, VaultError> {
        Ok(Vec::new())
    }
}

struct Site {
    _folder: tempfile::TempDir,
    store: Store,
    dataset: DatasetRef,
    lookups: BTreeMap<String, PathBuf>,
    boundaries: BTreeMap<String, BoundaryFile>,
    children: TableName,
    period: Period,
    columns: SharedColumns,
    meanings: ColumnMeanings,
}

/// A store with four wards of unlike size in two localities and, otherwise cut, two constituencies; two schools, of which
/// one holds nearly all exclusions.
impl Site {
    fn new() -> Self {
        Self::of(children())
    }

    fn of(batch: RecordBatch) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let lookup = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            (name.to_owned(), path)
        };
        let lookups = BTreeMap::from([
            lookup("locality", "ward,locality\nw1,north\nw2,north\nw3,south\nw4,south\n"),
            lookup(
                "gss",
                "place,code\nw1,E05000001\nw2,E05000002\nw3,E05000003\nw4,E05000004\nall,E06000099\n",
            ),
            lookup("constituency", "ward,constituency\nw1,east\nw2,west\nw3,west\nw4,east\n"),
        ]);
        let store = Store::open(&folder.path().join("store")).unwrap();
        let dataset = DatasetRef {
            class: DatasetClass::Integrated,
            name: "children".parse().unwrap(),
            period: "2024-25".parse().unwrap(),
            purpose: "test".parse().unwrap(),
        };
        let children: TableName = "children".parse().unwrap();
        let period = "2024-25".parse().unwrap();
        let columns = SharedColumns::default();
        let boundaries = BTreeMap::new();
        let site = Self {
            _folder: folder,
            store,
            dataset,
            lookups,
            boundaries,
            children,
            period,
            columns,
            meanings: ColumnMeanings::new(),
        };
        site.link(batch);
        site
    }

    /// Puts other data in the place of those that stand.
    fn link(&self, batch: RecordBatch) {
        self.link_with(batch, &[]);
    }

    fn job<T>(&self, work: impl FnOnce(&Job<'_>) -> T) -> T {
        work(&Job {
            store: &self.store,
            dataset: &self.dataset,
            children: &self.children,
            period: &self.period,
            days: Day::of(2024, 9, 1).zip(Day::of(2025, 8, 31)),
            columns: &self.columns,
            run: &"2".parse().unwrap(),
            lookups: &self.lookups,
            boundaries: &self.boundaries,
            meanings: &self.meanings,
            notice: &|_| {},
        })
    }

    fn draft(&self, definition: &str) -> Result<ReleaseReport, AggregateError> {
        self.job(|job| draft(job, definition, &mut OneKey))
    }

    fn let_out(&self, name: &str) -> Result<ReleaseReport, AggregateError> {
        self.job(|job| let_out(job, &name.parse().unwrap(), &person(), &mut OneKey))
    }

    fn withdraw(&self, name: &str, reason: &str) -> Result<ReleaseReport, AggregateError> {
        let (name, purpose) = (name.parse().unwrap(), "test".parse().unwrap());
        let which = (&name, &self.period, &purpose);
        withdraw(&self.store, which, &person(), reason, &mut OneKey)
    }

    /// Drafts a definition and lets it out, if nothing stands of it.
    fn release(&self, definition: &str) -> Result<ReleaseReport, AggregateError> {
        let drafted = self.draft(definition)?;
        match drafted.outcome {
            Outcome::Draft => self.let_out(drafted.name.as_str()),
            _ => Ok(drafted),
        }
    }

    /// A released table's rows, each with its cells by column.
    fn rows(&self, definition: &str) -> Vec<BTreeMap<String, String>> {
        let report = self.release(definition).unwrap();
        let table = report.folder.unwrap().join(format!("{}.csv", report.tables[0].name));
        let mut reader = csv::Reader::from_path(table).unwrap();
        reader.deserialize().map(|row| row.unwrap()).collect()
    }
}

fn person() -> Person {
    Person { uid: 1000, user: Some("ann".into()), at: "2026-11-28T09:00:00Z".into() }
}

fn children() -> RecordBatch {
    let (mut ward, mut area, mut sex, mut school) = (vec![], vec![], vec![], vec![]);
    let (mut missed, mut excluded) = (vec![], vec![]);
    for (name, size) in [("w1", 60), ("w2", 43), ("w3", 23), ("w4", 74)] {
        for child in 0..size {
            ward.push(name);
            area.push(if name == "w4" { "coast" } else { "inland" });
            sex.push(if child < 20 { "F" } else { "M" });
            school.push(if child % 2 == 0 { "a" } else { "b" });
            missed.push(child % 7 * 5);
            excluded.push(i64::from(child % 2 == 0 && child % 5 == 0));
        }
    }
    let text = |values: Vec<&str>| Arc::new(StringViewArray::from(values)) as ArrayRef;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("child", Arc::new(pseudonyms(ward.len()))),
        ("on_spine", Arc::new(BooleanArray::from(vec![true; ward.len()]))),
        ("ward", text(ward)),
        ("area", text(area)),
        ("sex", text(sex)),
        ("school", text(school)),
        ("missed", Arc::new(Int64Array::from(missed))),
        ("excluded", Arc::new(Int64Array::from(excluded))),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// As a keyed hash's: spread evenly, the same each time.
fn pseudonyms(children: usize) -> FixedSizeBinaryArray {
    let mut state = 7u128;
    let next = (0..children).map(|_| {
        state = state.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).wrapping_add(1);
        state.to_be_bytes()
    });
    FixedSizeBinaryArray::try_from_iter(next).unwrap()
}

const HEAD: &str = r#"
name = "r"
population = "spine"

[[dimension]]
name = "ward"
column = "ward"
total = "all"
lookup = "locality"
grouping = [{ name = "constituency", lookup = "constituency" }]

[[dimension]]
name = "sex"
column = "sex"
total = "all"
codes = ["F", "M"]
"#;

fn cell<'a>(
    rows: &'a [BTreeMap<String, String>],
    categories: &[(&str, &str)],
) -> &'a BTreeMap<String, String> {
    let is = |row: &&BTreeMap<String, String>| {
        categories.iter().all(|(column, category)| row[*column] == *category)
    };
    rows.iter().find(is).unwrap()
}

#[test]
fn overlapping_geographies_are_in_one_table_and_protected_together() {
    let site = Site::new();
    let rows =
        site.rows(&format!("{HEAD}\n[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n"));
    let count =
        |ward: &str, sex: &str| cell(&rows, &[("ward", ward), ("sex", sex)])["children"].clone();
    // w3 has three boys: neither their ward's locality nor its constituency gives them away.
    assert_eq!(count("w3", "M"), "");
    assert_eq!(count("all", "all"), "200");
    assert_eq!(count("No constituency", "all"), "0");
    let known = |names: &[&str], sex: &str| names.iter().all(|ward| !count(ward, sex).is_empty());
    assert!(!known(&["west", "w2"], "M"));
    assert!(!known(&["south", "w4"], "M"));
}

#[test]
fn the_label_of_a_withheld_category_from_the_data_is_not_told() {
    let site = Site::new();
    // w3 has 23 children, w2 43, which hide it.
    let open = "name = \"r\"\npopulation = \"spine\"\nthreshold = 30\n[[dimension]]\nname = \"ward\"\ncolumn = \"ward\"\ntotal = \"all\"\n[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\n";
    let labels = |definition: &str| {
        let rows = site.rows(definition);
        rows.iter().map(|row| (row["ward"].clone(), row["children"].clone())).collect::<Vec<_>>()
    };
    let told = labels(open);
    let withheld: Vec<&str> =
        told.iter().filter(|row| row.1.is_empty()).map(|row| row.0.as_str()).collect();
    assert_eq!(withheld, ["(withheld 1)", "(withheld 2)"]);
    assert!(
        told.contains(&("w1".into(), "60".into())) && told.contains(&("w4".into(), "74".into()))
    );
    // Codes that the definition lists are known to everyone.
    let listed = open
        .replace("name = \"r\"", "name = \"s\"")
        .replace("total", "codes = [\"w1\", \"w2\", \"w3\", \"w4\"]\ntotal");
    let told = labels(&listed);
    assert!(told.iter().any(|row| row.0 == "w3" && row.1.is_empty()), "{told:?}");
}

#[test]
fn a_label_from_the_data_that_may_identify_stops_the_release_and_is_not_told() {
    let batch = children();
    let place = batch.schema().index_of("area").unwrap();
    let open = "name = \"r\"\npopulation = \"spine\"\n[[dimension]]\nname = \"area\"\ncolumn = \"area\"\ntotal = \"all\"\n[[table]]\nname = \"t\"\ndimensions = [\"area\"]\n";
    for (label, refused) in [("inland", false), ("Q330400024001", true), ("01632 960983", true)] {
        let labels = StringViewArray::from(vec![label; batch.num_rows()]);
        let mut columns = batch.columns().to_vec();
        columns[place] = Arc::new(labels);
        let site = Site::of(RecordBatch::try_new(batch.schema(), columns).unwrap());
        match site.release(open) {
            Ok(_) => assert!(!refused, "{label}"),
            Err(error) => {
                let said = error.to_string();
                assert!(refused && said.contains("area") && !said.contains(label), "{said}");
            }
        }
    }
}

#[test]
fn a_level_may_be_a_column_and_levels_may_be_written_out() {
    let site = Site::new();
    let definition = r#"
name = "r"
population = "spine"
[[dimension]]
name = "ward"
column = "ward"
total = "all"
[[dimension.level]]
column = "area"
[[dimension.level]]
name = "county"
groups = { shire = ["coast", "inland"] }
[[table]]
name = "t"
dimensions = ["ward"]
"#;
    let rows = site.rows(definition);
    let wards: Vec<&str> = rows.iter().map(|row| row["ward"].as_str()).collect();
    assert_eq!(wards, ["all", "shire", "coast", "w4", "inland", "w1", "w2", "w3", "Unknown"]);
    assert_eq!(cell(&rows, &[("ward", "inland")])["children"], "126");
}

#[test]
fn a_level_that_is_no_level_is_refused() {
    let site = Site::new();
    let definition = "name = \"r\"\npopulation = \"spine\"\n[[dimension]]\nname = \"sex\"\ncolumn = \"sex\"\ntotal = \"all\"\nlevel = [{ column = \"ward\" }]\n[[table]]\nname = \"t\"\ndimensions = [\"sex\"]\n";
    let error = site.release(definition).unwrap_err().to_string();
    assert!(error.starts_with("line 3: "), "{error}");
    assert!(error.contains("two values beside one category"), "{error}");
}

/// To how many schools what is left of a published number of both is small: the true counts without their
/// own.
fn few_to_a_school(rows: &[BTreeMap<String, String>]) -> usize {
    let rest = |row: &BTreeMap<String, String>, school: usize| -> usize {
        let wards = match row["ward"].as_str() {
            "north" => vec!["w1", "w2"],
            "south" => vec!["w3", "w4"],
            "east" => vec!["w1", "w4"],
            "west" => vec!["w2", "w3"],
            "all" => vec!["w1", "w2", "w3", "w4"],
            ward => vec![ward],
        };
        let of_others = |child: &usize| child % 2 != school;
        let counts = |child: &usize| match row["missing"].as_str() {
            "much" => child % 7 == 6,
            "little" => child % 7 != 6,
            missing => missing == "all",
        };
        let sizes = [("w1", 60), ("w2", 43), ("w3", 23), ("w4", 74)];
        let sizes = sizes.into_iter().filter(|(ward, _)| wards.contains(ward));
        sizes.map(|(_, size)| (0..size).filter(of_others).filter(counts).count()).sum()
    };
    let of_both =
        |row: &&BTreeMap<String, String>| row["school"] == "all" && row["status"].is_empty();
    let rests = rows.iter().filter(of_both).flat_map(|row| [rest(row, 0), rest(row, 1)]);
    rests.filter(|rest| (1..5).contains(rest)).count()
}

#[test]
fn a_school_does_not_work_out_the_other() {
    let dimensions = r#"
[[dimension]]
name = "missing"
column = "missed"
total = "all"
bands = [0, 30]
labels = ["little", "much"]

[[dimension]]
name = "school"
column = "school"
total = "all"

[[table]]
name = "t"
dimensions = ["ward", "missing", "school"]
"#;
    let table = format!("{dimensions}measure = [{{ name = \"missed\", sum = \"missed\" }}]\n");
    assert!(few_to_a_school(&Site::new().rows(&format!("{HEAD}{table}"))) > 0);
    let site = Site::new();
    let respondent = "holder = { column = \"school\" }\n";
    let rows = site.rows(&format!("{respondent}{HEAD}{table}"));
    assert_eq!(few_to_a_school(&rows), 0);
    let (release, purpose) = ("r".parse().unwrap(), "test".parse().unwrap());
    let period = &site.period;
    let which = Which { store: &site.store, release: &release, period, purpose: &purpose };
    let checks = verify_release(&which, &mut OneKey).unwrap();
    assert!(checks.iter().all(|check| check.passed), "{checks:?}");
    assert!(checks.iter().any(|check| check.what.contains("to each school")), "{checks:?}");
    let rounded = format!("method = \"cell-key\"\n{respondent}{HEAD}{dimensions}");
    let error = Site::new().release(&rounded).unwrap_err().to_string();
    assert!(error.contains("what holders know is not considered"), "{error}");
}

#[test]
fn cells_are_never_or_always_published() {
    let site = Site::new();
    let table = "\n[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n";
    let rows = site.rows(&format!(
        "zeros = \"may-be-withheld\"\n{HEAD}{table}never = [{{ ward = \"w4\" }}]\nalways = [{{ ward = \"south\" }}, {{ ward = \"west\", sex = \"F\" }}]\n"
    ));
    let status =
        |ward: &str, sex: &str| cell(&rows, &[("ward", ward), ("sex", sex)])["status"].clone();
    assert_eq!((status("w4", "all").as_str(), status("south", "all").as_str()), ("c", ""));
    assert_eq!(status("west", "F"), "");
    let forced = HEAD.replacen("\"r\"", "\"forced\"", 1)
        + table
        + "always = [{ ward = \"w3\", sex = \"M\" }]\n";
    let error = Site::new().release(&forced).unwrap_err().to_string();
    assert!(error.contains("is to publish a cell by ward and sex whatever comes"), "{error}");
    let never = HEAD.replacen("\"r\"", "\"x\"", 1) + table + "never = [{ ward = \"w9\" }]\n";
    let error = site.release(&never).unwrap_err().to_string();
    assert!(error.contains("let zeros be withheld"), "{error}");
    let unknown = "zeros = \"may-be-withheld\"\n".to_owned() + &never;
    let error = site.release(&unknown).unwrap_err().to_string();
    assert!(error.contains("did you mean w"), "{error}");
}

#[test]
fn a_release_is_checked_and_explained() {
    let site = Site::new();
    let definition = format!(
        "{HEAD}\n[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\nmeasure = [{{ name = \"missed\", sum = \"missed\" }}]\n"
    );
    let report = site.release(&definition).unwrap();
    let release = "r".parse().unwrap();
    let purpose = "test".parse().unwrap();
    let which =
        Which { store: &site.store, release: &release, period: &site.period, purpose: &purpose };
    let checks = verify_release(&which, &mut OneKey).unwrap();
    assert_eq!(checks.len(), 6);
    assert!(checks.iter().all(|check| check.passed), "{checks:?}");
    let explained = explain(&which, &mut OneKey).unwrap();
    let counts = explained.cells.iter().filter(|cell| cell.set == "children").count();
    assert_eq!(counts, report.tables[0].withheld);
    for cell in explained.cells.iter().filter(|cell| cell.set == "children") {
        assert!(cell.high - cell.low >= 4 || cell.reason == minster_aggregator::Reason::Secondary);
    }
}

#[test]
fn a_release_under_the_dice_is_checked_and_is_the_same_again() {
    let site = Site::new();
    let table = "\n[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n";
    let definition = format!("dice = true\n{HEAD}{table}");
    assert_eq!(site.release(&definition).unwrap().outcome, Outcome::Released);
    assert_eq!(site.release(&definition).unwrap().outcome, Outcome::Same);
    let (release, purpose) = ("r".parse().unwrap(), "test".parse().unwrap());
    let period = &site.period;
    let which = Which { store: &site.store, release: &release, period, purpose: &purpose };
    let checks = verify_release(&which, &mut OneKey).unwrap();
    assert!(checks.iter().all(|check| check.passed), "{checks:?}");
}
