//! Health and risk of an account: from metrics to what is published.
//!
//! A [`Model`] says how; [`assess`] applies it to one account at one instant and remembers nothing; [`State`] remembers bands and what was
//! published, and decides by [`State::advance`] whether a [`Change`] is due; [`ChangeRecord`], [`headers`] and [`AccountLine`] are what
//! leaves the program.

mod assess;
mod band;
mod driver;
mod entry;
mod explain;
#[cfg(test)]
mod fixture;
mod line;
pub mod model;
mod quantity;
mod record;
mod risk;
mod state;

pub use assess::{Assessment, Override, Part, RuleEffect, Subject, assess};
pub use band::{Band, Position, Reading};
pub use entry::AccountFacts;
pub use explain::{ExplainedOverride, ExplainedPart, ExplainedRule, Explanation};
pub use line::AccountLine;
pub use model::{Model, ModelFile, ModelProblem};
pub use record::{ChangeRecord, headers};
pub use risk::{Level, RiskReading};
pub use state::{Cause, Change, Direction, Published, PublishedPart, PublishedRule, Round, Standing, State, Step};
