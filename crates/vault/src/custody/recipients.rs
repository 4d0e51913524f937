//! age recipients, m of n: for each combination of m recipients one age file inside another, so that
//! all m identities are needed to come to the key. No secret sharing is built here.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use age::x25519::Recipient;
use minster_vault_api::Share;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Custody, SealingKey, passphrase, refuse_exposed};
use crate::{
    VaultFault,
    keys::{hex, random, unhex},
    sealed_text,
};

/// More recipients would make too many combinations.
const MOST: usize = 10;
/// Five of ten.
const MOST_WRAPS: usize = 252;

/// The key for one combination of recipients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrap {
    /// The recipients, by place among all; the first holds the outermost layer.
    pub who: Vec<usize>,
    /// The nested age file, hexadecimal.
    pub sealed: String,
}

pub(super) fn establish(
    names: &[String],
    threshold: usize,
) -> Result<(Custody, SealingKey), VaultFault> {
    let wrong = |why: String| VaultFault::File { path: PathBuf::from("--recipient"), why };
    let mut recipients = Vec::new();
    for name in names {
        let recipient: Recipient = name.parse().map_err(|why| {
            // A plugin's recipient is `age1NAME1…`; the vault opens each layer itself, and has no plugin.
            match name.strip_prefix("age1").is_some_and(|rest| rest.contains('1') && !rest.starts_with("pq1")) {
                true => wrong(
                    "a plugin's recipient (a security key) cannot be given: the vault opens each custodian's layer itself. Make an \
                     identity with `minster-vault custodian identity`, and keep it under a passphrase"
                        .to_owned(),
                ),
                false => wrong(format!("not an age recipient: {why}")),
            }
        })?;
        recipients.push(recipient);
    }
    let distinct = names.iter().enumerate().all(|(at, name)| !names[..at].contains(name));
    if !distinct || threshold == 0 || threshold > names.len() || names.len() > MOST {
        return Err(wrong(format!(
            "between one and all of at most {MOST} different recipients must open it together"
        )));
    }
    let key = Zeroizing::new(random::<32>()?);
    let mut wraps = Vec::new();
    for who in combinations(names.len(), threshold) {
        let mut sealed = Zeroizing::new(key.to_vec());
        for &place in who.iter().rev() {
            sealed = Zeroizing::new(
                age::encrypt(&recipients[place], &sealed)
                    .map_err(|_| VaultFault::Crypto("age could not seal the key"))?,
            );
        }
        wraps.push(Wrap { who, sealed: hex(&sealed) });
    }
    Ok((Custody::Recipients { threshold, recipients: names.to_vec(), wraps }, key))
}

/// The identities of files, or of shares that were given.
pub(super) fn identities(
    files: &[PathBuf],
    phrase: Option<&Path>,
    given: &[Share],
) -> Result<Vec<Box<dyn age::Identity>>, VaultFault> {
    let mut identities: Vec<Box<dyn age::Identity>> = Vec::new();
    for path in files {
        identities.extend(read_identities(path, phrase)?);
    }
    for share in given {
        let identity: Result<age::x25519::Identity, _> = share.expose().parse();
        let no = |_| VaultFault::Usage("a share is no age identity".into());
        identities.push(Box::new(identity.map_err(no)?));
    }
    Ok(identities)
}

/// The key, where the identities open every layer of one wrap.
pub(super) fn open(wraps: &[Wrap], identities: &[Box<dyn age::Identity>]) -> Option<SealingKey> {
    // No more than a vault can have: the file is not yet known to be its own.
    for wrap in wraps.iter().take(MOST_WRAPS).filter(|wrap| wrap.who.len() <= MOST) {
        let Some(mut sealed) = unhex(&wrap.sealed).map(Zeroizing::new) else { continue };
        let opened = wrap.who.iter().all(|_| match peel(&sealed, identities) {
            Some(inner) => {
                sealed = inner;
                true
            }
            None => false,
        });
        if let (true, Ok(key)) = (opened, <[u8; 32]>::try_from(sealed.as_slice())) {
            return Some(Zeroizing::new(key));
        }
    }
    None
}

fn peel(sealed: &[u8], identities: &[Box<dyn age::Identity>]) -> Option<Zeroizing<Vec<u8>>> {
    let decryptor = age::Decryptor::new_buffered(sealed).ok()?;
    let mut reader = decryptor.decrypt(identities.iter().map(AsRef::as_ref)).ok()?;
    let mut plain = Zeroizing::new(Vec::new());
    reader.read_to_end(&mut plain).ok()?;
    Some(plain)
}

