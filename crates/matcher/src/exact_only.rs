//! Identities that must not be found again: an adopted child's before the adoption. Rows mark them, and from then on each row
//! with a marked number says its first number alone: no service's number, no former number and no name leads from one of
//! the child's identities to the other.

use ahash::{HashMap, HashSet, HashSetExt};
use minster_model::{ColumnName, Pseudonym};

use crate::{
    MatchError,
    condition::{Condition, Limits, all_pass},
    definition::{ExactOnly, Identity, Matching},
    events::{Delivered, must_have, present},
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
            let conditions = conditions(matching, rule)?;
            let tables: Vec<_> = of_source().filter_map(|one| one.table(&rule.table)).collect();
            if !tables.is_empty() {
                must_have((&rule.source, &rule.table), &tables, rule.columns())?;
            }
            for one in of_source() {
                let named = marked_rows(matching, rule, &conditions, one)?;
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

/// The rule's conditions, which know no period.
fn conditions<'a>(
    matching: &Matching,
    rule: &'a ExactOnly,
) -> Result<Vec<(&'a Condition, Limits)>, MatchError> {
    let settled = |condition: &'a Condition| {
        condition.check(&matching.groups)?;
        Ok((condition, condition.limits(None)?))
    };
    let settled: Result<_, String> = rule.conditions.iter().map(settled).collect();
    settled.map_err(|why| MatchError::Condition { column: rule.child.clone(), why })
}

/// What the marked rows of a delivery call their children.
fn marked_rows(
    matching: &Matching,
    rule: &ExactOnly,
    conditions: &[(&Condition, Limits)],
    one: &Delivered,
) -> Result<HashSet<Pseudonym>, MatchError> {
    let mut named = HashSet::new();
    let Some(entry) = one.table(&rule.table) else { return Ok(named) };
    let names = present(entry, rule.columns().map(ColumnName::as_str));
    for batch in one.dataset.table_coded(&rule.table, Some(&names))? {
        let batch = batch?;
        let passes = all_pass(conditions, &batch, &matching.groups)?;
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
