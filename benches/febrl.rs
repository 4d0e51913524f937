//! Scored matching of keyed parts on FEBRL 3 and 4, whose pairs are known: parts as ingestion makes them, hashed with a key
//! that is forgotten, then linked. No threshold is chosen by the known pairs: a pair that is more likely than not is linked
//! (0.5), and beside it stands what stricter thresholds cost. FEBRL's persons are grown and have no twins, so that forenames may
//! differ; the last lines show what the rule for children costs there.
//!
//! `cargo xtask febrl` runs it beside Splink. It takes a folder with `febrl3.csv`, `febrl3-pairs.csv`, `febrl4a.csv`,
//! `febrl4b.csv` and `febrl4-pairs.csv`, as `benches/peers/febrl.py` writes them.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints what it measured")]

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    time::Instant,
};

use minster_model::LinkageForm;
use minster_pseudonymiser::{
    LinkageParts, birth_date_parts, name_parts, postcode_parts, surname_parts,
};
use minster_scoring::{
    BirthDate, Forenames, KeyedValue, Name, Postcode, Probability, Record, Records, Report,
    Settings, dedupe, link,
};
use ring::{hmac, rand::SystemRandom};

type Pairs = HashSet<(String, String)>;

/// A table, its records' names, and the seconds that its parts took.
struct Loaded {
    names: Vec<String>,
    records: Records,
    seconds: f64,
}

/// Makes tokens, as the vault does: one a distinct text and kind.
struct Hasher {
    key: hmac::Key,
    known: HashMap<(&'static str, String), KeyedValue>,
}

impl Hasher {
    fn token(&mut self, form: LinkageForm, text: String) -> KeyedValue {
        let kind = form.kind();
        let key = &self.key;
        *self.known.entry((kind, text)).or_insert_with_key(|(kind, text)| {
            let mut context = hmac::Context::with_key(key);
            context.update(kind.as_bytes());
            context.update(&[0]);
            context.update(text.as_bytes());
            KeyedValue::from_bytes(context.sign().as_ref()[..16].try_into().unwrap())
        })
    }

    fn name(&mut self, parts: LinkageParts) -> Name {
        let mut name = Name::default();
        for (form, text) in parts {
            let token = self.token(form, text);
            match form {
                LinkageForm::Name => name.whole = Some(token),
                LinkageForm::NameInitial => name.initial = Some(token),
                LinkageForm::NameSound => name.sounds.push(token),
                LinkageForm::NameOneLess => name.one_less.push(token),
                LinkageForm::NameTwoLess => name.two_less.push(token),
                _ => unreachable!(),
            }
        }
        name
    }

