//! `churnwatch demo`: the whole pipeline on an embedded broker, with simulated customers.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;

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
use crate::settings::Settings;
use crate::simulate::{self, Feed, Foretold, Mix, Topics, first_to_turn_red};
use crate::stream::{Options, Permits};
use crate::time::{DAY_MS, Timestamp};

/// Days of history before simulated time starts to advance.
const HISTORY_DAYS: u32 = 100;
/// Most days that the simulation runs on after that.
const LIVE_DAYS: u32 = 730;
/// Share of each kind, with more trouble than usual: healthy, growing, slipping, silent, angry, churning, trial, seasonal,
/// returning.
const MIX: Mix = [17, 10, 15, 17, 15, 15, 4, 3, 4];
/// Partitions of every topic.
const PARTITIONS: i32 = 4;
/// How many ports after the default one are tried.
const PORTS_TRIED: u16 = 20;
/// How far ahead the account that turns red first is looked for, in seconds of the viewer.
const FORETOLD_SECONDS: i64 = 60;

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
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=100_000))]
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
    let customers = customers(args, start);
    let time = SimulatedTime::at(customers.start);
    let permits = Permits::none(config.kafka.start);
    let options = Options { clock: Clock::Simulated(time.clone()), ..Options::of(&config, permits) };
    create_topics(&broker, &options)?;
    announce(args, &broker.address(), &config);
    let stop = stop_on_signals()?;
    let directory = Arc::new(Directory::new(Arc::clone(&options.settings)));
    let names = PerStream::from_fn(|stream| config.streams.topics(stream).into_iter().next().map(|topic| topic.name));
    let rehearsal = rehearse(args, &customers, &options.settings, start)?;
    let page = config.http.external_url.clone();
    let simulation = Feed {
        options: customers,
        topics: Topics::new(Properties::new(config.kafka.client_properties()), names)?,
        live_from: start,
        speed: args.speed,
        time,
        readers: Arc::clone(&directory),
        stop: stop.clone(),
        live_begins: Box::new(move || foretell(rehearsal, &page)),
    };
    let feeder = std::thread::Builder::new().name("simulation".to_owned()).spawn(move || simulation.run())?;
    let served = service::serve(&config, listener, options, directory, Telemetry::new(&config)?, stop.clone());
    stop.request();
    let fed = feeder.join().map_err(|_| anyhow::anyhow!("the simulation panicked"))?;
    served?;
    fed?;
    Ok(ExitCode::SUCCESS)
}

/// Finds out, on a thread of its own, which account is going to turn red first once time advances, and after how many seconds.
fn rehearse(
    args: &Args,
    customers: &simulate::Options,
    settings: &Arc<Settings>,
    start: Timestamp,
) -> std::io::Result<JoinHandle<Option<(Foretold, i64)>>> {
    let (customers, settings, speed) = (customers.clone(), Arc::clone(settings), i64::from(args.speed));
    let rehearsal = move || {
        let until = start.plus(1_000 * speed * FORETOLD_SECONDS);
        let foretold = first_to_turn_red(&customers, &settings, start, until)?;
        let seconds = foretold.at.since(start) / 1_000 / speed;
        Some((foretold, seconds))
    };
    std::thread::Builder::new().name("rehearsal".to_owned()).spawn(rehearsal)
}

/// Says what is about to happen, once the history is read.
fn foretell(rehearsal: JoinHandle<Option<(Foretold, i64)>>, page: &str) {
    let what = match rehearsal.join().ok().flatten() {
        Some((Foretold { account_id, name, kind, why, .. }, seconds)) => {
            format!("In about {seconds} s, {name} ({kind}) turns red: {why}\n  watch    {page}/accounts/{account_id}")
        }
        None => format!("No account turns red within {FORETOLD_SECONDS} s; a higher --speed or more --accounts shows more."),
    };
    eprintln!("\nThe history is read. {what}");
}

/// Customers many of whose stories begin shortly before time starts to advance, or in the minutes after.
fn customers(args: &Args, start: Timestamp) -> simulate::Options {
    simulate::Options {
        seed: args.seed,
        accounts: args.accounts,
        start: start.minus_days(i64::from(HISTORY_DAYS)),
        days: HISTORY_DAYS + LIVE_DAYS,
        story_days: HISTORY_DAYS + 20,
        quiet_days: HISTORY_DAYS - 35,
        activity: 0.25,
        mix: MIX,
        ..simulate::Options::default()
    }
}

/// The user's configuration, overridden where the demo needs it.
fn config(args: &Args, globals: &Globals, servers: &str) -> anyhow::Result<Config> {
    let own = [
        format!("kafka.bootstrap_servers={servers}"),
        "kafka.create_topics=false".to_owned(),
        "application.id=churnwatch-demo".to_owned(),
        "application.threads=1".to_owned(),
        "streams.feedback.topics=[\"customer-feedback\"]".to_owned(),
        "streams.accounts.topics=[\"account-profiles\"]".to_owned(),
        format!("usage.feature_catalogue={:?}", simulate::FEATURES),
        // Time flies: a tenth of a second is six minutes of the default speed, and most of a day while the history is read.
        "commit.interval_ms=100".to_owned(),
        "time.catch_up_age_minutes=never".to_owned(),
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
        "{accounts} simulated customers, whose usage, billing, tickets, answers and profiles go through a broker inside this process.\n\
         \n  page     http://{listen}/           who needs attention, why, and since when\
         \n  metrics  http://{listen}/metrics    what Prometheus scrapes\
         \n  changes  kcat -b {servers} -C -t {changes}\n\
         \nFirst {HISTORY_DAYS} days of history are read; then one second is {} of theirs.\
         \nPress Ctrl-C to stop. Nothing is kept.",
        span(*speed)
    );
}

/// Seconds in the largest unit that they fill.
fn span(seconds: u32) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    if count == 1 { format!("one {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_speed_is_said_in_the_largest_unit() {
        assert_eq!([1, 90, 3_600, 7_200, 86_400].map(span), ["one second", "one minute", "one hour", "2 hours", "one day"]);
    }
}
