//! What of a request's body nobody read. An answer that is given before the body's end makes HTTP/1.1 close the connection,
//! unannounced, under the client's next request (RFC 9112, 9.3 and 9.6): a small rest is read away, a larger one closes it
//! with notice.

use axum::{
    body::{Body, HttpBody},
    http::{HeaderValue, Request, Response, Version, header},
};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// More than this is not read away.
const MOST: usize = 256 * 1024;
/// Nor is what takes longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a body lies that nobody reads any more.
#[derive(Clone, Default)]
pub struct Rest(Arc<Mutex<Option<Incoming>>>);

/// A body that comes back when it is dropped.
struct Returning {
    body: Option<Incoming>,
    to: Rest,
}

impl HttpBody for Returning {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        *self.to.0.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
    }
}

/// The request with a body that comes back, and where; nowhere for protocols that have streams of their own, and for a client
/// that waits to be told whether to send at all.
pub fn watch(request: Request<Incoming>) -> (Request<Body>, Option<Rest>) {
    if request.version() > Version::HTTP_11 || request.headers().contains_key(header::EXPECT) {
        return (request.map(Body::new), None);
    }
    let rest = Rest::default();
    let to = rest.clone();
    (request.map(|body| Body::new(Returning { body: Some(body), to })), Some(rest))
}

impl Rest {
    /// Reads away what is left, or says in the answer that the connection ends.
    pub async fn settle<B>(self, answer: &mut Response<B>) {
        // Nothing came back where somebody still reads.
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(body) = left else { return };
        if !matches!(tokio::time::timeout(PATIENCE, ended(body)).await, Ok(true)) {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Whether the body ended within [`MOST`].
async fn ended(mut body: Incoming) -> bool {
    let mut read = 0usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        read = read.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if read > MOST {
            return false;
        }
    }
    true
}
