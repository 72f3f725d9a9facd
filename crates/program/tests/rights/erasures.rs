//! After an erasure nothing of the person can be read or found, and the receipt says what remains and why.

use crate::world::{
    BY, Line, Spoilt, World, account, agent, customer, files_below, line, name, phone, words, world,
};
use base64::Engine;
use callvault_model::{
    Channel, EntityType as E,
    id::{ConversationId, SubjectId},
};
use callvault_program::request::{
    erase::{Turn, Wish, erase, go_on, go_on_in_turn},
    plan,
    receipt::Receipt,
};
use callvault_speech::decode::Limits;
use callvault_store::{
    Actor, HoldTarget,
    consent::{Detail, NewConsent, Proof},
    erase::ERASED_LABEL,
    requests::{Answer, Exemption, ItemDecision, RequestKind},
    retention::Class,
};

const CHANNELS: [Channel; 4] = [Channel::Voice, Channel::Chat, Channel::Email, Channel::Sms];

fn lines(who: usize) -> Vec<Line> {
    vec![
        line(0, format!("this is secretword{who} and my account is {{}}"), &[(E::AccountId, &account(who))]),
        line(1, "I noted {}", &[(E::AccountId, &account(who))]),
        line(1, format!("Missed by the machine: {}", account(who)), &[]),
        line(1, "anything else", &[]),
    ]
}

/// Person 1 on four channels, and one call with person 2.
fn cast(w: &mut World) -> Vec<ConversationId> {
    let mut ids: Vec<ConversationId> = CHANNELS
        .into_iter()
        .map(|c| w.talk(c, vec![customer(Some(phone(1)), Some(name(1))), agent()], &lines(1), false))
        .collect();
    let mut shared = lines(1);
    shared.push(line(2, "otherword and mine is {}", &[(E::AccountId, &account(2))]));
    shared.push(line(1, "yours is {}", &[(E::AccountId, &account(2))]));
    let parties =
        vec![customer(Some(phone(1)), Some(name(1))), agent(), customer(Some(phone(2)), Some(name(2)))];
    ids.push(w.talk(Channel::Voice, parties, &shared, false));
    ids
}

fn wish(subject: SubjectId) -> Wish {
    Wish { subject, request: None, agreed: None, suppress: false, reason: None }
}

fn text(w: &World, id: ConversationId) -> String {
    w.vault.masked(id).unwrap().turns.iter().map(|t| t.text.clone()).collect()
}

fn go(w: &World, wish: Wish) -> Receipt {
    erase(&w.vault, &w.packs, &Limits::default(), &BY, wish).unwrap()
}

/// The forms in which a value could lie on the disk.
fn forms(value: &str) -> Vec<Vec<u8>> {
    const DIGITS: [&str; 10] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let mut texts = vec![value.to_owned(), value.to_lowercase()];
    if digits.len() >= 6 {
        let said: Vec<&str> = digits.bytes().map(|d| DIGITS[usize::from(d - b'0')]).collect();
        texts.extend([said.join(" "), digits]);
    }
    let mut out = Vec::new();
    for text in texts {
        out.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        out.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        // Base64 of a value depends on where it begins: the characters made of its bits alone, for each alignment.
        for lead in 0..3 {
            let padded = [vec![b'x'; lead], text.clone().into_bytes()].concat();
            let coded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&padded);
            let own = coded.get((8 * lead).div_ceil(6)..padded.len() * 8 / 6).unwrap_or_default();
            if own.len() >= 8 {
                out.push(own.as_bytes().to_vec());
            }
        }
        out.push(text.into_bytes());
    }
    out
}

fn found_on_disk(w: &World, value: &str) -> Option<String> {
    let mut all = Vec::new();
    files_below(w.vault.dir(), &mut all);
    assert!(all.iter().any(|p| p.ends_with("vault.db")));
    for path in all {
        let bytes = std::fs::read(&path).unwrap();
        for form in forms(value) {
            if bytes.windows(form.len()).any(|x| x == form) {
                return Some(format!("{value} in {}", path.display()));
            }
        }
    }
    None
}

