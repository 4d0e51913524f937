//! Columns of a dataset as codes: numbered by their values' order, a blank last.

use std::collections::HashMap;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, Int32Type, Int64Type},
};
use minster_model::{ColumnName, TableName};
use minster_risk::{Column, RiskError};
use minster_store::{Dataset, StoreError};

use super::policy::{Coarser, Rows, Take};

/// The column of the children's pseudonyms.
const CHILD: &str = "child";

/// Why a column cannot be coded.
#[derive(Debug, thiserror::Error)]
pub(super) enum CodingError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Measure(#[from] RiskError),
    #[error("{0}")]
    Policy(String),
}

/// The kind of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Every row is blank.
    Nothing,
    Text,
    /// Whole numbers, days since 1970, and 0 and 1 for no and yes.
    Whole,
    Fraction,
}

/// A value. Fractions are in the order of their bits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Value {
    Number(i64),
    Text(String),
    Blank,
}

/// A column as codes.
pub(super) struct Coded {
    pub(super) column: Column,
    pub(super) kind: Kind,
    /// The value of each code, ascending.
    values: Vec<Value>,
    /// Rows without a value.
    pub(super) blanks: u64,
}

/// The columns of the rows that are measured, in the order in which they are asked for.
pub(super) fn read(
    dataset: &Dataset,
    rows: &Rows,
    columns: &[&ColumnName],
) -> Result<Vec<Coded>, CodingError> {
    let has = |entry: &&minster_store::TableEntry| entry.name.as_str() == rows.table();
    let tables = &dataset.manifest().tables;
    let Some(entry) = tables.iter().find(has) else {
        let known: Vec<&str> = tables.iter().map(|of| of.name.as_str()).collect();
        let (table, known) = (rows.table(), known.join(", "));
        return Err(CodingError::Policy(format!("there is no table {table}; there are {known}")));
    };
    for column in columns.iter().copied().chain(&rows.by) {
        let Some(of) = entry.columns.iter().find(|of| of.name == column.as_str()) else {
            let known = entry.columns.iter().map(|of| of.name.as_str()).filter(|of| *of != CHILD);
            let known = known.collect::<Vec<_>>().join(", ");
            let (table, column) = (rows.table(), column.as_str());
            let why = format!("the table {table} has no column {column}; it has {known}");
            return Err(CodingError::Policy(why));
        };
        if of.data_type.starts_with("FixedSizeBinary") {
            let column = column.as_str();
            let why = format!("{column} is a pseudonym, which nobody outside knows; leave it out");
            return Err(CodingError::Policy(why));
        }
    }
    let taken = match (rows.take, &rows.by) {
        (Some(take), Some(by)) => Some(one_a_child(dataset, &entry.name, take, by)?),
        _ => None,
    };
    let names: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    let mut coders: Vec<Coder> = names.iter().map(|_| Coder::default()).collect();
    let mut first = 0;
    for batch in dataset.table_coded(&entry.name, Some(&names))? {
        let batch: RecordBatch = batch?;
        let is_taken = |row: usize| taken.as_ref().is_none_or(|taken| taken[first + row]);
        for (name, coder) in names.iter().zip(&mut coders) {
            coder.add(column_of(&batch, name)?, &is_taken).ok_or_else(|| unreadable(name))?;
        }
        first += batch.num_rows();
    }
    coders.into_iter().map(|coder| Ok(coder.finish()?)).collect()
}

fn column_of<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, CodingError> {
    batch.column_by_name(name).ok_or_else(|| unreadable(name))
}

fn unreadable(name: &str) -> CodingError {
    CodingError::Policy(format!(
        "the column {name} is of a type that cannot be measured; leave it out"
    ))
}

