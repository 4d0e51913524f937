//! The order of categories without a name, from what is published alone. Each is described by its published values and by
//! the categories that these stand with, themselves described so. Where two descriptions are the same, one of them is put
//! first, and the others are described anew: which of them it is makes no difference to the rows.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{NodeId, table::Hierarchy};

use crate::publish::{levels, row_order::coordinates};

/// For each dimension, the place of each node in the order, by its number.
type Places = Vec<Vec<usize>>;

/// Cells as they are described: the places of their nodes, and the number of their values.
type Described = Vec<(Vec<usize>, usize)>;

/// A cell with a node that has no name: its nodes, and the number of its published values among all.
struct Cell {
    nodes: Vec<NodeId>,
    values: usize,
}

/// The places of all nodes: those with a name in their own order, and behind them those without. `published` has lists of one
/// entry a cell.
pub(super) fn places(
    dimensions: &[Hierarchy],
    unnamed: &[Vec<bool>],
    published: &[&[Option<u64>]],
) -> Places {
    let mut places: Places = dimensions.iter().zip(unnamed).map(first_places).collect();
    if !unnamed.iter().flatten().any(|is_unnamed| *is_unnamed) {
        return places;
    }
    let cells = cells(dimensions, unnamed, published);
    describe(&mut places, unnamed, &cells);
    while let Some((dimension, tied)) = first_tie(&places, unnamed) {
        let alike = alike(&cells, dimension, &tied);
        let tries = alike.into_iter().map(|group| {
            let mut places = places.clone();
            put_first(&mut places[dimension], &tied, &group);
            describe(&mut places, unnamed, &cells);
            let mut rows: Described =
                cells.iter().map(|cell| (places_of(&places, cell), cell.values)).collect();
            rows.sort_unstable();
            (rows, places)
        });
        // The first of equal ones stays: their rows are the same.
        match tries.reduce(|best, next| if next.0 < best.0 { next } else { best }) {
            Some((_, best)) => places = best,
            None => break,
        }
    }
    places
}

/// Nodes with a name keep their own order; the others are told apart by their level, which stands in their rows.
fn first_places((dimension, unnamed): (&Hierarchy, &Vec<bool>)) -> Vec<usize> {
    let kinds = levels::kinds(dimension);
    let all: BTreeSet<_> = kinds.iter().collect();
    let place = |node: NodeId| match unnamed[node.0] {
        false => node.0,
        true => kinds.len() + all.iter().position(|of| **of == kinds[node.0]).unwrap_or_default(),
    };
    dimension.nodes().map(place).collect()
}

fn cells(
    dimensions: &[Hierarchy],
    unnamed: &[Vec<bool>],
    published: &[&[Option<u64>]],
) -> Vec<Cell> {
    let all: usize = dimensions.iter().map(Hierarchy::node_count).product();
    let values =
        |cell: usize| -> Vec<Option<u64>> { published.iter().map(|of| of[cell]).collect() };
    let mut found = Vec::new();
    for cell in 0..all {
        let nodes = coordinates(dimensions, cell);
        if nodes.iter().zip(unnamed).any(|(node, unnamed)| unnamed[node.0]) {
            found.push((nodes, values(cell)));
        }
    }
    let distinct: BTreeSet<&Vec<Option<u64>>> = found.iter().map(|(_, values)| values).collect();
    let numbers: BTreeMap<&Vec<Option<u64>>, usize> = distinct.into_iter().zip(0..).collect();
    let cells = found.iter();
    cells.map(|(nodes, values)| Cell { nodes: nodes.clone(), values: numbers[values] }).collect()
}

fn places_of(places: &Places, cell: &Cell) -> Vec<usize> {
    places.iter().zip(&cell.nodes).map(|(places, node)| places[node.0]).collect()
}

/// Tells nodes without a name apart by their cells, until no more are.
fn describe(places: &mut Places, unnamed: &[Vec<bool>], cells: &[Cell]) {
    let mut told_apart = 0;
    loop {
        let mut described: Vec<BTreeMap<usize, Described>> = vec![BTreeMap::new(); places.len()];
        for cell in cells {
            let of_cell = (places_of(places, cell), cell.values);
            for (dimension, node) in cell.nodes.iter().enumerate() {
                if unnamed[dimension][node.0] {
                    described[dimension].entry(node.0).or_default().push(of_cell.clone());
                }
            }
        }
        let mut number = 0;
        for (places, of) in places.iter_mut().zip(&mut described) {
            of.values_mut().for_each(|rows| rows.sort_unstable());
            let keys: Vec<_> = of.iter().map(|(node, rows)| (places[*node], rows)).collect();
            let distinct: BTreeSet<_> = keys.iter().collect();
            number += distinct.len();
            let first = places.len();
            let ranks: BTreeMap<_, usize> = distinct.into_iter().zip(first..).collect();
            let new: Vec<usize> = keys.iter().map(|key| ranks[key]).collect();
            of.keys().zip(new).for_each(|(node, place)| places[*node] = place);
        }
        if number == told_apart {
            return;
        }
        told_apart = number;
    }
}

/// The first nodes of one dimension that share a place.
fn first_tie(places: &Places, unnamed: &[Vec<bool>]) -> Option<(usize, Vec<usize>)> {
    places.iter().zip(unnamed).enumerate().find_map(|(dimension, (places, unnamed))| {
        let mut at: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let nodes = (0..places.len()).filter(|node| unnamed[*node]);
        nodes.for_each(|node| at.entry(places[node]).or_default().push(node));
        Some((dimension, at.into_values().find(|nodes| nodes.len() > 1)?))
    })
}

/// Nodes with the same values at the same other nodes can change places, and nobody sees it.
fn alike(cells: &[Cell], dimension: usize, tied: &[usize]) -> Vec<Vec<usize>> {
    let mut values: BTreeMap<usize, Vec<usize>> =
        tied.iter().map(|node| (*node, Vec::new())).collect();
    for cell in cells {
        if let Some(of) = values.get_mut(&cell.nodes[dimension].0) {
            of.push(cell.values);
        }
    }
    let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    values.into_iter().for_each(|(node, values)| groups.entry(values).or_default().push(node));
    groups.into_values().collect()
}

/// Gives some of the nodes that share a place the first ones from there on, each its own.
fn put_first(places: &mut [usize], tied: &[usize], group: &[usize]) {
    let wide = places.len() + 1;
    let first = places.len();
    places.iter_mut().filter(|place| **place >= first).for_each(|place| *place *= wide);
    tied.iter().for_each(|&node| places[node] += group.len());
    group.iter().enumerate().for_each(|(at, &node)| places[node] = places[node] - group.len() + at);
}
