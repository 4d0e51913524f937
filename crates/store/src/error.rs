use std::path::{Path, PathBuf};

use minster_model::{DatasetClass, DatasetRef, Purpose, Role, TableName};
use minster_vault_api::{Denial, ManifestFault, VaultError, writer};

/// Why the store cannot do what was asked. No message holds a row's value.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// The action that failed.
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// Another run works on this store.
    #[error("another run holds the lock {}; wait for it to end", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// Nothing has been published under this name and period.
    #[error("there is no dataset {dataset} in the store; ingest it first")]
    NoDataset {
        /// The dataset.
        dataset: DatasetRef,
    },
    /// The dataset was made for another purpose: two purposes' data cannot be joined.
    #[error(
        "the dataset {dataset} was made for the purpose {found}; data of two purposes cannot be joined: name that purpose in pipeline.toml, \
         or give this one a store of its own"
    )]
    OtherPurpose {
        /// The dataset as asked for.
        dataset: DatasetRef,
        /// The purpose that its manifest names.
        found: Purpose,
    },
    /// A manifest that is not one, or of a later format.
    #[error("the manifest {} {why}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The fault.
        why: String,
    },
    /// A run's record that is not one, or of a later format.
    #[error("the record {} {why}", path.display())]
    Run {
        /// The record.
        path: PathBuf,
        /// The fault.
        why: String,
    },
    /// A row may be about a person whose records stay, and nothing says so.
    #[error(
        "an earlier release made the dataset {dataset} and wrote down no kinds of its numbers, so nobody can say whether its rows are about \
         other persons too; it was left as it is: ingest its delivery again, then run the same again"
    )]
    UnknownKinds {
        /// The dataset.
        dataset: DatasetRef,
    },
    /// Rows went missing or came from nowhere.
    #[error(
        "rows are not conserved in {file}: read is not accepted + quarantined + duplicate + blocked; nothing was published"
    )]
    NotConserved {
        /// The source's file.
        file: String,
    },
    /// A table has other rows than its manifest counts.
    #[error(
        "the table {table} of {dataset} does not have the rows that its manifest counts; ingest or link it again"
    )]
    OtherRows {
        /// The dataset.
        dataset: DatasetRef,
        /// The table.
        table: TableName,
    },
    /// Parquet could not be written or read: a full disk, another key, or changed bytes.
    #[error("the table {} cannot be {verb}: {why}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// `written` or `read`.
        verb: &'static str,
        /// The Parquet crate's own error; never a value.
        why: String,
    },
    /// A table that the manifest does not name.
    #[error(
        "the dataset {dataset} has no table {table}; look at the name, or have the dataset made again (`minster run --again`)"
    )]
    NoTable {
        /// The dataset.
        dataset: DatasetRef,
        /// The table.
        table: String,
    },
    /// A pseudonym that no pair names: the dataset is not of the version that it says.
    #[error(
        "the table {table} of {dataset} holds a pseudonym that the vault has no successor for; ingest or link \
         it again"
    )]
    NoSuccessor {
        /// The dataset.
        dataset: DatasetRef,
        /// The table.
        table: TableName,
    },
    /// A folder that others may read.
    #[error("{} may be read by others; it must be its owner's alone (chmod go= on it), or that of one group that the programs share (chmod 2770)", path.display())]
    Exposed {
        /// The folder.
        path: PathBuf,
    },
    /// A symbolic link, or something else that is no folder or file of the store's own.
    #[error(
        "{} is a symbolic link, leads out of its folder, or is no plain folder or file; the store follows no link. Someone \
         who may write into the store put it there: look whose it is, remove it, and ingest or link again",
        path.display()
    )]
    Linked {
        /// The path.
        path: PathBuf,
    },
    /// A table in clear in the place of an encrypted one.
    #[error(
        "the table {} is not encrypted: it is not what was ingested or linked. Look who may write into the store, and ingest \
         or link again",
        path.display()
    )]
    Clear {
        /// The file.
        path: PathBuf,
    },
    /// The vault gave no key, or recorded no manifest.
    #[error(transparent)]
    Vault(VaultError),
    /// A dataset whose manifest is not the newest that the vault's log has.
    #[error("nothing is read from {dataset}: {fault}. {}", remedy(dataset, *fault))]
    NotRecorded {
        /// The dataset.
        dataset: DatasetRef,
        /// The fault.
        fault: ManifestFault,
    },
    /// A release's folder that is not what was let out.
    #[error(
        "{} is not what was let out: a file of it is gone, was changed, or was added. Look who may write into the store, and put the folder \
         back from a copy",
        path.display()
    )]
    OtherRelease {
        /// The release's folder.
        path: PathBuf,
    },
    /// A folder that cannot become a site for readers.
    #[error("no site is written to {}: {why}", path.display())]
    Site {
        /// The folder.
        path: PathBuf,
        /// Why, and what to do next.
        why: String,
    },
    /// A file of a dataset that is not as the manifest names it.
    #[error(
        "the file {file} of {dataset} {what}: it was removed, changed, or is another snapshot's. {}",
        remedy(dataset, ManifestFault::Other)
    )]
    File {
        /// The dataset.
        dataset: DatasetRef,
        /// The file's name.
        file: String,
        /// The fault.
        what: &'static str,
    },
}

