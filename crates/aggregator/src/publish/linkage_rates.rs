//! How well the records behind a release were linked: a rate a source, so coarse that no small number of rows follows from it.
//!
//! A rate is a whole number of a hundred rows, "over 99" and "below 1" at the ends. A source is given one from 200 times the
//! threshold on: then each rate stands for at least as many numbers of rows as the threshold is, and one that goes with a small
//! number goes with 0 and with a number that is not small as well. The threshold is the release's, and no less than the smallest
//! count that a linkage report shows. So two releases whose rates differ do not tell a small number either.

use std::collections::BTreeMap;

use minster_formats::{LinkageRate, LinkedSource};
use minster_model::{LINKAGE_REPORT, LinkedRows, Period, SMALLEST_SHOWN, SourceRows};
use minster_store::Dataset;
use serde::{Deserialize, Serialize};

use crate::error::AggregateError;

/// A source has a rate if it has so many times the threshold of rows.
const ROWS_BY_THRESHOLD: u64 = 200;

/// The rows of each source of an integrated dataset; none where an earlier version linked it, and they are not known.
pub(crate) struct SourcesRows(Option<BTreeMap<String, SourceRows>>);

/// The origin of the rates that a new release tells.
pub(crate) enum Linkage {
    /// The dataset's linkage report.
    Of(SourcesRows),
    /// A release that is built again of another snapshot than its own: the rates that it tells, if it tells of any.
    AsReleased(Option<PublishedLinkage>),
}

/// The rates that a release tells, as its ledger's entry keeps them: they stay while its numbers stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublishedLinkage {
    /// The fewest rows of which a rate is told.
    least_rows: u64,
    /// The sources by name; none where it is not known how many rows were linked.
    sources: Option<BTreeMap<String, Rate>>,
}

/// A rate, as it may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rate {
    /// The source has too few rows.
    TooFewRows,
    /// Below 1 of 100.
    Below1,
    /// To the nearest of 100.
    OfHundred(u8),
    /// Over 99 of 100.
    Over99,
}

impl Linkage {
    /// The rows of a dataset.
    ///
    /// # Errors
    /// As [`SourcesRows::of`].
    pub(crate) fn of_dataset(dataset: &Dataset) -> Result<Self, AggregateError> {
        SourcesRows::of(dataset).map(Self::Of)
    }

    /// The rates that a release of this threshold tells.
    pub(crate) fn of(&self, threshold: u64) -> Option<PublishedLinkage> {
        match self {
            Self::Of(rows) => Some(rows.published(threshold)),
            Self::AsReleased(linkage) => linkage.clone(),
        }
    }
}

impl SourcesRows {
    /// Those of the linkage report that stands encrypted beside a dataset's tables, and whose hash its manifest has.
    ///
    /// # Errors
    /// Where it is gone or was changed.
    pub(crate) fn of(dataset: &Dataset) -> Result<Self, AggregateError> {
        if !dataset.has_locked(LINKAGE_REPORT) {
            return Ok(Self(None));
        }
        let report = dataset.read_locked(LINKAGE_REPORT)?;
        // A report that says nothing of deliveries or persons is an earlier release's.
        let rows: Option<LinkedRows> = serde_json::from_slice(&report).ok();
        let owned = |(source, rows): (&str, SourceRows)| (source.to_owned(), rows);
        Ok(Self(rows.map(|rows| rows.by_source().into_iter().map(owned).collect())))
    }

    /// The rates that a release of this threshold may tell.
    pub(crate) fn published(&self, threshold: u64) -> PublishedLinkage {
        let least_rows = ROWS_BY_THRESHOLD.saturating_mul(threshold.max(SMALLEST_SHOWN));
        let rate =
            |(source, rows): (&String, &SourceRows)| (source.clone(), Rate::of(*rows, least_rows));
        let sources = self.0.as_ref().map(|sources| sources.iter().map(rate).collect());
        PublishedLinkage { least_rows, sources }
    }
}

impl Rate {
    fn of(SourceRows { linked, rows }: SourceRows, least_rows: u64) -> Self {
        let (linked, all) = (u128::from(linked), u128::from(rows));
        match () {
            () if rows < least_rows => Self::TooFewRows,
            () if 100 * linked > 99 * all => Self::Over99,
            () if 100 * linked < all => Self::Below1,
            // A half goes up; between the ends it is 1 to 99.
            () => {
                u8::try_from((200 * linked + all) / (2 * all)).map_or(Self::Over99, Self::OfHundred)
            }
        }
    }
}

