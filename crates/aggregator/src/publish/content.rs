//! A release as its files say it, from what is published of its tables.

use std::collections::BTreeMap;

use minster_formats::{
    Boundaries, Category, Dimension, Kind as Categories, Measure, MeasureRow, Release, Table, Unit,
    Value,
    dfe::{Dfe, Place},
    heading,
};
use minster_model::{ColumnName, NodeId, Period, TableName, rounding::Rounding};

use crate::{
    definition::{
        derived_column::Derivation,
        dfe::DfePlace,
        release_definition::{
            CHILDREN, Definition, Kind, Measure as Defined, Table as DefinedTable,
        },
    },
    publish::{
        levels::{self, Levels},
        linkage_rates::PublishedLinkage,
        meanings::{ColumnMeanings, Meanings},
        public_table::PublicTable,
        words,
    },
};

/// The content of a release beside its tables. None of it is a number of children.
pub(crate) struct BesideTables<'a> {
    /// The rates of linkage, if it tells of them.
    pub(crate) linkage: Option<&'a PublishedLinkage>,
    /// The areas of the dimensions that its page has maps of.
    pub(crate) boundaries: &'a BTreeMap<ColumnName, Boundaries>,
    /// The meanings of the dataset's columns that it shows.
    pub(crate) meanings: &'a ColumnMeanings,
}

/// The whole release.
pub(crate) fn release(
    definition: &Definition,
    period: &Period,
    rounding: Option<Rounding>,
    tables: &[&PublicTable],
    beside: &BesideTables<'_>,
) -> Release {
    let meanings = Meanings { definition, of_dataset: beside.meanings };
    let mut tables: Vec<Table> =
        tables.iter().map(|of| table_with(definition, of, meanings)).collect();
    for dimension in tables.iter_mut().flat_map(|table| &mut table.dimensions) {
        let of = |(name, areas): (&ColumnName, &Boundaries)| {
            (name.as_str() == dimension.name).then(|| areas.clone())
        };
        dimension.boundaries = beside.boundaries.iter().find_map(of);
    }
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Release {
        name: definition.name.to_string(),
        title: title(definition),
        period: period.to_string(),
        publisher: some(&definition.publisher),
        contact: some(&definition.contact),
        audience: definition.audience().sentence().to_owned(),
        counted: words::counted(definition),
        not_counted: words::not_counted(definition),
        protection: words::protection(definition, rounding),
        linkage: beside.linkage.map(|linkage| linkage.in_words(period)),
        rounded: rounding.map(words::rounded),
        tables,
        dfe: definition.dfe.as_ref().map(|of| Dfe {
            time_identifier: of.time_identifier.clone(),
            authority: [&of.authority.code, &of.authority.number, &of.authority.name]
                .map(Clone::clone),
            region: [&of.region.code, &of.region.name].map(Clone::clone),
            dimension: of.place.as_ref().map(|place| place.dimension.to_string()),
            place: match of.place.as_ref().map(|place| place.is) {
                None | Some(DfePlace::Ward) => Place::Ward,
                Some(DfePlace::Constituency) => Place::Constituency,
                Some(DfePlace::School) => Place::School,
                Some(DfePlace::PoliceForceArea) => Place::PoliceForceArea,
            },
        }),
    }
}

/// A release's title; its name where its definition gives none.
pub(crate) fn title(of: &Definition) -> String {
    named_or(&of.title, &of.name)
}

/// The same of a table.
pub(crate) fn table_title(of: &DefinedTable) -> String {
    named_or(&of.title, &of.name)
}

fn named_or(title: &str, name: &TableName) -> String {
    match title.is_empty() {
        true => heading(&name.as_str().replace('-', " ")),
        false => title.to_owned(),
    }
}

/// One table, without the meanings of its columns.
pub(crate) fn table(definition: &Definition, of: &PublicTable) -> Table {
    let of_dataset = &ColumnMeanings::new();
    table_with(definition, of, Meanings { definition, of_dataset })
}

fn table_with(definition: &Definition, of: &PublicTable, meanings: Meanings<'_>) -> Table {
    let defined = of.definition();
    let coordinates: Vec<Vec<NodeId>> =
        of.shown().iter().map(|&cell| of.coordinates(cell)).collect();
    let all = levels::of(definition, of);
    let dimensions = defined
        .dimensions
        .iter()
        .enumerate()
        .map(|(place, name)| dimension(of, (place, name), &all[place], &coordinates, meanings));
    let levels = coordinates.iter().map(|nodes| levels::of_row(&all, nodes)).collect();
    let children = Measure {
        name: CHILDREN.to_owned(),
        status: "status".to_owned(),
        meaning: "The number of children.".to_owned(),
        unit: Unit::Whole,
        month: None,
        row: None,
        values: of
            .shown()
            .iter()
            .map(|&cell| of.counts()[cell].map_or(Value::Withheld, Value::Whole))
            .collect(),
    };
    let measures = defined.measures.iter().map(|measure| {
        let kind = measure.kind();
        let unit = match kind {
            Kind::Sum { .. } | Kind::Median { .. } => Unit::Whole,
            Kind::Percentage { .. } => Unit::Percent,
            Kind::Ratio { .. } | Kind::Rate { .. } => Unit::Number,
        };
        Measure {
            name: measure.name.to_string(),
            status: format!("{}_status", measure.name),
            meaning: words::meaning(measure) + &meanings.of_measure(measure),
            unit,
            month: month(measure.name.as_str()),
            row: measure.row.as_ref().map(|row| MeasureRow {
                column: row.column.to_string(),
                text: row.text.clone(),
                measure: row.measure.to_string(),
                meaning: words::meaning_in_rows(measure, row),
            }),
            values: of.shown().iter().map(|&cell| said(measure, of, cell)).collect(),
        }
    });
    Table {
        name: defined.name.to_string(),
        title: table_title(defined),
        levels,
        dimensions: dimensions.collect(),
        measures: std::iter::once(children).chain(measures).collect(),
    }
}

