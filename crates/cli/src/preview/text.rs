//! A preview for people: each table as readers would see it, and what it cost to protect it.

use std::fmt::Write as _;

use minster_aggregator::{
    Blanks, BlanksShare, Change, Numbers, Preview, PreviewedTable, Reason, Shown, Stands,
    WithheldOf,
};

pub(crate) fn text(preview: &Preview) -> String {
    let Preview { name, period, stands, without_numbers, tables } = preview;
    let mut text =
        format!("preview {name} of {period}: nothing of it is public, and nothing of it is kept\n");
    for table in tables {
        text += &table_text(table);
    }
    if let Some(why) = without_numbers {
        let _ = writeln!(text, "\nNo number is shown: {why}.");
    }
    text.push('\n');
    text += &stands_text(preview, stands);
    text
}

fn table_text(table: &PreviewedTable) -> String {
    let PreviewedTable { name, cells, withheld, reasons, blanks, numbers, .. } = table;
    let mut text = format!("\n{name}: {cells} cells, {withheld} withheld\n");
    if let Some(numbers) = numbers {
        text += &numbers_text(numbers);
    }
    for of in reasons {
        let _ = writeln!(text, "  withheld of {}: {}", of.of, reasons_text(of));
    }
    let _ = writeln!(text, "  headline numbers: {}", headlines_text(table));
    let blanks: Vec<String> = blanks.iter().map(blanks_text).collect();
    let _ = writeln!(text, "  children with a blank or unlisted value: {}", blanks.join(", "));
    text
}

/// So many are named; a list of all wards would hide what stands below it.
const MOST_NAMED: usize = 10;

/// The headline numbers that are withheld. Those without a name stand in no file, or the preview shows no numbers.
fn headlines_text(table: &PreviewedTable) -> String {
    let PreviewedTable { headlines_withheld, headlines, .. } = table;
    match (*headlines_withheld, headlines.as_slice()) {
        (0, _) => "none is withheld".to_owned(),
        (withheld, []) => format!("{withheld} withheld"),
        (withheld, named) => format!("{withheld} withheld: {}", named_text(named, withheld)),
    }
}

fn named_text(named: &[String], all: usize) -> String {
    let shown: Vec<String> = named.iter().take(MOST_NAMED).map(|of| harmless(of)).collect();
    match all.saturating_sub(shown.len()) {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}

fn change_text(of: &Change) -> String {
    let number = |number: Option<u64>| number.map_or("[c]".to_owned(), |of| of.to_string());
    let (stands, would_be) = (number(of.stands), number(of.would_be));
    format!("{}: {}, {}: {stands}, and would be {would_be}", of.table, harmless(&of.cell), of.of)
}

fn reasons_text(of: &WithheldOf) -> String {
    let WithheldOf { of: _, as_counts, by_reason } = of;
    let word = |reason: &Reason| match reason {
        Reason::BelowThreshold => "small",
        Reason::UnsafeZero => "unsafe zeros",
        Reason::Sensitive => "sensitive",
        Reason::ForItsOwnSake => "unsafe by rule",
        Reason::Secondary => "hide others",
        Reason::Standing => "stood withheld before",
    };
    let as_counts = as_counts.filter(|cells| *cells > 0);
    let as_counts = as_counts.map(|cells| format!("{cells} as the count is"));
    let each = by_reason.iter().map(|(reason, cells)| format!("{cells} {}", word(reason)));
    let all: Vec<String> = as_counts.into_iter().chain(each).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

fn blanks_text(blanks: &Blanks) -> String {
    let Blanks { dimension, share } = blanks;
    match share {
        BlanksShare::None => format!("{dimension} none"),
        BlanksShare::Percent(percent) => format!("{dimension} {percent:.1} %"),
        BlanksShare::Withheld => format!("{dimension} withheld"),
    }
}

fn stands_text(preview: &Preview, stands: &Stands) -> String {
    let name = &preview.name;
    match stands {
        Stands::Nothing => "No release of it stands.\n".to_owned(),
        Stands::Another => format!(
            "A release of another definition stands as {name}: withdraw it first, or give this one another name.\n"
        ),
        Stands::Same => "It stands as it was released: the data still say the same.\n".to_owned(),
        Stands::Changed { numbers, refused, changes } => {
            let changed: usize = numbers.iter().sum();
            let mut text = format!(
                "A release of it stands, and {changed} of its numbers are others now: what stands is withdrawn before another is let out.\n"
            );
            for change in changes.iter().take(MOST_NAMED) {
                let _ = writeln!(text, "  {}", change_text(change));
            }
            if changes.len() > MOST_NAMED {
                let more = changes.len() - MOST_NAMED;
                let _ = writeln!(text, "  and {more} more: `--json` has them all");
            }
            if let Some(why) = refused {
                let _ = writeln!(text, "A revised release is refused: {why}");
            }
            text
        }
    }
}

/// A table with aligned columns: categories to the left, numbers to the right.
fn numbers_text(numbers: &Numbers) -> String {
    let Numbers { columns, rows } = numbers;
    let shown: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(shown_text).collect()).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            let of_rows = shown.iter().filter_map(|row| row.get(at));
            let all = std::iter::once(&columns[at]).chain(of_rows);
            all.map(|text| text.chars().count()).max().unwrap_or_default()
        })
        .collect();
    let is_category =
        |at: usize| rows.iter().any(|row| matches!(row.get(at), Some(Shown::Category(_))));
    let line = |texts: &[String]| {
        let cells = texts.iter().zip(&widths).enumerate();
        let cells = cells.map(|(at, (text, &width))| match is_category(at) {
            true => format!("{text:<width$}"),
            false => format!("{text:>width$}"),
        });
        format!("  {}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned() + "\n"
    };
    let mut text = line(columns);
    shown.iter().for_each(|row| text += &line(row));
    text
}

/// A label comes from the data or a definition, and must not command a terminal.
fn shown_text(shown: &Shown) -> String {
    harmless(&shown.to_string())
}

fn harmless(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_a_label_commands_no_terminal() {
        let category = |text: &str| Shown::Category(text.into());
        let numbers = Numbers {
            columns: vec!["ward".into(), "children".into()],
            rows: vec![
                vec![category("All wards"), Shown::Whole(25_000)],
                vec![category("a\u{1b}[2J"), Shown::Status("[c]".into())],
            ],
        };
        let expected =
            "  ward       children\n  All wards     25000\n  a\u{fffd}[2J           [c]\n";
        assert_eq!(numbers_text(&numbers), expected);
    }
}
