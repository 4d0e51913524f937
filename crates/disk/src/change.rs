use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Write},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use ring::rand::{SecureRandom, SystemRandom};
use rustix::{
    fs::{
        AtFlags, Dir, Mode, OFlags, RenameFlags, fchmod, fsync, mkdirat, openat, renameat,
        renameat_with, symlinkat, unlinkat,
    },
    io::Errno,
};

use crate::{
    Disk, Folder, PRIVATE,
    plain::{PLAIN, regular, told},
};

/// The end of the names of what is being written.
const ASIDE: &str = ".next";

/// A file that is being written. Each write and the sync are steps of its disk.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    disk: Disk,
}

impl NewFile {
    /// Makes it durable.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(self) -> io::Result<()> {
        self.disk.step()?;
        self.file.sync_all()
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = &mut self.file;
        self.disk.step_or(|| file.write_all(&bytes[..bytes.len() / 2]))?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Disk {
    /// Puts a file in place in one step: written aside, synced, renamed, its folder synced. `mode` is its mode, whatever the
    /// process's umask says.
    ///
    /// # Errors
    /// The system's.
    pub fn put(&self, folder: &Folder, name: &OsStr, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.put_by(folder, folder, name, bytes, mode)
    }

    /// The same, written aside in another folder of the same disk, such as one that is swept.
    ///
    /// # Errors
    /// The system's.
    pub fn put_by(
        &self,
        by: &Folder,
        folder: &Folder,
        name: &OsStr,
        bytes: &[u8],
        mode: u32,
    ) -> io::Result<()> {
        let aside = aside(name)?;
        let placed = (|| {
            let mut file = self.create(by, &aside, PRIVATE)?;
            self.write(&mut file.file, bytes)?;
            if mode != PRIVATE {
                fchmod(&file.file, Mode::from_raw_mode(mode))?;
            }
            file.sync()?;
            self.rename((by, &aside), (folder, name))
        })();
        self.clear_after(placed, by, &aside)
    }

    /// A new file; never one that is there, nor through a link.
    ///
    /// # Errors
    /// The system's.
    pub fn create(&self, folder: &Folder, name: &OsStr, mode: u32) -> io::Result<NewFile> {
        self.step()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | PLAIN;
        let mode = Mode::from_raw_mode(mode);
        let file = File::from(openat(&folder.handle, name, flags, mode)?);
        if mode != Mode::from_raw_mode(PRIVATE) {
            // Against a umask that keeps others out.
            fchmod(&file, mode)?;
        }
        Ok(NewFile { file, disk: self.clone() })
    }

    /// Lets a symbolic link lead to another name, in one step. A user who may change the folder meanwhile changes nothing else. The leavings of a killed process are removed: the caller is alone in doing this.
    ///
    /// # Errors
    /// The system's.
    pub fn point(&self, folder: &Folder, link: &OsStr, target: &str) -> io::Result<()> {
        self.remove_left(folder, link)?;
        let aside = aside(link)?;
        let placed = (|| {
            self.step()?;
            symlinkat(target, &folder.handle, &aside)?;
            self.rename((folder, &aside), (folder, link))
        })();
        self.clear_after(placed, folder, &aside)
    }

    /// Opens a regular file for reading and appending, and makes it for its owner alone where it is missing.
    ///
    /// # Errors
    /// The system's; [`crate::NotPlain`].
    pub fn open_append(&self, folder: &Folder, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | PLAIN;
        let open = |flags, mode| openat(&folder.handle, name, flags, mode);
        match open(flags, Mode::empty()) {
            Err(Errno::NOENT) => {
                self.step()?;
                let flags = flags | OFlags::CREATE | OFlags::EXCL;
                let file = open(flags, Mode::from_raw_mode(PRIVATE))?;
                self.sync(folder)?;
                Ok(File::from(file))
            }
            opened => regular(opened.map(File::from).map_err(told)),
        }
    }

    /// Appends and makes it durable.
    ///
    /// # Errors
    /// The system's.
    pub fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.write(file, bytes)?;
        self.step()?;
        file.sync_data()
    }

