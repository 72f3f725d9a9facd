//! Hearing a muted recording. One listen is one permit and one entry in the ledger, however many ranges the browser
//! asks for; the right is asked for again while sound flows, and the stream breaks off when it is gone.

use crate::{
    app::App,
    problem::{Outcome, Problem},
    session::Who,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use callvault_model::id::ConversationId;
use callvault_policy::Purpose;
use callvault_speech::playable::Playable;
use callvault_store::{
    gate::{PlayMuted, Target},
    reading::MutedAudio,
};
use std::{
    collections::HashMap,
    io::{Read, Seek, SeekFrom},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

/// Without a request for so long, the next one is another listen.
const PAUSE: Duration = Duration::from_secs(10 * 60);
/// A listen lasts no longer than this.
const LONGEST: Duration = Duration::from_secs(2 * 3600);
/// Listens open at once.
const MOST: usize = 512;
/// Bytes sent at a time; before each the right is looked at.
const PIECE: usize = 32 * 1024;
/// So much sound is sent at once; the rest follows faster than it is heard, but not all at once: what was sent cannot
/// be taken back.
const AHEAD: Duration = Duration::from_secs(30);
/// Seconds of sound sent in a second after that.
const PACE: f64 = 8.0;

type Key = (String, ConversationId);
/// Browsers do not play µ-law reliably, so it is decoded on the way.
type Sound = Mutex<Playable<MutedAudio>>;
type Opened = Arc<OnceCell<Arc<Sound>>>;

struct Listen {
    audio: Opened,
    begun: Instant,
    used: Instant,
}

impl Listen {
    fn over(&self) -> bool {
        self.used.elapsed() > PAUSE || self.begun.elapsed() > LONGEST
    }
}

/// Listens under way.
#[derive(Default)]
pub struct Listens(Mutex<HashMap<Key, Listen>>);

impl Listens {
    fn all(&self) -> MutexGuard<'_, HashMap<Key, Listen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The listen of this key, begun if there is none.
    fn of(&self, key: &Key) -> Outcome<Opened> {
        let mut all = self.all();
        all.retain(|_, listen| !listen.over());
        if let Some(listen) = all.get_mut(key) {
            listen.used = Instant::now();
            return Ok(Arc::clone(&listen.audio));
        }
        if all.len() >= MOST {
            return Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-listens",
                "Too many listen at once",
                "As many recordings are open as this server allows. Try again in a few minutes.",
            ));
        }
        let audio = Opened::default();
        let now = Instant::now();
        all.insert(key.clone(), Listen { audio: Arc::clone(&audio), begun: now, used: now });
        Ok(audio)
    }

    fn known(&self, key: &Key) -> Option<Opened> {
        let mut all = self.all();
        let listen = all.get_mut(key).filter(|l| !l.over())?;
        listen.used = Instant::now();
        Some(Arc::clone(&listen.audio))
    }

    fn end(&self, key: &Key) {
        self.all().remove(key);
    }
}

