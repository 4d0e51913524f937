//! The numbers of a selection.

use sqlparser::tokenizer::Token;

use crate::{
    error::{Fault, Place},
    schema::{CHILD, Kind},
    tokens::Tokens,
    translate::{Scope, Side},
};

/// A number beside the count of children.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Number {
    /// The count of children itself, which every table has.
    Children,
    /// The count of events.
    Events,
    /// The sum of a column of events that says how many a row stands for.
    SumOfEvents(String),
    Sum(String),
    /// The mean a child, where a blank counts as 0.
    Mean(String),
    /// A sum by another, or by children, times a number.
    Ratio {
        of: String,
        by: Option<String>,
        times: String,
    },
}

/// A factor of an expression.
enum Factor {
    Literal(String),
    Number(Number),
}

/// A column whose mean is asked for without its blanks: a condition must leave them out.
pub(crate) type WithoutBlanks = Vec<(String, Place)>;

const AGGREGATES: &str = "only aggregates come out: COUNT(*), COUNT(DISTINCT child), SUM(column), AVG(COALESCE(column, 0)), and quotients \
                          such as 100 * SUM(sessions_missed) / SUM(sessions)";

/// Whether an aggregate or a literal comes next, and no column.
pub(crate) fn begins(tokens: &Tokens) -> bool {
    tokens.is_function() || tokens.is_number()
}

/// An aggregate, or a product and quotient of aggregates and numbers.
pub(crate) fn number(
    tokens: &mut Tokens,
    scope: &Scope<'_>,
    without_blanks: &mut WithoutBlanks,
) -> Result<Number, Fault> {
    let place = tokens.place();
    let mut above = vec![factor(tokens, scope, without_blanks)?];
    let mut below = Vec::new();
    loop {
        let by = tokens.place();
        if tokens.take(&Token::Mul) {
            above.push(factor(tokens, scope, without_blanks)?);
        } else if tokens.take(&Token::Div) {
            if !below.is_empty() {
                return Err((by, "one division is as much as a measure has; divide once".into()));
            }
            below.push(factor(tokens, scope, without_blanks)?);
        } else {
            break;
        }
    }
    let wrong = || (place, format!("this is no measure of a table; {AGGREGATES}"));
    let (mut times, mut of) = (None, None);
    for factor in above {
        match factor {
            Factor::Literal(number) if times.is_none() => times = Some(number),
            Factor::Number(number) if of.is_none() => of = Some(number),
            _ => return Err(wrong()),
        }
    }
    match (of, below.pop(), times) {
        (Some(number), None, None) => Ok(number),
        (Some(Number::Sum(of)), Some(Factor::Number(by)), times) => {
            let by = match by {
                Number::Children => None,
                Number::Sum(by) => Some(by),
                _ => return Err(wrong()),
            };
            Ok(Number::Ratio { of, by, times: times.unwrap_or_else(|| "1".to_owned()) })
        }
        _ => Err(wrong()),
    }
}

