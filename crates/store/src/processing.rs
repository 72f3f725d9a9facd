//! Why conversations on a channel are processed at all, and on which lawful basis; who answers for it.

use crate::db::{OptionalExtension, params};
use crate::{Actor, Error, Refused, Vault};
use callvault_ledger::Kind;
use callvault_model::Channel;
use serde::{Deserialize, Serialize};

/// Purposes of processing, and what they are called.
pub const PURPOSES: [(&str, &str); 8] = [
    ("customer_service", "Answering customers"),
    ("order_by_phone", "Taking orders and payments"),
    ("quality", "Quality of conversations"),
    ("training", "Training of staff"),
    ("dispute", "Proof in disputes"),
    ("legal_duty", "Duties to record and to keep"),
    ("marketing", "Marketing"),
    ("health_care", "Health care"),
];

/// Bases of GDPR Art. 6(1).
pub const BASES: [(&str, &str); 6] = [
    ("consent", "Consent, Art. 6(1)(a)"),
    ("contract", "Contract, Art. 6(1)(b)"),
    ("legal_obligation", "Legal obligation, Art. 6(1)(c)"),
    ("vital_interests", "Vital interests, Art. 6(1)(d)"),
    ("public_task", "Public task, Art. 6(1)(e)"),
    ("legitimate_interests", "Legitimate interests, Art. 6(1)(f)"),
];

/// Conditions of GDPR Art. 9(2) for health and other special categories; the empty one stands for none.
pub const CONDITIONS: [(&str, &str); 7] = [
    ("", "none: special categories are not processed lawfully"),
    ("explicit_consent", "Explicit consent, Art. 9(2)(a)"),
    ("employment", "Employment and social security, Art. 9(2)(b)"),
    ("legal_claims", "Legal claims, Art. 9(2)(f)"),
    ("substantial_public_interest", "Substantial public interest, Art. 9(2)(g)"),
    ("health_care", "Health care, Art. 9(2)(h)"),
    ("public_health", "Public health, Art. 9(2)(i)"),
];

/// What is set for one channel.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Processing {
    /// `voice`, `chat`, `email` or `sms`.
    pub channel: String,
    /// Codes of [`PURPOSES`]; empty until somebody set them.
    pub purposes: Vec<String>,
    /// A code of [`BASES`]; empty until somebody set it.
    pub basis: String,
    /// A code of [`CONDITIONS`].
    pub condition: String,
    /// RFC 3339; absent until somebody set it.
    pub changed_at: Option<String>,
    /// An actor.
    pub changed_by: Option<String>,
}

/// Who answers for the processing, and to whom data goes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Controller {
    /// Name and address of the controller.
    pub name: String,
    /// How to reach it.
    pub contact: String,
    /// The data protection officer.
    pub officer: String,
    /// Recipients outside, one a line.
    pub recipients: String,
    /// Third countries with their safeguards, one a line; empty where there are none.
    pub transfers: String,
}

fn known(code: &str, list: &[(&str, &str)], what: &'static str) -> Result<(), Refused> {
    if list.iter().any(|(c, _)| *c == code) {
        return Ok(());
    }
    Err(Refused::invalid(format!("{what} is not known"), "take one of the list"))
}

impl Vault {
    /// What is set for each channel.
    pub fn processing(&self) -> Result<Vec<Processing>, Error> {
        let db = self.db();
        let mut out = Vec::new();
        for channel in [Channel::Voice, Channel::Chat, Channel::Email, Channel::Sms] {
            let code = channel.as_str();
            let found: Option<(String, String, String, String, String)> = db
                .query_row(
                    "SELECT purposes, basis, condition, changed_at, changed_by FROM processing WHERE channel = ?1",
                    params![code],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)),
                )
                .optional()?;
            let mut one = Processing { channel: code.to_owned(), ..Processing::default() };
            if let Some((purposes, basis, condition, at, by)) = found {
                one.purposes = purposes.split(' ').filter(|p| !p.is_empty()).map(str::to_owned).collect();
                (one.basis, one.condition) = (basis, condition);
                (one.changed_at, one.changed_by) = (Some(at), Some(by));
            }
            out.push(one);
        }
        Ok(out)
    }

    /// Command *set processing*.
    pub fn set_processing(
        &self,
        actor: &Actor,
        channel: Channel,
        purposes: &[String],
        basis: &str,
        condition: &str,
    ) -> Result<(), Error> {
        known(basis, &BASES, "the basis")?;
        known(condition, &CONDITIONS, "the condition of Art. 9")?;
        if purposes.is_empty() || purposes.len() > PURPOSES.len() {
            return Err(Refused::invalid("no purpose is named", "name at least one").into());
        }
        for p in purposes {
            known(p, &PURPOSES, "a purpose")?;
        }
        let joined = purposes.join(" ");
        self.command_as(actor, "set processing", |c| {
            c.tx.execute(
                "INSERT INTO processing (channel, purposes, basis, condition, changed_at, changed_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (channel) DO UPDATE SET purposes = excluded.purposes,
                 basis = excluded.basis, condition = excluded.condition, changed_at = excluded.changed_at,
                 changed_by = excluded.changed_by",
                params![channel.as_str(), joined, basis, condition, c.now, actor.to_string()],
            )?;
            c.log(
                Kind::ProcessingChanged,
                None,
                None,
                &[
                    ("channel", channel.as_str().into()),
                    ("purposes", joined.as_str().into()),
                    ("basis", basis.into()),
                    ("condition", condition.into()),
                ],
            );
            Ok(())
        })
    }

    /// How many conversations a channel has, and what was found in them, by type.
    pub fn found_on(&self, channel: Channel) -> Result<(u64, Vec<(String, u64)>), Error> {
        let db = self.db();
        let code = channel.as_str();
        let all: i64 =
            db.query_row("SELECT COUNT(*) FROM conversation WHERE channel = ?1", params![code], |r| {
                r.get(0)
            })?;
        let mut statement = db.prepare_cached(
            "SELECT f.entity, COUNT(*) FROM finding f JOIN conversation c ON c.id = f.conversation
             WHERE c.channel = ?1 GROUP BY f.entity ORDER BY f.entity",
        )?;
        let rows = statement
            .query_map(params![code], |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?.unsigned_abs())))?;
        Ok((all.unsigned_abs(), rows.collect::<Result<_, _>>()?))
    }

    /// Who answers for the processing.
    pub fn controller(&self) -> Result<Controller, Error> {
        let text = self.law_setting("controller")?;
        text.map_or(Ok(Controller::default()), |t| {
            serde_json::from_str(&t).map_err(|_| Error::Corrupt("the controller"))
        })
    }

    /// Command *set controller*. The entry says that it changed, not to what.
    pub fn set_controller(&self, actor: &Actor, controller: &Controller) -> Result<(), Error> {
        let text = serde_json::to_string(controller).map_err(|_| Error::Corrupt("the controller"))?;
        let facts = [("channel", "controller".into())];
        self.put_law_setting(actor, "controller", &text, Kind::ProcessingChanged, &facts)
    }
}
