//! Mistyped numbers, repaired by the birth dates that other deliveries told: how many of them, none for another child, and no
//! way to try out birth dates or numbers.

use std::{collections::HashSet, fs, path::Path};

use minster_identifiers::{NhsNumber, Upn};
use minster_model::{KeyVersion, Kind, Pseudonym, Role};
use minster_synth::{Council, Defects};
use minster_vault::{
    disk::Disk,
    keys::{Keys, RootKey},
    probing::{BIRTHS_TRIED, DENSE_SLIPS, Slips},
    registry::{Births, Registry},
    slips::{Slip, candidates},
};
use minster_vault_api::{Client, Denial, OpenedRun, RunManifest, Token};

use crate::common::{PURPOSES, Serving, Site, batch, copy, denial, kind, manifest, turned_back};

/// A child's pupil number, NHS number and birth date.
struct Child {
    upn: String,
    nhs: String,
    born: String,
}

/// The children of a made-up council who have a pupil number.
fn children(pupils: u64, seed: u64) -> Vec<Child> {
    let folder = tempfile::tempdir().unwrap();
    let (out, truth) = (folder.path().join("out"), folder.path().join("truth"));
    let council = Council { pupils, seed, days: 1, defects: Defects::none(), hard: false };
    council.write(&out, &truth).unwrap();
    let text = fs::read_to_string(truth.join("children.csv")).unwrap();
    let child = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let of = |place: usize| fields[place].to_owned();
        Child { upn: of(1), nhs: of(3), born: of(5) }
    };
    let all = text.lines().skip(1).map(child);
    all.filter(|child| Upn::parse(&child.upn).is_ok()).take(pupils as usize).collect()
}

/// Numbers by SplitMix64 (Steele, Lea and Flood, 2014), so that each run types the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % below as u64) as usize
    }

    /// One slip of a number, which is another text: a character for another, or two neighbours changed round.
    fn slip(&mut self, number: &str) -> String {
        loop {
            let mut text = number.as_bytes().to_vec();
            match self.below(2) {
                0 => {
                    let keys = if text[0].is_ascii_alphabetic() { 36 } else { 10 };
                    let place = self.below(text.len());
                    text[place] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[self.below(keys)];
                }
                _ => {
                    let place = self.below(text.len() - 1);
                    text.swap(place, place + 1);
                }
            }
            let text = String::from_utf8(text).unwrap();
            if text != number {
                return text;
            }
        }
    }
}

/// A registry and birth dates, without the socket's budgets.
struct Known {
    keys: Keys,
    kind: Kind,
    registry: Registry,
    births: Births,
}

impl Known {
    fn of(folder: &Path, kind: Kind, children: &[(&str, &str)]) -> Self {
        let keys = Keys::new(RootKey::from_bytes([7; 32]), "s");
        let purpose = "education".parse().unwrap();
        let (disk, version) = (Disk::new(), KeyVersion(1));
        let path = folder.join(format!("registry-{kind}"));
        let opened = Registry::open(&path, &keys, &purpose, version, None, disk.clone());
        let mut registry = opened.unwrap().0;
        let path = folder.join(format!("births-{kind}"));
        let mut births = Births::open(&path, &keys, &purpose, None, disk).unwrap().0;
        let (links, of_version) =
            (keys.link_key(&kind), keys.purpose_key(&purpose, version, &kind));
        let mut met = HashSet::new();
        let all: Vec<_> = children
            .iter()
            .map(|(number, _)| (links.link(number.as_bytes()), number.as_bytes()))
            .filter(|(link, _)| met.insert(*link))
            .collect();
        let pseudonyms: Vec<Pseudonym> =
            all.iter().map(|one| of_version.pseudonym(&one.0)).collect();
        registry.add(&keys, version, &kind, &all, &pseudonyms).unwrap();
        let beside = keys.beside_key(&purpose);
        let pair = |(number, born): &(&str, &str)| {
            beside.beside(&links.link(number.as_bytes()), born.as_bytes())
        };
        let pairs: Vec<_> = children.iter().map(pair).collect();
        let delivery = ("census".parse().unwrap(), "2024-autumn".parse().unwrap());
        let (new, _) = births.add(&keys, version, (&delivery.0, &delivery.1), pairs).unwrap();
        assert_eq!(new as usize, children.len());
        Self { keys, kind, registry, births }
    }

