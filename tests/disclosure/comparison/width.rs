//! Withholds more until no primary cell's interval is narrow.

use std::collections::BTreeSet;

use minster_disclosure::{
    SuppressionRefusal,
    building_blocks::{
        Cells, ChangedTable, ChangedTables, KNOWN, Nearness, Programs, Ranks, Requirement,
        Withheld, is_primary,
    },
};
use minster_model::{
    CellId, IdVec,
    policy::Zeros,
    table::{CountTable, TableSet},
};

use super::elimination::Elimination;

/// Inner cells looked at for one cell that is too narrow; three times as many where that does not help.
const NEAR: usize = 480;

/// Withholds more than `withheld` until every primary cell can be `width` more than the least it can be,
/// then publishes again what is needed for neither this nor the elimination.
pub(super) fn widen(
    cells: &Cells<'_>,
    start: &Elimination<'_>,
    mut withheld: IdVec<CellId, bool>,
    width: u64,
) -> Result<IdVec<CellId, bool>, SuppressionRefusal> {
    let set = allowing_zeros(cells.set);
    let cells = Cells::new(&set, super::costs());
    let primary: Vec<CellId> = cells.ids().filter(|&cell| is_primary(&cells, cell)).collect();
    let mut widths = Widths {
        cells: &cells,
        width: width as i64,
        alternatives: ChangedTables::new(cells.count.len()),
        ranks: Ranks::new(&cells),
        programs: Programs::new(&cells),
    };
    for &cell in &primary {
        widths.cover(cell, &mut withheld)?;
    }
    widths.publish_again(start.clone(), &mut withheld);
    Ok(withheld)
}

/// The same tables where a withheld cell may be 0, and the zeros that were published still are.
fn allowing_zeros(set: &TableSet) -> TableSet {
    if set.policy.zeros != Zeros::Published {
        return set.clone();
    }
    let keeping = |table: &CountTable| {
        let counts = table.cell_counts();
        let is_unsafe_by_rule =
            |cell: usize| table.protection_levels().iter().any(|level| level.cell == cell);
        let zeros = (0..counts.len()).filter(|&cell| counts[cell] == 0 && !is_unsafe_by_rule(cell));
        let forced_published = table.forced_published().iter().copied().chain(zeros).collect();
        table.clone().with_forced_published(forced_published).unwrap_or_else(|_| table.clone())
    };
    let mut policy = set.policy;
    policy.zeros = Zeros::MayBeWithheld;
    TableSet { tables: set.tables.iter().map(keeping).collect(), policy }
}

struct Widths<'a> {
    cells: &'a Cells<'a>,
    width: i64,
    /// Worlds that alter nothing but withheld cells.
    alternatives: ChangedTables,
    ranks: Ranks,
    programs: Programs<'a>,
}

