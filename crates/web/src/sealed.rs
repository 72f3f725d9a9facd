//! What is served while the vault is closed: that the process lives, that it waits to be opened, and nothing else. There is
//! no vault here to ask, and no session, so whoever asks gets the same answer.

use crate::{headers, page, problem::Problem, routes};
use askama::Template;
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};

/// How soon it is worth asking again, in seconds: somebody has to come and open it.
const LATER: HeaderValue = HeaderValue::from_static("30");

#[derive(Template)]
#[template(path = "sealed.html")]
struct SealedPage<'a> {
    problem: &'a Problem,
}

/// The whole service of a closed vault.
pub fn router() -> Router {
    Router::new()
        .route("/health", get(routes::health))
        .fallback(|| async { problem() })
        .method_not_allowed_fallback(|| async { problem() })
        .layer(middleware::from_fn(people_read_pages))
        .layer(middleware::from_fn(routes::limits))
        .layer(middleware::from_fn(headers::add))
}

fn problem() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "sealed",
        "The vault is sealed",
        "It was started closed, or closed since. The operator of the machine opens it with `callvault unseal`.",
    )
}

/// Browsers get the same words as a page.
async fn people_read_pages(request: Request, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let machine = request.uri().path().starts_with("/api/") || request.uri().path() == "/ready";
    let page = !machine && accept.contains("text/html");
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else { return response };
    if page {
        response = page::render(&SealedPage { problem: &problem });
        *response.status_mut() = problem.status_code();
    }
    if problem.status_code() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, LATER);
    }
    response.into_response()
}
