//! The socket: who connects, in which uid; one thread a conversation. A uid without a role gets none.

use std::{
    fs,
    io::{self, BufReader, BufWriter, Read},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use minster_vault_api::{
    Denial, Request, Response,
    frame::{self, FrameError},
};
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::{
    VaultFault,
    disk::Disk,
    locked::Unlocked,
    purposes::today,
    refusals::{NoPlace, Places, Refusals},
    roles::RoleTable,
    session::Session,
    vault::Vault,
};

/// How long a vault that stops waits for conversations to end.
const LEAVE: Duration = Duration::from_secs(2);
/// Between two looks whether a checkpoint or a sum is due.
const LOOK: Duration = Duration::from_millis(200);
/// The longest message before hello is answered.
pub(crate) const SMALL: usize = 4 << 10;

/// How long callers may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// To say hello, from the first byte or before it.
    pub hello: Duration,
    /// To send one message, from its first byte, and to take its answer.
    pub message: Duration,
    /// Between two messages. Programs read and match for hours before they ask again.
    pub idle: Duration,
    /// Between two sums of refusals in the log.
    pub sum: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(10),
            message: Duration::from_secs(60),
            idle: Duration::from_secs(12 * 3600),
            sum: Duration::from_secs(600),
        }
    }
}

/// A socket that is listened on; removed when dropped.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Whether others than the vault's user may connect; nothing before that was decided.
    is_open: Option<bool>,
}

impl Socket {
    /// Listens in a folder that only the vault's user (or root) may change. Where every
    /// role is held by the vault's own uid, the socket is its own alone; else the caller's uid, as the
    /// kernel tells it, decides.
    pub fn bind(roles: &RoleTable, socket: &Path) -> Result<Self, VaultFault> {
        refuse_shared_folder(socket)?;
        if socket.exists() {
            if UnixStream::connect(socket).is_ok() {
                return Err(VaultFault::Served { path: socket.to_owned() });
            }
            fs::remove_file(socket).map_err(VaultFault::io("remove the stale socket", socket))?;
        }
        let listener = UnixListener::bind(socket).map_err(VaultFault::io("listen on", socket))?;
        let mut bound = Self { listener, path: socket.to_owned(), is_open: None };
        bound.open_to(roles)?;
        Ok(bound)
    }

    /// Lets others than the vault's own user connect where they hold a role, and nobody else.
    pub(crate) fn open_to(&mut self, roles: &RoleTable) -> Result<(), VaultFault> {
        let own = rustix::process::getuid().as_raw();
        let is_open = roles.uids(today()).into_iter().any(|uid| uid != own);
        if self.is_open != Some(is_open) {
            let mode = fs::Permissions::from_mode(if is_open { 0o666 } else { 0o600 });
            let set = fs::set_permissions(&self.path, mode);
            set.map_err(VaultFault::io("set the mode of", &self.path))?;
            self.is_open = Some(is_open);
        }
        Ok(())
    }

