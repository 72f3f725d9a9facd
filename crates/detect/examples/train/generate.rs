//! Labelled text from templates and lists.
#![expect(
    clippy::indexing_slicing,
    reason = "lists written in this file; a wrong index is a bug to see at training time"
)]

use crate::words::{
    DAYS, FOREIGN_AFTER, FOREIGN_BEFORE, MONTHS, NUMBER_WORDS, ORDINALS, PEOPLES, PRACTICES, STATES,
    SUFFIXES, TLDS, VENUES, WORDS,
};
use callvault_detect::train::{Sample, listed};
use callvault_model::EntityType as E;
use std::collections::{HashMap, HashSet};

const SENTENCES: &str = include_str!("sentences.txt");
const DIALOGUES: &str = include_str!("dialogues.txt");

/// A small generator of numbers (SplitMix64), so that training can be repeated.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of the words of a list.
    fn one_of<'a>(&mut self, list: &'a str) -> &'a str {
        let at = self.below(list.split('|').count());
        list.split('|').nth(at).unwrap_or(list)
    }

    fn digits(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap_or(0))).collect()
    }

    /// `#` becomes a digit, `@` a capital.
    fn fill(&mut self, pattern: &str) -> String {
        pattern
            .chars()
            .map(|c| match c {
                '#' => char::from(b'0' + u8::try_from(self.below(10)).unwrap_or(0)),
                '@' => char::from(b'A' + u8::try_from(self.below(26)).unwrap_or(0)),
                c => c,
            })
            .collect()
    }
}

