//! Passkeys (WebAuthn): the user is verified by the device, the origin is exactly ours, the challenge is used once and
//! for five minutes. Keys are discoverable, so that signing in asks for no login and tells nobody which logins exist.
//!
//! The caller keeps the state of a ceremony on the server, takes it out (once) when the answer comes, and finds the
//! stored passkey by the credential id of the answer.

use super::FactorError;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use callvault_model::id::AccountId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url,
    Uuid, Webauthn, WebauthnBuilder, WebauthnError,
};

/// How long somebody has for a ceremony.
pub const CEREMONY: SignedDuration = SignedDuration::from_mins(5);
/// An authenticator's answer is one or two kilobytes.
const MAX_ANSWER: usize = 16 * 1024;
/// More keys than this on one account are a mistake.
pub const MAX_KEYS: usize = 20;

/// Why a ceremony failed. Says nothing of keys or challenges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The address of the server cannot have passkeys.
    #[error(
        "passkeys need an https address with a host name, such as https://localhost:8443, and not a number. Set the address of the server"
    )]
    Address,
    /// Too late.
    #[error("the passkey was shown too late, or the clock went back. Start again")]
    Late,
    /// The answer cannot be read.
    #[error("the answer of the browser cannot be read. Start again, with another browser if it repeats")]
    Unreadable,
    /// The answer is for another site.
    #[error(
        "the passkey was used on another site, so its answer is not accepted. Open this server's own address"
    )]
    Origin,
    /// The answer is to another question.
    #[error("the answer belongs to another attempt. Start again")]
    Challenge,
    /// The device did not ask for fingerprint, face or PIN.
    #[error("the device did not check who is using it. Set a PIN, fingerprint or face on it and start again")]
    Unverified,
    /// The key is not one of this account.
    #[error("this passkey is not known for this account. Use another one, or sign in with password and code")]
    Unknown,
    /// The key is already there.
    #[error(
        "this device already has a passkey for the account. Use another device, or keep the one there is"
    )]
    Twice,
    /// The account has enough keys.
    #[error("the account has 20 passkeys, which is the limit. Take one away first")]
    TooMany,
    /// The counter went back.
    #[error(
        "the counter of this passkey went back, so there may be a copy of it. Take it away and add a new one"
    )]
    Copied,
    /// The signature is wrong, or anything else.
    #[error("the passkey was not accepted. Start again, or sign in with password and code")]
    Wrong,
}

impl Refused {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Address => "passkey_address",
            Self::Late => "passkey_late",
            Self::Unreadable => "passkey_unreadable",
            Self::Origin => "passkey_origin",
            Self::Challenge => "passkey_challenge",
            Self::Unverified => "passkey_unverified",
            Self::Unknown => "passkey_unknown",
            Self::Twice => "passkey_twice",
            Self::TooMany => "passkey_too_many",
            Self::Copied => "passkey_copied",
            Self::Wrong => "passkey_wrong",
        }
    }
}

impl From<WebauthnError> for Refused {
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::InvalidRPOrigin | WebauthnError::InvalidRPIDHash => Self::Origin,
            WebauthnError::MismatchedChallenge | WebauthnError::ChallengeNotFound => Self::Challenge,
            WebauthnError::UserNotVerified | WebauthnError::UserNotPresent => Self::Unverified,
            WebauthnError::CredentialNotFound | WebauthnError::InvalidUserUniqueId => Self::Unknown,
            WebauthnError::CredentialPossibleCompromise => Self::Copied,
            WebauthnError::Configuration => Self::Address,
            _ => Self::Wrong,
        }
    }
}

/// One passkey of one account, to be sealed by the caller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Passkey {
    account: AccountId,
    key: webauthn_rs::prelude::Passkey,
}

impl Passkey {
    /// What the key is found by when an answer comes.
    pub fn credential_id(&self) -> &[u8] {
        self.key.cred_id().as_slice()
    }

    /// Whose it is.
    pub fn account(&self) -> AccountId {
        self.account
    }
}

/// A key being added. Kept on the server, taken out once.
#[derive(Debug, Serialize, Deserialize)]
pub struct Registration {
    account: AccountId,
    since: Timestamp,
    known: Vec<Vec<u8>>,
    state: PasskeyRegistration,
}

/// Somebody signing in or stepping up. Kept on the server, taken out once.
#[derive(Debug, Serialize, Deserialize)]
pub struct Authentication {
    /// Who must answer, when stepping up; anybody when signing in.
    account: Option<AccountId>,
    since: Timestamp,
    state: DiscoverableAuthentication,
}

/// An answer that was read and not yet believed: only good for finding the stored key.
#[derive(Debug)]
pub struct Answer(PublicKeyCredential);

impl Answer {
    /// Reads what the browser sent.
    pub fn read(json: &str) -> Result<Self, Refused> {
        read(json).map(Self)
    }

    /// The id of the key that claims to have answered.
    pub fn credential_id(&self) -> &[u8] {
        self.0.get_credential_id()
    }
}

/// A server at one address.
#[derive(Debug)]
pub struct Passkeys(Webauthn);

impl Passkeys {
    /// For the server at this origin, such as `https://vault.example.com:8443`. The host name is what keys are bound
    /// to: another name later means new keys.
    pub fn new(origin: &str) -> Result<Self, Refused> {
        let url = Url::parse(origin).map_err(|_| Refused::Address)?;
        if url.scheme() != "https" || url.path() != "/" || url.query().is_some() || !url.username().is_empty()
        {
            return Err(Refused::Address);
        }
        let host = url.domain().ok_or(Refused::Address)?;
        let builder = WebauthnBuilder::new(host, &url)?.rp_name("callvault");
        Ok(Self(builder.build()?))
    }

