//! `/settings/collection`: which of what a source tells is kept at all, and how often the rest was dropped.

use super::{
    done,
    frame::{Done, Frame},
    render, step_up,
};
use crate::{
    app::App,
    extract::Query,
    problem::{Outcome, Problem},
    right::{self, Right},
    session::{Form, May, Who},
    words,
};
use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use callvault_model::Channel;
use callvault_policy::Act;
use callvault_store::{Vault, collection::Field, gate::Target};
use serde::Deserialize;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/settings/collection", Some(Act::SeeSettings)),
    ("POST", "/settings/collection", Some(Act::ChangeCollection)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new().route("/settings/collection", get(show).post(change))
}

struct Line {
    channel: &'static str,
    channel_code: &'static str,
    field: &'static str,
    field_code: &'static str,
    keep: bool,
    can: bool,
    changed: bool,
    dropped: String,
}

#[derive(Template)]
#[template(path = "collection.html")]
struct Page {
    frame: Frame,
    lines: Vec<Line>,
    may: bool,
}

fn name(field: Field) -> &'static str {
    match field {
        Field::CallerId => "Telephone numbers and addresses of the people",
        Field::Name => "Names of customers",
        Field::AgentName => "Names of agents",
        Field::FileName => "File names",
        Field::SubjectLine => "Subject lines",
        Field::StartedAt => "When it began",
        Field::Notes => "Notes beside it",
        Field::Cdr => "Call detail records beside it",
    }
}

async fn show(
    who: May<{ Act::SeeSettings as u8 }>,
    State(app): State<App>,
    Query(q): Query<Done>,
) -> Outcome<Response> {
    let rules = app.run(Vault::collection_policy).await?;
    let line = |r: callvault_store::collection::CollectionRule| Line {
        channel: words::channel(r.channel.as_str()),
        channel_code: r.channel.as_str(),
        field: name(r.field),
        field_code: r.field.as_str(),
        keep: r.keep,
        can: r.field.can_be_kept(),
        changed: r.changed,
        dropped: words::number(r.dropped),
    };
    let page = Page {
        frame: Frame::of(&app, &who, "/settings", q.done.as_deref()),
        lines: rules.into_iter().map(line).collect(),
        may: right::of(who.roles()).contains(&Act::ChangeCollection),
    };
    Ok(render(&page))
}

#[derive(Deserialize)]
struct Change {
    channel: String,
    field: String,
    keep: bool,
}

/// Changes one rule; the API changes it the same way.
pub(crate) async fn set(app: &App, who: &Who, channel: &str, field: &str, keep: bool) -> Outcome<()> {
    let channel = super::retention::CHANNELS.into_iter().find(|c: &Channel| c.as_str() == channel);
    let channel = channel.ok_or_else(|| Problem::bad("This channel is not known."))?;
    let field = Field::parse(field).ok_or_else(|| Problem::bad("This field is not known."))?;
    let by = who.may(app, Act::ChangeCollection, Target::Program, None).await?;
    app.run(move |vault| vault.set_collection(&by, channel, field, keep)).await
}

async fn change(
    who: Right<{ Act::ChangeCollection as u8 }>,
    State(app): State<App>,
    Form(f): Form<Change>,
) -> Outcome<Response> {
    match set(&app, &who, &f.channel, &f.field, f.keep).await {
        Ok(()) => Ok(done("/settings/collection", "saved")),
        Err(problem) => step_up(problem, "/settings/collection"),
    }
}
