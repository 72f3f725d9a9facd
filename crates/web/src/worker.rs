//! The one worker inside the server: takes in what lies in drop folders, walks conversations their way, destroys what
//! is due. It loads speech models when there is sound to hear and lets go of them when there is none.

use crate::{app::App, soundness};
use callvault_detect::Detector;
use callvault_flow::{
    correct,
    dispose::{self, SourceFile},
    intake::DropFolder,
    receive::Received,
    tools::Tools,
    walk::{self, Outcome},
};
use callvault_model::id::{ConversationId, CorrectionId};
use callvault_program::{dial, request::erase};
use callvault_speech::{decode::Limits, engine::Engine};
use callvault_store::{Actor, ConversationRow, State, epoch::HORIZON};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How often the worker looks when nobody wakes it.
const LOOK: Duration = Duration::from_secs(1);
/// How often drop folders are read.
const FOLDERS: Duration = Duration::from_secs(5);
/// How often what is due is destroyed.
const SWEEP: Duration = Duration::from_secs(60);
/// How often all of the ledger is checked.
const VERIFY: Duration = Duration::from_secs(3_600);
/// Idle this long, the models leave the memory.
const KEEP_TOOLS: Duration = Duration::from_secs(120);
/// A conversation that failed for the machine's reasons is tried again after this long.
const AGAIN: Duration = Duration::from_secs(300);

/// What conversations are worked on with.
pub struct Kit {
    /// Finds what must not be read by everyone.
    pub detector: Detector,
    /// Hears recordings first.
    pub first: Option<Box<dyn Engine>>,
    /// Hears the muted recording again.
    pub again: Option<Box<dyn Engine>>,
}

impl Kit {
    fn tools<'a>(&'a self, cancel: &'a AtomicBool) -> Tools<'a> {
        Tools { detector: &self.detector, first: self.first.as_deref(), again: self.again.as_deref(), cancel }
    }
}

/// Makes the tools when there is work; the binary decides which.
pub type Kits = Box<dyn Fn() -> Result<Kit, Box<dyn std::error::Error>> + Send>;

/// The worker's thread and the flag that stops it.
pub struct Worker {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Worker {
    /// Starts the worker.
    pub fn start(app: App, kits: Kits) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new().name("worker".into()).spawn(move || {
            let folders = open_folders(&app.config.drop_folders);
            Rounds {
                app,
                kits,
                stop: seen,
                kit: None,
                used: Instant::now(),
                later: HashMap::new(),
                remutes: HashMap::new(),
                folders,
                erasures: erase::Turn::default(),
            }
            .run();
        })?;
        Ok(Self { stop, thread })
    }

    /// Asks it to stop and waits: what it was doing is done again at the next start.
    pub fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        if self.thread.join().is_err() {
            tracing::error!("the worker ended in a panic; what it was doing is done again at the next start");
        }
    }
}

struct Rounds {
    app: App,
    kits: Kits,
    stop: Arc<AtomicBool>,
    kit: Option<Kit>,
    used: Instant,
    /// Until when what could not go on is left alone, as long as it stands where it stood.
    later: HashMap<ConversationId, (State, Instant)>,
    remutes: HashMap<CorrectionId, Instant>,
    folders: Vec<(PathBuf, DropFolder)>,
    erasures: erase::Turn,
}

/// The watched folders; one that cannot be used is said aloud and does not keep the others waiting.
fn open_folders(paths: &[PathBuf]) -> Vec<(PathBuf, DropFolder)> {
    let mut open = Vec::new();
    for path in paths {
        match DropFolder::new(path, false) {
            Ok(folder) => open.push((path.clone(), folder)),
            Err(e) => tracing::error!(error = %e, "a drop folder cannot be watched"),
        }
    }
    open
}

/// Whether a folder holds a file, or one that a kill left in work: only then are models loaded.
fn holds_work(folder: &Path) -> bool {
    let any = |dir: &Path| {
        std::fs::read_dir(dir).is_ok_and(|mut all| all.any(|e| e.is_ok_and(|e| e.path().is_file())))
    };
    any(folder) || any(&folder.join("working"))
}

