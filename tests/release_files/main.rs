//! The files of releases, opened in other programs: each value and status is the one that the Parquet file has.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod elsewhere;
mod package;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use minster_tests::{
    Site, accessibility::obstacles as obstacles_of, care_leavers::more_care_leavers, left_out,
    python, root, text,
};

/// Some of the fourteen releases: combinations, months, three tables in one, several dimensions, sums of events.
const RELEASES: [&str; 5] = [
    "services_together",
    "attendance_by_month",
    "early_help_by_term",
    "meals_by_sen",
    "exclusions_by_ethnicity",
];

/// The others of the fourteen, whose pages are looked at.
const OTHERS: [&str; 9] = [
    "absence_by_school",
    "absence_medians",
    "care_leavers",
    "looked_after_by_placement",
    "missing_by_looked_after",
    "paths",
    "protection_by_ward",
    "sen_by_police_area",
    "sen_by_ward",
];

/// A release with the files for the ministry's table tool: by ward, and by ethnic group under the ministry's names.
const FOR_THE_TOOL: &str = r#"
name = "for_the_tool"
publisher = "Exampleton Council"
contact = "statistics@exampleton.example"
population = "spine"
zeros = "may-be-withheld"

[[dimension]]
name = "ward"
column = "ward"
total = "All wards"
lookup = "ward_locality"
code_lookup = "gss"

[[dimension]]
name = "sen"
column = "sen"
total = "All"
codes = ["N", "K", "E"]

[[dimension]]
name = "ethnicity_major"
column = "ethnicity_major"
total = "All"
codes = ["Asian / Asian British", "Black / African / Caribbean / Black British", "Mixed / Multiple ethnic groups", "Other ethnic group", "White"]

[[table]]
name = "tool_by_ward"
dimensions = ["ward", "sen"]

[[table.measure]]
name = "share"
percentage = "sen"

[[table]]
name = "tool_by_ethnicity"
dimensions = ["ethnicity_major"]

[dfe]
time_identifier = "Academic year"
authority = { code = "E06000099", number = "899", name = "Exampleton" }
region = { code = "E12000009", name = "South West" }
place = { dimension = "ward", is = "ward" }
"#;

/// A council with the shipped configuration, its draft, and drafts of examples and of further definitions.
fn drafted(examples: &[&str], further: &[(&str, &str)]) -> Site {
    let site = Site::new();
    minster_tests::copy(&root().join("config"), &site.folder().join("config"));
    for name in examples {
        let file = format!("{name}.toml");
        let example = root().join("examples/releases").join(&file);
        fs::copy(example, site.folder().join("config/tables").join(file)).unwrap();
    }
    for (name, definition) in further {
        let file = site.folder().join("config/tables").join(format!("{name}.toml"));
        fs::write(file, definition).unwrap();
    }
    let council = ["--pupils", "3000", "--seed", "5", "--out", "council", "--truth", "truth"];
    let made = site.run("minster-synth", &council);
    assert!(made.status.success(), "{}", text(&made));
    more_care_leavers(site.folder());
    let wards =
        fs::read_to_string(site.folder().join("council/lookups/ward_locality.csv")).unwrap();
    let (mut areas, mut codes) = ("ward,police_area\n".to_owned(), "ward,code\n".to_owned());
    for (at, line) in wards.lines().skip(1).enumerate() {
        let (ward, locality) = line.split_once(',').unwrap();
        areas += &format!("{ward},{} division\n", &locality[..1]);
        codes += &format!("{ward},E05{at:06}\n");
    }
    fs::write(site.folder().join("config/police_area.csv"), areas).unwrap();
    fs::write(site.folder().join("config/gss.csv"), codes).unwrap();
    let path = site.folder().join("config/pipeline.toml");
    let pipeline = fs::read_to_string(&path).unwrap();
    let lookups = "[lookups]\npolice_area = \"police_area.csv\"\ngss = \"gss.csv\"\n";
    let pipeline = pipeline.replace("[lookups]\n", lookups);
    fs::write(path, pipeline.replace("quiet_seconds = 2", "quiet_seconds = 0")).unwrap();
    let ran = site.run("minster", &["run"]);
    assert!(matches!(ran.status.code(), Some(0 | 3)), "{}", text(&ran));
    site.keep();
    site
}

/// The folder of one release that is let out where no other is: they are about other children, and would be refused together.
fn released(site: &Site, release: &str) -> PathBuf {
    site.put_back();
    let let_out = site.run("minster", &["release", release]);
    assert_eq!(let_out.status.code(), Some(0), "{}", text(&let_out));
    fs::canonicalize(folder(site, release)).unwrap()
}

fn folder(site: &Site, release: &str) -> PathBuf {
    site.folder().join("store/releases").join(release).join("2024-25/current")
}

fn read_back(folder: &Path) -> (bool, String) {
    read_by("read_back.py", folder)
}

fn read_by(script: &str, folder: &Path) -> (bool, String) {
    let script = root().join("tests/release_files").join(script);
    let mut read = Command::new(python());
    // The scripts share a module; nothing is written beside it.
    let read = read.env("PYTHONDONTWRITEBYTECODE", "1").arg(script).arg(folder).output().unwrap();
    (read.status.success(), text(&read))
}

