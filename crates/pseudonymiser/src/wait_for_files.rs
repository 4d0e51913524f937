//! Waiting for files that are still being written.

use std::{
    collections::HashMap,
    fs::{self, Metadata},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use minster_model::pipeline::Arrival;

/// Between two looks at the folders.
const PAUSE: Duration = Duration::from_millis(250);

/// How transfer programs and office programs name what is not whole yet.
const UNFINISHED: [&str; 5] = ["part", "partial", "filepart", "crdownload", "tmp"];

/// Waits until no file of the drop folders has changed for the quiet time; gives for each folder a file that
/// has not settled when the waiting time is over. `waiting` is told once of each file that is waited for.
///
/// A file counts as quiet by its own time of change, or, where that is young or lies ahead because a clock
/// was set, once it was seen unchanged for that long.
pub(crate) fn settle(
    folders: &[&Path],
    arrival: Arrival,
    waiting: &dyn Fn(&Path),
) -> Vec<Option<PathBuf>> {
    if arrival.quiet_seconds == 0 {
        return vec![None; folders.len()];
    }
    let begun = Instant::now();
    let mut watch = Watch { arrival, seen: HashMap::new() };
    let mut told: Vec<PathBuf> = Vec::new();
    loop {
        let unsettled: Vec<Option<PathBuf>> =
            folders.iter().map(|folder| watch.unsettled(folder)).collect();
        let all = unsettled.iter().all(Option::is_none);
        if all || begun.elapsed() >= Duration::from_secs(arrival.wait_seconds) {
            return unsettled;
        }
        for path in unsettled.into_iter().flatten() {
            if !told.contains(&path) {
                waiting(&path);
                told.push(path);
            }
        }
        std::thread::sleep(PAUSE);
    }
}

struct Watch {
    arrival: Arrival,
    /// Each young file as it was first seen so, and when.
    seen: HashMap<PathBuf, (u64, SystemTime, Instant)>,
}

impl Watch {
    fn unsettled(&mut self, folder: &Path) -> Option<PathBuf> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        // Every one is looked at, so that they settle together.
        paths.retain(|path| self.is_young(path));
        paths.into_iter().next()
    }

    /// A file that cannot be looked at is left for the plan to name.
    fn is_young(&mut self, path: &Path) -> bool {
        let Ok(file) = fs::symlink_metadata(path) else { return false };
        let Ok(modified) = file.modified() else { return false };
        if !file.is_file() {
            return false;
        }
        let quiet = Duration::from_secs(self.arrival.quiet_seconds);
        let enough = match is_unfinished(path) {
            // One that stays for longer than anyone waits was left behind: it is not waited for every night.
            true => quiet.max(Duration::from_secs(2 * self.arrival.wait_seconds)),
            false => quiet,
        };
        if modified.elapsed().is_ok_and(|age| age >= enough) {
            self.seen.remove(path);
            return false;
        }
        self.unchanged_for(path, &file, modified) < enough
    }

    fn unchanged_for(&mut self, path: &Path, file: &Metadata, modified: SystemTime) -> Duration {
        let now = Instant::now();
        let stamp = (file.len(), modified);
        let seen = self.seen.entry(path.to_owned()).or_insert((stamp.0, stamp.1, now));
        if (seen.0, seen.1) != stamp {
            *seen = (stamp.0, stamp.1, now);
        }
        now.duration_since(seen.2)
    }
}

fn is_unfinished(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    UNFINISHED.contains(&extension.as_str()) || name.starts_with("~$") || name.starts_with(".~lock")
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, fs::File, io::Write};

    use super::*;

    const ARRIVAL: Arrival = Arrival { quiet_seconds: 1, wait_seconds: 2 };

    fn touch(path: &Path, modified: SystemTime) {
        let file = File::options().create(true).append(true).open(path).unwrap();
        file.set_modified(modified).unwrap();
    }

    #[test]
    fn an_old_file_is_not_waited_for_and_a_young_one_is() {
        let folder = tempfile::tempdir().unwrap();
        touch(&folder.path().join("old.csv"), SystemTime::now() - Duration::from_secs(60));
        let waited = RefCell::new(Vec::new());
        let wait = |path: &Path| waited.borrow_mut().push(path.to_owned());
        assert_eq!(settle(&[folder.path()], ARRIVAL, &wait), [None]);
        assert!(waited.borrow().is_empty());

        let young = folder.path().join("young.csv");
        touch(&young, SystemTime::now());
        assert_eq!(settle(&[folder.path()], ARRIVAL, &wait), [None]);
        assert_eq!(*waited.borrow(), [young]);
    }

    #[test]
    fn a_file_that_grows_is_named_when_the_time_is_over() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let path = folders[1].path().join("grows.csv");
        let mut file = File::create(&path).unwrap();
        let stop = std::sync::atomic::AtomicBool::new(false);
        let unsettled = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    file.write_all(b"a").unwrap();
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            let unsettled = settle(&[folders[0].path(), folders[1].path()], ARRIVAL, &|_| {});
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            unsettled
        });
        assert_eq!(unsettled, [None, Some(path)]);
    }

    #[test]
    fn a_time_of_change_that_lies_ahead_does_not_block_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tomorrow.csv");
        touch(&path, SystemTime::now() + Duration::from_secs(86_400));
        assert_eq!(settle(&[folder.path()], ARRIVAL, &|_| {}), [None]);
    }

    #[test]
    fn a_transfer_that_is_not_finished_is_waited_for_and_one_left_behind_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("census.csv.filepart");
        touch(&path, SystemTime::now());
        let arrival = Arrival { quiet_seconds: 1, wait_seconds: 2 };
        let unsettled = settle(&[folder.path()], arrival, &|_| {});
        assert_eq!(unsettled, [Some(path.clone())]);
        touch(&path, SystemTime::now() - Duration::from_secs(5));
        assert_eq!(settle(&[folder.path()], arrival, &|_| {}), [None]);
    }

    #[test]
    fn a_quiet_time_of_zero_waits_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        touch(&folder.path().join("a.csv.part"), SystemTime::now());
        let arrival = Arrival { quiet_seconds: 0, wait_seconds: 9 };
        assert_eq!(settle(&[folder.path()], arrival, &|_| {}), [None]);
    }
}
