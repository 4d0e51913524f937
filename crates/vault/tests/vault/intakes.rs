//! How often normal intakes of a made-up council raise the alarm: never, over several years of several
//! councils. `MINSTER_INTAKES=councils,pupils` measures more of them; docs/threats.md has the figures.

use std::{
    collections::{BTreeSet, HashSet},
    env, fs,
    path::{Path, PathBuf},
};

use minster_synth::{Council, Defects};
use minster_vault::probing::{Block, Newcomers, Watch};

use crate::common::kind;

/// Numbers of one file that have the shape of a pupil or NHS number, in their order.
fn numbers(path: &Path) -> Vec<Vec<u8>> {
    let text = fs::read(path).unwrap();
    let words = text.split(|byte| !byte.is_ascii_alphanumeric());
    let shaped = |word: &&[u8]| {
        let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
        match word.len() {
            13 => word[0].is_ascii_uppercase() && digits(&word[1..12]),
            10 => digits(word),
            _ => false,
        }
    };
    words.filter(shaped).map(<[u8]>::to_vec).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// One run a file, and all files of a night on one day: the first night of a council, the same again, and two more school
/// years, each with a new year group: a child in fifteen comes in the second, another in the third.
fn alarms(seed: u64, pupils: u64) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let council = Council { pupils, seed, days: 3, defects: Defects::default(), hard: false };
    council.write(&folder.path().join("out"), &folder.path().join("truth")).unwrap();
    let mut known: HashSet<Vec<u8>> = HashSet::new();
    let mut loaded: BTreeSet<PathBuf> = BTreeSet::new();
    let (mut runs, mut alarms) = (0, 0);
    for year in [0, 0, 1, 2] {
        let (mut day, mut asked_today) = (Watch::default(), HashSet::new());
        for path in files(&folder.path().join("out")) {
            let loaded_before = !loaded.insert(path.clone());
            // Only the police's file has NHS numbers; other services' own numbers have ten digits too.
            let nhs = path.to_string_lossy().contains("missing");
            let kind = kind(if nhs { "nhs-number" } else { "upn" });
            let (mut run, mut asked) = (Newcomers::default(), HashSet::new());
            let mut alarm = false;
            for number in numbers(&path).into_iter().filter(|number| comes(number) <= year) {
                if !asked.insert(number.clone()) {
                    continue;
                }
                let new = known.insert(number.clone());
                if let Some(block) = Block::of(&kind, &number) {
                    alarm |= run.see(new && loaded_before).is_some();
                    if asked_today.insert(number) {
                        alarm |= day.see(block, new, loaded_before).is_some();
                    }
                }
            }
            runs += 1;
            alarms += usize::from(alarm);
        }
    }
    (runs, alarms)
}

/// The school year in which a child first appears.
fn comes(number: &[u8]) -> u8 {
    match ring::digest::digest(&ring::digest::SHA256, number).as_ref()[0] % 15 {
        14 => 2,
        13 => 1,
        _ => 0,
    }
}

#[test]
fn normal_intakes_raise_no_alarm() {
    let asked = env::var("MINSTER_INTAKES").unwrap_or_else(|_| "2,3000".into());
    let (councils, pupils) = asked.split_once(',').unwrap();
    let (mut runs, mut raised) = (0, 0);
    for seed in 0..councils.parse().unwrap() {
        let (of, among) = alarms(seed, pupils.parse().unwrap());
        runs += of;
        raised += among;
    }
    assert!(runs > 20, "{runs}");
    eprintln!("{raised} alarms in {runs} runs");
    assert_eq!(raised, 0);
}
