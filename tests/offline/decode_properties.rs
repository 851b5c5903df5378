//! Properties of decoding: it never panics, whatever the bytes, and every value it accepts is in range.

use crate::event_fixtures::Fixture;
use churnwatch::event::{
    AccountProfile, BillingEvent, Code, Cost, DecodeContext, Decoded, Event, FeedbackKind, Raw, Record, Rejection, Stream,
    SubscriptionSnapshot, TicketKind, UsageKind, decode,
};
use churnwatch::money::{Amount, Interval};
use churnwatch::time::Timestamp;
use proptest::prelude::*;
use rust_decimal::Decimal;

/// Short, so mutations exceed it.
const TEXT_BYTES: usize = 24;

fn try_decode<'a>(stream: Stream, value: &'a [u8], context: &DecodeContext) -> Result<Decoded<'a>, Rejection> {
    decode(&crate::event_fixtures::line(stream, value), context)
}

/// Decodes on every stream, with and without a key and a time, and checks what comes out.
fn decode_everywhere(value: &[u8]) {
    let rates = crate::event_fixtures::rates();
    let context = DecodeContext { text_bytes: TEXT_BYTES, id_bytes: TEXT_BYTES, ..crate::event_fixtures::context(&rates) };
    for stream in Stream::ALL {
        for (key, timestamp) in [(None, None), (Some(value), Some(Timestamp(1_772_357_400_000)))] {
            let raw = Raw { key, timestamp, ..crate::event_fixtures::line(stream, value) };
            if let Ok(Decoded::Record(record)) = decode(&raw, &context) {
                assert_in_range(&record);
            }
        }
    }
}

fn assert_in_range(record: &Record<'_>) {
    assert_instant(record.occurred_at);
    record.account.iter().chain(&record.id).for_each(|text| assert_text(text));
    assert_eq!(record.account.is_none(), record.type_name == "cost_recorded");
    match &record.event {
        Event::Usage(usage) => {
            usage.user_id.iter().for_each(|user| assert_text(user));
            if let UsageKind::Feature { feature, count } = &usage.kind {
                assert_text(feature);
                assert!(*count >= 1);
            }
        }
        Event::Billing(BillingEvent::Subscription(snapshot)) => assert_snapshot(snapshot),
        Event::Billing(BillingEvent::InvoicePaid(invoice) | BillingEvent::InvoicePaymentFailed(invoice)) => {
            assert_text(&invoice.invoice_id);
            assert_amount(&invoice.amount);
        }
        Event::Cost(Cost { amount, segment, .. }) => {
            assert_amount(amount);
            segment.as_deref().into_iter().for_each(assert_text);
        }
        Event::Support(ticket) => {
            assert_text(&ticket.ticket_id);
            ticket.category.iter().chain(&ticket.product).chain(&ticket.team).for_each(|text| assert_text(text));
            assert_ticket_kind(&ticket.kind);
        }
        Event::Feedback(feedback) => assert_feedback(&feedback.kind),
        Event::Profile(profile) => assert_profile(profile),
    }
}

fn assert_snapshot(snapshot: &SubscriptionSnapshot<'_>) {
    assert_text(&snapshot.subscription_id);
    snapshot.reason.iter().for_each(|text| assert_text(text));
    let instants = [snapshot.trial_end, snapshot.cancel_at, snapshot.canceled_at, snapshot.started_at, snapshot.term_end];
    instants.into_iter().flatten().for_each(assert_instant);
    [snapshot.current_period_start, snapshot.current_period_end].into_iter().for_each(assert_instant);
    for item in &snapshot.items {
        assert!(super::event_fixtures::rates().knows(item.amount.currency));
        assert_interval(item.interval.as_ref());
    }
    for discount in &snapshot.discounts {
        assert!(discount.percent_off.is_none_or(|percent| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&percent)));
        assert!(discount.amount_off_minor.is_none_or(|minor| !minor.is_negative()));
        assert_interval(discount.interval.as_ref());
        discount.ends_at.into_iter().for_each(assert_instant);
    }
}

fn assert_ticket_kind(kind: &TicketKind<'_>) {
    match kind {
        TicketKind::Rated(place) => assert_place(*place),
        TicketKind::Merged(into) => assert_text(into),
        TicketKind::Snapshot(ticket) => {
            ticket.score.into_iter().for_each(assert_place);
            let instants = [ticket.created_at, ticket.first_reply_at, ticket.first_resolved_at];
            instants.into_iter().chain([ticket.resolved_at, ticket.reopened_at, ticket.closed_at]).flatten().for_each(assert_instant);
        }
        _ => {}
    }
}

fn assert_feedback(kind: &FeedbackKind<'_>) {
    match kind {
        FeedbackKind::Nps(score) => assert!(*score <= 10),
        FeedbackKind::Csat(place) | FeedbackKind::Ces(place) => assert_place(*place),
        FeedbackKind::SurveySent(kind) | FeedbackKind::Advocacy(kind) => assert_text(kind),
        FeedbackKind::OverrideSet { value, until, reason, by } => {
            assert!((0.0..=100.0).contains(value));
            assert_instant(*until);
            assert_text(reason);
            assert_text(by);
        }
        FeedbackKind::Referral | FeedbackKind::OverrideCleared => {}
    }
}

