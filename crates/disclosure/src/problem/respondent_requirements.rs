//! Lists what origins require, for the sake of respondents too.

use minster_model::{policy::Zeros, table::ProtectionLevel};

use crate::problem::{
    cells::Cells,
    requirements::{InsiderCondition, Knowledge, Requirement, RequirementOrigin, between, least},
};

impl RequirementOrigin {
    /// Its requirements, given which cells are withheld. One that the truth meets is none.
    pub(crate) fn requirements(self, cells: &Cells<'_>, withheld: &[bool]) -> Vec<Requirement> {
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
    withheld: &[bool],
) -> Vec<Requirement> {
    let respondents = &cells.respondents;
    let threshold = cells.set.policy.threshold as i64;
    let knowledge = |requirements: Vec<Requirement>, knowledge: Knowledge| {
        let of = move |requirement| Requirement {
            insiders: InsiderCondition::Ignored,
            knowledge: knowledge.clone(),
            ..requirement
        };
        requirements.into_iter().map(of)
    };
    let all_but = |but| Knowledge::Respondents { but };
    match origin {
        RequirementOrigin::Small(cell) => {
            let low = least(cells, withheld, cell);
            let high = threshold.max(low + threshold - 1);
            let requirements = between(cell, low - cells.count[cell], high - cells.count[cell]);
            let but = respondents.concerned(cells, cell);
            knowledge(requirements, all_but(but))
                .chain(of_remainders(cells, withheld, cell))
                .collect()
        }
        RequirementOrigin::Remainder(cell) => of_remainders(cells, withheld, cell),
        RequirementOrigin::UnsafeByRule(cell, ProtectionLevel { lower, upper, .. }) => {
            let (down, up) = (-(lower as i64), upper as i64);
            let low = least(cells, withheld, cell) - cells.count[cell];
            let concerned = respondents.concerned(cells, cell);
            let mut requirements: Vec<Requirement> =
                knowledge(between(cell, low.max(down), up), all_but(concerned.clone())).collect();
            let none_is_shown = cells.policy(cell).zeros == Zeros::Published;
            for respondent in concerned.into_iter().filter(|_| respondents.of(cell).is_none()) {
                let remainder = respondents.remainder(cells, cell, respondent);
                if remainder > 0 || !none_is_shown {
                    let low = least_remainder(cells, withheld, cell, respondent) - remainder;
                    let requirement = between(cell, low.max(down), up);
                    requirements.extend(knowledge(requirement, Knowledge::Respondent(respondent)));
                }
            }
            requirements
        }
        RequirementOrigin::Class { group, inside } => {
            let outside = cells.count[group] - cells.count[inside];
            let missing = |outside: i64| {
                let terms = vec![(group, 1.0), (inside, -1.0)];
                let requirement =
                    |missing| Requirement { terms, ..Requirement::change_of(group, missing) };
                let missing = threshold - outside;
                (missing > 0).then(|| requirement(missing as f64)).into_iter().collect::<Vec<_>>()
            };
            let (mut but, mut requirements) = (Vec::new(), Vec::new());
            for respondent in respondents.below(cells, group) {
                let own = respondents.own(cells, group, respondent)
                    - respondents.own(cells, inside, respondent);
                let has_remainder = respondents.remainder(cells, inside, respondent) > 0;
                if own > 0 && has_remainder {
                    requirements.extend(knowledge(
                        missing(outside - own),
                        Knowledge::Respondent(respondent),
                    ));
                }
                if own > 0 || !has_remainder {
                    but.push(respondent);
                }
            }
            requirements.extend(knowledge(missing(outside), all_but(but)));
            requirements
        }
    }
}

/// Returns what the respondents require to whom a cell's remainder is small.
fn of_remainders(cells: &Cells<'_>, withheld: &[bool], cell: usize) -> Vec<Requirement> {
    let threshold = cells.set.policy.threshold as i64;
    let mut requirements = Vec::new();
    for (respondent, _) in cells.respondents.small_of(cell) {
        let remainder = cells.respondents.remainder(cells, cell, respondent);
        let low = least_remainder(cells, withheld, cell, respondent);
        let high = threshold.max(low + threshold - 1);
        for requirement in between(cell, low - remainder, high - remainder) {
            let knowledge = Knowledge::Respondent(respondent);
            requirements.push(Requirement {
                insiders: InsiderCondition::Ignored,
                knowledge,
                ..requirement
            });
        }
    }
    requirements
}

/// The least that what is left of a cell to a respondent can be, given which inner cells are withheld.
fn least_remainder(cells: &Cells<'_>, withheld: &[bool], cell: usize, respondent: u32) -> i64 {
    let of_inner = |inner: usize| match withheld[inner] {
        true => cells.least_withheld(inner),
        false => cells.count[inner],
    };
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
