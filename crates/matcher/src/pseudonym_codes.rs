//! Pseudonyms by small numbers. A row's cells are then four bytes each, and a number is looked up without a copy of it.

use ahash::RandomState;
use arrow::array::{Array, FixedSizeBinaryArray};
use hashbrown::{HashTable, hash_table::Entry};
use minster_model::Pseudonym;

/// A pseudonym with its hash: several cores hash, one gives out codes.
#[derive(Clone, Copy)]
pub(crate) struct HashedPseudonym {
    pseudonym: Pseudonym,
    hash: u64,
}

impl HashedPseudonym {
    pub(crate) fn pseudonym(self) -> Pseudonym {
        self.pseudonym
    }
}

/// Hashes pseudonyms as the codes that it was taken from do.
#[derive(Debug, Clone)]
pub(crate) struct PseudonymHasher(RandomState);

impl PseudonymHasher {
    fn hash(&self, pseudonym: &[u8; Pseudonym::LEN]) -> u64 {
        self.0.hash_one(u128::from_ne_bytes(*pseudonym))
    }

    pub(crate) fn hashed(&self, pseudonym: Pseudonym) -> HashedPseudonym {
        HashedPseudonym { pseudonym, hash: self.hash(pseudonym.as_bytes()) }
    }

    /// The cells of a column; nothing for a blank.
    pub(crate) fn cells(&self, column: &FixedSizeBinaryArray) -> Vec<Option<HashedPseudonym>> {
        let (cells, _) = column.value_data().as_chunks::<{ Pseudonym::LEN }>();
        let cell = |(row, cell): (usize, &[u8; Pseudonym::LEN])| {
            column.is_valid(row).then(|| self.hashed(Pseudonym::from_bytes(*cell)))
        };
        cells.iter().enumerate().map(cell).collect()
    }
}

/// Each pseudonym once, numbered from 0 in the order in which they came.
#[derive(Clone)]
pub(crate) struct PseudonymCodes {
    all: Vec<Pseudonym>,
    codes: HashTable<u32>,
    hasher: PseudonymHasher,
}

impl Default for PseudonymCodes {
    fn default() -> Self {
        let hasher = PseudonymHasher(RandomState::new());
        Self { all: Vec::new(), codes: HashTable::new(), hasher }
    }
}

impl std::fmt::Debug for PseudonymCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PseudonymCodes").field("pseudonyms", &self.all.len()).finish()
    }
}

impl PseudonymCodes {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The pseudonym with a code.
    pub(crate) fn pseudonym(&self, code: u32) -> Pseudonym {
        self.all[code as usize]
    }

    /// Hashes cells that will be added.
    pub(crate) fn hasher(&self) -> &PseudonymHasher {
        &self.hasher
    }

    /// The code of a pseudonym; a new one gets the next.
    pub(crate) fn add(&mut self, pseudonym: Pseudonym) -> u32 {
        self.add_hashed(self.hasher.hashed(pseudonym))
    }

    /// [`PseudonymCodes::add`] of a cell that these codes' hasher hashed.
    pub(crate) fn add_hashed(
        &mut self,
        HashedPseudonym { pseudonym, hash }: HashedPseudonym,
    ) -> u32 {
        let Self { all, codes, hasher } = self;
        let is_it = |code: &u32| all[*code as usize] == pseudonym;
        match codes.entry(hash, is_it, |code| hasher.hash(all[*code as usize].as_bytes())) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                let code = all.len() as u32;
                place.insert(code);
                all.push(pseudonym);
                code
            }
        }
    }

    /// The code of a pseudonym that came.
    pub(crate) fn code(&self, pseudonym: &Pseudonym) -> Option<u32> {
        let hash = self.hasher.hash(pseudonym.as_bytes());
        self.codes.find(hash, |code| self.all[*code as usize] == *pseudonym).copied()
    }
}
