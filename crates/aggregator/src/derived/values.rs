//! A whole column of children, in the order of their rows.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Date32Array, DictionaryArray, Int32Array, Int64Array, StringArray,
    },
    compute::cast,
    datatypes::{DataType, Int32Type, Int64Type},
};

/// One value a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Values {
    Whole(Vec<Option<i64>>),
    /// Days since 1970.
    Days(Vec<Option<i64>>),
    Texts(Texts),
}

/// Texts, each as its place in a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Texts {
    pub(super) places: Vec<Option<u32>>,
    pub(super) texts: Vec<String>,
}

impl Texts {
    /// One text a child; equal texts are listed once.
    pub(super) fn of(all: impl Iterator<Item = Option<String>>) -> Self {
        let mut place_of: HashMap<String, u32> = HashMap::new();
        let mut texts = Vec::new();
        let mut place = |text: String| {
            *place_of.entry(text).or_insert_with_key(|text| {
                texts.push(text.clone());
                texts.len() as u32 - 1
            })
        };
        let places = all.map(|text| text.map(&mut place)).collect::<Vec<_>>();
        Self { places, texts }
    }

    pub(super) fn get(&self, row: usize) -> Option<&str> {
        let place = self.places.get(row).copied().flatten()?;
        self.texts.get(place as usize).map(String::as_str)
    }
}

impl Values {
    /// A column as it was read; none where it is of no type that is derived from.
    pub(super) fn read(array: &ArrayRef) -> Option<Self> {
        let whole = |array: &ArrayRef| {
            let array = cast(array, &DataType::Int64).ok()?;
            Some(array.as_primitive_opt::<Int64Type>()?.iter().collect())
        };
        match array.data_type() {
            DataType::Date32 => whole(array).map(Self::Days),
            DataType::Dictionary(..) | DataType::Utf8 | DataType::Utf8View => {
                let coded =
                    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
                let array = cast(array, &coded).ok()?;
                let array = array.as_dictionary_opt::<Int32Type>()?;
                let texts = array.values().as_string_opt::<i32>()?;
                Some(Self::Texts(Texts {
                    places: array.keys().iter().map(|key| key.map(|key| key as u32)).collect(),
                    texts: texts.iter().map(|text| text.unwrap_or_default().to_owned()).collect(),
                }))
            }
            DataType::Boolean | DataType::Null => whole(array).map(Self::Whole),
            kind if kind.is_integer() => whole(array).map(Self::Whole),
            _ => None,
        }
    }

    pub(super) fn array(&self) -> ArrayRef {
        match self {
            Self::Whole(values) => Arc::new(Int64Array::from(values.clone())),
            Self::Days(values) => {
                let days = values.iter().map(|day| day.and_then(|day| i32::try_from(day).ok()));
                Arc::new(Date32Array::from_iter(days))
            }
            Self::Texts(Texts { places, texts }) => {
                let keys =
                    Int32Array::from_iter(places.iter().map(|place| place.map(|p| p as i32)));
                let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
                match DictionaryArray::<Int32Type>::try_new(keys, texts) {
                    Ok(coded) => Arc::new(coded),
                    // Each place is one of the list by construction.
                    Err(_) => Arc::new(arrow::array::NullArray::new(places.len())),
                }
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Whole(values) | Self::Days(values) => values.len(),
            Self::Texts(texts) => texts.places.len(),
        }
    }

    /// The words of a message for what it holds.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Whole(_) => "whole numbers",
            Self::Days(_) => "dates",
            Self::Texts(_) => "texts",
        }
    }

    /// Whether nothing tells its type: nobody has a value. The values of an event that no child has are read as whole numbers.
    pub(super) fn has_no_type(&self) -> bool {
        matches!(self, Self::Whole(values) if values.iter().all(Option::is_none))
    }

    /// Whether a row has a date, or a number above nothing.
    pub(super) fn is_there(&self, row: usize) -> bool {
        match self {
            Self::Whole(values) => values[row].is_some_and(|value| value > 0),
            Self::Days(values) => values[row].is_some(),
            Self::Texts(texts) => texts.get(row).is_some(),
        }
    }
}
