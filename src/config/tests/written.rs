//! The keys that a configuration sets besides the model.

use super::config_of;

fn differences(one: &str, other: &str) -> Vec<String> {
    config_of(one).differences_besides_model(&config_of(other))
}

#[test]
fn differing_keys_are_listed_except_those_of_the_model() {
    let one = "[commit]\ninterval_ms = 1000\n[kafka.properties]\n\"sasl.password\" = \"hidden\"\n[bands]\ngreen = 70\n";
    let other = "[commit]\ninterval_ms = 2000\n[kafka]\nproperties.sasl.password = \"other\"\n[limits]\nusers = 5\n[bands]\ngreen = 75\n";
    assert_eq!(differences(one, other), ["commit.interval_ms", "kafka.properties.\"sasl.password\"", "limits.users"]);
    assert_eq!(differences(one, one), Vec::<String>::new());
}

#[test]
fn list_entries_count_as_separate_keys() {
    assert_eq!(
        differences("[streams.usage]\ntopics = [\"a\", \"b\"]", "[streams.usage]\ntopics = [\"a\", \"c\", \"d\"]"),
        ["streams.usage.topics[1]", "streams.usage.topics[2]"]
    );
}

#[test]
fn a_file_with_only_model_tables_is_a_model_alone() {
    assert!(config_of("[bands]\ngreen = 75").is_model_alone());
    assert!(!config_of("[bands]\ngreen = 75\n[http]\nlisten = \"127.0.0.1:0\"").is_model_alone());
}

#[test]
fn values_are_not_kept() {
    let config = config_of("[kafka.properties]\n\"sasl.password\" = \"hidden\"\n[http]\ntoken_file = \"\"");
    assert!(!format!("{config:?}").contains("hidden"));
}
