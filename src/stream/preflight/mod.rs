//! Checks before the first record is read: topics, partitioners, rights, and the other members of the group.
//!
//! `run` stops at the first problem; `check` and `topics` report all of them ([`survey`]). [`trial`] shows what would become of the
//! records. [`reset`] moves the group's offsets back to those of the state.

mod expected;
mod findings;
pub(super) mod group;
pub(super) mod inputs;
pub mod reset;
pub mod rights;
pub(super) mod sample;
pub(super) mod stamps;
pub mod survey;
pub mod topics;
pub mod trial;

pub(super) use inputs::Inputs;
