//! Everything breaks under load, and then everything that was committed is checked from outside.
//!
//! `./dev test chaos --cycles N --seed S --minutes M` runs campaigns of faults until either limit is reached; variables such as
//! `CHURNWATCH_CHAOS_CYCLES` do the same. Without them one seeded deck runs. `--kinds Kill,Zombie` restricts the faults, `--rate` is in
//! records per second, `--activity` in percent of an active product, with `--accounts` accounts, and `--brokers 3` is a
//! cluster whose leaders and coordinators fail. `--stage` puts the repartition stage before the tasks.

use std::time::{Duration, Instant};

use crate::chaos::campaign::{self, Plan};
use crate::chaos::fault::{Kind, ON_DEMAND};
use crate::chaos::figures::Figures;
use crate::chaos::load::{REMEMBERED_DAYS, Size};
use crate::chaos::proxy::Api;

/// Maximum faults per campaign: each starts with a fresh broker and fresh topics, and ends with a check.
const CAMPAIGN_FAULTS: usize = 40;

/// The default: one deck with about thirty kills, unless the machine is too slow for it.
const CYCLES: u64 = 29;
const MINUTES: u64 = 4;
/// The same with the repartition stage.
const STAGE_CYCLES: u64 = 6;
const STAGE_MINUTES: u64 = 1;
/// The same for three brokers, of which one at a time fails.
const CLUSTER_CYCLES: usize = 3;

fn number(name: &str) -> Option<u64> {
    std::env::var(format!("CHURNWATCH_CHAOS_{name}")).ok().map(|text| text.parse().unwrap())
}

/// The kinds of faults named in `CHURNWATCH_CHAOS_KINDS`, else the usual mix.
fn kinds(brokers: usize, has_stage: bool) -> Vec<Kind> {
    let (mix, on_demand) = match brokers {
        1 if has_stage => (&Kind::STAGE_MIX[..], &[][..]),
        1 => (&Kind::MIX[..], &ON_DEMAND[..]),
        _ => (&Kind::CLUSTER_MIX[..], &[][..]),
    };
    let mix = mix.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count));
    let Ok(names) = std::env::var("CHURNWATCH_CHAOS_KINDS") else { return mix.collect() };
    let is_wanted = |kind: &Kind| names.split(',').any(|name| format!("{kind:?}") == name);
    mix.chain(on_demand.iter().copied()).filter(is_wanted).collect()
}

#[test]
fn whatever_breaks_committed_data_is_correct() {
    let brokers = usize::try_from(number("BROKERS").unwrap_or(1)).unwrap();
    let minutes = number("MINUTES").or_else(|| number("CYCLES").is_none().then_some(MINUTES));
    let until = minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let seed = number("SEED").unwrap_or(1);
    let accounts = u32::try_from(number("ACCOUNTS").unwrap_or(100)).unwrap();
    let size = Size { accounts, days: 90, activity: number("ACTIVITY").unwrap_or(25) as f64 / 100.0 };
    go_through(seed, brokers, size, usize::try_from(number("CYCLES").unwrap_or(CYCLES)).unwrap(), until, false);
}

#[test]
#[ignore = "minutes; `./dev test chaos --stage` runs it"]
fn what_passes_the_repartition_stage_is_what_native_input_gives_whatever_breaks() {
    let minutes = number("MINUTES").or_else(|| number("CYCLES").is_none().then_some(STAGE_MINUTES));
    let until = minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let faults = usize::try_from(number("CYCLES").unwrap_or(STAGE_CYCLES)).unwrap();
    // Instances may be ahead of each other by a seventh of `time.dedup_days`, and with that differ the days of which a task still remembers
    // ids, in an account that was quiet since: none that decide anything, but the states would not be the same to the byte.
    let days = u32::try_from(REMEMBERED_DAYS).unwrap();
    let size = Size { accounts: u32::try_from(number("ACCOUNTS").unwrap_or(30)).unwrap(), days, activity: 0.2 };
    go_through(number("SEED").unwrap_or(1), 1, size, faults, until, true);
}

#[test]
fn every_kind_of_request_is_disturbed_by_a_campaign_of_network_faults() {
    let plan = Plan {
        seed: number("SEED").unwrap_or(1),
        brokers: 1,
        faults: Api::ALL.len(),
        until: None,
        size: Size { accounts: 40, days: 70, activity: 0.2 },
        per_second: 100,
        kinds: vec![Kind::Network],
        progress_limit: campaign::PROGRESS_LIMIT,
        mutant: None,
        has_stage: false,
    };
    let figures = campaign::run(&plan).unwrap_or_else(|caught| panic!("{}", caught.violations[0]));
    let left: Vec<_> = Api::ALL.into_iter().filter(|api| !figures.has_disturbed(*api)).collect();
    assert!(left.is_empty(), "never disturbed: {left:?}\n{figures}");
}

/// `./dev test chaos --brokers 3` is the long form.
#[test]
fn any_of_three_brokers_may_fail() {
    go_through(1, 3, Size { accounts: 40, days: 70, activity: 0.2 }, CLUSTER_CYCLES, None, false);
}

/// Runs campaigns until there have been this many faults or the time is up.
fn go_through(seed: u64, brokers: usize, size: Size, faults: usize, until: Option<Instant>, has_stage: bool) {
    eprintln!("CHURNWATCH_CHAOS_SEED={seed}");
    let (mut total, mut left) = (Figures::default(), faults);
    for campaign_seed in seed.. {
        let faults = left.min(CAMPAIGN_FAULTS);
        if faults == 0 || until.is_some_and(|until| Instant::now() > until) {
            break;
        }
        let plan = Plan {
            seed: campaign_seed,
            brokers,
            faults,
            until,
            size,
            per_second: number("RATE").unwrap_or(200),
            kinds: kinds(brokers, has_stage),
            progress_limit: campaign::PROGRESS_LIMIT,
            mutant: None,
            has_stage,
        };
        eprintln!("campaign of seed {campaign_seed}: {faults} faults, brokers: {brokers}");
        match campaign::run(&plan) {
            Ok(figures) => total.add(figures),
            Err(caught) => {
                let violations: Vec<String> = caught.violations.iter().take(10).map(ToString::to_string).collect();
                panic!("seed {campaign_seed}, {} faults: {} violations\n{}", caught.faults, caught.violations.len(), violations.join("\n"));
            }
        }
        left -= faults;
    }
    eprintln!("{total}");
}

/// The table of `./dev test mutants`.
#[test]
#[ignore = "twenty minutes; `./dev test mutants` runs it"]
fn every_mutant_is_caught() {
    let seed = number("SEED").unwrap_or(1);
    let wanted = std::env::var("CHURNWATCH_CHAOS_MUTANTS").ok();
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|names| names.split(',').any(|wanted| wanted == name));
    let (mut table, mut survivors) = (Vec::new(), Vec::new());
    for mutant in crate::chaos::mutant::ALL.iter().filter(|mutant| is_wanted(mutant.name)) {
        eprintln!("mutant {}", mutant.name);
        match mutant.hunt(seed) {
            Some(notice) => {
                eprintln!("  {}", notice.first.lines().next().unwrap_or_default());
                table.push(format!("| {} | {} | {} | {} |", mutant.breaks, mutant.name, notice.by, notice.after));
            }
            None => survivors.push(mutant.name),
        }
    }
    eprintln!("| rule | mutant | caught by | after |\n|---|---|---|---|\n{}", table.join("\n"));
    assert!(survivors.is_empty(), "no check noticed {survivors:?}");
}