impl Rounds {
    fn run(mut self) {
        let (mut folders, mut sweep, mut verified) = (None::<Instant>, None::<Instant>, None::<Instant>);
        let over = |last: &Option<Instant>, every: Duration| last.is_none_or(|at| at.elapsed() >= every);
        while !self.stop.load(Ordering::SeqCst) {
            if over(&folders, FOLDERS) {
                self.folders();
                folders = Some(Instant::now());
            }
            self.conversations();
            self.corrections();
            if over(&sweep, SWEEP) {
                self.sweep();
                sweep = Some(Instant::now());
            }
            if over(&verified, VERIFY) {
                if let Err(e) = soundness::verify(&self.app) {
                    tracing::error!(error = %e, "the ledger could not be checked");
                }
                verified = Some(Instant::now());
            }
            if self.kit.is_some() && self.used.elapsed() > KEEP_TOOLS {
                self.kit = None;
            }
            thread::park_timeout(LOOK);
        }
    }

    /// Walks what was received and not worked on yet.
    fn conversations(&mut self) {
        let rows = match self.app.vault.unfinished() {
            Ok(rows) => rows,
            Err(e) => return tracing::error!(error = %e, "the list of work cannot be read"),
        };
        for row in rows {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let now = Instant::now();
            if self.later.get(&row.id).is_some_and(|(state, until)| *state == row.state && *until > now) {
                continue;
            }
            let stands = match self.one(&row) {
                Ok(state) => state,
                Err(e) => {
                    tracing::error!(conversation = %row.id, error = %e, "a conversation cannot go on; it is tried again in five minutes");
                    row.state
                }
            };
            self.later.insert(row.id, (stands, Instant::now() + AGAIN));
            self.later.retain(|_, (_, until)| *until > now);
        }
    }

    /// Mutes withheld recordings further, after corrections.
    fn corrections(&mut self) {
        let waiting = match self.app.vault.remutes() {
            Ok(waiting) => waiting,
            Err(e) => return tracing::error!(error = %e, "the list of withheld recordings cannot be read"),
        };
        for id in waiting {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let rests = self.remutes.get(&id).is_some_and(|until| *until > Instant::now());
            if rests {
                continue;
            }
            self.remutes.retain(|_, until| *until > Instant::now());
            match self.mute_further(id) {
                Ok(correct::Muted::StillHeard) => {
                    tracing::warn!(correction = %id, "a value can still be heard; its recording stays withheld");
                }
                Ok(_) => {}
                Err(e) => {
                    self.remutes.insert(id, Instant::now() + AGAIN);
                    tracing::error!(correction = %id, error = %e, "a recording cannot be muted further now; it stays withheld and is tried again in five minutes");
                }
            }
        }
    }

    fn mute_further(&mut self, id: CorrectionId) -> Result<correct::Muted, Box<dyn std::error::Error>> {
        let (app, stop) = (self.app.clone(), Arc::clone(&self.stop));
        let kit = self.kit()?;
        let tools = kit.tools(&stop);
        Ok(correct::mute_further(&app.vault, &tools, &Limits::default(), id)?)
    }

    /// Where it stands afterwards.
    fn one(&mut self, row: &ConversationRow) -> Result<State, Box<dyn std::error::Error>> {
        let app = self.app.clone();
        if row.state == State::Shredding {
            dispose::finish(&app.vault, row.id)?;
            return Ok(State::Disposed);
        }
        let stop = Arc::clone(&self.stop);
        let kit = self.kit()?;
        let tools = kit.tools(&stop);
        let received = Received::load(&app.vault, row)?;
        let outcome = walk::onward(&app.vault, &tools, &received, &Limits::default())?;
        app.metrics.outcome(state_of(&outcome));
        // Not asked of the vault: a person may have released it since.
        Ok(match outcome {
            Outcome::Recorded(_) | Outcome::Known(_) => State::Recorded,
            Outcome::AwaitingTranscript(_) => State::AwaitingTranscript,
            Outcome::Quarantined(..) => State::Quarantined,
        })
    }

