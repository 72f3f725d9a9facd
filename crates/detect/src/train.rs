//! Training of the sequence tagger; the example `train` is its command.

use crate::{
    Utterance,
    context::Context,
    gazetteer, lexicon, lines,
    tagger::{
        CLASSES, ROWS,
        features::{Features, Reader, column},
    },
    token::Doc,
};
use callvault_model::EntityType;
use std::ops::Range;

/// A labelled document; offsets are bytes.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Lines are turns.
    pub text: String,
    /// What stands where.
    pub spans: Vec<(Range<usize>, EntityType)>,
}

/// Entries of the built-in lists whose flags contain `with` and none of `without`: F, L, C, R or W.
pub fn listed(with: &str, without: &str) -> Vec<&'static str> {
    let bits = |letters: &str| {
        letters.bytes().fold(0u16, |f, b| {
            f | match b {
                b'F' => gazetteer::flag::GIVEN,
                b'L' => gazetteer::flag::FAMILY,
                b'C' => gazetteer::flag::TOWN,
                b'R' => gazetteer::flag::REGION,
                _ => gazetteer::flag::COMMON,
            }
        })
    };
    let (yes, no) = (bits(with), bits(without));
    gazetteer::lines()
        .filter(|(f, e)| {
            f & yes == yes && f & no == 0 && (yes == gazetteer::flag::COMMON || !lexicon::function_word(e))
        })
        .map(|(_, e)| e)
        .collect()
}

/// How far the right class must lead before a token teaches nothing more: what is only just right is wrong elsewhere.
const MARGIN: f32 = 15.0;

/// A perceptron whose weights are averaged over all steps.
pub struct Trainer {
    now: Vec<f32>,
    weighted: Vec<f64>,
    step: f64,
}

impl Default for Trainer {
    fn default() -> Self {
        let size = ROWS.saturating_mul(CLASSES);
        Self { now: vec![0.0; size], weighted: vec![0.0; size], step: 1.0 }
    }
}

impl Trainer {
    /// Learns one document; returns how many tokens were wrong before.
    pub fn learn(&mut self, sample: &Sample) -> usize {
        let (turns, starts) = lines(&sample.text);
        let doc = Doc::new(&turns);
        let gold = gold(&doc, &turns, &starts, sample);
        let ctx = Context::new(&doc);
        let mut reader = Reader::new(&ctx);
        let (mut active, mut wrong) = (Features::default(), 0usize);
        for (i, want) in gold.into_iter().enumerate() {
            reader.read(i, &mut active);
            let (got, rival) = self.best(&active, want);
            if got != want {
                wrong = wrong.saturating_add(1);
            }
            if let Some(rival) = rival {
                self.nudge(&active, want, 1.0);
                self.nudge(&active, rival, -1.0);
            }
            self.step += 1.0;
            reader.tagged(i, got);
        }
        wrong
    }

    /// The best class, and the strongest other class that comes too near to the wanted one.
    fn best(&self, active: &Features, want: usize) -> (usize, Option<usize>) {
        let mut sum = [0f32; CLASSES];
        for row in active.rows() {
            let from = (row as usize).saturating_mul(CLASSES);
            for (s, w) in sum.iter_mut().zip(self.now.iter().skip(from)) {
                *s += w;
            }
        }
        let highest = |skip: usize| {
            let others = sum.iter().enumerate().filter(|(k, _)| *k != skip);
            others.fold((0usize, f32::MIN), |top, (k, s)| if *s > top.1 { (k, *s) } else { top })
        };
        let (top, rival) = (highest(usize::MAX).0, highest(want));
        let lead = sum.get(want).copied().unwrap_or(0.0) - rival.1;
        (top, (lead <= MARGIN).then_some(rival.0))
    }

    fn nudge(&mut self, active: &Features, class: usize, by: f32) {
        for row in active.rows() {
            let at = (row as usize).saturating_mul(CLASSES).saturating_add(class);
            if let (Some(w), Some(a)) = (self.now.get_mut(at), self.weighted.get_mut(at)) {
                *w += by;
                *a += f64::from(by) * self.step;
            }
        }
    }

    /// The weights averaged over all steps.
    fn averaged(&self) -> Vec<f32> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "weights are small; the sum they come from is not"
        )]
        let average = |(w, a): (&f32, &f64)| (f64::from(*w) - a / self.step) as f32;
        self.now.iter().zip(&self.weighted).map(average).collect()
    }
}

/// The mean weights of several trainers, scaled into bytes.
pub fn weights(trainers: &[Trainer]) -> Vec<u8> {
    let mut total = vec![0f32; ROWS.saturating_mul(CLASSES)];
    for trainer in trainers {
        total.iter_mut().zip(trainer.averaged()).for_each(|(t, w)| *t += w);
    }
    let mut sizes: Vec<f32> = total.iter().map(|w| w.abs()).filter(|w| *w > 0.0).collect();
    sizes.sort_by(f32::total_cmp);
    // The largest one in a thousand weights may be clipped: a finer step for all others is worth more.
    let top = sizes.get(sizes.len().saturating_mul(999) / 1000).copied().unwrap_or(1.0).max(1e-6);
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range of a byte before")]
    total
        .iter()
        .map(|w| (w / top * 100.0).round().clamp(-127.0, 127.0) as i8)
        .flat_map(i8::to_ne_bytes)
        .collect()
}

fn gold(doc: &Doc, turns: &[Utterance<'_>], starts: &[usize], sample: &Sample) -> Vec<usize> {
    debug_assert_eq!(turns.len(), starts.len());
    let mut spans = sample.spans.clone();
    spans.sort_by_key(|s| s.0.start);
    doc.tokens
        .iter()
        .map(|t| {
            let turn = t.turn as usize;
            let base = starts.get(turn).copied().unwrap_or(0);
            let (a, _) =
                doc.turns.get(turn).map_or((0, 0), |d| d.normal.source(t.start as usize, t.end as usize));
            let at = base.saturating_add(a);
            let after = spans.partition_point(|s| s.0.start <= at);
            let hit = spans.get(..after).unwrap_or(&[]).iter().rev().take(4).find(|s| s.0.contains(&at));
            hit.map_or(0, |s| column(s.1))
        })
        .collect()
}
