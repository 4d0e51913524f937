//! Releases about different children, against every way in which all children could be.

mod by_hand;

use minster_attack::{JointRelease, verify_joint, who_counts};

use super::*;

/// Categories of the column `c`, which releases choose their children by, of `w` and of `s`.
const SIZES: [usize; 3] = [3, 2, 2];
const NAMES: [&str; 3] = ["c", "w", "s"];

/// Children by all three columns.
type Children = [u64; 12];

/// A release: which categories of `c` it counts, and the columns that it divides them by.
#[derive(Debug, Clone)]
struct Plan {
    counts: [bool; 3],
    by: Vec<usize>,
}

/// Says what the releases show: how many children there are, or something of theirs added up.
struct Shows {
    policy: Policy,
    /// For a sum, from how many children it comes; one from fewer than three is unsafe.
    contributors: Option<Children>,
}

impl Shows {
    fn counts(policy: Policy) -> Self {
        Self { policy, contributors: None }
    }

    /// How unsure everyone must be of a number; none where that is not asked for its contributors' sake.
    fn protection_level(contributors: u64) -> Option<u64> {
        (1..3).contains(&contributors).then(|| 3 - contributors)
    }

    /// A table of numbers, of which the unsafe ones are not to follow. `table` makes the same of contributors.
    fn unsafe_by_rule(
        &self,
        table: impl Fn(&Children) -> CountTable,
        children: &Children,
    ) -> CountTable {
        let Some(contributors) = &self.contributors else { return table(children) };
        let unsafe_by_rule = table(contributors).cell_counts().into_iter().enumerate();
        let unsafe_by_rule = unsafe_by_rule.filter_map(|(cell, contributors)| {
            let protection_level = Self::protection_level(contributors)?;
            Some(ProtectionLevel { cell, lower: protection_level, upper: protection_level })
        });
        table(children).with_protection_levels(unsafe_by_rule.collect()).unwrap()
    }

    /// How little and how much the number of some places must be able to be, if anything is asked.
    fn asked(&self, places: &[usize], children: &Children) -> Option<(u64, u64)> {
        let sum = |of: &Children| places.iter().map(|&place| of[place]).sum::<u64>();
        let (number, threshold) = (sum(children), self.policy.threshold);
        match &self.contributors {
            None => (1..threshold).contains(&number).then_some((0, threshold)),
            Some(contributors) => {
                Self::protection_level(sum(contributors)).map(|protection_level| {
                    (number.saturating_sub(protection_level), number + protection_level)
                })
            }
        }
    }
}

/// The category of a column that a place among all children stands for.
fn category(place: usize, column: usize) -> usize {
    [place / 4, place / 2 % 2, place % 2][column]
}

impl Plan {
    fn is_chosen(&self) -> bool {
        self.counts.contains(&false)
    }

    /// Its columns that another divides or chooses by, or it chooses by itself.
    fn shared(&self, all: &[Self]) -> Vec<usize> {
        let is_shared = |column: &usize| {
            let others = all.iter().filter(|other| !std::ptr::eq(*other, self));
            let divides = |other: &Self| other.by.contains(column);
            { others }.any(divides) || *column == 0 && all.iter().any(Self::is_chosen)
        };
        self.by.iter().copied().filter(is_shared).collect()
    }

    fn table(&self, children: &Children) -> CountTable {
        let size: usize = self.by.iter().map(|&column| SIZES[column]).product();
        let mut inner = vec![0; size];
        for place in (0..12).filter(|&place| self.counts[category(place, 0)]) {
            inner[self.cell(place)] += children[place];
        }
        let dimensions = self.by.iter().map(|&column| flat(NAMES[column], SIZES[column])).collect();
        CountTable::new("t", dimensions, inner, vec![]).unwrap()
    }

    /// The inner cell that a child of a place is in.
    fn cell(&self, place: usize) -> usize {
        self.by.iter().fold(0, |cell, &column| cell * SIZES[column] + category(place, column))
    }

    /// The places whose children a cell of its table counts.
    fn places(&self, table: &CountTable, cell: usize) -> Vec<usize> {
        let below = alternative_tables::below(table);
        let counts = |place: &usize| {
            self.counts[category(*place, 0)] && below[cell].contains(&self.cell(*place))
        };
        (0..12).filter(counts).collect()
    }
}

