//! Health bands, with asymmetric hysteresis between them.
//!
//! Each border is treated independently. Once the score is on the other side of a border than the account's band, the account crosses it
//! when the score is far enough past the border, or has been past it at every scoring for long enough. With the default model, a fall
//! from green to 38 crosses into yellow at once and into red after 24 h.

use serde::{Deserialize, Serialize};

use super::model::{Bands, Crossing};
use crate::time::{MaybeTimestamp, Timestamp};

/// A health band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// Healthy.
    Green,
    /// Needs watching.
    Yellow,
    /// Needs action.
    Red,
    /// Too little is known for a score.
    #[default]
    Unknown,
    /// No longer a customer; score and risk are frozen until it returns.
    Churned,
}

impl Band {
    /// Every band.
    pub const ALL: [Self; 5] = [Self::Green, Self::Yellow, Self::Red, Self::Unknown, Self::Churned];

    /// The name in outputs and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::Unknown => "unknown",
            Self::Churned => "churned",
        }
    }

    /// The band of a score without hysteresis.
    #[must_use]
    pub fn plain(score: f64, bands: &Bands) -> Self {
        Self::between(score >= bands.yellow, score >= bands.green)
    }

    /// Whether this band is worse than another, in the order green, yellow, red, churned; `unknown` is neither better nor worse.
    #[must_use]
    pub fn is_worse_than(self, other: Self) -> bool {
        matches!((self.rank(), other.rank()), (Some(own), Some(other)) if own > other)
    }

    const fn rank(self) -> Option<u8> {
        match self {
            Self::Green => Some(0),
            Self::Yellow => Some(1),
            Self::Red => Some(2),
            Self::Churned => Some(3),
            Self::Unknown => None,
        }
    }

    const fn between(above_yellow: bool, above_green: bool) -> Self {
        match (above_yellow, above_green) {
            (false, _) => Self::Red,
            (true, false) => Self::Yellow,
            (true, true) => Self::Green,
        }
    }
}

/// A band, and for each border since when the score has been on the other side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The band.
    pub band: Band,
    /// Beyond the border of yellow since.
    beyond_yellow: MaybeTimestamp,
    /// Beyond the border of green since.
    beyond_green: MaybeTimestamp,
}

/// A score at one scoring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The instant of scoring.
    pub t: Timestamp,
    /// The score.
    pub score: f64,
    /// The lowest cap of the immediate rules in force: borders above it are crossed downwards without waiting.
    pub immediate_cap: Option<f64>,
}

impl Position {
    /// In a band, with no crossing pending.
    #[must_use]
    pub const fn settled(band: Band) -> Self {
        Self { band, beyond_yellow: MaybeTimestamp::NONE, beyond_green: MaybeTimestamp::NONE }
    }

    /// Since when scores have been beyond the border of yellow, seen from this band.
    #[must_use]
    pub const fn beyond_yellow(&self) -> Option<Timestamp> {
        self.beyond_yellow.get()
    }

    /// Since when scores have been beyond the border of green, seen from this band.
    #[must_use]
    pub const fn beyond_green(&self) -> Option<Timestamp> {
        self.beyond_green.get()
    }

    /// The position after a scoring. There is no hysteresis out of `unknown` and `churned`.
    #[must_use]
    pub fn next(self, reading: Reading, bands: &Bands) -> Self {
        let (above_yellow, above_green) = match self.band {
            Band::Green => (true, true),
            Band::Yellow => (true, false),
            Band::Red => (false, false),
            Band::Unknown | Band::Churned => return Self::settled(Band::plain(reading.score, bands)),
        };
        let (above_yellow, beyond_yellow) = cross(above_yellow, self.beyond_yellow.get(), bands.yellow, reading, bands);
        let (above_green, beyond_green) = cross(above_green, self.beyond_green.get(), bands.green, reading, bands);
        Self { band: Band::between(above_yellow, above_green), beyond_yellow: beyond_yellow.into(), beyond_green: beyond_green.into() }
    }
}

/// The account's side of a border after a scoring, and since when the score has been on the other side.
fn cross(above: bool, since: Option<Timestamp>, border: f64, reading: Reading, bands: &Bands) -> (bool, Option<Timestamp>) {
    let Reading { t, score, immediate_cap } = reading;
    let beyond = if above { score < border } else { score >= border };
    if !beyond {
        return (above, None);
    }
    let since = since.unwrap_or(t);
    let (crossing, past) = if above { (bands.worse, border - score) } else { (bands.better, score - border) };
    let at_once = above && immediate_cap.is_some_and(|cap| cap < border);
    if at_once || past >= crossing.points || t.since(since) >= dwell_ms(crossing) { (!above, None) } else { (above, Some(since)) }
}

