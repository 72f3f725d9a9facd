//! What pages and API of the pre-dial check share: asking, judging a list as it arrives, the words of an answer.

use crate::{
    app::App,
    body::BodyReader,
    problem::{Outcome, Problem},
    right,
    session::Who,
};
use axum::http::StatusCode;
use bytes::Bytes;
use callvault_law::{DISCLAIMER, Decision, Reason, Source};
use callvault_policy::Act;
use callvault_program::dial::{self, Answer, Listed, Listing, Question};
use callvault_store::Actor;
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::mpsc;
use utoipa::ToSchema;

/// Largest list, in bytes: 100,000 rows of ordinary length.
pub(crate) const MAX_LIST: u64 = 32 << 20;

/// One reason, with what it rests on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReasonView {
    /// Short code, such as `hours.OR`.
    pub code: String,
    /// What the row says.
    pub title: String,
    /// The word that it gives.
    pub decision: String,
    /// A fact that it needs is not known.
    pub unknown: bool,
    /// Citations.
    pub citations: Vec<String>,
    /// What was read.
    pub source: String,
    /// When, as a date.
    pub read: String,
    /// `low`, `medium` or `high`.
    pub confidence: String,
    /// Of low confidence or from memory, and signed off by nobody.
    pub unreviewed: bool,
    /// Id of the row.
    pub rule: String,
}

impl ReasonView {
    fn new(r: &Reason) -> Self {
        let s: &Source = &r.source;
        let mut sources: Vec<&str> =
            s.cite.iter().map(|c| c.source.as_str()).filter(|t| !t.is_empty()).collect();
        sources.dedup();
        Self {
            code: r.code.clone(),
            title: s.title.clone(),
            decision: r.decision.clone(),
            unknown: r.unknown,
            citations: s.cite.iter().map(|c| c.reference.clone()).collect(),
            source: sources.join("; "),
            read: s.read.to_string(),
            confidence: s.confidence.to_owned(),
            unreviewed: s.unreviewed,
            rule: s.rule.clone(),
        }
    }
}

/// The answer to a pre-dial check.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DialAnswer {
    /// Under which it is filed; `replays` computes it again.
    pub id: String,
    /// `allow`, `allow_with_warning` or `deny`.
    pub decision: String,
    /// Every reason, strictest first.
    pub reasons: Vec<ReasonView>,
    /// Never empty.
    pub citations: Vec<String>,
    /// When the call would be allowed, where only the time stands against it; RFC 3339.
    pub next_allowed: Option<String>,
    /// Facts that were needed and not known.
    pub missing_facts: Vec<String>,
    /// What must be done on the call.
    pub duties: Vec<String>,
    /// What does not bind yet and would answer.
    pub ahead: Vec<String>,
    /// The consent it rests on; only for who may see consents.
    pub consent: Option<String>,
    /// Hash of the rules.
    pub pack_hash: String,
    /// Salted hash of the facts, as the ledger has it.
    pub facts_hash: String,
    /// What every answer says.
    pub disclaimer: String,
}

/// Reasons of a decision, for people.
pub(crate) fn reasons(d: &Decision) -> Vec<ReasonView> {
    d.reasons.iter().map(ReasonView::new).collect()
}

impl DialAnswer {
    fn new(a: &Answer, sees_consents: bool) -> Self {
        let d = &a.decision;
        let ahead = |s: &callvault_law::Shadow| {
            let from = s.from.map_or_else(|| "no date set".to_owned(), |f| format!("from {f}"));
            format!("{} ({}, {from}): would be {}", s.source.title, s.status, s.would)
        };
        Self {
            id: a.id.to_string(),
            decision: d.decision.clone(),
            reasons: reasons(d),
            citations: d.citations.clone(),
            next_allowed: a.next.map(|t| t.to_string()),
            missing_facts: d.missing_facts.clone(),
            duties: d.obligations.iter().map(|o| o.duty.clone()).collect(),
            ahead: d.shadow.iter().map(ahead).collect(),
            consent: a.consent.as_ref().filter(|_| sees_consents).map(|c| c.id.to_string()),
            pack_hash: d.pack_hash.clone(),
            facts_hash: a.facts_hash.clone(),
            disclaimer: DISCLAIMER.to_owned(),
        }
    }
}

/// Asks, and files the answer.
pub(crate) async fn ask(app: &App, who: &Who, question: Question) -> Outcome<DialAnswer> {
    let sees = right::of(who.roles()).contains(&Act::SeeConsents);
    let actor = who.session.actor();
    let answer = app.run(move |vault| dial::check(vault, &actor, &question, vault.clock().now())).await?;
    Ok(DialAnswer::new(&answer, sees))
}

/// A list as it arrives: who breaks off in the middle gets no counts, and nothing is filed.
pub(crate) struct ListBody {
    from: BodyReader,
    whole: Arc<AtomicBool>,
    left: u64,
}

impl Read for ListBody {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(out)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| io::Error::other("too large"))?;
        if n == 0 && !self.whole.load(Ordering::Acquire) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(n)
    }
}

/// The sending end, and what the judge reads.
pub(crate) struct ListPipe {
    /// Pieces go in here; drop it at the end.
    pub into: mpsc::Sender<Bytes>,
    /// Set when the list came whole.
    pub whole: Arc<AtomicBool>,
    /// To be judged.
    pub body: ListBody,
}

pub(crate) fn list_pipe() -> ListPipe {
    let (into, from) = crate::body::pipe();
    let whole = Arc::new(AtomicBool::new(false));
    ListPipe { into, whole: Arc::clone(&whole), body: ListBody { from, whole, left: MAX_LIST } }
}

/// Judges a list outside the threads that answer requests.
pub(crate) async fn judge(
    app: &App,
    actor: Actor,
    common: Map<String, Value>,
    text: bool,
    body: ListBody,
) -> Outcome<Listed> {
    app.run(move |vault| Listing::new(vault, common, text, vault.clock().now())?.read(&actor, body)).await
}

/// A list that is larger than is taken.
pub(crate) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        "Too large",
        "A list has at most 100,000 rows and 32 MiB; split it.",
    )
}
