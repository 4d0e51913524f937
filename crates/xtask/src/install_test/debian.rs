//! An empty Debian in a folder, in which commands are run as its users.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::{Failure, cargo::run, reproducible::sha256, say};

/// The release on which the packages must install.
const RELEASE: &str = "bookworm";

pub(crate) struct Debian {
    root: PathBuf,
    keep: bool,
}

impl Debian {
    /// Unpacks an archive that `mmdebstrap` makes, where there is none yet.
    pub(crate) fn make(root: &Path, archive: &Path, keep: bool) -> Result<Self, Failure> {
        let io = |path: &Path, source| Failure::Folder { path: path.to_owned(), source };
        if !archive.exists() {
            let folder = archive.parent().unwrap_or(root);
            fs::create_dir_all(folder).map_err(|source| io(folder, source))?;
            say(&format!("making an empty Debian {RELEASE} in {}", archive.display()));
            let mut make = Command::new("mmdebstrap");
            make.args(["--quiet", "--variant=minbase", "--include=systemd,procps", RELEASE]);
            match make.arg(archive).status() {
                Ok(status) if status.success() => {}
                Ok(status) => {
                    let _ = fs::remove_file(archive);
                    let code = status.code();
                    return Err(Failure::Program { program: "mmdebstrap".into(), code });
                }
                Err(source) if source.kind() == io::ErrorKind::NotFound => {
                    return Err(Failure::Lacking("apt-get install mmdebstrap".into()));
                }
                Err(source) => return Err(Failure::Cargo(source)),
            }
        }
        let debian = Self { root: root.to_owned(), keep };
        debian.clear()?;
        fs::create_dir_all(root).map_err(|source| io(root, source))?;
        run("tar", Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(root))?;
        fs::set_permissions(root, fs::Permissions::from_mode(0o755))
            .map_err(|source| io(root, source))?;
        run("mount", Command::new("mount").args(["-t", "proc", "proc"]).arg(root.join("proc")))?;
        Ok(debian)
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A line for the shell, as a user with their groups.
    pub(crate) fn command(&self, user: &str, line: &str) -> Command {
        let mut command = Command::new("chroot");
        // An unknown user is no one's: `chroot` fails.
        command.arg(format!("--userspec={user}:")).arg(&self.root);
        command.args(["sh", "-c", line]).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        command
    }

    /// Runs a line that ends with one of these exit codes, and gives what it printed.
    pub(crate) fn done(&self, user: &str, line: &str, codes: &[i32]) -> Result<String, Failure> {
        let output = self.command(user, line).output().map_err(Failure::Cargo)?;
        let [out, err] =
            [&output.stdout, &output.stderr].map(|of| String::from_utf8_lossy(of).into_owned());
        match output.status.code().is_some_and(|code| codes.contains(&code)) {
            true => Ok(out),
            false => {
                let told = format!("as {user}: {line}\nended with {}\n{out}{err}", output.status);
                Err(Failure::Installation(told))
            }
        }
    }

    pub(crate) fn tried_to_install(&self, package: &Path) -> Result<Output, Failure> {
        let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let copy = self.at("tmp").join(&name);
        fs::copy(package, &copy)
            .map_err(|source| Failure::Folder { path: copy.clone(), source })?;
        // As `apt-get install` does where a person changed a file of the configuration: it is kept.
        let install = format!("dpkg --force-confold --install /tmp/{name}");
        self.command("root", &install).output().map_err(Failure::Cargo)
    }

    pub(crate) fn install(&self, package: &Path) -> Result<(), Failure> {
        let output = self.tried_to_install(package)?;
        match output.status.success() {
            true => Ok(()),
            false => {
                let told = [output.stdout, output.stderr].concat();
                Err(Failure::Installation(String::from_utf8_lossy(&told).into_owned()))
            }
        }
    }

    /// Everything below some folders: path, owner, group, mode, and the hash of a file.
    pub(crate) fn listing(&self, folders: &[&str]) -> Result<Vec<String>, Failure> {
        let mut found = Vec::new();
        for folder in folders {
            list(&self.at(folder), &mut found)?;
        }
        found.sort();
        Ok(found)
    }

    /// Nothing of the machine's own stays mounted in the folder: whoever removes it would walk through that.
    fn unmount(&self) -> Result<(), Failure> {
        let proc = self.root.join("proc");
        match proc.join("self").exists() {
            true => run("umount", Command::new("umount").arg(&proc)),
            false => Ok(()),
        }
    }

    fn clear(&self) -> Result<(), Failure> {
        if !self.root.exists() {
            return Ok(());
        }
        self.unmount()?;
        fs::remove_dir_all(&self.root)
            .map_err(|source| Failure::Folder { path: self.root.clone(), source })
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        if self.keep {
            match self.unmount() {
                Ok(()) => say(&format!("the installation is in {}", self.root.display())),
                Err(error) => say(&format!("unmount {}/proc: {error}", self.root.display())),
            }
        } else if let Err(error) = self.clear() {
            say(&format!("the installation was not removed: {error}"));
        }
    }
}

fn list(path: &Path, found: &mut Vec<String>) -> Result<(), Failure> {
    let io = |source| Failure::Folder { path: path.to_owned(), source };
    let of = fs::symlink_metadata(path).map_err(io)?;
    let content = match of.file_type() {
        kind if kind.is_file() => sha256(path)?,
        kind if kind.is_symlink() => fs::read_link(path).map_err(io)?.display().to_string(),
        _ => String::new(),
    };
    let (path, mode) = (path.display(), of.mode());
    found.push(format!("{path} {}:{} {mode:o} {content}", of.uid(), of.gid()));
    if of.is_dir() {
        for entry in fs::read_dir(path.to_string()).map_err(io)? {
            list(&entry.map_err(io)?.path(), found)?;
        }
    }
    Ok(())
}
