//! The transit engine of OpenBao and HashiCorp Vault, by its HTTP API (version 1): `keys`, `encrypt`, `decrypt`, and the
//! AppRole login. Bound by `associated_data`, which the AEAD types of key authenticate.

use crate::{
    http::{Answer, Header, Http, Patience, key_of, read},
    private,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use callvault_model::{Secret, id::VaultId};
use callvault_seal::{
    Fault, Key256, KeyService,
    service::{Login, PURPOSE, Place, Transit},
};
use serde::Deserialize;
use std::{fmt, path::Path};
use zeroize::Zeroizing;

/// Longer than any token or id.
const MAX_CREDENTIAL: u64 = 4096;
/// The types that authenticate `associated_data` and have 256 bits.
const TYPES: &[&str] = &["aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305"];

/// A key of the transit engine.
pub struct Client {
    place: Place,
    transit: Transit,
    http: Http,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)
    }
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

/// What the engine tells of a key. What it does not tell is not taken for harmless: only a key that says so is used.
#[derive(Deserialize)]
struct Facts {
    r#type: String,
    exportable: bool,
    allow_plaintext_backup: bool,
    deletion_allowed: bool,
    derived: bool,
    #[serde(default)]
    soft_deleted: bool,
}

impl Facts {
    fn unfit(&self) -> Option<&'static str> {
        [
            (
                !TYPES.contains(&self.r#type.as_str()),
                "its type does not bind what it seals; use aes256-gcm96",
            ),
            (self.exportable, "it is exportable, so it can leave the service; make another one without"),
            (
                self.allow_plaintext_backup,
                "allow_plaintext_backup is set, so it can leave the service; make another one without",
            ),
            (
                self.deletion_allowed,
                "deletion_allowed is set, so one command would lose the vault; unset it in keys/NAME/config",
            ),
            (self.derived, "it is derived and wants a context; make one that is not"),
            (self.soft_deleted, "it is marked as deleted; restore it in the service"),
        ]
        .into_iter()
        .find_map(|(unfit, why)| unfit.then_some(why))
    }
}

#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Decrypted {
    plaintext: Secret<String>,
}

#[derive(Deserialize)]
struct LoggedIn {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: Secret<String>,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

/// What was asked; a refusal means something else for each.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Login,
    Facts,
    Encrypt,
    Decrypt,
}

impl Client {
    pub fn new(transit: &Transit) -> Result<Self, Fault> {
        let http = Http::to(&transit.address, transit.ca_file.as_deref(), Patience::USUAL)?;
        Ok(Self { place: Place::Transit(transit.clone()), transit: transit.clone(), http })
    }

    /// Does something with a token; one that was made for it is given back at once.
    fn logged_in<T>(&self, act: impl FnOnce(&Secret<String>) -> Result<T, Fault>) -> Result<T, Fault> {
        match &self.transit.login {
            Login::Token(path) => act(&credential(path)?),
            Login::AppRole { mount, role_id, secret_id } => {
                let (role, secret) = (credential(role_id)?, credential(secret_id)?);
                // A credential is printable ASCII without what JSON would escape, which was looked at.
                let body = Zeroizing::new(format!(
                    r#"{{"role_id":"{}","secret_id":"{}"}}"#,
                    role.expose(),
                    secret.expose()
                ));
                let path = format!("/v1/auth/{mount}/login");
                let answer = self.ask(&path, None, Some(body.as_bytes()), Asked::Login)?;
                let token = read::<LoggedIn>(&answer)?.auth.client_token;
                if !sound(token.expose()) {
                    return Err(Fault::Answer("the token in it is none"));
                }
                let done = act(&token);
                // A token that cannot be given back now ends by itself.
                let _ = self.ask("/v1/auth/token/revoke-self", Some(&token), Some(b"{}"), Asked::Login);
                done
            }
        }
    }

    fn ask(
        &self,
        path: &str,
        token: Option<&Secret<String>>,
        body: Option<&[u8]>,
        asked: Asked,
    ) -> Result<Answer, Fault> {
        let mut headers: Vec<Header<'_>> =
            vec![("x-vault-request", "true"), ("content-type", "application/json")];
        headers.extend(self.transit.namespace.as_deref().map(|n| ("x-vault-namespace", n)));
        headers.extend(token.map(|t| ("x-vault-token", t.expose().as_str())));
        let answer = self.http.send(path, &headers, body, |answer| answer.status == 429)?;
        match answer.status {
            200..300 => Ok(answer),
            status => Err(refused(status, &answer, asked)),
        }
    }

    fn facts(&self, token: &Secret<String>) -> Result<Facts, Fault> {
        let path = format!("/v1/{}/keys/{}", self.transit.mount, self.transit.key);
        read::<Data<Facts>>(&self.ask(&path, Some(token), None, Asked::Facts)?).map(|told| told.data)
    }

