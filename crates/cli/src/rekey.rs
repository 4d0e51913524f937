//! `minster rekey`: converts the datasets of a purpose to the version of its keys that the vault has made. Each dataset is
//! replaced in one step, and converted ones are kept, so that an interrupted run is resumed by running it again.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use minster_model::{DatasetClass, KeyVersion, Pseudonym, Role};
use minster_store::Successors;
use minster_vault_api::Client;

use crate::{
    failure::Failure,
    pipeline::{Loaded, settled},
    report,
};

/// The datasets that were converted.
#[derive(Debug)]
pub(crate) struct Rekeyed {
    version: u32,
    converted: Vec<String>,
    /// Parts for scored matching have no successors: their rows are ingested again.
    shredded: Vec<String>,
    /// Datasets with ids and match keys that linking made itself, of no key, and how many.
    stayed: Vec<(String, usize)>,
    left: usize,
}

pub(crate) fn rekey(loaded: &Loaded) -> Result<Rekeyed, Failure> {
    let purpose = &loaded.pipeline.purpose;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Linker, "minster")?;
    let status = vault.status()?;
    let now = status.purposes.into_iter().find(|status| status.purpose == *purpose);
    let now = now.ok_or_else(|| Failure::NoPurpose { purpose: purpose.clone() })?;
    let store = settled(&store, purpose, &mut vault)?;
    let mut walks = Walks { to: now.key_version, by_version: BTreeMap::new() };
    let (mut converted, mut shredded, mut stayed) = (Vec::new(), Vec::new(), Vec::new());
    let mut left = 0;
    // Deliveries first: each pseudonym in them must have a successor, or nothing that was linked from them is converted.
    let mut manifests = store.manifests()?;
    manifests.sort_by_key(|manifest| manifest.dataset.class);
    for manifest in manifests {
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
        let carried = store.rekey(&manifest.dataset, &loaded.run, &successors, &mut vault)?;
        walks.keep(manifest.key_version, successors.pairs);
        converted.push(manifest.dataset.to_string());
        if carried.stayed > 0 {
            stayed.push((manifest.dataset.to_string(), carried.stayed));
        }
    }
    Ok(Rekeyed { version: now.key_version.0, converted, shredded, stayed, left })
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
            let lost = || Failure::LostStep { purpose: purpose.clone(), version: next };
            pairs = go_on(pairs, &step).ok_or_else(lost)?;
        }
        Ok(pairs)
    }

    fn keep(&mut self, version: KeyVersion, pairs: HashMap<Pseudonym, Pseudonym>) {
        self.by_version.insert(version, pairs);
    }
}

/// The pairs of two steps as one; nothing where the second lacks what the first leads to: no number is ever forgotten, so
/// it is not whole.
fn go_on(
    mut pairs: HashMap<Pseudonym, Pseudonym>,
    step: &HashMap<Pseudonym, Pseudonym>,
) -> Option<HashMap<Pseudonym, Pseudonym>> {
    for successor in pairs.values_mut() {
        *successor = *step.get(successor)?;
    }
    Some(pairs)
}

impl Rekeyed {
    pub(crate) fn text(&self) -> String {
        let Self { version, converted, shredded, stayed, left } = self;
        let mut text = String::new();
        for dataset in converted {
            let _ = writeln!(text, "{dataset}");
        }
        for dataset in shredded {
            let _ = writeln!(text, "{dataset}: shredded, to be ingested again");
        }
        for (dataset, ids) in stayed {
            let _ = writeln!(
                text,
                "{dataset}: {ids} ids and match keys that linking made itself stay until the next linking"
            );
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
        let Self { version, converted, shredded, stayed, left } = self;
        let object = serde_json::json!({
            "format": 1,
            "version": version,
            "converted": converted,
            "shredded": shredded,
            "stayed": stayed.iter().map(|(_, ids)| ids).sum::<usize>(),
            "unchanged": left,
        });
        report::json(&object)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_lacks_a_pseudonym_ends_the_walk() {
        let p = |n: u8| Pseudonym::from_bytes([n; 16]);
        let pairs = || HashMap::from([(p(1), p(11)), (p(2), p(12))]);
        let whole = HashMap::from([(p(11), p(21)), (p(12), p(22)), (p(13), p(23))]);
        let walked = go_on(pairs(), &whole).unwrap();
        assert_eq!(walked, HashMap::from([(p(1), p(21)), (p(2), p(22))]));
        assert_eq!(go_on(pairs(), &HashMap::from([(p(11), p(21))])), None);
    }
}
