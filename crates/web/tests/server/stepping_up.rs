//! A form that meets an old factor is kept, and goes on as it was typed once a factor was shown again.

use crate::world::{Answer, Browser, Moving, PASSWORD, Person, World, code, world_at};
use axum::http::StatusCode;
use callvault_model::Clock;
use callvault_policy::Role;

/// The value of a hidden field of a page.
fn hidden(page: &str, name: &str) -> Option<String> {
    let from = page.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
    Some(from.split('"').next()?.to_owned())
}

/// The password and the code that a person types to show a factor again.
fn factor(clock: &Moving, who: &Person) -> String {
    format!("password={}&code={}", PASSWORD.replace(' ', "+"), code(&who.app, clock.now()))
}

async fn hold(w: &World, who: &Browser, call: impl std::fmt::Display) -> Answer {
    let form = format!("on=conversation&target={call}&matter=Claim+7+of+the+insurer&review=2027-06-01");
    w.post(who, "/retention/holds", &form).await
}

#[tokio::test]
async fn what_was_typed_goes_on_after_one_confirmation() {
    let clock = Moving::new();
    let w = world_at(clock.clone());
    let call = w.call(1);
    let officer_app = w.person("officer", &[Role::PrivacyOfficer]);
    let officer = &officer_app.browser;
    clock.factors_grow_old(&w, &[officer]).await;
    let asked = hold(&w, officer, call).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    let to = asked.header("location").to_owned();
    // Nothing of what was typed stands in the address.
    assert!(to.starts_with("/step-up?next=/retention") && !to.contains("insurer") && to.len() < 40, "{to}");
    assert!(w.vault.holds(false).unwrap().is_empty());
    let page = w.get(officer, &to).await.text();
    assert!(page.contains("What you filled in is kept") && !page.contains("insurer"));
    let kept = hidden(&page, "kept").unwrap();
    // A wrong code keeps it; the right one carries on.
    let wrong =
        w.post(officer, "/step-up", &format!("password=no+such+thing&code=000000&next=/&kept={kept}")).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let form = format!("{}&next=/retention&kept={kept}", factor(&clock, &officer_app));
    let done = w.post(officer, "/step-up", &form).await;
    assert_eq!(
        (done.status, done.header("location")),
        (StatusCode::SEE_OTHER, "/retention?done=hold-placed")
    );
    let holds = w.vault.holds(false).unwrap();
    assert_eq!(holds.len(), 1);
    assert!(holds[0].matter.contains("Claim 7 of the insurer"), "{}", holds[0].matter);
    // It went once.
    let again = w.post(officer, "/step-up/carry-on", &format!("next=/retention&kept={kept}")).await;
    assert_eq!(again.header("location"), "/retention");
    assert_eq!(w.vault.holds(false).unwrap().len(), 1);
}

#[tokio::test]
async fn a_kept_form_belongs_to_its_session_and_page_and_can_be_forgotten() {
    let clock = Moving::new();
    let w = world_at(clock.clone());
    let call = w.call(1);
    let officer_app = w.person("officer", &[Role::PrivacyOfficer]);
    let officer = &officer_app.browser;
    let second_app = w.person("second", &[Role::Compliance]);
    let second = &second_app.browser;
    clock.factors_grow_old(&w, &[officer, second]).await;
    hold(&w, officer, call).await;
    let kept = hidden(&w.get(officer, "/step-up?next=/retention").await.text(), "kept").unwrap();
    // Somebody else's confirmation, with the handle even, sends nothing.
    assert!(hidden(&w.get(second, "/step-up").await.text(), "kept").is_none());
    let theirs = format!("{}&next=/&kept={kept}", factor(&clock, &second_app));
    assert_eq!(w.post(second, "/step-up", &theirs).await.header("location"), "/");
    // Another page of the same session, which did not show it, sends nothing either.
    let other = format!("{}&next=/subjects", factor(&clock, &officer_app));
    assert_eq!(w.post(officer, "/step-up", &other).await.header("location"), "/subjects");
    assert!(w.vault.holds(false).unwrap().is_empty());
    let forgotten = w.post(officer, "/step-up/forget", &format!("next=/retention&kept={kept}")).await;
    assert_eq!(forgotten.header("location"), "/retention");
    assert!(hidden(&w.get(officer, "/step-up").await.text(), "kept").is_none());
    let late = w.post(officer, "/step-up/carry-on", &format!("next=/retention&kept={kept}")).await;
    assert_eq!(late.header("location"), "/retention");
    assert!(w.vault.holds(false).unwrap().is_empty());
}

#[tokio::test]
async fn what_waits_longer_than_ten_minutes_is_typed_again() {
    let clock = Moving::new();
    let w = world_at(clock.clone());
    let call = w.call(1);
    let officer_app = w.person("officer", &[Role::PrivacyOfficer]);
    let officer = &officer_app.browser;
    clock.factors_grow_old(&w, &[officer]).await;
    hold(&w, officer, call).await;
    let kept = hidden(&w.get(officer, "/step-up?next=/retention").await.text(), "kept").unwrap();
    clock.forward(11 * 60);
    let form = format!("{}&next=/retention&kept={kept}", factor(&clock, &officer_app));
    assert_eq!(w.post(officer, "/step-up", &form).await.header("location"), "/retention");
    assert!(w.vault.holds(false).unwrap().is_empty());
}
