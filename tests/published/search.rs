//! The search of the site's index, in a browser.

use std::fs;

use minster_tests::browser::answer;
use serde_json::{Value, json};

use crate::{done, released};

/// Types each text in place of the one before, letter by letter, and leaves what a reader then sees.
const READER: &str = r#"
addEventListener("load", () => {
  const field = document.getElementById("words");
  const seen = () => [...document.querySelectorAll("li")].filter(one => one.checkVisibility()).map(one => one.querySelector("h3").textContent.trim());
  const told = () => document.getElementById("found").textContent;
  const asked = JSON.parse(document.getElementById("asked").textContent);
  const answers = { there: document.getElementById("search").checkVisibility(), before: seen() };
  answers.typed = asked.map(text => {
    field.value = "";
    for (const letter of text) {
      field.value += letter;
      field.dispatchEvent(new InputEvent("input", { bubbles: true, data: letter }));
    }
    const after = { text, seen: seen(), told: told() };
    field.value = "";
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    return after;
  });
  answers.after = seen();
  const answer = document.createElement("pre");
  answer.id = "answer";
  answer.textContent = JSON.stringify(answers);
  document.body.replaceChildren(answer);
});"#;

/// The page as it is, with a reader. Its own policy stands: it runs its own script and the reader's, and no other.
fn read(index: &str, asked: &[&str]) -> Option<Value> {
    let open = index.replacen("script-src '", "script-src 'nonce-reader' '", 1);
    assert_ne!(open, index);
    let asked = serde_json::to_string(asked).unwrap();
    let reader = format!(
        "<script nonce=\"reader\" type=\"application/json\" id=\"asked\">{asked}</script>\
         <script nonce=\"reader\">{READER}</script></head>"
    );
    answer(&open.replacen("</head>", &reader, 1))
}

#[test]
fn words_that_a_reader_types_leave_the_releases_that_have_all_of_them() {
    let site = released();
    let withdraw = ["withdraw", "other", "--reason", "a file was cut off"];
    assert!(site.run("minster", &withdraw).status.success());
    done(&site, "site --out out");
    let index = fs::read_to_string(site.folder().join("out/index.html")).unwrap();
    let children = "Pupils of the council's schools, 2024-25";
    let other = "Girls & boys <b>by</b> sex, 2024-25 (withdrawn)";
    let none: [&str; 0] = [];
    let expected = [
        ("pupils", json!([children]), "1 of 2 found"),
        ("SCHOOLS", json!([children]), "1 of 2 found"),
        // A part of a word, a table's title, the period, and words in any order.
        ("girl", json!([other]), "1 of 2 found"),
        ("looked after", json!([children]), "1 of 2 found"),
        ("2024-25", json!([children, other]), "2 of 2 found"),
        ("25 sex girls", json!([other]), "1 of 2 found"),
        ("girls pupils", json!(none), "0 of 2 found"),
        ("elephants", json!(none), "0 of 2 found"),
        ("   ", json!([children, other]), ""),
        ("<b>", json!([other]), "1 of 2 found"),
    ];
    let Some(answers) = read(&index, &expected.each_ref().map(|of| of.0)) else { return };
    assert_eq!(answers["there"], true);
    assert_eq!(answers["before"], json!([children, other]));
    assert_eq!(answers["after"], json!([children, other]));
    for (answer, (text, seen, told)) in answers["typed"].as_array().unwrap().iter().zip(&expected) {
        assert_eq!(*answer, json!({ "text": text, "seen": seen, "told": told }));
    }
    // A script that is another by one letter is not run: the page has no search, and all releases.
    let changed = index.replacen("one.hidden = !asked", "one.hidden = asked", 1);
    assert_ne!(changed, index);
    let answers = read(&changed, &["pupils"]).unwrap();
    assert_eq!(answers["there"], false);
    assert_eq!(answers["typed"][0]["seen"], json!([children, other]));
}
