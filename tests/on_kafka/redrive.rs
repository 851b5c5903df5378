//! `redrive`: dead letters whose alias was declared since take effect once, whatever happens in between.

use std::collections::BTreeMap;

use churnwatch::event::Stream;
use serde_json::Value;

use crate::chaos::late::Late;
use crate::kafka::input::now;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::service::Service;
use crate::kafka::{client, eventually};
use crate::zombie::{proxied_broker, through};

/// Calls of a product that knows users and no accounts.
struct Clicks {
    scenario: Scenario,
    usage: String,
    called: usize,
}

impl Clicks {
    fn new(name: &str) -> Self {
        Self::of(Scenario::new(name, 2, &[]))
    }

    fn of(mut scenario: Scenario) -> Self {
        scenario.application.set("streams.usage.format", "segment");
        scenario.application.set("output.on_bad_run", "dead_letter");
        let usage = scenario.topics.of(Stream::Usage);
        Self { scenario, usage, called: 0 }
    }

    /// This many calls of a user, each padded to a size.
    fn call(&mut self, user: &str, calls: usize, padding: usize) {
        let padding = "x".repeat(padding);
        let call = |number: usize| {
            let at = now() / 1000;
            format!(
                r#"{{"type":"track","event":"Report Opened","userId":"{user}","messageId":"m{number}","timestamp":{at},"padding":"{padding}"}}"#
            )
        };
        let values: Vec<String> = (self.called..self.called + calls).map(call).collect();
        self.called += calls;
        client::produce(self.scenario.broker, values.iter().map(|value| (self.usage.as_str(), Some(user), value.as_bytes(), now())));
    }

    /// Ties a user to an account.
    fn declare(&self, user: &str, account: &str) {
        let profile = format!(
            r#"{{"type":"account_profile","account_id":"{account}","occurred_at":{},"aliases":{{"segment-user":"{user}"}}}}"#,
            now()
        );
        let accounts = self.scenario.topics.of(Stream::Accounts);
        client::produce(self.scenario.broker, [(accounts.as_str(), Some(account), profile.as_bytes(), now())]);
    }

    /// Waits for this many dead letters.
    fn wait_for_letters(&self, service: &mut Service, count: usize) {
        eventually("the dead letters", LIMIT, || {
            service.assert_alive();
            // The service creates the topic.
            let is_there = service.log().contains("page, API");
            (is_there && client::read_committed(self.scenario.broker, &self.scenario.application.dead_letters).len() == count).then_some(())
        });
    }

    /// Runs `redrive` and returns its table: letters by line.
    fn redrive(&self, arguments: &[&str]) -> BTreeMap<String, usize> {
        let arguments = [&["redrive", "--code", "unknown_account"], arguments].concat();
        let output = self.scenario.application.command(&arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{text}");
        let line = |line: &str| {
            let number = line.find(|c: char| c.is_ascii_digit())?;
            let letters = line[number..].split_whitespace().next()?.parse().ok()?;
            Some((line[..number].trim().to_owned(), letters))
        };
        text.lines().filter_map(line).collect()
    }

    /// What the internal topic holds: how often each original record has become an event.
    fn written(&self) -> BTreeMap<String, usize> {
        let mut written = BTreeMap::new();
        let internal = format!("churnwatch-{}-repartition", self.scenario.application.id);
        for record in client::read_committed(self.scenario.broker, &internal) {
            *written.entry(record.header("churnwatch_origin").to_owned()).or_default() += 1;
        }
        written
    }
}

/// How many uses the tasks have applied, and whether they know an account.
fn applied(service: &Service, account: &str) -> (i64, bool) {
    let answer = service.get("/api/pipeline");
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let is_known = service.get(&format!("/api/accounts/{account}")).starts_with("HTTP/1.1 200");
    (body["usage"]["applied"].as_i64().unwrap(), is_known)
}

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(name, letters)| ((*name).to_owned(), *letters)).collect()
}

