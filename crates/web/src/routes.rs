//! All addresses of the server. Pages stand in [`crate::page::PAGES`], calls of the API in the OpenAPI document; a test walks both
//! with every role.

use crate::{
    api,
    app::App,
    asset, headers,
    owed::{Counted, Owed},
    page,
    problem::{Outcome, Problem},
    session::May,
};
use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use callvault_policy::Act;
use std::time::{Duration, Instant};

/// Longest time a request may take; recordings stream under their own clock.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The whole service.
pub fn router(app: &App) -> Router {
    let pages = page::router()
        .fallback(|| async { Problem::absent() })
        .layer(middleware::from_fn_with_state(app.clone(), page::people_read_pages));
    // A form that waited for a fresh factor is sent to the same pages again.
    let again = page::carry::Pages(pages.clone().with_state(app.clone()));
    let pages = pages.layer(axum::Extension(again));
    Router::new()
        .merge(pages)
        .merge(api::router())
        .route("/assets/{hash}/{name}", get(asset::serve))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(|| async {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "Not this way",
                "This address knows other methods.",
            )
        })
        .layer(middleware::from_fn_with_state(app.clone(), count))
        .layer(middleware::from_fn(limits))
        .layer(middleware::from_fn(headers::add))
        .with_state(app.clone())
}

/// Counts requests by pattern, never by what was asked for.
async fn count(State(app): State<App>, path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let counted = Counted { app, path, begun: Instant::now() };
    let response = next.run(request).await;
    match response.extensions().get::<Owed>() {
        Some(owed) => owed.count(counted),
        None => counted.as_answered(response.status()),
    }
    response
}

/// Bounds what a stranger controls before anything reads it.
pub(crate) async fn limits(request: Request, next: Next) -> Response {
    let head: usize = request.headers().iter().map(|(n, v)| n.as_str().len() + v.len()).sum();
    if request.uri().to_string().len() > 4_096 || head > 16 * 1024 || request.headers().len() > 64 {
        return Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head-too-large",
            "Too large",
            "The address or the headers are larger than any page of ours needs.",
        )
        .into_response();
    }
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::slow().into_response(),
    }
}

/// The process answers. Says nothing else, because anyone may ask.
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// The vault can be read, so requests can be served. Anyone may ask.
async fn ready(State(app): State<App>) -> Outcome<&'static str> {
    app.run(|vault| vault.ledger_size()).await.map(|_| "ready\n").map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-ready",
            "Not ready",
            "The vault cannot be read now.",
        )
    })
}

/// Counters for Prometheus; needs a session or key that may see settings.
async fn metrics(_who: May<{ Act::SeeSettings as u8 }>, State(app): State<App>) -> Outcome<Response> {
    let (waiting, ledger) = app
        .run(|vault| {
            Ok::<_, callvault_store::Error>((vault.unfinished()?.len() as u64, vault.ledger_size()?))
        })
        .await?;
    let text = app.metrics.text(waiting, ledger);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
