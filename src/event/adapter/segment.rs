//! Segment's tracking calls: `track`, `page` and `screen` are use of a feature; `group`, and some of the events that Segment specifies for
//! B2B products, describe the account. `RudderStack` and others speak the same.

use std::borrow::Cow;

use super::events::Events;
use super::lookup::lookup;
use super::object::{Json, Nested, object};
use super::payload::{Account, Payload, missing};
use crate::event::native::Value;
use crate::event::{AccountProfile, Code, Event, Record, Rejection, UsageEvent, UsageKind};

/// The system of aliases by which accounts are known through their users.
const USER_SYSTEM: &str = "segment-user";

/// `[streams.<stream>.segment]`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Where calls other than `group` name their account: the first of these paths that is given.
    pub account: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { account: ["context.groupId", "properties.groupId", "properties.accountId"].map(str::to_owned).into() }
    }
}

object! {
    /// A call.
    struct Call<'a> {
        kind: Json<'a> = "type",
        event: Json<'a> = "event",
        message_id: Json<'a> = "messageId",
        timestamp: Json<'a> = "timestamp",
        received_at: Json<'a> = "receivedAt",
        original_timestamp: Json<'a> = "originalTimestamp",
        user_id: Json<'a> = "userId",
        anonymous_id: Json<'a> = "anonymousId",
        group_id: Json<'a> = "groupId",
        name: Json<'a> = "name",
        context: Nested<Context<'a>> = "context",
        properties: Json<'a> = "properties",
        traits: Json<'a> = "traits",
    }
}

object! {
    /// Its `context`.
    struct Context<'a> {
        group_id: Json<'a> = "groupId",
    }
}

/// What a call means.
#[derive(Clone, Copy)]
enum Meaning {
    /// Use of the feature in this field.
    Use(&'static str),
    /// An event of the account's life.
    Lifecycle(Lifecycle),
    /// The description of an account.
    Group,
    /// The account of a user.
    Identify,
}

#[derive(Clone, Copy)]
enum Lifecycle {
    SignedUp,
    Deleted,
}

/// Turns a call into events.
pub(super) fn read<'a>(payload: &Payload<'a, '_>, options: &Options, events: &mut Events<'a>) -> Result<(), Rejection> {
    let mut call = Call::default();
    payload.parse(&mut call)?;
    let Some(meaning) = meaning(payload, &call)? else { return Ok(()) };
    let reader = Reader { payload, call: &call, options };
    match meaning {
        Meaning::Use(field) => events.push(reader.use_of_feature(field)?),
        Meaning::Lifecycle(step) => events.push(reader.lifecycle(step)?),
        Meaning::Group => events.push(reader.group()?),
        Meaning::Identify => reader.identify()?.into_iter().for_each(|record| events.push(record)),
    }
    Ok(())
}

/// What the call means; `None` if nothing here.
fn meaning<'a>(payload: &Payload<'a, '_>, call: &Call<'a>) -> Result<Option<Meaning>, Rejection> {
    let kind = payload.required(call.kind, "type", Value::any_text)?;
    if [call.message_id, call.user_id, call.anonymous_id].iter().all(|sign| sign.given().is_none()) {
        return Err(missing("messageId"));
    }
    let is = |name: &str| kind.eq_ignore_ascii_case(name);
    Ok(match () {
        () if is("track") => event_meaning(&payload.required(call.event, "event", Value::any_text)?),
        () if is("page") || is("screen") => Some(Meaning::Use("name")),
        () if is("group") => Some(Meaning::Group),
        () if is("identify") => Some(Meaning::Identify),
        () => None,
    })
}

/// The events that Segment specifies for B2B products and that mean more than use, in any case, since Segment recommends a casing but does
/// not enforce one. Trials are ignored: the billing stream has them.
const LIFECYCLE: [(&str, Option<Meaning>); 6] = [
    ("Account Created", Some(Meaning::Lifecycle(Lifecycle::SignedUp))),
    ("Signed Up", Some(Meaning::Lifecycle(Lifecycle::SignedUp))),
    // Segment leaves it to the sender to name who signed up.
    ("User Signed Up", Some(Meaning::Lifecycle(Lifecycle::SignedUp))),
    ("Account Deleted", Some(Meaning::Lifecycle(Lifecycle::Deleted))),
    ("Trial Started", None),
    ("Trial Ended", None),
];

