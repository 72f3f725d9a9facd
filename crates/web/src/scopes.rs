//! The scope that was read last, for its next pages: all of them are of one computation, which takes seconds over a
//! million entries. Reading a page writes into the ledger, so the ledger's size says nothing of whether it is stale.

use crate::{app::App, problem::Outcome};
use callvault_model::id::IncidentId;
use callvault_store::incident::Scope;
use std::{sync::Arc, time::Duration};

/// So long its pages can be fetched; then it is computed anew, and its memory is free.
const KEPT: Duration = Duration::from_secs(300);

/// The one kept.
#[derive(Default)]
pub struct Scopes(Arc<tokio::sync::Mutex<Option<(IncidentId, Arc<Scope>)>>>);

impl Scopes {
    /// The scope of an incident as it was asked last, computed; `None`: none was asked for yet. A later page (`go_on`) is
    /// of the scope whose first page was read, if that is still here. One is computed at a time.
    pub async fn of(&self, app: &App, id: IncidentId, go_on: bool) -> Outcome<Option<Arc<Scope>>> {
        let query = app.run(move |vault| vault.incident(id)).await?.query;
        let Some(query) = query else { return Ok(None) };
        let mut kept = self.0.lock().await;
        if let (true, Some((of, scope))) = (go_on, kept.as_ref())
            && *of == id
            && scope.query == query
        {
            return Ok(Some(Arc::clone(scope)));
        }
        let scope = Arc::new(app.run(move |vault| vault.scope(&query)).await?);
        *kept = Some((id, Arc::clone(&scope)));
        drop(kept);
        let (all, this) = (Arc::downgrade(&self.0), Arc::downgrade(&scope));
        tokio::spawn(async move {
            tokio::time::sleep(KEPT).await;
            if let Some(all) = all.upgrade() {
                all.lock().await.take_if(|(_, scope)| this.as_ptr() == Arc::as_ptr(scope));
            }
        });
        Ok(Some(scope))
    }
}
