//! Seeded inputs that aim at borders: window ends to the millisecond, midnights of odd zones, ties, duplicates, disorder, bad records.

mod billing;
mod feedback;
mod instants;
mod lines;
pub mod outputs;
mod settings;
pub mod shrink;
mod support;
mod usage;

use std::collections::BTreeMap;

use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::oracle::settings::Settings;
use crate::oracle::zone::back;
use crate::oracle::{Extras, Files, STREAMS};

/// One input with its settings.
pub struct Case {
    /// The seed it was generated from.
    pub seed: u64,
    /// The settings.
    pub settings: Settings,
    /// Time of the replay.
    pub t: i64,
    /// What to compare besides the figures at T.
    pub extras: Extras,
    /// Its files.
    pub files: Files,
}

/// Builds a case.
pub struct World {
    rng: ChaCha8Rng,
    settings: Settings,
    t: i64,
    used: Vec<i64>,
    ids: u32,
    files: Files,
}

/// The case of a seed.
pub fn case(seed: u64) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (settings, t) = settings::draw(&mut rng);
    let mut world = World { rng, settings, t, used: Vec::new(), ids: 0, files: BTreeMap::new() };
    let accounts = if world.chance(10) { world.rng.random_range(9..=40) } else { world.rng.random_range(1..=5) };
    for stream in STREAMS {
        world.files.insert(stream, Vec::new());
    }
    for number in 0..accounts {
        world.account(&format!("a{number}"));
    }
    world.costs();
    world.disturb();
    if world.chance(15) {
        let dropped = world.pick(&STREAMS);
        world.files.remove(dropped);
    }
    Case {
        seed,
        settings: world.settings,
        t: world.t,
        extras: Extras { months: seed.is_multiple_of(4), changes: seed % 8 == 1 && accounts <= 3 },
        files: world.files,
    }
}

impl World {
    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_ratio(percent, 100)
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices.choose(&mut self.rng).unwrap().clone()
    }

    fn account(&mut self, account: &str) {
        self.profiles(account);
        self.usage(account);
        self.subscriptions(account);
        self.invoices(account);
        self.tickets(account);
        self.answers(account);
        if self.chance(20) {
            self.leaves_and_returns(account);
        }
    }

    /// Deletes the account at the end of a date, so that the date of a use tells the two lives apart, whenever the deletion is read. The next
    /// life begins with a ticket of its own: whatever follows, the instant of its first record stays known.
    fn leaves_and_returns(&mut self, account: &str) {
        let date = back(self.settings.zone.date(self.t), self.rng.random_range(0..60));
        let next = self.settings.zone.start(date);
        self.record_with_id("accounts", Some(account), "account_profile", next - 1, json!({"deleted": true, "leaves": true}), None);
        self.record("support", Some(account), "ticket_opened", next, json!({"ticket_id": "back"}));
    }

    /// Repeats lines, shuffles them, and adds bad ones.
    fn disturb(&mut self) {
        for stream in STREAMS {
            let mut lines = self.files.remove(stream).unwrap_or_default();
            let repeated: Vec<Vec<u8>> = lines.iter().filter(|_| self.rng.random_ratio(6, 100)).cloned().collect();
            lines.extend(repeated);
            let otherwise: Vec<Vec<u8>> = lines.iter().filter_map(|line| self.told_otherwise(line)).collect();
            lines.extend(otherwise);
            match self.rng.random_range(0..3) {
                0 => lines.shuffle(&mut self.rng),
                1 => {
                    let third = lines.len() / 3;
                    lines.rotate_left(third);
                }
                _ => {}
            }
            for _ in 0..self.rng.random_range(0..6) {
                let at = self.rng.random_range(0..=lines.len());
                let bad = self.bad_line(stream);
                lines.insert(at, bad);
            }
            self.files.insert(stream, lines);
        }
    }
}
