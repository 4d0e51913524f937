//! Those who hold records: each knows their own cells and takes their children out of every number. What is
//! left, the *rest*, must be as open to them as a count is to an outsider.
//!
//! Who has no child in a cell sees of it what everyone does, and needs a world that leaves their own cells
//! alone: for two holders it may be the same one. Who has children there makes demands of their own.

use std::collections::BTreeMap;

use minster_model::cube::{Guarded, Hierarchy, TableSet, Zeros};

use crate::{
    cells::Cells,
    demand::{Demand, Insiders, Owner, between, least},
    world::World,
};

/// Whose knowledge a demand reckons with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Knowing {
    /// What is published, and what insiders know.
    Published,
    /// What every holder knows, one at a time, but for these.
    Holders { but: Vec<u32> },
    /// What one holder knows: none of their cells can change.
    Holder(u32),
}

/// Whose each cell is, and where what is left to a holder is small.
#[derive(Default)]
pub(crate) struct Holders {
    /// For each table, the place of the holders' dimension and how far apart neighbours along it are
    /// numbered.
    places: Vec<Option<(usize, usize)>>,
    /// By cell, the holder whose all of it is, by the ordinal of their leaf. Empty where none are declared.
    of: Vec<Option<u32>>,
    /// A cell and a holder with children there to whom the rest is small: the others' inner cells with
    /// anyone in them.
    small: BTreeMap<(usize, u32), Vec<usize>>,
}

impl Holders {
    pub(crate) fn new(cells: &Cells<'_>) -> Self {
        let Some(name) = cells.set.holders() else { return Self::default() };
        let mut holders = Self {
            places: places(cells.set, name),
            of: vec![None; cells.len()],
            ..Self::default()
        };
        for cell in 0..cells.len() {
            let Some(at) = holders.at(cells, cell) else { continue };
            if let [leaf] = at.dimension.leaves_below(at.node)[..] {
                holders.of[cell] = at.ordinal(leaf);
            }
        }
        holders.small = holders.small_rests(cells);
        holders.find_others(cells);
        holders
    }

    pub(crate) fn are_declared(&self) -> bool {
        !self.of.is_empty()
    }

    /// The holder whose all of a cell is.
    pub(crate) fn of(&self, cell: usize) -> Option<u32> {
        self.of.get(cell).copied().flatten()
    }

    /// Whether what is left of a cell is small to someone with children in it.
    pub(crate) fn has_small_rest(&self, cell: usize) -> bool {
        self.small_of(cell).next().is_some()
    }

    /// The others' inner cells with anyone in them, where what is left of a cell is small to a holder.
    pub(crate) fn others(&self, cell: usize, holder: u32) -> Option<&Vec<usize>> {
        self.small.get(&(cell, holder))
    }

    /// The cells with a small rest, and to whom.
    pub(crate) fn all_small(&self) -> impl Iterator<Item = (usize, u32)> {
        self.small.keys().copied()
    }

    /// A holder by their category, for people.
    pub(crate) fn name(&self, cells: &Cells<'_>, holder: u32) -> String {
        let tables = self.places.iter().zip(&cells.set.tables);
        let dimension =
            tables.filter_map(|(place, table)| Some(&table.dimensions()[place.as_ref()?.0]));
        let named = |of: &Hierarchy| {
            let leaf = of.leaves().get(holder as usize)?;
            Some(format!("{} {}", of.name(), of.code(*leaf)))
        };
        dimension.into_iter().find_map(named).unwrap_or_default()
    }

    fn small_of(&self, cell: usize) -> impl Iterator<Item = (u32, &Vec<usize>)> {
        let of_cell = self.small.range((cell, 0)..=(cell, u32::MAX));
        of_cell.map(|(&(_, holder), others)| (holder, others))
    }

    /// Who has children in a cell, or is alone to have any there.
    fn concerned(&self, cells: &Cells<'_>, cell: usize) -> Vec<u32> {
        match self.of(cell) {
            Some(holder) => vec![holder],
            None => self.below(cells, cell).filter(|&h| self.own(cells, cell, h) > 0).collect(),
        }
    }

    /// The holders whose children a cell counts.
    fn below<'a>(&self, cells: &'a Cells<'_>, cell: usize) -> impl Iterator<Item = u32> + use<'a> {
        let at = self.at(cells, cell);
        at.into_iter().flat_map(|at| {
            let leaves = at.dimension.leaves_below(at.node).iter();
            leaves.filter_map(move |&leaf| at.ordinal(leaf))
        })
    }

    /// How many of a cell's children are a holder's.
    fn own(&self, cells: &Cells<'_>, cell: usize, holder: u32) -> i64 {
        let Some(at) = self.at(cells, cell) else { return 0 };
        let leaf = at.dimension.leaves()[holder as usize];
        match at.dimension.counts(at.node, leaf) {
            true => cells.count[at.first + leaf * at.stride],
            false => 0,
        }
    }

