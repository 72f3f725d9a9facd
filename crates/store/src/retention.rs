//! How long each class of data is kept, what a rule would destroy, and the sweep that destroys it.
//!
//! Preview and sweep read the same list (`due`). A new vault observes: its sweep destroys nothing.

use crate::db::{Connection, OptionalExtension, params};
use crate::{Actor, Error, Refused, Vault, holds::HELD, keys::id_of, restriction::RESTRICTED};
use callvault_ledger::{Kind, Value};
use callvault_model::{Channel, id::ConversationId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A hundred years; more is a slip of the finger.
const MAX_DAYS: u32 = 36_525;

/// What is kept, by what it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Originals: recordings and messages as they came. Destroyed only after proof, with a certificate.
    Audio,
    /// Muted recordings; still a voice.
    RedactedAudio,
    /// Masked turns.
    Transcript,
    /// Hidden values.
    Tokens,
    /// Names, file names, times told by the source.
    Metadata,
    /// Certificates and facts of proofs. The ledger itself has no end.
    Evidence,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 6] =
        [Self::Audio, Self::RedactedAudio, Self::Transcript, Self::Tokens, Self::Metadata, Self::Evidence];

    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::RedactedAudio => "redacted_audio",
            Self::Transcript => "transcript",
            Self::Tokens => "tokens",
            Self::Metadata => "metadata",
            Self::Evidence => "evidence",
        }
    }

    /// The class of this code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == code)
    }

    /// Days until nobody decided otherwise; `None` keeps.
    pub fn default_days(self) -> Option<u32> {
        match self {
            // As soon as the redaction is proven and the cooling delay is over.
            Self::Audio => Some(0),
            Self::RedactedAudio => Some(30),
            Self::Transcript | Self::Tokens | Self::Metadata | Self::Evidence => None,
        }
    }

    /// Whether a conversation on this channel has it.
    pub fn exists_on(self, channel: Channel) -> bool {
        self != Self::RedactedAudio || channel == Channel::Voice
    }

    /// When something of this class is there to be destroyed; `c` is the conversation.
    fn present(self) -> &'static str {
        match self {
            Self::Audio => {
                "c.state = 'recorded' AND COALESCE(c.proof, 'none') <> 'none' AND EXISTS (SELECT 1 FROM object o
                 WHERE o.conversation = c.id AND o.kind = 'original' AND o.wrapped_key IS NOT NULL)"
            }
            Self::RedactedAudio => {
                "EXISTS (SELECT 1 FROM object o WHERE o.conversation = c.id AND o.kind = 'redacted'
                 AND o.wrapped_key IS NOT NULL)"
            }
            Self::Transcript => "EXISTS (SELECT 1 FROM turn t WHERE t.conversation = c.id)",
            Self::Tokens => "EXISTS (SELECT 1 FROM token t WHERE t.conversation = c.id)",
            Self::Metadata => {
                "c.state IN ('recorded', 'disposed') AND (length(c.sealed_source) > 0 OR c.started_at IS NOT NULL
                 OR EXISTS (SELECT 1 FROM party p WHERE p.conversation = c.id AND p.sealed_name IS NOT NULL))"
            }
            Self::Evidence => {
                "c.state = 'disposed' AND EXISTS (SELECT 1 FROM certificate k WHERE k.conversation = c.id)"
            }
        }
    }
}

/// How long one class is kept on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetentionRule {
    /// What.
    pub class: Class,
    /// Where.
    pub channel: Channel,
    /// Days after it was recorded; `None` keeps.
    pub days: Option<u32>,
    /// When it was set, RFC 3339; absent for defaults.
    pub changed_at: Option<String>,
    /// Who set it.
    pub changed_by: Option<String>,
}

/// What one rule would destroy now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetentionLine {
    /// The rule.
    #[serde(flatten)]
    pub rule: RetentionRule,
    /// Conversations it would act on.
    pub due: u64,
    /// The oldest of them, RFC 3339.
    pub oldest: Option<String>,
    /// Also over their time, and under a hold, or their use is restricted.
    pub held: u64,
    /// Also over their time, and marked as to be kept.
    pub must_keep: u64,
}

