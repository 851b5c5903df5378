//! Mapping files as users get them wrong, and mappings in a configuration.

use std::path::Path;

use super::{SHIPPED, of_text};
use crate::config::Config;
use crate::event::Stream;

const USE: &str = "[[event]]\ntype = \"feature_used\"\nfeature = \"/f\"\n";

fn problems(text: &str) -> Vec<String> {
    match of_text(text, "m", Path::new("m.toml")) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0.iter().map(ToString::to_string).collect(),
    }
}

#[track_caller]
fn assert_problem(text: &str, problem: &str) {
    assert_eq!(problems(text), [problem]);
}

#[test]
fn every_shipped_mapping_compiles() {
    for (name, text) in SHIPPED {
        assert!(of_text(text, name, Path::new(name)).is_ok(), "{name}: {:?}", problems(text));
    }
    assert!(SHIPPED.is_sorted());
}

#[test]
fn the_problem_of_an_unknown_field_or_type_suggests_the_nearest() {
    assert_problem(
        &format!("{USE}usr_id = \"/u\"\n"),
        "m.toml:4: event[0].usr_id: is not a field of feature_used; did you mean `user_id`?",
    );
    assert_problem(
        "[[event]]\ntype = \"feature_use\"\n",
        "m.toml:2: event[0].type: `feature_use` is not a native event type; did you mean `feature_used`?",
    );
    assert_problem(&format!("{USE}\n[common]\nstatus = \"/s\"\n"), "m.toml:6: common.status: is not a field of any event here");
    assert_problem(
        &format!("{USE}[[events]]\n"),
        "m.toml:4: events: unknown key: must be one of envelope, each, common, tables, event; did you mean `event`?",
    );
}

#[test]
fn required_fields_must_be_mapped() {
    assert_problem(
        "[[event]]\ntype = \"subscription_changed\"\nsubscription_id = \"/id\"\nitems = { each = \"/items\", amount = \"/a\", currency = \"/c\" }\n",
        "m.toml:1: event[0]: subscription_changed needs status, current_period_start, current_period_end",
    );
    assert_problem("[[event]]\ntype = \"invoice_paid\"\n", "m.toml:1: event[0]: invoice_paid needs invoice_id, currency, amount");
    assert_eq!(problems("[common]\nticket_id = \"/t\"\n[[event]]\ntype = \"ticket_opened\"\n"), Vec::<String>::new());
    assert_problem("", "m.toml: has no [[event]]: add one for each native event that a payload becomes");
}

#[test]
fn places_are_checked() {
    let wrong = "is not a place: write a pointer such as `/data/id`, `^/id` for one level out of a list, `@key`, `@key/id` or `@header/name`; \
                 for constant text write { value = \"...\" }";
    for place in ["u", "", "@keys", "@header/", "^@key", "data.id"] {
        assert_problem(&format!("{USE}user_id = \"{place}\"\n"), &format!("m.toml:4: event[0].user_id: `{place}` {wrong}"));
    }
    assert_problem(
        &format!("{USE}user_id = \"^/u\"\n"),
        "m.toml:4: event[0].user_id: `^/u`: it is not inside a list; each ^ leads out of one `each`",
    );
    assert_problem(
        &format!("{USE}each = \"/list\"\nuser_id = \"^^/u\"\n"),
        "m.toml:5: event[0].user_id: `^^/u`: there is nothing further out than ^; each ^ leads out of one `each`",
    );
}

