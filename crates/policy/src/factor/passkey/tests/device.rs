//! An authenticator in software for the tests: does what a device does, or one thing wrong.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PRESENT: u8 = 1;
const VERIFIED: u8 = 4;
const ATTESTED: u8 = 64;

/// A device with one key, and how it behaves at the next ceremony.
pub struct Device {
    key: SigningKey,
    pub id: Vec<u8>,
    pub counter: u32,
    pub origin: String,
    pub rp_id: String,
    pub verifies: bool,
    pub present: bool,
    pub cross_origin: bool,
    /// Signs for this challenge instead of the one asked.
    pub challenge: Option<String>,
    /// Says that this account is there; nothing said when `None`.
    pub user: Option<Vec<u8>>,
    pub kind: Option<&'static str>,
}

impl Device {
    pub fn new(seed: u8) -> Self {
        Self {
            key: SigningKey::from_slice(&[seed; 32]).unwrap(),
            id: vec![seed; 24],
            counter: 0,
            origin: "https://vault.example.test:8443".to_owned(),
            rp_id: "vault.example.test".to_owned(),
            verifies: true,
            present: true,
            cross_origin: false,
            challenge: None,
            user: None,
            kind: None,
        }
    }

    fn data(&mut self, attested: Option<&[u8]>) -> Vec<u8> {
        self.counter += 1;
        let mut out = Sha256::digest(&self.rp_id).to_vec();
        let flags = [(self.present, PRESENT), (self.verifies, VERIFIED), (attested.is_some(), ATTESTED)];
        out.push(flags.iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum());
        out.extend(self.counter.to_be_bytes());
        out.extend(attested.unwrap_or_default());
        out
    }

    fn client(&self, kind: &str, options: &Value) -> Vec<u8> {
        let asked = options["publicKey"]["challenge"].as_str().unwrap();
        let challenge = self.challenge.as_deref().unwrap_or(asked);
        let kind = self.kind.unwrap_or(kind);
        let data = json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin });
        data.to_string().into_bytes()
    }

    /// The answer to `navigator.credentials.create`.
    pub fn register(&mut self, options: &Value) -> String {
        self.user = options["publicKey"]["user"]["id"].as_str().map(|id| URL_SAFE_NO_PAD.decode(id).unwrap());
        let point = self.key.verifying_key().to_sec1_point(false);
        let mut attested = vec![0u8; 16];
        attested.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        attested.extend(&self.id);
        // COSE (RFC 9053): EC2 key, ES256, P-256, x, y.
        attested.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
        attested.extend(&point.as_bytes()[1..33]);
        attested.extend([0x22, 0x58, 32]);
        attested.extend(&point.as_bytes()[33..]);
        let data = self.data(Some(&attested));
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(&data);
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        let client = URL_SAFE_NO_PAD.encode(self.client("webauthn.create", options));
        json!({
            "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
            "response": { "attestationObject": URL_SAFE_NO_PAD.encode(object), "clientDataJSON": client },
        })
        .to_string()
    }

    /// The answer to `navigator.credentials.get`.
    pub fn answer(&mut self, options: &Value) -> Value {
        let data = self.data(None);
        let client = self.client("webauthn.get", options);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client));
        let signature: Signature = self.key.sign(&signed);
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
            "response": {
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
                "signature": URL_SAFE_NO_PAD.encode(signature.to_der().as_bytes()),
                "userHandle": self.user.as_ref().map(|u| URL_SAFE_NO_PAD.encode(u)),
            },
        })
    }
}
