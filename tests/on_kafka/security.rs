//! A broker that requires authentication: only valid credentials get in, and no secret leaks.

use std::process::Output;

use crate::kafka::acl::{Right, grant};
use crate::kafka::input::simulated;
use crate::kafka::scenario::{LIMIT, Scenario};
use crate::kafka::secured::{KEY_PASSWORD, PASSWORD, Secured};
use crate::kafka::{client, eventually};

/// An application on the secured broker, without credentials.
fn locked_out(name: &str, servers: &str) -> Scenario {
    let mut scenario = Scenario::on(&Secured::shared().broker, name, 2, &simulated(41, 5, 5));
    scenario.application.set("kafka.bootstrap_servers", servers);
    scenario
}

fn property(scenario: &mut Scenario, name: &str, value: &str) {
    scenario.application.set(&format!("kafka.properties.{name}"), value);
}

/// Authenticates with a password from a file, or from an environment variable if `by_variable`.
fn by_password(scenario: &mut Scenario, protocol: &str, mechanism: &str, user: &str, password: &str, by_variable: bool) {
    property(scenario, "security.protocol", protocol);
    property(scenario, "sasl.mechanisms", mechanism);
    property(scenario, "sasl.username", user);
    if by_variable {
        scenario.application.variables.push(("TEST_KAFKA_PASSWORD".to_owned(), password.to_owned()));
        property(scenario, "sasl.password", "env:TEST_KAFKA_PASSWORD");
    } else {
        let file = scenario.application.file("password", password);
        property(scenario, "sasl.password", &format!("file:{file}"));
    }
}

fn trusting(scenario: &mut Scenario, authority: &str) {
    let file = Secured::shared().file(authority);
    property(scenario, "ssl.ca.location", &file);
}

fn by_certificate(scenario: &mut Scenario) {
    let secured = Secured::shared();
    property(scenario, "security.protocol", "SSL");
    trusting(scenario, "ca.pem");
    property(scenario, "ssl.certificate.location", &secured.file("client.pem"));
    property(scenario, "ssl.key.location", &secured.file("client.key"));
    let file = scenario.application.file("key-password", KEY_PASSWORD);
    property(scenario, "ssl.key.password", &format!("file:{file}"));
}

fn shows_no_secret(what: &str, text: &str) {
    for secret in [PASSWORD, KEY_PASSWORD] {
        assert!(!text.contains(secret), "{what} shows a secret:\n{text}");
    }
}

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

/// Runs to the end of the inputs with full logging, in both formats, and searches everything visible for secrets.
fn works_and_tells_nothing(mut scenario: Scenario) {
    scenario.application.variables.push(("RUST_LOG".to_owned(), "trace".to_owned()));
    property(&mut scenario, "debug", "all");
    for format in ["text", "json"] {
        let mut one = scenario.application.arguments.clone();
        std::mem::swap(&mut one, &mut scenario.application.arguments);
        scenario.application.arguments.extend(["--log-format".to_owned(), format.to_owned()]);
        let mut service = scenario.application.start();
        scenario.wait_for_end(&mut service);
        let changes = || client::read_committed(scenario.broker, &scenario.application.changes);
        eventually("the first changes", LIMIT, || (!changes().is_empty()).then_some(()));
        for path in ["/metrics", "/", "/readyz", "/api/accounts", "/api/accounts/nobody", "/api/portfolio", "/api/pipeline"] {
            shows_no_secret(path, &service.get(path));
        }
        service.signal("HUP");
        eventually("the reload", LIMIT, || service.log().contains("the model has not changed").then_some(()));
        shows_no_secret("standard output", &service.output());
        shows_no_secret("the log", &service.terminate());
        scenario.application.arguments = one;
        scenario.topics.fill(scenario.broker, &simulated(42, 5, 1));
    }
    for command in [&["check"][..], &["topics"], &["topics", "acls"], &["topics", "reset"]] {
        let output = scenario.application.command(command);
        assert!(output.status.success(), "{command:?}: {}", text(&output));
        shows_no_secret(&format!("{command:?}"), &text(&output));
    }
}

/// Exits soon, with a message that names the cause and contains no secret.
fn is_refused(scenario: &Scenario, causes: &[&str]) {
    let log = scenario.application.start().fails_with("kafka");
    let last = log.lines().last().unwrap();
    assert!(causes.iter().all(|cause| last.to_lowercase().contains(cause)), "{causes:?} in {last}\n\n{log}");
    shows_no_secret("the log", &log);
    let check = scenario.application.command(&["check"]);
    assert_eq!(check.status.code(), Some(1));
    let output = text(&check);
    assert!(causes.iter().all(|cause| output.to_lowercase().contains(cause)), "{output}");
    shows_no_secret("check", &output);
}

#[test]
fn sasl_plain_authenticates() {
    let mut scenario = locked_out("plain", &Secured::shared().sasl());
    by_password(&mut scenario, "SASL_PLAINTEXT", "PLAIN", "plain", PASSWORD, false);
    works_and_tells_nothing(scenario);
}

