//! Which types a site wants reported.

use crate::Error;
use callvault_model::EntityType as E;
use std::str::FromStr;

/// A selection of entity types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// Everything that points at a person; order and reference numbers, ordinary dates, companies and links stay.
    #[default]
    Default,
    /// Payment data only.
    Pci,
    /// The identifiers of HIPAA Safe Harbor and health content.
    Hipaa,
    /// Personal data with the categories of GDPR article 9.
    Gdpr,
    /// Every type.
    All,
}

impl Profile {
    /// Whether findings of this type are reported.
    pub fn reports(self, entity: E) -> bool {
        let payment = entity.is_payment() || matches!(entity, E::RoutingNumber | E::IbanCode | E::AccountId);
        match self {
            Self::All => true,
            Self::Pci => payment || matches!(entity, E::Otp | E::Password),
            Self::Default => !matches!(
                entity,
                E::ReferenceId | E::DateTime | E::Organization | E::Title | E::Url | E::Swift
            ),
            Self::Hipaa => !matches!(entity, E::ReferenceId | E::Organization | E::Title),
            Self::Gdpr => !matches!(entity, E::ReferenceId | E::DateTime | E::Organization | E::Title),
        }
    }

    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Pci => "pci",
            Self::Hipaa => "hipaa",
            Self::Gdpr => "gdpr",
            Self::All => "all",
        }
    }
}

impl FromStr for Profile {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self, Error> {
        [Self::Default, Self::Pci, Self::Hipaa, Self::Gdpr, Self::All]
            .into_iter()
            .find(|p| p.as_str() == s)
            .ok_or_else(|| Error::UnknownProfile(s.chars().take(40).collect()))
    }
}
