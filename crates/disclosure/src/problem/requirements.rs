//! Requirements say what must stay possible for the sake of each small cell and each group of one sensitive category.

use minster_model::{CellId, IdVec, RespondentId, table::ProtectionLevel};

use crate::problem::{
    alternative_table::ChangedTable,
    cells::{Cells, Withheld},
};

/// How far from whole a number may be and still be taken for it.
const TOLERANCE: f64 = 1e-6;

/// A world that meets a requirement must leave this to those who know that they are in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InsiderCondition {
    /// All stay, but for those of the cell that is to be less.
    Stay,
    /// Someone in an inner cell asks: all stay, but for the others in the cell that is to be less.
    One(CellId),
    /// Nothing: for want of a world that serves all of them at once. The attack asks for each.
    Ignored,
}

/// The attacker whose knowledge a requirement reckons with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// All that is published, and all that insiders know.
    Published,
    /// The knowledge of every respondent, one at a time, but for these.
    Respondents { but: Vec<RespondentId> },
    /// The knowledge of one respondent: none of their cells can change.
    Respondent(RespondentId),
}

/// A sum of cells, with signs, and the change of it that some world must reach.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// The cell that is to change, or the group of which the cell `less` is a part.
    pub(crate) cell: CellId,
    pub(crate) less: Option<CellId>,
    /// At least this if it is above 0, at most this if it is below.
    pub(crate) change: f64,
    pub(crate) insiders: InsiderCondition,
    pub(crate) knowledge: Knowledge,
}

impl Requirement {
    /// The sum's cells, each with its sign.
    pub(crate) fn terms(&self) -> impl Iterator<Item = (CellId, f64)> + use<> {
        std::iter::once((self.cell, 1.0)).chain(self.less.map(|less| (less, -1.0)))
    }

    /// Requires that a cell changes.
    pub(crate) fn of_cell(cell: CellId) -> Self {
        Self::change_of(cell, 1.0)
    }

    /// Requires that a cell changes by so much.
    pub fn change_of(cell: CellId, change: f64) -> Self {
        let (insiders, knowledge) = (InsiderCondition::Stay, Knowledge::Published);
        Self { cell, less: None, change, insiders, knowledge }
    }

    /// Which inner cells may be as little as an outsider can think.
    pub(crate) fn own(&self, cells: &Cells<'_>) -> Own {
        match (self.insiders, self.less) {
            (InsiderCondition::Ignored, _) => Own::All,
            (insiders, None) if self.change < 0.0 => {
                // A cell becomes less by losing its own insiders. Only the one who asks knows that they stay.
                let mut own = inner_of(cells, self.cell);
                own.retain(|&inner| insiders != InsiderCondition::One(inner));
                Own::These(own)
            }
            _ => Own::These(Vec::new()),
        }
    }

    /// The same, for want of a world that leaves every insider where they are.
    pub(crate) fn ignoring_insiders(&self) -> Self {
        Self { insiders: InsiderCondition::Ignored, ..self.clone() }
    }

    /// Whether a world meets it: the change is reached, and no one who asks knows better.
    pub(crate) fn is_met(&self, cells: &Cells<'_>, alternative: &ChangedTable) -> bool {
        let change: f64 = self.terms().map(|(cell, sign)| sign * alternative.change(cell)).sum();
        let reached = match self.change > 0.0 {
            true => change >= self.change - TOLERANCE,
            false => change <= self.change + TOLERANCE,
        };
        // A respondent knows their own cells. The promise does not give them an insider's knowledge as well.
        let is_possible = match self.respondent() {
            Some(respondent) => alternative.respondents().binary_search(&respondent).is_err(),
            None => cells.set.policy.insider == 0 || self.leaves_insiders(cells, alternative),
        };
        reached && is_possible
    }

    /// Whether a world leaves those where they are who know that they are in a cell.
    fn leaves_insiders(&self, cells: &Cells<'_>, alternative: &ChangedTable) -> bool {
        let own = self.own(cells);
        alternative.changes().iter().all(|&(cell, change)| {
            // A margin has no bound of its own: its parts are looked at instead.
            !cells.is_inner[cell]
                || change >= -((cells.slack[cell] + own.beyond(cells, cell)) as f64) - TOLERANCE
        })
    }

