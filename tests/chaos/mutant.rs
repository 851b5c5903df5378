//! Rules that the service breaks on purpose, one at a time: a check that notices none of them proves nothing.
