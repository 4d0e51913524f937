//! Tells the pupils of the register apart: its numbers are believed before any other's.
//!
//! Rows with one current number are one child, unless they name two. A former number ties two numbers to one child; no
//! other source does. Pupils without a number are told by their match key.

use std::collections::BTreeSet;

use ahash::{HashMap, HashMapExt, HashSet};

use crate::{
    person_rows::Persons,
    review::{Finding, Review},
    small_set::{NONE, OneOrSeveral, SmallSet},
    sorted_numbers::by_code,
    two_children::{may_be_a_twin_s, two_children},
};

/// One child of the register, while it is being put together.
#[derive(Debug, Clone, Default)]
pub(crate) struct RegisterChild {
    /// Current numbers: more than one where a former number tied them.
    pub(crate) numbers: SmallSet,
    pub(crate) births: SmallSet,
    pub(crate) names: SmallSet,
    pub(crate) sexes: SmallSet,
    pub(crate) spine: bool,
}

/// A former number that one child claims, in these rows, and another has.
struct Tie {
    unit: u32,
    known: u32,
    claims: Vec<u32>,
}

/// The children of the register.
pub(crate) struct Register {
    units: Vec<RegisterChild>,
    parents: Vec<u32>,
    /// For each row of a register its unit; none for other rows.
    of_row: Vec<u32>,
    /// For each number, former ones too, its one child, or none.
    by_number: Vec<u32>,
    /// Numbers that stand for several children, and these.
    pub(crate) shared: HashMap<u32, Vec<u32>>,
    by_key: HashMap<u32, SmallSet>,
    /// Children that reviewers made of several.
    decided: HashSet<u32>,
}

impl Register {
    pub(crate) fn new(persons: &Persons, review: &mut Review) -> Self {
        let mut register = Self {
            units: Vec::new(),
            parents: Vec::new(),
            of_row: vec![NONE; persons.len()],
            by_number: vec![NONE; persons.codes().len()],
            shared: HashMap::new(),
            by_key: HashMap::new(),
            decided: HashSet::default(),
        };
        let rows = persons.all().filter(|row| persons.table_of(*row).register);
        let (numbered, unnumbered): (Vec<_>, Vec<_>) =
            rows.map(|row| (persons.current(row), row)).partition(|(current, _)| *current != NONE);
        let numbered = sorted(numbered);
        let unnumbered: Vec<u32> = unnumbered.into_iter().map(|(_, row)| row).collect();
        let holders = twins_keys(persons, &numbered);
        let mut rows = Vec::new();
        for of_number in numbered.chunk_by(|a, b| a.0 == b.0) {
            rows.clear();
            rows.extend(of_number.iter().map(|(_, row)| *row));
            register.add_number(persons, &rows, &holders, review);
        }
        drop(rows);
        let numbered: Vec<u32> = numbered.into_iter().map(|(_, row)| row).collect();
        register.follow_former(persons, &numbered, review);
        for row in &numbered {
            register.learn_keys(persons, *row);
        }
        register.look_for_twice(persons, review);
        register.add_unnumbered(persons, &unnumbered, review);
        register
    }

    /// The rows of one current number.
    fn add_number(
        &mut self,
        persons: &Persons,
        rows: &[u32],
        holders: &HashMap<u32, OneOrSeveral>,
        review: &mut Review,
    ) {
        let Some(&first) = rows.first() else { return };
        let number = persons.current(first);
        let is_another_s = |row: u32| {
            let of_key = |key| holders.get(&key) == Some(&OneOrSeveral::Several);
            persons.keys(row).next().is_some_and(of_key)
        };
        let Some(children) = two_children(persons, rows, is_another_s) else {
            let unit = self.start(persons, first);
            self.units[unit as usize].numbers.add(number);
            rows.iter().for_each(|row| self.put(persons, *row, unit));
            self.by_number[number as usize] = unit;
            if self.units[unit as usize].births.several() {
                review.note(Finding::BirthDateInDoubt, rows.iter().copied());
            }
            if self.units[unit as usize].sexes.several() {
                review.note(Finding::SexInDoubt, rows.iter().copied());
            }
            return;
        };
        review.note(Finding::OneNumberTwoChildren, rows.iter().copied());
        let mut units: HashMap<u32, u32> = HashMap::new();
        for (row, child) in rows.iter().zip(children) {
            let unit = match units.get(&child) {
                Some(unit) => *unit,
                None => {
                    let unit = self.start(persons, *row);
                    units.insert(child, unit);
                    self.shared.entry(number).or_default().push(unit);
                    unit
                }
            };
            self.put(persons, *row, unit);
        }
    }

