//! Erasing one person, in one command: keys, words, values, names, numbers and what people typed about them, unless a
//! hold, a mark or a rule keeps it. What is destroyed is then looked for, and not found, in every database file.

mod ahead;
mod consents;
mod doomed;
mod gone;
mod known;
mod listed;
mod receipts;
mod rest;
mod rows;
mod talk;
mod words;

use crate::db::{Connection, params};
use crate::{
    Actor, Command, Error, Refused, SealedBlob, Vault, hex,
    holds::Held,
    orphans::later,
    quarantine::TRANSCRIPT,
    requests,
    retention::Class,
    suppression::Suppressed,
    sweep::needle,
    two_person::{self, Shared},
};
use callvault_model::{
    Secret,
    id::{CertificateId, ConversationId, DecisionId, SubjectId, SubjectRequestId},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use consents::{ConsentKept, ConsentLeft};
use doomed::{Doomed, Fate};
use gone::Gone;
pub use gone::Unproven;
use known::Known;
pub(crate) use receipts::PENDING;
pub use receipts::ReceiptRow;
use receipts::write_down;
pub use rest::LATER;
use rows::{conversations, drop_token, erase_party, forget_source, forget_talk};
pub(crate) use rows::{leads_elsewhere, tokens_of};
use talk::{Party, Talk};
use words::Contact;

/// What stands where somebody else's words repeated a value of the erased person.
pub const ERASED_LABEL: &str = "[ERASED]";
/// What stands in the place of notes that people typed about the person.
const ERASED_NOTE: &str = "erased with the person";
/// Classes that can be kept or erased, in the order of receipts.
pub const CLASSES: [Class; 5] =
    [Class::Audio, Class::RedactedAudio, Class::Transcript, Class::Tokens, Class::Metadata];

/// Why something stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptWhy {
    /// `hold`, `must_keep`, `minimum`, or the code of an exemption.
    pub code: String,
    /// Id of the rule, or of the exemption.
    pub rule: String,
    /// Where that is written.
    pub cite: String,
    /// When it ends, where that is known.
    pub until: Option<String>,
}

/// What one conversation holds of a person.
#[derive(Debug, Clone, Serialize)]
pub struct ScopeRow {
    /// Which.
    pub conversation: ConversationId,
    /// `voice`, `chat`, `email` or `sms`.
    pub channel: String,
    /// Its state.
    pub state: String,
    /// RFC 3339.
    pub received_at: String,
    /// RFC 3339, if the source told it.
    pub started_at: Option<String>,
    /// Places of the person's parties: the channels of a recording that has one for each.
    pub places: Vec<usize>,
    /// Parties in all.
    pub parties: usize,
    /// Other people than agents take part.
    pub shared: bool,
    /// What there is, with how many.
    pub classes: Vec<(Class, u64)>,
    /// A legal hold covers it.
    pub held: bool,
    /// It is marked as one that must be kept.
    pub must_keep: bool,
    /// The file it was read from is still there, as far as is known.
    pub source_remains: bool,
}

/// What is to be erased.
pub struct EraseOrder<'a> {
    /// Whom.
    pub subject: SubjectId,
    /// For which request.
    pub request: Option<SubjectRequestId>,
    /// The receipt of the erasure that this one goes on with: its agreement and its conversations are the ones that count.
    pub continues: Option<CertificateId>,
    /// A second person's agreement; needed where more than one person works here.
    pub agreed: Option<DecisionId>,
    /// What stays, and why. Holds and marks are added inside the command.
    pub keep: BTreeMap<(ConversationId, Class), KeptWhy>,
    /// Muted recordings in which the person's voice is silent, too.
    pub muted: BTreeMap<ConversationId, SealedBlob>,
    /// Whether a text still says a value of a type: `(text, type, value)`.
    pub says: &'a dyn Fn(&str, &str, &str) -> bool,
    /// The numbers and addresses go on the do-not-contact list.
    pub suppress: bool,
    /// What keeps the records of consent.
    pub consent_kept: &'a ConsentKept<'a>,
}

