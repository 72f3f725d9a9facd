//! `callvault request`: requests of the people concerned, from arrival to answer.

use super::{Done, Shared, Usage, dispose::masked};
use crate::{out, wire};
use anyhow::Context;
use callvault_model::{
    Channel, Secret,
    id::{ConversationId, SubjectId, SubjectRequestId},
};
use callvault_program::{
    dial,
    request::{
        self, Decisions, Folder, clock,
        erase::{self, Agreement, Wish},
        holidays::Holidays,
        plan,
    },
};
use callvault_speech::decode::Limits;
use callvault_store::{
    Actor, Vault,
    requests::{
        Answer, Arrived, Coded, Exemption, IdentityCheck, ItemDecision, NewRequest, RequestKind, RequestLaw,
    },
    retention::Class,
    two_person::Shared as Two,
};
use serde_json::json;
use std::{io::Read, path::PathBuf};

const BY: Actor = Actor::LocalOperator;
/// Longest address on standard input.
const MAX_ADDRESS: u64 = 1_000;

/// Requests of the people concerned: access, portability, erasure, rectification, restriction, objection
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Lists requests with their last day
    List {
        /// Closed ones, too
        #[arg(long)]
        all: bool,
    },
    /// Writes a request down
    File {
        /// access, portability, erasure, rectification, restriction, objection, opt_out, limit
        kind: String,
        /// eu, uk, us_ca, us_hipaa, other
        #[arg(long)]
        law: String,
        /// email, voice, chat, sms, letter, portal, in_person
        #[arg(long)]
        arrived: String,
        /// The day it arrived, which starts the clock
        #[arg(long, value_name = "YYYY-MM-DD")]
        received: String,
        /// The person's record, if it is known
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// Reads the claimed number or address from standard input; it leads to the record and is not kept
        #[arg(long, conflicts_with = "subject")]
        address_stdin: bool,
        /// What an objection is against: marketing, or a purpose of the vault
        #[arg(long, value_name = "PURPOSE")]
        against: Vec<String>,
        /// A note; masked by the detector before it is kept
        #[arg(long, default_value = "")]
        note: String,
    },
    /// One request: clock, steps, and what would be done
    Show {
        /// Its id
        id: String,
    },
    /// Says whom a request is about
    About {
        /// Its id
        id: String,
        /// The person's record
        subject: String,
    },
    /// The person was asked to show who they are
    AskIdentity {
        /// Its id
        id: String,
    },
    /// One check of identity: what was done, never the value that was compared
    Check {
        /// Its id
        id: String,
        /// call_back, code_sent, signed_in, knowledge, document, mandate, from_address
        check: String,
        /// It did not fit
        #[arg(long)]
        failed: bool,
        /// Identity is certain with it
        #[arg(long, conflicts_with = "failed")]
        confirms: bool,
    },
    /// The person was told that the answer takes longer
    Extend {
        /// Its id
        id: String,
        /// The day they were told
        #[arg(long, value_name = "YYYY-MM-DD")]
        told: String,
        /// Why; masked by the detector before it is kept
        #[arg(long)]
        reason: String,
    },
    /// Decides one part of one conversation
    Decide {
        /// The request
        id: String,
        /// The conversation
        conversation: String,
        /// A class (audio, redacted_audio, transcript, tokens, metadata) or the name of a token
        part: String,
        /// keep, withhold, disclose, rule
        decision: String,
        /// legal_claim, legal_obligation, expression, still_necessary, other_person
        #[arg(long, default_value = "")]
        why: String,
    },
    /// Writes the copy that the person gets into a new folder
    Copy {
        /// Its id
        id: String,
        /// The folder; must not exist
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Erases the person of a request
    Erase {
        /// Its id
        id: String,
        /// Their numbers and addresses go on the do-not-contact list
        #[arg(long)]
        suppress: bool,
    },
    /// A restriction, objection or opt-out takes effect
    CarryOut {
        /// Its id
        id: String,
    },
    /// The person was answered
    Answer {
        /// Its id
        id: String,
        /// granted, partly, refused, not_found, not_identified, withdrawn
        outcome: String,
    },
    /// Nothing more is to be done
    Close {
        /// Its id
        id: String,
    },
    /// Which record of a law a class of data is here; what that law wants kept stays when a person is erased
    Minimum {
        /// audio, redacted_audio, transcript, tokens, metadata; nothing lists what is set
        class: Option<String>,
        /// voice, chat, email, sms
        channel: Option<String>,
        /// An engine of the law packs and a record class, such as `tcpa call_record`; nothing takes it back
        record: Vec<String>,
    },
}

