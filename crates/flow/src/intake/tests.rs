use super::*;
use crate::testing::{BY, Place, place, wav};
use callvault_store::{Error as StoreError, Refused};

const CHAT: &str = r#"{"channel":"chat","parties":[{"role":"customer","address":"+12025550142"},{"role":"agent"}],
    "turns":[{"party":0,"text":"My name is Agnes Tully and my card is 4242 4242 4242 4242."},{"party":1,"text":"Thank you."}]}"#;

fn send(p: &Place, channel: Channel, name: &str, bytes: &[u8]) -> Result<Vec<Outcome>, Error> {
    take(&p.vault, &p.tools(), &Limits::default(), channel, name, &Metadata::default(), &mut &*bytes)
}

fn one_id(outcomes: &[Outcome]) -> ConversationId {
    assert_eq!(outcomes.len(), 1);
    assert!(matches!(outcomes[0], Outcome::Recorded(_)), "{outcomes:?}");
    conversation(&outcomes[0])
}

fn upload(p: &Place, channel: Channel, bytes: &[u8], sidecar: Option<&str>) -> Result<Vec<Outcome>, Error> {
    let row = begin_upload(&p.vault, &BY, channel, bytes.len() as u64, "a-file", sidecar)?;
    let half = bytes.len() / 2;
    let mut at = 0;
    for part in [&bytes[..half], &bytes[half..]] {
        at = p.vault.append_part(&BY, row.id, at, part.len() as u64, &mut &*part)?;
    }
    finish_upload(&p.vault, &p.tools(), &Limits::default(), &BY, row.id)
}

#[test]
fn every_text_channel_goes_the_same_way_and_numbers_lead_to_one_person() {
    let p = place();
    let eml = "From: Agnes Tully <agnes@example.com>\r\nTo: care@example.org\r\nSubject: My card 4242 4242 4242 4242\r\n\r\n\
        My name is Agnes Tully.\r\n";
    let csv = "from,to,body,direction\n+1 202 555 0142,+12025550100,my name is Agnes Tully,inbound\n\
        2025550143,+12025550100,hello,inbound\n";
    let chat = one_id(&upload(&p, Channel::Chat, CHAT.as_bytes(), None).unwrap());
    let mail = one_id(&send(&p, Channel::Email, "m.eml", eml.as_bytes()).unwrap());
    let threads = upload(&p, Channel::Sms, csv.as_bytes(), None).unwrap();
    assert_eq!(threads.len(), 2);
    for id in [chat, mail, conversation(&threads[0])] {
        let masked = p.vault.masked(id).unwrap();
        let text: String = masked.turns.iter().map(|t| t.text.as_str()).collect();
        assert!(text.contains("[PERSON]") && !text.contains("Tully") && !text.contains("4242"), "{text}");
    }
    let subject = p.vault.find_by_contact(&BY, "202-555-0142").unwrap().unwrap();
    for id in [chat, conversation(&threads[0])] {
        assert!(p.vault.party_rows(id).unwrap().iter().any(|r| r.subject == subject));
    }
    // The same bytes again are the same conversation.
    let again = upload(&p, Channel::Chat, CHAT.as_bytes(), None).unwrap();
    assert_eq!(again, [Outcome::Known(chat)]);
}

