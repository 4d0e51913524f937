//! Every reason for which disclosure control refuses a release, with its code, its text, and what would help. A text names
//! releases, tables and columns, never a category or the count of a cell.

use std::fmt::Write as _;

use minster_attack::Refusal;
use minster_disclosure::{RoundingRefusal, SuppressionRefusal};
use minster_model::{ColumnName, Period, Purpose, TableName};

/// A release that stands, as a message calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRelease {
    /// Its name.
    pub name: TableName,
    /// Its period.
    pub period: Period,
}

impl std::fmt::Display for NamedRelease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.name, self.period)
    }
}

/// Why a release was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReleaseRefusal {
    /// The attack refused the tables, or what they stand beside.
    #[error(transparent)]
    Attack(#[from] Refusal),
    /// No pattern was found.
    #[error(transparent)]
    Suppression(#[from] SuppressionRefusal),
    /// No rounding was found.
    #[error(transparent)]
    Rounding(#[from] RoundingRefusal),
    /// Every pattern that was tried gave cells away.
    #[error(
        "no pattern withstood the attack{}, for the sake of {}; use coarser dimensions",
        if *.beside_published { " beside what was published before" } else { "" },
        cells_of_tables(.tables)
    )]
    StaysOpen {
        /// The tables, and of each how many cells stay open.
        tables: Vec<(String, usize)>,
        /// Whether one of them was published before.
        beside_published: bool,
    },
    /// No pattern shows the cells that the definition keeps.
    #[error(
        "with the cells in `keep` and `always` shown: {why}. {}",
        match .coarser {
            Some(coarser) => format!("They can be shown with {coarser}"),
            None => "No coarser form that was tried shows them: keep fewer cells, or leave a table out".to_owned(),
        }
    )]
    Keeps {
        /// The refusal with these cells shown.
        why: Box<ReleaseRefusal>,
        /// The first coarser form that shows them: what it leaves out, and its lines.
        coarser: Option<String>,
    },
    /// Rounded numbers that say more together than each alone.
    #[error(
        "rounded so, all numbers together say more than each by itself about {counts} small counts; use a method that adds up, a larger base or coarser dimensions"
    )]
    RoundedTogether {
        /// How many small counts they tell of.
        counts: usize,
    },
    /// The sums of a column, for a reason of their own.
    #[error("the sums of {column}: {why}; or leave that measure out")]
    Sums {
        /// The column.
        column: ColumnName,
        /// The reason.
        why: Box<ReleaseRefusal>,
    },
    /// Columns that follow from each other and are not all summed in the same tables.
    #[error(
        "the sums of {} tell each other, because for every child one of these columns follows from the others: measure all of them in each table that has one, in one release, or leave all but one out",
        listed(.columns)
    )]
    SumsTellEachOther {
        /// The columns.
        columns: Vec<ColumnName>,
    },
    /// A sum of the integrated dataset and a derived count of events that seem to count some of the same events.
    #[error(
        "{stored} of the integrated dataset and the derived {derived} seem to count some of the same events, and what the two differ by cannot be protected; derive both from the table of events, or leave one of them out"
    )]
    CountsOverlap {
        /// The column of the dataset.
        stored: ColumnName,
        /// The derived one.
        derived: ColumnName,
    },
    /// Columns that are derived from one, in tables that cannot be looked at together.
    #[error(
        "{} are derived from one, so that their tables tell of each other, and the table of {} is too large to check or one of them is a sum of zeros and ones; keep one of them, leave a dimension out, or take coarser ones",
        .kin.join(" and "), .columns.join(" by ")
    )]
    DerivedFromOne {
        /// The columns that are derived from one.
        kin: Vec<String>,
        /// The columns that their tables divide by.
        columns: Vec<String>,
    },
    /// Columns that add up, for which no common pattern was found.
    #[error(
        "the sums of {} add up, and no pattern was found that hides the same cells of all; leave all but one of them out",
        listed(.columns)
    )]
    SumsAddUp {
        /// The columns.
        columns: Vec<ColumnName>,
    },
    /// The purpose asks for stricter rules.
    #[error(
        "the purpose {purpose} asks for stricter rules: {what}; write stricter ones into the definition, and withdraw what stands under \
         weaker ones"
    )]
    WeakerThanPurpose {
        /// The purpose.
        purpose: Purpose,
        /// The rule that is broken, and what is asked for.
        what: String,
    },
    /// The purpose does not allow its readers.
    #[error("{why}")]
    AudienceOutsidePurpose {
        /// The vault's words, with the sentence of the notice.
        why: String,
    },
    /// It is defined for another purpose.
    #[error(
        "the definition names the purpose {named}, and the pipeline's data are for {purpose}: name that one, or release it from a \
         pipeline of its own"
    )]
    OtherPurpose {
        /// The data's purpose.
        purpose: Purpose,
        /// The definition's.
        named: Purpose,
    },
    /// A release about the same children stands under other rules.
    #[error("the release {release} is about the same children, {difference}")]
    SameChildren {
        /// The release.
        release: NamedRelease,
        /// The difference.
        difference: RulesDiffer,
    },
    /// A release about mostly the same children stands in the way.
    #[error("the release {release} is about mostly the same children, {difference}")]
    MostlySameChildren {
        /// The release.
        release: NamedRelease,
        /// The difference.
        difference: RulesDiffer,
    },
    /// A column that chooses the children of one release and divides those of another.
    #[error(
        "the release {release} and this one hide numbers that they would show together: {column} chooses the children of one of the two and divides those of the other; divide by it in both"
    )]
    ChosenAndDivided {
        /// The other release.
        release: NamedRelease,
        /// The column.
        column: String,
    },
    /// One of two releases about different children is rounded.
    #[error(
        "beside the release {release}, which is about other children, this one would show more than each alone, because one of the two is rounded; withhold in both, or use noise that depends on the children in both"
    )]
    BesideRounded {
        /// The other release.
        release: NamedRelease,
    },
    /// More numbers with noise about one child than the noise holds against.
    #[error(
        "it would count a child in more than {most} numbers with noise{}, and the noise of so many averages out; {}",
        if .together_with.is_empty() { String::new() } else { format!(", together with {}", .together_with.join(", ")) },
        if .together_with.is_empty() { "use fewer dimensions, levels or groupings" } else { "withhold cells instead" }
    )]
    NoiseBudget {
        /// The most numbers that may count one child.
        most: u64,
        /// The releases counted with it; none where the new one alone is too much.
        together_with: Vec<String>,
    },
    /// Releases about different children that cannot stand beside each other.
    #[error(
        "beside {releases}, about other children{why}; divide by {column} in one release instead"
    )]
    OtherChildren {
        /// The releases, as a text calls them.
        releases: String,
        /// The consequence.
        why: TogetherWouldShow,
        /// The columns that choose the children.
        column: String,
    },
    /// Releases about the same children that divide by columns apart.
    #[error(
        "releases about the same children divide by {} apart, and others are about other children; use one release",
        .columns.join(" and ")
    )]
    DividedApart {
        /// The columns.
        columns: Vec<String>,
    },
    /// Two releases show together that everyone of a group meets a sensitive condition.
    #[error(
        "{one} and {other} would show together that everyone of some group meets a condition on {column}, which is sensitive; use coarser categories, or divide by {column} in one release instead"
    )]
    EveryoneMeets {
        /// One release, as a text calls it.
        one: String,
        /// The other.
        other: String,
        /// The column of the condition.
        column: String,
    },
    /// The data have changed since releases were published, and the new one does not hold beside them.
    #[error(
        "the data have changed since {} was published, and beside it: {why}; wait until more children differ, use coarser dimensions, or keep what was published",
        listed(.releases)
    )]
    DataChanged {
        /// The releases.
        releases: Vec<NamedRelease>,
        /// The reason.
        why: Box<ReleaseRefusal>,
    },
    /// The difference of two releases shows whom the change is about.
    #[error("the difference shows too much of the few whom the change is about")]
    Difference,
    /// The restricted report of an earlier release is gone.
    #[error(
        "the data have changed since the release {release} was published, and its restricted report is gone, without which the difference cannot be judged; bring it back from a copy"
    )]
    ReportGone {
        /// The release.
        release: NamedRelease,
    },
    /// A release that stands cannot be counted again, so that nothing can be protected beside it.
    #[error(
        "the release {release} was let out, and cannot be counted again, so that nothing can be protected beside it: {why}; put back what its definition names: a look-up under [lookups] of pipeline.toml, a column, or a code of events"
    )]
    CannotBeCounted {
        /// The release.
        release: NamedRelease,
        /// The look-up or column that its definition names and that is not there.
        why: String,
    },
    /// Columns of two tables about the same children, of which some categories exclude each other.
    #[error(
        "the tables {} and {} would show together who has one category and not another, because some of {} and {} exclude each other, and a table of both is too large to be judged; use coarser categories, or leave one of the two tables out",
        .tables[0], .tables[1], .columns[0], .columns[1]
    )]
    ExcludingColumns {
        /// The tables.
        tables: [String; 2],
        /// The columns.
        columns: [String; 2],
    },
    /// Columns of two releases that follow from each other.
    #[error(
        "the release {release} is about other children, or the data have changed since, and the two would show together what each hides: {there} there and {here} here tell of each other, and neither is in both; divide by {there} here too, or by one of the two in one release instead"
    )]
    TiedColumns {
        /// The other release.
        release: NamedRelease,
        /// Its column.
        there: String,
        /// The column of the new one.
        here: String,
    },
}

