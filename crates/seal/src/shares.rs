//! Recovery shares of the root key: Shamir's scheme over GF(256), any `k` of `n` rebuild it, fewer tell nothing.
//!
//! A share prints as 19 groups of four letters: version, key id, k, its number, 32 bytes, checksum.

use crate::{
    Key256, SealError,
    keyfile::{private_dir, refuse_inside, write_new},
    sha256, text,
};
use callvault_model::{Entropy, Secret};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

const VERSION: u8 = 1;
const BODY: usize = 1 + 8 + 1 + 1 + 32;
const CHECK: usize = 4;
const FOREIGN: &str = "they belong to different keys";

struct Share {
    key_id: [u8; 8],
    k: u8,
    x: u8,
    y: Zeroizing<[u8; 32]>,
}

/// Splits a key into `n` printable shares of which any `k` rebuild it.
pub fn split(key: &Key256, k: u8, n: u8, entropy: &dyn Entropy) -> Result<Vec<Secret<String>>, SealError> {
    if k < 2 || k > n {
        return Err(SealError::ShareCount);
    }
    // One polynomial per byte; the rows are its coefficients from the highest down, the key last.
    let mut rows: Vec<Zeroizing<[u8; 32]>> = Vec::with_capacity(usize::from(k));
    for _ in 1..k {
        let mut row = Zeroizing::new([0u8; 32]);
        entropy.fill(&mut *row)?;
        rows.push(row);
    }
    rows.push(Zeroizing::new(*key.expose()));
    let key_id = key.id()?;
    Ok((1..=n)
        .map(|x| {
            let mut y = Zeroizing::new([0u8; 32]);
            for row in &rows {
                y.iter_mut().zip(row.iter()).for_each(|(y, c)| *y = mul(*y, x) ^ c);
            }
            render(&Share { key_id, k, x, y })
        })
        .collect())
}

/// Where the files of shares go: one private file for each holder, in a folder outside the data. Made, and refused, before
/// there is any share to lose.
#[derive(Debug)]
pub struct Files(Vec<PathBuf>);

impl Files {
    /// The folder is made if it is missing; a file of this name in it is never overwritten.
    pub fn at(dir: &Path, data: &Path, made: u8) -> Result<Self, SealError> {
        refuse_inside(dir, data)?;
        private_dir(dir)?;
        let files: Vec<PathBuf> = (1..=made).map(|n| dir.join(format!("share-{n}-of-{made}"))).collect();
        match files.iter().find(|f| f.symlink_metadata().is_ok()) {
            Some(there) => Err(SealError::Exists { path: there.clone() }),
            None => Ok(Self(files)),
        }
    }

    /// Writes one share a file, mode 0600; the paths, in the order of the shares.
    pub fn write(self, shares: &[Secret<String>]) -> Result<Vec<PathBuf>, SealError> {
        for (file, share) in self.0.iter().zip(shares) {
            write_new(file, &Zeroizing::new(format!("{}\n", share.expose())))?;
        }
        Ok(self.0)
    }
}

/// Rebuilds the key. Says which share is mistyped; detects shares of different keys.
pub fn combine<S: AsRef<str>>(shares: &[S]) -> Result<Key256, SealError> {
    let mut read = Vec::with_capacity(shares.len().min(255));
    for (i, s) in shares.iter().take(255).enumerate() {
        read.push(parse(s.as_ref()).ok_or(SealError::ShareFormat { number: i.saturating_add(1) })?);
    }
    let first = read.first().ok_or(SealError::ShareSet { why: "none was given" })?;
    if read.iter().any(|s| s.key_id != first.key_id || s.k != first.k) {
        return Err(SealError::ShareSet { why: FOREIGN });
    }
    read.sort_by_key(|s| s.x);
    read.dedup_by_key(|s| s.x);
    let k = read.first().map_or(0, |s| usize::from(s.k));
    if read.len() < k {
        return Err(SealError::ShareSet { why: "too few different ones were given" });
    }
    read.truncate(k);
    rebuild(&read)
}

/// The key of exactly as many different shares of one set as are needed.
fn rebuild(read: &[Share]) -> Result<Key256, SealError> {
    let id = read.first().map(|s| s.key_id).unwrap_or_default();
    let mut out = Zeroizing::new([0u8; 32]);
    for s in read {
        // Lagrange basis at zero: the product of x_j / (x_j - x_i); minus is XOR.
        let basis = read.iter().filter(|o| o.x != s.x).fold(1u8, |b, o| mul(b, mul(o.x, inverse(o.x ^ s.x))));
        out.iter_mut().zip(s.y.iter()).for_each(|(o, y)| *o ^= mul(*y, basis));
    }
    let key = Key256::from_bytes(&mut out);
    if key.id()? == id { Ok(key) } else { Err(SealError::ShareSet { why: "one of them was altered" }) }
}

