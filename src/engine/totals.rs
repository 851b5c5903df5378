//! Sums over the accounts of a task by segment and band, kept up as accounts are scored: a scrape adds up tasks, never accounts.

use std::collections::{BTreeMap, BTreeSet};

use crate::score::{Band, Cause, Risk};

/// What one account adds to the sums.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Segment of its profile; empty: none.
    pub segment: Box<str>,
    /// Its band.
    pub band: Band,
    /// MRR, minor units.
    pub mrr_minor: i64,
    /// Risk, where there is one.
    pub risk: Option<Risk>,
    /// Health, where there is a score.
    pub health: Option<f64>,
}

impl Share {
    /// MRR x risk, minor units; 0 without risk.
    #[must_use]
    pub fn mrr_at_risk(&self) -> f64 {
        self.risk.map_or(0.0, |risk| risk.probability * self.mrr_minor as f64)
    }
}

/// The accounts that are summed together: segment (empty: none) and band.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TotalsKey {
    /// Segment of the profile.
    pub segment: String,
    /// Band.
    pub band: Band,
}

/// Sums of one segment and band.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    /// Accounts.
    pub accounts: i64,
    /// MRR, minor units.
    pub mrr_minor: i64,
    /// MRR x risk in thousandths of a minor unit, so that what is added can be taken away exactly.
    pub mrr_at_risk_milli: i64,
    /// Health scores in millionths, so that what is added can be taken away exactly.
    pub health_micro: i64,
    /// Accounts with a score.
    pub scored: i64,
}

/// Sums by segment and band, and the changes published so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    sums: BTreeMap<TotalsKey, Sums>,
    band_changes: BTreeMap<(Band, Band, String), u64>,
    changes: BTreeMap<Cause, u64>,
    segments: BTreeSet<Box<str>>,
}

/// Segments told apart, at most; more are summed as [`OTHER`].
const MAX_SEGMENTS: usize = 1_000;
/// The name of what is not told apart.
const OTHER: &str = "other";

impl Totals {
    /// The name under which a segment is summed.
    pub fn label(&mut self, segment: &str) -> Box<str> {
        if !self.segments.contains(segment) {
            if self.segments.len() >= MAX_SEGMENTS {
                return OTHER.into();
            }
            self.segments.insert(segment.into());
        }
        segment.into()
    }

    /// Replaces what an account added before by what it adds now.
    pub fn replace(&mut self, before: Option<&Share>, now: Option<&Share>) {
        if before == now {
            return;
        }
        for (share, sign) in before.map(|share| (share, -1)).into_iter().chain(now.map(|share| (share, 1))) {
            self.add(share, sign);
        }
    }

    fn add(&mut self, share: &Share, sign: i64) {
        let key = TotalsKey { segment: share.segment.to_string(), band: share.band };
        let sums = self.sums.entry(key).or_default();
        sums.accounts += sign;
        sums.mrr_minor += sign * share.mrr_minor;
        sums.mrr_at_risk_milli += sign * fixed(share.mrr_at_risk(), 1e3);
        sums.health_micro += sign * share.health.map_or(0, |health| fixed(health, 1e6));
        sums.scored += sign * i64::from(share.health.is_some());
    }

    /// Counts a published change.
    pub fn published(&mut self, cause: Cause) {
        *self.changes.entry(cause).or_default() += 1;
    }

    /// Published changes by cause.
    pub fn changes(&self) -> impl Iterator<Item = (Cause, u64)> {
        self.changes.iter().map(|(cause, count)| (*cause, *count))
    }

    /// Counts a published change of band.
    pub fn band_changed(&mut self, from: Band, to: Band, segment: &str) {
        *self.band_changes.entry((from, to, segment.to_owned())).or_default() += 1;
    }

    /// The sums, by segment and band.
    pub fn sums(&self) -> impl Iterator<Item = (&TotalsKey, &Sums)> {
        self.sums.iter()
    }

    /// Published changes of band: from, to, segment, how many.
    pub fn band_changes(&self) -> impl Iterator<Item = (Band, Band, &str, u64)> {
        self.band_changes.iter().map(|((from, to, segment), count)| (*from, *to, segment.as_str(), *count))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "money and scores are far inside the range")]
fn fixed(value: f64, scale: f64) -> i64 {
    (value * scale).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Level;

    #[test]
    fn segments_beyond_the_limit_are_summed_together() {
        let mut totals = Totals::default();
        let labels: Vec<_> = (0..=MAX_SEGMENTS).map(|n| totals.label(&format!("s{n}"))).collect();
        assert_eq!((&*labels[0], &*labels[MAX_SEGMENTS]), ("s0", OTHER));
        assert_eq!(&*totals.label("s1"), "s1");
    }

    #[test]
    fn what_is_replaced_leaves_no_trace() {
        let risk = Risk { probability: 0.31225, level: Level::High };
        let share = |band, health| Share { segment: "smb".into(), band, mrr_minor: 1_000, risk: Some(risk), health: Some(health) };
        let mut totals = Totals::default();
        totals.replace(None, Some(&share(Band::Green, 80.1)));
        totals.replace(Some(&share(Band::Green, 80.1)), Some(&share(Band::Red, 20.0)));
        let sums: Vec<_> = totals.sums().map(|(key, sums)| (key.band, sums.accounts, sums.mrr_at_risk_milli)).collect();
        assert!(sums.contains(&(Band::Red, 1, 312_250)));
        assert!(sums.contains(&(Band::Green, 0, 0)));
    }
}
