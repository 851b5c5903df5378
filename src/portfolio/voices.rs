//! What customers say: NPS, satisfaction, effort, how many answer, referrals and advocacy.

use super::additive::Additive;
use super::distribution::{Distribution, SHARES};
use super::tally::Tally;
use super::{Figure, Kpi, Kpis, Period, Split};
use crate::account::feedback::{Nps, Ratings, State};

/// Kinds of survey whose answers are known, as `survey_sent` names them.
const ANSWERED: [&str; 3] = ["nps", "csat", "ces"];

/// Sums of feedback in a period.
#[derive(Clone, Debug, Default)]
pub(super) struct Voices {
    nps: Nps,
    /// Of the period before.
    nps_before: Nps,
    csat: Ratings,
    effort: Distribution,
    /// In the order of [`ANSWERED`].
    answers: [u64; ANSWERED.len()],
    surveys_sent: Tally<u64>,
    referrals: u64,
    advocacy: Tally<u64>,
}

impl Voices {
    /// What one account adds.
    pub fn of(feedback: &State, period: &Period) -> Self {
        let told = feedback.in_period(period.from, period.to);
        let mut sums = Self {
            nps: told.nps,
            nps_before: feedback.in_period(period.before, period.from).nps,
            csat: told.csat,
            answers: ANSWERED.map(|kind| told.answers(kind)),
            referrals: told.referrals,
            ..Self::default()
        };
        told.ces.iter().for_each(|place| sums.effort.observe(*place, SHARES));
        told.surveys_sent.iter().for_each(|(kind, sent)| sums.surveys_sent.change(kind, |sum| *sum += sent));
        told.advocacy.iter().for_each(|(kind, acts)| sums.advocacy.change(kind, |sum| *sum += acts));
        sums
    }

    /// Sets the KPIs of feedback; `ratings` are those of tickets.
    pub fn write(&self, ratings: Ratings, labels: usize, out: &mut Kpis) {
        out.set(Kpi::Nps, nps(&self.nps));
        if let (Some(now), Some(before)) = (self.nps.score(), self.nps_before.score()) {
            out.count(Kpi::NpsTrend, now - before);
        }
        let mut rated = self.csat;
        rated += ratings;
        out.ratio(Kpi::Csat, rated.satisfied, rated.rated);
        out.ratio(Kpi::CsatHighlySatisfied, rated.highly_satisfied, rated.rated);
        out.ratio(Kpi::CsatDissatisfied, rated.dissatisfied, rated.rated);
        out.set(Kpi::Ces, self.effort.mean(SHARES));
        out.set(Kpi::SurveyResponseRate, self.response_rate(labels));
        out.count(Kpi::Referrals, self.referrals);
        let acts = self.advocacy.labelled(labels);
        let all: u64 = acts.iter().map(|(_, count)| count).sum();
        let by_kind = acts.into_iter().map(|(kind, count)| (kind, Figure::number(count))).collect();
        out.set(Kpi::Advocacy, Figure::number(all).split(Split::Kind, by_kind));
    }

    /// Answers to the surveys sent, for all kinds together and for each that was sent.
    fn response_rate(&self, labels: usize) -> Option<Figure> {
        let sent = self.surveys_sent.labelled(labels);
        let all: u64 = sent.iter().map(|(_, count)| count).sum();
        let answers = |kind: &str| ANSWERED.iter().zip(self.answers).find(|(known, _)| **known == kind).map_or(0, |(_, count)| count);
        let by_kind = sent.into_iter().filter_map(|(kind, count)| Some((kind.clone(), Figure::ratio(answers(&kind), count)?)));
        Some(Figure::ratio(self.answers.iter().sum::<u64>(), all)?.split(Split::Kind, by_kind.collect()))
    }
}

/// The score with its classes.
fn nps(answers: &Nps) -> Option<Figure> {
    let classes = [("promoters", answers.promoters), ("passives", answers.passives), ("detractors", answers.detractors)];
    let net = i128::from(answers.promoters) - i128::from(answers.detractors);
    let buckets = classes.map(|(class, count)| (class.to_owned(), count)).to_vec();
    Some(Figure::ratio(net, answers.answers())?.with_value(answers.score()?).with_buckets(buckets))
}

impl Additive for Voices {
    fn add(&mut self, other: &Self) {
        self.nps += other.nps;
        self.nps_before += other.nps_before;
        self.csat += other.csat;
        self.effort.add(&other.effort);
        self.answers.iter_mut().zip(other.answers).for_each(|(own, other)| *own += other);
        self.surveys_sent.add(&other.surveys_sent);
        self.referrals += other.referrals;
        self.advocacy.add(&other.advocacy);
    }
}
