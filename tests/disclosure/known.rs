//! Known answers: what is withheld and published of made-up tables of every shape. An answer that changes is no
//! fault by itself, but a council that protects a table twice, with two versions, finds out: so no change goes
//! unseen. Whether an answer is safe is asked elsewhere.
//!
//! `MINSTER_KNOWN=write cargo test --test known` writes the answers anew.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{fmt::Write, path::Path};

use minster_disclosure::{
    Effort, RoundingMethod, RoundingRefusal, SearchOutcome, Suppression, SuppressionRefusal, round,
    sparsity, suppress_at, widen,
};
use minster_disclosure_tests::{
    comparison::{Linear, Singletons, linear},
    tried,
};
use minster_model::{
    NodeId,
    policy::{Costs, Policy, Zeros},
    table::{CountTable, Grouping, Hierarchy, Pattern, ProtectionLevel, Sensitive, TableSet},
};

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for ever.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// As groups of children are: many small, some large, some none.
    fn count(&mut self) -> u64 {
        match self.below(10) {
            0 => 0,
            1..3 => 1 + self.below(4),
            3..7 => 3 + self.below(25),
            _ => 20 + self.below(200),
        }
    }
}

fn flat(name: &str, size: usize) -> Hierarchy {
    Hierarchy::flat(name, "all", (0..size).map(|leaf| format!("{name}{leaf}"))).unwrap()
}

fn wards() -> Hierarchy {
    let nodes = [
        ("all", None),
        ("north", Some(0)),
        ("n1", Some(1)),
        ("n2", Some(1)),
        ("n3", Some(1)),
        ("south", Some(0)),
        ("east", Some(5)),
        ("e1", Some(6)),
        ("e2", Some(6)),
        ("west", Some(5)),
        ("w1", Some(9)),
        ("w2", Some(9)),
        ("none", Some(0)),
    ];
    Hierarchy::new("ward", nodes.map(|(code, parent)| (code.into(), parent)).to_vec()).unwrap()
}

/// With another geography over the same leaves.
fn overlapping() -> Hierarchy {
    let codes = ["a", "b", "c"].map(str::to_owned).to_vec();
    wards().grouped(Grouping { codes, group_of: vec![0, 1, 1, 2, 0, 2, 2, 1] }).unwrap()
}

fn table(name: &str, dimensions: Vec<Hierarchy>, numbers: &mut Numbers) -> CountTable {
    let size = dimensions.iter().map(|dimension| dimension.leaves().len()).product();
    let inner = (0..size).map(|_| numbers.count()).collect();
    CountTable::new(name, dimensions, inner, vec![]).unwrap()
}

/// With some large cells withheld, and some kept.
fn unsafe_by_rule(
    name: &str,
    dimensions: Vec<Hierarchy>,
    policy: Policy,
    numbers: &mut Numbers,
) -> CountTable {
    let table = table(name, dimensions, numbers);
    let counts = table.cell_counts();
    let large = |cell: &usize| !policy.is_small(counts[*cell]) && counts[*cell] > 10;
    let large: Vec<usize> = (8..counts.len()).filter(large).collect();
    let level = |&cell: &usize| ProtectionLevel { cell, lower: 4, upper: 1 + counts[cell] / 5 };
    let levels = large.iter().step_by(7).map(level).collect();
    let kept = large.iter().skip(3).step_by(7).copied().collect();
    table.with_protection_levels(levels).unwrap().with_forced_published(kept).unwrap()
}

/// Two margins of one table of three dimensions.
fn linked(numbers: &mut Numbers) -> [CountTable; 2] {
    let (a, b, c) = (flat("a", 5), flat("b", 4), flat("c", 3));
    // Nobody is in many of its cells, so that some margins are small.
    let whole: Vec<u64> = (0..60)
        .map(|at| if [1, 3].contains(&(at / 12)) { numbers.below(3) } else { numbers.count() / 4 })
        .collect();
    let margin = |name: &str, place: usize, other: Hierarchy| {
        let size = other.leaves().len();
        let mut inner = vec![0; 5 * size];
        for (at, count) in whole.iter().enumerate() {
            let leaves = [at / 12, at / 3 % 4, at % 3];
            inner[leaves[0] * size + leaves[place]] += count;
        }
        CountTable::new(name, vec![a.clone(), other], inner, vec![]).unwrap()
    };
    [margin("by b", 1, b), margin("by c", 2, c)]
}