/// Whether each row of a table of events is the one that stands for its child. Where days are equal, the first in the table is the
/// first, and the last the latest; an event without a day stands for a child who has no other.
fn one_a_child(
    dataset: &Dataset,
    table: &TableName,
    take: Take,
    by: &ColumnName,
) -> Result<Vec<bool>, CodingError> {
    let mut best: HashMap<Vec<u8>, (Option<i64>, usize)> = HashMap::new();
    let mut at = 0;
    for batch in dataset.table(table, Some(&[CHILD, by.as_str()]))? {
        let batch: RecordBatch = batch?;
        let children = column_of(&batch, CHILD)?;
        let children = children.as_fixed_size_binary_opt().ok_or_else(|| unreadable(CHILD))?;
        let days = whole(column_of(&batch, by.as_str())?).ok_or_else(|| unreadable(by.as_str()))?;
        for (child, day) in children.iter().zip(days) {
            // Linking gives each event its child.
            let child = child.ok_or_else(|| unreadable(CHILD))?;
            match best.get_mut(child) {
                None => drop(best.insert(child.to_vec(), (day, at))),
                Some(known) => {
                    let goes_before = match (take, day, known.0) {
                        (_, None, Some(_)) => false,
                        (_, Some(_), None) => true,
                        (Take::First, day, known) => day < known,
                        (Take::Latest, day, known) => day >= known,
                    };
                    if goes_before {
                        *known = (day, at);
                    }
                }
            }
            at += 1;
        }
    }
    let mut taken = vec![false; at];
    best.into_values().for_each(|(_, row)| taken[row] = true);
    Ok(taken)
}

/// Whole numbers of a column; none where it has others.
fn whole(column: &ArrayRef) -> Option<Vec<Option<i64>>> {
    let numbers = match column.data_type() {
        DataType::Null => return Some(vec![None; column.len()]),
        DataType::Date32 => cast(&cast(column, &DataType::Int32).ok()?, &DataType::Int64).ok()?,
        DataType::Int64 | DataType::UInt32 | DataType::Int32 | DataType::Boolean => {
            cast(column, &DataType::Int64).ok()?
        }
        _ => return None,
    };
    Some(numbers.as_primitive_opt::<Int64Type>()?.iter().collect())
}

