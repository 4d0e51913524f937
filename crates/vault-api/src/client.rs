mod access;
mod archive;
mod cases;
mod comparison;
mod datasets;
mod ending;
mod rectification;
mod retention;

use std::{
    io::{BufReader, BufWriter},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use minster_model::{KeyVersion, Kind, Pseudonym, Purpose, Role, pipeline::VaultAddress};
use ring::rand::SystemRandom;

use crate::{
    Approval, CarriedOut, Denial, ExactOnlyList, IdentifierBatch, InputFile, KnownRelease,
    ListedKind, OpenedQuarantine, OpenedRun, PROTOCOL, Proof, Proposed, Publication,
    PurposeDefinition, QuarantineCase, QuarantineRows, Reidentified, Request, Response,
    RunManifest, SignedDecisions, StatusReport, SubjectPseudonym, Token,
    frame::{self, FrameError},
    note::{NoteError, Verifier},
};

/// Why the vault gave no answer. Every one ends a program with exit 6.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Nobody answers on the socket.
    #[error("the vault does not answer on {}: {source}; is `minster-vault serve` running?", socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// The connection broke or made no sense.
    #[error("the vault's connection: {0}")]
    Connection(#[from] FrameError),
    /// The vault refused.
    #[error("the vault refuses: {0}")]
    Denied(#[from] Denial),
    /// Another user listens on the socket than the one that the configuration names.
    #[error(
        "uid {uid} listens on {}, and the vault's is {expected}: nothing was told to it. Find out who took the vault's place; if \
         the vault has another user now, name it (`uid` under [vault] in pipeline.toml, or --vault-uid)",
        socket.display()
    )]
    OtherUid {
        /// The socket.
        socket: PathBuf,
        /// The uid that listens.
        uid: u32,
        /// The uid that should.
        expected: u32,
    },
    /// Another user listens on the socket, and the configuration names none.
    #[error(
        "uid {uid} listens on {}, and nothing says that it is the vault's user: nothing was told to it. If it is, name it (`uid = {uid}` \
         under [vault] in pipeline.toml, or --vault-uid {uid})",
        socket.display()
    )]
    UnnamedUid {
        /// The socket.
        socket: PathBuf,
        /// The uid that listens.
        uid: u32,
    },
    /// The configuration names a key that is none.
    #[error(
        "{0} (`verifier` under [vault] in pipeline.toml, or --verifier): take the line in verifier.txt, beside the auditor's checkpoints"
    )]
    BadVerifier(NoteError),
    /// The vault does not hold the key that the configuration names.
    #[error(
        "what listens on {} does not hold the key of the vault that is named ({why}): nothing was told to it. Find out whose it is; \
         compare `verifier` (under [vault] in pipeline.toml, or --verifier) with the line in verifier.txt, beside the auditor's checkpoints",
        socket.display()
    )]
    OtherKey {
        /// The socket.
        socket: PathBuf,
        /// The fault in its proof.
        why: NoteError,
    },
    /// The answer does not belong to the question.
    #[error("the vault's answer does not fit the question; use programs of one release")]
    Protocol,
}

/// A conversation with the vault in one role.
pub struct Client {
    reader: BufReader<UnixStream>,
    writer: BufWriter<UnixStream>,
}

/// How long an answer may take before the vault counts as gone.
const PATIENCE: Duration = Duration::from_secs(120);

impl Client {
    /// Connects to root's or the own user's vault, as [`Client::connect_to`] does.
    pub fn connect(socket: &Path, role: Role, program: &str) -> Result<Self, VaultError> {
        Self::connect_to(&VaultAddress::at(socket), role, program)
    }

    /// Connects, makes sure that the vault is the one that is named, and says hello. `program` is logged. Nothing is said to
    /// another user's socket; before the vault has proved its key, nothing but hello and a random challenge.
    pub fn connect_to(
        address: &VaultAddress,
        role: Role,
        program: &str,
    ) -> Result<Self, VaultError> {
        let verifier = address.verifier.as_deref().map(str::parse::<Verifier>).transpose();
        let verifier = verifier.map_err(VaultError::BadVerifier)?;
        let mut client = Self::greet(address, role, program)?;
        if let Some(verifier) = verifier {
            client.challenge(&verifier, &address.socket)?;
        }
        Ok(client)
    }

