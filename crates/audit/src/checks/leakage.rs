//! Leakage: everything that was written is searched for well-formed identifiers. Verdict and counts
//! alone are told: no value, and of a place no more than which dataset or file.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use minster_leakage::{Disguised, Finding, Form, Kind, Search};

use super::{
    decode::{self, Decoded, Unopened},
    packed,
};
use crate::{
    check::{Check, Gathered, holds_number, quoted},
    site::Site,
};

/// Bytes of a file that is searched for what is packed in it; of a longer one, the beginning.
const UNPACKED: u64 = 256 << 20;

/// One place: what stands in it plainly, in disguise, and packed.
#[derive(Default)]
pub(super) struct Places {
    pub(super) plain: Search,
    disguised: Disguised,
    /// Numbers of the same kinds, in text that was unpacked or decoded.
    packed: Search,
    packed_disguised: Disguised,
    unopened: Vec<String>,
}

impl Places {
    /// A whole: a cell, a name.
    pub(super) fn value(&mut self, bytes: &[u8]) {
        self.plain.value(bytes);
        self.disguised.value(bytes);
        if bytes.len() >= 14 {
            self.unpack(bytes);
        }
    }

    /// The text that is packed in these bytes.
    fn unpack(&mut self, bytes: &[u8]) {
        let Self { packed, packed_disguised, unopened, .. } = self;
        let mut each = |plain: &[u8]| {
            packed.value(plain);
            packed_disguised.value(plain);
        };
        unopened.extend(packed::unpack(bytes, &mut each).iter().map(packed::Unopened::told));
    }
}

/// The finds in many places, each judged by itself.
#[derive(Default)]
pub(super) struct Sum {
    places: u64,
    bytes: u64,
    totals: [Total; 3],
    disguised: Total,
    /// Packed places that were not opened.
    unopened: Vec<String>,
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
    pub(super) fn add(&mut self, places: &Places, name: &str) {
        self.places += 1;
        self.bytes += places.plain.bytes();
        self.add_plain(&places.plain, "", name);
        self.add_plain(&places.packed, ", packed or in another alphabet", name);
        self.add_disguised(&places.disguised, "", name);
        self.add_disguised(&places.packed_disguised, ", packed or in another alphabet", name);
        let unopened = places.unopened.iter().map(|why| format!("{}: {why}", safe(name)));
        self.unopened.extend(unopened);
    }

    /// Adds the rows of a table.
    pub(super) fn add_rows(&mut self, rows: &Disguised, name: &str) {
        self.add_disguised(rows, "", name);
    }

    fn add_plain(&mut self, search: &Search, where_in: &str, name: &str) {
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
                "{}{where_in}: {} different {} with the right check character, {} by chance",
                safe(name),
                finding.right,
                finding.kind.as_str(),
                rounded(finding.expected)
            ));
        }
    }

    fn add_disguised(&mut self, search: &Disguised, where_in: &str, name: &str) {
        for (form, finding) in search.findings() {
            self.disguised.shaped += finding.shaped;
            self.disguised.right += finding.right;
            self.disguised.expected += finding.expected;
            if finding.beyond_chance() {
                let of = match form {
                    Form::Letterless => "that look like them",
                    _ => "with the right check character",
                };
                self.beyond.push(format!(
                    "{}{where_in}: {} different {} {}, {of}, {} by chance",
                    safe(name),
                    finding.right,
                    finding.kind.as_str(),
                    form.as_str(),
                    rounded(finding.expected)
                ));
            }
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
        self.disguised.shaped += other.disguised.shaped;
        self.disguised.right += other.disguised.right;
        self.disguised.expected += other.disguised.expected;
        self.unopened.extend_from_slice(&other.unopened);
        self.beyond.extend_from_slice(&other.beyond);
    }

    fn tell(&self, what: &str, check: &mut Gathered) {
        let Self { places, bytes, totals, disguised, unopened, beyond, unread } = self;
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
        check.note(format!(
            "in disguise (separated, glued, backwards, without a letter, split): {} strings of their form, {} right, {} expected by chance",
            disguised.shaped,
            disguised.right,
            rounded(disguised.expected)
        ));
        const TOLD: usize = 20;
        beyond.iter().take(TOLD).for_each(|place| check.wrong(place));
        if beyond.len() > TOLD {
            check.wrong(format!("and in {} more places", beyond.len() - TOLD));
        }
        unopened.iter().take(TOLD).for_each(|why| check.missing(why));
        if unopened.len() > TOLD {
            check.missing(format!("and {} more places that are packed", unopened.len() - TOLD));
        }
        if *unread > 0 {
            check.missing(format!("{unread} columns' batches have a type that is not text"));
        }
    }
}

