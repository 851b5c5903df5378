//! What an account shows of its future: behaviour that follows its hidden condition late, in part, and with noise.

use super::future::Future;
use super::kind::Kind;
use super::noise::Noise;
use super::options::Options;
use super::profile::Traits;
use super::random::Random;
use crate::time::{DAY_MS, Timestamp};

/// Least and most days by which behaviour is behind the condition.
const LAG_DAYS: (i64, i64) = (3, 21);
/// Days in which a recovering account comes back.
const RECOVERY_DAYS: f64 = 28.0;
/// A decline shows once behaviour has this part of its full effect.
const SHOWS_FROM: f64 = 0.15;
/// Use never falls lower through noise alone.
const ORDINARY_MIN: f64 = 0.3;

/// The story of an account as others see it. A level of 1 is an ordinary account.
#[derive(Clone, Debug)]
pub struct Story {
    /// Its kind.
    pub kind: Kind,
    /// Its hidden future.
    pub future: Future,
    /// Whether a trial runs out instead of becoming a subscription.
    pub trial_fails: bool,
    /// The first instant of the run.
    start: Timestamp,
    /// Duration of slow changes, days.
    days: f64,
    poor_fit: bool,
    /// How far behaviour is behind the condition, ms.
    lag: i64,
    /// How much of a decline shows, 0..=1.
    openness: f64,
    noise: Noise,
}

impl Story {
    /// Draws the story of an account of this kind.
    pub fn draw(kind: Kind, traits: &Traits, options: &Options, random: &mut Random) -> Self {
        Self {
            kind,
            future: Future::draw(kind, traits.paid_from, options, random),
            trial_fails: kind == Kind::Trial && random.chance(0.4),
            start: options.start,
            days: f64::from(options.story_days.max(1)),
            poor_fit: traits.poor_fit,
            lag: random.between(LAG_DAYS.0 * DAY_MS, LAG_DAYS.1 * DAY_MS),
            openness: 0.55 + 0.45 * random.unit(),
            noise: Noise::draw(options.noise, random),
        }
    }

    /// Level of product use.
    pub fn usage_level(&self, at: Timestamp) -> f64 {
        let ordinary = match self.kind {
            Kind::Growing => 0.7 + 0.8 * (days(at.since(self.start)) / self.days).min(1.5),
            Kind::Seasonal => 1.0 + 0.5 * (std::f64::consts::TAU * days(at.millis()) / 91.0).sin(),
            _ => 1.0,
        };
        let lost = match self.kind {
            Kind::Slipping => 0.8 * self.shown(at),
            // However deep the decline is, nobody uses the product.
            Kind::Silent | Kind::Returning => self.progress(at),
            Kind::Angry => 0.3 * self.shown(at),
            Kind::Churning => 0.9 * self.shown(at),
            _ => 0.0,
        };
        (ordinary * self.noise.level(at)).max(ORDINARY_MIN) * (1.0 - lost)
    }

    /// Level of tickets opened.
    pub fn ticket_level(&self, at: Timestamp) -> f64 {
        match self.kind {
            Kind::Angry => 1.0 + 6.0 * self.shown(at),
            Kind::Trial => 2.0,
            _ => self.usage_level(at).max(0.1),
        }
    }

    /// How satisfied it is, 0..=1.
    pub fn contentment(&self, at: Timestamp) -> f64 {
        let (ordinary, lost) = match self.kind {
            Kind::Growing => (0.9, 0.0),
            Kind::Trial => (0.7, 0.0),
            Kind::Healthy | Kind::Seasonal => (0.8, 0.0),
            Kind::Slipping => (0.8, 0.35),
            Kind::Silent | Kind::Returning => (0.8, 0.25),
            Kind::Angry => (0.8, 0.65),
            Kind::Churning => (0.8, 0.5),
        };
        let fit = if self.poor_fit { 0.12 } else { 0.0 };
        (ordinary - fit - lost * self.shown(at)).max(0.05)
    }

    /// The probability that the payment of an invoice fails at first.
    pub fn payment_failure(&self, at: Timestamp) -> f64 {
        let more = if self.kind == Kind::Churning { 0.15 } else { 0.03 };
        0.03 + more * self.shown(at)
    }

    /// Whether others can see that it is in decline.
    pub fn is_visibly_in_decline(&self, at: Timestamp) -> bool {
        self.shown(at) > SHOWS_FROM
    }

    /// How much of a decline shows, 0..=1.
    fn shown(&self, at: Timestamp) -> f64 {
        self.future.decline.map_or(0.0, |decline| self.openness * decline.depth.severity() * self.progress(at))
    }

