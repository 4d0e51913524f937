//! The search against the raw side's own parsers, and against chance.
#![allow(clippy::unwrap_used, reason = "a test's panic is its report")]

use minster_identifiers::{NhsNumber, Uln, Upn, check_letter};
use minster_leakage::{Disguised, Finding, Form, Kind, Search};
use proptest::prelude::*;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

fn of(bytes: &[u8]) -> [Finding; 3] {
    let mut search = Search::default();
    search.value(bytes);
    search.findings()
}

fn right(bytes: &[u8]) -> [u64; 3] {
    of(bytes).map(|finding| finding.right)
}

fn fed(bytes: &[u8], piece: usize) -> [u64; 3] {
    let mut search = Search::default();
    bytes.chunks(piece.max(1)).for_each(|piece| search.feed(piece));
    search.end();
    search.findings().map(|finding| finding.right)
}

#[test]
fn known_numbers_are_counted_where_they_are_delimited() {
    for (text, found) in [
        ("Q330400024001", [1, 0, 0]),
        ("x,q330400024001;", [1, 0, 0]),
        ("\"M20840002401A\"", [1, 0, 0]),
        ("child_Y20840002401Z.csv", [1, 0, 0]),
        ("éQ330400024001é", [1, 0, 0]),
        ("Q330400024001 B801200005001\tP207000016049", [3, 0, 0]),
        ("Q330400024001 Q330400024001", [1, 0, 0]),
        // The wrong letter; one character more, before or behind.
        ("A330400024001", [0, 0, 0]),
        ("XQ330400024001", [0, 0, 0]),
        ("Q3304000240012", [0, 0, 0]),
        ("Q330400024001a", [0, 0, 0]),
        ("9434765919", [0, 1, 0]),
        ("943 476 5919", [0, 1, 0]),
        ("tel-943-476-5919.", [0, 1, 0]),
        ("9434765919.0", [0, 1, 0]),
        ("943 476-5919", [0, 0, 0]),
        ("9434765917", [0, 0, 0]),
        ("19434765919", [0, 0, 0]),
        ("0.9434765919", [0, 0, 0]),
        ("3909960307,8246281940", [0, 0, 2]),
        ("0000000000 1111111111 9999999999", [0, 0, 0]),
    ] {
        assert_eq!(right(text.as_bytes()), found, "{text}");
        for piece in 1..=text.len() {
            assert_eq!(fed(text.as_bytes(), piece), found, "{text} in pieces of {piece}");
        }
    }
    for text in ["v-1764038108-3f2/manifest.json", "1764038108-xyz"] {
        let shaped = of(text.as_bytes()).map(|finding| finding.shaped);
        assert_eq!(shaped, [0, 1, 1], "whatever follows a hyphen: {text}");
    }
    let run = of(b"v-20261127t020000123-3f2/manifest.json");
    assert_eq!(run.map(|finding| finding.shaped), [0, 0, 0], "a run's name is no number");
}

#[test]
fn chance_is_told_from_a_leak() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut digits = |count: usize| -> String {
        (0..count).map(|_| char::from(b'0' + (random.next_u32() % 10) as u8)).collect()
    };
    let letters = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    let mut noise = Search::default();
    for at in 0..20_000 {
        noise.value(format!("{}{}", char::from(letters[at % 23]), digits(12)).as_bytes());
        noise.value(digits(10).as_bytes());
    }
    for Finding { kind, shaped, right, expected, .. } in noise.findings() {
        assert_eq!(
            shaped,
            match kind {
                Kind::Pupil => 20_000,
                Kind::Nhs | Kind::Learner => shaped,
            }
        );
        let one_in = if kind == Kind::Pupil { 23.0 } else { 11.0 };
        assert!((right as f64 * one_in / 20_000.0 - 1.0).abs() < 0.1, "{kind:?} {right}");
        assert!((expected / right as f64 - 1.0).abs() < 0.15, "{kind:?} {right} {expected}");
    }
    assert!(noise.findings().iter().all(|finding| finding.chance() > 1e-4));

    // Two hundred among twenty thousand by chance are seen, and one alone.
    for serial in 0..200 {
        let body: [u8; 12] =
            format!("33040002{:04}", 1000 + serial).into_bytes().try_into().unwrap();
        noise.value(&[&[check_letter(&body).unwrap() as u8][..], &body].concat());
    }
    assert!(noise.findings()[0].beyond_chance() && !noise.findings()[1].beyond_chance());
    let pupils = |text: &str| of(text.as_bytes())[0].beyond_chance();
    assert!(pupils("Q330400024001") && pupils("Q330400024001 A330400024001"));
    assert!(!pupils("Q330400024001 A330400024001 B330400024001") && !pupils("A330400024001"));
    assert!(of(b"the only one: 9434765919")[1].beyond_chance());
    assert!(!of(b"1234567890,9434765919")[1].beyond_chance(), "one beside a wrong one is chance");
}

