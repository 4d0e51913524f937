//! Decides which rows are one child's: each row about a person belongs to exactly one.
//!
//! The register of pupils is believed first ([`crate::person_rows::PersonTable::register`]): two current numbers are two
//! children, whatever another service's number says, unless a former number of the register itself ties them. Rows of other
//! sources come to a child of the register by its number, by a service's number that stands beside it, or by a match key;
//! those that come to none are joined among themselves. A number that stands for two children joins nothing. A row that
//! nothing joins to another is a child of its own: none is lost, and none is counted twice.

use std::convert::Infallible;

use ahash::HashSet;
use minster_model::Pseudonym;

use crate::{
    clusters::{Clusters, of_place, reasons},
    identities::{Change, Identities},
    person_rows::Persons,
    register::Register,
    review::{Finding, Review, ReviewEntry},
    services::Services,
    small_set::NONE,
    sorted_numbers::{SortedNumbers, by_pseudonym},
};

/// How a row of a source came to its child of the spine, or why it did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Linkage {
    /// By an identifier of its own, or one that a bridge or a former UPN ties to it.
    Identifier,
    /// By a match key that exactly one child of the spine has.
    MatchKey,
    /// By the probability that its names, birth date and postcodes are a child's.
    Scored,
    /// By a reviewer's decision.
    Reviewed,
    /// Its identifier is unknown to the spine, and so are its match keys.
    NotOnSpine,
    /// More than one child of the spine has its match key.
    AmbiguousMatchKey,
    /// The row holds neither an identifier nor a match key.
    NoIdentifier,
    /// A marked identity's number stands on it, and it may be another child's.
    LinkedToNobody,
    /// Its identifier is that of a pupil with another birth date or name.
    ConflictingBirthDate,
    /// Its identifier stands for two children.
    SharedNumber,
    /// An event whose number no row about a person has.
    Orphan,
}

impl Linkage {
    /// All of them, the surest first.
    pub const ALL: [Self; 11] = [
        Self::Identifier,
        Self::MatchKey,
        Self::Scored,
        Self::Reviewed,
        Self::NotOnSpine,
        Self::AmbiguousMatchKey,
        Self::NoIdentifier,
        Self::LinkedToNobody,
        Self::ConflictingBirthDate,
        Self::SharedNumber,
        Self::Orphan,
    ];

    /// For people, beside the code.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Identifier => "by an identifier, or one that a bridge ties to it",
            Self::MatchKey => "by a match key that one pupil alone has",
            Self::Scored => "by the probability of its names, birth date and postcodes",
            Self::Reviewed => "by a reviewer's decision",
            Self::NotOnSpine => "the child is no pupil of the period",
            Self::AmbiguousMatchKey => "to no pupil: several have its match key",
            Self::NoIdentifier => "to no pupil: it has neither an identifier nor a match key",
            Self::LinkedToNobody => {
                "to nobody: a marked identity's number stands on it, and it may be another child's"
            }
            Self::ConflictingBirthDate => {
                "to no pupil: the one with its identifier has another birth date or name"
            }
            Self::SharedNumber => "to no pupil: its identifier stands for two children",
            Self::Orphan => "to no child: no row about a person has its number",
        }
    }

    /// Whether the row is linked to the spine.
    pub fn is_linked(self) -> bool {
        matches!(self, Self::Identifier | Self::MatchKey | Self::Scored | Self::Reviewed)
    }

    /// The stable name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::MatchKey => "match-key",
            Self::Scored => "scored",
            Self::Reviewed => "reviewed",
            Self::NotOnSpine => "not-on-spine",
            Self::AmbiguousMatchKey => "ambiguous-match-key",
            Self::NoIdentifier => "no-identifier",
            Self::LinkedToNobody => "linked-to-nobody",
            Self::ConflictingBirthDate => "conflicting-birth-date",
            Self::SharedNumber => "shared-number",
            Self::Orphan => "orphan",
        }
    }
}

/// The links that numbers and match keys made.
pub(crate) struct ExactLinks<'a> {
    pub(crate) persons: &'a Persons,
    pub(crate) register: &'a Register,
    pub(crate) services: &'a Services,
    pub(crate) review: &'a Review,
}

/// The decisions of a last step about rows that numbers and match keys leave: pairs of the first row of a group and a child of the
/// register.
#[derive(Default)]
pub(crate) struct LastStep {
    /// Linked by their score.
    pub(crate) scored: Vec<(u32, u32)>,
    /// Linked by reviewers.
    pub(crate) reviewed: Vec<(u32, u32)>,
    /// Kept apart by reviewers.
    pub(crate) apart: Vec<(u32, u32)>,
}