#[test]
fn the_search_of_the_disk_finds_what_is_there() {
    let w = world();
    for (n, text) in
        ["700401471", "seven zero zero four zero one four seven one", "NzAwNDAxNDcx"].iter().enumerate()
    {
        let path = w.vault.dir().join(format!("planted-{n}"));
        std::fs::write(&path, text).unwrap();
        assert!(found_on_disk(&w, "700401471").is_some(), "{text}");
        callvault_seal::files::unlink(&path, "planted by this test").unwrap();
    }
    assert_eq!(found_on_disk(&w, "700401471"), None);
}

#[test]
fn nothing_of_an_erased_person_is_left_and_everything_of_the_other_is() {
    let mut w = world();
    let ids = cast(&mut w);
    let (one, two) = (w.at(&phone(1)), w.at(&phone(2)));
    let asked = w.request(RequestKind::Access, two);
    let other_before: serde_json::Value = serde_json::from_slice(&w.copy(asked)["copy.json"]).unwrap();
    let blobs_before = std::fs::read_dir(w.vault.blobs()).unwrap().count();
    let request = w.request(RequestKind::Erasure, one);
    let receipt = go(&w, Wish { request: Some(request), suppress: true, ..wish(one) });
    assert_eq!(receipt.statement.title, "Person erased");
    assert!(receipt.statement.items.iter().all(|i| i.kept.is_none()));
    assert_eq!(receipt.statement.contacts, 1);
    // Not by any way of reading.
    for id in &ids {
        let seen = w.vault.masked(*id).unwrap();
        let text: String = seen.turns.iter().map(|t| t.text.as_str()).collect();
        assert!(!text.contains("secretword") && !text.contains(&account(1)), "{text}");
        assert!(seen.turns.iter().any(|t| t.text == ERASED_LABEL), "the missed read-back is covered");
        assert!(w.vault.original(*id).is_err() && w.vault.source_name(*id).unwrap().is_empty());
    }
    assert_eq!(w.vault.find_by_contact(&BY, &phone(1)).unwrap(), None);
    assert!(w.vault.export_for_request(&BY, request).is_err());
    assert!(w.vault.subject_request(request).unwrap().note.is_empty(), "notes go with the person");
    // Not on the disk.
    for value in
        [account(1), phone(1), name(1), "secretword1".into(), "wrote from the address on file".into()]
    {
        assert_eq!(found_on_disk(&w, &value), None);
    }
    assert!(std::fs::read_dir(w.vault.blobs()).unwrap().count() < blobs_before);
    // The other person has all that they had.
    let other: serde_json::Value = serde_json::from_slice(&w.copy(asked)["copy.json"]).unwrap();
    let own = |copy: &serde_json::Value| -> Vec<String> {
        let dialog = copy["conversations"][0]["dialog"].as_array().unwrap();
        dialog.iter().filter_map(|d| d["body"].as_str()).map(str::to_owned).collect()
    };
    assert_eq!(own(&other), own(&other_before));
    assert!(words(&w.copy(asked)).contains(&account(2)));
    // Honest about the rest.
    let remains: String = receipt.statement.remains.iter().map(|r| r.what.as_str()).collect();
    for what in ["do-not-contact list", "ledger", "backups", "record of the request"] {
        assert!(remains.contains(what), "{what}");
    }
    assert!(w.vault.suppression(&phone(1)).unwrap().is_some_and(|s| s.why == "erasure"));
    assert!(w.vault.suppression(&phone(2)).unwrap().is_none());
    receipt.verify(Some(w.vault.vkey())).unwrap();
    w.verify();
}

#[test]
fn a_receipt_that_was_altered_or_signed_by_another_does_not_hold() {
    let mut w = world();
    cast(&mut w);
    let receipt = go(&w, wish(w.at(&phone(1))));
    let text = serde_json::to_string(&receipt).unwrap();
    Receipt::parse(text.as_bytes()).unwrap().verify(None).unwrap();
    for (from, to) in [("Person erased", "Person erasex"), ("\"keys\":", "\"keys\":1")] {
        let altered = Receipt::parse(text.replacen(from, to, 1).as_bytes()).unwrap();
        assert!(altered.verify(None).is_err(), "{from}");
    }
    assert!(receipt.verify(Some(world().vault.vkey())).is_err());
    assert!(Receipt::parse(b"{}").is_err());
}

