//! What surrounds every page: navigation for what this person may do, the sentence about what was just done.

use crate::{app::App, right, session::Who};
use callvault_policy::Act;

/// The headings of the navigation, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// What is looked at first; stands without a heading.
    Desk,
    /// What came in, and who took part.
    Conversations,
    /// What the law and the people concerned ask for.
    Privacy,
    /// Those who work here.
    Team,
    /// What shows that all of this is so.
    Evidence,
    /// How the program is set.
    System,
}

impl Group {
    /// In the order of the navigation.
    pub const ALL: [Self; 6] =
        [Self::Desk, Self::Conversations, Self::Privacy, Self::Team, Self::Evidence, Self::System];

    /// Its heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Desk => "",
            Self::Conversations => "Conversations",
            Self::Privacy => "Privacy",
            Self::Team => "Team",
            Self::Evidence => "Evidence",
            Self::System => "System",
        }
    }
}

/// A heading with its entries.
pub struct NavGroup {
    /// Its heading; empty for the first.
    pub name: &'static str,
    /// Its entries; never empty.
    pub items: Vec<NavItem>,
}

/// One entry of the navigation.
pub struct NavItem {
    /// Where it leads.
    pub href: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// The page shown now.
    pub here: bool,
    /// What waits there for this person.
    pub count: u64,
}

/// The surroundings of a page.
pub struct Frame {
    /// Only what this person may open.
    pub nav: Vec<NavGroup>,
    /// The person's name; empty where nobody is signed in.
    pub name: String,
    /// Proof for forms.
    pub csrf: String,
    /// What was just done.
    pub done: Option<&'static str>,
    /// This vault is a copy to practise on.
    pub drill: bool,
}

/// Group, address, name and the act that opens it, in the order of the navigation. A page hangs itself in with one line.
pub const NAV: &[(Group, &str, &str, Act)] = &[
    (Group::Desk, "/", "Overview", Act::SeeOverview),
    (Group::Desk, "/requests", "Requests", Act::SeeGrants),
    (Group::Desk, "/courses", "My courses", Act::SeeOverview),
    (Group::Conversations, "/conversations", "Conversations", Act::ListConversations),
    (Group::Conversations, "/subjects", "Subjects", Act::ListSubjects),
    (Group::Conversations, "/quarantine", "Quarantine", Act::SeeQuarantine),
    (Group::Privacy, "/subject-requests", "Subject requests", Act::SeeSubjectRequests),
    (Group::Conversations, "/dial", "Pre-dial", Act::CheckDial),
    (Group::Privacy, "/consents", "Consent", Act::SeeConsents),
    (Group::Privacy, "/retention", "Retention", Act::SeeRetention),
    (Group::Privacy, "/disposal", "Disposal", Act::SeeMedia),
    (Group::Privacy, "/law", "Law", Act::SeeLaw),
    (Group::Team, "/people", "People", Act::SeePeople),
    (Group::Team, "/training", "Training", Act::SeeTraining),
    (Group::Evidence, "/incidents", "Incidents", Act::SeeIncidents),
    (Group::Evidence, "/ledger", "Ledger", Act::ReadLedger),
    (Group::Evidence, "/posture", "Audit", Act::SeePosture),
    (Group::System, "/settings", "Settings", Act::SeeSettings),
];

