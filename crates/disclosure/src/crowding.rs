use minster_model::cube::{CountTable, TableSet};

/// A table is crowded where one in this many of its cells with anyone in them is primary.
const CROWDED: usize = 4;

/// A table so fine that little of it can be published. Holds numbers of cells, never a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowding {
    /// The table.
    pub table: String,
    /// Cells below the threshold.
    pub primary: usize,
    /// Cells with anyone in them.
    pub filled: usize,
    /// What a coarser table would have.
    pub coarser: Vec<Coarser>,
}

/// A table with less of one dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coarser {
    /// The dimension.
    pub dimension: String,
    /// Whether it is left out; otherwise its lowest level is.
    pub left_out: bool,
    /// Cells below the threshold.
    pub primary: usize,
    /// Cells with anyone in them.
    pub filled: usize,
}

/// The tables of which little will be left, each with what would help, best first.
pub fn crowding(set: &TableSet) -> Vec<Crowding> {
    let tables = set.tables.iter().filter(|table| table.standing().is_none());
    tables.filter_map(|table| of_table(table, set.policy.threshold)).collect()
}

fn of_table(table: &CountTable, threshold: u64) -> Option<Crowding> {
    let counts = table.cell_counts();
    let cells: Vec<(Vec<usize>, bool)> = (0..counts.len())
        .filter(|&cell| counts[cell] > 0)
        .map(|cell| (table.coordinates(cell), counts[cell] < threshold))
        .collect();
    let primary = cells.iter().filter(|(_, small)| *small).count();
    if primary * CROWDED <= cells.len() {
        return None;
    }
    let mut coarser = Vec::new();
    for (place, dimension) in table.dimensions().iter().enumerate() {
        let is_lowest = |node: usize| {
            let parent = dimension.parent(node);
            dimension.leaves().binary_search(&node).is_ok()
                && parent.is_some_and(|parent| dimension.parent(parent).is_some())
        };
        let mut add = |left_out: bool, keeps: &dyn Fn(usize) -> bool| {
            let kept: Vec<bool> = cells
                .iter()
                .filter(|(nodes, _)| keeps(nodes[place]))
                .map(|(_, small)| *small)
                .collect();
            let primary = kept.iter().filter(|small| **small).count();
            let dimension = dimension.name().to_owned();
            coarser.push(Coarser { dimension, left_out, primary, filled: kept.len() });
        };
        if (0..dimension.node_count()).any(is_lowest) {
            add(false, &|node| !is_lowest(node));
        }
        if table.dimensions().len() > 1 {
            add(true, &|node| dimension.is_total(node));
        }
    }
    let share = |coarser: &Coarser| coarser.primary * 1_000_000 / coarser.filled.max(1);
    coarser.sort_by_key(share);
    let (table, filled) = (table.name().to_owned(), cells.len());
    Some(Crowding { table, primary, filled, coarser })
}

impl std::fmt::Display for Crowding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, primary, filled, coarser } = self;
        write!(
            f,
            "{primary} of the {filled} cells of the table {table} with anyone in them are below the threshold: little of it can be released"
        )?;
        for Coarser { dimension, left_out, primary, filled } in coarser.iter().take(3) {
            let what = if *left_out { "without" } else { "without the lowest level of" };
            write!(f, "; {what} {dimension} it would be {primary} of {filled}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use minster_model::cube::{Hierarchy, Policy, Zeros};

    use super::*;

    #[test]
    fn a_table_that_is_too_fine_says_what_would_help() {
        let sex = Hierarchy::flat("sex", "all", ["F".into(), "M".into()]).unwrap();
        let nodes = [("all", None), ("north", Some(0)), ("n1", Some(1)), ("n2", Some(1))];
        let nodes = nodes.map(|(code, parent)| (code.to_owned(), parent));
        let ward = Hierarchy::new("ward", nodes.to_vec()).unwrap();
        let table = CountTable::new("t", vec![sex, ward], vec![3, 40, 2, 50], vec![]).unwrap();
        let policy = Policy::new(5, Zeros::Published);
        let set = |table| TableSet { tables: vec![table], policy };
        // n1's two cells are primary, and the sum of both is not: 2 of 12, one in six.
        assert_eq!(crowding(&set(table.clone())), []);
        let fine = CountTable::new("t", table.dimensions().to_vec(), vec![3, 40, 1, 4], vec![]);
        let crowded = crowding(&set(fine.unwrap()));
        assert_eq!((crowded[0].primary, crowded[0].filled), (4, 12));
        let best = &crowded[0].coarser[0];
        assert_eq!((best.dimension.as_str(), best.left_out), ("ward", false));
        assert_eq!((best.primary, best.filled), (0, 6));
    }
}
