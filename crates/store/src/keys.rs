//! Which key opens what: subject keys under tenant and epoch, party keys under their subject, object keys under
//! tenant and epoch. Every wrap is bound to its place.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Command, Error, Vault, rotation::TenantKeys, seen::Opener};
use callvault_model::{
    Secret,
    id::{EpochId, ObjectId, PartyId, SubjectId},
};
use callvault_seal::{Aad, Key256, envelope::key_id, kek, unwrap_key, wrap_key};
use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard, PoisonError},
};

/// Purposes of key wraps.
const SUBJECT: &str = "subject";
const PARTY: &str = "party";
const OBJECT: &str = "object";

/// What opens a person's key: wrapped key, epoch, when it was erased.
pub(crate) type SubjectRow = (Option<Vec<u8>>, Vec<u8>, Option<String>);

/// Keys that wrap keys, by version of the tenant key, epoch and purpose.
pub(crate) type Keks = BTreeMap<(u32, EpochId, &'static str), Arc<Key256>>;

impl Vault {
    /// Associated data of a thing in this vault's tenant.
    pub(crate) fn aad<'a>(
        &self,
        subject: Option<SubjectId>,
        object: &'a str,
        id: &'a [u8],
        field: &'a str,
    ) -> Aad<'a> {
        Aad { tenant: self.tenant, subject, object, id, field, version: 1 }
    }

    /// The key that wraps new keys. A wrap is made inside the command that stores it, so that a rotation of the tenant
    /// key never misses one.
    pub(crate) fn wrapping_kek(
        &self,
        _inside: &Command<'_>,
        purpose: &'static str,
    ) -> Result<Arc<Key256>, Error> {
        let keys = self.tenant_keys();
        self.kek(&keys, keys.version, self.epoch(), purpose)
    }

    /// The key that made a wrap or seal, by the bytes in front of it.
    pub(crate) fn kek_of(
        &self,
        epoch: EpochId,
        purpose: &'static str,
        wrapped: &[u8],
    ) -> Result<Arc<Key256>, Error> {
        let keys = self.tenant_keys();
        let current = self.kek(&keys, keys.version, epoch, purpose)?;
        if let Some((retiring, _)) = &keys.retiring
            && key_id(wrapped) != Some(current.id()?)
        {
            return self.kek(&keys, *retiring, epoch, purpose);
        }
        Ok(current)
    }

    /// The key that a version of the tenant key makes in an epoch. Making it reads the epoch's file, so it is made once; it
    /// opens nothing more once that file is gone.
    fn kek(
        &self,
        keys: &Arc<TenantKeys>,
        version: u32,
        epoch: EpochId,
        purpose: &'static str,
    ) -> Result<Arc<Key256>, Error> {
        let of = (version, epoch, purpose);
        let known = self.keks().get(&of).map(Arc::clone);
        if let Some(known) = known {
            self.keyring.stands(epoch)?;
            return Ok(known);
        }
        let tenant = match &keys.retiring {
            Some((retiring, key)) if *retiring == version => key,
            _ => &keys.current,
        };
        let made = Arc::new(kek(tenant, &self.keyring.open(epoch)?.key, purpose)?);
        let mut known = self.keks();
        // Nothing is remembered that was forgotten meanwhile.
        if Arc::ptr_eq(keys, &self.tenant_keys()) && self.keyring.stands(epoch).is_ok() {
            known.insert(of, Arc::clone(&made));
        }
        Ok(made)
    }

    fn keks(&self) -> MutexGuard<'_, Keks> {
        self.keks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what follows from keys that were replaced or destroyed.
    pub(crate) fn forget_keks(&self) {
        self.keks().clear();
        self.seen.forget();
    }

    /// Keys of parties that were kept for the next reading leave the memory after a minute; asked for every second.
    pub fn forget_old_keys(&self) {
        self.seen.forget_old(self.clock.now());
    }

    /// A new subject key, as (key, wrapped key).
    pub(crate) fn new_subject_key(&self, c: &Command<'_>, id: SubjectId) -> Result<(Key256, Vec<u8>), Error> {
        let key = Key256::random(&self.entropy)?;
        let kek = self.wrapping_kek(c, SUBJECT)?;
        let wrapped =
            wrap_key(&kek, &self.aad(Some(id), SUBJECT, id.as_bytes(), "key"), SUBJECT, &key, &self.entropy)?;
        Ok((key, wrapped))
    }

    /// The key of a person; gone once the person was erased.
    pub(crate) fn subject_key(&self, db: &Connection, id: SubjectId) -> Result<Key256, Error> {
        Ok(self.subject_key_in(db, id)?.0)
    }

    /// The same with the epoch it lives in.
    fn subject_key_in(&self, db: &Connection, id: SubjectId) -> Result<(Key256, EpochId), Error> {
        let row: Option<SubjectRow> = db
            .prepare_cached("SELECT wrapped_key, epoch, erased_at FROM subject WHERE id = ?1")?
            .query_row(params![id.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
            .optional()?;
        self.open_subject_key(id, row.ok_or(Error::Corrupt("a party without its subject"))?)
    }

    /// The same for who has read the person's row.
    pub(crate) fn open_subject_key(
        &self,
        id: SubjectId,
        (wrapped, epoch, erased): SubjectRow,
    ) -> Result<(Key256, EpochId), Error> {
        let wrapped = wrapped.ok_or_else(|| Error::KeyDestroyed(erased.unwrap_or_default()))?;
        let epoch = id_of(&epoch)?;
        let kek = self.kek_of(epoch, SUBJECT, &wrapped)?;
        let key = unwrap_key(&kek, &self.aad(Some(id), SUBJECT, id.as_bytes(), "key"), SUBJECT, &wrapped)?;
        Ok((key, epoch))
    }

    /// A new key for one party of one conversation, as (key, wrapped key).
    pub(crate) fn new_party_key(
        &self,
        party: PartyId,
        subject: SubjectId,
        subject_key: &Key256,
    ) -> Result<(Key256, Vec<u8>), Error> {
        let key = Key256::random(&self.entropy)?;
        let wrapped = self.wrap_party_key(party, subject, subject_key, &key)?;
        Ok((key, wrapped))
    }

    /// The wrapped form of a party's key under its subject.
    pub(crate) fn wrap_party_key(
        &self,
        party: PartyId,
        subject: SubjectId,
        subject_key: &Key256,
        key: &Key256,
    ) -> Result<Vec<u8>, Error> {
        let aad = self.aad(Some(subject), PARTY, party.as_bytes(), "key");
        Ok(wrap_key(subject_key, &aad, PARTY, key, &self.entropy)?)
    }

    /// The key of a party, opened through its subject.
    pub(crate) fn party_key(&self, db: &Connection, party: PartyId) -> Result<(Key256, SubjectId), Error> {
        let Opener { key, subject, .. } = self.opener(db, party)?;
        Ok((key, subject))
    }

    /// The same with the epoch it depends on.
    pub(crate) fn opener(&self, db: &Connection, party: PartyId) -> Result<Opener, Error> {
        let (subject, wrapped): (Vec<u8>, Option<Vec<u8>>) = db
            .prepare_cached("SELECT subject, wrapped_key FROM party WHERE id = ?1")?
            .query_row(params![party.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?)))?;
        let subject: SubjectId = id_of(&subject)?;
        let wrapped = wrapped.ok_or_else(|| Error::KeyDestroyed(String::new()))?;
        let (outer, epoch) = self.subject_key_in(db, subject)?;
        Ok(Opener { key: self.unwrap_party_key(party, subject, &outer, &wrapped)?, subject, epoch })
    }

    /// Opens a party's key with its subject's.
    pub(crate) fn unwrap_party_key(
        &self,
        party: PartyId,
        subject: SubjectId,
        subject_key: &Key256,
        wrapped: &[u8],
    ) -> Result<Key256, Error> {
        let aad = self.aad(Some(subject), PARTY, party.as_bytes(), "key");
        Ok(unwrap_key(subject_key, &aad, PARTY, wrapped)?)
    }

    /// The wrapped form of an object's key.
    pub(crate) fn wrap_object_key(
        &self,
        c: &Command<'_>,
        id: ObjectId,
        key: &Key256,
    ) -> Result<Vec<u8>, Error> {
        let kek = self.wrapping_kek(c, OBJECT)?;
        Ok(wrap_key(&kek, &self.aad(None, OBJECT, id.as_bytes(), "key"), OBJECT, key, &self.entropy)?)
    }

    /// Opens an object's key.
    pub(crate) fn unwrap_object_key(
        &self,
        id: ObjectId,
        epoch: EpochId,
        wrapped: &[u8],
    ) -> Result<Key256, Error> {
        let kek = self.kek_of(epoch, OBJECT, wrapped)?;
        Ok(unwrap_key(&kek, &self.aad(None, OBJECT, id.as_bytes(), "key"), OBJECT, wrapped)?)
    }

    /// Seals a text that belongs to the vault and not to a party: file names, places of copies, names of accounts.
    pub(crate) fn seal_own(
        &self,
        object: &str,
        id: &[u8],
        field: &str,
        text: &str,
    ) -> Result<Vec<u8>, Error> {
        self.seal_bytes(object, id, field, text.as_bytes())
    }

    /// Opens what [`Vault::seal_own`] sealed.
    pub(crate) fn open_own(
        &self,
        object: &str,
        id: &[u8],
        field: &str,
        sealed: &[u8],
    ) -> Result<String, Error> {
        let text = self.open_bytes(object, id, field, sealed)?;
        String::from_utf8(text.expose().clone()).map_err(|_| Error::Corrupt("a name that is not UTF-8"))
    }

    /// The same for bytes.
    pub(crate) fn seal_bytes(
        &self,
        object: &str,
        id: &[u8],
        field: &str,
        bytes: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let keys = self.tenant_keys();
        let names = keys.names.last().ok_or(Error::Corrupt("a tenant without a key of names"))?;
        Ok(callvault_seal::seal(&names.key, &self.aad(None, object, id, field), bytes, &self.entropy)?)
    }

    /// Opens what [`Vault::seal_bytes`] sealed.
    pub(crate) fn open_bytes(
        &self,
        object: &str,
        id: &[u8],
        field: &str,
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, Error> {
        let (keys, wanted) = (self.tenant_keys(), key_id(sealed));
        let mut names = keys.names.last();
        for other in &keys.names {
            if wanted == Some(other.key.id()?) {
                names = Some(other);
            }
        }
        let names = names.ok_or(Error::Corrupt("a tenant without a key of names"))?;
        Ok(callvault_seal::open(&names.key, &self.aad(None, object, id, field), sealed)?)
    }
}

/// The id in a BLOB column.
pub(crate) fn id_of<K: callvault_model::id::Kind>(bytes: &[u8]) -> Result<callvault_model::Id<K>, Error> {
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| Error::Corrupt("an id that is not 16 bytes"))?;
    Ok(callvault_model::Id::from_bytes(bytes))
}
