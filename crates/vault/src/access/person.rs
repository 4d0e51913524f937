//! The numbers of one child, by what deliveries told. Numbers in one row are one person's; but a mistyped number joins two children,
//! and then nobody may be given the other's rows. So a number is taken for the child's only where the birth dates beside it agree with
//! those beside the number that the grant is about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use minster_model::Kind;
use minster_retention::{Event, Facts};

use crate::{keys::Link, registry::ToldPerson};

/// Numbers that are followed. No child has so many; a number that many rows share for a fault leads to more.
const MOST_NUMBERS: usize = 256;

/// A row that told of persons.
pub(crate) type ToldRow = ToldPerson;

/// The numbers that lead to one child.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// The child's.
    pub(crate) own: BTreeSet<(Link, Kind)>,
    /// How many others stand in rows with these, and may be another child's.
    pub(crate) in_doubt: u64,
    /// All that rows tell which name no number in doubt.
    pub(crate) facts: Facts,
}

/// The child's numbers, from one of them. `rows` hands on every row that was told, as often as it is asked; `is_child` says whether a
/// kind is of a child's own numbers.
pub(crate) fn numbers_of<E>(
    anchor: (Link, Kind),
    is_child: impl Fn(&Kind) -> bool,
    mut rows: impl FnMut(&mut dyn FnMut(ToldRow)) -> Result<(), E>,
) -> Result<Numbers, E> {
    let mut reached: BTreeSet<Link> = [anchor.0].into();
    let mut told: Vec<ToldRow>;
    loop {
        told = Vec::new();
        rows(&mut |row| {
            if row.own.iter().any(|(link, kind)| is_child(kind) && reached.contains(link)) {
                told.push(row);
            }
        })?;
        let before = reached.len();
        let own = told.iter().flat_map(|row| &row.own).filter(|(_, kind)| is_child(kind));
        reached.extend(own.map(|(link, _)| *link));
        if reached.len() == before || reached.len() > MOST_NUMBERS {
            break;
        }
    }
    Ok(settled(anchor, is_child, &reached, &told))
}

fn settled(
    anchor: (Link, Kind),
    is_child: impl Fn(&Kind) -> bool,
    reached: &BTreeSet<Link>,
    told: &[ToldRow],
) -> Numbers {
    let born = births(told);
    let of_anchor = born.get(&anchor.0);
    // More than one date as often as another: nobody can say which is the child's.
    let is_clear = of_anchor.is_none_or(|dates| dates.len() == 1);
    let is_same = |link: &Link| match (born.get(link), of_anchor) {
        (Some(theirs), Some(own)) => theirs == own,
        _ => true,
    };
    let may_follow = is_clear && reached.len() <= MOST_NUMBERS;
    let mut own: BTreeSet<(Link, Kind)> = [anchor].into();
    loop {
        let before = own.len();
        for row in told.iter().filter(|_| may_follow) {
            let theirs = row.own.iter().filter(|(_, kind)| is_child(kind));
            if theirs.clone().any(|number| own.contains(number)) {
                own.extend(theirs.filter(|(link, _)| is_same(link)).cloned());
            }
        }
        if own.len() == before {
            break;
        }
    }
    let mut doubted: BTreeSet<&(Link, Kind)> = BTreeSet::new();
    let mut facts = Facts::default();
    for row in told {
        let theirs = || row.own.iter().filter(|(_, kind)| is_child(kind));
        if !theirs().any(|number| own.contains(number)) {
            continue;
        }
        let others: Vec<_> = theirs().filter(|number| !own.contains(*number)).collect();
        if others.is_empty() {
            row.dates.iter().for_each(|(event, on)| facts.happened(*event, *on));
            row.open.iter().for_each(|(event, on)| facts.is_open(*event, *on));
            row.categories.iter().for_each(|category| facts.is_of(category.clone()));
        }
        doubted.extend(others);
    }
    Numbers { in_doubt: doubted.len() as u64, own, facts }
}

