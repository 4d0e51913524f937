//! Those who hold records: each knows the true counts of their own cells and takes their children out of
//! every number. Tables about everyone else are left, the *remainders*. In these the promise must hold
//! as it does for an outsider, over the worlds that leave the respondent's own cells at the truth.
//!
//! A respondent without a child in a cell sees of it what everyone does: for them a world that leaves their
//! cells alone is enough. For one with children in it, the remainder makes a requirement of its own.

use std::collections::BTreeSet;

use minster_model::{
    IdVec, NodeId, RespondentId, TableId,
    policy::{Policy, Zeros},
    table::{CountTable, Hierarchy, Pattern, ProtectionLevel, TableSet},
};

use crate::{
    shared::{
        bound::{Bound, high},
        categories::{Category, categories},
        refusal::{Failure, FailureReason},
        typed::{DimensionId, TableCell, TypedPattern, TypedSet, TypedTable},
    },
    suppressed::{
        cell_sums::{AskedCategory, AskedCells, AskedId, CellSum, CellSums},
        equations::{System, UnknownId},
        requirement::{Attackers, Requirement},
        solve::RequiredSum,
    },
};

/// The respondent of each unknown; none where they are not declared or the unknown's table does not divide by them.
pub(crate) fn of_unknowns(
    set: &TableSet,
    system: &System,
) -> IdVec<UnknownId, Option<RespondentId>> {
    let places: IdVec<TableId, Option<DimensionId>> =
        set.tables.iter().map(|table| place(set, table)).collect();
    system
        .unknowns
        .iter()
        .map(|&(table, inner)| {
            let leaf = set.table(table).leaf(places[table]?.0, inner.0);
            Some(RespondentId::from(leaf))
        })
        .collect()
}

/// Where in a table the dimension stands whose leaves are the respondents.
fn place(set: &TableSet, table: &CountTable) -> Option<DimensionId> {
    table.place_of(set.respondents()?)
}

/// A table that divides by the respondents.
pub(crate) struct TableByRespondent<'a> {
    counts: &'a IdVec<TableCell, u64>,
    dimension: &'a Hierarchy,
    /// How far apart neighbours along it are numbered.
    stride: usize,
}

impl<'a> TableByRespondent<'a> {
    /// None where respondents are not declared or the table does not divide by them.
    pub(crate) fn new(
        set: &TableSet,
        table: &'a CountTable,
        counts: &'a IdVec<TableCell, u64>,
    ) -> Option<Self> {
        let place = place(set, table)?;
        let after = table.dimensions().iter().skip(place.0 + 1);
        let stride = after.map(Hierarchy::node_count).product();
        Some(Self { counts, dimension: table.by_dimension().at(place), stride })
    }

    /// Returns the respondents who have children in a cell, and one who is alone to have any there.
    pub(crate) fn concerned(&self, cell: TableCell) -> Vec<RespondentId> {
        let alone = self.is_of_one(cell);
        self.respondents(cell)
            .filter(|&respondent| alone || self.own(cell, respondent) > 0)
            .collect()
    }

    /// Returns the respondents who have children of a group outside a category, and one who alone has any inside it.
    pub(crate) fn concerned_by_class(
        &self,
        group: TableCell,
        inside: TableCell,
    ) -> Vec<RespondentId> {
        self.respondents(group)
            .filter(|&respondent| {
                self.own(group, respondent) > self.own(inside, respondent)
                    || self.remainder(inside, respondent) == 0
            })
            .collect()
    }

    fn node(&self, cell: TableCell) -> NodeId {
        NodeId(cell.0 / self.stride % self.dimension.node_count())
    }

    /// The cell that differs from one in the respondents' node alone.
    fn at(&self, cell: TableCell, node: NodeId) -> TableCell {
        TableCell(cell.0 - self.node(cell).0 * self.stride + node.0 * self.stride)
    }

    /// Whether all that a cell can count is one respondent's.
    fn is_of_one(&self, cell: TableCell) -> bool {
        self.dimension.leaves_below(self.node(cell)).len() == 1
    }

    /// The respondents whose children a cell counts.
    fn respondents(&self, cell: TableCell) -> impl Iterator<Item = RespondentId> {
        let leaves = self.dimension.leaves();
        let below = self.dimension.leaves_below(self.node(cell)).iter();
        below.map(|below| RespondentId(leaves.partition_point(|leaf| leaf < below)))
    }

    /// How many of a cell's children are a respondent's.
    fn own(&self, cell: TableCell, respondent: RespondentId) -> u64 {
        let leaf = self.dimension.leaf(respondent.leaf());
        match self.dimension.counts(self.node(cell), leaf) {
            true => self.counts[self.at(cell, leaf)],
            false => 0,
        }
    }

