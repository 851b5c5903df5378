//! Assembles the service, for `run` and `demo`: stream threads, the read side, the HTTP server.

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

/// The Prometheus registry, and the counters that stream threads and reloads write.
pub(super) struct Telemetry {
    registry: Registry,
    /// The counters.
    pub(super) metrics: Arc<Metrics>,
}

impl Telemetry {
    /// Registers the counters; `limits.label_values` bounds their labels.
    ///
    /// # Errors
    /// If two families have the same name.
    pub(super) fn new(config: &Config) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let metrics = Arc::new(Metrics::new(&registry, config.limits.label_values)?);
        metrics.model_in_force(&config.model.name, &config.model.hash, config.model.risk.calibrated);
        metrics.page_at(&config.http.external_url);
        Ok(Self { registry, metrics })
    }
}

/// Serves until a shutdown is requested or something fails. `listener` is bound before anything is created or joined in Kafka: if the
/// address is taken, another instance is probably running here.
///
/// # Errors
/// Anything the service cannot recover from, with its code.
pub(super) fn serve(
    config: &Config,
    listener: http::Listener,
    options: Options,
    directory: Arc<Directory>,
    telemetry: Telemetry,
    stop: Stop,
) -> anyhow::Result<()> {
    let coded = |failure: Failure| anyhow::anyhow!("{}: {failure}", failure.code());
    let Telemetry { registry, metrics } = telemetry;
    let clock = options.clock.clone();
    let members = Members::new(&options.properties, &options.application).map_err(|error| coded(error.into()))?;
    let service = Service::prepare(options, Arc::clone(&directory), metrics, stop).map_err(coded)?;
    let source: Arc<dyn Source> = Arc::new(Instance::new(directory, service.threads().clone(), members, clock));
    let watched: BTreeSet<String> = config.metrics.watch_accounts.iter().cloned().collect();
    let caps = Caps { series: config.limits.series, label_values: config.limits.label_values, watched: Arc::new(watched) };
    Scrape::register(&registry, Arc::clone(&source), &caps)?;
    let server = http::Server::start(listener, http::Settings::from(&config.http), source, registry)?;
    tracing::info!(address = %server.address(), "page, API and metrics");
    service.run().map_err(coded)
}