fn dimension(
    of: &PublicTable,
    (place, name): (usize, &ColumnName),
    levels: &Levels,
    coordinates: &[Vec<NodeId>],
    meanings: Meanings<'_>,
) -> Dimension {
    let definition = meanings.definition;
    let hierarchy = &of.dimensions()[place];
    let defined = definition.dimension(name);
    // The categories of bands are no codes of the column's list, whatever they are called.
    let coded = defined.filter(|of| of.bands.is_empty());
    let codes = of.codes(place);
    let labels = of.order().labels(place, hierarchy);
    let category = |&node: &NodeId| {
        let is_withheld = of.order().is_unnamed(place, node);
        let label = labels[node.0].clone();
        let code = codes.filter(|_| !is_withheld).and_then(|codes| codes.get(hierarchy.code(node)));
        let is_lowest = hierarchy.sums(node).is_empty();
        let coded = coded.filter(|_| is_lowest && !is_withheld);
        let meaning = coded.and_then(|of| meanings.label(&of.column, hierarchy.code(node)));
        Category {
            label,
            code: code.cloned(),
            meaning: meaning.map(str::to_owned),
            level: levels.of(node).map(str::to_owned),
            is_lowest,
            is_withheld,
            is_unknown: !is_withheld
                && defined.is_some_and(|of| of.unknown == hierarchy.code(node)),
        }
    };
    let places = of.order().places(place);
    Dimension {
        name: name.to_string(),
        meaning: defined.and_then(|of| meanings.sentence(&of.column)).map(str::to_owned),
        categories: of.order().nodes(place).iter().map(category).collect(),
        of_row: coordinates.iter().map(|nodes| places[nodes[place].0]).collect(),
        has_codes: codes.is_some(),
        boundaries: None,
        kind: defined.map_or(Categories::Plain, |of| kind(definition, &of.column)),
    }
}

fn kind(definition: &Definition, column: &ColumnName) -> Categories {
    let derived = definition.columns.iter().find(|of| of.name == *column);
    match derived.map(|of| &of.is) {
        Some(Derivation::Combination(named)) => {
            Categories::Combination(named.of.iter().map(|of| of.name.clone()).collect())
        }
        _ => Categories::Plain,
    }
}

/// The statement of a measure about a cell.
fn said(measure: &Defined, of: &PublicTable, cell: usize) -> Value {
    let count = of.counts()[cell];
    let sum = |column: &ColumnName| of.sums(column).and_then(|sums| sums[cell]);
    let place = |name: &ColumnName| {
        of.definition().dimensions.iter().position(|of| of == name).unwrap_or_default()
    };
    match measure.kind() {
        Kind::Sum { of: column, .. } => sum(column).map_or(Value::Withheld, Value::Whole),
        Kind::Ratio { of: column, by, times } => {
            let by = by.map_or(count, sum).filter(|_| count.is_some());
            ratio(sum(column), by, times)
        }
        Kind::Percentage { of: dimension } => {
            let mut nodes = of.coordinates(cell);
            nodes[place(dimension)] = NodeId(0);
            ratio(count, of.counts()[of.cell(&nodes)], 100.0)
        }
        Kind::Rate { of: people, times } => {
            let node = of.coordinates(cell)[place(&people.by)];
            let people = of.people(&measure.name, node);
            people.map_or(Value::NotApplicable, |people| ratio(count, Some(people), times))
        }
        Kind::Median { .. } => {
            let median = of.medians(&measure.name).and_then(|medians| medians[cell]);
            match (median, count) {
                (Some(median), Some(_)) => Value::Whole(median),
                (_, Some(0)) => Value::NotApplicable,
                _ => Value::Withheld,
            }
        }
    }
}

/// A quotient of two published numbers, with one decimal as such tables show it.
fn ratio(of: Option<u64>, by: Option<u64>, times: f64) -> Value {
    match (of, by) {
        (_, Some(0)) => Value::NotApplicable,
        (Some(of), Some(by)) => {
            let number = of as f64 * times / by as f64;
            let rounded = (number * 10.0).round() / 10.0;
            match number != 0.0 && rounded == 0.0 {
                true => Value::Low,
                false => Value::Number(rounded),
            }
        }
        _ => Value::Withheld,
    }
}

/// The month at the end of a name such as `absence_2024_09`, after the rest of it.
fn month(name: &str) -> Option<(String, String)> {
    let (before, month) = name.rsplit_once('_')?;
    let (before, year) = before.rsplit_once('_')?;
    let digits = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_month = digits(year, 4) && digits(month, 2) && ("01"..="12").contains(&month);
    is_month.then(|| (before.to_owned(), format!("{year}-{month}")))
}
