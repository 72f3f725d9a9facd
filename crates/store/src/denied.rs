//! Refusals that people see: a stable code and a sentence with what, why and cure. They carry no value and no name.

use callvault_policy::{Denial, Reason, training::Closed};

/// Somebody was refused. The ledger holds an entry of its own for every refused reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Denied {
    /// The first reason's stable code.
    pub code: &'static str,
    /// What, why, and what helps.
    pub message: String,
    /// Every reason's code, the most basic first.
    pub codes: Vec<&'static str>,
    /// The course that opens it, where one is missing.
    pub course: Option<String>,
}

impl Denied {
    /// One reason.
    pub(crate) fn new(code: &'static str, message: &str) -> Self {
        Self { code, message: message.to_owned(), codes: vec![code], course: None }
    }

    /// What policy said.
    pub(crate) fn of(reasons: &[Denial]) -> Self {
        let first = reasons.first().map_or(Reason::Broken, |r| r.reason);
        let mut codes: Vec<&'static str> = reasons.iter().map(Denial::code).collect();
        codes.dedup();
        Self { code: first.code(), message: first.sentence().to_owned(), codes, course: None }
    }

    /// The same, with the course that is missing.
    pub(crate) fn for_course(mut self, closed: Closed) -> Self {
        if self.code == Reason::NeedsCourse.code() {
            self.message = closed.why;
        }
        self.course = Some(closed.course);
        self
    }

    /// One reason of policy that was found here.
    pub(crate) fn of_reason(reason: Reason) -> Self {
        Self::new(reason.code(), reason.sentence())
    }

    /// Whether this code is among the reasons.
    pub fn has(&self, code: &str) -> bool {
        self.codes.contains(&code)
    }
}

macro_rules! refusals {
    ($($name:ident $code:literal $message:literal;)+) => {$(
        pub(crate) fn $name() -> crate::Error { Denied::new($code, $message).into() }
    )+};
}

// One message for every way a sign-in fails: it must not tell which part was wrong, nor whether the login exists.
refusals! {
    signin "signin_refused" "The login, the password or the code is wrong, or this login is locked after ten failed tries. Check all three, use a code once only, and after ten tries wait 30 minutes or ask an administrator.";
    invite "invite_invalid" "This link does not work: it was used, it is older than 24 hours, or it was replaced. Ask for a new one.";
    session_over "session_over" "This session is over: 15 minutes without use, 12 hours in all, signed out, or the account was closed. Sign in again.";
    key_refused "key_refused" "This key is unknown, expired or revoked. Ask an administrator for a new one.";
    permit_over "permit_expired" "This permission is older than 30 seconds. Ask again.";
    used "already_used" "This was shown once already, and it is shown once only. Make a new request.";
    request_over "request_expired" "This request is older than it may be. Make a new one.";
    not_pending "not_pending" "This was decided already. Load the page again.";
    refused_before "request_refused" "This request was refused by the person who decided it. Talk to that person, or make a new request.";
    last_admin "last_admin" "Without this account no active administrator would be left. Make another person administrator first.";
    unknown "not_found" "This does not exist, or no longer. Load the page again.";
    login_taken "login_taken" "An account with this login exists already. Choose another login.";
    bad_login "bad_login" "A login has 2 to 64 letters, digits or . _ - @ +, and starts with a letter or digit. Choose another.";
    bad_name "bad_name" "A name has 1 to 120 characters and no control characters. Type it again.";
    bad_reason "bad_reason" "A reason has 3 to 1,000 characters and no control characters. Type it again.";
    bad_roles "bad_roles" "A person has at least one role, and the role service is for keys of machines only. Choose the roles again.";
    bad_minutes "bad_minutes" "A right lasts from 1 minute to 7 days. Choose a time between.";
    bad_days "bad_days" "A key lasts from 1 to 365 days and names at least one thing it is for. Choose again.";
    not_grantable "not_grantable" "Only reading, playing, a person's page and asking for a reveal can be given for a while. Ask an administrator for a role.";
    account_state "account_state" "The account is in a state that does not allow this. Load the page again.";
    code_wrong "code_wrong" "This code is wrong or was used before. Wait for the next one and type it again.";
    no_factor "no_factor" "This is the only way left to sign in. Add another one first.";
    too_many "too_many" "There are as many of these as there may be. Remove one first.";
    not_assigned "not_assigned" "This course is not one of yours. Ask compliance if you should take it.";
    no_attempts "no_attempts" "You used all attempts of these 24 hours. Read the course again and try tomorrow.";
    attempt_over "attempt_over" "These questions were handed in already, or are older than two hours. Begin again.";
    bad_waiver "bad_waiver" "A waiver ends in the future and within 400 days. Choose another end.";
    bad_rule "bad_rule" "A rule has 0 to 365 days to pass and of grace, a pass that holds 1 to 1,825 days or until a day of the year, 1 to 20 attempts, and acts that can be bound to a course. Look at it again.";
    bad_day "bad_day" "A first day lies within 60 years before and one year after today, written 2026-03-01. Type it again.";
    destroyed "destroyed" "This was destroyed and nobody can see it any more.";
    people_only "person_only" "Only a person who signed in does this. Sign in to the console.";
}

impl From<Denied> for crate::Error {
    fn from(denied: Denied) -> Self {
        Self::Denied(Box::new(denied))
    }
}
