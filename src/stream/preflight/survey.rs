//! What there is in the cluster and what is missing: every problem at once, for people, before the service starts.

use std::fmt;

use super::inputs::Inputs;
use super::topics::{self, OwnTopic};
use super::{group, rights, sample};
use crate::kafka::{Found, Inspector};
use crate::stream::failure::Failure;
use crate::stream::options::Options;

/// What was found.
#[derive(Debug, Default)]
pub struct Survey {
    /// Each input topic with its partitions; `None`: there is no such topic.
    pub inputs: Vec<(String, Option<i32>)>,
    /// Each topic of our own with the partitions that it has; `None`: it is missing.
    pub own: Vec<(OwnTopic, Option<i32>)>,
    /// How keys are partitioned, in words; empty where that could not be found out.
    pub partitioners: String,
    /// Everything that `run` would refuse.
    pub problems: Vec<Failure>,
}

/// Looks at the cluster. Changes nothing.
///
/// # Errors
/// When the cluster does not answer.
pub fn survey(options: &Options) -> Result<Survey, Failure> {
    let inspector = Inspector::new(&options.properties)?;
    let mut survey = Survey::default();
    for name in options.input_names() {
        let found = inspector.find(name)?;
        if found == Found::Missing {
            survey.problems.push(Failure::TopicMissing { topic: name.to_owned(), hint: "; input topics are not created" });
        }
        let partitions = if let Found::Partitions(count) = found { Some(count) } else { None };
        survey.inputs.push((name.to_owned(), partitions));
    }
    survey.look_at_rights(options, &inspector)?;
    if !survey.problems.is_empty() {
        return Ok(survey);
    }
    match Inputs::describe(options, &inspector) {
        Ok(inputs) => survey.look_further(options, &inputs, &inspector)?,
        Err(failure) => survey.problems.push(failure),
    }
    Ok(survey)
}

impl Survey {
    /// Everything that `run` would refuse, one a line; nothing where there is nothing.
    #[must_use]
    pub fn complaints(&self) -> String {
        let lines: Vec<String> = self.problems.iter().map(|problem| format!("error: {}: {problem}\n", problem.code())).collect();
        lines.concat()
    }

    fn look_at_rights(&mut self, options: &Options, inspector: &Inspector) -> Result<(), Failure> {
        let counts = self.inputs.iter().filter_map(|(_, partitions)| *partitions);
        let mut to_make = Vec::new();
        for topic in topics::own_topics(options, counts.max().unwrap_or(1)) {
            // One that is hidden may be there: whether it could be made cannot be told.
            if inspector.find(&topic.name)? == Found::Missing {
                to_make.push(topic);
            }
        }
        self.problems.extend(rights::missing(options, inspector, &to_make)?);
        Ok(())
    }

    fn look_further(&mut self, options: &Options, inputs: &Inputs, inspector: &Inspector) -> Result<(), Failure> {
        for topic in topics::own_topics(options, inputs.partitions) {
            let found = inspector.partitions(&topic.name)?;
            self.problems.extend(topics::problem(options, &topic, found));
            self.own.push((topic, found));
        }
        self.problems.extend(group::check_topics(options, inspector).err());
        match sample::partitioners(options, inputs, inspector) {
            Ok(Some(partitioners)) => self.partitioners = partitioners.names(),
            Ok(None) => "not compared".clone_into(&mut self.partitioners),
            Err(failure) => self.problems.push(failure),
        }
        Ok(())
    }
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |partitions: Option<i32>| partitions.map_or_else(|| "missing".to_owned(), |count| format!("{count} partitions"));
        for (name, partitions) in &self.inputs {
            writeln!(f, "input        {name:<40} {}", count(*partitions))?;
        }
        for (topic, partitions) in &self.own {
            writeln!(f, "{:<12} {:<40} {}", topic.purpose, topic.name, count(*partitions))?;
        }
        if !self.partitioners.is_empty() {
            writeln!(f, "partitioner  {}", self.partitioners)?;
        }
        Ok(())
    }
}

/// Creates those of our topics that are missing, and returns their names.
///
/// # Errors
/// If an input topic is missing, or the cluster refuses.
pub fn create_missing(options: &Options) -> Result<Vec<String>, Failure> {
    let inspector = Inspector::new(&options.properties)?;
    let inputs = Inputs::describe(options, &inspector)?;
    let created = topics::create_missing(options, &topics::own_topics(options, inputs.partitions), &inspector)?;
    Ok(created.into_iter().map(|topic| topic.name).collect())
}
