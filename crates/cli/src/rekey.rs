//! `minster rekey`: converts the datasets of a purpose to the version of its keys that the vault has made. Each dataset is
//! replaced in one step, and converted ones are kept, so that an interrupted run is resumed by running it again.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use minster_model::{DatasetClass, KeyVersion, Pseudonym, Role};
use minster_store::Successors;
use minster_vault_api::Client;

use crate::{failure::Failure, pipeline::Loaded, report};

/// The datasets that were converted.
#[derive(Debug)]
pub(crate) struct Rekeyed {
    version: u32,
    converted: Vec<String>,
    /// Parts for scored matching have no successors: their rows are ingested again.
    shredded: Vec<String>,
    left: usize,
}

pub(crate) fn rekey(loaded: &Loaded) -> Result<Rekeyed, Failure> {
    let purpose = &loaded.pipeline.purpose;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    let mut vault = Client::connect(&loaded.pipeline.vault.socket, Role::Linker, "minster")?;
    let status = vault.status()?;
    let now = status.purposes.into_iter().find(|status| status.purpose == *purpose);
    let now = now.ok_or_else(|| Failure::NoPurpose { purpose: purpose.clone() })?;
    let mut walks = Walks { to: now.key_version, by_version: BTreeMap::new() };
    let (mut converted, mut shredded, mut left) = (Vec::new(), Vec::new(), 0);
    for manifest in store.manifests()? {
        if manifest.dataset.purpose != *purpose {
            continue;
        }
        if manifest.key_version >= now.key_version {
            store.remove_of_earlier_keys(&manifest.dataset, now.key_version)?;
            left += 1;
            continue;
        }
        if manifest.dataset.class == DatasetClass::Linkage {
            store.shred(&manifest.dataset)?;
            shredded.push(manifest.dataset.to_string());
            continue;
        }
        let pairs = walks.from(manifest.key_version, purpose, &mut vault)?;
        let key_check = now.key_check.clone();
        let successors = Successors { version: now.key_version, key_check, pairs };
        store.rekey(&manifest.dataset, &loaded.run, &successors, &mut vault)?;
        walks.keep(manifest.key_version, successors.pairs);
        converted.push(manifest.dataset.to_string());
    }
    Ok(Rekeyed { version: now.key_version.0, converted, shredded, left })
}

/// Pairs from each earlier version to the present one.
struct Walks {
    to: KeyVersion,
    by_version: BTreeMap<KeyVersion, HashMap<Pseudonym, Pseudonym>>,
}

impl Walks {
    fn from(
        &mut self,
        version: KeyVersion,
        purpose: &minster_model::Purpose,
        vault: &mut Client,
    ) -> Result<HashMap<Pseudonym, Pseudonym>, Failure> {
        if let Some(pairs) = self.by_version.remove(&version) {
            return Ok(pairs);
        }
        let mut pairs: HashMap<_, _> = vault.crosswalk(purpose, version)?.into_iter().collect();
        for next in (version.0 + 1..self.to.0).map(KeyVersion) {
            let step: HashMap<_, _> = vault.crosswalk(purpose, next)?.into_iter().collect();
            // A pseudonym that a step lacks has no successor, and the store says so.
            pairs.retain(|_, successor| match step.get(successor) {
                Some(next) => {
                    *successor = *next;
                    true
                }
                None => false,
            });
        }
        Ok(pairs)
    }

    fn keep(&mut self, version: KeyVersion, pairs: HashMap<Pseudonym, Pseudonym>) {
        self.by_version.insert(version, pairs);
    }
}

impl Rekeyed {
    pub(crate) fn text(&self) -> String {
        let Self { version, converted, shredded, left } = self;
        let mut text = String::new();
        for dataset in converted {
            let _ = writeln!(text, "{dataset}");
        }
        for dataset in shredded {
            let _ = writeln!(text, "{dataset}: shredded, to be ingested again");
        }
        let count = converted.len();
        let _ = writeln!(
            text,
            "{count} datasets converted to v{version}, {left} already had it. Link and release again as usual; from now \
             on, earlier releases are compared with later ones cell by cell"
        );
        text
    }

    pub(crate) fn json(&self) -> Result<String, Failure> {
        let Self { version, converted, shredded, left } = self;
        let object = serde_json::json!({
            "format": 1,
            "version": version,
            "converted": converted,
            "shredded": shredded,
            "unchanged": left,
        });
        report::json(&object)
    }
}
