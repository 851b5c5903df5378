//! `churnwatch run`: the service.

use std::process::ExitCode;
use std::sync::Arc;

use super::Globals;
use super::cluster::{Address, Cluster};
use super::reload::Reloads;
use super::service::{self, Telemetry};
use super::signals::stop_on_signals;
use crate::directory::Directory;
use crate::http;
use crate::stream::{Options, Permits};

const EXAMPLES: &str = "\
Examples:
  churnwatch run --config config/churnwatch.toml
  churnwatch run --config config/churnwatch.toml --set kafka.bootstrap_servers=kafka:9092 --log-format json
  churnwatch run --config config/churnwatch.toml --resume-from stamp

SIGTERM and SIGINT shut down gracefully; a second one exits immediately. SIGHUP reads the configuration again and puts its
model in force if the configuration is valid.";

/// Options of `run`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// When group offsets and state disagree at the start, resume from the offsets in the state
    #[arg(long, value_enum, value_name = "WHERE")]
    pub resume_from: Option<ResumeFrom>,
    /// Start even if records after the committed offset have been deleted; a loss while running still ends the service
    #[arg(long)]
    pub accept_loss: bool,
    /// The cluster.
    #[command(flatten)]
    pub cluster: Cluster,
    /// Where to serve the page.
    #[command(flatten)]
    pub address: Address,
}

/// Where to resume when group offsets and state disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ResumeFrom {
    /// The offsets stored with the state.
    Stamp,
}

/// Runs the service until a shutdown is requested; SIGHUP reloads the model.
///
/// # Errors
/// Problems in the configuration, and every failure that ends the service.
pub fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let globals = &args.address.within(args.cluster.within(globals));
    let config = globals.load()?;
    for warning in &config.warnings {
        tracing::warn!(%warning, "configuration");
    }
    let stop = stop_on_signals()?;
    let reloads = Reloads::new(globals, &config)?;
    let resume_from_stamp = args.resume_from == Some(ResumeFrom::Stamp);
    let permits = Permits { start: config.kafka.start, resume_from_stamp, accept_loss: args.accept_loss };
    let options = Options::of(&config, permits);
    let directory = Arc::new(Directory::new(Arc::clone(&options.settings)));
    let telemetry = Telemetry::new(&config)?;
    reloads.start(Arc::clone(&directory), Arc::clone(&telemetry.metrics))?;
    let listener = http::Listener::bind(config.http.listen)?;
    service::serve(&config, listener, options, directory, telemetry, stop)?;
    Ok(ExitCode::SUCCESS)
}
