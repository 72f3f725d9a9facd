//! AWS KMS by its JSON API: `DescribeKey`, `Encrypt`, `Decrypt`. Bound by the encryption context, which KMS authenticates
//! and writes to its own log; it holds the id of the vault and the purpose, nothing else.

use crate::{
    aws::Credentials,
    http::{Answer, Header, Http, Patience, key_of, read},
    sigv4::{Signer, stamp},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use callvault_model::{Clock, Secret, id::VaultId};
use callvault_seal::{
    Fault, Key256, KeyService,
    service::{AwsKms, PURPOSE, Place},
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{fmt, sync::Arc};
use zeroize::Zeroizing;

const CONTENT: &str = "application/x-amz-json-1.1";

/// A key of AWS KMS.
pub struct Client {
    place: Place,
    kms: AwsKms,
    http: Http,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    key_metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    arn: String,
    key_state: String,
    key_usage: String,
    key_spec: String,
    expiration_model: Option<String>,
}

impl Metadata {
    fn unfit(&self) -> Option<&'static str> {
        [
            (self.key_state == "PendingDeletion", "it waits to be deleted; cancel that in KMS first"),
            (self.key_state != "Enabled", "it is not enabled; enable it in KMS first"),
            (
                self.key_usage != "ENCRYPT_DECRYPT" || self.key_spec != "SYMMETRIC_DEFAULT",
                "it is not a symmetric key for encryption (SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT); make another one",
            ),
            (
                self.expiration_model.as_deref() == Some("KEY_MATERIAL_EXPIRES"),
                "its imported material ends by itself, and the vault with it; import it without an end",
            ),
        ]
        .into_iter()
        .find_map(|(unfit, why)| unfit.then_some(why))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Encrypted {
    ciphertext_blob: String,
    key_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypted {
    plaintext: Secret<String>,
    key_id: String,
}

#[derive(Deserialize)]
struct Failed {
    __type: String,
}

impl Client {
    pub fn new(kms: &AwsKms, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let http = Http::to(&kms.address(), Some(kms.authorities()), Patience::USUAL)?;
        Ok(Self { place: Place::AwsKms(kms.clone()), kms: kms.clone(), http, clock })
    }

    fn ask<T: DeserializeOwned>(&self, action: &str, body: &str) -> Result<T, Fault> {
        let credentials = Credentials::read(&self.kms.credentials)?;
        let address = self.kms.address();
        let (target, stamp) = (format!("TrentService.{action}"), stamp(self.clock.now()));
        let mut headers: Vec<Header<'_>> =
            vec![("content-type", CONTENT), ("host", address.authority()), ("x-amz-date", &stamp)];
        headers.extend(credentials.session.as_ref().map(|s| ("x-amz-security-token", s.expose().as_str())));
        headers.push(("x-amz-target", &target));
        let signer = Signer { credentials: &credentials, region: &self.kms.region, service: "kms" };
        let signed = signer.authorization("POST", "/", &headers, body.as_bytes(), &stamp);
        headers.push(("authorization", &signed));
        let answer = self
            .http
            .send("/", &headers, Some(body.as_bytes()), |answer| said(answer) == "ThrottlingException")?;
        match answer.status {
            200 => read(&answer),
            status => Err(refused(status, &said(&answer))),
        }
    }

    /// An answer speaks of the key that was asked for, or is none.
    fn same(&self, arn: &str) -> Result<(), Fault> {
        if self.kms.is(arn) { Ok(()) } else { Err(Fault::Answer("it is about another key")) }
    }

    fn context(vault: VaultId) -> String {
        format!(r#""EncryptionContext":{{"callvault:purpose":"{PURPOSE}","callvault:vault":"{vault}"}}"#)
    }
}

impl KeyService for Client {
    fn place(&self) -> &Place {
        &self.place
    }

    fn seal(&self, vault: VaultId, key: &Key256) -> Result<String, Fault> {
        let id = &self.kms.key;
        let described: Described = self.ask("DescribeKey", &format!(r#"{{"KeyId":"{id}"}}"#))?;
        self.same(&described.key_metadata.arn)?;
        if let Some(why) = described.key_metadata.unfit() {
            return Err(Fault::Unfit(why));
        }
        let plaintext = Zeroizing::new(STANDARD.encode(key.expose()));
        let context = Self::context(vault);
        let body = Zeroizing::new(format!(r#"{{"KeyId":"{id}","Plaintext":"{}",{context}}}"#, *plaintext));
        let sealed: Encrypted = self.ask("Encrypt", &body)?;
        self.same(&sealed.key_id)?;
        if STANDARD.decode(&sealed.ciphertext_blob).is_err() {
            return Err(Fault::Answer("what it sealed is not base64"));
        }
        Ok(sealed.ciphertext_blob)
    }

    fn open(&self, vault: VaultId, sealed: &str) -> Result<Key256, Fault> {
        if STANDARD.decode(sealed).is_err() {
            return Err(Fault::Refused);
        }
        let (id, context) = (&self.kms.key, Self::context(vault));
        let opened: Decrypted =
            self.ask("Decrypt", &format!(r#"{{"KeyId":"{id}","CiphertextBlob":"{sealed}",{context}}}"#))?;
        self.same(&opened.key_id)?;
        key_of(opened.plaintext.expose())
    }
}

/// The name of what went wrong; empty where the answer is no error of KMS.
fn said(answer: &Answer) -> String {
    if answer.status == 200 {
        return String::new();
    }
    let failed = serde_json::from_slice::<Failed>(answer.body.expose())
        .map(|failed| failed.__type)
        .unwrap_or_default();
    failed.rsplit('#').next().unwrap_or_default().to_owned()
}

fn refused(status: u16, said: &str) -> Fault {
    match said {
        "AccessDeniedException"
        | "AccessDenied"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "NotAuthorized"
        | "OptInRequired" => Fault::Denied,
        "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "RequestExpired"
        | "RequestTimeTooSkewed" => Fault::Signature,
        "NotFoundException" => Fault::UnknownKey,
        "DisabledException" => Fault::Unfit("it is disabled; enable it in KMS first"),
        "KMSInvalidStateException" => {
            Fault::Unfit("its state does not allow it: it waits for deletion or for its material")
        }
        "InvalidKeyUsageException" => Fault::Unfit("it is not a key for encryption"),
        "InvalidCiphertextException" | "IncorrectKeyException" => Fault::Refused,
        "ThrottlingException" | "LimitExceededException" => Fault::Throttled,
        _ => match status {
            401 | 403 => Fault::Denied,
            429 => Fault::Throttled,
            status => Fault::Failed(status),
        },
    }
}