    fn look(&self, faulty: &str, born: &str) -> Slip {
        let candidates = candidates(&self.kind, faulty.as_bytes()).unwrap();
        let (links, beside) =
            (self.keys.link_key(&self.kind), self.keys.beside_key(&"education".parse().unwrap()));
        let told = (&self.registry, &self.births, 1);
        Slip::look(&self.kind, &candidates, born.as_bytes(), (&links, &beside), told)
    }

    /// The number that a mistyped one was.
    fn repaired(&self, faulty: &str, born: &str) -> Option<String> {
        let record = self.look(faulty, born).found?;
        let number = self.registry.identifier(&self.keys, record).unwrap();
        Some(String::from_utf8(number.to_vec()).unwrap())
    }
}

/// How many were repaired rightly, how many wrongly, how many pass the check as they are, and how many absent ones were
/// "repaired".
fn figures(known: &Known, here: &[(&str, &str)], absent: &[(&str, &str)], seed: u64) -> [usize; 4] {
    let mut dice = Dice(seed);
    let (mut right, mut wrong, mut unseen) = (0, 0, 0);
    for (number, born) in here {
        let slip = dice.slip(number);
        unseen += usize::from(Upn::parse(&slip).is_ok() || NhsNumber::parse(&slip).is_ok());
        match known.repaired(&slip, born) {
            Some(found) if found == *number => right += 1,
            Some(_) => wrong += 1,
            None => {}
        }
    }
    let mut repaired = |pair: &&(&str, &str)| known.repaired(&dice.slip(pair.0), pair.1).is_some();
    [right, wrong, unseen, absent.iter().filter(|pair| repaired(pair)).count()]
}

#[test]
fn of_20000_slips_nearly_all_are_repaired_and_none_of_an_absent_child() {
    let folder = tempfile::tempdir().unwrap();
    let (here, others) = (children(20_000, 1), children(42_000, 2));
    let upns = |of: &Child| (of.upn.clone(), of.born.clone());
    let nhs = |of: &Child| (of.nhs.clone(), of.born.clone());
    type Drawn<'a> = &'a dyn Fn(&Child) -> (String, String);
    let of: [(&str, Drawn<'_>); 2] = [("upn", &upns), ("nhs-number", &nhs)];
    for (name, number) in of {
        let has = |(number, _): &(String, String)| match name {
            "upn" => Upn::parse(number).is_ok(),
            _ => NhsNumber::parse(number).is_ok(),
        };
        let drawn = |of: &[Child]| of.iter().map(number).filter(has).collect::<Vec<_>>();
        let (here, mut absent) = (drawn(&here), drawn(&others));
        let taken: HashSet<&str> = here.iter().map(|pair| pair.0.as_str()).collect();
        absent.retain(|pair| !taken.contains(pair.0.as_str()));
        absent.truncate(20_000);
        fn borrowed(of: &[(String, String)]) -> Vec<(&str, &str)> {
            of.iter().map(|pair| (pair.0.as_str(), pair.1.as_str())).collect()
        }
        let (here, absent) = (borrowed(&here), borrowed(&absent));
        let known = Known::of(folder.path(), kind(name), &here);
        let [right, wrong, unseen, false_] = figures(&known, &here, &absent, 20_261_128);
        let percent = 100.0 * right as f64 / here.len() as f64;
        eprintln!(
            "{name}: {right} of {} slips repaired ({percent:.2} %), {wrong} wrongly, {unseen} pass the check; {false_} of {} of absent children",
            here.len(),
            absent.len()
        );
        assert!(here.len() == 20_000 && absent.len() == 20_000);
        assert!(right * 100 >= here.len() * 99, "{name}: {right}");
        assert_eq!((wrong, false_), (0, 0), "{name}");
    }
}

/// Four services on one day, each of which mistypes 3 in a hundred of the children's numbers: far more than was ever seen.
#[test]
fn a_day_of_services_slips_raises_no_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let all = children(20_000, 3);
    let pairs: Vec<(&str, &str)> =
        all.iter().map(|child| (child.upn.as_str(), child.born.as_str())).collect();
    let known = Known::of(folder.path(), kind("upn"), &pairs);
    let (mut dice, mut watch, mut asked) = (Dice(9), Slips::default(), 0);
    for _ in 0..4 {
        for (number, born) in &pairs {
            if dice.below(100) < 3 {
                let Slip { known, blocks, .. } = known.look(&dice.slip(number), born);
                let born = born.replace('-', "").parse().unwrap();
                assert_eq!(watch.see(blocks, &known, born), None, "after {asked}");
                asked += 1;
            }
        }
    }
    assert!(asked > 2_000);
}

#[test]
fn twins_of_whom_one_slip_may_be_either_are_not_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    // Two serials after one another: the letter of one with the last digit of the other is a slip of both.
    let (one, other) = ("Q330400024001", "E330400024002");
    assert!(Upn::parse(one).is_ok() && Upn::parse(other).is_ok());
    let twins = [(one, "2008-03-15"), (other, "2008-03-15")];
    let known = Known::of(folder.path(), kind("upn"), &twins);
    assert_eq!(known.repaired("Q330400024002", "2008-03-15"), None);
    assert_eq!(known.repaired("Q330400024010", "2008-03-15").as_deref(), Some(one));
    assert_eq!(known.repaired("Q330400024010", "2008-03-16"), None);
    // One left out, one too many.
    assert_eq!(known.repaired("Q33040002401", "2008-03-15").as_deref(), Some(one));
    assert_eq!(known.repaired("Q3304000240011", "2008-03-15").as_deref(), Some(one));
    // A right number is not looked around.
    assert_eq!(known.repaired(other, "2008-03-15"), None);
}

