//! Councils at random, with columns that follow from each other, a flag, conditions and two releases.
//!
//! `MINSTER_ATTACKS` says how many; by hand, thousands. Each is made from its number alone, so that one can be made
//! again: `MINSTER_ATTACKS=17..18`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

use crate::{
    attacker::{Attacker, Category, Cell},
    council::{Row, Small, dimension, table},
};

/// How many councils are made where nothing else is said.
const COUNCILS: usize = 300;

const COLUMNS: [&str; 8] =
    ["ward", "locality", "age", "agegroup", "sex", "fsm", "episodes", "placement"];
const NUMBERS: [&str; 3] = ["age", "fsm", "episodes"];

pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The dice of a council.
    pub(crate) fn of(number: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(number))
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0.next_u32() as usize % most
    }

    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A dimension of a definition: its column, what more the definition says, and the categories that are no values.
type Divided = (&'static str, &'static str, Vec<Category<'static>>);

/// A release at random, and what its attacker knows of it.
struct Release {
    definition: String,
    tables: Vec<(String, Vec<Divided>, bool)>,
    counted: Cell,
    /// The columns that it needs.
    used: Vec<&'static str>,
}

/// Children at random: few enough that some counts are small.
fn children(dice: &mut Dice) -> Vec<Row> {
    let (wards, ages) = (2 + dice.below(3), 3 + dice.below(4));
    let mut rows = Vec::new();
    for ward in 0..wards {
        for _ in 0..15 + dice.below(60) {
            let age = dice.below(ages).min(dice.below(ages + 2));
            let episodes = if dice.one_in(6) { 1 + dice.below(2) } else { 0 };
            let placement = if episodes == 0 { "" } else { dice.one_of(&["U1", "K2"]) };
            rows.push(vec![
                format!("W{ward}"),
                if ward < 2 { "north" } else { "south" }.to_owned(),
                age.to_string(),
                if age < 2 { "small" } else { "big" }.to_owned(),
                dice.one_of(&["F", "M"]).to_owned(),
                usize::from(dice.one_in(4) || ward == 1 && !dice.one_in(9)).to_string(),
                episodes.to_string(),
                placement.to_owned(),
            ]);
        }
    }
    rows
}

/// The combinations that a child can have, of values that some child has: the locality follows from the ward, the age
/// group from the age, and a placement is where episodes are.
fn possible(rows: &[Row]) -> Vec<Row> {
    let independent: [&[usize]; 6] = [&[0, 1], &[2, 3], &[4], &[5], &[6], &[7]];
    let mut possible = vec![vec![String::new(); COLUMNS.len()]];
    for places in independent {
        let values = |row: &Row| places.iter().map(|&at| row[at].clone()).collect::<Row>();
        let of: BTreeSet<Row> = rows.iter().map(values).collect();
        let with = |row: &Row, values: &Row| {
            let mut row = row.clone();
            places.iter().zip(values).for_each(|(&at, value)| row[at].clone_from(value));
            row
        };
        possible = possible
            .iter()
            .flat_map(|row| of.iter().map(move |values| with(row, values)))
            .collect();
    }
    possible.retain(|row| (row[6] == "0") == row[7].is_empty());
    possible
}

fn divided(dice: &mut Dice) -> Divided {
    let column = dice.one_of(&COLUMNS);
    match column {
        "age" if dice.one_in(2) => (
            column,
            "bands = [0, 2]\nlabels = [\"0-1\", \"2+\"]",
            vec![("age", "0-1", &["0", "1"]), ("age", "2+", &["2", "3", "4", "5", "6"])],
        ),
        "episodes" if !dice.one_in(4) => (
            column,
            "bands = [0, 1]\nlabels = [\"no\", \"yes\"]",
            vec![("episodes", "no", &["0"]), ("episodes", "yes", &["1", "2"])],
        ),
        "ward" if dice.one_in(2) => (
            column,
            "codes = [\"W0\", \"W1\", \"W2\", \"W3\"]\n\
             [[dimension.level]]\nname = \"locality\"\ncolumn = \"locality\"",
            vec![("ward", "north", &["W0", "W1"]), ("ward", "south", &["W2", "W3"])],
        ),
        _ => (column, codes(column), Vec::new()),
    }
}

/// All values of a column: the label of one that is found in the data, and hidden, is hidden too.
fn codes(column: &str) -> &'static str {
    match column {
        "ward" => "codes = [\"W0\", \"W1\", \"W2\", \"W3\"]",
        "locality" => "codes = [\"north\", \"south\"]",
        "age" => "codes = [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\"]",
        "agegroup" => "codes = [\"small\", \"big\"]",
        "sex" => "codes = [\"F\", \"M\"]",
        "fsm" => "codes = [\"0\", \"1\"]",
        "episodes" => "codes = [\"0\", \"1\", \"2\"]",
        _ => "codes = [\"U1\", \"K2\"]",
    }
}

