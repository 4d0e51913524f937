//! The columns that divide a table, and numbers in bands.

use sqlparser::tokenizer::Token;

use crate::{
    error::{Fault, Place},
    schema::{CHILD, Kind},
    tokens::Tokens,
    translate::{Scope, Side},
};

/// A column that divides, or a number in bands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) column: String,
    pub(crate) bands: Option<Bands>,
}

/// A number in bands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bands {
    /// Lower bounds, ascending, each with its label.
    pub(crate) bounds: Vec<(i64, String)>,
    /// The name of a blank or smaller number.
    pub(crate) unknown: Option<String>,
}

/// The totals that a grouping shows, by the places of their keys; all where there is none.
pub(crate) type Margins = Option<Vec<Vec<usize>>>;

const CASE: &str = "a number is put into bands as in CASE WHEN exclusions >= 1 THEN 'yes' WHEN exclusions >= 0 THEN 'no' END";

/// A column, or a `CASE` of bands.
pub(crate) fn key(tokens: &mut Tokens, scope: &Scope<'_>) -> Result<(Key, Place), Fault> {
    let place = tokens.place();
    if tokens.take_words(&["case"]) {
        return Ok((case(tokens, scope)?, place));
    }
    let (side, column, kind, place) = scope.column(tokens)?;
    if column == CHILD {
        return Err((
            place,
            "each child would be a row, and only aggregates come out; divide by other columns"
                .into(),
        ));
    }
    if side == Side::Events {
        return Err((
            place,
            format!(
                "{column} is of an event, and a table divides children; divide by a column of children, or choose events with WHERE"
            ),
        ));
    }
    match kind {
        Kind::Text | Kind::Any => Ok((Key { column, bands: None }, place)),
        Kind::Number => Err((
            place,
            format!("{column} is a number, and each number would be a category; {CASE}"),
        )),
        Kind::Day => Err((
            place,
            format!(
                "{column} is a date; derive its month or year in columns.toml, and divide by that"
            ),
        )),
        Kind::Truth => Err((
            place,
            format!("{column} is yes or no, and divides no table; choose by it with WHERE"),
        )),
    }
}

fn case(tokens: &mut Tokens, scope: &Scope<'_>) -> Result<Key, Fault> {
    let mut of: Option<String> = None;
    let mut bounds: Vec<(i64, String)> = Vec::new();
    if !tokens.is_word("when") {
        return tokens.fault(format!("`WHEN` is expected; {CASE}"));
    }
    while tokens.take_words(&["when"]) {
        let (side, column, kind, place) = scope.column(tokens)?;
        if side == Side::Events || !kind.may_be(Kind::Number) {
            return Err((place, format!("{column} is no number of a child; {CASE}")));
        }
        if of.as_ref().is_some_and(|of| *of != column) {
            return Err((place, format!("one CASE is about one column; {CASE}")));
        }
        of = Some(column);
        tokens.expect(&Token::GtEq, CASE)?;
        let place = tokens.place();
        let Some(bound) = tokens.whole()? else {
            return tokens.fault(format!("a whole number is expected; {CASE}"));
        };
        if bounds.last().is_some_and(|(before, _)| bound >= *before) {
            return Err((place, "the bounds of a CASE fall: the first that fits is taken, so that a higher one behind it is never reached".into()));
        }
        tokens.expect_words(&["then"], CASE)?;
        bounds.push((bound, label(tokens)?));
    }
    let unknown = if tokens.take_words(&["else"]) { Some(label(tokens)?) } else { None };
    tokens.expect_words(&["end"], CASE)?;
    bounds.reverse();
    let column = of.unwrap_or_default();
    Ok(Key { column, bands: Some(Bands { bounds, unknown }) })
}

fn label(tokens: &mut Tokens) -> Result<String, Fault> {
    match tokens.text() {
        Some(text) => Ok(text),
        None => tokens.fault(format!("a label such as 'yes' is expected; {CASE}")),
    }
}

