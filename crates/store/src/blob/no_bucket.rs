//! In a program that was built without the feature `s3` there is no bucket: a vault whose sealed files lie in one is refused.

use super::{address::FileServer, keeps::Keeps};
use crate::Error;
use bytes::Bytes;
use callvault_model::id::{ObjectId, VaultId};
use std::{ops::Range, path::Path};

pub(crate) const UPLOADING: &str = "uploading";

/// Never made.
pub enum Bucket {}

impl Bucket {
    pub(crate) fn open(server: FileServer, _: Option<VaultId>) -> Result<Self, Error> {
        Err(server.bad("this program was built without S3; use one that was built with it"))
    }
    pub(crate) fn server(&self) -> &FileServer {
        match *self {}
    }
    pub(crate) fn claim(&self, _: VaultId) -> Result<(), Error> {
        match *self {}
    }
    pub(crate) fn is_owned(&self) -> Result<bool, Error> {
        match *self {}
    }
    pub(crate) fn put(&self, _: ObjectId, _: &Path) -> Result<(), Error> {
        match *self {}
    }
    pub(crate) fn clear_upload(&self, _: ObjectId, _: &Path) -> Result<(), Error> {
        match *self {}
    }
    pub(crate) fn len(&self, _: ObjectId) -> Result<Option<u64>, Error> {
        match *self {}
    }
    pub(super) fn first(&self, _: ObjectId, _: u64) -> Result<(u64, Bytes), Error> {
        match *self {}
    }
    pub(super) fn range(&self, _: ObjectId, _: Range<u64>) -> Result<Bytes, Error> {
        match *self {}
    }
    pub(crate) fn remove(&self, _: &[ObjectId]) -> Result<(), Error> {
        match *self {}
    }
    pub(crate) fn list(&self) -> Result<Vec<(ObjectId, i64)>, Error> {
        match *self {}
    }
    pub(crate) fn give_up(&self) -> Result<(), Error> {
        match *self {}
    }
    pub(crate) fn keeps(&self) -> Keeps {
        match *self {}
    }
}
