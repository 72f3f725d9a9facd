//! The gate: loads the facts itself, asks policy, writes refusals down, and makes the only permits there are.
//! Functions that return plaintext consume a permit and make its ledger entry durable first.

use crate::db::{Connection, OptionalExtension, params};
use crate::{
    Actor, Denied, Error, Session, State, Vault, denied, keys::id_of, restriction, times, training::Trained,
};
use callvault_ledger::{Draft, Kind, Value};
use callvault_model::{
    EntityType,
    id::{AccountId, ConversationId, CorrectionId, DecisionId, GrantId, RevealId, SubjectId},
};
use callvault_policy::{Act, ActorFacts, Decision, Facts, Obligation, Purpose, ResourceFacts, decide};
use jiff::{SignedDuration, Timestamp};
use std::{marker::PhantomData, sync::Arc};

/// A permit not used by then is worth nothing.
pub const PERMIT: SignedDuration = SignedDuration::from_secs(30);

/// What is acted on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// The program: lists, settings, the ledger.
    Program,
    /// One conversation.
    Conversation(ConversationId),
    /// One hidden value, by the name of its token.
    Token(String),
    /// One person.
    Subject(SubjectId),
    /// One account.
    Account(AccountId),
    /// One right for a while.
    Grant(GrantId),
    /// One request to see a hidden value.
    Reveal(RevealId),
    /// Something else that waits for a second person.
    Decision(DecisionId),
    /// Somebody's correction.
    Correction(CorrectionId),
}

impl Target {
    /// As facts of a ledger entry: ids, never values.
    fn facts(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Program | Self::Conversation(_) | Self::Subject(_) => Vec::new(),
            Self::Token(token) => vec![("token", token.chars().take(80).collect::<String>().into())],
            Self::Account(id) => vec![("account", id.to_string().into())],
            Self::Grant(id) => vec![("grant", id.to_string().into())],
            Self::Reveal(id) => vec![("reveal", id.to_string().into())],
            Self::Decision(id) => vec![("decision", id.to_string().into())],
            Self::Correction(id) => vec![("correction", id.to_string().into())],
        }
    }
}

/// An act for which a permit can be had.
pub trait Guarded: sealed::Sealed {
    /// The act.
    const ACT: Act;
}

mod sealed {
    pub trait Sealed {}
}

/// Marks a permit for the masked text of a conversation.
#[derive(Debug)]
pub enum ReadMasked {}
impl sealed::Sealed for ReadMasked {}
impl Guarded for ReadMasked {
    const ACT: Act = Act::ReadMasked;
}

/// Marks a permit for the muted recording of a conversation.
#[derive(Debug)]
pub enum PlayMuted {}
impl sealed::Sealed for PlayMuted {}
impl Guarded for PlayMuted {
    const ACT: Act = Act::PlayMuted;
}

/// Marks a permit for a person's page.
#[derive(Debug)]
pub enum ReadSubject {}
impl sealed::Sealed for ReadSubject {}
impl Guarded for ReadSubject {
    const ACT: Act = Act::ReadSubject;
}

/// Marks a permit for asking to see one hidden value.
#[derive(Debug)]
pub enum RequestReveal {}
impl sealed::Sealed for RequestReveal {}
impl Guarded for RequestReveal {
    const ACT: Act = Act::RequestReveal;
}

/// Marks a permit for seeing one hidden value.
#[derive(Debug)]
pub enum Reveal {}
impl sealed::Sealed for Reveal {}
impl Guarded for Reveal {
    const ACT: Act = Act::Reveal;
}

/// Marks a permit for taking ledger and certificates out.
#[derive(Debug)]
pub enum ExportEvidence {}
impl sealed::Sealed for ExportEvidence {}
impl Guarded for ExportEvidence {
    const ACT: Act = Act::ExportEvidence;
}

/// Marks a permit for taking everything of one person out.
#[derive(Debug)]
pub enum ExportSubject {}
impl sealed::Sealed for ExportSubject {}
impl Guarded for ExportSubject {
    const ACT: Act = Act::ExportSubject;
}

