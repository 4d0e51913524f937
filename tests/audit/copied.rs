//! Rows about children, copied without their numbers: the vault recognises them, the audit fails, and tells nobody.

use std::{fs, path::Path, process::Command};

use minster_model::Role;
use minster_tests::Site;
use minster_vault_api::{Client, ComparedText, Denial, Recognised, TextToken, VaultError};

use crate::{ALONE, plant, verdicts::Audit};

const CHECK: &str = "leakage.persons";

/// A child of a service's extract.
struct Child {
    forename: String,
    surname: String,
    born: String,
    postcode: String,
}

impl Child {
    fn row(&self) -> String {
        let Self { forename, surname, born, postcode } = self;
        format!("17,{surname},{forename},,{born},{postcode},W01")
    }

    fn values(&self) -> [&str; 4] {
        [&self.forename, &self.surname, &self.born, &self.postcode]
    }
}

/// Children whose row has everything, from the extract of early help.
fn children(site: &Site) -> Vec<Child> {
    let council = site.folder().join("council");
    let mut files = Vec::new();
    below(&council, &mut files);
    let of = |text: &str| -> Option<Vec<Child>> {
        let (header, rows) = text.split_once('\n')?;
        let names: Vec<&str> = header.trim_end().split(',').collect();
        let place = |name: &str| names.iter().position(|one| *one == name);
        let places = [place("forename")?, place("surname")?, place("dob")?, place("postcode")?];
        let child = |row: &str| {
            let cells: Vec<&str> = row.trim_end().split(',').collect();
            let [forename, surname, born, postcode] =
                places.map(|at| cells.get(at).copied().unwrap_or_default().to_owned());
            Child { forename, surname, born, postcode }
        };
        Some(rows.lines().map(child).collect())
    };
    let mut all: Vec<Child> = files
        .iter()
        .filter_map(|file| of(&fs::read_to_string(file).ok()?))
        .flatten()
        .filter(|child| child.values().iter().all(|value| value.len() >= 4))
        .collect();
    all.dedup_by(|one, other| one.row() == other.row());
    assert!(all.len() >= 12, "{}", all.len());
    all
}

fn below(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    let mut all: Vec<_> = fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
    all.sort();
    for path in all {
        match path.is_dir() {
            true => below(&path, files),
            false => files.push(path),
        }
    }
}

#[test]
fn a_copied_row_without_its_number_fails_by_file_and_kind_and_tells_no_value() {
    let _alone = ALONE.lock();
    let site = Site::new();
    site.make_council(300, 1);
    assert_eq!(site.released().status.code(), Some(3));
    let children = children(&site);
    let audit = |more: &[&str]| Audit::of(&site, &[&["--only", CHECK], more].concat());
    let clean = audit(&[]);
    clean.passes(CHECK);
    assert!(!clean.evidence(CHECK).contains("knows no"), "{}", clean.evidence(CHECK));

    let one = &children[3];
    let row = one.row();
    let packed = |by: &[&str]| {
        fs::write(site.path("row"), &row).unwrap();
        let packed = Command::new(by[0]).args(&by[1..]).arg(site.path("row")).output().unwrap();
        assert!(packed.status.success());
        packed.stdout
    };
    let (gzip, base64) = (packed(&["gzip", "-c"]), packed(&["base64", "-w0"]));
    let base64 = String::from_utf8(base64).unwrap();
    let store = site.folder().join("store");
    let release = store.join("releases/children/2024-25/current");
    let reasons = store.join("datasets/source/early_help/2024-25/current/quarantine.jsonl");
    let was = fs::read(&reasons).unwrap();
    let with = |more: String| [was.clone(), more.into_bytes()].concat();
    let Child { forename, surname, born, postcode } = one;
    let also = site.folder().join("output.log");
    let xml = format!(
        "<Pupil>\n <Surname>{surname}</Surname>\n <Forename>{forename}</Forename>\n <BirthDate>{born}</BirthDate>\n</Pupil>"
    );
    for (place, bytes, kind) in [
        (
            &release.join("planted.csv"),
            format!("ward,n\nW01,12\n{row}\n").into_bytes(),
            "1 line with a child's birth date",
        ),
        (&store.join("staging/x/rows.tmp"), xml.into_bytes(), "1 line with a child's birth date"),
        (
            &reasons,
            with(format!("{{\"cell\":\"{forename} {surname}, {born}\"}}\n")),
            "a child's birth date",
        ),
        (
            &also,
            format!("error: {surname} {forename} ({born}) failed\n").into_bytes(),
            "1 line with a child's birth date",
        ),
        (&also, gzip, "1 line with a child's birth date"),
        (&also, format!("x={base64};\n").into_bytes(), "1 line with a child's birth date"),
        (&also, row.encode_utf16().flat_map(u16::to_le_bytes).collect(), "a child's birth date"),
        (&also, format!("lives at {postcode}\n").into_bytes(), "1 line with a child's postcode"),
        (&also, format!("{postcode}: {born}\n").into_bytes(), "a child's birth date"),
        (
            &also,
            children
                .iter()
                .take(9)
                .map(|of| format!("{} {}\n", of.forename, of.surname))
                .collect::<String>()
                .into_bytes(),
            "a forename and surname of one child",
        ),
    ] {
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, &bytes).unwrap();
        let audit = audit(&["--also", &site.path("output.log")]);
        let evidence = audit.evidence(CHECK).to_owned();
        assert!(evidence.contains(kind), "{kind}: {evidence}");
        let name = place.file_name().unwrap().to_str().unwrap();
        assert!(evidence.contains(name), "{evidence}");
        audit.fails(CHECK, &one.values());
        match place == &reasons {
            true => fs::write(place, &was).unwrap(),
            false => fs::remove_file(place).unwrap(),
        }
    }
    fs::remove_dir_all(store.join("staging/x")).unwrap();
    // A table in clear, and a file that is named for a child.
    let table = release.join("planted.parquet");
    plant::clear_table(&table, &format!("{forename} {surname} {born}"));
    audit(&[]).fails(CHECK, &one.values());
    fs::remove_file(table).unwrap();
    let named = release.join(format!("{surname}_{forename}_{}.csv", born.replace('/', "-")));
    fs::write(&named, "").unwrap();
    audit(&[]).fails(CHECK, &one.values());
    fs::remove_file(named).unwrap();

    // Words, dates of others, and one whole name, which a member of staff may have.
    let other = children
        .iter()
        .find(|other| other.surname != one.surname && other.born != one.born)
        .unwrap();
    let words = format!(
        "{forename}\n\n\n{surname}\n. . . .\nloaded on {}\n{forename} {surname} called\nZZ99 9ZZ is nobody's\n",
        other.born
    );
    fs::write(&also, words).unwrap();
    audit(&["--also", &site.path("output.log")]).passes(CHECK);
    fs::remove_file(&also).unwrap();
    audit(&[]).passes(CHECK);

    let log = fs::read_to_string(site.path("vault/log.jsonl")).unwrap();
    let compared: Vec<&str> = log.lines().filter(|line| line.contains("\"compared\"")).collect();
    assert!(compared.len() >= 15, "{}", compared.len());
    for line in compared {
        assert!(line.contains("\"role\":\"auditor\""), "{line}");
        for value in one.values() {
            assert!(!line.contains(value));
        }
    }
    guesses(&site, &children, one);
}

