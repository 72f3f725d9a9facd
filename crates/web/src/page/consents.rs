//! `/consents`: who agreed to what, with the proof; who wishes to hear no more, and what waits for a person to read.

use super::{
    done,
    frame::{Done, Frame},
    render,
};
use crate::{
    app::App,
    extract::{Path, Query},
    problem::{Outcome, Problem},
    reason,
    right::{self, Right},
    session::{Form, May, Who},
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State},
    response::Response,
    routing::{get, post},
};
use callvault_model::id::{ConsentId, OptOutId};
use callvault_policy::Act;
use callvault_store::{
    Vault,
    consent::{ConsentRow, Detail, MAX_PROOF, NewConsent, Proof},
    gate::Target,
    opt_out::{OptOutRow, Verdict},
};
use serde::Deserialize;
use std::collections::HashMap;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/consents", Some(Act::SeeConsents)),
    ("POST", "/consents", Some(Act::ManageConsents)),
    ("POST", "/consents/{id}/withdraw", Some(Act::ManageConsents)),
    ("POST", "/consents/opt-outs", Some(Act::ManageConsents)),
    ("POST", "/consents/opt-outs/{id}", Some(Act::ManageConsents)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/consents", get(show).post(record).layer(DefaultBodyLimit::max(MAX_PROOF + (64 << 10))))
        .route("/consents/{id}/withdraw", post(withdraw))
        .route("/consents/opt-outs", post(enter))
        .route("/consents/opt-outs/{id}", post(decide))
}

/// One consent, for people.
struct Line {
    id: String,
    what: String,
    seller: String,
    given: String,
    proof: String,
    href: String,
    state: (&'static str, &'static str),
    stands: bool,
}

/// One wish, for people.
struct Wish {
    id: String,
    how: String,
    came: &'static str,
    href: String,
    raised: String,
    state: (&'static str, &'static str),
    open: &'static str,
    number_known: bool,
    reason: String,
}

#[derive(Template)]
#[template(path = "consents.html")]
struct Page {
    frame: Frame,
    looked: bool,
    contact: String,
    consents: Vec<Line>,
    wishes: Vec<Wish>,
    may: bool,
}

fn line(c: ConsentRow, today: &str) -> Line {
    let over = c.expires.as_ref().is_some_and(|e| e.as_str() < today);
    let state = match (&c.withdrawn_at, over) {
        (Some(_), _) => ("withdrawn", "bad"),
        (None, true) => ("over", "warn"),
        (None, false) => ("stands", "good"),
    };
    let seconds = |ms: Option<u64>| ms.unwrap_or(0) / 1_000;
    let (proof, href) = match (c.conversation, &c.proof_sha256) {
        (Some(id), _) => (
            format!("a conversation, second {} to {}", seconds(c.from_ms), seconds(c.to_ms)),
            format!("/conversations/{id}"),
        ),
        (None, Some(sha)) => {
            (format!("a record, SHA-256 {}…", sha.get(..12).unwrap_or_default()), String::new())
        }
        _ => ("none".to_owned(), String::new()),
    };
    let kind = if c.kind == "prior_express_written" { "written" } else { "express" };
    let by = if c.channel == "any" { "any channel".to_owned() } else { c.channel };
    Line {
        id: c.id.to_string(),
        what: format!("{}, {kind}, {by}", c.purpose),
        seller: c.detail.seller,
        given: c.given,
        proof,
        href,
        stands: state.0 == "stands",
        state,
    }
}

fn wish(o: OptOutRow) -> Wish {
    let state = match o.state.as_str() {
        "stands" => ("stands", "bad"),
        "in_doubt" => ("to be read", "warn"),
        "lifted" => ("lifted", "good"),
        _ => ("dismissed", ""),
    };
    Wish {
        how: match o.how.as_str() {
            "keyword" => "a keyword",
            "phrase" => "a phrase",
            "doubtful" => "words in doubt",
            _ => "entered by hand",
        }
        .to_owned(),
        came: if o.channel == "manual" { "" } else { words::channel(&o.channel) },
        href: o.conversation.map_or_else(String::new, |c| format!("/conversations/{c}")),
        raised: words::when(&o.raised_at),
        open: match state.0 {
            "stands" => "lift",
            "to be read" => "judge",
            _ => "",
        },
        number_known: !o.field.is_empty(),
        id: o.id.to_string(),
        state,
        reason: o.reason,
    }
}

#[derive(Deserialize)]
struct Look {
    done: Option<String>,
}

async fn show(
    who: May<{ Act::SeeConsents as u8 }>,
    State(app): State<App>,
    Query(q): Query<Look>,
) -> Outcome<Response> {
    let said = Done { done: q.done };
    listed(&app, &who, None, said.done.as_deref()).await
}

async fn listed(app: &App, who: &Who, contact: Option<String>, said: Option<&str>) -> Outcome<Response> {
    let asked = contact.clone();
    let (consents, wishes) = app
        .run(move |vault: &Vault| {
            let of = asked.as_deref().map(|c| vault.contact_index(c)).transpose()?.flatten();
            let consents =
                if asked.is_some() && of.is_none() { Vec::new() } else { vault.consents(of.as_ref())? };
            Ok::<_, callvault_store::Error>((consents, vault.opt_outs()?))
        })
        .await?;
    let today = app.vault.clock().now().strftime("%Y-%m-%d").to_string();
    Ok(render(&Page {
        frame: Frame::of(app, who, "/consents", said),
        looked: contact.is_some(),
        contact: contact.unwrap_or_default(),
        consents: consents.into_iter().map(|c| line(c, &today)).collect(),
        wishes: wishes.into_iter().map(wish).collect(),
        may: right::of(who.roles()).contains(&Act::ManageConsents),
    }))
}

