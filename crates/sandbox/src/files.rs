use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};

/// The access that a process has below a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read files and list folders.
    Read,
    /// Read, write, make and remove.
    Write,
}

/// Allows these paths and what is below them, and no others; starts no program, and opens no network connection
/// (Landlock). A path that is not there allows nothing; where it is to be written, it stands for the folder that it will be
/// made in.
///
/// Says how far the kernel does it.
pub fn allow_files(paths: &[(&Path, Access)]) -> &'static str {
    match landlock(paths) {
        Ok(RulesetStatus::FullyEnforced) => "yes",
        Ok(RulesetStatus::PartiallyEnforced) => "in part, the kernel is older",
        Ok(RulesetStatus::NotEnforced) => "the kernel has none",
        Err(_) => crate::REFUSED,
    }
}

fn landlock(paths: &[(&Path, Access)]) -> Result<RulesetStatus, landlock::RulesetError> {
    let abi = ABI::V6;
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    for (path, access) in paths {
        let allowed = match access {
            Access::Read => AccessFs::from_read(abi),
            Access::Write => AccessFs::from_all(abi),
        };
        let Some(there) = there(path, *access) else { continue };
        let allowed = allowed & !AccessFs::Execute;
        // A file has none of the rights that a folder has.
        let allowed = if there.is_dir() { allowed } else { allowed & AccessFs::from_file(abi) };
        if let Ok(opened) = PathFd::new(there) {
            ruleset = ruleset.add_rule(PathBeneath::new(opened, allowed))?;
        }
    }
    Ok(ruleset.restrict_self()?.ruleset)
}

/// The path, if it is there. One that is to be made stands for its folder, and never for the whole file system.
fn there(path: &Path, access: Access) -> Option<&Path> {
    if path.exists() {
        return Some(path);
    }
    let folder = path.parent().filter(|_| access == Access::Write)?;
    (folder.exists() && folder.parent().is_some()).then_some(folder)
}