/// The birth dates that most rows tell beside each number.
fn births(told: &[ToldRow]) -> HashMap<Link, BTreeSet<Date>> {
    let mut counts: HashMap<Link, BTreeMap<Date, u32>> = HashMap::new();
    for row in told {
        let dates = row.dates.iter().filter(|(event, _)| *event == Event::Birth);
        for (_, date) in dates {
            for (link, _) in &row.own {
                *counts.entry(*link).or_default().entry(*date).or_default() += 1;
            }
        }
    }
    let most = |dates: BTreeMap<Date, u32>| {
        let most = dates.values().copied().max().unwrap_or_default();
        dates.into_iter().filter(|(_, count)| *count == most).map(|(date, _)| date).collect()
    };
    counts.into_iter().map(|(link, dates)| (link, most(dates))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(kind: &str, n: u8) -> (Link, Kind) {
        ([n; 32], kind.parse().unwrap())
    }

    fn row(own: &[(Link, Kind)], born: Option<&str>) -> ToldRow {
        ToldPerson {
            own: own.iter().cloned().collect(),
            dates: born.iter().map(|born| (Event::Birth, born.parse().unwrap())).collect(),
            ..ToldPerson::default()
        }
    }

    fn of(anchor: &(Link, Kind), rows: &[ToldRow]) -> Numbers {
        let is_child = |kind: &Kind| kind.as_str() != "adopter-family";
        numbers_of(anchor.clone(), is_child, |each| {
            rows.iter().cloned().for_each(each);
            Ok::<_, ()>(())
        })
        .unwrap()
    }

    #[test]
    fn numbers_are_followed_from_row_to_row_where_the_birth_date_agrees() {
        let (upn, la, nhs) = (number("upn", 1), number("la-child-id", 2), number("nhs-number", 3));
        let rows = [
            row(&[upn.clone(), la.clone()], Some("2012-03-04")),
            row(&[la.clone(), nhs.clone()], None),
            row(&[number("upn", 9)], Some("2012-03-04")),
        ];
        let found = of(&upn, &rows);
        assert_eq!(found.own, [upn.clone(), la, nhs.clone()].into());
        assert_eq!(found.in_doubt, 0);
        assert_eq!(of(&nhs, &rows).own, found.own, "from whichever number one begins");
        assert!(found.facts.dates(Event::Birth).is_some());
    }

    #[test]
    fn a_mistyped_number_leads_to_nobody_else() {
        let (upn, la) = (number("upn", 1), number("la-child-id", 2));
        let (other_la, other_upn) = (number("la-child-id", 7), number("upn", 8));
        let rows = [
            row(&[upn.clone(), la.clone()], Some("2012-03-04")),
            row(&[upn.clone()], Some("2012-03-04")),
            // The other child's row with this child's pupil number.
            row(&[upn.clone(), other_la.clone()], Some("2009-09-09")),
            row(&[other_la.clone(), other_upn.clone()], Some("2009-09-09")),
        ];
        let found = of(&upn, &rows);
        assert_eq!(found.own, [upn, la].into());
        assert_eq!(found.in_doubt, 1);
        let born = found.facts.dates(Event::Birth).unwrap();
        assert_eq!(born.earliest.to_string(), "2012-03-04", "the other's birth date is not taken");
        let other = of(&other_upn, &rows);
        assert_eq!(other.own, [other_la, other_upn].into());
    }

    #[test]
    fn where_two_birth_dates_are_told_as_often_no_number_is_followed() {
        let (upn, la) = (number("upn", 1), number("la-child-id", 2));
        let rows = [
            row(&[upn.clone(), la.clone()], Some("2012-03-04")),
            row(&[upn.clone(), number("nhs-number", 3)], Some("2009-09-09")),
        ];
        let found = of(&upn, &rows);
        assert_eq!(found.own, [upn].into());
        assert_eq!(found.in_doubt, 2);
        assert_eq!(found.facts, Facts::default());
    }

    #[test]
    fn a_number_that_hundreds_share_for_a_fault_is_followed_nowhere() {
        let upn = number("upn", 1);
        let rows: Vec<_> = (0..=256u16)
            .map(|n| {
                let mut link = [7; 32];
                link[..2].copy_from_slice(&n.to_be_bytes());
                row(&[upn.clone(), (link, "la-child-id".parse().unwrap())], None)
            })
            .collect();
        let found = of(&upn, &rows);
        assert_eq!(found.own, [upn].into());
        assert_eq!(found.in_doubt, 257);
    }
}
