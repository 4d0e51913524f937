//! Bytes on the vault's socket, from either side.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minster_vault_api::{Request, Response, frame};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Request::Pseudonymise { identifiers, .. }) = frame::read(&mut &bytes[..])
        && identifiers.is_well_formed()
    {
        let sum: usize = identifiers.iter().map(<[u8]>::len).sum();
        assert_eq!(sum, identifiers.byte_len());
    }
    let _ = frame::read::<Response>(&mut &bytes[..]);
});
