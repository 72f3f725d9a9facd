use super::*;
use proptest::prelude::*;

fn draft() -> Draft {
    Draft::new("2026-11-23T20:00:00.1234567Z".parse().unwrap(), Kind::ConversationReceived, "local-operator")
        .tenant("0190a5c2-7e3f-7000-8000-000000000001".parse().unwrap())
        .conversation("0190a5c2-7e3f-7000-8000-000000000002".parse().unwrap())
        .fact("turns", 12u64)
        .fact("audio_sha256", [7u8; 32])
        .fact("proven", false)
}

const CANONICAL: &str = concat!(
    r#"{"actor":"local-operator","at":"2026-11-23T20:00:00.123Z","body":{"audio_sha256":"#,
    r#""0707070707070707070707070707070707070707070707070707070707070707","proven":false,"turns":12},"#,
    r#""conversation":"0190a5c2-7e3f-7000-8000-000000000002","kind":"conversation.received","#,
    r#""prev":"0000000000000000000000000000000000000000000000000000000000000000","seq":0,"#,
    r#""tenant":"0190a5c2-7e3f-7000-8000-000000000001","v":1}"#
);

#[test]
fn the_canonical_form_is_fixed_for_good() {
    let e = draft().place(0, Hash::ZERO).unwrap();
    assert_eq!(std::str::from_utf8(e.bytes()).unwrap(), CANONICAL);
    assert_eq!(e.leaf(), leaf_hash(CANONICAL.as_bytes()));
    assert_eq!(Entry::parse(CANONICAL.as_bytes()).unwrap(), e);
}

#[test]
fn other_writings_of_the_same_entry_are_refused() {
    let tricks = [
        CANONICAL.replace("\"v\":1}", "\"v\":1,\"v\":1}"),
        CANONICAL.replace("\"turns\":12", "\"turns\":12,\"turns\":12"),
        CANONICAL.replace("\"turns\":12", "\"turns\":13,\"turns\":12"),
        CANONICAL.replace("\"seq\":0", "\"seq\": 0"),
        CANONICAL.replace("\"seq\":0", "\"seq\":0.0"),
        CANONICAL.replace("\"seq\":0", "\"seq\":-0"),
        CANONICAL.replace("\"seq\":0", "\"seq\":00"),
        CANONICAL.replace("\"turns\":12", "\"turns\":12.0"),
        CANONICAL.replace("\"turns\":12", "\"turns\":1.2e1"),
        CANONICAL.replace("\"turns\":12", "\"turns\":[12]"),
        CANONICAL.replace("\"turns\":12", "\"turns\":null"),
        CANONICAL.replace("local-operator", "local\\u002doperator"),
        CANONICAL.replace("local-operator", "local\\/operator"),
        CANONICAL.replace("{\"actor\":\"local-operator\",\"at\"", "{\"at\""),
        CANONICAL.replace("\"v\":1}", "\"v\":1,\"x\":1}"),
        CANONICAL.replace("\"v\":1", "\"v\":2"),
        CANONICAL.replace("\"seq\":0", "\"seq\":0,\"subject\":null"),
        CANONICAL.replace("00.123Z", "00.1230Z"),
        CANONICAL.replace("T20:00:00.123Z", "T21:00:00.123+01:00"),
        CANONICAL.replace("T20:00", "t20:00"),
        CANONICAL.replace("0190a5c2-7e3f-7000-8000-000000000002", "0190A5C2-7E3F-7000-8000-000000000002"),
        CANONICAL.replace("0190a5c2-7e3f-7000-8000-000000000002", "0190a5c27e3f70008000000000000002"),
        CANONICAL.replace("\"prev\":\"00", "\"prev\":\"0"),
        CANONICAL.replace("conversation.received", "Conversation.received"),
        CANONICAL.replace("local-operator", "Jane Doe"),
        CANONICAL.replace("local-operator", ""),
        CANONICAL.replace("\"turns\"", "\"Turns\""),
        CANONICAL.replace("\"body\":{", "\"body\":{},\"body\":{"),
        format!(" {CANONICAL}"),
        format!("{CANONICAL}\n"),
        format!("{CANONICAL}{CANONICAL}"),
        format!("\u{feff}{CANONICAL}"),
        CANONICAL[..CANONICAL.len() - 1].to_owned(),
        String::new(),
        "[".repeat(5000),
    ];
    for (i, t) in tricks.iter().enumerate() {
        assert_ne!(t, CANONICAL, "trick {i} changes nothing");
        assert!(matches!(Entry::parse(t.as_bytes()), Err(LedgerError::Entry(_))), "trick {i} passed: {t}");
    }
    let bare = Draft::new(Timestamp::UNIX_EPOCH, Kind::VaultCreated, "x").place(0, Hash::ZERO).unwrap();
    let text = String::from_utf8(bare.bytes().to_vec()).unwrap();
    assert!(Entry::parse(text.replace("\"kind\"", "\"body\":{},\"kind\"").as_bytes()).is_err(), "empty body");
}