/// With categories of its second dimension that must not be learnt about a group.
fn class(dimensions: Vec<Hierarchy>, inner: Vec<u64>, categories: Vec<usize>) -> CountTable {
    let categories = categories.into_iter().map(NodeId).collect();
    CountTable::new("t", dimensions, inner, vec![Sensitive { dimension: 1, categories }]).unwrap()
}

/// The second of two tables, the first having been published before; none where it could not be.
fn after(
    [first, later]: [CountTable; 2],
    policy: Policy,
    effort: Effort,
) -> Option<Vec<CountTable>> {
    let alone = TableSet { tables: vec![first.clone()], policy };
    let mut before = suppress_at(&alone, Costs::default(), effort).ok()?;
    Some(vec![later, first.published_before(before.patterns.remove(0)).unwrap()])
}

/// Every shape with every policy on zeros, each with numbers of its own.
fn sets() -> Vec<(String, TableSet)> {
    let mut sets = Vec::new();
    let all_zeros = [Zeros::Published, Zeros::MayBeWithheld].into_iter().cycle();
    for (round, zeros) in (0..u64::from(tried(8).max(2))).zip(all_zeros) {
        let numbers = &mut Numbers(round);
        let zeros = if round == 7 { Zeros::Unsafe } else { zeros };
        let mut policy = Policy::new([5, 3, 10][round as usize % 3], zeros);
        let mut add = |name: &str, tables: Vec<CountTable>, policy: Policy| {
            sets.push((format!("{name} {round}"), TableSet { tables, policy }));
        };
        add("two flat", vec![table("t", vec![flat("a", 6), flat("b", 7)], numbers)], policy);
        let three = || vec![flat("a", 4), flat("b", 3), flat("c", 4)];
        add("three flat", vec![table("t", three(), numbers)], policy);
        add("wards", vec![table("t", vec![wards(), flat("sex", 2)], numbers)], policy);
        let geographies = vec![overlapping(), flat("b", 3)];
        add("geographies", vec![table("t", geographies, numbers)], policy);
        add("linked", linked(numbers).to_vec(), policy);
        let mut inner = table("t", vec![flat("a", 9), flat("b", 8)], numbers).inner().to_vec();
        inner.iter_mut().step_by(3).for_each(|count| *count = 0);
        let sparse = CountTable::new("t", vec![flat("a", 9), flat("b", 8)], inner, vec![]).unwrap();
        add("sparse", vec![sparse], policy);
        let few = (0..90).map(|at| numbers.below(if at % 5 == 0 { 40 } else { 4 })).collect();
        let dimensions = vec![flat("a", 6), flat("b", 5), flat("c", 3)];
        add("few", vec![CountTable::new("t", dimensions, few, vec![]).unwrap()], policy);
        let care = vec![flat("a", 5), flat("care", 4)];
        let mut inner = table("t", care.clone(), numbers).inner().to_vec();
        (inner[4], inner[5], inner[6], inner[7]) = (1, 60, 0, 2);
        add("class", vec![class(care.clone(), inner, vec![2])], policy);
        let kept = unsafe_by_rule("t", vec![flat("a", 5), flat("b", 6)], policy, numbers);
        add("guarded", vec![kept], policy);
        let schools = |of: usize| flat("school", of).of_respondents();
        add("holders", vec![table("t", vec![schools(4), flat("b", 4)], numbers)], policy);
        let three = vec![schools(3), flat("b", 3), flat("c", 2)];
        add("holders of three", vec![table("t", three, numbers)], policy);
        let areas = vec![wards().of_respondents(), flat("b", 3)];
        add("holders in areas", vec![table("t", areas, numbers)], policy);
        let kept = unsafe_by_rule("t", vec![schools(4), flat("b", 5)], policy, numbers);
        add("holders guarded", vec![kept], policy);
        let dimensions = vec![schools(4), flat("care", 3)];
        let inner = table("t", dimensions.clone(), numbers).inner().to_vec();
        add("holders and class", vec![class(dimensions, inner, vec![1])], policy);
        let of_respondents = linked(numbers).map(|table| {
            let dimensions = table.dimensions().iter().cloned();
            let held = dimensions.map(|of| if of.name() == "a" { of.of_respondents() } else { of });
            CountTable::new(table.name(), held.collect(), table.inner().to_vec(), vec![]).unwrap()
        });
        add("holders linked", of_respondents.to_vec(), policy);
        if let Some(tables) = after(of_respondents, policy, Effort::NONE) {
            add("holders after another", tables, policy);
        }
        if let Some(tables) = after(linked(numbers), policy, Effort::default()) {
            add("after another", tables, policy);
        }
        policy.insider = 1 + round % 2;
        let two = || vec![flat("a", 5), flat("b", 5)];
        add("insiders", vec![table("t", two(), numbers)], policy);
        add("insiders guarded", vec![unsafe_by_rule("t", two(), policy, numbers)], policy);
        let inner = table("t", care.clone(), numbers).inner().to_vec();
        add("insiders and class", vec![class(care, inner, vec![1, 2])], policy);
        if let Some(tables) = after(linked(numbers), policy, Effort::NONE) {
            add("insiders after another", tables, policy);
        }
    }
    sets
}

