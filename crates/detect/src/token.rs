//! The token stream of a whole conversation: words and digit groups with their turn, case and what stood before them.

use crate::{
    Reading, Utterance,
    closed::Closed,
    gazetteer::{Gazetteer, flag},
    language::Language,
    normal::{Normal, fold_into},
    signs::Signs,
};
use callvault_model::Role;

mod scan;

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters only.
    Word,
    /// Digits only.
    Digits,
    /// Letters and digits.
    Mixed,
}

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// No capital, or digits.
    Lower,
    /// First letter capital.
    Title,
    /// All capitals, two letters or more.
    Upper,
    /// Anything else.
    Odd,
}

/// What stood between a token and the one before it.
pub(crate) mod gap {
    pub const SPACE: u8 = 1;
    pub const COMMA: u8 = 2;
    pub const STOP: u8 = 4;
    pub const DASH: u8 = 8;
    pub const START: u8 = 16;
    pub const MONEY: u8 = 32;
    pub const OTHER: u8 = 64;
}

/// One word or digit group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    /// Index of the turn.
    pub turn: u32,
    /// First byte in the normalised turn.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    word: (u32, u32),
    /// Flags of [`gap`].
    pub gap: u8,
    /// Capitals.
    pub case: Case,
    /// Letters or digits.
    pub kind: Kind,
    /// What its word says of a number.
    pub number: u8,
}

impl Token {
    /// Length of its folded word in bytes.
    pub fn folded(&self) -> u32 {
        self.word.1.saturating_sub(self.word.0)
    }
}

/// One turn, normalised.
#[derive(Debug)]
pub(crate) struct Turn {
    pub role: Role,
    pub normal: Normal,
    pub signs: Signs,
    /// Whether its words are read from Spanish.
    pub spanish: bool,
    /// Whether anything in it can begin a number.
    pub numbers: bool,
    /// All that the lists say of any of its words.
    pub any: u16,
    /// First token.
    pub first: usize,
    /// One past the last token.
    pub end: usize,
}

/// A conversation as the recognisers see it.
#[derive(Debug, Default)]
pub(crate) struct Doc {
    pub turns: Vec<Turn>,
    pub tokens: Vec<Token>,
    words: String,
    /// What the lists say of every token.
    flags: Vec<u16>,
    /// Whether any turn is Spanish.
    pub spanish: bool,
}

