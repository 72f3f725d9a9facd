//! Sealing beside the bare cipher in the same run: `cargo bench -p callvault-seal`. Wanted: a sealed file written and read at
//! 0.80 of the cipher's rate, a record of 256 bytes for at most four bare seals, 50,000 keys a second wrapped anew. Neighbours
//! on the machine disturb one round or another: each line is the median of all, with the least and the most.

use aws_lc_rs::aead::{AES_256_GCM, Aad as GcmAad, LessSafeKey, Nonce, UnboundKey};
use callvault_model::{
    Entropy, SystemClock,
    id::{Id, TenantId},
};
use callvault_seal::{Aad, Hashed, Key256, OsEntropy, chunked, open, rewrap_key, seal, wrap_key};
use std::{
    error::Error,
    io::{Cursor, Read, Write, sink},
    time::Instant,
};

/// A minute of telephone sound, which fits into a core's cache as the bare cipher's buffer does.
const CHUNKS: usize = 64;
/// Messages of that length.
const MESSAGES: usize = 64;
const RECORDS: u32 = 20_000;
const ROUNDS: usize = 41;
const NAMES: [&str; 9] = [
    "the bare cipher, GB/s",
    "a sealed file written, of the cipher's rate (at least 0.80)",
    "a sealed file read, GB/s",
    "a sealed file read, of the cipher's rate (at least 0.80)",
    "a sealed file written with the ledger's hash, GB/s",
    "a bare seal of 256 bytes, ns",
    "a record of 256 bytes sealed, in bare seals (at most 4)",
    "a record of 256 bytes opened, in bare seals",
    "keys wrapped anew a second (at least 50,000)",
];

fn main() -> Result<(), Box<dyn Error>> {
    let tenant: TenantId = Id::new(&SystemClock, &OsEntropy)?;
    let place = Aad { tenant, subject: None, object: "audio", id: &[7; 16], field: "original", version: 1 };
    let key = Key256::random(&OsEntropy)?;
    let mut all: [Vec<f64>; 9] = Default::default();
    for _ in 0..ROUNDS {
        let (raw, write) = (raw_chunks(&key)?, write_chunks(sink, &key, &place)?);
        let (again, read) = (raw_chunks(&key)?, read_chunks(&key, &place)?);
        let hashed = write_chunks(|| Hashed::new(sink()), &key, &place)?;
        let (bare, sealed, opened) = records(&key, &place)?;
        let keys = rewraps(&key, &place)?;
        let values = [raw, write / raw, read, read / again, hashed, bare, sealed / bare, opened / bare, keys];
        all.iter_mut().zip(values).for_each(|(all, value)| all.push(value));
    }
    let mut out = std::io::stdout().lock();
    for (name, values) in NAMES.iter().zip(&mut all) {
        values.sort_unstable_by(f64::total_cmp);
        let at = |i: usize| values.get(i).copied().unwrap_or_default();
        writeln!(out, "{name}: {:.2} ({:.2} to {:.2})", at(ROUNDS / 2), at(0), at(ROUNDS - 1))?;
    }
    Ok(())
}

fn rate(since: Instant) -> f64 {
    (MESSAGES * CHUNKS * chunked::CHUNK) as f64 / since.elapsed().as_secs_f64() / 1e9
}

fn raw_chunks(key: &Key256) -> Result<f64, Box<dyn Error>> {
    let gcm = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose())?);
    let mut buffer = vec![0u8; chunked::CHUNK];
    let since = Instant::now();
    for i in 0..(MESSAGES * CHUNKS) as u64 {
        let mut nonce = [0u8; 12];
        nonce.iter_mut().zip(i.to_be_bytes()).for_each(|(n, b)| *n = b);
        let tag =
            gcm.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), GcmAad::empty(), &mut buffer);
        let _tag = std::hint::black_box(tag?);
    }
    Ok(rate(since))
}

fn write_chunks<W: Write>(to: impl Fn() -> W, key: &Key256, place: &Aad<'_>) -> Result<f64, Box<dyn Error>> {
    let buffer = vec![0u8; chunked::CHUNK];
    let since = Instant::now();
    for _ in 0..MESSAGES {
        let mut writer = chunked::Writer::new(to(), key, place, &OsEntropy)?;
        for _ in 0..CHUNKS {
            writer.write_all(&buffer)?;
        }
        writer.finish()?;
    }
    Ok(rate(since))
}

fn read_chunks(key: &Key256, place: &Aad<'_>) -> Result<f64, Box<dyn Error>> {
    let mut buffer = vec![0u8; chunked::CHUNK];
    let mut writer = chunked::Writer::new(Vec::new(), key, place, &OsEntropy)?;
    for _ in 0..CHUNKS {
        writer.write_all(&buffer)?;
    }
    let (sealed, _) = writer.finish()?;
    let since = Instant::now();
    for _ in 0..MESSAGES {
        let mut reader = chunked::Reader::new(Cursor::new(&sealed), key, place)?;
        while reader.read(&mut buffer)? > 0 {}
    }
    Ok(rate(since))
}

fn records(key: &Key256, place: &Aad<'_>) -> Result<(f64, f64, f64), Box<dyn Error>> {
    let plain = [5u8; 256];
    let per = |since: Instant| since.elapsed().as_secs_f64() * 1e9 / f64::from(RECORDS);
    let since = Instant::now();
    for _ in 0..RECORDS {
        let mut nonce = [0u8; 12];
        OsEntropy.fill(&mut nonce)?;
        let gcm = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose())?);
        let mut body = plain.to_vec();
        gcm.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), GcmAad::empty(), &mut body)?;
    }
    let raw = per(since);
    let since = Instant::now();
    let mut sealed = Vec::new();
    for _ in 0..RECORDS {
        sealed = seal(key, place, &plain, &OsEntropy)?;
    }
    let ours = per(since);
    let since = Instant::now();
    for _ in 0..RECORDS {
        open(key, place, &sealed)?;
    }
    Ok((raw, ours, per(since)))
}

/// Keys moved from one key to another, a second.
fn rewraps(key: &Key256, place: &Aad<'_>) -> Result<f64, Box<dyn Error>> {
    let next = Key256::random(&OsEntropy)?;
    let wrapped = wrap_key(key, place, "subject", &Key256::random(&OsEntropy)?, &OsEntropy)?;
    let since = Instant::now();
    for _ in 0..RECORDS {
        std::hint::black_box(rewrap_key((key, place), (&next, place), "subject", &wrapped, &OsEntropy)?);
    }
    Ok(f64::from(RECORDS) / since.elapsed().as_secs_f64())
}