    /// How many of a cell's children are not a respondent's.
    fn remainder(&self, cell: TableCell, respondent: RespondentId) -> u64 {
        self.counts[cell] - self.own(cell, respondent)
    }

    /// Each cell that counts some of a respondent's children and can count others' too, where these are few.
    fn small_remainders(&self, policy: Policy) -> impl Iterator<Item = (TableCell, RespondentId)> {
        let own = self.counts.enumerate().filter(|(_, count)| **count > 0);
        let own =
            own.filter_map(|(cell, _)| Some((cell, self.dimension.ordinal(self.node(cell))?)));
        // From a respondent's own cells with children to the wider ones: a respondent with none takes nothing out.
        let wider = own.flat_map(move |(own, leaf)| {
            let above = self.dimension.above(leaf).iter();
            above.map(move |&node| (self.at(own, node), RespondentId::from(leaf)))
        });
        wider.filter(move |&(cell, respondent)| {
            !self.is_of_one(cell) && policy.is_small(self.remainder(cell, respondent))
        })
    }
}

/// Returns what is published though a respondent who takes their own children out is left with few: seen without an
/// attack.
pub(crate) fn visible(
    set: &TableSet,
    number: TableId,
    counts: &IdVec<TableCell, u64>,
    pattern: &Pattern,
) -> Vec<Failure> {
    let table = set.table(number);
    let Some(by_respondent) = TableByRespondent::new(set, table, counts) else {
        return Vec::new();
    };
    let published = by_respondent
        .small_remainders(table.policy(set.policy))
        .filter(|&(cell, _)| !pattern.by_cell()[cell]);
    let cells: BTreeSet<TableCell> = published.map(|(cell, _)| cell).collect();
    cells.into_iter().map(|cell| Failure::new(number, cell, FailureReason::Respondent)).collect()
}

/// The requirements that each respondent makes of the remainders of cells in which they have children.
pub(crate) struct RemainderRequirements<'a> {
    pub(crate) set: &'a TableSet,
    pub(crate) number: TableId,
    pub(crate) by_respondent: TableByRespondent<'a>,
    pub(crate) pattern: &'a Pattern,
    pub(crate) system: &'a System,
    pub(crate) respondents: &'a IdVec<UnknownId, Option<RespondentId>>,
}

