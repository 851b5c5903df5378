//! Topics and records that the service refuses to read.

use std::time::Duration;

use crate::kafka::client;
use crate::kafka::input::{now, simulated};
use crate::kafka::scenario::Scenario;
use churnwatch::event::{PerStream, Stream};

#[test]
fn topics_with_different_partitioners_are_rejected_by_name() {
    let scenario = Scenario::new("mixed", 4, &simulated(10, 60, 3));
    let usage = scenario.topics.of(Stream::Usage);
    client::delete_topic(scenario.broker, &usage);
    crate::kafka::eventually("the deletion", crate::kafka::scenario::LIMIT, || {
        client::try_create_topic(scenario.broker, &usage, 4).then_some(())
    });
    let records = simulated(10, 60, 3);
    let of_usage = records.iter().filter(|record| record.stream == Stream::Usage);
    client::produce_by(
        "consistent_random",
        scenario.broker,
        of_usage.map(|r| (usage.as_str(), Some(r.account.as_str()), r.json.as_bytes(), r.at.millis())),
    );
    let log = scenario.fails_with("partitioners_differ");
    assert!(log.contains(&format!("{usage}: crc32")), "{log}");
}

#[test]
fn a_topic_not_keyed_by_account_is_rejected() {
    let scenario = Scenario::new("unkeyed", 4, &[]);
    let usage = scenario.topics.of(Stream::Usage);
    let records = simulated(11, 60, 3);
    let keys: Vec<_> = (0..records.len()).map(|i| format!("{i}")).collect();
    // The right partition, but for another key.
    let scattered = records.iter().zip(&keys).map(|(r, key)| (usage.as_str(), Some(key.as_str()), r.json.as_bytes(), now()));
    client::produce_scattered(scenario.broker, 4, scattered);
    scenario.fails_with("partitioner_unknown");
}

#[test]
fn topics_that_share_a_partitioner_other_than_javas_are_read() {
    let scenario = Scenario::new("crc32", 4, &[]);
    let records = simulated(20, 60, 3);
    let names = PerStream::from_fn(|stream| scenario.topics.of(stream));
    let placed = records.iter().map(|r| (names.of(r.stream).as_str(), Some(r.account.as_str()), r.json.as_bytes(), r.at.millis()));
    client::produce_by("consistent_random", scenario.broker, placed);
    scenario.run_to_end();
    let letters = client::read_committed(scenario.broker, &scenario.application.dead_letters);
    assert!(letters.iter().all(|letter| letter.header("churnwatch_code") != "wrong_partition"));
    assert!(text(&scenario.application.command(&["topics"]).stdout).contains("partitioner  crc32"));
}

