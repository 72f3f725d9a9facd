use super::*;
use crate::OsEntropy;
use proptest::prelude::*;
use std::io::{BufRead, Cursor, Read, Seek, SeekFrom, Write};

fn plain(n: usize) -> Vec<u8> {
    (0..n).map(|i| u8::try_from((i * 31 + i / 251) % 256).unwrap()).collect()
}

fn sealed(key: &Key256, plain: &[u8]) -> Vec<u8> {
    let mut w = Writer::with_context(Vec::new(), key, b"place", &OsEntropy).unwrap();
    for part in plain.chunks(5000) {
        w.write_all(part).unwrap();
    }
    let (out, summary) = w.finish().unwrap();
    assert_eq!(summary.plain_len, plain.len() as u64);
    assert_eq!(summary.sealed_len, out.len() as u64);
    out
}

fn read_all(key: &Key256, context: &[u8], bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut r = Reader::with_context(Cursor::new(bytes), key, context).map_err(io_error)?;
    let mut out = Vec::new();
    r.read_to_end(&mut out).map(|_| out)
}

#[test]
fn lengths_around_the_chunk_border_round_trip() {
    let k = Key256::random(&OsEntropy).unwrap();
    for n in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 5 * CHUNK + 77] {
        let p = plain(n);
        let s = sealed(&k, &p);
        assert_eq!(s.len() as u64, sealed_len(n as u64));
        assert_eq!(super::plain_len(s.len() as u64), Some(n as u64));
        assert_eq!(read_all(&k, b"place", &s).unwrap(), p);
        assert!(read_all(&k, b"another place", &s).is_err());
        assert!(read_all(&Key256::random(&OsEntropy).unwrap(), b"place", &s).is_err());
    }
}

#[test]
fn a_seek_opens_at_most_two_chunks() {
    let k = Key256::random(&OsEntropy).unwrap();
    let p = plain(40 * CHUNK + 5);
    let s = sealed(&k, &p);
    let mut r = Reader::with_context(Cursor::new(&s), &k, b"place").unwrap();
    assert_eq!(r.plain_len(), p.len() as u64);
    assert_eq!(r.chunks_opened(), 1, "only the last chunk proves the length");
    for at in [0, 5, CHUNK - 3, 17 * CHUNK + 9, 40 * CHUNK - 1, p.len() - 6, 3] {
        let before = r.chunks_opened();
        r.seek(SeekFrom::Start(at as u64)).unwrap();
        let mut six = [0u8; 6];
        r.read_exact(&mut six).unwrap();
        assert_eq!(six, p[at..at + 6]);
        assert!(r.chunks_opened() - before <= 2);
    }
    assert_eq!(r.seek(SeekFrom::End(-2)).unwrap(), p.len() as u64 - 2);
    let mut rest = Vec::new();
    r.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, p[p.len() - 2..]);
    assert!(r.seek(SeekFrom::Current(-1_000_000_000)).is_err());
    r.seek(SeekFrom::Start(u64::MAX)).unwrap();
    assert_eq!(r.read(&mut [0; 9]).unwrap(), 0);
}

#[test]
fn every_cut_shows() {
    let k = Key256::random(&OsEntropy).unwrap();
    let s = sealed(&k, &plain(2 * CHUNK + 40));
    let mut lengths: Vec<usize> = (0..200).collect();
    for k in 0..3 {
        let border = HEADER + k * SEALED_CHUNK;
        lengths.extend(border.saturating_sub(20)..border + 40);
    }
    lengths.extend((s.len() - 60)..s.len());
    for len in lengths.into_iter().filter(|l| *l < s.len()) {
        assert!(read_all(&k, b"place", &s[..len]).is_err(), "cut to {len}");
    }
    for more in [1, 15, 16, 17, SEALED_CHUNK, SEALED_CHUNK - 56] {
        assert!(
            read_all(&k, b"place", &[s.as_slice(), &vec![0; more]].concat()).is_err(),
            "longer by {more}"
        );
    }
}

#[test]
fn moved_repeated_dropped_and_foreign_chunks_show() {
    let k = Key256::random(&OsEntropy).unwrap();
    let p = plain(4 * CHUNK + 100);
    let (s, other) = (sealed(&k, &p), sealed(&k, &p));
    let chunk = |i: usize| HEADER + i * SEALED_CHUNK..(HEADER + (i + 1) * SEALED_CHUNK).min(s.len());
    let build = |order: &[usize]| {
        order.iter().fold(s[..HEADER].to_vec(), |mut v, i| {
            v.extend_from_slice(&s[chunk(*i)]);
            v
        })
    };
    assert_eq!(build(&[0, 1, 2, 3, 4]), s);
    for order in [
        &[1, 0, 2, 3, 4][..],
        &[0, 1, 3, 2, 4],
        &[0, 2, 3, 4],
        &[0, 1, 2, 3, 3, 4],
        &[0, 0, 2, 3, 4],
        &[1, 2, 3, 4],
        &[4],
        &[0, 1, 2, 3],
    ] {
        assert!(read_all(&k, b"place", &build(order)).is_err(), "{order:?}");
    }
    for i in 0..5 {
        let mut mixed = s.clone();
        mixed[chunk(i)].copy_from_slice(&other[chunk(i)]);
        assert!(read_all(&k, b"place", &mixed).is_err(), "chunk {i} of another message");
    }
}

