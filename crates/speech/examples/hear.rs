//! Hears recordings and prints one JSON line per channel: words with times, doubts, time used.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measuring tool for developers")]

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use callvault_speech::decode::{Limits, Recording};
use callvault_speech::engine::{Engine, HearOptions};
use callvault_speech::moonshine::Moonshine;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: hear MODELDIR NAME WORKERS first|again FILE...";
    let dir = args.next().ok_or(usage)?;
    let name = args.next().ok_or(usage)?;
    let workers: usize = args.next().ok_or(usage)?.parse()?;
    let again = args.next().ok_or(usage)? == "again";
    let files = callvault_speech::models::read_dir(dir.as_ref(), &name)?;
    let started = Instant::now();
    let engine = Moonshine::load(files, workers)?;
    eprintln!("loaded in {:.2} s", started.elapsed().as_secs_f64());
    let cancel = AtomicBool::new(false);
    for file in args {
        let mut recording = Recording::open(Box::new(std::fs::File::open(&file)?), Some(&file), &Limits::default())?;
        for channel in 0..recording.info().channels {
            let seconds = recording.info().duration_ms() as f64 / 1000.0;
            let started = Instant::now();
            let options = HearOptions { again, cancel: &cancel, progress: &|_| {}, channel };
            let heard = engine.hear(&mut recording.channel_16k(channel)?, &options)?;
            let line = serde_json::json!({"file": file, "channel": channel, "seconds": seconds,
                "wall": started.elapsed().as_secs_f64(), "heard": heard});
            println!("{line}");
        }
    }
    Ok(())
}
