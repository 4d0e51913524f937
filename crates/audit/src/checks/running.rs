//! Run separation: who owns the folders and the socket, as whom the programs run, and what of the vault's
//! is in another's hands.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use super::{
    files::{Rule, look_below},
    mapped,
    processes::{self, Process},
};
use crate::{
    check::{Check, Gathered, quoted},
    site::Site,
};

/// Folders first, then processes.
pub(super) fn checks(site: &Site) -> Vec<Check> {
    let processes = processes::running(Path::new("/proc"));
    vec![
        store(site),
        vault_folder(site),
        socket(site),
        users(site, &processes),
        core_limit(&processes),
        environment(&processes),
        open_files(site, &processes),
        mapped::check(&processes),
    ]
}

fn store(site: &Site) -> Check {
    let store = &site.pipeline.store;
    let title = "The store is its owner's alone, and apart from the vault";
    let by_hand = format!(
        "stat -c '%U %G %a %n' {}: 700, or 2770 and getent group names the programs alone",
        quoted(store)
    );
    let mut check = Check::begin("run.store", title, by_hand);
    match fs::metadata(store) {
        // Set for the group, so that what each program writes the others of the group read.
        Ok(folder) if folder.mode() & 0o2007 == 0o2000 => check.fine(format!(
            "{}: uid {}, mode {:o}, shared with group {} alone",
            store.display(),
            folder.uid(),
            folder.mode() & 0o7777,
            folder.gid()
        )),
        _ => drop(alone(store, &mut check)),
    }
    if let Some(vault) = &site.arguments.vault_dir {
        let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let (store, vault) = (whole(store), whole(vault));
        match store.starts_with(&vault) || vault.starts_with(&store) {
            true => check.wrong("the store and the vault's folder are one inside the other"),
            false => check.fine("it is not inside the vault's folder, nor that inside it"),
        }
    }
    check.end()
}

fn vault_folder(site: &Site) -> Check {
    let title = "The vault's folder and every file in it are the vault's user's alone";
    let folder = site.arguments.vault_dir.as_deref();
    let shown = folder.map_or("VAULT-FOLDER".to_owned(), quoted);
    let by_hand = format!(
        "find {shown} -perm /077 -o -type f -links +1 prints nothing; find {shown} -printf '%U\\n' | sort -u; getfacl -Rps {shown}"
    );
    let mut check = Check::begin("run.vault-folder", title, by_hand);
    match folder {
        Some(folder) => {
            if let Some(owner) = alone(folder, &mut check) {
                let rule =
                    Rule { owners: vec![owner], group: None, readers: None, all_read: false };
                look_below(folder, &rule, &mut check);
            }
        }
        None => check.for_root("give --vault-dir DIR"),
    }
    check.end()
}

fn socket(site: &Site) -> Check {
    let socket = site.socket();
    let folder = socket.parent().unwrap_or(Path::new("/"));
    let title = "Nobody but the vault's user can put another socket in the vault's place";
    let by_hand =
        format!("stat -c '%U %a %n' {} {}: no w for others", quoted(folder), quoted(socket));
    let mut check = Check::begin("run.socket", title, by_hand);
    match (fs::metadata(folder), fs::symlink_metadata(socket)) {
        (Ok(around), Ok(at)) => {
            let mode = around.mode() & 0o777;
            let told = format!("{}: uid {}, mode {mode:o}", folder.display(), around.uid());
            match mode & 0o022 == 0 && [at.uid(), 0].contains(&around.uid()) {
                true => check.fine(told),
                false => check.wrong(format!("{told}: others may replace the socket in it")),
            }
            let told =
                format!("{}: uid {}, mode {:o}", socket.display(), at.uid(), at.mode() & 0o777);
            match vault_uid(socket) {
                _ if !at.file_type().is_socket() => {
                    check.wrong(format!("{told}: it is no socket"));
                }
                Some(uid) if uid == at.uid() => check.fine(format!("{told}; uid {uid} listens")),
                Some(uid) => check.wrong(format!("{told}; but uid {uid} listens")),
                None => check.missing(format!("{told}; nobody answers this user on it")),
            }
        }
        (Err(error), _) => check.missing(format!("{}: {error}", folder.display())),
        (_, Err(error)) => {
            check.missing(format!("{}: {error}; is the vault serving?", socket.display()));
        }
    }
    check.end()
}

