//! The numbers of one child, by what deliveries told. Numbers in one row are one person's; but a mistyped number joins two children,
//! and then nobody may be given the other's rows. So a number is taken for the child's only where the birth dates beside it agree with
//! those beside the number that the grant is about, and where no row says that it is another's: twins have one birth date.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use minster_model::Kind;
use minster_retention::{Event, Facts};

use crate::{keys::Link, registry::ToldPerson};

/// Numbers that are followed. No child has so many; a number that many rows share for a fault leads to more.
const MOST_NUMBERS: usize = 256;

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

/// The rules by which numbers are followed.
pub(crate) struct Rules<'a> {
    /// Whether a kind is of a child's own numbers.
    pub(crate) is_child: &'a dyn Fn(&Kind) -> bool,
    /// Whether a number is on the list of identities that are linked by their number alone.
    pub(crate) is_listed: &'a dyn Fn(&Link) -> bool,
    /// Whether a row shows an adoption: a child's identities before and after it must stay apart.
    pub(crate) is_adoption: &'a dyn Fn(&ToldPerson) -> bool,
}

/// The child's numbers, from one of them. `rows` hands on every row that was told, as often as it is asked.
pub(crate) fn numbers_of<E>(
    anchor: (Link, Kind),
    rules: &Rules<'_>,
    mut rows: impl FnMut(&mut dyn FnMut(ToldPerson)) -> Result<(), E>,
) -> Result<Numbers, E> {
    let mut reached: BTreeSet<Link> = [anchor.0].into();
    let mut told: Vec<ToldPerson>;
    loop {
        told = Vec::new();
        rows(&mut |row| {
            if rules.of_child(&row).any(|(link, _)| reached.contains(link)) {
                told.push(row);
            }
        })?;
        let before = reached.len();
        reached.extend(told.iter().flat_map(|row| rules.of_child(row)).map(|(link, _)| *link));
        if reached.len() == before || reached.len() > MOST_NUMBERS {
            break;
        }
    }
    Ok(settled(anchor, rules, reached.len() <= MOST_NUMBERS, &told))
}

impl Rules<'_> {
    fn of_child<'a>(&self, row: &'a ToldPerson) -> impl Iterator<Item = &'a (Link, Kind)> {
        row.own.iter().filter(|(_, kind)| (self.is_child)(kind))
    }

    /// Numbers that are followed nowhere, and to which nothing leads: of identities that must stay apart, and those that stand beside
    /// one of them in a row.
    fn apart(&self, told: &[ToldPerson]) -> BTreeSet<Link> {
        let of_adoption = told.iter().filter(|row| (self.is_adoption)(row));
        let closed: BTreeSet<Link> = of_adoption
            .flat_map(|row| self.of_child(row))
            .chain(
                told.iter()
                    .flat_map(|row| self.of_child(row))
                    .filter(|(link, _)| (self.is_listed)(link)),
            )
            .map(|(link, _)| *link)
            .collect();
        let beside = |row: &&ToldPerson| self.of_child(row).any(|(link, _)| closed.contains(link));
        told.iter()
            .filter(beside)
            .flat_map(|row| self.of_child(row))
            .map(|(link, _)| *link)
            .collect()
    }
}

fn settled(anchor: (Link, Kind), rules: &Rules<'_>, are_few: bool, told: &[ToldPerson]) -> Numbers {
    let born = births(told);
    let apart = rules.apart(told);
    let of_anchor = born.get(&anchor.0);
    // More than one date as often as another: nobody can say which is the child's.
    let is_clear = of_anchor.is_none_or(|dates| dates.len() == 1);
    let following = Following { rules, told, born: &born, apart: &apart, anchor: &anchor };
    let mut own: BTreeSet<(Link, Kind)> = [anchor.clone()].into();
    if is_clear && are_few {
        while let Some(next) = following.next(&own) {
            own.insert(next);
        }
    }
    let mut doubted: BTreeSet<&(Link, Kind)> = BTreeSet::new();
    let mut facts = Facts::default();
    for row in told.iter().filter(|row| rules.of_child(row).any(|number| own.contains(number))) {
        // Nobody is told of another identity: not even that there is one.
        let others = rules.of_child(row).filter(|number| !own.contains(*number));
        let (hidden, others): (Vec<_>, Vec<_>) = others.partition(|(link, _)| apart.contains(link));
        let births = row.dates.iter().filter(|(event, _)| *event == Event::Birth);
        let is_own =
            births.into_iter().all(|(_, date)| of_anchor.is_none_or(|own| own.contains(date)));
        if others.is_empty() && is_own && is_clear {
            // A row that names another identity shows the records of that one, but the birth date.
            let is_told = |event: Event| hidden.is_empty() || event == Event::Birth;
            let dates = row.dates.iter().filter(|(event, _)| is_told(*event));
            dates.for_each(|(event, on)| facts.happened(*event, *on));
        }
        if others.is_empty() && hidden.is_empty() && is_own && is_clear {
            row.open.iter().for_each(|(event, on)| facts.is_open(*event, *on));
            row.categories.iter().for_each(|category| facts.is_of(category.clone()));
        }
        doubted.extend(others);
    }
    Numbers { in_doubt: doubted.len() as u64, own, facts }
}