#[test]
fn a_voice_on_its_own_channel_falls_silent_and_mono_goes_whole() {
    let mut w = world();
    let parties = || vec![customer(Some(phone(1)), None), agent()];
    let (stereo, mono) = (
        w.talk(Channel::Voice, parties(), &lines(1), false),
        w.talk(Channel::Voice, parties(), &lines(1), true),
    );
    go(&w, wish(w.at(&phone(1))));
    assert!(!w.vault.has_muted_audio(mono).unwrap());
    let mut sound = Vec::new();
    std::io::Read::read_to_end(&mut w.vault.redacted_audio(stereo).unwrap(), &mut sound).unwrap();
    let data = sound.windows(4).position(|x| x == b"data").unwrap() + 8;
    let loud = |channel: usize| {
        sound[data..].chunks_exact(4).any(|f| f[channel * 2] != 0 || f[channel * 2 + 1] != 0)
    };
    assert!(!loud(0), "the person's channel");
    assert!(loud(1), "the agent's channel stays");
}

/// A recording that cannot be read at the moment holds the voices of others; one that is lost or damaged holds nobody's.
#[test]
fn an_erasure_waits_for_a_recording_that_is_away_and_not_for_one_that_is_lost_or_damaged() {
    for how in Spoilt::ALL {
        let mut w = world();
        let id = w.talk(Channel::Voice, vec![customer(Some(phone(1)), None), agent()], &lines(1), false);
        let person = w.at(&phone(1));
        let spoilt = w.spoil(how);
        if how == Spoilt::Away {
            assert!(erase(&w.vault, &w.packs, &Limits::default(), &BY, wish(person)).is_err());
            assert!(w.vault.has_muted_audio(id).unwrap() && text(&w, id).contains("secretword1"));
            spoilt.bring_back();
        }
        go(&w, wish(person));
        assert_eq!(w.vault.has_muted_audio(id).unwrap(), how == Spoilt::Away, "{how:?}");
        assert!(!text(&w, id).contains("secretword1"), "{how:?}");
    }
}

#[test]
fn what_is_held_is_refused_with_the_reason_and_erased_when_the_hold_is_over() {
    let mut w = world();
    let ids = cast(&mut w);
    let one = w.at(&phone(1));
    let review = "2027-01-01T00:00:00Z".parse().unwrap();
    let hold = w.vault.place_hold(&BY, HoldTarget::Conversation(ids[1]), "claim 7", review).unwrap();
    w.vault.mark_must_keep(&BY, ids[2], "contract by mail").unwrap();
    let receipt = go(&w, wish(one));
    assert!(receipt.statement.title.contains("in part"), "{}", receipt.statement.title);
    for item in &receipt.statement.items {
        let why = item.kept.as_ref().map(|k| k.code.as_str());
        let wanted = match item.conversation {
            id if id == ids[1] => Some("hold"),
            id if id == ids[2] => Some("must_keep"),
            _ => None,
        };
        assert_eq!(why, wanted, "{item:?}");
    }
    assert!(
        receipt
            .statement
            .remains
            .iter()
            .any(|r| r.why.contains("17(3)") && r.until.contains("hold is released"))
    );
    assert!(text(&w, ids[1]).contains("secretword1"), "held words can be read");
    assert!(!text(&w, ids[0]).contains("secretword1"));
    assert_eq!(w.at(&phone(1)), one, "whom it is about stays known as long as something stays");
    // A hold on the person keeps everything.
    w.vault.release_hold(&BY, hold).unwrap();
    w.vault.unmark_must_keep(&BY, ids[2]).unwrap();
    let receipt = go(&w, wish(one));
    assert_eq!(receipt.statement.title, "Person erased");
    assert!(!text(&w, ids[1]).contains("secretword1"));
    assert_eq!(found_on_disk(&w, &account(1)), None);
    w.verify();
}