/// What all rules would destroy now.
#[derive(Debug, Clone, Serialize)]
pub struct RetentionPreview {
    /// The vault observes: the sweep destroys nothing of this.
    pub observing: bool,
    /// One line a rule that has an end.
    pub lines: Vec<RetentionLine>,
    /// Sum of `due`.
    pub total: u64,
}

/// A conversation whose time is over for one class.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub id: ConversationId,
    pub since: String,
    pub held: bool,
    pub must_keep: bool,
}

impl Due {
    pub fn free(&self) -> bool {
        !self.held && !self.must_keep
    }
}

impl Vault {
    /// Every rule, defaults included.
    pub fn retention_rules(&self) -> Result<Vec<RetentionRule>, Error> {
        rules(&self.db())
    }

    /// Command *set retention*.
    pub fn set_retention(
        &self,
        actor: &Actor,
        class: Class,
        channel: Channel,
        days: Option<u32>,
    ) -> Result<(), Error> {
        check_rule(class, channel, days)?;
        self.command_as(actor, "set retention", |c| {
            let before = rules(&c.tx)?.into_iter().find(|r| r.class == class && r.channel == channel);
            c.tx.execute(
                "INSERT INTO retention_rule (class, channel, days, changed_at, changed_by) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (class, channel) DO UPDATE SET days = excluded.days, changed_at = excluded.changed_at,
                 changed_by = excluded.changed_by",
                params![class.as_str(), channel.as_str(), days, c.now, actor.to_string()],
            )?;
            c.log(
                Kind::RetentionChanged,
                None,
                None,
                &[
                    ("class", class.as_str().into()),
                    ("channel", channel.as_str().into()),
                    ("days", days_value(days)),
                    ("before", days_value(before.and_then(|r| r.days))),
                ],
            );
            Ok(())
        })
    }

    /// What the sweep would destroy now; with `proposed` in the place of the rule for its class and channel.
    pub fn retention_preview(
        &self,
        proposed: Option<(Class, Channel, Option<u32>)>,
    ) -> Result<RetentionPreview, Error> {
        let observing = self.disposal()?.is_none();
        let now = self.clock.now();
        let db = self.db();
        let mut lines = Vec::new();
        for mut rule in rules(&db)? {
            if let Some((class, channel, days)) = proposed
                && (class, channel) == (rule.class, rule.channel)
            {
                check_rule(class, channel, days)?;
                rule.days = days;
            }
            if rule.days.is_none() {
                continue;
            }
            let all = due(&db, &rule, now, i64::MAX)?;
            let free = all.iter().filter(|d| d.free());
            lines.push(RetentionLine {
                due: free.clone().count() as u64,
                oldest: free.map(|d| d.since.clone()).min(),
                held: all.iter().filter(|d| d.held).count() as u64,
                must_keep: all.iter().filter(|d| d.must_keep && !d.held).count() as u64,
                rule,
            });
        }
        let total = lines.iter().map(|l| l.due).sum();
        Ok(RetentionPreview { observing, lines, total })
    }

    /// The conversations whose original is due by its rule; holds and marks are taken out. Proof is part of the list,
    /// the cooling delay too.
    pub fn originals_due(&self) -> Result<Vec<ConversationId>, Error> {
        let now = self.clock.now();
        let db = self.db();
        let mut out = Vec::new();
        for rule in rules(&db)?.iter().filter(|r| r.class == Class::Audio) {
            out.extend(due(&db, rule, now, i64::MAX)?.into_iter().filter(Due::free).map(|d| d.id));
        }
        Ok(out)
    }
}

fn days_value(days: Option<u32>) -> Value {
    days.map_or_else(|| "keep".into(), Into::into)
}

