//! A made-up council without defects, counted from its raw files: who a row is about comes from the truth that was made with
//! them, and nothing from the programs or their configuration.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

use super::led_together::apart;

/// A day as `2025-03-31`: days of one form compare as texts do.
pub(crate) type Day = String;

/// Something with a beginning, and an end where it has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) from: Day,
    pub(crate) end: Option<Day>,
}

impl Span {
    /// Whether it has begun by a day and has not ended by it.
    pub(crate) fn is_open(&self, day: &str) -> bool {
        self.from.as_str() <= day && self.end.as_ref().is_none_or(|end| end.as_str() > day)
    }

    /// Whether it began by the last of two days and was open after the first.
    pub(crate) fn touches(&self, first: &str, last: &str) -> bool {
        self.from.as_str() <= last && self.end.as_ref().is_none_or(|end| end.as_str() > first)
    }
}

/// One child, as the files have it.
#[derive(Default)]
pub(crate) struct Child {
    pub(crate) is_pupil: bool,
    /// The values of the latest census.
    pub(crate) said: BTreeMap<&'static str, String>,
    pub(crate) born: Day,
    /// Periods with free school meals, by their first day.
    pub(crate) meals: BTreeSet<Day>,
    pub(crate) suspensions: BTreeSet<Day>,
    /// By month: sessions that were missed, and possible ones.
    pub(crate) sessions: BTreeMap<String, (u64, u64)>,
    /// Episodes of care, each with its place.
    pub(crate) care: BTreeSet<(Span, String)>,
    pub(crate) activity: Option<String>,
    pub(crate) referrals: BTreeSet<Day>,
    pub(crate) protection: BTreeSet<Span>,
    pub(crate) early_help: BTreeSet<Span>,
    pub(crate) missing: Vec<Day>,
    pub(crate) plans: usize,
    /// Whether any file knows the child.
    pub(crate) is_known: bool,
}

impl Child {
    pub(crate) fn of(&self, column: &str) -> &str {
        self.said.get(column).map_or("", String::as_str)
    }

    pub(crate) fn sessions(&self) -> (u64, u64) {
        self.sessions.values().fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1))
    }

    /// The place of the episode that is open on a day.
    pub(crate) fn place_on(&self, day: &str) -> Option<&str> {
        let open = self.care.iter().filter(|(span, _)| span.is_open(day));
        open.max_by(|a, b| a.0.from.cmp(&b.0.from)).map(|(_, place)| place.as_str())
    }

    /// Whole years on a day.
    pub(crate) fn age_on(&self, day: &str) -> i64 {
        let year = |day: &str| day[..4].parse::<i64>().unwrap();
        year(day) - year(&self.born) - i64::from(self.born[5..] > day[5..])
    }
}

/// The number of the child that a row of a file is about.
pub(crate) type RowOf = HashMap<(String, usize), usize>;

/// The rows of a CSV file, each by its column.
pub(crate) fn rows(path: &Path) -> Vec<HashMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    assert!(!text.contains('"'), "{} has quoted cells", path.display());
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells = line.split(',').map(str::to_owned);
        header.iter().map(|name| (*name).to_owned()).zip(cells).collect()
    };
    lines.map(row).collect()
}

/// A date in any of the files' writings; none for a blank.
fn day(text: &str) -> Option<Day> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = text.split(' ').next().filter(|date| !date.is_empty())?;
    if let [day, month, year] = date.split('/').collect::<Vec<_>>()[..] {
        return Some(format!("{year}-{month}-{day}"));
    }
    let [year, month, day] = date.split('-').collect::<Vec<_>>()[..] else { panic!("{text}") };
    let named = MONTHS.iter().position(|name| *name == month).map(|place| place + 1);
    let month = named.unwrap_or_else(|| month.parse().unwrap());
    Some(format!("{year}-{month:02}-{day}"))
}

/// The children of a council in a folder with `council` and `truth`.
pub(crate) fn children(folder: &Path) -> Vec<Child> {
    counted(folder, &place_of(folder))
}

/// The same, but each child who is no pupil as often as a pipeline can tell the records apart.
pub(crate) fn children_led_together(folder: &Path) -> Vec<Child> {
    let place_of = place_of(folder);
    let is_pupil = |(file, _): &&(String, usize)| file.contains("pupilonroll");
    let pupils = place_of.keys().filter(is_pupil).map(|key| place_of[key]).collect();
    let first = rows(&folder.join("truth/children.csv")).len();
    counted(folder, &apart(&folder.join("council"), &place_of, &pupils, first))
}

/// The child of each row, by the truth.
fn place_of(folder: &Path) -> RowOf {
    let mut place_of = RowOf::new();
    for row in rows(&folder.join("truth/rows.csv")) {
        assert_eq!(row["defect"], "", "{}", row["file"]);
        place_of.insert(
            (row["file"].clone(), row["row"].parse().unwrap()),
            row["child"].parse().unwrap(),
        );
    }
    place_of
}

