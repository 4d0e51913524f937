//! Small cases whose answer is known.
#![allow(clippy::unwrap_used, reason = "a test's panic is its report")]

mod made;

use made::{born, keyed, made, name, of_many, person, postcode};
use minster_scoring::{
    Forenames, Lead, Link, Linkage, Matching, Probability, Record, Records, ScoringError, Settings,
    dedupe, link,
};

/// A register of so many pupils, of whom none is named below.
fn register(count: usize) -> Vec<Record> {
    (0..count).map(|number| made(&of_many(number))).collect()
}

fn records(all: Vec<Record>) -> Records {
    let mut records = Records::default();
    all.into_iter().for_each(|record| records.add(record).unwrap());
    records
}

/// Links rows of a service to these pupils and 2,000 others, who come behind.
fn linked(rows: Vec<Record>, pupils: Vec<Record>, settings: &Settings) -> Linkage {
    link(&records(rows), &records([pupils, register(2_000)].concat()), settings)
}

fn many_to_one() -> Settings {
    Settings { matching: Matching::ManyToOne, ..Settings::default() }
}

fn places(found: &Linkage) -> Vec<(usize, usize)> {
    found.links.iter().map(|Link { left, right, .. }| (*left, *right)).collect()
}

const ZOFIA: [&str; 5] = ["ZUZANNA", "WISNIEWSKA", "2011-03-04", "F", "AB9 9ZZ"];

#[test]
fn each_way_to_write_a_child_finds_her() {
    for (what, row) in [
        ("the same", ["ZUZANNA", "WISNIEWSKA", "2011-03-04", "F", ""]),
        ("a letter less in the surname", ["ZUZANNA", "WISNIEWKA", "2011-03-04", "F", ""]),
        ("two letters more in the surname", ["ZUZANNA", "WISSNIEWSSKA", "2011-03-04", "F", ""]),
        ("another letter in the forename", ["ZUSANNA", "WISNIEWSKA", "2011-03-04", "F", ""]),
        ("one sound of the surname", ["ZUZANNA", "WOSNEWSEKEO", "2011-03-04", "F", "AB9 9ZZ"]),
        ("names swapped", ["WISNIEWSKA", "ZUZANNA", "2011-03-04", "F", ""]),
        ("names swapped and mistyped", ["WISNIEWKA", "ZUZANA", "2011-03-04", "F", ""]),
        ("day and month swapped", ["ZUZANNA", "WISNIEWSKA", "2011-04-03", "F", ""]),
        ("a digit of the date mistyped", ["ZUZANNA", "WISNIEWSKA", "2011-03-05", "F", "AB9 9ZZ"]),
        ("no birth date", ["ZUZANNA", "WISNIEWSKA", "", "F", "AB9 9ZZ"]),
        ("no surname", ["ZUZANNA", "", "2011-03-04", "F", "AB9 9ZZ"]),
    ] {
        let found = linked(vec![person(row)], vec![person(ZOFIA)], &many_to_one());
        assert_eq!(places(&found), [(0, 0)], "{what}: {:?}", found.report.bands);
    }
}

#[test]
fn a_child_who_is_not_there_is_nobody() {
    for (what, row) in [
        ("another child of one birth date", ["PETRA", "LINDQVIST", "2011-03-04", "F", ""]),
        ("a namesake years younger", ["ZUZANNA", "WISNIEWSKA", "2016-09-21", "F", "CD1 1AA"]),
        ("a sister", ["HELENA", "WISNIEWSKA", "2013-11-20", "F", "AB9 9ZZ"]),
        ("a twin", ["HELENA", "WISNIEWSKA", "2011-03-04", "F", "AB9 9ZZ"]),
        ("a twin with one first letter", ["ZENOBIA", "WISNIEWSKA", "2011-03-04", "F", "AB9 9ZZ"]),
        ("a twin whose name is alike", ["ZUZANNO", "WISNIEWSKA", "2011-03-04", "M", "AB9 9ZZ"]),
        ("perhaps a twin", ["", "WISNIEWSKA", "2011-03-04", "F", "AB9 9ZZ"]),
    ] {
        let found = linked(vec![person(row)], vec![person(ZOFIA)], &many_to_one());
        assert_eq!(places(&found), [], "{what}");
    }
}

