//! One record's path through a task: decode -> partition check -> stream time -> dedup -> apply -> outcome.

use super::deletions::Deletions;
use super::waiting::WaitingRecord;
use super::{CostEntry, Input, LiveSums, Outcome, Slot, Store, Task};
use crate::account::{AccountKey, Limit, LimitMeter};
use crate::event::{self, Code, Cost, Decoded, Event, Record, Rejection, Stream};
use crate::settings::Settings;
use crate::stream_time::{Lateness, Observation};
use crate::time::Timestamp;

impl<S: Store> Task<S> {
    /// Processes one record, read at `now`, and counts its outcome. Every record ends in exactly one [`Outcome`].
    pub fn process(&mut self, input: &Input<'_>, now: Timestamp) -> Outcome {
        let outcome = self.outcome_of(input, now).unwrap_or_else(Outcome::DeadLetter);
        self.count(input.stream, outcome)
    }

    /// Counts a record that was refused before it could be decoded.
    pub fn refuse(&mut self, stream: Stream, rejection: Rejection) -> Outcome {
        self.count(stream, Outcome::DeadLetter(rejection))
    }

    fn count(&mut self, stream: Stream, outcome: Outcome) -> Outcome {
        self.counts.count(stream, &outcome);
        if let Outcome::DeadLetter(Rejection { code, reason }) = &outcome {
            self.reasons.insert((stream, *code), reason.as_ref().into());
        }
        outcome
    }

    /// The whole chain. A record that fails before it is observed leaves the task unchanged.
    fn outcome_of(&mut self, input: &Input<'_>, now: Timestamp) -> Result<Outcome, Rejection> {
        match self.decode(input, now)? {
            Decoded::Record(record) => {
                self.check_partition(&record)?;
                self.event_outcome(&record, input, now)
            }
            Decoded::Records(records) => {
                records.iter().try_for_each(|record| self.check_partition(record))?;
                let outcomes = records.iter().map(|record| self.event_outcome(record, input, now).unwrap_or_else(Outcome::DeadLetter));
                Ok(outcomes.reduce(Outcome::of_events).unwrap_or(Outcome::Ignored))
            }
            Decoded::Ignored => Ok(Outcome::Ignored),
        }
    }

    /// What becomes of one event of a record.
    fn event_outcome(&mut self, record: &Record<'_>, input: &Input<'_>, now: Timestamp) -> Result<Outcome, Rejection> {
        if record.cut_text {
            self.limits.reached(Limit::TextBytes);
        }
        if record.unexpanded_discount {
            self.limits.reached(Limit::UnexpandedDiscounts);
        }
        let stream = record.event.stream();
        let observation = self.stream_time.observe(stream, record, input.broker_timestamp, now, &self.settings);
        match (&record.event, record.account.as_deref()) {
            (Event::Cost(cost), _) => Ok(self.process_cost(record, cost, observation)),
            (_, Some(id)) if record.occurred_at > now => self.wait(id, record, input, observation),
            (_, Some(id)) => self.dedup_and_apply(id, record, stream, observation),
            (_, None) => Err(Rejection::new(Code::MissingField, "account_id")),
        }
    }

