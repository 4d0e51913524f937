//! Shuts a process in: it leaves no dump, touches its own files alone, and calls of the system what it needs. Each part says
//! whether it took effect. Root can still read everything.
//!
//! It depends on no other crate of the workspace: on `landlock` and `seccompiler` for what the kernel offers, on `rustix`
//! and `libc` for its calls and their numbers.
//!
//! ```
//! // Every program does this first.
//! let said = minster_sandbox::no_dumps();
//! assert!(said.starts_with("no core dumps: "));
//! ```
#![forbid(unsafe_code)]

mod calls;
mod files;

use rustix::process::{DumpableBehavior, Resource, Rlimit};

pub use calls::allow_calls;
pub use files::{Access, allow_files};

/// Said where the system does not let the process shut itself in.
pub const REFUSED: &str = "refused by the system";

/// No core dump, and not dumpable: another process of the same user cannot attach, nor read the memory.
pub fn no_dumps() -> String {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let core = rustix::process::setrlimit(Resource::Core, none);
    let dumpable = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let state = |done: rustix::io::Result<()>| if done.is_ok() { "yes" } else { REFUSED };
    format!("no core dumps: {}; not dumpable: {}", state(core), state(dumpable))
}
