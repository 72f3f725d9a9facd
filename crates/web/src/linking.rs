//! Merging and splitting people; page and API go the same way.

use crate::{
    app::App,
    problem::{Outcome, Problem},
    reason,
    session::Who,
};
use callvault_model::id::{ConversationId, LinkId, SubjectId};
use callvault_policy::Act;
use callvault_store::{
    SubjectRow,
    gate::Target,
    links::{LinkPreview, LinkRow},
};

/// The end of an id by which people are told apart on pages.
const SHORT: usize = 8;

/// Everything of `from` belongs to `into` from now on.
pub(crate) async fn merge(
    app: &App,
    who: &Who,
    from: SubjectId,
    into: SubjectId,
    why: String,
) -> Outcome<LinkId> {
    let why = reason::masked(why).await?;
    let by = who.may(app, Act::LinkSubjects, Target::Subject(from), Some(why.clone())).await?;
    app.run(move |vault| vault.merge_subjects(&by, from, into, &why)).await
}

/// These conversations belong to a record of their own from now on.
pub(crate) async fn split(
    app: &App,
    who: &Who,
    subject: SubjectId,
    conversations: Vec<ConversationId>,
    why: String,
) -> Outcome<(LinkId, SubjectId)> {
    let why = reason::masked(why).await?;
    let by = who.may(app, Act::LinkSubjects, Target::Subject(subject), Some(why.clone())).await?;
    app.run(move |vault| vault.split_subject(&by, subject, &conversations, &why)).await
}

/// What was moved and is still there goes back.
pub(crate) async fn undo(app: &App, who: &Who, id: LinkId, why: String) -> Outcome<LinkRow> {
    let why = reason::masked(why).await?;
    let row = one(app, id).await?;
    let by = who.may(app, Act::LinkSubjects, Target::Subject(row.into), Some(why.clone())).await?;
    app.run(move |vault| vault.undo_link(&by, id, &why)).await?;
    one(app, id).await
}

/// One merge or split.
async fn one(app: &App, id: LinkId) -> Outcome<LinkRow> {
    let rows = app.run(|vault| vault.subject_links(None)).await?;
    rows.into_iter().find(|r| r.id == id).ok_or_else(Problem::absent)
}

/// What a merge, or a split where nothing else is named, would move.
pub(crate) async fn preview(
    app: &App,
    who: &Who,
    from: SubjectId,
    into: Option<SubjectId>,
    only: Vec<ConversationId>,
) -> Outcome<LinkPreview> {
    who.may(app, Act::ListSubjects, Target::Program, None).await?;
    app.run(move |vault| vault.link_preview(from, into, &only)).await
}

/// A person by the id, or by the eight characters that pages show.
pub(crate) async fn find(app: &App, name: &str) -> Outcome<SubjectRow> {
    let name = name.trim().to_ascii_lowercase();
    if name.len() < SHORT {
        return Err(Problem::bad("Name the other record by its eight characters, or by its whole id."));
    }
    let mut found = app.run(callvault_store::Vault::subjects).await?;
    found.retain(|s| s.id.to_string().ends_with(&name));
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => Err(Problem::bad("Several records end in this; give the whole id.")),
        (None, _) => {
            Err(Problem::bad("No record of a person ends in this; copy it from the list of subjects."))
        }
    }
}
