//! The integrated dataset with the columns that definitions derive from it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    rc::Rc,
};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, UInt8Array},
    compute::concat,
    datatypes::{DataType, Field, Schema},
};
use minster_model::{ColumnName, Day, TableName};
use minster_store::{Dataset, Manifest};

use super::{
    compute::{Computed, Inputs, compute},
    event_rows::{EventRows, Unusable},
    kin::{self, Derivations},
    parts::{Counted, Lists},
    values::Values,
};
use crate::{
    definition::{
        derived_column::{Derivation, EventCount},
        location::{Location, did_you_mean, location},
        release_definition::{Definition, Measure},
    },
    error::AggregateError,
    refusal::NamedRelease,
    tabulate::{
        column_values::{CHILD, failed},
        lookup,
    },
};

/// Behind a derived column's name: the column that says why a value is blank. No column is named so.
const WHY: &str = " why";

/// The row of each child, by the pseudonym.
type RowOf = HashMap<[u8; 16], u32>;

/// The dataset of a period, opened, and what is derived from it.
pub(crate) struct Linked<'a> {
    dataset: Opened<'a>,
    children: &'a TableName,
    period: Option<(Day, Day)>,
    lookups: &'a BTreeMap<String, PathBuf>,
    pub(super) derivations: RefCell<Derivations>,
    /// The release by which a column is known, where one stands.
    pub(super) known_by: RefCell<BTreeMap<ColumnName, NamedRelease>>,
    pub(super) counts: RefCell<BTreeMap<Counted, Lists>>,
    /// The columns of the dataset that are added up.
    pub(super) stored_sums: RefCell<BTreeSet<ColumnName>>,
    pub(super) stored_numbers: RefCell<BTreeMap<ColumnName, Option<Vec<i64>>>>,
    pub(super) all_events: RefCell<BTreeMap<Counted, Vec<i64>>>,
    pub(super) computed: RefCell<BTreeMap<ColumnName, Rc<Whole>>>,
    pub(super) parts: RefCell<BTreeMap<Counted, Vec<ColumnName>>>,
    row_of: RefCell<Option<Rc<RowOf>>>,
}

enum Opened<'a> {
    Own(Box<Dataset>),
    Lent(&'a Dataset),
}

/// A derived column, whole.
pub(super) struct Whole {
    pub(super) values: ArrayRef,
    why: ArrayRef,
}

/// The derived columns of those that are asked for: each batch of the others is completed with them.
pub(crate) struct Completing {
    columns: Vec<(String, ArrayRef)>,
    row: usize,
}

impl Completing {
    /// The next batch, with the derived columns.
    pub(crate) fn complete(&mut self, batch: RecordBatch) -> Result<RecordBatch, AggregateError> {
        if self.columns.is_empty() {
            return Ok(batch);
        }
        let rows = batch.num_rows();
        let mut fields: Vec<Field> =
            batch.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
        let mut arrays = batch.columns().to_vec();
        for (name, whole) in &self.columns {
            if self.row + rows > whole.len() {
                return Err(failed(name, "deriving the column"));
            }
            arrays.push(whole.slice(self.row, rows));
            fields.push(Field::new(name, whole.data_type().clone(), true));
        }
        self.row += rows;
        RecordBatch::try_new(Schema::new(fields).into(), arrays)
            .map_err(|_| failed("children", "deriving columns"))
    }
}

impl<'a> Linked<'a> {
    /// A dataset that the job opened.
    pub(crate) fn own(
        dataset: Dataset,
        children: &'a TableName,
        period: Option<(Day, Day)>,
        lookups: &'a BTreeMap<String, PathBuf>,
    ) -> Self {
        Self::new(Opened::Own(Box::new(dataset)), children, period, lookups)
    }

    /// A dataset that someone else opened.
    pub(crate) fn lent(
        dataset: &'a Dataset,
        children: &'a TableName,
        lookups: &'a BTreeMap<String, PathBuf>,
    ) -> Self {
        Self::new(Opened::Lent(dataset), children, None, lookups)
    }

