//! Treated values as Arrow arrays. The arrays are built from treated values alone, never by filtering raw
//! ones, so that no buffer holds what was dropped.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, FixedSizeBinaryBuilder, Float64Array, Int64Array,
        StringViewArray,
    },
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use minster_vault_api::Token;

use crate::{
    IngestError,
    treatment::{Cell, Output, OutputType},
};

pub(crate) fn schema(outputs: &[Output]) -> SchemaRef {
    let fields = outputs.iter().map(|output| {
        let data_type = match output.output_type {
            OutputType::Pseudonym => DataType::FixedSizeBinary(Token::LEN as i32),
            OutputType::Date => DataType::Date32,
            OutputType::Integer => DataType::Int64,
            OutputType::Decimal => DataType::Float64,
            OutputType::Flag => DataType::Boolean,
            OutputType::Text => DataType::Utf8View,
            OutputType::Unit => DataType::UInt32,
        };
        Field::new(&output.name, data_type, output.output_type != OutputType::Unit)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The distinct values of one output column.
///
/// # Errors
/// Where an identifier stands whose token was not learnt.
pub(crate) fn values<'a, 'b: 'a>(
    output: &Output,
    cells: impl ExactSizeIterator<Item = Option<&'a Cell<'b>>>,
) -> Result<ArrayRef, IngestError> {
    Ok(match output.output_type {
        OutputType::Pseudonym => tokens(cells)?,
        OutputType::Date => Arc::new(Date32Array::from_iter(cells.map(|cell| match cell {
            Some(Cell::Date(days)) => Some(*days),
            _ => None,
        }))),
        OutputType::Integer => Arc::new(Int64Array::from_iter(cells.map(|cell| match cell {
            Some(Cell::Integer(number)) => Some(*number),
            _ => None,
        }))),
        OutputType::Decimal => Arc::new(Float64Array::from_iter(cells.map(|cell| match cell {
            Some(Cell::Decimal(number)) => Some(*number),
            _ => None,
        }))),
        OutputType::Flag => Arc::new(BooleanArray::from_iter(cells.map(|cell| match cell {
            Some(Cell::Flag(flag)) => Some(*flag),
            _ => None,
        }))),
        OutputType::Text => Arc::new(StringViewArray::from_iter(cells.map(|cell| match cell {
            Some(Cell::Text(text)) => Some(text.as_ref()),
            _ => None,
        }))),
        // It is no column's: each row brings its own.
        OutputType::Unit => return Err(IngestError::Unlearnt),
    })
}

fn tokens<'a, 'b: 'a>(
    cells: impl ExactSizeIterator<Item = Option<&'a Cell<'b>>>,
) -> Result<ArrayRef, IngestError> {
    let width = Token::LEN as i32;
    let mut builder = FixedSizeBinaryBuilder::with_capacity(cells.len(), width);
    for cell in cells {
        match cell {
            Some(Cell::Token(token)) => builder.append_value(token.as_bytes())?,
            Some(Cell::Identifier(_)) => return Err(IngestError::Unlearnt),
            _ => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}
