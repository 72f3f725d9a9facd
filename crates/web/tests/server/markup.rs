//! Markup in every text field of every form: each page is read as a browser reads it, each of its forms that holds text is
//! sent with markup in all of it, and then every page is read again. Nothing of it may come back as markup.

use crate::{
    roles::pages,
    samples::{Filled, filled, purpose},
    world::{Browser, HOSTILE, World},
};
use axum::{
    body::Body,
    http::{Method, header},
};
use callvault_policy::Role;
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};

/// Fields that name something by its form: an id, a login, a number. What is no such thing is refused, which others test.
const NAMES: [&str; 18] = [
    "login",
    "target",
    "conversation",
    "subject",
    "with",
    "sha256",
    "contact",
    "number",
    "address",
    "report",
    "id",
    "policy",
    "renewal",
    "session",
    "from",
    "to",
    "states",
    "wrong",
];

/// What people can type, by where it is sent: each must have been taken with markup in it. A field that is new is in the
/// forms, and is found there; it belongs here as well.
const TYPED: &[&str] = &[
    "/conversations/{}/findings/{}/reveal reason",
    "/conversations/{}/findings/{}/wrong note",
    "/conversations/{}/turns/{} note",
    "/consents seller",
    "/consents signature",
    "/consents source",
    "/consents/opt-outs reason",
    "/consents/opt-outs/{} reason",
    "/dial seller",
    "/disposal/media label",
    "/disposal/media place",
    "/disposal/media/{}/end tool",
    "/disposal/media/{}/moves place",
    "/incidents title",
    "/incidents/alerts/{}/dismiss reason",
    "/incidents/alerts/{}/raise title",
    "/incidents/notices/{} text",
    "/incidents/{}/evidence name",
    "/incidents/{}/notes text",
    "/links/{}/undo reason",
    "/people name",
    "/processing/controller contact",
    "/processing/controller name",
    "/processing/controller officer",
    "/processing/controller recipients",
    "/processing/controller transfers",
    "/posture/checks/{}/waiver owner",
    "/posture/checks/{}/waiver reason",
    "/requests/grants reason",
    "/retention/holds matter",
    "/retention/holds/{}/release reason",
    "/retention/marks reason",
    "/retention/marks/{}/remove reason",
    "/settings/services name",
    "/subject-requests note",
    "/subject-requests/{}/steps reason",
    "/subjects/{}/merge reason",
    "/training/people/{}/recalls reason",
    "/training/people/{}/waivers reason",
    "/training/policies text",
];

/// A form as a browser sees it.
#[derive(Debug, Default, Clone)]
struct Form {
    action: String,
    parts: bool,
    /// What it sends when nobody changes anything.
    fields: Vec<(String, String)>,
    /// The names of what is typed.
    typed: Vec<String>,
}

/// The attributes of the tag that begins here, and what follows it.
fn tag(text: &str) -> (BTreeMap<String, String>, &str) {
    let (mut out, mut rest) = (BTreeMap::new(), text);
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>').or_else(|| rest.strip_prefix("/>")) {
            return (out, after);
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '>').expect("a tag ends");
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').expect("a value ends"),
            None => ("", after.strip_prefix('=').unwrap_or(after)),
        };
        out.insert(name.to_owned(), unescaped(value));
        rest = after;
    }
}

fn unescaped(text: &str) -> String {
    [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&quot;", "\""),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |t, (from, to)| t.replace(from, to))
}

/// The forms of a page that are sent by POST.
fn forms(page: &str) -> Vec<Form> {
    let mut out = Vec::new();
    for piece in page.split("<form").skip(1) {
        let (head, body) = tag(piece);
        let body = body.split("</form>").next().unwrap();
        if head.get("method").is_none_or(|m| m != "post") {
            continue;
        }
        let mut form = Form {
            action: head.get("action").cloned().unwrap_or_default(),
            parts: head.get("enctype").is_some_and(|e| e.starts_with("multipart")),
            ..Form::default()
        };
        for (at, _) in body.match_indices('<') {
            field(&body[at + 1..], &mut form);
        }
        out.push(form);
    }
    out
}

/// Whether a field names something by its form; how to reach a controller is told in words.
fn named(form: &Form, field: &str) -> bool {
    NAMES.contains(&field) && !form.action.starts_with("/processing")
}

