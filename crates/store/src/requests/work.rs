//! The steps of a request, each one command.

use super::{Answer, Arrived, Coded, Exemption, Identity, IdentityCheck, RequestKind, RequestLaw};
use crate::db::{OptionalExtension, params};
use crate::{
    Actor, Command, Error, Refused, Vault, contacts::contact, holds::check_reason, restriction::restrict_in,
    suppression::Suppressed, sweep::needle,
};
use callvault_ledger::{Kind, Value};
use callvault_model::{
    Secret,
    id::{ConversationId, SubjectId, SubjectRequestId},
};
use callvault_policy::Purpose;
use jiff::civil::Date;

/// A request that arrived longer ago is a slip of the finger.
const MAX_AGE_YEARS: i16 = 10;
/// The word of an objection that puts numbers and addresses on the do-not-contact list.
const MARKETING: &str = "marketing";

/// A request as it arrives.
pub struct NewRequest {
    /// What is asked for.
    pub kind: RequestKind,
    /// Under which law.
    pub law: RequestLaw,
    /// How it arrived.
    pub arrived: Arrived,
    /// The day it arrived.
    pub received_on: Date,
    /// A number or address that the person claims; looked up and not kept.
    pub address: Option<Secret<String>>,
    /// Whom it is about, where that is known.
    pub subject: Option<SubjectId>,
    /// Purposes objected to: codes of [`Purpose`], or `marketing`.
    pub purposes: Vec<String>,
    /// A note that has passed the detector; may be empty.
    pub note: String,
}

/// A filed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filed {
    /// Its id.
    pub id: SubjectRequestId,
    /// Whom it is about, if the address led to somebody.
    pub subject: Option<SubjectId>,
}

/// What is decided about one part of one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemDecision {
    /// It is not erased.
    Keep(Exemption),
    /// It is in the copy although the rule would leave it out.
    Disclose,
    /// It is not in the copy although the rule would put it in.
    Withhold(Exemption),
    /// The rule decides again.
    Rule,
}

