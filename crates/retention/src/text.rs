//! The text of a schedule, and what may be wrong with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use minster_model::{Kind, SourceName, TableName};
use serde::Deserialize;

use crate::{
    Category, CategoryName, Condition, End, Event, MOST_CATEGORIES, PersonName, Record, Rule,
    Schedule, YearEnd, Years,
};

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not TOML, or a word that is not known.
    #[error("it is not a schedule: {0}")]
    Toml(String),
    /// Something stands twice.
    #[error("the {what} {name} stands there twice")]
    Twice {
        /// A person, a category.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A kind is the number of two persons, or of none.
    #[error("the kind {kind} belongs to {persons}; a kind of number is one person's own")]
    Kind {
        /// The kind.
        kind: Kind,
        /// The persons whose records these are.
        persons: String,
    },
    /// A person that no `[[person]]` names.
    #[error("{place}: no [[person]] has the name {person}")]
    NoPerson {
        /// Where it is named.
        place: String,
        /// The name.
        person: PersonName,
    },
    /// A rule that says too little or too much.
    #[error("the rule of {category}: {why}")]
    Rule {
        /// The category.
        category: CategoryName,
        /// The fault.
        why: &'static str,
    },
    /// A second default row for a person.
    #[error("two rows are the default for {person}; one may be")]
    Defaults {
        /// The person.
        person: PersonName,
    },
    /// A schedule without rows, or with too many.
    #[error("a schedule has 1 to {MOST_CATEGORIES} categories")]
    Size,
    /// The City Archives' recipient is none.
    #[error(
        "the category {category}: `city_archives` is an age recipient, which begins with age1 and has small letters and digits alone"
    )]
    Recipient {
        /// The category.
        category: CategoryName,
    },
    /// Evidence that names no source, or a condition without cells.
    #[error("{place}: {why}")]
    Evidence {
        /// Where.
        place: String,
        /// The fault.
        why: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleText {
    person: Vec<PersonText>,
    #[serde(default)]
    record: Vec<RecordText>,
    category: Vec<CategoryText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonText {
    name: PersonName,
    kinds: BTreeSet<Kind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CategoryText {
    name: CategoryName,
    notice: String,
    person: PersonName,
    rule: RuleText,
    end: End,
    #[serde(default)]
    city_archives: Option<String>,
    #[serde(default)]
    default: bool,
    #[serde(default)]
    two_identities: bool,
    evidence: Vec<EvidenceText>,
}

/// A table that tells of persons.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordText {
    person: PersonName,
    sources: BTreeSet<SourceName>,
    table: TableName,
    #[serde(default)]
    numbers: Vec<String>,
    #[serde(default)]
    dates: BTreeMap<Event, OneOrMore>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceText {
    sources: BTreeSet<SourceName>,
    table: TableName,
    #[serde(default)]
    numbers: Vec<String>,
    #[serde(default)]
    dates: BTreeMap<Event, OneOrMore>,
    #[serde(default)]
    column: Option<String>,
    #[serde(default, rename = "in")]
    one_of: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    event: Option<Event>,
    latest: Option<Vec<RuleText>>,
    earliest: Option<Vec<RuleText>>,
    latest_known: Option<Vec<RuleText>>,
    end_of: Option<YearEnd>,
    of: Option<Box<RuleText>>,
    died_before: Option<u16>,
    then: Option<Box<RuleText>>,
    #[serde(rename = "else")]
    otherwise: Option<Box<RuleText>>,
    years: Option<u16>,
}

impl RuleText {
    fn rule(self) -> Result<Rule, &'static str> {
        const ONE: &str = "it has one of `event`, `latest`, `earliest`, `latest_known`, `end_of` and `died_before`";
        const FAR: &str = "a number of years is 0 to 200";
        let several = |rules: Vec<Self>| match rules.is_empty() {
            true => Err("a list of dates is empty"),
            false => rules.into_iter().map(Self::rule).collect::<Result<Vec<_>, _>>(),
        };
        let Self {
            event,
            latest,
            earliest,
            latest_known,
            end_of,
            of,
            died_before,
            then,
            otherwise,
            years,
        } = self;
        let bases = [
            event.is_some(),
            latest.is_some(),
            earliest.is_some(),
            latest_known.is_some(),
            end_of.is_some(),
            died_before.is_some(),
        ];
        if bases.into_iter().filter(|has| *has).count() != 1 {
            return Err(ONE);
        }
        if end_of.is_some() != of.is_some() {
            return Err("`end_of` and `of` stand together");
        }
        if died_before.is_some() != (then.is_some() && otherwise.is_some())
            || then.is_some() != otherwise.is_some()
        {
            return Err("`died_before`, `then` and `else` stand together");
        }
        let rule = match (event, latest, earliest, latest_known, end_of.zip(of), died_before) {
            (Some(event), ..) => Rule::On(event),
            (_, Some(rules), ..) => Rule::Latest(several(rules)?),
            (_, _, Some(rules), ..) => Rule::Earliest(several(rules)?),
            (_, _, _, Some(rules), ..) => Rule::LatestKnown(several(rules)?),
            (.., Some((end, of)), _) => Rule::EndOf(end, Box::new(of.rule()?)),
            (.., Some(age)) => {
                let (Some(then), Some(otherwise)) = (then, otherwise) else { return Err(ONE) };
                Rule::DiedBefore {
                    age: Years::new(age).ok_or(FAR)?,
                    then: Box::new(then.rule()?),
                    otherwise: Box::new(otherwise.rule()?),
                }
            }
            _ => return Err(ONE),
        };
        Ok(match years {
            Some(years) => Rule::After(Box::new(rule), Years::new(years).ok_or(FAR)?),
            None => rule,
        })
    }
}

fn dates(told: BTreeMap<Event, OneOrMore>) -> Vec<(Event, String)> {
    let columns = |(event, columns)| match columns {
        OneOrMore::One(column) => vec![(event, column)],
        OneOrMore::More(columns) => columns.into_iter().map(|column| (event, column)).collect(),
    };
    told.into_iter().flat_map(columns).collect()
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let text: ScheduleText =
            toml::from_str(text).map_err(|error| ScheduleError::Toml(error.to_string()))?;
        if text.category.is_empty() || text.category.len() > MOST_CATEGORIES {
            return Err(ScheduleError::Size);
        }
        let mut persons: Vec<(PersonName, BTreeSet<Kind>)> = Vec::new();
        for PersonText { name, kinds } in text.person {
            if persons.iter().any(|(known, _)| *known == name) {
                return Err(ScheduleError::Twice { what: "person", name: name.to_string() });
            }
            for (other, known) in &persons {
                if let Some(kind) = kinds.intersection(known).next() {
                    let (kind, persons) = (kind.clone(), format!("{other} and {name}"));
                    return Err(ScheduleError::Kind { kind, persons });
                }
            }
            persons.push((name, kinds));
        }
        let known =
            |place: &str, person: &PersonName| match persons.iter().any(|(name, _)| name == person)
            {
                true => Ok(()),
                false => {
                    Err(ScheduleError::NoPerson { place: place.to_owned(), person: person.clone() })
                }
            };
        let mut records = Vec::new();
        for RecordText { person, sources, table, numbers, dates: told } in text.record {
            let place = format!("[[record]] of the table {table}");
            known(&place, &person)?;
            check_sources(&place, &sources)?;
            let dates = dates(told);
            records.push(Record {
                sources,
                table,
                person,
                numbers,
                dates,
                condition: None,
                category: None,
            });
        }
        let mut categories: Vec<Category> = Vec::new();
        for of in text.category {
            let CategoryText { name, notice, person, rule, end, city_archives, .. } = of;
            let (default, two_identities, evidence) = (of.default, of.two_identities, of.evidence);
            let place = format!("the category {name}");
            known(&place, &person)?;
            if categories.iter().any(|other| other.name == name) {
                return Err(ScheduleError::Twice { what: "category", name: name.to_string() });
            }
            if default && categories.iter().any(|other| other.default && other.person == person) {
                return Err(ScheduleError::Defaults { person });
            }
            for EvidenceText { sources, table, numbers, dates: told, column, one_of } in evidence {
                check_sources(&place, &sources)?;
                let condition = match (column, one_of) {
                    (None, None) => None,
                    (Some(column), Some(one_of)) if !one_of.is_empty() => {
                        let one_of = one_of.iter().map(|cell| cell.trim().to_uppercase()).collect();
                        Some(Condition { column, one_of })
                    }
                    _ => {
                        let why = "`column` and `in` stand together, and `in` names a cell";
                        return Err(ScheduleError::Evidence { place, why });
                    }
                };
                let (person, category) = (person.clone(), Some(name.clone()));
                let dates = dates(told);
                records.push(Record {
                    sources,
                    table,
                    person,
                    numbers,
                    dates,
                    condition,
                    category,
                });
            }
            let wrong = |why| ScheduleError::Rule { category: name.clone(), why };
            let rule = rule.rule().map_err(wrong)?;
            if !city_archives.as_deref().is_none_or(is_recipient) {
                return Err(ScheduleError::Recipient { category: name });
            }
            categories.push(Category {
                name,
                notice,
                person,
                rule,
                end,
                city_archives,
                default,
                two_identities,
            });
        }
        Ok(Self { persons, categories, records })
    }
}

/// Whether a text looks like an age recipient. The vault reads it, and refuses one that is mistyped.
fn is_recipient(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with("age1") && text.len() <= 200 && text.chars().all(allowed)
}

fn check_sources(place: &str, sources: &BTreeSet<SourceName>) -> Result<(), ScheduleError> {
    match sources.is_empty() {
        true => Err(ScheduleError::Evidence { place: place.to_owned(), why: "it names no source" }),
        false => Ok(()),
    }
}