    fn encrypt(&self, token: &Secret<String>, vault: VaultId, key: &Key256) -> Result<String, Fault> {
        let plaintext = Zeroizing::new(STANDARD.encode(key.expose()));
        let body = Zeroizing::new(format!(
            r#"{{"plaintext":"{}","associated_data":"{}"}}"#,
            *plaintext,
            bound(vault, PURPOSE)
        ));
        let path = format!("/v1/{}/encrypt/{}", self.transit.mount, self.transit.key);
        let answer = self.ask(&path, Some(token), Some(body.as_bytes()), Asked::Encrypt)?;
        let sealed = read::<Data<Encrypted>>(&answer)?.data.ciphertext;
        if versioned(&sealed) {
            Ok(sealed)
        } else {
            Err(Fault::Answer("what it sealed is not of the form vault:vN:…"))
        }
    }

    fn decrypt(&self, token: &Secret<String>, associated: &str, sealed: &str) -> Result<Key256, Fault> {
        let body = format!(r#"{{"ciphertext":"{sealed}","associated_data":"{associated}"}}"#);
        let path = format!("/v1/{}/decrypt/{}", self.transit.mount, self.transit.key);
        let answer = self.ask(&path, Some(token), Some(body.as_bytes()), Asked::Decrypt)?;
        key_of(read::<Data<Decrypted>>(&answer)?.data.plaintext.expose())
    }
}

impl KeyService for Client {
    fn place(&self) -> &Place {
        &self.place
    }

    fn seal(&self, vault: VaultId, key: &Key256) -> Result<String, Fault> {
        self.logged_in(|token| {
            // `encrypt` makes a key that is not there, if it may; so it is looked at first.
            if let Some(why) = self.facts(token)?.unfit() {
                return Err(Fault::Unfit(why));
            }
            let sealed = self.encrypt(token, vault, key)?;
            // An old server takes `associated_data` and ignores it.
            match self.decrypt(token, &bound(vault, "another purpose"), &sealed) {
                Err(Fault::Refused) => Ok(sealed),
                Ok(_) => {
                    Err(Fault::Unfit("the server does not bind associated_data; it is too old for this"))
                }
                Err(fault) => Err(fault),
            }
        })
    }

    fn open(&self, vault: VaultId, sealed: &str) -> Result<Key256, Fault> {
        if !versioned(sealed) {
            return Err(Fault::Refused);
        }
        self.logged_in(|token| self.decrypt(token, &bound(vault, PURPOSE), sealed))
    }
}

/// What a ciphertext belongs to, as the API wants it.
fn bound(vault: VaultId, purpose: &str) -> String {
    STANDARD.encode(format!("{purpose}\0{vault}"))
}

/// `vault:vN:BASE64`.
fn versioned(sealed: &str) -> bool {
    let rest = sealed.strip_prefix("vault:v").and_then(|rest| rest.split_once(':'));
    rest.is_some_and(|(version, body)| {
        (1..=9).contains(&version.len())
            && version.bytes().all(|b| b.is_ascii_digit())
            && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
    })
}

/// The one line of a private file.
fn credential(path: &Path) -> Result<Secret<String>, Fault> {
    let text = private(path, MAX_CREDENTIAL)?;
    let line = Secret::new(text.expose().trim_end_matches(['\r', '\n']).to_owned());
    if sound(line.expose()) {
        Ok(line)
    } else {
        Err(Fault::File { path: path.to_owned(), why: "it is not one line with a token or an id".into() })
    }
}

fn sound(credential: &str) -> bool {
    !credential.is_empty() && credential.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'))
}

/// What a status means; the API says the reason in words, of which only these are known.
fn refused(status: u16, answer: &Answer, asked: Asked) -> Fault {
    let said = read::<Errors>(answer).map(|told| told.errors.concat()).unwrap_or_default();
    match (status, asked) {
        (400, Asked::Login) | (401 | 403, _) => Fault::Denied,
        (400, _) if said.contains("missing client token") => Fault::Denied,
        (400, Asked::Decrypt) if said.contains("key not found") => Fault::UnknownKey,
        (400, _) if said.contains("soft-deleted") => {
            Fault::Unfit("it is marked as deleted; restore it in the service")
        }
        (400, Asked::Decrypt) if said.contains("too old") => Fault::Unfit(
            "min_decryption_version shuts this key file out; lower it, and run `callvault keys protect` again",
        ),
        (400, Asked::Decrypt) => Fault::Refused,
        (404, _) => Fault::UnknownKey,
        (429, _) => Fault::Throttled,
        (503, _) => Fault::Sealed,
        (status, _) => Fault::Failed(status),
    }
}
