//! `/subjects`: the people known, one person's conversations, who read them.

use super::{
    Refusals,
    conversations::{ConversationView, Why, limit},
};
use crate::{
    app::App,
    extract::{Path, Query},
    page::subjects,
    problem::{Outcome, Problem},
    session::{May, Who},
};
use axum::extract::State;
use callvault_model::id::SubjectId;
use callvault_policy::Act;
use callvault_store::{SubjectRow, reading::ReaderRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// One person, without name or number.
#[derive(Serialize, ToSchema)]
struct SubjectLine {
    /// Their id.
    id: String,
    /// The part they play.
    role: String,
    /// No address is known that would recognise them again.
    provisional: bool,
    /// Conversations they took part in.
    conversations: u64,
    /// When the key was destroyed, RFC 3339.
    erased_at: Option<String>,
}

impl From<SubjectRow> for SubjectLine {
    fn from(s: SubjectRow) -> Self {
        Self {
            id: s.id.to_string(),
            role: s.role,
            provisional: s.provisional,
            conversations: s.conversations,
            erased_at: s.erased_at,
        }
    }
}

/// One page of people, newest first.
#[derive(Serialize, ToSchema)]
struct SubjectList {
    /// The page.
    subjects: Vec<SubjectLine>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// Where to go on.
#[derive(Deserialize, IntoParams, Default)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Go {
    /// Where the last page ended.
    after: String,
    /// Rows, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// People, without names
#[utoipa::path(get, path = "/api/v1/subjects", tag = "subjects", params(Go),
    responses((status = 200, body = SubjectList), Refusals))]
async fn list(
    _: May<{ Act::ListSubjects as u8 }>,
    State(app): State<App>,
    Query(q): Query<Go>,
) -> Outcome<axum::Json<SubjectList>> {
    let rows = limit(q.limit)?;
    let after: Option<SubjectId> = match q.after.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| Problem::bad("The place to go on is not known."))?),
    };
    let page = app.run(move |vault| vault.subjects_page(after, rows)).await?;
    let next = page.next.map(|id| id.to_string());
    Ok(axum::Json(SubjectList { subjects: page.rows.into_iter().map(Into::into).collect(), next }))
}

/// One reading, from the ledger.
#[derive(Serialize, ToSchema)]
struct ReaderView {
    /// Number of its entry.
    seq: u64,
    /// RFC 3339.
    at: String,
    /// Who, as the ledger names them.
    actor: String,
    /// `access.permitted`, `access.revealed` or `access.denied`.
    kind: String,
    /// The act.
    act: Option<String>,
    /// What for.
    purpose: Option<String>,
    /// Which conversation.
    conversation: Option<String>,
}

impl From<ReaderRow> for ReaderView {
    fn from(r: ReaderRow) -> Self {
        Self {
            seq: r.seq,
            at: r.at,
            actor: r.actor,
            kind: r.kind,
            act: r.act,
            purpose: r.purpose,
            conversation: r.conversation.map(|id| id.to_string()),
        }
    }
}

/// One person's page.
#[derive(Serialize, ToSchema)]
struct SubjectPage {
    /// Who, without name or number.
    subject: SubjectLine,
    /// Their conversations.
    conversations: Vec<ConversationView<'static>>,
    /// Who read them, newest first, refusals included.
    readers: Vec<ReaderView>,
}

/// One person: conversations, and who read them
#[utoipa::path(get, path = "/api/v1/subjects/{id}", tag = "subjects", params(("id" = String, Path), Why),
    responses((status = 200, body = SubjectPage), Refusals))]
async fn read(
    who: Who,
    State(app): State<App>,
    Path(id): Path<SubjectId>,
    Query(why): Query<Why>,
) -> Outcome<axum::Json<SubjectPage>> {
    let purpose = why.purpose()?.ok_or_else(|| {
        Problem::refused(
            "needs_purpose",
            "A purpose is missing, and every reading has one. Choose why you need this.",
        )
    })?;
    let view = subjects::open(&app, &who, id, purpose).await?;
    Ok(axum::Json(SubjectPage {
        subject: view.subject.into(),
        conversations: view.conversations.into_iter().map(Into::into).collect(),
        readers: view.readers.into_iter().map(Into::into).collect(),
    }))
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}
