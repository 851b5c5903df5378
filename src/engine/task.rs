//! One task: the accounts of one partition number, and the state of its streams.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::deletions::Deletions;
use super::predictions::Predictions;
use super::punctuation::Punctuation;
use super::refresh::Refresh;
use super::sampling::Sampling;
use super::unwritten::Unwritten;
use super::waiting::Waiting;
use super::{AccountReport, ChangeCounts, Costs, Counts, Store, Summary};
use crate::account::dedup::Dedup;
use crate::account::{AccountKey, Digests, LimitMeter};
use crate::event::{Code, DecodeContext, Stream};
use crate::metric::View;
use crate::partitioner::PartitionCheck;
use crate::settings::Settings;
use crate::stream_time::StreamTime;
use crate::time::Timestamp;

/// One task. [`Task::process`] takes in a record, [`Task::round`] scores what is due, [`Task::changelog`] emits what to write.
#[derive(Debug)]
pub struct Task<S> {
    pub(super) settings: Arc<Settings>,
    /// The part of the settings that decoding needs.
    pub(super) decode: DecodeContext,
    /// Its accounts.
    pub(super) store: S,
    /// Which accounts belong to this task; `None`: all.
    pub(super) partition_check: Option<PartitionCheck>,
    pub(super) stream_time: StreamTime,
    pub(super) counts: Counts,
    pub(super) limits: LimitMeter,
    pub(super) published: ChangeCounts,
    /// The reason of the newest dead letter of each stream and code.
    pub(super) reasons: BTreeMap<(Stream, Code), Box<str>>,
    pub(super) waiting: Waiting,
    pub(super) deletions: Deletions,
    pub(super) costs: Costs,
    /// What the model in force has predicted, and what became of it.
    pub(super) predictions: Predictions,
    /// Identities of costs: they have no account to keep them.
    pub(super) cost_ids: Dedup,
    /// Which parts of `cost_ids` the changelog holds.
    pub(super) cost_id_digests: Digests,
    /// Accounts with new records, to be scored in order of arrival.
    pub(super) unscored: VecDeque<AccountKey>,
    pub(super) punctuation: Punctuation,
    /// Accounts that a new model has not scored yet.
    pub(super) rescore: VecDeque<AccountKey>,
    /// Accounts whose contribution to the live KPIs is due for a refresh.
    pub(super) refresh: Refresh,
    /// The accounts of which the history still needs a score while the task catches up.
    pub(super) sampling: Sampling,
    /// When the costs were last added to the live KPIs; `None` if there are new ones.
    pub(super) live_costs_at: Option<Timestamp>,
    /// What the changelog does not hold yet.
    pub(super) unwritten: Unwritten,
    /// The changelog read so far, until the restore finishes.
    pub(super) restoring: HashMap<Box<[u8]>, Box<[u8]>>,
    /// Deleted accounts with published changes, which still need a tombstone.
    pub(super) tombstones: Vec<String>,
}

impl<S: Store> Task<S> {
    /// A task that keeps its accounts in an empty store.
    #[must_use]
    pub fn new(settings: Arc<Settings>, store: S) -> Self {
        Self {
            decode: settings.decode_context(),
            settings,
            store,
            partition_check: None,
            stream_time: StreamTime::default(),
            counts: Counts::default(),
            limits: LimitMeter::default(),
            published: ChangeCounts::default(),
            reasons: BTreeMap::new(),
            waiting: Waiting::default(),
            deletions: Deletions::default(),
            costs: Costs::default(),
            predictions: Predictions::default(),
            cost_ids: Dedup::default(),
            cost_id_digests: Digests::default(),
            unscored: VecDeque::new(),
            punctuation: Punctuation::default(),
            rescore: VecDeque::new(),
            refresh: Refresh::default(),
            sampling: Sampling::default(),
            live_costs_at: None,
            unwritten: Unwritten::default(),
            restoring: HashMap::new(),
            tombstones: Vec::new(),
        }
    }

    /// From now on, records whose account belongs to another partition are dead letters.
    pub fn set_partition_check(&mut self, check: PartitionCheck) {
        self.partition_check = Some(check);
    }

    /// Its accounts.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Outcomes since the start of the changelog.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The clocks of its streams.
    #[must_use]
    pub const fn stream_time(&self) -> &StreamTime {
        &self.stream_time
    }

    /// The costs read.
    #[must_use]
    pub const fn costs(&self) -> &Costs {
        &self.costs
    }

    /// Its state, apart from accounts and costs.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            stream_time: self.stream_time,
            counts: self.counts.clone(),
            limits: self.limits.clone(),
            published: self.published.clone(),
            reasons: self.reasons.clone(),
            predictions: self.predictions.tally().clone(),
        }
    }

    /// The ids of its accounts, in no particular order.
    #[must_use]
    pub fn account_ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        self.store.for_each(|slot| ids.push(slot.id().to_owned()));
        ids
    }

    /// The report of an account at `view`; `None` if there is no such account, or all its records are still waiting.
    #[must_use]
    pub fn report(&self, id: &str, view: &View) -> Option<AccountReport> {
        self.store.read(id, |slot| slot.report(view, &self.settings)).flatten()
    }
}
