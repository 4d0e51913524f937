//! Every world of small tables, found by trying: what the promise is about, without any solver.

use minster_model::{
    NodeId,
    table::{CountTable, Pattern, TableSet},
};

/// The least and greatest count of every cell over all worlds, one list a table, and how far a group
/// can go outside a sensitive category.
pub struct Extremes {
    pub least: Vec<Vec<u64>>,
    pub most: Vec<Vec<u64>>,
    /// As [`groups`], the greatest count outside.
    pub outside: Vec<u64>,
}

/// Each sensitive category of each group that has someone in it: table, group's cell, category's cell.
pub fn groups(set: &TableSet) -> Vec<(usize, usize, usize)> {
    let mut groups = Vec::new();
    for (number, table) in set.tables.iter().enumerate() {
        let counts = sums(table, table.inner());
        for sensitive in table.sensitive() {
            for (cell, count) in counts.iter().enumerate() {
                let mut nodes = table.coordinates(cell);
                if sensitive.categories.contains(&nodes[sensitive.dimension]) && *count > 0 {
                    nodes[sensitive.dimension] = NodeId(0);
                    groups.push((number, table.cell(&nodes), cell));
                }
            }
        }
    }
    groups
}

/// For every cell, its inner cells' places.
pub fn below(table: &CountTable) -> Vec<Vec<usize>> {
    let all: Vec<Vec<NodeId>> =
        (0..table.cell_count()).map(|cell| table.coordinates(cell)).collect();
    let is_inner = |nodes: &&Vec<NodeId>| {
        table.dimensions().iter().zip(*nodes).all(|(d, node)| d.leaves().contains(node))
    };
    let inner: Vec<&Vec<NodeId>> = all.iter().filter(is_inner).collect();
    all.iter()
        .map(|at| {
            let within = |leaf: &&Vec<NodeId>| {
                table.dimensions().iter().enumerate().all(|(d, dim)| dim.counts(at[d], leaf[d]))
            };
            (0..inner.len()).filter(|&place| within(&inner[place])).collect()
        })
        .collect()
}

/// The places of the inner cells of another table of which everyone whom they can count is in a cell of a table: those
/// with a category below the cell's in each dimension. None where it lacks a dimension that says more than its total.
pub fn within(table: &CountTable, cell: usize, other: &CountTable) -> Vec<usize> {
    let nodes = table.coordinates(cell);
    let inner: Vec<Vec<NodeId>> = (0..other.cell_count())
        .filter(|&cell| other.is_inner(cell))
        .map(|cell| other.coordinates(cell))
        .collect();
    let is_within = |leaves: &[NodeId]| {
        table.dimensions().iter().zip(&nodes).all(|(dimension, &node)| {
            let place = other.dimensions().iter().position(|of| of.name() == dimension.name());
            dimension.leaves().iter().all(|&leaf| dimension.counts(node, leaf))
                || place.is_some_and(|place| dimension.counts(node, leaves[place]))
        })
    };
    (0..inner.len()).filter(|&place| is_within(&inner[place])).collect()
}

pub fn sums(table: &CountTable, inner: &[u64]) -> Vec<u64> {
    below(table).iter().map(|places| places.iter().map(|&place| inner[place]).sum()).collect()
}

struct Sum {
    unknowns: Vec<usize>,
    rest: u64,
}

/// All worlds; none where they are more than `limit` steps away.
pub fn extremes(set: &TableSet, patterns: &[Pattern], limit: u64) -> Option<Extremes> {
    extremes_known(set, patterns, limit, None)
}

/// Someone who knows that an inner cell of a table is no less than a number.
pub type Known = ((usize, usize), u64);

/// All worlds that someone thinks possible.
pub fn extremes_known(
    set: &TableSet,
    patterns: &[Pattern],
    limit: u64,
    known: Option<Known>,
) -> Option<Extremes> {
    let least = |inner: (usize, usize)| {
        let least = set.policy.zeros.least_withheld();
        known.filter(|(of, _)| *of == inner).map_or(least, |(_, more)| least.max(more))
    };
    extremes_within(set, patterns, limit, &|inner| (least(inner), u64::MAX))
}

/// Where in a table the respondents' dimension stands.
pub fn respondents_place(set: &TableSet, table: &CountTable) -> Option<usize> {
    table.dimensions().iter().position(|dimension| Some(dimension.name()) == set.respondents())
}

/// Whether an inner cell of a table is a respondent's, by the ordinal of their leaf.
pub fn is_of_respondent(
    set: &TableSet,
    (number, inner): (usize, usize),
    respondent: usize,
) -> bool {
    let table = &set.tables[number];
    let Some(place) = respondents_place(set, table) else { return false };
    let after = table.dimensions()[place + 1..].iter();
    let after: usize = after.map(|dimension| dimension.leaves().len()).product();
    inner / after % table.dimensions()[place].leaves().len() == respondent
}