/// Takes up one control of a form.
fn field(text: &str, form: &mut Form) {
    let name_of = |t: &BTreeMap<String, String>| t.get("name").cloned().unwrap_or_default();
    let has = |form: &Form, name: &str| form.fields.iter().any(|(n, _)| n == name);
    if let Some(rest) = text.strip_prefix("input") {
        let (t, _) = tag(rest);
        let (name, value) = (name_of(&t), t.get("value").cloned().unwrap_or_default());
        let of = |a: &str| t.get(a).cloned().unwrap_or_default();
        match t.get("type").map_or("text", String::as_str) {
            "hidden" => form.fields.push((name, value)),
            "radio" | "checkbox"
                if t.contains_key("checked") || (t.contains_key("required") && !has(form, &name)) =>
            {
                form.fields.push((name, value));
            }
            "radio" | "checkbox" | "file" => {}
            "date" => {
                let first =
                    [value, of("min"), of("max"), "2026-01-05".into()].into_iter().find(|v| !v.is_empty());
                form.fields.push((name, first.unwrap()));
            }
            "number" => {
                let first = [value, of("min"), "1".into()].into_iter().find(|v| !v.is_empty());
                form.fields.push((name, first.unwrap()));
            }
            "datetime-local" => form.fields.push((name, value)),
            _ if named(form, &name) => form.fields.push((name, value)),
            _ => form.typed.push(name),
        }
    } else if let Some(rest) = text.strip_prefix("textarea") {
        let (t, _) = tag(rest);
        let name = name_of(&t);
        if !named(form, &name) {
            form.typed.push(name);
        }
    } else if let Some(rest) = text.strip_prefix("select") {
        let (t, options) = tag(rest);
        let options = options.split("</select>").next().unwrap();
        let values: Vec<_> = options.split("<option").skip(1).map(|o| tag(o).0).collect();
        let chosen = values
            .iter()
            .find(|o| o.contains_key("selected"))
            .or_else(|| values.iter().find(|o| o.get("value").is_some_and(|v| !v.is_empty())));
        if let Some(value) = chosen.and_then(|o| o.get("value")) {
            form.fields.push((name_of(&t), value.clone()));
        }
    } else if let Some(rest) = text.strip_prefix("button") {
        let (t, _) = tag(rest);
        let name = name_of(&t);
        // The first button is pressed.
        if !name.is_empty() && !has(form, &name) {
            form.fields.push((name, t.get("value").cloned().unwrap_or_default()));
        }
    }
}

/// The place of a form without the ids in it, and the field.
fn place(action: &str, field: &str) -> String {
    let code = |p: &str| {
        p.starts_with(|c: char| c.is_ascii_uppercase()) && p.ends_with(|c: char| c.is_ascii_digit())
    };
    let id = |p: &str| p.len() == 36 || p.chars().all(|c| c.is_ascii_digit()) || (p.len() == 3 && code(p));
    let parts: Vec<&str> = action.split('/').map(|p| if !p.is_empty() && id(p) { "{}" } else { p }).collect();
    format!("{} {field}", parts.join("/"))
}

/// What was planted, and where it was taken.
#[derive(Default)]
struct Planted {
    markers: BTreeMap<String, String>,
    taken: BTreeSet<String>,
    /// Pages to look at when all is planted.
    pages: BTreeSet<String>,
    /// A call to hold, to keep and to ask for, and a day to look at it again.
    call: String,
    review: String,
}

impl Planted {
    /// Sends a form with markup in every field that is typed.
    async fn send(&mut self, w: &World, who: &Browser, form: &Form) {
        let places: Vec<String> = form.typed.iter().map(|f| place(&form.action, f)).collect();
        if places.is_empty() || places.iter().all(|p| self.taken.contains(p)) {
            return;
        }
        let mut fields = form.fields.clone();
        // What must be given beside the text, and has no default in the page.
        let mut give = |action: &str, name: &str, value: &str| {
            if form.action.starts_with(action) {
                fields.retain(|(n, _)| n != name);
                fields.push((name.to_owned(), value.to_owned()));
            }
        };
        for action in ["/requests/grants", "/retention/holds"] {
            give(action, "on", "conversation");
            give(action, "target", &self.call);
        }
        give("/retention/marks", "conversation", &self.call);
        give("/requests/grants", "act", "play_muted");
        give("/retention/holds", "review", &self.review);
        if form.action.contains("/turns/") {
            give("/conversations/", "word", "0");
        }
        give("/consents", "contact", "+1 202 555 0177");
        give("/dial", "number", "+1 202 555 0177");
        give("/people", "login", "somebody.else");
        give("/people", "role", "agent");
        give("/settings/services", "login", "another.machine");
        give("/training/policies", "policy", "clean-desk");
        give("/incidents/", "sha256", &"ab".repeat(32));
        for (field, place) in form.typed.iter().zip(&places) {
            let marker = format!("zq{}qz", self.markers.len());
            fields.push((field.clone(), format!("{HOSTILE} {marker}")));
            self.markers.insert(marker, place.clone());
        }
        let (kind, body) = if form.parts { parts(&fields) } else { encoded(&fields) };
        let request = who
            .request(Method::POST, &form.action)
            .header(header::CONTENT_TYPE, kind)
            .header(header::CONTENT_LENGTH, body.len())
            .body(Body::from(body))
            .unwrap();
        let answer = w.send(request).await;
        assert!(!answer.status.is_server_error(), "{form:?}: {}", answer.text());
        markup(&form.action, &answer.text());
        if answer.status.is_success() || answer.status.is_redirection() {
            self.taken.extend(places);
            self.pages.extend(Some(answer.header("location").to_owned()).filter(|l| !l.is_empty()));
        }
    }
}

fn encoded(fields: &[(String, String)]) -> (&'static str, String) {
    let hex = |t: &str| t.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let pairs: Vec<String> = fields.iter().map(|(n, v)| format!("{n}={}", hex(v))).collect();
    ("application/x-www-form-urlencoded", pairs.join("&"))
}