#[test]
fn an_identifier_tells_a_child_from_a_twin() {
    let numbered = |texts: [&str; 5], number: &str| Record {
        identifiers: vec![keyed("number", number)],
        ..person(texts)
    };
    let row = ["", "WISNIEWSKA", "2011-03-04", "F", "AB9 9ZZ"];
    let found = linked(vec![numbered(row, "17")], vec![numbered(ZOFIA, "17")], &many_to_one());
    assert_eq!(places(&found), [(0, 0)]);
}

#[test]
fn forbidden_links_are_counted() {
    let rows = vec![
        person(["HELENA", "WISNIEWSKA", "2011-03-04", "F", "AB9 9ZZ"]),
        person(["", "WISNIEWSKA", "2011-03-04", "F", "AB9 9ZZ"]),
        person(["ZUZANNO", "WISNIEWSKA", "2011-03-04", "M", "AB9 9ZZ"]),
    ];
    let found = linked(rows, vec![person(ZOFIA)], &many_to_one());
    let refused: Vec<_> = found.report.refused.into_iter().collect();
    assert_eq!(refused, [("no-forename", 1), ("other-forename", 1), ("other-sex", 1)]);
}

#[test]
fn two_namesakes_are_too_close_to_choose() {
    let twice = vec![person(ZOFIA), person(ZOFIA)];
    let row = || vec![person(ZOFIA)];
    let found = linked(row(), twice.clone(), &many_to_one());
    assert_eq!((places(&found), found.report.runners_up), (vec![], 2));
    // Equals never lead one another, whatever lead is asked for.
    let settings = Settings {
        lead: Lead::new(1.0).unwrap(),
        threshold: Probability::new(0.1).unwrap(),
        ..many_to_one()
    };
    assert_eq!(places(&linked(row(), twice, &settings)), []);
    // Two rows of one pupil are two of one person, where that may be.
    let rows = vec![person(ZOFIA), person(ZOFIA)];
    assert_eq!(
        places(&linked(rows.clone(), vec![person(ZOFIA)], &many_to_one())),
        [(0, 0), (1, 0)]
    );
    assert_eq!(places(&linked(rows, vec![person(ZOFIA)], &Settings::default())), []);
}

#[test]
fn the_rarer_name_and_the_further_value_decide() {
    // A former surname and an earlier postcode are evidence as good as the present ones.
    let pupil = Record {
        surnames: vec![name("MARLOWE"), name("WISNIEWSKA")],
        postcodes: vec![postcode("AB9 9ZZ"), postcode("CD3 4EF")],
        birth_dates: vec![born("2011-03-04")],
        ..person(["ZUZANNA", "", "", "F", ""])
    };
    for surname in ["MARLOWE", "WISNIEWSKA"] {
        let row = person(["ZUZANNA", surname, "2011-03-14", "F", "CD3 4EF"]);
        assert_eq!(places(&linked(vec![row], vec![pupil.clone()], &many_to_one())), [(0, 0)]);
    }
    // With no more than names and a year of birth, a rare name is known and a frequent one is not.
    let (rare, frequent) = (["ZUZANNA", "WISNIEWSKA"], ["JACK", "SMITH"]);
    let probability = |[forename, surname]: [&str; 2]| {
        let row = person([forename, surname, "2011-03-25", "", ""]);
        let pupil = person([forename, surname, "2011-10-14", "", ""]);
        let settings = Settings {
            threshold: Probability::new(1e-9).unwrap(),
            lead: Lead::new(1.0).unwrap(),
            ..many_to_one()
        };
        linked(vec![row], vec![pupil], &settings).links.first().map_or(0.0, |link| link.probability)
    };
    assert!(
        probability(rare) > 20.0 * probability(frequent),
        "{} {}",
        probability(rare),
        probability(frequent)
    );
}

