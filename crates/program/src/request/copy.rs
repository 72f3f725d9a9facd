//! The copy that a person gets: everything of that one person, and nothing of anyone else.
//!
//! Own turns stand in full. An agent's turns stand masked where the agent spoke with this person alone; what other people
//! said, and what agents said while others listened, is left out. A value in the person's own words that is somebody
//! else's, or may be, is left out until a human decides.

use super::{
    portable::{self, Portable},
    whose::{Left, same, speaks_of_another},
};
use crate::Error;
use callvault_model::{
    Interval,
    id::{ConversationId, SubjectRequestId},
};
use callvault_store::{
    Vault,
    export::{ExportConversation, ExportTurn, ExportValue, SubjectExport},
    requests::{RequestKind, RequestLaw},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Names the form of the copy.
pub const FORMAT: &str = "callvault-subject-copy/1";

/// What humans decided about single values: by conversation and token, whether it is in the copy.
#[derive(Debug, Default)]
pub struct Decisions {
    said: BTreeMap<(ConversationId, String), bool>,
    /// Portability is asked for, under a law that says what is portable.
    portable: bool,
}

impl Decisions {
    /// Those of a request.
    pub fn of(vault: &Vault, request: SubjectRequestId) -> Result<Self, Error> {
        let row = vault.subject_request(request)?;
        let items = vault.request_items(request)?.into_iter();
        Ok(Self {
            said: items
                .filter(|i| i.decision == "disclose" || i.decision == "withhold")
                .map(|i| ((i.conversation, i.part), i.decision == "disclose"))
                .collect(),
            // California's right of access is one of a portable copy; there is nothing to narrow.
            portable: row.kind == RequestKind::Portability
                && matches!(row.law, RequestLaw::Eu | RequestLaw::Uk),
        })
    }

    fn say(&self, id: ConversationId, token: Option<&str>) -> Option<bool> {
        self.said.get(&(id, token?.to_owned())).copied()
    }
}

/// The copy; names follow vCon (IETF vcon working group) where it has one.
#[derive(Serialize)]
pub struct Copy {
    /// Names the form.
    pub format: &'static str,
    /// RFC 3339.
    pub created_at: String,
    /// Who is asked.
    pub vault: String,
    /// Whom it is about.
    pub subject: About,
    /// Every conversation, oldest first.
    pub conversations: Vec<Talk>,
    /// Who was shown something of it.
    pub recipients: Vec<Told>,
    /// How long what is kept.
    pub retention: Vec<KeptFor>,
    /// Values that are left out.
    pub left_out: usize,
    /// What a reader has to know.
    pub notes: Vec<String>,
    /// What is left out of a copy that is to be carried away; absent in a copy of everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub portable: Option<Portable>,
}

/// The person.
#[derive(Serialize)]
pub struct About {
    /// The record's id.
    pub uuid: String,
    /// Also held under these records.
    pub also: Vec<String>,
    /// The part they play.
    pub role: String,
    /// Telephone numbers.
    pub tel: Vec<String>,
    /// E-mail addresses.
    pub mailto: Vec<String>,
    /// Names under which they took part.
    pub name: Vec<String>,
}

/// One conversation.
#[derive(Serialize)]
pub struct Talk {
    /// Its id.
    pub uuid: ConversationId,
    /// `voice`, `chat`, `email` or `sms`.
    pub channel: String,
    /// RFC 3339, if the source told it.
    pub start: Option<String>,
    /// When it came in, RFC 3339.
    pub received_at: String,
    /// Length of a recording in seconds.
    pub duration: f64,
    /// Where its work stands.
    pub state: String,
    /// Who took part; others by their part alone.
    pub parties: Vec<Party>,
    /// What was said.
    pub dialog: Vec<Said>,
    /// Hidden values of this person, or said to be.
    pub values: Vec<Value>,
    /// The file with the person's voice.
    pub recording: Option<String>,
    /// Parts of a message that nobody could search; they are given by hand.
    pub attachments: usize,
    /// Where else it lies, as far as is known.
    pub copies: Vec<Elsewhere>,
    /// What the recording is made from and without.
    #[serde(skip)]
    pub(super) sound: Option<Sound>,
}

/// One party.
#[derive(Serialize)]
pub struct Party {
    /// `agent`, `customer`, …
    pub role: String,
    /// It is the person who asked.
    pub you: bool,
}

/// One turn.
#[derive(Serialize)]
pub struct Said {
    /// Its place in the conversation.
    pub turn: u64,
    /// Index of the party.
    pub party: usize,
    /// Place in the recording, in milliseconds.
    pub start_ms: u64,
    /// Place in the recording, in milliseconds.
    pub end_ms: u64,
    /// The words; absent where they are another person's.
    pub body: Option<String>,
}

/// One hidden value.
#[derive(Serialize)]
pub struct Value {
    /// The turn it stands in.
    pub turn: u64,
    /// What it is.
    #[serde(rename = "type")]
    pub entity: String,
    /// The value; absent where it is left out.
    pub value: Option<String>,
    /// Why it is left out.
    pub left_out: Option<&'static str>,
    /// Name of its token, for decisions.
    #[serde(skip)]
    pub token: Option<String>,
}

/// Another place.
#[derive(Serialize)]
pub struct Elsewhere {
    /// `source file`, `source system`, `backups`.
    pub place: String,
    /// `destroyed`, `remains` or `unknown`.
    pub state: String,
}

/// One reading.
#[derive(Serialize)]
pub struct Told {
    /// RFC 3339.
    pub at: String,
    /// Which kind of reader; people who work here are not named.
    pub who: &'static str,
    /// What was done.
    pub act: String,
    /// What for.
    pub purpose: String,
    /// It was refused.
    pub refused: bool,
}

/// How long one class is kept.
#[derive(Serialize)]
pub struct KeptFor {
    /// What.
    pub class: String,
    /// On which channel.
    pub channel: String,
    /// Days after it was recorded; absent: until it is erased.
    pub days: Option<u32>,
}

/// What the recording of a copy is made from.
pub(super) struct Sound {
    /// The sealed original is opened; else the muted recording.
    pub original: bool,
    /// There is a muted recording to fall back on.
    pub muted: bool,
    /// Parties in all, and the person's places among them.
    pub parties: usize,
    pub own: BTreeSet<usize>,
    /// The person's turns.
    pub turns: Vec<Interval>,
    /// Others' turns with their place.
    pub others: Vec<(usize, Interval)>,
    /// What must be silent in them.
    pub silent: Vec<Interval>,
}

/// Makes the copy.
pub fn build(vault: &Vault, export: &SubjectExport, decisions: &Decisions) -> Result<Copy, Error> {
    let named = |field: &str| -> Vec<String> {
        let of = export.contacts.iter().filter(|(f, _)| f == field);
        of.map(|(_, v)| v.expose().clone()).collect()
    };
    let parties = export.conversations.iter().flat_map(|c| &c.parties);
    let names: BTreeSet<String> =
        parties.filter(|p| p.own).filter_map(|p| Some(p.name.as_ref()?.expose().clone())).collect();
    let own: Vec<String> = named("phone").into_iter().chain(named("email")).collect();
    let conversations: Vec<Talk> =
        export.conversations.iter().map(|c| talk(c, &own, &names, decisions)).collect();
    let left_out = conversations.iter().flat_map(|t| &t.values).filter(|v| v.value.is_none()).count();
    let mut copy = Copy {
        format: FORMAT,
        created_at: vault.clock().now().to_string(),
        vault: vault.id().to_string(),
        subject: About {
            uuid: export.subject.to_string(),
            also: export.records.iter().filter(|r| **r != export.subject).map(ToString::to_string).collect(),
            role: export.role.clone(),
            tel: named("phone"),
            mailto: named("email"),
            name: names.into_iter().collect(),
        },
        notes: Vec::new(),
        conversations,
        recipients: export.readers.iter().map(told).collect(),
        retention: vault
            .retention_rules()?
            .into_iter()
            .map(|r| KeptFor {
                class: r.class.as_str().into(),
                channel: r.channel.as_str().into(),
                days: r.days,
            })
            .collect(),
        left_out,
        portable: None,
    };
    if decisions.portable {
        portable::narrow(vault, &mut copy)?;
    }
    copy.notes = notes(export, &copy);
    Ok(copy)
}

fn told(r: &callvault_store::reading::ReaderRow) -> Told {
    let who = match r.actor.split_once(':') {
        Some(("account", _)) => "a member of staff",
        Some(("service", _)) => "a program with a key",
        _ if r.actor == "worker" => "the vault's own work",
        _ => "the operator of the machine",
    };
    Told {
        at: r.at.clone(),
        who,
        act: r.act.clone().unwrap_or_else(|| r.kind.clone()),
        purpose: r.purpose.clone().unwrap_or_default(),
        refused: r.kind == "access.denied",
    }
}

fn notes(export: &SubjectExport, copy: &Copy) -> Vec<String> {
    let (talks, left_out) = (&copy.conversations, copy.left_out);
    let words = match copy.portable {
        None => {
            "Your own words stand in full. Words of our staff stand with hidden values covered; words of other people are left out."
        }
        Some(_) => "Your own words stand in full; nobody else's are here.",
    };
    let mut out = vec![
        words.to_owned(),
        "Security codes of cards, PINs and data of magnetic stripes are never kept; they cannot be given.".to_owned(),
        "You may ask for correction, erasure or restriction, object to a use, and complain to the authority in charge.".to_owned(),
    ];
    if left_out > 0 {
        out.push(format!("{left_out} values are left out because they are, or may be, another person's, or are never kept. Ask us about them."));
    }
    if export.split_off > 0 {
        out.push(
            "Conversations that turned out to be another person's were separated from your record.".into(),
        );
    }
    let waiting = talks.iter().filter(|t| t.dialog.is_empty()).count();
    if waiting > 0 {
        out.push(format!("{waiting} conversations have no words here: they are not worked on yet, or their words are destroyed."));
    }
    if talks.iter().any(|t| t.attachments > 0) {
        out.push("Attachments of messages cannot be searched for other people's data by a program; ask us for them.".into());
    }
    out.extend(copy.portable.iter().flat_map(portable::notes));
    out.push(
        "Calls from unknown or withheld numbers cannot be told to be yours; name day and time, and we look."
            .into(),
    );
    out
}

fn talk(c: &ExportConversation, own: &[String], names: &BTreeSet<String>, decisions: &Decisions) -> Talk {
    let is_own = |t: &ExportTurn| c.parties.get(t.party).is_some_and(|p| p.own);
    let places: BTreeSet<usize> =
        c.parties.iter().enumerate().filter(|(_, p)| p.own).map(|(i, _)| i).collect();
    // Alone with agents: nobody else is spoken with. An agent who asks is never alone with agents.
    let alone = c.parties.iter().all(|p| p.own == (p.role != "agent"));
    let judged = judge(c, alone, own, names, decisions);
    let dialog = c
        .turns
        .iter()
        .map(|t| {
            let body = if is_own(t) || alone { Some(restored(t, &c.values, &judged)) } else { None };
            Said { turn: t.position, party: t.party, start_ms: t.start_ms, end_ms: t.end_ms, body }
        })
        .collect();
    let values = c
        .values
        .iter()
        .zip(&judged)
        .filter_map(|(v, j)| {
            let (value, left_out) = match j {
                Judged::Hidden => return None,
                Judged::Shown(text) => (Some((*text).to_owned()), None),
                Judged::Left(why) => (None, Some(why.as_str())),
            };
            Some(Value { turn: v.turn, entity: v.entity.clone(), value, left_out, token: v.token.clone() })
        })
        .collect();
    Talk {
        uuid: c.row.id,
        channel: c.row.channel.clone(),
        start: c.row.started_at.clone(),
        received_at: c.row.received_at.clone(),
        duration: c.row.duration_ms as f64 / 1000.0,
        state: c.row.state.as_str().to_owned(),
        parties: c.parties.iter().map(|p| Party { role: p.role.clone(), you: p.own }).collect(),
        dialog,
        values,
        recording: None,
        attachments: c.attachments,
        copies: c
            .copies
            .iter()
            .map(|k| Elsewhere { place: k.place.clone(), state: k.state.as_str().into() })
            .collect(),
        sound: sound(c, places, &judged),
    }
}

/// What becomes of one value.
enum Judged<'a> {
    /// It is in the copy.
    Shown(&'a str),
    /// It is left out, and the copy says so.
    Left(Left),
    /// It stands in words that are left out; the copy does not mention it.
    Hidden,
}

fn judge<'a>(
    c: &'a ExportConversation,
    alone: bool,
    own: &[String],
    names: &BTreeSet<String>,
    decisions: &Decisions,
) -> Vec<Judged<'a>> {
    let party_of =
        |turn: u64| c.turns.iter().find(|t| t.position == turn).and_then(|t| c.parties.get(t.party));
    let others: Vec<&str> = c
        .values
        .iter()
        .filter(|v| party_of(v.turn).is_some_and(|p| !p.own && p.role != "agent"))
        .filter_map(|v| Some(v.value.as_ref()?.expose().as_str()))
        .chain(
            c.parties
                .iter()
                .filter(|p| !p.own && p.role != "agent")
                .filter_map(|p| Some(p.name.as_ref()?.expose().as_str())),
        )
        .collect();
    let is_known = |text: &str| own.iter().chain(names).any(|o| same(o, text));
    let mut shown: Vec<&str> = Vec::new();
    let mut out: Vec<Judged<'a>> = Vec::with_capacity(c.values.len());
    for v in &c.values {
        let Some(party) = party_of(v.turn) else {
            out.push(Judged::Hidden);
            continue;
        };
        if !party.own {
            // Judged below, when all of the person's own values are known.
            out.push(Judged::Hidden);
            continue;
        }
        let Some(text) = v.value.as_ref().map(|t| t.expose().as_str()) else {
            out.push(Judged::Left(Left::NeverKept));
            continue;
        };
        let said = decisions.say(c.row.id, v.token.as_deref());
        let left = match said {
            Some(true) => None,
            Some(false) => Some(Left::Decided),
            None if is_known(text) => None,
            None if v.leads_elsewhere => Some(Left::OtherRecord),
            None if others.iter().any(|o| same(o, text)) => Some(Left::OtherParty),
            None if speaks_of_another(&before(c, v)) => Some(Left::SpokenOf),
            None => None,
        };
        match left {
            Some(why) => out.push(Judged::Left(why)),
            None => {
                shown.push(text);
                out.push(Judged::Shown(text));
            }
        }
    }
    if !alone {
        return out;
    }
    for (v, slot) in c.values.iter().zip(&mut out) {
        if party_of(v.turn).is_none_or(|p| p.own) {
            continue;
        }
        let Some(text) = v.value.as_ref().map(|t| t.expose().as_str()) else { continue };
        let known = is_known(text) || shown.iter().any(|s| same(s, text));
        *slot = match decisions.say(c.row.id, v.token.as_deref()) {
            Some(true) => Judged::Shown(text),
            Some(false) => Judged::Left(Left::Decided),
            None if known => Judged::Shown(text),
            None => Judged::Left(Left::OtherSide),
        };
    }
    out
}

