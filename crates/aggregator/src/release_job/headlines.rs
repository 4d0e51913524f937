//! The numbers that everyone looks for first: the total, and the totals by one dimension. An analyst hears which tables
//! lose some, and that blanks of a dimension are why, where they are.

use minster_model::{
    NodeId,
    policy::Policy,
    table::{CountTable, Pattern},
};

use crate::definition::release_definition::Definition;

/// The notes about the definition's tables, which come first among these. A message names dimensions and counts cells; it
/// names no category and no count of children.
pub(crate) fn notes(
    definition: &Definition,
    tables: &[CountTable],
    patterns: &[Pattern],
    policy: Policy,
) -> Vec<String> {
    let own = definition.tables.iter().zip(tables).zip(patterns);
    own.filter_map(|((named, table), pattern)| {
        let withheld = withheld(table, pattern);
        if withheld == 0 {
            return None;
        }
        let blanks: Vec<&str> = (0..table.dimensions().len())
            .filter(|&place| has_few_blanks(definition, table, place, policy))
            .filter_map(|place| named.dimensions.get(place).map(|name| name.as_str()))
            .collect();
        let numbers = if withheld == 1 { "headline number is" } else { "headline numbers are" };
        let mut note = format!(
            "{withheld} {numbers} withheld in the table {}: totals by one dimension",
            named.name
        );
        if !blanks.is_empty() {
            note += &format!(
                "; few children have a blank or unlisted value of {}, and hiding them takes another total: count them in a listed category (`unknown = \"…\"` in the dimension) to show it",
                blanks.join(" and ")
            );
        }
        Some(note)
    })
    .collect()
}

/// The headline numbers of a table that are withheld.
pub(crate) fn withheld(table: &CountTable, pattern: &Pattern) -> usize {
    (0..table.cell_count())
        .filter(|&cell| pattern.withheld[cell] && table.divided(cell).count() <= 1)
        .count()
}

/// Whether some children, but fewer than the threshold, are in the category of blanks in the whole table.
fn has_few_blanks(
    definition: &Definition,
    table: &CountTable,
    place: usize,
    policy: Policy,
) -> bool {
    let Some(cell) = cell_of_blanks(definition, table, place) else { return false };
    let count = table.cell_counts()[cell];
    count > 0 && count < policy.threshold
}

/// The cell of all children whose value of a dimension is blank or unlisted; none where a category that the definition
/// lists has them.
pub(crate) fn cell_of_blanks(
    definition: &Definition,
    table: &CountTable,
    place: usize,
) -> Option<usize> {
    let of = &table.dimensions()[place];
    let own = definition.dimensions.iter().find(|own| own.column.as_str() == of.name())?;
    let node = of.node(&own.unknown).filter(|_| !own.codes.contains(&own.unknown))?;
    let mut nodes: Vec<NodeId> =
        table.dimensions().iter().map(|of| of.roots().next().unwrap_or_default()).collect();
    nodes[place] = node;
    Some(table.cell(&nodes))
}

#[cfg(test)]
mod tests {
    use minster_model::{policy::Zeros, table::Hierarchy};

    use super::*;

    fn definition(unknown: &str) -> Definition {
        let text = format!(
            "name = \"r\"\ntitle = \"t\"\nprofile = \"dfe\"\nthreshold = 5\nzeros = \"published\"\ninsider = 0\n\
             population = \"spine\"\n\
             [[dimension]]\nname = \"ward\"\ncolumn = \"ward\"\ntotal = \"all\"\n\
             [[dimension]]\nname = \"need\"\ncolumn = \"sen\"\ntotal = \"all\"\ncodes = [\"N\", \"E\"]\n{unknown}\
             [[table]]\nname = \"t\"\ndimensions = [\"ward\", \"need\"]\n"
        );
        toml::from_str(&text).unwrap()
    }

    fn table(inner: &[u64], needs: &[&str]) -> CountTable {
        let of = |name: &str, codes: &[&str]| {
            Hierarchy::flat(name, "all", codes.iter().map(|&code| code.to_owned())).unwrap()
        };
        let dimensions = vec![of("ward", &["a", "b"]), of("sen", needs)];
        CountTable::new("t", dimensions, inner.to_vec(), vec![]).unwrap()
    }

    #[test]
    fn blanks_are_why_a_total_is_withheld() {
        let policy = Policy::new(5, Zeros::Published);
        let needs = ["N", "E", "Unknown"];
        let of = |inner: &[u64], withheld: &[[usize; 2]], definition: &Definition| {
            let table = table(inner, &needs);
            let mut pattern = Pattern { withheld: vec![false; table.cell_count()] };
            withheld.iter().for_each(|nodes| pattern.withheld[table.cell(nodes)] = true);
            notes(definition, &[table], &[pattern], policy)
        };
        let plain = definition("");
        // The blanks of all wards, and beside them the plans of all wards.
        let few = of(&[30, 20, 2, 40, 30, 1], &[[0, 3], [0, 2], [1, 3], [1, 2]], &plain);
        assert_eq!(few.len(), 1);
        assert!(few[0].starts_with("2 headline numbers are withheld in the table t"), "{few:?}");
        assert!(few[0].contains("unlisted value of need,"), "{few:?}");
        // A cell of one ward and one need is none.
        assert!(of(&[30, 20, 2, 40, 30, 9], &[[1, 3], [1, 2]], &plain).is_empty());
        // Many blanks are not why.
        let many = of(&[30, 20, 9, 40, 30, 9], &[[0, 2], [0, 1]], &plain);
        assert!(many.len() == 1 && !many[0].contains("unlisted"), "{many:?}");
        // Where they are counted in a listed category, there is none of theirs.
        let folded = of(&[30, 20, 2, 40, 30, 1], &[[0, 2]], &definition("unknown = \"N\"\n"));
        assert!(!folded[0].contains("unlisted"), "{folded:?}");
    }
}
