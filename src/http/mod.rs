//! The HTTP server: page, API, metrics, probes.