fn malformed() -> Problem {
    Problem::bad("The form is incomplete or the file did not arrive whole; fill it in again.")
}

/// The fields of the form by name, and the file.
async fn fields(who: &Who, request: Request) -> Outcome<(HashMap<String, String>, Vec<u8>)> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| malformed())?;
    let (mut out, mut file) = (HashMap::new(), Vec::new());
    while let Some(mut field) = form.next_field().await.map_err(|_| malformed())? {
        let name = field.name().unwrap_or_default().to_owned();
        let most = if name == "record" { MAX_PROOF } else { 2_000 };
        let mut value = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(|_| malformed())? {
            value.extend_from_slice(&piece);
            if value.len() > most {
                return Err(Problem::bad("A record has at most 1 MiB, every other field 2,000 characters."));
            }
        }
        if name == "record" {
            file = value;
        } else if out.len() < 20 {
            out.insert(name, String::from_utf8(value).map_err(|_| malformed())?);
        }
    }
    who.proves(out.get("csrf").map_or("", String::as_str))?;
    Ok((out, file))
}

async fn record(
    who: Right<{ Act::ManageConsents as u8 }>,
    State(app): State<App>,
    request: Request,
) -> Outcome<Response> {
    let (f, file) = fields(&who, request).await?;
    let get = |name: &str| f.get(name).map(|v| v.trim().to_owned()).unwrap_or_default();
    let day = |name: &str| -> Outcome<Option<jiff::civil::Date>> {
        let text = get(name);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| Problem::bad("A day is written 2026-11-23."))
    };
    let proof = if get("conversation").is_empty() {
        Proof::Record(file)
    } else {
        let ms = |name: &str| -> Outcome<u64> {
            let text = get(name);
            let seconds: u64 = if text.is_empty() {
                0
            } else {
                text.parse().map_err(|_| Problem::bad("Seconds are a number."))?
            };
            Ok(seconds.saturating_mul(1_000))
        };
        let id = get("conversation").parse().map_err(|_| Problem::bad("This is no id of a conversation."))?;
        Proof::Conversation { id, from_ms: ms("from")?, to_ms: ms("to")? }
    };
    let told = |name: &str| Some(get(name) == "yes");
    let new = NewConsent {
        contact: get("contact"),
        channel: get("channel"),
        purpose: get("purpose"),
        kind: get("kind"),
        detail: Detail {
            seller: get("seller"),
            source: get("source"),
            signature: get("signature"),
            disclosure_autodialer: told("autodialer"),
            disclosure_not_condition: told("not_condition"),
        },
        proof,
        given: day("given")?.ok_or_else(|| Problem::bad("Say on which day it was given."))?,
        expires: day("expires")?,
    };
    add(&app, &who, new).await?;
    Ok(done("/consents", "consent"))
}

/// Records a consent; the API does it the same way.
pub(crate) async fn add(app: &App, who: &Who, new: NewConsent) -> Outcome<ConsentId> {
    let by = who.may(app, Act::ManageConsents, Target::Program, None).await?;
    app.run(move |vault| vault.record_consent(&by, &new)).await
}

/// Ends a consent; the API does it the same way.
pub(crate) async fn end(app: &App, who: &Who, id: ConsentId) -> Outcome<()> {
    let by = who.may(app, Act::ManageConsents, Target::Program, None).await?;
    app.run(move |vault| vault.withdraw_consent(&by, id)).await
}

/// Enters a wish that reached the site otherwise; the API does it the same way.
pub(crate) async fn wished(app: &App, who: &Who, contact: String, why: String) -> Outcome<OptOutId> {
    let by = who.may(app, Act::ManageConsents, Target::Program, None).await?;
    let why = reason::masked(why).await?;
    app.run(move |vault| vault.enter_opt_out(&by, &contact, &why)).await
}

/// Decides about a wish; the API does it the same way.
pub(crate) async fn judged(app: &App, who: &Who, id: OptOutId, verdict: &str, why: String) -> Outcome<()> {
    let verdict = match verdict {
        "confirm" => Verdict::Confirm,
        "dismiss" => Verdict::Dismiss,
        "lift" => Verdict::Lift,
        _ => return Err(Problem::bad("A verdict is confirm, dismiss or lift.")),
    };
    let by = who.may(app, Act::ManageConsents, Target::Program, None).await?;
    let why = reason::masked(why).await?;
    app.run(move |vault| vault.decide_opt_out(&by, id, verdict, &why)).await
}

#[derive(Deserialize)]
struct Nothing {}

async fn withdraw(
    who: Right<{ Act::ManageConsents as u8 }>,
    State(app): State<App>,
    Path(id): Path<ConsentId>,
    Form(Nothing {}): Form<Nothing>,
) -> Outcome<Response> {
    end(&app, &who, id).await?;
    Ok(done("/consents", "consent-ended"))
}

#[derive(Deserialize)]
struct Enter {
    contact: String,
    reason: String,
}

async fn enter(
    who: Right<{ Act::ManageConsents as u8 }>,
    State(app): State<App>,
    Form(f): Form<Enter>,
) -> Outcome<Response> {
    wished(&app, &who, f.contact, f.reason).await?;
    Ok(done("/consents", "opted-out"))
}

#[derive(Deserialize)]
struct Judge {
    verdict: String,
    reason: String,
}

async fn decide(
    who: Right<{ Act::ManageConsents as u8 }>,
    State(app): State<App>,
    Path(id): Path<OptOutId>,
    Form(f): Form<Judge>,
) -> Outcome<Response> {
    judged(&app, &who, id, &f.verdict, f.reason).await?;
    Ok(done("/consents", "saved"))
}
