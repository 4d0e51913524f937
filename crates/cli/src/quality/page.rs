//! The report as one page of HTML: without a script or another file, for a screen, a reader of screens, and paper.

use maud::{Markup, html};
use minster_model::RowCounts;
use minster_store::FileCounts;

use super::{
    Quality,
    deliveries::{Before, Delivery, Stands},
    finding::{Finding, plain},
    percent,
    text::{before_name, changes, difference},
};
use crate::report::{day, frame};

pub(crate) const STYLE: &str = include_str!("page.css");

// In the drawings themselves: a mail program that forgets the style keeps them.
pub(crate) const EMPTY: &str = "#e6e6e6";
pub(crate) const ACCEPTED: &str = "#2f6b4f";
pub(crate) const ASIDE: &str = "#b3410e";
pub(crate) const HARMLESS: &str = "#6b7280";
pub(crate) const BLOCKED: &str = "#1a1a1a";
pub(crate) const BEFORE: &str = "#8b93a0";
pub(crate) const NOW: &str = "#0b4f8a";

pub(super) fn page(quality: &Quality) -> Markup {
    let Quality { purpose, period, deliveries, .. } = quality;
    let title = format!("Data quality: {purpose} {period}");
    let body = html! {
        p {
            "Where the rows of each delivery went, and what its service can mend. The worst delivery comes first. "
            "The page holds counts and places of rows, and nothing that stood in one. It stays inside the council."
        }
        (overview(deliveries))
        @for (place, delivery) in deliveries.iter().enumerate() {
            (section(place, delivery))
        }
    };
    frame(&title, &[STYLE], &body)
}

fn overview(deliveries: &[Delivery]) -> Markup {
    html! {
        table {
            caption { "All deliveries" }
            thead {
                tr {
                    th scope="col" { "Delivery" }
                    th scope="col" class="number" { "Read" }
                    th scope="col" class="number" { "Accepted" }
                    th scope="col" class="number" { "Set aside" }
                    th scope="col" class="number" { "Duplicate" }
                    th scope="col" class="number" { "Read before" }
                    th scope="col" { "Where the rows went" }
                }
            }
            tbody {
                @for (place, Delivery { source, period, left_out, stands }) in deliveries.iter().enumerate() {
                    tr {
                        th scope="row" {
                            a href=(format!("#d{place}")) { (source) " " (period) }
                            @if left_out.is_some() { " " strong { "left out" } }
                        }
                        @match stands {
                            Some(Stands { counts, before, .. }) => {
                                td class="number" { (counts.rows.read) }
                                td class="number" { (counts.rows.accepted) }
                                td class="number" {
                                    (counts.rows.quarantined) " (" (percent(counts.rows.quarantined, counts.rows.read)) ")"
                                }
                                td class="number" { (counts.rows.duplicate) }
                                td class="number" { (before.as_ref().map_or("-".to_owned(), |of| of.counts.rows.read.to_string())) }
                                td { (ways(&counts.rows)) }
                            }
                            None => td colspan="6" { "never taken in" },
                        }
                    }
                }
            }
        }
        p class="key" {
            "In the bars: " span class="sample" { (sample(ACCEPTED)) " accepted" }
            span class="sample" { (sample(ASIDE)) " set aside" }
            span class="sample" { (sample(HARMLESS)) " duplicate" }
            span class="sample" { (sample(BLOCKED)) " blocked" }
        }
    }
}

fn section(place: usize, delivery: &Delivery) -> Markup {
    let Delivery { source, period, left_out, stands } = delivery;
    html! {
        section aria-labelledby=(format!("d{place}")) {
            h2 id=(format!("d{place}")) { (source) " " (period) }
            @if let Some(why) = left_out {
                p class="warning" { strong { "Left out by the last run: " } (why) }
            }
            @match stands {
                Some(stands) => (standing(stands)),
                None => p { "It was never taken in: nothing of it is counted." },
            }
        }
    }
}

fn standing(stands: &Stands) -> Markup {
    let Stands { started, counts, files, before, findings, warnings, notes, .. } = stands;
    let RowCounts { read, accepted, quarantined, duplicate, blocked } = counts.rows;
    html! {
        p {
            @if let Some(at) = started { "Taken in on " (day(*at)) ". " }
            (read) " rows read = " (accepted) " accepted + " (quarantined) " set aside + "
            (duplicate) " duplicate + " (blocked) " blocked."
        }
        @for warning in warnings {
            p class="warning" { strong { "Warning: " } (warning) }
        }
        @match before {
            Some(before) => (change(stands, before)),
            None => p { "No delivery before it is known." },
        }
        @if findings.is_empty() {
            p { "Nothing was found." }
        } @else {
            table {
                caption { "What was found, the gravest first" }
                thead {
                    tr {
                        th scope="col" { "What" }
                        th scope="col" class="number" { "Count" }
                        th scope="col" { "Share" }
                        th scope="col" { "Where" }
                        th scope="col" { "What to do next" }
                    }
                }
                tbody { @for finding in findings { (row(finding)) } }
            }
        }
        @if files.len() > 1 { (by_file(files)) }
        @for note in notes { p { "Note: " (note) "." } }
    }
}

