//! Asterisk, FreePBX and FreeSWITCH on the same machine: what their own files say. Secrets are compared, never kept.

use super::{
    place::{Web, folder},
    read_text, sip,
};
use crate::posture::{
    Seen, Settings,
    facts::{Control, Pbx, Transport},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const MAX_FILE: u64 = 4 << 20;
const MOST_FILES: usize = 300;
/// Secrets that makers and handbooks ship.
const SHIPPED: &[&str] = &[
    "", "1234", "12345", "123456", "admin", "amp111", "amp109", "asterisk", "changeme", "cluecon", "default",
    "freepbx", "mysecret", "password", "passw0rd", "secret", "secret5", "test", "voip",
];
const FREESWITCH: &[&str] = &["/etc/freeswitch", "/usr/local/freeswitch/conf", "/opt/freeswitch/conf"];
const FREESWITCH_RECORDINGS: &[&str] =
    &["/var/lib/freeswitch/recordings", "/usr/local/freeswitch/recordings", "/opt/freeswitch/recordings"];

/// Looks for a telephone system.
pub fn look(settings: &Settings, web: &Web) -> Seen<Pbx> {
    let mut out = Pbx::default();
    let asterisk = settings.host("/etc/asterisk");
    if asterisk.is_dir() {
        let free = ["/etc/freepbx.conf", "/etc/amportal.conf"].iter().any(|f| settings.host(f).exists());
        out.kinds.push(if free { "FreePBX" } else { "Asterisk" }.to_owned());
        read_asterisk(settings, &asterisk, web, &mut out);
    }
    if let Some(conf) = FREESWITCH.iter().map(|p| settings.host(p)).find(|p| p.is_dir()) {
        out.kinds.push("FreeSWITCH".to_owned());
        read_freeswitch(settings, &conf, web, &mut out);
    }
    if out.kinds.is_empty() {
        return Seen::Absent("no Asterisk, FreePBX or FreeSWITCH is on this machine".into());
    }
    if let Some(first) = out.unreadable.first() {
        return Seen::Unknown(format!(
            "{} of its files cannot be read by this account, such as {first}; run the audit as an account that may",
            out.unreadable.len()
        ));
    }
    Seen::Known(out)
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == ending))
        .take(MOST_FILES)
        .collect();
    out.sort();
    out
}

fn text(path: &Path, out: &mut Pbx) -> String {
    match read_text(path, MAX_FILE) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(_) => {
            out.unreadable.push(path.display().to_string());
            String::new()
        }
    }
}

fn loopback(bind: &str) -> bool {
    let host = bind
        .rsplit_once(':')
        .filter(|(h, _)| !h.contains(':') || h.starts_with('['))
        .map_or(bind, |(h, _)| h);
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback())
}

fn secret(value: &str, place: String, out: &mut Pbx) {
    out.secrets = out.secrets.saturating_add(1);
    if SHIPPED.contains(&value.trim().to_ascii_lowercase().as_str()) {
        out.shipped_secrets.push(place);
    }
}

fn read_asterisk(settings: &Settings, dir: &Path, web: &Web, out: &mut Pbx) {
    for path in files(dir, "conf") {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let shown = path.display().to_string();
        match name.as_str() {
            n if n.starts_with("manager") => manager(&sip::parse(&text(&path, out)), &shown, out),
            n if n.starts_with("pjsip") => pjsip(&sip::parse(&text(&path, out)), &shown, out),
            "sip.conf" => chan_sip(&sip::parse(&text(&path, out)), &shown, out),
            _ => {}
        }
    }
    let spool = sip::parse(&text(&dir.join("asterisk.conf"), out))
        .iter()
        .find(|s| s.name == "directories")
        .and_then(|s| s.get("astspooldir").map(str::to_owned))
        .unwrap_or_else(|| "/var/spool/asterisk".into());
    for name in ["monitor", "voicemail"] {
        let path = settings.host(&format!("{spool}/{name}"));
        if path.is_dir() {
            out.recordings.push(folder(&path, web));
        }
    }
}

fn manager(sections: &[sip::Section], file: &str, out: &mut Pbx) {
    for section in sections {
        if section.name == "general" && section.yes("enabled") {
            let bind = section.get("bindaddr").unwrap_or("0.0.0.0").to_owned();
            out.controls.push(Control { file: file.to_owned(), loopback: loopback(&bind), bind });
        }
        if section.name != "general"
            && let Some(value) = section.get("secret").map(str::to_owned)
        {
            secret(&value, format!("{file}, manager user {}", section.name), out);
        }
    }
}