#[test]
fn letters_whose_alias_was_declared_since_are_applied_once_and_the_others_wait() {
    let mut clicks = Clicks::new("redrive");
    clicks.call("nobody", 1, 0);
    clicks.call("u1", 5, 0);
    clicks.call("u1", 1, 999_400);
    let mut service = clicks.scenario.application.start();
    clicks.wait_for_letters(&mut service, 7);
    let table = |redriven, unknown, already, truncated| {
        [("still unknown", unknown), ("already redriven", already), ("truncated", truncated), ("undecodable", 0)]
            .into_iter()
            .chain([redriven])
            .collect::<Vec<_>>()
    };
    assert_eq!(clicks.redrive(&[]), counts(&table(("redriven", 0), 6, 0, 1)), "nobody is declared yet");

    clicks.declare("u1", "acme");
    assert_eq!(clicks.redrive(&["--dry-run"]), counts(&table(("would be redriven", 5), 1, 0, 1)));
    assert_eq!(clicks.written(), BTreeMap::new(), "a dry run writes nothing");
    assert_eq!(clicks.redrive(&[]), counts(&table(("redriven", 5), 1, 0, 1)));
    let again = clicks.redrive(&[]);
    assert_eq!((again["redriven"], again["still unknown"]), (0, 1), "{again:?}");
    assert_eq!(clicks.written().values().copied().collect::<Vec<_>>(), [1; 5]);
    eventually("the events to be applied", LIMIT, || (applied(&service, "acme") == (5, true)).then_some(()));

    clicks.declare("nobody", "bolt");
    assert_eq!(clicks.redrive(&[])["redriven"], 1);
    eventually("the last event to be applied", LIMIT, || (applied(&service, "bolt") == (6, true)).then_some(()));
    assert_eq!(clicks.written().len(), 6);
    service.terminate();
}

#[test]
fn a_redrive_that_is_killed_at_any_point_writes_nothing_twice_and_loses_nothing() {
    const LETTERS: usize = 2_500;
    let mut clicks = Clicks::new("redrive-kills");
    clicks.call("nobody", 2, 0);
    clicks.call("u1", LETTERS, 0);
    let mut service = clicks.scenario.application.start();
    clicks.wait_for_letters(&mut service, LETTERS + 2);
    clicks.declare("u1", "acme");
    for fault in ["after-produce:1", "before-commit:1", "after-redrive-commit:1", "before-redrive-commit:2"] {
        clicks.scenario.application.variables.push(("CHURNWATCH_FAULT".to_owned(), fault.to_owned()));
        let killed = clicks.scenario.application.command(&["redrive", "--code", "unknown_account"]);
        clicks.scenario.application.variables.pop();
        assert_eq!(killed.status.code(), None, "{fault}: {}", String::from_utf8_lossy(&killed.stderr));
        assert!(clicks.written().values().all(|times| *times == 1), "{fault}");
    }
    let rest = clicks.redrive(&[]);
    assert_eq!(rest["redriven"], 500, "two of the killed ones had committed a batch of 1,000 each: {rest:?}");
    assert_eq!(clicks.redrive(&[])["redriven"], 0);
    let written = clicks.written();
    assert_eq!((written.len(), written.values().all(|times| *times == 1)), (LETTERS, true));
    eventually("the events to be applied", LIMIT, || (applied(&service, "acme") == (LETTERS as i64, true)).then_some(()));
    service.terminate();
}

#[test]
fn an_end_of_its_transaction_that_arrives_in_the_next_one_does_not_end_that_before_the_memory_is_written() {
    const LETTERS: usize = 2_500;
    let (broker, proxy) = proxied_broker();
    let mut clicks = Clicks::of(Scenario::on(broker, "redrive-late", 2, &[]));
    clicks.call("u1", LETTERS, 0);
    let mut service = clicks.scenario.application.start();
    clicks.wait_for_letters(&mut service, LETTERS);
    clicks.declare("u1", "acme");
    proxy.hold(Late::end_between_writes());
    let through = through(&proxy);
    let arguments: Vec<&str> = ["redrive", "--code", "unknown_account"].into_iter().chain(through.iter().map(String::as_str)).collect();
    let disturbed = clicks.scenario.application.command(&arguments);
    let log = String::from_utf8(disturbed.stderr).unwrap();
    assert!(proxy.has_delivered() && log.contains("the memory read again"), "{log}");
    clicks.redrive(&[]);
    let written = clicks.written();
    assert_eq!((written.len(), written.values().all(|times| *times == 1)), (LETTERS, true));
    service.terminate();
}

