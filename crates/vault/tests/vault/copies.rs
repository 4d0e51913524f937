//! The second copy of `store.json`.

use std::fs;

use minster_vault::{
    VaultFault,
    custody::{Secret, Wanted},
    disk::Disk,
    folder,
};

use crate::{common::Site, header::store};

fn opens(site: &Site, secret: &Secret) -> Result<(), VaultFault> {
    folder::open_folder(&site.vault(), secret, Disk::new()).map(drop)
}

#[test]
fn a_lost_or_damaged_store_json_comes_back_from_its_copy() {
    let site = Site::new();
    let good = fs::read(store(&site)).unwrap();
    let copy = site.vault().join("store.copy");
    assert_eq!(fs::read(&copy).unwrap(), good);
    let damaged: [Option<&[u8]>; 4] = [None, Some(b""), Some(&good[..100]), Some(&[0; 4096])];
    for (at, bad) in (1..).zip(damaged) {
        match bad {
            Some(bytes) => fs::write(store(&site), bytes).unwrap(),
            None => fs::remove_file(store(&site)).unwrap(),
        }
        opens(&site, &site.secret()).unwrap();
        assert_eq!(fs::read(store(&site)).unwrap(), good);
        let log = fs::read_to_string(site.log()).unwrap();
        assert_eq!(log.matches("store.json, from store.copy").count(), at, "the log says so");
    }
    // Without either there is no vault.
    fs::remove_file(store(&site)).unwrap();
    fs::remove_file(copy).unwrap();
    assert!(matches!(opens(&site, &site.secret()), Err(VaultFault::Io { .. })));
}

#[test]
fn an_older_copy_does_not_bring_an_old_custody_back() {
    let site = Site::new();
    let older = fs::read(site.vault().join("store.copy")).unwrap();
    let wanted = Wanted::KeyFile(site.path("key2"));
    folder::rekey(&site.vault(), &site.secret(), &wanted, Disk::new()).unwrap();
    fs::remove_file(store(&site)).unwrap();
    fs::write(site.vault().join("store.copy"), older).unwrap();
    let Err(VaultFault::File { why, .. }) = opens(&site, &site.secret()) else { panic!() };
    assert!(why.contains("older copy"), "{why}");
    assert!(!store(&site).exists());
}

#[test]
fn a_copy_that_differs_is_written_again_and_said() {
    let site = Site::new();
    let (good, copy) = (fs::read(store(&site)).unwrap(), site.vault().join("store.copy"));
    fs::write(&copy, "{}").unwrap();
    opens(&site, &site.secret()).unwrap();
    assert_eq!(fs::read(&copy).unwrap(), good);
    assert!(fs::read_to_string(site.log()).unwrap().contains("store.copy, from store.json"));
    // The copy takes the place of what is damaged, never of what was changed with care.
    let text = String::from_utf8(good).unwrap();
    fs::write(store(&site), text.replace("\"generation\": 0", "\"generation\": 1")).unwrap();
    assert!(matches!(opens(&site, &site.secret()), Err(VaultFault::WrongSecret { .. })));
}

#[test]
fn a_lost_store_json_is_not_made_anew_by_init() {
    let site = Site::new();
    fs::remove_file(store(&site)).unwrap();
    let again = site.init(crate::common::PURPOSES, &Disk::new());
    assert!(matches!(again, Err(VaultFault::NotEmpty { .. })));
    opens(&site, &site.secret()).unwrap();
}
