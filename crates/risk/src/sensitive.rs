use rayon::prelude::*;
use serde::Serialize;

use crate::{
    classes::Classes,
    column::{Column, RiskError},
};

/// How far two values of a sensitive column are from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Any two are as far apart as any other two: t-closeness is the variational distance.
    Nominal,
    /// Codes are in the values' order, and neighbours are one step apart: t-closeness is the ordered earth mover's distance.
    Ordered,
}

/// A column that nobody may learn about a child.
#[derive(Debug, Clone, Copy)]
pub struct Sensitive<'a> {
    /// Its codes.
    pub column: &'a Column,
    /// Its scale. All of the column's values but `left_out` are on it, also those that no row has.
    pub scale: Scale,
    /// The code whose rows are left out, both of the classes and of the whole: that of a blank which says nothing. On an ordered
    /// scale it is the last code. Without it a blank is a value.
    pub left_out: Option<u32>,
}

/// The measures of a sensitive column in the classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Inference {
    /// Rows that count: all but those left out.
    pub children: u64,
    /// Classes with such a row.
    pub classes: u64,
    /// Distinct l-diversity: the fewest values of a class. None where no row counts.
    pub distinct: Option<u32>,
    /// Entropy l-diversity: the largest l so that each class has an entropy of at least ln l. None where no row counts.
    pub entropy: Option<f64>,
    /// t-closeness: the largest distance between a class and the whole, from 0 to 1. None where no row counts.
    pub closeness: Option<f64>,
    /// Children in classes of which all have the same value.
    pub alike: u64,
}

impl Inference {
    const NONE: Self =
        Self { children: 0, classes: 0, distinct: None, entropy: None, closeness: None, alike: 0 };

    /// Both together: sums, and the worst of each measure.
    fn and(self, other: Self) -> Self {
        fn worst<T>(a: Option<T>, b: Option<T>, of: impl Fn(T, T) -> T) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(of(a, b)),
                (one, none) => one.or(none),
            }
        }
        Self {
            children: self.children + other.children,
            classes: self.classes + other.classes,
            distinct: worst(self.distinct, other.distinct, u32::min),
            entropy: worst(self.entropy, other.entropy, f64::min),
            closeness: worst(self.closeness, other.closeness, f64::max),
            alike: self.alike + other.alike,
        }
    }
}

impl Classes {
    /// Measures a sensitive column in the classes.
    ///
    /// # Errors
    /// [`RiskError::Rows`] where the column is of other rows.
    pub fn inference(&self, sensitive: &Sensitive<'_>) -> Result<Inference, RiskError> {
        let codes = sensitive.column.codes();
        let rows = self.of_row().len();
        if codes.len() != rows {
            return Err(RiskError::Rows { rows, others: codes.len() });
        }
        let whole = Whole::of(sensitive);
        let (order, starts) = self.in_order();
        // One table of counts a thread, so that memory does not grow with the classes.
        let most = starts.len().div_ceil(rayon::current_num_threads()).max(2);
        let firsts: Vec<usize> = (0..starts.len() - 1).step_by(most).collect();
        let parts = firsts.par_iter().map(|&first| {
            let bounds = &starts[first..=(first + most).min(starts.len() - 1)];
            let mut class = Class::new(sensitive.column.values());
            bounds.windows(2).fold(Inference::NONE, |so_far, bound| {
                let of_class = order[bound[0]..bound[1]].iter().map(|&row| codes[row as usize]);
                let kept = of_class.filter(|&code| Some(code) != sensitive.left_out);
                so_far.and(class.inference(kept, &whole))
            })
        });
        Ok(parts.reduce(|| Inference::NONE, Inference::and))
    }
}

/// The column in all rows that count.
struct Whole {
    scale: Scale,
    /// Rows.
    rows: u64,
    /// Values on the scale.
    values: usize,
    /// Rows with each code.
    counts: Vec<u64>,
    /// For each code, rows with it or one before it; then the same summed up once more.
    to: Vec<u64>,
    to_twice: Vec<u128>,
}

