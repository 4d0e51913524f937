//! The bundle's page, for the child or a parent: one section a kind of record. It needs no other file, and runs nothing.

use maud::{Markup, html};
use minster_model::{DatasetClass, counted};

use super::{
    Sink,
    content::{Column, Content, LeftOut, Record, RecordKind},
    words::usual,
};
use crate::{
    failure::Failure,
    report::{self, frame},
};

const STYLE: &str = include_str!("page.css");
const TITLE: &str = "What the council's data system holds about the child";
/// Records side by side in one table.
const SIDE_BY_SIDE: usize = 4;
/// The most columns of a table with one row a record.
const MOST_COLUMNS: usize = 6;
/// The vault's own page.
const OWN_PAGE: &str = "numbers-and-days.html";

/// Writes the page.
pub(super) fn page(
    content: &Content,
    case: Option<&str>,
    to: &mut impl Sink,
) -> Result<(), Failure> {
    to.text(&frame(TITLE, &[STYLE], &body(content, case)).into_string())
}

fn body(content: &Content, case: Option<&str>) -> Markup {
    let (linked, delivered): (Vec<_>, Vec<_>) = content
        .kinds
        .iter()
        .enumerate()
        .partition(|(_, kind)| kind.class == DatasetClass::Integrated);
    let list = |kinds: &[(usize, &RecordKind)]| {
        html! {
            @for (at, kind) in kinds {
                li { a href=(format!("#r{at}")) { (kind.title) } ": " (counted(kind.records.len() as u64, "record", "records")) }
            }
        }
    };
    html! {
        p {
            "This page was made because the child, or somebody for the child, asked for it"
            @if let Some(case) = case { " (case " (case) ")" }
            ". It was made on " (today()) ". It shows the records that the council uses for its statistics about children. "
            "The same records stand in the CSV files beside it, which a spreadsheet opens."
        }
        p {
            "These records have no names and no addresses in them: they were removed when the records came in. "
            "Birth dates are shortened, often to a year. The services themselves hold more, and answer for it. "
            "A code in brackets is the service's own, with its meaning before it. Where a code stands alone, the council's definitions have no "
            "words for it: ask the council."
        }
        @if content.rows() == 0 {
            p class="note" { strong { "No record about the child was found" } " in " (counted(content.datasets, "dataset", "datasets")) "." }
        }
        h2 { "What is here" }
        ol class="contents" {
            li { a href=(OWN_PAGE) { "The child's numbers, and how long records are kept" } " (a page of its own)" }
            (list(&delivered))
            (list(&linked))
            li { a href="#set-aside" { "Rows that were set aside" } }
            li { a href="#left-out" { "What is left out, and why" } }
            li { a href="#next" { "What you can do" } }
        }
        @for (at, kind) in content.kinds.iter().enumerate() { (section(at, kind)) }
        section aria-labelledby="set-aside" {
            h2 id="set-aside" { "Rows that were set aside" }
            (set_aside(content))
        }
        section aria-labelledby="left-out" {
            h2 id="left-out" { "What is left out, and why" }
            (left_out(&content.left_out))
        }
        section aria-labelledby="next" {
            h2 id="next" { "What you can do" }
            ul {
                li { "Is something wrong? Ask the council to correct it. It is corrected at the service that sent it." }
                li { "Do you miss something? Ask the council, and name the heading on this page." }
                li { "You can complain to the Information Commissioner's Office (ico.org.uk)." }
            }
        }
    }
}

fn set_aside(content: &Content) -> Markup {
    html! {
        p { "Rows that could not be read when a delivery came in were set aside, and locked away. They may be about the child, or about others." }
        @if content.set_aside.is_empty() {
            p { "There is no such row." }
        } @else {
            p {
                strong { "They were not searched for the child. " }
                "Two people at the council can open them: ask the council, where you think that something is missing. "
                "So many there are, of all children:"
            }
            table {
                thead { tr { th scope="col" { "Source" } th scope="col" { "Delivery" } th scope="col" { "Rows" } } }
                tbody {
                    @for ((source, delivery), of) in &content.set_aside {
                        tr {
                            td { (usual(source)) }
                            td { (delivery) }
                            td { (of.rows) @if !of.is_there { " (their file is gone)" } }
                        }
                    }
                }
            }
        }
    }
}

/// Reasons that every bundle names. Their counts are told to the council alone: they could tell of another identity of the child, or
/// of another child.
const ALWAYS: [&str; 6] = [
    "Numbers of other persons in the child's rows.",
    "Rows of other persons that name the child, and rows of cases that are another person's too.",
    "Rows that have a number of the child and one that may be another's.",
    "Records under numbers that are not clearly the child's: ask again with such a number.",
    "Linked data in which another child's number leads to the same code.",
    "Records without a number of the child that the linking tied to the child by names and dates alone. They are named in “which rows were put together”, if at all, and are not shown.",
];

