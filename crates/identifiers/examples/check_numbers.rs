//! Checks a column of pupil numbers: `cut -d, -f1 roll.csv | cargo run --example check_numbers`.
//!
//! Reads one number a line from standard input. Says how many are numbers, codes for a missing one, blank, or wrong, and in
//! which lines the wrong ones stand. It prints no number. Exit 3: some are wrong.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example says what it found")]

use std::{
    collections::BTreeMap,
    io::{self, BufRead},
    process::ExitCode,
};

use minster_identifiers::UpnField;

fn main() -> io::Result<ExitCode> {
    let (mut known, mut temporary, mut missing, mut blank) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut wrong: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
    for (line, text) in (1..).zip(io::stdin().lock().lines()) {
        let text = text?;
        match UpnField::parse(&text) {
            Ok(UpnField::Known(upn)) if upn.is_temporary() => temporary += 1,
            Ok(UpnField::Known(_)) => known += 1,
            Ok(UpnField::Missing(_)) => missing += 1,
            Ok(UpnField::Blank) => blank += 1,
            // The reason names a fault of the form, and nothing of the text.
            Err(fault) => wrong.entry(fault.code()).or_default().push(line),
        }
    }
    println!(
        "{known} numbers, {temporary} temporary ones, {missing} codes for a missing one, {blank} blank"
    );
    for (reason, lines) in &wrong {
        let first: Vec<String> = lines.iter().take(5).map(usize::to_string).collect();
        let more = if lines.len() > first.len() { ", …" } else { "" };
        println!("{} wrong: {reason} in line {}{more}", lines.len(), first.join(", "));
    }
    Ok(ExitCode::from(if wrong.is_empty() { 0 } else { 3 }))
}
