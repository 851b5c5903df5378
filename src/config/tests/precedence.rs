//! Precedence: `--set` over environment over file.

use super::Folder;
use crate::event::Stream;

const INTERVAL: (&str, &str) = ("CHURNWATCH_COMMIT__INTERVAL_MS", "200");

#[test]
fn options_win_over_variables_and_variables_over_the_file() {
    let folder = Folder::with(&[("c.toml", "[commit]\ninterval_ms = 100\n")]);
    let interval = |sets: &[&str], env: &[(&str, &str)]| folder.load(sets, env).unwrap().commit.interval_ms;
    assert_eq!(interval(&[], &[]), 100);
    assert_eq!(interval(&[], &[INTERVAL]), 200);
    assert_eq!(interval(&["commit.interval_ms=300"], &[INTERVAL]), 300);
    assert_eq!(interval(&["commit.interval_ms=300", "commit.interval_ms=400"], &[INTERVAL]), 400);
}

#[test]
fn an_override_takes_the_type_of_its_key() {
    let config = Folder::with(&[("c.toml", "")])
        .load(
            &[
                "application.instance=7",
                "kafka.create_topics=false",
                "output.bad_run_share=0.25",
                "streams.usage.topics=clicks, sessions",
                "streams.billing.topics=[\"invoices\"]",
                "streams.support.stale_after_hours=never",
                "streams.feedback.stale_after_hours=12",
                "support.priority_weights.urgent=8",
                "money.rates=[{ valid_from = 2024-01-01, EUR = \"1.08\" }]",
                "kafka.properties.queued.min.messages=5",
                "usage.ignore_users=",
            ],
            &[("CHURNWATCH_KAFKA__PROPERTIES__SECURITY_PROTOCOL", "SSL")],
        )
        .unwrap();
    assert_eq!(config.application.instance, "7");
    assert!(!config.kafka.create_topics);
    assert!((config.output.bad_run_share - 0.25).abs() < f64::EPSILON);
    let names: Vec<_> = config.streams.all_topics().into_iter().map(|topic| topic.name).collect();
    assert_eq!(names, ["clicks", "sessions", "invoices", "support-tickets", "customer-feedback"]);
    assert_eq!(config.streams.stale_after_ms(Stream::Support), None);
    assert_eq!(config.streams.stale_after_ms(Stream::Feedback), Some(43_200_000));
    assert_eq!(config.support.priority_weights.urgent.to_bits(), 8.0_f64.to_bits());
    assert_eq!(config.support.priority_weights.high.to_bits(), 2.0_f64.to_bits());
    assert_eq!(config.money.rates.len(), 1);
    let properties: Vec<_> = config.kafka.client_properties().collect();
    assert_eq!(properties, [("bootstrap.servers", "127.0.0.1:9092"), ("queued.min.messages", "5"), ("security.protocol", "SSL")]);
}

#[test]
fn problems_name_the_variable_or_the_option() {
    let problems = Folder::with(&[("c.toml", "[commit]\ninterval_ms = 100\n")])
        .load(
            &["commit.intervall_ms=1", "kafka.start=begin", "application"],
            &[("CHURNWATCH_COMMIT__INTERVAL_MS", "soon"), ("CHURNWATCH_COMIT__INTERVAL_MS", "1")],
        )
        .unwrap_err();
    assert_eq!(
        problems,
        [
            "CHURNWATCH_COMIT__INTERVAL_MS: comit: unknown key; did you mean `commit`?",
            "CHURNWATCH_COMMIT__INTERVAL_MS: commit.interval_ms: must be a whole number, not a string",
            "--set: application: must be section.key=value; did you mean `application.advertised_listen` or `application.id` or `application.instance`?",
            "--set: commit.intervall_ms: unknown key; did you mean `interval_ms`?",
            "--set: kafka.start: `begin` is not allowed: must be one of earliest, latest, fail",
        ]
    );
}

#[test]
fn keys_of_the_model_file_can_be_overridden_too() {
    let folder = Folder::with(&[("c.toml", "model_file = \"m.toml\"\n"), ("m.toml", "[bands]\ngreen = 80\nyellow = 30\n")]);
    let bands = |sets: &[&str], env: &[(&str, &str)]| folder.load(sets, env).unwrap().model.bands;
    assert_eq!(bands(&[], &[]).green.to_bits(), 80.0_f64.to_bits());
    let set = bands(&["bands.green=90"], &[("CHURNWATCH_BANDS__WORSE__POINTS", "4")]);
    assert_eq!((set.green, set.yellow, set.worse.points, set.worse.hours), (90.0, 30.0, 4.0, 24.0));
}