/// The words of the turn that stand before a value; all of them where its place is not certain.
fn before(c: &ExportConversation, v: &ExportValue) -> String {
    let Some(turn) = c.turns.iter().find(|t| t.position == v.turn) else { return String::new() };
    let text = turn.text.expose();
    let of_turn: Vec<&ExportValue> = c.values.iter().filter(|w| w.turn == v.turn).collect();
    let labels = labels(text);
    let rank = of_turn.iter().position(|w| w.position == v.position);
    match rank.and_then(|r| labels.get(r)) {
        Some((start, _, name)) if certain(&labels, &of_turn) && *name == v.entity => {
            text.get(..*start).unwrap_or_default().to_owned()
        }
        _ => text.replace(['.', '?', '!'], " "),
    }
}

/// Places and names of the labels in a masked text.
fn labels(text: &str) -> Vec<(usize, usize, &str)> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|t| t.find('[')).map(|i| at + i) {
        let Some(close) = text.get(open..).and_then(|t| t.find(']')).map(|i| open + i) else { break };
        let name = text.get(open + 1..close).unwrap_or_default();
        let label = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        if label && name != "UNVERIFIED" {
            out.push((open, close + 1, name));
        }
        at = close + 1;
    }
    out
}

/// Whether each label stands for the value at its place in the list.
fn certain(labels: &[(usize, usize, &str)], values: &[&ExportValue]) -> bool {
    labels.len() == values.len() && labels.iter().zip(values).all(|((.., name), v)| *name == v.entity)
}