#[test]
fn an_account_in_the_wrong_partition_is_a_dead_letter() {
    let scenario = Scenario::new("stray", 4, &simulated(12, 60, 3));
    let usage = scenario.topics.of(Stream::Usage);
    // Keyed by one account, about another.
    let about_another =
        format!(r#"{{"type":"feature_used","account_id":"someone-else","user_id":"u","feature":"f","occurred_at":{}}}"#, now());
    let keys = ["sim-1", "sim-2", "sim-3", "sim-4", "sim-5", "sim-6", "sim-7", "sim-8"];
    client::produce(scenario.broker, keys.map(|key| (usage.as_str(), Some(key), about_another.as_bytes(), now())));
    scenario.run_to_end();
    let letters = client::read_committed(scenario.broker, &scenario.application.dead_letters);
    let strays = letters.iter().filter(|letter| letter.header("churnwatch_code") == "wrong_partition").count();
    let at_home = client::murmur2(b"someone-else", 4);
    let expected = keys.iter().filter(|key| client::murmur2(key.as_bytes(), 4) != at_home).count();
    assert!(expected > 0);
    assert_eq!(strays, expected);
}

#[test]
fn a_bad_run_exits_before_the_commit_unless_configured_to_continue() {
    let mut scenario = Scenario::new("rubbish", 1, &[]);
    let usage = scenario.topics.of(Stream::Usage);
    client::produce(scenario.broker, (0..500).map(|_| (usage.as_str(), Some("a"), b"rubbish".as_slice(), now())));
    let log = scenario.fails_with("bad_run");
    assert!(log.contains("invalid_json") && log.contains(&usage) && log.contains("offset 199"), "{log}");
    assert_eq!(client::read_committed(scenario.broker, &scenario.application.dead_letters), []);

    scenario.application.set("output.on_bad_run", "dead_letter");
    scenario.run_to_end();
    assert_eq!(client::read_committed(scenario.broker, &scenario.application.dead_letters).len(), 500);
}

/// What Stripe sends for a subscription, shortened.
const STRIPE: &[u8] =
    br#"{"id":"evt_1","object":"event","type":"customer.subscription.updated","data":{"object":{"object":"subscription"}}}"#;

#[test]
fn a_topic_of_another_provider_is_a_bad_run_that_names_the_provider() {
    let scenario = Scenario::new("stripe", 1, &[]);
    let billing = scenario.topics.of(Stream::Billing);
    client::produce(scenario.broker, (0..300).map(|_| (billing.as_str(), Some("cus_1"), STRIPE, now())));
    let log = scenario.fails_with("bad_run");
    let last = log.lines().last().unwrap();
    assert!(last.contains(&billing) && last.contains("offset 199") && last.contains("unknown_type"), "{log}");
    assert!(last.contains("looks like Stripe"), "{log}");
    assert_eq!(scenario.committed().iter().flatten().filter(|next| **next > 0).count(), 0, "nothing was committed");
}

#[test]
fn unknown_types_beside_events_are_warned_of_once_and_skipped() {
    let scenario = Scenario::new("beside", 1, &[]);
    let (billing, usage) = (scenario.topics.of(Stream::Billing), scenario.topics.of(Stream::Usage));
    let paid = format!(
        r#"{{"type":"invoice_paid","account_id":"cus_1","invoice_id":"i","amount":"49.00","currency":"USD","occurred_at":{}}}"#,
        now()
    );
    client::produce(scenario.broker, [(billing.as_str(), Some("cus_1"), paid.as_bytes(), now())]);
    client::produce(scenario.broker, (0..300).map(|_| (billing.as_str(), Some("cus_1"), STRIPE, now())));
    client::produce(scenario.broker, (0..5).map(|_| (usage.as_str(), Some("a"), b"a,b,c".as_slice(), now())));
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    let log = service.terminate();
    let about = |words: [&str; 2]| log.lines().filter(|line| words.iter().all(|word| line.contains(word))).collect::<Vec<_>>();
    let [unknown] = about(["first record of an unknown type", &billing])[..] else { panic!("{log}") };
    assert!(unknown.contains("looks like Stripe") && unknown.contains("partition=0") && unknown.contains("offset="), "{unknown}");
    let [letter] = about(["first dead letter", "looks like CSV"])[..] else { panic!("{log}") };
    assert!(letter.contains("invalid_json") && letter.contains(&usage) && letter.contains("offset="), "{letter}");
    assert_eq!(about(["more records of unknown types", &billing]).iter().filter(|line| line.contains("records=299")).count(), 1, "{log}");
}

#[test]
fn avro_is_named_and_json_behind_a_schema_id_is_read() {
    let scenario = Scenario::new("framed", 1, &[]);
    let usage = scenario.topics.of(Stream::Usage);
    let event = format!(r#"{{"type":"feature_used","account_id":"a","user_id":"u","feature":"f","occurred_at":{}}}"#, now());
    let json_schema = [b"\0\0\0\0\x07", event.as_bytes()].concat();
    client::produce(scenario.broker, [(usage.as_str(), Some("a"), json_schema.as_slice(), now())]);
    scenario.run_to_end();
    assert_eq!(client::read_committed(scenario.broker, &scenario.application.dead_letters), []);

    let avro = Scenario::new("avro", 1, &[]);
    let usage = avro.topics.of(Stream::Usage);
    client::produce(avro.broker, (0..3).map(|_| (usage.as_str(), Some("a"), b"\0\0\0\0\x07\x08acme".as_slice(), now())));
    let log = avro.fails_with("needs_schema_registry");
    assert!(log.lines().last().unwrap().contains(&format!("{usage} [0] at offset 0")), "{log}");
    let check = avro.application.command(&["check"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(text(&check.stderr).contains("needs_schema_registry"), "{}", text(&check.stderr));
}

#[test]
fn a_record_too_large_to_produce_is_a_dead_letter_without_its_value() {
    let scenario = Scenario::new("large", 1, &simulated(13, 2, 2));
    let usage = scenario.topics.of(Stream::Usage);
    let large = vec![b'x'; 1_000_000 - 500];
    client::produce(scenario.broker, [(usage.as_str(), Some("a"), large.as_slice(), now())]);
    scenario.run_to_end();
    let letters = client::read_committed(scenario.broker, &scenario.application.dead_letters);
    let letter = letters.iter().find(|letter| letter.headers.contains_key("churnwatch_truncated")).expect("a truncated letter");
    assert_eq!((letter.header("churnwatch_truncated"), letter.key.as_deref(), &letter.value), ("999500", Some(b"a".as_slice()), &None));
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn check_and_topics_report_what_exists_and_create_adds_what_is_missing() {
    let mut scenario = Scenario::new("checked", 2, &simulated(15, 20, 3));
    scenario.application.set("kafka.create_topics", "false");
    let check = scenario.application.command(&["check"]);
    assert_eq!(check.status.code(), Some(1));
    assert!(text(&check.stderr).contains(&format!("topic_missing: topic {}", scenario.application.changelog)), "{}", text(&check.stderr));
    assert!(text(&check.stderr).contains("3 problems in the topics"), "{}", text(&check.stderr));
    let show = scenario.application.command(&["topics"]);
    assert!(
        text(&show.stderr).contains("error: topic_missing") && !text(&show.stdout).contains("error"),
        "problems go to standard error only"
    );

    let create = scenario.application.command(&["topics", "create"]);
    assert!(text(&create.stdout).contains(&format!("{} created", scenario.application.changelog)), "{}", text(&create.stderr));
    let check = scenario.application.command(&["check"]);
    assert!(check.status.success(), "{}", text(&check.stderr));
    let show = text(&scenario.application.command(&["topics"]).stdout);
    assert!(show.contains("partitioner  murmur2\n") && show.contains("2 partitions") && !show.contains("missing"), "{show}");
    let rights = text(&scenario.application.command(&["topics", "--acls"]).stdout);
    assert!(rights.lines().any(|line| line.starts_with("group") && line.contains(&scenario.application.id)), "{rights}");
}

#[test]
fn check_shows_what_would_become_of_the_records_and_never_contradicts_itself() {
    let scenario = Scenario::new("tried", 2, &simulated(18, 20, 5));
    let check = scenario.application.command(&["check"]);
    let said = text(&check.stderr);
    assert!(check.status.success(), "{said}");
    for stream in Stream::ALL {
        assert!(said.contains(&format!("records      {}: of the newest ", scenario.topics.of(stream))), "{said}");
    }
    assert!(said.contains("would be applied") && said.contains("the key is the account in ") && said.contains("example ["), "{said}");
    assert!(said.contains("will be created at start") && !said.contains("missing\n") && said.ends_with("topics: OK\n"), "{said}");
}

#[test]
fn check_names_topics_keyed_by_event_and_those_of_others_all_at_once() {
    let mut scenario = Scenario::new("foreign", 4, &[]);
    let (usage, billing) = (scenario.topics.of(Stream::Usage), scenario.topics.of(Stream::Billing));
    let (keys, events): (Vec<_>, Vec<_>) = simulated(19, 20, 5)
        .into_iter()
        .filter(|record| record.stream == Stream::Usage)
        .enumerate()
        .map(|(number, record)| (format!("event-{number}"), record.json))
        .unzip();
    let by_event = keys.iter().zip(&events).map(|(key, event)| (usage.as_str(), Some(key.as_str()), event.as_bytes(), now()));
    client::produce(scenario.broker, by_event);
    client::produce(scenario.broker, (0..40).map(|_| (billing.as_str(), Some("cus_1"), STRIPE, now())));
    scenario.application.set("streams.support.topics", "[\"no-such-topic\"]");
    let check = scenario.application.command(&["check"]);
    let said = text(&check.stderr);
    assert_eq!(check.status.code(), Some(1), "{said}");
    for expected in [
        "error: topic_missing: topic no-such-topic".to_owned(),
        format!("error: not_keyed_by_account: {usage}: "),
        format!("error: bad_run: {billing}: 40 of 40 sampled records"),
    ] {
        assert!(said.contains(&expected), "{expected} in {said}");
    }
    assert!(said.contains("looks like Stripe") && said.contains("an event of this stream: {"), "{said}");
    assert!(said.ends_with("problems in the topics\n"), "{said}");
}

#[test]
fn reset_moves_the_group_back_to_its_state() {
    let scenario = Scenario::new("reset", 2, &simulated(16, 10, 3));
    scenario.run_to_end();
    let before = scenario.committed();
    let usage = scenario.topics.of(Stream::Usage);
    scenario.group().commit(&usage, 0, 1);
    let shown = scenario.application.command(&["topics", "reset"]);
    assert!(text(&shown.stdout).contains(&format!("{usage} [0]: from 1 to ")), "{}", text(&shown.stderr));
    assert_ne!(scenario.committed(), before);
    assert!(scenario.application.command(&["topics", "reset", "--yes"]).status.success());
    assert_eq!(scenario.committed(), before);
    scenario.run_to_end();
}

#[test]
fn reset_waits_for_the_transactions_that_are_open_when_it_starts() {
    let scenario = Scenario::new("settling", 1, &simulated(16, 10, 3));
    scenario.run_to_end();
    let changelog = &scenario.application.changelog;
    // Its instance is gone, and the broker ends it after a few seconds.
    let open = client::open_transaction(scenario.broker, changelog, Duration::from_secs(5));
    assert!(client::stable_ends(scenario.broker, changelog) < client::ends(scenario.broker, changelog));
    let shown = scenario.application.command(&["topics", "reset"]);
    assert!(shown.status.success() && shown.stdout.is_empty(), "{}", text(&shown.stderr));
    assert_eq!(client::stable_ends(scenario.broker, changelog), client::ends(scenario.broker, changelog));
    drop(open);
}