fn parts(fields: &[(String, String)]) -> (&'static str, String) {
    let one = |(n, v): &(String, String)| {
        format!("--sample\r\ncontent-disposition: form-data; name=\"{n}\"\r\n\r\n{v}\r\n")
    };
    let file = "--sample\r\ncontent-disposition: form-data; name=\"record\"; filename=\"<img src=x onerror=alert(2)>.txt\"\r\n\r\nI agree.\r\n";
    let all: String = fields.iter().map(one).collect();
    ("multipart/form-data; boundary=sample", format!("{all}{file}--sample--\r\n"))
}

/// Fails where what was sent came back as markup.
fn markup(page: &str, text: &str) {
    for bad in ["<script>alert", "<img src=x", "\"'&<img"] {
        let around =
            text.find(bad).map(|at| text[at.saturating_sub(200)..].chars().take(400).collect::<String>());
        assert!(around.is_none(), "{page} gives markup back: {}", around.unwrap());
    }
}

/// These pages as somebody sees them, with their text.
async fn read(f: &Filled, who: &Browser, paths: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for path in paths {
        let answer = f.w.get(who, &path).await;
        if answer.status.is_success() && answer.header("content-type").starts_with("text/html") {
            let text = answer.text();
            markup(&path, &text);
            out.push((path, text));
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn markup_in_every_text_field_of_every_form_comes_back_as_text() {
    let f = filled().await;
    let desk = [Role::PrivacyOfficer, Role::Compliance, Role::IncidentLead, Role::DisposalOfficer];
    let floor = [Role::Supervisor, Role::Qa, Role::Agent, Role::Auditor];
    let people: Vec<(Role, Browser)> = [("desk", &desk[..]), ("floor", &floor), ("admin", &[Role::Admin])]
        .into_iter()
        .map(|(login, roles)| {
            (roles[0], f.w.browser(&format!("typist.{login}"), roles).with(purpose(roles[0])))
        })
        .collect();
    let every = |role, who: &Browser| {
        let samples = pages().into_iter().filter(|p| p != "/sign-out" && !p.starts_with("/enrol/"));
        samples.filter_map(|p| f.sample(who, role, "GET", &p).ok().map(|s| s.path)).collect::<Vec<_>>()
    };
    let review =
        (f.w.vault.clock().now() + SignedDuration::from_hours(24 * 60)).strftime("%Y-%m-%d").to_string();
    let call = f.w.call(77).to_string();
    let (mut planted, mut seen) = (Planted { call, review, ..Planted::default() }, BTreeSet::new());
    // The desk comes twice: a form that its neighbour on the page made pointless is there again, on something new.
    for (role, who) in [&people[0], &people[0], &people[1], &people[2]] {
        let mut paths = every(*role, who);
        // Some forms stand only on pages that others led to.
        for _ in 0..2 {
            for (path, page) in read(&f, who, std::mem::take(&mut paths)).await {
                for form in forms(&page) {
                    planted.send(&f.w, who, &form).await;
                }
                seen.insert(path);
            }
            paths = planted.pages.difference(&seen).cloned().collect();
        }
    }
    seen.extend(planted.pages.iter().cloned());
    let (mut shown, mut looked) = (BTreeSet::new(), 0);
    for (_, who) in &people {
        for (_, page) in read(&f, who, seen.iter().cloned()).await {
            looked += 1;
            shown.extend(
                planted.markers.iter().filter(|(m, _)| page.contains(m.as_str())).map(|(_, p)| p.clone()),
            );
        }
    }
    let missing: Vec<_> = TYPED.iter().filter(|p| !planted.taken.contains(**p)).collect();
    eprintln!(
        "{} fields took markup, {} show it as text, {looked} pages read",
        planted.taken.len(),
        shown.len()
    );
    assert!(missing.is_empty(), "no form took markup in {missing:#?}; taken: {:#?}", planted.taken);
    let new: Vec<_> = planted.taken.iter().filter(|p| !TYPED.contains(&p.as_str())).collect();
    assert!(new.is_empty(), "name in TYPED what people can type now: {new:#?}");
    assert!(shown.len() >= 20, "the pages show too little of what was typed: {shown:#?}");
}

#[test]
fn the_reader_of_forms_sees_what_a_browser_sees_and_markup_is_found() {
    let page = "<form class=\"a\" method=\"post\" action=\"/x/1\"><input type=\"hidden\" name=\"csrf\" value=\"a&#34;b\">\
        <input name=\"reason\" required><textarea name=\"note\"></textarea><select name=\"s\"><option value=\"\">-</option>\
        <option value=\"v\">v</option></select></form><form method=\"get\" action=\"/y\"><input name=\"q\"></form>";
    let all = forms(page);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].typed, ["reason", "note"]);
    assert_eq!(all[0].fields, [("csrf".to_owned(), "a\"b".to_owned()), ("s".to_owned(), "v".to_owned())]);
    assert!(std::panic::catch_unwind(|| markup("/x", &format!("<p>{HOSTILE}</p>"))).is_err());
}
