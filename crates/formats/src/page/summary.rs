//! The page's two sentences, from published numbers alone.

use crate::content::{Release, Table, Value, heading, thousands};

pub(super) fn sentences(release: &Release) -> String {
    let (counted, period) = (&release.counted, &release.period);
    let first = release.tables.first();
    let total = first.and_then(|table| table.measures.first()?.values.get(table.total()?));
    let about = about(release);
    let how_many = match total {
        Some(Value::Whole(number)) => {
            let number = thousands(*number);
            format!("This release counts {about}{number} children of {period}: {counted}.")
        }
        _ => format!("This release counts {counted} in {period}."),
    };
    let rounded = release.rounded.as_ref().map(|how| format!("All its numbers are {how}."));
    let largest = first.and_then(|table| largest(release, table));
    let sentences: Vec<String> = [Some(how_many), rounded, largest].into_iter().flatten().collect();
    sentences.join(" ")
}

/// The word before a number that is not exact.
fn about(release: &Release) -> &'static str {
    if release.rounded.is_some() { "about " } else { "" }
}

/// The largest number that is published of the first dimension that is shown alone. It may not be the largest of all: what
/// is withheld is not compared, and rounded numbers are compared as they are shown.
fn largest(release: &Release, table: &Table) -> Option<String> {
    let children = table.measures.first()?;
    let places = 0..table.dimensions.len();
    let (place, rows) =
        places.map(|place| (place, table.by(place))).find(|(_, rows)| rows.len() > 1)?;
    let published = rows.iter().filter_map(|&row| match children.values[row] {
        Value::Whole(number) => Some((number, row)),
        _ => None,
    });
    let (number, row) = published.reduce(|most, next| if next.0 > most.0 { next } else { most })?;
    let withheld = rows.iter().filter(|&&row| children.values[row] == Value::Withheld).count();
    let name = heading(&table.dimensions[place].name).to_lowercase();
    let (number, label) = (thousands(number), &table.category(row, place).label);
    let of = match (&release.rounded, withheld) {
        (Some(_), _) => String::new(),
        (None, 0) => "; none is withheld".to_owned(),
        (None, some) => format!("; {some} of {} are withheld", rows.len()),
    };
    let about = about(release);
    Some(format!(
        "Of the published numbers by {name}, the largest is {about}{number} ({label}){of}."
    ))
}
