//! Feedback records for tests, dated in days since a fixed instant.

use super::Feedback;
use crate::account::{ApplyContext, LimitMeter};
use crate::event::{FeedbackEvent, FeedbackKind};
use crate::settings::Settings;
use crate::time::{DAY_MS, Timestamp};

/// One feedback event with its time and id.
#[derive(Clone, Debug)]
pub(super) struct FeedbackRecord {
    pub at: Timestamp,
    pub id: Option<String>,
    pub kind: FeedbackKind<'static>,
    pub theme: Option<String>,
}

impl FeedbackRecord {
    pub(super) fn new(days: i64, kind: FeedbackKind<'static>) -> Self {
        Self { at: day(days), id: None, kind, theme: None }
    }

    pub(super) fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    pub(super) fn theme(mut self, theme: &str) -> Self {
        self.theme = Some(theme.to_owned());
        self
    }
}

pub(super) const fn day(days: i64) -> Timestamp {
    Timestamp(1_750_000_000_000 + days * DAY_MS)
}

pub(super) fn apply(state: &mut Feedback, records: &[FeedbackRecord], settings: &Settings, limits: &mut LimitMeter) {
    for FeedbackRecord { at, id, kind, theme } in records {
        let event = FeedbackEvent { kind: kind.clone(), theme: theme.as_deref().map(Into::into) };
        state.apply(&event, &mut ApplyContext { at: *at, id: id.as_deref(), settings, limits });
    }
}

pub(super) fn state_of(records: &[FeedbackRecord]) -> Feedback {
    let mut state = Feedback::default();
    apply(&mut state, records, &Settings::default(), &mut LimitMeter::default());
    state
}
