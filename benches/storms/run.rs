//! Runs a scenario: records into the engine, every account scored at each midnight.

use std::sync::Arc;

use churnwatch::engine::{Input, PlainStore, RoundOptions, Store, Task};
use churnwatch::event::{Format, Headers};
use churnwatch::score::Model;
use churnwatch::settings::Settings;
use churnwatch::simulate::{Generator, SimulatedRecord};
use churnwatch::time::{DAY_MS, Timestamp};

use crate::scenario::{Scenario, counts_from, is_override};
use crate::tally::Tally;

const EVERY_ACCOUNT: RoundOptions = RoundOptions { publish: true, catching_up: false, budget: usize::MAX, bytes: usize::MAX };

pub fn run(scenario: &Scenario, model: &Model) -> Tally {
    let settings = Arc::new(Settings { calendar: scenario.calendar.clone(), model: model.clone(), ..Settings::default() });
    let mut task = Task::new(Arc::clone(&settings), PlainStore::default());
    let generator = Generator::new(&scenario.options);
    let mut tally = Tally::new(generator.labels(), &settings.model);
    let mut midnight = scenario.options.start.plus(DAY_MS);
    let records = generator.filter(|record| !is_override(record)).filter(scenario.passes);
    for record in records {
        while record.at >= midnight {
            score(&mut task, midnight, &mut tally);
            midnight = midnight.plus(DAY_MS);
        }
        process(&mut task, &record);
    }
    score(&mut task, midnight, &mut tally);
    tally
}

fn process(task: &mut Task<PlainStore>, record: &SimulatedRecord) {
    let input = Input {
        stream: record.stream,
        key: None,
        value: Some(record.json.as_bytes()),
        headers: Headers::NONE,
        timestamp: Some(record.at),
        format: &Format::Native,
        broker_timestamp: Some(record.at),
    };
    task.process(&input, record.at);
}

/// Scores every account. Nothing is scored before the first instant that counts: with a warm-up it would have no effect, and without one
/// the program has not been started yet.
fn score(task: &mut Task<PlainStore>, midnight: Timestamp, tally: &mut Tally) {
    if midnight < counts_from() {
        return;
    }
    task.round(midnight, &EVERY_ACCOUNT, &mut Vec::new());
    task.store().for_each(|slot| {
        if let Some(score) = slot.last_score() {
            tally.add(slot.id(), midnight, score.band, score.health);
        }
    });
}