/// In which rules two releases about the same children differ.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesDiffer {
    /// One is rounded.
    #[error(
        "and one of the two is rounded: together they would show what each hides; use one release"
    )]
    Method,
    /// Another threshold, policy for zeros or insider.
    #[error("and stands under another threshold, policy for zeros or insider; use the same")]
    Policy,
    /// Other rules for sums.
    #[error("and stands under other rules for sums; use the same")]
    SumRules,
    /// The standing one is stricter.
    #[error(
        "and stands under a higher threshold, a stricter rule for zeros or more insiders; use its rules, or stricter ones"
    )]
    Weaker,
    /// They divide one column at different edges.
    #[error(
        "and divides {column} at {there}, where this one divides it at {here}: the two together tell of the children between; use all edges of one of the two, and more if need be"
    )]
    Edges {
        /// The column.
        column: ColumnName,
        /// The edges of the standing one.
        there: String,
        /// The edges of the new one.
        here: String,
    },
}

/// The secrets that releases about different children would show together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TogetherWouldShow {
    /// Small numbers of children whom one counts and another does not.
    #[error(
        ", this one would show {0} small numbers of children whom one of them counts and another does not"
    )]
    SmallNumbers(usize),
    /// The attack refused them.
    #[error(": {0}")]
    Attack(Refusal),
    /// The numbers that one of them would have to show.
    #[error(
        ", {release} would have to show every number by {shared}, and does not: the two together would show what each hides"
    )]
    Hidden {
        /// The release, as a text calls it.
        release: String,
        /// The columns that they share.
        shared: String,
    },
}

