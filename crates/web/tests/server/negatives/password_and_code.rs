//! By password and one-time code.

use super::{FORM, Run, service};
use crate::world::{ORIGIN, PASSWORD, code};
use callvault_model::Clock;
use callvault_policy::Role;
use callvault_store::Actor;
use futures_util::future::FutureExt;

/// What is tried.
pub fn all() -> Vec<(&'static str, Run)> {
    vec![
        ("a wrong password", |s| {
            async move { s.later(60).sign_in("dana", "wrong wrong wrong wrong", "000000").await }.boxed()
        }),
        ("a right password with a wrong code", |s| {
            async move {
                let s = s.later(60);
                let wrong = if s.now() == "000000" { "000001" } else { "000000" };
                s.sign_in("dana", PASSWORD, wrong).await
            }
            .boxed()
        }),
        ("a right code with a wrong password", |s| {
            async move {
                let s = s.later(60);
                s.sign_in("dana", "wrong wrong wrong wrong", &s.now()).await
            }
            .boxed()
        }),
        ("the code that was shown at enrolment", |s| {
            async move { s.sign_in("dana", PASSWORD, &s.now()).await }.boxed()
        }),
        ("a code replayed after it signed somebody in", |s| {
            async move {
                let s = s.later(60);
                s.token().await;
                s.sign_in("dana", PASSWORD, &s.now()).await
            }
            .boxed()
        }),
        ("a code from before a newer one was used", |s| {
            async move {
                let s = s.later(60);
                let old = s.now();
                let s = s.later(30);
                s.token().await;
                s.sign_in("dana", PASSWORD, &old).await
            }
            .boxed()
        }),
        ("a code two steps old", |s| {
            async move {
                let s = s.later(60);
                let old = s.now();
                let s = s.later(90);
                s.sign_in("dana", PASSWORD, &old).await
            }
            .boxed()
        }),
        ("a code from three steps ahead", |s| {
            async move {
                let ahead = code(&s.dana.app, s.clock.now() + jiff::SignedDuration::from_secs(150));
                s.later(60).sign_in("dana", PASSWORD, &ahead).await
            }
            .boxed()
        }),
        ("the code of another person's app", |s| {
            async move {
                let other = s.w.person("other", &[Role::Agent]);
                let s = s.later(60);
                s.sign_in("dana", PASSWORD, &code(&other.app, s.clock.now())).await
            }
            .boxed()
        }),
        ("no code at all", |s| async move { s.later(60).sign_in("dana", PASSWORD, "").await }.boxed()),
        ("a form without the field of the code", |s| {
            async move {
                let form = format!("login=dana&password={}", PASSWORD.replace(' ', "+"));
                s.later(60).send("/sign-in", &[("origin", ORIGIN)], FORM, form).await
            }
            .boxed()
        }),
        ("a login that nobody has", |s| {
            async move { s.later(60).sign_in("nobody", PASSWORD, "123456").await }.boxed()
        }),
        ("somebody suspended", |s| {
            async move {
                s.w.vault.suspend(&Actor::LocalOperator, s.dana.browser.session.account()).unwrap();
                let s = s.later(60);
                s.sign_in("dana", PASSWORD, &s.now()).await
            }
            .boxed()
        }),
        ("somebody whose access was revoked", |s| {
            async move {
                s.w.vault.revoke(&Actor::LocalOperator, s.dana.browser.session.account()).unwrap();
                let s = s.later(60);
                s.sign_in("dana", PASSWORD, &s.now()).await
            }
            .boxed()
        }),
        ("somebody invited who never enrolled", |s| {
            async move {
                s.invite("newcomer");
                s.sign_in("newcomer", PASSWORD, "123456").await
            }
            .boxed()
        }),
        ("the right factors while ten failures lock the login", |s| {
            async move {
                for _ in 0..10 {
                    s.sign_in("dana", "wrong wrong wrong wrong", "000000").await;
                }
                let s = s.later(60);
                s.sign_in("dana", PASSWORD, &s.now()).await
            }
            .boxed()
        }),
        ("a recovery code used before", |s| {
            async move {
                let one = s.dana.recovery[2].clone();
                assert_eq!(s.sign_in("dana", PASSWORD, &one).await.status, 303);
                s.sign_in("dana", PASSWORD, &one).await
            }
            .boxed()
        }),
        ("a recovery code of another person", |s| {
            async move {
                let other = s.w.person("other", &[Role::Agent]);
                s.sign_in("dana", PASSWORD, &other.recovery[0]).await
            }
            .boxed()
        }),
        ("a recovery code that newer ones replaced", |s| {
            async move {
                s.w.vault.new_recovery_codes(&s.dana.browser.session).unwrap();
                s.sign_in("dana", PASSWORD, &s.dana.recovery[0].clone()).await
            }
            .boxed()
        }),
        ("a recovery code with a wrong password", |s| {
            async move { s.sign_in("dana", "wrong wrong wrong wrong", &s.dana.recovery[0].clone()).await }
                .boxed()
        }),
        ("the login of a service", |s| {
            async move {
                service(&s);
                s.sign_in("pbx", PASSWORD, "123456").await
            }
            .boxed()
        }),
    ]
}