#[test]
fn nothing_is_found_in_random_bytes_and_hexadecimal() {
    let mut bytes = vec![0; 8 << 20];
    ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut bytes);
    let hex: String = bytes[..1 << 20].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(fed(&bytes, 65_536), [0; 3]);
    assert_eq!(right(hex.as_bytes()), [0; 3]);
    assert!(of(&bytes).iter().all(|finding| finding.expected > 0.0 && finding.expected < 1e-6));
}

/// Text that has digits, letters and delimiters where numbers have them.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("Q330400024001".to_owned()),
        Just("9434765919".to_owned()),
        Just("943 476 5919".to_owned()),
        "[A-Za-z]?[0-9]{8,13}[A-Za-z]?",
        "[0-9]{3}[ -][0-9]{3}[ -][0-9]{4}",
        "[0-9 .,a-cQ_-]{0,12}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn the_raw_side_agrees_on_pupil_numbers(letter in "[A-Za-z]", body in "[0-9]{11}[0-9A-Za-z]") {
        let text = format!("{letter}{body}");
        prop_assert_eq!(right(text.as_bytes())[0], u64::from(Upn::parse(&text).is_ok()));
        let mut body: [u8; 12] = body.into_bytes().try_into().unwrap();
        body.make_ascii_uppercase();
        if let Some(letter) = check_letter(&body) {
            let valid = [&[letter as u8][..], &body].concat();
            prop_assert_eq!(right(&valid), [1, 0, 0]);
        }
    }

    #[test]
    fn the_raw_side_agrees_on_ten_digits(digits in "[0-9]{10}", separator in "[ -]?") {
        let text = format!("{}{separator}{}{separator}{}", &digits[..3], &digits[3..6], &digits[6..]);
        let equal = digits.bytes().all(|digit| digit == digits.as_bytes()[0]);
        let nhs = !equal && NhsNumber::parse(&digits).is_ok();
        let learner = !equal && matches!(Uln::parse(&digits), Ok(Uln::Known(_)));
        prop_assert_eq!(right(text.as_bytes()), [0, u64::from(nhs), u64::from(learner)]);
    }

    /// Wherever the pieces end, the whole is searched; a search written again without a stride agrees.
    #[test]
    fn pieces_are_the_whole(text in text(), piece in 1usize..40) {
        let whole = of(&text);
        prop_assert_eq!(fed(&text, piece), whole.map(|finding| finding.right));
        prop_assert_eq!(whole[0].right, slow_pupils(&text));
    }
}

/// Different pupil numbers, looked for at every byte.
fn slow_pupils(text: &[u8]) -> u64 {
    let delimits = |at: Option<usize>| {
        at.and_then(|at| text.get(at)).is_none_or(|byte| !byte.is_ascii_alphanumeric())
    };
    let found: std::collections::BTreeSet<String> = text
        .windows(13)
        .enumerate()
        .filter(|(at, _)| delimits(at.checked_sub(1)) && delimits(Some(at + 13)))
        .filter(|(_, window)| window.iter().all(u8::is_ascii_alphanumeric))
        .map(|(_, window)| String::from_utf8_lossy(window).to_uppercase())
        .filter(|window| Upn::parse(window).is_ok())
        .collect();
    found.len() as u64
}

fn disguised(bytes: &[u8]) -> Vec<(Form, u64)> {
    let mut search = Disguised::default();
    search.value(bytes);
    let of_form = search.findings().into_iter();
    of_form
        .filter(|(_, found)| found.beyond_chance())
        .map(|(form, found)| (form, found.right))
        .collect()
}

#[test]
fn a_number_in_disguise_is_found_in_its_form() {
    for (text, form) in [
        ("Q33-0400-024001", Form::Separated),
        ("see Q/330400/024001.", Form::Separated),
        ("q 330 400 024 001", Form::Separated),
        ("9434-765-919", Form::Separated),
        ("pupilQ330400024001x", Form::Glued),
        ("XQ330400024001", Form::Glued),
        ("xxq330400024001", Form::Glued),
        ("nhs9434765919", Form::Glued),
        ("100420004033Q", Form::Backwards),
        ("id=330400024001;", Form::Letterless),
        ("W01,Q3304,00024001,12", Form::Split),
        ("\"Q\";\"330400024001\"", Form::Split),
        ("Q33|0400|024001", Form::Split),
    ] {
        let found = disguised(text.as_bytes());
        assert!(found.iter().any(|(of, right)| *of == form && *right == 1), "{text}: {found:?}");
        for piece in 1..=text.len() {
            let mut search = Disguised::default();
            text.as_bytes().chunks(piece).for_each(|piece| search.feed(piece));
            search.end();
            let fed = search.findings();
            assert!(fed.iter().any(|(of, found)| *of == form && found.right == 1), "{text}");
        }
    }
}