    /// Begins to add a key. The first value goes to `navigator.credentials.create`, the second stays here.
    pub fn start_registration(
        &self,
        account: AccountId,
        login: &str,
        name: &str,
        existing: &[Passkey],
        now: Timestamp,
    ) -> Result<(Value, Registration), FactorError> {
        if existing.len() >= MAX_KEYS {
            return Err(Refused::TooMany.into());
        }
        let known = existing.iter().map(|k| k.key.cred_id().clone()).collect();
        let id = Uuid::from_bytes(*account.as_bytes());
        let (challenge, state) =
            self.0.start_passkey_registration(id, login, name, Some(known)).map_err(Refused::from)?;
        let mut options = serde_json::to_value(challenge).map_err(|_| Refused::Wrong)?;
        // The library does not ask for a discoverable key, and without one nobody signs in without a login.
        if let Some(chosen) =
            options.pointer_mut("/publicKey/authenticatorSelection").and_then(Value::as_object_mut)
        {
            chosen.insert("residentKey".to_owned(), json!("required"));
            chosen.insert("requireResidentKey".to_owned(), json!(true));
        }
        let known = existing.iter().map(|k| k.credential_id().to_vec()).collect();
        Ok((options, Registration { account, since: now, known, state }))
    }

    /// Ends adding a key. The caller refuses a credential id that any account has already.
    pub fn finish_registration(
        &self,
        state: Registration,
        answer: &str,
        now: Timestamp,
    ) -> Result<Passkey, FactorError> {
        in_time(state.since, now)?;
        let answer: RegisterPublicKeyCredential = read(answer)?;
        unframed(&answer.response.client_data_json)?;
        let key = self.0.finish_passkey_registration(&answer, &state.state).map_err(Refused::from)?;
        if state.known.iter().any(|id| id.as_slice() == key.cred_id().as_slice()) {
            return Err(Refused::Twice.into());
        }
        Ok(Passkey { account: state.account, key })
    }

    /// Begins a sign-in: nobody is named, and the question tells nothing of who exists.
    pub fn start_sign_in(&self, now: Timestamp) -> Result<(Value, Authentication), FactorError> {
        self.start(None, &[], now)
    }

    /// Begins a step-up: one of these keys of this account has to answer.
    pub fn start_step_up(
        &self,
        account: AccountId,
        keys: &[Passkey],
        now: Timestamp,
    ) -> Result<(Value, Authentication), FactorError> {
        if keys.is_empty() {
            return Err(Refused::Unknown.into());
        }
        self.start(Some(account), keys, now)
    }

    fn start(
        &self,
        account: Option<AccountId>,
        keys: &[Passkey],
        now: Timestamp,
    ) -> Result<(Value, Authentication), FactorError> {
        let (mut challenge, state) = self.0.start_discoverable_authentication().map_err(Refused::from)?;
        // Asked for by a button, not offered while typing.
        challenge.mediation = None;
        let mut options = serde_json::to_value(challenge).map_err(|_| Refused::Wrong)?;
        // Browsers take ids as base64url only.
        let id = |k: &Passkey| URL_SAFE_NO_PAD.encode(k.key.cred_id());
        let allowed: Vec<Value> = keys.iter().map(|k| json!({ "type": "public-key", "id": id(k) })).collect();
        if let Some(asked) = options.pointer_mut("/publicKey").and_then(Value::as_object_mut) {
            asked.insert("allowCredentials".to_owned(), Value::Array(allowed));
        }
        Ok((options, Authentication { account, since: now, state }))
    }

    /// Ends a sign-in or step-up with the stored key that the answer names. The account is then `key.account()`.
    /// `true`: the key's counter changed, so the caller keeps the key anew, in the transaction of the sign-in.
    pub fn finish(
        &self,
        state: Authentication,
        answer: &Answer,
        key: &mut Passkey,
        now: Timestamp,
    ) -> Result<bool, FactorError> {
        in_time(state.since, now)?;
        if state.account.is_some_and(|expected| expected != key.account) {
            return Err(Refused::Unknown.into());
        }
        unframed(&answer.0.response.client_data_json)?;
        // A discoverable key names its account; one that was asked for by id need not.
        let named = answer.0.get_user_unique_id();
        let same = named.is_some_and(|id| id == key.account.as_bytes());
        if !same && (named.is_some() || state.account.is_none()) {
            return Err(Refused::Unknown.into());
        }
        let result = self
            .0
            .finish_discoverable_authentication_v2(&answer.0, state.state, &key.key)
            .map_err(Refused::from)?;
        if !result.user_verified() {
            return Err(Refused::Unverified.into());
        }
        Ok(key.key.update_credential(&result).unwrap_or(false))
    }
}

/// Refuses an answer given inside a frame of another site; the library looks at this only when a key is added.
fn unframed(client_data: &[u8]) -> Result<(), Refused> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ClientData {
        #[serde(default)]
        cross_origin: bool,
        top_origin: Option<Value>,
    }
    let data: ClientData = serde_json::from_slice(client_data).map_err(|_| Refused::Unreadable)?;
    if data.cross_origin || data.top_origin.is_some() { Err(Refused::Origin) } else { Ok(()) }
}

fn in_time(since: Timestamp, now: Timestamp) -> Result<(), Refused> {
    let took = now.duration_since(since);
    if took > CEREMONY || took < SignedDuration::ZERO { Err(Refused::Late) } else { Ok(()) }
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, Refused> {
    if json.len() > MAX_ANSWER {
        return Err(Refused::Unreadable);
    }
    serde_json::from_str(json).map_err(|_| Refused::Unreadable)
}

#[cfg(test)]
mod tests;
