//! The built-in recogniser: Moonshine (English, int8) on `rten`, without any library outside Rust.

mod judge;
mod language;
mod network;
mod patch;
#[cfg(test)]
mod tests;
mod text;
mod tokens;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use callvault_model::{Interval, TimeQuality, Word};
use rten::ThreadPool;

use crate::align;
use crate::audio::Samples;
use crate::engine::{Engine, HearOptions};
use crate::error::Error;
use crate::heard::{Capabilities, Doubt, Heard, Segment};
use crate::segmenter::{Cut, Piece, Segmenter};
use network::Network;
use text::Decoded;
use tokens::Tokens;

/// One frame of the encoder: 384 samples.
const ENCODER_FRAME_MS: f64 = 24.0;

/// The files of one model and what they are called.
pub struct Files {
    /// `moonshine-base-en`.
    pub name: String,
    /// The encoder's bytes.
    pub encoder: Vec<u8>,
    /// The decoder's bytes, as published.
    pub decoder: Vec<u8>,
    /// SHA-256 over both files' digests, hex.
    pub sha256: String,
}

/// The recogniser, loaded once and shared.
pub struct Moonshine {
    network: Network,
    tokens: Tokens,
    capabilities: Capabilities,
    workers: usize,
}

impl std::fmt::Debug for Moonshine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Moonshine").field("capabilities", &self.capabilities).finish_non_exhaustive()
    }
}

/// As many pieces are heard at the same time; each further one costs about 50 MB.
pub fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(2)
}

impl Moonshine {
    /// Loads a model. The number of workers changes the time it takes and nothing of the words.
    pub fn load(files: Files, workers: usize) -> Result<Self, Error> {
        let network = Network::load(files.encoder, &files.decoder)?;
        let capabilities = Capabilities {
            name: files.name,
            time_quality: TimeQuality::Attention,
            model_sha256: files.sha256,
            recuts: true,
        };
        Ok(Self { network, tokens: Tokens::load()?, capabilities, workers: workers.clamp(1, 16) })
    }

    /// Hears one piece.
    fn piece(&self, piece: &Piece, pool: &Arc<ThreadPool>, cancel: &AtomicBool) -> Result<Segment, Error> {
        let decoded = text::decode(&self.network, pool, &piece.samples, piece.voiced_ms, cancel)?;
        let spans = align::token_frames(&decoded.attention);
        let words = self.words(&decoded, &spans, piece.span);
        let mut doubts = judge::doubts(&decoded, &words, piece, &self.tokens);
        if align::collapsed(&spans) {
            doubts.push(Doubt::TimesCollapsed);
        }
        Ok(Segment { span: piece.span, words, doubts, mean_log_prob: decoded.mean_log_prob() })
    }

    fn words(&self, decoded: &Decoded, spans: &[(usize, usize)], span: Interval) -> Vec<Word> {
        let at = |frame: usize| {
            let ms = (frame as f64 * ENCODER_FRAME_MS).round() as u64;
            span.start_ms.saturating_add(ms).min(span.end_ms)
        };
        self.tokens
            .words(&decoded.tokens)
            .into_iter()
            .map(|spelled| {
                let (from, to) = spelled.tokens;
                let places = spans.get(from..to).unwrap_or_default();
                let start_ms = places.first().map_or(span.start_ms, |p| at(p.0));
                let end_ms = places.last().map_or(span.end_ms, |p| at(p.1.saturating_add(1)));
                let probs = decoded.log_probs.get(from..to).unwrap_or_default();
                let mean = probs.iter().sum::<f32>() / probs.len().max(1) as f32;
                Word {
                    text: spelled.text,
                    start_ms,
                    end_ms: end_ms.max(start_ms),
                    confidence: mean.exp().clamp(0.0, 1.0),
                }
            })
            .collect()
    }

    /// One worker: takes pieces until there are none, one thread of arithmetic each so that results repeat exactly.
    fn work(
        &self,
        pieces: &Mutex<mpsc::Receiver<(usize, Piece)>>,
        cancel: &AtomicBool,
    ) -> Result<Vec<(usize, Segment)>, Error> {
        let pool = Arc::new(ThreadPool::with_num_threads(1));
        let mut out = Vec::new();
        loop {
            let next = pieces.lock().map_err(|_| broken())?.recv();
            let Ok((number, piece)) = next else { return Ok(out) };
            out.push((number, self.piece(&piece, &pool, cancel)?));
        }
    }
}

fn broken() -> Error {
    Error::Engine(
        "a worker of the recogniser stopped; this is a fault of the program, please report it".into(),
    )
}

impl Engine for Moonshine {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn hear(&self, samples: &mut dyn Samples, options: &HearOptions<'_>) -> Result<Heard, Error> {
        let mut segmenter = Segmenter::new(samples, if options.again { Cut::Again } else { Cut::First });
        let (sender, receiver) = mpsc::sync_channel::<(usize, Piece)>(1);
        let receiver = Mutex::new(receiver);
        let stop = AtomicBool::new(false);
        let mut numbered = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.workers)
                .map(|_| {
                    scope.spawn(|| {
                        let done = self.work(&receiver, options.cancel);
                        if done.is_err() {
                            stop.store(true, Ordering::Relaxed);
                            // Whoever waits to hand over a piece is let go.
                            while receiver.lock().is_ok_and(|r| r.recv().is_ok()) {}
                        }
                        done
                    })
                })
                .collect();
            let fed = feed(&mut segmenter, sender, options, &stop);
            let mut all = Vec::new();
            for worker in workers {
                all.extend(worker.join().map_err(|_| broken())??);
            }
            fed.map(|()| all)
        })?;
        numbered.sort_by_key(|(number, _)| *number);
        let mut segments: Vec<Segment> = numbered.into_iter().map(|(_, segment)| segment).collect();
        language::judge_channel(&mut segments);
        let loud_not_voiced = segmenter.loud_not_voiced();
        Ok(Heard { segments, voiced: segmenter.voiced().clone(), loud_not_voiced })
    }
}

/// Hands the pieces to the workers, in order and no faster than they are heard.
fn feed(
    segmenter: &mut Segmenter<'_>,
    sender: mpsc::SyncSender<(usize, Piece)>,
    options: &HearOptions<'_>,
    stop: &AtomicBool,
) -> Result<(), Error> {
    let mut on_block = |ms: u64| {
        if options.cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        (options.progress)(ms);
        Ok(())
    };
    let mut number = 0usize;
    while let Some(piece) = segmenter.next_piece(&mut on_block)? {
        if stop.load(Ordering::Relaxed) || sender.send((number, piece)).is_err() {
            break;
        }
        number = number.saturating_add(1);
    }
    Ok(())
}
