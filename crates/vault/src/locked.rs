//! A vault that starts locked: it answers on its socket, and says nothing but that it waits for its custodians. Each of them
//! gives a share, from an account of their own; enough of them open the vault. A share is kept in memory alone, and is cleared
//! once the vault is open, or after a while.

use std::{
    collections::BTreeMap,
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use minster_model::Role;
use minster_vault_api::{
    Denial, LockedReport, PROTOCOL, Request, Response, Share, ShareKind, Unlocking, frame,
};

use crate::{
    VaultFault,
    custody::Secret,
    folder::{Closed, Unsealed},
    log::UidCount,
    purposes::today,
    refusals::{Places, Refusals},
    roles::RoleTable,
    server::{Limits, Patient, Place, SMALL, Socket, turn_away},
};

/// Wrong shares that one uid may give.
pub const WRONG_OF_ONE: u32 = 5;
/// Wrong shares in all: a token of its own may take fewer PINs.
pub const WRONG_OF_ALL: u32 = 20;
/// How long a share waits for the others.
pub const KEPT: Duration = Duration::from_secs(3600);
/// How long the answer to a wrong share waits.
const WAIT: Duration = Duration::from_secs(1);

/// A vault that waits for its custodians.
pub struct Locked {
    socket: Socket,
    waiting: Arc<Waiting>,
    places: Arc<Mutex<Places>>,
    refusals: Refusals,
    limits: Limits,
}

/// A vault whose custodians gave their shares.
pub struct Unlocked {
    /// The folder.
    pub closed: Closed,
    /// Its secrets.
    pub unsealed: Unsealed,
    /// The socket, on which callers may wait already.
    pub socket: Socket,
    /// Whether one user runs everything.
    pub single_user: bool,
    /// How it was opened, for the log.
    pub opening: Opening,
    /// The refusals until then, for the log.
    pub(crate) refusals: Refusals,
}

/// Which accounts opened a vault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    /// The uids whose shares opened it.
    pub by: Vec<u32>,
    /// Wrong shares before.
    pub wrong: Vec<UidCount>,
    /// The other refusals, by uid.
    pub refused: Vec<UidCount>,
}

/// The state that all conversations share.
struct Waiting {
    closed: Closed,
    /// It is of a log that nobody has verified yet. A share opens the vault if it is right, whoever gives it.
    roles: RoleTable,
    kind: ShareKind,
    needed: usize,
    single_user: bool,
    shares: Mutex<Shares>,
}

#[derive(Default)]
struct Shares {
    given: Vec<Given>,
    wrong: BTreeMap<u32, u32>,
    /// By uids that hold a role: nobody else comes so far.
    refused: BTreeMap<u32, u32>,
    opened: Option<(Unsealed, Vec<u32>)>,
}

struct Given {
    uid: u32,
    /// The recipient, by place; 0 where there is one secret.
    place: usize,
    at: Instant,
    share: Share,
}

impl Locked {
    /// Listens for the custodians of a folder. With `single_user`, one uid may give all shares.
    ///
    /// # Errors
    /// Where the vault is opened by a file, so that nobody has a share; where the socket cannot be listened on.
    pub fn bind(closed: Closed, socket: &Path, single_user: bool) -> Result<Self, VaultFault> {
        let Some((kind, needed)) = closed.custody().shares() else {
            let why = format!(
                "is opened by a {}, and no custodian has a share of it; `minster-vault rekey` changes that",
                closed.custody().name()
            );
            return Err(VaultFault::File { path: closed.store_path().to_owned(), why });
        };
        let roles = closed.roles(single_user)?;
        let socket = Socket::bind(&roles, socket)?;
        let shares = Mutex::default();
        let waiting = Waiting { closed, roles, kind, needed, single_user, shares };
        // Nobody has a reason to stay.
        let limits = Limits { idle: Limits::default().message, ..Limits::default() };
        Ok(Self {
            socket,
            waiting: Arc::new(waiting),
            places: Arc::default(),
            refusals: Refusals::default(),
            limits,
        })
    }

