//! The disposal date of a person.

use jiff::civil::Date;

use crate::{Category, CategoryName, End, Event, Facts, PersonName, Schedule};

/// When a person's records are disposed of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposal {
    /// On this day, and not before.
    On {
        /// The day: the latest of all categories' dates.
        date: Date,
        /// The category whose date it is.
        category: CategoryName,
        /// The end that the category's row chooses.
        end: End,
    },
    /// A needed date is missing.
    Undetermined {
        /// The category that needs it.
        category: CategoryName,
        /// The event whose date it is.
        missing: Event,
    },
    /// No row of the schedule is about such a person.
    Unscheduled,
}

impl Schedule {
    /// When the records of a person are disposed of. A person in several categories is kept until the latest date; where the date of
    /// one of them is missing, nobody can say which is the latest. The default row counts where no other does.
    pub fn disposal(&self, person: &PersonName, facts: &Facts) -> Disposal {
        let mut latest: Option<(Date, &Category)> = None;
        for category in self.categories_of(person, facts) {
            match category.rule.date(facts) {
                Ok(date) if latest.is_none_or(|(known, _)| known < date) => {
                    latest = Some((date, category));
                }
                Ok(_) => {}
                Err(missing) => {
                    return Disposal::Undetermined { category: category.name.clone(), missing };
                }
            }
        }
        match latest {
            Some((date, of)) => Disposal::On { date, category: of.name.clone(), end: of.end },
            None => Disposal::Unscheduled,
        }
    }

    /// The categories that count for a person: those that a source shows, or else the default one.
    pub fn categories_of<'a>(
        &'a self,
        person: &PersonName,
        facts: &Facts,
    ) -> impl Iterator<Item = &'a Category> {
        let of_person = |category: &&Category| category.person == *person;
        let shown: Vec<&Category> = self
            .categories()
            .iter()
            .filter(of_person)
            .filter(|category| facts.categories().contains(&category.name))
            .collect();
        let default = self.categories().iter().filter(of_person).find(|category| category.default);
        let default = default.filter(|_| shown.is_empty());
        shown.into_iter().chain(default)
    }
}