fn assert_profile(profile: &AccountProfile<'_>) {
    let texts = [&profile.name, &profile.segment, &profile.plan, &profile.csm, &profile.region];
    texts.into_iter().chain([&profile.referred_by, &profile.acquired_through]).flatten().for_each(|text| assert_text(text));
    profile.entitled_features.iter().for_each(|text| assert_text(text));
    profile.aliases.iter().flat_map(|(system, id)| [system, id]).for_each(|text| assert_text(text));
    [profile.signed_up_at, profile.onboarded_at].into_iter().flatten().for_each(assert_instant);
}

fn assert_text(text: &str) {
    assert!((1..=TEXT_BYTES).contains(&text.len()), "{text:?}");
}

fn assert_instant(at: Timestamp) {
    assert!((Timestamp::Y1900..=Timestamp::MAX).contains(&at), "{at:?}");
}

fn assert_place(place: f64) {
    assert!((0.0..=1.0).contains(&place), "{place}");
}

fn assert_amount(amount: &Amount) {
    assert!(!amount.minor.is_negative());
    assert!(crate::event_fixtures::rates().knows(amount.currency));
}

fn assert_interval(interval: Option<&Interval>) {
    assert!(interval.is_none_or(|interval| interval.count >= 1));
}

/// Replacements for a value: JSON, or almost JSON.
const ODD: [&str; 25] = [
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "-1",
    "-0",
    "0",
    "1e400",
    "-1e400",
    "1e-400",
    "1.5",
    "NaN",
    "99999999999999999999999",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "9223372036854775808",
    "18446744073709551615",
    "\"1e3\"",
    "{\"min\":1,\"max\":1}",
    "[null]",
    "[{}]",
    "\"active\"",
    ",",
    "}",
];

fn replacement() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(&ODD[..]).prop_map(str::to_owned),
        any::<f64>().prop_map(|number| number.to_string()),
        "\"\\PC{0,40}\"",
    ]
}

/// Replaces the `nth` value after a colon.
fn with_value_replaced(json: &str, nth: usize, replacement: &str) -> String {
    let colons: Vec<usize> = json.match_indices("\":").map(|(at, _)| at + 2).collect();
    let start = colons.get(nth % colons.len()).copied().unwrap_or_default();
    let end = json[start..].find([',', '}']).map_or(json.len(), |at| start + at);
    format!("{}{replacement}{}", &json[..start], &json[end..])
}

fn fixture() -> impl Strategy<Value = Fixture> {
    proptest::sample::select(crate::event_fixtures::all())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_decoded_without_panic(value in proptest::collection::vec(any::<u8>(), 0..300)) {
        decode_everywhere(&value);
    }

    #[test]
    fn any_text_is_decoded_without_panic(value in "\\PC{0,200}") {
        decode_everywhere(value.as_bytes());
    }

    #[test]
    fn an_event_with_bytes_changed_is_decoded_without_panic(
        fixture in fixture(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut value = fixture.json.into_bytes();
        for (at, byte) in changes {
            let at = at.index(value.len());
            value[at] = byte;
        }
        decode_everywhere(&value);
    }

    #[test]
    fn an_event_with_values_replaced_is_in_range_or_rejected(
        fixture in fixture(),
        first in (any::<usize>(), replacement()),
        second in (any::<usize>(), replacement()),
    ) {
        let json = with_value_replaced(&fixture.json, first.0, &first.1);
        decode_everywhere(json.as_bytes());
        decode_everywhere(with_value_replaced(&json, second.0, &second.1).as_bytes());
    }

    #[test]
    fn the_order_of_the_fields_does_not_matter(fixture in fixture(), shift in any::<prop::sample::Index>()) {
        let rates = crate::event_fixtures::rates();
        let context = crate::event_fixtures::context(&rates);
        // The writer used here cannot represent a number beyond f64; one event has such a number in an ignored field.
        let json = fixture.json.trim_start_matches('\u{feff}').replace("1e400", "1");
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
        let mut members: Vec<String> = object.iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
        let ordered = format!("{{{}}}", members.join(","));
        let count = members.len();
        members.rotate_left(shift.index(count));
        let rotated = format!("{{{}}}", members.join(","));
        prop_assert_eq!(try_decode(fixture.stream, ordered.as_bytes(), &context), try_decode(fixture.stream, rotated.as_bytes(), &context));
    }
}

#[test]
fn an_event_cut_at_any_byte_is_not_json() {
    let rates = crate::event_fixtures::rates();
    let context = crate::event_fixtures::context(&rates);
    for fixture in crate::event_fixtures::all() {
        for end in 0..fixture.json.len() {
            let refused = try_decode(fixture.stream, &fixture.json.as_bytes()[..end], &context).unwrap_err();
            assert!(matches!(refused.code, Code::InvalidJson | Code::InvalidUtf8), "{} cut at {end}: {refused}", fixture.path.display());
        }
    }
}

#[test]
fn nesting_of_10_000_is_too_deep_anywhere() {
    let rates = crate::event_fixtures::rates();
    let context = crate::event_fixtures::context(&rates);
    for (open, close) in [("[", "]"), ("{\"x\":", "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        for text in [deep.clone(), open.repeat(10_000), format!(r#"{{"type":"feature_used","x":{deep}}}"#)] {
            assert_eq!(try_decode(Stream::Usage, text.as_bytes(), &context).unwrap_err().code, Code::TooDeep);
        }
    }
}

#[test]
fn a_value_of_100_mb_is_too_large_before_anything_else() {
    let rates = crate::event_fixtures::rates();
    let context = crate::event_fixtures::context(&rates);
    let value = vec![0xff; 100_000_000];
    assert_eq!(try_decode(Stream::Usage, &value, &context).unwrap_err().code, Code::TooLarge);
}