#[test]
fn an_upload_goes_on_after_a_restart_and_waits_for_an_engine() {
    let p = place();
    let bytes = wav(1_000);
    let row = begin_upload(
        &p.vault,
        &BY,
        Channel::Voice,
        bytes.len() as u64,
        "q_12025550142.wav",
        Some(r#"{"parties":[{"role":"customer","address":"+12025550142"},{"role":"agent","name":"Bo"}],"notes":"x"}"#),
    )
    .unwrap();
    p.vault.append_part(&BY, row.id, 0, 10_000, &mut &bytes[..10_000]).unwrap();
    let p = p.reopen();
    let finish = || finish_upload(&p.vault, &p.tools(), &Limits::default(), &BY, row.id);
    let early = finish().unwrap_err();
    assert!(matches!(early, Error::Store(StoreError::Refused(Refused::Incomplete { .. }))), "{early}");
    p.vault.append_part(&BY, row.id, 10_000, bytes.len() as u64 - 10_000, &mut &bytes[10_000..]).unwrap();
    let done = finish().unwrap();
    let [Outcome::AwaitingTranscript(id)] = done[..] else { panic!("{done:?}") };
    assert_eq!(p.vault.conversation(id).unwrap().duration_ms, 1_000);
    assert_eq!(p.vault.source_name(id).unwrap(), "q_[…].wav");
    let dropped: Vec<_> =
        p.vault.collection_policy().unwrap().into_iter().filter(|r| r.dropped > 0).collect();
    let fields: Vec<_> = dropped.iter().map(|r| r.field.as_str()).collect();
    assert_eq!(fields, ["agent_name", "notes"]);
    assert!(finish().is_err(), "an upload ends once");
    assert_eq!(std::fs::read_dir(p.vault.blobs()).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_uploaded() {
    let p = place();
    let begin = |name: &str, sidecar| begin_upload(&p.vault, &BY, Channel::Voice, 10, name, sidecar);
    for name in ["", "../x.wav", "a/b.wav", "a\\b.wav", "a\nb.wav", &"x".repeat(256)] {
        assert!(begin(name, None).is_err(), "{name}");
    }
    for sidecar in ["", "[]", "{\"parties\":3}", "{\"channel\":\"chat\"}", "{\"secret\":\"4111\"}"] {
        let refused = begin("a.wav", Some(sidecar)).unwrap_err().to_string();
        assert!(!refused.contains("4111"), "{refused}");
    }
    let garbage = send(&p, Channel::Chat, "a.chat", b"\xff\xfenonsense").unwrap();
    assert!(matches!(garbage[..], [Outcome::Quarantined(..)]), "{garbage:?}");
    let big = vec![b' '; (16 << 20) + 1];
    assert!(send(&p, Channel::Email, "a.eml", &big).is_err());
    assert!(send(&p, Channel::Sms, "a.csv", &big).is_err());
}

#[test]
fn attachments_lie_in_quarantine_and_the_text_goes_on() {
    let p = place().disposing();
    let eml = b"From: a@example.com\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nmy card is 4242 4242 4242 4242\r\n--b\r\nContent-Type: image/png\r\n\
        Content-Disposition: attachment; filename=card.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n";
    let id = one_id(&send(&p, Channel::Email, "m.eml", eml).unwrap());
    let rows = p.vault.attachments(Some(id)).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].media_type.as_str(), rows[0].bytes, rows[0].state.as_str()),
        ("image/png", 8, "quarantined")
    );
    let certificate =
        crate::dispose::dispose(&p.vault, id, "test", crate::dispose::SourceFile::Keep).unwrap().unwrap();
    let line = certificate.statement.copies.iter().find(|c| c.place == "attachments").unwrap();
    assert_eq!(line.state, CopyState::Remains);
    let p = p.reopen();
    p.vault.discard_attachment(&BY, rows[0].id).unwrap();
    assert!(p.vault.discard_attachment(&BY, rows[0].id).is_err());
    assert_eq!(std::fs::read_dir(p.vault.blobs()).unwrap().count(), 0);
}

#[test]
fn a_dropped_subject_line_is_never_stored() {
    use callvault_store::collection::Field;
    let p = place();
    p.vault.set_collection(&BY, Channel::Email, Field::SubjectLine, false).unwrap();
    let id = one_id(
        &send(&p, Channel::Email, "m.eml", b"From: a@example.com\r\nSubject: Plum\r\n\r\nhi\r\n").unwrap(),
    );
    let turns = p.vault.masked(id).unwrap().turns;
    assert!(turns.len() == 1 && turns[0].text == "hi", "{turns:?}");
}

