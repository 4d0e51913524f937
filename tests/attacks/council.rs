//! A council of one source whose columns a test chooses, and what its releases show.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use minster_tests::{
    Site,
    deliveries::{Council, Ran, upn},
    root,
};

/// The source's name: the shipped purpose allows it.
const SOURCE: &str = "school_census";

/// A council of these columns, with one row a child.
pub(crate) struct Small {
    council: Council,
    columns: Vec<String>,
}

/// One child's values, in the order of the columns.
pub(crate) type Row = Vec<String>;

/// Categories, the count, and the number of each measure; none where it is withheld.
pub(crate) type ReleasedRow = (Vec<String>, Option<u64>, Vec<Option<f64>>);

/// A released table: its header and rows, as readers see them.
pub(crate) struct Released {
    /// The columns that it divides by, in its order.
    pub(crate) dimensions: Vec<String>,
    pub(crate) rows: Vec<ReleasedRow>,
}

impl Small {
    /// `numbers` are the columns of whole numbers; all others are texts.
    pub(crate) fn new(columns: &[&str], numbers: &[&str]) -> Self {
        Self::at(Council::new(&[SOURCE]), columns, numbers)
    }

    /// The same where the purpose has these rules for releases.
    pub(crate) fn with_floors(floors: &str, columns: &[&str], numbers: &[&str]) -> Self {
        let purposes = fs::read_to_string(root().join("config/purposes.toml")).unwrap();
        let floors = format!("release = {floors}\nroles = ");
        let purposes = purposes.replacen("roles = ", &floors, 1);
        Self::at(Council::at(Site::with_purposes(&purposes), &[SOURCE]), columns, numbers)
    }

    fn at(council: Council, columns: &[&str], numbers: &[&str]) -> Self {
        let mut source = format!(
            "name = \"{SOURCE}\"\nformat = \"csv\"\nyears = [\"2024\", \"2025\"]\ndates = [\"iso\"]\n\
             [[table]]\nname = \"pupils\"\nfile = \"pupils.csv\"\nrequired = true\n[table.columns]\n\
             upn = {{ treatment = \"pseudonymise\", kind = \"upn\", required = true }}\n"
        );
        let mut matching = format!(
            "[[identity]]\nsource = \"{SOURCE}\"\ntable = \"pupils\"\nidentifiers = [\"upn\"]\nspine = true\n"
        );
        for column in columns {
            let kind = if numbers.contains(column) { "integer" } else { "token" };
            let _ = writeln!(source, "{column} = {{ treatment = \"keep\", type = \"{kind}\" }}");
            let _ = writeln!(
                matching,
                "[[column]]\nname = \"{column}\"\nsource = \"{SOURCE}\"\ntable = \"pupils\"\nchild = \"upn\"\n\
                 summary = {{ kind = \"latest\", of = \"{column}\", by = \"delivery\" }}"
            );
        }
        fs::write(council.path("config/sources").join(format!("{SOURCE}.toml")), source).unwrap();
        fs::write(council.path("config/matching.toml"), matching).unwrap();
        Self { council, columns: columns.iter().map(|&column| column.to_owned()).collect() }
    }

    /// Delivers these children.
    pub(crate) fn deliver(&self, rows: &[Row]) {
        self.deliver_from(1, rows);
    }

    /// Delivers these children, the first of whom has this number: one with the same number is the same child.
    pub(crate) fn deliver_from(&self, first: usize, rows: &[Row]) {
        let mut text = format!("upn,{}\n", self.columns.join(","));
        for (row, number) in rows.iter().zip(first as u32..) {
            let _ = writeln!(text, "{},{}", upn(number), row.join(","));
        }
        self.council.deliver(SOURCE, "pupils.csv", text);
    }

    /// Moves the pipeline to another period.
    pub(crate) fn period(&self, period: &str) {
        let path = self.council.path("pipeline.toml");
        let text = fs::read_to_string(&path).unwrap();
        let text: Vec<String> = text
            .lines()
            .map(|line| match line.starts_with("period = ") {
                true => format!("period = \"{period}\""),
                false => line.to_owned(),
            })
            .collect();
        fs::write(path, text.join("\n")).unwrap();
    }

    /// Keeps one definition of a release, in the place of all others.
    pub(crate) fn define(&self, name: &str, definition: &str) {
        let folder = self.council.path("config/tables");
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        let text = format!("name = \"{name}\"\n{definition}");
        fs::write(folder.join(format!("{name}.toml")), text).unwrap();
    }

    /// Reads, links, drafts, and lets the draft out.
    pub(crate) fn run(&self) -> Ran {
        self.council.run()
    }

    /// Drafts anew what is delivered already, and lets it out.
    pub(crate) fn aggregate(&self) -> Ran {
        let ran = self.council.program("minster", &["aggregate", "--json"]);
        if ran.exit == 0 {
            let let_out = self.council.program("minster", &["release", "--all"]);
            assert_eq!(let_out.exit, 0, "{}", let_out.text);
        }
        ran
    }

    /// Lets the drafts out; what the program says.
    pub(crate) fn let_out(&self) -> Ran {
        self.council.program("minster", &["release", "--all"])
    }

    /// Previews a definition.
    pub(crate) fn preview(&self, name: &str) -> Ran {
        let file = self.council.path("config/tables").join(format!("{name}.toml"));
        self.council.program("minster", &["preview", file.to_str().unwrap()])
    }

    /// Reads, links and drafts.
    pub(crate) fn draft(&self) -> Ran {
        self.council.program("minster", &["run", "--json"])
    }

    /// A table of a release, if it was let out.
    pub(crate) fn released(&self, release: &str, period: &str, table: &str) -> Option<Released> {
        let folder = format!("store/releases/{release}/{period}/current/{table}.csv");
        let text = fs::read_to_string(self.council.path(&folder)).ok()?;
        let text = minster_tests::without_origin(&text);
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<&str>>());
        let header = lines.next()?;
        let children = header.iter().position(|column| *column == "children")?;
        let measures: Vec<usize> = (children + 2..header.len()).step_by(2).collect();
        let rows = lines.map(|row| {
            let categories = row[..children].iter().map(|&text| text.to_owned()).collect();
            let measures = measures.iter().map(|&at| row[at].parse().ok()).collect();
            (categories, row[children].parse().ok(), measures)
        });
        let dimensions = header[..children].iter().map(|&name| name.to_owned()).collect();
        Some(Released { dimensions, rows: rows.collect() })
    }
}

impl Released {
    /// The number of the first measure, by cell.
    pub(crate) fn measures(&self) -> BTreeMap<String, Option<f64>> {
        let rows = self.rows.iter();
        rows.map(|(categories, _, numbers)| (categories.join(" "), numbers[0])).collect()
    }
}

/// So many children with these values.
pub(crate) fn children(count: usize, values: &[&str]) -> Vec<Row> {
    vec![values.iter().map(|&value| value.to_owned()).collect(); count]
}

/// A dimension over the texts of a column.
pub(crate) fn dimension(column: &str, more: &str) -> String {
    format!("[[dimension]]\nname = \"{column}\"\ncolumn = \"{column}\"\ntotal = \"All\"\n{more}\n")
}

/// A table by these dimensions.
pub(crate) fn table(name: &str, dimensions: &[&str]) -> String {
    format!("[[table]]\nname = \"{name}\"\ndimensions = {dimensions:?}\n")
}

/// The rules of most releases here: 1 to 4 are withheld, and no insider is reckoned with.
pub(crate) const RULES: &str =
    "threshold = 5\nzeros = \"published\"\ninsider = 0\npopulation = \"spine\"\n";