fn event_meaning(event: &str) -> Option<Meaning> {
    let lifecycle = LIFECYCLE.iter().find(|(name, _)| name.eq_ignore_ascii_case(event));
    lifecycle.map_or(Some(Meaning::Use("event")), |(_, meaning)| *meaning)
}

/// A system, and the account's id in it.
type Alias<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A call while its fields are read.
struct Reader<'a, 'c> {
    payload: &'c Payload<'a, 'c>,
    call: &'c Call<'a>,
    options: &'c Options,
}

impl<'a> Reader<'a, '_> {
    fn use_of_feature(&self, field: &'static str) -> Result<Record<'a>, Rejection> {
        let account = self.account()?;
        let feature = match field {
            "event" => self.payload.required(self.call.event, field, Value::text)?,
            _ => self.page()?,
        };
        let user_id = self.user()?;
        let kind = UsageKind::Feature { feature, count: 1 };
        self.record(account, "feature_used", Event::Usage(UsageEvent { user_id, kind }))
    }

    /// The name of a page or screen, else its path.
    fn page(&self) -> Result<Cow<'a, str>, Rejection> {
        match self.payload.optional(self.call.name, "name", Value::text)? {
            Some(name) => Ok(name),
            None => self.payload.required(self.property("path"), "properties.path", Value::text).map_err(|_| missing("name")),
        }
    }

    fn lifecycle(&self, step: Lifecycle) -> Result<Record<'a>, Rejection> {
        let account = self.account()?;
        let at = self.payload.occurred_at(&self.times())?;
        let profile = match step {
            Lifecycle::SignedUp => AccountProfile { signed_up_at: Some(at.at), ..AccountProfile::merging() },
            Lifecycle::Deleted => AccountProfile { deleted: true, ..AccountProfile::merging() },
        };
        self.profile(account, profile)
    }

    fn group(&self) -> Result<Record<'a>, Rejection> {
        let id = self.payload.required(self.call.group_id, "groupId", Value::id)?;
        let traits = |name| Json::of(self.call.traits.given().and_then(|traits| lookup(traits, name)));
        let profile = AccountProfile {
            name: self.payload.optional(traits("name"), "traits.name", Value::text)?,
            plan: self.payload.optional(traits("plan"), "traits.plan", Value::text)?,
            aliases: self.user_alias()?,
            ..AccountProfile::merging()
        };
        self.profile(Account::own(id), profile)
    }

    /// A user who is identified with a group names the account for calls that lack it.
    fn identify(&self) -> Result<Option<Record<'a>>, Rejection> {
        let Some(account) = self.named_account()? else { return Ok(None) };
        let aliases = self.user_alias()?;
        if aliases.is_empty() {
            return Ok(None);
        }
        self.profile(account, AccountProfile { aliases, ..AccountProfile::merging() }).map(Some)
    }

    fn profile(&self, account: Account<'a>, profile: AccountProfile<'a>) -> Result<Record<'a>, Rejection> {
        self.record(account, "account_profile", Event::Profile(Box::new(profile)))
    }

    fn record(&self, account: Account<'a>, type_name: &'static str, event: Event<'a>) -> Result<Record<'a>, Rejection> {
        let at = self.payload.occurred_at(&self.times())?;
        let id = self.payload.optional(self.call.message_id, "messageId", Value::id)?;
        Ok(self.payload.record(account, id, type_name, at, event))
    }

    /// The client's own clock comes last. Only calls that have not passed a server of Segment or `RudderStack` have nothing else.
    fn times(&self) -> [(Json<'a>, &'static str); 3] {
        let call = self.call;
        [(call.timestamp, "timestamp"), (call.received_at, "receivedAt"), (call.original_timestamp, "originalTimestamp")]
    }

    fn user(&self) -> Result<Option<Cow<'a, str>>, Rejection> {
        let user = self.payload.optional(self.call.user_id, "userId", Value::id)?;
        let user = user.filter(|user| !user.chars().all(char::is_whitespace));
        if user.is_some() { Ok(user) } else { self.payload.optional(self.call.anonymous_id, "anonymousId", Value::id) }
    }

    fn user_alias(&self) -> Result<Vec<Alias<'a>>, Rejection> {
        let user = self.payload.optional(self.call.user_id, "userId", Value::id)?;
        Ok(user.map(|user| (USER_SYSTEM.into(), user)).into_iter().collect())
    }

    /// The account that the call names, else the one of its user.
    fn account(&self) -> Result<Account<'a>, Rejection> {
        if let Some(account) = self.named_account()? {
            return Ok(account);
        }
        let user = self.payload.optional(self.call.user_id, "userId", Value::id)?;
        user.map(|user| Account::alias(USER_SYSTEM, user))
            .ok_or_else(|| Rejection::new(Code::MissingField, format!("{} and userId are missing", self.options.account.join(", "))))
    }

    fn named_account(&self) -> Result<Option<Account<'a>>, Rejection> {
        for path in &self.options.account {
            let json = match path.as_str() {
                "context.groupId" => self.call.context.get().map_or(Json::default(), |context| context.group_id),
                "groupId" => self.call.group_id,
                path => match path.strip_prefix("properties.") {
                    Some(name) => self.property(name),
                    None => Json::of(lookup(self.payload.text, path)),
                },
            };
            if let Some(id) = self.payload.optional(json, path, Value::id)? {
                return Ok(Some(Account::own(id)));
            }
        }
        Ok(None)
    }

    fn property(&self, name: &str) -> Json<'a> {
        Json::of(self.call.properties.given().and_then(|properties| lookup(properties, name)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::Options;
    use crate::event::native::testing;
    use crate::event::{
        AccountProfile, Code, DecodeContext, Decoded, Event, Headers, Raw, Record, Rejection, Stream, UsageEvent, UsageKind,
    };
    use crate::time::Timestamp;

    fn decode(json: &str) -> Result<Vec<Record<'_>>, Rejection> {
        let (stream, value) = (Stream::Usage, Some(json.as_bytes()));
        let raw = Raw { stream, key: None, value, headers: Headers::NONE, timestamp: None, future_reference: None };
        let decoded =
            Format::Segment(Options::default()).decode(&raw, &DecodeContext { text_bytes: 256, id_bytes: 256, ..testing::context() })?;
        Ok(match decoded {
            Decoded::Record(record) => vec![record],
            Decoded::Records(records) => records,
            Decoded::Ignored => Vec::new(),
        })
    }

    fn one(json: &str) -> Record<'_> {
        let mut records = decode(json).unwrap();
        assert_eq!(records.len(), 1, "{json}");
        records.remove(0)
    }

    #[test]
    fn a_track_call_is_use_of_the_feature_that_its_event_names() {
        let record = one(r#"{"type":"track","event":"Report Viewed","messageId":"m","userId":7,"context":{"groupId":"acme"},
            "timestamp":"2026-01-01T00:00:00.123456789Z"}"#);
        assert_eq!((record.account.as_deref(), record.account_system.as_deref()), (Some("acme"), None));
        assert_eq!((record.id.as_deref(), record.occurred_at), (Some("m"), Timestamp(1_767_225_600_123)));
        let kind = UsageKind::Feature { feature: "Report Viewed".into(), count: 1 };
        assert_eq!(record.event, Event::Usage(UsageEvent { user_id: Some("7".into()), kind }));
    }

    #[test]
    fn a_call_without_a_group_is_of_the_account_of_its_user() {
        let record = one(r#"{"type":"page","properties":{"path":"/pricing"},"messageId":"m","userId":"u","receivedAt":1767225600}"#);
        assert_eq!((record.account.as_deref(), record.account_system.as_deref()), (Some("u"), Some("segment-user")));
        let anonymous = decode(r#"{"type":"page","name":"Home","anonymousId":"a","timestamp":1767225600}"#).unwrap_err();
        assert_eq!(anonymous.code, Code::MissingField);
        assert_eq!(anonymous.reason, "segment: context.groupId, properties.groupId, properties.accountId and userId are missing");
    }

    #[test]
    fn payloads_of_other_providers_name_format_and_field() {
        for json in [r#"{"type":"feature_used","account_id":"a"}"#, r#"{"specversion":"1.0","type":"track","id":"1"}"#] {
            let rejection = decode(json).unwrap_err();
            assert_eq!((rejection.code, &*rejection.reason), (Code::MissingField, "segment: messageId is missing"), "{json}");
        }
        assert_eq!(decode("{}").unwrap_err().reason, "segment: type is missing");
        assert_eq!(decode("[1]").unwrap_err().code, Code::WrongType);
    }

    #[test]
    fn groups_and_lifecycle_events_describe_the_account() {
        let group = one(r#"{"type":"group","groupId":7,"messageId":"m","timestamp":1767225600,"traits":{"plan":"pro","employees":9}}"#);
        let expected = AccountProfile { plan: Some("pro".into()), ..AccountProfile::merging() };
        assert_eq!((group.account.as_deref(), group.event), (Some("7"), Event::Profile(Box::new(expected))));
        let track = |event: &str| {
            format!(
                r#"{{"type":"track","event":"{event}","messageId":"m","userId":"u","timestamp":1767225600,"context":{{"groupId":"a"}}}}"#
            )
        };
        let created = track("Account Created");
        let signed_up_at = Some(Timestamp(1_767_225_600_000));
        assert_eq!(one(&created).event, Event::Profile(Box::new(AccountProfile { signed_up_at, ..AccountProfile::merging() })));
        for spelled in ["account created", "ACCOUNT CREATED", "signed up", "User Signed Up"] {
            assert_eq!(one(&track(spelled)).event, one(&created).event, "{spelled}");
        }
        assert_eq!(decode(&track("trial ended")), Ok(Vec::new()));
        let deleted = track("Account Deleted");
        assert_eq!(one(&deleted).event, Event::Profile(Box::new(AccountProfile { deleted: true, ..AccountProfile::merging() })));
        for ignored in [track("Trial Started"), r#"{"type":"alias","previousId":"p","userId":"u"}"#.to_owned()] {
            assert_eq!(decode(&ignored), Ok(Vec::new()), "{ignored}");
        }
    }

    #[test]
    fn the_time_of_a_call_is_corrected_by_a_server_where_there_was_one() {
        let at = |fields: &str| one(format!(r#"{{"type":"page","name":"p","userId":"u",{fields}}}"#).leak()).occurred_at;
        let original = r#""originalTimestamp":"2026-01-01T00:00:03Z""#;
        assert_eq!(at(original), Timestamp(1_767_225_603_000));
        assert_eq!(at(&format!(r#"{original},"receivedAt":"2026-01-01T00:00:02Z""#)), Timestamp(1_767_225_602_000));
        let all = format!(r#"{original},"receivedAt":"2026-01-01T00:00:02Z","timestamp":"2026-01-01T00:00:01Z""#);
        assert_eq!(at(&all), Timestamp(1_767_225_601_000));
    }

    #[test]
    fn a_user_identified_with_a_group_is_an_alias_of_the_account() {
        let identify = one(r#"{"type":"identify","userId":"u","messageId":"m","timestamp":1767225600,"context":{"groupId":"a"}}"#);
        let expected = AccountProfile { aliases: vec![("segment-user".into(), "u".into())], ..AccountProfile::merging() };
        assert_eq!(identify.event, Event::Profile(Box::new(expected)));
        assert_eq!(decode(r#"{"type":"identify","userId":"u","messageId":"m"}"#), Ok(Vec::new()));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_an_adapter_panic(cut in 0..300_usize, byte in proptest::num::u8::ANY, place in 0..300_usize) {
            let call = br#"{"type":"track","event":"e","messageId":"m","userId":[7],"context":{"groupId":"a"},"timestamp":1767225600,
                "properties":{"path":"\u00e9","groupId":1e400},"traits":[{}],"specversion":"1.0","source":"s","id":1,"data":{"a":"b"}}"#;
            let mut bytes = call.to_vec();
            if let Some(changed) = bytes.get_mut(place) {
                *changed = byte;
            }
            bytes.truncate(call.len().saturating_sub(cut));
            let raw = Raw {
                stream: Stream::Usage, key: None, value: Some(&bytes), headers: Headers::NONE, timestamp: None, future_reference: None,
            };
            let segment = Format::Segment(Options::default());
            for format in [segment.clone(), Format::CloudEvents(Box::new(segment)), Format::CloudEvents(Box::default())] {
                let _ = format.decode(&raw, &testing::context());
            }
        }
    }
}
