//! One batch from raw rows to a record batch: its cells coded and treated once for each distinct value, its
//! rows accepted, set aside or recognised as duplicates, the accepted ones gathered.

mod corrected;
mod known_persons;
mod persons;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use arrow::{
    array::{Date32Array, RecordBatch, RecordBatchOptions, StringViewArray, UInt32Array},
    compute::take,
    datatypes::SchemaRef,
};
use minster_model::{Kind, RowCounts};
use minster_sources::{Part, RawBatch, Reason};
use minster_vault_api::Token;

use crate::{
    IngestError,
    cells::{Note, Tally},
    columns,
    distinct_values::DistinctValues,
    duplicates::{Fingerprints, Print},
    quarantine::{Failed, Raw},
    shared_numbers::Watched,
    slips::NumberAndBirthDate,
    tokens::TokenTable,
    treatment::{Cell, PlannedColumn, PlannedKey, TablePlan, TreatedCell},
};

use known_persons::KnownPersons;

/// A batch whose distinct cells were treated.
pub(crate) struct ParsedBatch<'a> {
    plan: &'a TablePlan,
    batch: &'a RawBatch,
    /// One a column of the table; none where nothing of it passes.
    columns: Vec<Option<ColumnCells<'a>>>,
    /// Texts that stand in the places of delivered ones, by row and column.
    corrected: HashMap<(usize, usize), &'a str>,
}

/// A column: for each row the place of what its cell became.
struct ColumnCells<'a> {
    codes: Vec<u32>,
    cells: Vec<Result<TreatedCell<'a>, Reason>>,
}

/// A batch whose rows are accepted or not; identifiers' tokens are still to come.
pub(crate) struct TriagedBatch<'a> {
    treated: ParsedBatch<'a>,
    accepted: Vec<u32>,
    keys: Vec<KeyCells>,
    pub(crate) failed: Vec<Failed>,
    pub(crate) counts: RowCounts,
    pub(crate) tally: Tally,
}

/// A match key: for each accepted row the place of its cell.
struct KeyCells {
    codes: Vec<u32>,
    cells: Vec<Cell<'static>>,
}

impl<'a> ParsedBatch<'a> {
    /// Codes and treats a batch; its rows' fingerprints, where duplicates are to be recognised.
    pub(crate) fn new(
        plan: &'a TablePlan,
        batch: &'a RawBatch,
        fingerprints: Option<&Fingerprints>,
        keys: &ahash::RandomState,
    ) -> (Self, Option<Vec<Print>>) {
        let code = |(place, planned): (usize, &PlannedColumn)| {
            let needed = fingerprints.is_some() || planned.passes();
            Some(DistinctValues::new(batch.column(place).filter(|_| needed)?, keys))
        };
        let coded: Vec<Option<DistinctValues<'a>>> =
            plan.columns.iter().enumerate().map(code).collect();
        let prints = fingerprints.map(|prints| prints.of(batch.len(), &coded, batch.units()));
        let treat = |(planned, coded): (&'a PlannedColumn, Option<DistinctValues<'a>>)| {
            planned.passes().then(|| {
                let DistinctValues { codes, values } =
                    coded.unwrap_or_else(|| DistinctValues::absent(batch.len()));
                let treat = |value| plan.treat(planned, value);
                ColumnCells { codes, cells: values.into_iter().map(treat).collect() }
            })
        };
        let columns = plan.columns.iter().zip(coded).map(treat).collect();
        let mut parsed = Self { plan, batch, columns, corrected: HashMap::new() };
        parsed.correct();
        (parsed, prints)
    }

