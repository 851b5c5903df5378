//! The kinds of accounts, and how likely and how soon each leaves.

use super::random::Random;

/// The kind of story that an account follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Steady use, few tickets, renews.
    Healthy,
    /// More users every month, buys seats.
    Growing,
    /// Use falls slowly over two months; may leave.
    Slipping,
    /// Use stops within a week, without warning; usually leaves.
    Silent,
    /// Urgent tickets, slow replies, poor ratings; may leave.
    Angry,
    /// Use falls, payments fail or a cancellation is scheduled; leaves.
    Churning,
    /// Starts a trial during the run; may or may not buy.
    Trial,
    /// Use swings with the season; never leaves.
    Seasonal,
}

impl Kind {
    /// All kinds, in the order of [`Options::mix`](super::Options::mix).
    pub const ALL: [Self; 8] =
        [Self::Healthy, Self::Growing, Self::Slipping, Self::Silent, Self::Angry, Self::Churning, Self::Trial, Self::Seasonal];

    /// The name in labels and options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Growing => "growing",
            Self::Slipping => "slipping",
            Self::Silent => "silent",
            Self::Angry => "angry",
            Self::Churning => "churning",
            Self::Trial => "trial",
            Self::Seasonal => "seasonal",
        }
    }

    /// Default share of accounts, in percent.
    #[must_use]
    pub const fn default_share(self) -> u32 {
        match self {
            Self::Healthy => 42,
            Self::Growing => 16,
            Self::Slipping => 9,
            Self::Silent | Self::Angry | Self::Churning => 7,
            Self::Trial | Self::Seasonal => 6,
        }
    }

    /// Draws a kind by the shares in `mix`; healthy if all are 0.
    pub fn draw(mix: &[u32; 8], random: &mut Random) -> Self {
        let total: u32 = mix.iter().sum();
        let mut place = random.between(0, i64::from(total) - 1);
        for (kind, share) in Self::ALL.into_iter().zip(mix) {
            place -= i64::from(*share);
            if place < 0 {
                return kind;
            }
        }
        Self::Healthy
    }

    /// The probability that an account of this kind leaves.
    pub const fn leaving(self) -> f64 {
        match self {
            Self::Healthy => 0.01,
            Self::Growing | Self::Seasonal => 0.0,
            Self::Slipping => 0.5,
            Self::Silent => 0.75,
            Self::Angry => 0.45,
            Self::Churning => 1.0,
            Self::Trial => 0.4,
        }
    }

    /// Least and most days from the turn of the story to the decision to leave.
    pub const fn patience(self) -> (i64, i64) {
        match self {
            Self::Silent => (25, 70),
            Self::Churning => (20, 60),
            Self::Angry => (30, 90),
            _ => (50, 120),
        }
    }
}
