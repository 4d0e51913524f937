//! From the tokens of a query to what a definition says.

use minster_model::{ColumnName, TableName};
use sqlparser::tokenizer::Token;

use crate::{
    LONGEST,
    conditions::{self, Conditions},
    error::{Fault, Place, QueryError, with_line},
    grouping::{self, Key, Margins},
    measures::{self, Number, WithoutBlanks},
    schema::{CHILD, CHILDREN, Kind, Schema, did_you_mean, known},
    tokens::{Name, Tokens},
    written,
};

/// The table that a column is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Children,
    Events,
}

/// The tables of a query.
pub(crate) struct Scope<'a> {
    schema: &'a Schema,
    /// Whether columns of children can be named.
    has_children: bool,
    /// The table of events that is counted.
    pub(crate) events: Option<(&'a str, &'a [(String, Kind)])>,
    /// For each place of the selection that is a key, its place among the keys.
    pub(crate) ordinals: Vec<Option<usize>>,
}

impl Scope<'_> {
    /// A column, maybe with its table before it.
    pub(crate) fn column(&self, tokens: &mut Tokens) -> Result<(Side, String, Kind, Place), Fault> {
        let first = tokens.name("a column")?;
        if !tokens.take(&Token::Period) {
            return self.bare(&first);
        }
        let name = tokens.name("a column")?;
        let is_table =
            |table: &str| known(&first.text, first.quoted, [table].into_iter()).is_some();
        if self.has_children && is_table(CHILDREN) {
            return self.of(Side::Children, &name);
        }
        match self.events {
            Some((table, _)) if is_table(table) => self.of(Side::Events, &name),
            _ => Err((
                first.place,
                format!("{} is no table of this query; name tables behind FROM", first.text),
            )),
        }
    }

    fn bare(&self, name: &Name) -> Result<(Side, String, Kind, Place), Fault> {
        let of_children = self.of(Side::Children, name);
        let of_events = self.of(Side::Events, name);
        match (of_children, of_events) {
            (Ok(_), Ok((_, column, ..))) if column != CHILD => Err((
                name.place,
                format!(
                    "both tables have a column {column}; write children.{column}, or the other table's name before it"
                ),
            )),
            (Ok(found), _) | (Err(_), Ok(found)) => Ok(found),
            (Err(_), Err(_)) => {
                let names = self.names(Side::Children).chain(self.names(Side::Events));
                let names: Vec<&str> = names.collect();
                let hint = did_you_mean(&name.text, names.iter().copied());
                Err((name.place, format!("there is no column {}; {hint}", name.text)))
            }
        }
    }

    fn names(&self, side: Side) -> impl Iterator<Item = &str> + Clone {
        self.columns(side).iter().map(|(name, _)| name.as_str())
    }

    fn columns(&self, side: Side) -> &[(String, Kind)] {
        match (side, self.events) {
            (Side::Children, _) if self.has_children => &self.schema.children,
            (Side::Events, Some((_, columns))) => columns,
            _ => &[],
        }
    }

    fn of(&self, side: Side, name: &Name) -> Result<(Side, String, Kind, Place), Fault> {
        let columns = self.columns(side);
        let found = known(&name.text, name.quoted, self.names(side));
        let found = found.and_then(|found| columns.iter().find(|(column, _)| column == found));
        match found {
            Some((column, kind)) => Ok((side, column.clone(), *kind, name.place)),
            None => {
                let hint = did_you_mean(&name.text, self.names(side));
                Err((name.place, format!("there is no column {}; {hint}", name.text)))
            }
        }
    }
}

/// A query, understood.
pub(crate) struct Query {
    pub(crate) events: Option<String>,
    pub(crate) keys: Vec<(Key, String)>,
    pub(crate) numbers: Vec<(Number, String)>,
    pub(crate) margins: Margins,
    pub(crate) conditions: Conditions,
}

/// The text of the definition that a query is.
///
/// # Errors
/// [`QueryError`] at the first place that no definition can say, with what to write instead.
pub fn definition(sql: &str, name: &TableName, schema: &Schema) -> Result<String, QueryError> {
    let understood = understood(sql, schema).map_err(|fault| with_line(sql, fault))?;
    Ok(written::text(&understood, name, schema))
}

