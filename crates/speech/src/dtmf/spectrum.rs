//! Is this 20 ms window one row and one column frequency, and little else?
#![expect(clippy::cast_precision_loss, reason = "window lengths and indices, all small")]

/// Rate of the analysis.
pub(super) const RATE: u32 = 8000;
/// 20 ms: resolves neighbouring rows (73 Hz apart) and fits twice into the shortest tone.
pub(super) const WINDOW: usize = 160;
/// 5 ms.
pub(super) const HOP: usize = 40;

const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Weakest amplitude of a single tone: −50 dB of full scale.
const MIN_AMPLITUDE: f32 = 0.003;
/// Most that one of the two may be stronger, as power (Q.24: 4 and 8 dB; trunks do worse).
const MAX_TWIST: f32 = 10.0;
/// How far the others of a group must lie below the strongest, as power.
const MIN_LEAD: f32 = 4.0;
/// Relative offsets at which a tone is looked for: Q.24 accepts 1.8 %, and must reject 3.5 %.
const OFFSETS: [f32; 7] = [-0.036, -0.02, -0.01, 0.0, 0.01, 0.02, 0.036];

/// 20 ms windows every 5 ms: four span 35 ms, so that a key of 40 ms is surely long enough.
const MIN_HITS: usize = 4;
/// Rests of a key that muting left are shorter.
const RESIDUE_HITS: usize = 2;
/// Change of power within the windows that must agree.
const MAX_SWELL: f32 = 1.6;
/// Change of relative frequency within them.
const MAX_GLIDE: f32 = 0.0101;

/// How much is asked of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sensitivity {
    /// To find keys and nothing else.
    Normal,
    /// To find rests where keys are known to have been.
    Residue,
}

impl Sensitivity {
    /// Share of the window's power that the two tones must have.
    fn share(self) -> f32 {
        match self {
            Self::Normal => 0.55,
            Self::Residue => 0.45,
        }
    }

    /// How sure it is that these windows are one key.
    pub(super) fn judge(self, hits: &[Hit]) -> Certainty {
        match self {
            Self::Residue if hits.len() >= RESIDUE_HITS => Certainty::Sure,
            Self::Normal if hits.len() < MIN_HITS => Certainty::No,
            _ if steady(hits, 4, 0.85) => Certainty::Sure,
            _ if steady(hits, 3, 0.75) => Certainty::Likely,
            _ => Certainty::No,
        }
    }
}

/// Whether a run of windows is a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    /// Speech, most likely.
    No,
    /// A key if other keys are near: people type more than one.
    Likely,
    /// A key.
    Sure,
}

/// A key holds its strength and frequencies for its whole length; a voice swells and glides. `windows` in a row must
/// agree, and one of them be nearly free of anything else.
fn steady(hits: &[Hit], windows: usize, clean_share: f32) -> bool {
    let range = |w: &[Hit], of: fn(&Hit) -> f32| {
        w.iter().map(of).fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(v), high.max(v)))
    };
    hits.windows(windows).any(|w| {
        let swells = |of: fn(&Hit) -> f32| range(w, of).1 > range(w, of).0 * MAX_SWELL;
        let glides = |of: fn(&Hit) -> f32| range(w, of).1 - range(w, of).0 > MAX_GLIDE;
        w.iter().any(|h| h.share >= clean_share)
            && !swells(|h| h.low.power)
            && !swells(|h| h.high.power)
            && !glides(|h| h.low.offset)
            && !glides(|h| h.high.offset)
    })
}

/// A window that sounds like a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) key: char,
    pub(super) share: f32,
    pub(super) low: Peak,
    pub(super) high: Peak,
}

/// One of the two tones: power, and how far it lies from where it should, as a share of the frequency.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peak {
    power: f32,
    offset: f32,
}

/// The key of a window of `WINDOW` samples, if it has one.
pub(super) fn analyse(window: &[f32], sensitivity: Sensitivity) -> Option<Hit> {
    let power = window.iter().map(|s| s * s).sum::<f32>() / window.len() as f32;
    if power < MIN_AMPLITUDE * MIN_AMPLITUDE {
        return None;
    }
    let (row, low) = strongest(window, ROWS)?;
    let (column, high) = strongest(window, COLUMNS)?;
    // A tone of amplitude a has power a²/2.
    if low + high < 0.5 * sensitivity.share() * power {
        return None;
    }
    let low = refine(window, ROWS.get(row).copied()?, low)?;
    let high = refine(window, COLUMNS.get(column).copied()?, high)?;
    let share = (low.power + high.power) / power;
    let floor = MIN_AMPLITUDE * MIN_AMPLITUDE / 2.0;
    let twisted = low.power > high.power * MAX_TWIST || high.power > low.power * MAX_TWIST;
    if share < sensitivity.share() || twisted || low.power.min(high.power) < floor {
        return None;
    }
    let key = *KEYS.get(row)?.get(column)?;
    Some(Hit { key, share, low, high })
}

/// Index and power of the strongest of a group, if it stands out.
fn strongest(window: &[f32], group: [f32; 4]) -> Option<(usize, f32)> {
    let powers = group.map(|hz| goertzel(window, hz));
    let (best, top) = powers.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let clear = powers.iter().enumerate().all(|(i, p)| i == best || p * MIN_LEAD <= top);
    clear.then_some((best, top))
}

/// Power at the true frequency near `hz`; `None` when that lies too far away for a key.
fn refine(window: &[f32], hz: f32, nominal: f32) -> Option<Peak> {
    let at =
        |o: f32| Peak { power: if o == 0.0 { nominal } else { goertzel(window, hz * (1.0 + o)) }, offset: o };
    let [far_below, inner @ .., far_above] = OFFSETS.map(at);
    let best = inner.into_iter().max_by(|a, b| a.power.total_cmp(&b.power))?;
    (best.power > far_below.power && best.power > far_above.power).then_some(best)
}

/// Power of the sine at `hz` that fits the window best.
fn goertzel(window: &[f32], hz: f32) -> f32 {
    let coefficient = 2.0 * (std::f32::consts::TAU * hz / RATE as f32).cos();
    let (mut a, mut b) = (0.0f32, 0.0f32);
    for s in window {
        (a, b) = (s + coefficient * a - b, a);
    }
    let n = window.len() as f32;
    2.0 * (a * a + b * b - coefficient * a * b) / (n * n)
}
