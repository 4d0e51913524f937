//! The report as one page of HTML.

use maud::{Markup, html};

use super::{
    assessment::{Assessment, Share},
    text::{class, percent},
};
use crate::{quality::page::STYLE, report::frame};

pub(super) fn page(of: &Assessment) -> Markup {
    let Assessment { purpose, period, run, table, unit, whole, .. } = of;
    let body = html! {
        p {
            "How identifying the pseudonymised rows are to somebody who knows the quasi-identifiers of a child. The table is "
            (table) ", " (unit) ", as run " (run) " linked it. " (of.counts()) " The page stays inside the council."
        }
        @for broken in &of.broken { p class="warning" { strong { "Bound broken: " } (broken) } }
        section aria-labelledby="first" {
            h2 id="first" { "What to do first" }
            ol { @for advice in &of.advice { li { (advice) } } }
        }
        section aria-labelledby="classes" {
            h2 id="classes" { "Classes of equal quasi-identifiers" }
            p { (whole.children) " children are in " (whole.classes) " classes. The smallest has " (class(whole.smallest_class)) " (k)." }
            (rows("Children", &["Share"], &[
                ("alone in their class (unique)".to_owned(), vec![both(&whole.unique)]),
                ("in classes of fewer than 3".to_owned(), vec![both(&whole.below_3)]),
                ("in classes of fewer than 5".to_owned(), vec![both(&whole.below_5)]),
                ("in classes of fewer than 10".to_owned(), vec![both(&whole.below_10)]),
            ]))
            @let sizes = whole.by_size.iter().map(|size| (size.name(), vec![size.classes.to_string(), both(&size.children)]));
            (rows("Size of class", &["Classes", "Children"], &sizes.collect::<Vec<_>>()))
        }
        section aria-labelledby="drivers" {
            h2 id="drivers" { "What drives it" }
            p { "Children who are alone by one column, and those who stay alone without it." }
            @let drivers = of.quasi_identifiers.iter().map(|driver| {
                let shares = [&driver.blank, &driver.alone, &driver.without].map(percent);
                (driver.column.clone(), [vec![driver.values.to_string()], shares.to_vec()].concat())
            });
            (rows("Quasi-identifier", &["Values", "Blank", "Unique by it alone", "Unique without it"], &drivers.collect::<Vec<_>>()))
        }
        section aria-labelledby="coarser" {
            h2 id="coarser" { "What coarser treatments would leave" }
            @let effects = of.coarser.iter().map(|effect| {
                let shown = vec![percent(&effect.unique), percent(&effect.below_5), class(effect.smallest_class)];
                (format!("{} {}", effect.column, effect.treatment), shown)
            });
            (rows("Treatment", &["Unique", "In classes of fewer than 5", "Smallest class (k)"], &effects.collect::<Vec<_>>()))
        }
        @if !of.sensitive.is_empty() {
            section aria-labelledby="sensitive" {
                h2 id="sensitive" { "What classes give away" }
                p {
                    "Distinct l: the fewest values of a class. Entropy l: as many equally frequent values have the entropy of the worst "
                    "class. t: the largest distance between a class and all children, from 0 to 1. All alike: children of whose class all "
                    "have the same value."
                }
                @let told = of.sensitive.iter().map(|told| {
                    let blanks = if told.blanks_left_out { "left out" } else { "a value" };
                    let first = vec![told.scale().to_owned(), blanks.to_owned(), told.values.to_string()];
                    (told.column.clone(), [first, told.measures().to_vec(), vec![percent(&told.alike)]].concat())
                });
                (rows("Column", &["Scale", "A blank is", "Values", "Distinct l", "Entropy l", "t", "All alike"], &told.collect::<Vec<_>>()))
            }
        }
    };
    frame(&format!("Risk: {purpose} {period}"), &[STYLE], &body)
}

fn both(share: &Share) -> String {
    format!("{} ({})", share.children, percent(share))
}

fn rows(first: &str, others: &[&str], rows: &[(String, Vec<String>)]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { (first) }
                @for head in others { th scope="col" class="number" { (head) } }
            } }
            tbody {
                @for (name, cells) in rows {
                    tr { th scope="row" { (name) } @for cell in cells { td class="number" { (cell) } } }
                }
            }
        }
    }
}
