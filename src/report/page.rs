//! What every report page has: one style sheet, and a policy that allows exactly what stands in the file.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The style sheet of all reports.
pub const CSS: &str = include_str!("../../templates/report.css");

/// The source expression that allows one inline block, and that only (CSP level 2).
pub fn hash_source(block: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(callvault_seal::sha256(block.as_bytes())))
}

/// The Content-Security-Policy of a page with this style, perhaps one script and perhaps embedded sound.
pub fn policy(script: Option<&str>, sound: bool) -> String {
    let mut out = format!("default-src 'none'; style-src {}", hash_source(CSS));
    if let Some(script) = script {
        out.push_str(&format!("; script-src {}", hash_source(script)));
    }
    if sound {
        out.push_str("; media-src data:");
    }
    out.push_str("; base-uri 'none'; form-action 'none'");
    out
}

/// Bytes as a `data:` address.
pub fn data_uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}