/// The children of all releases, by some columns and by who counts them; and what each release counts of it.
fn all(plans: &[Plan], children: &Children, by: &[usize]) -> (CountTable, Vec<NodeId>) {
    let conditions = |c: usize| plans.iter().map(|plan| plan.counts[c]).collect::<Vec<bool>>();
    let mut leaves: Vec<Vec<bool>> = Vec::new();
    for place in (0..12).filter(|&place| children[place] > 0) {
        let of = conditions(category(place, 0));
        if of.contains(&true) && !leaves.contains(&of) {
            leaves.push(of);
        }
    }
    let (who, nodes) = who_counts(&leaves).unwrap();
    let size: usize = by.iter().map(|&column| SIZES[column]).product();
    let mut inner = vec![0; size * leaves.len()];
    for (place, count) in children.iter().enumerate() {
        let of = conditions(category(place, 0));
        let Some(leaf) = leaves.iter().position(|leaf| *leaf == of) else { continue };
        let cell =
            by.iter().fold(0, |cell, &column| cell * SIZES[column] + category(place, column));
        inner[cell * leaves.len() + leaf] += count;
    }
    let dimensions = by.iter().map(|&column| flat(NAMES[column], SIZES[column])).chain([who]);
    (CountTable::new("all", dimensions.collect(), inner, vec![]).unwrap(), nodes)
}

/// The table keeping what it shares.
fn keeping(table: CountTable, plan: &Plan, shared: &[usize]) -> CountTable {
    let is_forced_published = |cell: &usize| {
        let nodes = table.coordinates(*cell);
        plan.by.iter().zip(nodes).all(|(column, node)| shared.contains(column) == (node.0 > 0))
    };
    let forced_published = (0..table.cell_count()).filter(is_forced_published).collect();
    table.clone().with_forced_published(forced_published).unwrap()
}

/// The verdict on releases as they stand beside each other.
fn beside(
    shows: &Shows,
    plans: &[Plan],
    children: &Children,
    released: &[(CountTable, Pattern)],
) -> Result<(), Refusal> {
    let releases: Vec<JointRelease<'_>> = plans
        .iter()
        .zip(released)
        .enumerate()
        .map(|(number, (plan, (table, pattern)))| {
            let shared = plan.shared(plans);
            let (_, nodes) = all(plans, children, &shared);
            let all = shows.unsafe_by_rule(|children| all(plans, children, &shared).0, children);
            let (tables, patterns) = (std::slice::from_ref(table), std::slice::from_ref(pattern));
            JointRelease { tables, patterns, all, own: nodes[number] }
        })
        .collect();
    verify_joint(shows.policy, &releases)
}

/// Says what is published: places, and how many children are there together; and which of them are not empty.
struct Known {
    sums: Vec<(Vec<usize>, u64)>,
    filled: Vec<Vec<usize>>,
}

impl Known {
    fn new(plans: &[Plan], released: &[(CountTable, Pattern)], zeros: Zeros) -> Self {
        let mut known = Self { sums: Vec::new(), filled: Vec::new() };
        for (plan, (table, pattern)) in plans.iter().zip(released) {
            for (cell, count) in table.cell_counts().into_iter().enumerate() {
                let places = plan.places(table, cell);
                match pattern.withheld[cell] {
                    false => known.sums.push((places, count)),
                    true if table.is_inner(cell) && zeros == Zeros::Published => {
                        known.filled.push(places);
                    }
                    true => {}
                }
            }
        }
        known
    }

    /// Calls back with all children as they could be, until that says that it is enough; false where that takes
    /// more than so many steps.
    fn alternatives(
        &self,
        truth: &Children,
        steps: usize,
        each: &mut dyn FnMut(&Children) -> bool,
    ) -> bool {
        let counting = |place: usize| {
            let counts = |at: &usize| self.sums[*at].0.contains(&place);
            (0..self.sums.len()).filter(counts).collect()
        };
        let mut filling = Filling {
            known: self,
            truth,
            counting: (0..12).map(counting).collect(),
            left: self.sums.iter().map(|(_, sum)| *sum as i64).collect(),
            children: [0; 12],
            steps,
            each,
        };
        !matches!(filling.fill(0), Some(Stop::WorkUsedUp))
    }
}

enum Stop {
    Enough,
    WorkUsedUp,
}

