//! Checks single values while decoding, so that each problem names its key.

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::decode::AS_WRITTEN;
use super::nearest;
use crate::money::Currency;
use crate::time::{Date, Zone};

/// A whole number from `MIN` to `MAX`.
pub(super) fn between<'de, const MIN: i64, const MAX: i64, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let number = i64::deserialize(deserializer)?;
    let within = (MIN..=MAX).contains(&number).then(|| T::try_from(number).ok()).flatten();
    within.ok_or_else(|| D::Error::custom(format!("{number} is out of range: must be {MIN} to {MAX}")))
}

/// A share, above 0 and at most 1.
pub(super) fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if share > 0.0 && share <= 1.0 {
        Ok(share)
    } else {
        Err(D::Error::custom(format!("{share} is out of range: must be above 0 and at most 1")))
    }
}

/// A weight, 0 or more.
pub(super) fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let weight = f64::deserialize(deserializer)?;
    if weight >= 0.0 { Ok(weight) } else { Err(D::Error::custom(format!("{weight} is out of range: must be 0 or more"))) }
}

/// Longest topic name that Kafka accepts, bytes.
const TOPIC_NAME_BYTES: usize = 249;

/// A topic name that Kafka accepts; patterns are not allowed.
pub(super) fn topic_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.len() <= TOPIC_NAME_BYTES && is_name(&name) && name != "." && name != ".." {
        return Ok(name);
    }
    Err(D::Error::custom(format!("must be a topic name: 1 to {TOPIC_NAME_BYTES} letters, digits, `.`, `_` or `-`")))
}

/// Topic names.
pub(super) fn topic_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(serde::Deserialize)]
    struct Name(#[serde(deserialize_with = "topic_name")] String);
    let names = Vec::<Name>::deserialize(deserializer)?;
    Ok(Some(names.into_iter().map(|Name(name)| name).collect()))
}

/// Letters, digits, dot, underscore and hyphen, at least one: the alphabet of topics, groups and instances.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// A time zone of the IANA database.
pub(super) fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zone, D::Error> {
    let name = String::deserialize(deserializer)?;
    Zone::named(&name).map_err(|message| {
        let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
        let lower: Vec<String> = known.iter().map(|zone| zone.to_lowercase()).collect();
        let nearest = nearest::within_reach(&name, lower.iter().map(String::as_str))
            .and_then(|found| known.iter().find(|zone| zone.to_lowercase() == found));
        D::Error::custom(nearest.map_or_else(
            || format!("{message}: use a name such as Europe/Berlin"),
            |nearest| format!("{message}; did you mean `{nearest}`?"),
        ))
    })
}

/// A currency code.
pub(super) fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
    let code = String::deserialize(deserializer)?;
    Currency::parse(&code).ok_or_else(|| D::Error::custom(format!("`{code}` is not a currency code: use three letters, such as USD")))
}

/// A date without a time.
pub(super) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    let date = (text.len() == "2024-01-01".len()).then(|| Date::parse(&text)).flatten();
    date.ok_or_else(|| D::Error::custom(format!("`{text}` is not a date: use the form 2024-01-31")))
}

/// The earliest date that events may have, 1900 or later.
pub(super) fn earliest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let date = date(deserializer)?;
    if date >= Date::Y1900 { Ok(date) } else { Err(D::Error::custom("must be 1900-01-01 or later")) }
}

/// Minutes, from 1 to a week, or `never`.
pub(super) fn minutes_or_never<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    struct MinutesOrNever;
    impl Visitor<'_> for MinutesOrNever {
        type Value = Option<i64>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a number of minutes from 1 to 10080, or \"never\"")
        }

        fn visit_i64<E: Error>(self, minutes: i64) -> Result<Option<i64>, E> {
            if (1..=10_080).contains(&minutes) {
                return Ok(Some(minutes));
            }
            Err(E::custom(format!("{minutes} is out of range: must be 1 to 10080, or \"never\"")))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Option<i64>, E> {
            if text == "never" {
                return Ok(None);
            }
            Err(E::custom(format!("`{text}` is not valid: must be a number of minutes from 1 to 10080, or \"never\"")))
        }
    }
    deserializer.deserialize_any(MinutesOrNever)
}

/// The text of a scalar exactly as written, whatever its type.
pub(super) fn as_written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Written;
    impl Visitor<'_> for Written {
        type Value = String;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a string, a number, or true or false")
        }

        fn visit_str<E>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
    }
    deserializer.deserialize_newtype_struct(AS_WRITTEN, Written)
}
