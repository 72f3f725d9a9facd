//! One-time codes of an authenticator app (RFC 6238): SHA-1, six digits, thirty seconds, one step of drift, each code
//! once. SHA-1 because the apps know nothing else; HMAC does not need its collision resistance.

use super::{FactorError, base32};
use callvault_model::{Entropy, Secret};
use jiff::Timestamp;
use totp_rs::{Algorithm, Builder, Totp};

/// 160 bits, as RFC 4226 recommends.
const BYTES: usize = 20;
const STEP_SECONDS: u64 = 30;
/// Longest text looked at; apps show a space in the middle.
const MAX_TYPED: usize = 16;
/// Who the app says the code is for.
pub const ISSUER: &str = "callvault";

/// The secret that the app and the program share.
#[derive(Debug)]
pub struct TotpSecret(Secret<[u8; BYTES]>);

impl TotpSecret {
    /// A new secret.
    pub fn make(entropy: &dyn Entropy) -> Result<Self, FactorError> {
        let mut bytes = [0u8; BYTES];
        entropy.fill(&mut bytes)?;
        Ok(Self(Secret::new(bytes)))
    }

    /// The secret from the bytes that were sealed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FactorError> {
        bytes.try_into().map(|b| Self(Secret::new(b))).map_err(|_| FactorError::StoredSecret)
    }

    /// The bytes, to be sealed.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// What somebody types into an app that has no camera.
    pub fn base32(&self) -> Secret<String> {
        Secret::new(base32::encode(self.expose()))
    }

    /// What the square for the camera holds. A colon in the login would end the issuer early, so it is replaced.
    pub fn otpauth_url(&self, login: &str) -> Result<Secret<String>, FactorError> {
        let totp = self.totp(&login.replace(':', "."))?;
        totp.to_url().map(Secret::new).map_err(|_| FactorError::StoredSecret)
    }

    /// Checks a code. `last_step` is what the last accepted code returned, 0 at first; a code of that step or of an
    /// earlier one is refused. On success the caller keeps the returned step, in the transaction of the sign-in.
    pub fn check(&self, typed: &str, now: Timestamp, last_step: u64) -> Result<u64, FactorError> {
        if typed.len() > MAX_TYPED {
            return Err(FactorError::WrongCode);
        }
        let digits: String = typed.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let now = u64::try_from(now.as_second()).map_err(|_| FactorError::WrongCode)?;
        let step = self.totp("account")?.check(&digits, now).ok_or(FactorError::WrongCode)?;
        if step > last_step { Ok(step) } else { Err(FactorError::UsedCode) }
    }

    fn totp(&self, login: &str) -> Result<Totp, FactorError> {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(1)
            .with_step_duration(STEP_SECONDS)
            .with_secret(self.expose().to_vec())
            .with_issuer(Some(ISSUER))
            .with_account_name(login)
            .build()
            .map_err(|_| FactorError::StoredSecret)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Counting, Dry};
    use super::*;

    /// The secret of the vectors in RFC 6238, appendix B.
    fn rfc() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_vectors_of_rfc_6238_are_accepted() {
        // The last six of the eight digits in the RFC.
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc().check(code, at(second), 0), Ok(u64::try_from(second).unwrap() / 30));
        }
        assert_eq!(rfc().check(" 287 082 ", at(59), 0), Ok(1));
    }

    #[test]
    fn a_code_lives_one_step_around_its_own() {
        let (step, code) = (41_152_263_i64, "005924");
        for (second, good) in
            [(step * 30 - 31, false), (step * 30 - 30, true), (step * 30 + 59, true), (step * 30 + 60, false)]
        {
            let got = rfc().check(code, at(second), 0);
            assert_eq!(got.is_ok(), good, "{second}");
            assert!(good || got == Err(FactorError::WrongCode));
        }
    }

    #[test]
    fn a_replayed_code_and_an_older_one_are_refused() {
        let now = at(1_234_567_890);
        let step = rfc().check("005924", now, 0).unwrap();
        assert_eq!(rfc().check("005924", now, step), Err(FactorError::UsedCode));
        assert_eq!(rfc().check("005924", now, step + 1), Err(FactorError::UsedCode));
        assert_eq!(rfc().check("005924", now, step - 1), Ok(step));
    }

    #[test]
    fn what_is_no_code_is_wrong_and_never_a_panic() {
        let long = "1".repeat(1 << 20);
        for bad in ["", "05924", "0005924", "+05924", "00592x", "００５９２４", "-00592", "005924\0", &long]
        {
            assert_eq!(rfc().check(bad, at(1_234_567_890), 0), Err(FactorError::WrongCode));
        }
        assert_eq!(rfc().check("005924", at(-5), 0), Err(FactorError::WrongCode));
        assert_eq!(TotpSecret::from_bytes(b"short").unwrap_err(), FactorError::StoredSecret);
        assert_eq!(TotpSecret::make(&Dry).unwrap_err().code(), "no_entropy");
    }

    #[test]
    fn the_app_is_told_issuer_login_and_secret() {
        let secret = rfc();
        assert_eq!(secret.base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let url = secret.otpauth_url("eve:x@example.test").unwrap();
        let url = url.expose();
        assert!(url.starts_with("otpauth://totp/callvault:eve.x%40example.test?"), "{url}");
        assert!(url.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{url}");
        assert!(url.contains("issuer=callvault"), "{url}");
        assert_eq!(format!("{secret:?}"), "TotpSecret([sealed])");
        let entropy = Counting::default();
        let (a, b) = (TotpSecret::make(&entropy).unwrap(), TotpSecret::make(&entropy).unwrap());
        assert_ne!(a.expose(), b.expose());
    }
}
