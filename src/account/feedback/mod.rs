//! The feedback section of an account: survey answers, surveys sent, referrals, advocacy, and overrides of the score.
//!
//! Every answer counts, even a duplicate that arrives after its id was forgotten. Answers and interactions are kept for 400 days before the
//! newest record of the section: older records are late. Beyond that, only the newest NPS and CES answers are kept, whose metrics have no
//! window. An account without feedback, as most are, pays eight bytes.

mod answer;
mod measure;
mod nps;
mod codec;
mod period;
mod overrides;
mod satisfaction;
mod theme;

#[cfg(test)]
mod fixture;

use std::cmp::Ordering;

use super::{ApplyContext, Limit};
use crate::event::{FeedbackEvent, FeedbackKind};
use crate::time::Timestamp;

use self::answer::{Answer, Interaction, InteractionKind, Score};
use self::overrides::OverrideChange;

pub use nps::Nps;
pub use overrides::Override;
pub use period::{ANSWERED, PeriodFeedback};
pub use satisfaction::{Ratings, Satisfaction};
pub use theme::Opinions;

/// Days that answers and interactions are kept: older records are late, and no figure looks back further.
const KEPT_DAYS: i64 = 400;
/// Overrides kept; only the newest can be in force.
const MAX_OVERRIDES: usize = 16;
/// Bytes kept of an id, a kind or an author; the rest is cut off.
const MAX_TEXT_BYTES: usize = 256;
/// Bytes kept of a reason; the rest is cut off.
const MAX_REASON_BYTES: usize = 1024;

/// The feedback of an account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feedback(Option<Box<History>>);

/// The records kept, each list in its own order.
#[derive(Clone, Debug, Default, PartialEq)]
struct History {
    answers: Vec<Answer>,
    interactions: Vec<Interaction>,
    overrides: Vec<OverrideChange>,
}

impl Feedback {
    /// Applies one feedback event.
    pub fn apply(&mut self, event: &FeedbackEvent<'_>, ctx: &mut ApplyContext<'_>) {
        let kept = self.0.get_or_insert_default();
        let (at, id) = (ctx.at, cut(ctx.id.unwrap_or_default(), MAX_TEXT_BYTES));
        let theme = || event.theme.as_deref().map(theme::shortened);
        match &event.kind {
            FeedbackKind::Nps(score) => kept.answer(Answer { at, id, score: Score::Nps(*score), theme: theme() }),
            FeedbackKind::Csat(place) => {
                let score = Score::Csat(Satisfaction::of(*place));
                kept.answer(Answer { at, id: Box::default(), score, theme: theme() });
            }
            FeedbackKind::Ces(place) => kept.answer(Answer { at, id, score: Score::Ces(*place), theme: theme() }),
            FeedbackKind::SurveySent(kind) => {
                kept.interaction(Interaction { at, kind: InteractionKind::SurveySent(cut(kind, MAX_TEXT_BYTES)) });
            }
            FeedbackKind::Referral => kept.interaction(Interaction { at, kind: InteractionKind::Referral }),
            FeedbackKind::Advocacy(kind) => {
                kept.interaction(Interaction { at, kind: InteractionKind::Advocacy(cut(kind, MAX_TEXT_BYTES)) });
            }
            FeedbackKind::OverrideSet { value, until, reason, by } => {
                let (reason, by) = (cut(reason, MAX_REASON_BYTES), cut(by, MAX_TEXT_BYTES));
                kept.set(OverrideChange { at, id, set: Some(Override { value: *value, until: *until, reason, by }) });
            }
            FeedbackKind::OverrideCleared => kept.set(OverrideChange { at, id, set: None }),
        }
        if !kept.enforce_limits(ctx.settings.limits.answers) {
            ctx.limits.reached(Limit::Answers);
        }
    }

    /// Forgets everything up to a deletion.
    pub fn forget_until(&mut self, deleted_at: Timestamp) {
        if let Some(kept) = &mut self.0 {
            kept.answers.retain(|answer| answer.at > deleted_at);
            kept.interactions.retain(|interaction| interaction.at > deleted_at);
            kept.overrides.retain(|set| set.at > deleted_at);
        }
        self.0.take_if(|kept| kept.first_record_at().is_none());
    }

    /// The time of the earliest record kept.
    #[must_use]
    pub fn first_record_at(&self) -> Option<Timestamp> {
        self.0.as_ref()?.first_record_at()
    }

    /// When the kept answers were given, in order.
    pub fn answered_at(&self) -> impl Iterator<Item = Timestamp> {
        self.answers().iter().map(|answer| answer.at)
    }

    fn answers(&self) -> &[Answer] {
        self.0.as_ref().map_or(&[], |kept| &kept.answers)
    }

