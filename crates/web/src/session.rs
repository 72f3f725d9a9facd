//! Who is asking: the session cookie or a service's key, and the proof that a form came from our own page.

use crate::{app::App, extract, problem::Problem};
use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
};
use callvault_model::id::AccountId;
use callvault_policy::{Act, Role};
use callvault_store::{Actor, Session, gate::Target};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use subtle::ConstantTimeEq;

/// `__Host-` binds the cookie to this host and to TLS.
pub const COOKIE: &str = "__Host-callvault";
/// Names the ceremony of a browser that is signing in; holds nothing.
pub const CEREMONY: &str = "__Host-callvault-step";

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Who {
    /// The session, or what stands for it when a key was used.
    pub session: Session,
}

impl Who {
    /// The account.
    pub fn account(&self) -> AccountId {
        self.session.account()
    }

    /// The roles held now.
    pub fn roles(&self) -> &BTreeSet<Role> {
        self.session.roles()
    }

    /// Proof for forms; empty when a key was used.
    pub fn csrf(&self) -> String {
        if self.session.is_person() { self.session.form_token() } else { String::new() }
    }

    /// Whether rules of role, scope and strength of sign-in allow the act in general; for showing or hiding a link.
    pub fn could(&self, app: &App, act: Act) -> bool {
        app.vault.could(&self.session, act, &Target::Program, None).unwrap_or(false)
    }

    /// Refuses what was not sent from a page of this session.
    pub fn proves(&self, csrf: &str) -> Result<(), Problem> {
        let own = self.csrf();
        if !own.is_empty() && bool::from(csrf.as_bytes().ct_eq(own.as_bytes())) {
            return Ok(());
        }
        Err(Problem::refused(
            "form-proof",
            "This form is from another session; go back, reload the page and send it again.",
        ))
    }

    /// Asks for an act that reads nothing; a refusal is an entry in the ledger. Returns whom the ledger names.
    pub async fn may(
        &self,
        app: &App,
        act: Act,
        target: Target,
        reason: Option<String>,
    ) -> Result<Actor, Problem> {
        let session = self.session.clone();
        app.run(move |vault| vault.authorise(&session, act, target, reason.as_deref())).await
    }
}

/// What a session with one factor is good for: setting up the second, and leaving.
fn about_factors(path: &str) -> bool {
    path == "/account" || path.starts_with("/account/") || path == "/sign-out" || path == "/api/v1/session"
}

/// A value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, value)| value)
}

/// A `Set-Cookie` that lives as long as the browser; `value` is one of our own tokens.
pub fn set_cookie(name: &str, value: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict")).ok()
}

/// A `Set-Cookie` that takes the cookie away.
pub fn drop_cookie(name: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")).ok()
}

/// Refuses a changing request that another site's page made the browser send.
pub fn same_origin(app: &App, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let says = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let site = says("sec-fetch-site").is_none_or(|s| s == "same-origin" || s == "none");
    let origin = says("origin").is_some_and(|o| o == app.config.origin);
    if site && origin {
        return Ok(());
    }
    Err(Problem::refused(
        "origin",
        format!(
            "This request did not come from a page of {}; open the console at that address.",
            app.config.origin
        ),
    ))
}

impl FromRequestParts<App> for Who {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Some(who) = parts.extensions.get::<Self>() {
            return Ok(who.clone());
        }
        let bearer = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.strip_prefix("Bearer "))
            .map(|v| v.trim().to_owned());
        let who = match bearer {
            Some(key) => {
                let session = app.run(move |vault| vault.api_key(&key)).await?;
                Self { session }
            }
            None => {
                let token = cookie(&parts.headers, COOKIE).ok_or_else(Problem::sign_in)?.to_owned();
                same_origin(app, &parts.method, &parts.headers)?;
                let session = match app.vault.session_at_hand(&token) {
                    Some(session) => session,
                    None => {
                        app.run(move |vault| vault.session(&token)).await?.ok_or_else(Problem::sign_in)?
                    }
                };
                Self { session }
            }
        };
        if who.session.is_person() && who.session.aal() < 2 && !about_factors(parts.uri.path()) {
            return Err(Problem::refused(
                "aal",
                "One factor was shown and two are needed. Set up a passkey or an authenticator app on your account's page, and sign in with it.",
            ));
        }
        parts.extensions.insert(who.clone());
        Ok(who)
    }
}

/// Somebody who is signed in and whose roles allow the act `A`; written `May<{ Act::X as u8 }>`.
pub struct May<const A: u8>(pub Who);

impl<const A: u8> std::ops::Deref for May<A> {
    type Target = Who;
    fn deref(&self) -> &Who {
        &self.0
    }
}

impl<const A: u8> FromRequestParts<App> for May<A> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let who = Who::from_request_parts(parts, app).await?;
        let act = Act::ALL.iter().copied().find(|a| *a as u8 == A).ok_or_else(Problem::absent)?;
        who.may(app, act, Target::Program, None).await?;
        Ok(Self(who))
    }
}

/// A posted form of somebody signed in: bounded, with its proof checked.
pub struct Form<T>(pub T);

#[derive(serde::Deserialize)]
struct Proof {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let who = Who::from_request_parts(&mut parts, app).await?;
        let body = form_body(Request::from_parts(parts, body)).await?;
        let proof: Proof = parse(&body)?;
        who.proves(&proof.csrf)?;
        parse(&body).map(Self)
    }
}

/// A posted form of somebody who is not signed in yet; bound to our own pages by its origin.
pub struct OpenForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for OpenForm<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        same_origin(app, request.method(), request.headers())?;
        parse(&form_body(request).await?).map(Self)
    }
}

async fn form_body(request: Request) -> Result<bytes::Bytes, Problem> {
    if extract::content_type(&request) != Some("application/x-www-form-urlencoded") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "Send a form",
            "The body must be application/x-www-form-urlencoded.",
        ));
    }
    extract::read(request).await
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_html_form::from_bytes(body).map_err(|_| Problem::bad("The form has a missing or malformed field."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("a=1; x__Host-callvault=no; __Host-callvault=yes"),
        );
        assert_eq!(cookie(&headers, COOKIE), Some("yes"));
        assert_eq!(cookie(&headers, "b"), None);
    }
}
