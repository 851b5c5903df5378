//! What `deploy/` promises: rules, alerts and boards, on Prometheus and Alertmanager as Debian packages them.
//!
//! A missing program fails the test with the package to install; `./dev test` installs all of them.

mod alertmanager;
mod alerts;
mod boards;
mod metric_names;
mod program;
mod prometheus;
mod rules;
mod webhook;
