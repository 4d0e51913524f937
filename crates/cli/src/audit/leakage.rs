//! Leakage: everything that was written is searched for well-formed identifiers. Verdict and counts
//! alone are told: no value, and of a place no more than which dataset or file.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use minster_leakage::{Finding, Kind, Search};

use super::{
    Check, Site,
    check::{Gathered, quoted},
    decode::{self, Decoded, Unopened},
};

/// The finds in many places, each judged by itself.
#[derive(Default)]
pub(super) struct Sum {
    places: u64,
    bytes: u64,
    totals: [Total; 3],
    /// Places that hold more than chance explains.
    beyond: Vec<String>,
    /// Columns whose type cannot be shown as text.
    pub(super) unread: u64,
}

#[derive(Clone, Copy, Default)]
struct Total {
    shaped: u64,
    right: u64,
    expected: f64,
}

impl Sum {
    /// Adds a place. Its name is not told where it holds a number itself.
    pub(super) fn add(&mut self, search: &Search, name: &str) {
        self.places += 1;
        self.bytes += search.bytes();
        let findings = search.findings();
        for (total, Finding { shaped, right, expected, .. }) in
            self.totals.iter_mut().zip(&findings)
        {
            total.shaped += shaped;
            total.right += right;
            total.expected += expected;
        }
        for finding in findings.iter().filter(|finding| finding.beyond_chance()) {
            self.beyond.push(format!(
                "{}: {} different {} with the right check character, {} by chance",
                safe(name),
                finding.right,
                finding.kind.as_str(),
                rounded(finding.expected)
            ));
        }
    }

    fn join(&mut self, other: &Self) {
        self.places += other.places;
        self.bytes += other.bytes;
        self.unread += other.unread;
        for (total, other) in self.totals.iter_mut().zip(&other.totals) {
            total.shaped += other.shaped;
            total.right += other.right;
            total.expected += other.expected;
        }
        self.beyond.extend_from_slice(&other.beyond);
    }

    fn tell(&self, what: &str, check: &mut Gathered) {
        let Self { places, bytes, totals, beyond, unread } = self;
        if *places > 0 {
            check.fine(format!("{places} {what} searched, {bytes} bytes"));
        }
        for (total, kind) in totals.iter().zip([Kind::Pupil, Kind::Nhs, Kind::Learner]) {
            let Total { shaped, right, expected } = *total;
            let (kind, expected) = (kind.as_str(), rounded(expected));
            check.note(format!(
                "{kind}: {shaped} strings of their form, {right} with the right check character, {expected} \
                 expected by chance"
            ));
        }
        const TOLD: usize = 20;
        beyond.iter().take(TOLD).for_each(|place| check.wrong(place));
        if beyond.len() > TOLD {
            check.wrong(format!("and in {} more places", beyond.len() - TOLD));
        }
        if *unread > 0 {
            check.missing(format!("{unread} columns' batches have a type that is not text"));
        }
    }
}

/// Datasets decoded; releases; the store's other files; logs and what else the auditor names.
pub(super) fn checks(site: &Site<'_>, decoded: &Decoded) -> Vec<Check> {
    let store = &site.pipeline.store;
    let releases = store.join("releases");
    let mut checks = vec![of_datasets(decoded)];

    let title = "No release holds a child's number";
    let mut check = Check::begin("leakage.releases", title, counting(&[&releases]));
    let mut sum = Sum::default();
    if releases.exists() {
        search_below(&releases, &mut sum, true, &mut check, &|_| false);
        sum.tell("files and columns of releases", &mut check);
    } else {
        check.missing("nothing was released yet");
    }
    checks.push(check.end());

    let title =
        "No manifest, report, ledger, quarantine reason or unfinished file holds a child's number";
    let mut check = Check::begin("leakage.files", title, counting(&[store]));
    let mut sum = Sum::default();
    search_below(store, &mut sum, false, &mut check, &|path| path == releases);
    sum.tell("other files of the store", &mut check);
    checks.push(check.end());

    let also = &site.arguments.also;
    let paths: Vec<&PathBuf> = site.log.iter().chain(also).collect();
    let title = "No log or temporary file holds a child's number";
    let mut check = Check::begin("leakage.logs", title, counting(&paths));
    let mut sum = Sum::default();
    match paths.is_empty() {
        true => check.missing("give --log FILE or --vault-dir DIR, and --also PATH for other logs"),
        false => {
            for path in &paths {
                search_below(path, &mut sum, true, &mut check, &|_| false);
            }
            sum.tell("logs and other files", &mut check);
        }
    }
    if site.log.is_none() && !paths.is_empty() {
        check.missing("the vault's log: give --log FILE or --vault-dir DIR");
    }
    checks.push(check.end());
    checks
}