/// Tables for which some searches go about it otherwise.
fn large_sets() -> Vec<(String, TableSet)> {
    let zeros = [Zeros::Published, Zeros::MayBeWithheld];
    let large = |(round, zeros)| {
        let dimensions = vec![overlapping(), flat("sex", 2), flat("group", 12)];
        let tables = vec![table("t", dimensions, &mut Numbers(round))];
        (format!("large {round}"), TableSet { tables, policy: Policy::new(5, zeros) })
    };
    let mut sets: Vec<_> = (8..).zip(zeros).map(large).collect();
    // Two margins, by group and by ward, of a table of more.
    let numbers = &mut Numbers(10);
    let whole: Vec<u64> = (0..8 * 2 * 12).map(|_| numbers.count() / 2).collect();
    let margin = |of: &dyn Fn(usize) -> usize, dimensions: Vec<Hierarchy>| {
        let mut inner = vec![0; dimensions.iter().map(|of| of.leaves().len()).product()];
        whole.iter().enumerate().for_each(|(at, count)| inner[of(at)] += count);
        let name = dimensions[1].name().to_owned();
        CountTable::new(name, dimensions, inner, vec![]).unwrap()
    };
    let tables = vec![
        margin(&|at| at / 24 * 12 + at % 12, vec![wards(), flat("group", 12)]),
        margin(&|at| at / 12, vec![wards(), flat("sex", 2)]),
    ];
    let policy = Policy::new(5, Zeros::MayBeWithheld);
    sets.push(("large linked".into(), TableSet { tables, policy }));
    sets
}

/// Four cells a digit.
fn digits(pattern: &Pattern) -> String {
    let digit = |four: &[bool]| {
        let number = four.iter().fold(0, |number, &bit| 2 * number + u32::from(bit));
        char::from_digit(number, 16).unwrap()
    };
    pattern.withheld.chunks(4).map(digit).collect()
}

fn patterns(found: Result<Vec<Pattern>, SuppressionRefusal>) -> String {
    match found {
        Ok(patterns) => patterns.iter().map(digits).collect::<Vec<_>>().join(" "),
        Err(refusal) => refusal.to_string(),
    }
}

/// The patterns, how many certificates are proposed and of how many cells, and how near the cheapest they are.
fn whole(found: Result<Suppression, SuppressionRefusal>) -> String {
    let Suppression { patterns, alternatives, optima } = match found {
        Ok(found) => found,
        Err(refusal) => return refusal.to_string(),
    };
    let mut text = self::patterns(Ok(patterns));
    let cells: usize = alternatives.iter().map(|alternative| alternative.counts.len()).sum();
    write!(text, " | {} of {cells}", alternatives.len()).unwrap();
    for optimum in optima {
        let outcome = match optimum.outcome {
            SearchOutcome::Proved => "proved",
            SearchOutcome::WorkUsedUp => "work used up",
            SearchOutcome::TooLarge => "too large",
            SearchOutcome::NoneSafe => "none safe",
        };
        let (before, cost, bound) = (optimum.before, optimum.cost, optimum.bound);
        let cells = optimum.cells;
        write!(text, " | {cells}: {before:.3} {cost:.3} {bound:.3} {outcome}").unwrap();
    }
    text
}

