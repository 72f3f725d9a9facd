//! Characters a second on one core: `cargo bench -p callvault-detect [-- FILE.jsonl …]`. Without files it reads the
//! conversations of the fixtures and the demo; rows of a file are `{"text"}`. Time is that of the processor where the
//! system tells it, so that a busy machine changes little. Ends with the growth from 1 to 16 MiB of one text, ordinary
//! and hostile, and the memory after many documents.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench is a command of developers"
)]

use callvault_detect::{Detector, Profile, Reading};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Time of this thread on a processor; the wall clock where the system does not tell.
fn busy() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let wall = START.get_or_init(Instant::now).elapsed();
    let told = fs::read_to_string("/proc/thread-self/schedstat");
    let nanos = told.ok().and_then(|s| s.split(' ').next().and_then(|n| n.parse().ok()));
    nanos.map_or(wall, Duration::from_nanos)
}

fn timed(f: impl FnOnce()) -> Duration {
    let begin = busy();
    f();
    busy().saturating_sub(begin)
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64().max(1e-9)
}

/// Resident memory in MiB, where the system tells it.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

fn texts(files: &[String]) -> Vec<String> {
    if !files.is_empty() {
        let rows = files
            .iter()
            .flat_map(|f| fs::read_to_string(f).unwrap().lines().map(str::to_owned).collect::<Vec<_>>());
        return rows
            .map(|row| {
                serde_json::from_str::<serde_json::Value>(&row).unwrap()["text"].as_str().unwrap().to_owned()
            })
            .collect();
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut out = Vec::new();
    for entry in fs::read_dir(root.join("detect")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            let file: toml::Table = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
            for list in ["positive", "negative"] {
                let cases = file.get(list).and_then(|l| l.as_array()).into_iter().flatten();
                out.extend(cases.filter_map(|c| c.get("text")?.as_str().map(str::to_owned)));
            }
        }
    }
    out
}

/// Texts that hold the most work a byte that we know of.
fn hostile() -> Vec<(&'static str, &'static str)> {
    vec![
        ("digits", "4111 1111 1111 1111 "),
        ("one digit run", "1"),
        ("number words", "four one one one oh double two "),
        ("cues", "card number security code account "),
        ("names", "Ravi Kumar Maria Lopez "),
        ("directions", "12 main street north north north "),
        ("addresses of mail", "a@b.c "),
        ("signs", "@@@@....::::----____(((("),
        ("labels", "[PERSON] [ [CREDIT_CARD "),
        ("letters", "a b c d e f "),
        ("pieces of keys", "eyJaaaaaaaaaa.eyJ sk_live_ AKIA ghp_ "),
        ("short turns", "one\nmm-hm\n"),
        ("questions", "agent: card number\ncaller: 4111\n"),
        ("Spanish", "cuatro uno mil novecientos treinta y "),
        ("not ASCII", "é\u{200B}４１１１ "),
    ]
}

fn main() {
    let files: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let texts = texts(&files);
    let bytes: usize = texts.iter().map(String::len).sum();
    let full = Detector::new(Profile::All).unwrap();
    let forms = full.clone().with_reading(Reading::Forms);
    println!("{} documents, {bytes} bytes", texts.len());
    for (name, detector) in [("full pipeline", &full), ("forms only", &forms)] {
        let pass = || texts.iter().for_each(|t| drop(std::hint::black_box(detector.detect_text(t))));
        pass();
        let rounds = (8_000_000 / bytes.max(1)).clamp(1, 5_000);
        let times: Vec<Duration> = (0..5).map(|_| timed(|| (0..rounds).for_each(|_| pass()))).collect();
        let best = times.iter().min().copied().unwrap_or_default();
        println!("{name}: {:.2} MB/s, best of 5", rate(bytes * rounds, best));
    }
    println!("\none text of 1, 4 and 16 MiB, MB/s (equal numbers: time grows with the length and no faster)");
    let talk = texts.join("\n");
    let ordinary = std::iter::once(("ordinary talk", talk.as_str()));
    for (name, unit) in ordinary.chain(hostile()) {
        let rates: Vec<String> = [1usize, 4, 16]
            .into_iter()
            .map(|mib| {
                let text = unit.repeat((mib << 20) / unit.len() + 1);
                let time = timed(|| drop(std::hint::black_box(full.detect_text(&text))));
                format!("{:.2}", rate(text.len(), time))
            })
            .collect();
        println!("{name:<20} {}", rates.join("  "));
    }
    if std::env::args().any(|a| a == "--soak") {
        println!("\nresident memory over one million documents");
        for k in 0..=10usize {
            println!("{:>9} documents: {} MiB", k * 100_000, resident().unwrap_or(0));
            for n in 0..100_000usize {
                let text = &texts[(n * 7 + k) % texts.len()];
                std::hint::black_box(full.detect_text(text));
            }
        }
    }
}
