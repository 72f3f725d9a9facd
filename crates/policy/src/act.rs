//! Everything somebody can ask for. A route, a page and an API call name exactly one of these.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! acts {
    ($($name:ident $code:literal $what:literal),+ $(,)?) => {
        /// What somebody wants to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Act { $(#[doc = $what] #[serde(rename = $code)] $name,)+ }

        impl Act {
            /// Every act.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable code, as policies, grants and the ledger name it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// What it is, for people.
            pub fn what(self) -> &'static str {
                match self { $(Self::$name => $what),+ }
            }

            /// The act of this code.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|a| a.as_str() == code)
            }
        }
    };
}

acts! {
    SeeOverview "see_overview" "See what came in, what waits and whether the ledger is sound.",
    ListConversations "list_conversations" "List and search conversations by metadata and exact identifiers.",
    ReadMasked "read_masked" "Read the masked text of a conversation.",
    PlayMuted "play_muted" "Hear the muted recording of a conversation.",
    RequestReveal "request_reveal" "Ask to see one hidden value.",
    ApproveReveal "approve_reveal" "Be the second person for somebody's reveal.",
    Reveal "reveal" "See one hidden value, once, for 30 seconds.",
    RequestCorrection "request_correction" "Say that a finding is missing or wrong.",
    ApproveCorrection "approve_correction" "Accept or refuse somebody's correction.",
    SeeQuarantine "see_quarantine" "See what lies in quarantine and why.",
    ReleaseQuarantine "release_quarantine" "Let a conversation in quarantine be worked on again, or discard it.",
    Upload "upload" "Put conversations in.",
    ListSubjects "list_subjects" "List the people known.",
    ReadSubject "read_subject" "See one person's conversations and who read them.",
    LinkSubjects "link_subjects" "Merge two records of one person, or split one.",
    RequestGrant "request_grant" "Ask for a right for a while.",
    ApproveGrant "approve_grant" "Give or refuse a right for a while.",
    RevokeGrant "revoke_grant" "Take a right away at once.",
    SeeGrants "see_grants" "See who holds which right until when.",
    SeePeople "see_people" "See who may come in, with which roles, factors and keys.",
    ManagePeople "manage_people" "Invite, restore, revoke people and set roles.",
    FreezePeople "freeze_people" "Suspend people and end their sessions at once.",
    ReviewAccess "review_access" "Confirm or withdraw what people may do.",
    SeeRetention "see_retention" "See retention rules, holds, and what a rule would destroy.",
    ChangeRetention "change_retention" "Change how long a class is kept.",
    RunRetention "run_retention" "Destroy what is due.",
    ManageHolds "manage_holds" "Place and release legal holds.",
    ChangeCollection "change_collection" "Change which fields are collected at all.",
    RequestDisposalMode "request_disposal_mode" "Ask to leave or enter observe mode.",
    ApproveDisposalMode "approve_disposal_mode" "Be the second person for leaving observe mode, and for what opens the root key.",
    ReadLedger "read_ledger" "Read and verify the ledger.",
    ReadCertificates "read_certificates" "Read certificates of destruction.",
    ExportEvidence "export_evidence" "Export the ledger and certificates.",
    SeeSettings "see_settings" "See how the program is set.",
    RotateKeys "rotate_keys" "Rotate the tenant key.",
    ManageApiKeys "manage_api_keys" "Make and revoke keys of services.",
    SeeTraining "see_training" "See where everybody stands with the courses.",
    ManageTraining "manage_training" "Say who needs which course, excuse people for a while, ask for a course again.",
    SeePosture "see_posture" "See the posture audit and the findings register.",
    ManagePosture "manage_posture" "Run the audit, import scans, give findings an owner.",
    SeeMedia "see_media" "See the register of drives and paper, and who held them.",
    ManageMedia "manage_media" "Enter drives and paper, hand them on, record and witness their destruction.",
    SeeIncidents "see_incidents" "See alerts and incidents: scope, clocks, tasks, notices.",
    ManageIncidents "manage_incidents" "Decide alerts, open and lead incidents, draft notices.",
    AcceptFailure "accept_failure" "Accept a failed check of the audit for a while.",
    SeeSubjectRequests "see_subject_requests" "See requests of the people concerned, their clocks and receipts.",
    WorkSubjectRequests "work_subject_requests" "Record and work requests of the people concerned.",
    ExportSubject "export_subject" "Take out everything of one person, to answer that person.",
    EraseSubject "erase_subject" "Erase one person.",
    ApproveErasure "approve_erasure" "Be the second person for erasing somebody.",
    CheckDial "check_dial" "Ask whether a number may be called or texted.",
    PreviewCampaign "preview_campaign" "Count who of a list may be called, and why the others may not.",
    SeeConsents "see_consents" "See consents with their proof, and who wishes to hear no more.",
    ManageConsents "manage_consents" "Record and end consents, enter and lift wishes to hear no more.",
    SeeLaw "see_law" "See the rows of law in use and the record of processing, and compute answers again.",
    ChangeLaw "change_law" "Switch unreviewed rows of law off, set purpose and lawful basis.",
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_is_found_by_its_code() {
        for act in Act::ALL {
            assert_eq!(Act::parse(act.as_str()), Some(*act));
            assert!(act.what().ends_with('.'));
        }
        assert_eq!(Act::parse("own_everything"), None);
    }
}
