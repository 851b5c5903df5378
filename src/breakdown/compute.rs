//! Takes a score apart, by the very functions that compute it.

use super::document::{Absent, Breakdown, Component, Health, ModelName, Moved, Override, Since};
use super::scoring::Scoring;
use super::{activity, green, hysteresis, risk, rules};
use crate::engine::{Occasion, Slot};
use crate::event::Stream;
use crate::metric::{Metric, Metrics, Stage, View};
use crate::score::model::Source;
use crate::score::{self, Cause, Context, Move, OtherInstants, quantity};
use crate::settings::Settings;

impl Breakdown {
    /// Takes the score at `view` apart and compares it with the last published change. `None` while all records of the account are still
    /// waiting for their event time.
    #[must_use]
    pub fn of(slot: &Slot, view: &View, settings: &Settings) -> Option<Self> {
        slot.account.first_seen().filter(|first| *first <= view.t)?;
        let metrics = slot.account.measure(view, settings);
        let occasion = Occasion { account: &slot.account, metrics: &metrics, view, settings };
        let subject = occasion.subject();
        let assessment = score::assess(&settings.model, &subject);
        let context = Context { t: view.t, cause: Cause::Time, catching_up: false, currency: settings.money.rates.reporting() };
        let mut after = slot.score().clone();
        after.advance(&subject, &assessment, &context, &settings.model);
        let status = after.status(&subject, &assessment, &settings.model);
        let drivers = slot.score().explain(&subject, &assessment, &context, &settings.model).drivers;
        let moves = slot.score().moves(&subject, &assessment, context.currency, &settings.model);
        let scoring = Scoring { slot, occasion: &occasion, subject: &subject, assessment: &assessment, status };
        Some(scoring.breakdown(drivers, moves))
    }

    /// Adds the last published change.
    #[must_use]
    pub fn with_last_change(self, change: Option<serde_json::Value>) -> Self {
        Self { last_change: change, ..self }
    }
}

impl Scoring<'_, '_> {
    fn breakdown(&self, drivers: Vec<String>, moves: Vec<Move>) -> Breakdown {
        let (settings, model, account) = (self.settings(), &self.settings().model, &self.slot.account);
        let profile = account.profile();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Breakdown {
            account_id: account.id().to_owned(),
            name: owned(profile.and_then(|profile| profile.name.as_deref())),
            segment: owned(self.subject.segment),
            plan: owned(self.subject.plan),
            csm: owned(profile.and_then(|profile| profile.csm.as_deref())),
            stage: owned(self.subject.stage.map(Stage::name)),
            as_of: self.occasion.view.t.to_string(),
            currency: settings.money.rates.reporting().code().to_owned(),
            model: ModelName { name: model.name.clone(), hash: model.hash.clone() },
            scored_by: model.profiles.get(usize::from(self.assessment.profile)).map(|profile| profile.name.clone()),
            health: self.health(),
            drivers,
            components: if self.is_frozen() { Vec::new() } else { self.components() },
            absent: if self.is_frozen() { Vec::new() } else { self.absent() },
            rules: rules::of(self),
            health_override: self.health_override(),
            band: hysteresis::of(self),
            risk: risk::of(self),
            since: self.since(moves),
            last_change: None,
            green: green::of(self),
            activity: activity::of(account, self.occasion.view, settings),
        }
    }

    fn health(&self) -> Health {
        let (model, assessment) = (&self.settings().model, self.assessment);
        let profile = model.profiles.get(usize::from(assessment.profile));
        let has_streams = |source: &Source| source.metric.has_streams(|stream| *self.subject.configured.of(stream));
        let configured = model.components_of(profile).filter(|component| component.sources.iter().any(has_streams));
        let mean = assessment.components.iter().any(|component| component.contribution.is_some()).then_some(assessment.mean);
        let is_unknown = self.status.score.is_none() && !self.is_frozen();
        Health {
            score: self.status.score,
            band: self.status.band.name().to_owned(),
            mean: mean.filter(|_| !self.is_frozen()),
            weight_present: assessment.components.iter().map(|part| part.component.weight).sum(),
            weight_configured: configured.map(|component| component.weight).sum(),
            coverage: assessment.coverage,
            min_coverage: model.min_coverage,
            observing_days: self.subject.other_instants.filter(|_| is_unknown).and_then(OtherInstants::observing_days),
            frozen: self.is_frozen(),
        }
    }

