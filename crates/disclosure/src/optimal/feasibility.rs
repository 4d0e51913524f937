//! Whether a pattern leaves what is asked possible: some world, or that there is none.
//!
//! A world is added up before it counts. The solver alone says that there is none, and only the claim that a
//! pattern is the cheapest rests on it.

use std::collections::BTreeMap;

use microlp::{ComparisonOp, Error, OptimizationDirection, Problem, SolveOptions, Variable};

use crate::{
    optimal::{
        cell_set::CellSet,
        clause::Clause,
        component::Component,
        component_requirements::{ChangeBound, ComponentRequirement},
    },
    problem::cells::KNOWN,
};

/// Branch-and-bound nodes of one search for whole numbers.
const NODES: u64 = 200;

/// Says what is known of a requirement and a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    /// No world meets it for an outsider, or for someone in an inner cell.
    Fails(Option<usize>),
    /// The work allowed did not settle it.
    Open,
}

/// Answers, and remembers the worlds found.
pub(crate) struct Feasibility<'a> {
    of: &'a Component,
    /// Those who are in some inner cell and know more than its least.
    insiders: Vec<usize>,
    alternatives: Vec<KnownAlternative>,
    /// Steps left: one for each cell of each program solved, times its nodes.
    pub(crate) steps: u64,
}

/// A world: what changes, and by how much.
struct KnownAlternative {
    changes: CellSet,
    change: Vec<i64>,
}

/// Whom a world must leave where they are.
#[derive(Clone, Copy)]
enum Stay<'a> {
    One(Option<usize>),
    All(&'a [usize]),
}

impl<'a> Feasibility<'a> {
    pub(crate) fn new(of: &'a Component, steps: u64) -> Self {
        let insiders = (0..of.len()).filter(|&cell| of.known[cell] > 0).collect();
        Self { of, insiders, alternatives: Vec::new(), steps }
    }

    /// Spends steps; none where they are used up.
    pub(crate) fn spend(&mut self, steps: u64) -> Option<()> {
        match self.steps.checked_sub(steps) {
            Some(left) => self.steps = left,
            None => self.steps = 0,
        }
        (self.steps > 0).then_some(())
    }

    /// Whether a pattern meets a requirement, for outsiders and for everyone who could be in a withheld cell.
    pub(crate) fn judge(
        &mut self,
        requirement: &ComponentRequirement,
        withheld: &CellSet,
    ) -> Verdict {
        match self.meets(requirement, withheld, None) {
            Some(true) => {}
            Some(false) => return Verdict::Fails(None),
            None => return Verdict::Open,
        }
        let mut open: Vec<usize> = self
            .insiders
            .iter()
            .copied()
            .filter(|&who| withheld.has(who) && !self.is_known(requirement, withheld, Some(who)))
            .collect();
        if open.is_empty() {
            return Verdict::Met;
        }
        // One world for all who ask the same, if there is one.
        let others: Vec<usize> =
            self.insiders.iter().copied().filter(|&who| !requirement.is_below(who)).collect();
        if let Some(bound) = requirement.bound(&self.of.known, withheld, None)
            && open.iter().any(|who| !requirement.is_below(*who))
        {
            _ = self.search(requirement, bound, withheld, Stay::All(&others));
        }
        open.retain(|&who| !self.is_known(requirement, withheld, Some(who)));
        for who in open {
            match self.meets(requirement, withheld, Some(who)) {
                Some(true) => {}
                Some(false) => return Verdict::Fails(Some(who)),
                None => return Verdict::Open,
            }
        }
        Verdict::Met
    }

    /// Whether a pattern meets a requirement for an outsider, or for someone in an inner cell; none where the
    /// work allowed does not settle it.
    pub(crate) fn meets(
        &mut self,
        requirement: &ComponentRequirement,
        withheld: &CellSet,
        who: Option<usize>,
    ) -> Option<bool> {
        let Some(bound) = requirement.bound(&self.of.known, withheld, who) else {
            return Some(true);
        };
        if self.is_known(requirement, withheld, who) {
            return Some(true);
        }
        self.search(requirement, bound, withheld, Stay::One(who))
    }

    /// Withholds all that can be withheld besides so that a requirement still fails: not all that is left may
    /// be published.
    pub(crate) fn clause(
        &mut self,
        requirement: &ComponentRequirement,
        withheld: &CellSet,
        who: Option<usize>,
    ) -> Clause {
        let mut failing = withheld.clone();
        let mut rest: Vec<usize> = (0..self.of.len()).filter(|&cell| !failing.has(cell)).collect();
        // The dear ones are left to the last: a clause of these says most.
        rest.sort_by(|&a, &b| self.of.cost[a].total_cmp(&self.of.cost[b]).then(a.cmp(&b)));
        self.enlarge(requirement, who, &mut failing, &rest);
        Clause {
            any: (0..self.of.len()).filter(|&cell| !failing.has(cell)).collect(),
            unless: requirement.pinned(&self.of.known, &self.of.forced, &failing, who),
        }
    }

