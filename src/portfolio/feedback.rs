//! Feedback: NPS, satisfaction, effort, response rates, referrals and advocacy.

use super::additive::{Additive, Sign, Summand, additive};
use super::distribution::{Distribution, SHARES};
use super::exposed::{Exposed, Exposure};
use super::figure::Value;
use super::tally::Tally;
use super::{Figure, Kpi, Kpis, Period, Split};
use crate::account::feedback::{self as account_feedback, ANSWERED, Nps, Opinions, Ratings};

/// Answers by [`ANSWERED`].
pub(super) type ByKind = [Opinions; ANSWERED.len()];

/// Sums of feedback in a period.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Feedback {
    nps: Nps,
    /// In the previous period.
    nps_before: Nps,
    csat: Ratings,
    effort: Distribution,
    /// In the order of [`ANSWERED`].
    answers: [u64; ANSWERED.len()],
    #[serde(skip)]
    pub surveys_sent: Tally<u64>,
    referrals: u64,
    #[serde(skip)]
    pub advocacy: Tally<u64>,
    #[serde(skip)]
    pub themes: Tally<ByKind>,
}

impl Summand for ByKind {
    fn is_zero(&self) -> bool {
        self.iter().all(|opinions| opinions.answers == 0)
    }
}

impl Feedback {
    /// The contribution of one account.
    pub fn of(feedback: &account_feedback::Feedback, period: &Period) -> Self {
        let answers = feedback.in_period(period.from, period.to);
        let mut sums = Self {
            nps: answers.nps,
            nps_before: feedback.in_period(period.before, period.from).nps,
            csat: answers.csat,
            answers: ANSWERED.map(|kind| answers.answers(kind)),
            referrals: answers.referrals,
            ..Self::default()
        };
        answers.ces.iter().for_each(|place| sums.effort.observe(*place, SHARES));
        answers.surveys_sent.iter().for_each(|(kind, sent)| sums.surveys_sent.change(kind, Sign::Plus, |sum| *sum += sent));
        answers.advocacy.iter().for_each(|(kind, acts)| sums.advocacy.change(kind, Sign::Plus, |sum| *sum += acts));
        answers.themes.iter().for_each(|(theme, by_kind)| sums.themes.change(theme, Sign::Plus, |sum| sum.add(by_kind)));
        sums
    }

    /// Sets the feedback KPIs; `ratings` are ticket ratings.
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
        out.set(Kpi::FeedbackThemes, Figure::nested(self.themes.labelled(labels).into_iter().map(theme_row).collect()));
    }

    /// Answers / surveys sent, in total and for each kind sent.
    fn response_rate(&self, labels: usize) -> Option<Figure> {
        let sent = self.surveys_sent.labelled(labels);
        let all: u64 = sent.iter().map(|(_, count)| count).sum();
        let answers = |kind: &str| ANSWERED.iter().zip(self.answers).find(|(known, _)| **known == kind).map_or(0, |(_, count)| count);
        let by_kind = sent.into_iter().filter_map(|(kind, count)| Some((kind.clone(), Figure::ratio(answers(&kind), count)?)));
        Some(Figure::ratio(self.answers.iter().sum::<u64>(), all)?.split(Split::Kind, by_kind.collect()))
    }
}

impl Feedback {
    /// Exposes the sums; `ratings` are ticket ratings.
    pub fn expose(&self, ratings: Ratings, out: &mut Exposure<'_>) {
        for (family, answers) in [(Exposed::NpsAnswers, &self.nps), (Exposed::NpsAnswersBefore, &self.nps_before)] {
            for (class, count) in classes(answers) {
                out.number(family, &[class], count as f64);
            }
        }
        let mut rated = self.csat;
        rated += ratings;
        let satisfied = rated.satisfied - rated.highly_satisfied;
        for (class, count) in [
            ("highly_satisfied", rated.highly_satisfied),
            ("satisfied", satisfied),
            ("neutral", rated.rated - rated.satisfied - rated.dissatisfied),
            ("dissatisfied", rated.dissatisfied),
        ] {
            out.number(Exposed::Ratings, &[class], count as f64);
        }
        out.spread(Exposed::Effort, &[], self.effort.spread(SHARES));
        out.count(Exposed::Referrals, self.referrals);
        self.expose_kinds(out);
    }

    fn expose_kinds(&self, out: &mut Exposure<'_>) {
        for (kind, answers) in ANSWERED.into_iter().zip(self.answers) {
            out.number(Exposed::SurveyAnswers, &[kind], answers as f64);
        }
        for (family, kinds) in [(Exposed::SurveysSent, &self.surveys_sent), (Exposed::Advocacy, &self.advocacy)] {
            let labels = if out.whole { out.settings.limits.label_values } else { KINDS_OF_A_SCOPE };
            for (kind, count) in kinds.labelled(labels) {
                out.number(family, &[&kind], count as f64);
            }
        }
        if out.whole {
            self.expose_themes(out);
        }
    }

    fn expose_themes(&self, out: &mut Exposure<'_>) {
        for (theme, by_kind) in self.themes.labelled(out.settings.limits.label_values) {
            for (kind, opinions) in ANSWERED.into_iter().zip(by_kind).filter(|(_, opinions)| opinions.answers > 0) {
                let neutral = opinions.answers - opinions.positive - opinions.negative;
                for (class, count) in [("positive", opinions.positive), ("neutral", neutral), ("negative", opinions.negative)] {
                    out.number(Exposed::ThemeAnswers, &[&theme, kind, class], count as f64);
                }
            }
        }
    }
}

/// Maximum number of kinds exposed per segment, plan or CSM.
const KINDS_OF_A_SCOPE: usize = 5;

fn classes(answers: &Nps) -> [(&'static str, u64); 3] {
    [("promoters", answers.promoters), ("passives", answers.passives), ("detractors", answers.detractors)]
}

/// A theme with its answers by kind of survey.
fn theme_row((theme, by_kind): (String, ByKind)) -> (String, Value) {
    let row = |opinions: Opinions| {
        let Opinions { answers, positive, negative } = opinions;
        let cells = [("answers", answers), ("positive", positive), ("negative", negative)];
        Value::Table(cells.map(|(name, count)| (name.to_owned(), count.into())).to_vec())
    };
    let answered = ANSWERED.into_iter().zip(by_kind).filter(|(_, opinions)| opinions.answers > 0);
    (theme, Value::Table(answered.map(|(kind, opinions)| (kind.to_owned(), row(opinions))).collect()))
}

/// The score with its classes.
fn nps(answers: &Nps) -> Option<Figure> {
    let net = i128::from(answers.promoters) - i128::from(answers.detractors);
    let buckets = classes(answers).map(|(class, count)| (class.to_owned(), count)).to_vec();
    Some(Figure::ratio(net, answers.answers())?.with_value(answers.score()?).with_buckets(buckets))
}

additive!(Feedback { nps, nps_before, csat, effort, answers, surveys_sent, referrals, advocacy, themes });