/// The child that a number leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// One child.
    Child(u32),
    /// Two children or more: what names the number alone is set aside.
    Shared,
    /// No row about a person has it.
    Unknown,
}

/// Stands for two children or more.
const SHARED: u32 = NONE - 1;

/// The child of what [`Children::by_number`] leads to.
pub(crate) fn of_found(found: u32) -> Number {
    match found {
        NONE => Number::Unknown,
        SHARED => Number::Shared,
        child => Number::Child(child),
    }
}

/// The children, numbered from 0 in the order of their pseudonyms.
#[derive(Debug)]
pub struct Children {
    names: Vec<Pseudonym>,
    spine: Vec<bool>,
    of_row: Vec<u32>,
    linkage: Vec<Linkage>,
    /// The child that each number leads to, or [`SHARED`].
    by_number: SortedNumbers,
    review: Review,
    starts: Vec<u32>,
    is_news: bool,
    changes: Vec<(Change, String)>,
}

impl Children {
    /// Decides who is who; nobody has an id yet.
    pub fn new(persons: &Persons) -> Self {
        Self::known(persons, &mut Identities::default())
    }

    /// Decides who is who. A child who has an id keeps it, and what is new is remembered.
    pub fn known(persons: &Persons, identities: &mut Identities) -> Self {
        let by_nothing_else = |_: &ExactLinks<'_>| Ok::<_, Infallible>(LastStep::default());
        match Self::with(persons, identities, |_| Vec::new(), by_nothing_else) {
            Ok(children) => children,
            Err(never) => match never {},
        }
    }

