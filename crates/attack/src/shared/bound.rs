/// How little or how much a sum must be able to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtMost(i64),
    AtLeast(i64),
}