fn of_datasets(decoded: &Decoded) -> Check {
    let title = "No column of any dataset, decoded, holds a child's number";
    let by_hand = "needs the datasets' keys: the vault's log shows by its `scanned-key` entries that each \
                   dataset was opened for this";
    let mut check = Check::begin("leakage.datasets", title, by_hand);
    decoded.unread.iter().for_each(|why| check.missing(why));
    if decoded.datasets.is_empty() && decoded.unread.is_none() {
        check.missing("the store holds no dataset yet");
    }
    let mut sum = Sum::default();
    let mut opened = 0;
    for (name, found) in &decoded.datasets {
        match found {
            Ok(found) => {
                sum.join(found);
                opened += 1;
            }
            Err(Unopened::NoKey(why)) => check.missing(safe(&format!("{name}: {why}"))),
            Err(Unopened::Broken(why)) => check.wrong(safe(&format!("{name}: {why}"))),
        }
    }
    check.note(format!("{opened} of {} datasets were opened", decoded.datasets.len()));
    if decoded.of_linkage > 0 {
        check.note(format!(
            "{} linkage datasets were not: the linker alone opens them, until the match shreds them",
            decoded.of_linkage
        ));
    }
    sum.tell("columns", &mut check);
    check.end()
}

/// Every file at or below a path, names too; links are not followed.
fn search_below(
    path: &Path,
    sum: &mut Sum,
    decode: bool,
    check: &mut Gathered,
    skip: &dyn Fn(&Path) -> bool,
) {
    let unreadable = |error: io::Error| {
        format!("{} cannot be read: {error}; run the audit as a user who may", safe_path(path))
    };
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) => return check.missing(unreadable(error)),
    };
    if kind.is_dir() {
        let mut name = Search::default();
        name.value(path.file_name().unwrap_or_default().as_encoded_bytes());
        if name.findings().iter().any(Finding::beyond_chance) {
            sum.add(&name, &path.display().to_string());
        }
        match fs::read_dir(path) {
            Ok(entries) => {
                let mut below: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
                below.sort();
                let searched = below.iter().filter(|path| !skip(path));
                searched.for_each(|path| search_below(path, sum, decode, check, skip));
            }
            Err(error) => check.missing(unreadable(error)),
        }
        return;
    }
    if !kind.is_file() {
        return;
    }
    match search_file(path) {
        Ok(search) => sum.add(&search, &path.display().to_string()),
        Err(error) => return check.missing(unreadable(error)),
    }
    let is_table = path.extension().is_some_and(|extension| extension == "parquet");
    if decode && is_table {
        let name = path.display().to_string();
        if let Err(error) = decode::search_clear(path, sum, &name) {
            check.wrong(safe(&format!("{name}: it is no table in clear: {error}")));
        }
    }
}

fn search_file(path: &Path) -> io::Result<Search> {
    let mut search = Search::default();
    search.value(path.file_name().unwrap_or_default().as_encoded_bytes());
    let (mut file, mut piece) = (File::open(path)?, vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => search.feed(&piece[..read]),
        }
    }
    search.end();
    Ok(search)
}

/// A name as it may be told: not where it holds what looks like a number itself.
fn safe(name: &str) -> &str {
    let mut search = Search::default();
    search.value(name.as_bytes());
    match search.findings().iter().any(|finding| finding.right > 0) {
        true => "(a file whose name holds such a number)",
        false => name,
    }
}

fn safe_path(path: &Path) -> String {
    safe(&path.display().to_string()).to_owned()
}

fn rounded(expected: f64) -> String {
    match expected {
        small if small < 0.005 => "0.00".to_owned(),
        expected => format!("{expected:.2}"),
    }
}

fn counting(paths: &[&(impl AsRef<Path> + ?Sized)]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| quoted(path.as_ref())).collect();
    format!(
        "grep -rEcaiw '[a-hj-np-rt-z][0-9]{{11}}[0-9a-hj-np-rt-z]' {} (counts of the form alone, a file; \
         a right check letter is one in 23 by chance)",
        paths.join(" ")
    )
}
