//! The parts of a bundle that the vault alone knows, as pieces of its page and of its tables.

use jiff::civil::Date;
use maud::{Markup, html};
use minster_model::{Kind, csv_line};
use minster_retention::{Disposal, End, Event, Facts, PersonName, Schedule};
use minster_vault_api::VaultsPart;
use zeroize::Zeroizing;

use super::{ChildNumbers, SetAside};

/// How long the child's records are kept, and by which rows of the schedule.
pub(crate) struct Keeping {
    disposal: Disposal,
    /// The rows that count for the child, each in the words of the notice, with its own day.
    rows: Vec<(String, Result<Date, Event>)>,
    /// Events that the vault was told of.
    events: Vec<(Event, Date)>,
}

impl Keeping {
    pub(crate) fn of(schedule: &Schedule, person: &PersonName, facts: &Facts) -> Self {
        let rows = schedule.categories_of(person, facts);
        let rows = rows.map(|row| (row.notice.clone(), row.rule.date(facts))).collect();
        let told = |event: Event| Some((event, facts.dates(event)?.latest));
        let events = Event::ALL.into_iter().filter_map(told).collect();
        Self { disposal: schedule.disposal(person, facts), rows, events }
    }

    fn until(&self) -> Option<Date> {
        match &self.disposal {
            Disposal::On { date, .. } => Some(*date),
            Disposal::Undetermined { .. } | Disposal::Unscheduled => None,
        }
    }
}

/// All of them. Holds a child's numbers and rows: no `Debug`.
pub(crate) struct OwnParts<'a> {
    pub(crate) numbers: &'a ChildNumbers,
    pub(crate) in_doubt: u64,
    pub(crate) keeping: &'a Keeping,
    pub(crate) set_aside: &'a SetAside,
}

