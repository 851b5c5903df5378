//! From fields to lines, valid and not.

use rand::Rng as _;
use serde_json::{Map, Value, json};

use super::World;

impl World {
    /// Adds a record to a stream, written in one of many ways.
    pub fn record(&mut self, stream: &'static str, account: Option<&str>, kind: &str, at: i64, fields: Value) {
        let id = self.id();
        self.record_with_id(stream, account, kind, at, fields, Some(id));
    }

    /// The same with an id, or without.
    pub fn record_with_id(&mut self, stream: &'static str, account: Option<&str>, kind: &str, at: i64, fields: Value, id: Option<Value>) {
        let mut body = Map::new();
        body.insert("type".to_owned(), json!(kind));
        if let Some(id) = id {
            body.insert("id".to_owned(), id);
        }
        if let Some(account) = account {
            body.insert("account_id".to_owned(), json!(account));
        }
        body.insert("occurred_at".to_owned(), self.written(at));
        if let Value::Object(fields) = fields {
            body.extend(fields);
        }
        if self.chance(5) {
            body.insert("unknown".to_owned(), json!({"deep": [1, [2, {"x": null}]]}));
        }
        let line = self.line(&body);
        self.files.get_mut(stream).unwrap().push(line);
    }

    /// A fresh id, in text or as a number.
    pub fn id(&mut self) -> Value {
        self.ids += 1;
        match self.rng.random_range(0..4) {
            0 => json!(self.ids),
            1 => json!(self.ids.to_string()),
            _ => json!(format!("e-{:05}", self.ids)),
        }
    }

    fn line(&mut self, body: &Map<String, Value>) -> Vec<u8> {
        let text = serde_json::to_string(body).unwrap();
        match self.rng.random_range(0..60) {
            0 => format!("\u{feff}{text}").into_bytes(),
            1 => format!("  {text} \r").into_bytes(),
            2 => format!("{{\"occurred_at\":\"never\",\"account_id\":[],{}", &text[1..]).into_bytes(),
            _ => text.into_bytes(),
        }
    }

    /// An invalid record, or one at the border of validity.
    pub fn bad_line(&mut self, stream: &str) -> Vec<u8> {
        let whole = self.valid_fields(stream);
        let mut body = whole.clone();
        let (name, value) = match self.rng.random_range(0..26) {
            0 => return b"{\"type\":\"feature_used\",\"account_id\":\"a0\"".to_vec(),
            1 => return b"\xff\xfe{}".to_vec(),
            2 => return b"  \t".to_vec(),
            3 => return format!("{}1{}", "[".repeat(129), "]".repeat(129)).into_bytes(),
            4 => return format!("{}{{", "{\"a\":".repeat(129)).into_bytes(),
            5 => {
                let depth = self.pick(&[126, 127, 128]);
                body.insert("unknown".to_owned(), json!(0));
                let text = serde_json::to_string(&body).unwrap();
                return text.replace("\"unknown\":0", &format!("\"unknown\":{}{}", "[".repeat(depth), "]".repeat(depth))).into_bytes();
            }
            6 => return self.pick(&["[1,2]", "null", "17", "\"text\"", "{}", "{} x", "{\"type\":null}", "{\"type\":7}"]).into(),
            7 => ("type", self.pick(&["unheard_of", "", "subscription_updated"]).into()),
            8 => ("type", json!(["feature_used"])),
            9 => ("account_id", self.pick(&[Some(""), None]).into()),
            10 => ("account_id", json!({"id": 1})),
            11 => ("account_id", json!("x".repeat(self.pick(&[256, 257])))),
            12 => ("occurred_at", Value::Null),
            13 => ("occurred_at", self.pick(&["2026-01-02T03:04:05", "2026-01-02", "soon", "2026-02-30T00:00:00Z"]).into()),
            14 => ("occurred_at", json!({"seconds": 1})),
            15 => {
                let far = self.t + self.settings.max_future_hours * 3_600_000 + self.pick(&[0, 1, 1000]);
                ("occurred_at", json!(far))
            }
            22 => ("occurred_at", self.old_instant()),
            23 => {
                let offset = self.pick(&[0, -1]);
                let start = self.settings.zone.start(self.settings.earliest);
                ("occurred_at", self.written(start + offset))
            }
            24 => {
                let fine = self.t * self.pick(&[1_000, 1_000_000]) + self.pick(&[0, 1]);
                ("occurred_at", if self.chance(50) { json!(fine) } else { json!(fine.to_string()) })
            }
            25 => ("occurred_at", json!(100_000_000_000_000_i64)),
            16 => {
                let padding = (1 << 20) - serde_json::to_string(&body).unwrap().len() - "\"pad\":\"\",".len();
                ("pad", json!("p".repeat(padding + self.pick(&[0, 1]))))
            }
            _ => return self.bad_field(stream, whole),
        };
        body.insert(name.to_owned(), value);
        serde_json::to_vec(&body).unwrap()
    }