fn counted(folder: &Path, place_of: &RowOf) -> Vec<Child> {
    let council = folder.join("council");
    let truth = rows(&folder.join("truth/children.csv"));
    let mut children: Vec<Child> =
        truth.iter().map(|row| Child { born: row["dob"].clone(), ..Child::default() }).collect();
    let most = place_of.values().max().map_or(0, |most| most + 1);
    children.resize_with(children.len().max(most), Child::default);
    // The rows of the files whose name has a part, each with its child.
    let with_child = |folder: &str, part: &str| {
        let mut files: Vec<PathBuf> =
            fs::read_dir(council.join(folder)).unwrap().map(|of| of.unwrap().path()).collect();
        files.sort();
        files.retain(|path| path.file_name().unwrap().to_str().unwrap().contains(part));
        assert!(!files.is_empty(), "{folder}: {part}");
        let mut found = Vec::new();
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            for (at, row) in rows(&file).into_iter().enumerate() {
                found.push((place_of[&(name.clone(), at + 1)], row));
            }
        }
        found
    };
    let lookup = |name: &str| -> HashMap<String, String> {
        let rows = rows(&council.join("lookups").join(name));
        let (key, value) =
            if name.starts_with("postcode") { ("postcode", "ward") } else { ("ward", "locality") };
        rows.into_iter().map(|row| (row[key].clone(), row[value].clone())).collect()
    };
    let (wards, localities) = (lookup("postcode_ward.csv"), lookup("ward_locality.csv"));
    // Attendance names pupils by the number that the census has of them, or had.
    let mut by_upn: HashMap<String, usize> = HashMap::new();
    for term in ["2024-autumn", "2025-spring", "2025-summer"] {
        let census = format!("school_census/{term}");
        let of_pupils = |part: &str| with_child(&census, part).into_iter();
        for (place, row) in of_pupils("pupilonroll") {
            for upn in ["upn", "formerupn"].map(|name| row[name].clone()) {
                by_upn.insert(upn, place);
            }
            let child = &mut children[place];
            child.is_pupil = true;
            child.is_known = true;
            let columns = [
                ("sex", "sex"),
                ("sen", "senprovision"),
                ("ethnicity", "ethnicity"),
                ("year", "ncyearactual"),
                ("school", "NativeId"),
            ];
            // A subsidiary registration does not count beside a main one.
            if row["enrolstatus"] == "S" && child.said.contains_key("sex") {
                continue;
            }
            for (name, column) in columns {
                // Not every term asks for everything.
                if let Some(value) = row.get(column).filter(|value| !value.is_empty()) {
                    child.said.insert(name, value.clone());
                }
            }
        }
        for (place, _) in of_pupils("pupilnolongeronroll") {
            children[place].is_known = true;
        }
        for (place, row) in
            of_pupils("addresses").filter(|(_, row)| row.contains_key("pupilonrolltableid"))
        {
            let ward = &wards[&row["postcode"]];
            children[place].said.insert("locality", localities[ward].clone());
            children[place].said.insert("ward", ward.clone());
        }
        for (place, row) in of_pupils("fsmperiod") {
            children[place].meals.insert(day(&row["fsmstartdate"]).unwrap());
        }
        // Those of pupils who left stand in a file of their own, which the shipped linkage does not count.
        for (place, row) in
            of_pupils("exclusionsonroll").filter(|(_, row)| row["category"] == "SUSP")
        {
            children[place].suspensions.insert(day(&row["startdate"]).unwrap());
        }
    }
    for row in rows(&council.join("attendance/2024-25/attendance.csv")) {
        let (missed, possible) =
            children[by_upn[&row["UPN"]]].sessions.entry(row["date"][..7].to_owned()).or_default();
        *missed += u64::from(matches!(
            row["code"].as_str(),
            "C" | "E" | "I" | "M" | "R" | "S" | "T" | "G" | "N" | "O" | "U"
        ));
        *possible += 1;
    }
    let care = "ssda903/2024-25";
    for (place, row) in
        with_child(care, "_episodes").into_iter().filter(|(_, row)| row.contains_key("DECOM"))
    {
        let span = Span { from: day(&row["DECOM"]).unwrap(), end: day(&row["DEC"]) };
        children[place].care.insert((span, row["PLACE"].clone()));
    }
    for (place, row) in with_child(care, "oc3") {
        children[place].activity = Some(row["ACTIV"].clone());
    }
    for (place, row) in with_child("early_help/2024-25", "early_help") {
        let span = Span { from: day(&row["start_date"]).unwrap(), end: day(&row["end_date"]) };
        children[place].early_help.insert(span);
        children[place].is_known = true;
    }
    for (place, row) in with_child("missing/2024-25", "missing") {
        children[place].missing.push(day(&row["reported"]).unwrap());
        children[place].is_known = true;
    }
    for (place, _) in with_child(care, "header") {
        children[place].is_known = true;
    }
    for (place, text) in elements(&council.join("cin/2024-25/cin.xml"), "Child", place_of) {
        let child = &mut children[place];
        child.is_known = true;
        child.referrals.extend(values(&text, "CINreferralDate"));
        for plan in inner(&text, "ChildProtectionPlans") {
            let from = values(&plan, "CPPstartDate").remove(0);
            child.protection.insert(Span { from, end: values(&plan, "CPPendDate").pop() });
        }
    }
    for (place, text) in elements(&council.join("sen2/2024-25/sen2.xml"), "Person", place_of) {
        children[place].is_known = true;
        children[place].plans += inner(&text, "ActivePlans").len();
    }
    children
}

/// The elements of a file, each with its child.
fn elements(path: &Path, name: &str, place_of: &RowOf) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let file = path.file_name().unwrap().to_str().unwrap().to_owned();
    let found = inner(&text, name).into_iter().enumerate();
    found.map(|(at, text)| (place_of[&(file.clone(), at + 1)], text)).collect()
}

/// The text inside each element of a name.
pub(crate) fn inner(text: &str, name: &str) -> Vec<String> {
    let pattern = Regex::new(&format!("(?s)<{name}>(.*?)</{name}>")).unwrap();
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

pub(crate) fn values(text: &str, name: &str) -> Vec<String> {
    inner(text, name)
}
