//! The keys that are derived from the root key (HKDF-SHA-256, RFC 5869; HMAC-SHA-256, RFC 2104).
//!
//! A pseudonym is made in two steps, so that purposes' keys can change without the identifiers:
//! `L = HMAC(link key, len(kind) ‖ kind ‖ identifier)` never leaves this process, and the pseudonym is
//! the first 16 bytes of `HMAC(key of purpose, version and kind, L)`.

mod sealing;

pub(crate) use base16ct::lower::encode_string as hex;
use minster_model::{DatasetRef, KeyVersion, Kind, Pseudonym, Purpose};
use minster_vault_api::{
    DataKey, Denial, WrappedKey,
    note::{self, Verifier},
};
use ring::{
    aead::{AES_256_GCM, LessSafeKey, UnboundKey},
    hkdf::{HKDF_SHA256, Prk, Salt},
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
pub(crate) use sealing::{aead, open, random, seal, secret_line};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::VaultFault;
pub(crate) use crate::retention::RetentionKey;

/// The root key. Cleared when dropped; `ring` keeps a derived state that it does not clear.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RootKey([u8; 32]);

impl RootKey {
    /// From its bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The key schedule of one store.
pub struct Keys {
    root: Prk,
    store_id: String,
}

/// Makes the pseudonyms of one purpose, version and kind.
pub struct Pseudonymiser {
    link: LinkKey,
    purpose: PurposeKey,
}

/// The link of an identifier: the first of the two steps. It never leaves this process.
pub type Link = [u8; 32];

/// Makes links of one kind of identifier.
pub struct LinkKey {
    key: hmac::Key,
    kind: Vec<u8>,
}

/// Makes pseudonyms from links, for one purpose, version and kind.
pub struct PurposeKey(hmac::Key);

/// Makes keyed hashes of an identifier and the birth date beside it, for one purpose.
pub struct BesideKey(hmac::Key);

impl Keys {
    /// The schedule of a root key; the store's id is the salt.
    pub fn new(root: RootKey, store_id: &str) -> Self {
        let salt = Salt::new(HKDF_SHA256, store_id.as_bytes());
        Self { root: salt.extract(root.expose()), store_id: store_id.to_owned() }
    }

    /// The store's random name.
    pub fn store_id(&self) -> &str {
        &self.store_id
    }

    /// Makes pseudonyms under a purpose. The purpose's name goes into the key: an unnamed purpose has
    /// none.
    pub fn pseudonymiser(
        &self,
        purpose: &Purpose,
        version: KeyVersion,
        kind: &Kind,
    ) -> Pseudonymiser {
        Pseudonymiser {
            link: self.link_key(kind),
            purpose: self.purpose_key(purpose, version, kind),
        }
    }

    /// The first step's key.
    pub fn link_key(&self, kind: &Kind) -> LinkKey {
        let mut prefix = (kind.as_str().len() as u32).to_be_bytes().to_vec();
        prefix.extend_from_slice(kind.as_str().as_bytes());
        LinkKey { key: self.mac_key(&["link"]), kind: prefix }
    }

    /// The second step's key.
    pub fn purpose_key(&self, purpose: &Purpose, version: KeyVersion, kind: &Kind) -> PurposeKey {
        let parts = ["pseudonym", purpose.as_str(), &version.0.to_string(), kind.as_str()];
        PurposeKey(self.mac_key(&parts))
    }

    /// Seals the log's entries.
    pub(crate) fn log_key(&self) -> hmac::Key {
        self.mac_key(&["log"])
    }

    /// Seals the batches of a purpose's registry, or of its birth dates.
    pub(crate) fn book_key(&self, book: &str, purpose: &Purpose) -> hmac::Key {
        self.mac_key(&[book, purpose.as_str()])
    }

    /// Makes what stands for a birth date beside an identifier of a purpose.
    pub fn beside_key(&self, purpose: &Purpose) -> BesideKey {
        BesideKey(self.mac_key(&["birth date beside", purpose.as_str()]))
    }

    /// The tag that stands for an identifier in a proposal about it.
    pub(crate) fn subject_tag(&self, kind: &Kind, identifier: &[u8]) -> String {
        self.tag_of(&self.link_key(kind).link(identifier))
    }

    /// The same of its link.
    pub(crate) fn tag_of(&self, link: &Link) -> String {
        hex(hmac::sign(&self.mac_key(&["subject"]), link).as_ref())
    }

    /// Makes what stands for facts of a person that were told, and for a person's number after its disposal, for one purpose.
    pub(crate) fn retention_key(&self, of: &str, purpose: &Purpose) -> RetentionKey {
        RetentionKey::new(self.mac_key(&["retention", of, purpose.as_str()]))
    }

    /// The tag that stands for the numbers, ascending by link, in a proposal to dispose of them.
    pub(crate) fn disposal_tag<'a>(&self, links: impl Iterator<Item = &'a Link>) -> String {
        hex_of(&self.mac_key(&["disposal"]), links)
    }

    /// The tag that stands for numbers, ascending by link, in a proposal about the list of identities that are linked by
    /// their number alone.
    pub(crate) fn exact_only_tag<'a>(&self, links: impl Iterator<Item = &'a Link>) -> String {
        hex_of(&self.mac_key(&["exact only"]), links)
    }

    /// Says which list it is to whoever links for a purpose.
    pub(crate) fn exact_only_digest<'a>(
        &self,
        purpose: &Purpose,
        links: impl Iterator<Item = &'a Link>,
    ) -> String {
        hex_of(&self.mac_key(&["exact only for", purpose.as_str()]), links)
    }

    /// A cipher for one use, such as one batch of a registry.
    pub(crate) fn cipher(&self, parts: &[&str]) -> Result<LessSafeKey, VaultFault> {
        let label = label(parts);
        let info = [label.as_slice()];
        let okm = self
            .root
            .expand(&info, &AES_256_GCM)
            .map_err(|_| VaultFault::Crypto("a key could not be derived"))?;
        Ok(LessSafeKey::new(UnboundKey::from(okm)))
    }

    /// Signs statements and checkpoints (Ed25519, RFC 8032).
    pub fn signer(&self) -> Result<Signer, VaultFault> {
        let crypto = |_| VaultFault::Crypto("the signing key could not be derived");
        let mut seed = Zeroizing::new([0; 32]);
        let label = label(&["signature"]);
        self.root
            .expand(&[&label], hmac::HMAC_SHA256)
            .and_then(|okm| okm.fill(&mut *seed))
            .map_err(crypto)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed)
            .map_err(|_| VaultFault::Crypto("the signing key could not be derived"))?;
        let public = <[u8; 32]>::try_from(pair.public_key().as_ref())
            .map_err(|_| VaultFault::Crypto("the signing key has no public key"))?;
        let verifier = Verifier::new(&format!("minster-vault/{}", self.store_id), public)
            .map_err(|_| VaultFault::Crypto("the store's id is no name"))?;
        Ok(Signer { pair, verifier })
    }

    /// Shows which key was used and reveals nothing of it.
    pub fn check_value(&self, purpose: &Purpose, version: KeyVersion) -> String {
        let key = self.mac_key(&["check", purpose.as_str(), &version.0.to_string()]);
        hex(&hmac::sign(&key, b"key check value").as_ref()[..8])
    }

    /// A new dataset key, plain and wrapped.
    pub fn create(
        &self,
        dataset: &DatasetRef,
        version: KeyVersion,
    ) -> Result<(DataKey, WrappedKey), VaultFault> {
        let key = Zeroizing::new(random::<32>()?);
        let wrapping = self.wrapping_key(&dataset.purpose, version)?;
        let sealed = seal(&wrapping, &self.bound(dataset, version), &*key)?;
        let text = format!("minster-wrap-1:{}:{}", version.0, hex(&sealed));
        Ok((DataKey::from_bytes(*key), WrappedKey(text)))
    }

    /// The key that a wrapping holds, if it was made here for this dataset.
    pub fn unwrap(&self, dataset: &DatasetRef, wrapped: &WrappedKey) -> Result<DataKey, Denial> {
        self.try_unwrap(dataset, wrapped)
            .ok_or_else(|| Denial::WrongWrapping { dataset: dataset.clone() })
    }

    /// The version of the purpose's keys that a wrapping names.
    pub fn wrapping_version(wrapped: &WrappedKey) -> Option<KeyVersion> {
        parts(wrapped).map(|(version, _)| version)
    }

    fn try_unwrap(&self, dataset: &DatasetRef, wrapped: &WrappedKey) -> Option<DataKey> {
        let (version, sealed) = parts(wrapped)?;
        let wrapping = self.wrapping_key(&dataset.purpose, version).ok()?;
        let key = open(&wrapping, &self.bound(dataset, version), &unhex(sealed)?)?;
        Some(DataKey::from_bytes(key.as_slice().try_into().ok()?))
    }

    fn bound(&self, dataset: &DatasetRef, version: KeyVersion) -> Vec<u8> {
        let DatasetRef { class, name, period, purpose } = dataset;
        let parts = [
            self.store_id.as_str(),
            class.as_str(),
            name.as_str(),
            period.as_str(),
            purpose.as_str(),
            &version.0.to_string(),
        ];
        label(&parts)
    }

    fn mac_key(&self, parts: &[&str]) -> hmac::Key {
        let label = label(parts);
        match self.root.expand(&[&label], hmac::HMAC_SHA256) {
            Ok(okm) => okm.into(),
            // RFC 5869 limits the output to 255 blocks; one block is asked for.
            Err(ring::error::Unspecified) => unreachable!(),
        }
    }

    fn wrapping_key(
        &self,
        purpose: &Purpose,
        version: KeyVersion,
    ) -> Result<LessSafeKey, VaultFault> {
        self.cipher(&["wrap", purpose.as_str(), &version.0.to_string()])
    }
}

