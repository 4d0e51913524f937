//! Repairs a mistyped number: of the numbers from which one slip leads to it, it is the only one that other deliveries told with
//! the birth date beside it.
//!
//! Without the birth date one in ten to twenty such answers would be another child's; with it none of 20,000 was
//! (`tests/vault/slips.rs`).

use minster_identifiers::{nhs_numbers_before_a_slip, upns_before_a_slip};
use minster_model::Kind;

use crate::{
    keys::{BesideKey, LinkKey},
    probing::Block,
    registry::{Births, Registry},
};

/// All that the vault knows of a mistyped number.
#[derive(Debug, Default)]
pub struct Slip {
    /// The record of the number that it was, where exactly one fits.
    pub found: Option<u32>,
    /// The records of all numbers that it may have been, whatever their birth dates.
    pub known: Vec<u32>,
    /// The blocks of all numbers that it may have been.
    pub blocks: Vec<Block>,
}

/// The canonical numbers that a faulty one may have been; nothing where numbers of this kind are not repaired.
pub fn candidates(kind: &Kind, faulty: &[u8]) -> Option<Vec<Vec<u8>>> {
    let text = std::str::from_utf8(faulty).unwrap_or_default();
    match kind.as_str() {
        "upn" => Some(upns_before_a_slip(text).iter().map(|one| one.to_vec()).collect()),
        "nhs-number" => {
            Some(nhs_numbers_before_a_slip(text).iter().map(|one| one.to_vec()).collect())
        }
        _ => None,
    }
}

impl Slip {
    /// Looks the candidates up; `before` is how many deliveries may be looked at.
    pub fn look(
        kind: &Kind,
        candidates: &[Vec<u8>],
        born: &[u8],
        (link_key, beside_key): (&LinkKey, &BesideKey),
        (registry, births, before): (&Registry, &Births, u32),
    ) -> Self {
        let mut slip = Self::default();
        let mut fit = Vec::new();
        for candidate in candidates {
            slip.blocks.extend(Block::of(kind, candidate));
            let link = link_key.link(candidate);
            let Some(record) = registry.find(&link) else { continue };
            slip.known.push(record);
            if births.is_told(&beside_key.beside(&link, born), before) {
                fit.push(record);
            }
        }
        if let [only] = fit.as_slice() {
            slip.found = Some(*only);
        }
        slip
    }
}
