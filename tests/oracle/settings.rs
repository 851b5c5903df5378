//! The settings of the reference, and the same settings as a configuration file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::{Date, date};

use super::desk::Desk;
use super::zone::Zone;

/// Settings of a replay.
#[derive(Clone)]
pub struct Settings {
    /// Reporting time zone.
    pub zone: Zone,
    /// Reporting currency.
    pub currency: &'static str,
    /// Dated rates: units of the reporting currency for one unit, as written.
    pub rates: Vec<(Date, BTreeMap<&'static str, &'static str>)>,
    /// `all`, `forever` or `none`.
    pub discounts: &'static str,
    /// `period_end` or `cancellation`.
    pub churn_at: &'static str,
    /// Days of dunning.
    pub dunning_days: i64,
    /// Minutes between two changes of one movement.
    pub movement_window_minutes: i64,
    /// Days for which ids are remembered.
    pub dedup_days: i64,
    /// Events before midnight of this date are rejected.
    pub earliest: Date,
    /// Patterns of the features that count; empty: all.
    pub active_features: Vec<&'static str>,
    /// Patterns of the features to ignore.
    pub ignore_features: Vec<&'static str>,
    /// Patterns of the users to ignore.
    pub ignore_users: Vec<&'static str>,
    /// Anonymous user ids, in any case; `None`: the default list.
    pub anonymous_users: Option<Vec<&'static str>>,
    /// Hours that a record may be ahead of T.
    pub max_future_hours: i64,
    /// Weights of open tickets by priority.
    pub weights: BTreeMap<&'static str, f64>,
    /// When the support desk is open.
    pub desk: Option<Desk>,
    /// Stage onboarding lasts at most this many days.
    pub onboarding_days: i64,
    /// Stage renewing starts this many days before the end of a term.
    pub renewing_days: i64,
    /// Quiet days: from, to, regions.
    pub quiet: Vec<(Date, Date, Vec<&'static str>)>,
    /// Entitled features of accounts whose profile lists none.
    pub catalogue: Vec<&'static str>,
    /// The model, as the text of its file.
    pub model: Option<&'static str>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            zone: Zone::named("UTC"),
            currency: "USD",
            rates: Vec::new(),
            discounts: "all",
            churn_at: "period_end",
            dunning_days: 30,
            movement_window_minutes: 60,
            dedup_days: 7,
            earliest: date(2000, 1, 1),
            active_features: Vec::new(),
            ignore_features: Vec::new(),
            ignore_users: Vec::new(),
            anonymous_users: None,
            max_future_hours: 24,
            weights: BTreeMap::from([("urgent", 4.0), ("high", 2.0), ("normal", 1.0), ("low", 0.5)]),
            desk: None,
            onboarding_days: 90,
            renewing_days: 90,
            quiet: Vec::new(),
            catalogue: Vec::new(),
            model: None,
        }
    }
}

impl Settings {
    /// The equivalent configuration file.
    pub fn toml(&self) -> String {
        let model = if self.model.is_some() { "model_file = \"model.toml\"\n" } else { "" };
        let mut out = format!("{model}[application]\nid = \"oracle\"\n[output]\non_bad_run = \"dead_letter\"\n");
        let _ = writeln!(out, "[usage]\nfeature_catalogue = {:?}", self.catalogue);
        let _ = writeln!(out, "active_features = {:?}\nignore_features = {:?}", self.active_features, self.ignore_features);
        let _ = writeln!(out, "ignore_users = {:?}", self.ignore_users);
        if let Some(anonymous) = &self.anonymous_users {
            let _ = writeln!(out, "anonymous_users = {anonymous:?}");
        }
        let weights: Vec<String> = self.weights.iter().map(|(name, weight)| format!("{name} = {weight:?}")).collect();
        let _ = writeln!(out, "[support]\npriority_weights = {{ {} }}", weights.join(", "));
        out.push_str(&self.desk.as_ref().map(Desk::toml).unwrap_or_default());
        let _ = writeln!(out, "[account]\nonboarding_days = {}\nrenewing_days = {}", self.onboarding_days, self.renewing_days);
        let _ = writeln!(out, "[time]\nreporting_time_zone = {:?}", self.zone.name());
        let _ = writeln!(out, "earliest = \"{}\"", self.earliest);
        let _ = writeln!(out, "max_future_hours = {}\ndedup_days = {}", self.max_future_hours, self.dedup_days);
        for (from, to, regions) in &self.quiet {
            let _ = writeln!(out, "[[calendar.quiet]]\nfrom = \"{from}\"\nto = \"{to}\"\nregions = {regions:?}");
        }
        let _ = writeln!(out, "[money]\nreporting_currency = {:?}\ndiscounts = {:?}", self.currency, self.discounts);
        let _ = writeln!(out, "churn_at = {:?}\ndunning_days = {}", self.churn_at, self.dunning_days);
        let _ = writeln!(out, "movement_window_minutes = {}", self.movement_window_minutes);
        for (from, table) in &self.rates {
            let _ = writeln!(out, "[[money.rates]]\nvalid_from = \"{from}\"");
            for (currency, rate) in table {
                let _ = writeln!(out, "{currency} = {rate:?}");
            }
        }
        out
    }
}
