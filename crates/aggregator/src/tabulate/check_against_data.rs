//! Whether what a definition names occurs in the data: a mistyped code would publish a table of zeros.

use std::collections::{BTreeMap, BTreeSet};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::UInt8Type,
};
use minster_model::TableName;

use crate::{
    definition::{
        location::{Location, location},
        release_definition::{Condition, Definition, Dimension, Population},
    },
    derived::{
        Blank,
        linked::{self, Linked},
    },
    error::AggregateError,
    tabulate::{
        categories::{Categories, Lookups},
        column_values,
        tables::{self, ON_SPINE, each_batch, on_spine},
    },
};

/// Values that no category takes may make up this share of the children, in a hundred; more are an error.
const UNLISTED_PERCENT: u64 = 5;
/// A value of the data is named in a message where so many children have it.
pub(crate) const NAMED_FROM: u64 = 10;

/// How many children have each text of a column.
type Counts = BTreeMap<String, u64>;

/// Refuses a definition whose conditions or categories do not fit the data. Gives what is worth knowing all the same:
/// dimensions of which many children have no value.
///
/// # Errors
/// [`AggregateError::Rule`] where no child has any value of a condition, where a listed category occurs nowhere while
/// a value that is not listed does, and where more than five in a hundred children have values that are not listed.
pub(crate) fn check(
    definition: &Definition,
    dataset: &Linked<'_>,
    children: &TableName,
    lookups: &Lookups,
) -> Result<Vec<String>, AggregateError> {
    conditions(definition, dataset, children)?;
    let categories = tables::dimensions(definition, dataset, children, lookups)?;
    let listed: Vec<Option<BTreeSet<&str>>> = categories.iter().map(Categories::listed).collect();
    let reasons: Vec<String> = definition.columns.iter().map(|of| linked::why(&of.name)).collect();
    let mut derived_blank = vec![BTreeMap::<Blank, u64>::new(); reasons.len()];
    let columns: BTreeSet<&str> = (definition.conditions.iter())
        .map(|condition| condition.column.as_str())
        .chain(definition.dimensions.iter().map(|dimension| dimension.column.as_str()))
        .chain(reasons.iter().map(String::as_str))
        .collect();
    let mut counts: Vec<Counts> = vec![Counts::new(); categories.len()];
    let (mut all, mut blank) = (0, vec![0u64; categories.len()]);
    let mut in_no_band = vec![0u64; categories.len()];
    each_batch(definition, dataset, children, &columns, |batch| {
        all += batch.num_rows() as u64;
        for (counts, name) in derived_blank.iter_mut().zip(&reasons) {
            count_blanks(batch, name, counts)?;
        }
        for (number, dimension) in definition.dimensions.iter().enumerate() {
            blank[number] += column_values::blanks(batch, &dimension.column)?;
            in_no_band[number] += categories[number].in_no_band(batch)?;
            if listed[number].is_some() {
                let texts = column_values::texts(batch, &dimension.column)?;
                add(&mut counts[number], texts.iter().flatten());
            }
        }
        Ok(())
    })?;
    let threshold = definition.policy().threshold;
    for (number, known) in listed.iter().enumerate() {
        let children = in_no_band[number];
        if children * 100 > all * UNLISTED_PERCENT {
            let Dimension { name, column, .. } = &definition.dimensions[number];
            return Err(definition.rule(
                location!["dimension", number, "bands"],
                format!(
                    "{} of {} children have a value of {column} that is no number or below the first band of \
                     {name}, more than {UNLISTED_PERCENT} in a hundred",
                    about(children, threshold),
                    in_all(all, threshold)
                ),
            ));
        }
        if let Some(known) = known {
            fits(definition, number, known, &counts[number], all)?;
        }
    }
    let many = definition.dimensions.iter().zip(blank);
    let many = many.filter(|(_, blank)| blank * 100 > all * UNLISTED_PERCENT);
    let note = |(dimension, blank): (&Dimension, u64)| {
        let Dimension { name, column, unknown, .. } = dimension;
        let (blank, all) = (about(blank, threshold), in_all(all, threshold));
        format!("{blank} of {all} children have no {column}, and count as {unknown} of {name}")
    };
    let derived = definition.columns.iter().zip(&derived_blank).flat_map(|(column, counts)| {
        let note = |(blank, count): (&Blank, &u64)| {
            format!(
                "{} of {} children have no {}: they {}",
                about(*count, threshold),
                in_all(all, threshold),
                column.name,
                blank.words()
            )
        };
        counts.iter().map(note).collect::<Vec<_>>()
    });
    let absent = dataset.codes_of_no_row(definition)?;
    Ok(many.map(note).chain(derived).chain(absent).collect())
}

/// Counts why a derived column is blank.
fn count_blanks(
    batch: &RecordBatch,
    name: &str,
    counts: &mut BTreeMap<Blank, u64>,
) -> Result<(), AggregateError> {
    let why = batch.column_by_name(name).and_then(|of| of.as_primitive_opt::<UInt8Type>());
    let why = why.ok_or_else(|| column_values::failed(name, "counting blanks"))?;
    for number in why.iter().flatten() {
        if let Some(blank) = usize::from(number).checked_sub(1).and_then(|at| Blank::ALL.get(at)) {
            *counts.entry(*blank).or_default() += 1;
        }
    }
    Ok(())
}

/// A number of children, rounded: beside a table an exact one would say what the table withholds.
fn about(count: u64, threshold: u64) -> String {
    let base = threshold.max(10);
    match (count + base / 2) / base * base {
        0 => format!("fewer than {}", base.div_ceil(2)),
        rounded => format!("about {rounded}"),
    }
}

