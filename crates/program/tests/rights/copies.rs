//! The copy holds everything of one person over four channels and nothing of anyone else.

use crate::world::{BY, Spoilt, World, account, agent, customer, line, name, phone, words, world};
use callvault_model::{Channel, EntityType as E, id::ConversationId};
use callvault_store::requests::{Coded, Exemption, ItemDecision, RequestKind};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const CHANNELS: [Channel; 4] = [Channel::Voice, Channel::Chat, Channel::Email, Channel::Sms];

/// One conversation of a random world.
#[derive(Debug, Clone)]
struct Plot {
    channel: usize,
    mono: bool,
    /// Who calls, and whom else is on the line.
    caller: usize,
    other: Option<usize>,
    /// The caller's number is withheld.
    withheld: bool,
    /// The caller speaks of somebody: of another known person's number, or of a relative's name.
    gossip: Option<usize>,
    relative: bool,
    agent_reads_back: bool,
}

fn plot() -> impl Strategy<Value = Plot> {
    (
        (0..4usize, any::<bool>(), 0..5usize, proptest::option::weighted(0.3, 0..5usize)),
        (
            proptest::bool::weighted(0.1),
            proptest::option::weighted(0.4, 0..5usize),
            any::<bool>(),
            any::<bool>(),
        ),
    )
        .prop_map(|((channel, mono, caller, other), (withheld, gossip, relative, agent_reads_back))| {
            Plot {
                channel,
                mono,
                caller,
                other: other.filter(|o| *o != caller),
                withheld,
                gossip: gossip.filter(|g| *g != caller),
                relative,
                agent_reads_back,
            }
        })
}

/// What must and what must not be in the copy of each person.
#[derive(Default)]
struct Truth {
    own: Vec<BTreeSet<String>>,
    /// Belongs to nobody who could ask: relatives, and callers that cannot be told.
    nobody: BTreeSet<String>,
    /// What an agent said to two people at once.
    overheard: Vec<(String, [usize; 2])>,
    /// Conversation and person, for splits.
    talks: Vec<(ConversationId, usize)>,
}

fn play(w: &mut World, plots: &[Plot]) -> Truth {
    let mut t = Truth { own: vec![BTreeSet::new(); 5], ..Truth::default() };
    for (n, p) in plots.iter().enumerate() {
        let says = |who: usize| format!("marker{n}x{who}q");
        let mut parties =
            vec![customer((!p.withheld).then(|| phone(p.caller)), Some(name(p.caller))), agent()];
        let card = format!("{}", 900_000_000 + n * 7_919 + p.caller);
        let mut lines = vec![
            line(0, format!("{} my account is {{}}", says(p.caller)), &[(E::AccountId, &account(p.caller))]),
            line(0, "and the reference is {}", &[(E::MemberId, &card)]),
        ];
        let mine = [says(p.caller), account(p.caller), card.clone()];
        if p.withheld {
            t.nobody.extend([says(p.caller), card.clone()]);
        } else {
            t.own[p.caller].extend(mine);
        }
        if let Some(g) = p.gossip {
            lines.push(line(0, "the landlord can be reached under {}", &[(E::PhoneNumber, &phone(g))]));
        }
        if p.relative {
            let relative = format!("Zebulon Kinsman{n}");
            lines.push(line(0, "it was my husband {} who called", &[(E::Person, &relative)]));
            t.nobody.insert(relative);
        }
        if p.agent_reads_back {
            lines.push(line(1, "so that is {}", &[(E::AccountId, &account(p.caller))]));
        }
        if let Some(o) = p.other {
            parties.push(customer(Some(phone(o)), Some(name(o))));
            lines.push(line(2, format!("{} mine is {{}}", says(o)), &[(E::AccountId, &account(o))]));
            lines.push(line(1, format!("agent{n}shared thank you"), &[]));
            t.own[o].extend([says(o), account(o)]);
            t.overheard.push((format!("agent{n}shared"), [p.caller, o]));
        }
        let id = w.talk(CHANNELS[p.channel], parties, &lines, p.mono);
        if !p.withheld {
            t.talks.push((id, p.caller));
        }
    }
    t
}

