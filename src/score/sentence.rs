//! Sentences about an account that are read aloud: from what to what, with numbers and units.
//!
//! A value is compared with the one last published. Where that is not known, it is compared with the value that its metric itself is
//! relative to, else with the account 28 days before, else with the point of its curve that counts as healthy.

use std::cell::OnceCell;

use super::assess::Assessment;
use super::band::Band;
use super::contribution::{ComponentScore, RuleEffect};
use super::explain::Explanation;
use super::model::{Model, Rule, name_id};
use super::published::Published;
use super::quantity::{number, quantities, quantity};
use super::status::Status;
use super::subject::{DAYS_BEFORE, OtherInstants, Subject};
use super::words::{Measure, words};
use crate::metric::{Metric, Metrics};
use crate::money::Currency;

/// Maximum number of metrics of a rule's condition in its sentence.
const MAX_CONDITIONS: usize = 2;

/// A change that has not happened, in words; `None` if the values are said alike.
#[must_use]
pub fn change_of(metric: Metric, from: f64, to: f64, currency: Currency) -> Option<String> {
    if metric == Metric::CancelScheduled && to == 0.0 {
        return Some("the cancellation is withdrawn".to_owned());
    }
    let (before, after) = quantities(metric, from, to, currency)?;
    let words = words(metric);
    let verb = match (to < from, words.is_plural) {
        (true, true) => "fall",
        (true, false) => "falls",
        (false, true) => "rise",
        (false, false) => "rises",
    };
    Some(format!("{} {verb} from {before} to {after}", words.subject))
}

/// Words sentences about one account.
pub(super) struct Writer<'r, 'a> {
    subject: &'r Subject<'a>,
    assessment: &'r Assessment<'a>,
    model: &'r Model,
    currency: Currency,
    published: Option<&'r Published>,
    before: OnceCell<Metrics>,
}

impl<'r, 'a> Writer<'r, 'a> {
    pub(super) const fn new(
        subject: &'r Subject<'a>,
        assessment: &'r Assessment<'a>,
        model: &'r Model,
        currency: Currency,
        published: Option<&'r Published>,
    ) -> Self {
        Self { subject, assessment, model, currency, published, before: OnceCell::new() }
    }

    pub(super) fn churned(&self, status: &Status) -> String {
        match status.score {
            Some(score) => format!("the account churned; its last score, {score:.1}, is kept"),
            None => {
                format!("the account churned before it had a score: {}", self.metric_is(Metric::Mrr).unwrap_or_else(|| "it pays 0".into()))
            }
        }
    }

    /// A component whose score moved since the last change.
    pub(super) fn component_moved(&self, part: &ComponentScore<'_>) -> String {
        let value = part.value.number().unwrap_or_default();
        let Some(sentence) = self.moved(part.metric, self.published_value(part.metric), value) else { return self.component_is(part) };
        match self.usual_gap(part.metric) {
            Some(gap) => format!("{sentence}; the usual gap is now {}", quantity(Metric::DaysSinceLast, gap, self.currency)),
            None => sentence,
        }
    }

    /// Days between active days, for a metric that counts in them.
    fn usual_gap(&self, metric: Metric) -> Option<f64> {
        let n = self.subject.metrics.get(metric)?.n.filter(|n| *n > 0)?;
        match metric {
            Metric::GapsSinceLast => Some(91.0 / n as f64),
            Metric::GapsSinceLastLifetime => Some(self.subject.metrics.number(Metric::AgeDays)? / n as f64),
            _ => None,
        }
    }

    /// A component as it is, without a last change that tells where it comes from.
    pub(super) fn component_is(&self, part: &ComponentScore<'_>) -> String {
        let value = part.value.number().unwrap_or_default();
        let sentence = self.is(part.metric, value);
        match self.healthy(part, value) {
            Some(healthy) => format!("{sentence}; {healthy}"),
            None => sentence,
        }
    }

    /// The metric with its value, compared with its own past.
    fn is(&self, metric: Metric, value: f64) -> String {
        if let Some(sentence) = self.relative(metric, value) {
            return sentence;
        }
        let before = self.metrics_before().and_then(|metrics| metrics.number(metric));
        if let Some(sentence) = self.moved(metric, before, value) {
            return format!("{sentence}, compared with {DAYS_BEFORE} d earlier");
        }
        let text = quantity(metric, value, self.currency);
        let unchanged = if before == Some(value) { format!(", as {DAYS_BEFORE} d earlier") } else { String::new() };
        if metric == Metric::CancelScheduled {
            return format!("{text} {} scheduled{unchanged}", if text == "1" { "cancellation is" } else { "cancellations are" });
        }
        let words = words(metric);
        format!("{} {} {text}{unchanged}", words.subject, words.verb())
    }

