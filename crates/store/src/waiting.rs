//! How much waits for somebody's decision; only counts, so that every page can show them.

use crate::db::params;
use crate::{Error, Session, Vault, grants, times};
use callvault_policy::Act;
use std::collections::BTreeSet;

impl Vault {
    /// Requests of other people that wait for an answer which somebody with these rights may give.
    pub fn waiting_for(&self, who: &Session, may: &BTreeSet<Act>) -> Result<u64, Error> {
        let now = self.clock.now();
        let oldest = times::after(now, -grants::WAIT).to_string();
        let now = now.to_string();
        let lists = [
            (
                Act::ApproveGrant,
                "SELECT COUNT(*) FROM access_grant WHERE state = 'requested' AND account <> ?1 AND requested_at > ?2",
                &oldest,
            ),
            (
                Act::ApproveReveal,
                "SELECT COUNT(*) FROM reveal_request WHERE state = 'pending' AND account <> ?1 AND expires_at > ?2",
                &now,
            ),
            (
                Act::ApproveDisposalMode,
                "SELECT COUNT(*) FROM two_person WHERE act IN ('enable_disposal', 'end_tenant', 'change_keys') AND state = 'pending' AND requested_by <> ?1 AND expires_at > ?2",
                &now,
            ),
            (
                Act::ApproveErasure,
                "SELECT COUNT(*) FROM two_person WHERE act = 'erase_subject' AND state = 'pending' AND requested_by <> ?1 AND expires_at > ?2",
                &now,
            ),
        ];
        let db = self.reads();
        let mut sum = 0;
        if may.contains(&Act::ApproveCorrection) {
            let sql = "SELECT COUNT(*) FROM correction WHERE state = 'requested' AND requested_by <> ?1";
            let n: i64 = db.prepare_cached(sql)?.query_row([who.actor().to_string()], |r| r.get(0))?;
            sum += n.unsigned_abs();
        }
        for (_, sql, after) in lists.iter().filter(|(act, ..)| may.contains(act)) {
            let n: i64 =
                db.prepare_cached(sql)?.query_row(params![who.account().as_bytes(), after], |r| r.get(0))?;
            sum += n.unsigned_abs();
        }
        Ok(sum)
    }
}
