//! `GET /session`: who is asking and what they may do.

use super::Refusals;
use crate::{app::App, session::Who};
use axum::{Json, extract::State};
use callvault_policy::Act;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Who is asking.
#[derive(Serialize, ToSchema)]
struct SessionView {
    /// The account's id.
    account: String,
    /// The roles held now.
    roles: Vec<String>,
    /// Strength of the sign-in: 1 or 2 (NIST SP 800-63B-4).
    aal: u8,
    /// The acts that rules of role, scope and strength allow in general; each object may still refuse.
    acts: Vec<String>,
}

/// Who am I
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses((status = 200, body = SessionView), Refusals))]
async fn get(who: Who, State(app): State<App>) -> Json<SessionView> {
    let acts = Act::ALL.iter().filter(|a| who.could(&app, **a)).map(|a| a.as_str().to_owned()).collect();
    Json(SessionView {
        account: who.account().to_string(),
        roles: who.roles().iter().map(|r| r.as_str().to_owned()).collect(),
        aal: who.session.aal(),
        acts,
    })
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get))
}
