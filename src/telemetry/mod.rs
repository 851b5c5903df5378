//! Logs and Prometheus.
