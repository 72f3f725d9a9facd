//! The forms in which a value could be found somewhere: as it is, spaced, in words, as base64, UTF-16 or hex.

use aho_corasick::AhoCorasick;
use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Fewer bytes than this occur by chance in megabytes of ciphertext.
const SHORTEST: usize = 6;

/// Fewer digits than this in base64 may be a piece of a hash in hexadecimal, as certificates hold them.
const SHORTEST_DIGITS: usize = 8;

/// As many hexadecimal digits may stand by chance in megabytes of ids, times and hashes.
const LONGEST_BY_CHANCE: usize = 8;

/// What a byte string gives away.
struct Named {
    value: String,
    /// It counts only where the base64 around it says this text by itself.
    alone: Option<String>,
}

/// Byte strings to look for, each with the name of what it gives away.
#[derive(Default)]
pub struct Needles(BTreeMap<Vec<u8>, Named>);

impl Needles {
    /// Every form of one value.
    pub fn value(&mut self, value: &str) {
        let mut texts: BTreeSet<String> =
            [value.to_owned(), value.to_lowercase(), value.to_uppercase()].into();
        let digits: Vec<char> = value.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= 3 && value.chars().all(|c| c.is_ascii_digit() || " -+()./".contains(c)) {
            let joined = |by: &str| digits.iter().map(char::to_string).collect::<Vec<_>>().join(by);
            let grouped = |by: &str| {
                digits.chunks(4).map(|c| c.iter().collect::<String>()).collect::<Vec<_>>().join(by)
            };
            let words = digits.iter().map(|d| WORDS[d.to_digit(10).unwrap() as usize]).collect::<Vec<_>>();
            texts.extend([joined(""), joined(" "), joined("-"), words.join(" "), words.join(", ")]);
            if digits.len() >= 12 {
                texts.extend([grouped(" "), grouped("-")]);
            }
        }
        for text in texts {
            self.text(&text, value);
        }
    }

    /// One text as it is, in UTF-16, base64 and hex.
    pub fn text(&mut self, text: &str, named: &str) {
        let raw = text.as_bytes().to_vec();
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let wide_be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let hex: String = raw.iter().map(|b| format!("{b:02x}")).collect();
        let mut all = vec![raw.clone(), wide.clone(), wide_be];
        // Six hexadecimal digits stand in every tenth file of hashes by chance.
        if raw.len() >= SHORTEST {
            all.extend([hex.to_uppercase().into_bytes(), hex.into_bytes()]);
        }
        all.extend((0..3).map(|shift| base64_inside(&wide, shift)));
        let short = raw.iter().all(u8::is_ascii_digit) && raw.len() < SHORTEST_DIGITS;
        let alone = short.then(|| text.to_owned());
        let in_base64 = (0..3).map(|shift| (base64_inside(&raw, shift), alone.clone()));
        let all = all.into_iter().map(|needle| (needle, None)).chain(in_base64);
        for (needle, alone) in all.filter(|(n, _)| n.len() >= SHORTEST) {
            self.0.entry(needle).or_insert_with(|| Named { value: named.to_owned(), alone });
        }
    }

    /// Phrases of a text: from each word on, as many as make at least three words and 12 letters.
    pub fn phrases(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        for from in 0..words.len() {
            let phrase = (from + 3..=words.len()).map(|to| words[from..to].join(" ")).find(|p| p.len() >= 12);
            if let Some(phrase) = phrase {
                self.text(&phrase, &phrase);
            }
        }
    }

    /// Stretches of sound: 64 bytes each, as they lie in the file and as the 16-bit samples they decode to.
    pub fn sound(&mut self, file: &[u8], ulaw: bool, named: &str) {
        let data = super::audio::parse(file).into_iter().find(|(id, _)| id == b"data").unwrap().1;
        let lively = |w: &[u8]| w.iter().collect::<BTreeSet<_>>().len() >= 20;
        for window in data.chunks_exact(64).filter(|w| lively(w)).step_by(4) {
            self.0.insert(window.to_vec(), Named { value: named.to_owned(), alone: None });
            if ulaw {
                let decoded: Vec<u8> =
                    window.iter().take(32).flat_map(|b| super::audio::ulaw(*b).to_le_bytes()).collect();
                self.0.insert(decoded, Named { value: named.to_owned(), alone: None });
            }
        }
    }

