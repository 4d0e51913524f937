//! The numbers that custodians listed: children whose rows are linked by their current number alone. Linking is told
//! pseudonyms; the numbers themselves never leave the vault.

use ahash::HashSet;
use minster_model::{KeyVersion, Pseudonym};

use crate::{MatchError, RestrictedNumbers, events::Delivered};

/// The list, as the vault tells it to whoever links for a purpose, and the one of restricted children beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Numbers on it, of whatever kind.
    pub numbers: u64,
    /// Says which list it is: another list has another. Empty where no number is on it.
    pub digest: String,
    /// The pseudonyms of its numbers under each version of the purpose's keys.
    pub versions: Vec<(KeyVersion, Vec<Pseudonym>)>,
    /// The children whose processing is restricted.
    pub restricted: RestrictedNumbers,
}

impl Listed {
    /// The name of the list in the origin of a dataset that is linked by it.
    pub(crate) fn origin(&self) -> Option<String> {
        (self.numbers > 0).then(|| self.digest.clone())
    }

    /// Its pseudonyms under the keys of the deliveries' datasets.
    ///
    /// # Errors
    /// [`MatchError::Listed`] where the vault told none of that version.
    pub(crate) fn of(&self, delivered: &[Delivered]) -> Result<HashSet<Pseudonym>, MatchError> {
        if self.numbers == 0 {
            return Ok(HashSet::default());
        }
        under_keys_of(delivered, &self.versions, |version| MatchError::Listed { version })
    }
}

/// The pseudonyms of a list under the keys of the deliveries' datasets; none without a delivery.
pub(crate) fn under_keys_of(
    delivered: &[Delivered],
    versions: &[(KeyVersion, Vec<Pseudonym>)],
    untold: impl FnOnce(KeyVersion) -> MatchError,
) -> Result<HashSet<Pseudonym>, MatchError> {
    let Some(one) = delivered.first() else { return Ok(HashSet::default()) };
    let version = one.dataset.manifest().key_version;
    let found = versions.iter().find(|(of, _)| *of == version);
    let (_, pseudonyms) = found.ok_or_else(|| untold(version))?;
    Ok(pseudonyms.iter().copied().collect())
}
