//! Taking conversations in through the server: begun, sent in parts, finished. Page and API go the same way.

use crate::{
    app::App,
    problem::{Outcome, Problem},
    session::Who,
};
use callvault_detect::{Detector, Profile};
use callvault_flow::{intake, tools::Tools, walk};
use callvault_model::{
    Channel,
    id::{ConversationId, UploadId},
};
use callvault_speech::decode::Limits;
use callvault_store::uploads::UploadRow;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::{Arc, atomic::AtomicBool};
use utoipa::ToSchema;

/// What is going to be sent.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// `voice`, `chat`, `email` or `sms`.
    #[schema(value_type = String)]
    pub channel: Channel,
    /// Bytes in all: recordings up to the server's limit, messages up to 16 MiB.
    pub length: u64,
    /// Plain name of the file; its ending tells the format.
    #[schema(max_length = 255)]
    pub name: String,
    /// What the source system knows: `started_at`, `parties`; as in a sidecar file.
    #[serde(default)]
    pub metadata: Option<serde_json::Value>,
}

/// What an upload became.
pub struct Taken {
    /// The conversation.
    pub conversation: ConversationId,
    /// The same bytes were here before.
    pub known: bool,
}

/// Begins an upload; the same request under the same key gives the same upload.
pub async fn begin(app: &App, who: &Who, wish: Wish, key: Option<String>) -> Outcome<UploadRow> {
    if wish.length > app.config.max_upload_mib.saturating_mul(1 << 20) {
        return Err(Problem::new(
            axum::http::StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "Too large",
            format!("An upload has at most {} MiB here.", app.config.max_upload_mib),
        ));
    }
    let actor = who.session.actor();
    app.run(move |vault| {
        let request: [u8; 32] = Sha256::digest(serde_json::to_vec(&wish).unwrap_or_default()).into();
        if let Some(key) = &key
            && let Some(known) = vault.remembered(&actor, key, &request)?
        {
            let id: UploadId =
                known.parse().map_err(|_| callvault_store::Error::Corrupt("a remembered upload"))?;
            return Ok::<_, callvault_flow::Error>(vault.upload(&actor, id)?);
        }
        let sidecar = wish.metadata.as_ref().map(ToString::to_string);
        let row =
            intake::begin_upload(vault, &actor, wish.channel, wish.length, &wish.name, sidecar.as_deref())?;
        if let Some(key) = &key {
            vault.remember(&actor, key, &request, &row.id.to_string())?;
        }
        Ok(row)
    })
    .await
}

/// Ends an upload: messages are redacted at once, recordings as soon as the worker hears them.
pub async fn finish(app: &App, who: &Who, id: UploadId) -> Outcome<Taken> {
    let actor = who.session.actor();
    let profile: Profile = app.config.profile.parse().unwrap_or_default();
    let (vault, own) = (Arc::clone(&app.vault), app.place.recognisers.clone());
    let outcomes = tokio::task::spawn_blocking(move || {
        let mut detector = Detector::new(profile).map_err(|e| Problem::internal(&e))?;
        if let Some(own) = own {
            detector = detector.with_custom(own);
        }
        let cancel = AtomicBool::new(false);
        let tools = Tools { detector: &detector, first: None, again: None, cancel: &cancel };
        intake::finish_upload(&vault, &tools, &Limits::default(), &actor, id).map_err(Problem::from)
    })
    .await
    .map_err(|e| Problem::internal(&e))??;
    let first =
        outcomes.first().ok_or_else(|| Problem::bad("Nothing was in this file; send one with messages."))?;
    Ok(Taken { conversation: intake::conversation(first), known: matches!(first, walk::Outcome::Known(_)) })
}