/// The question a permit answers; asked again when somebody's access changed meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub who: Session,
    pub act: Act,
    pub target: Target,
    pub purpose: Option<Purpose>,
    pub has_reason: bool,
}

/// What was answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub policies: Arc<[String]>,
    pub obligations: Arc<[Obligation]>,
    pub grant: Option<GrantId>,
    pub conversation: Option<ConversationId>,
    pub subject: Option<SubjectId>,
    /// Until when training as it stands lets this through.
    pub trained_until: Option<Timestamp>,
}

/// Leave to do one act on one thing once, within 30 seconds. Made by [`Vault::permit`] alone; it cannot be copied.
#[derive(Debug)]
pub struct Permit<A: Guarded> {
    pub(crate) question: Question,
    pub(crate) answer: Answer,
    pub(crate) reason: Option<String>,
    expires: Timestamp,
    generation: u64,
    act: PhantomData<fn() -> A>,
}

impl<A: Guarded> Permit<A> {
    /// What it is for.
    pub fn target(&self) -> &Target {
        &self.question.target
    }
    /// Ids of the policies that allowed it.
    pub fn policies(&self) -> &[String] {
        &self.answer.policies
    }
}

/// Facts loaded for one question.
#[derive(Clone)]
pub(crate) struct Loaded {
    resource: ResourceFacts,
    grant: Option<(GrantId, Act)>,
    conversation: Option<ConversationId>,
    subject: Option<SubjectId>,
    training: Trained,
}

/// All of a question on which the loaded facts depend.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    account: AccountId,
    person: bool,
    act: Act,
    target: Target,
    purpose: Option<Purpose>,
}

impl Asked {
    fn of(question: &Question) -> Self {
        Self {
            account: question.who.account,
            person: question.who.is_person(),
            act: question.act,
            target: question.target.clone(),
            purpose: question.purpose,
        }
    }
}

impl Vault {
    /// Asks for leave. A refusal is an error with a stable code, and an entry in the ledger.
    pub fn permit<A: Guarded>(
        &self,
        who: &Session,
        target: Target,
        purpose: Option<Purpose>,
        reason: Option<&str>,
    ) -> Result<Permit<A>, Error> {
        let reason = reason.map(str::trim).filter(|r| !r.is_empty());
        if let Some(text) = reason {
            check_reason(text)?;
        }
        let generation = self.live.generation();
        let question =
            Question { who: who.clone(), act: A::ACT, target, purpose, has_reason: reason.is_some() };
        let (question, answer) = self.ask(question)?;
        let expires = times::after(self.clock.now(), PERMIT);
        let reason = reason.map(str::to_owned);
        Ok(Permit { question, answer, reason, expires, generation, act: PhantomData })
    }

    /// The same where memory alone can answer, and the answer is yes. `None` says only that [`Vault::permit`] has to be
    /// asked.
    pub(crate) fn permit_at_hand<A: Guarded>(
        &self,
        who: &Session,
        target: Target,
        purpose: Option<Purpose>,
    ) -> Option<Permit<A>> {
        let generation = self.live.generation();
        let who = self.still_at_hand(who)?;
        let question = Question { who, act: A::ACT, target, purpose, has_reason: false };
        let now = self.clock.now();
        let loaded = self.seen.facts(&Asked::of(&question), now)?;
        let Decision::Allow { policies, obligations } = self.decide(&question, &loaded) else { return None };
        let answer = loaded.answer(policies, obligations);
        let expires = times::after(now, PERMIT);
        Some(Permit { question, answer, reason: None, expires, generation, act: PhantomData })
    }

    /// Whether somebody may do an act that reads nothing; returns whom the ledger shall name. A refusal is recorded.
    pub fn authorise(
        &self,
        who: &Session,
        act: Act,
        target: Target,
        reason: Option<&str>,
    ) -> Result<Actor, Error> {
        let has_reason = reason.is_some_and(|r| !r.trim().is_empty());
        self.ask(Question { who: who.clone(), act, target, purpose: None, has_reason })?;
        Ok(who.actor())
    }

