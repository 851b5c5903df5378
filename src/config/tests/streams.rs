//! Input topics: which are read, and what their options may be.

use std::path::Path;

use super::{assert_problem, config_of, problems_of};
use crate::config::Config;
use crate::event::{Choice, Condition, Format, SegmentOptions, Stream, Test};

#[test]
fn a_topic_may_be_used_only_once_across_inputs_and_outputs() {
    assert_problem(
        "[streams.usage]\ntopics = [\n\"a\",\n\"a\"]\n",
        "c.toml:4: streams.usage.topics[1]: topic `a` is used by both streams.usage.topics[0] and streams.usage.topics[1]",
    );
    assert_problem(
        "[streams.usage]\ntopics = [\"a\"]\n[[streams.support.topic]]\nname = \"a\"\n",
        "c.toml:4: streams.support.topic[0].name: topic `a` is used by both streams.usage.topics[0] and streams.support.topic[0].name",
    );
    assert_problem(
        "[streams.accounts]\ntopics = [\"account-health\"]\n",
        "c.toml:2: streams.accounts.topics[0]: topic `account-health` is used by both output.changes_topic and streams.accounts.topics[0]",
    );
    assert_problem(
        "[application]\nid = \"x\"\n[streams.usage]\ntopics = [\"churnwatch-x-changelog\"]\n",
        "c.toml:4: streams.usage.topics[0]: topic `churnwatch-x-changelog` is used by both application.id and streams.usage.topics[0]",
    );
    assert_problem(
        "[output]\ndead_letters_topic = \"account-health\"\n",
        "c.toml:2: output.dead_letters_topic: topic `account-health` is used by both output.changes_topic and output.dead_letters_topic",
    );
}

#[test]
fn a_clash_with_a_default_topic_is_reported_where_the_user_wrote_it() {
    assert_problem(
        "[streams.usage]\ntopics = [\"billing\"]\n",
        "c.toml:2: streams.usage.topics[0]: topic `billing` is used by both streams.usage.topics[0] and streams.billing.topics[0]",
    );
}

#[test]
fn there_must_be_something_to_read() {
    assert_problem(
        "streams = { usage.topics = [], billing.topics = [], support.topics = [] }\n",
        "c.toml:1: streams: no stream has a topic: there is nothing to read",
    );
    assert_eq!(config_of("[streams.support]\ntopics = []\n").settings().configured.0, [true, true, false, false, false]);
}

#[test]
fn topic_names_are_not_patterns() {
    let allowed = "must be a topic name: 1 to 249 letters, digits, `.`, `_` or `-`";
    assert_problem("[streams.usage]\ntopics = [\"^usage.*\"]\n", &format!("c.toml:2: streams.usage.topics[0]: {allowed}"));
    assert_problem("[output]\nchanges_topic = \"\"\n", &format!("c.toml:2: output.changes_topic: {allowed}"));
}

#[test]
fn unknown_formats_are_refused_with_a_way_out() {
    assert_problem(
        "[streams.usage]\nformat = \"nativ\"\n",
        "c.toml:2: streams.usage.format: `nativ` is not allowed: must be one of native, segment, stripe, zendesk, debezium, cloudevents; did you mean `native`?",
    );
}

#[test]
fn topics_in_formats_of_others_are_repartitioned_unless_they_say_otherwise() {
    let repartitioned = |text: &str| config_of(text).streams.all_topics().first().map(|topic| topic.repartition);
    assert_eq!(repartitioned("[streams.usage]\n"), Some(false));
    assert_eq!(repartitioned("[streams.usage]\nrepartition = true\n"), Some(true));
    assert_eq!(repartitioned("[streams.usage]\nformat = \"segment\"\n"), Some(true));
    assert_eq!(repartitioned("[streams.usage]\nformat = \"segment\"\nrepartition = false\n"), Some(false));
}

#[test]
fn a_custom_partitioner_beside_the_stage_is_refused() {
    let problems = problems_of("[streams.usage]\nrepartition = true\n[streams.billing]\npartitioner = \"custom\"\n");
    assert!(problems.iter().any(|problem| problem.contains("set repartition = true for it as well")), "{problems:?}");
}

#[test]
fn partitioners_may_go_by_librdkafkas_names() {
    use crate::config::section::Partitioning::By;
    use crate::partitioner::Partitioner;
    let text = "[streams.usage]\npartitioner = \"murmur2_random\"\n[[streams.usage.topic]]\nname = \"a\"\npartitioner = \"consistent_random\"\n[[streams.usage.topic]]\nname = \"b\"\n";
    let topics = config_of(text).streams.all_topics();
    let usage: Vec<_> = topics.iter().take(2).map(|topic| (topic.name.as_str(), topic.partitioner)).collect();
    assert_eq!(usage, [("a", By(Partitioner::Crc32)), ("b", By(Partitioner::Murmur2))]);
    let problems = problems_of("[streams.usage]\npartitioner = \"murmur\"\n");
    assert!(
        problems[0].starts_with(
            "c.toml:2: streams.usage.partitioner: `murmur` is not allowed: must be one of auto, murmur2, crc32, fnv1a, custom; "
        ),
        "{problems:?}"
    );
    assert!(problems[0].ends_with("did you mean `murmur2`?"), "{problems:?}");
}