/// All worlds that leave a respondent's own cells at the truth.
pub fn extremes_of_respondent(
    set: &TableSet,
    patterns: &[Pattern],
    limit: u64,
    respondent: usize,
) -> Option<Extremes> {
    let least = set.policy.zeros.least_withheld();
    extremes_within(set, patterns, limit, &|inner| match is_of_respondent(set, inner, respondent) {
        true => [set.tables[inner.0].inner()[inner.1]; 2].into(),
        false => (least, u64::MAX),
    })
}

/// Between which counts an inner cell of a table lies.
type Range<'a> = &'a dyn Fn((usize, usize)) -> (u64, u64);

fn extremes_within(
    set: &TableSet,
    patterns: &[Pattern],
    limit: u64,
    range: Range<'_>,
) -> Option<Extremes> {
    let covers: Vec<_> = set.tables.iter().map(below).collect();
    let mut unknowns = Vec::new();
    let mut inner: Vec<Vec<u64>> = set.tables.iter().map(|t| t.inner().to_vec()).collect();
    for (number, cover) in covers.iter().enumerate() {
        for (cell, places) in cover.iter().enumerate() {
            let is_inner = {
                let nodes = set.tables[number].coordinates(cell);
                let dims = set.tables[number].dimensions();
                dims.iter().zip(&nodes).all(|(d, node)| d.leaves().contains(node))
            };
            if is_inner && patterns[number].withheld[cell] {
                unknowns.push((number, places[0]));
            }
        }
    }
    let mut published = Vec::new();
    for (number, cover) in covers.iter().enumerate() {
        for (cell, places) in cover.iter().enumerate() {
            if patterns[number].withheld[cell] {
                continue;
            }
            let mine: Vec<usize> = (0..unknowns.len())
                .filter(|&u| unknowns[u].0 == number && places.contains(&unknowns[u].1))
                .collect();
            let rest = mine.iter().map(|&u| set.tables[number].inner()[unknowns[u].1]).sum();
            if !mine.is_empty() {
                published.push(Sum { unknowns: mine, rest });
            }
        }
    }
    let groups = groups(set);
    let mut found: Option<Extremes> = None;
    let mut steps = 0;
    let mut done = |inner: &[Vec<u64>]| {
        let now: Vec<Vec<u64>> = covers
            .iter()
            .zip(inner)
            .map(|(cover, inner)| {
                cover.iter().map(|places| places.iter().map(|&place| inner[place]).sum()).collect()
            })
            .collect();
        if !agree(set, &now) {
            return;
        }
        let outside: Vec<u64> =
            groups.iter().map(|&(t, group, inside)| now[t][group] - now[t][inside]).collect();
        let known = found.get_or_insert_with(|| Extremes {
            least: now.clone(),
            most: now.clone(),
            outside: outside.clone(),
        });
        for (t, cells) in now.iter().enumerate() {
            for (cell, &count) in cells.iter().enumerate() {
                known.least[t][cell] = known.least[t][cell].min(count);
                known.most[t][cell] = known.most[t][cell].max(count);
            }
        }
        known.outside.iter_mut().zip(outside).for_each(|(most, now)| *most = (*most).max(now));
    };
    go(0, &unknowns, &mut published, range, &mut inner, &mut steps, limit, &mut done)
        .then_some(())?;
    found
}

/// Whether two tables' counts agree where they share their first dimension, which is all that the
/// tables tried here share.
pub fn agree(set: &TableSet, now: &[Vec<u64>]) -> bool {
    let [first, second] = set.tables.as_slice() else { return true };
    (0..first.dimensions()[0].node_count()).all(|node| {
        let margin = |table: &CountTable| {
            let mut nodes = vec![0; table.dimensions().len()];
            nodes[0] = node;
            table.cell(&nodes)
        };
        now[0][margin(first)] == now[1][margin(second)]
    })
}

#[expect(clippy::too_many_arguments, reason = "a search's state, in one place")]
fn go(
    at: usize,
    unknowns: &[(usize, usize)],
    published: &mut [Sum],
    range: Range<'_>,
    inner: &mut [Vec<u64>],
    steps: &mut u64,
    limit: u64,
    done: &mut dyn FnMut(&[Vec<u64>]),
) -> bool {
    *steps += 1;
    if *steps > limit {
        return false;
    }
    let Some(&(table, place)) = unknowns.get(at) else {
        done(inner);
        return true;
    };
    let mine: Vec<usize> =
        (0..published.len()).filter(|&sum| published[sum].unknowns.contains(&at)).collect();
    let most = mine.iter().map(|&sum| published[sum].rest).min();
    let (least, own_most) = range((table, place));
    let most = match most {
        Some(most) => most.min(own_most),
        None if own_most < u64::MAX => own_most,
        None => return false,
    };
    let keep = inner[table][place];
    for value in least..=most {
        let is_last = |sum: &Sum| sum.unknowns.last() == Some(&at);
        if mine.iter().any(|&sum| is_last(&published[sum]) && published[sum].rest != value) {
            continue;
        }
        mine.iter().for_each(|&sum| published[sum].rest -= value);
        inner[table][place] = value;
        let whole = go(at + 1, unknowns, published, range, inner, steps, limit, done);
        mine.iter().for_each(|&sum| published[sum].rest += value);
        if !whole {
            return false;
        }
    }
    inner[table][place] = keep;
    true
}
