//! A registry's bytes: after its magic, or a good batch whose bytes are changed. Nothing that the keys did
//! not seal is taken for a record.
#![no_main]

use std::{fs, path::PathBuf, sync::OnceLock};

use libfuzzer_sys::fuzz_target;
use minster_model::KeyVersion;
use minster_vault::{
    disk::Disk,
    keys::{Keys, RootKey},
    registry::Registry,
};

fn good() -> &'static (PathBuf, Vec<u8>) {
    static GOOD: OnceLock<(PathBuf, Vec<u8>)> = OnceLock::new();
    GOOD.get_or_init(|| {
        let path = tempfile::tempdir().unwrap().keep().join("registry");
        let (keys, purpose, kind) = (keys(), "p".parse().unwrap(), "upn".parse().unwrap());
        let version = KeyVersion(1);
        let (mut registry, _) =
            Registry::open(&path, &keys, &purpose, version, None, Disk::new()).unwrap();
        let link = keys.link_key(&kind).link(b"one");
        let pseudonym = keys.purpose_key(&purpose, version, &kind).pseudonym(&link);
        registry.add(&keys, version, &kind, &[(link, b"one")], &[pseudonym]).unwrap();
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    })
}

fn keys() -> Keys {
    Keys::new(RootKey::from_bytes([3; 32]), "store")
}

fuzz_target!(|bytes: &[u8]| {
    let (path, good) = good();
    let mut file = good[..20].to_vec();
    match bytes.split_first() {
        Some((0..=127, rest)) => file.extend_from_slice(rest),
        Some((_, rest)) => {
            file.clone_from(good);
            for (at, byte) in rest.iter().enumerate() {
                let place = 20 + at * 7 % (file.len() - 20);
                file[place] ^= byte;
            }
        }
        None => {}
    }
    fs::write(path, &file).unwrap();
    let opened =
        Registry::open(path, &keys(), &"p".parse().unwrap(), KeyVersion(1), None, Disk::new());
    if let Ok((registry, _)) = opened {
        assert!(registry.is_empty() || file == *good);
    }
});
