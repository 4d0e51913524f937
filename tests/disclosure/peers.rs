//! The tables on which GaussSuppression 1.2.3 was measured, and what it withheld: read where they are at
//! hand, and said to be missing where they are not.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use minster_model::{
    policy::{Policy, Zeros},
    table::{CountTable, Grouping, Hierarchy, TableSet},
};

/// One table as the peer was run on it.
pub struct PeerTable {
    pub name: &'static str,
    pub set: TableSet,
    pub recorded: Recorded,
}

/// Cells that the peer withheld, as recorded: none where it was not run so, or did not end.
#[derive(Clone, Copy, Default)]
pub struct Recorded {
    /// With `singletonMethod = "none"`.
    pub no_singletons: Option<usize>,
    /// With its default, `anySum`.
    pub default: Option<usize>,
    /// With its default and intervals at least 5 wide.
    pub intervals: Option<usize>,
}

/// The tables at hand, and what is to be said about the others. With `codes`, those too on which the peer
/// did not end.
pub fn at_hand(codes: bool) -> (Vec<PeerTable>, Vec<String>) {
    let (mut tables, mut missing) = (Vec::new(), Vec::new());
    let folder = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
    match folder("MINSTER_SAMPLES") {
        Some(folder) => samples(&folder.join("tables"), &mut tables),
        None => {
            missing.push("z1, z2, z3: MINSTER_SAMPLES names no folder with tables/z1.csv".into())
        }
    }
    match folder("MINSTER_PEER_TABLES") {
        Some(folder) => microdata(&folder, codes, &mut tables, &mut missing),
        None => missing.push(
            "the peer's microdata: MINSTER_PEER_TABLES names no folder with micro_100000_20_5_3.csv".into(),
        ),
    }
    (tables, missing)
}

/// Counts of one unit by region, kind of help, and months, as the peer's own examples have them.
fn samples(folder: &Path, tables: &mut Vec<PeerTable>) {
    let flat =
        |rows: &Rows, column: &str| Hierarchy::flat(column, "all", rows.values(column)).unwrap();
    let z1 = Rows::read(&folder.join("z1.csv"));
    let z1 =
        z1.table("z1", vec![(flat(&z1, "region"), "region"), (flat(&z1, "hovedint"), "hovedint")]);
    let z2 = Rows::read(&folder.join("z2.csv"));
    let z2 = z2.table("z2", vec![(flat(&z2, "hovedint"), "hovedint"), (geography(&z2), "region")]);
    let z3 = Rows::read(&folder.join("z3.csv"));
    let month = z3.tree("mnd", "mnd2");
    let z3 = z3.table(
        "z3",
        vec![(flat(&z3, "hovedint"), "hovedint"), (month, "mnd"), (geography(&z3), "region")],
    );
    let mut add = |name, table: &CountTable, threshold, zeros, recorded| {
        let policy = Policy::new(threshold, zeros);
        tables.push(PeerTable {
            name,
            set: TableSet { tables: vec![table.clone()], policy },
            recorded,
        });
    };
    let default = |default| Recorded { default: Some(default), ..Recorded::default() };
    add("z1, zeros unsafe", &z1, 5, Zeros::Unsafe, default(8));
    add("z2, zeros unsafe", &z2, 5, Zeros::Unsafe, default(29));
    add("z2, zeros shown", &z2, 5, Zeros::Published, default(28));
    add("z2, zeros may go", &z2, 5, Zeros::MayBeWithheld, default(27));
    add("z3, counts 1-3, zeros unsafe", &z3, 4, Zeros::Unsafe, default(684));
    let all = Recorded { no_singletons: Some(620), default: Some(653), intervals: Some(664) };
    add("z3, counts 1-5, zeros shown", &z3, 6, Zeros::Published, all);
}

/// Regions under counties, and the same regions in groups of councils.
fn geography(rows: &Rows) -> Hierarchy {
    let tree = rows.tree("region", "fylke");
    let codes = rows.values("kostragr");
    let groups = rows.lookup("region", "kostragr");
    let group_of = tree
        .leaves()
        .iter()
        .map(|&leaf| codes.iter().position(|code| *code == groups[tree.code(leaf)]).unwrap())
        .collect();
    let codes = codes.iter().map(|code| format!("kostragr {code}")).collect();
    tree.grouped(Grouping { codes, group_of }).unwrap()
}