/// Those of one file, in clear or sealed under a passphrase: the one in the file `phrase`, or one that is asked for.
fn read_identities(
    path: &Path,
    phrase: Option<&Path>,
) -> Result<Vec<Box<dyn age::Identity>>, VaultFault> {
    refuse_exposed(path)?;
    let wrong = |why: &str| VaultFault::File { path: path.to_owned(), why: why.into() };
    let none = || wrong("is not a file of age identities (`age-keygen` makes one)");
    let mut bytes = Zeroizing::new(fs::read(path).map_err(VaultFault::io("read", path))?);
    if sealed_text::is_sealed(&bytes) {
        let phrase = passphrase::ask(phrase, &format!("Passphrase of {}: ", path.display()))?;
        let text = sealed_text::open(&bytes, &phrase);
        let text =
            text.ok_or_else(|| wrong("does not open: another passphrase, or it was changed"))?;
        *bytes = text.as_bytes().to_vec();
    }
    let identities = age::IdentityFile::from_buffer(bytes.as_slice()).map_err(|_| none())?;
    let identities = identities.into_identities().map_err(|_| none())?;
    Ok(identities.into_iter().map(|identity| -> Box<dyn age::Identity> { identity }).collect())
}

/// Every choice of `m` of `0..n`, each ascending.
fn combinations(n: usize, m: usize) -> Vec<Vec<usize>> {
    if m == 0 {
        return vec![Vec::new()];
    }
    let last = |last: usize| {
        combinations(last, m - 1).into_iter().map(move |mut who| {
            who.push(last);
            who
        })
    };
    (m - 1..n).flat_map(last).collect()
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};

    use age::secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn every_choice_is_made_once() {
        assert_eq!(combinations(3, 2), [[0, 1], [0, 2], [1, 2]]);
        assert_eq!(combinations(5, 3).len(), 10);
        assert_eq!(combinations(4, 1).len(), 4);
        assert_eq!(combinations(2, 2), [[0, 1]]);
    }

    /// 2 of 3 and 3 of 5: exactly the choices of enough identities open it, in whatever order.
    #[test]
    fn enough_identities_open_it_and_fewer_do_not() {
        let folder = tempfile::tempdir().unwrap();
        for (n, m) in [(3, 1), (3, 2), (5, 3)] {
            let identities: Vec<_> = (0..n).map(|_| age::x25519::Identity::generate()).collect();
            let names: Vec<_> = identities.iter().map(|id| id.to_public().to_string()).collect();
            let files: Vec<PathBuf> = (0..n)
                .map(|at| {
                    let path = folder.path().join(format!("{n}-{m}-{at}"));
                    let mut options = fs::OpenOptions::new();
                    let mut file =
                        options.write(true).create_new(true).mode(0o600).open(&path).unwrap();
                    writeln!(file, "{}", identities[at].to_string().expose_secret()).unwrap();
                    path
                })
                .collect();
            let (custody, key) = establish(&names, m).unwrap();
            let Custody::Recipients { wraps, .. } = &custody else { panic!() };
            for choice in 0u32..1 << n {
                let held: Vec<PathBuf> = (0..n)
                    .rev()
                    .filter(|at| choice >> at & 1 == 1)
                    .map(|at| files[at].clone())
                    .collect();
                let held_ones = super::identities(&held, None, &[]).unwrap();
                let opened = open(wraps, &held_ones);
                assert_eq!(opened.is_some(), held.len() >= m, "{m} of {n}, {choice:b}");
                assert!(opened.is_none_or(|opened| *opened == *key));
            }
        }
        let one = age::x25519::Identity::generate().to_public().to_string();
        assert!(establish(&[one.clone(), one.clone()], 2).is_err(), "one person is not two");
        assert!(establish(std::slice::from_ref(&one), 2).is_err());
        assert!(establish(&[one], 0).is_err());
        assert!(establish(&["age1nonsense".into()], 1).is_err());
        let plugin = "age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt";
        let why = establish(&[plugin.into()], 1).err().map(|fault| fault.to_string());
        assert!(why.is_some_and(|why| why.contains("a plugin's recipient")));
    }
}
