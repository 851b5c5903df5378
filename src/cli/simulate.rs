//! `churnwatch simulate`: writes seeded synthetic events to NDJSON files or topics, with the true future of each account.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::pace::Pace;
use super::progress::{Progress, Unit};
use super::signals::stop_on_signals;
use super::{Globals, LogFormat, UsageError};
use crate::clock::now;
use crate::event::PerStream;
use crate::file::Existing;
use crate::kafka::Properties;
use crate::money::Currency;
use crate::simulate::{
    Disturb, Disturbance, Files, Generator, Kind, Label, Mix, Options, SimulatedRecord, Topics, truth, write_labels, write_truth,
};
use crate::time::{DAY_MS, Timestamp};

const EXAMPLES: &str = "\
Examples:
  churnwatch simulate --seed 7 --accounts 500 --days 365 --out-dir simulated
  churnwatch simulate --mix angry=1,healthy=3 --duplicates 0.01 --disorder-seconds 5 --bad 0.001 --out-dir simulated
  churnwatch simulate --bootstrap-servers 127.0.0.1:9092 --partitions 4 --rate 1000/s --labels labels.ndjson --truth truth.csv
  churnwatch simulate --bootstrap-servers 127.0.0.1:9092 --partitions 4 --days 90 --live

The same seed and options produce the same bytes.";

/// Most days that a live simulation goes on.
const LIVE_DAYS: u32 = 3_660;
/// Days after its history for which the behaviour of customers in a live simulation keeps changing.
const STORY_DAYS_LIVE: u32 = 40;

/// Options of `simulate`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Random seed
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Number of accounts
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub accounts: u32,
    /// Number of simulated days
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=3660))]
    pub days: u32,
    /// End of simulated time
    #[arg(long, allow_negative_numbers = true, value_name = "T", default_value = "2026-01-01T00:00:00Z", value_parser = end)]
    pub end: Timestamp,
    /// Usage relative to an active product with about 40 usage records per account and day
    #[arg(long, allow_negative_numbers = true, value_name = "FACTOR", default_value_t = 1.0, value_parser = activity)]
    pub activity: f64,
    /// Mix of account kinds: healthy, growing, slipping, silent, angry, churning, trial, seasonal, returning
    #[arg(long, value_name = "KIND=N,..", value_parser = mix)]
    pub mix: Option<Mix>,
    /// Currency of all prices
    #[arg(long, value_name = "ISO", default_value = "USD", value_parser = currency)]
    pub currency: String,
    /// Share of duplicated records, 0 to 1
    #[arg(long, allow_negative_numbers = true, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub duplicates: f64,
    /// Maximum delay of out-of-order records, in seconds
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub disorder_seconds: u32,
    /// Bad records to add, as a share of the good ones, 0 to 1
    #[arg(long, allow_negative_numbers = true, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub bad: f64,
    /// Stop after this many events
    #[arg(long, allow_negative_numbers = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub events: Option<u64>,
    /// Events per second; default: as fast as possible
    #[arg(long, allow_negative_numbers = true, value_name = "N/s", value_parser = rate)]
    pub rate: Option<u32>,
    /// End the simulated days now, then continue in real time until stopped
    #[arg(long, requires = "bootstrap_servers", conflicts_with_all = ["out_dir", "end", "events", "rate"])]
    pub live: bool,
    /// Directory for one NDJSON file per stream, labels.ndjson and truth.csv
    #[arg(long, value_name = "DIR", required_unless_present = "bootstrap_servers")]
    pub out_dir: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    pub overwrite: bool,
    /// Write to the configured topics of this cluster
    #[arg(long, value_name = "HOST:PORT,..", conflicts_with = "out_dir")]
    pub bootstrap_servers: Option<String>,
    /// Create missing topics, with this many partitions each
    #[arg(long, allow_negative_numbers = true, value_name = "N", requires = "bootstrap_servers", conflicts_with = "out_dir", value_parser = clap::value_parser!(i32).range(1..=10_000))]
    pub partitions: Option<i32>,
    /// File for the true future of each account when events go to topics
    #[arg(long, value_name = "FILE", requires = "bootstrap_servers", conflicts_with = "out_dir")]
    pub labels: Option<PathBuf>,
    /// File for who leaves within 90 days, week by week, and its true probability when events go to topics
    #[arg(long, value_name = "FILE", requires = "bootstrap_servers", conflicts_with_all = ["out_dir", "live"])]
    pub truth: Option<PathBuf>,
}

