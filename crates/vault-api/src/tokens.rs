//! Tokens stand for pseudonyms in one run. The vault answers a run with them: each pseudonym encrypted as one
//! AES-128 block (FIPS 197) under a key of that run, so that the tokens of two runs have nothing in common and
//! none of them is a pseudonym. A reader who may open the run's dataset is given the key and turns them back.

use std::fmt;

use aes::{
    Aes128, Block,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::bounds;

/// A token: it stands for a pseudonym in one run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token([u8; Self::LEN]);

impl Token {
    /// As long as a pseudonym.
    pub const LEN: usize = minster_model::Pseudonym::LEN;

    /// From its bytes.
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The key of one run's tokens. Cleared when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct RunKey([u8; 16]);

impl RunKey {
    /// From 16 random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The key's bytes.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// Ready for use.
    pub fn cipher(&self) -> RunCipher {
        RunCipher(Aes128::new(&self.0.into()))
    }
}

impl fmt::Debug for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunKey(…)")
    }
}

/// A run's key sealed by the vault for its purpose, source and run; stands in the dataset's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedRunKey(
    #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")] pub String,
);

/// Turns pseudonyms into a run's tokens and back. Cleared when dropped.
#[derive(Clone)]
pub struct RunCipher(Aes128);

impl RunCipher {
    /// Pseudonyms, end to end, become tokens. Bytes after the last whole one stay.
    pub fn to_tokens(&self, pseudonyms: &mut [u8]) {
        self.0.encrypt_blocks(Block::slice_as_chunks_mut(pseudonyms).0);
    }

    /// Tokens, end to end, become pseudonyms. Bytes after the last whole one stay.
    pub fn to_pseudonyms(&self, tokens: &mut [u8]) {
        self.0.decrypt_blocks(Block::slice_as_chunks_mut(tokens).0);
    }
}

impl fmt::Debug for RunCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunCipher(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// FIPS 197, appendix C.1.
    #[test]
    fn aes_128_known_answer() {
        let key = RunKey::from_bytes(std::array::from_fn(|at| at as u8));
        let mut block: [u8; 16] = std::array::from_fn(|at| 0x11 * at as u8);
        let plain = block;
        key.cipher().to_tokens(&mut block);
        assert_eq!(
            block,
            [
                0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4,
                0xc5, 0x5a
            ]
        );
        key.cipher().to_pseudonyms(&mut block);
        assert_eq!(block, plain);
    }

    proptest! {
        #[test]
        fn all_are_turned_and_turned_back(key in any::<[u8; 16]>(), all in prop::collection::vec(any::<u8>(), 0..400)) {
            let cipher = RunKey::from_bytes(key).cipher();
            let mut turned = all.clone();
            cipher.to_tokens(&mut turned);
            for (one, other) in all.chunks_exact(16).zip(turned.chunks_exact(16)) {
                prop_assert_ne!(one, other);
            }
            let rest = all.len() / 16 * 16;
            prop_assert_eq!(&turned[rest..], &all[rest..]);
            cipher.to_pseudonyms(&mut turned);
            prop_assert_eq!(turned, all);
        }
    }
}
