//! Saying that a finding is missing or wrong, and deciding on it; page and API go the same way.

use crate::{
    app::App,
    problem::{Outcome, Problem},
    reason, right,
    session::Who,
};
use callvault_flow::correct;
use callvault_model::{
    EntityType,
    id::{ConversationId, CorrectionId},
};
use callvault_policy::Act;
use callvault_store::{
    corrections::{Corrected, CorrectionRow, NewCorrection},
    gate::Target,
};
use std::collections::BTreeSet;

/// Files a correction. The note passes the detector before anything is kept.
pub(crate) async fn ask(
    app: &App,
    who: &Who,
    id: ConversationId,
    what: NewCorrection,
    note: String,
) -> Outcome<CorrectionId> {
    let note = reason::masked(note).await?;
    let by = who.may(app, Act::RequestCorrection, Target::Conversation(id), None).await?;
    app.run(move |vault| vault.request_correction(&by, id, &what, &note)).await
}

/// Another person's answer. What is accepted holds at once in the text; a recording follows by the worker.
pub(crate) async fn decide(
    app: &App,
    who: &Who,
    id: CorrectionId,
    agree: bool,
) -> Outcome<Option<Corrected>> {
    let by = who.may(app, Act::ApproveCorrection, Target::Correction(id), None).await?;
    app.run(move |vault| {
        if agree {
            return correct::accept(vault, &by, id).map(Some);
        }
        vault.refuse_correction(&by, id)?;
        Ok::<_, callvault_flow::Error>(None)
    })
    .await
}

/// Whether this request waits for the person with these rights.
pub(crate) fn waits(row: &CorrectionRow, me: &str, may: &BTreeSet<Act>) -> bool {
    row.state == "requested" && row.requested_by != me && may.contains(&Act::ApproveCorrection)
}

/// The corrections this person may see: their own, and all for those who decide.
pub(crate) async fn seen(app: &App, who: &Who, of: Option<ConversationId>) -> Outcome<Vec<CorrectionRow>> {
    // Two factors, as for everything that is read.
    who.may(app, Act::SeeOverview, Target::Program, None).await?;
    let (me, may) = (who.session.actor().to_string(), right::of(who.roles()));
    let mut rows = app.run(move |vault| vault.corrections(of, false)).await?;
    rows.retain(|r| r.requested_by == me || may.contains(&Act::ApproveCorrection));
    Ok(rows)
}

/// One of them.
pub(crate) async fn one(app: &App, who: &Who, id: CorrectionId) -> Outcome<CorrectionRow> {
    let rows = seen(app, who, None).await?;
    rows.into_iter().find(|r| r.id == id).ok_or_else(Problem::absent)
}

/// A type by its code.
pub(crate) fn entity(code: &str) -> Outcome<EntityType> {
    code.parse().map_err(|_| Problem::bad("This type of data is not known; choose one of the list."))
}