impl Pseudonymiser {
    /// The pseudonym of one canonical identifier.
    pub fn pseudonym(&self, identifier: &[u8]) -> Pseudonym {
        self.purpose.pseudonym(&self.link.link(identifier))
    }
}

impl LinkKey {
    /// The link of one canonical identifier.
    pub fn link(&self, identifier: &[u8]) -> Link {
        let mut link = hmac::Context::with_key(&self.key);
        link.update(&self.kind);
        link.update(identifier);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(link.sign().as_ref());
        bytes
    }
}

impl BesideKey {
    /// The keyed hash of a link and a birth date (`2008-03-15`).
    pub fn beside(&self, link: &Link, born: &[u8]) -> Link {
        let mut beside = hmac::Context::with_key(&self.0);
        beside.update(link);
        beside.update(born);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(beside.sign().as_ref());
        bytes
    }
}

impl PurposeKey {
    /// The pseudonym of a link.
    pub fn pseudonym(&self, link: &Link) -> Pseudonym {
        let full = hmac::sign(&self.0, link);
        let mut bytes = [0; Pseudonym::LEN];
        bytes.copy_from_slice(&full.as_ref()[..Pseudonym::LEN]);
        Pseudonym::from_bytes(bytes)
    }
}

/// Signs notes in the vault's name.
pub struct Signer {
    pair: Ed25519KeyPair,
    verifier: Verifier,
}

