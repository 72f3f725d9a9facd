use crate::{
    Actor, Error,
    testing::{World, world},
    uploads::{MAX_TEXT, MAX_VOICE, UploadState},
};
use callvault_model::{
    Channel,
    id::{AccountId, UploadId},
};
use std::io::{self, Read};

const A: Actor = Actor::Account(AccountId::from_bytes([1; 16]));
const B: Actor = Actor::Account(AccountId::from_bytes([2; 16]));

fn code<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Refused(r)) => r.code(),
        Err(other) => panic!("no refusal: {other}"),
        Ok(_) => panic!("not refused"),
    }
}

fn begin(w: &World, length: u64) -> UploadId {
    w.vault.begin_upload(&A, Channel::Voice, length, "{\"name\":\"secret-name\"}").unwrap().id
}

fn part(w: &World, id: UploadId, start: u64, bytes: &[u8]) -> Result<u64, Error> {
    w.vault.append_part(&A, id, start, bytes.len() as u64, &mut &*bytes)
}

fn all(w: &World, id: UploadId) -> Vec<u8> {
    let mut out = Vec::new();
    w.vault.upload_content(&A, id).unwrap().read_to_end(&mut out).unwrap();
    out
}

fn blobs(w: &World) -> usize {
    w.sealed_files()
}

#[test]
fn parts_arrive_in_order_survive_a_restart_and_end_as_one() {
    let w = world();
    let content: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
    let id = begin(&w, 200_000);
    assert_eq!(part(&w, id, 0, &content[..70_000]).unwrap(), 70_000);
    assert_eq!(code(w.vault.upload_content(&A, id)), "upload_incomplete");
    // A program that dies in the middle of a part leaves a sealed file nobody knows.
    std::fs::write(w.vault.blobs().join(format!("{id}.sealed")), b"half").unwrap();
    let w = w.reopen();
    assert_eq!((w.vault.upload(&A, id).unwrap().received, blobs(&w)), (70_000, 1));
    assert_eq!(part(&w, id, 70_000, &content[70_000..]).unwrap(), 200_000);
    assert_eq!(all(&w, id), content);
    let plain = w.vault.blobs();
    for file in std::fs::read_dir(plain).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(64).any(|b| b == &content[..64]), "plaintext on the disk");
    }
    assert_eq!(w.vault.upload_meta(&A, id).unwrap(), "{\"name\":\"secret-name\"}");
    let call = w.call(1);
    w.vault.close_upload(&A, id, call).unwrap();
    let row = w.vault.upload(&A, id).unwrap();
    assert_eq!((row.state, row.conversation), (UploadState::Done, Some(call)));
    assert_eq!(blobs(&w), 2, "the parts are gone, the call's two files stay");
    assert_eq!(code(part(&w, id, 200_000, b"x")), "upload_ended");
    assert_eq!(code(w.vault.close_upload(&A, id, call)), "upload_ended");
    assert!(!w.ledger().iter().any(|e| e.contains("secret-name")));
    w.verify();
}

#[test]
fn truncated_overlapping_and_wrong_parts_leave_nothing_behind() {
    let w = world();
    let id = begin(&w, 100);
    assert_eq!(code(w.vault.append_part(&A, id, 0, 50, &mut &[7u8; 49][..])), "upload_truncated");
    assert_eq!(part(&w, id, 0, &[1; 60]).unwrap(), 60);
    for start in [0, 59, 61] {
        assert_eq!(code(part(&w, id, start, &[2; 10])), "upload_offset");
    }
    assert_eq!(code(part(&w, id, 60, &[3; 41])), "invalid");
    assert_eq!(code(part(&w, id, 60, &[])), "invalid");
    assert_eq!(code(w.vault.append_part(&A, id, 60, (64 << 20) + 1, &mut io::empty())), "invalid");
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    assert_eq!(code(w.vault.append_part(&A, id, 60, 40, &mut Broken)), "upload_truncated");
    assert_eq!((w.vault.upload(&A, id).unwrap().received, blobs(&w)), (60, 1));
    // A sender that has more than it announced is cut at what it announced.
    assert_eq!(w.vault.append_part(&A, id, 60, 40, &mut &[4u8; 500][..]).unwrap(), 100);
    let got = all(&w, id);
    assert_eq!((got.len(), got[59], got[60], got[99]), (100, 1, 4, 4));
}

