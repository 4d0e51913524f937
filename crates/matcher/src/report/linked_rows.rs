//! The rows about persons of all periods, each with its child of the integrated datasets, and the way that led it there.

use ahash::{HashMap, HashMapExt, HashSet};
use arrow::array::{Array, RecordBatch, UInt32Array};
use minster_model::{ColumnName, Period, Pseudonym, TableName};
use minster_store::Dataset;

use crate::{
    CROSSWALK, MatchError,
    definition::Matching,
    person_tables::{DeliveredPersons, PersonTables, coded, column, pseudonym},
    small_set::NONE,
};

/// How a row came to its child, or why it came to no pupil.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// It is the row of a pupil in the register.
    Register,
    /// It has a number that a delivery of the register, of any period, has as the pupil's current one.
    Number,
    /// It has another number that the register gives for the pupil: the column's name.
    Other(String),
    /// Another row with the same number of a service, or the same number of a child, led there.
    Bridge,
    /// Its code in the report: a match key, a score, or why it was not linked.
    Code(&'static str),
}

impl Way {
    /// The stable name in reports.
    pub(crate) fn code(&self) -> String {
        match self {
            Self::Register => "register".to_owned(),
            Self::Number => "number".to_owned(),
            Self::Other(column) => column.replace('_', "-"),
            Self::Bridge => "bridge".to_owned(),
            Self::Code(code) => (*code).to_owned(),
        }
    }

    /// Whether a number led there.
    pub(crate) fn is_by_number(&self) -> bool {
        matches!(self, Self::Number | Self::Other(_) | Self::Bridge)
    }
}

/// Codes of ways that the crosswalk has, and whether they are links.
const CODES: [(&str, bool); 10] = [
    ("match-key", true),
    ("scored", true),
    ("reviewed", true),
    ("not-on-spine", false),
    ("ambiguous-match-key", false),
    ("no-identifier", false),
    ("linked-to-nobody", false),
    ("conflicting-birth-date", false),
    ("shared-number", false),
    ("orphan", false),
];

/// A pupil as the register has it, in all periods.
#[derive(Debug, Default)]
pub(crate) struct Registered {
    pub(crate) births: Vec<u32>,
    pub(crate) names: Vec<u32>,
    pub(crate) sexes: Vec<u32>,
    current: Vec<u32>,
    /// Numbers, each with the name of its column.
    others: Vec<(u32, String)>,
}

/// All rows about persons.
pub(crate) struct PersonRows<'a> {
    pub(crate) people: &'a PersonTables,
    /// The child of each row, by [`ChildNumbers`].
    pub(crate) child: Vec<u32>,
    /// Whether each row is linked to the spine of its own period, with the code that says how or why not.
    code: Vec<(&'static str, bool)>,
    pub(crate) register: HashMap<u32, Registered>,
}

/// Ids of children, numbered as they are met.
#[derive(Default)]
pub(crate) struct ChildNumbers(HashMap<Pseudonym, u32>);

