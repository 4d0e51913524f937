//! The vault: root key, pseudonym keys, dataset-key wrapping, log. The only crate with code for
//! pseudonym keys; the program `minster-vault` is its only user. It may depend on `minster-model`,
//! `minster-vault-api`, `minster-retention`, `minster-sandbox` and `minster-identifiers` (to bring a typed identifier into its canonical form, and to say what a
//! mistyped one may have been).
//!
//! | module | what |
//! |---|---|
//! | [`folder`] | the vault's folder: made, opened, put under another custody |
//! | [`custody`] | how the root key is sealed: file, credential, passphrase, age recipients, token |
//! | [`keys`] | what is derived from the root: links, pseudonyms, wrappings, check values, signatures |
//! | [`purposes`] | the statistical purposes that have a key |
//! | [`log`] | who asked how many of what; chained, sealed, durable first; signed checkpoints |
//! | [`state`] | what the log adds up to |
//! | [`approvals`] | proposals and the custodians' signatures |
//! | `cases` | the clock of a case of a child's rights, and whom it is about |
//! | `ending` | the files that a vault has of one purpose alone, and their destruction |
//! | `exact_only` | the list of identities that are linked by their number alone |
//! | [`registry`] | what was answered: sealed rows, an index of links, keyed birth dates |
//! | `retention` | persons, as deliveries told of them, and what is due under a schedule |
//! | [`slips`] | what a mistyped number was |
//! | `refusals` | counts what is refused, for a sum in the log; each role holder's places |
//! | [`tokens`] | the keys under which a run's answers are given |
//! | [`probing`] | recognises that numbers are tried out |
//! | [`restoring`] | what two custodians accept where the vault does not start |
//! | `quarantine` | unseals what ingestion set aside |
//! | [`locked`] | a vault that waits for its custodians |
//! | [`vault`], [`session`], [`server`] | a vault that serves, one conversation, the socket |
//! | [`unseen`] | characters that whoever signs a text would not see |
//! | [`disk`] | every write, so that a test can stop at each |
//!
//! ```
//! use minster_vault::keys::{Keys, RootKey};
//!
//! let keys = Keys::new(RootKey::from_bytes([7; 32]), "store");
//! let (purpose, kind) = ("education".parse()?, "upn".parse()?);
//! let pseudonymiser = keys.pseudonymiser(&purpose, minster_model::KeyVersion(1), &kind);
//! assert_eq!(pseudonymiser.pseudonym(b"Q330400024001"), pseudonymiser.pseudonym(b"Q330400024001"));
//! # Ok::<(), minster_model::NameError>(())
//! ```
#![forbid(unsafe_code)]

pub mod access;
pub mod approvals;
mod archive;
mod cases;
pub mod custody;
pub mod disk;
mod ending;
mod error;
mod exact_only;
pub mod folder;
pub mod harden;
pub mod keys;
pub mod locked;
pub mod log;
mod manifests;
mod open_purpose;
pub mod probing;
pub mod purposes;
mod quarantine;
mod recognising;
mod rectification;
mod refusals;
pub mod registry;
pub mod restoring;
mod retention;
pub mod roles;
mod sealed_text;
pub mod server;
pub mod session;
mod signing_key;
pub mod slips;
pub mod state;
pub mod tokens;
pub mod unseen;
pub mod vault;

pub use error::VaultFault;