    fn start(&mut self, persons: &Persons, row: u32) -> u32 {
        let unit = self.units.len() as u32;
        self.units.push(RegisterChild::default());
        self.parents.push(unit);
        self.put(persons, row, unit);
        unit
    }

    fn put(&mut self, persons: &Persons, row: u32, unit: u32) {
        let unit = self.root(unit);
        self.of_row[row as usize] = unit;
        let unit = &mut self.units[unit as usize];
        unit.births.add(persons.birth(row));
        unit.names.add(persons.name(row));
        unit.sexes.add(persons.sex(row));
        unit.spine |= persons.table_of(row).spine;
    }

    /// Former numbers, each followed where one child alone claims it and the birth dates and sexes of all that it would tie
    /// allow it.
    fn follow_former(&mut self, persons: &Persons, rows: &[u32], review: &mut Review) {
        let mut claims: Vec<(u32, u32)> = Vec::new();
        for &row in rows {
            let former = persons.numbers(row).iter().skip(1);
            claims.extend(former.filter(|number| **number != NONE).map(|number| (*number, row)));
        }
        claims.sort_unstable();
        let mut ties: Vec<Tie> = Vec::new();
        let mut several: Vec<&[(u32, u32)]> = Vec::new();
        for claims in claims.chunk_by(|a, b| a.0 == b.0) {
            let former = claims[0].0;
            let mut claiming = SmallSet::default();
            claims.iter().for_each(|claim| claiming.add(self.unit(claim.1)));
            let known = Some(self.by_number[former as usize]).filter(|known| *known != NONE);
            match (claiming.only(), known) {
                (Some(unit), Some(known)) => {
                    let claims = claims.iter().map(|claim| claim.1).collect();
                    ties.push(Tie { unit, known, claims });
                }
                (Some(unit), None) if !self.shared.contains_key(&former) => {
                    self.by_number[former as usize] = unit;
                }
                (None, None) if !self.shared.contains_key(&former) => several.push(claims),
                (_, known) => {
                    // A temporary number that was used again: each of those who had it is told by name and birth date.
                    let shared = self.shared.get(&former).cloned().unwrap_or_default();
                    let had = known.map_or(shared, |one| vec![one]);
                    let same = |unit: u32| {
                        let mut same = had.iter().filter(|one| self.is_told_the_same(unit, **one));
                        same.next().filter(|_| same.next().is_none()).copied()
                    };
                    let found: Vec<(u32, Option<u32>)> =
                        claiming.iter().map(|unit| (unit, same(unit))).collect();
                    for (unit, known) in &found {
                        let rows = claims.iter().map(|claim| claim.1);
                        let claims = rows.filter(|row| self.unit(*row) == *unit).collect();
                        // Two that are alike are not made one by it.
                        let alone = found.iter().filter(|other| other.1 == *known).count() == 1;
                        match known.filter(|_| alone) {
                            Some(known) => ties.push(Tie { unit: *unit, known, claims }),
                            None => review.note(Finding::FormerNumberRefused, claims),
                        }
                    }
                }
            }
        }
        // All ties are looked at together before any child is joined.
        let mut whole: Vec<u32> = (0..self.units.len() as u32).collect();
        let root = |whole: &[u32], mut unit: u32| {
            while whole[unit as usize] != unit {
                unit = whole[unit as usize];
            }
            unit
        };
        for Tie { unit, known, .. } in &ties {
            let (a, b) = (root(&whole, *unit), root(&whole, *known));
            whole[a.max(b) as usize] = a.min(b);
        }
        let mut members: HashMap<u32, SmallSet> = HashMap::new();
        for Tie { unit, known, .. } in &ties {
            let of = members.entry(root(&whole, *unit)).or_default();
            of.add(*unit);
            of.add(*known);
        }
        for Tie { unit, known, claims } in ties {
            let all = &members[&root(&whole, unit)];
            let fits = |a: u32| all.iter().all(|b| self.may_be_one(a, b));
            match all.iter().all(fits) {
                true => {
                    self.join(self.root(unit), self.root(known));
                    if self.at(self.root(unit)).births.several() {
                        review.note(Finding::BirthDateInDoubt, claims);
                    }
                }
                false => {
                    review.note(Finding::FormerNumberRefused, claims);
                }
            }
        }
        // Numbers that two claim, such as a learner number: by now they may be one child.
        for claims in several {
            let mut claiming = SmallSet::default();
            claims.iter().for_each(|claim| claiming.add(self.unit(claim.1)));
            match claiming.only() {
                Some(unit) => self.by_number[claims[0].0 as usize] = unit,
                None => {
                    // Two children with one number: it says nothing of either.
                    self.shared.insert(claims[0].0, claiming.iter().collect());
                    review.note(Finding::FormerNumberRefused, claims.iter().map(|claim| claim.1));
                }
            }
        }
    }

