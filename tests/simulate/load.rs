//! The records of a run, and what is known about them: which are bad or repeated, what each account pays after each, and when an account
//! was deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::broker::log::Fate;
use crate::broker::{Broker, Topic};
use crate::random::Random;

/// When the virtual clock starts, epoch ms: 2026-01-01.
pub const EPOCH: i64 = 1_767_225_600_000;
/// The places of the inputs, which are sorted by name.
pub const ACCOUNTS: usize = 0;
pub const BILLING: usize = 1;
pub const USAGE: usize = 2;
/// Accounts of a task that are never deleted; one more is, again and again.
const LASTING_ACCOUNTS: u64 = 3;
/// How far ahead of the clock an event may be, ms: it waits until then.
const AHEAD_MAX: u64 = 20_000;

/// Something that is known of a record: its account, and when it happened.
pub struct Known<T> {
    pub account: String,
    pub at: i64,
    pub is: T,
}

#[derive(Default)]
pub struct Load {
    count: u64,
    versions: BTreeMap<String, u64>,
    /// The uses of accounts that last, for duplicates.
    uses: BTreeMap<usize, Vec<Rc<[u8]>>>,
    /// The bad records: input, task, offset.
    pub bad: Vec<(usize, usize, usize)>,
    /// The uses that repeat an earlier one: task, offset.
    pub repeated: BTreeSet<(usize, usize)>,
    /// What is paid after the record at an offset of the billing topic: task, offset.
    pub paid: BTreeMap<(usize, usize), Known<u64>>,
    /// The deletions, by offset of the accounts topic: task, offset.
    pub deleted: BTreeMap<(usize, usize), Known<()>>,
}

/// Whether the account is one that is deleted now and then.
pub fn is_deletable(account: &str) -> bool {
    account.ends_with("-d")
}

impl Load {
    /// Writes a few records to the inputs of a task.
    pub fn write(&mut self, broker: &mut Broker, task: usize, records: u64, now: u64, random: &mut Random) {
        for _ in 0..records {
            self.count += 1;
            let account = match random.within(0..LASTING_ACCOUNTS + 1) {
                LASTING_ACCOUNTS => format!("a{task}-d"),
                number => format!("a{task}-{number}"),
            };
            let at = EPOCH + now as i64 - 3_600_000 + self.count as i64;
            match random.within(0..20) {
                0 => append(broker, BILLING, task, &account, None, Fate::Control),
                1 => append(broker, USAGE, task, &account, Some(b"{}".as_slice().into()), Fate::Aborted),
                2..=3 => self.write_bad(broker, task, random.within(0..3) as usize),
                4..=7 => self.pay(broker, task, account, at),
                8 if is_deletable(&account) => self.delete(broker, task, account, at),
                8 => self.write_use(broker, task, &account, at + 3_600_000 + random.within(0..AHEAD_MAX) as i64, random),
                9..=11 if self.uses.contains_key(&task) => self.repeat(broker, task, random),
                _ => self.write_use(broker, task, &account, at, random),
            }
        }
    }

    /// Writes a record that nobody can read.
    pub fn write_bad(&mut self, broker: &mut Broker, task: usize, input: usize) {
        self.bad.push((input, task, broker.log(Topic::Input(input), task).end()));
        append(broker, input, task, "bad", Some(b"{\"type\":".as_slice().into()), Fate::Committed);
    }

    fn pay(&mut self, broker: &mut Broker, task: usize, account: String, at: i64) {
        let version = self.versions.entry(account.clone()).or_insert(0);
        *version += 1;
        let amount = 1_000 + self.count * 7;
        let text = format!(
            "{{\"id\":\"b{}\",\"type\":\"subscription_changed\",\"account_id\":\"{account}\",\"occurred_at\":{at},\
             \"subscription_id\":\"s\",\"status\":\"active\",\"items\":[{{\"amount_minor\":{amount},\"currency\":\"USD\",\
             \"interval\":\"month\",\"quantity\":1}}],\"current_period_start\":{at},\"current_period_end\":{},\"version\":{version}}}",
            self.count,
            at + 2_592_000_000
        );
        let offset = broker.log(Topic::Input(BILLING), task).end();
        append(broker, BILLING, task, &account, Some(text.into_bytes().into()), Fate::Committed);
        self.paid.insert((task, offset), Known { account, at, is: amount });
    }

    fn delete(&mut self, broker: &mut Broker, task: usize, account: String, at: i64) {
        let text = format!("{{\"type\":\"account_profile\",\"account_id\":\"{account}\",\"occurred_at\":{at},\"deleted\":true}}");
        let offset = broker.log(Topic::Input(ACCOUNTS), task).end();
        append(broker, ACCOUNTS, task, &account, Some(text.into_bytes().into()), Fate::Committed);
        self.deleted.insert((task, offset), Known { account, at, is: () });
    }

    fn write_use(&mut self, broker: &mut Broker, task: usize, account: &str, at: i64, random: &mut Random) {
        let text = format!(
            "{{\"id\":\"u{}\",\"type\":\"feature_used\",\"account_id\":\"{account}\",\"occurred_at\":{at},\"user_id\":\"p{}\",\
             \"feature\":\"f{}\"}}",
            self.count,
            random.within(0..3),
            random.within(0..2)
        );
        let value: Rc<[u8]> = text.into_bytes().into();
        if !is_deletable(account) {
            self.uses.entry(task).or_default().push(Rc::clone(&value));
        }
        append(broker, USAGE, task, account, Some(value), Fate::Committed);
    }

    fn repeat(&mut self, broker: &mut Broker, task: usize, random: &mut Random) {
        let known = &self.uses[&task];
        let value = Rc::clone(&known[random.within(0..known.len() as u64) as usize]);
        self.repeated.insert((task, broker.log(Topic::Input(USAGE), task).end()));
        append(broker, USAGE, task, "repeated", Some(value), Fate::Committed);
    }

    /// What an account pays, as of these next offsets; `None` if it pays nothing.
    pub fn mrr(&self, task: usize, account: &str, next: &[i64]) -> Option<u64> {
        let before = |input: usize| (task, 0)..(task, next[input].max(0) as usize);
        let deletions = self.deleted.range(before(ACCOUNTS)).map(|(_, known)| known);
        let deleted_at = deletions.filter(|known| known.account == account).map(|known| known.at).max().unwrap_or(i64::MIN);
        let mut paid = self.paid.range(before(BILLING)).rev().map(|(_, known)| known);
        paid.find(|known| known.account == account && known.at > deleted_at).map(|known| known.is)
    }
}

fn append(broker: &mut Broker, input: usize, task: usize, account: &str, value: Option<Rc<[u8]>>, fate: Fate) {
    broker.log_mut(Topic::Input(input), task).append_plain(account.as_bytes().into(), value, fate);
}
