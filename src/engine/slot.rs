//! What a task keeps per account: its facts, its score, and its contribution to the live sums.

use crate::account::section::{decode, encode};
use crate::account::{Account, CodecError};
use crate::portfolio::{AccountScore, LiveEntry};
use crate::score::{self, Band};
use crate::settings::StateVersion;
use crate::time::{Date, MaybeTimestamp};

/// One account as its task keeps it. The fields that a usage record needs come first, so that it touches few cache lines.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Slot {
    /// Whether records were applied since it was last scored.
    pub(super) unscored: bool,
    /// Whether it is registered in the hourly [`Punctuation`](super::punctuation::Punctuation).
    pub(super) is_punctuated: bool,
    /// Whether the score has changed since it was last written to the changelog.
    pub(super) score_changed: bool,
    /// Whether the history has changed since it was last written to the changelog.
    history_changed: bool,
    /// The facts.
    pub account: Account,
    /// The last published score and the band state.
    pub(super) score: score::State,
    /// Its contribution to the live sums; never written to the changelog.
    pub(super) live: LiveEntry,
    /// Its scores on past dates.
    history: score::History,
}

/// There are many accounts, and allocators have size classes of 512 and 640 bytes: one more field here can cost 128 bytes each.
const _: () = assert!(size_of::<Slot>() <= 512);

/// The core record of an account.
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
    /// A slot for a new account.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { account: Account::new(id), ..Self::default() }
    }

    /// The account's id.
    #[must_use]
    pub const fn id(&self) -> &str {
        self.account.id()
    }

    /// The last published score and the band state.
    #[must_use]
    pub const fn score(&self) -> &score::State {
        &self.score
    }

    /// The last score; `None` before the first.
    #[must_use]
    pub fn last_score(&self) -> Option<&AccountScore> {
        self.live.score.as_deref()
    }

    /// Its contribution to the live sums.
    #[must_use]
    pub const fn live_entry(&self) -> &LiveEntry {
        &self.live
    }

    /// Its scores on past dates.
    #[must_use]
    pub const fn history(&self) -> &score::History {
        &self.history
    }

    /// Notes a score in the history, unless the date already has one. A churned account has none: its last score no longer describes it.
    pub(super) fn note_history(&mut self, date: Date, score: &AccountScore) {
        let current = Some(score).filter(|score| score.band != Band::Churned);
        let risk = current.and_then(|score| score.risk).map(|risk| risk.probability);
        self.history_changed |= self.history.note(date, current.and_then(|score| score.health), risk);
    }

    /// How many of its changelog records are out of date; a section counts once, however many parts it has.
    pub(super) const fn changed_records(&self) -> u32 {
        self.account.changed_sections() + self.is_core_changed() as u32 + self.history_changed as u32
    }

    const fn is_core_changed(&self) -> bool {
        self.score_changed || self.account.first_seen_changed()
    }

    /// The core record, if it is out of date; marks it as written.
    pub(super) fn take_changed_core(&mut self, version: StateVersion) -> Option<Vec<u8>> {
        let is_changed = self.is_core_changed();
        (self.score_changed, _) = (false, self.account.take_first_seen_changed());
        is_changed.then(|| encode(version, &CoreRef { first_seen: self.account.first_seen().into(), score: &self.score }))
    }

    /// The history, if its record is out of date and `version` has one; marks it as written.
    pub(super) fn take_changed_history(&mut self, version: StateVersion) -> Option<Vec<u8>> {
        let is_changed = std::mem::take(&mut self.history_changed);
        (is_changed && version >= StateVersion::V2).then(|| encode(version, &self.history))
    }

    /// Restores the record of the history.
    ///
    /// # Errors
    /// When the bytes are not a known history.
    pub(super) fn restore_history(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        self.history = decode(bytes)?;
        Ok(())
    }

    /// Restores a core record.
    ///
    /// # Errors
    /// When the bytes are not a known core record.
    pub(super) fn restore_core(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let core: Core = decode(bytes)?;
        self.account.restore_first_seen(core.first_seen.get());
        self.score = core.score;
        Ok(())
    }
}
