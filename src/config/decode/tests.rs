//! Every problem is reported at once, each at its location.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::*;
use crate::config::tree;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Document {
    first: Section,
    second: Section,
    table: BTreeMap<String, f64>,
    list: Vec<Item>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Section {
    number: u32,
    ratio: f64,
    text: String,
    flag: bool,
    choice: Choice,
    texts: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    name: String,
    #[serde(default)]
    at: [f64; 2],
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    #[default]
    GoOn,
    Exit,
}

fn read(text: &str) -> (Document, Vec<String>) {
    let root = tree::parse(text, Path::new("f.toml")).unwrap_or_else(|problems| panic!("{problems:?}"));
    let Decoded { value, problems, .. } = decode::<Document>(&root, &["elsewhere"]);
    (value, problems.iter().map(ToString::to_string).collect())
}

fn problem_of(text: &str) -> String {
    let (_, problems) = read(text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].clone()
}

#[test]
fn a_document_without_problems_is_decoded_completely() {
    let (document, problems) = read(
        "[first]\nnumber = 7\nratio = 1\ntext = \"x\"\nflag = true\nchoice = \"exit\"\n[[list]]\nname = \"n\"\nat = [1, 2.5]\n[elsewhere]\nz = 1\n",
    );
    assert_eq!(problems, Vec::<String>::new());
    let first = Section { number: 7, ratio: 1.0, text: "x".to_owned(), flag: true, choice: Choice::Exit, texts: vec![] };
    assert_eq!(document.first, first);
    assert_eq!(document.list, [Item { name: "n".to_owned(), at: [1.0, 2.5] }]);
}

#[test]
fn for_an_unknown_key_the_nearest_is_suggested() {
    assert_eq!(problem_of("[first]\n\nnumbre = 1\n"), "f.toml:3: first.numbre: unknown key; did you mean `number`?");
    assert_eq!(problem_of("[frist]\n"), "f.toml:1: frist: unknown key; did you mean `first`?");
    assert_eq!(problem_of("[elsewhree]\n"), "f.toml:1: elsewhree: unknown key; did you mean `elsewhere`?");
    assert_eq!(
        problem_of("[[list]]\nname = \"\"\n[[list]]\nname = \"\"\nnam = 1\n"),
        "f.toml:5: list[1].nam: unknown key; did you mean `name`?"
    );
}

#[test]
fn a_wrong_type_says_what_is_allowed() {
    let problems = [
        ("[first]\nnumber = \"x\"\n", "f.toml:2: first.number: must be a whole number >= 0, not a string"),
        ("[first]\nnumber = 1.5\n", "f.toml:2: first.number: must be a whole number >= 0, not a number with decimals"),
        ("[first]\nnumber = -1\n", "f.toml:2: first.number: -1 is out of range: must be a whole number >= 0"),
        ("[first]\nratio = nan\n", "f.toml:2: first.ratio: must be a finite number"),
        ("[first]\nflag = 1\n", "f.toml:2: first.flag: must be true or false, not a whole number"),
        ("[first]\ntext = 1\n", "f.toml:2: first.text: must be a string, not a whole number"),
        ("[first]\ntexts = [\n\"a\",\n1]\n", "f.toml:4: first.texts[1]: must be a string, not a whole number"),
        ("[first]\ntexts = \"a\"\n", "f.toml:2: first.texts: must be a list, not a string"),
        ("first = 3\n", "f.toml:1: first: must be a table, not a whole number"),
        ("[table]\na = []\n", "f.toml:2: table.a: must be a number, not a list"),
    ];
    for (text, problem) in problems {
        assert_eq!(problem_of(text), problem);
    }
}

#[test]
fn an_invalid_name_lists_the_valid_ones() {
    let problem = problem_of("[first]\nchoice = \"exti\"\n");
    assert_eq!(problem, "f.toml:2: first.choice: `exti` is not allowed: must be one of go_on, exit; did you mean `exit`?");
}

#[test]
fn a_missing_key_is_reported_at_its_table() {
    assert_eq!(problem_of("\n[[list]]\nat = [1, 2]\n"), "f.toml:2: list[0].name: is missing");
}

#[test]
fn all_problems_are_reported_at_once_and_none_is_a_consequence_of_another() {
    let (document, problems) =
        read("a = 1\n[first]\nnumber = \"x\"\nratio = 2.5\nb = 2\n[[list]]\nname = 3\n[[list]]\nname = \"kept\"\nc = 1\n");
    assert_eq!(problems.len(), 5, "{problems:?}");
    assert!((document.first.ratio - 2.5).abs() < f64::EPSILON);
    assert_eq!(document.list.len(), 1);
    for place in ["f.toml:1: a:", "f.toml:3: first.number:", "f.toml:5: first.b:", "f.toml:7: list[0].name:", "f.toml:10: list[1].c:"] {
        assert!(problems.iter().any(|problem| problem.starts_with(place)), "{place} {problems:?}");
    }
}
