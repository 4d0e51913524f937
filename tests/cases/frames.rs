//! Early help's plans as data frames are written to Parquet: categories, time zones, whole numbers as doubles, an index.

use std::{fs, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, Date32Array, DictionaryArray, Float64Array, Int64Array, RecordBatch,
        StringArray, TimestampMicrosecondArray,
    },
    datatypes::Int32Type,
};
use jiff::civil::Date;
use minster_tests::deliveries::{Child, Council, EARLY_HELP, by_name, early_help_row};
use parquet::arrow::ArrowWriter;

use crate::{council, values::table};

const PLANS: u32 = 36;
const DAY: i64 = 86_400_000_000;

/// A council that has its plans as Parquet.
fn with_frames() -> Council {
    let council = council(80, &["early_help"]);
    council.change("sources/early_help.toml", |text| {
        let text = text.replacen("format = \"csv\"", "format = \"parquet\"", 1);
        text.replacen("early_help.csv", "early_help.parquet", 1)
    });
    council
}

fn children() -> impl Iterator<Item = Child> {
    (1..=PLANS).map(Child::at)
}

fn days(iso: &str) -> i64 {
    let day: Date = iso.parse().unwrap();
    day.since(jiff::civil::date(1970, 1, 1)).unwrap().get_days().into()
}

fn texts(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn instants(values: impl Iterator<Item = Option<i64>>) -> TimestampMicrosecondArray {
    values.collect()
}

/// The columns as a data frame has them; `other` stand in the place of those of the same name, or behind them.
fn frame(other: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let days_of = |iso: &'static str| children().map(move |_| Some(days(iso) * DAY));
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("person_id", Arc::new(Int64Array::from_iter_values(1..=i64::from(PLANS)))),
        ("upn", texts(children().map(|child| child.upn))),
        ("forename", texts(children().map(|child| child.forename))),
        ("surname", texts(children().map(|child| child.surname))),
        ("dob", Arc::new(instants(children().map(|child| Some(days(&child.born) * DAY))))),
        ("postcode", texts(children().map(|_| "LS9 8ZZ".to_owned()))),
        ("start_date", Arc::new(instants(days_of("2024-10-14")))),
        // Without any day, a column of days is a column of days all the same.
        ("end_date", Arc::new(instants(children().map(|_| None)))),
        ("reason", texts(children().map(|child| reason(&child)))),
    ];
    for (name, values) in other {
        match columns.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = values,
            None => columns.push((name, values)),
        }
    }
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, values)| (name, values, true)),
    )
    .unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn reason(child: &Child) -> String {
    if child.sex == "F" { "HEALTH" } else { "ATTEND" }.to_owned()
}

/// All plans are read and linked, and their values are those of [`frame`].
fn read_whole(council: &Council) {
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("early_help"), [36, 36, 0, 0]);
    assert_eq!(ran.cells("early_help"), [""; 0]);
    assert_eq!(ran.linked("early_help/plans"), by_name(&[("identifier", 36)]));
    assert_eq!(ran.children().0, 80);
    let values = table(&council.site, "early_help", "plans");
    let years: Vec<String> = children().map(|child| child.born[..4].to_owned()).collect();
    assert_eq!(values.column("birth_year"), years);
    assert_eq!(values.column("reason"), children().map(|child| reason(&child)).collect::<Vec<_>>());
    assert_eq!(values.column("end_date"), [""; 36]);
}

#[test]
fn a_column_of_categories_is_read_as_its_texts() {
    let council = with_frames();
    let category = |of: fn(&Child) -> String| -> ArrayRef {
        let texts: Vec<String> = children().map(|child| of(&child)).collect();
        Arc::new(texts.iter().map(String::as_str).collect::<DictionaryArray<Int32Type>>())
    };
    let content = frame(vec![
        ("reason", category(reason)),
        ("forename", category(|child| child.forename.clone())),
    ]);
    council.deliver("early_help", "early_help.parquet", content);
    read_whole(&council);
    let values = table(&council.site, "early_help", "plans");
    assert_eq!(values.column("start_date"), ["2024-10-14"; 36]);
}

