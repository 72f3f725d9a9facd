//! From one piece of audio to tokens: greedy choice under the rules that keep this model honest.
//!
//! Each rule was measured: without a least number of tokens telephone speech comes out empty, without the guard and
//! the cap a piece can repeat itself for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rten::ThreadPool;

use super::network::Network;
use super::tokens::{BOS, EOS};
use crate::align::Attention;
use crate::error::Error;

/// Most tokens per second of audio; speech has about 3.
const TOKENS_PER_SECOND: f32 = 6.5;
/// Heads per layer of the decoder.
const HEADS: usize = 8;

/// Why decoding stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The model said so.
    End,
    /// The same tokens again and again.
    Repetition,
    /// As many tokens as the audio can hold.
    Cap,
}

/// What the decoder said about one piece.
pub(crate) struct Decoded {
    pub tokens: Vec<usize>,
    /// Log-probability of each token among those that were allowed.
    pub log_probs: Vec<f32>,
    pub attention: Attention,
    pub stop: Stop,
}

impl Decoded {
    /// Mean log-probability; `None` without tokens.
    pub(crate) fn mean_log_prob(&self) -> Option<f32> {
        let n = self.log_probs.len();
        (n > 0).then(|| self.log_probs.iter().sum::<f32>() / n as f32)
    }
}

/// Decodes one piece. `voiced_ms` is how much of it is voice: at least one token per second of that is asked for.
pub(crate) fn decode(
    network: &Network,
    pool: &Arc<ThreadPool>,
    samples: &[f32],
    voiced_ms: u64,
    cancel: &AtomicBool,
) -> Result<Decoded, Error> {
    let mut memory = network.listen(samples, pool)?;
    let frames = memory.frames();
    let seconds = samples.len() as f32 / 16_000.0;
    let cap = (seconds * TOKENS_PER_SECOND).floor() as usize + 1;
    let least = usize::try_from(voiced_ms / 1000).unwrap_or(0).clamp(1, cap);
    let mut out = Decoded {
        tokens: Vec::new(),
        log_probs: Vec::new(),
        attention: Attention { heads: 0, frames, rows: Vec::new() },
        stop: Stop::Cap,
    };
    let mut token = BOS;
    while out.tokens.len() < cap {
        if cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        let step = network.step(token, out.tokens.is_empty(), &mut memory, pool)?;
        let (next, log_prob) = choose(&step.logits, out.tokens.len() >= least);
        if next == EOS {
            out.stop = Stop::End;
            break;
        }
        out.attention.heads = step.attention.len().checked_div(frames).unwrap_or(HEADS);
        out.attention.rows.push(step.attention);
        out.tokens.push(next);
        out.log_probs.push(log_prob);
        if repeats(&out.tokens) {
            out.stop = Stop::Repetition;
            break;
        }
        token = next;
    }
    Ok(out)
}

/// The likeliest token and its log-probability; the end counts only when it is allowed.
fn choose(logits: &[f32], may_end: bool) -> (usize, f32) {
    let allowed = || logits.iter().enumerate().filter(|(i, _)| may_end || *i != EOS);
    let Some((best, &top)) = allowed().max_by(|a, b| a.1.total_cmp(b.1)) else { return (EOS, 0.0) };
    let sum: f64 = allowed().map(|(_, x)| f64::from(x - top).exp()).sum();
    (best, -(sum.ln() as f32))
}

/// Whether the text ends in a loop. Card numbers hold "one one one one": short periods need many repeats.
fn repeats(tokens: &[usize]) -> bool {
    (1..=12usize).any(|period| {
        let times = if period < 4 { 24 } else { 6 };
        let length = period.saturating_mul(times);
        let Some(from) = tokens.len().checked_sub(length) else { return false };
        let tail = tokens.get(from..).unwrap_or_default();
        tail.iter().zip(tail.iter().skip(period)).all(|(a, b)| a == b)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_no_loop_and_loops_are() {
        let ones: Vec<usize> = std::iter::once(4).chain(std::iter::repeat_n(1, 15)).collect();
        assert!(!repeats(&ones));
        assert!(repeats(&[9].into_iter().chain(std::iter::repeat_n(1, 24)).collect::<Vec<_>>()));
        let phrase = |n: usize| (0..n).flat_map(|_| [5, 6, 7, 8]).collect::<Vec<usize>>();
        assert!(!repeats(&phrase(5)));
        assert!(repeats(&phrase(6)));
        assert!(!repeats(&(0..500).collect::<Vec<_>>()));
    }

    #[test]
    fn the_end_is_chosen_only_when_allowed() {
        let logits = [0.0, 0.0, 9.0, 5.0];
        assert_eq!(choose(&logits, true).0, EOS);
        let (token, log_prob) = choose(&logits, false);
        assert_eq!(token, 3);
        assert!(log_prob > -0.02 && log_prob <= 0.0);
        assert_eq!(choose(&[], false).0, EOS);
    }
}
