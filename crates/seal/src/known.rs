//! Known answers: Wycheproof's vectors (`fixtures/wycheproof`) and RFC 9106, through the functions that seal.

use crate::{
    Key256, chunked,
    keyfile::passphrase_key,
    primitive::{Gcm, expand, extract_and_expand, hmac},
    sha256, sign,
};
use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use aws_lc_rs::{
    digest::{SHA512, digest},
    hkdf::HKDF_SHA256,
};
use callvault_model::Secret;
use serde_json::Value;
use std::io::{Cursor, Read};

fn rows(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap()
}

fn hex(v: &Value) -> Vec<u8> {
    let s = v.as_str().unwrap();
    (0..s.len() / 2).map(|i| u8::from_str_radix(&s[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// How many vectors had to be taken and how many refused; a set that was cut to nothing shows.
#[derive(Debug, PartialEq)]
struct Seen {
    valid: usize,
    invalid: usize,
}

fn each(json: &str, mut holds: impl FnMut(&Value) -> bool) -> Seen {
    let mut seen = Seen { valid: 0, invalid: 0 };
    for v in rows(json) {
        let valid = v["result"] == "valid";
        assert_eq!(holds(&v), valid, "test {}: {}", v["tcId"], v["comment"]);
        if valid { seen.valid += 1 } else { seen.invalid += 1 }
    }
    seen
}

#[test]
fn aes_256_gcm_seals_and_opens_as_wycheproof_says() {
    let seen = each(include_str!("../../../fixtures/wycheproof/aes_256_gcm.json"), |v| {
        let gcm = Gcm::new(&hex(&v["key"]).try_into().unwrap()).unwrap();
        let nonce: [u8; 12] = hex(&v["iv"]).try_into().unwrap();
        let (aad, plain) = (hex(&v["aad"]), hex(&v["msg"]));
        let sealed = [hex(&v["ct"]), hex(&v["tag"])].concat();
        let mut opened = sealed.clone();
        let opens = gcm.open(nonce, &aad, &mut opened).is_ok() && opened == plain;
        let mut apart = vec![9; plain.len()];
        assert_eq!(gcm.open_apart(nonce, &aad, &sealed, &mut apart).is_ok(), opens);
        assert_eq!(apart, if opens { plain.clone() } else { vec![0; plain.len()] });
        let mut apart = vec![9; 500];
        gcm.seal_apart(nonce, &aad, &plain, &mut apart).unwrap();
        let mut again = [b"before", plain.as_slice()].concat();
        gcm.seal_from(nonce, &aad, &mut again, 6).unwrap();
        assert_eq!((&again[..6], &again[6..]), (&b"before"[..], apart.as_slice()));
        assert_eq!(apart == sealed, v["result"] == "valid", "sealing test {}", v["tcId"]);
        opens
    });
    assert_eq!(seen, Seen { valid: 39, invalid: 27 });
}

#[test]
fn hkdf_sha_256_gives_wycheproofs_bytes_whole_and_as_expand_alone() {
    let seen = each(include_str!("../../../fixtures/wycheproof/hkdf_sha256.json"), |v| {
        let (salt, input, info) = (hex(&v["salt"]), hex(&v["ikm"]), hex(&v["info"]));
        let size = usize::try_from(v["size"].as_u64().unwrap()).unwrap();
        let (mut whole, mut half) = (vec![0u8; size], vec![0u8; size]);
        let done = extract_and_expand(&salt, &input, &[&info], &mut whole).is_ok();
        // Extract is HMAC(salt, input); a salt that fits a block is one padded with zeros.
        if salt.len() <= 32 {
            let mut key = [0u8; 32];
            key[..salt.len()].copy_from_slice(&salt);
            let expanded = expand(HKDF_SHA256, &hmac(&key, &[&input]), &[&info], &mut half);
            assert_eq!(expanded.is_ok(), done);
            assert_eq!(half, whole);
        }
        done && whole == hex(&v["okm"])
    });
    assert_eq!(seen, Seen { valid: 80, invalid: 3 });
}

#[test]
fn hmac_sha_256_gives_wycheproofs_tags() {
    let seen = each(include_str!("../../../fixtures/wycheproof/hmac_sha256.json"), |v| {
        let (key, message, tag) = (hex(&v["key"]).try_into().unwrap(), hex(&v["msg"]), hex(&v["tag"]));
        assert_eq!(tag.len() * 8, usize::try_from(v["tag_bits"].as_u64().unwrap()).unwrap());
        let (a, b) = message.split_at(message.len() / 2);
        let made = hmac(&key, &[a, b]);
        assert_eq!(made, hmac(&key, &[&message]), "where the parts end does not matter");
        made[..tag.len()] == tag
    });
    assert_eq!(seen, Seen { valid: 54, invalid: 108 });
}

#[test]
fn ed25519_takes_and_refuses_what_wycheproof_says() {
    let seen = each(include_str!("../../../fixtures/wycheproof/ed25519.json"), |v| {
        let public: [u8; 32] = hex(&v["public"]).try_into().unwrap();
        // A signature of another length never becomes one: the type has 64 bytes.
        <[u8; 64]>::try_from(hex(&v["sig"])).is_ok_and(|sig| sign::verify(&public, &hex(&v["msg"]), &sig))
    });
    assert_eq!(seen, Seen { valid: 88, invalid: 63 });
}

#[test]
fn chunked_files_open_as_wycheproof_says_and_no_longer_prefix_of_a_spoiled_one_comes_out() {
    let seen = each(include_str!("../../../fixtures/wycheproof/chunked_aes_256_gcm.json"), |v| {
        let mut sealed = Vec::new();
        flate2::read::ZlibDecoder::new(hex(&v["ct"]).as_slice()).read_to_end(&mut sealed).unwrap();
        // A key of another length never becomes one: the type has 32 bytes.
        let Ok(mut key) = <[u8; 32]>::try_from(hex(&v["key"])) else { return false };
        let key = Key256::from_bytes(&mut key);
        let reader = chunked::Reader::with_context(Cursor::new(sealed), &key, &hex(&v["ctx"]));
        let Ok(mut reader) = reader else { return false };
        let mut plain = Vec::new();
        let whole = reader.read_to_end(&mut plain).is_ok();
        if let Some(len) = v["msgLength"].as_u64() {
            assert_eq!(plain.len() as u64, len, "test {}", v["tcId"]);
            assert_eq!(digest(&SHA512, &plain).as_ref(), hex(&v["msgSha512"]), "test {}", v["tcId"]);
        } else {
            assert!(plain.is_empty(), "test {}: bytes came out before the error", v["tcId"]);
        }
        whole
    });
    assert_eq!(seen, Seen { valid: 10, invalid: 25 });
}

#[test]
fn argon2id_gives_the_answer_of_rfc_9106_and_ours_those_of_another_implementation() {
    // RFC 9106, section 5.3. It has a secret and associated data, which a passphrase has not.
    let mut params = ParamsBuilder::new();
    params.m_cost(32).t_cost(3).p_cost(4).output_len(32);
    params.data(AssociatedData::new(&[4; 12]).unwrap());
    let with_secret =
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params.build().unwrap());
    let mut tag = [0u8; 32];
    with_secret.unwrap().hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
    let text = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    assert_eq!(text(&tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
    // Made by Python `cryptography` (OpenSSL's argon2id); the first is also a vector of the reference implementation.
    for (passphrase, salt, cost, wanted) in [
        (
            "password",
            b"somesalt".as_slice(),
            [64 << 10, 2, 1],
            "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7",
        ),
        (
            "copper lantern under seven bridges",
            &[2; 16],
            [64 << 10, 3, 1],
            "e6e62674010768fb9e93c3601feedc6bf8b7baf870d6796786f0a4df0ce7e7de",
        ),
    ] {
        let made = passphrase_key(&Secret::new(passphrase.to_owned()), salt, cost).unwrap();
        assert_eq!(text(made.expose()), wanted);
    }
}

#[test]
fn sha_256_gives_the_answer_of_fips_180() {
    let text: String = sha256(b"abc").iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
