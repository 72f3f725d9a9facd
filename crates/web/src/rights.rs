//! Acts on requests of the people concerned that pages and API share.

use crate::{
    app::App,
    problem::{Outcome, Problem},
    reason,
    session::Who,
};
use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use callvault_model::{
    Secret,
    id::{ConversationId, DecisionId, PackageId, SubjectId, SubjectRequestId},
};
use callvault_policy::{Act, Purpose};
use callvault_program::{
    dial,
    request::{
        self, Decisions, TarSink,
        clock::{self, RequestClock},
        copy::{self, Copy},
        erase::{self, Agreement, Wish},
        holidays::Holidays,
        plan::{self, ErasurePlan},
        receipt::Receipt,
    },
};
use callvault_speech::decode::Limits;
use callvault_store::{
    Actor, Error, SealedBlob, Vault,
    gate::{ExportSubject, Target},
    requests::{
        Answer, Arrived, Coded, Exemption, Filed, IdentityCheck, ItemDecision, ItemRow, NewRequest,
        RequestKind, RequestLaw, RequestRow, StepRow,
    },
    two_person::Shared,
};
use serde::Deserialize;
use std::io::{Read, Write};
use utoipa::ToSchema;

/// Pieces in which a copy is sent.
const PIECE: usize = 64 * 1024;

/// A request as it arrives.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arriving {
    /// `access`, `portability`, `erasure`, `rectification`, `restriction`, `objection`, `opt_out`, `limit`.
    pub kind: String,
    /// `eu`, `uk`, `us_ca`, `us_hipaa`, `other`.
    pub law: String,
    /// `email`, `voice`, `chat`, `sms`, `letter`, `portal`, `in_person`.
    pub arrived: String,
    /// The day it arrived, which starts the clock.
    pub received_on: String,
    /// The number or address the person claims; looked up and not kept.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub address: Option<Secret<String>>,
    /// The person's record, if it is known.
    #[serde(default)]
    pub subject: Option<String>,
    /// What an objection is against: `marketing`, or purposes of the vault.
    #[serde(default)]
    pub purposes: Vec<String>,
    /// A note; masked before it is kept.
    #[serde(default)]
    pub note: String,
}

fn coded<T: Coded>(code: &str, what: &str) -> Outcome<T> {
    T::parse(code).ok_or_else(|| Problem::bad(format!("This {what} is not known; choose one of the list.")))
}

fn day(text: &str) -> Outcome<jiff::civil::Date> {
    text.trim().parse().map_err(|_| Problem::bad("A day is written as 2026-11-23."))
}

fn record(text: &str) -> Outcome<SubjectId> {
    text.trim()
        .parse()
        .map_err(|_| Problem::bad("This is no id of a person; copy it from the address of their page."))
}

/// Writes a request down.
pub(crate) async fn file(app: &App, by: Actor, new: Arriving) -> Outcome<Filed> {
    let note = if new.note.trim().is_empty() { String::new() } else { reason::masked(new.note).await? };
    let subject = new.subject.filter(|s| !s.trim().is_empty());
    let request = NewRequest {
        kind: coded(&new.kind, "kind of request")?,
        law: coded(&new.law, "law")?,
        arrived: coded(&new.arrived, "way to arrive")?,
        received_on: day(&new.received_on)?,
        address: new.address.filter(|a| !a.expose().trim().is_empty()),
        subject: subject.as_deref().map(record).transpose()?,
        purposes: new.purposes,
        note,
    };
    app.run(move |vault| vault.file_request(&by, &request)).await
}

