//! Columns that a definition derives, and what they must not give away.

use std::cell::RefCell;

use arrow::array::{Array, Date32Array, FixedSizeBinaryArray};
use minster_aggregator::Definition;

use super::*;

mod attacks;
mod definitions;
mod in_rows;

fn day(text: &str) -> i32 {
    text.parse::<Day>().unwrap().0
}

fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let field = |(name, of): &(&str, ArrayRef)| Field::new(*name, of.data_type().clone(), true);
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// The children of the small dataset, with further columns of each.
fn children_with(more: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let batch = children();
    let schema = batch.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    table(names.zip(batch.columns().iter().cloned()).chain(more).collect())
}

fn dates(days: Vec<Option<&str>>) -> ArrayRef {
    Arc::new(Date32Array::from_iter(days.into_iter().map(|of| of.map(day))))
}

/// For each child, by the ward and the place in it.
fn by_ward<T>(of: impl Fn(&str, usize) -> T) -> Vec<T> {
    let wards = [("w1", 60), ("w2", 43), ("w3", 23), ("w4", 74)];
    wards
        .iter()
        .flat_map(|(ward, size)| (0..*size).map(|child| of(ward, child)).collect::<Vec<_>>())
        .collect()
}

/// Events: the child's place, the date and the kind of each.
fn events(all: &[(usize, &str, &str)]) -> RecordBatch {
    let children = pseudonyms(200);
    let child = |(place, _, _): &(usize, &str, &str)| children.value(*place).to_vec();
    let kinds: Vec<&str> = all.iter().map(|(_, _, kind)| *kind).collect();
    table(vec![
        ("child", Arc::new(FixedSizeBinaryArray::try_from_iter(all.iter().map(child)).unwrap())),
        ("date", dates(all.iter().map(|(_, date, _)| Some(*date)).collect())),
        ("number", Arc::new(Int64Array::from(vec![1; kinds.len()]))),
        ("kind", Arc::new(StringViewArray::from(kinds))),
        (
            "end",
            dates(
                all.iter().map(|(place, _, _)| (place % 2 == 0).then_some("2025-01-15")).collect(),
            ),
        ),
    ])
}

fn with_events(more: Vec<(&str, ArrayRef)>, all: &[(usize, &str, &str)]) -> Site {
    // A table of events has a row.
    let all = if all.is_empty() { &[(199, "2024-09-10", "home")] } else { all };
    let site = Site::new();
    site.link_with(children_with(more), &[("visits", events(all))]);
    site
}

/// A definition with derived columns, further dimensions beside the ward, and tables.
fn definition(name: &str, more: &str) -> String {
    format!(
        "name = \"{name}\"\nzeros = \"may-be-withheld\"\npopulation = \"spine\"\n\
         [[dimension]]\nname = \"ward\"\ncolumn = \"ward\"\ntotal = \"all\"\ncodes = [\"w1\", \"w2\", \"w3\", \"w4\"]\n{more}"
    )
}

fn dimension(name: &str, more: &str) -> String {
    format!("[[dimension]]\nname = \"{name}\"\ncolumn = \"{name}\"\ntotal = \"all\"\n{more}\n")
}

/// The rows of a table of a release, and the notes that were told on the way.
fn released(
    site: &Site,
    definition: &str,
    table: usize,
) -> (Vec<BTreeMap<String, String>>, Vec<String>) {
    let notes = RefCell::new(Vec::new());
    let notice = |note: &str| notes.borrow_mut().push(note.to_owned());
    let drafted = site.job(|job| draft(&Job { notice: &notice, ..*job }, definition, &mut OneKey));
    let report = site.let_out(drafted.unwrap().name.as_str()).unwrap();
    let table = report.folder.unwrap().join(format!("{}.csv", report.tables[table].name));
    let mut reader = csv::Reader::from_path(table).unwrap();
    (reader.deserialize().map(|row| row.unwrap()).collect(), notes.into_inner())
}

