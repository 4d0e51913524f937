use std::path::{Path, PathBuf};

use minster_model::exit;

/// Why the vault cannot start or work. No variant holds a secret or an identifier.
#[derive(Debug, thiserror::Error)]
pub enum VaultFault {
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
    /// Others could read or change what must be the vault's alone.
    #[error("{}: {why}; the vault does not start until that is mended", path.display())]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// In what way.
        why: &'static str,
    },
    /// `init` on a folder that is in use.
    #[error("{} is not empty; a vault is made in a folder of its own", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the vault that is not what it should be.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The fault.
        why: String,
    },
    /// The passphrase or key file does not open the root key, or `store.json` was changed.
    #[error("the root key does not open: another passphrase or key file, or {} was changed", path.display())]
    WrongSecret {
        /// `store.json`.
        path: PathBuf,
    },
    /// Another vault process serves the folder.
    #[error("another process serves {}", path.display())]
    Served {
        /// The folder.
        path: PathBuf,
    },
    /// The log's chain is broken.
    #[error("{}, entry {entry}: {why}; keep the file as it is and call the auditor", path.display())]
    LogBroken {
        /// The log.
        path: PathBuf,
        /// The entry, from 1.
        entry: u64,
        /// The fault.
        why: &'static str,
    },
    /// The clock shows an earlier time than the log.
    #[error(
        "{}: its last entry is of {last}, and the clock shows {now}. Set the clock right. If the clock ran ahead when that \
         entry was written, the vault starts again at that time, or when two custodians accept it (minster-vault restore --accept-clock)",
        path.display()
    )]
    Clock {
        /// The log.
        path: PathBuf,
        /// The time that the clock shows.
        now: jiff::Timestamp,
        /// The last entry's time.
        last: jiff::Timestamp,
    },
    /// A checkpoint that the log does not agree with, or that is none.
    #[error("{}: {why}; keep the log and the checkpoints as they are and call the auditor", path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// The fault.
        why: String,
    },
    /// A folder of checkpoints that is not the one that was used.
    #[error(
        "{}: {why}. The vault wrote checkpoints of its log up to entry {exported} into a folder, and does not start without \
         them: it could not tell whether its log was cut. Put the folder back, from the auditor's copy if need be; if it is \
         lost, two custodians accept that (minster-vault restore)",
        path.display()
    )]
    CheckpointsLost {
        /// The folder.
        path: PathBuf,
        /// The fault.
        why: String,
        /// Entries that the last checkpoint known to be there covers.
        exported: u64,
    },
    /// A registry that was changed, cut, or put back from an older copy.
    #[error("{}: {why}; the vault does not start with it. Put the newest copy back, and call the auditor", path.display())]
    Registry {
        /// The registry.
        path: PathBuf,
        /// The fault.
        why: &'static str,
    },
    /// Something that cannot be asked of this vault.
    #[error("{0}")]
    Usage(String),
    /// The operating system's random numbers or a cipher failed.
    #[error("the cryptographic library failed: {0}")]
    Crypto(&'static str),
}

impl VaultFault {
    pub(crate) fn io(
        what: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Served { .. } => exit::LOCKED,
            Self::WrongSecret { .. } => exit::VAULT,
            Self::LogBroken { .. }
            | Self::Checkpoint { .. }
            | Self::CheckpointsLost { .. }
            | Self::Registry { .. } => exit::AUDIT,
            Self::Crypto(_) => exit::FAULT,
            Self::Io { .. }
            | Self::Exposed { .. }
            | Self::Clock { .. }
            | Self::NotEmpty { .. }
            | Self::File { .. }
            | Self::Usage(_) => exit::USAGE,
        }
    }
}
