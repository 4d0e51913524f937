//! Releases that round instead of withholding.

use super::*;

#[test]
fn numbers_are_rounded_instead_and_checked_again() {
    let table = "\n[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\nmeasure = [{ name = \"share\", percentage = \"sex\" }]\n";
    for (method, base) in [
        ("{ controlled = { base = 5 } }", 5),
        ("{ controlled = { base = 3 } }", 3),
        ("\"cell-key\"", 1),
    ] {
        let site = Site::new();
        let definition = format!("method = {method}\n{HEAD}{table}");
        let rows = site.rows(&definition);
        let count = |ward: &str, sex: &str| -> i64 {
            cell(&rows, &[("ward", ward), ("sex", sex)])["children"].parse().unwrap()
        };
        for row in &rows {
            assert_eq!(row["children"].parse::<i64>().unwrap() % base, 0, "{method}: {row:?}");
            assert_eq!(row["status"], "");
        }
        if base > 1 {
            assert_eq!(count("south", "M"), count("w3", "M") + count("w4", "M"), "{method}");
            assert_eq!(count("west", "M"), count("w3", "M") + count("w2", "M"), "{method}");
        } else {
            assert!(!(1..5).contains(&count("w3", "M")), "{method}");
        }
        let (release, purpose) = ("r".parse().unwrap(), "test".parse().unwrap());
        let period = &site.period;
        let which = Which { store: &site.store, release: &release, period, purpose: &purpose };
        let checks = verify_release(&which, &mut OneKey).unwrap();
        assert!(checks.iter().all(|check| check.passed), "{method}: {checks:?}");
        // Again: the same bytes.
        let first = site.release(&definition).unwrap();
        assert_eq!(first.outcome, Outcome::Same, "{method}");
        // Withheld beside it, the same children would be known.
        let withheld = format!("{}{table}", HEAD.replacen("\"r\"", "\"s\"", 1));
        let error = site.release(&withheld).unwrap_err().to_string();
        assert!(error.contains("one of the two is rounded"), "{method}: {error}");
    }
}

#[test]
fn beside_rounded_counts_no_sum_is_shown() {
    let definition = format!(
        "method = {{ nearest = {{ base = 5 }} }}\n{HEAD}\n[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\nmeasure = [{{ name = \"missed\", sum = \"missed\" }}]\n"
    );
    let error = Site::new().release(&definition).unwrap_err().to_string();
    assert!(error.contains("only percentages are shown"), "{error}");
}

#[test]
fn no_row_of_a_rounded_table_tells_by_standing_there_that_somebody_is_in_it() {
    let refused = |dimension: &str| {
        let definition = format!(
            "name = \"r\"\npopulation = \"spine\"\nmethod = {{ nearest = {{ base = 5 }} }}\n\
             [[dimension]]\nname = \"ward\"\ncolumn = \"ward\"\ntotal = \"all\"\n{dimension}\n\
             [[table]]\nname = \"t\"\ndimensions = [\"ward\"]\n"
        );
        Site::new().draft(&definition).map_err(|error| error.to_string())
    };
    let said = refused("").unwrap_err();
    assert!(said.contains("its categories or groups come from the data"), "{said}");
    let said =
        refused("codes = [\"w1\", \"w2\"]\ngrouping = [{ name = \"area\", column = \"area\" }]")
            .unwrap_err();
    assert!(said.contains("its categories or groups come from the data"), "{said}");
    let said = refused("codes = [\"w1\", \"w2\"]\nunknown_if_any = true").unwrap_err();
    assert!(said.contains("leave `unknown_if_any` out, or withhold"), "{said}");
    // Where they are listed, each row stands whether somebody is in it or not.
    let listed = refused("codes = [\"w1\", \"w2\", \"w3\", \"w4\", \"w9\"]");
    assert!(listed.is_ok(), "{listed:?}");
}

#[test]
fn the_page_calls_no_rounded_number_exact() {
    let table = "\n[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n";
    let definition = format!("method = {{ controlled = {{ base = 5 }} }}\n{HEAD}{table}");
    let site = Site::new();
    let folder = site.release(&definition).unwrap().folder.unwrap();
    let page = std::fs::read_to_string(folder.join("r.html")).unwrap();
    assert!(page.contains("This release counts about 200 children of 2024-25"), "{page}");
    assert!(page.contains("All its numbers are rounded to a multiple of 5."), "{page}");
    assert!(page.contains("numbers, all rounded to a multiple of 5"), "{page}");
    assert!(
        !page.contains("is withheld.</p>") && !page.contains("none of them withheld"),
        "{page}"
    );
}
