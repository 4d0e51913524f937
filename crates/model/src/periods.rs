//! The periods of a pipeline: what is linked and released together, and from which deliveries.
//!
//! ```toml
//! [[period]]
//! name = "2024-25"
//!
//! [[period.source]]
//! name = "school_census"
//! period = "2025-summer"
//! folder = "/srv/drop/school_census/2025-summer"
//!
//! [[period]]
//! name = "2025-26"
//! carries_over = [{ name = "school_census", period = "2025-summer" }]
//! ```

use std::path::PathBuf;

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use crate::{DatasetRef, Day, Period, Purpose, SourceName, pipeline::Delivery};

/// A period of the integrated dataset and the releases: a school year.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkedPeriod {
    /// Its name.
    pub name: Period,
    /// Its first day.
    #[serde(default)]
    from: Option<Day>,
    /// Its last day.
    #[serde(default)]
    until: Option<Day>,
    /// Its deliveries, in order. A child is in the period whom one of them is about.
    #[serde(rename = "source", default)]
    pub sources: Vec<Delivery>,
    /// Deliveries of other periods that say something about its children as well. They put no child into it.
    #[serde(default)]
    pub carries_over: Vec<DeliveryName>,
}

/// A delivery, as another period names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryName {
    /// The source.
    pub name: SourceName,
    /// The period that it covers.
    pub period: Period,
    /// Its drop folder, where no period of the pipeline has it any more.
    #[serde(default)]
    pub folder: Option<PathBuf>,
}

impl DeliveryName {
    /// The delivery that no period has.
    fn delivery(&self) -> Option<Delivery> {
        Some(Delivery {
            name: self.name.clone(),
            period: self.period.clone(),
            folder: self.folder.clone()?,
            identifier: None,
            on_failure: None,
            unknown_percent: None,
            fall_percent: None,
            quarantine_percent: None,
        })
    }

    fn is(&self, delivery: &Delivery) -> bool {
        (&self.name, &self.period) == (&delivery.name, &delivery.period)
    }
}

impl LinkedPeriod {
    /// A period whose deliveries stand beside it in the file.
    fn alone(name: Period) -> Self {
        Self { name, from: None, until: None, sources: Vec::new(), carries_over: Vec::new() }
    }

    /// Its first and its last day. A period that is named like `2024-25` and gives none is the school year, from
    /// 1 September to 31 August.
    pub fn days(&self) -> Option<(Day, Day)> {
        self.from.zip(self.until).or_else(|| school_year(self.name.as_str()))
    }

    /// The datasets of its own deliveries.
    pub fn datasets(&self, purpose: &Purpose) -> Vec<DatasetRef> {
        self.sources.iter().map(|delivery| delivery.dataset(purpose)).collect()
    }

    /// The datasets that it carries over.
    pub fn carried(&self, purpose: &Purpose) -> Vec<DatasetRef> {
        let dataset = |of: &DeliveryName| DatasetRef {
            class: crate::DatasetClass::Source,
            name: of.name.clone(),
            period: of.period.clone(),
            purpose: purpose.clone(),
        };
        self.carries_over.iter().map(dataset).collect()
    }

    fn check(&self, all: &[Self]) -> Result<(), String> {
        let name = &self.name;
        match (self.from, self.until) {
            (Some(from), Some(until)) if from > until => {
                return Err(format!("the period {name} ends before it begins"));
            }
            (Some(_), None) | (None, Some(_)) => {
                return Err(format!("the period {name} has one of `from` and `until`: give both"));
            }
            _ => {}
        }
        if self.sources.is_empty() {
            return Err(format!("the period {name} has no delivery: add a [[period.source]]"));
        }
        for carried in &self.carries_over {
            let (source, of) = (&carried.name, &carried.period);
            if self.sources.iter().any(|delivery| carried.is(delivery)) {
                return Err(format!(
                    "{source} {of} is the period {name}'s own: it is not carried over"
                ));
            }
            let others = all.iter().flat_map(|period| &period.sources);
            if carried.folder.is_none() && !others.into_iter().any(|delivery| carried.is(delivery))
            {
                return Err(format!(
                    "the period {name} carries over {source} {of}, which no period has as a [[period.source]]: give its `folder`"
                ));
            }
        }
        Ok(())
    }
}

/// The school year that a name like `2024-25` means.
fn school_year(name: &str) -> Option<(Day, Day)> {
    let (first, last) = name.split_once('-').filter(|(first, _)| first.len() == 4)?;
    let year: i16 = first.parse().ok()?;
    let is_next = last.len() == 2 && last.parse() == Ok((year + 1) % 100);
    is_next.then(|| Day::of(year, 9, 1).zip(Day::of(year + 1, 8, 31)))?
}

/// All periods of a pipeline: one name, with the deliveries beside it, or a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Periods(Vec<LinkedPeriod>);

