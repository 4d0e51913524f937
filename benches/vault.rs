//! The vault's service beside hashing in one's own process, in the same run: the socket, the registry, the
//! budget and the log are what lies between the two.
//!
//! `cargo bench -p minster-vault`: medians, in identifiers a second. Each batch is hashed and then asked for,
//! so that whatever else the machine does slows both. Those seen before come in another order than at first,
//! which is the harder case. First-seen identifiers cost a durable sealed row each and are reported apart.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports to its terminal")]

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use minster_model::{DatasetClass, DatasetRef, KeyVersion, Pseudonym, Role};
use minster_vault::{
    custody::{Secret, Wanted},
    disk::Disk,
    folder::{self, Plan},
    purposes,
    server::Server,
    vault::Vault,
};
use minster_vault_api::{Client, IdentifierBatch, RecordedManifest, RunKey, RunManifest, Token};

const BATCH: usize = 128 << 10;
const IDENTIFIERS: usize = 8 * BATCH;
const ROUNDS: usize = 5;
const PURPOSE: &str = "[[purpose]]\nname = \"p\"\ntext = \"t\"\nlegal_basis = \"b\"\n\
        notice = { version = 1, day = \"2026-09-01\", sentence = \"We count children.\" }\naudiences = [\"council-teams\", \"partners\", \"public\"]\nsources = [\"s\"]\nkinds = [\"upn\"]\n\
    roles = [\"ingest\", \"linker\"]\nbudget = { run = 100_000_000, day = 1_000_000_000 }\nexpires = \"2099-01-01\"\n";

fn main() {
    let numbers = numbers();
    let folder = tempfile::tempdir().unwrap();
    let (mut hashing, mut seen, mut share, mut first) = (vec![], vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        let dir = folder.path().join(format!("vault{round}"));
        let key = folder.path().join(format!("key{round}"));
        let purposes = purposes::parse_all(PURPOSE, Path::new("p")).unwrap();
        let custody = Wanted::KeyFile(key.clone());
        let plan = Plan { custody: &custody, purposes, custodians: vec![] };
        folder::init(&dir, &plan, &Disk::new()).unwrap();
        let opened = folder::open_folder(&dir, &Secret::key_file(&key), Disk::new()).unwrap();
        let (purpose, kind) = ("p".parse().unwrap(), "upn".parse().unwrap());
        let own = opened.folder.keys.pseudonymiser(&purpose, KeyVersion(1), &kind);
        let socket = folder.path().join("sock");
        let server = Server::bind(Vault::new(opened, None, true).unwrap(), &socket).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&stop);
        let serving = std::thread::spawn(move || server.serve(&watched).unwrap());
        let mut client = Client::connect(&socket, Role::Ingest, "bench").unwrap();
        let mut linker = Client::connect(&socket, Role::Linker, "bench").unwrap();
        let dataset = DatasetRef {
            class: DatasetClass::Source,
            name: "s".parse().unwrap(),
            period: "2024-25".parse().unwrap(),
            purpose: purpose.clone(),
        };
        let (_, wrapped) = linker.create_key(&dataset).unwrap();
        let sha256 = "d".repeat(64);
        let manifest = RecordedManifest { dataset: dataset.clone(), sha256: sha256.clone() };
        client.record_manifest(manifest, None).unwrap();
        for (run, numbers) in [("first", &numbers), ("again", &in_another_order(&numbers))] {
            let manifest = RunManifest {
                run: run.parse().unwrap(),
                purpose: purpose.clone(),
                source: "s".parse().unwrap(),
                period: "2024-25".parse().unwrap(),
                inputs: vec![],
                ceiling: u64::MAX,
                reads: Vec::new(),
            };
            let opened = client.open_run(manifest).unwrap();
            let unwrapped = linker.unwrap_key(&dataset, &wrapped, Some(&opened.run_key), &sha256);
            let key = unwrapped.unwrap().run.unwrap();
            for part in numbers.chunks_exact(BATCH) {
                let (hashed, expected) = timed(|| in_process(part, |number| own.pseudonym(number)));
                let (asked, answer) = timed(|| {
                    let mut batch = IdentifierBatch::default();
                    part.iter().for_each(|number| batch.push(number));
                    client.pseudonymise(&kind, batch).unwrap()
                });
                assert!(turned_back(&key, &answer) == expected, "the same pseudonyms");
                hashing.push(hashed);
                match run {
                    "first" => first.push(asked),
                    _ => {
                        seen.push(asked);
                        share.push(asked / hashed);
                    }
                }
            }
            client.close_run(&[]).unwrap();
        }
        drop((client, linker));
        stop.store(true, Ordering::SeqCst);
        serving.join().unwrap();
        fs::remove_dir_all(&dir).unwrap();
    }
    let (hashing, seen, first) = (median(hashing), median(seen), median(first));
    println!("hashing in process        {hashing:>12.0} a second");
    println!(
        "asked, seen before        {seen:>12.0} a second, {:.0} % of it",
        100.0 * median(share)
    );
    println!("asked, first seen         {first:>12.0} a second, each a durable sealed row");
}

/// Pupil numbers of many schools and years, three hundred serials of each.
fn numbers() -> Vec<[u8; 13]> {
    (0..IDENTIFIERS)
        .map(|n| {
            let (serial, year, school) = (n % 300, n / 300 % 20, n / 6000);
            let body = format!("330{school:04}{year:02}{serial:03}");
            let letter = minster_identifiers::check_letter(body.as_bytes().try_into().unwrap());
            format!("{}{body}", letter.unwrap()).into_bytes().try_into().unwrap()
        })
        .collect()
}

/// An odd step through a power of two comes by each once.
fn in_another_order(numbers: &[[u8; 13]]) -> Vec<[u8; 13]> {
    (0..IDENTIFIERS).map(|n| numbers[n * 611_953 % IDENTIFIERS]).collect()
}

/// On all cores.
fn in_process(numbers: &[[u8; 13]], hash: impl Fn(&[u8]) -> Pseudonym + Sync) -> Vec<Pseudonym> {
    let cores = std::thread::available_parallelism().unwrap().get();
    let hash = &hash;
    std::thread::scope(|scope| {
        let part = |part: &[[u8; 13]]| part.iter().map(|number| hash(number)).collect::<Vec<_>>();
        let threads: Vec<_> = numbers
            .chunks(numbers.len().div_ceil(cores))
            .map(|numbers| scope.spawn(move || part(numbers)))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Returns what anyone sees who may open the run's dataset.
fn turned_back(key: &RunKey, tokens: &[Token]) -> Vec<Pseudonym> {
    let mut bytes: Vec<u8> = tokens.iter().flat_map(|token| *token.as_bytes()).collect();
    key.cipher().to_pseudonyms(&mut bytes);
    let (pseudonyms, _) = bytes.as_chunks();
    pseudonyms.iter().copied().map(Pseudonym::from_bytes).collect()
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = Instant::now();
    let done = work();
    (BATCH as f64 / begun.elapsed().as_secs_f64(), done)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