/// All children, place after place.
struct Filling<'a> {
    known: &'a Known,
    truth: &'a Children,
    /// The sums that count each place.
    counting: Vec<Vec<usize>>,
    left: Vec<i64>,
    children: Children,
    steps: usize,
    each: &'a mut dyn FnMut(&Children) -> bool,
}

impl Filling<'_> {
    fn fill(&mut self, place: usize) -> Option<Stop> {
        if self.steps == 0 {
            return Some(Stop::WorkUsedUp);
        }
        self.steps -= 1;
        if place == 12 {
            let is_filled = |places: &Vec<usize>| places.iter().any(|&at| self.children[at] > 0);
            let is_alternative = self.known.filled.iter().all(is_filled);
            return (is_alternative && (self.each)(&self.children)).then_some(Stop::Enough);
        }
        let counting = self.counting[place].clone();
        // Nobody asks about children whom nobody counts.
        let truth = self.truth[place] as i64;
        let most = counting.iter().map(|&at| self.left[at]).min();
        let (least, most) = most.map_or((truth, truth), |most| (0, most));
        for count in least..=most {
            counting.iter().for_each(|&at| self.left[at] -= count);
            self.children[place] = count as u64;
            let is_last = |at: usize| self.known.sums[at].0.last() == Some(&place);
            let adds_up = counting.iter().all(|&at| !is_last(at) || self.left[at] == 0);
            let stop = if adds_up { self.fill(place + 1) } else { None };
            counting.iter().for_each(|&at| self.left[at] += count);
            if stop.is_some() {
                return stop;
            }
        }
        None
    }
}

/// Returns what must stay possible: some places together at most so many, and at least so many.
fn requirements(
    shows: &Shows,
    plans: &[Plan],
    children: &Children,
    released: &[(CountTable, Pattern)],
) -> Vec<(Vec<usize>, u64, u64)> {
    let mut all = Vec::new();
    for (plan, (table, pattern)) in plans.iter().zip(released) {
        let one = TableSet { tables: vec![table.clone()], policy: shows.policy };
        for (_, cell, low, high) in promised(&one, std::slice::from_ref(pattern), None) {
            all.push((plan.places(table, cell), low, high));
        }
    }
    // The children whom one counts and another does not, by what both divide by; and those whom the same releases count.
    let mut groups: Vec<([bool; 3], Vec<&Plan>)> = Vec::new();
    for (one, other) in plans.iter().flat_map(|one| plans.iter().map(move |other| (one, other))) {
        let differing = [0, 1, 2].map(|c| one.counts[c] && !other.counts[c]);
        groups.push((differing, vec![one, other]));
    }
    for c in 0..3 {
        let alike = |other: usize| plans.iter().all(|plan| plan.counts[c] == plan.counts[other]);
        if plans.iter().any(|plan| plan.counts[c]) {
            groups.push(([0, 1, 2].map(alike), plans.iter().collect()));
        }
    }
    for (group, by) in groups {
        let nodes = |column: usize| {
            let divide = by.iter().all(|plan| plan.by.contains(&column));
            (0..SIZES[column]).map(Some).filter(move |_| divide).chain([None])
        };
        for (c, w) in nodes(0).flat_map(|c| nodes(1).map(move |w| (c, w))) {
            for s in nodes(2) {
                let is = |place: usize, column, of: Option<usize>| {
                    of.is_none_or(|of| category(place, column) == of)
                };
                let counts = |&place: &usize| {
                    let is_here = is(place, 0, c) && is(place, 1, w) && is(place, 2, s);
                    group[category(place, 0)] && is_here
                };
                let places: Vec<usize> = (0..12).filter(counts).collect();
                if let Some((low, high)) = shows.asked(&places, children) {
                    all.push((places, low, high));
                }
            }
        }
    }
    all
}

