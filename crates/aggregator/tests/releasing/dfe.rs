//! The rules of the ministry's table tool ("Explore education statistics"), one check each. The files of releases keep every rule; a
//! file that breaks a rule fails its check. The checks read the files alone, and share nothing with the program that writes them.

use std::{collections::BTreeSet, fs, ops::Not};

use super::*;

mod rules;

use self::rules::{RULES, Rule};

/// The two files of one table.
#[derive(Clone)]
struct Files {
    names: [String; 2],
    data: Sheet,
    meta: Sheet,
}

#[derive(Clone)]
struct Sheet {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    fn read(bytes: &[u8]) -> Self {
        let mut reader = csv::Reader::from_reader(bytes);
        let texts = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
        let header = texts(reader.headers().unwrap());
        Self { header, rows: reader.records().map(|record| texts(&record.unwrap())).collect() }
    }

    fn at(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }

    fn column(&self, name: &str) -> Vec<&str> {
        let at = self.at(name);
        at.map_or_else(Vec::new, |at| self.rows.iter().map(|row| row[at].as_str()).collect())
    }

    fn cell(&self, row: usize, column: &str) -> &str {
        self.at(column).map_or("", |at| self.rows[row][at].as_str())
    }

    /// The rows of a value.
    fn rows_of(&self, column: &str, value: &str) -> Vec<usize> {
        (0..self.rows.len()).filter(|&row| self.cell(row, column) == value).collect()
    }

    fn set(&mut self, row: usize, column: &str, value: &str) {
        let at = self.at(column).unwrap();
        self.rows[row][at] = value.to_owned();
    }

    fn set_all(&mut self, column: &str, value: &str) {
        (0..self.rows.len()).for_each(|row| self.set(row, column, value));
    }

    fn rename(&mut self, column: &str, name: &str) {
        let at = self.at(column).unwrap();
        self.header[at] = name.to_owned();
    }

    fn add(&mut self, column: &str, of: impl Fn(usize) -> String) {
        self.header.push(column.to_owned());
        self.rows.iter_mut().enumerate().for_each(|(row, cells)| cells.push(of(row)));
    }

    fn without(&mut self, column: &str) {
        let at = self.at(column).unwrap();
        self.header.remove(at);
        self.rows.iter_mut().for_each(|row| drop(row.remove(at)));
    }
}

impl Files {
    /// The columns that the metadata call so.
    fn of_type(&self, kind: &str) -> Vec<String> {
        let rows = self.meta.rows_of("col_type", kind);
        rows.into_iter().map(|row| self.meta.cell(row, "col_name").to_owned()).collect()
    }

    fn filters(&self) -> Vec<String> {
        self.of_type("Filter")
    }

    fn indicators(&self) -> Vec<String> {
        self.of_type("Indicator")
    }
}

const WORDS: &str = r#"
[dfe]
time_identifier = "Academic year"
authority = { code = "E06000099", number = "899", name = "Exampleton" }
region = { code = "E12000009", name = "South West" }
"#;

/// The files of all tables of a release of the small dataset, with ethnic groups of its children.
fn files_of(definition: &str) -> Vec<Files> {
    let groups = ["White", "Asian / Asian British", "Other ethnic group"];
    let batch = children();
    let ethnic = (0..batch.num_rows()).map(|row| (row % 50 != 3).then(|| groups[row % 3]));
    let ethnic: ArrayRef = Arc::new(StringViewArray::from_iter(ethnic));
    let field = Field::new("ethnicity_major", ethnic.data_type().clone(), true);
    let schema = batch.schema();
    let fields = schema.fields().iter().map(|of| of.as_ref().clone()).chain([field]);
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let columns = batch.columns().iter().cloned().chain([ethnic]).collect();
    let site = Site::of(RecordBatch::try_new(schema, columns).unwrap());
    let codes = site.store.root().join("gss.csv");
    fs::write(
        &codes,
        "place,code\nw1,E05000001\nw2,E05000002\nw3,E05000003\nw4,E05000004\na,136001\nb,136002\n",
    )
    .unwrap();
    let mut lookups = site.lookups.clone();
    lookups.insert("gss".to_owned(), codes);
    let site = Site { lookups, ..site };
    let report = site.release(definition).unwrap();
    let folder = report.folder.unwrap();
    let files = |table: &minster_aggregator::TableReport| {
        let names = [format!("{}_dfe.csv", table.name), format!("{}_dfe.meta.csv", table.name)];
        let [data, meta] =
            names.each_ref().map(|name| Sheet::read(&fs::read(folder.join(name)).unwrap()));
        Files { names, data, meta }
    };
    report.tables.iter().map(files).collect()
}