    /// Waits until enough shares were given; gives nothing where `stop` is set before.
    pub fn wait(mut self, stop: &AtomicBool) -> Result<Option<Unlocked>, VaultFault> {
        let mut conversations: Vec<(UnixStream, JoinHandle<()>)> = Vec::new();
        while !stop.load(Ordering::SeqCst) && !self.waiting.shares().is_open() {
            conversations.retain(|(_, thread)| !thread.is_finished());
            self.waiting.shares().forget();
            let Some((uid, stream)) = self.socket.next() else { continue };
            let roles = &self.waiting.roles;
            let taken = self.places.lock().unwrap_or_else(PoisonError::into_inner).take(uid, roles);
            if let Err(why) = taken {
                turn_away(why, uid, &stream, &mut self.refusals);
                continue;
            }
            let place = Place { uid, places: Arc::clone(&self.places) };
            let Ok(kept) = stream.try_clone() else { continue };
            let (waiting, limits) = (Arc::clone(&self.waiting), self.limits);
            let thread = std::thread::spawn(move || {
                let _place = place;
                converse(&waiting, uid, &stream, &limits);
            });
            conversations.push((kept, thread));
        }
        // A caller who still asks is cut short, and answers under way leave: the next conversation is with the open vault.
        for (stream, thread) in conversations {
            let _ = stream.shutdown(Shutdown::Read);
            let _ = thread.join();
        }
        let Self { socket, waiting, refusals, .. } = self;
        let held = || VaultFault::Usage("a conversation with the locked vault does not end".into());
        let Waiting { closed, shares, single_user, .. } =
            Arc::into_inner(waiting).ok_or_else(held)?;
        let shares = shares.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Shares { wrong, refused, opened, .. } = shares;
        let Some((unsealed, by)) = opened else { return Ok(None) };
        let opening = Opening { by, wrong: counted(wrong), refused: counted(refused) };
        Ok(Some(Unlocked { closed, unsealed, socket, single_user, opening, refusals }))
    }
}

/// Ends when the caller closes, sends what is no message, takes longer than the limits, or the vault is open. No reader stands
/// between that would keep a share in its buffer.
fn converse(waiting: &Waiting, uid: u32, stream: &UnixStream, limits: &Limits) {
    let mut reader = Patient { stream, until: Some(Instant::now() + limits.hello), limits };
    if stream.set_write_timeout(Some(limits.message)).is_err() {
        return;
    }
    let mut role = None;
    loop {
        let Ok(request) = frame::read_within::<Request>(&mut reader, SMALL) else { return };
        let response = match waiting.answer(uid, &mut role, request) {
            Ok(response) => response,
            Err(denial) => {
                waiting.shares().count(uid, &denial);
                Response::Denied(denial)
            }
        };
        if frame::write(&mut &*stream, &response).is_err() || waiting.shares().is_open() {
            return;
        }
        if role.is_some() {
            reader.until = None;
        }
    }
}

impl Waiting {
    fn shares(&self) -> MutexGuard<'_, Shares> {
        // A thread that died while it held the shares leaves them as they were.
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(
        &self,
        uid: u32,
        role: &mut Option<Role>,
        request: Request,
    ) -> Result<Response, Denial> {
        match request {
            Request::Hello { protocol, role: asked, .. } => {
                if protocol != PROTOCOL {
                    return Err(Denial::Protocol { vault: PROTOCOL });
                }
                if !self.roles.holds(uid, asked, today()) {
                    return Err(Denial::NotInRole { uid, role: asked });
                }
                *role = Some(asked);
                Ok(Response::Welcome { protocol: PROTOCOL })
            }
            _ if role.is_none() => Err(Denial::OutOfOrder { what: "say hello first".into() }),
            Request::Status => Ok(Response::Locked(self.report())),
            Request::Unlock(share) => match *role {
                Some(Role::Custodian) => self.take(uid, share).map(Response::Unlocking),
                Some(role) => {
                    Err(Denial::RoleForbids { role, what: "the opening of the vault".into() })
                }
                None => Err(Denial::OutOfOrder { what: "say hello first".into() }),
            },
            _ => {
                let given = self.shares().given.len() as u32;
                Err(Denial::Locked { given, needed: self.needed as u32 })
            }
        }
    }

