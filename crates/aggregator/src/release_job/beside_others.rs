//! The reasons to refuse a definition beside releases about other children, before anything is protected.

use minster_model::table::CountTable;

use crate::{
    definition::release_definition::{Definition, Method},
    earlier_releases::{
        differencing,
        entry::Entry,
        noise_budget::{Data, NoiseBudget},
    },
    error::AggregateError,
    refusal::ReleaseRefusal,
    release_job::{job::Job, protected_release::Work},
    tabulate::{
        lookup,
        tables::{self, Tabulated, Who},
        tied_releases::{self, TiedColumns},
    },
};

impl Work<'_> {
    /// Refuses a definition that divides or chooses by a column from which follows what a release about other children, or
    /// one of which the data have changed since, divides or chooses by, where no column of both says so.
    pub(super) fn not_tied(
        &self,
        definition: &Definition,
        others: &[&Entry],
    ) -> Result<(), AggregateError> {
        let mut compared = Vec::new();
        for entry in others {
            let of = &entry.definition;
            let columns = tables::columns(of, &self.dataset, Who::Untold);
            let derived = columns.and_then(|columns| self.dataset.split(of, columns));
            let lookups = derived.and_then(|_| lookup::of(of, self.job.lookups));
            let lookups = AggregateError::or_refused(lookups, || entry.named())?;
            compared.push((*entry, (of, lookups)));
        }
        if compared.is_empty() {
            return Ok(());
        }
        let own = (definition, lookup::of(definition, self.job.lookups)?);
        let (entries, others): (Vec<&Entry>, Vec<_>) = compared.into_iter().unzip();
        let found = tied_releases::with_others(own, &others, &self.dataset, self.job.children)?;
        let kin = entries.iter().map(|entry| self.kin(definition, &entry.definition));
        let kin: Vec<Option<TiedColumns>> = kin.collect();
        for ((entry, tied), kin) in entries.into_iter().zip(found).zip(kin) {
            let Some(TiedColumns { own, other }) = tied.or(kin) else { continue };
            let (there, here) = (called(&other).to_owned(), called(&own).to_owned());
            return Err(ReleaseRefusal::TiedColumns { release: entry.named(), there, here }.into());
        }
        Ok(())
    }

    /// A column that a definition divides or chooses by and one that another does, derived from one, where no column of both
    /// says so.
    fn kin(&self, definition: &Definition, other_of: &Definition) -> Option<TiedColumns> {
        let (own, theirs) =
            (tied_releases::used(definition, other_of), tied_releases::used(other_of, definition));
        let mut pairs = own.iter().flat_map(|one| theirs.iter().map(move |other| (*one, *other)));
        let kin = pairs.find(|(one, other)| {
            let is_undivided = |column: &str| {
                (*one != column || tied_releases::is_undivided(definition, other_of, column))
                    && (*other != column
                        || tied_releases::is_undivided(other_of, definition, column))
            };
            !theirs.contains(one)
                && !own.contains(other)
                && self.dataset.are_kin(one, other, is_undivided)
        });
        kin.map(|(own, other)| TiedColumns { own: own.to_owned(), other: other.to_owned() })
    }

    /// Refuses noise that would average out, beside that of what stands.
    pub(super) fn within_noise_budget(
        &self,
        definition: &Definition,
        tabulated: &Tabulated,
        others: &[&Entry],
    ) -> Result<(), AggregateError> {
        if definition.method != Method::CellKey {
            return Ok(());
        }
        let data = Data { dataset: &self.dataset, children: self.job.children };
        let mut budget = NoiseBudget::default();
        let noisy = |entry: &&&Entry| entry.definition.method == Method::CellKey;
        for entry in others.iter().filter(noisy) {
            let now = lookup::of(&entry.definition, self.job.lookups)
                .and_then(|lookups| Ok((self.tabulate(&entry.definition)?, lookups)));
            let now = AggregateError::if_still_there(now)?;
            budget.add(entry, now.as_ref().map(|(now, lookups)| (now, lookups)), &data)?;
        }
        let lookups = lookup::of(definition, self.job.lookups)?;
        budget.last(definition, (tabulated, &lookups), &data)
    }
}

/// A column in a message: nobody wrote the name of that which says who is a pupil.
fn called(column: &str) -> &str {
    if column == tables::ON_SPINE { "being a pupil of the schools (`population`)" } else { column }
}

/// The table with what it must not say beside releases about other children.
pub(super) fn beside_others(
    job: &Job<'_>,
    definition: &Definition,
    table: CountTable,
    others: &[&Entry],
) -> Result<CountTable, AggregateError> {
    let (threshold, zeros) = (definition.policy().threshold, definition.policy().zeros);
    let before = others.iter().flat_map(|entry| &entry.tables);
    let before = before.map(|table| (table.dimensions.as_slice(), table.counts.as_slice()));
    let (compared, close) =
        differencing::suppress_differences(table, threshold, (threshold, zeros), before)?;
    if close > 0 {
        (job.notice)(&format!(
            "{close} cells of the table {} are withheld because they differ by less than the threshold from what was published about other children, or were withheld there",
            compared.name()
        ));
    }
    Ok(compared)
}
