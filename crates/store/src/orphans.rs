//! Sealed files that no row knows: they come from a killed process, and their keys died with it.

use crate::{
    Error, Vault, blob,
    blob::{Bucket, UPLOADING},
    keys::id_of,
    moving::FETCHED,
};
use callvault_model::id::ObjectId;
use callvault_seal::files;
use std::{collections::BTreeSet, path::Path};

/// A file in the bucket that no row knows is left alone for so long: somebody may just be writing it.
const GRACE_SECONDS: i64 = 86_400;
/// Stands in the data directory while sealed files come back into it from a bucket.
pub(crate) const COMING: &str = "files-coming";

/// The sealed files that rows know.
#[derive(Default)]
struct Known {
    /// Files of conversations whose key lives.
    living: BTreeSet<ObjectId>,
    /// Those whose key is destroyed.
    dead: BTreeSet<ObjectId>,
    /// Parts of uploads; they never leave the data directory.
    parts: BTreeSet<ObjectId>,
}

impl Vault {
    fn known_files(&self) -> Result<Known, Error> {
        let db = self.db();
        let ids = |sql: &str| -> Result<BTreeSet<ObjectId>, Error> {
            let mut statement = db.prepare(sql)?;
            let rows = statement.query_map([], |r| r.get::<_, Vec<u8>>(0))?;
            rows.map(|r| id_of(&r?)).collect()
        };
        Ok(Known {
            living: ids("SELECT id FROM object WHERE key_destroyed_at IS NULL")?,
            dead: ids("SELECT id FROM object WHERE key_destroyed_at IS NOT NULL")?,
            parts: ids("SELECT object FROM upload_part")?,
        })
    }

    /// At every opening: what a killed process left in the data directory, and in the bucket under the same names. A bucket
    /// that cannot be reached keeps it for the next opening: nobody can read it.
    pub(crate) fn sweep_orphans(&self) -> Result<(), Error> {
        let known = self.known_files()?;
        if let Some(bucket) = self.shelf.bucket() {
            for (id, note) in blob::list_ending(&self.blobs(), UPLOADING)? {
                later(bucket.clear_upload(id, &note));
            }
        }
        for (_, half) in blob::list_ending(&self.blobs(), FETCHED)? {
            files::unlink(&half, "it is sealed, and was not fetched whole")?;
        }
        let mut away = false;
        for (id, path) in blob::list(&self.blobs())? {
            if known.parts.contains(&id) {
                continue;
            }
            let living = known.living.contains(&id);
            match self.shelf.bucket() {
                None if living => {}
                None => files::unlink(&path, "no row knows it; its key died with the process that made it")?,
                // Once it did not answer, it is not waited for at every file.
                Some(_) if away => {}
                Some(bucket) => {
                    let settled = self.settle_file(bucket, id, &path, living);
                    away = settled.is_err();
                    later(settled);
                }
            }
        }
        Ok(())
    }

    /// One file that lies in the data directory although the vault's files stand in a bucket.
    fn settle_file(&self, bucket: &Bucket, id: ObjectId, path: &Path, living: bool) -> Result<(), Error> {
        if !living {
            bucket.remove(&[id])?;
            return Ok(files::unlink(path, "no row knows it; its key died with the process that made it")?);
        }
        if self.dir().join(COMING).exists() {
            return Ok(());
        }
        let here = path.metadata().map_err(Error::file(path))?.len();
        if bucket.len(id)? != Some(here) {
            bucket.put(id, path)?;
        }
        Ok(files::unlink(path, "the bucket has it")?)
    }

    /// The slow part of it, which asks the bucket for every name: files whose key is destroyed, and those that no row has
    /// known for a day.
    pub(crate) fn sweep_bucket(&self) -> Result<(), Error> {
        let Some(bucket) = self.shelf.bucket() else { return Ok(()) };
        // Listed first: what is recorded after that is known below.
        let there = bucket.list()?;
        let known = self.known_files()?;
        let now = self.clock.now().as_second();
        let gone = |(id, written): &(ObjectId, i64)| {
            let old = now.saturating_sub(*written) > GRACE_SECONDS;
            (known.dead.contains(id) || (old && !known.living.contains(id))).then_some(*id)
        };
        bucket.remove(&there.iter().filter_map(gone).collect::<Vec<_>>())
    }
}

/// What failed is tried again at the next opening.
pub(crate) fn later(done: Result<(), Error>) {
    if let Err(e) = done {
        tracing::warn!(error = %e, "what a stopped process left of a sealed file stays until the vault is opened again");
    }
}
