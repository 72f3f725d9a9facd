//! callvault: takes customer conversations in and lets out only what each person may see.

mod cli;
mod out;
mod report;
mod scan;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
