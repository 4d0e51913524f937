//! The report as one page of HTML: without a script or another file, for a screen, a reader of screens, and paper.

use std::collections::BTreeSet;

use maud::{Markup, html};
use minster_matcher::report::{
    Agreement, Appraisal, Compared, Grouped, KeyTest, Rates, Share, SourceFlow, Valued, Ways,
};

use super::{count, flow, interval, percent, words};
use crate::{
    quality::page::{BEFORE, EMPTY, NOW, STYLE},
    report::frame,
};

const OWN_STYLE: &str = include_str!("page.css");

pub(super) fn page(appraisal: &Appraisal) -> Markup {
    let Appraisal { purpose, period, run, children, on_spine, definition_sha256, .. } = appraisal;
    let title = format!("Linkage: {purpose} {period}");
    let body = html! {
        p {
            "How the rows of the council's services came to " (children) " children, " (on_spine)
            " of them pupils of its schools; who is linked less often; and how far the links can be trusted. "
            (words::counts(appraisal.coarse)) " Codes stand beside counts that are not small alone. The page stays inside the council."
        }
        p class="what" { "Linked by run " (run) ". The fingerprint of what linking depended on in the matching definition is " (definition_sha256) "." }
        (contents())
        (rows_to_children(&appraisal.flow))
        (by_group(appraisal))
        (beside(appraisal))
        (errors(appraisal))
        (thresholds(appraisal))
        (review(appraisal))
    };
    frame(&title, &[STYLE, OWN_STYLE], &body)
}

/// Anchors and titles of the parts.
const PARTS: [(&str, &str); 6] = [
    ("flow", "From rows to children"),
    ("reached", "Pupils with a row of a source"),
    ("beside", "Linked children beside the others"),
    ("errors", "How many links are wrong, and how many are missed"),
    ("thresholds", "Links at other thresholds"),
    ("review", "For review, and notes"),
];

fn contents() -> Markup {
    html! {
        nav aria-label="Parts of this page" {
            ul { @for (id, title) in PARTS { li { a href=(format!("#{id}")) { (title) } } } }
        }
    }
}

fn part(place: usize, content: &Markup) -> Markup {
    let (id, title) = PARTS[place];
    html! { section aria-labelledby=(id) { h2 id=(id) { (title) } (content) } }
}

fn rows_to_children(sources: &[SourceFlow]) -> Markup {
    let mut codes: BTreeSet<&String> = BTreeSet::new();
    for source in sources {
        codes.extend(source.rows.linked.keys().chain(source.rows.not_linked.keys()));
    }
    part(
        0,
        &html! {
            p { (words::BOTH_RATES) }
            table {
                thead {
                    tr {
                        th scope="col" { "Source, and its tables" }
                        @for head in ["Delivered", "Quarantined", "Duplicate", "Blocked", "Accepted", "Linked", "Not linked", "Rate of accepted", "With quarantined"] {
                            th scope="col" class="number" { (head) }
                        }
                    }
                }
                tbody {
                    @for source in sources {
                        (flow_row(&source.source, &source.rows, &source.rate, false))
                        @let (read, not_read) = source.read_and_not();
                        @for table in read {
                            (flow_row(&format!("{} ({})", table.table, words::kind(table.kind)), &table.rows, &table.rate, true))
                        }
                        @if let Some((names, rows)) = not_read {
                            (flow_row(&words::not_read(names.len()), &rows, &Rates::default(), true))
                        }
                    }
                }
            }
            (flow::key())
            @for source in sources {
                h3 { (source.source) " " (source.deliveries.join(", ")) }
                (flow::drawing(source))
                @if source.rows.superseded > 0 {
                    p { (source.rows.superseded) " of the accepted rows are about an event that another row tells of as well." }
                }
                @if !source.reasons.is_empty() {
                    p {
                        "Quarantined: "
                        (source.reasons.iter().map(|(code, rows)| format!("{code} {rows}")).collect::<Vec<_>>().join(", ")) "."
                    }
                }
            }
            h3 { "The ways" }
            dl { @for code in codes { dt { (code) } dd { (words::way(code)) } } }
        },
    )
}

fn flow_row(name: &str, rows: &Ways, rate: &Rates, is_part: bool) -> Markup {
    let share = |share: &Option<Share>| share.map_or("-".to_owned(), |of| percent(of.share));
    html! {
        tr class=[is_part.then_some("part")] {
            th scope="row" { (name) }
            @for number in [rows.delivered, rows.quarantined, rows.duplicate, rows.blocked, rows.accepted, rows.all_linked(), rows.all_not_linked()] {
                td class="number" { (number) }
            }
            td class="number" { (share(&rate.of_accepted)) }
            td class="number" { (share(&rate.of_delivered)) }
        }
    }
}