#[test]
fn scram_sha_256_over_tls_authenticates() {
    let mut scenario = locked_out("scram256", &Secured::shared().sasl_tls());
    by_password(&mut scenario, "SASL_SSL", "SCRAM-SHA-256", "scram256", PASSWORD, true);
    trusting(&mut scenario, "ca.pem");
    works_and_tells_nothing(scenario);
}

#[test]
fn scram_sha_512_authenticates() {
    let mut scenario = locked_out("scram512", &Secured::shared().sasl());
    by_password(&mut scenario, "SASL_PLAINTEXT", "SCRAM-SHA-512", "scram512", PASSWORD, true);
    works_and_tells_nothing(scenario);
}

#[test]
fn an_unsecured_token_authenticates_if_the_broker_accepts_it() {
    let mut scenario = locked_out("bearer", &Secured::shared().sasl());
    property(&mut scenario, "security.protocol", "SASL_PLAINTEXT");
    property(&mut scenario, "sasl.mechanisms", "OAUTHBEARER");
    property(&mut scenario, "enable.sasl.oauthbearer.unsecure.jwt", "true");
    let file = scenario.application.file("token", "principal=bearer");
    property(&mut scenario, "sasl.oauthbearer.config", &format!("file:{file}"));
    works_and_tells_nothing(scenario);
}

#[test]
fn a_client_certificate_authenticates() {
    let mut scenario = locked_out("mutual", &Secured::shared().mutual_tls());
    by_certificate(&mut scenario);
    works_and_tells_nothing(scenario);
}

#[test]
fn a_missing_client_certificate_is_rejected() {
    let mut scenario = locked_out("anonymous", &Secured::shared().mutual_tls());
    property(&mut scenario, "security.protocol", "SSL");
    trusting(&mut scenario, "ca.pem");
    is_refused(&scenario, &["certificate"]);
}

#[test]
fn a_broker_whose_certificate_has_another_host_name_is_rejected() {
    let mut scenario = locked_out("misnamed", &Secured::shared().sasl_tls_misnamed());
    by_password(&mut scenario, "SASL_SSL", "PLAIN", "plain", PASSWORD, false);
    trusting(&mut scenario, "ca.pem");
    is_refused(&scenario, &["certificate verify failed", "host name other than"]);
}

#[test]
fn a_broker_with_a_certificate_of_an_unknown_authority_is_rejected() {
    let mut scenario = locked_out("stranger", &Secured::shared().sasl_tls());
    by_password(&mut scenario, "SASL_SSL", "PLAIN", "plain", PASSWORD, false);
    trusting(&mut scenario, "stranger.pem");
    is_refused(&scenario, &["certificate", "ssl.ca.location"]);
}

#[test]
fn a_wrong_password_is_rejected_by_every_mechanism() {
    for (mechanism, user) in [("PLAIN", "plain"), ("SCRAM-SHA-256", "scram256"), ("SCRAM-SHA-512", "scram512")] {
        let mut scenario = locked_out("wrong", &Secured::shared().sasl());
        by_password(&mut scenario, "SASL_PLAINTEXT", mechanism, user, &format!("{PASSWORD}-not"), false);
        is_refused(&scenario, &["authentication"]);
    }
}

#[test]
fn plaintext_to_a_tls_port_is_rejected() {
    let scenario = locked_out("plaintext", &Secured::shared().mutual_tls());
    is_refused(&scenario, &["security.protocol"]);
}

/// What a listener expects is recognised, whatever the client is configured for.
#[test]
fn a_listener_that_expects_other_security_is_recognised() {
    let secured = Secured::shared();
    let (plaintext, sasl, tls) = (secured.broker.address(), secured.sasl(), secured.sasl_tls());
    for (servers, protocol, causes) in [
        (&plaintext, "SASL_PLAINTEXT", ["expects neither tls nor sasl", "sasl_plaintext"]),
        (&plaintext, "SASL_SSL", ["expects neither tls nor sasl", "sasl_ssl"]),
        (&plaintext, "SSL", ["expects neither tls nor sasl", "plaintext"]),
        (&sasl, "PLAINTEXT", ["expects sasl", "sasl.mechanisms"]),
        (&sasl, "SASL_SSL", ["expects sasl without tls", "sasl_plaintext"]),
        (&tls, "PLAINTEXT", ["expects tls", "ssl, or sasl_ssl"]),
        (&tls, "SASL_PLAINTEXT", ["expects tls", "sasl_ssl"]),
    ] {
        let mut scenario = locked_out("mismatch", servers);
        if protocol.starts_with("SASL") {
            by_password(&mut scenario, protocol, "PLAIN", "plain", PASSWORD, false);
        } else {
            property(&mut scenario, "security.protocol", protocol);
        }
        if protocol.ends_with("SSL") {
            trusting(&mut scenario, "ca.pem");
        }
        is_refused(&scenario, &[&causes[..], &["security.protocol", servers]].concat());
    }
}

