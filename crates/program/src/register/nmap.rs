//! nmap's XML: open ports, and what its scripts say of vulnerabilities. Read as a stream: a document type is passed over,
//! entities are not expanded, depth is limited.

use super::{Grade, MAX_DEPTH, MOST, Scan, Told, clean};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

/// Ports whose protocols carry words and passwords in clear.
const CLEAR: &[(&str, &str)] = &[
    ("21", "FTP"),
    ("23", "Telnet"),
    ("69", "TFTP"),
    ("80", "HTTP"),
    ("110", "POP3"),
    ("143", "IMAP"),
    ("389", "LDAP"),
    ("512", "rexec"),
    ("513", "rlogin"),
    ("514", "rsh"),
    ("5038", "Asterisk manager"),
    ("5060", "SIP"),
    ("8021", "FreeSWITCH event socket"),
];

#[derive(Default)]
struct Place {
    host: String,
    port: String,
    protocol: String,
    service: String,
    open: bool,
    vulnerable: Vec<(String, String)>,
}

pub fn parse(text: &str) -> Result<Scan, String> {
    let mut reader = Reader::from_str(text);
    let mut out = Scan { tool: "nmap".into(), findings: Vec::new() };
    let (mut depth, mut seen, mut finished) = (0usize, false, false);
    let mut at = Place::default();
    loop {
        let event = reader.read_event().map_err(|e| format!("it is no XML: {e}"))?;
        match event {
            Event::Start(e) => {
                depth = depth.saturating_add(1);
                if depth > MAX_DEPTH {
                    return Err(format!("it is nested deeper than {MAX_DEPTH}"));
                }
                if depth == 1 {
                    seen = e.name().as_ref() == "nmaprun";
                    if !seen {
                        return Err("it is XML of another program".into());
                    }
                }
                element(&e, &mut at);
            }
            Event::Empty(e) => element(&e, &mut at),
            Event::End(e) => {
                depth = depth.saturating_sub(1);
                match e.name().as_ref() {
                    "port" => out.findings.extend(close(&mut at)),
                    "host" => at = Place::default(),
                    "nmaprun" => finished = true,
                    _ => {}
                }
            }
            Event::Eof => break,
            _ => {}
        }
        if out.findings.len() > MOST {
            return Err(format!("it tells of more than {MOST} findings"));
        }
    }
    if !seen || !finished {
        return Err("it is cut off".into());
    }
    Ok(out)
}

fn element(e: &BytesStart<'_>, at: &mut Place) {
    let get = |name: &str| -> String {
        e.attributes()
            .with_checks(false)
            .take(64)
            .flatten()
            .find(|a| a.key.as_ref() == name)
            .map(|a| clean(&a.value))
            .unwrap_or_default()
    };
    match e.name().as_ref() {
        "address" if get("addrtype") != "mac" => at.host = get("addr"),
        "port" => {
            at.port = get("portid");
            at.protocol = get("protocol");
            at.open = false;
            at.service.clear();
            at.vulnerable.clear();
        }
        "state" => at.open = get("state") == "open",
        "service" => at.service = get("name"),
        "script" => {
            let output = get("output");
            if output.contains("VULNERABLE")
                && !output.contains("NOT VULNERABLE")
                && at.vulnerable.len() < 100
            {
                at.vulnerable.push((get("id"), output));
            }
        }
        _ => {}
    }
}

fn close(at: &mut Place) -> Vec<Told> {
    if !at.open || at.port.is_empty() {
        return Vec::new();
    }
    let asset = clean(&format!("{}:{}/{}", at.host, at.port, at.protocol));
    let clear = CLEAR.iter().find(|(port, _)| *port == at.port);
    let (grade, title) = match clear {
        Some((_, name)) => (Grade::High, format!("port {} is open and {name} is not encrypted", at.port)),
        None => (Grade::Low, format!("port {} ({}) is open", at.port, at.service)),
    };
    let mut out = vec![Told {
        rule: format!("open-port-{}", at.port),
        asset: asset.clone(),
        title: clean(&title),
        grade,
    }];
    for (script, output) in at.vulnerable.drain(..) {
        out.push(Told { rule: script, asset: asset.clone(), title: output, grade: Grade::High });
    }
    out
}
