//! Drafts, and what is released after the data have changed: a revised release, and another table beside the first.

use std::{fs, sync::Arc};

use arrow::{
    array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray},
    datatypes::{Field, Schema},
};
use minster_aggregator::{AggregateError, Outcome, Revision, Which, verify_release};
use proptest::{prelude::*, test_runner::Config};

use crate::{OneKey, Site, cell, pseudonyms};

/// So many children of each sex and group, those that count first: a child more is another child.
pub(crate) fn pupils(cells: &[(&str, &str, usize)]) -> RecordBatch {
    let (mut sex, mut group) = (vec![], vec![]);
    for (of, in_group, count) in cells {
        sex.extend(vec![*of; *count]);
        group.extend(vec![*in_group; *count]);
    }
    let count = sex.len();
    let missed: Vec<i64> = (0..count).map(|child| child as i64 % 4).collect();
    let text = |values: Vec<&str>| Arc::new(StringViewArray::from(values)) as ArrayRef;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("child", Arc::new(pseudonyms(count))),
        ("on_spine", Arc::new(BooleanArray::from(vec![true; count]))),
        ("sex", text(sex)),
        ("looked_after", text(group)),
        ("missed", Arc::new(Int64Array::from(missed))),
    ];
    let field = |(name, of): &(&str, ArrayRef)| Field::new(*name, of.data_type().clone(), true);
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// A release `name` that divides by these columns.
pub(crate) fn by(name: &str, columns: &[(&str, &[&str])]) -> String {
    let dimension = |(column, codes): &(&str, &[&str])| {
        format!(
            "[[dimension]]\nname = \"{column}\"\ncolumn = \"{column}\"\ntotal = \"all\"\ncodes = {codes:?}\n"
        )
    };
    let names: Vec<&str> = columns.iter().map(|(column, _)| *column).collect();
    format!(
        "name = \"{name}\"\npopulation = \"spine\"\ninsider = 0\nzeros = \"may-be-withheld\"\n{}[[table]]\nname = \"t\"\ndimensions = {names:?}\n",
        columns.iter().map(dimension).collect::<String>()
    )
}

pub(crate) const LOOKED_AFTER: (&str, &[&str]) = ("looked_after", &["yes", "no"]);
pub(crate) const SEX: (&str, &[&str]) = ("sex", &["F", "M"]);

fn published(site: &Site, name: &str, categories: &[(&str, &str)]) -> String {
    let path = format!("releases/{name}/2024-25/current/t.csv");
    let mut reader = csv::Reader::from_path(site.store.root().join(path)).unwrap();
    let rows: Vec<_> = reader.deserialize().map(|row| row.unwrap()).collect();
    cell(&rows, categories)["children"].clone()
}

#[test]
fn a_draft_is_not_public_and_binds_nothing() {
    let site = Site::of(pupils(&[("F", "yes", 12), ("F", "no", 200), ("M", "no", 188)]));
    let drafted = site.draft(&by("r", &[LOOKED_AFTER])).unwrap();
    assert_eq!(drafted.outcome, Outcome::Draft);
    assert_eq!(drafted.tables[0].withheld, 0);
    assert!(!site.store.root().join("releases").exists());
    assert!(site.store.ledger_periods().unwrap().is_empty());
    assert!(matches!(site.let_out("s"), Err(AggregateError::Draft(_))));
    // Nobody knows a draft that was never let out: a draft of more data is judged as if it had not been.
    site.link(pupils(&[("F", "yes", 13), ("F", "no", 200), ("M", "no", 188)]));
    let stale = site.let_out("r").unwrap_err().to_string();
    assert!(stale.contains("linked anew"), "{stale}");
    assert_eq!(site.release(&by("r", &[LOOKED_AFTER])).unwrap().tables[0].withheld, 0);
    assert!(matches!(site.let_out("r"), Err(AggregateError::Draft(_))), "once");
}

