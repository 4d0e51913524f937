//! Columns that definitions derive, beside those of the integrated dataset: computed once for all children, and handed out
//! batch by batch as if they stood there.

#[cfg(test)]
mod by_hand;
mod codes;
mod compute;
mod event_rows;
mod kin;
pub(crate) mod linked;
mod parts;
mod rests;
mod values;

pub(crate) use compute::{Blank, part};
