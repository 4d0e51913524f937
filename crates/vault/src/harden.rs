use rustix::{
    mm::MlockAllFlags,
    process::{DumpableBehavior, Resource, Rlimit},
};

/// Makes the process hard to look into, as far as the kernel lets it: no core dump, not dumpable (so
/// that another process of the same user cannot attach or read its memory), private umask, memory
/// locked against swapping. Says what took effect. Root can still read everything.
pub fn harden() -> String {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let core = rustix::process::setrlimit(Resource::Core, none);
    let dumpable = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let lock = rustix::mm::mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE);
    let state =
        |done: rustix::io::Result<()>| if done.is_ok() { "yes" } else { "refused by the system" };
    format!(
        "no core dumps: {}; not dumpable: {}; memory locked: {}",
        state(core),
        state(dumpable),
        state(lock)
    )
}
