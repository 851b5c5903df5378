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
        "c.toml:2: kafka.bootstrap_servers: `kafka-2` is not a valid host:port",
    );
    assert_problem(
        "[kafka]\nbootstrap_servers = \"\"\n",
        "c.toml:2: kafka.bootstrap_servers: must name at least one broker, as in kafka-1:9092,kafka-2:9092",
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