#[test]
fn a_redrive_without_its_memory_is_caught() {
    let mut clicks = Clicks::new("redrive-mutant");
    clicks.call("u1", 20, 0);
    let mut service = clicks.scenario.application.start();
    clicks.wait_for_letters(&mut service, 20);
    clicks.declare("u1", "acme");
    clicks.scenario.application.variables.push(("CHURNWATCH_MUTANT".to_owned(), "redriven-not-remembered".to_owned()));
    let repeated = |clicks: &Clicks| clicks.written().values().filter(|times| **times > 1).count();
    clicks.redrive(&[]);
    assert_eq!(repeated(&clicks), 0);
    // Without the group's offset, which an idle group loses after a week, only the memory tells what was redriven.
    service.terminate();
    client::Group::delete(clicks.scenario.broker, &format!("{}-redrive", clicks.scenario.application.id));
    clicks.redrive(&[]);
    assert_eq!(repeated(&clicks), 20, "the mutant writes them twice");
}

#[test]
fn a_group_that_has_lost_its_offsets_redrives_nothing_twice() {
    let mut clicks = Clicks::new("redrive-offsets");
    clicks.call("u1", 20, 0);
    let mut service = clicks.scenario.application.start();
    clicks.wait_for_letters(&mut service, 20);
    service.terminate();
    clicks.declare("u1", "acme");
    assert_eq!(clicks.redrive(&[])["redriven"], 20);
    client::Group::delete(clicks.scenario.broker, &format!("{}-redrive", clicks.scenario.application.id));
    let again = clicks.redrive(&[]);
    assert_eq!((again["redriven"], again["already redriven"]), (0, 20));
    assert!(clicks.written().values().all(|times| *times == 1));
}

#[test]
fn a_second_redrive_fences_the_first_which_names_the_cause() {
    let mut clicks = Clicks::new("redrive-fenced");
    clicks.call("u1", 20, 0);
    let mut service = clicks.scenario.application.start();
    clicks.wait_for_letters(&mut service, 20);
    clicks.declare("u1", "acme");
    let application = &clicks.scenario.application;
    let pause = ("CHURNWATCH_FAULT", "before-redrive-commit:1:10000".to_owned());
    let first = application.start_command_of(&["redrive", "--code", "unknown_account"], &[pause]);
    eventually("the first one to read letters", LIMIT, || first.log().contains("letters are read from now on").then_some(()));
    assert_eq!(clicks.redrive(&[])["redriven"], 20);
    let log = first.fails_with("fenced");
    assert!(log.contains("another `churnwatch redrive`"), "{log}");
    assert_eq!(clicks.written().values().copied().collect::<Vec<_>>(), [1; 20]);
    service.terminate();
}

#[test]
fn without_a_repartition_stage_there_is_nothing_to_redrive() {
    let scenario = Scenario::new("redrive-native", 1, &[]);
    let refused = scenario.application.command(&["redrive", "--code", "unknown_account"]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), text.contains("no topic has repartition = true")), (Some(2), true), "{text}");
}

#[test]
fn letters_carry_what_a_redrive_needs() {
    let mut clicks = Clicks::new("redrive-headers");
    clicks.call("u1", 1, 0);
    let mut service = clicks.scenario.application.start();
    clicks.wait_for_letters(&mut service, 1);
    service.terminate();
    let letters = client::read_committed(clicks.scenario.broker, &clicks.scenario.application.dead_letters);
    let header = |name: &str| letters[0].header(&format!("churnwatch_{name}")).to_owned();
    assert_eq!((header("timestamp_type"), header("application")), ("CreateTime".to_owned(), clicks.scenario.application.id.clone()));
    assert_eq!(header("topic_id").len(), 22);
}
