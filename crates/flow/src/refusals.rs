//! Wishes to hear no more that a conversation holds, on every channel: found in the words as they were said, before they
//! are masked, and filed in the command that records the conversation.

use crate::Error;
use callvault_law::{Medium, Overlay, Packs, refusal};
use callvault_model::{Channel, Turn};
use callvault_store::opt_out::Heard;
use std::sync::LazyLock;

/// Most wishes that are filed from one conversation; the first says it all.
const MAX: usize = 20;

static PACKS: LazyLock<Option<Packs>> = LazyLock::new(|| Packs::embedded(Overlay::default()).ok());

/// The wishes in these turns. Whose turn it was decides the vault, which knows the roles.
pub(crate) fn heard(channel: Channel, turns: &[Turn]) -> Result<Vec<Heard>, Error> {
    let packs = PACKS.as_ref().ok_or(Error::Source {
        what: "the rules of law that ship with this program are damaged".into(),
        cure: "install it again; a wish to hear no more would be missed",
    })?;
    // The words decide, not the day: no row about withdrawals is scheduled.
    let as_of = jiff::Timestamp::MAX;
    if channel == Channel::Email {
        return Ok(letter(packs, turns, as_of));
    }
    let medium = if channel == Channel::Sms { Medium::Message } else { Medium::Talk };
    let found = turns.iter().enumerate().filter_map(|(i, turn)| {
        let r = refusal(packs, &turn.text, medium, as_of)?;
        Some(Heard { turn: i, party: turn.party, how: r.how, rule: r.source.rule, certain: r.certain })
    });
    let mut all: Vec<Heard> = found.collect();
    // A doubt beside a certain wish of the same person adds nothing.
    let sure: Vec<usize> = all.iter().filter(|h| h.certain).map(|h| h.party).collect();
    all.retain(|h| h.certain || !sure.contains(&h.party));
    let mut seen = Vec::new();
    all.retain(|h| {
        let first = !seen.contains(&h.party);
        seen.push(h.party);
        first
    });
    all.truncate(MAX);
    Ok(all)
}

/// A letter is judged as one text, for it says where older mail begins.
fn letter(packs: &Packs, turns: &[Turn], as_of: jiff::Timestamp) -> Vec<Heard> {
    let text = turns.iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join("\n");
    let Some(r) = refusal(packs, &text, Medium::Letter, as_of) else { return Vec::new() };
    let alone = |t: &Turn| refusal(packs, &t.text, Medium::Letter, as_of).is_some();
    let turn = turns.iter().position(alone).unwrap_or(0);
    let party = turns.get(turn).map_or(0, |t| t.party);
    vec![Heard { turn, party, how: r.how, rule: r.source.rule, certain: r.certain }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn how(channel: Channel, lines: &[(usize, &str)]) -> Vec<(usize, &'static str, bool)> {
        let turns: Vec<Turn> = lines.iter().map(|(party, text)| Turn::typed(*party, *text)).collect();
        heard(channel, &turns).unwrap().into_iter().map(|h| (h.turn, h.how, h.certain)).collect()
    }

    #[test]
    fn each_channel_has_its_own_ear() {
        assert_eq!(how(Channel::Sms, &[(1, "Sale today!"), (0, "STOP")]), [(1, "keyword", true)]);
        assert_eq!(how(Channel::Voice, &[(0, "please stop the payment"), (0, "stop")]), []);
        let call = [(0, "who is this"), (1, "Acme, we have an offer"), (0, "don't call me again")];
        assert_eq!(how(Channel::Voice, &call), [(2, "phrase", true)]);
        assert_eq!(how(Channel::Chat, &[(0, "take me off your list"), (0, "stop calling me")]).len(), 1);
        assert_eq!(how(Channel::Sms, &[(0, "please don't stop")]), []);
        assert_eq!(how(Channel::Sms, &[(0, "who is this?")]), [(0, "doubtful", false)]);
        assert_eq!(how(Channel::Sms, &[(0, "who is this?"), (0, "STOP")]), [(1, "keyword", true)]);
        let mail = [(0, "Your invoice"), (0, "Hello,"), (0, "UNSUBSCRIBE"), (0, "Dana")];
        assert_eq!(how(Channel::Email, &mail), [(2, "keyword", true)]);
        let quoted = [(0, "Thanks!"), (0, "On Monday Acme wrote:"), (0, "Unsubscribe"), (0, "> STOP")];
        assert_eq!(how(Channel::Email, &quoted), []);
    }
}
