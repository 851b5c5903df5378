//! Rules that the service breaks on purpose, one at a time: a check that never catches one proves nothing.

use std::process::Command;
use std::time::Duration;

use super::campaign::{self, Plan};
use super::fault::Kind;
use super::load::Size;

/// A broken rule, and what must notice it.
pub struct Mutant {
    /// Its name in `src`; several, separated by commas, are broken together.
    pub name: &'static str,
    /// The rule.
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
pub const ALL: [Mutant; 25] = [
    by_campaigns("offsets-not-sent", "offsets travel in the transaction", KILLS, 3),
    by_campaigns("moved-offsets-only", "every partition's offset is committed, moved or not", KILLS, 3),
    by_campaigns("last-offset-instead-of-next", "a committed offset is the next to read", KILLS, 3),
    by_campaigns("stamp-not-compared", "offsets that differ from the stamp are refused", KILLS, 3),
    by_campaigns("restore-to-high-watermark", "only committed records are restored", &[Kind::KillBeforeCommit], 6),
    by_campaigns("state-kept-after-abort", "state is rolled back with its transaction", ABORTS, 9),
    by_campaigns("unclear-outcome-repeated", "a transaction of unknown outcome is never repeated", &[Kind::LostAnswer], 9),
    by_campaigns("membership-left-out", "offsets are committed as a member of the current generation", &[Kind::LateZombie], 9),
    by_campaigns("duplicates-count", "duplicates have no effect", KILLS, 3),
    by_campaigns("usage-not-written", "every change of state is in the changelog", KILLS, 3),
    by_campaigns("waiting-not-written", "so are records that wait for their time", &[Kind::KillAll], 9),
    by_campaigns("deletions-not-written", "and deletions", &[Kind::KillAll], 3),
    by_campaigns("scores-not-restored", "sequences continue after a restore", KILLS, 3),
    by_campaigns("letters-written-again", "committed output is written once", KILLS, 3),
    by_test(
        "topic-id-not-compared",
        "a topic that was re-created is refused",
        "basis::a_topic_recreated_and_grown_past_the_offset_is_rejected_at_every_start",
    ),
    by_test(
        "changelog-head-not-checked",
        "a changelog that lacks records of the state is refused",
        "changelog::a_changelog_whose_head_was_deleted_is_rejected",
    ),
    by_test(
        "permits-for-ever",
        "`--accept-loss` holds for one start of a task",
        "offsets::a_loss_is_accepted_for_the_start_and_not_for_the_life_of_the_process",
    ),
    by_test(
        "reset-does-not-wait",
        "`topics reset` waits for open transactions",
        "topics::reset_waits_for_the_transactions_that_are_open_when_it_starts",
    ),
    by_test(
        "limits-do-not-shrink",
        "a transaction that was too large is never tried again as it was",
        "burst::a_burst_of_large_accounts_is_committed_on_a_slow_broker",
    ),
    by_test(
        "fenced-counts-as-aborted",
        "a named instance whose producer was fenced exits",
        "zombie::a_named_instance_whose_producer_was_fenced_exits_and_names_the_cause",
    ),
    by_test(
        "replacement-keeps-the-id",
        "a new producer never takes the id that a successor may hold",
        "zombie::a_named_instance_that_was_cut_off_during_a_transaction_does_not_fence_its_successor",
    ),
    by_test(
        "late-requests-ignored",
        "a producer whose requests may still arrive begins no other transaction",
        "late::offsets_that_arrive_in_the_next_transaction_change_nothing",
    ),
    by_test(
        "name-not-looked-up",
        "a named member whose session has ended looks for a successor before it joins again",
        "zombie::a_named_instance_that_was_cut_off_does_not_fence_its_successor_in_the_repartition_stage",
    ),
    by_test(
        "lost-tasks-awaited",
        "a restore does not wait for tasks that others have taken over",
        "progress::a_restore_does_not_wait_for_tasks_that_another_member_has_taken_over_and_keeps_committing",
    ),
    by_test(
        "partition-stall-not-watched",
        "a partition that stands still behind siblings that move is found",
        "progress::a_partition_that_stands_still_while_its_siblings_move_shows_in_the_lag_and_ends_the_process",
    ),
];

const fn by_campaigns(name: &'static str, breaks: &'static str, kinds: &'static [Kind], within: usize) -> Mutant {
    Mutant { name, breaks, hunter: Hunter::Campaigns { kinds, within } }
}

const fn by_test(name: &'static str, breaks: &'static str, test: &'static str) -> Mutant {
    Mutant { name, breaks, hunter: Hunter::Test(test) }
}

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
                has_stage: false,
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
