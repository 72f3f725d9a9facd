use crate::{
    Actor,
    factors::Enrolment,
    testing::{PASSWORD, code, world},
};
use callvault_model::Secret;
use callvault_policy::{Role, factor::totp::TotpSecret};
use callvault_seal::OsEntropy;
use std::collections::BTreeSet;

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.into())
}

#[test]
fn the_first_administrator_comes_by_a_link_and_then_no_other_does() {
    let w = world();
    let first = w.vault.first_admin_invite().unwrap().unwrap();
    let second = w.vault.first_admin_invite().unwrap().unwrap();
    assert_eq!(code(w.vault.peek_invite(first.expose())), "invite_invalid", "an earlier link stops working");
    let admin = w.accept("admin", &second);
    assert_eq!(w.vault.account(admin.id).unwrap().roles, BTreeSet::from([Role::Admin]));
    assert!(w.vault.first_admin_invite().unwrap().is_none());
    assert_eq!(code(w.vault.peek_invite(second.expose())), "invite_invalid", "a used link");
    // Suspended, he is still there: no stranger becomes administrator by that.
    let other = w.person("second.admin", &[Role::Admin]);
    w.vault.suspend(&Actor::Account(other.id), admin.id).unwrap();
    assert!(w.vault.first_admin_invite().unwrap().is_none());
    w.verify();
}

#[test]
fn an_invitation_is_refused_when_expired_guessed_cut_used_or_of_another_kind() {
    let w = world();
    let roles = BTreeSet::from([Role::Agent]);
    let (id, link) = w.vault.invite(&Actor::LocalOperator, "dana", "Dana", &roles).unwrap();
    assert_eq!(w.vault.peek_invite(link.expose()).unwrap().account, id);
    let mut guessed = link.expose().clone();
    guessed.replace_range(10..11, if guessed.as_bytes()[10] == b'A' { "B" } else { "A" });
    for bad in ["", "cvi_", guessed.as_str(), &link.expose()[..20], &link.expose().replace("cvi_", "cvs_")] {
        assert_eq!(code(w.vault.peek_invite(bad)), "invite_invalid", "{bad}");
    }
    w.forward(24 * 3600 - 1);
    assert!(w.vault.peek_invite(link.expose()).is_ok());
    w.forward(1);
    assert_eq!(code(w.vault.peek_invite(link.expose())), "invite_invalid");
    let enrolment = |w: &crate::testing::World| {
        let totp = TotpSecret::make(&OsEntropy).unwrap();
        let code = w.code(&totp);
        Enrolment::App { password: secret(PASSWORD), totp, code }
    };
    assert_eq!(code(w.vault.accept_invite(link.expose(), enrolment(&w))), "invite_invalid");
    let again = w.vault.reinvite(&Actor::LocalOperator, id).unwrap();
    w.vault.accept_invite(again.expose(), enrolment(&w)).unwrap();
    assert_eq!(code(w.vault.accept_invite(again.expose(), enrolment(&w))), "invite_invalid");
}

#[test]
fn a_bad_password_or_code_leaves_the_invitation_unused_and_the_account_without_factors() {
    let w = world();
    let roles = BTreeSet::from([Role::Agent]);
    let (id, link) = w.vault.invite(&Actor::LocalOperator, "dana", "Dana", &roles).unwrap();
    let totp = || TotpSecret::make(&OsEntropy).unwrap();
    let weak = Enrolment::App { password: secret("password1234"), totp: totp(), code: "000000".into() };
    assert_eq!(code(w.vault.accept_invite(link.expose(), weak)), "password_common");
    let app = totp();
    let right = w.code(&app);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let bad = Enrolment::App { password: secret(PASSWORD), totp: app, code: wrong.into() };
    assert_eq!(code(w.vault.accept_invite(link.expose(), bad)), "code_wrong");
    let row = w.vault.account(id).unwrap();
    assert!(!row.password && row.recovery_codes == 0 && w.vault.peek_invite(link.expose()).is_ok());
}

#[test]
fn a_code_works_once_and_never_backwards() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    // The code shown at enrolment is used up, too.
    let enrolled = w.code(&dana.app);
    assert_eq!(code(w.vault.sign_in_password("dana", &secret(PASSWORD), &enrolled)), "signin_refused");
    w.forward(60);
    let now = w.code(&dana.app);
    assert!(
        w.vault.sign_in_password(" DANA ", &secret(PASSWORD), &now).is_ok(),
        "case and space do not matter"
    );
    assert_eq!(code(w.vault.sign_in_password("dana", &secret(PASSWORD), &now)), "signin_refused");
    assert_eq!(code(w.vault.sign_in_password("dana", &secret(PASSWORD), &enrolled)), "signin_refused");
    let refused = w.entries("signin.failed");
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().any(|e| e.contains("\"why\":\"replayed\"")));
    // The counter survives a restart.
    let w = w.reopen();
    assert_eq!(code(w.vault.sign_in_password("dana", &secret(PASSWORD), &now)), "signin_refused");
}