    /// Whether both have one birth date and one name.
    fn is_told_the_same(&self, a: u32, b: u32) -> bool {
        let (a, b) = (&self.units[a as usize], &self.units[b as usize]);
        a.births.meets(&b.births) && a.names.meets(&b.names)
    }

    fn may_be_one(&self, a: u32, b: u32) -> bool {
        let (a, b) = (&self.units[a as usize], &self.units[b as usize]);
        let fit = |a: &SmallSet, b: &SmallSet| a.is_empty() || b.is_empty() || a.meets(b);
        let (births, sexes) = (fit(&a.births, &b.births), fit(&a.sexes, &b.sexes));
        // One name outweighs a mistyped birth date or sex, as it does under one number; not both.
        births && sexes || (births || sexes) && a.names.meets(&b.names)
    }

    fn join(&mut self, a: u32, b: u32) {
        let (keep, join) = (a.min(b), a.max(b));
        if keep == join {
            return;
        }
        self.parents[join as usize] = keep;
        let joined = self.units[join as usize].clone();
        let unit = &mut self.units[keep as usize];
        unit.numbers.add_all(&joined.numbers);
        unit.births.add_all(&joined.births);
        unit.names.add_all(&joined.names);
        unit.sexes.add_all(&joined.sexes);
        unit.spine |= joined.spine;
    }

    fn learn_keys(&mut self, persons: &Persons, row: u32) {
        let unit = self.unit(row);
        for key in persons.keys(row) {
            self.by_key.entry(key).or_default().add(unit);
        }
    }

    /// Pupils who look like others of another number.
    pub(crate) fn look_for_twice(&self, persons: &Persons, review: &mut Review) {
        let mut noted: HashMap<u32, ()> = HashMap::new();
        let register = persons.all().filter(|row| persons.table_of(*row).register);
        for row in register.filter(|row| persons.current(*row) != NONE) {
            let Some(key) = persons.keys(row).next() else { continue };
            let unit = self.unit(row);
            // The first of the children that look alike is counted; the others are noted.
            let first = self.by_key.get(&key).and_then(|units| units.iter().min());
            if first.is_some_and(|first| first != unit) && noted.insert(unit, ()).is_none() {
                review.note(Finding::TwoNumbersOneChild, [row]);
            }
        }
    }

