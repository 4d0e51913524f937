//! Links the rows of all other sources: a row leads to a child of the register by its number, by a service's number that stands
//! beside it, or by a match key. Those that lead to none are joined among themselves.
//!
//! A service's number may be a family's, an incident's or a placeholder: where it stands on rows of two children, it joins
//! nothing. All rows of a number are looked at together before anything is joined, so that the order of rows decides
//! nothing.

use ahash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::{
    children::Linkage,
    person_rows::Persons,
    register::{KeyHolders, Register, sorted},
    review::{Finding, Review},
    small_set::{NONE, OneOrSeveral, SmallSet},
};

/// Rows of other sources, joined.
pub(crate) struct Services {
    /// For each row the first row that it was joined to; none for rows of the register.
    parents: Vec<u32>,
    /// For each row the register's child that it leads to itself.
    target: Vec<u32>,
    /// The register's child whose number a row has, although the birth date forbids it.
    refused: Vec<u32>,
    pub(crate) linkage: Vec<Linkage>,
    /// Numbers that are not the register's: the one row that stands for its child, or none where there are two.
    pub(crate) numbers: HashMap<u32, Option<u32>>,
    /// Rows that reviewers keep from a child of the register.
    apart: HashSet<u32>,
    /// Rows whose number is one pupil's, and whose name and birth date are another's alone.
    named_another: HashSet<u32>,
}

impl Services {
    pub(crate) fn new(persons: &Persons, register: &Register, review: &mut Review) -> Self {
        let mut services = Self {
            parents: persons.all().collect(),
            target: vec![NONE; persons.len()],
            refused: vec![NONE; persons.len()],
            linkage: vec![Linkage::NotOnSpine; persons.len()],
            numbers: HashMap::new(),
            apart: HashSet::new(),
            named_another: HashSet::new(),
        };
        let rows: Vec<u32> = persons.all().filter(|row| !persons.table_of(*row).register).collect();
        for &row in &rows {
            services.lead(persons, register, row);
        }
        services.follow_numbers(persons, register, &rows, review);
        services.settle(persons, register, &rows, review);
        services.join_by_key(persons, &rows, review);
        for &row in &rows {
            let is_refused = services.refused[row as usize] != NONE && services.child(row) == NONE;
            if is_refused || services.named_another.contains(&row) {
                review.note(Finding::NumberOfAnotherChild, [row]);
            }
            if services.linkage[row as usize] == Linkage::AmbiguousMatchKey {
                review.note(Finding::AmbiguousMatchKey, [row]);
            }
        }
        services
    }

    /// The register's child that a row leads to by itself: by a number, else by a match key.
    fn lead(&mut self, persons: &Persons, register: &Register, row: u32) {
        let place = row as usize;
        if persons.is_nobody_s(row) {
            self.linkage[place] = Linkage::LinkedToNobody;
            return;
        }
        let (mut shared, mut named_another) = (false, false);
        for number in persons.numbers_known(row) {
            if let Some(unit) = register.number(number) {
                let fits = register.fits(persons, row, unit);
                let another = fits.then(|| register.names_another(persons, row, unit)).flatten();
                if fits && another.is_none() {
                    self.target[place] = unit;
                    self.linkage[place] = Linkage::Identifier;
                    return;
                }
                self.refused[place] = unit;
                // A check letter stands against a namesake: a third thing decides. It is the sex, or a service's number below.
                if let Some(other) = another {
                    self.named_another.insert(row);
                    named_another |= !register.has_sex_of(persons, row, other, unit);
                }
            } else if let Some(units) = register.shared.get(&number) {
                match of_several(persons, register, row, units) {
                    Some(unit) => {
                        self.target[place] = unit;
                        self.linkage[place] = Linkage::Identifier;
                        return;
                    }
                    None => shared = true,
                }
            }
        }
        if named_another {
            self.linkage[place] = Linkage::ConflictingBirthDate;
            return;
        }
        let keyed = register.by_match_key(persons, row);
        self.linkage[place] = match keyed {
            KeyHolders::One(unit) => {
                self.target[place] = unit;
                Linkage::MatchKey
            }
            _ if shared => Linkage::SharedNumber,
            _ if self.refused[place] != NONE => Linkage::ConflictingBirthDate,
            KeyHolders::Several => Linkage::AmbiguousMatchKey,
            KeyHolders::None if persons.numbers_known(row).next().is_some() => Linkage::NotOnSpine,
            KeyHolders::None if persons.keys(row).next().is_some() => Linkage::NotOnSpine,
            KeyHolders::None => Linkage::NoIdentifier,
        };
    }

