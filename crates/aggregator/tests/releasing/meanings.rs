//! The dictionary's words on columns and codes, in the files of a release.

use std::fs;

use minster_aggregator::reproduce;
use serde_json::{Value, json};

use super::*;

const DEFINITION: &str = r#"
name = "r"
population = "spine"
[[column]]
name = "place"
meaning = "Whether the area lies by the sea."
is = { recode = { of = "area", groups = { coast = ["coast"] }, other = "inland" } }
[[dimension]]
name = "gender"
column = "sex"
total = "all"
codes = ["F", "M"]
[[dimension]]
name = "days"
column = "missed"
total = "all"
bands = [0, 20]
labels = ["few", "many"]
[[dimension]]
name = "place"
column = "place"
total = "all"
codes = ["coast", "inland"]
[[table]]
name = "t"
dimensions = ["gender"]
[[table.measure]]
name = "missed"
sum = "missed"
[[table]]
name = "u"
dimensions = ["days"]
[[table]]
name = "v"
dimensions = ["place"]
"#;

/// A column, its sentence, and the labels of its codes.
type Written<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

fn with(meanings: &[Written<'_>]) -> ColumnMeanings {
    let owned = |(code, label): &(&str, &str)| ((*code).to_owned(), (*label).to_owned());
    let meaning = |(column, meaning, labels): &Written<'_>| {
        let labels = labels.iter().map(owned).collect();
        (column.parse().unwrap(), ColumnMeaning { meaning: (*meaning).to_owned(), labels })
    };
    meanings.iter().map(meaning).collect()
}

fn dictionary() -> ColumnMeanings {
    with(&[
        (
            "sex",
            "The sex, as the census gives it.",
            &[("F", "female"), ("M", "male"), ("U", "unknown")],
        ),
        // The name of a band may be a code by chance.
        ("missed", "Sessions missed.", &[("few", "a code of the list")]),
        ("area", "The area.", &[("coast", "a code of the list")]),
        ("excluded", "Nothing of the release.", &[]),
    ])
}

fn field(package: &Value, table: usize, name: &str) -> Value {
    let fields = package["resources"][table]["schema"]["fields"].as_array().unwrap();
    fields.iter().find(|field| field["name"] == name).unwrap().clone()
}

#[test]
fn a_release_tells_what_its_columns_and_codes_mean_and_keeps_the_words() {
    let mut site = Site::new();
    site.meanings = dictionary();
    let released = site.release(DEFINITION).unwrap();
    let folder = released.folder.unwrap();
    let package = || -> Value {
        serde_json::from_slice(&fs::read(folder.join("datapackage.json")).unwrap()).unwrap()
    };
    let sex = field(&package(), 0, "gender");
    let said = sex["description"].as_str().unwrap();
    assert!(said.starts_with("The sex, as the census gives it. A category"), "{said}");
    let value = |value: &str, label: &str| json!({ "value": value, "label": label });
    let expected = [("all", "all"), ("F", "female"), ("M", "male"), ("Unknown", "Unknown")];
    assert_eq!(sex["categories"], json!(expected.map(|(code, label)| value(code, label))));
    let missed = field(&package(), 0, "missed");
    let said = missed["description"].as_str().unwrap();
    assert!(said.starts_with("The sum of missed over the children. missed: Sessions missed."));
    assert_eq!(
        field(&package(), 1, "days")["categories"],
        json!(["all", "few", "many", "Unknown"])
    );
    let place = field(&package(), 2, "place");
    let said = place["description"].as_str().unwrap();
    assert!(said.starts_with("Whether the area lies by the sea."), "{said}");
    assert_eq!(place["categories"], json!(["all", "coast", "inland", "Unknown"]));
    let page = fs::read_to_string(folder.join("r.html")).unwrap();
    let words = "<strong>Gender</strong>: The sex, as the census gives it. F is female; M is male.";
    assert!(page.contains(words), "{page}");
    assert!(!page.contains("Nothing of the release") && !page.contains("U is unknown"));

    // A word that is mended makes no other release, and the release is built again with its own words.
    let mut mended = dictionary();
    mended.insert("sex".parse().unwrap(), ColumnMeaning::default());
    site.meanings = mended;
    assert!(matches!(site.draft(DEFINITION).unwrap().outcome, Outcome::Same));
    let (name, mut vault) = ("r".parse().unwrap(), OneKey);
    let again = site.job(|job| reproduce(job, &name, &mut vault)).unwrap();
    let again = serde_json::to_value(&again).unwrap();
    assert!(again["outcome"]["same"].is_object(), "{again}");
    // Another release tells the new ones.
    let other = DEFINITION.replacen("\"r\"", "\"s\"", 1);
    let folder = site.release(&other).unwrap().folder.unwrap();
    let other: Value =
        serde_json::from_slice(&fs::read(folder.join("datapackage.json")).unwrap()).unwrap();
    assert_eq!(field(&other, 0, "gender")["categories"], json!(["all", "F", "M", "Unknown"]));
}

#[test]
fn a_category_whose_name_is_withheld_has_no_label() {
    let mut site = Site::new();
    let labels = [("w1", "First"), ("w2", "Second"), ("w3", "Third"), ("w4", "Fourth")];
    site.meanings = with(&[("ward", "The ward.", &labels)]);
    let open = "name = \"r\"\npopulation = \"spine\"\nthreshold = 30\n[[dimension]]\nname = \"ward\"\ncolumn = \"ward\"\ntotal = \"all\"\n[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\n";
    let folder = site.release(open).unwrap().folder.unwrap();
    for (file, bytes) in fs::read_dir(&folder).unwrap().map(|of| {
        let path = of.unwrap().path();
        (path.clone(), fs::read(path).unwrap())
    }) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("Second") && !text.contains("Third"), "{}", file.display());
    }
    let package = fs::read_to_string(folder.join("datapackage.json")).unwrap();
    assert!(package.contains("\"label\": \"First\"") && package.contains("(withheld 2)"));
}
