//! The engine: one task's records in, its changes out. No broker, no clock.