    /// Joins rows through the numbers of services.
    fn follow_numbers(
        &mut self,
        persons: &Persons,
        register: &Register,
        rows: &[u32],
        review: &mut Review,
    ) {
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let mut of_one_person: HashSet<u32> = HashSet::new();
        for &row in rows {
            let numbers = persons.numbers(row);
            let places = &persons.table_of(row).person_numbers;
            of_one_person.extend(places.iter().filter_map(|place| numbers.get(*place)));
            for number in persons.numbers_known(row) {
                if register.number(number).is_none() && !register.shared.contains_key(&number) {
                    pairs.push((number, row));
                }
            }
        }
        let mut pairs = sorted(pairs);
        pairs.dedup();
        self.follow_the_one_who_agrees(persons, register, &pairs);
        for pairs in pairs.chunk_by(|a, b| a.0 == b.0) {
            let rows: Vec<u32> = pairs.iter().map(|pair| pair.1).collect();
            let is_one_person_s = of_one_person.contains(&pairs[0].0);
            let classes = self.classes(persons, register, &rows, is_one_person_s);
            for class in &classes {
                class.iter().skip(1).for_each(|row| self.union(class[0], *row));
            }
            let one = (classes.len() == 1).then(|| rows[0]);
            if one.is_none() {
                review.note(Finding::ServiceNumberTwoChildren, rows.iter().copied());
            }
            self.numbers.insert(pairs[0].0, one);
        }
    }

    /// One twin has the other's number on some rows. Where a service's number stands beside numbers of several pupils, and its
    /// rows say of themselves what is true of one of these alone, the other numbers are not believed.
    fn follow_the_one_who_agrees(
        &mut self,
        persons: &Persons,
        register: &Register,
        pairs: &[(u32, u32)],
    ) {
        // The statements of several numbers about a row are compared before any row is led elsewhere.
        let mut found: HashMap<u32, OneOrSeveral> = HashMap::new();
        for pairs in pairs.chunk_by(|a, b| a.0 == b.0) {
            let target = |row: u32| self.target[row as usize];
            let led = || pairs.iter().map(|pair| pair.1).filter(|row| target(*row) != NONE);
            let mut units = SmallSet::default();
            led().for_each(|row| units.add(target(row)));
            if !units.several() {
                continue;
            }
            let agree = |unit: &u32| led().all(|row| register.agrees(persons, row, *unit));
            let mut all = units.iter().filter(agree);
            let (Some(unit), None) = (all.next(), all.next()) else { continue };
            let others = || led().filter(|row| target(*row) != unit);
            if others().all(|row| !register.agrees(persons, row, target(row))) {
                others().for_each(|row| found.entry(row).or_default().add(unit));
            }
        }
        for (row, unit) in found {
            if let Some(unit) = unit.only() {
                self.target[row as usize] = unit;
                self.linkage[row as usize] = Linkage::Identifier;
            }
        }
    }

    /// Rows of one number, by the child that they are about.
    fn classes(
        &self,
        persons: &Persons,
        register: &Register,
        rows: &[u32],
        is_one_person_s: bool,
    ) -> Vec<Vec<u32>> {
        let (led, mut open): (Vec<u32>, Vec<u32>) =
            rows.iter().partition(|row| self.target[**row as usize] != NONE);
        let mut classes = by(&led, |row| self.target[row as usize]);
        if let [class] = classes.as_mut_slice() {
            let unit = self.target[class[0] as usize];
            let (join, rest) =
                open.iter().partition(|row| self.joins(persons, register, **row, unit));
            class.extend::<Vec<u32>>(join);
            open = rest;
        }
        classes.extend(match is_one_person_s {
            true => spelt_alike_or_not(persons, &open),
            false => alike(persons, &open),
        });
        classes
    }

    /// Whether a row may be about the child that its number leads to. Where the row's own pupil number names the same
    /// child, two numbers outweigh a birth date.
    fn joins(&self, persons: &Persons, register: &Register, row: u32, unit: u32) -> bool {
        register.fits(persons, row, unit) || self.refused[row as usize] == unit
    }

