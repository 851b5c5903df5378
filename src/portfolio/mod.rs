//! KPIs of the portfolio: sums over accounts, for all, by segment, plan and CSM.
//!
//! Each account adds its [`Sums`] over a [`Period`] to the [`Portfolio`]. Sums are integers and histograms, so neither the order of
//! accounts nor their distribution over tasks and instances matters. [`Kpis`] are computed from the sums at the very end.

mod account_score;
mod additive;
mod by_scope;
mod cohorts;
mod contribution;
mod cost_totals;
mod costs;
mod distribution;
mod exposed;
mod feedback;
mod figure;
mod health;
mod history;
mod kpis;
mod line;
mod live;
mod money;
mod names;
mod period;
mod registry;
mod scope;
mod sums;
mod support;
mod tally;
mod ticket;
mod usage;

pub use account_score::AccountScore;
pub use by_scope::{MAX_SCOPES, Portfolio};
pub use cohorts::{Cohorts, CompleteMonths};
pub use contribution::Contribution;
pub use cost_totals::CostTotals;
pub use costs::{CostEntry, Costs};
pub use exposed::{Exposed, Sink, Spread, Unit};
pub use figure::{Figure, Number, Split};
pub use health::BandSums;
pub use history::{HistoryDates, PortfolioHistory};
pub use kpis::Kpis;
pub use line::lines;
pub use live::{Driver, Live, LiveEntry};
pub use period::Period;
pub use registry::Kpi;
pub use scope::Scope;
pub use sums::Sums;
