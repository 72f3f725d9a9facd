//! `/services` and `/api-keys`: machines and what their keys are for. `/tenant-key`: the vault's own.

use super::{
    Refusals,
    grants::Made,
    paged::{Go, Part, part},
};
use crate::{
    app::App,
    extract::{Json, Path, Query},
    page::settings as page,
    problem::Outcome,
    right::Right,
    session::May,
};
use axum::{extract::State, http::StatusCode};
use callvault_model::id::{AccountId, ApiKeyId};
use callvault_policy::Act;
use callvault_store::{Vault, api_keys::ApiKeyRow, rotation::KeysStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// A machine to let in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ServiceRequest {
    /// Its short name, 2 to 64 letters, digits or `. _ - @ +`.
    #[schema(min_length = 2, max_length = 64)]
    login: String,
    /// Its name.
    #[schema(min_length = 1, max_length = 120)]
    name: String,
}

/// Add a service; it comes in with keys only
#[utoipa::path(post, path = "/api/v1/services", tag = "api-keys", request_body = ServiceRequest,
    responses((status = 201, body = Made), Refusals))]
async fn service(
    who: Right<{ Act::ManageApiKeys as u8 }>,
    State(app): State<App>,
    Json(r): Json<ServiceRequest>,
) -> Outcome<(StatusCode, axum::Json<Made>)> {
    let id =
        page::manage(&app, &who, move |vault, by| vault.make_service(&by, &r.login, r.name.trim())).await?;
    Ok((StatusCode::CREATED, axum::Json(Made { id: id.to_string() })))
}

/// A key, without itself.
#[derive(Serialize, ToSchema)]
struct KeyView {
    /// Its id.
    id: String,
    /// The service's account.
    service: String,
    /// The acts it is for.
    scopes: Vec<String>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    expires_at: String,
    /// RFC 3339.
    revoked_at: Option<String>,
    /// To the minute, RFC 3339.
    last_used_at: Option<String>,
}

impl From<ApiKeyRow> for KeyView {
    fn from(k: ApiKeyRow) -> Self {
        Self {
            id: k.id.to_string(),
            service: k.account.to_string(),
            scopes: k.scopes.iter().map(|s| s.as_str().to_owned()).collect(),
            created_at: k.created_at,
            expires_at: k.expires_at,
            revoked_at: k.revoked_at,
            last_used_at: k.last_used_at,
        }
    }
}

/// One page of keys, newest first.
#[derive(Serialize, ToSchema)]
struct KeyList {
    /// The page.
    keys: Vec<KeyView>,
    /// Pass as `after` for the next page; absent on the last one.
    next: Option<String>,
}

/// Keys of services, without the keys themselves
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "api-keys", params(Go), responses((status = 200, body = KeyList), Refusals))]
async fn list(
    _: May<{ Act::SeeSettings as u8 }>,
    State(app): State<App>,
    Query(q): Query<Go>,
) -> Outcome<axum::Json<KeyList>> {
    let rows = app.run(Vault::api_keys).await?;
    let Part { rows, next } = part(rows, &q, |k| k.id)?;
    Ok(axum::Json(KeyList { keys: rows.into_iter().map(Into::into).collect(), next }))
}

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyRequest {
    /// The service's account.
    service: String,
    /// The acts it is for, such as `upload`.
    #[schema(min_items = 1)]
    scopes: Vec<String>,
    /// Days until it ends.
    #[schema(minimum = 1, maximum = 365)]
    days: u32,
}

/// A new key.
#[derive(Serialize, ToSchema)]
struct KeyMade {
    /// Its id.
    id: String,
    /// The key, shown this once; only its fingerprint is kept.
    key: String,
}

/// Make a key
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "api-keys", request_body = KeyRequest,
    responses((status = 201, body = KeyMade), Refusals))]
async fn make(
    who: Right<{ Act::ManageApiKeys as u8 }>,
    State(app): State<App>,
    Json(r): Json<KeyRequest>,
) -> Outcome<(StatusCode, axum::Json<KeyMade>)> {
    let scopes = page::chosen(&r.scopes)?;
    let service: AccountId =
        r.service.parse().map_err(|_| crate::problem::Problem::bad("This is no id of a service."))?;
    let (id, key) =
        page::manage(&app, &who, move |vault, by| vault.make_api_key(&by, service, &scopes, r.days)).await?;
    Ok((StatusCode::CREATED, axum::Json(KeyMade { id: id.to_string(), key: key.expose().clone() })))
}

/// Revoke a key at once
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = "api-keys", params(("id" = String, Path)),
    responses((status = 204), Refusals))]
async fn revoke(
    who: Right<{ Act::ManageApiKeys as u8 }>,
    State(app): State<App>,
    Path(id): Path<ApiKeyId>,
) -> Outcome<StatusCode> {
    page::manage(&app, &who, move |vault, by| vault.revoke_api_key(&by, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The vault's keys, without any of them.
#[derive(Serialize, ToSchema)]
struct TenantKeyView {
    /// Version in use.
    version: u32,
    /// Eight public bytes that name it.
    fingerprint: String,
    /// RFC 3339.
    created_at: String,
    /// The version being replaced, while a rotation is not finished.
    retiring: Option<u32>,
    /// Wraps still to be made again.
    remaining: u64,
    /// Versions destroyed before.
    destroyed: u64,
}

impl From<KeysStatus> for TenantKeyView {
    fn from(k: KeysStatus) -> Self {
        Self {
            version: k.tenant_key_version,
            fingerprint: k.fingerprint,
            created_at: k.created_at,
            retiring: k.retiring,
            remaining: k.remaining,
            destroyed: k.destroyed,
        }
    }
}

/// The state of the tenant key
#[utoipa::path(get, path = "/api/v1/tenant-key", tag = "api-keys", responses((status = 200, body = TenantKeyView), Refusals))]
async fn tenant_key(
    _: May<{ Act::SeeSettings as u8 }>,
    State(app): State<App>,
) -> Outcome<axum::Json<TenantKeyView>> {
    Ok(axum::Json(app.run(Vault::keys_status).await?.into()))
}

/// Replace the tenant key, or finish what was begun
#[utoipa::path(post, path = "/api/v1/tenant-key/rotations", tag = "api-keys",
    responses((status = 201, body = TenantKeyView), Refusals))]
async fn rotate(
    who: Right<{ Act::RotateKeys as u8 }>,
    State(app): State<App>,
) -> Outcome<(StatusCode, axum::Json<TenantKeyView>)> {
    page::rotate_key(&app, &who).await?;
    Ok((StatusCode::CREATED, axum::Json(app.run(Vault::keys_status).await?.into())))
}

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(service))
        .routes(routes!(list, make))
        .routes(routes!(revoke))
        .routes(routes!(tenant_key))
        .routes(routes!(rotate))
}
