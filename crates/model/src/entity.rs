//! The closed list of entity types. A new type is added to the design first.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a finding is. The names are those of the scorer and of every report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EntityType {
    /// A person's name.
    Person,
    /// Street and unit.
    Address,
    /// Town, region, country.
    Location,
    /// Postal code.
    ZipCode,
    /// Telephone number.
    PhoneNumber,
    /// E-mail address.
    EmailAddress,
    /// Date of birth.
    Dob,
    /// Age.
    Age,
    /// Date or time.
    DateTime,
    /// United States social security number, or its last four.
    UsSsn,
    /// United States individual taxpayer number.
    UsItin,
    /// Another government number of a person.
    NationalId,
    /// Passport number.
    Passport,
    /// Driving licence number.
    DriverLicense,
    /// Number plate or VIN.
    VehicleId,
    /// Payment card number (PAN), or its last four.
    CreditCard,
    /// Card security code: sensitive authentication data.
    Cvv,
    /// Card expiry date.
    Expiry,
    /// Card or account PIN: sensitive authentication data.
    Pin,
    /// Magnetic stripe or chip data: sensitive authentication data.
    TrackData,
    /// Account, policy or customer number.
    AccountId,
    /// Bank routing or sort code.
    RoutingNumber,
    /// IBAN (ISO 13616).
    IbanCode,
    /// BIC (ISO 9362).
    Swift,
    /// Medical record or health service number.
    MedicalId,
    /// Health plan member number.
    MemberId,
    /// A diagnosis, symptom or state of health.
    Condition,
    /// A medicine.
    Medication,
    /// A treatment or examination.
    Procedure,
    /// Blood group.
    BloodType,
    /// Login name.
    Username,
    /// Password or passphrase.
    Password,
    /// Answer to a security question.
    SecurityAnswer,
    /// One-time code.
    Otp,
    /// Order, claim, ticket or booking number.
    ReferenceId,
    /// IP address.
    IpAddress,
    /// Hardware address.
    MacAddress,
    /// Web address.
    Url,
    /// IMEI, serial number.
    DeviceId,
    /// Key or token of a machine.
    ApiSecret,
    /// Nationality, race or political view.
    Nrp,
    /// Religious belief.
    Religion,
    /// Sex life or orientation.
    Sexuality,
    /// Trade union membership.
    UnionMembership,
    /// A company or institution.
    Organization,
    /// A form of address.
    Title,
}

impl EntityType {
    /// Every type, in the order of the design.
    pub const ALL: &'static [Self] = &[
        Self::Person,
        Self::Address,
        Self::Location,
        Self::ZipCode,
        Self::PhoneNumber,
        Self::EmailAddress,
        Self::Dob,
        Self::Age,
        Self::DateTime,
        Self::UsSsn,
        Self::UsItin,
        Self::NationalId,
        Self::Passport,
        Self::DriverLicense,
        Self::VehicleId,
        Self::CreditCard,
        Self::Cvv,
        Self::Expiry,
        Self::Pin,
        Self::TrackData,
        Self::AccountId,
        Self::RoutingNumber,
        Self::IbanCode,
        Self::Swift,
        Self::MedicalId,
        Self::MemberId,
        Self::Condition,
        Self::Medication,
        Self::Procedure,
        Self::BloodType,
        Self::Username,
        Self::Password,
        Self::SecurityAnswer,
        Self::Otp,
        Self::ReferenceId,
        Self::IpAddress,
        Self::MacAddress,
        Self::Url,
        Self::DeviceId,
        Self::ApiSecret,
        Self::Nrp,
        Self::Religion,
        Self::Sexuality,
        Self::UnionMembership,
        Self::Organization,
        Self::Title,
    ];

    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "PERSON",
            Self::Address => "ADDRESS",
            Self::Location => "LOCATION",
            Self::ZipCode => "ZIP_CODE",
            Self::PhoneNumber => "PHONE_NUMBER",
            Self::EmailAddress => "EMAIL_ADDRESS",
            Self::Dob => "DOB",
            Self::Age => "AGE",
            Self::DateTime => "DATE_TIME",
            Self::UsSsn => "US_SSN",
            Self::UsItin => "US_ITIN",
            Self::NationalId => "NATIONAL_ID",
            Self::Passport => "PASSPORT",
            Self::DriverLicense => "DRIVER_LICENSE",
            Self::VehicleId => "VEHICLE_ID",
            Self::CreditCard => "CREDIT_CARD",
            Self::Cvv => "CVV",
            Self::Expiry => "EXPIRY",
            Self::Pin => "PIN",
            Self::TrackData => "TRACK_DATA",
            Self::AccountId => "ACCOUNT_ID",
            Self::RoutingNumber => "ROUTING_NUMBER",
            Self::IbanCode => "IBAN_CODE",
            Self::Swift => "SWIFT",
            Self::MedicalId => "MEDICAL_ID",
            Self::MemberId => "MEMBER_ID",
            Self::Condition => "CONDITION",
            Self::Medication => "MEDICATION",
            Self::Procedure => "PROCEDURE",
            Self::BloodType => "BLOOD_TYPE",
            Self::Username => "USERNAME",
            Self::Password => "PASSWORD",
            Self::SecurityAnswer => "SECURITY_ANSWER",
            Self::Otp => "OTP",
            Self::ReferenceId => "REFERENCE_ID",
            Self::IpAddress => "IP_ADDRESS",
            Self::MacAddress => "MAC_ADDRESS",
            Self::Url => "URL",
            Self::DeviceId => "DEVICE_ID",
            Self::ApiSecret => "API_SECRET",
            Self::Nrp => "NRP",
            Self::Religion => "RELIGION",
            Self::Sexuality => "SEXUALITY",
            Self::UnionMembership => "UNION_MEMBERSHIP",
            Self::Organization => "ORGANIZATION",
            Self::Title => "TITLE",
        }
    }

    /// Sensitive authentication data: card rules forbid to keep it in any form, so it has no token.
    pub fn is_sensitive_authentication_data(self) -> bool {
        matches!(self, Self::Cvv | Self::Pin | Self::TrackData)
    }

    /// Payment data whose leak is the worst case: held to stricter proof.
    pub fn is_payment(self) -> bool {
        matches!(self, Self::CreditCard | Self::Expiry) || self.is_sensitive_authentication_data()
    }
}

impl fmt::Display for EntityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no type of the closed list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown entity type; the list stands in `callvault detect --types`")]
pub struct UnknownEntityType;

impl FromStr for EntityType {
    type Err = UnknownEntityType;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|t| t.as_str() == s).ok_or(UnknownEntityType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_in_text_and_json() {
        for t in EntityType::ALL {
            assert_eq!(t.as_str().parse::<EntityType>().unwrap(), *t);
            assert_eq!(serde_json::to_string(t).unwrap(), format!("\"{t}\""));
        }
    }
}
