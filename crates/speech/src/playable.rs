//! A recording as every browser plays it: our µ-law files as 16-bit PCM, decoded while they are read.

use std::io::{self, Read, Seek, SeekFrom};

use crate::decode::g711;
use crate::encode::{self, Coding, ULAW_HEAD};

/// A WAV file to be sent to a player. A µ-law file of our own making looks like the PCM file of the same sound, with
/// length and every byte in its place; anything else is passed on as it is.
pub struct Playable<R> {
    inner: R,
    /// Header of the PCM file and number of µ-law bytes behind the other header.
    ulaw: Option<(Vec<u8>, u64)>,
    len: u64,
    at: u64,
}

impl<R: Read + Seek> Playable<R> {
    /// Looks at the header.
    pub fn new(mut inner: R) -> io::Result<Self> {
        let len = inner.seek(SeekFrom::End(0))?;
        inner.seek(SeekFrom::Start(0))?;
        let mut head = Vec::with_capacity(ULAW_HEAD);
        inner.by_ref().take(ULAW_HEAD as u64).read_to_end(&mut head)?;
        inner.seek(SeekFrom::Start(0))?;
        let ulaw = ulaw_file(&head, len);
        let len = ulaw.as_ref().map_or(len, |(head, bytes)| head.len() as u64 + bytes * 2);
        Ok(Self { inner, ulaw, len, at: 0 })
    }

    /// Length in bytes of what is read.
    #[expect(clippy::len_without_is_empty, reason = "a file has a header and is never empty")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// What it reads from.
    pub fn source(&mut self) -> &mut R {
        &mut self.inner
    }
}

/// The PCM header and the number of samples of a µ-law file with exactly our header.
fn ulaw_file(head: &[u8], len: u64) -> Option<(Vec<u8>, u64)> {
    let u16_at = |at: usize| head.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_le_bytes);
    let u32_at = |at: usize| head.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let (channels, rate, bytes) = (u16_at(22)?, u32_at(24)?, u64::from(u32_at(54)?));
    let ours = encode::header(rate, channels, Coding::Ulaw, bytes);
    let whole = bytes + ULAW_HEAD as u64 + bytes % 2 == len;
    (ours == head && whole).then(|| (encode::header(rate, channels, Coding::Pcm16, bytes * 2), bytes))
}

impl<R: Read + Seek> Read for Playable<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some((head, bytes)) = &self.ulaw else { return self.inner.read(out) };
        let before = head.len() as u64;
        if let Some(rest) =
            usize::try_from(self.at).ok().and_then(|at| head.get(at..)).filter(|r| !r.is_empty())
        {
            let n = rest.len().min(out.len());
            out.iter_mut().zip(rest).for_each(|(o, b)| *o = *b);
            self.at += n as u64;
            return Ok(n);
        }
        let (first, skip) = ((self.at - before) / 2, usize::from((self.at - before) % 2 == 1));
        let want = out.len().saturating_add(skip).div_ceil(2).min(PIECE);
        let want = usize::try_from(bytes.saturating_sub(first)).unwrap_or(PIECE).min(want);
        let mut codes = vec![0u8; want];
        self.inner.seek(SeekFrom::Start(ULAW_HEAD as u64 + first))?;
        let got = self.inner.read(&mut codes)?;
        let samples = codes.iter().take(got).flat_map(|code| g711::ulaw(*code).to_le_bytes());
        let mut n = 0;
        for (o, b) in out.iter_mut().zip(samples.skip(skip)) {
            *o = b;
            n += 1;
        }
        self.at += n as u64;
        Ok(n)
    }
}

/// Codes decoded at once at most.
const PIECE: usize = 1 << 16;

impl<R: Read + Seek> Seek for Playable<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if self.ulaw.is_none() {
            return self.inner.seek(to);
        }
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the beginning"))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Block, Limits, Recording};
    use crate::encode::WavWriter;
    use std::io::Cursor;

    fn written(coding: Coding, channels: usize, frames: usize) -> Vec<u8> {
        let track =
            |c: usize| (0..frames).map(|i| f32::from(g711::ulaw((i * 7 + c) as u8)) / 32_768.0).collect();
        let block = Block { channels: (0..channels).map(track).collect() };
        let mut out = Vec::new();
        let mut wav = WavWriter::new(&mut out, 8000, channels as u16, coding, frames as u64).unwrap();
        wav.write(&block).unwrap();
        wav.finish().unwrap();
        out
    }

    #[test]
    fn a_ulaw_file_reads_as_the_pcm_file_of_the_same_sound_from_any_byte() {
        for (channels, frames) in [(1, 999), (2, 500), (1, 1), (3, 333)] {
            let (small, want) =
                (written(Coding::Ulaw, channels, frames), written(Coding::Pcm16, channels, frames));
            assert!(small.len() < want.len() || frames == 1);
            let recording =
                Recording::open(Box::new(Cursor::new(small.clone())), None, &Limits::default()).unwrap();
            assert!(recording.is_ulaw());
            assert_eq!(recording.info().frames, frames as u64);
            let mut playable = Playable::new(Cursor::new(small)).unwrap();
            assert_eq!(playable.len(), want.len() as u64);
            let mut all = Vec::new();
            playable.read_to_end(&mut all).unwrap();
            assert_eq!(all, want);
            for at in [0, 1, 43, 44, 45, 46, 47, want.len() - 1, want.len()]
                .into_iter()
                .filter(|at| *at <= want.len())
            {
                playable.seek(SeekFrom::Start(at as u64)).unwrap();
                let mut rest: Vec<u8> = Vec::new();
                let mut piece = [0u8; 7];
                loop {
                    match playable.read(&mut piece).unwrap() {
                        0 => break,
                        n => rest.extend_from_slice(&piece[..n]),
                    }
                }
                assert_eq!(rest, want[at..], "from byte {at}");
            }
        }
    }

    #[test]
    fn anything_else_is_passed_on_as_it_is() {
        let pcm = written(Coding::Pcm16, 2, 100);
        let mut cut = written(Coding::Ulaw, 2, 100);
        cut.pop();
        for bytes in [pcm, cut, b"RIFF".to_vec(), Vec::new()] {
            let mut playable = Playable::new(Cursor::new(bytes.clone())).unwrap();
            let mut all = Vec::new();
            playable.read_to_end(&mut all).unwrap();
            assert_eq!((all, playable.len()), (bytes.clone(), bytes.len() as u64));
        }
    }
}
