//! Identities that must not be found again: an adopted child's before the adoption. Rows mark them, or a list that custodians
//! sign in the vault, and from then on each row with a marked number says its first number alone: no service's number, no
//! former number and no name leads from one of the child's identities to the other. Numbers and match keys that stand beside
//! it join nothing on any other row either: a third service's row could lead from one identity to the other by them.

use ahash::{HashMap, HashSet, HashSetExt};
use minster_model::{ColumnName, Pseudonym, coarse};
use serde::{Deserialize, Serialize};

use crate::{
    MatchError,
    condition::{Condition, Limits, all_pass},
    definition::{ExactOnly, Identity, Matching},
    events::{Delivered, must_have, present},
    named_identities::NamedIdentities,
    person_rows::{Persons, Silenced},
    person_tables::{column, columns, pseudonym},
    small_set::{NONE, SmallSet},
};

/// Identities that are linked by their number alone: counts, never a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExactOnlyCounts {
    /// Numbers of such identities in the deliveries, whether rows or the list marked them.
    pub numbers: u64,
    /// Numbers on the custodians' list.
    pub listed: u64,
    /// Listed numbers that a row about a person has.
    pub listed_in_rows: u64,
    /// Listed numbers that none has: mistyped, of a kind that no source has, or not delivered yet.
    pub listed_in_no_row: u64,
    /// Other numbers that stand beside one of them in a row, and on other rows too: they join nothing.
    pub silent_numbers: u64,
    /// Match keys of which the same holds.
    pub silent_match_keys: u64,
    /// Rows with a number of one of them that may be another child's all the same: they are linked to nobody.
    #[serde(default)]
    pub linked_to_nobody: u64,
    /// Rows that birth dates alone tell from a marked identity's: a sister's with the family's number, or of the one pupil number of
    /// two.
    #[serde(default)]
    pub told_by_birth_date: u64,
}

/// Numbers of marked identities.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    numbers: HashSet<Pseudonym>,
    /// Rows about persons that have one of them.
    rows: Vec<u32>,
    counts: ExactOnlyCounts,
}

impl Marked {
    /// Finds the marked rows' children, and all numbers that stand beside theirs in the same delivery; of listed numbers all
    /// that stand beside them in any.
    pub(crate) fn read(
        matching: &Matching,
        delivered: &[Delivered],
        (listed, all): (&HashSet<Pseudonym>, u64),
    ) -> Result<Self, MatchError> {
        let mut marked = Self::default();
        let mut met = HashSet::new();
        if !listed.is_empty() {
            for identity in &matching.identities {
                for one in delivered.iter().filter(|one| one.source == identity.source) {
                    marked.learn(identity, one, listed, &mut met)?;
                }
            }
        }
        marked.counts.listed = all;
        marked.counts.listed_in_rows = met.len() as u64;
        marked.counts.listed_in_no_row = all.saturating_sub(met.len() as u64);
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
                    marked.learn(identity, one, &named, &mut HashSet::new())?;
                }
                marked.numbers.extend(named);
            }
        }
        Ok(marked)
    }

    /// Learns the numbers of rows with a named number, and tells which of these it met.
    fn learn(
        &mut self,
        identity: &Identity,
        one: &Delivered,
        named: &HashSet<Pseudonym>,
        met: &mut HashSet<Pseudonym>,
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
                let is_named = |number: &&Pseudonym| named.contains(*number);
                let mut all = of_row.iter().chain(&called).filter(is_named).peekable();
                if all.peek().is_some() {
                    met.extend(all);
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

    /// Whether one of the numbers is.
    pub(crate) fn any(&self, mut numbers: impl Iterator<Item = Pseudonym>) -> bool {
        !self.numbers.is_empty() && numbers.any(|number| self.has(&number))
    }

    /// Takes note of a row that has a marked number.
    pub(crate) fn met(&mut self, row: u32) {
        self.rows.push(row);
    }

    /// Leaves the rows of marked identities one number alone, and takes what stood beside it away from all other rows too. Gives
    /// the numbers that rows lost, each with its row.
    pub(crate) fn silence(&mut self, persons: &mut Persons) -> Vec<(u32, Pseudonym)> {
        self.counts.numbers = self.numbers.len() as u64;
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Vec::new();
        }
        let all = &self.numbers;
        let marked = |persons: &Persons, number: u32| all.contains(&persons.pseudonym(number));
        let named = NamedIdentities::read(persons, &rows, |number| marked(persons, number));
        let mut nobody = 0;
        let (mut lost, mut beside) = (Vec::new(), (HashSet::new(), HashSet::new()));
        let (decided, told_by_birth_date) = named.decide(persons);
        self.counts.told_by_birth_date = told_by_birth_date;
        for (row, said) in decided {
            // A row whose first number nobody marked may be a sister's, with the family's number: what stands on it is hers. A number or key beside a marked first number is silenced, even if the row is linked to nobody: it leads to both.
            let said_first = persons.first_number(row);
            let speaks = said_first != NONE && marked(persons, said_first);
            nobody += u64::from(said.is_none());
            let (numbers, keys) = persons.say_alone(row, said);
            if speaks {
                beside.0.extend(numbers.iter().filter(|number| !all.contains(*number)));
                beside.1.extend(keys);
            }
            lost.extend(numbers.into_iter().map(|number| (row, number)));
        }
        self.counts.linked_to_nobody = nobody;
        if beside.0.is_empty() && beside.1.is_empty() {
            return lost;
        }
        let Silenced { lost: of_others, taken: [numbers, keys], keyless } =
            persons.silence(&beside.0, &beside.1);
        (self.counts.silent_numbers, self.counts.silent_match_keys) = (numbers, keys);
        lost.extend(of_others);
        for row in with_another_name(persons, &keyless) {
            self.counts.linked_to_nobody += 1;
            let (numbers, _) = persons.say_alone(row, None);
            lost.extend(numbers.into_iter().map(|number| (row, number)));
        }
        lost
    }

    /// The counts for the report: nothing where nobody is marked and no number is listed.
    pub(crate) fn counts(&self) -> Option<ExactOnlyCounts> {
        (self.counts != ExactOnlyCounts::default()).then(|| self.counts.clone())
    }
}

