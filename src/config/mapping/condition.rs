//! Places and conditions.

use super::report::{At, Report};
use crate::config::tree::Value;
use crate::event::mapping::{Condition, Pattern, Place, Test};

/// A place, at most this many levels inside lists.
pub(super) fn place(at: &At<'_>, depth: usize, report: &mut Report) -> Option<Place> {
    let text = report.text(at)?;
    place_of(text, at, depth, report)
}

fn place_of(text: &str, at: &At<'_>, depth: usize, report: &mut Report) -> Option<Place> {
    match Place::parse(text) {
        Ok(place) if place.outwards() > depth => {
            let levels = match depth {
                0 => "it is not inside a list".to_owned(),
                depth => format!("there is nothing further out than {}", "^".repeat(depth)),
            };
            report.problem(at, format!("`{text}`: {levels}; each ^ leads out of one `each`"));
            None
        }
        Ok(place) => Some(place),
        Err(message) => {
            report.problem(at, format!("`{text}` {message}"));
            None
        }
    }
}

/// The conditions under `when` of a table, if there are any.
pub(super) fn conditions(table: &At<'_>, depth: usize, report: &mut Report) -> Vec<Condition> {
    let Some(when) = table.entry("when") else { return Vec::new() };
    if !report.table(&when) {
        return Vec::new();
    }
    let mut conditions = Vec::new();
    for (written, at) in when.entries() {
        let Some(place) = place_of(written, &at, depth, report) else { continue };
        let tests = tests(&at, depth, report).into_iter();
        conditions.extend(tests.map(|test| Condition { place: place.clone(), test }));
    }
    conditions
}

/// The keys of a condition that is a table; all that are given must hold.
const TESTS: [&str; 5] = ["is", "not", "given", "same_as", "differs_from"];

fn tests(at: &At<'_>, depth: usize, report: &mut Report) -> Vec<Test> {
    if !at.is_table() {
        return patterns(at, report).map(Test::AnyOf).into_iter().collect();
    }
    report.keys(at, &TESTS);
    let given: Vec<_> = TESTS.into_iter().filter_map(|key| Some((key, at.entry(key)?))).collect();
    if given.is_empty() {
        report.problem(at, format!("must be a value, a list of values, or a table with some of {}", TESTS.join(", ")));
    }
    given.into_iter().filter_map(|(key, value)| test(key, &value, depth, report)).collect()
}

fn test(key: &str, value: &At<'_>, depth: usize, report: &mut Report) -> Option<Test> {
    match key {
        "is" => patterns(value, report).map(Test::AnyOf),
        "not" => patterns(value, report).map(Test::NoneOf),
        "given" => report.flag(value).map(Test::Given),
        _ => place(value, depth, report).map(|other| Test::Same(other, key == "same_as")),
    }
}

fn patterns(at: &At<'_>, report: &mut Report) -> Option<Vec<Pattern>> {
    let mut patterns = Vec::new();
    for element in at.elements() {
        match &element.node.value {
            Value::Text(text) => patterns.push(Pattern::new(text)),
            Value::Integer(number) => patterns.push(Pattern::new(&number.to_string())),
            Value::Boolean(flag) => patterns.push(Pattern::new(&flag.to_string())),
            _ => {
                report.problem(&element, "must be text, a whole number, true or false");
                return None;
            }
        }
    }
    if patterns.is_empty() {
        report.problem(at, "must not be an empty list: nothing would match");
        return None;
    }
    Some(patterns)
}
