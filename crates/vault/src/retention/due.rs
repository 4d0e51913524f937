//! Persons that are due under a schedule, and those that are held back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::civil::Date;
use minster_model::Purpose;
use minster_retention::{CategoryName, Disposal, End, Event, Schedule};
use minster_vault_api::{
    DeliveryCount, DueCount, HeldCount, RetentionPlan, SMALLEST_SHOWN, ShownCount, StandingHold,
    UndeterminedCount,
};

use super::persons::{Person, Persons};
use crate::keys::{Keys, Link};

/// Calendar years of a forecast.
const FORECAST: i16 = 10;
const LEGAL_HOLD: &str = "legal hold";
const RESTRICTION: &str = "restriction";

/// The holds that stand.
#[derive(Debug, Default)]
pub(crate) struct HeldBack {
    /// The proposals that made them.
    pub(crate) ids: BTreeSet<String>,
    /// Keyed tags of the numbers that holds are on, with the holds.
    pub(crate) tags: HashMap<String, BTreeSet<String>>,
    /// Categories under a moratorium.
    pub(crate) categories: BTreeSet<CategoryName>,
    /// Cases whose restrictions stand: what is restricted is kept.
    pub(crate) restricting: BTreeSet<String>,
    /// Links of the numbers that these are about.
    pub(crate) restricted: HashSet<Link>,
}

impl HeldBack {
    /// The hold on one person, if any, as it is told.
    pub(crate) fn on(&self, person: &Person, schedule: &Schedule, keys: &Keys) -> Option<String> {
        let is_tagged = |link: &Link| self.tags.contains_key(&keys.tag_of(link));
        self.holds(person, schedule, person.own.iter().any(is_tagged))
    }

    /// The hold on a person, if any: a hold on the person first, else a category.
    fn holds(&self, person: &Person, schedule: &Schedule, is_tagged: bool) -> Option<String> {
        if is_tagged {
            return Some(LEGAL_HOLD.to_owned());
        }
        if person.own.iter().any(|link| self.restricted.contains(link)) {
            return Some(RESTRICTION.to_owned());
        }
        let mut categories = schedule.categories_of(&person.name, &person.facts);
        let held = categories.find(|category| self.categories.contains(&category.name));
        held.map(|category| category.name.to_string())
    }
}

/// A person whose day has come.
#[derive(Debug)]
pub(crate) struct Due {
    /// The person's place in [`Persons::all`].
    pub(crate) person: usize,
    /// The category whose date it is.
    pub(crate) category: CategoryName,
    /// The end that its row chooses.
    pub(crate) end: End,
    date: Date,
}

/// Every person, under a schedule, until a day.
#[derive(Debug, Default)]
pub(crate) struct Assessment {
    /// Those whose day has come and whom nothing holds back.
    pub(crate) due: Vec<Due>,
    undetermined: BTreeMap<(CategoryName, Event), u64>,
    held: BTreeMap<String, u64>,
    later: BTreeMap<(i16, CategoryName), u64>,
    unscheduled: u64,
    /// Holds on a number that some person of the purpose has.
    found: BTreeSet<String>,
}

impl Assessment {
    /// Assesses all persons.
    pub(crate) fn of(
        persons: &Persons,
        (schedule, until): (&Schedule, Date),
        held: &HeldBack,
        keys: &Keys,
    ) -> Self {
        let mut assessed = Self::default();
        for (place, person) in persons.all.iter().enumerate() {
            let is_tagged = !held.tags.is_empty() && assessed.find(person, held, keys);
            match schedule.disposal(&person.name, &person.facts) {
                Disposal::On { date, category, end } if date <= until => {
                    match held.holds(person, schedule, is_tagged) {
                        Some(by) => *assessed.held.entry(by).or_default() += 1,
                        None => assessed.due.push(Due { person: place, category, end, date }),
                    }
                }
                Disposal::On { date, category, .. } => {
                    if date.year() <= until.year().saturating_add(FORECAST) {
                        *assessed.later.entry((date.year(), category)).or_default() += 1;
                    }
                }
                Disposal::Undetermined { category, missing } => {
                    *assessed.undetermined.entry((category, missing)).or_default() += 1;
                }
                Disposal::Unscheduled => assessed.unscheduled += 1,
            }
        }
        assessed
    }

    /// Notes the holds on a person's numbers; says whether there is one.
    fn find(&mut self, person: &Person, held: &HeldBack, keys: &Keys) -> bool {
        let mut is_tagged = false;
        for holds in person.own.iter().filter_map(|link| held.tags.get(&keys.tag_of(link))) {
            is_tagged = true;
            self.found.extend(holds.iter().cloned());
        }
        is_tagged
    }

    /// Persons that are due, by the category whose date came.
    pub(crate) fn by_category(&self) -> BTreeMap<CategoryName, u64> {
        let mut counts = BTreeMap::new();
        self.due.iter().for_each(|due| *counts.entry(due.category.clone()).or_default() += 1);
        counts
    }

    /// The same for people, with small counts hidden.
    pub(crate) fn plan(
        &self,
        persons: &Persons,
        (purpose, schedule, schedule_sha256): (&Purpose, &Schedule, String),
        until: Date,
        mut holds: Vec<StandingHold>,
    ) -> RetentionPlan {
        for hold in &mut holds {
            hold.is_known = match &hold.category {
                Some(of) => of.parse().is_ok_and(|of| schedule.category(&of).is_some()),
                None => self.found.contains(&hold.hold),
            };
        }
        let mut by_month: BTreeMap<(CategoryName, String), u64> = BTreeMap::new();
        let mut by_delivery: BTreeMap<usize, u64> = BTreeMap::new();
        for Due { person, category, date, .. } in &self.due {
            let month = format!("{:04}-{:02}", date.year(), date.month());
            *by_month.entry((category.clone(), month)).or_default() += 1;
            for delivery in &persons.all[*person].deliveries {
                *by_delivery.entry(*delivery).or_default() += 1;
            }
        }
        let due = |((category, period), count): ((CategoryName, String), u64)| DueCount {
            category: category.to_string(),
            period,
            persons: shown(count),
        };
        let by_year = self
            .later
            .iter()
            .map(|((year, category), count)| due(((category.clone(), year.to_string()), *count)));
        RetentionPlan {
            purpose: purpose.clone(),
            until: until.to_string(),
            schedule_sha256,
            due: shown(self.due.len() as u64),
            due_by_month: by_month.into_iter().map(due).collect(),
            due_by_delivery: by_delivery
                .into_iter()
                .map(|(delivery, count)| DeliveryCount {
                    delivery: persons.deliveries[delivery].clone(),
                    persons: shown(count),
                })
                .collect(),
            undetermined: self
                .undetermined
                .iter()
                .map(|((category, missing), count)| UndeterminedCount {
                    category: category.to_string(),
                    missing: missing.to_string(),
                    persons: shown(*count),
                })
                .collect(),
            held: self
                .held
                .iter()
                .map(|(by, count)| HeldCount { by: by.clone(), persons: shown(*count) })
                .collect(),
            forecast: by_year.collect(),
            unscheduled: shown(self.unscheduled),
            without_evidence: schedule
                .without_evidence()
                .map(|category| category.name.to_string())
                .collect(),
            holds,
        }
    }
}

/// A count, where it is not small. 0 tells of nobody.
pub(crate) fn shown(count: u64) -> ShownCount {
    (count == 0 || count >= SMALLEST_SHOWN).then_some(count)
}