#[test]
fn tables_units_zones_and_formats_are_checked() {
    assert_problem(
        &format!(
            "{USE}user_id = {{ from = \"/u\", table = \"statuss\" }}\n[tables.status]\na = \"b\"\n{USE}user_id = {{ from = \"/u\", table = \"status\" }}\n"
        ),
        "m.toml:4: event[0].user_id.table: there is no [tables.statuss]; did you mean `status`?",
    );
    assert_problem(
        &format!("{USE}[tables.x]\na = \"b\"\n"),
        "m.toml:4: tables.x: is not used by any field: remove it, or name it with table",
    );
    assert_problem(
        &format!("{USE}occurred_at = {{ from = \"/t\", unit = \"second\" }}\n"),
        "m.toml:4: event[0].occurred_at.unit: `second` is not allowed: must be one of seconds, milliseconds, microseconds, nanoseconds, \
         days; did you mean `seconds`?",
    );
    assert_problem(&format!("{USE}count = {{ from = \"/n\", unit = \"cents\" }}\n"), "m.toml:4: event[0].count.unit: count has no unit");
    assert_problem(
        "[[event]]\ntype = \"invoice_paid\"\ninvoice_id = \"/i\"\ncurrency = \"/c\"\namount_minor = { from = \"/a\", unit = \"cents\" }\n",
        "m.toml:5: event[0].amount_minor.unit: amount_minor is in the smallest units of its currency; map amount for another unit",
    );
    assert_problem(
        &format!("{USE}occurred_at = {{ from = \"/t\", zone = \"Berlin\" }}\n"),
        "m.toml:4: event[0].occurred_at.zone: \"Berlin\" is not a time zone of the IANA database",
    );
    assert_problem(
        &format!("{USE}user_id = {{ from = \"/t\", zone = \"UTC\" }}\n"),
        "m.toml:4: event[0].user_id.zone: is only for instants: user_id is none",
    );
    let format = problems(&format!("{USE}occurred_at = {{ from = \"/t\", format = \"%\" }}\n"));
    assert!(format.len() == 1 && format[0].contains("occurred_at.format: is not a format of times: "), "{format:?}");
    assert_problem(
        &format!("{USE}user_id = {{ from = \"/t\", system = \"crm\" }}\n"),
        "m.toml:4: event[0].user_id.system: is only for account_id: user_id is not an account",
    );
}

#[test]
fn sources_and_conditions_are_checked() {
    assert_problem(
        &format!("{USE}user_id = {{ from = \"/t\", value = 1 }}\n"),
        "m.toml:4: event[0].user_id: needs exactly one of from (a place), value (a constant) and join (several places)",
    );
    assert_problem(
        &format!("{USE}user_id = {{ form = \"/t\", value = 1 }}\n"),
        "m.toml:4: event[0].user_id.form: unknown key: must be one of from, value, join, each, when, table, unit, zone, format, default, \
         required, system; did you mean `from`?",
    );
    assert_problem(&format!("{USE}count = inf\n"), "m.toml:4: event[0].count: must be a finite number");
    assert_problem(
        &format!("{USE}when = {{ \"/a\" = [] }}\n"),
        "m.toml:4: event[0].when.\"/a\": must not be an empty list: nothing would match",
    );
    assert_problem(
        &format!("{USE}when = {{ \"/a\" = {{ nor = 1 }} }}\n").replace("{ nor = 1 }", "1.5"),
        "m.toml:4: event[0].when.\"/a\": must be text, a whole number, true or false",
    );
    assert_problem(&format!("{USE}when = 1\n"), "m.toml:4: event[0].when: must be a table");
}

#[test]
fn envelopes_and_refusals_are_checked() {
    assert_problem(&format!("envelope = [[]]\n{USE}"), "m.toml:1: envelope[0]: must not be an empty list: no payload would have it");
    assert_problem(
        &format!("envelope = {{ places = \"/a\" }}\n{USE}"),
        "m.toml:1: envelope: needs when, the conditions, and places, what a payload must have where they hold",
    );
    assert_problem(
        &format!("{USE}refuse = {{ when = {{ \"/a\" = 1 }} }}\n"),
        "m.toml:4: event[0].refuse: needs a reason, for whoever finds the dead letter",
    );
    assert_problem(
        &format!("{USE}refuse = {{ reason = \"no\" }}\n"),
        "m.toml:4: event[0].refuse: needs when: without conditions, every event would be such a case",
    );
    assert_problem(
        &format!("{USE}list_price = {{ when = {{ \"/a\" = 1 }} }}\n"),
        "m.toml:4: event[0].list_price: is only for events with discounts: feature_used has none",
    );
    let subscription = "[[event]]\ntype = \"subscription_changed\"\nsubscription_id = \"/id\"\nstatus = \"/s\"\ncurrent_period_start = \"/a\"\n\
                        current_period_end = \"/b\"\nitems = { amount = \"/p\", currency = \"/c\" }\n";
    assert_problem(
        &format!("{subscription}discounts = {{ each = \"/d\", currency = \"/c\" }}\n"),
        "m.toml:8: event[0].discounts: a discount needs one of percent_off, amount_off, amount_off_minor",
    );
}

