//! What a trial of records shows: a few lines for each topic, and the reasons for `run` to stop.

use std::fmt;

use super::trial::{Trial, Tried, TriedEvent};
use crate::config::section::OnBadRun;
use crate::engine::bad_run::{BadRun, Thresholds};
use crate::engine::{Outcome, StreamCounts};
use crate::event::{Code, Place, Shape, Stream};
use crate::stream::failure::Failure;
use crate::stream::options::Options;

/// More than one event in this many in the wrong partition is a mistake, not a stray.
const STRAYS: u64 = 10;

impl Trial {
    /// Why `run` would stop at this topic, or lose most of it.
    #[must_use]
    pub fn problems(&self, options: &Options) -> Vec<Failure> {
        let short = self.shortfall.map(|shortfall| shortfall.failure(&self.topic.name));
        short.into_iter().chain(self.problems_of_records(options)).collect()
    }

    fn problems_of_records(&self, options: &Options) -> Vec<Failure> {
        let (topic, counts) = (self.topic.name.clone(), self.counts());
        let wrong = count_of(&counts, Code::WrongPartition);
        let events = self.records.iter().filter(|tried| tried.event.is_some()).count() as u64;
        if wrong * STRAYS > events {
            return vec![Failure::NotKeyedByAccount { topic, wrong, events }];
        }
        if options.on_bad_run == OnBadRun::DeadLetter {
            return Vec::new();
        }
        let framed = self.records.iter().find(|tried| tried.shape == Some(Shape::Framed));
        if let Some(Tried { partition, offset, .. }) = framed.filter(|_| events == 0 && !options.schema_registry.is_set()) {
            return vec![Failure::NeedsSchemaRegistry { topic, partition: *partition, offset: *offset }];
        }
        let thresholds = Thresholds { records: 1, ..options.bad_run };
        let mut run = BadRun::default();
        self.records.iter().for_each(|tried| _ = run.count(&tried.outcome, counts.is_known(), thresholds));
        let problem = run.finding(thresholds).map(|finding| {
            let advice = self.advice(|outcome| *outcome != Outcome::Applied).map(|advice| format!("; {advice}")).unwrap_or_default();
            Failure::BadSample { topic, bad: finding.bad, read: finding.read, cause: finding.cause(), advice }
        });
        problem.into_iter().collect()
    }

    /// The place of the first such record, what it looks like, and what to do about it.
    fn advice(&self, of: impl Fn(&Outcome) -> bool) -> Option<String> {
        let tried = self.records.iter().find(|tried| of(&tried.outcome))?;
        let advice = match (tried.shape, &tried.outcome) {
            (Some(shape), _) => shape.advice(Place::Topic),
            (None, Outcome::DeadLetter(rejection)) => format!("{}; {}", rejection.reason, rejection.remedy()),
            (None, _) => Shape::UnknownType.advice(Place::Topic),
        };
        Some(format!("[{}] at offset {}: {advice}", tried.partition, tried.offset))
    }
}

fn count_of(counts: &StreamCounts, code: Code) -> u64 {
    counts.dead_letter.iter().find(|(other, _)| *other == code).map_or(0, |(_, count)| count)
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, counts) = (&self.topic.name, self.counts());
        match self.shortfall {
            Some(shortfall) => writeln!(f, "records      {name}: only a part: {shortfall}")?,
            None if counts.read == 0 => return writeln!(f, "records      {name}: none yet"),
            None => {}
        }
        if counts.read == 0 {
            return Ok(());
        }
        let letters: u64 = counts.dead_letter.iter().map(|(_, count)| count).sum();
        let StreamCounts { read, applied, ignored, .. } = counts;
        writeln!(f, "records      {name}: of the newest {read}, {applied} would be applied, {ignored} ignored, {letters} dead letters")?;
        if let Some(advice) = self.advice(|outcome| *outcome == Outcome::Ignored) {
            writeln!(f, "             ignored, {advice}")?;
        }
        for (code, count) in counts.dead_letter.iter() {
            let of_code = |outcome: &Outcome| matches!(outcome, Outcome::DeadLetter(rejection) if rejection.code == code);
            writeln!(f, "             {} {count}, {}", code.name(), self.advice(of_code).unwrap_or_default())?;
        }
        let events: Vec<&TriedEvent> = self.records.iter().filter_map(|tried| tried.event.as_ref()).collect();
        let of_account = events.iter().filter(|event| event.account.is_some()).count();
        if of_account > 0 {
            let keyed = events.iter().filter(|event| event.is_keyed).count();
            writeln!(f, "             the key is the account in {keyed} of {of_account}")?;
        }
        match self.records.iter().rfind(|tried| tried.outcome == Outcome::Applied) {
            Some(Tried { partition, offset, event: Some(event), .. }) => {
                let account = event.account.as_ref().map(|account| format!(" of account {account}")).unwrap_or_default();
                writeln!(f, "             example [{partition}] at offset {offset}: {}{account}, {}", event.type_name, event.occurred_at)
            }
            _ => writeln!(f, "             an event of this stream: {}", example(self.topic.stream)),
        }
    }
}

