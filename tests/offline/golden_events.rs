//! The decoded form of each example event, compared with the `.golden` file next to it.
//!
//! `UPDATE_GOLDEN=1 cargo test --test offline golden_events` rewrites the files; review the diff before committing.

use std::collections::BTreeSet;
use std::{env, fs};

use churnwatch::event::{Decoded, decode};

#[test]
fn each_example_event_is_decoded_to_its_golden_record() {
    let rates = crate::event_fixtures::rates();
    let context = crate::event_fixtures::context(&rates);
    for fixture in crate::event_fixtures::all() {
        let decoded = decode(&crate::event_fixtures::line(fixture.stream, fixture.json.as_bytes()), &context);
        let text = format!("{decoded:#?}\n");
        let golden = fixture.path.with_extension("golden");
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &text).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_else(|error| panic!("{}: {error}", golden.display()));
        assert_eq!(text, expected, "{}", golden.display());
    }
}

#[test]
fn there_is_an_example_of_every_event_type() {
    let rates = crate::event_fixtures::rates();
    let context = crate::event_fixtures::context(&rates);
    let fixtures = crate::event_fixtures::all();
    let types: BTreeSet<&str> = fixtures
        .iter()
        .map(|fixture| match decode(&crate::event_fixtures::line(fixture.stream, fixture.json.as_bytes()), &context) {
            Ok(Decoded::Record(record)) => record.type_name,
            other => panic!("{} gives {other:?}", fixture.path.display()),
        })
        .collect();
    assert_eq!(types.len(), 29, "{types:?}");
}
