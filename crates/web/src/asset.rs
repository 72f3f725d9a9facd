//! The stylesheet, the scripts and the icons, inside the binary. Their addresses carry a hash of their content, so
//! browsers may keep them for ever.

use crate::problem::Problem;
use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;
use std::{collections::BTreeMap, sync::LazyLock};

#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

/// File name to address, such as `app.css` to `/assets/0f3a…/app.css`.
static ADDRESSES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    Assets::iter()
        .filter_map(|name| {
            let file = Assets::get(&name)?;
            let hash: String =
                file.metadata.sha256_hash().iter().take(8).map(|b| format!("{b:02x}")).collect();
            Some((name.to_string(), format!("/assets/{hash}/{name}")))
        })
        .collect()
});

/// The address of an asset; templates use it.
pub fn address(name: &str) -> &'static str {
    ADDRESSES.get(name).map_or("/assets/none", String::as_str)
}

/// Serves one asset. A wrong hash is a stale page: the file is served all the same, but not kept.
pub async fn serve(crate::extract::Path((hash, name)): crate::extract::Path<(String, String)>) -> Response {
    let Some(file) = Assets::get(&name) else { return Problem::absent().into_response() };
    let current = address(&name) == format!("/assets/{hash}/{name}");
    let kind = match name.rsplit_once('.').map(|(_, e)| e) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-store" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    response
}
