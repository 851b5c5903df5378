//! What one account contributes to the live sums, packed. It is kept with the account and subtracted when the account is scored again.
//!
//! A typical account takes about a hundred bytes. The layout never leaves the process.

use serde::{Deserialize, Serialize};

use super::Period;
use super::additive::{Sign, Summand};
use super::feedback::{ByKind, Feedback};
use super::money::Money;
use super::names::{NameId, Names};
use super::sums::Sums;
use super::support::Support;
use super::tally::Tally;
use super::ticket::PackedTicket;
use super::usage::Usage;
use crate::account::Account;
use crate::event::Stream;
use crate::metric::Metrics;
use crate::metric::View;
use crate::settings::Settings;
use crate::time::{Timestamp, Zone};

/// Upper bound on the packed size of [`Dimensions`], which come first.
const MAX_DIMENSIONS_BYTES: usize = 32;

/// What an account contributes, as computed at [`Contribution::at`].
#[derive(Clone, Debug)]
pub struct Contribution {
    packed: Box<[u8]>,
    at_second: u32,
    /// Whether the account is queued for recomputation.
    pub waits: bool,
}

impl Contribution {
    pub(super) fn new(parts: &Parts, at: Timestamp) -> Self {
        let at_second = u32::try_from(at.0.div_euclid(1000)).unwrap_or_default();
        Self { packed: parts.pack(), at_second, waits: false }
    }

    /// When it was computed, to the second.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        Timestamp(i64::from(self.at_second) * 1000)
    }

    /// Memory used, bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        size_of::<Self>() + self.packed.len()
    }

    pub(super) fn parts(&self) -> Parts {
        Parts::unpack(&self.packed)
    }

    /// The account's segment, plan and CSM, without unpacking the rest.
    #[expect(clippy::expect_used, reason = "the bytes are our own; to go on without them would leave the sums wrong for good")]
    pub(super) fn dimensions(&self) -> Dimensions {
        let head = self.packed.get(..MAX_DIMENSIONS_BYTES).unwrap_or(&self.packed);
        postcard::take_from_bytes(&expand(head)).expect("bytes of our own are always decoded").0
    }
}

/// The segment, plan and CSM of an account, each `None` if it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dimensions {
    pub segment: Option<NameId>,
    pub plan: Option<NameId>,
    pub csm: Option<NameId>,
}

/// Sums by name.
type Named<V = u64> = Vec<(NameId, V)>;

/// The unpacked form: the sums of one account, with names as ids.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Parts {
    pub dimensions: Dimensions,
    money: Money,
    usage: Usage,
    feedback: Feedback,
    churn_reasons: Named,
    adopters: Named,
    surveys_sent: Named,
    advocacy: Named,
    themes: Named<ByKind>,
    tickets: Vec<PackedTicket>,
    onboarded: u64,
    referred: u64,
}

impl Parts {
    /// An account's contribution at `view`; the trailing period of each stream ends at the stream's own time.
    pub fn of(account: &Account, metrics: &Metrics, view: &View, settings: &Settings, names: &mut Names) -> Self {
        let period = |stream| trailing(view, stream, &settings.zone);
        let (billing, support) = (period(Stream::Billing), period(Stream::Support));
        let money = Money::of(account, &account.billing().ledger(&settings.money), &billing);
        let usage = Usage::of(account, metrics, &period(Stream::Usage));
        let feedback = Feedback::of(account.feedback(), &period(Stream::Feedback));
        let (onboarded, referred) = Sums::of_profile(account, &money, &period(Stream::Accounts));
        let tickets = account.support().tickets_in(support.from, support.to, settings.business_hours.as_ref());
        Self {
            dimensions: Dimensions::default(),
            tickets: tickets.map(|ticket| PackedTicket::pack(&ticket, names)).collect(),
            churn_reasons: named(&money.churn_reasons, names),
            adopters: named(&usage.adopters, names),
            surveys_sent: named(&feedback.surveys_sent, names),
            advocacy: named(&feedback.advocacy, names),
            themes: named(&feedback.themes, names),
            money,
            usage,
            feedback,
            onboarded,
            referred,
        }
    }

