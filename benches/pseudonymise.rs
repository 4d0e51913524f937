//! The two keyed hashes that make a pseudonym, on one core.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints what it measured")]

use std::{hint::black_box, time::Instant};

use minster_model::KeyVersion;
use minster_vault::keys::{Keys, RootKey};

fn main() {
    const COUNT: u32 = 1_000_000;
    let keys = Keys::new(RootKey::from_bytes([7; 32]), "bench");
    let pseudonymiser =
        keys.pseudonymiser(&"bench".parse().unwrap(), KeyVersion(1), &"upn".parse().unwrap());
    let begun = Instant::now();
    for number in 0..COUNT {
        black_box(pseudonymiser.pseudonym(&number.to_le_bytes()));
    }
    let rate = f64::from(COUNT) / begun.elapsed().as_secs_f64();
    println!("{:<24} {rate:>12.0} a second on one core", "pseudonyms");
}
