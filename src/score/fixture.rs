//! A small model and an account that tests of scoring set up in a line.

use super::assess::{Assessment, assess};
use super::change::{Cause, Context};
use super::fields::AccountFacts;
use super::model::{Model, ModelFile};
use super::state::{Advanced, State};
use super::subject::{OtherInstants, Override, Subject};
use crate::event::PerStream;
use crate::metric::{Metric, Metrics, Stage, Value};
use crate::money::Currency;
use crate::time::{HOUR_MS, Timestamp};

/// Three components whose score is their metric: days (weight 20), sessions (20), nps (10, of 3 answers at least).
pub(super) const COMPONENTS: &str = r#"
[[health.component]]
name = "days"
group = "usage"
metric = "usage.active_days_28d"
curve = [[0, 0], [100, 100]]
weight = 20
[[health.component]]
name = "sessions"
group = "usage"
metric = "usage.sessions_28d"
curve = [[0, 0], [100, 100]]
weight = 20
[[health.component]]
name = "nps"
group = "sentiment"
metric = "feedback.nps_91d"
curve = [[0, 0], [100, 100]]
weight = 10
"#;

/// A model of [`COMPONENTS`] and more.
pub(crate) fn model(more: &str) -> Model {
    Model::compile(&ModelFile::parse(&format!("{COMPONENTS}{more}")).unwrap()).unwrap()
}

/// An account to be scored.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub metrics: Box<Metrics>, // boxed: some tests hold many accounts in an array
    pub segment: Option<&'static str>,
    pub stage: Option<Stage>,
    pub tenure_days: f64,
    pub pinned: Option<f64>,
    pub configured: PerStream<bool>,
    pub other_instants: Option<&'static dyn OtherInstants>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            metrics: Box::default(),
            segment: None,
            stage: None,
            tenure_days: 0.0,
            pinned: None,
            configured: PerStream([true; 5]),
            other_instants: None,
        }
    }
}

impl Account {
    /// With these scores of days, sessions and nps; `None`: absent.
    pub(super) fn scoring(days: impl Into<Option<f64>>, sessions: impl Into<Option<f64>>, nps: impl Into<Option<f64>>) -> Self {
        let mut account = Self { tenure_days: 400.0, stage: Some(Stage::Adopted), ..Self::default() };
        for (metric, score) in [(Metric::ActiveDays28d, days.into()), (Metric::Sessions28d, sessions.into()), (Metric::Nps91d, nps.into())]
        {
            if let Some(score) = score {
                account.metrics.real(metric, score, None);
            }
        }
        account
    }

    pub(super) fn with(mut self, metric: Metric, value: f64, n: Option<u64>) -> Self {
        self.metrics.set(metric, Value::Real(value), n);
        self
    }

    pub(super) fn pinned_to(self, value: f64) -> Self {
        Self { pinned: Some(value), ..self }
    }

    pub(super) fn in_stage(self, stage: Stage) -> Self {
        Self { stage: Some(stage), ..self }
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        let pin = |value| Override { value, until: Timestamp(0), reason: "exec sponsor", by: "dana" };
        Subject {
            metrics: &self.metrics,
            segment: self.segment,
            plan: None,
            stage: self.stage,
            tenure_days: self.tenure_days,
            configured: &self.configured,
            health_override: self.pinned.map(pin),
            other_instants: self.other_instants,
        }
    }

    /// What the model says about it; both are leaked, so that tests can keep the answer.
    pub(super) fn assessed_by(&self, model: &Model) -> Assessment<'static> {
        let (account, model) = self.leaked(model);
        assess(model, &account.subject())
    }

    /// Scores the account at an hour.
    pub(super) fn advance(&self, state: &mut State, hour: i64, model: &Model) -> Advanced<'static> {
        self.advance_in(state, &context(hour), model)
    }

    /// Scores the account.
    pub(super) fn advance_in(&self, state: &mut State, context: &Context, model: &Model) -> Advanced<'static> {
        let (account, model) = self.leaked(model);
        let subject = account.subject();
        state.advance(&subject, &assess(model, &subject), context, model)
    }

    /// This account and the model for as long as the test runs.
    pub(super) fn leaked(&self, model: &Model) -> (&'static Self, &'static Model) {
        (Box::leak(Box::new(self.clone())), Box::leak(Box::new(model.clone())))
    }
}

/// A scoring at an hour, because of events.
pub(super) fn context(hour: i64) -> Context {
    Context { t: Timestamp(hour * HOUR_MS), cause: Cause::Events, catching_up: false, currency: Currency::USD }
}

/// What records say about the account besides its scores.
pub(super) const fn facts() -> AccountFacts<'static> {
    AccountFacts { account_id: "acme", name: Some("Acme Inc"), csm: Some("dana"), currency: Currency::USD }
}
