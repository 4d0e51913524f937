//! Whether a pattern leaves what is asked possible: some world, or that there is none.
//!
//! A world is added up before it counts. The solver alone says that there is none, and only the claim that a
//! pattern is the cheapest rests on it.

use std::collections::BTreeMap;

use microlp::{ComparisonOp, Error, OptimizationDirection, Problem, SolveOptions, Variable};

use minster_model::{CellId, IdVec};

use crate::{
    optimal::{
        cell_set::{CellSet, ComponentCellId},
        clause::Clause,
        component::{Component, ComponentRelationId},
        component_requirements::{ChangeBound, ComponentRequirement},
    },
    problem::{alternative_table::AlternativeId, cells::KNOWN},
};

/// Branch-and-bound nodes of one search for whole numbers.
const NODES: u64 = 200;

/// Says what is known of a requirement and a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    /// No world meets it for an outsider, or for someone in an inner cell.
    Fails(Option<ComponentCellId>),
    /// The work allowed did not settle it.
    Open,
}

/// Answers, and remembers the worlds found.
pub(crate) struct Feasibility<'a> {
    of: &'a Component,
    /// Those who are in some inner cell and know more than its least.
    insiders: Vec<ComponentCellId>,
    alternatives: IdVec<AlternativeId, KnownAlternative>,
    /// Steps left: one for each cell of each program solved, times its nodes.
    pub(crate) steps: u64,
}

/// A world: what changes, and by how much.
struct KnownAlternative {
    changes: CellSet,
    change: IdVec<ComponentCellId, i64>,
}

impl KnownAlternative {
    /// A world by its changes.
    fn new(change: IdVec<ComponentCellId, i64>) -> Self {
        let mut changes = CellSet::none(change.len());
        let changing = change.enumerate().filter(|(_, change)| **change != 0);
        changing.for_each(|(cell, _)| changes.put(cell));
        Self { changes, change }
    }

    /// The changes, by the cells' numbers among all.
    fn of_all(&self, of: &Component) -> Vec<(CellId, i64)> {
        self.changes.iter().map(|cell| (of.cells[cell], self.change[cell])).collect()
    }
}

/// The children whom a world must leave where they are.
#[derive(Clone, Copy)]
enum Stay<'a> {
    One(Option<ComponentCellId>),
    All(&'a [ComponentCellId]),
}

impl Stay<'_> {
    /// Whether the insiders of a cell are left where they are.
    fn holds(self, cell: ComponentCellId) -> bool {
        match self {
            Self::One(who) => who == Some(cell),
            Self::All(all) => all.binary_search(&cell).is_ok(),
        }
    }
}

/// By how much a cell is more and by how much it is less, or one variable for both.
type Change = (Variable, Option<Variable>);

impl<'a> Feasibility<'a> {
    /// Nothing is known yet of a component.
    pub(crate) fn new(of: &'a Component, steps: u64) -> Self {
        let insiders = of.ids().filter(|&cell| of.known[cell] > 0).collect();
        Self { of, insiders, alternatives: IdVec::new(), steps }
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
        // Most insiders ask the same as an outsider, so that the outsider's world often serves them too.
        match self.meets(requirement, withheld, None) {
            Some(true) => {}
            Some(false) => return Verdict::Fails(None),
            None => return Verdict::Open,
        }
        let mut open: Vec<ComponentCellId> = self
            .insiders
            .iter()
            .copied()
            .filter(|&who| withheld.has(who) && !self.is_known(requirement, withheld, Some(who)))
            .collect();
        if open.is_empty() {
            return Verdict::Met;
        }
        // One world may serve all who ask the same. A failure to find it says nothing: each may still have a world of
        // their own.
        let others: Vec<ComponentCellId> =
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
        who: Option<ComponentCellId>,
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
        who: Option<ComponentCellId>,
    ) -> Clause {
        // A larger pattern has every world of a smaller one. If it fails, all patterns within it fail, and so one of the
        // cells left must be withheld. The fewer cells are left, the more the clause says.
        let mut failing = withheld.clone();
        let mut rest: Vec<ComponentCellId> =
            self.of.ids().filter(|&cell| !failing.has(cell)).collect();
        // The dear ones are left to the last: a clause of these says most.
        rest.sort_by(|&a, &b| self.of.cost[a].total_cmp(&self.of.cost[b]).then(a.cmp(&b)));
        self.enlarge(requirement, who, &mut failing, &rest);
        Clause {
            any: self.of.ids().filter(|&cell| !failing.has(cell)).collect(),
            unless: requirement.pinned(&self.of.known, &self.of.forced, &failing, who),
        }
    }

