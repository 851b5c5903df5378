//! `churnwatch demo`: the whole pipeline on an embedded broker, with simulated customers.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use super::Globals;
use super::cluster::Address;
use super::service::{self, Telemetry};
use super::signals::stop_on_signals;
use crate::clock::{Clock, SimulatedTime, now};
use crate::config::section::Http;
use crate::config::{self, Config, Setting};
use crate::directory::Directory;
use crate::event::PerStream;
use crate::http;
use crate::kafka::mock::EmbeddedBroker;
use crate::kafka::{self, Properties};
use crate::simulate::{self, Feed, Topics};
use crate::stream::{Options, Permits};
use crate::time::{DAY_MS, Timestamp};

/// Days of history before simulated time starts to advance.
const HISTORY_DAYS: u32 = 100;
/// Most days that the simulation runs on after that.
const LIVE_DAYS: u32 = 730;
/// Share of each kind, with more trouble than usual: healthy, growing, slipping, silent, angry, churning, trial, seasonal.
const MIX: [u32; 8] = [17, 10, 16, 18, 16, 16, 4, 3];
/// Partitions of every topic.
const PARTITIONS: i32 = 4;
/// How many ports after the default one are tried.
const PORTS_TRIED: u16 = 20;

const EXAMPLES: &str = "\
Examples:
  churnwatch demo
  churnwatch demo --accounts 1000 --speed 7200 --listen 127.0.0.1:9500";

/// Options of `demo`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where to serve the page.
    #[command(flatten)]
    pub address: Address,
    /// Number of simulated customers
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub accounts: u32,
    /// Simulated seconds per real second
    #[arg(long, allow_negative_numbers = true, value_name = "FACTOR", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub speed: u32,
    /// Random seed
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Runs the demo until a shutdown is requested.
///
/// # Errors
/// Problems in the configuration, a port in use, or any failure of the pipeline.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    // Must be dropped by the thread that started it, which is this one.
    let broker = EmbeddedBroker::start()?;
    let mut config = config(args, globals, &broker.address())?;
    let listener = listen(&mut config, args.address.listen.is_some())?;
    config.http.external_url = format!("http://{}", config.http.listen);
    let start = Timestamp(now().millis() / DAY_MS * DAY_MS);
    let time = SimulatedTime::at(start);
    let permits = Permits::none(config.kafka.start);
    let options = Options { clock: Clock::Simulated(time.clone()), ..Options::of(&config, permits) };
    create_topics(&broker, &options)?;
    announce(args, &broker.address(), &config);
    let stop = stop_on_signals()?;
    let directory = Arc::new(Directory::new(Arc::clone(&options.settings)));
    let names = PerStream::from_fn(|stream| config.streams.topics(stream).into_iter().next().map(|topic| topic.name));
    let simulation = Feed {
        options: customers(args, start),
        topics: Topics::new(Properties::new(config.kafka.client_properties()), names)?,
        live_from: start,
        speed: args.speed,
        time,
        readers: Arc::clone(&directory),
        stop: stop.clone(),
    };
    let feeder = std::thread::Builder::new().name("simulation".to_owned()).spawn(move || simulation.run())?;
    let served = service::serve(&config, listener, options, directory, Telemetry::new(&config)?, stop.clone());
    stop.request();
    let fed = feeder.join().map_err(|_| anyhow::anyhow!("the simulation panicked"))?;
    served?;
    fed?;
    Ok(ExitCode::SUCCESS)
}

/// Customers whose behaviour is already changing when time starts to advance and keeps changing for weeks.
fn customers(args: &Args, start: Timestamp) -> simulate::Options {
    simulate::Options {
        seed: args.seed,
        accounts: args.accounts,
        start: start.minus_days(i64::from(HISTORY_DAYS)),
        days: HISTORY_DAYS + LIVE_DAYS,
        story_days: HISTORY_DAYS + 40,
        quiet_days: HISTORY_DAYS - 60,
        activity: 0.4,
        mix: MIX,
        ..simulate::Options::default()
    }
}

/// The user's configuration, overridden where the demo needs it.
fn config(args: &Args, globals: &Globals, servers: &str) -> anyhow::Result<Config> {
    let age = i64::from(args.speed) / 12;
    let own = [
        format!("kafka.bootstrap_servers={servers}"),
        "kafka.create_topics=false".to_owned(),
        "application.id=churnwatch-demo".to_owned(),
        "application.threads=1".to_owned(),
        "streams.feedback.topics=[\"customer-feedback\"]".to_owned(),
        "streams.accounts.topics=[\"account-profiles\"]".to_owned(),
        format!("usage.feature_catalogue={:?}", simulate::FEATURES),
        "commit.interval_ms=500".to_owned(),
        "commit.catch_up_interval_ms=500".to_owned(),
        // Five seconds of real time.
        format!("time.catch_up_age_minutes={}", age.max(5)),
    ];
    let own = own.map(|text| Setting::set(&text));
    let settings: Vec<Setting> = args.address.within(globals.clone()).settings().into_iter().chain(own).collect();
    Ok(Config::load(globals.config.as_deref(), &settings, config::environment())?)
}

/// Binds the address of the page. If the default is taken, perhaps by a running service, the next free port is used instead.
fn listen(config: &mut Config, requested: bool) -> Result<http::Listener, http::StartError> {
    let wanted = config.http.listen;
    let bound = http::Listener::bind(wanted);
    if bound.is_ok() || requested || wanted != Http::default().listen {
        return bound;
    }
    let mut next = (1..=PORTS_TRIED).map(|more| SocketAddr::new(wanted.ip(), wanted.port() + more));
    let free = next.find_map(|address| Some((address, http::Listener::bind(address).ok()?)));
    free.map_or(bound, |(address, listener)| {
        eprintln!("{wanted} is taken; using {address} instead (--listen sets the address)");
        config.http.listen = address;
        Ok(listener)
    })
}

fn create_topics(broker: &EmbeddedBroker, options: &Options) -> Result<(), kafka::Error> {
    let own = [options.changes_topic.clone(), options.dead_letters_topic.clone(), options.changelog_topic()];
    for name in options.input_names().into_iter().map(str::to_owned).chain(own) {
        broker.create_topic(&name, PARTITIONS)?;
    }
    Ok(())
}

fn announce(args: &Args, servers: &str, config: &Config) {
    let Args { accounts, speed, .. } = args;
    let listen = config.http.listen;
    let changes = &config.output.changes_topic;
    eprintln!(
        "{accounts} simulated customers at {speed} times real time, after {HISTORY_DAYS} days of history.\n\
         \n  page     http://{listen}/\
         \n  metrics  http://{listen}/metrics\
         \n  broker   {servers}    kcat -b {servers} -C -t {changes}\n\
         \nPress Ctrl-C to stop. Nothing is kept."
    );
}
