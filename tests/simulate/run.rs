//! Seeds, one after the other or on several threads, and what is printed about them.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::check::Violation;
use crate::fault;
use crate::hunt;
use crate::random::Random;
use crate::setting::Setting;
use crate::world::{Figures, Plan, World};

pub const TASKS: usize = 3;
/// In how many runs a broken rule may go unnoticed: one that is noticed in one of 300 runs passes this once in ten million times.
const HUNT_RUNS: u64 = 5_000;

pub struct Options {
    seed: u64,
    runs: Option<u64>,
    seconds: u64,
    threads: u64,
    traces: bool,
    rule: Option<String>,
    hunts: bool,
}

impl Options {
    pub fn of(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let mut options =
            Self { seed: now.as_secs() << 20, runs: None, seconds: 60, threads: cores(), traces: false, rule: None, hunts: true };
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let mut number = || -> Result<u64, String> {
                arguments.next().and_then(|text| text.parse().ok()).ok_or_else(|| format!("{argument} needs a number"))
            };
            match argument.as_str() {
                "--seed" => options.seed = number()?,
                "--runs" => options.runs = Some(number()?),
                "--seconds" => options.seconds = number()?,
                "--threads" => options.threads = number()?.max(1),
                "--trace" => options.traces = true,
                "--no-mutants" => options.hunts = false,
                "--break" => options.rule = arguments.next(),
                // What `cargo test` passes to every test.
                "--nocapture" | "--include-ignored" | "--quiet" => {}
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(options)
    }
}

fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

/// The run of a seed.
pub fn plan(seed: u64, traces: bool) -> Plan {
    let mut random = Random::new(seed ^ 0xdeca_fbad);
    let (slots, until) = (random.within(1..4) as usize, random.within(10_000..60_000));
    let count = random.within(2..60) as usize;
    Plan { seed, faults: fault::deck(&mut random, count, until, slots), named: random.once_in(2), slots, until, traces }
}

pub fn run_seed(setting: &Setting, plan: &Plan) -> Result<Figures, Violation> {
    World::new(setting, plan, Instant::now()).run()
}

pub fn run(options: &Options) -> ExitCode {
    if let Some(rule) = &options.rule {
        churnwatch::fault::break_rule(Some(rule.clone().leak()));
    }
    if options.traces {
        return trace(&plan(options.seed, true));
    }
    let begun = Instant::now();
    let (next, is_over) = (AtomicU64::new(options.seed), AtomicBool::new(false));
    let work = || work(options, begun, &next, &is_over);
    let found: Vec<_> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..options.threads).map(|_| scope.spawn(work)).collect();
        std::iter::once(work()).chain(others.into_iter().map(|other| other.join().unwrap())).collect()
    });
    let figures = found.iter().map(|(figures, _)| figures).fold(Figures::default(), Figures::plus);
    println!("{}", figures.text(begun.elapsed(), options.seed));
    if let Some((plan, violation)) = found.into_iter().find_map(|(_, violated)| violated) {
        report(&plan, &violation);
        return ExitCode::FAILURE;
    }
    if options.hunts && options.rule.is_none() { hunt_all(options.seed) } else { ExitCode::SUCCESS }
}

/// Runs seeds until the time is over, or a run violates something.
fn work(options: &Options, begun: Instant, next: &AtomicU64, is_over: &AtomicBool) -> (Figures, Option<(Plan, Violation)>) {
    let setting = Setting::new(TASKS);
    let mut figures = Figures::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        let is_enough = options.runs.map_or(begun.elapsed() >= Duration::from_secs(options.seconds), |runs| seed >= options.seed + runs);
        if is_enough || is_over.load(Ordering::Relaxed) {
            return (figures, None);
        }
        let plan = plan(seed, false);
        match run_seed(&setting, &plan) {
            Ok(of_run) => figures = figures.plus(&of_run),
            Err(violation) => {
                is_over.store(true, Ordering::Relaxed);
                return (figures, Some(shrink(&setting, plan, violation)));
            }
        }
    }
}

/// Leaves out faults while the same is still violated.
fn shrink(setting: &Setting, mut plan: Plan, mut violation: Violation) -> (Plan, Violation) {
    let mut place = 0;
    while place < plan.faults.len() {
        let mut smaller = plan.clone();
        smaller.faults.remove(place);
        match run_seed(setting, &smaller) {
            Err(other) if other.check == violation.check => (plan, violation) = (smaller, other),
            _ => place += 1,
        }
    }
    (plan, violation)
}

/// What is violated, with the faults that it takes, and the steps that lead there.
fn report(plan: &Plan, violation: &Violation) {
    println!("\nseed {} violates {violation}", plan.seed);
    println!("  {} instances, {}; left of its faults:", plan.slots, if plan.named { "named" } else { "without names" });
    plan.faults.iter().for_each(|fault| println!("  {fault:?}"));
    println!("step by step; with all its faults: ./dev test simulate --seed {} --trace", plan.seed);
    let _ = trace(&Plan { traces: true, ..plan.clone() });
}

/// Replays a run step by step.
fn trace(plan: &Plan) -> ExitCode {
    let setting = Setting::new(TASKS);
    let mut world = World::new(&setting, plan, Instant::now());
    let result = world.run();
    world.trace.iter().for_each(|line| println!("{line}"));
    match result {
        Ok(_) => ExitCode::SUCCESS,
        Err(violation) => {
            println!("violates {violation}");
            ExitCode::FAILURE
        }
    }
}

/// Each broken rule must be noticed.
fn hunt_all(seed: u64) -> ExitCode {
    println!("\n{:<28} {:>8} {:>9}  noticed by", "broken rule", "runs", "seconds");
    let mut survivors = 0;
    for rule in hunt::RULES {
        if let Some(notice) = hunt::hunt(rule, seed, HUNT_RUNS) {
            let (runs, seconds, check) = (notice.runs, notice.took.as_secs_f64(), notice.violation.check);
            println!("{rule:<28} {runs:>8} {seconds:>9.2}  {check} (seed {})", notice.seed);
        } else {
            survivors += 1;
            println!("{rule:<28} {:>8} {:>9}  NOTHING", "-", "-");
        }
    }
    if survivors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Figures {
    fn plus(self, other: &Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            kills: self.kills + other.kills,
            zombies: self.zombies + other.zombies,
            lost_answers: self.lost_answers + other.lost_answers,
            commits: self.commits + other.commits,
            changes: self.changes + other.changes,
            virtual_ms: self.virtual_ms + other.virtual_ms,
        }
    }

    fn text(&self, took: Duration, seed: u64) -> String {
        let Self { runs, kills, zombies, lost_answers, commits, changes, virtual_ms } = self;
        let seconds = took.as_secs_f64();
        let (per_second, hours) = (*kills as f64 / seconds, virtual_ms / 3_600_000);
        format!(
            "{runs} runs from seed {seed} in {seconds:.1} s: {kills} kills ({per_second:.0} per second), {zombies} zombies, {lost_answers} lost or \
             late answers, {commits} commits, {changes} changes, {hours} hours of virtual time"
        )
    }
}
