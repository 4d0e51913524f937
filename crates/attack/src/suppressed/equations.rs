//! The attacker writes this down: one unknown for each withheld inner cell, one equation for each
//! published number that covers an unknown, one for each shared margin; in connected components.

use std::collections::BTreeSet;

use minster_model::{
    IdVec, TableId, id,
    policy::Policy,
    refinement::Refinements,
    table::{CountTable, Pattern, TableSet},
};

use crate::shared::{
    alternative_table,
    id_slice::IdSlice,
    linked_tables,
    typed::{InnerCell, TypedPattern, TypedSet, TypedTable},
};

id! {
    /// The number of an unknown among those of all tables.
    UnknownId
}

id! {
    /// The number of an equation.
    EquationId
}

id! {
    /// The number of a component: unknowns that equations tie to each other, and to no other unknown.
    ComponentId
}

/// An unknown: a table and one of its inner cells.
pub(crate) type Unknown = (TableId, InnerCell);

/// An unknown and its sign in a sum.
pub(crate) type Term = (UnknownId, i64);

/// A sum of unknowns (each once, with a sign) and what it is. There is a first unknown: a sum of none says nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Equation {
    first: Term,
    others: Vec<Term>,
    pub(crate) is: i64,
}

impl Equation {
    /// None where the sum has no unknown.
    pub(crate) fn new(terms: impl IntoIterator<Item = Term>, is: i64) -> Option<Self> {
        let mut terms = terms.into_iter();
        Some(Self { first: terms.next()?, others: terms.collect(), is })
    }

    /// The unknowns with their signs.
    pub(crate) fn terms(&self) -> impl Iterator<Item = Term> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }
}

/// The unknowns and the equations of a component, ascending.
#[derive(Default)]
struct Members {
    unknowns: Vec<UnknownId>,
    equations: Vec<EquationId>,
}

/// The whole system.
pub(crate) struct System {
    pub(crate) unknowns: IdVec<UnknownId, Unknown>,
    /// The unknown that each inner cell of each table is.
    place: IdVec<TableId, IdVec<InnerCell, Option<UnknownId>>>,
    /// The true count of each unknown.
    pub(crate) truth: IdVec<UnknownId, i64>,
    /// The policy of each unknown's table.
    policies: IdVec<UnknownId, Policy>,
    /// For each table, whether those who know that they are in one of its cells know more by another table.
    divided: IdVec<TableId, bool>,
    equations: IdVec<EquationId, Equation>,
    /// The component of each unknown.
    component: IdVec<UnknownId, ComponentId>,
    members: IdVec<ComponentId, Members>,
}

impl System {
    pub(crate) fn new(
        set: &TableSet,
        patterns: IdSlice<'_, TableId, Pattern>,
        refinements: &Refinements<'_>,
    ) -> Self {
        let tables = set.by_table();
        let mut unknowns: IdVec<UnknownId, Unknown> = IdVec::new();
        let place: IdVec<TableId, IdVec<InnerCell, Option<UnknownId>>> = tables
            .enumerate()
            .zip(patterns)
            .map(|((number, table), pattern)| {
                number_unknowns(number, table, pattern, &mut unknowns)
            })
            .collect();
        let truth: IdVec<UnknownId, i64> = unknowns
            .iter()
            .map(|&(table, inner)| tables.at(table).by_inner()[inner] as i64)
            .collect();
        let mut equations = Vec::new();
        for ((table, pattern), place) in tables.iter().zip(patterns).zip(&place) {
            published_sums(table, pattern, place, &mut equations);
        }
        shared_sums(set, &place, &truth, &mut equations);
        // Two margins may say the same of the same unknowns: one of them costs the solver enough.
        equations.sort_unstable();
        equations.dedup();
        let equations: IdVec<EquationId, Equation> = equations.into();
        let (component, members) = components(unknowns.len(), &equations);
        let policies =
            unknowns.iter().map(|&(table, _)| tables.at(table).policy(set.policy)).collect();
        // A family of two may be in two parts of a cell, so that the parts do not tell of them all that the cell does.
        let divided = tables
            .ids()
            .map(|table| set.policy.insider <= 1 && refinements.is_divided(table.0))
            .collect();
        Self { unknowns, place, truth, policies, divided, equations, component, members }
    }

    /// The least that an unknown can be by the policy.
    pub(crate) fn least(&self, unknown: UnknownId) -> u64 {
        self.policies[unknown].zeros.least_withheld()
    }

    /// The least that some unknowns can be together.
    pub(crate) fn least_of(&self, unknowns: &[UnknownId]) -> i64 {
        unknowns.iter().map(|&unknown| self.least(unknown) as i64).sum()
    }

    /// How many more than the least an insider knows to be in an unknown. Someone in a cell that another table divides
    /// is in one of the parts, and counts as an insider there.
    pub(crate) fn more_known(&self, unknown: UnknownId) -> u64 {
        let (table, _) = self.unknowns[unknown];
        if self.divided[table] {
            return 0;
        }
        self.policies[unknown].more_known(self.truth[unknown].unsigned_abs())
    }

