//! What the language says, one feature after another.

use churnwatch::event::{Event, SubscriptionSnapshot, UsageKind};

use churnwatch::money::Fixed;

use super::*;

const USE: &str = "[[event]]\ntype = \"feature_used\"\n";

fn uses(records: &[Record<'_>]) -> Vec<(String, String, u64)> {
    let fields = |record: &Record<'_>| match &record.event {
        Event::Usage(usage) => match &usage.kind {
            UsageKind::Feature { feature, count } => (record.account.clone().unwrap().into_owned(), feature.to_string(), *count),
            UsageKind::SessionEnded { duration_ns } => (record.account.clone().unwrap().into_owned(), "session".to_owned(), *duration_ns),
            UsageKind::Identified => (record.account.clone().unwrap().into_owned(), "identified".to_owned(), 0),
        },
        other => panic!("{other:?}"),
    };
    records.iter().map(fields).collect()
}

fn subscription(records: &[Record<'_>]) -> SubscriptionSnapshot<'static> {
    match records.first().map(|record| record.clone().into_owned().event) {
        Some(Event::Billing(churnwatch::event::BillingEvent::Subscription(snapshot))) => *snapshot,
        other => panic!("{other:?}"),
    }
}

fn one(mapping: &str, payload: &str) -> Record<'static> {
    let records = read(&compiled(mapping), Stream::Usage, payload).unwrap_or_else(|rejection| panic!("{rejection}"));
    assert_eq!(records.len(), 1);
    records.into_iter().next().unwrap()
}

fn refused(mapping: &str, payload: &str) -> String {
    read(&compiled(mapping), Stream::Usage, payload).unwrap_err().to_string()
}

#[test]
fn fields_are_pointers_constants_and_the_first_that_is_given() {
    let mapping =
        format!("{USE}account_id = [\"/a/0~1b\", \"/c\"]\nfeature = {{ value = \"export\" }}\ncount = 3\noccurred_at = \"/at\"\n");
    let record = one(&mapping, r#"{"a":[{"/b":1},{"x":2}],"c":"acme","at":1700000000}"#);
    assert_eq!(uses(&[record]), [("acme".to_owned(), "export".to_owned(), 3)]);
    let record = one(&mapping.replace("/a/0~1b", "/a/0/~1b"), r#"{"a":[{"/b":"one"}],"c":"acme","at":1700000000}"#);
    assert_eq!(record.account.as_deref(), Some("one"));
}

#[test]
fn payloads_may_be_inside_at_the_first_of_several_places_alone_or_in_a_list() {
    let mapping = format!("each = [\"/batch\", \"/data/event\"]\n{USE}feature = \"/f\"\noccurred_at = \"/at\"\naccount_id = \"/a\"\n");
    let payload = r#"{"f":"x","at":1700000000,"a":"acme"}"#;
    for (wrapped, count) in [
        (payload.to_owned(), 1),
        (format!(r#"{{"batch":[{payload},{payload}]}}"#), 2),
        (format!(r#"{{"data":{{"event":{payload}}}}}"#), 1),
        // A text at such a place is not a payload: the object around it is.
        (payload.replace('{', r#"{"batch":"b","#), 1),
    ] {
        let records = read(&compiled(&mapping), Stream::Usage, &wrapped).unwrap();
        assert_eq!(uses(&records), vec![("acme".to_owned(), "x".to_owned(), 1); count], "{wrapped}");
    }
}

#[test]
fn the_reason_for_a_field_of_an_item_names_its_place() {
    let head = "[[event]]\ntype = \"subscription_changed\"\naccount_id = \"/a\"\noccurred_at = \"/at\"\nsubscription_id = \"/a\"\nstatus = { value = \"active\" }\ncurrent_period_start = \"/at\"\ncurrent_period_end = \"/at\"\n[[event.items]]\n";
    let alone = format!("{head}amount_minor = \"/price\"\ncurrency = \"/cur\"\ninterval = {{ value = \"month\" }}\n");
    let payload = r#"{"a":"x","at":1700000000,"cur":"USD","lines":[{"n":1}]}"#;
    assert_eq!(refused(&alone, payload), "missing_field: items[0].amount_minor is missing (subscription_changed, from /price)");
    let listed = format!("{head}each = \"/lines\"\namount_minor = \"/price\"\ncurrency = \"^/cur\"\n");
    assert_eq!(refused(&listed, payload), "missing_field: items[0].amount_minor is missing (subscription_changed, from /lines[]/price)");
}

#[test]
fn an_account_may_be_an_alias_in_a_system() {
    let mapping =
        format!("{USE}feature = \"/f\"\noccurred_at = \"/at\"\naccount_id = [\"/own\", {{ from = \"/crm\", system = \"crm\" }}]\n");
    let alias = one(&mapping, r#"{"f":"x","at":1,"crm":17}"#);
    assert_eq!((alias.account.as_deref(), alias.account_system.as_deref()), (Some("17"), Some("crm")));
    let own = one(&mapping, r#"{"f":"x","at":1,"crm":17,"own":"acme"}"#);
    assert_eq!((own.account.as_deref(), own.account_system.as_deref()), (Some("acme"), None));
}

#[test]
fn tables_look_values_up_in_any_case_and_refuse_unknown_ones() {
    let mapping = format!(
        "{USE}account_id = \"/a\"\noccurred_at = \"/at\"\nfeature = {{ from = \"/f\", table = \"names\" }}\n[tables.names]\nOpened = \"open\"\n7 = \"seven\"\ntrue = \"yes\"\n"
    );
    for (value, feature) in [(r#""OPENED""#, "open"), ("7", "seven"), ("true", "yes")] {
        assert_eq!(uses(&[one(&mapping, &format!(r#"{{"a":"a","at":1,"f":{value}}}"#))])[0].1, feature);
    }
    let reason = refused(&mapping, r#"{"a":"a","at":1,"f":"secret"}"#);
    assert_eq!(reason, "out_of_range: feature: the table names has no entry for the value, nor one for all others (/f)");
    let lenient = mapping.replace("true = \"yes\"", "\"*\" = \"other\"");
    assert_eq!(uses(&[one(&lenient, r#"{"a":"a","at":1,"f":"secret"}"#)])[0].1, "other");
}

#[test]
fn units_and_zones_are_converted_exactly() {
    let mapping = format!(
        "{USE}account_id = \"/a\"\nfeature = \"/f\"\noccurred_at = {{ from = \"/at\", unit = \"microseconds\", zone = \"Europe/Berlin\" }}\n"
    );
    for (at, millis) in [
        ("1700000000123456", 1_700_000_000_123),
        ("\"1700000000123456\"", 1_700_000_000_123),
        ("\"2024-07-01 08:30:00.5\"", 1_719_815_400_500),
        ("\"2024-12-01T08:30:00\"", 1_733_038_200_000),
        ("\"2024-07-01T08:30:00+0000\"", 1_719_822_600_000),
    ] {
        assert_eq!(one(&mapping, &format!(r#"{{"a":"a","f":"f","at":{at}}}"#)).occurred_at.millis(), millis, "{at}");
    }
    let session = "[[event]]\ntype = \"session_ended\"\naccount_id = \"/a\"\noccurred_at = \"/at\"\nsession_id = \"/s\"\nduration_seconds = { from = \"/d\", unit = \"UNIT\" }\n";
    for (unit, value, nanoseconds) in [
        ("milliseconds", "1500", 1_500_000_000),
        ("minutes", "\"1.5\"", 90_000_000_000),
        ("iso_duration", "\"PT1H0.25S\"", 3_600_250_000_000),
    ] {
        let record = one(&session.replace("UNIT", unit), &format!(r#"{{"a":"a","at":1,"s":1,"d":{value}}}"#));
        assert_eq!(uses(&[record])[0].2, nanoseconds, "{unit}");
    }
}

const SUBSCRIPTION: &str = r#"
[[event]]
type = "subscription_changed"
account_id = "/customer"
occurred_at = "/at"
subscription_id = "/id"
status = { value = "active" }
current_period_start = "/from"
current_period_end = { from = "/until", required = true }
[[event.items]]
each = "/lines"
when = { "/kind" = { not = ["tax", "fee*"] } }
amount = { from = "/price", unit = "cents" }
currency = "^/currency"
interval = { from = "/every", unit = "iso_duration" }
interval_count = { from = "/every", unit = "iso_duration" }
quantity = { from = "/seats", default = 1 }
"#;

#[test]
fn lists_become_items_and_reach_out_of_their_element() {
    let payload = r#"{"customer":"a","at":1700000000,"id":"s","from":1,"until":2,"currency":"KWD","lines":[
        {"price":4900.5,"every":"P3M","seats":2},{"kind":"Tax","price":1},{"kind":"fees","price":1},{"price":"100","every":"P1Y"}]}"#;
    let snapshot = subscription(&read(&compiled(SUBSCRIPTION), Stream::Billing, payload).unwrap());
    let items: Vec<_> = snapshot.items.iter().map(|item| (item.amount.minor, item.interval.unwrap().count, item.quantity)).collect();
    assert_eq!(items, [(Fixed::from(49_005), 3, 2), (Fixed::from(1_000), 1, 1)]);
}

#[test]
fn a_missing_list_is_not_an_empty_one() {
    let payload = |lines: &str| format!(r#"{{"customer":"a","at":1700000000,"id":"s","from":1,"until":2,"currency":"USD"{lines}}}"#);
    let read = |lines: &str| read(&compiled(SUBSCRIPTION), Stream::Billing, &payload(lines));
    // Nothing is left of this one, which is not the same as nothing in it.
    assert_eq!(subscription(&read(",\"lines\":[{\"kind\":\"tax\"}]").unwrap()).items.len(), 0);
    let empty = read(",\"lines\":[]").unwrap_err().to_string();
    assert_eq!(empty, "missing_field: items is empty, but a subscription has items (/lines)");
    for lines in ["", ",\"lines\":null"] {
        let reason = read(lines).unwrap_err().to_string();
        assert_eq!(reason, "missing_field: items is missing (subscription_changed, from /lines)");
    }
    assert_eq!(subscription(&read(",\"lines\":{\"price\":1,\"every\":\"P1M\"}").unwrap()).items.len(), 1);
}

#[test]
fn one_record_may_be_several_events_with_ids_of_their_own() {
    let mapping = compiled(&format!(
        "[common]\nid = \"/id\"\naccount_id = \"/a\"\noccurred_at = \"/at\"\n{USE}each = \"/changes\"\nwhen = {{ \"/field\" = \"status\" }}\nfeature = \"/to\"\n{USE}when = {{ \"/done\" = true }}\nfeature = {{ value = \"done\" }}\n"
    ));
    let payload = r#"{"id":"e1","a":"acme","at":1,"done":true,"changes":[{"field":"status","to":"x"},{"field":"other"},{"field":"status","to":"y"}]}"#;
    let records = read(&mapping, Stream::Usage, payload).unwrap();
    let ids: Vec<_> = records.iter().map(|record| record.id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["e1", "e1#1", "e1#2"]);
    assert_eq!(uses(&records).into_iter().map(|(_, feature, _)| feature).collect::<Vec<_>>(), ["x", "y", "done"]);
    let batch = format!("[{payload},{}]", payload.replace("e1", "e2"));
    assert_eq!(read(&mapping, Stream::Usage, &batch).unwrap().len(), 6);
    let wrapped = compiled(&format!("each = \"/events\"\n{USE}account_id = \"/a\"\noccurred_at = \"/at\"\nfeature = \"/f\"\n"));
    assert_eq!(read(&wrapped, Stream::Usage, r#"{"events":[{"a":1,"f":"x","at":1},{"a":2,"f":"y","at":1}]}"#).unwrap().len(), 2);
    assert_eq!(read(&wrapped, Stream::Usage, r#"{"a":1,"f":"x","at":1}"#).unwrap().len(), 1);
    let reason = read(&wrapped, Stream::Usage, r#"{"events":[{"a":1,"f":"x","at":1},7]}"#).unwrap_err().to_string();
    assert_eq!(reason, "wrong_type: the payload is not an object");
}

#[test]
fn json_held_in_text_headers_and_keys_are_read() {
    let mapping = format!(
        "{USE}id = \"@header/x-id\"\naccount_id = \"@key/tenant\"\noccurred_at = \"/body/at\"\nfeature = {{ join = [\"/body/inner/f\", \"/b\"] }}\n"
    );
    let payload = r#"{"body":"{\"at\":1700000000,\"inner\":\"{\\\"f\\\":\\\"deep\\\"}\"}","b":2}"#;
    let headers = vec![("x-id".to_owned(), b"e\"1".to_vec())];
    let records = read_record(&compiled(&mapping), payload, Some(r#"{"tenant":"acme"}"#), &headers, None).unwrap();
    assert_eq!(records[0].id.as_deref(), Some("e\"1"));
    assert_eq!(uses(&records), [("acme".to_owned(), "deep:2".to_owned(), 1)]);
    let whole = mapping.replace("@key/tenant", "@key").replace("/body/at", "/nowhere");
    let records = read_record(&compiled(&whole), payload, Some("plain"), &headers, Some(1_700_000_000_000)).unwrap();
    assert_eq!((records[0].account.as_deref(), records[0].payload_time), (Some("plain"), false));
}

#[test]
fn conditions_choose_events_and_sources() {
    let mapping = format!(
        "{USE}when = {{ \"/kind\" = [\"view\", \"page_*\"], \"/test\" = {{ not = true }}, \"/user\" = {{ given = true }} }}\naccount_id = \"/a\"\noccurred_at = \"/at\"\nuser_id = \"/user\"\nfeature = [{{ from = \"/path\", when = {{ \"/kind\" = \"page_view\" }} }}, \"/kind\"]\n"
    );
    let mapping = compiled(&mapping);
    let read = |fields: &str| read(&mapping, Stream::Usage, &format!(r#"{{"a":"a","at":1,"path":"/home",{fields}}}"#)).unwrap();
    assert_eq!(uses(&read(r#""kind":"page_view","user":1"#))[0].1, "/home");
    assert_eq!(uses(&read(r#""kind":"VIEW","user":1"#))[0].1, "VIEW");
    assert_eq!(uses(&read(r#""kind":["x","view"],"user":1"#.replace("[\"x\",\"view\"]", "\"view\"").as_str())).len(), 1);
    for none in [r#""kind":"click","user":1"#, r#""kind":"view""#, r#""kind":"view","user":1,"test":true"#, r#""user":1"#] {
        assert_eq!(read(none).len(), 0, "{none}");
    }
}

#[test]
fn dirty_values_are_read_as_native_ones_are() {
    let mapping = format!("{USE}account_id = \"/a\"\noccurred_at = \"/at\"\nuser_id = \"/u\"\nfeature = \"/f\"\ncount = \"/n\"\n");
    let long = "f".repeat(300);
    let record = one(&mapping, &format!(r#"{{"a":17,"at":"1700000000","u":null,"f":"{long}","n":"6.0"}}"#));
    assert!(record.cut_text);
    assert_eq!(uses(&[record]), [("17".to_owned(), "f".repeat(256), 6)]);
    for (payload, reason) in [
        (r#"{"a":"a","at":1,"f":"f","n":0}"#, "out_of_range: count is outside its range (feature_used, from /n)"),
        (r#"{"a":"a","at":1}"#, "missing_field: feature is missing (feature_used, from /f)"),
        (
            r#"{"a":"a","at":"2024-01-01T00:00:00","f":"f"}"#,
            "wrong_type: occurred_at is not an instant; without an offset it needs a zone (/at)",
        ),
        (r#"{"at":1,"f":"f"}"#, "missing_field: account_id is missing and the record has no key (feature_used, from /a)"),
        (r#"{"a":"a","at":1,"f":}"#, "invalid_json: not valid JSON at line 1, column 21"),
        ("7", "wrong_type: the payload is not an object"),
    ] {
        assert_eq!(refused(&mapping, payload), reason);
    }
}

#[test]
fn profiles_have_aliases_and_features_from_lists() {
    let mapping = compiled(
        "[[event]]\ntype = \"account_profile\"\naccount_id = \"/id\"\noccurred_at = \"/at\"\nmerge = true\n[event.entitled_features]\neach = \"/features\"\nfrom = \"/key\"\nwhen = { \"/on\" = true }\n[event.aliases]\nstripe = \"/stripe\"\n\"my crm\" = \"/crm/0\"\n",
    );
    let payload =
        r#"{"id":"a","at":1,"features":[{"key":"x","on":true},{"key":"y","on":false},{"key":"z","on":true}],"stripe":"cus_1","crm":[5]}"#;
    let records = read(&mapping, Stream::Accounts, payload).unwrap();
    let Event::Profile(profile) = &records[0].event else { panic!("a profile") };
    assert_eq!(profile.entitled_features, ["x", "z"]);
    assert_eq!(profile.aliases, [("my crm".into(), "5".into()), ("stripe".into(), "cus_1".into())]);
    assert!(profile.merge);
}

#[test]
fn conditions_compare_two_places() {
    let mapping = |test: &str| {
        compiled(&format!(
            "{USE}account_id = \"/a\"\noccurred_at = \"/at\"\nfeature = \"/f\"\nwhen = {{ \"/x\" = {{ {test} = \"/y\" }} }}\n"
        ))
    };
    let count =
        |test: &str, fields: &str| read(&mapping(test), Stream::Usage, &format!(r#"{{"a":"a","at":1,"f":"f"{fields}}}"#)).unwrap().len();
    for (fields, same, differs) in
        [(r#","x":1,"y":1"#, 1, 0), (r#","x":1,"y":"1""#, 0, 1), (r#","x":1"#, 0, 0), (r#","x":null,"y":null"#, 0, 0)]
    {
        assert_eq!((count("same_as", fields), count("differs_from", fields)), (same, differs), "{fields}");
    }
}

#[test]
fn a_condition_may_ask_several_things_and_for_a_missing_value() {
    let mapping = compiled(&format!(
        "{USE}account_id = \"/a\"\noccurred_at = \"/at\"\nfeature = \"/f\"\nwhen = {{ \"/x\" = {{ is = [\"\", \"ab*\"], not = \"abc\" }} }}\n"
    ));
    let count = |fields: &str| read(&mapping, Stream::Usage, &format!(r#"{{"a":"a","at":1,"f":"f"{fields}}}"#)).unwrap().len();
    for (fields, expected) in [("", 1), (r#","x":null"#, 1), (r#","x":"abd""#, 1), (r#","x":"abc""#, 0), (r#","x":"b""#, 0)] {
        assert_eq!(count(fields), expected, "{fields}");
    }
    let unless_missing = compiled(&format!(
        "{USE}account_id = \"/a\"\noccurred_at = \"/at\"\nfeature = \"/f\"\nwhen = {{ \"/x\" = {{ not = [\"\", 0] }} }}\n"
    ));
    let count = |fields: &str| read(&unless_missing, Stream::Usage, &format!(r#"{{"a":"a","at":1,"f":"f"{fields}}}"#)).unwrap().len();
    assert_eq!((count(""), count(r#","x":0"#), count(r#","x":1"#)), (0, 0, 1));
}

#[test]
fn an_envelope_may_have_alternatives_and_depend_on_the_payload() {
    let mapping = format!(
        "envelope = [\"/a\", [\"/f\", \"/g\"], {{ when = {{ \"/kind\" = \"view\" }}, places = [\"/page\", [\"/x\", \"/y\"]] }}]\n{USE}account_id = \"/a\"\noccurred_at = {{ value = 1 }}\nfeature = [\"/f\", \"/g\"]\n"
    );
    assert_eq!(uses(&[one(&mapping, r#"{"a":"a","g":"x"}"#)])[0].1, "x");
    assert_eq!(uses(&[one(&mapping, r#"{"a":"a","g":"x","kind":"View","page":1,"y":1}"#)])[0].1, "x");
    for (payload, reason) in [
        (r#"{"f":"x"}"#, "missing_field: /a is missing, so this is no payload for the mapping"),
        (r#"{"a":"a"}"#, "missing_field: /f, /g are all missing, so this is no payload for the mapping"),
        (r#"{"a":"a","f":"x","kind":"view","y":1}"#, "missing_field: /page is missing: the payload is incomplete"),
        (r#"{"a":"a","f":"x","kind":"view","page":1}"#, "missing_field: /x, /y are all missing: the payload is incomplete"),
    ] {
        assert_eq!(refused(&mapping, payload), reason);
    }
}

const DISCOUNTED: &str = r#"
[[event]]
type = "subscription_changed"
account_id = "/customer"
occurred_at = "/at"
subscription_id = "/id"
status = { value = "active" }
current_period_start = "/from"
current_period_end = "/until"
[[event.items]]
amount = "/price"
currency = "/currency"
interval = { value = "month" }
[[event.refuse]]
when = { "/kind" = "trade" }
reason = "goods in exchange have no price"
[[event.refuse]]
each = "/discounts"
when = { "/on" = { not = "all" } }
reason = "a discount is on a part"
[[event.list_price]]
each = "/coupons"
when = { "/used" = { not = true } }
[[event.discounts]]
each = "/discounts"
percent_off = "/percent"
amount_off = { each = "/amounts", when = { "/in" = { same_as = "^^/currency" } }, from = "/off" }
"#;

fn discounted(fields: &str) -> Result<Vec<Record<'static>>, Rejection> {
    let payload = format!(r#"{{"customer":"a","at":1700000000,"id":"s","from":1,"until":2,"currency":"USD","price":9{fields}}}"#);
    read(&compiled(DISCOUNTED), Stream::Billing, &payload)
}

#[test]
fn a_case_that_the_event_would_misstate_is_refused_with_the_reason_of_the_mapping() {
    let refused = |fields: &str| discounted(fields).unwrap_err().to_string();
    assert_eq!(refused(r#","kind":"Trade""#), "out_of_range: goods in exchange have no price (subscription_changed)");
    let of_an_element = refused(r#","discounts":[{"on":"all","percent":1},{"on":"one","percent":2}]"#);
    assert_eq!(of_an_element, "out_of_range: a discount is on a part (subscription_changed, from /discounts)");
    assert_eq!(subscription(&discounted(r#","discounts":[{"on":"all","percent":1}]"#).unwrap()).discounts.len(), 1);
}

#[test]
fn a_value_may_come_from_the_element_of_a_list_that_fits() {
    let amounts = |amounts: &str| discounted(&format!(r#","discounts":[{{"on":"all","amounts":{amounts}}}]"#));
    let records = amounts(r#"[{"in":"EUR","off":1},{"in":"USD"},{"in":"USD","off":2},{"in":"USD","off":3}]"#).unwrap();
    assert_eq!(subscription(&records).discounts[0].amount_off_minor, Some(Fixed::from(200)));
    let reason = "missing_field: percent_off, amount_off, amount_off_minor are all missing from a discount (/discounts)";
    for nothing in ["[]", "null", r#"[{"in":"EUR","off":1}]"#] {
        assert_eq!(amounts(nothing).unwrap_err().to_string(), reason, "{nothing}");
    }
}

#[test]
fn a_discount_of_unknown_worth_may_count_as_nothing_if_that_is_noted() {
    let noted = |fields: &str| discounted(fields).unwrap()[0].unexpanded_discount;
    assert!(noted(r#","coupons":[{"used":true},{"used":false}]"#));
    assert!(!noted(r#","coupons":[{"used":true}]"#));
    assert!(!noted(""));
}