    /// Pupils without a number: the child that their match key leads to, else one child a key.
    fn add_unnumbered(&mut self, persons: &Persons, rows: &[u32], review: &mut Review) {
        // All rows are looked up before any row is added: their order decides nothing.
        let found: Vec<Option<u32>> =
            rows.iter().map(|row| self.of_unnumbered(persons, *row, review)).collect();
        let mut by_key: HashMap<u32, u32> = HashMap::new();
        for (&row, found) in rows.iter().zip(found) {
            let key = persons.keys(row).next();
            match found.or_else(|| by_key.get(&key?).copied()) {
                Some(unit) => self.put(persons, row, unit),
                None => {
                    let unit = self.start(persons, row);
                    if let Some(key) = key {
                        by_key.insert(key, unit);
                    }
                }
            }
        }
        for &row in rows {
            self.learn_keys(persons, row);
        }
    }

    /// The numbered child that a pupil without a number is.
    fn of_unnumbered(&self, persons: &Persons, row: u32, review: &mut Review) -> Option<u32> {
        let mut former = persons.numbers_known(row).filter_map(|number| self.number(number));
        let former = former.find(|unit| self.fits(persons, row, *unit));
        former.or_else(|| match self.by_match_key(persons, row) {
            KeyHolders::One(unit) => Some(unit),
            KeyHolders::Several => {
                review.note(Finding::AmbiguousMatchKey, [row]);
                None
            }
            KeyHolders::None => None,
        })
    }

    /// The child of a register's row.
    pub(crate) fn unit(&self, row: u32) -> u32 {
        match self.of_row[row as usize] {
            NONE => NONE,
            unit => self.root(unit),
        }
    }

    pub(crate) fn root(&self, mut unit: u32) -> u32 {
        while self.parents[unit as usize] != unit {
            unit = self.parents[unit as usize];
        }
        unit
    }

    pub(crate) fn at(&self, unit: u32) -> &RegisterChild {
        &self.units[unit as usize]
    }