#[test]
fn a_statutory_minimum_beats_the_wish_and_a_decision_keeps_with_its_rule() {
    let mut w = world();
    let ids = cast(&mut w);
    let one = w.at(&phone(1));
    w.vault.set_minimum(&BY, Class::Metadata, Channel::Voice, Some(("tcpa", "call_record"))).unwrap();
    let request = w.request(RequestKind::Erasure, one);
    w.vault
        .decide_item(&BY, request, ids[3], "transcript", &ItemDecision::Keep(Exemption::LegalClaim))
        .unwrap();
    let planned = plan::erasure(&w.vault, &w.packs, one, Some(request)).unwrap();
    assert!(
        planned.rows.iter().any(|r| r.rule == "retain.tsr.call" && !r.cite.is_empty() && !r.read.is_empty())
    );
    let receipt = go(&w, Wish { request: Some(request), ..wish(one) });
    let kept: Vec<(ConversationId, Class, String)> = receipt
        .statement
        .items
        .iter()
        .filter_map(|i| Some((i.conversation, i.class, i.kept.as_ref()?.rule.clone())))
        .collect();
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(kept.contains(&(ids[0], Class::Metadata, "retain.tsr.call".into())));
    assert!(kept.contains(&(ids[3], Class::Transcript, "exemption.legal_claim".into())));
    let minimum =
        receipt.statement.items.iter().find(|i| i.class == Class::Metadata && i.kept.is_some()).unwrap();
    assert!(minimum.kept.as_ref().unwrap().until.is_some());
    // Field by field: the fact of the call stays, its words and sound do not.
    let call = w.vault.masked(ids[0]).unwrap();
    assert!(call.row.started_at.is_some() && !call.turns.iter().any(|t| t.text.contains("secretword")));
    assert!(!w.vault.has_muted_audio(ids[3]).unwrap());
    assert!(w.vault.masked(ids[3]).unwrap().turns.iter().any(|t| t.text.contains("secretword1")));
    assert_eq!(w.vault.subject_requests(true).unwrap().len(), 1);
    receipt.verify(None).unwrap();
}

#[test]
fn merged_records_go_together_and_split_ones_stay() {
    let mut w = world();
    let ids = cast(&mut w);
    let (one, two) = (w.at(&phone(1)), w.at(&phone(2)));
    let extra = w.talk(Channel::Chat, vec![customer(Some(phone(5)), None), agent()], &lines(5), false);
    let five = w.at(&phone(5));
    w.vault.merge_subjects(&BY, five, one, "the same person").unwrap();
    let (_, apart) = w.vault.split_subject(&BY, one, &[ids[1]], "not this person").unwrap();
    let receipt = go(&w, wish(five));
    assert_eq!(receipt.statement.subject, one.to_string());
    assert_eq!(receipt.statement.records, [five.to_string()]);
    assert_eq!(receipt.statement.contacts, 2);
    assert!(!text(&w, extra).contains("secretword5") && text(&w, ids[1]).contains("secretword1"));
    assert_eq!(w.vault.find_by_contact(&BY, &phone(5)).unwrap(), None);
    assert!(w.vault.subjects().unwrap().iter().any(|s| s.id == apart && s.erased_at.is_none()));
    assert!(w.vault.subjects().unwrap().iter().any(|s| s.id == two && s.erased_at.is_none()));
    // The merge cannot be undone into somebody who is gone.
    let link = w.vault.subject_links(None).unwrap().into_iter().find(|l| l.kind == "merge").unwrap();
    assert!(w.vault.undo_link(&BY, link.id, "a mistake").is_err() && link.parties == 0);
    // The number begins anew.
    let again = w.talk(Channel::Chat, vec![customer(Some(phone(1)), None), agent()], &lines(1), false);
    assert_ne!(w.at(&phone(1)), one);
    assert!(text(&w, again).contains("secretword1"));
    w.verify();
}

fn sweep(w: &World) -> Vec<Receipt> {
    go_on(&w.vault, &w.packs, &Limits::default(), &Actor::Worker).unwrap()
}

