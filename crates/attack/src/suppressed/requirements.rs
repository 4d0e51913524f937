//! Which requirements the promise makes of a pattern.

use minster_model::{
    IdVec, RespondentId, TableId,
    policy::Policy,
    refinement::Refinements,
    table::{CountTable, Pattern, ProtectionLevel, TableSet},
};

use crate::{
    shared::{
        alternative_table,
        bound::{Bound, high},
        categories::categories,
        id_slice::IdSlice,
        refusal::FailureReason,
        typed::{InnerCell, TableCell, TypedPattern, TypedSet, TypedTable},
    },
    suppressed::{
        cell_sums::{AskedCategory, AskedCells, AskedId, CellSum, CellSums},
        equations::{System, UnknownId},
        requirement::{Attackers, LeastOfSmall, Requirement},
        respondents::{RemainderRequirements, TableByRespondent},
        solve::RequiredSum,
    },
};

/// All that a set promises of its cells. `respondents` says whose each unknown is, where that is known.
pub(crate) fn requirements(
    set: &TableSet,
    patterns: IdSlice<'_, TableId, Pattern>,
    system: &System,
    (respondents, refinements): (&IdVec<UnknownId, Option<RespondentId>>, &Refinements<'_>),
) -> Vec<Requirement> {
    let mut all = Vec::new();
    for ((number, table), pattern) in set.by_table().enumerate().zip(patterns) {
        let counts = alternative_table::counts(table);
        let policy = table.policy(set.policy);
        let mut asked = AskedCells::of(table);
        let small = small(policy, pattern, &counts, &mut asked);
        let levels = levels(table, &mut asked);
        let classes = disclosing(policy, table, &counts, &mut asked);
        let sums = asked.sums(number, system);
        let by_respondent = TableByRespondent::new(set, table, &counts);
        let of_table = SuppressedTableRequirements {
            set,
            refinements,
            system,
            number,
            policy,
            counts: &counts,
            sums: &sums,
            by_respondent: by_respondent.as_ref(),
        };
        of_table.small_cells(&small, &mut all);
        of_table.unsafe_by_rule(&levels, &mut all);
        of_table.classes(&classes, &mut all);
        if let Some(by_respondent) = by_respondent {
            all.extend(
                RemainderRequirements { set, number, by_respondent, pattern, system, respondents }
                    .requirements(),
            );
        }
    }
    all
}

/// The withheld cells that are small, ascending.
fn small(
    policy: Policy,
    pattern: &Pattern,
    counts: &IdVec<TableCell, u64>,
    asked: &mut AskedCells<'_>,
) -> Vec<(TableCell, AskedId)> {
    let cells = counts.enumerate().zip(pattern.by_cell());
    cells
        .filter(|((_, count), withheld)| **withheld && policy.is_small(**count))
        .map(|((cell, _), _)| (cell, asked.ask(cell)))
        .collect()
}

/// The cells with protection levels.
fn levels(table: &CountTable, asked: &mut AskedCells<'_>) -> Vec<(ProtectionLevel, AskedId)> {
    let levels = table.protection_levels().iter();
    levels.map(|&level| (level, asked.ask(TableCell(level.cell)))).collect()
}

/// The categories that their groups disclose.
fn disclosing(
    policy: Policy,
    table: &CountTable,
    counts: &IdVec<TableCell, u64>,
    asked: &mut AskedCells<'_>,
) -> Vec<AskedCategory> {
    categories(table)
        .into_iter()
        .filter(|of| {
            counts[of.inside] > 0 && counts[of.group] - counts[of.inside] < policy.threshold
        })
        .map(|of| AskedCategory::new(of, asked))
        .collect()
}

/// The requirements of one table, but for those that respondents make of remainders.
struct SuppressedTableRequirements<'a> {
    set: &'a TableSet,
    refinements: &'a Refinements<'a>,
    system: &'a System,
    number: TableId,
    policy: Policy,
    counts: &'a IdVec<TableCell, u64>,
    /// The parts of every cell of which something is required.
    sums: &'a CellSums,
    by_respondent: Option<&'a TableByRespondent<'a>>,
}

