//! Lays what the made-up council says of its rows beside the child that linking gave each of them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::Path,
};

use arrow::array::UInt32Array;
use minster_model::DatasetRef;
use minster_store::{Origin, REASONS, SetAside, UNIT};

use crate::{
    Site,
    linked::{Linked, RowLinked},
};

/// A row about a person that a source delivered. Rows that stand twice count once.
pub(crate) struct Row {
    pub(crate) source: String,
    /// The delivery's period, the file, and the row's place in it, from 0.
    pub(crate) place: (String, String, usize),
    /// The true child.
    pub(crate) child: u32,
    /// The defect of the row; blank where it has none.
    pub(crate) defect: String,
    /// The child of the integrated dataset; none where the row was set aside.
    pub(crate) linked: Option<u32>,
    /// How it came to it, or why it was set aside.
    pub(crate) how: String,
}

/// A true child.
pub(crate) struct Child {
    pub(crate) ethnicity: String,
    pub(crate) is_pupil: bool,
    /// Surname, postcode and birth date: twins have the same.
    home: [String; 3],
}

/// All of it.
pub(crate) struct Truth {
    pub(crate) rows: Vec<Row>,
    pub(crate) children: Vec<Child>,
    /// For each child of the integrated dataset whether it is a pupil.
    pub(crate) on_spine: Vec<bool>,
    pub(crate) twins: Vec<(u32, u32)>,
    /// Two identities of a child that nothing may link.
    pub(crate) exact_only: Vec<(u32, u32)>,
    /// The traits that a harder council names of a child: `newly-arrived` and others.
    pub(crate) traits: BTreeMap<u32, Vec<String>>,
}

/// A file's true rows, in order: child and defect.
type Told = HashMap<String, Vec<(Option<u32>, String)>>;

impl Truth {
    pub(crate) fn read(site: &mut Site, folder: &Path) -> Self {
        let told = told(&folder.join("truth/rows.csv"));
        let Linked { on_spine, mut tables } = Linked::read(site);
        let mut rows = Vec::new();
        for dataset in site.deliveries() {
            let key = (dataset.name.to_string(), dataset.period.to_string());
            for (table, linked) in tables.remove(&key).unwrap_or_default() {
                add(site, folder, &told, (&dataset, &table), &linked, &mut rows);
            }
        }
        assert!(tables.is_empty(), "rows of deliveries that the pipeline does not name");
        let children: Vec<Child> = lines(&folder.join("truth/children.csv"))
            .map(|cells| Child {
                ethnicity: cells[10].clone(),
                is_pupil: cells[11] == "true",
                home: [6, 8, 5].map(|cell| cells[cell].clone()),
            })
            .collect();
        let twins = match folder.join("truth/twins.csv") {
            path if path.exists() => pairs(&path),
            _ => same_homes(&children),
        };
        let exact_only = match folder.join("truth/exact_only.csv") {
            path if path.exists() => pairs(&path),
            _ => Vec::new(),
        };
        let mut traits: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        let path = folder.join("truth/traits.csv");
        for cells in path.exists().then(|| lines(&path)).into_iter().flatten() {
            traits.entry(cells[0].parse().unwrap()).or_default().push(cells[1].clone());
        }
        Self { rows, children, on_spine, twins, exact_only, traits }
    }
}

/// The data lines of a truth file, cell by cell.
fn lines(path: &Path) -> impl Iterator<Item = Vec<String>> + use<> {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<Vec<String>> =
        text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
    lines.into_iter()
}

fn pairs(path: &Path) -> Vec<(u32, u32)> {
    lines(path).map(|cells| (cells[0].parse().unwrap(), cells[1].parse().unwrap())).collect()
}

/// Children of one surname, home and birth date.
fn same_homes(children: &[Child]) -> Vec<(u32, u32)> {
    let mut homes: BTreeMap<&[String; 3], Vec<u32>> = BTreeMap::new();
    for (child, place) in children.iter().zip(0..).filter(|(child, _)| !child.home[2].is_empty()) {
        homes.entry(&child.home).or_default().push(place);
    }
    homes.values().flat_map(|home| home.windows(2)).map(|pair| (pair[0], pair[1])).collect()
}

