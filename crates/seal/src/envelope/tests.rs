use super::*;
use crate::OsEntropy;
use callvault_model::{
    SystemClock,
    id::{Id, SubjectId, TenantId},
};
use proptest::prelude::*;
use std::collections::HashSet;

fn tenant() -> TenantId {
    Id::new(&SystemClock, &OsEntropy).unwrap()
}
fn subject() -> SubjectId {
    Id::new(&SystemClock, &OsEntropy).unwrap()
}

/// Places that differ from the first in exactly one part each, boundary shifts included.
fn places(t: TenantId, s: SubjectId) -> Vec<Aad<'static>> {
    let first = Aad {
        tenant: t,
        subject: Some(s),
        object: "party",
        id: b"0123456789abcdef",
        field: "transcript",
        version: 1,
    };
    vec![
        first,
        Aad { tenant: tenant(), ..first },
        Aad { subject: Some(subject()), ..first },
        Aad { subject: None, ..first },
        Aad { object: "audio", ..first },
        Aad { object: "", ..first },
        Aad { object: "part", id: b"y0123456789abcdef", ..first },
        Aad { id: b"0123456789abcdeg", ..first },
        Aad { id: b"", ..first },
        Aad { field: "summary", ..first },
        Aad { id: b"0123456789abcdeft", field: "ranscript", ..first },
        Aad { version: 2, ..first },
        Aad { version: 1 << 24, ..first },
    ]
}

#[test]
fn a_seal_opens_in_its_own_place_and_in_no_other() {
    let keys: Vec<Key256> = (0..3).map(|_| Key256::random(&OsEntropy).unwrap()).collect();
    let places = places(tenant(), subject());
    let mut tried = 0;
    for (i, k) in keys.iter().enumerate() {
        for (p, place) in places.iter().enumerate() {
            let sealed = seal(k, place, b"what was said", &OsEntropy).unwrap();
            let wrapped = wrap_key(k, place, "dek", &keys[0], &OsEntropy).unwrap();
            for (j, other) in keys.iter().enumerate() {
                for (q, elsewhere) in places.iter().enumerate() {
                    let here = (i, p) == (j, q);
                    assert_eq!(open(other, elsewhere, &sealed).is_ok(), here, "record {i},{p} in {j},{q}");
                    assert_eq!(
                        unwrap_key(other, elsewhere, "dek", &wrapped).is_ok(),
                        here,
                        "key {i},{p} in {j},{q}"
                    );
                    tried += 2;
                }
            }
            assert!(unwrap_key(k, place, "kek", &wrapped).is_err(), "another purpose");
            assert!(open(k, place, &wrapped).is_err(), "a key is not a record");
            assert!(unwrap_key(k, place, "dek", &sealed).is_err(), "a record is not a key");
        }
    }
    assert_eq!(tried, 2 * 3 * 3 * 13 * 13);
}

#[test]
fn every_flipped_bit_every_cut_and_every_extension_fails_with_the_same_error() {
    let k = Key256::random(&OsEntropy).unwrap();
    let place = places(tenant(), subject())[0];
    let sealed = seal(&k, &place, b"4111 1111 1111 1111", &OsEntropy).unwrap();
    assert_eq!(sealed.len(), 19 + OVERHEAD);
    let refused = |bytes: &[u8]| matches!(open(&k, &place, bytes), Err(SealError::Open));
    for bit in 0..sealed.len() * 8 {
        let mut bad = sealed.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(refused(&bad), "bit {bit}");
    }
    for len in 0..sealed.len() {
        assert!(refused(&sealed[..len]), "length {len}");
    }
    for more in [1, 16, 81] {
        assert!(refused(&[sealed.as_slice(), &vec![0; more]].concat()));
    }
    assert!(open(&k, &place, &sealed).is_ok());
}

#[test]
fn parts_of_two_seals_do_not_mix() {
    let k = Key256::random(&OsEntropy).unwrap();
    let place = places(tenant(), subject())[0];
    let (a, b) =
        (seal(&k, &place, b"aaaa", &OsEntropy).unwrap(), seal(&k, &place, b"bbbb", &OsEntropy).unwrap());
    for cut in 1..a.len() {
        let mixed = [&a[..cut], &b[cut..]].concat();
        if mixed != a && mixed != b {
            assert!(open(&k, &place, &mixed).is_err(), "cut at {cut}");
        }
    }
}

