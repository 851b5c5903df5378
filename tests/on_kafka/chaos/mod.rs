//! Campaigns against the service on a real broker: instances, broker and network break under load, and afterwards everything that was
//! committed is checked from outside.
//!
//! `campaign` runs the faults of `fault` and `election` one by one on a `fleet` of instances behind a `proxy`, under a `load`; `check` holds the
//! invariants; `mutant` holds deliberate breaks that `check` has to catch.

pub mod campaign;
pub mod check;
pub mod deck;
pub mod disk;
mod election;
pub mod fault;
pub mod figures;
pub mod fleet;
pub mod leaver;
pub mod late;
pub mod load;
pub mod mutant;
pub mod proxy;
pub mod random;
pub mod stage;
mod tests;

use std::fmt;

/// A violated invariant.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The check that found it: I1 to I10, or `exit`.
    pub check: &'static str,
    pub what: String,
}

impl Violation {
    pub const fn new(check: &'static str, what: String) -> Self {
        Self { check, what }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.what)
    }
}
