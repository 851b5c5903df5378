use super::super::testing::{event, json, record, refusal};
use super::*;
use crate::event::{Code, Stream};
use crate::time::Timestamp;
use rust_decimal::Decimal;

const BEFORE: &str = r#""subscription_id":"s","status":"active""#;
const AFTER: &str = r#""current_period_start":0,"current_period_end":"1970-02-01T00:00:00Z""#;

fn subscription(items: &str, more: &str) -> SubscriptionSnapshot<'static> {
    let text = json("subscription_changed", &format!(r#"{BEFORE},"items":{items},{AFTER}{more}"#));
    match event(Stream::Billing, text.leak()) {
        Event::Billing(BillingEvent::Subscription(snapshot)) => *snapshot,
        other => panic!("{other:?}"),
    }
}

fn refused(items: &str, more: &str) -> (Code, String) {
    refusal(Stream::Billing, &json("subscription_changed", &format!(r#"{BEFORE},"items":{items},{AFTER}{more}"#)))
}

#[test]
fn an_item_needs_only_amount_and_currency() {
    let item = Item {
        amount: Amount { minor: 500.into(), currency: Currency::parse("EUR").unwrap() },
        interval: None,
        quantity: 1,
        metered: false,
    };
    assert_eq!(subscription(r#"[{"amount_minor":500.0,"currency":"eur"}]"#, "").items, [item]);
    assert_eq!(subscription("[]", "").items, []);
}

#[test]
fn an_item_may_hold_everything() {
    let text = r#"[{"amount_minor":"0","currency":"JPY","interval":"Quarter","interval_count":"2","quantity":0,"usage_type":"METERED"}]"#;
    let [item] = &subscription(text, "").items[..] else { panic!("one item") };
    assert_eq!(item.interval, Some(Interval { unit: IntervalUnit::Quarter, count: 2 }));
    assert_eq!((item.amount.minor, item.quantity, item.metered), (0.into(), 0, true));
}

#[test]
fn the_reason_names_the_item_and_its_field() {
    let good = r#"{"amount_minor":1,"currency":"USD"}"#;
    let second = |item: &str| refused(&format!("[{good},{item}]"), "");
    assert_eq!(second(r#"{"amount_minor":1}"#), (Code::MissingField, "items[1].currency is missing".to_owned()));
    assert_eq!(second(r#"{"amount_minor":1,"currency":"GBP"}"#), (Code::UnknownCurrency, "items[1].currency has no rate".to_owned()));
    assert_eq!(second(r#"{"amount_minor":1,"currency":"USDT"}"#).0, Code::OutOfRange);
    let decimals = second(r#"{"amount_minor":1.5,"currency":"USD"}"#);
    assert!(decimals.0 == Code::OutOfRange && decimals.1.starts_with("items[1].amount_minor has decimals"), "{decimals:?}");
    assert!(decimals.1.contains("use amount"), "{decimals:?}");
    assert_eq!(second("7"), (Code::WrongType, "items[1] is not an object".to_owned()));
    assert_eq!(second(r#"{"amount_minor":1,"currency":"USD","interval":"fortnight"}"#).0, Code::OutOfRange);
    assert_eq!(second(r#"{"amount_minor":1,"currency":"USD","interval":"day","interval_count":0}"#).0, Code::OutOfRange);
    assert_eq!(second(r#"{"amount_minor":1,"currency":"USD","quantity":2.5}"#).0, Code::WrongType);
    assert_eq!(second(r#"{"amount_minor":1,"currency":"USD","usage_type":"other"}"#).0, Code::OutOfRange);
}

fn minor(amount: &str, currency: &str) -> Fixed {
    subscription(&format!(r#"[{{{amount},"currency":"{currency}"}}]"#), "").items[0].amount.minor
}

#[test]
fn an_amount_in_major_units_is_exact_in_every_currency() {
    assert_eq!(minor(r#""amount":"49.90""#, "USD"), 4_990.into());
    assert_eq!(minor(r#""amount":49.90"#, "USD"), 4_990.into());
    assert_eq!(minor(r#""amount":1e2"#, "JPY"), 100.into());
    assert_eq!(minor(r#""amount":"0.005""#, "USD"), Fixed::new(5, 1));
    assert_eq!(minor(r#""amount":"0.0025","amount_minor":null"#, "EUR"), Fixed::new(25, 2));
    assert_eq!(minor(r#""amount":"-25.00","amount_minor":"""#, "EUR"), (-2_500).into());
    // In binary floating point it is less.
    assert_eq!(minor(r#""amount":0.02675"#, "USD"), Fixed::new(2_675, 3));
    assert_eq!(minor(r#""amount_minor":-700"#, "USD"), (-700).into());
    assert_eq!(minor(r#""amount_minor":6.00"#, "USD"), 6.into());
    assert_eq!(minor(r#""amount_minor":"6e2""#, "USD"), 600.into());
}

#[test]
fn an_amount_is_given_once_in_whole_minor_units_or_in_major_ones() {
    let item = |amount: &str| refused(&format!(r#"[{{{amount},"currency":"USD"}}]"#), "");
    for amount in [r#""amount_minor":"49.00""#, r#""amount_minor":0.5"#, r#""amount_minor":"6.0""#, r#""amount_minor":5e-1"#] {
        let (code, reason) = item(amount);
        assert!(code == Code::OutOfRange && reason.contains("use amount"), "{amount}: {reason}");
    }
    assert_eq!(item(r#""amount":"1","amount_minor":100"#).0, Code::OutOfRange);
    assert_eq!(item(r#""amount":"much""#), (Code::WrongType, "items[0].amount is not a number".to_owned()));
    assert_eq!(item(r#""amount":true"#).0, Code::WrongType);
    assert_eq!(item(r#""amount":"92233720368547758.08""#).0, Code::OutOfRange);
    assert_eq!(item(r#""amount":"0.000000000000000000000000001""#).0, Code::OutOfRange);
    assert_eq!(item(r#""x":1"#), (Code::MissingField, "items[0].amount_minor is missing".to_owned()));
}

#[test]
fn a_discount_in_major_units_has_the_decimals_of_its_currency_or_of_the_first_recurring_item() {
    let off = |currency: &str, items: &str| {
        let text = format!(r#","discount":{{"amount_off":"1.5"{currency}}}"#);
        subscription(items, &text).discounts[0].amount_off_minor.unwrap()
    };
    let items = r#"[{"amount":-1,"currency":"JPY","interval":"month"},{"amount":1,"currency":"JPY"},
        {"amount":1,"currency":"JPY","interval":"day","usage_type":"metered"},{"amount":1,"currency":"EUR","interval":"month"}]"#;
    assert_eq!(off("", items), 150.into());
    assert_eq!(off(r#","currency":"JPY""#, items), Fixed::new(15, 1));
    let refused = |discount: &str| refused("[]", &format!(r#","discount":{{{discount}}}"#));
    assert_eq!(refused(r#""amount_off":-1"#), (Code::OutOfRange, "discount.amount_off is negative".to_owned()));
    assert_eq!(refused(r#""amount_off":1,"amount_off_minor":100"#).0, Code::OutOfRange);
    assert_eq!(refused(r#""amount_off_minor":"1.00""#).0, Code::OutOfRange);
}

#[test]
fn common_spellings_of_statuses_and_intervals_are_accepted() {
    let status = |word: &str| {
        let text = json("subscription_changed", &format!(r#""subscription_id":"s","status":"{word}","items":[],{AFTER}"#));
        match event(Stream::Billing, text.leak()) {
            Event::Billing(BillingEvent::Subscription(snapshot)) => (snapshot.status, snapshot.cancel_at_period_end),
            other => panic!("{other:?}"),
        }
    };
    for word in ["Canceled", "cancelled", "ENDED"] {
        assert_eq!(status(word), (SubscriptionStatus::Canceled, false), "{word}");
    }
    assert_eq!(status("incomplete_expired"), (SubscriptionStatus::IncompleteExpired, false));
    assert_eq!(status("Non_Renewing"), (SubscriptionStatus::Active, true));
    let unit = |word: &str| {
        let items = format!(r#"[{{"amount_minor":1,"currency":"USD","interval":"{word}"}}]"#);
        subscription(&items, "").items[0].interval.unwrap().unit
    };
    for (unit_is, words) in [
        (IntervalUnit::Year, ["annual", "Annually", "yearly"]),
        (IntervalUnit::Month, ["month", "Monthly", "MONTHLY"]),
        (IntervalUnit::Week, ["week", "weekly", "WEEKLY"]),
        (IntervalUnit::Day, ["day", "daily", "Daily"]),
        (IntervalUnit::Quarter, ["quarter", "quarterly", "Quarterly"]),
    ] {
        assert_eq!(words.map(unit), [unit_is; 3]);
    }
}

#[test]
fn the_rejection_of_an_unknown_status_lists_the_known_ones() {
    let text = json("subscription_changed", &format!(r#""subscription_id":"s","status":"on_ice","items":[],{AFTER}"#));
    let (code, reason) = refusal(Stream::Billing, &text);
    assert_eq!(code, Code::OutOfRange);
    assert!(reason.starts_with("status is not one of active, past_due,") && reason.contains("cancelled"), "{reason}");
}

#[test]
fn optional_instants_before_1900_count_as_missing_and_required_ones_are_rejected() {
    let year_1 = r#","trial_end":"0001-01-01T00:00:00Z","started_at":"0001-01-01T00:00:00+01:00","canceled_at":-9e12"#;
    let snapshot = subscription("[]", &format!(r#"{year_1},"discount":{{"ends_at":"1899-12-31T23:59:59.999Z"}}"#));
    assert_eq!((snapshot.trial_end, snapshot.started_at, snapshot.canceled_at), (None, None, None));
    assert_eq!(snapshot.discounts[0].ends_at, None);
    let old = subscription("[]", r#","started_at":"1900-01-01T00:00:00Z""#);
    assert_eq!(old.started_at, Some(Timestamp::Y1900));
    let text = r#""subscription_id":"s","status":"active","items":[],"current_period_start":"0001-01-01T00:00:00Z","current_period_end":5"#;
    let refused = refusal(Stream::Billing, &json("subscription_changed", text));
    assert_eq!(refused, (Code::OutOfRange, "current_period_start is before 1900".to_owned()));
}

#[test]
fn items_are_an_array_of_bounded_length() {
    assert_eq!(refused("null", "").0, Code::MissingField);
    assert_eq!(refused("{}", ""), (Code::WrongType, "items is not an array".to_owned()));
    let many = format!("[{}1]", "1,".repeat(1000));
    assert_eq!(refused(&many, ""), (Code::OutOfRange, "items has more than 1000 values".to_owned()));
}

#[test]
fn a_discount_is_exact() {
    let percent = |text: &str| subscription("[]", &format!(r#","discount":{{"percent_off":{text}}}"#)).discounts[0].percent_off;
    assert_eq!(percent("33.333333333333333333"), Some(Decimal::from_str_exact("33.333333333333333333").unwrap()));
    assert_eq!(percent("\"12.5\""), Some(Decimal::new(125, 1)));
    assert_eq!(percent("1e1"), Some(Decimal::TEN));
    assert_eq!(percent("null"), None);
    for text in ["100.01", "-1", "1e400"] {
        assert_eq!(refused("[]", &format!(r#","discount":{{"percent_off":{text}}}"#)).0, Code::OutOfRange, "{text}");
    }
}

#[test]
fn a_discount_may_be_an_amount_with_an_end() {
    let text = r#","discount":{"amount_off_minor":250,"currency":"JPY","interval":"year","ends_at":2}"#;
    let expected = Discount {
        percent_off: None,
        amount_off_minor: Some(250.into()),
        currency: Currency::parse("JPY"),
        interval: Some(Interval { unit: IntervalUnit::Year, count: 1 }),
        ends_at: Some(Timestamp(2000)),
    };
    assert_eq!(subscription("[]", text).discounts, [expected]);
    assert_eq!(subscription("[]", r#","discount":null,"discounts":[]"#).discounts, []);
    assert_eq!(refused("[]", r#","discount":"none""#).1, "discount is not an object");
    assert_eq!(refused("[]", r#","discount":{"currency":"GBP"}"#), (Code::UnknownCurrency, "discount.currency has no rate".to_owned()));
}

#[test]
fn several_discounts_keep_their_order_and_the_reason_names_the_one_at_fault() {
    let given = subscription("[]", r#","discount":null,"discounts":[{"percent_off":20},{"percent_off":"5"}]"#).discounts;
    assert_eq!(given.iter().map(|discount| discount.percent_off).collect::<Vec<_>>(), [Some(20.into()), Some(5.into())]);
    let wrong = refused("[]", r#","discounts":[{},{"percent_off":101}]"#);
    assert!(wrong.0 == Code::OutOfRange && wrong.1.starts_with("discounts[1].percent_off"), "{wrong:?}");
    assert_eq!(refused("[]", r#","discounts":{}"#), (Code::WrongType, "discounts is not an array".to_owned()));
    let both = refused("[]", r#","discount":{},"discounts":[{}]"#);
    assert!(both.0 == Code::OutOfRange && both.1.contains("discounts are both given"), "{both:?}");
}

#[test]
fn a_cancellation_may_be_scheduled_for_an_instant() {
    assert_eq!(subscription("[]", r#","cancel_at":1746057600"#).cancel_at, Some(Timestamp(1_746_057_600_000)));
    assert_eq!(subscription("[]", r#","cancel_at":"0001-01-01T00:00:00Z""#).cancel_at, None);
    assert_eq!(refused("[]", r#","cancel_at":"soon""#).0, Code::WrongType);
}

#[test]
fn a_version_may_be_any_whole_number() {
    assert_eq!(subscription("[]", r#","version":"17""#).version, Some(17));
    assert_eq!(subscription("[]", "").version, None);
    assert_eq!(refused("[]", r#","version":1.5"#).0, Code::WrongType);
}

#[test]
fn instants_of_a_subscription_are_checked_like_any_other() {
    assert_eq!(refused("[]", r#","trial_end":"2026-01-01""#).0, Code::WrongType);
    assert_eq!(refused("[]", r#","term_end":253402300800000"#).0, Code::OutOfRange);
    assert_eq!(subscription("[]", r#","canceled_at":"""#).canceled_at, None);
}

#[test]
fn a_cost_has_no_account_even_if_it_names_one() {
    let text = json("cost_recorded", r#""account_id":[],"category":"Acquisition","amount_minor":9,"currency":"USD","segment":"smb""#);
    let cost = record(Stream::Billing, &text);
    assert_eq!(cost.account, None);
    assert!(matches!(cost.event, Event::Cost(Cost { category: CostCategory::Acquisition, .. })));
}

#[test]
fn an_invoice_needs_its_id_before_its_amount() {
    let refused = |fields: &str| refusal(Stream::Billing, &json("invoice_paid", fields)).1;
    assert_eq!(refused(r#""amount_minor":-1"#), "invoice_id is missing");
    assert_eq!(refused(r#""invoice_id":1,"amount_minor":-1,"currency":"USD""#), "amount_minor is negative");
    assert_eq!(refused(r#""invoice_id":1,"amount":"-0.01","currency":"USD""#), "amount is negative");
    assert_eq!(refused(r#""invoice_id":1,"currency":"x""#), "amount_minor is missing");
    assert_eq!(refused(r#""invoice_id":1,"amount_minor":1,"currency":"""#), "currency is missing");
}
