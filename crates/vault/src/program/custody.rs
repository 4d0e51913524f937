//! How a vault is opened, now and from now on.

use std::path::PathBuf;

use clap::Args;
use minster_vault::custody::{Secret, TokenKey, Wanted};

use crate::arguments::Json;

#[derive(Args)]
pub(crate) struct Rekey {
    /// The vault's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) form: Json,
    #[command(flatten)]
    pub(crate) opening: Opening,
    /// Open the vault with this key file from now on; it is made where it is missing.
    #[arg(long, group = "new", value_name = "FILE")]
    new_key_file: Option<PathBuf>,
    /// Open the vault with the passphrase in this file from now on; `-` asks for it.
    #[arg(long, group = "new", value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Open the vault with this systemd credential from now on.
    #[arg(long, group = "new", value_name = "NAME")]
    new_credential: Option<String>,
    /// Open the vault with the identities of these age recipients from now on.
    #[arg(
        long = "new-recipient",
        group = "new",
        requires = "new_threshold",
        value_name = "RECIPIENT"
    )]
    new_recipients: Vec<String>,
    /// The number of new recipients who must open the vault together.
    #[arg(long, value_name = "NUMBER", requires = "new_recipients")]
    new_threshold: Option<usize>,
    /// Open the vault with a PKCS#11 token from now on: its module.
    #[arg(long, group = "new", requires = "new_token", value_name = "FILE")]
    new_pkcs11_module: Option<PathBuf>,
    /// The new token's label.
    #[arg(long, value_name = "LABEL")]
    new_token: Option<String>,
    /// The label of the key on the new token; the key is made where it is missing.
    #[arg(long, value_name = "LABEL", default_value = "minster-vault")]
    new_token_key: String,
    /// A file with the new token's PIN. Without it, the program asks.
    #[arg(long, value_name = "FILE")]
    new_pin_file: Option<PathBuf>,
}

/// How a vault is opened. `store.json` says which of these it needs.
#[derive(Args)]
pub(crate) struct Opening {
    /// The key file.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A file whose first line is the passphrase, of the vault or of sealed identities, or the token's PIN. Without it, the
    /// program asks.
    #[arg(long, alias = "pin-file", value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// A file with an age identity. It is given once for each custodian who opens the vault.
    #[arg(long = "identity", value_name = "FILE")]
    identities: Vec<PathBuf>,
}

/// How a new vault will be opened. Without any of these, the program asks for a passphrase.
#[derive(Args)]
pub(crate) struct NewCustody {
    /// Open the vault with this key file; it is made where it is missing. Keep it on another disk.
    #[arg(long, group = "custody", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Open the vault with the passphrase in the first line of this file.
    #[arg(long, group = "custody", value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Open the vault with the systemd credential of this name, 64 hexadecimal digits.
    #[arg(long, group = "custody", value_name = "NAME")]
    credential: Option<String>,
    /// Open the vault with the identity of this age recipient. It may be given several times; --threshold says how many of them
    /// are needed.
    #[arg(long = "recipient", group = "custody", requires = "threshold", value_name = "RECIPIENT")]
    recipients: Vec<String>,
    /// The number of recipients who must open the vault together.
    #[arg(long, value_name = "NUMBER", requires = "recipients")]
    threshold: Option<usize>,
    /// Open the vault with a PKCS#11 token: its module.
    #[arg(long, group = "custody", requires = "token", value_name = "FILE")]
    pkcs11_module: Option<PathBuf>,
    /// The token's label.
    #[arg(long, value_name = "LABEL")]
    token: Option<String>,
    /// The label of the key on the token; the key is made where it is missing.
    #[arg(long, value_name = "LABEL", default_value = "minster-vault")]
    token_key: String,
    /// A file with the token's PIN. Without it, the program asks.
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

impl From<Opening> for Secret {
    fn from(opening: Opening) -> Self {
        let Opening { key_file, passphrase_file, identities } = opening;
        Self { key_file, passphrase_file, identities, given: Vec::new() }
    }
}

impl From<NewCustody> for Wanted {
    fn from(new: NewCustody) -> Self {
        match new {
            NewCustody { key_file: Some(path), .. } => Self::KeyFile(path),
            NewCustody { credential: Some(name), .. } => Self::Credential(name),
            NewCustody {
                pkcs11_module: Some(module),
                token: Some(token),
                token_key,
                pin_file,
                ..
            } => Self::Token(TokenKey { module, token, key: token_key }, pin_file),
            // The options ask for both together.
            NewCustody { recipients, threshold: Some(threshold), .. } => {
                Self::Recipients(recipients, threshold)
            }
            NewCustody { passphrase_file, .. } => Self::Passphrase(passphrase_file),
        }
    }
}

impl Rekey {
    /// The custody that is wanted. Where no option says otherwise, the program asks for a passphrase.
    pub(crate) fn wanted(self) -> (PathBuf, Secret, Wanted) {
        let asked = self.new_passphrase_file.filter(|path| path.as_os_str() != "-");
        let wanted = NewCustody {
            key_file: self.new_key_file,
            passphrase_file: asked,
            credential: self.new_credential,
            recipients: self.new_recipients,
            threshold: self.new_threshold,
            pkcs11_module: self.new_pkcs11_module,
            token: self.new_token,
            token_key: self.new_token_key,
            pin_file: self.new_pin_file,
        };
        (self.dir, self.opening.into(), wanted.into())
    }
}