    /// Decodes the record. The limit on future event times counts from the broker's timestamp, or from `now` where there is none.
    fn decode<'a>(&self, input: &Input<'a>, now: Timestamp) -> Result<Decoded<'a>, Rejection> {
        let raw = event::Raw {
            stream: input.stream,
            key: input.key,
            value: input.value,
            headers: input.headers,
            timestamp: input.timestamp,
            future_reference: Some(input.broker_timestamp.unwrap_or(now)),
        };
        input.format.decode(&raw, &self.decode)
    }

    /// Refuses a record whose account belongs to another task: it would advance this task's stream time and make the records of its own
    /// accounts late. Costs belong to no account and may be in any partition.
    fn check_partition(&self, record: &Record<'_>) -> Result<(), Rejection> {
        match (self.partition_check, record.account.as_deref()) {
            (Some(check), Some(id)) if !check.holds(id) => {
                Err(Rejection::new(Code::WrongPartition, "the account belongs to another partition"))
            }
            _ => Ok(()),
        }
    }

    /// Applies a record whose event time has been reached, unless it is a duplicate.
    fn dedup_and_apply(&mut self, id: &str, record: &Record<'_>, stream: Stream, observation: Observation) -> Result<Outcome, Rejection> {
        if self.handle_deletion(id, record) {
            return Ok(Outcome::Applied);
        }
        let repeated = self.with_account(id, |slot, settings, limits| {
            slot.account.prefetch(record);
            let repeated = slot.account.remember(stream, record.occurred_at, observation, settings, limits);
            if !repeated {
                slot.apply(record, observation.lateness, settings, limits);
            }
            repeated
        })?;
        Ok(match observation.lateness {
            _ if repeated => Outcome::Duplicate,
            Lateness::Late => Outcome::Late,
            Lateness::InTime => Outcome::Applied,
        })
    }

    /// Parks a record until its event time is reached. Its identity is remembered now, so a duplicate does not wait as well.
    fn wait(&mut self, id: &str, record: &Record<'_>, input: &Input<'_>, observation: Observation) -> Result<Outcome, Rejection> {
        let waiting = WaitingRecord::of(input, record);
        if !self.waiting.has_room_for(&waiting) {
            self.limits.reached(Limit::Waiting);
            return Err(Rejection::new(Code::LimitReached, "too many records wait for their time"));
        }
        let repeated = self.with_account(id, |slot, settings, limits| {
            slot.account.remember(record.event.stream(), record.occurred_at, observation, settings, limits)
        })?;
        if repeated {
            return Ok(Outcome::Duplicate);
        }
        let number = self.waiting.push(waiting);
        self.unwritten.waiting.insert(number);
        Ok(Outcome::Applied)
    }

    /// Applies a decoded record whose event time has been reached, without observing or deduplicating it again.
    pub fn apply(&mut self, record: &Record<'_>, lateness: Lateness) {
        let Some(id) = record.account.as_deref() else { return };
        if !self.handle_deletion(id, record) {
            // The account limit may have been reached: `with_account` has counted that, and there is nothing to apply the record to.
            let _ = self.with_account(id, |slot, settings, limits| slot.apply(record, lateness, settings, limits));
        }
    }

    /// Returns true if nothing is left to apply: the account was deleted at or after the record's event time, or the record itself
    /// deletes the account, which is done here.
    fn handle_deletion(&mut self, id: &str, record: &Record<'_>) -> bool {
        if self.deletions.covers(id, record.occurred_at) {
            return true;
        }
        let deletes = matches!(&record.event, Event::Profile(profile) if profile.deleted);
        if deletes {
            self.delete(id, record.occurred_at);
        }
        deletes
    }

    /// Runs `change` on an account, creating it if needed, and queues the account for scoring and for the changelog.
    ///
    /// # Errors
    /// When the account would exceed `limits.accounts`.
    fn with_account<R>(&mut self, id: &str, change: impl FnOnce(&mut Slot, &Settings, &mut LimitMeter) -> R) -> Result<R, Rejection> {
        let Self { settings, store, limits, unscored, unwritten, punctuation, .. } = self;
        let key = AccountKey::of(id);
        let result = store.change_or_create(key, id, settings.limits.accounts, |slot| {
            let (was_unscored, changed_before) = (slot.unscored, slot.changed_records());
            let result = change(slot, settings, limits);
            if slot.unscored && !was_unscored {
                unscored.push_back(key);
            }
            if !std::mem::replace(&mut slot.is_punctuated, true) {
                punctuation.add(key);
            }
            unwritten.note(key, changed_before, slot.changed_records());
            result
        });
        result.ok_or_else(|| {
            limits.reached(Limit::Accounts);
            Rejection::new(Code::TooManyAccounts, "limits.accounts is reached")
        })
    }

    /// Deletes an account. What was read of its next life, after the deletion, becomes a new account.
    fn delete(&mut self, id: &str, at: Timestamp) {
        let hash = Deletions::hash_of(id);
        self.deletions.insert(hash, at);
        self.unwritten.deletions.insert(hash);
        if self.predictions.forget(hash) {
            self.unwritten.predictions.insert(hash);
        }
        let Some(mut slot) = self.store.remove(id) else { return };
        self.unwritten.forget(&slot);
        if slot.score.sequence() > 0 {
            self.tombstones.push(slot.id().to_owned());
        }
        self.store.sums().change(|live| live.remove(&mut slot.live));
        if let Some(account) = slot.account.next_life(at, &self.settings) {
            // The limit of accounts has room for the one that was just removed.
            let _ = self.with_account(id, |slot, _, _| (slot.account, slot.unscored) = (account, true));
        }
    }

    fn process_cost(&mut self, record: &Record<'_>, cost: &Cost<'_>, observation: Observation) -> Outcome {
        if let Some(identity) = observation.identity
            && self.cost_ids.remember(Stream::Billing, record.occurred_at, identity, observation.newest, &self.settings, &mut self.limits)
        {
            return Outcome::Duplicate;
        }
        self.add_cost(record.occurred_at, cost, observation.newest);
        Outcome::Applied
    }

    /// Adds a cost, and drops those that are too old relative to `newest`, the newest event time read.
    pub fn add_cost(&mut self, at: Timestamp, cost: &Cost<'_>, newest: Timestamp) {
        // Decoding has already refused currencies without a rate.
        let minor = self.settings.money.convert(cost.amount, at).unwrap_or_default();
        let segment = cost.segment.as_deref().map(Box::from);
        let (number, crowded) = self.costs.push(CostEntry { at, category: cost.category, minor, segment });
        if crowded {
            self.limits.reached(Limit::Costs);
        }
        self.live_costs_at = None;
        self.unwritten.costs.insert(number);
        while let Some((number, crowded)) = self.costs.pop_expired(newest) {
            self.unwritten.costs.insert(number);
            if crowded {
                self.limits.reached(Limit::Costs);
            }
        }
    }
}

impl Slot {
    /// Applies a record to the account and marks the account as unscored.
    fn apply(&mut self, record: &Record<'_>, lateness: Lateness, settings: &Settings, limits: &mut LimitMeter) {
        self.account.apply(record, lateness, settings, limits);
        self.unscored = true;
    }
}