#[test]
fn an_erasure_goes_on_by_itself_when_the_hold_is_lifted_and_when_the_minimum_is_over() {
    let mut w = world();
    let ids = cast(&mut w);
    let one = w.at(&phone(1));
    let review = w.vault.clock().now() + jiff::SignedDuration::from_hours(24 * 90);
    let hold = w.vault.place_hold(&BY, HoldTarget::Conversation(ids[1]), "claim 7", review).unwrap();
    w.vault.set_minimum(&BY, Class::Metadata, Channel::Voice, Some(("tcpa", "call_record"))).unwrap();
    let request = w.request(RequestKind::Erasure, one);
    let first = go(&w, Wish { request: Some(request), suppress: true, ..wish(one) });
    assert!(first.statement.title.contains("in part") && first.statement.continues.is_none());
    w.vault.answer_request(&BY, request, Answer::Partly).unwrap();
    w.vault.close_request(&BY, request).unwrap();
    assert!(sweep(&w).is_empty(), "nothing is over");
    // Who writes again is a customer again: nobody ordered that to be erased.
    let new = w.talk(Channel::Sms, vec![customer(Some(phone(1)), None), agent()], &lines(1), false);
    assert!(text(&w, ids[1]).contains("secretword1"));

    w.days_later(40);
    w.vault.release_hold(&BY, hold).unwrap();
    let second = sweep(&w);
    assert_eq!(second.len(), 1);
    let said = &second[0].statement;
    assert_eq!(said.continues.as_deref(), Some(first.statement.id.as_str()));
    assert_eq!(
        (said.request.clone(), said.approval.clone()),
        (Some(request.to_string()), first.statement.approval)
    );
    second[0].verify(Some(w.vault.vkey())).unwrap();
    assert!(!text(&w, ids[1]).contains("secretword1") && text(&w, new).contains("secretword1"));
    let why = |id: ConversationId, r: &Receipt| -> Vec<String> {
        let of = r.statement.items.iter().filter(|i| i.conversation == id);
        of.map(|i| i.kept.as_ref().map_or("erased", |k| k.code.as_str()).to_owned()).collect()
    };
    assert!(
        why(new, &second[0]).iter().all(|w| w == "later")
            && why(ids[1], &second[0]).iter().all(|w| w == "erased")
    );
    assert!(why(ids[0], &second[0]).contains(&"minimum".to_owned()));
    assert!(said.remains.iter().any(|r| r.why.starts_with("later") && r.until.contains("asks again")));
    assert!(sweep(&w).is_empty(), "once");

    w.days_later(5 * 366);
    let third = sweep(&w);
    assert_eq!(third.len(), 1);
    assert_eq!(third[0].statement.continues.as_deref(), Some(said.id.as_str()));
    assert!(why(ids[0], &third[0]).iter().all(|w| w == "erased"));
    assert!(w.vault.masked(ids[0]).unwrap().row.started_at.is_none());
    assert!(text(&w, new).contains("secretword1") && w.at(&phone(1)) == one);
    assert!(sweep(&w).is_empty() && w.vault.unfinished_erasures(None, 9).unwrap().is_empty());
    let entries = w.vault.entries(None, Some("subject.erased"), 10).unwrap();
    assert_eq!(entries.len(), 3);
    assert!(format!("{:?}", entries[0]).contains("continues"));
    assert_eq!(w.vault.erasure_receipts(Some(one)).unwrap().len(), 3);
    w.verify();
}

#[test]
fn the_last_step_of_an_erasure_takes_numbers_keys_and_words_off_the_disk() {
    let mut w = world();
    let ids = cast(&mut w);
    let one = w.at(&phone(1));
    let review = w.vault.clock().now() + jiff::SignedDuration::from_hours(24 * 90);
    let hold = w.vault.place_hold(&BY, HoldTarget::Subject(one), "claim 8", review).unwrap();
    go(&w, Wish { suppress: true, ..wish(one) });
    assert!(ids.iter().all(|id| text(&w, *id).contains("secretword1")));
    w.vault.release_hold(&BY, hold).unwrap();
    let last = sweep(&w);
    assert_eq!(last[0].statement.title, "Person erased");
    assert_eq!(last[0].statement.contacts, 1);
    assert_eq!(w.vault.find_by_contact(&BY, &phone(1)).unwrap(), None);
    for value in [account(1), phone(1), name(1), "secretword1".into()] {
        assert_eq!(found_on_disk(&w, &value), None);
    }
    assert!(w.vault.suppression(&phone(1)).unwrap().is_some());
    w.verify();
}

