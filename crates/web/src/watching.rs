//! The watch inside the server: a thread of its own, so that no recording in work keeps an alert waiting.

use crate::app::App;
use callvault_program::incident::{live::Live, rules::Rules};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How often new entries are looked at; an alert is told within a second of the act.
const LOOK: Duration = Duration::from_millis(500);
/// After a failure.
const AGAIN: Duration = Duration::from_secs(5);

/// The thread and the flag that stops it.
pub struct Watcher {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Watcher {
    /// Starts watching.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(app: App, rules: Rules) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new().name("watch".into()).spawn(move || watch(&app, &rules, &seen))?;
        Ok(Self { stop, thread })
    }

    /// Asks it to stop and waits; the next start goes on where it stopped.
    pub fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        if self.thread.join().is_err() {
            tracing::error!("the watch ended in a panic; the next start goes on where it stopped");
        }
    }
}

fn watch(app: &App, rules: &Rules, stop: &AtomicBool) {
    let mut live: Option<Live> = None;
    while !stop.load(Ordering::SeqCst) {
        app.vault.forget_old_keys();
        let round = match &mut live {
            Some(live) => live.round(&app.vault).map(drop),
            none => Live::start(&app.vault, rules.clone()).map(|started| *none = Some(started)),
        };
        let wait = match round {
            Ok(()) => LOOK,
            Err(e) => {
                tracing::error!(error = %e, "the detections could not go on; they try again and miss nothing");
                AGAIN
            }
        };
        let until = std::time::Instant::now() + wait;
        while std::time::Instant::now() < until && !stop.load(Ordering::SeqCst) {
            thread::park_timeout(Duration::from_millis(100));
        }
    }
}