    /// Adds as many of some cells as leave the requirement failing: all at once, or half by half.
    fn enlarge(
        &mut self,
        requirement: &ComponentRequirement,
        who: Option<usize>,
        failing: &mut CellSet,
        more: &[usize],
    ) {
        let mut larger = failing.clone();
        more.iter().for_each(|&cell| larger.put(cell));
        if self.meets(requirement, &larger, who) == Some(false) {
            *failing = larger;
        } else if more.len() > 1 {
            let (first, second) = more.split_at(more.len() / 2);
            self.enlarge(requirement, who, failing, first);
            self.enlarge(requirement, who, failing, second);
        }
    }

    /// The worlds that show that a pattern meets all requirements.
    pub(crate) fn certificates(&self, withheld: &CellSet) -> Vec<Vec<(usize, i64)>> {
        let mut used = vec![false; self.alternatives.len()];
        for requirement in &self.of.requirements {
            let insiders = self.insiders.iter().copied().filter(|&who| withheld.has(who));
            for who in std::iter::once(None).chain(insiders.map(Some)) {
                let meeting = self.meeting(requirement, withheld, who).next();
                meeting.into_iter().for_each(|alternative| used[alternative] = true);
            }
        }
        let changes = |alternative: &KnownAlternative| {
            alternative
                .changes
                .iter()
                .map(|cell| (self.of.cells[cell], alternative.change[cell]))
                .collect()
        };
        let used = self.alternatives.iter().zip(used).filter(|(_, used)| *used);
        used.map(|(alternative, _)| changes(alternative)).collect()
    }

    fn is_known(
        &self,
        requirement: &ComponentRequirement,
        withheld: &CellSet,
        who: Option<usize>,
    ) -> bool {
        requirement.bound(&self.of.known, withheld, who).is_none()
            || self.meeting(requirement, withheld, who).next().is_some()
    }

    /// The worlds known that meet a requirement.
    fn meeting(
        &self,
        requirement: &ComponentRequirement,
        withheld: &CellSet,
        who: Option<usize>,
    ) -> impl Iterator<Item = usize> {
        let bound = requirement.bound(&self.of.known, withheld, who);
        (0..self.alternatives.len()).filter(move |&number| {
            let alternative = &self.alternatives[number];
            let change = || {
                requirement.terms.iter().map(|&(cell, sign)| sign * alternative.change[cell]).sum()
            };
            bound.is_some_and(|bound| bound.is_met(change()))
                && alternative.changes.is_within(withheld)
                && who.is_none_or(|who| alternative.change[who] >= self.least(who, true))
        })
    }

    /// How little a cell can change, at least; an insider's own less so.
    fn least(&self, cell: usize, is_insider: bool) -> i64 {
        let known = if is_insider { self.of.known[cell] } else { 0 };
        self.of.floor[cell].map_or(i64::MIN, |floor| floor + known)
    }

    /// Searches for a world, and remembers it.
    fn search(
        &mut self,
        requirement: &ComponentRequirement,
        bound: ChangeBound,
        withheld: &CellSet,
        stay: Stay<'_>,
    ) -> Option<bool> {
        let varying = self.varying(withheld);
        let inside = self.inside(requirement, &varying);
        if inside.is_empty() {
            return Some(false);
        }
        self.spend(inside.len() as u64)?;
        let change = match self.solve(requirement, bound, &inside, stay, false) {
            Solved::Alternative(change) => change,
            Solved::None => return Some(false),
            Solved::Open => {
                self.spend(20 * inside.len() as u64)?;
                match self.solve(requirement, bound, &inside, stay, true) {
                    Solved::Alternative(change) => change,
                    Solved::None => return Some(false),
                    Solved::Open => return None,
                }
            }
        };
        let mut changes = CellSet::none(self.of.len());
        (0..change.len()).filter(|&cell| change[cell] != 0).for_each(|cell| changes.put(cell));
        self.alternatives.push(KnownAlternative { changes, change });
        Some(true)
    }

    /// The withheld cells that are not the only one in some sum.
    fn varying(&self, withheld: &CellSet) -> CellSet {
        let mut varying = withheld.clone();
        let relations = &self.of.relations;
        let mut left: Vec<usize> = relations
            .iter()
            .map(|relation| relation.terms.iter().filter(|(cell, _)| varying.has(*cell)).count())
            .collect();
        let mut open: Vec<usize> =
            (0..relations.len()).filter(|&number| left[number] == 1).collect();
        while let Some(number) = open.pop() {
            let only = relations[number].terms.iter().find(|(cell, _)| varying.has(*cell));
            let Some(&(cell, _)) = only else { continue };
            varying.take(cell);
            for &other in &self.of.relations_of[cell] {
                left[other] -= 1;
                if left[other] == 1 {
                    open.push(other);
                }
            }
        }
        varying
    }