/// The next step with a dataset that is not what the vault's log says.
fn remedy(dataset: &DatasetRef, fault: ManifestFault) -> String {
    if fault == ManifestFault::NotTakenOver {
        let program = match writer(dataset.class) {
            Role::Ingest => "minster-ingest run",
            Role::Analyst => "minster aggregate",
            _ => "minster link",
        };
        return format!(
            "Run `minster run`, or `{program}`, once: it takes over what an earlier release made"
        );
    }
    if fault == ManifestFault::Unrecorded {
        return "If custodians let the dataset be begun anew, remove its folder in the store, and run again; otherwise look who \
                may write into the store. See docs/engineers.md, \"When a snapshot is not the newest\""
            .to_owned();
    }
    if is_made_once(dataset) {
        return "Look who may write into the store; then put the newest snapshot back from a copy. If it is lost, custodians take an \
                older one for it, or let the dataset be begun anew: then remove its folder in the store, and run again. See \
                docs/custodians.md, \"The newest snapshot of a dataset is lost\""
            .to_owned();
    }
    "Look who may write into the store; then put the newest snapshot back from a copy, or have a source's delivery read and \
     children linked again (`minster run --again`). See docs/engineers.md, \"When a snapshot is not the newest\""
        .to_owned()
}

/// Whether no delivery makes the dataset anew: ids of children, what people judged, and reports on releases.
fn is_made_once(dataset: &DatasetRef) -> bool {
    match dataset.class {
        DatasetClass::Report => true,
        DatasetClass::Integrated => {
            matches!(dataset.name.as_str(), "identities" | "review" | "decisions")
        }
        DatasetClass::Source | DatasetClass::Linkage => false,
    }
}

impl From<VaultError> for StoreError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Denied(Denial::OtherManifest { dataset, fault }) => {
                Self::NotRecorded { dataset, fault }
            }
            other => Self::Vault(other),
        }
    }
}

impl StoreError {
    pub(crate) fn io(
        what: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// The same where something else may stand in the place of a file or folder: [`StoreError::Linked`].
    pub(crate) fn disk(
        what: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| match minster_disk::is_not_plain(&source) {
            true => Self::Linked { path },
            false => Self::Io { what, path, source },
        }
    }

    /// The program's exit code for this error (see `minster_model::exit`).
    pub fn exit_code(&self) -> u8 {
        use minster_model::exit;
        match self {
            Self::Locked { .. } => exit::LOCKED,
            Self::NotConserved { .. } | Self::OtherRows { .. } | Self::NoSuccessor { .. } => {
                exit::NOT_CONSERVED
            }
            Self::Vault(_) => exit::VAULT,
            Self::Exposed { .. }
            | Self::NoDataset { .. }
            | Self::OtherPurpose { .. }
            | Self::Site { .. }
            | Self::UnknownKinds { .. } => exit::USAGE,
            Self::NoTable { .. } => exit::USAGE,
            Self::Io { .. }
            | Self::Manifest { .. }
            | Self::Run { .. }
            | Self::Linked { .. }
            | Self::Clear { .. }
            | Self::NotRecorded { .. }
            | Self::File { .. }
            | Self::OtherRelease { .. }
            | Self::Table { .. } => exit::PUBLISH,
        }
    }
}
