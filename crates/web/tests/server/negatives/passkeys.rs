//! By passkeys.

use super::{Run, at_home};
use callvault_store::Actor;
use futures_util::future::FutureExt;
use serde_json::json;

/// What is tried.
pub fn all() -> Vec<(&'static str, Run)> {
    vec![
        ("a device that did not verify its user", |s| {
            async move { s.passkey(|d| d.verifies = false).await }.boxed()
        }),
        ("a device that nobody touched", |s| async move { s.passkey(|d| d.present = false).await }.boxed()),
        ("an answer given to another origin", |s| {
            async move { s.passkey(|d| d.origin = "https://evil.example".into()).await }.boxed()
        }),
        ("an answer given to another port", |s| {
            async move { s.passkey(|d| d.origin = "https://localhost:9999".into()).await }.boxed()
        }),
        ("an answer for another relying party", |s| {
            async move { s.passkey(|d| d.rp_id = "evil.example".into()).await }.boxed()
        }),
        ("an answer inside a foreign frame", |s| {
            async move { s.passkey(|d| d.cross_origin = true).await }.boxed()
        }),
        ("an answer to another challenge", |s| {
            async move { s.passkey(|d| d.challenge = Some("A".repeat(43))).await }.boxed()
        }),
        ("a registration in the place of a sign-in", |s| {
            async move { s.passkey(|d| d.kind = Some("webauthn.create")).await }.boxed()
        }),
        ("a device that says it is somebody else's", |s| {
            async move { s.passkey(|d| d.user = Some(vec![1; 16])).await }.boxed()
        }),
        ("a counter that goes back", |s| {
            async move {
                let mut device = s.device("pia", 7).await;
                device.counter = 50;
                let (options, step) = s.begin("/sign-in/passkey/begin").await;
                let body = json!({ "credential": device.answer(&options) });
                assert_eq!(s.json("/sign-in/passkey/finish", &step, &body).await.status, 200);
                device.counter = 3;
                let (options, step) = s.begin("/sign-in/passkey/begin").await;
                s.json("/sign-in/passkey/finish", &step, &json!({ "credential": device.answer(&options) }))
                    .await
            }
            .boxed()
        }),
        ("an answer sent twice", |s| {
            async move {
                let mut device = s.device("pia", 7).await;
                let (options, step) = s.begin("/sign-in/passkey/begin").await;
                let body = json!({ "credential": device.answer(&options) });
                assert_eq!(s.json("/sign-in/passkey/finish", &step, &body).await.status, 200);
                s.json("/sign-in/passkey/finish", &step, &body).await
            }
            .boxed()
        }),
        ("an answer brought to another browser", |s| {
            async move {
                let mut device = s.device("pia", 7).await;
                let (options, _) = s.begin("/sign-in/passkey/begin").await;
                let (_, other) = s.begin("/sign-in/passkey/begin").await;
                s.json("/sign-in/passkey/finish", &other, &json!({ "credential": device.answer(&options) }))
                    .await
            }
            .boxed()
        }),
        ("an answer without the browser that began", |s| {
            async move {
                let mut device = s.device("pia", 7).await;
                let (options, _) = s.begin("/sign-in/passkey/begin").await;
                s.json("/sign-in/passkey/finish", "", &json!({ "credential": device.answer(&options) })).await
            }
            .boxed()
        }),
        ("an answer after five minutes", |s| {
            async move {
                let mut device = s.device("pia", 7).await;
                let (options, step) = s.begin("/sign-in/passkey/begin").await;
                let body = json!({ "credential": device.answer(&options) });
                s.later(301).json("/sign-in/passkey/finish", &step, &body).await
            }
            .boxed()
        }),
        ("a key that nobody registered", |s| {
            async move {
                let (options, step) = s.begin("/sign-in/passkey/begin").await;
                s.json(
                    "/sign-in/passkey/finish",
                    &step,
                    &json!({ "credential": at_home(99).answer(&options) }),
                )
                .await
            }
            .boxed()
        }),
        ("the passkey of somebody suspended", |s| {
            async move {
                let mut device = s.device("pia", 7).await;
                let id = s.w.vault.account_by_login("pia").unwrap().id;
                s.w.vault.suspend(&Actor::LocalOperator, id).unwrap();
                let (options, step) = s.begin("/sign-in/passkey/begin").await;
                s.json("/sign-in/passkey/finish", &step, &json!({ "credential": device.answer(&options) }))
                    .await
            }
            .boxed()
        }),
        ("another person's passkey in a step-up", |s| {
            async move {
                let mut device = s.device("pia", 7).await;
                let who = &s.dana.browser;
                let cookie = format!("__Host-callvault={}", who.token);
                let begun = s.json("/step-up/passkey/begin", &cookie, &json!({})).await;
                let (options, step) = if begun.status == 200 {
                    (begun.json(), begun.header("set-cookie").split(';').next().unwrap().to_owned())
                } else {
                    s.begin("/sign-in/passkey/begin").await
                };
                let body = json!({ "credential": device.answer(&options), "csrf": who.session.form_token(), "next": "/" });
                s.json("/step-up/passkey/finish", &format!("{cookie}; {step}"), &body).await
            }
            .boxed()
        }),
        ("a passkey answer from another site", |s| {
            async move {
                let mut device = s.device("pia", 7).await;
                let (options, step) = s.begin("/sign-in/passkey/begin").await;
                let body = json!({ "credential": device.answer(&options) }).to_string();
                let headers = [("origin", "https://evil.example"), ("cookie", step.as_str())];
                s.send("/sign-in/passkey/finish", &headers, "application/json", body).await
            }
            .boxed()
        }),
        ("what is no answer of a device", |s| {
            async move {
                let (_, step) = s.begin("/sign-in/passkey/begin").await;
                s.json(
                    "/sign-in/passkey/finish",
                    &step,
                    &json!({ "credential": { "id": "x", "response": [] } }),
                )
                .await
            }
            .boxed()
        }),
    ]
}