#[test]
fn a_column_of_days_is_read() {
    let council = with_frames();
    let born = children().map(|child| i32::try_from(days(&child.born)).unwrap());
    let content = frame(vec![("dob", Arc::new(Date32Array::from_iter_values(born)))]);
    council.deliver("early_help", "early_help.parquet", content);
    read_whole(&council);
}

#[test]
fn midnight_in_london_is_a_day_in_london_in_summer_too() {
    let council = with_frames();
    // In summer, clocks in London show midnight an hour before UTC does.
    let midnight = children().map(|child| match child.sex.as_str() {
        "F" => Some(days("2024-06-12") * DAY - DAY / 24),
        _ => Some(days("2024-12-03") * DAY),
    });
    let zoned = instants(midnight).with_timezone("Europe/London");
    let content = frame(vec![("start_date", Arc::new(zoned))]);
    council.deliver("early_help", "early_help.parquet", content);
    read_whole(&council);
    let values = table(&council.site, "early_help", "plans");
    let expected = children().map(|child| match child.sex.as_str() {
        "F" => "2024-06-12",
        _ => "2024-12-03",
    });
    assert_eq!(values.column("start_date"), expected.collect::<Vec<_>>());
}

/// Last year's file had the numbers as text, and says which pupils they are.
#[test]
fn a_number_that_a_blank_made_a_double_is_the_number_it_was() {
    let council = council(80, &["early_help"]);
    council.change("sources/early_help.toml", |text| {
        let years = text.lines().find(|line| line.starts_with("years")).unwrap();
        text.replacen(years, "years = [\"2023\"]", 1)
            + "\n[[version]]\nyears = [\"2024\"]\nformat = \"parquet\"\n[version.place.plans]\nfile = \"early_help.parquet\"\n"
    });
    let pipeline = fs::read_to_string(council.path("pipeline.toml")).unwrap()
        + "[[source]]\nname = \"early_help\"\nperiod = \"2023-24\"\nfolder = \"drop/before\"\n";
    fs::write(council.path("pipeline.toml"), pipeline).unwrap();
    fs::create_dir(council.path("drop/before")).unwrap();
    let rows = (1..=PLANS)
        .map(|place| early_help_row(&place.to_string(), &Child::at(place), "03/02/2024") + "\n");
    let before = format!("{EARLY_HELP}\n{}", rows.collect::<String>());
    fs::write(council.path("drop/before/early_help.csv"), before).unwrap();
    let numbers: Float64Array =
        (1..=PLANS).map(|place| (place % 12 != 0).then_some(f64::from(place))).collect();
    assert_eq!(numbers.null_count(), 3);
    // This year nothing else says who they are.
    let blank = || texts(children().map(|_| String::new()));
    let content = frame(vec![
        ("person_id", Arc::new(numbers)),
        ("upn", blank()),
        ("forename", blank()),
        ("surname", blank()),
    ]);
    council.deliver("early_help", "early_help.parquet", content);

    let ran = council.run();
    assert_eq!(ran.exit, 3, "{}", ran.text);
    assert_eq!(ran.rows("early_help"), [36, 33, 3, 0]);
    assert_eq!(ran.reasons("early_help"), by_name(&[("unidentified", 3)]));
    assert_eq!(ran.linked("early_help/plans"), by_name(&[("identifier", 36 + 33)]));
    assert_eq!(ran.children().0, 80);
}

#[test]
fn the_index_of_a_data_frame_is_refused_with_the_line_that_drops_it() {
    let council = with_frames();
    let index = Int64Array::from_iter_values(0..i64::from(PLANS));
    let content = frame(vec![("__index_level_0__", Arc::new(index))]);
    council.deliver("early_help", "early_help.parquet", content);
    let ran = council.run();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    let line = "\"__index_level_0__\" = { treatment = \"drop\" }";
    assert!(ran.text.lines().any(|told| told == line), "{}", ran.text);
    council.paste("sources/early_help.toml", &ran.text);
    read_whole(&council);
}