#[test]
fn a_newer_code_still_reads() {
    let newer = CANONICAL.replace("conversation.received", "drone.landed");
    assert_eq!(Entry::parse(newer.as_bytes()).unwrap().kind, "drone.landed");
}

#[test]
fn drafts_beyond_the_limits_are_refused() {
    let refused = |d: Draft| matches!(d.place(0, Hash::ZERO), Err(LedgerError::Draft(_)));
    assert!(!refused(draft()));
    assert!(refused(draft().fact("Name", true)));
    assert!(refused(draft().fact("", true)));
    assert!(refused(draft().fact("n".repeat(49), true)));
    assert!(refused(draft().fact("note", "x".repeat(1025))));
    assert!(refused(draft().fact("note", "two\nlines")));
    assert!(refused(Draft { actor: "two words".into(), ..draft() }));
    assert!(refused(Draft { actor: "a".repeat(49), ..draft() }));
    assert!(refused((0..65).fold(draft(), |d, i| d.fact(format!("f{i}"), 1u32))));
    assert!(refused((0..20).fold(draft(), |d, i| d.fact(format!("f{i}"), "y".repeat(1000)))));
}

proptest! {
    #[test]
    fn any_entry_reads_back_as_it_was_written(
        seq: u64, prev: [u8; 32], ms in 0i64..253_000_000_000_000, ids: [bool; 3],
        facts in prop::collection::btree_map("[a-z0-9_]{1,20}", prop_oneof![
            any::<bool>().prop_map(Value::Flag), any::<i64>().prop_map(Value::Number), "[^\\p{Cc}]{0,40}".prop_map(Value::Text),
        ], 0..10),
    ) {
        let mut d = Draft::new(Timestamp::from_millisecond(ms).unwrap(), Kind::AccessPermitted, "worker");
        d.body = facts.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let id = "0190a5c2-7e3f-7000-8000-000000000003";
        let [tenant, conversation, subject] = ids;
        d.tenant = tenant.then(|| id.parse().unwrap());
        d.conversation = conversation.then(|| id.parse().unwrap());
        d.subject = subject.then(|| id.parse().unwrap());
        let e = d.place(seq, Hash(prev)).unwrap();
        prop_assert_eq!(Entry::parse(e.bytes()).unwrap(), e);
    }

    #[test]
    fn rubbish_and_spoiled_entries_never_panic_and_never_pass_unnoticed(
        junk in prop::collection::vec(any::<u8>(), 0..200), at in 0..CANONICAL.len(), byte: u8,
    ) {
        prop_assert!(Entry::parse(&junk).is_err());
        let mut bytes = CANONICAL.as_bytes().to_vec();
        bytes[at] = byte;
        if let Ok(e) = Entry::parse(&bytes) {
            prop_assert_eq!(e.bytes(), &bytes[..]);
            prop_assert!(e.leaf() == leaf_hash(&bytes));
        }
    }
}