pub struct Generator {
    random: Random,
    given: Vec<&'static str>,
    family: Vec<&'static str>,
    towns: Vec<&'static str>,
    regions: Vec<&'static str>,
    common: Vec<&'static str>,
    common_set: HashSet<&'static str>,
    sentences: Vec<&'static str>,
    dialogues: Vec<&'static str>,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        let lines = |text: &'static str| {
            text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect::<Vec<_>>()
        };
        Self {
            random: Random::new(seed),
            given: listed("F", ""),
            family: listed("L", ""),
            towns: listed("C", ""),
            regions: listed("R", "W"),
            common: listed("W", "FLCR"),
            common_set: listed("W", "").into_iter().collect(),
            sentences: lines(SENTENCES),
            dialogues: lines(DIALOGUES),
        }
    }

    /// One to two template lines as a document.
    pub fn sentence(&mut self) -> Sample {
        let mut sample = Sample { text: String::new(), spans: Vec::new() };
        let count = 1 + usize::from(self.random.chance(25)) + usize::from(self.random.chance(10));
        for k in 0..count {
            if k > 0 {
                sample.text.push(if self.random.chance(70) { ' ' } else { '\n' });
            }
            let template = self.sentences[self.random.below(self.sentences.len())];
            self.expand(template, &mut HashMap::new(), &mut sample);
        }
        self.worn(sample, 22)
    }

    /// A few blocks of talk as a document.
    pub fn call(&mut self) -> Sample {
        let mut sample = Sample { text: String::new(), spans: Vec::new() };
        let (mut known, blocks) = (HashMap::new(), 2 + self.random.below(5));
        for _ in 0..blocks {
            let block = self.dialogues[self.random.below(self.dialogues.len())];
            if self.random.chance(60) {
                known.clear();
            }
            for turn in block.split('|') {
                self.expand(turn, &mut known, &mut sample);
                sample.text.push('\n');
            }
        }
        if self.random.chance(30) {
            sample = drop_speakers(&sample);
        }
        self.worn(sample, 50)
    }

    /// Loses case and punctuation now and then, as typists and recognisers do.
    fn worn(&mut self, sample: Sample, percent: usize) -> Sample {
        if !self.random.chance(percent) {
            return sample;
        }
        let strip = self.random.chance(60);
        let lower = map_text(&sample, |c| Some(c.to_ascii_lowercase()));
        if !strip {
            return lower;
        }
        map_text(&lower, |c| (!matches!(c, '.' | ',' | '?' | '!' | '\'' | '"' | ';')).then_some(c))
    }

    fn expand(&mut self, template: &str, known: &mut HashMap<String, String>, out: &mut Sample) {
        let template = template.replace("\\n", "\n");
        let mut rest = template.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            out.text.push_str(before);
            let Some((slot, tail)) = after.split_once('}') else { break };
            // A call keeps speaking of the same people; a sentence with two names means two people.
            let again = known
                .get(slot)
                .filter(|_| !slot.eq_ignore_ascii_case("word") && self.random.chance(65))
                .cloned();
            let value = again.unwrap_or_else(|| self.value(slot));
            known.insert(slot.to_owned(), value.clone());
            if slot == "name"
                && let Some((first, last)) = value.split_once(' ')
            {
                known.insert("first".into(), first.into());
                known.insert("last".into(), last.into());
            }
            let start = out.text.len();
            out.text.push_str(&value);
            if let Some(entity) = entity_of(slot) {
                out.spans.push((start..out.text.len(), entity));
            }
            rest = tail;
        }
        out.text.push_str(rest);
    }

    fn value(&mut self, slot: &str) -> String {
        match slot {
            "name" => self.name(),
            "first" => self.first(),
            "last" => self.last(),
            "initial" => self.random.fill("@."),
            "dr" => self.doctor(),
            "artist" => self.name(),
            "city" => self.city(),
            "region" => self.region(),
            "street" => self.street(),
            "spokenstreet" => self.spoken_street(),
            "zip" => self.zip(),
            "phone" => self.phone(),
            "email" => self.email(),
            "card" => self.card(),
            "org" => self.organisation(),
            "orglow" => format!(
                "{} bank",
                title(self.random.one_of("harbor view national|first county|green valley|river city|union savings|north star"))
            ),
            "venue" => self.venue(),
            "movie" | "title2" => self.work(),
            "airline" => self
                .random
                .one_of("Delta Airlines|Air France|American Airlines|Southwest Airlines|British Airways|United Airlines")
                .into(),
            "title" => self.random.one_of("Mr.|Mrs.|Ms.|Miss|Dr.|Mr|Mrs|Ms").into(),
            "nrp" => self.random.one_of(PEOPLES).into(),
            "weekday" => self.random.one_of(DAYS).into(),
            "year" => self.random.one_of("1999|2004|2011|1987|2018|1965").into(),
            "date" => self.date(),
            "time" => self
                .random
                .one_of("5:15 pm|8 am|10:30|noon|11 in the morning|half past six|9:45 am")
                .into(),
            "age" => (18 + self.random.below(70)).to_string(),
            "ssn" => self.random.fill("###-##-####"),
            "license" => {
                let p = self.random.one_of("@#######|########|@@######|@##########");
                self.random.fill(p)
            }
            "digits" => {
                let n = 3 + self.random.below(3);
                if self.random.chance(50) {
                    self.random.digits(n)
                } else {
                    (0..n).map(|_| self.random.one_of(NUMBER_WORDS)).collect::<Vec<_>>().join(" ")
                }
            }
            "spokenzip" => (0..5).map(|_| self.random.one_of(NUMBER_WORDS)).collect::<Vec<_>>().join(" "),
            "month" => self.random.one_of(MONTHS).into(),
            "Word" => title(&self.common_word()),
            "WORD" => self.common_word().to_uppercase(),
            "word" => self.common_word(),
            "iban" => self.random.fill("DE## #### #### #### #### ##"),
            "acct" => {
                let p = self.random.one_of("########|####|######|@@ ######|##########");
                self.random.fill(p)
            }
            "ref" => {
                let p = self.random.one_of("@@@ ###|########|@#@##@|@@####");
                self.random.fill(p)
            }
            "expiry" => self.random.fill("0#/2#"),
            "ip" => self.random.fill("1##.1#.2#.#"),
            "url" => format!("www.{}{}.{}", self.common_word(), self.common_word(), self.random.one_of(TLDS)),
            other => unreachable_slot(other),
        }
    }

    fn common_word(&mut self) -> String {
        self.common[self.random.below(self.common.len())].to_owned()
    }

    /// Mostly a listed name, sometimes one that no list knows.
    fn listed_or_made(&mut self, given: bool) -> String {
        let n = if given { self.given.len() } else { self.family.len() };
        let list = |s: &Self, k: usize| if given { s.given[k] } else { s.family[k] };
        let a = {
            let k = self.random.below(n);
            list(self, k)
        };
        // Names that are common words are learned, but not in their full number.
        let a = if self.common_set.contains(a) && self.random.chance(60) {
            let k = self.random.below(n);
            list(self, k)
        } else {
            a
        };
        if self.random.chance(72) {
            return title(a);
        }
        let b = {
            let k = self.random.below(n);
            list(self, k)
        };
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        title(&a[..a.len().div_ceil(2)].iter().chain(&b[b.len() / 2..]).collect::<String>())
    }

    fn first(&mut self) -> String {
        self.listed_or_made(true)
    }

    fn last(&mut self) -> String {
        let one = self.listed_or_made(false);
        match self.random.below(40) {
            0 => format!("{one}-{}", self.listed_or_made(false)),
            1 => format!("van der {one}"),
            2 => format!("O'{one}"),
            3 => format!("de {one}"),
            _ => one,
        }
    }

    fn name(&mut self) -> String {
        let (first, last) = (self.first(), self.last());
        match self.random.below(20) {
            0 | 1 => format!("{first} {} {last}", self.random.fill("@.")),
            2 => format!("{first} {} {last}", self.first()),
            3 => first,
            _ => format!("{first} {last}"),
        }
    }

    fn doctor(&mut self) -> String {
        let (first, last) = (self.first(), self.last());
        let degree = self.random.one_of("MD|DO|DDS|DMD|PhD|M.D.|D.D.S.|PA-C|LMFT|Inc|Psy.D|OD|MFT");
        match self.random.below(19) {
            14 => format!(
                "{} {}",
                title(&self.common_word()),
                self.random
                    .one_of("Health|Skin Spa|Skin & Laser Center|Dental|Wellness|Medical Clinic|Vision")
            ),
            15 => format!(
                "{} {}'s {}",
                self.city(),
                self.random.one_of("Children|Women"),
                self.random.one_of("Health|Hospital|Clinic|Specialists")
            ),
            16 => format!(
                "{} {}: {first} {last}, M.D.",
                title(&self.common_word()),
                self.random.one_of("Dermatology|Medical Group|Women's Health|Skin Care")
            ),
            17 => format!("{} {} Physicians", self.city(), title(&self.common_word())),
            18 => format!(
                "{} {} and {}, {first} {last}, M.D.",
                title(&self.common_word()),
                self.random.one_of("Dermatology|Dentistry"),
                title(&self.common_word())
            ),
            0..=3 => format!("Dr. {first} {last}"),
            4 => format!("{first} {last}, {degree}"),
            5 => format!("{first} {} {last}, {degree}", self.random.fill("@.")),
            6 => format!("{last} {first} {}", self.random.one_of("MD|DO|Dr|DDS")),
            7 => format!("{last} {first} {}", self.random.fill("@ MD")),
            8 => format!("{last} {}", self.random.one_of(PRACTICES)),
            9 => format!("{} {}", self.city(), self.random.one_of(PRACTICES)),
            10 => format!("{}: {last} {first} {degree}", self.random.one_of(PRACTICES)),
            11 => {
                format!("{} {} of {}", self.random.one_of(WORDS), self.random.one_of(PRACTICES), self.city())
            }
            12 => format!("Dr. {first} {last}, {degree}"),
            _ => format!("{first} {last} {degree}"),
        }
    }

    fn city(&mut self) -> String {
        let k = self.random.below(self.towns.len());
        if self.random.chance(8) {
            let other = self.towns[self.random.below(self.towns.len())];
            let (a, b): (Vec<char>, Vec<char>) = (self.towns[k].chars().collect(), other.chars().collect());
            return title(&a[..a.len().div_ceil(2)].iter().chain(&b[b.len() / 2..]).collect::<String>());
        }
        let town = title(self.towns[k]);
        match self.random.below(40) {
            0..=3 => town.to_uppercase(),
            4 => format!("{town} am {}", self.last()),
            5 => format!("{}-{town}", self.last()),
            6 => format!("Saint {town}"),
            7 => format!("{town}'s {}", self.random.one_of("Bay|Hill|Creek|Green")),
            _ => town,
        }
    }

    fn region(&mut self) -> String {
        let k = self.random.below(self.regions.len());
        let region = title(self.regions[k]);
        match self.random.below(30) {
            0 => format!("Republic of {region}"),
            1 => format!("Kingdom of the {region}"),
            2 => format!("People's Republic of {region}"),
            3 => format!("{region} and the {}", self.city()),
            4 => format!("Democratic Republic of the {region}"),
            _ => region,
        }
    }

    fn street_name(&mut self) -> String {
        match self.random.below(4) {
            0 => self.random.one_of(ORDINALS).into(),
            1 => format!("{} {}", self.first(), self.last()),
            2 => self.city(),
            _ => self.last(),
        }
    }

    fn street(&mut self) -> String {
        self.street_of(false)
    }

    /// `short`: the street alone, as half of a corner.
    fn street_of(&mut self, short: bool) -> String {
        let length = 1 + self.random.below(4);
        let (number, name) = (self.random.digits(length), self.street_name());
        let mut out = match self.random.below(17) {
            0..=4 => format!("{number} {name} {}", self.random.one_of(SUFFIXES)),
            5 => format!(
                "{number} {} {name} {}",
                self.random.one_of("N|S.|West|East|NW"),
                self.random.one_of(SUFFIXES)
            ),
            6 | 7 => format!("{} {name} {number}", self.random.one_of(FOREIGN_BEFORE)),
            8 => format!("{number} {} {name}", self.random.one_of(FOREIGN_BEFORE)),
            9 => format!("{name}{} {number}", self.random.one_of(FOREIGN_AFTER)),
            10 => format!("{} {name} {} {number}", self.random.digits(2), self.random.one_of(FOREIGN_AFTER)),
            11 => format!("{name} {number}"),
            12 => format!("{number} {} {name} {}", self.random.one_of(FOREIGN_BEFORE), self.random.digits(2)),
            13 => {
                let p = self
                    .random
                    .one_of("PSC ####, Box ####|Unit #### Box ####|P.O. Box ####|USS ####|PO Box ##");
                self.random.fill(p)
            }
            14 => format!("{} {name}{} {number}", self.random.digits(2), self.random.one_of(FOREIGN_AFTER)),
            15 => format!("{number} {name} {} #{}", self.random.one_of(SUFFIXES), self.random.digits(2)),
            _ => format!("{} {name} {}", self.random.digits(2), self.random.digits(3)),
        };
        if !short && self.random.chance(10) {
            let n = 1 + self.random.below(5);
            out = format!("{} {out}", self.random.digits(n));
        }
        if !short && self.random.chance(5) {
            return format!(
                "{out}\n{}\n, {}\n {}",
                self.city(),
                self.random.one_of(STATES),
                self.random.digits(5)
            );
        }
        if !short && self.random.chance(3) {
            return format!("{} and {}", self.first(), self.street_of(true));
        }
        if !short && self.random.chance(6) {
            return format!("the corner of {out} and {}", self.street_of(true));
        }
        if !short && self.random.chance(4) {
            let ship = self.random.one_of("USNS|USS|USCGC");
            let p = self.random.one_of("FPO AA #####|FPO AP #####|APO AE #####|DPO AP #####");
            return format!("{ship} {}\n{}", self.last(), self.random.fill(p));
        }
        if self.random.chance(22) {
            let p = self.random.one_of("\nApt. ###| Suite ###| Apt ##|\nSuite ###|, Unit #");
            out.push_str(&self.random.fill(p));
        }
        if !short && self.random.chance(8) {
            let sign = self.random.one_of("\n|, |\n ");
            let end =
                if self.random.chance(50) { format!(" {}", self.random.digits(5)) } else { String::new() };
            return format!("{out}{sign}{}{sign}{}{end}", self.city(), self.region());
        }
        if !short && self.random.chance(16) {
            out = format!(
                "{out}{}{}, {} {}",
                self.random.one_of("\n| |, "),
                self.city(),
                self.random.one_of(STATES),
                self.random.digits(5)
            );
        }
        out
    }

    fn spoken_street(&mut self) -> String {
        let digits: Vec<&str> =
            (0..2 + self.random.below(3)).map(|_| self.random.one_of(NUMBER_WORDS)).collect();
        format!(
            "{} {} {}",
            digits.join(" "),
            self.random.one_of(ORDINALS),
            self.random.one_of("street|road|avenue|lane|drive")
        )
    }

    fn zip(&mut self) -> String {
        let p = self.random.one_of("#####|#####|#####|#####-####|@@# #@@|####|## ###|@#@ #@#");
        self.random.fill(p)
    }

    fn phone(&mut self) -> String {
        let p = self.random.one_of("###-###-####|(###) ###-####|### ### ####|##########|+1 ### ### ####|+## ## #### ####|0## ### ## ##|## ### ###|## ## ##|(##) ####-####|0### ######|+##-###-###-####|###.###.####|0## #### ####|### ## ##|(0#) #### ####|06-########|+## # ## ## ## ##");
        self.random.fill(p)
    }

    fn email(&mut self) -> String {
        let domain = format!(
            "{}.{}",
            self.random.one_of("gmail|yahoo|outlook|mail|teleworm|example"),
            self.random.one_of(TLDS)
        );
        let (first, last) = (self.first().to_lowercase(), self.last().to_lowercase());
        match self.random.below(3) {
            0 => format!("{first}.{last}@{domain}"),
            1 => format!("{first}{}@{domain}", self.random.digits(2)),
            _ => format!("{last}{first}@{domain}"),
        }
    }

    fn card(&mut self) -> String {
        let p =
            self.random.one_of("4###############|5###-####-####-####|3##############|4### #### #### ####");
        self.random.fill(p)
    }

    fn organisation(&mut self) -> String {
        let last = self.listed_or_made(false);
        match self.random.below(9) {
            0 => format!("{last}-{}", self.listed_or_made(false)),
            1 => format!("{last} Inc"),
            2 => format!("{last} and Sons"),
            3 => format!(
                "{last} {}",
                self.random.one_of("Group|Ltd|LLC|GmbH|Corporation|Partners|Bank|Motors|Media")
            ),
            4 => format!(
                "{} {}",
                self.random.one_of(WORDS),
                self.random.one_of("Systems|Labs|Media|Foods|Energy|Records|Airlines|Networks")
            ),
            5 => format!("{last}, {} and {}", self.listed_or_made(false), self.listed_or_made(false)),
            6 => format!("University of {}", self.city()),
            7 => format!("{}{}", self.random.one_of(WORDS), self.random.one_of("soft|ware|ly|ify|hub|works")),
            _ => self
                .random
                .one_of("Google|Amazon|Siemens|Toyota|IBM|Netflix|the Red Cross|the World Bank|NASA|Facebook")
                .into(),
        }
    }

    fn venue(&mut self) -> String {
        match self.random.below(4) {
            0 => format!("{}'s {}", self.first(), self.random.one_of(VENUES)),
            1 => format!(
                "{} {} {}",
                self.random.one_of(WORDS),
                self.random.one_of(WORDS),
                self.random.one_of(VENUES)
            ),
            2 => format!("{} {}", self.city(), self.random.one_of(VENUES)),
            _ => format!("The {} {}", self.random.one_of(WORDS), self.random.one_of(VENUES)),
        }
    }

    fn work(&mut self) -> String {
        match self.random.below(4) {
            0 => format!("The {} {}", self.random.one_of(WORDS), self.random.one_of(WORDS)),
            1 => format!("{} of the {}", self.random.one_of(WORDS), self.random.one_of(WORDS)),
            2 => format!("{} in {}", self.random.one_of(WORDS), self.random.one_of(WORDS)),
            _ => format!("{} {}", self.random.one_of(WORDS), self.random.one_of(WORDS)),
        }
    }

    fn date(&mut self) -> String {
        let month = self.random.one_of(MONTHS);
        match self.random.below(4) {
            0 => format!("{month} {}, {}", 1 + self.random.below(28), self.random.fill("19##")),
            1 => format!("{month} {}", 1 + self.random.below(28)),
            2 => self.random.fill("0#/1#/20##"),
            _ => format!("{}th of {month}", 4 + self.random.below(16)),
        }
    }
}

