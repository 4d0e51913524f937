//! The gate before a delivery takes the place of the current one: it must not be empty, much smaller, mostly set aside, or another
//! year's, authority's or collection's.

use std::collections::BTreeMap;

use minster_model::{Period, RowCounts, TableName};
use minster_sources::{Definition, HeaderText, PlannedFile};
use minster_store::{FileCounts, Manifest, Origin};

use crate::IngestError;

/// A share of fewer rows says little: tables of a few rows rise and fall.
pub(crate) const FEWEST: u64 = 10;

/// The limits at which a source stops, in a hundred.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shares {
    /// Rows of a table that are gone.
    pub(crate) fall: u32,
    /// Rows of a required table that are set aside, and cells of a column of its numbers that fail.
    pub(crate) quarantine: u32,
}

/// The reasons that stop a delivery, by its rows as they were read.
pub(crate) fn check_rows(
    definition: &Definition,
    rows: &[FileCounts],
    shares: Shares,
) -> Vec<IngestError> {
    let read = by_table(rows);
    let mut found = Vec::new();
    for table in definition.tables.iter().filter(|table| table.required) {
        let RowCounts { read, quarantined, .. } =
            read.get(&table.name).copied().unwrap_or_default();
        let table = table.name.clone();
        if read == 0 {
            found.push(IngestError::EmptyTable { table, stood: 0 });
        } else if quarantined >= FEWEST && quarantined * 100 > read * u64::from(shares.quarantine) {
            let percent = shares.quarantine;
            found.push(IngestError::MostlySetAside { table, quarantined, read, percent });
        }
    }
    found
}

/// The same with the rows that stand of an empty table.
pub(crate) fn against_current(current: Option<&Manifest>, error: IngestError) -> IngestError {
    let IngestError::EmptyTable { table, .. } = error else { return error };
    let stood = match current.map(|manifest| &manifest.origin) {
        Some(Origin::Delivery { rows, .. }) => {
            by_table(rows).get(&table).map_or(0, |rows| rows.read)
        }
        _ => 0,
    };
    IngestError::EmptyTable { table, stood }
}

/// The tables that fell too far against what stands. One that the definition has no longer did not fall.
pub(crate) fn check_fall(
    definition: &Definition,
    current: &Manifest,
    rows: &[FileCounts],
    shares: Shares,
) -> Vec<IngestError> {
    let Origin::Delivery { rows: stood, .. } = &current.origin else { return Vec::new() };
    let (now, before) = (by_table(rows), by_table(stood));
    let mut found = Vec::new();
    for table in definition.tables.iter().map(|table| table.name.clone()) {
        let stood = before.get(&table).map_or(0, |counts| counts.read);
        let read = now.get(&table).map_or(0, |counts| counts.read);
        let lost = stood.saturating_sub(read);
        if lost >= FEWEST && lost * 100 > stood * u64::from(shares.fall) {
            found.push(IngestError::Fallen { table, read, stood, percent: shares.fall });
        }
    }
    found
}

/// Headers that name something else than what the delivery is said to be.
pub(crate) fn check_headers(
    definition: &Definition,
    files: &[PlannedFile],
    period: &Period,
    authority: Option<&str>,
) -> Vec<IngestError> {
    let mut found = Vec::new();
    for file in files {
        for HeaderText { what, text } in &file.header {
            let expected = match *what {
                "year" => years(period),
                "authority" => authority.map(str::to_owned).into_iter().collect(),
                _ => definition.header.collection.iter().filter_map(|one| one.is.clone()).collect(),
            };
            if expected.is_empty() || expected.iter().any(|one| one.eq_ignore_ascii_case(text)) {
                continue;
            }
            found.push(IngestError::OtherHeader {
                file: file.name.clone(),
                what,
                says: shown(text),
                expected: expected.join(" or "),
            });
        }
    }
    found
}

fn by_table(rows: &[FileCounts]) -> BTreeMap<TableName, RowCounts> {
    let mut tables: BTreeMap<TableName, RowCounts> = BTreeMap::new();
    for FileCounts { table, counts, .. } in rows {
        *tables.entry(table.clone()).or_default() += *counts;
    }
    tables
}

/// The calendar years that a period names: `2024-25` both of a school year, `2025-spring` one.
fn years(period: &Period) -> Vec<String> {
    let text = period.as_str();
    let Some(first) = text.get(..4).and_then(|year| year.parse::<u32>().ok()) else {
        return Vec::new();
    };
    let next = first + 1;
    let mut years = vec![first.to_string()];
    if text.get(4..) == Some(&format!("-{:02}", next % 100)) {
        years.push(next.to_string());
    }
    years
}

/// A header's word, where it is as short and plain as such words are: what else stands there may be anything.
fn shown(text: &str) -> String {
    let is_plain = text.len() <= 8 && text.chars().all(|c| c.is_ascii_alphanumeric());
    if is_plain { text.to_owned() } else { "something else".to_owned() }
}

/// The warnings about findings that were let through.
///
/// # Errors
/// The first of it, where it is not.
pub(crate) fn stop_or_tell(
    found: Vec<IngestError>,
    accepted: bool,
) -> Result<Vec<String>, IngestError> {
    match accepted {
        true => Ok(found.iter().map(|error| format!("accepted all the same: {error}")).collect()),
        false => found.into_iter().next().map_or(Ok(Vec::new()), Err),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    #[test]
    fn a_period_names_its_years() {
        for (period, named) in [
            ("2024", &["2024"][..]),
            ("2024-25", &["2024", "2025"]),
            ("1999-00", &["1999", "2000"]),
            ("2025-spring", &["2025"]),
        ] {
            assert_eq!(years(&period.parse().unwrap()), named, "{period}");
        }
    }

    #[test]
    fn a_header_s_text_is_shown_where_it_is_a_word_alone() {
        assert_eq!(shown("CIN"), "CIN");
        assert_eq!(shown("Ann Other"), "something else");
        assert_eq!(shown("Q330400024001"), "something else");
    }
}