/// One thing that was erased or stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedLine {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Its channel.
    pub channel: String,
    /// What.
    pub class: Class,
    /// How many of it.
    pub count: u64,
    /// Why it stays; absent: it is erased.
    pub kept: Option<KeptWhy>,
}

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// The id of its receipt.
    pub receipt: CertificateId,
    /// Whom.
    pub subject: SubjectId,
    /// For which request.
    pub request: Option<SubjectRequestId>,
    /// When the rows were gone, RFC 3339.
    pub live_erased_at: String,
    /// Line by line.
    pub lines: Vec<ErasedLine>,
    /// Values and turns of other parties that repeated the person's.
    pub read_backs: u64,
    /// Numbers and addresses that led to the person.
    pub contacts: u64,
    /// Of these, now on the do-not-contact list.
    pub suppressed: u64,
    /// Keys that were destroyed.
    pub keys: u64,
    /// Records of the person, merged ones included.
    pub records: Vec<SubjectId>,
    /// Source files that were still there when the path was forgotten.
    pub sources_remain: u64,
    /// Nothing is left but ids.
    pub complete: bool,
    /// The second person, as the ledger names them.
    pub approved_by: Option<String>,
    /// Who erased, as the ledger names them.
    pub erased_by: String,
    /// The receipt of the erasure that this one goes on with.
    #[serde(default)]
    pub continues: Option<CertificateId>,
    /// Consents whose record outlives the person.
    #[serde(default)]
    pub consents: Vec<ConsentLeft>,
    /// Wishes to hear no more that stay on the site's own list.
    #[serde(default)]
    pub wishes: u64,
}

/// As many people at once change more pages than the database keeps in memory otherwise.
const CROWD: usize = 250;

/// Everything one erasure carries with it.
struct Work<'a> {
    order: &'a EraseOrder<'a>,
    before: Option<Erased>,
    values: Vec<(String, Secret<String>)>,
    records: Vec<SubjectId>,
    contacts: Vec<(SubjectId, Vec<Contact>)>,
    gone: Gone,
    lines: Vec<ErasedLine>,
    read_backs: u64,
    keys: u64,
    sources_remain: u64,
    consents: Vec<ConsentLeft>,
    wishes: u64,
    /// A party of the person has its key still.
    keys_left: bool,
}

impl Vault {
    /// What the conversations of a person hold, oldest first.
    pub fn erasure_scope(&self, subject: SubjectId) -> Result<Vec<ScopeRow>, Error> {
        let subject = self.living_record(subject)?;
        let db = self.db();
        let held = Held::read(&db)?;
        let ids = conversations(&db, subject)?;
        ids.into_iter().map(|id| Ok(Talk::read(&db, id, subject)?.scope(&held))).collect()
    }

    /// Command *erase*. The caller knows whom and why; holds, marks and the second person are judged here.
    pub fn erase_subject(&self, actor: &Actor, order: &mut EraseOrder<'_>) -> Result<Erased, Error> {
        let mut all = self.erase_rows(actor, std::slice::from_mut(order))?.prove()?;
        all.pop().ok_or(Error::Corrupt("an erasure without its outcome"))
    }