#[test]
fn staleness_is_in_hours_or_never() {
    assert_problem(
        "[streams.usage]\nstale_after_hours = 0\n",
        "c.toml:2: streams.usage.stale_after_hours: 0 is out of range: must be 1 to 8760 hours, or \"never\"",
    );
    assert_problem(
        "[streams.usage]\nstale_after_hours = \"nevr\"\n",
        "c.toml:2: streams.usage.stale_after_hours: must be 1 to 8760 hours, or \"never\", not a string",
    );
}

/// The format of the only usage topic.
fn usage_format(text: &str) -> Format {
    let config = Config::of_text(text, Path::new("c.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    let topics = config.streams.topics(Stream::Usage);
    Format::clone(&topics.first().unwrap().format)
}

#[test]
fn a_topic_takes_format_and_options_from_its_stream_unless_it_has_its_own() {
    let stream =
        "[streams.usage]\nformat = \"segment\"\nsegment = { account = [\"properties.org\"] }\n[[streams.usage.topic]]\nname = \"t\"\n";
    let segment = |account: &str| Format::Segment(SegmentOptions { account: vec![account.to_owned()] });
    assert_eq!(usage_format(stream), segment("properties.org"));
    assert_eq!(usage_format(&format!("{stream}segment = {{ account = [\"groupId\"] }}\n")), segment("groupId"));
    assert_eq!(usage_format(&format!("{stream}format = \"native\"\n")), Format::Native);
    assert_eq!(usage_format("[streams.usage]\nformat = \"rudderstack\"\n"), Format::Segment(SegmentOptions::default()));
    let nested = usage_format("[streams.usage]\nformat = \"cloudevents\"\ninner_format = \"segment\"\n");
    assert_eq!(nested, Format::CloudEvents(Box::new(Format::Segment(SegmentOptions::default()))));
}

#[test]
fn an_envelope_inside_an_envelope_is_refused() {
    let text = "[streams.usage]\nformat = \"cloudevents\"\ninner_format = \"cloudevents\"\n";
    assert_problem(
        text,
        "c.toml:3: streams.usage.inner_format: a cloudevents envelope does not hold another one: name the format of what is inside",
    );
}

#[test]
fn an_inner_format_needs_an_envelope() {
    let problem = |line: usize, table: &str| {
        format!("c.toml:{line}: streams.usage{table}.inner_format: is for what an envelope holds: set the format to cloudevents")
    };
    assert_problem("[streams.usage]\nformat = \"segment\"\ninner_format = \"segment\"\n", &problem(3, ""));
    assert_problem("[[streams.usage.topic]]\nname = \"t\"\ninner_format = \"stripe\"\n", &problem(3, ".topic[0]"));
    let topic = "[streams.usage]\ninner_format = \"segment\"\n[[streams.usage.topic]]\nname = \"t\"\nformat = \"cloudevents\"\n";
    let choice = "[streams.usage]\ninner_format = \"segment\"\nformats = [{ when = { header = \"ce_id\" }, format = \"cloudevents\" }]\n";
    for right in [topic, choice, "[streams.usage]\ninner_format = \"native\"\n"] {
        assert!(problems_of(right).is_empty(), "{right}");
    }
}

#[test]
fn a_header_or_a_field_chooses_among_several_formats() {
    let text = "[streams.usage]\nformats = [{ when = { header = \"type\", equals = \"track\" }, format = \"segment\" }]\n";
    let expected = Choice {
        formats: vec![(Condition::Header("type".into(), Test::Equals("track".into())), Format::Segment(SegmentOptions::default()))],
        otherwise: Format::Native,
    };
    assert_eq!(usage_format(text), Format::Choice(Box::new(expected)));
    let wrong = |when: &str| format!("[streams.usage]\nformats = [{{ when = {{ {when} }}, format = \"segment\" }}]\n");
    let place = "c.toml:2: streams.usage.formats[0].when";
    assert_problem(&wrong("equals = \"x\""), &format!("{place}: needs either `header` or `field`"));
    let both = "field = \"a\", equals = \"x\", starts_with = \"x\"";
    assert_problem(&wrong(both), &format!("{place}: needs `equals` or `starts_with`, not both"));
}
