//! The headers that every answer carries.

use crate::owed::Owed;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

/// Nothing may be loaded but our own files, nothing may frame us, and no script may write markup.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
require-trusted-types-for 'script'; trusted-types 'none'";

/// Name and value of what is added to every answer.
pub const ALWAYS: &[(&str, &str)] = &[
    ("content-security-policy", CSP),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    // Not no-referrer: under it browsers send `Origin: null` with our own forms, and the origin check would refuse them.
    ("referrer-policy", "same-origin"),
    ("strict-transport-security", "max-age=31536000"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// Adds the headers; an answer that is owed gets them when it is there.
pub async fn add(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.extensions().get::<Owed>().is_none() {
        to(response.headers_mut());
    }
    response
}

/// Whatever did not say otherwise is not kept by any cache.
pub fn to(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
