//! Corrections of children's numbers and values, as the vault keeps them: sealed, in two files a case. One has keyed links of numbers
//! alone, and stays as long as the correction stands: rows with a wrong number are no other child's, whatever became of the child. The
//! other has the words: the origin, the number and the values. It goes with the child's records.

use jiff::civil::Date;
use minster_model::{Kind, SourceName};
use minster_vault_api::{Correction, WrongNumber};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    VaultFault,
    folder::OpenFolder,
    keys::{BesideKey, Link, LinkKey, hex, random, unhex},
    state::State,
};

/// Where the sealed files are.
pub(crate) const FOLDER: &str = "corrections";
/// The end of the name of the file with the words.
const WORDS: &str = "-words";
/// The beginning of the name of what is proposed.
const PROPOSED: &str = "proposed-";
const FORMAT: u32 = 1;
/// Entries of one correction: each costs its source a look at each row.
const MOST: usize = 64;

/// A wrong number of a child in a source, as keyed links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrongLink {
    pub(crate) source: SourceName,
    pub(crate) wrong: Link,
    /// The number with the birth date beside which it means the child; all rows with the number do where there is none.
    pub(crate) beside: Option<Link>,
}

/// The links of a correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Links {
    /// The first day on which deliveries are read with it.
    pub(crate) from: Date,
    pub(crate) numbers: Vec<WrongLink>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinksFile {
    format: u32,
    /// So that the hash in the log says nothing of the numbers.
    nonce: String,
    from: Date,
    /// Source, wrong number, and the same with its birth date.
    numbers: Vec<(SourceName, String, Option<String>)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WordsFile {
    format: u32,
    nonce: String,
    correction: Correction,
}

/// The name of a case's file with the words.
pub(crate) fn words_of(case: &str) -> String {
    format!("{case}{WORDS}")
}

/// The name of what a proposal is about.
pub(crate) fn proposed(proposal: &str) -> String {
    format!("{PROPOSED}{proposal}")
}

/// The case, or the proposal, of a file.
pub(crate) fn owner_of(name: &str) -> (Option<&str>, Option<&str>) {
    match name.strip_prefix(PROPOSED) {
        Some(proposal) => (None, Some(proposal)),
        None => (Some(name.strip_suffix(WORDS).unwrap_or(name)), None),
    }
}

fn written(of: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
    let written = serde_json::to_vec(of).map(Zeroizing::new);
    written.map_err(|_| VaultFault::Crypto("a correction could not be written"))
}

fn read<T: DeserializeOwned>(plain: &[u8]) -> Option<T> {
    serde_json::from_slice(plain).ok()
}

impl Links {
    /// The links of a correction, by the key of its kind and the purpose's key of birth dates.
    pub(crate) fn of(correction: &Correction, link: &LinkKey, beside: &BesideKey) -> Option<Self> {
        let wrong = |of: &WrongNumber| {
            let wrong = link.link(of.wrong.iter().next()?);
            let born = of.born.as_ref().map(|born| beside.beside(&wrong, born.as_bytes()));
            Some(WrongLink { source: of.source.clone(), wrong, beside: born })
        };
        Some(Self {
            from: correction.from.parse().ok()?,
            numbers: correction.numbers.iter().map(wrong).collect::<Option<_>>()?,
        })
    }

    /// The content of their file.
    pub(crate) fn write(&self) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
        let text = |of: &WrongLink| {
            (of.source.clone(), hex(&of.wrong), of.beside.as_ref().map(|pair| hex(pair)))
        };
        let numbers = self.numbers.iter().map(text).collect();
        written(&LinksFile {
            format: FORMAT,
            nonce: hex(&random::<16>()?),
            from: self.from,
            numbers,
        })
    }

    /// The links in a file; nothing where it is no such file.
    pub(crate) fn read(plain: &[u8]) -> Option<Self> {
        let file: LinksFile = read(plain)?;
        let link = |text: &str| Link::try_from(unhex(text)?).ok();
        let number = |(source, wrong, beside): (SourceName, String, Option<String>)| {
            let beside = match beside {
                Some(pair) => Some(link(&pair)?),
                None => None,
            };
            Some(WrongLink { source, wrong: link(&wrong)?, beside })
        };
        let numbers = file.numbers.into_iter().map(number).collect::<Option<_>>()?;
        (file.format == FORMAT).then_some(Self { from: file.from, numbers })
    }
}