/// Shares that arrive one at a time, each from its own holder. Dropped, they are wiped.
#[derive(Default)]
pub struct Gathering {
    given: Vec<Share>,
}

impl std::fmt::Debug for Gathering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} shares", self.given(), self.needed())
    }
}

impl Gathering {
    /// How many different shares are here.
    pub fn given(&self) -> usize {
        self.given.len()
    }

    /// How many rebuild the key; 0 before the first tells.
    pub fn needed(&self) -> usize {
        self.given.first().map_or(0, |s| usize::from(s.k))
    }

    /// Takes one more. Gives the key when it was the last one needed; then nothing is kept, and nothing is kept either when
    /// they rebuild no key. A share that does not belong here leaves the others as they are.
    pub fn add(&mut self, typed: &str) -> Result<Option<Key256>, SealError> {
        let share = parse(typed).ok_or(SealError::ShareFormat { number: self.given().saturating_add(1) })?;
        if self.given.iter().any(|s| s.key_id != share.key_id || s.k != share.k) {
            return Err(SealError::ShareSet { why: FOREIGN });
        }
        if self.given.iter().any(|s| s.x == share.x) {
            return Err(SealError::ShareSet { why: "this one was given already" });
        }
        self.given.push(share);
        if self.given() < self.needed() {
            return Ok(None);
        }
        let all = std::mem::take(&mut self.given);
        rebuild(&all).map(Some)
    }
}

fn render(share: &Share) -> Secret<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(BODY + CHECK));
    bytes.push(VERSION);
    bytes.extend_from_slice(&share.key_id);
    bytes.extend_from_slice(&[share.k, share.x]);
    bytes.extend_from_slice(&*share.y);
    let check = sha256(&bytes);
    bytes.extend(check.iter().take(CHECK));
    let mut letters = text::base32(&bytes);
    let mut out = String::with_capacity(letters.len().saturating_mul(5) / 4);
    for (i, c) in letters.chars().enumerate() {
        if i > 0 && i % 4 == 0 {
            out.push('-');
        }
        out.push(c);
    }
    letters.zeroize();
    Secret::new(out)
}

fn parse(typed: &str) -> Option<Share> {
    if typed.len() > 400 {
        return None;
    }
    let letters: Zeroizing<String> = Zeroizing::new(
        typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase()).collect(),
    );
    let bytes = text::unbase32(&letters)?;
    let (body, check) = bytes.split_at_checked(BODY)?;
    let right = sha256(body);
    if check.len() != CHECK || !right.starts_with(check) {
        return None;
    }
    let (head, y) = body.split_at_checked(11)?;
    let [VERSION, id @ .., k, x] = head else { return None };
    let (k, x) = (*k, *x);
    let key_id = <[u8; 8]>::try_from(id).ok()?;
    let y = Zeroizing::new(<[u8; 32]>::try_from(y).ok()?);
    (k >= 2 && x >= 1).then_some(Share { key_id, k, x, y })
}

/// Multiplication in GF(256) modulo x^8+x^4+x^3+x+1, without branches or tables that depend on the key.
fn mul(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0u8;
    for _ in 0..8 {
        product ^= a & (b & 1).wrapping_neg();
        let carry = (a >> 7).wrapping_neg();
        a = (a << 1) ^ (carry & 0x1b);
        b >>= 1;
    }
    product
}

