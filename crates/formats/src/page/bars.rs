//! Bars, one a category. Each begins at nothing and stands alone: none is stacked on another, so that no remainder shows. A
//! withheld number is a frame of one size, whatever it is.

use maud::{Markup, html};

use super::{MOST_BARS, value};
use crate::content::{Measure, Table, Value, heading};

/// The share of the width that the frame of a withheld number has.
const FRAME: f64 = 12.0;

/// The children by one dimension, if the table shows that.
pub(super) fn chart(table: &Table, place: usize) -> Markup {
    let rows = table.by(place);
    let Some(children) = table.measures.first().filter(|_| rows.len() > 1) else {
        return html! {};
    };
    let name = heading(&table.dimensions[place].name);
    if rows.len() > MOST_BARS {
        return html! { p { "No chart by " (name.to_lowercase()) " is drawn, because it would have " (rows.len()) " bars. The table has the numbers." } };
    }
    let most = most(children, &rows);
    html! {
        figure {
            table class="bars" {
                caption { "Children by " (name.to_lowercase()) }
                colgroup { col class="label"; col; col class="number"; }
                thead {
                    tr { th scope="col" { (name) } td { } th scope="col" class="number" { "Children" } }
                }
                tbody {
                    @for &row in &rows {
                        tr {
                            th scope="row" { (table.category(row, place).label) }
                            td { (bar(children.values[row], most)) }
                            td class="number" { (value(children.values[row])) }
                        }
                    }
                }
            }
        }
    }
}

/// The largest number that is published.
pub(super) fn most(measure: &Measure, rows: &[usize]) -> f64 {
    let published = rows.iter().filter_map(|&row| measure.values[row].number());
    published.fold(0.0, f64::max)
}

/// One bar; nothing in it depends on a number that is withheld.
pub(super) fn bar(value: Value, most: f64) -> Markup {
    html! {
        svg class="bar" aria-hidden="true" focusable="false" {
            @match value.number() {
                Some(number) => {
                    @let share = if most > 0.0 { 100.0 * number / most } else { 0.0 };
                    rect class="fill" width=(format!("{share:.1}%")) height="100%" { }
                }
                None => rect class="hidden" x="1" y="10%" width=(format!("{FRAME}%")) height="80%" { }
            }
        }
    }
}
