//! Rows about children that were copied where none should be, without a number: names, birth dates and postcodes that the vault's
//! registry knows. This program reads the words of each file and asks the vault, which compares them inside and tells counts of
//! lines. It needs no key for it, and learns of no child.

mod dates;
mod tokens;

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use minster_store::{StoreError, TableReader};
use minster_vault_api::{Client, ComparedText, Recognisable, Recognised, TextToken, VaultError};

use super::{leakage::safe_path, packed};
use crate::{
    check::{Check, Gathered},
    site::Site,
};

/// Bytes of a file that are compared; of a longer one, the beginning.
const MOST: u64 = 256 << 20;
/// Bytes of a message to the vault: a frame holds eight times as much.
const MESSAGE: usize = 1 << 20;
/// Texts of a message, at most.
const TEXTS: usize = 2_000;
/// Files that are named in one verdict.
const TOLD: usize = 20;
/// How an encrypted file begins: age's, and a table with its footer sealed.
const SEALED: [&[u8]; 2] = [b"age-encryption.org/", b"PARE"];

/// Compares the store's files, the releases, the logs and what else was named.
pub(super) fn check(site: &Site, vault: &mut Result<Client, VaultError>) -> Check {
    let title =
        "No file holds names, birth dates or postcodes of children whom the vault's registry knows";
    let by_hand =
        "grep '\"compared\"' log.jsonl: each comparison, with its time, its user and its counts";
    let mut check = Check::begin("leakage.persons", title, by_hand);
    let vault = match vault {
        Ok(vault) => vault,
        Err(error) => {
            check.missing(error.to_string());
            return check.end();
        }
    };
    let mut comparison = Comparison::new(vault);
    let log = site.log();
    let also = site.arguments.also.iter().map(PathBuf::as_path);
    comparison.below(&site.pipeline.store, &mut check);
    match log.path() {
        Ok(path) => comparison.file_named(path, "log.jsonl", &mut check),
        Err(why) => check.missing(format!("the vault's log: {why}")),
    }
    also.for_each(|path| comparison.below(path, &mut check));
    comparison.tell(&mut check);
    check.end()
}

/// A place whose answer is waited for: the content of a file, or its name.
struct Place {
    path: String,
    is_name: bool,
}

/// Texts on their way to the vault, and what it told.
struct Comparison<'a> {
    vault: &'a mut Client,
    text: ComparedText,
    waiting: Vec<ComparedText>,
    bytes: usize,
    places: Vec<Place>,
    found: Vec<(Place, Recognised)>,
    known: Recognisable,
    compared: u64,
    sealed: u64,
    /// Why the vault answers no more, and how many texts it left.
    refused: Option<(String, u64)>,
}

impl<'a> Comparison<'a> {
    fn new(vault: &'a mut Client) -> Self {
        Self {
            vault,
            text: ComparedText::default(),
            waiting: Vec::new(),
            bytes: 0,
            places: Vec::new(),
            found: Vec::new(),
            known: Recognisable::default(),
            compared: 0,
            sealed: 0,
            refused: None,
        }
    }

