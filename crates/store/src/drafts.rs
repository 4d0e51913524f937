//! Drafts of releases: what a person may let out. Nobody reads them but the programs that share the store.

use std::path::PathBuf;

use minster_model::{Period, TableName};

use crate::{Store, StoreError, within};

impl Store {
    /// Keeps a draft, in the place of an earlier one of the same name and period.
    pub fn keep_draft(
        &self,
        name: &TableName,
        period: &Period,
        draft: &[u8],
    ) -> Result<(), StoreError> {
        let path = self.draft_path(name, period);
        within::check(self.root(), &self.drafts_folder().join(period.as_str()))?;
        within::check(self.root(), &self.staging())?;
        self.disk().create_folders(&self.drafts_folder().join(period.as_str()))?;
        self.disk().create_folders(&self.staging())?;
        self.disk().replace_file(&self.staging(), &path, draft)
    }

    /// A draft, if there is one.
    pub fn draft(&self, name: &TableName, period: &Period) -> Result<Option<Vec<u8>>, StoreError> {
        within::read_if_there(self.root(), &self.draft_path(name, period))
    }

    /// The names of a period's drafts, in order.
    pub fn drafts(&self, period: &Period) -> Result<Vec<TableName>, StoreError> {
        let folder = self.drafts_folder().join(period.as_str());
        let paths = within::entries(self.root(), &folder)?.into_iter();
        let name = |path: PathBuf| path.file_name()?.to_str()?.strip_suffix(".json")?.parse().ok();
        let mut names: Vec<TableName> = paths.filter_map(name).collect();
        names.sort();
        Ok(names)
    }

    /// Removes a draft, if there is one.
    pub fn forget_draft(&self, name: &TableName, period: &Period) -> Result<(), StoreError> {
        let path = self.draft_path(name, period);
        within::check(self.root(), &self.drafts_folder().join(period.as_str()))?;
        if path.exists() { self.disk().remove(&path) } else { Ok(()) }
    }

    pub(crate) fn drafts_folder(&self) -> PathBuf {
        self.root().join("drafts")
    }

    fn draft_path(&self, name: &TableName, period: &Period) -> PathBuf {
        self.drafts_folder().join(period.as_str()).join(format!("{name}.json"))
    }
}
