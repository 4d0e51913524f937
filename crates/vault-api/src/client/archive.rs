//! The sealed archive, and bundles for the City Archives.

use super::{Client, VaultError};
use crate::{
    AccessCounts, ArchiveStatus, DisposalParts, EndedAccess, OpenedArchive, Request, Response,
};

impl Client {
    /// How far the parts of an open disposal list came.
    pub fn disposal_parts(&mut self, list: &str) -> Result<DisposalParts, VaultError> {
        match self.ask(&Request::DisposalParts { list: list.to_owned() })? {
            Response::DisposalParts(parts) => Ok(parts),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Begins the sealed file of a part of an open disposal list. [`Client::write_bundle`] goes on in it.
    pub fn begin_archive(&mut self, list: &str, part: u32) -> Result<(), VaultError> {
        match self.ask(&Request::BeginArchive { list: list.to_owned(), part })? {
            Response::ArchiveBegun => Ok(()),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Ends it; the log has its hash.
    pub fn end_archive(&mut self, counts: AccessCounts) -> Result<EndedAccess, VaultError> {
        self.end_bundle(&Request::EndArchive(counts))
    }

    /// The archives that stand.
    pub fn archives(&mut self) -> Result<Vec<ArchiveStatus>, VaultError> {
        let mut archives = Vec::new();
        for page in 0.. {
            match self.ask(&Request::Archives { page })? {
                Response::Archives(more) if more.is_empty() => break,
                Response::Archives(more) => archives.extend(more),
                _ => return Err(VaultError::Protocol),
            }
        }
        Ok(archives)
    }

    /// Begins to open an archive, as two custodians approved; gives the first bytes for the recipient.
    pub fn begin_opening(&mut self, proposal: &str) -> Result<Vec<u8>, VaultError> {
        self.bundle(&Request::BeginOpening { proposal: proposal.to_owned() })
    }

    /// The next piece of the archive's file, of at most [`crate::PIECE`] bytes; gives the next bytes for the recipient.
    pub fn open_piece(&mut self, piece: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.bundle(&Request::OpenPiece(piece.to_vec()))
    }

    /// Says that the file was sent to its end.
    pub fn end_opening(&mut self) -> Result<OpenedArchive, VaultError> {
        match self.ask(&Request::EndOpening)? {
            Response::ArchiveOpened(opened) => Ok(opened),
            _ => Err(VaultError::Protocol),
        }
    }
}
