//! What became of the records since the last commit; the metrics include it once that is committed.

use std::collections::BTreeMap;

use super::router::Routed;
use crate::engine::Outcome;
use crate::event::{Code, PerStream, Stream};
use crate::telemetry::{Metrics, RecordOutcome};

/// Records by stream and outcome, and dead letters by stream and code.
#[derive(Default)]
pub(super) struct Counted {
    outcomes: PerStream<Outcomes>,
    letters: BTreeMap<(&'static str, Code), u64>,
}

#[derive(Default)]
struct Outcomes {
    written: u64,
    ignored: u64,
    dead_letters: u64,
}

impl Counted {
    /// Counts one record.
    pub(super) fn count(&mut self, stream: Stream, outcome: &Outcome, routed: &Routed, metrics: &Metrics) {
        let outcomes = self.outcomes.of_mut(stream);
        match outcome {
            Outcome::DeadLetter(rejection) => {
                *self.letters.entry((stream.name(), rejection.code)).or_default() += 1;
                outcomes.dead_letters += 1;
            }
            Outcome::Ignored => outcomes.ignored += 1,
            _ => {
                outcomes.written += 1;
                if routed.cut_text {
                    metrics.text_cut();
                }
                if routed.unexpanded_discount {
                    metrics.unexpanded_discount();
                }
            }
        }
    }

    /// Adds everything to the metrics.
    pub(super) fn report(self, metrics: &Metrics) {
        for (stream, Outcomes { written, ignored, dead_letters }) in self.outcomes.iter() {
            let counts = [("written", written), (RecordOutcome::Ignored.name(), ignored), (RecordOutcome::DeadLetter.name(), dead_letters)];
            for (outcome, records) in counts.into_iter().filter(|(_, records)| **records > 0) {
                metrics.repartitioned(stream.name(), outcome, *records);
            }
        }
        for ((stream, code), records) in self.letters {
            metrics.dead_letters_of_stage(stream, code, records);
        }
    }
}