/// Serves the recording, whole or one range of it. `HEAD` asks whether it may still be heard, and begins no listen.
pub async fn serve(
    app: &App,
    who: &Who,
    id: ConversationId,
    purpose: Option<Purpose>,
    method: &Method,
    headers: &HeaderMap,
) -> Outcome<Response> {
    let key = (who.session.form_token(), id);
    if method == Method::HEAD {
        return still(app, &key).await;
    }
    let opened = app.listens.of(&key)?;
    let audio = opened.get_or_try_init(|| begin(app, who, id, purpose)).await;
    let audio = match audio {
        Ok(audio) => Arc::clone(audio),
        Err(problem) => {
            app.listens.end(&key);
            return Err(problem);
        }
    };
    if let Err(problem) = checked(&audio).await {
        app.listens.end(&key);
        return Err(problem);
    }
    let total = lock(&audio).len();
    let duration_ms = app.run(move |vault| vault.conversation(id)).await?.duration_ms;
    let range = headers
        .get(header::RANGE)
        .filter(|_| !headers.contains_key(header::IF_RANGE))
        .and_then(|v| v.to_str().ok())
        .and_then(|v| range(v, total));
    let (status, from, to) = match range {
        None => (StatusCode::OK, 0, total),
        Some(Some((from, to))) => (StatusCode::PARTIAL_CONTENT, from, to),
        Some(None) => return Ok(unsatisfiable(total)),
    };
    let rate = total as f64 / (duration_ms.max(1) as f64 / 1_000.0);
    let mut response = Response::new(Body::from_stream(stream(audio, from, to, rate)));
    *response.status_mut() = status;
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/wav"));
    head.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    head.insert(header::CONTENT_LENGTH, HeaderValue::from(to - from));
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(value) = HeaderValue::try_from(format!("bytes {from}-{}/{total}", to.saturating_sub(1)))
    {
        head.insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

async fn begin(app: &App, who: &Who, id: ConversationId, purpose: Option<Purpose>) -> Outcome<Arc<Sound>> {
    let (vault, session) = (Arc::clone(&app.vault), who.session.clone());
    tokio::task::spawn_blocking(move || {
        let permit = vault.permit::<PlayMuted>(&session, Target::Conversation(id), purpose, None)?;
        let sound = Playable::new(vault.muted_audio(permit)?).map_err(|e| Problem::internal(&e))?;
        Ok::<_, Problem>(Arc::new(Mutex::new(sound)))
    })
    .await
    .map_err(|e| Problem::internal(&e))?
}

async fn checked(audio: &Arc<Sound>) -> Outcome<()> {
    let audio = Arc::clone(audio);
    tokio::task::spawn_blocking(move || lock(&audio).source().check())
        .await
        .map_err(|e| Problem::internal(&e))?
        .map_err(Problem::from)
}

async fn still(app: &App, key: &Key) -> Outcome<Response> {
    let known = app.listens.known(key).and_then(|opened| opened.get().cloned());
    let Some(audio) = known else {
        return Err(Problem::conflict("no-listen", "Nothing is being heard in this session; play it first."));
    };
    if let Err(problem) = checked(&audio).await {
        app.listens.end(key);
        return Err(problem);
    }
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/wav"));
    Ok(response)
}

fn lock(audio: &Sound) -> MutexGuard<'_, Playable<MutedAudio>> {
    audio.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One piece after the other, each from where the last one ended; the first refusal breaks the stream off.
fn stream(
    audio: Arc<Sound>,
    from: u64,
    to: u64,
    rate: f64,
) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    let begun = Instant::now();
    futures_util::stream::try_unfold((audio, from), move |(audio, at)| async move {
        if at >= to {
            return Ok(None);
        }
        let wait = Duration::from_secs_f64(early(rate, (at - from) as f64)).saturating_sub(begun.elapsed());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let (piece, audio) =
            tokio::task::spawn_blocking(move || read_piece(&audio, at, to).map(|p| (p, audio)))
                .await
                .map_err(std::io::Error::other)??;
        let next = at + piece.len() as u64;
        Ok(Some((piece, (audio, next))))
    })
}

/// Seconds after the beginning before which a byte that far in is not sent.
fn early(rate: f64, sent: f64) -> f64 {
    ((sent / rate.max(1.0) - AHEAD.as_secs_f64()) / PACE).clamp(0.0, LONGEST.as_secs_f64())
}

fn read_piece(audio: &Sound, at: u64, to: u64) -> std::io::Result<Bytes> {
    let mut audio = lock(audio);
    audio.seek(SeekFrom::Start(at))?;
    let want = usize::try_from(to - at).unwrap_or(PIECE).min(PIECE);
    let mut piece = vec![0u8; want];
    let mut have = 0;
    while have < want {
        let Some(rest) = piece.get_mut(have..) else { break };
        match audio.read(rest)? {
            0 => break,
            n => have += n,
        }
    }
    piece.truncate(have);
    // A body shorter than it was announced must not look whole.
    if piece.is_empty() { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(piece.into()) }
}

/// One range of RFC 9110: `None` where the header is ignored, `Some(None)` where nothing of it exists.
fn range(header: &str, total: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    if first.is_empty() {
        let length = number(last)?;
        return Some((length > 0 && total > 0).then(|| (total.saturating_sub(length), total)));
    }
    let from = number(first)?;
    let to = match last {
        "" => total,
        _ => number(last)?.saturating_add(1),
    };
    if to <= from && !last.is_empty() {
        return None;
    }
    Some((from < total).then(|| (from, to.min(total))))
}

fn unsatisfiable(total: u64) -> Response {
    let problem = Problem::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "range",
        "Nothing there",
        format!("The recording has {total} bytes; the range lies behind its end."),
    );
    let mut response = axum::response::IntoResponse::into_response(problem);
    // A player reads the header, not a page.
    response.extensions_mut().remove::<Problem>();
    if let Ok(value) = HeaderValue::try_from(format!("bytes */{total}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        assert_eq!(range("bytes=0-9", 100), Some(Some((0, 10))));
        assert_eq!(range("bytes=90-", 100), Some(Some((90, 100))));
        assert_eq!(range("bytes=90-500", 100), Some(Some((90, 100))));
        assert_eq!(range("bytes=-10", 100), Some(Some((90, 100))));
        assert_eq!(range("bytes=-500", 100), Some(Some((0, 100))));
        for behind in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(range(behind, 100), Some(None), "{behind}");
        }
        for ignored in [
            "bytes=9-3",
            "bytes=0-1,5-6",
            "items=0-1",
            "bytes=a-b",
            "bytes=",
            "bytes=-",
            "bytes=0x1-2",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(range(ignored, 100), None, "{ignored}");
        }
    }

    #[test]
    fn half_a_minute_is_sent_at_once_and_the_rest_by_and_by() {
        let rate = 32_000.0;
        assert_eq!(early(rate, 20.0 * rate), 0.0);
        assert_eq!(early(rate, 110.0 * rate), 10.0);
    }
}