fn unreachable_slot(slot: &str) -> String {
    format!("{{{slot}}}")
}

fn entity_of(slot: &str) -> Option<E> {
    Some(match slot {
        "name" | "first" | "last" | "dr" | "artist" => E::Person,
        "city" | "region" => E::Location,
        "street" | "spokenstreet" => E::Address,
        "zip" | "spokenzip" => E::ZipCode,
        "phone" => E::PhoneNumber,
        "email" => E::EmailAddress,
        "card" => E::CreditCard,
        "ssn" => E::UsSsn,
        "acct" | "license" | "iban" => E::AccountId,
        "ref" => E::ReferenceId,
        "org" | "orglow" | "venue" | "airline" => E::Organization,
        "date" | "weekday" | "time" | "year" | "age" => E::DateTime,
        "nrp" => E::Nrp,
        _ => return None,
    })
}

/// Each word with a capital.
fn title(words: &str) -> String {
    let mut start = true;
    words
        .chars()
        .map(|c| {
            let out = if start { c.to_ascii_uppercase() } else { c };
            start = c == ' ' || c == '-';
            out
        })
        .collect()
}

/// Changes or drops characters and moves the spans along.
fn map_text(sample: &Sample, mut f: impl FnMut(char) -> Option<char>) -> Sample {
    let (mut text, mut moved) = (String::new(), vec![0usize; sample.text.len() + 1]);
    for (at, c) in sample.text.char_indices() {
        moved[at] = text.len();
        text.extend(f(c));
    }
    moved[sample.text.len()] = text.len();
    let spans = sample
        .spans
        .iter()
        .map(|(r, e)| (moved[r.start]..moved[r.end], *e))
        .filter(|(r, _)| r.start < r.end)
        .collect();
    Sample { text, spans }
}

fn drop_speakers(sample: &Sample) -> Sample {
    let (mut text, mut spans, mut base) = (String::new(), Vec::new(), 0usize);
    for line in sample.text.split_inclusive('\n') {
        let skip = line.find(": ").filter(|c| *c < 10).map_or(0, |c| c + 2);
        for (r, e) in &sample.spans {
            if r.start >= base + skip && r.end <= base + line.len() {
                spans.push((r.start - base - skip + text.len()..r.end - base - skip + text.len(), *e));
            }
        }
        text.push_str(&line[skip..]);
        base += line.len();
    }
    Sample { text, spans }
}