    /// The same for several people, all or none: one command and an empty write-ahead log. Nobody may be told of it before
    /// [`Unproven::prove`] has looked for what was destroyed.
    pub fn erase_rows<'a>(
        &'a self,
        actor: &Actor,
        orders: &mut [EraseOrder<'_>],
    ) -> Result<Unproven<'a>, Error> {
        for blob in orders.iter().flat_map(|order| order.muted.values()) {
            self.lay(blob)?;
        }
        let mut muted = Vec::with_capacity(orders.len());
        for order in orders.iter_mut() {
            order.subject = self.living_record(order.subject)?;
        }
        for order in orders.iter_mut() {
            let receipt = CertificateId::new(self.clock.as_ref(), &self.entropy)?;
            muted.push((receipt, std::mem::take(&mut order.muted), Vec::new()));
        }
        let (mut needles, mut originals) = (Vec::new(), Vec::new());
        // What is committed stands, whatever becomes of the log: its outcome is told after everything else.
        let mut settled = Ok(());
        let long = orders.len() >= CROWD;
        if long {
            self.db_for_entries().make_room(true)?;
        }
        let act = |c: &mut Command<'_>| {
            let mut all = Vec::with_capacity(orders.len());
            let mut known = Known::new(self, &c.tx)?;
            let (mut waiting, mut muted) = (&*orders, muted.iter_mut());
            while !waiting.is_empty() {
                let (now, later) = waiting.split_at(known.look_ahead(&c.tx, waiting)?);
                for (order, (receipt, muted, used)) in now.iter().zip(muted.by_ref()) {
                    let (erased, gone) = self.erase_one(c, &mut known, order, *receipt, (muted, used))?;
                    needles.extend(gone.needles);
                    originals.extend(gone.originals);
                    all.push(erased);
                }
                known.doomed.go(c)?;
                waiting = later;
            }
            Ok(all)
        };
        let erased = self.command_then(actor, "erase", act, |db| {
            settled = self.settle(db);
            Ok(())
        });
        if long && let Err(e) = self.db_for_entries().make_room(false) {
            tracing::warn!(error = %e, "the database keeps more memory than it needs");
        }
        let erased = match erased {
            Ok(erased) => erased,
            Err(e) => {
                // Whoever tries again finds the orders as they were.
                for (order, (_, unused, _)) in orders.iter_mut().zip(muted) {
                    order.muted = unused;
                }
                return Err(e);
            }
        };
        self.live.bump();
        for (_, muted, used) in &mut muted {
            for (id, blob) in muted {
                if used.contains(id) {
                    blob.keep();
                    blob.recorded();
                } else {
                    later(self.withdraw(blob));
                }
            }
        }
        let unproven = Unproven { vault: self, erased, gone: Gone { needles, originals } };
        settled?;
        Ok(unproven)
    }

    fn erase_one(
        &self,
        c: &mut Command<'_>,
        known: &mut Known<'_>,
        order: &EraseOrder<'_>,
        receipt: CertificateId,
        (muted, used): (&mut BTreeMap<ConversationId, SealedBlob>, &mut Vec<ConversationId>),
    ) -> Result<(Erased, Gone), Error> {
        let subject = order.subject;
        let records =
            if known.nothing_in("subject_link") { vec![subject] } else { Self::records_of(&c.tx, subject)? };
        let before = order.continues.map(|id| rest::before(c, id)).transpose()?;
        let approved_by = match &before {
            // What was agreed to is only finished.
            Some(before) if records.contains(&before.subject) => before.approved_by.clone(),
            Some(_) => return Err(Refused::Unknown("unfinished erasure of this person").into()),
            None => self.second_person(c, known, order)?,
        };
        let talks = known.talks(&c.tx, subject)?;
        let (mut values, mut contacts) = (Vec::new(), Vec::new());
        // All of them, before the first is gone: somebody else may have repeated in one talk what was said in another.
        for record in &records {
            let found = known.contacts(&c.tx, *record)?;
            values.extend(found.iter().map(Contact::as_value));
            contacts.push((*record, found));
        }
        let mut only = None;
        for id in &talks {
            let talk = known.talk(&c.tx, *id, subject)?;
            known.said(&c.tx, &talk, &mut values)?;
            // Most people called once; of the others one conversation at a time is in memory.
            only = Some(talk).filter(|_| talks.len() == 1);
        }
        let mut work = Work {
            order,
            before,
            values,
            records,
            contacts,
            gone: Gone::default(),
            lines: Vec::new(),
            read_backs: 0,
            keys: 0,
            sources_remain: 0,
            consents: Vec::new(),
            wishes: 0,
            keys_left: false,
        };
        for id in talks {
            let talk = only.take().map_or_else(|| known.talk(&c.tx, id, subject), Ok)?;
            self.erase_conversation(c, known, &mut work, &talk, (&mut *muted, &mut *used))?;
        }
        let (contacts, suppressed, complete) = self.erase_record(c, known, &mut work, receipt)?;
        let erased = Erased {
            receipt,
            subject,
            request: order.request,
            live_erased_at: c.now.clone(),
            lines: work.lines,
            read_backs: work.read_backs,
            contacts,
            suppressed,
            keys: work.keys,
            records: work.records,
            sources_remain: work.sources_remain,
            complete,
            approved_by,
            erased_by: c.actor().to_owned(),
            continues: order.continues,
            consents: work.consents,
            wishes: work.wishes,
        };
        write_down(c, &erased)?;
        rest::write_down(c, known, order, &erased)?;
        Ok((erased, work.gone))
    }

    /// Uses up the agreement, where one is needed.
    fn second_person(
        &self,
        c: &mut Command<'_>,
        known: &Known<'_>,
        order: &EraseOrder<'_>,
    ) -> Result<Option<String>, Error> {
        if let Some(request) = order.request
            && requests::confirmed(c, request)? != order.subject
        {
            return Err(Refused::invalid("the request is about another person", "look at it again").into());
        }
        let Some(id) = order.agreed else {
            if known.people > 1 {
                return Err(Refused::NeedsAgreement.into());
            }
            return Ok(None);
        };
        let agreed = two_person::use_up(c, id, Shared::EraseSubject, self.clock.now())?;
        let about = agreed.facts.get("subject").and_then(serde_json::Value::as_str).map(str::to_owned);
        if about != Some(order.subject.to_string()) {
            return Err(Refused::invalid("the agreement is about another person", "ask anew").into());
        }
        Ok(Some(Actor::Account(agreed.approved_by).to_string()))
    }

    fn erase_conversation(
        &self,
        c: &mut Command<'_>,
        known: &mut Known<'_>,
        work: &mut Work<'_>,
        talk: &Talk,
        (muted, used): (&mut BTreeMap<ConversationId, SealedBlob>, &mut Vec<ConversationId>),
    ) -> Result<(), Error> {
        let id = talk.id;
        let row = talk.scope(&known.held);
        let blocked = row.blocked().or_else(|| rest::later(work.before.as_ref(), id));
        let why = |class| blocked.clone().or_else(|| work.order.keep.get(&(id, class)).cloned());
        let mut kept: BTreeMap<Class, KeptWhy> =
            CLASSES.iter().filter_map(|class| Some((*class, why(*class)?))).collect();
        let finished = row.finished();
        // What is not worked on yet cannot be told apart: it goes whole or stays whole.
        if !finished && let Some(one) = kept.values().next().cloned() {
            kept = CLASSES.iter().map(|class| (*class, one.clone())).collect();
        }
        for (class, count) in &row.classes {
            work.lines.push(ErasedLine {
                conversation: id,
                channel: row.channel.clone(),
                class: *class,
                count: *count,
                kept: kept.get(class).cloned(),
            });
        }
        if kept.len() == CLASSES.len() {
            work.keys_left |= talk.parties.iter().any(|p| p.ours && p.wrapped.is_some());
            return Ok(());
        }
        let goes = |class: Class| !kept.contains_key(&class);
        // Other parties' words are compared before the person's own values are gone.
        if goes(Class::Tokens) && finished {
            known.erase_read_backs(c, work, talk)?;
        }
        if goes(Class::Audio) {
            work.gone.originals.extend(talk.objects.iter().filter(|o| o.kind == "original").map(|o| o.id));
            destroy_objects(&mut known.doomed, work, talk, "original");
            destroy_objects(&mut known.doomed, work, talk, "attachment");
            if !known.nothing_in("attachment") {
                c.run(
                    "UPDATE attachment SET state = 'discarded' WHERE conversation = ?1 AND state = 'quarantined'",
                    params![id.as_bytes()],
                )?;
            }
        }
        if goes(Class::Transcript) {
            destroy_objects(&mut known.doomed, work, talk, TRANSCRIPT);
        }
        if goes(Class::RedactedAudio) && destroy_objects(&mut known.doomed, work, talk, "redacted") {
            c.run(
                "UPDATE object SET kind = 'replaced' WHERE conversation = ?1 AND kind = 'redacted'",
                params![id.as_bytes()],
            )?;
            if let Some(blob) = muted.get(&id) {
                let wrapped = self.wrap_object_key(c, blob.id(), blob.key())?;
                self.insert_object(c, id, "redacted", blob, &wrapped, &hex(&blob.key().id()?))?;
                used.push(id);
            }
        }
        for party in talk.parties.iter().filter(|p| p.ours) {
            // In a talk with agents alone they went with the read-backs.
            let values = goes(Class::Tokens) && !(finished && talk.alone());
            work.keys_left |= erase_party(&mut known.doomed, work, talk, party, &goes, values);
        }
        let source = goes(Class::Metadata).then_some(row.shared);
        known.doomed.talk(id, Fate { original: goes(Class::Audio).then_some(finished), source });
        if source.is_some() {
            forget_source(&mut known.doomed, work, talk, &row);
            forget_talk(c, known, work, id)?;
        }
        Ok(())
    }

    /// Contacts, notes and keys of the person go with the last conversation; as (contacts, suppressed, complete).
    fn erase_record(
        &self,
        c: &mut Command<'_>,
        known: &mut Known<'_>,
        work: &mut Work<'_>,
        receipt: CertificateId,
    ) -> Result<(u64, u64, bool), Error> {
        let subject = work.order.subject;
        let complete = !work.keys_left;
        if complete {
            known.doomed.whole(subject);
        }
        let (mut contacts, mut suppressed) = (0, 0);
        let by = format!("erasure:{receipt}");
        for (record, had) in std::mem::take(&mut work.contacts) {
            if work.order.suppress {
                for contact in &had {
                    self.suppress_in(c, &contact.field, contact.value.expose(), Suppressed::Erasure)?;
                    suppressed += 1;
                }
            }
            // Notes on what the person asked for since are not what this order is about.
            if (complete || work.before.is_none()) && !known.nothing_in("subject_request") {
                requests::forget_notes(c, record, &mut work.gone.needles)?;
            }
            let (consents, wishes) = consents::left(c, known, &had, complete, work.order.consent_kept, &by)?;
            work.consents.extend(consents);
            work.wishes += wishes;
            if complete {
                known.forget(record);
                contacts += self.erase_keys(c, known, work, record, had)?;
            }
        }
        Ok((contacts, suppressed, complete))
    }

    /// A record's numbers, its key and the notes about it; how many numbers.
    fn erase_keys(
        &self,
        c: &mut Command<'_>,
        known: &mut Known<'_>,
        work: &mut Work<'_>,
        record: SubjectId,
        contacts: Vec<Contact>,
    ) -> Result<u64, Error> {
        let id = record.as_bytes();
        let many = contacts.len();
        work.gone.needles.extend(contacts.into_iter().map(|contact| needle(contact.sealed)));
        if let Some(wrapped) = known.wrapped(&c.tx, record)? {
            work.gone.needles.push(needle(wrapped));
            work.keys += 1;
        }
        known.doomed.record(record, many);
        let notes = [
            ("access_grant", "reason", "target = ?1"),
            ("hold", "matter", "target = ?1 AND released_at IS NOT NULL"),
            ("subject_link", "reason", "(from_subject = ?1 OR into_subject = ?1)"),
        ];
        for note in notes.into_iter().filter(|note| !known.nothing_in(note.0)) {
            let had = self.overwrite(c, work, note, id)?;
            if had == 0 || note.0 != "subject_link" {
                continue;
            }
            // The list of what was moved names the index of each number.
            c.run(
                "UPDATE subject_link SET parties = '{\"parties\":[],\"contacts\":[]}'
                 WHERE from_subject = ?1 OR into_subject = ?1",
                params![id],
            )?;
        }
        Ok(many as u64)
    }

    /// Notes that people typed are sealed again with nothing in them, so that their rows still open; how many.
    fn overwrite(
        &self,
        c: &mut Command<'_>,
        work: &mut Work<'_>,
        (table, field, which): (&'static str, &'static str, &str),
        id: &[u8; 16],
    ) -> Result<usize, Error> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = {
            let sql = format!("SELECT id, sealed_{field} FROM {table} WHERE {which}");
            let mut statement = c.tx.prepare_cached(&sql)?;
            let rows = statement.query_map(params![id], |r| Ok((r.get(0)?, r.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        let many = rows.len();
        for (row, sealed) in rows {
            let again = self.seal_own(table, &row, field, ERASED_NOTE)?;
            c.run(&format!("UPDATE {table} SET sealed_{field} = ?2 WHERE id = ?1"), params![row, again])?;
            work.gone.needles.push(needle(sealed));
        }
        Ok(many)
    }

    /// Whether erasing somebody takes a second person here.
    pub fn erasing_takes_two(&self) -> Result<bool, Error> {
        Ok(people(&self.db())? > 1)
    }
}

/// Destroys the keys of a conversation's objects of one kind; whether there were any.
fn destroy_objects(doomed: &mut Doomed, work: &mut Work<'_>, talk: &Talk, kind: &'static str) -> bool {
    let mut any = false;
    for object in talk.objects.iter().filter(|o| o.kind == kind) {
        work.gone.needles.push(needle(object.wrapped.clone()));
        work.keys += 1;
        doomed.object(object.id);
        any = true;
    }
    any
}

/// People who can sign in.
pub(crate) fn people(db: &Connection) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM account WHERE kind = 'person' AND state = 'active'";
    Ok(db.prepare_cached(sql)?.query_row([], |r| r.get(0))?)
}

impl ScopeRow {
    /// It was worked on; what was not cannot be told apart and goes whole or stays whole.
    pub fn finished(&self) -> bool {
        matches!(self.state.as_str(), "recorded" | "shredding" | "disposed")
    }

    /// What keeps everything of it.
    pub fn blocked(&self) -> Option<KeptWhy> {
        let why = |code: &str, rule: &str, cite: &str| KeptWhy {
            code: code.into(),
            rule: rule.into(),
            cite: cite.into(),
            until: None,
        };
        if self.held {
            return Some(why("hold", "gdpr.erasure.hold", "GDPR Art. 17(3)(b), (e)"));
        }
        self.must_keep.then(|| why("must_keep", "gdpr.erasure.obligation", "GDPR Art. 17(3)(b)"))
    }
}
