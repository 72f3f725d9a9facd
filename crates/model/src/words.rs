//! What types are called before people who did not write the detector.

use crate::EntityType as E;

/// One or several values of a type.
pub fn of(entity: E, n: u64) -> &'static str {
    let (one, many) = pair(entity);
    if n == 1 { one } else { many }
}

fn pair(entity: E) -> (&'static str, &'static str) {
    match entity {
        E::Person => ("name", "names of people"),
        E::Address => ("street address", "street addresses"),
        E::Location => ("place", "places"),
        E::ZipCode => ("postal code", "postal codes"),
        E::PhoneNumber => ("telephone number", "telephone numbers"),
        E::EmailAddress => ("e-mail address", "e-mail addresses"),
        E::Dob => ("date of birth", "dates of birth"),
        E::Age => ("age", "ages"),
        E::DateTime => ("date", "dates"),
        E::UsSsn => ("social security number", "social security numbers"),
        E::UsItin => ("taxpayer number", "taxpayer numbers"),
        E::NationalId => ("national id", "national ids"),
        E::Passport => ("passport number", "passport numbers"),
        E::DriverLicense => ("driving licence", "driving licences"),
        E::VehicleId => ("vehicle id", "vehicle ids"),
        E::CreditCard => ("card number", "card numbers"),
        E::Cvv => ("card security code", "card security codes"),
        E::Expiry => ("card expiry date", "card expiry dates"),
        E::Pin => ("PIN", "PINs"),
        E::TrackData => ("magnetic stripe", "magnetic stripe data"),
        E::AccountId => ("account number", "account numbers"),
        E::RoutingNumber => ("bank routing number", "bank routing numbers"),
        E::IbanCode => ("IBAN", "IBANs"),
        E::Swift => ("bank code", "bank codes"),
        E::MedicalId => ("medical record number", "medical record numbers"),
        E::MemberId => ("health plan member id", "health plan member ids"),
        E::Condition => ("health condition", "health conditions"),
        E::Medication => ("medicine", "medicines"),
        E::Procedure => ("treatment", "treatments"),
        E::BloodType => ("blood group", "blood groups"),
        E::Username => ("login name", "login names"),
        E::Password => ("password", "passwords"),
        E::SecurityAnswer => ("security answer", "security answers"),
        E::Otp => ("one-time code", "one-time codes"),
        E::ReferenceId => ("reference number", "reference numbers"),
        E::IpAddress => ("IP address", "IP addresses"),
        E::MacAddress => ("hardware address", "hardware addresses"),
        E::Url => ("web address", "web addresses"),
        E::DeviceId => ("device number", "device numbers"),
        E::ApiSecret => ("machine secret", "machine secrets"),
        E::Nrp => ("nationality, race or politics", "nationality, race or politics"),
        E::Religion => ("religion", "religion"),
        E::Sexuality => ("sexuality", "sexuality"),
        E::UnionMembership => ("union membership", "union memberships"),
        E::Organization => ("company", "companies"),
        E::Title => ("form of address", "forms of address"),
    }
}

/// How bad it is that a type lies about: the colour of its bar.
pub fn grade(entity: E) -> &'static str {
    if entity.is_sensitive_authentication_data() {
        return "forbidden";
    }
    match entity {
        E::CreditCard
        | E::Expiry
        | E::UsSsn
        | E::UsItin
        | E::NationalId
        | E::Passport
        | E::DriverLicense
        | E::AccountId
        | E::RoutingNumber
        | E::IbanCode
        | E::Password
        | E::Otp
        | E::SecurityAnswer
        | E::ApiSecret => "grave",
        E::Condition
        | E::Medication
        | E::Procedure
        | E::BloodType
        | E::MedicalId
        | E::MemberId
        | E::Religion
        | E::Sexuality
        | E::UnionMembership
        | E::Nrp => "special",
        _ => "personal",
    }
}
