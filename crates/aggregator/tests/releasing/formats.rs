//! The files of a release: what each row says of itself, and that no file depends on a number that is withheld.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use arrow::{
    array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray},
    datatypes::{Field, Schema},
};
use minster_aggregator::AggregateError;
use proptest::prelude::*;
use serde_json::Value;

use crate::{HEAD, Site, pseudonyms};

/// So many children with these values of `group` and `kind`; each missed three sessions.
pub(crate) fn world(cells: &[(&str, &str, usize)]) -> RecordBatch {
    let (mut group, mut kind) = (vec![], vec![]);
    for (of, in_kind, count) in cells {
        group.extend(vec![*of; *count]);
        kind.extend(vec![*in_kind; *count]);
    }
    let count = group.len();
    let text = |values: Vec<&str>| Arc::new(StringViewArray::from(values)) as ArrayRef;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("child", Arc::new(pseudonyms(count))),
        ("on_spine", Arc::new(BooleanArray::from(vec![true; count]))),
        ("group", text(group)),
        ("kind", text(kind)),
        ("missed", Arc::new(Int64Array::from(vec![3; count]))),
    ];
    let field = |(name, of): &(&str, ArrayRef)| Field::new(*name, of.data_type().clone(), true);
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// All files that a release of these children has, by name.
pub(crate) fn files_of(
    definition: &str,
    cells: &[(&str, &str, usize)],
) -> BTreeMap<String, Vec<u8>> {
    let site = Site::of(world(cells));
    read(&site.release(definition).unwrap().folder.unwrap())
}

fn read(folder: &PathBuf) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
    };
    entries.map(named).collect()
}

const DFE: &str = r#"
[dfe]
time_identifier = "Academic year"
authority = { code = "E06000099", number = "899", name = "Exampleton" }
region = { code = "E12000009", name = "South West" }
"#;

/// A table of two dimensions with all kinds of numbers that a reader could work back from.
pub(crate) fn two_by_two(more: &str) -> String {
    // A table of TOML comes after all keys of the definition itself.
    let (formats, more) = if more.starts_with("formats") { (more, "") } else { ("", more) };
    format!(
        r#"
name = "r"
population = "spine"
insider = 0
zeros = "may-be-withheld"
publisher = "Exampleton Council"
contact = "statistics@exampleton.gov.uk"
{formats}
[[dimension]]
name = "part"
column = "group"
total = "all"
codes = ["a", "b"]
[[dimension]]
name = "kind"
column = "kind"
total = "all"
codes = ["yes", "no"]
[[table]]
name = "t"
dimensions = ["part", "kind"]
[[table.measure]]
name = "missed"
sum = "missed"
[[table.measure]]
name = "mean_missed"
mean = "missed"
[[table.measure]]
name = "share"
percentage = "kind"
{more}
"#
    )
}

fn differing(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    assert!(one.keys().eq(other.keys()), "{:?} {:?}", one.keys(), other.keys());
    let differ = |(name, bytes): &(&String, &Vec<u8>)| other[*name] != **bytes;
    one.iter().filter(differ).map(|(name, _)| name.clone()).collect()
}

fn withheld(files: &BTreeMap<String, Vec<u8>>) -> usize {
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    usize::try_from(manifest["tables"][0]["withheld"].as_u64().unwrap()).unwrap()
}

#[test]
fn no_file_depends_on_a_withheld_number() {
    // Where the totals are the same, a child more here is one less beside it. Nothing that is published differs, so no
    // byte may: no title, sentence, bar, alternative text, shared string or hash.
    let of = |small: usize| {
        let cells = [
            ("a", "yes", small),
            ("a", "no", 120 - small),
            ("b", "yes", 30 - small),
            ("b", "no", 100 + small),
        ];
        files_of(&two_by_two(DFE), &cells)
    };
    let first = of(1);
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    let expected = [
        "datapackage.json",
        "manifest.json",
        "r.html",
        "r.xlsx",
        "t.csv",
        "t.parquet",
        "t_dfe.csv",
        "t_dfe.meta.csv",
    ];
    assert_eq!(names, expected);
    // The four inner cells; the rows of unknown values are of nobody.
    assert_eq!(withheld(&first), 4);
    assert!(differing(&first, &of(1)).is_empty(), "the same numbers, the same bytes");
    for small in 2..=4 {
        assert!(
            differing(&first, &of(small)).is_empty(),
            "{small}: {:?}",
            differing(&first, &of(small))
        );
    }
    // The test sees a difference where one is public.
    let other = [("a", "yes", 3), ("a", "no", 118), ("b", "yes", 27), ("b", "no", 103)];
    let other = files_of(&two_by_two(DFE), &other);
    for name in ["r.html", "r.xlsx", "t.csv", "t.parquet", "t_dfe.csv", "manifest.json"] {
        assert!(differing(&first, &other).contains(&name.to_owned()), "{name}");
    }
}