/// Releases by ward, by school, and of the whole council: with counts, sums, percentages, rates and medians, of which some are
/// withheld.
fn releases() -> Vec<Files> {
    let by_ward = format!(
        "{}{}{WORDS}place = {{ dimension = \"ward\", is = \"ward\" }}\n",
        HEAD.replacen("lookup = \"locality\"", "lookup = \"locality\"\ncode_lookup = \"gss\"", 1),
        "[[table]]\nname = \"by_ward\"\ndimensions = [\"ward\", \"sex\"]\n\
         [[table.measure]]\nname = \"missed\"\nsum = \"missed\"\n\
         [[table.measure]]\nname = \"share\"\npercentage = \"sex\"\n\
         [[table.measure]]\nname = \"middle\"\nmedian = \"missed\"\n\
         [[table]]\nname = \"of_wards\"\ndimensions = [\"ward\"]\n"
    );
    let by_school = format!(
        "name = \"s\"\npopulation = \"spine\"\n\
         [[dimension]]\nname = \"school\"\ncolumn = \"school\"\ntotal = \"all\"\ncode_lookup = \"gss\"\n\
         [[dimension]]\nname = \"ethnicity_major\"\ncolumn = \"ethnicity_major\"\ntotal = \"all\"\n\
         [[table]]\nname = \"by_school\"\ndimensions = [\"school\", \"ethnicity_major\"]\n\
         [[table.measure]]\nname = \"rate\"\nsum = \"missed\"\nper = \"children\"\n\
         [[table]]\nname = \"of_council\"\ndimensions = [\"ethnicity_major\"]\n\
         {WORDS}place = {{ dimension = \"school\", is = \"school\" }}\n"
    );
    [by_ward, by_school].iter().flat_map(|definition| files_of(definition)).collect()
}

#[test]
fn each_rule_of_the_tool_is_kept_by_all_files_and_its_check_fails_on_a_broken_one() {
    let releases = releases();
    let names: Vec<&str> = releases.iter().map(|files| files.names[0].as_str()).collect();
    assert_eq!(
        names,
        ["by_ward_dfe.csv", "of_wards_dfe.csv", "by_school_dfe.csv", "of_council_dfe.csv"]
    );
    let withheld = releases.iter().flat_map(|files| files.data.rows.iter().flatten());
    assert!(withheld.filter(|cell| *cell == "c").count() > 4, "something is withheld");
    for Rule { says, holds, broken } in &RULES {
        for files in &releases {
            assert!(holds(files), "{}: {says}", files.names[0]);
        }
        let with_filters = releases.iter().filter(|files| files.filters().is_empty().not());
        for files in with_filters {
            let mut files = files.clone();
            broken(&mut files);
            assert!(!holds(&files), "{}: no check that {says}", files.names[0]);
        }
    }
    let said: BTreeSet<&str> = RULES.iter().map(|rule| rule.says).collect();
    assert_eq!(said.len(), RULES.len());
}

#[test]
fn ethnic_groups_of_other_names_than_the_ministrys_are_refused_by_name() {
    let definition = |name: &str, codes: &str| {
        format!(
            "name = \"s\"\npopulation = \"spine\"\n[[dimension]]\nname = \"{name}\"\ncolumn = \"area\"\ntotal = \"all\"\n\
             level = [{{ name = \"g\", groups = {{ all_of_them = [{codes}] }} }}]\n\
             [[table]]\nname = \"t\"\ndimensions = [\"{name}\"]\n{WORDS}"
        )
    };
    let said =
        Site::new().draft(&definition("ethnicity_major", "\"coast\", \"inland\"")).unwrap_err();
    let said = said.to_string();
    assert!(said.contains("is no group of ethnicity_major that the ministry lists"), "{said}");
    assert!(said.contains("Asian / Asian British; Black / African"), "{said}");
    // The ministry lists no labels of these.
    assert!(Site::new().draft(&definition("ethnicity_detailed", "\"coast\", \"inland\"")).is_ok());
    // Names of before stand without spaces at the strokes.
    let batch = children();
    let place = batch.schema().index_of("area").unwrap();
    let mut columns = batch.columns().to_vec();
    let groups =
        (0..batch.num_rows()).map(|row| if row % 2 == 0 { "Asian/Asian British" } else { "White" });
    columns[place] = Arc::new(StringViewArray::from_iter_values(groups));
    let site = Site::of(RecordBatch::try_new(batch.schema(), columns).unwrap());
    let codes = "\"Asian/Asian British\", \"White\"";
    assert!(site.draft(&definition("ethnicity_major", codes)).is_ok());
}
