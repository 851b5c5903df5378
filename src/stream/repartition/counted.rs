//! What became of the records since the last commit; the metrics include it once that is committed.

use std::collections::BTreeMap;

use super::router::Routed;
use crate::engine::Outcome;
use crate::event::Code;
use crate::telemetry::{Metrics, RecordOutcome};

/// Records by stream and outcome, and dead letters by stream and code.
#[derive(Default)]
pub(super) struct Counted {
    outcomes: BTreeMap<(&'static str, &'static str), u64>,
    letters: BTreeMap<(&'static str, Code), u64>,
}

impl Counted {
    /// Counts one record.
    pub(super) fn count(&mut self, stream: &'static str, outcome: &Outcome, routed: &Routed, metrics: &Metrics) {
        let name = match outcome {
            Outcome::DeadLetter(rejection) => {
                *self.letters.entry((stream, rejection.code)).or_default() += 1;
                RecordOutcome::DeadLetter.name()
            }
            Outcome::Ignored => RecordOutcome::Ignored.name(),
            _ => "written",
        };
        *self.outcomes.entry((stream, name)).or_default() += 1;
        if routed.cut_text && name == "written" {
            metrics.text_cut();
        }
        if routed.unexpanded_discount && name == "written" {
            metrics.unexpanded_discount();
        }
    }

    /// Adds everything to the metrics.
    pub(super) fn report(self, metrics: &Metrics) {
        for ((stream, outcome), records) in self.outcomes {
            metrics.repartitioned(stream, outcome, records);
        }
        for ((stream, code), records) in self.letters {
            metrics.dead_letters_of_stage(stream, code, records);
        }
    }
}
