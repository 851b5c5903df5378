//! A scoring round: scores accounts with new events, then those that are due, and emits their changes.

use super::deletions::Deletions;
use super::scoring::{ScoredSlot, score_slot};
use super::{LiveSums, OutputRecord, ScoringOrder, Store, Task};
use crate::account::{AccountKey, Limit};
use crate::event::{self, DecodeContext, Decoded, Stream};
use crate::metric::{Metric, Metrics, View};
use crate::stream_time::Lateness;
use crate::time::{Date, Timestamp};

/// Options of a round.
#[derive(Clone, Copy, Debug)]
pub struct RoundOptions {
    /// Whether accounts are scored and changes published; false during catch-up.
    pub publish: bool,
    /// Whether the task is still catching up; every change carries this flag.
    pub catching_up: bool,
    /// Waiting records to apply and accounts to score, at most; the others stay queued for the next round.
    pub budget: usize,
    /// Bytes of changes after which no further account is scored.
    pub bytes: usize,
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundReport {
    /// Accounts scored.
    pub scored: usize,
    /// Changes published.
    pub changes: usize,
    /// Bytes of these changes.
    pub bytes: usize,
    /// Accounts left for the next round.
    pub left: usize,
    /// Whether waiting records whose time has come are left for the next round. Until all of them are applied, no account is scored.
    pub waiting_left: bool,
}

impl RoundReport {
    const fn has_room(&self, options: &RoundOptions) -> bool {
        self.scored < options.budget && self.bytes < options.bytes
    }
}

/// How accounts are scored in a round.
#[derive(Clone, Copy, Debug)]
struct Scoring {
    /// Whether changes carry the catching-up flag.
    catching_up: bool,
    /// How the account's contribution to the live KPIs is updated.
    part: LiveUpdate,
    /// The date to which the scores belong in the histories; `None`: replay keeps none.
    date: Option<Date>,
}

/// How much of an account's contribution to the live KPIs is replaced.
#[derive(Clone, Copy, Debug)]
enum LiveUpdate {
    /// Nothing: replay has no live KPIs.
    Nothing,
    /// Its health: only the model has changed.
    Health,
    /// Everything.
    All,
}

/// The MRR at `view`, minor units; `None` if billing has nothing to say about that instant.
fn known_mrr(metrics: &Metrics, view: &View) -> Option<i64> {
    (view.stream(Stream::Billing).t >= view.t).then(|| metrics.whole_number(Metric::Mrr)).flatten()
}

impl<S: Store> Task<S> {
    /// Applies the waiting records that are due at `now`, scores accounts, and appends what to publish to `out`.
    pub fn round(&mut self, now: Timestamp, options: &RoundOptions, out: &mut Vec<OutputRecord>) -> RoundReport {
        let waiting_left = !self.release_waiting(now, options.budget);
        self.forget_deletions(now);
        out.extend(self.tombstones.drain(..).map(OutputRecord::tombstone));
        let mut report = RoundReport { waiting_left, ..RoundReport::default() };
        if options.publish && !waiting_left {
            self.score_due(now, options, out, &mut report);
            self.refresh_live(now, options.budget.saturating_sub(report.scored));
        } else if !waiting_left {
            self.sample_history();
        }
        report
    }

    /// Scores accounts within the budget: first those with new events, then those that are due, then those that a new model has not
    /// scored yet.
    fn score_due(&mut self, now: Timestamp, options: &RoundOptions, out: &mut Vec<OutputRecord>, report: &mut RoundReport) {
        let view = self.stream_time.view(now, &self.settings);
        let date = Some(self.settings.zone.date_of(now));
        let Self { store, unscored, punctuation, .. } = self;
        punctuation.advance(now, |key| {
            let (mut there, mut waits) = (false, false);
            store.change_each_of(key, |slot, _| {
                there = true;
                waits |= slot.unscored;
            });
            if there && !waits {
                unscored.push_back(key);
            }
            there
        });
        while report.has_room(options) {
            let (key, part) = match self.unscored.pop_front() {
                Some(key) => (key, LiveUpdate::All),
                None => match self.next_to_rescore() {
                    Some(key) => (key, LiveUpdate::Health),
                    None => break,
                },
            };
            self.score_key(key, &view, Scoring { catching_up: options.catching_up, part, date }, out, report);
        }
        report.left = self.unscored.len() + self.rescore.len();
    }