/// A birth date as the vault has it.
fn iso(born: &str) -> String {
    let parts: Vec<&str> = born.split(['/', '-']).collect();
    match parts[0].len() {
        4 => parts.join("-"),
        _ => format!("{}-{}-{}", parts[2], parts[1], parts[0]),
    }
}

/// Other roles may not ask; the day's guesses are few, and hide each other.
fn guesses(site: &Site, children: &[Child], child: &Child) {
    let socket = site.path("vault.sock");
    let ask = |role: Role, born: &[String]| {
        let mut text = ComparedText::of([]);
        for born in born {
            for token in [
                TextToken::Word(&child.forename),
                TextToken::Word(&child.surname),
                TextToken::Date(born),
                TextToken::Line,
            ] {
                text.push(token);
            }
            (0..20).for_each(|_| text.push(TextToken::Word("x")));
        }
        let mut client = Client::connect(Path::new(&socket), role, "guess").unwrap();
        client.compare(vec![text]).map(|(found, _)| found)
    };
    for role in Role::ALL.iter().filter(|role| **role != Role::Auditor) {
        let refused = ask(*role, &["2010-01-01".into()]);
        assert!(matches!(refused, Err(VaultError::Denied(Denial::RoleForbids { .. }))), "{role}");
    }
    // Many at once: the right one hides among those of other children.
    let mut born: Vec<String> = children.iter().take(40).map(|of| iso(&of.born)).collect();
    born.sort();
    born.dedup();
    assert!(born.contains(&iso(&child.born)));
    assert_eq!(ask(Role::Auditor, &born).unwrap(), [Recognised::default()]);
    // One after the other: a day has few of them.
    let mut asked = 0;
    let denied = born.iter().cycle().take(300).find_map(|born| {
        asked += 1;
        ask(Role::Auditor, std::slice::from_ref(born)).err()
    });
    let Some(VaultError::Denied(denied @ Denial::OverComparisons { .. })) = denied else {
        panic!("{asked} guesses were answered")
    };
    assert!(asked <= 200 && denied.to_string().contains("tomorrow"), "{asked}: {denied}");
    let audit = Audit::of(site, &["--only", CHECK]);
    // A question that costs nothing is still answered.
    audit.passes(CHECK);
    fs::write(site.path("output.log"), child.row()).unwrap();
    let left = Audit::of(site, &["--only", CHECK, "--also", &site.path("output.log")]);
    left.is_left(CHECK, "used up");
}