    /// Adds as many of some cells as leave the requirement failing: all at once, or half by half.
    fn enlarge(
        &mut self,
        requirement: &ComponentRequirement,
        who: Option<ComponentCellId>,
        failing: &mut CellSet,
        more: &[ComponentCellId],
    ) {
        // Mostly all or most cells can be added, and halving finds the others in few searches.
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
    pub(crate) fn certificates(&self, withheld: &CellSet) -> Vec<Vec<(CellId, i64)>> {
        let mut used: IdVec<AlternativeId, bool> = vec![false; self.alternatives.len()].into();
        for requirement in &self.of.requirements {
            let insiders = self.insiders.iter().copied().filter(|&who| withheld.has(who));
            for who in std::iter::once(None).chain(insiders.map(Some)) {
                let meeting = self.meeting(requirement, withheld, who).next();
                meeting.into_iter().for_each(|alternative| used[alternative] = true);
            }
        }
        let used = self.alternatives.iter().zip(used).filter(|(_, used)| *used);
        used.map(|(alternative, _)| alternative.of_all(self.of)).collect()
    }

    /// Whether a requirement asks nothing, or a known world meets it.
    fn is_known(
        &self,
        requirement: &ComponentRequirement,
        withheld: &CellSet,
        who: Option<ComponentCellId>,
    ) -> bool {
        requirement.bound(&self.of.known, withheld, who).is_none()
            || self.meeting(requirement, withheld, who).next().is_some()
    }

    /// The worlds known that meet a requirement.
    fn meeting(
        &self,
        requirement: &ComponentRequirement,
        withheld: &CellSet,
        who: Option<ComponentCellId>,
    ) -> impl Iterator<Item = AlternativeId> {
        let bound = requirement.bound(&self.of.known, withheld, who);
        let all = self.alternatives.enumerate();
        let meeting = all.filter(move |(_, alternative)| {
            // A world found for one pattern is a world of every pattern that withholds the cells it changes.
            bound.is_some_and(|bound| bound.is_met(sum(&requirement.terms, &alternative.change)))
                && alternative.changes.is_within(withheld)
                && who.is_none_or(|who| alternative.change[who] >= self.least(who, true))
        });
        meeting.map(|(number, _)| number)
    }

    /// How little a cell can change, at least; an insider's own less so.
    fn least(&self, cell: ComponentCellId, is_insider: bool) -> i64 {
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
        // A cell that is alone withheld in some sum follows from the others. Without such cells the program is smaller, and
        // often there is nothing left to solve.
        let varying = self.varying(withheld);
        let inside = self.inside(requirement, &varying);
        if inside.is_empty() {
            return Some(false);
        }
        self.spend(inside.len() as u64)?;
        let change = match self.solve(requirement, bound, &inside, stay, false) {
            Solved::Alternative(change) => change,
            Solved::None => return Some(false),
            // Branch and bound takes much more work, and is needed only where the answer in fractions is not whole.
            Solved::Open => {
                self.spend(20 * inside.len() as u64)?;
                match self.solve(requirement, bound, &inside, stay, true) {
                    Solved::Alternative(change) => change,
                    Solved::None => return Some(false),
                    Solved::Open => return None,
                }
            }
        };
        self.alternatives.push(KnownAlternative::new(change));
        Some(true)
    }

    /// The withheld cells that are not the only one in some sum.
    fn varying(&self, withheld: &CellSet) -> CellSet {
        let mut varying = withheld.clone();
        let relations = &self.of.relations;
        let mut left: IdVec<ComponentRelationId, usize> = relations
            .iter()
            .map(|relation| relation.terms.iter().filter(|(cell, _)| varying.has(*cell)).count())
            .collect();
        let mut open: Vec<ComponentRelationId> =
            relations.ids().filter(|&number| left[number] == 1).collect();
        // A cell that falls out may leave another one alone in a sum.
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
    fn inside(
        &self,
        requirement: &ComponentRequirement,
        varying: &CellSet,
    ) -> Vec<ComponentCellId> {
        // A cell helps only if sums join it with the requirement's cells, directly or through others.
        let mut inside = CellSet::none(self.of.len());
        let mut used: IdVec<ComponentRelationId, bool> =
            vec![false; self.of.relations.len()].into();
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
        inside: &[ComponentCellId],
        stay: Stay<'_>,
        whole: bool,
    ) -> Solved {
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let mut variables: BTreeMap<ComponentCellId, Change> = BTreeMap::new();
        for &cell in inside {
            variables.insert(cell, self.add_change(&mut problem, cell, stay.holds(cell), whole));
        }
        // Other sums follow from the defining ones and would only make the program larger.
        for relation in self.of.relations.iter().filter(|relation| relation.defining) {
            let terms = signed(&variables, &relation.terms);
            if !terms.is_empty() {
                problem.add_constraint(terms, ComparisonOp::Eq, 0.0);
            }
        }
        let (direction, change) = match bound {
            ChangeBound::AtMost(most) => (ComparisonOp::Le, most),
            ChangeBound::AtLeast(least) => (ComparisonOp::Ge, least),
        };
        problem.add_constraint(signed(&variables, &requirement.terms), direction, change as f64);
        let mut options = SolveOptions::default();
        options.node_limit = Some(NODES);
        // The solver's word is taken only where it says that there is no solution. A reached node limit or a failure
        // settles nothing.
        let solution = match problem.solve_with(options).map(|outcome| outcome.into_solution()) {
            Ok(Ok(solution)) => solution,
            Err(Error::Infeasible) => return Solved::None,
            _ => return Solved::Open,
        };
        let mut change: IdVec<ComponentCellId, i64> = vec![0; self.of.len()].into();
        for (&cell, &(up, down)) in &variables {
            let down = down.map_or(0.0, |down| solution.var_value(down));
            let by = solution.var_value(up) - down;
            if (by - by.round()).abs() > 1e-6 {
                return Solved::Open;
            }
            change[cell] = by.round() as i64;
        }
        // The solver's arithmetic is not exact: the rounded changes must add up by themselves.
        match self.adds_up(requirement, bound, &change, stay) {
            true => Solved::Alternative(change),
            false => Solved::Open,
        }
    }

    /// Adds the variables of one cell, whose insiders stay or not. Any world will do: the costs lead it through what is
    /// withheld in every pattern, so that it serves other patterns too.
    fn add_change(
        &self,
        problem: &mut Problem,
        cell: ComponentCellId,
        stays: bool,
        whole: bool,
    ) -> Change {
        let cost = if self.of.forced.has(cell) { KNOWN } else { self.of.cost[cell] };
        let least = self.of.is_inner[cell].then(|| self.least(cell, stays));
        match least {
            Some(least) if whole => {
                let most = i32::try_from(-least).unwrap_or(i32::MAX);
                let up = problem.add_integer_var(cost, (0, i32::MAX));
                (up, Some(problem.add_integer_var(cost, (0, most))))
            }
            Some(least) => {
                let up = problem.add_var(cost, (0.0, f64::INFINITY));
                (up, Some(problem.add_var(cost, (0.0, -least as f64))))
            }
            // A margin is whole and bounded where its parts are; one that is withheld anyhow needs no price.
            None if cost <= KNOWN => {
                (problem.add_var(0.0, (f64::NEG_INFINITY, f64::INFINITY)), None)
            }
            None => {
                let up = problem.add_var(cost, (0.0, f64::INFINITY));
                (up, Some(problem.add_var(cost, (0.0, f64::INFINITY))))
            }
        }
    }

    /// Whether these changes are a world that meets a requirement.
    fn adds_up(
        &self,
        requirement: &ComponentRequirement,
        bound: ChangeBound,
        change: &IdVec<ComponentCellId, i64>,
        stay: Stay<'_>,
    ) -> bool {
        // All sums, not the defining ones alone: it costs little, and nothing is left to an argument.
        bound.is_met(sum(&requirement.terms, change))
            && self.of.relations.iter().all(|relation| sum(&relation.terms, change) == 0)
            && change
                .enumerate()
                .all(|(cell, change)| *change >= self.least(cell, stay.holds(cell)))
    }
}

/// The change of a sum.
fn sum(terms: &[(ComponentCellId, i64)], change: &IdVec<ComponentCellId, i64>) -> i64 {
    terms.iter().map(|&(cell, sign)| sign * change[cell]).sum()
}

/// A sum of changes in the variables of a program; a cell without any does not change.
fn signed(
    variables: &BTreeMap<ComponentCellId, Change>,
    terms: &[(ComponentCellId, i64)],
) -> Vec<(Variable, f64)> {
    let known = terms.iter().filter_map(|&(cell, sign)| {
        let &(up, down) = variables.get(&cell)?;
        let down = down.map(|down| (down, -sign as f64));
        Some(std::iter::once((up, sign as f64)).chain(down))
    });
    known.flatten().collect()
}

/// The answer of a program.
enum Solved {
    Alternative(IdVec<ComponentCellId, i64>),
    /// There is none.
    None,
    Open,
}