#[test]
fn a_draft_is_checked_again_beside_what_was_let_out_since() {
    let site =
        Site::of(pupils(&[("F", "yes", 12), ("F", "no", 200), ("M", "yes", 3), ("M", "no", 185)]));
    // Each alone withholds nothing but what is small; together they are one table.
    site.draft(&by("a", &[SEX, LOOKED_AFTER])).unwrap();
    site.draft(&by("b", &[LOOKED_AFTER, SEX])).unwrap();
    site.let_out("a").unwrap();
    let second = site.let_out("b").unwrap();
    assert_eq!(second.outcome, Outcome::Released);
    for sex in ["F", "M", "all"] {
        for looked_after in ["yes", "no", "all"] {
            let of = [("sex", sex), ("looked_after", looked_after)];
            assert_eq!(published(&site, "a", &of), published(&site, "b", &of), "{of:?}");
        }
    }
}

#[test]
fn a_release_that_is_let_out_again_is_said_to_be_withdrawn_no_more() {
    let definition = by("r", &[LOOKED_AFTER]);
    let site = Site::of(pupils(&[("F", "yes", 24), ("F", "no", 376)]));
    site.release(&definition).unwrap();
    let place = site.store.root().join("releases/r/2024-25");
    site.withdraw("r", "too early").unwrap();
    assert!(place.join("WITHDRAWN.txt").exists() && !place.join("current").exists());
    site.release(&definition).unwrap();
    assert!(!place.join("WITHDRAWN.txt").exists() && place.join("current").exists());

    // Two were withdrawn, and the one that stands again is said to be withdrawn no more.
    site.withdraw("r", "too early once more").unwrap();
    site.link(pupils(&[("F", "yes", 60), ("F", "no", 340)]));
    site.release(&definition).unwrap();
    let told = || fs::read_to_string(place.join("WITHDRAWN.txt")).unwrap();
    assert!(told().contains("too early once more"), "{}", told());
    site.withdraw("r", "another was right").unwrap();
    site.release(&definition).unwrap();
    assert!(told().contains("too early once more"), "{}", told());
    assert!(!told().contains("another was right"), "{}", told());
}

#[test]
fn a_wrong_release_is_withdrawn_and_a_revised_one_let_out() {
    let definition = by("r", &[LOOKED_AFTER]);
    let site = Site::of(pupils(&[("F", "yes", 24), ("F", "no", 376)]));
    site.release(&definition).unwrap();
    site.link(pupils(&[("F", "yes", 60), ("F", "no", 340)]));
    let kept = site.draft(&definition).unwrap();
    assert_eq!(kept.outcome, Outcome::Kept);
    assert_eq!(kept.tables[0].changed, Some(2));
    assert!(matches!(&kept.revision, Some(Revision::Draft(of)) if of[0].withheld == 0));
    assert!(kept.text().contains("withdraw r"), "{}", kept.text());
    // A published release is not replaced unasked.
    assert_eq!(site.let_out("r").unwrap().outcome, Outcome::Kept);
    assert_eq!(published(&site, "r", &[("looked_after", "yes")]), "24");

    assert!(site.withdraw("r", "the file of Q330400024001 was cut off").is_err());
    assert!(site.withdraw("r", " ").is_err() && site.withdraw("none", "x").is_err());
    site.withdraw("r", "episodes.csv was cut off").unwrap();
    let place = site.store.root().join("releases/r/2024-25");
    assert!(!place.join("current").exists());
    let told = fs::read_to_string(place.join("WITHDRAWN.txt")).unwrap();
    assert!(told.contains("Reason: episodes.csv was cut off"), "{told}");
    site.withdraw("r", "again").unwrap();
    assert_eq!(fs::read_to_string(place.join("WITHDRAWN.txt")).unwrap(), told);

    assert_eq!(site.let_out("r").unwrap().outcome, Outcome::Released);
    assert_eq!(published(&site, "r", &[("looked_after", "yes")]), "60");
    assert!(place.join("WITHDRAWN.txt").exists());
    assert_eq!(site.draft(&definition).unwrap().outcome, Outcome::Same);
    let (release, purpose) = ("r".parse().unwrap(), "test".parse().unwrap());
    let period = &site.period;
    let which = Which { store: &site.store, release: &release, period, purpose: &purpose };
    let checks = verify_release(&which, &mut OneKey).unwrap();
    assert!(checks.iter().all(|check| check.passed), "{checks:?}");
    // Three entries for ever: the first, that it was withdrawn, and the revised one.
    assert_eq!(site.store.ledger(period).unwrap().len(), 3);
}