    fn metric_is(&self, metric: Metric) -> Option<String> {
        let value = self.subject.metrics.number(metric)?;
        self.moved(metric, self.published_value(metric), value).or_else(|| Some(self.is(metric, value)))
    }

    /// `None` unless the value moved.
    fn moved(&self, metric: Metric, before: Option<f64>, now: f64) -> Option<String> {
        // Whether a cancellation is scheduled is no quantity that rises and falls.
        let then = before.filter(|_| metric != Metric::CancelScheduled)?;
        let (before, text) = quantities(metric, then, now, self.currency)?;
        let verb = if now < then { "fell" } else { "rose" };
        Some(format!("{} {verb} from {before} to {text}", words(metric).subject))
    }

    /// A metric that is relative to a usual or earlier value, as both values.
    fn relative(&self, metric: Metric, value: f64) -> Option<String> {
        let base = || self.subject.metrics.get(metric)?.n.map(|n| n as f64);
        let between = |of: Metric, usual: f64, was: &str, since: &str| {
            let (before, now) = quantities(of, usual, value * usual, self.currency)?;
            let verb = if value < 1.0 { "fell" } else { "rose" };
            let share = quantity(metric, value, self.currency);
            Some(format!("{} {verb} from {was}{before} to {now}{since}, or {share}", words(of).subject))
        };
        match metric {
            Metric::Trend => between(Metric::Events7d, base()? / 4.0, "a usual ", ""),
            Metric::ActiveDaysVsBaseline => between(Metric::ActiveDays28d, base()? / 2.25, "a usual ", ""),
            Metric::ActiveUsersGrowth => between(Metric::ActiveUsers28d, base()?, "", " against the 28 d before"),
            Metric::FeaturesGrowth => between(Metric::Features28d, base()?, "", " against the 28 d before"),
            Metric::MrrGrowth91d if value > 0.0 => between(Metric::Mrr, self.subject.metrics.number(Metric::Mrr)? / value, "", " in 91 d"),
            Metric::GapsSinceLast | Metric::GapsSinceLastLifetime => {
                let gap = self.usual_gap(metric)?;
                let days = |days| quantity(Metric::DaysSinceLast, days, self.currency);
                Some(format!("the last activity was {} ago, and the usual gap is {}", days(value * gap), days(gap)))
            }
            Metric::SeatUtilisation if value > 0.0 => {
                let users = self.subject.metrics.number(Metric::Mau)?;
                let share = quantity(metric, value, self.currency);
                Some(format!("{} is {share}, {users} of {}", words(metric).subject, number(users / value, 0)))
            }
            _ => None,
        }
    }

    /// What would be healthy; `None` if the value is, or the curve does not say.
    fn healthy(&self, part: &ComponentScore<'_>, value: f64) -> Option<String> {
        let green = self.model.bands.green;
        if part.score >= green {
            return None;
        }
        let source = part.component.sources.iter().find(|source| source.metric == part.metric)?;
        let (from, rises) = source.curve.reaching(green)?;
        let step = words(part.metric).measure.step();
        // Rounded to what is said, and away from what is not healthy.
        let steps = if rises { (from / step - 1e-9).ceil() } else { (from / step + 1e-9).floor() };
        let point = steps * step;
        let (point, _) = quantities(part.metric, point, value, self.currency)?;
        let gaps = if words(part.metric).measure == Measure::Gaps { " usual gaps" } else { "" };
        Some(format!("{point}{gaps} or {} is healthy", if rises { "more" } else { "less" }))
    }

    /// A rule in force with the metrics of its condition, or one that has ended.
    pub(super) fn rule_moved(&self, effect: &RuleEffect<'_>) -> String {
        let name = &effect.name;
        match (effect.rule, effect.cap_health()) {
            (Some(_), Some(cap)) if effect.was_in_force && !is_still(effect) => {
                let delta = effect.delta.unwrap_or_default();
                let points = number(delta.abs(), 1);
                let unit = if points == "1" { "point" } else { "points" };
                let change = if delta < 0.0 { "more" } else { "less" };
                format!("{name}: still caps health at {cap}, which takes off {points} {unit} {change}")
            }
            (Some(rule), Some(cap)) => format!("{name}: health is capped at {cap}; {}", self.condition(rule)),
            (Some(rule), None) => format!("{name}: {}", self.condition(rule)),
            (None, _) => {
                let cap = self.model.rules.iter().find(|rule| rule.name == **name).and_then(|rule| rule.cap_health);
                let ended = match cap {
                    Some(cap) => format!("{name}: health is no longer capped at {cap}"),
                    None => format!("{name}: health is no longer capped"),
                };
                let points = effect.delta.map(|delta| number(delta.abs(), 1)).unwrap_or_default();
                if cap.is_some() { ended } else { format!("{ended}, which took {points} points off") }
            }
        }
    }

