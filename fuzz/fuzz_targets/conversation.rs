//! Any sequence of requests, in any role: an answer or a denial to each, and the log stays whole.
#![no_main]

mod site;

use libfuzzer_sys::fuzz_target;
use minster_vault::session::Session;
use minster_vault_api::{Request, frame};

fuzz_target!(|bytes: &[u8]| {
    let (vault, uid) = site::site();
    let mut session = Session::new(vault, *uid);
    let mut rest = bytes;
    while let Ok(request) = frame::read::<Request>(&mut rest) {
        let _ = session.answer(request);
    }
});
