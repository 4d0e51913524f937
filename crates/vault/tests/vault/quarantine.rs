//! Rows in quarantine, opened for a custodian.

use std::{fs, io::Write};

use minster_model::Role;
use minster_vault_api::{Client, Denial, PIECE, QuarantineCase, VaultError};

use crate::common::{Serving, Site, denial};

/// Rows as ingestion seals them.
fn rows(count: usize) -> Vec<String> {
    let row = |at| {
        format!(r#"{{"file":"a.csv","table":"pupils","row":{at},"raw":{{"UPN":"CANARY{at:07}"}}}}"#)
    };
    (0..count).map(row).collect()
}

fn sealed(recipient: &str, rows: &[String]) -> Vec<u8> {
    let recipient: age::x25519::Recipient = recipient.parse().unwrap();
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let mut writer =
        age::Encryptor::with_recipients(recipients).unwrap().wrap_output(Vec::new()).unwrap();
    rows.iter().for_each(|row| writeln!(writer, "{row}").unwrap());
    writer.finish().unwrap()
}

fn case(chosen: Option<Vec<u8>>) -> QuarantineCase {
    let (reference, reason) = ("DQ/2026/3".into(), "check letters of one school".into());
    QuarantineCase { reference, reason, chosen }
}

fn recipient(serving: &Serving) -> String {
    serving.client(Role::Auditor).unwrap().status().unwrap().recipient
}

/// The opened rows, all of the file being sent twice.
fn open(client: &mut Client, case: QuarantineCase, sealed: &[u8]) -> Result<String, VaultError> {
    client.begin_quarantine(case)?;
    for piece in sealed.chunks(PIECE) {
        client.weigh_quarantine(piece)?;
    }
    client.end_quarantine()?;
    let mut text = Vec::new();
    for piece in sealed.chunks(PIECE) {
        text.extend_from_slice(&client.open_quarantine(piece)?.0);
    }
    Ok(String::from_utf8(text).unwrap())
}

#[test]
fn a_custodian_opens_what_was_sealed_and_the_log_says_so() {
    let site = Site::new();
    let serving = site.serve();
    let rows = rows(60_000);
    let sealed = sealed(&recipient(&serving), &rows);
    assert!(sealed.len() > 3 * PIECE, "more than one message");
    let mut client = serving.client(Role::Custodian).unwrap();
    let all = open(&mut client, case(None), &sealed).unwrap();
    assert!(all.lines().eq(rows.iter().map(String::as_str)));
    let mut chosen = vec![0; 5_000];
    for at in [0, 7, 30_001] {
        chosen[at / 8] |= 1 << (at % 8);
    }
    let some = open(&mut client, case(Some(chosen)), &sealed).unwrap();
    assert!(some.lines().eq([&rows[0], &rows[7], &rows[30_001]]));

    let log = fs::read_to_string(site.log()).unwrap();
    let opened: Vec<&str> = log.lines().filter(|line| line.contains("opened-quarantine")).collect();
    assert_eq!(opened.len(), 2);
    let hash = ring::digest::digest(&ring::digest::SHA256, &sealed);
    let hash = base16ct::lower::encode_string(hash.as_ref());
    for (line, count) in opened.iter().zip([60_000, 3]) {
        let rows = format!("\"rows\":60000,\"chosen\":{count},");
        for told in [&rows, &hash, "DQ/2026/3", "one school", "\"custodian\""] {
            assert!(line.contains(told), "{told}: {line}");
        }
    }
    assert!(!log.contains("CANARY"));
    drop((client, serving));
    minster_vault::log::verify(&site.log(), None).unwrap();
    site.serve();
}

#[test]
fn nothing_is_told_before_the_log_has_it() {
    let site = Site::new();
    let serving = site.serve();
    let sealed = sealed(&recipient(&serving), &rows(3));
    let mut client = serving.client(Role::Custodian).unwrap();
    let out_of_order = |outcome: Denial| assert!(matches!(outcome, Denial::OutOfOrder { .. }));
    out_of_order(denial(client.open_quarantine(&sealed)));
    client.begin_quarantine(case(None)).unwrap();
    assert!(
        matches!(client.open_quarantine(&sealed), Err(VaultError::Protocol)),
        "the first time a piece is looked through, no more"
    );
    client.end_quarantine().unwrap();
    out_of_order(denial(client.end_quarantine()));
    // Another file than the one that was looked through gives nothing.
    let other = self::sealed(&recipient(&serving), &rows(4));
    client.begin_quarantine(case(None)).unwrap();
    client.weigh_quarantine(&sealed).unwrap();
    client.end_quarantine().unwrap();
    let why = denial(client.open_quarantine(&other)).to_string();
    assert!(why.contains("not the file that was looked through"), "{why}");
    out_of_order(denial(client.open_quarantine(&sealed)));
}

#[test]
fn other_roles_and_other_files_are_refused() {
    let site = Site::new();
    let serving = site.serve();
    let sealed = sealed(&recipient(&serving), &rows(5_000));
    for role in [Role::Ingest, Role::Linker, Role::Analyst, Role::Auditor] {
        let mut client = serving.client(role).unwrap();
        let denied = denial(client.begin_quarantine(case(None)));
        assert!(matches!(denied, Denial::RoleForbids { .. }), "{role}: {denied}");
        assert!(client.weigh_quarantine(&sealed).is_err(), "{role}");
        assert!(client.end_quarantine().is_err(), "{role}");
    }
    let elsewhere = Site::new();
    let others = self::sealed(&recipient(&elsewhere.serve()), &rows(1));
    let mut flipped = sealed.clone();
    flipped[sealed.len() / 2] ^= 1;
    let mut client = serving.client(Role::Custodian).unwrap();
    for (file, told) in [
        (others.as_slice(), "another vault"),
        (&flipped, "changed"),
        (&sealed[..sealed.len() - 9], "its end is missing"),
        (b"UPN,NAME\n", "no sealed quarantine"),
    ] {
        let why = denial(open(&mut client, case(None), file)).to_string();
        assert!(why.contains(told) && !why.contains("CANARY"), "{told}: {why}");
    }
    client.begin_quarantine(case(None)).unwrap();
    assert!(client.weigh_quarantine(&vec![0; PIECE + 1]).is_err());
    let too_far = denial(open(&mut client, case(Some(vec![0xff; 626])), &sealed)).to_string();
    assert!(too_far.contains("fewer rows"), "{too_far}");
    for (reference, reason) in [
        ("a name", "r"),
        ("DQ/123456789", "r"),
        ("DQ/1", " "),
        ("DQ/1", "two\nlines"),
        ("DQ/1", "the child 943 476 5919"),
        ("DQ/1", "Q330400024001"),
    ] {
        let case =
            QuarantineCase { reference: reference.into(), reason: reason.into(), chosen: None };
        assert!(matches!(denial(client.begin_quarantine(case)), Denial::Quarantine { .. }));
    }
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(
        !log.contains("opened-quarantine") && !log.contains("476 5919") && !log.contains("Q3304")
    );
}