impl Periods {
    /// The periods, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, LinkedPeriod> {
        self.0.iter()
    }

    /// The period of this name.
    pub fn find(&self, name: &Period) -> Option<&LinkedPeriod> {
        self.iter().find(|period| period.name == *name)
    }

    pub(crate) fn deliveries_mut(&mut self) -> impl Iterator<Item = &mut Delivery> {
        self.0.iter_mut().flat_map(|period| &mut period.sources)
    }

    /// Gives each period its deliveries, and the pipeline those of all periods.
    ///
    /// # Errors
    /// Says what is contradictory: a delivery in two periods, one beside a list of periods, one carried over that no
    /// period has.
    pub(crate) fn settle(&mut self, beside: &mut Vec<Delivery>) -> Result<(), String> {
        match self.0.as_mut_slice() {
            [one] if one.sources.is_empty() && one.carries_over.is_empty() => {
                one.sources = beside.clone();
            }
            _ if !beside.is_empty() => {
                return Err(
                    "[[source]] stands beside [[period]]: write it as [[period.source]] below its period"
                        .into(),
                );
            }
            all => {
                let carried = all.iter().flat_map(|period| &period.carries_over);
                *beside = carried.filter_map(DeliveryName::delivery).collect();
                beside.extend(all.iter().flat_map(|period| period.sources.clone()));
            }
        }
        for (place, period) in self.0.iter().enumerate() {
            period.check(&self.0)?;
            if self.0[..place].iter().any(|other| other.name == period.name) {
                return Err(format!("two periods are named {}", period.name));
            }
        }
        for (place, delivery) in beside.iter().enumerate() {
            let is_same = |other: &Delivery| {
                (&other.name, &other.period) == (&delivery.name, &delivery.period)
            };
            if beside[..place].iter().any(is_same) {
                return Err(format!(
                    "{} {} stands twice: a second period names it under `carries_over`",
                    delivery.name, delivery.period
                ));
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Periods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Periods;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a period such as \"2024-25\", or a list of [[period]]")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Periods, E> {
                let name = name.parse().map_err(E::custom)?;
                Ok(Periods(vec![LinkedPeriod::alone(name)]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Periods, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Periods)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use crate::pipeline::Pipeline;

    const HEAD: &str =
        "purpose = \"p\"\nstore = \"s\"\ndefinitions = \"d\"\nmatching = \"m\"\ntables = \"t\"\n";
    const VAULT: &str = "[vault]\nsocket = \"v\"\n";

    fn read(periods: &str, sources: &str) -> Result<Pipeline, String> {
        let text = format!("{HEAD}{periods}{VAULT}{sources}");
        let pipeline: Pipeline = toml::from_str(&text).map_err(|error| error.to_string())?;
        pipeline.resolve(std::path::Path::new("/council"))
    }

    fn source(kind: &str, name: &str, period: &str) -> String {
        format!("[[{kind}]]\nname = \"{name}\"\nperiod = \"{period}\"\nfolder = \"f\"\n")
    }

    #[test]
    fn one_period_has_the_deliveries_beside_it() {
        let pipeline = read("period = \"2024-25\"\n", &source("source", "census", "2024-autumn"));
        let pipeline = pipeline.unwrap();
        let [period] = pipeline.periods.iter().as_slice() else { panic!("one period") };
        assert_eq!(period.sources, pipeline.sources);
        let (from, until) = period.days().unwrap();
        assert_eq!(
            (from.to_string(), until.to_string()),
            ("2024-09-01".into(), "2025-08-31".into())
        );
    }

    #[test]
    fn each_period_has_its_own_deliveries_and_the_pipeline_has_all() {
        let text = source("period.source", "census", "2024-autumn");
        let next = source("period.source", "census", "2025-autumn");
        let carried = "carries_over = [{ name = \"census\", period = \"2024-autumn\" }]";
        let periods = format!(
            "[[period]]\nname = \"2024-25\"\n{text}[[period]]\nname = \"2025-26\"\n{carried}\n{next}"
        );
        let pipeline = read("", &periods).unwrap();
        assert_eq!(pipeline.sources.len(), 2);
        let counts: Vec<_> = pipeline
            .periods
            .iter()
            .map(|period| (period.sources.len(), period.carries_over.len()))
            .collect();
        assert_eq!(counts, [(1, 0), (1, 1)]);
        assert!(pipeline.sources.iter().all(|of| of.folder.is_absolute()));
        assert!(pipeline.periods.iter().all(|of| of.sources[0].folder.is_absolute()));
    }

    #[test]
    fn a_delivery_of_a_year_that_is_closed_is_carried_over_from_its_folder() {
        let carried =
            "carries_over = [{ name = \"census\", period = \"2024-autumn\", folder = \"old\" }]";
        let own = source("period.source", "census", "2025-autumn");
        let pipeline =
            read("", &format!("[[period]]\nname = \"2025-26\"\n{carried}\n{own}")).unwrap();
        let read: Vec<_> = pipeline.sources.iter().map(|of| of.period.as_str()).collect();
        assert_eq!(read, ["2024-autumn", "2025-autumn"]);
        let [period] = pipeline.periods.iter().as_slice() else { panic!("one period") };
        assert_eq!((period.sources.len(), period.carries_over.len()), (1, 1));
    }

    #[test]
    fn contradictions_are_refused_with_the_line_to_change() {
        let own = source("period.source", "census", "2024-autumn");
        let one = format!("[[period]]\nname = \"2024-25\"\n{own}");
        let with = |more: &str| format!("{one}[[period]]\nname = \"2025-26\"\n{more}");
        let other = source("period.source", "census", "2025-autumn");
        for (periods, says) in [
            (with(""), "has no delivery"),
            (with(&own), "stands twice"),
            (format!("{}{}", one, source("source", "cin", "2024-25")), "beside [[period]]"),
            (
                with(&format!(
                    "carries_over = [{{ name = \"cin\", period = \"2024-25\" }}]\n{other}"
                )),
                "which no period has",
            ),
            (with(&format!("from = \"2025-09-01\"\n{other}")), "give both"),
            (
                with(&format!("from = \"2025-09-01\"\nuntil = \"2024-09-01\"\n{other}")),
                "ends before",
            ),
            (format!("{one}[[period]]\nname = \"2024-25\"\n{other}"), "two periods"),
        ] {
            let error = read("", &periods).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
