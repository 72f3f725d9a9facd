//! Which fields of what a source tells are kept at all. What the purpose does not need is dropped before it is stored,
//! and counted.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Command, Error, NewConversation, NewParty, Refused, Vault, conversation::as_i64};
use callvault_ledger::Kind;
use callvault_model::{Channel, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One thing a source may tell beside the conversation itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Telephone number or mail address of a party; leads to the subject.
    CallerId,
    /// Name of the person served.
    Name,
    /// Name of the person who works for the centre.
    AgentName,
    /// Name of the source file.
    FileName,
    /// Subject line of an e-mail.
    SubjectLine,
    /// When it began.
    StartedAt,
    /// Notes in the sidecar. There is no place for them: always dropped.
    Notes,
    /// Call detail records in the sidecar. There is no place for them: always dropped.
    Cdr,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 8] = [
        Self::CallerId,
        Self::Name,
        Self::AgentName,
        Self::FileName,
        Self::SubjectLine,
        Self::StartedAt,
        Self::Notes,
        Self::Cdr,
    ];

    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CallerId => "caller_id",
            Self::Name => "name",
            Self::AgentName => "agent_name",
            Self::FileName => "file_name",
            Self::SubjectLine => "subject_line",
            Self::StartedAt => "started_at",
            Self::Notes => "notes",
            Self::Cdr => "cdr",
        }
    }

    /// The field of this code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.as_str() == code)
    }

    /// What holds until somebody decides otherwise.
    pub fn kept_by_default(self) -> bool {
        !matches!(self, Self::AgentName | Self::Notes | Self::Cdr)
    }

    /// Whether it can be kept at all.
    pub fn can_be_kept(self) -> bool {
        !matches!(self, Self::Notes | Self::Cdr)
    }

    fn exists_on(self, channel: Channel) -> bool {
        self != Self::SubjectLine || channel == Channel::Email
    }
}

/// What becomes of one field on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollectionRule {
    /// Where.
    pub channel: Channel,
    /// What.
    pub field: Field,
    /// Stored, or dropped on arrival.
    pub keep: bool,
    /// It is not as it is by default.
    pub changed: bool,
    /// How often it was dropped.
    pub dropped: u64,
}

impl Vault {
    /// The whole policy with its counts.
    pub fn collection_policy(&self) -> Result<Vec<CollectionRule>, Error> {
        let db = self.db();
        let mut out = Vec::new();
        for channel in [Channel::Voice, Channel::Chat, Channel::Email, Channel::Sms] {
            for field in Field::ALL.into_iter().filter(|f| f.exists_on(channel)) {
                let keep = keeps(&db, channel, field)?;
                let dropped: Option<i64> = db
                    .query_row(
                        "SELECT count FROM dropped WHERE channel = ?1 AND field = ?2",
                        params![channel.as_str(), field.as_str()],
                        |r| r.get(0),
                    )
                    .optional()?;
                out.push(CollectionRule {
                    channel,
                    field,
                    keep,
                    changed: keep != field.kept_by_default(),
                    dropped: dropped.unwrap_or(0).unsigned_abs(),
                });
            }
        }
        Ok(out)
    }

    /// Whether a field is kept on a channel.
    pub fn collects(&self, channel: Channel, field: Field) -> Result<bool, Error> {
        keeps(&self.db(), channel, field)
    }

    /// Command *set collection*.
    pub fn set_collection(
        &self,
        actor: &Actor,
        channel: Channel,
        field: Field,
        keep: bool,
    ) -> Result<(), Error> {
        if !field.exists_on(channel) || (keep && !field.can_be_kept()) {
            return Err(Refused::invalid(
                format!("{} cannot be kept on {}", field.as_str(), channel.as_str()),
                "the list of the collection policy shows what can",
            )
            .into());
        }
        self.command_as(actor, "set collection", |c| {
            c.tx.execute(
                "INSERT INTO collection_rule (channel, field, keep) VALUES (?1, ?2, ?3)
                 ON CONFLICT (channel, field) DO UPDATE SET keep = excluded.keep",
                params![channel.as_str(), field.as_str(), keep],
            )?;
            c.log(
                Kind::CollectionChanged,
                None,
                None,
                &[
                    ("channel", channel.as_str().into()),
                    ("field", field.as_str().into()),
                    ("keep", keep.into()),
                ],
            );
            Ok(())
        })
    }

    /// Counts what was dropped before it reached the store.
    pub fn count_dropped(&self, channel: Channel, field: Field, n: u64) -> Result<(), Error> {
        self.command("dropped", |c| add(c, channel, field, n))
    }
}

fn keeps(db: &Connection, channel: Channel, field: Field) -> Result<bool, Error> {
    let set: Option<bool> = db
        .query_row(
            "SELECT keep FROM collection_rule WHERE channel = ?1 AND field = ?2",
            params![channel.as_str(), field.as_str()],
            |r| r.get(0),
        )
        .optional()?;
    Ok(set.unwrap_or(field.kept_by_default()) && field.can_be_kept())
}

fn add(c: &mut Command<'_>, channel: Channel, field: Field, n: u64) -> Result<(), Error> {
    if n > 0 {
        c.tx.execute(
            "INSERT INTO dropped (channel, field, count) VALUES (?1, ?2, ?3)
             ON CONFLICT (channel, field) DO UPDATE SET count = dropped.count + excluded.count",
            params![channel.as_str(), field.as_str(), as_i64(n)],
        )?;
    }
    Ok(())
}

/// What of an arriving conversation may be stored.
pub(crate) struct Collected<'a> {
    pub parties: Vec<NewParty>,
    pub source_name: &'a str,
    pub started_at: Option<&'a str>,
    pub keeps_file_name: bool,
}

/// Drops what the policy does not keep, inside the command that stores the rest.
pub(crate) fn collect<'a>(c: &mut Command<'_>, new: &'a NewConversation<'_>) -> Result<Collected<'a>, Error> {
    let mut dropped: BTreeMap<Field, u64> = BTreeMap::new();
    let mut kept: BTreeMap<Field, bool> = BTreeMap::new();
    for field in Field::ALL {
        kept.insert(field, keeps(&c.tx, new.channel, field)?);
    }
    let mut pass = |field: Field, there: bool| {
        let keep = kept.get(&field).copied().unwrap_or(false);
        if there && !keep {
            *dropped.entry(field).or_default() += 1;
        }
        there && keep
    };
    let parties = new
        .parties
        .iter()
        .map(|p| {
            let name = if p.role == Role::Agent { Field::AgentName } else { Field::Name };
            NewParty {
                role: p.role,
                address: p.address.clone().filter(|_| pass(Field::CallerId, true)),
                name: p.name.clone().filter(|_| pass(name, true)),
            }
        })
        .collect();
    let keeps_file_name = pass(Field::FileName, !new.source_name.is_empty());
    let started = pass(Field::StartedAt, new.started_at.is_some());
    for (field, n) in dropped {
        add(c, new.channel, field, n)?;
    }
    Ok(Collected {
        parties,
        source_name: if keeps_file_name { &new.source_name } else { "" },
        started_at: new.started_at.as_deref().filter(|_| started),
        keeps_file_name,
    })
}