fn pjsip(sections: &[sip::Section], file: &str, out: &mut Pbx) {
    for section in sections.iter().filter(|s| !s.template) {
        match section.get("type") {
            Some("transport") => {
                let encrypted = matches!(section.get("protocol"), Some("tls" | "wss"));
                let local = section.get("bind").is_some_and(loopback);
                out.transports.push(Transport {
                    file: file.to_owned(),
                    name: section.name.clone(),
                    encrypted: encrypted || local,
                });
            }
            Some("endpoint") => {
                out.plain_media.1 = out.plain_media.1.saturating_add(1);
                let covered =
                    matches!(section.get("media_encryption"), Some("sdes" | "dtls")) || section.yes("webrtc");
                if !covered {
                    out.plain_media.0 = out.plain_media.0.saturating_add(1);
                }
            }
            Some("auth") => {
                if let Some(value) = section.get("password").map(str::to_owned) {
                    secret(&value, format!("{file}, {}", section.name), out);
                }
            }
            _ => {}
        }
    }
}

fn chan_sip(sections: &[sip::Section], file: &str, out: &mut Pbx) {
    let Some(general) = sections.iter().find(|s| s.name == "general") else { return };
    // The old driver always opens its UDP port, whatever else it offers.
    let local = general.get("udpbindaddr").or(general.get("bindaddr")).is_some_and(loopback);
    out.transports.push(Transport { file: file.to_owned(), name: "udp".into(), encrypted: local });
    if general.yes("tlsenable") {
        out.transports.push(Transport { file: file.to_owned(), name: "tls".into(), encrypted: true });
    }
    for peer in sections.iter().filter(|s| s.name != "general" && !s.template && s.get("type").is_some()) {
        out.plain_media.1 = out.plain_media.1.saturating_add(1);
        if !peer.yes("encryption") {
            out.plain_media.0 = out.plain_media.0.saturating_add(1);
        }
        if let Some(value) = peer.get("secret").map(str::to_owned) {
            secret(&value, format!("{file}, {}", peer.name), out);
        }
    }
}

fn read_freeswitch(settings: &Settings, conf: &Path, web: &Web, out: &mut Pbx) {
    let vars = conf.join("vars.xml");
    let known: BTreeMap<String, String> = elements(&text(&vars, out))
        .filter_map(|e| {
            e.get("data")?.split_once('=').map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()))
        })
        .collect();
    if let Some(value) = known.get("default_password") {
        secret(value, format!("{}, default_password", vars.display()), out);
    }
    let value = |raw: &str| -> String {
        let name = raw.strip_prefix("$${").and_then(|r| r.strip_suffix('}'));
        name.and_then(|n| known.get(n).cloned()).unwrap_or_else(|| raw.to_owned())
    };
    let socket = conf.join("autoload_configs/event_socket.conf.xml");
    let params = params(&text(&socket, out));
    if let Some(bind) = params.get("listen-ip").map(|v| value(v)) {
        out.controls.push(Control { file: socket.display().to_string(), loopback: loopback(&bind), bind });
    }
    if let Some(word) = params.get("password") {
        secret(&value(word), format!("{}, event socket", socket.display()), out);
    }
    for profile in files(&conf.join("sip_profiles"), "xml") {
        let params = self::params(&text(&profile, out));
        let on = |name: &str| params.get(name).is_some_and(|v| value(v).eq_ignore_ascii_case("true"));
        let plain_port = params.contains_key("sip-port");
        out.transports.push(Transport {
            file: profile.display().to_string(),
            name: profile.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
            encrypted: on("tls") && (on("tls-only") || !plain_port),
        });
    }
    for path in FREESWITCH_RECORDINGS.iter().map(|p| settings.host(p)).filter(|p| p.is_dir()) {
        out.recordings.push(folder(&path, web));
    }
}

/// `<param name="…" value="…"/>` of a file.
fn params(text: &str) -> BTreeMap<String, String> {
    elements(text).filter_map(|mut e| Some((e.remove("name")?, e.remove("value")?))).collect()
}

/// The attributes of each element, up to the first place that is no XML. Entities are not expanded.
fn elements(text: &str) -> impl Iterator<Item = BTreeMap<String, String>> + '_ {
    let mut reader = quick_xml::Reader::from_str(text);
    std::iter::from_fn(move || {
        loop {
            match reader.read_event() {
                Ok(quick_xml::events::Event::Start(e) | quick_xml::events::Event::Empty(e)) => {
                    return Some(
                        e.attributes()
                            .with_checks(false)
                            .take(64)
                            .flatten()
                            .map(|a| (a.key.as_ref().to_owned(), a.value.into_owned()))
                            .collect(),
                    );
                }
                Ok(quick_xml::events::Event::Eof) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    })
}

#[cfg(test)]
mod tests;
