//! The subject of a proposal to dispose: the schedule, and the links of the numbers. It is kept sealed until it is carried out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    VaultFault,
    folder::OpenFolder,
    keys::{Link, hex, unhex},
    state::State,
};

/// Where the sealed files are.
const FOLDER: &str = "disposals";
/// The beginning of the name of what is proposed.
pub(crate) const PROPOSED: &str = "proposed-";

/// A proposed disposal.
pub(crate) struct Proposed {
    /// The schedule's text.
    pub(crate) schedule: String,
    /// Links of the persons' own numbers.
    pub(crate) numbers: BTreeSet<Link>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProposedFile {
    format: u32,
    schedule: String,
    numbers: Vec<String>,
}

const FORMAT: u32 = 1;

impl Proposed {
    /// The folder of such files.
    pub(crate) const FOLDER: &str = FOLDER;

    /// The name of a proposal's file. A list's own file has the proposal's name alone.
    pub(crate) fn name(proposal: &str) -> String {
        format!("{PROPOSED}{proposal}")
    }

    pub(crate) fn write(&self) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
        let numbers = self.numbers.iter().map(|link| hex(link)).collect();
        let file = ProposedFile { format: FORMAT, schedule: self.schedule.clone(), numbers };
        let written = serde_json::to_vec(&file).map(Zeroizing::new);
        written.map_err(|_| VaultFault::Crypto("a disposal could not be written"))
    }

    pub(crate) fn read(plain: &[u8]) -> Option<Self> {
        let file: ProposedFile = serde_json::from_slice(plain).ok()?;
        let link = |text: &String| Link::try_from(unhex(text)?).ok();
        let numbers = file.numbers.iter().map(link).collect::<Option<_>>()?;
        (file.format == FORMAT).then_some(Self { schedule: file.schedule, numbers })
    }
}

/// Whether a file of disposals is of one that is proposed or open.
pub(crate) fn is_wanted(state: &State, name: &str) -> bool {
    match name.strip_prefix(PROPOSED) {
        Some(proposal) => state.proposals.contains_key(proposal),
        None => state.disposal(name).is_some() || state.proposals.contains_key(name),
    }
}

/// Removes what is sealed of disposals that are neither proposed any more nor open.
pub(crate) fn sweep(folder: &OpenFolder, state: &State) -> Result<(), VaultFault> {
    folder.sweep(Proposed::FOLDER, |name| is_wanted(state, name))
}
