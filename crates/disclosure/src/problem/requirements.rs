//! Requirements say what must stay possible for the sake of each small cell and each group of one sensitive category.

use minster_model::table::ProtectionLevel;

use crate::problem::{alternative_table::ChangedTable, cells::Cells};

/// How far from whole a number may be and still be taken for it.
const TOLERANCE: f64 = 1e-6;

/// A world that meets a requirement must leave this to those who know that they are in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InsiderCondition {
    /// All stay, but for those of the cell that is to be less.
    Stay,
    /// Someone in an inner cell asks: all stay, but for the others in the cell that is to be less.
    One(usize),
    /// Nothing: for want of a world that serves all of them at once. The attack asks for each.
    Ignored,
}

/// Whose knowledge a requirement reckons with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// All that is published, and all that insiders know.
    Published,
    /// The knowledge of every respondent, one at a time, but for these.
    Respondents { but: Vec<u32> },
    /// The knowledge of one respondent: none of their cells can change.
    Respondent(u32),
}

/// A sum of cells, with signs, and the change of it that some world must reach.
#[derive(Debug, Clone)]
pub struct Requirement {
    pub(crate) terms: Vec<(usize, f64)>,
    /// At least this if it is above 0, at most this if it is below.
    pub(crate) change: f64,
    pub(crate) insiders: InsiderCondition,
    pub(crate) knowledge: Knowledge,
}

impl Requirement {
    /// Requires that a cell changes.
    pub(crate) fn of_cell(cell: usize) -> Self {
        Self::change_of(cell, 1.0)
    }

    /// Requires that a cell changes by so much.
    pub fn change_of(cell: usize, change: f64) -> Self {
        let (insiders, knowledge) = (InsiderCondition::Stay, Knowledge::Published);
        Self { terms: vec![(cell, 1.0)], change, insiders, knowledge }
    }

    /// Which inner cells may be as little as an outsider can think.
    pub(crate) fn own(&self, cells: &Cells<'_>) -> Own {
        match (self.insiders, &self.terms[..]) {
            (InsiderCondition::Ignored, _) => Own::All,
            (insiders, &[(cell, _)]) if self.change < 0.0 => {
                let asks = |inner: &usize| insiders == InsiderCondition::One(*inner);
                let mut own = inner_of(cells, cell);
                own.retain(|inner| !asks(inner));
                Own::These(own)
            }
            _ => Own::These(Vec::new()),
        }
    }

    /// The same, for want of a world that leaves every insider where they are.
    pub(crate) fn ignoring_insiders(&self) -> Self {
        Self { insiders: InsiderCondition::Ignored, ..self.clone() }
    }

