//! The engine under test without files: driven record by record like the service, and restored from what it wrote.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use churnwatch::config::Config;
use churnwatch::engine::{Input, PlainStore, RoundOptions, Task};
use churnwatch::event::{Format, Headers, PerStream, Stream};
use churnwatch::time::Timestamp;
use serde_json::Value;

use super::Files;

/// Records between two rounds, at each of which the changelog is written.
const RECORDS_PER_ROUND: usize = 17;

/// Account lines at `t`, from the task that read the files and from one restored from its changelog. The configuration is in `folder`.
pub fn lines(folder: &Path, files: &Files, t: i64) -> [BTreeMap<String, Value>; 2] {
    let mut settings = Config::load_offline(Some(&folder.join("config.toml")), &[], []).unwrap().settings();
    settings.configured = PerStream::from_fn(|stream| files.contains_key(stream.name()));
    settings.stale_after_ms = PerStream([None; 5]);
    let settings = Arc::new(settings);
    let now = Timestamp(t);
    let new = || Task::new(Arc::clone(&settings), PlainStore::default());
    let (mut task, mut changelog) = (new(), BTreeMap::new());
    for stream in Stream::ALL {
        let lines = files.get(stream.name()).map(Vec::as_slice).unwrap_or_default();
        for (number, line) in lines.iter().filter(|line| !line.iter().all(u8::is_ascii_whitespace)).enumerate() {
            let input = Input {
                stream,
                key: None,
                value: Some(line),
                headers: Headers::NONE,
                timestamp: None,
                format: &Format::Native,
                broker_timestamp: None,
            };
            task.process(&input, now);
            if number % RECORDS_PER_ROUND == 0 {
                write(&mut task, now, &mut changelog);
            }
        }
    }
    write(&mut task, now, &mut changelog);
    let mut restored = new();
    for (key, value) in &changelog {
        restored.restore(key, Some(value));
    }
    restored.finish_restore(Some(&task.stamp())).unwrap();
    [&task, &restored].map(|task| reports(task, now, &settings))
}

fn write(task: &mut Task<PlainStore>, now: Timestamp, changelog: &mut BTreeMap<Vec<u8>, Vec<u8>>) {
    let round = RoundOptions { publish: true, catching_up: false, budget: 10, bytes: usize::MAX };
    while task.round(now, &round, &mut Vec::new()).waiting_left {}
    task.changelog(|key, value| match value {
        Some(value) => drop(changelog.insert(key.to_vec(), value.to_vec())),
        None => drop(changelog.remove(key)),
    });
}

fn reports(task: &Task<PlainStore>, now: Timestamp, settings: &churnwatch::settings::Settings) -> BTreeMap<String, Value> {
    let mut lines = BTreeMap::new();
    let view = task.stream_time().view(now, settings);
    for report in task.account_ids().iter().filter_map(|id| task.report(id, &view)) {
        let line: Value = serde_json::from_slice(&report.0).unwrap();
        lines.insert(line["account_id"].as_str().unwrap().to_owned(), line);
    }
    lines
}
