//! The meaning of each column of an integrated dataset, told by the definition that made it.
//!
//! A column's own `meaning` goes first; without one a sentence is made of its line in `matching.toml`. Nothing is read of any
//! row.

use minster_model::{ColumnName, SourceName, TableName};

use crate::{
    CHILDREN, CROSSWALK,
    children::Linkage,
    condition::Condition,
    definition::{DayPrecision, EventTable, Households, Matching, Ratio, SummaryColumn},
    integration::{CHILDREN_AT_HOME, IN_DOUBT, PROBABILITY, SIBLINGS, linked_by},
    named_day::NamedDay,
    spells::EndDay,
    summary::Summary,
    value_summaries::DateOf,
};

/// A column of a table, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Its meaning, in a sentence.
    pub meaning: String,
    /// Where its values come from.
    pub from: ColumnOrigin,
    /// Codes that linking itself writes.
    pub codes: Vec<(&'static str, &'static str)>,
}

/// Where a column's values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnOrigin {
    /// Linking made them.
    Linking,
    /// They are counted or measured over a source's table.
    Table(SourceName, TableName),
    /// They are values of a source's column.
    Column(SourceName, TableName, ColumnName),
}

/// A table's rows, and how they were made; nothing for a table that the definition does not name.
pub fn table(matching: &Matching, name: &str) -> Option<String> {
    Some(match name {
        CHILDREN => "One row a child whom a delivery of the period is about.".to_owned(),
        CROSSWALK => {
            "One row for each row about a person in the period's deliveries: where it stands, and its child.".to_owned()
        }
        _ => {
            let table = matching.events.iter().find(|table| table.name.as_str() == name)?;
            table.meaning.clone().unwrap_or_else(|| {
                let of = match &table.count {
                    Some(_) => "One row for equal rows of a child in",
                    None => "One row a row of",
                };
                sentence(&format!("{of} {}/{}{}", table.source, table.table, passing(&table.conditions)))
            })
        }
    })
}

/// The meaning of a table's column; nothing for one that the definition does not explain.
pub fn column(matching: &Matching, table: &str, name: &str) -> Option<Explained> {
    match table {
        CHILDREN => of_children(matching, name),
        CROSSWALK => of_crosswalk(name),
        _ => of_event(matching.events.iter().find(|events| events.name.as_str() == table)?, name),
    }
}

fn linking(meaning: &str) -> Explained {
    Explained { meaning: meaning.to_owned(), from: ColumnOrigin::Linking, codes: Vec::new() }
}

const CHILD: &str = "The child's pseudonym. It is the same in all tables and periods of the purpose, and in no other purpose.";

fn of_children(matching: &Matching, name: &str) -> Option<Explained> {
    let columns = &matching.columns;
    if let Some(column) = columns.iter().find(|column| column.name.as_str() == name) {
        return Some(of_column(column));
    }
    if let Some(ratio) = matching.ratios.iter().find(|ratio| ratio.name.as_str() == name) {
        return Some(linking(&of_ratio(ratio)));
    }
    for source in matching.sources() {
        if name == format!("in_{source}") {
            let meaning = format!(
                "Whether a row of the period's deliveries of {source} is about the child; blank where there is none."
            );
            return Some(linking(&meaning));
        }
        if name == linked_by(source.as_str()) {
            let meaning = format!(
                "How the rows of {source} in the period came to the child: the weakest way of all its rows; blank where it has none."
            );
            return Some(Explained { codes: codes(), ..linking(&meaning) });
        }
    }
    Some(match name {
        "child" => linking(CHILD),
        "on_spine" => {
            linking("Whether the child is a pupil of the council's schools in the period.")
        }
        IN_DOUBT => {
            linking("Whether a finding for review names one of the child's rows, in any period.")
        }
        PROBABILITY => linking(
            "The least probability of the child's scored links in the period; blank where it has none.",
        ),
        CHILDREN_AT_HOME => at_home(
            matching.households.as_ref()?,
            "Children of the dataset at the child's address, the child among them",
        ),
        SIBLINGS => at_home(
            matching.households.as_ref()?,
            "Other children of the dataset at the child's address, related or not",
        ),
        _ => {
            let census = name.strip_prefix("on_roll_")?.replace('_', "-");
            linking(&format!(
                "1 where the child is a pupil in the register's delivery of {census}, else 0."
            ))
        }
    })
}

