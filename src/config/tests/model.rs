//! The tables of the model: in the file, in a separate one, or from the default.

use super::{Folder, config_of, problems_of};
use crate::score::Model;

const COMPONENT: &str =
    "[[health.component]]\nname = \"a\"\ngroup = \"usage\"\nmetric = \"usage.trend\"\ncurve = [[0, 0], [1, 100]]\nweight = 1\n";

#[test]
fn without_tables_the_default_model_scores() {
    assert_eq!(config_of("").model, Model::default());
}

#[test]
fn the_model_may_be_in_the_file_or_in_a_separate_one() {
    let inline = config_of(COMPONENT).model;
    let files = Folder::with(&[("c.toml", "model_file = \"m.toml\"\n"), ("m.toml", COMPONENT)]);
    assert_eq!(files.load(&[], &[]).unwrap().model, inline);
    assert_eq!(inline.components.len(), 1);
}

#[test]
fn a_model_file_is_also_a_valid_configuration() {
    assert_eq!(config_of(include_str!("../../../config/model.toml")).model, Model::default());
}

#[test]
fn problems_in_the_model_name_their_lines() {
    let text = "[[health.component]]\nname = \"a\"\ngroup = \"usage\"\nmetric = \"usage.trendd\"\ncurve = [[0, 0], [1, 100]]\nweight = 1\n\n[bands]\ngren = 3\n";
    assert_eq!(
        problems_of(text),
        [
            "c.toml:4: health.component[0].metric: unknown metric `usage.trendd`; did you mean `usage.trend`?",
            "c.toml:9: bands.gren: unknown key; did you mean `green`?",
        ]
    );
}

#[test]
fn problems_in_the_model_file_name_that_file() {
    let files = [("c.toml", "model_file = \"m.toml\"\n[commit]\ninterval_ms = 0\n"), ("m.toml", "[publish]\nrisk = 2\n[comit]\n[riks]\n")];
    assert_eq!(
        Folder::with(&files).load(&[], &[]).unwrap_err(),
        [
            "c.toml:3: commit.interval_ms: 0 is out of range: must be 1 to 60000",
            "m.toml:2: publish.risk: must be above 0, at most 1",
            "m.toml:3: comit: is not a table of a model",
            "m.toml:4: riks: is not a table of a model; did you mean `risk`?",
        ]
    );
}

#[test]
fn a_table_in_both_files_is_a_problem() {
    let files = [("c.toml", "model_file = \"m.toml\"\n[bands]\ngreen = 80\n"), ("m.toml", "[bands]\ngreen = 70\n")];
    assert_eq!(
        Folder::with(&files).load(&[], &[]).unwrap_err(),
        ["c.toml:2: bands: is also set in the model file, m.toml:1: remove one of them"]
    );
}

#[test]
fn a_missing_model_file_is_reported_where_it_is_referred_to() {
    let problems = problems_of("\nmodel_file = \"m.toml\"\n");
    assert!(problems[0].starts_with("c.toml:2: model_file: cannot read m.toml: no such file in "), "{problems:?}");
}

#[test]
fn an_unreadable_component_causes_no_further_problems() {
    let text = format!("{COMPONENT}[[profile]]\nname = \"all\"\ncomponents = [\"a\"]\n[risk]\ncoefficients = {{ a = -1 }}\n");
    assert_eq!(
        problems_of(&text.replace("weight = 1", "weight = \"1\"")),
        ["c.toml:6: health.component[0].weight: must be a number, not a string"]
    );
}

#[test]
fn a_misspelt_key_is_not_also_reported_as_missing() {
    assert_eq!(
        problems_of("[[rule]]\nname = \"x\"\nwhen = \"usage.trend < 1\"\ncap_healt = 39\n"),
        ["c.toml:4: rule[0].cap_healt: unknown key; did you mean `cap_health`?"]
    );
}

#[test]
fn single_keys_of_the_default_model_can_be_overridden() {
    let folder = Folder::with(&[("c.toml", "")]);
    let model = folder.load(&["health.component[2].weight=30", "risk.coefficients.trend=-2", "rule[0].cap_health=20"], &[]).unwrap().model;
    let default = Model::default();
    assert_eq!(model.components.len(), default.components.len());
    assert_eq!((model.components[2].weight, model.components[2].coefficient), (30.0, -2.0));
    assert_eq!(model.components[0], default.components[0]);
    assert_eq!((model.rules[0].cap_health, model.rules.len()), (Some(20.0), default.rules.len()));
}

#[test]
fn single_keys_of_a_custom_model_can_be_overridden_without_mixing_in_the_default() {
    let folder = Folder::with(&[("c.toml", COMPONENT)]);
    let model = folder.load(&["bands.worse.points=4", "health.component[0].weight=2"], &[]).unwrap().model;
    assert_eq!((model.components.len(), model.rules.len(), model.profiles.len()), (1, 0, 1));
    assert_eq!((model.bands.worse.points, model.components[0].weight), (4.0, 2.0));
}