#[test]
fn one_code_sent_twice_at_the_same_moment_lets_one_in() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    w.forward(60);
    let now = w.code(&dana.app);
    let good = std::thread::scope(|s| {
        let tries: Vec<_> = (0..6)
            .map(|_| s.spawn(|| w.vault.sign_in_password("dana", &secret(PASSWORD), &now).is_ok()))
            .collect();
        tries.into_iter().filter(|_| true).map(|t| t.join().unwrap()).filter(|ok| *ok).count()
    });
    assert_eq!(good, 1);
}

#[test]
fn a_recovery_code_works_once() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    assert_eq!(dana.recovery.len(), 10);
    let one = dana.recovery[3].expose();
    assert_eq!(
        code(w.vault.sign_in_password("dana", &secret("another password entirely"), one)),
        "signin_refused"
    );
    assert!(w.vault.sign_in_password("dana", &secret(PASSWORD), &one.to_lowercase()).is_ok());
    assert_eq!(code(w.vault.sign_in_password("dana", &secret(PASSWORD), one)), "signin_refused");
    assert_eq!(w.vault.account(dana.id).unwrap().recovery_codes, 9);
}

#[test]
fn ten_failures_lock_a_login_for_thirty_minutes_known_or_not_and_tell_nothing() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    let message = |login: &str| {
        w.vault.sign_in_password(login, &secret("wrong wrong wrong"), "123456").unwrap_err().to_string()
    };
    let known: Vec<String> = (0..10).map(|_| message("dana")).collect();
    let unknown: Vec<String> = (0..10).map(|_| message("nobody")).collect();
    assert_eq!(known, unknown);
    w.forward(60);
    let right = |w: &crate::testing::World| {
        w.vault.sign_in_password("dana", &secret(PASSWORD), &w.code(&dana.app)).map(|s| s.account())
    };
    assert_eq!(code(right(&w)), "signin_refused", "locked for the right password, too");
    assert_eq!(right(&w).unwrap_err().to_string(), known[0]);
    let before = w.entries("signin.failed").len();
    assert_eq!(before, 20, "a locked login writes no more entries");
    let locked: i64 = w
        .vault
        .db()
        .query_row("SELECT COUNT(*) FROM signin_failure WHERE locked_until IS NOT NULL", [], |r| r.get(0))
        .unwrap();
    assert_eq!(locked, 2, "the unknown login is locked, too");
    w.forward(29 * 60 - 60);
    assert!(right(&w).is_err());
    w.forward(60);
    assert_eq!(right(&w).unwrap(), dana.id);
}

#[test]
fn an_administrator_takes_a_lock_off() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    for _ in 0..10 {
        w.vault.sign_in_password("dana", &secret("wrong wrong wrong"), "123456").unwrap_err();
    }
    w.vault.unlock(&Actor::LocalOperator, dana.id).unwrap();
    w.sign_in(&dana);
}

#[test]
fn a_session_is_over_after_fifteen_idle_minutes_and_after_twelve_hours() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    let (token, _) = w.sign_in(&dana);
    w.forward(15 * 60 - 1);
    assert!(w.vault.session(&token).unwrap().is_some());
    w.forward(15 * 60);
    assert!(w.vault.session(&token).unwrap().is_none());
    assert!(w.entries("session.ended").iter().any(|e| e.contains("idle")));
    let (token, _) = w.sign_in(&dana);
    for _ in 0..71 {
        w.forward(10 * 60);
        assert!(w.vault.session(&token).unwrap().is_some());
    }
    w.forward(10 * 60);
    assert!(w.vault.session(&token).unwrap().is_none(), "twelve hours");
    assert!(w.entries("session.ended").iter().any(|e| e.contains("absolute")));
    w.verify();
}

#[test]
fn a_session_survives_a_restart_but_not_longer_than_it_may() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    let (token, _) = w.sign_in(&dana);
    w.forward(5 * 60);
    assert!(w.vault.session(&token).unwrap().is_some());
    let w = w.reopen();
    w.forward(14 * 60);
    assert!(w.vault.session(&token).unwrap().is_some());
    let w = w.reopen();
    w.forward(15 * 60);
    assert!(w.vault.session(&token).unwrap().is_none());
}

