//! Words that say what the value near them is: "card number", "date of birth", "how do you spell that".

use crate::{Utterance, closed::Closed, gazetteer::flag, language::Language, token::Doc};
use callvault_model::Role;
use std::{collections::BTreeMap, sync::OnceLock};

/// What a cue announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Card,
    Cvv,
    Expiry,
    Pin,
    Ssn,
    Phone,
    Email,
    Dob,
    Name,
    Spell,
    Address,
    Zip,
    City,
    Account,
    Member,
    Medical,
    Routing,
    Iban,
    Reference,
    Username,
    Password,
    Otp,
    SecurityAnswer,
    License,
    Passport,
    Vehicle,
    NationalId,
    Device,
    Age,
    /// A number that is nobody's: model, version, price, opening hours.
    Harmless,
}

/// One cue in the token stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cue {
    pub first: usize,
    pub end: usize,
    pub kind: Kind,
}

const TABLE: &[(Kind, &str)] = &[
    (
        Kind::Card,
        "card number|credit card|debit card|card|long number|number on the front|numbers on the front|sixteen digits|sixteen digit number|16 digits|16 digit|visa|mastercard|amex|american express|discover card|credit card number|debit card number|cc number|pan|card ending|ending in|card details|on the card|across the front|long number on the front|one ending in|one ends in|one that ends in|cardnumber|master card|prepaid",
    ),
    (
        Kind::Cvv,
        "cvv|cvc|cvv2|cvc2|cid|security code|card security code|card verification|verification value|three digits on the back|three digit code|3 digit code|three digit security|3 digits on the back|number on the back|numbers on the back|code on the back|on the back|digits on the back|four digits on the front|csc|c v v|c v c|three digits on the reverse|three digit number|last three on the back|signature strip|signature panel|security number|security no|security digits|sec code|card code|last three digits|last 3 digits|last three numbers|three numbers on the back|three on the back|three digits|reverse side|on the reverse|digits behind|code behind|number behind|printed behind|your signature|the signature|back of the card|flip it over",
    ),
    (
        Kind::Expiry,
        "expiry|expiry date|expiration|expiration date|expires|expire|exp date|exp|expiring|valid thru|valid through|valid until|good through|good thru|expiration month|expired on",
    ),
    (
        Kind::Pin,
        "pin|pin number|pin code|passcode|four digit passcode|pass code|phone pin|telephone pin|atm pin|access pin|banking code|telephone banking code",
    ),
    (
        Kind::Otp,
        "verification code|one time code|one time password|one time passcode|one time pin|otp|texted you|sent you a code|code i sent|code we sent|code from the text|confirmation code we sent|authentication code|two factor|temporary password|temporary code|code to your phone|the code you received|six digit code|in the text message|in the text|the code is|sms|digit code|in that text|text message say|digits in the text|code in the text|numbers in the text|what u sent|what you sent|you texted|code i texted|texted a code|text you received",
    ),
    (
        Kind::Ssn,
        "social|social security|social security number|ssn|s s n|last four of your social|last 4 of your social|four of your social|social insurance|sin number|tax id|itin|taxpayer|ss number|socialsecurity|ssn number|social number|soc sec|soc|last 4 digits|last four digits",
    ),
    (
        Kind::Phone,
        "phone|phone number|telephone|telephone number|cell|cell phone|mobile|mobile number|call back number|callback number|callback|call back|contact number|best number|number to reach|reach you|call you|call me at|call me|reach me|home number|work number|fax|text me|number should we text|number to text|number i am calling from|number you are calling from|area code|ph|tel|extension|landline|whatsapp|contact|contact no|ph no|phone no|mobile no|hotline|direct line|number is registered|number can i call|number can we call|number should i call|number should we call|number do i call",
    ),
    (Kind::Email, "email|e mail|email address|mail id|email id|mail address|mailid|emailid|gmail"),
    (
        Kind::Dob,
        "date of birth|birth date|birthdate|birthday|dob|d o b|born|born on|birth|when were you born",
    ),
    (
        Kind::Name,
        "your name|first and last name|full name|first name|last name|surname|my name|name please|name on the account|name on the card|name is|who am i speaking|speaking with|whom am i speaking|who is this|whos calling|who is calling|may i have your name|cardholder name|account holder|the name|patient name|maiden name|with whom|name on it|middle name|name of the patient|policy holder|policyholder|caller name|and name|name and|your good name|who is travelling|who is traveling|whos travelling|whos traveling|pleasure of|passenger name|name of the passenger|under what name|under which name|whom do i have",
    ),
    (Kind::Spell, "spell|spelled|spelling|how do you spell|s p e l l"),
    (
        Kind::Address,
        "address|billing address|home address|mailing address|shipping address|street address|ship it|ship to|deliver|delivery address|where do you live|live at|i live|located at|deliver it|send it to|residence|where should we ship|where should i send|moved to|move to",
    ),
    (Kind::Zip, "zip|zip code|zipcode|postal code|postcode|post code|pin code of your area|postal"),
    (
        Kind::City,
        "city|town|what state|which state|hometown|where are you located|departure|destination|where would you like to go|where do you want to go|where are you going|where are you traveling|where are you travelling|where to",
    ),
    (
        Kind::Account,
        "account number|account no|account|acct|acct number|acc num|acc no|acc number|acct num|acct no|account id|customer number|customer id|client number|client id|policy number|policy|policy id|policy no|contract number|subscriber number|loan number|checking account number|savings account number|bank account|bank account number|beneficiary account|account ending|employee id|employee number|student id|badge number|user id number|meter number|service number|company id|gift card number|utility account|rewards number|loyalty number|frequent flyer|frequent flier|mileage plus|membership number",
    ),
    (
        Kind::Member,
        "member id|member number|membership id|subscriber id|insurance id|insurance number|group number|plan number|plan id|member i d|health plan|insurance card|medicaid number|medicare number|medicaid|medicare|medicare id|beneficiary id|beneficiary number|on your insurance card|member|subscriber|health insurance number",
    ),
    (
        Kind::Medical,
        "medical record|medical record number|record number|mrn|m r n|patient id|patient number|chart number|health record|nhs number|nhs|hospital number|chart|npi|dea number|health card|medical id|health number",
    ),
    (
        Kind::Routing,
        "routing|routing number|aba|a b a|bottom of the check|left of the check|sort code|transit number|bsb|aba number|routing and transit",
    ),
    (Kind::Iban, "iban|i b a n|swift|swift code|bic|international bank account"),
    (
        Kind::Reference,
        "order number|order id|order|ref no|ref num|ref number|ref|confirmation number|confirmation code|booking number|booking reference|reference number|reference|tracking number|tracking|case number|ticket number|claim number|claim|claim id|invoice number|invoice|reservation number|reservation|purchase order|po number|case id|case|confirmation|pnr|record locator|booking confirmation|booking confirmation number|incident number|serial number|receipt number|transaction number|transaction id|shipment number|order no|parcel|conf number|conf no|conf|conf code|booking|ticket",
    ),
    (
        Kind::Username,
        "username|user name|user id|userid|login|login name|log in|screen name|login id|user i d|handle",
    ),
    (
        Kind::Password,
        "password|pass word|pw|passphrase|pass phrase|passwrd|pwd|passwd|secret word|memorable word|security word|temporary password|verbal password",
    ),
    (
        Kind::SecurityAnswer,
        "security question|security answer|mothers maiden name|mother maiden name|mother's maiden name|first pet|name of your first pet|pets name|favorite teacher|favourite teacher|high school mascot|street you grew up on|secret question|secret answer|memorable place|first school|elementary school|first car|favorite color|city you were born|mother 's maiden name|pet 's name",
    ),
    (
        Kind::License,
        "driver license|drivers license|driver 's license|driving licence|license number|licence number|driving license|driver licence|drivers licence|dl number|driver 's licence|license",
    ),
    (Kind::Passport, "passport|passport number|passport no"),
    (
        Kind::Vehicle,
        "license plate|plate number|vin|vin number|v i n|vehicle identification|registration number|number plate|vehicle registration|licence plate|tag number|plate",
    ),
    (
        Kind::NationalId,
        "national id|national insurance|national insurance number|aadhaar|aadhar|pan card|identity number|identity card|id card number|national identity|green card number|alien number|tax file number|id number|state id|military id",
    ),
    (Kind::Device, "imei|serial|mac address|device id|sim card number|iccid|serial no"),
    (Kind::Age, "how old|years old|year old|age|aged"),
    (
        Kind::Harmless,
        "model|model number|version|software version|price|total|total comes|cost|costs|amount|balance|balance is|fee|charge|charged|bill is|refund of|bill amount|how much|transfer amount|open|hours|business hours|we are open|quantity|how many|page|chapter|channel|flight number|flight|gate|seat|bus|train|step|option|press|room number|floor|interest rate|rate|rated|rating|percent|mileage|miles|size|weight|speed|part number|product number|item number|waited|have called|limit|deposit of|pay|payment of|paid|savings|worth|episode|season|windows|office|error code|sizes|scored|highway|route|year model|temperature|humidity|chance of rain|discount|score|budget|plan costs|balances|transfer|your share|share is|copay|deductible|premium",
    ),
];

