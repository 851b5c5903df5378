//! Under what names a thread is known to the group and to the transaction coordinator.

use std::hash::{BuildHasher as _, RandomState};

use super::options::Options;

/// The names of a thread.
pub(super) struct Identity {
    /// What the group knows a member by that comes back within the session; `None` without `application.instance`.
    pub group_instance: Option<String>,
    /// Of its producers.
    pub transactional_id: String,
}

impl Identity {
    /// The names of a thread by its number; without `application.instance` those of this run alone.
    pub(super) fn of(options: &Options, number: usize) -> Self {
        let application = &options.application;
        let group_instance = options.instance.as_ref().map(|instance| format!("{application}-{instance}-{number}"));
        let transactional_id = group_instance.clone().unwrap_or_else(|| format!("{application}-{:016x}-{number}", random()));
        Self { group_instance, transactional_id }
    }
}

/// A number that no other process has: the keys of a standard hash map come from the operating system's randomness.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
