//! The conditions behind `WHERE`.

use std::collections::BTreeMap;

use minster_model::Day;
use sqlparser::tokenizer::Token;

use crate::{
    error::Fault,
    schema::{CHILD, Kind, ON_SPINE},
    tokens::Tokens,
    translate::{Scope, Side},
};

/// A condition on a column: one kind of test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Test {
    In(Vec<String>),
    /// A blank passes.
    NotIn(Vec<String>),
    /// The least number that passes, and the least that no longer does.
    Numbers {
        at_least: Option<i64>,
        below: Option<i64>,
    },
    /// The first day that passes, and the last.
    Days {
        from: Option<Day>,
        until: Option<Day>,
    },
}

/// All conditions of a query.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) on_spine: bool,
    pub(crate) children: BTreeMap<String, Test>,
    pub(crate) events: BTreeMap<String, Test>,
}

const WAYS: &str = "a condition is = or IN of texts; =, >, >=, <, <= or BETWEEN of whole numbers and dates; on_spine; several are joined by AND";

/// A written value.
enum Value {
    Text(String),
    Whole(i64),
    Day(Day),
}

/// Everything behind `WHERE`.
pub(crate) fn conditions(tokens: &mut Tokens, scope: &Scope<'_>) -> Result<Conditions, Fault> {
    let mut found = Conditions::default();
    loop {
        condition(tokens, scope, &mut found)?;
        if tokens.is_word("or") {
            return tokens.fault("OR joins no conditions of a release; write IN for several values of one column, or two queries");
        }
        if !tokens.take_words(&["and"]) {
            return Ok(found);
        }
    }
}

fn condition(tokens: &mut Tokens, scope: &Scope<'_>, found: &mut Conditions) -> Result<(), Fault> {
    if tokens.is_word("not") || tokens.is_word("exists") {
        return tokens
            .fault(format!("{} begins no condition of a release; {WAYS}", tokens.shown()));
    }
    // `(column NOT IN (…) OR column IS NULL)` stands in parentheses.
    let is_nested = tokens.take(&Token::LParen);
    let (side, column, kind, place) = scope.column(tokens)?;
    if column == CHILD {
        return Err((place, "no release is about one child; choose by other columns".into()));
    }
    let test = if kind == Kind::Truth && side == Side::Children && column == ON_SPINE {
        truth(tokens)?;
        found.on_spine = true;
        None
    } else {
        Some(test(tokens, scope, (side, &column, kind), is_nested)?)
    };
    if is_nested {
        tokens.expect(&Token::RParen, "close the condition that was opened")?;
    }
    let Some(test) = test else { return Ok(()) };
    let of_side = match side {
        Side::Children => &mut found.children,
        Side::Events => {
            if matches!(test, Test::Numbers { .. }) {
                return Err((
                    place,
                    format!(
                        "events are chosen by texts and dates, and {column} has numbers; leave it out"
                    ),
                ));
            }
            &mut found.events
        }
    };
    let both = match of_side.remove(&column) {
        None => Some(test),
        Some(before) => before.and(test),
    };
    let Some(both) = both else {
        return Err((
            place,
            format!("two conditions on {column} that are no bounds; write one, with IN"),
        ));
    };
    of_side.insert(column, both);
    Ok(())
}

/// `on_spine`, `on_spine = TRUE` or `on_spine IS TRUE`.
fn truth(tokens: &mut Tokens) -> Result<(), Fault> {
    if (tokens.take(&Token::Eq) || tokens.take_words(&["is"])) && !tokens.take_words(&["true"]) {
        return tokens.fault(
            "a release is about the pupils of the council's schools, or about all children; write on_spine, or leave it out",
        );
    }
    Ok(())
}

fn test(
    tokens: &mut Tokens,
    scope: &Scope<'_>,
    (side, column, kind): (Side, &str, Kind),
    is_nested: bool,
) -> Result<Test, Fault> {
    let place = tokens.place();
    let blanks = || {
        format!(
            "in SQL a blank does not pass this, and a release counts it; write ({column} NOT IN (…) OR {column} IS NULL)"
        )
    };
    if tokens.take_words(&["not", "in"]) {
        let texts = texts(tokens, column, kind)?;
        let or = tokens.take_words(&["or"]);
        // A column of this name may stand in both tables.
        let again = if or {
            let (same_side, same, ..) = scope.column(tokens)?;
            same_side == side && same == column
        } else {
            false
        };
        if !(is_nested && again && tokens.take_words(&["is", "null"])) {
            return Err((place, blanks()));
        }
        return Ok(Test::NotIn(texts));
    }
    if tokens.take(&Token::Neq) {
        return Err((place, blanks()));
    }
    if tokens.take_words(&["in"]) {
        return Ok(Test::In(texts(tokens, column, kind)?));
    }
    if tokens.take_words(&["between"]) {
        let low = value(tokens, column, kind)?;
        tokens.expect_words(&["and"], "BETWEEN has two bounds")?;
        let high = value(tokens, column, kind)?;
        let both = bound(&Token::GtEq, low).zip(bound(&Token::LtEq, high));
        let both = both.and_then(|(low, high)| low.and(high));
        return both.ok_or((place, format!("BETWEEN is of numbers and dates; {WAYS}")));
    }
    for operator in [Token::Eq, Token::GtEq, Token::LtEq, Token::Gt, Token::Lt] {
        if tokens.take(&operator) {
            let value = value(tokens, column, kind)?;
            return match (&operator, value) {
                (Token::Eq, Value::Text(text)) => Ok(Test::In(vec![text])),
                (_, value) => bound(&operator, value).ok_or((
                    place,
                    format!("{operator} is of numbers and dates that a bound can have; {WAYS}"),
                )),
            };
        }
    }
    tokens.fault(format!("{} is no condition of a release; {WAYS}", tokens.shown()))
}

