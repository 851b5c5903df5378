//! KPIs of the portfolio: sums over accounts, for all, by segment, plan and CSM.