fn users(site: &Site, processes: &io::Result<Vec<Process>>) -> Check {
    let title = "The vault runs as a user of its own";
    let by_hand = "ps -eo user,pid,comm | grep minster; stat -c '%U %n' on the store";
    let mut check = Check::begin("run.users", title, by_hand);
    let listening = vault_uid(site.socket());
    let all = seen(processes, &mut check);
    // Another vault of the machine is another installation's; where none listens, all are looked at.
    let vaults = all.iter().filter(|process| process.name == "minster-vault");
    let uids: BTreeSet<u32> = match listening {
        Some(uid) => BTreeSet::from([uid]),
        None => vaults.map(|process| process.uid).collect(),
    };
    if let Some(uid) = listening {
        check.note(format!("the process on the socket has uid {uid}"));
    }
    if uids.is_empty() {
        check.missing("no vault is running");
    }
    if uids.contains(&0) {
        check.wrong("the vault runs as root: an intruder in it has the whole machine");
    }
    let of_all_programs = "one user runs all, as in a demo: whoever gets into one program is in the vault's \
                           place too. In service give the vault a user of its own";
    let others = all.iter().filter(|process| process.name != "minster-vault");
    let others = others.map(|process| (process.told(), process.uid));
    let store = fs::metadata(&site.pipeline.store)
        .map(|store| ("the store's owner".to_owned(), store.uid()));
    for (who, uid) in others.chain(store) {
        match uids.contains(&uid) {
            true => check.wrong(format!("{who} is the vault's user, uid {uid}: {of_all_programs}")),
            false if uids.is_empty() => {}
            false => check.fine(format!("{who} has uid {uid}, the vault another")),
        }
    }
    check.end()
}

fn core_limit(processes: &io::Result<Vec<Process>>) -> Check {
    let title = "The system writes no core dump of the vault";
    let by_hand = "grep 'Max core' /proc/PID/limits, PID being the vault's: 0 and 0";
    let mut check = Check::begin("run.core", title, by_hand);
    let all = seen(processes, &mut check);
    if all.iter().all(|process| process.name != "minster-vault") {
        check.missing("no vault is running");
    }
    for process in all.iter().filter(|process| process.name == "minster-vault") {
        match process.core_limit() {
            Ok((now, most)) if now == "0" && most == "0" => {
                check.fine(format!("{}: core limit 0", process.told()));
            }
            Ok((now, most)) => check.wrong(format!(
                "{}: core limit {now}, at most {most}: a dump would hold the keys",
                process.told()
            )),
            Err(error) if ended(&error) => {}
            Err(error) => check.unread(process.told(), &error),
        }
    }
    check.end()
}