/// The content of the file with the words of a correction.
pub(crate) fn write_words(correction: &Correction) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
    let nonce = hex(&random::<16>()?);
    written(&WordsFile { format: FORMAT, nonce, correction: correction.clone() })
}

/// The correction in such a file.
pub(crate) fn read_words(plain: &[u8]) -> Option<Correction> {
    let file: WordsFile = read(plain)?;
    (file.format == FORMAT).then_some(file.correction)
}

/// The text whose keyed hash stands for a correction in its proposal.
pub(crate) fn text(correction: &Correction) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
    written(correction)
}

/// Whether a correction can be one.
///
/// # Errors
/// The reason why not, without a number or a value.
pub(crate) fn check(correction: &Correction, kind: &Kind, longest: usize) -> Result<(), String> {
    let Correction { from, origin, number, numbers, values } = correction;
    let one = |of: &minster_vault_api::IdentifierBatch| {
        of.is_well_formed()
            && of.len() == 1
            && of.iter().all(|one| !one.is_empty() && one.len() <= longest)
    };
    let is_day = |day: &str| day.len() == 10 && day.parse::<Date>().is_ok();
    if !is_day(from) {
        return Err("the day from which it holds is no date (YYYY-MM-DD)".into());
    }
    if origin.trim().is_empty() {
        return Err("it needs an origin: who showed it, and by what".into());
    }
    if !one(number) || !numbers.iter().all(|of| one(&of.wrong)) {
        return Err(format!("each number of it is one {kind}"));
    }
    if !numbers.iter().filter_map(|of| of.born.as_deref()).all(is_day) {
        return Err("a birth date of it is no date (YYYY-MM-DD)".into());
    }
    if !(1..=MOST).contains(&(numbers.len() + values.len())) {
        return Err(format!("it corrects 1 to {MOST} numbers and values"));
    }
    match values.iter().find(|of| of.cell.old == of.cell.new) {
        Some(_) => Err("a value of it is the same before and after".into()),
        None => Ok(()),
    }
}

/// Removes files of corrections that neither stand nor are proposed.
pub(crate) fn sweep(folder: &OpenFolder, state: &State) -> Result<(), VaultFault> {
    folder.sweep(FOLDER, |name| match owner_of(name) {
        (Some(case), _) => state.cases.corrects(case),
        (None, Some(proposal)) => state.proposals.contains_key(proposal),
        (None, None) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_were_written_are_read_and_no_two_files_are_alike() {
        let wrong =
            WrongLink { source: "census".parse().unwrap(), wrong: [7; 32], beside: Some([8; 32]) };
        let whole = WrongLink { beside: None, ..wrong.clone() };
        let links = Links { from: jiff::civil::date(2026, 11, 30), numbers: vec![wrong, whole] };
        let plain = links.write().unwrap();
        assert_eq!(Links::read(&plain), Some(links.clone()));
        assert_ne!(plain, links.write().unwrap());
        for at in 0..plain.len() {
            assert_eq!(Links::read(&plain[..at]), None);
        }
    }

    #[test]
    fn a_file_belongs_to_its_case_or_its_proposal() {
        assert_eq!(owner_of("c1"), (Some("c1"), None));
        assert_eq!(owner_of(&words_of("c1")), (Some("c1"), None));
        assert_eq!(owner_of(&proposed("p1")), (None, Some("p1")));
    }
}
