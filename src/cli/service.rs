//! The parts of the service put together: stream threads, the read side, the HTTP server. `run` and `demo` differ in what they give it.

use std::collections::BTreeSet;
use std::sync::Arc;

use prometheus::Registry;

use crate::config::Config;
use crate::directory::Directory;
use crate::http;
use crate::kafka::Members;
use crate::stop::Stop;
use crate::stream::{Failure, Options, Service};
use crate::telemetry::{Caps, Instance, Metrics, Scrape, Source};

/// What Prometheus scrapes, and the counters that the parts of the service write to.
pub(super) struct Telemetry {
    registry: Registry,
    /// Written by stream threads and reloads.
    pub(super) metrics: Arc<Metrics>,
}

impl Telemetry {
    /// For the labels that the configuration allows.
    ///
    /// # Errors
    /// When two families have one name.
    pub(super) fn new(config: &Config) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let metrics = Arc::new(Metrics::new(&registry, config.limits.label_values)?);
        metrics.model_in_force(&config.model.name, &config.model.hash, config.model.risk.calibrated);
        Ok(Self { registry, metrics })
    }
}

/// Serves until told to stop, or until something fails.
///
/// # Errors
/// Whatever the service cannot go on from, with its code.
pub(super) fn serve(config: &Config, options: Options, directory: Arc<Directory>, telemetry: Telemetry, stop: Stop) -> anyhow::Result<()> {
    let coded = |failure: Failure| anyhow::anyhow!("{}: {failure}", failure.code());
    let Telemetry { registry, metrics } = telemetry;
    let clock = options.clock.clone();
    // Before anything is made or joined in Kafka: an address that is taken is another instance's, most likely.
    let listener = http::Listener::bind(config.http.listen)?;
    let members = Members::new(&options.properties, &options.application).map_err(|error| coded(error.into()))?;
    let service = Service::prepare(options, Arc::clone(&directory), metrics, stop).map_err(coded)?;
    let source: Arc<dyn Source> = Arc::new(Instance::new(directory, service.status().clone(), members, clock));
    let watched: BTreeSet<String> = config.metrics.watch_accounts.iter().cloned().collect();
    let caps = Caps { series: config.limits.series, label_values: config.limits.label_values, watched: Arc::new(watched) };
    Scrape::register(&registry, Arc::clone(&source), &caps)?;
    let server = http::Server::start(listener, http::Settings::from(&config.http), source, registry)?;
    tracing::info!(address = %server.address(), "page, API and metrics");
    service.run().map_err(coded)
}
