//! Carrying on after a fresh factor: the form that was refused for an old one is sent again, as it was typed.

use crate::{
    app::App,
    extract,
    kept::{MOST_BYTES, Typed},
    session::{self, COOKIE},
};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, Method, header},
    response::{IntoResponse, Redirect, Response},
};
use callvault_model::Secret;
use tower::ServiceExt;

/// Marks an answer that asks for a fresh factor.
#[derive(Clone, Copy)]
pub(crate) struct Asked;

/// The pages, to send a kept form to; they hold no step-up of a step-up.
#[derive(Clone)]
pub(crate) struct Pages(pub Router);

/// To the page that asks for a fresh factor, and back from there.
pub(crate) fn ask(back: &str) -> Response {
    let mut response = Redirect::to(&format!("/step-up?next={back}")).into_response();
    response.extensions_mut().insert(Asked);
    response
}

/// Reads a small form before its handler does, so that it can be kept.
pub(super) async fn held(request: Request) -> (Request, Option<Typed>) {
    let Some((path, content_type)) = form_of(&request) else { return (request, None) };
    let (parts, body) = request.into_parts();
    // What cannot be read here cannot be read by the handler either, which says so.
    let Ok(bytes) = axum::body::to_bytes(body, MOST_BYTES).await else {
        return (Request::from_parts(parts, Body::empty()), None);
    };
    let typed = Typed { path, content_type, body: Secret::new(bytes.to_vec()) };
    (Request::from_parts(parts, Body::from(bytes)), Some(typed))
}

/// Address and type of a small form that somebody signed in sent.
fn form_of(request: &Request) -> Option<(String, String)> {
    let says = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
    let length: usize = says(header::CONTENT_LENGTH)?.parse().ok()?;
    let form = matches!(
        extract::content_type(request),
        Some("application/x-www-form-urlencoded" | "multipart/form-data")
    );
    let known = request.method() == Method::POST && session::cookie(request.headers(), COOKIE).is_some();
    if !form || !known || length > MOST_BYTES {
        return None;
    }
    let path = request.uri().path_and_query()?.as_str().to_owned();
    // A factor itself is never kept.
    if path.starts_with("/step-up") || path.starts_with("/sign-in") {
        return None;
    }
    Some((path, says(header::CONTENT_TYPE)?.to_owned()))
}

/// Keeps what was typed for this session.
pub(super) fn keep(app: &App, token: Option<String>, typed: Option<Typed>) {
    let (Some(token), Some(typed)) = (token, typed) else { return };
    if let Err(e) = app.kept.put(&token, &typed, app.vault.clock().now()) {
        // Then it is typed again, as it was before anything was kept.
        tracing::warn!(error = %e, "a form could not be kept");
    }
}

/// The handle of what waits in this session, for the page that asks for the factor.
pub(super) fn waits(app: &App, headers: &HeaderMap) -> Option<String> {
    app.kept.waits(session::cookie(headers, COOKIE)?, app.vault.clock().now())
}

/// Sends the kept form again; `None` where nothing waits.
pub(super) async fn on(app: &App, pages: &Pages, headers: &HeaderMap, handle: &str) -> Option<Response> {
    let token = session::cookie(headers, COOKIE)?;
    let typed = app.kept.take(token, handle, app.vault.clock().now())?;
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&typed.path)
        .header(header::CONTENT_TYPE, &typed.content_type)
        .header(header::CONTENT_LENGTH, typed.body.expose().len());
    for name in [header::COOKIE, header::ORIGIN, header::HOST] {
        if let Some(value) = headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let request = request.body(Body::from(typed.body.expose().clone())).ok()?;
    pages.0.clone().oneshot(request).await.ok()
}

/// Forgets what waits in this session.
pub(super) fn forget(app: &App, headers: &HeaderMap) {
    if let Some(token) = session::cookie(headers, COOKIE) {
        app.kept.forget(token);
    }
}
