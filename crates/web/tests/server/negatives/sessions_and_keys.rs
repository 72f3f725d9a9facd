//! By sessions and keys that are not, or no longer, good.

use super::{FORM, Run, service};
use crate::world::{ORIGIN, PASSWORD, code};
use axum::{
    body::Body,
    http::{Request, header},
};
use callvault_model::Clock;
use callvault_policy::Role;
use callvault_store::Actor;
use futures_util::future::FutureExt;
use serde_json::json;
use std::collections::BTreeSet;

/// What is tried.
pub fn all() -> Vec<(&'static str, Run)> {
    vec![
        ("a session that was made up", |s| {
            async move { s.with_session(&format!("cvs_{}", "A".repeat(43))).await }.boxed()
        }),
        ("a session of which one character was changed", |s| {
            async move {
                let mut token = s.dana.browser.token.clone();
                let last = token.pop().unwrap();
                token.push(if last == 'A' { 'E' } else { 'A' });
                s.with_session(&token).await
            }
            .boxed()
        }),
        ("a session that was planted before signing in", |s| {
            async move {
                let s = s.later(60);
                let planted = format!("cvs_{}", "B".repeat(43));
                let cookie = format!("__Host-callvault={planted}");
                let answer = s
                    .sign_in_from(
                        "dana",
                        PASSWORD,
                        &s.now(),
                        &[("origin", ORIGIN), ("cookie", cookie.as_str())],
                    )
                    .await;
                assert!(answer.status == 303 && !answer.header("set-cookie").contains(&planted));
                s.with_session(&planted).await
            }
            .boxed()
        }),
        ("a second cookie of the same name behind a bad one", |s| {
            async move {
                let cookie = format!("__Host-callvault=cvs_bad; __Host-callvault={}", s.dana.browser.token);
                s.with_cookie("/api/v1/session", &cookie).await
            }
            .boxed()
        }),
        ("a session without the prefix that binds it to this host", |s| {
            async move { s.with_cookie("/api/v1/session", &format!("callvault={}", s.dana.browser.token)).await }.boxed()
        }),
        ("a session after signing out", |s| {
            async move {
                let body = format!("csrf={}", s.dana.browser.session.form_token());
                let out = s.form(&s.dana.browser, "/sign-out", &[("origin", ORIGIN)], body).await;
                assert_eq!(out.status, 303);
                s.with_session(&s.dana.browser.token.clone()).await
            }
            .boxed()
        }),
        ("another session after all were ended", |s| {
            async move {
                let s = s.later(60);
                let token = s.token().await;
                let body = format!("csrf={}", s.dana.browser.session.form_token());
                s.form(&s.dana.browser, "/account/sessions/end", &[("origin", ORIGIN)], body).await;
                s.with_session(&token).await
            }
            .boxed()
        }),
        ("a session that nobody used for fifteen minutes", |s| {
            async move {
                let s = s.later(15 * 60);
                s.with_session(&s.dana.browser.token.clone()).await
            }
            .boxed()
        }),
        ("a session of twelve hours, however busy", |s| {
            async move {
                for _ in 0..72 {
                    s.clock.forward(10 * 60 - 1);
                    assert_eq!(s.with_session(&s.dana.browser.token.clone()).await.status, 200);
                }
                s.clock.forward(73);
                s.with_session(&s.dana.browser.token.clone()).await
            }
            .boxed()
        }),
        ("the live session of somebody suspended", |s| {
            async move {
                s.w.vault.suspend(&Actor::LocalOperator, s.dana.browser.session.account()).unwrap();
                s.with_session(&s.dana.browser.token.clone()).await
            }
            .boxed()
        }),
        ("the live session of somebody suspended and restored", |s| {
            async move {
                let id = s.dana.browser.session.account();
                s.w.vault.suspend(&Actor::LocalOperator, id).unwrap();
                s.w.vault.restore(&Actor::LocalOperator, id).unwrap();
                s.with_session(&s.dana.browser.token.clone()).await
            }
            .boxed()
        }),
        ("an act of a role that was taken away from a live session", |s| {
            async move {
                let id = s.dana.browser.session.account();
                s.w.vault.set_roles(&Actor::LocalOperator, id, &BTreeSet::from([Role::Agent])).unwrap();
                s.w.get(&s.dana.browser, "/api/v1/subjects").await
            }
            .boxed()
        }),
        ("an act that wants a fresh factor, sixteen minutes later", |s| {
            async move {
                for _ in 0..2 {
                    s.clock.forward(8 * 60);
                    s.with_session(&s.dana.browser.token.clone()).await;
                }
                let hold = json!({ "target_kind": "vault", "matter": "a claim", "review": "2027-01-01" });
                s.w.json(&s.dana.browser, "/api/v1/holds", hold).await
            }
            .boxed()
        }),
        ("a step-up with another person's code", |s| {
            async move {
                let other = s.w.person("other", &[Role::Agent]);
                let s = s.later(60);
                let form = format!(
                    "password={}&code={}&next=/",
                    PASSWORD.replace(' ', "+"),
                    code(&other.app, s.clock.now())
                );
                let body = format!("csrf={}&{form}", s.dana.browser.session.form_token());
                s.form(&s.dana.browser, "/step-up", &[("origin", ORIGIN)], body).await
            }
            .boxed()
        }),
        ("a step-up with a code used before", |s| {
            async move {
                let form = format!("password={}&code={}&next=/", PASSWORD.replace(' ', "+"), s.now());
                let body = format!("csrf={}&{form}", s.dana.browser.session.form_token());
                s.form(&s.dana.browser, "/step-up", &[("origin", ORIGIN)], body).await
            }
            .boxed()
        }),
        ("a session with one factor only", |s| {
            async move {
                let weak = s.w.one_factor("weak", &[Role::Admin]);
                s.w.get(&weak, "/api/v1/accounts").await
            }
            .boxed()
        }),
        ("a session's token as a key", |s| {
            async move { s.with_key(&s.dana.browser.token.clone()).await }.boxed()
        }),
        ("a key as a session", |s| {
            async move {
                let (_, key) = service(&s);
                assert_eq!(s.with_key(&key).await.status, 200);
                s.with_session(&key).await
            }
            .boxed()
        }),
        ("a key that was made up", |s| {
            async move { s.with_key(&format!("cvk_{}", "A".repeat(43))).await }.boxed()
        }),
        ("a key that was revoked", |s| {
            async move {
                let (id, key) = service(&s);
                s.w.vault.revoke_api_key(&Actor::LocalOperator, id).unwrap();
                s.with_key(&key).await
            }
            .boxed()
        }),
        ("a key whose days are over", |s| {
            async move {
                let (_, key) = service(&s);
                s.later(24 * 3600).with_key(&key).await
            }
            .boxed()
        }),
        ("a key for an act it does not list", |s| {
            async move {
                let (_, key) = service(&s);
                let request =
                    Request::get("/api/v1/quarantine").header(header::AUTHORIZATION, format!("Bearer {key}"));
                s.w.send(request.body(Body::empty()).unwrap()).await
            }
            .boxed()
        }),
        ("a key in a form of the console", |s| {
            async move {
                let (_, key) = service(&s);
                let bearer = format!("Bearer {key}");
                s.send(
                    "/requests/grants",
                    &[("origin", ORIGIN), ("authorization", bearer.as_str())],
                    FORM,
                    "csrf=".into(),
                )
                .await
            }
            .boxed()
        }),
        ("a key of a service that was suspended", |s| {
            async move {
                let (_, key) = service(&s);
                let id = s.w.vault.account_by_login("pbx").unwrap().id;
                s.w.vault.suspend(&Actor::LocalOperator, id).unwrap();
                s.with_key(&key).await
            }
            .boxed()
        }),
    ]
}