#[test]
fn a_suspended_or_revoked_person_is_out_at_once_and_cannot_come_in() {
    let w = world();
    let (dana, boss) = (w.person("dana", &[Role::Agent]), w.person("boss", &[Role::Admin]));
    let (token, session) = w.sign_in(&dana);
    w.vault.suspend(&Actor::Account(boss.id), dana.id).unwrap();
    assert!(w.vault.session(&token).unwrap().is_none());
    assert_eq!(code(w.vault.still(&session)), "session_over");
    w.forward(31);
    let now = w.code(&dana.app);
    assert_eq!(code(w.vault.sign_in_password("dana", &secret(PASSWORD), &now)), "signin_refused");
    w.vault.restore(&Actor::Account(boss.id), dana.id).unwrap();
    assert!(w.vault.session(&token).unwrap().is_none(), "the old session stays dead");
    let (token, _) = w.sign_in(&dana);
    w.vault.revoke(&Actor::Account(boss.id), dana.id).unwrap();
    assert!(w.vault.session(&token).unwrap().is_none());
    assert_eq!(code(w.vault.restore(&Actor::Account(boss.id), dana.id)), "account_state");
    assert!(w.vault.account(dana.id).unwrap().roles.is_empty());
}

#[test]
fn a_sign_in_that_was_not_turned_into_a_session_dies_with_the_account() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    w.forward(31);
    let signed = w.vault.sign_in_password("dana", &secret(PASSWORD), &w.code(&dana.app)).unwrap();
    w.vault.suspend(&Actor::LocalOperator, dana.id).unwrap();
    assert_eq!(code(w.vault.start_session(signed)), "signin_refused");
}

#[test]
fn signing_out_ends_this_session_and_not_the_other_and_tokens_are_not_stored() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    let ((a, first), (b, _)) = (w.sign_in(&dana), w.sign_in(&dana));
    assert_ne!(a, b, "every sign-in has a token of its own");
    w.vault.end_session(&first).unwrap();
    assert!(w.vault.session(&a).unwrap().is_none() && w.vault.session(&b).unwrap().is_some());
    assert_eq!(w.vault.end_sessions_of(&Actor::LocalOperator, dana.id).unwrap(), 1);
    assert!(w.vault.session(&b).unwrap().is_none());
    for guess in
        ["", "cvs_", "x", &b.replace("cvs_", "cvk_"), "cvs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
    {
        assert!(w.vault.session(guess).unwrap().is_none());
    }
}

#[test]
fn one_account_has_at_most_twenty_sessions() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    let tokens: Vec<String> = (0..21).map(|_| w.sign_in(&dana).0).collect();
    let open = tokens.iter().filter(|t| w.vault.session(t).unwrap().is_some()).count();
    assert!(open <= 20, "{open}");
    assert!(w.vault.session(&tokens[20]).unwrap().is_some());
    assert!(w.vault.session(&tokens[0]).unwrap().is_none());
}

#[test]
fn roles_change_in_a_running_session_and_the_last_administrator_stays() {
    let w = world();
    let (boss, dana) = (w.person("boss", &[Role::Admin]), w.person("dana", &[Role::Agent]));
    let (token, _) = w.sign_in(&dana);
    let roles = BTreeSet::from([Role::Qa]);
    w.vault.set_roles(&Actor::Account(boss.id), dana.id, &roles).unwrap();
    assert_eq!(w.vault.session(&token).unwrap().unwrap().roles(), &roles);
    let by = Actor::Account(dana.id);
    assert_eq!(code(w.vault.set_roles(&by, boss.id, &roles)), "last_admin");
    assert_eq!(code(w.vault.suspend(&by, boss.id)), "last_admin");
    assert_eq!(code(w.vault.revoke(&by, boss.id)), "last_admin");
    assert_eq!(code(w.vault.reinvite(&by, boss.id)), "last_admin");
    assert_eq!(code(w.vault.set_roles(&by, dana.id, &BTreeSet::new())), "bad_roles");
    assert_eq!(code(w.vault.set_roles(&by, dana.id, &BTreeSet::from([Role::Service]))), "bad_roles");
    // The way back in, from the machine itself.
    let link = w.vault.reinvite(&Actor::LocalOperator, boss.id).unwrap();
    w.accept("boss", &link);
}