/// The one of this code, or the list of what there is.
fn coded<T: Coded>(code: &str, what: &str) -> anyhow::Result<T> {
    T::parse(code).ok_or_else(|| {
        let all: Vec<&str> = T::LIST.iter().map(|(_, c, _)| *c).collect();
        Usage(format!("{code:?} is no {what}; it is one of {}", all.join(", "))).into()
    })
}

fn id(text: &str) -> anyhow::Result<SubjectRequestId> {
    text.parse().context("see `callvault request list`")
}

fn day(text: &str) -> anyhow::Result<jiff::civil::Date> {
    text.parse().map_err(|_| Usage(format!("{text:?} is no day; write 2026-11-23")).into())
}

pub fn run(shared: &Shared, args: &Args) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    match &args.act {
        Act::List { all } => return list(shared, &vault, *all),
        Act::Show { id: request } => return show(shared, &vault, id(request)?),
        Act::File { .. } => return file(shared, &vault, &args.act),
        Act::About { id: request, subject } => {
            vault.request_is_about(
                &BY,
                id(request)?,
                subject.parse().context("see `callvault subjects`")?,
            )?;
        }
        Act::AskIdentity { id: request } => vault.ask_identity(&BY, id(request)?)?,
        Act::Check { id: request, check, failed, confirms } => {
            let check: IdentityCheck = coded(check, "check")?;
            vault.check_identity(&BY, id(request)?, check, !failed, *confirms)?;
        }
        Act::Extend { id: request, told, reason } => {
            vault.extend_request(&BY, id(request)?, day(told)?, &masked(reason)?)?;
        }
        Act::Decide { id: request, conversation, part, decision, why } => {
            let conversation: ConversationId = conversation.parse().context("see `callvault show`")?;
            vault.decide_item(&BY, id(request)?, conversation, part, &decided(decision, why)?)?;
        }
        Act::Copy { id: request, out } => return copy(shared, &vault, id(request)?, out),
        Act::Erase { id: request, suppress } => {
            let request = id(request)?;
            let subject = vault.subject_request(request)?.subject;
            let subject =
                subject.context("say whom the request is about first: `callvault request about`")?;
            drop(vault);
            return erase_person(shared, subject, Some(request), *suppress, None);
        }
        Act::CarryOut { id: request } => vault.carry_out_request(&BY, id(request)?)?,
        Act::Answer { id: request, outcome } => {
            vault.answer_request(&BY, id(request)?, coded::<Answer>(outcome, "outcome")?)?;
        }
        Act::Close { id: request } => vault.close_request(&BY, id(request)?)?,
        Act::Minimum { class, channel, record } => {
            return minimum(shared, &vault, class.as_deref(), channel.as_deref(), record);
        }
    }
    if shared.json {
        out::json(&json!({"ok": true}))?;
    } else {
        out::line("recorded");
    }
    Ok(Done::Ok)
}

fn decided(decision: &str, why: &str) -> anyhow::Result<ItemDecision> {
    Ok(match decision {
        "keep" => ItemDecision::Keep(coded::<Exemption>(why, "exemption")?),
        "withhold" => ItemDecision::Withhold(coded::<Exemption>(why, "exemption")?),
        "disclose" => ItemDecision::Disclose,
        "rule" => ItemDecision::Rule,
        other => return Err(Usage(format!("{other:?}: decide keep, withhold, disclose or rule")).into()),
    })
}