fn told(path: &Path) -> Told {
    let mut told = Told::new();
    let mut rows: Vec<(String, u64, Option<u32>, String)> = lines(path)
        .map(|cells| {
            let (row, child) = (cells[1].parse().unwrap(), cells[2].parse().ok());
            (cells[0].clone(), row, child, cells[3].clone())
        })
        .collect();
    rows.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    for (file, row, child, defect) in rows {
        let of_file = told.entry(file).or_default();
        // Attendance is told where something is wrong alone; it is no table of persons.
        while (of_file.len() as u64) + 1 < row {
            of_file.push((None, String::new()));
        }
        of_file.push((child, defect));
    }
    told
}

/// Adds the rows of one table of one delivery.
fn add(
    site: &mut Site,
    folder: &Path,
    told: &Told,
    (of, table): (&DatasetRef, &str),
    linked: &[RowLinked],
    rows: &mut Vec<Row>,
) {
    let dataset = site.store.dataset(of, &mut site.vault).unwrap();
    let Origin::Delivery { rows: files, .. } = &dataset.manifest().origin else { return };
    let files: Vec<_> = files.iter().filter(|file| file.table.as_str() == table).collect();
    let [file] = files[..] else { panic!("{of}: one file a table is expected") };
    let place = format!("{}/{}", of.name, of.period);
    let truth = told.get(&format!("{place}/{}", file.file)).or_else(|| told.get(&file.file));
    let truth = truth.unwrap_or_else(|| panic!("no truth of {}", file.file));
    let text = fs::read_to_string(folder.join("council").join(&place).join(&file.file)).unwrap();
    let is_xml = file.file.ends_with(".xml");
    let records: Vec<&str> = text.lines().collect();
    let is_record = |line: &&str| line.starts_with("<Child>") || line.starts_with("<Person>");
    let first = if is_xml { records.iter().position(is_record).unwrap() } else { 1 };
    let reasons = site.store.beside(of, REASONS).unwrap();
    let mut aside: HashMap<usize, String> = HashMap::new();
    for line in fs::read_to_string(reasons).unwrap_or_default().lines() {
        let line: SetAside<'_> = serde_json::from_str(line).unwrap();
        if line.file == file.file && line.table == table {
            let column = line.column.unwrap_or_default();
            aside.insert(line.row as usize - 1 - first, format!("{} in {column}", line.reason));
        }
    }
    let units: Option<Vec<u32>> = is_xml.then(|| {
        let batches = dataset.table(&table.parse().unwrap(), Some(&[UNIT])).unwrap();
        let units = batches.flat_map(|batch| {
            let batch = batch.unwrap();
            let units = batch.column(0).as_any().downcast_ref::<UInt32Array>().unwrap();
            units.values().to_vec()
        });
        units.collect()
    });
    let accepted: Option<HashSet<usize>> =
        units.map(|units| units.into_iter().map(|unit| unit as usize).collect());
    let mut seen: HashSet<&str> = HashSet::new();
    let mut linked = linked.iter();
    for (row, (child, defect)) in truth.iter().enumerate() {
        // The second of two equal rows is no row of its own, whether the first was set aside or not.
        let is_again = match &accepted {
            Some(accepted) => !accepted.contains(&row),
            None => !seen.insert(records[first + row]),
        };
        let (to, how) = match aside.get(&row) {
            Some(reason) => (None, format!("set aside, {reason}")),
            None if child.is_none() || is_again => continue,
            None => {
                let row = linked.next().unwrap_or_else(|| panic!("{place} lacks rows"));
                (Some(row.child), row.how.clone())
            }
        };
        let Some(child) = *child else { continue };
        rows.push(Row {
            source: of.name.to_string(),
            place: (of.period.to_string(), file.file.clone(), row),
            child,
            defect: defect.clone(),
            linked: to,
            how,
        });
    }
    assert!(linked.next().is_none(), "{place}: more rows than the truth explains");
}
