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
pub use callvault_store::opening::{Entered, Opened};
use callvault_store::{
    State,
    gate::Target,
    group::{Commit, Lead},
};
use std::{
    sync::{Arc, mpsc},
    thread,
};

/// Keeps the purpose that was chosen last. It is no secret and gives no right.
const PURPOSE: &str = "__Host-callvault-purpose";

/// Starts the thread that commits the entries of readings. It does nothing else: the threads for requests may all wait for
/// an entry at the same time, and then none of them is left to write it. It ends with the last of those who may ask it.
pub(crate) fn clerk() -> Commit {
    let (ask, asked) = mpsc::channel::<Lead>();
    let work = move || asked.into_iter().for_each(drop);
    if let Err(e) = thread::Builder::new().name("clerk".into()).spawn(work) {
        tracing::warn!(error = %e, "no thread for entries; each is committed where it is asked for");
    }
    // Without the thread the lead comes back and is dropped here, which commits the batch too.
    Arc::new(move |lead| drop(ask.send(lead)))
}

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

/// Opens the masked words of a conversation; the reading is in the ledger before this returns. Who waits for the ledger
/// holds no thread meanwhile.
pub async fn open(app: &App, who: &Who, id: ConversationId, purpose: Option<Purpose>) -> Outcome<Opened> {
    opened(app, enter(app, who, id, purpose).await?).await
}

/// The first half: the gate has said yes and the entry is on its way.
pub async fn enter(
    app: &App,
    who: &Who,
    id: ConversationId,
    purpose: Option<Purpose>,
) -> Outcome<impl Future<Output = Result<Entered, callvault_store::Error>> + Send + use<>> {
    // The rare way is boxed: everybody would carry its room.
    let opening = match app.vault.opening_at_hand(&who.session, id, purpose) {
        Some(opening) => opening,
        None => {
            let (vault, session) = (Arc::clone(&app.vault), who.session.clone());
            Box::pin(app.run(move |_| vault.opening(&session, id, purpose))).await?
        }
    };
    Ok(opening.enter(&app.clerk))
}

/// The second half: the words, once the entry is on the disk.
pub async fn opened(
    app: &App,
    entering: impl Future<Output = Result<Entered, callvault_store::Error>>,
) -> Outcome<Opened> {
    let entered = entering.await?;
    if entered.at_hand() {
        return Ok(entered.words()?);
    }
    Box::pin(app.run(move |_| entered.words())).await
}

/// The outline of the muted recording; `None` for text and once the recording is gone.
pub async fn drawing(app: &App, of: &Arc<Opened>) -> Outcome<Option<Arc<Drawing>>> {
    let (vault, of) = (Arc::clone(&app.vault), Arc::clone(of));
    let cache = app.clone();
    tokio::task::spawn_blocking(move || {
        let Some(object) = vault.outline_of(&of)? else { return Ok(None) };
        if let Some(known) = cache.drawings.get(object) {
            return Ok(Some(known));
        }
        let drawing = match wave::draw(Box::new(vault.outline_source(&of)?)) {
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
