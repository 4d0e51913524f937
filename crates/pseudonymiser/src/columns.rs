//! Treated cells gathered into Arrow arrays. The arrays are built from treated values alone, never by
//! filtering raw ones, so that no buffer holds what was dropped.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanBuilder, Date32Builder, FixedSizeBinaryBuilder, Float64Builder,
        Int64Builder, RecordBatch, StringViewBuilder,
    },
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};
use minster_model::Pseudonym;

use crate::treatment::{Cell, Output, OutputType};

/// One column of a batch while it grows.
pub(crate) enum Column {
    Pseudonym(Vec<Token>),
    Date(Date32Builder),
    Integer(Int64Builder),
    Decimal(Float64Builder),
    Flag(BooleanBuilder),
    Text(StringViewBuilder),
}

/// A pseudonym, or the place of an identifier whose pseudonym is still to come.
#[derive(Clone, Copy)]
pub(crate) enum Token {
    Null,
    Known(Pseudonym),
    New(u32),
}

pub(crate) fn schema(outputs: &[Output]) -> SchemaRef {
    let fields = outputs.iter().map(|output| {
        let data_type = match output.output_type {
            OutputType::Pseudonym => DataType::FixedSizeBinary(Pseudonym::LEN as i32),
            OutputType::Date => DataType::Date32,
            OutputType::Integer => DataType::Int64,
            OutputType::Decimal => DataType::Float64,
            OutputType::Flag => DataType::Boolean,
            OutputType::Text => DataType::Utf8View,
        };
        Field::new(&output.name, data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

impl Column {
    pub(crate) fn new(output_type: OutputType) -> Self {
        match output_type {
            OutputType::Pseudonym => Self::Pseudonym(Vec::new()),
            OutputType::Date => Self::Date(Date32Builder::new()),
            OutputType::Integer => Self::Integer(Int64Builder::new()),
            OutputType::Decimal => Self::Decimal(Float64Builder::new()),
            OutputType::Flag => Self::Flag(BooleanBuilder::new()),
            OutputType::Text => Self::Text(StringViewBuilder::new().with_deduplicate_strings()),
        }
    }

    pub(crate) fn push(&mut self, cell: Cell<'_>) {
        match (self, cell) {
            (Self::Pseudonym(tokens), Cell::Known(pseudonym)) => {
                tokens.push(Token::Known(pseudonym));
            }
            (Self::Pseudonym(tokens), Cell::New(place)) => tokens.push(Token::New(place)),
            (Self::Pseudonym(tokens), _) => tokens.push(Token::Null),
            (Self::Date(builder), Cell::Date(days)) => builder.append_value(days),
            (Self::Date(builder), _) => builder.append_null(),
            (Self::Integer(builder), Cell::Integer(number)) => builder.append_value(number),
            (Self::Integer(builder), _) => builder.append_null(),
            (Self::Decimal(builder), Cell::Decimal(number)) => builder.append_value(number),
            (Self::Decimal(builder), _) => builder.append_null(),
            (Self::Flag(builder), Cell::Flag(flag)) => builder.append_value(flag),
            (Self::Flag(builder), _) => builder.append_null(),
            (Self::Text(builder), Cell::Text(text)) => builder.append_value(text),
            (Self::Text(builder), _) => builder.append_null(),
        }
    }

    fn finish(self, learnt: &[Pseudonym]) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Pseudonym(tokens) => {
                let width = Pseudonym::LEN as i32;
                let mut builder = FixedSizeBinaryBuilder::with_capacity(tokens.len(), width);
                for token in tokens {
                    match token {
                        Token::Null => builder.append_null(),
                        Token::Known(pseudonym) => builder.append_value(pseudonym.as_bytes())?,
                        Token::New(at) => builder.append_value(learnt[at as usize].as_bytes())?,
                    }
                }
                Arc::new(builder.finish())
            }
            Self::Date(mut builder) => Arc::new(builder.finish()),
            Self::Integer(mut builder) => Arc::new(builder.finish()),
            Self::Decimal(mut builder) => Arc::new(builder.finish()),
            Self::Flag(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder) => Arc::new(builder.finish()),
        })
    }
}

/// Puts a batch together; `learnt` are the pseudonyms of the identifiers that were new.
pub(crate) fn batch(
    schema: &SchemaRef,
    columns: Vec<Column>,
    learnt: &[Pseudonym],
) -> Result<RecordBatch, ArrowError> {
    let arrays: Result<Vec<_>, _> =
        columns.into_iter().map(|column| column.finish(learnt)).collect();
    RecordBatch::try_new(Arc::clone(schema), arrays?)
}
