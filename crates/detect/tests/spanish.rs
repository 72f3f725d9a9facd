//! Spanish: every type that is a pattern or a spoken number, by the data of one file.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use callvault_detect::{Detector, Profile, search};
use callvault_model::EntityType as E;

fn spans(text: &str, profile: Profile) -> Vec<(E, String)> {
    let detector = Detector::new(profile).unwrap();
    detector.detect_text(text).into_iter().map(|s| (s.entity, text[s.start..s.end].to_owned())).collect()
}

#[test]
fn answers_are_covered_to_the_last_digit() {
    let cases: &[(&str, &str, E)] = &[
        (
            "¿cuál es el número de la tarjeta?",
            "cuatro uno uno uno dos dos dos dos tres tres tres tres cuatro cuatro cuatro nueve",
            E::CreditCard,
        ),
        (
            "su número de tarjeta por favor",
            "cuarenta y uno once veintidós veintidós treinta y tres treinta y tres cuarenta y cuatro cuarenta y nueve",
            E::CreditCard,
        ),
        (
            "dígame la tarjeta",
            "cinco cinco cero uno doble dos triple siete ocho nueve cero cero tres cuatro seis",
            E::CreditCard,
        ),
        ("¿y el código de seguridad?", "cuatro cero siete", E::Cvv),
        ("¿cuándo vence?", "cero nueve veintiocho", E::Expiry),
        (
            "¿cuál es su número de teléfono?",
            "seis doce treinta y cuatro cincuenta y seis setenta y ocho",
            E::PhoneNumber,
        ),
        ("un número de contacto", "nueve uno cinco, eh, cinco cinco cero uno uno", E::PhoneNumber),
        ("su fecha de nacimiento por favor", "nueve de octubre de mil novecientos ochenta y uno", E::Dob),
        ("¿cuál es su fecha de nacimiento?", "3 de marzo de 1962", E::Dob),
        ("su número de seguro social", "dos uno nueve cero nueve nueve nueve nueve uno", E::UsSsn),
        ("¿el código postal?", "dos ocho cero uno tres", E::ZipCode),
        ("¿su número de cuenta?", "siete siete uno dos cero nueve cuatro", E::AccountId),
        ("¿su número de pasaporte?", "cinco cuatro uno ocho ocho tres dos", E::Passport),
        ("¿cuál es su dni?", "cuatro cinco siete uno dos tres ocho nueve", E::NationalId),
        ("¿su correo electrónico?", "marta punto gil arroba gmail punto com", E::EmailAddress),
        ("¿cuál es su clave de acceso?", "tres siete uno nueve", E::Password),
    ];
    for (question, answer, entity) in cases {
        let text = format!("agent: {question}\ncaller: {answer}\nagent: gracias");
        let found = spans(&text, Profile::All);
        let whole = found.iter().find(|(_, value)| value == answer);
        assert_eq!(whole.map(|w| w.0), Some(*entity), "{text:?}: {found:?}");
    }
}

#[test]
fn digits_said_in_spanish_are_the_digits_typed() {
    let card = "4111 2222 3333 4449";
    assert!(search::value_recoverable(
        "la tarjeta es cuatro uno uno uno dos dos dos dos tres tres tres tres cuatro cuatro cuatro nueve",
        card
    ));
    assert!(search::value_recoverable(
        "cuarenta y uno once veintidós veintidós treinta y tres treinta y tres cuarenta y cuatro cuarenta y nueve",
        card
    ));
    assert!(!search::value_recoverable("la tarjeta es [CREDIT_CARD] gracias", card));
}

#[test]
fn prices_times_and_quantities_stay() {
    for text in [
        "agent: su saldo es de cuarenta y cuatro dólares con diez centavos",
        "caller: esperé treinta minutos y nadie me atendió, necesito ayuda",
        "agent: son dos entradas y tres horas de espera, gracias",
        "caller: quiero el modelo cinco dos seis por favor",
    ] {
        assert_eq!(spans(text, Profile::Default), [], "{text}");
    }
}

#[test]
fn spanish_names_of_streets_and_towns_do_not_make_a_turn_spanish() {
    let text = "agent: where do you live\ncaller: 12 calle real in los angeles and my name is dolores huerta";
    let found = spans(text, Profile::All);
    assert!(found.iter().any(|(e, _)| *e == E::Location || *e == E::Address), "{found:?}");
    assert!(found.iter().any(|(e, v)| *e == E::Person && v.contains("dolores")), "{found:?}");
}