    /// The children, each once.
    pub(crate) fn units(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.units.len() as u32).filter(|unit| self.parents[*unit as usize] == *unit)
    }

    /// The one child of a number.
    pub(crate) fn number(&self, number: u32) -> Option<u32> {
        Some(self.by_number[number as usize])
            .filter(|unit| *unit != NONE)
            .map(|unit| self.root(unit))
    }

    /// Pairs of children with one match key: the first of each key with each of the others.
    pub(crate) fn alike(&self) -> BTreeSet<(u32, u32)> {
        let mut alike = BTreeSet::new();
        for units in self.by_key.values().filter(|units| units.several()) {
            let units: BTreeSet<u32> = units.iter().map(|unit| self.root(unit)).collect();
            let mut units = units.into_iter();
            if let Some(first) = units.next() {
                alike.extend(units.map(|other| (first, other)));
            }
        }
        alike
    }

    /// Makes children one, as reviewers decided.
    pub(crate) fn join_decided(&mut self, pairs: &[(u32, u32)]) {
        for (a, b) in pairs {
            let (a, b) = (self.root(*a), self.root(*b));
            self.join(a, b);
            self.decided.extend([a, b]);
        }
        let mut by_key = std::mem::take(&mut self.by_key);
        for units in by_key.values_mut().filter(|units| units.several()) {
            let mut roots = SmallSet::default();
            units.iter().for_each(|unit| roots.add(self.root(unit)));
            *units = roots;
        }
        self.by_key = by_key;
    }

    /// Whether a reviewer decided of a row's child.
    pub(crate) fn is_decided(&self, row: u32) -> bool {
        !self.decided.is_empty() && self.decided.contains(&self.unit(row))
    }

    /// The one child of a match key.
    pub(crate) fn only_of_key(&self, key: u32) -> Option<u32> {
        self.by_key.get(&key).and_then(SmallSet::only).map(|unit| self.root(unit))
    }

    /// All numbers of one child, with it.
    pub(crate) fn all_numbers(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let known = (0u32..).zip(&self.by_number).filter(|(_, unit)| **unit != NONE);
        known.map(|(number, unit)| (number, self.root(*unit)))
    }

    /// Whether a row's birth date, or else its name, allows that it is about this child. A new name and sex beside the birth date do
    /// not speak against it: a pupil takes both. Without the birth date they do.
    pub(crate) fn fits(&self, persons: &Persons, row: u32, unit: u32) -> bool {
        let [birth, name, sex] = self.others(persons, row, unit);
        let unit = self.at(unit);
        let dated = unit.births.has(persons.birth(row));
        !birth && (dated || !(name && sex)) || unit.names.has(persons.name(row))
    }

    /// Whether nothing that a row says is another's than this child's.
    pub(crate) fn agrees(&self, persons: &Persons, row: u32, unit: u32) -> bool {
        !self.others(persons, row, unit).contains(&true)
    }

    /// Whether a row's birth date, name and sex are known and none of those of a child.
    fn others(&self, persons: &Persons, row: u32, unit: u32) -> [bool; 3] {
        let unit = self.at(unit);
        let other = |known: &SmallSet, code| code != NONE && !known.is_empty() && !known.has(code);
        [
            other(&unit.births, persons.birth(row)),
            other(&unit.names, persons.name(row)),
            other(&unit.sexes, persons.sex(row)),
        ]
    }

    /// The child, leavers too, who alone has a row's name and birth date and is not this one: of twins one has the other's number,
    /// or the name is spelt in another way, and a namesake has this spelling. A third name tells nothing about two who share a name.
    pub(crate) fn names_another(&self, persons: &Persons, row: u32, unit: u32) -> Option<u32> {
        let (name, names) = (persons.name(row), &self.at(unit).names);
        if name == NONE || names.is_empty() || names.has(name) {
            return None;
        }
        let other = persons.keys(row).find_map(|key| self.by_key.get(&key))?.only()?;
        (other != unit && !self.at(other).names.meets(names)).then_some(other)
    }

    /// Whether a row's sex is that of one of two children, and not of the other.
    pub(crate) fn has_sex_of(&self, persons: &Persons, row: u32, unit: u32, not: u32) -> bool {
        let (sex, not) = (persons.sex(row), &self.at(not).sexes);
        self.at(unit).sexes.has(sex) && !not.is_empty() && !not.has(sex)
    }

    /// The child that a row's match keys lead to, the keys being tried in order; a pupil goes before a leaver.
    pub(crate) fn by_match_key(&self, persons: &Persons, row: u32) -> KeyHolders {
        let mut several = false;
        for key in persons.keys(row) {
            let Some(units) = self.by_key.get(&key) else { continue };
            let mut spine = SmallSet::default();
            units.iter().filter(|unit| self.at(*unit).spine).for_each(|unit| spine.add(unit));
            match spine.only().or_else(|| units.only()) {
                Some(unit) => return KeyHolders::One(unit),
                None => several = true,
            }
        }
        if several { KeyHolders::Several } else { KeyHolders::None }
    }
}

/// The match keys of numbers that may be twins', and whether several numbers have them. `numbered` are numbers, each with a row.
fn twins_keys(persons: &Persons, numbered: &[(u32, u32)]) -> HashMap<u32, OneOrSeveral> {
    let mut holders: HashMap<u32, OneOrSeveral> = HashMap::new();
    for of_number in numbered.chunk_by(|a, b| a.0 == b.0).filter(|rows| rows.len() > 1) {
        let rows: Vec<u32> = of_number.iter().map(|(_, row)| *row).collect();
        if may_be_a_twin_s(persons, &rows) {
            let keys = rows.iter().filter_map(|row| persons.keys(*row).next());
            holders.extend(keys.map(|key| (key, OneOrSeveral::default())));
        }
    }
    if holders.is_empty() {
        return holders;
    }
    for (number, row) in numbered {
        if let Some(found) = persons.keys(*row).next().and_then(|key| holders.get_mut(&key)) {
            found.add(*number);
        }
    }
    holders
}

/// Pairs of a code and a row in order.
pub(crate) fn sorted(mut pairs: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    // Rows come in order nearly always: then their codes alone are put in order.
    if !pairs.is_sorted_by_key(|(_, row)| *row) {
        pairs.sort_unstable_by_key(|(_, row)| *row);
    }
    by_code(pairs, |(code, _)| *code)
}

/// The children that have a match key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyHolders {
    None,
    One(u32),
    Several,
}
