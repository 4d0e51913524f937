//! A query as the text of a definition.

use std::fmt::Write as _;

use minster_model::{TableName, policy::Zeros};

use crate::{
    conditions::Test,
    grouping::{Bands, Key},
    measures::Number,
    schema::{Rules, Schema},
    translate::Query,
};

/// A query's text as a comment of TOML.
pub fn comment(sql: &str) -> String {
    let plain = |line: &str| line.replace(char::is_control, " ");
    sql.trim()
        .split('\n')
        .map(|line| format!("# {}", plain(line)).trim_end().to_owned() + "\n")
        .collect()
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

/// A test, as keys of an inline table.
fn test(of: &Test) -> Vec<String> {
    match of {
        Test::In(texts) => vec![format!("in = {}", list(texts.iter().map(String::as_str)))],
        Test::NotIn(texts) => vec![format!("not-in = {}", list(texts.iter().map(String::as_str)))],
        Test::Numbers { at_least, below } => {
            let at_least = at_least.map(|number| format!("at-least = {number}"));
            at_least.into_iter().chain(below.map(|number| format!("below = {number}"))).collect()
        }
        Test::Days { from, until } => {
            let from = from.map(|day| format!("from = \"{day}\""));
            from.into_iter().chain(until.map(|day| format!("until = \"{day}\""))).collect()
        }
    }
}

/// The rules for protection, a line each.
fn rules(of: &Rules) -> String {
    let Rules { threshold, zeros, insider, p_percent } = of;
    let zeros = match zeros {
        Some(Zeros::Unsafe) => "unsafe",
        Some(Zeros::Published) => "published",
        Some(Zeros::MayBeWithheld) | None => "may-be-withheld",
    };
    let mut text = format!("zeros = \"{zeros}\"\n");
    let lines = [
        threshold.map(|least| format!("threshold = {least}\n")),
        insider.map(|least| format!("insider = {least}\n")),
        p_percent.map(|least| format!("p_percent = {least}\n")),
    ];
    lines.into_iter().flatten().for_each(|line| text += &line);
    text
}

/// The definition's text: the same of the same query.
pub(crate) fn text(query: &Query, name: &TableName, schema: &Schema) -> String {
    let Query { events, keys, numbers, margins, conditions } = query;
    let population = if conditions.on_spine { "spine" } else { "all" };
    let mut text = format!(
        "name = {}\n{}population = \"{population}\"\n",
        quoted(name.as_str()),
        rules(&schema.rules)
    );
    let counted = Counted { query, schema };
    for (column, of) in &conditions.children {
        let _ = write!(text, "\n[[where]]\ncolumn = {}\n", quoted(column));
        test(of).into_iter().for_each(|line| text += &(line + "\n"));
    }
    if events.is_some() {
        let _ = write!(
            text,
            "\n# Children with such an event.\n[[where]]\ncolumn = {}\nat-least = 1\n",
            quoted(&counted.name(""))
        );
        text += &counted.column("", None);
    }
    for (number, name) in numbers {
        if let Number::SumOfEvents(of) = number {
            text += &counted.column(name, Some(of));
        }
    }
    for (key, name) in keys {
        text += &dimension(key, name);
    }
    let names = list(keys.iter().map(|(_, name)| name.as_str()));
    let _ = write!(text, "\n[[table]]\nname = {}\ndimensions = {names}\n", quoted(name.as_str()));
    if let Some(margins) = margins
        && keys.len() > 1
    {
        let margins = margins.iter().map(|of| list(of.iter().map(|&at| keys[at].1.as_str())));
        let _ = writeln!(text, "margins = [{}]", margins.collect::<Vec<_>>().join(", "));
    }
    for (number, name) in numbers {
        let _ = write!(text, "\n[[table.measure]]\nname = {}\n", quoted(name));
        let said = match number {
            Number::Children => continue,
            Number::Events => format!("events = {}", quoted(&counted.name(""))),
            Number::SumOfEvents(_) => format!("events = {}", quoted(&counted.name(name))),
            Number::Sum(of) => format!("sum = {}", quoted(of)),
            Number::Mean(of) => format!("mean = {}", quoted(of)),
            Number::Ratio { of, by, times } => {
                let by = by.as_deref().unwrap_or(crate::schema::CHILDREN);
                // A float of TOML has digits behind its point.
                let times = if times.contains(['.', 'e', 'E']) {
                    times.clone()
                } else {
                    format!("{times}.0")
                };
                format!("sum = {}\nper = {}\ntimes = {times}", quoted(of), quoted(by))
            }
        };
        text += &(said + "\n");
    }
    text
}

fn dimension(Key { column, bands }: &Key, name: &str) -> String {
    let mut text = format!(
        "\n[[dimension]]\nname = {}\ncolumn = {}\ntotal = \"All\"\nunknown_if_any = true\n",
        quoted(name),
        quoted(column)
    );
    if let Some(Bands { bounds, unknown }) = bands {
        let numbers: Vec<String> = bounds.iter().map(|(bound, _)| bound.to_string()).collect();
        let labels = list(bounds.iter().map(|(_, label)| label.as_str()));
        let _ = write!(text, "bands = [{}]\nlabels = {labels}\n", numbers.join(", "));
        if let Some(unknown) = unknown {
            let _ = writeln!(text, "unknown = {}", quoted(unknown));
        }
    }
    text
}

/// Columns that count a child's events.
struct Counted<'a> {
    query: &'a Query,
    schema: &'a Schema,
}

impl Counted<'_> {
    /// The name of the column that counts events, or sums what `of` names: one that no column of the data has.
    fn name(&self, of: &str) -> String {
        let events = self.query.events.as_deref().unwrap_or_default();
        let mut name = match of {
            "" => format!("{events}_of_child"),
            of => format!("{events}_{of}_of_child"),
        };
        while self.schema.children.iter().any(|(known, _)| *known == name) {
            name.push('_');
        }
        name
    }

    fn column(&self, of: &str, sum: Option<&str>) -> String {
        let events = quoted(self.query.events.as_deref().unwrap_or_default());
        let mut text = format!(
            "\n[[column]]\nname = {}\n[column.is.count]\nevents = {events}\n",
            quoted(&self.name(of))
        );
        if let Some(sum) = sum {
            let _ = writeln!(text, "sum = {}", quoted(sum));
        }
        let conditions = self.query.conditions.events.iter().map(|(column, of)| {
            let said = [vec![format!("column = {}", quoted(column))], test(of)].concat();
            format!("{{ {} }}", said.join(", "))
        });
        let conditions: Vec<String> = conditions.collect();
        if !conditions.is_empty() {
            let _ = writeln!(text, "where = [{}]", conditions.join(", "));
        }
        text
    }
}
