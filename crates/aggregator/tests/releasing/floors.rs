//! The purpose's floors, beside drafts, previews and releases that stand.

use minster_aggregator::preview;
use minster_model::policy::Zeros;

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
