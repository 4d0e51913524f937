//! Foreign code in running programs: libraries that were slipped in, and memory that is shared through a file.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    processes::Process,
    running::{ended, seen},
};
use crate::check::{Check, Gathered};

/// Variables by which the system's loader takes another library into a program.
const SLIPPED: [&str; 2] = ["LD_PRELOAD", "LD_AUDIT"];
/// Variables by which it looks for a program's own libraries elsewhere: what it found is looked at.
const ELSEWHERE: [&str; 2] = ["LD_LIBRARY_PATH", "GCONV_PATH"];
/// Where packages put libraries.
const LIBRARIES: [&str; 6] =
    ["/usr/lib/", "/lib/", "/usr/lib64/", "/lib64/", "/usr/lib32/", "/usr/libexec/"];

pub(super) fn check(processes: &io::Result<Vec<Process>>) -> Check {
    let title = "No running program has a foreign library or a shared memory in it";
    let by_hand = "cat /etc/ld.so.preload; for each program: tr '\\0' '\\n' < /proc/PID/environ | grep ^LD_; grep -E ' r.x| .w.s' /proc/PID/maps";
    let mut check = Check::begin("run.mapped", title, by_hand);
    of_system(Path::new("/etc/ld.so.preload"), &mut check);
    let all = seen(processes, &mut check);
    if all.is_empty() {
        check.missing("none of the programs is running");
    }
    for process in all {
        let (environment, maps) = match (process.environment(), process.maps()) {
            (Ok(environment), Ok(maps)) => (environment, maps),
            (Err(error), _) | (_, Err(error)) if ended(&error) => continue,
            (Err(error), _) | (_, Err(error)) => {
                check.unread(process.told(), &error);
                continue;
            }
        };
        let mut odd = false;
        for (name, _) in environment.iter().filter(|(name, _)| SLIPPED.contains(&name.as_str())) {
            odd = true;
            check.wrong(format!("{}: {name} stands in its environment", process.told()));
        }
        for (name, _) in environment.iter().filter(|(name, _)| ELSEWHERE.contains(&name.as_str())) {
            check.note(format!(
                "{}: {name} stands in its environment; no library of there is in it, if none is named below",
                process.told()
            ));
        }
        let own = process.program();
        for (path, why) in foreign(&maps, own.as_deref()) {
            odd = true;
            check.wrong(format!("{}: {} {why}", process.told(), path.display()));
        }
        if !odd {
            check.fine(format!(
                "{}: {} mappings, all of the program's and the system's",
                process.told(),
                maps.lines().count()
            ));
        }
    }
    check.end()
}

/// The libraries that every program of the machine is given.
fn of_system(preload: &Path, check: &mut Gathered) {
    match fs::read_to_string(preload) {
        Ok(text) => {
            let named = text.split_whitespace().filter(|word| !word.starts_with('#')).count();
            match named {
                0 => {}
                named => check.wrong(format!(
                    "{} puts {named} libraries into every program of the machine",
                    preload.display()
                )),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => check.unread(preload.display(), &error),
    }
}

/// Mapped files that are neither the program nor the system's, each once, and why.
fn foreign(maps: &str, own: Option<&Path>) -> Vec<(PathBuf, String)> {
    let mut found: Vec<(PathBuf, String)> = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let Some(rights) = words.nth(1) else { continue };
        let path: Vec<&str> = words.skip(3).collect();
        let path = path.join(" ");
        if !path.starts_with('/') {
            continue;
        }
        let (is_code, is_shared) =
            (rights.contains('x'), rights.contains('w') && rights.contains('s'));
        let file = PathBuf::from(path.trim_end_matches(" (deleted)"));
        let why = if path.ends_with(" (deleted)") && is_code && own != Some(&file) {
            Some("was deleted, and its code still runs".to_owned())
        } else if is_shared {
            Some("is memory that another program can write and read too".to_owned())
        } else if is_code && own != Some(&file) {
            strange(&file)
        } else {
            None
        };
        if let Some(why) = why
            && !found.iter().any(|(known, _)| *known == file)
        {
            found.push((file, why));
        }
    }
    found
}

/// Why a library is not the system's.
fn strange(file: &Path) -> Option<String> {
    if !LIBRARIES.iter().any(|folder| file.starts_with(folder)) {
        return Some(
            "is mapped as code, and stands in none of the system's folders of libraries".to_owned(),
        );
    }
    match fs::metadata(file) {
        Ok(metadata) if metadata.uid() != 0 => {
            Some(format!("is mapped as code, and is uid {}'s", metadata.uid()))
        }
        Ok(metadata) if metadata.mode() & 0o022 != 0 => Some(format!(
            "is mapped as code, and its mode {:o} lets others change it",
            metadata.mode() & 0o7777
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_was_slipped_in_is_foreign_and_the_program_itself_is_not() {
        let line =
            |rights: &str, path: &str| format!("7f0-7f1 {rights} 00000000 fe:01 123    {path}\n");
        let own = Path::new("/usr/bin/minster-vault");
        for (maps, count) in [
            (line("r-xp", "/usr/bin/minster-vault") + &line("rw-p", "[heap]"), 0),
            (line("r--p", "/tmp/data"), 0),
            (line("r-xp", "/tmp/slipped.so") + &line("r-xp", "/tmp/slipped.so"), 1),
            (line("r-xp", "/tmp/slipped.so (deleted)"), 1),
            (line("rw-s", "/dev/shm/ear"), 1),
        ] {
            assert_eq!(foreign(&maps, Some(own)).len(), count, "{maps}");
        }
    }

    #[test]
    fn libraries_for_all_programs_fail() {
        let folder = tempfile::tempdir().unwrap();
        let preload = folder.path().join("ld.so.preload");
        let verdict = || {
            let mut check = Check::begin("", "", "");
            check.fine("");
            of_system(&preload, &mut check);
            check.end().verdict
        };
        assert_eq!(verdict(), crate::check::Verdict::Pass);
        fs::write(&preload, "/tmp/slipped.so\n").unwrap();
        assert_eq!(verdict(), crate::check::Verdict::Fail);
    }
}
