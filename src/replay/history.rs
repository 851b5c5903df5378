//! The second pass: runs the partitions in parallel and merges their results in order.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::file::InputFile;
use super::parallel::{each, in_order};
use super::partition::{Partition, Published};
use super::reading::Reading;
use crate::account::Account;
use crate::breakdown::{Breakdown, ByDay};
use crate::engine::{AccountReport, AlternativeModel, Comparison, OutputRecord, ScoredAccount, Selection, Slot, Store};
use crate::event::Stream;
use crate::metric::Metrics;
use crate::metric::View;
use crate::portfolio::{AccountScore, Cohorts, CompleteMonths, MAX_SCOPES, Period, Portfolio, Sums};
use crate::score::Model;
use crate::settings::Settings;
use crate::time::Timestamp;

/// Batches of changes by which a partition may run ahead of the consumer.
const BATCHES_AHEAD: usize = 64;
/// Accounts per batch of reports.
const REPORTS: usize = 128;

/// The state of all accounts as it advances through time.
#[derive(Debug)]
pub struct History<'a> {
    reading: &'a Reading,
    settings: Arc<Settings>,
    partitions: Vec<Partition<'a>>,
}

impl<'a> History<'a> {
    /// The history before the first record.
    #[must_use]
    pub fn new(files: &'a [InputFile], reading: &'a Reading, settings: Arc<Settings>) -> Self {
        let partitions = reading.partitions.iter().map(|partition| Partition::new(files, partition, &settings)).collect();
        Self { reading, settings, partitions }
    }

    /// From now on, also scores accounts with another model.
    pub fn compare_with(&mut self, model: &Model) {
        for partition in &mut self.partitions {
            partition.alternative = Some(AlternativeModel::new(&self.settings, model.clone()));
        }
    }

    /// Advances to the last of `instants`, which ascend, scoring every account at each. `publish` receives the changes ordered by instant
    /// and account, while later ones are still being computed.
    ///
    /// # Errors
    /// The first error of `publish`, which aborts the pass.
    pub fn score<E>(&mut self, instants: &[Timestamp], mut publish: impl FnMut(Timestamp, OutputRecord) -> Result<(), E>) -> Result<(), E> {
        let views: &[View] = &instants.iter().map(|t| self.view(*t)).collect::<Vec<_>>();
        thread::scope(|scope| {
            let published = self.partitions.iter_mut().map(|partition| {
                let (sender, receiver) = sync_channel(BATCHES_AHEAD);
                scope.spawn(move || partition.score(views, &sender));
                receiver.into_iter().flatten()
            });
            // Collected so that every thread is started before the first change is awaited.
            let published: Vec<_> = published.collect();
            merge(published, |(place, change)| publish(instants.get(place).copied().unwrap_or_default(), change))
        })
    }