#[test]
fn lengths_owners_and_numbers_are_limited() {
    let w = world();
    for (channel, length) in
        [(Channel::Voice, 0), (Channel::Voice, MAX_VOICE + 1), (Channel::Sms, MAX_TEXT + 1)]
    {
        assert_eq!(code(w.vault.begin_upload(&A, channel, length, "{}")), "invalid");
    }
    assert_eq!(code(w.vault.begin_upload(&A, Channel::Chat, 5, &"x".repeat(70_000))), "invalid");
    let id = begin(&w, 10);
    assert_eq!(code(w.vault.upload(&B, id)), "unknown");
    assert_eq!(code(w.vault.append_part(&B, id, 0, 5, &mut &b"hello"[..])), "unknown");
    assert_eq!(code(w.vault.upload_meta(&B, id)), "unknown");
    assert_eq!(code(w.vault.cancel_upload(&B, id)), "unknown");
    for _ in 0..15 {
        begin(&w, 10);
    }
    assert_eq!(code(w.vault.begin_upload(&A, Channel::Voice, 10, "{}")), "too_many_uploads");
    w.vault.begin_upload(&B, Channel::Voice, 10, "{}").unwrap();
    w.vault.cancel_upload(&A, id).unwrap();
    begin(&w, 10);
}

#[test]
fn what_is_not_finished_in_time_is_destroyed() {
    let w = world();
    let id = begin(&w, 10);
    part(&w, id, 0, b"hello").unwrap();
    w.forward(86_399);
    assert_eq!(w.vault.expire_uploads().unwrap(), 0);
    w.forward(2);
    assert_eq!(code(part(&w, id, 5, b"world")), "upload_ended");
    assert_eq!(w.vault.expire_uploads().unwrap(), 1);
    assert_eq!((w.vault.upload(&A, id).unwrap().state, blobs(&w)), (UploadState::Expired, 0));
    assert_eq!(w.vault.expire_uploads().unwrap(), 0);
    assert_eq!(code(w.vault.cancel_upload(&A, id)), "upload_ended");
}

#[test]
fn a_repeated_request_gets_the_first_answer_and_another_one_is_refused() {
    let w = world();
    let (body, other) = ([1; 32], [2; 32]);
    assert_eq!(w.vault.remembered(&A, "key-1", &body).unwrap(), None);
    assert_eq!(w.vault.remember(&A, "key-1", &body, "first").unwrap(), "first");
    assert_eq!(w.vault.remember(&A, "key-1", &body, "second").unwrap(), "first");
    assert_eq!(w.vault.remembered(&A, "key-1", &body).unwrap().as_deref(), Some("first"));
    assert_eq!(code(w.vault.remembered(&A, "key-1", &other)), "idempotency_mismatch");
    assert_eq!(code(w.vault.remember(&A, "key-1", &other, "x")), "idempotency_mismatch");
    assert_eq!(w.vault.remembered(&B, "key-1", &other).unwrap(), None, "keys belong to one account");
    for bad in ["", "with space", "line\nbreak", &"k".repeat(201)] {
        assert_eq!(code(w.vault.remembered(&A, bad, &body)), "invalid");
    }
    w.forward(49 * 3600);
    w.vault.expire_uploads().unwrap();
    assert_eq!(w.vault.remembered(&A, "key-1", &other).unwrap(), None);
}

#[test]
fn parts_open_after_the_tenant_key_was_rotated() {
    let w = world();
    let id = begin(&w, 5);
    part(&w, id, 0, b"hello").unwrap();
    w.vault.rotate_tenant_key(&Actor::LocalOperator).unwrap();
    assert_eq!(all(&w, id), b"hello");
    assert_eq!(w.vault.upload_meta(&A, id).unwrap(), "{\"name\":\"secret-name\"}");
}