/// One step of a request.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    /// Whom it is about.
    About {
        /// The person's record.
        subject: String,
    },
    /// The person was asked to show who they are.
    AskIdentity {},
    /// One check of identity: what was done, never the value that was compared.
    Check {
        /// `call_back`, `code_sent`, `signed_in`, `knowledge`, `document`, `mandate`, `from_address`.
        check: String,
        /// It fitted.
        passed: bool,
        /// Identity is certain with it.
        confirms: bool,
    },
    /// The person was told that the answer takes longer.
    Extend {
        /// The day they were told.
        told_on: String,
        /// Why; masked before it is kept.
        reason: String,
    },
    /// One part of one conversation.
    Decide {
        /// Which conversation.
        conversation: String,
        /// A class of retention, or the name of a token.
        part: String,
        /// `keep`, `withhold`, `disclose`, `rule`.
        decision: String,
        /// `legal_claim`, `legal_obligation`, `expression`, `still_necessary`, `other_person`.
        #[serde(default)]
        exemption: String,
    },
    /// A restriction, objection or opt-out takes effect.
    CarryOut {},
    /// A wrong number or address goes, a right one comes.
    RectifyContact {
        /// What is wrong.
        #[serde(default)]
        #[schema(value_type = Option<String>)]
        wrong: Option<Secret<String>>,
        /// What is right.
        #[serde(default)]
        #[schema(value_type = Option<String>)]
        right: Option<Secret<String>>,
    },
    /// Other words in the place of what the person is said to have said; masked before they are kept.
    RectifyTurn {
        /// Which conversation.
        conversation: String,
        /// Which turn, from 0.
        turn: u64,
        /// The words.
        text: String,
    },
    /// The person was answered today.
    Answer {
        /// `granted`, `partly`, `refused`, `not_found`, `not_identified`, `withdrawn`.
        outcome: String,
    },
    /// Nothing more is to be done.
    Close {},
}

fn conversation(text: &str) -> Outcome<ConversationId> {
    text.trim().parse().map_err(|_| Problem::bad("This is no id of a conversation."))
}

fn decision(word: &str, exemption: &str) -> Outcome<ItemDecision> {
    Ok(match word {
        "keep" => ItemDecision::Keep(coded::<Exemption>(exemption, "exemption")?),
        "withhold" => ItemDecision::Withhold(coded::<Exemption>(exemption, "exemption")?),
        "disclose" => ItemDecision::Disclose,
        "rule" => ItemDecision::Rule,
        _ => return Err(Problem::bad("Decide keep, withhold, disclose or rule.")),
    })
}

/// Takes a step; the caller was authorised to work requests.
pub(crate) async fn step(app: &App, by: Actor, id: SubjectRequestId, step: Step) -> Outcome<()> {
    match step {
        Step::About { subject } => {
            let subject = record(&subject)?;
            app.run(move |v| v.request_is_about(&by, id, subject)).await
        }
        Step::AskIdentity {} => app.run(move |v| v.ask_identity(&by, id)).await,
        Step::Check { check, passed, confirms } => {
            let check: IdentityCheck = coded(&check, "check")?;
            app.run(move |v| v.check_identity(&by, id, check, passed, confirms)).await
        }
        Step::Extend { told_on, reason } => {
            let (told, reason) = (day(&told_on)?, reason::masked(reason).await?);
            app.run(move |v| v.extend_request(&by, id, told, &reason)).await
        }
        Step::Decide { conversation: of, part, decision: word, exemption } => {
            let (of, decided) = (conversation(&of)?, decision(&word, &exemption)?);
            app.run(move |v| v.decide_item(&by, id, of, &part, &decided)).await
        }
        Step::CarryOut {} => app.run(move |v| v.carry_out_request(&by, id)).await,
        Step::RectifyContact { wrong, right } => {
            let given = |s: Option<Secret<String>>| s.filter(|s| !s.expose().trim().is_empty());
            let (wrong, right) = (given(wrong), given(right));
            app.run(move |v| v.rectify_contact(&by, id, wrong.as_ref(), right.as_ref())).await
        }
        Step::RectifyTurn { conversation: of, turn, text } => {
            let (of, text) = (conversation(&of)?, reason::masked(text).await?);
            app.run(move |v| v.rectify_turn(&by, id, of, turn, &text)).await
        }
        Step::Answer { outcome } => {
            let outcome: Answer = coded(&outcome, "outcome")?;
            app.run(move |v| v.answer_request(&by, id, outcome)).await
        }
        Step::Close {} => app.run(move |v| v.close_request(&by, id)).await,
    }
}