impl Whole {
    fn of(sensitive: &Sensitive<'_>) -> Self {
        let mut counts = vec![0_u64; sensitive.column.values() as usize];
        sensitive.column.codes().iter().for_each(|&code| counts[code as usize] += 1);
        let mut values = counts.len();
        if let Some(blank) = counts.get_mut(sensitive.left_out.unwrap_or(u32::MAX) as usize) {
            *blank = 0;
            values -= 1;
        }
        let (mut to, mut to_twice) = (Vec::new(), Vec::new());
        let (mut sum, mut twice) = (0, 0);
        for &count in &counts {
            sum += count;
            twice += u128::from(sum);
            to.push(sum);
            to_twice.push(twice);
        }
        Self { scale: sensitive.scale, rows: sum, values, counts, to, to_twice }
    }

    /// The sum of `to` over the codes from `from` to before `before`.
    fn summed(&self, from: usize, before: usize) -> u128 {
        let up_to = |code: usize| code.checked_sub(1).map_or(0, |code| self.to_twice[code]);
        up_to(before) - up_to(from)
    }
}

/// The counts of one class after the other.
struct Class {
    counts: Vec<u32>,
    /// The codes that it has, ascending.
    has: Vec<u32>,
}

impl Class {
    fn new(values: u32) -> Self {
        Self { counts: vec![0; values as usize], has: Vec::new() }
    }

    fn inference(&mut self, codes: impl Iterator<Item = u32>, whole: &Whole) -> Inference {
        let mut rows = 0_u64;
        for code in codes {
            rows += 1;
            let count = &mut self.counts[code as usize];
            if *count == 0 {
                self.has.push(code);
            }
            *count += 1;
        }
        if rows == 0 {
            return Inference::NONE;
        }
        self.has.sort_unstable();
        let closeness = match whole.scale {
            Scale::Nominal => self.variational(rows, whole),
            Scale::Ordered => self.ordered(rows, whole),
        };
        let shares =
            self.has.iter().map(|&code| f64::from(self.counts[code as usize]) / rows as f64);
        let entropy: f64 = shares.map(|share| -share * share.ln()).sum();
        let distinct = self.has.len() as u32;
        self.has.drain(..).for_each(|code| self.counts[code as usize] = 0);
        Inference {
            children: rows,
            classes: 1,
            distinct: Some(distinct),
            entropy: Some(entropy.exp()),
            closeness: Some(closeness),
            alike: if distinct == 1 { rows } else { 0 },
        }
    }

    /// Half the sum of differences between shares, which is the sum of those that are positive: a code that the class lacks
    /// has none. The numerators are whole.
    fn variational(&self, rows: u64, whole: &Whole) -> f64 {
        let excess = |&code: &u32| {
            let (here, all) = (self.counts[code as usize], whole.counts[code as usize]);
            let here = u128::from(here) * u128::from(whole.rows);
            here.saturating_sub(u128::from(all) * u128::from(rows))
        };
        let moved: u128 = self.has.iter().map(excess).sum();
        moved as f64 / (rows as f64 * whole.rows as f64)
    }

    /// The share that must be moved over each step between neighbours, by the number of steps. Between two codes that the class has, its
    /// own sum stands still and that of the whole grows, so that the sign of their difference changes once at most.
    fn ordered(&self, rows: u64, whole: &Whole) -> f64 {
        if whole.values < 2 {
            return 0.0;
        }
        // The last step ends at the last value: beyond it, both sums are whole.
        let end = whole.values - 1;
        let (mut moved, mut here, mut from) = (0_u128, 0_u128, 0);
        for &code in self.has.iter().chain([&u32::MAX]) {
            let before = (code as usize).min(end);
            if from < before {
                let own = here * u128::from(whole.rows);
                let of_whole = &whole.to[from..before];
                let less = |&to: &u64| u128::from(to) * u128::from(rows) <= own;
                let turn = from + of_whole.partition_point(less);
                moved += own * (turn - from) as u128 - whole.summed(from, turn) * u128::from(rows);
                moved +=
                    whole.summed(turn, before) * u128::from(rows) - own * (before - turn) as u128;
                from = before;
            }
            here += self.counts.get(code as usize).map_or(0, |&count| u128::from(count));
        }
        moved as f64 / (rows as f64 * whole.rows as f64 * end as f64)
    }
}