/// Each of NHS, then each of a learner's; the third of them tells.
#[test]
fn three_numbers_of_ten_digits_are_found_backwards_and_split() {
    let nhs = ["9434765919", "4010232137", "4857773457"];
    let learners = ["3909960307", "8246281940", "1234567899"];
    for (kind, numbers) in [(Kind::Nhs, nhs), (Kind::Learner, learners)] {
        let backwards = |number: &str| number.chars().rev().collect::<String>();
        let spaced = |number: &str| {
            let turned = backwards(number);
            format!("{} {} {}", &turned[..4], &turned[4..7], &turned[7..])
        };
        let halves = |number: &str| format!("W01,{},{},1", &number[..5], &number[5..]);
        let thirds = |number: &str| {
            format!("\"{}\";\"{}\";\"{}\"", &number[..3], &number[3..6], &number[6..])
        };
        let forms = [
            (numbers.map(backwards), Form::Backwards),
            (numbers.map(spaced), Form::Backwards),
            (numbers.map(halves), Form::Split),
            (numbers.map(thirds), Form::Split),
        ];
        for (lines, form) in forms {
            let told = |count: usize| {
                let mut search = Disguised::default();
                search.value(lines[..count].join("\n").as_bytes());
                let found = search.findings().into_iter();
                let found = found.filter(|(of, found)| *of == form && found.kind == kind);
                let found: Vec<_> =
                    found.map(|(_, found)| (found.right, found.beyond_chance())).collect();
                assert_eq!(found.len(), 1, "{lines:?}");
                found[0]
            };
            assert_eq!(told(2), (2, false), "one of eleven such strings is right: {lines:?}");
            assert_eq!(told(3), (3, true), "{lines:?}");
        }
        // As many of the other kind beside them hide none.
        let other = if kind == Kind::Nhs { learners } else { nhs };
        let both =
            [numbers, other].concat().iter().map(|one| backwards(one) + "\n").collect::<String>();
        let mut search = Disguised::default();
        search.value(both.as_bytes());
        let found = search.findings();
        let found = found.iter().find(|(of, found)| *of == Form::Backwards && found.kind == kind);
        assert!(found.unwrap().1.beyond_chance());
        // A learner's number with hyphens in other places, or glued to letters.
        let glued: String = learners.iter().map(|number| format!("uln{number}\n")).collect();
        assert!(disguised(glued.as_bytes()).contains(&(Form::Glued, 3)));
    }
}

/// Counts of one to four digits in neighbouring cells, as a table has them.
#[test]
fn tables_of_counts_are_no_leak() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let (mut failed, files) = (0, 100);
    for _ in 0..files {
        let rows: String = (0..50)
            .map(|_| {
                let counts: Vec<String> =
                    (0..6).map(|_| (random.next_u32() % 10_000).to_string()).collect();
                format!("{}\n", counts.join(","))
            })
            .collect();
        failed += u32::from(!disguised(rows.as_bytes()).is_empty());
    }
    // Two kinds, each wrong once in a hundred at most.
    assert!(failed <= 6, "{failed} of {files}");
}

#[test]
fn what_is_no_number_is_no_disguised_one() {
    for text in [
        // The plain forms are another search's.
        "Q330400024001 943 476 5919",
        "550e8400-e29b-41d4-a716-446655440000",
        "20261129t013821371-5b64 2026-11-29T01:38:21Z 192.168.100.1",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        // A ward's code beside counts.
        "E05000001,1234,5\nE05000002,12,345",
        "000000000650.note",
    ] {
        assert_eq!(disguised(text.as_bytes()), [], "{text}");
    }
}

#[test]
fn by_chance_disguises_are_no_leak() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut digits = |count: usize| -> String {
        (0..count).map(|_| char::from(b'0' + (random.next_u32() % 10) as u8)).collect()
    };
    let (mut failed, files) = (0, 60);
    for _ in 0..files {
        let lines: String = (0..400)
            .map(|_| {
                let (one, two) = (digits(12), digits(12));
                format!("xA{one}x A-{two} {}\n", digits(12))
            })
            .collect();
        failed += u32::from(!disguised(lines.as_bytes()).is_empty());
    }
    // Three forms, each wrong once in twenty at most.
    assert!(failed < files / 3, "{failed} of {files}");
}
