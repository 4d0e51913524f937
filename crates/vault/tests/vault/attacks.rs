//! The attempts of an attacker, each as a test.

use std::{collections::HashSet, fs};

use minster_identifiers::check_letter;
use minster_model::{DatasetClass, DatasetRef, KeyVersion, Pseudonym, Role};
use minster_vault::{VaultFault, disk::Disk, folder};
use minster_vault_api::{Client, Denial, Proposed, ProposedAction, RunManifest, Token};

use crate::common::{PURPOSES, Site, batch, copy, dataset, denial, kind, manifest, turned_back};

/// Every pupil number of one school and year.
fn numbers(school: u32, year: u32) -> Vec<String> {
    (0..1000)
        .map(|serial| {
            let body = format!("330{school:04}{year:02}{serial:03}");
            let letter = check_letter(body.as_bytes().try_into().unwrap()).unwrap();
            format!("{letter}{body}")
        })
        .collect()
}

/// A leaked root key undoes every pseudonym; without it the same search finds nothing.
#[test]
fn the_dictionary_attack_works_with_the_key_and_not_without() {
    let site = Site::new();
    let children: Vec<String> = numbers(4001, 12).into_iter().step_by(7).take(100).collect();
    let names: Vec<&str> = children.iter().map(String::as_str).collect();
    let stolen = site.serve().ask("education", "upn", &names).unwrap();
    let stolen: HashSet<Pseudonym> = stolen.into_iter().collect();
    let search = |make: &dyn Fn(&[u8]) -> Pseudonym| {
        let all = (3998..4004).flat_map(|school| numbers(school, 12));
        all.filter(|number| stolen.contains(&make(number.as_bytes()))).count()
    };
    let opened = folder::open_folder(&site.vault(), &site.secret(), Disk::new()).unwrap();
    let with = opened.folder.keys.pseudonymiser(
        &"education".parse().unwrap(),
        KeyVersion(1),
        &kind("upn"),
    );
    assert_eq!(search(&|number| with.pseudonym(number)), 100, "all, within a second");
    let guessed = minster_vault::keys::Keys::new(
        minster_vault::keys::RootKey::from_bytes([0; 32]),
        opened.folder.keys.store_id(),
    );
    let without = guessed.pseudonymiser(&"education".parse().unwrap(), KeyVersion(1), &kind("upn"));
    assert_eq!(search(&|number| without.pseudonym(number)), 0);
    let hashed = |number: &[u8]| {
        let digest = ring::digest::digest(&ring::digest::SHA256, number);
        Pseudonym::from_bytes(digest.as_ref()[..16].try_into().unwrap())
    };
    assert_eq!(search(&hashed), 0, "no plain hash either");
}