    /// Looks at what was joined: rows that lead to two children, or to two birth dates or sexes without one name, are put
    /// apart.
    fn settle(
        &mut self,
        persons: &Persons,
        register: &Register,
        rows: &[u32],
        review: &mut Review,
    ) {
        // A root is the first row of its group.
        let of_root = sorted(rows.iter().map(|row| (self.root(*row), *row)).collect());
        let mut group = Vec::new();
        for of_root in of_root.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
            group.clear();
            group.extend(of_root.iter().map(|(_, row)| *row));
            let (mut targets, mut births, mut names, mut sexes) = (
                OneOrSeveral::default(),
                OneOrSeveral::default(),
                OneOrSeveral::default(),
                OneOrSeveral::default(),
            );
            for &row in &group {
                targets.add(self.target[row as usize]);
                births.add(persons.birth(row));
                names.add(persons.name(row));
                sexes.add(persons.sex(row));
            }
            let two = births == OneOrSeveral::Several || sexes == OneOrSeveral::Several;
            let sound = match targets {
                OneOrSeveral::One(unit) => {
                    group.iter().all(|row| self.joins(persons, register, *row, unit))
                }
                OneOrSeveral::Nothing => !two || names.only().is_some(),
                OneOrSeveral::Several => false,
            };
            if sound {
                continue;
            }
            review.note(Finding::ServiceNumberTwoChildren, group.iter().copied());
            group.iter().for_each(|row| self.parents[*row as usize] = *row);
            let mut first: HashMap<u32, u32> = HashMap::new();
            for &row in &group {
                let target = self.target[row as usize];
                // Rows that lead to one child are together again; the others stand alone.
                if target != NONE {
                    let keep = *first.entry(target).or_insert(row);
                    self.union(keep, row);
                }
                // None of the numbers among which the fault is leads anywhere by itself.
                for number in persons.numbers_known(row) {
                    if let Some(one) = self.numbers.get_mut(&number) {
                        *one = None;
                    }
                }
            }
        }
        self.spread(rows);
    }

    /// Gives a row the child that the rows it was joined to lead to.
    fn spread(&mut self, rows: &[u32]) {
        let mut of_root = vec![NONE; self.parents.len()];
        for &row in rows {
            if self.target[row as usize] != NONE {
                of_root[self.root(row) as usize] = self.target[row as usize];
            }
        }
        for &row in rows {
            let unit = of_root[self.root(row) as usize];
            if self.target[row as usize] == NONE && unit != NONE {
                self.target[row as usize] = unit;
                self.linkage[row as usize] = Linkage::Identifier;
            }
        }
    }

    /// Joins children off the register whom a match key shows to be one, unless two of them have different numbers in one
    /// column of one source.
    fn join_by_key(&mut self, persons: &Persons, rows: &[u32], review: &mut Review) {
        let mut holders: Vec<(u32, u32)> = Vec::new();
        for &row in rows.iter().filter(|row| self.target[**row as usize] == NONE) {
            if let Some(key) = persons.keys(row).next() {
                holders.push((key, row));
            }
        }
        let holders = sorted(holders);
        for holders in holders.chunk_by(|a, b| a.0 == b.0) {
            let rows: Vec<u32> = holders.iter().map(|holder| holder.1).collect();
            let mut roots = OneOrSeveral::default();
            rows.iter().for_each(|row| roots.add(self.root(*row)));
            if roots != OneOrSeveral::Several {
                continue;
            }
            match self.numbers_differ(persons, &rows) {
                true => review.note(Finding::AmbiguousMatchKey, rows),
                false => rows.iter().for_each(|row| self.union(rows[0], *row)),
            }
        }
    }

    fn numbers_differ(&self, persons: &Persons, rows: &[u32]) -> bool {
        let mut known: HashMap<(&str, usize), (u32, u32)> = HashMap::new();
        rows.iter().any(|row| {
            let source = persons.table_of(*row).source.as_str();
            persons.numbers(*row).iter().enumerate().any(|(column, number)| {
                let one_child = self.numbers.get(number).is_some_and(Option::is_some);
                let place = (source, column);
                *number != NONE
                    && one_child
                    && known.insert(place, (*number, *row)).is_some_and(|(other, of)| {
                        other != *number && self.root(of) != self.root(*row)
                    })
            })
        })
    }

    /// Leads groups of rows, each named by its first, to children of the register.
    pub(crate) fn lead_groups(
        &mut self,
        persons: &Persons,
        links: &[(u32, u32)],
        linkage: Linkage,
    ) {
        if links.is_empty() {
            return;
        }
        let of_root: HashMap<u32, u32> = links.iter().copied().collect();
        for row in persons.all() {
            if self.target[row as usize] == NONE
                && let Some(unit) = of_root.get(&self.root(row))
            {
                self.target[row as usize] = *unit;
                self.linkage[row as usize] = linkage;
            }
        }
    }

    /// Takes groups of rows away from children of the register to whom a match key led them.
    pub(crate) fn take_apart(&mut self, persons: &Persons, apart: &[(u32, u32)]) {
        if apart.is_empty() {
            return;
        }
        let roots: HashMap<u32, ()> = apart.iter().map(|pair| (pair.0, ())).collect();
        for row in persons.all().filter(|row| !persons.table_of(*row).register) {
            if roots.contains_key(&self.root(row)) {
                self.apart.insert(row);
                if self.linkage[row as usize] == Linkage::MatchKey {
                    self.target[row as usize] = NONE;
                    self.linkage[row as usize] = Linkage::NotOnSpine;
                }
            }
        }
    }

    /// The register's child whose number a row has and is not believed, or none.
    pub(crate) fn refused(&self, row: u32) -> u32 {
        self.refused[row as usize]
    }

    /// Whether a reviewer decided where a row belongs.
    pub(crate) fn is_reviewed(&self, row: u32) -> bool {
        self.linkage[row as usize] == Linkage::Reviewed || self.apart.contains(&row)
    }

    /// The register's child of a row, or none.
    pub(crate) fn child(&self, row: u32) -> u32 {
        self.target[row as usize]
    }

    pub(crate) fn root(&self, mut row: u32) -> u32 {
        while self.parents[row as usize] != row {
            row = self.parents[row as usize];
        }
        row
    }

    fn union(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b) as usize] = a.min(b);
    }
}

