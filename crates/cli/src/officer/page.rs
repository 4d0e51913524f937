//! The frame and the tables of the officer's pages: each is one file, without a script.

use maud::{Markup, html};

use super::Measure;
use crate::{quality::page::STYLE, report::frame};

const OWN: &str = include_str!("page.css");

/// A page with its title.
pub(super) fn page(title: &str, body: &Markup) -> Markup {
    frame(title, &[STYLE, OWN], body)
}

/// Names and what they say, one below the other.
pub(super) fn facts(rows: &[(String, String)]) -> Markup {
    html! {
        dl class="facts" { @for (name, value) in rows { dt { (name) } dd { (value) } } }
    }
}

/// A table of texts. Columns whose number stands in `numbers` are numbers.
pub(super) fn table(
    caption: &str,
    heads: &[&str],
    rows: &[Vec<String>],
    numbers: &[usize],
) -> Markup {
    let class = |place: usize| if numbers.contains(&place) { Some("number") } else { None };
    html! {
        @if rows.is_empty() {
            p { strong { (caption) } ": none." }
        } @else {
            table {
                caption { (caption) }
                thead { tr { @for (place, head) in heads.iter().enumerate() { th scope="col" class=[class(place)] { (head) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (place, cell) in row.iter().enumerate() {
                                @if place == 0 { th scope="row" { (cell) } } @else { td class=[class(place)] { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The measures of security.
pub(super) fn measures(all: &[Measure]) -> Markup {
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|of| vec![of.what.clone(), of.here.words().to_owned(), of.evidence.clone()])
        .collect();
    table("Measures of security", &["Measure", "Here", "Evidence"], &rows, &[])
}