    /// Connects, makes sure that the vault's user listens, and says hello. A vault that is locked cannot prove its key: nothing
    /// but a share is told to it.
    pub fn greet(address: &VaultAddress, role: Role, program: &str) -> Result<Self, VaultError> {
        let socket = &address.socket;
        let unreachable = |source| VaultError::Unreachable { socket: socket.to_owned(), source };
        let stream = UnixStream::connect(socket).map_err(unreachable)?;
        let listens = rustix::net::sockopt::socket_peercred(&stream);
        let listens = listens.map_err(|error| unreachable(error.into()))?.uid.as_raw();
        let own = rustix::process::geteuid().as_raw();
        match address.uid {
            Some(expected) if listens != expected => {
                return Err(VaultError::OtherUid {
                    socket: socket.clone(),
                    uid: listens,
                    expected,
                });
            }
            None if listens != 0 && listens != own => {
                return Err(VaultError::UnnamedUid { socket: socket.clone(), uid: listens });
            }
            _ => {}
        }
        stream.set_read_timeout(Some(PATIENCE)).map_err(unreachable)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(unreachable)?;
        let writer = BufWriter::new(stream.try_clone().map_err(unreachable)?);
        let mut client = Self { reader: BufReader::new(stream), writer };
        let hello = Request::Hello { protocol: PROTOCOL, role, program: program.to_owned() };
        // A vault that refuses the uid says so and closes, without waiting for hello: what it said can be read all the same.
        let said = frame::write(&mut client.writer, &hello);
        let answer = match frame::read(&mut client.reader) {
            Ok(Response::Denied(denial)) => return Err(denial.into()),
            Ok(answer) => answer,
            Err(unread) => return Err(said.err().unwrap_or(unread).into()),
        };
        match answer {
            Response::Welcome { protocol: PROTOCOL } => Ok(client),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Has the vault sign a fresh challenge.
    fn challenge(&mut self, verifier: &Verifier, socket: &Path) -> Result<(), VaultError> {
        let drawn = ring::rand::generate::<[u8; 32]>(&SystemRandom::new());
        let challenge = drawn.map_err(|_| VaultError::Protocol)?.expose();
        let proof = self.note(&Request::Prove { challenge })?;
        let caller = rustix::process::geteuid().as_raw();
        let expected = Proof { challenge, caller };
        let proved = expected.verify(verifier, &proof);
        proved.map_err(|why| VaultError::OtherKey { socket: socket.to_owned(), why })
    }

    /// Opens a run; pseudonyms may then be asked for.
    pub fn open_run(&mut self, manifest: RunManifest) -> Result<OpenedRun, VaultError> {
        match self.ask(&Request::OpenRun(manifest))? {
            Response::RunOpened(run) => Ok(run),
            _ => Err(VaultError::Protocol),
        }
    }

    /// The run's tokens for the identifiers, in their order. A batch must fit one frame.
    pub fn pseudonymise(
        &mut self,
        kind: &Kind,
        identifiers: IdentifierBatch,
    ) -> Result<Vec<Token>, VaultError> {
        let tokens = self.pseudonymise_some(kind, identifiers)?;
        tokens.into_iter().collect::<Option<_>>().ok_or(VaultError::Protocol)
    }

    /// The same where persons' records may have been disposed of: nothing stands for their identifiers.
    pub fn pseudonymise_some(
        &mut self,
        kind: &Kind,
        identifiers: IdentifierBatch,
    ) -> Result<Vec<Option<Token>>, VaultError> {
        let asked = identifiers.len();
        let (bytes, blocked) =
            match self.ask(&Request::Pseudonymise { kind: kind.clone(), identifiers })? {
                Response::Tokens(bytes) => (bytes, Vec::new()),
                Response::SomeBlocked { tokens, blocked } => (tokens, blocked),
                _ => return Err(VaultError::Protocol),
            };
        if bytes.len() != asked * Token::LEN {
            return Err(VaultError::Protocol);
        }
        let (tokens, _) = bytes.as_chunks::<{ Token::LEN }>();
        let mut tokens: Vec<Option<Token>> =
            tokens.iter().copied().map(|bytes| Some(Token::from_bytes(bytes))).collect();
        for place in blocked {
            *tokens.get_mut(place as usize).ok_or(VaultError::Protocol)? = None;
        }
        Ok(tokens)
    }

    /// Tells the birth dates beside identifiers that the run asked for, in their order. A batch must fit one frame.
    pub fn tell_births(
        &mut self,
        kind: &Kind,
        identifiers: IdentifierBatch,
        born: IdentifierBatch,
    ) -> Result<(), VaultError> {
        match self.ask(&Request::TellBirths { kind: kind.clone(), identifiers, born })? {
            Response::BirthsTold => Ok(()),
            _ => Err(VaultError::Protocol),
        }
    }

    /// The run's tokens of what mistyped numbers were, in their order; nothing for those that cannot be repaired.
    pub fn repair(
        &mut self,
        kind: &Kind,
        faulty: IdentifierBatch,
        born: IdentifierBatch,
    ) -> Result<Vec<Option<Token>>, VaultError> {
        let asked = faulty.len();
        match self.ask(&Request::Repair { kind: kind.clone(), faulty, born })? {
            Response::Repaired { found, tokens } => {
                let (tokens, rest) = tokens.as_chunks::<{ Token::LEN }>();
                let repaired = found.iter().filter(|found| **found).count();
                if found.len() != asked || tokens.len() != repaired || !rest.is_empty() {
                    return Err(VaultError::Protocol);
                }
                let mut tokens = tokens.iter().copied().map(Token::from_bytes);
                Ok(found.into_iter().map(|found| found.then(|| tokens.next()).flatten()).collect())
            }
            _ => Err(VaultError::Protocol),
        }
    }

    /// Closes the run, which read these files.
    pub fn close_run(&mut self, inputs: &[InputFile]) -> Result<(), VaultError> {
        match self.ask(&Request::CloseRun(inputs.to_vec()))? {
            Response::RunClosed => Ok(()),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Leaves a run that is not to be closed, so that another may be opened in this conversation.
    pub fn leave_run(&mut self) -> Result<(), VaultError> {
        match self.ask(&Request::LeaveRun)? {
            Response::RunClosed => Ok(()),
            _ => Err(VaultError::Protocol),
        }
    }

    /// The vault's status.
    pub fn status(&mut self) -> Result<StatusReport, VaultError> {
        match self.ask(&Request::Status)? {
            Response::Status(status) => Ok(status),
            _ => Err(VaultError::Protocol),
        }
    }

    /// The definitions of all purposes.
    pub fn purposes(&mut self) -> Result<Vec<PurposeDefinition>, VaultError> {
        match self.ask(&Request::Purposes)? {
            Response::Purposes(text) => {
                serde_json::from_str(&text).map_err(|_| VaultError::Protocol)
            }
            _ => Err(VaultError::Protocol),
        }
    }

    /// The vault's statement: a signed note, see [`crate::Statement::read`].
    pub fn statement(&mut self) -> Result<String, VaultError> {
        self.note(&Request::Statement)
    }

    /// A checkpoint of the vault's log: a signed note.
    pub fn checkpoint(&mut self) -> Result<String, VaultError> {
        self.note(&Request::Checkpoint)
    }

    fn note(&mut self, request: &Request) -> Result<String, VaultError> {
        match self.ask(request)? {
            Response::Note(note) => Ok(note),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Puts a proposal before the custodians; gives the text that they sign.
    pub fn propose(&mut self, proposed: Proposed) -> Result<String, VaultError> {
        match self.ask(&Request::Propose(proposed))? {
            Response::Proposal(text) => Ok(text),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Hands in a custodian's signature; gives how many custodians approved so far.
    pub fn approve(&mut self, approval: Approval) -> Result<u32, VaultError> {
        match self.ask(&Request::Approve(approval))? {
            Response::Approved { approvals } => Ok(approvals),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Carries out an approved proposal; gives what it came to.
    pub fn enact(&mut self, proposal: &str) -> Result<CarriedOut, VaultError> {
        match self.ask(&Request::Enact { proposal: proposal.to_owned() })? {
            Response::Enacted(carried_out) => Ok(carried_out),
            _ => Err(VaultError::Protocol),
        }
    }

    /// The identifiers behind an approved proposal's pseudonyms.
    pub fn reidentify(&mut self, proposal: &str) -> Result<Vec<Reidentified>, VaultError> {
        match self.ask(&Request::Reidentify { proposal: proposal.to_owned() })? {
            Response::Identifiers(found) => Ok(found),
            _ => Err(VaultError::Protocol),
        }
    }

    /// The pseudonyms of an approved proposal's identifier.
    pub fn find_subject(
        &mut self,
        proposal: &str,
        kind: &Kind,
        identifiers: IdentifierBatch,
    ) -> Result<Vec<SubjectPseudonym>, VaultError> {
        let proposal = proposal.to_owned();
        match self.ask(&Request::FindSubject { proposal, kind: kind.clone(), identifiers })? {
            Response::Subject(pseudonyms) => Ok(pseudonyms),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Begins to open a sealed quarantine.
    pub fn begin_quarantine(&mut self, case: QuarantineCase) -> Result<(), VaultError> {
        match self.ask(&Request::BeginQuarantine(case))? {
            Response::QuarantineNext => Ok(()),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Sends the sealed file's next piece for the first time: it is looked through.
    pub fn weigh_quarantine(&mut self, piece: &[u8]) -> Result<(), VaultError> {
        match self.ask(&Request::QuarantinePiece(piece.to_vec()))? {
            Response::QuarantineNext => Ok(()),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Says that the sealed file was sent to its end. It is whole, and its opening logged, where this succeeds.
    pub fn end_quarantine(&mut self) -> Result<OpenedQuarantine, VaultError> {
        match self.ask(&Request::EndQuarantine)? {
            Response::QuarantineOpened(opened) => Ok(opened),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Sends the sealed file's next piece again; gives what of the chosen rows stands in it.
    pub fn open_quarantine(&mut self, piece: &[u8]) -> Result<QuarantineRows, VaultError> {
        match self.ask(&Request::QuarantinePiece(piece.to_vec()))? {
            Response::QuarantineRows(rows) => Ok(rows),
            _ => Err(VaultError::Protocol),
        }
    }

    /// All pairs of old and new pseudonyms from one version of a purpose's keys to the next.
    pub fn crosswalk(
        &mut self,
        purpose: &Purpose,
        from: KeyVersion,
    ) -> Result<Vec<(Pseudonym, Pseudonym)>, VaultError> {
        let mut pairs = Vec::new();
        for page in 0.. {
            let request = Request::Crosswalk { purpose: purpose.clone(), from, page };
            let Response::Crosswalk(bytes) = self.ask(&request)? else {
                return Err(VaultError::Protocol);
            };
            let (halves, []) = bytes.as_chunks::<{ Pseudonym::LEN }>() else {
                return Err(VaultError::Protocol);
            };
            let (page_pairs, []) = halves.as_chunks::<2>() else {
                return Err(VaultError::Protocol);
            };
            if page_pairs.is_empty() {
                break;
            }
            pairs.extend(
                page_pairs
                    .iter()
                    .map(|&[old, new]| (Pseudonym::from_bytes(old), Pseudonym::from_bytes(new))),
            );
        }
        Ok(pairs)
    }

    /// Has a release logged that is to be let out, or was withdrawn. Gives how many further persons must let it out
    /// before it may be seen.
    pub fn publish(&mut self, publication: &Publication) -> Result<u32, VaultError> {
        match self.ask(&Request::Publish(publication.clone()))? {
            Response::Published { missing } => Ok(missing),
            _ => Err(VaultError::Protocol),
        }
    }

    /// All releases of a purpose that the vault's log knows, withdrawn or not.
    pub fn releases(&mut self, purpose: &Purpose) -> Result<Vec<KnownRelease>, VaultError> {
        let mut releases = Vec::new();
        for page in 0.. {
            match self.ask(&Request::Releases { purpose: purpose.clone(), page })? {
                Response::Releases(known) if known.is_empty() => break,
                Response::Releases(known) => releases.extend(known),
                _ => return Err(VaultError::Protocol),
            }
        }
        Ok(releases)
    }

    /// The list of identities that are linked by their number alone, as pseudonyms of a purpose.
    pub fn exact_only(&mut self, purpose: &Purpose) -> Result<ExactOnlyList, VaultError> {
        match self.ask(&Request::ExactOnly { purpose: purpose.clone() })? {
            Response::ExactOnly(list) => Ok(list),
            _ => Err(VaultError::Protocol),
        }
    }

    /// How many numbers are on that list, by kind.
    pub fn count_exact_only(&mut self) -> Result<Vec<ListedKind>, VaultError> {
        match self.ask(&Request::CountExactOnly)? {
            Response::ExactOnlyCounted(kinds) => Ok(kinds),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Whether a proposal to change that list is about exactly these numbers.
    pub fn compare_exact_only(
        &mut self,
        proposal: &str,
        numbers: Vec<(Kind, IdentifierBatch)>,
    ) -> Result<bool, VaultError> {
        let proposal = proposal.to_owned();
        match self.ask(&Request::CompareExactOnly { proposal, numbers })? {
            Response::ExactOnlyCompared(same) => Ok(same),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Has it logged that a reviewer is given so many pairs to judge.
    pub fn give_review(
        &mut self,
        purpose: &Purpose,
        reviewer: &str,
        pairs: u64,
    ) -> Result<(), VaultError> {
        let (purpose, reviewer) = (purpose.clone(), reviewer.to_owned());
        match self.ask(&Request::GiveReview { purpose, reviewer, pairs })? {
            Response::ReviewLogged => Ok(()),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Has a reviewer's signature under a file of decisions verified and logged.
    pub fn take_review(&mut self, decisions: SignedDecisions) -> Result<(), VaultError> {
        match self.ask(&Request::TakeReview(decisions))? {
            Response::ReviewLogged => Ok(()),
            _ => Err(VaultError::Protocol),
        }
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Result<Response, VaultError> {
        frame::write(&mut self.writer, request)?;
        match frame::read(&mut self.reader)? {
            Response::Denied(denial) => Err(denial.into()),
            response => Ok(response),
        }
    }
}