/// Everything behind `GROUP BY`: keys in order, and the totals.
pub(crate) fn grouping(
    tokens: &mut Tokens,
    scope: &Scope<'_>,
    selected: &[(Key, Option<String>)],
) -> Result<(Vec<Key>, Margins), Fault> {
    if tokens.take_words(&["cube"]) {
        return Ok((list(tokens, scope, selected)?, None));
    }
    if tokens.take_words(&["rollup"]) {
        let keys = list(tokens, scope, selected)?;
        let margins = (1..keys.len()).map(|long| (0..long).collect()).collect();
        return Ok((keys, Some(margins)));
    }
    if tokens.take_words(&["grouping", "sets"]) {
        return sets(tokens, scope, selected);
    }
    let mut keys = Vec::new();
    loop {
        add(tokens, scope, selected, &mut keys)?;
        if !tokens.take(&Token::Comma) {
            return Ok((keys, Some(Vec::new())));
        }
    }
}

/// Adds a key, which has no second place.
fn add(
    tokens: &mut Tokens,
    scope: &Scope<'_>,
    selected: &[(Key, Option<String>)],
    keys: &mut Vec<Key>,
) -> Result<(), Fault> {
    let place = tokens.place();
    let key = grouped(tokens, scope, selected)?;
    if keys.contains(&key) {
        return Err((place, format!("{} divides the table already; name it once", key.column)));
    }
    keys.push(key);
    Ok(())
}

/// One key of `GROUP BY`: by its place in the selection, by the name that it is given there, or written again.
fn grouped(
    tokens: &mut Tokens,
    scope: &Scope<'_>,
    selected: &[(Key, Option<String>)],
) -> Result<Key, Fault> {
    let place = tokens.place();
    if let Some(digits) = tokens.number() {
        let at = digits.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
        let key = at.and_then(|at| scope.ordinals.get(at).copied().flatten());
        let key = key.and_then(|of| selected.get(of)).map(|(key, _)| key.clone());
        return key.ok_or((
            place,
            format!("the selection has no column to divide by at place {digits}; name the column"),
        ));
    }
    for (key, alias) in selected {
        if let Some(alias) = alias
            && !tokens.is_function()
            && tokens.take_words(&[alias])
        {
            return Ok(key.clone());
        }
    }
    Ok(key(tokens, scope)?.0)
}

fn list(
    tokens: &mut Tokens,
    scope: &Scope<'_>,
    selected: &[(Key, Option<String>)],
) -> Result<Vec<Key>, Fault> {
    let why = "write the columns in parentheses, as in CUBE (ward, sex)";
    tokens.expect(&Token::LParen, why)?;
    let mut keys = Vec::new();
    loop {
        add(tokens, scope, selected, &mut keys)?;
        if !tokens.take(&Token::Comma) {
            tokens.expect(&Token::RParen, why)?;
            return Ok(keys);
        }
    }
}

fn sets(
    tokens: &mut Tokens,
    scope: &Scope<'_>,
    selected: &[(Key, Option<String>)],
) -> Result<(Vec<Key>, Margins), Fault> {
    let why = "write sets in parentheses, as in GROUPING SETS ((ward, sex), (ward), ())";
    let begin = tokens.place();
    tokens.expect(&Token::LParen, why)?;
    let mut all: Vec<Vec<Key>> = Vec::new();
    loop {
        tokens.expect(&Token::LParen, why)?;
        let mut set = Vec::new();
        while !tokens.take(&Token::RParen) {
            add(tokens, scope, selected, &mut set)?;
            if !tokens.take(&Token::Comma) {
                tokens.expect(&Token::RParen, why)?;
                break;
            }
        }
        all.push(set);
        if !tokens.take(&Token::Comma) {
            tokens.expect(&Token::RParen, why)?;
            break;
        }
    }
    let keys = all.iter().max_by_key(|set| set.len()).cloned().unwrap_or_default();
    let place_of = |key: &Key| keys.iter().position(|known| known == key);
    let mut margins: Vec<Vec<usize>> = Vec::new();
    for set in &all {
        let places: Option<Vec<usize>> = set.iter().map(place_of).collect();
        let Some(mut places) = places else {
            let what = "one set has all columns that the others have: it is the table, and the others are its totals";
            return Err((begin, what.to_owned()));
        };
        places.sort_unstable();
        if !places.is_empty() && places.len() < keys.len() && !margins.contains(&places) {
            margins.push(places);
        }
    }
    Ok((keys, Some(margins)))
}
