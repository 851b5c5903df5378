//! Customers who leave: their accounts are deleted, by a profile or a null value, and many return. Records of their first life keep
//! arriving after the deletion.
//!
//! Topics are read in no particular order relative to each other, so a deletion may be read after records of the next life that were
//! written later. Both lives end up right all the same: a deletion removes everything at or before it, whether it was read earlier or
//! arrives later. Counts are assigned to a life by date, so a life that continues on other topics begins a day after the deletion. Of its
//! first use only the hour is kept, so its records are at the beginning of an hour. Nothing is repeated, because remembered ids are deleted
//! with the account.

use std::collections::VecDeque;

use churnwatch::event::Stream;
use churnwatch::time::{DAY_MS, HOUR_MS};

use super::random::Random;

/// Maximum number of accounts that leave.
const LEAVERS_MAX: u64 = 150;
/// How many of them are in progress at a time.
const AT_ONCE: usize = 12;
/// How many days ago they began.
const DAYS_AGO: i64 = 20;
/// Days from then to a deletion that carries its time.
const DAYS_STAYED: i64 = 10;
/// Accounts whose next life is on all topics are named after this.
pub const RETURNER: &str = "returner-";

/// One record to write.
pub struct Sent {
    pub stream: Stream,
    pub account: String,
    /// `None` deletes.
    pub value: Option<String>,
    pub timestamp: i64,
}

/// The steps that an account still has to take.
struct Story {
    account: String,
    began: i64,
    deleted: i64,
    steps: VecDeque<Step>,
}

enum Step {
    /// A record of the first life.
    Before(Stream, &'static str, String),
    Deletion,
    NullValue,
    /// A profile this many milliseconds after the deletion.
    Return(i64),
    /// A record of the next life on any topic.
    After(Stream, &'static str, String),
    /// Another deletion this many milliseconds after the first one.
    DeletionAgain(i64),
}

/// All who leave.
pub struct Leavers {
    random: Random,
    begun: u64,
    stories: Vec<Story>,
}

impl Leavers {
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed ^ 0x1eaf), begun: 0, stories: Vec::new() }
    }

    /// The next record of some account, as of `now`; `None` at the end.
    pub fn next(&mut self, now: i64) -> Option<Sent> {
        if self.stories.len() < AT_ONCE && self.begun < LEAVERS_MAX {
            self.begun += 1;
            self.stories.push(Story::new(self.begun, now, &mut self.random));
        }
        let place = usize::try_from(self.random.next() % self.stories.len().max(1) as u64).unwrap();
        let story = self.stories.get_mut(place)?;
        let sent = story.next(now);
        if story.steps.is_empty() {
            self.stories.swap_remove(place);
        }
        sent
    }
}

impl Story {
    fn new(number: u64, now: i64, random: &mut Random) -> Self {
        let began = now - DAYS_AGO * DAY_MS;
        let end = began + 30 * DAY_MS;
        let used = |feature: &str| (Stream::Usage, "feature_used", format!(r#""user_id":"u","feature":"{feature}""#));
        let price = r#"{"amount_minor":5000,"currency":"USD","interval":"month","quantity":3}"#;
        let mut sent = vec![
            (Stream::Accounts, "account_profile", r#""name":"Leaver","segment":"smb","seats":5"#.to_owned()),
            used("report"),
            used("export"),
            used("report"),
            (
                Stream::Billing,
                "subscription_changed",
                format!(
                    r#""subscription_id":"s","status":"active","items":[{price}],"current_period_start":{began},"current_period_end":{end}"#
                ),
            ),
            (Stream::Support, "ticket_opened", r#""ticket_id":"t1","priority":"high""#.to_owned()),
            (Stream::Support, "ticket_resolved", r#""ticket_id":"t1""#.to_owned()),
            (Stream::Feedback, "nps_answered", format!(r#""score":{}"#, random.between(0, 10))),
        ];
        let mut steps = VecDeque::new();
        while !sent.is_empty() {
            let (stream, kind, fields) = sent.swap_remove(usize::try_from(random.next() % sent.len() as u64).unwrap());
            steps.push_back(Step::Before(stream, kind, fields));
        }
        let leaves = usize::try_from(random.between(3, steps.len() as u64)).unwrap();
        let (name, last, fewest) = match random.between(0, 2) {
            0 => ("leaver-", vec![Step::NullValue, Step::Return(1), Step::Return(2)], 1),
            1 => ("leaver-", vec![Step::Deletion, Step::Return(1), Step::DeletionAgain(2)], 1),
            _ => (RETURNER, returns(began + DAYS_STAYED * DAY_MS), 2),
        };
        let taken = usize::try_from(random.between(fewest, last.len() as u64)).unwrap();
        for (after, step) in (0..).zip(last).take(taken) {
            steps.insert((leaves + 2 * after).min(steps.len()), step);
        }
        Self { account: format!("{name}{number}"), began, deleted: 0, steps }
    }

    fn next(&mut self, now: i64) -> Option<Sent> {
        let step = self.steps.pop_front()?;
        let left = i64::try_from(self.steps.len()).unwrap();
        let stays = self.began + DAYS_STAYED * DAY_MS;
        let (stream, value) = match step {
            Step::Before(stream, kind, fields) => (stream, Some(self.json(kind, stays - (left + 1) * HOUR_MS, &fields))),
            Step::Deletion => {
                self.deleted = stays;
                (Stream::Accounts, Some(self.json("account_profile", stays, r#""deleted":true"#)))
            }
            Step::NullValue => {
                self.deleted = now;
                (Stream::Accounts, None)
            }
            Step::Return(after) => {
                (Stream::Accounts, Some(self.json("account_profile", self.deleted + after, &format!(r#""name":"Again","seats":{after}"#))))
            }
            Step::After(stream, kind, fields) => {
                let at = self.deleted + DAY_MS + (DAYS_STAYED - left) * HOUR_MS;
                // Of a use that was read before the deletion, only the hour is known, which begins after the full one.
                (stream, Some(self.json(kind, at / HOUR_MS * HOUR_MS + 1, &fields)))
            }
            Step::DeletionAgain(after) => (Stream::Accounts, Some(self.json("account_profile", self.deleted + after, r#""deleted":true"#))),
        };
        Some(Sent { stream, account: self.account.clone(), value, timestamp: now })
    }

    fn json(&self, kind: &str, at: i64, fields: &str) -> String {
        let (account, number) = (&self.account, self.steps.len());
        format!(r#"{{"type":"{kind}","id":"{number}","account_id":"{account}","occurred_at":{at},{fields}}}"#)
    }
}

/// A deletion, and a next life on all topics.
fn returns(deleted: i64) -> Vec<Step> {
    let (began, end) = (deleted + DAY_MS, deleted + 31 * DAY_MS);
    let price = r#"{"amount_minor":7000,"currency":"USD","interval":"month","quantity":2}"#;
    let subscription =
        format!(r#""subscription_id":"s2","status":"active","items":[{price}],"current_period_start":{began},"current_period_end":{end}"#);
    vec![
        Step::Deletion,
        Step::After(Stream::Usage, "feature_used", r#""user_id":"u2","feature":"report""#.to_owned()),
        Step::After(Stream::Billing, "subscription_changed", subscription),
        Step::After(Stream::Support, "ticket_opened", r#""ticket_id":"t2","priority":"low""#.to_owned()),
        Step::After(Stream::Feedback, "nps_answered", r#""score":8"#.to_owned()),
        Step::Return(1),
    ]
}
