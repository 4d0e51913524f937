//! The exit codes that every program keeps to.

/// Done.
pub const DONE: u8 = 0;
/// Unexpected fault.
pub const FAULT: u8 = 1;
/// Usage or configuration.
pub const USAGE: u8 = 2;
/// Done, but with rows in quarantine.
pub const QUARANTINED: u8 = 3;
/// Refused by disclosure control.
pub const REFUSED: u8 = 4;
/// Rows not conserved.
pub const NOT_CONSERVED: u8 = 5;
/// Vault unreachable, refusing, or the wrong key.
pub const VAULT: u8 = 6;
/// Publishing failed; the previous release stands.
pub const PUBLISH: u8 = 7;
/// Another run holds the lock.
pub const LOCKED: u8 = 8;
/// Audit: a check failed.
pub const AUDIT: u8 = 9;
/// Done, but a source was left out: the part of it that stood stands.
pub const LEFT_OUT: u8 = 10;
/// Audit: no check failed, and a check was not made.
pub const NOT_CHECKED: u8 = 11;
