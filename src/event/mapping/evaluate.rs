//! Evaluates a mapping: from a payload to native events as JSON, which the native decoder then reads. No rule of the contract is written
//! twice: ranges, cuts, money and times are those of native events.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::condition::all_hold;
use super::convert::converted;
use super::place::{Place, Scope};
use super::rule::{Case, Content, EventRule, Field, FieldValue, Object, Origin, Refusal, Source};
use super::tree::{Inner, Tree, is_given};
use crate::event::native::MAX_VALUES;
use crate::event::{Code, Rejection};

/// A native event, not yet decoded.
pub(super) struct NativeEvent<'m> {
    pub(super) rule: &'m EventRule,
    /// The event as JSON.
    pub(super) json: String,
    /// The system in which its account is an alias.
    pub(super) account_system: Option<&'m str>,
    /// Whether it names its account, which is the key of the record otherwise.
    pub(super) has_account: bool,
    /// Whether a discount counts as nothing in it.
    pub(super) list_price: bool,
}

/// The events that a rule makes of a payload. `common`: the fields that every event has unless it has its own.
pub(super) fn events<'m>(
    rule: &'m EventRule,
    common: &'m [Field],
    payload: &Scope<'_>,
    push: &mut dyn FnMut(NativeEvent<'m>),
) -> Result<(), Rejection> {
    let Some(each) = &rule.each else {
        if all_hold(&rule.when, payload) {
            push(event(rule, common, payload, payload)?);
        }
        return Ok(());
    };
    let list = each.value(payload);
    for element in elements(list.as_deref(), each)? {
        let scope = payload.inside(element);
        if all_hold(&rule.when, &scope) {
            push(event(rule, common, payload, &scope)?);
        }
    }
    Ok(())
}

fn event<'m>(rule: &'m EventRule, common: &'m [Field], payload: &Scope<'_>, scope: &Scope<'_>) -> Result<NativeEvent<'m>, Rejection> {
    for refusal in &rule.refusals {
        if applies(&refusal.case, scope)? {
            return Err(refused(refusal, rule));
        }
    }
    let mut list_price = false;
    for case in &rule.list_price {
        list_price |= applies(case, scope)?;
    }
    let mut json = format!("{{\"type\":\"{}\"", rule.target.name);
    let (mut account_system, mut has_account) = (None, false);
    let is_own = |field: &Field| rule.fields.iter().any(|own| own.name == field.name);
    let common = common.iter().filter(|field| rule.target.has(&field.name) && !is_own(field)).map(|field| (field, payload));
    for (field, scope) in rule.fields.iter().map(|field| (field, scope)).chain(common) {
        let before = json.len();
        write_field(&mut json, field, scope, &mut account_system)?;
        has_account |= field.name == "account_id" && json.len() > before;
    }
    json.push('}');
    Ok(NativeEvent { rule, json, account_system, has_account, list_price })
}

/// Whether a payload, or an element of the case's list, is such a case.
fn applies(case: &Case, scope: &Scope<'_>) -> Result<bool, Rejection> {
    let Some(each) = &case.each else { return Ok(all_hold(&case.when, scope)) };
    let list = each.value(scope);
    Ok(elements(list.as_deref(), each)?.iter().any(|element| all_hold(&case.when, &scope.inside(element))))
}

#[cold]
fn refused(refusal: &Refusal, rule: &EventRule) -> Rejection {
    let from = refusal.case.each.as_ref().map(|each| format!(", from {each}")).unwrap_or_default();
    Rejection::new(Code::OutOfRange, format!("{} ({}{from})", refusal.reason, rule.target.name))
}

/// The elements of a list; a single value counts as a list of one, since converters from XML write it so.
fn elements<'t, 'a>(list: Option<&'t Tree<'a>>, place: &Place) -> Result<&'t [Tree<'a>], Rejection> {
    let elements = match list {
        None => &[],
        Some(Tree { inner: Inner::Array(elements), .. }) => elements.as_slice(),
        Some(single) => std::slice::from_ref(single),
    };
    if elements.len() > MAX_VALUES {
        return Err(Rejection::new(Code::OutOfRange, format!("{place} has more than {MAX_VALUES} values")));
    }
    Ok(elements)
}

fn write_field<'m>(json: &mut String, field: &'m Field, scope: &Scope<'_>, account_system: &mut Option<&'m str>) -> Result<(), Rejection> {
    match &field.value {
        FieldValue::First(sources) => {
            if let Some((source, value)) = first(&field.name, sources, scope)? {
                write_key(json, &field.name);
                json.push_str(&value);
                if source.system.is_some() {
                    *account_system = source.system.as_deref();
                }
            }
        }
        FieldValue::List(objects) => write_list(json, field, objects, scope)?,
        FieldValue::Object(object) if all_hold(&object.when, scope) => {
            write_key(json, &field.name);
            write_content(json, object, scope)?;
        }
        FieldValue::Object(_) => {}
    }
    Ok(())
}

fn write_list(json: &mut String, field: &Field, objects: &[Object], scope: &Scope<'_>) -> Result<(), Rejection> {
    let before = json.len();
    write_key(json, &field.name);
    json.push('[');
    let start = json.len();
    let mut found = Found::Nothing;
    for object in objects {
        found = found.max(write_objects(json, start, object, scope)?);
    }
    json.push(']');
    match found {
        // No list at all is not an empty one, and a subscription without any item must not pass for one without prices.
        Found::EmptyList if field.name == "items" => {
            let reason = format!("items is empty, but a subscription has items ({})", field.places(None).join(" or "));
            return Err(Rejection::new(Code::MissingField, reason));
        }
        Found::Nothing => json.truncate(before),
        Found::EmptyList | Found::Elements => {}
    }
    Ok(())
}

