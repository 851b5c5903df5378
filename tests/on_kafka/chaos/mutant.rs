//! Rules that the service breaks on purpose, one at a time: a check that never catches one proves nothing.

use std::time::Duration;

use super::campaign::{self, Plan};
use super::fault::Kind;
use super::load::Size;

/// A broken rule, and the faults under which it must be noticed.
pub struct Mutant {
    /// Its name in `src/stream`.
    pub name: &'static str,
    pub breaks: &'static str,
    kinds: &'static [Kind],
    /// Faults within which it must be noticed.
    pub within: usize,
}

/// How a mutant was noticed.
pub struct Notice {
    pub checks: Vec<&'static str>,
    pub faults: usize,
    pub first: String,
}

/// Faults per campaign; everything is checked after them.
const FAULTS: usize = 3;

/// Some mutants make no progress at all, so the wait is shorter than for the service.
const PROGRESS_LIMIT: Duration = Duration::from_secs(75);

const KILLS: &[Kind] = &[Kind::Kill, Kind::KillAll];
const ABORTS: &[Kind] = &[Kind::LostAnswer, Kind::LostAnswer, Kind::Stall];

/// All of them.
pub const ALL: [Mutant; 14] = [
    Mutant { name: "offsets-not-sent", breaks: "offsets travel in the transaction", kinds: KILLS, within: 3 },
    Mutant { name: "moved-offsets-only", breaks: "every partition's offset, moved or not", kinds: KILLS, within: 3 },
    Mutant { name: "last-offset-instead-of-next", breaks: "an offset is the next to read", kinds: KILLS, within: 3 },
    Mutant { name: "stamp-not-compared", breaks: "offsets that are not the state's are refused", kinds: KILLS, within: 3 },
    Mutant { name: "restore-to-high-watermark", breaks: "only what is committed is restored", kinds: &[Kind::KillBeforeCommit], within: 6 },
    Mutant { name: "state-kept-after-abort", breaks: "state goes with its transaction", kinds: ABORTS, within: 9 },
    Mutant { name: "unclear-outcome-repeated", breaks: "what may have happened is never repeated", kinds: &[Kind::LostAnswer], within: 9 },
    Mutant {
        name: "membership-left-out",
        breaks: "offsets are committed as the member of an assignment",
        kinds: &[Kind::LateZombie],
        within: 9,
    },
    Mutant { name: "duplicates-count", breaks: "repetition does not matter", kinds: KILLS, within: 3 },
    Mutant { name: "usage-not-written", breaks: "what changed is in the changelog", kinds: KILLS, within: 3 },
    Mutant { name: "waiting-not-written", breaks: "so is what waits for its time", kinds: &[Kind::KillAll], within: 9 },
    Mutant { name: "deletions-not-written", breaks: "and what was deleted", kinds: &[Kind::KillAll], within: 3 },
    Mutant { name: "scores-not-restored", breaks: "sequences go on", kinds: KILLS, within: 3 },
    Mutant { name: "letters-written-again", breaks: "what is committed is written once", kinds: KILLS, within: 3 },
];

impl Mutant {
    /// Runs campaigns until one notices; `None` if the mutant survives.
    pub fn hunt(&self, seed: u64) -> Option<Notice> {
        let mut gone_through = 0;
        for seed in seed.. {
            if gone_through >= self.within {
                break;
            }
            let size = Size { accounts: 40, days: 70, activity: 0.2 };
            let kinds = self.kinds.to_vec();
            let plan = Plan {
                seed,
                brokers: 1,
                faults: FAULTS,
                until: None,
                size,
                per_second: 150,
                kinds,
                progress_limit: PROGRESS_LIMIT,
                mutant: Some(self.name),
            };
            if let Err(caught) = campaign::run(&plan) {
                let mut checks: Vec<_> = caught.violations.iter().map(|violation| violation.check).collect();
                checks.sort_unstable();
                checks.dedup();
                let first = caught.violations.first().map(ToString::to_string).unwrap_or_default();
                return Some(Notice { checks, faults: gone_through + caught.faults.max(1), first });
            }
            gone_through += FAULTS;
        }
        None
    }
}
