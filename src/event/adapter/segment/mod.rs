//! Segment's tracking calls: `track`, `page` and `screen` are use of a feature; `group`, and some of the events that Segment specifies for
//! B2B products, describe the account. `RudderStack` and others speak the same. `batch` reads many calls in one record.

mod batch;

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
        previous_id: Json<'a> = "previousId",
        group_id: Json<'a> = "groupId",
        name: Json<'a> = "name",
        context: Nested<Context<'a>> = "context",
        properties: Json<'a> = "properties",
        traits: Json<'a> = "traits",
        // Calls, in what is no call itself.
        batch: Json<'a> = "batch",
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
    /// Another id of a user.
    Alias,
}

#[derive(Clone, Copy)]
enum Lifecycle {
    SignedUp,
    Deleted,
}

/// Turns a call, or a batch of calls, into events.
pub(super) fn read<'a>(payload: &Payload<'a, '_>, call: &Call<'a>, options: &Options, events: &mut Events<'a>) -> Result<(), Rejection> {
    if batch::is_batch(call) { batch::read(payload, call, options, events) } else { read_call(payload, call, options, events) }
}

/// Turns a call into events.
fn read_call<'a>(payload: &Payload<'a, '_>, call: &Call<'a>, options: &Options, events: &mut Events<'a>) -> Result<(), Rejection> {
    let Some(meaning) = meaning(payload, call)? else { return Ok(()) };
    let reader = Reader { payload, call, options };
    let anonymous = (call.anonymous_id, "anonymousId");
    match meaning {
        Meaning::Use(field) => events.push(reader.use_of_feature(field)?),
        Meaning::Lifecycle(step) => events.push(reader.lifecycle(step)?),
        Meaning::Group => {
            events.push(reader.group()?);
            let group = payload.required(call.group_id, "groupId", Value::id)?;
            reader.identified(Some(Account::own(group)), anonymous)?.into_iter().for_each(|record| events.push(record));
        }
        Meaning::Identify => {
            reader.identify()?.into_iter().for_each(|record| events.push(record));
            reader.identified(reader.named_account()?, anonymous)?.into_iter().for_each(|record| events.push(record));
        }
        Meaning::Alias => {
            let previous = (call.previous_id, "previousId");
            reader.identified(reader.named_account()?, previous)?.into_iter().for_each(|record| events.push(record));
        }
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
        () if is("alias") => Some(Meaning::Alias),
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

/// An id that may be missing.
type Maybe<'a> = Option<Cow<'a, str>>;

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
        let (user_id, anonymous_id) = self.user()?;
        let kind = UsageKind::Feature { feature, count: 1 };
        self.record(account, "feature_used", Event::Usage(UsageEvent { user_id, anonymous_id, kind }))
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

    /// That the user of the call is the one with another id; `None` if either is missing, or there is no account to count them in.
    fn identified(&self, account: Option<Account<'a>>, other: (Json<'a>, &'static str)) -> Result<Option<Record<'a>>, Rejection> {
        let user_id = self.given(self.call.user_id, "userId")?;
        let anonymous_id = self.given(other.0, other.1)?;
        if user_id.is_none() || anonymous_id.is_none() || user_id == anonymous_id {
            return Ok(None);
        }
        let event = UsageEvent { user_id, anonymous_id, kind: UsageKind::Identified };
        account.map(|account| self.record(account, "user_identified", Event::Usage(event))).transpose()
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

    /// The user, and the id that they had while they were anonymous; before they are identified, that one is the user.
    fn user(&self) -> Result<(Maybe<'a>, Maybe<'a>), Rejection> {
        let (user, anonymous) = (self.given(self.call.user_id, "userId")?, self.given(self.call.anonymous_id, "anonymousId")?);
        Ok(if user.is_some() { (user, anonymous) } else { (anonymous, None) })
    }

    /// An id that is not blank.
    fn given(&self, id: Json<'a>, path: &'static str) -> Result<Maybe<'a>, Rejection> {
        Ok(self.payload.optional(id, path, Value::id)?.filter(|id| !id.chars().all(char::is_whitespace)))
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
                    None => self.elsewhere(path),
                },
            };
            if let Some(id) = self.payload.optional(json, path, Value::id)? {
                return Ok(Some(Account::own(id)));
            }
        }
        Ok(None)
    }

    /// What a path leads to, in the call or in the context of its batch.
    fn elsewhere(&self, path: &str) -> Json<'a> {
        let own = Json::of(lookup(self.payload.text, path));
        if own.given().is_none() && path.starts_with("context.") { Json::of(lookup(self.payload.around, path)) } else { own }
    }

    fn property(&self, name: &str) -> Json<'a> {
        Json::of(self.call.properties.given().and_then(|properties| lookup(properties, name)))
    }
}

#[cfg(test)]
mod tests;
