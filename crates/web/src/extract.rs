//! Our own extractors, so that every rejection is a documented problem and never plain text of a library.

use crate::problem::Problem;
use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Largest form or JSON body; uploads have their own route and limit.
pub const MAX_BODY: usize = 64 * 1024;

/// A body of that size that takes longer is dripped on purpose.
const BODY: Duration = Duration::from_secs(15);

/// Parts of the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // What does not parse as an id names nothing.
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| Problem::absent())
    }
}

/// The query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        serde_html_form::from_str(parts.uri.query().unwrap_or_default())
            .map(Self)
            .map_err(|_| Problem::bad("The query has an unknown, missing or malformed parameter."))
    }
}

/// A JSON body.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = content_type(&request).is_some_and(|t| t == "application/json");
        if !json {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type",
                "Send JSON",
                "The body must be application/json.",
            ));
        }
        let body = read(request).await?;
        serde_json::from_slice(&body).map(Self).map_err(|e| {
            // The position helps; the library's words could repeat what was sent.
            Problem::bad(format!(
                "The JSON is malformed or has an unknown, missing or mistyped member (line {}, column {}).",
                e.line(),
                e.column()
            ))
        })
    }
}

/// The media type without its parameters.
pub fn content_type(request: &Request) -> Option<&str> {
    let value = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim())
}

/// The whole body, bounded in size and time.
pub async fn read(request: Request) -> Result<bytes::Bytes, Problem> {
    let whole = axum::body::to_bytes(request.into_body(), MAX_BODY);
    let Ok(read) = tokio::time::timeout(BODY, whole).await else {
        return Err(Problem::slow());
    };
    read.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "Too large",
            format!("The body must arrive whole and be at most {MAX_BODY} bytes; files go through /api/v1/uploads."),
        )
    })
}
