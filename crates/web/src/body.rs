//! A request's body as something that is read, for the vault seals what it reads and never holds a file in memory.

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use std::io::{self, Read};
use tokio::sync::mpsc;

/// Pieces that may wait between the network and the disk.
const AHEAD: usize = 8;

/// The reading end. When the network breaks off, the end of the body comes early; who reads knows the length.
pub struct BodyReader {
    from: mpsc::Receiver<Bytes>,
    now: Bytes,
}

impl Read for BodyReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.now.has_remaining() {
            match self.from.blocking_recv() {
                Some(piece) => self.now = piece,
                None => return Ok(0),
            }
        }
        let n = self.now.remaining().min(out.len());
        self.now.copy_to_slice(out.get_mut(..n).unwrap_or_default());
        Ok(n)
    }
}

/// Both ends: what is fed into the first comes out of the second.
pub fn pipe() -> (mpsc::Sender<Bytes>, BodyReader) {
    let (to, from) = mpsc::channel(AHEAD);
    (to, BodyReader { from, now: Bytes::new() })
}

/// Feeds a body in until it ends, breaks off, or nobody reads any more.
pub async fn feed(mut body: Body, into: mpsc::Sender<Bytes>) {
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        if into.send(data).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_goes_in_comes_out() {
        let (to, mut reader) = pipe();
        let sent = vec![7u8; 300_000];
        let reading = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        feed(Body::from(sent.clone()), to).await;
        assert_eq!(reading.await.unwrap().unwrap(), sent);
    }
}