/// Meanwhile the process has ended: nothing is left to look at.
pub(super) fn ended(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

fn environment(processes: &io::Result<Vec<Process>>) -> Check {
    let title = "No program has a key or a password in its environment";
    let by_hand =
        "tr '\\0' '\\n' < /proc/PID/environ | cut -d= -f1 prints the names, for each program";
    let mut check = Check::begin("run.environment", title, by_hand);
    let all = seen(processes, &mut check);
    if all.is_empty() {
        check.missing("none of the programs is running");
    }
    for process in all {
        let variables = match process.environment() {
            Ok(variables) => variables,
            Err(error) if ended(&error) => continue,
            Err(error) => {
                check.unread(process.told(), &error);
                continue;
            }
        };
        let secret = |(name, value): &&(String, String)| {
            says_secret(name) || looks_secret(name) || looks_secret(value)
        };
        let found: Vec<&str> =
            variables.iter().filter(secret).map(|(name, _)| named(name)).collect();
        match found.as_slice() {
            [] => check.fine(format!(
                "{}: {} variables, none looks like a key",
                process.told(),
                variables.len()
            )),
            found => check.wrong(format!(
                "{}: these look like keys, their values are not shown: {}",
                process.told(),
                found.join(", ")
            )),
        }
    }
    check.end()
}

fn open_files(site: &Site, processes: &io::Result<Vec<Process>>) -> Check {
    let title = "Neither minster nor minster-ingest has a file of the vault open";
    let by_hand = "ls -l /proc/PID/fd, for each minster and minster-ingest";
    let mut check = Check::begin("run.open-files", title, by_hand);
    let all = seen(processes, &mut check);
    let vaults = all.iter().filter(|process| process.name == "minster-vault");
    let secrets = vaults.filter_map(|vault| vault.secret_files().ok()).flatten();
    let folder = site.arguments.vault_dir.clone();
    if folder.is_none() {
        check.for_root("which folder is the vault's: give --vault-dir DIR");
    }
    let whole = |path: PathBuf| path.canonicalize().unwrap_or(path);
    let vaults_own: Vec<PathBuf> = folder.into_iter().chain(secrets).map(whole).collect();
    let mut looked = false;
    for process in all.iter().filter(|process| process.name != "minster-vault") {
        looked = true;
        match process.open_files() {
            Ok(files) => {
                let of_vault = |file: &&PathBuf| vaults_own.iter().any(|own| file.starts_with(own));
                match files.iter().filter(of_vault).count() {
                    0 => check.fine(format!("{}: {} open files", process.told(), files.len())),
                    found => check.wrong(format!(
                        "{}: {found} of {} open files are the vault's",
                        process.told(),
                        files.len()
                    )),
                }
            }
            Err(error) if ended(&error) => {}
            Err(error) => check.unread(process.told(), &error),
        }
    }
    if !looked {
        check.missing("neither is running now: audit while a run is under way");
    }
    check.end()
}

/// Gives the owner where the mode could be read.
fn alone(path: &Path, check: &mut Gathered) -> Option<u32> {
    match fs::metadata(path) {
        Ok(metadata) => {
            let mode = metadata.mode() & 0o777;
            let told = format!("{}: uid {}, mode {mode:o}", path.display(), metadata.uid());
            match mode & 0o077 {
                0 => check.fine(told),
                _ => check.wrong(format!("{told}: others can get in (chmod go= on it)")),
            }
            Some(metadata.uid())
        }
        Err(error) => {
            check.unread(path.display(), &error);
            None
        }
    }
}

pub(super) fn seen<'a>(
    processes: &'a io::Result<Vec<Process>>,
    check: &mut Gathered,
) -> &'a [Process] {
    match processes {
        Ok(processes) => processes,
        Err(error) => {
            check.missing(format!("/proc cannot be read: {error}"));
            &[]
        }
    }
}

/// As the kernel tells it of whoever listens.
fn vault_uid(socket: &Path) -> Option<u32> {
    let stream = UnixStream::connect(socket).ok()?;
    rustix::net::sockopt::socket_peercred(stream).ok().map(|peer| peer.uid.as_raw())
}

