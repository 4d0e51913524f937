//! Lists what origins require, for the sake of respondents too.

use minster_model::{CellId, RespondentId, policy::Zeros, table::ProtectionLevel};

use crate::problem::{
    cells::{Cells, Withheld},
    requirements::{
        InsiderCondition, Knowledge, Requirement, RequirementOrigin, between, least, more_outside,
    },
};

impl RequirementOrigin {
    /// Its requirements, given which cells are withheld. One that the truth meets is none.
    pub(crate) fn requirements(self, cells: &Cells<'_>, withheld: &Withheld) -> Vec<Requirement> {
        let mut requirements = self.requirements_of_all(cells, withheld);
        if cells.respondents.are_declared() {
            requirements.extend(of_respondents(self, cells, withheld));
        }
        requirements
    }
}

/// Returns what an origin requires for the sake of respondents, given which cells are withheld. Insiders are others: no
/// respondent is taken to know what they do.
fn of_respondents(
    origin: RequirementOrigin,
    cells: &Cells<'_>,
    withheld: &Withheld,
) -> Vec<Requirement> {
    let respondents = &cells.respondents;
    match origin {
        RequirementOrigin::Small(cell) => {
            let threshold = cells.set.policy.threshold as i64;
            let low = least(cells, withheld, cell);
            let high = threshold.max(low + threshold - 1);
            let requirements = between(cell, low - cells.count[cell], high - cells.count[cell]);
            // A respondent without children in the cell asks the same as an outsider. One with children there asks about
            // the remainder instead.
            let but = respondents.concerned(cells, cell);
            asked_with(requirements, Knowledge::Respondents { but })
                .chain(of_remainders(cells, withheld, cell))
                .collect()
        }
        RequirementOrigin::Remainder(cell) => of_remainders(cells, withheld, cell),
        RequirementOrigin::UnsafeByRule(cell, level) => {
            of_unsafe_by_rule(cells, withheld, cell, level)
        }
        RequirementOrigin::Class { group, inside } => of_class(cells, group, inside),
    }
}

/// The same requirements, made by those with some knowledge.
fn asked_with(
    requirements: impl IntoIterator<Item = Requirement>,
    knowledge: Knowledge,
) -> impl Iterator<Item = Requirement> {
    requirements.into_iter().map(move |requirement| Requirement {
        insiders: InsiderCondition::Ignored,
        knowledge: knowledge.clone(),
        ..requirement
    })
}

/// Returns what respondents require of a cell that is unsafe by rule: the same protection of the whole cell or, to those
/// with children there, of its remainder.
fn of_unsafe_by_rule(
    cells: &Cells<'_>,
    withheld: &Withheld,
    cell: CellId,
    ProtectionLevel { lower, upper, .. }: ProtectionLevel,
) -> Vec<Requirement> {
    let respondents = &cells.respondents;
    let (down, up) = (-(lower as i64), upper as i64);
    let low = least(cells, withheld, cell) - cells.count[cell];
    let concerned = respondents.concerned(cells, cell);
    let but = concerned.clone();
    let of_others = between(cell, low.max(down), up);
    let mut requirements: Vec<Requirement> =
        asked_with(of_others, Knowledge::Respondents { but }).collect();
    let none_is_shown = cells.policy(cell).zeros == Zeros::Published;
    // A cell of one respondent alone leaves no remainder.
    for respondent in concerned.into_iter().filter(|_| respondents.of(cell).is_none()) {
        let remainder = respondents.remainder(cells, cell, respondent);
        // Where zeros are published, a remainder of 0 may be known.
        if remainder > 0 || !none_is_shown {
            let low = least_remainder(cells, withheld, cell, respondent) - remainder;
            let requirement = between(cell, low.max(down), up);
            requirements.extend(asked_with(requirement, Knowledge::Respondent(respondent)));
        }
    }
    requirements
}

/// Returns what respondents require of a sensitive category of a group: that enough of others may be outside it.
fn of_class(cells: &Cells<'_>, group: CellId, inside: CellId) -> Vec<Requirement> {
    let respondents = &cells.respondents;
    let threshold = cells.set.policy.threshold as i64;
    let outside = cells.count[group] - cells.count[inside];
    let (mut but, mut requirements) = (Vec::new(), Vec::new());
    for respondent in respondents.below(cells, group) {
        // They take off their own children outside, and the rule is asked of the rest.
        let own =
            respondents.own(cells, group, respondent) - respondents.own(cells, inside, respondent);
        let has_remainder = respondents.remainder(cells, inside, respondent) > 0;
        if own > 0 && has_remainder {
            let of_rest = more_outside(group, inside, threshold - (outside - own));
            requirements.extend(asked_with(of_rest, Knowledge::Respondent(respondent)));
        }
        // If nobody else is inside, they learn nothing about anybody else.
        if own > 0 || !has_remainder {
            but.push(respondent);
        }
    }
    let of_others = more_outside(group, inside, threshold - outside);
    requirements.extend(asked_with(of_others, Knowledge::Respondents { but }));
    requirements
}

/// Returns what the respondents require to whom a cell's remainder is small.
fn of_remainders(cells: &Cells<'_>, withheld: &Withheld, cell: CellId) -> Vec<Requirement> {
    let threshold = cells.set.policy.threshold as i64;
    let mut requirements = Vec::new();
    for (respondent, _) in cells.respondents.small_of(cell) {
        let remainder = cells.respondents.remainder(cells, cell, respondent);
        let low = least_remainder(cells, withheld, cell, respondent);
        let high = threshold.max(low + threshold - 1);
        // Their own cells stay at the truth, so the cell changes by as much as its remainder.
        let of_remainder = between(cell, low - remainder, high - remainder);
        requirements.extend(asked_with(of_remainder, Knowledge::Respondent(respondent)));
    }
    requirements
}

/// The least that what is left of a cell to a respondent can be, given which inner cells are withheld.
fn least_remainder(
    cells: &Cells<'_>,
    withheld: &Withheld,
    cell: CellId,
    respondent: RespondentId,
) -> i64 {
    let of_inner = |inner: CellId| match withheld[inner] {
        true => cells.least_withheld(inner),
        false => cells.count[inner],
    };
    // An inner cell with no one in it adds nothing, unless it was withheld before, under another policy.
    match cells.respondents.others(cell, respondent) {
        Some(others) if !cells.was_published_before(cell) => {
            others.iter().copied().map(of_inner).sum()
        }
        _ => {
            let below = cells.inner_below(cell).into_iter();
            let others = below.filter(|&inner| cells.respondents.of(inner) != Some(respondent));
            others.map(of_inner).sum()
        }
    }
}
