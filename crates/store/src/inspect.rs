//! The store as it stands, for an auditor: nothing is made, swept or refused for its mode.

use std::{
    fs,
    path::{Path, PathBuf},
};

use minster_model::DatasetRef;

use crate::{
    Dataset, DatasetKeys, Manifest, Origin, Store, StoreError,
    files::{self, MANIFEST},
    records::NEXT,
    within,
};

/// A dataset's folder and what its manifest says.
#[derive(Debug)]
pub struct StoredDataset {
    /// The folder.
    pub folder: PathBuf,
    /// The manifest, where it is one.
    pub manifest: Result<Manifest, StoreError>,
    /// SHA-256 of the manifest; empty where it is none.
    pub sha256: String,
    /// Whether it is the snapshot that stands, and not one that was superseded.
    pub current: bool,
}

impl Store {
    /// The store in a folder that is there.
    pub fn inspect(root: &Path) -> Result<Self, StoreError> {
        fs::read_dir(root).map_err(StoreError::io("read the folder", root))?;
        Ok(Self::on(root))
    }

    /// Every dataset in its place: those that stand, and what is left of those that they superseded.
    /// Those that a run was writing when it was killed are not in their place yet.
    pub fn stored_datasets(&self) -> Result<Vec<StoredDataset>, StoreError> {
        let mut folders = below(&self.places()?)?;
        folders.retain(|folder| !folder.ends_with(NEXT));
        folders.sort();
        let stored = |folder: PathBuf| {
            let current = folder
                .parent()
                .and_then(|place| within::link(self.root(), &place.join("current")).ok().flatten());
            let current = current.is_some_and(|version| folder.ends_with(version));
            let (manifest, sha256) = match Manifest::read(self.root(), &folder.join(MANIFEST)) {
                Ok((manifest, sha256)) => (Ok(manifest), sha256),
                Err(error) => (Err(error), String::new()),
            };
            StoredDataset { folder, manifest, sha256, current }
        };
        Ok(folders.into_iter().map(stored).collect())
    }

    /// Whether the linkage dataset of the source's dataset that stands is there: of its rows, not of an earlier delivery's.
    pub fn has_linkage(&self, dataset: &DatasetRef) -> bool {
        let is_there = || {
            let (_, sha256) = self.manifest(dataset).ok()?;
            match self.whole(&dataset.linkage()).ok()?.origin {
                Origin::Datasets { datasets, .. } => Some(datasets == [(dataset.clone(), sha256)]),
                Origin::Delivery { .. } => None,
            }
        };
        is_there() == Some(true)
    }

    /// The folder of each class, name and period: that of its versions.
    pub(crate) fn places(&self) -> Result<Vec<PathBuf>, StoreError> {
        let root = self.root().join("datasets");
        let mut folders = if root.exists() { vec![root] } else { Vec::new() };
        for _ in 0..3 {
            folders = below(&folders)?;
        }
        Ok(folders)
    }

    /// The manifests of all datasets that stand, in the order of class, name and period.
    pub fn manifests(&self) -> Result<Vec<Manifest>, StoreError> {
        let mut manifests = Vec::new();
        for stored in self.stored_datasets()?.into_iter().filter(|stored| stored.current) {
            manifests.push(stored.manifest?);
        }
        manifests.sort_by(|a, b| a.dataset.cmp(&b.dataset));
        Ok(manifests)
    }
}

impl StoredDataset {
    /// Hashes every file that its manifest names, and looks for others beside them.
    ///
    /// # Errors
    /// [`StoreError::File`] for the first that is gone, changed or not named; [`StoreError::Io`] where one cannot be read.
    pub fn verify_files(&self) -> Result<(), StoreError> {
        match &self.manifest {
            Ok(manifest) => files::verify((self.root(), &self.folder), manifest),
            Err(_) => Ok(()),
        }
    }

    /// A version stands in `datasets/CLASS/NAME/PERIOD` of the store.
    pub(crate) fn root(&self) -> &Path {
        self.folder.ancestors().nth(5).unwrap_or(&self.folder)
    }

    /// Opens the dataset. Its rows need not be conserved: an auditor reads what is there.
    pub fn open(&self, keys: &mut dyn DatasetKeys) -> Result<Dataset, StoreError> {
        let root = self.root();
        let (manifest, sha256) = Manifest::read(root, &self.folder.join(MANIFEST))?;
        Dataset::open_with((root, self.folder.clone()), manifest, sha256, keys)
    }
}

fn below(folders: &[PathBuf]) -> Result<Vec<PathBuf>, StoreError> {
    let mut below = Vec::new();
    for folder in folders {
        below.extend(folders_in(folder)?);
    }
    Ok(below)
}

/// Links are not followed.
fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(StoreError::io("read the folder", folder))? {
        let entry = entry.map_err(StoreError::io("read the folder", folder))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}
