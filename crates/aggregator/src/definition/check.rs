//! The rules that a definition must keep, each with the place where it is broken.

use std::collections::BTreeSet;

use minster_model::policy::{Costs, Zeros};

use crate::{
    definition::{
        check_columns, dfe, formats,
        location::{Location, did_you_mean, location},
        release_definition::{
            CHILDREN, Definition, Dimension, Level, Measure, MeasureRow, Method, Table,
        },
    },
    error::AggregateError,
    tabulate::categories::is_open,
};

pub(crate) fn check(definition: &Definition) -> Result<(), AggregateError> {
    let Costs { margin, size, coverage, dice: _ } = definition.costs;
    let rules = [
        (definition.policy().threshold < 2, "threshold", "a threshold below 2 withholds nothing"),
        (
            ![margin, size, coverage].iter().all(|cost| (0.0..=100.0).contains(cost)),
            "prices",
            "prices lie between 0 and 100",
        ),
        (
            definition.dominance.is_some_and(|rule| rule.n == 0 || !(1..=100).contains(&rule.k)),
            "dominance",
            "n is at least 1, and k lies between 1 and 100",
        ),
        (
            !definition.p_percent.is_none_or(|p| (1..=1000).contains(&p)),
            "p_percent",
            "p lies between 1 and 1000",
        ),
        (definition.tables.is_empty(), "table", "a release has at least one table"),
        (
            definition.method != Method::Suppress && definition.policy().insider > 0,
            "insider",
            "where every number is rounded, insiders are not considered: set it to 0, or withhold",
        ),
        (
            definition.method != Method::Suppress
                && definition.dimensions.iter().any(|of| definition.divides_by_respondents(of)),
            "holder",
            "where every number is rounded, what holders know is not considered: leave `holder` out, or withhold",
        ),
        (
            matches!(definition.method, Method::Nearest { base } if base < definition.policy().threshold),
            "method",
            "to the nearest of a base below the threshold, small counts would show: choose a base of the threshold or more",
        ),
        (
            matches!(definition.method, Method::Controlled { base } if base < 3),
            "method",
            "controlled rounding has a base of 3 or more",
        ),
        (
            definition.method == Method::OpenSafely && definition.policy().threshold < 8,
            "threshold",
            "open-safely makes counts up to 7 nothing: its threshold is 8 or more",
        ),
    ];
    if let Some((_, key, what)) = rules.into_iter().find(|(broken, _, _)| *broken) {
        return Err(definition.rule(location![key], what.to_owned()));
    }
    let rounds = definition.method != Method::Suppress;
    for (at, cell) in definition.keep.iter().enumerate() {
        let here = || location!["keep", at];
        if rounds {
            let what = "where every count is rounded, none is withheld: leave `keep` out";
            return Err(definition.rule(here(), what.to_owned()));
        }
        let known = || definition.dimensions.iter().map(|of| of.name.as_str());
        if let Some(name) = cell.keys().find(|name| !known().any(|of| of == name.as_str())) {
            let what =
                format!("there is no dimension {name}; {}", did_you_mean(name.as_str(), known()));
            return Err(definition.rule(here(), what));
        }
        if !definition.tables.iter().any(|table| table.has_all(cell)) {
            let by: Vec<&str> = cell.keys().map(|name| name.as_str()).collect();
            let what = format!("no table divides by {}: no number could be kept", by.join(" and "));
            return Err(definition.rule(here(), what));
        }
    }
    for (number, table) in definition.tables.iter().enumerate() {
        let shows_more = table.measures.iter().position(|measure| measure.percentage.is_none());
        if let (true, Some(at)) = (rounds, shows_more) {
            let what = format!(
                "the table {}: beside counts that are rounded only percentages are shown",
                table.name
            );
            return Err(definition.rule(location!["table", number, "measure", at], what));
        }
        if rounds && !(table.never.is_empty() && table.always.is_empty()) {
            let what = format!(
                "the table {}: where every count is rounded, none is never or always published",
                table.name
            );
            return Err(definition.rule(location!["table", number], what));
        }
    }
    for (number, condition) in definition.conditions.iter().enumerate() {
        let texts = [&condition.values, &condition.not_in].iter().filter(|v| !v.is_empty()).count();
        let numbers = condition.at_least.is_some() || condition.below.is_some();
        let days = condition.from.is_some() || condition.until.is_some();
        if texts + usize::from(numbers) + usize::from(days) != 1 {
            let what = "a condition has exactly one of `in`, `not-in`, `at-least` or `below`, and `from` or `until`";
            return Err(definition.rule(location!["where", number], what.to_owned()));
        }
    }
    check_columns::check(definition)?;
    unique(definition, "dimension", definition.dimensions.iter().map(|d| d.name.as_str()))?;
    unique(definition, "table", definition.tables.iter().map(|table| table.name.as_str()))?;
    for (number, of) in definition.dimensions.iter().enumerate() {
        dimension(definition, number, of)?;
    }
    for (number, of) in definition.tables.iter().enumerate() {
        table(definition, number, of)?;
    }
    formats::check_names(definition)?;
    dfe::check(definition)
}