#[test]
fn what_was_withdrawn_by_mistake_is_let_out_again_as_it_was() {
    let definition = by("r", &[SEX, LOOKED_AFTER]);
    let site = Site::of(pupils(&[("F", "yes", 3), ("F", "no", 200), ("M", "no", 188)]));
    let first = site.release(&definition).unwrap();
    site.withdraw("r", "by mistake").unwrap();
    let again = site.release(&definition).unwrap();
    assert_eq!((again.outcome, &again.sha256), (Outcome::Released, &first.sha256));
    assert_eq!(site.draft(&definition).unwrap().outcome, Outcome::Same);
}

#[test]
fn a_correction_about_two_children_does_not_show_them() {
    let definition = by("r", &[LOOKED_AFTER]);
    let site = Site::of(pupils(&[("F", "yes", 24), ("F", "no", 376)]));
    site.release(&definition).unwrap();
    site.link(pupils(&[("F", "yes", 26), ("F", "no", 374)]));
    let kept = site.draft(&definition).unwrap();
    assert!(matches!(&kept.revision, Some(Revision::Draft(of)) if of[0].withheld == 2));
    site.withdraw("r", "two were missing").unwrap();
    site.let_out("r").unwrap();
    assert_eq!(published(&site, "r", &[("looked_after", "all")]), "400");
    assert_eq!(published(&site, "r", &[("looked_after", "yes")]), "");
}

#[test]
fn another_table_is_released_though_the_data_changed() {
    let first = [("F", "yes", 12), ("M", "yes", 12), ("F", "no", 188), ("M", "no", 188)];
    for (next, withheld) in [
        // Another 36 are looked after; then thirty more children; then one.
        ([("F", "yes", 30), ("M", "yes", 30), ("F", "no", 170), ("M", "no", 170)], 0),
        ([("F", "yes", 30), ("M", "yes", 30), ("F", "no", 185), ("M", "no", 185)], 0),
        ([("F", "yes", 12), ("M", "yes", 12), ("F", "no", 189), ("M", "no", 188)], 2),
    ] {
        let site = Site::of(pupils(&first));
        site.release(&by("r", &[LOOKED_AFTER])).unwrap();
        site.link(pupils(&next));
        let other = site.release(&by("n", &[SEX])).unwrap();
        assert_eq!(other.outcome, Outcome::Released);
        assert_eq!(other.tables[0].withheld, withheld, "{next:?}");
        assert_eq!(published(&site, "r", &[("looked_after", "yes")]), "24");
    }
}

#[test]
fn a_sum_is_revised_where_many_must_have_changed() {
    let definition = by("r", &[SEX]) + "measure = [{ name = \"missed\", sum = \"missed\" }]\n";
    let missed = |site: &Site, sex: &str| {
        let path = "releases/r/2024-25/current/t.csv";
        let mut reader = csv::Reader::from_path(site.store.root().join(path)).unwrap();
        let rows: Vec<_> = reader.deserialize().map(|row| row.unwrap()).collect();
        cell(&rows, &[("sex", sex)])["missed"].clone()
    };
    // A child misses 0 to 3 sessions. Girls miss 300; forty more miss 60 more, two more miss 1 to 5.
    let site = Site::of(pupils(&[("F", "no", 200), ("M", "no", 100)]));
    site.release(&definition).unwrap();
    assert_eq!(missed(&site, "F"), "300");
    site.link(pupils(&[("F", "no", 240), ("M", "no", 100)]));
    site.draft(&definition).unwrap();
    site.withdraw("r", "girls were missing").unwrap();
    site.let_out("r").unwrap();
    assert_eq!(missed(&site, "F"), "360");
    assert_eq!(missed(&site, "M"), "150");
}