    pub(super) fn sole_rule(&self, rule: &RuleEffect<'_>, score: f64) -> String {
        let condition = rule.rule.map(|rule| format!("{}; ", self.condition(rule))).unwrap_or_default();
        format!("{}: {condition}this rule alone sets health to {score}, because {}", rule.name, self.coverage())
    }

    pub(super) fn risk_floor(&self, effect: &RuleEffect<'_>) -> Option<String> {
        let rule = effect.rule?;
        Some(format!("{}: risk is at least {}; {}", effect.name, rule.risk_at_least?, self.condition(rule)))
    }

    /// The metrics that a rule compares.
    fn condition(&self, rule: &Rule) -> String {
        let mut metrics: Vec<Metric> = rule.condition.comparisons().iter().map(|comparison| comparison.metric).collect();
        metrics.dedup();
        let sentences: Vec<String> = metrics.into_iter().take(MAX_CONDITIONS).filter_map(|metric| self.metric_is(metric)).collect();
        sentences.join(", and ")
    }

    pub(super) fn enough(&self) -> String {
        format!("{:.0} % of the weights have data, which is enough for a score", self.assessment.coverage * 100.0)
    }

    fn coverage(&self) -> String {
        let (coverage, least) = (self.assessment.coverage * 100.0, self.model.min_coverage * 100.0);
        format!("{coverage:.0} % of the weights have data, and a score needs {least:.0} %")
    }

    /// Coverage is too low for a score, and when that will change.
    pub(super) fn unknown(&self) -> String {
        let days = self.subject.other_instants.and_then(OtherInstants::observing_days);
        match days {
            Some(1) => format!("{}: observing for 1 more day", self.coverage()),
            Some(days) => format!("{}: observing for {days} more days", self.coverage()),
            None => self.coverage(),
        }
    }

    /// The band changed because enough hours passed, not because the score moved far enough.
    pub(super) fn waited(&self, status: &Status, then: &Published) -> Option<String> {
        let score = status.score.filter(|_| !self.assessment.skips_hysteresis())?;
        let bands = &self.model.bands;
        let (border, crossing, fell) = match (then.band, status.band) {
            (Band::Green, Band::Yellow) => (bands.green, bands.worse, true),
            (Band::Green | Band::Yellow, Band::Red) => (bands.yellow, bands.worse, true),
            (Band::Red, Band::Yellow) => (bands.yellow, bands.better, false),
            (Band::Red | Band::Yellow, Band::Green) => (bands.green, bands.better, false),
            _ => return None,
        };
        let at_once = fell && self.assessment.immediate_cap.is_some_and(|cap| cap < border);
        let past = if fell { border - score } else { score - border };
        (!at_once && past < crossing.points).then(|| {
            let side = if fell { format!("below {border}") } else { format!("at {border} or more") };
            format!("health has been {side} for {} h", crossing.hours)
        })
    }

    /// Names the metrics that no longer have a value; if there are none, the weights themselves have changed.
    pub(super) fn weights_moved(&self, then: &Published, delta: f64) -> String {
        let is_present = |id: u32| self.assessment.components.iter().any(|present| present.component.id == id);
        let gone = then.components.iter().filter(|before| !is_present(before.id));
        let names: Vec<String> = gone
            .filter_map(|before| Some((Metric::ALL.iter().find(|metric| name_id(metric.name()) == before.metric)?, before.value)))
            .map(|(metric, value)| format!("{}, last {}", words(*metric).subject, quantity(*metric, value, self.currency)))
            .collect();
        let (verb, points) = (if delta < 0.0 { "takes off" } else { "adds" }, number(delta.abs(), 1));
        match names.as_slice() {
            [] => format!("the weights of the components have changed, which {verb} {points} points"),
            names => format!("no longer counted: {}", names.join("; ")),
        }
    }

    pub(super) fn override_moved(&self, explanation: &Explanation<'_>) -> String {
        let pinned_before = self.published.filter(|then| then.override_effect.is_some()).and_then(|then| then.score);
        match (&explanation.health_override, pinned_before) {
            (Some(pinned), _) => format!("health is pinned to {} by {}: {}", pinned.value, pinned.by, pinned.reason),
            (None, Some(before)) => format!("health is no longer pinned to {}", number(before, 1)),
            (None, None) => "health is no longer pinned".into(),
        }
    }

    fn published_value(&self, metric: Metric) -> Option<f64> {
        let id = name_id(metric.name());
        self.published?.components.iter().find(|component| component.metric == id).map(|component| component.value)
    }

    fn metrics_before(&self) -> Option<&Metrics> {
        let instants = self.subject.other_instants?;
        Some(self.before.get_or_init(|| instants.metrics_before()))
    }
}

/// Whether the points of a rule have not changed, as they are said.
fn is_still(effect: &RuleEffect<'_>) -> bool {
    number(effect.delta.unwrap_or_default().abs(), 1) == "0"
}

#[cfg(test)]
mod tests;
