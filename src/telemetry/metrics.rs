//! Counters of the stream threads: one struct, updated once per commit cycle, never per record.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus::{GaugeVec, HistogramVec, IntCounterVec, Registry};

use super::family::{Families, Family, registered};
use super::labels::BoundedLabel;
use crate::account::Limit;
use crate::build::Build;
use crate::event::{Code, Stream};

const COMMIT_SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
const RESTORE_SECONDS: [f64; 10] = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 45.0, 90.0, 300.0];

/// The outcome of a record; the five add up to the records read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordOutcome {
    /// It changed an account.
    Applied,
    /// It had been read before.
    Duplicate,
    /// It is older than any window.
    Late,
    /// Its type is unknown.
    Ignored,
    /// It went to the dead letters.
    DeadLetter,
}

impl RecordOutcome {
    /// All outcomes.
    pub const ALL: [Self; 5] = [Self::Applied, Self::Duplicate, Self::Late, Self::Ignored, Self::DeadLetter];

    /// The label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Ignored => "ignored",
            Self::DeadLetter => "dead_letter",
        }
    }
}

/// The outcome of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionOutcome {
    /// Committed.
    Committed,
    /// Aborted; its tasks were restored.
    Aborted,
    /// Unknown; the producer was replaced and the state restored.
    Unclear,
}

impl TransactionOutcome {
    const ALL: [Self; 3] = [Self::Committed, Self::Aborted, Self::Unclear];

    const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Aborted => "aborted",
            Self::Unclear => "unclear",
        }
    }
}

/// How a declaration of an alias disagrees with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AliasConflict {
    /// Another account declares the alias as well.
    Disputed,
    /// The alias leads to another account than before.
    Moved,
    /// The alias is the id of an account that has this account's id as an alias.
    Cyclic,
}

impl AliasConflict {
    const ALL: [Self; 3] = [Self::Disputed, Self::Moved, Self::Cyclic];

    const fn name(self) -> &'static str {
        match self {
            Self::Disputed => "disputed",
            Self::Moved => "moved",
            Self::Cyclic => "cyclic",
        }
    }
}

/// Counters and histograms of one process.
#[derive(Debug)]
pub struct Metrics {
    families: Vec<Family>,
    records: IntCounterVec,
    dead_letters: IntCounterVec,
    repartitioned: IntCounterVec,
    aliases: GaugeVec,
    alias_conflicts: IntCounterVec,
    limits: IntCounterVec,
    changes: IntCounterVec,
    band_changes: IntCounterVec,
    transactions: IntCounterVec,
    commit_seconds: HistogramVec,
    restore_seconds: HistogramVec,
    rebalances: IntCounterVec,
    model_reloads: IntCounterVec,
    model_info: GaugeVec,
    page_info: GaugeVec,
    segments: Mutex<BoundedLabel>,
}

impl Metrics {
    /// Registers every family. At most `label_values` segments get their own label value.
    ///
    /// # Errors
    /// If the registry already contains one of the names.
    pub fn new(registry: &Registry, label_values: usize) -> prometheus::Result<Self> {
        let mut make = Families::default();
        let build = make.gauge("churnwatch_build_info", "Always 1; what the program was built from.", &["version", "commit"])?;
        let Build { version, commit, .. } = Build::of_this_binary();
        registered(registry, build)?.with_label_values(&[version, commit]).set(1.0);
        let counter = |make: &mut Families, name, help, labels| registered(registry, make.counter(name, help, labels)?);
        let metrics = Self {
            records: counter(&mut make, "churnwatch_records_total", "Records read, by how they ended.", &["stream", "outcome"])?,
            dead_letters: counter(&mut make, "churnwatch_dead_letters_total", "Dead letters by code.", &["stream", "code"])?,
            repartitioned: counter(
                &mut make,
                "churnwatch_repartition_records_total",
                "Records that the repartition stage has read, by how they ended.",
                &["stream", "outcome"],
            )?,
            aliases: registered(
                registry,
                make.gauge("churnwatch_aliases", "Aliases that the repartition stage knows, by state.", &["state"])?,
            )?,
            alias_conflicts: counter(
                &mut make,
                "churnwatch_alias_conflicts_total",
                "Declarations of aliases that disagree with others, by kind.",
                &["kind"],
            )?,
            limits: counter(&mut make, "churnwatch_limit_reached_total", "Times that a limit was reached.", &["limit"])?,
            changes: counter(&mut make, "churnwatch_changes_total", "Changes published, by cause.", &["cause"])?,
            band_changes: counter(
                &mut make,
                "churnwatch_band_changes_total",
                "Changes published that crossed a band.",
                &["from", "to", "segment"],
            )?,
            transactions: counter(&mut make, "churnwatch_transactions_total", "Transactions by how they ended.", &["outcome"])?,
            commit_seconds: registered(
                registry,
                make.histogram("churnwatch_commit_duration_seconds", "From begin to commit of a transaction.", &COMMIT_SECONDS)?,
            )?,
            restore_seconds: registered(
                registry,
                make.histogram(
                    "churnwatch_restore_duration_seconds",
                    "From assignment of a task to its restored state.",
                    &RESTORE_SECONDS,
                )?,
            )?,
            rebalances: counter(&mut make, "churnwatch_rebalances_total", "Assignments and revocations of tasks.", &["event"])?,
            model_reloads: counter(&mut make, "churnwatch_model_reloads_total", "Reloads of the model, by outcome.", &["outcome"])?,
            model_info: registered(
                registry,
                make.gauge(
                    "churnwatch_model_info",
                    "Always 1; the model in force. calibrated is true or false.",
                    &["name", "hash", "calibrated"],
                )?,
            )?,
            page_info: registered(
                registry,
                make.gauge("churnwatch_page_info", "Always 1; where people reach the page of this instance.", &["url"])?,
            )?,
            families: make.list,
            segments: Mutex::new(BoundedLabel::new(label_values)),
        };
        metrics.start_at_zero();
        Ok(metrics)
    }

