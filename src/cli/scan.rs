//! `callvault scan DIR`: what lies in a folder of recordings. Strictly read-only.

use super::{Done, Shared, Usage};
use crate::{
    out, report,
    scan::{self, Options, Tools, read, screen, state, summary::Summary},
    wire,
};
use anyhow::Context as _;
use callvault_detect::Profile;
use callvault_flow::hear::Hearing;
use callvault_model::SystemClock;
use callvault_seal::OsEntropy;
use callvault_speech::decode::Recording;
use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Looks through a folder of recordings without changing anything
#[derive(clap::Args)]
pub struct Args {
    /// The folder
    pub dir: PathBuf,
    /// Write a report for people (one self-contained HTML file)
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Hear this many recordings, drawn at random (default: all up to 200, else 200)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub sample: Option<u32>,
    /// Seed of the drawing: the same seed draws the same recordings
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Go on where an earlier scan of this folder stopped (this is the default)
    #[arg(long, conflicts_with = "fresh")]
    pub resume: bool,
    /// Forget what an earlier scan of this folder found
    #[arg(long)]
    pub fresh: bool,
    /// Print the path of the file that a report shows under this id, and scan nothing
    #[arg(long, value_name = "ID", conflicts_with_all = ["report", "sample", "fresh"])]
    pub locate: Option<String>,
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let cache = state::cache_home();
    let options = Options {
        dir: &args.dir,
        sample: args.sample.map(|n| n as usize),
        seed: args.seed,
        fresh: args.fresh,
        cache: cache.as_deref(),
    };
    refuse_to_write_into(args)?;
    let cancel = wire::cancel_on_ctrl_c()?;
    let detector = wire::detector(Profile::Default, shared.recognisers.as_deref())?;
    let engines = if args.locate.is_some() { wire::Engines::none() } else { wire::engines(shared)? };
    let flow_tools = wire::tools(&detector, &engines, &cancel);
    let listen = |_: &Path, recording: &mut Recording| -> Result<Hearing, callvault_flow::Error> {
        let engine = engines
            .first()
            .ok_or_else(|| callvault_flow::Error::Speech(callvault_speech::Error::no_model()))?;
        Hearing::listen(recording, engine, false, &flow_tools)
    };
    let listen: &read::Hear<'_> = &listen;
    let bar = out::bar(0, "listening");
    let tools = Tools {
        detector: &detector,
        hear: engines.first().map(|e| (e.capabilities().name.as_str(), listen)),
        clock: &SystemClock,
        entropy: &OsEntropy,
        cancel: &cancel,
        progress: &|done, total| {
            bar.set_length(total);
            bar.set_position(done);
        },
    };
    if let Some(id) = &args.locate {
        return locate(&options, &tools, id);
    }
    let summary = scan::scan(&options, &tools);
    bar.finish_and_clear();
    let summary = summary?;
    if let Some(file) = &args.report {
        write_report(file, &summary)?;
    }
    if shared.json {
        out::json(&summary)?;
    } else {
        screen::lines(&summary).iter().for_each(|l| out::line(l));
    }
    if let Some(file) = &args.report {
        out::say(&format!("report: {}", file.display()));
    }
    Ok(Done::Ok)
}

/// The scanned folder is only read: a report that would land in it is refused before anything is heard.
fn refuse_to_write_into(args: &Args) -> anyhow::Result<()> {
    let Some(report) = &args.report else { return Ok(()) };
    let dir = std::fs::canonicalize(&args.dir).unwrap_or_else(|_| args.dir.clone());
    if scan::lies_in(report, &dir) {
        let what = format!(
            "{} would be written into the folder that scan only reads; name a place outside of it",
            report.display()
        );
        return Err(Usage(what).into());
    }
    Ok(())
}

fn locate(options: &Options<'_>, tools: &Tools<'_>, id: &str) -> anyhow::Result<Done> {
    match scan::locate(options, tools, id)? {
        Some(path) => {
            out::line(&path.display().to_string());
            Ok(Done::Ok)
        }
        None => {
            out::say(&format!(
                "no file of {} has the id {id}; ids belong to one folder, user and machine",
                options.dir.display()
            ));
            Ok(Done::Finding)
        }
    }
}

/// Written beside its place and moved there, readable by its owner only.
fn write_report(file: &Path, summary: &Summary) -> anyhow::Result<()> {
    let what = || format!("the report {} cannot be written; name another place", file.display());
    let html = report::scan::scan_report(summary)?;
    let mut name = file.file_name().with_context(what)?.to_owned();
    name.push(".new");
    let beside = file.with_file_name(name);
    let mut out = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .with_context(what)?;
    out.write_all(html.as_bytes()).and_then(|()| out.sync_all()).with_context(what)?;
    std::fs::rename(&beside, file).with_context(what)
}