/// A list of texts in parentheses.
fn texts(tokens: &mut Tokens, column: &str, kind: Kind) -> Result<Vec<String>, Fault> {
    let why = "a list of texts is expected, as in ('K', 'E')";
    tokens.expect(&Token::LParen, why)?;
    let mut texts = Vec::new();
    loop {
        match value(tokens, column, kind)? {
            Value::Text(text) => texts.push(text),
            _ => return tokens.fault(format!("IN is of texts; {WAYS}")),
        }
        if !tokens.take(&Token::Comma) {
            tokens.expect(&Token::RParen, why)?;
            return Ok(texts);
        }
    }
}

/// A value that fits the column.
fn value(tokens: &mut Tokens, column: &str, kind: Kind) -> Result<Value, Fault> {
    let place = tokens.place();
    let is_date = tokens.take_words(&["date"]);
    if let Some(text) = tokens.text() {
        if kind == Kind::Day || is_date {
            return match kind.may_be(Kind::Day) {
                true => Ok(Value::Day(text.parse().map_err(|why| (place, why))?)),
                false => Err((place, format!("{column} has no dates"))),
            };
        }
        return match kind.may_be(Kind::Text) {
            true => Ok(Value::Text(text)),
            false => Err((place, format!("{column} has no texts; compare it with a number"))),
        };
    }
    match tokens.whole()? {
        Some(number) if !is_date && kind.may_be(Kind::Number) => Ok(Value::Whole(number)),
        Some(_) => Err((
            place,
            format!(
                "{column} has no numbers; write a text such as 'K', or a date such as DATE '2025-03-31'"
            ),
        )),
        None => {
            Err((place, format!("a value is expected, and {} stands here; {WAYS}", tokens.shown())))
        }
    }
}

/// The bound that a comparison is; none where it is of texts, or beyond all numbers.
fn bound(operator: &Token, value: Value) -> Option<Test> {
    let numbers = |at_least, below| Some(Test::Numbers { at_least, below });
    let days = |from: Option<i32>, until: Option<i32>| {
        Some(Test::Days { from: from.map(Day), until: until.map(Day) })
    };
    match (operator, value) {
        (Token::Eq, Value::Whole(number)) => numbers(Some(number), Some(number.checked_add(1)?)),
        (Token::GtEq, Value::Whole(number)) => numbers(Some(number), None),
        (Token::Gt, Value::Whole(number)) => numbers(Some(number.checked_add(1)?), None),
        (Token::Lt, Value::Whole(number)) => numbers(None, Some(number)),
        (Token::LtEq, Value::Whole(number)) => numbers(None, Some(number.checked_add(1)?)),
        (Token::Eq, Value::Day(day)) => days(Some(day.0), Some(day.0)),
        (Token::GtEq, Value::Day(day)) => days(Some(day.0), None),
        (Token::Gt, Value::Day(day)) => days(Some(day.0.checked_add(1)?), None),
        (Token::Lt, Value::Day(day)) => days(None, Some(day.0.checked_sub(1)?)),
        (Token::LtEq, Value::Day(day)) => days(None, Some(day.0)),
        _ => None,
    }
}

impl Test {
    /// Both tests as one: of two bounds, the one that lets fewer pass.
    fn and(self, other: Self) -> Option<Self> {
        fn tighter<T>(a: Option<T>, b: Option<T>, of: impl Fn(T, T) -> T) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(of(a, b)),
                (a, b) => a.or(b),
            }
        }
        match (self, other) {
            (Self::Numbers { at_least, below }, Self::Numbers { at_least: least, below: most }) => {
                let (at_least, below) =
                    (tighter(at_least, least, i64::max), tighter(below, most, i64::min));
                Some(Self::Numbers { at_least, below })
            }
            (Self::Days { from, until }, Self::Days { from: first, until: last }) => {
                let (from, until) =
                    (tighter(from, first, Day::max), tighter(until, last, Day::min));
                Some(Self::Days { from, until })
            }
            _ => None,
        }
    }

    /// Whether a blank does not pass.
    pub(crate) fn leaves_blanks_out(&self) -> bool {
        !matches!(self, Self::NotIn(_))
    }
}
