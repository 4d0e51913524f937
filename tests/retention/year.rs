//! A year of nights, by a clock that runs ahead: children arrive, dates are corrected, records come due, are held back, are disposed of, and a
//! backup is put back. Each month the programs' answers are compared with what the test's own model of the council says.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::{Span, civil::Date};
use minster_tests::{
    Site,
    deliveries::{Child, Council as Small, EARLY_HELP, early_help_row, pupils},
    files, left_out, text,
};

use super::{Council, alone};

/// The category of the schedule that all children of this test are of.
const CATEGORY: &str = "other-records";
/// How long other records are kept in this test.
const YEARS: i64 = 12;
/// Counts below it are hidden.
const SMALLEST_SHOWN: u64 = 5;

/// A child, as the test knows it.
struct Person {
    child: Child,
    /// The latest birth date that a source told.
    born: Date,
    helped: bool,
}

/// The council, as the test knows it.
struct Truth {
    persons: BTreeMap<u32, Person>,
    gone: BTreeSet<u32>,
    held: BTreeSet<u32>,
    moratorium: bool,
}

impl Truth {
    fn arrives(&mut self, place: u32, born: Date) {
        let mut child = Child::at(place);
        child.born = born.to_string();
        self.persons.insert(place, Person { child, born, helped: place.is_multiple_of(3) });
    }

    /// A source corrects a birth date.
    fn corrected(&mut self, place: u32, born: Date) {
        let person = self.persons.get_mut(&place).unwrap();
        person.child.born = born.to_string();
        person.born = person.born.max(born);
    }

    fn due(&self, today: Date) -> BTreeSet<u32> {
        let is_due =
            |person: &Person| person.born.saturating_add(Span::new().years(YEARS)) <= today;
        let due = self
            .persons
            .iter()
            .filter(|(place, person)| is_due(person) && !self.gone.contains(place));
        due.map(|(place, _)| *place).collect()
    }

    /// The children whom a disposal takes.
    fn to_go(&self, today: Date) -> BTreeSet<u32> {
        match self.moratorium {
            true => BTreeSet::new(),
            false => self.due(today).difference(&self.held).copied().collect(),
        }
    }

    fn kept(&self) -> u64 {
        (self.persons.len() - self.gone.len()) as u64
    }
}

/// A count, as a plan shows it.
fn shown(count: usize) -> serde_json::Value {
    match count as u64 {
        1..SMALLEST_SHOWN => serde_json::Value::Null,
        count => count.into(),
    }
}

struct Year {
    council: Council,
    truth: Truth,
    month: u32,
}

impl Year {
    fn today(&self) -> Date {
        self.council.0.today()
    }

    /// A month passes. The services deliver all whom they know, those too whose records were disposed of here.
    fn next_month(&mut self) {
        assert!(self.council.0.pass_days(30));
        self.month += 1;
        self.deliver();
    }

    fn deliver(&self) {
        let children = self.truth.persons.values().map(|person| person.child.clone());
        let write = |path: &str, text: String| {
            std::fs::write(self.council.0.folder().join(path), text).unwrap();
        };
        write("drop/school_census/2024-autumn/pupilonroll.csv", pupils(children));
        let helped = self.truth.persons.iter().filter(|(_, person)| person.helped);
        let rows = helped.map(|(place, person)| {
            early_help_row(&format!("EH{place}"), &person.child, "03/02/2025") + "\n"
        });
        write(
            "drop/early_help/2024-25/early_help.csv",
            format!("{EARLY_HELP}\n{}", rows.collect::<String>()),
        );
    }

    /// A night's run; then all that can be asked is compared with the model.
    fn night(&self) {
        self.council.done("minster", &["run", "--config", "config/pipeline.toml"]);
        self.check();
    }

