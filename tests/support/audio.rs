//! WAV files made and read back by the tests themselves, independent of the code under test.

/// Samples per channel, −1 to 1.
pub type Channels = Vec<Vec<f64>>;

/// A RIFF/WAVE file around `data`.
pub fn riff(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let align = channels * bits / 8;
    let mut fmt = Vec::new();
    for n in [tag, channels] {
        fmt.extend(n.to_le_bytes());
    }
    fmt.extend(rate.to_le_bytes());
    fmt.extend((rate * u32::from(align)).to_le_bytes());
    fmt.extend(align.to_le_bytes());
    fmt.extend(bits.to_le_bytes());
    chunks(&[(b"fmt ", &fmt), (b"data", data)])
}

/// A RIFF/WAVE file of these chunks.
pub fn chunks(list: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (id, bytes) in list {
        body.extend(*id);
        body.extend((bytes.len() as u32).to_le_bytes());
        body.extend(*bytes);
        if bytes.len() % 2 == 1 {
            body.push(0);
        }
    }
    let mut out = b"RIFF".to_vec();
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    out
}

/// The chunks of a RIFF file as (id, bytes).
pub fn parse(file: &[u8]) -> Vec<([u8; 4], Vec<u8>)> {
    let (mut at, mut out) = (12, Vec::new());
    while at + 8 <= file.len() {
        let id: [u8; 4] = file[at..at + 4].try_into().unwrap();
        let len = u32::from_le_bytes(file[at + 4..at + 8].try_into().unwrap()) as usize;
        let end = (at + 8 + len).min(file.len());
        out.push((id, file[at + 8..end].to_vec()));
        at = end + len % 2;
    }
    out
}

/// A 16-bit PCM file of these samples.
pub fn pcm16(rate: u32, channels: &[Vec<f64>]) -> Vec<u8> {
    let frames = channels.iter().map(Vec::len).min().unwrap();
    let mut data = Vec::with_capacity(frames * channels.len() * 2);
    for n in 0..frames {
        for channel in channels {
            data.extend(((channel[n].clamp(-1.0, 1.0) * 32767.0) as i16).to_le_bytes());
        }
    }
    riff(1, channels.len() as u16, rate, 16, &data)
}

/// A WAV as the tests read it.
pub struct Wav {
    pub rate: u32,
    pub channels: Channels,
}

impl Wav {
    /// Reads 16-bit and 24-bit PCM and µ-law.
    pub fn read(file: &[u8]) -> Self {
        let parts = parse(file);
        let of = |id: &[u8; 4]| parts.iter().find(|(i, _)| i == id).map(|(_, b)| b.clone()).unwrap();
        let (fmt, data) = (of(b"fmt "), of(b"data"));
        let n16 = |at: usize| u16::from_le_bytes([fmt[at], fmt[at + 1]]);
        let (tag, count, bits) = (n16(0), usize::from(n16(2)), n16(14));
        let rate = u32::from_le_bytes(fmt[4..8].try_into().unwrap());
        let tag = if tag == 0xFFFE { n16(24) } else { tag };
        let samples: Vec<f64> = match (tag, bits) {
            (1, 16) => {
                data.chunks_exact(2).map(|b| f64::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0).collect()
            }
            (1, 24) => data
                .chunks_exact(3)
                .map(|b| f64::from(i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8) / 8_388_608.0)
                .collect(),
            (7, 8) => data.iter().map(|b| f64::from(ulaw(*b)) / 32768.0).collect(),
            other => panic!("a WAV the tests do not read: {other:?}"),
        };
        let channels = (0..count).map(|c| samples.iter().skip(c).step_by(count).copied().collect()).collect();
        Self { rate, channels }
    }

    pub fn frames(&self) -> usize {
        self.channels[0].len()
    }

    /// The share of a stretch that is exact zero.
    pub fn silence(&self, channel: usize, start_ms: u64, end_ms: u64) -> f64 {
        let at = |ms: u64| ((ms * u64::from(self.rate) / 1000) as usize).min(self.frames());
        let stretch = &self.channels[channel][at(start_ms)..at(end_ms)];
        stretch.iter().filter(|s| **s == 0.0).count() as f64 / stretch.len().max(1) as f64
    }
}

/// ITU-T G.711 µ-law to 16 bit.
pub fn ulaw(code: u8) -> i16 {
    let code = !code;
    let magnitude = ((i16::from(code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7);
    if code & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }
}

/// A sum of sines.
pub fn tones(rate: u32, ms: u64, hertz: &[f64], level: f64) -> Vec<f64> {
    let n = (u64::from(rate) * ms / 1000) as usize;
    let wave = |i: usize, f: f64| (std::f64::consts::TAU * f * i as f64 / f64::from(rate)).sin();
    (0..n).map(|i| hertz.iter().map(|f| wave(i, *f)).sum::<f64>() * level).collect()
}

/// The two frequencies of a key (ITU-T Q.23).
pub fn key(symbol: char) -> [f64; 2] {
    let at = "123A456B789C*0#D".find(symbol).unwrap();
    [[697.0, 770.0, 852.0, 941.0][at / 4], [1209.0, 1336.0, 1477.0, 1633.0][at % 4]]
}

/// Something that sounds for so long without being a tone: seeded noise, a little shaped.
pub fn noise(rate: u32, ms: u64, level: f64, seed: u64) -> Vec<f64> {
    let mut seeded = super::seeded::Seeded(seed);
    let mut last = 0.0;
    (0..u64::from(rate) * ms / 1000)
        .map(|_| {
            last = 0.7 * last + 0.3 * (seeded.share() * 2.0 - 1.0);
            // Never exactly zero: only muting makes zeros.
            let s: f64 = last * level * 2.0;
            if s.abs() < 0.001 { 0.001 } else { s }
        })
        .collect()
}
