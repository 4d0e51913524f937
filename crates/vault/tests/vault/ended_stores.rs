//! The store's side of the end of a purpose, as the vault is told of it.

use minster_model::Role;

use crate::{
    common::{Site, carried_out, denial},
    ending::{end, lived, refused, removal, verified},
    retention::education,
};

/// The store burnt down after the end began: two more signatures, and the certificate says what no word came of.
#[test]
fn a_lost_store_needs_two_signatures_of_its_own() {
    let site = Site::new();
    let serving = site.serve();
    lived(&site, &serving);
    carried_out(&site, &serving, end(true, false)).unwrap();
    let again = refused(&serving, end(true, false));
    assert!(again.contains("--store-lost"), "{again}");
    let mut client = serving.client(Role::Custodian).unwrap();
    assert!(client.finish_end(&education()).is_err());
    carried_out(&site, &serving, end(true, true)).unwrap();
    let told = verified(&serving, &client.finish_end(&education()).unwrap());
    assert_eq!(told["orders"].as_array().unwrap().len(), 2);
    assert_eq!(told["orders"][1]["store_lost"], true);
    assert_eq!(told["datasets_of_the_log_without_word"].as_array().unwrap().len(), 1, "{told}");
    let over = refused(&serving, end(true, true));
    assert!(over.contains("end-purpose certificate"), "{over}");
}

/// A program was stopped after its dataset was recorded, and before it was put in its place.
#[test]
fn a_dataset_that_waited_to_be_put_in_its_place_is_the_newest() {
    let site = Site::new();
    let serving = site.serve();
    lived(&site, &serving);
    carried_out(&site, &serving, end(true, false)).unwrap();
    let mut waiting = removal("c");
    waiting.datasets[0].waiting = "d".repeat(64);
    serving.client(Role::Linker).unwrap().tell_removal(&education(), waiting).unwrap();
    let note = serving.client(Role::Custodian).unwrap().finish_end(&education()).unwrap();
    let told = verified(&serving, &note);
    assert_eq!(told["datasets_of_the_log_without_word"], serde_json::json!([]));
}

/// The store's side tells of another snapshot than the log's newest, or of another store: that is no word of what the log knows.
#[test]
fn a_dataset_that_was_removed_in_another_state_is_named() {
    let site = Site::new();
    let serving = site.serve();
    lived(&site, &serving);
    carried_out(&site, &serving, end(true, false)).unwrap();
    let mut linker = serving.client(Role::Linker).unwrap();
    let mut strange = removal("d");
    strange.datasets[0].dataset.purpose = "health".parse().unwrap();
    assert!(
        denial(linker.tell_removal(&education(), strange))
            .to_string()
            .contains("another purpose's")
    );
    linker.tell_removal(&education(), removal("c")).unwrap();
    let mut client = serving.client(Role::Custodian).unwrap();
    let why = denial(client.finish_end(&education())).to_string();
    assert!(why.contains("no word came of 1 dataset") && why.contains("census"), "{why}");
    assert!(site.vault().join("registry/education").exists());
    // Two custodians say that it is lost.
    carried_out(&site, &serving, end(true, true)).unwrap();
    let note = client.finish_end(&education()).unwrap();
    let told = verified(&serving, &note);
    let untold = told["datasets_of_the_log_without_word"].as_array().unwrap();
    assert!(untold[0].as_str().unwrap().contains("census"), "{told}");
}