fn release(dice: &mut Dice, zeros: &str) -> Release {
    let mut definition =
        format!("threshold = 5\nzeros = \"{zeros}\"\ninsider = 0\npopulation = \"spine\"\n");
    let (mut counted, mut used) = (Cell::of(&[]), Vec::new());
    if dice.one_in(4) {
        let (column, value) =
            dice.one_of(&[("locality", "north"), ("sex", "F"), ("agegroup", "big"), ("fsm", "1")]);
        definition += &format!("where = [{{ column = \"{column}\", in = [\"{value}\"] }}]\n");
        counted = Cell::of(&[(column, &[value])]);
        used.push(column);
    }
    let mut dimensions: Vec<Divided> = Vec::new();
    let mut tables = Vec::new();
    for number in 0..1 + dice.below(2) {
        let mut of_table: Vec<Divided> = Vec::new();
        for _ in 0..1 + dice.below(2) {
            let new = divided(dice);
            let new = dimensions.iter().find(|of| of.0 == new.0).cloned().unwrap_or(new);
            if of_table.iter().all(|of| of.0 != new.0) {
                of_table.push(new);
            }
        }
        for new in &of_table {
            if dimensions.iter().all(|of| of.0 != new.0) {
                dimensions.push(new.clone());
            }
        }
        tables.push((format!("t{number}"), of_table, dice.one_in(3)));
    }
    dimensions.iter().for_each(|(column, more, _)| definition += &dimension(column, more));
    for (name, of_table, is_summed) in &tables {
        used.extend(of_table.iter().map(|of| of.0));
        used.extend(is_summed.then_some("fsm"));
        let names: Vec<&str> = of_table.iter().map(|of| of.0).collect();
        definition += &table(name, &names);
        if *is_summed {
            definition += "[[table.measure]]\nname = \"meals\"\nsum = \"fsm\"\n";
        }
    }
    Release { definition, tables, counted, used }
}

/// A tally of all councils' releases.
#[derive(Default)]
pub(crate) struct Tally {
    released: AtomicUsize,
    refused: AtomicUsize,
    small: AtomicUsize,
    /// The programs' reasons, without the names of tables and categories.
    reasons: Mutex<BTreeMap<String, usize>>,
}

impl Tally {
    pub(crate) fn released(&self) {
        self.released.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self, text: &str) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.why(text);
    }

    pub(crate) fn small(&self, counts: usize) {
        self.small.fetch_add(counts, Ordering::Relaxed);
    }

    fn why(&self, text: &str) {
        const WHY: [&str; 13] = [
            "with the cells in `keep`",
            "form a cycle",
            "tell of each other",
            "into other categories",
            "cannot be protected",
            "about other children",
            "is below the threshold",
            "no pattern withstood",
            "no child has",
            "wait until more children differ",
            "stands under another",
            "exclude each other",
            "chooses the children of one",
        ];
        let why = WHY.iter().find(|why| text.contains(**why)).map_or(text, |why| why);
        *self.reasons.lock().unwrap().entry(why.to_owned()).or_default() += 1;
    }
}

/// Adds to a release that it keeps a total by one dimension: its column and category.
fn keeping(release: &mut Release, dice: &mut Dice) -> (&'static str, String) {
    let (column, more, _) = &release.tables[0].1[0];
    let quoted: Vec<&str> = more.lines().next().unwrap_or_default().split('"').collect();
    let all: Vec<&str> = match more.starts_with("bands") {
        true => more.lines().nth(1).unwrap().split('"').skip(1).step_by(2).collect(),
        false => quoted.into_iter().skip(1).step_by(2).collect(),
    };
    let category = all[dice.below(all.len())].to_owned();
    release.definition.insert_str(0, &format!("keep = [{{ {column} = \"{category}\" }}]\n"));
    (column, category)
}

fn attacked(number: usize, tally: &Tally) -> Vec<String> {
    attack(number, tally, false)
}

