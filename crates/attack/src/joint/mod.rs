//! The attack on releases about different children, as they stand beside each other.

pub(crate) mod verify;
