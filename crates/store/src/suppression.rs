//! The do-not-contact list: keyed hashes of numbers and addresses. It outlives a person's erasure and holds nothing else
//! of them; who has a number in hand can ask whether it is on the list, and nobody can read the list.

use crate::db::{OptionalExtension, params};
use crate::{Actor, Command, Error, Refused, Vault, contacts};
use callvault_ledger::Kind;
use serde::Serialize;
use std::collections::HashSet;

/// Why somebody is not contacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppressed {
    /// They objected to marketing (GDPR Art. 21(2)-(3)).
    Objection,
    /// They said or wrote that they want no calls or messages (47 CFR 64.1200(d), (a)(10)).
    DoNotCall,
    /// They refused sale or sharing, or limited the use of sensitive information (Cal. Civ. Code 1798.120, .121).
    OptOut,
    /// They were erased; the mark keeps them from being called as if they were new.
    Erasure,
}

impl Suppressed {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Objection, Self::DoNotCall, Self::OptOut, Self::Erasure];

    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Objection => "objection",
            Self::DoNotCall => "do_not_call",
            Self::OptOut => "opt_out",
            Self::Erasure => "erasure",
        }
    }

    /// The reason of this code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == code)
    }
}

/// That a number or address is on the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuppressionRow {
    /// Why: a code of [`Suppressed`].
    pub why: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// Who put it there, as the ledger names them.
    pub by: String,
}

impl Vault {
    /// The hash under which a contact stands on the list; not the one that leads to the person.
    pub(crate) fn suppression_hash(&self, field: &str, value: &str) -> Result<[u8; 16], Error> {
        self.index(&format!("suppression.{field}"), value)
    }

    /// Whether this number or address is on the list; what is neither is on no list.
    pub fn suppression(&self, address: &str) -> Result<Option<SuppressionRow>, Error> {
        let Some(contact) = contacts::contact(address) else { return Ok(None) };
        let hash = self.suppression_hash(contact.field, &contact.value)?;
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT why, since, by FROM suppression WHERE tenant = ?1 AND field = ?2 AND hash = ?3",
        )?;
        let row = statement
            .query_row(params![self.tenant.as_bytes(), contact.field, hash], |r| {
                Ok(SuppressionRow { why: r.get(0)?, since: r.get(1)?, by: r.get(2)? })
            })
            .optional()?;
        Ok(row)
    }

    /// Every number on the list, as hashes; for judging a list. [`Vault::suppression_of`] gives what to look for.
    pub fn all_suppressed(&self) -> Result<HashSet<[u8; 16]>, Error> {
        let db = self.db();
        let mut statement =
            db.prepare_cached("SELECT hash FROM suppression WHERE tenant = ?1 AND field = 'phone'")?;
        let rows = statement.query_map(params![self.tenant.as_bytes()], |r| r.get::<_, [u8; 16]>(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The hash under which a number or address would stand on the list; what is neither stands on none.
    pub fn suppression_of(&self, address: &str) -> Result<Option<[u8; 16]>, Error> {
        contacts::contact(address).map(|c| self.suppression_hash(c.field, &c.value)).transpose()
    }

    /// Command *suppress*: puts a number or address on the list. `false` when it was there.
    pub fn suppress(&self, actor: &Actor, address: &str, why: Suppressed) -> Result<bool, Error> {
        let contact = contacts::contact(address).ok_or_else(no_address)?;
        self.command_as(actor, "suppress", |c| self.suppress_in(c, contact.field, &contact.value, why))
    }

    /// The same inside a command.
    pub(crate) fn suppress_in(
        &self,
        c: &mut Command<'_>,
        field: &str,
        value: &str,
        why: Suppressed,
    ) -> Result<bool, Error> {
        let hash = self.suppression_hash(field, value)?;
        let n = c.run(
            "INSERT INTO suppression (tenant, field, hash, why, since, by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO NOTHING",
            params![self.tenant.as_bytes(), field, hash, why.as_str(), c.now, c.actor()],
        )?;
        if n > 0 {
            let facts = [("field", field.into()), ("why", why.as_str().into()), ("listed", true.into())];
            c.log(Kind::SuppressionChanged, None, None, &facts);
        }
        Ok(n > 0)
    }

    /// Command *unsuppress*: the person wants to be contacted again.
    pub fn unsuppress(&self, actor: &Actor, address: &str) -> Result<(), Error> {
        let contact = contacts::contact(address).ok_or_else(no_address)?;
        let hash = self.suppression_hash(contact.field, &contact.value)?;
        self.command_as(actor, "unsuppress", |c| {
            let n = c.run(
                "DELETE FROM suppression WHERE tenant = ?1 AND field = ?2 AND hash = ?3",
                params![self.tenant.as_bytes(), contact.field, hash],
            )?;
            if n == 0 {
                return Err(Refused::Unknown("entry of the do-not-contact list").into());
            }
            let facts = [("field", contact.field.into()), ("listed", false.into())];
            c.log(Kind::SuppressionChanged, None, None, &facts);
            Ok(())
        })
    }

    /// How many entries the list has.
    pub fn suppressions(&self) -> Result<u64, Error> {
        let n: i64 = self.db().query_row("SELECT COUNT(*) FROM suppression", [], |r| r.get(0))?;
        Ok(n.unsigned_abs())
    }
}

fn no_address() -> Refused {
    Refused::invalid(
        "this is neither a telephone number nor an e-mail address",
        "give it as it is dialled or written to",
    )
}