impl SuppressedTableRequirements<'_> {
    /// Each small cell must be able to be as little as the rules allow, and large.
    fn small_cells(&self, small: &[(TableCell, AskedId)], requirements: &mut Vec<Requirement>) {
        for &(cell, asked) in small {
            let (count, sum) = (self.counts[cell], &self.sums[asked]);
            // Where everyone knows that nobody can be, there is nothing to hide.
            if count == 0 && sum.unknowns.is_empty() {
                continue;
            }
            // The rule itself says how little the cell can be: the published numbers must say no more than that.
            let small = self.least_of_small(cell, sum);
            let low = small.low;
            let high = high(self.policy.threshold, low);
            let bounds = [
                (FailureReason::Low, Bound::AtMost(low - sum.published), count as i64 <= low),
                (FailureReason::High, Bound::AtLeast(high - sum.published), count as i64 >= high),
            ];
            for (reason, bound, is_met) in bounds {
                if !is_met {
                    let requirement = self.of_cell(cell, reason, &sum.unknowns, bound);
                    requirements.push(Requirement { small: Some(small.clone()), ..requirement });
                }
            }
        }
    }

    /// Each cell with a protection level must be able to be that much less and that much more.
    fn unsafe_by_rule(
        &self,
        levels: &[(ProtectionLevel, AskedId)],
        requirements: &mut Vec<Requirement>,
    ) {
        for &(ProtectionLevel { cell, lower, upper }, asked) in levels {
            let cell = TableCell(cell);
            let CellSum { unknowns, published } = &self.sums[asked];
            // The published part of the cell cannot be less: the level is asked of its unknowns, down to their least.
            let least = self.system.least_of(unknowns);
            let count = self.counts[cell] as i64 - published;
            let low = least.max(count - lower as i64);
            let bounds = [
                (FailureReason::Low, Bound::AtMost(low), low >= count),
                (FailureReason::High, Bound::AtLeast(count + upper as i64), upper == 0),
            ];
            for (reason, bound, is_met) in bounds {
                if !is_met {
                    requirements.push(self.of_cell(cell, reason, unknowns, bound));
                }
            }
        }
    }

    /// Enough of each group that a category discloses must be able to be outside the category.
    fn classes(&self, classes: &[AskedCategory], requirements: &mut Vec<Requirement>) {
        for &AskedCategory { of, group, inside } in classes {
            // The whole less the part leaves those outside: unknowns of the part fall out of the sum, whatever they are.
            let outside = self.sums[group].without(&self.sums[inside]);
            let bound = Bound::AtLeast(self.policy.threshold as i64 - outside.published);
            let but = self
                .by_respondent
                .map_or_else(Vec::new, |of_table| of_table.concerned_by_class(of.group, of.inside));
            let required = RequiredSum::new(&outside.unknowns, bound);
            requirements.push(self.requirement(of.inside, FailureReason::Class, required, but));
        }
    }

    /// A requirement of a cell itself.
    fn of_cell(
        &self,
        cell: TableCell,
        reason: FailureReason,
        unknowns: &[UnknownId],
        bound: Bound,
    ) -> Requirement {
        // Those with children in the cell make a requirement of their own, of what is left without these.
        let but = self.by_respondent.map_or_else(Vec::new, |of_table| of_table.concerned(cell));
        self.requirement(cell, reason, RequiredSum::new(unknowns, bound), but)
    }

    fn requirement(
        &self,
        cell: TableCell,
        reason: FailureReason,
        required: Option<RequiredSum>,
        but: Vec<RespondentId>,
    ) -> Requirement {
        let attackers = Attackers::Everyone { but };
        Requirement { table: self.number, cell, reason, required, small: None, attackers }
    }

    /// The least that a small cell is by the rules alone: by its own table, and by each other one of which inner cells
    /// lie within it. Two girls and a boy, withheld apart where no zero is, are two or more together.
    fn least_of_small(&self, cell: TableCell, sum: &CellSum) -> LeastOfSmall {
        let own = sum.published + self.system.least_of(&sum.unknowns);
        let by_table: IdVec<TableId, Option<i64>> = self
            .set
            .by_table()
            .ids()
            .map(|other| match other == self.number {
                true => Some(own),
                false => self.least_in(cell, other),
            })
            .collect();
        // Each table is right about the cell, so that the one that says most counts.
        let low = by_table.iter().flatten().copied().fold(own, i64::max);
        LeastOfSmall { low, published: sum.published, by_table }
    }

    /// The least that another table's inner cells within a cell add up to; none where it does not tell who is there.
    fn least_in(&self, cell: TableCell, other: TableId) -> Option<i64> {
        let within = self.refinements.within(self.number.0, cell.0, other.0)?;
        let least = within.into_iter().map(InnerCell).map(|inner| {
            match self.system.unknown(other, inner) {
                Some(unknown) => self.system.least(unknown) as i64,
                None => self.set.table(other).by_inner()[inner] as i64,
            }
        });
        Some(least.sum())
    }
}

