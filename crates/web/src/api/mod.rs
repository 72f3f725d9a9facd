//! `/api/v1`: the same acts as the console, for machines. The document at `/api/v1/openapi.json` is generated from the
//! handlers and kept in `docs/openapi.json`.

mod accounts;
mod certificates;
mod collection;
mod consents;
mod conversations;
mod corrections;
mod decisions;
mod grants;
mod incidents;
mod keys;
mod law;
mod ledger;
mod links;
mod media;
mod paged;
mod posture;
mod quarantine;
mod retention;
mod reveals;
mod rights;
mod scope_part;
mod session;
mod shared;
mod subjects;
mod training;
mod uploads;

use crate::{app::App, problem::Problem, session::Who};
use axum::{Json, Router, routing::get};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "callvault",
        description = "Conversations in, and out only what each caller may see. Times are RFC 3339 in UTC, places in a \
        recording are milliseconds, ids are UUIDs. Every refusal is an RFC 9457 problem with a stable type."
    ),
    components(schemas(Problem)),
    security(("key" = []), ("session" = [])),
    modifiers(&Security)
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let schemes = &mut document.components.get_or_insert_default().security_schemes;
        schemes.insert("key".into(), SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)).into());
        schemes.insert(
            "session".into(),
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(crate::session::COOKIE))).into(),
        );
    }
}

/// The refusals every call may answer with, for the document.
#[derive(utoipa::IntoResponses)]
pub enum Refusals {
    /// The request cannot be read.
    #[response(status = 400, content_type = "application/problem+json")]
    Bad(#[to_schema] Problem),
    /// Nobody is signed in.
    #[response(status = 401, content_type = "application/problem+json")]
    SignIn(#[to_schema] Problem),
    /// A rule or a person says no; the type tells which.
    #[response(status = 403, content_type = "application/problem+json")]
    Refused(#[to_schema] Problem),
    /// Nothing is there, or it is not for this caller to know.
    #[response(status = 404, content_type = "application/problem+json")]
    Absent(#[to_schema] Problem),
    /// This address knows other methods.
    #[response(status = 405, content_type = "application/problem+json")]
    Method(#[to_schema] Problem),
    /// It did not arrive, or was not done, within a minute.
    #[response(status = 408, content_type = "application/problem+json")]
    Slow(#[to_schema] Problem),
    /// Something else is true by now.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] Problem),
    /// It was destroyed.
    #[response(status = 410, content_type = "application/problem+json")]
    Gone(#[to_schema] Problem),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] Problem),
    /// The body has another type.
    #[response(status = 415, content_type = "application/problem+json")]
    MediaType(#[to_schema] Problem),
    /// Address or headers are too large.
    #[response(status = 431, content_type = "application/problem+json")]
    Head(#[to_schema] Problem),
    /// Too many tries.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(#[to_schema] Problem),
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(session::router())
        .merge(conversations::router())
        .merge(reveals::router())
        .merge(corrections::router())
        .merge(subjects::router())
        .merge(links::router())
        .merge(accounts::router())
        .merge(collection::router())
        .merge(decisions::router())
        .merge(grants::router())
        .merge(incidents::router())
        .merge(keys::router())
        .merge(ledger::router())
        .merge(quarantine::router())
        .merge(retention::router())
        .merge(rights::router())
        .merge(uploads::router())
        .merge(training::router())
        .merge(posture::router())
        .merge(media::router())
        .merge(certificates::router())
        .merge(law::router())
        .merge(consents::router())
}

/// The document, as committed.
pub fn document() -> utoipa::openapi::OpenApi {
    shared::refusals(documented().into_openapi())
}

/// The routes.
pub fn router() -> Router<App> {
    let (router, document) = documented().split_for_parts();
    let document = shared::refusals(document);
    router.route("/api/v1/openapi.json", get(move |_: Who| async move { Json(document) }))
}
