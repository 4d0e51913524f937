//! No pseudonym key outside the vault's process: the memory of `minster-ingest` and `minster`, as a core
//! dump would hold it, is searched at several moments of a run.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Seek, SeekFrom},
    time::Duration,
};

use minster_tests::Site;
use ring::{aead, hkdf};
use rustix::process::{Pid, Signal, kill_process};

/// The key file's key, the root key, and every key that follows from it for the demo's purpose. The
/// derivation is written here a second time, from the documentation of the vault's keys.
fn secrets(site: &Site) -> Vec<(String, Vec<u8>)> {
    let unhex = |text: &str| -> Vec<u8> {
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
            .collect()
    };
    let sealing = unhex(fs::read_to_string(site.path("custody.key")).unwrap().trim());
    let store: serde_json::Value =
        serde_json::from_slice(&fs::read(site.path("vault/store.json")).unwrap()).unwrap();
    let id = store["store_id"].as_str().unwrap();
    let mut root = unhex(store["sealed_root"].as_str().unwrap());
    let nonce = aead::Nonce::try_assume_unique_for_key(&root[..12]).unwrap();
    let bound = format!("minster vault 1\n{id}\nroot");
    let cipher =
        aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, &sealing).unwrap());
    let root = cipher
        .open_in_place(nonce, aead::Aad::from(bound.as_bytes()), &mut root[12..])
        .unwrap()
        .to_vec();
    let derived = |parts: &[&str]| -> Vec<u8> {
        struct Length;
        impl hkdf::KeyType for Length {
            fn len(&self) -> usize {
                32
            }
        }
        let mut label = b"minster/v1".to_vec();
        for part in parts {
            label.extend((part.len() as u32).to_be_bytes());
            label.extend(part.as_bytes());
        }
        let mut key = vec![0; 32];
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, id.as_bytes()).extract(&root);
        prk.expand(&[&label], Length).unwrap().fill(&mut key).unwrap();
        key
    };
    let mut secrets = vec![
        ("the key file's key".to_owned(), sealing),
        ("the link key".to_owned(), derived(&["link"])),
    ];
    for kind in ["upn", "la-child-id", "census-pupil-row", "match-key:name-dob"] {
        secrets.push((
            format!("the key of {kind}"),
            derived(&["pseudonym", "children-statistics", "1", kind]),
        ));
    }
    secrets.push(("the root key".to_owned(), root));
    secrets
}

/// All writable memory of a stopped process.
fn memory(pid: i32) -> Option<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let mut from = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut memory = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (start, end) = line.split(' ').next()?.split_once('-')?;
        let (start, end) =
            (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
        if from.seek(SeekFrom::Start(start)).is_ok() {
            // Pages that were never touched cannot always be read.
            let _ = (&mut from).take(end - start).read_to_end(&mut memory);
        }
    }
    (!memory.is_empty()).then_some(memory)
}

fn holds(memory: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(memory, wanted).is_some()
}

fn child_of(pid: u32) -> Option<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

#[test]
fn no_key_in_the_memory_of_the_other_programs() {
    let site = Site::new();
    site.make_council(2000, 40);
    let secrets = secrets(&site);
    let attendance =
        fs::read_to_string(site.path("council/attendance/2024-25/attendance.csv")).unwrap();
    let upns: BTreeSet<&[u8]> = attendance
        .lines()
        .skip(1)
        .step_by(8000)
        .map(|line| line.split(',').next().unwrap().as_bytes())
        .collect();
    let config = site.path("config/pipeline.toml");
    let mut run = site
        .command("minster", &["run", "--config", &config])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (mut searched, mut raw_seen) = (0, false);
    while run.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(60));
        let ingest = child_of(run.id());
        for pid in ingest.into_iter().chain([run.id() as i32]) {
            let process = Pid::from_raw(pid).unwrap();
            if kill_process(process, Signal::STOP).is_err() {
                continue;
            }
            if let Some(memory) = memory(pid) {
                for (name, secret) in &secrets {
                    assert!(!holds(&memory, secret), "{name} is in the memory of process {pid}");
                }
                raw_seen |= Some(pid) == ingest && upns.iter().any(|upn| holds(&memory, upn));
                searched += 1;
            }
            let _ = kill_process(process, Signal::CONT);
        }
    }
    assert!(searched >= 4, "{searched}");
    assert!(raw_seen, "the search finds what must be there: raw numbers while they pass");
}
