//! What stands in the place of a value, by mode and by type, and what the legal profiles report.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use callvault_detect::{
    Detector, Profile, Utterance,
    redact::{self, ByType, Mode, Pseudonyms},
};
use callvault_model::{EntityType as E, Role};

fn redacted(text: &str, profile: Profile, mode: &Mode<'_>) -> String {
    let detector = Detector::new(profile).unwrap();
    let turns: Vec<Utterance<'_>> = text
        .split('\n')
        .map(|line| {
            let (role, skip) = callvault_detect::speaker(line);
            Utterance { role, text: line[skip..].trim_start() }
        })
        .collect();
    redact::redact_all(&detector, &turns, mode).0.join("\n")
}

#[test]
fn a_value_keeps_its_pseudonym_however_it_is_said() {
    let text = "caller: hello my name is Ravindra Kumarasamy\nagent: hi Ravindra what is your phone number\ncaller: five five five oh one nine nine two three four\nagent: so 5550199234 and the other line is 555-018-8765 right Kumarasamy";
    let given = Pseudonyms::default();
    let out = redacted(text, Profile::All, &Mode::Pseudonym(&given));
    assert_eq!(out.matches("[PERSON 1]").count(), 3, "{out}");
    assert!(!out.contains("[PERSON 2]"), "{out}");
    assert_eq!(out.matches("[PHONE_NUMBER 1]").count(), 2, "{out}");
    assert_eq!(out.matches("[PHONE_NUMBER 2]").count(), 1, "{out}");
}

#[test]
fn security_codes_get_no_stand_in_of_any_kind() {
    let text = "agent: the security code please\ncaller: four oh seven\nagent: and your pin\ncaller: 4471";
    let given = Pseudonyms::default();
    for mode in
        [Mode::Pseudonym(&given), Mode::MaskLastFour, Mode::SafeHarbor, Mode::Token(&|_| Some("t".into()))]
    {
        let out = redacted(text, Profile::All, &mode);
        assert!(out.contains("[CVV]") && out.contains("[PIN]"), "{out}");
    }
}

#[test]
fn each_type_may_have_its_own_mode() {
    let given = Pseudonyms::default();
    let by = ByType {
        types: vec![
            (E::CreditCard, Mode::MaskLastFour),
            (E::Person, Mode::Pseudonym(&given)),
            (E::Cvv, Mode::Remove),
        ],
        rest: Mode::Category,
    };
    let text = "caller: my name is Marta Kowalska my card is 4111 1111 1111 1111 and i live at 12 Maple Street\nagent: cvv please\ncaller: 407";
    let out = redacted(text, Profile::All, &Mode::ByType(&by));
    assert!(
        out.contains("[PERSON 1]") && out.contains("[CREDIT_CARD ****1111]") && out.contains("[ADDRESS]"),
        "{out}"
    );
    assert!(!out.contains("407") && !out.contains("CVV]"), "{out}");
}

#[test]
fn safe_harbor_keeps_three_digits_of_a_large_area_and_the_year() {
    let zips = "agent: what is your zip code\ncaller: nine four one one oh\nagent: and the other zip code\ncaller: 03601";
    let out = redacted(zips, Profile::Hipaa, &Mode::SafeHarbor);
    assert!(out.contains("[ZIP_CODE 941]") && out.contains("[ZIP_CODE]") && !out.contains("036"), "{out}");
    let visit = "agent: when was the visit\ncaller: it was on March 3rd 2019";
    let out = redacted(visit, Profile::Hipaa, &Mode::SafeHarbor);
    assert!(out.contains("[DATE_TIME 2019]"), "{out}");
    let birth = "agent: and your date of birth\ncaller: april 9 1931";
    let out = redacted(birth, Profile::Hipaa, &Mode::SafeHarbor);
    assert!(out.contains("[DOB]") && !out.contains("1931"), "{out}");
}

#[test]
fn hipaa_reports_ages_over_89_only() {
    let ages = |text: &str, profile| -> usize {
        let found = Detector::new(profile).unwrap().detect_text(text);
        found.iter().filter(|s| s.entity == E::Age).count()
    };
    for (text, old) in [
        ("caller: she is 91 years old", true),
        ("caller: my mother is ninety four years old", true),
        ("caller: he is 89 years old", false),
        ("caller: i am thirty four years old", false),
    ] {
        assert_eq!(ages(text, Profile::Hipaa), usize::from(old), "{text}");
        assert_eq!(ages(text, Profile::Gdpr), 1, "{text}");
    }
}

#[test]
fn the_profiles_of_the_laws_are_complete() {
    let identifiers = [
        E::Person,
        E::Address,
        E::Location,
        E::ZipCode,
        E::PhoneNumber,
        E::EmailAddress,
        E::Dob,
        E::UsSsn,
        E::MedicalId,
        E::MemberId,
        E::AccountId,
        E::DriverLicense,
        E::VehicleId,
        E::DeviceId,
        E::Url,
        E::IpAddress,
        E::MacAddress,
        E::Passport,
        E::NationalId,
        E::CreditCard,
    ];
    for e in identifiers {
        assert!(Profile::Hipaa.reports(e) && Profile::Gdpr.reports(e), "{e}");
    }
    assert!(Profile::Hipaa.reports(E::DateTime), "all parts of dates but the year");
    let article_9 = [
        E::Condition,
        E::Medication,
        E::Procedure,
        E::BloodType,
        E::Nrp,
        E::Religion,
        E::Sexuality,
        E::UnionMembership,
    ];
    assert!(article_9.iter().all(|e| Profile::Gdpr.reports(*e)));
    let payment = [E::CreditCard, E::Cvv, E::Expiry, E::Pin, E::TrackData];
    assert!(
        [Profile::Pci, Profile::Default, Profile::Hipaa, Profile::Gdpr, Profile::All]
            .iter()
            .all(|p| payment.iter().all(|e| p.reports(*e)))
    );
}

#[test]
fn redacting_a_redacted_text_changes_nothing_in_any_mode() {
    let text = "caller: my name is Marta Kowalska zip 94110 born april 9 1971 card 4111 1111 1111 1111 phone 555-018-8765";
    let detector = Detector::new(Profile::All).unwrap();
    let given = Pseudonyms::default();
    for mode in [Mode::Category, Mode::MaskLastFour, Mode::Pseudonym(&given), Mode::SafeHarbor, Mode::Remove]
    {
        let once = redacted(text, Profile::All, &mode);
        let turns = [Utterance { role: Role::Unknown, text: &once }];
        assert_eq!(redact::redact_all(&detector, &turns, &mode).0[0], once);
    }
}