    fn kit(&mut self) -> Result<&Kit, Box<dyn std::error::Error>> {
        self.used = Instant::now();
        if self.kit.is_none() {
            self.kit = Some((self.kits)()?);
        }
        self.kit.as_ref().ok_or_else(|| "no tools".into())
    }

    /// Takes in what lies in the watched folders.
    fn folders(&mut self) {
        let mut folders = std::mem::take(&mut self.folders);
        for (path, folder) in folders.iter_mut().filter(|(path, _)| holds_work(path)) {
            if let Err(e) = self.folder(folder) {
                tracing::error!(folder = %path.display(), error = %e, "a drop folder could not be read");
            }
        }
        self.folders = folders;
    }

    fn folder(&mut self, folder: &mut DropFolder) -> Result<(), Box<dyn std::error::Error>> {
        let (app, stop) = (self.app.clone(), Arc::clone(&self.stop));
        let kit = self.kit()?;
        let tools = kit.tools(&stop);
        for dropped in folder.poll(&app.vault, &tools, &Limits::default())? {
            match dropped.outcome {
                Ok(outcomes) => outcomes.iter().for_each(|o| app.metrics.outcome(state_of(o))),
                // File names name people: the log tells where to look, not what lies there.
                Err(e) => {
                    tracing::error!(error = %e, "a dropped file was refused; it lies in the folder `refused`")
                }
            }
        }
        Ok(())
    }

    /// Destroys what is due.
    fn sweep(&mut self) {
        match dispose::sweep(&self.app.vault, "retention of originals", SourceFile::Keep) {
            Ok(0) => {}
            Ok(n) => tracing::info!(originals = n, "originals destroyed"),
            Err(e) => tracing::error!(error = %e, "what is due could not be destroyed"),
        }
        if let Err(e) = self.app.vault.expire_uploads() {
            tracing::error!(error = %e, "uploads that nobody finished could not be destroyed");
        }
        if let Err(e) = self.app.vault.tell_invented() {
            tracing::error!(error = %e, "refused sign-ins could not be written down");
        }
        if let Err(e) = self.app.vault.retention_sweep(&Actor::Worker) {
            tracing::error!(error = %e, "retention could not be carried out");
        }
        self.erasures();
        if let Err(e) = self.epochs() {
            tracing::error!(error = %e, "the shred epoch could not be rolled; it is tried again in a minute");
        }
    }
}

impl Rounds {
    /// Goes on with erasures whose hold was lifted or whose minimum is over.
    fn erasures(&mut self) {
        let packs = match dial::packs(&self.app.vault) {
            Ok(packs) => packs,
            Err(e) => {
                return tracing::error!(error = %e, "the rules of law cannot be read; unfinished erasures wait");
            }
        };
        let turn = &mut self.erasures;
        match erase::go_on_in_turn(&self.app.vault, &packs, &Limits::default(), &Actor::Worker, turn) {
            Ok(done) if done.is_empty() => {}
            Ok(done) => tracing::info!(receipts = done.len(), "erasures went on; what kept a part is over"),
            Err(e) => {
                tracing::error!(error = %e, "an erasure could not go on; it is tried again in a minute")
            }
        }
    }

    /// Rolls the shred epoch when it is due, and destroys the keys that no backup may need any more.
    fn epochs(&self) -> Result<(), callvault_store::Error> {
        let vault = &self.app.vault;
        if let Some(rolled) = vault.roll_if_due(&Actor::Worker)? {
            tracing::info!(epoch = %rolled.epoch, keys = rolled.rewrapped, "rolled to a new shred epoch");
        }
        for epoch in vault.destroy_retired_epochs(&Actor::Worker, HORIZON)? {
            tracing::info!(%epoch, "the key of a retired shred epoch is destroyed");
        }
        Ok(())
    }
}

fn state_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Recorded(_) => "recorded",
        Outcome::Known(_) => "known",
        Outcome::AwaitingTranscript(_) => "awaiting-transcript",
        Outcome::Quarantined(..) => "quarantined",
    }
}