    /// Whether somebody could do this now: for showing or hiding a button. Nothing is recorded, nothing is permitted.
    pub fn could(
        &self,
        who: &Session,
        act: Act,
        target: &Target,
        purpose: Option<Purpose>,
    ) -> Result<bool, Error> {
        let Ok(who) = self.still(who) else { return Ok(false) };
        let question = Question { who, act, target: target.clone(), purpose, has_reason: true };
        let loaded = match self.load(&question) {
            Ok(loaded) => loaded,
            Err(Error::Denied(_)) => return Ok(false),
            Err(other) => return Err(other),
        };
        Ok(self.decide(&question, &loaded).allowed())
    }

    /// Decides on fresh facts; a refusal is in the ledger before it is returned.
    pub(crate) fn ask(&self, mut question: Question) -> Result<(Question, Answer), Error> {
        question.who = self.still(&question.who)?;
        let loaded = match self.load(&question) {
            Ok(loaded) => loaded,
            Err(Error::Denied(denied)) => {
                self.record_refusal(&question, None, &denied)?;
                return Err(Error::Denied(denied));
            }
            Err(other) => return Err(other),
        };
        match self.decide(&question, &loaded) {
            Decision::Allow { policies, obligations } => Ok((question, loaded.answer(policies, obligations))),
            Decision::Deny { reasons } => {
                let mut denied = Denied::of(&reasons);
                if let Some(closed) = loaded.training.closed.clone().filter(|_| denied.has("needs_course")) {
                    denied = denied.for_course(closed);
                }
                self.record_refusal(&question, Some(&loaded), &denied)?;
                Err(denied.into())
            }
        }
    }

    fn decide(&self, question: &Question, loaded: &Loaded) -> Decision {
        let closed = loaded.training.closed.is_some();
        self.decide_facts(
            question,
            question.act,
            loaded.resource.clone(),
            loaded.grant.map(|(_, act)| act),
            closed,
        )
    }

    /// What policy would say to another act of the same person on these facts.
    pub(crate) fn decide_on(&self, question: &Question, act: Act, resource: ResourceFacts) -> Decision {
        self.decide_facts(question, act, resource, None, false)
    }

    fn decide_facts(
        &self,
        question: &Question,
        act: Act,
        resource: ResourceFacts,
        grant: Option<Act>,
        needs_course: bool,
    ) -> Decision {
        let now = self.clock.now();
        let age = now.duration_since(question.who.factor_at).as_secs();
        let hour = now.to_zoned_datetime(jiff::tz::TimeZone::system()).hour();
        decide(&Facts {
            actor: ActorFacts {
                id: question.who.account,
                roles: question.who.roles.clone(),
                aal: question.who.aal,
                // A clock that went back makes every factor old, not young.
                factor_age_s: u64::try_from(age).unwrap_or(u64::MAX),
                scopes: question.who.scopes.clone(),
            },
            act,
            resource,
            purpose: question.purpose,
            has_reason: question.has_reason,
            grant,
            needs_course,
            now_hour: u8::try_from(hour).unwrap_or(0),
        })
    }

    fn record_refusal(
        &self,
        question: &Question,
        loaded: Option<&Loaded>,
        denied: &Denied,
    ) -> Result<(), Error> {
        let mut facts = vec![
            ("act", Value::from(question.act.as_str())),
            ("why", denied.codes.join(" ").into()),
            ("session", question.who.mark().into()),
        ];
        if let Some(purpose) = question.purpose {
            facts.push(("purpose", purpose.as_str().into()));
        }
        if let Some(course) = &denied.course {
            facts.push(("course", course.as_str().into()));
        }
        facts.extend(question.target.facts());
        let (conversation, subject) = match (&question.target, loaded) {
            (_, Some(l)) => (l.conversation, l.subject),
            (Target::Conversation(id), None) => (Some(*id), None),
            (Target::Subject(id), None) => (None, Some(*id)),
            _ => (None, None),
        };
        let mut draft = Draft::new(self.clock.now(), Kind::AccessDenied, question.who.actor().to_string())
            .tenant(self.tenant);
        draft.conversation = conversation;
        draft.subject = subject;
        draft.body.extend(facts.into_iter().map(|(name, value)| (name.into(), value)));
        self.log_together(&draft)
    }

