//! JSONL `{"id","text"}` on stdin, JSONL `{"id","spans"}` on stdout, offsets in code points.
//! `cargo run --release -p callvault-detect --example detect_jsonl -- [--profile all] [--explain] < IN > OUT`
#![expect(clippy::print_stderr, reason = "an example is a command")]

use callvault_detect::{Detector, Profile, code_points};
use std::io::{self, BufRead, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let profile =
        args.iter().skip_while(|a| *a != "--profile").nth(1).map_or(Ok(Profile::All), |p| p.parse())?;
    let explain = args.iter().any(|a| a == "--explain");
    let detector = Detector::new(profile)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let (mut bytes, mut spent) = (0usize, std::time::Duration::ZERO);
    for line in io::stdin().lock().lines() {
        let row: serde_json::Value = serde_json::from_str(&line?)?;
        let text = row.get("text").and_then(|t| t.as_str()).unwrap_or("");
        let begin = std::time::Instant::now();
        let spans = detector.detect_text(text);
        spent += begin.elapsed();
        bytes += text.len();
        let json: Vec<_> = code_points(text, &spans)
            .into_iter()
            .zip(&spans)
            .map(|((start, end), s)| {
                let mut v = serde_json::json!({"start": start, "end": end, "type": s.entity.as_str(), "score": s.score});
                if explain && let Some(o) = v.as_object_mut() {
                    o.insert("recognizer".into(), s.recognizer.clone().into());
                    o.insert("reason".into(), s.reason.clone().into());
                }
                v
            })
            .collect();
        writeln!(out, "{}", serde_json::json!({"id": row.get("id"), "spans": json}))?;
    }
    out.flush()?;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = bytes as f64 / 1e6 / spent.as_secs_f64().max(1e-9);
    eprintln!("{bytes} bytes in {spent:?}: {rate:.2} MB/s");
    Ok(())
}