/// What a redirect may say was done. Codes in an address can be typed by anyone, so the words are ours.
const DONE: &[(&str, &str)] = &[
    ("signed-out", "You are signed out."),
    ("password", "The password is set."),
    ("passkey", "The passkey is ready; use it the next time you sign in."),
    ("passkey-removed", "The passkey is removed."),
    ("totp", "One-time codes are set up."),
    ("requested", "The request is filed; another person decides."),
    ("approved", "Approved."),
    ("refused", "Refused."),
    ("revoked", "Revoked; it holds from this moment."),
    ("saved", "Saved."),
    ("invited", "Invited."),
    ("reviewed", "The review is recorded."),
    ("merged", "The two records are one person now."),
    ("split", "The conversations belong to a person of their own now."),
    ("undone", "Undone; what was moved and is still there went back."),
    ("corrected", "Accepted; the text is corrected."),
    ("released", "Released from quarantine; it is being worked on."),
    ("imported", "The transcript is taken; the conversation is being worked on with it."),
    ("discarded", "Discarded; its key is destroyed."),
    ("hold-placed", "The hold is placed; nothing under it will be destroyed."),
    ("hold-released", "The hold is released."),
    ("marked", "Marked; no rule reaches it."),
    ("unmarked", "The mark is off; its rules hold again."),
    ("observing", "The vault observes again; nothing is destroyed."),
    ("swept", "What was due is destroyed."),
    ("known", "This file was here before; nothing was added."),
    ("found", "One person is known by this. These are their conversations."),
    ("uploaded", "Taken in; it appears below as soon as it is worked on."),
    ("rotated", "The tenant key has a new version."),
    ("medium", "Entered; its chain of custody begins here."),
    ("medium-ended", "Recorded. It counts when another person has witnessed it."),
    ("certified", "Witnessed; the certificate is issued."),
    ("audited", "The audit ran; this is what it found."),
    ("accepted", "Accepted until the day you gave; the next run says so."),
    ("attested", "Confirmed."),
    ("excused", "Excused until the end you gave."),
    ("recalled", "The course is asked for again."),
    ("published", "Published; people whose course names it confirm it."),
    ("alert-dismissed", "Dismissed; the reason is kept."),
    ("incident-opened", "The incident is open; its clocks run."),
    ("scope-computed", "The scope is computed; its digest is in the ledger."),
    ("frozen", "Frozen: every session ended, every right for a while is taken away."),
    ("thawed", "Let in again; rights for a while have to be asked for again."),
    ("noted", "Written down; numbers and names were masked."),
    ("notice-drafted", "A draft is ready; read it before it leaves."),
    ("notice-sent", "Recorded as sent."),
    ("request-filed", "Written down; its clock runs from the day it arrived."),
    ("ticket", "The ticket is ready: it is good for one download within a day."),
    ("erased", "Erased. The receipt says what remains and why."),
    ("consent", "The consent is recorded."),
    ("consent-ended", "The consent is withdrawn; it holds from this moment."),
    ("opted-out", "Entered; nobody is called or texted there any more."),
    ("key-revoked", "The service's key is revoked."),
];

impl Frame {
    /// For somebody signed in, on the page whose navigation entry is `here`.
    pub fn of(app: &App, who: &Who, here: &str, done: Option<&str>) -> Self {
        let waiting = app.vault.waiting_for(&who.session, &right::of(who.roles())).unwrap_or_default();
        let courses = app.vault.standings(who.account()).unwrap_or_default();
        let courses = courses.iter().filter(|s| !s.open() || s.state.code() == "grace").count() as u64;
        let alerts = app.vault.open_alerts().unwrap_or_default();
        let shown =
            |href: &str, act: Act| who.could(app, act) || (href == "/requests" && who.session.is_person());
        let items = |group: Group| -> Vec<NavItem> {
            NAV.iter()
                .filter(|(g, href, _, act)| *g == group && shown(href, *act))
                .map(|(_, href, name, _)| NavItem {
                    href,
                    name,
                    here: *href == here,
                    count: match *href {
                        "/requests" => waiting,
                        "/courses" => courses,
                        "/incidents" => alerts,
                        _ => 0,
                    },
                })
                .collect()
        };
        let nav = Group::ALL
            .into_iter()
            .map(|group| NavGroup { name: group.name(), items: items(group) })
            .filter(|group| !group.items.is_empty())
            .collect();
        let name = app.vault.account(who.account()).map(|a| a.name).unwrap_or_default();
        let drill = app.vault.is_drill().unwrap_or(true);
        Self { nav, name, csrf: who.csrf(), done: done.and_then(said), drill }
    }

    /// For nobody: sign-in and problems.
    pub fn bare(app: &App) -> Self {
        let drill = app.vault.is_drill().unwrap_or(true);
        Self { nav: Vec::new(), name: String::new(), csrf: String::new(), done: None, drill }
    }
}

/// The sentence of a code.
pub fn said(code: &str) -> Option<&'static str> {
    DONE.iter().find(|(c, _)| *c == code).map(|(_, words)| *words)
}

/// The one query parameter that every page understands.
#[derive(serde::Deserialize)]
pub struct Done {
    /// A code of the closed list of sentences.
    pub done: Option<String>,
}
