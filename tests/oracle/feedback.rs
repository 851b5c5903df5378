//! An account's feedback.

use num_traits::ToPrimitive as _;

use super::account::Account;
use super::input::Record;
use super::metric::Metrics;

impl<'a> Account<'a> {
    /// The feedback of a type that is not late.
    pub fn feedback_records(&self, kind: &str) -> Vec<&'a Record> {
        self.kind(kind).into_iter().filter(|record| !record.late).collect()
    }

    fn newest_answer(&self, kind: &str) -> Option<&'a Record> {
        self.feedback_records(kind).into_iter().max_by_key(|record| (record.at, &record.id))
    }

    /// All feedback metrics.
    pub fn feedback(&self, out: &mut Metrics) {
        if let Some(newest) = self.newest_answer("nps_answered") {
            out.whole("feedback.nps_latest", nps_score(newest));
        }
        let nps: Vec<i64> = self.answers_91d("nps_answered").into_iter().map(nps_score).collect();
        let (promoters, detractors) = nps_classes(&nps);
        out.ratio("feedback.nps_91d", 100.0 * (promoters as f64 - detractors as f64), nps.len() as f64);
        out.size("feedback.nps_91d", nps.len());
        let csat: Vec<f64> = self.answers_91d("csat_answered").into_iter().map(place).collect();
        out.ratio("feedback.csat_91d", csat.iter().filter(|p| **p >= 0.75).count() as f64, csat.len() as f64);
        out.size("feedback.csat_91d", csat.len());
        out.float("feedback.ces_latest", self.newest_answer("ces_answered").map(place));
        let referrals = self.feedback_records("referral_made");
        out.count("feedback.referrals_364d", referrals.into_iter().filter(|record| self.within(record.at, 364)).count());
    }

    /// The override of the account's health, until it expires or is cleared.
    pub fn pinned_health(&self) -> Option<f64> {
        let overrides = [self.feedback_records("health_override_set"), self.feedback_records("health_override_cleared")].concat();
        let newest = overrides.into_iter().max_by_key(|record| (record.at, &record.id))?.fields();
        let until = newest.instant("until").unwrap().filter(|_| newest.get("value").is_some())?;
        (self.t < until).then(|| newest.number("value").unwrap().unwrap().to_f64().unwrap())
    }

    fn answers_91d(&self, kind: &str) -> Vec<&'a Record> {
        self.feedback_records(kind).into_iter().filter(|record| self.within(record.at, 91)).collect()
    }
}

/// The score of an NPS answer.
pub fn nps_score(record: &Record) -> i64 {
    record.fields().whole("score", 0).unwrap().unwrap()
}

/// Promoters (9-10) and detractors (0-6).
pub fn nps_classes(scores: &[i64]) -> (usize, usize) {
    (scores.iter().filter(|score| **score >= 9).count(), scores.iter().filter(|score| **score <= 6).count())
}

/// The position of an answer on its scale.
pub fn place(record: &Record) -> f64 {
    record.fields().place().unwrap().unwrap()
}
