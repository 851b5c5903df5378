//! Feedback: survey answers, referrals, advocacy, overrides of the score.

use std::borrow::Cow;

use super::event_type::EventType;
use super::field::Field;
use super::fields::Fields;
use super::place;
use super::value::Value;
use crate::event::{Event, FeedbackEvent, FeedbackKind, Rejection};

pub(super) const TYPES: [EventType; 8] = [
    EventType::new("nps_answered", |fields| feedback(fields, nps)),
    EventType::new("csat_answered", |fields| feedback(fields, |fields| place::required(fields).map(FeedbackKind::Csat))),
    EventType::new("ces_answered", |fields| feedback(fields, |fields| place::required(fields).map(FeedbackKind::Ces))),
    EventType::new("survey_sent", |fields| feedback(fields, survey_sent)),
    EventType::new("referral_made", |fields| feedback(fields, |_| Ok(FeedbackKind::Referral))),
    EventType::new("advocacy_made", |fields| feedback(fields, advocacy_made)),
    EventType::new("health_override_set", |fields| feedback(fields, override_set)),
    EventType::new("health_override_cleared", |fields| feedback(fields, |_| Ok(FeedbackKind::OverrideCleared))),
];

/// Survey kinds with their own answer types.
const SURVEYS: [(&str, &str); 3] = [("nps", "nps"), ("csat", "csat"), ("ces", "ces")];

/// Reads the type's own fields, then those common to all feedback. The latter are checked, but only the theme is kept.
fn feedback<'a, 'c>(
    fields: &Fields<'a, 'c>,
    kind: impl FnOnce(&Fields<'a, 'c>) -> Result<FeedbackKind<'a>, Rejection>,
) -> Result<Event<'a>, Rejection> {
    let kind = kind(fields)?;
    fields.optional(Field::UserId, Value::id)?;
    fields.optional(Field::Subject, Value::any_text)?;
    let theme = fields.optional(Field::Theme, Value::text)?;
    fields.optional(Field::Reason, Value::any_text)?;
    Ok(Event::Feedback(FeedbackEvent { kind, theme }))
}

fn nps<'a>(fields: &Fields<'a, '_>) -> Result<FeedbackKind<'a>, Rejection> {
    fields.required(Field::Score, |value| value.whole(0..=10)).map(FeedbackKind::Nps)
}

fn survey_sent<'a>(fields: &Fields<'a, '_>) -> Result<FeedbackKind<'a>, Rejection> {
    // Known kinds are case-insensitive, as response rates match them with answers; custom kinds are kept verbatim.
    let kind = fields.required(Field::Kind, |value| match value.word(&SURVEYS)? {
        Some(known) => Ok(Cow::Borrowed(known)),
        None => value.text(),
    })?;
    Ok(FeedbackKind::SurveySent(kind))
}

fn advocacy_made<'a>(fields: &Fields<'a, '_>) -> Result<FeedbackKind<'a>, Rejection> {
    fields.required(Field::Kind, Value::text).map(FeedbackKind::Advocacy)
}

fn override_set<'a>(fields: &Fields<'a, '_>) -> Result<FeedbackKind<'a>, Rejection> {
    Ok(FeedbackKind::OverrideSet {
        value: fields.required(Field::Value, |value| match value.float()? {
            health if (0.0..=100.0).contains(&health) => Ok(health),
            _ => Err(value.out_of_range("is outside 0 to 100")),
        })?,
        until: fields.required_instant(Field::Until)?,
        reason: fields.required(Field::Reason, Value::text)?,
        by: fields.required(Field::By, Value::text)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{event, json, refusal};
    use super::*;
    use crate::event::{Code, Stream};
    use crate::time::Timestamp;

    fn kind(type_name: &str, fields: &str) -> FeedbackKind<'static> {
        match event(Stream::Feedback, json(type_name, fields).leak()) {
            Event::Feedback(FeedbackEvent { kind, .. }) => kind,
            other => panic!("{other:?}"),
        }
    }

    fn refused(type_name: &str, fields: &str) -> (Code, String) {
        refusal(Stream::Feedback, &json(type_name, fields))
    }

    #[test]
    fn an_nps_answer_is_a_whole_number_from_0_to_10() {
        assert_eq!(kind("nps_answered", r#""score":"10""#), FeedbackKind::Nps(10));
        assert_eq!(kind("nps_answered", r#""score":0.0"#), FeedbackKind::Nps(0));
        assert_eq!(refused("nps_answered", r#""score":11"#).0, Code::OutOfRange);
        assert_eq!(refused("nps_answered", r#""score":-1"#).0, Code::OutOfRange);
        assert_eq!(refused("nps_answered", r#""score":7.5"#).0, Code::WrongType);
        assert_eq!(refused("nps_answered", r#""score":"good""#).0, Code::WrongType);
        assert_eq!(refused("nps_answered", "").1, "score is missing");
    }

    #[test]
    fn known_survey_kinds_are_case_insensitive() {
        assert_eq!(kind("survey_sent", r#""kind":"NPS""#), FeedbackKind::SurveySent("nps".into()));
        assert_eq!(kind("survey_sent", r#""kind":"Onboarding""#), FeedbackKind::SurveySent("Onboarding".into()));
        assert_eq!(refused("survey_sent", "").1, "kind is missing");
        assert_eq!(refused("survey_sent", r#""kind":5"#).0, Code::WrongType);
    }

    #[test]
    fn an_override_has_a_value_an_end_a_reason_and_an_author() {
        let all = r#""value":"42.5","until":60,"reason":"renewal signed","by":"dana""#;
        let expected =
            FeedbackKind::OverrideSet { value: 42.5, until: Timestamp(60_000), reason: "renewal signed".into(), by: "dana".into() };
        assert_eq!(kind("health_override_set", all), expected);
        for field in ["value", "until", "reason", "by"] {
            let without = all.replace(&format!(r#""{field}":"#), r#""other":"#);
            assert_eq!(refused("health_override_set", &without), (Code::MissingField, format!("{field} is missing")));
        }
        assert_eq!(refused("health_override_set", &all.replace("42.5", "100.5")).0, Code::OutOfRange);
        assert_eq!(refused("health_override_set", &all.replace("60", "\"tomorrow\"")).0, Code::WrongType);
    }

    #[test]
    fn fields_that_are_not_kept_may_be_long_but_must_have_the_right_type() {
        let long = "x".repeat(1000);
        assert_eq!(
            kind("referral_made", &format!(r#""user_id":1,"subject":"{long}","theme":"{long}","reason":"{long}""#)),
            FeedbackKind::Referral
        );
        assert_eq!(refused("referral_made", r#""theme":1"#), (Code::WrongType, "theme is not text".to_owned()));
        assert_eq!(kind("health_override_cleared", ""), FeedbackKind::OverrideCleared);
        assert_eq!(kind("advocacy_made", r#""kind":"Case Study""#), FeedbackKind::Advocacy("Case Study".into()));
    }
}