    /// Returns the part of the requirement that none of these worlds meets: for all respondents, it is met for those
    /// whom some world that meets it leaves alone, and what is left is to be met for the next.
    pub(crate) fn lacking<'w>(
        &self,
        cells: &Cells<'_>,
        alternatives: impl IntoIterator<Item = &'w ChangedTable>,
    ) -> Option<Self> {
        let mut meeting =
            alternatives.into_iter().filter(|alternative| self.is_met(cells, alternative));
        let Knowledge::Respondents { but } = &self.knowledge else {
            return meeting.next().is_none().then(|| self.clone());
        };
        // Respondents know their own cells, and do not believe a world that changes them. One world that leaves their
        // cells alone is enough, so only those are left over whose cells every world changes.
        let mut moved: Option<Vec<RespondentId>> = None;
        for alternative in meeting {
            let here = alternative.respondents();
            let both: Vec<RespondentId> = match moved {
                None => {
                    here.iter().copied().filter(|respondent| !but.contains(respondent)).collect()
                }
                Some(moved) => {
                    moved.into_iter().filter(|h| here.binary_search(h).is_ok()).collect()
                }
            };
            if both.is_empty() {
                return None;
            }
            moved = Some(both);
        }
        // The first world is sought as for an outsider: it serves every respondent whose cells it leaves alone.
        let next = moved.and_then(|moved| moved.first().copied());
        let knowledge = next.map_or(Knowledge::Published, Knowledge::Respondent);
        Some(Self { knowledge, ..self.clone() })
    }

    /// Whether it is made for all respondents, so that it may take several worlds.
    pub(crate) fn is_of_respondents(&self) -> bool {
        matches!(self.knowledge, Knowledge::Respondents { .. })
    }

    /// The same for each of some respondents for whom it is made.
    pub(crate) fn for_each_of(&self, respondents: &[RespondentId]) -> Vec<Self> {
        let Knowledge::Respondents { but } = &self.knowledge else { return Vec::new() };
        let asked = respondents.iter().filter(|respondent| !but.contains(respondent));
        asked
            .map(|&respondent| Self {
                knowledge: Knowledge::Respondent(respondent),
                ..self.clone()
            })
            .collect()
    }

    /// The respondent none of whose cells can change.
    pub(crate) fn respondent(&self) -> Option<RespondentId> {
        match self.knowledge {
            Knowledge::Respondent(respondent) => Some(respondent),
            Knowledge::Published | Knowledge::Respondents { .. } => None,
        }
    }

    /// Whether a cell cannot change, because who asks knows it.
    pub(crate) fn is_known(&self, cells: &Cells<'_>, cell: CellId) -> bool {
        self.respondent().is_some_and(|respondent| cells.respondents.of(cell) == Some(respondent))
    }
}

/// Inner cells that may be as little as an outsider can think.
pub(crate) enum Own {
    All,
    These(Vec<CellId>),
}

impl Own {
    /// How much less a cell can be than an insider of it knows.
    pub(crate) fn beyond(&self, cells: &Cells<'_>, cell: CellId) -> i64 {
        match self {
            Self::These(these) if !these.contains(&cell) => 0,
            _ => cells.insiders[cell],
        }
    }
}

minster_model::id! {
    /// The number of an origin of requirements.
    OriginId
}

/// For whose sake requirements are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequirementOrigin {
    /// A small cell: it may be as little and as much as the rule alone leaves open.
    Small(CellId),
    /// A cell that is withheld whatever it counts.
    UnsafeByRule(CellId, ProtectionLevel),
    /// A cell that is not small but to a respondent who takes their own children out.
    Remainder(CellId),
    /// A sensitive category of a group: enough children may be outside it.
    Class { group: CellId, inside: CellId },
}

impl RequirementOrigin {
    /// The cell that is named where nothing protects it.
    pub(crate) fn cell(self) -> CellId {
        match self {
            Self::Small(cell) | Self::UnsafeByRule(cell, _) | Self::Remainder(cell) => cell,
            Self::Class { inside, .. } => inside,
        }
    }

