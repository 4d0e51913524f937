//! The part of an archive that never leaves the vault: the identity that opens its file, and whose the pseudonyms in it are.

use std::collections::{BTreeSet, HashSet};

use age::{secrecy::ExposeSecret, x25519::Identity};
use minster_model::{Kind, csv_line};
use minster_retention::CategoryName;
use minster_vault_api::PartUse;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    VaultFault,
    access::{NUMBERS_TABLE, OwnFile},
    folder::OpenFolder,
    state::State,
};

const FORMAT: u32 = 1;

/// A person whose records are kept. Holds numbers: no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptPerson {
    /// The row of the schedule by which the records leave.
    pub(crate) category: CategoryName,
    /// Birth dates that deliveries told.
    pub(crate) born: BTreeSet<String>,
    /// The person's own numbers.
    pub(crate) numbers: Vec<KeptNumber>,
}

/// A number, and what stands for it in the file.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptNumber {
    #[zeroize(skip)]
    pub(crate) kind: Kind,
    /// The keyed tag by which a proposal about one person names it.
    pub(crate) tag: String,
    /// The pseudonym.
    pub(crate) code: String,
    pub(crate) number: String,
}

/// All that the vault keeps sealed of a part of a disposal list.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedPart {
    format: u32,
    /// The age identity that opens the file; none of a bundle, which the City Archives open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    /// The persons.
    pub(crate) persons: Vec<KeptPerson>,
}

impl SealedPart {
    /// The folder of such files.
    pub(crate) const FOLDER: &str = "archives";

    /// The name of the file of a list's part.
    pub(crate) fn name(list: &str, part: usize) -> String {
        format!("{list}.{part}")
    }

    /// A part with these persons, and the recipient of its file: of an archive a new one, whose identity is kept here alone.
    pub(crate) fn new(persons: Vec<KeptPerson>, city: Option<&str>) -> (Self, String) {
        let (identity, recipient) = match city {
            Some(recipient) => (None, recipient.to_owned()),
            None => {
                let identity = Identity::generate();
                let secret = identity.to_string().expose_secret().to_owned();
                (Some(secret), identity.to_public().to_string())
            }
        };
        (Self { format: FORMAT, identity, persons }, recipient)
    }

    pub(crate) fn write(&self) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
        let written = serde_json::to_vec(self).map(Zeroizing::new);
        written
            .map_err(|_| VaultFault::Crypto("the sealed part of an archive could not be written"))
    }

    pub(crate) fn read(plain: &[u8]) -> Option<Self> {
        serde_json::from_slice(plain).ok().filter(|part: &Self| part.format == FORMAT)
    }

    /// The identity that opens the file.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.identity.as_ref()?.parse().ok()
    }

    /// How many numbers it has.
    pub(crate) fn numbers(&self) -> u64 {
        self.persons.iter().map(|person| person.numbers.len() as u64).sum()
    }

    /// Keeps the person alone whose number has a tag, if any.
    pub(crate) fn only(&mut self, tag: &str) {
        self.persons.retain(|person| person.numbers.iter().any(|number| number.tag == tag));
    }

    /// The pseudonyms of its persons.
    pub(crate) fn codes(&self) -> HashSet<String> {
        let numbers = self.persons.iter().flat_map(|person| &person.numbers);
        numbers.map(|number| number.code.clone()).collect()
    }

    /// A line for each number, of the form of the file's own lines.
    pub(crate) fn lines(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for (place, person) in (1u64..).zip(&self.persons) {
            for of in &person.numbers {
                let line = serde_json::json!({
                    "person": place,
                    "category": person.category,
                    "born": person.born,
                    "kind": of.kind,
                    "code": of.code,
                    "number": of.number,
                });
                text.push_str(&line.to_string());
                text.push('\n');
            }
        }
        text
    }

    /// The same as a table, for a bundle.
    pub(crate) fn table(&self) -> OwnFile {
        let mut text =
            Zeroizing::new(csv_line(&["person", "category", "born", "kind", "code", "number"]));
        for (place, person) in (1u64..).zip(&self.persons) {
            let born = person.born.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
            for of in &person.numbers {
                let (place, category) = (place.to_string(), person.category.as_str());
                let line = [&place, category, &born, of.kind.as_str(), &of.code, &of.number];
                text.push_str(&csv_line(&line));
            }
        }
        OwnFile { name: NUMBERS_TABLE, text }
    }
}

/// The list of a sealed part's file.
fn list_of(name: &str) -> Option<(&str, usize)> {
    let (list, part) = name.split_once('.')?;
    Some((list, part.parse().ok()?))
}

/// Whether a sealed part is wanted: of an archive that stands, of a list that is open, or of one that is being carried out.
fn is_wanted(state: &State, name: &str) -> bool {
    let Some((list, part)) = list_of(name) else { return false };
    if state.proposals.contains_key(list) || state.disposal(list).is_some() {
        return true;
    }
    // A bundle's numbers go with its list.
    let parts = state.receipt(list).map(|(_, closed)| closed.parts.as_slice()).unwrap_or_default();
    parts.get(part).is_some_and(|part| part.told.of == PartUse::Archive)
}

/// Whether a sealed part is of a purpose.
pub(crate) fn is_its(state: &State, purpose: &minster_model::Purpose, name: &str) -> bool {
    let Some((list, _)) = list_of(name.strip_prefix('.').unwrap_or(name)) else { return false };
    state
        .purposes
        .get(purpose)
        .is_some_and(|of| of.disposals.contains_key(list) || of.receipts.contains_key(list))
}

/// Removes sealed parts that nobody wants any more: a process was stopped before it did.
pub(crate) fn sweep(folder: &OpenFolder, state: &State) -> Result<(), VaultFault> {
    folder.sweep(SealedPart::FOLDER, |name| is_wanted(state, name))
}