fn understood(sql: &str, schema: &Schema) -> Result<Query, Fault> {
    let start = Place { line: 1, column: 1 };
    if sql.len() > LONGEST {
        return Err((
            start,
            format!("a query has at most {LONGEST} bytes; write a definition instead"),
        ));
    }
    let mut tokens = Tokens::of(sql)?;
    if tokens.is_word("with") {
        return tokens.fault(
            "a query has no parts with names; derive columns in columns.toml, and write one SELECT",
        );
    }
    tokens.expect_words(&["select"], "a query begins with SELECT, and changes nothing")?;
    // The meaning of the columns depends on the tables behind them.
    let selection = tokens.skip_to("from")?;
    let mut scope = from(&mut tokens, schema)?;
    let after_from = tokens.mark();
    tokens.go_to(selection);
    let mut without_blanks = WithoutBlanks::new();
    let mut items = Vec::new();
    loop {
        items.push(item(&mut tokens, &scope, &mut without_blanks)?);
        if !tokens.take(&Token::Comma) {
            break;
        }
    }
    if !tokens.is_word("from") {
        return tokens.fault(format!(
            "{} stands where FROM is expected; separate what is selected by commas",
            tokens.shown()
        ));
    }
    tokens.go_to(after_from);
    let conditions = match tokens.take_words(&["where"]) {
        true => conditions::conditions(&mut tokens, &scope)?,
        false => Conditions::default(),
    };
    let selected: Vec<(Key, Option<String>)> = items
        .iter()
        .filter_map(|item| match &item.what {
            What::Key(key) => Some((key.clone(), item.alias.clone())),
            What::Number(_) => None,
        })
        .collect();
    let mut next = 0..;
    scope.ordinals = items
        .iter()
        .map(|item| matches!(item.what, What::Key(_)).then(|| next.next().unwrap_or_default()))
        .collect();
    let (keys, margins) = match tokens.take_words(&["group", "by"]) {
        true => grouping::grouping(&mut tokens, &scope, &selected)?,
        false => (Vec::new(), None),
    };
    end(&mut tokens)?;
    for item in &items {
        if let What::Key(key) = &item.what
            && !keys.contains(key)
        {
            let what = format!(
                "{} is selected, and GROUP BY does not name it; no row of a child comes out",
                key.column
            );
            return Err((item.place, what));
        }
    }
    if keys.is_empty() {
        let place = items.first().map_or(start, |item| item.place);
        return Err((
            place,
            "a table is divided by something; add GROUP BY, as in GROUP BY sex".into(),
        ));
    }
    for (column, place) in without_blanks {
        let is_left_out =
            conditions.children.get(&column).is_some_and(conditions::Test::leaves_blanks_out);
        if !is_left_out {
            let what = format!(
                "AVG leaves blanks out, and a release counts them as 0; write AVG(COALESCE({column}, 0)), or choose with WHERE {column} >= 0"
            );
            return Err((place, what));
        }
    }
    let keys = keys.into_iter().map(|key| {
        let alias = selected.iter().find(|(of, _)| *of == key).and_then(|(_, alias)| alias.clone());
        let name = alias.unwrap_or_else(|| key.column.clone());
        (key, name)
    });
    let keys: Vec<(Key, String)> = keys.collect();
    let numbers = numbers(items, &keys, scope.events.map(|(table, _)| table))?;
    let events = scope.events.map(|(table, _)| table.to_owned());
    Ok(Query { events, keys, numbers, margins, conditions })
}

/// A selected column or number.
enum What {
    Key(Key),
    Number(Number),
}

struct Item {
    what: What,
    alias: Option<String>,
    place: Place,
}

fn item(
    tokens: &mut Tokens,
    scope: &Scope<'_>,
    without_blanks: &mut WithoutBlanks,
) -> Result<Item, Fault> {
    let place = tokens.place();
    if tokens.is_word("distinct") {
        return tokens.fault(
            "rows are never listed; leave DISTINCT out, and name what divides behind GROUP BY",
        );
    }
    if tokens.take(&Token::Mul) {
        return Err((
            place,
            "`*` would be rows of children, and only aggregates come out; write COUNT(*)".into(),
        ));
    }
    let what = match measures::begins(tokens) {
        true => What::Number(measures::number(tokens, scope, without_blanks)?),
        false => What::Key(grouping::key(tokens, scope)?.0),
    };
    let mut alias = None;
    if tokens.take_words(&["as"]) {
        let name = tokens.name("a name")?;
        if name.text.parse::<ColumnName>().is_err() {
            return Err((
                name.place,
                "a name has letters, digits and _ alone; give another".into(),
            ));
        }
        if let What::Key(key) = &what
            && let Ok((_, column, ..)) = scope.bare(&name)
            && column != key.column
        {
            let what = format!(
                "the table has a column {column}, and GROUP BY could mean either; give another name"
            );
            return Err((name.place, what));
        }
        alias = Some(name.text);
    }
    Ok(Item { what, alias, place })
}

