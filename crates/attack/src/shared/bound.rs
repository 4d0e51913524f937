/// How little or how much a sum must be able to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    AtMost(i64),
    AtLeast(i64),
}

impl Bound {
    /// Whether a value is within the bound, which is within itself.
    pub(crate) fn is_met(self, value: i64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

/// How large a small cell must be able to be, given the least that it can be: at least the threshold, and as far from
/// its least as a small count may be from 1.
pub(crate) fn high(threshold: u64, low: i64) -> i64 {
    let threshold = threshold as i64;
    threshold.max(low + threshold - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_met_up_to_itself() {
        let at_most = [4, 5, 6].map(|value| Bound::AtMost(5).is_met(value));
        let at_least = [4, 5, 6].map(|value| Bound::AtLeast(5).is_met(value));
        assert_eq!((at_most, at_least), ([true, true, false], [false, true, true]));
    }
}
