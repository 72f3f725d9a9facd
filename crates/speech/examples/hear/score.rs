//! Scores for what was heard: word errors against a reference, and how much of a spoken number a mute plan covers.

use callvault_model::{Interval, IntervalSet};
use callvault_speech::{Heard, Segment};

/// Words in one spelling: numbers as single digits, no punctuation, a few abbreviations spelled out.
pub fn normal(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace(['-', '/', '—', '–'], " ");
    let mut out: Vec<String> = Vec::new();
    for word in lower.split_whitespace() {
        let word: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        if word.is_empty() {
            continue;
        }
        if word.chars().all(|c| c.is_ascii_digit()) {
            out.extend(word.chars().map(String::from));
        } else {
            out.push(number(&word).map_or_else(|| spelled(&word), String::from));
        }
    }
    let digits = |s: &String| s.chars().all(|c| c.is_ascii_digit());
    let mut joined: Vec<String> = Vec::new();
    for word in out {
        // "twenty" "seven" is 27, "ten" is 1 0.
        match joined.last_mut() {
            Some(last)
                if last.len() == 2
                    && digits(last)
                    && last.ends_with('0')
                    && !last.starts_with('1')
                    && word.len() == 1
                    && digits(&word)
                    && word != "0" =>
            {
                last.pop();
                last.push_str(&word);
            }
            _ => joined.push(word),
        }
    }
    joined
        .into_iter()
        .flat_map(|w| if digits(&w) { w.chars().map(String::from).collect() } else { vec![w] })
        .collect()
}

fn spelled(word: &str) -> String {
    match word {
        "mr" => "mister",
        "mrs" => "missus",
        "okay" => "ok",
        w => w,
    }
    .to_owned()
}

fn number(word: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 29] = [
        ("zero", "0"),
        ("oh", "0"),
        ("one", "1"),
        ("two", "2"),
        ("three", "3"),
        ("four", "4"),
        ("five", "5"),
        ("six", "6"),
        ("seven", "7"),
        ("eight", "8"),
        ("nine", "9"),
        ("ten", "10"),
        ("eleven", "11"),
        ("twelve", "12"),
        ("thirteen", "13"),
        ("fourteen", "14"),
        ("fifteen", "15"),
        ("sixteen", "16"),
        ("seventeen", "17"),
        ("eighteen", "18"),
        ("nineteen", "19"),
        ("twenty", "20"),
        ("thirty", "30"),
        ("forty", "40"),
        ("fifty", "50"),
        ("sixty", "60"),
        ("seventy", "70"),
        ("eighty", "80"),
        ("ninety", "90"),
    ];
    NAMES.iter().find(|(n, _)| *n == word).map(|(_, d)| *d)
}

/// Substitutions, insertions and deletions between two word lists.
pub fn errors(reference: &[String], heard: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, want) in reference.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, got) in heard.iter().enumerate() {
            let changed = row[j] + usize::from(want != got);
            next.push(changed.min(row[j + 1] + 1).min(next[j] + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// The text of everything heard.
pub fn text(heard: &Heard) -> String {
    let words = heard.segments.iter().flat_map(|s| &s.words).map(|w| w.text.as_str());
    words.collect::<Vec<_>>().join(" ")
}

/// Runs of at least three number words with at most two other words between, padded; doubtful segments whole.
pub fn mute_plan(heard: &Heard, pad_ms: u64) -> IntervalSet {
    let mut out = IntervalSet::new();
    for segment in &heard.segments {
        if !segment.doubts.is_empty() {
            out.insert(segment.span);
        }
    }
    for run in runs(&heard.segments) {
        out.insert(run.padded(pad_ms));
    }
    out
}

fn runs(segments: &[Segment]) -> Vec<Interval> {
    let (mut out, mut run): (Vec<Interval>, Option<(Interval, usize, usize)>) = (Vec::new(), None);
    let mut close = |run: Option<(Interval, usize, usize)>| {
        if let Some((span, digits, _)) = run
            && digits >= 3
        {
            out.push(span);
        }
    };
    for word in segments.iter().flat_map(|s| &s.words) {
        let digits = normal(&word.text).iter().filter(|w| w.chars().all(|c| c.is_ascii_digit())).count();
        run = match (run, digits) {
            (Some((span, n, gap)), 0) if gap < 2 => Some((span, n, gap + 1)),
            (old, 0) => {
                close(old);
                None
            }
            (Some((span, n, _)), d) => Some((Interval::new(span.start_ms, word.end_ms), n + d, 0)),
            (None, d) => Some((Interval::new(word.start_ms, word.end_ms), d, 0)),
        };
    }
    close(run);
    out
}
