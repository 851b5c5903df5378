//! The hidden future of an account: whether and when it declines, whether it recovers, and when it leaves.
//!
//! Nothing of it is in the records. Behaviour follows it late and with noise ([`Story`](super::story::Story)), and one part of the accounts
//! that leave never declines at all.

use super::decline::{self, Depth, Outcome};
use super::kind::Kind;
use super::options::Options;
use super::random::Random;
use crate::time::{DAY_MS, Timestamp};

/// The share of accounts that would leave without any sign during a run, if nothing else happened to them: a budget is cut, the company is
/// acquired.
const SUDDEN: f64 = 0.044;

/// How far ahead the truth looks: whether an account leaves within this many days.
pub const HORIZON_DAYS: i64 = 90;

/// The future of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Future {
    /// Its decline, if it has one. It may leave before it begins.
    pub decline: Option<Decline>,
    /// Its end, if it leaves during the run or within [`HORIZON_DAYS`] of its end, or because of its decline.
    pub leaving: Option<Leaving>,
}

/// A decline of the hidden condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decline {
    /// When it begins.
    pub begins_at: Timestamp,
    /// How deep it is.
    pub depth: Depth,
    /// When the account begins to recover, if it does.
    pub recovers_at: Option<Timestamp>,
}

/// How and when an account leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// When that is decided: the account cancels, or its payments begin to fail.
    pub decided_at: Timestamp,
    /// When its subscription ends.
    pub leaves_at: Timestamp,
    /// Why.
    pub cause: Cause,
}

/// Why an account leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It declines, and cancels.
    Cancellation,
    /// It declines, and stops paying.
    NonPayment,
    /// Something that has nothing to do with its condition, overnight.
    Sudden,
}

impl Cause {
    /// The name in labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancellation => "cancellation",
            Self::NonPayment => "non-payment",
            Self::Sudden => "sudden",
        }
    }
}

impl Future {
    /// Draws the future of an account that pays from `paid_from` on.
    pub fn draw(kind: Kind, paid_from: Timestamp, options: &Options, random: &mut Random) -> Self {
        let sudden = draw_sudden(paid_from, options, random);
        let stays = sudden.leaves_at > options.end().plus(HORIZON_DAYS * DAY_MS);
        let (first, last) = decline_days(kind, options);
        let begins_at = options.start.plus(random.between(first * DAY_MS, last * DAY_MS));
        let depth = Depth::draw(kind.depths(), random);
        let outcome = if kind.always_recovers() { decline::draw_recovery(random) } else { depth.outcome(random) };
        let stops_paying = random.chance(kind.stops_paying());
        let notice = decline::draw_notice(stops_paying, random);
        if !kind.declines() {
            return Self { decline: None, leaving: (!stays).then_some(sudden) };
        }
        let recovers_at = match outcome {
            Outcome::Recovers(week) => Some(begins_at.plus(decline::weeks(week))),
            Outcome::Decides(_) => None,
        };
        let leaving = match outcome {
            Outcome::Decides(week) => {
                let decided_at = begins_at.plus(decline::weeks(week));
                let cause = if stops_paying { Cause::NonPayment } else { Cause::Cancellation };
                let leaving = Leaving { decided_at, leaves_at: decided_at.plus(notice), cause };
                Some(if sudden.decided_at < decided_at { sudden } else { leaving })
            }
            Outcome::Recovers(_) => (!stays).then_some(sudden),
        };
        Self { decline: Some(Decline { begins_at, depth, recovers_at }), leaving }
    }

    /// Whether it is in decline, or was so recently that its behaviour still shows it.
    pub fn is_marked(&self, at: Timestamp) -> bool {
        const AFTERMATH_MS: i64 = 56 * DAY_MS;
        let ends = |decline: &Decline| decline.recovers_at.map_or(Timestamp::MAX, |recovers| recovers.plus(AFTERMATH_MS));
        self.decline.is_some_and(|decline| decline.begins_at < at && at < ends(&decline))
    }
}

/// The first and the last day on which a decline begins. One that always ends well ends within the run.
fn decline_days(kind: Kind, options: &Options) -> (i64, i64) {
    let last = i64::from(options.story_days);
    if kind.always_recovers() { (last / 4, last * 3 / 5) } else { (i64::from(options.quiet_days), last) }
}

/// The probability per day that an account leaves without any sign.
pub fn sudden_per_day(options: &Options) -> f64 {
    -(1.0 - SUDDEN).ln() / f64::from(options.story_days.max(1))
}

fn draw_sudden(paid_from: Timestamp, options: &Options, random: &mut Random) -> Leaving {
    let days = -(1.0 - random.unit()).ln() / sudden_per_day(options);
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a cast of a float saturates")]
    let leaves_at = paid_from.plus((days * DAY_MS as f64) as i64);
    Leaving { decided_at: leaves_at, leaves_at, cause: Cause::Sudden }
}