/// What follows a first word, and what the whole announces; longer phrases stand first.
type Rests = Vec<(Vec<&'static str>, Kind)>;

/// The first words in the order of the alphabet, each with its phrases.
fn table() -> &'static [(&'static str, Rests)] {
    static CELL: OnceLock<Vec<(&'static str, Rests)>> = OnceLock::new();
    CELL.get_or_init(|| {
        let mut out: BTreeMap<&'static str, Rests> = BTreeMap::new();
        for (kind, phrases) in TABLE {
            for phrase in phrases.split('|') {
                let mut words = phrase.split(' ');
                if let Some(first) = words.next() {
                    out.entry(first).or_default().push((words.collect(), *kind));
                }
            }
        }
        for (name, words) in Language::spanish().cues() {
            if let (Some(kind), Some((first, rest))) = (kind(name), words.split_first()) {
                out.entry(first).or_default().push((rest.to_vec(), kind));
            }
        }
        out.values_mut().for_each(|v| v.sort_by_key(|(w, _)| std::cmp::Reverse(w.len())));
        out.into_iter().collect()
    })
}

/// The kind that a language's data calls so.
fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "card" => Kind::Card,
        "cvv" => Kind::Cvv,
        "expiry" => Kind::Expiry,
        "pin" => Kind::Pin,
        "ssn" => Kind::Ssn,
        "phone" => Kind::Phone,
        "email" => Kind::Email,
        "dob" => Kind::Dob,
        "name" => Kind::Name,
        "address" => Kind::Address,
        "zip" => Kind::Zip,
        "account" => Kind::Account,
        "member" => Kind::Member,
        "medical" => Kind::Medical,
        "routing" => Kind::Routing,
        "iban" => Kind::Iban,
        "reference" => Kind::Reference,
        "username" => Kind::Username,
        "password" => Kind::Password,
        "otp" => Kind::Otp,
        "license" => Kind::License,
        "passport" => Kind::Passport,
        "nationalid" => Kind::NationalId,
        "age" => Kind::Age,
        "harmless" => Kind::Harmless,
        _ => return None,
    })
}

