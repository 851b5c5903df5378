//! How often scores change band for nothing: simulated portfolios over a year, scored daily by the default model.
//!
//! `./dev bench storms [--accounts N] [--seed S] [--only NAME] [--model FILE]`. Each portfolio lives through one difficulty: noise, holidays, an outage of
//! the pipeline, accounts that are hardly ever used. Its hidden futures tell false alarms from true ones.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and its input is its own")]

mod run;
mod scenario;
mod tally;

use std::sync::Mutex;
use std::time::Instant;

use churnwatch::score::{Model, ModelFile};
use scenario::Scenario;
use tally::Tally;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: ./dev bench storms [--accounts N] [--seed S] [--only NAME] [--model FILE]";

struct Args {
    accounts: u32,
    seed: u64,
    only: Option<String>,
    /// The default model unless a file is given.
    model: Model,
}

fn args() -> Args {
    let mut args = Args { accounts: 2_000, seed: 7, only: None, model: Model::default() };
    let mut given = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(name) = given.next() {
        let value = given.next().unwrap_or_default();
        match (name.as_str(), value.parse::<u64>()) {
            ("--accounts", Ok(accounts)) => args.accounts = u32::try_from(accounts).unwrap(),
            ("--seed", Ok(seed)) => args.seed = seed,
            ("--only", _) => args.only = Some(value),
            ("--model", _) => {
                let file = ModelFile::parse(&std::fs::read_to_string(&value).unwrap()).unwrap();
                args.model = Model::compile(&file).unwrap();
            }
            _ => {
                eprintln!("{USAGE}");
                std::process::exit(2);
            }
        }
    }
    args
}

fn main() {
    let args = args();
    let begun = Instant::now();
    let mut scenarios = scenario::all(args.accounts, args.seed);
    scenarios.retain(|scenario| args.only.as_deref().is_none_or(|only| scenario.name.contains(only)));
    let results = run_all(&scenarios, &args.model);
    println!(
        "seed {}, {} days of warm-up, then {} days scored at midnight; means per account and month",
        args.seed,
        scenario::WARM_UP_DAYS,
        scenario::DAYS
    );
    println!("\n{}", tally::HEADER);
    for (scenario, result) in scenarios.iter().zip(&results) {
        println!("{}", result.row(scenario));
    }
    eprintln!("\n{:.0} s", begun.elapsed().as_secs_f64());
}

/// Runs the scenarios on all cores; the results are in the order of the scenarios.
fn run_all(scenarios: &[Scenario], model: &Model) -> Vec<Tally> {
    let next = Mutex::new(0..scenarios.len());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(place) = { next.lock().unwrap().next() } {
                    let scenario = scenarios.get(place).unwrap();
                    let begun = Instant::now();
                    let tally = run::run(scenario, model);
                    eprintln!("{}: {:.0} s", scenario.name, begun.elapsed().as_secs_f64());
                    done.lock().unwrap().push((place, tally));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, tally)| tally).collect()
}
