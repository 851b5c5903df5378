//! Product usage and profiles.

use rand::Rng as _;
use serde_json::{Value, json};

use super::World;
use crate::oracle::zone::{DAY, HOUR};

const FEATURES: [&str; 6] = ["f0", "f1", "export", "Reports", "api", "f5"];

impl World {
    /// Features used and sessions ended, dense or sparse.
    pub fn usage(&mut self, account: &str) {
        if self.chance(10) {
            return;
        }
        // Servers and API keys have no users, or almost none.
        let anonymous = self.chance(25);
        for _ in 0..self.rng.random_range(0..60) {
            let at = self.instant();
            self.use_at(account, at, anonymous);
        }
        if self.chance(40) {
            for day in 0..self.rng.random_range(20..100) {
                if self.chance(60) {
                    let at = self.t - day * DAY - self.rng.random_range(0..20 * HOUR);
                    self.use_at(account, at, anonymous);
                }
            }
        }
    }

    fn use_at(&mut self, account: &str, at: i64, anonymous: bool) {
        let user = self.user(anonymous);
        let (kind, fields) = if self.chance(25) {
            let seconds = self.pick(&["0", "61", "3600", "12.5"]);
            let seconds = if self.chance(20) { json!(seconds) } else { serde_json::from_str(seconds).unwrap() };
            ("session_ended", json!({"user_id": user, "session_id": "s", "duration_seconds": seconds}))
        } else {
            let feature = if self.chance(6) { self.long_text() } else { self.pick(&FEATURES).to_owned() };
            let mut fields = json!({"user_id": user, "feature": feature});
            match self.rng.random_range(0..8) {
                0 => fields["count"] = json!(self.rng.random_range(1..50)),
                1 => fields["count"] = json!(6.0),
                2 => fields["count"] = json!("3"),
                3 => fields["count"] = Value::Null,
                _ => {}
            }
            ("feature_used", fields)
        };
        let id = match self.rng.random_range(0..10) {
            0 => None,
            1 => Some(json!("reused")),
            2 => Some(Value::Null),
            _ => Some(self.id()),
        };
        self.record_with_id("usage", Some(account), kind, at, fields, id);
    }

    /// A user, or one of the ways to name no user.
    fn user(&mut self, anonymous: bool) -> Value {
        if anonymous && self.chance(97) {
            return self.pick(&[Value::Null, json!(" "), json!("undefined"), json!(0)]);
        }
        let number = self.rng.random_range(0..8);
        match self.rng.random_range(0..100) {
            0..20 => json!(number),
            20..75 => json!(number.to_string()),
            75..85 => self.pick(&[Value::Null, json!(""), json!(" "), json!("\t\u{a0}")]),
            85..92 => json!(self.pick(&["Undefined", "NULL", "[object Object]", "nan", "none", "guest", "GUEST", " null", "null "])),
            92..97 => json!(self.pick(&["svc-1", "svc-", "SVC-1", "[qa]", "q", "a", "cron-x", "batch-1", "svc", "\u{e9}", "o"])),
            97 => json!(self.long_text()),
            _ => Value::Null,
        }
    }

    /// Text around the maximum length, in characters of one or two bytes.
    pub fn long_text(&mut self) -> String {
        let character = self.pick(&["x", "\u{e9}"]);
        let bytes = self.pick(&[255, 256, 257, 300]);
        let mut text = self.pick(&["", "a"]).to_owned();
        while text.len() + character.len() <= bytes {
            text.push_str(character);
        }
        text + self.pick(&["", "1", "2"])
    }

    /// A few profiles, deletions among them.
    pub fn profiles(&mut self, account: &str) {
        for _ in 0..self.rng.random_range(0..4) {
            let at = self.instant();
            let mut fields = json!({
                "name": format!("Account {account}"),
                "segment": self.pick(&[Some("smb"), Some("Enterprise"), None]),
                "plan": self.pick(&[Some("pro"), Some("basic"), None]),
                "csm": self.pick(&[Some("dana"), Some("lee"), None]),
                "region": self.pick(&[Some("emea"), Some("apac"), None]),
                "seats": self.pick(&[json!(10), json!("5"), json!(0), Value::Null, json!(3.0)]),
                "entitled_features": self.pick(&[Some(&FEATURES[..3]), Some(&["f0", "f0", "never"]), Some(&[]), None]),
            });
            if self.chance(50) {
                let signed_up = at - self.rng.random_range(-10 * DAY..200 * DAY);
                fields["signed_up_at"] = self.written(signed_up);
            } else if self.chance(20) {
                fields["signed_up_at"] = self.old_instant();
            }
            if self.chance(5) {
                fields["segment"] = json!(self.long_text());
            }
            if self.chance(5) {
                fields["entitled_features"] = json!([self.long_text(), self.long_text(), "f0"]);
            }
            if self.chance(40) {
                let onboarded = at - self.rng.random_range(-10 * DAY..60 * DAY);
                fields["onboarded_at"] = self.written(onboarded);
            }
            if self.chance(20) {
                fields["referred_by"] = json!("a0");
            }
            if self.chance(8) {
                fields["deleted"] = json!(true);
            }
            self.record("accounts", Some(account), "account_profile", at, fields);
        }
    }
}
