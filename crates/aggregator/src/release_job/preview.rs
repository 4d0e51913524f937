//! A preview: a definition is judged as a draft's is, and nothing is kept. It holds what would be published and how many
//! cells are withheld for which reason; a true count that would be withheld is not in it.

use std::collections::BTreeMap;

use minster_attack::ReleasableSet;
use minster_model::{ColumnName, Period, TableName};
use minster_store::ReleaseLog;
use serde::Serialize;

use crate::{
    definition::{profile::Profile, release_definition::Definition},
    earlier_releases::entry::{Entry, Published},
    error::AggregateError,
    publish::{
        content,
        named_cells::{self, Change},
        protected_table::ProtectedTable,
        reasons::{self, Reason},
        restricted_report::{self, COUNTS},
        shown::Numbers,
    },
    release_job::{
        commands::{begin, tell_of_another, with_advice},
        headlines,
        job::Job,
        made::Made,
        protected_release::Judged,
    },
};

/// A definition, judged beside all that stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// The release that it would become.
    pub name: TableName,
    /// Its period.
    pub period: Period,
    /// The release of it that stands.
    pub stands: Stands,
    /// Why no number is shown, where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_numbers: Option<String>,
    /// Its tables; none where what would be released instead of what stands is refused.
    pub tables: Vec<PreviewedTable>,
}

/// The release of a definition that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stands {
    /// No release of it was let out.
    Nothing,
    /// A release of another definition has its name.
    Another,
    /// Its release stands, and the data still say the same.
    Same,
    /// Its release stands, and the data have changed since.
    Changed {
        /// How many counts and sums of each table are others now.
        numbers: Vec<usize>,
        /// Why nothing can be released instead, where nothing can.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
        /// The published numbers that would be others, by their names; none where the preview shows no numbers.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        changes: Vec<Change>,
    },
}

/// One table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PreviewedTable {
    /// The table.
    pub name: TableName,
    /// Its cells, margins included.
    pub cells: usize,
    /// The withheld ones among them.
    pub withheld: usize,
    /// Why they are withheld: the counts of children first, then each column that is summed.
    pub reasons: Vec<WithheldOf>,
    /// The headline numbers that are withheld: the total, and the totals by one dimension.
    pub headlines_withheld: usize,
    /// Those that the files would have a row of, by their names; none where the preview shows no numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headlines: Vec<String>,
    /// The children without a listed value, dimension by dimension.
    pub blanks: Vec<Blanks>,
    /// The numbers that would be published; none where the preview shows no numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
}

/// The withheld numbers of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithheldOf {
    /// `children`, or the column that is summed.
    pub of: String,
    /// How many numbers of a sum are withheld because the count of children is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_counts: Option<usize>,
    /// How many others are withheld for which reason.
    pub by_reason: BTreeMap<Reason, usize>,
}

/// The children of a table whose value of a dimension is blank or unlisted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Blanks {
    /// The dimension.
    pub dimension: ColumnName,
    /// Their share.
    pub share: BlanksShare,
}

/// The share of children without a listed value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlanksShare {
    /// There is no such child, or they count in a category that the definition lists.
    None,
    /// So many of a hundred children, from the published numbers.
    Percent(f64),
    /// It is not shown, since their number or the total is withheld.
    Withheld,
}

/// Judges a definition beside all that was ever published, and keeps nothing. The caller holds the run lock, under which
/// a release that was cut short is entered in the ledger first.
///
/// No number is shown where the purpose says so, nor under rules that withhold less than the profile `dfe`.
///
/// # Errors
/// As [`draft`](crate::draft).
pub fn preview(
    job: &Job<'_>,
    definition_text: &str,
    vault: &mut dyn ReleaseLog,
) -> Result<Preview, AggregateError> {
    judge(job, definition_text, vault).map_err(|error| error.located(definition_text))
}

fn judge(
    job: &Job<'_>,
    definition_text: &str,
    vault: &mut dyn ReleaseLog,
) -> Result<Preview, AggregateError> {
    let (definition, work) = begin(job, definition_text, vault)?;
    let judged = work.judge(&definition, vault);
    let shapes = work.shows_shapes_alone().then(|| {
        "the purpose shows shapes and shares alone before a release (`previews` in its `release`)".to_owned()
    });
    let without_numbers = shapes.or_else(|| weaker_than_usual(&definition));
    let with_numbers = without_numbers.is_none();
    let (made, stands) = match with_advice(judged, &work, &definition, vault)? {
        Judged::New(made) => {
            tell_of_another(&work, &definition);
            let another = work.ledger.another(&definition).is_some();
            (Some(made), if another { Stands::Another } else { Stands::Nothing })
        }
        Judged::Same(made) => (Some(made), Stands::Same),
        Judged::Kept { changed: numbers, revised: Ok(made) } => {
            let stands = work.ledger.same(&definition).filter(|_| with_numbers);
            let changes = stands.map(|entry| changes(&made, entry)).unwrap_or_default();
            (Some(made), Stands::Changed { numbers, refused: None, changes })
        }
        Judged::Kept { changed: numbers, revised: Err(why) } => {
            let (refused, changes) = (Some(why.to_string()), Vec::new());
            (None, Stands::Changed { numbers, refused, changes })
        }
    };
    let tables = made.map(|made| PreviewedTable::all(&made, with_numbers)).unwrap_or_default();
    let (name, period) = (definition.name, job.period.clone());
    Ok(Preview { name, period, stands, without_numbers, tables })
}

