//! Rectifications from end to end, by the programs: a wrong number and a wrong value are corrected as deliveries are read, and later
//! deliveries are told by what they have.

use std::{collections::HashSet, fs};

use arrow::{
    array::{Array, AsArray},
    compute::cast,
    datatypes::{DataType, Int64Type},
};
use minster_model::{DatasetClass, Pseudonym, Role};
use minster_store::Store;
use minster_tests::{files, text};
use minster_vault_api::Client;

use super::{Council, PURPOSE, csv};

const ATTENDANCE: &str = "council/attendance/2024-25/attendance.csv";
const HEADER: &str = "council/ssda903/2024-25/SSDA903_2025_header.csv";
const ORIGIN: &str = "CANARY-ORIGIN: the admission form, shown by the mother";

impl Council {
    /// The child's pseudonym, as two custodians let it be told.
    fn pseudonym(&self, upn: &str) -> Pseudonym {
        fs::write(self.0.path("number"), upn).unwrap();
        let of = ["--kind", "upn", "--identifier-file", "number"];
        self.approved(&[&["subject"], &of[..]].concat(), &of[2..]);
        let told = self.vault(&[&["subject", "--proposal", "proposal"], &of[..]].concat());
        let line = told.lines().find(|line| line.starts_with(PURPOSE)).unwrap();
        line.split('\t').nth(2).unwrap().parse().unwrap()
    }

    /// The ceremony of a correction of a child, whose entries stand in the file `correction`.
    fn corrected(&self, upn: &str, entries: &str) -> String {
        let case = self.opened("rectification", upn);
        let head = format!(
            "kind = \"upn\"\nnumber = \"{upn}\"\nfrom = \"{}\"\norigin = \"{ORIGIN}\"\n",
            self.0.today()
        );
        fs::write(self.0.path("correction"), head + entries).unwrap();
        let decide = ["decide", "rectify", "--case", &case, "--correction", "correction"];
        let typed = ["--identifier-file", "number", "--correction", "correction"];
        self.approved(&decide, &typed);
        self.vault(&["enact", "--proposal", "proposal"]);
        case
    }

    /// Ingests and links; gives what ingestion says of a source.
    fn said(&self, source: &str) -> String {
        let run = self.0.run("minster-ingest", &["run", "--config", "config/pipeline.toml"]);
        assert!(matches!(run.status.code(), Some(0 | 3)), "{}", text(&run));
        self.done("minster", &["link", "--config", "config/pipeline.toml"]);
        let told = text(&run);
        let of_source = told.lines().filter(|line| line.contains(source));
        of_source.map(|line| format!("{line}\n")).collect()
    }

    /// Rewrites the lines of a delivered file; those for which nothing is given leave.
    fn rewrite(&self, path: &str, line: impl Fn(&str) -> Option<String>) {
        let path = self.0.folder().join(path);
        let whole = fs::read_to_string(&path).unwrap();
        let lines: Vec<String> = whole.lines().filter_map(line).collect();
        fs::write(&path, lines.join("\n") + "\n").unwrap();
    }

    /// Rows of a table of a dataset with a pseudonym.
    fn rows_of(&self, table: &str, of: Pseudonym) -> u64 {
        self.tables(&[of].into())[table].1
    }

