//! Associated data: to whom and what a sealed value belongs, in one canonical form.

use callvault_model::id::{SubjectId, TenantId};

/// Where a sealed value belongs. Moving the value anywhere else makes it unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aad<'a> {
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// The person it is about, if one.
    pub subject: Option<SubjectId>,
    /// The kind of thing, as `conversation`, `party`, `audio`.
    pub object: &'a str,
    /// The identifier of the thing.
    pub id: &'a [u8],
    /// The field or column.
    pub field: &'a str,
    /// The version of the row or key.
    pub version: u32,
}

impl Aad<'_> {
    /// The canonical bytes: every part carries its length, so no two values share a form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        out.extend_from_slice(b"callvault.aad.v1\0");
        part(&mut out, self.tenant.as_bytes());
        match &self.subject {
            None => out.push(0),
            Some(subject) => {
                out.push(1);
                part(&mut out, subject.as_bytes());
            }
        }
        part(&mut out, self.object.as_bytes());
        part(&mut out, self.id);
        part(&mut out, self.field.as_bytes());
        out.extend_from_slice(&self.version.to_be_bytes());
        out
    }
}

/// Appends a part with its length before it.
pub(crate) fn part(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}