impl OwnParts<'_> {
    /// A part's text.
    pub(crate) fn text(&self, part: VaultsPart) -> Zeroizing<String> {
        Zeroizing::new(match part {
            VaultsPart::KeptUntilInWords => {
                self.keeping.until().map_or("not known yet".to_owned(), in_words)
            }
            VaultsPart::KeptUntilCell => {
                self.keeping.until().map_or("not known yet".to_owned(), |day| day.to_string())
            }
            VaultsPart::NumbersSection => self.numbers_section().into_string(),
            VaultsPart::NumbersTable => self.numbers_table(),
            VaultsPart::KeepingSection => self.keeping_section().into_string(),
            VaultsPart::KeepingTable => self.keeping_table(),
            VaultsPart::SetAsideSection => self.set_aside_section().into_string(),
            VaultsPart::SetAsideTable => self.set_aside_table(),
        })
    }

    fn each_number(&self) -> impl Iterator<Item = (&str, &str)> {
        self.numbers
            .known
            .iter()
            .map(|own| (name_of(&own.kind), std::str::from_utf8(&own.text).unwrap_or_default()))
    }

    fn numbers_section(&self) -> Markup {
        html! {
            @if self.numbers.known.is_empty() {
                p { "The council's store of numbers does not know the child." }
            } @else {
                table {
                    thead { tr { th scope="col" { "Kind of number" } th scope="col" { "Number" } } }
                    tbody {
                        @for (kind, number) in self.each_number() { tr { th scope="row" { (kind) } td { (number) } } }
                    }
                }
            }
            @if self.in_doubt > 0 {
                p class="note" {
                    (counted(self.in_doubt, "other number stands", "other numbers stand"))
                    " beside these in some records, with another date of birth. They may be another child's. "
                    "Nothing that they lead to is in this bundle."
                }
            }
        }
    }

    fn numbers_table(&self) -> String {
        let mut text = csv_line(&["kind", "number"]);
        self.each_number().for_each(|(kind, number)| text += &csv_line(&[kind, number]));
        text
    }

    fn why(&self) -> String {
        match &self.keeping.disposal {
            Disposal::On { date, end, .. } => {
                let end = match end {
                    End::Destroyed => {
                        "Then they are destroyed, unless a law or a court's order says otherwise."
                    }
                    End::MadeInaccessible => "Then no user of the system can reach them.",
                };
                format!("All records in this bundle are kept until {}. {end}", in_words(*date))
            }
            Disposal::Undetermined { missing, .. } => format!(
                "Nobody can say yet until when the records are kept: the vault was not told the date of the {}.",
                name_of_event(*missing)
            ),
            Disposal::Unscheduled => {
                "The council's retention schedule has no row for these records. Ask the council."
                    .to_owned()
            }
        }
    }

    fn keeping_section(&self) -> Markup {
        html! {
            p { (self.why()) }
            @if !self.keeping.rows.is_empty() {
                p { "The latest of these days counts:" }
                table {
                    thead { tr { th scope="col" { "Rule of the privacy notice" } th scope="col" { "Its day" } } }
                    tbody {
                        @for (notice, day) in &self.keeping.rows {
                            tr { th scope="row" { (notice) } td { (day_or_why(day, in_words)) } }
                        }
                    }
                }
            }
            @if !self.keeping.events.is_empty() {
                p { "Dates that the council keeps for these rules:" }
                table {
                    thead { tr { th scope="col" { "Date of the" } th scope="col" { "Day" } } }
                    tbody {
                        @for (event, day) in &self.keeping.events {
                            tr { th scope="row" { (name_of_event(*event)) } td { (in_words(*day)) } }
                        }
                    }
                }
            }
        }
    }

    fn keeping_table(&self) -> String {
        let mut text = csv_line(&["what", "day"]);
        let until = self.keeping.until().map_or("not known yet".to_owned(), |day| day.to_string());
        text += &csv_line(&["kept until", &until]);
        for (notice, day) in &self.keeping.rows {
            text +=
                &csv_line(&[&format!("rule: {notice}"), &day_or_why(day, |day| day.to_string())]);
        }
        for (event, day) in &self.keeping.events {
            text +=
                &csv_line(&[&format!("date of the {}", name_of_event(*event)), &day.to_string()]);
        }
        text
    }

    fn set_aside_section(&self) -> Markup {
        let SetAside { rows, files, searched, left_out, too_long, .. } = self.set_aside;
        html! {
            p {
                "Rows that could not be read were set aside, and locked away. "
                @match files {
                    0 => "No such row was there to be searched.",
                    _ => {
                        (counted(*searched, "such row was", "such rows were"))
                        " searched for the child's pupil, NHS and learner numbers; "
                        @match rows.len() {
                            0 => "none has one.",
                            1 => "one has one. It is shown here.",
                            many => { (many) " have one. They are shown here." }
                        }
                        " A row in which the number itself is mistyped, or which has a service's own number alone, cannot be found so."
                    }
                }
            }
            @if *left_out > 0 {
                p class="note" {
                    (counted(*left_out, "more row has", "more rows have"))
                    " a number of the child, and another person's, or cannot be divided into cells. Left out: ask the council."
                }
            }
            @if *too_long > 0 {
                p class="note" { (counted(*too_long, "row was", "rows were")) " too long to be searched, or broken." }
            }
            @for kept in rows {
                section class="record" {
                    h3 { "Row " (kept.row) " of " (kept.file) }
                    p { "From " (kept.dataset.name) ", delivery " (kept.dataset.period) "." }
                    table {
                        tbody {
                            @for (column, cell) in &kept.cells { tr { th scope="row" { (column) } td { (cell.as_str()) } } }
                        }
                    }
                }
            }
        }
    }

    fn set_aside_table(&self) -> String {
        let mut text = csv_line(&["source", "delivery", "file", "table", "row", "column", "cell"]);
        for kept in &self.set_aside.rows {
            let (source, period) = (kept.dataset.name.to_string(), kept.dataset.period.to_string());
            for (column, cell) in &kept.cells {
                let row = kept.row.to_string();
                text += &csv_line(&[&source, &period, &kept.file, &kept.table, &row, column, cell]);
            }
        }
        text
    }
}

fn day_or_why(day: &Result<Date, Event>, words: impl Fn(Date) -> String) -> String {
    match day {
        Ok(day) => words(*day),
        Err(missing) => {
            format!("not known: the date of the {} is missing", name_of_event(*missing))
        }
    }
}

fn in_words(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}

/// A kind of number in words.
fn name_of(kind: &Kind) -> &str {
    match kind.as_str() {
        "upn" => "Unique pupil number (school)",
        "uln" => "Unique learner number",
        "nhs-number" => "NHS number",
        "la-child-id" => "Number at the council's children's services",
        "ssd-person" => "Number at the social services",
        "send-person" => "Number at the special educational needs service",
        "early-help-person" => "Number at the early help service",
        "youth-justice-person" => "Number at the youth justice service",
        other => other,
    }
}

fn name_of_event(event: Event) -> &'static str {
    match event {
        Event::Birth => "birth",
        Event::Death => "death",
        Event::ApprovalEnded => "end of an approval",
        Event::RefusalOrWithdrawal => "refusal or withdrawal",
        Event::LastContact => "last contact",
        Event::Order => "court's order",
        Event::CautionOrConviction => "caution or conviction",
        Event::CaseClosed => "closing of the case",
        Event::LastActivity => "last entry",
    }
}