    fn report(&self) -> LockedReport {
        let shares = self.shares();
        LockedReport {
            custody: self.closed.custody().name(),
            share: self.kind,
            needed: self.needed as u32,
            given_by: shares.given.iter().map(|one| one.uid).collect(),
            wrong: shares.wrong.values().sum(),
            single_user: self.single_user,
        }
    }

    /// Takes a share. The lock is held until it is known whether it is right, so that wrong ones are tried one by one.
    fn take(&self, uid: u32, share: Share) -> Result<Unlocking, Denial> {
        let mut shares = self.shares();
        let refused = |why: String| Err(Denial::Share { why });
        if shares.is_open() {
            return refused("the vault is open".into());
        }
        shares.forget();
        if shares.wrong.get(&uid).is_some_and(|wrong| *wrong >= WRONG_OF_ONE) {
            return refused(format!(
                "uid {uid} gave {WRONG_OF_ONE} wrong ones, and no more are taken from it until the vault is started again"
            ));
        }
        if shares.wrong.values().sum::<u32>() >= WRONG_OF_ALL {
            return refused(format!(
                "{WRONG_OF_ALL} wrong ones were given, and no more are taken until the vault is started again"
            ));
        }
        let place = match self.kind {
            ShareKind::Identity => match self.closed.custody().place_of(&share) {
                Some(place) => place,
                None => {
                    return shares.wrong(uid, "it is no identity of one of the vault's recipients");
                }
            },
            ShareKind::Passphrase | ShareKind::Pin => 0,
        };
        if shares.given.iter().any(|one| one.place == place) {
            return refused("the vault holds it already; another custodian gives theirs".into());
        }
        if !self.single_user && shares.given.iter().any(|one| one.uid == uid) {
            return refused(format!(
                "uid {uid} gave one already; each custodian gives theirs from an account of their own"
            ));
        }
        shares.given.push(Given { uid, place, at: Instant::now(), share });
        let given = shares.given.len();
        if given >= self.needed {
            let secret = Secret {
                given: shares.given.iter().map(|one| one.share.clone()).collect(),
                ..Secret::default()
            };
            let unsealed = self.closed.unseal(&secret);
            let by = std::mem::take(&mut shares.given).iter().map(|one| one.uid).collect();
            match unsealed {
                Ok(unsealed) => shares.opened = Some((unsealed, by)),
                Err(fault) => {
                    return shares.wrong(uid, &format!("it does not open the vault ({fault})"));
                }
            }
        }
        Ok(Unlocking { given: given as u32, needed: self.needed as u32 })
    }
}

impl Shares {
    fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    /// Forgets shares that waited long enough.
    fn forget(&mut self) {
        self.given.retain(|one| one.at.elapsed() < KEPT);
    }

    /// Counts what is refused, unless it is a wrong share, which is counted by itself, or only comes too early.
    fn count(&mut self, uid: u32, denial: &Denial) {
        if !matches!(denial, Denial::Locked { .. } | Denial::WrongShare { .. }) {
            *self.refused.entry(uid).or_default() += 1;
        }
    }

    /// Counts a wrong share, and waits: nobody tries out many.
    fn wrong(&mut self, uid: u32, why: &str) -> Result<Unlocking, Denial> {
        let wrong = self.wrong.entry(uid).or_default();
        *wrong += 1;
        let left = WRONG_OF_ONE.saturating_sub(*wrong);
        std::thread::sleep(WAIT);
        Err(Denial::WrongShare {
            why: format!("{why}; {left} more wrong ones are taken from uid {uid}"),
        })
    }
}

fn counted(counts: BTreeMap<u32, u32>) -> Vec<UidCount> {
    counts.into_iter().map(|(uid, count)| UidCount { uid, count: u64::from(count) }).collect()
}
