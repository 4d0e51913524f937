//! The bundle for the City Archives: a CSV file for each table of each dataset, a data dictionary, and a page that says what is what. The
//! vault adds a table of the persons' numbers.

use arrow::array::RecordBatch;
use minster_model::csv_line;
use minster_store::{Manifest, TableEntry};

use super::lines::cell;
use crate::{
    access::{Definitions, Sink, csv_name},
    failure::Failure,
};

const README: &str = "\
Records of persons, handed over before their end.

Each CSV file has the rows of one table of one dataset. Its name says which: the class (source: a service's delivery; integrated: linked
data), the name, the period and the table. data-dictionary.csv says what each column is, and which file it is in.

No file has a name or a number of a person. A code of 32 letters and digits stands for a number: numbers.csv says for which, with the kind
of the number, the person it belongs to, the person's birth dates as they were told, and the row of the retention schedule.

A cell that holds a number of a person who is not in the bundle is blank.
";

/// The files of a bundle while they are written.
#[derive(Default)]
pub(super) struct CityFiles {
    dictionary: String,
    /// The file that is being written.
    file: Option<String>,
}

impl CityFiles {
    /// Writes rows of a table, which come one after the other.
    pub(super) fn rows(
        &mut self,
        manifest: &Manifest,
        table: &TableEntry,
        batch: &RecordBatch,
        definitions: &mut Definitions<'_>,
        to: &mut impl Sink,
    ) -> Result<(), Failure> {
        let name = file_name(manifest, table);
        let fields = batch.schema_ref().fields();
        if self.file.as_ref() != Some(&name) {
            to.begin(&name)?;
            let header: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            to.text(&csv_line(&header))?;
            for column in &table.columns {
                let words = definitions.column(manifest, table.name.as_str(), &column.name);
                let kind = column.kind.as_ref().map_or("", |kind| kind.as_str());
                let line = [&name, &column.name, &column.data_type, kind, &words.meaning];
                self.dictionary += &csv_line(&line);
            }
            self.file = Some(name);
        }
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| cell(column, row));
            let cells: Vec<String> =
                cells.map(|cell| cell.map(Option::unwrap_or_default)).collect::<Result<_, _>>()?;
            to.text(&csv_line(&cells.iter().map(String::as_str).collect::<Vec<_>>()))?;
        }
        Ok(())
    }

    /// Ends the bundle with what says what is what.
    pub(super) fn end(&self, to: &mut impl Sink) -> Result<(), Failure> {
        to.begin("data-dictionary.csv")?;
        to.text(&csv_line(&["file", "column", "type", "kind", "meaning"]))?;
        to.text(&self.dictionary)?;
        to.begin("README.txt")?;
        to.text(README)
    }
}

/// The name of a table's file.
fn file_name(manifest: &Manifest, table: &TableEntry) -> String {
    let of = &manifest.dataset;
    csv_name(&format!("{}-{}-{}-{}.csv", of.class.as_str(), of.name, of.period, table.name))
}