/// Tries every way in which a table of three groups and their total may be shown before and after.
fn tried(before: [usize; 3], after: [usize; 3]) -> Result<(), TestCaseError> {
    const T: i64 = 5;
    let groups = ("looked_after", &["a", "b", "c"][..]);
    let of = |counts: [usize; 3]| {
        let cells = ["a", "b", "c"].into_iter().zip(counts);
        pupils(&cells.map(|(group, count)| ("F", group, count)).collect::<Vec<_>>())
    };
    let (site, definition) = (Site::of(of(before)), by("r", &[groups]));
    let shown = || {
        ["a", "b", "c", "all"]
            .map(|group| published(&site, "r", &[("looked_after", group)]).parse::<i64>().ok())
    };
    if site.release(&definition).is_err() {
        return Ok(());
    }
    let then = shown();
    site.link(of(after));
    let drafted = site.draft(&definition).unwrap();
    if !matches!(drafted.revision, Some(Revision::Draft(_))) {
        return Ok(());
    }
    site.withdraw("r", "as a test").unwrap();
    site.let_out("r").unwrap();
    let now = shown();
    let whole = |of: [usize; 3]| {
        let of = of.map(|count| count as i64);
        [of[0], of[1], of[2], of.iter().sum()]
    };
    let (truth_then, truth_now) = (whole(before), whole(after));
    let fits = |alternative: &[i64; 3], known: &[Option<i64>; 4]| {
        let cells = [alternative[0], alternative[1], alternative[2], alternative.iter().sum()];
        known.iter().zip(cells).all(|(known, cell)| known.is_none_or(|known| known == cell))
    };
    let alternatives = |most: [i64; 3]| {
        (0..=most[0]).flat_map(move |a| {
            (0..=most[1]).flat_map(move |b| (0..=most[2]).map(move |c| [a, b, c]))
        })
    };
    let cells = |alternative: [i64; 3]| {
        [alternative[0], alternative[1], alternative[2], alternative.iter().sum()]
    };
    // A reader who takes near numbers for those shown before learns no small number.
    let mut guess = now;
    for place in 0..4 {
        if let Some(then) = then[place]
            && (then - truth_now[place]).abs() < T
            && !(1..T).contains(&truth_now[place])
        {
            guess[place] = Some(truth_now[place]);
        }
    }
    let most = [0, 1, 2].map(|place| truth_now[place] + 2 * T);
    for place in (0..4).filter(|place| (1..T).contains(&truth_now[*place])) {
        prop_assert!(now[place].is_none());
        let of: Vec<i64> = alternatives(most)
            .filter(|alternative| fits(alternative, &guess))
            .map(|alternative| cells(alternative)[place])
            .collect();
        prop_assert!(of.contains(&0) && of.iter().any(|count| *count >= T), "{then:?} {now:?}");
    }
    // A reader who knows all that was counted then learns of no few by whom the two differ.
    let difference = [0, 1, 2, 3].map(|place| truth_now[place] - truth_then[place]);
    let known = [0, 1, 2, 3].map(|place| now[place].zip(then[place]).map(|(now, then)| now - then));
    let joined = difference.iter().all(|of| *of >= 0);
    for place in (0..4).filter(|place| (1..T).contains(&difference[*place].abs())) {
        prop_assert!(known[place].is_none(), "{then:?} {now:?}");
        if joined {
            let most = [0, 1, 2].map(|place| difference[place] + 2 * T);
            let of: Vec<i64> = alternatives(most)
                .filter(|alternative| fits(alternative, &known))
                .map(|alternative| cells(alternative)[place])
                .collect();
            prop_assert!(of.contains(&0) && of.iter().any(|of| *of >= T), "{then:?} {now:?}");
        }
    }
    Ok(())
}

/// Six joined one group and three two others: of the three, two and one, who joined must stay open beyond three.
#[test]
fn of_few_who_joined_two_groups_it_is_not_said_how_many_each_has() {
    tried([6, 6, 6], [7, 8, 12]).unwrap();
    let definition = by("r", &[("looked_after", &["a", "b", "c"])]);
    let site = Site::of(pupils(&[("F", "a", 6), ("F", "b", 6), ("F", "c", 6)]));
    site.release(&definition).unwrap();
    site.link(pupils(&[("F", "a", 7), ("F", "b", 8), ("F", "c", 12)]));
    let kept = site.draft(&definition).unwrap();
    assert!(matches!(&kept.revision, Some(Revision::Draft(of)) if of[0].withheld > 2), "{kept:?}");
}

proptest! {
    #![proptest_config(Config { cases: 200, ..Config::default() })]

    #[test]
    fn neither_release_and_not_both_show_few(
        before in [0usize..14, 0usize..14, 5usize..14],
        joined in [0usize..8, 0usize..8, 0usize..8],
        left in [0usize..3, 0usize..3, 0usize..3],
        changes in any::<bool>(),
    ) {
        let after = [0, 1, 2].map(|place| {
            let left = if changes { left[place] } else { 0 };
            (before[place] + joined[place]).saturating_sub(left)
        });
        tried(before, after)?;
    }
}
