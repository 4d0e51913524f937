//! Keys and age identities where they must not stand: in units, environment files, the configuration, histories and logs.
//! The place is told, and never what stands there.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    packed::{self, Unopened},
    running::{looks_secret, says_secret},
};
use crate::{
    check::{Check, Gathered},
    site::Site,
};

/// Bytes that are read of a packed file, and of all files together.
const PACKED: u64 = 256 << 20;
const OF_ALL: u64 = 2 << 30;
/// A longer line is cut.
const LINE: u64 = 1 << 20;
/// Named at most; the rest is counted.
const TOLD: usize = 20;

/// How strictly a place is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A unit or an environment file: each line may give a variable.
    Settings,
    /// A history of a shell: commands that a person typed.
    Typed,
    /// Printed text: hashes stand there too.
    Words,
}

pub(super) fn check(site: &Site) -> Check {
    let title =
        "No unit, environment file, history or log holds a key, an identity or a passphrase";
    let by_hand = "grep -rlE 'AGE-SECRET-KEY-1|PRIVATE KEY-----' /etc/systemd /etc/default /etc/environment /etc/minster /root /home /var/log, as root";
    let mut check = Check::begin("files.secrets", title, by_hand);
    let mut search = Search { left: OF_ALL, ..Search::default() };
    // The places of these programs first: another's logs may use up what is read of all.
    let config =
        site.arguments.config.canonicalize().unwrap_or_else(|_| site.arguments.config.clone());
    if let Some(folder) = config.parent() {
        search.below(folder, Place::Settings, &mut check);
    }
    site.arguments.also.iter().for_each(|path| search.below(path, Place::Words, &mut check));
    for (place, paths) in of_system(Path::new("/")) {
        paths.iter().for_each(|path| search.below(path, place, &mut check));
    }
    search.found.iter().take(TOLD).for_each(|found| check.wrong(found));
    if search.found.len() > TOLD {
        check.wrong(format!("and in {} more places", search.found.len() - TOLD));
    }
    if search.left == 0 {
        check.missing(format!(
            "there is more than {} MiB of logs: give --also PATH for those of the programs",
            OF_ALL >> 20
        ));
    }
    check.fine(format!(
        "{} files were searched, {} MiB",
        search.files,
        (OF_ALL - search.left) >> 20
    ));
    check.end()
}

/// The usual places of a system.
fn of_system(root: &Path) -> [(Place, Vec<PathBuf>); 3] {
    let at = |path: &str| root.join(path);
    let settings = [
        "etc/systemd/system",
        "run/systemd/system",
        "etc/environment",
        "etc/environment.d",
        "etc/default",
        "etc/minster",
        "etc/cron.d",
        "etc/crontab",
        "var/spool/cron",
    ];
    let mut settings: Vec<PathBuf> = settings.iter().map(|path| at(path)).collect();
    settings.extend(ours(&at("usr/lib/systemd/system")));
    let homes = entries(&at("home"))
        .into_iter()
        .chain([at("root")])
        .chain(entries(&at("var/lib")).into_iter().filter(|path| is_ours(path)));
    let mut typed = Vec::new();
    for home in homes {
        let histories = entries(&home).into_iter().filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with('.')
                && (name.ends_with("history")
                    || name.ends_with("_hist")
                    || name == ".viminfo"
                    || name == ".lesshst")
        });
        typed.extend(histories);
    }
    [(Place::Settings, settings), (Place::Typed, typed), (Place::Words, vec![at("var/log")])]
}

fn is_ours(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("minster"))
}

fn ours(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| is_ours(path)).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[derive(Default)]
struct Search {
    left: u64,
    files: u64,
    found: Vec<String>,
    seen: BTreeSet<PathBuf>,
}