    /// The next caller and its uid, as the kernel tells it. Nobody within a moment gives nothing, and so does a signal.
    pub(crate) fn next(&self) -> Option<(u32, UnixStream)> {
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
        let mut ready = [PollFd::new(&self.listener, PollFlags::IN)];
        if !matches!(rustix::event::poll(&mut ready, Some(&wait)), Ok(1..)) {
            return None;
        }
        let Ok((stream, _)) = self.listener.accept() else {
            // Without a file to spare, the next attempt fails as this one did.
            std::thread::sleep(Duration::from_millis(10));
            return None;
        };
        let uid = rustix::net::sockopt::socket_peercred(&stream).ok()?.uid.as_raw();
        Some((uid, stream))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A vault that answers on a socket.
pub struct Server {
    socket: Socket,
    vault: Arc<Vault>,
    limits: Limits,
}

impl Server {
    /// Listens on `socket`, as [`Socket::bind`] does.
    pub fn bind(vault: Vault, socket: &Path) -> Result<Self, VaultFault> {
        let socket = Socket::bind(&*vault.roles().map_err(told)?, socket)?;
        Ok(Self::on(vault, socket))
    }

    /// Answers on a socket that is listened on.
    pub fn on(vault: Vault, socket: Socket) -> Self {
        Self { socket, vault: Arc::new(vault), limits: Limits::default() }
    }

    /// Answers for a vault whose custodians opened it, on the socket on which they did. All that happened until then is logged.
    ///
    /// # Errors
    /// As [`crate::folder::open_folder`] and [`Vault::new`].
    pub fn unlocked(
        unlocked: Unlocked,
        checkpoints: Option<&Path>,
        disk: Disk,
    ) -> Result<Self, VaultFault> {
        let Unlocked { closed, unsealed, socket, single_user, opening, refusals } = unlocked;
        let vault = Vault::new(closed.open(unsealed, disk)?, checkpoints, single_user)?;
        let logged = vault.unlocked(opening, refusals);
        logged.map_err(|denial| VaultFault::Usage(denial.to_string()))?;
        Ok(Self::on(vault, socket))
    }

    /// The same server, with other limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Serves until `stop` is set, and exports checkpoints meanwhile. Where one that is due cannot be
    /// written, the vault stops: nothing may happen that no checkpoint will cover.
    pub fn serve(mut self, stop: &AtomicBool) -> Result<(), VaultFault> {
        let places = Arc::<Mutex<Places>>::default();
        self.vault.export_checkpoint(true)?;
        let mut looked = Instant::now();
        while !stop.load(Ordering::SeqCst) {
            if looked.elapsed() >= LOOK {
                let summed = self.vault.sum_refusals(self.limits.sum);
                summed.map_err(|denial| VaultFault::Usage(denial.to_string()))?;
                self.vault.export_checkpoint(false)?;
                self.socket.open_to(&*self.vault.roles().map_err(told)?)?;
                looked = Instant::now();
            }
            let Some((uid, stream)) = self.socket.next() else { continue };
            if !self.welcome(&places, uid, &stream) {
                continue;
            }
            let (vault, places) = (Arc::clone(&self.vault), Arc::clone(&places));
            let limits = self.limits;
            std::thread::spawn(move || {
                let _place = Place { uid, places };
                converse(&vault, uid, &stream, &limits);
                drop(vault);
            });
        }
        // Answers under way may leave first.
        let begun = Instant::now();
        let is_any = || places.lock().is_ok_and(|places| places.taken() > 0);
        while is_any() && begun.elapsed() < LEAVE {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Without a log there is nobody left to tell.
        let _ = self.vault.sum_refusals(Duration::ZERO);
        let _ = self.vault.stopped();
        self.vault.export_checkpoint(true)
    }

    /// Takes a place for a caller. Nothing is read of one who gets none, and no thread begins: a uid without a role costs the
    /// vault one short answer.
    fn welcome(&self, places: &Mutex<Places>, uid: u32, stream: &UnixStream) -> bool {
        let Ok(roles) = self.vault.roles() else { return false };
        let Ok(taken) = places.lock().map(|mut places| places.take(uid, &roles)) else {
            return false;
        };
        let Err(why) = taken else { return true };
        if let Ok(mut refusals) = self.vault.refusals() {
            turn_away(why, uid, stream, &mut refusals);
        }
        false
    }
}

/// Counts a caller who gets no place, and says why. It fits an empty socket: whoever does not read it misses it, and the vault
/// waits for nobody here.
pub(crate) fn turn_away(why: NoPlace, uid: u32, stream: &UnixStream, refusals: &mut Refusals) {
    let denial = match why {
        NoPlace::Stranger => {
            refusals.stranger(uid);
            Denial::Stranger { uid }
        }
        NoPlace::Full(places) => {
            refusals.full(uid);
            Denial::NoPlace { uid, places: places as u32 }
        }
    };
    if stream.set_nonblocking(true).is_ok() {
        let _ = frame::write(&mut &*stream, &Response::Denied(denial));
    }
}

/// A place that is taken; given back when dropped, however the conversation ends.
pub(crate) struct Place {
    pub(crate) uid: u32,
    pub(crate) places: Arc<Mutex<Places>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Ok(mut places) = self.places.lock() {
            places.give_back(self.uid);
        }
    }
}

/// Ends when the caller closes, sends what is no message, or takes longer than the limits. Bytes that are no message are denied and counted: a list or text that is longer than a message may hold makes it none.
fn converse(vault: &Vault, uid: u32, stream: &UnixStream, limits: &Limits) {
    let mut session = Session::new(vault, uid);
    let patient = Patient { stream, until: Some(Instant::now() + limits.hello), limits };
    let (mut reader, mut writer) = (BufReader::new(patient), BufWriter::new(stream));
    if stream.set_write_timeout(Some(limits.message)).is_err() {
        return;
    }
    loop {
        let most = if session.is_welcome() { frame::MAX_FRAME } else { SMALL };
        let request = match frame::read_within::<Request>(&mut reader, most) {
            Ok(request) => request,
            Err(FrameError::Malformed) => {
                // Where it ends is known, and what it asks for is not: it is the last one.
                let _ = frame::write(&mut writer, &session.malformed());
                return;
            }
            Err(_) => return,
        };
        let was_welcome = session.is_welcome();
        let response = session.answer(request);
        std::thread::sleep(vault.wait(uid));
        if frame::write(&mut writer, &response).is_err() {
            return;
        }
        if was_welcome && matches!(response, Response::Denied(Denial::NotInRole { .. })) {
            // The role ended: whoever held it has no place here any more.
            return;
        }
        if session.is_welcome() {
            reader.get_mut().until = None;
        }
    }
}

/// Reads, and gives up on a caller who begins a message and does not end it.
pub(crate) struct Patient<'a> {
    pub(crate) stream: &'a UnixStream,
    /// When the message, or hello, must have come; nothing between two messages.
    pub(crate) until: Option<Instant>,
    pub(crate) limits: &'a Limits,
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = match self.until {
            None => self.limits.idle,
            Some(until) => until.saturating_duration_since(Instant::now()),
        };
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let read = self.stream.read(buffer)?;
        self.until.get_or_insert_with(|| Instant::now() + self.limits.message);
        Ok(read)
    }
}

fn told(denial: Denial) -> VaultFault {
    VaultFault::Usage(denial.to_string())
}

fn refuse_shared_folder(socket: &Path) -> Result<(), VaultFault> {
    let folder = match socket.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let metadata = fs::metadata(folder).map_err(VaultFault::io("open", folder))?;
    let own = rustix::process::getuid().as_raw();
    let exposed = |why| Err(VaultFault::Exposed { path: folder.to_owned(), why });
    if metadata.uid() != own && metadata.uid() != 0 {
        return exposed("the socket's folder belongs to another user");
    }
    if metadata.permissions().mode() & 0o022 != 0 {
        return exposed("others may put files into the socket's folder (chmod go-w on it)");
    }
    Ok(())
}