    fn rest(&self, cells: &Cells<'_>, cell: usize, holder: u32) -> i64 {
        cells.count[cell] - self.own(cells, cell, holder)
    }

    fn at<'a>(&self, cells: &Cells<'a>, cell: usize) -> Option<At<'a>> {
        let set: &'a TableSet = cells.set;
        let (table, number) = cells.place(cell);
        let (place, stride) = (*self.places.get(table)?)?;
        let dimension = &set.tables[table].dimensions()[place];
        let node = number / stride % dimension.node_count();
        Some(At { dimension, node, stride, first: cell - node * stride })
    }

    /// The cells and holders to whom the rest is small.
    fn small_rests(&self, cells: &Cells<'_>) -> BTreeMap<(usize, u32), Vec<usize>> {
        let mut small = BTreeMap::new();
        for leaf in (0..cells.len()).filter(|&cell| cells.count[cell] > 0) {
            let Some(at) = self.at(cells, leaf) else { continue };
            let Some(holder) = at.ordinal(at.node) else { continue };
            for node in at.dimension.above(holder as usize) {
                let cell = at.first + node * at.stride;
                let rest = cells.count[cell] - cells.count[leaf];
                if self.of(cell).is_none() && cells.set.policy.is_small(rest.unsigned_abs()) {
                    small.insert((cell, holder), Vec::new());
                }
            }
        }
        small
    }

    fn find_others(&mut self, cells: &Cells<'_>) {
        if self.small.is_empty() {
            return;
        }
        for (number, table) in cells.set.tables.iter().enumerate() {
            if self.places[number].is_none() {
                continue;
            }
            table.add_up(|inner, above| {
                if table.inner()[inner] == 0 {
                    return;
                }
                let inner = cells.number(number, above[0]);
                let own = self.of[inner];
                for &cell in &above[1..] {
                    let cell = cells.number(number, cell);
                    let of_cell = self.small.range_mut((cell, 0)..=(cell, u32::MAX));
                    let of_others = of_cell.filter(|((_, holder), _)| Some(*holder) != own);
                    of_others.for_each(|(_, others)| others.push(inner));
                }
            });
        }
    }
}

/// Where a cell stands along the holders' dimension.
struct At<'a> {
    dimension: &'a Hierarchy,
    node: usize,
    stride: usize,
    /// The cell that it would be at the first node.
    first: usize,
}

impl At<'_> {
    fn ordinal(&self, leaf: usize) -> Option<u32> {
        self.dimension.leaves().binary_search(&leaf).ok().map(|ordinal| ordinal as u32)
    }
}

fn places(set: &TableSet, name: &str) -> Vec<Option<(usize, usize)>> {
    let place = |table: &minster_model::cube::CountTable| {
        let dimensions = table.dimensions();
        let place = dimensions.iter().position(|dimension| dimension.name() == name)?;
        Some((place, dimensions[place + 1..].iter().map(Hierarchy::node_count).product()))
    };
    set.tables.iter().map(place).collect()
}

/// What an owner demands for the sake of holders, given which cells are withheld. Insiders are others: no
/// holder is taken to know what they do.
pub(crate) fn demands(owner: Owner, cells: &Cells<'_>, withheld: &[bool]) -> Vec<Demand> {
    let holders = &cells.holders;
    let threshold = cells.set.policy.threshold as i64;
    let knowing = |demands: Vec<Demand>, knowing: Knowing| {
        let of = move |demand| Demand {
            insiders: Insiders::Ignored,
            knowing: knowing.clone(),
            ..demand
        };
        demands.into_iter().map(of)
    };
    let all_but = |but| Knowing::Holders { but };
    match owner {
        Owner::Small(cell) => {
            let low = least(cells, withheld, cell);
            let high = threshold.max(low + threshold - 1);
            let demands = between(cell, low - cells.count[cell], high - cells.count[cell]);
            let but = holders.concerned(cells, cell);
            knowing(demands, all_but(but)).chain(of_rests(cells, withheld, cell)).collect()
        }
        Owner::Rest(cell) => of_rests(cells, withheld, cell),
        Owner::Guarded(cell, Guarded { down, up, .. }) => {
            let (down, up) = (-(down as i64), up as i64);
            let low = least(cells, withheld, cell) - cells.count[cell];
            let concerned = holders.concerned(cells, cell);
            let mut demands: Vec<Demand> =
                knowing(between(cell, low.max(down), up), all_but(concerned.clone())).collect();
            let none_is_shown = cells.set.policy.zeros == Zeros::Published;
            for holder in concerned.into_iter().filter(|_| holders.of(cell).is_none()) {
                let rest = holders.rest(cells, cell, holder);
                if rest > 0 || !none_is_shown {
                    let low = least_rest(cells, withheld, cell, holder) - rest;
                    let demand = between(cell, low.max(down), up);
                    demands.extend(knowing(demand, Knowing::Holder(holder)));
                }
            }
            demands
        }
        Owner::Class { group, inside } => {
            let outside = cells.count[group] - cells.count[inside];
            let missing = |outside: i64| {
                let terms = vec![(group, 1.0), (inside, -1.0)];
                let demand = |missing| Demand { terms, ..Demand::change_of(group, missing) };
                let missing = threshold - outside;
                (missing > 0).then(|| demand(missing as f64)).into_iter().collect::<Vec<_>>()
            };
            let (mut but, mut demands) = (Vec::new(), Vec::new());
            for holder in holders.below(cells, group) {
                let own = holders.own(cells, group, holder) - holders.own(cells, inside, holder);
                let has_rest = holders.rest(cells, inside, holder) > 0;
                if own > 0 && has_rest {
                    demands.extend(knowing(missing(outside - own), Knowing::Holder(holder)));
                }
                if own > 0 || !has_rest {
                    but.push(holder);
                }
            }
            demands.extend(knowing(missing(outside), all_but(but)));
            demands
        }
    }
}

