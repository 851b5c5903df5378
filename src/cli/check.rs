//! `churnwatch check`: reports every problem in the configuration, then every problem with its topics and their records; or, with
//! `--sample`, what would become of each line of a file.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::Globals;
use super::cluster::{Address, Cluster};
use super::sample::Sample;
use super::sample_topic::SampleTopic;
use crate::config::Config;
use crate::config::section::FormatName;
use crate::event::{Format, Stream};
use crate::stream::preflight::survey::survey;
use crate::stream::preflight::trial::trials;
use crate::stream::{Options, Permits};

const EXAMPLES: &str = "\
Examples:
  churnwatch check --config config/churnwatch.toml
  churnwatch check --config config/churnwatch.toml --offline --set application.threads=2
  churnwatch check --sample usage.ndjson --stream usage          what would become of each line, as JSON; needs no Kafka
  churnwatch check --sample calls.ndjson --stream usage --format segment
  churnwatch check --sample events.ndjson --stream billing --mapping chargebee
  churnwatch check --sample-topic calls --stream usage --format segment --bootstrap-servers broker:9092    what share of it ends how";

/// Options of `check`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Check only the configuration: contact no broker and read no secrets
    #[arg(long)]
    pub offline: bool,
    /// Try the lines of a file instead: a line of JSON for each on standard output; - is standard input
    #[arg(long, value_name = "FILE", requires = "stream", conflicts_with = "offline", group = "sampled")]
    pub sample: Option<PathBuf>,
    /// Try the newest records of a topic instead: a line of JSON for each way in which they end on standard output; needs only a broker
    #[arg(long, value_name = "TOPIC", requires = "stream", conflicts_with = "offline", group = "sampled")]
    pub sample_topic: Option<String>,
    /// The stream of the sample: usage, billing, support, feedback or accounts
    #[arg(long, requires = "sampled", value_parser = stream)]
    pub stream: Option<Stream>,
    /// Format of the sample, such as segment; default: the one of the configuration
    #[arg(long, value_name = "FORMAT", requires = "sampled", value_parser = super::format)]
    pub format: Option<FormatName>,
    /// Format of what is inside an envelope, with --format cloudevents
    #[arg(long, value_name = "FORMAT", requires = "sampled", value_parser = super::inner_format)]
    pub inner_format: Option<FormatName>,
    /// Mapping of the sample: a shipped one, such as chargebee, or the path of a file
    #[arg(long, value_name = "MAPPING", requires = "sampled")]
    pub mapping: Option<String>,
    /// Each line of the sample is a record: {key, timestamp, headers, value}
    #[arg(long, requires = "sample")]
    pub records: bool,
    /// The cluster.
    #[command(flatten)]
    pub cluster: Cluster,
    /// Where the page would be served.
    #[command(flatten)]
    pub address: Address,
}

/// Parses the name of a stream.
fn stream(name: &str) -> Result<Stream, String> {
    let known = Stream::ALL.map(Stream::name);
    Stream::ALL.into_iter().find(|stream| stream.name() == name).ok_or_else(|| format!("streams are {}", known.join(", ")))
}

/// Checks the configuration, then the topics.
///
/// # Errors
/// All problems in the configuration; a cluster that cannot be reached.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let globals = &args.address.within(args.cluster.within(globals));
    if let (Some(topic), Some(stream)) = (&args.sample_topic, args.stream) {
        let config = globals.load()?;
        return SampleTopic { topic, stream, format: args.format_of_sample(stream, &config)? }.run(&config, globals.quiet);
    }
    if let (Some(path), Some(stream)) = (&args.sample, args.stream) {
        let config = globals.load_offline()?;
        let format = args.format_of_sample(stream, &config)?;
        return Sample { path, stream, format: &format, records: args.records }.run(&config, globals.quiet);
    }
    let config = if args.offline { globals.load_offline() } else { globals.load() }?;
    if !globals.quiet {
        eprint!("{}", summary(&config));
    }
    for warning in &config.warnings {
        eprintln!("warning: {warning}");
    }
    if args.offline { Ok(ExitCode::SUCCESS) } else { check_topics(&config) }
}