/// A thief with datasets, decrypted, and the role `ingest` besides, matches nobody: the socket's answers are
/// tokens of a run of its own. It takes the linker too.
#[test]
fn the_dictionary_attack_through_the_socket_matches_nobody() {
    let site = Site::new();
    let serving = site.serve();
    let children: Vec<String> = numbers(4001, 12).into_iter().step_by(9).collect();
    // Another run made a source's dataset, in which tokens stand; the linker made of it an integrated one.
    let mut engineer = serving.client(Role::Ingest).unwrap();
    let theirs = engineer.open_run(manifest("education", "census", 20_000)).unwrap();
    let tokens = engineer.pseudonymise(&kind("upn"), batch(&children)).unwrap();
    engineer.close_run(&[]).unwrap();
    let pseudonyms = turned_back(&serving.run_key("education", &theirs.run_key), &tokens);
    let source: HashSet<[u8; 16]> = tokens.iter().map(|one| *one.as_bytes()).collect();
    let integrated: HashSet<[u8; 16]> = pseudonyms.iter().map(|one| *one.as_bytes()).collect();
    assert!(source.len() == 112 && integrated.len() == 112 && source.is_disjoint(&integrated));

    for role in [Role::Linker, Role::Analyst, Role::Auditor, Role::Custodian] {
        let mut client = serving.client(role).unwrap();
        assert!(client.open_run(manifest("education", "census", 1)).is_err(), "{role}");
        assert!(client.pseudonymise(&kind("upn"), batch(&children)).is_err(), "{role}");
    }

    // The attacker asks for exactly these children, which no alarm forbids, in runs of the same name and others.
    let (mut asked, mut matched, mut together) = (0, 0, 0);
    for run in ["r1", "r1", "mine"] {
        for name in ["census", "cin"] {
            let manifest =
                RunManifest { run: run.parse().unwrap(), ..manifest("education", name, u64::MAX) };
            let mine = engineer.open_run(manifest).unwrap();
            let answers = engineer.pseudonymise(&kind("upn"), batch(&children)).unwrap();
            engineer.close_run(&[]).unwrap();
            let is_in = |set: &HashSet<[u8; 16]>, one: &Token| set.contains(one.as_bytes());
            asked += answers.len();
            matched += answers.iter().filter(|one| is_in(&source, one)).count();
            matched += answers.iter().filter(|one| is_in(&integrated, one)).count();
            // The sealed key is all that ingestion has; nothing opens it for the role.
            let of_source =
                DatasetRef { name: name.parse().unwrap(), ..dataset(DatasetClass::Source) };
            let (_, wrapped) = engineer.create_key(&of_source).unwrap();
            let sha256 = serving.recorded(&of_source);
            let opened = engineer.unwrap_key(&of_source, &wrapped, Some(&mine.run_key), &sha256);
            assert!(matches!(denial(opened), Denial::RoleForbids { .. }));
            // With the linker's role as well every child is found.
            let mut linker = serving.client(Role::Linker).unwrap();
            let opened = linker.unwrap_key(&of_source, &wrapped, Some(&mine.run_key), &sha256);
            let opened = opened.unwrap();
            let found = turned_back(&opened.run.unwrap(), &answers);
            together += found.iter().filter(|one| integrated.contains(one.as_bytes())).count();
        }
    }
    assert_eq!((asked, matched, together), (6 * 112, 0, 6 * 112));
}

/// The service itself is asked through: the alarm stops it within one block, and it stays stopped.
#[test]
fn trying_out_numbers_through_the_socket_is_stopped() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    client.open_run(manifest("education", "census", 20_000)).unwrap();
    let all = numbers(4001, 12);
    let mut answered = 0;
    let denied = all
        .chunks(50)
        .find_map(|part| match client.pseudonymise(&kind("upn"), batch(part)) {
            Ok(pseudonyms) => {
                answered += pseudonyms.len();
                None
            }
            Err(error) => Some(denial::<()>(Err(error))),
        })
        .unwrap();
    assert!(matches!(denied, Denial::Probing { .. }), "{denied}");
    assert_eq!(answered, 400);
    assert!(matches!(
        denial(client.open_run(manifest("education", "census", 1))),
        Denial::Probing { .. }
    ));
    serving.ask("health", "upn", &["a"]).unwrap();
    drop((client, serving));

    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    let denied = denial(client.open_run(manifest("education", "cin", 1)));
    assert!(matches!(denied, Denial::Probing { .. }), "it stays stopped after a restart");
    assert!(fs::read_to_string(site.log()).unwrap().contains("\"alarm\""));
    let resume = minster_vault_api::Proposed {
        action: ProposedAction::Resume { purpose: "education".parse().unwrap() },
        reference: "INC/7".into(),
        reason: "a school was loaded twice".into(),
        expires: minster_tests::soon(),
    };
    let text = client.propose(resume).unwrap();
    let mut custodian = serving.client(Role::Custodian).unwrap();
    for name in ["ann", "ben"] {
        custodian.approve(site.sign(name, &text)).unwrap();
    }
    client.enact(&minster_vault::approvals::Proposal::id(&text)).unwrap();
    client.open_run(manifest("education", "cin", 1)).unwrap();
}