#[test]
fn a_second_factor_is_changed_only_when_one_was_just_shown() {
    let w = world();
    let dana = w.person("dana", &[Role::Agent]);
    let (token, session) = w.sign_in(&dana);
    w.forward(10 * 60);
    w.vault.session(&token).unwrap();
    w.forward(6 * 60);
    assert_eq!(
        code(w.vault.set_password(&session, &secret("thirteen purple anchors sing"))),
        "needs_step_up"
    );
    assert_eq!(code(w.vault.new_recovery_codes(&session)), "needs_step_up");
    let now = w.code(&dana.app);
    assert_eq!(
        code(w.vault.step_up_password(&session, &secret("not the right one"), &now)),
        "signin_refused"
    );
    let fresh = w.vault.step_up_password(&session, &secret(PASSWORD), &now).unwrap();
    w.vault.set_password(&fresh, &secret("thirteen purple anchors sing")).unwrap();
    w.forward(31);
    assert_eq!(
        code(w.vault.sign_in_password("dana", &secret(PASSWORD), &w.code(&dana.app))),
        "signin_refused"
    );
    let codes = w.vault.new_recovery_codes(&fresh).unwrap();
    let new = secret("thirteen purple anchors sing");
    assert!(w.vault.sign_in_password("dana", &new, dana.recovery[0].expose()).is_err(), "old codes are gone");
    assert!(w.vault.sign_in_password("dana", &new, codes[0].expose()).is_ok());
}

#[test]
fn somebody_elses_factor_does_not_step_up_a_session() {
    let w = world();
    let (dana, eve) = (w.person("dana", &[Role::Agent]), w.person("mallory", &[Role::Agent]));
    let (_, session) = w.sign_in(&dana);
    w.forward(31);
    let shown = w.vault.sign_in_password("mallory", &secret(PASSWORD), &w.code(&eve.app)).unwrap();
    assert_eq!(code(w.vault.step_up(&session, shown)), "signin_refused");
}

#[test]
fn logins_are_one_person_each_and_of_a_form() {
    let w = world();
    let roles = BTreeSet::from([Role::Agent]);
    w.person("dana", &[Role::Agent]);
    let invite =
        |login: &str, name: &str| w.vault.invite(&Actor::LocalOperator, login, name, &roles).map(|_| ());
    assert_eq!(code(invite("Dana ", "Other")), "login_taken");
    for bad in ["", "a", " ", "-dana", "da na", "da\nna", "<b>", &"x".repeat(65), "d\u{e4}na"] {
        assert_eq!(code(invite(bad, "Name")), "bad_login", "{bad}");
    }
    for bad in ["", "  ", "a\nb", &"x".repeat(121)] {
        assert_eq!(code(invite("fine", bad)), "bad_name", "{bad}");
    }
}

#[test]
fn invented_logins_do_not_grow_the_ledger_and_lift_no_lock() {
    let w = world();
    let _dana = w.person("dana", &[Role::Agent]);
    let wrong = |login: &str| code(w.vault.sign_in_password(login, &secret("wrong wrong wrong"), "123456"));
    (0..10).for_each(|_| assert_eq!(wrong("dana"), "signin_refused"));
    let locks = || -> i64 {
        let sql = "SELECT COUNT(*) FROM signin_failure WHERE locked_until IS NOT NULL";
        w.vault.db().query_row(sql, [], |r| r.get(0)).unwrap()
    };
    let before = w.entries("signin.failed").len();
    (0..50).for_each(|n| assert_eq!(wrong(&format!("invented{n}")), "signin_refused"));
    assert_eq!(w.entries("signin.failed").len(), before + 20, "twenty are told at once");
    w.vault.tell_invented().unwrap();
    assert_eq!(w.entries("signin.failed").len(), before + 20, "the window is still open");
    w.forward(600);
    w.vault.tell_invented().unwrap();
    w.vault.tell_invented().unwrap();
    let all = w.entries("signin.failed");
    assert_eq!(all.len(), before + 21, "and the rest together, once");
    assert!(all.iter().any(|e| e.contains("\"count\":30") && e.contains("\"seconds\":600")), "{all:?}");
    // As many rows as are remembered, all of them newer than the lock.
    {
        let mut db = w.vault.db();
        let tx = crate::db::Transaction::new(&mut db).unwrap();
        let mut insert = tx.prepare("INSERT INTO signin_failure VALUES (?1, 1, 9000000000, NULL)").unwrap();
        for n in 0..10_100u128 {
            insert.execute([n.to_be_bytes().as_slice()]).unwrap();
        }
        drop(insert);
        tx.commit().unwrap();
    }
    assert_eq!(wrong("another"), "signin_refused");
    let rows: i64 = w.vault.db().query_row("SELECT COUNT(*) FROM signin_failure", [], |r| r.get(0)).unwrap();
    assert!(rows <= 10_002, "{rows}");
    assert_eq!(locks(), 1, "the lock of an account is not forgotten for invented ones");
    w.verify();
}