fn unique<'a>(
    definition: &Definition,
    key: &'static str,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), AggregateError> {
    let mut seen = BTreeSet::new();
    for (number, name) in names.enumerate() {
        if !seen.insert(name) {
            let at = location![key, number, "name"];
            return Err(definition.rule(at, format!("two are named {name}")));
        }
    }
    Ok(())
}

fn dimension(
    definition: &Definition,
    number: usize,
    dimension: &Dimension,
) -> Result<(), AggregateError> {
    let name = &dimension.name;
    let wrong = |at: Location, what: String| Err(definition.rule(at, format!("{name}: {what}")));
    if dimension.labels.len() != dimension.bands.len()
        || !dimension.bands.is_sorted_by(|a, b| a < b)
    {
        let what = "bands ascend, and each has a label".to_owned();
        return wrong(location!["dimension", number, "bands"], what);
    }
    let policy = definition.policy();
    if dimension.unknown_if_any && policy.insider == 0 && policy.zeros != Zeros::Published {
        let what = "a row that is left out where nobody is in it tells, where it stands, that somebody is: with zeros that may be withheld, take `insider` 1 or more, or leave `unknown_if_any` out".to_owned();
        return wrong(location!["dimension", number, "unknown_if_any"], what);
    }
    // The ranges of rounded numbers let each count be 0: a row that stands only where somebody is in it says otherwise.
    let rounds = definition.method != Method::Suppress;
    if rounds && dimension.unknown_if_any {
        let what = "where every number is rounded, a row that is left out where nobody is in it tells, where it stands, that somebody is: leave `unknown_if_any` out, or withhold".to_owned();
        return wrong(location!["dimension", number, "unknown_if_any"], what);
    }
    let mut levels = dimension.levels.iter().chain(&dimension.groupings);
    if rounds && (is_open(dimension) || levels.any(|level| level.column.is_some())) {
        let what = "its categories or groups come from the data, and where every number is rounded, one that stands there tells that somebody is in it, though it is shown as 0: list them (`codes`, `lookup` or `groups`), or withhold".to_owned();
        return wrong(location!["dimension", number], what);
    }
    if !dimension.bands.is_empty() && !dimension.codes.is_empty() {
        let what = "a dimension has codes or bands, not both".to_owned();
        return wrong(location!["dimension", number, "codes"], what);
    }
    if dimension.lookup.is_some() && !dimension.levels.is_empty() {
        let what =
            "`lookup` is short for one level; write it as a level beside the others".to_owned();
        return wrong(location!["dimension", number, "lookup"], what);
    }
    for (key, levels) in [("level", &dimension.levels), ("grouping", &dimension.groupings)] {
        for (at, level) in levels.iter().enumerate() {
            let Level { lookup, column, groups, .. } = level;
            let given = [lookup.is_some(), column.is_some(), !groups.is_empty()];
            if given.into_iter().filter(|given| *given).count() != 1 {
                let what = format!("a {key} has exactly one of `lookup`, `column` and `groups`");
                return wrong(location!["dimension", number, key, at], what);
            }
        }
    }
    Ok(())
}

