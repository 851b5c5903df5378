//! Configuration: TOML, environment and `--set`, checked as a whole before anything starts.