#[test]
fn a_source_that_was_loaded_before_brings_no_crowd_of_newcomers() {
    let site = Site::new();
    let serving = site.serve();
    let known: Vec<String> =
        (0..10).flat_map(|school| numbers(school, 12).into_iter().take(200)).collect();
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    serving.ask("education", "upn", &names).unwrap();
    serving.ask("education", "upn", &names).unwrap();
    let strangers: Vec<String> =
        (10..30).flat_map(|school| numbers(school, 12).into_iter().take(100)).collect();
    let mut client = serving.client(Role::Ingest).unwrap();
    client.open_run(manifest("education", "census", 20_000)).unwrap();
    client.pseudonymise(&kind("upn"), batch(&strangers[..900])).unwrap();
    let denied = denial(client.pseudonymise(&kind("upn"), batch(&strangers[900..])));
    assert!(matches!(denied, Denial::Probing { .. }), "{denied}");
    assert!(fs::read_to_string(site.log()).unwrap().contains("\"alarm\""));
}

/// A school joined, and its children are all new. Custodians see which run was stopped and how far it had come; then its source
/// has one run with the same ceiling, and no more.
#[test]
fn a_stopped_run_is_done_again_with_its_ceiling_once() {
    let site = Site::with(&PURPOSES.replace("run = 20_000", "run = 3_000"));
    let serving = site.serve();
    let all: Vec<String> =
        (0..60).flat_map(|school| numbers(school, 12).into_iter().take(100)).collect();
    let (known, strangers) = all.split_at(2_000);
    serving.ask("education", "upn", &known.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let mut ingest = serving.client(Role::Ingest).unwrap();
    let refused = |ingest: &mut Client| {
        ingest.open_run(manifest("education", "census", u64::MAX)).unwrap();
        ingest.pseudonymise(&kind("upn"), batch(&strangers[..1_000])).unwrap();
        denial(ingest.pseudonymise(&kind("upn"), batch(&strangers[1_000..2_000])))
    };
    assert!(matches!(refused(&mut ingest), Denial::Probing { .. }));

    let resume = || Proposed {
        action: ProposedAction::Resume { purpose: "education".parse().unwrap() },
        reference: "INC/7".into(),
        reason: "a school joined".into(),
        expires: minster_tests::soon(),
    };
    let text = ingest.propose(resume()).unwrap();
    for word in [
        "\"run\": \"r1\"",
        "\"source\": \"census\"",
        "\"rule\": \"it asks for too many numbers",
        "\"asked\": 1000",
        "\"today\": 3000",
        "\"ceiling\": 3000",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let mut custodian = serving.client(Role::Custodian).unwrap();
    for name in ["ann", "ben"] {
        custodian.approve(site.sign(name, &text)).unwrap();
    }
    ingest.enact(&minster_vault::approvals::Proposal::id(&text)).unwrap();
    assert!(
        fs::read_to_string(site.log())
            .unwrap()
            .contains("\"run\":{\"run\":\"r1\",\"source\":\"census\",\"ceiling\":3000}")
    );
    drop((ingest, custodian, serving));

    let serving = site.serve();
    let mut ingest = serving.client(Role::Ingest).unwrap();
    let opened = ingest.open_run(manifest("education", "census", u64::MAX)).unwrap();
    assert_eq!(opened.ceiling, 3_000);
    for part in strangers[..3_000].chunks(1_000) {
        ingest.pseudonymise(&kind("upn"), batch(part)).unwrap();
    }
    let over = denial(ingest.pseudonymise(&kind("upn"), batch(&strangers[3_000..3_001])));
    assert!(matches!(over, Denial::OverBudget { ceiling: 3_000 }), "{over}");
    ingest.close_run(&[]).unwrap();
    let crowd: Vec<String> =
        (60..80).flat_map(|school| numbers(school, 12).into_iter().take(100)).collect();
    ingest.open_run(manifest("education", "census", u64::MAX)).unwrap();
    let again = denial(ingest.pseudonymise(&kind("upn"), batch(&crowd)));
    assert!(matches!(again, Denial::Probing { .. }), "the next run is watched again: {again}");
}

#[test]
fn a_resumption_holds_for_the_alarm_that_was_shown_and_no_other() {
    let site = Site::new();
    let serving = site.serve();
    let mut ingest = serving.client(Role::Ingest).unwrap();
    let stop = |ingest: &mut Client, school| {
        ingest.open_run(manifest("education", "census", 20_000)).unwrap();
        let denied = denial(ingest.pseudonymise(&kind("upn"), batch(&numbers(school, 12)[..500])));
        assert!(matches!(denied, Denial::Probing { .. }), "{denied}");
    };
    let resumed = |ingest: &mut Client| {
        let action = ProposedAction::Resume { purpose: "education".parse().unwrap() };
        let (reference, reason) = ("INC/7".into(), "mended".into());
        let text = ingest
            .propose(Proposed { action, reference, reason, expires: minster_tests::soon() })
            .unwrap();
        let mut custodian = serving.client(Role::Custodian).unwrap();
        for name in ["ann", "ben"] {
            custodian.approve(site.sign(name, &text)).unwrap();
        }
        minster_vault::approvals::Proposal::id(&text)
    };
    stop(&mut ingest, 1);
    let (first, second) = (resumed(&mut ingest), resumed(&mut ingest));
    ingest.enact(&first).unwrap();
    ingest.open_run(manifest("education", "cin", 20_000)).unwrap();
    ingest.close_run(&[]).unwrap();
    ingest.open_run(manifest("education", "cin", 20_000)).unwrap();
    let denied = denial(ingest.pseudonymise(&kind("upn"), batch(&numbers(2, 12)[..500])));
    assert!(matches!(denied, Denial::Probing { .. }), "{denied}");
    let denied = denial(ingest.enact(&second)).to_string();
    assert!(denied.contains("another run was stopped since"), "{denied}");
}

/// A run that is never closed leaves its source in its first load, but that is one first load in all.
#[test]
fn a_first_load_that_never_ends_brings_no_more_than_one() {
    let site = Site::with(&PURPOSES.replace("run = 20_000", "run = 1_500"));
    let serving = site.serve();
    let all: Vec<String> =
        (0..60).flat_map(|school| numbers(school, 12).into_iter().take(100)).collect();
    let stopped = all.chunks(1_400).position(|part| {
        let mut client = serving.client(Role::Ingest).unwrap();
        client.open_run(manifest("education", "census", 20_000)).unwrap();
        match client.pseudonymise(&kind("upn"), batch(part)) {
            Ok(_) => false,
            Err(error) => matches!(denial::<()>(Err(error)), Denial::Probing { .. }),
        }
    });
    assert_eq!(stopped, Some(2), "two runs may be one load that was begun again");
}

/// Runs that each stay below the limits, one after another, and a restart between them: the limits are the day's.
#[test]
fn unknown_numbers_are_not_tried_out_in_many_small_runs() {
    let site = Site::new();
    let known: Vec<String> =
        (9_000..9_004).flat_map(|school| numbers(school, 12).into_iter().take(100)).collect();
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    site.serve().ask("education", "upn", &names).unwrap();
    let unknown: Vec<String> =
        (0..200).flat_map(|school| numbers(school, 12).into_iter().take(100)).collect();
    let mut answered = 0;
    let stopped = unknown.chunks(450).any(|part| {
        let serving = site.serve();
        let mut client = serving.client(Role::Ingest).unwrap();
        client.open_run(manifest("education", "census", 20_000)).unwrap();
        match client.pseudonymise(&kind("upn"), batch(part)) {
            Ok(tokens) => {
                answered += tokens.len();
                client.close_run(&[]).unwrap();
                false
            }
            Err(error) => matches!(denial::<()>(Err(error)), Denial::Probing { .. }),
        }
    });
    // A thousand, and a quarter of the day's numbers.
    assert!(stopped && answered <= 1_000 + (answered + 400) / 4, "{answered}");
}

/// A block is asked for in parts, by runs of two sources.
#[test]
fn one_block_is_not_tried_out_in_many_small_runs() {
    let site = Site::new();
    let serving = site.serve();
    let all = numbers(4001, 12);
    let mut answered = 0;
    let stopped = all.chunks(100).enumerate().any(|(at, part)| {
        let source = if at % 2 == 0 { "census" } else { "cin" };
        let mut client = serving.client(Role::Ingest).unwrap();
        client.open_run(manifest("education", source, 20_000)).unwrap();
        match client.pseudonymise(&kind("upn"), batch(part)) {
            Ok(tokens) => {
                answered += tokens.len();
                client.close_run(&[]).unwrap();
                false
            }
            Err(error) => matches!(denial::<()>(Err(error)), Denial::Probing { .. }),
        }
    });
    assert!(stopped);
    // The first loads of the two, and 150 more.
    assert_eq!(answered, 300);
}

/// Made-up kinds once filled the registry's list of them, so that the purpose took no new child ever again.
#[test]
fn made_up_kinds_end_no_purpose() {
    let site = Site::new();
    let serving = site.serve();
    for n in 0..300 {
        let denied = denial(serving.ask("education", &format!("made-up-{n}"), &["a"]));
        assert!(matches!(denied, Denial::KindNotAllowed { .. }), "{denied}");
    }
    serving.ask("education", "upn", &["b"]).unwrap();
    drop(serving);
    site.serve().ask("education", "nhs-number", &["c"]).unwrap();
}

/// Every byte of a registry counts: flipped, the vault does not start with it.
#[test]
fn a_flipped_bit_of_a_registry_is_refused() {
    let site = Site::new();
    site.serve().ask("education", "upn", &["a", "b", "c"]).unwrap();
    let path = site.vault().join("registry/education");
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        let outcome = site.open(Disk::new());
        assert!(matches!(outcome.err(), Some(VaultFault::Registry { .. })), "byte {at}");
        assert_eq!(fs::read(&path).unwrap(), bad, "and it stays as evidence");
    }
}

#[test]
fn a_registry_cut_put_back_or_exchanged_is_refused() {
    let site = Site::new();
    let registry = |name: &str| site.vault().join("registry").join(name);
    site.serve().ask("education", "upn", &["a", "b"]).unwrap();
    let older = fs::read(registry("education")).unwrap();
    let serving = site.serve();
    serving.ask("education", "upn", &["c", "d"]).unwrap();
    serving.ask("health", "upn", &["a", "b"]).unwrap();
    drop(serving);
    let good = fs::read(registry("education")).unwrap();
    let other = fs::read(registry("health")).unwrap();
    for (bad, what) in [
        (older, "an older copy"),
        (good[..good.len() - 1].to_vec(), "cut"),
        (good[..good.len() / 2].to_vec(), "cut in half"),
        (Vec::new(), "emptied"),
        (other, "another purpose's"),
    ] {
        fs::write(registry("education"), bad).unwrap();
        let outcome = site.open(Disk::new());
        assert!(matches!(outcome.err(), Some(VaultFault::Registry { .. })), "{what}");
    }
    fs::remove_file(registry("education")).unwrap();
    assert!(matches!(site.open(Disk::new()).err(), Some(VaultFault::Registry { .. })));
    fs::write(registry("education"), good).unwrap();
    site.open(Disk::new()).unwrap();
}

/// The two batches of a registry change places, or a row takes another's.
#[test]
fn swapped_rows_are_refused() {
    let site = Site::new();
    let serving = site.serve();
    serving.ask("education", "upn", &["aaaa", "bbbb"]).unwrap();
    let first = fs::read(site.vault().join("registry/education")).unwrap().len();
    serving.ask("education", "upn", &["cccc", "dddd"]).unwrap();
    drop(serving);
    let path = site.vault().join("registry/education");
    let good = fs::read(&path).unwrap();
    let header = 20;
    let batches = [&good[header..first], &good[first..]];
    fs::write(&path, [&good[..header], batches[1], batches[0]].concat()).unwrap();
    assert!(site.open(Disk::new()).is_err(), "batches");
    // Rows stand at the end of a batch, before its tag: 2 bytes of length, 4 of text, 16 of tag.
    let row = 2 + 4 + 16;
    let end = first - 32;
    let rows = [&good[end - 2 * row..end - row], &good[end - row..end]];
    let mut swapped = good.clone();
    swapped[end - 2 * row..end].copy_from_slice(&[rows[1], rows[0]].concat());
    fs::write(&path, &swapped).unwrap();
    assert!(site.open(Disk::new()).is_err(), "rows");
}

/// A vault's registry does not open in another vault, even one with the same purposes.
#[test]
fn a_registry_of_another_vault_is_refused() {
    let (site, other) = (Site::new(), Site::with(PURPOSES));
    site.serve().ask("education", "upn", &["a"]).unwrap();
    copy(&site.vault().join("registry"), &other.vault().join("registry"));
    assert!(matches!(other.open(Disk::new()).err(), Some(VaultFault::Registry { .. })));
}
