//! What happens to an account: when its story turns, and when it leaves.

use super::kind::Kind;
use super::options::Options;
use super::random::Random;
use crate::time::{DAY_MS, Timestamp};

/// The true story of an account. A level of 1 is its normal state.
#[derive(Clone, Debug)]
pub struct Story {
    /// Its kind.
    pub kind: Kind,
    /// The first instant of the run.
    pub start: Timestamp,
    /// Duration of slow changes, days.
    pub days: f64,
    /// When things begin to change; unused for kinds that never turn.
    pub turn: Timestamp,
    /// When it decides to leave; its subscription ends with the period then current.
    pub wants_to_leave: Option<Timestamp>,
    /// Whether it stops paying instead of cancelling.
    pub stops_paying: bool,
}

impl Story {
    /// Draws the story of an account of this kind.
    pub fn draw(kind: Kind, options: &Options, random: &mut Random) -> Self {
        let span = i64::from(options.story_days) * DAY_MS;
        let turn = options.start.plus(random.between(span / 4, span));
        let (least, most) = kind.patience();
        let patience = random.between(least * DAY_MS, most * DAY_MS);
        let leaves = random.chance(kind.leaving());
        Self {
            kind,
            start: options.start,
            days: f64::from(options.story_days.max(1)),
            turn,
            wants_to_leave: leaves.then(|| turn.plus(patience)),
            stops_paying: random.chance(if kind == Kind::Churning { 0.35 } else { 0.1 }),
        }
    }

    /// Level of product use.
    pub fn usage_level(&self, at: Timestamp) -> f64 {
        let turned = self.days_since_turn(at);
        match self.kind {
            Kind::Healthy | Kind::Trial => 1.0,
            Kind::Growing => 0.7 + 0.8 * (days(at.since(self.start)) / self.days).min(1.5),
            Kind::Slipping => 1.0 - 0.75 * (turned / 60.0).clamp(0.0, 1.0),
            Kind::Silent => 1.0 - (turned / 7.0).clamp(0.0, 1.0),
            Kind::Angry => 1.0 - 0.3 * (turned / 45.0).clamp(0.0, 1.0),
            Kind::Churning => 1.0 - 0.9 * (turned / 30.0).clamp(0.0, 1.0),
            Kind::Seasonal => 1.0 + 0.5 * (std::f64::consts::TAU * days(at.millis()) / 91.0).sin(),
        }
    }

    /// Level of tickets opened.
    pub fn ticket_level(&self, at: Timestamp) -> f64 {
        match self.kind {
            Kind::Angry if self.days_since_turn(at) > 0.0 => 6.0,
            Kind::Trial => 2.0,
            _ => self.usage_level(at).max(0.1),
        }
    }

    /// How satisfied it is, 0..=1.
    pub fn contentment(&self, at: Timestamp) -> f64 {
        let turned = (self.days_since_turn(at) / 30.0).clamp(0.0, 1.0);
        match self.kind {
            Kind::Healthy | Kind::Seasonal => 0.8,
            Kind::Growing => 0.9,
            Kind::Trial => 0.7,
            Kind::Slipping => 0.75 - 0.3 * turned,
            Kind::Silent => 0.7 - 0.2 * turned,
            Kind::Angry => 0.7 - 0.55 * turned,
            Kind::Churning => 0.7 - 0.45 * turned,
        }
    }

    /// Whether its story has turned, for kinds that turn.
    pub fn has_turned(&self, at: Timestamp) -> bool {
        matches!(self.kind, Kind::Slipping | Kind::Silent | Kind::Angry | Kind::Churning) && at > self.turn
    }

    fn days_since_turn(&self, at: Timestamp) -> f64 {
        days(at.since(self.turn))
    }
}

#[expect(clippy::cast_precision_loss, reason = "levels need no more than a float holds")]
fn days(millis: i64) -> f64 {
    millis as f64 / DAY_MS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(kind: Kind) -> Story {
        Story::draw(kind, &Options::default(), &mut Random::new(1, 1))
    }

    #[test]
    fn a_silent_account_stops_within_a_week_of_its_turn() {
        let story = story(Kind::Silent);
        assert!((story.usage_level(story.turn) - 1.0).abs() < 1e-9);
        assert!(story.usage_level(story.turn.plus(7 * DAY_MS)) < 1e-9);
    }

    #[test]
    fn an_angry_account_opens_more_tickets_and_is_less_content() {
        let story = story(Kind::Angry);
        let later = story.turn.plus(30 * DAY_MS);
        assert!(story.ticket_level(later) > 5.0 && story.contentment(later) < 0.2);
    }

    #[test]
    fn the_mix_decides_the_kind() {
        let mut only_angry = [0; 8];
        only_angry[4] = 3;
        assert_eq!(Kind::draw(&only_angry, &mut Random::new(5, 5)), Kind::Angry);
        assert_eq!(Kind::draw(&[0; 8], &mut Random::new(5, 5)), Kind::Healthy);
    }

    #[test]
    fn shares_add_up_to_a_hundred() {
        assert_eq!(Kind::ALL.map(Kind::default_share).iter().sum::<u32>(), 100);
    }
}