    /// The varying cells that sums join with a requirement's.
    fn inside(&self, requirement: &ComponentRequirement, varying: &CellSet) -> Vec<usize> {
        let mut inside = CellSet::none(self.of.len());
        let mut used = vec![false; self.of.relations.len()];
        let mut open = Vec::new();
        for &(cell, _) in requirement.terms.iter().filter(|(cell, _)| varying.has(*cell)) {
            inside.put(cell);
            open.push(cell);
        }
        while let Some(cell) = open.pop() {
            for &number in &self.of.relations_of[cell] {
                if std::mem::replace(&mut used[number], true) {
                    continue;
                }
                for &(other, _) in &self.of.relations[number].terms {
                    if varying.has(other) && !inside.has(other) {
                        inside.put(other);
                        open.push(other);
                    }
                }
            }
        }
        inside.iter().collect()
    }

    /// One program over the changes of the cells inside: the cheapest that meets a requirement.
    fn solve(
        &self,
        requirement: &ComponentRequirement,
        bound: ChangeBound,
        inside: &[usize],
        stay: Stay<'_>,
        whole: bool,
    ) -> Solved {
        let stays = |cell: usize| match stay {
            Stay::One(who) => who == Some(cell),
            Stay::All(all) => all.binary_search(&cell).is_ok(),
        };
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let mut variables: BTreeMap<usize, (Variable, Option<Variable>)> = BTreeMap::new();
        for &cell in inside {
            let cost = if self.of.forced.has(cell) { KNOWN } else { self.of.cost[cell] };
            let least = self.of.is_inner[cell].then(|| self.least(cell, stays(cell)));
            let pair = match least {
                Some(least) if whole => {
                    let most = i32::try_from(-least).unwrap_or(i32::MAX);
                    let up = problem.add_integer_var(cost, (0, i32::MAX));
                    (up, Some(problem.add_integer_var(cost, (0, most))))
                }
                Some(least) => {
                    let up = problem.add_var(cost, (0.0, f64::INFINITY));
                    (up, Some(problem.add_var(cost, (0.0, -least as f64))))
                }
                None if cost <= KNOWN => {
                    (problem.add_var(0.0, (f64::NEG_INFINITY, f64::INFINITY)), None)
                }
                None => {
                    let up = problem.add_var(cost, (0.0, f64::INFINITY));
                    (up, Some(problem.add_var(cost, (0.0, f64::INFINITY))))
                }
            };
            variables.insert(cell, pair);
        }
        let signed = |terms: &[(usize, i64)]| -> Vec<(Variable, f64)> {
            let known = terms.iter().filter_map(|&(cell, sign)| {
                let &(up, down) = variables.get(&cell)?;
                let down = down.map(|down| (down, -sign as f64));
                Some(std::iter::once((up, sign as f64)).chain(down))
            });
            known.flatten().collect()
        };
        for relation in self.of.relations.iter().filter(|relation| relation.defining) {
            let terms = signed(&relation.terms);
            if !terms.is_empty() {
                problem.add_constraint(terms, ComparisonOp::Eq, 0.0);
            }
        }
        match bound {
            ChangeBound::AtMost(most) => {
                problem.add_constraint(signed(&requirement.terms), ComparisonOp::Le, most as f64)
            }
            ChangeBound::AtLeast(least) => {
                problem.add_constraint(signed(&requirement.terms), ComparisonOp::Ge, least as f64)
            }
        }
        let mut options = SolveOptions::default();
        options.node_limit = Some(NODES);
        let solution = match problem.solve_with(options).map(|outcome| outcome.into_solution()) {
            Ok(Ok(solution)) => solution,
            Err(Error::Infeasible) => return Solved::None,
            _ => return Solved::Open,
        };
        let mut change = vec![0; self.of.len()];
        for (&cell, &(up, down)) in &variables {
            let down = down.map_or(0.0, |down| solution.var_value(down));
            let by = solution.var_value(up) - down;
            if (by - by.round()).abs() > 1e-6 {
                return Solved::Open;
            }
            change[cell] = by.round() as i64;
        }
        match self.adds_up(requirement, bound, &change, stays) {
            true => Solved::Alternative(change),
            false => Solved::Open,
        }
    }

    /// Whether these changes are a world that meets a requirement.
    fn adds_up(
        &self,
        requirement: &ComponentRequirement,
        bound: ChangeBound,
        change: &[i64],
        stays: impl Fn(usize) -> bool,
    ) -> bool {
        let sum = |terms: &[(usize, i64)]| -> i64 {
            terms.iter().map(|&(cell, sign)| sign * change[cell]).sum()
        };
        bound.is_met(sum(&requirement.terms))
            && self.of.relations.iter().all(|relation| sum(&relation.terms) == 0)
            && (0..change.len()).all(|cell| change[cell] >= self.least(cell, stays(cell)))
    }
}

enum Solved {
    Alternative(Vec<i64>),
    /// There is none.
    None,
    Open,
}
