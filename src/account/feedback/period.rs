//! The feedback of a period, for sums over accounts.

use std::collections::BTreeMap;

use super::answer::{ActKind, Score};
use super::{Nps, Ratings, State};
use crate::time::Timestamp;

/// What one account's feedback adds to the figures of a period (from, to].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeriodFeedback<'a> {
    /// NPS answers by class.
    pub nps: Nps,
    /// CSAT answers by class.
    pub csat: Ratings,
    /// CES answers, places on the scale 0..=1, oldest first.
    pub ces: Vec<f64>,
    /// Surveys sent, by kind.
    pub surveys_sent: BTreeMap<&'a str, u64>,
    /// Referrals.
    pub referrals: u64,
    /// Advocacy, by kind.
    pub advocacy: BTreeMap<&'a str, u64>,
}

impl State {
    /// What happened in (from, to].
    #[must_use]
    pub fn in_period(&self, from: Timestamp, to: Timestamp) -> PeriodFeedback<'_> {
        let mut sums = PeriodFeedback::default();
        let within = |at: Timestamp| at > from && at <= to;
        for answer in self.answers().iter().filter(|answer| within(answer.at)) {
            match answer.score {
                Score::Nps(score) => sums.nps.add(score),
                Score::Csat(satisfaction) => sums.csat.add(satisfaction),
                Score::Ces(place) => sums.ces.push(place),
            }
        }
        for act in self.acts().iter().filter(|act| within(act.at)) {
            match &act.kind {
                ActKind::SurveySent(kind) => *sums.surveys_sent.entry(kind).or_default() += 1,
                ActKind::Referral => sums.referrals += 1,
                ActKind::Advocacy(kind) => *sums.advocacy.entry(kind).or_default() += 1,
            }
        }
        sums
    }
}

impl PeriodFeedback<'_> {
    /// Answers to surveys of a kind: `nps`, `csat` or `ces`; of other kinds no answers are known.
    #[must_use]
    pub fn answers(&self, kind: &str) -> u64 {
        match kind {
            "nps" => self.nps.answers(),
            "csat" => self.csat.rated,
            "ces" => self.ces.len() as u64,
            _ => 0,
        }
    }
}
