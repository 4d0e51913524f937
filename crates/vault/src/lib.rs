//! The vault: root key, pseudonym keys, dataset-key wrapping, log. The only crate with code for
//! pseudonym keys; the program `minster-vault` is its only user. It may depend on `minster-model` and
//! `minster-vault-api`.
//!
//! | module | what |
//! |---|---|
//! | [`custody`] | how the root key is sealed: passphrase (Argon2id) or key file |
//! | [`folder`] | the vault's folder: `store.json`, `vault.toml`, who may read them |
//! | [`keys`] | what is derived from the root: pseudonyms, wrappings, check values |
//! | [`log`] | who asked how many of what, for which purpose and run; chained, durable first |
//! | [`session`] | one conversation: what each role may ask |
//! | [`server`] | the socket |
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

pub mod custody;
mod error;
pub mod folder;
mod harden;
pub mod keys;
pub mod log;
pub mod server;
pub mod session;

pub use error::VaultFault;
pub use harden::harden;
