//! The sections of the configuration, one file each, with their defaults and checks.

mod account;
mod application;
mod business_hours;
mod calendar;
mod commit;
mod format;
mod http;
mod kafka;
mod limits;
mod metrics;
mod money;
mod output;
mod properties;
mod schema_registry;
mod state;
mod streams;
mod support;
mod time;
mod topic;
mod usage;

pub use account::Account;
pub use application::Application;
pub use business_hours::{BusinessHours, Holiday, Open, Week};
pub use calendar::{CalendarDays, Quiet};
pub use commit::Commit;
pub use format::{FormatName, NO_ENVELOPE};
pub use http::Http;
pub use kafka::{Kafka, Start};
pub use metrics::Metrics;
pub use money::{Money, RateTable};
pub use output::{OnBadRun, Output};
pub use properties::Properties;
pub use schema_registry::SchemaRegistry;
pub use state::StateFormat;
pub use streams::{StreamSection, Streams, TopicSection};
pub use support::{PriorityWeights, Support};
pub use time::Time;
pub use topic::{Partitioning, StaleAfter, Topic};
pub use usage::Usage;

pub(super) use limits::validate as validate_limits;