fn site(repairs: &str) -> Site {
    Site::with(&PURPOSES.replacen("expires", &format!("{repairs}\nexpires"), 1))
}

const REPAIRS: &str = "repairs = { run = 200, day = 400 }";

fn opened(client: &mut Client, source: &str, period: &str) -> OpenedRun {
    let manifest =
        RunManifest { period: period.parse().unwrap(), ..manifest("education", source, 20_000) };
    client.open_run(manifest).unwrap()
}

/// A delivery that tells pupil numbers with birth dates.
fn tell(serving: &Serving, source: &str, period: &str, pairs: &[(&str, &str)]) {
    let mut client = serving.client(Role::Ingest).unwrap();
    opened(&mut client, source, period);
    told(&mut client, pairs);
    client.close_run(&[]).unwrap();
}

fn told(client: &mut Client, pairs: &[(&str, &str)]) {
    let (numbers, born): (Vec<&str>, Vec<&str>) = pairs.iter().copied().unzip();
    client.pseudonymise(&kind("upn"), batch(&numbers)).unwrap();
    client.tell_births(&kind("upn"), batch(&numbers), batch(&born)).unwrap();
}

fn repair(client: &mut Client, faulty: &str, born: &str) -> Option<Token> {
    client.repair(&kind("upn"), batch(&[faulty]), batch(&[born])).unwrap()[0]
}

const ONE: (&str, &str) = ("Q330400024001", "2008-03-15");
const SLIP: &str = "Q330400024010";

#[test]
fn birth_dates_of_a_closed_run_repair_another_delivery_s_numbers_and_not_its_own() {
    let site = site(REPAIRS);
    let serving = site.serve();
    tell(&serving, "census", "2024-autumn", &[ONE]);
    let mut client = serving.client(Role::Ingest).unwrap();
    let run = opened(&mut client, "census", "2024-25");
    let token = repair(&mut client, SLIP, ONE.1).unwrap();
    // It is the token of the right number in this run.
    let right = client.pseudonymise(&kind("upn"), batch(&[ONE.0])).unwrap();
    assert_eq!(token, right[0]);
    let pseudonym = turned_back(&serving.run_key("education", &run.run_key), &[token])[0];
    assert_eq!(pseudonym, serving.ask("education", "upn", &[ONE.0]).unwrap()[0]);
    assert_eq!(repair(&mut client, SLIP, "2008-03-16"), None);
    client.close_run(&[]).unwrap();
    // The delivery that told it does not see it, whether it is read again or not; nor does one before it.
    opened(&mut client, "census", "2024-autumn");
    assert_eq!(repair(&mut client, SLIP, ONE.1), None);
    client.close_run(&[]).unwrap();
    // A run that is not closed has told nothing.
    let two = ("B801200005001", "2009-01-31");
    let mut cut = serving.client(Role::Ingest).unwrap();
    opened(&mut cut, "census", "2025-spring");
    told(&mut cut, &[two]);
    drop(cut);
    opened(&mut client, "cin", "2025-26");
    assert_eq!(repair(&mut client, "B801200005010", two.1), None);
    client.close_run(&[]).unwrap();
    // A delivery that was there before is repaired as it was, whatever came later.
    tell(&serving, "census", "2025-spring", &[two]);
    opened(&mut client, "cin", "2025-26");
    assert_eq!(repair(&mut client, "B801200005010", two.1), None);
    client.close_run(&[]).unwrap();
    opened(&mut client, "cin", "2026-27");
    assert!(repair(&mut client, "B801200005010", two.1).is_some());
    client.close_run(&[]).unwrap();
    // Another purpose knows nothing of it.
    drop((client, serving));
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    opened(&mut client, "cin", "2024-25");
    assert!(repair(&mut client, SLIP, ONE.1).is_some(), "after a restart, too");
    client.close_run(&[]).unwrap();
    client.open_run(manifest("health", "census", 10)).unwrap();
    let denied = denial(client.repair(&kind("upn"), batch(&[SLIP]), batch(&[ONE.1])));
    assert!(matches!(denied, Denial::OverRepairs { budget: 0, .. }), "{denied}");
}

