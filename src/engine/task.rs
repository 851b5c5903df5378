//! One task: the way of a record from bytes to state.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::costs::CostEntry;
use super::deletions::Deletions;
use super::punctuation::Punctuation;
use super::refresh::Refresh;
use super::waiting::{Waiting, WaitingRecord};
use super::{AccountReport, Costs, Counts, Directory, Input, Outcome, TaskView, Totals, changelog};
use crate::account::dedup::Dedup;
use crate::account::{Account, AccountKey, Digests, Limit, LimitMeter};
use crate::event::{self, Code, Decoded, Event, Record, Rejection, Stream};
use crate::metric::View;
use crate::partitioner::PartitionCheck;
use crate::settings::Settings;
use crate::stream_time::{Lateness, Observation, StreamTime};
use crate::time::Timestamp;

/// One task: the accounts of one partition number, and what it knows of its streams.
///
/// Dropping it forgets everything and takes it out of the directory.
#[derive(Debug)]
pub struct Task {
    pub(super) settings: Arc<Settings>,
    /// What decoding reads of the settings.
    pub(super) decode: event::DecodeContext,
    pub(super) directory: Arc<Directory>,
    pub(super) view: Arc<TaskView>,
    /// Where its accounts belong; `None`: everywhere.
    pub(super) partition_check: Option<PartitionCheck>,
    pub(super) stream_time: StreamTime,
    pub(super) counts: Counts,
    pub(super) limits: LimitMeter,
    pub(super) totals: Totals,
    pub(super) waiting: Waiting,
    pub(super) deletions: Deletions,
    pub(super) costs: Costs,
    /// Identities of costs, which have no account to remember them.
    pub(super) cost_ids: Dedup,
    /// What the changelog holds of them.
    pub(super) cost_id_digests: Digests,
    /// Accounts to score, in the order in which something happened to them.
    pub(super) unscored: VecDeque<AccountKey>,
    pub(super) punctuation: Punctuation,
    /// Accounts that another model has not scored yet.
    pub(super) rescore: VecDeque<AccountKey>,
    /// Accounts whose part of the live KPIs is to be replaced.
    pub(super) refresh: Refresh,
    /// When the live KPIs were last told of the costs; `None` once that is no longer all.
    pub(super) costs_told: Option<Timestamp>,
    /// What the changelog does not hold yet.
    pub(super) unwritten: changelog::Unwritten,
    /// The changelog as far as it was read, until the restore ends.
    pub(super) restoring: HashMap<Box<[u8]>, Box<[u8]>>,
    /// Published accounts that were deleted and have no tombstone yet.
    pub(super) tombstones: Vec<String>,
}

impl Task {
    /// An empty task; [`Task::show`] makes it visible to readers.
    #[must_use]
    pub fn new(number: i32, settings: Arc<Settings>, directory: Arc<Directory>) -> Self {
        Self {
            decode: settings.decode_context(),
            settings,
            directory,
            view: Arc::new(TaskView::new(number)),
            partition_check: None,
            stream_time: StreamTime::default(),
            counts: Counts::default(),
            limits: LimitMeter::default(),
            totals: Totals::default(),
            waiting: Waiting::default(),
            deletions: Deletions::default(),
            costs: Costs::default(),
            cost_ids: Dedup::default(),
            cost_id_digests: Digests::default(),
            unscored: VecDeque::new(),
            punctuation: Punctuation::default(),
            rescore: VecDeque::new(),
            refresh: Refresh::default(),
            costs_told: None,
            unwritten: changelog::Unwritten::default(),
            restoring: HashMap::new(),
            tombstones: Vec::new(),
        }
    }

    /// Makes the task visible to readers: once it is restored.
    pub fn show(&self) {
        self.publish_summary();
        self.directory.show(Arc::clone(&self.view));
    }

    /// From now on, records of accounts that belong elsewhere are dead letters.
    pub fn set_partition_check(&mut self, check: PartitionCheck) {
        self.partition_check = Some(check);
    }

    /// The partition number.
    #[must_use]
    pub fn number(&self) -> i32 {
        self.view.number
    }

    /// How records ended, since the changelog began.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Its accounts, as readers see them.
    #[must_use]
    pub const fn view(&self) -> &Arc<TaskView> {
        &self.view
    }

