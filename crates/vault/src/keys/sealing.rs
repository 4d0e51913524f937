//! Random bytes, and texts that are sealed under a key.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroizing;

use super::hex;
use crate::VaultFault;

pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultFault> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| VaultFault::Crypto("the system gives no random numbers"))?;
    Ok(bytes)
}

pub(crate) fn aead(key: &[u8; 32]) -> Result<LessSafeKey, VaultFault> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| VaultFault::Crypto("a cipher could not be keyed"))
}

/// AES-256-GCM under a random nonce, which stands before the ciphertext.
pub(crate) fn seal(key: &LessSafeKey, bound: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultFault> {
    let nonce = random::<NONCE_LEN>()?;
    let mut sealed = plain.to_vec();
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(bound),
        &mut sealed,
    )
    .map_err(|_| VaultFault::Crypto("sealing failed"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

pub(crate) fn open(key: &LessSafeKey, bound: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key.open_in_place(nonce, Aad::from(bound), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

/// A secret's digits and the end of their line. The buffer never grows, so that no copy of it stays in memory.
pub(crate) fn secret_line(secret: &[u8]) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::with_capacity(2 * secret.len() + 1));
    line.push_str(&Zeroizing::new(hex(secret)));
    line.push('\n');
    line
}
