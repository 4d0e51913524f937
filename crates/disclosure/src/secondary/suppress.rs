use minster_model::{
    CellId, IdVec, TableId,
    policy::Costs,
    table::{AlternativeTable, Pattern, TableSet},
};

use crate::{
    optimal::{self, Effort, Optimum},
    problem::{
        alternative_table::{ChangedTable, ChangedTables},
        cells::{self, Cells, Withheld},
        requirements::{self, Requirement, RequirementOrigin},
        sparsity::hopeless,
    },
    refusal::SuppressionRefusal,
    secondary::{
        improve::cheapen_alternatives,
        meet_requirements::{AlternativeSearch, count, meet_requirements},
        neighbourhood::{Nearness, Ranks},
        unsuppress::{unsuppress_by_bounds, unsuppress_each},
    },
};

/// Requirements are met anew, in the light of each other, where no more than this many small cells ask.
const CHEAPENED: usize = 1_000;

/// Inner cells looked at first for another way round.
const NEAR: usize = 480;
/// Cells that are withheld already cost this where another way round is sought: as much as others, and
/// more where that leads nowhere else.
const DEAR: [f64; 3] = [1.0, 4.0, 16.0];

/// The cells that are withheld, and why that is enough.
#[derive(Debug, Clone, PartialEq)]
pub struct Suppression {
    /// One pattern a table.
    pub patterns: Vec<Pattern>,
    /// Proposed certificates: whoever releases has them checked.
    pub alternatives: Vec<AlternativeTable>,
    /// How far from the cheapest each component is in which anyone asks anything, the smallest first. Tells of
    /// counts: not for the public. Nothing after [`widen`], and where respondents are declared.
    pub optima: Vec<Optimum>,
}

/// Withholds primary cells, then what is needed around them, then publishes again what is not.
pub fn suppress(set: &TableSet) -> Result<Suppression, SuppressionRefusal> {
    suppress_with(set, Costs::default())
}

/// [`suppress`], at other costs than the usual ones.
pub fn suppress_with(set: &TableSet, costs: Costs) -> Result<Suppression, SuppressionRefusal> {
    suppress_at(set, costs, Effort::default())
}

/// [`suppress_with`], with more or less work on small components than usual.
pub fn suppress_at(
    set: &TableSet,
    costs: Costs,
    effort: Effort,
) -> Result<Suppression, SuppressionRefusal> {
    // The total of a table stays published, so that a small one cannot be protected.
    for table in &set.tables {
        let total: u64 = table.inner().iter().sum();
        if set.policy.is_small(total) {
            return Err(SuppressionRefusal::GrandTotalBelowThreshold { table: cells::name(table) });
        }
    }
    if let Some(sparse) = hopeless(set) {
        return Err(SuppressionRefusal::Sparse(Box::new(sparse)));
    }
    let cells = Cells::new(set, costs);
    forced_published_and_unsafe(&cells)?;
    published_to_respondents(&cells)?;
    let origins = requirements::origins(&cells);
    let mut withheld: IdVec<CellId, bool> = cells
        .ids()
        .map(|cell| cells.stays_withheld[cell] || requirements::is_primary(&cells, cell))
        .collect();
    let mut alternatives = ChangedTables::new(cells.len());
    let ranks = Ranks::new(&cells);
    let mut search = AlternativeSearch::new(&cells, &ranks);
    meet_requirements(&cells, &origins, &mut withheld, &mut alternatives, &mut search)?;
    if origins.len() <= CHEAPENED {
        cheapen_alternatives(&cells, &origins, &mut withheld, &mut alternatives, &mut search);
    }
    // Bounds see one sum at a time, so some cells that they let go were needed. These requirements are met anew.
    unsuppress_by_bounds(&cells, &origins, &mut withheld, &mut alternatives);
    meet_requirements(&cells, &origins, &mut withheld, &mut alternatives, &mut search)?;
    unsuppress_each(&cells, &origins, &mut withheld, &mut alternatives, &mut search);
    // The search for the cheapest does not know what respondents ask.
    let optima = match cells.respondents.are_declared() {
        true => Vec::new(),
        false => optimal::improve(&cells, &origins, &mut withheld, &mut alternatives, effort),
    };
    let (patterns, alternatives) = (patterns(&cells, &withheld), proposals(&cells, &alternatives));
    Ok(Suppression { patterns, alternatives, optima })
}

/// Refuses a cell that is to be published whatever comes, and to be withheld for its own sake.
///
/// # Errors
/// [`SuppressionRefusal::ForcedPublishedAndUnsafe`].
pub fn forced_published_and_unsafe(cells: &Cells<'_>) -> Result<(), SuppressionRefusal> {
    for (number, table) in cells.tables.enumerate() {
        // The numbers of an earlier release are out: no rule of today can take them back.
        if table.published_pattern().is_some() {
            continue;
        }
        let mut forced_published =
            table.forced_published().iter().map(|&cell| cells.number(number, cell));
        if let Some(cell) = forced_published.find(|&cell| is_of_own_sake(cells, cell)) {
            let (table, by) = cells.described(cell);
            return Err(SuppressionRefusal::ForcedPublishedAndUnsafe { table, by });
        }
    }
    Ok(())
}

/// Whether a cell would be withheld for its own sake, were it not forced to be published.
fn is_of_own_sake(cells: &Cells<'_>, cell: CellId) -> bool {
    cells.policy(cell).is_small(cells.count[cell].unsigned_abs())
        || cells.unsafe_by_rule.contains_key(&cell)
        || cells.respondents.has_small_remainder(cell)
}