fn by_group(appraisal: &Appraisal) -> Markup {
    part(
        1,
        &html! {
            p { (words::INTERVALS) " " (words::smallest(appraisal.smallest)) }
            @if appraisal.reached.is_empty() {
                p { "No source that should have a row of each pupil is named, or none was delivered." }
            }
            @for grouped in &appraisal.reached {
                h3 { (grouped.source) ", pupils by " (grouped.group) }
                p { (grouped.part) " of " (grouped.part + grouped.rest) " have a row"
                    @if let Some(rate) = &grouped.rate { ": " (interval(rate)) } "." }
                (values(grouped, false))
            }
        },
    )
}

fn beside(appraisal: &Appraisal) -> Markup {
    part(
        2,
        &html! {
            p { (words::INTERVALS) " " (words::DIFFERENCES) " " (words::smallest(appraisal.smallest)) }
            @for grouped in &appraisal.compared {
                h3 { (grouped.source) ", children by " (grouped.group) }
                p {
                    (grouped.part) " of " (grouped.part + grouped.rest) " are linked"
                    @if let Some(rate) = &grouped.rate { ": " (interval(rate)) }
                    ". Standardised difference: " (words::difference(grouped.difference)) ". By " (words::column_of(grouped)) "."
                }
                (values(grouped, true))
            }
            @if !appraisal.not_compared.is_empty() {
                h3 { "Not compared" }
                ul {
                    @for not in &appraisal.not_compared {
                        li { (not.source) ", by " (not.groups.join(", ")) ": " (not.why) "." }
                    }
                }
            }
        },
    )
}

/// The least share of a scale on which the intervals of a table are apart.
fn scale(grouped: &Grouped) -> f64 {
    let low = |valued: &Valued| {
        valued.rate.map(|rate| rate.low).or(valued.between.map(|between| between.0))
    };
    let lows = grouped.values.iter().filter_map(low);
    let least = lows.fold(1.0, f64::min);
    ((least * 20.0).floor() / 20.0).clamp(0.0, 0.95)
}

fn values(grouped: &Grouped, both: bool) -> Markup {
    if let Some(why) = &grouped.not_shown {
        return html! { p { "Not shown by value: " (why) "." } };
    }
    let from = scale(grouped);
    let of = |count: u64, all: u64| match all {
        0 => "-".to_owned(),
        _ => percent(count as f64 / all as f64),
    };
    let shares = |children: u64, part: Option<u64>| match part {
        Some(part) => [of(part, grouped.part), of(children.saturating_sub(part), grouped.rest)],
        None => ["hidden".to_owned(), "hidden".to_owned()],
    };
    html! {
        table {
            thead {
                tr {
                    th scope="col" { (grouped.group) }
                    th scope="col" class="number" { "Children" }
                    th scope="col" class="number" { @if both { "Linked" } @else { "With a row" } }
                    @if both {
                        th scope="col" class="number" { "Among linked" }
                        th scope="col" class="number" { "Among others" }
                    }
                    th scope="col" { "Rate, with its interval" }
                    th scope="col" { "From " (percent(from)) " to 100 %" }
                }
            }
            tbody {
                @for valued in &grouped.values {
                    tr {
                        th scope="row" { (words::value(valued.value.as_deref())) }
                        td class="number" { (valued.children) }
                        td class="number" { (count(valued.part)) }
                        @if both {
                            @for share in shares(valued.children, valued.part) { td class="number" { (share) } }
                        }
                        td class="rate" { (rate(valued)) }
                        td { (drawn(valued, from)) }
                    }
                }
                @if let Some(hidden) = &grouped.hidden {
                    tr class="hidden" {
                        th scope="row" { (words::hidden(hidden.not_named > 0)) }
                        td class="number" { (hidden.children) }
                        td class="number" { (hidden.part) }
                        @if both {
                            @for share in shares(hidden.children, Some(hidden.part)) { td class="number" { (share) } }
                        }
                        td class="rate" { (Share::of(hidden.part, hidden.children).as_ref().map_or("-".to_owned(), interval)) }
                        td {}
                    }
                }
            }
        }
    }
}

fn rate(valued: &Valued) -> String {
    match (&valued.rate, valued.between) {
        (Some(rate), _) => interval(rate),
        (None, Some((low, high))) => format!("between {} and {}", percent(low), percent(high)),
        (None, None) => "-".to_owned(),
    }
}

/// An interval on a scale that ends at 1; of a hidden share, all that it could be.
fn drawn(valued: &Valued, from: f64) -> Markup {
    let at = |share: f64| 200.0 * ((share - from) / (1.0 - from)).clamp(0.0, 1.0);
    let (low, high, middle) = match (&valued.rate, valued.between) {
        (Some(rate), _) => (rate.low, rate.high, Some(at(rate.share))),
        (None, Some((low, high))) => (low, high, None),
        (None, None) => return html! {},
    };
    let (low, high, fill) = (at(low), at(high), if middle.is_some() { NOW } else { BEFORE });
    let number = |value: f64| format!("{value:.1}");
    html! {
        svg class="interval" role="img" aria-label=(rate(valued)) viewBox="-4 0 208 12" preserveAspectRatio="none" {
            rect fill=(EMPTY) x="0" y="5" width="200" height="2" {}
            @match middle {
                Some(middle) => {
                    rect fill=(fill) x=(number(low)) y="4" width=(number((high - low).max(1.0))) height="4" {}
                    rect fill=(fill) x=(number(middle - 2.0)) y="0" width="4" height="12" {}
                }
                None => rect fill=(fill) x=(number(low)) y="5" width=(number((high - low).max(1.0))) height="2" {},
            }
        }
    }
}