impl Doc {
    /// Reads the turns once, with all that the lists say.
    pub fn new(turns: &[Utterance<'_>]) -> Self {
        Self::read(turns, Reading::Full)
    }

    /// Reads the turns once. [`Reading::Forms`] leaves out what the lists of names, places and common words say.
    pub fn read(turns: &[Utterance<'_>], reading: Reading) -> Self {
        let mut doc = Self::default();
        let bytes: usize = turns.iter().map(|t| t.text.len()).sum();
        doc.turns.reserve(turns.len());
        doc.words.reserve(bytes.saturating_add(16));
        // Talk has a word every four to five bytes.
        doc.tokens.reserve(bytes.min(1 << 20) / 4);
        doc.flags.reserve(bytes.min(1 << 20) / 4);
        for turn in turns {
            let (index, first) = (doc.turns.len(), doc.tokens.len());
            let normal = Normal::new(turn.text);
            let signs = doc.tokenise(short(index), &normal.text);
            let end = doc.tokens.len();
            let (spanish, any) = doc.look_up(first, end, reading);
            let tokens = doc.tokens.get(first..end).unwrap_or(&[]);
            let numbers = any & flag::NUMBER != 0 || tokens.iter().any(|t| t.kind != Kind::Word);
            doc.turns.push(Turn { role: turn.role, normal, signs, spanish, numbers, any, first, end });
        }
        doc
    }

    /// The folded word at `i`, or nothing outside the conversation.
    pub fn word(&self, i: usize) -> &str {
        self.tokens.get(i).and_then(|t| self.words.get(t.word.0 as usize..t.word.1 as usize)).unwrap_or("")
    }

    fn bytes(&self, i: usize) -> &[u8] {
        let word = |t: &Token| self.words.as_bytes().get(t.word.0 as usize..t.word.1 as usize);
        self.tokens.get(i).and_then(word).unwrap_or(&[])
    }

    /// Whether it is one letter or digit.
    pub fn single(&self, i: usize) -> bool {
        self.bytes(i).len() == 1
    }

    /// The folded word `by` tokens away, if it stands in the same turn.
    pub fn near(&self, i: usize, by: isize) -> &str {
        let Some(j) = i.checked_add_signed(by) else { return "" };
        match (self.tokens.get(i), self.tokens.get(j)) {
            (Some(a), Some(b)) if a.turn == b.turn => self.word(j),
            _ => "",
        }
    }

    /// The token at `i`.
    pub fn token(&self, i: usize) -> Option<&Token> {
        self.tokens.get(i)
    }

    /// The turn of token `i`.
    pub fn turn_of(&self, i: usize) -> usize {
        self.tokens.get(i).map_or(usize::MAX, |t| t.turn as usize)
    }

    /// Whether tokens `i` and `j` stand in one turn.
    pub fn same_turn(&self, i: usize, j: usize) -> bool {
        self.tokens.get(i).zip(self.tokens.get(j)).is_some_and(|(a, b)| a.turn == b.turn)
    }

    /// Text of the normalised turn between two bytes.
    pub fn slice(&self, turn: usize, start: usize, end: usize) -> &str {
        self.turns.get(turn).and_then(|t| t.normal.text.get(start..end)).unwrap_or("")
    }

    /// Flags of what stands before token `i`.
    pub fn gap(&self, i: usize) -> u8 {
        self.tokens.get(i).map_or(gap::START, |t| t.gap)
    }

    /// Text between token `i` and the one before it in its turn.
    pub fn raw_gap(&self, i: usize) -> &str {
        let Some(t) = self.token(i) else { return "" };
        let from = match i.checked_sub(1).and_then(|p| self.token(p)) {
            Some(p) if p.turn == t.turn => p.end,
            _ => 0,
        };
        self.slice(t.turn as usize, from as usize, t.start as usize)
    }

    /// Whether the text right before token `i` ends so.
    pub fn raw_gap_ends_with(&self, i: usize, c: char) -> bool {
        self.raw_gap(i).trim_end_matches(['(', ' ']).ends_with(c)
    }

    /// Whether the text after the token before `i` begins so.
    pub fn raw_gap_starts_with(&self, i: usize, c: char) -> bool {
        self.raw_gap(i).starts_with(c)
    }

    /// What the lists say of token `i`.
    pub fn flags(&self, i: usize) -> u16 {
        self.flags.get(i).copied().unwrap_or(0)
    }

    /// What the word of token `i` says of a number, as [`crate::lexicon::number_code`] tells it.
    #[inline]
    pub fn number(&self, i: usize) -> u8 {
        self.tokens.get(i).map_or(0, |t| t.number)
    }

    /// Looks the words of one turn up, and gathers what is said of any; where they are of another language, they are read as English ones first.
    fn look_up(&mut self, first: usize, end: usize, reading: Reading) -> (bool, u16) {
        let (closed, lists) = (Closed::get(), Gazetteer::get());
        let find = |doc: &Self, i: usize| match doc.token(i) {
            Some(t) if t.kind == Kind::Digits => (0, 0),
            _ => match (closed.find(doc.bytes(i)), reading) {
                (Some(found), _) => found,
                (None, Reading::Forms) => (0, 0),
                (None, Reading::Full) => (lists.flags(doc.word(i)), 0),
            },
        };
        let mut any = 0u16;
        for i in first..end {
            let (found, number) = find(self, i);
            any |= found;
            self.flags.push(found);
            if number != 0
                && let Some(t) = self.tokens.get_mut(i)
            {
                t.number = number;
            }
        }
        let spanish = Language::spanish();
        let told = any & flag::SPANISH != 0;
        if !told || !spanish.tells((first..end).map(|i| (self.word(i), self.flags(i)))) {
            return (false, any);
        }
        self.spanish = true;
        for i in first..end {
            let before = if i > first { self.word(i.saturating_sub(1)) } else { "" };
            let Some(english) = spanish.english(self.word(i), before) else { continue };
            let from = short(self.words.len());
            self.words.push_str(english);
            let to = short(self.words.len());
            if let Some(t) = self.tokens.get_mut(i) {
                t.word = (from, to);
            }
            let (found, number) = find(self, i);
            if let (Some(f), Some(t)) = (self.flags.get_mut(i), self.tokens.get_mut(i)) {
                (*f, t.number) = (found, number);
                any |= found;
            }
        }
        (true, any)
    }

    fn tokenise(&mut self, turn: u32, text: &str) -> Signs {
        if text.is_ascii() {
            return self.tokenise_ascii(turn, text);
        }
        self.tokenise_any(turn, text);
        Signs::of(text)
    }

    fn tokenise_any(&mut self, turn: u32, text: &str) {
        let mut chars = text.char_indices().peekable();
        let mut gap = gap::START;
        while let Some((start, c)) = chars.next() {
            if c == '['
                && let Some(end) = crate::redact::label_end(text, start)
            {
                while chars.peek().is_some_and(|(at, _)| *at < end) {
                    chars.next();
                }
                gap |= gap::OTHER;
                continue;
            }
            let apostrophe_s = c == '\'' && gap == 0 && contraction(text, start);
            if !c.is_alphanumeric() && !apostrophe_s {
                gap |= gap_flag(c);
                continue;
            }
            let mut end = start.saturating_add(c.len_utf8());
            while let Some(&(at, c)) = chars.peek() {
                let inner_apostrophe = c == '\'' && !contraction(text, at) && letter_after(text, at);
                if !(c.is_alphanumeric() || mark(c) || inner_apostrophe) {
                    break;
                }
                end = at.saturating_add(c.len_utf8());
                chars.next();
            }
            self.push(turn, text, (start, end), gap);
            gap = 0;
        }
    }

    fn push(&mut self, turn: u32, text: &str, (start, end): (usize, usize), gap: u8) {
        let raw = text.get(start..end).unwrap_or("");
        let from = self.words.len();
        if raw.starts_with('\'') {
            self.words.push('\'');
        }
        fold_into(raw, &mut self.words);
        let word = (short(from), short(self.words.len()));
        let (kind, case) = looks(raw);
        self.tokens.push(Token {
            turn,
            start: short(start),
            end: short(end),
            word,
            gap,
            case,
            kind,
            number: 0,
        });
    }
}

fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}')
}

