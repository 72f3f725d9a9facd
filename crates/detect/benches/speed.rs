//! Characters a second on one core: `cargo bench -p callvault-detect [-- FILE.jsonl …]`. Without files it reads the
//! conversations of the fixtures and the demo; rows of a file are `{"text"}`. Time is that of the processor where the
//! system tells it, so that a busy machine changes little. Then the time a MB of one text of 64 KiB, 1 MiB and 16 MiB,
//! ordinary and hostile: it stays where it is when the work grows with the length and no faster. `--growth` prints only
//! that, `--speed` only the rates, `--soak` the memory after many documents too.
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

/// One unit of a text, by its number: the same again and again, or another each time.
type Unit = Box<dyn Fn(usize) -> String>;

fn same(unit: &'static str) -> Unit {
    Box::new(move |_| unit.to_owned())
}

/// A word of six letters, another for each number.
fn word(n: usize) -> String {
    let mut n = n.wrapping_mul(2_654_435_761) % 244_140_625;
    (0..6)
        .map(|k| {
            let s = if k % 2 == 0 { "bdklmnrst" } else { "aeiou" };
            let at = n % s.len();
            n /= s.len();
            &s[at..=at]
        })
        .collect()
}

/// Texts that hold the most work a byte that we know of.
fn hostile() -> Vec<(&'static str, Unit)> {
    let repeated = [
        ("digits", "4111 1111 1111 1111 "),
        ("one digit run", "1"),
        ("one one one", "one "),
        ("number words", "four one one one oh double two "),
        ("almost cards", "4111-1111-1111-111x "),
        ("almost codes", "219-09-99 99-1234-1 12/34/ 1.2.3. "),
        ("almost IBANs", "GB82 WEST 1234 5698 7654 3x "),
        ("cues", "card number security code account "),
        ("names", "Ravi Kumar Maria Lopez "),
        ("directions", "12 main street north north north "),
        ("addresses of mail", "a@b.c "),
        ("at and dots", "@.@..@."),
        ("spoken mail", "a dot b at c dot "),
        ("signs", "@@@@....::::----____(((("),
        ("labels", "[PERSON] [ [CREDIT_CARD "),
        ("letters", "a b c d e f "),
        ("pieces of keys", "eyJaaaaaaaaaa.eyJ sk_live_ AKIA ghp_ "),
        ("no spaces", "aQ3/x+"),
        ("one word", "a"),
        ("one web address", "www.a/"),
        ("empty turns", "\n"),
        ("short turns", "one\nmm-hm\n"),
        ("split numbers", "caller: four one\nagent: mm-hm\n"),
        ("questions", "agent: card number\ncaller: 4111\n"),
        ("Spanish", "cuatro uno mil novecientos treinta y "),
        ("not ASCII", "é\u{200B}４１１１ "),
    ];
    let other: [(&'static str, Unit); 3] = [
        (
            "turns of many names",
            Box::new(|n| format!("agent: your name\ncaller: my name is {} {}\n", word(n), word(n + 7))),
        ),
        (
            "turns of many cards",
            Box::new(|n| {
                format!("agent: card number\ncaller: 4111 {:04} {:04} 1111\n", n / 9973 % 9973, n % 9973)
            }),
        ),
        (
            "turns of many codes",
            Box::new(|n| format!("agent: order number\ncaller: AB{n}C and {}\n", word(n))),
        ),
    ];
    repeated.map(|(name, unit)| (name, same(unit))).into_iter().chain(other).collect()
}

/// The text of at least so many bytes.
fn long(unit: &Unit, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 256);
    (0..)
        .take_while(|n| {
            text.push_str(&unit(*n));
            text.len() < bytes
        })
        .for_each(drop);
    text
}

/// Milliseconds a MB, the better of two readings of 8 MiB or more: the system's clock of a thread is coarse.
fn cost(detector: &Detector, text: &str) -> f64 {
    let rounds = ((8 << 20) / text.len()).max(1);
    let read = || (0..rounds).for_each(|_| drop(std::hint::black_box(detector.detect_text(text))));
    let best = (0..2).map(|_| timed(read)).min().unwrap_or_default();
    1e3 / rate(text.len() * rounds, best)
}

fn growth(full: &Detector, talk: String) {
    println!("\none text, milliseconds a MB (equal numbers: time grows with the length and no faster)");
    println!("{:<22}{:>10}{:>10}{:>10}   16 MiB to 64 KiB", "", "64 KiB", "1 MiB", "16 MiB");
    let talk: Unit = Box::new(move |_| format!("{talk}\n"));
    for (name, unit) in std::iter::once(("ordinary talk", talk)).chain(hostile()) {
        let costs = [64 << 10, 1 << 20, 16 << 20].map(|bytes| {
            let mut text = long(&unit, bytes);
            let end = (bytes..text.len()).find(|k| text.is_char_boundary(*k)).unwrap_or(text.len());
            text.truncate(end);
            cost(full, &text)
        });
        let [short, middle, large] = costs;
        println!("{name:<22}{short:>10.1}{middle:>10.1}{large:>10.1}   {:.2}", large / short.max(1e-9));
    }
}

/// How often a rate is taken; the best is told, for a busy machine only ever makes it worse.
const ROUNDS: usize = 9;

fn speed<'a>(detectors: impl Iterator<Item = (&'a str, &'a Detector)>, texts: &[String]) {
    let bytes: usize = texts.iter().map(String::len).sum();
    for (name, detector) in detectors {
        let pass = || texts.iter().for_each(|t| drop(std::hint::black_box(detector.detect_text(t))));
        pass();
        let rounds = (8_000_000 / bytes.max(1)).clamp(1, 5_000);
        let (mut cpu, mut wall) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            cpu = cpu.min(timed(|| (0..rounds).for_each(|_| pass())));
            wall = wall.min(begin.elapsed());
        }
        let (cpu, wall) = (rate(bytes * rounds, cpu), rate(bytes * rounds, wall));
        println!(
            "{name}: {cpu:.2} MB per CPU-second, {wall:.2} MB per second of the clock, best of {ROUNDS}"
        );
    }
}

fn main() {
    let asked = |flag: &str| std::env::args().any(|a| a == flag);
    let files: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let texts = texts(&files);
    let begin = busy();
    let full = Detector::new(Profile::All).unwrap();
    println!("start: {:.1} ms", (busy() - begin).as_secs_f64() * 1e3);
    let forms = full.clone().with_reading(Reading::Forms);
    println!("{} documents, {} bytes", texts.len(), texts.iter().map(String::len).sum::<usize>());
    if !asked("--growth") {
        let both = [("full pipeline", &full), ("forms only", &forms)];
        speed(both.into_iter().skip(usize::from(asked("--forms"))), &texts);
    }
    if !asked("--speed") && !asked("--forms") {
        growth(&full, texts.join("\n"));
    }
    if asked("--soak") {
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