impl Vault {
    /// Command *file request*.
    pub fn file_request(&self, actor: &Actor, new: &NewRequest) -> Result<Filed, Error> {
        let today = self.today()?;
        if new.received_on > today || new.received_on.year() < today.year() - MAX_AGE_YEARS {
            return Err(Refused::invalid(
                format!("a request received on {}", new.received_on),
                "give the day it arrived, today or earlier",
            )
            .into());
        }
        if matches!(new.kind, RequestKind::OptOut | RequestKind::Limit) && new.law != RequestLaw::California {
            return Err(Refused::invalid(
                "this kind of request exists under Californian law",
                "choose the law us_ca, or the kind objection",
            )
            .into());
        }
        let purposes = purposes(new)?;
        if !new.note.is_empty() {
            check_reason(&new.note, "the note")?;
        }
        let found = match (&new.subject, &new.address) {
            (Some(id), _) => Some(*id),
            (None, Some(address)) => {
                if contact(address.expose()).is_none() {
                    return Err(Refused::invalid(
                        "the claimed address is neither a telephone number nor an e-mail address",
                        "give it as it is dialled or written to, or leave it empty",
                    )
                    .into());
                }
                self.find_by_contact(actor, address.expose())?
            }
            (None, None) => None,
        };
        let subject = found.map(|id| self.living_record(id)).transpose()?;
        let id = SubjectRequestId::new(self.clock.as_ref(), &self.entropy)?;
        let note = self.seal_note(id, "note", &new.note)?;
        self.command_as(actor, "file request", |c| {
            c.run(
                "INSERT INTO subject_request (id, kind, law, arrived, received_on, recorded_at, recorded_by, subject,
                 identity, sealed_extension, purposes, state, sealed_note)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'open', x'', ?9, 'open', ?10)",
                params![
                    id.as_bytes(), new.kind.as_str(), new.law.as_str(), new.arrived.as_str(),
                    new.received_on.to_string(), c.now, c.actor(), subject.map(|s| *s.as_bytes()),
                    purposes, note
                ],
            )?;
            step(c, id, "filed", new.arrived.as_str())?;
            let facts = [
                ("request", id.to_string().into()),
                ("what", new.kind.as_str().into()),
                ("law", new.law.as_str().into()),
                ("received_on", new.received_on.to_string().into()),
            ];
            c.log(Kind::RequestFiled, None, subject, &facts);
            Ok(Filed { id, subject })
        })
    }

    /// Command *about*: whom the request is about.
    pub fn request_is_about(
        &self,
        actor: &Actor,
        id: SubjectRequestId,
        subject: SubjectId,
    ) -> Result<(), Error> {
        let subject = self.living_record(subject)?;
        self.command_as(actor, "request about", |c| {
            let open = open(c, id)?;
            if open.identity == Identity::Confirmed && open.subject.is_some() {
                return Err(Refused::Closed("identity check").into());
            }
            c.run(
                "UPDATE subject_request SET subject = ?2 WHERE id = ?1",
                params![id.as_bytes(), subject.as_bytes()],
            )?;
            changed(c, id, Some(subject), "about", "")
        })
    }

    /// Command *ask for identity*: the person was asked to show who they are.
    pub fn ask_identity(&self, actor: &Actor, id: SubjectRequestId) -> Result<(), Error> {
        let today = self.today()?.to_string();
        self.command_as(actor, "ask identity", |c| {
            let open = open(c, id)?;
            if open.identity != Identity::Open {
                return Err(Refused::Closed("question").into());
            }
            c.run(
                "UPDATE subject_request SET identity = 'asked', identity_asked_on = ?2 WHERE id = ?1",
                params![id.as_bytes(), today],
            )?;
            changed(c, id, open.subject, "identity_asked", "")
        })
    }

    /// Command *check identity*: one check and what it showed. `confirms`: identity is certain with it.
    pub fn check_identity(
        &self,
        actor: &Actor,
        id: SubjectRequestId,
        check: IdentityCheck,
        passed: bool,
        confirms: bool,
    ) -> Result<(), Error> {
        let today = self.today()?.to_string();
        self.command_as(actor, "check identity", |c| {
            let open = open(c, id)?;
            if confirms && (!passed || open.subject.is_none()) {
                return Err(Refused::invalid(
                    "identity is confirmed by a check that passed, of a person who is known",
                    "say whom the request is about first",
                )
                .into());
            }
            let what = if passed { "check_passed" } else { "check_failed" };
            changed(c, id, open.subject, what, check.as_str())?;
            if confirms {
                c.run(
                    "UPDATE subject_request SET identity = 'confirmed', identity_on = ?2 WHERE id = ?1",
                    params![id.as_bytes(), today],
                )?;
                changed(c, id, open.subject, "identity_confirmed", "")?;
            }
            Ok(())
        })
    }

    /// Command *extend*: the person was told on `told_on` that the answer takes longer, and why.
    pub fn extend_request(
        &self,
        actor: &Actor,
        id: SubjectRequestId,
        told_on: Date,
        reason: &str,
    ) -> Result<(), Error> {
        check_reason(reason, "the reason")?;
        if told_on > self.today()? {
            return Err(Refused::invalid("a notice of a later day", "record it when it was sent").into());
        }
        let sealed = self.seal_note(id, "extension", reason)?;
        self.command_as(actor, "extend request", |c| {
            let open = open(c, id)?;
            c.run(
                "UPDATE subject_request SET extended_on = ?2, sealed_extension = ?3 WHERE id = ?1",
                params![id.as_bytes(), told_on.to_string(), sealed],
            )?;
            changed(c, id, open.subject, "extended", &told_on.to_string())
        })
    }

    /// Command *decide item*. The part is a class of retention or the name of a token.
    pub fn decide_item(
        &self,
        actor: &Actor,
        id: SubjectRequestId,
        conversation: ConversationId,
        part: &str,
        decision: &ItemDecision,
    ) -> Result<(), Error> {
        let (word, exemption) = match decision {
            ItemDecision::Keep(e) => ("keep", e.as_str()),
            ItemDecision::Disclose => ("disclose", ""),
            ItemDecision::Withhold(e) => ("withhold", e.as_str()),
            ItemDecision::Rule => ("rule", ""),
        };
        self.command_as(actor, "decide item", |c| {
            let open = open(c, id)?;
            let subject = open.subject.ok_or(Refused::Unknown("person of this request"))?;
            let known: bool = c.one(
                "SELECT EXISTS (SELECT 1 FROM party WHERE conversation = ?1 AND subject = ?2)
                   AND (?3 IN ('audio', 'redacted_audio', 'transcript', 'tokens', 'metadata')
                     OR EXISTS (SELECT 1 FROM token WHERE id = ?3 AND conversation = ?1))",
                params![conversation.as_bytes(), subject.as_bytes(), part],
                |r| r.get(0),
            )?;
            if !known {
                return Err(Refused::Unknown("part of a conversation of this person").into());
            }
            if word == "rule" {
                c.run(
                    "DELETE FROM request_item WHERE request = ?1 AND conversation = ?2 AND part = ?3",
                    params![id.as_bytes(), conversation.as_bytes(), part],
                )?;
            } else {
                c.run(
                    "INSERT INTO request_item (request, conversation, part, decision, exemption, decided_by, at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (request, conversation, part) DO UPDATE SET
                     decision = excluded.decision, exemption = excluded.exemption,
                     decided_by = excluded.decided_by, at = excluded.at",
                    params![id.as_bytes(), conversation.as_bytes(), part, word, exemption, c.actor(), c.now],
                )?;
            }
            step(c, id, "item", word)?;
            let facts = [
                ("request", id.to_string().into()),
                ("change", "item".into()),
                ("part", part.into()),
                ("decision", word.into()),
                ("exemption", exemption.into()),
            ];
            c.log(Kind::RequestChanged, Some(conversation), Some(subject), &facts);
            Ok(())
        })
    }

    /// Command *carry out*: a restriction or objection of a confirmed person takes effect.
    pub fn carry_out_request(&self, actor: &Actor, id: SubjectRequestId) -> Result<(), Error> {
        let row = self.subject_request(id)?;
        self.command_as(actor, "carry out request", |c| {
            let open = open(c, id)?;
            // Nobody needs to prove who they are to be left alone (11 CCR 7026(d), 7027(e)).
            let free = matches!(row.kind, RequestKind::OptOut | RequestKind::Limit);
            if open.identity != Identity::Confirmed && !free {
                return Err(Refused::invalid("identity is not confirmed", "check it first").into());
            }
            let subject = open.subject.ok_or(Refused::Unknown("person of this request"))?;
            match row.kind {
                RequestKind::Restriction => restrict_in(c, subject, None, Some(id))?,
                RequestKind::Objection => {
                    for purpose in &row.purposes {
                        match purpose.parse::<Purpose>() {
                            Ok(purpose) => restrict_in(c, subject, Some(purpose), Some(id))?,
                            Err(_) => self.suppress_contacts(c, subject, Suppressed::Objection)?,
                        }
                    }
                }
                RequestKind::OptOut | RequestKind::Limit => {
                    self.suppress_contacts(c, subject, Suppressed::OptOut)?;
                }
                _ => {
                    return Err(Refused::invalid(
                        "this kind of request is carried out on its own page",
                        "make the copy, erase, or rectify",
                    )
                    .into());
                }
            }
            changed(c, id, Some(subject), "carried_out", row.kind.as_str())
        })?;
        self.live.bump();
        Ok(())
    }

    /// Every number and address that leads to a person goes on the do-not-contact list.
    pub(crate) fn suppress_contacts(
        &self,
        c: &mut Command<'_>,
        subject: SubjectId,
        why: Suppressed,
    ) -> Result<(), Error> {
        for (field, value) in self.contact_values(&c.tx, subject)? {
            self.suppress_in(c, &field, value.expose(), why)?;
        }
        Ok(())
    }

    /// Command *answer*: the person was answered today.
    pub fn answer_request(&self, actor: &Actor, id: SubjectRequestId, outcome: Answer) -> Result<(), Error> {
        let today = self.today()?.to_string();
        self.command_as(actor, "answer request", |c| {
            let open = open(c, id)?;
            let unsure = open.identity != Identity::Confirmed;
            if unsure && matches!(outcome, Answer::Granted | Answer::Partly) && !open.unproven_kind {
                return Err(Refused::invalid(
                    "identity is not confirmed, so nothing can have been granted",
                    "check identity, or answer that the person could not be identified",
                )
                .into());
            }
            let identity = if outcome == Answer::NotIdentified { Identity::Failed } else { open.identity };
            c.run(
                "UPDATE subject_request SET state = 'answered', outcome = ?2, answered_on = ?3, identity = ?4 WHERE id = ?1",
                params![id.as_bytes(), outcome.as_str(), today, identity.as_str()],
            )?;
            step(c, id, "answered", outcome.as_str())?;
            let facts = [("request", id.to_string().into()), ("outcome", outcome.as_str().into())];
            c.log(Kind::RequestAnswered, None, open.subject, &facts);
            Ok(())
        })
    }

    /// Command *close*: nothing more is to be done; the record stays.
    pub fn close_request(&self, actor: &Actor, id: SubjectRequestId) -> Result<(), Error> {
        self.command_as(actor, "close request", |c| {
            let row: Option<(String, Option<Vec<u8>>)> = c
                .one(
                    "SELECT state, subject FROM subject_request WHERE id = ?1",
                    params![id.as_bytes()],
                    |r| Ok((r.get(0)?, r.get(1)?)),
                )
                .optional()?;
            let (state, subject) = row.ok_or(Refused::Unknown("subject request"))?;
            match state.as_str() {
                "answered" => {}
                "closed" => return Err(Refused::Closed("subject request").into()),
                _ => return Err(Refused::invalid("the person was not answered", "answer first").into()),
            }
            c.run(
                "UPDATE subject_request SET state = 'closed', closed_at = ?2 WHERE id = ?1",
                params![id.as_bytes(), c.now],
            )?;
            step(c, id, "closed", "")?;
            let subject = subject.as_deref().map(crate::keys::id_of).transpose()?;
            c.log(Kind::RequestClosed, None, subject, &[("request", id.to_string().into())]);
            Ok(())
        })
    }

    /// The day it is now, in UTC.
    pub(crate) fn today(&self) -> Result<Date, Error> {
        Ok(self.clock.now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date())
    }

    fn seal_note(&self, id: SubjectRequestId, field: &str, text: &str) -> Result<Vec<u8>, Error> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        self.seal_own("subject_request", id.as_bytes(), field, text)
    }
}

