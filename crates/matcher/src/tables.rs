//! The tables that stand beside the children: events, each with its child, and the rows about persons, each with its child.

use std::sync::Arc;

use ahash::HashMap;
use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, DictionaryArray, FixedSizeBinaryArray, Int64Array,
        RecordBatch, StringArray, UInt32Array,
    },
    datatypes::{DataType, Field, Int32Type, Schema},
};
use minster_model::{Day, Pseudonym};

use crate::{
    MatchError,
    children::Linkage,
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
    let mut bytes = Vec::with_capacity(children.len() * Pseudonym::LEN);
    children.for_each(|child| bytes.extend_from_slice(child.as_bytes()));
    Ok(Arc::new(FixedSizeBinaryArray::try_new(Pseudonym::LEN as i32, bytes.into(), None)?))
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
    /// The children's numbers, row after row.
    children: Vec<u8>,
    linkage: Vec<i32>,
}

/// A column of few texts: each text once, and a code a row.
#[derive(Default)]
struct CodedTexts {
    texts: Vec<String>,
    codes: Vec<i32>,
}

impl CodedTexts {
    /// Adds the same text for so many rows.
    fn add(&mut self, text: &str, rows: usize) {
        let known = self.texts.iter().rposition(|known| known == text);
        let code = known.unwrap_or_else(|| {
            self.texts.push(text.to_owned());
            self.texts.len() - 1
        });
        self.codes.extend(std::iter::repeat_n(code as i32, rows));
    }

    fn finish(self) -> Result<ArrayRef, MatchError> {
        coded(self.texts.iter().map(String::as_str), self.codes)
    }
}

fn coded<'t>(
    texts: impl Iterator<Item = &'t str>,
    codes: Vec<i32>,
) -> Result<ArrayRef, MatchError> {
    let texts = StringArray::from_iter_values(texts);
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(codes.into(), Arc::new(texts))?))
}

impl Crosswalk {
    /// Adds the rows of a table, each with its child and the way by which it was linked: the dataset's rows, counted from 1.
    pub(crate) fn add(
        &mut self,
        place: [&str; 3],
        rows: impl ExactSizeIterator<Item = (Pseudonym, Linkage)>,
    ) {
        self.places.iter_mut().zip(place).for_each(|(all, one)| all.add(one, rows.len()));
        self.rows.extend(1..=rows.len() as u32);
        self.children.reserve(rows.len() * Pseudonym::LEN);
        self.linkage.reserve(rows.len());
        for (child, linkage) in rows {
            self.children.extend_from_slice(child.as_bytes());
            self.linkage.push(linkage as i32);
        }
    }

    /// The table.
    pub(crate) fn finish(self) -> Result<RecordBatch, MatchError> {
        let [source, period, table] = self.places;
        let width = Pseudonym::LEN as i32;
        let children = FixedSizeBinaryArray::try_new(width, self.children.into(), None)?;
        batch(vec![
            ("source".into(), source.finish()?),
            ("period".into(), period.finish()?),
            ("table".into(), table.finish()?),
            ("row".into(), Arc::new(UInt32Array::from(self.rows))),
            ("child".into(), Arc::new(children)),
            ("linkage".into(), coded(Linkage::ALL.iter().map(|way| way.code()), self.linkage)?),
        ])
    }
}
