//! `risk.toml`: by what an intruder may know a child, what nobody may learn, and the bounds that a run keeps to.

use std::{collections::BTreeMap, path::Path};

use minster_model::{ColumnName, TableName};
use serde::Deserialize;

use crate::{failure::Failure, pipeline};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// The rows that are measured: one a child.
    #[serde(default)]
    pub(crate) rows: Rows,
    /// The columns that an intruder may know.
    #[serde(rename = "quasi_identifier")]
    pub(crate) quasi: Vec<Quasi>,
    /// The columns that nobody may learn.
    #[serde(default)]
    pub(crate) sensitive: Vec<SensitiveColumn>,
    /// The limits at which a run stops.
    #[serde(default)]
    pub(crate) bounds: Bounds,
}

/// The table, and which row of a child where a child has several.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rows {
    /// The table of children where none is named.
    #[serde(default)]
    pub(crate) table: Option<TableName>,
    /// For a table of events.
    #[serde(default)]
    pub(crate) take: Option<Take>,
    /// The number or date that orders a child's events.
    #[serde(default)]
    pub(crate) by: Option<ColumnName>,
}

/// One of a child's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Take {
    First,
    Latest,
}

/// A column that an intruder may know of a child.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quasi {
    pub(crate) column: ColumnName,
    /// Coarser treatments whose effect is shown, each for itself.
    #[serde(default)]
    pub(crate) coarser: Vec<Coarser>,
}

/// A coarser treatment. A value that a look-up or groups do not name stays as it is; so does a blank.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Coarser {
    /// So many whole numbers become one: 3 makes 2010, 2011 and 2012 one.
    Bands(u32),
    /// A look-up of the pipeline, from value to group.
    Lookup(String),
    /// Each group, with its values.
    Groups(BTreeMap<String, Vec<String>>),
}

/// A column that nobody may learn about a child.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SensitiveColumn {
    pub(crate) column: ColumnName,
    /// The texts in their order, where they have one. Numbers and dates are ordered by themselves.
    #[serde(default)]
    pub(crate) order: Vec<String>,
    #[serde(default)]
    pub(crate) blanks: Blanks,
    /// Each class has at least so many values.
    #[serde(default)]
    pub(crate) distinct_l: Option<u32>,
    /// Each class has at least the entropy of so many equally frequent values.
    #[serde(default)]
    pub(crate) entropy_l: Option<f64>,
    /// No class is farther from all children than this.
    #[serde(default)]
    pub(crate) t: Option<f64>,
}

/// The meaning of a blank of a sensitive column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Blanks {
    /// A value: it says that there is nothing. On an ordered scale it is the last one.
    #[default]
    Value,
    /// Nothing: the child counts neither in the class nor in the whole.
    LeftOut,
}

/// Bounds of the classes.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bounds {
    /// The fewest children of a class: k.
    #[serde(default)]
    pub(crate) smallest_class: Option<u32>,
    /// Children alone in their class, in a hundred.
    #[serde(default)]
    pub(crate) unique_percent: Option<f64>,
    /// Children in classes of fewer than three, five and ten, in a hundred.
    #[serde(default)]
    pub(crate) below_3_percent: Option<f64>,
    #[serde(default)]
    pub(crate) below_5_percent: Option<f64>,
    #[serde(default)]
    pub(crate) below_10_percent: Option<f64>,
}

impl Rows {
    /// The table's name.
    pub(crate) fn table(&self) -> &str {
        self.table.as_ref().map_or(minster_matcher::CHILDREN, TableName::as_str)
    }

    /// The row that stands for a child, in words.
    pub(crate) fn unit(&self) -> String {
        match (self.take, &self.by) {
            (Some(take), Some(by)) => {
                let take = if take == Take::First { "first" } else { "latest" };
                format!("the {take} event of each child, by {}", by.as_str())
            }
            _ => "one row a child".to_owned(),
        }
    }
}

impl Bounds {
    /// The bounds on children in classes of fewer than each of `minster_risk::BELOW`.
    pub(crate) fn below(&self) -> [Option<f64>; 3] {
        [self.below_3_percent, self.below_5_percent, self.below_10_percent]
    }
}

