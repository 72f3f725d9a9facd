//! Band-limited change of sample rate by any ratio: a windowed-sinc filter kept as a table of phases.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "filter design and positions: rates are at most 192,000, tables a few thousand taps"
)]

/// Zero crossings of the sinc on each side, at the lower of the two rates.
const HALF_WIDTH: f64 = 24.0;
/// Share of the lower Nyquist frequency that passes.
const PASS: f64 = 0.94;
/// Kaiser window: stop band about 80 dB down.
const KAISER_BETA: f64 = 8.0;
/// More phases than this are interpolated.
const MAX_PHASES: u64 = 512;

/// Changes the rate of one stream; the filter's delay is taken out, so times stay true.
pub struct Resampler {
    up: u64,
    down: u64,
    phases: u64,
    taps: usize,
    /// `phases + 1` rows of `taps`; the last row closes the interpolation.
    table: Vec<f32>,
    /// Input from `base` on; positions before the first sample are zeros put there by `new`.
    held: Vec<f32>,
    /// Absolute index of `held[0]`, shifted by the zeros.
    base: u64,
    received: u64,
    /// Next output sample.
    next: u64,
}

impl Resampler {
    /// From `input` to `output` samples per second.
    pub fn new(input: u32, output: u32) -> Self {
        let (input, output) = (u64::from(input.max(1)), u64::from(output.max(1)));
        let divisor = gcd(input, output);
        let (up, down) = (output / divisor, input / divisor);
        let phases = up.min(MAX_PHASES);
        let ratio = (output as f64 / input as f64).min(1.0);
        let half = (HALF_WIDTH / ratio).ceil() as usize;
        let taps = half.saturating_mul(2);
        let table = if up == down { Vec::new() } else { design(phases, half, ratio) };
        Self {
            up,
            down,
            phases,
            taps,
            table,
            held: vec![0.0; half.saturating_sub(1)],
            base: 0,
            received: 0,
            next: 0,
        }
    }

    /// Takes input and appends what can be said already.
    pub fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        if self.up == self.down {
            out.extend_from_slice(input);
            return;
        }
        self.held.extend_from_slice(input);
        self.received = self.received.saturating_add(input.len() as u64);
        self.drain(u64::MAX, out);
    }

    /// Appends the rest; the whole output has `ceil(input × ratio)` samples.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        if self.up == self.down {
            return;
        }
        let total = self.received.saturating_mul(self.up).div_ceil(self.down);
        self.held.extend(std::iter::repeat_n(0.0, self.taps));
        self.drain(total, out);
    }

    fn drain(&mut self, total: u64, out: &mut Vec<f32>) {
        while self.next < total {
            let position = self.next.saturating_mul(self.down);
            let (whole, rest) = (position / self.up, position % self.up);
            // The zeros of `new` shift the window: its first tap stands at `whole` of the held stream.
            let from = whole.saturating_sub(self.base) as usize;
            let Some(window) = self.held.get(from..from.saturating_add(self.taps)) else { break };
            out.push(self.dot(window, rest));
            self.next = self.next.saturating_add(1);
        }
        let keep = (self.next.saturating_mul(self.down) / self.up).saturating_sub(self.base) as usize;
        let keep = keep.min(self.held.len());
        self.held.drain(..keep);
        self.base = self.base.saturating_add(keep as u64);
    }

    fn dot(&self, window: &[f32], rest: u64) -> f32 {
        let row = |n: usize| self.table.get(n * self.taps..(n + 1) * self.taps).unwrap_or_default();
        let sum = |taps: &[f32]| window.iter().zip(taps).map(|(x, h)| x * h).sum::<f32>();
        if self.phases == self.up {
            return sum(row(rest as usize));
        }
        let exact = rest as f64 * self.phases as f64 / self.up as f64;
        let (lower, weight) = (exact.floor() as usize, exact.fract() as f32);
        sum(row(lower)) * (1.0 - weight) + sum(row(lower + 1)) * weight
    }
}

fn design(phases: u64, half: usize, ratio: f64) -> Vec<f32> {
    let mut table = Vec::with_capacity((phases as usize + 1).saturating_mul(half * 2));
    let cutoff = ratio * PASS;
    for phase in 0..=phases {
        let shift = phase as f64 / phases as f64;
        let taps: Vec<f64> = (0..half * 2)
            .map(|k| {
                let t = k as f64 - (half as f64 - 1.0) - shift;
                sinc(t * cutoff) * kaiser(t / half as f64)
            })
            .collect();
        // Each phase passes a constant unchanged, so that no phase pattern is heard.
        let gain: f64 = taps.iter().sum();
        table.extend(taps.iter().map(|t| (t / gain) as f32));
    }
    table
}

fn sinc(x: f64) -> f64 {
    let y = x * std::f64::consts::PI;
    if y.abs() < 1e-9 { 1.0 } else { y.sin() / y }
}

fn kaiser(x: f64) -> f64 {
    bessel(KAISER_BETA * (1.0 - x * x).max(0.0).sqrt()) / bessel(KAISER_BETA)
}

/// Modified Bessel function of the first kind, order 0, by its series.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..40 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f64, rate: u32, n: usize) -> Vec<f32> {
        (0..n).map(|i| (std::f64::consts::TAU * hz * i as f64 / f64::from(rate)).sin() as f32).collect()
    }

    fn run(input: &[f32], from: u32, to: u32, piece: usize) -> Vec<f32> {
        let (mut r, mut out) = (Resampler::new(from, to), Vec::new());
        input.chunks(piece).for_each(|c| r.push(c, &mut out));
        r.finish(&mut out);
        out
    }

    #[test]
    fn a_tone_keeps_its_place_and_height_at_every_rate() {
        for from in [4000, 8000, 11025, 11127, 16000, 22050, 44100, 48000, 96000, 191_999, 192_000] {
            let out = run(&sine(1000.0, from, from as usize / 2), from, 16000, 1000);
            assert_eq!(out.len() as u64, (u64::from(from) / 2 * 16000).div_ceil(u64::from(from)));
            let want = sine(1000.0, 16000, out.len());
            let worst = out[400..out.len() - 400]
                .iter()
                .zip(&want[400..])
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(worst < 2e-3, "{from} Hz: {worst}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        for (from, hz) in [(48000, 9000.0), (44100, 12000.0), (192_000, 40000.0)] {
            let out = run(&sine(hz, from, from as usize / 2), from, 16000, 777);
            let loudest = out[400..out.len() - 400].iter().fold(0f32, |m, s| m.max(s.abs()));
            assert!(loudest < 1e-3, "{hz} Hz at {from}: {loudest}");
        }
    }

    #[test]
    fn pieces_do_not_matter() {
        let input = sine(440.0, 11025, 5000);
        assert_eq!(run(&input, 11025, 16000, 1), run(&input, 11025, 16000, 5000));
    }

    #[test]
    fn very_short_inputs_work() {
        assert_eq!(run(&[], 8000, 16000, 1), Vec::<f32>::new());
        assert_eq!(run(&[0.5], 8000, 16000, 1).len(), 2);
        assert_eq!(run(&[0.5, 0.5], 48000, 16000, 1).len(), 1);
    }
}
