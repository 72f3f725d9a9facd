//! Certificates of erased people and overwritten drives as files, for `callvault certificate verify`.

use crate::{app::App, destroyed, extract::Path, problem::Outcome, session::May};
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use callvault_model::id::CertificateId;
use callvault_policy::Act;

/// This file's pages.
pub const PAGES: super::Pages = &[
    ("GET", "/disposal/people/{certificate}", Some(Act::SeeSubjectRequests)),
    ("GET", "/disposal/drives/{certificate}", Some(Act::SeeMedia)),
];

/// This file's routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/disposal/people/{certificate}", get(person))
        .route("/disposal/drives/{certificate}", get(drive))
}

async fn person(
    _: May<{ Act::SeeSubjectRequests as u8 }>,
    State(app): State<App>,
    Path(id): Path<CertificateId>,
) -> Outcome<Response> {
    Ok(file(destroyed::person(&app, id).await?, "attachment; filename=\"receipt.json\""))
}

async fn drive(
    _: May<{ Act::SeeMedia as u8 }>,
    State(app): State<App>,
    Path(id): Path<CertificateId>,
) -> Outcome<Response> {
    Ok(file(destroyed::drive(&app, id).await?, "attachment; filename=\"certificate.json\""))
}

/// A signed JSON as a download.
pub(super) fn file(body: String, as_what: &'static str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(as_what));
    response
}
