//! The registry of account metrics: names, streams, windows and units, and the values of one account at one instant.

mod registry;
mod values;
mod view;

pub use registry::{Metric, Unit};
pub use values::{Metrics, MovementKind, MovementTotals, Sample, Stage, Value};
pub use view::{StreamView, View};
