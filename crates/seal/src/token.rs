//! Random typed tokens. Sensitive authentication data has no token type, so the compiler refuses it.

use crate::{SealError, digest::Sha256, text};
use callvault_model::{EntityType, Entropy};
use std::{fmt, str::FromStr};

macro_rules! token_types {
    ($($name:ident),+ $(,)?) => {
        /// What a token may stand for: every entity type but those that must never be kept.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum TokenType {
            $(#[doc = concat!("A value of type ", stringify!($name), ".")] $name,)+
        }

        impl TokenType {
            /// Every type that has a token.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }

        impl From<TokenType> for EntityType {
            fn from(t: TokenType) -> Self {
                match t { $(TokenType::$name => Self::$name),+ }
            }
        }

        impl TryFrom<EntityType> for TokenType {
            type Error = SealError;
            fn try_from(t: EntityType) -> Result<Self, SealError> {
                match t {
                    $(EntityType::$name => Ok(Self::$name),)+
                    EntityType::Cvv | EntityType::Pin | EntityType::TrackData => Err(SealError::NeverStored(t)),
                }
            }
        }
    };
}

token_types! {
    Person, Address, Location, ZipCode, PhoneNumber, EmailAddress, Dob, Age, DateTime, UsSsn, UsItin, NationalId,
    Passport, DriverLicense, VehicleId, CreditCard, Expiry, AccountId, RoutingNumber, IbanCode, Swift, MedicalId,
    MemberId, Condition, Medication, Procedure, BloodType, Username, Password, SecurityAnswer, Otp, ReferenceId,
    IpAddress, MacAddress, Url, DeviceId, ApiSecret, Nrp, Religion, Sexuality, UnionMembership, Organization, Title,
}

const PREFIX: &str = "tok_";
const RANDOM: usize = 16;
const RANDOM_LETTERS: usize = 26;
const CHECK_LETTERS: usize = 4;

/// `tok_<type>_<26 random letters><4 check letters>`; tells its type and nothing of the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    kind: TokenType,
    text: String,
}

impl Token {
    /// A new random token.
    pub fn random(kind: TokenType, entropy: &dyn Entropy) -> Result<Self, SealError> {
        let mut bytes = [0u8; RANDOM];
        entropy.fill(&mut bytes)?;
        let random = text::base32(&bytes);
        let name = type_name(kind);
        let text = [PREFIX, &name, "_", &random, &checksum(&name, &random)].concat();
        Ok(Self { kind, text })
    }

    /// What it stands for.
    pub fn kind(&self) -> TokenType {
        self.kind
    }

    /// The token itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, for keeping.
    pub fn into_text(self) -> String {
        self.text
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Token {
    type Err = SealError;
    fn from_str(s: &str) -> Result<Self, SealError> {
        parse(s).ok_or(SealError::Token)
    }
}

fn parse(s: &str) -> Option<Token> {
    let (name, tail) = s.strip_prefix(PREFIX)?.rsplit_once('_')?;
    let kind = TokenType::ALL.iter().copied().find(|t| type_name(*t) == name)?;
    let (random, check) = tail.split_at_checked(RANDOM_LETTERS)?;
    let sound = text::unbase32(random).is_some_and(|b| b.len() == RANDOM) && check == checksum(name, random);
    sound.then(|| Token { kind, text: s.to_owned() })
}

fn type_name(kind: TokenType) -> String {
    EntityType::from(kind).as_str().to_ascii_lowercase()
}

/// Twenty bits against typing errors; it protects no secret.
fn checksum(name: &str, random: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"callvault.token.v1\0");
    hash.update(name.as_bytes());
    hash.update(b"_");
    hash.update(random.as_bytes());
    let [a, b, c, ..] = hash.finish();
    // Three bytes hold the letters that are kept.
    let mut check = text::base32(&[a, b, c]);
    check.truncate(CHECK_LETTERS);
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsEntropy;

    #[test]
    fn sensitive_authentication_data_has_no_token_and_everything_else_has() {
        for t in EntityType::ALL.iter().copied() {
            match TokenType::try_from(t) {
                Ok(k) => {
                    assert_eq!(EntityType::from(k), t);
                    assert!(!t.is_sensitive_authentication_data());
                }
                Err(e) => {
                    assert!(t.is_sensitive_authentication_data());
                    assert!(e.to_string().contains("card rules"));
                }
            }
        }
        assert_eq!(TokenType::ALL.len() + 3, EntityType::ALL.len());
    }

    #[test]
    fn tokens_round_trip_and_every_single_typing_error_is_caught() {
        let t = Token::random(TokenType::CreditCard, &OsEntropy).unwrap();
        assert!(t.as_str().starts_with("tok_credit_card_"));
        assert_eq!(t.as_str().parse::<Token>().unwrap(), t);
        let mut missed = 0;
        for i in 0..t.as_str().len() {
            for c in "abcdefghijklmnopqrstuvwxyz234567".chars() {
                let mut s: Vec<char> = t.as_str().chars().collect();
                if s[i] != c {
                    s[i] = c;
                    missed += usize::from(s.into_iter().collect::<String>().parse::<Token>().is_ok());
                }
            }
        }
        // 20 bits of checksum: about 1,400 wrong texts give one false match in 700 runs.
        assert!(missed <= 1, "{missed}");
        for bad in ["", "tok_", "tok_cvv_aaaa", "tok_person_é", "person"] {
            assert!(bad.parse::<Token>().is_err());
        }
    }

    #[test]
    fn ten_thousand_tokens_differ() {
        let all: std::collections::HashSet<_> =
            (0..10_000).map(|_| Token::random(TokenType::Person, &OsEntropy).unwrap()).collect();
        assert_eq!(all.len(), 10_000);
    }
}