impl PublishedLinkage {
    /// As the files of a release say it.
    pub(crate) fn in_words(&self, period: &Period) -> minster_formats::Linkage {
        use minster_formats::Linkage;
        let Some(sources) = &self.sources else {
            let unknown = format!(
                "It is not known how many records of {period} were linked to a pupil, because an earlier version of the program linked them."
            );
            return Linkage { sentences: vec![unknown], sources: Vec::new() };
        };
        let sentences = vec![
            format!(
                "A record counts in a release only where it is linked to a child. For each source, this is how many of 100 rows about persons, in its largest delivery for {period}, were linked to a pupil of the council's schools, whether this release counts these pupils or not."
            ),
            format!(
                "Rates are to the nearest 1 of 100 rows, \"over 99\" or \"below 1\" at the ends, and are not said of a source with fewer than {} rows, so that no small number can be worked out from them.",
                self.least_rows
            ),
        ];
        let source = |(name, rate): (&String, &Rate)| LinkedSource {
            name: name.clone(),
            rate: match rate {
                Rate::TooFewRows => LinkageRate::NotSaid,
                Rate::Below1 => LinkageRate::Below(1),
                Rate::OfHundred(rate) => LinkageRate::About(*rate),
                Rate::Over99 => LinkageRate::Over(99),
            },
        };
        Linkage { sentences, sources: sources.iter().map(source).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(rows: u64, least: u64) -> BTreeMap<Rate, Vec<u64>> {
        let mut rates: BTreeMap<Rate, Vec<u64>> = BTreeMap::new();
        for linked in 0..=rows {
            rates.entry(Rate::of(SourceRows { linked, rows }, least)).or_default().push(linked);
        }
        rates
    }

    #[test]
    fn a_rate_is_to_the_nearest_of_a_hundred_and_open_at_the_ends() {
        let of = |linked, rows| Rate::of(SourceRows { linked, rows }, 1000);
        assert_eq!(of(10_000, 10_000), Rate::Over99);
        assert_eq!(of(9_901, 10_000), Rate::Over99);
        assert_eq!(of(9_900, 10_000), Rate::OfHundred(99));
        assert_eq!(of(9_750, 10_000), Rate::OfHundred(98));
        assert_eq!(of(9_749, 10_000), Rate::OfHundred(97));
        assert_eq!(of(100, 10_000), Rate::OfHundred(1));
        assert_eq!(of(99, 10_000), Rate::Below1);
        assert_eq!(of(0, 10_000), Rate::Below1);
        assert_eq!(of(999, 999), Rate::TooFewRows);
        assert_eq!(of(0, 0), Rate::TooFewRows);
        assert_eq!(of(u64::MAX, u64::MAX), Rate::Over99);
    }

    #[test]
    fn no_small_number_of_rows_follows_from_a_rate_even_if_the_number_of_all_rows_is_known() {
        for threshold in [3, 5, 7, 10, 30] {
            let small = threshold.max(SMALLEST_SHOWN);
            let PublishedLinkage { least_rows, .. } = SourcesRows(None).published(threshold);
            for rows in (least_rows..least_rows + 250).chain([20_000, 99_999]) {
                if rows < least_rows {
                    continue;
                }
                for (rate, linked) in rates(rows, least_rows) {
                    let case = format!("{rate:?} of {rows} rows, threshold {threshold}");
                    assert!(linked.len() as u64 >= small, "{case}: {linked:?}");
                    // The linked rows, and the others.
                    for part in [linked.clone(), linked.iter().map(|of| rows - of).collect()] {
                        if part.iter().any(|of| (1..small).contains(of)) {
                            assert!(part.contains(&0), "{case}: {part:?}");
                            assert!(part.contains(&small), "{case}: {part:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_end_of_a_rate_tells_no_small_number_to_who_sees_it_move() {
        // Where one row more moves a rate, its reader knows the number: it is not a small one.
        for rows in 1000..1300 {
            for linked in 0..rows {
                let of = |linked| Rate::of(SourceRows { linked, rows }, 1000);
                if of(linked) != of(linked + 1) {
                    for known in [linked, linked + 1, rows - linked, rows - linked - 1] {
                        assert!(known >= SMALLEST_SHOWN, "{linked} of {rows}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_threshold_below_that_of_reports_does_not_lower_theirs() {
        let rows = |linked, rows| ("cin".to_owned(), SourceRows { linked, rows });
        let of = SourcesRows(Some([rows(990, 999)].into()));
        assert_eq!(of.published(3), of.published(5));
        assert_eq!(of.published(5).sources, Some([("cin".to_owned(), Rate::TooFewRows)].into()));
    }
}