#[test]
fn quarantine_is_left_with_a_transcript_again_or_for_good() {
    let p = place().disposing();
    let go = |id, how| release(&p.vault, &p.tools(), &Limits::default(), &BY, id, how);
    let [Outcome::Quarantined(id, _)] = send(&p, Channel::Chat, "a.chat", b"no chat").unwrap()[..] else {
        panic!()
    };
    assert!(matches!(go(id, Release::Again).unwrap(), Some(Outcome::Quarantined(..))));
    assert!(go(id, Release::Transcript(vec![0; (16 << 20) + 1])).is_err());
    assert_eq!(go(id, Release::Discard(Discard::Unreadable)).unwrap(), None);
    assert!(go(id, Release::Again).is_err(), "it is gone");
    let [Outcome::AwaitingTranscript(call)] = send(&p, Channel::Voice, "a.wav", &wav(2_000)).unwrap()[..]
    else {
        panic!()
    };
    // What is no transcript of this recording is refused before anything happens.
    for bad in [&b"not a transcript"[..], b"WEBVTT\n\n00:01.000 --> 99:00.000\nbeyond its end\n"] {
        assert!(go(call, Release::Transcript(bad.to_vec())).is_err());
        assert_eq!(p.vault.conversation(call).unwrap().state, State::AwaitingTranscript);
    }
    let said = b"WEBVTT\n\n00:00.000 --> 00:02.000\n<v customer>my name is Dana Whitfield\n";
    assert!(go(call, Release::Transcript(said.to_vec())).unwrap().is_some());
    assert_ne!(p.vault.conversation(call).unwrap().state, State::Received);
    assert!(p.vault.imported_transcript(call).unwrap().is_none(), "what was said rests in clear no longer");
}

#[test]
fn another_language_goes_on_only_when_a_person_brought_the_transcript_and_is_never_proven() {
    let p = place();
    let said = |words: &str| {
        let cues = format!("WEBVTT\n\n00:00.000 --> 00:02.000\n<v customer>{words}\n");
        let [Outcome::AwaitingTranscript(id)] =
            send(&p, Channel::Voice, "a.wav", &wav(2_000 + words.len() as u32)).unwrap()[..]
        else {
            panic!()
        };
        let release = release(
            &p.vault,
            &p.tools(),
            &Limits::default(),
            &BY,
            id,
            Release::Transcript(cues.into_bytes()),
        );
        (id, release.unwrap().unwrap())
    };
    let (id, outcome) =
        said("hola buenos días me llamo Elena y quiero pagar mi factura con la tarjeta que usted tiene");
    assert_eq!(outcome, Outcome::Recorded(id));
    assert_eq!(p.vault.conversation(id).unwrap().proof.as_deref(), Some("none"));
    let (_, other) =
        said("guten Tag ich heiße Elena und möchte meine Rechnung jetzt gleich mit der Karte bezahlen bitte");
    assert!(matches!(other, Outcome::Quarantined(..)), "{other:?}");
}

