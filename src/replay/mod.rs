//! `replay`: files instead of topics, the same engine, event time, deterministic to the byte.
