//! The coarser definitions that one definition can become: without a dimension, without a level or grouping, by the column
//! of its next level, with a look-up's level, or with wider bands.

use minster_model::ColumnName;

use crate::definition::{
    check::check,
    release_definition::{Definition, Dimension, Table},
};

/// A coarser definition, and the lines that make it.
pub(super) struct Candidate {
    pub(super) definition: Definition,
    pub(super) change: String,
    pub(super) place: String,
    pub(super) lines: String,
}

/// All candidates that keep the rules of definitions. `lookups` are the pipeline's.
pub(super) fn of<'a>(
    definition: &Definition,
    lookups: impl Iterator<Item = &'a String> + Clone,
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (number, table) in definition.tables.iter().enumerate() {
        for dimension in &table.dimensions {
            candidates.extend(without_dimension(definition, number, dimension));
        }
    }
    let is_used =
        |of: &Dimension| definition.tables.iter().any(|table| table.dimensions.contains(&of.name));
    for (number, dimension) in definition.dimensions.iter().enumerate() {
        if !is_used(dimension) {
            continue;
        }
        let change = |change: String, lines: String, to: Dimension| {
            let mut definition = definition.clone();
            let place = format!("in [[dimension]] {}", dimension.name);
            definition.dimensions[number] = to;
            Candidate { definition, change, place, lines }
        };
        for (words, lines, to) in changed(dimension, lookups.clone()) {
            candidates.push(change(words, lines, to));
        }
    }
    candidates.retain(|candidate| check(&candidate.definition).is_ok());
    candidates
}

/// A table without a dimension; none where it has no other, or where something else of the table names it.
fn without_dimension(
    definition: &Definition,
    number: usize,
    left_out: &ColumnName,
) -> Option<Candidate> {
    let table = &definition.tables[number];
    let Table { name, dimensions, sensitive, never, always, measures, .. } = table;
    let names_it = never.iter().chain(always).any(|cell| cell.contains_key(left_out))
        || sensitive.iter().any(|of| of.dimension == *left_out)
        || measures.iter().any(|of| of.percentage.as_ref() == Some(left_out));
    if dimensions.len() < 2 || names_it {
        return None;
    }
    let mut definition = definition.clone();
    let dimensions = &mut definition.tables[number].dimensions;
    dimensions.retain(|of| of != left_out);
    let lines = format!("dimensions = {}", list(dimensions.iter().map(ColumnName::as_str)));
    Some(Candidate {
        change: format!("the table {name} without {left_out}"),
        place: format!("in [[table]] {name}"),
        lines,
        definition,
    })
}

/// The coarser forms of a dimension, each with its words and lines.
fn changed<'a>(
    dimension: &Dimension,
    lookups: impl Iterator<Item = &'a String>,
) -> Vec<(String, String, Dimension)> {
    let name = &dimension.name;
    let mut changed = Vec::new();
    if let Some(lookup) = &dimension.lookup {
        let to = Dimension { lookup: None, ..dimension.clone() };
        // Without other categories they would be those in the data, and no coarser.
        if !dimension.codes.is_empty() {
            let words = format!("{name} without its level {lookup}");
            changed.push((words, format!("# leave out: lookup = {}", text(lookup)), to));
        }
    }
    for (at, grouping) in dimension.groupings.iter().enumerate() {
        let mut to = dimension.clone();
        to.groupings.remove(at);
        let by = grouping.lookup.as_deref().or(grouping.column.as_ref().map(ColumnName::as_str));
        let called = if grouping.name.is_empty() { by.unwrap_or("groups") } else { &grouping.name };
        let words = format!("{name} without its grouping {called}");
        let lines = format!("# leave out: the [[dimension.grouping]] {called}");
        changed.push((words, lines, to));
    }
    if let Some(column) = dimension.levels.first().and_then(|level| level.column.clone()) {
        let mut to = Dimension { codes: Vec::new(), ..dimension.clone() };
        to.levels.remove(0);
        to.column = column.clone();
        // Groupings divide the categories that are no more.
        if to.groupings.is_empty() {
            let words = format!("{name} by {column}, without its lowest level");
            let lines = format!(
                "column = {}\n# leave out: codes, and the first [[dimension.level]]",
                text(column.as_str())
            );
            changed.push((words, lines, to));
        }
    }
    let has_levels = dimension.lookup.is_some() || !dimension.levels.is_empty();
    if !has_levels && dimension.bands.is_empty() {
        for lookup in lookups {
            let to = Dimension { lookup: Some(lookup.clone()), ..dimension.clone() };
            let words = format!("{name} with the level {lookup}");
            changed.push((words, format!("lookup = {}", text(lookup)), to));
        }
    }
    changed.extend(wider_bands(dimension));
    changed
}