#[test]
fn a_topic_has_a_shipped_mapping_or_one_of_its_own_beside_the_configuration() {
    let own = format!("{USE}occurred_at = \"/at\"\n");
    let config = "[streams.usage]\ntopics = [\"a\"]\nmapping = \"own.toml\"\n[[streams.usage.topic]]\nname = \"b\"\nmapping = \"mixpanel\"\n\
                  [[streams.usage.topic]]\nname = \"c\"\nformat = \"segment\"\n[[streams.usage.topic]]\nname = \"d\"\n";
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("c.toml", config), ("own.toml", &own)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let config = Config::load_offline(Some(&folder.path().join("c.toml")), &[], []).unwrap_or_else(|problems| panic!("{problems}"));
    let topics = config.streams.topics(Stream::Usage);
    let formats: Vec<_> = topics.iter().map(|topic| (topic.name.as_str(), topic.format.name().to_owned())).collect();
    let expected = [("a", "own"), ("b", "mixpanel"), ("c", "segment"), ("d", "own")];
    assert_eq!(formats, expected.map(|(topic, format)| (topic, format.to_owned())));
}

#[test]
fn a_mapping_that_does_not_suit_is_a_problem_where_it_is_named() {
    let problem = |text: &str| {
        let problems = Config::of_text(text, Path::new("/nowhere/c.toml")).map(|_| ()).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{problems}");
        problems.0[0].to_string()
    };
    let unknown = problem("[streams.billing]\nmapping = \"chargebe\"\n");
    assert!(unknown.starts_with("/nowhere/c.toml:2: streams.billing.mapping: `chargebe` is no mapping: "), "{unknown}");
    assert!(unknown.ends_with("did you mean `chargebee`?"), "{unknown}");
    assert_eq!(
        problem("[streams.usage]\nmapping = \"freshdesk\"\n"),
        "/nowhere/c.toml:2: streams.usage.mapping: makes no event of the usage stream, only ticket_rated, ticket_snapshot"
    );
    let unreadable = problem("[streams.usage]\nmapping = \"mappings/own.toml\"\n");
    assert!(unreadable.starts_with("/nowhere/c.toml:2: streams.usage.mapping: cannot read /nowhere/mappings/own.toml: "), "{unreadable}");
    assert_eq!(
        problem("[streams.usage]\nformat = \"segment\"\nmapping = \"mixpanel\"\n"),
        "/nowhere/c.toml:3: streams.usage.mapping: streams.usage.format is segment already: a topic has either a format or a mapping"
    );
}

#[test]
fn a_mapping_may_be_one_of_several_formats_of_a_topic() {
    let text = |choice: &str| format!("[streams.usage]\nmapping = \"amplitude\"\nformats = [{{ when = {{ header = \"v\" }}{choice} }}]\n");
    let format = |choice: &str| {
        let config = Config::of_text(&text(choice), Path::new("c.toml")).unwrap_or_else(|problems| panic!("{problems}"));
        format!("{:?}", config.streams.topics(Stream::Usage)[0].format)
    };
    for (choice, chosen) in [(", mapping = \"mixpanel\"", "name: \"mixpanel\""), (", format = \"native\"", "Native")] {
        let format = format(choice);
        assert!(format.contains(chosen) && format.contains("name: \"amplitude\""), "{choice}");
    }
    let none = Config::of_text(&text(""), Path::new("c.toml")).map(|_| ()).unwrap_err();
    assert_eq!(none.0[0].to_string(), "c.toml:3: streams.usage.formats[0]: needs a format or a mapping");
}

#[test]
fn the_mappings_that_advice_names_are_shipped() {
    assert_eq!(SHIPPED.map(|(name, _)| name), crate::event::Shape::MAPPED);
    for provider in ["Chargebee", "Intercom"] {
        let advice = crate::event::Shape::Provider(provider).advice(crate::event::Place::Topic);
        let named = advice.split('"').nth(1).unwrap_or_else(|| panic!("{advice}"));
        assert!(SHIPPED.iter().any(|(name, _)| *name == named), "{advice}");
    }
}