    fn new(
        dataset: Opened<'a>,
        children: &'a TableName,
        period: Option<(Day, Day)>,
        lookups: &'a BTreeMap<String, PathBuf>,
    ) -> Self {
        Self {
            dataset,
            children,
            period,
            lookups,
            derivations: RefCell::default(),
            known_by: RefCell::default(),
            counts: RefCell::default(),
            stored_sums: RefCell::default(),
            stored_numbers: RefCell::default(),
            all_events: RefCell::default(),
            computed: RefCell::default(),
            parts: RefCell::default(),
            row_of: RefCell::default(),
        }
    }

    pub(crate) fn dataset(&self) -> &Dataset {
        match &self.dataset {
            Opened::Own(dataset) => dataset,
            Opened::Lent(dataset) => dataset,
        }
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        self.dataset().manifest()
    }

    pub(crate) fn manifest_sha256(&self) -> &str {
        self.dataset().manifest_sha256()
    }

    /// The children's columns as they stand in the dataset.
    pub(super) fn stored(&self) -> impl Iterator<Item = &str> {
        let tables = self.manifest().tables.iter();
        let columns =
            tables.filter(|table| table.name == *self.children).flat_map(|of| &of.columns);
        columns.map(|column| column.name.as_str())
    }

    /// Takes a definition's derived columns. `stands` is the release by which readers know them.
    ///
    /// # Errors
    /// [`AggregateError::Rule`] where a column of the dataset has the name of one, or where a release that stands derives
    /// it another way: tables are linked by the names of their columns.
    pub(crate) fn know(
        &self,
        definition: &Definition,
        stands: Option<NamedRelease>,
    ) -> Result<(), AggregateError> {
        for (place, column) in definition.columns.iter().enumerate() {
            let at = location!["column", place, "name"];
            let name = &column.name;
            // The new release that uses a name tells what stood before a column got it.
            if stands.is_none() && self.stored().any(|of| of == name.as_str()) {
                let what =
                    format!("the integrated dataset has a column {name}: give yours another name");
                return Err(definition.rule(at, what));
            }
            let known = self.derivations.borrow().get(name).cloned();
            if known.is_some_and(|known| known != column.is) && stands.is_none() {
                let known_by = self.known_by.borrow();
                let release = known_by.get(name).map(ToString::to_string).unwrap_or_default();
                let what = format!(
                    "the release {release} derives {name} another way, and readers would take the two for one: give yours another name"
                );
                return Err(definition.rule(at, what));
            }
            self.derivations.borrow_mut().entry(name.clone()).or_insert_with(|| column.is.clone());
            if let Some(release) = &stands {
                self.known_by.borrow_mut().entry(name.clone()).or_insert_with(|| release.clone());
            }
        }
        if stands.is_none() {
            self.not_derived_before(definition)?;
        }
        Ok(())
    }

    /// Takes what a definition adds up: what the sums of another about the same children differ by is protected.
    pub(crate) fn know_sums(&self, definition: &Definition) {
        let measures = definition.tables.iter().flat_map(|table| &table.measures);
        for column in measures.flat_map(Measure::summed) {
            self.know_counts(column);
        }
    }

    /// Refuses a column of the dataset that a release which stands derived: readers know another one by its name.
    fn not_derived_before(&self, definition: &Definition) -> Result<(), AggregateError> {
        let known_by = self.known_by.borrow();
        let own = |name: &ColumnName| definition.columns.iter().any(|of| of.name == *name);
        for (name, at) in definition.named_columns() {
            if let Some(release) = known_by.get(name).filter(|_| !own(name)) {
                let what = format!(
                    "the release {release} derives {name}, and this one does not: readers would take the two for one"
                );
                return Err(definition.rule(at, what));
            }
        }
        Ok(())
    }

    /// The names of all columns of the children, as they stand and as they are derived.
    pub(crate) fn names(&self) -> Vec<String> {
        let derivations = self.derivations.borrow();
        self.stored().chain(derivations.keys().map(ColumnName::as_str)).map(str::to_owned).collect()
    }