    /// Its cells: its requirements concern their counts.
    pub(crate) fn cells(self) -> impl Iterator<Item = CellId> {
        let (first, second) = match self {
            Self::Small(cell) | Self::UnsafeByRule(cell, _) | Self::Remainder(cell) => (cell, None),
            Self::Class { group, inside } => (group, Some(inside)),
        };
        std::iter::once(first).chain(second)
    }

    /// Returns what must be open to outsiders and insiders.
    pub(super) fn requirements_of_all(
        self,
        cells: &Cells<'_>,
        withheld: &Withheld,
    ) -> Vec<Requirement> {
        match self {
            Self::Small(cell) => of_small(cells, withheld, cell),
            Self::UnsafeByRule(cell, ProtectionLevel { lower, upper, .. }) => {
                // No world goes below low, however large the protection level is.
                let low = least(cells, withheld, cell) - cells.count[cell];
                between(cell, low.max(-(lower as i64)), upper as i64)
            }
            // An outsider asks nothing of a cell that is not small.
            Self::Remainder(_) => Vec::new(),
            Self::Class { group, inside } => {
                let outside = cells.count[group] - cells.count[inside];
                let missing = cells.set.policy.threshold as i64 - outside;
                more_outside(group, inside, missing).into_iter().collect()
            }
        }
    }
}

/// Returns what a small cell requires: it can be as little as the rules let it be, for outsiders and for each insider
/// below it, and as much as the promise says.
fn of_small(cells: &Cells<'_>, withheld: &Withheld, cell: CellId) -> Vec<Requirement> {
    let threshold = cells.set.policy.threshold as i64;
    let low = least(cells, withheld, cell);
    // An insider below adds themselves to the least that it can be.
    let more = match cells.few_below.get(&cell) {
        Some(few) => few.iter().map(|&inner| cells.insiders[inner]).max(),
        None => Some(cells.insiders[cell]),
    };
    // The second condition of the promise is max(t, low + t − 1). A world that meets it for the insider with the highest
    // low meets it for all.
    let high = threshold.max(low + more.unwrap_or_default() + threshold - 1);
    let mut requirements = between(cell, low - cells.count[cell], high - cells.count[cell]);
    // At the low end one world cannot serve all insiders: each asks for the others to be away.
    for who in inner_of(cells, cell) {
        let change = low + cells.insiders[who] - cells.count[cell];
        if cells.insiders[who] > 0 && change < 0 {
            let insiders = InsiderCondition::One(who);
            requirements
                .push(Requirement { insiders, ..Requirement::change_of(cell, change as f64) });
        }
    }
    requirements
}

/// Requires that so many more of a group may be outside a part of it; nothing where enough are in truth.
pub(super) fn more_outside(group: CellId, inside: CellId, missing: i64) -> Option<Requirement> {
    let of_group = Requirement::change_of(group, missing as f64);
    (missing > 0).then_some(Requirement { less: Some(inside), ..of_group })
}

/// The inner cells with anyone in them of an inner cell or a margin that is small.
pub(crate) fn inner_of(cells: &Cells<'_>, cell: CellId) -> Vec<CellId> {
    match cells.is_inner[cell] {
        true => vec![cell],
        false => cells.few_below.get(&cell).cloned().unwrap_or_default(),
    }
}

/// The least that a cell can be by the rules, given which inner cells are withheld: by its own table, and by others of
/// which inner cells lie within it.
pub(crate) fn least(cells: &Cells<'_>, withheld: &Withheld, cell: CellId) -> i64 {
    let of_inner = |inner: CellId| match withheld[inner] {
        true => cells.least_withheld(inner),
        false => cells.count[inner],
    };
    // Each table gives a lower bound. An attacker takes the highest.
    let of_others = least_by_others(cells, cell, |inner| withheld[inner]);
    least_by_table(cells, cell, of_inner).max(of_others)
}

/// The same by other tables alone, of which inner cells lie within a small cell; 0 where they say nothing.
pub(crate) fn least_by_others(
    cells: &Cells<'_>,
    cell: CellId,
    is_withheld: impl Fn(CellId) -> bool,
) -> i64 {
    // A fixed cell is published whatever the pattern says.
    let of_inner = |&inner: &CellId| match is_withheld(inner) && !cells.is_fixed[inner] {
        true => cells.least_withheld(inner),
        false => cells.count[inner],
    };
    let within = cells.within.get(&cell).into_iter().flatten();
    within.map(|finer| finer.iter().map(of_inner).sum()).max().unwrap_or_default()
}

