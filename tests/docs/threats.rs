//! Each attack on the page of threats has a defence, and a test that is there under its name.

use std::fs;

use minster_tests::root;
use regex::Regex;

/// The fault in the cell of a row that names its tests.
fn wrong(cell: &str) -> Option<String> {
    let code = Regex::new("`([^`]+)`").unwrap();
    let (mut file, mut tests) = (None, 0);
    for found in code.captures_iter(cell) {
        let word = &found[1];
        if word.contains('/') {
            file =
                Some((word.to_owned(), fs::read_to_string(root().join(word)).unwrap_or_default()));
            continue;
        }
        let Some((name, text)) = &file else {
            return Some(format!("{word} stands in no file"));
        };
        let test = Regex::new(&format!(r"#\[test\]\s+(#\[[^\n]*\]\s+)*fn {word}\(")).unwrap();
        if !test.is_match(text) {
            return Some(format!("{name} has no test {word}"));
        }
        tests += 1;
    }
    (tests == 0).then(|| "no test is named".to_owned())
}

#[test]
fn each_promise_of_the_notice_has_its_means_and_a_test_that_is_there() {
    let page = fs::read_to_string(root().join("docs/privacy.md")).unwrap();
    let (_, promises) = page.split_once("\n## The promises\n").unwrap();
    let rows = promises.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    let (mut seen, mut faults) = (0, Vec::new());
    for row in rows {
        seen += 1;
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        match cells.as_slice() {
            [promise, means, tests] if !promise.is_empty() && !means.is_empty() => {
                faults.extend(wrong(tests).map(|why| format!("{promise}: {why}")));
            }
            _ => faults.push(format!("no row of three cells: {row}")),
        }
    }
    assert!(seen >= 17, "{seen} rows");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_three_aims_on_the_page_are_those_that_ship() {
    let page = fs::read_to_string(root().join("docs/privacy.md")).unwrap();
    let purposes = fs::read_to_string(root().join("config/purposes.toml")).unwrap();
    let sentence = Regex::new(r#"sentence = "([^"]+)""#).unwrap();
    let shipped: Vec<&str> =
        sentence.captures_iter(&purposes).map(|found| found.get(1).unwrap().as_str()).collect();
    assert_eq!(shipped.len(), 3);
    for of in shipped {
        assert!(page.contains(&format!("\"{of}\"")), "the page lacks: {of}");
    }
}

#[test]
fn each_attack_has_a_defence_and_a_test_that_is_there() {
    let page = fs::read_to_string(root().join("docs/threats.md")).unwrap();
    let rows = page.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    let (mut seen, mut faults) = (0, Vec::new());
    for row in rows {
        seen += 1;
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        match cells.as_slice() {
            [attack, defence, tests] if !attack.is_empty() && !defence.is_empty() => {
                faults.extend(wrong(tests).map(|why| format!("{attack}: {why}")));
            }
            _ => faults.push(format!("no row of three cells: {row}")),
        }
    }
    assert!(seen > 60, "{seen} rows");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // A test that finds nothing wrong in what is wrong would be none.
    for bad in [
        "by looking",
        "`tests/docs/threats.rs`",
        "`tests/docs/threats.rs`: `no_such_test`",
        "`wrong`",
    ] {
        assert!(wrong(bad).is_some(), "{bad}");
    }
}
