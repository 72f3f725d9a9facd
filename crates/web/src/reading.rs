//! Opening a conversation for a purpose. The purpose is chosen once and remembered by the browser for its session; the
//! gate judges it anew at every reading.

use crate::{
    app::App,
    problem::{Outcome, Problem},
    session::{self, Who},
    wave::{self, Drawing},
};
use axum::http::{HeaderMap, HeaderValue};
use callvault_model::id::ConversationId;
use callvault_policy::{Act, Purpose};
use callvault_store::{
    FindingDetail, MaskedConversation, State,
    gate::{ReadMasked, Target},
};
use std::sync::Arc;

/// Keeps the purpose that was chosen last. It is no secret and gives no right.
const PURPOSE: &str = "__Host-callvault-purpose";

/// The purpose chosen before, if any.
pub fn remembered(headers: &HeaderMap) -> Option<Purpose> {
    session::cookie(headers, PURPOSE)?.parse().ok()
}

/// Remembers a purpose until the browser is closed.
pub fn remember(purpose: Purpose) -> Option<HeaderValue> {
    session::set_cookie(PURPOSE, purpose.as_str())
}

/// A purpose given in a form or query.
pub fn given(text: &str) -> Result<Purpose, Problem> {
    text.parse().map_err(|e: callvault_policy::purpose::ParsePurposeError| {
        Problem::bad(format!("The purpose is unknown: {e}."))
    })
}

/// The purposes for which this person may do the act on this thing now.
pub async fn purposes(app: &App, who: &Who, act: Act, target: Target) -> Outcome<Vec<Purpose>> {
    let session = who.session.clone();
    app.run(move |vault| {
        let mut out = Vec::new();
        for purpose in Purpose::ALL {
            if vault.could(&session, act, &target, Some(*purpose))? {
                out.push(*purpose);
            }
        }
        Ok::<_, callvault_store::Error>(out)
    })
    .await
}

/// Whether anybody may read it, as far as its state goes.
pub fn finished(state: State) -> bool {
    matches!(state, State::Recorded | State::Shredding | State::Disposed)
}

/// A conversation that was opened by a permit, with what is shown beside its words.
pub struct Opened {
    /// Masked words.
    pub conversation: MaskedConversation,
    /// Findings with their reasons.
    pub findings: Vec<FindingDetail>,
}

/// Opens the masked words of a conversation; the reading is in the ledger before this returns.
pub async fn open(app: &App, who: &Who, id: ConversationId, purpose: Option<Purpose>) -> Outcome<Opened> {
    let session = who.session.clone();
    app.run(move |vault| {
        let permit = vault.permit::<ReadMasked>(&session, Target::Conversation(id), purpose, None)?;
        let conversation = vault.read_masked(permit)?;
        let findings = vault.finding_details(&conversation)?;
        Ok::<_, callvault_store::Error>(Opened { conversation, findings })
    })
    .await
}

/// The outline of the muted recording; `None` for text and once the recording is gone.
pub async fn drawing(app: &App, of: &Arc<Opened>) -> Outcome<Option<Arc<Drawing>>> {
    let (vault, of) = (Arc::clone(&app.vault), Arc::clone(of));
    let cache = app.clone();
    tokio::task::spawn_blocking(move || {
        let read = &of.conversation;
        let Some(object) = vault.outline_of(read)? else { return Ok(None) };
        if let Some(known) = cache.drawings.get(object) {
            return Ok(Some(known));
        }
        let drawing = match wave::draw(Box::new(vault.outline_source(read)?)) {
            Ok(drawing) => Arc::new(drawing),
            Err(e) => {
                // A recording without a picture can still be heard and read.
                tracing::warn!(error = %e, "an outline cannot be drawn");
                return Ok(None);
            }
        };
        cache.drawings.put(object, Arc::clone(&drawing));
        Ok::<_, callvault_store::Error>(Some(drawing))
    })
    .await
    .map_err(|e| Problem::internal(&e))?
    .map_err(Problem::from)
}