    fn score_key(&mut self, key: AccountKey, view: &View, how: Scoring, out: &mut Vec<OutputRecord>, report: &mut RoundReport) {
        let Self { settings, store, published, unwritten, refresh, predictions, .. } = self;
        store.change_each_of(key, |slot, sums| {
            if slot.account.first_seen().is_none_or(|first| first > view.t) {
                return;
            }
            let (changed_before, was_unscored) = (slot.changed_records(), slot.unscored);
            let metrics = slot.account.measure(view, settings);
            let ScoredSlot { record, score } = score_slot(slot, &metrics, view, how.catching_up, settings, published);
            if let Some(date) = how.date {
                slot.note_history(date, &score);
            }
            unwritten.note(key, changed_before, slot.changed_records());
            if settings.keeps_predictions() && !matches!(how.part, LiveUpdate::Nothing) {
                let hash = Deletions::hash_of(slot.id());
                if predictions.note(hash, known_mrr(&metrics, view), score.risk, view.t, &settings.model) {
                    unwritten.predictions.insert(hash);
                }
            }
            let has_part = slot.live.contribution.is_some();
            match how.part {
                LiveUpdate::Nothing => slot.live.set_score(score),
                LiveUpdate::Health if has_part => sums.change(|live| live.rescore(&mut slot.live, score)),
                LiveUpdate::All if was_unscored && refresh.defers(key, &mut slot.live, view.t) => {
                    sums.change(|live| live.rescore(&mut slot.live, score));
                }
                LiveUpdate::Health | LiveUpdate::All => {
                    sums.change(|live| live.replace(&slot.account, &mut slot.live, score, &metrics, view, settings));
                }
            }
            report.scored += 1;
            report.changes += usize::from(record.is_some());
            report.bytes += record.as_ref().map_or(0, OutputRecord::size);
            out.extend(record);
        });
    }

    /// Scores every account at `view`, in order of id, and publishes account by account. For replay, which has no hourly punctuation.
    pub fn score_all(&mut self, order: &mut ScoringOrder, view: &View, mut publish: impl FnMut(OutputRecord)) {
        let mut report = RoundReport::default();
        self.unscored.clear();
        order.add_new(&self.store);
        let mut changes = Vec::new();
        for key in order.keys() {
            self.score_key(key, view, Scoring { catching_up: false, part: LiveUpdate::Nothing, date: None }, &mut changes, &mut report);
            changes.drain(..).for_each(&mut publish);
        }
    }

    fn forget_deletions(&mut self, now: Timestamp) {
        while let Some((hash, crowded)) = self.deletions.pop_expired(now) {
            self.unwritten.deletions.insert(hash);
            if crowded {
                self.limits.reached(Limit::Deletions);
            }
        }
    }

    /// Applies the waiting records whose event time has been reached, at most so many; returns whether that was all. They were observed,
    /// deduplicated and counted when they were read, so a configuration that has changed since must not refuse them.
    fn release_waiting(&mut self, now: Timestamp, most: usize) -> bool {
        let context = DecodeContext::of_accepted(self.settings.limits.text_bytes);
        for _ in 0..most {
            let Some((number, waiting)) = self.waiting.pop_due(now) else { return true };
            self.unwritten.waiting.insert(number);
            self.stream_time.reach(waiting.stream, waiting.at);
            let raw = event::Raw {
                stream: waiting.stream,
                key: waiting.key.as_deref(),
                value: waiting.value.as_deref(),
                headers: event::Headers::NONE,
                timestamp: waiting.timestamp,
                future_reference: None,
            };
            if let Ok(Decoded::Record(record)) = event::decode(&raw, &context) {
                self.apply(&record, Lateness::InTime);
            }
        }
        !self.waiting.is_due(now)
    }
}