    /// Creates the series of closed label sets up front, so that `rate()` sees their first increase.
    fn start_at_zero(&self) {
        for stream in Stream::ALL {
            for outcome in RecordOutcome::ALL {
                self.records(stream, outcome, 0);
            }
        }
        for outcome in TransactionOutcome::ALL {
            self.transactions.with_label_values(&[outcome.name()]).inc_by(0);
        }
        for limit in Limit::ALL {
            self.limit_reached(limit, 0);
        }
        for conflict in AliasConflict::ALL {
            self.alias_conflict(conflict, 0);
        }
        for outcome in ["applied", "refused"] {
            self.model_reloads.with_label_values(&[outcome]).inc_by(0);
        }
        for event in ["assigned", "revoked", "lost"] {
            self.rebalances.with_label_values(&[event]).inc_by(0);
        }
    }

    /// Every family, as documented.
    #[must_use]
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// Records of a stream with one outcome.
    pub fn records(&self, stream: Stream, outcome: RecordOutcome, count: u64) {
        self.records.with_label_values(&[stream.name(), outcome.name()]).inc_by(count);
    }

    /// Dead letters of a stream; they also count as records.
    pub fn dead_letters(&self, stream: Stream, code: Code, count: u64) {
        self.dead_letters.with_label_values(&[stream.name(), code.name()]).inc_by(count);
    }

    /// The repartition stage has written a subscription at list price, since its event holds only ids of discounts.
    pub fn unexpanded_discount(&self) {
        let counter = self.limits.with_label_values(&[Limit::UnexpandedDiscounts.name()]);
        if counter.get() == 0 {
            warn_of_list_prices();
        }
        counter.inc();
    }

    /// A limit was reached.
    pub fn limit_reached(&self, limit: Limit, count: u64) {
        self.limits.with_label_values(&[limit.name()]).inc_by(count);
    }

    /// Changes were published for a cause: `initial`, `events`, `time`, `override` or `model_change`.
    pub fn changes(&self, cause: &'static str, count: u64) {
        self.changes.with_label_values(&[cause]).inc_by(count);
    }

    /// Changes were published that crossed a band.
    pub fn band_changes(&self, from: &'static str, to: &'static str, segment: Option<&str>, count: u64) {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        self.band_changes.with_label_values(&[from, to, segments.value(segment)]).inc_by(count);
    }

    /// The repartition stage has committed this many records of a stream that ended this way.
    pub fn repartitioned(&self, stream: &str, outcome: &str, count: u64) {
        self.repartitioned.with_label_values(&[stream, outcome]).inc_by(count);
    }

    /// The repartition stage has committed this many dead letters.
    pub fn dead_letters_of_stage(&self, stream: &str, code: Code, count: u64) {
        self.dead_letters.with_label_values(&[stream, code.name()]).inc_by(count);
    }

    /// The repartition stage knows this many aliases, of which several accounts declare some.
    pub fn aliases(&self, declared: usize, disputed: usize) {
        for (state, count) in [("declared", declared), ("disputed", disputed)] {
            self.aliases.with_label_values(&[state]).set(count as f64);
        }
    }

    /// Declarations of aliases disagree with others.
    pub fn alias_conflict(&self, conflict: AliasConflict, count: u64) {
        self.alias_conflicts.with_label_values(&[conflict.name()]).inc_by(count);
    }

    /// The repartition stage has cut text of a record at `limits.text_bytes`.
    pub fn text_cut(&self) {
        self.limits.with_label_values(&[Limit::TextBytes.name()]).inc();
    }

