//! `minster-ingest sources new`: a definition's draft, in which every column is dropped.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use minster_sources::{
    CodeLists, DateForm, Delimiter, Encoding, Format, Outline, OutlinedTable, Plan, layouts,
    parse_date, quoted,
};

use crate::IngestError;

/// Rows that are looked at for the forms of dates.
const LOOKED_AT: u64 = 5_000;
/// A column of more different texts holds no codes.
const MOST_VALUES: usize = 50;
/// Forms of dates that are told from cells. One of a number alone is never proposed.
const FORMS: [(DateForm, &str); 5] = [
    (DateForm::Iso, "iso"),
    (DateForm::DayMonthYear, "dd/mm/yyyy"),
    (DateForm::MonthDayYear, "mm/dd/yyyy"),
    (DateForm::Census, "census"),
    (DateForm::Oracle, "oracle"),
];

/// The values that a column's cells were seen to have.
#[derive(Default)]
struct SurveyedColumn {
    cells: u64,
    /// How many cells each of [`FORMS`] reads.
    dates: [u64; FORMS.len()],
    /// The different texts, where they were asked for.
    values: BTreeSet<String>,
}

impl SurveyedColumn {
    /// The form that reads nine cells of ten, if one does; of two the likelier.
    fn form(&self) -> Option<&'static str> {
        let reads = |place: &usize| self.cells > 0 && 10 * self.dates[*place] >= 9 * self.cells;
        (0..FORMS.len()).find(reads).map(|place| FORMS[place].1)
    }
}

/// Drafts a definition from a file's layout, with every column dropped. Names alone are written, and the different texts
/// of the columns that are named in `values`. `year` is the period that it is said to fit.
///
/// # Errors
/// Where the file has no layout, or a named column no codes.
pub fn draft(path: &Path, year: &str, values: &[String]) -> Result<String, IngestError> {
    let outline = Outline::of(path)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let first = render(&outline, &stem, year, &BTreeMap::new());
    let seen = survey(path, &first, values)?;
    for name in values {
        let of_name = seen.iter().filter(|((_, column), _)| column == name);
        let most = of_name.map(|(_, seen)| seen.values.len()).max();
        let why = match most {
            None => "the file has no such column",
            Some(most) if most > MOST_VALUES => {
                "it holds more than 50 different texts, as no codes do"
            }
            Some(_) => continue,
        };
        return Err(IngestError::NoValues { column: name.clone(), why });
    }
    Ok(render(&outline, &stem, year, &seen))
}

/// By table and column.
type Survey = BTreeMap<(String, String), SurveyedColumn>;

/// Looks at the cells, by a draft that reads them.
fn survey(path: &Path, draft: &str, values: &[String]) -> Result<Survey, IngestError> {
    let mut survey = Survey::new();
    let Ok(Some(definition)) = layouts(draft, &CodeLists::new()).map(|mut all| all.pop()) else {
        return Ok(survey);
    };
    let plan = Plan::of_file(&definition, path)?;
    for file in &plan.files {
        let mut rows = 0;
        minster_sources::read(
            &definition,
            file,
            |_| {},
            |table, batch| {
                let table = &definition.tables[table];
                for (place, (name, _)) in table.columns.iter().enumerate() {
                    let seen = survey.entry((table.name.to_string(), name.clone())).or_default();
                    let wanted = values.contains(name);
                    for cell in batch.column(place).into_iter().flatten() {
                        let Ok(text) = std::str::from_utf8(cell) else { continue };
                        let text = text.trim();
                        if text.is_empty() {
                            continue;
                        }
                        seen.cells += 1;
                        for (count, (form, _)) in seen.dates.iter_mut().zip(FORMS) {
                            *count += u64::from(parse_date(text, &[form]).is_ok());
                        }
                        if wanted && seen.values.len() <= MOST_VALUES {
                            seen.values.insert(text.to_owned());
                        }
                    }
                }
                rows += batch.len() as u64;
                // Rare codes matter: all rows are looked at.
                rows < LOOKED_AT || !values.is_empty()
            },
        )?;
    }
    Ok(survey)
}