#[test]
fn the_receipt_names_the_consents_that_outlive_the_person_and_the_sweep_destroys_them_in_time() {
    let mut w = world();
    cast(&mut w);
    let one = w.at(&phone(1));
    let consent = NewConsent {
        contact: phone(1),
        channel: "any".into(),
        purpose: "marketing".into(),
        kind: "prior_express_written".into(),
        detail: Detail { seller: "Acme".into(), ..Detail::default() },
        proof: Proof::Record(b"a form with a signature".to_vec()),
        given: "2026-10-01".parse().unwrap(),
        expires: None,
    };
    let id = w.vault.record_consent(&BY, &consent).unwrap();
    w.vault.enter_opt_out(&BY, &phone(2), "somebody else").unwrap();
    let receipt = go(&w, wish(one));
    let of = receipt.statement.remains.iter().find(|r| r.what.contains(&id.to_string())).unwrap();
    assert!(
        of.what.contains("marketing") && of.what.contains("record") && of.why.contains("16 CFR 310.5"),
        "{of:?}"
    );
    let until: jiff::civil::Date = of.until.get(..10).unwrap().parse().unwrap();
    let today = jiff::tz::Offset::UTC.to_datetime(w.vault.clock().now()).date();
    assert_eq!(until.year(), today.year() + 5, "{of:?}");
    assert!(of.until.contains("destroyed"));
    assert!(
        !receipt.statement.remains.iter().any(|r| r.what.contains("wish(es)")),
        "that is somebody else's"
    );
    let left = w.vault.consents(None).unwrap();
    assert!(
        left[0].withdrawn_by.as_ref().unwrap().starts_with("erasure:"),
        "nobody is called on it any more"
    );
    w.days_later(5 * 365 - 10);
    sweep(&w);
    assert_eq!(w.vault.consents(None).unwrap().len(), 1);
    w.days_later(14);
    sweep(&w);
    assert!(w.vault.consents(None).unwrap().is_empty());
    assert_eq!(w.vault.entries(None, Some("retention.applied"), 10).unwrap().len(), 1);

    // A wish of one's own stays, and so says the receipt.
    let two = go(&w, wish(w.at(&phone(2))));
    assert!(two.statement.remains.iter().any(|r| r.what.starts_with("1 wish(es)")));
    let of = w.vault.contact_index(&phone(2)).unwrap().unwrap();
    assert!(w.vault.opted_out(&of).unwrap().is_some());
    w.verify();
}

#[test]
fn a_worker_plans_what_can_have_ended_and_every_other_erasure_once_an_hour() {
    let mut w = world();
    let ids = cast(&mut w);
    let (one, two) = (w.at(&phone(1)), w.at(&phone(2)));
    let review = w.vault.clock().now() + jiff::SignedDuration::from_hours(24 * 90);
    let hold = w.vault.place_hold(&BY, HoldTarget::Conversation(ids[1]), "claim 9", review).unwrap();
    w.vault.set_minimum(&BY, Class::Metadata, Channel::Voice, Some(("tcpa", "call_record"))).unwrap();
    go(&w, wish(one));
    go(&w, wish(two));
    let ripe = |w: &World, after| w.vault.ripe_erasures(after, 9).unwrap();
    let waiting = w.vault.unfinished_erasures(None, 9).unwrap();
    assert_eq!(waiting.len(), 2, "both have calls whose metadata a minimum keeps");
    assert!(ripe(&w, None).is_empty());
    let page = |after, n| w.vault.unfinished_erasures(after, n).unwrap();
    assert_eq!(page(None, 1), waiting[..1]);
    assert_eq!(page(Some(waiting[0].receipt), 9), waiting[1..]);
    assert!(page(Some(waiting[1].receipt), 9).is_empty());

    // The first round looks at all; for an hour, only what is ripe is looked at then.
    let mut turn = Turn::default();
    let mut round = |w: &World| {
        go_on_in_turn(&w.vault, &w.packs, &Limits::default(), &Actor::Worker, &mut turn).unwrap().len()
    };
    assert_eq!(round(&w), 0);
    w.vault.release_hold(&BY, hold).unwrap();
    assert_eq!(ripe(&w, None).iter().map(|e| e.subject).collect::<Vec<_>>(), [one]);
    assert_eq!((round(&w), round(&w)), (1, 0));
    assert!(ripe(&w, None).is_empty(), "what stays now is kept by the minimum alone");
    w.days_later(5 * 366);
    assert_eq!(ripe(&w, None).len(), 2);
    assert_eq!(ripe(&w, Some(waiting[1].receipt)).iter().map(|e| e.subject).collect::<Vec<_>>(), [one]);
    assert_eq!((round(&w), round(&w)), (2, 0));
    assert!(page(None, 9).is_empty());
    w.verify();
}

