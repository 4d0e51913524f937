//! The parts of a bundle that the vault alone knows, as pieces of its page and of its tables.

use jiff::civil::Date;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use minster_model::{Kind, counted, csv_line};
use minster_retention::{Disposal, End, Event, Facts, PersonName, Schedule};
use zeroize::Zeroizing;

use super::{
    ChildNumbers,
    bundle::{KEEPING_TABLE, NUMBERS_TABLE, OWN_PAGE, OwnFile},
};

const TITLE: &str = "The child's numbers, and how long records are kept";
const STYLE: &str = "body{font:1.1rem/1.5 sans-serif;margin:1rem auto;max-width:50rem;padding:0 1rem}\
    table{border-collapse:collapse}th,td{border:1px solid #767676;padding:.3rem .6rem;text-align:left}\
    .note{border-left:.4rem solid #767676;padding-left:.8rem}";

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

/// All of them. Holds a child's numbers: no `Debug`.
pub(crate) struct OwnParts<'a> {
    pub(crate) numbers: &'a ChildNumbers,
    pub(crate) in_doubt: u64,
    pub(crate) keeping: &'a Keeping,
    /// Sealed archives that stand, which are not searched.
    pub(crate) archives: u64,
}

impl OwnParts<'_> {
    /// The vault's own files, the page last.
    pub(crate) fn files(&self) -> [OwnFile; 3] {
        let file = |name, text| OwnFile { name, text: Zeroizing::new(text) };
        [
            file(NUMBERS_TABLE, self.numbers_table()),
            file(KEEPING_TABLE, self.keeping_table()),
            file(OWN_PAGE, self.page()),
        ]
    }

    fn page(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en-GB" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (TITLE) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        h1 { (TITLE) }
                        h2 { "The child's numbers" }
                        p {
                            "Services know a child by numbers. In the records they are replaced by codes, and only the council's vault can turn "
                            "them back."
                        }
                        (self.numbers_section())
                        @if self.archives > 0 {
                            p class="note" {
                                "Records whose time is over may have been made inaccessible. They are in "
                                (counted(self.archives, "sealed archive", "sealed archives"))
                                ", which were not searched for this bundle. Ask the council, and two of its custodians can open one."
                            }
                        }
                        p {
                            "Records are found by these numbers alone. A number is added only where the records show clearly that it is the "
                            "child's. Records under a number that is not here are not in the bundle: ask again with that number."
                        }
                        h2 { "How long records are kept" }
                        (self.keeping_section())
                    }
                }
            }
        };
        page.into_string()
    }

    fn each_number(&self) -> impl Iterator<Item = (&str, &str)> {
        self.numbers
            .0
            .iter()
            .map(|own| (name_of(&own.kind), std::str::from_utf8(&own.text).unwrap_or_default()))
    }

    fn numbers_section(&self) -> Markup {
        html! {
            @if self.numbers.0.is_empty() {
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
                    " beside these in some records. The records do not show clearly whose they are: they may be another child's. "
                    "Nothing that they lead to is in this bundle. Ask the council to look."
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
                format!(
                    "All records in this bundle are kept at least until {}: longer, where the council learns more by then. {end}",
                    in_words(*date)
                )
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
        text += &csv_line(&["kept at least until", &until]);
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