impl Signer {
    /// The key that verifies them.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// A text as a signed note.
    pub fn sign(&self, text: &str) -> Result<String, VaultFault> {
        let signature = self.pair.sign(note::signed_text(text).as_bytes());
        <&[u8; 64]>::try_from(signature.as_ref())
            .map(|signature| self.verifier.note(text, signature))
            .map_err(|_| VaultFault::Crypto("a signature has another length"))
    }
}

/// A keyed hash of links, hexadecimal.
fn hex_of<'a>(key: &hmac::Key, links: impl Iterator<Item = &'a Link>) -> String {
    let mut all = hmac::Context::with_key(key);
    links.for_each(|link| all.update(link));
    hex(all.sign().as_ref())
}

/// A wrapping's version and sealed key.
fn parts(wrapped: &WrappedKey) -> Option<(KeyVersion, &str)> {
    let (version, sealed) = wrapped.0.strip_prefix("minster-wrap-1:")?.split_once(':')?;
    Some((KeyVersion(version.parse().ok()?), sealed))
}

/// Parts, each with its length before it, so that no two lists of parts give the same label.
pub(crate) fn label(parts: &[&str]) -> Vec<u8> {
    let mut label = b"minster/v1".to_vec();
    for part in parts {
        label.extend_from_slice(&(part.len() as u32).to_be_bytes());
        label.extend_from_slice(part.as_bytes());
    }
    label
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    base16ct::mixed::decode_vec(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use minster_model::DatasetClass;

    fn keys() -> Keys {
        Keys::new(RootKey::from_bytes(std::array::from_fn(|i| i as u8)), "store-1")
    }

    fn pseudonym(purpose: &str, kind: &str, identifier: &str) -> String {
        keys()
            .pseudonymiser(&purpose.parse().unwrap(), KeyVersion(1), &kind.parse().unwrap())
            .pseudonym(identifier.as_bytes())
            .to_string()
    }

    /// Expected values from Python's `hmac` and `hashlib`:
    ///
    /// ```python
    /// import hmac, hashlib, struct
    /// H = lambda k, m: hmac.new(k, m, hashlib.sha256).digest()
    /// label = lambda *ps: b"minster/v1" + b"".join(struct.pack(">I", len(p)) + p for p in ps)
    /// prk = H(b"store-1", bytes(range(32)))
    /// key = lambda *ps: H(prk, label(*ps) + b"\x01")
    /// L = H(key(b"link"), struct.pack(">I", 3) + b"upn" + b"Q330400024001")
    /// H(key(b"pseudonym", b"education", b"1", b"upn"), L)[:16].hex()
    /// ```
    #[test]
    fn known_answer() {
        assert_eq!(
            pseudonym("education", "upn", "Q330400024001"),
            "82cda682a5aaa62cb03d3cd699e0c459"
        );
    }

    /// Expected value by the same lines, and `H(key(b"birth date beside", b"education"), L + b"2008-03-15").hex()`.
    #[test]
    fn known_answer_of_a_birth_date() {
        let link = keys().link_key(&"upn".parse().unwrap()).link(b"Q330400024001");
        let beside = |purpose: &str, born: &str| {
            hex(&keys().beside_key(&purpose.parse().unwrap()).beside(&link, born.as_bytes()))
        };
        assert_eq!(
            beside("education", "2008-03-15"),
            "5a758035824329f06aabc27fab32d4a611827b840b06d663cdeb47700ed8b374"
        );
        assert_ne!(beside("education", "2008-03-15"), beside("education", "2008-05-13"));
        assert_ne!(beside("education", "2008-03-15"), beside("health", "2008-03-15"));
    }

    #[test]
    fn purposes_and_kinds_share_nothing() {
        let one = pseudonym("education", "upn", "Q330400024001");
        assert_ne!(one, pseudonym("health", "upn", "Q330400024001"));
        assert_ne!(one, pseudonym("education", "former-upn", "Q330400024001"));
        assert_eq!(one, pseudonym("education", "upn", "Q330400024001"));
    }

    /// RFC 4231, test cases 1 and 2.
    #[test]
    fn hmac_sha256_known_answers() {
        for (key, message, expected) in [
            (
                &[0x0b; 20][..],
                "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
            assert_eq!(hex(tag.as_ref()), expected);
        }
    }

    /// RFC 5869, test case 1.
    #[test]
    fn hkdf_sha256_known_answer() {
        struct Length;
        impl ring::hkdf::KeyType for Length {
            fn len(&self) -> usize {
                42
            }
        }
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let prk = Salt::new(HKDF_SHA256, &salt).extract(&[0x0b; 22]);
        let mut okm = [0; 42];
        prk.expand(&[&info], Length).unwrap().fill(&mut okm).unwrap();
        assert_eq!(
            hex(&okm),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
    }

    #[test]
    fn a_wrapping_opens_for_its_own_dataset_alone() {
        let dataset = |name: &str, purpose: &str| DatasetRef {
            class: DatasetClass::Source,
            name: name.parse().unwrap(),
            period: "2024-25".parse().unwrap(),
            purpose: purpose.parse().unwrap(),
        };
        let (key, wrapped) = keys().create(&dataset("census", "p"), KeyVersion(1)).unwrap();
        assert!(keys().unwrap(&dataset("census", "p"), &wrapped).unwrap() == key);
        assert!(keys().unwrap(&dataset("ssda903", "p"), &wrapped).is_err());
        assert!(keys().unwrap(&dataset("census", "q"), &wrapped).is_err());
        let other = Keys::new(RootKey::from_bytes([1; 32]), "store-1");
        assert!(other.unwrap(&dataset("census", "p"), &wrapped).is_err());
        for at in 0..wrapped.0.len() {
            let mut text = wrapped.0.clone().into_bytes();
            text[at] = if text[at] == b'0' { b'1' } else { b'0' };
            let changed = WrappedKey(String::from_utf8(text).unwrap());
            assert!(keys().unwrap(&dataset("census", "p"), &changed).is_err(), "{at}");
        }
    }
}
