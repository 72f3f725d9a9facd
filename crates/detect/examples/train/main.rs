//! Trains the sequence tagger: `cargo run --release -p callvault-detect --example train -- DATA.jsonl OUT`.
//! DATA is the training half of MultiDoGO (CDLA-Permissive) as `{"text","spans":[{start,end,type}]}`; the rest is
//! generated from the templates beside this file and the lists in `assets/`. The same input gives the same weights.
#![expect(clippy::print_stderr, reason = "an example is a command")]

mod generate;
mod words;

use callvault_detect::train::{Sample, Trainer, weights};
use generate::{Generator, Random};

const ROUNDS: usize = 8;
/// Weights of several orders of the same samples are averaged: one order favours what came last.
const ORDERS: [u64; 3] = [5, 6, 7];
const SENTENCES: usize = 16_000;
const CALLS: usize = 4_500;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(data), Some(out)) = (args.next(), args.next()) else {
        return Err("usage: train DATA.jsonl OUT".into());
    };
    let mut samples: Vec<Sample> =
        std::fs::read_to_string(&data)?.lines().map(read).collect::<Result<_, _>>()?;
    let real = samples.len();
    let mut generator = Generator::new(17);
    samples.extend((0..SENTENCES).map(|_| generator.sentence()));
    samples.extend((0..CALLS).map(|_| generator.call()));
    eprintln!("{real} real and {} generated documents", samples.len() - real);
    let mut trainers = Vec::new();
    for seed in ORDERS {
        let mut order: Vec<usize> = (0..samples.len()).collect();
        let mut random = Random::new(seed);
        let mut trainer = Trainer::default();
        for round in 1..=ROUNDS {
            for k in (1..order.len()).rev() {
                order.swap(k, random.below(k + 1));
            }
            let wrong: usize = order.iter().filter_map(|k| samples.get(*k)).map(|s| trainer.learn(s)).sum();
            eprintln!("order {seed}, round {round}: {wrong} tokens wrong");
        }
        trainers.push(trainer);
    }
    std::fs::write(out, weights(&trainers))?;
    Ok(())
}

/// One line of the data; offsets there are code points.
fn read(line: &str) -> Result<Sample, Box<dyn std::error::Error>> {
    let row: serde_json::Value = serde_json::from_str(line)?;
    let text = row.get("text").and_then(|t| t.as_str()).ok_or("a row without text")?.to_owned();
    let mut bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    bytes.push(text.len());
    let byte = |v: Option<&serde_json::Value>| {
        let n = usize::try_from(v?.as_u64()?).ok()?;
        bytes.get(n).copied()
    };
    let mut spans = Vec::new();
    for s in row.get("spans").and_then(|s| s.as_array()).into_iter().flatten() {
        let (Some(a), Some(b)) = (byte(s.get("start")), byte(s.get("end"))) else { continue };
        if let Some(Ok(entity)) = s.get("type").and_then(|t| t.as_str()).map(str::parse) {
            spans.push((a..b, entity));
        }
    }
    Ok(Sample { text, spans })
}
