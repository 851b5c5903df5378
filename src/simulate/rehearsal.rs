//! What a demo is going to show: the same records and the same scoring, ahead of time and without a broker.

use std::sync::Arc;

use super::customer::Label;
use super::generator::Generator;
use super::options::Options;
use crate::engine::{Input, OutputRecord, PlainStore, RoundOptions, Store as _, Task};
use crate::event::{Format, Headers};
use crate::settings::Settings;
use crate::time::{DAY_MS, HOUR_MS, Timestamp};

/// An account that is going to turn red.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foretold {
    /// Its id.
    pub account_id: String,
    /// Its display name, or else its id.
    pub name: String,
    /// The kind of its story.
    pub kind: &'static str,
    /// When it turns red.
    pub at: Timestamp,
    /// Why, as the change says it.
    pub why: String,
}

/// The first account that turns red between `from` and `to`; `None` if none does. Until `from` accounts are scored daily, then hourly.
#[must_use]
pub fn first_to_turn_red(options: &Options, settings: &Arc<Settings>, from: Timestamp, to: Timestamp) -> Option<Foretold> {
    let mut records = Generator::new(options);
    let kinds: Vec<Label> = records.labels().collect();
    let mut task = Task::new(Arc::clone(settings), PlainStore::default());
    let mut next_round = options.start.plus(DAY_MS);
    while next_round <= to {
        let record = records.next()?;
        while record.at > next_round && next_round <= to {
            let foretold = changes(&mut task, next_round).iter().find_map(turns_red).filter(|_| next_round > from);
            if let Some((account_id, why)) = foretold {
                let name = task.store().read(&account_id, |slot| slot.account.profile()?.name.as_deref().map(str::to_owned)).flatten();
                let kind = kinds.iter().find(|label| label.account_id == account_id).map_or("", |label| label.kind);
                return Some(Foretold { name: name.unwrap_or_else(|| account_id.clone()), account_id, kind, at: next_round, why });
            }
            next_round = next_round.plus(if next_round < from { DAY_MS } else { HOUR_MS });
        }
        let input = Input {
            stream: record.stream,
            key: None,
            value: Some(record.json.as_bytes()),
            headers: Headers::NONE,
            format: &Format::Native,
            timestamp: Some(record.at),
            broker_timestamp: Some(record.at),
        };
        task.process(&input, record.at);
    }
    None
}

fn changes(task: &mut Task<PlainStore>, now: Timestamp) -> Vec<OutputRecord> {
    let options = RoundOptions { publish: true, catching_up: false, budget: usize::MAX, bytes: usize::MAX };
    let mut changes = Vec::new();
    task.round(now, &options, &mut changes);
    changes
}

/// The account of a change into red, and why.
fn turns_red(change: &OutputRecord) -> Option<(String, String)> {
    let record: serde_json::Value = serde_json::from_slice(change.value.as_deref()?).ok()?;
    let band = |name: &str| record.pointer(&format!("/health/{name}")).and_then(|band| band.as_str());
    let is_fall = band("band") == Some("red") && matches!(band("previous_band"), Some("green" | "yellow"));
    is_fall.then(|| (change.key.clone(), record.pointer("/drivers/0").and_then(|driver| driver.as_str()).unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_that_is_foretold_turns_red_when_and_why_it_was_said() {
        let start = Timestamp(1_767_571_200_000);
        let options = Options {
            seed: 3,
            accounts: 40,
            start,
            days: 112,
            story_days: 105,
            quiet_days: 70,
            activity: 0.2,
            mix: [0, 0, 0, 50, 0, 50, 0, 0, 0],
            ..Options::default()
        };
        let settings = Arc::new(Settings::default());
        let (from, to) = (start.plus(100 * DAY_MS), start.plus(110 * DAY_MS));
        let foretold = first_to_turn_red(&options, &settings, from, to).unwrap();
        assert!(foretold.at > from && foretold.at <= to && !foretold.why.is_empty(), "{foretold:?}");
        assert!(options.accounts > 0 && Generator::new(&options).labels().any(|label| label.account_id == foretold.account_id));
        // Up to an hour before, nobody does.
        assert_eq!(first_to_turn_red(&options, &settings, from, foretold.at.plus(-HOUR_MS)), None);
        assert_eq!(first_to_turn_red(&options, &settings, from, foretold.at), Some(foretold));
    }
}