/// A number whose order is that of the fractions.
fn by_bits(fraction: f64) -> i64 {
    let bits = fraction.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// Numbers values as they come.
#[derive(Default)]
struct Coder {
    kind: Option<Kind>,
    known: HashMap<Value, u32>,
    codes: Vec<u32>,
}

impl Coder {
    fn code(&mut self, value: Value) -> u32 {
        let next = self.known.len() as u32;
        *self.known.entry(value).or_insert(next)
    }

    /// Adds the rows that are taken; nothing where the type is none of those that can be.
    fn add(&mut self, column: &ArrayRef, is_taken: &dyn Fn(usize) -> bool) -> Option<()> {
        let value = |number: Option<i64>| number.map_or(Value::Blank, Value::Number);
        let kind = match column.data_type() {
            DataType::Utf8
            | DataType::Utf8View
            | DataType::LargeUtf8
            | DataType::Dictionary(..) => {
                self.add_texts(column, is_taken)?;
                Kind::Text
            }
            DataType::Float64 => {
                let numbers = column.as_primitive_opt::<Float64Type>()?;
                for (row, number) in numbers.iter().enumerate() {
                    if is_taken(row) {
                        let code = self.code(value(number.map(by_bits)));
                        self.codes.push(code);
                    }
                }
                Kind::Fraction
            }
            of => {
                let kind = if *of == DataType::Null { Kind::Nothing } else { Kind::Whole };
                for (row, number) in whole(column)?.into_iter().enumerate() {
                    if is_taken(row) {
                        let code = self.code(value(number));
                        self.codes.push(code);
                    }
                }
                kind
            }
        };
        self.kind = Some(kind);
        Some(())
    }

    /// Each text of a batch's dictionary is looked up once.
    fn add_texts(&mut self, column: &ArrayRef, is_taken: &dyn Fn(usize) -> bool) -> Option<()> {
        let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let array = cast(column, &coded).ok()?;
        let array = array.as_dictionary_opt::<Int32Type>()?;
        let texts = array.values().as_string_opt::<i32>()?;
        let mut codes: Vec<Option<u32>> = vec![None; texts.len()];
        for (row, key) in array.keys().iter().enumerate() {
            if !is_taken(row) {
                continue;
            }
            let place = key.map(|key| key as usize).filter(|&key| texts.is_valid(key));
            let code = match place {
                None => self.code(Value::Blank),
                Some(place) => match codes[place] {
                    Some(code) => code,
                    None => {
                        let code = self.code(Value::Text(texts.value(place).to_owned()));
                        codes[place] = Some(code);
                        code
                    }
                },
            };
            self.codes.push(code);
        }
        Some(())
    }

    /// Numbers the values by their order.
    fn finish(self) -> Result<Coded, RiskError> {
        let mut values: Vec<(Value, u32)> = self.known.into_iter().collect();
        values.sort();
        let mut to = vec![0; values.len()];
        values.iter().enumerate().for_each(|(at, &(_, code))| to[code as usize] = at as u32);
        let blank = values.last().filter(|(value, _)| *value == Value::Blank);
        let blank = blank.map(|&(_, code)| code);
        let blanks = self.codes.iter().filter(|&&code| Some(code) == blank).count() as u64;
        let codes = self.codes.iter().map(|&code| to[code as usize]).collect();
        let column = Column::new(codes, values.len() as u32)?;
        let values = values.into_iter().map(|(value, _)| value).collect();
        Ok(Coded { column, kind: self.kind.unwrap_or(Kind::Nothing), values, blanks })
    }
}

impl Coded {
    /// The code of a blank, where a row has one: the last.
    pub(super) fn blank(&self) -> Option<u32> {
        let is_blank = self.values.last() == Some(&Value::Blank);
        is_blank.then(|| self.values.len() as u32 - 1)
    }

    /// How many values there are; a blank is none.
    pub(super) fn distinct(&self) -> u64 {
        self.values.len() as u64 - u64::from(self.blank().is_some())
    }

    /// The column in a given order of its texts, a blank last.
    pub(super) fn ordered(&self, name: &str, order: &[String]) -> Result<Self, CodingError> {
        let mut to = Vec::new();
        let mut unlisted = 0;
        for value in &self.values {
            let place = match value {
                Value::Text(text) => order.iter().position(|of| of == text),
                Value::Blank => Some(order.len()),
                Value::Number(_) => None,
            };
            unlisted += u32::from(place.is_none());
            to.push(place.unwrap_or_default() as u32);
        }
        if unlisted > 0 {
            let why = format!(
                "{unlisted} values of {name} are not in its `order`; list all texts, and no `order` of numbers"
            );
            return Err(CodingError::Policy(why));
        }
        let mut values: Vec<Value> = order.iter().cloned().map(Value::Text).collect();
        values.extend(self.blank().map(|_| Value::Blank));
        let column = self.column.coarser(&to, values.len() as u32)?;
        Ok(Self { column, kind: self.kind, values, blanks: self.blanks })
    }

    /// The column after a coarser treatment. `pairs` are those of a look-up, from value to group.
    pub(super) fn coarser(
        &self,
        name: &str,
        treatment: &Coarser,
        pairs: &[(String, String)],
    ) -> Result<Column, CodingError> {
        let group: Box<dyn Fn(&Value) -> Value> = match treatment {
            Coarser::Bands(width) if matches!(self.kind, Kind::Whole | Kind::Nothing) => {
                let width = i64::from(*width);
                Box::new(move |value| match value {
                    Value::Number(number) => Value::Number(number.div_euclid(width)),
                    other => other.clone(),
                })
            }
            Coarser::Bands(_) => {
                let why = format!(
                    "{name} has no whole numbers, so that it cannot be put into bands; give groups"
                );
                return Err(CodingError::Policy(why));
            }
            Coarser::Lookup(_) => {
                let groups: HashMap<&str, &str> =
                    pairs.iter().map(|(value, group)| (value.as_str(), group.as_str())).collect();
                Box::new(move |value| renamed(value, |text| groups.get(text).copied()))
            }
            Coarser::Groups(groups) => {
                let groups: HashMap<&str, &str> = groups
                    .iter()
                    .flat_map(|(group, values)| {
                        values.iter().map(|of| (of.as_str(), group.as_str()))
                    })
                    .collect();
                Box::new(move |value| renamed(value, |text| groups.get(text).copied()))
            }
        };
        let grouped: Vec<Value> = self.values.iter().map(group).collect();
        let mut groups: Vec<&Value> = grouped.iter().collect();
        groups.sort();
        groups.dedup();
        let to = grouped.iter().map(|of| groups.partition_point(|known| *known < of) as u32);
        Ok(self.column.coarser(&to.collect::<Vec<_>>(), groups.len() as u32)?)
    }
}

/// The group's name for a value; the value itself where it has none. A number is written as a look-up writes it.
fn renamed<'a>(value: &Value, group: impl Fn(&str) -> Option<&'a str>) -> Value {
    let named = match value {
        Value::Text(text) => group(text),
        Value::Number(number) => group(&number.to_string()),
        Value::Blank => None,
    };
    named.map_or_else(|| value.clone(), |name| Value::Text(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use arrow::array::{Date32Array, Float64Array, Int64Array, StringArray};

    use super::*;

    fn coded(columns: &[ArrayRef]) -> Coded {
        let mut coder = Coder::default();
        columns.iter().for_each(|column| assert!(coder.add(column, &|_| true).is_some()));
        coder.finish().unwrap_or_else(|error| panic!("{error}"))
    }

    fn texts<const N: usize>(texts: [Option<&str>; N]) -> ArrayRef {
        Arc::new(StringArray::from_iter(texts))
    }

    #[test]
    fn codes_are_in_the_order_of_values_and_a_blank_is_last() {
        let of = coded(&[texts([Some("M"), None, Some("F")]), texts([Some("X"), Some("F")])]);
        assert_eq!(of.column.codes(), [1, 3, 0, 2, 0]);
        assert_eq!((of.blank(), of.blanks, of.distinct()), (Some(3), 1, 3));
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(5), Some(-1), None]));
        assert_eq!(coded(&[days]).column.codes(), [1, 0, 2]);
        let fractions: ArrayRef = Arc::new(Float64Array::from(vec![0.5, -2.0, -1.0, 0.25]));
        assert_eq!(coded(&[fractions]).column.codes(), [3, 0, 1, 2]);
        // Equal texts of two batches, whose dictionaries number them otherwise, have one code.
        let two = coded(&[texts([Some("b"), Some("a")]), texts([Some("a"), Some("b")])]);
        assert_eq!(two.column.codes(), [1, 0, 0, 1]);
    }

    #[test]
    fn a_coarser_treatment_leaves_what_it_does_not_name() {
        let wards = coded(&[texts([Some("W1"), Some("W2"), Some("W3"), None])]);
        let pair = |ward: &str| (ward.to_owned(), "North".to_owned());
        let lookup = Coarser::Lookup("ward_locality".into());
        let grouped = wards.coarser("ward", &lookup, &[pair("W1"), pair("W2")]);
        let grouped = grouped.unwrap_or_else(|error| panic!("{error}"));
        // North, W3 and the blank.
        assert_eq!((grouped.codes(), grouped.values()), ([0, 0, 1, 2].as_slice(), 3));
        let groups = BTreeMap::from([("West".to_owned(), vec!["W3".to_owned(), "W1".to_owned()])]);
        let grouped = wards.coarser("ward", &Coarser::Groups(groups), &[]);
        assert_eq!(grouped.unwrap_or_else(|error| panic!("{error}")).codes(), [1, 0, 1, 2]);
        assert!(wards.coarser("ward", &Coarser::Bands(2), &[]).is_err());
        let years: ArrayRef =
            Arc::new(Int64Array::from(vec![Some(-1), Some(0), Some(2), Some(3), None]));
        let bands = coded(&[years]).coarser("year", &Coarser::Bands(3), &[]);
        assert_eq!(bands.unwrap_or_else(|error| panic!("{error}")).codes(), [0, 1, 1, 2, 3]);
    }

    #[test]
    fn an_order_lists_every_text() {
        let sen = coded(&[texts([Some("E"), Some("K"), Some("N"), None])]);
        let order = ["N", "K", "S", "E"].map(str::to_owned);
        let ordered = sen.ordered("sen", &order).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((ordered.column.codes(), ordered.column.values()), ([3, 1, 0, 4].as_slice(), 5));
        let why = sen.ordered("sen", &order[..3]).err().map(|error| error.to_string());
        assert!(why.is_some_and(|why| why.starts_with("1 values of sen are not in its `order`")));
    }
}