    /// Everything planted in a labelled conversation, in the conversation itself and around it.
    pub fn planted(&mut self, conversation: &Value) {
        for planted in conversation["planted"].as_array().unwrap() {
            self.value(planted["value"].as_str().unwrap());
            for form in ["spoken", "text"] {
                if let Some(text) = planted[form].as_str() {
                    self.value(text);
                    self.value(&text.replace(',', ""));
                }
            }
        }
        for planted in conversation["planted_elsewhere"].as_array().into_iter().flatten() {
            self.value(planted["value"].as_str().unwrap());
        }
    }

    /// Without what ids, times and hashes of a long log may say by chance: short runs of hexadecimal digits.
    pub fn long(mut self) -> Self {
        self.0.retain(|needle, _| {
            needle.len() > LONGEST_BY_CHANCE || !needle.iter().all(u8::is_ascii_hexdigit)
        });
        self
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What is found in `bytes`, by name.
    pub fn search(&self) -> Search<'_> {
        let needles: Vec<_> = self.0.iter().collect();
        Search { automaton: AhoCorasick::new(needles.iter().map(|(n, _)| n)).unwrap(), needles }
    }
}

pub struct Search<'a> {
    automaton: AhoCorasick,
    needles: Vec<(&'a Vec<u8>, &'a Named)>,
}

impl Search<'_> {
    pub fn find(&self, bytes: &[u8]) -> BTreeSet<&str> {
        self.hits(bytes).map(|(_, value)| value).collect()
    }

    /// Where something is found, and what.
    fn hits(&self, bytes: &[u8]) -> impl Iterator<Item = (usize, &str)> {
        self.automaton.find_overlapping_iter(bytes).filter_map(move |m| {
            let named = self.needles[m.pattern().as_usize()].1;
            let counts = named.alone.as_ref().is_none_or(|text| said_alone(bytes, m.start(), text));
            counts.then_some((m.start(), named.value.as_str()))
        })
    }

    /// Names and contents of all files below `dir`; returns what is found and how many bytes were searched.
    pub fn find_below(&self, dir: &Path) -> (Vec<String>, usize) {
        let (mut out, mut searched) = (Vec::new(), 0);
        for file in super::home::files(dir) {
            let bytes = fs::read(&file).unwrap();
            searched += bytes.len();
            let name = file.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
            for found in self.find(name.as_bytes()) {
                out.push(format!("{found} in the name {name}"));
            }
            for (at, value) in self.hits(&bytes) {
                let around = &bytes[at.saturating_sub(24)..(at + 48).min(bytes.len())];
                out.push(format!("{value} in {name} at {at}: {}", around.escape_ascii()));
            }
        }
        (out, searched)
    }
}

const WORDS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// Whether the base64 around a place says a text that is no piece of a longer number in hexadecimal.
fn said_alone(bytes: &[u8], at: usize, text: &str) -> bool {
    const AROUND: usize = 96;
    let of_base64 = |b: &&u8| b.is_ascii_alphanumeric() || b"+/".contains(b);
    let from = at - bytes[..at].iter().rev().take(AROUND).take_while(of_base64).count();
    let to = at + bytes[at..].iter().take(AROUND).take_while(of_base64).count();
    let run = &bytes[from..to];
    let digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_hexdigit);
    let form = GeneralPurpose::new(&alphabet::STANDARD, NO_PAD.with_decode_allow_trailing_bits(true));
    (0..4).filter_map(|skip| run.get(skip..)).any(|run| {
        // One character over says nothing.
        let said = form.decode(&run[..run.len() - usize::from(run.len() % 4 == 1)]).unwrap();
        said.windows(text.len()).enumerate().any(|(i, w)| {
            w == text.as_bytes()
                && !digit(i.checked_sub(1).and_then(|b| said.get(b)))
                && !digit(said.get(i + text.len()))
        })
    })
}

/// The characters of base64 that these bytes alone decide when they begin at this place of a triple.
fn base64_inside(bytes: &[u8], shift: usize) -> Vec<u8> {
    let mut padded = vec![0; shift];
    padded.extend(bytes);
    let whole = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&padded);
    let first = [0, 2, 3][shift];
    let last = padded.len() * 8 / 6;
    whole.as_bytes()[first..last].to_vec()
}
