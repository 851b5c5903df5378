//! The feedback section of an account: survey answers, surveys sent, referrals, advocacy, and overrides of the score.
//!
//! Every answer counts, one that is repeated after its id was forgotten too. Answers and acts are kept for 400 days before the newest
//! record of the section, as long as any record can still be in time; beyond that only the newest NPS and CES answers, whose metrics
//! look back for ever. Most accounts have none of all this and pay eight bytes.

mod answer;
mod measure;
mod nps;
mod parts;
mod period;
mod pin;
mod satisfaction;

use std::cmp::Ordering;

use super::{ApplyContext, Limit};
use crate::event::{FeedbackEvent, FeedbackKind};
use crate::time::Timestamp;

use self::answer::{Act, ActKind, Answer, Score};
use self::pin::Override;

pub use nps::Nps;
pub use period::PeriodFeedback;
pub use pin::Pin;
pub use satisfaction::{Ratings, Satisfaction};

/// Answers and acts stay this long before the newest record: no record that is older can still come, and no figure looks further back.
const KEPT_DAYS: i64 = 400;
/// Overrides kept; only the newest can be in force.
const MAX_OVERRIDES: usize = 16;
/// Bytes of an id, a kind or an author that are kept; the rest is cut.
const MAX_TEXT_BYTES: usize = 256;
/// Bytes of a reason that are kept; the rest is cut.
const MAX_REASON_BYTES: usize = 1024;

/// The feedback of an account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State(Option<Box<Kept>>);

/// What is kept, each list sorted by its order.
#[derive(Clone, Debug, Default, PartialEq)]
struct Kept {
    answers: Vec<Answer>,
    acts: Vec<Act>,
    overrides: Vec<Override>,
}

impl State {
    /// Applies one feedback event.
    pub fn apply(&mut self, event: &FeedbackEvent<'_>, ctx: &mut ApplyContext<'_>) {
        let kept = self.0.get_or_insert_default();
        let (at, id) = (ctx.at, cut(ctx.id.unwrap_or_default(), MAX_TEXT_BYTES));
        match &event.kind {
            FeedbackKind::Nps(score) => kept.answer(Answer { at, id, score: Score::Nps(*score) }),
            FeedbackKind::Csat(place) => kept.answer(Answer { at, id: Box::default(), score: Score::Csat(Satisfaction::of(*place)) }),
            FeedbackKind::Ces(place) => kept.answer(Answer { at, id, score: Score::Ces(*place) }),
            FeedbackKind::SurveySent(kind) => kept.act(Act { at, kind: ActKind::SurveySent(cut(kind, MAX_TEXT_BYTES)) }),
            FeedbackKind::Referral => kept.act(Act { at, kind: ActKind::Referral }),
            FeedbackKind::Advocacy(kind) => kept.act(Act { at, kind: ActKind::Advocacy(cut(kind, MAX_TEXT_BYTES)) }),
            FeedbackKind::OverrideSet { value, until, reason, by } => {
                let (reason, by) = (cut(reason, MAX_REASON_BYTES), cut(by, MAX_TEXT_BYTES));
                kept.set(Override { at, id, pin: Some(Pin { value: *value, until: *until, reason, by }) });
            }
            FeedbackKind::OverrideCleared => kept.set(Override { at, id, pin: None }),
        }
        if !kept.hold_to_limits(ctx.settings.limits.answers) {
            ctx.limits.reached(Limit::Answers);
        }
    }

    fn answers(&self) -> &[Answer] {
        self.0.as_ref().map_or(&[], |kept| &kept.answers)
    }

    fn acts(&self) -> &[Act] {
        self.0.as_ref().map_or(&[], |kept| &kept.acts)
    }

    fn overrides(&self) -> &[Override] {
        self.0.as_ref().map_or(&[], |kept| &kept.overrides)
    }
}

impl Kept {
    fn answer(&mut self, answer: Answer) {
        insert_by(&mut self.answers, answer, Answer::order);
    }

    fn act(&mut self, act: Act) {
        insert_by(&mut self.acts, act, Act::cmp);
    }

    /// Overrides are a set: the same one again changes nothing.
    fn set(&mut self, new: Override) {
        if !self.overrides.iter().any(|known| known.repeats(&new)) {
            insert_by(&mut self.overrides, new, Override::order);
        }
    }

    /// Drops what is too old for any figure, and then, while there is too much of anything, the oldest. False when there was too much.
    fn hold_to_limits(&mut self, answers: usize) -> bool {
        let newest = [self.answers.last().map(|a| a.at), self.acts.last().map(|a| a.at), self.overrides.last().map(|o| o.at)];
        let horizon = newest.into_iter().flatten().max().unwrap_or(Timestamp::MIN).minus_days(KEPT_DAYS);
        let fits = answer::hold(&mut self.answers, horizon, answers);
        let aged = self.acts.partition_point(|act| act.at <= horizon);
        self.acts.drain(..aged);
        drop_oldest(&mut self.acts, answers) & fits & drop_oldest(&mut self.overrides, MAX_OVERRIDES)
    }
}

/// Puts an item after those that are not greater.
fn insert_by<T>(sorted: &mut Vec<T>, item: T, order: impl Fn(&T, &T) -> Ordering) {
    let place = sorted.partition_point(|known| order(known, &item).is_le());
    sorted.insert(place, item);
}

/// False when some had to leave.
fn drop_oldest<T>(sorted: &mut Vec<T>, limit: usize) -> bool {
    let excess = sorted.len().saturating_sub(limit);
    sorted.drain(..excess);
    excess == 0
}

fn cut(text: &str, bytes: usize) -> Box<str> {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text).into()
}