/// Everything of one request but content.
pub(crate) struct Opened {
    pub row: RequestRow,
    pub clock: RequestClock,
    pub steps: Vec<StepRow>,
    pub items: Vec<ItemRow>,
    pub plan: Option<ErasurePlan>,
    pub agreement: Option<Agreement>,
    pub receipt: Option<String>,
    pub packages: Vec<callvault_store::export::PackageRow>,
}

/// Reads a request with its clock and what would be done.
pub(crate) async fn open(app: &App, id: SubjectRequestId) -> Outcome<Opened> {
    app.run(move |vault| {
        let packs = &*dial::packs(vault)?;
        let row = vault.subject_request(id)?;
        let clock = clock::of(packs, &Holidays::of(vault)?, &row, vault.clock().now())?;
        let subject = row.subject.filter(|_| row.kind == RequestKind::Erasure);
        let receipts = subject.map(|s| vault.erasure_receipts(Some(s))).transpose()?.unwrap_or_default();
        let gone = receipts.iter().any(|r| r.complete);
        let (plan, agreement) = match subject.filter(|_| !gone) {
            Some(s) => (Some(plan::erasure(vault, packs, s, Some(id))?), Some(erase::agreement(vault, s)?)),
            None => (None, None),
        };
        Ok::<_, callvault_program::Error>(Opened {
            steps: vault.request_steps(id)?,
            items: vault.request_items(id)?,
            packages: vault.packages(id)?,
            receipt: receipts.into_iter().find_map(|r| r.body),
            row,
            clock,
            plan,
            agreement,
        })
    })
    .await
}

/// The clock of a request.
pub(crate) fn clock_of(vault: &Vault, row: &RequestRow) -> Result<RequestClock, Problem> {
    Ok(clock::of(&*dial::packs(vault)?, &Holidays::of(vault)?, row, vault.clock().now())?)
}

/// Asks a second person to agree to an erasure.
pub(crate) async fn ask_second(app: &App, who: &Who, id: SubjectRequestId) -> Outcome<DecisionId> {
    let session = who.session.clone();
    app.run(move |vault| {
        let subject = about(vault, id)?;
        let terms = erase::terms(vault, subject)?;
        Ok::<_, callvault_program::Error>(vault.request_second(&session, Shared::EraseSubject, &terms)?)
    })
    .await
}

fn about(vault: &Vault, id: SubjectRequestId) -> Result<SubjectId, Error> {
    Ok(vault
        .subject_request(id)?
        .subject
        .ok_or(callvault_store::Refused::Unknown("person of this request"))?)
}

/// Erases the person of a request; the gate wants a fresh factor, the vault a second person.
pub(crate) async fn erase_person(
    app: &App,
    who: &Who,
    id: SubjectRequestId,
    suppress: bool,
) -> Outcome<Receipt> {
    let session = who.session.clone();
    app.run(move |vault| {
        let packs = dial::packs(vault)?;
        let subject = about(vault, id)?;
        let by = vault.authorise(&session, Act::EraseSubject, Target::Subject(subject), None)?;
        let agreed = match erase::agreement(vault, subject)? {
            Agreement::Given(decision) => Some(decision),
            _ => None,
        };
        let wish = Wish { subject, request: Some(id), agreed, suppress, reason: None };
        erase::erase(vault, &packs, &Limits::default(), &by, wish)
    })
    .await
}

/// What a copy would hold, opened by a permit.
pub(crate) async fn look_over(app: &App, who: &Who, id: SubjectRequestId) -> Outcome<Copy> {
    let session = who.session.clone();
    app.run(move |vault| {
        let export = export(vault, &session, about(vault, id)?)?;
        copy::build(vault, &export, &Decisions::of(vault, id)?)
    })
    .await
}