/// How numbers are followed from row to row.
struct Following<'a> {
    rules: &'a Rules<'a>,
    told: &'a [ToldPerson],
    born: &'a HashMap<Link, BTreeSet<Date>>,
    apart: &'a BTreeSet<Link>,
    anchor: &'a (Link, Kind),
}

impl Following<'_> {
    /// A number that is clearly the child's too. Twins have one birth date: so it is the only one of its kind that may be meant, the
    /// child has no other of the kind, and no row names it beside another number of a kind that the child has.
    fn next(&self, own: &BTreeSet<(Link, Kind)>) -> Option<(Link, Kind)> {
        let mut candidates: BTreeMap<&Kind, BTreeSet<&Link>> = BTreeMap::new();
        for row in self.told {
            let is_apart = self.rules.of_child(row).any(|(link, _)| self.apart.contains(link));
            if is_apart || !self.rules.of_child(row).any(|number| own.contains(number)) {
                continue;
            }
            for (link, kind) in self.rules.of_child(row) {
                if !own.iter().any(|(_, of)| of == kind) && self.is_same(link) {
                    candidates.entry(kind).or_default().insert(link);
                }
            }
        }
        candidates.into_iter().find_map(|(kind, links)| {
            let numbers = links.into_iter().map(|link| (*link, kind.clone()));
            let mut clear = numbers.filter(|number| !self.contradicts(number, own));
            clear.next().filter(|_| clear.next().is_none())
        })
    }

    /// Whether both have a birth date, and the same. Where one is missing, nobody can say.
    fn is_same(&self, link: &Link) -> bool {
        self.born.get(link).is_some_and(|dates| self.born.get(&self.anchor.0) == Some(dates))
    }

    /// Whether rows name the number beside two of one kind, or beside another than the child's. A partner of another birth date was
    /// mistyped, and says nothing.
    fn contradicts(&self, number: &(Link, Kind), own: &BTreeSet<(Link, Kind)>) -> bool {
        let mut partners: BTreeMap<&Kind, BTreeSet<&Link>> = BTreeMap::new();
        for row in self.told.iter().filter(|row| row.own.contains(number)) {
            for of @ (link, kind) in self.rules.of_child(row) {
                let mut alike = self.rules.of_child(row).filter(|(_, other)| other == kind);
                // A former number beside the child's own says nothing.
                let is_former = !own.contains(of) && alike.any(|other| own.contains(other));
                let is_others = self.born.contains_key(link) && !self.is_same(link);
                if *kind != number.1 && !is_former && !is_others {
                    partners.entry(kind).or_default().insert(link);
                }
            }
        }
        let of_own = own.iter().map(|(link, kind)| (kind, link));
        for (kind, link) in of_own {
            if let Some(links) = partners.get_mut(kind) {
                links.insert(link);
            }
        }
        partners.values().any(|links| links.len() > 1)
    }
}