/// Each two neighbouring bands as one, and all in pairs. Two bands are the fewest that tell anything.
fn wider_bands(dimension: &Dimension) -> Vec<(String, String, Dimension)> {
    let count = dimension.bands.len();
    if count < 3 || dimension.labels.len() != count {
        return Vec::new();
    }
    let single =
        (0..count - 1).map(|first| (0..count).filter(|&at| at != first + 1).collect::<Vec<_>>());
    let pairs = (count > 3).then(|| (0..count).step_by(2).collect());
    let wider = single.chain(pairs).map(|starts| {
        let bands: Vec<i64> = starts.iter().map(|&at| dimension.bands[at]).collect();
        let ends = starts.iter().skip(1).map(|&next| next - 1).chain([count - 1]);
        let label = |(&start, end): (&usize, usize)| match start == end {
            true => dimension.labels[start].clone(),
            false => format!("{} to {}", dimension.labels[start], dimension.labels[end]),
        };
        let labels: Vec<String> = starts.iter().zip(ends).map(label).collect();
        let numbers: Vec<String> = bands.iter().map(ToString::to_string).collect();
        let lines = format!(
            "bands = [{}]\nlabels = {}",
            numbers.join(", "),
            list(labels.iter().map(String::as_str))
        );
        let words = format!("{} in {} wider bands", dimension.name, bands.len());
        (words, lines, Dimension { bands, labels, ..dimension.clone() })
    });
    wider.collect()
}

fn text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", texts.map(text).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested(dimension: &str, table: &str) -> Vec<(String, String)> {
        let text = format!(
            "name = \"r\"\npopulation = \"all\"\n{dimension}\n[[dimension]]\nname = \"sex\"\ncolumn = \"sex\"\n\
             total = \"All\"\ncodes = [\"F\", \"M\"]\n[[table]]\nname = \"t\"\n{table}\n"
        );
        let lookups = ["locality".to_owned()];
        let all = of(&Definition::parse(&text).unwrap(), lookups.iter());
        all.into_iter().map(|of| (of.change, of.lines)).collect()
    }

    fn pair(change: &str, lines: &str) -> (String, String) {
        (change.to_owned(), lines.to_owned())
    }

    #[test]
    fn neighbouring_bands_become_one_and_a_dimension_is_left_out() {
        let age = "[[dimension]]\nname = \"age\"\ncolumn = \"age\"\ntotal = \"All\"\nbands = [0, 5, 11, 16]\n\
                   labels = [\"early\", \"primary\", \"secondary\", \"older\"]\n";
        let found = suggested(age, "dimensions = [\"age\"]");
        let three = |bands: &str, labels: &str| {
            pair("age in 3 wider bands", &format!("bands = [{bands}]\nlabels = [{labels}]"))
        };
        assert_eq!(
            found,
            [
                three("0, 11, 16", "\"early to primary\", \"secondary\", \"older\""),
                three("0, 5, 16", "\"early\", \"primary to secondary\", \"older\""),
                three("0, 5, 11", "\"early\", \"primary\", \"secondary to older\""),
                pair(
                    "age in 2 wider bands",
                    "bands = [0, 11]\nlabels = [\"early to primary\", \"secondary to older\"]"
                ),
            ]
        );
        let found = suggested(age, "dimensions = [\"age\", \"sex\"]");
        assert_eq!(found[0], pair("the table t without age", "dimensions = [\"sex\"]"));
        assert_eq!(found[1], pair("the table t without sex", "dimensions = [\"age\"]"));
        assert_eq!(
            found.last().unwrap(),
            &pair("sex with the level locality", "lookup = \"locality\"")
        );
    }

    #[test]
    fn a_dimension_that_something_names_stays_and_a_level_of_a_column_takes_its_place() {
        let ward = "[[dimension]]\nname = \"ward\"\ncolumn = \"ward\"\ntotal = \"All\"\n\
                    [[dimension.level]]\ncolumn = \"district\"\n";
        let found = suggested(
            ward,
            "dimensions = [\"ward\", \"sex\"]\nsensitive = [{ dimension = \"sex\", categories = [\"F\"] }]",
        );
        let words: Vec<&str> = found.iter().map(|(words, _)| words.as_str()).collect();
        assert_eq!(
            words,
            [
                "the table t without ward",
                "ward by district, without its lowest level",
                "sex with the level locality"
            ]
        );
        assert!(found[1].1.starts_with("column = \"district\"\n"), "{}", found[1].1);
    }
}