impl ReleaseRefusal {
    /// The stable name of the reason, for programs. It tells of no cell.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Attack(why) => why.code(),
            Self::Suppression(why) => why.code(),
            Self::Rounding(why) => why.code(),
            Self::StaysOpen { .. } => "stays-open",
            Self::Keeps { .. } => "keeps",
            Self::RoundedTogether { .. } => "rounded-together",
            Self::Sums { why, .. } | Self::DataChanged { why, .. } => why.code(),
            Self::SumsTellEachOther { .. } => "sums-tell-each-other",
            Self::SumsAddUp { .. } => "sums-add-up",
            Self::DerivedFromOne { .. } => "derived-from-one",
            Self::SameChildren { difference, .. } | Self::MostlySameChildren { difference, .. } => {
                difference.code()
            }
            Self::ChosenAndDivided { .. } => "chosen-and-divided",
            Self::BesideRounded { .. } => "beside-rounded",
            Self::NoiseBudget { .. } => "noise-budget",
            Self::WeakerThanPurpose { .. } => "weaker-than-purpose",
            Self::AudienceOutsidePurpose { .. } => "audience-outside-purpose",
            Self::OtherPurpose { .. } => "other-purpose",
            Self::OtherChildren { why, .. } => why.code(),
            Self::DividedApart { .. } => "divided-apart",
            Self::EveryoneMeets { .. } => "everyone-meets",
            Self::Difference => "difference",
            Self::ReportGone { .. } => "report-gone",
            Self::CannotBeCounted { .. } => "cannot-be-counted",
            Self::CountsOverlap { .. } => "counts-overlap",
            Self::ExcludingColumns { .. } => "excluding-columns",
            Self::TiedColumns { .. } => "tied-columns",
        }
    }
}

impl RulesDiffer {
    fn code(&self) -> &'static str {
        match self {
            Self::Method => "other-method",
            Self::Policy => "other-policy",
            Self::SumRules => "other-sum-rules",
            Self::Weaker => "weaker-rules",
            Self::Edges { .. } => "other-edges",
        }
    }
}

impl TogetherWouldShow {
    fn code(&self) -> &'static str {
        match self {
            Self::SmallNumbers(_) => "small-numbers-apart",
            Self::Attack(why) => why.code(),
            Self::Hidden { .. } => "hidden-beside-shown",
        }
    }
}

