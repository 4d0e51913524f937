//! The socket: who connects, in which uid; one thread a conversation.

use std::{
    fs,
    io::{BufReader, BufWriter},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use minster_model::Role;
use minster_vault_api::{Request, frame};
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::{VaultFault, session::Session, vault::Vault};

/// Conversations at one time; a further caller finds the connection closed.
const MOST: usize = 32;
/// How long a vault that stops waits for conversations to end.
const LEAVE: Duration = Duration::from_secs(2);
/// How long a caller may take to say hello.
const HELLO: Duration = Duration::from_secs(10);

/// A socket that is listened on; removed when dropped.
pub struct Server {
    listener: UnixListener,
    socket: PathBuf,
    vault: Arc<Vault>,
}

impl Server {
    /// Listens on `socket`, in a folder that only the vault's user (or root) may change. Where every
    /// role is held by the vault's own uid, the socket is its own alone; else the caller's uid, as the
    /// kernel tells it, decides.
    pub fn bind(vault: Vault, socket: &Path) -> Result<Self, VaultFault> {
        refuse_shared_folder(socket)?;
        if socket.exists() {
            if UnixStream::connect(socket).is_ok() {
                return Err(VaultFault::Served { path: socket.to_owned() });
            }
            fs::remove_file(socket).map_err(VaultFault::io("remove the stale socket", socket))?;
        }
        let listener = UnixListener::bind(socket).map_err(VaultFault::io("listen on", socket))?;
        let own = rustix::process::getuid().as_raw();
        let roles = &vault.settings().roles;
        let alone = Role::ALL.iter().all(|role| roles.holders(*role).iter().all(|&uid| uid == own));
        let mode = fs::Permissions::from_mode(if alone { 0o600 } else { 0o666 });
        fs::set_permissions(socket, mode).map_err(VaultFault::io("set the mode of", socket))?;
        Ok(Self { listener, socket: socket.to_owned(), vault: Arc::new(vault) })
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Serves until `stop` is set, and exports checkpoints meanwhile. Where one that is due cannot be
    /// written, the vault stops: nothing may happen that no checkpoint will cover.
    pub fn serve(&self, stop: &AtomicBool) -> Result<(), VaultFault> {
        let talking = Arc::new(AtomicUsize::new(0));
        let wait = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        self.vault.export_checkpoint(true)?;
        while !stop.load(Ordering::SeqCst) {
            self.vault.export_checkpoint(false)?;
            let mut ready = [PollFd::new(&self.listener, PollFlags::IN)];
            // An interrupted wait is a signal: the loop looks at `stop`.
            if !matches!(rustix::event::poll(&mut ready, Some(&wait)), Ok(1..)) {
                continue;
            }
            let Ok((stream, _)) = self.listener.accept() else { continue };
            if talking.load(Ordering::SeqCst) >= MOST {
                continue;
            }
            talking.fetch_add(1, Ordering::SeqCst);
            let (vault, talking) = (Arc::clone(&self.vault), Arc::clone(&talking));
            std::thread::spawn(move || {
                converse(&vault, &stream);
                drop(vault);
                talking.fetch_sub(1, Ordering::SeqCst);
            });
        }
        // Answers under way may leave first.
        let begun = Instant::now();
        while talking.load(Ordering::SeqCst) > 0 && begun.elapsed() < LEAVE {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Without a log there is nobody left to tell.
        let _ = self.vault.stopped();
        self.vault.export_checkpoint(true)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
    }
}

/// Ends when the caller closes, or sends what is no message.
fn converse(vault: &Vault, stream: &UnixStream) {
    let Ok(peer) = rustix::net::sockopt::socket_peercred(stream) else { return };
    let mut session = Session::new(vault, peer.uid.as_raw());
    let (mut reader, mut writer) = (BufReader::new(stream), BufWriter::new(stream));
    if stream.set_read_timeout(Some(HELLO)).is_err() {
        return;
    }
    while let Ok(request) = frame::read::<Request>(&mut reader) {
        let response = session.answer(request);
        if frame::write(&mut writer, &response).is_err() || stream.set_read_timeout(None).is_err() {
            return;
        }
    }
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