impl Widths<'_> {
    /// Withholds more until a primary cell is wide enough.
    fn cover(&mut self, cell: CellId, withheld: &mut Withheld) -> Result<(), SuppressionRefusal> {
        let Err(down) = self.is_wide(cell, withheld, None) else { return Ok(()) };
        if self.withhold_for(cell, self.width - down, withheld).is_some() {
            return Ok(());
        }
        // It cannot be so much more: so it must be able to be less.
        let refusal = SuppressionRefusal::unprotectable(self.cells, cell);
        let count = self.cells.count[cell];
        self.withhold_for(cell, -count, withheld);
        match self.is_wide(cell, withheld, None) {
            Ok(()) => Ok(()),
            Err(down) => self.withhold_for(cell, self.width - down, withheld).ok_or(refusal),
        }
    }

    /// Withholds the cheapest whole change that includes this one.
    fn withhold_for(&mut self, cell: CellId, change: i64, withheld: &mut Withheld) -> Option<()> {
        let (cells, requirement) = (self.cells, requirement(cell, change));
        let cost = cells.costs(withheld);
        let near = [NEAR, 3 * NEAR].iter().find_map(|&inner| {
            let near = Nearness::new(cells, &self.ranks, inner).around(cells, &requirement)?;
            self.programs.cheapest(&requirement, Some(&near), |cell| cost[cell])
        });
        let alternative = near
            .or_else(|| self.programs.cheapest(&requirement, None, |cell| cost[cell]))
            .filter(ChangedTable::is_whole)?;
        alternative.changes().iter().for_each(|&(cell, _)| withheld[cell] = true);
        self.alternatives.add(alternative);
        Some(())
    }

    /// Whether a primary cell is wide enough in worlds that leave `without` be; if not, how much less than
    /// in truth it can be.
    fn is_wide(
        &mut self,
        cell: CellId,
        withheld: &Withheld,
        without: Option<CellId>,
    ) -> Result<(), i64> {
        let known = self
            .alternatives
            .altering(cell)
            .filter(|alternative| without.is_none_or(|without| !alternative.alters(without)))
            .map(|alternative| alternative.change(cell) as i64);
        let (mut down, up) =
            known.fold((0, 0), |(down, up), change| (down.max(-change), up.max(change)));
        let mut found = |change: i64| {
            let cost = |cell: CellId| match withheld[cell] && self.cells.may_change(cell) {
                true => KNOWN,
                false => f64::INFINITY,
            };
            let alternative = self.programs.cheapest(&requirement(cell, change), None, cost)?;
            if !alternative.is_whole() {
                return None;
            }
            let reached = alternative.change(cell) as i64;
            self.alternatives.add(alternative);
            Some(reached)
        };
        if down + up >= self.width {
            return Ok(());
        }
        let most = self.cells.count[cell].min(self.width - up);
        if let Some(reached) = (down + 1..=most).rev().find_map(|less| found(-less)) {
            down = -reached;
        }
        if down + up >= self.width || found(self.width - down).is_some() {
            Ok(())
        } else {
            Err(down)
        }
    }

    /// Tries each secondary cell, the dearest first.
    fn publish_again(&mut self, mut elimination: Elimination<'_>, withheld: &mut Withheld) {
        let cells = self.cells;
        let (mut secondary, published): (Vec<CellId>, Vec<CellId>) =
            elimination.candidates().into_iter().partition(|&cell| withheld[cell]);
        for cell in published {
            let left = elimination.left(cell);
            elimination.publish(left);
        }
        secondary.sort_by(|&a, &b| cells.cost[b].total_cmp(&cells.cost[a]).then(a.cmp(&b)));
        for cell in secondary {
            let left = elimination.left(cell);
            if elimination.gives_away(&left) {
                continue;
            }
            withheld[cell] = false;
            let altered =
                self.alternatives.altering(cell).flat_map(|alternative| alternative.changes());
            let concerned: BTreeSet<CellId> = altered
                .map(|&(altered, _)| altered)
                .filter(|&altered| is_primary(cells, altered))
                .collect();
            if concerned.into_iter().all(|of| self.is_wide(of, withheld, Some(cell)).is_ok()) {
                self.alternatives.forget(cell);
                elimination.publish(left);
            } else {
                withheld[cell] = true;
            }
        }
    }
}

fn requirement(cell: CellId, change: i64) -> Requirement {
    Requirement::change_of(cell, change as f64)
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::Policy,
        table::{Hierarchy, ProtectionLevel},
    };

    use super::*;

    #[test]
    fn zeros_may_be_withheld_but_those_that_are_published_stay() {
        let inner = vec![3, 0, 50, 0];
        let kinds = (0..4).map(|leaf| format!("kind{leaf}"));
        let kind = Hierarchy::flat("kind", "all", kinds).unwrap();
        let table = CountTable::new("t", vec![kind], inner, vec![]).unwrap();
        let table = table
            .with_protection_levels(vec![ProtectionLevel { cell: 4, lower: 0, upper: 2 }])
            .unwrap();
        let table = table.with_forced_published(vec![3]).unwrap();
        let set = |zeros| TableSet { tables: vec![table.clone()], policy: Policy::new(5, zeros) };
        let allowed = allowing_zeros(&set(Zeros::Published));
        assert_eq!(allowed.policy.zeros, Zeros::MayBeWithheld);
        assert_eq!(allowed.tables[0].forced_published(), [2, 3]);
        assert_eq!(allowing_zeros(&set(Zeros::Unsafe)), set(Zeros::Unsafe));
    }
}
