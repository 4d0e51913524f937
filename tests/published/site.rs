//! The folder of all releases for readers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use minster_tests::{files, text};

use crate::{done, ends, json, released, run};

/// Each file below a folder, by its path there.
fn below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = files(folder).into_iter();
    files.map(|(path, bytes)| (path.strip_prefix(folder).unwrap().to_owned(), bytes)).collect()
}

#[test]
fn readers_find_every_release_and_no_other() {
    let site = released();
    let out = site.folder().join("out");
    let told = done(&site, "site --out out");
    assert!(told.starts_with("out: 2 releases, 0 withdrawn, "), "{told}");
    let first = below(&out);
    let place = site.folder().join("store/releases");
    for (name, current) in [("children", "children.html"), ("other", "by_sex.csv")] {
        let published = below(&fs::canonicalize(place.join(name).join("2024-25/current")).unwrap());
        assert!(published.contains_key(Path::new(current)));
        for (file, bytes) in published {
            let copied = first.get(&Path::new("releases").join(name).join("2024-25").join(&file));
            assert_eq!(copied, Some(&bytes), "{name}: {}", file.display());
        }
    }
    let index = String::from_utf8(first[Path::new("index.html")].clone()).unwrap();
    assert!(index.contains("Girls &amp; boys &lt;b&gt;by&lt;/b&gt; sex, 2024-25"), "{index}");
    assert!(index.contains("<a href=\"releases/children/2024-25/children.html\">"), "{index}");
    assert!(!index.contains("other.html"), "a link to a page that the release does not have");
    // Each link of the page leads to a file of the site.
    for link in index.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(link.starts_with('#') || first.contains_key(Path::new(link)), "{link}");
    }
    done(&site, "site --out out");
    assert_eq!(below(&out), first, "the same releases are other bytes");

    let withdraw = ["withdraw", "other", "--reason", "a <file> was cut off"];
    assert!(site.run("minster", &withdraw).status.success());
    let told = json(&site, "site --out out");
    assert_eq!(told["releases"][1]["withdrawn"]["reason"], "a <file> was cut off", "{told}");
    let second = below(&out);
    assert!(!second.keys().any(|path| path.starts_with("releases/other")), "its files are there");
    assert_eq!(
        second[Path::new("releases/children/2024-25/children.html")],
        first[Path::new("releases/children/2024-25/children.html")]
    );
    let index = String::from_utf8(second[Path::new("index.html")].clone()).unwrap();
    assert!(
        index.contains("(withdrawn)") && index.contains(": a &lt;file&gt; was cut off"),
        "{index}"
    );

    changed(&site, &out);
}

