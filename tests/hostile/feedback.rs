//! Survey answers, surveys sent, referrals, overrides.

use rand::Rng as _;
use serde_json::{Value, json};

use super::World;
use crate::oracle::zone::DAY;

impl World {
    /// Feedback of an account.
    pub fn answers(&mut self, account: &str) {
        for _ in 0..self.rng.random_range(0..15) {
            let at = self.instant();
            let user = json!("u1");
            let (kind, fields) = match self.rng.random_range(0..10) {
                0..3 => {
                    let score = self.rng.random_range(0..=10);
                    let score = self.pick(&[json!(score), json!(score.to_string()), json!(f64::from(score))]);
                    ("nps_answered", json!({"score": score, "user_id": user}))
                }
                3..5 => ("csat_answered", self.answer()),
                5..7 => ("ces_answered", self.answer_on_scale()),
                7 => ("survey_sent", json!({"kind": self.pick(&["nps", "csat", "ces"])})),
                8 => ("referral_made", json!({})),
                _ if self.chance(50) => ("advocacy_made", json!({"kind": self.pick(&["review", "case_study"])})),
                _ if self.chance(30) => ("health_override_cleared", json!({})),
                _ => {
                    let until = at + self.rng.random_range(0..60 * DAY);
                    let value = self.rng.random_range(0..=100);
                    ("health_override_set", json!({"value": value, "until": self.written(until), "reason": "call", "by": "dana"}))
                }
            };
            let fields = self.about(fields);
            self.record("feedback", Some(account), kind, at, fields);
        }
    }

    /// Sometimes a theme, on any type: known ones, ones that differ only after a hundred characters, and invalid ones.
    fn about(&mut self, mut fields: Value) -> Value {
        if self.chance(60) {
            let long = "ü".repeat(99);
            fields["theme"] = self.pick(&[
                json!("price"),
                json!("Price"),
                json!("speed"),
                json!(format!("{long}ab")),
                json!(format!("{long}ac")),
                json!(""),
                Value::Null,
            ]);
        }
        fields
    }

    /// A satisfaction answer: in words or on a scale.
    pub fn answer(&mut self) -> Value {
        match self.rng.random_range(0..6) {
            0 => json!({"score": "good"}),
            1 => json!({"score": "Bad"}),
            _ => self.answer_on_scale(),
        }
    }

    fn answer_on_scale(&mut self) -> Value {
        match self.rng.random_range(0..4) {
            0 => json!({"score": self.rng.random_range(0..=10), "scale": {"min": 0, "max": 10}}),
            1 => json!({"score": self.rng.random_range(1..=7), "scale": {"min": 1, "max": 7, "reversed": true}}),
            2 => json!({"score": self.rng.random_range(1..=5).to_string()}),
            _ => json!({"score": self.rng.random_range(1..=5)}),
        }
    }
}
