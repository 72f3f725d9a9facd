//! Runs a foreign program that may hang, talk without end or die: with a time limit, limits on what it says, and its
//! whole process group killed when it is over.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

/// What a foreign program may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From start to end.
    pub timeout: Duration,
    /// Bytes on its standard output; one more ends it.
    pub max_output: usize,
    /// Bytes kept of its standard error.
    pub max_errors: usize,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// It exited with status 0 in time.
    pub success: bool,
    /// It was killed because time was over.
    pub timed_out: bool,
    /// It was killed because it said too much.
    pub too_much: bool,
    /// It was killed because the caller wanted it.
    pub cancelled: bool,
    /// Standard output.
    pub output: Vec<u8>,
    /// The beginning of standard error.
    pub errors: String,
}

enum Event {
    Output(Vec<u8>),
    Errors(Vec<u8>),
    Closed,
}

/// Runs `command`, feeding `input` block by block. `waited` is called some times a second with the milliseconds so far,
/// `cancel` is asked as often.
pub(crate) fn run(
    mut command: Command,
    input: &mut dyn Iterator<Item = std::io::Result<Vec<u8>>>,
    limits: &Limits,
    waited: &dyn Fn(u64),
    cancel: &dyn Fn() -> bool,
) -> std::io::Result<Ended> {
    // Its own group, so that children of a shell die with it.
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Group { child: command.spawn()?, ended: false };
    let started = Instant::now();
    let (events, inbox) = mpsc::sync_channel(4);
    let (blocks, feeder) = mpsc::sync_channel::<Vec<u8>>(1);
    if let Some(out) = child.child.stdout.take() {
        pump(out, events.clone(), Event::Output);
    }
    if let Some(err) = child.child.stderr.take() {
        pump(err, events.clone(), Event::Errors);
    }
    drop(events);
    if let Some(mut stdin) = child.child.stdin.take() {
        // A program that closes its input early ends this thread with an error, which is no fault of ours.
        std::thread::spawn(move || feeder.iter().try_for_each(|b| stdin.write_all(&b)));
    }
    let mut ended = Ended {
        success: false,
        timed_out: false,
        too_much: false,
        cancelled: false,
        output: Vec::new(),
        errors: String::new(),
    };
    let mut feeding = Feeding { blocks: Some(blocks), next: None };
    let mut open = 2u8;
    loop {
        ended.timed_out = started.elapsed() >= limits.timeout;
        ended.too_much = ended.output.len() > limits.max_output;
        ended.cancelled = cancel();
        if ended.timed_out || ended.too_much || ended.cancelled {
            return Ok(ended);
        }
        waited(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
        let busy = feeding.turn(input)?;
        if open == 0 && child.has_exited()? {
            ended.success = child.end()?.success();
            return Ok(ended);
        }
        let patience = Duration::from_millis(if busy { 1 } else { 50 });
        match inbox.recv_timeout(patience) {
            Ok(Event::Output(bytes)) => ended.output.extend(bytes),
            Ok(Event::Errors(bytes)) => {
                let room = limits.max_errors.saturating_sub(ended.errors.len());
                ended.errors.push_str(&String::from_utf8_lossy(
                    bytes.get(..room.min(bytes.len())).unwrap_or_default(),
                ));
            }
            Ok(Event::Closed) => open = open.saturating_sub(1),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                open = 0;
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Hands blocks over without ever waiting for a program that does not read.
struct Feeding {
    blocks: Option<mpsc::SyncSender<Vec<u8>>>,
    next: Option<Vec<u8>>,
}

impl Feeding {
    /// Whether there is more to hand over.
    fn turn(&mut self, input: &mut dyn Iterator<Item = std::io::Result<Vec<u8>>>) -> std::io::Result<bool> {
        let Some(sender) = &self.blocks else { return Ok(false) };
        if self.next.is_none() {
            self.next = input.next().transpose()?;
        }
        let Some(block) = self.next.take() else {
            self.blocks = None;
            return Ok(false);
        };
        match sender.try_send(block) {
            Ok(()) => {}
            Err(mpsc::TrySendError::Full(block)) => self.next = Some(block),
            Err(mpsc::TrySendError::Disconnected(_)) => self.blocks = None,
        }
        Ok(true)
    }
}

fn pump(mut from: impl Read + Send + 'static, to: mpsc::SyncSender<Event>, wrap: fn(Vec<u8>) -> Event) {
    std::thread::spawn(move || {
        let mut buffer = vec![0u8; 1 << 16];
        while let Ok(n) = from.read(&mut buffer) {
            let Some(part) = buffer.get(..n).filter(|p| !p.is_empty()) else { break };
            if to.send(wrap(part.to_vec())).is_err() {
                return;
            }
        }
        let _ = to.send(Event::Closed);
    });
}

/// Kills the group when it goes out of scope, however that happens.
struct Group {
    child: Child,
    ended: bool,
}

impl Group {
    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// Looks without collecting the exit status: until that is collected the number of the group is not used again.
    fn has_exited(&self) -> std::io::Result<bool> {
        let Some(pid) = self.pid() else { return Ok(true) };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        Ok(rustix::process::waitid(WaitId::Pid(pid), look)?.is_some())
    }

    fn end(&mut self) -> std::io::Result<ExitStatus> {
        if let Some(pid) = self.pid().filter(|_| !self.ended) {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
        self.ended = true;
        self.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
