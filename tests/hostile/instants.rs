//! Instants at and next to borders, and the forms they are written in.

use jiff::Timestamp;
use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use super::World;
use crate::oracle::zone::{DAY, HOUR, back};

/// Ages in days at which a window or period ends.
const AGES: [i64; 13] = [0, 1, 7, 8, 28, 36, 56, 84, 90, 91, 92, 364, 400];

impl World {
    /// An instant, mostly of the last three months, often at a border or at one that was drawn before.
    pub fn instant(&mut self) -> i64 {
        let t = self.t;
        let nudge = self.pick(&[-1, 0, 0, 1]);
        let at = match self.rng.random_range(0..100) {
            0..12 => t - self.pick(&AGES) * DAY + nudge,
            12..24 => self.settings.zone.start(back(self.settings.zone.date(t), self.rng.random_range(0..100))) + nudge,
            24..32 => (t - self.rng.random_range(0..200) * HOUR).div_euclid(HOUR) * HOUR + nudge,
            32..44 => {
                let other = self.used.choose(&mut self.rng).copied().unwrap_or(t);
                other + self.pick(&[0, 0, 0, 1, HOUR, HOUR + 1, -HOUR, 30 * 60_000])
            }
            44..74 => t - self.rng.random_range(0..30 * DAY),
            74..94 => t - self.rng.random_range(0..120 * DAY),
            94..97 => t - self.rng.random_range(0..450 * DAY),
            97..99 => t + self.rng.random_range(0..self.settings.max_future_hours * HOUR) + 1,
            _ => t + self.settings.max_future_hours * HOUR + self.pick(&[0, 1, DAY]),
        };
        self.used.push(at);
        at
    }

    /// An instant some time after another.
    pub fn after(&mut self, at: i64) -> i64 {
        let step = match self.rng.random_range(0..7) {
            0 => self.pick(&[0, 1, HOUR - 1, HOUR, HOUR + 1]),
            1 => self.pick(&[5 * DAY - 1, 5 * DAY, 5 * DAY + 1]),
            2 => self.rng.random_range(0..2 * HOUR),
            3 => self.rng.random_range(0..3 * DAY),
            4 => self.rng.random_range(0..12 * DAY),
            5 => self.rng.random_range(0..40 * DAY),
            _ => self.rng.random_range(0..90 * 60_000),
        };
        at + step
    }

    /// A time long ago, or one that a library writes for a missing time.
    pub fn old_instant(&mut self) -> Value {
        self.pick(&[
            json!("0001-01-01T00:00:00Z"),
            json!("0001-01-01T00:00:00+00:00"),
            json!("1899-12-31T23:59:59.999Z"),
            json!("1900-01-01T00:00:00Z"),
            json!("1900-01-01T00:59:59+01:00"),
            json!("1969-12-31T23:59:59Z"),
            json!(0),
            json!("0"),
            json!(-62_135_596_800_i64),
            json!(-2_208_988_800_i64),
            json!(-2_208_988_801_i64),
        ])
    }

    /// One of the forms of an instant.
    pub fn written(&mut self, at: i64) -> Value {
        let utc = Timestamp::from_millisecond(at).unwrap();
        let (seconds, millis) = (at.div_euclid(1000), at.rem_euclid(1000));
        match self.rng.random_range(0..10) {
            0 => json!(at),
            1 => json!(at.to_string()),
            2 if millis == 0 => json!(seconds),
            2 => serde_json::from_str(&format!("{seconds}.{millis:03}")).unwrap(),
            3 => json!(format!("{seconds}.{millis:03}7")),
            4 => {
                let local = Timestamp::from_millisecond(at + (5 * 60 + 45) * 60_000).unwrap();
                json!(local.strftime("%Y-%m-%dT%H:%M:%S.%3f+05:45").to_string())
            }
            5 => {
                let local = Timestamp::from_millisecond(at - 3 * HOUR).unwrap();
                json!(local.strftime("%Y-%m-%dT%H:%M:%S.%3f999-03:00").to_string())
            }
            _ => json!(utc.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()),
        }
    }
}
