//! Cells that a definition keeps: they are shown, or the refusal says what to coarsen.

use super::*;

const TABLES: &str = "\n[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n\
    [[table]]\nname = \"u\"\ndimensions = [\"sex\", \"school\"]\n\
    [[dimension]]\nname = \"school\"\ncolumn = \"school\"\ntotal = \"all\"\n";

fn kept(keep: &str) -> String {
    format!("keep = {keep}\n{HEAD}{TABLES}")
}

/// The numbers of the table `t` that are shown.
fn shown(site: &Site, definition: &str) -> BTreeMap<[String; 2], Option<u64>> {
    let cell = |row: BTreeMap<String, String>| {
        ([row["ward"].clone(), row["sex"].clone()], row["children"].parse().ok())
    };
    site.rows(definition).into_iter().map(cell).collect()
}

#[test]
fn a_kept_cell_is_shown_in_every_table_that_has_it_and_others_go_in_its_place() {
    let cell = |ward: &str, sex: &str| [ward.to_owned(), sex.to_owned()];
    let before = shown(&Site::new(), &format!("{HEAD}{TABLES}"));
    let hidden: Vec<_> = before.iter().filter(|(_, shown)| shown.is_none()).collect();
    // One that is large, and was withheld for others' sake.
    let withheld = cell("w2", "M");
    assert!(hidden.iter().any(|(cell, _)| **cell == withheld), "{hidden:?}");
    let site = Site::new();
    let after = shown(&site, &kept("[{ ward = \"w2\", sex = \"M\" }, { sex = \"F\" }]"));
    assert_eq!(after[&withheld], Some(23));
    assert_eq!(after[&cell("all", "F")], Some(80));
    assert!(after[&cell("w3", "M")].is_none(), "three boys stay hidden");
    let (release, purpose) = ("r".parse().unwrap(), "test".parse().unwrap());
    let which =
        Which { store: &site.store, release: &release, period: &site.period, purpose: &purpose };
    let checks = verify_release(&which, &mut OneKey).unwrap();
    assert!(checks.iter().all(|check| check.passed), "{checks:?}");
}

#[test]
fn where_no_pattern_keeps_them_the_refusal_says_what_to_coarsen() {
    // Two girls and three boys are five, so that neither can be five beside a five that is shown.
    let excluded = "name = \"r\"\npopulation = \"spine\"\nwhere = [{ column = \"excluded\", at-least = 1 }]\n\
        [[dimension]]\nname = \"ward\"\ncolumn = \"ward\"\ntotal = \"all\"\n\
        [[dimension]]\nname = \"sex\"\ncolumn = \"sex\"\ntotal = \"all\"\n\
        [[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n";
    let site = Site::new();
    assert_eq!(site.draft(excluded).unwrap().outcome, Outcome::Draft);
    let keeping = format!("keep = [{{ ward = \"w2\" }}]\n{excluded}");
    let AggregateError::Refused(why) = site.draft(&keeping).unwrap_err() else { panic!() };
    assert_eq!(why.code(), "keeps");
    let told = why.to_string();
    assert!(told.contains("They can be shown with the table t without sex: in [[table]] t, dimensions = [\"ward\"]"), "{told}");
    assert!(["w1", "w2", "w3", "w4"].iter().all(|ward| !told.contains(ward)), "{told}");
    // It is true.
    let coarser = keeping.replace("[\"ward\", \"sex\"]", "[\"ward\"]");
    let folder = site.release(&coarser).unwrap().folder.unwrap();
    let text = std::fs::read_to_string(folder.join("t.csv")).unwrap();
    assert!(text.contains("w2,5,"), "{text}");
}

#[test]
fn a_cell_to_keep_is_one_that_a_table_has() {
    let site = Site::new();
    for (keep, told) in [
        ("[{ ward = \"w9\" }]", "line 1: the release r: the dimension ward has no category w9"),
        (
            "[{ wards = \"w1\" }]",
            "line 1: the release r: there is no dimension wards; did you mean ward",
        ),
        ("[{ ward = \"w1\", school = \"a\" }]", "no table divides by school and ward"),
    ] {
        let error = site.draft(&kept(keep)).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    let rounded = format!("method = {{ nearest = {{ base = 5 }} }}\n{}", kept("[{ sex = \"F\" }]"));
    let error = site.draft(&rounded).unwrap_err().to_string();
    assert!(error.contains("leave `keep` out"), "{error}");
}
