//! Surveys the cluster for `check` and `topics`: what exists, and every problem at once.

use std::collections::BTreeMap;
use std::fmt;

use super::inputs::Inputs;
use super::topics::{self, OwnTopic};
use super::{group, rights, sample, stamps};
use crate::kafka::{Consumer, Found, Inspector};
use crate::stream::failure::Failure;
use crate::stream::machine::stamp::Basis;
use crate::stream::options::Options;

/// What the survey found.
#[derive(Debug, Default)]
pub struct Survey {
    /// Each input topic with its partitions; `None` if it does not exist or may not be described.
    pub inputs: Vec<(String, Option<i32>)>,
    /// Each topic that the service writes with its partitions; `None` if it is missing.
    pub own: Vec<(OwnTopic, Option<i32>)>,
    /// The partitioners that fit the keys, as text for users; empty if they could not be determined.
    pub partitioners: String,
    /// Every reason for `run` to refuse to start.
    pub problems: Vec<Failure>,
    /// Whether `run` creates what is missing of its own topics.
    pub creates: bool,
}

/// Checks the cluster. Changes nothing.
///
/// # Errors
/// If the cluster does not answer.
pub fn survey(options: &Options) -> Result<Survey, Failure> {
    let inspector = Inspector::new(&options.properties)?;
    let mut survey = Survey { creates: options.create_topics, ..Survey::default() };
    for name in options.input_names() {
        let found = inspector.find(name)?;
        if found == Found::Missing {
            survey.problems.push(Failure::TopicMissing { topic: name.to_owned(), hint: "; input topics are not created" });
        }
        let partitions = if let Found::Partitions(count) = found { Some(count) } else { None };
        survey.inputs.push((name.to_owned(), partitions));
    }
    survey.check_rights(options, &inspector)?;
    if !survey.problems.is_empty() {
        survey.check_what_is_visible(options, &inspector)?;
        return Ok(survey);
    }
    match Inputs::describe(options, &inspector) {
        Ok(inputs) => survey.check_topics(options, inputs, &inspector)?,
        Err(failure) => survey.problems.push(failure),
    }
    Ok(survey)
}

impl Survey {
    /// The problems, one per line; empty if there are none.
    #[must_use]
    pub fn problem_lines(&self) -> String {
        let lines: Vec<String> = self.problems.iter().map(|problem| format!("error: {}: {problem}\n", problem.code())).collect();
        lines.concat()
    }

    /// Looks for more problems where some keep the topics from being compared as a whole.
    fn check_what_is_visible(&mut self, options: &Options, inspector: &Inspector) -> Result<(), Failure> {
        let is_direct = |name: &str| options.repartitioned().all(|topic| topic.name != name);
        let counts = self.inputs.iter().filter(|(name, _)| is_direct(name));
        let known: Vec<(&str, i32)> = counts.filter_map(|(name, count)| Some((name.as_str(), (*count)?))).collect();
        if known.iter().any(|(_, count)| Some(*count) != known.first().map(|(_, count)| *count)) {
            let counts = known.iter().map(|(name, count)| format!("{name}: {count}")).collect::<Vec<_>>();
            self.problems.push(Failure::PartitionCountsDiffer { counts: counts.join(", ") });
        }
        for topic in topics::own_topics(options, 1) {
            if inspector.find(&topic.name)? == Found::Missing {
                self.problems.extend(topics::problem(options, &topic, None));
            }
        }
        self.problems.extend(group::check_topics(options, inspector).err());
        Ok(())
    }

    fn check_rights(&mut self, options: &Options, inspector: &Inspector) -> Result<(), Failure> {
        let counts = self.inputs.iter().filter_map(|(_, partitions)| *partitions);
        let mut to_create = Vec::new();
        for topic in topics::own_topics(options, counts.max().unwrap_or(1)) {
            // A hidden topic may exist, so trying to create it would prove nothing.
            if inspector.find(&topic.name)? == Found::Missing {
                to_create.push(topic);
            }
        }
        self.problems.extend(rights::missing(options, inspector, &to_create)?);
        Ok(())
    }