/// The releases of a council; each keeps a number if `keeps`.
fn attack(number: usize, tally: &Tally, keeps: bool) -> Vec<String> {
    let mut dice = Dice::of(number as u64);
    let rows = children(&mut dice);
    let zeros = dice.one_of(&["published", "may-be-withheld", "unsafe"]);
    let council = Small::new(&COLUMNS, &NUMBERS);
    council.deliver(&rows);
    let mut releases = [(); 3].map(|()| release(&mut dice, zeros));
    let kept: Vec<_> = match keeps {
        true => releases.iter_mut().map(|of| keeping(of, &mut dice)).collect(),
        false => Vec::new(),
    };
    let is_used = |column: &str| releases.iter().any(|of| of.used.contains(&column));
    let used: Vec<usize> = (0..COLUMNS.len()).filter(|&at| is_used(COLUMNS[at])).collect();
    let taken = |row: &Row| used.iter().map(|&at| row[at].clone()).collect::<Row>();
    let columns: Vec<&str> = used.iter().map(|&at| COLUMNS[at]).collect();
    let counted: Vec<Row> = rows.iter().map(taken).collect();
    let possible: Vec<Row> = possible(&rows).iter().map(taken).collect();
    let mut attacker = Attacker::knowing(&columns, &counted, &possible);
    if zeros != "published" {
        attacker.zeros_may_be_withheld();
    }
    let mut definitions = String::new();
    for (at, (name, release)) in ["first", "second", "third"].into_iter().zip(&releases).enumerate()
    {
        council.define(name, &release.definition);
        let ran = if at == 0 { council.run() } else { council.aggregate() };
        match ran.exit {
            0 => tally.released(),
            // Refused by disclosure control, or for an error of the definition beside these data: nothing is public.
            2 | 4 => {
                tally.refused(&ran.text);
                continue;
            }
            exit => panic!("council {number}: exit {exit}: {}", ran.text),
        }
        definitions += &format!("# {name}\n{}", release.definition);
        for (table, dimensions, is_summed) in &release.tables {
            let categories: Vec<Category<'_>> =
                dimensions.iter().flat_map(|of| of.2.iter().copied()).collect();
            let sums: &[_] = if *is_summed { &[Some(("fsm", "1"))] } else { &[] };
            let released = council.released(name, "2024-25", table).unwrap();
            attacker.reads_of(&released, sums, &categories, &release.counted);
            if let Some((column, category)) = kept.get(at)
                && released.dimensions.iter().any(|name| name == column)
            {
                let is_it = |(name, code): (&String, &String)| match name == column {
                    true => code == category,
                    false => code == "All",
                };
                let mut rows = released.rows.iter();
                let row = rows.find(|row| released.dimensions.iter().zip(&row.0).all(is_it));
                assert!(row.unwrap().1.is_some(), "council {number}: {column} {category}");
            }
        }
    }
    tally.small(attacker.small(5));
    let given_away = attacker.given_away(5);
    match given_away.is_empty() {
        true => given_away,
        false => {
            let told = format!("council {number}:\n{definitions}\n{}", given_away.join("\n"));
            vec![told]
        }
    }
}

/// The councils to make: as many as are asked for, or these numbers.
fn councils() -> Range<usize> {
    let Ok(asked) = std::env::var("MINSTER_ATTACKS") else { return 0..COUNCILS };
    match asked.split_once("..") {
        Some((from, to)) => from.parse().unwrap()..to.parse().unwrap(),
        None => 0..asked.parse().unwrap(),
    }
}

#[test]
fn no_random_release_gives_away_a_small_number_of_another() {
    let (councils, released, small) = attack_all(1, attacked);
    assert!(released >= councils && small >= councils, "the councils try something");
}

#[test]
fn no_release_that_keeps_a_number_gives_away_a_small_one() {
    let (councils, released, small) = attack_all(10, |number, tally| attack(number, tally, true));
    assert!(released >= councils && small >= councils / 2, "the councils try something");
}

/// Makes the councils that are asked for, or one in `share` of them, and attacks the releases of each. Returns how many there
/// were, how many releases were let out, and how many small counts these withhold.
#[expect(clippy::print_stdout, reason = "the tally is looked at by hand")]
pub(crate) fn attack_all(
    share: usize,
    attacked: fn(usize, &Tally) -> Vec<String>,
) -> (usize, usize, usize) {
    let councils = councils();
    let councils = councils.start..councils.start + councils.len().div_ceil(share);
    let (tally, next) = (Tally::default(), AtomicUsize::new(councils.start));
    let work = || {
        let mut found = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= councils.end {
                return found;
            }
            found.extend(attacked(number, &tally));
        }
    };
    let found: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let counts =
        [&tally.released, &tally.refused, &tally.small].map(|of| of.load(Ordering::Relaxed));
    println!(
        "{} councils: {} releases let out, {} refused; {} small counts withheld, {} councils give some away",
        councils.len(),
        counts[0],
        counts[1],
        counts[2],
        found.len()
    );
    println!("refused: {:#?}", tally.reasons.lock().unwrap());
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    (councils.len(), counts[0], counts[2])
}