#[test]
fn other_programs_read_the_same_values_and_statuses() {
    let examples = [&RELEASES[..], &OTHERS].concat();
    let site = drafted(&examples, &[("for_the_tool", FOR_THE_TOOL)]);
    let (mut withheld, mut pages) = (0, Vec::new());
    for release in OTHERS {
        let place = released(&site, release);
        pages.push(fs::read_to_string(place.join(format!("{release}.html"))).unwrap());
    }
    for release in RELEASES.iter().chain(&["for_the_tool", "children"]) {
        let place = released(&site, release);
        let (good, said) = read_back(&place);
        assert!(good && said.contains("READ "), "{release}: {said}");
        for missing in said.lines().filter_map(|line| line.strip_prefix("MISSING ")) {
            left_out(&format!("the comparison with {missing}, which this Python does not have"));
        }
        let page = fs::read_to_string(place.join(format!("{release}.html"))).unwrap();
        withheld += usize::from(page.contains("[c]</span><span class=\"unseen\">withheld"));
        let checked = site.run("minster", &["verify", release]);
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
        charts(release, &page);
        pages.push(page);
        // Months as rows, the ministry's files, and a map.
        if ["attendance_by_month", "for_the_tool", "children"].contains(release) {
            elsewhere::read(&place);
        }
    }
    assert!(withheld > 1, "several releases withhold something");
    let place = fs::canonicalize(folder(&site, "children")).unwrap();
    let made = site.run("minster", &["site", "--out", "out"]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made));
    pages.push(fs::read_to_string(site.folder().join("out/index.html")).unwrap());
    nobody_is_kept_out(&pages);

    // Readers of one file see what readers of another do: a number changed in any of them is found, by them and by the audit's
    // command.
    for (name, from, to) in [
        ("children.html", "<td class=\"number\">", "<td class=\"number\">9"),
        ("datapackage.json", "\"bytes\": ", "\"bytes\": 9"),
        ("sen_by_ward.csv", "All wards,All,All,", "All wards,All,All,9"),
    ] {
        let whole = fs::read_to_string(place.join(name)).unwrap();
        assert!(whole.contains(from), "{name}");
        fs::write(place.join(name), whole.replacen(from, to, 1)).unwrap();
        let (good, said) = read_back(&place);
        assert!(!good && said.contains("WRONG"), "{name}: {said}");
        let checked = site.run("minster", &["verify", "children"]);
        assert_eq!(checked.status.code(), Some(9), "{name}: {}", text(&checked));
        fs::write(place.join(name), whole).unwrap();
    }
    fs::write(place.join("more.html"), "").unwrap();
    let checked = site.run("minster", &["verify", "children"]);
    assert_eq!(checked.status.code(), Some(9), "a file more: {}", text(&checked));
    fs::remove_file(place.join("more.html")).unwrap();
    assert!(read_back(&place).0);
}

/// No page of a release, and not the site's index, has an obstacle for people who see, hear or move in other ways. One that is put
/// into a page is found there, and in no other.
fn nobody_is_kept_out(pages: &[String]) {
    assert_eq!(pages.len(), RELEASES.len() + OTHERS.len() + 3);
    let planted = "<p style=\"color: #ddd\">pale</p><img src=\"data:,\"></main>";
    let pale = [&pages[0], &pages[pages.len() - 1]].map(|page| page.replace("</main>", planted));
    // A page with obstacles stands between those without.
    let mut all: Vec<&str> = pages.iter().map(String::as_str).collect();
    all.insert(1, &pale[0]);
    all.push(&pale[1]);
    let Some(judged) = obstacles_of(&all) else { return };
    for (at, obstacles) in judged.iter().enumerate() {
        if at != 1 && at != all.len() - 1 {
            assert_eq!(*obstacles, [""; 0], "page {at}");
            continue;
        }
        for rule in ["color-contrast", "image-alt"] {
            assert!(obstacles.iter().any(|one| one.starts_with(rule)), "{rule}: {obstacles:?}");
        }
    }
}

/// The page draws months as lines, combinations of services as dots, and other categories as bars; places with a boundary
/// file are a map too.
fn charts(release: &str, page: &str) {
    let (lines, dots) = (page.contains("<polyline"), page.contains("Children by combination"));
    let bars = page.contains("<caption>Children by ") && page.contains("class=\"bar\"");
    match release {
        "attendance_by_month" => {
            assert!(lines && !dots && !bars);
            assert!(page.contains("Absence by month") && page.contains(">Sep<"));
        }
        "services_together" => assert!(!lines && dots && page.contains("<circle")),
        // The made-up council's boundary file has all its wards.
        "children" => {
            assert!(!lines && !dots && bars && page.contains("<svg class=\"map\""));
            assert!(page.contains("A map of 30 areas.") && !page.contains("of the boundary file"));
        }
        _ => assert!(!lines && !dots && bars, "{release}"),
    }
}