/// a^254, which is 1/a.
fn inverse(a: u8) -> u8 {
    let mut out = 1u8;
    for bit in (0..8).rev() {
        out = mul(out, out);
        if (254u8 >> bit) & 1 == 1 {
            out = mul(out, a);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsEntropy;
    use proptest::prelude::*;

    #[test]
    fn the_field_is_that_of_fips_197() {
        assert_eq!(mul(0x57, 0x83), 0xc1);
        assert_eq!(mul(0x57, 0x13), 0xfe);
        assert!((1..=255).all(|a| mul(a, inverse(a)) == 1));
    }

    #[test]
    fn every_three_of_five_rebuild_and_no_two_do() {
        let key = Key256::random(&OsEntropy).unwrap();
        let shares = split(&key, 3, 5, &OsEntropy).unwrap();
        let at = |i: usize| shares[i].expose().as_str();
        for (a, b, c) in [(0, 1, 2), (0, 1, 3), (0, 2, 4), (1, 3, 4), (2, 3, 4), (4, 2, 0)] {
            assert_eq!(combine(&[at(a), at(b), at(c)]).unwrap().expose(), key.expose());
        }
        for (a, b) in [(0, 1), (2, 4)] {
            assert!(matches!(combine(&[at(a), at(b)]), Err(SealError::ShareSet { .. })));
            assert!(matches!(combine(&[at(a), at(b), at(a)]), Err(SealError::ShareSet { .. })));
        }
        let loud = at(0).to_uppercase().replace('-', " ");
        assert!(combine(&[loud.as_str(), at(1), at(2)]).is_ok());
        assert_eq!(at(0).split('-').count(), 19);
    }

    #[test]
    fn mistyped_foreign_and_impossible_sets_are_named() {
        let shares = split(&Key256::random(&OsEntropy).unwrap(), 2, 3, &OsEntropy).unwrap();
        let other = split(&Key256::random(&OsEntropy).unwrap(), 2, 3, &OsEntropy).unwrap();
        let good = shares[0].expose().clone();
        let swapped = if good.ends_with('a') { "b" } else { "a" };
        let mut bad = shares[1].expose().clone();
        bad.replace_range(20..21, if &bad[20..21] == swapped { "c" } else { swapped });
        assert!(matches!(combine(&[&good, &bad]), Err(SealError::ShareFormat { number: 2 })));
        assert!(matches!(combine(&[&good, other[1].expose()]), Err(SealError::ShareSet { .. })));
        assert!(matches!(combine::<&str>(&[]), Err(SealError::ShareSet { .. })));
        let key = Key256::random(&OsEntropy).unwrap();
        for (k, n) in [(1, 3), (0, 0), (4, 3)] {
            assert!(matches!(split(&key, k, n, &OsEntropy), Err(SealError::ShareCount)));
        }
    }

    #[test]
    fn shares_that_arrive_one_at_a_time_rebuild_the_key_and_a_wrong_one_spoils_nothing() {
        let key = Key256::random(&OsEntropy).unwrap();
        let shares = split(&key, 3, 5, &OsEntropy).unwrap();
        let other = split(&Key256::random(&OsEntropy).unwrap(), 3, 5, &OsEntropy).unwrap();
        let mut here = Gathering::default();
        assert!(here.add(shares[4].expose()).unwrap().is_none());
        assert_eq!((here.given(), here.needed()), (1, 3));
        assert!(matches!(here.add("what the cat typed"), Err(SealError::ShareFormat { number: 2 })));
        assert!(matches!(here.add(other[0].expose()), Err(SealError::ShareSet { .. })));
        assert!(matches!(here.add(shares[4].expose()), Err(SealError::ShareSet { .. })));
        assert!(here.add(shares[0].expose()).unwrap().is_none());
        assert_eq!(format!("{here:?}"), "2 of 3 shares");
        assert_eq!(here.add(shares[2].expose()).unwrap().unwrap().expose(), key.expose());
        assert_eq!((here.given(), here.needed()), (0, 0));
        // One whose checksum is right and whose content is not: only the last one tells, and all are forgotten.
        let mut bent = parse(shares[1].expose()).unwrap();
        bent.y[7] ^= 1;
        for typed in [shares[0].expose(), render(&bent).expose()] {
            assert!(here.add(typed).unwrap().is_none());
        }
        assert!(matches!(here.add(shares[3].expose()), Err(SealError::ShareSet { .. })));
        assert_eq!(here.given(), 0);
    }

    #[test]
    fn fewer_than_k_shares_say_nothing_of_a_byte() {
        // With k = 2, one share of a fixed key takes every value about equally often.
        let key = Key256::from_bytes(&mut [0x42; 32]);
        let mut seen = [0u32; 256];
        for _ in 0..400 {
            let share = parse(split(&key, 2, 2, &OsEntropy).unwrap()[0].expose()).unwrap();
            share.y.iter().for_each(|b| seen[usize::from(*b)] += 1);
        }
        // 12,800 draws, 50 expected each; chi-square of 255 degrees stays below 400 but once in 10^8.
        let chi: f64 = seen.iter().map(|n| (f64::from(*n) - 50.0).powi(2) / 50.0).sum();
        assert!(chi < 400.0, "{chi}");
    }

    proptest! {
        #[test]
        fn any_split_rebuilds(k in 2u8..12, extra in 0u8..6, seed in any::<[u8; 32]>()) {
            let key = Key256::from_bytes(&mut seed.clone());
            let shares = split(&key, k, k + extra, &OsEntropy).unwrap();
            let last: Vec<_> = shares.iter().rev().take(usize::from(k)).map(|s| s.expose()).collect();
            let rebuilt = combine(&last).unwrap();
            prop_assert_eq!(rebuilt.expose(), &seed);
        }
    }
}