/// Parses `1000/s` or `1000`.
fn rate(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    number.parse().ok().filter(|rate| *rate > 0).ok_or_else(|| "must be events per second, such as 1000/s".to_owned())
}

/// Parses the end of simulated time. It leaves room for the invoices and renewals that follow it: no timestamp is later than the year 9999.
fn end(text: &str) -> Result<Timestamp, String> {
    const END_MAX: &str = "9000-01-01T00:00:00Z";
    let end = super::instant(text)?;
    let is_possible = Timestamp::parse_rfc3339(END_MAX).is_none_or(|max| end <= max);
    is_possible.then_some(end).ok_or_else(|| format!("must be at most {END_MAX}"))
}

/// Parses a currency code, as in records.
fn currency(text: &str) -> Result<String, String> {
    Currency::parse(text)
        .map(|currency| currency.code().to_owned())
        .ok_or_else(|| "must be a currency code of three letters, such as USD".to_owned())
}

/// Parses a share from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "must be a share from 0 to 1".to_owned())
}

/// Parses a factor from 0.001 to 1000.
fn activity(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|factor| (0.001..=1000.0).contains(factor)).ok_or_else(|| "must be a number from 0.001 to 1000".to_owned())
}

/// Parses `angry=1,healthy=3`; the share of any other kind is 0.
fn mix(text: &str) -> Result<Mix, String> {
    let mut shares = Mix::default();
    for part in text.split(',') {
        let (name, share) = part.split_once('=').ok_or("must be kind=share, as in angry=1,healthy=3")?;
        let place = Kind::ALL.iter().position(|kind| kind.name() == name.trim());
        let slot = place.and_then(|place| shares.get_mut(place)).ok_or_else(|| {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            format!("unknown kind `{name}`; kinds are {}", known.join(", "))
        })?;
        *slot = share.trim().parse().ok().filter(|share| *share <= 1_000_000).ok_or("a share is a whole number up to 1000000")?;
    }
    if shares.iter().any(|share| *share > 0) { Ok(shares) } else { Err("at least one share must be above 0".to_owned()) }
}

impl Args {
    fn options(&self) -> Options {
        let end = if self.live { Timestamp(now().millis() / DAY_MS * DAY_MS) } else { self.end };
        let (days, story_days) = if self.live { (self.days + LIVE_DAYS, self.days + STORY_DAYS_LIVE) } else { (self.days, self.days) };
        Options {
            seed: self.seed,
            accounts: self.accounts,
            start: end.plus(-i64::from(self.days) * DAY_MS),
            days,
            story_days,
            activity: self.activity,
            currency: self.currency.clone(),
            mix: self.mix.unwrap_or(Options::default().mix),
            ..Options::default()
        }
    }

    fn disturbance(&self) -> Disturbance {
        Disturbance { duplicates: self.duplicates, disorder_ms: i64::from(self.disorder_seconds) * 1000, bad: self.bad }
    }

    fn existing(&self) -> Existing {
        Existing::if_overwriting(self.overwrite)
    }

    fn events_max(&self) -> usize {
        self.events.map_or(usize::MAX, |events| usize::try_from(events).unwrap_or(usize::MAX))
    }
}