/// The process that listens, as the kernel tells it.
pub(super) fn vault_pid(socket: &Path) -> Option<u32> {
    let stream = UnixStream::connect(socket).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

/// Whether a variable's name says that it holds a secret.
pub(super) fn says_secret(name: &str) -> bool {
    const WORDS: [&str; 10] = [
        "KEY",
        "KEYS",
        "APIKEY",
        "SECRET",
        "SECRETS",
        "PASSPHRASE",
        "PASSWORD",
        "PASSWD",
        "PIN",
        "IDENTITY",
    ];
    let name = name.to_ascii_uppercase();
    name.split(['_', '-', '.']).any(|word| WORDS.contains(&word))
}

/// Whether a value looks like a key: 64 hexadecimal digits or more, or an age identity.
pub(super) fn looks_secret(value: &str) -> bool {
    let digits = value.split(|c: char| !c.is_ascii_alphanumeric());
    let mut hex = digits.filter(|word| word.bytes().all(|byte| byte.is_ascii_hexdigit()));
    value.to_ascii_uppercase().contains("AGE-SECRET-KEY-") || hex.any(|word| word.len() >= 64)
}

/// A variable without a name is a value.
fn named(name: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match !name.is_empty() && name.len() <= 60 && !looks_secret(name) && name.chars().all(plain) {
        true => name,
        false => "(a variable whose name is not shown)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    /// A made-up /proc with one process.
    fn proc(name: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let process = folder.path().join("1000000");
        fs::create_dir(&process).unwrap();
        std::os::unix::fs::symlink(format!("/usr/bin/{name}"), process.join("exe")).unwrap();
        fs::write(process.join("status"), "Name:\tx\nUid:\t7\t8\t7\t7\n").unwrap();
        files.iter().for_each(|(name, text)| fs::write(process.join(name), text).unwrap());
        folder
    }

    #[test]
    fn a_core_limit_above_none_fails() {
        for (limits, verdict) in [
            (
                "Max core file size        0                    0                    bytes",
                Verdict::Pass,
            ),
            (
                "Max core file size        0                    unlimited            bytes",
                Verdict::Fail,
            ),
            (
                "Max core file size        unlimited            unlimited            bytes",
                Verdict::Fail,
            ),
            (
                "Max cpu time              unlimited            unlimited          seconds",
                Verdict::NotChecked,
            ),
        ] {
            let folder = proc("minster-vault", &[("limits", limits)]);
            let processes = processes::running(folder.path());
            assert_eq!(processes.as_ref().unwrap()[0].uid, 8);
            assert_eq!(core_limit(&processes).verdict, verdict, "{limits}");
        }
        let none = proc("sleep", &[]);
        assert_eq!(core_limit(&processes::running(none.path())).verdict, Verdict::NotChecked);
    }

    #[test]
    fn a_key_in_the_environment_fails_and_is_not_shown() {
        let hex = "0123456789abcdef".repeat(4);
        for (environment, verdict) in [
            ("PATH=/bin\0HOME=/root\0KEYBOARD=uk\0".to_owned(), Verdict::Pass),
            (format!("PATH=/bin\0X={hex}\0"), Verdict::Fail),
            (format!("{hex}=x\0"), Verdict::Fail),
            (format!("{hex}\0"), Verdict::Fail),
            ("I=AGE-SECRET-KEY-1QQQ\0".to_owned(), Verdict::Fail),
            ("VAULT_PIN=1\0".to_owned(), Verdict::Fail),
            ("VAULT_PASSPHRASE=horse\0".to_owned(), Verdict::Fail),
        ] {
            let folder = proc("minster", &[("environ", &environment)]);
            let check = super::environment(&processes::running(folder.path()));
            assert_eq!(check.verdict, verdict, "{environment}");
            let told = check.evidence.join(" ");
            assert!(
                !told.contains(&hex) && !told.contains("SECRET-KEY-1") && !told.contains("horse")
            );
        }
    }

    #[test]
    fn the_files_of_the_vault_s_secrets_are_read_from_its_command_line() {
        let line = "minster-vault\0serve\0--key-file\0/m/key\0--identity=/m/ann\0--socket\0/s\0";
        let folder = proc("minster-vault", &[("cmdline", line)]);
        let processes = processes::running(folder.path()).unwrap();
        let files = processes[0].secret_files().unwrap();
        assert_eq!(files, [PathBuf::from("/m/key"), PathBuf::from("/m/ann")]);
    }
}
