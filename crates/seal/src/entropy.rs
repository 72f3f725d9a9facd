//! Random bytes from the operating system, through the cipher library's own generator.

use callvault_model::{Entropy, clock::EntropyError};
use std::sync::Mutex;

/// The operating system's generator.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError> {
        aws_lc_rs::rand::fill(out).map_err(|_| EntropyError)
    }
}

/// Random bytes for many things that are no secrets, as salts and the letters of tokens: drawn a block at a time, since
/// asking costs more than the bytes. Keys are not made of it: [`OsEntropy`] leaves no copy of a key's bytes behind.
pub struct Drawn<'a> {
    from: &'a dyn Entropy,
    block: Mutex<Vec<u8>>,
}

const BLOCK: usize = 4_096;

impl<'a> Drawn<'a> {
    /// Draws from this source, one block when the last one is used up.
    pub fn new(from: &'a dyn Entropy) -> Self {
        Self { from, block: Mutex::default() }
    }
}

impl Entropy for Drawn<'_> {
    fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError> {
        if out.len() > BLOCK {
            return self.from.fill(out);
        }
        let mut block = self.block.lock().map_err(|_| EntropyError)?;
        if block.len() < out.len() {
            block.clear();
            let mut fresh = vec![0u8; BLOCK];
            self.from.fill(&mut fresh)?;
            *block = fresh;
        }
        // Taken off the end: what was handed out once is there for nobody else.
        let rest = block.len().saturating_sub(out.len());
        out.copy_from_slice(block.get(rest..).ok_or(EntropyError)?);
        block.truncate(rest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, sync::atomic::AtomicU64};

    /// Gives every eight bytes a number of their own.
    #[derive(Default)]
    struct Counting(AtomicU64);

    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError> {
            for eight in out.chunks_mut(8) {
                let n = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_be_bytes();
                eight.copy_from_slice(&n[..eight.len()]);
            }
            Ok(())
        }
    }

    #[test]
    fn no_byte_is_handed_out_twice() {
        let source = Counting::default();
        let drawn = Drawn::new(&source);
        let mut seen = HashSet::new();
        for n in 0..2_000 {
            // Now and then what does not go into what is left, and what is longer than a block.
            let mut out = vec![0u8; if n % 500 == 499 { 2 * BLOCK } else { 24 }];
            drawn.fill(&mut out).unwrap();
            for eight in out.chunks_exact(8) {
                assert!(seen.insert(<[u8; 8]>::try_from(eight).unwrap()), "draw {n}");
            }
        }
    }

    /// Gives nothing after so many bytes.
    struct Dry(AtomicU64);

    impl Entropy for Dry {
        fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError> {
            let left = self.0.load(std::sync::atomic::Ordering::Relaxed);
            let rest = left.checked_sub(out.len() as u64).ok_or(EntropyError)?;
            self.0.store(rest, std::sync::atomic::Ordering::Relaxed);
            out.fill(7);
            Ok(())
        }
    }

    #[test]
    fn a_source_that_fails_fails_here_and_nothing_half_filled_is_used() {
        let source = Dry(AtomicU64::new(BLOCK as u64));
        let drawn = Drawn::new(&source);
        let mut out = [0u8; 24];
        let mut given = 0;
        while drawn.fill(&mut out).is_ok() {
            assert_eq!(out, [7; 24]);
            given += 1;
        }
        assert_eq!(given, BLOCK / 24);
        assert!(drawn.fill(&mut out).is_err(), "and again");
    }
}
