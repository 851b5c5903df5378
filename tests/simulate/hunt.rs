//! Rules that are broken on purpose, one at a time: a check that never catches one proves nothing.

use std::time::{Duration, Instant};

use churnwatch::fault::break_rule;

use crate::check::Violation;
use crate::run;
use crate::setting::Setting;

/// The rules of the core, as in `tests/on_kafka/chaos/mutant.rs`.
pub const RULES: [&str; 23] = [
    "offsets-not-sent",
    "moved-offsets-only",
    "last-offset-instead-of-next",
    "stamp-not-compared",
    "restore-to-high-watermark",
    "state-kept-after-abort",
    "unclear-outcome-repeated",
    "membership-left-out",
    "usage-not-written",
    "waiting-not-written",
    "deletions-not-written",
    "scores-not-restored",
    "letters-written-again",
    "late-requests-ignored",
    "fenced-counts-as-aborted",
    "replacement-keeps-the-id",
    "name-not-looked-up",
    "duplicates-count",
    "partition-not-read",
    "topic-id-not-compared",
    "changelog-head-not-checked",
    "permits-for-ever",
    "limits-do-not-shrink",
];

/// How a broken rule was noticed.
pub struct Notice {
    pub seed: u64,
    pub runs: u64,
    pub took: Duration,
    pub violation: Violation,
}

/// Runs so many seeds with a broken rule, until one is noticed; `None` if none is.
pub fn hunt(rule: &'static str, first: u64, most: u64) -> Option<Notice> {
    break_rule(Some(rule));
    let setting = Setting::new(run::TASKS);
    let begun = Instant::now();
    let mut notice = None;
    for seed in first..first + most {
        if let Err(violation) = run::run_seed(&setting, &run::plan(seed, false)) {
            notice = Some(Notice { seed, runs: seed - first + 1, took: begun.elapsed(), violation });
            break;
        }
    }
    break_rule(None);
    notice
}
