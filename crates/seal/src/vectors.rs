//! Cross-checks against `fixtures/seal/vectors.json`, made by Python `cryptography`.

use crate::{
    Aad, Key256, NoServices, Root, SigningKey, blind_index, chunked, commitment, derive, envelope, kek, sign,
};
use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, Nonce, UnboundKey};
use callvault_model::{Entropy, Secret, clock::EntropyError};
use serde_json::Value;
use std::{
    io::{Cursor, Read, Write},
    os::unix::fs::PermissionsExt,
    sync::Mutex,
};

/// Gives chosen bytes once, so that a seal can be repeated.
pub(crate) struct Chosen(Mutex<Vec<u8>>);

impl Chosen {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Mutex::new(bytes.to_vec()))
    }
}

impl Entropy for Chosen {
    fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError> {
        let mut left = self.0.lock().map_err(|_| EntropyError)?;
        if left.len() < out.len() {
            return Err(EntropyError);
        }
        out.copy_from_slice(&left[..out.len()]);
        left.drain(..out.len());
        Ok(())
    }
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../fixtures/seal/vectors.json")).unwrap()
}

fn hex(v: &Value) -> Vec<u8> {
    let s = v.as_str().unwrap();
    (0..s.len() / 2).map(|i| u8::from_str_radix(&s[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn key(v: &Value) -> Key256 {
    Key256::from_bytes(&mut hex(v).try_into().unwrap())
}

fn with_aad<T>(v: &Value, f: impl FnOnce(&Aad<'_>) -> T) -> T {
    let id = hex(&v["id"]);
    f(&Aad {
        tenant: v["tenant"].as_str().unwrap().parse().unwrap(),
        subject: v["subject"].as_str().map(|s| s.parse().unwrap()),
        object: v["object"].as_str().unwrap(),
        id: &id,
        field: v["field"].as_str().unwrap(),
        version: v["version"].as_u64().unwrap().try_into().unwrap(),
    })
}

#[test]
fn records_sealed_in_python_open_here_and_ours_are_byte_for_byte_the_same() {
    let all = vectors();
    for v in all["records"].as_array().unwrap() {
        with_aad(v, |aad| {
            let (k, sealed) = (key(&v["key"]), hex(&v["sealed"]));
            assert_eq!(envelope::open(&k, aad, &sealed).unwrap().expose(), &hex(&v["plaintext"]));
            let again =
                envelope::seal(&k, aad, &hex(&v["plaintext"]), &Chosen::new(&hex(&v["salt"]))).unwrap();
            assert_eq!(again, sealed);
        });
    }
    let v = &all["wrapped"][0];
    with_aad(v, |aad| {
        let (k, sealed) = (key(&v["key"]), hex(&v["sealed"]));
        let inner = envelope::unwrap_key(&k, aad, "dek", &sealed).unwrap();
        assert_eq!(inner.expose().as_slice(), hex(&v["inner"]));
        assert_eq!(
            envelope::wrap_key(&k, aad, "dek", &inner, &Chosen::new(&hex(&v["salt"]))).unwrap(),
            sealed
        );
    });
}

#[test]
fn chunks_are_those_of_another_cobblestone_256() {
    for v in vectors()["chunked"].as_array().unwrap() {
        let (k, context, n) = (key(&v["key"]), hex(&v["context"]), v["len"].as_u64().unwrap());
        let plain: Vec<u8> = (0..n).map(|j| u8::try_from((j * 7 + n) % 251).unwrap()).collect();
        let write = |parts: usize| {
            let salt = Chosen::new(&hex(&v["salt"]));
            let mut w = chunked::Writer::with_context(Vec::new(), &k, &context, &salt).unwrap();
            plain.chunks(parts).for_each(|part| w.write_all(part).unwrap());
            w.finish().unwrap()
        };
        // Chunks that come whole go another way than those that are gathered.
        let (sealed, summary) = write(usize::MAX);
        for parts in [1_000, chunked::CHUNK, chunked::CHUNK + 1_000] {
            assert!(write(parts).0 == sealed, "{parts} bytes at a time");
        }
        assert_eq!(crate::sha256(&sealed).as_slice(), hex(&v["sha256"]), "length {n}");
        assert_eq!(summary.sealed_len, v["sealed_len"].as_u64().unwrap());
        assert_eq!(summary.sealed_len, chunked::sealed_len(n));
        let mut back = Vec::new();
        chunked::Reader::with_context(Cursor::new(sealed), &k, &context)
            .unwrap()
            .read_to_end(&mut back)
            .unwrap();
        assert_eq!(back, plain);
        if v["sealed"].is_string() {
            let mut back = Vec::new();
            let from = Cursor::new(hex(&v["sealed"]));
            chunked::Reader::with_context(from, &k, &context).unwrap().read_to_end(&mut back).unwrap();
            assert_eq!(back, plain);
        }
    }
}

#[test]
fn derivations_index_commitment_and_signature_agree() {
    let all = vectors();
    let m = &all["misc"];
    let (t, e) = (key(&m["tenant_key"]), key(&m["epoch_key"]));
    assert_eq!(kek(&t, &e, "subject").unwrap().expose().as_slice(), hex(&m["kek_subject"]));
    assert_eq!(derive(&t, "audio").unwrap().expose().as_slice(), hex(&m["derive_audio"]));
    assert_eq!(blind_index(&t, "phone", "+15550100").as_slice(), hex(&m["blind_index_phone"]));
    assert_eq!(commitment(e.expose(), b"facts").as_slice(), hex(&m["commitment"]));
    let signer = SigningKey::from_root(&t, "ledger").unwrap();
    assert_eq!(signer.public().unwrap().as_slice(), hex(&m["ed25519_public"]));
    let signature: [u8; 64] = hex(&m["ed25519_signature"]).try_into().unwrap();
    assert_eq!(signer.sign(b"checkpoint").unwrap(), signature);
    assert!(sign::verify(&signer.public().unwrap(), b"checkpoint", &signature));
}

#[test]
fn a_key_file_written_in_python_opens_here() {
    let all = vectors();
    let v = &all["keyfile"];
    let (keys, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = keys.path().join("v.key");
    std::fs::write(&path, v["text"].as_str().unwrap()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let passphrase = Secret::new(v["passphrase"].as_str().unwrap().to_owned());
    let root = Root::open(&path, data.path(), Some(&passphrase), &NoServices).unwrap();
    assert_eq!(root.key.expose().as_slice(), hex(&v["root"]));
}

/// Test case 16 of the GCM specification (McGrew and Viega), and three ways to spoil it.
#[test]
fn aes_256_gcm_gives_the_answer_of_its_specification() {
    let h = |s: &str| hex(&Value::from(s));
    let k = h("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    let iv: [u8; 12] = h("cafebabefacedbaddecaf888").try_into().unwrap();
    let aad = h("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plain = h(concat!(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    ));
    let tag = h("76fc6ece0f4e1768cddf8853bb2d551b");
    let gcm = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &k).unwrap());
    let mut body = plain.clone();
    let nonce = || Nonce::assume_unique_for_key(iv);
    gcm.seal_in_place_append_tag(nonce(), aws_lc_rs::aead::Aad::from(&aad), &mut body).unwrap();
    assert_eq!(body[..4], [0x52, 0x2d, 0xc1, 0xf0]);
    assert_eq!(body[plain.len()..], tag);
    for spoiled in [0, plain.len() - 1, plain.len() + 15] {
        let mut bad = body.clone();
        bad[spoiled] ^= 0x80;
        assert!(gcm.open_in_place(nonce(), aws_lc_rs::aead::Aad::from(&aad), &mut bad).is_err());
    }
}
