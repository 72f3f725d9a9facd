//! The file with an access key, in the form that AWS's own tools write: `[default]`, then `name = value`.

use crate::private;
use callvault_model::Secret;
use callvault_seal::Fault;
use std::path::Path;

const MAX: u64 = 8 << 10;

/// An access key.
pub struct Credentials {
    pub id: String,
    pub secret: Secret<String>,
    /// Of credentials that end by themselves.
    pub session: Option<Secret<String>>,
}

impl Credentials {
    /// Reads the profile `default` of a private file.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let text = private(path, MAX)?;
        let bad = |why: &str| Fault::File { path: path.to_owned(), why: why.to_owned() };
        let (mut ours, mut id, mut secret, mut session) = (true, None, None, None);
        for line in text.expose().lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[') {
                ours = section.strip_suffix(']').map(str::trim) == Some("default");
                continue;
            }
            if !ours || line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let (name, value) =
                line.split_once('=').ok_or_else(|| bad("a line of it is no `name = value`"))?;
            let field = match name.trim() {
                "aws_access_key_id" => &mut id,
                "aws_secret_access_key" => &mut secret,
                "aws_session_token" => &mut session,
                _ => continue,
            };
            let value = value.trim();
            if value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(bad("a value in it is empty or has spaces"));
            }
            if field.replace(Secret::new(value.to_owned())).is_some() {
                return Err(bad("a name stands in it twice"));
            }
        }
        let id = id.ok_or_else(|| bad("aws_access_key_id of [default] is missing"))?.expose().clone();
        if !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(bad("aws_access_key_id is no access key id"));
        }
        let secret = secret.ok_or_else(|| bad("aws_secret_access_key of [default] is missing"))?;
        Ok(Self { id, secret, session })
    }
}