fn render(outline: &Outline, stem: &str, year: &str, survey: &Survey) -> String {
    let mut text = String::from(
        "# A draft: every column is dropped, and it runs as it is. Say of each column what it may become, and which\n\
         # periods have this layout. docs/sources.md explains every word.\n",
    );
    let _ = writeln!(text, "name = {}", quoted(&simple(stem, "source")));
    let format = match outline.format {
        Format::Csv => "csv",
        Format::Xml => "xml",
        Format::Xlsx => "xlsx",
        Format::Parquet => "parquet",
    };
    let forms: BTreeSet<&str> = survey.values().filter_map(SurveyedColumn::form).collect();
    let forms = if forms.is_empty() { BTreeSet::from(["iso"]) } else { forms };
    let forms: Vec<String> = forms.into_iter().map(quoted).collect();
    let _ = writeln!(
        text,
        "format = {}\ndates = [{}]\nyears = [{}]",
        quoted(format),
        forms.join(", "),
        quoted(year)
    );
    let encoding = match outline.encoding {
        Encoding::Utf8 => None,
        Encoding::Windows1252 => Some("windows-1252"),
        Encoding::Utf16 => Some("utf-16"),
    };
    if let Some(encoding) = encoding {
        let _ = writeln!(text, "encoding = {}", quoted(encoding));
    }
    if outline.delimiter != Delimiter::Comma {
        let delimiter = char::from(outline.delimiter.byte()).to_string();
        let _ = writeln!(text, "delimiter = {}", quoted(&delimiter));
    }
    if let Some(unit) = &outline.unit {
        let _ = writeln!(text, "unit = {}", quoted(unit));
    }
    if !outline.ignore.is_empty() {
        let ignore: Vec<String> = outline.ignore.iter().map(|name| quoted(name)).collect();
        let _ = writeln!(text, "ignore = [{}]", ignore.join(", "));
    }
    let child = child_numbers(outline);
    let mut names = BTreeSet::new();
    for OutlinedTable { file, sheet, record, columns } in &outline.tables {
        let hint = sheet.as_deref().or(record.as_deref().filter(|record| *record != "."));
        let plain = file.rsplit_once('.').map_or(file.as_str(), |(start, _)| start);
        let mut name = simple(hint.unwrap_or(plain), "table");
        while !names.insert(name.clone()) {
            name.push_str("_2");
        }
        let _ = writeln!(text, "\n[[table]]\nname = {}\nfile = {}", quoted(&name), quoted(file));
        for (key, value) in [("sheet", sheet), ("record", record)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = {}", quoted(value));
            }
        }
        let _ = writeln!(text, "[table.columns]");
        let nested = record.as_deref().is_some_and(|record| record != ".");
        for number in child.iter().filter(|_| nested) {
            let _ = writeln!(
                text,
                "{} = {{ treatment = \"drop\" }}  # the child's, from around the record",
                quoted(&format!("^/{number}"))
            );
        }
        for column in columns {
            let seen = survey.get(&(name.clone(), column.clone()));
            if let Some(seen) = seen.filter(|seen| !seen.values.is_empty()) {
                let codes: Vec<String> = seen.values.iter().map(|value| quoted(value)).collect();
                let _ = writeln!(
                    text,
                    "# {} = {{ treatment = \"code\", codes = [{}] }}",
                    quoted(column),
                    codes.join(", ")
                );
            }
            let date = match seen.and_then(SurveyedColumn::form) {
                Some(form) => format!("  # dates: {form}"),
                None => String::new(),
            };
            let _ = writeln!(text, "{} = {{ treatment = \"drop\" }}{date}", quoted(column));
        }
    }
    text
}

/// XML: paths below the unit that look like a child's number, by which rows of nested records would be known.
fn child_numbers(outline: &Outline) -> Vec<String> {
    let own = outline.tables.iter().filter(|table| table.record.as_deref() == Some("."));
    let is_number = |path: &&String| {
        let last = path.rsplit('/').next().unwrap_or_default();
        let lower = last.to_lowercase();
        ["upn", "uln", "nhsnumber", "reference"].contains(&lower.as_str())
            || last.ends_with("ID")
            || last.ends_with("Id")
            || lower.ends_with("_id")
            || lower.ends_with("number")
    };
    own.flat_map(|table| &table.columns).filter(is_number).cloned().collect()
}

/// A name of letters, digits and `_` that begins with a letter.
fn simple(text: &str, otherwise: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("_").to_lowercase();
    let name: String = name.chars().take(48).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        format!("{otherwise}_{name}")
    }
}
