//! The keys of runs' tokens: drawn when a run is opened, sealed for its purpose, source and run, and opened again
//! for whoever may open the dataset that the run made.
//!
//! They outlive the versions of a purpose's keys: a dataset that is carried over keeps its run's key.

use minster_model::{Purpose, RunId, SourceName};
use minster_vault_api::{RunKey, SealedRunKey};

use crate::{
    VaultFault,
    keys::{Keys, hex, label, open, random, seal, unhex},
};

const PREFIX: &str = "minster-run-1";

/// The purpose, source and run that a run's key belongs to.
#[derive(Debug, Clone, Copy)]
pub struct RunOf<'a> {
    /// The purpose.
    pub purpose: &'a Purpose,
    /// The source.
    pub source: &'a SourceName,
    /// The run.
    pub run: &'a RunId,
}

/// A new run's key, plain and sealed.
pub fn draw(keys: &Keys, of: RunOf<'_>) -> Result<(RunKey, SealedRunKey), VaultFault> {
    let key = RunKey::from_bytes(random()?);
    let cipher = keys.cipher(&["run", of.purpose.as_str()])?;
    let sealed = hex(&seal(&cipher, &of.bound(keys), key.expose())?);
    Ok((key, SealedRunKey(format!("{PREFIX}:{}:{sealed}", of.run))))
}

/// The run that a sealed key names, and its key, if it was sealed here for this purpose and source.
pub fn reveal(
    keys: &Keys,
    purpose: &Purpose,
    source: &SourceName,
    sealed: &SealedRunKey,
) -> Option<(RunId, RunKey)> {
    let (prefix, rest) = sealed.0.split_once(':')?;
    let (run, sealed) = rest.split_once(':')?;
    let run: RunId = (prefix == PREFIX).then(|| run.parse().ok())??;
    let cipher = keys.cipher(&["run", purpose.as_str()]).ok()?;
    let bound = RunOf { purpose, source, run: &run }.bound(keys);
    let key = open(&cipher, &bound, &unhex(sealed)?)?;
    let key = RunKey::from_bytes(key.as_slice().try_into().ok()?);
    Some((run, key))
}

impl RunOf<'_> {
    fn bound(&self, keys: &Keys) -> Vec<u8> {
        let Self { purpose, source, run } = self;
        label(&[keys.store_id(), "run", purpose.as_str(), source.as_str(), run.as_str()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::RootKey;

    #[test]
    fn a_run_s_key_opens_for_its_own_purpose_source_and_run_alone() {
        let keys = Keys::new(RootKey::from_bytes([1; 32]), "s");
        let (purpose, other): (Purpose, Purpose) = ("p".parse().unwrap(), "q".parse().unwrap());
        let (source, another): (SourceName, SourceName) =
            ("census".parse().unwrap(), "cin".parse().unwrap());
        let run = "r1".parse().unwrap();
        let of = RunOf { purpose: &purpose, source: &source, run: &run };
        let (key, sealed) = draw(&keys, of).unwrap();
        assert!(draw(&keys, of).unwrap().0 != key, "the same run again has another key");
        assert!(reveal(&keys, &purpose, &source, &sealed) == Some((run, key)));
        assert!(reveal(&keys, &other, &source, &sealed).is_none());
        assert!(reveal(&keys, &purpose, &another, &sealed).is_none());
        let renamed = SealedRunKey(sealed.0.replace(":r1:", ":r2:"));
        assert!(reveal(&keys, &purpose, &source, &renamed).is_none());
        for root in [
            Keys::new(RootKey::from_bytes([2; 32]), "s"),
            Keys::new(RootKey::from_bytes([1; 32]), "t"),
        ] {
            assert!(reveal(&root, &purpose, &source, &sealed).is_none());
        }
        for at in 0..sealed.0.len() {
            let mut text = sealed.0.clone().into_bytes();
            text[at] = if text[at] == b'0' { b'1' } else { b'0' };
            let changed = SealedRunKey(String::from_utf8(text).unwrap());
            assert!(reveal(&keys, &purpose, &source, &changed).is_none(), "{at}");
        }
    }
}
