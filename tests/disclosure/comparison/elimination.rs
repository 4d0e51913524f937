//! Gaussian elimination: which cells can be published before a primary one follows.

use minster_disclosure::{
    SuppressionRefusal,
    building_blocks::{Cells, is_primary},
};
use minster_model::{CellId, IdVec, policy::Zeros};

use super::{
    coordinates,
    field::Field,
    span::{self, Span, Sparse},
};

/// A contributor who is alone in an inner cell may work this out by taking themselves off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Singletons {
    /// Anything: nobody is thought to know their own cell.
    None,
    /// Nothing: a primary cell is no combination of published cells and one inner cell that counts 1, except
    /// where it is that cell itself (or was one before anything but zeros and totals was out). So no sum
    /// of two primary cells of which one counts 1 follows from what is published.
    Guarded,
}

/// Keeps what follows from the cells published so far, and what is left of the primary ones.
#[derive(Clone)]
pub(super) struct Elimination<'a> {
    vectors: std::rc::Rc<IdVec<CellId, Sparse>>,
    primary: std::rc::Rc<[Primary]>,
    is_unsafe_by_rule: bool,
    span: Span,
    cells: &'a Cells<'a>,
}

struct Primary {
    cell: CellId,
    /// One child alone in an inner cell.
    is_singleton: bool,
}

impl<'a> Elimination<'a> {
    /// Where only what is published in any case is: sums between tables, totals, zeros if the policy
    /// publishes them, and what was published before.
    pub(super) fn new(
        cells: &'a Cells<'a>,
        singletons: Singletons,
        field: Field,
    ) -> Result<Self, SuppressionRefusal> {
        let (vectors, coordinates) = coordinates::vectors(cells, field);
        let primary: Vec<Primary> = cells
            .ids()
            .filter(|&cell| is_primary(cells, cell))
            .map(|cell| Primary {
                cell,
                is_singleton: cells.is_inner[cell] && cells.count[cell] == 1,
            })
            .collect();
        let watched = primary.iter().map(|primary| vectors[primary.cell].clone()).collect();
        let mut span = Span::new(field, coordinates, watched);
        for relation in &cells.relations {
            let signed = |&(cell, sign): &(CellId, f64)| {
                vectors[cell].iter().map(move |&(at, value)| {
                    (at, if sign < 0.0 { field.negative(value) } else { value })
                })
            };
            let sum: Sparse = relation.terms.iter().flat_map(signed).collect();
            let left = span.reduce(&sum);
            span.publish(left);
        }
        for (cell, vector) in vectors.enumerate() {
            if cells.is_fixed[cell] || is_published_zero(cells, cell) {
                let left = span.reduce(vector);
                span.publish(left);
            }
        }
        let is_given_away = |place: usize| span.watched(place).is_empty();
        if let Some(place) = (0..primary.len()).find(|&place| is_given_away(place)) {
            return Err(SuppressionRefusal::unprotectable(cells, primary[place].cell));
        }
        let is_unsafe_by_rule = singletons == Singletons::Guarded;
        Ok(Self {
            vectors: vectors.into(),
            primary: primary.into(),
            is_unsafe_by_rule,
            span,
            cells,
        })
    }

    /// The cells that may be published or withheld.
    pub(super) fn candidates(&self) -> Vec<CellId> {
        self.cells
            .ids()
            .filter(|&cell| !self.cells.is_fixed[cell] && !self.cells.stays_withheld[cell])
            .filter(|&cell| !is_primary(self.cells, cell))
            .filter(|&cell| !is_published_zero(self.cells, cell))
            .collect()
    }

    /// Publishes, in the order given, every cell that gives no primary one away. Returns what is withheld.
    pub(super) fn walk(&mut self, order: &[CellId]) -> IdVec<CellId, bool> {
        let mut withheld = self.cells.stays_withheld.clone();
        self.primary.iter().for_each(|primary| withheld[primary.cell] = true);
        for &cell in order {
            let left = self.left(cell);
            match self.gives_away(&left) {
                true => withheld[cell] = true,
                false => self.span.publish(left),
            }
        }
        withheld
    }

    /// Steps taken so far.
    pub(super) fn work(&self) -> u64 {
        self.span.work()
    }

    /// Returns what a cell says beyond what is published: nothing where it follows.
    pub(super) fn left(&mut self, cell: CellId) -> Sparse {
        self.span.reduce(&self.vectors[cell])
    }

    pub(super) fn publish(&mut self, left: Sparse) {
        self.span.publish(left);
    }

    /// Whether a primary cell would follow if this were published.
    pub(super) fn gives_away(&self, left: &Sparse) -> bool {
        let span = &self.span;
        let sharing = span.sharing(left);
        if sharing.iter().any(|&(primary, _)| span.are_proportional(left, span.watched(primary))) {
            return true;
        }
        let singletons =
            self.primary.iter().enumerate().filter(|(_, primary)| primary.is_singleton);
        let longest = singletons.map(|(place, _)| span.watched(place).len()).max();
        // The part left beside another primary cell must be a singleton: no longer than any of them.
        let may_be_one = |place: usize, longest: usize| {
            self.primary[place].is_singleton
                || span::differ_by_at_most(left, span.watched(place), longest)
        };
        let Some(longest) = longest.filter(|_| self.is_unsafe_by_rule) else { return false };
        sharing.iter().any(|&(one, at)| {
            may_be_one(one, longest) && self.gives_away_with(left, one, at, &sharing)
        })
    }