/// What the holders demand to whom a cell's rest is small.
fn of_rests(cells: &Cells<'_>, withheld: &[bool], cell: usize) -> Vec<Demand> {
    let threshold = cells.set.policy.threshold as i64;
    let mut demands = Vec::new();
    for (holder, _) in cells.holders.small_of(cell) {
        let rest = cells.holders.rest(cells, cell, holder);
        let low = least_rest(cells, withheld, cell, holder);
        let high = threshold.max(low + threshold - 1);
        for demand in between(cell, low - rest, high - rest) {
            let knowing = Knowing::Holder(holder);
            demands.push(Demand { insiders: Insiders::Ignored, knowing, ..demand });
        }
    }
    demands
}

/// The least that what is left of a cell to a holder can be, given which inner cells are withheld.
fn least_rest(cells: &Cells<'_>, withheld: &[bool], cell: usize, holder: u32) -> i64 {
    let least = cells.set.policy.zeros.least_withheld() as i64;
    let of_inner = |inner: usize| if withheld[inner] { least } else { cells.count[inner] };
    match cells.holders.others(cell, holder) {
        Some(others) if !cells.is_standing(cell) => others.iter().copied().map(of_inner).sum(),
        _ => {
            let below = cells.inner_below(cell).into_iter();
            let others = below.filter(|&inner| cells.holders.of(inner) != Some(holder));
            others.map(of_inner).sum()
        }
    }
}

impl Demand {
    /// What of the demand none of these worlds meets: for all holders, it is met for those whom some world
    /// that meets it leaves alone, and what is left is to be met for the next.
    pub(crate) fn lacking<'w>(
        &self,
        cells: &Cells<'_>,
        worlds: impl IntoIterator<Item = &'w World>,
    ) -> Option<Self> {
        let mut meeting = worlds.into_iter().filter(|world| self.is_met(cells, world));
        let Knowing::Holders { but } = &self.knowing else {
            return meeting.next().is_none().then(|| self.clone());
        };
        let mut moved: Option<Vec<u32>> = None;
        for world in meeting {
            let here = world.holders();
            let both: Vec<u32> = match moved {
                None => here.iter().copied().filter(|holder| !but.contains(holder)).collect(),
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
        let knowing = next.map_or(Knowing::Published, Knowing::Holder);
        Some(Self { knowing, ..self.clone() })
    }

    /// Whether it is made for all holders, so that it may take several worlds.
    pub(crate) fn is_of_holders(&self) -> bool {
        matches!(self.knowing, Knowing::Holders { .. })
    }

    /// The same for each of some holders for whom it is made.
    pub(crate) fn for_each_of(&self, holders: &[u32]) -> Vec<Self> {
        let Knowing::Holders { but } = &self.knowing else { return Vec::new() };
        let asked = holders.iter().filter(|holder| !but.contains(holder));
        asked.map(|&holder| Self { knowing: Knowing::Holder(holder), ..self.clone() }).collect()
    }

    /// The holder none of whose cells can change.
    pub(crate) fn holder(&self) -> Option<u32> {
        match self.knowing {
            Knowing::Holder(holder) => Some(holder),
            Knowing::Published | Knowing::Holders { .. } => None,
        }
    }

    /// Whether a cell cannot change, because who asks knows it.
    pub(crate) fn is_known(&self, cells: &Cells<'_>, cell: usize) -> bool {
        self.holder().is_some_and(|holder| cells.holders.of(cell) == Some(holder))
    }
}