impl RemainderRequirements<'_> {
    pub(crate) fn requirements(&self) -> Vec<Requirement> {
        let table = self.table();
        // A published small remainder has failed already: only what is withheld needs an attack.
        let mut asked = AskedCells::of(table);
        let small: Vec<(TableCell, RespondentId, AskedId)> = self
            .by_respondent
            .small_remainders(table.policy(self.set.policy))
            .filter(|&(cell, _)| self.pattern.by_cell()[cell])
            .map(|(cell, respondent)| (cell, respondent, asked.ask(cell)))
            .collect();
        let unsafe_by_rule: Vec<(ProtectionLevel, RespondentId, AskedId)> = table
            .protection_levels()
            .iter()
            .flat_map(|&level| self.unsafe_by_rule(level).map(move |of| (level, of)))
            .map(|(level, respondent)| (level, respondent, asked.ask(TableCell(level.cell))))
            .collect();
        let classes: Vec<(AskedCategory, RespondentId)> = categories(table)
            .into_iter()
            .flat_map(|category| self.classes(category).map(move |of| (category, of)))
            .map(|(category, respondent)| (AskedCategory::new(category, &mut asked), respondent))
            .collect();
        let sums = asked.sums(self.number, self.system);
        let mut requirements = Vec::new();
        for (cell, respondent, asked) in small {
            self.require_small(cell, respondent, &sums[asked], &mut requirements);
        }
        for (level, respondent, asked) in unsafe_by_rule {
            self.require_unsafe_by_rule(level, respondent, &sums[asked], &mut requirements);
        }
        for (category, respondent) in classes {
            requirements.push(self.require_class(category, respondent, &sums));
        }
        requirements
    }

    fn table(&self) -> &CountTable {
        self.set.table(self.number)
    }

    /// Returns the respondents who have children in a cell that is unsafe by rule, if it can count others' too. Where
    /// zeros are published, a remainder of nobody is published as such.
    fn unsafe_by_rule(&self, level: ProtectionLevel) -> impl Iterator<Item = RespondentId> {
        let cell = TableCell(level.cell);
        let zeros = self.table().policy(self.set.policy).zeros;
        let concerned = match self.by_respondent.is_of_one(cell) {
            true => Vec::new(),
            false => self.by_respondent.concerned(cell),
        };
        concerned.into_iter().filter(move |&respondent| {
            self.by_respondent.remainder(cell, respondent) > 0 || zeros != Zeros::Published
        })
    }

    /// Returns the respondents who have children outside a category of a group in which others have some, and
    /// few outside it.
    fn classes(&self, Category { group, inside }: Category) -> impl Iterator<Item = RespondentId> {
        let by_respondent = &self.by_respondent;
        let outside = by_respondent.counts[group] - by_respondent.counts[inside];
        by_respondent.respondents(group).filter(move |&respondent| {
            let own = by_respondent.own(group, respondent) - by_respondent.own(inside, respondent);
            own > 0
                && by_respondent.remainder(inside, respondent) > 0
                && outside - own < self.set.policy.threshold
        })
    }

    fn require_small(
        &self,
        cell: TableCell,
        respondent: RespondentId,
        sum: &CellSum,
        requirements: &mut Vec<Requirement>,
    ) {
        let CellSum { unknowns, published } = self.remainder_of(cell, respondent, sum);
        let remainder = self.by_respondent.remainder(cell, respondent) as i64;
        if remainder == 0 && unknowns.is_empty() {
            // Everyone knows that nobody else can be there.
            return;
        }
        // To the respondent the remainder is a cell of a table about everyone else: the promise is that of any small cell.
        let low = published + self.system.least_of(&unknowns);
        let high = high(self.set.policy.threshold, low);
        if remainder > low {
            let bound = Bound::AtMost(low - published);
            requirements.push(self.requirement(cell, respondent, &unknowns, bound));
        }
        if remainder < high {
            let bound = Bound::AtLeast(high - published);
            requirements.push(self.requirement(cell, respondent, &unknowns, bound));
        }
    }

    fn require_unsafe_by_rule(
        &self,
        ProtectionLevel { cell, lower, upper }: ProtectionLevel,
        respondent: RespondentId,
        sum: &CellSum,
        requirements: &mut Vec<Requirement>,
    ) {
        let cell = TableCell(cell);
        let CellSum { unknowns, published } = self.remainder_of(cell, respondent, sum);
        // A respondent knows their own part exactly: the whole level must be left open by that of the others.
        let unknown = self.by_respondent.remainder(cell, respondent) as i64 - published;
        let low = self.system.least_of(&unknowns).max(unknown - lower as i64);
        if unknown > low {
            requirements.push(self.requirement(cell, respondent, &unknowns, Bound::AtMost(low)));
        }
        if upper > 0 {
            let bound = Bound::AtLeast(unknown + upper as i64);
            requirements.push(self.requirement(cell, respondent, &unknowns, bound));
        }
    }

    fn require_class(
        &self,
        AskedCategory { of, group, inside }: AskedCategory,
        respondent: RespondentId,
        sums: &CellSums,
    ) -> Requirement {
        // Without their own children, the respondent sees the others of the group: of these enough must be able to be
        // outside.
        let within = self.remainder_of(of.inside, respondent, &sums[inside]);
        let all = self.remainder_of(of.group, respondent, &sums[group]);
        let outside = all.without(&within);
        let missing = self.set.policy.threshold as i64 - outside.published;
        self.requirement(of.inside, respondent, &outside.unknowns, Bound::AtLeast(missing))
    }

    /// The parts of a cell that are not a respondent's.
    fn remainder_of(
        &self,
        cell: TableCell,
        respondent: RespondentId,
        CellSum { unknowns, published }: &CellSum,
    ) -> CellSum {
        let (own, others): (Vec<UnknownId>, Vec<UnknownId>) =
            unknowns.iter().partition(|&&unknown| self.respondents[unknown] == Some(respondent));
        // Their children are in published inner cells or in unknowns, and only the former are in the published part.
        let own_unknown: i64 = own.iter().map(|&unknown| self.system.truth[unknown]).sum();
        let own_published = self.by_respondent.own(cell, respondent) as i64 - own_unknown;
        CellSum { unknowns: others, published: published - own_published }
    }

    fn requirement(
        &self,
        cell: TableCell,
        respondent: RespondentId,
        unknowns: &[UnknownId],
        bound: Bound,
    ) -> Requirement {
        Requirement {
            table: self.number,
            cell,
            reason: FailureReason::Respondent,
            required: RequiredSum::new(unknowns, bound),
            small: None,
            attackers: Attackers::Respondent(respondent),
        }
    }
}