    /// Whether this is a combination of a primary cell and another of which one is a singleton: then
    /// whoever is the one knows the other. `one` and all `sharing` have the coordinate `at`.
    fn gives_away_with(
        &self,
        left: &Sparse,
        one: usize,
        at: u32,
        sharing: &[(usize, u32)],
    ) -> bool {
        let span = &self.span;
        let is_singleton = |place: usize| self.primary[place].is_singleton;
        let rest = span.without(left, span.watched(one), at);
        let other_has_not = span.sharing(&rest).iter().any(|&(other, _)| {
            (is_singleton(one) || is_singleton(other))
                && span.are_proportional(&rest, span.watched(other))
        });
        other_has_not
            || (is_singleton(one)
                && sharing.iter().any(|&(other, _)| {
                    let other = span.without(span.watched(other), span.watched(one), at);
                    span.are_proportional(&rest, &other)
                }))
    }

    /// Whether all that is not withheld can be published.
    pub(super) fn confirms(mut self, withheld: &IdVec<CellId, bool>) -> bool {
        let known_before = self.known_to_singletons();
        for (cell, _) in withheld.enumerate().filter(|(_, withheld)| !**withheld) {
            let left = self.left(cell);
            self.span.publish(left);
        }
        (0..self.primary.len()).all(|place| !self.span.watched(place).is_empty())
            && (!self.is_unsafe_by_rule || self.known_to_singletons() == known_before)
    }

    /// Each singleton with each primary cell that is a multiple of it modulo what is published.
    fn known_to_singletons(&self) -> Vec<(usize, usize)> {
        let mut known = Vec::new();
        for (one, primary) in self.primary.iter().enumerate() {
            let singleton = self.span.watched(one);
            let sharing = self.span.sharing(singleton).into_iter().filter(|_| primary.is_singleton);
            known.extend(
                sharing
                    .filter(|&(other, _)| {
                        self.span.are_proportional(singleton, self.span.watched(other))
                    })
                    .map(|(other, _)| (one, other)),
            );
        }
        known
    }
}

fn is_published_zero(cells: &Cells<'_>, cell: CellId) -> bool {
    cells.set.policy.zeros == Zeros::Published
        && cells.count[cell] == 0
        && !cells.unsafe_by_rule.contains_key(&cell)
        && !cells.stays_withheld[cell]
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Costs, Policy},
        table::{CountTable, Hierarchy, TableSet},
    };

    use super::*;
    use crate::comparison::field::PRIMES;

    fn kinds(inner: Vec<u64>) -> TableSet {
        let kinds = (0..inner.len()).map(|leaf| format!("kind{leaf}"));
        let kind = Hierarchy::flat("kind", "all", kinds).unwrap();
        let table = CountTable::new("t", vec![kind], inner, vec![]).unwrap();
        TableSet { tables: vec![table], policy: Policy::new(5, Zeros::Published) }
    }

    fn confirms(inner: Vec<u64>, singletons: Singletons, withheld: &[usize]) -> bool {
        let set = kinds(inner);
        let cells = Cells::new(&set, Costs::default());
        let withheld: IdVec<CellId, bool> =
            cells.ids().map(|cell| withheld.contains(&cell.0)).collect();
        PRIMES
            .map(|prime| Elimination::new(&cells, singletons, prime).unwrap().confirms(&withheld))
            .into_iter()
            .all(|confirms| confirms)
    }

    #[test]
    fn what_gives_a_primary_cell_away_is_not_confirmed() {
        // The total less all others is the 3.
        assert!(!confirms(vec![3, 40, 50], Singletons::None, &[1]));
        assert!(confirms(vec![3, 40, 50], Singletons::None, &[1, 2]));
        // Guarded or not, it is the same where nobody is alone.
        assert!(!confirms(vec![3, 40, 50], Singletons::Guarded, &[1]));
        assert!(confirms(vec![3, 40, 50], Singletons::Guarded, &[1, 2]));
    }

    #[test]
    fn what_one_alone_could_work_out_is_not_confirmed() {
        // A child alone in the first cell takes itself off the remainder.
        assert!(confirms(vec![1, 3, 50], Singletons::None, &[1, 2]));
        assert!(!confirms(vec![1, 3, 50], Singletons::Guarded, &[1, 2]));
        assert!(confirms(vec![1, 3, 50], Singletons::Guarded, &[1, 2, 3]));
        // The total of two cells gives as much away in any case.
        assert!(confirms(vec![1, 4], Singletons::Guarded, &[1, 2]));
    }

    #[test]
    fn work_is_counted() {
        let set = kinds(vec![3, 40, 50, 60]);
        let cells = Cells::new(&set, Costs::default());
        let mut elimination = Elimination::new(&cells, Singletons::None, PRIMES[0]).unwrap();
        let before = elimination.work();
        let first = elimination.left(CellId(3));
        let looked = elimination.work();
        elimination.publish(first);
        elimination.left(CellId(4));
        // A cell, with a coordinate or more, and what is published beside it.
        assert!(before > 1 && looked > before + 1 && elimination.work() > looked + 1);
    }
}