#[test]
fn no_role_but_ingestion_and_no_run_without_a_budget_has_anything_repaired() {
    let site = Site::new();
    let serving = site.serve();
    tell(&serving, "census", "2024-autumn", &[ONE]);
    let mut client = serving.client(Role::Ingest).unwrap();
    assert_eq!(opened(&mut client, "cin", "2024-25").repairs, 0);
    let denied = denial(client.repair(&kind("upn"), batch(&[SLIP]), batch(&[ONE.1])));
    assert!(matches!(denied, Denial::OverRepairs { .. }), "{denied}");
    for role in [Role::Linker, Role::Analyst, Role::Auditor, Role::Custodian] {
        let mut client = serving.client(role).unwrap();
        let repaired = client.repair(&kind("upn"), batch(&[SLIP]), batch(&[ONE.1]));
        assert!(matches!(denial(repaired), Denial::RoleForbids { .. }), "{role}");
        let told = client.tell_births(&kind("upn"), batch(&[ONE.0]), batch(&[ONE.1]));
        assert!(matches!(denial(told), Denial::RoleForbids { .. }), "{role}");
    }
    // Neither without a run, nor of a number that the run did not ask for, nor of what is no day, nor of another kind.
    let mut client = serving.client(Role::Ingest).unwrap();
    assert!(client.repair(&kind("upn"), batch(&[SLIP]), batch(&[ONE.1])).is_err());
    opened(&mut client, "cin", "2024-25");
    for (number, born) in [(ONE.0, ONE.1), ("unknown", ONE.1)] {
        assert!(client.tell_births(&kind("upn"), batch(&[number]), batch(&[born])).is_err());
    }
    client.pseudonymise(&kind("upn"), batch(&[ONE.0])).unwrap();
    for born in ["15/03/2008", "2008-02-30", "2008", ""] {
        assert!(client.tell_births(&kind("upn"), batch(&[ONE.0]), batch(&[born])).is_err());
    }
    assert!(client.tell_births(&kind("upn"), batch(&[ONE.0]), batch(&[""; 0])).is_err());
    let days: Vec<String> = (10..20).map(|day| format!("2008-03-{day}")).collect();
    let told = client.tell_births(&kind("upn"), batch(&[ONE.0; 10]), batch(&days));
    assert!(told.is_err(), "a child has not ten birth dates");
}

#[test]
fn repairs_have_a_budget_of_a_run_and_of_a_day_and_are_logged_as_counts() {
    let site = site("repairs = { run = 3, day = 4 }");
    let serving = site.serve();
    tell(&serving, "census", "2024-autumn", &[ONE]);
    let slips = ["Q330400024010", "Q330400020401", "Q330400204001", "Q330040024001"];
    let mut client = serving.client(Role::Ingest).unwrap();
    assert_eq!(opened(&mut client, "cin", "2024-25").repairs, 3);
    for _ in 0..3 {
        // The same again costs nothing.
        assert!(slips[..3].iter().all(|slip| repair(&mut client, slip, ONE.1).is_some()));
    }
    let denied = denial(client.repair(&kind("upn"), batch(&slips[3..]), batch(&[ONE.1])));
    assert!(matches!(denied, Denial::OverRepairs { budget: 3, .. }), "{denied}");
    client.close_run(&[]).unwrap();
    opened(&mut client, "census", "2025-spring");
    assert!(repair(&mut client, slips[3], ONE.1).is_some());
    let denied = denial(client.repair(&kind("upn"), batch(&["Q330400024000"]), batch(&[ONE.1])));
    assert!(matches!(denied, Denial::OverRepairs { budget: 4, .. }), "{denied}");
    // Nor after a restart.
    drop((client, serving));
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    opened(&mut client, "census", "2025-spring");
    assert!(client.repair(&kind("upn"), batch(&["Q330400024000"]), batch(&[ONE.1])).is_err());
    let status = client.status().unwrap();
    let education = status.purposes.iter().find(|of| of.purpose.as_str() == "education").unwrap();
    assert_eq!((education.repairs_today, education.repair_budget), (4, (3, 4)));
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(log.contains("\"repaired-numbers\"") && log.contains("\"told-births\""));
    for secret in slips.iter().chain(&[ONE.0, ONE.1]) {
        assert!(!log.contains(secret));
    }
}