    /// Cuts a file back.
    ///
    /// # Errors
    /// The system's.
    pub fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.step()?;
        file.set_len(length)?;
        file.sync_data()
    }

    /// Puts a file or folder in another place in one step. It is durable when this returns.
    ///
    /// # Errors
    /// The system's.
    pub fn rename(
        &self,
        (from, name): (&Folder, &OsStr),
        (to, new): (&Folder, &OsStr),
    ) -> io::Result<()> {
        self.step()?;
        renameat(&from.handle, name, &to.handle, new)?;
        self.sync(to)
    }

    /// Lets two files or folders of one disk take each other's place in one step. It is durable when this returns.
    ///
    /// # Errors
    /// The system's; not every file system can do it.
    pub fn exchange(
        &self,
        (from, name): (&Folder, &OsStr),
        (to, other): (&Folder, &OsStr),
    ) -> io::Result<()> {
        self.step()?;
        renameat_with(&from.handle, name, &to.handle, other, RenameFlags::EXCHANGE)?;
        self.sync(to)
    }

    /// Removes a file or link for good.
    ///
    /// # Errors
    /// The system's.
    pub fn remove(&self, folder: &Folder, name: &OsStr) -> io::Result<()> {
        self.step()?;
        unlinkat(&folder.handle, name, AtFlags::empty())?;
        self.sync(folder)
    }

    /// Makes a folder in another, with this mode whatever the process's umask says. Gives whether it was missing.
    ///
    /// # Errors
    /// The system's.
    pub fn make_folder(&self, folder: &Folder, name: &OsStr, mode: u32) -> io::Result<bool> {
        match mkdirat(&folder.handle, name, Mode::from_raw_mode(mode)) {
            Err(Errno::EXIST) => return Ok(false),
            made => made?,
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | PLAIN;
        fchmod(openat(&folder.handle, name, flags, Mode::empty())?, Mode::from_raw_mode(mode))?;
        Ok(true)
    }

    /// Makes what was renamed, made and removed in a folder durable.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self, folder: &Folder) -> io::Result<()> {
        self.step()?;
        Ok(fsync(&folder.handle)?)
    }

    /// Removes what killed processes left of files that they wrote aside in a folder.
    ///
    /// # Errors
    /// The system's.
    pub fn sweep(&self, folder: &Folder) -> io::Result<()> {
        self.remove_where(folder, |name| name.ends_with(ASIDE.as_bytes()))
    }

    fn remove_left(&self, folder: &Folder, of: &OsStr) -> io::Result<()> {
        let begins = [b".", of.as_bytes(), b"."].concat();
        self.remove_where(folder, |name| {
            name.starts_with(&begins) && name.ends_with(ASIDE.as_bytes())
        })
    }

    fn remove_where(&self, folder: &Folder, is_left: impl Fn(&[u8]) -> bool) -> io::Result<()> {
        for entry in Dir::read_from(&folder.handle)? {
            let entry = entry?;
            if is_left(entry.file_name().to_bytes()) {
                self.remove(folder, OsStr::from_bytes(entry.file_name().to_bytes()))?;
            }
        }
        Ok(())
    }

    /// A killed process clears nothing away, and neither does a disk that ended.
    fn clear_after<T>(&self, done: io::Result<T>, folder: &Folder, aside: &OsStr) -> io::Result<T> {
        if done.is_err() && !self.has_ended() {
            let _ = unlinkat(&folder.handle, aside, AtFlags::empty());
        }
        done
    }
}

/// Whether a file is one that was being written when its process ended.
pub fn is_aside(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_bytes().ends_with(ASIDE.as_bytes()))
}

/// A name beside another that nobody can foresee.
fn aside(name: &OsStr) -> io::Result<OsString> {
    let mut nonce = [0; 8];
    let drawn = SystemRandom::new().fill(&mut nonce);
    drawn.map_err(|_| io::Error::other("there are no random numbers"))?;
    let mut aside = OsString::from(".");
    aside.push(name);
    aside.push(format!(".{:016x}{ASIDE}", u64::from_be_bytes(nonce)));
    Ok(aside)
}