impl Search {
    fn below(&mut self, path: &Path, place: Place, check: &mut Gathered) {
        let kind = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata.file_type(),
            // Not every system has every place.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return check.unread(path.display(), &error),
        };
        if kind.is_dir() {
            match fs::read_dir(path) {
                Ok(_) => entries(path).iter().for_each(|path| self.below(path, place, check)),
                Err(error) => check.unread(path.display(), &error),
            }
        } else if kind.is_file() && self.left > 0 && self.seen.insert(path.to_owned()) {
            let mut unopened = Vec::new();
            match self.file(path, place, &mut unopened) {
                Ok(lines) if lines.is_empty() => {}
                Ok(lines) => self.found.push(format!("{}: {}", path.display(), lines.join("; "))),
                Err(error) => check.unread(path.display(), &error),
            }
            for why in unopened {
                check.missing(format!("{}: {}", path.display(), why.told()));
            }
        }
    }

    /// The secrets in a file, by line, without a word of it. An older log may be packed.
    fn file(
        &mut self,
        path: &Path,
        place: Place,
        unopened: &mut Vec<Unopened>,
    ) -> io::Result<Vec<String>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut begin = Vec::new();
        file.by_ref().take(packed::BEGIN).read_to_end(&mut begin)?;
        let is_packed = packed::is_packed(&begin);
        let most = if is_packed { PACKED } else { length };
        let taken = length.min(most).min(self.left);
        if is_packed && length > taken {
            unopened.push(Unopened::TooMuch);
        }
        // Where no more is read of all, the end of a log is the newest.
        let from = if is_packed { 0 } else { length - taken };
        file.seek(SeekFrom::Start(from))?;
        self.left -= taken;
        self.files += 1;
        let mut lines = Lines { place, found: Vec::new() };
        let mut file = file.take(taken);
        if !is_packed {
            lines.read(BufReader::new(file), "line")?;
            return Ok(lines.found);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut broken = Ok(());
        unopened.extend(packed::unpack(&bytes, &mut |plain| {
            if let Err(error) = lines.read(plain, "packed in it, line") {
                broken = Err(error);
            }
        }));
        broken.map(|()| lines.found)
    }
}

/// The secrets in the lines of a file.
struct Lines {
    place: Place,
    found: Vec<String>,
}

impl Lines {
    fn read(&mut self, mut reader: impl BufRead, called: &str) -> io::Result<()> {
        let (mut line, mut number) = (Vec::new(), 0u64);
        loop {
            line.clear();
            if reader.by_ref().take(LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            number += 1;
            if let Some(what) = of_line(&String::from_utf8_lossy(&line), self.place)
                && self.found.len() < 3
            {
                self.found.push(format!("{called} {number} looks like {what}"));
            }
        }
    }
}

/// The secret that a line gives away.
fn of_line(line: &str, place: Place) -> Option<&'static str> {
    let upper = line.to_ascii_uppercase();
    if upper.contains("AGE-SECRET-KEY-1") {
        return Some("an age identity");
    }
    if line.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    // As custodians' and auditors' keys stand in their files: PKCS#8 of Ed25519, hexadecimal (RFC 8410).
    let digits =
        |word: &&str| word.len() >= 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words = line.split(|c: char| !c.is_ascii_alphanumeric());
    let keys = words.filter(digits).map(str::to_ascii_lowercase);
    if keys.into_iter().any(|word| word.starts_with("30") && word.contains("06032b6570")) {
        return Some("a signing key");
    }
    let line = line.trim();
    match place {
        Place::Settings => of_setting(line),
        Place::Typed | Place::Words => {
            let lower = line.to_ascii_lowercase();
            let typed = lower.contains("minster")
                && (lower.contains("passphrase=")
                    || lower.contains("password=")
                    || lower.contains("pin="));
            // A root key that is sealed with it on the command line: `systemd-creds encrypt … <<< KEY`.
            let hands_on = lower.contains("systemd-creds")
                || lower.contains("minster") && (lower.contains("<<<") || lower.contains('|'));
            let sealed = place == Place::Typed
                && hands_on
                && !lower.contains("sha256")
                && line.split(|c: char| !c.is_ascii_alphanumeric()).any(is_root_key);
            let echoed = (lower.starts_with("echo ") || lower.starts_with("printf "))
                && (looks_secret(line) || lower.contains("passphrase"));
            (typed || echoed || sealed).then_some("a secret that was typed")
        }
    }
}

