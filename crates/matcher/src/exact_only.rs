//! Identities that must not be found again: an adopted child's before the adoption. Rows mark them, and from then on each row
//! with a marked number says its first number alone: no service's number, no former number and no name leads from one of
//! the child's identities to the other.

use ahash::{HashMap, HashSet, HashSetExt};
use minster_model::{ColumnName, Pseudonym};

use crate::{
    MatchError,
    condition::Limits,
    definition::{ExactOnly, Identity, Matching},
    events::{Delivered, nearest, present},
    people::{column, columns, pseudonym},
};

/// Numbers of marked identities.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    numbers: HashSet<Pseudonym>,
}

impl Marked {
    /// Finds the marked rows' children, and all numbers that stand beside theirs in the same delivery.
    pub(crate) fn read(matching: &Matching, delivered: &[Delivered]) -> Result<Self, MatchError> {
        let mut marked = Self::default();
        for rule in &matching.exact_only {
            let of_source = || delivered.iter().filter(|one| one.source == rule.source);
            check(matching, rule, of_source())?;
            for one in of_source() {
                let named = marked_rows(matching, rule, one)?;
                if named.is_empty() {
                    continue;
                }
                for identity in matching.identities.iter().filter(|of| of.source == rule.source) {
                    marked.learn(identity, one, &named)?;
                }
                marked.numbers.extend(named);
            }
        }
        Ok(marked)
    }

    fn learn(
        &mut self,
        identity: &Identity,
        one: &Delivered,
        named: &HashSet<Pseudonym>,
    ) -> Result<(), MatchError> {
        let Some(entry) = one.table(&identity.table) else { return Ok(()) };
        let names = identity.identifiers.iter().chain(&identity.row).map(ColumnName::as_str);
        let names = present(entry, names);
        for batch in one.dataset.table_coded(&identity.table, Some(&names))? {
            let batch = batch?;
            let numbers = columns(&batch, &identity.identifiers)?;
            let own = match &identity.row {
                Some(name) => column(&batch, name)?,
                None => None,
            };
            for row in 0..batch.num_rows() {
                let of_row: Vec<Pseudonym> =
                    numbers.iter().flatten().filter_map(|column| pseudonym(column, row)).collect();
                let called = own.and_then(|own| pseudonym(own, row));
                if of_row.iter().chain(&called).any(|number| named.contains(number)) {
                    self.numbers.extend(of_row);
                }
            }
        }
        Ok(())
    }

    /// Whether a number is a marked identity's.
    pub(crate) fn has(&self, number: &Pseudonym) -> bool {
        self.numbers.contains(number)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }
}

fn check<'d>(
    matching: &Matching,
    rule: &ExactOnly,
    delivered: impl Iterator<Item = &'d Delivered> + Clone,
) -> Result<(), MatchError> {
    let named = |why| MatchError::Condition { column: rule.child.clone(), why };
    for condition in &rule.conditions {
        condition.check(&matching.groups).map_err(named)?;
        condition.limits(None).map_err(named)?;
    }
    let tables: Vec<_> = delivered.filter_map(|one| one.table(&rule.table)).collect();
    let known = || tables.iter().flat_map(|table| &table.columns).map(|one| one.name.as_str());
    let tested = rule.conditions.iter().flat_map(|condition| condition.columns());
    for name in tested.chain([&rule.child]) {
        if !tables.is_empty() && !known().any(|known| known == name.as_str()) {
            return Err(MatchError::NoColumn {
                source_name: rule.source.clone(),
                table: rule.table.clone(),
                column: name.clone(),
                nearest: nearest(name.as_str(), known()),
            });
        }
    }
    Ok(())
}

/// What the marked rows of a delivery call their children.
fn marked_rows(
    matching: &Matching,
    rule: &ExactOnly,
    one: &Delivered,
) -> Result<HashSet<Pseudonym>, MatchError> {
    let mut named = HashSet::new();
    let Some(entry) = one.table(&rule.table) else { return Ok(named) };
    let tested = rule.conditions.iter().flat_map(|condition| condition.columns());
    let names = present(entry, tested.chain([&rule.child]).map(ColumnName::as_str));
    for batch in one.dataset.table_coded(&rule.table, Some(&names))? {
        let batch = batch?;
        let mut passes = vec![true; batch.num_rows()];
        for condition in &rule.conditions {
            let of = condition.passes(&batch, &matching.groups, &Limits::default())?;
            passes.iter_mut().zip(of).for_each(|(passes, of)| *passes &= of);
        }
        let Some(children) = column(&batch, &rule.child)? else { continue };
        let rows = passes.iter().enumerate().filter(|(_, passes)| **passes);
        named.extend(rows.filter_map(|(row, _)| pseudonym(children, row)));
    }
    Ok(named)
}

/// For rows that say their first number alone: the others, by which the delivery's own tables still call the row.
#[derive(Debug, Default)]
pub(crate) struct Unsaid(HashMap<u32, Vec<Pseudonym>>);

impl Unsaid {
    /// Leaves a row's first number alone, where one of its numbers is marked. Gives whether it is.
    pub(crate) fn of(
        &mut self,
        place: u32,
        numbers: &mut [Option<Pseudonym>],
        marked: &Marked,
    ) -> bool {
        if !numbers.iter().flatten().any(|number| marked.has(number)) {
            return false;
        }
        let others = numbers.iter_mut().filter(|number| number.is_some()).skip(1);
        self.0.insert(place, others.filter_map(Option::take).collect());
        true
    }

    /// The numbers that a row does not say.
    pub(crate) fn numbers(&self, row: usize) -> impl Iterator<Item = Pseudonym> + '_ {
        let place = u32::try_from(row).ok();
        place.and_then(|place| self.0.get(&place)).into_iter().flatten().copied()
    }
}