    /// Whether a column holds dates, or nothing.
    pub(crate) fn has_dates(
        &self,
        definition: &Definition,
        column: &ColumnName,
    ) -> Result<bool, AggregateError> {
        if self.derivations.borrow().contains_key(column) {
            return Ok(*self.whole(definition, column)?.values.data_type() == DataType::Date32);
        }
        let tables = self.manifest().tables.iter().filter(|table| table.name == *self.children);
        let kind = tables.flat_map(|of| &of.columns).find(|of| of.name == column.as_str());
        Ok(kind.is_some_and(|of| ["Date32", "Null"].contains(&of.data_type.as_str())))
    }

    /// Whether two columns tell of each other because they are derived from one.
    /// A recoded column is not kin to its own input where that `is_undivided`: shown by its categories alone.
    pub(crate) fn are_kin(
        &self,
        one: &str,
        other: &str,
        is_undivided: impl Fn(&str) -> bool,
    ) -> bool {
        kin::are_kin(&self.derivations.borrow(), one, other, is_undivided)
    }

    /// Some columns, as far as they stand in the dataset, and the derived rest.
    pub(crate) fn split<'c>(
        &self,
        definition: &Definition,
        columns: impl IntoIterator<Item = &'c str>,
    ) -> Result<(Vec<&'c str>, Completing), AggregateError> {
        let (mut stored, mut derived) = (Vec::new(), Vec::new());
        for name in columns {
            let plain = name.strip_suffix(WHY).unwrap_or(name);
            let column: Option<ColumnName> = plain.parse().ok();
            let column = column.filter(|column| {
                self.derivations.borrow().contains_key(column)
                    || self.computed.borrow().contains_key(column)
            });
            match column {
                Some(column) => {
                    let whole = self.whole(definition, &column)?;
                    let array = if plain == name { &whole.values } else { &whole.why };
                    derived.push((name.to_owned(), array.clone()));
                }
                None => stored.push(name),
            }
        }
        Ok((stored, Completing { columns: derived, row: 0 }))
    }

    pub(super) fn whole(
        &self,
        definition: &Definition,
        column: &ColumnName,
    ) -> Result<Rc<Whole>, AggregateError> {
        if let Some(whole) = self.computed.borrow().get(column) {
            return Ok(whole.clone());
        }
        let place = definition.columns.iter().position(|of| of.name == *column);
        let at =
            || place.map_or_else(|| location!["column"], |place| location!["column", place, "is"]);
        let derivation = self.derivations.borrow().get(column).cloned();
        let derivation =
            derivation.ok_or_else(|| failed(column.as_str(), "deriving the column"))?;
        let computed = match &derivation {
            Derivation::Count(EventCount { events, sum, conditions }) => {
                let rows = self.row_of()?;
                let counts = self.events(events, &rows).count(sum.as_ref(), &[conditions]);
                counts.map(|mut counts| {
                    Computed::of(counts.remove(&1).unwrap_or_else(|| vec![0; rows.len()]))
                })
            }
            Derivation::Event(of) => {
                let rows = self.row_of()?;
                self.events(&of.events, &rows).value(of)
            }
            other => self.of_columns(definition, (column, other), &at())?,
        };
        let named = |error| match error {
            Unusable::Wrong(what) => Unusable::Wrong(format!("the column {column}: {what}")),
            fault => fault,
        };
        let computed = computed.map_err(|error| wrong(definition, named(error), at()))?;
        let whole = Rc::new(Whole::new(computed));
        self.computed.borrow_mut().insert(column.clone(), whole.clone());
        Ok(whole)
    }

    /// A column that another reads: a derived one, or one of the dataset.
    pub(super) fn column(
        &self,
        definition: &Definition,
        (column, input): (&ColumnName, &ColumnName),
        at: &Location,
    ) -> Result<ArrayRef, AggregateError> {
        // The derivations are looked at, and let go: `whole` looks at them again.
        let is_derived = self.derivations.borrow().contains_key(input);
        match is_derived {
            true => Ok(self.whole(definition, input)?.values.clone()),
            false => self.read(definition, (column, input), at),
        }
    }

    /// Keeps whole numbers, one a child, as a column.
    pub(super) fn keep(&self, name: &ColumnName, numbers: Vec<i64>) {
        let whole = Rc::new(Whole::new(Computed::of(numbers)));
        self.computed.borrow_mut().insert(name.clone(), whole);
    }

    fn of_columns(
        &self,
        definition: &Definition,
        (column, derivation): (&ColumnName, &Derivation),
        at: &Location,
    ) -> Result<Result<Computed, Unusable>, AggregateError> {
        let mut columns: Vec<(&ColumnName, Values)> = Vec::new();
        for input in derivation.inputs() {
            let array = self.column(definition, (column, input), at)?;
            let Some(values) = Values::read(&array) else {
                let what = format!("{input} holds neither texts nor whole numbers nor dates");
                return Ok(Err(Unusable::Wrong(what)));
            };
            columns.push((input, values));
        }
        let named = derivation.lookup();
        let lookup =
            named.map(|name| lookup::named(definition, name, self.lookups, at)).transpose()?;
        let rows = self.row_of()?.len();
        if columns.iter().any(|(_, values)| values.len() != rows) {
            return Err(failed(column.as_str(), "deriving the column"));
        }
        let inputs = Inputs { rows, columns, lookup, period: self.period };
        Ok(compute(derivation, &inputs).map_err(Unusable::Wrong))
    }

    /// A column of the dataset, whole.
    pub(super) fn read(
        &self,
        definition: &Definition,
        (column, input): (&ColumnName, &ColumnName),
        at: &Location,
    ) -> Result<ArrayRef, AggregateError> {
        if !self.stored().any(|of| of == input.as_str()) {
            let known = self.names();
            let known = known.iter().map(String::as_str).filter(|of| *of != column.as_str());
            let known = did_you_mean(input.as_str(), known);
            let what = format!("the column {column}: there is no column {input}; {known}");
            return Err(definition.rule(at.clone(), what));
        }
        let mut arrays = Vec::new();
        for batch in self.dataset().table_coded(self.children, Some(&[input.as_str()]))? {
            let batch: RecordBatch = batch?;
            arrays.extend(batch.column_by_name(input.as_str()).cloned());
        }
        let arrays: Vec<_> = arrays.iter().map(AsRef::as_ref).collect();
        concat(&arrays).map_err(|_| failed(input.as_str(), "reading the column"))
    }

    pub(super) fn row_of(&self) -> Result<Rc<RowOf>, AggregateError> {
        if let Some(known) = &*self.row_of.borrow() {
            return Ok(known.clone());
        }
        let wrong = || failed(CHILD, "reading pseudonyms");
        let mut row_of = HashMap::new();
        for batch in self.dataset().table_coded(self.children, Some(&[CHILD]))? {
            let batch = batch?;
            let children = batch.column_by_name(CHILD).ok_or_else(wrong)?;
            for child in children.as_fixed_size_binary_opt().ok_or_else(wrong)?.iter() {
                let child = child.and_then(|child| child.first_chunk::<16>()).ok_or_else(wrong)?;
                if row_of.insert(*child, row_of.len() as u32).is_some() {
                    return Err(wrong());
                }
            }
        }
        let row_of = Rc::new(row_of);
        *self.row_of.borrow_mut() = Some(row_of.clone());
        Ok(row_of)
    }

    pub(super) fn events<'b>(&'b self, table: &'b TableName, row_of: &'b RowOf) -> EventRows<'b> {
        EventRows { dataset: self.dataset(), table, row_of, period: self.period }
    }
}

impl Whole {
    pub(super) fn new(Computed { values, why }: Computed) -> Self {
        Self { values: values.array(), why: std::sync::Arc::new(UInt8Array::from(why)) }
    }
}

/// The column that says why a derived one is blank.
pub(crate) fn why(column: &ColumnName) -> String {
    format!("{column}{WHY}")
}

pub(super) fn wrong(definition: &Definition, error: Unusable, at: Location) -> AggregateError {
    match error {
        Unusable::Wrong(what) => definition.rule(at, what),
        Unusable::Fault(fault) => fault,
    }
}
