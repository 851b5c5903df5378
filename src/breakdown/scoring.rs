//! One scoring of one account: what every part of a breakdown is computed from.

use crate::engine::{Occasion, Slot};
use crate::metric::Stage;
use crate::score::{Assessment, Status, Subject};
use crate::settings::Settings;

/// What every part of a breakdown is computed from.
pub(super) struct Scoring<'r, 'a> {
    pub slot: &'r Slot,
    pub occasion: &'r Occasion<'a>,
    pub subject: &'r Subject<'a>,
    pub assessment: &'r Assessment<'a>,
    /// Health and risk after this scoring.
    pub status: Status,
}

impl Scoring<'_, '_> {
    pub(super) const fn settings(&self) -> &Settings {
        self.occasion.settings
    }

    /// Whether the account has churned, so that its score is kept as last published.
    pub(super) fn is_frozen(&self) -> bool {
        self.subject.stage == Some(Stage::Churned)
    }
}