    fn components(&self) -> Vec<Component> {
        let currency = self.settings().money.rates.reporting();
        let component = |part: &score::ComponentScore<'_>| {
            let value = part.value.number().unwrap_or_default();
            let source = part.component.sources.iter().find(|source| source.metric == part.metric);
            let (from, to) = source.map_or((None, None), |source| source.curve.around(value));
            Component {
                name: part.component.name.clone(),
                group: part.component.group.name().to_owned(),
                metric: part.metric.name().to_owned(),
                value,
                said: quantity(part.metric, value, currency),
                n: self.subject.metrics.get(part.metric).and_then(|sample| sample.n),
                window_days: part.metric.window_days(),
                measured_at: self.measured_at(part.metric),
                from,
                to,
                curve: source.map(|source| source.curve.points().to_vec()).unwrap_or_default(),
                score: part.score,
                weight_configured: part.component.weight,
                weight: part.weight,
                contribution: part.contribution,
            }
        };
        self.assessment.components.iter().map(component).collect()
    }

    fn measured_at(&self, metric: Metric) -> String {
        let view = self.occasion.view;
        if metric.stream() == Stream::Accounts { view.t } else { view.stream(metric.stream()).t }.to_string()
    }

    fn absent(&self) -> Vec<Absent> {
        let model = &self.settings().model;
        let profile = model.profiles.get(usize::from(self.assessment.profile));
        let is_present = |id: u32| self.assessment.components.iter().any(|part| part.component.id == id);
        let absent = model.components_of(profile).filter(|component| !is_present(component.id));
        absent
            .map(|component| Absent {
                name: component.name.clone(),
                why: component.sources.iter().map(|source| self.why_absent(source, self.subject.metrics)).collect(),
            })
            .collect()
    }

    fn why_absent(&self, source: &Source, metrics: &Metrics) -> String {
        let metric = source.metric;
        let name = metric.name();
        if !metric.has_streams(|stream| *self.subject.configured.of(stream)) {
            return format!("{name}: its stream is not configured");
        }
        if let Some(n) = metrics.get(metric).and_then(|sample| sample.n) {
            return format!("{name}: counts {n}, and at least {} are needed", source.min_n);
        }
        match self.occasion.view.unobserved_days(metric) {
            Some(1) => format!("{name}: observing for 1 more day"),
            Some(days) => format!("{name}: observing for {days} more days"),
            None => format!("{name}: no value"),
        }
    }

    fn health_override(&self) -> Option<Override> {
        let (pinned, contribution) = self.subject.health_override.zip(self.assessment.override_effect)?;
        (!self.is_frozen()).then(|| Override {
            value: pinned.value,
            until: pinned.until.to_string(),
            reason: pinned.reason.to_owned(),
            by: pinned.by.to_owned(),
            contribution,
        })
    }

    fn since(&self, moves: Vec<Move>) -> Option<Since> {
        let (state, model) = (self.slot.score(), &self.settings().model);
        let then = state.published()?;
        let moves = moves.into_iter().filter(|_| !self.is_frozen());
        Some(Since {
            sequence: state.sequence(),
            as_of: then.as_of.to_string(),
            score: then.score,
            band: then.band.name().to_owned(),
            risk: then.risk.map(|risk| risk.probability),
            other_model: then.model != model.id,
            moves: moves.map(|entry| Moved { name: entry.name, points: entry.points, sentence: entry.sentence }).collect(),
        })
    }
}
