//! Reads a definition from its text.

use crate::{
    definition::{
        check::check,
        each,
        release_definition::{Definition, Method},
        shared_columns::SharedColumns,
    },
    error::AggregateError,
};

impl Definition {
    /// Parses and checks a definition.
    ///
    /// # Errors
    /// [`AggregateError::Definition`] where it is not TOML of this shape, [`AggregateError::Rule`] with
    /// the line and the nearest valid name where it breaks a rule.
    pub fn parse(text: &str) -> Result<Self, AggregateError> {
        Self::parse_with(text, &SharedColumns::default())
    }

    /// Parses and checks a definition that may use columns that several definitions share.
    ///
    /// # Errors
    /// As [`Definition::parse`].
    pub fn parse_with(text: &str, shared: &SharedColumns) -> Result<Self, AggregateError> {
        let mut definition: Self =
            toml::from_str(text).map_err(|error| AggregateError::Definition(Box::new(error)))?;
        each::write_out(&mut definition, shared).map_err(|error| error.located(text))?;
        definition.settle();
        // Conditions all must hold, whatever their order.
        for condition in &mut definition.conditions {
            condition.values.sort();
            condition.not_in.sort();
        }
        definition.conditions.sort_by(|a, b| a.column.cmp(&b.column).then(a.values.cmp(&b.values)));
        shared.lend(&mut definition).map_err(|error| error.located(text))?;
        check(&definition).map_err(|error| error.located(text))?;
        Ok(definition)
    }

    /// Writes the profile's rules where the definition gives none, so that what a release stood under is
    /// in its own definition.
    fn settle(&mut self) {
        let (threshold, zeros, insider) = self.profile.rules_for_counts();
        let (dominance, p_percent) = self.profile.rules_for_sums();
        self.threshold.get_or_insert(threshold);
        self.zeros.get_or_insert(zeros);
        // Rounded numbers are not attacked as an insider would.
        let insider = if self.method == Method::Suppress { insider } else { 0 };
        self.insider.get_or_insert(insider);
        self.dominance = self.dominance.or(dominance);
        self.p_percent.get_or_insert(p_percent);
    }
}