    /// A column's mistyped numbers, each with the birth date beside it; and how many different ones of how many are such.
    pub(crate) fn slips(
        &self,
        column: usize,
    ) -> (BTreeSet<NumberAndBirthDate<'_>>, (usize, usize)) {
        let (Some(numbers), Some(born)) = (&self.columns[column], self.giving(Part::BirthDate))
        else {
            return Default::default();
        };
        let is_slip = |cell: &Result<TreatedCell<'_>, Reason>| {
            cell.as_ref().is_ok_and(|cell| cell.slip.is_some())
        };
        let is_there =
            |cell: &&Result<TreatedCell<'_>, Reason>| cell.as_ref().is_ok_and(|cell| !cell.blank);
        let wrong = numbers.cells.iter().filter(|cell| is_slip(cell)).count();
        let mut slips = BTreeSet::new();
        if wrong > 0 {
            let rows = 0..self.batch.len();
            slips.extend(rows.filter_map(|row| Some((numbers.slip(row)?, born.day(row)?))));
        }
        (slips, (wrong, numbers.cells.iter().filter(is_there).count()))
    }

    /// Puts what was learnt of a column's mistyped numbers in their places.
    pub(crate) fn mend(
        &mut self,
        column: usize,
        token: impl Fn(NumberAndBirthDate<'_>) -> Option<Token>,
    ) {
        let Some(born) = self.giving(Part::BirthDate) else { return };
        let Some(numbers) = &self.columns[column] else { return };
        let mut mended: HashMap<(u32, u32), Option<u32>> = HashMap::new();
        let (mut cells, mut codes) = (Vec::new(), Vec::new());
        for row in 0..self.batch.len() {
            let (Some(slip), Some(day)) = (numbers.slip(row), born.day(row)) else { continue };
            let place = (numbers.codes[row], born.codes[row]);
            let place = *mended.entry(place).or_insert_with(|| {
                let reason = numbers.at(row).as_ref().ok()?.failed()?;
                cells.push(Ok(TreatedCell::repaired(token((slip, day))?, reason)));
                Some((numbers.cells.len() + cells.len() - 1) as u32)
            });
            codes.extend(place.map(|place| (row, place)));
        }
        if let Some(numbers) = &mut self.columns[column] {
            numbers.cells.extend(cells);
            codes.into_iter().for_each(|(row, place)| numbers.codes[row] = place);
        }
    }

    /// Tells the rows that are accepted from those that are not; `fresh` says of each row whether it was
    /// not seen before.
    pub(crate) fn triage(self, fresh: Option<&[bool]>) -> TriagedBatch<'a> {
        let mut failed: Vec<Failed> = self.batch.rejected().iter().map(Failed::unsplit).collect();
        let known = KnownPersons::of(&self);
        let wrong: Vec<(usize, &ColumnCells<'_>)> = (0..self.columns.len())
            .filter_map(|place| Some((place, self.columns[place].as_ref()?)))
            .filter(|(_, column)| column.cells.iter().any(Result::is_err))
            .collect();
        let rows = self.batch.len();
        let all = wrong.is_empty()
            && known.are_all()
            && fresh.is_none_or(|fresh| fresh.iter().all(|fresh| *fresh));
        let mut accepted: Vec<u32> = Vec::with_capacity(rows);
        if all {
            accepted.extend(0..rows as u32);
        }
        let mut duplicate = 0;
        for row in accepted.len()..rows {
            // Two rows of nobody that is known may be two children's.
            if fresh.is_some_and(|fresh| !fresh[row]) && known.says_number(row) {
                duplicate += 1;
                continue;
            }
            let mut faults: Vec<(usize, Reason)> = wrong
                .iter()
                .filter_map(|(place, column)| Some((*place, *column.at(row).as_ref().err()?)))
                .collect();
            let nobody = self.plan.finds_persons && !known.has_person(row);
            if faults.is_empty() && !nobody {
                accepted.push(row as u32);
                continue;
            }
            // Why no number of the row tells whose it is, beside what else fails.
            faults.extend(known.failed(row));
            faults.sort_unstable_by_key(|fault| fault.0);
            let mut faults = faults.into_iter();
            let first = faults.next().unwrap_or((known.first_place(), Reason::Unidentified));
            failed.push(self.fail(row, first, faults));
        }
        failed.sort_by_key(|failed| failed.number);
        let counts = RowCounts {
            read: (self.batch.len() + self.batch.rejected().len()) as u64,
            accepted: accepted.len() as u64,
            quarantined: failed.len() as u64,
            duplicate,
            blocked: 0,
        };
        let keys = self.plan.keys.iter().map(|key| self.key(key, &accepted)).collect();
        let tally = self.tally(&accepted);
        let mut triaged = TriagedBatch { treated: self, accepted, keys, failed, counts, tally };
        triaged.forget_unused();
        triaged
    }

    /// The different cells of a column, as treated.
    pub(crate) fn distinct(
        &self,
        column: usize,
    ) -> impl Iterator<Item = &Result<TreatedCell<'a>, Reason>> {
        self.columns[column].iter().flat_map(|column| &column.cells)
    }

    /// Counts the accepted rows' cells that did not pass as they were. A batch without such a cell costs nothing.
    fn tally(&self, accepted: &[u32]) -> Tally {
        let mut tally = Tally::rows(accepted.len() as u64);
        for (place, (planned, column)) in self.plan.columns.iter().zip(&self.columns).enumerate() {
            let Some(column) = column else { continue };
            let told = |cell: &TreatedCell<'_>| cell.note.is_some() || cell.blank;
            if !planned.is_counted() || !column.cells.iter().flatten().any(told) {
                continue;
            }
            // One pass over the rows, however many of the cells are noted.
            let note = |cell: &Result<TreatedCell<'_>, Reason>| cell.as_ref().ok()?.note;
            let notes: Vec<Option<Note>> = column.cells.iter().map(note).collect();
            let mut counts = vec![0u64; column.cells.len()];
            let mut first: BTreeMap<Note, Vec<u64>> = BTreeMap::new();
            for row in accepted {
                let code = column.codes[*row as usize] as usize;
                counts[code] += 1;
                if let Some(note) = notes[code] {
                    let rows = first.entry(note).or_default();
                    if rows.len() < Tally::few() {
                        rows.push(self.batch.number(*row as usize));
                    }
                }
            }
            for (cell, cells) in column.cells.iter().zip(counts) {
                let Ok(cell) = cell else { continue };
                // A number that was repaired in all its rows is no row's any more.
                if let Some(note) = cell.note
                    && cells > 0
                {
                    tally.note(place, note, cells, first.remove(&note).unwrap_or_default());
                }
                if cell.blank {
                    tally.blank(place, cells);
                }
            }
        }
        tally
    }

    fn fail(
        &self,
        row: usize,
        first: (usize, Reason),
        others: impl Iterator<Item = (usize, Reason)>,
    ) -> Failed {
        let text = |place| String::from_utf8_lossy(self.batch.field(row, place)).into_owned();
        let fields = self.plan.columns.iter().enumerate();
        Failed {
            number: self.batch.number(row),
            column: Some(first.0),
            reason: first.1,
            also: others.collect(),
            raw: Raw::Fields(
                fields.map(|(place, column)| (column.name.clone(), text(place))).collect(),
            ),
        }
    }

    /// The column that gives a part; of two the later one.
    fn giving(&self, part: Part) -> Option<&ColumnCells<'a>> {
        let place = self.plan.columns.iter().rposition(|column| column.part() == Some(part))?;
        self.columns[place].as_ref()
    }

    fn key(&self, key: &PlannedKey, accepted: &[u32]) -> KeyCells {
        let columns: Vec<Option<&ColumnCells<'_>>> =
            key.parts.iter().map(|part| self.giving(*part)).collect();
        let mut places: HashMap<String, u32> = HashMap::new();
        let mut cells = vec![Cell::Null];
        let mut text = String::new();
        let codes = accepted.iter().map(|row| {
            text.clear();
            for (place, column) in columns.iter().enumerate() {
                let part = column.and_then(|column| column.at(*row as usize).as_ref().ok());
                let Some(part) = part.and_then(|cell| cell.part.as_deref()) else { return 0 };
                if place > 0 {
                    text.push('\u{1f}');
                }
                text.push_str(part);
            }
            if let Some(place) = places.get(&text) {
                return *place;
            }
            let place = cells.len() as u32;
            cells.push(Cell::Identifier(text.as_bytes().into()));
            places.insert(text.clone(), place);
            place
        });
        KeyCells { codes: codes.collect(), cells }
    }
}