impl ChildNumbers {
    pub(crate) fn place(&mut self, id: Pseudonym) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(id).or_insert(next)
    }

    pub(crate) fn get(&self, id: &Pseudonym) -> Option<u32> {
        self.0.get(id).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The table of persons that rows of a crosswalk are about.
type DeliveredTable = (String, String, String);

impl<'a> PersonRows<'a> {
    /// Reads the crosswalks of all periods.
    pub(crate) fn read(
        matching: &Matching,
        people: &'a PersonTables,
        integrated: &[Dataset],
        children: &mut ChildNumbers,
    ) -> Result<Self, MatchError> {
        let rows = people.persons.len();
        let mut read = Self {
            people,
            child: vec![NONE; rows],
            code: vec![("not-on-spine", false); rows],
            register: HashMap::new(),
        };
        let mut starts: HashMap<DeliveredTable, u32> = HashMap::new();
        for (table, start) in people.persons.tables.iter().zip(&people.persons.starts) {
            let place = [table.source.as_str(), table.period.as_str(), table.table.as_str()]
                .map(str::to_owned);
            starts.insert(place.into(), *start);
        }
        let crosswalk: TableName = CROSSWALK.parse().map_err(|_| MatchError::Name)?;
        for dataset in integrated {
            for batch in dataset.table_coded(&crosswalk, None)? {
                read.add(&batch?, &starts, children)?;
            }
        }
        if read.child.contains(&NONE) {
            return Err(MatchError::Crosswalk);
        }
        read.learn_register(matching);
        Ok(read)
    }

    fn add(
        &mut self,
        batch: &RecordBatch,
        starts: &HashMap<DeliveredTable, u32>,
        children: &mut ChildNumbers,
    ) -> Result<(), MatchError> {
        let name = |text: &str| text.parse::<ColumnName>().map_err(|_| MatchError::Name);
        let texts = |text: &str| -> Result<_, MatchError> {
            let cells = batch.column_by_name(text).ok_or(MatchError::Crosswalk)?;
            coded(cells, &name(text)?)
        };
        let places = [texts("source")?, texts("period")?, texts("table")?];
        let (codes, words) = texts("linkage")?;
        let at =
            batch.column_by_name("row").and_then(|at| at.as_any().downcast_ref::<UInt32Array>());
        let at = at.ok_or(MatchError::Crosswalk)?;
        let ids = column(batch, &name("child")?)?.ok_or(MatchError::Crosswalk)?;
        let word = |(codes, words): (&arrow::array::Int32Array, &'_ arrow::array::StringArray),
                    row| { words.value(codes.value(row) as usize).to_owned() };
        let mut last: Option<([i32; 3], u32)> = None;
        for row in 0..batch.num_rows() {
            let here = places.map(|(codes, _)| codes.value(row));
            // The rows of a table follow each other.
            let start = match last {
                Some((before, start)) if before == here => start,
                _ => {
                    let place = places.map(|place| word(place, row)).into();
                    let start = *starts.get(&place).ok_or(MatchError::Crosswalk)?;
                    last = Some((here, start));
                    start
                }
            };
            let place =
                (start + at.value(row)).checked_sub(1).ok_or(MatchError::Crosswalk)? as usize;
            let linkage = words.value(codes.value(row) as usize);
            let known = CODES.iter().find(|known| known.0 == linkage);
            let code = known.copied().unwrap_or(("identifier", true));
            let id = pseudonym(ids, row).ok_or(MatchError::Crosswalk)?;
            *self.child.get_mut(place).ok_or(MatchError::Crosswalk)? = children.place(id);
            self.code[place] = code;
        }
        Ok(())
    }

    /// Reads numbers, birth dates, names and sexes from the rows of pupils.
    fn learn_register(&mut self, matching: &Matching) {
        let persons = &self.people.persons;
        for table in &self.people.tables {
            if !table.persons(self.people).spine {
                continue;
            }
            let columns = &matching.identities[table.identity].identifiers;
            for row in self.of_table(table) {
                let known = self.register.entry(self.child[row as usize]).or_default();
                let learn = |all: &mut Vec<u32>, value: u32| {
                    if value != NONE && !all.contains(&value) {
                        all.push(value);
                    }
                };
                learn(&mut known.births, persons.birth(row));
                learn(&mut known.names, persons.name(row));
                learn(&mut known.sexes, persons.sex(row));
                learn(&mut known.current, persons.current(row));
                for (number, column) in persons.numbers(row).iter().zip(columns).skip(1) {
                    let is_known = known.others.iter().any(|(other, _)| other == number);
                    if *number != NONE && !is_known {
                        known.others.push((*number, column.to_string()));
                    }
                }
            }
        }
    }

    /// The rows of a table of persons.
    pub(crate) fn of_table(&self, table: &DeliveredPersons) -> std::ops::Range<u32> {
        let starts = &self.people.persons.starts;
        let end = starts.get(table.place + 1).copied();
        starts[table.place]..end.unwrap_or(self.people.persons.len() as u32)
    }

    /// Whether a row came to a pupil of its period.
    pub(crate) fn is_linked(&self, row: u32) -> bool {
        self.code[row as usize].1
    }

    /// How a row came to its child, or why it came to no pupil.
    pub(crate) fn way(&self, row: u32) -> Way {
        let persons = &self.people.persons;
        match self.code[row as usize] {
            ("identifier", _) if persons.table_of(row).spine => Way::Register,
            ("identifier", _) => {
                let Some(known) = self.register.get(&self.child[row as usize]) else {
                    return Way::Bridge;
                };
                let mut further = None;
                for number in persons.numbers_known(row) {
                    if known.current.contains(&number) {
                        return Way::Number;
                    }
                    let other = known.others.iter().find(|(other, _)| *other == number);
                    further = further.or(other.map(|(_, column)| column));
                }
                further.map_or(Way::Bridge, |column| Way::Other(column.clone()))
            }
            (code, _) => Way::Code(code),
        }
    }

    /// For each match key of the register the pupils who have it.
    pub(crate) fn pupils_by_key(&self) -> HashMap<u32, HashSet<u32>> {
        let mut pupils: HashMap<u32, HashSet<u32>> = HashMap::new();
        for table in self.people.tables.iter().filter(|table| table.persons(self.people).spine) {
            for row in self.of_table(table) {
                for key in self.people.persons.keys(row) {
                    pupils.entry(key).or_default().insert(self.child[row as usize]);
                }
            }
        }
        pupils
    }

    /// The tables of persons that are of one of these deliveries: source and period.
    pub(crate) fn tables(
        &self,
        own: impl Fn(&str, &Period) -> bool,
    ) -> impl Iterator<Item = &'a DeliveredPersons> {
        let people = self.people;
        people.tables.iter().filter(move |table| {
            let of = table.persons(people);
            own(of.source.as_str(), &of.period)
        })
    }
}