    fn all(&mut self, parts: LinkageParts) -> HashMap<LinkageForm, Vec<KeyedValue>> {
        let mut all: HashMap<_, Vec<KeyedValue>> = HashMap::new();
        for (form, text) in parts {
            let token = self.token(form, text);
            all.entry(form).or_default().push(token);
        }
        all
    }
}

fn load(path: &Path, hasher: &mut Hasher) -> Loaded {
    let begun = Instant::now();
    let (mut names, mut records) = (Vec::new(), Records::default());
    for row in csv::Reader::from_path(path).unwrap().deserialize() {
        let row: HashMap<String, String> = row.unwrap();
        let mut record = Record::default();
        let forename = name_parts(&row["given_name"]);
        if !forename.is_empty() {
            record.forenames.push(hasher.name(forename));
        }
        record.surnames =
            surname_parts(&row["surname"]).into_iter().map(|parts| hasher.name(parts)).collect();
        let mut born = hasher.all(birth_date_parts(&row["date_of_birth"]));
        if let Some(whole) = born.get(&LinkageForm::BirthDate) {
            record.birth_dates.push(BirthDate {
                whole: whole[0],
                swapped: born.get(&LinkageForm::BirthDateSwapped).map(|tokens| tokens[0]),
                year: born[&LinkageForm::BirthYear][0],
                month: born[&LinkageForm::BirthMonth][0],
                day: born[&LinkageForm::BirthDay][0],
                one_less: born.remove(&LinkageForm::BirthDateOneLess).unwrap_or_default(),
            });
        }
        let mut place = hasher.all(postcode_parts(&row["postcode"]));
        if let Some(unit) = place.get(&LinkageForm::Postcode) {
            record.postcodes.push(Postcode {
                unit: unit[0],
                sector: place.get(&LinkageForm::PostcodeSector).map(|tokens| tokens[0]),
                one_less: place.remove(&LinkageForm::PostcodeOneLess).unwrap_or_default(),
            });
        }
        names.push(row["rec_id"].clone());
        records.add(record).unwrap();
    }
    Loaded { names, records, seconds: begun.elapsed().as_secs_f64() }
}

fn pairs(path: &Path) -> Pairs {
    let ordered = |row: csv::StringRecord| {
        let (a, b) = (row[0].to_owned(), row[1].to_owned());
        if a < b { (a, b) } else { (b, a) }
    };
    csv::Reader::from_path(path).unwrap().records().map(|row| ordered(row.unwrap())).collect()
}

fn show(what: &str, found: &Pairs, known: &Pairs, seconds: f64) {
    let right = found.intersection(known).count() as f64;
    let (precision, recall) = (right / found.len() as f64, right / known.len() as f64);
    println!(
        "{what:<58} F1 {:.4}  P {precision:.4}  R {recall:.4}  wrong {:>3}  {seconds:>5.2} s",
        2.0 * precision * recall / (precision + recall),
        found.len() as f64 - right,
    );
}

fn say(report: &Report) {
    let bands: Vec<String> =
        report.bands.iter().map(|band| format!("<{} {}", band.to, band.pairs)).collect();
    println!(
        "    it says of itself: precision {:.4}, recall {:.4} to {:.4}; {} pairs compared, by probability {}; refused {:?} (up to {:.1} matches), runners-up {}, {} rounds",
        report.estimated_precision.unwrap_or_default(),
        report.estimated_recall_least.unwrap_or_default(),
        report.estimated_recall.unwrap_or_default(),
        report.pairs,
        bands.join(" "),
        report.refused,
        report.expected_refused,
        report.runners_up,
        report.rounds
    );
    if std::env::args().any(|argument| argument == "weights") {
        for level in &report.weights {
            println!("    {:?}", level);
        }
        for key in &report.keys {
            println!("    {:?}", key);
        }
    }
}

fn main() {
    let Some(folder) = std::env::args().skip(1).map(PathBuf::from).find(|path| path.is_dir())
    else {
        println!("linkage: no folder with FEBRL given; `cargo xtask febrl` makes it");
        return;
    };
    let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).unwrap();
    let mut hasher = Hasher { key, known: HashMap::new() };
    let (a, b) = (
        load(&folder.join("febrl4a.csv"), &mut hasher),
        load(&folder.join("febrl4b.csv"), &mut hasher),
    );
    let c = load(&folder.join("febrl3.csv"), &mut hasher);
    println!(
        "parts and hashes of {} records: {:.2} s, {} tokens",
        a.records.len() + b.records.len() + c.records.len(),
        a.seconds + b.seconds + c.seconds,
        hasher.known.len()
    );
    let ordered = |x: &String, y: &String| {
        if x < y { (x.clone(), y.clone()) } else { (y.clone(), x.clone()) }
    };
    let (known4, known3) =
        (pairs(&folder.join("febrl4-pairs.csv")), pairs(&folder.join("febrl3-pairs.csv")));
    for (threshold, forenames) in [
        (0.5, Forenames::Any),
        (0.9, Forenames::Any),
        (0.99, Forenames::Any),
        (0.99, Forenames::Agree),
    ] {
        let threshold = Probability::new(threshold).unwrap();
        let settings = Settings { threshold, forenames, ..Settings::default() };
        let what = |data: &str| {
            let named = if forenames == Forenames::Agree { ", forenames agree" } else { "" };
            format!("{data}, minster ≥ {}{named}", threshold.get())
        };
        let begun = Instant::now();
        let found = link(&a.records, &b.records, &settings);
        let seconds = begun.elapsed().as_secs_f64();
        let links: Pairs = found
            .links
            .iter()
            .map(|link| ordered(&a.names[link.left], &b.names[link.right]))
            .collect();
        show(&what("FEBRL4"), &links, &known4, seconds);
        say(&found.report);
        let begun = Instant::now();
        let found = dedupe(&c.records, &settings);
        let seconds = begun.elapsed().as_secs_f64();
        let of_pairs: Pairs = found
            .links
            .iter()
            .map(|link| ordered(&c.names[link.left], &c.names[link.right]))
            .collect();
        show(&what("FEBRL3 pairs"), &of_pairs, &known3, seconds);
        say(&found.report);
        let mut in_clusters = Pairs::new();
        for cluster in &found.clusters {
            for (place, i) in cluster.iter().enumerate() {
                in_clusters.extend(
                    cluster[place + 1..].iter().map(|j| ordered(&c.names[*i], &c.names[*j])),
                );
            }
        }
        show(&what("FEBRL3 clusters"), &in_clusters, &known3, seconds);
    }
}
