//! The list of identities that are linked by their number alone: keyed links of numbers, sealed. The numbers themselves are
//! kept nowhere. Each change makes a new file, which has the name of the proposal that two custodians approved, and the log
//! names the proposal: an older file that is put back is another's.

use std::collections::BTreeMap;

use minster_model::Kind;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    VaultFault,
    keys::{Link, hex, unhex},
};

/// Where the sealed files are.
pub(crate) const FOLDER: &str = "exact-only";

/// Numbers, as links: each once, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Numbers(BTreeMap<Link, Kind>);

/// The sealed file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExactOnlyFile {
    format: u32,
    /// The proposal that made the list before it.
    before: Option<String>,
    /// Links, hexadecimal, and the kinds of their numbers.
    numbers: BTreeMap<String, Kind>,
}

const FORMAT: u32 = 1;

impl Numbers {
    pub(crate) fn add(&mut self, kind: &Kind, link: Link) {
        self.0.insert(link, kind.clone());
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Links, ascending.
    pub(crate) fn links(&self) -> impl Iterator<Item = &Link> {
        self.0.keys()
    }

    /// Links with the kinds of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Link, &Kind)> {
        self.0.iter()
    }

    /// How many there are of each kind.
    pub(crate) fn by_kind(&self) -> BTreeMap<Kind, u64> {
        let mut counts = BTreeMap::new();
        self.0.values().for_each(|kind| *counts.entry(kind.clone()).or_default() += 1);
        counts
    }

    /// Puts others beside these.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Takes others away.
    pub(crate) fn remove(&mut self, others: &Self) {
        self.0.retain(|link, _| !others.0.contains_key(link));
    }

    /// The content that is sealed.
    pub(crate) fn write(&self, before: Option<&str>) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
        let numbers = self.0.iter().map(|(link, kind)| (hex(link), kind.clone())).collect();
        let file = ExactOnlyFile { format: FORMAT, before: before.map(str::to_owned), numbers };
        serde_json::to_vec(&file).map(Zeroizing::new).map_err(|_| {
            VaultFault::Crypto("the list of exact-only identities could not be written")
        })
    }

    /// Those of a sealed file, and the proposal that made the list before it; nothing where it is no such file.
    pub(crate) fn read(plain: &[u8]) -> Option<(Self, Option<String>)> {
        let file: ExactOnlyFile = serde_json::from_slice(plain)
            .ok()
            .filter(|file: &ExactOnlyFile| file.format == FORMAT)?;
        let link = |(link, kind): (&String, &Kind)| {
            Some((Link::try_from(unhex(link)?).ok()?, kind.clone()))
        };
        let numbers: Option<_> = file.numbers.iter().map(link).collect();
        Some((Self(numbers?), file.before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_was_written_is_read_and_no_other_is() {
        let kind = |name: &str| name.parse::<Kind>().unwrap();
        let mut numbers = Numbers::default();
        numbers.add(&kind("upn"), [2; 32]);
        numbers.add(&kind("la-child-id"), [1; 32]);
        numbers.add(&kind("upn"), [2; 32]);
        assert_eq!(numbers.by_kind(), [(kind("la-child-id"), 1), (kind("upn"), 1)].into());
        let written = numbers.write(Some("p1")).unwrap();
        assert_eq!(Numbers::read(&written), Some((numbers.clone(), Some("p1".to_owned()))));
        for at in 0..written.len() {
            assert_eq!(Numbers::read(&written[..at]), None);
        }
        let mut one = Numbers::default();
        one.add(&kind("upn"), [2; 32]);
        numbers.remove(&one);
        assert_eq!((numbers.len(), numbers.links().next()), (1, Some(&[1; 32])));
    }
}