/// The number of all children beside it, rounded likewise.
fn in_all(all: u64, threshold: u64) -> u64 {
    let base = threshold.max(10);
    ((all + base / 2) / base).max(1) * base
}

fn add<'a>(counts: &mut Counts, texts: impl Iterator<Item = &'a str>) {
    for text in texts {
        match counts.get_mut(text) {
            Some(count) => *count += 1,
            None => drop(counts.insert(text.to_owned(), 1)),
        }
    }
}

/// The categories that a definition lists, held against what the data have.
fn fits(
    definition: &Definition,
    number: usize,
    known: &BTreeSet<&str>,
    counts: &Counts,
    all: u64,
) -> Result<(), AggregateError> {
    let (name, threshold) = (&definition.dimensions[number].name, definition.policy().threshold);
    let unlisted: Counts = (counts.iter())
        .filter(|(value, _)| !known.contains(value.as_str()))
        .map(|(value, count)| (value.clone(), *count))
        .collect();
    let codes = &definition.dimensions[number].codes;
    let absent = codes.iter().find(|code| {
        !counts.contains_key(*code)
            && near(code, &unlisted).is_some_and(|value| unlisted[value] >= NAMED_FROM)
    });
    if let Some(code) = absent {
        let value = near(code, &unlisted).unwrap_or_default();
        let at = codes.iter().position(|known| known == code).unwrap_or_default();
        return Err(definition.rule(
            location!["dimension", number, "codes", at],
            format!("no child has the code {code} of {name}, and children have {value}, which is not listed"),
        ));
    }
    let children: u64 = unlisted.values().sum();
    if children * 100 > all * UNLISTED_PERCENT {
        let often = unlisted.iter().max_by_key(|(_, count)| **count);
        let often = often.filter(|(value, count)| {
            **count >= NAMED_FROM && !minster_leakage::may_identify(value)
        });
        let often =
            often.map_or(String::new(), |(value, _)| format!("; the most frequent is {value}"));
        return Err(definition.rule(
            location!["dimension", number],
            format!(
                "{} of {} children have a value of {name} that is not listed, more than {UNLISTED_PERCENT} in \
                 a hundred{often}. List it, or map it in the source's definition",
                about(children, threshold),
                in_all(all, threshold)
            ),
        ));
    }
    Ok(())
}

/// The value that looks most like a code and may be shown.
fn near<'a>(code: &str, values: &'a Counts) -> Option<&'a str> {
    let like = |value: &str| strsim::jaro_winkler(&code.to_lowercase(), &value.to_lowercase());
    let shown = values.keys().filter(|value| !minster_leakage::may_identify(value));
    let nearest = shown.max_by(|a, b| like(a).total_cmp(&like(b)))?;
    (like(nearest) > 0.5).then_some(nearest.as_str())
}

/// Each condition: some child of the population must have one of its values, or a number where it compares numbers.
fn conditions(
    definition: &Definition,
    dataset: &Linked<'_>,
    children: &TableName,
) -> Result<(), AggregateError> {
    let tested: Vec<usize> = (0..definition.conditions.len()).collect();
    if tested.is_empty() {
        return Ok(());
    }
    let column = |number: &usize| definition.conditions[*number].column.as_str();
    let columns: Vec<&str> = tested.iter().map(column).chain([ON_SPINE]).collect();
    let mut counts: Vec<Counts> = vec![Counts::new(); tested.len()];
    // For conditions that compare numbers: whether there is a value, and whether one is a number.
    let mut numbers = vec![(false, false); tested.len()];
    let (stored, mut derived) = dataset.split(definition, columns)?;
    for batch in dataset.dataset().table_coded(children, Some(&stored))? {
        let batch = derived.complete(batch?)?;
        let spine = on_spine(&batch)?;
        for (place, (counts, number)) in counts.iter_mut().zip(&tested).enumerate() {
            let Condition { column, at_least, below, from, until, .. } =
                &definition.conditions[*number];
            if from.is_some() || until.is_some() {
                continue;
            }
            if at_least.is_some() || below.is_some() {
                let has_value = column_values::blanks(&batch, column)? < batch.num_rows() as u64;
                let has_number =
                    column_values::numbers(&batch, column)?.iter().any(Option::is_some);
                numbers[place] = (numbers[place].0 | has_value, numbers[place].1 | has_number);
                continue;
            }
            let texts = column_values::texts(&batch, &definition.conditions[*number].column)?;
            let counted = |row: usize| definition.population == Population::All || spine.value(row);
            let texts = texts.iter().enumerate().filter(|(row, _)| counted(*row));
            add(counts, texts.filter_map(|(_, text)| text));
        }
    }
    for (place, (counts, number)) in counts.iter().zip(tested).enumerate() {
        let condition = &definition.conditions[number];
        let (key, values) = match (condition.values.is_empty(), condition.not_in.is_empty()) {
            (false, _) => ("in", &condition.values),
            (true, false) => ("not-in", &condition.not_in),
            (true, true) if numbers[place] != (true, false) => continue,
            (true, true) => {
                let what = format!("the values of {} are no numbers", condition.column);
                return Err(definition.rule(location!["where", number], what));
            }
        };
        if values.iter().any(|value| counts.contains_key(value)) {
            continue;
        }
        let at: Location = location!["where", number, key];
        let nearest = values.iter().find_map(|value| near(value, counts));
        let nearest = nearest.filter(|value| counts[*value] >= NAMED_FROM);
        let suggestion = nearest.map_or(String::new(), |value| format!("; children have {value}"));
        return Err(definition.rule(
            at,
            format!("no child has any of these values of {}{suggestion}", condition.column),
        ));
    }
    Ok(())
}
