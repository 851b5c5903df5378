//! The feedback metrics of one account at one instant.

use super::answer::{InteractionKind, Score};
use super::{Feedback, Nps, Ratings};
use crate::event::Stream;
use crate::metric::View;
use crate::metric::{Metric, Metrics};
use crate::settings::Settings;
use crate::time::Timestamp;

/// Days for which an answer counts.
const ANSWER_DAYS: i64 = 91;
/// Days for which a referral counts.
const REFERRAL_DAYS: i64 = 364;

impl Feedback {
    /// Sets every `feedback.*` metric.
    pub fn measure(&self, view: &View, _settings: &Settings, out: &mut Metrics) {
        let t = view.stream(Stream::Feedback).t;
        self.measure_answers(t, out);
        let referrals = self
            .interactions()
            .iter()
            .filter(|interaction| interaction.kind == InteractionKind::Referral && interaction.at.in_window(t, REFERRAL_DAYS));
        out.whole(Metric::Referrals364d, referrals.count());
    }

    fn measure_answers(&self, t: Timestamp, out: &mut Metrics) {
        let (mut nps, mut csat) = (Nps::default(), Ratings::default());
        for answer in self.answers().iter().filter(|answer| answer.at <= t) {
            let counts = answer.at.in_window(t, ANSWER_DAYS);
            match answer.score {
                Score::Nps(score) => {
                    out.whole(Metric::NpsLatest, score);
                    if counts {
                        nps.add(score);
                    }
                }
                Score::Csat(satisfaction) if counts => csat.add(satisfaction),
                Score::Csat(_) => {}
                Score::Ces(place) => out.real(Metric::CesLatest, place, None),
            }
        }
        if let Some(score) = nps.score() {
            out.real(Metric::Nps91d, score, Some(nps.answers()));
        }
        if let Some(satisfied) = csat.share_satisfied() {
            out.real(Metric::FeedbackCsat, satisfied, Some(csat.rated));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{FeedbackRecord, day, state_of};
    use super::*;
    use crate::event::FeedbackKind;

    /// The value and n of a metric on day 400.
    fn measured(records: &[FeedbackRecord], metric: Metric) -> Option<(f64, Option<u64>)> {
        let mut out = Metrics::default();
        state_of(records).measure(&View::complete(day(400)), &Settings::default(), &mut out);
        out.get(metric).and_then(|sample| Some((sample.value.number()?, sample.n)))
    }

    #[test]
    fn without_feedback_only_the_count_of_referrals_is_present() {
        let mut out = Metrics::default();
        Feedback::default().measure(&View::complete(day(1)), &Settings::default(), &mut out);
        assert_eq!(out.iter().map(|(metric, _)| metric).collect::<Vec<_>>(), [Metric::Referrals364d]);
        assert_eq!(out.whole_number(Metric::Referrals364d), Some(0));
    }

    #[test]
    fn every_nps_answer_of_91_days_counts() {
        let answers = [(309, 0), (310, 10), (350, 10), (350, 9), (350, 8), (400, 6), (401, 0)];
        let records = answers.map(|(days, score)| FeedbackRecord::new(days, FeedbackKind::Nps(score)));
        assert_eq!(measured(&records, Metric::Nps91d), Some((100.0 * (3.0 - 1.0) / 5.0, Some(5))));
        assert_eq!(measured(&records, Metric::NpsLatest), Some((6.0, None)));
    }

    #[test]
    fn the_newest_answer_of_an_instant_is_the_one_with_the_greatest_id() {
        let nps = |id: &str, score| FeedbackRecord::new(300, FeedbackKind::Nps(score)).id(id);
        assert_eq!(measured(&[nps("b", 2), nps("a", 9), nps("B", 7)], Metric::NpsLatest), Some((2.0, None)));
        let ces = |id: &str, place| FeedbackRecord::new(300, FeedbackKind::Ces(place)).id(id);
        assert_eq!(measured(&[ces("2", 0.3), ces("10", 0.9)], Metric::CesLatest), Some((0.3, None)));
    }

    #[test]
    fn csat_is_the_share_of_satisfied_answers_in_91_days() {
        let answers = [(300, 0.0), (310, 1.0), (340, 0.75), (360, 0.74), (400, 0.2)];
        let records = answers.map(|(days, place)| FeedbackRecord::new(days, FeedbackKind::Csat(place)));
        assert_eq!(measured(&records, Metric::FeedbackCsat), Some((0.5, Some(4))));
    }

    #[test]
    fn referrals_count_for_364_days() {
        let records = [36, 37, 200, 400].map(|days| FeedbackRecord::new(days, FeedbackKind::Referral));
        assert_eq!(measured(&records, Metric::Referrals364d), Some((3.0, None)));
    }
}