/// A table by the categories in the data, as a combination of services is.
const OPEN: &str = r#"
name = "r"
population = "spine"
insider = 0
zeros = "may-be-withheld"
[[dimension]]
name = "kind"
column = "kind"
total = "all"
[[table]]
name = "t"
dimensions = ["kind"]
"#;

#[test]
fn no_file_depends_on_the_name_of_a_withheld_category() {
    let of = |names: [&str; 2], counts: [usize; 2]| {
        let cells = [("a", "Larch", 100), ("a", names[0], counts[0]), ("a", names[1], counts[1])];
        files_of(OPEN, &cells)
    };
    let first = of(["Beech", "Cedar"], [4, 3]);
    assert_eq!(withheld(&first), 2);
    // Nor does the place of its row tell between which two others the name lies.
    for (names, counts) in [
        (["Beech", "Cedar"], [3, 4]),
        (["Maple", "Oak"], [4, 3]),
        (["Cedar", "Oak"], [4, 3]),
        (["Cedar", "Oak"], [3, 4]),
    ] {
        let other = of(names, counts);
        assert!(differing(&first, &other).is_empty(), "{:?}", differing(&first, &other));
    }
    let page = String::from_utf8(first["r.html"].clone()).unwrap();
    assert!(page.contains("(withheld 2)") && !page.contains("Cedar"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Whatever the sizes: worlds with the same published numbers have the same files.
    #[test]
    fn files_follow_from_published_numbers(small in 1usize..5, other in 1usize..5, rest in 20usize..400) {
        let of = |small: usize| {
            let cells = [
                ("a", "yes", small),
                ("a", "no", rest + 20 - small),
                ("b", "yes", rest - small),
                ("b", "no", rest + 60 + small),
            ];
            files_of(&two_by_two(""), &cells)
        };
        let (one, two) = (of(small), of(other));
        // All four inner numbers are withheld, whichever are small: nothing else in the tables differs.
        prop_assert_eq!((withheld(&one), withheld(&two)), (4, 4));
        prop_assert!(differing(&one, &two).is_empty(), "{:?}", differing(&one, &two));
    }
}

#[test]
fn rows_of_one_level_count_no_child_twice_and_codes_stand_beside_labels() {
    let site = Site::new();
    let head =
        HEAD.replacen("lookup = \"locality\"", "lookup = \"locality\"\ncode_lookup = \"gss\"", 1);
    let rows =
        site.rows(&format!("{head}[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n"));
    let total: u64 = 200;
    let mut of_level: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &rows {
        assert_eq!((row["release"].as_str(), row["period"].as_str()), ("r", "2024-25"));
        let count = row["children"].parse::<u64>().unwrap_or_default();
        *of_level.entry(&row["level"]).or_default() += count;
    }
    let levels: Vec<&str> = of_level.keys().copied().collect();
    let expected = [
        "constituency",
        "constituency by sex",
        "locality",
        "locality by sex",
        "sex",
        "total",
        "ward",
        "ward by sex",
    ];
    assert_eq!(levels, expected);
    assert_eq!(of_level["total"], total);
    assert!(of_level.values().all(|sum| *sum <= total), "{of_level:?}");
    for row in &rows {
        let code = match row["ward"].as_str() {
            "all" => "E06000099".to_owned(),
            ward if ward.starts_with('w') && ward.len() == 2 => format!("E0500000{}", &ward[1..]),
            _ => "x".to_owned(),
        };
        assert_eq!(row["ward_code"], code);
    }
}

#[test]
fn a_line_of_a_look_up_without_a_code_gives_none() {
    let site = Site::new();
    let head =
        HEAD.replacen("lookup = \"locality\"", "lookup = \"locality\"\ncode_lookup = \"gss\"", 1);
    let gss = &site.lookups["gss"];
    fs::write(gss, "place,code\nw1,\nw2, \nw3,E05000003\nw4,E05000004\n").unwrap();
    let table = "[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n";
    let rows = site.rows(&format!("{head}{table}"));
    let code =
        |ward: &str| crate::cell(&rows, &[("ward", ward), ("sex", "all")])["ward_code"].clone();
    assert_eq!(["w1", "w2", "w3"].map(code), ["x", "x", "E05000003"]);
    // The ministry's tool has no place with a name and without a code.
    let place = format!("{DFE}place = {{ dimension = \"ward\", is = \"ward\" }}\n");
    let of_tool = format!("{head}{table}{place}").replacen("\"r\"", "\"s\"", 1);
    let said = site.draft(&of_tool).unwrap_err().to_string();
    assert!(said.contains("the place w1 has no code in its `code_lookup`"), "{said}");
}

#[test]
fn two_levels_of_one_name_are_told_apart() {
    let site = Site::new();
    let definition = r#"
name = "r"
population = "spine"
[[dimension]]
name = "ward"
column = "ward"
total = "all"
level = [{ name = "sex", lookup = "locality" }]
[[dimension]]
name = "sex"
column = "sex"
total = "all"
codes = ["F", "M"]
[[table]]
name = "t"
dimensions = ["ward", "sex"]
"#;
    let rows = site.rows(definition);
    let level = |ward: &str, sex: &str| {
        crate::cell(&rows, &[("ward", ward), ("sex", sex)])["level"].clone()
    };
    assert_eq!(level("north", "all"), "sex");
    assert_eq!(level("all", "F"), "sex of sex 2");
    assert_eq!(level("north", "F"), "sex by sex of sex 2");
}

#[test]
fn a_definition_chooses_its_files_and_leaves_their_names_free() {
    let site = Site::of(world(&[("a", "yes", 40), ("a", "no", 60)]));
    let chosen = two_by_two("formats = [\"workbook\"]");
    let files = read(&site.release(&chosen).unwrap().folder.unwrap());
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["manifest.json", "r.xlsx", "t.csv", "t.parquet"]);

    let refused = |definition: String| match site.draft(&definition) {
        Err(error @ AggregateError::Rule { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let said = refused(two_by_two("").replace("\"part\"", "\"level\""));
    assert!(said.contains("have a column level already"), "{said}");
    let codes = two_by_two("").replacen("codes = [", "code_lookup = \"gss\"\ncodes = [", 1);
    let said = refused(codes.replacen("\"kind\"", "\"part_code\"", 1).replacen(
        "dimensions = [\"part\", \"kind\"]",
        "dimensions = [\"part\", \"part_code\"]",
        1,
    ));
    assert!(said.contains("have a column part_code already"), "{said}");
    let said = refused(two_by_two(DFE) + "[[table]]\nname = \"t_dfe\"\ndimensions = [\"part\"]\n");
    assert!(said.contains("two files of the release would be called t_dfe.csv"), "{said}");
    let said =
        refused(two_by_two("").replacen("codes = [", "code_lookup = \"gsss\"\ncodes = [", 1));
    assert!(said.contains("gsss") && said.contains("gss"), "{said}");
}

#[test]
fn files_for_the_ministry_keep_its_rules_or_are_refused() {
    let refused = |definition: String| {
        let site = Site::new();
        match site.draft(&definition) {
            Err(error @ AggregateError::Rule { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let place = format!("{DFE}place = {{ dimension = \"ward\", is = \"ward\" }}\n");
    // A table of TOML ends what stands before the dimensions: it comes last.
    let with = |dfe: &str, table: &str| {
        let head = HEAD.replacen(
            "lookup = \"locality\"",
            "lookup = \"locality\"\ncode_lookup = \"gss\"",
            1,
        );
        format!("{head}{table}{dfe}")
    };
    let by_ward = "[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n";
    let site = Site::new();
    let files = read(&site.release(&with(&place, by_ward)).unwrap().folder.unwrap());
    let data = String::from_utf8(files["t_dfe.csv"].clone()).unwrap();
    let mut reader = csv::Reader::from_reader(data.as_bytes());
    let rows: Vec<BTreeMap<String, String>> =
        reader.deserialize().map(|row| row.unwrap()).collect();
    // Localities and constituencies of the council's own are no places of the tool: the manifest tells.
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let left_out = manifest["dfe"]["rows_left_out"].as_u64().unwrap();
    let cells = manifest["tables"][0]["cells"].as_u64().unwrap();
    assert_eq!(left_out + rows.len() as u64, cells);
    let levels = manifest["dfe"]["levels_left_out"].to_string();
    assert!(levels.contains("locality by sex") && levels.contains("constituency"), "{levels}");
    let mut seen = std::collections::BTreeSet::new();
    for row in &rows {
        assert_eq!(row["time_period"], "202425");
        assert_eq!(row["country_code"], "E92000001");
        let (level, code, name) = (&row["geographic_level"], &row["ward_code"], &row["ward_name"]);
        match level.as_str() {
            "Local authority" => assert!(code.is_empty() && name.is_empty()),
            "Ward" if name == "Not available" => assert_eq!(code, "x"),
            "Ward" => assert!(code.starts_with("E05") && name.starts_with('w'), "{row:?}"),
            other => panic!("{other}"),
        }
        assert!(row["children"].parse::<u64>().is_ok() || row["children"] == "c", "{row:?}");
        assert!(["Total", "F", "M", "Unknown"].contains(&row["sex"].as_str()));
        assert!(seen.insert((level.clone(), code.clone(), row["sex"].clone())));
    }
    let about = String::from_utf8(files["t_dfe.meta.csv"].clone()).unwrap();
    let expected = "col_name,col_type,label,indicator_grouping,indicator_unit,indicator_dp,filter_hint,filter_grouping_column\n\
        sex,Filter,Sex,,,,,\nchildren,Indicator,Children,,,0,,\n";
    assert_eq!(about, expected);

    let says = |definition: String, word: &str| {
        let said = refused(definition);
        assert!(said.contains(word), "{word}: {said}");
    };
    says(with(&place.replace("Academic year", "Calendar year"), by_ward), "no year of four digits");
    says(with(&place.replace("Academic year", "academic year"), by_ward), "is no time identifier");
    says(with(&place.replace("E06000099", "E0600009"), by_ward), "a code is E and eight digits");
    says(with(&place.replace("\"899\"", "\"9\""), by_ward), "three digits");
    says(with(&place.replace("dimension = \"ward\"", "dimension = \"wards\""), by_ward), "ward");
    let without_codes = format!("{HEAD}{by_ward}{place}");
    says(without_codes, "give it a `code_lookup`");
    let named = with(&place, by_ward).replace("[\"F\", \"M\"]", "[\"F\", \"M\", \"Total\"]");
    says(named, "`Total` of sex is its total");
    let blank = with(&place, by_ward).replace("[\"F\", \"M\"]", "[\"F\", \"M\", \"N/A\"]");
    says(blank, "a word for a missing value");
    let formula = with(&place, by_ward).replace("[\"F\", \"M\"]", "[\"F\", \"M\", \"-5 years\"]");
    says(formula, "begins as a formula does");
    let dashed = by_ward.replace("\"t\"", "\"by-ward\"");
    says(with(&place, &dashed), "small letters");
    let ethnic = with(&place, by_ward)
        .replace("name = \"sex\"", "name = \"ethnic_group\"")
        .replace("[\"ward\", \"sex\"]", "[\"ward\", \"ethnic_group\"]");
    says(ethnic, "ethnicity_major");
    let reserved = with(&place, by_ward)
        .replace("name = \"sex\"", "name = \"la_name\"")
        .replace("[\"ward\", \"sex\"]", "[\"ward\", \"la_name\"]");
    says(reserved, "column of places or times");
}

#[test]
fn no_filter_of_the_ministry_counts_children_twice_or_has_a_withheld_name() {
    // The kinds Beech and Cedar are withheld by name; the parts a and b are one group.
    let definition = r#"
name = "r"
population = "spine"
insider = 0
zeros = "may-be-withheld"
[[dimension]]
name = "part"
column = "group"
total = "all"
codes = ["a", "b", "c"]
level = [{ name = "side", groups = { left = ["a", "b"], right = ["c"] } }]
[[dimension]]
name = "kind"
column = "kind"
total = "all"
[[table]]
name = "t"
dimensions = ["part", "kind"]
"#;
    let cells = [
        ("a", "Larch", 100),
        ("b", "Larch", 90),
        ("c", "Larch", 80),
        ("a", "Beech", 4),
        ("b", "Cedar", 3),
    ];
    let files = files_of(&format!("{definition}{DFE}"), &cells);
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    assert!(text("t.csv").contains("(withheld 1)") && text("t.csv").contains("left"));
    let data = text("t_dfe.csv");
    assert!(data.contains("Larch") && data.contains("Total"), "{data}");
    assert!(!data.contains("(withheld") && !data.contains("left"), "{data}");
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let levels = manifest["dfe"]["levels_left_out"].to_string();
    assert!(levels.contains("side") && levels.contains("kind"), "{levels}");
}
