//! The two files of a table that the ministry's table tool takes ("Explore education statistics": a CSV of data and a CSV
//! about its columns), by the rules of its own screener. A table that a rule forbids is refused, not mended.

use std::collections::BTreeSet;

use crate::{
    FormatError,
    content::{Dimension, NO_CODE, Release, Table, Unit, heading},
    csv,
    tidy::{Column, Values},
};

/// England's code and name.
const COUNTRY: (&str, &str) = ("E92000001", "England");
/// The name of a place that has no code.
const NOT_AVAILABLE: &str = "Not available";
/// The name of a filter's total.
const TOTAL: &str = "Total";
/// Categories of one filter.
const MOST_CATEGORIES: usize = 25_000;
/// Texts that a filter must not have in the place of a symbol.
const NO_SYMBOLS: [&str; 6] = ["NULL", "NA", "N/A", ".", "..", "-"];
/// The names that a filter of ethnic groups may have.
const ETHNICITY: [&str; 3] = ["ethnicity_major", "ethnicity_minor", "ethnicity_detailed"];
/// The labels of `ethnicity_major`, as the ministry's data dictionary has them. The screener takes them without spaces at the
/// strokes as well, as they were called before.
const MAJOR: [&str; 6] = [
    "Asian / Asian British",
    "Black / African / Caribbean / Black British",
    "Mixed / Multiple ethnic groups",
    "Other ethnic group",
    "Unknown",
    "White",
];
/// Those of `ethnicity_minor`, beside the total of a main group.
const MINOR: [&str; 19] = [
    "African",
    "Any other Asian background",
    "Any other Black / African / Caribbean background",
    "Any other Mixed / Multiple ethnic background",
    "Any other White background",
    "Any other ethnic group",
    "Arab",
    "Bangladeshi",
    "Caribbean",
    "Chinese",
    "English / Welsh / Scottish / Northern Irish / British",
    "Gypsy or Irish Traveller",
    "Indian",
    "Irish",
    "Pakistani",
    "Unknown",
    "White and Asian",
    "White and Black African",
    "White and Black Caribbean",
];

/// Facts for the tool, beside the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dfe {
    /// The kind of period.
    pub time_identifier: String,
    /// The council: its code of nine characters, its number of three digits, its name.
    pub authority: [String; 3],
    /// Its region: code and name.
    pub region: [String; 2],
    /// The dimension whose categories are places.
    pub dimension: Option<String>,
    /// The kind of these places.
    pub place: Place,
}

/// A kind of place below a council.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A ward.
    Ward,
    /// A parliamentary constituency.
    Constituency,
    /// A school.
    School,
    /// A police force's area.
    PoliceForceArea,
}

impl Place {
    /// Its level, its column of codes and its column of names.
    pub fn columns(self) -> [&'static str; 3] {
        match self {
            Self::Ward => ["Ward", "ward_code", "ward_name"],
            Self::Constituency => ["Parliamentary constituency", "pcon_code", "pcon_name"],
            Self::School => ["School", "school_urn", "school_name"],
            Self::PoliceForceArea => ["Police force area", "pfa_code", "pfa_name"],
        }
    }
}

/// The names of the two files of a table.
pub fn names(table: &str) -> [String; 2] {
    [format!("{table}_dfe.csv"), format!("{table}_dfe.meta.csv")]
}

/// The files of all tables; none where they are not wanted.
pub(crate) fn files(release: &Release) -> Result<Vec<(String, Vec<u8>)>, FormatError> {
    let Some(dfe) = &release.dfe else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    for table in &release.tables {
        let place = place(dfe, table);
        let rows = rows(table);
        let (data, meta) = (data(release, dfe, (table, place), &rows)?, meta(table, place, &rows)?);
        let [name, about] = names(&table.name);
        files.extend([(name, csv::csv(&data)?), (about, csv::csv(&meta)?)]);
    }
    Ok(files)
}

/// How many rows of a release's tables its files for the tool leave out, and at which levels: the tool knows no
/// localities and no groups, and each place and category has a name.
pub fn left_out(release: &Release) -> (usize, Vec<String>) {
    if release.dfe.is_none() {
        return (0, Vec::new());
    }
    let (mut number, mut levels) = (0, BTreeSet::new());
    for table in &release.tables {
        let kept: BTreeSet<usize> = rows(table).into_iter().collect();
        for row in (0..table.rows()).filter(|row| !kept.contains(row)) {
            number += 1;
            levels.insert(table.levels[row].clone());
        }
    }
    (number, levels.into_iter().collect())
}

