//! The records of a run, and what is known about them: which are bad, and what each account pays after each.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::broker::log::Fate;
use crate::broker::{Broker, Topic};
use crate::random::Random;

/// When the virtual clock starts, epoch ms: 2026-01-01.
pub const EPOCH: i64 = 1_767_225_600_000;
/// The places of the inputs, which are sorted by name.
pub const BILLING: usize = 0;
pub const USAGE: usize = 1;
pub const ACCOUNTS_PER_TASK: u64 = 3;

#[derive(Default)]
pub struct Load {
    count: u64,
    versions: BTreeMap<String, u64>,
    /// The ids of uses, for duplicates.
    uses: BTreeMap<usize, Vec<Rc<[u8]>>>,
    /// The bad records: input, task, offset.
    pub bad: Vec<(usize, usize, usize)>,
    /// The uses that repeat an earlier one: task, offset.
    pub repeated: BTreeSet<(usize, usize)>,
    /// What an account pays after the record at an offset of the billing topic.
    pub paid: BTreeMap<(usize, usize), (String, u64)>,
}

impl Load {
    /// Writes a few records to the inputs of a task.
    pub fn write(&mut self, broker: &mut Broker, task: usize, records: u64, now: u64, random: &mut Random) {
        for _ in 0..records {
            self.count += 1;
            let account = format!("a{task}-{}", random.within(0..ACCOUNTS_PER_TASK));
            let at = EPOCH + now as i64 - 3_600_000 + self.count as i64;
            match random.within(0..20) {
                0 => append(broker, BILLING, task, &account, None, Fate::Control),
                1 => append(broker, USAGE, task, &account, Some(b"{}".as_slice().into()), Fate::Aborted),
                2..=3 => {
                    let input = random.within(0..2) as usize;
                    self.bad.push((input, task, broker.log(Topic::Input(input), task).end()));
                    append(broker, input, task, &account, Some(b"{\"type\":".as_slice().into()), Fate::Committed);
                }
                4..=8 => {
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
                    self.paid.insert((task, offset), (account.clone(), amount));
                    append(broker, BILLING, task, &account, Some(text.into_bytes().into()), Fate::Committed);
                }
                kind => {
                    let known = self.uses.entry(task).or_default();
                    let value: Rc<[u8]> = if kind < 11 && !known.is_empty() {
                        self.repeated.insert((task, broker.log(Topic::Input(USAGE), task).end()));
                        Rc::clone(&known[random.within(0..known.len() as u64) as usize])
                    } else {
                        let text = format!(
                            "{{\"id\":\"u{}\",\"type\":\"feature_used\",\"account_id\":\"{account}\",\"occurred_at\":{at},\
                             \"user_id\":\"p{}\",\"feature\":\"f{}\"}}",
                            self.count,
                            random.within(0..3),
                            random.within(0..2)
                        );
                        text.into_bytes().into()
                    };
                    known.push(Rc::clone(&value));
                    append(broker, USAGE, task, &account, Some(value), Fate::Committed);
                }
            }
        }
    }

    /// What an account pays, as of an offset of the billing topic; `None` if it pays nothing.
    pub fn mrr(&self, task: usize, account: &str, next: usize) -> Option<u64> {
        let before = self.paid.range((task, 0)..(task, next)).rev();
        before.map(|(_, paid)| paid).find(|(paying, _)| paying == account).map(|(_, amount)| *amount)
    }
}

fn append(broker: &mut Broker, input: usize, task: usize, account: &str, value: Option<Rc<[u8]>>, fate: Fate) {
    broker.log_mut(Topic::Input(input), task).append_plain(account.as_bytes().into(), value, fate);
}
