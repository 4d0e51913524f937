//! Workbooks: a sheet a table, read row by row.
//!
//! A cell becomes text in one way: a date as ISO, `2024-09-30`, with `T` and the time where it has one; a whole
//! number without `.0`; another in the shortest digits that give it back; true and false as `TRUE` and
//! `FALSE`; a failed formula as the spreadsheet shows it, `#N/A`. Digits that a spreadsheet took from a
//! number (its leading zeros) are not put back: a column of codes that could begin with `0` must be text in the workbook.
//!
//! A row's number is the one that a spreadsheet shows. Rows without any content are no rows and are not counted, wherever they stand; a row that begins with
//! "Total" is set aside.

use calamine::{Cell, DataRef, XlsxError};

use minster_identifiers::{Shape, shown};

use crate::{
    Definition, ExtraSheets, PlanError, PlannedFile, RawBatch, ReadError, Reason,
    batch::LONGEST_FIELD,
    contain_panics::contain,
    container::{Jumping, refuse},
    header::{self, Comparison},
    planned_file::{HEADER_ROWS, MOST_COLUMNS, PlannedSheet, SheetHeader, exactness, listed},
    reason::{is_note, is_totals},
    workbook::{self, UNREADABLE, Workbook},
};

/// Excel's own limit.
const MOST_ROWS: u32 = 1_048_576;
/// No real row is longer, in bytes; one shared string may stand in each of its cells.
const LONGEST_ROW: usize = 4 << 20;
/// A batch is full at this many rows or bytes.
const BATCH_ROWS: usize = 8 << 10;
const BATCH_BYTES: usize = 4 << 20;

/// As where a user sorted the sheet with its header.
pub(crate) const ROWS_ABOVE: &str = "rows as wide as the header stand above it; put the header on top (was the table sorted with it?) and deliver it again";

/// Default deny for sheets and their columns. Gives where the tables stand, and what is to be told.
pub(crate) fn plan_sheets(
    definition: &Definition,
    file: &PlannedFile,
) -> Result<(Vec<PlannedSheet>, Vec<String>), PlanError> {
    let mut workbook = workbook::open(file, &Jumping::open(file)?)?;
    let (mut planned, mut notes) = (Vec::new(), Vec::new());
    let mut unnamed = Vec::new();
    for ((sheet, hidden), place) in workbook::sheets(&workbook).into_iter().zip(1..) {
        let path = file.path.clone();
        if let Some(shape) = Shape::find(&sheet) {
            return Err(PlanError::TellingName { path, place, shape });
        }
        if listed(&definition.ignore, &sheet) {
            notes.push(format!("the sheet `{}` is known and dropped", shown(&sheet)));
            continue;
        }
        let fit =
            |&table: &usize| Some((exactness(&definition.tables[table].sheets, &sheet)?, table));
        let fits: Vec<(usize, usize)> = file.tables.iter().filter_map(fit).collect();
        let most = fits.iter().map(|(exact, _)| *exact).max();
        let mut tables = fits.iter().filter(|(exact, _)| Some(*exact) == most);
        let rows = first_rows(&mut workbook, file, &sheet)?;
        match (tables.next(), tables.next()) {
            _ if rows.is_empty() => notes.push(format!("the sheet `{}` is empty", shown(&sheet))),
            (None, _) => unnamed.push((sheet, hidden, rows)),
            (Some(&(_, first)), Some(&(_, second))) => {
                return Err(PlanError::AmbiguousFile {
                    path: path.join(sheet),
                    first: definition.tables[first].name.to_string(),
                    second: definition.tables[second].name.to_string(),
                });
            }
            (Some(&(_, table)), None) => {
                let header = find_header(definition, table, file, &sheet, &rows)?;
                planned.push(PlannedSheet { table, sheet, header });
            }
        }
    }
    for (sheet, hidden, rows) in unnamed {
        // A sheet that nobody sees, or whose table was read already, is not read under another name.
        let free = |table: &usize| planned.iter().all(|planned| planned.table != *table);
        let tables: Vec<usize> =
            file.tables.iter().copied().filter(|table| !hidden && free(table)).collect();
        let named = shown(&sheet);
        if let Some(table) = by_header(definition, &tables, &rows) {
            let name = &definition.tables[table].name;
            notes
                .push(format!("the sheet `{named}` is read as {name}: its header is that table's"));
            let header = find_header(definition, table, file, &sheet, &rows)?;
            planned.push(PlannedSheet { table, sheet, header });
        } else if let Some(table) = nearly(definition, file, &rows) {
            // Not guidance, but a table with another column, or one more sheet of a table that is read already.
            find_header(definition, table, file, &sheet, &rows)?;
            let (path, source_name) = (file.path.clone(), definition.name.to_string());
            return Err(PlanError::UnlistedSheet { path, sheet, hidden, source_name });
        } else if definition.extra_sheets == ExtraSheets::Ignore {
            notes.push(format!("the sheet `{named}` is no table and is passed over"));
        } else {
            let (path, source_name) = (file.path.clone(), definition.name.to_string());
            return Err(PlanError::UnlistedSheet { path, sheet, hidden, source_name });
        }
    }
    Ok((planned, notes))
}

