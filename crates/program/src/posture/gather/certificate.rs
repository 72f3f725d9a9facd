//! The server's certificate, as a browser would judge it.

use super::read_text;
use crate::posture::facts::ServerCertificate;
use std::path::Path;
use x509_parser::{extensions::GeneralName, pem::Pem, public_key::PublicKey};

const MAX_FILE: u64 = 1 << 20;

/// Reads the first certificate of a PEM file.
pub fn read(path: &Path, wanted: &str) -> Result<ServerCertificate, String> {
    let say = |what: &str| format!("{}: {what}", path.display());
    let text = read_text(path, MAX_FILE).map_err(|e| say(&e.to_string()))?;
    let pem = Pem::iter_from_buffer(text.as_bytes())
        .take(16)
        .filter_map(Result::ok)
        .find(|p| p.label == "CERTIFICATE")
        .ok_or_else(|| say("it holds no certificate"))?;
    let parsed = pem.parse_x509().map_err(|_| say("its certificate cannot be read"))?;
    let (key, strong) = match parsed.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => (format!("RSA {}", rsa.key_size()), rsa.key_size() >= 2048),
        Ok(PublicKey::EC(ec)) => (format!("EC {}", ec.key_size()), ec.key_size() >= 256),
        Ok(_) => ("another key".to_owned(), true),
        Err(_) => ("a key that cannot be read".to_owned(), false),
    };
    let mut names: Vec<String> = Vec::new();
    if let Ok(Some(san)) = parsed.subject_alternative_name() {
        names.extend(san.value.general_names.iter().take(100).filter_map(|name| match name {
            GeneralName::DNSName(dns) => Some((*dns).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        }));
    }
    Ok(ServerCertificate {
        path: path.display().to_string(),
        self_signed: parsed.issuer() == parsed.subject(),
        not_after: parsed.validity().not_after.timestamp(),
        not_before: parsed.validity().not_before.timestamp(),
        names,
        wanted: wanted.to_owned(),
        key,
        strong,
        private: None,
    })
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4: Option<[u8; 4]> = bytes.try_into().ok();
    let v6: Option<[u8; 16]> = bytes.try_into().ok();
    v4.map(|b| std::net::Ipv4Addr::from(b).to_string())
        .or_else(|| v6.map(|b| std::net::Ipv6Addr::from(b).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_our_own_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["calls.example.org".to_owned()]).unwrap();
        let path = dir.path().join("c.pem");
        std::fs::write(&path, made.cert.pem()).unwrap();
        let seen = read(&path, "calls.example.org").unwrap();
        assert!(seen.self_signed && seen.strong && seen.not_after > seen.not_before);
        assert_eq!(
            (seen.names.as_slice(), seen.key.as_str()),
            (["calls.example.org".to_owned()].as_slice(), "EC 256")
        );
        std::fs::write(&path, "no certificate").unwrap();
        assert!(read(&path, "x").unwrap_err().contains("holds no certificate"));
    }
}
