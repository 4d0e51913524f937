//! Signed notes, checkpoints, statements, verifier keys, proposals, custodians' keys, purposes.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use minster_vault::{
    approvals::Proposal, log::checkpoint::Checkpoint, purposes,
};
use minster_vault_api::{Statement, note::Verifier};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(verifier) = text.parse::<Verifier>() {
        assert_eq!(verifier.to_string(), text.trim());
    }
    if let Ok(verifier) = Verifier::new("minster-vault/x", [7; 32]) {
        assert!(verifier.open(text).is_err(), "nobody has that key's secret");
    }
    if let Some(checkpoint) = Checkpoint::read(text) {
        assert_eq!(checkpoint.text(), text);
    }
    if let Some(proposal) = Proposal::read(text) {
        assert_eq!(proposal.text().ok().as_deref(), Some(text));
    }
    let _ = Statement::read(text);
    let _ = purposes::parse_all(text, Path::new("purposes.toml"));
});
