//! Records that leave with a disposal and are kept: what the vault keeps sealed of them, and their encrypted files.

mod lines;
mod sealed;

pub(crate) use lines::{ArchiveFault, SealedLines, Wanted};
pub(crate) use sealed::{KeptNumber, KeptPerson, SealedPart, is_its, sweep};