    /// The directory that it is shown in, and takes its settings from.
    #[must_use]
    pub const fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// The clocks of its streams.
    #[must_use]
    pub const fn stream_time(&self) -> &StreamTime {
        &self.stream_time
    }

    /// The costs that it read.
    #[must_use]
    pub const fn costs(&self) -> &Costs {
        &self.costs
    }

    /// The ids of its accounts, in no particular order.
    #[must_use]
    pub fn account_ids(&self) -> Vec<String> {
        let mut ids = Vec::with_capacity(self.view.accounts.count());
        self.view.accounts.for_each(|account| ids.push(account.id().to_owned()));
        ids
    }

    /// The report of an account at `view`; `None` where there is none, or while every record of it still waits for its time.
    #[must_use]
    pub fn report(&self, id: &str, view: &View) -> Option<AccountReport> {
        self.view.accounts.read(id, |account| AccountReport::of(account, view, &self.settings)).flatten()
    }

    /// Takes one record, read at `now`, to its end.
    pub fn process(&mut self, input: &Input<'_>, now: Timestamp) -> Outcome {
        let outcome = match self.decode(input, now) {
            Ok(Decoded::Record(record)) => {
                if record.cut_text {
                    self.limits.reached(Limit::TextBytes);
                }
                let observation = self.stream_time.observe(input.stream, &record, input.broker_timestamp, now, &self.settings);
                if let Event::Cost(cost) = &record.event {
                    self.process_cost(&record, cost, observation)
                } else {
                    self.process_of_account(&record, input, observation, now)
                }
            }
            Ok(Decoded::Ignored) => Outcome::Ignored,
            Err(rejection) => Outcome::DeadLetter(rejection),
        };
        self.counts.count(input.stream, &outcome);
        outcome
    }

