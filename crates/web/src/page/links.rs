//! Merge, split and undo: what would move is shown first, with a reason, after a fresh factor.

use super::{done, frame::Frame, render, step_up, subjects::short};
use crate::{
    app::App,
    extract::{Path, Query},
    linking,
    problem::{Outcome, Problem},
    right::Right,
    session::Form,
    words,
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use callvault_model::id::{ConversationId, LinkId, SubjectId};
use callvault_policy::Act;
use callvault_store::links::LinkPreview;
use serde::Deserialize;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/subjects/{id}/merge", Some(Act::LinkSubjects)),
    ("POST", "/subjects/{id}/merge", Some(Act::LinkSubjects)),
    ("POST", "/subjects/{id}/split", Some(Act::LinkSubjects)),
    ("POST", "/links/{id}/undo", Some(Act::LinkSubjects)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/subjects/{id}/merge", get(preview).post(merge))
        .route("/subjects/{id}/split", post(split))
        .route("/links/{id}/undo", post(undo))
}

#[derive(Template)]
#[template(path = "link.html")]
struct Page {
    frame: Frame,
    /// Whose conversations move.
    from: SubjectId,
    from_short: String,
    /// To whom; `None` for a new record.
    into: Option<(SubjectId, String)>,
    conversations: Vec<ConversationId>,
    moves: Vec<String>,
}

/// What moves, as people count it.
fn moves(p: &LinkPreview) -> Vec<String> {
    let of =
        |n: u64, one: &str, many: &str| format!("{} {}", words::number(n), if n == 1 { one } else { many });
    let mut out = vec![of(p.conversations, "conversation", "conversations")];
    if p.values > 0 {
        out.push(format!("{} in them", of(p.values, "hidden value", "hidden values")));
    }
    if p.contacts > 0 {
        out.push(of(
            p.contacts,
            "number or address, which leads to the other record from then on",
            "numbers and addresses, which lead to the other record from then on",
        ));
    }
    let gone = p.conversations.saturating_sub(p.sealed_anew);
    if gone > 0 {
        out.push(format!("of {} nothing is left but the entry", of(gone, "conversation", "conversations")));
    }
    out
}

#[derive(Deserialize)]
struct With {
    with: String,
}

async fn preview(
    who: Right<{ Act::LinkSubjects as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectId>,
    Query(q): Query<With>,
) -> Outcome<Response> {
    let from = linking::find(&app, &q.with).await?;
    let seen = linking::preview(&app, &who, from.id, Some(id), Vec::new()).await?;
    let page = Page {
        frame: Frame::of(&app, &who, "/subjects", None),
        from: from.id,
        from_short: short(from.id),
        into: Some((id, short(id))),
        conversations: Vec::new(),
        moves: moves(&seen),
    };
    Ok(render(&page))
}

#[derive(Deserialize)]
struct Merge {
    from: SubjectId,
    reason: String,
}

async fn merge(
    who: Right<{ Act::LinkSubjects as u8 }>,
    State(app): State<App>,
    Path(into): Path<SubjectId>,
    Form(f): Form<Merge>,
) -> Outcome<Response> {
    let page = format!("/subjects/{into}");
    match linking::merge(&app, &who, f.from, into, f.reason).await {
        Ok(_) => Ok(done(&page, "merged")),
        Err(problem) => step_up(problem, &page),
    }
}

#[derive(Deserialize)]
struct Split {
    #[serde(default)]
    conversation: Vec<ConversationId>,
    /// Absent until the preview was seen.
    #[serde(default)]
    reason: Option<String>,
}

async fn split(
    who: Right<{ Act::LinkSubjects as u8 }>,
    State(app): State<App>,
    Path(id): Path<SubjectId>,
    Form(f): Form<Split>,
) -> Outcome<Response> {
    if f.conversation.is_empty() {
        return Err(Problem::bad("Tick the conversations that are another person's; then split them off."));
    }
    let Some(reason) = f.reason else {
        let seen = linking::preview(&app, &who, id, None, f.conversation.clone()).await?;
        let page = Page {
            frame: Frame::of(&app, &who, "/subjects", None),
            from: id,
            from_short: short(id),
            into: None,
            conversations: f.conversation,
            moves: moves(&seen),
        };
        return Ok(render(&page));
    };
    match linking::split(&app, &who, id, f.conversation, reason).await {
        Ok((_, fresh)) => Ok(done(&format!("/subjects/{fresh}"), "split")),
        Err(problem) => step_up(problem, &format!("/subjects/{id}")),
    }
}

#[derive(Deserialize)]
struct Undo {
    reason: String,
    back: SubjectId,
}

async fn undo(
    who: Right<{ Act::LinkSubjects as u8 }>,
    State(app): State<App>,
    Path(id): Path<LinkId>,
    Form(f): Form<Undo>,
) -> Outcome<Response> {
    let back = format!("/subjects/{}", f.back);
    match linking::undo(&app, &who, id, f.reason).await {
        Ok(_) => Ok(done(&back, "undone")),
        Err(problem) => step_up(problem, &back),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_counted_as_people_count() {
        let p = LinkPreview { conversations: 1, sealed_anew: 1, values: 2, contacts: 1 };
        assert_eq!(
            moves(&p),
            [
                "1 conversation",
                "2 hidden values in them",
                "1 number or address, which leads to the other record from then on"
            ]
        );
        let p = LinkPreview { conversations: 3, sealed_anew: 2, values: 0, contacts: 0 };
        assert_eq!(moves(&p), ["3 conversations", "of 1 conversation nothing is left but the entry"]);
    }
}
