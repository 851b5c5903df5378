//! Secrets come from files and variables, and are never shown.

use super::{Folder, problems_of};
use crate::config::Config;

const CANARY: &str = "canary-9f2c17d04b";

#[test]
fn secrets_are_read_from_files_and_variables() {
    let text =
        "[kafka.properties]\nsasl.password = \"file:password\"\n\"ssl.key.password\" = \"env:KEY\"\n[http]\ntoken_file = \"token\"\n";
    let folder = Folder::with(&[("c.toml", text), ("password", "p\r\n"), ("token", "0123456789abcdef\n")]);
    let config = folder.load(&[], &[("KEY", "k")]).unwrap();
    let properties: Vec<_> = config.kafka.properties.iter().map(|(name, value)| (name, value.expose())).collect();
    assert_eq!(properties, [("sasl.password", "p"), ("ssl.key.password", "k")]);
    assert_eq!(config.http.token.unwrap().expose(), "0123456789abcdef");
}

#[test]
fn no_secret_is_in_debug_output_or_problems() {
    let text = format!(
        "[kafka.properties]\n\"sasl.password\" = \"{CANARY}\"\n\"ssl.key.password\" = \"file:key\"\n\"ssl.key.pem\" = \"env:PEM\"\n"
    );
    let token = format!("{text}[http]\ntoken_file = \"key\"\n");
    let env = [("PEM", CANARY), ("CHURNWATCH_KAFKA__PROPERTIES__SSL_KEYSTORE_PASSWORD", CANARY)];
    let folder = Folder::with(&[("c.toml", &token), ("key", CANARY)]);
    let config = folder.load(&[], &env).unwrap();
    assert!(!format!("{config:?} {config:#?}").contains(CANARY));
    let problems = folder.load(&["nonsense.key=1", &format!("kafka.properties.sasl.password={CANARY}")], &env).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(!format!("{problems:?}").contains(CANARY));
    for broken in
        [format!("[kafka.properties]\nsasl.password = {CANARY}\n"), format!("[kafka.properties]\nsasl.password = [\"{CANARY}\"]\n")]
    {
        let problems = problems_of(&broken);
        assert!(!problems.is_empty() && !format!("{problems:?}").contains(CANARY), "{problems:?}");
    }
}

#[test]
fn a_secret_on_the_command_line_is_refused_but_not_a_reference_to_it() {
    let folder = Folder::with(&[("c.toml", "")]);
    assert_eq!(
        folder.load(&["kafka.properties.sasl.password=p"], &[]).unwrap_err(),
        ["--set: kafka.properties.\"sasl.password\": every user of this machine can read command-line options: use file:PATH or env:NAME"]
    );
    assert!(folder.load(&["kafka.properties.sasl.password=env:P"], &[("P", "p")]).is_ok());
}

#[test]
fn a_missing_secret_is_a_problem_unless_the_command_is_offline() {
    let text = "[kafka.properties]\n\"sasl.password\" = \"env:P\"\n\"ssl.key.pem\" = \"file:key\"\n";
    let folder = Folder::with(&[("c.toml", text)]);
    let problems = folder.load(&[], &[("P", "")]).unwrap_err();
    assert_eq!(problems[0], "c.toml:2: kafka.properties.\"sasl.password\": the environment variable P is empty: set it for this process");
    assert!(problems[1].starts_with("c.toml:3: kafka.properties.\"ssl.key.pem\": cannot read key: no such file in "), "{problems:?}");
    assert!(folder.load(&[], &[]).unwrap_err()[0].ends_with("the environment variable P is not set: set it for this process"));
    assert!(Config::load_offline(Some(&folder.path("c.toml")), &[], []).is_ok());
}

#[test]
fn a_token_must_be_one_long_line() {
    let folder = Folder::with(&[("c.toml", "[http]\ntoken_file = \"token\"\n"), ("token", "short\n")]);
    assert_eq!(
        folder.load(&[], &[]).unwrap_err(),
        ["c.toml:2: http.token_file: the file must hold one line of at least 16 ASCII characters without spaces"]
    );
}

#[test]
fn an_open_address_without_a_token_is_a_warning() {
    let open = Folder::with(&[("c.toml", "[http]\nlisten = \"0.0.0.0:9400\"\n")]).load(&[], &[]).unwrap();
    assert!(
        open.warnings[0]
            .to_string()
            .ends_with("c.toml:2: http.listen: anyone who can reach this address can read every account: set http.token_file")
    );
    assert_eq!(super::config_of("[http]\nlisten = \"[::1]:9400\"\n").warnings, []);
}

#[test]
fn an_unverified_broker_is_a_warning() {
    let config = super::config_of(
        "[kafka.properties]\n\"enable.ssl.certificate.verification\" = false\nssl.endpoint.identification.algorithm = \"none\"\n",
    );
    assert_eq!(config.warnings.len(), 2);
    assert_eq!(config.warnings[0].key, "kafka.properties.\"enable.ssl.certificate.verification\"");
}

#[test]
fn an_unsigned_token_is_a_warning() {
    let properties = "security.protocol = \"SASL_SSL\"\nsasl.mechanisms = \"OAUTHBEARER\"\nenable.sasl.oauthbearer.unsecure.jwt = true\n";
    let config = super::config_of(&format!("[kafka.properties]\n{properties}"));
    assert_eq!(config.warnings.len(), 1);
    assert_eq!(config.warnings[0].key, "kafka.properties.\"enable.sasl.oauthbearer.unsecure.jwt\"");
}