fn letter_after(text: &str, at: usize) -> bool {
    text.get(at.saturating_add(1)..).and_then(|t| t.chars().next()).is_some_and(char::is_alphabetic)
}

/// Whether the apostrophe at `at` opens an ending ('s) that is not part of the word before it.
fn contraction(text: &str, at: usize) -> bool {
    let mut after = text.get(at.saturating_add(1)..).unwrap_or("").chars();
    matches!(after.next(), Some('s' | 'S')) && !after.next().is_some_and(char::is_alphanumeric)
}

fn gap_flag(c: char) -> u8 {
    match c {
        ' ' | '\t' | '\u{A0}' => gap::SPACE,
        ',' => gap::COMMA,
        '.' | '?' | '!' | ';' | ':' => gap::STOP,
        '-' | '_' => gap::DASH,
        '\n' | '\r' => gap::STOP | gap::OTHER,
        '$' | '€' | '£' | '¥' => gap::MONEY,
        _ => gap::OTHER,
    }
}

/// What a token is made of and how it is written.
fn looks(raw: &str) -> (Kind, Case) {
    if !raw.is_ascii() {
        return (kind_of(raw), case_of(raw));
    }
    let (mut digits, mut upper) = (0usize, 0usize);
    for b in raw.bytes() {
        digits = digits.saturating_add(usize::from(b.is_ascii_digit()));
        upper = upper.saturating_add(usize::from(b.is_ascii_uppercase()));
    }
    let kind = match digits {
        0 => Kind::Word,
        n if n == raw.len() => Kind::Digits,
        _ => Kind::Mixed,
    };
    // Without capitals nothing more is to be told.
    (kind, if upper == 0 { Case::Lower } else { case_of(raw) })
}

fn kind_of(raw: &str) -> Kind {
    let digits = raw.bytes().filter(u8::is_ascii_digit).count();
    if digits == raw.len() {
        Kind::Digits
    } else if digits > 0 {
        Kind::Mixed
    } else {
        Kind::Word
    }
}

fn case_of(raw: &str) -> Case {
    let mut letters = raw.chars().filter(|c| c.is_alphabetic());
    let Some(first) = letters.next() else { return Case::Lower };
    let (mut upper, mut lower) = (0usize, 0usize);
    for c in letters {
        if c.is_uppercase() { upper = upper.saturating_add(1) } else { lower = lower.saturating_add(1) }
    }
    match (first.is_uppercase(), upper, lower) {
        (false, 0, _) => Case::Lower,
        (true, 0, _) => Case::Title,
        (true, _, 0) => Case::Upper,
        _ => Case::Odd,
    }
}