fn left_out(of: &LeftOut) -> Markup {
    let lines = [
        (
            of.rows_of_codes,
            "row that holds nothing but codes.",
            "rows that hold nothing but codes.",
        ),
        (
            of.same_in_earlier,
            "row of an earlier copy of a delivery: the same row is shown above.",
            "rows of earlier copies of deliveries: the same rows are shown above.",
        ),
        (
            of.unreadable_copies,
            "earlier copy of a dataset that nobody can open any more.",
            "earlier copies of datasets that nobody can open any more.",
        ),
        (
            of.unclear_copies,
            "earlier copy of a dataset that was changed, or does not say whose rows it has. Ask the council to look.",
            "earlier copies of datasets that were changed, or do not say whose rows they have. Ask the council to look.",
        ),
        (
            of.closed,
            "dataset of a use that is not open to this program. Ask the council.",
            "datasets of uses that are not open to this program. Ask the council.",
        ),
        (
            of.ended,
            "dataset of a use that is over: nobody is given its key any more.",
            "datasets of uses that are over: nobody is given their keys any more.",
        ),
        (
            of.keyed_datasets,
            "dataset of codes made of parts of names and birth dates. Nobody can read a name in it. It is destroyed after each linking, unless the council chose to keep it.",
            "datasets of codes made of parts of names and birth dates. Nobody can read a name in them. They are destroyed after each linking, unless the council chose to keep them.",
        ),
        (
            of.reports,
            "report about a whole table of statistics, which is about no single child.",
            "reports about whole tables of statistics, which are about no single child.",
        ),
    ];
    html! {
        p { "Whether a court's order or a claim keeps records longer is not shown here. Ask the council." }
        p { "A row of the child may hold a date or a word about another person, such as a parent." }
        p { "These are left out of every bundle, where there are any:" }
        ul { @for reason in ALWAYS { li { (reason) } } }
        @if lines.iter().any(|(count, ..)| *count > 0) {
            p { "Left out of this bundle besides:" }
            ul {
                @for (count, one, many) in lines.iter().filter(|(count, ..)| *count > 0) {
                    li { (counted(*count, one, many)) }
                }
            }
        }
    }
}

fn section(at: usize, kind: &RecordKind) -> Markup {
    let columns: Vec<&Column> = kind
        .columns
        .iter()
        .filter(|column| kind.records.iter().any(|record| !record.cell(&column.name).is_empty()))
        .collect();
    let blank = (kind.columns.len() - columns.len()) as u64;
    let id = format!("r{at}");
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (kind.title) }
            @if !kind.meaning.is_empty() { p { (kind.meaning) } }
            p class="facts" {
                (counted(kind.records.len() as u64, "record", "records"))
                @if kind.class == DatasetClass::Source {
                    ", delivered by the source “" (kind.records.first().map_or("", |record| record.source.as_str())) "”"
                } @else {
                    ", made by the council out of the deliveries"
                }
                ". File: " (kind.file) "."
            }
            @if columns.is_empty() {
                p { "All their cells are blank." }
            } @else if columns.len() <= MOST_COLUMNS {
                (rows(kind, &columns))
            } @else {
                @for records in kind.records.chunks(SIDE_BY_SIDE) { (side_by_side(records, &columns)) }
            }
            @if blank > 0 {
                p class="facts" { (counted(blank, "more column is", "more columns are")) " blank in all of these records." }
            }
        }
    }
}

/// A row a record, where there are few columns.
fn rows(kind: &RecordKind, columns: &[&Column]) -> Markup {
    let explained = || columns.iter().filter(|column| !column.meaning.is_empty());
    html! {
        div class="scroll" {
            table {
                thead {
                    tr {
                        th scope="col" { "Delivery" }
                        th scope="col" { "Taken in on" }
                        @for column in columns { th scope="col" { (column.title) } }
                    }
                }
                tbody {
                    @for record in &kind.records {
                        tr {
                            td { (delivery(record)) }
                            td { (record.taken_in) }
                            @for column in columns { td { (record.cell(&column.name)) } }
                        }
                    }
                }
            }
        }
        @if explained().next().is_some() {
            dl { @for column in explained() { dt { (column.title) } dd { (column.meaning) } } }
        }
    }
}

/// A column a record, where a record has many cells.
fn side_by_side(records: &[Record], columns: &[&Column]) -> Markup {
    let shown =
        |column: &&&Column| records.iter().any(|record| !record.cell(&column.name).is_empty());
    html! {
        div class="scroll" {
            table {
                tbody class="origin" {
                    tr { th scope="row" { "Delivery" } @for record in records { td { (delivery(record)) } } }
                    tr { th scope="row" { "Taken in on" } @for record in records { td { (record.taken_in) } } }
                }
                tbody {
                    @for column in columns.iter().filter(shown) {
                        tr {
                            th scope="row" {
                                (column.title)
                                @if !column.meaning.is_empty() { span class="meaning" { (column.meaning) } }
                            }
                            @for record in records { td { (record.cell(&column.name)) } }
                        }
                    }
                }
            }
        }
    }
}

fn delivery(record: &Record) -> String {
    match record.is_earlier {
        true => format!("{} (an earlier copy)", record.delivery),
        false => record.delivery.clone(),
    }
}

/// The file that says what is what.
pub(super) fn readme(content: &Content, case: Option<&str>) -> String {
    let case = case.map(|case| format!("Case: {case}\n")).unwrap_or_default();
    let tables: String =
        content.kinds.iter().map(|kind| format!("  {}  {}\n", kind.file, kind.title)).collect();
    format!(
        "{TITLE}\n\n{case}Made on: {}\n\n\
         Open page.html first: a browser shows it, without the internet. numbers-and-days.html has the child's numbers, and says how\n\
         long records are kept.\n\n\
         The CSV files hold the same for a spreadsheet:\n\
         \x20 numbers.csv  The child's numbers\n\
         \x20 how-long.csv  How long records are kept\n\
         \x20 set-aside.csv  Rows that could not be read\n\
         {tables}\n\
         A cell that begins with =, +, - or @ has an apostrophe before it, so that a spreadsheet does not take it for a formula.\n\n\
         No copy of these files is left at the council in clear. They are yours: keep them safe, or destroy them.\n",
        today()
    )
}

fn today() -> String {
    report::day(jiff::Timestamp::now())
}
