//! A PKCS#11 token (an HSM, a smart card, SoftHSM2): the sealing key is encrypted by an AES key that
//! is made on the token, is not extractable, and works after the PIN was given.

use std::path::Path;

use age::secrecy::SecretString;
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::{Mechanism, aead::GcmParams},
    object::{Attribute, ObjectClass, ObjectHandle},
    session::{Session, UserType},
};
use zeroize::Zeroizing;

use super::{Custody, SealingKey, TokenKey, module, passphrase};
use crate::{
    VaultFault,
    keys::{hex, random, unhex},
};

pub(super) const PIN: &str = "PIN of the token: ";
const BOUND: &[u8] = b"minster vault sealing key";

pub(super) fn establish(
    key: &TokenKey,
    pin: Option<&Path>,
) -> Result<(Custody, SealingKey), VaultFault> {
    let sealing = Zeroizing::new(random::<32>()?);
    let mut nonce = random::<12>()?;
    let asked = || passphrase::ask(pin, PIN);
    let sealed = within(key, asked, |session| {
        let handle = match find(session, key)? {
            Some(handle) => handle,
            None => session
                .generate_key(
                    &Mechanism::AesKeyGen,
                    &[
                        Attribute::Class(ObjectClass::SECRET_KEY),
                        Attribute::Token(true),
                        Attribute::Private(true),
                        Attribute::Sensitive(true),
                        Attribute::Extractable(false),
                        Attribute::ValueLen(32.into()),
                        Attribute::Encrypt(true),
                        Attribute::Decrypt(true),
                        Attribute::Label(key.key.as_bytes().to_vec()),
                    ],
                )
                .map_err(|error| told(key, "makes no key", &error))?,
        };
        let params = params(key, &mut nonce)?;
        session
            .encrypt(&Mechanism::AesGcm(params), handle, &*sealing)
            .map_err(|error| told(key, "does not encrypt", &error))
    })?;
    let custody = Custody::Token { key: key.clone(), nonce: hex(&nonce), sealed: hex(&sealed) };
    Ok((custody, sealing))
}

pub(super) fn open(
    key: &TokenKey,
    nonce: &str,
    sealed: &str,
    pin: impl FnOnce() -> Result<Zeroizing<String>, VaultFault>,
    store: &Path,
) -> Result<SealingKey, VaultFault> {
    let wrong = || VaultFault::WrongSecret { path: store.to_owned() };
    let (Some(mut nonce), Some(sealed)) = (unhex(nonce), unhex(sealed)) else {
        return Err(wrong());
    };
    let plain = within(key, pin, |session| {
        let handle = find(session, key)?
            .ok_or_else(|| wrong_token(key, format!("has no key labelled {}", key.key)))?;
        let params = params(key, &mut nonce)?;
        // The token says in many ways that the tag is wrong.
        session.decrypt(&Mechanism::AesGcm(params), handle, &sealed).map_err(|_| wrong())
    })?;
    let plain = Zeroizing::new(plain);
    <[u8; 32]>::try_from(plain.as_slice()).map(Zeroizing::new).map_err(|_| wrong())
}

/// Works in a session after the PIN was given.
fn within<T>(
    key: &TokenKey,
    pin: impl FnOnce() -> Result<Zeroizing<String>, VaultFault>,
    work: impl FnOnce(&Session) -> Result<T, VaultFault>,
) -> Result<T, VaultFault> {
    let module = module::trusted(&key.module)?;
    let pkcs11 = Pkcs11::new(module).map_err(|error| told(key, "cannot be loaded", &error))?;
    let begun = pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    if let Err(error) = begun
        && !matches!(error, Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _))
    {
        return Err(told(key, "cannot be started", &error));
    }
    let slots = pkcs11
        .get_slots_with_initialized_token()
        .map_err(|error| told(key, "lists no token", &error))?;
    let slot = slots
        .into_iter()
        .find(|slot| pkcs11.get_token_info(*slot).is_ok_and(|info| info.label() == key.token))
        .ok_or_else(|| wrong_token(key, format!("knows no token labelled {}", key.token)))?;
    let session =
        pkcs11.open_rw_session(slot).map_err(|error| told(key, "opens no session", &error))?;
    let pin = pin()?;
    session
        .login(UserType::User, Some(&SecretString::from(pin.as_str())))
        .map_err(|error| told(key, "refuses the PIN", &error))?;
    let done = work(&session);
    let _ = session.logout();
    done
}

fn find(session: &Session, key: &TokenKey) -> Result<Option<ObjectHandle>, VaultFault> {
    let wanted =
        [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(key.key.as_bytes().to_vec())];
    let found =
        session.find_objects(&wanted).map_err(|error| told(key, "finds no object", &error))?;
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(wrong_token(key, format!("has more than one key labelled {}", key.key))),
    }
}

fn params<'a>(key: &TokenKey, nonce: &'a mut [u8]) -> Result<GcmParams<'a>, VaultFault> {
    GcmParams::new(nonce, BOUND, 128.into()).map_err(|error| told(key, "has no AES-GCM", &error))
}

fn told(key: &TokenKey, what: &str, error: &Error) -> VaultFault {
    wrong_token(key, format!("{what}: {error}"))
}

fn wrong_token(key: &TokenKey, why: String) -> VaultFault {
    VaultFault::File { path: key.module.clone(), why }
}
