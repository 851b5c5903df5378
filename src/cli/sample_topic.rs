//! `churnwatch check --sample-topic`: what share of the newest records of a topic ends how. Needs a broker and nothing else: no group is
//! joined, nothing is written.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;

use crate::config::Config;
use crate::config::section::Partitioning;
use crate::engine::Outcome;
use crate::event::{Format, Place, Rejection, Shape, Stream};
use crate::file::{Existing, Output};
use crate::stream::preflight::trial::{Trial, Tried, trials_of};
use crate::stream::{InputTopic, Options, Permits, Route};

/// Records that are tried.
const RECORDS: i64 = 2_000;
/// Reasons per code.
const REASONS: usize = 5;

/// A topic to try.
pub(super) struct SampleTopic<'a> {
    /// Its name.
    pub(super) topic: &'a str,
    /// The stream that it belongs to.
    pub(super) stream: Stream,
    /// The format of its records.
    pub(super) format: Arc<Format>,
}

/// One way in which records end.
#[derive(Debug, PartialEq, Serialize)]
struct End {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    records: usize,
    share: f64,
    /// Records by the type of their first event.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    types: BTreeMap<&'static str, usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// A reason, and the first record with it.
#[derive(Debug, PartialEq, Serialize)]
struct Cause {
    reason: String,
    records: usize,
    partition: i32,
    offset: i64,
}

impl SampleTopic<'_> {
    /// Writes a line per way in which records end to standard output, and a summary to standard error. Fails if no record would be applied.
    ///
    /// # Errors
    /// If the topic does not exist or cannot be read, or the output cannot be written.
    pub(super) fn run(&self, config: &Config, quiet: bool) -> anyhow::Result<ExitCode> {
        // Other formats go through the repartition stage unless the configuration says otherwise, so any partition will do.
        let route = if self.format.is_native() { Route::Direct } else { Route::Repartitioned };
        let (partitioning, format) = (Partitioning::Auto, Arc::clone(&self.format));
        let input = InputTopic { name: self.topic.to_owned(), stream: self.stream, partitioning, format, route };
        let options = Options { inputs: vec![input], ..Options::of(config, Permits::none(config.kafka.start)) };
        let trials = trials_of(&options, RECORDS)?;
        let Some(trial) = trials.first() else { anyhow::bail!("there is no topic {} on {}", self.topic, config.kafka.bootstrap_servers) };
        let ends = ends(trial);
        let mut output = Output::create(Path::new("-"), Existing::Refuse)?;
        ends.iter().try_for_each(|end| Ok::<(), anyhow::Error>(output.line(&serde_json::to_vec(end)?)?))?;
        output.finish()?;
        let (read, applied) = (trial.records.len(), trial.records.iter().filter(|tried| tried.outcome == Outcome::Applied).count());
        if !quiet || applied == 0 {
            let (topic, stream) = (self.topic, self.stream.name());
            eprintln!("{topic}: {applied} of the {read} newest records would be applied to the {stream} stream");
        }
        if let Some(shortfall) = trial.shortfall {
            anyhow::bail!("{}: {shortfall}", self.topic);
        }
        Ok(if applied > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The ways in which the records end: applied, ignored, then dead letters, the commonest first.
fn ends(trial: &Trial) -> Vec<End> {
    let key = |tried: &Tried| match &tried.outcome {
        Outcome::DeadLetter(rejection) => (2, Some(rejection.code)),
        Outcome::Ignored => (1, None),
        _ => (0, None),
    };
    let mut groups: BTreeMap<_, Vec<&Tried>> = BTreeMap::new();
    for tried in &trial.records {
        groups.entry(key(tried)).or_default().push(tried);
    }
    let mut ends: Vec<(u8, End)> = groups.into_iter().map(|((kind, _), group)| (kind, End::of(&group, trial))).collect();
    ends.sort_by_key(|(kind, end)| (*kind, std::cmp::Reverse(end.records)));
    ends.into_iter().map(|(_, end)| end).collect()
}

impl End {
    /// Of records that all end the same way.
    fn of(group: &[&Tried], trial: &Trial) -> Self {
        let (all, format) = (trial.records.len(), &trial.topic.format);
        let rejection = |tried: &Tried| match &tried.outcome {
            Outcome::DeadLetter(rejection) => Some(rejection.clone()),
            _ => None,
        };
        let first = group.first().and_then(|tried| rejection(tried));
        let outcome = match group.first().map(|tried| &tried.outcome) {
            Some(Outcome::DeadLetter(_)) => "dead_letter",
            Some(Outcome::Ignored) => "ignored",
            _ => "applied",
        };
        let mut types = BTreeMap::new();
        for event in group.iter().filter_map(|tried| tried.event.as_ref()).filter(|_| first.is_none()) {
            *types.entry(event.type_name).or_default() += 1;
        }
        let shape = group.iter().find_map(|tried| tried.shape).map(|shape| shape.advice(Place::Topic));
        let advice = shape.or_else(|| match outcome {
            "ignored" if !format.is_native() => Some(format!("{}: known, and not needed", format.name())),
            "ignored" => Some(Shape::UnknownType.advice(Place::Topic)),
            _ => first.as_ref().map(|rejection| rejection.code.remedy().to_owned()),
        });
        Self {
            outcome,
            code: first.as_ref().map(|rejection| rejection.code.name()),
            records: group.len(),
            share: group.len() as f64 / all.max(1) as f64,
            types,
            reasons: reasons(group.iter().filter_map(|tried| Some((*tried, rejection(tried)?)))),
            advice,
        }
    }
}

/// The commonest reasons. They name fields, never values.
fn reasons<'t>(rejected: impl Iterator<Item = (&'t Tried, Rejection)>) -> Vec<Cause> {
    let mut reasons: BTreeMap<String, Cause> = BTreeMap::new();
    for (tried, rejection) in rejected {
        let Tried { partition, offset, .. } = *tried;
        let reason = rejection.reason.into_owned();
        reasons.entry(reason.clone()).or_insert(Cause { reason, records: 0, partition, offset }).records += 1;
    }
    let mut reasons: Vec<Cause> = reasons.into_values().collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.records));
    reasons.truncate(REASONS);
    reasons
}
