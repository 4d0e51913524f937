//! Boundary files: whatever is in one, it is refused with a message of one line, or it has areas.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minster_formats::Boundaries;

fuzz_target!(|bytes: &[u8]| {
    match Boundaries::read(bytes, "WD24CD") {
        Ok(boundaries) => {
            assert!(!boundaries.is_empty());
            assert_eq!(Boundaries::read(bytes, "WD24CD"), Ok(boundaries));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