fn refused(site: &Site, definition: &str) -> String {
    match site.draft(definition) {
        Err(AggregateError::Refused(why)) => why.to_string(),
        other => panic!("{other:?}"),
    }
}

fn wrong(site: &Site, definition: &str) -> String {
    match site.draft(definition) {
        Err(error @ AggregateError::Rule { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

fn number(
    rows: &[BTreeMap<String, String>],
    categories: &[(&str, &str)],
    column: &str,
) -> Option<i64> {
    cell(rows, categories)[column].parse().ok()
}

#[test]
fn a_ratio_an_age_and_days_are_blank_where_they_cannot_be_and_that_is_said() {
    let born = by_ward(|ward, child| match (ward, child) {
        ("w1", 0..12) => Some("2030-01-01"),
        ("w1", 12..24) => None,
        (_, child) if child % 2 == 0 => Some("2015-03-31"),
        _ => Some("2015-04-01"),
    });
    let sessions = by_ward(|ward, child| if ward == "w2" && child < 20 { 0 } else { 50 });
    let ended = by_ward(|ward, _| Some(if ward == "w4" { "2014-01-01" } else { "2015-04-11" }));
    let site = with_events(
        vec![
            ("born", dates(born)),
            ("sessions", Arc::new(Int64Array::from(sessions))),
            ("ended", dates(ended)),
        ],
        &[],
    );
    let columns = "[[column]]\nname = \"age\"\nis = { age = { of = \"born\", on = \"03-31\" } }\n\
        [[column]]\nname = \"often\"\nis = { ratio = { of = \"missed\", per = \"sessions\", at-least = 20 } }\n\
        [[column]]\nname = \"lasted\"\nis = { days = { from = \"born\", until = \"ended\" } }\n";
    let band = |bounds: &str, labels: &str| format!("bands = [{bounds}]\nlabels = [{labels}]");
    let more = [
        columns.to_owned(),
        dimension("age", &band("9, 10", "\"nine\", \"ten\"")),
        dimension("often", &band("0, 1", "\"no\", \"yes\"")),
        dimension("lasted", &band("0, 11", "\"short\", \"long\"")),
    ]
    .concat();
    let tables = ["age", "often", "lasted"]
        .map(|of| format!("[[table]]\nname = \"{of}\"\ndimensions = [\"{of}\"]\n"));
    let text = definition("r", &(more + &tables.concat()));
    let (ages, notes) = released(&site, &text, 0);
    // On the birthday the year is complete, the day before it is not.
    let all = |of: &str| number(&ages, &[("age", of)], "children");
    let born = |rest: usize| {
        let is = by_ward(|ward, child| (ward != "w1" || child >= 24) && child % 2 == rest);
        Some(is.into_iter().filter(|is| *is).count() as i64)
    };
    assert_eq!([all("ten"), all("nine"), all("Unknown")], [born(0), born(1), Some(24)]);
    let often = read(&site, "r", "often");
    // 10 of 50 or more missed, so that 2 of each 7 are not; 20 children had no sessions.
    let expected = by_ward(|ward, child| (ward != "w2" || child >= 20) && child % 7 * 5 >= 10);
    let expected = expected.iter().filter(|of| **of).count() as i64;
    assert_eq!(number(&often, &[("often", "yes")], "children"), Some(expected));
    assert_eq!(number(&often, &[("often", "Unknown")], "children"), Some(20));
    let lasted = read(&site, "r", "lasted");
    assert_eq!(number(&lasted, &[("lasted", "Unknown")], "children"), Some(24 + 74));
    let has =
        |said: &str| assert!(notes.iter().any(|note| note.contains(said)), "{said}: {notes:#?}");
    has("about 10 of 200 children have no age: they have dates that cannot be");
    has("about 10 of 200 children have no age: they have no value that it is derived from");
    has("about 20 of 200 children have no often: they would be divided by 0");
    has("children have no lasted: they have dates that cannot be");
}

/// A table of a release that stands.
fn read(site: &Site, release: &str, table: &str) -> Vec<BTreeMap<String, String>> {
    let folder = site.store.root().join("releases").join(release).join("2024-25/current");
    let mut reader = csv::Reader::from_path(folder.join(format!("{table}.csv"))).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

#[test]
fn events_are_counted_by_kind_month_and_day_with_the_child_as_contributor() {
    // Each of the first sixty children, all of the first ward, has a visit in September, and every third two.
    let mut all: Vec<(usize, &str, &str)> =
        (0..60).map(|child| (child, "2024-09-10", "home")).collect();
    all.extend((0..60).step_by(3).map(|child| (child, "2024-10-01", "school")));
    let site = with_events(vec![], &all);
    let count = |name: &str, more: &str| {
        format!(
            "[[column]]\nname = \"{name}\"\nis = {{ count = {{ events = \"visits\", where = [{{ {more} }}] }} }}\n"
        )
    };
    let more = [
        count("homes", "column = \"kind\", in = [\"home\"]"),
        "[[column]]\nname = \"all\"\nis = { count = { events = \"visits\" } }\neach = { month = [\"2024-09\", \"2024-10\"] }\n".to_owned(),
        count("open", "column = \"date\", end = \"end\", open-on = \"2025-01-15\""),
        "[[column]]\nname = \"first\"\nis = { event = { events = \"visits\", of = \"kind\", which = \"latest\" } }\n".to_owned(),
        "[[column]]\nname = \"month\"\nis = { part = { of = \"began\", by = \"term\" } }\n".to_owned(),
        "[[column]]\nname = \"began\"\nis = { event = { events = \"visits\", of = \"date\", which = \"greatest\" } }\n".to_owned(),
        dimension("open", "bands = [0, 1]\nlabels = [\"no\", \"yes\"]"),
        dimension("first", "codes = [\"home\", \"school\"]\nunknown = \"none\""),
        dimension("month", "unknown = \"none\""),
        "[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\n[[table.measure]]\nname = \"homes\"\nevents = \"homes\"\n\
         [[table.measure]]\nname = \"visits\"\nevents = \"all\"\neach = [\"2024-09\", \"2024-10\"]\n".to_owned(),
        "[[table]]\nname = \"open\"\ndimensions = [\"open\"]\n[[table]]\nname = \"first\"\ndimensions = [\"first\"]\n[[table]]\nname = \"month\"\ndimensions = [\"month\"]\n".to_owned(),
    ];
    let text = definition("r", &more.concat());
    let (rows, _) = released(&site, &text, 0);
    let of = |column: &str| number(&rows, &[("ward", "w1")], column);
    assert_eq!(
        [of("homes"), of("visits_2024_09"), of("visits_2024_10")],
        [Some(60), Some(60), Some(20)]
    );
    // A case that ended on the day is no longer open: that of the thirty even children.
    assert_eq!(number(&read(&site, "r", "open"), &[("open", "yes")], "children"), Some(30));
    let first = read(&site, "r", "first");
    assert_eq!(
        ["home", "school", "none"].map(|of| number(&first, &[("first", of)], "children")),
        [Some(40), Some(20), Some(140)]
    );
    let month = read(&site, "r", "month");
    assert_eq!(number(&month, &[("month", "2024-25 1 autumn")], "children"), Some(60));
}

/// Visits of the first ward: twelve children have one of a kind, and one child one of another.
fn nearly_all_of_one_kind() -> Site {
    let mut all: Vec<(usize, &str, &str)> =
        (0..12).map(|child| (child, "2024-09-10", "home")).collect();
    all.push((13, "2024-09-10", "school"));
    // The other wards have enough of both.
    all.extend((60..200).map(|child| (child, "2024-09-10", "home")));
    all.extend((60..200).step_by(2).map(|child| (child, "2024-10-01", "school")));
    with_events(vec![], &all)
}

const VISITS: &str =
    "[[column]]\nname = \"visits_made\"\nis = { count = { events = \"visits\" } }\n";
const HOMES: &str = "[[column]]\nname = \"homes\"\nis = { count = { events = \"visits\", where = [{ column = \"kind\", in = [\"home\"] }] } }\n";

fn measured(columns: &[&str]) -> String {
    let measure = |of: &&str| format!("[[table.measure]]\nname = \"{of}\"\nsum = \"{of}\"\n");
    "[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\n".to_owned()
        + &columns.iter().map(measure).collect::<String>()
}

#[test]
fn the_rest_of_two_counts_of_events_is_protected_with_them() {
    let site = nearly_all_of_one_kind();
    let both = definition("r", &[VISITS, HOMES, &measured(&["visits_made", "homes"])].concat());
    let (rows, _) = released(&site, &both, 0);
    let shown = |ward: &str, column: &str| number(&rows, &[("ward", ward)], column);
    // All less those at home are one child's visit.
    let rest = shown("w1", "visits_made").zip(shown("w1", "homes")).map(|(all, homes)| all - homes);
    assert_eq!(rest, None, "{rows:?}");
    // Each alone may be shown.
    let site = nearly_all_of_one_kind();
    let (rows, _) = released(&site, &definition("r", &[HOMES, &measured(&["homes"])].concat()), 0);
    assert_eq!(number(&rows, &[("ward", "w1")], "homes"), Some(12));
    // One after the other they would tell as much.
    let second = definition("s", &[VISITS, &measured(&["visits_made"])].concat());
    let why = refused(&site, &second);
    assert!(why.contains("tell each other") && why.contains("homes"), "{why}");
    // The analyst finds the column among the refusals later, too.
    let kept = minster_aggregator::refusals(&site.store).unwrap();
    assert_eq!(kept[0].release.as_str(), "s");
    assert!(kept[0].columns.contains(&"homes".to_owned()), "{:?}", kept[0].columns);
}

#[test]
fn a_sum_of_columns_is_protected_with_its_parts() {
    let rare = by_ward(|ward, child| i64::from(ward != "w1" || child < 2));
    let more = || vec![("rare", Arc::new(Int64Array::from(rare.clone())) as ArrayRef)];
    let site = with_events(more(), &[]);
    let added = "[[column]]\nname = \"both\"\nis = { add = { of = [\"missed\", \"rare\"] } }\n";
    let text = definition("r", &[added, &measured(&["both", "missed"])].concat());
    let (rows, _) = released(&site, &text, 0);
    let shown = |column: &str| number(&rows, &[("ward", "w1")], column);
    // The added part is that of two children.
    assert_eq!(shown("both").zip(shown("missed")), None, "{rows:?}");
    let site = with_events(more(), &[]);
    let (rows, _) = released(&site, &definition("r", &measured(&["missed"])), 0);
    assert!(number(&rows, &[("ward", "w1")], "missed").is_some());
    let why = refused(&site, &definition("s", &[added, &measured(&["both"])].concat()));
    assert!(why.contains("tell each other"), "{why}");
}

#[test]
fn ages_and_ratios_are_not_added_up() {
    let site = with_events(vec![("born", dates(vec![Some("2015-01-01"); 200]))], &[]);
    let age = "[[column]]\nname = \"age\"\nis = { age = { of = \"born\", on = \"2025-03-31\" } }\n";
    let what = wrong(&site, &definition("r", &[age, &measured(&["age"])].concat()));
    assert!(
        what.contains("age is derived and cannot be added up") && what.starts_with("line "),
        "{what}"
    );
    let through =
        format!("{age}[[column]]\nname = \"more\"\nis = {{ add = {{ of = [\"age\"] }} }}\n");
    let what = wrong(&site, &definition("r", &(through + &measured(&["more"]))));
    assert!(what.contains("age is derived and cannot be added up"), "{what}");
    let median = "[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\n[[table.measure]]\nname = \"age\"\nmedian = \"age\"\n";
    let (rows, _) = released(&site, &definition("r", &[age, median].concat()), 0);
    assert_eq!(number(&rows, &[("ward", "w1")], "age"), Some(10));
}

/// By the ages on two days, of which two children of the third ward have their birthday between.
fn two_ages() -> (Site, [String; 2]) {
    let born = by_ward(|ward, child| match (ward, child) {
        ("w3", 0..2) => Some("2014-06-01"),
        ("w3", 2..12) => Some("2016-01-01"),
        ("w3", _) => Some("2012-01-01"),
        (_, child) if child < 12 => Some("2014-06-01"),
        (_, child) if child < 26 => Some("2016-01-01"),
        _ => Some("2012-01-01"),
    });
    let site = with_events(vec![("born", dates(born))], &[]);
    let of = |name: &str, on: &str| {
        let column = format!(
            "[[column]]\nname = \"{name}\"\nis = {{ age = {{ of = \"born\", on = \"{on}\" }} }}\n"
        );
        let table = format!("[[table]]\nname = \"{name}\"\ndimensions = [\"ward\", \"{name}\"]\n");
        column + &dimension(name, "bands = [0, 11]\nlabels = [\"to 10\", \"11 and over\"]") + &table
    };
    (site, [of("in_march", "2025-03-31"), of("in_august", "2025-08-31")])
}

#[test]
fn ages_on_two_days_do_not_tell_how_few_have_their_birthday_between() {
    let (site, [march, august]) = two_ages();
    // Tables of a dimension stand behind it.
    let (rows, _) = released(&site, &definition("r", &(march.clone() + &august)), 0);
    let young = |table: &[BTreeMap<String, String>], of: &str| {
        number(table, &[("ward", "w3"), (of, "to 10")], "children")
    };
    let later = read(&site, "r", "in_august");
    let between = young(&rows, "in_march").zip(young(&later, "in_august"));
    assert_eq!(between, None, "{rows:?} {later:?}");
    // Either alone hides nothing.
    let (site, [march, _]) = two_ages();
    let (rows, _) = released(&site, &definition("r", &march), 0);
    assert_eq!(young(&rows, "in_march"), Some(12));
    // Nor do they one after the other.
    let (_, [_, august]) = two_ages();
    let second = site.draft(&definition("s", &august));
    match second {
        Err(AggregateError::Refused(_)) => {}
        Ok(_) => {
            site.let_out("s").unwrap();
            assert_eq!(young(&read(&site, "s", "in_august"), "in_august"), None);
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_derived_column_keeps_its_meaning_from_one_release_to_the_next() {
    let (site, [march, august]) = two_ages();
    site.release(&definition("r", &march)).unwrap();
    let other = definition("s", &march.replace("2025-03-31", "2024-03-31"));
    let what = wrong(&site, &other);
    assert!(what.contains("the release r of 2024-25 derives in_march another way"), "{what}");
    let taken = definition("s", &august.replace("in_august", "area"));
    assert!(wrong(&site, &taken).contains("the integrated dataset has a column area"));
    // A column of the dataset that has got the name meanwhile is another one.
    let in_march = Arc::new(Int64Array::from(vec![10; 200])) as ArrayRef;
    site.link(children_with(vec![("in_march", in_march)]));
    let own = "[[table]]\nname = \"t\"\ndimensions = [\"in_march\"]\n";
    let own = definition(
        "s",
        &(dimension("in_march", "bands = [0, 11]\nlabels = [\"young\", \"old\"]") + own),
    );
    let what = wrong(&site, &own);
    assert!(
        what.contains("the release r of 2024-25 derives in_march, and this one does not"),
        "{what}"
    );
}

#[test]
fn dates_choose_children_and_totals_and_unknown_rows_are_shown_by_choice() {
    let began = by_ward(|_, child| {
        (child % 2 == 0).then_some(if child % 4 == 0 { "2024-09-01" } else { "2024-12-31" })
    });
    let site = with_events(vec![("began", dates(began))], &[]);
    let sex = "[[dimension]]\nname = \"sex\"\ncolumn = \"sex\"\ntotal = \"all\"\ncodes = [\"F\", \"M\"]\nunknown_if_any = true\n";
    let table =
        "[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\nmargins = [[\"sex\"]]\n";
    let text = definition("r", &[sex, table].concat());
    let text = text.replace("population = \"spine\"", "population = \"spine\"\nwhere = [{ column = \"began\", from = 2024-09-01, until = 2024-09-30 }]");
    let quoted = text.replace(
        "from = 2024-09-01, until = 2024-09-30",
        "from = \"2024-09-01\", until = \"2024-09-30\"",
    );
    let (rows, _) = released(&site, &quoted, 0);
    let expected = by_ward(|_, child| child % 4 == 0).iter().filter(|of| **of).count() as i64;
    assert_eq!(number(&rows, &[("ward", "all"), ("sex", "all")], "children"), Some(expected));
    let total_of_sex = |row: &&BTreeMap<String, String>| row["sex"] == "all";
    let wards: Vec<&str> =
        rows.iter().filter(total_of_sex).map(|row| row["ward"].as_str()).collect();
    assert_eq!(wards, ["all"]);
    assert!(rows.iter().all(|row| row["sex"] != "Unknown"));
    // The row of wards that nobody has stays: its dimension does not leave it out.
    assert!(rows.iter().any(|row| row["ward"] == "Unknown"));
    let (release, purpose) = ("r".parse().unwrap(), "test".parse().unwrap());
    let which =
        Which { store: &site.store, release: &release, period: &site.period, purpose: &purpose };
    let checks = verify_release(&which, &mut OneKey).unwrap();
    assert!(checks.iter().all(|check| check.passed), "{checks:?}");
    let texts = quoted.replace("column = \"began\", from", "column = \"sex\", from");
    assert!(wrong(&site, &texts).contains("the values of sex are no dates"));
}

#[test]
fn a_rate_is_per_people_of_a_look_up_and_is_withheld_where_the_count_is() {
    let site = with_events(vec![], &[]);
    let people = site.store.root().join("people.csv");
    std::fs::write(&people, "ward,people\nw1,1200\nw2,430\nw3,500\nw4,1000\n").unwrap();
    let mut lookups = site.lookups.clone();
    lookups.insert("people".to_owned(), people.clone());
    let site = Site { lookups, ..site };
    let sex = "[[dimension]]\nname = \"sex\"\ncolumn = \"sex\"\ntotal = \"all\"\ncodes = [\"F\", \"M\"]\n";
    let table = "[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n[[table.measure]]\nname = \"per_thousand\"\nrate = { lookup = \"people\", by = \"ward\" }\ntimes = 1000\n";
    let text = definition("r", &[sex, table].concat());
    let (rows, _) = released(&site, &text, 0);
    let of = |ward: &str, sex: &str| {
        let row = cell(&rows, &[("ward", ward), ("sex", sex)]);
        (row["per_thousand"].clone(), row["per_thousand_status"].clone())
    };
    let is = |number: &str, status: &str| (number.to_owned(), status.to_owned());
    assert_eq!(of("w1", "all"), is("50", ""));
    // 200 children of 3,130 people; three boys of the third ward are withheld, and so is their rate.
    assert_eq!(of("all", "all"), is("63.9", ""));
    assert_eq!(of("w3", "M"), is("", "c"));
    assert_eq!(of("Unknown", "all"), is("", "z"));
    std::fs::write(&people, "ward,people\nw1,1200\nw2,430\nw3,500\n").unwrap();
    let what = wrong(&site, &text.replace("name = \"r\"", "name = \"s\""));
    assert!(what.contains("the look-up people has no number for 1 categories of ward"), "{what}");
    std::fs::write(&people, "ward,people\nw1,many\nw2,430\nw3,500\nw4,1000\n").unwrap();
    let what = wrong(&site, &text.replace("name = \"r\"", "name = \"s\""));
    assert!(what.contains("has a value that is no number above 0"), "{what}");
    let what = wrong(&site, &text.replace("by = \"ward\" }", "by = \"wrad\" }"));
    assert!(what.contains("the table has no dimension wrad; did you mean ward?"), "{what}");
}