/// Whether each requirement is met by some way in which all children could be; none where these are too many.
fn is_open(
    shows: &Shows,
    plans: &[Plan],
    children: &Children,
    released: &[(CountTable, Pattern)],
    steps: usize,
) -> Option<bool> {
    let requirements = requirements(shows, plans, children, released);
    let mut ends = vec![(u64::MAX, 0); requirements.len()];
    let known = Known::new(plans, released, shows.policy.zeros);
    let is_met = |((_, low, high), (least, most)): (&(_, u64, u64), &(u64, u64))| {
        least <= low && most >= high
    };
    let mut is_open = requirements.is_empty();
    let whole = known.alternatives(children, steps, &mut |alternative| {
        for ((places, ..), (least, most)) in requirements.iter().zip(&mut ends) {
            let count = places.iter().map(|&place| alternative[place]).sum();
            (*least, *most) = ((*least).min(count), (*most).max(count));
        }
        is_open = requirements.iter().zip(&ends).all(is_met);
        is_open
    });
    whole.then_some(is_open)
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let counts = prop::sample::select(vec![
        [true, true, true],
        [true, true, false],
        [false, true, true],
        [true, false, false],
        [false, true, false],
    ]);
    let by = prop::sample::select(vec![vec![1], vec![2], vec![1, 2], vec![0], vec![0, 1]]);
    let plan = (counts, by).prop_map(|(counts, by)| Plan { counts, by });
    prop::collection::vec(plan, 2..4)
}

fn children() -> impl Strategy<Value = Children> {
    let count = prop_oneof![2 => Just(0u64), 3 => 1u64..4, 4 => 4u64..9];
    prop::collection::vec(count, 12).prop_map(|counts| counts.try_into().unwrap())
}

/// Each release by itself: what it shares is kept, the rest protected.
fn release(
    shows: &Shows,
    plans: &[Plan],
    children: &Children,
) -> Option<Vec<(CountTable, Pattern)>> {
    let each = plans.iter().map(|plan| {
        // A release about nobody is beside nothing.
        let places = (0..12).filter(|&place| plan.counts[category(place, 0)]);
        if places.map(|place| children[place]).sum::<u64>() == 0 {
            return None;
        }
        let table = shows.unsafe_by_rule(|children| plan.table(children), children);
        let table = keeping(table, plan, &plan.shared(plans));
        let set = TableSet { tables: vec![table.clone()], policy: shows.policy };
        let patterns = protect(&set).ok()?;
        Some((table, patterns[0].clone()))
    });
    each.collect()
}

/// How many cases were let through, how many of them hide anything, and how many an enumeration breaks.
#[derive(Default)]
struct Seen {
    passed: Cell<u32>,
    hiding: Cell<u32>,
    broken: Cell<u32>,
}

impl Seen {
    /// Checks that what is let through is open.
    fn case(
        &self,
        shows: &Shows,
        plans: &[Plan],
        children: &Children,
    ) -> Result<(), TestCaseError> {
        let Some(released) = release(shows, plans, children) else { return Ok(()) };
        let verdict = beside(shows, plans, children, &released);
        let Some(open) = is_open(shows, plans, children, &released, 30_000) else { return Ok(()) };
        if verdict.is_ok() {
            prop_assert!(open, "{:?} {:?} {:?}", plans, children, released);
            self.passed.set(self.passed.get() + 1);
            let hides = |(_, pattern): &(_, Pattern)| pattern.withheld.contains(&true);
            self.hiding.set(self.hiding.get() + u32::from(released.iter().any(hides)));
        }
        self.broken.set(self.broken.get() + u32::from(!open));
        Ok(())
    }

    fn at_least(&self, passed: u32, hiding: u32, broken: u32) {
        let counted = (self.passed.get(), self.hiding.get(), self.broken.get());
        assert!(
            counted.0 >= seen(passed) && counted.1 >= seen(hiding) && counted.2 >= seen(broken),
            "{counted:?}"
        );
    }
}

#[test]
fn releases_about_other_children_say_nothing_together() {
    let tried = Seen::default();
    cases(6_000)
        .run(&(plans(), children(), any::<bool>()), |(plans, children, published)| {
            let zeros = if published { Zeros::Published } else { Zeros::MayBeWithheld };
            tried.case(&Shows::counts(Policy::new(5, zeros)), &plans, &children)
        })
        .unwrap();
    tried.at_least(1_500, 400, 50);
}

#[test]
fn sums_of_other_children_say_nothing_together() {
    let tried = Seen::default();
    let contributors = prop::collection::vec(1u64..4, 12);
    cases(6_000)
        .run(&(plans(), children(), contributors), |(plans, amounts, contributors)| {
            let contributors = std::array::from_fn(|place| contributors[place].min(amounts[place]));
            let policy = Policy::new(1, Zeros::MayBeWithheld);
            let shows = Shows { policy, contributors: Some(contributors) };
            tried.case(&shows, &plans, &amounts)
        })
        .unwrap();
    tried.at_least(1_500, 400, 50);
}
