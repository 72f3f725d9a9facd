//! What somebody sent while their factor was too old. It waits until they showed one again and is then carried on with, so
//! that nobody types twice. In memory only, sealed under a key made from the session's token, which the server does not
//! keep; one form a session, for ten minutes, taken once.

use callvault_model::{Secret, id::TenantId};
use callvault_seal::{Aad, Key256, OsEntropy, SealError, derive, open, seal};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How long a form waits.
const MINUTES: i64 = 10;
/// Largest form that is kept.
pub const MOST_BYTES: usize = 1 << 20;
/// Bytes of all that wait; beyond that the oldest is forgotten.
const ALL_BYTES: usize = 16 << 20;

/// A form as it was sent.
pub struct Typed {
    /// Where to.
    pub path: String,
    /// In what form.
    pub content_type: String,
    /// What was typed.
    pub body: Secret<Vec<u8>>,
}

struct Resting {
    at: Timestamp,
    /// Ties it to the page that asks for the factor: another tab's step-up sends nothing.
    handle: String,
    sealed: Vec<u8>,
}

/// Forms that wait for a fresh factor, by a name that only the session's token gives.
#[derive(Default)]
pub struct Kept(Mutex<HashMap<[u8; 32], Resting>>);

/// Name and key of a session's form.
fn keys(token: &str) -> Result<([u8; 32], Key256), SealError> {
    let mut hash = Sha256::new();
    hash.update(b"callvault.kept.v1\0");
    hash.update(token.as_bytes());
    let mut root: [u8; 32] = hash.finalize().into();
    let root = Key256::from_bytes(&mut root);
    Ok((*derive(&root, "callvault.kept.name.v1")?.expose(), derive(&root, "callvault.kept.key.v1")?))
}

fn aad(name: &[u8; 32]) -> Aad<'_> {
    Aad {
        tenant: TenantId::from_bytes([0; 16]),
        subject: None,
        object: "kept",
        id: name,
        field: "form",
        version: 1,
    }
}

impl Kept {
    /// Keeps a form; one that waited before in this session is forgotten. Returns its handle.
    pub fn put(&self, token: &str, typed: &Typed, now: Timestamp) -> Result<String, SealError> {
        let (name, key) = keys(token)?;
        let text = [typed.path.as_bytes(), typed.content_type.as_bytes(), typed.body.expose()];
        let plain = Secret::new(text.join(&b'\n'));
        let sealed = seal(&key, &aad(&name), plain.expose(), &OsEntropy)?;
        let handle = callvault_store::hex(&Key256::random(&OsEntropy)?.id()?);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = now - SignedDuration::from_mins(MINUTES);
        all.retain(|n, r| r.at >= oldest && *n != name);
        while all.values().map(|r| r.sealed.len()).sum::<usize>() + sealed.len() > ALL_BYTES {
            let Some(first) = all.iter().min_by_key(|(_, r)| r.at).map(|(n, _)| *n) else { break };
            all.remove(&first);
        }
        all.insert(name, Resting { at: now, handle: handle.clone(), sealed });
        Ok(handle)
    }

    /// The handle of what waits in this session.
    pub fn waits(&self, token: &str, now: Timestamp) -> Option<String> {
        let (name, _) = keys(token).ok()?;
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&name).filter(|r| fresh(r, now)).map(|r| r.handle.clone())
    }

    /// Takes the form out; it works once, and only with the handle that the page carried.
    pub fn take(&self, token: &str, handle: &str, now: Timestamp) -> Option<Typed> {
        let (name, key) = keys(token).ok()?;
        let resting = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.get(&name).filter(|r| r.handle == handle)?;
            all.remove(&name)?
        };
        if !fresh(&resting, now) {
            return None;
        }
        let plain = open(&key, &aad(&name), &resting.sealed).ok()?;
        let mut parts = plain.expose().splitn(3, |b| *b == b'\n');
        let mut text = || parts.next().and_then(|p| std::str::from_utf8(p).ok()).map(str::to_owned);
        let (path, content_type) = (text()?, text()?);
        let body = Secret::new(parts.next()?.to_vec());
        Some(Typed { path, content_type, body })
    }

    /// Forgets what waits in this session.
    pub fn forget(&self, token: &str) {
        if let Ok((name, _)) = keys(token) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        }
    }
}

fn fresh(r: &Resting, now: Timestamp) -> bool {
    now.duration_since(r.at) <= SignedDuration::from_mins(MINUTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn typed(body: &str) -> Typed {
        Typed {
            path: "/subjects/1/merge".into(),
            content_type: "application/x-www-form-urlencoded".into(),
            body: Secret::new(body.as_bytes().to_vec()),
        }
    }

    #[test]
    fn a_form_comes_back_once_to_its_own_session_and_page() {
        let all = Kept::default();
        let handle = all.put("token", &typed("reason=one\nline"), at(0)).unwrap();
        assert_eq!(all.waits("token", at(1)), Some(handle.clone()));
        assert!(all.waits("other", at(1)).is_none() && all.take("other", &handle, at(1)).is_none());
        assert!(all.take("token", "another page", at(1)).is_none());
        let back = all.take("token", &handle, at(1)).unwrap();
        assert_eq!(
            (back.path.as_str(), back.body.expose().as_slice()),
            ("/subjects/1/merge", &b"reason=one\nline"[..])
        );
        assert!(all.take("token", &handle, at(1)).is_none());
        let late = all.put("token", &typed("x"), at(0)).unwrap();
        assert!(all.take("token", &late, at(601)).is_none());
    }

    #[test]
    fn what_rests_is_sealed_and_bounded() {
        let all = Kept::default();
        let big = "y".repeat(MOST_BYTES);
        for i in 0..40i64 {
            all.put(&i.to_string(), &typed(&big), at(i)).unwrap();
        }
        let inner = all.0.lock().unwrap();
        assert!(inner.values().map(|r| r.sealed.len()).sum::<usize>() <= ALL_BYTES);
        assert!(inner.values().all(|r| !r.sealed.windows(8).any(|w| w == b"yyyyyyyy")));
    }
}