/// The one table whose header stands in a sheet, nothing missing and nothing more.
fn by_header(definition: &Definition, tables: &[usize], rows: &[SheetRow]) -> Option<usize> {
    let fits = |table: usize| {
        let found = rows
            .iter()
            .map(|row| header::compare(definition, &definition.tables[table], &row.names()))
            .filter(Comparison::is_exact);
        Some((found.map(|found| found.known).max()?, table))
    };
    let fits: Vec<(usize, usize)> = tables.iter().filter_map(|&table| fits(table)).collect();
    let most = fits.iter().map(|(known, _)| *known).max()?;
    let mut best = fits.into_iter().filter(|(known, _)| *known == most);
    let (_, table) = best.next()?;
    best.next().is_none().then_some(table)
}

/// A table of which a sheet has most of the columns, and at least three.
fn nearly(definition: &Definition, file: &PlannedFile, rows: &[SheetRow]) -> Option<usize> {
    let known = |table: usize| {
        let compare = |row: &SheetRow| {
            let found = header::compare(definition, &definition.tables[table], &row.names());
            (found.known > found.unlisted.len()).then_some(found.known)
        };
        Some((rows.iter().filter_map(compare).max()?, table))
    };
    let most = file.tables.iter().filter_map(|&table| known(table)).max()?;
    (most.0 >= 3).then_some(most.1)
}

/// The first row that holds every column that the table counts on.
fn find_header(
    definition: &Definition,
    table: usize,
    file: &PlannedFile,
    sheet: &str,
    rows: &[SheetRow],
) -> Result<SheetHeader, PlanError> {
    let wanted = &definition.tables[table];
    let mut nearest: Option<Comparison> = None;
    for row in rows {
        let names = row.names();
        let found = header::compare(definition, wanted, &names);
        if found.certain() {
            let columns = found.places(definition, wanted, &file.path)?;
            let filled =
                |row: &SheetRow| row.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
            let above = rows.iter().take_while(|above| above.row < row.row);
            let as_wide = above.filter(|above| filled(above) >= filled(row)).count();
            if as_wide > 0 {
                return Err(refuse(&file.path, ROWS_ABOVE).into());
            }
            return Ok(SheetHeader { row: row.row, width: names.len(), columns });
        }
        if nearest.as_ref().is_none_or(|nearest| found.missing.len() < nearest.missing.len()) {
            nearest = Some(found);
        }
    }
    let (lacks, new) = match nearest {
        // Where most columns are known the row is a header, and names may be told.
        Some(nearest) if nearest.known > nearest.unlisted.len() => {
            (nearest.missing, nearest.unlisted.into_iter().map(|(_, name)| name).collect())
        }
        Some(nearest) => (nearest.missing, Vec::new()),
        None => (Vec::new(), Vec::new()),
    };
    Err(PlanError::NoHeader {
        path: file.path.clone(),
        sheet: sheet.to_owned(),
        table: wanted.name.to_string(),
        lacks: lacks.into(),
        new: new.into(),
    })
}

/// Reads a workbook's tables in batches; `take` says whether to go on. `seen` is given every byte of
/// the file in the end, for its hash.
pub(crate) fn read_workbook(
    definition: &Definition,
    file: &PlannedFile,
    seen: impl FnMut(&[u8]) + Send + 'static,
    mut take: impl FnMut(usize, RawBatch) -> bool,
) -> Result<(), ReadError> {
    let bytes = Jumping::open(file)?;
    let mut workbook = workbook::open(file, &bytes)?;
    for planned in &file.sheets {
        let columns = definition.tables[planned.table].columns.len();
        let mut batch = RawBatch::new(columns);
        let mut heard = true;
        rows(&mut workbook, file, &planned.sheet, |row| {
            if row.row > planned.header.row {
                planned.header.take(row, &mut batch);
            }
            if batch.len() >= BATCH_ROWS || batch.byte_len() >= BATCH_BYTES {
                heard = take(planned.table, std::mem::replace(&mut batch, RawBatch::new(columns)));
            }
            heard
        })?;
        if !heard || !batch.is_empty() && !take(planned.table, batch) {
            return Ok(());
        }
    }
    bytes.show(file, seen)
}

impl SheetHeader {
    fn take(&self, row: &SheetRow, batch: &mut RawBatch) {
        let number = u64::from(row.row) + 1;
        let cells = &row.cells;
        let raw = || cells.join(",").into_bytes();
        if cells.iter().find(|cell| !cell.is_empty()).is_some_and(|cell| is_totals(cell.as_bytes()))
        {
            return batch.reject(number, Reason::TotalsRow, &raw());
        }
        let mut filled = cells.iter().filter(|cell| !cell.trim().is_empty());
        if let (Some(only), None) = (filled.next(), filled.next())
            && is_note(self.width, only.as_bytes())
        {
            return batch.reject(number, Reason::NoteRow, &raw());
        }
        if cells.iter().skip(self.width).any(|cell| !cell.is_empty()) {
            return batch.reject(number, Reason::FieldCount, &raw());
        }
        if cells.iter().any(|cell| cell.len() > LONGEST_FIELD) {
            return batch.reject(number, Reason::FieldTooLong, &raw());
        }
        let cell = |place: &Option<usize>| place.and_then(|place| cells.get(place));
        let fields = self.columns.iter().map(|place| cell(place).map_or("", String::as_str));
        batch.push(number, fields.map(str::as_bytes));
    }
}