/// Compares the answers with those that are known, or writes them.
fn known(
    name: &str,
    known: &str,
    sets: Vec<(String, TableSet)>,
    answer: impl Fn(&TableSet) -> String,
) {
    let answer = |(name, set): (String, TableSet)| format!("{name}: {}", answer(&set));
    if std::env::var("MINSTER_KNOWN").is_ok_and(|what| what == "write") {
        let all: String = sets.into_iter().map(|set| answer(set) + "\n").collect();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("known").join(name);
        return std::fs::write(path, all).unwrap();
    }
    let mut before = known.lines();
    for set in sets {
        let now = answer(set);
        assert_eq!(Some(now.as_str()), before.next(), "see the top of tests/disclosure/known.rs");
    }
}

macro_rules! known {
    ($name:ident, $sets:expr, $answer:expr) => {
        #[test]
        fn $name() {
            let file = concat!(stringify!($name), ".txt");
            known(file, include_str!(concat!("known/", stringify!($name), ".txt")), $sets, $answer);
        }
    };
}

known!(heuristic, sets(), |set| whole(suppress_at(set, Costs::default(), Effort::NONE)));
known!(cheapest, sets(), |set| {
    whole(suppress_at(set, Costs::default(), Effort { cells: 60, steps: 60_000 }))
});
known!(dear_margins, sets(), |set| whole(suppress_at(
    set,
    Costs { margin: 6.0, size: 1.0, coverage: 0.0, ..Costs::default() },
    Effort::NONE
)));
known!(every_cell_alike, sets(), |set| whole(suppress_at(
    set,
    Costs { margin: 0.0, size: 0.0, coverage: 0.0, ..Costs::default() },
    Effort { cells: 40, steps: 20_000 }
)));
known!(widened, sets(), |set| {
    let Ok(found) = suppress_at(set, Costs::default(), Effort::NONE) else { return "–".into() };
    let small = |(number, table): (usize, &CountTable)| {
        let counts = table.cell_counts().into_iter().enumerate();
        let small = counts.filter(|(_, count)| set.policy.is_small(*count));
        small.map(|(cell, _)| (number, cell)).collect::<Vec<_>>()
    };
    let failing: Vec<_> = set.tables.iter().enumerate().flat_map(small).step_by(3).collect();
    whole(widen(set, &found.patterns, &failing, Costs::default()))
});
known!(no_exact_recovery, sets(), |set| {
    patterns(linear(set, Linear { singletons: Singletons::None, width: 0 }))
});
known!(no_singleton_recovers, sets(), |set| {
    patterns(linear(set, Linear { singletons: Singletons::Guarded, width: 0 }))
});
known!(five_wide, sets(), |set| {
    patterns(linear(set, Linear { singletons: Singletons::Guarded, width: 5 }))
});
known!(rounded, sets(), |set| {
    // Numbers take more room than patterns: of the smaller tables alone, and who attacks is no matter here.
    let cells: usize = set.tables.iter().map(CountTable::cell_count).sum();
    if cells > 60 || set.respondents().is_some() || set.policy.insider > 0 {
        return "–".into();
    }
    let keys: Vec<Vec<u64>> = set
        .tables
        .iter()
        .map(|table| table.inner().iter().enumerate().map(|(at, count)| (977 * at as u64) ^ count))
        .map(Iterator::collect)
        .collect();
    let mut methods = vec![RoundingMethod::OpenSafely, RoundingMethod::CellKey { keys: &keys }];
    methods.push(RoundingMethod::Nearest { base: 10 });
    for base in [3, 5] {
        methods.extend((0..2).map(|attempt| RoundingMethod::Controlled { base, attempt }));
    }
    let answers = methods.into_iter().map(|method| match round(set, method) {
        Ok(rounded) => format!("{:?}", rounded.published),
        Err(refusal) => refusal.to_string(),
    });
    answers.collect::<Vec<_>>().join(" | ")
});
known!(heuristic_large, large_sets(), |set| {
    whole(suppress_at(set, Costs::default(), Effort::NONE))
});
known!(five_wide_large, large_sets(), |set| {
    patterns(linear(set, Linear { singletons: Singletons::Guarded, width: 5 }))
});
known!(rounded_large, large_sets(), |set| {
    let answer = |attempt| match round(set, RoundingMethod::Controlled { base: 5, attempt }) {
        Ok(rounded) => {
            let mut digest = Numbers(0);
            rounded.published.iter().flatten().for_each(|number| {
                digest.0 ^= number;
                digest.0 = digest.next();
            });
            format!("{:016x}", digest.0)
        }
        Err(refusal) => refusal.to_string(),
    };
    (0..3).map(answer).collect::<Vec<_>>().join(" ")
});
known!(sparse, sets(), |set| format!("{:?}", sparsity(set)));