fn at_home(asked: &Households, what: &str) -> Explained {
    let day = asked
        .on
        .map_or_else(|| "of the latest delivery".to_owned(), |on| format!("on {}", day(on)));
    let meaning = format!(
        "{what}, by the keyed address {day}; blank without an address, and at addresses of more than {} children.",
        asked.largest
    );
    Explained {
        from: ColumnOrigin::Table(asked.source.clone(), asked.table.clone()),
        ..linking(&meaning)
    }
}

fn of_crosswalk(name: &str) -> Option<Explained> {
    Some(match name {
        "source" => linking("The source of the row."),
        "period" => linking("The delivery's period."),
        "table" => linking("The source's table."),
        "row" => linking("The row's place among the accepted rows of its table, from 1."),
        "child" => linking(CHILD),
        "linkage" => Explained { codes: codes(), ..linking("How the row came to its child.") },
        _ => return None,
    })
}

fn of_event(table: &EventTable, name: &str) -> Option<Explained> {
    let from = |column: &ColumnName| {
        ColumnOrigin::Column(table.source.clone(), table.table.clone(), column.clone())
    };
    if name == "child" {
        return Some(linking(CHILD));
    }
    if table.count.as_ref().is_some_and(|count| count.as_str() == name) {
        let from = ColumnOrigin::Table(table.source.clone(), table.table.clone());
        return Some(Explained { from, ..linking("How many equal rows there are.") });
    }
    let (column, _) = table.columns().into_iter().find(|(_, known)| *known == name)?;
    let meaning = match name == "date" && table.by == DayPrecision::Month {
        true => format!("The first day of the month of {column}."),
        false => format!("The value of {column}."),
    };
    Some(Explained { from: from(column), ..linking(&meaning) })
}

fn of_ratio(ratio: &Ratio) -> String {
    ratio.meaning.clone().unwrap_or_else(|| {
        let Ratio { of, per, at_least_percent, .. } = ratio;
        format!("1 where {of} is {at_least_percent} in a hundred of {per} or more, 0 where it is less, blank where {per} is 0.")
    })
}

fn of_column(column: &SummaryColumn) -> Explained {
    let (source, table) = (&column.source, &column.table);
    let of_column =
        |of: &ColumnName| ColumnOrigin::Column(source.clone(), table.clone(), of.clone());
    let from = match &column.summary {
        Summary::Min { of }
        | Summary::Max { of }
        | Summary::Latest { of, .. }
        | Summary::First { of, .. }
        | Summary::AsAt { of, .. } => of_column(of),
        _ => ColumnOrigin::Table(source.clone(), table.clone()),
    };
    let meaning = column.meaning.clone().unwrap_or_else(|| {
        let rows = format!("{source}/{table}{}", passing(&column.conditions));
        sentence(&summary(&column.summary, &rows))
    });
    Explained { from, ..linking(&meaning) }
}

/// A summary of these rows, in words.
fn summary(summary: &Summary, rows: &str) -> String {
    let date = |date: &DateOf| match date {
        DateOf::First(column) => format!("the first {column}"),
        DateOf::Latest(column) => format!("the latest {column}"),
    };
    let end = |end_day: &EndDay| match end_day {
        EndDay::Included => "its day included",
        EndDay::Excluded => "its day left out",
    };
    match summary {
        Summary::Count => format!("number of rows in {rows}"),
        Summary::Any => format!("1 where there is a row in {rows}, else 0"),
        Summary::Sum { of } => format!("sum of {of} in {rows}"),
        Summary::Max { of } => format!("greatest value of {of} in {rows}"),
        Summary::Min { of } => format!("least value of {of} in {rows}"),
        Summary::Latest { of, by } => format!("latest value of {of}, by {by}, in {rows}"),
        Summary::First { of, by } => format!("first value of {of}, by {by}, in {rows}"),
        Summary::Distinct { of } => format!("number of different values of {of} in {rows}"),
        Summary::DaysBetween { from, until } => {
            format!("days from {} to {} in {rows}", date(from), date(until))
        }
        Summary::Longest { from, end: last, open_until, end_day, joined } => {
            let joined = if *joined { ", spells that overlap or touch joined" } else { "" };
            let open = open_until
                .map_or(String::new(), |until| format!(", open ones until {}", day(until)));
            format!(
                "days of the longest spell from {from} to {last}, {}{joined}{open}, in {rows}",
                end(end_day)
            )
        }
        Summary::AsAt { of, from, end: last, on, end_day } => {
            format!(
                "value of {of} in the row that is open on {}, from {from} to {last}, {}, in {rows}",
                day(*on),
                end(end_day)
            )
        }
        Summary::Age { of, on } => {
            format!("age in whole years on {}, by the birth cohort {of} in {rows}", day(*on))
        }
    }
}

