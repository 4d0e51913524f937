//! Keyed hashes of facts and of tombstones.

use ring::hmac;

use crate::keys::Link;

/// Makes keyed hashes for the retention of one purpose's records.
pub(crate) struct RetentionKey(hmac::Key);

impl RetentionKey {
    pub(crate) fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    pub(crate) fn hash(&self, bytes: &[u8]) -> Link {
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&self.0, bytes).as_ref());
        hash
    }
}
