//! The programs against a signed list of what was packed: hash, mode and owner of each.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use ring::digest::{Context, SHA256};

use super::processes;
use crate::{
    check::{Check, Gathered, quoted},
    records::{self, Listed},
    site::Site,
};

/// The programs that are audited, this one too.
pub(crate) const PROGRAMS: [&str; 4] =
    ["minster-vault", "minster-ingest", "minster", "minster-audit"];

/// SHA-256 of all that can be read, hexadecimal.
pub(crate) fn sha256(mut file: impl Read) -> io::Result<String> {
    let (mut digest, mut piece) = (Context::new(&SHA256), vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(base16ct::lower::encode_string(digest.finish().as_ref())),
            read => digest.update(&piece[..read]),
        }
    }
}

pub(super) fn installed(site: &Site) -> Check {
    let title = "Each program is the one that was packed: hash, mode and owner";
    let shown: Vec<String> = PROGRAMS.iter().map(|name| quoted(&site.program(name))).collect();
    let by_hand = format!(
        "sha256sum {0}; stat -c '%a %u %g %n' {0}; compare with programs.note",
        shown.join(" ")
    );
    let mut check = Check::begin("build.installed", title, by_hand);
    let listed = match site.accepted.as_deref().map(records::programs) {
        None => {
            check.missing("give --accepted DIR, with the packager's signed programs.note and packager.pub in it");
            None
        }
        Some(Ok(listed)) => Some(listed),
        Some(Err(crate::failure::Failure::Read { path, source })) => {
            check.missing(format!(
                "{}: {source}; `minster-audit list` makes programs.note, and packager.pub verifies it",
                path.display()
            ));
            None
        }
        Some(Err(failure)) => {
            check.wrong(failure.to_string());
            None
        }
    };
    for name in PROGRAMS {
        let path = site.program(name);
        match fs::metadata(&path) {
            Ok(metadata) => one(&path, &metadata, listed.as_deref(), &mut check),
            Err(error) => check.unread(format!("{}: give --programs DIR", path.display()), &error),
        }
    }
    if let Some(listed) = &listed {
        running(site, listed, &mut check);
    }
    check.end()
}

fn one(path: &Path, metadata: &Metadata, listed: Option<&[Listed]>, check: &mut Gathered) {
    let (mode, shown) = (metadata.mode() & 0o7777, path.display());
    if mode & 0o022 != 0 {
        check.wrong(format!("{shown}: mode {mode:o}: others can put another program in its place"));
    }
    if mode & 0o6000 != 0 {
        check.wrong(format!("{shown}: mode {mode:o}: whoever starts it runs as its owner"));
    }
    let Some(listed) = listed else { return };
    let found = match File::open(path).and_then(sha256) {
        Ok(found) => found,
        Err(error) => return check.unread(shown, &error),
    };
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let Some(of) = listed.iter().find(|of| of.path == whole || of.path == path) else {
        return check.wrong(format!("{shown}: the list has no program of this name at this place"));
    };
    let mut same = true;
    let mut differ = |what: String| {
        same = false;
        check.wrong(format!("{shown}: {what}"));
    };
    if of.sha256 != found {
        differ(format!("SHA-256 {found}, and {} was packed", of.sha256));
    }
    if of.mode != mode {
        differ(format!("mode {mode:o}, and {:o} was packed", of.mode));
    }
    if (of.uid, of.gid) != (metadata.uid(), metadata.gid()) {
        differ(format!(
            "uid {} and gid {}, and {} and {} were packed",
            metadata.uid(),
            metadata.gid(),
            of.uid,
            of.gid
        ));
    }
    if same {
        check.fine(format!("{shown}: SHA-256 {found}, mode {mode:o}, uid {}", metadata.uid()));
    }
}

/// Running programs, too: its file may have been replaced since it was started.
fn running(site: &Site, listed: &[Listed], check: &mut Gathered) {
    let processes = match processes::running(Path::new("/proc")) {
        Ok(processes) => processes,
        Err(error) => return check.missing(format!("/proc cannot be read: {error}")),
    };
    // Another installation of the machine has programs of its own.
    let listens = super::running::vault_pid(site.socket());
    let folder = site.programs.canonicalize().unwrap_or_else(|_| site.programs.clone());
    let is_ours = |process: &processes::Process| {
        Some(process.pid) == listens
            || process.program().is_some_and(|program| program.starts_with(&folder))
    };
    for process in processes.into_iter().filter(is_ours) {
        match process.image().and_then(sha256) {
            Ok(found) if listed.iter().any(|of| of.sha256 == found) => {}
            Ok(found) => {
                let path = process.program().unwrap_or_else(|| PathBuf::from(process.name));
                check.wrong(format!(
                    "{} runs {}, SHA-256 {found}, which the list does not have",
                    process.told(),
                    path.display()
                ));
            }
            Err(error) if super::running::ended(&error) => {}
            Err(error) => check.unread(format!("{}: its program", process.told()), &error),
        }
    }
}
