//! An UpSet chart: which services a combination has, and how many children are known to exactly these. A combination whose
//! name is withheld has no dots.

use maud::{Markup, html};

use super::{
    MOST_BARS,
    bars::{bar, most},
    value,
};
use crate::content::{AND, Category, Table, heading};

pub(super) fn chart(table: &Table, place: usize, services: &[String]) -> Markup {
    let rows = table.by(place);
    let Some(children) = table.measures.first().filter(|_| rows.len() > 1) else {
        return html! {};
    };
    let name = heading(&table.dimensions[place].name).to_lowercase();
    if rows.len() > MOST_BARS {
        return html! { p { "No chart by " (name) " is drawn, because it would have " (rows.len()) " rows. The table has the numbers." } };
    }
    let most = most(children, &rows);
    html! {
        figure {
            p { "A dot means that the children of the row are known to the service with this number." }
            ol { @for service in services { li { (service) } } }
            table class="bars sets" {
                caption { "Children by combination: " (name) }
                colgroup {
                    col class="label";
                    @for _ in services { col class="set"; }
                    col;
                    col class="number";
                }
                thead {
                    tr {
                        th scope="col" { "Combination" }
                        @for (at, service) in services.iter().enumerate() {
                            th scope="col" class="set" { span aria-hidden="true" { (at + 1) } span class="unseen" { (service) } }
                        }
                        td { }
                        th scope="col" class="number" { "Children" }
                    }
                }
                tbody {
                    @for &row in &rows {
                        @let category = table.category(row, place);
                        @let of = members(category, services);
                        tr {
                            th scope="row" { (category.label) }
                            @for at in 0..services.len() {
                                td class="set" { (dot(&of, at, category)) }
                            }
                            td { (bar(children.values[row], most)) }
                            td class="number" { (value(children.values[row])) }
                        }
                    }
                }
            }
        }
    }
}

/// Which services a label names; nothing where the name is withheld, or where nobody knows which they are.
fn members(category: &Category, services: &[String]) -> Option<Vec<bool>> {
    let names: Vec<&str> = category.label.split(AND).collect();
    let is_told = !category.is_withheld && !category.is_unknown;
    is_told.then(|| services.iter().map(|of| names.contains(&of.as_str())).collect())
}

/// The dot of one service, with the line that joins it to the next.
fn dot(of: &Option<Vec<bool>>, at: usize, category: &Category) -> Markup {
    let Some(of) = of else {
        return html! { span aria-hidden="true" { "?" } span class="unseen" { (if category.is_unknown { "not known" } else { "withheld" }) } };
    };
    let (first, last) = (of.iter().position(|is| *is), of.iter().rposition(|is| *is));
    let joined =
        first.zip(last).filter(|(first, last)| first < last && (*first..=*last).contains(&at));
    html! {
        svg class="dot" aria-hidden="true" focusable="false" {
            @if let Some((first, last)) = joined {
                line x1=(if at == first { "50%" } else { "0" }) x2=(if at == last { "50%" } else { "100%" }) y1="50%" y2="50%" stroke="#1d5b93" stroke-width="2.5" { }
            }
            @if of[at] {
                circle class="fill" cx="50%" cy="50%" r="6" { }
            } @else {
                circle cx="50%" cy="50%" r="4.5" fill="#fff" stroke="#767676" { }
            }
        }
        span class="unseen" { (if of[at] { "yes" } else { "no" }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withheld_combination_names_no_service() {
        let services = ["Early help".to_owned(), "In need".to_owned()];
        let members = |label: &str, is_withheld: bool, services: &[String]| {
            let is_unknown = label == "Unknown";
            let (label, level) = (label.to_owned(), Some("services".to_owned()));
            let category = Category {
                label,
                code: None,
                meaning: None,
                level,
                is_lowest: true,
                is_withheld,
                is_unknown,
            };
            super::members(&category, services)
        };
        assert_eq!(members("In need", false, &services), Some(vec![false, true]));
        assert_eq!(members("Early help + In need", false, &services), Some(vec![true, true]));
        assert_eq!(members("No service", false, &services), Some(vec![false, false]));
        assert_eq!(members("(withheld 1)", true, &services), None);
        // Some of these children may be known to each of them.
        assert_eq!(members("Unknown", false, &services), None);
    }
}