#[test]
fn the_port_of_a_controller_is_recognised() {
    let scenario = locked_out("controller", &Secured::shared().broker.controller_address());
    is_refused(&scenario, &["port of a controller", "kafka.bootstrap_servers"]);
}

#[test]
fn a_wrong_key_password_is_a_clear_error_before_any_connection() {
    let mut scenario = locked_out("key", &Secured::shared().mutual_tls());
    by_certificate(&mut scenario);
    let wrong = scenario.application.file("key-password", &format!("{KEY_PASSWORD}-not"));
    property(&mut scenario, "ssl.key.password", &format!("file:{wrong}"));
    let log = scenario.application.start().fails_with("kafka");
    assert!(log.contains("ssl.key.location"), "{log}");
    shows_no_secret("the log", &log);
}

/// The rights that `topics --acls` prints, one operation each.
fn printed_rights(scenario: &Scenario) -> Vec<Right> {
    let output = scenario.application.command(&["topics", "--acls"]);
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let (resource, rest) = line.split_at(18);
        let (name, operations) = rest.split_once(' ').unwrap();
        let right =
            |operation: &str| Right { resource: resource.trim().to_owned(), name: name.to_owned(), operation: operation.trim().to_owned() };
        operations.split(',').map(right).collect::<Vec<_>>()
    };
    printed.lines().flat_map(line).collect()
}

/// Authenticates as one of the users that have only the rights granted to them.
fn as_limited(scenario: &mut Scenario, number: usize) -> String {
    let user = format!("limited{number}");
    by_password(scenario, "SASL_PLAINTEXT", "PLAIN", &user, PASSWORD, false);
    user
}

#[test]
fn the_printed_rights_are_sufficient() {
    let secured = Secured::shared();
    let mut scenario = locked_out("enough", &secured.sasl());
    let user = as_limited(&mut scenario, 0);
    grant(&secured.broker, &user, &printed_rights(&scenario));
    let check = scenario.application.command(&["check"]);
    assert!(check.status.success(), "{}", text(&check));
    scenario.run_to_end();
    scenario.topics.fill(scenario.broker, &simulated(43, 5, 1));
    let service = scenario.application.start();
    eventually("changes", LIMIT, || {
        let changes = client::read_committed(scenario.broker, &scenario.application.changes);
        (!changes.is_empty()).then_some(())
    });
    service.terminate();
    let check = scenario.application.command(&["check"]);
    assert!(check.status.success(), "{}", text(&check));
    assert!(scenario.application.command(&["topics", "reset"]).status.success());
}

/// `check` as a user that lacks one right must name that right and no other.
fn check_names(scenario: &Scenario, right: &Right) {
    let check = scenario.application.command(&["check"]);
    let output = text(&check);
    assert_eq!(check.status.code(), Some(1), "{right:?}: {output}");
    assert!(
        output.contains(&format!(
            "not_allowed: {} {}: the principal of kafka.properties lacks {}",
            right.resource, right.name, right.operation
        )),
        "{right:?}: {output}"
    );
    assert!(output.contains("1 problem in the topics"), "{right:?}: {output}");
}

#[test]
fn check_names_each_missing_right_and_run_exits() {
    let secured = Secured::shared();
    let mut scenario = locked_out("lacking", &secured.sasl());
    let rights = printed_rights(&scenario);
    assert!(rights.len() < crate::kafka::secured::LIMITED_USERS, "{rights:?}");
    let given = scenario.application.arguments.clone();
    let creates = rights.iter().filter(|right| right.operation == "Create").count();
    for own_topics_exist in [false, true] {
        let of_phase = rights.iter().enumerate().filter(|(_, right)| (right.operation == "Create") != own_topics_exist);
        for (count, (place, right)) in of_phase.enumerate() {
            scenario.application.arguments.clone_from(&given);
            let user = as_limited(&mut scenario, place + 1);
            let others: Vec<Right> = rights.iter().filter(|other| *other != right).cloned().collect();
            grant(&secured.broker, &user, &others);
            check_names(&scenario, right);
            if !own_topics_exist && count + 1 < creates {
                // It would create the other topics.
                continue;
            }
            let failed = scenario.application.start().wait_for_failure();
            let last = failed.lines().last().unwrap_or_default();
            if right.operation == "Write" && right.name == scenario.application.changelog {
                // Describing and reading it is allowed: only writing fails, again and again.
                assert!(last.contains("no_progress"), "{failed}");
            }
            assert!(
                ["AuthorizationFailed", "authorization failed", "not_allowed"].iter().any(|words| last.contains(words)),
                "{right:?}: {failed}"
            );
        }
        scenario.application.arguments.clone_from(&given);
        by_password(&mut scenario, "SASL_PLAINTEXT", "PLAIN", "plain", PASSWORD, false);
        assert!(scenario.application.command(&["topics", "create"]).status.success());
    }
}
