//! The purpose's floors, beside drafts, previews and releases that stand.

use minster_aggregator::preview;
use minster_model::{Audience, policy::Zeros};

use super::{ledger::Log, *};

const TABLE: &str = "\n[[table]]\nname = \"t\"\ndimensions = [\"ward\", \"sex\"]\n";

/// A vault whose purpose asks for so much.
fn least(threshold: u64) -> Log {
    Log::asking(Floors { threshold: Some(threshold), ..Floors::default() })
}

/// The checks of the release `r` that do not hold, by a vault that asks for this.
fn failing(site: &Site, vault: &mut Log) -> Vec<String> {
    let (release, purpose) = ("r".parse().unwrap(), "test".parse().unwrap());
    let which =
        Which { store: &site.store, release: &release, period: &site.period, purpose: &purpose };
    let checks = verify_release(&which, vault).unwrap().into_iter();
    checks.filter(|check| !check.passed).map(|check| check.what + ": " + &check.evidence).collect()
}

#[test]
fn a_definition_weaker_than_the_purpose_asks_is_neither_drafted_nor_previewed() {
    let site = Site::new();
    let definition = format!("{HEAD}{TABLE}");
    let drafted = |vault: &mut Log| site.job(|job| draft(job, &definition, vault));
    assert_eq!(drafted(&mut least(5)).unwrap().outcome, Outcome::Draft);
    assert_eq!(site.store.drafts(&site.period).unwrap().len(), 1);
    let refused = drafted(&mut least(6)).unwrap_err();
    assert_eq!(refused.exit_code(), minster_model::exit::REFUSED);
    let told = refused.to_string();
    assert!(
        told.contains("the purpose test asks for stricter rules: its threshold is below 6"),
        "{told}"
    );
    // A draft of the time when the purpose asked for less is no draft any more.
    assert_eq!(site.store.drafts(&site.period).unwrap().len(), 0);
    let previewed = |vault: &mut Log| site.job(|job| preview(job, &definition, vault));
    assert!(previewed(&mut least(5)).is_ok());
    assert!(previewed(&mut least(6)).unwrap_err().to_string().contains("is below 6"));
    // A draft of before is not let out either.
    drafted(&mut least(5)).unwrap();
    let let_out = site.job(|job| let_out(job, &"r".parse().unwrap(), &person(), &mut least(6)));
    assert!(let_out.unwrap_err().to_string().contains("is below 6"));
}

#[test]
fn a_release_weaker_than_the_purpose_asks_now_does_not_pass_its_checks() {
    let site = Site::new();
    site.release(&format!("{HEAD}{TABLE}")).unwrap();
    assert_eq!(failing(&site, &mut least(5)), Vec::<String>::new());
    for (floors, told) in [
        (Floors { threshold: Some(6), ..Floors::default() }, "its threshold is below 6"),
        (
            Floors { zeros: Some(Zeros::Unsafe), ..Floors::default() },
            "its rule for zeros is weaker",
        ),
        (Floors { insider: Some(9), ..Floors::default() }, "less than 9 children"),
        (Floors { methods: vec!["cell-key".into()], ..Floors::default() }, "its method is none of"),
    ] {
        let [failed] = failing(&site, &mut Log::asking(floors)).try_into().unwrap();
        assert!(failed.contains(told), "{failed}");
    }
}

#[test]
fn a_release_that_says_stricter_rules_than_it_was_made_by_does_not_pass_its_checks() {
    let site = Site::new();
    let folder = site.release(&format!("{HEAD}{TABLE}")).unwrap().folder.unwrap();
    let path = folder.join("manifest.json");
    let manifest = std::fs::read_to_string(&path).unwrap();
    let claimed = manifest.replace("\"threshold\": 5", "\"threshold\": 10");
    assert_ne!(manifest, claimed);
    std::fs::write(&path, claimed).unwrap();
    let failed = failing(&site, &mut least(5));
    assert_eq!(failed.len(), 2, "its files are others too: {failed:?}");
    assert!(failed[1].contains("the release says other rules"), "{failed:?}");
    std::fs::write(&path, manifest.replace("\"threshold\": 5", "\"limit\": 5")).unwrap();
    assert!(failing(&site, &mut least(5))[1].contains("it does not say by which rules"));
}

#[test]
fn a_definition_for_readers_or_a_purpose_that_are_not_its_own_is_neither_drafted_nor_let_out() {
    let site = Site::new();
    let definition = format!("audience = \"public\"\n{HEAD}{TABLE}");
    let not_for = |refused| {
        let mut log = Log::default();
        log.refused = Some(refused);
        log
    };
    let drafted = |definition: &str, vault: &mut Log| site.job(|job| draft(job, definition, vault));
    let refused = drafted(&definition, &mut not_for(Audience::Public)).unwrap_err();
    assert_eq!(refused.exit_code(), minster_model::exit::REFUSED);
    assert!(refused.to_string().contains("no release for public: \"We count.\""), "{refused}");
    // A definition that says nothing is for teams of the council.
    let silent = format!("{HEAD}{TABLE}");
    assert!(drafted(&silent, &mut not_for(Audience::Public)).is_ok());
    let refused = drafted(&silent, &mut not_for(Audience::CouncilTeams)).unwrap_err();
    assert!(refused.to_string().contains("no release for council-teams"), "{refused}");
    // A draft of before is not let out either.
    drafted(&definition, &mut not_for(Audience::Partners)).unwrap();
    let mut now = not_for(Audience::Public);
    let let_out = site.job(|job| let_out(job, &"r".parse().unwrap(), &person(), &mut now));
    assert!(let_out.unwrap_err().to_string().contains("no release for public"));
    let other = format!("purpose = \"other\"\n{silent}");
    let refused = drafted(&other, &mut Log::default()).unwrap_err().to_string();
    assert!(refused.contains("names the purpose other"), "{refused}");
    assert!(drafted(&format!("purpose = \"test\"\n{silent}"), &mut Log::default()).is_ok());
}

#[test]
fn a_release_says_for_whom_it_is_in_its_manifest_page_and_package() {
    let site = Site::new();
    for (line, name, sentence) in [
        ("audience = \"public\"\n", "public", "It is for everybody."),
        (
            "",
            "council-teams",
            "It is for teams of the council: do not pass it on outside the council.",
        ),
    ] {
        let release = site.release(&format!("{line}{}{TABLE}", named_r(name))).unwrap();
        let folder = release.folder.unwrap();
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&read("manifest.json")).unwrap();
        assert_eq!(manifest["audience"], name);
        let package: serde_json::Value = serde_json::from_str(&read("datapackage.json")).unwrap();
        assert_eq!(package["audience"], sentence);
        assert!(read(&format!("r-{name}.html")).contains(sentence));
    }
}

/// The head with a name of its own.
fn named_r(name: &str) -> String {
    HEAD.replace("name = \"r\"", &format!("name = \"r-{name}\""))
}