#[test]
fn salts_nonces_and_ciphertexts_of_equal_plaintexts_never_repeat() {
    let k = Key256::random(&OsEntropy).unwrap();
    let place = places(tenant(), subject())[0];
    let mut seen = HashSet::new();
    for _ in 0..50_000 {
        let s = seal(&k, &place, b"same", &OsEntropy).unwrap();
        assert!(seen.insert(s[9..33].to_vec()), "salt");
        assert!(seen.insert(s[21..33].to_vec()), "nonce");
        assert!(seen.insert(s[65..].to_vec()), "ciphertext");
    }
}

#[test]
fn rewrapping_moves_a_key_and_the_old_place_is_left_behind() {
    let (a, b) = (Key256::random(&OsEntropy).unwrap(), Key256::random(&OsEntropy).unwrap());
    let places = places(tenant(), subject());
    let (old, new) = (&places[0], &places[2]);
    let wrapped = wrap_key(&a, old, "dek", &b, &OsEntropy).unwrap();
    let moved = rewrap_key((&a, old), (&b, new), "dek", &wrapped, &OsEntropy).unwrap();
    assert_eq!(unwrap_key(&b, new, "dek", &moved).unwrap().expose(), b.expose());
    assert!(unwrap_key(&a, old, "dek", &moved).is_err());
    assert!(rewrap_key((&b, old), (&b, new), "dek", &wrapped, &OsEntropy).is_err());
    assert_eq!(key_id(&moved), Some(b.id().unwrap()));
}

#[test]
fn a_failing_generator_and_a_record_too_long_stop_the_seal() {
    let k = Key256::random(&OsEntropy).unwrap();
    let place = places(tenant(), subject())[0];
    assert!(matches!(seal(&k, &place, b"x", &crate::vectors::Chosen::new(&[])), Err(SealError::Entropy(_))));
    let long = vec![0u8; MAX_RECORD + 1];
    assert!(matches!(seal(&k, &place, &long, &OsEntropy), Err(SealError::TooLong { .. })));
}

#[test]
fn errors_tell_nothing_of_key_or_plaintext() {
    let k = Key256::from_bytes(&mut [0xab; 32]);
    let place = places(tenant(), subject())[0];
    let sealed = seal(&k, &place, b"secret words", &OsEntropy).unwrap();
    let e = open(&Key256::random(&OsEntropy).unwrap(), &place, &sealed).unwrap_err();
    let text = format!("{e} {e:?} {:?}", open(&k, &place, &sealed).unwrap());
    assert!(!text.contains("secret") && !text.contains("abab") && text.contains("[sealed]"));
}

proptest! {
    #[test]
    fn any_record_round_trips(plain in prop::collection::vec(any::<u8>(), 0..2000), id in any::<[u8; 16]>(), version: u32) {
        let k = Key256::random(&OsEntropy).unwrap();
        let place = Aad { tenant: tenant(), subject: None, object: "o", id: &id, field: "f", version };
        let sealed = seal(&k, &place, &plain, &OsEntropy).unwrap();
        let opened = open(&k, &place, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &plain);
    }

    #[test]
    fn rubbish_never_opens(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let k = Key256::random(&OsEntropy).unwrap();
        let place = Aad { tenant: tenant(), subject: None, object: "o", id: &[], field: "f", version: 0 };
        prop_assert!(open(&k, &place, &bytes).is_err());
    }
}

#[test]
fn the_key_of_a_record_opens_that_record_and_nothing_else() {
    let (t, s) = (tenant(), subject());
    let key = Key256::random(&OsEntropy).unwrap();
    let places = places(t, s);
    let sealed = seal(&key, &places[0], b"what was said", &OsEntropy).unwrap();
    let own = RecordKey::of(&key, &places[0], &sealed).unwrap();
    for _ in 0..2 {
        assert_eq!(own.open(&sealed).unwrap().expose(), b"what was said");
    }
    for place in &places {
        let other = seal(&key, place, b"something else", &OsEntropy).unwrap();
        assert!(own.open(&other).is_err(), "{place:?}");
    }
    for place in &places[1..] {
        assert!(RecordKey::of(&key, place, &sealed).is_err(), "{place:?}");
    }
    let wrapped = wrap_key(&key, &places[0], "dek", &key, &OsEntropy).unwrap();
    assert!(RecordKey::of(&key, &places[0], &wrapped).is_err(), "a wrapped key is no record");
    for cut in 0..sealed.len() {
        assert!(
            RecordKey::of(&key, &places[0], &sealed[..cut]).is_err() || own.open(&sealed[..cut]).is_err()
        );
    }
    let mut changed = sealed.clone();
    for at in HEADER..sealed.len() {
        changed[at] ^= 1;
        assert!(own.open(&changed).is_err(), "byte {at}");
        changed[at] ^= 1;
    }
}
