//! From elsewhere, or without the proof of our own page.

use super::Run;
use crate::world::{ORIGIN, PASSWORD};
use callvault_policy::Role;
use futures_util::future::FutureExt;

/// What is tried.
pub fn all() -> Vec<(&'static str, Run)> {
    vec![
        ("the right factors sent from another site", |s| {
            async move {
                let s = s.later(60);
                s.sign_in_from("dana", PASSWORD, &s.now(), &[("origin", "https://evil.example")]).await
            }
            .boxed()
        }),
        ("the right factors sent without an origin", |s| {
            async move {
                let s = s.later(60);
                s.sign_in_from("dana", PASSWORD, &s.now(), &[]).await
            }
            .boxed()
        }),
        ("the right factors sent from a sandboxed frame", |s| {
            async move {
                let s = s.later(60);
                s.sign_in_from("dana", PASSWORD, &s.now(), &[("origin", "null")]).await
            }
            .boxed()
        }),
        ("the right factors in a cross-site request", |s| {
            async move {
                let s = s.later(60);
                s.sign_in_from(
                    "dana",
                    PASSWORD,
                    &s.now(),
                    &[("origin", ORIGIN), ("sec-fetch-site", "cross-site")],
                )
                .await
            }
            .boxed()
        }),
        ("the right factors on another port of this host", |s| {
            async move {
                let s = s.later(60);
                s.sign_in_from("dana", PASSWORD, &s.now(), &[("origin", "https://localhost:9999")]).await
            }
            .boxed()
        }),
        ("a form of a live session from another site", |s| {
            async move {
                let body = format!("csrf={}", s.dana.browser.session.form_token());
                s.form(&s.dana.browser, "/account/recovery", &[("origin", "https://evil.example")], body)
                    .await
            }
            .boxed()
        }),
        ("a form of a live session without its proof", |s| {
            async move { s.form(&s.dana.browser, "/account/recovery", &[("origin", ORIGIN)], String::new()).await }.boxed()
        }),
        ("a form of a live session with another session's proof", |s| {
            async move {
                let other = s.w.browser("other", &[Role::PrivacyOfficer]);
                let body = format!("csrf={}", other.session.form_token());
                s.form(&s.dana.browser, "/account/recovery", &[("origin", ORIGIN)], body).await
            }
            .boxed()
        }),
        ("a call of the API by a cookie from another site", |s| {
            async move {
                let cookie = format!("__Host-callvault={}", s.dana.browser.token);
                let headers = [("origin", "https://evil.example"), ("cookie", cookie.as_str())];
                s.send("/api/v1/holds", &headers, "application/json", "{}".into()).await
            }
            .boxed()
        }),
        ("a call of the API by a cookie without an origin", |s| {
            async move {
                let cookie = format!("__Host-callvault={}", s.dana.browser.token);
                s.send("/api/v1/holds", &[("cookie", cookie.as_str())], "application/json", "{}".into()).await
            }
            .boxed()
        }),
        ("a call of the API disguised as a plain form", |s| {
            async move {
                let cookie = format!("__Host-callvault={}", s.dana.browser.token);
                let headers = [("origin", ORIGIN), ("cookie", cookie.as_str())];
                s.send("/api/v1/holds", &headers, "text/plain", "{}".into()).await
            }
            .boxed()
        }),
    ]
}
