//! Sealed files of records that leave with a disposal, as the log tells of them.

use std::collections::BTreeMap;

use minster_model::Purpose;
use minster_retention::CategoryName;
use minster_vault_api::{ArchiveStatus, ArchivedCount, Denial, MadePart, PartUse};

use super::{OpenDisposal, State};
use crate::{
    log::{ArchiveEvent, DisposedPart},
    retention::shown,
};

/// A part of a disposal list, with its sealed file.
#[derive(Debug, Clone)]
pub(crate) struct OpenPart {
    /// The log's word on it when it was signed.
    pub(crate) told: DisposedPart,
    /// The file that was made.
    pub(crate) made: Option<MadePart>,
}

/// A sealed archive.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    /// SHA-256 of what the vault keeps sealed of it.
    pub(crate) sealed: String,
    /// SHA-256 of its file.
    pub(crate) sha256: Option<String>,
    persons: BTreeMap<CategoryName, u64>,
    since: String,
    opened: u64,
}

impl OpenPart {
    pub(super) fn of(told: &DisposedPart) -> Self {
        Self { told: told.clone(), made: None }
    }

    /// The part as a receipt tells of it.
    pub(crate) fn told(&self) -> serde_json::Value {
        serde_json::json!({
            "of": self.told.of,
            "recipient": self.told.recipient,
            "file": self.made,
        })
    }

    /// The next step where its file is not made.
    pub(crate) fn not_made(&self) -> String {
        match self.told.of {
            PartUse::Archive => {
                "the sealed archive of the records that are made inaccessible was not made yet; `minster dispose` makes it first"
            }
            PartUse::CityArchives => {
                "the bundle for the City Archives was not made yet; `minster dispose` makes it first"
            }
        }
        .to_owned()
    }
}

impl Archive {
    pub(super) fn of(part: &OpenPart, since: &str) -> Option<Self> {
        (part.told.of == PartUse::Archive).then(|| Self {
            sealed: part.told.sealed.clone(),
            sha256: None,
            persons: part.told.persons.clone(),
            since: since.to_owned(),
            opened: 0,
        })
    }
}

impl OpenDisposal {
    /// A part whose file is not made.
    pub(crate) fn unmade(&self) -> Option<&OpenPart> {
        self.parts.iter().find(|part| part.made.is_none())
    }

    /// A part whose file may be made, also once more: no row left a dataset yet.
    ///
    /// # Errors
    /// [`Denial::OutOfOrder`].
    pub(crate) fn may_make(&self, part: u32) -> Result<&OpenPart, Denial> {
        let refused = |what: &str| Denial::OutOfOrder { what: what.to_owned() };
        if self.has_begun() {
            return Err(refused(
                "rows of the list left a dataset already, so no sealed file of them can be made again; put the file back from a copy",
            ));
        }
        let found = usize::try_from(part).ok().and_then(|at| self.parts.get(at));
        found.ok_or_else(|| refused("the disposal list has no such part"))
    }
}

impl State {
    pub(super) fn apply_archive(&mut self, step: &ArchiveEvent) {
        match step {
            ArchiveEvent::Made { purpose, list, part, made } => self.purpose(purpose, |state| {
                let open = state.disposals.get_mut(list);
                let at = usize::try_from(*part).unwrap_or(usize::MAX);
                let Some(part) = open.and_then(|open| open.parts.get_mut(at)) else { return };
                part.made = Some(made.clone());
                if let (PartUse::Archive, Some(archive)) =
                    (part.told.of, state.archives.get_mut(list))
                {
                    archive.sha256 = Some(made.sha256.clone());
                }
            }),
            ArchiveEvent::Began { proposal, .. } => {
                if let Some(state) = self.proposals.get_mut(proposal) {
                    state.begun += 1;
                }
            }
            ArchiveEvent::Opened { purpose, archive, .. } => self.purpose(purpose, |state| {
                if let Some(archive) = state.archives.get_mut(archive) {
                    archive.opened += 1;
                }
            }),
        }
    }

    /// Refuses a step that nobody who reads the log later would accept.
    pub(super) fn admit_archive(&self, step: &ArchiveEvent) -> Result<(), Denial> {
        match step {
            ArchiveEvent::Made { purpose, list, part, .. } => {
                let missing =
                    || Denial::Fault { what: "a sealed file of a list that is not open".into() };
                let open = self.named(purpose)?.disposals.get(list).ok_or_else(missing)?;
                open.may_make(*part).map(drop)
            }
            ArchiveEvent::Began { archive, .. } => self.archive(archive).map(drop),
            ArchiveEvent::Opened { archive, .. } => self.archive(archive).map(drop),
        }
    }

    /// An archive that stands, with its purpose.
    ///
    /// # Errors
    /// [`Denial::OutOfOrder`], where there is none.
    pub(crate) fn archive(&self, name: &str) -> Result<(&Purpose, &Archive), Denial> {
        let mut standing = self.purposes.iter().filter(|(_, state)| state.ending.is_none());
        let found =
            standing.find_map(|(purpose, state)| Some((purpose, state.archives.get(name)?)));
        found.ok_or_else(|| Denial::OutOfOrder {
            what: "there is no such archive; `minster-vault archive list` lists them".into(),
        })
    }

    /// The archives of purposes that are not over, by purpose and name.
    pub(crate) fn archives(&self) -> Vec<ArchiveStatus> {
        let standing = self.purposes.iter().filter(|(_, state)| state.ending.is_none());
        let all = standing.flat_map(|(purpose, state)| {
            state.archives.iter().map(move |(name, of)| (purpose, name, of))
        });
        let told = |(purpose, name, of): (&Purpose, &String, &Archive)| ArchiveStatus {
            archive: name.clone(),
            purpose: purpose.clone(),
            since: of.since.clone(),
            persons: of
                .persons
                .iter()
                .map(|(category, count)| ArchivedCount {
                    category: category.to_string(),
                    persons: shown(*count),
                })
                .collect(),
            sha256: of.sha256.clone(),
            opened: of.opened,
        };
        all.map(told).collect()
    }
}