fn file(shared: &Shared, vault: &Vault, act: &Act) -> anyhow::Result<Done> {
    let Act::File { kind, law, arrived, received, subject, address_stdin, against, note } = act else {
        return Ok(Done::Ok);
    };
    let address = if *address_stdin {
        let mut text = String::new();
        std::io::stdin().take(MAX_ADDRESS).read_to_string(&mut text).context("standard input")?;
        Some(Secret::new(text.trim().to_owned()))
    } else {
        None
    };
    let new = NewRequest {
        kind: coded::<RequestKind>(kind, "kind of request")?,
        law: coded::<RequestLaw>(law, "law")?,
        arrived: coded::<Arrived>(arrived, "way to arrive")?,
        received_on: day(received)?,
        subject: subject.as_ref().map(|s| s.parse().context("see `callvault subjects`")).transpose()?,
        address,
        purposes: against.clone(),
        note: if note.is_empty() { String::new() } else { masked(note)? },
    };
    let filed = vault.file_request(&BY, &new)?;
    if shared.json {
        out::json(&json!({"id": filed.id.to_string(), "subject": filed.subject.map(|s| s.to_string())}))?;
    } else {
        out::line(&format!("filed: {}", filed.id));
        out::line(&match filed.subject {
            Some(s) => format!("  about {s}"),
            None => "  about nobody known yet; `callvault request about` says whom".to_owned(),
        });
    }
    Ok(Done::Ok)
}

fn list(shared: &Shared, vault: &Vault, all: bool) -> anyhow::Result<Done> {
    let packs = dial::packs(vault)?;
    let (now, holidays) = (vault.clock().now(), Holidays::of(vault)?);
    let mut rows = Vec::new();
    for row in vault.subject_requests(all)? {
        let clock = clock::of(&packs, &holidays, &row, now)?;
        if shared.json {
            rows.push(json!({"request": row, "clock": clock}));
            continue;
        }
        let due = match (&clock.due, clock.days_left) {
            (Some(due), Some(left)) => format!("due {due} ({left} days)"),
            (Some(due), None) => format!("due {due}"),
            (None, _) if clock.paused => "waits for identity".to_owned(),
            _ => "no clock".to_owned(),
        };
        out::line(&format!("{}  {:<14} {:<9} {due}", row.id, row.kind.as_str(), row.state.as_str()));
    }
    if shared.json {
        out::json(&rows)?;
    }
    Ok(Done::Ok)
}

fn show(shared: &Shared, vault: &Vault, id: SubjectRequestId) -> anyhow::Result<Done> {
    let packs = dial::packs(vault)?;
    let row = vault.subject_request(id)?;
    let clock = clock::of(&packs, &Holidays::of(vault)?, &row, vault.clock().now())?;
    let steps = vault.request_steps(id)?;
    let plan = match (row.kind, row.subject) {
        (RequestKind::Erasure, Some(subject)) => Some(plan::erasure(vault, &packs, subject, Some(id))?),
        _ => None,
    };
    if shared.json {
        out::json(
            &json!({"request": row, "clock": clock, "steps": steps, "items": vault.request_items(id)?, "plan": plan}),
        )?;
        return Ok(Done::Ok);
    }
    out::line(&format!("{}, {}, {}", row.kind.what(), row.law.what(), row.state.what()));
    out::line(&format!(
        "received {} {}, identity {}",
        row.received_on,
        row.arrived.what(),
        row.identity.what()
    ));
    out::line(&format!(
        "due {} from {}; extension notice by {}",
        clock.due.as_deref().unwrap_or("-"),
        clock.start_event,
        clock.extension_notice_by.as_deref().unwrap_or("-")
    ));
    for r in &clock.rows {
        let sure = if r.unreviewed { ", unreviewed" } else { "" };
        out::line(&format!("  {} (read {}, confidence {}{sure})", r.cite.join("; "), r.read, r.confidence));
    }
    out::line(&format!("  {}", clock.disclaimer));
    for s in steps {
        out::line(&format!("{}  {} {}  {}", s.at, s.what, s.detail, s.by));
    }
    for c in plan.iter().flat_map(|p| &p.conversations) {
        out::line(&format!("{} {}", c.scope.conversation, c.scope.channel));
        for i in &c.items {
            let what = match &i.kept {
                None => "goes".to_owned(),
                Some(k) => format!("stays: {} {} {}", k.code, k.rule, k.until.as_deref().unwrap_or("")),
            };
            out::line(&format!("  {:<14} {:>5}  {what}", i.class.as_str(), i.count));
        }
    }
    Ok(Done::Ok)
}

