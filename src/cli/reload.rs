//! Reloads the model of a running service: SIGHUP reads the configuration again and puts its model in force.

use std::sync::Arc;

use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;

use super::Globals;
use crate::config::{Config, Problems};
use crate::directory::Directory;
use crate::telemetry::Metrics;

/// Catches SIGHUP as soon as it exists; without a handler the signal would kill the process.
pub(super) struct Reloads {
    signals: Signals,
    globals: Globals,
    /// The configuration at startup: changes to anything but the model need a restart.
    started_with: Config,
}

impl Reloads {
    /// Installs the handler.
    ///
    /// # Errors
    /// If the handler cannot be installed.
    pub(super) fn new(globals: &Globals, started_with: &Config) -> std::io::Result<Self> {
        Ok(Self { signals: Signals::new([SIGHUP])?, globals: globals.clone(), started_with: started_with.clone() })
    }

    /// Reloads at each signal, on a separate thread, until the process ends.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(super) fn start(mut self, directory: Arc<Directory>, metrics: Arc<Metrics>) -> std::io::Result<()> {
        let work = move || {
            for _ in self.signals.forever() {
                // Secrets are not needed here: those read at startup stay in use.
                let read = self.globals.load_offline();
                metrics.model_reloaded(read.is_ok());
                match read {
                    Ok(config) => apply(&config, &self.started_with, &directory, &metrics),
                    Err(problems) => refuse(&problems, &directory),
                }
            }
        };
        std::thread::Builder::new().name("reload".to_owned()).spawn(work).map(drop)
    }
}

fn apply(config: &Config, started_with: &Config, directory: &Directory, metrics: &Metrics) {
    for warning in &config.warnings {
        tracing::warn!(%warning, "configuration");
    }
    let others = started_with.differences_besides_model(config);
    if !others.is_empty() {
        tracing::warn!(keys = others.join(", "), "only the model was reloaded; these keys have changed as well and need a restart");
    }
    let (before, model) = (directory.settings(), &config.model);
    if before.model.id == model.id {
        tracing::info!(model = model.name, hash = model.hash, "the model has not changed");
        return;
    }
    directory.set_model(model.clone());
    metrics.model_in_force(&model.name, &model.hash, model.risk.calibrated);
    let (before, accounts) = (&before.model.hash, directory.accounts());
    tracing::info!(model = model.name, hash = model.hash, before, accounts, "new model in force, every account will be scored with it");
}

fn refuse(problems: &Problems, directory: &Directory) {
    for problem in &problems.0 {
        tracing::error!(%problem, "configuration");
    }
    let model = &directory.settings().model;
    tracing::error!(
        problems = problems.0.len(),
        model = model.name,
        hash = model.hash,
        "reload refused, the previous model stays in force"
    );
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;

    use super::*;
    use crate::settings::Settings;

    fn config_of(text: &str) -> Result<Config, Problems> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        Globals { config: Some(path), ..Globals::default() }.load_offline()
    }

    #[test]
    fn a_valid_model_takes_effect_along_with_its_series_and_nothing_else_does() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, 50).unwrap();
        let directory = Directory::new(Arc::new(Settings::default()));
        let config = config_of("[model]\nname = 'strict'\n[bands]\ngreen = 90\n[limits]\nusers = 7\n").unwrap();
        apply(&config, &Config::default(), &directory, &metrics);
        let settings = directory.settings();
        assert_eq!((settings.model.name.as_str(), settings.model.bands.green, settings.limits.users), ("strict", 90.0, 20_000));
        let text = String::from_utf8(crate::telemetry::text(&registry).unwrap()).unwrap();
        assert!(text.contains(&format!("hash=\"{}\",name=\"strict\"}} 1", config.model.hash)), "{text}");
    }

    #[test]
    fn a_refused_configuration_changes_nothing() {
        let directory = Directory::new(Arc::new(Settings::default()));
        let before = directory.settings();
        refuse(&config_of("[bands]\ngren = 90\n").unwrap_err(), &directory);
        assert!(Arc::ptr_eq(&before, &directory.settings()));
    }
}