    /// Advances to each of `instants`, which ascend, and scores the selected accounts there. Each partition shows them to an observer of its
    /// own, with the index of the instant; nothing is published.
    pub fn observe<O: Send>(
        &mut self,
        instants: &[(Timestamp, Selection<'_>)],
        observer: impl Fn() -> O + Sync,
        see: impl Fn(&mut O, usize, &ScoredAccount<'_, '_>) + Sync,
    ) -> Vec<O> {
        let views: &[(View, Selection<'_>)] = &instants.iter().map(|(t, selection)| (self.view(*t), *selection)).collect::<Vec<_>>();
        each(&mut self.partitions, |partition| {
            let mut observer = observer();
            for (place, (view, selection)) in views.iter().enumerate() {
                partition.advance_to(view.t);
                partition.task.observe(view, *selection, |account| see(&mut observer, place, account));
            }
            observer
        })
    }

    /// Passes every account to `read`, in no particular order.
    pub fn for_each_account(&self, mut read: impl FnMut(&Account)) {
        self.partitions.iter().for_each(|partition| partition.task.store().for_each(|slot| read(&slot.account)));
    }

    /// Applies every record up to `t`.
    pub fn advance_to(&mut self, t: Timestamp) {
        each(&mut self.partitions, |partition| partition.advance_to(t));
    }

    /// Every account under both models, highest MRR first; empty without a second model.
    #[must_use]
    pub fn comparisons(&self) -> Vec<Comparison> {
        let of = |partition: &Partition<'_>| partition.alternative.as_ref().map(|alternative| alternative.compare(&partition.task));
        let mut comparisons: Vec<Comparison> = self.partitions.iter().filter_map(of).flatten().collect();
        comparisons.sort_by(Comparison::by_mrr);
        comparisons
    }

    /// The sums of a period; the history must be at its end. `score` returns the score of an account at that instant.
    pub fn portfolio(&self, period: Period, score: impl Fn(&Slot, &Metrics) -> Option<AccountScore> + Sync) -> Portfolio {
        let (view, settings) = (self.view(period.to), &*self.settings);
        let portfolios = each(&self.partitions, |partition| {
            let mut portfolio = Portfolio::new(period);
            partition.task.store().for_each(|slot| {
                let account = &slot.account;
                if account.first_seen().is_none_or(|first| first > period.to) {
                    return;
                }
                let metrics = account.measure(&view, settings);
                let score = score(slot, &metrics);
                portfolio.add_account(account, &Sums::of(account, &metrics, score.as_ref(), &period, settings));
            });
            portfolio.add_costs(partition.task.costs());
            portfolio
        });
        let mut whole = Portfolio::new(period);
        for portfolio in &portfolios {
            whole.merge(portfolio);
        }
        whole
    }

    /// The cohorts at `t`; the history must be at `t`.
    #[must_use]
    pub fn cohorts(&self, t: Timestamp) -> Cohorts {
        let (billing_t, settings) = (self.view(t).stream(Stream::Billing).t, &*self.settings);
        let none = || Cohorts::new(CompleteMonths::new(self.begins(), t, &settings.zone), MAX_SCOPES);
        let parts = each(&self.partitions, |partition| {
            let mut cohorts = none();
            partition.task.store().for_each(|slot| cohorts.add_account(&slot.account, billing_t, settings));
            cohorts
        });
        let mut whole = none();
        for part in &parts {
            whole.merge(part);
        }
        whole
    }

    /// Passes a report of every account to `take`, ordered by account id; the history must be at `t`.
    ///
    /// # Errors
    /// The first error of `take`, which aborts the pass.
    pub fn reports<E>(&self, t: Timestamp, mut take: impl FnMut(AccountReport) -> Result<(), E>) -> Result<(), E> {
        let view = self.view(t);
        let ids = |(place, partition): (usize, &Partition<'_>)| partition.task.account_ids().into_iter().map(move |id| (id, place));
        let mut ids: Vec<(String, usize)> = self.partitions.iter().enumerate().flat_map(ids).collect();
        ids.sort_unstable();
        let report = |(id, place): &(String, usize)| self.partitions.get(*place).and_then(|partition| partition.task.report(id, &view));
        let reports = |ids: &[(String, usize)]| ids.iter().filter_map(report).collect::<Vec<_>>();
        let threads = NonZeroUsize::new(self.partitions.len()).unwrap_or(NonZeroUsize::MIN);
        in_order(threads, ids.chunks(REPORTS), reports, |reports| reports.into_iter().try_for_each(&mut take))
    }

    /// Takes the score of an account at `t` apart, with its events by day as they are in the files; the history must be at `t`. `None` if
    /// there is no such account.
    #[must_use]
    pub fn breakdown(&self, account_id: &str, t: Timestamp) -> Option<Breakdown> {
        let (view, settings) = (self.view(t), &*self.settings);
        let of = |partition: &Partition<'_>| {
            let mut breakdown = partition.task.store().read(account_id, |slot| Breakdown::of(slot, &view, settings)).flatten()?;
            let mut by_day = ByDay::default();
            partition.records(t, |record| {
                if record.account.as_deref() == Some(account_id) {
                    by_day.add(record, settings);
                }
            });
            breakdown.activity = by_day.activity(t, settings);
            Some(breakdown)
        };
        self.partitions.iter().find_map(of)
    }

    /// Number of accounts.
    #[must_use]
    pub fn accounts(&self) -> usize {
        let mut count = 0;
        self.partitions.iter().for_each(|partition| partition.task.store().for_each(|_| count += 1));
        count
    }

    /// Event time of the first record; `None` without records.
    #[must_use]
    pub fn begins(&self) -> Option<Timestamp> {
        self.reading.partitions.iter().filter_map(|partition| partition.accepted.first()).map(|accepted| accepted.at).min()
    }

    /// The state of the streams at `t`. In a replay, none is ever stale.
    #[must_use]
    pub fn view(&self, t: Timestamp) -> View {
        self.reading.stream_time.view(t, &self.settings)
    }
}

/// Merges the changes of all partitions, each ordered by instant and account, in that order.
fn merge<E>(published: Vec<impl Iterator<Item = Published>>, mut publish: impl FnMut(Published) -> Result<(), E>) -> Result<(), E> {
    let mut heads: Vec<_> = published.into_iter().filter_map(|mut rest| Some((rest.next()?, rest))).collect();
    loop {
        let keys = heads.iter().enumerate().map(|(place, ((instant, change), _))| (instant, &*change.key, place));
        let Some((.., place)) = keys.min() else { return Ok(()) };
        let Some((head, rest)) = heads.get_mut(place) else { return Ok(()) };
        let published = match rest.next() {
            Some(next) => std::mem::replace(head, next),
            None => heads.swap_remove(place).0,
        };
        publish(published)?;
    }
}