/// Writes the events.
///
/// # Errors
/// Problems in the configuration, files that cannot be written, and a cluster that cannot be reached.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    if args.out_dir.as_deref() == Some(Path::new("-")) {
        let remedy = "--out-dir names a directory, and `-` is none: name one, or write to topics with --bootstrap-servers";
        return Err(UsageError(remedy.to_owned()).into());
    }
    let options = args.options();
    let generator = Generator::new(&options);
    let labels: Vec<Label> = generator.labels().collect();
    let records = Disturb::new(generator, args.disturbance(), args.seed).take(args.events_max());
    let pace = if args.live { Pace::in_real_time(stop_on_signals()?) } else { Pace::at_rate(args.rate) };
    let mut written = Written::default();
    let is_quiet = globals.quiet || args.live;
    let records = watched(pace.limit(records), &options, is_quiet).inspect(|record| written.add(record));
    let places = if let Some(folder) = &args.out_dir {
        write_files(folder, args.existing(), records, (labels, &options))?;
        PerStream::from_fn(|stream| Some(folder.join(format!("{}.ndjson", stream.name())).display().to_string()))
    } else {
        // Before the topics are filled, so that a file that cannot be written is noticed early.
        args.labels.as_deref().map(|path| write_labels(path, args.existing(), labels.into_iter())).transpose()?;
        args.truth.as_deref().map(|path| write_truth(path, args.existing(), truth(&options))).transpose()?;
        write_topics(args, globals, records)?
    };
    let beside = |name: &str, other: &Option<PathBuf>| args.out_dir.as_ref().map(|folder| folder.join(name)).or_else(|| other.clone());
    let (labels, truth) = (beside("labels.ndjson", &args.labels), beside("truth.csv", &args.truth));
    if !globals.quiet {
        written.print(&places, &[("labels", labels), ("truth", truth)], args.accounts, globals.log_format);
    }
    Ok(ExitCode::SUCCESS)
}

fn write_files(
    folder: &Path,
    existing: Existing,
    records: impl Iterator<Item = SimulatedRecord>,
    (labels, options): (Vec<Label>, &Options),
) -> anyhow::Result<()> {
    let mut files = Files::create(folder, existing)?;
    for record in records {
        files.write(&record)?;
    }
    Ok(files.finish(labels.into_iter(), truth(options))?)
}

/// Returns the topic of each stream that has one; records of the others are dropped.
fn write_topics(
    args: &Args,
    globals: &Globals,
    records: impl Iterator<Item = SimulatedRecord>,
) -> anyhow::Result<PerStream<Option<String>>> {
    let config = globals.clone().with("--bootstrap-servers", "kafka.bootstrap_servers", args.bootstrap_servers.as_deref()).load()?;
    let names = PerStream::from_fn(|stream| config.streams.topics(stream).into_iter().next().map(|topic| topic.name));
    let topics = Topics::new(Properties::new(config.kafka.client_properties()), names.clone())?;
    match args.partitions {
        Some(partitions) => topics.create_missing(partitions)?,
        None => topics.find()?,
    }
    for record in records {
        topics.write(&record)?;
    }
    topics.finish().context("some simulated events did not reach the topics")?;
    Ok(names)
}

/// What has been written.
#[derive(Default)]
struct Written {
    events: PerStream<u64>,
    /// The first and the last time.
    period: Option<(Timestamp, Timestamp)>,
}

impl Written {
    fn add(&mut self, record: &SimulatedRecord) {
        *self.events.of_mut(record.stream) += 1;
        let (first, last) = self.period.unwrap_or((record.at, record.at));
        self.period = Some((first.min(record.at), last.max(record.at)));
    }

    /// Prints the events of each file or topic, the accounts and the period to standard error.
    fn print(&self, places: &PerStream<Option<String>>, futures: &[(&str, Option<PathBuf>); 2], accounts: u32, format: LogFormat) {
        let written = || self.events.iter().filter_map(|(stream, events)| Some((places.of(stream).as_ref()?, stream.name(), events)));
        let [(_, labels), (_, truth)] = futures.each_ref().map(|(name, path)| (name, path.as_ref().map(|path| path.display().to_string())));
        let (from, to) = self.period.map_or_else(Default::default, |(from, to)| (from.to_string(), to.to_string()));
        if format == LogFormat::Json {
            written().for_each(|(place, stream, events)| tracing::info!(stream, place, events, "events written"));
            tracing::info!(accounts, from, to, labels, truth, "simulated");
            return;
        }
        written().for_each(|(place, stream, events)| eprintln!("{stream:<9} {events:>12} events to {place}"));
        for (name, path) in futures.iter().filter_map(|(name, path)| Some((name, path.as_ref()?.display()))) {
            eprintln!("{name:<9} {accounts:>12} accounts to {path}");
        }
        eprintln!("{accounts} accounts from {from} to {to}");
    }
}