/// The numbers with their names. The count of children needs none: every table has it.
fn numbers(
    items: Vec<Item>,
    keys: &[(Key, String)],
    events: Option<&str>,
) -> Result<Vec<(Number, String)>, Fault> {
    let mut numbers: Vec<(Number, String)> = Vec::new();
    for Item { what, alias, place } in items {
        let What::Number(number) = what else { continue };
        let name = match (&number, alias) {
            (Number::Children, alias) => {
                if alias.is_some_and(|alias| alias != CHILDREN) {
                    return Err((place, "the count of children has the name children in every release; leave AS out".into()));
                }
                continue;
            }
            (_, Some(alias)) => alias,
            (Number::Events, None) => events.unwrap_or_default().to_owned(),
            (Number::Sum(of) | Number::SumOfEvents(of), None) => of.clone(),
            (Number::Mean(of), None) => format!("mean_{of}"),
            (Number::Ratio { .. }, None) => {
                return Err((
                    place,
                    "a quotient needs a name; write AS absence_rate behind it".into(),
                ));
            }
        };
        let taken = numbers.iter().map(|(_, name)| name).chain(keys.iter().map(|(_, name)| name));
        if name == CHILDREN || taken.into_iter().any(|of| *of == name) {
            return Err((
                place,
                format!("two columns of the table would be called {name}; name one with AS"),
            ));
        }
        numbers.push((number, name));
    }
    Ok(numbers)
}

/// Everything behind `FROM`.
fn from<'a>(tokens: &mut Tokens, schema: &'a Schema) -> Result<Scope<'a>, Fault> {
    let (first, _) = table(tokens, schema)?;
    let mut scope =
        Scope { schema, has_children: first.is_none(), events: first, ordinals: Vec::new() };
    let join = tokens.place();
    let is_join = tokens.take_words(&["inner", "join"]) || tokens.take_words(&["join"]);
    if is_join {
        let (second, place) = table(tokens, schema)?;
        if second.is_some() == scope.events.is_some() {
            return Err((
                place,
                "one table of events stands beside the children; join it with the table children"
                    .into(),
            ));
        }
        scope.events = scope.events.or(second);
        scope.has_children = true;
        let why = "events belong to a child by the column child; write USING (child)";
        tokens.expect_words(&["using"], why)?;
        tokens.expect(&Token::LParen, why)?;
        tokens.expect_words(&[CHILD], why)?;
        tokens.expect(&Token::RParen, why)?;
    }
    let others = ["left", "right", "full", "cross", "natural", "join", "inner"];
    if tokens.take(&Token::Comma) || others.iter().any(|word| tokens.is_word(word)) {
        return Err((join, "a release has the children, or one table of events JOIN children USING (child); children without an event need a definition with a counted column (docs/recipes.md)".into()));
    }
    Ok(scope)
}

type EventTable<'a> = Option<(&'a str, &'a [(String, Kind)])>;

/// A table; none where it is that of the children.
fn table<'a>(tokens: &mut Tokens, schema: &'a Schema) -> Result<(EventTable<'a>, Place), Fault> {
    if tokens.take(&Token::LParen) {
        return tokens.fault(
            "no query stands within a query; derive columns in columns.toml, and choose with WHERE",
        );
    }
    let name = tokens.name("a table")?;
    let tables = schema.events.iter().map(|(table, _)| table.as_str());
    let tables = std::iter::once(CHILDREN).chain(tables);
    let Some(found) = known(&name.text, name.quoted, tables.clone()) else {
        return Err((
            name.place,
            format!("there is no table {}; {}", name.text, did_you_mean(&name.text, tables)),
        ));
    };
    let of = schema.events.iter().find(|(table, _)| table == found);
    Ok((of.map(|(table, columns)| (table.as_str(), columns.as_slice())), name.place))
}

/// Nothing stands behind the last part.
fn end(tokens: &mut Tokens) -> Result<(), Fault> {
    let instead = [
        ("having", "which cells are withheld is disclosure control's to say; leave HAVING out"),
        ("order", "a table has the order of its categories; leave ORDER BY out"),
        ("limit", "a table is released whole; leave LIMIT out"),
        ("offset", "a table is released whole; leave OFFSET out"),
        ("fetch", "a table is released whole; leave FETCH out"),
        ("union", "two queries are two tables; write them apart, or as two tables of a definition"),
        ("except", "tables are not subtracted; choose with WHERE"),
        ("intersect", "tables are not compared; choose with WHERE"),
        ("window", "a release has no windows; divide with GROUP BY"),
        ("where", "WHERE stands once, before GROUP BY; join conditions by AND"),
        ("as", "tables have no other names here; write their whole names"),
    ];
    for (word, what) in instead {
        if tokens.is_word(word) {
            return tokens.fault(what);
        }
    }
    let at = tokens.place();
    if tokens.take(&Token::SemiColon) && !tokens.at_end() {
        return Err((at, "one query is one SELECT; write the second apart".into()));
    }
    match tokens.at_end() {
        true => Ok(()),
        false => tokens.fault(format!(
            "{} is no part of a query here; behind FROM come WHERE and GROUP BY",
            tokens.shown()
        )),
    }
}
