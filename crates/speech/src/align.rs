//! From attention to word times: each token's attention over the audio, made comparable, and the cheapest monotonic
//! path through it (dynamic time warping).
#![expect(clippy::indexing_slicing, reason = "matrix loops whose bounds are the matrix's own dimensions")]

/// Attention of one stretch: for each token `heads × frames` weights.
pub(crate) struct Attention {
    /// Number of attention heads over all layers.
    pub heads: usize,
    /// Number of audio frames.
    pub frames: usize,
    /// One row per token, `heads * frames` long, head by head.
    pub rows: Vec<Vec<f32>>,
}

/// First and last frame (inclusive) of each token, in order and without gaps; empty when there is nothing to align.
pub(crate) fn token_frames(attention: &Attention) -> Vec<(usize, usize)> {
    let (tokens, frames) = (attention.rows.len(), attention.frames);
    if tokens == 0 || frames == 0 || attention.rows.iter().any(|r| r.len() != attention.heads * frames) {
        return Vec::new();
    }
    warp(&scores(attention), tokens, frames)
}

/// How much each token attends to each frame, relative to the other tokens: z-scores over the tokens, mean over heads.
/// Sums are f64: in f32 the path has been seen to collapse onto the last frame.
fn scores(attention: &Attention) -> Vec<f64> {
    let (tokens, frames) = (attention.rows.len(), attention.frames);
    let mut out = vec![0f64; tokens * frames];
    for head in 0..attention.heads {
        for frame in 0..frames {
            let at = head * frames + frame;
            let (mut sum, mut square) = (0f64, 0f64);
            for row in &attention.rows {
                let x = f64::from(row[at]);
                sum += x;
                square += x * x;
            }
            let mean = sum / tokens as f64;
            let deviation = (square / tokens as f64 - mean * mean).max(0.0).sqrt();
            if deviation > 1e-12 {
                for (token, row) in attention.rows.iter().enumerate() {
                    out[token * frames + frame] += (f64::from(row[at]) - mean) / deviation;
                }
            }
        }
    }
    let heads = attention.heads.max(1) as f64;
    out.iter_mut().for_each(|s| *s /= heads);
    out
}

/// The path of highest score from the first token and frame to the last, going on by one in either or both.
fn warp(score: &[f64], tokens: usize, frames: usize) -> Vec<(usize, usize)> {
    let width = frames + 1;
    let mut cost = vec![f64::INFINITY; (tokens + 1) * width];
    let mut step = vec![0u8; (tokens + 1) * width];
    cost[0] = 0.0;
    for t in 1..=tokens {
        for f in 1..=frames {
            let diagonal = cost[(t - 1) * width + f - 1];
            let up = cost[(t - 1) * width + f];
            let left = cost[t * width + f - 1];
            let (best, how) = if diagonal <= up && diagonal <= left {
                (diagonal, 0)
            } else if up <= left {
                (up, 1)
            } else {
                (left, 2)
            };
            cost[t * width + f] = best - score[(t - 1) * frames + f - 1];
            step[t * width + f] = how;
        }
    }
    let mut spans = vec![(usize::MAX, 0usize); tokens];
    let (mut t, mut f) = (tokens, frames);
    while t > 0 && f > 0 {
        let span = &mut spans[t - 1];
        *span = (span.0.min(f - 1), span.1.max(f - 1));
        match step[t * width + f] {
            0 => (t, f) = (t - 1, f - 1),
            1 => t -= 1,
            _ => f -= 1,
        }
    }
    // Every token has a frame because each step that leaves a token was taken at one of its frames.
    spans.iter().map(|&(a, b)| if a == usize::MAX { (0, 0) } else { (a, b) }).collect()
}

/// Whether the path put many tokens onto one frame, which no speech does.
pub(crate) fn collapsed(spans: &[(usize, usize)]) -> bool {
    let mut most = 0usize;
    let mut run = 0usize;
    let mut last = None;
    for span in spans {
        run = if span.0 == span.1 && last == Some(span.0) { run + 1 } else { 1 };
        last = Some(span.1);
        most = most.max(run);
    }
    spans.len() >= 8 && most >= (spans.len() / 3).max(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peaks(frames: usize, at: &[usize]) -> Attention {
        let rows = at
            .iter()
            .map(|&p| (0..frames).map(|f| 0.01 + (-((f as f32 - p as f32) / 2.0).powi(2)).exp()).collect())
            .collect();
        Attention { heads: 1, frames, rows }
    }

    #[test]
    fn each_token_gets_the_frames_it_attends_to() {
        let spans = token_frames(&peaks(100, &[5, 30, 50, 90]));
        assert_eq!(spans.len(), 4);
        for (span, peak) in spans.iter().zip([5, 30, 50, 90]) {
            assert!(span.0 <= peak && peak <= span.1, "{spans:?}");
        }
        assert_eq!((spans[0].0, spans[3].1), (0, 99));
        assert!(spans.windows(2).all(|w| w[1].0 >= w[0].1 && w[1].0 <= w[0].1 + 1), "{spans:?}");
        assert!(!collapsed(&spans));
    }

    #[test]
    fn nothing_and_nonsense_align_to_nothing() {
        assert!(token_frames(&Attention { heads: 1, frames: 0, rows: vec![vec![]] }).is_empty());
        assert!(token_frames(&Attention { heads: 1, frames: 5, rows: vec![] }).is_empty());
        assert!(token_frames(&Attention { heads: 2, frames: 5, rows: vec![vec![0.0; 5]] }).is_empty());
        // More tokens than frames: still one frame each.
        assert_eq!(token_frames(&peaks(3, &[0, 1, 1, 2, 2])).len(), 5);
        // No differences at all: any path is as good, none panics.
        assert_eq!(token_frames(&Attention { heads: 1, frames: 4, rows: vec![vec![0.25; 4]; 2] }).len(), 2);
    }

    #[test]
    fn many_tokens_on_one_frame_are_a_collapse() {
        let mut spans: Vec<(usize, usize)> = (0..4).map(|i| (i * 10, i * 10 + 9)).collect();
        assert!(!collapsed(&spans));
        spans.extend(std::iter::repeat_n((40, 40), 9));
        assert!(collapsed(&spans));
    }
}
