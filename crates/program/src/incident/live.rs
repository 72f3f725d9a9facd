//! The watch over a vault's ledger while it grows: goes on where it stopped, misses no entry, tells nothing twice.

use super::{rules::Rules, watch::Watch};
use crate::Error;
use callvault_store::{Vault, incident::NewAlert};
use jiff::SignedDuration;

/// Entries read at a time; others may write between two pieces.
const PIECE: usize = 500;
/// Without an alert the mark is written down this often; what lies behind it is only seen again.
const MARK_EVERY: u64 = 2_000;

/// Watches one vault.
#[derive(Debug)]
pub struct Live {
    watch: Watch,
    next: u64,
    marked: u64,
    /// Found and not written down yet, because the disk refused.
    pending: Vec<NewAlert>,
}

impl Live {
    /// Begins where the last watch of this vault stopped. What came before is looked at again, so that windows and
    /// habits are known; it is not told again.
    ///
    /// # Errors
    /// The vault cannot be read.
    pub fn start(vault: &Vault, rules: Rules) -> Result<Self, Error> {
        vault.note_watch_rules(&rules.hash(), rules.rules.len(), rules.off, rules.loosened)?;
        let memory = SignedDuration::from_mins(rules.memory_minutes());
        let mark = vault.watch_next()?;
        let since = vault.clock().now().checked_sub(memory).unwrap_or(jiff::Timestamp::MIN);
        let mut at = vault.seq_at(since)?.min(mark);
        let mut watch = Watch::new(rules, vault.canaries()?);
        while at < mark {
            let piece = usize::try_from(mark - at).unwrap_or(PIECE).min(PIECE);
            let fed = vault.feed(at, piece)?;
            if fed.next == at {
                break;
            }
            for seen in &fed.seen {
                watch.see(seen);
            }
            at = fed.next;
        }
        watch.forget_told();
        for (rule, actor, at) in vault.told(memory)? {
            watch.was_told(&rule, &actor, at);
        }
        Ok(Self { watch, next: mark, marked: mark, pending: Vec::new() })
    }

    /// Looks at everything that is new; how many alerts were raised.
    ///
    /// # Errors
    /// The vault cannot be read or written; nothing is lost, the next round tells it again.
    pub fn round(&mut self, vault: &Vault) -> Result<usize, Error> {
        let mut raised = self.tell(vault)?;
        loop {
            let fed = vault.feed(self.next, PIECE)?;
            if fed.next == self.next {
                break;
            }
            for broken in &fed.broken {
                let found = self.watch.broken(broken.seq, broken.why, vault.clock().now());
                self.pending.extend(found);
            }
            for seen in &fed.seen {
                if seen.entry.kind == "canary.planted" {
                    self.watch.set_canaries(vault.canaries()?);
                }
                let found = self.watch.see(seen);
                self.pending.extend(found);
            }
            self.next = fed.next;
            raised += self.tell(vault)?;
        }
        let late = self.watch.tick(vault.clock().now());
        self.pending.extend(late);
        raised += self.tell(vault)?;
        Ok(raised)
    }

    fn tell(&mut self, vault: &Vault) -> Result<usize, Error> {
        if self.pending.is_empty() && self.next.saturating_sub(self.marked) < MARK_EVERY {
            return Ok(0);
        }
        let made = vault.raise_alerts(self.next, &self.pending)?;
        self.pending.clear();
        self.marked = self.next;
        Ok(made.len())
    }
}
