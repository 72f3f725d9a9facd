//! The copy as a page that a person can read, in one file, without scripts and without anything from elsewhere.

use super::copy::{Copy, Said, Talk};
use std::fmt::Write;

const STYLE: &str = "body{font:16px/1.55 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.7rem}h2{font-size:1.2rem;margin-top:2.4rem;border-top:1px solid #d5dae0;padding-top:1rem}
.soft{color:#55606b;font-size:.92rem}.you{background:#eef4fb;border-radius:.5rem;padding:.4rem .7rem;margin:.4rem 0}
.they{padding:.4rem .7rem;margin:.4rem 0}.gone{color:#55606b;font-style:italic}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #e4e8ec;vertical-align:top}audio{width:100%}
@media(prefers-color-scheme:dark){body{background:#14181d;color:#e6eaef}.you{background:#1d2a38}.soft,.gone{color:#a4afba}h2,th,td{border-color:#2c343d}}";

fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The whole page.
pub(super) fn page(copy: &Copy) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\"><title>What is held about you</title><style>{STYLE}</style></head><body><main>\n<h1>What is held about you</h1>\n<p class=\"soft\">Made {}. The same as data for programs: <a href=\"copy.json\">copy.json</a>.</p>\n",
        esc(when(&copy.created_at))
    );
    about(&mut out, copy);
    for talk in &copy.conversations {
        conversation(&mut out, talk);
    }
    // What is carried away holds neither.
    if copy.portable.is_none() {
        recipients(&mut out, copy);
        retention(&mut out, copy);
    }
    out.push_str("</main></body></html>\n");
    out
}

fn about(out: &mut String, copy: &Copy) {
    let s = &copy.subject;
    out.push_str("<table>");
    for (name, values) in [("Name", &s.name), ("Telephone", &s.tel), ("E-mail", &s.mailto)] {
        if !values.is_empty() {
            let _ = write!(out, "<tr><th>{name}</th><td>{}</td></tr>", esc(&values.join(", ")));
        }
    }
    let _ = write!(
        out,
        "<tr><th>Conversations</th><td>{}</td></tr><tr><th>Left out</th><td>{} values</td></tr><tr><th>Record</th><td>{}</td></tr></table>\n<ul>",
        copy.conversations.len(),
        copy.left_out,
        esc(&s.uuid)
    );
    for note in &copy.notes {
        let _ = write!(out, "<li>{}</li>", esc(note));
    }
    out.push_str("</ul>\n");
}

fn conversation(out: &mut String, talk: &Talk) {
    let what = match talk.channel.as_str() {
        "voice" => "Telephone call",
        "chat" => "Chat",
        "sms" => "Text messages",
        _ => "E-mail",
    };
    let at = talk.start.as_deref().unwrap_or(&talk.received_at);
    let _ = writeln!(out, "<section><h2>{what}, {}</h2>", esc(when(at)));
    if let Some(file) = &talk.recording {
        let _ = writeln!(
            out,
            "<p><audio controls preload=\"none\" src=\"{}\"></audio><br><span class=\"soft\">Your voice; other voices are silent.</span></p>",
            esc(file)
        );
    }
    for said in &talk.dialog {
        turn(out, talk, said);
    }
    let listed: Vec<_> = talk.values.iter().filter(|v| v.value.is_some()).collect();
    if !listed.is_empty() {
        out.push_str("<table><tr><th>Kept apart, encrypted</th><th>Value</th></tr>");
        for v in listed {
            let value = v.value.as_deref().unwrap_or_default();
            let _ = write!(out, "<tr><td>{}</td><td>{}</td></tr>", esc(&v.entity), esc(value));
        }
        out.push_str("</table>\n");
    }
    for c in &talk.copies {
        let _ = write!(out, "<p class=\"soft\">{}: {}</p>", esc(&c.place), esc(&c.state));
    }
    if talk.attachments > 0 {
        let _ = write!(out, "<p class=\"soft\">{} attachments, on request</p>", talk.attachments);
    }
    out.push_str("</section>\n");
}

fn turn(out: &mut String, talk: &Talk, said: &Said) {
    let you = talk.parties.get(said.party).is_some_and(|p| p.you);
    let who = if you {
        "You"
    } else if talk.parties.get(said.party).is_some_and(|p| p.role == "agent") {
        "Our staff"
    } else {
        "Another person"
    };
    let class = if you { "you" } else { "they" };
    match &said.body {
        Some(body) => {
            let _ = writeln!(out, "<p class=\"{class}\"><strong>{who}:</strong> {}</p>", esc(body));
        }
        None => {
            let _ = writeln!(out, "<p class=\"they gone\">{who}: left out</p>");
        }
    }
}

fn recipients(out: &mut String, copy: &Copy) {
    out.push_str("<section><h2>Who was shown something of it</h2>\n");
    if copy.recipients.is_empty() {
        out.push_str("<p>Nobody.</p>");
    } else {
        out.push_str("<table><tr><th>When</th><th>Who</th><th>What</th><th>What for</th></tr>");
        for r in &copy.recipients {
            let refused = if r.refused { " (refused)" } else { "" };
            let _ = write!(
                out,
                "<tr><td>{}</td><td>{}</td><td>{}{refused}</td><td>{}</td></tr>",
                esc(when(&r.at)),
                r.who,
                esc(&r.act.replace('_', " ")),
                esc(&r.purpose.replace('_', " "))
            );
        }
        out.push_str("</table>");
    }
    out.push_str("</section>\n");
}

fn retention(out: &mut String, copy: &Copy) {
    out.push_str(
        "<section><h2>How long it is kept</h2>\n<table><tr><th>What</th><th>Where</th><th>Days</th></tr>",
    );
    for r in &copy.retention {
        let days = r.days.map_or_else(|| "until it is erased".to_owned(), |d| d.to_string());
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{days}</td></tr>",
            esc(&r.class.replace('_', " ")),
            esc(&r.channel)
        );
    }
    out.push_str("</table></section>\n");
}

/// Day and minute of an RFC 3339 time.
fn when(at: &str) -> &str {
    at.get(..16).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_said_is_text_and_never_markup() {
        assert_eq!(esc("<script>'\"&"), "&lt;script&gt;&#39;&quot;&amp;");
    }
}
