//! Other payloads, and what is wrong with those of Stripe.

use super::*;

#[test]
fn other_events_are_ignored_and_other_payloads_named() {
    let ignored = |payload: &Value| decode(&format(), Stream::Billing, &payload.to_string()) == Ok(Decoded::Ignored);
    for kind in ["charge.succeeded", "invoice.upcoming", "invoice.finalized", "customer.updated", "invoiceitem.created", "v1.unknown"] {
        assert!(ignored(&event(kind, &json!({"id": 7, "items": 5, "discounts": "?", "status": []}))), "{kind}");
    }
    let thin = |kind: &str| {
        json!({"id": "evt_1", "object": "v2.core.event", "type": kind, "created": "2026-03-01T00:00:00.000Z",
        "related_object": {"id": "sub_1", "type": "subscription", "url": "/v1/subscriptions/sub_1"}})
    };
    assert!(ignored(&thin("v1.billing.meter.error_report_triggered")));
    let reason = refusal(&format(), Stream::Billing, &thin("v1.customer.subscription.updated").to_string()).1;
    assert!(reason.starts_with("stripe: data.object is missing: thin events hold ids only"), "{reason}");
    let foreign = |payload: Value| refusal(&format(), Stream::Billing, &payload.to_string());
    let chargebee = json!({"id": "ev_1", "event_type": "subscription_created", "content": {}});
    assert_eq!(foreign(chargebee), (Code::MissingField, "stripe: type is missing".to_owned()));
    let native = json!({"type": "subscription_changed", "account_id": "a"});
    assert_eq!(foreign(native), (Code::MissingField, "stripe: data.object is missing".to_owned()));
    let half = json!({"id": "evt_1", "type": "customer.subscription.updated", "created": NOW, "data": {"object": {"customer": "cus_1"}}});
    assert_eq!(foreign(half), (Code::MissingField, "stripe: data.object.id is missing".to_owned()));
    let untimed = json!({"id": "evt_1", "type": "customer.subscription.updated", "data": {"object": {"customer": "cus_1"}}});
    assert_eq!(foreign(untimed), (Code::MissingField, "stripe: created is missing".to_owned()));
}

#[test]
fn what_is_wrong_names_its_place() {
    let items = |items: Value| refused(&subscription(&[], json!({"items": items})));
    assert_eq!(items(json!("?")), (Code::WrongType, "stripe: data.object.items is not an object".to_owned()));
    assert_eq!(items(json!({"data": 5})), (Code::WrongType, "stripe: data.object.items.data is not a list".to_owned()));
    assert_eq!(items(json!({"data": [5]})), (Code::WrongType, "stripe: data.object.items.data[0] is not an object".to_owned()));
    let mut bad = item(price(json!({"unit_amount_decimal": "ten"})), 1);
    let second = |bad: &Value| refused(&subscription(&[hundred(), bad.clone()], json!({})));
    assert_eq!(second(&bad), (Code::WrongType, "stripe: data.object.items.data[1].price.unit_amount is not a number".to_owned()));
    bad["price"] = json!("price_1");
    assert_eq!(second(&bad), (Code::WrongType, "stripe: data.object.items.data[1].price is not an object".to_owned()));
    let status = refused(&subscription(&[hundred()], json!({"status": "dormant"})));
    assert_eq!(status.0, Code::OutOfRange);
    assert!(status.1.starts_with("stripe: data.object.status is not one of active, past_due"), "{}", status.1);
    let unknown = refused(&subscription(&[item(price(json!({"currency": "gbp"})), 1)], json!({"currency": "gbp"})));
    assert_eq!(unknown.0, Code::UnknownCurrency);
}

/// Every resource of Stripe's own fixtures, as the object of an event of every kind that is read.
#[test]
fn every_published_resource_is_read_or_refused_by_name() {
    let fixtures: Value = serde_json::from_str(include_str!("../../../fixtures/stripe/fixtures3.json")).unwrap();
    for (name, resource) in fixtures["resources"].as_object().unwrap() {
        let other = event(&format!("{name}.updated"), resource).to_string();
        if !name.starts_with("invoice.") {
            assert_eq!(decode(&format(), Stream::Billing, &other), Ok(Decoded::Ignored), "{name}");
        }
        for kind in ["customer.subscription.updated", "invoice.paid"] {
            let text = event(kind, resource).to_string();
            match decode(&format(), Stream::Billing, &text) {
                Ok(decoded) => assert_eq!(decoded.records().len(), 1, "{name}"),
                Err(rejection) => assert!(rejection.reason.starts_with("stripe: "), "{name}: {rejection}"),
            }
        }
    }
    let paused = event("customer.subscription.updated", &fixtures["resources"]["subscription"]).to_string();
    let Event::Billing(BillingEvent::Subscription(snapshot)) = &records(&format(), Stream::Billing, &paused)[0].event else {
        panic!("a subscription")
    };
    assert_eq!((snapshot.status, snapshot.items[0].amount.minor), (SubscriptionStatus::Paused, Fixed::from(0)));
    assert_eq!(snapshot.current_period_start, at(1_896_570_518));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let raw = crate::event_fixtures::line(Stream::Billing, &bytes);
        drop(format().decode(&raw, &crate::event_fixtures::context(&crate::event_fixtures::rates())));
    }

    /// A valid event in which one value is replaced by anything.
    #[test]
    fn no_value_in_the_wrong_place_panics(place in any::<prop::sample::Index>(), value in prop_oneof![
        Just("null"), Just("[]"), Just("{}"), Just("\"\""), Just("\"x\""), Just("-1"), Just("1e400"), Just("99999999999999999999999"),
        Just("[[]]"), Just("[{}]"), Just("true"), Just("0.000000000000000000000000001"),
    ]) {
        let single = discount("di_1", coupon(json!({"percent_off": 25.5})));
        let whole = subscription(&[item(tiered("volume", fonts()), 7)], json!({"discount": single, "discounts": [single, "di_2"]}));
        let text = event("customer.subscription.updated", &whole).to_string();
        drop(decode(&format(), Stream::Billing, &broken(&text, place, value)));
    }

    /// Tiers, packages and discounts never lose a fraction: the cost is compared with a computation in whole ten-thousandths.
    #[test]
    fn graduated_tiers_are_exact(quantity in 0_u64..400, ends in (1_u64..50, 1_u64..50), units in prop::array::uniform3(0_u64..90_000), flat in 0_u64..5_000) {
        let ends = [ends.0, ends.0 + ends.1];
        let decimal = |ten_thousandths: u64| format!("{}.{:04}", ten_thousandths / 10_000, ten_thousandths % 10_000);
        let tiers = json!([{"flat_amount": flat, "unit_amount_decimal": decimal(units[0]), "up_to": ends[0]},
            {"unit_amount_decimal": decimal(units[1]), "up_to": ends[1]}, {"unit_amount_decimal": decimal(units[2]), "up_to": null}]);
        let snapshot = snapshot_of(&subscription(&[item(tiered("graduated", tiers), quantity)], json!({})));
        let sum = snapshot.items.iter().fold(Fixed::from(0), |sum, item| sum.plus(item.amount.minor.times(item.quantity)));
        let in_tiers = [quantity.min(ends[0]), quantity.clamp(ends[0], ends[1]) - ends[0], quantity.max(ends[1]) - ends[1]];
        let expected: u64 = in_tiers.iter().zip(units).map(|(count, unit)| count * unit).sum::<u64>() + flat * 10_000;
        prop_assert_eq!(sum, Fixed::new(expected.into(), 4));
    }
}
