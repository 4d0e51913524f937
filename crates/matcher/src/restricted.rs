//! Children whose processing is restricted: they are kept and linked, and stand in no table. Linking is told pseudonyms; the
//! numbers themselves never leave the vault.

use ahash::HashSet;
use minster_model::{KeyVersion, Pseudonym, coarse};

use crate::{
    MatchError,
    children::{Children, Number},
    events::Delivered,
    listed_numbers::under_keys_of,
    person_tables::PersonTables,
};

/// The list, as the vault tells it to whoever links for a purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestrictedNumbers {
    /// Says which list it is: another list has another. Empty where no restriction stands.
    pub digest: String,
    /// The pseudonyms of the children's numbers under each version of the purpose's keys.
    pub versions: Vec<(KeyVersion, Vec<Pseudonym>)>,
}

impl RestrictedNumbers {
    /// The name of the list in the origin of a dataset that is linked by it.
    pub(crate) fn origin(&self) -> Option<String> {
        (!self.digest.is_empty()).then(|| self.digest.clone())
    }

    /// Its pseudonyms under the keys of the deliveries' datasets.
    ///
    /// # Errors
    /// [`MatchError::Restricted`] where the vault told none of that version: nobody is counted then who must not be.
    pub(crate) fn of(&self, delivered: &[Delivered]) -> Result<HashSet<Pseudonym>, MatchError> {
        if self.digest.is_empty() {
            return Ok(HashSet::default());
        }
        under_keys_of(delivered, &self.versions, |version| MatchError::Restricted { version })
    }
}

/// The restricted children of all periods.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Restricted {
    /// For each child whether it is one.
    pub(crate) children: Vec<bool>,
    /// Listed numbers that stand on no row about a person and lead to no child: they leave nobody out.
    pub(crate) of_nobody: u64,
}

/// For each child whether it is restricted: a listed number leads to it, or stands on a row about it, also where that row is linked by
/// another number alone. A number of two children keeps both out: nobody can say which of them asked.
pub(crate) fn of_children(
    numbers: &HashSet<Pseudonym>,
    people: &PersonTables,
    children: &Children,
) -> Restricted {
    let mut restricted = vec![false; children.names().len()];
    if numbers.is_empty() {
        return Restricted { children: restricted, of_nobody: 0 };
    }
    let mut found = HashSet::default();
    for number in numbers {
        if let Number::Child(child) = children.number(number) {
            restricted[child as usize] = true;
            found.insert(*number);
        }
    }
    for table in &people.tables {
        for (row, child) in children.of_table(table.place).iter().enumerate() {
            let called = table.called(&people.persons, row);
            for number in called.filter(|number| numbers.contains(number)) {
                restricted[*child as usize] = true;
                found.insert(number);
            }
        }
    }
    Restricted { children: restricted, of_nobody: (numbers.len() - found.len()) as u64 }
}

impl Restricted {
    /// For people: listed numbers that leave nobody out.
    pub(crate) fn warning(&self) -> Option<String> {
        (self.of_nobody > 0).then(|| {
            format!(
                "WARNING: about {} restricted numbers stand on no row about a person, in no period: they leave nobody out; tell the custodians \
                 to look whether the number and its kind are the child's own",
                coarse(self.of_nobody)
            )
        })
    }
}

/// For people: how many children of a period are left out, coarsely.
pub(crate) fn note(left_out: u64) -> Option<String> {
    (left_out > 0).then(|| {
        format!(
            "about {} children are restricted: they are kept, and stand in no table",
            coarse(left_out)
        )
    })
}