    /// A transaction ended; `duration` is measured from its begin.
    pub fn transaction(&self, outcome: TransactionOutcome, duration: Duration) {
        self.transactions.with_label_values(&[outcome.name()]).inc();
        if outcome == TransactionOutcome::Committed {
            self.commit_seconds.with_label_values(&[] as &[&str]).observe(duration.as_secs_f64());
        }
    }

    /// Tasks were restored; `duration` is measured from their assignment.
    pub fn restored(&self, duration: Duration) {
        self.restore_seconds.with_label_values(&[] as &[&str]).observe(duration.as_secs_f64());
    }

    /// Tasks were assigned.
    pub fn tasks_assigned(&self, count: u64) {
        self.rebalances.with_label_values(&["assigned"]).inc_by(count);
    }

    /// Tasks were revoked.
    pub fn tasks_revoked(&self, count: u64) {
        self.rebalances.with_label_values(&["revoked"]).inc_by(count);
    }

    /// Tasks were lost without a revocation.
    pub fn tasks_lost(&self, count: u64) {
        self.rebalances.with_label_values(&["lost"]).inc_by(count);
    }

    /// The model in force from now on.
    pub fn model_in_force(&self, name: &str, hash: &str, calibrated: bool) {
        self.model_info.reset();
        self.model_info.with_label_values(&[name, hash, if calibrated { "true" } else { "false" }]).set(1.0);
    }

    /// Where people reach the page; empty if unknown.
    pub fn page_at(&self, url: &str) {
        if !url.is_empty() {
            self.page_info.with_label_values(&[url]).set(1.0);
        }
    }

    /// A reload of the model was applied or refused.
    pub fn model_reloaded(&self, applied: bool) {
        self.model_reloads.with_label_values(&[if applied { "applied" } else { "refused" }]).inc();
    }
}

/// The first subscription that counts at list price is worth a warning; the others are counted.
pub(super) fn warn_of_list_prices() {
    tracing::warn!(
        advice = "expand the discounts where the events are produced, or refuse such events: unexpanded_discounts for Stripe, refuse in a mapping",
        "subscriptions count at list price: their events hold only ids of discounts"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_own_series() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, 50).unwrap();
        metrics.records(Stream::Usage, RecordOutcome::Applied, 7);
        let text = String::from_utf8(crate::telemetry::text(&registry).unwrap()).unwrap();
        assert!(text.contains("churnwatch_records_total{outcome=\"applied\",stream=\"usage\"} 7\n"), "{text}");
        assert!(text.contains("churnwatch_records_total{outcome=\"late\",stream=\"billing\"} 0\n"));
    }

    #[test]
    fn a_new_model_replaces_the_old_series() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, 50).unwrap();
        metrics.model_in_force("default", "sha256:1", false);
        metrics.model_in_force("default", "sha256:2", true);
        let text = String::from_utf8(crate::telemetry::text(&registry).unwrap()).unwrap();
        assert!(
            !text.contains("sha256:1")
                && text.contains("churnwatch_model_info{calibrated=\"true\",hash=\"sha256:2\",name=\"default\"} 1\n")
        );
    }

    #[test]
    fn the_page_has_a_series_only_if_its_url_is_known() {
        for (url, expected) in [("", 0), ("https://example.com", 1)] {
            let registry = Registry::new();
            Metrics::new(&registry, 50).unwrap().page_at(url);
            let text = String::from_utf8(crate::telemetry::text(&registry).unwrap()).unwrap();
            assert_eq!(text.matches("churnwatch_page_info{url=\"https://example.com\"} 1\n").count(), expected, "{text}");
        }
    }

    #[test]
    fn segments_beyond_the_limit_share_a_label() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, 1).unwrap();
        for segment in [Some("smb"), Some("enterprise"), Some("public"), None] {
            metrics.band_changes("green", "red", segment, 1);
        }
        let text = String::from_utf8(crate::telemetry::text(&registry).unwrap()).unwrap();
        assert!(text.contains("churnwatch_band_changes_total{from=\"green\",segment=\"other\",to=\"red\"} 2\n"), "{text}");
        assert!(text.contains("segment=\"none\""));
    }

    #[test]
    fn transactions_are_timed_only_when_committed() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, 1).unwrap();
        metrics.transaction(TransactionOutcome::Committed, Duration::from_millis(7));
        metrics.transaction(TransactionOutcome::Unclear, Duration::from_secs(9));
        let text = String::from_utf8(crate::telemetry::text(&registry).unwrap()).unwrap();
        assert!(text.contains("churnwatch_commit_duration_seconds_count 1\n"), "{text}");
        assert!(text.contains("churnwatch_transactions_total{outcome=\"unclear\"} 1\n"));
    }
}
