//! Lines over the months. A withheld month is a frame on the axis, the same whatever its number is, and the line is broken
//! before and after it.

use maud::{Markup, html};

use crate::content::{Measure, Table, Unit, heading};

/// More lines cannot be told apart.
const MOST_LINES: usize = 6;
const COLOURS: [&str; MOST_LINES] =
    ["#1d5b93", "#9a3412", "#1a1a1a", "#5b21b6", "#166534", "#9d174d"];
const DASHES: [&str; MOST_LINES] = ["none", "8 4", "2 3", "12 4 2 4", "5 2", "1 5"];
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;
/// Steps of the axis of numbers.
const STEPS: u32 = 4;

/// A chart of each measure that has several months.
pub(super) fn charts(table: &Table) -> Vec<Markup> {
    let mut names: Vec<&str> = Vec::new();
    let of_months = |measure: &Measure| measure.month.clone();
    for (name, _) in table.measures.iter().filter_map(|of| of.month.as_ref()) {
        let months = table.measures.iter().filter_map(of_months).filter(|(of, _)| of == name);
        if !names.contains(&name.as_str()) && months.count() > 1 {
            names.push(name);
        }
    }
    names.into_iter().map(|name| one(table, name)).collect()
}

/// The rows that are drawn, the total and those of the first dimension, and how many more there are.
fn rows(table: &Table) -> (Vec<usize>, usize) {
    let by = (0..table.dimensions.len()).map(|place| table.by(place)).find(|of| of.len() > 1);
    let mut rows: Vec<usize> = table.total().into_iter().chain(by.into_iter().flatten()).collect();
    let more = rows.len().saturating_sub(MOST_LINES);
    rows.truncate(MOST_LINES);
    (rows, more)
}

fn label(table: &Table, row: usize) -> &str {
    let place = table.divided(row).next().unwrap_or_default();
    &table.category(row, place).label
}

fn one(table: &Table, name: &str) -> Markup {
    let is_its = |of: &&Measure| of.month.as_ref().is_some_and(|(of, _)| of == name);
    let measures: Vec<&Measure> = table.measures.iter().filter(is_its).collect();
    let (rows, more) = rows(table);
    let published = measures.iter().flat_map(|of| rows.iter().map(|&row| of.values[row].number()));
    let top = round_up(published.flatten().fold(0.0, f64::max));
    let step = (WIDTH - LEFT - RIGHT) / (measures.len() - 1) as f64;
    let x = |at: usize| LEFT + step * at as f64;
    let y = |number: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * number / top;
    let percent = measures.iter().any(|of| of.unit == Unit::Percent);
    let title = format!("{} by month{}", heading(name), if percent { ", %" } else { "" });
    html! {
        figure {
            figcaption { (title) }
            svg class="line" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(format!("{title}: the table below has the numbers")) {
                @for at in 0..=STEPS {
                    @let number = top * f64::from(at) / f64::from(STEPS);
                    line x1=(LEFT) x2=(WIDTH - RIGHT) y1=(fixed(y(number))) y2=(fixed(y(number))) stroke="#c4c4c4" { }
                    text x=(LEFT - 6.0) y=(fixed(y(number) + 4.5)) text-anchor="end" font-size="13" fill="#1a1a1a" { (axis(number, top)) }
                }
                @for (at, measure) in measures.iter().enumerate() {
                    @if let Some((_, month)) = &measure.month {
                        text x=(fixed(x(at))) y=(HEIGHT - 12.0) text-anchor=(anchor(at, measures.len())) font-size="13" fill="#1a1a1a" { (short(month)) }
                    }
                }
                @for (line, &row) in rows.iter().enumerate() {
                    @for run in runs(&measures, row) {
                        @let points: Vec<String> = run.iter().map(|&(at, number)| format!("{},{}", fixed(x(at)), fixed(y(number)))).collect();
                        polyline points=(points.join(" ")) fill="none" stroke=(COLOURS[line]) stroke-width="2.5" stroke-dasharray=(DASHES[line]) { }
                        @for &(at, number) in &run {
                            circle cx=(fixed(x(at))) cy=(fixed(y(number))) r="3.5" fill=(COLOURS[line]) { }
                        }
                    }
                    @for (at, measure) in measures.iter().enumerate() {
                        @if measure.values[row].number().is_none() {
                            rect class="hidden" x=(fixed(x(at) - 4.0)) y=(fixed(y(0.0) - 8.0)) width="8" height="8" { }
                        }
                    }
                }
            }
            ul class="key" {
                @for (line, &row) in rows.iter().enumerate() {
                    li {
                        svg class="swatch" aria-hidden="true" focusable="false" viewBox="0 0 42 14" {
                            line x1="0" x2="42" y1="7" y2="7" stroke=(COLOURS[line]) stroke-width="2.5" stroke-dasharray=(DASHES[line]) { }
                        }
                        (label(table, row))
                    }
                }
                @if rows.iter().any(|&row| measures.iter().any(|of| of.values[row].number().is_none())) {
                    li { "A square on the axis: no number is published." }
                }
                @if more > 0 {
                    li { "Not drawn, because more lines could not be told apart: " (more) " more of " (rows.len() + more) ". The table has their numbers." }
                }
            }
        }
    }
}

