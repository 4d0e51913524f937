//! The meaning of codes, and how each figure was made: for the text and the page alike.

use minster_matcher::{
    ScoredSource,
    report::{ColumnOf, Grouped, Kind},
};

/// How far counts can be trusted.
pub(super) fn counts(coarse: bool) -> &'static str {
    match coarse {
        true => {
            "Counts are to the nearest 5, and 5 where there are fewer, each by itself: sums may differ, and rates are of \
             these. Counts by value are exact."
        }
        false => {
            "Counts are exact, small ones too: keep this as restricted as the integrated dataset."
        }
    }
}

/// How a row came to its pupil, or why it came to none.
pub(super) fn way(code: &str) -> &'static str {
    match code {
        "register" => "the row of a pupil in the register itself",
        "number" => "by a number that a delivery of the register has as the pupil's current one",
        "bridge" => "by a service's number that stands beside the pupil's in another row",
        "match-key" => "by a name and birth date that one pupil alone has",
        "scored" => "by the probability that names, birth dates and postcodes are a pupil's",
        "identifier" => "by the row of its person, or by a number",
        "not-on-spine" => "its person is no pupil, or leads to none",
        "no-identifier" => "it has neither a number nor a match key",
        "linked-to-nobody" => {
            "a marked identity's number stands on it, and it may be another child's"
        }
        "reviewed" => "by what reviewers decided",
        "ambiguous-match-key" => "its match key is that of two pupils or more",
        "conflicting-birth-date" => "its number is that of a pupil with another birth date or name",
        "shared-number" => "its number stands for two children",
        "orphan" => "its number is in no row about a person",
        _ => "by a further number that the register gives for the pupil, in a column of this name",
    }
}

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Persons => "persons",
        Kind::Events => "events",
        Kind::NotRead => "not read",
    }
}

/// The tables that the definition does not read.
pub(super) fn not_read(tables: usize) -> String {
    match tables {
        1 => "1 table that is not read".to_owned(),
        tables => format!("{tables} tables that are not read"),
    }
}

/// How many links are expected to be wrong.
pub(super) fn expected(wrong: f64) -> String {
    if wrong > 0.0 && wrong < 0.01 { "< 0.01".to_owned() } else { format!("{wrong:.2}") }
}

/// The dataset that the column belongs to.
pub(super) fn column_of(grouped: &Grouped) -> &'static str {
    match grouped.column_of {
        ColumnOf::Source => "the source's own column",
        ColumnOf::Integrated => "a column of the integrated dataset",
    }
}

/// A value's name.
pub(super) fn value(value: Option<&str>) -> &str {
    value.unwrap_or("not known")
}

/// The name of the hidden values together.
pub(super) fn hidden(not_named: bool) -> &'static str {
    match not_named {
        true => "hidden, and values not named",
        false => "hidden, together",
    }
}

/// A standardised difference, and whether it is little.
pub(super) fn difference(difference: Option<f64>) -> String {
    match difference {
        None => {
            "not to be had: too little is shown, one of the two is empty, or they share no value"
                .to_owned()
        }
        Some(difference) if difference < 0.1 => format!("{difference:.2}, little"),
        Some(difference) => format!("{difference:.2}"),
    }
}

pub(super) const INTERVALS: &str = "Intervals are of 95 %, after Wilson 1927.";

pub(super) const BOTH_RATES: &str = "Two rates: linked rows of the accepted ones, and of the accepted and quarantined ones. Tables that the definition does not \
     read are in neither.";

pub(super) const DIFFERENCES: &str = "The standardised difference is that of Yang and Dalton 2012, over all values; less than 0.1 is usually taken for little.";

pub(super) const AGREEMENT: &str = "Rows that each way led to a pupil, beside what the register says of the pupil. A number is not believed where name and birth \
     date, or name and sex, are another's: so the agreement of these is no proof by itself. Where the sex took no part in \
     a way, a wrong link meets a pupil of the other sex about every second time: rows of two sexes by that chance are wrong \
     links, at most.";

pub(super) const KEY_TESTS: &str = "Rows that a number led to a pupil, had the match key alone been there. It is right for rows without a number as far \
     as these are like rows with one.";

pub(super) const IMPOSSIBLE: &str = "Linked rows say of a pupil what no child can be: each is a wrong link or a wrong record. Wrong links that contradict nothing are \
     not among them. No date of death is kept, so that an event after one cannot be seen.";

pub(super) const THRESHOLDS: &str = "Links that other thresholds would make, all else being the same; expected wrong is what their probabilities leave to 1. \
     Below 0.5 nothing is told.";

/// The small counts.
pub(super) fn smallest(smallest: u64) -> String {
    format!(
        "Counts by value below {smallest} are hidden, and further ones, so that none can be found by subtraction. Between which shares a \
         hidden one is, what is shown tells anyway."
    )
}

/// The estimates that a source's scores give.
pub(super) fn scored(scored: &ScoredSource) -> String {
    let number = |name: &str| scored.details[name].as_f64();
    let share = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.5}"));
    let [recall, least] = ["estimated_recall", "estimated_recall_least"].map(number);
    format!(
        "{}: {} of {} persons linked at {} or more. Precision {}: the mean probability of the links. Recall {} to {}, of \
         all persons of the source: expected links among the expected matches, whose number comes from two ways to find \
         them, by birth date and by names (Chapman 1951); the lower figure counts pairs that a rule forbids. By \
         their score, {} persons whom a number or a match key had led to a pupil come to the same one, {} to another.",
        scored.source,
        scored.linked,
        scored.left,
        scored.threshold,
        share(scored.estimated_precision),
        share(least),
        share(recall),
        scored.same_as_before,
        scored.other_than_before
    )
}