/// Reads what `microdata.py ROWS WARDS LOCALITIES YEARS` writes: one row a child.
fn microdata(folder: &Path, codes: bool, tables: &mut Vec<PeerTable>, missing: &mut Vec<String>) {
    let files = [
        (
            "micro_100000_20_5_3.csv",
            "100,000 children",
            Recorded { no_singletons: Some(360), default: Some(390), intervals: Some(411) },
        ),
        (
            "micro_1000000_60_10_3.csv",
            "1,000,000 children",
            Recorded { default: Some(218), ..Recorded::default() },
        ),
    ];
    for (file, name, recorded) in files {
        let path = folder.join(file);
        if !path.exists() {
            missing.push(format!("{name}: no {file}"));
            continue;
        }
        let rows = Rows::read(&path);
        let flat = |column: &str| Hierarchy::flat(column, "all", rows.values(column)).unwrap();
        let ward = || rows.tree("ward", "locality");
        let mut add = |name, ethnicity: (Hierarchy, &str), year: bool, recorded| {
            let mut dimensions =
                vec![(flat("sex"), "sex"), (flat("age"), "age"), ethnicity, (ward(), "ward")];
            if year {
                dimensions.push((flat("year"), "year"));
            }
            let table = rows.table(name, dimensions);
            let policy = Policy::new(5, Zeros::Published);
            tables.push(PeerTable {
                name,
                set: TableSet { tables: vec![table], policy },
                recorded,
            });
        };
        add(name, (flat("ethgrp"), "ethgrp"), false, recorded);
        if codes && file.starts_with("micro_100000_") {
            let codes = || (rows.tree("eth", "ethgrp"), "eth");
            add("100,000 children, codes", codes(), false, Recorded::default());
            add("100,000 children, codes, years", codes(), true, Recorded::default());
        }
    }
}

/// A CSV file without quoted commas.
struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let split = |line: &str| -> Vec<String> {
            line.split(',').map(|field| field.trim().trim_matches('"').to_owned()).collect()
        };
        let mut lines = text.lines();
        let columns = split(lines.next().unwrap());
        Self { columns, rows: lines.map(split).collect() }
    }

    fn column(&self, name: &str) -> usize {
        self.columns.iter().position(|column| column == name).unwrap()
    }

    /// A column's values, each once, in order.
    fn values(&self, column: &str) -> Vec<String> {
        self.lookup(column, column).into_keys().collect()
    }

    fn lookup(&self, from: &str, to: &str) -> BTreeMap<String, String> {
        let (from, to) = (self.column(from), self.column(to));
        self.rows.iter().map(|row| (row[from].clone(), row[to].clone())).collect()
    }

    /// The values of one column under those of another.
    fn tree(&self, column: &str, parent: &str) -> Hierarchy {
        let parents = self.values(parent);
        let mut nodes = vec![("all".to_owned(), None)];
        nodes.extend(parents.iter().map(|code| (format!("{parent} {code}"), Some(0))));
        for (code, under) in self.lookup(column, parent) {
            let place = parents.iter().position(|parent| *parent == under).unwrap();
            nodes.push((code, Some(1 + place)));
        }
        Hierarchy::new(column, nodes).unwrap()
    }

    /// Counts by leaves: the sums of the column `ant` where there is one, else the rows.
    fn table(&self, name: &str, dimensions: Vec<(Hierarchy, &str)>) -> CountTable {
        let places: Vec<(usize, BTreeMap<String, usize>)> = dimensions
            .iter()
            .map(|(dimension, column)| {
                let leaves = dimension.leaves().iter().enumerate();
                let of = leaves.map(|(at, &leaf)| (dimension.code(leaf).to_owned(), at));
                (self.column(column), of.collect())
            })
            .collect();
        let size = dimensions.iter().map(|(dimension, _)| dimension.leaves().len()).product();
        let mut inner = vec![0u64; size];
        let count = self.columns.iter().position(|column| column == "ant");
        for row in &self.rows {
            let at = places
                .iter()
                .fold(0, |at, (column, leaves)| at * leaves.len() + leaves[&row[*column]]);
            inner[at] += count.map_or(1, |count| row[count].parse().unwrap());
        }
        let dimensions = dimensions.into_iter().map(|(dimension, _)| dimension).collect();
        CountTable::new(name, dimensions, inner, vec![]).unwrap()
    }
}