/// Stretches of months with a number, each month with it.
fn runs(measures: &[&Measure], row: usize) -> Vec<Vec<(usize, f64)>> {
    let mut runs: Vec<Vec<(usize, f64)>> = vec![Vec::new()];
    for (at, measure) in measures.iter().enumerate() {
        match measure.values[row].number() {
            Some(number) => {
                if let Some(run) = runs.last_mut() {
                    run.push((at, number));
                }
            }
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// A round number at or above this one, for the top of an axis.
fn round_up(number: f64) -> f64 {
    if number <= 0.0 {
        return 1.0;
    }
    let ten = 10f64.powf(number.log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|of| of * ten).find(|of| *of >= number).unwrap_or(10.0 * ten)
}

/// A number of the axis, with the decimals that its steps need.
fn axis(number: f64, top: f64) -> String {
    let step = top / f64::from(STEPS);
    let is_whole = |decimals: &i32| {
        let shifted = step * 10f64.powi(*decimals);
        (shifted - shifted.round()).abs() < 1e-9
    };
    let decimals = (0..6).find(is_whole).unwrap_or(6);
    format!("{number:.*}", usize::try_from(decimals).unwrap_or_default())
}

fn fixed(number: f64) -> String {
    format!("{number:.1}")
}

fn anchor(at: usize, all: usize) -> &'static str {
    match at {
        0 => "start",
        at if at + 1 == all => "end",
        _ => "middle",
    }
}

/// The name of a month such as `2024-09`.
fn short(month: &str) -> String {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let of = month.split_once('-').and_then(|(_, month)| month.parse::<usize>().ok());
    let name = of.and_then(|of| NAMES.get(of.checked_sub(1)?));
    name.map_or_else(|| month.to_owned(), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Value;

    #[test]
    fn an_axis_ends_at_a_round_number() {
        let of = [0.0, 0.3, 1.0, 6.6, 7.3, 23.0, 812.0].map(round_up);
        let expected = [1.0, 0.4, 1.0, 8.0, 8.0, 40.0, 1000.0];
        of.iter().zip(expected).for_each(|(of, expected)| assert!((of - expected).abs() < 1e-9));
        assert_eq!(
            [0.0, 0.25, 0.75, 1.0].map(|of| axis(of, 1.0)),
            ["0.00", "0.25", "0.75", "1.00"]
        );
        assert_eq!([0.0, 2.0, 8.0].map(|of| axis(of, 8.0)), ["0", "2", "8"]);
        assert_eq!([0.0, 0.1, 0.4].map(|of| axis(of, 0.4)), ["0.0", "0.1", "0.4"]);
        assert_eq!(short("2024-09"), "Sep");
        assert_eq!(short("autumn"), "autumn");
    }

    /// A table over two months by so many wards; the second ward's first month is withheld.
    fn by_month(wards: usize) -> Table {
        let category = |label: &str, is_ward: bool| crate::content::Category {
            label: label.to_owned(),
            code: None,
            meaning: None,
            level: is_ward.then(|| "ward".to_owned()),
            is_lowest: is_ward,
            is_withheld: false,
            is_unknown: false,
        };
        let labels = (1..=wards).map(|at| category(&format!("Ward {at}"), true));
        let measure = |month: &str, values: Vec<Value>| Measure {
            name: format!("absence_{month}"),
            status: String::new(),
            meaning: String::new(),
            unit: Unit::Whole,
            month: Some(("absence".to_owned(), month.replace('_', "-"))),
            row: None,
            values,
        };
        let mut first = vec![Value::Whole(8); wards + 1];
        first[2] = Value::Withheld;
        Table {
            name: "t".to_owned(),
            title: String::new(),
            levels: vec![String::new(); wards + 1],
            dimensions: vec![crate::content::Dimension {
                name: "ward".to_owned(),
                categories: [category("All", false)].into_iter().chain(labels).collect(),
                of_row: (0..=wards).collect(),
                meaning: None,
                has_codes: false,
                boundaries: None,
                kind: crate::content::Kind::Plain,
            }],
            measures: vec![
                measure("2024_09", first),
                measure("2024_10", vec![Value::Whole(4); wards + 1]),
            ],
        }
    }

    #[test]
    fn a_chart_says_how_many_lines_it_does_not_draw() {
        let of = |wards: usize| charts(&by_month(wards)).remove(0).into_string();
        assert!(of(20).contains("could not be told apart: 15 more of 21."), "{}", of(20));
        assert!(of(20).contains("Ward 5<") && !of(20).contains("Ward 6<"));
        assert!(of(5).contains("Ward 5<") && !of(5).contains("Not drawn"));
    }

    #[test]
    fn points_lie_where_their_numbers_are_and_a_withheld_month_on_the_axis() {
        let of = charts(&by_month(2)).remove(0).into_string();
        // 8 is the top of the axis and 4 its middle, from the first month to the last.
        assert!(of.contains("points=\"52.0,12.0 468.0,119.0\""), "{of}");
        // The line of the second ward has its second month alone, and a frame of one place and size in the first.
        assert!(of.contains("points=\"468.0,119.0\""), "{of}");
        let frame = "<rect class=\"hidden\" x=\"48.0\" y=\"218.0\" width=\"8\" height=\"8\">";
        assert_eq!(of.matches("class=\"hidden\"").count(), of.matches(frame).count());
        assert_eq!(of.matches(frame).count(), 1, "{of}");
    }
}