#[test]
fn weights_are_those_by_which_the_records_were_made() {
    // 1,500 of 3,000 pupils are in a service's table, a fifth of them with a mistyped surname, a tenth at a new address.
    let pupils = register(3_000);
    let rows = (0..1_500).map(|number| {
        let mut texts = of_many(number * 2);
        if number % 5 == 0 {
            texts[1].insert(2, 'Q');
        }
        if number % 10 == 3 {
            texts[4] = format!("ZZ{} {}XX", number % 9, number % 7);
        }
        made(&texts)
    });
    let found = link(&records(rows.collect()), &records(pupils), &Settings::default());
    let wrong = found.links.iter().filter(|link| link.right != link.left * 2).count();
    assert_eq!(wrong, 0);
    assert!(found.links.len() >= 1_400, "{}", found.links.len());
    let report = &found.report;
    let matched = |part: &str, level: &str| {
        let of = report.weights.iter().find(|of| (of.part, of.level) == (part, level)).unwrap();
        of.matched
    };
    for (part, level, share) in [
        ("surname", "same", 0.8),
        ("surname", "one-letter", 0.2),
        ("postcode", "same", 0.9),
        ("postcode", "different", 0.1),
        ("birth-date", "same", 1.0),
    ] {
        assert!(
            (matched(part, level) - share).abs() < 0.02,
            "{part} {level} {}",
            matched(part, level)
        );
    }
    assert!((report.expected_in_all - 1_500.0).abs() < 15.0, "{}", report.expected_in_all);
    assert!(report.estimated_precision.unwrap() > 0.999);
    let recall = found.links.len() as f64 / 1_500.0;
    let estimated = report.estimated_recall.unwrap();
    assert!((estimated - recall).abs() < 0.02, "{estimated} {recall}");
    assert!(report.converged);
    assert_eq!(
        report.bands.iter().map(|band| band.pairs).sum::<u64>() + refused(report),
        report.pairs
    );
}

/// Compared pairs that a rule forbids: those whose forenames are not alike.
fn refused(report: &minster_scoring::Report) -> u64 {
    let of = |level: &str| {
        report.weights.iter().find(|of| (of.part, of.level) == ("forename", level)).unwrap().pairs
    };
    let unlike_sex = report.pairs - report.bands.iter().map(|band| band.pairs).sum::<u64>();
    assert!(unlike_sex >= of("different") + of("initial"));
    unlike_sex
}

#[test]
fn none_of_sixty_strangers_is_linked() {
    let strangers = (50_000..50_060).map(|number| made(&of_many(number))).collect();
    let found = link(&records(strangers), &records(register(5_000)), &many_to_one());
    assert_eq!(places(&found), []);
    assert!(found.report.expected_matches < 3.0, "{}", found.report.expected_matches);
}

#[test]
fn blocks_of_one_stranger_cost_no_more_than_their_bound() {
    // One name, one birth date, one postcode, five thousand times in each table: 25 million pairs.
    let same = || (0..5_000).map(|_| person(ZOFIA)).collect();
    let settings = Settings { largest_block: 1_000, ..Settings::default() };
    let found = link(&records(same()), &records(same()), &settings);
    assert_eq!(found.report.pairs, 0);
    for key in &found.report.keys[..9] {
        assert_eq!(key.pairs, 0, "{key:?}");
        assert!(key.skipped >= 1 && key.split >= 1, "{key:?}");
        assert!(key.pairs_left_out >= 25_000_000, "{key:?}");
    }
    // A block that is too large is split by what else is known.
    let many: Vec<Record> = (0..3_000)
        .map(|number| {
            let [forename, surname, ..] = of_many(number);
            person([&forename, &surname, "2011-03-04", "F", "AB9 9ZZ"])
        })
        .collect();
    let settings = Settings { largest_block: 20_000, most_pairs: 400_000, ..Settings::default() };
    let found = link(&records(many.clone()), &records(many), &settings);
    let by_date = &found.report.keys[0];
    assert!(by_date.split >= 1 && by_date.pairs > 0, "{by_date:?}");
    assert!(found.report.keys.iter().map(|key| key.pairs).sum::<u64>() <= 400_000);
    assert!(found.report.pairs > 0);
}

