//! All that was ever released: later releases are protected together with it, withdrawn or not, for the public knows
//! it for ever. An entry holds what the public was given, and nothing else.

use minster_model::{ColumnName, Period, TableName};
use minster_store::{Manifest, Release, Store, StoreError, sha256_hex};

use crate::{
    definition::release_definition::{Definition, Method},
    earlier_releases::entry::{
        Entry, FORMAT, OLDEST, PublishedTables, WITHDRAWN, Withdrawal, deliveries,
    },
    error::AggregateError,
    refusal::{ReleaseRefusal, RulesDiffer},
    tabulate::{children::Children, tables::Tabulated},
};

/// The entries of one period, and those of all others.
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    of_other_periods: Vec<OfOtherPeriod>,
}

/// A release of another period.
struct OfOtherPeriod {
    entry: Entry,
    /// Whether it drew on one of the same deliveries.
    shares_delivery: bool,
}

/// Releases that were published before of the same children.
pub(crate) struct AboutSame<'a> {
    /// The data still say it.
    pub(crate) unchanged: Vec<(&'a Entry, PublishedTables)>,
    /// The data have changed since.
    pub(crate) changed: Vec<&'a Entry>,
}

impl Ledger {
    pub(crate) fn read(
        store: &Store,
        period: &Period,
        integrated: &Manifest,
    ) -> Result<Self, AggregateError> {
        let now = deliveries(integrated);
        let mut of_other_periods = Vec::new();
        for other in store.ledger_periods()?.iter().filter(|other| *other != period) {
            let of_other = |entry: Entry| {
                let shares_delivery = entry.deliveries.iter().any(|of| now.contains(of));
                OfOtherPeriod { entry, shares_delivery }
            };
            of_other_periods.extend(read(store, other)?.into_iter().map(of_other));
        }
        Ok(Self { entries: read(store, period)?, of_other_periods })
    }

    /// Every release of every period.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().chain(self.of_other_periods.iter().map(|of| &of.entry))
    }

    /// Forgets a release and all that were let out after it: what is left is the ledger of before. Where several were let out in one
    /// second, `--all` did it in the order of their names.
    pub(crate) fn keep_before(&mut self, entry: &Entry) {
        let place = |of: &Entry| {
            let at = of.let_out.as_ref().map(|of| of.by.at.clone());
            (at, of.period.clone(), of.definition.name.clone(), of.file.clone())
        };
        let end = place(entry);
        self.entries.retain(|of| place(of) < end);
        self.of_other_periods.retain(|of| place(&of.entry) < end);
    }

    /// The release of exactly this definition that stands: one that was withdrawn does not.
    pub(crate) fn same(&self, definition: &Definition) -> Option<&Entry> {
        self.of_definition(definition).find(|entry| entry.withdrawn.is_none())
    }

    /// Every release of exactly this definition, the withdrawn ones too.
    pub(crate) fn of_definition(&self, definition: &Definition) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.definition == *definition)
    }

    /// Every release of the period with this name.
    pub(crate) fn named(&self, name: &TableName) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.definition.name == *name)
    }

    /// A release of another definition that stands under a definition's name.
    pub(crate) fn another(&self, definition: &Definition) -> Option<&Entry> {
        let is_another =
            |entry: &&Entry| entry.withdrawn.is_none() && entry.definition != *definition;
        self.named(&definition.name).find(is_another)
    }

    /// The ledger's name for a release with this name and hash: the same one may be let out again after it was
    /// withdrawn.
    pub(crate) fn file(&self, name: &TableName, sha256: &str) -> String {
        let first = format!("{name}.{}", &sha256[..32]);
        let again = self.named(name).filter(|entry| entry.sha256 == *sha256).count();
        if again == 0 { first } else { format!("{first}.{}", again + 1) }
    }

    /// Releases that were published before of the same children, to be protected together with new tables.
    pub(crate) fn about_same<'a>(
        &'a self,
        definition: &'a Definition,
        children: Children,
        mut tabulate: impl FnMut(&Definition) -> Result<Tabulated, AggregateError>,
    ) -> Result<AboutSame<'a>, AggregateError> {
        let mut same = AboutSame { unchanged: Vec::new(), changed: Vec::new() };
        for entry in self.of_same(definition, children) {
            let refused = |difference| {
                Err(ReleaseRefusal::SameChildren { release: entry.named(), difference }.into())
            };
            if [entry.definition.method, definition.method] != [Method::Suppress; 2] {
                return refused(RulesDiffer::Method);
            }
            if entry.definition.policy() != definition.policy() {
                return refused(RulesDiffer::Policy);
            }
            let rules = |of: &Definition| (of.dominance, of.p_percent, of.respondent.clone());
            if rules(&entry.definition) != rules(definition) {
                return refused(RulesDiffer::SumRules);
            }
            // If a column or look-up that it needs is no more, the data say something else.
            let now = AggregateError::if_still_there(tabulate(&entry.definition))?;
            let tables = now.map(|now| entry.published_tables(&now)).transpose()?.flatten();
            match tables {
                Some(tables) => same.unchanged.push((entry, tables)),
                None => same.changed.push(entry),
            }
        }
        Ok(same)
    }

    /// Entries of other periods about other children than these, whatever their deliveries are called.
    pub(crate) fn of_other_periods(&self, children: Children) -> impl Iterator<Item = &Entry> {
        let others = self.of_other_periods.iter().map(|of| &of.entry);
        others.filter(move |entry| entry.children != children && entry.children.is_anyone())
    }

    /// Refuses a definition whose children are chosen by a column that another release divides, or the
    /// other way round, where one of the two hides anything: together they would show it. `hides` says
    /// whether the new one does. Each of `others` cannot be attacked together with it.
    pub(crate) fn nested(
        definition: &Definition,
        others: &[&Entry],
        hides: bool,
    ) -> Result<(), AggregateError> {
        for entry in others {
            let other = &entry.definition;
            let chosen = chosen_by_what_is_divided(definition, other)
                .or_else(|| chosen_by_what_is_divided(other, definition));
            let hid = other.method != Method::Suppress
                || entry.tables.iter().any(|table| table.counts.iter().any(Option::is_none));
            if let (Some(column), true) = (chosen, hides || hid) {
                let (release, column) = (entry.named(), column.to_string());
                return Err(ReleaseRefusal::ChosenAndDivided { release, column }.into());
            }
        }
        Ok(())
    }

    /// Refuses to publish beside others where one of the two is rounded: what one rounds, the other may
    /// show. Noise that depends on the children is made for that.
    pub(crate) fn one_method(
        definition: &Definition,
        others: &[&Entry],
    ) -> Result<(), AggregateError> {
        let alone = |entry: &&&Entry| {
            let methods = [entry.definition.method, definition.method];
            methods != [Method::Suppress; 2] && methods != [Method::CellKey; 2]
        };
        match others.iter().find(alone) {
            None => Ok(()),
            Some(entry) => Err(ReleaseRefusal::BesideRounded { release: entry.named() }.into()),
        }
    }

    /// Entries that were published before about the same children, in this period or any other, whatever its
    /// deliveries are called; and those of this period that are said to be about the same, though the data may have
    /// changed.
    fn of_same<'a>(
        &'a self,
        definition: &'a Definition,
        children: Children,
    ) -> impl Iterator<Item = &'a Entry> {
        let said = move |entry: &&Entry| {
            entry.children == children || same_children(&entry.definition, definition)
        };
        let counted = move |entry: &&Entry| entry.children == children;
        let of_other_periods = self.of_other_periods.iter().map(|of| &of.entry);
        // Nobody is nobody in every period.
        let of_other_periods = of_other_periods.filter(|entry| entry.children.is_anyone());
        self.entries.iter().filter(said).chain(of_other_periods.filter(counted))
    }

    /// Entries that were published before about other children, in this period or another that drew on one of the
    /// same deliveries.
    pub(crate) fn of_others<'a>(
        &'a self,
        definition: &'a Definition,
        children: Children,
    ) -> impl Iterator<Item = &'a Entry> {
        let other = move |entry: &&Entry| {
            entry.children != children && !same_children(&entry.definition, definition)
        };
        let counted = move |entry: &&Entry| entry.children != children;
        let sharing = self.of_other_periods.iter().filter(|of| of.shares_delivery);
        let sharing = sharing.map(|of| &of.entry);
        self.entries.iter().filter(other).chain(sharing.filter(counted))
    }
}

