//! What the stream threads of a process share.

use std::sync::Arc;

use super::namesake::NamesAtStart;
use super::options::Options;
use super::preflight::Inputs;
use super::start_line::StartLine;
use crate::directory::Directory;
use crate::stop::Stop;
use crate::telemetry::Metrics;
use crate::threads::Threads;

/// What the stream threads of a process share.
pub(super) struct Shared {
    pub options: Arc<Options>,
    pub inputs: Arc<Inputs>,
    pub directory: Arc<Directory>,
    pub metrics: Arc<Metrics>,
    pub threads: Threads,
    pub stop: Stop,
    pub names: NamesAtStart,
    /// Where they wait for each other before they join the group.
    pub start_line: StartLine,
}