    fn interactions(&self) -> &[Interaction] {
        self.0.as_ref().map_or(&[], |kept| &kept.interactions)
    }

    /// The override in force at `t`.
    #[must_use]
    pub fn override_at(&self, t: Timestamp) -> Option<&Override> {
        overrides::in_force(self.overrides(), t)
    }

    fn overrides(&self) -> &[OverrideChange] {
        self.0.as_ref().map_or(&[], |kept| &kept.overrides)
    }
}

impl History {
    fn first_record_at(&self) -> Option<Timestamp> {
        let first = [self.answers.first().map(|a| a.at), self.interactions.first().map(|i| i.at), self.overrides.first().map(|o| o.at)];
        first.into_iter().flatten().min()
    }

    fn answer(&mut self, answer: Answer) {
        insert_by(&mut self.answers, answer, Answer::order);
    }

    fn interaction(&mut self, interaction: Interaction) {
        insert_by(&mut self.interactions, interaction, Interaction::cmp);
    }

    /// Overrides form a set: a duplicate changes nothing.
    fn set(&mut self, new: OverrideChange) {
        if !self.overrides.iter().any(|known| known.repeats(&new)) {
            insert_by(&mut self.overrides, new, OverrideChange::order);
        }
    }

    /// Drops everything too old for any figure, then the oldest of whatever exceeds its limit. Returns false if a limit was exceeded.
    fn enforce_limits(&mut self, answers: usize) -> bool {
        let newest = [self.answers.last().map(|a| a.at), self.interactions.last().map(|a| a.at), self.overrides.last().map(|o| o.at)];
        let horizon = newest.into_iter().flatten().max().unwrap_or(Timestamp::MIN).minus_days(KEPT_DAYS);
        let fits = answer::drop_aged(&mut self.answers, horizon, answers);
        let aged = self.interactions.partition_point(|interaction| interaction.at <= horizon);
        self.interactions.drain(..aged);
        drop_oldest(&mut self.interactions, answers) & fits & drop_oldest(&mut self.overrides, MAX_OVERRIDES)
    }
}

/// Inserts an item after those that are not greater.
fn insert_by<T>(sorted: &mut Vec<T>, item: T, order: impl Fn(&T, &T) -> Ordering) {
    let place = sorted.partition_point(|known| order(known, &item).is_le());
    sorted.insert(place, item);
}

/// Returns false if any were dropped.
fn drop_oldest<T>(sorted: &mut Vec<T>, limit: usize) -> bool {
    let excess = sorted.len().saturating_sub(limit);
    sorted.drain(..excess);
    excess == 0
}

fn cut(text: &str, bytes: usize) -> Box<str> {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text).into()
}

#[cfg(test)]
mod tests {
    use super::fixture::{FeedbackRecord, apply, day, state_of};
    use super::*;
    use crate::account::{LimitMeter, Section};
    use crate::metric::View;
    use crate::metric::{Metric, Metrics};
    use crate::settings::{Settings, StateVersion};
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    fn nps_latest(state: &Feedback, t: Timestamp) -> Option<i64> {
        let mut out = Metrics::default();
        state.measure(&View::complete(t), &Settings::default(), &mut out);
        out.whole_number(Metric::NpsLatest)
    }

    #[test]
    fn of_expired_answers_only_the_newest_nps_and_ces_are_kept() {
        let old = [FeedbackKind::Nps(3), FeedbackKind::Nps(4), FeedbackKind::Csat(1.0), FeedbackKind::Ces(0.5), FeedbackKind::Referral];
        let mut records: Vec<FeedbackRecord> = (0..).zip(old).map(|(n, kind)| FeedbackRecord::new(n, kind)).collect();
        records.push(FeedbackRecord::new(404, FeedbackKind::Referral));
        let state = state_of(&records);
        assert_eq!((state.answers().len(), state.interactions().len()), (2, 1));
        assert_eq!(nps_latest(&state, day(404)), Some(4));
    }

    #[test]
    fn beyond_the_limit_the_oldest_answers_are_dropped() {
        let mut settings = Settings::default();
        settings.limits.answers = 3;
        let records: Vec<FeedbackRecord> = [5, 1, 4, 2, 3].map(|n| FeedbackRecord::new(n, FeedbackKind::Csat(1.0))).into();
        let (mut state, mut limits) = (Feedback::default(), LimitMeter::default());
        apply(&mut state, &records, &settings, &mut limits);
        assert_eq!(state.answers().iter().map(|answer| answer.at).collect::<Vec<_>>(), [day(3), day(4), day(5)]);
        assert_eq!(limits.iter().find(|(limit, _)| *limit == Limit::Answers), Some((Limit::Answers, 2)));
    }

