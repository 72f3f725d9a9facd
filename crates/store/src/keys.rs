//! Which key opens what: subject keys under tenant and epoch, party keys under their subject, object keys under
//! tenant and epoch. Every wrap is bound to its place.

use crate::{Error, Vault};
use callvault_model::id::{EpochId, ObjectId, PartyId, SubjectId};
use callvault_seal::{Aad, Key256, kek, unwrap_key, wrap_key};
use rusqlite::{Connection, OptionalExtension, params};

/// Purposes of key wraps.
const SUBJECT: &str = "subject";
const PARTY: &str = "party";
const OBJECT: &str = "object";

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

    fn epoch_kek(&self, epoch: EpochId, purpose: &str) -> Result<Key256, Error> {
        let epoch = self.keyring.open(epoch)?;
        Ok(kek(&self.tenant_key, &epoch.key, purpose)?)
    }

    /// A new subject key, as (key, wrapped key).
    pub(crate) fn new_subject_key(&self, id: SubjectId) -> Result<(Key256, Vec<u8>), Error> {
        let key = Key256::random(&self.entropy)?;
        let kek = self.epoch_kek(self.epoch, SUBJECT)?;
        let wrapped =
            wrap_key(&kek, &self.aad(Some(id), SUBJECT, id.as_bytes(), "key"), SUBJECT, &key, &self.entropy)?;
        Ok((key, wrapped))
    }

    /// The key of a person; gone once the person was erased.
    pub(crate) fn subject_key(&self, db: &Connection, id: SubjectId) -> Result<Key256, Error> {
        let row: Option<(Option<Vec<u8>>, Vec<u8>, Option<String>)> = db
            .query_row(
                "SELECT wrapped_key, epoch, erased_at FROM subject WHERE id = ?1",
                params![id.as_bytes()],
                |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
            )
            .optional()?;
        let (wrapped, epoch, erased) = row.ok_or(Error::Corrupt("a party without its subject"))?;
        let wrapped = wrapped.ok_or_else(|| Error::KeyDestroyed(erased.unwrap_or_default()))?;
        let kek = self.epoch_kek(id_of(&epoch)?, SUBJECT)?;
        Ok(unwrap_key(&kek, &self.aad(Some(id), SUBJECT, id.as_bytes(), "key"), SUBJECT, &wrapped)?)
    }

    /// A new key for one party of one conversation, as (key, wrapped key).
    pub(crate) fn new_party_key(
        &self,
        party: PartyId,
        subject: SubjectId,
        subject_key: &Key256,
    ) -> Result<(Key256, Vec<u8>), Error> {
        let key = Key256::random(&self.entropy)?;
        let aad = self.aad(Some(subject), PARTY, party.as_bytes(), "key");
        let wrapped = wrap_key(subject_key, &aad, PARTY, &key, &self.entropy)?;
        Ok((key, wrapped))
    }

    /// The key of a party, opened through its subject.
    pub(crate) fn party_key(&self, db: &Connection, party: PartyId) -> Result<(Key256, SubjectId), Error> {
        let (subject, wrapped): (Vec<u8>, Option<Vec<u8>>) = db.query_row(
            "SELECT subject, wrapped_key FROM party WHERE id = ?1",
            params![party.as_bytes()],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        let subject: SubjectId = id_of(&subject)?;
        let wrapped = wrapped.ok_or_else(|| Error::KeyDestroyed(String::new()))?;
        let outer = self.subject_key(db, subject)?;
        let aad = self.aad(Some(subject), PARTY, party.as_bytes(), "key");
        Ok((unwrap_key(&outer, &aad, PARTY, &wrapped)?, subject))
    }

    /// The wrapped form of an object's key.
    pub(crate) fn wrap_object_key(&self, id: ObjectId, key: &Key256) -> Result<Vec<u8>, Error> {
        let kek = self.epoch_kek(self.epoch, OBJECT)?;
        Ok(wrap_key(&kek, &self.aad(None, OBJECT, id.as_bytes(), "key"), OBJECT, key, &self.entropy)?)
    }

    /// Opens an object's key.
    pub(crate) fn unwrap_object_key(
        &self,
        id: ObjectId,
        epoch: EpochId,
        wrapped: &[u8],
    ) -> Result<Key256, Error> {
        let kek = self.epoch_kek(epoch, OBJECT)?;
        Ok(unwrap_key(&kek, &self.aad(None, OBJECT, id.as_bytes(), "key"), OBJECT, wrapped)?)
    }
}

/// The id in a BLOB column.
pub(crate) fn id_of<K: callvault_model::id::Kind>(bytes: &[u8]) -> Result<callvault_model::Id<K>, Error> {
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| Error::Corrupt("an id that is not 16 bytes"))?;
    Ok(callvault_model::Id::from_bytes(bytes))
}
