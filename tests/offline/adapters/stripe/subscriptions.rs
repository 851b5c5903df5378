//! Subscriptions: periods, pauses, cancellations, order and accounts.

use super::*;

#[test]
fn a_subscription_of_the_new_api_has_its_period_on_the_items() {
    let snapshot = snapshot_of(&subscription(&[item(price(json!({})), 3)], json!({})));
    assert_eq!(snapshot.subscription_id, "sub_1MowQVLkdIwHu7ixeRlqHVzs");
    assert_eq!((snapshot.current_period_start, snapshot.current_period_end), (at(START), at(END)));
    assert_eq!((snapshot.started_at, snapshot.status), (Some(at(START)), SubscriptionStatus::Active));
    assert_eq!(mrr_of(&[item(price(json!({})), 3)], json!({})), 3_000); // 3 x 10.00
}

#[test]
fn a_subscription_of_the_old_api_has_it_itself() {
    let mut items = [item(price(json!({})), 1)];
    items[0].as_object_mut().unwrap().retain(|key, _| !key.starts_with("current_period"));
    let old = subscription(&items, json!({"current_period_start": START, "current_period_end": END, "discount": null}));
    let snapshot = snapshot_of(&old);
    assert_eq!((snapshot.current_period_start, snapshot.current_period_end), (at(START), at(END)));
    let nowhere = refused(&subscription(&items, json!({})));
    assert_eq!(nowhere, (Code::MissingField, "stripe: data.object.items.data[0].current_period_end is missing".to_owned()));
}

#[test]
fn of_mixed_intervals_the_latest_end_is_the_period() {
    let yearly = json!({"recurring": {"interval": "year", "interval_count": 1, "usage_type": "licensed"}, "unit_amount": 12_000,
        "unit_amount_decimal": "12000"});
    let mut year = item(price(yearly), 1);
    merge(&mut year, json!({"current_period_start": START - 100 * DAY, "current_period_end": END + 200 * DAY}));
    let mixed = subscription(&[item(price(json!({})), 1), year], json!({}));
    let snapshot = snapshot_of(&mixed);
    assert_eq!((snapshot.current_period_start, snapshot.current_period_end), (at(START - 100 * DAY), at(END + 200 * DAY)));
    assert_eq!(mrr(&mixed), 2_000); // 10.00 + 120.00 / 12
}

#[test]
fn a_paused_collection_reads_as_paused() {
    let paused = subscription(&[hundred()], json!({"pause_collection": {"behavior": "void", "resumes_at": null}}));
    assert_eq!(snapshot_of(&paused).status, SubscriptionStatus::Paused);
    assert_eq!(mrr(&paused), 0);
    let mut canceled = paused;
    canceled["status"] = json!("canceled");
    assert_eq!(snapshot_of(&canceled).status, SubscriptionStatus::Canceled);
}

#[test]
fn a_cancellation_at_the_end_of_the_period_is_told_from_one_at_another_time() {
    let of = |fields| {
        let snapshot = snapshot_of(&subscription(&[hundred()], fields));
        (snapshot.cancel_at_period_end, snapshot.cancel_at)
    };
    assert_eq!(of(json!({"cancel_at_period_end": true, "cancel_at": END})), (true, None));
    assert_eq!(of(json!({"cancel_at": END})), (true, None));
    assert_eq!(of(json!({"cancel_at": END - DAY})), (false, Some(at(END - DAY))));
    assert_eq!(of(json!({})), (false, None));
    let details = json!({"comment": null, "feedback": "too_expensive", "reason": "cancellation_requested"});
    let snapshot = snapshot_of(&subscription(&[hundred()], json!({"cancellation_details": details})));
    assert_eq!(snapshot.reason.as_deref(), Some("cancellation_requested"));
}

#[test]
fn of_two_events_in_one_second_the_later_status_wins_in_any_order() {
    let mut created = event("customer.subscription.created", &subscription(&[hundred()], json!({"status": "incomplete"})));
    created["id"] = json!("evt_z");
    let updated = event("customer.subscription.updated", &subscription(&[hundred()], json!({})));
    let mut deleted = event("customer.subscription.deleted", &subscription(&[hundred()], json!({"status": "canceled"})));
    deleted["id"] = json!("evt_0");
    for order in [[&created, &updated], [&updated, &created]] {
        let mut topic = Topic::new(Stream::Billing, format());
        for event in order {
            assert_eq!(topic.feed(event), Outcome::Applied);
        }
        assert_eq!(topic.mrr("cus_Na6dX7aXxi11N4", 0), 10_000);
    }
    for order in [[&updated, &deleted, &created], [&deleted, &created, &updated]] {
        let mut topic = Topic::new(Stream::Billing, format());
        for event in order {
            assert_eq!(topic.feed(event), Outcome::Applied);
        }
        assert_eq!(topic.mrr("cus_Na6dX7aXxi11N4", 0), 0);
    }
    let mut larger = event("customer.subscription.updated", &subscription(&[item(price(json!({})), 7)], json!({})));
    larger["id"] = json!("evt_2");
    for order in [[&updated, &larger], [&larger, &updated]] {
        let mut topic = Topic::new(Stream::Billing, format());
        for event in order {
            assert_eq!(topic.feed(event), Outcome::Applied);
        }
        assert_eq!(topic.mrr("cus_Na6dX7aXxi11N4", 0), 7_000, "evt_2 comes after evt_1");
    }
}

#[test]
fn the_account_is_in_the_metadata_or_known_by_the_customer() {
    let account = |options: StripeOptions, fields| {
        let text = event("customer.subscription.updated", &subscription(&[hundred()], fields)).to_string().leak();
        let record = records(&Format::Stripe(options), Stream::Billing, text).pop().unwrap();
        (record.account_system.map(|system| system.to_string()), record.account.unwrap().to_string())
    };
    let alias = |id: &str| (Some("stripe".to_owned()), id.to_owned());
    assert_eq!(account(StripeOptions::default(), json!({})), alias("cus_Na6dX7aXxi11N4"));
    assert_eq!(account(StripeOptions::default(), json!({"customer": {"id": "cus_9", "object": "customer"}})), alias("cus_9"));
    let business = json!({"customer": null, "customer_account": "acct_1"});
    assert_eq!(account(StripeOptions::default(), business), alias("acct_1"));
    let metadata = json!({"metadata": {"account_id": 42, "tenant": "acme"}});
    assert_eq!(account(StripeOptions::default(), metadata.clone()), (None, "42".to_owned()));
    let tenant = StripeOptions { account_metadata: "tenant".to_owned(), ..StripeOptions::default() };
    assert_eq!(account(tenant, metadata), (None, "acme".to_owned()));
    let nobody = refused(&subscription(&[hundred()], json!({"customer": null})));
    assert_eq!(nobody, (Code::MissingField, "stripe: data.object.customer is missing".to_owned()));
}
