//! Account profiles: `account_profile`. Every field is optional.

use std::borrow::Cow;

use super::event_type::EventType;
use super::field::Field;
use super::fields::Fields;
use super::value::{MAX_COUNT, Value};
use crate::event::{AccountProfile, Event, Rejection};

pub(super) const TYPE_NAME: &str = "account_profile";

pub(super) const TYPES: [EventType; 1] = [EventType::new(TYPE_NAME, account_profile)];

fn account_profile<'a>(fields: &Fields<'a, '_>) -> Result<Event<'a>, Rejection> {
    let profile = AccountProfile {
        name: fields.optional(Field::Name, Value::text)?,
        segment: fields.optional(Field::Segment, Value::text)?,
        plan: fields.optional(Field::Plan, Value::text)?,
        csm: fields.optional(Field::Csm, Value::text)?,
        region: fields.optional(Field::Region, Value::text)?,
        seats: fields.optional(Field::Seats, |value| value.whole(0..=MAX_COUNT))?,
        signed_up_at: fields.optional_instant(Field::SignedUpAt)?,
        onboarded_at: fields.optional_instant(Field::OnboardedAt)?,
        entitled_features: fields.optional(Field::EntitledFeatures, features)?.unwrap_or_default(),
        aliases: fields.optional(Field::Aliases, aliases)?.unwrap_or_default(),
        referred_by: fields.optional(Field::ReferredBy, Value::reference)?,
        acquired_through: fields.optional(Field::AcquiredThrough, Value::text)?,
        merge: fields.optional(Field::Merge, Value::flag)?.unwrap_or(false),
        deleted: fields.optional(Field::Deleted, Value::flag)?.unwrap_or(false),
    };
    Ok(Event::Profile(Box::new(profile)))
}

/// Distinct names, sorted so that equivalent profiles are equal. Null and empty names are skipped.
fn features<'a>(value: &Value<'a, '_>) -> Result<Vec<Cow<'a, str>>, Rejection> {
    let elements = value.elements()?;
    let names = elements.iter().filter(|name| name.is_given()).map(Value::text);
    let mut names = names.collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A system, and the account's id in it.
type Alias<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Ids by system, in the order of systems. Null and empty ids and unnamed systems are skipped.
fn aliases<'a>(value: &Value<'a, '_>) -> Result<Vec<Alias<'a>>, Rejection> {
    let given = value.members()?.into_iter().filter(|(system, id)| !system.is_empty() && id.is_given());
    given.map(|(system, id)| Ok((system, id.id()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{event, json, refusal};
    use super::*;
    use crate::event::{Code, Stream};
    use crate::time::Timestamp;

    fn profile(fields: &str) -> AccountProfile<'static> {
        match event(Stream::Accounts, json(TYPE_NAME, fields).leak()) {
            Event::Profile(profile) => *profile,
            other => panic!("{other:?}"),
        }
    }

    fn refused(fields: &str) -> (Code, String) {
        refusal(Stream::Accounts, &json(TYPE_NAME, fields))
    }

    #[test]
    fn every_field_may_be_missing_null_or_empty() {
        assert_eq!(profile(""), AccountProfile::default());
        let nothing = r#""name":"","segment":null,"seats":"","entitled_features":[],"aliases":null,"deleted":null"#;
        assert_eq!(profile(nothing), AccountProfile::default());
    }

    #[test]
    fn every_field_is_read() {
        let text = r#""name":"Acme","segment":"smb","plan":"pro","csm":"dana","region":"DE","seats":"0","signed_up_at":1,"onboarded_at":2,
            "entitled_features":["b","a",null,"b",""],"aliases":{"zendesk":360001,"stripe":"cus_1","none":null,"":"x"},
            "referred_by":7,"acquired_through":"web","merge":true,"deleted":true"#;
        let expected = AccountProfile {
            name: Some("Acme".into()),
            segment: Some("smb".into()),
            plan: Some("pro".into()),
            csm: Some("dana".into()),
            region: Some("DE".into()),
            seats: Some(0),
            signed_up_at: Some(Timestamp(1000)),
            onboarded_at: Some(Timestamp(2000)),
            entitled_features: vec!["a".into(), "b".into()],
            aliases: vec![("stripe".into(), "cus_1".into()), ("zendesk".into(), "360001".into())],
            referred_by: Some("7".into()),
            acquired_through: Some("web".into()),
            merge: true,
            deleted: true,
        };
        assert_eq!(profile(text), expected);
    }

    #[test]
    fn the_last_of_repeated_aliases_wins() {
        assert_eq!(profile(r#""aliases":{"stripe":"a","stripe":"b"}"#).aliases, [("stripe".into(), "b".into())]);
    }

    #[test]
    fn the_reason_names_fields_but_no_values() {
        assert_eq!(refused(r#""seats":-1"#), (Code::OutOfRange, "seats is outside its range".to_owned()));
        assert_eq!(refused(r#""entitled_features":["a",1]"#), (Code::WrongType, "entitled_features[1] is not text".to_owned()));
        assert_eq!(refused(r#""entitled_features":"a""#), (Code::WrongType, "entitled_features is not an array".to_owned()));
        assert_eq!(refused(r#""aliases":["a"]"#), (Code::WrongType, "aliases is not an object".to_owned()));
        assert_eq!(refused(r#""aliases":{"secret":true}"#).1, "aliases is neither text nor a whole number");
        assert_eq!(refused(r#""aliases":{"a name that is too long":"1"}"#).0, Code::OutOfRange);
        assert_eq!(refused(r#""deleted":"yes""#).0, Code::WrongType);
    }
}