    /// Compares all that can be asked with the model.
    fn check(&self) {
        let Self { council, truth, month, .. } = self;
        let of_upn = |place: &u32| truth.persons[place].child.upn.as_str();
        let blocked = council.blocked(&format!("month-{month}"), truth.persons.keys().map(of_upn));
        let gone: BTreeSet<u32> = truth
            .persons
            .keys()
            .zip(blocked)
            .filter(|(_, gone)| *gone)
            .map(|(place, _)| *place)
            .collect();
        assert_eq!(gone, truth.gone, "month {month}");
        let tables = council.tables(&HashSet::new());
        for table in
            ["source/school_census/2024-autumn/pupils", "integrated/children/2024-25/children"]
        {
            assert_eq!(tables[table].0, truth.kept(), "month {month}: {table}");
        }
        let helped = truth
            .persons
            .iter()
            .filter(|(place, person)| person.helped && !truth.gone.contains(place));
        assert_eq!(
            tables["source/early_help/2024-25/plans"].0,
            helped.count() as u64,
            "month {month}"
        );
        let totals = council.totals("school_census/2024-autumn");
        assert!(totals.conserved());
        let plan = council.plan();
        let due = truth.to_go(self.today()).len();
        assert_eq!(plan["plan"]["due"], shown(due), "month {month}: {plan}");
        let all_due = truth.due(self.today());
        let held: BTreeMap<&str, serde_json::Value> = [
            ("legal hold", all_due.intersection(&truth.held).count()),
            (CATEGORY, if truth.moratorium { all_due.difference(&truth.held).count() } else { 0 }),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(by, count)| (by, shown(count)))
        .collect();
        let told = plan["plan"]["held"].as_array().unwrap();
        let told = told.iter().map(|held| (held["by"].as_str().unwrap(), held["persons"].clone()));
        assert_eq!(told.collect::<BTreeMap<_, _>>(), held, "month {month}: {plan}");
    }

    /// Holds a child back, whose number two custodians type.
    fn hold(&mut self, place: u32) {
        let site = &self.council.0;
        let number = &self.truth.persons[&place].child.upn;
        std::fs::write(site.folder().join("number"), number).unwrap();
        self.decided(
            &["hold", "--kind", "upn", "--identifier-file", "number"],
            &["--identifier-file", "number"],
        );
        self.truth.held.insert(place);
    }

    /// Has two custodians decide something, and carries it out.
    fn decided(&self, what: &[&str], typed: &[&str]) {
        self.council.approved(what, typed);
        self.council.vault(&["enact", "--proposal", "proposal"]);
    }

    /// Disposes of what is due, and searches for it.
    fn dispose(&mut self) {
        let going = self.truth.to_go(self.today());
        assert!(!going.is_empty());
        self.council.listed();
        let gone = self.council.pseudonyms();
        let _ = std::fs::remove_file(self.council.0.folder().join("receipt.note"));
        self.council.dispose("receipt.note");
        for (table, (_, with)) in self.council.tables(&gone) {
            assert_eq!(with, 0, "month {}: {table}", self.month);
        }
        // Nothing is found in clear either, in any file of store or vault.
        let mut words: Vec<Vec<u8>> = going
            .iter()
            .map(|place| self.truth.persons[place].child.upn.clone().into_bytes())
            .collect();
        for pseudonym in &gone {
            words.push(pseudonym.to_string().into_bytes());
            words.push(pseudonym.as_bytes().to_vec());
        }
        for folder in ["store", "vault"] {
            for (path, bytes) in files(&self.council.0.folder().join(folder)) {
                let found = words.iter().any(|word| memchr::memmem::find(&bytes, word).is_some());
                assert!(!found, "month {}: {}", self.month, path.display());
            }
        }
        self.truth.gone.extend(going);
    }
}

/// Puts the small council's pipeline where the shipped one stands.
fn configure(site: &Site) {
    let text = std::fs::read_to_string(site.folder().join("pipeline.toml")).unwrap();
    let paths = [
        ("\"store\"", "\"../store\""),
        ("\"config/", "\""),
        ("\"vault.sock\"", "\"../vault.sock\""),
        ("\"drop/", "\"../drop/"),
        ("\"wards.csv\"", "\"../wards.csv\""),
        ("\"minster.prom\"", "\"../minster.prom\""),
        ("\"lineage.jsonl\"", "\"../lineage.jsonl\""),
        ("[vault]", "schedule = \"retention.toml\"\n[vault]"),
    ];
    let text = paths.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    std::fs::write(site.folder().join("config/pipeline.toml"), text).unwrap();
}