/// The same by its own table alone.
fn least_by_table(cells: &Cells<'_>, cell: CellId, of_inner: impl Fn(CellId) -> i64) -> i64 {
    if cells.is_inner[cell] {
        return cells.least_withheld(cell);
    }
    let least = cells.policy(cell).zeros.least_withheld();
    // An inner cell with no one in it adds nothing, unless it was withheld before, under another policy.
    match cells.few_below.get(&cell) {
        None if cells.count[cell] == 0 && least == 0 => 0,
        Some(few) if !cells.was_published_before(cell) => few.iter().copied().map(&of_inner).sum(),
        _ => cells.inner_below(cell).into_iter().map(&of_inner).sum(),
    }
}

/// A cell must be able to change this far down and this far up.
pub(crate) fn between(cell: CellId, down: i64, up: i64) -> Vec<Requirement> {
    // The truth is a world too, and meets a requirement of no change.
    let up = (up > 0).then_some(up);
    let down = (down < 0).then_some(down);
    let changes = up.into_iter().chain(down);
    changes.map(|change| Requirement::change_of(cell, change as f64)).collect()
}

/// Everyone who makes requirements: small cells first, then classes, each in the order of the cells.
pub(crate) fn origins(cells: &Cells<'_>) -> IdVec<OriginId, RequirementOrigin> {
    // A known zero hides nothing.
    let is_hidden = |&cell: &CellId| is_small(cells, cell) && !cells.is_known_zero[cell];
    let small = cells.ids().filter(is_hidden).map(RequirementOrigin::Small);
    let unsafe_by_rule = cells.ids().filter_map(|cell| {
        Some(RequirementOrigin::UnsafeByRule(cell, cells.unsafe_by_rule.get(&cell).copied()?))
    });
    // A small cell requires the same for its remainders itself. A fixed cell is published, and no pattern can help.
    let is_remainder = |&cell: &CellId| {
        cells.respondents.has_small_remainder(cell)
            && !is_small(cells, cell)
            && !cells.is_fixed[cell]
    };
    let remainders = cells.ids().filter(is_remainder).map(RequirementOrigin::Remainder);
    small.chain(unsafe_by_rule).chain(remainders).chain(classes(cells)).collect()
}

/// Whether a cell is withheld for its own sake.
pub fn is_primary(cells: &Cells<'_>, cell: CellId) -> bool {
    is_small(cells, cell)
        || cells.unsafe_by_rule.contains_key(&cell)
        || cells.respondents.has_small_remainder(cell) && !cells.is_fixed[cell]
}

/// Whether a cell is below the threshold, and not out already.
pub(crate) fn is_small(cells: &Cells<'_>, cell: CellId) -> bool {
    cells.policy(cell).is_small(cells.count[cell].unsigned_abs()) && !cells.is_fixed[cell]
}

/// The sensitive categories of all groups that have others beside them, table by table.
fn classes(cells: &Cells<'_>) -> Vec<RequirementOrigin> {
    let mut origins = Vec::new();
    for (number, table) in cells.tables.enumerate() {
        for sensitive in table.sensitive() {
            let dimension = table.dimension(sensitive.dimension);
            for cell in 0..table.cell_count() {
                let mut nodes = table.coordinates(cell);
                let Some(node) = nodes.get_mut(sensitive.dimension) else { continue };
                let category = *node;
                let inside = cells.number(number, cell);
                // Without anyone in the category there is nothing to learn about the group.
                if !sensitive.categories.contains(&category) || cells.count[inside] == 0 {
                    continue;
                }
                let root = std::iter::successors(Some(category), |&node| dimension.parent(node));
                let root = root.last().unwrap_or(category);
                // If the category is all of its dimension, everyone is in it by definition.
                let has_others = dimension
                    .leaves()
                    .iter()
                    .any(|&leaf| dimension.counts(root, leaf) && !dimension.counts(category, leaf));
                *node = root;
                let group = cells.number(number, table.cell(&nodes));
                if has_others {
                    origins.push(RequirementOrigin::Class { group, inside });
                }
            }
        }
    }
    origins
}

#[cfg(test)]
mod tests;
