//! A page in Debian's Chromium, judged by axe-core (WCAG 2.2, levels A and AA, and good practice).

use std::{fs, path::PathBuf, process::Command};

use regex::Regex;
use serde_json::Value;

use crate::left_out;

/// Runs in the page, and leaves there what it found in the place of everything else.
const JUDGE: &str = r#"
axe.run(document).then(found => {
  const said = found.violations.flatMap(rule => rule.nodes.map(node => rule.id + ": " + rule.help + ": " + node.target));
  const answer = document.createElement("pre");
  answer.id = "judged";
  answer.textContent = JSON.stringify({ said, passes: found.passes.length });
  document.body.replaceChildren(answer);
});"#;

/// Obstacles that keep some people from using a page. Where the means are missing there is no answer, and a word of it. `MINSTER_AXE` names the file `axe.min.js` of axe-core.
///
/// # Panics
///
/// Where the page is not judged although all means are there.
pub fn obstacles(page: &str) -> Option<Vec<String>> {
    let missing = |what: &str| left_out(&format!("the page in a browser: there is no {what}"));
    let Some(axe) = std::env::var_os("MINSTER_AXE").map(PathBuf::from) else {
        missing("MINSTER_AXE, which names axe.min.js");
        return None;
    };
    if Command::new("chromium").arg("--version").output().is_err() {
        missing("chromium");
        return None;
    }
    let axe = fs::read_to_string(axe).unwrap();
    // The page forbids every script: here alone it has two.
    let policy = Regex::new("<meta http-equiv=\"Content-Security-Policy\"[^>]*>").unwrap();
    let open = policy.replace(page, "");
    let (head, tail) = open.rsplit_once("</body>").unwrap();
    let judged = format!("{head}<script>{axe}</script><script>{JUDGE}</script></body>{tail}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, judged).unwrap();
    let profile = folder.path().join("profile");
    let ran = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=60000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--dump-dom", &format!("file://{}", file.display())])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&ran.stdout);
    let answer = Regex::new("(?s)<pre id=\"judged\">(.*?)</pre>").unwrap();
    let answer =
        answer.captures(&shown).unwrap_or_else(|| panic!("not judged: {}", crate::text(&ran)));
    // A browser writes these as entities.
    let answer = answer[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer["passes"].as_u64().unwrap() > 10, "{answer}");
    let said = answer["said"].as_array().unwrap();
    Some(said.iter().map(|one| one.as_str().unwrap().to_owned()).collect())
}