impl Args {
    fn format_of_sample(&self, stream: Stream, config: &Config) -> anyhow::Result<Arc<Format>> {
        let format = match &self.mapping {
            Some(written) => super::mapping(written, "--mapping", stream, (self.format, self.inner_format))?,
            None => config.streams.format(stream, self.format, self.inner_format),
        };
        super::check_inner(&format, self.inner_format, "--inner-format")?;
        Ok(format)
    }
}

/// Checks the topics that the configuration names, and their newest records.
fn check_topics(config: &Config) -> anyhow::Result<ExitCode> {
    let options = Options::of(config, Permits::none(config.kafka.start));
    let mut survey = survey(&options)?;
    eprint!("{survey}");
    match trials(&options) {
        Ok(trials) => {
            for trial in &trials {
                eprint!("{trial}");
            }
            survey.problems.extend(trials.iter().flat_map(|trial| trial.problems(&options)));
        }
        // The survey has reported the missing right already, if it is one.
        Err(failure) if survey.problems.is_empty() => return Err(failure.into()),
        Err(failure) => eprintln!("records      not sampled: {failure}"),
    }
    eprint!("{}", survey.problem_lines());
    match survey.problems.len() {
        0 => eprintln!("topics: OK"),
        1 => eprintln!("1 problem in the topics"),
        count => eprintln!("{count} problems in the topics"),
    }
    Ok(if survey.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a valid configuration comes down to.
fn summary(config: &Config) -> String {
    let application = &config.application;
    let membership = match application.instance.as_str() {
        "" => "dynamic membership".to_owned(),
        instance => format!("static member `{instance}`"),
    };
    let mut text = format!("application  {}, {membership}, threads: {}\n", application.id, application.threads);
    for stream in Stream::ALL {
        let topics: Vec<String> = config.streams.topics(stream).into_iter().map(|topic| topic.name).collect();
        let topics = if topics.is_empty() { "not read".to_owned() } else { topics.join(", ") };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<12} {topics}", stream.name());
    }
    let lines = [
        ("changes", config.output.changes_topic.as_str()),
        ("dead letters", &config.output.dead_letters_topic),
        ("changelog", &application.changelog_topic()),
        ("brokers", &config.kafka.bootstrap_servers),
        ("model", &format!("{} {}", config.model.name, config.model.hash)),
        ("money", &format!("{:?}, days in {}", config.money.reporting_currency, config.time.reporting_time_zone.name())),
        ("http", &config.http.listen.to_string()),
    ];
    for (name, value) in lines {
        let _ = writeln!(text, "{name:<12} {value}");
    }
    text + "the configuration is valid\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_what_will_be_read_and_written() {
        let text = summary(&Config::default());
        for line in
            ["usage        product-usage\n", "feedback     not read\n", "changes      account-health\n", "the configuration is valid\n"]
        {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn offline_a_valid_configuration_passes_without_a_broker() {
        let code = run(&Args { offline: true, ..Args::default() }, &Globals::default()).unwrap();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    }

    #[test]
    fn every_problem_in_the_configuration_is_reported() {
        let set = ["commit.intervall_ms=1", "http.listen=nowhere"].map(str::to_owned).to_vec();
        let error = run(&Args { offline: true, ..Args::default() }, &Globals { set, ..Globals::default() }).unwrap_err().to_string();
        assert!(error.contains("--set: commit.intervall_ms: unknown key; did you mean `interval_ms`?"), "{error}");
        assert!(error.contains("--set: http.listen: `nowhere` is not an address with a port"), "{error}");
        assert!(error.ends_with("2 problems in the configuration"), "{error}");
    }
}