    /// How far the decline has come, 0..=1, as behaviour follows it.
    fn progress(&self, at: Timestamp) -> f64 {
        let Some(decline) = self.future.decline else { return 0.0 };
        let since = |then: Timestamp| days(at.since(then.plus(self.lag)));
        let onset = match self.kind {
            Kind::Silent | Kind::Returning => 7.0,
            Kind::Angry => 14.0,
            Kind::Slipping => 56.0,
            _ => 28.0,
        };
        let back = decline.recovers_at.map_or(0.0, |recovers| (since(recovers) / RECOVERY_DAYS).clamp(0.0, 1.0));
        (since(decline.begins_at) / onset).clamp(0.0, 1.0) * (1.0 - back)
    }
}

#[expect(clippy::cast_precision_loss, reason = "levels need no more than a float holds")]
fn days(millis: i64) -> f64 {
    millis as f64 / DAY_MS as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::decline::Depth;
    use crate::simulate::future::Decline;
    use crate::simulate::kind::Mix;

    /// The story of an account whose severe decline begins 60 days after the start and recovers 100 days later.
    fn story(kind: Kind) -> Story {
        let options = Options { noise: 0.0, ..Options::default() };
        let mut random = Random::new(1, 1);
        let traits = Traits::draw(1, kind, &options, &mut random);
        let mut story = Story::draw(kind, &traits, &options, &mut random);
        let begins_at = options.start.plus(60 * DAY_MS);
        let recovers_at = Some(begins_at.plus(100 * DAY_MS));
        story.future.decline = kind.declines().then_some(Decline { begins_at, depth: Depth::Severe, recovers_at });
        story
    }

    fn day(story: &Story, day: i64) -> Timestamp {
        story.start.plus(day * DAY_MS)
    }

    #[test]
    fn a_silent_account_stops_within_a_week_of_the_lag_and_comes_back_when_it_recovers() {
        let story = story(Kind::Silent);
        assert!((story.usage_level(day(&story, 60).plus(story.lag)) - 1.0).abs() < 1e-9);
        assert!(story.usage_level(day(&story, 67).plus(story.lag)) < 1e-9);
        assert!((story.usage_level(day(&story, 188).plus(story.lag)) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_returning_account_stops_and_comes_back_within_the_run_and_never_leaves_because_of_it() {
        let options = Options {
            mix: Kind::ALL.map(|kind| u32::from(kind == Kind::Returning)),
            noise: 0.0,
            days: 105,
            story_days: 105,
            ..Options::default()
        };
        for index in 0..50 {
            let mut random = Random::new(9, index);
            let traits = Traits::draw(1, Kind::Returning, &options, &mut random);
            let story = Story::draw(Kind::Returning, &traits, &options, &mut random);
            let decline = story.future.decline.unwrap();
            let away = decline.begins_at.plus(story.lag + 8 * DAY_MS);
            let back = decline.recovers_at.unwrap().plus(story.lag + 28 * DAY_MS);
            assert!(story.usage_level(away) < 1e-9 && (story.usage_level(back) - 1.0).abs() < 1e-9, "{decline:?}");
            assert!(decline.begins_at > options.start.plus(25 * DAY_MS) && decline.recovers_at.unwrap() < options.start.plus(120 * DAY_MS));
            assert!(story.future.leaving.is_none_or(|leaving| leaving.cause == crate::simulate::future::Cause::Sudden));
        }
    }

    #[test]
    fn behaviour_is_late() {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.declines()) {
            let story = story(kind);
            assert!(story.shown(day(&story, 62)) == 0.0 && !story.is_visibly_in_decline(day(&story, 62)), "{kind:?}");
            assert!(story.is_visibly_in_decline(day(&story, 140)), "{kind:?}");
        }
    }

    #[test]
    fn an_angry_account_opens_more_tickets_and_is_less_content() {
        let story = story(Kind::Angry);
        let (before, later) = (day(&story, 50), day(&story, 100));
        assert!(story.ticket_level(later) > 3.0 * story.ticket_level(before));
        assert!(story.contentment(later) < story.contentment(before) - 0.3);
    }

    #[test]
    fn the_mix_decides_the_kind() {
        let mut only_angry = Mix::default();
        only_angry[4] = 3;
        assert_eq!(Kind::draw(&only_angry, &mut Random::new(5, 5)), Kind::Angry);
        assert_eq!(Kind::draw(&Mix::default(), &mut Random::new(5, 5)), Kind::Healthy);
    }

    #[test]
    fn shares_add_up_to_a_hundred() {
        assert_eq!(Kind::ALL.map(Kind::default_share).iter().sum::<u32>(), 100);
    }
}