/// A masked text with what may be shown put back, where it is certain which label stands for it.
fn restored(turn: &ExportTurn, values: &[ExportValue], judged: &[Judged<'_>]) -> String {
    let text = turn.text.expose();
    let (of_turn, said): (Vec<&ExportValue>, Vec<&Judged<'_>>) =
        values.iter().zip(judged).filter(|(v, _)| v.turn == turn.position).unzip();
    let labels = labels(text);
    if !certain(&labels, &of_turn) {
        return text.clone();
    }
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for ((start, end, name), (v, j)) in labels.iter().zip(of_turn.iter().zip(said)) {
        out.push_str(text.get(at..*start).unwrap_or_default());
        // A value that was said in pieces stands whole at the first of them.
        let first = values.iter().find(|w| w.token.is_some() && w.token == v.token);
        let again = first.is_some_and(|f| f.position != v.position);
        match j {
            Judged::Shown(_) if again => out.push('…'),
            Judged::Shown(value) => out.push_str(value),
            _ => out.push_str(&format!("[{name}]")),
        }
        at = *end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn sound(c: &ExportConversation, own: BTreeSet<usize>, judged: &[Judged<'_>]) -> Option<Sound> {
    if c.row.channel != "voice" || !(c.has_original || c.has_muted) {
        return None;
    }
    let span = |t: &ExportTurn| Interval::new(t.start_ms, t.end_ms);
    let (mine, theirs): (Vec<&ExportTurn>, Vec<&ExportTurn>) =
        c.turns.iter().partition(|t| own.contains(&t.party));
    if mine.is_empty() {
        return None;
    }
    let left = c.values.iter().zip(judged).filter(|(_, j)| !matches!(j, Judged::Shown(_)));
    Some(Sound {
        original: c.has_original,
        muted: c.has_muted,
        parties: c.parties.len(),
        turns: mine.iter().map(|t| span(t)).collect(),
        others: theirs.iter().map(|t| (t.party, span(t))).collect(),
        silent: left.map(|(v, _)| Interval::new(v.start_ms, v.end_ms)).collect(),
        own,
    })
}
