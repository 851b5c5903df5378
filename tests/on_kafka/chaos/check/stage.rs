//! What must hold for the repartition stage: every record has become an event or a dead letter once, its offsets never went back, and the
//! tasks hold the state that native input gives.

use std::collections::BTreeMap;

use serde_json::Value;

use super::changelog::Changelog;
use super::changes::{self, Published};
use super::{Looked, compare_states, offsets, transactions};
use crate::chaos::Violation;
use crate::chaos::stage::{REPARTITIONED, Stage};
use crate::kafka::broker::Broker;
use crate::kafka::client;
use crate::kafka::input::Topics;
use crate::kafka::service::Application;
use crate::oracle::check::types;

/// Everything that must hold once all input is read and all instances have stopped. `witness` has read the same records from native topics.
pub fn check(
    broker: &Broker,
    topics: &Topics,
    application: &Application,
    stage: &Stage,
    witness: &Application,
) -> Result<Looked, Vec<Violation>> {
    let own = [&application.changes, &application.dead_letters, &application.changelog, &stage.internal].map(String::as_str);
    let transactions = transactions::check(broker, &[&own[..], &["__consumer_offsets"]].concat()).map_err(|violation| vec![violation])?;
    let changelog = Changelog::read(broker, &application.changelog).map_err(|violation| vec![violation])?;
    let mut found = offsets::check(broker, &application.id, &changelog);
    found.extend(offsets::check_ends(&changelog, &stage.outputs(broker, topics).into_iter().collect()));
    found.extend(offsets::check_monotone(broker, &format!("{}-repartition", application.id)));
    let Published { changes, tombstones } = changes::read(broker, &application.changes, &changelog, &mut found);
    let records = check_written_once(broker, topics, application, stage, &mut found);
    let letters = [application, witness].map(|application| letters(broker, application));
    if letters[0] != letters[1] {
        found.push(Violation::new("I3", format!("dead letters by stream and code: {:?}, of native input {:?}", letters[0], letters[1])));
    }
    // What belongs to no account, such as costs, is in the task of whichever partition it was in, and those differ.
    let expected = Changelog::read(broker, &witness.changelog).map_err(|violation| vec![violation])?;
    found.extend(compare_states(&changelog, &expected, |key| key.first() != Some(&2)));
    if !found.is_empty() {
        return Err(found);
    }
    Ok(Looked {
        records,
        changes: changes.len(),
        changes_compared: 0,
        letters: letters[0].values().sum(),
        stamps: changelog.commits.values().map(Vec::len).sum(),
        accounts: changelog.sequences().len(),
        tombstones,
        transactions,
    })
}

/// A record: topic, partition and offset.
type Place = (String, i32, i64);

/// How often each record of the stage's topics has become an event or a dead letter: once, or never if its type is unknown. Returns how many
/// records there are.
fn check_written_once(broker: &Broker, topics: &Topics, application: &Application, stage: &Stage, found: &mut Vec<Violation>) -> u64 {
    let mut outcomes: BTreeMap<Place, usize> = BTreeMap::new();
    for record in client::read_committed(broker, &stage.internal) {
        let origin: Vec<&str> = record.header("churnwatch_origin").split(' ').collect();
        let place = (origin[3].to_owned(), origin[1].parse().unwrap(), origin[2].parse().unwrap());
        *outcomes.entry(place).or_default() += 1;
    }
    // A record that the tasks refuse is in the internal topic and in the dead letters; only the stage's own letters have the id of the topic.
    for letter in client::read_committed(broker, &application.dead_letters) {
        let header = |name: &str| letter.header(&format!("churnwatch_{name}")).to_owned();
        if !letter.headers.contains_key("churnwatch_topic_id") {
            continue;
        }
        *outcomes.entry((header("topic"), header("partition").parse().unwrap(), header("offset").parse().unwrap())).or_default() += 1;
    }
    let mut records = 0;
    for topic in REPARTITIONED.map(|(stream, _)| topics.of(stream)) {
        for record in client::read_committed(broker, &topic) {
            records += 1;
            let place = (topic.clone(), record.partition, record.offset);
            let times = outcomes.get(&place).copied().unwrap_or_default();
            if times > 1 || times == 0 && !is_of_unknown_type(&record) {
                found.push(Violation::new("I3", format!("{place:?} has become {times} events or dead letters")));
            }
        }
    }
    records
}

fn is_of_unknown_type(record: &client::Committed) -> bool {
    let json: Value = serde_json::from_slice(record.value.as_deref().unwrap_or_default()).unwrap_or_default();
    let is_known =
        |name: &str| REPARTITIONED.iter().any(|(stream, _)| types(stream.name()).iter().any(|known| known.eq_ignore_ascii_case(name)));
    json["type"].as_str().is_some_and(|name| !is_known(name))
}

/// Dead letters by stream and code. Native copies of topics are named after them.
fn letters(broker: &Broker, application: &Application) -> BTreeMap<(String, String), usize> {
    let mut letters = BTreeMap::new();
    for letter in client::read_committed(broker, &application.dead_letters) {
        let topic = letter.header("churnwatch_topic").trim_end_matches("-native").to_owned();
        *letters.entry((topic, letter.header("churnwatch_code").to_owned())).or_default() += 1;
    }
    letters
}