#[test]
fn birth_dates_of_one_number_cannot_be_tried_out() {
    let site = site(REPAIRS);
    let serving = site.serve();
    tell(&serving, "census", "2024-autumn", &[ONE]);
    let mut client = serving.client(Role::Ingest).unwrap();
    opened(&mut client, "cin", "2024-25");
    // In two runs, by two slips.
    let day = |day: usize| format!("2008-04-{:02}", day + 1);
    for tried in 0..BIRTHS_TRIED {
        if tried == 2 {
            client.close_run(&[]).unwrap();
            opened(&mut client, "census", "2025-spring");
        }
        let slip = [SLIP, "Q330400020401"][tried % 2];
        assert_eq!(repair(&mut client, slip, &day(tried)), None);
    }
    let denied = denial(client.repair(&kind("upn"), batch(&[SLIP]), batch(&[day(BIRTHS_TRIED)])));
    assert!(matches!(denied, Denial::Probing { .. }), "{denied}");
    let denied = denial(client.open_run(manifest("education", "cin", 1)));
    assert!(matches!(denied, Denial::Probing { .. }), "the purpose is stopped: {denied}");
    assert!(fs::read_to_string(site.log()).unwrap().contains("\"alarm\""));
}

#[test]
fn numbers_of_one_birth_date_cannot_be_tried_out() {
    let site = site(REPAIRS);
    let serving = site.serve();
    tell(&serving, "census", "2024-autumn", &[ONE]);
    let mut client = serving.client(Role::Ingest).unwrap();
    opened(&mut client, "cin", "2024-25");
    let stopped = (0..200).find(|serial| {
        let text = format!("Z330400024{:03}", 300 + serial);
        client.repair(&kind("upn"), batch(&[text]), batch(&[ONE.1])).is_err()
    });
    assert!(stopped.is_some_and(|at| at <= 2 * DENSE_SLIPS), "{stopped:?}");
}

#[test]
fn birth_dates_that_were_changed_cut_or_put_back_are_refused() {
    let site = site(REPAIRS);
    let serving = site.serve();
    tell(&serving, "census", "2024-autumn", &[ONE]);
    drop(serving);
    let older = site.path("older");
    copy(&site.vault().join("births"), &older);
    let serving = site.serve();
    tell(&serving, "census", "2025-spring", &[("B801200005001", "2009-01-31")]);
    // Nothing new is told, and its place is taken all the same.
    tell(&serving, "census", "2025-summer", &[ONE]);
    drop(serving);
    let path = site.vault().join("births/education");
    let good = fs::read(&path).unwrap();
    assert!(site.open(Disk::new()).is_ok());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(site.open(Disk::new()).is_err(), "byte {at}");
    }
    for bad in [&good[..good.len() - 1], &good[..40], b""] {
        fs::write(&path, bad).unwrap();
        assert!(site.open(Disk::new()).is_err(), "cut to {}", bad.len());
    }
    fs::write(&path, fs::read(older.join("education")).unwrap()).unwrap();
    assert!(site.open(Disk::new()).is_err(), "an older copy");
    fs::write(&path, &good).unwrap();
    assert!(site.open(Disk::new()).is_ok());
}

#[test]
fn a_vault_that_knows_no_birth_dates_yet_opens_and_learns_them() {
    let site = site(REPAIRS);
    site.serve().ask("education", "upn", &[ONE.0]).unwrap();
    fs::remove_dir_all(site.vault().join("births")).unwrap();
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    opened(&mut client, "cin", "2024-25");
    assert_eq!(repair(&mut client, SLIP, ONE.1), None);
    client.close_run(&[]).unwrap();
    tell(&serving, "census", "2024-autumn", &[ONE]);
    opened(&mut client, "cin", "2025-26");
    assert!(repair(&mut client, SLIP, ONE.1).is_some());
}
