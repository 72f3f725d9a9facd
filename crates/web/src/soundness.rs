//! Whether the ledger is whole: the last verdict, so that the first page can tell without checking all of it each time.

use crate::app::App;
use callvault_ledger::{Options, Verified};
use callvault_store::ledger::verify_data;
use jiff::Timestamp;
use std::sync::{Mutex, PoisonError};

/// A verdict and when it was reached.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub at: Timestamp,
    /// What was found whole, or what is broken.
    pub found: Result<Whole, String>,
}

/// A ledger in which every entry stands as it was signed.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub size: u64,
    pub root: String,
    pub checkpoints: usize,
}

/// The last verdict of this process.
#[derive(Default)]
pub struct Soundness(Mutex<Option<Verdict>>);

impl Soundness {
    /// It, if there is one yet.
    pub(crate) fn last(&self) -> Option<Verdict> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Checks all of the ledger now and remembers the verdict. Takes as long as the ledger is large.
pub(crate) fn verify(app: &App) -> Result<Verdict, callvault_store::Error> {
    let found = match verify_data(app.vault.dir(), &Options::default())? {
        Ok(v) => Ok(whole(&v)),
        Err(broken) => Err(broken.to_string()),
    };
    if let Err(broken) = &found {
        tracing::error!(broken, "the ledger is not whole");
    }
    let verdict = Verdict { at: app.vault.clock().now(), found };
    *app.soundness.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict.clone());
    Ok(verdict)
}

fn whole(v: &Verified) -> Whole {
    Whole { size: v.size, root: v.root.to_string(), checkpoints: v.checkpoints }
}
