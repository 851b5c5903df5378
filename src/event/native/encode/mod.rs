//! From an event back to a record in the native format, for topics of our own and for showing what a record becomes.
//!
//! Decoding the result gives the same [`Record`], so the names of choices come from the tables of the decoder. What the decoder checks
//! and drops, such as the id of a session, is not there to be written; where the contract requires such a field it has a placeholder.

mod billing;
mod object;
mod support;

use object::Object;

use super::field::Field;
use crate::event::{AccountProfile, Event, FeedbackEvent, FeedbackKind, Record, UsageEvent, UsageKind};

/// Stands for the id of a session, which is required but not kept.
const SESSION: &str = "-";

/// Appends a record as native JSON. Its time is left out if it is that of the Kafka record, which must then be produced with it.
pub fn encode(record: &Record<'_>, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    object.text(Field::Type, record.type_name);
    object.optional_text(Field::AccountId, record.account.as_deref());
    if record.payload_time {
        object.instant(Field::OccurredAt, record.occurred_at);
    }
    object.optional_text(Field::Id, record.id.as_deref());
    match &record.event {
        Event::Usage(event) => usage(&mut object, event),
        Event::Billing(event) => billing::billing(&mut object, event),
        Event::Cost(cost) => billing::cost(&mut object, cost),
        Event::Support(event) => support::ticket(&mut object, event),
        Event::Feedback(event) => feedback(&mut object, event),
        Event::Profile(event) => profile(&mut object, event),
    }
    object.end();
}

fn usage(object: &mut Object<'_>, event: &UsageEvent<'_>) {
    object.optional_text(Field::UserId, event.user_id.as_deref());
    object.optional_text(Field::AnonymousId, event.anonymous_id.as_deref());
    match &event.kind {
        UsageKind::Feature { feature, count } => {
            object.text(Field::Feature, feature);
            if *count != 1 {
                object.whole(Field::Count, *count);
            }
        }
        UsageKind::SessionEnded { duration_ns } => {
            object.text(Field::SessionId, SESSION);
            object.nanoseconds(Field::DurationSeconds, *duration_ns);
        }
        UsageKind::Identified => {}
    }
}

fn feedback(object: &mut Object<'_>, event: &FeedbackEvent<'_>) {
    match &event.kind {
        FeedbackKind::Nps(points) => object.whole(Field::Score, *points),
        FeedbackKind::Csat(place) | FeedbackKind::Ces(place) => score(object, *place),
        FeedbackKind::SurveySent(kind) | FeedbackKind::Advocacy(kind) => object.text(Field::Kind, kind),
        FeedbackKind::OverrideSet { value, until, reason, by } => {
            object.float(Field::Value, *value);
            object.instant(Field::Until, *until);
            object.text(Field::Reason, reason);
            object.text(Field::By, by);
        }
        FeedbackKind::Referral | FeedbackKind::OverrideCleared => {}
    }
    object.optional_text(Field::Theme, event.theme.as_deref());
}

fn profile(object: &mut Object<'_>, profile: &AccountProfile<'_>) {
    object.optional_text(Field::Name, profile.name.as_deref());
    object.optional_text(Field::Segment, profile.segment.as_deref());
    object.optional_text(Field::Plan, profile.plan.as_deref());
    object.optional_text(Field::Csm, profile.csm.as_deref());
    object.optional_text(Field::Region, profile.region.as_deref());
    if let Some(seats) = profile.seats {
        object.whole(Field::Seats, seats);
    }
    object.optional_instant(Field::SignedUpAt, profile.signed_up_at);
    object.optional_instant(Field::OnboardedAt, profile.onboarded_at);
    if !profile.entitled_features.is_empty() {
        object.texts(Field::EntitledFeatures, &profile.entitled_features);
    }
    if !profile.aliases.is_empty() {
        object.object(Field::Aliases, |object| {
            profile.aliases.iter().for_each(|(system, id)| object.text_of_key(system, id));
        });
    }
    object.optional_text(Field::ReferredBy, profile.referred_by.as_deref());
    object.optional_text(Field::AcquiredThrough, profile.acquired_through.as_deref());
    object.flag_if_set(Field::Merge, profile.merge);
    object.flag_if_set(Field::Deleted, profile.deleted);
}

/// A position on a scale from 0 to 1, where it reads back without rounding.
fn score(object: &mut Object<'_>, place: f64) {
    object.float(Field::Score, place);
    object.object(Field::Scale, |scale| {
        scale.whole(Field::Min, 0);
        scale.whole(Field::Max, 1);
    });
}

/// The first name of a choice in a decoder's table.
fn name_of<T: PartialEq>(choices: &[(&'static str, T)], choice: &T) -> &'static str {
    choices.iter().find(|(_, known)| known == choice).map_or("", |(name, _)| name)
}