/// What a payload has for a list, whether or not conditions leave it out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Nothing,
    EmptyList,
    Elements,
}

fn write_key(json: &mut String, name: &str) {
    if !json.ends_with(['{', '[']) {
        json.push(',');
    }
    let _ = write!(json, "{}:", serde_json::Value::from(name));
}

/// Writes the objects of a list that begins at `start`.
fn write_objects(json: &mut String, start: usize, object: &Object, scope: &Scope<'_>) -> Result<Found, Rejection> {
    let mut write = |scope: &Scope<'_>| {
        if !all_hold(&object.when, scope) {
            return Ok(Found::Nothing);
        }
        let before = json.len();
        if before > start {
            json.push(',');
        }
        let content = json.len();
        write_content(json, object, scope)?;
        if json.len() == content {
            json.truncate(before);
        }
        Ok(Found::Elements)
    };
    let Some(each) = &object.each else { return write(scope) };
    let list = each.value(scope);
    let elements = elements(list.as_deref(), each)?;
    elements.iter().try_for_each(|element| write(&scope.inside(element)).map(drop))?;
    Ok(match list {
        None => Found::Nothing,
        Some(_) if elements.is_empty() => Found::EmptyList,
        Some(_) => Found::Elements,
    })
}

fn write_content(json: &mut String, object: &Object, scope: &Scope<'_>) -> Result<(), Rejection> {
    match &object.content {
        Content::Fields(fields) => {
            let mut says_something = object.needs.is_empty();
            json.push('{');
            for field in fields {
                let before = json.len();
                write_field(json, field, scope, &mut None)?;
                says_something |= json.len() > before && object.needs.contains(&field.name.as_str());
            }
            json.push('}');
            if !says_something {
                let from = object.each.as_ref().map(|each| format!(" ({each})")).unwrap_or_default();
                let reason = format!("{} are all missing from a discount{from}", object.needs.join(", "));
                return Err(Rejection::new(Code::MissingField, reason));
            }
        }
        Content::Scalar(source) => {
            if let Some(value) = value("value", source, scope)? {
                json.push_str(&value);
            }
        }
    }
    Ok(())
}

/// The first source that gives a value, and the value as JSON.
fn first<'m>(field: &str, sources: &'m [Source], scope: &Scope<'_>) -> Result<Option<(&'m Source, String)>, Rejection> {
    for source in sources {
        if let Some(value) = value(field, source, scope)? {
            return Ok(Some((source, value)));
        }
    }
    Ok(None)
}

fn value(field: &str, source: &Source, scope: &Scope<'_>) -> Result<Option<String>, Rejection> {
    let value = match &source.each {
        None if !all_hold(&source.when, scope) => return Ok(None),
        None => value_at(field, source, scope)?,
        Some(each) => {
            let list = each.value(scope);
            let mut found = None;
            for element in elements(list.as_deref(), each)? {
                let scope = scope.inside(element);
                if found.is_none() && all_hold(&source.when, &scope) {
                    found = value_at(field, source, &scope)?;
                }
            }
            found
        }
    };
    match value.or_else(|| source.default.clone()) {
        None if source.required => Err(Rejection::new(Code::MissingField, format!("{field} is missing{}", source.written()))),
        value => Ok(value),
    }
}

fn value_at(field: &str, source: &Source, scope: &Scope<'_>) -> Result<Option<String>, Rejection> {
    let found = match &source.origin {
        Origin::Constant(json) => return Ok(Some(json.clone())),
        Origin::Place(place) => place.value(scope).map(|value| value.json.clone().into_owned()),
        Origin::Join(places) => joined(places, scope),
    };
    match found {
        Some(json) => native(field, source, &json),
        None => Ok(None),
    }
}

/// The value in native notation; `None` if the table says that it counts as missing.
fn native(field: &str, source: &Source, json: &str) -> Result<Option<String>, Rejection> {
    let looked_up = match &source.table {
        None => Cow::Borrowed(json),
        Some(table) => {
            let key = super::tree::scalar_text(json).map(|text| text.to_lowercase());
            let entry = key.and_then(|key| table.entries.get(&key)).or(table.otherwise.as_ref());
            let unknown = || {
                let reason =
                    format!("{field}: the table {} has no entry for the value, nor one for all others{}", table.name, source.written());
                Rejection::new(Code::OutOfRange, reason)
            };
            Cow::Borrowed(entry.ok_or_else(unknown)?.as_str())
        }
    };
    let converted = converted(&looked_up, &source.convert);
    let wrong = || Rejection::new(Code::WrongType, format!("{field} {}{}", source.convert.expected(), source.written()));
    let native = converted.ok_or_else(wrong)?;
    Ok(Some(native.into_owned()).filter(|json| is_given(json)))
}

fn joined(places: &[Place], scope: &Scope<'_>) -> Option<String> {
    let mut text = String::new();
    for place in places {
        if !text.is_empty() {
            text.push(':');
        }
        text.push_str(&place.value(scope)?.text()?);
    }
    Some(serde_json::Value::from(text).to_string())
}
