//! A quarantine's bytes, raw, or a good one changed: rows come out of what was sealed, and of nothing else.
#![no_main]

mod site;

use std::{io::Write, sync::OnceLock};

use age::{Encryptor, Recipient, x25519};
use libfuzzer_sys::fuzz_target;
use minster_model::Role;
use minster_vault::{session::Session, vault::Vault};
use minster_vault_api::{PROTOCOL, QuarantineCase, Request, Response, RunManifest};

const ROWS: &[u8] = b"{\"row\":1}\n{\"row\":2}\n";

/// A file sealed to the vault.
fn sealed(vault: &Vault, uid: u32) -> Vec<u8> {
    let mut session = begun(vault, uid, Role::Ingest);
    let manifest = RunManifest {
        run: "r".parse().unwrap(),
        purpose: "p".parse().unwrap(),
        source: "s".parse().unwrap(),
        inputs: vec![],
        ceiling: 1,
        reads: Vec::new(),
    };
    let Response::RunOpened(opened) = session.answer(Request::OpenRun(manifest)) else {
        panic!("no run")
    };
    let recipient: x25519::Recipient = opened.recipient.parse().unwrap();
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as &dyn Recipient));
    let mut bytes = Vec::new();
    let mut writer = encryptor.unwrap().wrap_output(&mut bytes).unwrap();
    writer.write_all(ROWS).unwrap();
    writer.finish().unwrap();
    bytes
}

fn begun(vault: &Vault, uid: u32, role: Role) -> Session<'_> {
    let mut session = Session::new(vault, uid);
    session.answer(Request::Hello { protocol: PROTOCOL, role, program: "fuzz".into() });
    session
}

fuzz_target!(|bytes: &[u8]| {
    static GOOD: OnceLock<Vec<u8>> = OnceLock::new();
    let (vault, uid) = site::site();
    let good = GOOD.get_or_init(|| sealed(vault, *uid));
    let mut file = good.clone();
    match bytes.split_first() {
        Some((0..=127, rest)) => file = rest.to_vec(),
        Some((_, rest)) => {
            for (at, byte) in rest.iter().enumerate() {
                let place = at * 7 % file.len();
                file[place] ^= byte;
            }
        }
        None => {}
    }
    let case = QuarantineCase { reference: "C1".into(), reason: "fuzz".into(), chosen: None };
    let mut session = begun(vault, *uid, Role::Custodian);
    session.answer(Request::BeginQuarantine(case));
    session.answer(Request::QuarantinePiece(file.clone()));
    let opened = matches!(session.answer(Request::EndQuarantine), Response::QuarantineOpened(_));
    if let Response::QuarantineRows(rows) = session.answer(Request::QuarantinePiece(file.clone()))
        && !rows.0.is_empty()
    {
        assert!(opened && rows.0 == ROWS && file == *good);
    }
});
