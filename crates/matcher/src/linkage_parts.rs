//! The parts of linkage datasets, read for scored matching: keyed values of names, birth dates, sexes and postcodes, row by
//! row. Nothing of them is kept.

use std::collections::{BTreeMap, BTreeSet};

use ahash::HashMap;
use arrow::array::{AsArray, FixedSizeBinaryArray, RecordBatch, StringViewArray};
use minster_model::{LINKAGE_VALUES, LinkageForm, LinkagePart, TableName};
use minster_scoring::{BirthDate, KeyedValue, MOST_VALUES, Name, Postcode, Record};
use minster_store::Dataset;

use crate::{MatchError, person_tables::pseudonym};

/// The values of one person: each once.
pub(crate) type PersonValues = BTreeMap<LinkagePart, BTreeSet<KeyedValue>>;

/// The values of rows, and each value's parts.
#[derive(Default)]
pub(crate) struct LinkageValues {
    of_value: HashMap<KeyedValue, Vec<(LinkageForm, KeyedValue)>>,
}

impl LinkageValues {
    /// Reads what a linkage dataset says of its values.
    pub(crate) fn read(&mut self, dataset: &Dataset) -> Result<(), MatchError> {
        let name: TableName = LINKAGE_VALUES.parse().map_err(|_| MatchError::Name)?;
        for batch in dataset.table(&name, None)? {
            let batch = batch?;
            let (values, keyed_values) =
                (keyed_values(&batch, "value")?, keyed_values(&batch, "token")?);
            let wrong = || MatchError::Parts { dataset: dataset.manifest().dataset.clone() };
            let forms = batch.column_by_name("form").ok_or_else(wrong)?;
            let forms: &StringViewArray = forms.as_string_view_opt().ok_or_else(wrong)?;
            for row in 0..batch.num_rows() {
                let form = forms.value(row).parse().map_err(|_| wrong())?;
                let (value, keyed) = (keyed(values, row), keyed(keyed_values, row));
                let (Some(value), Some(keyed)) = (value, keyed) else { return Err(wrong()) };
                let known = self.of_value.entry(value).or_default();
                if !known.contains(&(form, keyed)) {
                    known.push((form, keyed));
                }
            }
        }
        Ok(())
    }

    /// Tells each row's values of a table of a linkage dataset; the rows of the source's own are in the same order.
    pub(crate) fn rows(
        dataset: &Dataset,
        table: &TableName,
        mut tell: impl FnMut(usize, LinkagePart, KeyedValue),
    ) -> Result<(), MatchError> {
        let mut rows = 0;
        if !dataset.manifest().tables.iter().any(|entry| entry.name == *table) {
            return Ok(());
        }
        for batch in dataset.table(table, None)? {
            let batch = batch?;
            for field in batch.schema().fields() {
                let wrong = || MatchError::Parts { dataset: dataset.manifest().dataset.clone() };
                let (part, _) = field.name().rsplit_once('-').ok_or_else(wrong)?;
                let part: LinkagePart = part.parse().map_err(|_| wrong())?;
                let values = keyed_values(&batch, field.name())?;
                for row in 0..batch.num_rows() {
                    if let Some(value) = keyed(values, row) {
                        tell(rows + row, part, value);
                    }
                }
            }
            rows += batch.num_rows();
        }
        Ok(())
    }

    /// A person's record, and whether some of the values were too many.
    pub(crate) fn record(&self, values: &PersonValues) -> (Record, bool) {
        let mut record = Record::default();
        let mut too_many = false;
        for (part, values) in values {
            // Words of a surname are values beside it.
            let mut all: BTreeSet<KeyedValue> = values.clone();
            for value in values {
                all.extend(self.forms(value, LinkageForm::NameWord));
            }
            too_many |= all.len() > MOST_VALUES;
            for value in all.iter().take(MOST_VALUES) {
                self.add(&mut record, *part, value);
            }
        }
        (record, too_many)
    }

    fn add(&self, record: &mut Record, part: LinkagePart, value: &KeyedValue) {
        let first = |form| self.forms(value, form).next();
        let all = |form| self.forms(value, form).collect();
        match part {
            LinkagePart::Forename | LinkagePart::Surname => {
                let name = Name {
                    whole: first(LinkageForm::Name),
                    initial: first(LinkageForm::NameInitial),
                    sounds: all(LinkageForm::NameSound),
                    one_less: all(LinkageForm::NameOneLess),
                    two_less: all(LinkageForm::NameTwoLess),
                };
                match part {
                    LinkagePart::Forename => record.forenames.push(name),
                    _ => record.surnames.push(name),
                }
            }
            LinkagePart::BirthDate => {
                let year = first(LinkageForm::BirthYear);
                let (month, day) = (first(LinkageForm::BirthMonth), first(LinkageForm::BirthDay));
                if let (Some(year), Some(month), Some(day)) = (year, month, day) {
                    record.birth_dates.push(BirthDate {
                        whole: *value,
                        swapped: first(LinkageForm::BirthDateSwapped),
                        one_less: all(LinkageForm::BirthDateOneLess),
                        year,
                        month,
                        day,
                    });
                }
            }
            LinkagePart::Sex => record.sexes.push(*value),
            LinkagePart::Postcode => record.postcodes.push(Postcode {
                unit: *value,
                sector: first(LinkageForm::PostcodeSector),
                one_less: all(LinkageForm::PostcodeOneLess),
            }),
        }
    }

    fn forms(&self, value: &KeyedValue, form: LinkageForm) -> impl Iterator<Item = KeyedValue> {
        let parts = self.of_value.get(value).into_iter().flatten();
        parts.filter(move |part| part.0 == form).map(|part| part.1)
    }
}

/// A column of keyed values, which the store turned back from tokens: equal in all datasets of a purpose.
fn keyed_values<'a>(
    batch: &'a RecordBatch,
    name: &str,
) -> Result<&'a FixedSizeBinaryArray, MatchError> {
    let column = batch.column_by_name(name).and_then(|column| column.as_fixed_size_binary_opt());
    column.filter(|column| column.value_length() == 16).ok_or(MatchError::Name)
}

fn keyed(column: &FixedSizeBinaryArray, row: usize) -> Option<KeyedValue> {
    pseudonym(column, row).map(|pseudonym| KeyedValue::from_bytes(*pseudonym.as_bytes()))
}