/// A release that was changed in the store, one that nobody let out, a ledger that lacks one: the site stays as it was.
fn changed(site: &minster_tests::Site, out: &Path) {
    let before = below(out);
    let index = || fs::read_to_string(out.join("index.html")).unwrap();
    let place = site.folder().join("store/releases/children/2024-25");
    let page = fs::canonicalize(place.join("current")).unwrap().join("children.html");
    let whole = fs::read(&page).unwrap();
    fs::write(&page, [&whole[..], b"<p>and one more</p>"].concat()).unwrap();
    let told = ends(site, "site --out out", 7);
    assert!(told.contains("is not what was let out"), "{told}");
    // It keeps no withdrawn one before readers.
    assert!(!out.join("releases").exists(), "a changed release is on the site");
    assert!(index().contains("Not shown") && index().contains("(withdrawn)"), "{}", index());
    fs::write(&page, whole).unwrap();

    // An entry that someone wrote into the ledger beside the vault's log.
    let ledger = site.folder().join("store/ledger/2024-25");
    let mut entries = fs::read_dir(&ledger).unwrap().map(|entry| entry.unwrap().path());
    let entry = entries.find(|path| path.to_string_lossy().contains("children.")).unwrap();
    let forged = fs::read_to_string(&entry).unwrap().replacen(
        "\"name\":\"children\"",
        "\"name\":\"pupils\"",
        1,
    );
    let path = ledger.join("pupils.json");
    fs::write(&path, forged).unwrap();
    let output = run(site, "site --out out");
    let told = text(&output);
    assert!(
        output.status.success()
            && told.contains("note: 1 release of the ledger is not in the vault's log"),
        "{told}"
    );
    assert_eq!(below(out), before);
    fs::remove_file(path).unwrap();
    someone_wrote(site, out, &entry);

    let aside = site.folder().join("entry");
    fs::rename(&entry, &aside).unwrap();
    let told = ends(site, "site --out out", 7);
    assert!(told.contains("lacks what the vault's log says was let out"), "{told}");
    assert!(!out.join("releases").exists() && index().contains("Not shown"), "{}", index());
    fs::rename(&aside, &entry).unwrap();
    done(site, "site --out out");
    assert_eq!(below(out), before);

    fs::write(out.join("logo.png"), "ours").unwrap();
    let told = ends(site, "site --out out", 2);
    assert!(told.contains("it holds logo.png"), "{told}");
    fs::remove_file(out.join("logo.png")).unwrap();
    site.stop_vault();
    ends(site, "site --out out", 6);
    assert_eq!(below(out), before, "the site was touched");
    site.serve();
}

/// Someone writes into the ledger about a release that the vault's log has: a second entry, and a withdrawal.
fn someone_wrote(site: &minster_tests::Site, out: &Path, entry: &Path) {
    let before = below(out);
    let name = entry.file_stem().unwrap().to_str().unwrap();
    let mut second: serde_json::Value = serde_json::from_slice(&fs::read(entry).unwrap()).unwrap();
    second["let_out"]["user"] = "mallory".into();
    second["let_out"]["at"] = "2099-01-01T00:00:00Z".into();
    second["definition"]["title"] = "Call Mallory".into();
    let path = entry.with_file_name(format!("{name}.2.json"));
    fs::write(&path, second.to_string()).unwrap();
    let told = done(site, "site --out out");
    assert!(told.contains("note: 1 entry of the ledger is of a release of which"), "{told}");
    assert_eq!(below(out), before, "the forged entry came to readers");
    let told = done(site, "lineage children");
    assert!(!told.contains("mallory") && !told.contains("2099"), "{told}");
    fs::remove_file(path).unwrap();

    let sha256 = second["sha256"].as_str().unwrap();
    let withdrawal = serde_json::json!({
        "format": 3, "entry": name, "sha256": sha256, "uid": 7, "user": "mallory",
        "at": "2026-01-01T00:00:00Z", "reason": "Call Mallory on 07700 900123",
    });
    let path = entry.with_file_name(format!("{name}.withdrawn.json"));
    fs::write(&path, withdrawal.to_string()).unwrap();
    let told = ends(site, "site --out out", 7);
    assert!(told.contains("a withdrawal that the vault's log does not have"), "{told}");
    assert_eq!(below(out), before, "a forged withdrawal was believed");
    let told = ends(site, "lineage children", 11);
    assert!(!told.contains("mallory") && told.contains("MISSING the withdrawal"), "{told}");
    fs::remove_file(path).unwrap();

    // The log has this withdrawal, and no word of its reason.
    let of_other = fs::read_dir(entry.parent().unwrap()).unwrap().map(|of| of.unwrap().path());
    let path = of_other
        .into_iter()
        .find(|path| path.to_string_lossy().ends_with(".withdrawn.json"))
        .unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replace("a <file> was cut off", "Call 07700 900123")).unwrap();
    let told = ends(site, "site --out out", 7);
    assert!(told.contains("the reason of its withdrawal"), "{told}");
    let index = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(index.contains("(withdrawn)") && !index.contains("900123"), "{index}");
    fs::write(&path, whole).unwrap();
    done(site, "site --out out");
    assert_eq!(below(out), before);
}