fn table(definition: &Definition, number: usize, table: &Table) -> Result<(), AggregateError> {
    let wrong = |at: Location, what: String| {
        Err(definition.rule(at, format!("the table {}: {what}", table.name)))
    };
    if table.dimensions.is_empty() {
        return wrong(location!["table", number, "dimensions"], "it has no dimension".to_owned());
    }
    for (at, name) in table.dimensions.iter().enumerate() {
        let here = location!["table", number, "dimensions", at];
        let Some(dimension) = definition.dimension(name) else {
            let known = definition.dimensions.iter().map(|dimension| dimension.name.as_str());
            let suggestion = did_you_mean(name.as_str(), known);
            return wrong(here, format!("there is no dimension {name}; {suggestion}"));
        };
        for other in &table.dimensions[..at] {
            if other == name {
                return wrong(here, format!("{name} is named twice"));
            }
            let other_column = definition.dimension(other).map(|other| &other.column);
            if other_column == Some(&dimension.column) {
                let column = &dimension.column;
                return wrong(
                    here,
                    format!(
                        "the column {column} is divided by {other} and by {name}; one of them is enough"
                    ),
                );
            }
        }
    }
    let its_own = |name: &str| {
        let suggestion = did_you_mean(name, table.dimensions.iter().map(|name| name.as_str()));
        format!("it has no dimension {name}; {suggestion}")
    };
    for (at, sensitive) in table.sensitive.iter().enumerate() {
        if !table.dimensions.contains(&sensitive.dimension) {
            let here = location!["table", number, "sensitive", at, "dimension"];
            return wrong(here, its_own(sensitive.dimension.as_str()));
        }
    }
    for (at, margin) in table.margins.iter().flatten().enumerate() {
        if let Some(name) = margin.iter().find(|name| !table.dimensions.contains(name)) {
            return wrong(location!["table", number, "margins", at], its_own(name.as_str()));
        }
    }
    if !table.never.is_empty() && definition.policy().zeros == Zeros::Published {
        let what =
            "a cell that is never published may be nothing: let zeros be withheld".to_owned();
        return wrong(location!["table", number, "never"], what);
    }
    for (key, cells) in [("never", &table.never), ("always", &table.always)] {
        for (at, cell) in cells.iter().enumerate() {
            if let Some(name) = cell.keys().find(|name| !table.dimensions.contains(name)) {
                return wrong(location!["table", number, key, at], its_own(name.as_str()));
            }
        }
    }
    let mut columns = formats::columns(definition, number, table)?;
    for (at, of) in table.measures.iter().enumerate() {
        let here = location!["table", number, "measure", at];
        measure(table, of).map_or(Ok(()), |what| wrong(here.clone(), what))?;
        let status = format!("{}_status", of.name);
        if !columns.insert(of.name.to_string()) || !columns.insert(status) {
            return wrong(here, format!("two of its columns have the name of {}", of.name));
        }
        if of.summed().iter().any(|column| column.as_str() == CHILDREN) {
            return wrong(here, format!("children are counted, not summed: {}", of.name));
        }
        if of.rows.is_some() {
            return wrong(here, format!("the measure {}: `rows` stands beside `each`", of.name));
        }
    }
    // The measures of one `each` share these columns.
    if let Some((at, MeasureRow { column, measure, .. })) = table.written_in_rows() {
        let own = [column.to_string(), measure.to_string(), format!("{measure}_status")];
        if let Some(name) = own.into_iter().find(|name| !columns.insert(name.clone())) {
            let what = format!("the measure {measure}: its files would have two columns {name}");
            return wrong(location!["table", number, "measure", at], what);
        }
    }
    Ok(())
}

fn measure(table: &Table, measure: &Measure) -> Option<String> {
    let Measure { name, sum, events, mean, percentage, median, rate, per, times, step, .. } =
        measure;
    let columns = [sum, events, mean, percentage, median];
    if columns.into_iter().flatten().count() + usize::from(rate.is_some()) != 1 {
        return Some(format!(
            "the measure {name} has exactly one of `sum`, `events`, `mean`, `percentage`, `median` and `rate`"
        ));
    }
    if per.is_some() && sum.is_none() {
        return Some(format!("the measure {name}: `per` divides a `sum`"));
    }
    if !times.is_finite() || *times <= 0.0 || *step == 0 {
        return Some(format!("the measure {name}: `times` and `step` are above 0"));
    }
    let of = percentage.as_ref().or(rate.as_ref().map(|rate| &rate.by));
    let of = of.filter(|of| !table.dimensions.contains(of))?;
    let suggestion = did_you_mean(of.as_str(), table.dimensions.iter().map(|name| name.as_str()));
    Some(format!("the measure {name}: the table has no dimension {of}; {suggestion}"))
}
