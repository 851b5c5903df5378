//! A scoring round: what happened since the last one, and what is due, becomes changes.

use super::{OutputRecord, Task};
use crate::account::{Lateness, Limit};
use crate::event::{self, Decoded};
use crate::time::Timestamp;

/// How a round goes.
#[derive(Clone, Copy, Debug)]
pub struct RoundOptions {
    /// Whether accounts are scored and changes published; in catch-up they are not.
    pub publish: bool,
    /// Whether the task still catches up: said in every change.
    pub catching_up: bool,
    /// Accounts to score at most; the others stay for the next round.
    pub budget: usize,
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundReport {
    /// Accounts scored.
    pub scored: usize,
    /// Changes published.
    pub changes: usize,
    /// Accounts left for the next round.
    pub left: usize,
}

impl Task {
    /// Applies what waited for `now`, scores accounts and hands over what to publish.
    pub fn round(&mut self, now: Timestamp, options: &RoundOptions, out: &mut Vec<OutputRecord>) -> RoundReport {
        self.release_waiting(now);
        self.forget_deletions(now);
        out.extend(self.tombstones.drain(..).map(OutputRecord::tombstone));
        let report = RoundReport { left: if options.publish { self.unscored.len() } else { 0 }, ..RoundReport::default() };
        self.publish_summary();
        report
    }

    fn forget_deletions(&mut self, now: Timestamp) {
        while let Some((hash, crowded)) = self.deletions.pop_expired(now) {
            self.unwritten.deletions.insert(hash);
            if crowded {
                self.limits.reached(Limit::Deletions);
            }
        }
    }

    /// Applies the records whose time has come. They were read and judged before: only their state is missing.
    fn release_waiting(&mut self, now: Timestamp) {
        while let Some((number, waiting)) = self.waiting.pop_due(now) {
            self.unwritten.waiting.insert(number);
            let settings = std::sync::Arc::clone(&self.settings);
            let raw = event::Raw {
                stream: waiting.stream,
                key: waiting.key.as_deref(),
                value: waiting.value.as_deref(),
                timestamp: waiting.timestamp,
                future_reference: None,
            };
            if let Ok(Decoded::Record(record)) = event::decode(&raw, &event::DecodeContext::new(&settings)) {
                self.apply(&record, Lateness::InTime);
            }
        }
    }
}
