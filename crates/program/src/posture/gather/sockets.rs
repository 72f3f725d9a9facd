//! Ports that are open to the network, as the kernel lists them.

use super::read_text;
use crate::posture::{Seen, Settings, facts::OpenPort};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

const MAX_TABLE: u64 = 16 << 20;
const LISTENING: &str = "0A";

/// Every TCP port bound to more than the loopback. The port of our own server is listed by itself.
pub fn open(settings: &Settings, ours: Option<u16>) -> Seen<Vec<OpenPort>> {
    let tables = ["tcp", "tcp6"].map(|name| {
        let first = settings.host(&format!("/proc/1/net/{name}"));
        let path = if settings.host_root.is_some() && first.exists() {
            first
        } else {
            settings.host(&format!("/proc/net/{name}"))
        };
        read_text(&path, MAX_TABLE)
    });
    if tables.iter().all(Result::is_err) {
        return Seen::Unknown("the kernel's table of sockets could not be read".into());
    }
    let mut found = BTreeSet::new();
    for line in tables.iter().flatten().flat_map(|t| t.lines().skip(1)) {
        let mut words = line.split_whitespace().skip(1);
        let (Some(local), Some(_), Some(LISTENING)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        if let Some((address, port)) = parse(local).filter(|(a, _)| !is_loopback(*a)) {
            let allowed = settings.allowed_ports.get(&port.to_string()).cloned();
            let allowed = allowed.or_else(|| (ours == Some(port)).then(|| "callvault".to_owned()));
            found.insert(OpenPort { port, address: address.to_string(), allowed });
        }
    }
    Seen::Known(found.into_iter().collect())
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_loopback(),
        IpAddr::V6(a) => a.is_loopback() || a.to_ipv4_mapped().is_some_and(|a| a.is_loopback()),
    }
}

/// `0100007F:1F90`: each 32-bit word in the machine's own byte order.
fn parse(local: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = local.split_once(':')?;
    let word = |i: usize| {
        u32::from_str_radix(address.get(i.checked_mul(8)?..i.checked_mul(8)?.checked_add(8)?)?, 16).ok()
    };
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?.to_ne_bytes())),
        32 => {
            let mut bytes = [0u8; 16];
            for (i, part) in bytes.chunks_mut(4).enumerate() {
                part.copy_from_slice(&word(i)?.to_ne_bytes());
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some((address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("proc/net")).unwrap();
        let head = "  sl  local_address rem_address   st\n";
        let v4 = "   0: 0100007F:1F90 00000000:0000 0A\n   1: 00000000:13AE 00000000:0000 0A\n   2: 00000000:0016 0100007F:1234 01\n   3: 00000000:20FB 00000000:0000 0A\n";
        let v6 = "   0: 00000000000000000000000001000000:1F91 0:0 0A\n   1: 00000000000000000000000000000000:0050 0:0 0A\n";
        std::fs::write(root.path().join("proc/net/tcp"), format!("{head}{v4}")).unwrap();
        std::fs::write(root.path().join("proc/net/tcp6"), format!("{head}{v6}")).unwrap();
        let mut settings = Settings { host_root: Some(root.path().to_owned()), ..Settings::default() };
        settings.allowed_ports.insert("80".into(), "redirects to TLS".into());
        let Seen::Known(ports) = open(&settings, Some(8443)) else { panic!() };
        let seen: Vec<_> = ports.iter().map(|p| (p.port, p.allowed.is_some())).collect();
        assert_eq!(seen, [(80, true), (5038, false), (8443, true)]);
    }
}