    /// The sessions that the integrated dataset counts for a child.
    fn sessions(&self, of: Pseudonym) -> Vec<Option<i64>> {
        let (ids, _) = self.ids(&[of].into());
        let mut found = Vec::new();
        self.each_batch("children", "children", |batch| {
            let id = batch.column_by_name("child").unwrap().as_fixed_size_binary();
            let sessions =
                cast(batch.column_by_name("sessions").unwrap(), &DataType::Int64).unwrap();
            let sessions = sessions.as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let id = Pseudonym::from_bytes(id.value(row).try_into().unwrap());
                if ids.contains(&id) {
                    found.push(sessions.is_valid(row).then(|| sessions.value(row)));
                }
            }
        });
        found
    }

    /// The texts of a column in a child's rows of a source.
    fn texts(&self, (source, table, column): (&str, &str, &str), of: Pseudonym) -> Vec<String> {
        let mut found = Vec::new();
        self.each_batch(source, table, |batch| {
            let upn = batch.column_by_name("upn").unwrap().as_fixed_size_binary();
            let texts = batch.column_by_name(column).unwrap().as_string_view();
            for row in 0..batch.num_rows() {
                if upn.is_valid(row) && upn.value(row) == of.as_bytes() {
                    found.push(texts.value(row).to_owned());
                }
            }
        });
        found.sort();
        found
    }

    /// The codes of a child's sessions.
    fn codes(&self, of: Pseudonym) -> Vec<String> {
        self.texts(("attendance", "sessions", "code"), of)
    }

    fn each_batch(&self, name: &str, table: &str, mut see: impl FnMut(&arrow::array::RecordBatch)) {
        let store = Store::open(&self.0.folder().join("store")).unwrap();
        let socket = self.0.folder().join("vault.sock");
        let mut vault = Client::connect(&socket, Role::Linker, "test").unwrap();
        for manifest in store.manifests().unwrap() {
            let of = &manifest.dataset;
            let is_it = of.name.as_str() == name && of.period.as_str() == "2024-25";
            if is_it && matches!(of.class, DatasetClass::Source | DatasetClass::Integrated) {
                let dataset = store.dataset(of, &mut vault).unwrap();
                for batch in dataset.table(&table.parse().unwrap(), None).unwrap() {
                    see(&batch.unwrap());
                }
            }
        }
    }
}

