//! The columns of a released table, each measure beside its status: the value, or why there is none.

use minster_model::{
    ColumnName, NodeId,
    table::{CountTable, Hierarchy},
};

use crate::{
    definition::release_definition::{CHILDREN, Kind, Measure},
    publish::protected_table::ProtectedTable,
};

/// Withheld: confidential, in the notation of the Government Statistical Service.
pub const CONFIDENTIAL: &str = "c";
/// Not applicable: a rate of no children.
pub const NOT_APPLICABLE: &str = "z";
/// Rounds to 0, but is not 0.
pub const LOW: &str = "low";

/// One column of a released table.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) values: Values,
}

/// One value a cell.
pub(crate) enum Values {
    Text(Vec<String>),
    Whole(Vec<Option<i64>>),
    Number(Vec<Option<f64>>),
}

impl Values {
    /// Some of its places alone.
    fn keep(&mut self, places: &[usize]) {
        match self {
            Self::Text(values) => *values = places.iter().map(|&at| values[at].clone()).collect(),
            Self::Whole(values) => *values = places.iter().map(|&at| values[at]).collect(),
            Self::Number(values) => *values = places.iter().map(|&at| values[at]).collect(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Number(values) => values.len(),
        }
    }
}

/// The number that a cell says of a measure, or why it says none.
#[derive(Clone, Copy)]
enum Said {
    Whole(u64),
    Number(f64),
    Withheld,
    NotApplicable,
}

/// A table's columns from what is published of its counts and sums.
pub(crate) fn columns(table: &ProtectedTable) -> Vec<Column> {
    let ProtectedTable { definition, counts: count_table, published, .. } = table;
    let mut columns = Vec::new();
    let coordinates: Vec<Vec<NodeId>> =
        (0..count_table.cell_count()).map(|cell| count_table.coordinates(cell)).collect();
    for (place, (name, open)) in definition.dimensions.iter().zip(&table.open).enumerate() {
        let labels = labels(count_table, place, *open, published);
        let codes = coordinates.iter().map(|nodes| labels[nodes[place].0].clone());
        columns.push(Column { name: name.to_string(), values: Values::Text(codes.collect()) });
    }
    let said = published.iter().map(|count| count.map_or(Said::Withheld, Said::Whole));
    add(&mut columns, CHILDREN, "status", true, said.collect());
    for measure in &definition.measures {
        let said = said_of(measure, table);
        let whole = matches!(measure.kind(), Kind::Sum { .. } | Kind::Median { .. });
        let name = measure.name.as_str();
        add(&mut columns, name, &format!("{name}_status"), whole, said);
    }
    let shown = &table.shown;
    if shown.len() < published.len() {
        columns.iter_mut().for_each(|column| column.values.keep(shown));
    }
    columns
}

/// The labels of a dimension's nodes. Where they come from the data, that of a category whose own total is withheld is a
/// number: the label alone would tell that someone has it.
fn labels(
    count_table: &CountTable,
    place: usize,
    open: bool,
    counts: &[Option<u64>],
) -> Vec<String> {
    let dimension = &count_table.dimensions()[place];
    let has_total = |dimension: &Hierarchy| dimension.roots().count() == 1;
    let has_totals = count_table.dimensions().iter().all(has_total);
    let is_withheld = |node: NodeId| match has_totals {
        true => {
            let mut nodes = vec![NodeId(0); count_table.dimensions().len()];
            nodes[place] = node;
            counts[count_table.cell(&nodes)].is_none()
        }
        false => {
            let mut cells =
                (0..counts.len()).filter(|cell| count_table.coordinates(*cell)[place] == node);
            cells.all(|cell| counts[cell].is_none())
        }
    };
    let mut withheld = 0;
    let label = |node: NodeId| {
        let is_total = has_total(dimension) && dimension.is_total(node);
        if !open || is_total || !is_withheld(node) {
            return dimension.code(node).to_owned();
        }
        withheld += 1;
        format!("(withheld {withheld})")
    };
    dimension.nodes().map(label).collect()
}

/// The numbers of a measure for each cell of a table.
fn said_of(measure: &Measure, table: &ProtectedTable) -> Vec<Said> {
    let ProtectedTable { counts: count_table, published: counts, .. } = table;
    let nothing = || vec![None; counts.len()];
    let of_sums =
        |column: &ColumnName| table.published_sums.get(column).cloned().unwrap_or_else(nothing);
    match measure.kind() {
        Kind::Sum { of, .. } => {
            of_sums(of).into_iter().map(|sum| sum.map_or(Said::Withheld, Said::Whole)).collect()
        }
        Kind::Ratio { of, by, times } => {
            let by = by.map_or_else(|| counts.to_vec(), of_sums);
            let parts = of_sums(of).into_iter().zip(by).zip(counts);
            parts
                .map(|((of, by), count)| ratio(of, by.filter(|_| count.is_some()), times))
                .collect()
        }
        Kind::Percentage { of } => {
            let dimensions = &table.definition.dimensions;
            let place = dimensions.iter().position(|name| name == of).unwrap_or_default();
            let share = |cell: usize| {
                let mut nodes = count_table.coordinates(cell);
                nodes[place] = NodeId(0);
                ratio(counts[cell], counts[count_table.cell(&nodes)], 100.0)
            };
            (0..counts.len()).map(share).collect()
        }
        Kind::Rate { of, times } => {
            let dimensions = &table.definition.dimensions;
            let place = dimensions.iter().position(|name| *name == of.by).unwrap_or_default();
            let people = table.people.get(&measure.name);
            let rate = |cell: usize| {
                let node = count_table.coordinates(cell)[place];
                let people = people.and_then(|people| people.get(node.0).copied().flatten());
                people
                    .map_or(Said::NotApplicable, |people| ratio(counts[cell], Some(people), times))
            };
            (0..counts.len()).map(rate).collect()
        }
        Kind::Median { .. } => {
            let medians =
                table.measured.medians.get(&measure.name).cloned().unwrap_or_else(nothing);
            let shown = |(median, count): (Option<u64>, &Option<u64>)| match (median, count) {
                (Some(median), Some(_)) => Said::Whole(median),
                (_, Some(0)) => Said::NotApplicable,
                _ => Said::Withheld,
            };
            medians.into_iter().zip(counts).map(shown).collect()
        }
    }
}

/// A quotient of two published numbers.
fn ratio(of: Option<u64>, by: Option<u64>, times: f64) -> Said {
    match (of, by) {
        (_, Some(0)) => Said::NotApplicable,
        (Some(of), Some(by)) => Said::Number(of as f64 * times / by as f64),
        _ => Said::Withheld,
    }
}

fn add(columns: &mut Vec<Column>, name: &str, status_name: &str, whole: bool, said: Vec<Said>) {
    // One decimal is what such tables show.
    let rounded = |number: f64| (number * 10.0).round() / 10.0;
    let values = match whole {
        true => Values::Whole(
            said.iter()
                .map(|said| match said {
                    Said::Whole(whole) => i64::try_from(*whole).ok(),
                    _ => None,
                })
                .collect(),
        ),
        false => Values::Number(
            said.iter()
                .map(|said| match said {
                    Said::Whole(whole) => Some(*whole as f64),
                    Said::Number(number) => Some(rounded(*number)),
                    _ => None,
                })
                .collect(),
        ),
    };
    let status = |said: &Said| match *said {
        Said::Withheld => CONFIDENTIAL,
        Said::NotApplicable => NOT_APPLICABLE,
        Said::Number(number) if number != 0.0 && rounded(number) == 0.0 => LOW,
        Said::Whole(_) | Said::Number(_) => "",
    };
    let statuses = said.iter().map(|said| status(said).to_owned()).collect();
    columns.push(Column { name: name.to_owned(), values });
    columns.push(Column { name: status_name.to_owned(), values: Values::Text(statuses) });
}