#[test]
fn what_comes_out_before_a_spoiled_chunk_is_right_and_nothing_of_it_comes_out() {
    let k = Key256::random(&OsEntropy).unwrap();
    let p = plain(3 * CHUNK + 9);
    let mut s = sealed(&k, &p);
    s[HEADER + SEALED_CHUNK + 77] ^= 1;
    let mut r = Reader::with_context(Cursor::new(&s), &k, b"place").unwrap();
    let mut out = vec![0u8; CHUNK];
    r.read_exact(&mut out).unwrap();
    assert_eq!(out, p[..CHUNK]);
    let e = r.read(&mut out).unwrap_err();
    assert_eq!(e.kind(), io::ErrorKind::InvalidData);
    assert_eq!(out, [0; CHUNK], "nothing of it stands in the caller's buffer");
    let mut few = [9u8; 100];
    assert_eq!(r.read(&mut few).unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert_eq!(few, [9; 100], "nor in one that is smaller than the chunk");
    r.seek(SeekFrom::Start(2 * CHUNK as u64)).unwrap();
    r.read_exact(&mut out).unwrap();
    assert_eq!(out, p[2 * CHUNK..3 * CHUNK]);
}

/// Gives a few bytes at a time, is interrupted in between, and counts how often it has to seek.
struct Slow<'a>(Cursor<&'a [u8]>, usize, usize);
impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}
impl BufRead for Slow<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.1 += 1;
        if self.1.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.0.fill_buf().map(|all| &all[..all.len().min(777)])
    }
    fn consume(&mut self, n: usize) {
        self.0.consume(n);
    }
}
impl Seek for Slow<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.2 += 1;
        self.0.seek(to)
    }
}

#[test]
fn a_slow_source_is_read_to_the_end_and_only_seeks_where_it_must() {
    let k = Key256::random(&OsEntropy).unwrap();
    for n in [0, 5, 3 * CHUNK, 3 * CHUNK + 5] {
        let p = plain(n);
        let s = sealed(&k, &p);
        let mut r = Reader::with_context(Slow(Cursor::new(&s), 0, 0), &k, b"place").unwrap();
        let mut whole = vec![0u8; n];
        r.read_exact(&mut whole).unwrap();
        assert_eq!(whole, p);
        // For the length, the header, the last chunk and the first; not between chunks.
        assert!(r.from.2 <= 5, "{} seeks", r.from.2);
        // A file that is cut while it is read.
        let mut r = Reader::with_context(Cursor::new(s.clone()), &k, b"place").unwrap();
        r.from.get_mut().truncate(HEADER + 40);
        if n >= CHUNK {
            let e = r.read_exact(&mut whole).unwrap_err();
            assert_eq!(e.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}

#[test]
fn a_message_that_was_not_finished_does_not_open() {
    let k = Key256::random(&OsEntropy).unwrap();
    for n in [0, 10, CHUNK, 2 * CHUNK + 1] {
        let mut sink = Vec::new();
        let mut w = Writer::with_context(&mut sink, &k, b"place", &OsEntropy).unwrap();
        w.write_all(&plain(n)).unwrap();
        drop(w);
        assert!(read_all(&k, b"place", &sink).is_err(), "{n}");
    }
}

/// Takes a number of bytes, then is full.
struct Full(usize);
impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_a_failed_write_the_message_cannot_be_finished() {
    let k = Key256::random(&OsEntropy).unwrap();
    let mut w = Writer::with_context(Full(HEADER + 100), &k, b"place", &OsEntropy).unwrap();
    assert!(w.write_all(&plain(CHUNK)).is_err());
    assert!(w.write_all(b"x").is_err());
    assert!(w.finish().is_err());
    assert!(Writer::with_context(Full(3), &k, b"place", &OsEntropy).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_flipped_bit_shows(n in 0usize..60_000, at: u32, bit in 0u8..8) {
        let k = Key256::random(&OsEntropy).unwrap();
        let mut s = sealed(&k, &plain(n));
        let at = at as usize % s.len();
        s[at] ^= 1 << bit;
        prop_assert!(read_all(&k, b"place", &s).is_err());
    }

    #[test]
    fn any_seek_reads_what_was_written(n in 1usize..70_000, spots in prop::collection::vec((any::<u32>(), 0usize..40_000), 1..8)) {
        let k = Key256::random(&OsEntropy).unwrap();
        let p = plain(n);
        let s = sealed(&k, &p);
        let mut r = Reader::with_context(Cursor::new(&s), &k, b"place").unwrap();
        for (at, len) in spots {
            let at = at as usize % n;
            let mut out = vec![0u8; len.min(n - at)];
            r.seek(SeekFrom::Start(at as u64)).unwrap();
            r.read_exact(&mut out).unwrap();
            prop_assert_eq!(&out[..], &p[at..at + out.len()]);
        }
    }
}
