//! Rules that the service breaks on purpose, one at a time: a check that never catches one proves nothing.

use std::process::Command;
use std::time::Duration;

use super::campaign::{self, Plan};
use super::fault::Kind;
use super::load::Size;

/// A broken rule, and what must notice it.
pub struct Mutant {
    /// Its name in `src/stream`.
    pub name: &'static str,
    pub breaks: &'static str,
    hunter: Hunter,
}

/// What must notice a broken rule.
enum Hunter {
    /// Campaigns of these faults, within this many of them.
    Campaigns { kinds: &'static [Kind], within: usize },
    /// A test of this binary, which must fail.
    Test(&'static str),
}

/// How a mutant was noticed.
pub struct Notice {
    /// Checks, or a test.
    pub by: String,
    pub after: String,
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
    Mutant { name: "offsets-not-sent", breaks: "offsets travel in the transaction", hunter: Hunter::Campaigns { kinds: KILLS, within: 3 } },
    Mutant {
        name: "moved-offsets-only",
        breaks: "every partition's offset, moved or not",
        hunter: Hunter::Campaigns { kinds: KILLS, within: 3 },
    },
    Mutant {
        name: "last-offset-instead-of-next",
        breaks: "an offset is the next to read",
        hunter: Hunter::Campaigns { kinds: KILLS, within: 3 },
    },
    Mutant {
        name: "stamp-not-compared",
        breaks: "offsets that are not the state's are refused",
        hunter: Hunter::Campaigns { kinds: KILLS, within: 3 },
    },
    Mutant {
        name: "restore-to-high-watermark",
        breaks: "only what is committed is restored",
        hunter: Hunter::Campaigns { kinds: &[Kind::KillBeforeCommit], within: 6 },
    },
    Mutant {
        name: "state-kept-after-abort",
        breaks: "state goes with its transaction",
        hunter: Hunter::Campaigns { kinds: ABORTS, within: 9 },
    },
    Mutant {
        name: "unclear-outcome-repeated",
        breaks: "what may have happened is never repeated",
        hunter: Hunter::Campaigns { kinds: &[Kind::LostAnswer], within: 9 },
    },
    Mutant {
        name: "membership-left-out",
        breaks: "offsets are committed as the member of an assignment",
        hunter: Hunter::Campaigns { kinds: &[Kind::LateZombie], within: 9 },
    },
    Mutant { name: "duplicates-count", breaks: "repetition does not matter", hunter: Hunter::Campaigns { kinds: KILLS, within: 3 } },
    Mutant { name: "usage-not-written", breaks: "what changed is in the changelog", hunter: Hunter::Campaigns { kinds: KILLS, within: 3 } },
    Mutant {
        name: "waiting-not-written",
        breaks: "so is what waits for its time",
        hunter: Hunter::Campaigns { kinds: &[Kind::KillAll], within: 9 },
    },
    Mutant {
        name: "deletions-not-written",
        breaks: "and what was deleted",
        hunter: Hunter::Campaigns { kinds: &[Kind::KillAll], within: 3 },
    },
    Mutant { name: "scores-not-restored", breaks: "sequences go on", hunter: Hunter::Campaigns { kinds: KILLS, within: 3 } },
    Mutant {
        name: "letters-written-again",
        breaks: "what is committed is written once",
        hunter: Hunter::Campaigns { kinds: KILLS, within: 3 },
    },
];

impl Mutant {
    /// `None` if the mutant survives.
    pub fn hunt(&self, seed: u64) -> Option<Notice> {
        match self.hunter {
            Hunter::Campaigns { kinds, within } => self.hunt_by_campaigns(kinds, within, seed),
            Hunter::Test(name) => self.hunt_by_test(name),
        }
    }

    /// Runs campaigns until one notices.
    fn hunt_by_campaigns(&self, kinds: &[Kind], within: usize, seed: u64) -> Option<Notice> {
        let mut gone_through = 0;
        for seed in seed.. {
            if gone_through >= within {
                break;
            }
            let size = Size { accounts: 40, days: 70, activity: 0.2 };
            let plan = Plan {
                seed,
                brokers: 1,
                faults: FAULTS,
                until: None,
                size,
                per_second: 150,
                kinds: kinds.to_vec(),
                progress_limit: PROGRESS_LIMIT,
                mutant: Some(self.name),
            };
            if let Err(caught) = campaign::run(&plan) {
                let mut checks: Vec<_> = caught.violations.iter().map(|violation| violation.check).collect();
                checks.sort_unstable();
                checks.dedup();
                let first = caught.violations.first().map(ToString::to_string).unwrap_or_default();
                let after = format!("{} of {within} faults", gone_through + caught.faults.max(1));
                return Some(Notice { by: checks.join(", "), after, first });
            }
            gone_through += FAULTS;
        }
        None
    }

    /// Runs the test in a process of its own. Every instance that it starts inherits the mutant.
    fn hunt_by_test(&self, name: &str) -> Option<Notice> {
        let run = Command::new(std::env::current_exe().unwrap()).args([name, "--exact"]).env("CHURNWATCH_MUTANT", self.name).output();
        let output = String::from_utf8_lossy(&run.unwrap().stdout).into_owned();
        assert!(output.contains("running 1 test"), "there is no test {name}");
        let first = output.lines().find(|line| line.contains("panicked")).unwrap_or_default().to_owned();
        output.contains("1 failed").then(|| Notice { by: format!("`{name}`"), after: "-".to_owned(), first })
    }
}