    /// Every file at or below a path; links are not followed.
    fn below(&mut self, path: &Path, check: &mut Gathered) {
        let kind = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata.file_type(),
            Err(error) => return check.unread(safe_path(path), &error),
        };
        if kind.is_dir() {
            match fs::read_dir(path) {
                Ok(entries) => {
                    let mut below: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
                    below.sort();
                    below.iter().for_each(|path| self.below(path, check));
                }
                Err(error) => check.unread(safe_path(path), &error),
            }
        } else if kind.is_file() {
            self.file_named(path, &safe_path(path), check);
        }
    }

    fn file_named(&mut self, path: &Path, shown: &str, check: &mut Gathered) {
        self.take(&tokens::text(path.as_os_str().as_encoded_bytes()));
        self.end(Place { path: shown.to_owned(), is_name: true });
        let is_table = path.extension().is_some_and(|extension| extension == "parquet");
        let read = match is_table {
            true => self.table(path),
            false => self.bytes_of(path, shown, check),
        };
        if let Err(error) = read {
            check.unread(shown, &error);
        }
        self.end(Place { path: shown.to_owned(), is_name: false });
    }

    /// A table in clear, row by row. One of a dataset is encrypted.
    fn table(&mut self, path: &Path) -> io::Result<()> {
        let reader = match TableReader::clear(path) {
            Ok(reader) => reader,
            Err(StoreError::Io { source, .. }) => return Err(source),
            // Encrypted, or none: `leakage.releases` says which.
            Err(_) => {
                self.sealed += 1;
                return Ok(());
            }
        };
        let options = FormatOptions::new();
        for batch in reader {
            let batch = batch.map_err(io::Error::other)?;
            let columns = batch.columns().iter();
            let columns: Vec<ArrayFormatter<'_>> = columns
                .filter_map(|column| ArrayFormatter::try_new(column, &options).ok())
                .collect();
            let mut line = String::new();
            for row in 0..batch.num_rows() {
                line.clear();
                for column in &columns {
                    line.push_str(&column.value(row).to_string().replace(['\n', '\r'], " "));
                    line.push_str(", ");
                }
                line.push('\n');
                self.take(&line);
            }
        }
        Ok(())
    }

    fn bytes_of(&mut self, path: &Path, shown: &str, check: &mut Gathered) -> io::Result<()> {
        let (mut bytes, mut file) = (Vec::new(), File::open(path)?);
        io::Read::by_ref(&mut file).take(MOST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST {
            bytes.truncate(MOST as usize);
            check.missing(format!("{shown}: what stands behind its first {} MiB", MOST >> 20));
        }
        if SEALED.iter().any(|begin| bytes.starts_with(begin)) {
            self.sealed += 1;
            return Ok(());
        }
        self.take(&tokens::text(&bytes));
        let unopened = packed::unpack(&bytes, &mut |plain| {
            if tokens::is_text(plain) {
                self.take(&tokens::text(plain));
            }
        });
        unopened.iter().for_each(|why| check.missing(format!("{shown}: {}", why.told())));
        Ok(())
    }

    /// Adds to the text.
    fn take(&mut self, text: &str) {
        tokens::each(text, |token| {
            self.text.push(token);
            if self.text.byte_len() >= MESSAGE {
                self.move_on(false);
                self.ask();
            }
        });
        self.text.push(TextToken::Line);
    }

    /// Ends the text.
    fn end(&mut self, place: Place) {
        self.compared += u64::from(!place.is_name);
        self.places.push(place);
        self.move_on(true);
        if self.bytes >= MESSAGE || self.waiting.len() >= TEXTS {
            self.ask();
        }
    }

    fn move_on(&mut self, ends: bool) {
        let mut text = std::mem::take(&mut self.text);
        self.bytes += text.byte_len();
        text.ends = ends;
        self.waiting.push(text);
    }

    /// Asks the vault about what waits.
    fn ask(&mut self) {
        self.bytes = 0;
        let texts = std::mem::take(&mut self.waiting);
        let places = std::mem::take(&mut self.places);
        let left = places.iter().filter(|place| !place.is_name).count() as u64;
        if let Some((_, all)) = &mut self.refused {
            *all += left;
            return;
        }
        match self.vault.compare(texts) {
            Ok((found, known)) => {
                self.known = known;
                let found = places.into_iter().zip(found);
                self.found.extend(found.filter(|(_, found)| !found.is_none()));
            }
            Err(error) => self.refused = Some((error.to_string(), left)),
        }
    }

    fn tell(mut self, check: &mut Gathered) {
        self.ask();
        let Self { found, known, compared, sealed, refused, .. } = self;
        let left = refused.as_ref().map_or(0, |(_, left)| *left);
        if compared > left {
            check.fine(format!("{} files compared by the vault", compared - left));
        }
        if sealed > 0 {
            check.note(format!("{sealed} encrypted files were not: they have no text"));
        }
        if let Some((why, left)) = refused {
            check.missing(format!("{left} files were not compared: {why}"));
        }
        let Recognisable { names, birth_dates, postcodes } = known;
        let what = [(names, "names"), (birth_dates, "birth dates"), (postcodes, "postcodes")];
        for (_, what) in what.iter().filter(|(known, _)| !known && left == 0) {
            check.note(format!(
                "the registry knows no {what}: no source's definition makes a match key of them"
            ));
        }
        let named: Vec<&str> = found
            .iter()
            .filter_map(|(place, _)| place.is_name.then_some(place.path.as_str()))
            .collect();
        let told = |Place { path, is_name }: &Place, found: &Recognised| match is_name {
            true => format!("(a name of a file that tells of a child): {}", counts(found)),
            false if named.contains(&path.as_str()) => {
                format!("(a file whose name tells of a child): {}", counts(found))
            }
            false => format!("{path}: {}", counts(found)),
        };
        found.iter().take(TOLD).for_each(|(place, found)| check.wrong(told(place, found)));
        if found.len() > TOLD {
            check.wrong(format!("and {} more", found.len() - TOLD));
        }
    }
}

/// The kinds of finds, and their lines.
fn counts(found: &Recognised) -> String {
    let Recognised { children, names, birth_dates, postcodes } = *found;
    let all = [
        (children, "a child's birth date beside the child's names or postcode"),
        (names, "a forename and surname of one child"),
        (birth_dates, "a birth date beside one name of the child"),
        (postcodes, "a child's postcode"),
    ];
    let told = all.iter().filter(|(lines, _)| *lines > 0);
    let told = told.map(|(lines, what)| match lines {
        1 => format!("1 line with {what}"),
        lines => format!("{lines} lines with {what}"),
    });
    told.collect::<Vec<_>>().join("; ")
}