/// A valid record, for topics that have none.
const fn example(stream: Stream) -> &'static str {
    match stream {
        Stream::Usage => {
            r#"{"id":"e1","type":"feature_used","account_id":"acme","occurred_at":"2026-03-01T09:30:00Z","user_id":"u1","feature":"report"}"#
        }
        Stream::Billing => {
            r#"{"id":"e1","type":"invoice_paid","account_id":"acme","occurred_at":"2026-03-01T09:30:00Z","invoice_id":"i1","amount":"49.00","currency":"USD"}"#
        }
        Stream::Support => {
            r#"{"id":"e1","type":"ticket_opened","account_id":"acme","occurred_at":"2026-03-01T09:30:00Z","ticket_id":"t1","priority":"high"}"#
        }
        Stream::Feedback => {
            r#"{"id":"e1","type":"nps_answered","account_id":"acme","occurred_at":"2026-03-01T09:30:00Z","user_id":"u1","score":9}"#
        }
        Stream::Accounts => {
            r#"{"id":"e1","type":"account_profile","account_id":"acme","occurred_at":"2026-03-01T09:30:00Z","name":"Acme","segment":"smb"}"#
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::section::{Partitioning, Start};
    use crate::event::{self, Decoded, Headers, Raw, Rejection};
    use crate::settings::Settings;
    use crate::stream::Permits;
    use crate::stream::options::{InputTopic, Route};
    use crate::stream::preflight::expected::Shortfall;
    use crate::time::Timestamp;

    fn options() -> Options {
        Options::of(&Config::default(), Permits::none(Start::Earliest))
    }

    fn trial(records: Vec<Tried>) -> Trial {
        let topic = InputTopic {
            name: "t".to_owned(),
            stream: Stream::Billing,
            partitioning: Partitioning::Auto,
            format: std::sync::Arc::default(),
            route: Route::Direct,
        };
        Trial::with(topic, records)
    }

    fn good(account: &str) -> Tried {
        let event = TriedEvent { type_name: "invoice_paid", occurred_at: Timestamp(0), account: Some(account.to_owned()), is_keyed: true };
        Tried { partition: 1, offset: 7, outcome: Outcome::Applied, shape: None, event: Some(event) }
    }

    fn bad(outcome: Outcome, shape: Option<Shape>) -> Tried {
        Tried { partition: 2, offset: 9, outcome, shape, event: None }
    }

    fn rejected(code: Code) -> Outcome {
        Outcome::DeadLetter(Rejection::new(code, "why"))
    }

    fn codes(trial: &Trial) -> Vec<&'static str> {
        trial.problems(&options()).iter().map(Failure::code).collect()
    }

    #[test]
    fn good_records_are_no_problem_and_one_of_them_is_shown() {
        let trial = trial(vec![good("acme"), bad(rejected(Code::WrongType), None)]);
        assert_eq!(codes(&trial), Vec::<&str>::new());
        let text = trial.to_string();
        assert!(text.contains("of the newest 2, 1 would be applied, 0 ignored, 1 dead letters"), "{text}");
        assert!(text.contains("wrong_type 1, [2] at offset 9: why; correct the named field"), "{text}");
        assert!(text.contains("the key is the account in 1 of 1"), "{text}");
        assert!(text.contains("example [1] at offset 7: invoice_paid of account acme, 1970-01-01T00:00:00Z"), "{text}");
    }

    #[test]
    fn a_topic_of_another_provider_is_a_problem_that_names_it() {
        let trial = trial(vec![bad(Outcome::Ignored, Some(Shape::Provider("Stripe")))]);
        assert_eq!(codes(&trial), ["bad_run"]);
        let problem = trial.problems(&options())[0].to_string();
        assert!(problem.starts_with("t: 1 of 1 sampled records") && problem.contains("looks like Stripe"), "{problem}");
        assert!(trial.to_string().contains("an event of this stream: {"), "{trial}");
    }

    #[test]
    fn records_in_the_wrong_partition_and_framed_ones_have_codes_of_their_own() {
        let stray = || Tried { outcome: rejected(Code::WrongPartition), ..good("acme") };
        assert_eq!(codes(&trial(vec![good("acme"), stray()])), ["not_keyed_by_account"]);
        assert_eq!(codes(&trial((0..19).map(|_| good("acme")).chain([stray()]).collect())), Vec::<&str>::new());
        assert_eq!(codes(&trial(vec![bad(rejected(Code::InvalidJson), Some(Shape::Framed))])), ["needs_schema_registry"]);
    }

    #[test]
    fn a_sample_that_lacks_records_says_so_and_is_a_problem() {
        let short_of = |records| {
            let mut trial = trial(records);
            trial.shortfall = Some(Shortfall { sampled: 1, of: 200 });
            trial
        };
        let trial = short_of(vec![good("acme")]);
        assert_eq!(codes(&trial), ["kafka"]);
        let words = "sampled 1 of 200 records; the broker did not answer within 60 s";
        assert!(trial.problems(&options())[0].to_string().ends_with(words));
        assert!(
            trial.to_string().starts_with(&format!("records      t: only a part: {words}\nrecords      t: of the newest 1")),
            "{trial}"
        );
        let none = short_of(Vec::new());
        assert!(!none.to_string().contains("none yet"), "{none}");
    }

    #[test]
    fn an_empty_topic_is_said_to_be_empty() {
        let trial = trial(Vec::new());
        assert_eq!((codes(&trial), trial.to_string().as_str()), (Vec::new(), "records      t: none yet\n"));
    }

    #[test]
    fn the_examples_are_events_of_their_streams() {
        for stream in Stream::ALL {
            let raw = Raw {
                stream,
                key: None,
                value: Some(example(stream).as_bytes()),
                headers: Headers::NONE,
                timestamp: None,
                future_reference: None,
            };
            let decoded = event::decode(&raw, &Settings::default().decode_context());
            assert!(matches!(decoded, Ok(Decoded::Record(_))), "{decoded:?}");
        }
    }
}