#[test]
fn a_wrong_number_and_a_wrong_value_are_corrected_in_every_delivery_until_the_source_is_right() {
    let council = Council::new(150);
    // The school wrote another pupil's number beside this child's sessions, and has no session of the other.
    let rows = csv(&council, ATTENDANCE);
    let has = |upn: &str| rows.iter().filter(|row| row["UPN"] == upn).count();
    let mut pupils = council.pupils().into_iter().filter(|upn| has(upn) > 1);
    let [child, other, third] = [(); 3].map(|()| pupils.next().unwrap());
    let right = fs::read(council.0.folder().join(ATTENDANCE)).unwrap();
    let [of_child, of_other, of_third] = [&child, &other, &third].map(|upn| council.pseudonym(upn));
    let (sessions, sessions_of_other) = (council.sessions(of_child), council.sessions(of_other));
    assert!(matches!(sessions.as_slice(), [Some(1..)]), "{sessions:?}");
    let codes = council.codes(of_third);
    council.rewrite(ATTENDANCE, |line| match line {
        line if line.contains(&other) => None,
        line => Some(line.replace(&child, &other)),
    });
    council.said("attendance");
    assert_eq!(council.sessions(of_other), sessions, "the other child has them");
    assert_ne!(council.sessions(of_child), sessions);

    // Read again, with no file changed: the child has its sessions, and the other has none.
    let number = format!("[[wrong_number]]\nsource = \"attendance\"\nnumber = \"{other}\"\n");
    let case = council.corrected(&child, &number);
    // One session of a third child was no absence.
    let row = rows.iter().find(|row| row["UPN"] == third).unwrap();
    let (old, new) = (row["code"].as_str(), if row["code"] == "B" { "P" } else { "B" });
    let value = |old: &str, new: &str| {
        format!(
            "[[wrong_value]]\nsource = \"attendance\"\ntable = \"sessions\"\ncolumn = \"code\"\nold = '{old}'\nnew = '{new}'\n\
             rows = {{ date = \"{}\", session = \"{}\" }}\n",
            row["date"], row["session"]
        )
    };
    let of_value = council.corrected(&third, &value(old, new));
    let said = council.said("attendance");
    assert!(
        said.contains("2 entries are corrected by custodians: the delivery still has"),
        "{said}"
    );
    assert_eq!(council.sessions(of_child), sessions);
    assert_ne!(council.sessions(of_other), sessions);
    assert_eq!(council.rows_of("source/attendance/2024-25/sessions", of_other), 0);
    let mut expected = codes.clone();
    expected[codes.iter().position(|code| code == old).unwrap()] = new.to_owned();
    expected.sort();
    assert_eq!(council.codes(of_third), expected);
    // The next night reads nothing anew, and says the same.
    let again = council.said("attendance");
    assert!(again.contains("unchanged") && again.contains("2 entries are corrected"), "{again}");
    let quality = council
        .done("minster", &["report", "quality", "attendance", "--config", "config/pipeline.toml"]);
    assert!(quality.contains("2 entries are corrected by custodians"), "{quality}");
    let listed = council.vault(&["cases", "--all"]);
    assert!(listed.contains("the correction stands\n  attendance, "), "{listed}");
    assert!(listed.contains(": 1 wrong as before, corrected"), "{listed}");
    let status = council.vault(&["status"]);
    assert!(status.contains("2 corrections stand"), "{status}");

    // A later delivery has the right number, and a third value.
    fs::write(council.0.folder().join(ATTENDANCE), &right).unwrap();
    let (date, session) = (row["date"].clone(), row["session"].clone());
    let other_code = if new == "B" { "M" } else { "B" };
    council.rewrite(ATTENDANCE, |line| {
        let is_it = [&third, &date, &session].iter().all(|part| line.contains(part.as_str()));
        match is_it {
            true => Some(line.replacen(&format!(",{old},"), &format!(",{other_code},"), 1)),
            false => Some(line.to_owned()).filter(|line| !line.contains(&other)),
        }
    });
    let said = council.said("attendance");
    assert!(said.contains("1 entry is right in the delivery"), "{said}");
    assert!(said.contains("1 entry is in doubt"), "{said}");
    assert_eq!(council.sessions(of_child), sessions);
    assert!(council.codes(of_third).contains(&other_code.to_owned()));
    let listed = council.vault(&["cases", "--all"]);
    assert!(listed.contains(": 1 right: the source corrected itself"), "{listed}");
    assert!(listed.contains(": 1 in doubt"), "{listed}");

    // The next one has the wrong number and the right one: nobody but custodians can tell whose the rows are.
    fs::write(council.0.folder().join(ATTENDANCE), &right).unwrap();
    let said = council.said("attendance");
    assert!(
        said.contains("2 entries are corrected") && said.contains("1 entry is in doubt"),
        "{said}"
    );
    // They end the correction: each child has its own sessions.
    fs::write(council.0.path("number"), &child).unwrap();
    council.approved(&["decide", "lift", "--case", &case], &["--identifier-file", "number"]);
    council.vault(&["enact", "--proposal", "proposal"]);
    council.said("attendance");
    assert_eq!(council.sessions(of_child), sessions);
    assert_eq!(council.sessions(of_other), sessions_of_other);
    // Corrected back, with the values turned around.
    council.corrected(&third, &value(new, old));
    let said = council.said("attendance");
    assert!(said.contains("1 entry is right in the delivery"), "{said}");
    assert_eq!(council.codes(of_third), codes);
    let receipt = council.vault(&["case", "close", "--case", &of_value]);
    assert!(receipt.contains("\"rectified\""), "{receipt}");
    council.says_nothing_of(&[&child, &other, &third, ORIGIN, "CANARY-ORIGIN"]);
    let verified = council.0.run("minster-vault", &["log", "verify", "--dir", "vault"]);
    assert!(verified.status.success(), "{}", text(&verified));
}

impl Council {
    /// No file but those of the council and of custodians has one of these words.
    fn says_nothing_of(&self, words: &[&str]) {
        for (path, bytes) in files(self.0.folder()) {
            let within = path.strip_prefix(self.0.folder()).unwrap();
            let first = within.components().next().unwrap().as_os_str().to_str().unwrap();
            if !["council", "truth", "number", "correction"].contains(&first) {
                for word in words {
                    let found = memchr::memmem::find(&bytes, word.as_bytes());
                    assert!(found.is_none(), "{} says {word}", within.display());
                }
            }
        }
    }
}

