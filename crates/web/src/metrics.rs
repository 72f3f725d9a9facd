//! Counters in the text format of Prometheus. Labels are ours: route patterns and status classes, never what somebody sent.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Upper bounds of the duration histogram, in seconds.
const BOUNDS: [f64; 7] = [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// What the server counted since it started.
#[derive(Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(String, u16), u64>>,
    buckets: [AtomicU64; BOUNDS.len()],
    observed: AtomicU64,
    total_micros: AtomicU64,
    /// Conversations by what became of them.
    outcomes: Mutex<BTreeMap<&'static str, u64>>,
}

impl Metrics {
    /// One request is answered. `route` is the pattern, such as `/conversations/{id}`.
    pub fn request(&self, route: &str, status: u16, seconds: f64) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((route.to_owned(), status)).or_insert(0) += 1;
        drop(requests);
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            if seconds <= *bound {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.observed.fetch_add(1, Ordering::Relaxed);
        self.total_micros.fetch_add((seconds * 1e6) as u64, Ordering::Relaxed);
    }

    /// A worker finished a conversation.
    pub fn outcome(&self, state: &'static str) {
        *self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).entry(state).or_insert(0) += 1;
    }

    /// The exposition text. `waiting` and `ledger` are read from the vault by the caller.
    pub fn text(&self, waiting: u64, ledger: u64) -> String {
        let mut out = String::new();
        head(&mut out, "callvault_http_requests_total", "counter", "Requests answered.");
        for ((route, status), n) in self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ =
                writeln!(out, "callvault_http_requests_total{{route=\"{route}\",status=\"{status}\"}} {n}");
        }
        head(&mut out, "callvault_http_request_seconds", "histogram", "Time to answer, in seconds.");
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            let n = bucket.load(Ordering::Relaxed);
            let _ = writeln!(out, "callvault_http_request_seconds_bucket{{le=\"{bound}\"}} {n}");
        }
        let n = self.observed.load(Ordering::Relaxed);
        let sum = self.total_micros.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(out, "callvault_http_request_seconds_bucket{{le=\"+Inf\"}} {n}");
        let _ = writeln!(
            out,
            "callvault_http_request_seconds_sum {sum}\ncallvault_http_request_seconds_count {n}"
        );
        head(&mut out, "callvault_conversations_total", "counter", "Conversations worked on, by outcome.");
        for (state, n) in self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(out, "callvault_conversations_total{{state=\"{state}\"}} {n}");
        }
        head(&mut out, "callvault_conversations_waiting", "gauge", "Conversations not yet worked on.");
        let _ = writeln!(out, "callvault_conversations_waiting {waiting}");
        head(&mut out, "callvault_ledger_entries", "gauge", "Entries in the ledger.");
        let _ = writeln!(out, "callvault_ledger_entries {ledger}");
        out
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_end_in_the_count() {
        let m = Metrics::default();
        m.request("/", 200, 0.004);
        m.request("/", 200, 0.3);
        let text = m.text(1, 2);
        assert!(text.contains("callvault_http_requests_total{route=\"/\",status=\"200\"} 2"));
        assert!(text.contains("bucket{le=\"0.005\"} 1"));
        assert!(text.contains("bucket{le=\"0.5\"} 2"));
        assert!(text.contains("bucket{le=\"+Inf\"} 2"));
        assert!(text.contains("callvault_ledger_entries 2"));
    }
}
