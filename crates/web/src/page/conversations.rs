//! `/conversations`: what is here, narrowed by facts that are no content, and the people an exact address leads to.

use super::{done, frame::Frame, render};
use crate::{
    app::App,
    extract::Query,
    problem::{Outcome, Problem},
    session::{Form, May, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use callvault_model::{
    EntityType, ProofLevel,
    id::{ConversationId, SubjectId},
};
use callvault_policy::Act;
use callvault_store::{ConversationFilter, ConversationRow, State as Stands};
use serde::Deserialize;

/// Rows of one page.
const ROWS: usize = 50;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/conversations", Some(Act::ListConversations)),
    ("POST", "/conversations/find", Some(Act::ListConversations)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new().route("/conversations", get(list)).route("/conversations/find", post(find))
}

/// What the address may say; the same names as in the API.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(crate) struct Asked {
    pub channel: String,
    pub state: String,
    pub from: String,
    pub to: String,
    pub found: String,
    pub proof: String,
    pub subject: String,
    pub after: String,
    pub done: Option<String>,
}

impl Asked {
    /// The question, or what of it is not known.
    pub(crate) fn filter(&self) -> Result<(ConversationFilter, Option<ConversationId>), Problem> {
        let filter = ConversationFilter {
            channel: one(&self.channel, "channel", |t| CHANNELS.iter().copied().find(|c| c.as_str() == t))?,
            state: one(&self.state, "state", |t| STATES.iter().copied().find(|s| s.as_str() == t))?,
            from: one(&self.from, "first day", |t| t.parse().ok())?,
            to: one(&self.to, "last day", |t| t.parse().ok())?,
            entity: one(&self.found, "type", |t| t.parse::<EntityType>().ok())?,
            proof: one(&self.proof, "proof", |t| PROOFS.iter().copied().find(|p| p.as_str() == t))?,
            subject: one(&self.subject, "person", |t| t.parse::<SubjectId>().ok())?,
        };
        Ok((filter, one(&self.after, "place to go on", |t| t.parse().ok())?))
    }

    /// The address of the same question from another place on. All parts were read, so nothing foreign is in it.
    fn address(&self, after: ConversationId) -> String {
        let parts = [
            ("channel", &self.channel),
            ("state", &self.state),
            ("from", &self.from),
            ("to", &self.to),
            ("found", &self.found),
            ("proof", &self.proof),
            ("subject", &self.subject),
        ];
        let mut out = String::from("/conversations?");
        for (name, value) in parts.iter().filter(|(_, v)| !v.is_empty()) {
            out.push_str(&format!("{name}={value}&"));
        }
        out.push_str(&format!("after={after}"));
        out
    }

    fn narrowed(&self) -> bool {
        [&self.channel, &self.state, &self.from, &self.to, &self.found, &self.proof, &self.subject]
            .iter()
            .any(|v| !v.is_empty())
    }
}

const CHANNELS: [callvault_model::Channel; 4] = [
    callvault_model::Channel::Voice,
    callvault_model::Channel::Chat,
    callvault_model::Channel::Email,
    callvault_model::Channel::Sms,
];
const STATES: [Stands; 6] = [
    Stands::Recorded,
    Stands::Disposed,
    Stands::Received,
    Stands::AwaitingTranscript,
    Stands::Quarantined,
    Stands::Shredding,
];
const PROOFS: [ProofLevel; 3] = [ProofLevel::Independent, ProofLevel::SameEngine, ProofLevel::None];

fn one<T>(text: &str, what: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    read(text)
        .map(Some)
        .ok_or_else(|| Problem::bad(format!("This {what} is not known; choose it from the form.")))
}

/// A choice of a select.
struct Choice {
    value: &'static str,
    name: String,
    chosen: bool,
}

/// One line of the list.
struct Line {
    r: ConversationRow,
    at: String,
    what: &'static str,
    length: String,
    state: (&'static str, &'static str),
    proof: (&'static str, &'static str),
}

impl Line {
    fn of(r: ConversationRow) -> Self {
        Self {
            at: words::when(r.started_at.as_deref().unwrap_or(&r.received_at)),
            what: words::one(&r.channel),
            length: if r.duration_ms > 0 { words::clock(r.duration_ms) } else { String::new() },
            state: words::state(r.state),
            proof: words::proof(&r.channel, r.proof.as_deref()),
            r,
        }
    }
}

#[derive(Template)]
#[template(path = "conversations.html")]
struct Page {
    frame: Frame,
    asked: Asked,
    channels: Vec<Choice>,
    states: Vec<Choice>,
    proofs: Vec<Choice>,
    types: Vec<Choice>,
    lines: Vec<Line>,
    older: Option<String>,
    narrowed: bool,
    upload: bool,
    missing: bool,
}

async fn list(
    who: May<{ Act::ListConversations as u8 }>,
    State(app): State<App>,
    Query(q): Query<Asked>,
) -> Outcome<Response> {
    page(&app, &who, q, false).await
}

async fn page(app: &App, who: &Who, asked: Asked, missing: bool) -> Outcome<Response> {
    let (filter, after) = asked.filter()?;
    let found = app.run(move |vault| vault.conversations_page(&filter, after, ROWS)).await?;
    let chosen = |of: &[(&'static str, String)], now: &str| -> Vec<Choice> {
        of.iter().map(|(value, name)| Choice { value, name: name.clone(), chosen: *value == now }).collect()
    };
    let mut types: Vec<(&'static str, String)> =
        EntityType::ALL.iter().map(|e| (e.as_str(), callvault_model::words::of(*e, 1).to_owned())).collect();
    types.sort_by_key(|(_, name)| name.to_lowercase());
    let view = Page {
        frame: Frame::of(app, who, "/conversations", asked.done.as_deref()),
        channels: chosen(
            &CHANNELS.map(|c| (c.as_str(), words::channel(c.as_str()).to_owned())),
            &asked.channel,
        ),
        states: chosen(&STATES.map(|s| (s.as_str(), words::state(s).0.to_owned())), &asked.state),
        proofs: chosen(
            &PROOFS.map(|p| (p.as_str(), words::proof("", Some(p.as_str())).0.to_owned())),
            &asked.proof,
        ),
        types: chosen(&types, &asked.found),
        older: found.next.map(|next| asked.address(next)),
        narrowed: asked.narrowed(),
        lines: found.rows.into_iter().map(Line::of).collect(),
        upload: who.could(app, Act::Upload),
        missing,
        asked,
    };
    Ok(render(&view))
}

/// Posted, so that the number never stands in an address, a log or a history.
#[derive(Deserialize)]
struct Find {
    address: String,
}

async fn find(
    who: May<{ Act::ListConversations as u8 }>,
    State(app): State<App>,
    Form(f): Form<Find>,
) -> Outcome<Response> {
    if f.address.chars().count() > 254 {
        return Err(Problem::bad("A telephone number or e-mail address has at most 254 characters."));
    }
    let actor = who.session.actor();
    match app.run(move |vault| vault.find_by_contact(&actor, &f.address)).await? {
        Some(subject) => Ok(done(&format!("/conversations?subject={subject}"), "found")),
        None => page(&app, &who, Asked::default(), true).await,
    }
}
