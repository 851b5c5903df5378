//! The stream threads: the Kafka side of the engine.