    /// The original sums, except those of health.
    pub fn into_sums(mut self, names: &Names) -> Sums {
        self.money.churn_reasons = tally(&self.churn_reasons, names);
        self.usage.adopters = tally(&self.adopters, names);
        self.feedback.surveys_sent = tally(&self.surveys_sent, names);
        self.feedback.advocacy = tally(&self.advocacy, names);
        self.feedback.themes = tally(&self.themes, names);
        let mut support = Support::default();
        self.tickets.iter().for_each(|ticket| support.ticket(&ticket.unpack(names), Sign::Plus));
        Sums {
            accounts: 1,
            money: self.money,
            usage: self.usage,
            feedback: self.feedback,
            support,
            onboarded: self.onboarded,
            referred: self.referred,
            ..Sums::default()
        }
    }

    /// Releases the names.
    pub fn release(&self, names: &mut Names) {
        let counts = [&self.churn_reasons, &self.adopters, &self.surveys_sent, &self.advocacy];
        counts.into_iter().flatten().for_each(|(id, _)| names.release(*id));
        self.themes.iter().for_each(|(id, _)| names.release(*id));
        self.tickets.iter().for_each(|ticket| ticket.release(names));
    }

    #[expect(clippy::expect_used, reason = "plain data into memory; nothing in its place would leave the sums wrong for good")]
    fn pack(&self) -> Box<[u8]> {
        squeeze(&postcard::to_allocvec(self).expect("plain data is always encoded"))
    }

    #[expect(clippy::expect_used, reason = "the bytes are our own; to go on without them would leave the sums wrong for good")]
    fn unpack(packed: &[u8]) -> Self {
        postcard::from_bytes(&expand(packed)).expect("bytes of our own are always decoded")
    }
}

fn trailing(view: &View, stream: Stream, zone: &Zone) -> Period {
    Period::trailing(view.stream(stream).t, zone)
}

fn named<V: Copy>(tally: &Tally<V>, names: &mut Names) -> Named<V> {
    tally.sums().map(|(name, sum)| (names.acquire(name), *sum)).collect()
}

fn tally<V: Summand>(sums: &Named<V>, names: &Names) -> Tally<V> {
    let mut tally = Tally::default();
    for (id, own) in sums {
        tally.change(names.get(*id), Sign::Plus, |sum: &mut V| sum.add(own));
    }
    tally
}

/// Run-length encodes zeros, which most sums are: a zero byte, then how many more follow.
fn squeeze(bytes: &[u8]) -> Box<[u8]> {
    let mut squeezed = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        squeezed.push(*first);
        rest = after;
        if *first == 0 {
            let more = rest.iter().take(usize::from(u8::MAX)).take_while(|byte| **byte == 0).count();
            squeezed.push(u8::try_from(more).unwrap_or(u8::MAX));
            rest = rest.get(more..).unwrap_or_default();
        }
    }
    squeezed.into()
}

/// Inverse of [`squeeze`].
fn expand(squeezed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(squeezed.len() * 2);
    let mut rest = squeezed.iter();
    while let Some(byte) = rest.next() {
        bytes.push(*byte);
        if *byte == 0 {
            let more = rest.next().copied().unwrap_or_default();
            bytes.resize(bytes.len() + usize::from(more), 0);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_are_read_without_the_rest() {
        for id in [None, Some(0), Some(NameId::MAX)] {
            let dimensions = Dimensions { segment: id, plan: None, csm: id };
            let contribution = Contribution::new(&Parts { dimensions, onboarded: 1, ..Parts::default() }, Timestamp(0));
            assert_eq!((contribution.dimensions(), contribution.parts().dimensions), (dimensions, dimensions));
        }
    }

    proptest! {
        #[test]
        fn runs_of_zeros_are_squeezed_and_come_back(bytes in prop::collection::vec(prop_oneof![4 => Just(0_u8), 1 => any::<u8>()], 0..700)) {
            prop_assert_eq!(expand(&squeeze(&bytes)), bytes);
        }
    }
}