/// Values that must not be in the copy of `who`, whatever they said.
fn of_others(t: &Truth, group: &[usize]) -> Vec<String> {
    let mine: BTreeSet<&String> = group.iter().flat_map(|g| &t.own[*g]).collect();
    (0..5)
        .filter(|o| !group.contains(o))
        .flat_map(|o| {
            let digits: String = phone(o).chars().filter(char::is_ascii_digit).skip(1).collect();
            t.own[o].iter().cloned().chain([digits, phone(o), name(o)])
        })
        .chain(t.nobody.iter().cloned())
        // Two records that turned out to be one person: nobody else listened.
        .chain(
            t.overheard
                .iter()
                .filter(|(_, two)| !two.iter().all(|o| group.contains(o)))
                .map(|(m, _)| m.clone()),
        )
        .filter(|v| !mine.contains(v))
        .collect()
}

fn check(w: &World, t: &Truth, group: &[usize]) -> Result<(), TestCaseError> {
    // Somebody whose own number was always withheld has no record to ask about.
    let Some(subject) = w.vault.find_by_contact(&BY, &phone(group[0])).unwrap() else { return Ok(()) };
    let request = w.request(RequestKind::Access, w.vault.living_record(subject).unwrap());
    let text = words(&w.copy(request));
    for g in group {
        for own in &t.own[*g] {
            prop_assert!(text.contains(own.as_str()), "{own} of {g} is missing");
        }
    }
    for other in of_others(t, group) {
        // Nine digits of an account can stand in nothing else of this world.
        prop_assert!(!text.contains(&other), "{other} is not of {group:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_copy_holds_all_of_one_person_and_nothing_of_anyone_else(
        plots in proptest::collection::vec(plot(), 4..9),
        merge in proptest::option::weighted(0.5, (0..5usize, 0..5usize)),
    ) {
        let mut w = world();
        let mut t = play(&mut w, &plots);
        let mut groups: Vec<Vec<usize>> = (0..5).map(|i| vec![i]).collect();
        if let Some((a, b)) = merge.filter(|(a, b)| a != b) {
            let found = |n| w.vault.find_by_contact(&BY, &phone(n)).unwrap();
            if let (Some(from), Some(into)) = (found(a), found(b)) {
                w.vault.merge_subjects(&BY, from, into, "the same person").unwrap();
                groups.retain(|g| g[0] != a && g[0] != b);
                groups.push(vec![b, a]);
            }
        } else if let Some((id, who)) = t.talks.first().copied() {
            // Split off: from now on it is nobody's who can be named.
            let subject = w.at(&phone(who));
            w.vault.split_subject(&BY, subject, &[id], "another person used the line").unwrap();
            let n = 0;
            let marker = format!("marker{n}x{who}q");
            if plots[0].caller == who && !plots[0].withheld {
                t.own[who].remove(&marker);
                let card = format!("{}", 900_000_000 + who);
                t.own[who].remove(&card);
                t.nobody.extend([marker, card]);
                if !plots.iter().enumerate().any(|(i, p)| {
                    (i > 0 && p.caller == who && !p.withheld) || p.other == Some(who)
                }) {
                    t.own[who].clear();
                }
            } else {
                return Ok(());
            }
        }
        for group in &groups {
            check(&w, &t, group)?;
        }
        w.verify();
    }
}

#[test]
fn four_channels_come_together_and_own_words_stand_in_full() {
    let mut w = world();
    for (n, channel) in CHANNELS.into_iter().enumerate() {
        let lines = [
            line(
                0,
                format!("word{n} I am {{}} account {{}} code {{}}"),
                &[(E::Person, &name(1)), (E::AccountId, &account(1)), (E::Cvv, "seven three seven")],
            ),
            line(
                1,
                format!("agent{n} thank you {{}} for {{}}"),
                &[(E::Person, &name(1)), (E::AccountId, "555111222")],
            ),
        ];
        w.talk(channel, vec![customer(Some(phone(1)), Some(name(1))), agent()], &lines, false);
    }
    let request = w.request(RequestKind::Access, w.at(&phone(1)));
    let files = w.copy(request);
    let text = words(&files);
    let json: serde_json::Value = serde_json::from_slice(&files["copy.json"]).unwrap();
    assert_eq!(json["conversations"].as_array().unwrap().len(), 4);
    for n in 0..4 {
        assert!(text.contains(&format!("word{n} I am {} account {} code [CVV]", name(1), account(1))));
        // The read-back is the person's own; what only the agent said waits for a human.
        assert!(text.contains(&format!("agent{n} thank you {} for [ACCOUNT_ID]", name(1))));
    }
    assert!(!text.contains("seven three seven") && !text.contains("555111222"));
    let left: Vec<&str> = json["conversations"][0]["values"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|v| v["left_out"].as_str())
        .collect();
    assert_eq!(left, ["never_kept", "other_side"]);
    assert_eq!(json["subject"]["tel"][0], "2025550101");
}

#[test]
fn a_human_decides_value_by_value() {
    let mut w = world();
    let lines = [
        line(0, "my husband {} pays with {}", &[(E::Person, "Zebulon Kinsman"), (E::AccountId, &account(2))]),
        line(1, "your customer number is {}", &[(E::MemberId, "881122334")]),
    ];
    let id = w.talk(Channel::Chat, vec![customer(Some(phone(2)), None), agent()], &lines, false);
    let request = w.request(RequestKind::Access, w.at(&phone(2)));
    let before = words(&w.copy(request));
    assert!(!before.contains("Zebulon") && !before.contains("881122334"));
    let export = w.vault.export_for_request(&BY, request).unwrap();
    let token = |entity: &str| {
        let v = export.conversations[0].values.iter().find(|v| v.entity == entity).unwrap();
        v.token.clone().unwrap()
    };
    let decide = |entity: &str, d| w.vault.decide_item(&BY, request, id, &token(entity), &d).unwrap();
    decide("MEMBER_ID", ItemDecision::Disclose);
    decide("ACCOUNT_ID", ItemDecision::Withhold(Exemption::OtherPerson));
    let after = words(&w.copy(request));
    assert!(after.contains("your customer number is 881122334"));
    assert!(!after.contains(&account(2)) && !after.contains("Zebulon"));
    decide("ACCOUNT_ID", ItemDecision::Disclose);
    decide("MEMBER_ID", ItemDecision::Rule);
    let last = words(&w.copy(request));
    assert!(last.contains(&account(2)) && !last.contains("881122334"));
    assert_eq!(Exemption::parse("other_person"), Some(Exemption::OtherPerson));
}

/// Whether any sample of a channel sounds between two times.
fn sounds(wav: &[u8], channel: usize, from_ms: usize, to_ms: usize) -> bool {
    let channels = usize::from(u16::from_le_bytes([wav[22], wav[23]]));
    let data = wav.windows(4).position(|x| x == b"data").unwrap() + 8;
    (from_ms * 8..to_ms * 8).any(|n| {
        let at = data + 2 * (n * channels + channel);
        i16::from_le_bytes([wav[at], wav[at + 1]]) != 0
    })
}

fn spoken(mono: bool, third: bool) -> Vec<u8> {
    let mut w = world();
    let mut lines = vec![
        line(0, "my account is {}", &[(E::AccountId, &account(3))]),
        line(1, "thank you {}", &[(E::AccountId, &account(3))]),
        line(0, "my husband is {}", &[(E::Person, "Zebulon Kinsman")]),
    ];
    let mut parties = vec![customer(Some(phone(3)), None), agent()];
    if third {
        parties.push(customer(Some(phone(4)), None));
        lines.push(line(2, "and I am here, too", &[]));
    }
    let id = w.talk(Channel::Voice, parties, &lines, mono);
    let request = w.request(RequestKind::Access, w.at(&phone(3)));
    w.copy(request).remove(&format!("audio/{id}.wav")).expect("the voice of the person")
}

#[test]
fn only_the_persons_own_voice_can_be_heard_and_what_is_left_out_is_silent_in_it() {
    for third in [false, true] {
        let wav = spoken(false, third);
        assert!(sounds(&wav, 0, 100, 800), "the own turn with the own account number");
        assert!(sounds(&wav, 0, 410, 590), "the own value");
        assert!(!sounds(&wav, 0, 2_400, 2_600), "the husband's name");
        assert!(!sounds(&wav, 0, 1_200, 1_700), "nothing of the own line while the agent speaks");
        for channel in 1..if third { 3 } else { 2 } {
            assert!(!sounds(&wav, channel, 0, 3_500), "channel {channel}");
        }
        let wav = spoken(true, third);
        assert!(sounds(&wav, 0, 100, 800));
        assert!(!sounds(&wav, 0, 1_200, 1_700) && !sounds(&wav, 0, 3_200, 3_800));
        assert!(!sounds(&wav, 0, 2_400, 2_600));
    }
}

/// What is away is waited for; what is lost or damaged is left out, and the copy says so.
#[test]
fn a_copy_waits_for_a_recording_that_is_away_and_says_which_are_lost_or_damaged() {
    for how in Spoilt::ALL {
        let mut w = world();
        let parties = vec![customer(Some(phone(1)), None), agent()];
        w.talk(Channel::Voice, parties, &[line(0, "hello", &[])], false);
        let request = w.request(RequestKind::Access, w.at(&phone(1)));
        let recordings =
            |files: &BTreeMap<String, Vec<u8>>| files.keys().filter(|f| f.starts_with("audio/")).count();
        let spoilt = w.spoil(how);
        if how == Spoilt::Away {
            assert!(w.try_copy(request).is_err());
            spoilt.bring_back();
            assert_eq!(recordings(&w.copy(request)), 1);
        } else {
            let files = w.copy(request);
            assert_eq!(recordings(&files), 0, "{how:?}");
            assert!(words(&files).contains("1 recordings cannot be read"), "{how:?}");
        }
    }
}

#[test]
fn what_is_carried_away_is_what_the_person_gave_by_consent_or_contract() {
    let mut w = world();
    let lines = |n: usize| {
        [
            line(0, format!("mine{n}word my account is {{}}"), &[(E::AccountId, &account(n))]),
            line(1, format!("staff{n}word noted {{}}"), &[(E::AccountId, &account(n))]),
        ]
    };
    for (n, channel) in CHANNELS.into_iter().enumerate() {
        w.talk(channel, vec![customer(Some(phone(1)), Some(name(1))), agent()], &lines(n), false);
    }
    let set = |channel, basis| {
        w.vault.set_processing(&BY, channel, &["quality".to_owned()], basis, "").unwrap();
    };
    set(Channel::Voice, "contract");
    set(Channel::Chat, "legitimate_interests");
    set(Channel::Email, "consent");
    let one = w.at(&phone(1));
    let files = w.copy(w.request(RequestKind::Portability, one));
    let text = words(&files);
    let copy: serde_json::Value = serde_json::from_slice(&files["copy.json"]).unwrap();
    let channels: Vec<&str> =
        copy["conversations"].as_array().unwrap().iter().map(|c| c["channel"].as_str().unwrap()).collect();
    assert_eq!(channels, ["voice", "email"]);
    for there in ["mine0word", "mine2word", &account(0), &account(2)] {
        assert!(text.contains(there), "{there}");
    }
    for not in
        ["mine1word", "mine3word", "staff", &account(1), &account(3), "Who was shown", "How long it is kept"]
    {
        assert!(!text.contains(not), "{not}");
    }
    assert!(
        copy["recipients"].as_array().unwrap().is_empty() && copy["retention"].as_array().unwrap().is_empty()
    );
    assert_eq!(files.keys().filter(|f| f.starts_with("audio/")).count(), 1);
    let left = copy["portable"]["left_out"].as_array().unwrap();
    let of = |n: usize| (left[n]["channel"].as_str().unwrap(), left[n]["reason"].as_str().unwrap());
    assert_eq!((left.len(), of(0), of(1)), (2, ("chat", "art20.1.a"), ("sms", "art20.1.a.unknown")));
    assert!(left.iter().all(|l| l["cite"][0].as_str().unwrap().contains("20(1)(a)")));
    assert!(text.contains("no lawful basis is written down") && text.contains("not legal advice"));
    // Access holds all of it.
    let all = words(&w.copy(w.request(RequestKind::Access, one)));
    for there in ["mine1word", "mine3word", "staff0word", "Who was shown"] {
        assert!(all.contains(there), "{there}");
    }
    assert!(!all.contains("not_portable") && !all.contains("\"portable\""));
}