    /// Uses a permit up: in time, and under rules that still hold. Whatever changed meanwhile is asked again.
    pub(crate) fn redeem<A: Guarded>(
        &self,
        permit: Permit<A>,
    ) -> Result<(Question, Answer, Option<String>), Error> {
        let now = self.clock.now();
        // A clock that went back must not lengthen it.
        if now > permit.expires || times::after(now, PERMIT) < permit.expires {
            return Err(denied::permit_over());
        }
        let Permit { question, answer, reason, generation, .. } = permit;
        let trained = answer.trained_until.is_none_or(|until| now < until);
        if self.live.generation() == generation && answer.grant.is_none() && trained {
            return Ok((question, answer, reason));
        }
        let (question, answer) = self.ask(question)?;
        Ok((question, answer, reason))
    }

    /// The entry of a reading: who, what act, why, in which form, by which policies.
    pub(crate) fn reading(&self, kind: Kind, question: &Question, answer: &Answer, rendering: &str) -> Draft {
        let mut draft =
            Draft::new(self.clock.now(), kind, question.who.actor().to_string()).tenant(self.tenant);
        draft.conversation = answer.conversation;
        draft.subject = answer.subject;
        let mut draft = draft
            .fact("act", question.act.as_str())
            .fact("rendering", rendering)
            .fact("session", question.who.mark())
            .fact("policies", answer.policies.join(" "));
        if let Some(purpose) = question.purpose {
            draft = draft.fact("purpose", purpose.as_str());
        }
        if let Some(grant) = answer.grant {
            draft = draft.fact("grant", grant.to_string());
        }
        if answer.obligations.contains(&Obligation::MarkNight) {
            draft = draft.fact("night", true);
        }
        for (name, value) in question.target.facts() {
            draft = draft.fact(name, value);
        }
        draft
    }

    /// The facts as they are now.
    fn load(&self, question: &Question) -> Result<Loaded, Error> {
        let (asked, now, mark) = (Asked::of(question), self.clock.now(), self.seen.mark());
        if let Some(known) = self.seen.facts(&asked, now) {
            return Ok(known);
        }
        let loaded = self.read_facts(question, now)?;
        // A grant ends by itself, and a closed course opens: those are read each time.
        if loaded.grant.is_none() && loaded.training.closed.is_none() {
            self.seen.keep_facts(mark, now, loaded.training.until, asked, loaded.clone());
        }
        Ok(loaded)
    }

