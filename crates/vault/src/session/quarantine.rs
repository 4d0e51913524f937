//! Rows that ingestion set aside, opened for a custodian. The sealed file is sent twice: first it is looked
//! through, and the log says what it holds; only then do the same bytes give rows.

use minster_model::Role;
use minster_vault_api::{
    Denial, OpenedQuarantine, PIECE, QuarantineCase, QuarantineRows, Response,
};
use ring::digest::{Context, Digest, SHA256, digest};

use super::{Session, check_reference, longest_digits, out_of_order};
use crate::{
    keys::hex,
    log::Event,
    quarantine::{Rows, Unsealed, Unsealing},
};

/// Pieces of one file: 64 GiB.
const MOST_PIECES: usize = 64 << 10;
const LONGEST_REASON: usize = 200;

/// A quarantine while it is opened.
pub(super) struct Opening {
    reference: String,
    reason: String,
    unsealing: Unsealing,
    rows: Rows,
    file: Context,
    /// The hash of each piece.
    pieces: Vec<Digest>,
    /// The piece that is to come again, once the opening is logged.
    again: Option<usize>,
}

impl Session<'_> {
    pub(super) fn begin_quarantine(&mut self, case: QuarantineCase) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "rows in quarantine")?;
        let QuarantineCase { reference, reason, chosen } = case;
        check_reference(&reference).map_err(refused)?;
        let printable = reason.chars().all(|c| !c.is_control());
        if reason.trim().is_empty() || reason.len() > LONGEST_REASON || !printable {
            return Err(refused("it needs a reason of one short line"));
        }
        if longest_digits(&reason, " -./") >= 9 {
            return Err(refused("its reason is logged, and must not hold a child's number"));
        }
        self.quarantine = Some(Opening {
            reference,
            reason,
            unsealing: Unsealing::new(self.vault.identity().clone()),
            rows: Rows::new(chosen),
            file: Context::new(&SHA256),
            pieces: Vec::new(),
            again: None,
        });
        Ok(Response::QuarantineNext)
    }

    pub(super) fn quarantine_piece(&mut self, piece: &[u8]) -> Result<Response, Denial> {
        let answer = self.opening()?.take(piece);
        if answer.is_err() {
            self.quarantine = None;
        }
        answer
    }

    pub(super) fn end_quarantine(&mut self) -> Result<Response, Denial> {
        let mut opening = self.quarantine.take().ok_or_else(nothing_begun)?;
        if opening.again.is_some() {
            return Err(out_of_order("the file was sent to its end before"));
        }
        opening.end()?;
        let (rows, chosen) = opening.rows.counts();
        if !opening.rows.all_passed() {
            return Err(refused("the file has fewer rows than were chosen from"));
        }
        let sha256 = hex(opening.file.clone().finish().as_ref());
        let event = Event::OpenedQuarantine {
            sha256: sha256.clone(),
            rows,
            chosen,
            reference: opening.reference.clone(),
            reason: opening.reason.clone(),
        };
        self.decide(|_| Ok((event, ())))?;
        opening.unsealing = Unsealing::new(self.vault.identity().clone());
        opening.rows = opening.rows.again();
        opening.again = Some(0);
        self.quarantine = Some(opening);
        Ok(Response::QuarantineOpened(OpenedQuarantine { sha256, rows, chosen }))
    }

    fn opening(&mut self) -> Result<&mut Opening, Denial> {
        self.allow(&[Role::Custodian], "rows in quarantine")?;
        self.quarantine.as_mut().ok_or_else(nothing_begun)
    }
}

impl Opening {
    fn take(&mut self, piece: &[u8]) -> Result<Response, Denial> {
        if piece.is_empty() || piece.len() > PIECE {
            return Err(out_of_order("a piece of nothing, or of more than there may be"));
        }
        let hash = digest(&SHA256, piece);
        match self.again {
            None => {
                if self.pieces.len() == MOST_PIECES {
                    return Err(refused("the file is larger than 64 GiB"));
                }
                self.file.update(piece);
                self.pieces.push(hash);
                self.unsealing.take(piece, |text| self.rows.pass(text, |_| {})).map_err(why)?;
                Ok(Response::QuarantineNext)
            }
            Some(at) => {
                if self.pieces.get(at).is_none_or(|first| first.as_ref() != hash.as_ref()) {
                    return Err(refused("it is not the file that was looked through"));
                }
                self.again = Some(at + 1);
                let mut out = QuarantineRows::default();
                let mut pass = |text: &[u8]| {
                    self.rows.pass(text, |row| out.0.extend_from_slice(row));
                };
                self.unsealing.take(piece, &mut pass).map_err(why)?;
                if at + 1 == self.pieces.len() {
                    self.unsealing.end(&mut pass).map_err(why)?;
                }
                Ok(Response::QuarantineRows(out))
            }
        }
    }

    fn end(&mut self) -> Result<(), Denial> {
        self.unsealing.end(|text| self.rows.pass(text, |_| {})).map_err(why)
    }
}

fn nothing_begun() -> Denial {
    out_of_order("begin to open a quarantine first")
}

fn why(unsealed: Unsealed) -> Denial {
    refused(&unsealed.to_string())
}

fn refused(why: &str) -> Denial {
    Denial::Quarantine { why: why.into() }
}
