//! The system's word on running programs, under `/proc`.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

/// The programs that are looked for.
const NAMES: [&str; 3] = ["minster-vault", "minster-ingest", "minster"];

/// One running program.
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) name: &'static str,
    pub(super) uid: u32,
    folder: PathBuf,
}

/// Those that run, but this one.
pub(super) fn running(proc: &Path) -> io::Result<Vec<Process>> {
    let me = std::process::id();
    let mut found = Vec::new();
    for entry in fs::read_dir(proc)?.flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(pid) = pid.filter(|pid| *pid != me) else { continue };
        let folder = entry.path();
        if let (Some(name), Some(uid)) = (name(&folder), uid(&folder)) {
            found.push(Process { pid, name, uid, folder });
        }
    }
    found.sort_by_key(|process| process.pid);
    Ok(found)
}

impl Process {
    /// For people.
    pub(super) fn told(&self) -> String {
        format!("{} (process {}, uid {})", self.name, self.pid, self.uid)
    }

    /// The most that a core dump may hold, now and at most, as the system writes it.
    pub(super) fn core_limit(&self) -> io::Result<(String, String)> {
        let text = fs::read_to_string(self.folder.join("limits"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Max core file size"));
        let mut words = line.unwrap_or_default().split_whitespace().map(str::to_owned);
        match (words.next(), words.next()) {
            (Some(now), Some(most)) => Ok((now, most)),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Names and values of its environment.
    pub(super) fn environment(&self) -> io::Result<Vec<(String, String)>> {
        let bytes = fs::read(self.folder.join("environ"))?;
        let variables = bytes.split(|byte| *byte == 0).filter(|variable| !variable.is_empty());
        let pair = |variable: &[u8]| {
            let text = String::from_utf8_lossy(variable).into_owned();
            match text.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (String::new(), text),
            }
        };
        Ok(variables.map(pair).collect())
    }

    /// The files that are mapped into its memory, a line each.
    pub(super) fn maps(&self) -> io::Result<String> {
        fs::read_to_string(self.folder.join("maps"))
    }

    /// The file that it runs from.
    pub(super) fn program(&self) -> Option<PathBuf> {
        let program = fs::read_link(self.folder.join("exe")).ok()?;
        let shown = program.to_string_lossy();
        Some(PathBuf::from(shown.trim_end_matches(" (deleted)")))
    }

    /// The bytes that it runs from, whatever stands at its place by now.
    pub(super) fn image(&self) -> io::Result<fs::File> {
        fs::File::open(self.folder.join("exe"))
    }

    /// The files that it holds open.
    pub(super) fn open_files(&self) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(self.folder.join("fd"))?.flatten();
        // One that was closed meanwhile is none.
        Ok(entries.filter_map(|entry| fs::read_link(entry.path()).ok()).collect())
    }

    /// The files of secrets that its command line names, from the folder in which it was started.
    pub(super) fn secret_files(&self) -> io::Result<Vec<PathBuf>> {
        const OPTIONS: [&str; 4] = ["--key-file", "--identity", "--passphrase-file", "--pin-file"];
        let bytes = fs::read(self.folder.join("cmdline"))?;
        let started = fs::read_link(self.folder.join("cwd")).unwrap_or_default();
        let mut words = bytes.split(|byte| *byte == 0);
        let mut files = Vec::new();
        while let Some(word) = words.next() {
            for option in OPTIONS {
                let joined = word.strip_prefix(option.as_bytes());
                let file = match joined {
                    Some([]) => words.next(),
                    Some([b'=', file @ ..]) => Some(file),
                    _ => None,
                };
                files.extend(file.map(|file| started.join(OsString::from_vec(file.to_vec()))));
            }
        }
        Ok(files)
    }
}

/// By the program's file; by the name the kernel keeps, where the file is not told.
fn name(folder: &Path) -> Option<&'static str> {
    let name = match fs::read_link(folder.join("exe")) {
        Ok(program) => {
            let name = program.file_name()?.to_string_lossy().into_owned();
            name.trim_end_matches(" (deleted)").to_owned()
        }
        Err(_) => fs::read_to_string(folder.join("comm")).ok()?.trim_end().to_owned(),
    };
    NAMES.into_iter().find(|known| *known == name)
}

/// The effective one.
fn uid(folder: &Path) -> Option<u32> {
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