    #[test]
    fn at_the_limits_with_the_longest_texts_every_part_fits() {
        let text: String = "x".repeat(5000);
        let mut records = Vec::new();
        for n in 0..5_000 {
            records.push(FeedbackRecord::new(n % 300, FeedbackKind::Ces(0.5)).id(&text));
            records.push(FeedbackRecord::new(n % 300, FeedbackKind::Advocacy(text.clone().into())));
        }
        let set = |n| FeedbackKind::OverrideSet { value: 1.0, until: day(n), reason: text.clone().into(), by: text.clone().into() };
        records.extend((0..20).map(|n| FeedbackRecord::new(n, set(n)).id(&text)));
        let state = state_of(&records);
        let parts = state.parts(StateVersion::NEWEST);
        assert_eq!((state.answers().len(), state.interactions().len(), state.overrides().len()), (5_000, 5_000, MAX_OVERRIDES));
        assert!(parts.len() > 4 && parts.iter().all(|(_, bytes)| bytes.len() <= crate::account::MAX_PART_BYTES));
        let mut restored = Feedback::default();
        parts.iter().rev().for_each(|(part, bytes)| restored.restore(*part, bytes).unwrap());
        assert_eq!(restored, state);
    }

    #[test]
    fn invalid_bytes_are_refused() {
        let good = state_of(&[FeedbackRecord::new(1, FeedbackKind::Advocacy("review".into()))]).parts(StateVersion::NEWEST).remove(0).1;
        assert!((2..good.len()).all(|end| Feedback::default().restore(0, &good[..end]).is_err()));
        assert!(Feedback::default().parts(StateVersion::NEWEST).is_empty() && Feedback::default().restore(0, &[]).is_err());
    }

    fn records() -> impl Strategy<Value = Vec<FeedbackRecord>> {
        let set = |until: i64| FeedbackKind::OverrideSet { value: 50.0, until: day(until), reason: "why".into(), by: "dana".into() };
        let kind = prop_oneof![
            (0..=10_u8).prop_map(FeedbackKind::Nps),
            select(vec![0.0, 0.5, 1.0]).prop_map(FeedbackKind::Csat),
            select(vec![0.0, 0.4, 1.0]).prop_map(FeedbackKind::Ces),
            select(vec![FeedbackKind::Referral, FeedbackKind::OverrideCleared, FeedbackKind::SurveySent("nps".into())]),
            (0..20_i64).prop_map(set),
        ];
        let theme = prop::option::of(select(vec!["price".to_owned(), "speed".to_owned()]));
        let one = (0..10_i64, kind, prop::option::of("[a-c]{1,2}"), theme);
        let one = one.prop_map(|(n, kind, id, theme)| FeedbackRecord { at: day(n), kind, id, theme });
        prop::collection::vec(one, 0..15)
    }

    proptest! {
        #[test]
        fn order_and_a_restart_do_not_matter_and_a_deletion_leaves_exactly_what_is_after_it(
            records in records(),
            keys in prop::collection::vec(any::<u32>(), 15),
            restart in any::<Index>(),
            deleted_on in -1..10_i64,
        ) {
            // Two overrides with the same kind, instant and id are duplicates: the first counts.
            let mut seen = std::collections::HashSet::new();
            let identity = |record: &FeedbackRecord| (record.at, record.id.clone(), matches!(record.kind, FeedbackKind::OverrideCleared));
            let is_override = |kind: &FeedbackKind<'_>| matches!(kind, FeedbackKind::OverrideSet { .. } | FeedbackKind::OverrideCleared);
            let records: Vec<FeedbackRecord> = records.into_iter().filter(|record| !is_override(&record.kind) || seen.insert(identity(record))).collect();
            let mut keyed: Vec<_> = records.iter().cloned().zip(keys).collect();
            keyed.sort_by_key(|(_, key)| *key);
            let shuffled: Vec<FeedbackRecord> = keyed.into_iter().map(|(record, _)| record).collect();
            let (before, after) = shuffled.split_at(restart.index(shuffled.len() + 1));
            let mut restarted = Feedback::default();
            for (part, bytes) in state_of(before).parts(StateVersion::NEWEST) {
                restarted.restore(part, &bytes).unwrap();
            }
            apply(&mut restarted, after, &Settings::default(), &mut LimitMeter::default());
            prop_assert_eq!(&restarted, &state_of(&records));
            restarted.forget_until(day(deleted_on));
            let next_life: Vec<FeedbackRecord> = records.into_iter().filter(|record| record.at > day(deleted_on)).collect();
            prop_assert_eq!(restarted, state_of(&next_life));
        }
    }
}
