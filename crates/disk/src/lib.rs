//! Changes files on a disk that others may write to as well. Two promises hold for each change:
//!
//! - **A stopped program leaves the old or the new.** A file is written aside, synced, renamed, and its folder synced. Each of
//!   these steps goes through a [`Disk`], so that a test can stop at any of them: as a killed process does, as a full disk does.
//! - **Nobody leads it astray.** A user who may write into a folder can put links and pipes there. So a file is written aside under a
//!   random name, as a new file and never through a link, by a handle of the folder ([`Folder`]); regular files alone are read; and
//!   [`below`] a folder of one's own no symbolic link is followed.
//!
//! It depends on no other crate of the workspace.
//!
//! ```
//! use minster_disk::{Disk, Folder, PRIVATE};
//!
//! let there = tempfile::tempdir()?;
//! let folder = Folder::open(there.path())?;
//! Disk::new().put(&folder, "plan.txt".as_ref(), b"the new plan", PRIVATE)?;
//! assert_eq!(minster_disk::read(&there.path().join("plan.txt"), 100)?, b"the new plan");
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod below;
mod change;
mod fault;
mod folder;
mod plain;

pub use change::{NewFile, is_aside};
pub use fault::Disk;
pub use folder::Folder;
pub use plain::{NotPlain, is_not_plain, open, read};

/// The mode of a file that is its owner's alone.
pub const PRIVATE: u32 = 0o600;
