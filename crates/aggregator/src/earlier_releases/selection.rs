//! A condition by which a release chooses its children.

use arrow::array::RecordBatch;

use crate::{
    definition::release_definition::{Condition, Definition, Dimension, Population},
    error::AggregateError,
    tabulate::tables,
};

/// A child must be this for a release to count them: one of the release's conditions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Selection {
    /// A pupil of the council's schools.
    OnSpine,
    Condition(Condition),
}

impl Selection {
    pub(crate) fn column(&self) -> &str {
        match self {
            Self::OnSpine => tables::ON_SPINE,
            Self::Condition(condition) => condition.column.as_str(),
        }
    }

    /// Whether each row meets it.
    pub(crate) fn holds(&self, batch: &RecordBatch) -> Result<Vec<bool>, AggregateError> {
        match self {
            Self::OnSpine => {
                Ok(tables::on_spine(batch)?.iter().map(|on| on == Some(true)).collect())
            }
            Self::Condition(condition) => tables::holds(condition, batch),
        }
    }

    /// Each selection of a definition, and whether it says that the selection is sensitive.
    pub(crate) fn of(definition: &Definition) -> Vec<(Self, bool)> {
        let spine = (definition.population == Population::Spine).then_some((Self::OnSpine, false));
        let conditions = definition.conditions.iter().map(|condition| {
            let selection = Condition { sensitive: false, ..condition.clone() };
            (Self::Condition(selection), condition.sensitive)
        });
        spine.into_iter().chain(conditions).collect()
    }

    /// Whether it may choose children for the sake of categories that are sensitive.
    pub(super) fn chooses(&self, dimension: &Dimension, categories: &[String]) -> bool {
        let Self::Condition(Condition { column, values, not_in, .. }) = self else { return false };
        if *column != dimension.column {
            return false;
        }
        let is_plain = dimension.lookup.is_none()
            && dimension.levels.is_empty()
            && dimension.groupings.is_empty()
            && dimension.bands.is_empty();
        // The values that a group or a band holds are not known here.
        !is_plain
            || match (values.is_empty(), not_in.is_empty()) {
                (false, _) => values.iter().any(|value| categories.contains(value)),
                (true, false) => categories.iter().any(|category| !not_in.contains(category)),
                (true, true) => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a condition is taken to choose a sensitive E, in a definition with this much more to its dimension.
    fn chooses(condition: &str, more: &str) -> bool {
        let definition = Definition::parse(&format!(
            "name = \"r\"\nthreshold = 5\nzeros = \"published\"\npopulation = \"all\"\nwhere = [{{ {condition} }}]\n\
             [[dimension]]\nname = \"plan\"\ncolumn = \"sen\"\ntotal = \"all\"\n{more}\n\
             [[table]]\nname = \"t\"\ndimensions = [\"plan\"]\n"
        ))
        .unwrap();
        let (selection, _) = Selection::of(&definition).pop().unwrap();
        selection.chooses(&definition.dimensions[0], &["E".to_owned()])
    }

    #[test]
    fn a_condition_may_choose_a_sensitive_category() {
        let codes = "codes = [\"E\", \"K\", \"N\"]";
        assert!(chooses("column = \"sen\", in = [\"E\", \"K\"]", codes));
        assert!(!chooses("column = \"sen\", in = [\"K\"]", codes));
        assert!(chooses("column = \"sen\", not-in = [\"N\"]", codes));
        assert!(!chooses("column = \"sen\", not-in = [\"E\"]", codes));
        assert!(!chooses("column = \"ward\", in = [\"E\"]", codes));
        // The values that a band or a level is made of are not known.
        let bands = "bands = [0, 5]\nlabels = [\"few\", \"E\"]";
        assert!(chooses("column = \"sen\", at-least = 5", bands));
        assert!(chooses("column = \"sen\", in = [\"K\"]", "lookup = \"needs\""));
    }
}