fn export(
    vault: &Vault,
    session: &callvault_store::Session,
    subject: SubjectId,
) -> Result<callvault_store::export::SubjectExport, Error> {
    let purpose = Some(Purpose::SubjectRequest);
    let permit = vault.permit::<ExportSubject>(session, Target::Subject(subject), purpose, None)?;
    vault.export_subject(permit)
}

/// Makes a ticket for one download within a day.
pub(crate) async fn ticket(app: &App, who: &Who, id: SubjectRequestId) -> Outcome<PackageId> {
    let session = who.session.clone();
    app.run(move |vault| vault.make_package(&session, id)).await
}

/// The download of a copy: the permit first, then the ticket is used up, then the bytes.
pub(crate) async fn download(
    app: &App,
    who: &Who,
    id: SubjectRequestId,
    ticket: PackageId,
) -> Outcome<Response> {
    let session = who.session.clone();
    let blob = app
        .run(move |vault| {
            let subject = about(vault, id)?;
            let purpose = Some(Purpose::SubjectRequest);
            let permit = vault.permit::<ExportSubject>(&session, Target::Subject(subject), purpose, None)?;
            let of = vault.use_package(&session.actor(), id, ticket)?;
            if vault.living_record(of)? != vault.living_record(subject)? {
                return Err(Problem::absent());
            }
            let export = vault.export_subject(permit)?;
            packed(vault, &export, id).map_err(Problem::from)
        })
        .await?;
    let length = blob.plain_bytes();
    let mut response = Response::new(stream(blob)?);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    headers
        .insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"copy.tar\""));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

/// The copy as one tar file, sealed under a key of this process until it is sent.
fn packed(
    vault: &Vault,
    export: &callvault_store::export::SubjectExport,
    id: SubjectRequestId,
) -> Result<SealedBlob, callvault_program::Error> {
    let decisions = Decisions::of(vault, id)?;
    let fill = |out: &mut dyn Write| -> Result<(), callvault_program::Error> {
        let mut tar = TarSink::new(out);
        request::write_copy(vault, export, &decisions, &Limits::default(), &mut tar)?;
        tar.finish()?;
        Ok(())
    };
    SealedBlob::scratch(&vault.blobs(), vault.tenant(), &callvault_seal::OsEntropy, fill)
}

/// Sends a sealed file in the clear, piece by piece; it goes away when the last piece was sent or nobody listens.
fn stream(blob: SealedBlob) -> Outcome<Body> {
    let reader = blob.reader()?;
    let pieces = futures_util::stream::try_unfold((blob, reader), |(blob, mut reader)| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0u8; PIECE];
            let n = reader.read(&mut piece)?;
            piece.truncate(n);
            Ok::<_, std::io::Error>((blob, reader, piece))
        });
        let (blob, reader, piece) = read.await.map_err(std::io::Error::other)??;
        Ok::<_, std::io::Error>(if piece.is_empty() {
            None
        } else {
            Some((Bytes::from(piece), (blob, reader)))
        })
    });
    Ok(Body::from_stream(pieces))
}

/// Codes and words of the lists that forms offer.
pub(crate) fn choices<T: Coded>() -> Vec<(&'static str, &'static str)> {
    T::LIST.iter().map(|(_, code, what)| (*code, *what)).collect()
}

/// The lists themselves, for forms.
pub(crate) struct Lists {
    pub kinds: Vec<(&'static str, &'static str)>,
    pub laws: Vec<(&'static str, &'static str)>,
    pub ways: Vec<(&'static str, &'static str)>,
}

impl Lists {
    pub fn all() -> Self {
        Self { kinds: choices::<RequestKind>(), laws: choices::<RequestLaw>(), ways: choices::<Arrived>() }
    }
}
