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
