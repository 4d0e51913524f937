//! One page: without a script or another file, for a screen, a reader of screens, and paper (WCAG 2.2, level AA). Every
//! text is escaped by the template's library.

mod bars;
mod classes;
mod combinations;
mod lines;
mod map;
mod summary;

use std::collections::BTreeSet;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    Formats, Linkage,
    content::{
        Category, Dimension, Kind, NO_CODE, Release, Table, Value, heading, in_brackets, thousands,
    },
    tidy,
    workbook::SYMBOLS,
};

/// The page loads nothing, whatever a label in it says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE: &str = include_str!("page.css");
const LINKAGE: &str = "How well the records were linked";
/// A chart of more categories is no help.
const MOST_BARS: usize = 40;

pub(crate) fn page(release: &Release, formats: Formats) -> String {
    let title = format!("{}, {}", release.title, release.period);
    let markup = html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#main" { "Go to the tables" }
                header {
                    h1 { (title) }
                    p class="summary" { (summary::sentences(release)) }
                    p class="audience" { (release.audience) }
                    @if let Some(publisher) = &release.publisher { p { "Published by " (publisher) "." } }
                    @if let Some(contact) = &release.contact { p { "Contact: " (contact) "." } }
                    (contents(release))
                }
                main id="main" tabindex="-1" {
                    @for (place, (table, charts)) in release.tables.iter().zip(charts(release)).enumerate() { (part(release, place, table, &charts)) }
                    (about(release, formats))
                }
            }
        }
    };
    markup.into_string()
}

fn id(place: usize) -> String {
    format!("table-{}", place + 1)
}

fn contents(release: &Release) -> Markup {
    html! {
        nav aria-label="Parts of this page" {
            ul {
                @for (place, table) in release.tables.iter().enumerate() {
                    li { a href=(format!("#{}", id(place))) { (table.title) } }
                }
                li { a href="#withheld" { "What is withheld, and why" } }
                li { a href="#not-counted" { "Whom it does not count" } }
                @if release.linkage.is_some() { li { a href="#linkage" { (LINKAGE) } } }
                li { a href="#files" { "The same numbers as files" } }
            }
        }
    }
}

fn part(release: &Release, place: usize, table: &Table, charts: &[Markup]) -> Markup {
    let (id, caption) = (id(place), format!("{}-numbers", id(place)));
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (table.title) }
            @for chart in charts { (chart) }
            div class="scroll" role="region" aria-labelledby=(caption) tabindex="0" {
                (numbers(release, table, &caption))
            }
            @for dimension in &table.dimensions {
                @if let Some(words) = dimension.in_words() {
                    p { strong { (heading(&dimension.name)) } ": " (words) }
                }
            }
            @for measure in table.measures.iter().skip(1) {
                p { strong { (heading(&measure.name)) } ": " (measure.meaning) }
            }
        }
    }
}

/// The charts of each table: one for each dimension, or those over the months where it has these. One that stands at an
/// earlier table is not drawn again.
fn charts(release: &Release) -> Vec<Vec<Markup>> {
    let mut drawn = BTreeSet::new();
    let of_table = |(place, table): (usize, &Table)| {
        let charts = match lines::charts(table) {
            charts if charts.is_empty() => of_dimensions(table),
            charts => charts,
        };
        // A map has names that are one table's alone: it is told from others by what it shows.
        let maps = map::charts(table, &id(place));
        let charts = charts.into_iter().map(|chart| (chart.0.clone(), chart)).chain(maps);
        let new = charts.filter(|(shows, _)| drawn.insert(shows.clone()));
        new.map(|(_, chart)| chart).collect()
    };
    release.tables.iter().enumerate().map(of_table).collect()
}

fn of_dimensions(table: &Table) -> Vec<Markup> {
    let chart = |(place, dimension): (usize, &Dimension)| match &dimension.kind {
        Kind::Combination(services) => combinations::chart(table, place, services),
        Kind::Plain => bars::chart(table, place),
    };
    table.dimensions.iter().enumerate().map(chart).collect()
}