/// So that a school finds its own file: the one of which most was set aside comes first.
fn by_file(files: &[FileCounts]) -> Markup {
    let mut files: Vec<&FileCounts> = files.iter().collect();
    let share = |of: &FileCounts| {
        of.counts.quarantined.saturating_mul(1_000_000).checked_div(of.counts.read)
    };
    files.sort_by_key(|of| std::cmp::Reverse(share(of)));
    html! {
        table {
            caption { "The rows by file" }
            thead {
                tr {
                    th scope="col" { "File" }
                    th scope="col" { "Table" }
                    th scope="col" class="number" { "Read" }
                    th scope="col" class="number" { "Accepted" }
                    th scope="col" class="number" { "Set aside" }
                    th scope="col" class="number" { "Duplicate" }
                    th scope="col" { "Where the rows went" }
                }
            }
            tbody {
                @for FileCounts { file, table, counts } in files {
                    tr {
                        th scope="row" class="where" { (plain(file)) }
                        td { (table) }
                        td class="number" { (counts.read) }
                        td class="number" { (counts.accepted) }
                        td class="number" { (counts.quarantined) " (" (percent(counts.quarantined, counts.read)) ")" }
                        td class="number" { (counts.duplicate) }
                        td class="share" { (ways(counts)) }
                    }
                }
            }
        }
    }
}

fn row(finding: &Finding) -> Markup {
    let Finding { kind, count, of, next, .. } = finding;
    let share = percent(*count, *of);
    html! {
        tr {
            th scope="row" { (kind.words()) br; span class="what" { (finding.what()) } }
            td class="number" { (count) }
            td class="share" {
                (share) " of " (of)
                (bar(&[(*count, if kind.is_harmless() { HARMLESS } else { ASIDE })], *of, &format!("{share} of {of}")))
            }
            td class="where" { (finding.whereabouts()) }
            td { (next) }
        }
    }
}

fn change(stands: &Stands, before: &Before) -> Markup {
    let changes = changes(stands, before);
    let most = changes.iter().map(|(_, then, now)| *then.max(now)).max().unwrap_or(0);
    html! {
        table class="change" {
            caption { "Against " (before_name(before)) }
            thead {
                tr {
                    th scope="col" { span class="unseen" { "Count of" } }
                    th scope="col" class="number" { "Before" }
                    th scope="col" class="number" { "Now" }
                    th scope="col" class="number" { "Change" }
                    th scope="col" { "Before above, now below" }
                }
            }
            tbody {
                @for (what, then, now) in changes {
                    tr {
                        th scope="row" { (what) }
                        td class="number" { (then) }
                        td class="number" { (now) }
                        td class="number" { (difference(then, now)) }
                        td class="share" {
                            (bar(&[(then, BEFORE)], most, &format!("{what} before: {then}")))
                            (bar(&[(now, NOW)], most, &format!("{what} now: {now}")))
                        }
                    }
                }
            }
        }
    }
}

/// The four ways of the rows in one bar.
fn ways(rows: &RowCounts) -> Markup {
    let RowCounts { read, accepted, quarantined, duplicate, blocked } = *rows;
    let said = format!(
        "{accepted} of {read} accepted, {quarantined} set aside, {duplicate} duplicate, {blocked} blocked"
    );
    let parts =
        [(accepted, ACCEPTED), (quarantined, ASIDE), (duplicate, HARMLESS), (blocked, BLOCKED)];
    bar(&parts, read, &said)
}

/// Drawn and not shaded, so that a printer keeps it. A part that is not nothing is never too thin to be seen.
fn bar(parts: &[(u64, &str)], of: u64, said: &str) -> Markup {
    const WIDTH: f64 = 200.0;
    const LEAST: f64 = 2.0;
    let parts = parts.iter().filter(|part| part.0 > 0);
    let wide = |count: u64| (WIDTH * count as f64 / of.max(1) as f64).max(LEAST);
    let mut parts: Vec<(f64, &str)> = parts.map(|(count, fill)| (wide(*count), *fill)).collect();
    // The widest gives up what the thinnest are drawn too wide.
    let over = parts.iter().map(|part| part.0).sum::<f64>() - WIDTH;
    if let Some(widest) = parts.iter_mut().max_by(|a, b| a.0.total_cmp(&b.0)) {
        widest.0 -= over.max(0.0);
    }
    let mut from = 0.0;
    let mut drawn = Vec::new();
    for (wide, fill) in parts {
        drawn.push((format!("{from:.1}"), format!("{wide:.1}"), fill));
        from += wide;
    }
    html! {
        svg role="img" aria-label=(said) viewBox="0 0 200 10" preserveAspectRatio="none" {
            rect fill=(EMPTY) x="0" y="0" width="200" height="10" {}
            @for (from, wide, fill) in drawn {
                rect fill=(fill) x=(from) y="0" width=(wide) height="10" {}
            }
        }
    }
}

pub(crate) fn sample(fill: &str) -> Markup {
    html! {
        svg class="swatch" aria-hidden="true" viewBox="0 0 10 10" { rect fill=(fill) width="10" height="10" {} }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginnings and widths of a bar's parts.
    fn drawn(parts: &[u64], of: u64) -> Vec<String> {
        let parts: Vec<(u64, &str)> = parts.iter().map(|count| (*count, ASIDE)).collect();
        let bar = bar(&parts, of, "said").into_string();
        let parts = bar.split("<rect ").skip(2);
        let number = |part: &str, name: &str| {
            part.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
        };
        parts.map(|part| number(part, " x") + "+" + &number(part, "width")).collect()
    }

    #[test]
    fn a_row_among_thousands_is_seen_and_hides_no_other() {
        assert_eq!(drawn(&[30, 10], 40), ["0.0+150.0", "150.0+50.0"]);
        assert_eq!(drawn(&[9997, 2, 1], 10_000), ["0.0+196.0", "196.0+2.0", "198.0+2.0"]);
        assert_eq!(drawn(&[0, 1], 10_000), ["0.0+2.0"]);
        assert_eq!(drawn(&[0, 0], 0), [""; 0]);
    }
}