    fn read_facts(&self, question: &Question, now: Timestamp) -> Result<Loaded, Error> {
        let db = self.reads();
        // All facts are of one moment.
        let db = db.moment()?;
        let mut loaded = Loaded {
            resource: ResourceFacts::program(),
            grant: None,
            conversation: None,
            subject: None,
            training: crate::training::trained(&db, &question.who, question.act, now)?,
        };
        match &question.target {
            Target::Program => {}
            Target::Conversation(id) => {
                loaded.resource = ResourceFacts::conversation(state_of(&db, *id)?);
                loaded.conversation = Some(*id);
            }
            Target::Token(token) => {
                let (conversation, entity) = token_facts(&db, token)?;
                loaded.resource = ResourceFacts::token(state_of(&db, conversation)?, entity);
                loaded.conversation = Some(conversation);
            }
            Target::Reveal(id) => {
                let request = crate::reveal::facts(&db, *id)?;
                let (conversation, entity) = token_facts(&db, &request.token)?;
                loaded.conversation = Some(conversation);
                loaded.resource = if question.act == Act::Reveal {
                    let mut facts = ResourceFacts::token(state_of(&db, conversation)?, entity);
                    facts.needs_second = request.needs_second;
                    facts.requested_by = Some(request.account);
                    facts.approved_by = request.approved_by;
                    facts
                } else {
                    ResourceFacts::request(request.account)
                };
            }
            Target::Subject(id) => {
                let known: bool = db.query_row(
                    "SELECT EXISTS (SELECT 1 FROM subject WHERE id = ?1)",
                    params![id.as_bytes()],
                    |r| r.get(0),
                )?;
                if !known {
                    return Err(denied::unknown());
                }
                loaded.resource = ResourceFacts::subject();
                loaded.subject = Some(*id);
            }
            Target::Account(id) => loaded.resource = ResourceFacts::account(*id),
            Target::Grant(id) => loaded.resource = ResourceFacts::grant(crate::grants::holder(&db, *id)?),
            Target::Decision(id) => {
                loaded.resource = ResourceFacts::request(crate::two_person::requester(&db, *id)?);
            }
            Target::Correction(id) => loaded.resource = request_of_actor(&db, *id)?,
        }
        let standing = match (loaded.conversation, loaded.subject) {
            (Some(id), _) => restriction::of_conversation(&db, id, question.purpose)?,
            (None, Some(id)) => restriction::of_subject(&db, id, question.purpose)?,
            (None, None) => restriction::Standing::default(),
        };
        loaded.resource.restricted = standing.restricted;
        loaded.resource.objected = standing.objected;
        loaded.grant = crate::grants::active_for(&db, question, loaded.conversation, loaded.subject, now)?
            .map(|id| (id, question.act));
        Ok(loaded)
    }
}

impl Loaded {
    fn answer(self, policies: Arc<[String]>, obligations: Arc<[Obligation]>) -> Answer {
        let grant = self.grant.map(|(id, _)| id).filter(|_| policies.iter().any(|p| p == "grant.use"));
        let Self { conversation, subject, training, .. } = self;
        Answer { policies, obligations, grant, conversation, subject, trained_until: training.until }
    }
}

/// A reason is text of bounded length. The caller lets it pass the detector first; here it is sealed.
pub(crate) fn check_reason(text: &str) -> Result<(), Error> {
    let long = text.chars().count();
    let sound = (3..=1_000).contains(&long) && !text.chars().any(|c| c.is_control() && c != '\n');
    if sound { Ok(()) } else { Err(denied::bad_reason()) }
}

fn state_of(db: &Connection, id: ConversationId) -> Result<&'static str, Error> {
    let state: Option<String> = db
        .prepare_cached("SELECT state FROM conversation WHERE id = ?1")?
        .query_row(params![id.as_bytes()], |r| r.get(0))
        .optional()?;
    Ok(State::parse(&state.ok_or_else(denied::unknown)?)?.as_str())
}

/// The conversation and type of a token.
pub(crate) fn token_facts(db: &Connection, token: &str) -> Result<(ConversationId, EntityType), Error> {
    let row: Option<(Vec<u8>, String)> = db
        .query_row("SELECT conversation, entity FROM token WHERE id = ?1", params![token], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .optional()?;
    let (conversation, entity) = row.ok_or_else(denied::unknown)?;
    Ok((id_of(&conversation)?, entity.parse().map_err(|_| Error::Corrupt("an unknown entity type"))?))
}

/// A correction names its requester as the ledger does.
fn request_of_actor(db: &Connection, id: CorrectionId) -> Result<ResourceFacts, Error> {
    let by: Option<String> = db
        .query_row("SELECT requested_by FROM correction WHERE id = ?1", params![id.as_bytes()], |r| r.get(0))
        .optional()?;
    let by = Actor::parse(&by.ok_or_else(denied::unknown)?).ok_or(Error::Corrupt("an unknown actor"))?;
    // What the program itself or the local operator asked for has no account that could be the same person.
    Ok(ResourceFacts::request(by.account().unwrap_or(AccountId::from_bytes([0; 16]))))
}
