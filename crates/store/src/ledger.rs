//! All releases that a period ever had: one file an entry, never removed, never changed. An entry is
//! durable before the release that it tells of can be seen.

use std::path::PathBuf;

use minster_model::Period;

use crate::{Store, StoreError, within};

/// How the name of what is to be an entry ends, beside the drafts.
const NEXT: &str = ".entry";

impl Store {
    /// The ledger's entries of a period by their names, in order.
    pub fn ledger(&self, period: &Period) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let paths = within::entries(self.root(), &self.ledger_folder(period))?;
        let read = |path: &PathBuf| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Ok((name, within::read(self.root(), path)?))
        };
        paths.iter().map(read).collect()
    }

    /// The periods of which anything was ever released, in order.
    pub fn ledger_periods(&self) -> Result<Vec<Period>, StoreError> {
        let mut periods = Vec::new();
        for path in within::entries(self.root(), &self.root().join("ledger"))? {
            let name = path.file_name().and_then(|name| name.to_str());
            let why = || "is not the ledger of a period".into();
            let period = name.and_then(|name| name.parse().ok());
            periods.push(period.ok_or_else(|| StoreError::Manifest { path, why: why() })?);
        }
        periods.sort();
        Ok(periods)
    }

    /// Adds an entry; where it stands already, nothing happens.
    ///
    /// # Errors
    /// [`StoreError::Manifest`] where another stands under the name: none is ever changed.
    pub fn enter(&self, period: &Period, name: &str, entry: &[u8]) -> Result<(), StoreError> {
        let folder = self.ledger_folder(period);
        within::check(self.root(), &folder)?;
        within::check(self.root(), &self.staging())?;
        let place = folder.join(format!("{name}.json"));
        match within::read_if_there(self.root(), &place)? {
            None => {}
            Some(recorded) if recorded == entry => return Ok(()),
            Some(_) => {
                let why = "is an entry of the ledger, which never changes".into();
                return Err(StoreError::Manifest { path: place, why });
            }
        }
        self.disk().create_folders(&folder)?;
        self.disk().create_folders(&self.staging())?;
        self.disk().replace_file(&self.staging(), &place, entry)?;
        for above in folder.ancestors().skip(1).take_while(|above| above.starts_with(self.root())) {
            self.disk().sync_folder(above)?;
        }
        Ok(())
    }

    /// Keeps what is to be an entry, before anyone else is told of it: a program that is stopped before it enters it has not
    /// lost it then.
    pub fn keep_next_entry(
        &self,
        period: &Period,
        name: &str,
        entry: &[u8],
    ) -> Result<(), StoreError> {
        let path = self.next_entry_path(period, name);
        let folder = self.drafts_folder().join(period.as_str());
        within::check(self.root(), &folder)?;
        within::check(self.root(), &self.staging())?;
        self.disk().create_folders(&folder)?;
        self.disk().create_folders(&self.staging())?;
        self.disk().replace_file(&self.staging(), &path, entry)
    }

    /// The entries of a period that wait, by their names, in order.
    pub fn next_entries(&self, period: &Period) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let folder = self.drafts_folder().join(period.as_str());
        let mut next = Vec::new();
        for path in within::entries(self.root(), &folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(NEXT) {
                next.push((name.to_owned(), within::read(self.root(), &path)?));
            }
        }
        next.sort();
        Ok(next)
    }

    /// Removes what was to be an entry, if it is there.
    pub fn forget_next_entry(&self, period: &Period, name: &str) -> Result<(), StoreError> {
        let path = self.next_entry_path(period, name);
        within::check(self.root(), &self.drafts_folder().join(period.as_str()))?;
        if path.exists() { self.disk().remove(&path) } else { Ok(()) }
    }

    fn next_entry_path(&self, period: &Period, name: &str) -> PathBuf {
        self.drafts_folder().join(period.as_str()).join(format!("{name}{NEXT}"))
    }

    fn ledger_folder(&self, period: &Period) -> PathBuf {
        self.root().join("ledger").join(period.as_str())
    }
}