#[test]
fn who_said_stop_in_a_quarantined_call_is_not_called_and_its_words_are_not_shown() {
    let p = place();
    let sidecar = r#"{"parties":[{"role":"customer","address":"+12025550142"},{"role":"agent"}]}"#;
    let metadata = Metadata::parse(sidecar.as_bytes(), "the sidecar").unwrap();
    let call =
        take(&p.vault, &p.tools(), &Limits::default(), Channel::Voice, "a.wav", &metadata, &mut &*wav(2_000));
    let [Outcome::AwaitingTranscript(id)] = call.unwrap()[..] else { panic!() };
    let of = p.vault.contact_index("2025550142").unwrap().unwrap();
    let bring = |last: &str| {
        let cues = format!(
            "WEBVTT\n\n00:00.000 --> 00:01.000\n<v customer>guten Tag ich heiße Elena Zebra und möchte meine Rechnung \
             jetzt gleich bezahlen bitte\n\n00:01.000 --> 00:02.000\n<v customer>{last}\n"
        );
        let how = Release::Transcript(cues.into_bytes());
        release(&p.vault, &p.tools(), &Limits::default(), &BY, id, how).unwrap().unwrap()
    };
    let calm = bring("danke schön");
    assert!(matches!(calm, Outcome::Quarantined(..)), "{calm:?}");
    assert!(p.vault.opt_outs().unwrap().is_empty() && p.vault.opted_out(&of).unwrap().is_none());
    let stopped = bring("do not call me again");
    assert!(matches!(stopped, Outcome::Quarantined(..)), "{stopped:?}");
    let rows = p.vault.opt_outs().unwrap();
    assert_eq!((rows.len(), rows[0].state.as_str(), rows[0].conversation), (1, "stands", Some(id)));
    assert!(p.vault.opted_out(&of).unwrap().is_some());
    assert!(!format!("{rows:?}").contains("Zebra") && !format!("{rows:?}").contains("call me"));
    assert_eq!(p.vault.conversation(id).unwrap().state, State::Quarantined);
    // Worked on again it is the same wish, not a second one; also after a person lifted it.
    p.vault.decide_opt_out(&BY, rows[0].id, callvault_store::opt_out::Verdict::Lift, "agreed again").unwrap();
    bring("do not call me again");
    assert_eq!(p.vault.opt_outs().unwrap().len(), 1);
}

#[test]
fn a_drop_folder_takes_what_is_complete_and_finds_what_a_kill_left() {
    let p = place();
    let root = p.dir.path().join("drop");
    fs::create_dir(&root).unwrap();
    let look = |folder: &mut DropFolder| folder.poll(&p.vault, &p.tools(), &Limits::default()).unwrap();
    let mut folder = DropFolder::new(&root, false).unwrap();
    fs::write(root.join("a.wav"), &wav(500)[..3_000]).unwrap();
    assert!(look(&mut folder).is_empty(), "seen once");
    fs::write(root.join("a.wav"), wav(500)).unwrap();
    fs::write(
        root.join("a.json"),
        r#"{"parties":[{"role":"customer","address":"+12025550142"},{"role":"agent"}]}"#,
    )
    .unwrap();
    assert!(look(&mut folder).is_empty(), "it grew");
    let taken = look(&mut folder);
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].path, root.join("taken/a.wav"));
    let [Outcome::AwaitingTranscript(id)] = taken[0].outcome.as_ref().unwrap()[..] else { panic!() };
    assert!(root.join("taken/a.json").is_file() && !root.join("a.json").exists());
    let copy = p.vault.copies(id).unwrap().into_iter().find(|c| c.place == "source file").unwrap();
    assert_eq!(Path::new(&copy.detail), root.join("taken/a.wav"), "the vault knows where it rests");
    assert!(p.vault.find_by_contact(&BY, "2025550142").unwrap().is_some());

    // Killed after it was moved, before it was taken in; the same name comes again.
    fs::write(root.join("working/a.chat"), CHAT).unwrap();
    fs::write(root.join("notes.docx"), "x").unwrap();
    std::os::unix::fs::symlink(root.join("taken/a.wav"), root.join("link.wav")).unwrap();
    let mut folder = DropFolder::new(&root, false).unwrap();
    let taken = look(&mut folder);
    assert_eq!(taken.len(), 1);
    assert!(matches!(taken[0].outcome.as_ref().unwrap()[..], [Outcome::Recorded(_)]));
    let refused = look(&mut folder);
    assert_eq!(refused.len(), 1);
    assert!(refused[0].outcome.is_err());
    assert_eq!(refused[0].path, root.join("refused/notes.docx"));
    assert!(root.join("refused/notes.reason.txt").is_file());
    assert!(root.join("link.wav").symlink_metadata().is_ok(), "links are not followed");
}