#[test]
fn a_year_of_nights_is_each_month_as_the_truth_says() {
    let _alone = alone();
    let small =
        Small::of_deliveries(&[("school_census", "2024-autumn"), ("early_help", "2024-25")]);
    let site = small.site;
    if !site.pass_days(1) {
        return left_out(
            "a year of nights: there is no libfaketime, which moves the programs' clock",
        );
    }
    site.appoint();
    configure(&site);
    let begin = site.today();
    let comes_due = |month: i64, day: i64| {
        begin
            .saturating_add(Span::new().days(30 * month + day))
            .saturating_sub(Span::new().years(YEARS))
    };
    let truth = Truth {
        persons: BTreeMap::new(),
        gone: BTreeSet::new(),
        held: BTreeSet::new(),
        moratorium: false,
    };
    let mut year = Year { council: Council(site), truth, month: 0 };
    year.council.keep_for(YEARS);
    for place in 0..30 {
        year.truth.arrives(place, comes_due(40 + i64::from(place), 3));
    }
    for (month, places) in [(3, 30..37), (5, 37..45), (8, 45..51), (11, 51..58)] {
        for place in places {
            year.truth.arrives(place, comes_due(month, -i64::from(place % 20) - 1));
        }
    }
    year.deliver();
    year.night();

    // January: children arrive; one of them comes due within the year.
    (58..62).for_each(|place| year.truth.arrives(place, comes_due(60, 3)));
    year.truth.arrives(62, comes_due(11, -2));
    year.next_month();
    year.night();

    // February: a birth date was wrong, and the child is younger. Another is corrected the other way: the later date counts.
    year.truth.corrected(30, comes_due(8, -4));
    year.truth.corrected(1, comes_due(2, -4));
    year.next_month();
    year.night();

    // March: the first disposal. The night after it, the services deliver the children again.
    year.next_month();
    year.night();
    year.dispose();
    year.night();

    // April: a claim is announced, and a child is held.
    year.next_month();
    year.hold(37);
    year.night();

    // May: the store is copied, and then the second disposal leaves the child who is held.
    year.next_month();
    year.night();
    let store = year.council.0.folder().join("store");
    let backup = year.council.0.folder().join("backup");
    minster_tests::copy_whole(&store, &backup);
    year.dispose();
    assert!(!year.truth.gone.contains(&37));
    year.night();

    // June: somebody puts the copy back. No program answers from it. The custodians let the ids begin anew, and the deliveries are read
    // again: the children who left do not come back.
    year.next_month();
    minster_tests::copy_whole(&backup, &store);
    for what in [&["link"][..], &["run", "--again"]] {
        let ran =
            year.council.0.run("minster", &[what, &["--config", "config/pipeline.toml"]].concat());
        let told = text(&ran);
        assert_eq!(ran.status.code(), Some(7), "{what:?}: {told}");
        assert!(told.contains("is not what the vault's log says"), "{told}");
    }
    // The copy of the ids holds persons who left: it is refused for good, and its folder is removed.
    let lost = [
        "snapshot",
        "--purpose",
        super::PURPOSE,
        "--dataset",
        "integrated/identities/all",
        "--gone",
    ];
    year.decided(&lost, &[]);
    std::fs::remove_dir_all(store.join("datasets/integrated/identities")).unwrap();
    year.council.done("minster", &["run", "--again", "--config", "config/pipeline.toml"]);
    year.check();

    // July: an inquiry holds all other records back. Children who come due stay.
    year.next_month();
    let inquiry = ["--schedule", "config/retention.toml", "--ordered-by", "INQUIRY/1"];
    year.decided(&[&["moratorium", "--category", CATEGORY], &inquiry[..]].concat(), &[]);
    year.truth.moratorium = true;
    year.night();

    // August and September: nothing leaves.
    year.next_month();
    year.night();
    year.next_month();
    year.night();
    assert!(year.truth.due(year.today()).len() > 7);

    // October: claim and inquiry are over, and all leaves that they held back.
    year.next_month();
    let holds = year.council.plan()["plan"]["holds"].as_array().unwrap().clone();
    assert_eq!(holds.len(), 2);
    for hold in holds {
        year.decided(&["lift", "--hold", hold["hold"].as_str().unwrap()], &[]);
    }
    year.truth.moratorium = false;
    year.truth.held.clear();
    year.check();
    year.dispose();
    assert!(year.truth.gone.contains(&37) && year.truth.gone.contains(&30));
    year.night();

    // November: the last disposal, and the log of the year is whole.
    year.next_month();
    year.night();
    year.dispose();
    assert!(year.truth.gone.contains(&62));
    year.night();
    let verified = year.council.0.run("minster-vault", &["log", "verify", "--dir", "vault"]);
    assert!(verified.status.success(), "{}", text(&verified));
}