/// The dimension of places, by its place among a table's.
fn place(dfe: &Dfe, table: &Table) -> Option<usize> {
    table.dimensions.iter().position(|of| Some(&of.name) == dfe.dimension.as_ref())
}

/// The rows that the tool can take: those of the council and of places, and those of totals and of categories with a name.
/// Groups of categories stand in no filter beside these, because whoever adds a filter up would count children twice.
fn rows(table: &Table) -> Vec<usize> {
    let is_known = |row: &usize| {
        (0..table.dimensions.len()).all(|place| {
            let of = table.category(*row, place);
            of.level.is_none() || of.is_lowest && !of.is_withheld
        })
    };
    (0..table.rows()).filter(is_known).collect()
}

fn filters(table: &Table, place: Option<usize>) -> impl Iterator<Item = (usize, &Dimension)> {
    table.dimensions.iter().enumerate().filter(move |(at, _)| Some(*at) != place)
}

fn wrong(what: String) -> FormatError {
    FormatError::Dfe(what)
}

/// A period as the tool has it: four digits, or six of two years.
///
/// # Errors
/// Where the period's name is none that goes with the identifier.
pub fn time_period(period: &str, identifier: &str) -> Result<String, FormatError> {
    const OF_TWO_YEARS: [&str; 15] = [
        "Academic year",
        "Financial year",
        "Tax year",
        "Autumn term",
        "Spring term",
        "Summer term",
        "Autumn and spring term",
        "Financial year Q1",
        "Financial year Q2",
        "Financial year Q3",
        "Financial year Q4",
        "Part 1 (April to September)",
        "Part 2 (October to March)",
        "Academic year Q1",
        "Academic year Q2",
    ];
    const OF_ONE_YEAR: [&str; 14] = [
        "Calendar year",
        "Reporting year",
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let is_year = |text: &str| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    if OF_TWO_YEARS.contains(&identifier) {
        let years = period.split_once('-').filter(|(year, _)| is_year(year));
        let next = |year: &str| year.parse::<u32>().map(|year| format!("{:02}", (year + 1) % 100));
        return match years {
            Some((year, after)) if next(year).is_ok_and(|next| next == after) => {
                Ok(format!("{year}{after}"))
            }
            _ => Err(wrong(format!(
                "the period {period} is no {identifier}: one is called as 2024-25 is"
            ))),
        };
    }
    let week = identifier.strip_prefix("Week ").and_then(|number| number.parse::<u32>().ok());
    if OF_ONE_YEAR.contains(&identifier) || week.is_some_and(|week| (1..=52).contains(&week)) {
        return match is_year(period) {
            true => Ok(period.to_owned()),
            false => Err(wrong(format!("the period {period} is no year of four digits"))),
        };
    }
    Err(wrong(format!(
        "`{identifier}` is no time identifier; it is one such as `Academic year`, `Autumn term` or `Calendar year`"
    )))
}

fn data(
    release: &Release,
    dfe: &Dfe,
    (table, place): (&Table, Option<usize>),
    rows: &[usize],
) -> Result<Vec<Column>, FormatError> {
    let time = time_period(&release.period, &dfe.time_identifier)?;
    let mut columns: Vec<Column> = Vec::new();
    let mut add = |name: &str, of: &dyn Fn(usize) -> String| {
        let values = Values::Text(rows.iter().map(|&row| of(row)).collect());
        columns.push(Column { name: name.to_owned(), values });
    };
    let at = |row: usize| place.map(|place| table.category(row, place));
    let is_below = |row: usize| at(row).is_some_and(|of| of.level.is_some());
    let [level, code, name] = dfe.place.columns();
    add("time_period", &|_| time.clone());
    add("time_identifier", &|_| dfe.time_identifier.clone());
    add("geographic_level", &|row| {
        (if is_below(row) { level } else { "Local authority" }).to_owned()
    });
    add("country_code", &|_| COUNTRY.0.to_owned());
    add("country_name", &|_| COUNTRY.1.to_owned());
    add("region_code", &|_| dfe.region[0].clone());
    add("region_name", &|_| dfe.region[1].clone());
    add("new_la_code", &|_| dfe.authority[0].clone());
    add("old_la_code", &|_| dfe.authority[1].clone());
    add("la_name", &|_| dfe.authority[2].clone());
    if place.is_some() {
        let lacks_code = |row: &&usize| {
            at(**row).is_some_and(|of| of.level.is_some() && of.code.is_none() && !of.is_unknown)
        };
        if let Some(&row) = rows.iter().find(lacks_code) {
            let label = at(row).map_or("", |of| of.label.as_str());
            return Err(wrong(format!(
                "the table {}: the place {label} has no code in its `code_lookup`: add it",
                table.name
            )));
        }
        let known = |row: usize| at(row).filter(|of| of.level.is_some());
        add(code, &|row| {
            known(row)
                .map_or_else(String::new, |of| of.code.clone().unwrap_or_else(|| NO_CODE.into()))
        });
        add(name, &|row| {
            known(row).map_or_else(String::new, |of| match of.code {
                Some(_) => of.label.clone(),
                None => NOT_AVAILABLE.to_owned(),
            })
        });
    }
    for (at, filter) in filters(table, place) {
        check_filter(table, (at, filter), rows)?;
        add(&filter.name, &|row| {
            let of = table.category(row, at);
            if of.level.is_none() { TOTAL.to_owned() } else { of.label.clone() }
        });
    }
    for measure in &table.measures {
        add(&measure.name, &|row| {
            let value = measure.values[row];
            match (value.status(), value.number()) {
                ("", Some(number)) => number.to_string(),
                (status, _) => status.to_owned(),
            }
        });
    }
    check_rows(table, &columns)?;
    Ok(columns)
}

/// The columns of a table that the tool knows by name: no filter and no number may be called like one.
fn reserved(name: &str) -> bool {
    let places = [Place::Ward, Place::Constituency, Place::School, Place::PoliceForceArea];
    let others = [
        "time_period",
        "time_identifier",
        "geographic_level",
        "country_code",
        "country_name",
        "region_code",
        "region_name",
        "new_la_code",
        "old_la_code",
        "la_name",
    ];
    others.contains(&name) || places.iter().any(|of| of.columns()[1..].contains(&name))
}

fn check_filter(
    table: &Table,
    (at, filter): (usize, &Dimension),
    rows: &[usize],
) -> Result<(), FormatError> {
    let (name, of) = (&filter.name, &table.name);
    if reserved(name) {
        return Err(wrong(format!(
            "the table {of}: {name} is a column of places or times, and no filter may have its name"
        )));
    }
    if name.starts_with("ethnic") && !ETHNICITY.contains(&name.as_str()) {
        return Err(wrong(format!(
            "the table {of}: a filter of ethnic groups is called {}, not {name}",
            ETHNICITY.join(", ")
        )));
    }
    let labels: BTreeSet<&str> =
        rows.iter().map(|&row| table.category(row, at).label.as_str()).collect();
    let fault =
        |label: &&&str| label.is_empty() || label.trim() != **label || NO_SYMBOLS.contains(label);
    if labels.iter().any(|label| fault(&label)) {
        return Err(wrong(format!(
            "the table {of}: a category of {name} is blank, begins or ends with white space, or is a word for a missing value"
        )));
    }
    check_ethnic_groups(table, filter, rows, at)?;
    let has_total = rows.iter().any(|&row| table.category(row, at).level.is_none());
    let calls_another_total = rows.iter().any(|&row| {
        let category = table.category(row, at);
        category.level.is_some() && category.label == TOTAL
    });
    if !has_total || calls_another_total {
        return Err(wrong(format!(
            "the table {of}: `{TOTAL}` of {name} is its total, and must be shown; `margins` leaves it out"
        )));
    }
    if !(2..=MOST_CATEGORIES).contains(&labels.len()) {
        return Err(wrong(format!(
            "the table {of}: {name} has {} categories; a filter has 2 to {MOST_CATEGORIES}",
            labels.len()
        )));
    }
    Ok(())
}

/// The groups of a harmonised filter have the ministry's own labels. It lists none for `ethnicity_detailed`.
fn check_ethnic_groups(
    table: &Table,
    filter: &Dimension,
    rows: &[usize],
    at: usize,
) -> Result<(), FormatError> {
    let listed: &[&str] = match filter.name.as_str() {
        "ethnicity_major" => &MAJOR,
        "ethnicity_minor" => &MINOR,
        _ => return Ok(()),
    };
    let is_listed =
        |label: &str| listed.iter().any(|of| *of == label || of.replace(" / ", "/") == label);
    let groups = rows.iter().map(|&row| table.category(row, at)).filter(|of| of.level.is_some());
    match groups.map(|of| of.label.as_str()).find(|label| !is_listed(label)) {
        None => Ok(()),
        Some(label) => Err(wrong(format!(
            "the table {}: {label} is no group of {} that the ministry lists; give it one of these names by a `recode`: {}",
            table.name,
            filter.name,
            listed.join("; ")
        ))),
    }
}

/// No two rows are of one place and the same filters; no number is blank.
fn check_rows(table: &Table, columns: &[Column]) -> Result<(), FormatError> {
    let texts = |column: &Column| match &column.values {
        Values::Text(texts) => texts.clone(),
        _ => Vec::new(),
    };
    let (keys, numbers) = columns.split_at(columns.len() - table.measures.len());
    let keys: Vec<Vec<String>> = keys.iter().map(texts).collect();
    let rows = keys.first().map_or(0, Vec::len);
    let mut seen = BTreeSet::new();
    for row in 0..rows {
        if !seen.insert(keys.iter().map(|of| of[row].as_str()).collect::<Vec<_>>()) {
            return Err(wrong(format!(
                "the table {}: two rows are of one place, time and filters; give each place a code of its own in the `code_lookup`",
                table.name
            )));
        }
    }
    let is_changed = |text: &String| csv::harmless(text) != *text;
    if keys.iter().flatten().any(is_changed) {
        return Err(wrong(format!(
            "the table {}: a name or category begins as a formula does, such as with = or -, and would get an apostrophe: give it another name",
            table.name
        )));
    }
    if numbers.iter().map(texts).any(|of| of.iter().any(String::is_empty)) {
        return Err(wrong(format!("the table {}: a number is blank", table.name)));
    }
    Ok(())
}

fn meta(table: &Table, place: Option<usize>, rows: &[usize]) -> Result<Vec<Column>, FormatError> {
    const NAMES: [&str; 8] = [
        "col_name",
        "col_type",
        "label",
        "indicator_grouping",
        "indicator_unit",
        "indicator_dp",
        "filter_hint",
        "filter_grouping_column",
    ];
    let mut lines: Vec<[String; 8]> = Vec::new();
    for (_, filter) in filters(table, place) {
        let mut line = [const { String::new() }; 8];
        line[0].clone_from(&filter.name);
        line[1] = "Filter".into();
        line[2] = heading(&filter.name);
        lines.push(line);
    }
    for measure in &table.measures {
        let (name, of) = (&measure.name, &table.name);
        if reserved(name) {
            return Err(wrong(format!(
                "the table {of}: {name} is a column of places or times, and no number may have its name"
            )));
        }
        let mut line = [const { String::new() }; 8];
        line[0].clone_from(name);
        line[1] = "Indicator".into();
        line[2] = heading(name);
        line[4] = (if measure.unit == Unit::Percent { "%" } else { "" }).into();
        line[5] = (if measure.unit == Unit::Whole { "0" } else { "1" }).into();
        lines.push(line);
    }
    let labels: BTreeSet<&String> = lines.iter().map(|line| &line[2]).collect();
    if labels.len() < lines.len() || rows.is_empty() {
        return Err(wrong(format!(
            "the table {}: two columns have one label, or it has no row",
            table.name
        )));
    }
    let columns = NAMES.iter().enumerate().map(|(at, name)| Column {
        name: (*name).to_owned(),
        values: Values::Text(lines.iter().map(|line| line[at].clone()).collect()),
    });
    Ok(columns.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_goes_with_its_identifier() {
        let of = |period: &str, identifier: &str| time_period(period, identifier).ok();
        assert_eq!(of("2024-25", "Academic year").as_deref(), Some("202425"));
        assert_eq!(of("1999-00", "Autumn term").as_deref(), Some("199900"));
        assert_eq!(of("2024-26", "Academic year"), None);
        assert_eq!(of("2024", "Academic year"), None);
        assert_eq!(of("2024", "Calendar year").as_deref(), Some("2024"));
        assert_eq!(of("2024", "Week 52").as_deref(), Some("2024"));
        assert_eq!(of("2024", "Week 53"), None);
        assert_eq!(of("2024-25", "academic year"), None);
    }
}
