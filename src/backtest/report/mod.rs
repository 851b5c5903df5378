//! How well the score foretold churn on the held-out part of a history, beside what is simpler.

mod components;
mod curve;
mod json;
mod judge;
mod lead;
mod leavers;
mod part;
mod predictor;
mod refusal;
mod section;
mod subject;
mod text;

pub use components::ComponentAlone;
pub use json::document;
pub use judge::{Curves, Report, split};
pub use lead::LeadTime;
pub use leavers::Leaver;
pub use part::Part;
pub use predictor::Predictor;
pub use refusal::TooLittle;
pub use section::{Flag, Held, Row, Section};
pub use subject::Subject;
pub use text::Text;