/// The birth dates that most rows tell beside each number.
fn births(told: &[ToldPerson]) -> HashMap<Link, BTreeSet<Date>> {
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

    fn row(own: &[(Link, Kind)], born: Option<&str>) -> ToldPerson {
        ToldPerson {
            own: own.iter().cloned().collect(),
            dates: born.iter().map(|born| (Event::Birth, born.parse().unwrap())).collect(),
            ..ToldPerson::default()
        }
    }

    fn of(anchor: &(Link, Kind), rows: &[ToldPerson]) -> Numbers {
        of_listed(anchor, rows, None)
    }

    fn of_listed(anchor: &(Link, Kind), rows: &[ToldPerson], listed: Option<u8>) -> Numbers {
        let rules = Rules {
            is_child: &|kind| kind.as_str() != "adopter-family",
            is_listed: &|link| listed.is_some_and(|n| *link == [n; 32]),
            is_adoption: &|row| row.categories.iter().any(|of| of.as_str() == "adoption"),
        };
        numbers_of(anchor.clone(), &rules, |each| {
            rows.iter().cloned().for_each(each);
            Ok::<_, ()>(())
        })
        .unwrap()
    }

    #[test]
    fn no_number_leads_from_one_identity_of_an_adopted_child_to_the_other() {
        let (now, before, la) = (number("upn", 1), number("upn", 2), number("la-child-id", 3));
        let mut adopted = row(std::slice::from_ref(&la), Some("2012-03-04"));
        adopted.categories.insert("adoption".parse().unwrap());
        let mut mistyped = row(&[now.clone(), la.clone()], Some("2012-03-04"));
        mistyped.categories.insert("looked-after".parse().unwrap());
        let old = row(&[before.clone(), la.clone()], Some("2012-03-04"));
        let rows = [adopted.clone(), mistyped, old];
        for anchor in [&now, &before, &la] {
            let found = of(anchor, &rows);
            assert_eq!(found.own, [anchor.clone()].into());
            assert_eq!(found.in_doubt, 0, "nobody is told that there is another");
            assert!(found.facts.dates(Event::Birth).is_some());
            let categories = found.facts.categories();
            assert_eq!(categories.len(), usize::from(*anchor == la), "{categories:?}");
        }
        // The same by the custodians' list, where no return tells of an adoption; and a service beside it joins nothing elsewhere.
        let nhs = number("nhs-number", 4);
        let rows = [
            row(&[before.clone(), nhs.clone()], Some("2012-03-04")),
            row(&[now.clone(), nhs.clone()], Some("2012-03-04")),
        ];
        for anchor in [&now, &before] {
            let found = of_listed(anchor, &rows, Some(2));
            assert_eq!((found.own, found.in_doubt), ([anchor.clone()].into(), 0));
        }
        assert_eq!(of(&now, &rows).in_doubt, 1, "without the list");
    }

    #[test]
    fn numbers_are_followed_from_row_to_row_where_the_birth_date_agrees() {
        let (upn, la, nhs) = (number("upn", 1), number("la-child-id", 2), number("nhs-number", 3));
        let rows = [
            row(&[upn.clone(), la.clone()], Some("2012-03-04")),
            row(&[la.clone(), nhs.clone()], Some("2012-03-04")),
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
            row(std::slice::from_ref(&upn), Some("2012-03-04")),
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
    fn twins_are_not_joined_by_a_row_with_a_number_of_each() {
        let day = Some("2012-03-04");
        let (ann, ben) = (number("upn", 1), number("upn", 2));
        let (anns, bens) = (number("la-child-id", 3), number("la-child-id", 4));
        let mistyped = row(&[ann.clone(), bens.clone()], day);
        let of_ann = row(&[ann.clone(), anns.clone()], day);
        let of_ben = row(&[ben.clone(), bens.clone()], day);
        let bens_alone = row(std::slice::from_ref(&bens), day);
        // Both have all their numbers; Ann has none of the service's; Ben has none of the school's.
        let found = of(&ann, &[of_ann.clone(), mistyped.clone(), of_ben.clone()]);
        assert_eq!((found.own, found.in_doubt), ([ann.clone(), anns].into(), 1));
        let found = of(&ann, &[mistyped.clone(), of_ben.clone()]);
        assert_eq!((found.own, found.in_doubt), ([ann.clone()].into(), 1));
        let found = of(&ann, &[of_ann, mistyped.clone(), bens_alone]);
        assert_eq!((found.own, found.in_doubt), ([ann.clone()].into(), 2));
        let found = of(&bens, &[mistyped, of_ben]);
        assert_eq!((found.own, found.in_doubt), ([bens].into(), 2));
    }

    #[test]
    fn a_number_without_a_birth_date_is_not_followed_and_counted() {
        let (upn, nhs) = (number("upn", 1), number("nhs-number", 3));
        let rows = [
            row(std::slice::from_ref(&upn), Some("2012-03-04")),
            row(&[upn.clone(), nhs.clone()], None),
        ];
        for (anchor, other) in [(&upn, &nhs), (&nhs, &upn)] {
            let found = of(anchor, &rows);
            assert!(!found.own.contains(other));
            assert_eq!(found.in_doubt, 1);
        }
    }

    #[test]
    fn a_former_number_of_a_kind_is_not_followed_and_stops_no_other() {
        let (now, former, la) = (number("upn", 1), number("upn", 2), number("la-child-id", 3));
        let rows = [row(&[now.clone(), former, la.clone()], Some("2012-03-04"))];
        let found = of(&now, &rows);
        assert_eq!((found.own, found.in_doubt), ([now, la].into(), 1));
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
