//! `/accounts`: who may come in, as what; never one's own account.

use super::{
    Refusals,
    paged::{Go, Part, part},
};
use crate::{
    app::App,
    extract::{Json, Path, Query},
    problem::{Outcome, Problem},
    right::Right,
    session::{May, Who},
};
use axum::{extract::State, http::StatusCode};
use callvault_model::id::AccountId;
use callvault_policy::{Act, Role};
use callvault_store::{Actor, Error, Vault, accounts::AccountRow, gate::Target};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// One account.
#[derive(Serialize, ToSchema)]
struct AccountView {
    /// Its id.
    id: String,
    /// A machine with keys instead of a person.
    service: bool,
    /// `invited`, `active`, `suspended` or `revoked`.
    state: String,
    /// Login.
    login: String,
    /// Name.
    name: String,
    /// Roles.
    roles: Vec<String>,
    /// A password with one-time codes is set up.
    password: bool,
    /// Number of passkeys.
    passkeys: u64,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    last_seen_at: Option<String>,
    /// When somebody last confirmed what the account may do, RFC 3339.
    reviewed_at: Option<String>,
}

impl From<AccountRow> for AccountView {
    fn from(a: AccountRow) -> Self {
        Self {
            id: a.id.to_string(),
            service: a.service,
            state: a.state.as_str().to_owned(),
            login: a.login,
            name: a.name,
            roles: a.roles.iter().map(|r| r.as_str().to_owned()).collect(),
            password: a.password,
            passkeys: a.passkeys,
            created_at: a.created_at,
            last_seen_at: a.last_seen_at,
            reviewed_at: a.reviewed_at,
        }
    }
}

/// One page of accounts, newest first.
#[derive(Serialize, ToSchema)]
struct AccountList {
    /// The page.
    accounts: Vec<AccountView>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// People and services
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", params(Go), responses((status = 200, body = AccountList), Refusals))]
async fn list(
    _: May<{ Act::SeePeople as u8 }>,
    State(app): State<App>,
    Query(q): Query<Go>,
) -> Outcome<axum::Json<AccountList>> {
    let mut rows = app.run(Vault::accounts).await?;
    rows.sort_by_key(|a| std::cmp::Reverse(a.id));
    let Part { rows, next } = part(rows, &q, |a| a.id)?;
    Ok(axum::Json(AccountList { accounts: rows.into_iter().map(Into::into).collect(), next }))
}

/// Somebody to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Invite {
    /// Name, 1 to 120 characters.
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    /// Login, 2 to 64 letters, digits or `. _ - @ +`.
    #[schema(min_length = 2, max_length = 64)]
    login: String,
    /// Roles.
    #[schema(min_items = 1)]
    roles: Vec<String>,
}

/// An account and the link that opens it.
#[derive(Serialize, ToSchema)]
struct Invited {
    /// The account.
    id: String,
    /// Works once, within 24 hours; shown this once.
    link: String,
}

fn roles(codes: &[String]) -> Outcome<BTreeSet<Role>> {
    let parse = |code: &String| code.parse::<Role>().map_err(|e| Problem::bad(format!("{e}.")));
    codes.iter().map(parse).collect()
}

/// Invite somebody
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", request_body = Invite,
    responses((status = 201, body = Invited), Refusals))]
async fn invite(
    who: May<{ Act::ManagePeople as u8 }>,
    State(app): State<App>,
    Json(r): Json<Invite>,
) -> Outcome<(StatusCode, axum::Json<Invited>)> {
    let (by, roles) = (who.session.actor(), roles(&r.roles)?);
    let (id, token) = app.run(move |vault| vault.invite(&by, &r.login, r.name.trim(), &roles)).await?;
    let link = format!("{}/enrol/{}", app.config.origin, token.expose());
    Ok((StatusCode::CREATED, axum::Json(Invited { id: id.to_string(), link })))
}

/// The roles an account shall have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Roles {
    /// All of them.
    #[schema(min_items = 1)]
    roles: Vec<String>,
}

/// Set the roles; sessions that no longer fit end at once
#[utoipa::path(put, path = "/api/v1/accounts/{id}/roles", tag = "accounts", params(("id" = String, Path)), request_body = Roles,
    responses((status = 204), Refusals))]
async fn set_roles(
    who: Right<{ Act::ManagePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
    Json(r): Json<Roles>,
) -> Outcome<StatusCode> {
    let roles = roles(&r.roles)?;
    let by = who.may(&app, Act::ManagePeople, Target::Account(id), None).await?;
    app.run(move |vault| vault.set_roles(&by, id, &roles)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change(
    app: App,
    who: &Who,
    id: AccountId,
    act: Act,
    run: fn(&Vault, &Actor, AccountId) -> Result<(), Error>,
) -> Outcome<StatusCode> {
    let by = who.may(&app, act, Target::Account(id), None).await?;
    app.run(move |vault| run(vault, &by, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Suspend at once: sessions and open recordings end
#[utoipa::path(post, path = "/api/v1/accounts/{id}/suspend", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), Refusals))]
async fn suspend(
    who: Right<{ Act::FreezePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
) -> Outcome<StatusCode> {
    change(app, &who, id, Act::FreezePeople, Vault::suspend).await
}

/// Let in again
#[utoipa::path(post, path = "/api/v1/accounts/{id}/restore", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), Refusals))]
async fn restore(
    who: Right<{ Act::ManagePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
) -> Outcome<StatusCode> {
    change(app, &who, id, Act::ManagePeople, Vault::restore).await
}

/// Revoke for good
#[utoipa::path(post, path = "/api/v1/accounts/{id}/revoke", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), Refusals))]
async fn revoke(
    who: Right<{ Act::ManagePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
) -> Outcome<StatusCode> {
    change(app, &who, id, Act::ManagePeople, Vault::revoke).await
}

/// Confirm what an account may do
#[utoipa::path(post, path = "/api/v1/accounts/{id}/review", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), Refusals))]
async fn review(
    who: Right<{ Act::ReviewAccess as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
) -> Outcome<StatusCode> {
    change(app, &who, id, Act::ReviewAccess, Vault::review).await
}

/// A new link for somebody who lost theirs; the old one and all sessions end
#[utoipa::path(post, path = "/api/v1/accounts/{id}/invitation", tag = "accounts", params(("id" = String, Path)),
    responses((status = 201, body = Invited), Refusals))]
async fn reinvite(
    who: Right<{ Act::ManagePeople as u8 }>,
    State(app): State<App>,
    Path(id): Path<AccountId>,
) -> Outcome<(StatusCode, axum::Json<Invited>)> {
    let by = who.may(&app, Act::ManagePeople, Target::Account(id), None).await?;
    let token = app.run(move |vault| vault.reinvite(&by, id)).await?;
    let link = format!("{}/enrol/{}", app.config.origin, token.expose());
    Ok((StatusCode::CREATED, axum::Json(Invited { id: id.to_string(), link })))
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, invite))
        .routes(routes!(set_roles))
        .routes(routes!(suspend))
        .routes(routes!(restore))
        .routes(routes!(revoke))
        .routes(routes!(review))
        .routes(routes!(reinvite))
}
