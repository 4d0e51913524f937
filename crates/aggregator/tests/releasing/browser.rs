//! A page in a browser, where one is installed.

use std::{
    fs,
    io::{Write, stderr},
};

use crate::formats::{files_of, two_by_two};

/// A browser's view of a page: how far it can be scrolled, in pixels, and where its content ends. None without Chromium.
fn sizes(page: &str) -> Option<[f64; 4]> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">";
    let script = "<script>onload = () => { const all = document.documentElement; document.title = ['SIZES', all.scrollHeight, \
        document.querySelector('main').getBoundingClientRect().bottom, all.scrollWidth, innerWidth].join(' '); }</script></body>";
    assert!(page.contains(policy));
    fs::write(&path, page.replace(policy, "").replace("</body>", script)).unwrap();
    let browser = std::process::Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=500,800",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(&path)
        .output();
    let Ok(shown) = browser else {
        // On the program's own standard error: what a passed test prints is shown to nobody.
        let why = "LEFT OUT: the comparison with Chromium, which is not installed";
        let _ = writeln!(stderr(), "{why}");
        return None;
    };
    let text = String::from_utf8(shown.stdout).unwrap();
    let numbers = text.split_once("<title>SIZES ").unwrap().1.split_once('<').unwrap().0;
    let numbers: Vec<f64> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
    Some(numbers.try_into().unwrap())
}

#[test]
fn a_page_cannot_be_scrolled_beyond_its_content() {
    // Each of so many rows has words for readers of screens, which must stay in the part that is scrolled by itself.
    let codes: Vec<String> = (0..300).map(|at| format!("\"c{at}\"")).collect();
    let definition = two_by_two("").replacen("\"a\", \"b\"", &codes.join(", "), 1);
    let definition = definition.replacen("\"part\", \"kind\"", "\"part\"", 1).replacen(
        "[[table.measure]]\nname = \"share\"\npercentage = \"kind\"\n",
        "",
        1,
    );
    let files = files_of(&definition, &[("c0", "yes", 60), ("c1", "no", 70)]);
    let page = String::from_utf8(files["r.html"].clone()).unwrap();
    assert!(page.matches("not applicable</span>").count() > 290);
    let Some([height, end, width, window]) = sizes(&page) else { return };
    assert!(height <= end + 1.0, "{height} pixels, and the content ends at {end}");
    assert!(width <= window, "{width} pixels of {window}");
    // The browser tells where they do not stay.
    let escaping = page.replace(".scroll { position: relative;", ".scroll {");
    assert!(sizes(&escaping).is_some_and(|[height, end, ..]| height > end + 1000.0));
}