fn numbers(release: &Release, table: &Table, caption: &str) -> Markup {
    let divisions = table.dimensions.len();
    let withheld: usize = table.measures.iter().map(|measure| table.withheld(measure)).sum();
    let all: usize = table.measures.iter().map(|measure| measure.values.len()).sum();
    html! {
        table class="data" {
            caption id=(caption) { span {
                (table.title) ": " (thousands(all as u64)) " numbers, "
                @if let Some(rounded) = &release.rounded { "all " (rounded) } @else if withheld == 0 { "none of them withheld" } @else { (thousands(withheld as u64)) " of them withheld" }
            } }
            thead {
                tr {
                    @for dimension in &table.dimensions {
                        th scope="col" { (heading(&dimension.name)) }
                        @if dimension.has_codes { th scope="col" { (heading(&tidy::code_column(&dimension.name))) } }
                    }
                    @for measure in &table.measures { th scope="col" class="number" { (heading(&measure.name)) } }
                }
            }
            tbody {
                @for row in 0..table.rows() {
                    tr class=[(table.divided(row).next().is_none()).then_some("total")] {
                        @for place in 0..divisions {
                            @let category = table.category(row, place);
                            th scope="row" { (category.label) }
                            @if table.dimensions[place].has_codes {
                                td { (code(category)) }
                            }
                        }
                        @for measure in &table.measures {
                            td class="number" { (value(measure.values[row])) }
                        }
                    }
                }
            }
        }
    }
}

/// A code, or the symbol for none.
fn code(category: &Category) -> Markup {
    match &category.code {
        Some(code) => html! { (code) },
        None => {
            html! { span aria-hidden="true" { (in_brackets(NO_CODE)) } span class="unseen" { "no code" } }
        }
    }
}

/// A number, or its symbol with words for a reader of screens.
fn value(value: Value) -> Markup {
    let words = match value {
        Value::Withheld => "withheld",
        Value::NotApplicable => "not applicable",
        Value::Low => "rounds to 0",
        Value::Whole(_) | Value::Number(_) => return html! { (value.text()) },
    };
    html! { span aria-hidden="true" { (value.text()) } span class="unseen" { (words) } }
}

/// The rates of the sources: a table, where there are any.
fn linked(linkage: &Linkage) -> Markup {
    html! {
        section aria-labelledby="linkage" {
            h2 id="linkage" { (LINKAGE) }
            @for sentence in &linkage.sentences { p { (sentence) } }
            @if !linkage.sources.is_empty() {
                table {
                    caption { "Of 100 rows of each source" }
                    thead { tr { th scope="col" { "Source" } th scope="col" class="number" { "Linked to a pupil" } } }
                    tbody {
                        @for source in &linkage.sources {
                            tr {
                                th scope="row" { (heading(&source.name)) }
                                td class="number" { (source.rate.text()) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn about(release: &Release, formats: Formats) -> Markup {
    html! {
        section aria-labelledby="withheld" {
            h2 id="withheld" { "What is withheld, and why" }
            @for sentence in &release.protection { p { (sentence) } }
            h3 { "Symbols" }
            dl { @for (symbol, meaning) in SYMBOLS { dt { (symbol) } dd { (meaning) } } }
        }
        section aria-labelledby="not-counted" {
            h2 id="not-counted" { "Whom it does not count" }
            p { "It counts " (release.counted) " in " (release.period) "." }
            @for sentence in &release.not_counted { p { (sentence) } }
        }
        @if let Some(linkage) = &release.linkage { (linked(linkage)) }
        section aria-labelledby="files" {
            h2 id="files" { "The same numbers as files" }
            p { "They stand in the folder of this page." }
            ul {
                @for table in &release.tables {
                    @let (csv, parquet) = (format!("{}.csv", table.name), format!("{}.parquet", table.name));
                    li { (table.title) ": " a href=(csv) { (csv) } " for spreadsheets and statistics programs, " a href=(parquet) { (parquet) } }
                }
                @if formats.workbook {
                    @let workbook = format!("{}.xlsx", release.name);
                    li { a href=(workbook) { (workbook) } ": a workbook with all tables" }
                }
                @if formats.data_package {
                    li { a href="datapackage.json" { "datapackage.json" } ": what each column means, for programs" }
                }
                li { a href="manifest.json" { "manifest.json" } ": the policy, and each file's hash" }
            }
        }
    }
}
