//! Wrong numbers became public: a file was cut off, and the right one came the next night.

use std::fs;

use minster_tests::deliveries::{
    Child, Council, Dimension, EPISODES_903, episodes_903, header_903, header_903_row, pupils,
};

use crate::CENSUS;

/// A night whose file was cut off has been let out; on the next, there are so many pupils and the whole file.
fn mistaken(pupils_then: u32) -> Council {
    let council = Council::new(&[CENSUS, "ssda903"]);
    let deliver = |children: u32| {
        let census = pupils((1..=children).map(Child::at));
        council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", census);
    };
    deliver(400);
    let numbers: Vec<String> = (1..=60).map(|number| format!("C{number:04}")).collect();
    let rows = numbers.iter().zip(1..).map(|(number, at)| header_903_row(number, &Child::at(at)));
    council.deliver("ssda903", "header.csv", header_903(&rows.collect::<Vec<_>>()));
    council.deliver("ssda903", "episodes.csv", episodes_903(&numbers[..24]));
    assert_eq!(EPISODES_903.len(), 13);
    council.release(&[Dimension::counting("looked_after", "looked_after_episodes")]);
    assert_eq!(council.run().exit, 0);
    assert_eq!(looked_after(&council), Some(24));
    deliver(pupils_then);
    council.deliver("ssda903", "episodes.csv", episodes_903(&numbers));
    council
}

/// As readers see it.
fn looked_after(council: &Council) -> Option<u32> {
    let path = council.path("store/releases/small/2024-25/current/cells.csv");
    let table = minster_tests::without_origin(&fs::read_to_string(path).ok()?);
    let row = table.lines().find(|row| row.starts_with("one,"))?;
    row.split(',').nth(1)?.parse().ok()
}

/// Another table, about sex, of the next night.
fn another(council: &Council) {
    let definition = "name = \"other\"\nthreshold = 5\nzeros = \"may-be-withheld\"\ninsider = 0\n\
        population = \"all\"\n[[dimension]]\nname = \"sex\"\ncolumn = \"sex\"\ntotal = \"All\"\n\
        codes = [\"F\", \"M\"]\n[[table]]\nname = \"cells\"\ndimensions = [\"sex\"]\n";
    fs::write(council.path("config/tables/other.toml"), definition).unwrap();
}

#[test]
fn the_right_numbers_are_let_out_after_the_wrong_ones_are_withdrawn() {
    let council = mistaken(400);
    let night = council.run();
    assert_eq!(night.exit, 0, "{}", night.text);
    let kept = &night.summary["releases"][0];
    assert_eq!(kept["outcome"], "kept");
    assert_eq!(kept["tables"][0]["changed"], 2, "{kept}");
    assert_eq!(looked_after(&council), Some(24));
    let stands = council.program("minster", &["release", "small"]);
    assert_eq!(stands.exit, 4, "{}", stands.text);
    assert!(stands.text.contains("withdraw it first"), "{}", stands.text);

    // A preview names the numbers that would be others, by what readers have and would get.
    let file = council.path("config/tables/small.toml");
    let previewed = council.program("minster", &["preview", file.to_str().unwrap()]);
    let told = "A release of it stands, and 2 of its numbers are others now: what stands is withdrawn before another is let out.\n\
        \x20 cells: looked_after none, children: 376, and would be 340\n\
        \x20 cells: looked_after one, children: 24, and would be 60\n";
    assert!(previewed.text.contains(told), "{}", previewed.text);

    let why = ["withdraw", "small", "--reason", "episodes.csv was cut off"];
    let withdrawn = council.program("minster", &why);
    assert_eq!(withdrawn.exit, 0, "{}", withdrawn.text);
    assert_eq!(looked_after(&council), None);
    let place = council.path("store/releases/small/2024-25");
    let told = fs::read_to_string(place.join("WITHDRAWN.txt")).unwrap();
    assert!(told.contains("Reason: episodes.csv was cut off"), "{told}");

    let revised = council.program("minster", &["release", "small"]);
    assert_eq!(revised.exit, 0, "{}", revised.text);
    assert_eq!(looked_after(&council), Some(60));
    let again = council.run();
    assert_eq!(again.summary["releases"][0]["outcome"], "same", "{}", again.text);
    let log = fs::read_to_string(council.path("vault/log.jsonl")).unwrap();
    assert_eq!(log.matches("\"let-out\"").count(), 4, "two releases, each event and what it says");
    assert_eq!(log.matches("\"withdrawn\"").count(), 1);
    let uid = format!("\"uid\":{}", fs::metadata(&place).map(uid_of).unwrap());
    let ledger = fs::read_dir(council.path("store/ledger/2024-25")).unwrap().flatten();
    let entries: Vec<String> =
        ledger.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect();
    assert_eq!(entries.len(), 3);
    assert!(entries.iter().all(|entry| entry.contains(&uid)), "each names a person");
}

