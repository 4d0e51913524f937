//! The measures of a period's data, as a report shows them: rounded, or exact.

use std::collections::BTreeMap;

use minster_model::{Period, Purpose, RunId, coarse};
use minster_risk::{BELOW, Classes, Column, Inference, Scale, Sensitive, Sizes};
use serde::Serialize;

use super::{
    bounds::{self, LAST_BITS},
    coding::{Coded, CodingError, Kind},
    policy::{Blanks, Policy, SensitiveColumn},
};

/// The measures, exactly.
pub(super) struct Measured<'a> {
    policy: &'a Policy,
    quasi: Vec<Coded>,
    sensitive: Vec<Coded>,
    pub(super) whole: Sizes,
    pub(super) inferences: Vec<Inference>,
}

/// A measured period, for people and programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Assessment {
    pub(super) format: u32,
    pub(super) purpose: Purpose,
    pub(super) period: Period,
    /// The run that linked the data.
    pub(super) run: RunId,
    pub(super) table: String,
    /// The row that stands for a child.
    pub(super) unit: String,
    /// Whether counts are exact; else they are to the nearest 5.
    pub(super) exact: bool,
    /// The first things to do.
    pub(super) advice: Vec<String>,
    /// The bounds that are broken.
    pub(super) broken: Vec<String>,
    pub(super) whole: Spread,
    pub(super) quasi_identifiers: Vec<Driver>,
    pub(super) coarser: Vec<Effect>,
    pub(super) sensitive: Vec<Told>,
}

/// Children, and their share of all in a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Share {
    pub(super) children: u64,
    pub(super) percent: f64,
}

/// How large classes are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) children: u64,
    pub(super) classes: u64,
    pub(super) unique: Share,
    /// Children in the smallest class; 0 where there is no child. Where counts are not exact: none where they are 1 to 4, else the
    /// next multiple of 5 below.
    pub(super) smallest_class: Option<u32>,
    pub(super) below_3: Share,
    pub(super) below_5: Share,
    pub(super) below_10: Share,
    pub(super) by_size: Vec<Size>,
}

/// Classes of a band of sizes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Size {
    pub(super) from: u32,
    pub(super) to: Option<u32>,
    pub(super) classes: u64,
    pub(super) children: Share,
}

/// A quasi-identifier's own part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Driver {
    pub(super) column: String,
    pub(super) values: u64,
    pub(super) blank: Share,
    /// Unique by this column alone.
    pub(super) alone: Share,
    /// Unique without this column.
    pub(super) without: Share,
}

/// The measures after a coarser treatment of one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Effect {
    pub(super) column: String,
    pub(super) treatment: String,
    pub(super) unique: Share,
    pub(super) below_5: Share,
    pub(super) smallest_class: Option<u32>,
}

/// The measures of a sensitive column in the classes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Told {
    pub(super) column: String,
    pub(super) ordered: bool,
    pub(super) blanks_left_out: bool,
    pub(super) values: u64,
    pub(super) blank: Share,
    pub(super) distinct_l: Option<u32>,
    pub(super) entropy_l: Option<f64>,
    pub(super) t: Option<f64>,
    /// Children in classes of which all have the same value.
    pub(super) alike: Share,
}

/// Counts as they may be shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) exact: bool,
}

impl Shown {
    pub(super) fn count(self, count: u64) -> u64 {
        if self.exact { count } else { coarse(count) }
    }

    /// The percentage is that of the counts as they are shown, so that it tells no more.
    pub(super) fn share(self, children: u64, of: u64) -> Share {
        let (children, of) = (self.count(children).min(self.count(of)), self.count(of));
        let percent = if of == 0 { 0.0 } else { 100.0 * children as f64 / of as f64 };
        Share { children, percent: (percent * 10.0).round() / 10.0 }
    }

    pub(super) fn smallest(self, class: Option<u32>) -> Option<u32> {
        let class = class.unwrap_or(0);
        match self.exact {
            true => Some(class),
            false => Some(class / 5 * 5).filter(|&shown| shown > 0 || class == 0),
        }
    }

    /// A measure of the worst class, which one child may decide: to `fine` where counts are exact, else down to the step below.
    pub(super) fn worst(self, of: f64, fine: f64, step: f64) -> f64 {
        match self.exact {
            true => (of * fine).round() / fine,
            // Sums of fractions: a number on a step is not put below it by its last bits.
            false => ((of + LAST_BITS) / step).floor() * step,
        }
    }

    /// The fewest values of a class. 1 and 2 are one where counts are not exact.
    fn fewest(self, values: u32) -> Option<u32> {
        match self.exact {
            true => Some(values),
            false => Some(values / 5 * 5).filter(|shown| *shown > 0),
        }
    }

