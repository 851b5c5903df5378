//! How a decline goes on. Once a week the account may decide to leave, or recover; how likely either is depends on how deep the decline is.
//!
//! The same chances draw the future of an account and give the true probability that it leaves, so that the two cannot differ.

use super::random::Random;
use crate::time::DAY_MS;

/// After this many weeks an account that has not decided to leave recovers.
const WEEKS_MAX: u32 = 30;
/// Weeks until a decline has its full effect on decisions.
const WEEKS_TO_FULL: u32 = 4;
/// No decline ends earlier than this, in weeks.
const WEEKS_MIN: u32 = 3;
/// Least and most weeks of a decline that always ends well.
const RETURN_WEEKS: (u32, u32) = (5, 8);
/// Least and most days from a cancellation to the end of the subscription.
const NOTICE_DAYS: (i64, i64) = (3, 25);
/// Days from the first failed payment of an account that stops paying to the end of its subscription.
pub const GIVING_UP_DAYS: i64 = 28;

/// How deep a decline is; hidden, and only partly visible in behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Most recover.
    Mild,
    /// About half recover.
    Moderate,
    /// Most leave.
    Severe,
}

/// How a decline ends: weeks after it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The account decides to leave.
    Decides(u32),
    /// It recovers.
    Recovers(u32),
}

impl Depth {
    /// All depths, in the order of [`Kind::depths`](super::kind::Kind::depths).
    pub const ALL: [Self; 3] = [Self::Mild, Self::Moderate, Self::Severe];

    /// Draws a depth by its probabilities.
    pub fn draw(probabilities: [f64; 3], random: &mut Random) -> Self {
        let mut place = random.unit();
        for (depth, probability) in Self::ALL.into_iter().zip(probabilities) {
            place -= probability;
            if place < 0.0 {
                return depth;
            }
        }
        Self::Severe
    }

    /// Its full effect on behaviour, 0..=1.
    pub const fn severity(self) -> f64 {
        match self {
            Self::Mild => 0.4,
            Self::Moderate => 0.7,
            Self::Severe => 1.0,
        }
    }

    /// The probability of deciding to leave in a week, given that the decline has gone on until then.
    fn decision(self, week: u32) -> f64 {
        let full = match self {
            Self::Mild => 0.006,
            Self::Moderate => 0.045,
            Self::Severe => 0.11,
        };
        full * f64::from(week.min(WEEKS_TO_FULL)) / f64::from(WEEKS_TO_FULL)
    }

    /// The probability of recovering in a week, given no decision to leave.
    const fn recovery(self, week: u32) -> f64 {
        match self {
            _ if week >= WEEKS_MAX => 1.0,
            _ if week < WEEKS_MIN => 0.0,
            Self::Mild => 0.16,
            Self::Moderate => 0.05,
            Self::Severe => 0.01,
        }
    }

    /// Draws how a decline ends.
    pub fn outcome(self, random: &mut Random) -> Outcome {
        for week in 1..WEEKS_MAX {
            if random.chance(self.decision(week)) {
                return Outcome::Decides(week);
            }
            if random.chance(self.recovery(week)) {
                return Outcome::Recovers(week);
            }
        }
        Outcome::Recovers(WEEKS_MAX)
    }

    /// The probability that an account has left `days` after its decline began, given that `weeks` of it have passed without a decision.
    /// `stops_paying` is the probability that one that leaves stops paying instead of cancelling.
    pub fn leaves_within(self, days: f64, weeks: u32, stops_paying: f64) -> f64 {
        let (mut declining, mut left) = (1.0, 0.0);
        for week in weeks + 1..WEEKS_MAX {
            let rest = days - 7.0 * f64::from(week);
            if rest < 0.0 {
                break;
            }
            let decides = declining * self.decision(week);
            left += decides * notice_within(rest, stops_paying);
            declining = (declining - decides) * (1.0 - self.recovery(week));
        }
        left
    }
}

/// Draws the end of a decline that always ends well.
pub fn draw_recovery(random: &mut Random) -> Outcome {
    let (least, most) = RETURN_WEEKS;
    let weeks = random.between(i64::from(least), i64::from(most));
    Outcome::Recovers(u32::try_from(weeks).unwrap_or(most))
}

/// Weeks in milliseconds.
pub fn weeks(count: u32) -> i64 {
    i64::from(count) * 7 * DAY_MS
}

/// Time from the decision to leave to the end of the subscription.
pub fn draw_notice(stops_paying: bool, random: &mut Random) -> i64 {
    let (least, most) = NOTICE_DAYS;
    let notice = random.between(least * DAY_MS, most * DAY_MS);
    if stops_paying { GIVING_UP_DAYS * DAY_MS } else { notice }
}

/// The probability that it is at most this many days.
#[expect(clippy::cast_precision_loss, reason = "days of a month")]
fn notice_within(days: f64, stops_paying: f64) -> f64 {
    let (least, most) = (NOTICE_DAYS.0 as f64, NOTICE_DAYS.1 as f64);
    let cancelled = ((days - least) / (most - least)).clamp(0.0, 1.0);
    let unpaid = if days >= GIVING_UP_DAYS as f64 { 1.0 } else { 0.0 };
    (1.0 - stops_paying) * cancelled + stops_paying * unpaid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probability_of_leaving_is_the_share_that_leaves() {
        let mut random = Random::new(1, 1);
        for depth in Depth::ALL {
            let mut left = [0.0; 3];
            let horizons = [40.0, 90.0, 240.0];
            for _ in 0..20_000 {
                let (outcome, stops_paying) = (depth.outcome(&mut random), random.chance(0.2));
                let notice = draw_notice(stops_paying, &mut random);
                if let Outcome::Decides(week) = outcome {
                    let at = (weeks(week) + notice) as f64 / DAY_MS as f64;
                    left.iter_mut().zip(horizons).for_each(|(count, horizon)| *count += f64::from(u8::from(at <= horizon)));
                }
            }
            for (count, horizon) in left.into_iter().zip(horizons) {
                let (share, said) = (count / 20_000.0, depth.leaves_within(horizon, 0, 0.2));
                assert!((share - said).abs() < 0.012, "{depth:?} within {horizon} days: {share} leave, {said} said");
            }
        }
    }

    #[test]
    fn the_deeper_a_decline_the_more_accounts_leave() {
        let leave = Depth::ALL.map(|depth| depth.leaves_within(365.0, 0, 0.1));
        assert!(leave[0] < 0.1 && leave[0] < leave[1] && leave[1] < leave[2] && leave[2] > 0.8, "{leave:?}");
    }
}
