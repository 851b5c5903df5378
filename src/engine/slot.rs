//! What a task keeps for one account: its facts, its score, and what the sums hold of it.

use crate::account::section::{decode, encode};
use crate::account::{Account, CodecError};
use crate::portfolio::{AccountScore, LiveEntry};
use crate::score;
use crate::settings::StateVersion;
use crate::time::MaybeTimestamp;

/// One account as its task keeps it. What a use looks at comes first, side by side: the fewer cache lines it touches, the faster it is.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Slot {
    /// Whether something happened since it was scored.
    pub(super) unscored: bool,
    /// Whether it has its place in the hourly [`Punctuation`](super::punctuation::Punctuation).
    pub(super) is_punctuated: bool,
    /// Whether the score differs from what the changelog holds.
    pub(super) score_changed: bool,
    /// The facts.
    pub account: Account,
    /// What was published, and what the bands remember.
    pub(super) score: score::State,
    /// What the live sums hold of it; never written.
    pub(super) live: LiveEntry,
}

/// What the core record of an account holds.
#[derive(serde::Serialize)]
struct CoreRef<'a> {
    first_seen: MaybeTimestamp,
    score: &'a score::State,
}

#[derive(serde::Deserialize)]
struct Core {
    first_seen: MaybeTimestamp,
    score: score::State,
}

impl Slot {
    /// A slot for an account of which nothing is known yet.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { account: Account::new(id), ..Self::default() }
    }

    /// The account's id.
    #[must_use]
    pub const fn id(&self) -> &str {
        self.account.id()
    }

    /// What was published, and what the bands remember.
    #[must_use]
    pub const fn score(&self) -> &score::State {
        &self.score
    }

    /// How the account was last scored; `None` before.
    #[must_use]
    pub const fn last_score(&self) -> Option<&AccountScore> {
        self.live.score.as_ref()
    }

    /// What the live sums hold of it.
    #[must_use]
    pub const fn live_entry(&self) -> &LiveEntry {
        &self.live
    }

    /// How many of its changelog records are out of date, not counting further parts of sections.
    pub(super) const fn changed_records(&self) -> u32 {
        self.account.changed_sections() + self.is_core_changed() as u32
    }

    const fn is_core_changed(&self) -> bool {
        self.score_changed || self.account.first_seen_changed()
    }

    /// The core record, if it is out of date; afterwards it counts as written.
    pub(super) fn take_changed_core(&mut self, version: StateVersion) -> Option<Vec<u8>> {
        let is_changed = self.is_core_changed();
        (self.score_changed, _) = (false, self.account.take_first_seen_changed());
        is_changed.then(|| encode(version, &CoreRef { first_seen: self.account.first_seen().into(), score: &self.score }))
    }

    /// Takes back a core record.
    ///
    /// # Errors
    /// When the bytes are not a core record that this program knows.
    pub(super) fn restore_core(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let core: Core = decode(bytes)?;
        self.account.restore_first_seen(core.first_seen.get());
        self.score = core.score;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accounts are many: allocators hand out 512 bytes, and then 640.
    #[test]
    fn an_account_fits_into_512_bytes_beside_what_it_points_to() {
        assert!(size_of::<Slot>() <= 512, "{}", size_of::<Slot>());
    }
}
