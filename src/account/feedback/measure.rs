//! The feedback metrics of one account at one instant.

use super::answer::{ActKind, Score};
use super::{Nps, Ratings, State};
use crate::event::Stream;
use crate::metric::{Metric, Metrics};
use crate::settings::{Settings, View};
use crate::time::Timestamp;

/// Days that answers count.
const ANSWER_DAYS: i64 = 91;
/// Days that referrals count.
const REFERRAL_DAYS: i64 = 364;

impl State {
    /// Sets every `feedback.*` metric.
    pub fn measure(&self, view: &View, _settings: &Settings, out: &mut Metrics) {
        let t = view.stream(Stream::Feedback).t;
        self.measure_answers(t, out);
        let referrals = self.acts().iter().filter(|act| act.kind == ActKind::Referral && act.at.in_window(t, REFERRAL_DAYS));
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