    /// Now and then a record with the same id but different contents, which is still a duplicate. Answers are excluded: of
    /// two valid ones, time and id decide which is newer.
    pub fn told_otherwise(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        if !self.chance(4) {
            return None;
        }
        let mut body: Map<String, Value> = serde_json::from_slice(line).ok()?;
        body.get("id").filter(|id| !id.is_null())?;
        let (name, value) = match body.get("type")?.as_str()? {
            "feature_used" => ("count", json!(17)),
            "session_ended" => ("duration_seconds", json!(7)),
            "subscription_changed" => ("status", json!(self.pick(&["active", "canceled"]))),
            "invoice_paid" | "invoice_payment_failed" | "cost_recorded" => {
                body.remove("amount");
                ("amount_minor", json!(123_456))
            }
            "ticket_priority_changed" => ("priority", json!("urgent")),
            "account_profile" => ("segment", json!("contradiction")),
            "survey_sent" | "advocacy_made" => ("kind", json!("contradiction")),
            _ => return None,
        };
        body.insert(name.to_owned(), value);
        serde_json::to_vec(&body).ok()
    }

    fn valid_fields(&mut self, stream: &str) -> Map<String, Value> {
        let body = match stream {
            "usage" => json!({"type": "feature_used", "user_id": "u1", "feature": "f1"}),
            "billing" => json!({"type": "invoice_paid", "invoice_id": "bad", "amount_minor": 100, "currency": self.settings.currency}),
            "support" => json!({"type": "ticket_opened", "ticket_id": "bad"}),
            "feedback" => json!({"type": "nps_answered", "score": 9}),
            _ => json!({"type": "account_profile", "name": "Bad"}),
        };
        let Value::Object(mut body) = body else { unreachable!("an object was written") };
        body.insert("account_id".to_owned(), json!("a0"));
        body.insert("id".to_owned(), self.id());
        let at = self.t - self.rng.random_range(0..20 * 86_400_000);
        body.insert("occurred_at".to_owned(), json!(at));
        body
    }

    fn bad_field(&mut self, stream: &str, mut body: Map<String, Value>) -> Vec<u8> {
        let long = json!("y".repeat(257));
        let choices: Vec<(&str, Value)> = match stream {
            "usage" => vec![
                ("user_id", json!([1])),
                ("user_id", long.clone()),
                ("session_id", long.clone()),
                ("feature", long),
                ("feature", json!("")),
                ("feature", json!({})),
                ("count", json!(0)),
                ("count", json!(-3)),
                ("count", json!("two")),
                ("count", json!(true)),
                ("id", json!({})),
            ],
            "billing" => vec![
                ("currency", json!("XYZ")),
                ("currency", json!("")),
                ("currency", json!(7.5)),
                ("amount_minor", json!(-1)),
                ("amount_minor", json!("-20")),
                ("amount_minor", Value::Null),
                ("amount_minor", json!("many")),
                ("amount_minor", json!([])),
                ("amount_minor", json!("49.00")),
                ("amount_minor", json!(0.5)),
                ("amount_minor", json!("6.0")),
                ("amount", json!("1.00")),
                ("amount", json!(-1)),
                ("amount", Value::Null),
                ("invoice_id", json!("")),
                ("invoice_id", long),
            ],
            "support" => vec![
                ("ticket_id", Value::Null),
                ("ticket_id", json!({"n": 1})),
                ("ticket_id", long),
                ("priority", json!("critical")),
                ("priority", json!(3)),
                ("type", json!("ticket_replied")),
                ("type", json!("ticket_priority_changed")),
                ("type", json!("ticket_assigned")),
                ("type", json!("ticket_snapshot")),
                ("type", json!("ticket_rated")),
            ],
            "feedback" => vec![
                ("score", json!(11)),
                ("score", json!(-1)),
                ("score", Value::Null),
                ("score", json!("high")),
                ("score", json!({})),
                ("type", json!("csat_answered")),
                ("type", json!("survey_sent")),
                ("type", json!("health_override_set")),
            ],
            _ => vec![
                ("seats", json!(-1)),
                ("seats", json!("some")),
                ("signed_up_at", json!("2026-01-02")),
                ("signed_up_at", json!(1_700_000_000_000_000_i64)),
                ("name", long),
                ("onboarded_at", json!([1])),
                ("entitled_features", json!("all")),
                ("name", json!(["a"])),
                ("deleted", json!({})),
            ],
        };
        let (name, value) = choices[self.rng.random_range(0..choices.len())].clone();
        body.insert(name.to_owned(), value);
        serde_json::to_vec(&body).unwrap()
    }
}
