//! Health and risk of an account: from metrics to the published record.
//!
//! [`assess()`] applies a [`Model`] to one account at one instant and is stateless. [`State`] remembers the band and the last published
//! change, and [`State::advance`] decides whether a new [`Change`] is due. [`ChangeRecord`], [`headers`] and [`AccountLine`] are the
//! output.

mod assess;
mod band;
mod change;
mod contribution;
mod driver;
mod explain;
mod fields;
#[cfg(test)]
pub(crate) mod fixture;
mod history;
mod line;
pub mod model;
mod published;
mod quantity;
mod record;
mod risk;
#[cfg(test)]
mod schema;
mod sentence;
mod state;
mod status;
mod subject;
#[cfg(test)]
mod tests;
mod words;

pub use assess::{Assessment, assess, scores};
pub use band::{Band, Position, Reading};
pub use change::{Cause, Change, Context};
pub use contribution::{ComponentScore, RuleEffect};
pub use driver::Move;
pub use explain::Explanation;
pub use fields::AccountFacts;
pub use history::{History, RISK_DATES, SCORE_DATES};
pub use line::AccountLine;
pub use model::{Model, ModelFile, ModelProblem};
pub use published::Published;
pub use quantity::{number, quantity};
pub use record::{ChangeRecord, headers};
pub use risk::{Level, Risk, risk_of_inputs};
pub use sentence::change_of;
pub use state::{Advanced, State};
pub use status::{Direction, Status};
pub use subject::{DAYS_BEFORE, OtherInstants, Override, Subject};