/// Refuses totals that stay published though what is left of them to a respondent is small.
fn published_to_respondents(cells: &Cells<'_>) -> Result<(), SuppressionRefusal> {
    let mut shown = cells.respondents.all_small().filter(|&(cell, _)| cells.is_fixed[cell]);
    match shown.find(|&(cell, _)| !cells.was_published_before(cell)) {
        Some((cell, _)) => Err(SuppressionRefusal::known_to_respondent(cells, cell)),
        None => Ok(()),
    }
}

/// Withholds more for the cells that the attack found open: another way round, and with more room.
pub fn widen(
    set: &TableSet,
    patterns_now: &[Pattern],
    failing: &[(usize, usize)],
    costs: Costs,
) -> Result<Suppression, SuppressionRefusal> {
    let cells = Cells::new(set, costs);
    let origins = requirements::origins(&cells);
    let mut withheld: IdVec<CellId, bool> =
        patterns_now.iter().flat_map(|pattern| pattern.withheld.iter().copied()).collect();
    let before = count(&withheld);
    let ranks = Ranks::new(&cells);
    let mut search = AlternativeSearch::new(&cells, &ranks);
    let near = Nearness::new(&cells, &ranks, NEAR);
    let is_failing = |origin: &&RequirementOrigin| {
        let (table, cell) = cells.place(origin.cell());
        failing.contains(&(table.0, cell))
    };
    let failing: Vec<&RequirementOrigin> = origins.iter().filter(is_failing).collect();
    // At the same costs the search would find the same world again. Withheld cells become dearer until a world leads
    // through others.
    for dear in DEAR {
        if count(&withheld) > before {
            break;
        }
        let requirements = failing.iter().flat_map(|origin| origin.requirements(&cells, &withheld));
        for mut requirement in requirements.collect::<Vec<_>>() {
            // The attack found no whole counts within this requirement. A world that goes further gives it more room.
            if requirement.change > 0.0 {
                requirement.change += set.policy.threshold as f64;
            }
            let cost = |cell: CellId| match (cells.may_change(cell), withheld[cell]) {
                (false, _) => f64::INFINITY,
                (true, true) => dear,
                (true, false) => cells.cost[cell],
            };
            let near = near.around(&cells, &requirement);
            let found = worlds(&mut search, &requirement, near.as_deref(), cost);
            let changes = found.iter().flat_map(ChangedTable::changes);
            changes.for_each(|&(cell, _)| withheld[cell] = true);
        }
    }
    if count(&withheld) == before {
        return Err(SuppressionRefusal::WorkUsedUp);
    }
    let mut alternatives = ChangedTables::new(cells.len());
    meet_requirements(&cells, &origins, &mut withheld, &mut alternatives, &mut search)?;
    let (patterns, alternatives) = (patterns(&cells, &withheld), proposals(&cells, &alternatives));
    Ok(Suppression { patterns, alternatives, optima: Vec::new() })
}

/// The cheapest worlds that meet a requirement, near by or else anywhere: several where it is made for all respondents,
/// otherwise one.
fn worlds(
    search: &mut AlternativeSearch<'_>,
    requirement: &Requirement,
    near: Option<&[CellId]>,
    cost: impl Fn(CellId) -> f64,
) -> Vec<ChangedTable> {
    let cells = search.cells;
    let mut found: Vec<ChangedTable> = Vec::new();
    while let Some(next) = requirement.lacking(cells, &found) {
        let alternative = search
            .programs
            .cheapest(&next, near, &cost)
            .or_else(|| search.programs.cheapest(&next, None, &cost));
        let Some(alternative) = alternative else { break };
        let goes_on = requirement.is_of_respondents() && next.is_met(cells, &alternative);
        found.push(alternative);
        if !goes_on {
            break;
        }
    }
    found
}

/// Returns what is withheld, table by table.
pub fn patterns(cells: &Cells<'_>, withheld: &Withheld) -> Vec<Pattern> {
    let pattern = |number: TableId| {
        let of_table = 0..cells.tables[number].cell_count();
        let withheld = of_table.map(|cell| withheld[cells.number(number, cell)]);
        Pattern { withheld: withheld.collect() }
    };
    cells.tables.ids().map(pattern).collect()
}

/// The worlds in whole numbers, as their inner counts; and where insiders are asked, what lies in whole
/// steps between them and the truth.
fn proposals(cells: &Cells<'_>, alternatives: &ChangedTables) -> Vec<AlternativeTable> {
    let mut proposals = Vec::new();
    for alternative in alternatives.iter().filter(|alternative| alternative.is_whole()) {
        let inner: Vec<(CellId, i64)> = alternative
            .changes()
            .iter()
            .filter(|&&(cell, _)| cells.is_inner[cell])
            .map(|&(cell, change)| (cell, change as i64))
            .collect();
        // The truth and a world keep all sums and all bounds, and so does every table on the way from one to the other. The
        // common divisor of the changes gives the steps at which its counts are whole.
        let steps = inner.iter().fold(0, |steps, (_, change)| divisor(steps, change.abs())).max(1);
        // Low differs from insider to insider, so that a world between may be the one that an insider needs.
        let first = if cells.set.policy.insider > 0 { 1 } else { steps };
        for step in first..=steps {
            let count = |&(cell, change): &(CellId, i64)| {
                let (table, at) = cells.place(cell);
                let count = cells.count[cell] + change / steps * step;
                (table.0, cells.inner_number(table, at), u64::try_from(count).unwrap_or_default())
            };
            proposals.push(AlternativeTable { counts: inner.iter().map(count).collect() });
        }
    }
    proposals
}

/// The greatest common divisor (Euclid).
fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { divisor(b, a % b) }
}
