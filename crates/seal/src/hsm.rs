//! A root key that opens only through a hardware security module: PKCS #11 (2.40 or later), its key named by a URI
//! ([`Place`]). The module holds an AES-256 key that never leaves it; with it, it seals the root key by AES-GCM. The
//! sealed form is the 96-bit nonce, the ciphertext, the 128-bit tag. While a vault is open its root key lies in the
//! memory of the process, as with every other protection: the module protects the file, not the process.

mod place;

pub use place::Place;

use crate::{Key256, SealError, keyfile::read_passphrase};
use callvault_model::{Entropy, Secret};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::{Mechanism, aead::GcmParams},
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::AuthPin,
};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

const NONCE: usize = 12;
const TAG_BITS: u64 = 128;
const KEY_BYTES: u64 = 32;

/// A module is one for the whole process: whoever ends it ends it for all.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

impl Place {
    /// Seals a key with the key of this place, which is made when the module has none of that name.
    pub(crate) fn seal(
        &self,
        pin: Option<&Secret<String>>,
        aad: &[u8],
        key: &Key256,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce)?;
        self.inside(pin, |session| {
            let handle = match self.find(session)? {
                Some(handle) => handle,
                None => self.make(session)?,
            };
            let mechanism = gcm(&mut nonce, aad)?;
            let sealed = session.encrypt(&mechanism, handle, key.expose()).map_err(failed("encrypting"))?;
            // Some modules put a nonce of their own in place of ours.
            Ok([nonce.as_slice(), &sealed].concat())
        })
    }

    /// Opens what [`Place::seal`] sealed.
    pub(crate) fn open(
        &self,
        pin: Option<&Secret<String>>,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Key256, SealError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(SealError::Open)?;
        let mut nonce = *nonce;
        self.inside(pin, |session| {
            let handle = self.find(session)?.ok_or_else(|| SealError::HsmKey {
                name: self.object().to_owned(),
                why: "it is not on this token",
            })?;
            let opened = session.decrypt(&gcm(&mut nonce, aad)?, handle, sealed);
            let opened = Zeroizing::new(opened.map_err(refused)?);
            let mut raw =
                Zeroizing::new(<[u8; 32]>::try_from(opened.as_slice()).map_err(|_| SealError::Open)?);
            Ok(Key256::from_bytes(&mut raw))
        })
    }

    /// Does something with the token of this place, logged in as its user.
    fn inside<T>(
        &self,
        pin: Option<&Secret<String>>,
        act: impl FnOnce(&Session) -> Result<T, SealError>,
    ) -> Result<T, SealError> {
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let module = Pkcs11::new(self.module())
            .map_err(|_| SealError::HsmModule { path: self.module().to_owned() })?;
        module
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .map_err(failed("starting"))?;
        let done = self.logged_in(&module, pin).and_then(|session| act(&session));
        let ended = module.finalize().map_err(failed("ending"));
        done.and_then(|done| ended.map(|()| done))
    }

    fn logged_in(&self, module: &Pkcs11, pin: Option<&Secret<String>>) -> Result<Session, SealError> {
        let mut found = None;
        for slot in module.get_slots_with_initialized_token().map_err(failed("listing its tokens"))? {
            let token = module.get_token_info(slot).map_err(failed("describing a token"))?;
            if self.is(token.label(), token.serial_number()) && found.replace(slot).is_some() {
                return Err(SealError::HsmToken { why: "fits more than one token; add `serial=`" });
            }
        }
        let slot = found.ok_or(SealError::HsmToken { why: "fits no token that is there" })?;
        let session = module.open_rw_session(slot).map_err(failed("opening a session"))?;
        let from_file = match (pin, self.pin_source()) {
            (None, Some(path)) => Some(read_passphrase(path)?),
            _ => None,
        };
        let pin = pin.or(from_file.as_ref()).ok_or(SealError::PinNeeded)?;
        let pin = AuthPin::new(pin.expose().clone().into_boxed_str());
        session.login(UserType::User, Some(&pin)).map_err(|e| match e {
            Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => {
                SealError::WrongPin
            }
            e => failed("logging in")(e),
        })?;
        Ok(session)
    }

    /// The key of this place, which must be one, secret, and unable to leave.
    fn find(&self, session: &Session) -> Result<Option<ObjectHandle>, SealError> {
        let bad = |why| SealError::HsmKey { name: self.object().to_owned(), why };
        let found = session
            .find_objects(&[
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::AES),
                Attribute::Label(self.object().as_bytes().to_vec()),
            ])
            .map_err(failed("searching the key"))?;
        let handle = match found.as_slice() {
            [] => return Ok(None),
            [one] => *one,
            _ => return Err(bad("there are several of this name")),
        };
        let kept = session
            .get_attributes(handle, &[AttributeType::Sensitive, AttributeType::Extractable])
            .map_err(failed("describing the key"))?;
        let has = |wanted: Attribute| kept.contains(&wanted);
        if has(Attribute::Sensitive(true)) && has(Attribute::Extractable(false)) {
            Ok(Some(handle))
        } else {
            Err(bad("it can leave the token, which would protect nothing"))
        }
    }

    fn make(&self, session: &Session) -> Result<ObjectHandle, SealError> {
        session
            .generate_key(
                &Mechanism::AesKeyGen,
                &[
                    Attribute::Token(true),
                    Attribute::Private(true),
                    Attribute::Sensitive(true),
                    Attribute::Extractable(false),
                    Attribute::Encrypt(true),
                    Attribute::Decrypt(true),
                    Attribute::ValueLen(KEY_BYTES.into()),
                    Attribute::Label(self.object().as_bytes().to_vec()),
                ],
            )
            .map_err(failed("making a key"))
    }
}

fn gcm<'a>(nonce: &'a mut [u8; NONCE], aad: &'a [u8]) -> Result<Mechanism<'a>, SealError> {
    let params = GcmParams::new(nonce, aad, TAG_BITS.into()).map_err(failed("encrypting"))?;
    Ok(Mechanism::AesGcm(params))
}

/// The module's answers name functions and codes, nothing of keys or PINs.
fn failed(what: &'static str) -> impl FnOnce(Error) -> SealError {
    move |e| SealError::Hsm { what, answer: e.to_string() }
}

/// What does not authenticate is [`SealError::Open`]; the codes for it differ between modules.
fn refused(e: Error) -> SealError {
    match e {
        Error::Pkcs11(
            RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::GeneralError
            | RvError::FunctionFailed,
            _,
        ) => SealError::Open,
        e => failed("decrypting")(e),
    }
}
