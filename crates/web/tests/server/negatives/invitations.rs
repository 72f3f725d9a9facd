//! By invitations.

use super::{FORM, Run, Scene, at_home};
use crate::world::{Answer, ORIGIN, PASSWORD};
use axum::{body::Body, http::Request};
use callvault_store::Actor;
use futures_util::future::FutureExt;
use serde_json::{Value, json};

/// What is tried.
pub fn all() -> Vec<(&'static str, Run)> {
    async fn open(s: &Scene, link: &str) -> Answer {
        let request = Request::get(format!("/enrol/{link}")).body(Body::empty()).unwrap();
        s.w.send(request).await
    }
    vec![
        ("an invitation after a day", |s| {
            async move {
                let link = s.invite("new");
                assert_eq!(open(&s, &link).await.status, 200);
                let s = s.later(24 * 3600);
                open(&s, &link).await
            }
            .boxed()
        }),
        ("an invitation that was used", |s| async move { open(&s, &s.dana.link).await }.boxed()),
        ("an invitation that was guessed", |s| {
            async move { open(&s, &format!("cvi_{}", "A".repeat(43))).await }.boxed()
        }),
        ("an invitation of which one character was changed", |s| {
            async move {
                let mut link = s.invite("new");
                link.replace_range(12..13, if link.as_bytes()[12] == b'A' { "B" } else { "A" });
                open(&s, &link).await
            }
            .boxed()
        }),
        ("an invitation that a newer one replaced", |s| {
            async move {
                let link = s.invite("new");
                let id = s.w.vault.account_by_login("new").unwrap().id;
                s.w.vault.reinvite(&Actor::LocalOperator, id).unwrap();
                open(&s, &link).await
            }
            .boxed()
        }),
        ("an invitation of somebody suspended", |s| {
            async move {
                let link = s.invite("new");
                let id = s.w.vault.account_by_login("new").unwrap().id;
                s.w.vault.revoke(&Actor::LocalOperator, id).unwrap();
                open(&s, &link).await
            }
            .boxed()
        }),
        ("an invitation as a session", |s| {
            async move {
                let link = s.invite("new");
                s.with_session(&link).await
            }
            .boxed()
        }),
        ("enrolling from another site", |s| {
            async move {
                let link = s.invite("new");
                let form = format!("password={}&code=123456&step=x", PASSWORD.replace(' ', "+"));
                s.send(&format!("/enrol/{link}"), &[("origin", "https://evil.example")], FORM, form).await
            }
            .boxed()
        }),
        ("enrolling with the key of another browser's page", |s| {
            async move {
                let link = s.invite("new");
                let form = format!(
                    "password={}&code=123456&step=cvs_{}",
                    PASSWORD.replace(' ', "+"),
                    "A".repeat(43)
                );
                s.send(&format!("/enrol/{link}"), &[("origin", ORIGIN)], FORM, form).await
            }
            .boxed()
        }),
        ("one person's invitation finished with another's passkey", |s| {
            async move {
                let (mine, yours) = (s.invite("mine"), s.invite("yours"));
                let (options, step) = s.begin(&format!("/enrol/{mine}/passkey/begin")).await;
                let made: Value = serde_json::from_str(&at_home(9).register(&options)).unwrap();
                s.json(&format!("/enrol/{yours}/passkey/finish"), &step, &json!({ "credential": made })).await
            }
            .boxed()
        }),
    ]
}