/// The published numbers that a release made anew has otherwise.
fn changes(made: &Made, stands: &Entry) -> Vec<Change> {
    let tables = made.tables.iter().zip(&stands.tables);
    let of_table = |(table, stands): (&ProtectedTable, &Published)| {
        let content = content::table(&made.definition, &table.public);
        named_cells::changes(&content, &table.public, stands)
    };
    tables.flat_map(of_table).collect()
}

/// Why no number of a definition is shown. A definition that is weaker than its purpose asks was refused before; a purpose that asks for
/// no threshold would let a preview show nearly every count.
fn weaker_than_usual(definition: &Definition) -> Option<String> {
    let usual = Profile::Dfe.policy().threshold;
    let threshold = definition.policy().threshold;
    (threshold < usual).then(|| {
        format!("its threshold is {threshold}, and a preview shows numbers from a threshold of {usual} on")
    })
}

impl PreviewedTable {
    fn all(made: &Made, with_numbers: bool) -> Vec<Self> {
        let reasons = reasons(made);
        let tables = made.tables.iter().zip(reasons).zip(made.counts.patterns());
        let previewed = |((table, reasons), pattern): ((&ProtectedTable, _), _)| {
            let (cells, withheld) = table.public.size();
            let has_pattern = made.counts.rounding().is_none();
            let content = with_numbers.then(|| content::table(&made.definition, &table.public));
            Self {
                name: table.public.definition().name.clone(),
                cells,
                withheld,
                reasons,
                headlines_withheld: match has_pattern {
                    true => headlines::withheld(&table.counts, pattern),
                    false => 0,
                },
                headlines: content
                    .as_ref()
                    .map(named_cells::headlines_withheld)
                    .unwrap_or_default(),
                blanks: blanks(&made.definition, table, with_numbers),
                numbers: content.as_ref().map(Numbers::of),
            }
        };
        tables.map(previewed).collect()
    }
}

/// Why numbers are withheld, table by table of the definition.
fn reasons(made: &Made) -> Vec<Vec<WithheldOf>> {
    let mut of_tables: Vec<Vec<WithheldOf>> = vec![Vec::new(); made.tables.len()];
    // Where every number is rounded, none is withheld.
    if made.counts.rounding().is_some() {
        return of_tables;
    }
    for (at, of) in of_tables.iter_mut().enumerate() {
        let by_reason = by_reason(&made.counts, at, |_| false);
        of.push(WithheldOf { of: COUNTS.to_owned(), as_counts: None, by_reason });
    }
    for (column, set) in made.sums.sets() {
        let tables = made.tables.iter().enumerate();
        let summed = tables
            .filter(|(_, of)| restricted_report::sums(of.public.definition(), column.as_str()));
        // The tables of the set stand in the definition's order.
        for (place, (at, table)) in summed.enumerate() {
            let is_count = |cell: usize| table.public.counts()[cell].is_none();
            let by_reason = by_reason(set, place, is_count);
            let withheld = set.patterns()[place].withheld.iter().filter(|of| **of).count();
            let others: usize = by_reason.values().sum();
            let as_counts = Some(withheld - others);
            of_tables[at].push(WithheldOf { of: column.to_string(), as_counts, by_reason });
        }
    }
    of_tables
}

/// How many cells of a table of a set are withheld for which reason, but those that are left out.
fn by_reason(
    set: &ReleasableSet,
    place: usize,
    left_out: impl Fn(usize) -> bool,
) -> BTreeMap<Reason, usize> {
    let (table, pattern) = (&set.tables()[place], &set.patterns()[place]);
    let reasons = reasons::reasons(table, pattern, set.policy(), &table.cell_counts());
    let mut by_reason = BTreeMap::new();
    for (_, reason) in reasons.into_iter().filter(|(cell, _)| !left_out(*cell)) {
        *by_reason.entry(reason).or_default() += 1;
    }
    by_reason
}

/// The shares of children without a listed value, from what is published alone.
fn blanks(definition: &Definition, table: &ProtectedTable, with_numbers: bool) -> Vec<Blanks> {
    // A share of few children to a tenth would give their number back.
    let steps = if with_numbers { 10.0 } else { 0.2 };
    let counts = &table.counts;
    let roots: Vec<_> =
        counts.dimensions().iter().map(|of| of.roots().next().unwrap_or_default()).collect();
    let published = table.public.counts();
    let total = published.get(counts.cell(&roots)).copied().flatten();
    let of_dimension = |(place, dimension): (usize, &ColumnName)| {
        let cell = headlines::cell_of_blanks(definition, counts, place);
        let share = match (cell.map(|cell| published.get(cell).copied().flatten()), total) {
            (None | Some(Some(0)), _) => BlanksShare::None,
            (Some(Some(blank)), Some(total)) if total > 0 => {
                let percent = blank as f64 * 100.0 / total as f64;
                BlanksShare::Percent((percent * steps).round() / steps)
            }
            _ => BlanksShare::Withheld,
        };
        Blanks { dimension: dimension.clone(), share }
    };
    table.public.definition().dimensions.iter().enumerate().map(of_dimension).collect()
}