    /// The unknown that an inner cell is, if it is one.
    pub(crate) fn unknown(&self, table: TableId, inner: InnerCell) -> Option<UnknownId> {
        *self.place.find(table)?.find(inner)?
    }

    /// The unknowns, ascending, and the equations of all components that some unknowns are in.
    pub(crate) fn around(&self, unknowns: &[UnknownId]) -> (Vec<UnknownId>, Vec<&Equation>) {
        // An unknown that no equation ties to these, directly or by others, stays at the truth: it says nothing of them.
        let touched: BTreeSet<ComponentId> =
            unknowns.iter().map(|&unknown| self.component[unknown]).collect();
        let (mut inside, mut equations) = (Vec::new(), Vec::new());
        for component in touched {
            let members = &self.members[component];
            inside.extend_from_slice(&members.unknowns);
            equations.extend(members.equations.iter().map(|&number| &self.equations[number]));
        }
        inside.sort_unstable();
        (inside, equations)
    }
}

/// Numbers a table's unknowns on from those of the tables before it, and returns them by inner cell.
fn number_unknowns(
    number: TableId,
    table: &CountTable,
    pattern: &Pattern,
    unknowns: &mut IdVec<UnknownId, Unknown>,
) -> IdVec<InnerCell, Option<UnknownId>> {
    let cells = table.cells_of_inner();
    cells
        .ids()
        .zip(cells)
        .map(|(inner, cell)| {
            // A reader who knows that nobody can be there knows the count.
            let is_unknown = pattern.by_cell()[cell] && !table.is_known_zero(inner.0);
            is_unknown.then(|| unknowns.push((number, inner)))
        })
        .collect()
}

/// Adds what each published cell of a table says of the unknowns that it counts.
fn published_sums(
    table: &CountTable,
    pattern: &Pattern,
    place: &IdVec<InnerCell, Option<UnknownId>>,
    equations: &mut Vec<Equation>,
) {
    let mut terms: IdVec<_, Vec<Term>> = IdVec::of(Vec::new(), table.cell_count());
    // A published margin less its published inner cells is the true sum of its unknowns.
    let mut rest = IdVec::of(0, table.cell_count());
    let covering = alternative_table::Covering::new(table);
    let mut above = Vec::new();
    for (inner, &unknown) in place.enumerate() {
        let Some(unknown) = unknown else { continue };
        covering.of(inner, &mut above);
        for &cell in above.iter().filter(|cell| !pattern.by_cell()[**cell]) {
            terms[cell].push((unknown, 1));
            rest[cell] += table.by_inner()[inner] as i64;
        }
    }
    let sums = terms.into_iter().zip(rest);
    equations.extend(sums.filter_map(|(terms, rest)| Equation::new(terms, rest)));
}

/// Adds that linked tables agree wherever they count the same children. Nobody needs to publish that: the attacker
/// knows that both count one set of children.
fn shared_sums(
    set: &TableSet,
    place: &IdVec<TableId, IdVec<InnerCell, Option<UnknownId>>>,
    truth: &IdVec<UnknownId, i64>,
    equations: &mut Vec<Equation>,
) {
    for (first, second) in linked_tables::pairs(set) {
        for (of_first, of_second) in linked_tables::shared(set.table(first), set.table(second)) {
            let of_first = of_first.into_iter().filter_map(|inner| place[first][inner]);
            let of_second = of_second.into_iter().filter_map(|inner| place[second][inner]);
            let terms: Vec<Term> = of_first
                .map(|unknown| (unknown, 1))
                .chain(of_second.map(|unknown| (unknown, -1)))
                .collect();
            // Both sides are equal in truth, and so are what is left of them without the published inner cells.
            let is = terms.iter().map(|&(unknown, sign)| sign * truth[unknown]).sum();
            equations.extend(Equation::new(terms, is));
        }
    }
}

/// The component of each unknown, and the members of each. Components are numbered in the order of their least unknowns.
fn components(
    unknowns: usize,
    equations: &IdVec<EquationId, Equation>,
) -> (IdVec<UnknownId, ComponentId>, IdVec<ComponentId, Members>) {
    let mut parent: IdVec<UnknownId, UnknownId> = (0..unknowns).map(UnknownId).collect();
    for equation in equations {
        let (first, _) = equation.first;
        for &(other, _) in &equation.others {
            let (a, b) = (root(&mut parent, first), root(&mut parent, other));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut members: IdVec<ComponentId, Members> = IdVec::new();
    let mut component: IdVec<UnknownId, ComponentId> = IdVec::with_capacity(parent.len());
    for unknown in parent.ids() {
        // The root is the least of its component: it comes first, and the others find its component there.
        let root = root(&mut parent, unknown);
        let of = match root == unknown {
            true => members.push(Members::default()),
            false => component[root],
        };
        members[of].unknowns.push(unknown);
        component.push(of);
    }
    for (number, equation) in equations.enumerate() {
        let (first, _) = equation.first;
        members[component[first]].equations.push(number);
    }
    (component, members)
}

fn root(parent: &mut IdVec<UnknownId, UnknownId>, mut node: UnknownId) -> UnknownId {
    while parent[node] != node {
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    node
}
