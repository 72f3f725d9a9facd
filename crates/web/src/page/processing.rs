//! `/processing`: purpose and lawful basis of each channel, who answers for it, and the record of processing.

use super::{
    done,
    frame::{Done, Frame},
    render, step_up,
};
use crate::{
    app::App,
    extract::{Path, Query},
    problem::{Outcome, Problem},
    right::{self, Right},
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
use callvault_model::Channel;
use callvault_policy::Act;
use callvault_program::record::{Record, record};
use callvault_store::{
    Vault,
    gate::Target,
    processing::{BASES, CONDITIONS, Controller, PURPOSES},
};
use serde::Deserialize;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/processing", Some(Act::SeeLaw)),
    ("POST", "/processing/channels/{channel}", Some(Act::ChangeLaw)),
    ("POST", "/processing/controller", Some(Act::ChangeLaw)),
    ("GET", "/processing/record", Some(Act::SeeLaw)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/processing", get(show))
        .route("/processing/channels/{channel}", post(change))
        .route("/processing/controller", post(controller))
        .route("/processing/record", get(read))
}

struct Choice {
    code: &'static str,
    name: &'static str,
    on: bool,
}

struct Line {
    code: String,
    name: &'static str,
    purposes: Vec<Choice>,
    bases: Vec<Choice>,
    conditions: Vec<Choice>,
    set: bool,
    changed: String,
}

#[derive(Template)]
#[template(path = "processing.html")]
struct Page {
    frame: Frame,
    lines: Vec<Line>,
    controller: Controller,
    may: bool,
}

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage {
    frame: Frame,
    r: Record,
    made: String,
}

fn choices(list: &'static [(&'static str, &'static str)], on: impl Fn(&str) -> bool) -> Vec<Choice> {
    list.iter().map(|(code, name)| Choice { code, name, on: on(code) }).collect()
}

async fn show(
    who: May<{ Act::SeeLaw as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let (all, controller) = app
        .run(|vault: &Vault| Ok::<_, callvault_store::Error>((vault.processing()?, vault.controller()?)))
        .await?;
    let line = |p: callvault_store::processing::Processing| Line {
        name: words::channel(&p.channel),
        purposes: choices(&PURPOSES, |c| p.purposes.iter().any(|x| x == c)),
        bases: choices(&BASES, |c| c == p.basis),
        conditions: choices(&CONDITIONS, |c| c == p.condition),
        set: !p.basis.is_empty(),
        changed: p.changed_at.as_deref().map(words::when).unwrap_or_default(),
        code: p.channel,
    };
    Ok(render(&Page {
        frame: Frame::of(&app, &who, "/law", q.done.as_deref()),
        lines: all.into_iter().map(line).collect(),
        controller,
        may: right::of(who.roles()).contains(&Act::ChangeLaw),
    }))
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    purpose: Vec<String>,
    basis: String,
    #[serde(default)]
    condition: String,
}

/// Sets purpose and basis of a channel; the API does it the same way.
pub(crate) async fn set(
    app: &App,
    who: &Who,
    channel: &str,
    purposes: Vec<String>,
    basis: String,
    condition: String,
) -> Outcome<()> {
    let channel = super::retention::CHANNELS.into_iter().find(|c: &Channel| c.as_str() == channel);
    let channel = channel.ok_or_else(|| Problem::bad("This channel is not known."))?;
    let by = who.may(app, Act::ChangeLaw, Target::Program, None).await?;
    app.run(move |vault| vault.set_processing(&by, channel, &purposes, &basis, &condition)).await
}

/// Sets who answers for the processing; the API does it the same way.
pub(crate) async fn set_controller(app: &App, who: &Who, to: Controller) -> Outcome<()> {
    let texts = [&to.name, &to.contact, &to.officer, &to.recipients, &to.transfers];
    if texts.iter().any(|t| t.chars().count() > 4_000) {
        return Err(Problem::bad("A field has at most 4,000 characters."));
    }
    let by = who.may(app, Act::ChangeLaw, Target::Program, None).await?;
    app.run(move |vault| vault.set_controller(&by, &to)).await
}

/// The record, from the configuration as it is now.
pub(crate) async fn made(app: &App) -> Outcome<Record> {
    app.run(|vault| record(vault, vault.clock().now())).await
}

async fn change(
    who: Right<{ Act::ChangeLaw as u8 }>,
    State(app): State<App>,
    Path(channel): Path<String>,
    Form(f): Form<Change>,
) -> Outcome<Response> {
    match set(&app, &who, &channel, f.purpose, f.basis, f.condition).await {
        Ok(()) => Ok(done("/processing", "saved")),
        Err(problem) => step_up(problem, "/processing"),
    }
}

#[derive(Deserialize)]
struct Answers {
    name: String,
    contact: String,
    officer: String,
    recipients: String,
    transfers: String,
}

async fn controller(
    who: Right<{ Act::ChangeLaw as u8 }>,
    State(app): State<App>,
    Form(f): Form<Answers>,
) -> Outcome<Response> {
    let to = Controller {
        name: f.name,
        contact: f.contact,
        officer: f.officer,
        recipients: f.recipients,
        transfers: f.transfers,
    };
    match set_controller(&app, &who, to).await {
        Ok(()) => Ok(done("/processing", "saved")),
        Err(problem) => step_up(problem, "/processing"),
    }
}

async fn read(who: May<{ Act::SeeLaw as u8 }>, State(app): State<App>) -> Outcome<Response> {
    let r = made(&app).await?;
    let made = words::when(&r.made_at);
    Ok(render(&RecordPage { frame: Frame::of(&app, &who, "/law", None), r, made }))
}
