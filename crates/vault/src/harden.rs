//! The protections that the system grants to the process. Each part says whether it took effect; the log keeps
//! it. Root can still read everything.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::{
    mm::MlockAllFlags,
    process::{DumpableBehavior, Resource, Rlimit},
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// No core dump, not dumpable (so that another process of the same user cannot attach or read its
/// memory), private umask, memory locked against swapping.
pub fn process() -> String {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let core = rustix::process::setrlimit(Resource::Core, none);
    let dumpable = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let state =
        |done: rustix::io::Result<()>| if done.is_ok() { "yes" } else { "refused by the system" };
    format!(
        "no core dumps: {}; not dumpable: {}; memory locked: {}",
        state(core),
        state(dumpable),
        lock_memory()
    )
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

/// Shuts the serving process in: it may touch its own folder, the socket's and the checkpoints' (Landlock),
/// open no network connection, and call nothing that starts a program, looks into another process or
/// loads code into the kernel (seccomp). To be called when all else is open.
pub fn sandbox(folder: &Path, socket: &Path, checkpoints: Option<&Path>) -> String {
    let beside = socket.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut paths = vec![folder, beside.unwrap_or(Path::new("."))];
    paths.extend(checkpoints);
    let files = match landlock(&paths) {
        Ok(RulesetStatus::FullyEnforced) => "yes",
        Ok(RulesetStatus::PartiallyEnforced) => "in part, the kernel is older",
        Ok(RulesetStatus::NotEnforced) => "the kernel has none",
        Err(_) => "refused by the system",
    };
    let calls = match seccomp() {
        Ok(()) => "yes",
        Err(_) => "refused by the system",
    };
    format!("Landlock: {files}; seccomp: {calls}")
}

fn landlock(paths: &[&Path]) -> Result<RulesetStatus, landlock::RulesetError> {
    let abi = ABI::V6;
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    for path in paths {
        if let Ok(opened) = PathFd::new(path) {
            let allowed = AccessFs::from_all(abi) & !AccessFs::Execute;
            ruleset = ruleset.add_rule(PathBeneath::new(opened, allowed))?;
        }
    }
    Ok(ruleset.restrict_self()?.ruleset)
}

/// Calls that the service never needs and an intruder would. They fail with "not permitted".
fn seccomp() -> Result<(), Box<dyn std::error::Error>> {
    const FORBIDDEN: &[i64] = &[
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kcmp,
        libc::SYS_pidfd_getfd,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_socket,
        libc::SYS_connect,
        libc::SYS_setuid,
        libc::SYS_setgid,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_io_uring_setup,
    ];
    let rules = FORBIDDEN.iter().map(|&call| (call, Vec::new())).collect();
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM as u32),
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter_all_threads(&program)?;
    Ok(())
}