impl<'a> ColumnCells<'a> {
    /// A row's mistyped number.
    fn slip(&self, row: usize) -> Option<&[u8]> {
        self.at(row).as_ref().ok()?.slip.as_deref()
    }

    /// A row's birth date.
    fn day(&self, row: usize) -> Option<&str> {
        self.at(row).as_ref().ok()?.part.as_deref()
    }

    fn at(&self, row: usize) -> &Result<TreatedCell<'a>, Reason> {
        &self.cells[self.codes[row] as usize]
    }
}

impl TriagedBatch<'_> {
    /// Forgets the identifiers that no accepted row has: nobody is asked about them.
    fn forget_unused(&mut self) {
        for (planned, column) in self.treated.plan.columns.iter().zip(&mut self.treated.columns) {
            let Some(column) = column else { continue };
            let is_identifier = |cell: &Result<TreatedCell<'_>, Reason>| {
                cell.as_ref().is_ok_and(|cell| matches!(cell.cell, Cell::Identifier(_)))
            };
            if planned.output.is_none() || !column.cells.iter().any(is_identifier) {
                continue;
            }
            let mut used = vec![false; column.cells.len()];
            for row in &self.accepted {
                used[column.codes[*row as usize] as usize] = true;
            }
            for (cell, used) in column.cells.iter_mut().zip(used) {
                if let Ok(cell) = cell
                    && !used
                    && matches!(cell.cell, Cell::Identifier(_))
                {
                    cell.cell = Cell::Null;
                }
            }
        }
    }

    /// The values that the accepted rows' cells of a column give to scored matching.
    pub(crate) fn for_scoring(&self, column: usize) -> impl Iterator<Item = Option<&str>> {
        let column = self.treated.columns[column].as_ref();
        self.accepted.iter().map(move |row| {
            let cell = column?.at(*row as usize).as_ref().ok()?;
            cell.linkage.as_deref()
        })
    }

    /// How many rows are accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.len()
    }

    /// A column's different numbers in accepted rows, before their tokens stand in their places.
    pub(crate) fn numbers(&self, Watched(column): Watched) -> impl Iterator<Item = &[u8]> {
        let cells = self.treated.columns[column].iter().flat_map(|column| &column.cells);
        cells.flatten().filter_map(|cell| cell.cell.identifier())
    }

    /// A column's numbers in accepted rows, each with the birth dates beside it, before their tokens stand in their places.
    pub(crate) fn births(&self, column: usize) -> BTreeSet<NumberAndBirthDate<'_>> {
        let Some(numbers) = &self.treated.columns[column] else { return BTreeSet::new() };
        let Some(born) = self.treated.giving(Part::BirthDate) else { return BTreeSet::new() };
        let codes = |row: &u32| (numbers.codes[*row as usize], born.codes[*row as usize]);
        let rows: HashMap<(u32, u32), u32> =
            self.accepted.iter().map(|row| (codes(row), *row)).collect();
        let pair = |row: u32| {
            let number = numbers.at(row as usize).as_ref().ok()?.cell.identifier()?;
            Some((number, born.day(row as usize)?))
        };
        rows.into_values().filter_map(pair).collect()
    }

    /// The identifiers whose tokens are still to be learnt.
    pub(crate) fn identifiers(&self) -> impl Iterator<Item = (&Kind, &[u8])> {
        let plan = self.treated.plan;
        let of_columns =
            plan.columns.iter().zip(&self.treated.columns).flat_map(|(column, cells)| {
                let kind = column.output.and_then(|output| plan.outputs[output].kind.as_ref());
                let cells = cells.iter().flat_map(|column| &column.cells);
                cells.flatten().filter_map(move |treated| Some((kind?, treated.cell.identifier()?)))
            });
        let of_keys = plan.keys.iter().zip(&self.keys).flat_map(|(key, cells)| {
            cells.cells.iter().filter_map(|cell| Some((&key.kind, cell.identifier()?)))
        });
        of_columns.chain(of_keys)
    }

    /// Puts each identifier's token in its place, once all were learnt.
    pub(crate) fn resolve(&mut self, tokens: &TokenTable) -> Result<(), IngestError> {
        let plan = self.treated.plan;
        for (column, cells) in plan.columns.iter().zip(&mut self.treated.columns) {
            let kind = column.output.and_then(|output| plan.outputs[output].kind.as_ref());
            let (Some(kind), Some(cells)) = (kind, cells) else { continue };
            for treated in cells.cells.iter_mut().flatten() {
                treated.asked = treated.cell.identifier().is_some();
                tokens.resolve(kind, &mut treated.cell)?;
            }
        }
        for (key, cells) in plan.keys.iter().zip(&mut self.keys) {
            cells.cells.iter_mut().try_for_each(|cell| tokens.resolve(&key.kind, cell))?;
        }
        Ok(())
    }

    /// The accepted rows, once every identifier's token stands in its place.
    pub(crate) fn gather(mut self, schema: &SchemaRef) -> Result<RecordBatch, IngestError> {
        let plan = self.treated.plan;
        let all = self.accepted.len() == self.treated.batch.len();
        let mut arrays = vec![None; plan.outputs.len()];
        for (planned, column) in plan.columns.iter().zip(&mut self.treated.columns) {
            let Some(column) = column else { continue };
            let codes = match all {
                true => UInt32Array::from(std::mem::take(&mut column.codes)),
                false => UInt32Array::from_iter_values(
                    self.accepted.iter().map(|row| column.codes[*row as usize]),
                ),
            };
            let cells = || column.cells.iter().map(|cell| cell.as_ref().ok());
            if let Some(output) = planned.output {
                let cells = cells().map(|cell| cell.map(|cell| &cell.cell));
                let values = columns::values(&plan.outputs[output], cells)?;
                arrays[output] = Some(take(&values, &codes, None)?);
            }
            if let Some(state) = planned.state {
                let values: StringViewArray = cells().map(|cell| Some(cell?.state)).collect();
                arrays[state] = Some(take(&values, &codes, None)?);
            }
            if let Some(cohort) = planned.cohort {
                let values: Date32Array = cells().map(|cell| cell?.cohort).collect();
                arrays[cohort] = Some(take(&values, &codes, None)?);
            }
        }
        for (planned, key) in plan.keys.iter().zip(&self.keys) {
            let output = &plan.outputs[planned.output];
            let values = columns::values(output, key.cells.iter().map(Some))?;
            let codes = UInt32Array::from_iter_values(key.codes.iter().copied());
            arrays[planned.output] = Some(take(&values, &codes, None)?);
        }
        if let Some(unit) = plan.unit {
            let units = self.treated.batch.units();
            let units = self.accepted.iter().map(|row| units[*row as usize]);
            arrays[unit] = Some(Arc::new(UInt32Array::from_iter_values(units)));
        }
        let arrays: Option<Vec<_>> = arrays.into_iter().collect();
        let arrays = arrays.ok_or(IngestError::Unlearnt)?;
        let rows = RecordBatchOptions::new().with_row_count(Some(self.accepted.len()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &rows)?)
    }
}
