//! What the page says in two sentences, from published numbers alone.

use crate::content::{Release, Table, Value, heading, thousands};

pub(super) fn sentences(release: &Release) -> String {
    let (counted, period) = (&release.counted, &release.period);
    let first = release.tables.first();
    let total = first.and_then(|table| table.measures.first()?.values.get(table.total()?));
    let how_many = match total {
        Some(Value::Whole(number)) => {
            format!("This release counts {} children of {period}: {counted}.", thousands(*number))
        }
        _ => format!("This release counts {counted} in {period}."),
    };
    match first.and_then(largest) {
        Some(largest) => format!("{how_many} {largest}"),
        None => how_many,
    }
}

/// The largest number that is published of the first dimension that is shown alone. It may not be the largest of all: what
/// is withheld is not compared.
fn largest(table: &Table) -> Option<String> {
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
    let label = &table.category(row, place).label;
    let of = match withheld {
        0 => "none is withheld".to_owned(),
        some => format!("{some} of {} are withheld", rows.len()),
    };
    Some(format!(
        "Of the published numbers by {name}, the largest is {} ({label}); {of}.",
        thousands(number)
    ))
}
