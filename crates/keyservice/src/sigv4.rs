//! AWS Signature Version 4, of a request with a body and no query: what KMS is asked with. The primitives are those of
//! `callvault-seal`; the tests are AWS's published ones.

use crate::aws::Credentials;
use callvault_seal::{hex, hmac_sha256, sha256};
use jiff::Timestamp;
use zeroize::Zeroizing;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs, and for what.
pub struct Signer<'a> {
    pub credentials: &'a Credentials,
    pub region: &'a str,
    pub service: &'a str,
}

/// The time as it stands in `X-Amz-Date`.
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

impl Signer<'_> {
    /// The header `Authorization`. `headers` are all that are signed, with names in lower case and sorted; `stamp` is the
    /// value of `x-amz-date` among them.
    pub fn authorization(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        stamp: &str,
    ) -> String {
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let canonical = format!("{method}\n{path}\n\n{lines}\n{names}\n{}", hex(&sha256(body)));
        let day = stamp.get(..8).unwrap_or(stamp);
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!("{ALGORITHM}\n{stamp}\n{scope}\n{}", hex(&sha256(canonical.as_bytes())));
        let signature = hex(&*hmac_sha256(&*self.key(day), to_sign.as_bytes()));
        format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.credentials.id
        )
    }

    /// The key of one day, region and service.
    fn key(&self, day: &str) -> Zeroizing<[u8; 32]> {
        let secret = Zeroizing::new(format!("AWS4{}", self.credentials.secret.expose()));
        let of_day = hmac_sha256(secret.as_bytes(), day.as_bytes());
        let of_region = hmac_sha256(&*of_day, self.region.as_bytes());
        let of_service = hmac_sha256(&*of_region, self.service.as_bytes());
        hmac_sha256(&*of_service, b"aws4_request")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use callvault_model::Secret;

    fn credentials() -> Credentials {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned());
        Credentials { id: "AKIDEXAMPLE".into(), secret, session: None }
    }

    /// The signing key in AWS's documentation ("Deriving the signing key").
    #[test]
    fn the_key_of_a_day_is_that_of_the_documentation() {
        let credentials = credentials();
        let signer = Signer { credentials: &credentials, region: "us-east-1", service: "iam" };
        assert_eq!(
            hex(&*signer.key("20150830")),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
        );
    }

    /// Cases of AWS's published test suite for Signature Version 4, by their names there.
    #[test]
    fn signatures_are_those_of_the_published_suite() {
        let credentials = credentials();
        let signer = Signer { credentials: &credentials, region: "us-east-1", service: "service" };
        let (host, date) = (("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z"));
        let form = ("content-type", "application/x-www-form-urlencoded");
        for (case, method, headers, body, wanted) in [
            (
                "get-vanilla",
                "GET",
                vec![host, date],
                "",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "post-vanilla",
                "POST",
                vec![host, date],
                "",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "post-x-www-form-urlencoded",
                "POST",
                vec![form, host, date],
                "Param1=value1",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            (
                "get-header-value-trim",
                "GET",
                vec![host, ("my-header1", " value1"), ("my-header2", " \"a b c\""), date],
                "",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
        ] {
            let said = signer.authorization(method, "/", &headers, body.as_bytes(), date.1);
            assert!(said.ends_with(&format!("Signature={wanted}")), "{case}: {said}");
            assert!(said.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            ));
        }
    }

    #[test]
    fn a_time_is_written_in_utc() {
        assert_eq!(stamp("2026-11-28T23:04:05.9-05:00".parse().unwrap()), "20261129T040405Z");
    }
}
