//! The tables that stand beside the children: events, each with its child, and the rows about persons, each with its child.

use std::sync::Arc;

use ahash::HashMap;
use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, DictionaryArray, FixedSizeBinaryBuilder, Int64Array,
        RecordBatch, StringArray, UInt32Array,
    },
    datatypes::{DataType, Field, Int32Type, Schema},
};
use minster_model::{Day, Pseudonym};

use crate::{
    MatchError,
    definition::{DayPrecision, EventTable},
    summary::SummarisedRow,
    values::{NumericColumn, OneType, TextCodes},
};

/// The table with a row for each row about a person: where it stands, and its child.
pub const CROSSWALK: &str = "crosswalk";

/// A cell without a value.
const BLANK: i64 = i64::MIN;

/// The rows of an event table, gathered while the source's tables are read.
pub(crate) struct Events<'a> {
    table: &'a EventTable,
    /// For each column its texts, and what it holds.
    words: Vec<(TextCodes, OneType)>,
    /// Child and cells of each event, and how many there are of it.
    rows: HashMap<Box<[i64]>, i64>,
}

impl<'a> Events<'a> {
    pub(crate) fn new(table: &'a EventTable) -> Self {
        let columns = table.columns();
        let words = columns.iter().map(|_| Default::default()).collect();
        Self { table, words, rows: HashMap::default() }
    }

    /// Takes rows of a batch.
    pub(crate) fn add(
        &mut self,
        batch: &RecordBatch,
        rows: impl Iterator<Item = SummarisedRow>,
    ) -> Result<(), MatchError> {
        let mut cells = Vec::new();
        for ((column, name), (words, kind)) in self.table.columns().iter().zip(&mut self.words) {
            let numbers = NumericColumn::of(batch, column, words)?;
            kind.is_that_of(batch, column)?;
            cells.push((numbers, *name == "date" && self.table.by == DayPrecision::Month));
        }
        for taken in rows {
            let cell = |(numbers, by_month): &(NumericColumn, bool)| match numbers
                .at(taken.row as usize)
            {
                None => BLANK,
                Some(day) if *by_month => i64::from(Day(day as i32).first_of_month().0),
                Some(value) => value,
            };
            let row = std::iter::once(i64::from(taken.child)).chain(cells.iter().map(cell));
            *self.rows.entry(row.collect()).or_default() += 1;
        }
        Ok(())
    }

    /// The table: children in order, and the events of each by day, kind and codes. `wanted` says of whom.
    pub(crate) fn finish(
        self,
        names: &[Pseudonym],
        wanted: &[bool],
    ) -> Result<RecordBatch, MatchError> {
        let Self { table, words, rows } = self;
        let of_wanted = |(row, _): &(Box<[i64]>, i64)| wanted[row[0] as usize];
        let mut rows: Vec<(Box<[i64]>, i64)> = rows.into_iter().filter(of_wanted).collect();
        let text = |column: usize, code: i64| words[column].0.text(code);
        rows.sort_unstable_by(|(a, _), (b, _)| {
            let columns = (0..words.len()).map(|column| {
                let (a, b) = (a[column + 1], b[column + 1]);
                match words[column].0.are_used {
                    true => text(column, a).cmp(&text(column, b)),
                    false => a.cmp(&b),
                }
            });
            a[0].cmp(&b[0]).then_with(|| {
                columns.fold(std::cmp::Ordering::Equal, |known, next| known.then(next))
            })
        });
        if table.count.is_none() {
            // Equal events without a count are as many rows.
            rows = rows
                .into_iter()
                .flat_map(|(row, events)| (0..events).map(move |_| (row.clone(), 1)))
                .collect();
        }
        let children = rows.iter().map(|(row, _)| names[row[0] as usize]);
        let mut fields: Vec<(String, ArrayRef)> = vec![("child".into(), pseudonyms(children)?)];
        for (place, (_, name)) in table.columns().iter().enumerate() {
            let cells =
                rows.iter().map(|(row, _)| Some(row[place + 1]).filter(|cell| *cell != BLANK));
            fields.push(((*name).to_owned(), array(cells, &words[place])));
        }
        if let Some(count) = &table.count {
            let counts = Int64Array::from_iter_values(rows.iter().map(|(_, events)| *events));
            fields.push((count.to_string(), Arc::new(counts)));
        }
        batch(fields)
    }
}

fn array(
    cells: impl Iterator<Item = Option<i64>>,
    (words, kind): &(TextCodes, OneType),
) -> ArrayRef {
    if words.are_used {
        return Arc::new(StringArray::from_iter(cells.map(|code| words.text(code?))));
    }
    match kind.0 {
        Some(DataType::Date32) => {
            Arc::new(Date32Array::from_iter(cells.map(|day| day.map(|day| day as i32))))
        }
        Some(DataType::Boolean) => {
            Arc::new(BooleanArray::from_iter(cells.map(|flag| flag.map(|flag| flag != 0))))
        }
        _ => Arc::new(Int64Array::from_iter(cells)),
    }
}

pub(crate) fn pseudonyms(
    children: impl ExactSizeIterator<Item = Pseudonym>,
) -> Result<ArrayRef, MatchError> {
    let mut pseudonyms =
        FixedSizeBinaryBuilder::with_capacity(children.len(), Pseudonym::LEN as i32);
    for child in children {
        pseudonyms.append_value(child.as_bytes())?;
    }
    Ok(Arc::new(pseudonyms.finish()))
}

/// A batch of these columns, by name.
pub(crate) fn batch(fields: Vec<(String, ArrayRef)>) -> Result<RecordBatch, MatchError> {
    let schema: Vec<Field> = fields
        .iter()
        .map(|(name, values)| Field::new(name, values.data_type().clone(), true))
        .collect();
    let arrays = fields.into_iter().map(|(_, values)| values).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(schema)), arrays)?)
}

/// Where rows about persons stand, and who they are about.
#[derive(Default)]
pub(crate) struct Crosswalk {
    places: [CodedTexts; 3],
    rows: Vec<u32>,
    children: Vec<Pseudonym>,
    linkage: CodedTexts,
}

/// A column of few texts: each text once, and a code a row.
#[derive(Default)]
struct CodedTexts {
    texts: Vec<String>,
    codes: Vec<i32>,
}

impl CodedTexts {
    fn add(&mut self, text: &str) {
        let known = self.texts.iter().rposition(|known| known == text);
        let code = known.unwrap_or_else(|| {
            self.texts.push(text.to_owned());
            self.texts.len() - 1
        });
        self.codes.push(code as i32);
    }

    fn finish(self) -> Result<ArrayRef, MatchError> {
        let texts = StringArray::from_iter_values(&self.texts);
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(self.codes.into(), Arc::new(texts))?))
    }
}

impl Crosswalk {
    /// Adds the row of a table; `row` counts the dataset's rows from 1.
    pub(crate) fn add(&mut self, place: [&str; 3], row: u32, child: Pseudonym, linkage: &str) {
        self.places.iter_mut().zip(place).for_each(|(all, one)| all.add(one));
        self.rows.push(row);
        self.children.push(child);
        self.linkage.add(linkage);
    }

    /// The table.
    pub(crate) fn finish(self) -> Result<RecordBatch, MatchError> {
        let [source, period, table] = self.places;
        batch(vec![
            ("source".into(), source.finish()?),
            ("period".into(), period.finish()?),
            ("table".into(), table.finish()?),
            ("row".into(), Arc::new(UInt32Array::from(self.rows))),
            ("child".into(), pseudonyms(self.children.into_iter())?),
            ("linkage".into(), self.linkage.finish()?),
        ])
    }
}