/// A period's releases, each with its withdrawal if there is one.
pub(crate) fn read(store: &Store, period: &Period) -> Result<Vec<Entry>, AggregateError> {
    let unknown = || {
        AggregateError::Store(StoreError::Manifest {
            path: store.root().join("ledger").join(period.as_str()),
            why: "holds an entry that this release does not understand".into(),
        })
    };
    let (mut entries, mut withdrawals): (Vec<Entry>, Vec<Withdrawal>) = (Vec::new(), Vec::new());
    for (file, bytes) in store.ledger(period)? {
        if file.ends_with(WITHDRAWN) {
            withdrawals.push(serde_json::from_slice(&bytes).map_err(|_| unknown())?);
            continue;
        }
        let entry: Entry = serde_json::from_slice(&bytes).map_err(|_| unknown())?;
        if !(OLDEST..=FORMAT).contains(&entry.format) {
            return Err(unknown());
        }
        entries.push(Entry { file, recorded_sha256: sha256_hex(&bytes), ..entry });
    }
    for withdrawal in withdrawals {
        let of = entries.iter_mut().find(|entry| entry.file == withdrawal.entry);
        of.ok_or_else(unknown)?.withdrawn = Some(withdrawal);
    }
    Ok(entries)
}

/// SHA-256 of all that was ever released, in every period.
pub(crate) fn sha256_of(store: &Store) -> Result<String, AggregateError> {
    let mut hashes = String::new();
    for period in store.ledger_periods()? {
        for (file, bytes) in store.ledger(&period)? {
            hashes += &format!("{period}/{file} {}\n", sha256_hex(&bytes));
        }
    }
    Ok(sha256_hex(hashes.as_bytes()))
}

/// A column on which `one` alone has a condition and that a table of `other` divides or sums.
fn chosen_by_what_is_divided<'a>(
    one: &'a Definition,
    other: &Definition,
) -> Option<&'a ColumnName> {
    let own = one.conditions.iter().filter(|condition| !other.conditions.contains(condition));
    let told = |column: &&ColumnName| {
        other.divided_columns().chain(other.summed_columns()).any(|of| of == *column)
    };
    own.map(|condition| &condition.column).find(told)
}

/// Whether two definitions say that they are about the same children.
pub(crate) fn same_children(one: &Definition, other: &Definition) -> bool {
    one.population == other.population && one.conditions == other.conditions
}

/// The release that an entry tells of, if its folder is still there.
pub(crate) fn release_of(store: &Store, entry: &Entry) -> Option<Release> {
    store.published_release(entry.definition.name.as_str(), entry.period.as_str(), &entry.sha256)
}