    fn check_topics(&mut self, options: &Options, mut inputs: Inputs, inspector: &Inspector) -> Result<(), Failure> {
        let mut has_changelog = false;
        for topic in topics::own_topics(options, inputs.partitions) {
            let found = inspector.partitions(&topic.name)?;
            self.problems.extend(topics::problem(options, &topic, found));
            if topic.name == options.changelog_topic() && found.is_some() {
                has_changelog = found == Some(inputs.partitions);
                self.problems.extend(topics::check_policy(&topic.name, inspector).err());
            }
            self.own.push((topic, found));
        }
        self.problems.extend(group::check_topics(options, inspector).err());
        match sample::sampled(options, &inputs, inspector) {
            Ok(sampled) => {
                self.partitioners = sampled.partitioning.map_or_else(|| "not compared".to_owned(), |found| found.candidates.names());
                if !sampled.short.is_empty() {
                    self.partitioners += ", by a part of the records";
                }
                self.problems.extend(sampled.short.iter().map(|short| short.shortfall.failure(&short.topic)));
                inputs.partitioning = sampled.partitioning;
            }
            Err(failure) => self.problems.push(failure),
        }
        if has_changelog {
            inputs.identify(options, inspector)?;
            self.check_state(options, &inputs)?;
        }
        Ok(())
    }

    /// Compares the stamps with the topics and the configuration. One problem of each kind is enough: all tasks have the same.
    fn check_state(&mut self, options: &Options, inputs: &Inputs) -> Result<(), Failure> {
        let reader = Consumer::new(&options.properties.reader(&options.application))?;
        let stamps = match stamps::newest(&reader, &options.changelog_topic(), inputs.partitions) {
            Ok(stamps) => stamps,
            Err(failure) => {
                self.problems.push(failure);
                return Ok(());
            }
        };
        let mut problems = BTreeMap::new();
        for stamp in stamps.values() {
            if let Err(failure) = Basis::continuing(Some(stamp), inputs, &options.settings) {
                problems.entry(failure.code()).or_insert(failure);
            }
        }
        self.problems.extend(problems.into_values());
        Ok(())
    }
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |partitions: Option<i32>, none: &str| partitions.map_or_else(|| none.to_owned(), |count| format!("{count} partitions"));
        for (name, partitions) in &self.inputs {
            writeln!(f, "input        {name:<40} {}", or(*partitions, "missing"))?;
        }
        let unmade = if self.creates { "will be created at start" } else { "missing" };
        for (topic, partitions) in &self.own {
            writeln!(f, "{:<12} {:<40} {}", topic.purpose, topic.name, or(*partitions, unmade))?;
        }
        if !self.partitioners.is_empty() {
            writeln!(f, "partitioner  {}", self.partitioners)?;
        }
        Ok(())
    }
}

/// Creates the topics that the service writes and that are missing; returns their names.
///
/// # Errors
/// If an input topic is missing, the cluster refuses, or an existing changelog would lose state.
pub fn create_missing(options: &Options) -> Result<Vec<String>, Failure> {
    let inspector = Inspector::new(&options.properties)?;
    let inputs = Inputs::describe(options, &inspector)?;
    let created = topics::create_missing(options, &topics::own_topics(options, inputs.partitions), &inspector)?;
    topics::check_policy(&options.changelog_topic(), &inspector)?;
    Ok(created.into_iter().map(|topic| topic.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: &str, purpose: &'static str) -> OwnTopic {
        OwnTopic { name: name.to_owned(), purpose, partitions: 4, settings: Vec::new(), counted: false, needed: true }
    }

    #[test]
    fn the_report_lists_every_topic_and_marks_the_missing_ones() {
        let survey = Survey {
            inputs: vec![("usage".to_owned(), Some(4)), ("billing".to_owned(), None)],
            own: vec![(own("churnwatch-a-changelog", "state"), None)],
            ..Survey::default()
        };
        let text = survey.to_string();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines,
            [
                vec!["input", "usage", "4", "partitions"],
                vec!["input", "billing", "missing"],
                vec!["state", "churnwatch-a-changelog", "missing"]
            ]
        );
    }

    #[test]
    fn what_run_creates_is_not_called_missing() {
        let survey = Survey { own: vec![(own("churnwatch-a-changelog", "state"), None)], creates: true, ..Survey::default() };
        assert!(survey.to_string().ends_with(" will be created at start\n"), "{survey}");
    }

    #[test]
    fn the_partitioner_is_shown_only_once_it_is_known() {
        let survey = Survey { partitioners: "murmur2".to_owned(), ..Survey::default() };
        assert_eq!(survey.to_string(), "partitioner  murmur2\n");
        assert_eq!(Survey::default().to_string(), "");
    }

    #[test]
    fn every_problem_is_one_line_that_starts_with_its_code() {
        let missing = |topic: &str| Failure::TopicMissing { topic: topic.to_owned(), hint: "" };
        let survey = Survey { problems: vec![missing("a"), missing("b")], ..Survey::default() };
        let expected = "error: topic_missing: topic a does not exist\nerror: topic_missing: topic b does not exist\n";
        assert_eq!(survey.problem_lines(), expected);
        assert_eq!(Survey::default().problem_lines(), "");
    }
}
