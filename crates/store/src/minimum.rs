//! Which record class of a law a class of data on a channel is here; what that law wants kept is kept, also from erasure.

use crate::db::params;
use crate::{Actor, Error, Refused, Vault, retention::Class};
use callvault_ledger::Kind;
use callvault_model::Channel;
use serde::Serialize;

/// Longest name of a record class.
const MAX_NAME: usize = 60;

/// One statutory minimum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MinimumRule {
    /// What is kept.
    pub class: Class,
    /// On which channel.
    pub channel: String,
    /// Engine of the law packs, such as `tcpa`.
    pub engine: String,
    /// Record class of the packs, such as `call_record`.
    pub record: String,
    /// RFC 3339.
    pub set_at: String,
    /// Who, as the ledger names them.
    pub set_by: String,
}

impl Vault {
    /// Command *set minimum*: data of this class on this channel is this record of a law; `None` takes it back.
    pub fn set_minimum(
        &self,
        actor: &Actor,
        class: Class,
        channel: Channel,
        record: Option<(&str, &str)>,
    ) -> Result<(), Error> {
        let code = |s: &str| {
            (1..=MAX_NAME).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        if record.is_some_and(|(engine, name)| !code(engine) || !code(name)) {
            return Err(
                Refused::invalid("the name of a record class", "take one that the law packs name").into()
            );
        }
        self.command_as(actor, "set minimum", |c| {
            c.tx.execute(
                "DELETE FROM minimum_rule WHERE class = ?1 AND channel = ?2",
                params![class.as_str(), channel.as_str()],
            )?;
            if let Some((engine, name)) = record {
                c.tx.execute(
                    "INSERT INTO minimum_rule (class, channel, engine, record, set_at, set_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![class.as_str(), channel.as_str(), engine, name, c.now, c.actor()],
                )?;
            }
            let facts = [
                ("class", class.as_str().into()),
                ("channel", channel.as_str().into()),
                ("minimum", record.map_or("none", |(_, name)| name).into()),
            ];
            c.log(Kind::RetentionChanged, None, None, &facts);
            Ok(())
        })
    }

    /// Every statutory minimum.
    pub fn minimum_rules(&self) -> Result<Vec<MinimumRule>, Error> {
        let db = self.db();
        let mut statement = db.prepare_cached(
            "SELECT class, channel, engine, record, set_at, set_by FROM minimum_rule ORDER BY class, channel",
        )?;
        let rows = statement
            .query_map([], |r| {
                Ok(((r.get::<_, String>(0)?, r.get(1)?), (r.get(2)?, r.get(3)?), (r.get(4)?, r.get(5)?)))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter()
            .map(|((class, channel), (engine, record), (set_at, set_by))| {
                let class = Class::parse(&class).ok_or(Error::Corrupt("an unknown class"))?;
                Ok(MinimumRule { class, channel, engine, record, set_at, set_by })
            })
            .collect()
    }
}