fn errors(appraisal: &Appraisal) -> Markup {
    let floor = &appraisal.impossible;
    part(
        3,
        &html! {
            h3 { "As scored matching estimates of itself" }
            @if appraisal.scored.is_empty() { p { "Nothing was scored." } }
            @for scored in &appraisal.scored { p { (words::scored(scored)) } }
            h3 { "By evidence that agrees" }
            p { (words::AGREEMENT) }
            (agreements(&appraisal.agreements))
            h3 { "By match keys put to the test" }
            p { (words::KEY_TESTS) }
            (key_tests(&appraisal.key_tests))
            h3 { "A floor, by what is impossible" }
            p { (words::IMPOSSIBLE) }
            table {
                thead {
                    tr {
                        th scope="col" { "What" }
                        th scope="col" class="number" { "Pupils" }
                        th scope="col" class="number" { "Of" }
                        th scope="col" { "Sources of the rows, with pupils" }
                        th scope="col" { "How it was looked for" }
                    }
                }
                tbody {
                    @for of in &floor.each {
                        tr {
                            th scope="row" { (of.name) }
                            td class="number" { (of.pupils) }
                            td class="number" { (of.of) }
                            td { (of.sources.iter().map(|(source, pupils)| format!("{source} {pupils}")).collect::<Vec<_>>().join(", ")) }
                            td { (of.how) }
                        }
                    }
                    tr {
                        th scope="row" { "one of these or more" }
                        td class="number" { (floor.pupils) }
                        td class="number" { (floor.of) }
                        td {}
                        td {}
                    }
                }
            }
        },
    )
}

fn agreements(all: &[Agreement]) -> Markup {
    let agrees = |of: &Compared| match of.compared {
        0 => "-".to_owned(),
        compared => format!("{} of {compared}", of.agree),
    };
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Table" }
                    th scope="col" { "Way" }
                    @for head in ["Rows", "Birth date agrees", "Name agrees", "Sex agrees", "Neither name nor date", "Wrong by sex, at most"] {
                        th scope="col" class="number" { (head) }
                    }
                }
            }
            tbody {
                @for of in all {
                    tr {
                        th scope="row" { (of.source) "/" (of.table) }
                        td { (of.way) }
                        td class="number" { (of.rows) }
                        td class="number" { (agrees(&of.birth_date)) }
                        td class="number" { (agrees(&of.name)) }
                        td class="number" { (agrees(&of.sex)) }
                        td class="number" { (of.neither) }
                        td class="number" {
                            @match of.wrong_by_sex {
                                Some(wrong) => { (percent(wrong.share)) " (up to " (percent(wrong.high)) ")" }
                                None => "-",
                            }
                        }
                    }
                }
            }
        }
    }
}

fn key_tests(all: &[KeyTest]) -> Markup {
    let share = |share: &Option<Share>| share.as_ref().map_or("-".to_owned(), interval);
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Table" }
                    @for head in ["Rows", "Same pupil", "Another", "Several", "Nobody", "Precision", "Recall"] {
                        th scope="col" class="number" { (head) }
                    }
                }
            }
            tbody {
                @for of in all {
                    tr {
                        th scope="row" { (of.source) "/" (of.table) }
                        @for number in [of.rows, of.same, of.other, of.several, of.nobody] { td class="number" { (number) } }
                        td class="number" { (share(&of.precision)) }
                        td class="number" { (share(&of.recall)) }
                    }
                }
            }
        }
    }
}

fn thresholds(appraisal: &Appraisal) -> Markup {
    part(
        4,
        &html! {
            p { (words::THRESHOLDS) }
            @if appraisal.scored.is_empty() { p { "Nothing was scored." } }
            @for of in &appraisal.scored {
                table class="change" {
                    caption { (of.source) ": " (of.left) " persons were left; the threshold is " (of.threshold) }
                    thead {
                        tr {
                            @for head in ["Threshold", "Links", "Expected wrong"] { th scope="col" class="number" { (head) } }
                        }
                    }
                    tbody {
                        @for at in &of.by_threshold {
                            tr {
                                td class="number" { (at.threshold) }
                                td class="number" { (at.links) }
                                td class="number" { (words::expected(at.expected_false)) }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn review(appraisal: &Appraisal) -> Markup {
    part(
        5,
        &html! {
            ul {
                @for found in &appraisal.review { li { (found.count) " " (found.meaning) " (" (found.code) ")." } }
                @for note in &appraisal.notes { li { "Note: " (note) "." } }
            }
            @if appraisal.review.is_empty() && appraisal.notes.is_empty() { p { "Nothing." } }
        },
    )
}