fn check_rule(class: Class, channel: Channel, days: Option<u32>) -> Result<(), Refused> {
    if days.is_some_and(|d| d > MAX_DAYS) {
        return Err(Refused::invalid("more than a hundred years", "give fewer days, or keep without end"));
    }
    if !class.exists_on(channel) {
        return Err(Refused::invalid(
            format!("{} has no {}", channel.as_str(), class.as_str()),
            "choose another class or channel",
        ));
    }
    Ok(())
}

pub(crate) fn rules(db: &Connection) -> Result<Vec<RetentionRule>, Error> {
    let mut out = Vec::new();
    for class in Class::ALL {
        for channel in [Channel::Voice, Channel::Chat, Channel::Email, Channel::Sms] {
            if !class.exists_on(channel) {
                continue;
            }
            let set: Option<(Option<u32>, String, String)> = db
                .query_row(
                    "SELECT days, changed_at, changed_by FROM retention_rule WHERE class = ?1 AND channel = ?2",
                    params![class.as_str(), channel.as_str()],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
                )
                .optional()?;
            let (days, changed_at, changed_by) = match set {
                Some((days, at, by)) => (days, Some(at), Some(by)),
                None => (class.default_days(), None, None),
            };
            out.push(RetentionRule { class, channel, days, changed_at, changed_by });
        }
    }
    Ok(out)
}

/// The conversations over their time under `rule`, oldest first, blocked ones with their flags.
///
/// Age counts from the latest of: when it was recorded, when it came, and the latest time at which anything before it
/// came. So a record made while the clock stood in the past is not old the day the clock is set right.
pub(crate) fn due(
    db: &Connection,
    rule: &RetentionRule,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Due>, Error> {
    let Some(days) = rule.days else { return Ok(Vec::new()) };
    let before = |days: u32| now.checked_sub(SignedDuration::from_hours(24 * i64::from(days)));
    let (Ok(cutoff), Ok(cooled)) = (before(days), before(cooling_days(db, rule.class)?)) else {
        return Ok(Vec::new());
    };
    let cutoff = cutoff.min(cooled);
    let last = match rule.class {
        Class::Evidence => "(SELECT k.issued_at FROM certificate k WHERE k.conversation = c.id)",
        _ => "c.recorded_at",
    };
    let sql = format!(
        "WITH RECURSIVE {HELD},
         seen(id, mark) AS (
           SELECT id, MAX(CASE WHEN received_at <= ?2 THEN received_at ELSE '' END) OVER (ORDER BY rowid)
           FROM conversation)
         SELECT id, since, is_held, is_kept FROM (
           SELECT c.id AS id, {} AS since,
             (c.id IN (SELECT id FROM held) OR c.id IN ({RESTRICTED})) AS is_held,
             EXISTS (SELECT 1 FROM must_keep m WHERE m.conversation = c.id) AS is_kept
           FROM conversation c JOIN seen s ON s.id = c.id
           WHERE c.channel = ?1 AND {}) AS found
         WHERE since <= ?3 ORDER BY (is_held OR is_kept), since LIMIT ?4",
        later(&later(&format!("COALESCE({last}, c.received_at)"), "c.received_at"), "s.mark"),
        rule.class.present()
    );
    let mut statement = db.prepare(&sql)?;
    let rows = statement
        .query_map(params![rule.channel.as_str(), now.to_string(), cutoff.to_string(), limit], |r| {
            Ok((r.get::<_, Vec<u8>>(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter()
        .map(|(id, since, held, must_keep)| Ok(Due { id: id_of(&id)?, since, held, must_keep }))
        .collect()
}

/// The later of two times, in SQL.
fn later(a: &str, b: &str) -> String {
    format!("CASE WHEN {a} > {b} THEN {a} ELSE {b} END")
}

/// The delay between proof and destruction of an original; other classes have none.
fn cooling_days(db: &Connection, class: Class) -> Result<u32, Error> {
    if class != Class::Audio {
        return Ok(0);
    }
    Ok(crate::settings::disposal_in(db)?.map_or(0, |d| d.cooling_days))
}