/// Which of the children of one number a row is about: the only one with its name, else the only one with its birth date.
fn of_several(persons: &Persons, register: &Register, row: u32, units: &[u32]) -> Option<u32> {
    let only = |fits: &dyn Fn(u32) -> bool| {
        let mut found = SmallSet::default();
        units.iter().filter(|unit| fits(**unit)).for_each(|unit| found.add(register.root(*unit)));
        found.only()
    };
    let (name, birth) = (persons.name(row), persons.birth(row));
    only(&|unit| register.at(register.root(unit)).names.has(name))
        .or_else(|| only(&|unit| register.at(register.root(unit)).births.has(birth)))
}

/// Rows of one number that lead to no child of the register, by name, else by birth date, else by sex: a family's number may
/// stand for twins. A row that says none of these goes with the others where these are one child.
fn alike(persons: &Persons, rows: &[u32]) -> Vec<Vec<u32>> {
    let (mut names, mut births, mut sexes) =
        (OneOrSeveral::default(), OneOrSeveral::default(), OneOrSeveral::default());
    for &row in rows {
        names.add(persons.name(row));
        births.add(persons.birth(row));
        sexes.add(persons.sex(row));
    }
    let named = rows.iter().all(|row| persons.name(*row) != NONE);
    match (names, births) {
        _ if rows.is_empty() => Vec::new(),
        (OneOrSeveral::One(_), _) if named => vec![rows.to_vec()],
        (OneOrSeveral::Several, _) => by(rows, |row| match persons.name(row) {
            NONE => persons.birth(row),
            name => name,
        }),
        (_, OneOrSeveral::Several) => by(rows, |row| persons.birth(row)),
        (OneOrSeveral::Nothing, _) if sexes == OneOrSeveral::Several => {
            by(rows, |row| persons.sex(row))
        }
        _ => vec![rows.to_vec()],
    }
}

/// The same of a number that is given to one person alone: two names are two spellings of one, two birth dates are two children.
fn spelt_alike_or_not(persons: &Persons, rows: &[u32]) -> Vec<Vec<u32>> {
    let (mut births, mut sexes) = (OneOrSeveral::default(), OneOrSeveral::default());
    for &row in rows {
        births.add(persons.birth(row));
        sexes.add(persons.sex(row));
    }
    match (births, sexes) {
        (OneOrSeveral::Several, _) | (_, OneOrSeveral::Several) => alike(persons, rows),
        _ if rows.is_empty() => Vec::new(),
        _ => vec![rows.to_vec()],
    }
}

/// Rows by a code, in the order in which the codes come.
fn by(rows: &[u32], code: impl Fn(u32) -> u32) -> Vec<Vec<u32>> {
    let mut places: HashMap<u32, usize> = HashMap::new();
    let mut groups: Vec<Vec<u32>> = Vec::new();
    for &row in rows {
        let place = *places.entry(code(row)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}
