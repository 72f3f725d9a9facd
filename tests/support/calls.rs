//! The demo calls, laid one behind the other in time, so that one script holds the words of them all.
//!
//! The scripted engine hears a word only where the recording sounds. Recording *k* begins with silence as long as all
//! recordings before it; so each word of the script sounds in its own recording and in no other.

use super::audio;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Calls that the tests use: a card, an SSN with its read-back, a keyed card, a Spanish caller.
pub const CARD: &str = "2026-03-02_555-0142-887_dana-wilson";
pub const SSN: &str = "q-loans-2026-03-10-1015-12125550171-naomi-carter";
pub const KEYED: &str = "2026-03-04_ivr-pay_+13035550178_c4471";
pub const SPANISH: &str = "2026-03-07_linea-es_+13055550109";

pub fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo")
}

/// The truth of the whole demo set.
pub fn truth() -> Value {
    serde_json::from_slice(&fs::read(demo().join("truth.json")).unwrap()).unwrap()
}

/// The truth of one call, by its stem.
pub fn truth_of(stem: &str) -> Value {
    let all = truth();
    all["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["id"] == stem)
        .unwrap_or_else(|| panic!("{stem}"))
        .clone()
}

pub fn wav(stem: &str) -> PathBuf {
    demo().join("calls").join(format!("{stem}.wav"))
}

pub fn transcript(stem: &str) -> PathBuf {
    demo().join("transcripts").join(format!("{stem}.json"))
}

/// The words of a call per channel: (text, start, end).
pub fn words(stem: &str) -> Vec<Vec<(String, u64, u64)>> {
    let file: Value = serde_json::from_slice(&fs::read(transcript(stem)).unwrap()).unwrap();
    let word = |w: &Value| {
        (
            w["text"].as_str().unwrap().to_owned(),
            w["start_ms"].as_u64().unwrap(),
            w["end_ms"].as_u64().unwrap(),
        )
    };
    let channel = |c: &Value| c["words"].as_array().unwrap().iter().map(word).collect();
    file["channels"].as_array().unwrap().iter().map(channel).collect()
}

/// One line of a script.
pub fn line((text, start, end): &(String, u64, u64), shift: u64) -> Value {
    json!({"start_ms": start + shift, "end_ms": end + shift, "text": text})
}

/// A folder of conversations with the script of all their words and their truth.
pub struct Scene {
    pub dir: PathBuf,
    pub script: PathBuf,
    pub truth_file: PathBuf,
    pub truth: Value,
}

impl Scene {
    /// Lays the calls of these stems into `dir/calls`, and the demo's chats and e-mails beside them if wanted.
    pub fn build(dir: &Path, stems: &[&str], with_texts: bool) -> Self {
        let calls = dir.join("set/calls");
        fs::create_dir_all(&calls).unwrap();
        let mut script: Vec<Vec<Value>> = vec![Vec::new(); 2];
        let mut conversations = Vec::new();
        let mut shift = 0;
        for stem in stems {
            fs::write(calls.join(format!("{stem}.wav")), after_silence(&fs::read(wav(stem)).unwrap(), shift))
                .unwrap();
            fs::copy(wav(stem).with_extension("json"), calls.join(format!("{stem}.json"))).unwrap();
            let mut truth = truth_of(stem);
            let foreign = truth["language"] != "en";
            for (channel, words) in words(stem).iter().enumerate() {
                script[channel].extend(words.iter().map(|w| {
                    let mut line = line(w, shift);
                    if foreign {
                        line["doubts"] = json!(["other-language"]);
                    }
                    line
                }));
            }
            for list in ["planted", "speech"] {
                for item in truth[list].as_array_mut().unwrap() {
                    for end in ["start_ms", "end_ms"] {
                        item[end] = json!(item[end].as_u64().unwrap() + shift);
                    }
                }
            }
            shift += truth["duration_ms"].as_u64().unwrap() + 1000;
            conversations.push(truth);
        }
        if with_texts {
            for sub in ["chats", "emails"] {
                super::home::copy_tree(&demo().join(sub), &dir.join("set").join(sub));
            }
            let all = truth();
            let texts = all["conversations"].as_array().unwrap().iter().filter(|c| c["channel"] != "voice");
            conversations.extend(texts.cloned());
        }
        let truth = json!({"format": "callvault-truth/1", "set": "test", "conversations": conversations});
        let (script_file, truth_file) = (dir.join("script.json"), dir.join("set/truth.json"));
        fs::write(&script_file, json!({"channels": script}).to_string()).unwrap();
        fs::write(&truth_file, truth.to_string()).unwrap();
        Self { dir: dir.join("set"), script: script_file, truth_file, truth }
    }

    pub fn conversations(&self) -> &[Value] {
        self.truth["conversations"].as_array().unwrap()
    }

    /// The folders that are taken in; the truth lies beside them.
    pub fn folders(&self) -> Vec<String> {
        ["calls", "chats", "emails"]
            .iter()
            .map(|f| self.dir.join(f))
            .filter(|f| f.is_dir())
            .map(|f| f.display().to_string())
            .collect()
    }

    /// All files that are taken in.
    pub fn sources(&self) -> Vec<PathBuf> {
        self.conversations().iter().map(|c| self.dir.join(c["file"].as_str().unwrap())).collect()
    }
}

/// The same µ-law recording after so much silence.
pub fn after_silence(file: &[u8], ms: u64) -> Vec<u8> {
    let data = audio::parse(file).into_iter().find(|(id, _)| id == b"data").unwrap().1;
    let mut whole = vec![0xFF; ms as usize * 8 * 2];
    whole.extend(data);
    audio::riff(7, 2, 8000, 8, &whole)
}

/// A recording of seeded noise in which a script's words are said, and that script: for every shape of file.
pub struct Made {
    pub channels: Vec<Vec<f64>>,
    pub script: Value,
    /// Where the card number stands, as (channel, start, end).
    pub card: (usize, u64, u64),
}

pub const CARD_DIGITS: &str = "4242424242424242";
const CARD_SPOKEN: &str = "four two four two four two four two four two four two four two four two";

/// Two people on the channels `who` of `count`, a card number said by the first of them, in 12 s.
pub fn made(rate: u32, count: usize, who: [usize; 2], level: f64) -> Made {
    let (customer, agent) = (who[0], who[1]);
    let said = [
        (agent, 300, 2300, "what is your card number please"),
        (customer, 2600, 3800, "my card number is"),
        (customer, 3800, 9000, CARD_SPOKEN),
        (agent, 9500, 11500, "thank you your order is on the way"),
    ];
    let frames = rate as usize * 12;
    let mut channels = vec![vec![0.0; frames]; count];
    let mut script = vec![Vec::new(); count];
    for (n, (channel, start, end, text)) in said.iter().enumerate() {
        script[*channel].push(json!({"start_ms": start, "end_ms": end, "text": text}));
        let at = rate as usize * *start as usize / 1000;
        for (i, s) in audio::noise(rate, end - start, level, 77 + n as u64).into_iter().enumerate() {
            channels[*channel][at + i] = s;
        }
    }
    Made { channels, script: json!({"channels": script}), card: (customer, 3800, 9000) }
}
