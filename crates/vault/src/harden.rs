//! The protections that the system grants to the process. Each part says whether it took effect; the log keeps
//! it. Root can still read everything.

use std::path::Path;

use minster_sandbox::{Access, allow_calls, allow_files, no_dumps};
use rustix::{mm::MlockAllFlags, process::Resource};

/// No core dump, not dumpable, private umask, memory locked against swapping.
pub fn process() -> String {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    format!("{}; memory locked: {}", no_dumps(), lock_memory())
}

/// All of it, now and later, where the system sets no limit. Within a limit only what there is now: what is
/// locked later would count against it, and memory beyond it could not be had at all.
fn lock_memory() -> &'static str {
    let limit = rustix::process::getrlimit(Resource::Memlock).current;
    let unlimited = limit.is_none() || rustix::process::geteuid().is_root();
    let later = if unlimited { MlockAllFlags::FUTURE } else { MlockAllFlags::empty() };
    match (rustix::mm::mlockall(MlockAllFlags::CURRENT | later), unlimited) {
        (Ok(()), true) => "yes",
        (Ok(()), false) => "what there was at the start (LimitMEMLOCK=infinity locks all)",
        (Err(_), _) => "refused by the system (LimitMEMLOCK=infinity allows it)",
    }
}

/// Shuts the serving process in: it may touch its own folder, the socket's and the checkpoints' (Landlock), and make the
/// calls that it needs (seccomp). To be called when all else is open.
pub fn sandbox(folder: &Path, socket: &Path, checkpoints: Option<&Path>) -> String {
    let beside = socket.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut paths = vec![folder, beside.unwrap_or(Path::new("."))];
    paths.extend(checkpoints);
    let paths: Vec<(&Path, Access)> = paths.into_iter().map(|of| (of, Access::Write)).collect();
    let (files, calls) = (allow_files(&paths), allow_calls());
    format!("Landlock: {files}; seccomp: {calls}")
}
