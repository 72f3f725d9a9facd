use super::*;
use crate::decode::{Limits, Recording};

/// A call without pauses of a second, `times` over, in blocks of odd length.
struct Talk {
    samples: Vec<f32>,
    times: usize,
    at: usize,
}

impl Talk {
    fn new(times: usize) -> Self {
        let path = format!("{}/../../fixtures/speech/card2.flite-rms.ulaw.wav", env!("CARGO_MANIFEST_DIR"));
        let file = Box::new(std::fs::File::open(path).unwrap());
        let mut recording = Recording::open(file, None, &Limits::default()).unwrap();
        let mut channel = recording.channel_16k(0).unwrap();
        let mut samples = Vec::new();
        while let Some(block) = channel.next_block().unwrap() {
            samples.extend(block);
        }
        Self { samples, times, at: 0 }
    }
}

impl Samples for Talk {
    fn next_block(&mut self) -> Result<Option<Vec<f32>>, Error> {
        if self.at == self.samples.len() {
            self.at = 0;
            self.times -= 1;
        }
        let end = (self.at + 777).min(self.samples.len());
        let block = self.samples[self.at..end].to_vec();
        self.at = end;
        Ok((self.times > 0).then_some(block))
    }
}

fn pieces(times: usize, cut: Cut) -> (Vec<Piece>, IntervalSet) {
    let mut talk = Talk::new(times);
    let mut segmenter = Segmenter::new(&mut talk, cut);
    let mut out = Vec::new();
    while let Some(piece) = segmenter.next_piece(&mut |_| Ok(())).unwrap() {
        // What is held never exceeds one piece and a little.
        assert!(segmenter.held.len() < 25 * 16_000);
        out.push(piece);
    }
    (out, segmenter.voiced().clone())
}

#[test]
fn long_talk_is_cut_into_short_pieces_that_hold_every_voice_once() {
    for cut in [Cut::First, Cut::Again] {
        let (pieces, voiced) = pieces(8, cut);
        assert!(pieces.len() >= 4 && voiced.total_ms() > 50_000);
        assert!(pieces.iter().all(|p| p.span.len_ms() <= 20_000 && p.samples.len() as u64 <= 320_000));
        assert!(pieces.iter().all(|p| p.samples.len() == p.rms.len() * FRAME && p.voiced_ms > 0));
        assert!(pieces.windows(2).all(|w| w[0].span.end_ms <= w[1].span.start_ms));
        let covered: IntervalSet = pieces.iter().map(|p| p.span).collect();
        assert!(voiced.difference(&covered).is_empty(), "{:?}", voiced.difference(&covered));
    }
}

#[test]
fn the_second_hearing_cuts_elsewhere() {
    let starts = |cut| pieces(8, cut).0.iter().map(|p| p.span.start_ms).collect::<Vec<_>>();
    let (first, again) = (starts(Cut::First), starts(Cut::Again));
    // A clear pause may be the best place both times; no word lies there.
    let shared = again.iter().skip(1).filter(|s| first.contains(s)).count();
    assert!(shared * 4 < again.len(), "{first:?} {again:?}");
}

#[test]
fn silence_has_no_pieces() {
    let mut silence = crate::audio::InMemory::new(vec![0.0; 100_000]);
    let mut segmenter = Segmenter::new(&mut silence, Cut::First);
    assert_eq!(segmenter.next_piece(&mut |_| Ok(())).unwrap(), None);
    assert!(segmenter.voiced().is_empty() && segmenter.loud_not_voiced().is_empty());
}
