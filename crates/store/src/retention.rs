//! How long the past is kept: superseded snapshots of datasets, by number and age.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use minster_model::{DatasetRef, KeyVersion};

use crate::{Manifest, Store, StoreError, records::NEXT, within};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Store {
    /// Removes the superseded snapshots whose time is over; says how many went. The current one is not touched.
    pub fn sweep_snapshots(&self) -> Result<usize, StoreError> {
        let mut removed = 0;
        for place in self.places()? {
            // Without a link none stands, and none is superseded.
            if let Some(version) = within::link(self.root(), &place.join("current"))? {
                removed += self.sweep(&place, &version.to_string_lossy());
            }
        }
        Ok(removed)
    }

    /// Removes the superseded snapshots of a dataset under an earlier version of its purpose's keys: what that version
    /// could still name goes with it. A run that was killed as it carried the dataset over has left one.
    ///
    /// # Errors
    /// [`StoreError::Io`] where one cannot be removed.
    pub fn remove_of_earlier_keys(
        &self,
        dataset: &DatasetRef,
        version: KeyVersion,
    ) -> Result<(), StoreError> {
        let place = self.place(dataset);
        let Some(current) = within::link(self.root(), &place.join("current"))? else {
            return Ok(());
        };
        for folder in superseded(&place, &current.to_string_lossy()) {
            let is_earlier = |manifest: &Manifest| {
                manifest.dataset == *dataset && manifest.key_version < version
            };
            let manifest = Manifest::read(self.root(), &folder.join("manifest.json"));
            if manifest.is_ok_and(|(manifest, _)| is_earlier(&manifest)) {
                within::remove_all(self.root(), &folder)?;
            }
        }
        Ok(())
    }

    /// The new snapshot stands whether or not the old one's bytes can be removed.
    pub(crate) fn sweep(&self, place: &Path, version: &str) -> usize {
        let mut superseded: Vec<(SystemTime, PathBuf)> =
            superseded(place, version).map(|folder| (made(&folder), folder)).collect();
        // A newer one than what stands is no superseded one: a program was stopped before it put it in its place. Clocks of
        // files are coarse.
        let standing = made(&place.join(version)) + Duration::from_secs(1);
        superseded.retain(|(made, _)| *made <= standing);
        superseded.sort_by(|a, b| b.cmp(a));
        let oldest = DAY * self.retention.snapshot_days;
        // A time to come, where the clock went back, is not old.
        let old = |made: &SystemTime| made.elapsed().is_ok_and(|age| age > oldest);
        // The newest one stays, however old it is: a clock that ran ahead one night would take them all.
        let over = superseded.iter().enumerate().filter(|(place, (made, _))| {
            *place >= self.retention.snapshots || (*place > 0 && old(made))
        });
        over.filter(|(_, (_, folder))| within::remove_all(self.root(), folder).is_ok()).count()
    }
}

/// Removes all that `version` superseded.
pub(crate) fn remove_superseded(root: &Path, place: &Path, version: &str) {
    for folder in superseded(place, version) {
        let _ = within::remove_all(root, &folder);
    }
}

/// The snapshots beside the one that stands.
pub(crate) fn superseded(place: &Path, version: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let folders = folders.filter(|entry| entry.file_name() != NEXT);
    let version = version.to_owned();
    folders.filter(move |entry| *entry.file_name() != *version).map(|entry| entry.path())
}

/// When a snapshot was finished; long ago, where it was not.
fn made(folder: &Path) -> SystemTime {
    let modified = fs::metadata(folder.join("manifest.json")).and_then(|file| file.modified());
    modified.unwrap_or(SystemTime::UNIX_EPOCH)
}