#[expect(clippy::cast_possible_truncation, reason = "a model allows 8784 hours at most")]
fn dwell_ms(crossing: Crossing) -> i64 {
    (crossing.hours * 3_600_000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use Band::{Churned, Green, Red, Unknown, Yellow};

    use super::*;
    use crate::time::HOUR_MS;

    /// The bands after each (hour, score).
    fn bands_after(start: Band, scores: &[(i64, f64)]) -> Vec<Band> {
        let mut position = Position::settled(start);
        let step = |&(hour, score): &(i64, f64)| {
            position = position.next(Reading { t: Timestamp(hour * HOUR_MS), score, immediate_cap: None }, &Bands::default());
            position.band
        };
        scores.iter().map(step).collect()
    }

    #[test]
    fn the_first_score_has_no_hysteresis() {
        for (score, band) in [(100.0, Green), (70.0, Green), (69.999, Yellow), (40.0, Yellow), (39.999, Red), (0.0, Red)] {
            assert_eq!(bands_after(Unknown, &[(0, score)]), [band], "{score}");
            assert_eq!(bands_after(Churned, &[(0, score)]), [band], "{score}");
        }
    }

    #[test]
    fn a_worse_band_is_entered_3_points_past_the_border_or_after_24_hours_beyond_it() {
        assert_eq!(bands_after(Green, &[(0, 67.0)]), [Yellow]);
        assert_eq!(bands_after(Green, &[(0, 67.1), (23, 69.9), (24, 69.9)]), [Green, Green, Yellow]);
        assert_eq!(bands_after(Yellow, &[(0, 37.0)]), [Red]);
        assert_eq!(bands_after(Yellow, &[(0, 37.1), (24, 39.9)]), [Yellow, Red]);
    }

    #[test]
    fn a_better_band_is_entered_5_points_past_the_border_or_after_48_hours_at_it() {
        assert_eq!(bands_after(Yellow, &[(0, 75.0)]), [Green]);
        assert_eq!(bands_after(Yellow, &[(0, 70.0), (47, 74.9), (48, 70.0)]), [Yellow, Yellow, Green]);
        assert_eq!(bands_after(Red, &[(0, 45.0)]), [Yellow]);
        assert_eq!(bands_after(Red, &[(0, 44.0), (48, 40.0)]), [Red, Yellow]);
    }

    #[test]
    fn a_score_that_comes_back_stops_the_clock() {
        let scores = [(0, 69.0), (20, 70.0), (24, 69.0), (44, 69.0), (48, 69.0)];
        assert_eq!(bands_after(Green, &scores), [Green, Green, Green, Green, Yellow]);
    }

    #[test]
    fn a_fall_through_two_borders_crosses_each_independently() {
        assert_eq!(bands_after(Green, &[(0, 37.0)]), [Red]);
        assert_eq!(bands_after(Green, &[(0, 38.0), (12, 38.0), (24, 38.0)]), [Yellow, Yellow, Red]);
        assert_eq!(bands_after(Green, &[(0, 69.0), (20, 38.0), (24, 38.0), (44, 38.0)]), [Green, Yellow, Yellow, Red]);
        assert_eq!(bands_after(Red, &[(0, 72.0), (48, 72.0)]), [Yellow, Green]);
        assert_eq!(bands_after(Red, &[(0, 75.0)]), [Green]);
    }

    #[test]
    fn an_immediate_cap_crosses_only_the_borders_above_it() {
        let at = |score, cap| Reading { t: Timestamp(0), score, immediate_cap: cap };
        let bands = Bands::default();
        assert_eq!(Position::settled(Green).next(at(39.0, None), &bands).band, Yellow);
        assert_eq!(Position::settled(Green).next(at(39.0, Some(39.0)), &bands).band, Red);
        assert_eq!(Position::settled(Yellow).next(at(39.0, Some(55.0)), &bands).band, Yellow);
        assert_eq!(Position::settled(Green).next(at(69.0, Some(55.0)), &bands).band, Yellow);
        assert_eq!(Position::settled(Red).next(at(41.0, Some(39.0)), &bands).band, Red);
    }

    #[test]
    fn unknown_is_neither_better_nor_worse() {
        assert!(Yellow.is_worse_than(Green) && Red.is_worse_than(Green) && Churned.is_worse_than(Red));
        assert!(!Green.is_worse_than(Yellow) && !Red.is_worse_than(Red));
        assert!(!Unknown.is_worse_than(Green) && !Red.is_worse_than(Unknown) && !Churned.is_worse_than(Unknown));
    }
}