#[test]
fn records_of_one_table_are_found() {
    let mut all = register(1_000);
    all.push(person(ZOFIA));
    all.push(person(["ZUZANNA", "WISNIEWKA", "2011-03-04", "F", "AB9 9ZZ"]));
    all.push(person(["ZUSANNA", "WISNIEWSKA", "2011-03-04", "F", "AB9 9ZZ"]));
    // Her twin, and her twin's second record.
    all.push(person(["HELENA", "WISNIEWSKA", "2011-03-04", "F", "AB9 9ZZ"]));
    all.push(person(["HELENA", "WISNIEWSKA", "2011-04-03", "F", "AB9 9ZZ"]));
    let found = dedupe(&records(all), &Settings::default());
    assert_eq!(found.clusters, [vec![1_000, 1_001, 1_002], vec![1_003, 1_004]]);
}

#[test]
fn a_record_between_two_twins_joins_them_not() {
    // AMIRA is a letter from AMIR and from SAMIRA; AMIR and SAMIRA are two letters apart, and of two sexes.
    let of = |forename, sex| person([forename, "WISNIEWSKA", "2011-03-04", sex, "AB9 9ZZ"]);
    let mut all = register(1_000);
    all.extend([of("TAMIR", "M"), of("TAMIRA", ""), of("STAMIRA", "F")]);
    let found = dedupe(&records(all), &Settings::default());
    assert!(
        found
            .clusters
            .iter()
            .all(|cluster| !(cluster.contains(&1_000) && cluster.contains(&1_002)))
    );
    assert_eq!(found.report.refused.get("contradicts-its-cluster"), Some(&1));
}

#[test]
fn without_the_rule_grown_persons_are_linked_by_the_rest() {
    let row = person(["", "WISNIEWSKA", "2011-03-04", "F", "AB9 9ZZ"]);
    let settings = Settings { forenames: Forenames::AgreeOrMissing, ..many_to_one() };
    assert_eq!(places(&linked(vec![row], vec![person(ZOFIA)], &settings)), [(0, 0)]);
    let row = person(["BEATA", "WISNIEWSKA", "2011-03-04", "F", "AB9 9ZZ"]);
    assert_eq!(places(&linked(vec![row.clone()], vec![person(ZOFIA)], &settings)), []);
    let threshold = Probability::new(0.5).unwrap();
    let settings = Settings { forenames: Forenames::Any, threshold, ..many_to_one() };
    assert_eq!(places(&linked(vec![row], vec![person(ZOFIA)], &settings)), [(0, 0)]);
}

#[test]
fn tables_of_nobody_give_nothing() {
    let empty = Records::default();
    assert!(empty.is_empty());
    let one = records(vec![person(ZOFIA)]);
    let blank = records(vec![Record::default(); 3]);
    for (left, right) in
        [(&empty, &empty), (&empty, &one), (&one, &empty), (&blank, &one), (&blank, &blank)]
    {
        let found = link(left, right, &Settings::default());
        assert_eq!((places(&found), found.report.pairs), (vec![], 0));
        assert_eq!(found.report.estimated_precision, None);
    }
    assert_eq!(dedupe(&blank, &Settings::default()).clusters, [[0_usize; 0]; 0]);
    assert_eq!(dedupe(&empty, &Settings::default()).clusters, [[0_usize; 0]; 0]);
}

#[test]
fn a_record_that_no_person_has_is_refused() {
    let mut records = Records::default();
    let many = Record { postcodes: vec![postcode("AB9 9ZZ"); 33], ..Record::default() };
    let refused = records.add(many);
    assert_eq!(refused, Err(ScoringError::TooManyValues { row: 0, part: "postcode" }));
    let mut long = name("ZUZANNA");
    long.two_less = (0..300).map(|number| keyed("name", &number.to_string())).collect();
    let refused = records.add(Record { surnames: vec![long], ..Record::default() });
    assert_eq!(refused, Err(ScoringError::TooManyKeyedValues { row: 0, part: "name" }));
    assert!(records.is_empty());
    for none in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(Probability::new(none).is_err());
    }
    for none in [0.5, f64::INFINITY, f64::NAN] {
        assert!(Lead::new(none).is_err());
    }
}
