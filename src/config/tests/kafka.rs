//! Names in the cluster, brokers, and librdkafka properties.

use super::assert_problem;

#[test]
fn application_names_must_be_valid_in_group_and_topic_names() {
    assert_problem("[application]\nid = \"a b\"\n", "c.toml:2: application.id: must be 1 to 200 letters, digits, `.`, `_` or `-`");
    assert_problem(
        "[application]\ninstance = \"pod/0\"\n",
        "c.toml:2: application.instance: must be 1 to 200 letters, digits, `.`, `_` or `-`; empty for dynamic membership",
    );
}

#[test]
fn brokers_must_be_hosts_with_ports() {
    assert_problem(
        "[kafka]\nbootstrap_servers = \"kafka-1:9092,kafka-2\"\n",
        "c.toml:2: kafka.bootstrap_servers: `kafka-2` is not a valid host:port, as in kafka-1:9092; did you mean kafka-2:9092?",
    );
    assert_problem(
        "[kafka]\nbootstrap_servers = \"\"\n",
        "c.toml:2: kafka.bootstrap_servers: must name at least one broker, as in kafka-1:9092,kafka-2:9092",
    );
}

#[test]
fn brokers_are_not_urls() {
    for (url, scheme) in [("kafka://b:9092", "kafka"), ("http://b:9092/path", "http"), ("PLAINTEXT://b:9092", "PLAINTEXT")] {
        assert_problem(
            &format!("[kafka]\nbootstrap_servers = \"{url}\"\n"),
            &format!("c.toml:2: kafka.bootstrap_servers: `{url}` is a URL: write host:port without `{scheme}://`, as in b:9092"),
        );
    }
}

#[test]
fn sasl_needs_a_mechanism_and_its_credentials() {
    let protocol = "[kafka.properties]\nsecurity.protocol = \"SASL_PLAINTEXT\"\n";
    assert_problem(
        protocol,
        "c.toml:2: kafka.properties.\"security.protocol\": SASL_PLAINTEXT needs a mechanism: set sasl.mechanisms to PLAIN, SCRAM-SHA-256 or \
         SCRAM-SHA-512",
    );
    assert_problem(
        &format!("{protocol}sasl.mechanism = \"PLAIN\"\nsasl.username = \"u\"\n"),
        "c.toml:3: kafka.properties.\"sasl.mechanism\": PLAIN needs sasl.password, which is not set",
    );
    assert_problem(
        &format!("{protocol}sasl.mechanisms = \"GSSAPI\"\n"),
        "c.toml:3: kafka.properties.\"sasl.mechanisms\": Kerberos is not built into this program: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
    );
}

#[test]
fn credentials_that_are_never_sent_are_a_warning() {
    let config = super::config_of("[kafka.properties]\nsasl.username = \"u\"\nsasl.password = \"p\"\n");
    let warning = config.warnings[0].to_string();
    assert!(
        warning.ends_with("has no effect, because security.protocol is PLAINTEXT: set that to SASL_SSL, or to SASL_PLAINTEXT without TLS")
    );
}

#[test]
fn properties_must_exist_in_librdkafka_and_not_be_set_by_the_service() {
    assert_problem(
        "[kafka.properties]\n\"sasl.pasword\" = \"x\"\n",
        "c.toml:2: kafka.properties.\"sasl.pasword\": librdkafka has no such property; did you mean `sasl.password`?",
    );
    assert_problem(
        "[kafka.properties]\ngroup.id = \"x\"\n",
        "c.toml:2: kafka.properties.\"group.id\": cannot be set here: the group is application.id",
    );
    assert_problem(
        "[kafka.properties]\nsecurity.protocol = \"tls\"\n",
        "c.toml:2: kafka.properties.\"security.protocol\": Invalid value \"tls\" for configuration property \"security.protocol\"",
    );
    assert_problem(
        "[kafka.properties]\n\"sasl.password\" = []\n",
        "c.toml:2: kafka.properties.\"sasl.password\": must be a string, a number, or true or false, not a list",
    );
}

#[test]
fn a_token_that_cannot_be_fetched_is_reported_before_any_broker_is_contacted() {
    assert_problem(
        "[kafka.properties]\nsecurity.protocol = \"SASL_SSL\"\nsasl.mechanisms = \"OAuthBearer\"\n",
        "c.toml:3: kafka.properties.\"sasl.mechanisms\": a token for OAUTHBEARER cannot be fetched: this program is built without OIDC; use \
         SCRAM-SHA-512, PLAIN or a client certificate",
    );
    assert_problem(
        "[kafka.properties]\nsasl.oauthbearer.method = \"oidc\"\n",
        "c.toml:2: kafka.properties.\"sasl.oauthbearer.method\": Configuration property \"sasl.oauthbearer.method\" not supported in this \
         build: OAuth/OIDC depends on libcurl and OpenSSL which were not available at build time",
    );
}