#[test]
fn what_is_forced_published_cannot_be_withheld_for_its_own_sake() {
    let table = |inner: Vec<u64>| CountTable::new("t", vec![flat("a", 3)], inner, vec![]).unwrap();
    let set = |table| TableSet { tables: vec![table], policy: Policy::new(5, Zeros::Published) };
    let all = |set: &TableSet| {
        let mode = Linear { singletons: Singletons::None, width: 0 };
        let whole = suppress_at(set, Costs::default(), Effort::NONE);
        [whole.err(), linear(set, mode).err()]
    };
    for refusal in all(&set(table(vec![3, 40, 50]).with_forced_published(vec![1]).unwrap())) {
        assert!(
            matches!(refusal, Some(SuppressionRefusal::ForcedPublishedAndUnsafe { .. })),
            "{refusal:?}"
        );
    }
    let unsafe_by_rule = table(vec![30, 40, 50]).with_protection_levels(vec![ProtectionLevel {
        cell: 1,
        lower: 2,
        upper: 2,
    }]);
    for refusal in all(&set(unsafe_by_rule.unwrap().with_forced_published(vec![1]).unwrap())) {
        assert!(
            matches!(refusal, Some(SuppressionRefusal::ForcedPublishedAndUnsafe { .. })),
            "{refusal:?}"
        );
    }
    for refusal in all(&set(table(vec![30, 40, 50]).with_forced_published(vec![1]).unwrap())) {
        assert_eq!(refusal, None);
    }
}

#[test]
fn a_published_total_may_not_leave_few_to_a_respondent() {
    let schools = |inner: Vec<u64>| {
        let dimensions = vec![flat("school", 2).of_respondents(), flat("kind", 2)];
        let table = CountTable::new("t", dimensions, inner, vec![]).unwrap();
        TableSet { tables: vec![table], policy: Policy::new(5, Zeros::Published) }
    };
    let refused = suppress_at(&schools(vec![50, 40, 1, 2]), Costs::default(), Effort::NONE);
    let refusal = refused.unwrap_err();
    assert!(matches!(refusal, SuppressionRefusal::KnownToRespondent { .. }), "{refusal:?}");
    let said = "a cell of all of the table t cannot be kept from a data holder";
    assert!(refusal.to_string().starts_with(said), "{refusal}");
    // A pattern can hide which kind ten others are.
    let enough = suppress_at(&schools(vec![50, 40, 9, 1]), Costs::default(), Effort::NONE);
    assert!(enough.is_ok(), "{enough:?}");
}

#[test]
fn record_keys_are_the_same_for_the_same_children() {
    let dimensions = |name| vec![flat("a", 2), flat(name, 2)];
    let table = |name, inner| CountTable::new(name, dimensions(name), inner, vec![]).unwrap();
    let tables = vec![table("b", vec![10, 20, 30, 40]), table("c", vec![15, 15, 50, 20])];
    let set = TableSet { tables, policy: Policy::new(3, Zeros::Published) };
    let keys = [vec![1, 2, 3, 4], vec![2, 1, 4, 3]];
    let rounded = round(&set, RoundingMethod::CellKey { keys: &keys }).unwrap();
    // The cells that both tables have are the same there, noise and all.
    let shared = |table: usize, node| rounded.published[table][set.tables[table].cell(&[node, 0])];
    assert_eq!([1, 2].map(|node| shared(0, node)), [1, 2].map(|node| shared(1, node)));
    for wrong in [vec![2, 1, 4, 4], vec![2, 2, 3, 3], vec![2, 1, 4]] {
        let refusal = round(&set, RoundingMethod::CellKey { keys: &[keys[0].clone(), wrong] });
        assert_eq!(refusal, Err(RoundingRefusal::Keys));
    }
    // A table that was published before has no keys.
    let whole = Pattern { withheld: vec![false; 9] };
    let published = set.tables[1].clone().published_before(whole).unwrap();
    let later = TableSet { tables: vec![set.tables[0].clone(), published], ..set.clone() };
    for others in [vec![], vec![9, 9, 9, 9]] {
        let again =
            round(&later, RoundingMethod::CellKey { keys: &[keys[0].clone(), others] }).unwrap();
        assert_eq!(again.published, [rounded.published[0].clone(), vec![]]);
    }
}
