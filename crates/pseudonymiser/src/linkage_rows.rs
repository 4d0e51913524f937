//! The linkage dataset of a delivery: for each accepted row the values that it gives to scored matching, and for each
//! value the tokens of its parts. No text passes, and no part of a value stands twice.
//!
//! The table of a source's table has a row an accepted row, in order, and a column `forename-1`, `birth-date-2` for each column
//! of the source that gives such a part. Its cells name a value by the token of the whole. The table [`LINKAGE_VALUES`] has
//! a row a value and part: the value, the form of the part, the token of the part. It is in the order of the run's tokens, which
//! says nothing of the texts.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    sync::{Arc, Mutex},
};

use arrow::{
    array::{ArrayRef, FixedSizeBinaryBuilder, RecordBatch, RecordBatchOptions, StringViewArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use minster_model::{Kind, LINKAGE_VALUES, LinkageForm, LinkagePart};
use minster_store::DatasetWriter;
use minster_vault_api::{Client, Token};

use crate::{
    IngestError,
    batch::TriagedBatch,
    linkage_parts::{LinkageValue, linkage_value},
    tokens::TokenTable,
    treatment::TablePlan,
};

/// The values that one delivery's columns gave so far.
#[derive(Default)]
pub(crate) struct LinkageRows(Mutex<WrittenValues>);

/// Has no `Debug`: it holds clear values.
#[derive(Default)]
struct WrittenValues {
    /// For each clear text of a part, the value; none where it says nothing.
    of_text: HashMap<(LinkagePart, String), Option<Token>>,
    /// For each value, its parts.
    parts: BTreeMap<Token, Vec<(LinkageForm, Token)>>,
}

/// The columns of a table that give parts: each with its place, and its name in the linkage dataset.
pub(crate) fn giving(plan: &TablePlan) -> Vec<(usize, LinkagePart, String)> {
    let mut counts: BTreeMap<LinkagePart, usize> = BTreeMap::new();
    let columns = plan.columns.iter().enumerate();
    columns
        .filter_map(|(place, planned)| {
            let part = planned.linkage()?;
            let count = counts.entry(part).or_default();
            *count += 1;
            Some((place, part, format!("{}-{count}", part.as_str())))
        })
        .collect()
}

/// The schema of a table of the linkage dataset.
pub(crate) fn schema(plan: &TablePlan) -> SchemaRef {
    let field = |(_, _, name): (usize, LinkagePart, String)| Field::new(name, token_type(), true);
    Arc::new(Schema::new(giving(plan).into_iter().map(field).collect::<Vec<_>>()))
}

fn token_type() -> DataType {
    DataType::FixedSizeBinary(Token::LEN as i32)
}

impl LinkageRows {
    /// Learns the parts of the accepted rows' values, and gives the rows of the linkage dataset. Nothing, where no column gives
    /// a part, or nobody makes tokens.
    pub(crate) fn rows(
        &self,
        plan: &TablePlan,
        sorted: &TriagedBatch<'_>,
        (tokens, vault): (&mut TokenTable, Option<&mut Client>),
    ) -> Result<Option<RecordBatch>, IngestError> {
        let columns = giving(plan);
        let (Some(vault), false) = (vault, columns.is_empty()) else { return Ok(None) };
        let mut known = self.0.lock().map_err(|_| IngestError::Unlearnt)?;
        let mut new: BTreeMap<(LinkagePart, &str), Option<LinkageValue>> = BTreeMap::new();
        for (place, part, _) in &columns {
            for text in sorted.for_scoring(*place).flatten() {
                if !known.of_text.contains_key(&(*part, text.to_owned())) {
                    new.entry((*part, text)).or_insert_with(|| linkage_value(*part, text));
                }
            }
        }
        let mut by_kind: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
        for value in new.values().flatten() {
            for (form, text) in texts(value) {
                by_kind.entry(form.kind()).or_default().push(text);
            }
        }
        for (kind, texts) in &by_kind {
            let kind: Kind = kind.parse().map_err(IngestError::Kind)?;
            tokens.learn(&kind, texts.iter().map(|text| text.as_bytes()), Some(&mut *vault))?;
        }
        for ((part, text), value) in &new {
            let value = value.as_ref().map(|value| known.add(value, tokens)).transpose()?;
            known.of_text.insert((*part, (*text).to_owned()), value);
        }
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
        for (place, part, _) in &columns {
            let cells = sorted.for_scoring(*place).map(|text| {
                let value = known.of_text.get(&(*part, text?.to_owned()));
                value.copied().flatten()
            });
            arrays.push(token_array(cells)?);
        }
        let rows = RecordBatchOptions::new().with_row_count(Some(sorted.accepted()));
        Ok(Some(RecordBatch::try_new_with_options(schema(plan), arrays, &rows)?))
    }

    /// Writes the table of values.
    pub(crate) fn write(
        self,
        writer: &DatasetWriter,
    ) -> Result<minster_store::TableEntry, IngestError> {
        let known = self.0.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        let all = || {
            let parts = known.parts.iter();
            parts.flat_map(|(value, parts)| {
                parts.iter().map(move |(form, part)| (value, form, part))
            })
        };
        let schema = Arc::new(Schema::new(vec![
            Field::new("value", token_type(), false),
            Field::new("form", DataType::Utf8View, false),
            Field::new("token", token_type(), false),
        ]));
        let name = LINKAGE_VALUES.parse().map_err(|_| IngestError::Unlearnt)?;
        let mut table = writer.table(&name, Arc::clone(&schema))?;
        let forms: StringViewArray = all().map(|(_, form, _)| Some(form.as_str())).collect();
        let arrays: Vec<ArrayRef> = vec![
            token_array(all().map(|(value, _, _)| Some(*value)))?,
            Arc::new(forms),
            token_array(all().map(|(_, _, part)| Some(*part)))?,
        ];
        table.write(&RecordBatch::try_new(schema, arrays)?)?;
        Ok(table.finish()?)
    }
}

impl WrittenValues {
    /// The token of a value whose texts were learnt.
    fn add(&mut self, value: &LinkageValue, tokens: &TokenTable) -> Result<Token, IngestError> {
        let token = |form: LinkageForm, text: &str| {
            let kind: Kind = form.kind().parse().map_err(IngestError::Kind)?;
            tokens.token(&kind, text.as_bytes())
        };
        let whole = token(value.whole.0, &value.whole.1)?;
        if let Entry::Vacant(vacant) = self.parts.entry(whole) {
            let parts = value.parts.iter().map(|(form, text)| Ok((*form, token(*form, text)?)));
            let mut parts = parts.collect::<Result<Vec<_>, IngestError>>()?;
            parts.sort_unstable();
            vacant.insert(parts);
        }
        for word in &value.words {
            self.add(word, tokens)?;
        }
        Ok(whole)
    }
}

/// All texts of a value and of its words.
fn texts(value: &LinkageValue) -> Vec<(LinkageForm, &str)> {
    let own = [&value.whole].into_iter().chain(&value.parts);
    let own = own.map(|(form, text)| (*form, text.as_str()));
    own.chain(value.words.iter().flat_map(texts)).collect()
}

fn token_array(cells: impl Iterator<Item = Option<Token>>) -> Result<ArrayRef, IngestError> {
    let mut builder = FixedSizeBinaryBuilder::new(Token::LEN as i32);
    for cell in cells {
        match cell {
            Some(token) => builder.append_value(token.as_bytes())?,
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}