/// Changes the last byte of what is kept sealed of somebody's first value; doing it again puts it back.
fn spoil_or_mend(w: &World, of: SubjectId) {
    let db = rusqlite::Connection::open(w.vault.dir().join("vault.db")).unwrap();
    let sql = "SELECT k.id, k.sealed_value FROM token k JOIN party p ON p.id = k.party WHERE p.subject = ?1 ORDER BY k.id";
    let (id, mut sealed): (String, Vec<u8>) =
        db.query_row(sql, [of.as_bytes()], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
    *sealed.last_mut().unwrap() ^= 1;
    let n = db.execute("UPDATE token SET sealed_value = ?2 WHERE id = ?1", rusqlite::params![id, sealed]);
    assert_eq!(n.unwrap(), 1);
}

#[test]
fn one_erasure_that_is_refused_does_not_keep_those_made_together_with_it_waiting() {
    let mut w = world();
    let talk = |w: &mut World, n| {
        w.talk(Channel::Voice, vec![customer(Some(phone(n)), Some(name(n))), agent()], &lines(n), false)
    };
    let ids: Vec<ConversationId> = (6..9).map(|n| talk(&mut w, n)).collect();
    let who: Vec<SubjectId> = (6..9).map(|n| w.at(&phone(n))).collect();
    let review = w.vault.clock().now() + jiff::SignedDuration::from_hours(24 * 90);
    let holds: Vec<_> = who
        .iter()
        .map(|s| w.vault.place_hold(&BY, HoldTarget::Subject(*s), "claim 10", review).unwrap())
        .collect();
    who.iter().for_each(|s| drop(go(&w, wish(*s))));
    holds.iter().for_each(|h| w.vault.release_hold(&BY, *h).unwrap());
    assert_eq!(w.vault.ripe_erasures(None, 9).unwrap().len(), 3);

    spoil_or_mend(&w, who[1]);
    let refused = go_on(&w.vault, &w.packs, &Limits::default(), &Actor::Worker);
    assert!(refused.is_err(), "whoever asked is told");
    let said = |i: usize| text(&w, ids[i]).contains(&format!("secretword{}", i + 6));
    assert!(!said(0) && said(1) && !said(2));
    // The recordings that the refused command was to put in place are there for the next try.
    assert!(w.vault.has_muted_audio(ids[0]).unwrap() && w.vault.has_muted_audio(ids[2]).unwrap());
    for (n, subject) in [(6, who[0]), (8, who[2])] {
        let receipts = w.vault.erasure_receipts(Some(subject)).unwrap();
        assert!(receipts.len() == 2 && receipts.iter().all(|r| r.body.is_some()) && receipts[0].complete);
        for value in [account(n), phone(n), name(n)] {
            assert_eq!(found_on_disk(&w, &value), None);
        }
    }
    // Of the third nothing is gone, nothing is certified, and it still waits.
    assert_eq!(w.vault.erasure_receipts(Some(who[1])).unwrap().len(), 1);
    let waiting = w.vault.unfinished_erasures(None, 9).unwrap();
    assert_eq!(waiting.iter().map(|e| e.subject).collect::<Vec<_>>(), [who[1]]);
    assert_eq!(w.vault.entries(None, Some("subject.erased"), 10).unwrap().len(), 5);

    spoil_or_mend(&w, who[1]);
    let last = sweep(&w);
    assert_eq!(last.iter().map(|r| r.statement.subject.clone()).collect::<Vec<_>>(), [who[1].to_string()]);
    assert!(!text(&w, ids[1]).contains("secretword7") && sweep(&w).is_empty());
    w.verify();
}