fn uid_of(of: fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(&of)
}

#[test]
fn another_table_is_let_out_though_the_first_was_a_mistake() {
    for pupils_then in [400, 430] {
        let council = mistaken(pupils_then);
        another(&council);
        let night = council.run();
        assert_eq!(night.exit, 0, "{}", night.text);
        let table =
            fs::read_to_string(council.path("store/releases/other/2024-25/current/cells.csv"));
        let table = table.unwrap();
        assert!(table.contains(&format!("All,{pupils_then},")), "{table}");
        assert!(table.lines().all(|row| !row.ends_with(",c")), "{table}");
        assert_eq!(looked_after(&council), Some(24), "what stands is kept");
    }
}

#[test]
fn the_same_table_under_another_name_may_show_the_difference() {
    let council = mistaken(400);
    council.change("tables/small.toml", |text| text.replace("\"small\"", "\"renamed\""));
    let night = council.run();
    assert_eq!(night.exit, 0, "{}", night.text);
    let table = council.path("store/releases/renamed/2024-25/current/cells.csv");
    assert!(fs::read_to_string(table).unwrap().contains("one,60,"));
}

#[test]
fn another_definition_does_not_take_the_place_of_a_release_that_stands() {
    let council = mistaken(400);
    let before = looked_after(&council);
    // The same name, and another column.
    council.release(&[Dimension::of("sex", "sex")]);
    let night = council.program("minster", &["run", "--json"]);
    assert_eq!(night.exit, 0, "{}", night.text);
    assert!(
        night.text.contains("a release of another definition stands as small"),
        "{}",
        night.text
    );
    let refused = council.program("minster", &["release", "small"]);
    assert_eq!(refused.exit, 4, "{}", refused.text);
    assert!(
        refused.text.contains("its data or its definition have changed since"),
        "{}",
        refused.text
    );
    assert_eq!(looked_after(&council), before);
    let reason = ["withdraw", "small", "--reason", "The table is replaced"];
    assert_eq!(council.program("minster", &reason).exit, 0);
    let let_out = council.program("minster", &["release", "small"]);
    assert_eq!(let_out.exit, 0, "{}", let_out.text);
    assert_eq!(looked_after(&council), None, "the new table stands in its place");
}

#[test]
fn with_its_ledger_taken_away_the_next_night_drafts_nothing_beside_what_is_public() {
    let council = mistaken(400);
    another(&council);
    let ledger = council.path("store/ledger/2024-25");
    let kept = council.path("kept-ledger");
    fs::rename(&ledger, &kept).unwrap();
    let commands: [&[&str]; 3] =
        [&["run"], &["aggregate"], &["withdraw", "small", "--reason", "x"]];
    for command in commands {
        let stopped = council.program("minster", command);
        assert_eq!(stopped.exit, 7, "{}", stopped.text);
        assert!(stopped.text.contains("small of 2024-25"), "{}", stopped.text);
        assert!(stopped.text.contains("put the ledger back"), "{}", stopped.text);
    }
    assert!(!council.path("store/drafts/2024-25/other.json").exists());
    fs::rename(&kept, &ledger).unwrap();
    assert_eq!(council.run().exit, 0);
    assert!(council.path("store/releases/other/2024-25/current/cells.csv").exists());
}