fn factor(
    tokens: &mut Tokens,
    scope: &Scope<'_>,
    without_blanks: &mut WithoutBlanks,
) -> Result<Factor, Fault> {
    let place = tokens.place();
    if let Some(number) = tokens.number() {
        let is_above = number.parse::<f64>().is_ok_and(|number| number.is_finite() && number > 0.0);
        return match is_above {
            true => Ok(Factor::Literal(number)),
            false => Err((place, format!("{number} is no number above 0"))),
        };
    }
    if !tokens.is_function() {
        return tokens.fault(format!("{} is no aggregate; {AGGREGATES}", tokens.shown()));
    }
    let name = tokens.name("an aggregate")?;
    tokens.expect(&Token::LParen, AGGREGATES)?;
    let number = match name.text.to_ascii_lowercase().as_str() {
        "count" => count(tokens, scope)?,
        "sum" => match summed(tokens, scope)? {
            (Side::Events, column, _) => Number::SumOfEvents(column),
            (Side::Children, column, place) => {
                of_children(scope, &column, place)?;
                Number::Sum(column)
            }
        },
        "avg" => mean(tokens, scope, without_blanks)?,
        "median" | "percentile_cont" | "quantile" => {
            return Err((place, "a median is rounded, and SQL has no word for that; write a definition with `median` (docs/analysts.md)".into()));
        }
        "min" | "max" | "array_agg" | "string_agg" | "listagg" | "first" | "last" | "any_value" => {
            return Err((
                place,
                format!(
                    "{} shows one child's value, and no release does; {AGGREGATES}",
                    name.text.to_uppercase()
                ),
            ));
        }
        _ => {
            return Err((
                place,
                format!(
                    "{} is no aggregate that a release has; {AGGREGATES}",
                    name.text.to_uppercase()
                ),
            ));
        }
    };
    tokens.expect(&Token::RParen, AGGREGATES)?;
    if tokens.is_word("over") || tokens.is_word("filter") {
        return tokens.fault(format!(
            "{} is no part of a release; choose with WHERE, and divide with GROUP BY",
            tokens.shown()
        ));
    }
    Ok(Factor::Number(number))
}

fn count(tokens: &mut Tokens, scope: &Scope<'_>) -> Result<Number, Fault> {
    if tokens.take(&Token::Mul) {
        return Ok(if scope.events.is_some() { Number::Events } else { Number::Children });
    }
    let place = tokens.place();
    if tokens.take_words(&["distinct"]) {
        let place = tokens.place();
        let mut name = tokens.name("a column")?;
        if tokens.take(&Token::Period) {
            name = tokens.name("a column")?;
        }
        return match name.text.eq_ignore_ascii_case(CHILD) {
            true => Ok(Number::Children),
            false => Err((
                place,
                "children alone are counted distinct; write COUNT(DISTINCT child)".into(),
            )),
        };
    }
    Err((place, "COUNT(column) leaves blanks out, and a release shows them as a row of their own; write COUNT(*), and choose with WHERE".into()))
}

/// A column of numbers.
fn summed(tokens: &mut Tokens, scope: &Scope<'_>) -> Result<(Side, String, Place), Fault> {
    if tokens.is_word("distinct") {
        return tokens
            .fault("a sum of distinct values says nothing about children; leave DISTINCT out");
    }
    let (side, column, kind, place) = scope.column(tokens)?;
    match kind.may_be(Kind::Number) {
        true => Ok((side, column, place)),
        false => Err((
            place,
            format!("{column} has no numbers; `minster columns` says which columns have"),
        )),
    }
}

fn of_children(scope: &Scope<'_>, column: &str, place: Place) -> Result<(), Fault> {
    match scope.events {
        None => Ok(()),
        Some((table, _)) => Err((
            place,
            format!(
                "beside {table} a child counts once an event, so that {column} would be added up too often; query FROM children"
            ),
        )),
    }
}

fn mean(
    tokens: &mut Tokens,
    scope: &Scope<'_>,
    without_blanks: &mut WithoutBlanks,
) -> Result<Number, Fault> {
    let is_whole = tokens.take_words(&["coalesce"]);
    if is_whole {
        tokens.expect(&Token::LParen, "write AVG(COALESCE(column, 0))")?;
    }
    let (side, column, place) = summed(tokens, scope)?;
    if side == Side::Events {
        return Err((
            place,
            format!(
                "the mean is that of children, and {column} is of an event; write SUM, or a definition"
            ),
        ));
    }
    of_children(scope, &column, place)?;
    if is_whole {
        tokens.expect(&Token::Comma, "write AVG(COALESCE(column, 0))")?;
        let zero = tokens.place();
        if tokens.whole()? != Some(0) {
            return Err((
                zero,
                "a mean counts a blank as 0; write AVG(COALESCE(column, 0))".into(),
            ));
        }
        tokens.expect(&Token::RParen, "write AVG(COALESCE(column, 0))")?;
    } else {
        without_blanks.push((column.clone(), place));
    }
    Ok(Number::Mean(column))
}