impl ExactOnlyCounts {
    /// For people.
    pub(crate) fn notes(&self) -> Vec<String> {
        let Self { numbers, listed, listed_in_rows, listed_in_no_row, .. } = &self.coarse();
        let mut notes = Vec::new();
        if *numbers > 0 {
            notes.push(format!(
                "about {numbers} numbers are of marked identities; their rows are linked by number alone"
            ));
        }
        if *listed > 0 {
            notes.push(format!(
                "about {listed} numbers are on the custodians' list of exact-only identities: about {listed_in_rows} stand in rows, \
                 about {listed_in_no_row} in none"
            ));
        }
        let (numbers, keys) = (coarse(self.silent_numbers), coarse(self.silent_match_keys));
        if numbers + keys > 0 {
            notes.push(format!(
                "about {numbers} numbers and {keys} match keys of marked identities' rows stand on other rows too; they join nothing"
            ));
        }
        if self.told_by_birth_date > 0 {
            notes.push(format!(
                "about {} rows are told from a marked identity's by birth dates alone",
                coarse(self.told_by_birth_date)
            ));
        }
        if self.linked_to_nobody > 0 {
            notes.push(format!(
                "about {} rows with a number of a marked identity may be another child's; they are linked to nobody, and each is \
                 counted as a child",
                coarse(self.linked_to_nobody)
            ));
        }
        notes
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

/// The names that the marked rows of a delivery give to their children.
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

/// Services' rows that lost a marked identity's match key and have a pupil's number, but another name than the pupil's: the number may
/// have been typed into the record of before.
fn with_another_name(persons: &Persons, keyless: &[u32]) -> Vec<u32> {
    let rows = keyless.iter().copied().filter(|row| !persons.table_of(*row).register);
    let rows: Vec<(u32, u32)> =
        rows.filter_map(|row| Some((row, persons.numbers_known(row).next()?))).collect();
    let mut names: HashMap<u32, SmallSet> =
        rows.iter().map(|(_, number)| (*number, SmallSet::default())).collect();
    if names.is_empty() {
        return Vec::new();
    }
    for row in persons.all().filter(|row| persons.table_of(*row).register) {
        if let Some(names) = names.get_mut(&persons.current(row)) {
            names.add(persons.name(row));
        }
    }
    let is_another_s = |(row, number): &(u32, u32)| {
        let (name, names) = (persons.name(*row), &names[number]);
        name != NONE && !names.is_empty() && !names.has(name)
    };
    rows.into_iter().filter(is_another_s).map(|(row, _)| row).collect()
}

/// For rows that say one number alone, or none: the others, by which the delivery's own tables still call the row.
#[derive(Debug, Default)]
pub(crate) struct OtherNumbers(HashMap<u32, Vec<Pseudonym>>);

impl OtherNumbers {
    /// A number that a row does not say any more.
    pub(crate) fn add(&mut self, place: u32, number: Pseudonym) {
        self.0.entry(place).or_default().push(number);
    }

    /// The numbers that a row does not say.
    pub(crate) fn numbers(&self, row: usize) -> impl Iterator<Item = Pseudonym> + '_ {
        let place = u32::try_from(row).ok();
        place.and_then(|place| self.0.get(&place)).into_iter().flatten().copied()
    }
}
