//! The typed questions of a server.

#[cfg(test)]
mod tests {
    use callvault_law::{Consent, Dnc, Outbound, Outcome, Overlay, Packs, places_of, predial};

    fn packs() -> Packs {
        Packs::embedded(Overlay::default()).unwrap()
    }

    fn call() -> Outbound {
        Outbound {
            purpose: Some("telemarketing".into()),
            mode: Some("live".into()),
            at: Some("2026-06-10T17:00:00Z".parse().unwrap()),
            called: Some("+1 216 555 0123".into()),
            seller: Some("Acme".into()),
            line: Some("wireless".into()),
            dialer: Some("manual".into()),
            dnc: Dnc {
                national: Some(false),
                internal: Some(false),
                registry_version: Some("2026-06-01".parse().unwrap()),
            },
            attempts_last_24h: Some(0),
            same_subject: Some(true),
            holidays_local: Some(Vec::new()),
            ..Outbound::default()
        }
    }

    fn consent() -> Consent {
        Consent {
            kind: Some("prior_express_written".into()),
            given: Some("2026-01-05".parse().unwrap()),
            signature: Some("e-sign".into()),
            phone: Some("+12165550123".into()),
            seller: Some("Acme".into()),
            disclosure_autodialer: Some(true),
            disclosure_not_condition: Some(true),
            ..Consent::default()
        }
    }

    fn outcome(outbound: &Outbound) -> Outcome {
        predial(&packs(), outbound, outbound.at.unwrap_or_default()).unwrap().outcome
    }

    #[test]
    fn a_call_is_placed_by_its_area_code_with_all_it_reaches() {
        let packs = packs();
        let zones = |number: &str| places_of(&packs, number).zones;
        // An overlay reaches what the code reaches that it overlays.
        for (code, overlay) in
            [("850", "448"), ("270", "364"), ("812", "930"), ("541", "458"), ("423", "729")]
        {
            let number = |npa: &str| format!("+1{npa}5550123");
            assert_eq!(zones(&number(code)), zones(&number(overlay)), "{code} {overlay}");
            assert_eq!(zones(&number(code)).len(), 2, "{code}");
        }
        assert_eq!(places_of(&packs, "212-555-0123").states, ["NY"]);
        for foreign in ["+442079460123", "+1", "", "+19995550123"] {
            assert_eq!(places_of(&packs, foreign), callvault_law::Places::default(), "{foreign}");
        }
        assert_eq!(outcome(&call()), Outcome::Allow);
        // Half past eight in New York, half past seven in the panhandle.
        let early = Outbound { at: Some("2026-06-10T12:30:00Z".parse().unwrap()), ..call() };
        assert_eq!(outcome(&early), Outcome::Allow);
        assert_eq!(outcome(&Outbound { called: Some("+14485550123".into()), ..early }), Outcome::Deny);
        assert_eq!(outcome(&Outbound { called: Some("+442079460123".into()), ..call() }), Outcome::Deny);
        assert_eq!(outcome(&Outbound::default()), Outcome::Deny);
    }

    #[test]
    fn consent_and_relationship_are_computed() {
        let listed = Outbound { dnc: Dnc { national: Some(true), ..call().dnc }, ..call() };
        assert_eq!(outcome(&listed), Outcome::Deny);
        let known = |transaction: &str| Outbound {
            last_transaction: Some(transaction.parse().unwrap()),
            ..listed.clone()
        };
        assert_eq!(outcome(&known("2024-12-10")), Outcome::Allow);
        assert_eq!(outcome(&known("2024-12-09")), Outcome::Deny);
        let agreed = Outbound { consent: Some(consent()), ..listed.clone() };
        assert_eq!(outcome(&agreed), Outcome::Allow);
        // The registry gives way to a signature; machines need the disclosures too.
        let plain = Consent { disclosure_autodialer: None, disclosure_not_condition: None, ..consent() };
        assert_eq!(outcome(&Outbound { consent: Some(plain.clone()), ..listed.clone() }), Outcome::Allow);
        let unsigned = Consent { signature: None, ..plain };
        assert_eq!(outcome(&Outbound { consent: Some(unsigned), ..listed.clone() }), Outcome::Deny);
        let recorded = |consent: Consent| Outbound {
            mode: Some("prerecorded".into()),
            consent: Some(consent),
            more: [("has_optout_mechanism".to_owned(), true.into())].into_iter().collect(),
            ..call()
        };
        assert_eq!(outcome(&recorded(consent())), Outcome::Allow);
        for bad in [
            Consent { revoked: Some("2026-02-01".parse().unwrap()), ..consent() },
            Consent { kind: Some("prior_express".into()), ..consent() },
            Consent { phone: Some("+12165550199".into()), ..consent() },
            Consent { seller: Some("Beta".into()), ..consent() },
            Consent { signature: None, ..consent() },
            Consent { disclosure_not_condition: Some(false), ..consent() },
            Consent { disclosure_autodialer: None, ..consent() },
            Consent { given: Some("2026-07-01".parse().unwrap()), ..consent() },
        ] {
            assert_eq!(outcome(&recorded(bad.clone())), Outcome::Deny, "{bad:?}");
        }
        let text = Outbound { text: true, mode: Some("text".into()), ..agreed };
        assert_eq!(outcome(&text), Outcome::Allow);
    }
}
