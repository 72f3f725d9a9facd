//! callvault: takes customer conversations in and lets out only what each person may see.

mod cli;
mod out;
mod report;
mod scan;
mod wire;

use std::{alloc::System, process::ExitCode};
use zeroizing_alloc::ZeroAlloc;

/// What is freed is wiped first: parsers, decoders and connections keep no words behind that they are done with.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    cli::run()
}