/// What people typed about a person's requests goes with the person.
pub(crate) fn forget_notes(
    c: &mut Command<'_>,
    subject: SubjectId,
    needles: &mut Vec<Vec<u8>>,
) -> Result<(), Error> {
    let sealed: Vec<(Vec<u8>, Vec<u8>)> = {
        let mut statement = c
            .tx
            .prepare_cached("SELECT sealed_note, sealed_extension FROM subject_request WHERE subject = ?1")?;
        let rows = statement.query_map(params![subject.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    if sealed.is_empty() {
        return Ok(());
    }
    needles.extend(sealed.into_iter().flat_map(|(a, b)| [needle(a), needle(b)]));
    c.run(
        "UPDATE subject_request SET sealed_note = x'', sealed_extension = x'' WHERE subject = ?1",
        params![subject.as_bytes()],
    )?;
    Ok(())
}

struct Open {
    subject: Option<SubjectId>,
    identity: Identity,
    unproven_kind: bool,
}

/// A request that can still be worked on.
fn open(c: &Command<'_>, id: SubjectRequestId) -> Result<Open, Error> {
    let row: Option<(String, Option<Vec<u8>>, String, String)> = c
        .one(
            "SELECT state, subject, identity, kind FROM subject_request WHERE id = ?1",
            params![id.as_bytes()],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
        )
        .optional()?;
    let (state, subject, identity, kind) = row.ok_or(Refused::Unknown("subject request"))?;
    if state != "open" {
        return Err(Refused::Closed("subject request").into());
    }
    Ok(Open {
        subject: subject.as_deref().map(crate::keys::id_of).transpose()?,
        identity: Identity::parse(&identity).ok_or(Error::Corrupt("an unknown code of a request"))?,
        unproven_kind: matches!(kind.as_str(), "opt_out" | "limit"),
    })
}

/// Whom a confirmed, open request is about; what is done for it wants both.
pub(crate) fn confirmed(c: &Command<'_>, id: SubjectRequestId) -> Result<SubjectId, Error> {
    let open = open(c, id)?;
    if open.identity != Identity::Confirmed {
        return Err(Refused::invalid("identity is not confirmed", "check it first").into());
    }
    Ok(open.subject.ok_or(Refused::Unknown("person of this request"))?)
}

fn purposes(new: &NewRequest) -> Result<String, Error> {
    let known = |p: &String| p == MARKETING || p.parse::<Purpose>().is_ok();
    if new.kind == RequestKind::Objection && new.purposes.is_empty() || !new.purposes.iter().all(known) {
        return Err(Refused::invalid(
            "an objection names what it is against",
            "name marketing, or purposes of the vault",
        )
        .into());
    }
    Ok(if new.kind == RequestKind::Objection { new.purposes.join(" ") } else { String::new() })
}

/// One line of a request's history; codes and numbers only.
pub(crate) fn step(c: &mut Command<'_>, id: SubjectRequestId, what: &str, detail: &str) -> Result<(), Error> {
    c.run(
        "INSERT INTO request_step (request, position, what, detail, done_by, at)
         SELECT ?1, COALESCE(MAX(position), -1) + 1, ?2, ?3, ?4, ?5 FROM request_step WHERE request = ?1",
        params![id.as_bytes(), what, detail, c.actor(), c.now],
    )?;
    Ok(())
}

pub(crate) fn changed(
    c: &mut Command<'_>,
    id: SubjectRequestId,
    subject: Option<SubjectId>,
    what: &str,
    detail: &str,
) -> Result<(), Error> {
    step(c, id, what, detail)?;
    let facts: [(&str, Value); 3] =
        [("request", id.to_string().into()), ("change", what.into()), ("detail", detail.into())];
    c.log(Kind::RequestChanged, None, subject, &facts);
    Ok(())
}
