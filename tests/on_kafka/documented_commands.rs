//! The commands in README.md and docs/ that speak to Kafka or to an instance do what they are shown for.

use crate::contract::commands::{Documented, documented};
use crate::kafka::client;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::{eventually, input::simulated, unique};

/// A call as Segment sends it.
const CALL: &str = r#"{"type":"track","messageId":"m1","userId":"u1","event":"Report Exported","timestamp":"2026-01-05T09:00:00Z","context":{"groupId":"acme"}}"#;

/// The words of a command with what exists here in place of what stands for it in the document.
struct Here {
    calls: String,
    usage: String,
    broker: String,
    url: String,
    token_file: String,
    account: String,
}

impl Here {
    fn words(&self, command: &Documented) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut given = command.arguments.iter();
        while let Some(word) = given.next() {
            let is_segment = command.value("--format") == Some("segment");
            let instead = match word.as_str() {
                // The test adds its own.
                "--config" => {
                    given.next();
                    continue;
                }
                "--sample-topic" => Some(if is_segment { &self.calls } else { &self.usage }),
                "--bootstrap-servers" => Some(&self.broker),
                "--url" => Some(&self.url),
                "--token-file" => Some(&self.token_file),
                _ => None,
            };
            words.push(if word == "acme" { self.account.clone() } else { word.clone() });
            if let Some(instead) = instead {
                given.next();
                words.push(instead.clone());
            }
        }
        words
    }
}

#[test]
fn every_command_of_the_documents_that_speaks_to_kafka_or_an_instance_succeeds() {
    let scenario = Scenario::new("documented", 1, &simulated(3, 4, 30));
    let calls = unique("segment-calls");
    client::create_topic(scenario.broker, &calls, 1);
    client::produce_raw(scenario.broker, &calls, 0, b"acme", CALL.as_bytes());
    let mut service = scenario.application.start();
    scenario.wait_for_end(&mut service);
    let list = || {
        let answer = service.get("/api/accounts");
        serde_json::from_str::<serde_json::Value>(answer.split_once("\r\n\r\n")?.1).ok()?["accounts"][0]["account_id"]
            .as_str()
            .map(str::to_owned)
    };
    let here = Here {
        account: eventually("an account", LIMIT, list),
        calls,
        usage: scenario.topics.of(churnwatch::event::Stream::Usage),
        broker: scenario.broker.address(),
        url: format!("http://{}", service.address()),
        token_file: scenario.application.file("token", "unused-here-but-read-all-the-same"),
    };
    let mut ran = 0;
    // Tests of their own run the others: they do not end by themselves, or need a repartition stage.
    let is_run_here =
        |command: &&Documented| command.needs_service() && !["run", "demo", "redrive"].contains(&command.arguments[0].as_str());
    for command in documented().iter().filter(is_run_here) {
        let words = here.words(command);
        let output = scenario.application.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(output.status.success(), "{}: churnwatch {}\n{}", command.place, words.join(" "), String::from_utf8_lossy(&output.stderr));
        ran += 1;
    }
    assert!(ran >= 8, "only {ran} commands were found");
    service.terminate();
}
