//! The feedback of a period, for sums over accounts.

use std::collections::BTreeMap;

use super::answer::{InteractionKind, Score};
use super::{Feedback, Nps, Opinions, Ratings};
use crate::time::Timestamp;

/// The survey kinds with answers, as named in `survey_sent`.
pub const ANSWERED: [&str; 3] = ["nps", "csat", "ces"];

/// One account's contribution to the figures of a period (from, to].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeriodFeedback<'a> {
    /// NPS answers by class.
    pub nps: Nps,
    /// CSAT answers by class.
    pub csat: Ratings,
    /// CES answers, as positions on the scale 0..=1, oldest first.
    pub ces: Vec<f64>,
    /// Surveys sent, by kind.
    pub surveys_sent: BTreeMap<&'a str, u64>,
    /// Referrals.
    pub referrals: u64,
    /// Advocacy, by kind.
    pub advocacy: BTreeMap<&'a str, u64>,
    /// Answers that name a theme, by theme and by [`ANSWERED`].
    pub themes: BTreeMap<&'a str, [Opinions; ANSWERED.len()]>,
}

impl Feedback {
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
            if let Some(theme) = &answer.theme {
                let by_kind = sums.themes.entry(theme).or_default();
                by_kind.get_mut(usize::from(answer.score.rank())).into_iter().for_each(|opinions| opinions.add(answer.score));
            }
        }
        for interaction in self.interactions().iter().filter(|interaction| within(interaction.at)) {
            match &interaction.kind {
                InteractionKind::SurveySent(kind) => *sums.surveys_sent.entry(kind).or_default() += 1,
                InteractionKind::Referral => sums.referrals += 1,
                InteractionKind::Advocacy(kind) => *sums.advocacy.entry(kind).or_default() += 1,
            }
        }
        sums
    }
}

impl PeriodFeedback<'_> {
    /// Answers to surveys of a kind: `nps`, `csat` or `ces`; 0 for any other kind.
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

#[cfg(test)]
mod tests {
    use super::super::fixture::{FeedbackRecord, day, state_of};
    use super::*;
    use crate::event::FeedbackKind;

    #[test]
    fn a_period_excludes_its_start_and_includes_its_end() {
        let sent = |kind: &'static str| FeedbackKind::SurveySent(kind.into());
        let state = state_of(&[
            FeedbackRecord::new(1, FeedbackKind::Nps(0)).theme("price"),
            FeedbackRecord::new(2, FeedbackKind::Nps(10)).theme("price"),
            FeedbackRecord::new(3, FeedbackKind::Ces(0.5)),
            FeedbackRecord::new(2, FeedbackKind::Ces(0.75)),
            FeedbackRecord::new(4, FeedbackKind::Csat(1.0)).theme("support"),
            FeedbackRecord::new(4, sent("nps")),
            FeedbackRecord::new(4, sent("nps")),
            FeedbackRecord::new(4, sent("visit")),
            FeedbackRecord::new(4, FeedbackKind::Referral),
            FeedbackRecord::new(4, FeedbackKind::Advocacy("review".into())),
            FeedbackRecord::new(5, FeedbackKind::Referral),
        ]);
        let sums = state.in_period(day(1), day(4));
        let (none, positive) = (Opinions::default(), Opinions { answers: 1, positive: 1, negative: 0 });
        let expected = PeriodFeedback {
            nps: Nps { promoters: 1, passives: 0, detractors: 0 },
            csat: Ratings { rated: 1, satisfied: 1, highly_satisfied: 1, dissatisfied: 0 },
            ces: vec![0.75, 0.5],
            surveys_sent: BTreeMap::from([("nps", 2), ("visit", 1)]),
            referrals: 1,
            advocacy: BTreeMap::from([("review", 1)]),
            themes: BTreeMap::from([("price", [positive, none, none]), ("support", [none, positive, none])]),
        };
        assert_eq!(sums, expected);
        assert_eq!(["nps", "csat", "ces", "visit"].map(|kind| sums.answers(kind)), [1, 1, 2, 0]);
    }
}