    fn spread(self, sizes: &Sizes) -> Spread {
        let share = |children| self.share(children, sizes.children);
        let [below_3, below_5, below_10] = sizes.below.map(share);
        let by_size = sizes.bands.iter().map(|band| Size {
            from: band.from,
            to: band.to,
            classes: self.count(band.classes),
            children: share(band.children),
        });
        Spread {
            children: self.count(sizes.children),
            classes: self.count(sizes.classes),
            unique: share(sizes.unique),
            smallest_class: self.smallest(sizes.smallest),
            below_3,
            below_5,
            below_10,
            by_size: by_size.collect(),
        }
    }
}

/// Look-ups of the pipeline, by name: pairs of value and group.
pub(super) type Lookups = BTreeMap<String, Vec<(String, String)>>;

/// The order of treatments, the best first: within the bounds, no column left out, few unique rows, few in small groups.
type Rank = (bool, bool, u64, u64);

impl<'a> Measured<'a> {
    /// Measures what bounds are about. `columns` are the quasi-identifiers, then the sensitive ones.
    pub(super) fn of(policy: &'a Policy, mut columns: Vec<Coded>) -> Result<Self, CodingError> {
        let mut sensitive = columns.split_off(policy.quasi.len());
        for (of, column) in policy.sensitive.iter().zip(&mut sensitive) {
            if !of.order.is_empty() {
                *column = column.ordered(of.column.as_str(), &of.order)?;
            }
        }
        let quasi: Vec<&Column> = columns.iter().map(|of| &of.column).collect();
        let classes = Classes::of(&quasi)?;
        let inferences = policy.sensitive.iter().zip(&sensitive).map(|(of, column)| {
            let left_out = column.blank().filter(|_| of.blanks == Blanks::LeftOut);
            let scale = scale(of, column);
            Ok(classes.inference(&Sensitive { column: &column.column, scale, left_out })?)
        });
        let inferences = inferences.collect::<Result<_, CodingError>>()?;
        Ok(Self { policy, whole: classes.sizes(), quasi: columns, sensitive, inferences })
    }

    /// The sizes of classes with other columns in the places of some.
    fn with(&self, places: &[(usize, Option<&Column>)]) -> Result<Sizes, CodingError> {
        let columns = self.quasi.iter().enumerate().filter_map(|(at, of)| {
            match places.iter().find(|(place, _)| *place == at) {
                Some((_, other)) => *other,
                None => Some(&of.column),
            }
        });
        let columns: Vec<&Column> = columns.collect();
        if columns.is_empty() {
            // By no column, all are of one class.
            let rows = self.quasi.first().map_or(0, |of| of.column.codes().len());
            return Ok(Classes::of(&[&Column::new(vec![0; rows], 1)?])?.sizes());
        }
        Ok(Classes::of(&columns)?.sizes())
    }

    fn drivers(&self, shown: Shown) -> Result<Vec<Driver>, CodingError> {
        let columns = self.policy.quasi.iter().zip(&self.quasi).enumerate();
        let driver = |(at, (of, coded)): (usize, (&super::policy::Quasi, &Coded))| {
            let share = |children| shown.share(children, self.whole.children);
            let alone = Classes::of(&[&coded.column])?.sizes();
            Ok(Driver {
                column: of.column.to_string(),
                values: coded.distinct(),
                blank: share(coded.blanks),
                alone: share(alone.unique),
                without: share(self.with(&[(at, None)])?.unique),
            })
        };
        columns.map(driver).collect()
    }

    /// Every coarser treatment: the place of its column, its words, and the column after it.
    fn treatments(&self, lookups: &Lookups) -> Result<Vec<Treatment>, CodingError> {
        let mut all = Vec::new();
        for (place, (of, coded)) in self.policy.quasi.iter().zip(&self.quasi).enumerate() {
            for to in &of.coarser {
                let pairs = match to {
                    super::policy::Coarser::Lookup(name) => lookups.get(name),
                    _ => None,
                };
                let pairs = pairs.map(Vec::as_slice).unwrap_or_default();
                let column = Some(coded.coarser(of.column.as_str(), to, pairs)?);
                all.push(Treatment { place, words: to.name(), column });
            }
            all.push(Treatment { place, words: "left out".to_owned(), column: None });
        }
        Ok(all)
    }

    fn told(&self, shown: Shown) -> Vec<Told> {
        let columns = self.policy.sensitive.iter().zip(&self.sensitive).zip(&self.inferences);
        let told = columns.map(|((of, coded), found)| Told {
            column: of.column.to_string(),
            ordered: scale(of, coded) == Scale::Ordered,
            blanks_left_out: of.blanks == Blanks::LeftOut,
            values: coded.distinct(),
            blank: shown.share(coded.blanks, self.whole.children),
            distinct_l: found.distinct.and_then(|l| shown.fewest(l)),
            entropy_l: found.entropy.map(|of| shown.worst(of, 100.0, 1.0)),
            t: found.closeness.map(|of| shown.worst(of, 1000.0, 0.25)),
            alike: shown.share(found.alike, self.whole.children),
        });
        told.collect()
    }