fn day(when: NamedDay) -> String {
    match when {
        NamedDay::On(day) => day.to_string(),
        NamedDay::Yearly { month, day } => format!("{month:02}-{day:02} of the period"),
    }
}

/// The rows that count, after the name of their table.
fn passing(conditions: &[Condition]) -> String {
    let all: Vec<String> = conditions.iter().flat_map(of_condition).collect();
    if all.is_empty() { String::new() } else { format!(" where {}", all.join(" and ")) }
}

fn of_condition(condition: &Condition) -> Vec<String> {
    let column = condition.column.as_ref().map_or("", |column| column.as_str());
    let list = |values: &[String]| {
        let shown =
            |value: &String| if value.is_empty() { "blank".to_owned() } else { value.clone() };
        values.iter().map(shown).collect::<Vec<_>>().join(", ")
    };
    let mut all = Vec::new();
    if let Some(values) = &condition.values {
        all.push(format!("{column} is one of {}", list(values)));
    }
    if let Some(values) = &condition.not_in {
        all.push(format!("{column} is none of {}", list(values)));
    }
    if let Some(blank) = condition.blank {
        all.push(format!("{column} is {}", if blank { "blank" } else { "not blank" }));
    }
    if let Some(from) = condition.from {
        all.push(format!("{column} is {} or later", day(from)));
    }
    if let Some(until) = condition.until {
        all.push(format!("{column} is {} or earlier", day(until)));
    }
    if condition.in_period == Some(true) {
        all.push(format!("{column} is in the period"));
    }
    if let (Some(on), Some(end)) = (condition.open_on, &condition.end) {
        all.push(format!("{column} is {} or earlier and {end} is later or blank", day(on)));
    }
    if let Some(group) = &condition.group {
        all.push(format!("{column} is a code of the group {group}"));
    }
    if let Some(period) = &condition.present_in {
        all.push(format!("the delivery is that of {period}"));
    }
    all
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

fn codes() -> Vec<(&'static str, &'static str)> {
    Linkage::ALL.iter().map(|linkage| (linkage.code(), linkage.meaning())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    fn meaning(column: &str) -> String {
        let text = format!(
            "[[identity]]\nsource = \"census\"\ntable = \"pupils\"\nidentifiers = [\"upn\"]\n\
             [[column]]\nname = \"a\"\nsource = \"census\"\ntable = \"pupils\"\n{column}"
        );
        super::column(&Matching::parse(&text).unwrap(), CHILDREN, "a").unwrap().meaning
    }

    #[test]
    fn a_sentence_is_made_where_the_definition_has_none() {
        let latest = "summary = { kind = \"latest\", of = \"sen\", by = \"delivery\" }";
        assert_eq!(meaning(latest), "Latest value of sen, by delivery, in census/pupils.");
        let own = "meaning = \"Special educational needs.\"\n";
        assert_eq!(meaning(&format!("{own}{latest}")), "Special educational needs.");
        let open = "summary = { kind = \"any\" }\n\
                    where = [{ column = \"from\", end = \"to\", open_on = \"03-31\" }, { column = \"kind\", in = [\"A\", \"\"] }]";
        assert_eq!(
            meaning(open),
            "1 where there is a row in census/pupils where from is 03-31 of the period or earlier and to is later or blank and kind is one of A, blank, else 0."
        );
    }

    #[test]
    fn a_column_that_the_definition_does_not_name_is_not_explained() {
        let matching = Matching::parse(
            "[[identity]]\nsource = \"census\"\ntable = \"pupils\"\nidentifiers = [\"upn\"]\n",
        )
        .unwrap();
        assert!(column(&matching, CHILDREN, "sen").is_none());
        assert!(column(&matching, CHILDREN, SIBLINGS).is_none());
        assert!(column(&matching, "care", "date").is_none() && table(&matching, "care").is_none());
        for known in
            ["child", "on_spine", "in_census", "linked_by_census", IN_DOUBT, "on_roll_spring"]
        {
            assert!(column(&matching, CHILDREN, known).is_some(), "{known}");
        }
        let of = column(&matching, CROSSWALK, "linkage").unwrap();
        assert_eq!(of.codes.len(), Linkage::ALL.len());
    }
}
