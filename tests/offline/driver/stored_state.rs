//! Changelogs of earlier versions stay readable, and can still be written during a rolling upgrade.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use churnwatch::engine::Outcome;
use churnwatch::event::Stream;
use churnwatch::settings::{Settings, StateVersion};
use churnwatch::time::HOUR_MS;
use serde_json::{Value, json};

use super::rig::Driver;
use super::story::{LAST_DAY, MODEL, feed};
use super::{at, model};

type Changelog = BTreeMap<Vec<u8>, Vec<u8>>;

/// Key under which the fixture stores the engine's part of the stamp; no changelog record has it.
const STAMP: &[u8] = b"stamp of the engine";

/// Format of the stored changelog: for each record the length of its key, the key, the length of its value, the value; all gzipped.
fn stored(version: &str) -> Changelog {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state").join(version).join("changelog.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    let (mut rest, mut records) = (bytes.as_slice(), Changelog::new());
    let next = |rest: &mut &[u8]| {
        let (length, after) = rest.split_first_chunk().unwrap();
        let (field, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        *rest = after;
        field.to_vec()
    };
    while !rest.is_empty() {
        let key = next(&mut rest);
        records.insert(key, next(&mut rest));
    }
    records
}

#[test]
#[ignore = "writes the fixture: only a program of a version that has none yet may"]
fn rewrite_the_fixture() {
    let mut driver = fed(StateVersion::NEWEST);
    driver.changelog.insert(STAMP.to_vec(), driver.task.stamp());
    let path = std::env::var("STATE_FIXTURE").expect("where to write it");
    let mut out = flate2::write::GzEncoder::new(std::fs::File::create(path).unwrap(), flate2::Compression::best());
    for field in driver.changelog.iter().flat_map(|(key, value)| [key, value]) {
        std::io::Write::write_all(&mut out, &u32::try_from(field.len()).unwrap().to_le_bytes()).unwrap();
        std::io::Write::write_all(&mut out, field).unwrap();
    }
    out.finish().unwrap();
}

/// A task that writes state in the given version.
fn driver_of(version: StateVersion) -> Driver {
    Driver::with(Settings { model: model(MODEL), state_write_version: version, ..Settings::default() })
}

/// The story, with its changelog in the given version.
fn fed(version: StateVersion) -> Driver {
    let mut driver = driver_of(version);
    feed(&mut driver);
    driver
}

fn restored(mut changelog: Changelog) -> Driver {
    let stamp = changelog.remove(STAMP);
    let mut driver = driver_of(StateVersion::NEWEST);
    for (key, value) in &changelog {
        driver.task.restore(key, Some(value));
    }
    driver.task.finish_restore(stamp.as_deref()).unwrap();
    driver.changelog = changelog;
    driver
}

/// The parts of each section and the records of each list.
fn counted(changelog: &Changelog) -> BTreeMap<Vec<u8>, usize> {
    let mut counts = BTreeMap::new();
    for key in changelog.keys() {
        *counts.entry(key[..2].to_vec()).or_insert(0) += 1;
    }
    counts
}

#[test]
fn the_version_1_fixture_has_every_section_in_several_parts_and_every_list() {
    let counts = counted(&stored("v1"));
    // Core, usage, billing, support, feedback, profile, remembered ids of three accounts; then costs, their ids, deletions, waiting.
    let keys: Vec<&[u8]> = counts.keys().map(Vec::as_slice).collect();
    assert_eq!(
        keys,
        [
            b"\x01\x00",
            b"\x01\x01",
            b"\x01\x02",
            b"\x01\x03",
            b"\x01\x04",
            b"\x01\x05",
            b"\x01\x06",
            b"\x02c",
            b"\x02d",
            b"\x02i",
            b"\x02w",
            b"st"
        ]
    );
    let stored = stored("v1");
    for section in 1..=4 {
        assert!(stored.keys().any(|key| key.starts_with(&[1, section, 0, 1])), "section {section} of an account in several parts");
    }
}

#[test]
fn state_of_version_1_restores_to_the_same_account_lines() {
    let mut driver = fed(StateVersion::NEWEST);
    let mut restored = restored(stored("v1"));
    for hours in [23, 48, 24 * 40] {
        let now = at(LAST_DAY).plus(hours * HOUR_MS);
        assert_eq!(restored.round(now, &super::PUBLISH).len(), driver.round(now, &super::PUBLISH).len());
        assert_eq!(without_life(restored.report(now)), without_life(driver.report(now)));
    }
    assert_eq!(restored.task.counts(), driver.task.counts());
}

/// Everything except the core sections, which hold what the model has published.
fn without_cores(mut changelog: Changelog) -> Changelog {
    changelog.retain(|key, _| !key.starts_with(&[1, 0]));
    changelog
}

/// Reports without the metrics of a whole life, for which version 1 has the newest active dates only.
fn without_life(mut reports: Vec<Value>) -> Vec<Value> {
    for metrics in reports.iter_mut().filter_map(|report| report["metrics"].as_object_mut()) {
        metrics.retain(|name, _| !name.ends_with("_lifetime") && name != "usage.age_days" && name != "usage.mean_gap_days");
    }
    reports
}

/// The usage of `acme`, which has a date that the first release no longer kept.
fn has_more_dates_now(key: &[u8]) -> bool {
    key.starts_with(&[1, 1]) && key.ends_with(b"acme")
}

/// Sections that version 1 filled part by part; they are now split by hash, into parts that version 1 can read too.
fn is_cut_by_hash_now(key: &[u8]) -> bool {
    matches!(key, [1, 2..=4, .., b'l', b'a', b'r', b'g', b'e'])
}

#[test]
fn write_version_1_writes_the_same_records_as_the_first_release() {
    let mut driver = fed(StateVersion::V1);
    driver.changelog.insert(STAMP.to_vec(), driver.task.stamp());
    assert!(driver.changelog.values().all(|value| value[0] <= 2) && driver.changelog.keys().all(|key| key[0] != 3));
    let restored = restored(driver.changelog.clone());
    assert_eq!(without_life(restored.report(at(LAST_DAY + 1))), without_life(driver.report(at(LAST_DAY + 1))));
    let (mut written, mut stored) = (without_cores(driver.changelog), without_cores(stored("v1")));
    written.retain(|key, _| !is_cut_by_hash_now(key) && !has_more_dates_now(key));
    stored.retain(|key, _| !is_cut_by_hash_now(key) && !has_more_dates_now(key));
    assert!(written.keys().eq(stored.keys()));
    for (key, value) in &stored {
        assert!(written[key] == *value, "{key:?} differs");
    }
}

#[test]
fn every_version_2_record_carries_its_version() {
    let driver = fed(StateVersion::V2);
    assert!(driver.changelog.keys().any(|key| key[0] == 3), "sections in ranges");
    for (key, value) in &driver.changelog {
        // The byte of usage is ahead by one.
        let is_usage = matches!(key.as_slice(), [1 | 3, 1, ..]);
        assert_eq!(value[0], 2 + u8::from(is_usage), "{key:?}");
    }
}

/// One more record for each section that is in several parts.
fn touch_every_section(driver: &mut Driver) {
    let now = at(LAST_DAY + 1);
    for (stream, record) in [
        (Stream::Usage, json!({"type": "feature_used", "account_id": "busy", "user_id": "user-1", "feature": "feature 1"})),
        (
            Stream::Billing,
            json!({"type": "subscription_changed", "account_id": "large", "subscription_id": "s1", "status": "active",
                "items": [{"amount_minor": 7, "currency": "USD", "interval": "month", "interval_count": 1, "quantity": 1}],
                "current_period_start": at(90).0, "current_period_end": at(120).0}),
        ),
        (Stream::Support, json!({"type": "ticket_resolved", "account_id": "large", "ticket_id": "t1"})),
        (Stream::Feedback, json!({"type": "nps_answered", "account_id": "large", "score": 1})),
    ] {
        let mut record = record;
        record["id"] = json!("one more");
        record["occurred_at"] = json!(now.0);
        assert_eq!(driver.feed(stream, &record, now), Outcome::Applied, "{record}");
    }
    driver.round(now.plus(HOUR_MS), &super::PUBLISH);
}

#[test]
fn a_changed_section_moves_to_the_write_version_and_leaves_nothing_behind() {
    for (from, to) in [(StateVersion::V1, StateVersion::V2), (StateVersion::V2, StateVersion::V1)] {
        let mut driver = fed(from);
        let mut moved = driver_of(to);
        driver.changelog.iter().for_each(|(key, value)| moved.task.restore(key, Some(value)));
        moved.task.finish_restore(Some(&driver.task.stamp())).unwrap();
        moved.changelog = driver.changelog.clone();
        touch_every_section(&mut driver);
        touch_every_section(&mut moved);
        for (section, account) in [(1, "busy"), (2, "large"), (3, "large"), (4, "large")] {
            let of_version = |version, key: &[u8]| {
                let is_part = key[1] == section && key.ends_with(account.as_bytes());
                is_part && if version == StateVersion::V2 { key[0] == 3 } else { key[0] == 1 && key[2..4] != [0, 0] }
            };
            assert!(moved.changelog.keys().any(|key| of_version(to, key)), "section {section}");
            assert!(!moved.changelog.keys().any(|key| of_version(from, key)), "section {section}");
        }
        let lines = without_life(moved.report(at(LAST_DAY + 2)));
        assert_eq!(lines, without_life(driver.report(at(LAST_DAY + 2))));
        assert_eq!(without_life(moved.restart_under(model(MODEL)).report(at(LAST_DAY + 2))), lines);
    }
}

#[test]
fn a_fact_that_version_1_cannot_hold_is_written_in_version_2_even_under_write_version_1() {
    let mut driver = driver_of(StateVersion::V1);
    let ticket = |kind: &str, id: &str, fields: Value| {
        let mut record = json!({"type": kind, "id": format!("{kind} {id}"), "account_id": id, "ticket_id": "1", "occurred_at": at(1).0});
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        record
    };
    driver.feed(Stream::Support, &ticket("ticket_opened", "old", json!({})), at(1));
    driver.feed(Stream::Support, &ticket("ticket_opened", "new", json!({"channel": "chat"})), at(1));
    driver.round(at(2), &super::PUBLISH);
    let versions = [b"\x01\x03\x00\x00old", b"\x01\x03\x00\x00new"].map(|key| driver.changelog[&key.to_vec()][0]);
    assert_eq!(versions, [1, 2]);
    assert_eq!(driver.restart_under(model(MODEL)).report(at(3)), driver.report(at(3)));
}