    /// The report. The data are those of a period that a run linked.
    pub(super) fn assessment(
        &self,
        (purpose, period, run): (&Purpose, &Period, &RunId),
        lookups: &Lookups,
        shown: Shown,
    ) -> Result<Assessment, CodingError> {
        let treatments = self.treatments(lookups)?;
        let mut coarser = Vec::new();
        for Treatment { place, words, column } in &treatments {
            let left = self.with(&[(*place, column.as_ref())])?;
            let share = |children| shown.share(children, left.children);
            coarser.push(Effect {
                column: self.policy.quasi[*place].column.to_string(),
                treatment: words.clone(),
                unique: share(left.unique),
                below_5: share(left.below[1]),
                smallest_class: shown.smallest(left.smallest),
            });
        }
        let mut assessment = Assessment {
            format: 1,
            purpose: purpose.clone(),
            period: period.clone(),
            run: run.clone(),
            table: self.policy.rows.table().to_owned(),
            unit: self.policy.rows.unit(),
            exact: shown.exact,
            advice: Vec::new(),
            broken: bounds::broken(self.policy, self),
            whole: shown.spread(&self.whole),
            quasi_identifiers: self.drivers(shown)?,
            coarser,
            sensitive: self.told(shown),
        };
        let way = self.way_to_bounds(&treatments)?;
        assessment.advice = super::advice::advice(&assessment, way.as_deref());
        Ok(assessment)
    }

    /// Treatments that together bring the classes within their bounds, and of which none can be left out of the list. Step by
    /// step the one that leaves the fewest unique children, and of these the fewest in small classes; a column is left out where
    /// no coarser treatment helps any more. None where no bound on classes is broken, or nothing keeps them.
    fn way_to_bounds(&self, treatments: &[Treatment]) -> Result<Option<String>, CodingError> {
        let is_within = |sizes: &Sizes| bounds::of_sizes(&self.policy.bounds, sizes).is_empty();
        let mut now = (self.whole.unique, self.whole.below[1]);
        if is_within(&self.whole) {
            return Ok(None);
        }
        let with = |chosen: &[&Treatment]| {
            let places: Vec<_> = chosen.iter().map(|of| (of.place, of.column.as_ref())).collect();
            self.with(&places)
        };
        let mut chosen: Vec<&Treatment> = Vec::new();
        loop {
            let is_new = |of: &&Treatment| {
                chosen.iter().all(|known| known.place != of.place || known.column.is_some())
            };
            let mut best: Option<(Rank, Vec<&Treatment>)> = None;
            for of in treatments.iter().filter(is_new) {
                let mut tried: Vec<&Treatment> =
                    chosen.iter().copied().filter(|known| known.place != of.place).collect();
                tried.push(of);
                let sizes = with(&tried)?;
                let left = (sizes.unique, sizes.below[1]);
                let is_left_out = of.column.is_none();
                // A coarser treatment that changes nothing is no step; leaving a column out ends somewhere.
                if is_left_out || left < now {
                    let rank = (!is_within(&sizes), is_left_out, left.0, left.1);
                    if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                        best = Some((rank, tried));
                    }
                }
            }
            let Some(((is_outside, _, unique, below_5), tried)) = best else { return Ok(None) };
            (chosen, now) = (tried, (unique, below_5));
            if !is_outside {
                break;
            }
        }
        let mut at = 0;
        while at < chosen.len() {
            let mut fewer = chosen.clone();
            fewer.remove(at);
            match is_within(&with(&fewer)?) {
                true => chosen = fewer,
                false => at += 1,
            }
        }
        let words = chosen
            .iter()
            .map(|of| format!("{} {}", self.policy.quasi[of.place].column.as_str(), of.words));
        Ok(Some(words.collect::<Vec<_>>().join(", ")))
    }
}

/// A coarser treatment, worked out; without a column it is left out.
struct Treatment {
    place: usize,
    words: String,
    column: Option<Column>,
}

fn scale(of: &SensitiveColumn, column: &Coded) -> Scale {
    match column.kind {
        Kind::Whole | Kind::Fraction => Scale::Ordered,
        Kind::Text | Kind::Nothing if of.order.is_empty() => Scale::Nominal,
        Kind::Text | Kind::Nothing => Scale::Ordered,
    }
}

/// Sizes below which children are counted, as the report names them.
const _: () = assert!(BELOW[0] == 3 && BELOW[1] == 5 && BELOW[2] == 10);
