//! Columns of two releases about other children, or of which the data have changed since, that tell of each other.
//!
//! One release is about the children with a plan, another about all by need: nobody has a plan and no need. No table of the
//! one can be protected together with one of the other, so the new one is refused by the names of the columns.

use std::collections::BTreeSet;

use minster_model::{ColumnName, TableName};

use crate::{
    definition::release_definition::{Definition, Population},
    derived::linked::Linked,
    earlier_releases::selection::Selection,
    error::AggregateError,
    tabulate::{
        categories::Lookups,
        tables,
        ties::{Column, columns, divided, excluded_in},
    },
};

/// A column of a release and one of another that tell of each other, where no column of both does.
pub(crate) struct TiedColumns {
    pub(crate) own: String,
    pub(crate) other: String,
}

/// Finds for each of `others`, which are about other children, a column that it divides or chooses by and that is tied
/// to another one of `definition`, in everyone whom the data know. Each comes with the look-ups that it names.
///
/// # Errors
/// As [`tables::tabulate`].
pub(crate) fn with_others(
    definition: (&Definition, Lookups),
    others: &[(&Definition, Lookups)],
    dataset: &Linked<'_>,
    children: &TableName,
) -> Result<Vec<Option<TiedColumns>>, AggregateError> {
    let everyone =
        Definition { population: Population::All, conditions: Vec::new(), ..definition.0.clone() };
    let all: Vec<(&Definition, Lookups)> =
        std::iter::once(&definition).chain(others).cloned().collect();
    let mut columns = columns(&all, dataset, children)?;
    let mut tests: Vec<Selection> = Vec::new();
    for (test, _) in all.iter().flat_map(|(of, _)| Selection::of(of)) {
        if !tests.contains(&test) {
            tests.push(test);
        }
    }
    columns.extend(tests.into_iter().map(Column::of_selection));
    // Readers know of a release whether it is about pupils of the schools alone.
    let spine = Definition { population: Population::Spine, ..everyone.clone() };
    let mut tied: BTreeSet<[String; 2]> = BTreeSet::new();
    let mut excluding: BTreeSet<[String; 2]> = BTreeSet::new();
    for scope in [&everyone, &spine] {
        for pair in divided(&mut columns, scope, dataset, children)? {
            let both = [pair.first, pair.second].map(|place| columns[place].read().to_owned());
            add(&mut tied, both);
        }
        columns.iter_mut().for_each(Column::begin_again);
        for of in excluded_in(&mut columns, scope, dataset, children)? {
            if of.tells {
                add(&mut excluding, of.read());
            }
        }
        columns.iter_mut().for_each(Column::begin_again);
    }
    let found = others.iter().map(|(other, _)| {
        let (own, theirs) = (used(definition.0, other), used(other, definition.0));
        let (chosen, their_chosen) = (chosen(definition.0, other), chosen(other, definition.0));
        let are_the_same = chosen.is_empty() && their_chosen.is_empty();
        let mut links = own.iter().flat_map(|own| theirs.iter().map(move |other| [*own, *other]));
        // A column that both use links them by its name.
        let link = links.find(|[one, other]| {
            let both = [(*one).to_owned(), (*other).to_owned()];
            // Categories that exclude each other tell of the children whom both count alone.
            let is_chosen = chosen.contains(one) || their_chosen.contains(other);
            let excludes = (are_the_same || is_chosen) && excluding.contains(&both);
            !theirs.contains(one) && !own.contains(other) && (tied.contains(&both) || excludes)
        });
        link.map(|[own, other]| TiedColumns { own: own.to_owned(), other: other.to_owned() })
    });
    Ok(found.collect())
}

fn add(pairs: &mut BTreeSet<[String; 2]>, [first, second]: [String; 2]) {
    pairs.insert([second.clone(), first.clone()]);
    pairs.insert([first, second]);
}

/// The columns that a release divides, adds up, or chooses by where another does not.
pub(crate) fn used<'a>(definition: &'a Definition, other: &Definition) -> BTreeSet<&'a str> {
    let columns = definition.divided_columns().chain(definition.summed_columns());
    columns.map(ColumnName::as_str).chain(chosen(definition, other)).collect()
}

/// The columns that a release chooses by where another does not.
fn chosen<'a>(definition: &'a Definition, other: &Definition) -> BTreeSet<&'a str> {
    let conditions = definition.conditions.iter().filter(|of| !other.conditions.contains(of));
    let is_of_pupils =
        definition.population == Population::Spine && other.population == Population::All;
    let columns = conditions.map(|of| of.column.as_str());
    columns.chain(is_of_pupils.then_some(tables::ON_SPINE)).collect()
}