impl Policy {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = pipeline::read(path)?;
        let wrong = |why: String| Failure::Risk { path: path.to_owned(), why };
        let policy: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        policy.fault().map_or(Ok(policy), |why| Err(wrong(why)))
    }

    /// Whether a run can break a bound.
    pub(crate) fn has_bounds(&self) -> bool {
        let of_column = |of: &SensitiveColumn| {
            of.distinct_l.is_some() || of.entropy_l.is_some() || of.t.is_some()
        };
        self.bounds != Bounds::default() || self.sensitive.iter().any(of_column)
    }

    fn fault(&self) -> Option<String> {
        let Self { rows, quasi, sensitive, bounds } = self;
        if quasi.is_empty() {
            return Some("it names no [[quasi_identifier]]; name what an intruder may know".into());
        }
        if (rows.table() == minster_matcher::CHILDREN) != (rows.take.is_none() && rows.by.is_none())
        {
            return Some(
                "[rows] of a table of events says `take = \"first\"` or `\"latest\"`, and `by`, a column of it; the table of children says \
                 neither"
                    .into(),
            );
        }
        if rows.take.is_some() != rows.by.is_some() {
            return Some("[rows] has `take` and `by`, or neither".into());
        }
        let names = quasi.iter().map(|of| &of.column);
        let mut names: Vec<_> = names.chain(sensitive.iter().map(|of| &of.column)).collect();
        names.sort();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Some(format!("the column {} is named twice; name it once", twice[0].as_str()));
        }
        let treatments = quasi.iter().flat_map(|of| of.coarser.iter().map(|to| (&of.column, to)));
        for (column, coarser) in treatments {
            if let Some(why) = coarser.fault() {
                return Some(format!("the coarser treatment of {}: {why}", column.as_str()));
            }
        }
        let percents = bounds.below().into_iter().chain([bounds.unique_percent]).flatten();
        if percents.into_iter().any(|of| !(0.0..=100.0).contains(&of)) {
            return Some("[bounds]: a percentage is from 0 to 100".into());
        }
        if bounds.smallest_class.is_some_and(|k| k < 2) {
            return Some("[bounds]: `smallest_class` is 2 or more; each class has 1 child".into());
        }
        sensitive.iter().find_map(SensitiveColumn::fault)
    }
}

impl Coarser {
    fn fault(&self) -> Option<String> {
        match self {
            Self::Bands(0 | 1) => Some("a band has two numbers or more".into()),
            Self::Groups(groups) => {
                let mut values: Vec<&String> = groups.values().flatten().collect();
                values.sort();
                let twice = values.windows(2).find(|pair| pair[0] == pair[1]);
                twice.map(|pair| format!("the value {} is in two groups", pair[0]))
            }
            _ => None,
        }
    }

    /// Its name for people.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Bands(width) => format!("in bands of {width}"),
            Self::Lookup(name) => format!("by the look-up {name}"),
            Self::Groups(groups) => format!("in {} groups", groups.len()),
        }
    }
}

impl SensitiveColumn {
    fn fault(&self) -> Option<String> {
        let Self { column, order, distinct_l, entropy_l, t, blanks: _ } = self;
        let column = column.as_str();
        let mut listed: Vec<&String> = order.iter().collect();
        listed.sort();
        if let Some(twice) = listed.windows(2).find(|pair| pair[0] == pair[1]) {
            return Some(format!("`order` of {column} lists {} twice", twice[0]));
        }
        if distinct_l.is_some_and(|l| l < 2) {
            return Some(format!("`distinct_l` of {column} is 2 or more; each class has 1 value"));
        }
        if entropy_l.is_some_and(|l| !l.is_finite() || l <= 1.0) {
            return Some(format!("`entropy_l` of {column} is more than 1; no class has less"));
        }
        let is_wrong = t.is_some_and(|t| !(0.0..=1.0).contains(&t));
        is_wrong.then(|| format!("`t` of {column} is from 0 to 1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let policy: Policy = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
        policy.fault().unwrap_or_default()
    }

    #[test]
    fn a_faulty_policy_is_told_what_is_wrong() {
        let sex = "[[quasi_identifier]]\ncolumn = \"sex\"\n";
        let cases = [
            (sex.to_owned(), ""),
            ("quasi_identifier = []".to_owned(), "names no [[quasi_identifier]]"),
            (format!("{sex}{sex}"), "sex is named twice"),
            (format!("{sex}[[sensitive]]\ncolumn = \"sex\""), "sex is named twice"),
            (format!("{sex}coarser = [{{ bands = 1 }}]"), "two numbers or more"),
            (
                format!("{sex}coarser = [{{ groups = {{ a = [\"F\"], b = [\"F\"] }} }}]"),
                "two groups",
            ),
            (format!("{sex}[rows]\ntable = \"care_episodes\""), "`take = \"first\"`"),
            (
                format!("{sex}[rows]\ntable = \"care_episodes\"\ntake = \"first\""),
                "`take` and `by`",
            ),
            (
                format!("{sex}[rows]\ntable = \"children\"\ntake = \"first\"\nby = \"date\""),
                "neither",
            ),
            (format!("{sex}[bounds]\nunique_percent = 101.0"), "0 to 100"),
            (format!("{sex}[bounds]\nbelow_5_percent = nan"), "0 to 100"),
            (format!("{sex}[[sensitive]]\ncolumn = \"sen\"\nt = 1.5"), "from 0 to 1"),
            (format!("{sex}[[sensitive]]\ncolumn = \"sen\"\nentropy_l = 1.0"), "more than 1"),
            (format!("{sex}[[sensitive]]\ncolumn = \"sen\"\ndistinct_l = 1"), "2 or more"),
            (format!("{sex}[bounds]\nsmallest_class = 1"), "2 or more"),
            (format!("{sex}[[sensitive]]\ncolumn = \"sen\"\norder = [\"K\", \"K\"]"), "K twice"),
        ];
        for (text, expected) in cases {
            let found = fault(&text);
            assert!(
                found.contains(expected) && found.is_empty() == expected.is_empty(),
                "{text}: {found}"
            );
        }
    }

    #[test]
    fn the_shipped_policy_is_one_and_stops_no_run() {
        let policy: Policy = toml::from_str(include_str!("../../../../config/risk.toml"))
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((policy.fault(), policy.has_bounds()), (None, false));
    }
}