    /// The record's event, all checks passed; `now` is where a record without a timestamp is measured from.
    fn decode<'a>(&self, input: &Input<'a>, now: Timestamp) -> Result<Decoded<'a>, Rejection> {
        let raw = event::Raw {
            stream: input.stream,
            key: input.key,
            value: input.value,
            timestamp: input.timestamp,
            future_reference: Some(input.broker_timestamp.unwrap_or(now)),
        };
        event::decode(&raw, &self.decode)
    }

    fn process_of_account(&mut self, record: &Record<'_>, input: &Input<'_>, observation: Observation, now: Timestamp) -> Outcome {
        let Some(id) = record.account.as_deref() else {
            return Outcome::DeadLetter(Rejection::new(Code::MissingField, "account_id"));
        };
        if self.partition_check.is_some_and(|check| !check.holds(id)) {
            return Outcome::DeadLetter(Rejection::new(Code::WrongPartition, "the account belongs to another partition"));
        }
        if record.occurred_at > now {
            return self.wait(id, record, input, observation);
        }
        if self.ends_with_deletion(id, record) {
            return Outcome::Applied;
        }
        let repeated = self.with_account(id, |account, settings, limits| {
            account.prefetch(record);
            let repeated = account.remember(input.stream, record.occurred_at, observation, settings, limits);
            if !repeated {
                account.apply(record, observation.lateness, settings, limits);
            }
            repeated
        });
        match repeated {
            Some(true) => Outcome::Duplicate,
            Some(false) if observation.lateness == Lateness::Late => Outcome::Late,
            Some(false) => Outcome::Applied,
            None => self.too_many_accounts(),
        }
    }

    /// Keeps a record until its time has come.
    fn wait(&mut self, id: &str, record: &Record<'_>, input: &Input<'_>, observation: Observation) -> Outcome {
        let waiting = WaitingRecord::of(input, record.occurred_at);
        if !self.waiting.has_room_for(&waiting) {
            self.limits.reached(Limit::Waiting);
            return Outcome::DeadLetter(Rejection::new(Code::LimitReached, "too many records wait for their time"));
        }
        let remember = |account: &mut Account, settings: &Settings, limits: &mut LimitMeter| {
            account.remember(input.stream, record.occurred_at, observation, settings, limits)
        };
        match self.with_account(id, remember) {
            Some(true) => Outcome::Duplicate,
            Some(false) => {
                let number = self.waiting.push(waiting);
                self.unwritten.waiting.insert(number);
                Outcome::Applied
            }
            None => self.too_many_accounts(),
        }
    }

    fn too_many_accounts(&mut self) -> Outcome {
        self.limits.reached(Limit::Accounts);
        Outcome::DeadLetter(Rejection::new(Code::TooManyAccounts, "limits.accounts is reached"))
    }

    /// Applies a valid record of an account whose time has come.
    pub fn apply(&mut self, record: &Record<'_>, lateness: Lateness) {
        let Some(id) = record.account.as_deref() else { return };
        if !self.ends_with_deletion(id, record) {
            self.with_account(id, |account, settings, limits| account.apply(record, lateness, settings, limits));
        }
    }

    /// Whether a record changes nothing because its account was deleted later, or is itself the deletion, which is then done.
    fn ends_with_deletion(&mut self, id: &str, record: &Record<'_>) -> bool {
        if self.deletions.covers(id, record.occurred_at) {
            return true;
        }
        let deletes = matches!(&record.event, Event::Profile(profile) if profile.deleted);
        if deletes {
            self.delete(id, record.occurred_at);
        }
        deletes
    }

    /// Lets `change` change an account, which comes to be where there is none, and notes what has to be scored and written; `None`
    /// where there are too many accounts already.
    fn with_account<R>(&mut self, id: &str, change: impl FnOnce(&mut Account, &Settings, &mut LimitMeter) -> R) -> Option<R> {
        let (settings, directory, limits) = (&*self.settings, &self.directory, &mut self.limits);
        let (unscored, unwritten) = (&mut self.unscored, &mut self.unwritten);
        let key = self.view.accounts.key_of(id);
        let mut created = false;
        let may_create = || {
            created = directory.reserve_account(settings.limits.accounts);
            created
        };
        let result = self.view.accounts.change_or_create(key, id, may_create, |account| {
            let (was_unscored, was_changed) = (account.unscored, account.changed_sections());
            let result = change(account, settings, limits);
            if account.unscored && !was_unscored {
                unscored.push_back(key);
            }
            unwritten.note(key, was_changed, account.changed_sections());
            result
        });
        if created {
            self.punctuation.add(key);
        }
        result
    }

    fn delete(&mut self, id: &str, at: Timestamp) {
        let hash = Deletions::hash_of(id);
        self.deletions.insert(hash, at);
        self.unwritten.deletions.insert(hash);
        let Some(mut account) = self.view.accounts.remove(id) else { return };
        self.directory.release_accounts(1);
        self.view.portfolio().remove(&mut account);
        self.totals.replace(account.share.as_ref(), None);
        self.unwritten.forget(&account);
        if account.score.sequence() > 0 {
            self.tombstones.push(account.id().to_owned());
        }
    }

    fn process_cost(&mut self, record: &Record<'_>, cost: &event::Cost<'_>, observation: Observation) -> Outcome {
        if let Some(identity) = observation.identity
            && self.cost_ids.remember(Stream::Billing, record.occurred_at, identity, observation.newest, &self.settings, &mut self.limits)
        {
            return Outcome::Duplicate;
        }
        self.add_cost(record.occurred_at, cost, observation.newest);
        Outcome::Applied
    }

    /// Adds a cost; `newest` is the newest event time read, from which old ones are told.
    pub fn add_cost(&mut self, at: Timestamp, cost: &event::Cost<'_>, newest: Timestamp) {
        // Decoding refused currencies without a rate.
        let minor = self.settings.money.convert(cost.amount, at).unwrap_or_default();
        let segment = cost.segment.as_deref().map(Box::from);
        let number = self.costs.push(CostEntry { at, category: cost.category, minor, segment });
        self.costs_told = None;
        self.unwritten.costs.insert(number);
        while let Some((number, crowded)) = self.costs.pop_expired(newest) {
            self.unwritten.costs.insert(number);
            if crowded {
                self.limits.reached(Limit::Costs);
            }
        }
    }

    /// Lets readers see what this cycle changed.
    pub(super) fn publish_summary(&self) {
        let mut summary = self.view.summary();
        summary.stream_time = self.stream_time;
        summary.counts = self.counts.clone();
        summary.limits = self.limits.clone();
        summary.totals = self.totals.clone();
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.directory.hide(&self.view);
        self.directory.release_accounts(self.view.accounts.count());
    }
}