#[test]
fn a_number_that_two_children_have_is_corrected_beside_one_birth_date_by_two_custodians_alone() {
    let council = Council::new(150);
    let header = csv(&council, HEADER);
    let pupils: HashSet<String> = council.pupils().into_iter().collect();
    let mut in_care = header.iter().filter(|row| pupils.contains(&row["UPN"]));
    let (child, other) = (in_care.next().unwrap(), in_care.next().unwrap());
    let (upn, wrong, born) = (&child["UPN"], &other["UPN"], &child["DOB"]);
    assert_ne!(*born, other["DOB"]);
    let [of_child, of_other] = [upn, wrong].map(|upn| council.pseudonym(upn));
    council.rewrite(HEADER, |line| Some(line.replace(upn.as_str(), wrong)));
    council.said("ssda903");
    let table = "source/ssda903/2024-25/header";
    assert_eq!((council.rows_of(table, of_child), council.rows_of(table, of_other)), (0, 2));
    // The same row has a wrong ethnicity.
    let old = child["ETHNIC"].as_str();
    let new = if old == "MWBC" { "WBRI" } else { "MWBC" };
    let (day, month, year) = (&born[0..2], &born[3..5], &born[6..10]);
    let entry = format!(
        "[[wrong_number]]\nsource = \"ssda903\"\nnumber = \"{wrong}\"\nborn = \"{year}-{month}-{day}\"\n\
         [[wrong_value]]\nsource = \"ssda903\"\ntable = \"header\"\ncolumn = \"ETHNIC\"\nold = \"{old}\"\nnew = \"{new}\"\n"
    );
    // One custodian, or two without the correction, correct nothing.
    let case = council.opened("rectification", upn);
    let head = format!(
        "kind = \"upn\"\nnumber = \"{upn}\"\nfrom = \"{}\"\norigin = \"{ORIGIN}\"\n",
        council.0.today()
    );
    fs::write(council.0.path("correction"), head + &entry).unwrap();
    let request = "request --reference RET/1 --reason shown --expires SOON decide rectify --correction correction --case";
    let request: Vec<&str> = request.split(' ').chain([case.as_str()]).collect();
    fs::write(council.0.path("proposal"), council.vault(&request)).unwrap();
    let approve = |name: &str, more: &[&str]| {
        let of = "approve --socket vault.sock --proposal proposal --yes --clear-key --identifier-file number";
        let of: Vec<&str> = of.split(' ').chain(["--name", name, "--key", name]).collect();
        council.0.run("minster-vault", &[&of[..], more].concat())
    };
    let refused = approve("ann", &[]);
    assert!(text(&refused).contains("--correction FILE"), "{}", text(&refused));
    let signed = approve("ann", &["--correction", "correction"]);
    assert!(text(&signed).contains("approved by 1 of 2"), "{}", text(&signed));
    assert!(!text(&signed).contains(upn.as_str()) && !text(&signed).contains(ORIGIN));
    let enact = ["enact", "--socket", "vault.sock", "--proposal", "proposal"];
    assert!(!council.0.run("minster-vault", &enact).status.success());
    council.said("ssda903");
    assert_eq!(council.rows_of(table, of_child), 0);
    assert!(approve("ben", &["--correction", "correction"]).status.success());
    council.vault(&["enact", "--proposal", "proposal"]);
    let said = council.said("ssda903");
    assert!(said.contains("2 entries are corrected by custodians"), "{said}");
    assert_eq!((council.rows_of(table, of_child), council.rows_of(table, of_other)), (1, 1));
    assert_eq!(council.texts(("ssda903", "header", "ethnicity"), of_child), [new]);
    assert_eq!(
        council.texts(("ssda903", "header", "ethnicity"), of_other),
        [other["ETHNIC"].as_str()]
    );
    council.says_nothing_of(&[upn, wrong, ORIGIN]);
}
