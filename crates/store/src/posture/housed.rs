//! The tenants of a host, as its rows and their directories show them.

use crate::{
    Error, Vault,
    db::Connection,
    schema,
    tenants::{self, SINCE, TenantState},
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// `unfinished`, `live`, `ending` or `ended`.
    pub state: String,
    /// Something lies in its directory.
    pub there: bool,
    /// Its own vault lies there.
    pub its_own: bool,
}

pub(super) fn tenants(dir: &Path, db: &Connection) -> Result<Vec<Tenant>, Error> {
    if schema::check(db)? < SINCE {
        return Ok(Vec::new());
    }
    let one = |row: tenants::TenantRow| -> Result<Tenant, Error> {
        let place = tenants::place(dir, &row.name.parse()?);
        // One that cannot be looked at is not its own.
        let found =
            if row.state == TenantState::Live { Vault::peek(&place).unwrap_or_default() } else { None };
        Ok(Tenant {
            there: place.symlink_metadata().is_ok(),
            its_own: found == Some(row.id.to_string()),
            state: row.state.as_str().to_owned(),
            name: row.name,
        })
    };
    tenants::all(db)?.into_iter().map(|s| one(s.row)).collect()
}
