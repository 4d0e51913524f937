//! The way of a source's rows, drawn: delivered on the left, then accepted or set aside, then how they were linked or why not,
//! and on the right the children whom they are about. Each source is drawn to its own size.

use maud::{Markup, html};
use minster_matcher::report::SourceFlow;

use crate::quality::page::{ACCEPTED, ASIDE, BLOCKED, HARMLESS, sample};

/// Not linked: lighter than set aside, so that black and white tell them apart.
const NOT_LINKED: &str = "#d98a3d";
const LINKED: &str = "#0b4f8a";

/// In units of the drawing.
const WIDTH: f64 = 1080.0;
const HEIGHT: f64 = 150.0;
/// Where the bars begin, below what they are called.
const TOP: f64 = 24.0;
const BAR: f64 = 14.0;
/// Room of a name, so that no two overlap.
const SLOT: f64 = 17.0;
const LEAST: f64 = 1.5;
const COLUMNS: [f64; 4] = [100.0, 340.0, 610.0, 900.0];
const HEADS: [&str; 4] =
    ["rows delivered", "accepted, or set aside", "how linked, or why not", "children"];

/// One way of rows.
struct Way {
    name: String,
    rows: u64,
    fill: &'static str,
}

/// Where a way is drawn: its bar, and the middle of its name.
struct Place {
    top: f64,
    height: f64,
}

/// The drawing, with what it says in words.
pub(super) fn drawing(source: &SourceFlow) -> Markup {
    let rows = &source.rows;
    let way = |name: &str, rows, fill| Way { name: name.to_owned(), rows, fill };
    let first = [
        way("accepted", rows.accepted, ACCEPTED),
        way("quarantined", rows.quarantined, ASIDE),
        way("duplicate", rows.duplicate, HARMLESS),
        way("blocked", rows.blocked, BLOCKED),
    ];
    let linked = rows.linked.iter().map(|(code, rows)| way(code, *rows, LINKED));
    let not_linked = rows.not_linked.iter().map(|(code, rows)| way(code, *rows, NOT_LINKED));
    let second = linked.chain(not_linked).chain([way("not read", rows.not_read, HARMLESS)]);
    let some = |ways: &mut dyn Iterator<Item = Way>| -> Vec<Way> {
        ways.filter(|way| way.rows > 0).collect()
    };
    let (first, second) = (some(&mut first.into_iter()), some(&mut second.into_iter()));
    let scale = HEIGHT / rows.delivered.max(1) as f64;
    let (in_first, in_second) = (places(&first, scale), places(&second, scale));
    let end = |places: &[Place]| {
        places.iter().map(|place| place.top + place.height.max(SLOT)).fold(TOP + HEIGHT, f64::max)
    };
    let height = end(&in_first).max(end(&in_second)) + 6.0;
    let said = format!(
        "{}: {} rows delivered; {} accepted, {} quarantined, {} duplicate, {} blocked; {} linked, {} not linked, {} not read; \
         about {} children, {} of them pupils",
        source.source,
        rows.delivered,
        rows.accepted,
        rows.quarantined,
        rows.duplicate,
        rows.blocked,
        rows.all_linked(),
        rows.all_not_linked(),
        rows.not_read,
        source.children,
        source.on_spine
    );
    let people = [
        way("pupils", source.on_spine, LINKED),
        way("other children", source.children - source.on_spine, NOT_LINKED),
    ];
    let people = some(&mut people.into_iter());
    // Children are fewer than their rows: they have a scale of their own.
    let in_people = places(&people, HEIGHT / source.children.max(1) as f64);
    let mut from = TOP;
    let delivered = first.iter().zip(&in_first).map(|(way, to)| {
        let wide = way.rows as f64 * scale;
        let top = from;
        from += wide;
        (ribbon((COLUMNS[0] + BAR, top, wide), (COLUMNS[1], to)), way.fill)
    });
    let delivered: Vec<(String, &str)> = delivered.collect();
    let mut from =
        first.iter().position(|way| way.name == "accepted").map_or(TOP, |at| in_first[at].top);
    let accepted = second.iter().zip(&in_second).map(|(way, to)| {
        let wide = way.rows as f64 * scale;
        let top = from;
        from += wide;
        (ribbon((COLUMNS[1] + BAR, top, wide), (COLUMNS[2], to)), way.fill)
    });
    let accepted: Vec<(String, &str)> = accepted.collect();
    let bars = (first.iter().zip(&in_first).map(|pair| (COLUMNS[1], pair)))
        .chain(second.iter().zip(&in_second).map(|pair| (COLUMNS[2], pair)))
        .chain(people.iter().zip(&in_people).map(|pair| (COLUMNS[3], pair)));
    let number = |value: f64| format!("{value:.1}");
    html! {
        svg class="flow" role="img" aria-label=(said) viewBox=(format!("0 0 {WIDTH:.0} {height:.0}")) {
            @for (path, fill) in delivered.into_iter().chain(accepted) {
                path d=(path) fill=(fill) fill-opacity="0.3" {}
            }
            @for (x, head) in COLUMNS.into_iter().zip(HEADS) {
                text x=(number(x)) y="13" font-weight="600" { (head) }
            }
            rect fill=(BLOCKED) x=(number(COLUMNS[0])) y=(number(TOP)) width=(number(BAR)) height=(number(HEIGHT)) {}
            text x=(number(COLUMNS[0] - 8.0)) y=(number(TOP + HEIGHT / 2.0 + 4.0)) text-anchor="end" { (rows.delivered) }
            @for (x, (way, place)) in bars {
                rect fill=(way.fill) x=(number(x)) y=(number(place.top)) width=(number(BAR)) height=(number(place.height)) {}
                text x=(number(x + BAR + 6.0)) y=(number(place.top + place.height.max(SLOT) / 2.0 + 4.0)) {
                    (way.name) " " (way.rows)
                }
            }
        }
    }
}

/// The meaning of the colours.
pub(super) fn key() -> Markup {
    html! {
        p class="key" {
            "In the drawings: " span class="sample" { (sample(ACCEPTED)) " accepted" }
            span class="sample" { (sample(ASIDE)) " quarantined" }
            span class="sample" { (sample(HARMLESS)) " duplicate, or not read by the definition" }
            span class="sample" { (sample(BLOCKED)) " blocked" }
            span class="sample" { (sample(LINKED)) " linked, by how" }
            span class="sample" { (sample(NOT_LINKED)) " not linked, by reason" }
        }
    }
}

/// One below the other, each with room for its name. A way that has rows is never too thin to be seen.
fn places(ways: &[Way], scale: f64) -> Vec<Place> {
    let mut top = TOP;
    ways.iter()
        .map(|way| {
            let height = (way.rows as f64 * scale).max(LEAST);
            let place = Place { top, height };
            top += height.max(SLOT) + 3.0;
            place
        })
        .collect()
}

/// From a part of one bar to another bar.
fn ribbon((x, top, wide): (f64, f64, f64), (to_x, to): (f64, &Place)) -> String {
    let middle = f64::midpoint(x, to_x);
    let (end, to_top, to_end) = (top + wide, to.top, to.top + to.height);
    format!(
        "M{x:.1} {top:.1}C{middle:.1} {top:.1} {middle:.1} {to_top:.1} {to_x:.1} {to_top:.1}L{to_x:.1} {to_end:.1}C{middle:.1} \
         {to_end:.1} {middle:.1} {end:.1} {x:.1} {end:.1}Z"
    )
}