/// 64 hexadecimal digits, as `openssl rand -hex 32` makes them.
fn is_root_key(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A unit's or an environment file's variable.
fn of_setting(line: &str) -> Option<&'static str> {
    if line.starts_with(['#', ';']) {
        return None;
    }
    let line = ["Environment=", "export ", "SetCredential="]
        .iter()
        .find_map(|begin| line.strip_prefix(begin))
        .unwrap_or(line);
    line.split_whitespace().find_map(|pair| {
        let (name, value) = pair.trim_matches(['"', '\'']).split_once(['=', ':'])?;
        let is_path = value.starts_with(['/', '%', '$', '~']) || value.is_empty();
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        match (is_name && says_secret(name) && !is_path, looks_secret(value)) {
            (true, _) => Some("a variable with a secret"),
            (_, true) => Some("a key"),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    const AGE: &str = "AGE-SECRET-KEY-1QQQQPLANTED";

    #[test]
    fn a_secret_is_found_wherever_it_was_left_and_is_not_told() {
        let hex = "0123456789abcdef".repeat(4);
        let key = format!("3053020101300506032b657004220420{hex}a12303210000");
        for (file, text) in [
            (
                "etc/systemd/system/minster-vault.service.d/x.conf",
                format!("[Service]\nEnvironment=ROOT={hex}\n"),
            ),
            (
                "usr/lib/systemd/system/minster.service",
                "Environment=VAULT_PASSPHRASE=open-sesame\n".to_owned(),
            ),
            ("etc/default/minster", format!("IDENTITY={AGE}\n")),
            ("etc/environment", "TOKEN_PIN=1234\n".to_owned()),
            ("home/ann/.bash_history", format!("ls\necho {hex} > key\n")),
            ("root/.bash_history", "minster-vault serve --passphrase=open-sesame\n".to_owned()),
            (
                "root/.zsh_history",
                format!("systemd-creds encrypt --name=minster-root - /etc/x <<< {hex}\n"),
            ),
            ("var/log/minster/run.log", format!("x {AGE}\n")),
            ("var/log/syslog", format!("key {key}\n")),
            ("var/lib/minster/.sh_history", "-----BEGIN PRIVATE KEY-----\n".to_owned()),
        ] {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let found = |text: &str| {
                fs::write(&path, text).unwrap();
                let (mut search, mut check) =
                    (Search { left: OF_ALL, ..Search::default() }, Check::begin("", "", ""));
                for (place, paths) in of_system(root.path()) {
                    paths.iter().for_each(|path| search.below(path, place, &mut check));
                }
                assert_eq!(search.files, 1, "{file}");
                search.found
            };
            let told = found(&text);
            assert_eq!(told.len(), 1, "{file}");
            assert!(
                told[0].contains(file)
                    && !told[0].contains(&hex)
                    && !told[0].contains("sesame")
                    && !told[0].contains("PLANTED")
            );
            let harmless = "Environment=MINSTER_CONFIG=/etc/x\nKEY_FILE=/etc/key\n# PIN=1\n9f86d081884c7d65 ok\n";
            assert_eq!(found(harmless), [""; 0], "{file}");
        }
        // A log of last week, packed; one in a form that this program does not open.
        let root = tempfile::tempdir().unwrap();
        let looked = |name: &str, bytes: &[u8]| {
            let path = root.path().join("var/log").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            let (mut search, mut check) =
                (Search { left: OF_ALL, ..Search::default() }, Check::begin("", "", ""));
            for (place, paths) in of_system(root.path()) {
                paths.iter().for_each(|path| search.below(path, place, &mut check));
            }
            check.fine("");
            fs::remove_file(path).unwrap();
            (search.found, check.end().verdict)
        };
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        io::Write::write_all(&mut packer, format!("a\nminster: {AGE}\n").as_bytes()).unwrap();
        let (found, verdict) = looked("minster.log.3.gz", &packer.finish().unwrap());
        assert_eq!((found.len(), verdict), (1, Verdict::Pass), "{found:?}");
        assert!(found[0].ends_with("packed in it, line 2 looks like an age identity"), "{found:?}");
        let (found, verdict) = looked("minster.log.4.xz", b"\xfd7zXZ\0 closed");
        assert_eq!((found.len(), verdict), (0, Verdict::NotChecked));
        // A hash in a log is none.
        for line in [format!("sha256 {hex}"), format!("minster: SHA-256 {hex}")] {
            assert_eq!(of_line(&line, Place::Words), None);
        }
    }
}
