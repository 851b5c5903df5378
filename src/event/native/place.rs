//! The position of an answer on its scale, 0..=1: (score - min) / (max - min), or 1 minus that on reversed scales.

use super::field::Field;
use super::fields::Fields;
use super::value::Value;
use crate::event::Rejection;

/// The scale of a score without one.
const DEFAULT_SCALE: Scale = Scale { min: 1.0, max: 5.0, reversed: false };

struct Scale {
    min: f64,
    max: f64,
    reversed: bool,
}

enum Score {
    Number(f64),
    /// `good` or `bad`, whatever the scale.
    Place(f64),
}

/// The position of `score` on `scale`; `missing_field` without a score.
pub(super) fn required(fields: &Fields<'_, '_>) -> Result<f64, Rejection> {
    optional(fields)?.ok_or_else(|| fields.missing(Field::Score))
}

/// The position of `score` on `scale`; `None` without a score.
pub(super) fn optional(fields: &Fields<'_, '_>) -> Result<Option<f64>, Rejection> {
    let Some((value, score)) = fields.optional(Field::Score, |value| Ok((*value, score(value)?)))? else { return Ok(None) };
    let scale = fields.optional(Field::Scale, scale)?.unwrap_or(DEFAULT_SCALE);
    match score {
        Score::Place(place) => Ok(Some(place)),
        Score::Number(score) => place(&value, score, &scale).map(Some),
    }
}

fn score(value: &Value<'_, '_>) -> Result<Score, Rejection> {
    match value.word(&[("good", 1.0), ("bad", 0.0)])? {
        Some(place) => Ok(Score::Place(place)),
        None => value.float().map(Score::Number),
    }
}

fn scale(value: &Value<'_, '_>) -> Result<Scale, Rejection> {
    let mut fields = Fields::of_object(value);
    fields.read_object(value)?;
    let min = fields.required(Field::Min, Value::float)?;
    let max = fields.required(Field::Max, Value::float)?;
    let reversed = fields.optional(Field::Reversed, Value::flag)?.unwrap_or(false);
    if max > min && (max - min).is_finite() { Ok(Scale { min, max, reversed }) } else { Err(value.out_of_range("needs max above min")) }
}

fn place(value: &Value<'_, '_>, score: f64, scale: &Scale) -> Result<f64, Rejection> {
    if !(scale.min..=scale.max).contains(&score) {
        return Err(value.out_of_range("is outside its scale"));
    }
    let place = (score - scale.min) / (scale.max - scale.min);
    Ok(if scale.reversed { 1.0 - place } else { place })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{event, json, refusal};
    use crate::event::{Code, Event, FeedbackEvent, FeedbackKind, Stream};

    fn place(fields: &str) -> f64 {
        match event(Stream::Feedback, &json("ces_answered", fields)) {
            Event::Feedback(FeedbackEvent { kind: FeedbackKind::Ces(place), .. }) => place,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn assert_place(fields: &str, expected: f64) {
        assert!((place(fields) - expected).abs() < f64::EPSILON, "{fields}");
    }

    #[test]
    fn a_score_without_a_scale_is_out_of_1_to_5() {
        assert_place(r#""score":4"#, 0.75);
        assert_place(r#""score":"5","scale":null"#, 1.0);
        assert_eq!(refusal(Stream::Feedback, &json("csat_answered", r#""score":0"#)).0, Code::OutOfRange);
    }

    #[test]
    fn a_reversed_scale_runs_the_other_way() {
        assert_place(r#""score":2,"scale":{"min":1,"max":7,"reversed":true}"#, 1.0 - 1.0 / 6.0);
        assert_place(r#""score":0,"scale":{"min":"0","max":"10","reversed":false}"#, 0.0);
    }

    #[test]
    fn good_and_bad_are_the_ends_of_any_scale() {
        assert_place(r#""score":"Good""#, 1.0);
        assert_place(r#""score":"bad","scale":{"min":1,"max":7,"reversed":true}"#, 0.0);
    }

    #[test]
    fn a_scale_needs_both_ends_with_max_above_min() {
        let refused = |scale: &str| refusal(Stream::Feedback, &json("csat_answered", &format!(r#""score":1,"scale":{scale}"#)));
        assert_eq!(refused(r#"{"min":1}"#), (Code::MissingField, "scale.max is missing".to_owned()));
        assert_eq!(refused(r#"{"min":1,"max":1}"#).0, Code::OutOfRange);
        assert_eq!(refused(r#"{"min":5,"max":1}"#).0, Code::OutOfRange);
        assert_eq!(refused(r#"{"min":-1e308,"max":1e308}"#).0, Code::OutOfRange);
        assert_eq!(refused(r#"{"min":true,"max":1}"#), (Code::WrongType, "scale.min is not a number".to_owned()));
        assert_eq!(refused("[1,5]").0, Code::WrongType);
    }

    #[test]
    fn a_score_is_a_number_good_or_bad() {
        let refused = |score: &str| refusal(Stream::Feedback, &json("csat_answered", &format!(r#""score":{score}"#))).0;
        assert_eq!(refused(r#""great""#), Code::WrongType);
        assert_eq!(refused("true"), Code::WrongType);
        assert_eq!(refused("1e400"), Code::OutOfRange);
        assert_eq!(refused("null"), Code::MissingField);
    }
}
