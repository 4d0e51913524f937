//! Pages in Debian's Chromium, judged by axe-core (WCAG 2.2, levels A and AA, and good practice).

use std::{fs, path::PathBuf};

use regex::Regex;

use crate::{browser::answer, left_out};

/// Opens one page after the other in its own place, judges each, and leaves what it found.
const JUDGE: &str = r#"
const pages = JSON.parse(document.getElementById("pages").textContent);
const judge = async () => {
  const judged = [];
  for (const page of pages) {
    document.open();
    document.write(page);
    document.close();
    await new Promise(done => setTimeout(done, 100));
    const found = await axe.run(document);
    const said = found.violations.flatMap(rule => rule.nodes.map(node => rule.id + ": " + rule.help + ": " + node.target));
    judged.push({ title: document.title, said, passes: found.passes.length });
  }
  const answer = document.createElement("pre");
  answer.id = "answer";
  answer.textContent = JSON.stringify(judged);
  document.body.replaceChildren(answer);
};
judge();"#;

/// Obstacles that keep some people from using pages, for each page. One browser opens all, since its start takes longer than a judgement.
/// Where the means are missing there is no answer, and a word of it. `MINSTER_AXE` names the file `axe.min.js` of axe-core.
///
/// # Panics
///
/// Where a page is not judged although all means are there.
pub fn obstacles(pages: &[&str]) -> Option<Vec<Vec<String>>> {
    let Some(axe) = std::env::var_os("MINSTER_AXE").map(PathBuf::from) else {
        left_out("the page in a browser: there is no MINSTER_AXE, which names axe.min.js");
        return None;
    };
    let axe = fs::read_to_string(axe).unwrap();
    // A page forbids every script but its own: here alone others look at it.
    let policy = Regex::new("<meta http-equiv=\"Content-Security-Policy\"[^>]*>").unwrap();
    let open: Vec<_> = pages.iter().map(|page| policy.replace(page, "")).collect();
    // No text of a page ends the script that holds it.
    let open =
        serde_json::to_string(&open).unwrap().replace("</", "<\\/").replace("<!", "<\\u0021");
    let all = format!(
        "<!DOCTYPE html><html><body><script type=\"application/json\" id=\"pages\">{open}</script>\
         <script>{axe}</script><script>{JUDGE}</script></body></html>"
    );
    let judged = answer(&all)?;
    let judged = judged.as_array().unwrap();
    assert_eq!(judged.len(), pages.len());
    let title = Regex::new("<title>(.*?)</title>").unwrap();
    let of_page = |(page, judged): (&&str, &serde_json::Value)| {
        let title = title.captures(page).unwrap()[1].replace("&amp;", "&");
        // Each was judged in its own right, and as a page with something in it.
        assert_eq!(judged["title"], title.replace("&lt;", "<").replace("&gt;", ">"));
        assert!(judged["passes"].as_u64().unwrap() > 10, "{judged}");
        let said = judged["said"].as_array().unwrap().iter();
        said.map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    Some(pages.iter().zip(judged).map(of_page).collect())
}