fn listed<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// How many cells of which tables, and none by name.
fn cells_of_tables(tables: &[(String, usize)]) -> String {
    let mut text = String::new();
    for (place, (table, cells)) in tables.iter().enumerate() {
        let and = if place == 0 { "" } else { " and " };
        let noun = if *cells == 1 { "cell" } else { "cells" };
        let _ = write!(text, "{and}{cells} {noun} of the table {table}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_reason_has_a_code_of_its_own() {
        let release =
            || NamedRelease { name: "sen".parse().unwrap(), period: "2024-25".parse().unwrap() };
        let column: ColumnName = "ward".parse().unwrap();
        let column_2 = column.clone();
        let same = |difference| ReleaseRefusal::SameChildren { release: release(), difference };
        let (text, edges) = (|| "ward".to_owned(), || "5, 11".to_owned());
        let beside = |why| ReleaseRefusal::OtherChildren {
            releases: "the release sen".into(),
            why,
            column: "ward".into(),
        };
        let refusals = [
            Refusal::Cyclic.into(),
            SuppressionRefusal::WorkUsedUp.into(),
            RoundingRefusal::Keys.into(),
            ReleaseRefusal::StaysOpen { tables: vec![(text(), 1)], beside_published: true },
            ReleaseRefusal::Keeps { why: Box::new(ReleaseRefusal::Difference), coarser: None },
            ReleaseRefusal::RoundedTogether { counts: 2 },
            ReleaseRefusal::SumsTellEachOther { columns: vec![column.clone()] },
            ReleaseRefusal::SumsAddUp { columns: vec![column.clone()] },
            ReleaseRefusal::DerivedFromOne { kin: vec![text()], columns: vec![text()] },
            same(RulesDiffer::Method),
            same(RulesDiffer::Policy),
            same(RulesDiffer::SumRules),
            same(RulesDiffer::Weaker),
            same(RulesDiffer::Edges { column, there: edges(), here: edges() }),
            ReleaseRefusal::ChosenAndDivided { release: release(), column: text() },
            ReleaseRefusal::BesideRounded { release: release() },
            ReleaseRefusal::NoiseBudget { most: 12, together_with: vec![] },
            beside(TogetherWouldShow::SmallNumbers(2)),
            beside(TogetherWouldShow::Hidden { release: text(), shared: text() }),
            ReleaseRefusal::DividedApart { columns: vec![text()] },
            ReleaseRefusal::EveryoneMeets { one: text(), other: text(), column: text() },
            ReleaseRefusal::Difference,
            ReleaseRefusal::WeakerThanPurpose { purpose: "p".parse().unwrap(), what: text() },
            ReleaseRefusal::AudienceOutsidePurpose { why: "for the audience public".into() },
            ReleaseRefusal::OtherPurpose {
                purpose: "p".parse().unwrap(),
                named: "q".parse().unwrap(),
            },
            ReleaseRefusal::ReportGone { release: release() },
            ReleaseRefusal::CannotBeCounted { release: release(), why: text() },
            ReleaseRefusal::CountsOverlap { stored: column_2.clone(), derived: column_2 },
            ReleaseRefusal::ExcludingColumns {
                tables: [text(), text()],
                columns: [text(), text()],
            },
            ReleaseRefusal::TiedColumns { release: release(), there: text(), here: text() },
        ];
        let codes: BTreeSet<&str> = refusals.iter().map(ReleaseRefusal::code).collect();
        let texts: BTreeSet<String> = refusals.iter().map(ToString::to_string).collect();
        let worded = |code: &&&str| crate::release_job::refusal_words::of_code(code).is_some();
        assert_eq!(codes.iter().filter(worded).count(), codes.len(), "a code has no words");
        assert_eq!((codes.len(), texts.len()), (refusals.len(), refusals.len()));
    }

    #[test]
    fn a_reason_within_another_keeps_its_code() {
        let why = || Box::new(ReleaseRefusal::Difference);
        let of_sums = ReleaseRefusal::Sums { column: "missed".parse().unwrap(), why: why() };
        let changed = ReleaseRefusal::DataChanged { releases: vec![], why: Box::new(of_sums) };
        assert_eq!(changed.code(), "difference");
    }

    #[test]
    fn cells_that_stay_open_are_counted_and_not_named() {
        let tables = vec![("a".to_owned(), 1), ("b".to_owned(), 3)];
        let refusal = ReleaseRefusal::StaysOpen { tables, beside_published: false };
        let said = "no pattern withstood the attack, for the sake of 1 cell of the table a and 3 cells of the table b; \
            use coarser dimensions";
        assert_eq!(refusal.to_string(), said);
    }
}
