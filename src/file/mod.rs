//! Files: outputs that appear whole or not at all, and why a file cannot be read.

mod output;
mod reason;

pub use output::{Existing, Output, WriteError, refuse_existing};
pub(crate) use reason::cannot_read;