/// The words that cues begin with.
pub(crate) fn first_words() -> impl Iterator<Item = &'static str> {
    table().iter().map(|(word, _)| *word)
}

/// All cues, in order; the longest phrase at a place wins.
pub(crate) fn find(doc: &Doc) -> Vec<Cue> {
    let (table, closed) = (table(), Closed::get());
    let mut out = Vec::new();
    for turn in doc.turns.iter().filter(|t| t.any & flag::PHRASE != 0) {
        let mut i = turn.first;
        while i < turn.end {
            let begins = doc.flags(i) & flag::PHRASE != 0;
            let rests = begins.then(|| closed.cue(doc.word(i))).flatten().and_then(|k| table.get(k));
            let fits = |rest: &[&str]| (1isize..).zip(rest).all(|(by, want)| doc.near(i, by) == *want);
            let hit = rests.and_then(|(_, rests)| rests.iter().find(|(rest, _)| fits(rest)));
            // "in case we get cut off" names no case.
            let hit = hit.filter(|_| doc.word(i) != "case" || doc.near(i, -1) != "in");
            let mut step = 1usize;
            if let Some((rest, kind)) = hit {
                step = rest.len().saturating_add(1);
                out.push(Cue { first: i, end: i.saturating_add(step), kind: *kind });
            }
            i = i.saturating_add(step);
        }
    }
    out
}

/// Whether the text talks about paying by card: card, security code, expiry or PIN.
pub fn payment_cue(text: &str) -> bool {
    let doc = Doc::new(&[Utterance { role: Role::Unknown, text }]);
    find(&doc).iter().any(|c| matches!(c.kind, Kind::Card | Kind::Cvv | Kind::Expiry | Kind::Pin))
}
