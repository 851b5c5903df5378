//! Invoices.

use super::*;

#[test]
fn paid_invoices_add_up_once_each() {
    let mut topic = Topic::new(Stream::Billing, format());
    topic.feed(&event("customer.subscription.created", &subscription(&[hundred()], json!({}))));
    for kind in ["invoice.paid", "invoice.payment_succeeded"] {
        let mut paid = event(kind, &invoice(json!({})));
        paid["id"] = json!(kind);
        assert_eq!(topic.feed(&paid), Outcome::Applied);
    }
    topic.feed(&event("invoice.paid", &invoice(json!({"id": "in_2", "amount_paid": "100"}))));
    assert_eq!(topic.metric("cus_Na6dX7aXxi11N4", Metric::LifetimeValue, 0), Some(10_000));
    topic.feed(&event("invoice.payment_failed", &invoice(json!({"id": "in_3", "amount_paid": 0, "status": "open"}))));
    assert_eq!(topic.metric("cus_Na6dX7aXxi11N4", Metric::PaymentFailuresOpen, 0), Some(1));
}

#[test]
fn an_invoice_belongs_to_the_account_of_its_subscription() {
    let details = json!({"metadata": {"account_id": "acme"}, "subscription": "sub_1"});
    for fields in [
        json!({"subscription_details": details}),
        json!({"parent": {"type": "subscription_details", "quote_details": null, "subscription_details": details}}),
        json!({"metadata": {"account_id": "acme"}, "parent": null}),
    ] {
        let text = event("invoice.paid", &invoice(fields)).to_string();
        let record = records(&format(), Stream::Billing, &text).remove(0);
        assert_eq!((record.account.as_deref(), record.account_system), (Some("acme"), None));
    }
}
