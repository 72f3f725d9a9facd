//! GSM 06.10 full rate (ETSI EN 300 961), decoder only, in the 65-byte packing of WAV (two frames of 160 samples).
//! Fixed point as the standard prescribes, so that the output is bit-exact with other decoders.
#![expect(
    clippy::indexing_slicing,
    reason = "fixed-size arrays with indices from constant ranges; lags are clamped to 40..=120"
)]

/// Bytes of one WAV block.
pub(crate) const BLOCK_BYTES: usize = 65;
/// Samples of one WAV block.
pub(crate) const BLOCK_FRAMES: u64 = 320;

const LAR_BITS: [u32; 8] = [6, 6, 5, 5, 4, 4, 3, 3];
const LAR_B: [i16; 8] = [0, 0, 2048, -2560, 94, -1792, -341, -1144];
const LAR_MIN: [i16; 8] = [-32, -32, -16, -16, -8, -8, -4, -4];
const LAR_INV_A: [i16; 8] = [13107, 13107, 13107, 13107, 19223, 17476, 31454, 29708];
const LTP_GAIN: [i16; 4] = [3277, 11469, 21299, 32767];
const RPE_FACTOR: [i16; 8] = [18431, 20479, 22527, 24575, 26623, 28671, 30719, 32767];
/// Samples after which the interpolation of the log area ratios moves on.
const STEPS: [std::ops::Range<usize>; 4] = [0..13, 13..27, 27..40, 40..160];

/// What one frame carries over to the next.
pub(crate) struct Decoder {
    /// 120 samples of past excitation, then the frame's own 160.
    excitation: [i16; 280],
    lag: usize,
    lar: [i16; 8],
    lattice: [i16; 9],
    emphasis: i16,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { excitation: [0; 280], lag: 40, lar: [0; 8], lattice: [0; 9], emphasis: 0 }
    }
}

#[derive(Default)]
struct Frame {
    lar: [i16; 8],
    sub: [Sub; 4],
}

#[derive(Default)]
struct Sub {
    lag: u16,
    gain: u16,
    grid: u16,
    max: u16,
    pulses: [u16; 13],
}

/// Bits from the least significant end, as Microsoft packs them.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, n: u32) -> u16 {
        let mut out = 0;
        for i in 0..n {
            let byte = self.bytes.get(self.at / 8).copied().unwrap_or(0);
            out |= u16::from(byte >> (self.at % 8) & 1) << i;
            self.at += 1;
        }
        out
    }

    fn frame(&mut self) -> Frame {
        let mut f = Frame::default();
        for (lar, bits) in f.lar.iter_mut().zip(LAR_BITS) {
            *lar = self.take(bits).cast_signed();
        }
        for sub in &mut f.sub {
            (sub.lag, sub.gain, sub.grid, sub.max) = (self.take(7), self.take(2), self.take(2), self.take(6));
            for pulse in &mut sub.pulses {
                *pulse = self.take(3);
            }
        }
        f
    }
}

/// Product of two Q15 numbers, rounded.
fn mul(a: i16, b: i16) -> i16 {
    let product = (i32::from(a) * i32::from(b) + 16384) >> 15;
    i16::try_from(product).unwrap_or(i16::MAX)
}

impl Decoder {
    /// The 320 samples of one 65-byte block.
    pub(crate) fn block(&mut self, block: &[u8]) -> impl Iterator<Item = i16> + use<> {
        let mut bits = Bits { bytes: block, at: 0 };
        let (first, second) = (bits.frame(), bits.frame());
        let (first, second) = (self.frame(&first), self.frame(&second));
        first.into_iter().chain(second)
    }

    fn frame(&mut self, frame: &Frame) -> [i16; 160] {
        for (i, sub) in frame.sub.iter().enumerate() {
            self.subframe(120 + 40 * i, sub);
        }
        let mut out = [0i16; 160];
        out.copy_from_slice(&self.excitation[120..]);
        self.synthesis(&frame.lar, &mut out);
        self.excitation.copy_within(160.., 0);
        for s in &mut out {
            self.emphasis = s.saturating_add(mul(self.emphasis, 28180));
            *s = self.emphasis.saturating_add(self.emphasis) & !7;
        }
        out
    }

    /// Regular pulses plus the long-term prediction from `lag` samples ago.
    fn subframe(&mut self, at: usize, sub: &Sub) {
        let lag = usize::from(sub.lag);
        if (40..=120).contains(&lag) {
            self.lag = lag;
        }
        let gain = LTP_GAIN[usize::from(sub.gain & 3)];
        let mut pulses = [0i16; 43];
        for (k, pulse) in rpe(sub).into_iter().enumerate() {
            pulses[usize::from(sub.grid & 3) + 3 * k] = pulse;
        }
        for (k, pulse) in pulses.into_iter().take(40).enumerate() {
            let past = self.excitation[at + k - self.lag];
            self.excitation[at + k] = pulse.saturating_add(mul(gain, past));
        }
    }

    /// The lattice filter whose coefficients glide from the last frame's to this one's.
    fn synthesis(&mut self, coded: &[i16; 8], samples: &mut [i16; 160]) {
        let mut now = [0i16; 8];
        for i in 0..8 {
            let scaled = (coded[i] + LAR_MIN[i]) << 10;
            let v = mul(LAR_INV_A[i], scaled.saturating_sub(LAR_B[i] << 1));
            now[i] = v.saturating_add(v);
        }
        for (step, range) in STEPS.into_iter().enumerate() {
            let mut reflection = [0i16; 8];
            for i in 0..8 {
                let (old, new) = (self.lar[i], now[i]);
                reflection[i] = reflect(match step {
                    0 => (old >> 2).saturating_add(new >> 2).saturating_add(old >> 1),
                    1 => (old >> 1).saturating_add(new >> 1),
                    2 => (old >> 2).saturating_add(new >> 2).saturating_add(new >> 1),
                    _ => new,
                });
            }
            for s in &mut samples[range] {
                let mut v = *s;
                for i in (0..8).rev() {
                    v = v.saturating_sub(mul(reflection[i], self.lattice[i]));
                    self.lattice[i + 1] = self.lattice[i].saturating_add(mul(reflection[i], v));
                }
                self.lattice[0] = v;
                *s = v;
            }
        }
        self.lar = now;
    }
}

/// Log area ratio to reflection coefficient, piecewise linear.
fn reflect(lar: i16) -> i16 {
    let magnitude = lar.saturating_abs();
    let v = match magnitude {
        ..11059 => magnitude << 1,
        11059..20070 => magnitude + 11059,
        _ => (magnitude >> 2).saturating_add(26112),
    };
    if lar < 0 { -v } else { v }
}

/// The 13 pulses of a subframe out of their block-adaptive code.
fn rpe(sub: &Sub) -> [i16; 13] {
    let max = sub.max.cast_signed();
    let mut exponent = if max > 15 { (max >> 3) - 1 } else { 0 };
    let mut mantissa = max - (exponent << 3);
    if mantissa == 0 {
        (exponent, mantissa) = (-4, 7);
    } else {
        while mantissa <= 7 {
            mantissa = mantissa << 1 | 1;
            exponent -= 1;
        }
        mantissa -= 8;
    }
    let factor = RPE_FACTOR[usize::from(mantissa.cast_unsigned() & 7)];
    let shift = 6 - exponent;
    let round = if shift > 0 { 1i16 << (shift - 1) } else { 0 };
    sub.pulses.map(|p| {
        let v = (p.cast_signed() * 2 - 7) << 12;
        mul(factor, v).saturating_add(round) >> shift
    })
}
