//! Changelogs that earlier programs wrote stay readable, and can be written for them during a rolling upgrade.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use churnwatch::settings::{Settings, StateVersion};
use churnwatch::time::HOUR_MS;

use super::rig::Driver;
use super::story::{LAST_DAY, MODEL, tell};
use super::{at, model};

type Changelog = BTreeMap<Vec<u8>, Vec<u8>>;

/// What the engine's part of the stamp is stored under: no record has this key.
const STAMP: &[u8] = b"stamp of the engine";

/// A changelog as it is stored: for each record the length of its key, the key, the length of its value, the value; gzip over all.
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
fn write_the_fixture() {
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

/// A task that writes state in a version.
fn driver_of(version: StateVersion) -> Driver {
    Driver::with(Settings { model: model(MODEL), state_write_version: version, ..Settings::default() })
}

/// The story, with the changelog that it leaves in a version.
fn fed(version: StateVersion) -> Driver {
    let mut driver = driver_of(version);
    tell(&mut driver);
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
    changelog.keys().for_each(|key| *counts.entry(key[..2].to_vec()).or_insert(0) += 1);
    counts
}

#[test]
fn the_fixture_of_version_1_holds_every_section_in_several_parts_and_every_list() {
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
fn state_of_version_1_comes_back_to_the_same_account_lines() {
    let mut driver = fed(StateVersion::NEWEST);
    let mut restored = restored(stored("v1"));
    for hours in [23, 48, 24 * 40] {
        let now = at(LAST_DAY).plus(hours * HOUR_MS);
        assert_eq!(restored.round(now, &super::PUBLISH).len(), driver.round(now, &super::PUBLISH).len());
        assert_eq!(restored.report(now), driver.report(now));
    }
    assert_eq!(restored.task.counts(), driver.task.counts());
}

/// All but the cores, which hold what a model published.
fn without_cores(mut changelog: Changelog) -> Changelog {
    changelog.retain(|key, _| !key.starts_with(&[1, 0]));
    changelog
}

#[test]
fn under_write_version_1_the_records_are_those_that_the_first_version_wrote() {
    let mut driver = fed(StateVersion::V1);
    driver.changelog.insert(STAMP.to_vec(), driver.task.stamp());
    let (written, stored) = (without_cores(driver.changelog), without_cores(stored("v1")));
    assert!(written.keys().eq(stored.keys()));
    for (key, value) in &stored {
        assert!(written[key] == *value, "{key:?} differs");
    }
}

#[test]
fn what_is_written_in_version_2_is_refused_as_newer_by_its_first_byte() {
    let (first, second) = (without_cores(fed(StateVersion::V1).changelog), without_cores(fed(StateVersion::V2).changelog));
    assert!(first.keys().eq(second.keys()));
    for (key, value) in &first {
        assert_eq!(second[key][0], value[0] + 1, "{key:?}");
    }
}