#[cfg(test)]
mod tests {
    use minster_model::{policy::Zeros, table::Hierarchy};

    use super::*;
    use crate::shared::refusal::{Failure, Refusal};

    /// Whether of a margin `m` of one and one, beside this many others, it is refused that it cannot be large.
    fn is_high_of_m_refused(others: u64) -> bool {
        let nodes = [("all", None), ("m", Some(0)), ("a", Some(1)), ("b", Some(1)), ("z", Some(0))];
        let nodes = nodes.map(|(code, parent)| (code.to_owned(), parent)).to_vec();
        let dimension = Hierarchy::new("d", nodes).unwrap();
        let table = CountTable::new("t", vec![dimension], vec![1, 1, others], vec![]).unwrap();
        let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::Published) };
        let withheld = vec![false, true, true, true, true];
        let failure = Failure { table: 0, cell: 1, reason: FailureReason::High };
        match crate::verify(set, vec![Pattern { withheld }]) {
            Err(Refusal::Unprotected(failures)) => failures.contains(&failure),
            verdict => verdict.is_err(),
        }
    }

    #[test]
    fn a_small_margin_must_be_able_to_be_as_many_more_as_its_parts() {
        // For one and one, 6 must be possible: the threshold alone would be 5.
        assert!(is_high_of_m_refused(4));
        assert!(!is_high_of_m_refused(5));
    }

    /// Whether a cell that is one more than its diagonal neighbour, whatever is withheld, is refused at this level.
    fn is_level_refused(lower: u64) -> bool {
        let of = |name: &str| Hierarchy::flat(name, "all", ["1".into(), "2".into()]).unwrap();
        let dimensions = ["a", "b"].map(of).to_vec();
        let table = CountTable::new("t", dimensions, vec![3, 9, 9, 2], vec![]).unwrap();
        let (cell, upper) = (table.cell(&[1, 1]), 3);
        let levels = vec![ProtectionLevel { cell, lower, upper }];
        let table = table.with_protection_levels(levels).unwrap();
        let withheld = (0..9).map(|cell| table.is_inner(cell)).collect();
        let set = TableSet { tables: vec![table], policy: Policy::new(1, Zeros::MayBeWithheld) };
        let failure = Failure { table: 0, cell, reason: FailureReason::Low };
        match crate::verify(set, vec![Pattern { withheld }]) {
            Err(refusal) => refusal == Refusal::Unprotected(vec![failure]),
            Ok(_) => false,
        }
    }

    #[test]
    fn a_number_unsafe_by_rule_must_be_able_to_be_less_by_its_protection_level() {
        assert!(is_level_refused(3));
        assert!(!is_level_refused(2));
    }
}
