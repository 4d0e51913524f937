//! Counts as logs, mails and monitors may have them.

/// Counts are rounded to the nearest multiple of this.
const BASE: u64 = 5;

/// A count for whoever reads a log, a mail or a monitor: to the nearest 5, and 5 where there are fewer. None and a few stay apart,
/// because a few rows that could not be linked are what a note is for. Each number is rounded by itself, so that none of 1 to 7
/// follows from the others.
///
/// ```
/// assert_eq!([0, 1, 7, 8, 12, 13].map(minster_model::coarse), [0, 5, 5, 10, 10, 15]);
/// ```
pub fn coarse(count: u64) -> u64 {
    match count {
        0 => 0,
        some => (some.saturating_add(BASE / 2) / BASE).max(1) * BASE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_few_are_counted_exactly() {
        let counts: Vec<u64> = (0..=13).map(coarse).collect();
        assert_eq!(counts, [0, 5, 5, 5, 5, 5, 5, 5, 10, 10, 10, 10, 10, 15]);
        assert_eq!(coarse(25_613), 25_615);
        assert_eq!(coarse(u64::MAX) % BASE, 0);
    }
}
