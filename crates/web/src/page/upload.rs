//! `/conversations/new`: one file by form. It is sealed while it arrives; no plaintext touches the disk and no file is
//! held in memory.

use super::{done, frame::Frame, render};
use crate::{
    app::App,
    body,
    intake::{self, Wish},
    problem::{Outcome, Problem},
    session::{May, Who},
};
use askama::Template;
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State, multipart::Field},
    http::StatusCode,
    response::Response,
    routing::get,
};
use callvault_model::Channel;
use callvault_policy::Act;
use callvault_seal::OsEntropy;
use callvault_store::{SealedBlob, uploads::MAX_PART};
use std::{io::Read, sync::Arc};

/// This file's pages.
pub const PAGES: super::Pages =
    &[("GET", "/conversations/new", Some(Act::Upload)), ("POST", "/conversations/new", Some(Act::Upload))];

/// This file's routes. The body is bounded by the configuration while it is read.
pub fn router() -> Router<App> {
    Router::new().route("/conversations/new", get(show).post(send)).layer(DefaultBodyLimit::disable())
}

const CHANNELS: [(Channel, &str); 4] = [
    (Channel::Voice, "A recorded call (wav, flac, mp3, ogg, opus, gsm)"),
    (Channel::Chat, "A chat (json)"),
    (Channel::Email, "An e-mail (eml)"),
    (Channel::Sms, "Text messages (json, csv)"),
];

#[derive(Template)]
#[template(path = "upload.html")]
struct Page {
    frame: Frame,
    channels: [(Channel, &'static str); 4],
    most: u64,
}

async fn show(who: May<{ Act::Upload as u8 }>, State(app): State<App>) -> Response {
    let frame = Frame::of(&app, &who, "/conversations", None);
    render(&Page { frame, channels: CHANNELS, most: app.config.max_upload_mib })
}

async fn send(
    who: May<{ Act::Upload as u8 }>,
    State(app): State<App>,
    request: Request,
) -> Outcome<Response> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| malformed())?;
    let (mut proven, mut channel) = (false, None);
    while let Some(field) = form.next_field().await.map_err(|_| malformed())? {
        match field.name().unwrap_or_default() {
            "csrf" => {
                who.proves(&short(field).await?)?;
                proven = true;
            }
            "channel" => {
                let text = short(field).await?;
                channel = CHANNELS.iter().map(|(c, _)| *c).find(|c| c.as_str() == text);
            }
            // The page sends the file last: nothing is taken in before the form is known to be ours.
            "file" if proven => {
                let channel = channel.ok_or_else(|| Problem::bad("Say what kind of conversation it is."))?;
                let name = field.file_name().unwrap_or_default().to_owned();
                if name.is_empty() {
                    return Err(Problem::bad("Choose a file first."));
                }
                let blob = seal(&app, field).await?;
                let taken = keep(&app, &who, channel, name, blob).await?;
                return Ok(done(
                    &format!("/conversations/{}", taken.conversation),
                    if taken.known { "known" } else { "uploaded" },
                ));
            }
            _ => return Err(malformed()),
        }
    }
    Err(malformed())
}

fn malformed() -> Problem {
    Problem::bad("The form is incomplete or malformed; reload the page and choose the file again.")
}

/// A small field of the form.
async fn short(mut field: Field<'_>) -> Outcome<String> {
    let mut out = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|_| malformed())? {
        out.extend_from_slice(&piece);
        if out.len() > 200 {
            return Err(malformed());
        }
    }
    String::from_utf8(out).map_err(|_| malformed())
}

/// Seals the file as it arrives, under a key that dies with this request.
async fn seal(app: &App, mut field: Field<'_>) -> Outcome<SealedBlob> {
    let most = app.config.max_upload_mib.saturating_mul(1 << 20);
    let (to, mut from) = body::pipe();
    let vault = Arc::clone(&app.vault);
    let sealing = tokio::task::spawn_blocking(move || {
        SealedBlob::scratch(&vault.blobs(), vault.tenant(), &OsEntropy, |out| {
            std::io::copy(&mut from, out).map(|_| ()).map_err(callvault_store::Error::file(vault.blobs()))
        })
    });
    let (mut sent, mut whole) = (0u64, true);
    loop {
        match field.chunk().await {
            Ok(Some(piece)) => {
                sent = sent.saturating_add(piece.len() as u64);
                if sent > most || to.send(piece).await.is_err() {
                    whole = false;
                    break;
                }
            }
            Ok(None) => break,
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    drop(to);
    let blob = sealing.await.map_err(|e| Problem::internal(&e))??;
    if sent > most {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "Too large",
            format!(
                "A file has at most {} MiB here; larger ones go through /api/v1/uploads in parts.",
                app.config.max_upload_mib
            ),
        ));
    }
    if whole { Ok(blob) } else { Err(malformed()) }
}

/// From here on it is an upload like every other.
async fn keep(
    app: &App,
    who: &Who,
    channel: Channel,
    name: String,
    blob: SealedBlob,
) -> Outcome<intake::Taken> {
    let wish = Wish { channel, length: blob.plain_bytes(), name, metadata: None };
    let row = intake::begin(app, who, wish, None).await?;
    let (actor, id, length) = (who.session.actor(), row.id, row.length);
    app.run(move |vault| {
        let (mut content, mut at) = (blob.reader()?, 0u64);
        while at < length {
            let part = (length - at).min(MAX_PART);
            at = vault.append_part(&actor, id, at, part, &mut content.by_ref().take(part))?;
        }
        Ok::<_, callvault_store::Error>(())
    })
    .await?;
    let taken = intake::finish(app, who, id).await;
    if taken.is_err() {
        // What cannot be taken in is not kept in parts either.
        let actor = who.session.actor();
        app.run(move |vault| vault.cancel_upload(&actor, id)).await?;
    }
    taken
}
