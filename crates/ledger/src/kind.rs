//! The stable codes of what the ledger records. Codes are added, never changed or reused.

use std::fmt;

macro_rules! kinds {
    ($($name:ident $code:literal $what:literal),+ $(,)?) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $(#[doc = $what] $name,)+ }

        impl Kind {
            /// Every code this version writes.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }
        }
    };
}

kinds! {
    VaultCreated "vault.created" "A vault was created.",
    VaultOpened "vault.opened" "A vault was opened with its root key.",
    VaultRestored "vault.restored" "A backup was restored and its erasures replayed.",
    VaultMoved "vault.moved" "The vault's rows went to another database.",
    FilesMoved "vault.files_moved" "The vault's sealed files went to another place.",
    BackupWritten "vault.backup_written" "A backup was written.",
    ModeChanged "vault.mode_changed" "Observe mode was left or entered.",
    Measured "vault.measured" "Recall was measured on the site's own calls.",
    TenantAdded "tenant.added" "A tenant was added.",
    TenantEnded "tenant.ended" "A tenant's key was destroyed.",
    SubjectAdded "subject.added" "A person became known.",
    SubjectLinked "subject.linked" "A party was linked to another person.",
    SubjectErased "subject.erased" "A person's keys were destroyed.",
    ConversationReceived "conversation.received" "A conversation came in and was sealed.",
    ConversationTranscribed "conversation.transcribed" "It was put into words.",
    ConversationDetected "conversation.detected" "It was searched for sensitive data.",
    ConversationRedacted "conversation.redacted" "Text was masked and audio muted.",
    ConversationProven "conversation.proven" "The redaction was proven.",
    ConversationSealed "conversation.sealed" "Originals were replaced by tokens.",
    ConversationRecorded "conversation.recorded" "Its outcome is final and durable.",
    ConversationQuarantined "conversation.quarantined" "A stage failed; nobody can read it.",
    ConversationAwaiting "conversation.awaiting_transcript" "No engine can hear it yet; it lies sealed.",
    ConversationReleased "conversation.released" "It left quarantine.",
    ConversationDisposed "conversation.disposed" "Its original was destroyed.",
    AudioShredded "audio.shredded" "The key of a recording was destroyed.",
    SourceDisposed "source.disposed" "The source file was destroyed.",
    DisposalRequested "disposal.requested" "Somebody asked for a disposal.",
    DisposalApproved "disposal.approved" "A second person agreed.",
    DisposalRefused "disposal.refused" "A rule or a person said no.",
    CertificateIssued "certificate.issued" "A certificate was issued.",
    HoldPlaced "hold.placed" "A legal hold was placed.",
    HoldReleased "hold.released" "A legal hold was released.",
    RetentionApplied "retention.applied" "A retention rule acted.",
    RequestFiled "request.filed" "A person asserted a right.",
    RequestClosed "request.closed" "The request was answered.",
    RetentionChanged "retention.changed" "A retention rule was changed.",
    CollectionChanged "collection.changed" "What is collected at all was changed.",
    KeepMarked "keep.marked" "A conversation was marked as one that must be kept.",
    CorrectionRequested "correction.requested" "Somebody said that a finding is missing or wrong.",
    CorrectionDecided "correction.decided" "Another person accepted or refused a correction.",
    AudioRemuted "audio.remuted" "A recording was muted further after a correction, or stays withheld.",
    SubjectMerged "subject.merged" "Two people turned out to be one.",
    SubjectSplit "subject.split" "Conversations of one person were given to another.",
    UploadStarted "upload.started" "An upload began.",
    AccountChanged "account.changed" "An account was invited, enrolled, suspended, revoked or given other roles.",
    AccountReviewed "account.reviewed" "Somebody confirmed what an account may do.",
    FactorChanged "factor.changed" "A way to sign in was added, used up or taken away.",
    SessionStarted "session.started" "Somebody signed in.",
    SessionEnded "session.ended" "A session ended.",
    SignInFailed "signin.failed" "A sign-in was refused.",
    ServerStarted "server.started" "The server was started.",
    AccessPermitted "access.permitted" "Data was shown.",
    AccessDenied "access.denied" "Data was refused.",
    AccessRevealed "access.revealed" "A token's original was shown.",
    RevealRequested "reveal.requested" "Somebody asked to see one hidden value.",
    RevealDecided "reveal.decided" "A second person agreed to a reveal or refused it.",
    ApprovalRequested "approval.requested" "Somebody asked for something that needs a second person.",
    ApprovalDecided "approval.decided" "A second person agreed or refused.",
    GrantChanged "grant.changed" "A right was given, used up or taken.",
    PolicyChanged "policy.changed" "The rules of access changed.",
    KeyEpochCreated "key.epoch_created" "A shred epoch began.",
    KeyEpochDestroyed "key.epoch_destroyed" "A shred epoch's key was destroyed.",
    KeyRotated "key.rotated" "A key got a new version.",
    KeyRewrapped "key.rewrapped" "Keys were moved to another wrapping key.",
    KeyRecovered "key.recovered" "The key file was made again from recovery shares.",
    LedgerExported "ledger.exported" "The ledger was exported.",
    LedgerVerified "ledger.verified" "The ledger was verified.",
    ClockStepped "clock.stepped" "The wall clock went backwards.",
    TrainingRuled "training.ruled" "Who needs which course was changed, or a policy was published.",
    TrainingAttempted "training.attempted" "Somebody began a course's questions, or handed them in.",
    TrainingWaived "training.waived" "Somebody was excused from a course for a while, or no longer.",
    TrainingRecalled "training.recalled" "Somebody has to take a course again.",
    TrainingAttested "training.attested" "Somebody confirmed a version of a policy.",
    TrainingExported "training.exported" "The evidence of training was exported.",
    AuditRun "audit.run" "The posture of this installation was audited.",
    FindingsImported "findings.imported" "A scanner's report was taken into the findings register.",
    FindingChanged "finding.changed" "A finding got another owner or date, or a failed check was accepted for a while.",
    MediumEntered "medium.entered" "A drive or a stack of paper was entered into the register.",
    MediumMoved "medium.moved" "A drive or a stack of paper went into other hands or to another place.",
    MediumDestroyed "medium.destroyed" "Somebody recorded that a medium was sanitised or destroyed.",
    MediumWitnessed "medium.witnessed" "A second person confirmed or denied the destruction of a medium.",
    RequestChanged "request.changed" "A request of a person was worked on.",
    RequestAnswered "request.answered" "A request of a person was answered.",
    SubjectExported "subject.exported" "Everything of one person was taken out to answer that person.",
    SubjectRestricted "subject.restricted" "The use of a person's data was restricted, or freed again.",
    SubjectRectified "subject.rectified" "Data of a person were corrected.",
    SuppressionChanged "suppression.changed" "A number or address was put on the do-not-contact list, or taken off.",
    OperatorActed "operator.acted" "A local command acted on the vault.",
    AlertRaised "alert.raised" "A detection found something worth a look.",
    AlertDecided "alert.decided" "Somebody dismissed an alert or made an incident of it.",
    WatchChanged "watch.changed" "The rules of the detections changed.",
    CanaryPlanted "canary.planted" "Invented customers were planted.",
    IncidentOpened "incident.opened" "An incident was opened.",
    IncidentChanged "incident.changed" "Phase, start events, laws, people or tasks of an incident changed.",
    IncidentNoted "incident.noted" "Something was written into an incident.",
    EvidenceKept "incident.evidence_kept" "Evidence was added to an incident by its hash.",
    ScopeComputed "incident.scope_computed" "Who and what an incident touches was computed.",
    NoticeDrafted "incident.notice_drafted" "A notice was drafted or changed.",
    NoticeSent "incident.notice_sent" "A notice was sent.",
    AccountFrozen "account.frozen" "A person was stopped at once because of an incident.",
    AccountThawed "account.thawed" "A person stopped because of an incident was let in again.",
    LawDecided "law.decided" "The law engine answered a question, or judged a list.",
    LawReplayed "law.replayed" "A recorded answer was computed again.",
    LawRowsChanged "law.rows_changed" "Unreviewed rows of law were switched off or on.",
    ProcessingChanged "processing.changed" "Purpose, lawful basis or the controller was changed.",
    ConsentRecorded "consent.recorded" "A consent was recorded with its proof.",
    ConsentWithdrawn "consent.withdrawn" "A consent was withdrawn.",
    OptOutRaised "opt_out.raised" "Somebody wishes to hear no more.",
    OptOutDecided "opt_out.decided" "A person confirmed, dismissed or lifted such a wish.",
    RestoreRehearsed "vault.restore_rehearsed" "A backup was restored on trial, and every key and file in it opened.",
    VaultSealed "vault.sealed" "A server forgot its keys and waits to be opened again.",
    KeyProtected "key.protected" "The key file was put under another protection.",
    KeySharesMade "key.shares_made" "New recovery shares were made.",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a text has the form of a code. A newer version's codes verify too.
pub fn is_code(text: &str) -> bool {
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    text.len() <= 64 && text.split_once('.').is_some_and(|(a, b)| word(a) && word(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_form_and_are_unique() {
        let mut codes: Vec<_> = Kind::ALL.iter().map(|k| k.as_str()).collect();
        assert!(codes.iter().all(|c| is_code(c)));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Kind::ALL.len());
        for bad in ["", "a", "a.", ".a", "A.b", "a.b.c", "a b.c"] {
            assert!(!is_code(bad), "{bad}");
        }
    }
}