fn copy(shared: &Shared, vault: &Vault, id: SubjectRequestId, dir: &std::path::Path) -> anyhow::Result<Done> {
    let export = vault.export_for_request(&BY, id)?;
    let decisions = Decisions::of(vault, id)?;
    let mut folder = Folder::new(dir)?;
    let written = request::write_copy(vault, &export, &decisions, &Limits::default(), &mut folder)?;
    if shared.json {
        out::json(&written)?;
    } else {
        out::line(&format!(
            "{}: {} conversations, {} recordings, {} values left out; open index.html",
            dir.display(),
            written.conversations,
            written.recordings,
            written.left_out
        ));
        out::line("it is in the clear; hand it over and destroy it: `callvault dispose file`");
    }
    Ok(Done::Ok)
}

/// Erases a person; where two people are needed and nobody agreed yet, asks and ends with 1.
pub fn erase_person(
    shared: &Shared,
    subject: SubjectId,
    request: Option<SubjectRequestId>,
    suppress: bool,
    reason: Option<String>,
) -> anyhow::Result<Done> {
    let vault = wire::open(shared)?;
    let agreed = match erase::agreement(&vault, subject)? {
        Agreement::NotNeeded => None,
        Agreement::Given(id) => Some(id),
        Agreement::Waits(id) => {
            out::say(&format!("waits: somebody has to agree under Requests in the console ({id})"));
            return Ok(Done::Finding);
        }
        Agreement::Missing => {
            let id = vault.request_second_locally(Two::EraseSubject, &erase::terms(&vault, subject)?)?;
            out::say(&format!(
                "asked: erasing a person takes two; somebody has to agree under Requests in the console ({id}), then run this again"
            ));
            return Ok(Done::Finding);
        }
    };
    let wish = Wish { subject, request, agreed, suppress, reason };
    let packs = dial::packs(&vault)?;
    let receipt = erase::erase(&vault, &packs, &Limits::default(), &BY, wish)?;
    if shared.json {
        out::json(&receipt)?;
        return Ok(Done::Ok);
    }
    let s = &receipt.statement;
    out::line(&format!("{}; receipt {}", s.title, s.id));
    for r in &s.remains {
        out::line(&format!("  remains: {} ({}), until {}", r.what, r.why, r.until));
    }
    Ok(Done::Ok)
}

fn minimum(
    shared: &Shared,
    vault: &Vault,
    class: Option<&str>,
    channel: Option<&str>,
    record: &[String],
) -> anyhow::Result<Done> {
    if let (Some(class), Some(channel)) = (class, channel) {
        let class = Class::parse(class).ok_or_else(|| Usage(format!("{class:?} is no class")))?;
        let channel = [Channel::Voice, Channel::Chat, Channel::Email, Channel::Sms]
            .into_iter()
            .find(|c| c.as_str() == channel)
            .ok_or_else(|| Usage(format!("{channel:?} is no channel")))?;
        let record = match record {
            [] => None,
            [engine, record] => Some((engine.as_str(), record.as_str())),
            _ => return Err(Usage("name an engine and a record class, or nothing".into()).into()),
        };
        if let Some((engine, name)) = record
            && !plan::covers(&*dial::packs(vault)?, engine, name, vault.clock().now())
        {
            return Err(Usage(format!("no row of the packs covers {name:?} of {engine:?}")).into());
        }
        vault.set_minimum(&BY, class, channel, record)?;
    }
    let rules = vault.minimum_rules()?;
    if shared.json {
        out::json(&rules)?;
    } else {
        for r in rules {
            out::line(&format!("{:<14} {:<6} {} {}", r.class.as_str(), r.channel, r.engine, r.record));
        }
    }
    Ok(Done::Ok)
}