/// A row with content.
#[derive(Clone)]
struct SheetRow {
    /// From 0.
    row: u32,
    /// Its cells from the sheet's first column on.
    cells: Vec<String>,
    /// The length of all of them.
    bytes: usize,
}

impl SheetRow {
    /// The cells as names; blank ones at the end are none.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.cells.iter().map(|cell| header::tidy(cell)).collect();
        while names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        names
    }
}

/// The names in the first row of each sheet that could be a header: its first with at least two texts, or
/// else its first. For a draft.
pub(crate) fn headings(file: &PlannedFile) -> Result<Vec<(String, Vec<String>)>, ReadError> {
    let mut workbook = workbook::open(file, &Jumping::open(file)?)?;
    let mut sheets = Vec::new();
    for (sheet, _) in workbook::sheets(&workbook) {
        let rows = first_rows(&mut workbook, file, &sheet)?;
        let wide = rows.iter().find(|row| row.names().len() > 1).or(rows.first());
        sheets.push((sheet, wide.map(SheetRow::names).unwrap_or_default()));
    }
    Ok(sheets)
}

fn first_rows(
    workbook: &mut Workbook,
    file: &PlannedFile,
    sheet: &str,
) -> Result<Vec<SheetRow>, ReadError> {
    let mut first: Vec<SheetRow> = Vec::new();
    rows(workbook, file, sheet, |row| {
        first.push(row.clone());
        first.len() < HEADER_ROWS
    })?;
    Ok(first)
}

/// Gives every row with content to `take`, in the sheet's order, until it has enough.
fn rows(
    workbook: &mut Workbook,
    file: &PlannedFile,
    sheet: &str,
    mut take: impl FnMut(&SheetRow) -> bool,
) -> Result<(), ReadError> {
    let outcome = contain(|| -> Result<(), &'static str> {
        let unreadable = |_: XlsxError| UNREADABLE;
        let mut cells = workbook.worksheet_cells_reader(sheet).map_err(unreadable)?;
        let mut row = SheetRow { row: 0, cells: Vec::new(), bytes: 0 };
        while let Some(cell) = cells.next_cell().map_err(unreadable)? {
            let (at, column) = cell.get_position();
            if at >= MOST_ROWS || column as usize >= MOST_COLUMNS {
                return Err("a cell lies outside of any sheet");
            }
            if at < row.row {
                return Err("a sheet's rows are out of order");
            }
            if at > row.row {
                if row.has_content() && !take(&row) {
                    return Ok(());
                }
                row.row = at;
                row.cells.clear();
                row.bytes = 0;
            }
            row.put(column as usize, &cell)?;
        }
        if row.has_content() {
            take(&row);
        }
        Ok(())
    });
    let refuse = |what| refuse(&file.path, what);
    outcome.ok_or_else(|| refuse(UNREADABLE))?.map_err(refuse)
}

impl SheetRow {
    fn has_content(&self) -> bool {
        self.cells.iter().any(|cell| !cell.trim().is_empty())
    }

    fn put(&mut self, column: usize, cell: &Cell<DataRef<'_>>) -> Result<(), &'static str> {
        let text = text(cell.get_value());
        if text.is_empty() {
            return Ok(());
        }
        if column < self.cells.len() && !self.cells[column].is_empty() {
            return Err("a cell stands twice");
        }
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        self.bytes += text.len();
        if self.bytes > LONGEST_ROW {
            return Err("a row is longer than any real one");
        }
        self.cells[column] = text;
        Ok(())
    }
}

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(true) => "TRUE".to_owned(),
        DataRef::Bool(false) => "FALSE".to_owned(),
        DataRef::DateTime(when) if when.is_duration() => when.as_f64().to_string(),
        DataRef::DateTime(when) => {
            let (year, month, day, hour, minute, second, _) = when.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            match (hour, minute, second) {
                (0, 0, 0) => date,
                _ => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
            }
        }
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{ExcelDateTime, ExcelDateTimeType};

    #[test]
    fn cells_become_text_in_one_way() {
        let day = |serial| {
            text(&DataRef::DateTime(ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, false)))
        };
        assert_eq!(text(&DataRef::Float(9212044.0)), "9212044");
        assert_eq!(text(&DataRef::Float(1.5)), "1.5");
        assert_eq!(text(&DataRef::Float(1e15)), "1000000000000000");
        assert_eq!(text(&DataRef::Bool(true)), "TRUE");
        assert_eq!(day(45565.0), "2024-09-30");
        assert_eq!(day(45565.5), "2024-09-30T12:00:00");
        // Excel takes 1900 for a leap year: its 61 is 1 March.
        assert_eq!(day(61.0), "1900-03-01");
    }
}