/// Datasets decoded; releases; the store's other files; logs and what else the auditor names.
pub(super) fn checks(site: &Site, decoded: &Decoded) -> Vec<Check> {
    let store = &site.pipeline.store;
    let releases = store.join("releases");
    let mut checks = vec![of_datasets(decoded)];

    let title = "No release holds a child's number";
    let mut check = Check::begin("leakage.releases", title, counting(&[&releases]));
    let mut sum = Sum::default();
    match fs::read_dir(store).and_then(|_| releases.try_exists()) {
        Err(error) => check.unread(store.display(), &error),
        Ok(false) => check.fine("nothing was released yet"),
        Ok(true) => {
            search_below(&releases, &mut sum, true, &mut check, &|_| false);
            sum.tell("files and columns of releases", &mut check);
        }
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
    let log = site.log().path().ok();
    let paths: Vec<&Path> = log.into_iter().chain(also.iter().map(PathBuf::as_path)).collect();
    let title = "No log or temporary file holds a child's number";
    let told = Path::new("log.jsonl");
    let shown: Vec<&Path> = paths
        .iter()
        .map(|path| match (site.log(), log == Some(path)) {
            (crate::site::Log::Told(_), true) => told,
            _ => path,
        })
        .collect();
    let mut check = Check::begin("leakage.logs", title, counting(&shown));
    let mut sum = Sum::default();
    for path in &paths {
        search_below(path, &mut sum, true, &mut check, &|_| false);
    }
    if let Err(why) = site.log().path() {
        check.missing(format!("the vault's log: {why}"));
    }
    if also.is_empty() {
        check.note(
            "the vault's log alone: --also PATH names the programs' output and temporary files",
        );
    }
    sum.tell("logs and other files", &mut check);
    checks.push(check.end());
    checks
}

fn of_datasets(decoded: &Decoded) -> Check {
    let title = "No column of any dataset, decoded, holds a child's number";
    let by_hand = "needs the datasets' keys: the vault's log shows by its `scanned-key` entries that each \
                   dataset was opened for this";
    let mut check = Check::begin("leakage.datasets", title, by_hand);
    decoded.tell_unread(&mut check);
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
    let unreadable = |error: io::Error, check: &mut Gathered| {
        check.unread(format!("{} cannot be read", safe_path(path)), &error);
    };
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) => return unreadable(error, check),
    };
    if kind.is_dir() {
        let mut name = Places::default();
        name.value(path.file_name().unwrap_or_default().as_encoded_bytes());
        if name.plain.findings().iter().any(Finding::beyond_chance) {
            sum.add(&name, &path.display().to_string());
        }
        match fs::read_dir(path) {
            Ok(entries) => {
                let mut below: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
                below.sort();
                let searched = below.iter().filter(|path| !skip(path));
                searched.for_each(|path| search_below(path, sum, decode, check, skip));
            }
            Err(error) => unreadable(error, check),
        }
        return;
    }
    if !kind.is_file() {
        return;
    }
    match search_file(path) {
        Ok(search) => sum.add(&search, &path.display().to_string()),
        Err(error) => return unreadable(error, check),
    }
    let is_table = path.extension().is_some_and(|extension| extension == "parquet");
    if decode && is_table {
        let name = path.display().to_string();
        if let Err(error) = decode::search_clear(path, sum, &name) {
            check.wrong(safe(&format!("{name}: it is no table in clear: {error}")));
        }
    }
}

fn search_file(path: &Path) -> io::Result<Places> {
    let mut places = Places::default();
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    places.plain.value(name);
    places.disguised.value(name);
    // An encrypted table has nothing that could be unpacked: it is searched where its dataset is opened.
    let is_table = path.extension().is_some_and(|extension| extension == "parquet");
    let (mut file, mut piece, mut begins) = (File::open(path)?, vec![0; 1 << 20], Vec::new());
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => {
                places.plain.feed(&piece[..read]);
                if !is_table {
                    places.disguised.feed(&piece[..read]);
                    if begins.len() as u64 + read as u64 <= UNPACKED {
                        begins.extend_from_slice(&piece[..read]);
                    } else {
                        let why = format!(
                            "what is packed behind its first {} MiB is not searched",
                            UNPACKED >> 20
                        );
                        places.unopened = vec![why];
                    }
                }
            }
        }
    }
    places.plain.end();
    places.disguised.end();
    places.unpack(&begins);
    Ok(places)
}

/// A name as it may be told: not where it holds what looks like a number itself.
fn safe(name: &str) -> &str {
    match holds_number(name) {
        true => "(a file whose name holds such a number)",
        false => name,
    }
}

pub(super) fn safe_path(path: &Path) -> String {
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