    pub(crate) fn is_met(&self, cells: &Cells<'_>, alternative: &ChangedTable) -> bool {
        let change: f64 =
            self.terms.iter().map(|&(cell, sign)| sign * alternative.change(cell)).sum();
        let reached = match self.change > 0.0 {
            true => change >= self.change - TOLERANCE,
            false => change <= self.change + TOLERANCE,
        };
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
        let mut moved: Option<Vec<u32>> = None;
        for alternative in meeting {
            let here = alternative.respondents();
            let both: Vec<u32> = match moved {
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
        let next = moved.and_then(|moved| moved.first().copied());
        let knowledge = next.map_or(Knowledge::Published, Knowledge::Respondent);
        Some(Self { knowledge, ..self.clone() })
    }

    /// Whether it is made for all respondents, so that it may take several worlds.
    pub(crate) fn is_of_respondents(&self) -> bool {
        matches!(self.knowledge, Knowledge::Respondents { .. })
    }

    /// The same for each of some respondents for whom it is made.
    pub(crate) fn for_each_of(&self, respondents: &[u32]) -> Vec<Self> {
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
    pub(crate) fn respondent(&self) -> Option<u32> {
        match self.knowledge {
            Knowledge::Respondent(respondent) => Some(respondent),
            Knowledge::Published | Knowledge::Respondents { .. } => None,
        }
    }

    /// Whether a cell cannot change, because who asks knows it.
    pub(crate) fn is_known(&self, cells: &Cells<'_>, cell: usize) -> bool {
        self.respondent().is_some_and(|respondent| cells.respondents.of(cell) == Some(respondent))
    }
}

/// Inner cells that may be as little as an outsider can think.
pub(crate) enum Own {
    All,
    These(Vec<usize>),
}

impl Own {
    /// How much less a cell can be than an insider of it knows.
    pub(crate) fn beyond(&self, cells: &Cells<'_>, cell: usize) -> i64 {
        match self {
            Self::These(these) if !these.contains(&cell) => 0,
            _ => cells.insiders[cell],
        }
    }
}

/// For whose sake requirements are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequirementOrigin {
    /// A small cell: it may be as little and as much as the rule alone leaves open.
    Small(usize),
    /// A cell that is withheld whatever it counts.
    UnsafeByRule(usize, ProtectionLevel),
    /// A cell that is not small but to a respondent who takes their own children out.
    Remainder(usize),
    /// A sensitive category of a group: enough children may be outside it.
    Class { group: usize, inside: usize },
}

impl RequirementOrigin {
    /// The cell that is named where nothing protects it.
    pub(crate) fn cell(self) -> usize {
        match self {
            Self::Small(cell) | Self::UnsafeByRule(cell, _) | Self::Remainder(cell) => cell,
            Self::Class { inside, .. } => inside,
        }
    }

    /// Its cells: its requirements concern their counts.
    pub(crate) fn cells(self) -> impl Iterator<Item = usize> {
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
        withheld: &[bool],
    ) -> Vec<Requirement> {
        let threshold = cells.set.policy.threshold as i64;
        match self {
            Self::Small(cell) => {
                let low = least(cells, withheld, cell);
                // An insider below adds themselves to the least that it can be.
                let more = match cells.few_below.get(&cell) {
                    Some(few) => few.iter().map(|&inner| cells.insiders[inner]).max(),
                    None => Some(cells.insiders[cell]),
                };
                let high = threshold.max(low + more.unwrap_or_default() + threshold - 1);
                let mut requirements =
                    between(cell, low - cells.count[cell], high - cells.count[cell]);
                for who in inner_of(cells, cell) {
                    let change = low + cells.insiders[who] - cells.count[cell];
                    if cells.insiders[who] > 0 && change < 0 {
                        let insiders = InsiderCondition::One(who);
                        requirements.push(Requirement {
                            insiders,
                            ..Requirement::change_of(cell, change as f64)
                        });
                    }
                }
                requirements
            }
            Self::UnsafeByRule(cell, ProtectionLevel { lower, upper, .. }) => {
                let low = least(cells, withheld, cell) - cells.count[cell];
                between(cell, low.max(-(lower as i64)), upper as i64)
            }
            Self::Remainder(_) => Vec::new(),
            Self::Class { group, inside } => {
                let outside = cells.count[group] - cells.count[inside];
                let terms = vec![(group, 1.0), (inside, -1.0)];
                let missing = (threshold - outside) as f64;
                if missing > 0.0 {
                    vec![Requirement { terms, ..Requirement::change_of(group, missing) }]
                } else {
                    Vec::new()
                }
            }
        }
    }
}

/// The inner cells with anyone in them of an inner cell or a margin that is small.
pub(crate) fn inner_of(cells: &Cells<'_>, cell: usize) -> Vec<usize> {
    match cells.is_inner[cell] {
        true => vec![cell],
        false => cells.few_below.get(&cell).cloned().unwrap_or_default(),
    }
}

/// The least that a cell can be by the rules, given which inner cells are withheld: by its own table, and by others of
/// which inner cells lie within it.
pub(crate) fn least(cells: &Cells<'_>, withheld: &[bool], cell: usize) -> i64 {
    let of_inner = |inner: usize| match withheld[inner] {
        true => cells.least_withheld(inner),
        false => cells.count[inner],
    };
    let of_others = least_by_others(cells, cell, |inner| withheld[inner]);
    least_by_table(cells, cell, of_inner).max(of_others)
}

/// The same by other tables alone, of which inner cells lie within a small cell; 0 where they say nothing.
pub(crate) fn least_by_others(
    cells: &Cells<'_>,
    cell: usize,
    is_withheld: impl Fn(usize) -> bool,
) -> i64 {
    let of_inner = |&inner: &usize| match is_withheld(inner) && !cells.is_fixed[inner] {
        true => cells.least_withheld(inner),
        false => cells.count[inner],
    };
    let within = cells.within.get(&cell).into_iter().flatten();
    within.map(|finer| finer.iter().map(of_inner).sum()).max().unwrap_or_default()
}

/// The same by its own table alone.
fn least_by_table(cells: &Cells<'_>, cell: usize, of_inner: impl Fn(usize) -> i64) -> i64 {
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
pub(crate) fn between(cell: usize, down: i64, up: i64) -> Vec<Requirement> {
    let requirement = |change: i64| Requirement::change_of(cell, change as f64);
    let up = (up > 0).then(|| requirement(up));
    up.into_iter().chain((down < 0).then(|| requirement(down))).collect()
}

/// Everyone who makes requirements: small cells first, then classes, each in the order of the cells.
pub(crate) fn origins(cells: &Cells<'_>) -> Vec<RequirementOrigin> {
    let is_hidden = |&cell: &usize| is_small(cells, cell) && !cells.is_known_zero[cell];
    let small = (0..cells.len()).filter(is_hidden).map(RequirementOrigin::Small);
    let unsafe_by_rule = (0..cells.len()).filter_map(|cell| {
        Some(RequirementOrigin::UnsafeByRule(cell, cells.unsafe_by_rule.get(&cell).copied()?))
    });
    let is_remainder = |&cell: &usize| {
        cells.respondents.has_small_remainder(cell)
            && !is_small(cells, cell)
            && !cells.is_fixed[cell]
    };
    let remainders = (0..cells.len()).filter(is_remainder).map(RequirementOrigin::Remainder);
    small.chain(unsafe_by_rule).chain(remainders).chain(classes(cells)).collect()
}

/// Whether a cell is withheld for its own sake.
pub fn is_primary(cells: &Cells<'_>, cell: usize) -> bool {
    is_small(cells, cell)
        || cells.unsafe_by_rule.contains_key(&cell)
        || cells.respondents.has_small_remainder(cell) && !cells.is_fixed[cell]
}

/// Whether a cell is below the threshold, and not out already.
pub(crate) fn is_small(cells: &Cells<'_>, cell: usize) -> bool {
    cells.policy(cell).is_small(cells.count[cell].unsigned_abs()) && !cells.is_fixed[cell]
}

fn classes(cells: &Cells<'_>) -> Vec<RequirementOrigin> {
    let mut origins = Vec::new();
    for (number, table) in cells.set.tables.iter().enumerate() {
        for sensitive in table.sensitive() {
            let dimension = &table.dimensions()[sensitive.dimension];
            for cell in 0..table.cell_count() {
                let mut nodes = table.coordinates(cell);
                let category = nodes[sensitive.dimension];
                let inside = cells.number(number, cell);
                if !sensitive.categories.contains(&category) || cells.count[inside] == 0 {
                    continue;
                }
                let root = std::iter::successors(Some(category), |&node| dimension.parent(node));
                let root = root.last().unwrap_or(category);
                let has_others = dimension
                    .leaves()
                    .iter()
                    .any(|&leaf| dimension.counts(root, leaf) && !dimension.counts(category, leaf));
                nodes[sensitive.dimension] = root;
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