    /// Decides who is who. Asks a first step which children of the register are one besides, and a last step about what numbers
    /// and match keys leave.
    pub(crate) fn with<E>(
        persons: &Persons,
        identities: &mut Identities,
        first: impl FnOnce(&Register) -> Vec<(u32, u32)>,
        last: impl FnOnce(&ExactLinks<'_>) -> Result<LastStep, E>,
    ) -> Result<Self, E> {
        let mut review = Review::default();
        let mut register = Register::new(persons, &mut review);
        let joined = first(&register);
        if !joined.is_empty() {
            register.join_decided(&joined);
            review.forget(Finding::TwoNumbersOneChild);
            register.look_for_twice(persons, &mut review);
        }
        let mut services = Services::new(persons, &register, &mut review);
        let exact =
            ExactLinks { persons, register: &register, services: &services, review: &review };
        let LastStep { scored, reviewed, apart } = last(&exact)?;
        services.take_apart(persons, &apart);
        services.lead_groups(persons, &scored, Linkage::Scored);
        services.lead_groups(persons, &reviewed, Linkage::Reviewed);
        Ok(Self::of(persons, identities, (&register, &services), review))
    }

    fn of(
        persons: &Persons,
        identities: &mut Identities,
        (register, services): (&Register, &Services),
        review: Review,
    ) -> Self {
        let Clusters { of_row, all, rows: rows_of, keys } =
            Clusters::new(persons, register, services);
        let assigned = identities.assign(&all, |cluster| of_place(persons, rows_of.of(cluster)[0]));
        let order = by_pseudonym(assigned.ids.iter().copied().zip(0..).collect());
        let mut child_of = vec![0u32; order.len()];
        for ((_, cluster), child) in order.iter().zip(0u32..) {
            child_of[*cluster as usize] = child;
        }
        let names: Vec<Pseudonym> = order.into_iter().map(|(id, _)| id).collect();
        let child_of_unit = |unit| keys.of_unit(unit).map(|cluster| child_of[cluster as usize]);
        let mut spine = vec![false; names.len()];
        for unit in register.units() {
            if let Some(child) = child_of_unit(unit) {
                spine[child as usize] = register.at(unit).spine;
            }
        }
        let rows: Vec<u32> = of_row.iter().map(|cluster| child_of[*cluster as usize]).collect();
        let child = |row: u32| rows.get(row as usize).copied();
        let reasons = reasons(persons, &rows_of, &assigned, (&review, register, services));
        // A change that would name two identities of one child together is written nowhere.
        let is_exact_only =
            |cluster: usize| rows_of.of(cluster).iter().any(|row| persons.is_exact_only(*row));
        let exact_only: HashSet<Pseudonym> = (assigned.ids.iter().enumerate())
            .filter(|(cluster, _)| is_exact_only(*cluster))
            .map(|(_, id)| *id)
            .collect();
        let changes = assigned.changes.into_iter().zip(reasons);
        let changes = changes.filter(|(change, _)| {
            !exact_only.contains(&change.from) && !exact_only.contains(&change.to)
        });
        let changes = changes.collect();
        let is_news = assigned.learnt > 0;
        let linkage = |row: u32| {
            let on_spine = spine.get(rows[row as usize] as usize).copied().unwrap_or(false);
            match services.linkage[row as usize] {
                _ if persons.table_of(row).register && on_spine => Linkage::Identifier,
                linkage if linkage.is_linked() && !on_spine => Linkage::NotOnSpine,
                linkage => linkage,
            }
        };
        let linkage = persons.all().map(linkage).collect();
        let mut by_number = vec![NONE; persons.codes().len()];
        let mut learn = |number: u32, child: Option<u32>| {
            by_number[number as usize] = child.unwrap_or(SHARED);
        };
        for (number, row) in &services.numbers {
            learn(*number, row.and_then(child));
        }
        for (number, unit) in register.all_numbers() {
            learn(number, child_of_unit(unit));
        }
        for number in register.shared.keys() {
            learn(*number, None);
        }
        let codes = (0u32..).zip(by_number).filter(|(_, child)| *child != NONE);
        let pairs: Vec<_> = codes.map(|(code, child)| (persons.pseudonym(code), child)).collect();
        let (starts, by_number) = (persons.starts.clone(), SortedNumbers::new(&pairs));
        Self { names, spine, of_row: rows, linkage, by_number, review, starts, is_news, changes }
    }

    /// Each child's id. It was made of the first delivery with a row about the child: its least current number of the
    /// register there, else its least number, else its match key, else its row's place.
    pub fn names(&self) -> &[Pseudonym] {
        &self.names
    }

    /// Whether each child is a pupil of the council's schools.
    pub fn on_spine(&self) -> &[bool] {
        &self.spine
    }

    /// Whether something leads to an id that did not before.
    pub(crate) fn is_news(&self) -> bool {
        self.is_news
    }

    /// Merges and splits of ids that stood, each with its reason.
    pub fn changes(&self) -> &[(Change, String)] {
        &self.changes
    }

    /// The child of a number.
    pub fn number(&self, number: &Pseudonym) -> Number {
        of_found(self.by_number.of(number))
    }

    /// The value to which each number leads; [`of_found`] says which child that is.
    pub(crate) fn by_number(&self) -> &SortedNumbers {
        &self.by_number
    }

    /// The child of each row of a table of persons, tables and rows in the order in which they were added.
    pub fn of_table(&self, table: usize) -> &[u32] {
        let (start, end) = self.bounds(table);
        &self.of_row[start..end]
    }

    /// How each row of a table of persons came to the spine.
    pub fn linkage_of_table(&self, table: usize) -> &[Linkage] {
        let (start, end) = self.bounds(table);
        &self.linkage[start..end]
    }

    fn bounds(&self, table: usize) -> (usize, usize) {
        let at = |table: usize| self.starts.get(table).map_or(self.of_row.len(), |at| *at as usize);
        (at(table), at(table + 1))
    }

    /// Rows about persons that belong to no child: none, or this program is at fault.
    pub fn lost(&self) -> usize {
        self.of_row.iter().filter(|child| **child == NONE).count()
    }

    /// For each child whether a finding for review is about one of its rows.
    pub(crate) fn in_doubt(&self) -> Vec<bool> {
        let mut in_doubt = vec![false; self.names.len()];
        for child in self.review.rows().filter_map(|row| self.of_row.get(row as usize)) {
            in_doubt[*child as usize] = true;
        }
        in_doubt
    }

    /// For each child whether one of its rows is linked by its number alone.
    pub(crate) fn exact_only(&self, persons: &Persons) -> Vec<bool> {
        let mut marked = vec![false; self.names.len()];
        for (child, row) in self.of_row.iter().zip(0u32..) {
            marked[*child as usize] |= persons.is_exact_only(row);
        }
        marked
    }

    /// For review: what has a row in one of the wanted tables of persons, which are numbered in the order in which they
    /// were added.
    pub fn review(&self, persons: &Persons, wanted: impl Fn(usize) -> bool) -> Vec<ReviewEntry> {
        self.review.entries(persons, wanted)
    }
}