/// Reports the simulated days as records pass.
fn watched<R: Iterator<Item = SimulatedRecord>>(
    records: R,
    options: &Options,
    quiet: bool,
) -> impl Iterator<Item = SimulatedRecord> + use<R> {
    let mut progress = Progress::new("simulating", u64::from(options.days), Unit::Days, quiet);
    let start = options.start;
    records.inspect(move |record| progress.reach(u64::try_from(record.at.since(start) / DAY_MS).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::mock::EmbeddedBroker;

    fn parse(extra: &[&str]) -> Args {
        #[derive(clap::Parser)]
        struct Only {
            #[command(flatten)]
            args: Args,
        }
        let arguments = ["simulate", "--out-dir", "x"].iter().chain(extra);
        <Only as clap::Parser>::try_parse_from(arguments).unwrap().args
    }

    #[test]
    fn simulated_time_ends_at_the_requested_instant() {
        let options = parse(&["--end", "2026-03-01T00:00:00Z", "--days", "28"]).options();
        assert_eq!(options.start.to_string(), "2026-02-01T00:00:00Z");
        assert_eq!(options.end().to_string(), "2026-03-01T00:00:00Z");
    }

    #[test]
    fn a_mix_gives_shares_by_kind_and_unknown_kinds_are_refused() {
        assert_eq!(mix("angry=1, healthy=3"), Ok([3, 0, 0, 0, 1, 0, 0, 0, 0]));
        assert!(mix("furious=1").unwrap_err().contains("kinds are healthy, growing"));
        for text in ["", "angry", "angry=-1", "angry=0"] {
            assert!(mix(text).is_err(), "{text}");
        }
    }

    #[test]
    fn two_runs_with_one_seed_write_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let out = folder.path().join(name);
            let extra = ["--accounts", "5", "--days", "20", "--duplicates", "0.05", "--bad", "0.01", "--disorder-seconds", "9"];
            let args = Args { out_dir: Some(out.clone()), ..parse(&extra) };
            run(&args, &Globals::default()).unwrap();
            let files = ["usage", "billing", "support", "feedback", "accounts", "labels"].map(|name| format!("{name}.ndjson"));
            files.into_iter().chain(["truth.csv".to_owned()]).map(|name| std::fs::read(out.join(name)).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(write("first"), write("second"));
    }

    #[test]
    fn a_currency_is_three_letters() {
        assert_eq!(currency("jpy").as_deref(), Ok("JPY"));
        for text in ["XX", "EURO", "E1R", ""] {
            assert!(currency(text).is_err(), "{text}");
        }
    }

    #[test]
    fn labels_and_truth_are_the_same_for_topics_as_for_files() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let [labels, truth] = ["labels.ndjson", "truth.csv"].map(|name| folder.path().join(name));
        let args = Args { out_dir: Some(out.clone()), ..parse(&["--accounts", "5", "--days", "20"]) };
        run(&args, &Globals::default()).unwrap();
        let broker = EmbeddedBroker::start().unwrap();
        for topic in ["product-usage", "billing", "support-tickets"] {
            broker.create_topic(topic, 1).unwrap();
        }
        let brokers = Some(broker.address());
        let args = Args { out_dir: None, bootstrap_servers: brokers, labels: Some(labels.clone()), truth: Some(truth.clone()), ..args };
        run(&args, &Globals::default()).unwrap();
        assert_eq!(std::fs::read(labels).unwrap(), std::fs::read(out.join("labels.ndjson")).unwrap());
        assert_eq!(std::fs::read(truth).unwrap(), std::fs::read(out.join("truth.csv")).unwrap());
    }

    #[test]
    fn a_rate_is_events_a_second() {
        assert_eq!(rate("1000/s"), Ok(1000));
        assert_eq!(rate("50"), Ok(50));
        for text in ["0", "-1/s", "10/m", "", "/s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
