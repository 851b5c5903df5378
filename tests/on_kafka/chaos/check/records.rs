//! Every record has exactly one outcome: good ones are counted, bad ones are dead letters.

use serde_json::{Map, Value, json};

use super::reference::Reference;
use crate::chaos::Violation;
use crate::kafka::broker::Broker;
use crate::kafka::client;
use crate::oracle::STREAMS;

/// The dead letters are the bad records, each once.
pub fn check_letters(broker: &Broker, topic: &str, reference: &Reference) -> Vec<Violation> {
    let name = |letter: &client::Committed| {
        ["topic", "partition", "offset", "code"].map(|name| letter.header(&format!("churnwatch_{name}")).to_owned())
    };
    let mut written: Vec<_> = client::read_committed(broker, topic).iter().map(name).collect();
    let mut expected = reference.letters();
    written.sort();
    expected.sort();
    let mut found = Vec::new();
    let twice = written.iter().zip(written.iter().skip(1)).find(|(one, next)| one == next);
    found.extend(twice.map(|(letter, _)| Violation::new("I3", format!("a bad record is in the dead letters twice: {letter:?}"))));
    let missing = expected.iter().find(|letter| written.binary_search(letter).is_err());
    found.extend(missing.map(|letter| Violation::new("I3", format!("a bad record is not in the dead letters: {letter:?}"))));
    let surplus = written.iter().find(|letter| expected.binary_search(letter).is_err());
    found.extend(surplus.map(|letter| Violation::new("I3", format!("a dead letter of a good record: {letter:?}"))));
    found
}

/// The counts that the service reports, by stream, equal those of the reference.
pub fn check_counts(pipeline: &Value, reference: &Reference) -> Vec<Violation> {
    let mut found = Vec::new();
    for stream in STREAMS {
        let counts = reference.counts(stream);
        let codes: Map<String, Value> = counts.dead_letter.iter().map(|(code, count)| (code.clone(), json!(count))).collect();
        let expected = json!({
            "read": counts.read, "applied": counts.applied, "duplicate": counts.duplicate, "late": counts.late,
            "ignored": counts.ignored, "dead_letter": codes,
        });
        if pipeline[stream] != expected {
            found.push(Violation::new("I3", format!("{stream}: the service counts {}, the reference {expected}", pipeline[stream])));
        }
    }
    found
}
